//! What a term costs: cycles of the machine of [`crate::cost`], from the points at which it is computed.
//!
//! An elementwise operation is computed where it is used and stored nowhere; reductions, contractions
//! and the like write their result. A sum of a product costs as much as its fused multiply-adds.
//! Sizes that are not known count as [`NOMINAL_EXTENT`].

use super::analysis::Graphs;
use super::language::{AxisId, Operator, Term};
use crate::cost::MACHINE;
use tcc_ir::scalar::ScalarOp;
use tcc_ir::{Bindings, Dtype, Kind};

/// What an extent with unknown symbols counts as, for each symbol.
pub const NOMINAL_EXTENT: i64 = 128;

/// Cycles that any term takes, so that of two forms that cost the same the smaller one is cheaper.
const TERM_CYCLES: f64 = 0.01;

/// The extents of axes as numbers.
pub struct Sizes {
    bindings: Bindings,
}

impl Sizes {
    /// Sizes that are known, and the nominal one for all others.
    pub fn new(symbols: &[tcc_ir::SymbolDecl], known: &Bindings) -> Sizes {
        let bindings = symbols
            .iter()
            .map(|symbol| (symbol.name.clone(), known.get(&symbol.name).copied().unwrap_or(NOMINAL_EXTENT)))
            .collect();
        Sizes { bindings }
    }

    /// The extent of an axis, at least 1.
    pub fn extent(&self, graphs: &Graphs, axis: AxisId) -> f64 {
        let extent = graphs.analysis.operators.axis(axis).extent.eval(&self.bindings);
        extent.unwrap_or(NOMINAL_EXTENT).max(1) as f64
    }

    /// The number of points of a box.
    pub fn points(&self, graphs: &Graphs, axes: &[AxisId]) -> f64 {
        axes.iter().map(|&axis| self.extent(graphs, axis)).product()
    }
}

/// Cycles of one vector of an elementwise operation.
fn vector_cycles(op: ScalarOp, dtype: Dtype) -> f64 {
    use ScalarOp::*;
    match op {
        Add | Sub | Mul | Neg | Fma | Min | Max | Abs | Sign | And | Or | Not | Xor | Eq | Ne | Lt | Le
        | Select | Cast | Re | Im | Conj | MakeComplex | IsNan | IsFinite | Shl | Shr | Floor | Ceil
        | Round | Trunc | ToBits | FromBits => {
            if dtype.kind() == Kind::Complex && op == Mul {
                2.0
            } else {
                0.5
            }
        }
        Popcount | PowInt => 4.0,
        Div | Mod | FloorDiv | Sqrt | Hypot | Pow | Cbrt | Exp | Expm1 | Log | Log1p | Sin | Cos | Tan
        | Asin | Acos | Atan | Atan2 | Sinh | Cosh | Tanh | Asinh | Acosh | Atanh | Erf | Erfc => {
            MACHINE.function(op, dtype)
        }
    }
}

/// The cycles of one term, its operands not counted.
pub fn term_cycles(graphs: &Graphs, sizes: &Sizes, term: &Term, own: &super::analysis::ClassType) -> f64 {
    let points = |axes: &[AxisId]| sizes.points(graphs, axes);
    let operand = |position: usize| &graphs[term.operands[position]].data.ty;
    let vectors = |axes: &[AxisId]| points(axes) / MACHINE.lanes(own.dtype);
    let stored = || points(&own.axes) * own.dtype.size_bytes() as f64 / MACHINE.memory[2].1;
    let work = match graphs.analysis.operators.of(term) {
        Operator::Input(_)
        | Operator::Const(..)
        | Operator::Table(..)
        | Operator::Index(_)
        | Operator::Size(_) => 0.0,
        Operator::Kept(_) => vectors(&own.axes),
        Operator::Map(op, _) => {
            let lanes = match term.operands.is_empty() {
                true => own.dtype,
                false => operand(0).dtype.max(own.dtype),
            };
            vector_cycles(*op, own.dtype) * points(&own.axes) / MACHINE.lanes(lanes)
        }
        Operator::Reduce(..) => 0.5 * vectors(&operand(0).axes) + stored() + MACHINE.start_cycles,
        Operator::Contract(_) => {
            let mut axes = [operand(0).axes.as_slice(), operand(1).axes.as_slice()].concat();
            axes.sort_unstable();
            axes.dedup();
            let multiplies = if own.dtype.is_complex() { 4.0 } else { 1.0 };
            multiplies * vectors(&axes) / MACHINE.fma_per_cycle + stored() + MACHINE.start_cycles
        }
        // A renamed or shifted value is read like any other; a gather one element at a time.
        Operator::Access(..) => {
            let gathers = term.operands[1..].iter().any(|&index| !is_affine(graphs, index));
            if gathers { points(&own.axes) } else { 0.5 * vectors(&own.axes) }
        }
        Operator::Scatter(..) => {
            let lists: Vec<AxisId> =
                term.operands.iter().flat_map(|&id| graphs[id].data.ty.axes.iter().copied()).collect();
            let mut axes = lists;
            axes.sort_unstable();
            axes.dedup();
            2.0 * points(&axes) + stored() + MACHINE.start_cycles
        }
        // The maximum and the sum are found in the passes that take the exponentials, none of which is
        // stored by itself.
        Operator::Normalise(..) => {
            (MACHINE.function(ScalarOp::Exp, own.dtype) + 0.5) * vectors(&operand(0).axes)
                + MACHINE.start_cycles
        }
        Operator::Transform(_, pairs) => {
            let length: f64 = pairs.iter().map(|pair| sizes.extent(graphs, pair.0)).product();
            // Half of 5 n log n for real data is not worth telling apart here.
            5.0 * length.log2().max(1.0) * vectors(&operand(0).axes) + stored() + 4.0 * MACHINE.start_cycles
        }
    };
    work + TERM_CYCLES
}

/// Whether an index is an axis, a number, or the sum or difference of such.
fn is_affine(graphs: &Graphs, index: egg::Id) -> bool {
    let simple = |id: egg::Id| {
        graphs[id].data.ty.axes.is_empty()
            || graphs[id].iter().any(|term| matches!(graphs.analysis.operators.of(term), Operator::Index(_)))
    };
    simple(index)
        || graphs[index].iter().any(|term| {
            let sum = Operator::Map(ScalarOp::Add, None).kind() == term.kind
                || Operator::Map(ScalarOp::Sub, None).kind() == term.kind;
            sum && term.operands.iter().all(|&operand| simple(operand))
        })
}
