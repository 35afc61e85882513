//! A sum weighted by a softmax is normalised after the sum, and a softmax along several axes one axis at
//! a time: the form in which attention runs through memory once and stores no matrix of weights.
//!
//! ```text
//! p = softmax[j, k] x                        m[j] = max[k] x            e = exp(x - m)
//! o = sum[j, k] p * v[j] * w[k]     -->      l[j] = sum[k] e            u[j] = sum[k] e * w[k]
//!                                            r[j] = exp(m - max[j] m)
//!                                            o = (sum[j] r * v[j] * u) / (sum[j] r * l)
//! ```
//!
//! No exponential overflows: the largest value along an axis is subtracted first, as in the softmax itself
//! (the online softmax of flash attention, in a tree instead of a chain). A row whose values are all -inf
//! stays 0. A guarded softmax is left alone, since its guard bounds loops.
//!
//! Rounds otherwise: needs the contract `reassoc`.

use super::rewrite::rewrite;
use crate::{Changed, Contract, PassContext};
use tcc_ir::Dtype;
use tcc_ir::axis::Name;
use tcc_ir::graph::{Graph, Node, NormaliseOp, Op, ValueId};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};

/// A product of more factors than this is looked at in parts.
const MOST_FACTORS: usize = 64;
/// Sums in each other that are looked through.
const MOST_NESTED: usize = 4;

/// Rewrites every sum that is the only user of a softmax.
pub fn run(graph: &mut Graph, context: &PassContext) -> Changed {
    if context.contract < Contract::Reassoc {
        return Changed::No;
    }
    let sums = weighted_sums(graph);
    if !sums.iter().any(|eligible| *eligible) {
        return Changed::No;
    }
    let mut position = 0;
    rewrite(graph, context, |graph, node| {
        let eligible = sums.get(position).is_some_and(|eligible| *eligible);
        position += 1;
        if !eligible || !context.spend() {
            return None;
        }
        let value = normalised_after(graph, node).ok()??;
        graph.nodes[value.index()].ty = node.ty.clone(); // the same axes, in the order of the node
        Some(value)
    })
}

/// How often values are used.
fn uses(graph: &Graph) -> Vec<usize> {
    let mut uses = vec![0usize; graph.nodes.len()];
    for node in &graph.nodes {
        node.op.operands().iter().for_each(|operand| uses[operand.index()] += 1);
    }
    let roots = graph.outputs.iter().map(|output| output.value);
    roots.chain(graph.checks.iter().map(|check| check.value)).for_each(|root| uses[root.index()] += 1);
    uses
}

/// A sum of a product with one softmax among its factors.
struct Weighted {
    /// The axes that are summed.
    axes: Vec<Name>,
    /// The softmax.
    weights: ValueId,
    /// The factors besides it.
    others: Vec<ValueId>,
}

/// The factors of a product, looking through multiplications.
fn factors(graph: &Graph, value: ValueId) -> Vec<ValueId> {
    let (mut factors, mut waiting) = (Vec::new(), vec![value]);
    while let Some(value) = waiting.pop() {
        match &graph.node(value).op {
            Op::Map(ScalarOp::Mul, operands) if factors.len() + waiting.len() < MOST_FACTORS => {
                waiting.extend(operands.iter().rev());
            }
            _ => factors.push(value),
        }
    }
    factors
}

/// A sum of a product with one softmax, or a sum with one, among the factors. `once`: whether a value has
/// one user; `depth`: sums in each other that are looked through.
fn weighted_sum(graph: &Graph, sum: &Op, once: &dyn Fn(ValueId) -> bool, depth: usize) -> Option<Weighted> {
    let Op::Reduce { op: ReduceOp::Sum, axes, value: product } = sum else { return None };
    if !once(*product) {
        return None;
    }
    let softmax =
        |value: &ValueId| matches!(graph.node(*value).op, Op::Normalise { op: NormaliseOp::Softmax, .. });
    let mut others = factors(graph, *product);
    if let Some(place) = others.iter().position(softmax) {
        let weights = others.remove(place);
        let alone = once(weights) && !others.iter().any(softmax);
        return alone.then(|| Weighted { axes: axes.clone(), weights, others });
    }
    let depth = depth.checked_sub(1)?;
    let inner = |(place, &factor): (usize, &ValueId)| {
        let sum = once(factor).then(|| weighted_sum(graph, &graph.node(factor).op, once, depth))?;
        sum.map(|sum| (place, sum))
    };
    let (place, sum) = others.iter().enumerate().find_map(inner)?;
    others.remove(place);
    // Outside of the inner sum, a name of one of its axes means another axis.
    let taken =
        |axis: &Name| axes.contains(axis) || others.iter().any(|&other| graph.ty(other).axis(axis).is_some());
    if sum.axes.iter().any(taken) {
        return None;
    }
    others.extend(sum.others);
    Some(Weighted { axes: [axes.clone(), sum.axes].concat(), weights: sum.weights, others })
}

/// For every node whether it is a sum, over all axes of a softmax, of a product that alone uses it.
fn weighted_sums(graph: &Graph) -> Vec<bool> {
    let uses = uses(graph);
    let stepping = graph.stepping();
    let eligible = |value: ValueId| {
        let node = graph.node(value);
        let sum = weighted_sum(graph, &node.op, &|value| uses[value.index()] == 1, MOST_NESTED);
        let Some(Weighted { axes, weights, others }) = sum else { return false };
        let Op::Normalise { value: logits, axes: along, .. } = &graph.node(weights).op else { return false };
        let guarded = matches!(graph.node(*logits).op, Op::Map(ScalarOp::Select, _));
        matches!(node.ty.dtype, Dtype::F32 | Dtype::F64)
            && others.iter().all(|&other| graph.ty(other).dtype == node.ty.dtype)
            && !others.is_empty()
            && !guarded
            && stepping[value.index()].is_none()
            && along.iter().all(|axis| axes.contains(axis))
    };
    graph.values().map(eligible).collect()
}

/// The sum, normalised last.
fn normalised_after(graph: &mut Graph, node: &Node) -> Result<Option<ValueId>, String> {
    let sum = weighted_sum(graph, &node.op, &|_| true, MOST_NESTED);
    let Some(Weighted { axes, weights, others }) = sum else { return Ok(None) };
    let Op::Normalise { value: logits, axes: along, .. } = &graph.node(weights).op else { return Ok(None) };
    let (logits, along) = (*logits, along.to_vec());
    let Some((inner, outer)) = along.split_last() else { return Ok(None) };
    let inner = std::slice::from_ref(inner);
    let (within, without): (Vec<ValueId>, Vec<ValueId>) =
        others.into_iter().partition(|&factor| graph.ty(factor).axis(&inner[0]).is_some());

    let largest = graph.reduce(ReduceOp::Max, inner, logits)?;
    let exponential = shifted_exponential(graph, logits, largest)?;
    let mut total = graph.reduce(ReduceOp::Sum, inner, exponential)?;
    let weighted = product_of(graph, exponential, &within)?;
    let mut sum = graph.reduce(ReduceOp::Sum, inner, weighted)?;
    if !outer.is_empty() {
        let overall = graph.reduce(ReduceOp::Max, outer, largest)?;
        let scale = shifted_exponential(graph, largest, overall)?;
        let scaled = graph.map(ScalarOp::Mul, &[scale, total])?;
        total = graph.reduce(ReduceOp::Sum, outer, scaled)?;
        sum = graph.map(ScalarOp::Mul, &[scale, sum])?;
    }
    sum = product_of(graph, sum, &without)?;
    let dtype = node.ty.dtype;
    let (zero, one) =
        (graph.constant(Literal::Real(0.0), dtype)?, graph.constant(Literal::Real(1.0), dtype)?);
    let empty = graph.map(ScalarOp::Eq, &[total, zero])?;
    let divisor = graph.map(ScalarOp::Select, &[empty, one, total])?;
    // No divisor is less than 1, as the largest value adds 1, so the inverse is no infinity.
    let inverse = graph.map(ScalarOp::Div, &[one, divisor])?;
    // What the divisor does not depend on is summed before it is multiplied.
    let rest: Vec<Name> = axes.iter().filter(|axis| **axis != inner[0]).cloned().collect();
    let (after, before): (Vec<Name>, Vec<Name>) =
        rest.into_iter().partition(|axis| graph.ty(inverse).axis(axis).is_some());
    let sum = graph.reduce(ReduceOp::Sum, &before, sum)?;
    let normalised = graph.map(ScalarOp::Mul, &[sum, inverse])?;
    graph.reduce(ReduceOp::Sum, &after, normalised).map(Some)
}

/// `exp(value - largest)`, where a largest value of -inf counts as 0.
fn shifted_exponential(graph: &mut Graph, value: ValueId, largest: ValueId) -> Result<ValueId, String> {
    let dtype = graph.ty(value).dtype;
    let zero = graph.constant(Literal::Real(0.0), dtype)?;
    let lowest = graph.constant(Literal::Real(f64::NEG_INFINITY), dtype)?;
    let is_lowest = graph.map(ScalarOp::Eq, &[largest, lowest])?;
    let shift = graph.map(ScalarOp::Select, &[is_lowest, zero, largest])?;
    let difference = graph.map(ScalarOp::Sub, &[value, shift])?;
    // No difference is above 0. The bound says so to who expands the exponential.
    let difference = graph.map(ScalarOp::Min, &[difference, zero])?;
    graph.map(ScalarOp::Exp, &[difference])
}

fn product_of(graph: &mut Graph, first: ValueId, others: &[ValueId]) -> Result<ValueId, String> {
    others.iter().try_fold(first, |product, &factor| graph.map(ScalarOp::Mul, &[product, factor]))
}
