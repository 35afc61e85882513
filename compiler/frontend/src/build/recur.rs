//! Recurrences: the states of a group, its values step by step, and its finished trajectories.

use super::body::Body;
use super::program::Building;
use super::value::Stored;
use crate::check::Reported;
use crate::check::dtypes::{self, Numeric};
use crate::check::order::{Group, WorkList};
use crate::check::recurrence::Recurrence;
use crate::check::resolved::{Equation, TensorId};
use crate::check::sizes::VariableSize;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use tcc_ir::axis::{Axis, Name};
use tcc_ir::graph::{Direction, Op, ValueId};
use tcc_ir::{Dtype, Kind, Type};

/// A tensor of the group that is being built.
pub struct Member {
    pub state: ValueId,
    /// The value that defines it at every step, once it is built.
    pub next: Cell<Option<ValueId>>,
    pub numeric: Numeric,
    pub axes: Vec<Axis>,
    /// Which axis is stepped.
    pub position: usize,
    pub direction: Direction,
}

/// The group.
pub struct Members(BTreeMap<TensorId, Member>);

impl Members {
    pub fn get(&self, tensor: TensorId) -> Option<&Member> {
        self.0.get(&tensor)
    }
}

/// Gives the stepped index the same axis in all equations of a group, and no other index that axis.
pub fn unify_axes(group: &Group, recurrence: &Recurrence, equations: &mut [Vec<Equation>]) {
    let Some((first, (_, index))) = recurrence.steps.first_key_value() else { return };
    let axis = equations[first.index()][0].variables[index.index()].axis.clone();
    for &tensor in &group.tensors {
        let Some((_, index)) = recurrence.steps.get(&tensor) else { continue };
        let variables = &mut equations[tensor.index()][0].variables;
        if variables[index.index()].axis == axis {
            continue;
        }
        let mut count = 0;
        let mut fresh: Name;
        loop {
            count += 1;
            fresh = Arc::from(format!("{axis}.{count}"));
            if variables.iter().all(|variable| variable.axis != fresh) {
                break;
            }
        }
        for variable in variables.iter_mut().filter(|variable| variable.axis == axis) {
            variable.axis = fresh.clone();
        }
        variables[index.index()].axis = axis.clone();
    }
}

/// The dtypes of the members: what is declared, else what the values give without counting mentions of
/// the group itself.
pub fn dtypes_of(
    all: &Building<'_>,
    group: &Group,
    equations: &[Vec<Equation>],
) -> Result<BTreeMap<TensorId, Numeric>, Reported> {
    let mut known: BTreeMap<TensorId, Option<Numeric>> = group
        .tensors
        .iter()
        .map(|&tensor| (tensor, all.declared_dtype(tensor).map(Numeric::strong)))
        .collect();
    // A dtype that grows is passed on to those who read it. Joining only ever goes up a few steps, from
    // weak to strong and from narrow to wide, so this ends, after a few looks at each equation.
    let mut pending = WorkList::new(group, equations);
    while let Some(tensor) = pending.next() {
        if all.declared_dtype(tensor).is_some() {
            continue;
        }
        let equation = &equations[tensor.index()][0];
        let of_tensor = |id: TensorId| match known.get(&id) {
            Some(member) => Ok(*member),
            None => all.stored[id.index()].as_ref().map(|stored| Some(stored.numeric)).ok_or(Reported),
        };
        let mut value = dtypes::infer(&equation.body, &of_tensor)?;
        if let Some((_, written)) = super::equation::reduction(equation.op) {
            value = value.map(|value| dtypes::reduction(written, value));
        }
        let before = known.get(&tensor).copied().flatten();
        let joined = match (before, value) {
            (Some(a), Some(b)) => Some(dtypes::join(a, b)),
            (a, b) => a.or(b),
        };
        if joined != before {
            known.insert(tensor, joined);
            pending.changed(tensor);
        }
    }
    Ok(known
        .into_iter()
        .map(|(tensor, numeric)| (tensor, numeric.unwrap_or(Numeric::weak(Kind::Int))))
        .collect())
}

/// Builds a group whose indices have their sizes.
pub fn build(
    all: &mut Building<'_>,
    group: &Group,
    recurrence: &Recurrence,
    equations: &[Vec<Equation>],
    sizes: &BTreeMap<TensorId, Vec<VariableSize>>,
) -> Result<(), Reported> {
    let numerics = dtypes_of(all, group, equations)?;
    let first_node = all.builder.graph.nodes.len();
    let first_check = all.builder.graph.checks.len();
    let members = states(all, group, recurrence, equations, sizes, &numerics)?;
    let mut failed = false;
    for &tensor in &recurrence.order {
        let (equation, sizes) = (&equations[tensor.index()][0], &sizes[&tensor]);
        match next(all, equation, sizes, &members, numerics[&tensor].dtype) {
            Ok(value) => {
                let Some(member) = members.get(tensor) else { continue };
                member.next.set(Some(value));
            }
            Err(Reported) => failed = true,
        }
    }
    if failed {
        return Err(Reported);
    }
    finish(all, group, &members, first_node, first_check);
    Ok(())
}

fn states(
    all: &mut Building<'_>,
    group: &Group,
    recurrence: &Recurrence,
    equations: &[Vec<Equation>],
    sizes: &BTreeMap<TensorId, Vec<VariableSize>>,
    numerics: &BTreeMap<TensorId, Numeric>,
) -> Result<Members, Reported> {
    let mut members = BTreeMap::new();
    for &tensor in &group.tensors {
        let Some((position, _)) = recurrence.steps.get(&tensor) else { return Err(Reported) };
        let equation = &equations[tensor.index()][0];
        let mut body = Body::new(all, equation, &sizes[&tensor], None);
        let axes = body.tensor_axes()?;
        let numeric = numerics[&tensor];
        let axis = axes[*position].name.clone();
        let op = Op::State { axis, direction: recurrence.direction };
        let state = all.builder.add(op, &Type::new(numeric.dtype, axes.clone()));
        members.insert(
            tensor,
            Member {
                state,
                next: Cell::new(None),
                numeric,
                axes,
                position: *position,
                direction: recurrence.direction,
            },
        );
    }
    Ok(Members(members))
}

/// The value that defines a member at every step.
fn next(
    all: &mut Building<'_>,
    equation: &Equation,
    sizes: &[VariableSize],
    members: &Members,
    dtype: Dtype,
) -> Result<ValueId, Reported> {
    let name = all.names.tensor(equation.tensor).name.clone();
    let mut body = Body::new(all, equation, sizes, Some(members));
    body.open_equation();
    let stored = if equation.is_scatter() {
        let axes = body.tensor_axes()?;
        let value = body.scatter(&axes)?;
        super::scatter::finish(&mut body, &value, Some(dtype), &name, axes)?
    } else {
        body.plain(&name, Some(dtype))?
    };
    let full = all.builder.broadcast(stored.id, &stored.axes);
    all.builder.name(full, &name);
    Ok(full)
}

/// Makes the finished trajectories, and moves the checks of the bodies onto them.
fn finish(all: &mut Building<'_>, group: &Group, members: &Members, first_node: usize, first_check: usize) {
    let states: Vec<ValueId> = members.0.values().map(|member| member.state).collect();
    let nexts: Vec<ValueId> = members.0.values().filter_map(|member| member.next.get()).collect();
    let last_node = all.builder.graph.nodes.len();
    let mut results: HashMap<ValueId, ValueId> = HashMap::new();
    for (position, (tensor, member)) in members.0.iter().enumerate() {
        let op = Op::Recur { result: position, states: states.clone(), nexts: nexts.clone() };
        let id = all.builder.add(op, &Type::scalar(Dtype::F64));
        let name = all.names.tensor(*tensor).name.clone();
        all.builder.name(id, &name);
        results.insert(member.state, id);
        let mut stored = Stored::of_type(id, member.numeric.dtype, member.axes.clone());
        stored.numeric = member.numeric;
        all.stored[tensor.index()] = Some(stored);
    }
    debug_assert_eq!(group.tensors.len(), states.len());
    if all.builder.graph.checks.len() > first_check {
        move_checks(all, results, members, first_node..last_node, first_check);
    }
}

/// Rebuilds what the checks of the group look at, with trajectories in the place of states.
fn move_checks(
    all: &mut Building<'_>,
    mut finished: HashMap<ValueId, ValueId>,
    members: &Members,
    nodes: std::ops::Range<usize>,
    first_check: usize,
) {
    let trajectories: HashMap<ValueId, ValueId> = members
        .0
        .values()
        .filter_map(|member| Some((member.next.get()?, *finished.get(&member.state)?)))
        .collect();
    for position in nodes {
        let value = ValueId(position as u32);
        let node = all.builder.graph.node(value).clone();
        let operands = node.op.operands();
        if finished.contains_key(&value) || !operands.iter().any(|operand| finished.contains_key(operand)) {
            continue;
        }
        let rebuilt = match trajectories.get(&value) {
            Some(trajectory) => *trajectory,
            None => {
                let op = node.op.map_operands(&mut |operand| *finished.get(&operand).unwrap_or(&operand));
                all.builder.add(op, &node.ty)
            }
        };
        finished.insert(value, rebuilt);
    }
    for position in first_check..all.builder.graph.checks.len() {
        let value = all.builder.graph.checks[position].value;
        if let Some(rebuilt) = finished.get(&value) {
            all.builder.graph.checks[position].value = *rebuilt;
        }
    }
}
