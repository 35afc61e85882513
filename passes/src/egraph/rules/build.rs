//! Building and looking at terms, for rules that are functions.

use super::super::analysis::{ClassType, Graphs};
use super::super::language::{AxisId, Operator, OperatorKind};
use super::super::pattern::add;
use egg::{Id, Language};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};
use tcc_ir::{Dtype, Extent, planted};

/// The type of a class.
pub fn ty(graphs: &Graphs, class: Id) -> &ClassType {
    &graphs[class].data.ty
}

/// The operands of every term of a class that is of a kind, with its operation.
pub fn terms(graphs: &Graphs, class: Id, kind: OperatorKind) -> Vec<(Operator, Vec<Id>)> {
    graphs[class]
        .iter()
        .filter(|term| term.discriminant() == kind)
        .map(|term| (graphs.analysis.operators.of(term).clone(), term.operands.clone()))
        .collect()
}

/// The operands of every term of a class that is a scalar operation.
pub fn maps(graphs: &Graphs, class: Id, op: ScalarOp) -> Vec<Vec<Id>> {
    terms(graphs, class, OperatorKind::map(op)).into_iter().map(|(_, operands)| operands).collect()
}

/// The axis whose index a class is.
pub fn index_of(graphs: &Graphs, class: Id) -> Option<AxisId> {
    terms(graphs, class, OperatorKind::INDEX).into_iter().find_map(|(operator, _)| match operator {
        Operator::Index(axis) => Some(axis),
        _ => None,
    })
}

/// A scalar operation that is no cast.
pub fn map(graphs: &mut Graphs, op: ScalarOp, operands: &[Id]) -> Option<Id> {
    add(graphs, Operator::Map(op, None), operands.to_vec())
}

/// A conversion; the class itself if it has that dtype.
pub fn cast(graphs: &mut Graphs, class: Id, dtype: Dtype) -> Option<Id> {
    if ty(graphs, class).dtype == dtype {
        return Some(class);
    }
    add(graphs, Operator::Map(ScalarOp::Cast, Some(dtype)), vec![class])
}

/// A reduction; along no axes the class itself.
pub fn reduce(graphs: &mut Graphs, op: ReduceOp, axes: &[AxisId], class: Id) -> Option<Id> {
    if axes.is_empty() {
        return Some(class);
    }
    add(graphs, Operator::Reduce(op, axes.to_vec()), vec![class])
}

/// The index of an axis.
pub fn index(graphs: &mut Graphs, axis: AxisId) -> Option<Id> {
    add(graphs, Operator::Index(axis), Vec::new())
}

/// A small integer as a number of a dtype.
pub fn integer(graphs: &mut Graphs, value: i64, dtype: Dtype) -> Option<Id> {
    add(graphs, Operator::Const(Literal::of(value, dtype), dtype), Vec::new())
}

/// A size as a number of a dtype.
pub fn size(graphs: &mut Graphs, extent: Extent, dtype: Dtype) -> Option<Id> {
    let size = add(graphs, Operator::Size(extent), Vec::new())?;
    cast(graphs, size, dtype)
}

/// The product of values, those with the fewest axes first.
pub fn product(graphs: &mut Graphs, factors: &[Id]) -> Option<Id> {
    let mut factors = factors.to_vec();
    factors.sort_by_key(|&factor| ty(graphs, factor).axes.len());
    let (first, rest) = factors.split_first()?;
    rest.iter().try_fold(*first, |product, &factor| map(graphs, ScalarOp::Mul, &[product, factor]))
}

/// Whether a class has one of the axes.
pub fn depends(graphs: &Graphs, class: Id, axes: &[AxisId]) -> bool {
    ty(graphs, class).axes.iter().any(|axis| axes.contains(axis))
}

/// Most factors that a product is taken apart into.
const FACTOR_LIMIT: usize = 8;

/// The factors of a product, following the first product of each class.
pub fn factors(graphs: &Graphs, class: Id) -> Vec<Id> {
    let mut factors = vec![class];
    let mut position = 0;
    while position < factors.len() {
        let first = maps(graphs, factors[position], ScalarOp::Mul).into_iter().next();
        match first {
            Some(operands) if factors.len() < FACTOR_LIMIT && !operands.contains(&factors[position]) => {
                factors.splice(position..=position, operands);
            }
            _ => position += 1,
        }
    }
    factors
}

/// The pairs (axis of the source, axis of the result) of an access that only gives axes other names.
pub fn renaming(graphs: &Graphs, axes: &[AxisId], operands: &[Id]) -> Option<Vec<(AxisId, AxisId)>> {
    let extent = |axis: AxisId| &graphs.analysis.operators.axis(axis).extent;
    let mut pairs = Vec::with_capacity(axes.len());
    for (&axis, &index) in axes.iter().zip(operands.get(1..)?) {
        let new = index_of(graphs, index)?;
        let one = planted(15) && extent(axis).as_const() == Some(1); // Planted bug 15.
        if extent(new) != extent(axis) && !one || pairs.iter().any(|pair: &(AxisId, AxisId)| pair.1 == new) {
            return None;
        }
        pairs.push((axis, new));
    }
    Some(pairs)
}

/// Levels of operations through which a new name of an axis is carried.
const RENAME_DEPTH: usize = 6;

/// The value with the axis `from` called `to`, which has the same extent; through operations down to
/// accesses and indices. Below them, or where it gets too deep, by an access if `wrap`, else not at all.
pub fn renamed(graphs: &mut Graphs, value: Id, from: AxisId, to: AxisId, wrap: bool) -> Option<Id> {
    let name = graphs.analysis.operators.axis(to).name.clone();
    let clashes = |graphs: &Graphs| {
        ty(graphs, value).axes.iter().any(|&axis| graphs.analysis.operators.axis(axis).name == name)
    };
    if clashes(graphs) {
        return None;
    }
    rename(graphs, value, (from, to), wrap, RENAME_DEPTH)
}

fn rename(
    graphs: &mut Graphs,
    value: Id,
    (from, to): (AxisId, AxisId),
    wrap: bool,
    depth: usize,
) -> Option<Id> {
    if !depends(graphs, value, &[from]) {
        return Some(value);
    }
    if depth > 0 {
        let found = graphs[value].iter().find_map(|term| {
            let operator = graphs.analysis.operators.of(term).clone();
            let through = matches!(operator, Operator::Index(_) | Operator::Access(..) | Operator::Map(..));
            through.then(|| (operator, term.operands.clone()))
        });
        match found {
            Some((Operator::Index(_), _)) => return index(graphs, to),
            Some((operator @ Operator::Map(..), operands)) => {
                let operands: Option<Vec<Id>> = operands
                    .into_iter()
                    .map(|operand| rename(graphs, operand, (from, to), wrap, depth - 1))
                    .collect();
                return add(graphs, operator, operands?);
            }
            Some((Operator::Access(axes, outside), mut operands)) => {
                for operand in operands.iter_mut().skip(1) {
                    *operand = rename(graphs, *operand, (from, to), wrap, depth - 1)?;
                }
                let plain = renaming(graphs, &axes, &operands);
                // Planted bug 14.
                let same =
                    |pair: &(AxisId, AxisId)| pair.0 == pair.1 || planted(14) && axes.contains(&pair.1);
                if plain.is_some_and(|pairs| pairs.iter().all(same)) {
                    return operands.first().copied();
                }
                return add(graphs, Operator::Access(axes, outside), operands);
            }
            _ => {}
        }
    }
    if !wrap {
        return None;
    }
    let axes = ty(graphs, value).axes.clone();
    let mut operands = vec![value];
    for &axis in &axes {
        operands.push(index(graphs, if axis == from { to } else { axis })?);
    }
    add(graphs, Operator::Access(axes, false), operands)
}
