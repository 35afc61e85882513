//! Names the axes of values as their users do, so that accesses that only rename disappear.
//!
//! ```text
//! %1 s = sum[d] %0 : f32[q, k]                 %1 s = sum[d] %0 : f32[i, j]
//! %4 = access %1[%2, %3] : f32[i, j]     -->
//! %5 = exp %4 : f32[i, j]                      %5 = exp %1 : f32[i, j]
//! ```
//!
//! Programs that are written an operation at a time name the axes of every tensor afresh. Other passes look
//! through values, not through accesses: with one name for one axis they see what belongs together.
//!
//! A value that is used under several names keeps its own, and so do inputs, tables, recurrences and what
//! is read at computed places. Exact in every contract; no value is computed twice. O(n) for n operands.

use crate::{Changed, PassContext};
use tcc_ir::axis::Name;
use tcc_ir::graph::{Graph, Op, ValueId};
use tcc_ir::{Axis, Type};

/// The names under which the users of a value see its axes, in the order of its type.
#[derive(Clone, PartialEq, Eq)]
enum Wanted {
    /// Nobody has asked (yet); in the end: nobody needs it.
    Unasked,
    /// All users so far agree; an axis that all of them reduce may have any name.
    Names(Vec<Option<Name>>),
    /// The value keeps its own names.
    Own,
}

/// What a value wants of an operand.
struct Demand {
    operand: ValueId,
    /// Names for its axes in the order of its type, `None`: any.
    names: Vec<Option<Name>>,
    /// Whether its axes are addressed by position.
    positional: bool,
}

/// What all users want of all values.
struct Plan {
    wanted: Vec<Wanted>,
    /// Whether some user addresses the axes of the value by position.
    positional: Vec<bool>,
    /// Whether a value depends on a step of a recurrence.
    stepping: Vec<bool>,
}

/// Renames from the outputs to the inputs, then rebuilds the graph.
pub fn run(graph: &mut Graph, context: &PassContext) -> Changed {
    let plan = Plan::of(graph);
    let absorbed = |value: ValueId| match plan.renamed_source(graph, value) {
        Some((source, names)) if plan.wanted[value.index()] != Wanted::Unasked => {
            matches!(&plan.wanted[source.index()], Wanted::Names(known) if joined(known, &names).is_some())
        }
        _ => false,
    };
    if !graph.values().any(absorbed) || !context.spend() {
        return Changed::No;
    }
    let before = graph.clone();
    match rebuild(graph, &plan) {
        Ok(()) if graph.nodes.len() <= context.limits.nodes.max(before.nodes.len()) => Changed::Yes,
        _ => {
            *graph = before;
            Changed::No
        }
    }
}

fn own_names(ty: &Type) -> Vec<Name> {
    ty.axes.iter().map(|axis| axis.name.clone()).collect()
}

/// The names that are wanted; where any will do, the axis keeps its own unless another one has taken it.
fn completed(wanted: &[Option<Name>], own: &[Name]) -> Vec<Name> {
    let mut names = wanted.to_vec();
    for place in 0..names.len() {
        if names[place].is_some() {
            continue;
        }
        let numbered = (1..).map(|number| Name::from(format!("{}.{number}", own[place])));
        let candidates = std::iter::once(own[place].clone()).chain(numbered);
        names[place] = candidates.into_iter().find(|name| !names.iter().flatten().any(|taken| taken == name));
    }
    names.into_iter().flatten().collect()
}

/// Both wishes at once, if they agree.
fn joined(one: &[Option<Name>], other: &[Option<Name>]) -> Option<Vec<Option<Name>>> {
    let agree = |(a, b): (&Option<Name>, &Option<Name>)| match (a, b) {
        (Some(a), Some(b)) if a != b => None,
        (a, b) => Some(a.clone().or_else(|| b.clone())),
    };
    one.iter().zip(other).map(agree).collect()
}

impl Plan {
    fn of(graph: &Graph) -> Plan {
        let mut plan = Plan {
            wanted: vec![Wanted::Unasked; graph.nodes.len()],
            positional: vec![false; graph.nodes.len()],
            stepping: graph.stepping().iter().map(Option::is_some).collect(),
        };
        let roots = graph.outputs.iter().map(|output| output.value);
        for root in roots.chain(graph.checks.iter().map(|check| check.value)) {
            plan.wanted[root.index()] = Wanted::Own;
        }
        // Users stand after their operands: what a value is called is settled before it asks for names.
        for value in graph.values().rev() {
            if plan.wanted[value.index()] == Wanted::Unasked {
                continue;
            }
            for Demand { operand, names, positional } in plan.demands(graph, value) {
                plan.positional[operand.index()] |= positional;
                let wanted = &mut plan.wanted[operand.index()];
                let agreed = match wanted {
                    Wanted::Unasked if !keeps_names(&graph.node(operand).op) => Some(names),
                    Wanted::Names(known) => joined(known, &names),
                    _ => None,
                };
                // Two axes cannot have one name.
                let distinct = |names: &Vec<Option<Name>>| {
                    let given: Vec<&Name> = names.iter().flatten().collect();
                    given.iter().enumerate().all(|(at, name)| !given[..at].contains(name))
                };
                *wanted = agreed.filter(distinct).map_or(Wanted::Own, Wanted::Names);
            }
        }
        plan
    }

    /// What the axes of a value are to be called, in the order of its type.
    fn names(&self, graph: &Graph, value: ValueId) -> Vec<Option<Name>> {
        match &self.wanted[value.index()] {
            Wanted::Names(names) => names.clone(),
            Wanted::Unasked | Wanted::Own => {
                graph.ty(value).axes.iter().map(|a| Some(a.name.clone())).collect()
            }
        }
    }

    /// If a value is nothing but another one under other names: that one, with the names of its axes.
    fn renamed_source(&self, graph: &Graph, value: ValueId) -> Option<(ValueId, Vec<Option<Name>>)> {
        let Op::Access { source, indices, outside: None } = &graph.node(value).op else { return None };
        let (ty, from) = (graph.ty(value), graph.ty(*source));
        if self.stepping[value.index()] || ty.axes.len() != from.axes.len() {
            return None;
        }
        let names = self.names(graph, value);
        let mut places = Vec::with_capacity(indices.len());
        for (index, axis) in indices.iter().zip(&from.axes) {
            let Op::Index(name) = &graph.node(*index).op else { return None };
            let place = ty.axes.iter().position(|other| other.name == *name)?;
            if ty.axes[place].extent != axis.extent || places.contains(&place) {
                return None;
            }
            places.push(place);
        }
        let in_order = places.iter().enumerate().all(|(at, &place)| at == place);
        let names = places.iter().map(|&place| names[place].clone()).collect();
        (in_order || !self.positional[value.index()]).then_some((*source, names))
    }

    /// What a value, under its own names, wants of each operand.
    fn demands(&self, graph: &Graph, value: ValueId) -> Vec<Demand> {
        let node = graph.node(value);
        if let Some((operand, names)) = self.renamed_source(graph, value) {
            return vec![Demand { operand, names, positional: self.positional[value.index()] }];
        }
        let as_it_is = |operand: ValueId| {
            let names = own_names(graph.ty(operand)).into_iter().map(Some).collect();
            Demand { operand, names, positional: true }
        };
        let names = self.names(graph, value);
        // An axis that the value does not have is one that it reduces.
        let new_name =
            |axis: &Axis| names[node.ty.axes.iter().position(|own| own.name == axis.name)?].clone();
        let renamed = |operand: ValueId| {
            let names = graph.ty(operand).axes.iter().map(new_name).collect();
            Demand { operand, names, positional: false }
        };
        match &node.op {
            _ if self.stepping[value.index()] => node.op.operands().into_iter().map(as_it_is).collect(),
            Op::Map(_, operands) => operands.iter().copied().map(renamed).collect(),
            Op::Reduce { value, .. } | Op::Normalise { value, .. } => vec![renamed(*value)],
            Op::Access { source, indices, outside } => {
                let others = indices.iter().chain(outside).copied().map(renamed);
                std::iter::once(as_it_is(*source)).chain(others).collect()
            }
            _ => node.op.operands().into_iter().map(as_it_is).collect(),
        }
    }
}

/// Values whose names others give, or mean something.
fn keeps_names(op: &Op) -> bool {
    matches!(
        op,
        Op::Input(_)
            | Op::Table(_)
            | Op::Scatter { .. }
            | Op::State { .. }
            | Op::Recur { .. }
            | Op::Transform { .. }
    )
}

/// A value of the new graph, with the names of its axes in the order that the old value has.
#[derive(Clone)]
struct Moved {
    value: ValueId,
    names: Vec<Name>,
}

/// The graph with every value under its new names.
fn rebuild(graph: &mut Graph, plan: &Plan) -> Result<(), String> {
    let old = graph.clone();
    graph.nodes.clear();
    let mut moved: Vec<Option<Moved>> = Vec::with_capacity(old.nodes.len());
    for value in old.values() {
        if plan.wanted[value.index()] == Wanted::Unasked {
            moved.push(None);
            continue;
        }
        let known = |operand: ValueId| moved[operand.index()].as_ref().ok_or("an operand is missing");
        let mut operands = Vec::new();
        if plan.renamed_source(&old, value).is_some() {
            let demand = &plan.demands(&old, value)[0];
            let source = known(demand.operand)?;
            let names = match joined(&demand.names, &given(&source.names)) {
                Some(_) => source.names.clone(),
                None => completed(&demand.names, &own_names(old.ty(demand.operand))),
            };
            let to = under(graph, source, &names)?;
            // From the order of the source to that of the value.
            let Op::Access { indices, .. } = &old.node(value).op else { continue };
            let place =
                |axis: &Axis| indices.iter().position(|&index| old.ty(index).axes[0].name == axis.name);
            let names =
                old.ty(value).axes.iter().filter_map(|axis| Some(names[place(axis)?].clone())).collect();
            moved.push(Some(Moved { value: to, names }));
            continue;
        }
        let renames = Renames::of(&old, value, plan, &moved)?;
        for Demand { operand, positional, .. } in plan.demands(&old, value) {
            let ty = old.ty(operand);
            let names = if positional { own_names(ty) } else { renames.names(ty) };
            operands.push(under(graph, known(operand)?, &names)?);
        }
        let mut node = old.node(value).clone();
        let names = renames.names(&node.ty);
        let mut next = operands.into_iter();
        node.op = node.op.map_operands(&mut |operand| next.next().unwrap_or(operand));
        match &mut node.op {
            Op::Reduce { axes, .. } | Op::Normalise { axes, .. } => {
                axes.iter_mut().for_each(|axis| *axis = renames.name(axis));
            }
            Op::Index(axis) => *axis = renames.name(axis),
            _ => {}
        }
        node.ty.axes.iter_mut().for_each(|axis| axis.name = renames.name(&axis.name));
        graph.nodes.push(node);
        moved.push(Some(Moved { value: ValueId(graph.nodes.len() as u32 - 1), names }));
    }
    let root =
        |value: ValueId| moved[value.index()].as_ref().map(|moved| moved.value).ok_or("a root is missing");
    for output in &mut graph.outputs {
        output.value = root(output.value)?;
    }
    for check in &mut graph.checks {
        check.value = root(check.value)?;
    }
    Ok(())
}

fn given(names: &[Name]) -> Vec<Option<Name>> {
    names.iter().cloned().map(Some).collect()
}

/// The new name of every axis of a value and of its operands.
struct Renames(Vec<(Name, Name)>);

impl Renames {
    /// What users want first, then what operands are called already.
    fn of(old: &Graph, value: ValueId, plan: &Plan, moved: &[Option<Moved>]) -> Result<Renames, String> {
        let own = own_names(old.ty(value));
        let mut pairs: Vec<(Name, Option<Name>)> = own.into_iter().zip(plan.names(old, value)).collect();
        for Demand { operand, positional, .. } in plan.demands(old, value) {
            let Some(known) = &moved[operand.index()] else { return Err("an operand is missing".into()) };
            for (axis, name) in old.ty(operand).axes.iter().zip(&known.names) {
                if positional {
                    continue;
                }
                let place = pairs.iter().position(|(own, _)| *own == axis.name).unwrap_or_else(|| {
                    pairs.push((axis.name.clone(), None));
                    pairs.len() - 1
                });
                if pairs[place].1.is_none() && !pairs.iter().any(|(_, taken)| taken.as_ref() == Some(name)) {
                    pairs[place].1 = Some(name.clone());
                }
            }
        }
        let (own, wanted): (Vec<Name>, Vec<Option<Name>>) = pairs.into_iter().unzip();
        let names = completed(&wanted, &own);
        Ok(Renames(own.into_iter().zip(names).collect()))
    }

    fn name(&self, axis: &Name) -> Name {
        self.0.iter().find(|(own, _)| own == axis).map_or(axis, |(_, name)| name).clone()
    }

    fn names(&self, ty: &Type) -> Vec<Name> {
        ty.axes.iter().map(|axis| self.name(&axis.name)).collect()
    }
}

/// A value with its axes under these names.
fn under(graph: &mut Graph, known: &Moved, names: &[Name]) -> Result<ValueId, String> {
    if known.names == names {
        return Ok(known.value);
    }
    if let Op::Index(_) = graph.node(known.value).op {
        let extent = graph.ty(known.value).axes[0].extent.clone();
        return Ok(graph.index(&Axis::new(names[0].clone(), extent)));
    }
    let renames: Vec<(Name, Name)> = known.names.iter().cloned().zip(names.iter().cloned()).collect();
    graph.rename(known.value, &renames)
}
