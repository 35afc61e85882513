//! Constants: numbers and small tables are computed once, here.

use super::super::analysis::Graphs;
use super::super::language::{AxisId, Operator, OperatorKind};
use super::super::pattern::{Match, add};
use super::Law::Exact;
use super::Phase::Cleanup;
use super::build::{terms, ty};
use super::{Right, Rule, rule};
use crate::constant;
use egg::{Id, Language};
use std::sync::Arc;
use tcc_ir::Dtype;
use tcc_ir::graph::Table;
use tcc_ir::scalar::Literal;

/// Most elements of a table that is computed.
const TABLE_LIMIT: usize = 1024;

/// The rules.
pub static RULES: &[Rule] = &[Rule {
    right: Right::Build("the table of its values", fold),
    ..rule(
        "fold-tables",
        Exact,
        Cleanup,
        ("?a", ""),
        "an operation on constant tables and numbers that no number domain rounds is a table",
        "constant folding",
    )
}];

/// A constant tensor: its axes in storage order and its elements.
struct Constant {
    axes: Vec<AxisId>,
    literals: Vec<Literal>,
}

fn constant_of(graphs: &Graphs, class: Id) -> Option<Constant> {
    if let Some(literal) = graphs[class].data.constant {
        return Some(Constant { axes: Vec::new(), literals: vec![literal] });
    }
    terms(graphs, class, OperatorKind::TABLE).into_iter().find_map(|(operator, _)| match operator {
        Operator::Table(table, _, axes) => match &*table {
            Table::Literals(literals) => Some(Constant { axes, literals: literals.clone() }),
            Table::Dft => None,
        },
        _ => None,
    })
}

fn fold(graphs: &mut Graphs, root: Id, _: &Match) -> Vec<Id> {
    if constant_of(graphs, root).is_some() {
        return Vec::new();
    }
    let own = ty(graphs, root).clone();
    let mut folded = None;
    for term in graphs[root].iter() {
        let Operator::Map(op, _) = graphs.analysis.operators.of(term) else { continue };
        let operands: Option<Vec<(Constant, Dtype)>> = term
            .children()
            .iter()
            .map(|&operand| Some((constant_of(graphs, operand)?, ty(graphs, operand).dtype)))
            .collect();
        folded = operands.and_then(|operands| elements(graphs, *op, own.dtype, &own.axes, &operands));
        if folded.is_some() {
            break;
        }
    }
    let Some(literals) = folded else { return Vec::new() };
    let operator = match (own.axes.is_empty(), literals.first()) {
        (true, Some(&literal)) => Operator::Const(literal, own.dtype),
        _ => Operator::Table(Arc::new(Table::Literals(literals)), own.dtype, own.axes),
    };
    add(graphs, operator, Vec::new()).into_iter().collect()
}

/// The elements of an operation in row-major order of `axes`; `None` where one rounds, or there are many.
fn elements(
    graphs: &Graphs,
    op: tcc_ir::ScalarOp,
    dtype: Dtype,
    axes: &[AxisId],
    operands: &[(Constant, Dtype)],
) -> Option<Vec<Literal>> {
    let extent = |axis: AxisId| -> Option<usize> {
        usize::try_from(graphs.analysis.operators.axis(axis).extent.as_const()?).ok()
    };
    let extents: Vec<usize> = axes.iter().map(|&axis| extent(axis)).collect::<Option<_>>()?;
    let count = extents.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent))?;
    if count > TABLE_LIMIT {
        return None;
    }
    let mut literals = Vec::with_capacity(count);
    for place in 0..count {
        let mut rest = place;
        let mut point = vec![0; axes.len()];
        for (index, extent) in point.iter_mut().zip(&extents).rev() {
            *index = rest % extent;
            rest /= extent;
        }
        let at = |constant: &Constant| {
            let mut offset = 0;
            for &axis in &constant.axes {
                let position = axes.iter().position(|&own| own == axis)?;
                offset = offset * extents[position] + point[position];
            }
            constant.literals.get(offset).copied()
        };
        let values: Vec<(Literal, Dtype)> =
            operands.iter().map(|(constant, dtype)| Some((at(constant)?, *dtype))).collect::<Option<_>>()?;
        literals.push(constant::fold(op, dtype, &values).filter(|literal| literal.fits(dtype))?);
    }
    Some(literals)
}
