//! Which reductions become contractions (see the pass `contract`): their factors and their result get
//! buffers, since a kernel reads and writes memory; and how the results on the way through several of them
//! are laid out.

use crate::loops::contract::SMALLEST;
use crate::{Contract, PassContext};
use std::rc::Rc;
use tcc_ir::axis::Name;
use tcc_ir::dtype::Dtype;
use tcc_ir::graph::{Graph, Op, ValueId};
use tcc_ir::scalar::{ReduceOp, ScalarOp};

/// The factors of a reduction that is worth a kernel: a sum of products of two values, each with an axis of
/// the result that the other one lacks.
pub(super) fn factors(graph: &Graph, value: ValueId, context: &PassContext) -> Option<[ValueId; 2]> {
    let node = graph.node(value);
    let Op::Reduce { op: ReduceOp::Sum, axes, value: product } = &node.op else { return None };
    let supported = match node.ty.dtype {
        Dtype::Bool | Dtype::F16 | Dtype::BF16 => false,
        Dtype::U8 | Dtype::U32 | Dtype::I32 | Dtype::I64 => true,
        Dtype::F32 | Dtype::F64 | Dtype::C64 | Dtype::C128 => context.contract >= Contract::Reassoc,
    };
    let Op::Map(ScalarOp::Mul, operands) = &graph.node(*product).op else { return None };
    let [left, right] = operands[..] else { return None };
    let types = [graph.ty(left), graph.ty(right)];
    if !supported || types.iter().any(|ty| ty.dtype != node.ty.dtype) {
        return None;
    }
    let has = |of: usize, name: &Name| types[of].axis(name).is_some();
    let free =
        |of: usize| types[of].axes.iter().any(|axis| !has(1 - of, &axis.name) && !axes.contains(&axis.name));
    let shared = axes.iter().any(|name| has(0, name) && has(1, name));
    let volume = graph
        .ty(*product)
        .axes
        .iter()
        .try_fold(1i64, |volume, axis| Some(volume.saturating_mul(axis.extent.as_const()?)));
    (free(0) && free(1) && shared && volume.is_none_or(|volume| volume > SMALLEST)).then_some([left, right])
}

/// What a factor reads: a factor that only gives another value other names, or a diagonal of it, is no
/// copy, since a kernel takes any strides.
pub(super) fn read_by(graph: &Graph, factor: ValueId) -> ValueId {
    let Op::Access { source, indices, outside: None } = &graph.node(factor).op else { return factor };
    let axes = &graph.ty(*source).axes;
    let plain = indices.iter().zip(axes).all(|(index, axis)| {
        matches!(graph.node(*index).op, Op::Index(_)) && graph.ty(*index).axes[0].extent == axis.extent
    });
    if plain { *source } else { factor }
}

/// A factor that is so many times larger than the other one decides how the result is laid out.
const LARGER: i64 = 4;

/// Products in each other that are looked through.
const DEEPEST: usize = 8;

/// Lays out what only contractions read, and sums beside operands that lie alike, if it `may_change`: like
/// the larger factor that it is made from, new axes in the place of the summed ones, or last if these were
/// first. So what was contiguous stays so, and no contraction transposes a large tensor. `order` has the
/// axes of stored values.
pub(super) fn lay_out(
    graph: &Graph,
    context: &PassContext,
    live: &[bool],
    may_change: &dyn Fn(ValueId) -> bool,
    order: &mut [Rc<[Name]>],
) {
    let contractions: Vec<(ValueId, [ValueId; 2])> = graph
        .values()
        .filter(|value| live[value.index()])
        .filter_map(|value| Some((value, factors(graph, value, context)?)))
        .collect();
    let mut multiplied = vec![false; graph.nodes.len()];
    for (value, _) in &contractions {
        graph.node(*value).op.operands().iter().for_each(|product| multiplied[product.index()] = true);
    }
    let mut read_otherwise = vec![false; graph.nodes.len()];
    for user in graph.values().filter(|user| live[user.index()] && !multiplied[user.index()]) {
        graph.node(user).op.operands().iter().for_each(|operand| read_otherwise[operand.index()] = true);
    }
    graph.outputs.iter().for_each(|output| read_otherwise[output.value.index()] = true);
    for (value, factors) in contractions {
        if !may_change(value) {
            continue;
        }
        let volume = |factor: ValueId| {
            let mut axes = graph.ty(factor).axes.iter();
            axes.try_fold(1i64, |volume, axis| Some(volume.saturating_mul(axis.extent.as_const()?)))
        };
        let [Some(left), Some(right)] = factors.map(volume) else { continue };
        let (large, small) = match () {
            _ if left >= right.saturating_mul(LARGER) => (factors[0], factors[1]),
            _ if right >= left.saturating_mul(LARGER) => (factors[1], factors[0]),
            _ => continue,
        };
        let stored = |factor: ValueId| -> Vec<Name> {
            match graph.node(factor).op {
                Op::Input(_) => graph.ty(factor).axes.iter().map(|axis| axis.name.clone()).collect(),
                _ => order[factor.index()].to_vec(),
            }
        };
        let (large, small) = (stored(large), stored(small));
        let kept = |name: &&Name| graph.ty(value).axis(name).is_some();
        let mut axes: Vec<Name> = large.iter().filter(kept).cloned().collect();
        let new = small.iter().filter(kept).filter(|name| !large.contains(name)).cloned();
        let place = match large.iter().position(|name| !kept(&name)) {
            None | Some(0) => axes.len(),
            Some(place) => place,
        };
        axes.splice(place..place, new.collect::<Vec<_>>());
        let Some(last) = axes.last().filter(|_| axes.len() == graph.ty(value).axes.len()) else { continue };
        if !read_otherwise[value.index()] || summed_beside(graph, live, value, last, DEEPEST) {
            order[value.index()] = axes.into();
        }
    }
}

/// Whether a value is only read by sums of products, all with an input that is contiguous along `axis` and
/// none that is contiguous along what is summed: loops along `axis` then read neighbours everywhere.
fn summed_beside(graph: &Graph, live: &[bool], value: ValueId, axis: &Name, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    let mut users = graph.values().filter(|user| live[user.index()]).filter(|&user| {
        let operands = graph.node(user).op.operands();
        operands.contains(&value)
    });
    let is_output = graph.outputs.iter().any(|output| output.value == value);
    !is_output
        && users.all(|user| match &graph.node(user).op {
            Op::Map(ScalarOp::Mul, _) => summed_beside(graph, live, user, axis, depth),
            Op::Reduce { op: ReduceOp::Sum, axes, value: product } => {
                let mut innermost = Vec::new();
                input_axes(graph, *product, &mut innermost, DEEPEST);
                innermost.contains(axis) && !innermost.iter().any(|inner| axes.contains(inner))
            }
            _ => false,
        })
}

/// The innermost axes of the inputs among the factors of a product.
fn input_axes(graph: &Graph, product: ValueId, innermost: &mut Vec<Name>, depth: usize) {
    let node = graph.node(product);
    match &node.op {
        Op::Map(ScalarOp::Mul, factors) if depth > 0 => {
            factors.iter().for_each(|&factor| input_axes(graph, factor, innermost, depth - 1));
        }
        Op::Input(_) => innermost.extend(node.ty.axes.last().map(|axis| axis.name.clone())),
        _ => {}
    }
}
