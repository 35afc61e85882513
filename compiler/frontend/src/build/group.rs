//! Groups of equations: one tensor, or the members of a recurrence.

use super::body::Body;
use super::operands::name_axes;
use super::program::Building;
use super::recur;
use super::scatter;
use super::value::{Stored, Value};
use crate::ast::Span;
use crate::check::order::{self, Group, WorkList};
use crate::check::ranges::{Facts, may_overflow};
use crate::check::recurrence::{self, Recurrence};
use crate::check::resolved::{Equation, Left, TensorId, VariableId};
use crate::check::sizes::{self, Surroundings, VariableSize};
use crate::check::{Diagnostics, Reported, SizeRow};
use crate::diagnostic::{Code, Diagnostic};
use std::collections::BTreeMap;
use tcc_ir::axis::{Axis, Name, Type};
use tcc_ir::graph::{Op, ValueId};
use tcc_ir::{Dtype, Extent, Relation, Requirement};

/// Builds a group; what is wrong with it has been reported.
pub fn build_group(all: &mut Building<'_>, group: &Group, equations: &mut [Vec<Equation>]) {
    let broken = group.tensors.iter().any(|tensor| {
        let list = &equations[tensor.index()];
        list.iter().any(|equation| equation.broken)
    });
    let waits = group.tensors.iter().any(|tensor| {
        equations[tensor.index()].iter().any(|equation| {
            let missing =
                |id: &TensorId| all.stored[id.index()].is_none() && group.tensors.binary_search(id).is_err();
            order::reads(equation).iter().any(missing)
        })
    });
    let undefined = |tensor: &TensorId| equations[tensor.index()].is_empty();
    let result = if group.tensors.iter().all(undefined) {
        if all.stored[group.tensors[0].index()].is_some() { Ok(()) } else { Err(Reported) }
    } else if broken || waits {
        Err(Reported)
    } else if group.recursive {
        build_recurrence(all, group, equations)
    } else {
        build_tensor(all, group.tensors[0], &equations[group.tensors[0].index()])
    };
    if result.is_err() {
        for &tensor in &group.tensors {
            all.stored[tensor.index()] = placeholder(all, tensor);
        }
    }
}

/// A stand-in for a declared tensor whose equation is wrong, so that equations that read it are still
/// checked; the graph is thrown away in the end.
fn placeholder(all: &mut Building<'_>, tensor: TensorId) -> Option<Stored> {
    let dtype = all.declared_dtype(tensor)?;
    let dims = all.declared_dims(tensor)?.to_vec();
    let axes = name_axes(&all.names.tensor(tensor).name, &dims, &vec![None; dims.len()]);
    let id = all.builder.graph.push(Op::Input(usize::MAX), Type::new(dtype, axes.clone()));
    Some(Stored::of_type(id, dtype, axes))
}

fn settle(
    all: &mut Building<'_>,
    equation: &Equation,
    solved: Vec<Option<VariableSize>>,
) -> Result<Vec<VariableSize>, Reported> {
    let mut requirements = Vec::new();
    let mut found = Diagnostics::default();
    let left_name = all.names.tensor(equation.tensor).name.clone();
    let around = Surroundings {
        shape: &|source| all.shape(source),
        declared: all.declared_dims(equation.tensor),
        shape_broken: all.shape_broken(equation.tensor),
        left_name: &left_name,
    };
    let result = sizes::settle(equation, &around, solved, &mut requirements, &mut found);
    all.found.list.append(&mut found.list);
    requirements.into_iter().for_each(|requirement| all.add_requirement(requirement));
    if let Ok(known) = &result {
        for (variable, size) in equation.variables.iter().zip(known) {
            all.sizes.push(SizeRow {
                equation: left_name.to_string(),
                index: variable.name.to_string(),
                extent: size.extent.clone(),
                origin: size.origin.clone(),
                span: variable.span,
            });
        }
        require_extents(all, equation, known);
    }
    result
}

/// Stated sizes that may be negative are required not to be, and sizes that may not fit in 64 bits are
/// required to have a value at all.
fn require_extents(all: &mut Building<'_>, equation: &Equation, known: &[VariableSize]) {
    let facts = Facts { nonnegative: all.nonnegative.clone(), ..Facts::default() };
    for (variable, size) in equation.variables.iter().zip(known) {
        let negative = variable.stated.is_some() && !facts.nonnegative(&size.extent);
        // The axes of operands exist, so their extents do.
        if negative || may_overflow(&size.extent) && !all.is_operand_axis(&size.extent) {
            all.add_requirement(Requirement {
                left: Extent::from(0),
                relation: Relation::Le,
                right: size.extent.clone(),
                message: format!("{}: the size of index {} is {{right}}", Code::NegativeSize, variable.name),
                span: Some((size.span.start, size.span.end)),
            });
        }
    }
}

fn solve(all: &Building<'_>, equation: &Equation) -> Vec<Option<VariableSize>> {
    let around = Surroundings {
        shape: &|source| all.shape(source),
        declared: all.declared_dims(equation.tensor),
        shape_broken: all.shape_broken(equation.tensor),
        left_name: &all.names.tensor(equation.tensor).name,
    };
    sizes::solve(equation, &around)
}

fn build_tensor(all: &mut Building<'_>, tensor: TensorId, list: &[Equation]) -> Result<(), Reported> {
    let name = all.names.tensor(tensor).name.clone();
    let dtype = all.declared_dtype(tensor);
    let sizes: Vec<Result<Vec<VariableSize>, Reported>> = list
        .iter()
        .map(|equation| {
            let solved = solve(all, equation);
            settle(all, equation, solved)
        })
        .collect();
    let sizes = sizes.into_iter().collect::<Result<Vec<_>, _>>()?;
    let stored = if let ([equation], false) = (list, list.iter().any(Equation::is_scatter)) {
        let mut body = Body::new(all, equation, &sizes[0], None);
        body.open_equation();
        body.plain(&name, dtype)?
    } else {
        scatter_all(all, list, &sizes, dtype, &name)?
    };
    all.builder.name(stored.id, &name);
    all.stored[tensor.index()] = Some(stored);
    Ok(())
}

fn scatter_all(
    all: &mut Building<'_>,
    list: &[Equation],
    sizes: &[Vec<VariableSize>],
    dtype: Option<Dtype>,
    name: &Name,
) -> Result<Stored, Reported> {
    let mut axes: Option<Vec<Axis>> = None;
    let mut total: Option<Value> = None;
    let mut failed = false;
    // The axes come from a scatter form if there is one; plain forms are renamed.
    let first = list.iter().position(Equation::is_scatter).unwrap_or(0);
    let order = std::iter::once(first).chain((0..list.len()).filter(|position| *position != first));
    for position in order {
        let equation = &list[position];
        let mut body = Body::new(all, equation, &sizes[position], None);
        body.open_equation();
        let own = match &axes {
            Some(axes) => axes.clone(),
            None => axes.insert(body.tensor_axes()?).clone(),
        };
        let value = if equation.is_scatter() {
            body.scatter(&own)
        } else {
            same_shape(&mut body, &own, list[first].left_span).and_then(|()| body.plain_beside_scatter(&own))
        };
        let op = super::equation::reduction(equation.op).and_then(|(op, _)| op.scalar_op());
        match (value, total.take(), op) {
            (Ok(value), None, _) => total = Some(value),
            (Ok(value), Some(known), Some(op)) => total = Some(scatter::merge(&mut body, op, known, &value)),
            _ => failed = true,
        }
    }
    match (total, axes, failed) {
        (Some(value), Some(axes), false) => {
            let mut body = Body::new(all, &list[first], &sizes[first], None);
            scatter::finish(&mut body, &value, dtype, name, axes)
        }
        _ => Err(Reported),
    }
}

/// A plain form has the shape that the tensor has from its first equation.
fn same_shape(body: &mut Body<'_, '_>, axes: &[Axis], first: Span) -> Result<(), Reported> {
    let span = body.equation.left_span;
    for (position, (own, axis)) in body.left_axes().iter().zip(axes).enumerate() {
        let (own, extent) = (own.extent.clone(), axis.extent.clone());
        let difference = (own.clone() - extent.clone()).as_const();
        if difference == Some(0) {
            continue;
        }
        let message = |own: &str, other: &str| {
            format!("axis {} has size {own} here, but {other} in the first equation", position + 1)
        };
        if difference.is_some() {
            let text = message(&own.to_string(), &extent.to_string());
            return Err(body.error(
                Diagnostic::new(Code::IndexSizesDisagree, text)
                    .label(span, format!("{own} here"))
                    .label(first, format!("{extent} here"))
                    .help("equations that combine have one shape: state the sizes, or declare it"),
            ));
        }
        body.require(
            own,
            Relation::Eq,
            extent,
            Code::IndexSizesDisagree,
            &message("{left}", "{right}"),
            span,
        );
    }
    Ok(())
}

fn build_recurrence(
    all: &mut Building<'_>,
    group: &Group,
    equations: &mut [Vec<Equation>],
) -> Result<(), Reported> {
    let recurrence = recurrence::analyse(group, equations, all.names, all.found)?;
    recur::unify_axes(group, &recurrence, equations);
    let solved = solve_group(all, group, &recurrence, equations);
    let mut sizes = BTreeMap::new();
    let mut failed = false;
    for (tensor, solved) in solved {
        match settle(all, &equations[tensor.index()][0], solved) {
            Ok(known) => {
                sizes.insert(tensor, known);
            }
            Err(Reported) => failed = true,
        }
    }
    // Shapes that were assumed while solving are no longer needed.
    for &tensor in &group.tensors {
        all.stored[tensor.index()] = None;
    }
    if failed {
        return Err(Reported);
    }
    same_length(all, group, &recurrence, equations, &mut sizes);
    recur::build(all, group, &recurrence, equations, &sizes)
}

/// Solves the sizes of a group together: what one equation finds, the others may use.
fn solve_group(
    all: &mut Building<'_>,
    group: &Group,
    recurrence: &Recurrence,
    equations: &[Vec<Equation>],
) -> BTreeMap<TensorId, Vec<Option<VariableSize>>> {
    let mut solved: BTreeMap<TensorId, Vec<Option<VariableSize>>> = BTreeMap::new();
    let mut length: Option<VariableSize> = None;
    let mut pending = WorkList::new(group, equations);
    while let Some(tensor) = pending.next() {
        let equation = &equations[tensor.index()][0];
        let mut sizes = solve(all, equation);
        if let Some((_, index)) = recurrence.steps.get(&tensor) {
            match (&sizes[index.index()], &length) {
                (Some(known), None) => {
                    length = Some(VariableSize { explicit: false, ..known.clone() });
                    pending.all_changed(group);
                }
                (None, Some(known)) => {
                    let origin = "the other equations of the recurrence".to_owned();
                    sizes[index.index()] = Some(VariableSize { origin, explicit: true, ..known.clone() });
                }
                _ => {}
            }
        }
        if all.stored[tensor.index()].is_none()
            && let Some(axes) = assumed_axes(equation, &sizes)
        {
            all.stored[tensor.index()] = Some(Stored::of_type(ValueId(0), Dtype::F64, axes));
            pending.changed(tensor);
        }
        solved.insert(tensor, sizes);
    }
    solved
}

/// The shape of a member, if all sizes on its left are known.
fn assumed_axes(equation: &Equation, sizes: &[Option<VariableSize>]) -> Option<Vec<Axis>> {
    let extent = |variable: &VariableId| sizes[variable.index()].as_ref().map(|size| size.extent.clone());
    let axis = |(position, left): (usize, &Left)| {
        let extent = match left {
            Left::Bare(variable, _) => extent(variable)?,
            Left::Group(members, _) => {
                members.iter().try_fold(Extent::from(1), |product, member| Some(product * extent(member)?))?
            }
            Left::Computed(_) => return None,
        };
        Some(Axis::new(position.to_string(), extent))
    };
    equation.left.iter().enumerate().map(axis).collect()
}

/// All members take the same number of steps.
fn same_length(
    all: &mut Building<'_>,
    group: &Group,
    recurrence: &Recurrence,
    equations: &[Vec<Equation>],
    sizes: &mut BTreeMap<TensorId, Vec<VariableSize>>,
) {
    let mut first: Option<(TensorId, VariableSize)> = None;
    for tensor in &group.tensors {
        let (Some((_, index)), Some(list)) = (recurrence.steps.get(tensor), sizes.get_mut(tensor)) else {
            continue;
        };
        let size = &mut list[index.index()];
        let Some((of, length)) = &first else {
            first = Some((*tensor, size.clone()));
            continue;
        };
        if size.extent == length.extent {
            continue;
        }
        let (name, other) = (&all.names.tensor(*tensor).name, &all.names.tensor(*of).name);
        let span = equations[tensor.index()][0].variables[index.index()].span;
        let message =
            |a: &str, b: &str| format!("{name} takes {a} steps, but {other} of the same recurrence {b}");
        let difference = (size.extent.clone() - length.extent.clone()).as_const();
        if difference.is_some_and(|difference| difference != 0) {
            let text = message(&size.extent.to_string(), &length.extent.to_string());
            all.found.push(
                Diagnostic::new(Code::IndexSizesDisagree, text)
                    .label(span, format!("{} here", size.extent))
                    .label(length.span, format!("{} here", length.extent))
                    .help("equations that step together take the same number of steps"),
            );
        } else {
            let text = format!("{}: {}", Code::IndexSizesDisagree, message("{left}", "{right}"));
            let (left, right) = (size.extent.clone(), length.extent.clone());
            let span = Some((span.start, span.end));
            all.add_requirement(Requirement { left, relation: Relation::Eq, right, message: text, span });
        }
        size.extent = length.extent.clone();
    }
}
