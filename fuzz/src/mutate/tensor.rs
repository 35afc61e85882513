//! Mutators that know what tensors are made of: axes, extents, dtypes, guards.

use super::program::{ancestors, graph_of, replace_uses, retype, values};
use crate::case::Case;
use crate::choices::Choices;
use crate::generate::graph::reopen;
use crate::generate::operations::condition;
use crate::generate::{ELEMENT_LIMIT, EXTENTS};
use tcc_ir::graph::{Graph, Op, ValueId};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};
use tcc_ir::{Axis, Dtype, Extent, Kind, Name, SymbolDecl};

/// Replaces an extent by another wherever it stands.
fn replace_extent(graph: &mut Graph, old: &Extent, new: &Extent) {
    let swap = |axes: &mut Vec<Axis>| {
        axes.iter_mut().filter(|axis| axis.extent == *old).for_each(|axis| axis.extent = new.clone());
    };
    for node in &mut graph.nodes {
        swap(&mut node.ty.axes);
        if let Op::Size(extent) = &mut node.op
            && extent == old
        {
            *extent = new.clone();
        }
    }
    graph.inputs.iter_mut().for_each(|input| swap(&mut input.ty.axes));
}

/// The constant extents of a graph without those of tables, which have as many elements as they have.
fn constant_extents(graph: &Graph) -> Vec<Extent> {
    let mut found: Vec<Extent> = Vec::new();
    for axis in graph.nodes.iter().flat_map(|node| &node.ty.axes) {
        if axis.extent.as_const().is_some() && !found.contains(&axis.extent) {
            found.push(axis.extent.clone());
        }
    }
    for node in graph.nodes.iter().filter(|node| matches!(node.op, Op::Table(_))) {
        found.retain(|extent| node.ty.axes.iter().all(|axis| axis.extent != *extent));
    }
    found
}

fn small(graph: &Graph, sizes: &tcc_ir::Bindings) -> Option<()> {
    let elements = |axes: &[Axis]| {
        axes.iter().fold(1i64, |n, axis| n.saturating_mul(axis.extent.eval(sizes).unwrap_or(i64::MAX)))
    };
    graph.nodes.iter().all(|node| elements(&node.ty.axes) <= ELEMENT_LIMIT).then_some(())
}

/// Changes an extent everywhere: that of a symbol, or a constant one.
pub fn extent(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let size = choices.weighted(EXTENTS)?;
    let names: Vec<Name> = case.sizes.keys().cloned().collect();
    if choices.chance(50)
        && let Some(name) = choices.pick(&names)
    {
        case.sizes.insert(name, size);
    } else {
        let graph = graph_of(case)?;
        let old = choices.pick(&constant_extents(graph))?;
        replace_extent(graph, &old, &Extent::from(size));
        retype(graph)?;
    }
    let sizes = case.sizes.clone();
    match &case.program {
        crate::case::Program::Graph(graph) => small(graph, &sizes),
        _ => case.sizes.values().all(|size| *size <= 17).then_some(()),
    }
}

/// Extents at which sizes in bytes leave 32 bits.
const HUGE: &[i64] = &[46_341, 65_537, (1 << 31) + 1, (1 << 32) + 3];

/// Makes an extent so large that nothing can be run: what passes do must hold for that, too.
pub fn huge(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let size = choices.pick(HUGE)?;
    let graph = graph_of(case)?;
    let old = choices.pick(&constant_extents(graph))?;
    replace_extent(graph, &old, &Extent::from(size));
    retype(graph)
}

/// Makes two extents one: square shapes hide what is transposed from checks of shapes.
pub fn equalise(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let sizes = case.sizes.clone();
    let graph = graph_of(case)?;
    let extents = constant_extents(graph);
    let (old, new) = (choices.pick(&extents)?, choices.pick(&extents)?);
    replace_extent(graph, &old, &new);
    retype(graph)?;
    small(graph, &sizes)
}

/// Replaces a constant extent by a symbol of that size.
pub fn symbol(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let mut sizes = case.sizes.clone();
    let graph = graph_of(case)?;
    let old = choices.pick(&constant_extents(graph))?;
    let free = |name: &&str| graph.symbols.iter().all(|symbol| *symbol.name != **name);
    let name: Name = ["n", "m", "p", "q", "r", "s"].into_iter().find(free)?.into();
    replace_extent(graph, &old, &Extent::symbol(name.clone()));
    graph.symbols.push(SymbolDecl { name: name.clone(), param: false, default: None });
    retype(graph)?;
    sizes.insert(name, old.as_const()?);
    case.sizes = sizes;
    Some(())
}

/// Gives an operand another dtype and casts it to the one it had.
pub fn dtype(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let graph = graph_of(case)?;
    let found = values(graph, |v| matches!(graph.node(v).op, Op::Input(_)));
    let value = choices.pick(&found)?;
    let Op::Input(position) = graph.node(value).op else { return None };
    let old = graph.ty(value).dtype;
    let new = choices.pick(&[Dtype::F32, Dtype::F64, Dtype::I32, Dtype::I64, Dtype::U8, Dtype::F16])?;
    if new == old || old == Dtype::Bool || old.kind() < new.kind() {
        return None;
    }
    graph.inputs[position].ty.dtype = new;
    graph.nodes[value.index()].ty.dtype = new;
    let cast = graph.push(Op::Map(ScalarOp::Cast, vec![value]), graph.ty(value).with_dtype(old));
    replace_uses(graph, value, cast, &[])
}

/// Values outside of recurrences.
fn outside(graph: &Graph, wanted: impl Fn(ValueId) -> bool) -> Vec<ValueId> {
    let stepping = graph.stepping();
    values(graph, |v| {
        stepping[v.index()].is_none() && !matches!(graph.node(v).op, Op::State { .. }) && wanted(v)
    })
}

/// Reads a value under other names of its axes, and that under the old ones: no change of meaning.
pub fn transpose(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let graph = graph_of(case)?;
    let found = outside(graph, |v| !graph.ty(v).axes.is_empty());
    let old = choices.pick(&found)?;
    let axes = graph.ty(old).axes.clone();
    let fresh = |axis: &Axis| -> Name { format!("{}.t", axis.name).as_str().into() };
    let there: Vec<(Name, Name)> = axes.iter().map(|axis| (axis.name.clone(), fresh(axis))).collect();
    let back: Vec<(Name, Name)> = there.iter().rev().map(|(a, b)| (b.clone(), a.clone())).collect();
    let first = graph.nodes.len();
    let renamed = graph.rename(old, &there).ok()?;
    let again = graph.rename(renamed, &back).ok()?;
    let new: Vec<ValueId> = (first..graph.nodes.len()).map(|at| ValueId(at as u32)).collect();
    replace_uses(graph, old, again, &new)
}

/// Replaces a value by a selection of it where a condition holds, and of a constant elsewhere.
pub fn guard(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let sizes = case.sizes.clone();
    let graph = graph_of(case)?;
    let found = outside(graph, |_| true);
    let old = choices.pick(&found)?;
    let first = graph.nodes.len();
    let mut maker = reopen(std::mem::take(graph), sizes, choices);
    // The condition must not need what it guards.
    maker.pool = ancestors(&maker.graph, old);
    let made = condition(&mut maker);
    *graph = maker.graph;
    let condition = made?;
    let dtype = graph.ty(old).dtype;
    let zero = graph.constant(Literal::of(0, dtype), dtype).ok()?;
    let guarded = graph.map(ScalarOp::Select, &[condition, old, zero]).ok()?;
    let new: Vec<ValueId> = (first..graph.nodes.len()).map(|at| ValueId(at as u32)).collect();
    replace_uses(graph, old, guarded, &new)
}

/// Adds to a value a sum under a guard that never holds: the result is as before, and passes must see it.
pub fn dead(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let graph = graph_of(case)?;
    let found = outside(graph, |v| graph.ty(v).dtype.kind() >= Kind::Int && !graph.ty(v).axes.is_empty());
    let old = choices.pick(&found)?;
    let first = graph.nodes.len();
    let ty = graph.ty(old).clone();
    let axis = choices.pick(&ty.axes)?;
    let (index, bound) = (graph.index(&axis), graph.integer(choices.between(-2, 0)));
    let never = graph.map(ScalarOp::Lt, &[index, bound]).ok()?;
    let zero = graph.constant(Literal::of(0, ty.dtype), ty.dtype).ok()?;
    let guarded = graph.map(ScalarOp::Select, &[never, old, zero]).ok()?;
    let sum = graph.reduce(ReduceOp::Sum, &[axis.name], guarded).ok()?;
    let whole = graph.map(ScalarOp::Add, &[old, sum]).ok()?;
    let new: Vec<ValueId> = (first..graph.nodes.len()).map(|at| ValueId(at as u32)).collect();
    replace_uses(graph, old, whole, &new)
}

/// Gives a value one more axis and takes its largest element along it.
pub fn broadcast(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let sizes = case.sizes.clone();
    let graph = graph_of(case)?;
    let found = outside(graph, |v| matches!(graph.ty(v).dtype.kind(), Kind::Int | Kind::Float));
    let old = choices.pick(&found)?;
    let first = graph.nodes.len();
    let ty = graph.ty(old).clone();
    let name: Name = "b.x".into();
    if ty.axis(&name).is_some() {
        return None;
    }
    let size = choices.pick(&[1, 2, 3])?;
    let index = graph.index(&Axis::new(name.clone(), size));
    let zero = graph.integer(0);
    let always = graph.map(ScalarOp::Le, &[zero, index]).ok()?;
    let other = graph.constant(Literal::of(0, ty.dtype), ty.dtype).ok()?;
    let wide = graph.map(ScalarOp::Select, &[always, old, other]).ok()?;
    let op = choices.pick(&[ReduceOp::Max, ReduceOp::Min])?;
    let narrow = graph.reduce(op, &[name], wide).ok()?;
    let new: Vec<ValueId> = (first..graph.nodes.len()).map(|at| ValueId(at as u32)).collect();
    replace_uses(graph, old, narrow, &new)?;
    small(graph, &sizes)
}
