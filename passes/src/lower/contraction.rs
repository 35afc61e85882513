//! Which reductions become contractions (see the pass `contract`): their factors and their result get
//! buffers, since a kernel reads and writes memory.

use crate::loops::contract::SMALLEST;
use crate::{Contract, PassContext};
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
