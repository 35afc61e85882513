//! Specialisation: symbols that the context binds become constants, in every extent and size.
//!
//! ```text
//! with n = 4:   graph @g(n) { input A: f32[i:n] ; %0 = size 2*n ; .. }
//!   -->
//! graph @g() { input A: f32[i:4] ; %0 = size 8 ; .. }
//! ```
//!
//! The caller has checked the requirements; those that hold disappear. A binding that breaks one,
//! or that makes an extent negative or without a value, is no valid program: then nothing changes.

use crate::{Changed, PassContext};
use tcc_ir::graph::{Graph, Op};
use tcc_ir::{Axis, Bindings, Extent};

/// Binds symbols everywhere at once (all or nothing; one unit of fuel). O(n).
pub fn run(graph: &mut Graph, context: &PassContext) -> Changed {
    let bindings: Bindings = graph
        .symbols
        .iter()
        .filter_map(|symbol| Some((symbol.name.clone(), *context.bindings.get(&symbol.name)?)))
        .collect();
    if bindings.is_empty() || !is_valid(graph, &bindings) || !context.spend() {
        return Changed::No;
    }
    graph.symbols.retain(|symbol| !bindings.contains_key(&symbol.name));
    for default in graph.symbols.iter_mut().filter_map(|symbol| symbol.default.as_mut()) {
        *default = default.substitute(&bindings);
    }
    graph.requirements.retain(|requirement| !requirement.holds(&bindings).unwrap_or(false));
    for requirement in &mut graph.requirements {
        requirement.left = requirement.left.substitute(&bindings);
        requirement.right = requirement.right.substitute(&bindings);
    }
    for input in &mut graph.inputs {
        bind_axes(&mut input.ty.axes, &bindings);
    }
    for node in &mut graph.nodes {
        bind_axes(&mut node.ty.axes, &bindings);
        if let Op::Size(extent) = &mut node.op {
            *extent = extent.substitute(&bindings);
        }
    }
    Changed::Yes
}

fn bind_axes(axes: &mut [Axis], bindings: &Bindings) {
    for axis in axes.iter_mut().filter(|axis| axis.extent.as_const().is_none()) {
        axis.extent = axis.extent.substitute(bindings);
    }
}

/// Whether no requirement breaks, and every extent that gets a value gets one that is not negative.
fn is_valid(graph: &Graph, bindings: &Bindings) -> bool {
    let decided = |extent: &Extent| {
        let mut open = false;
        extent.symbols(&mut |name| open |= !bindings.contains_key(name));
        !open
    };
    let fine = |axis: &Axis| {
        axis.extent.as_const().is_some()
            || !decided(&axis.extent)
            || axis.extent.eval(bindings).is_ok_and(|extent| extent >= 0)
    };
    let sized = |op: &Op| match op {
        Op::Size(extent) => !decided(extent) || extent.eval(bindings).is_ok(),
        _ => true,
    };
    graph.requirements.iter().all(|requirement| {
        !decided(&requirement.left)
            || !decided(&requirement.right)
            || requirement.holds(bindings).unwrap_or(false)
    }) && graph.inputs.iter().all(|input| input.ty.axes.iter().all(fine))
        && graph.nodes.iter().all(|node| node.ty.axes.iter().all(fine) && sized(&node.op))
}
