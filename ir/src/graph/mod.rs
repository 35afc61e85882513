//! The graph level: pure dataflow over named axes.
//!
//! A value is a function from the indices of its named axes to a number. `mul` broadcasts by
//! name, a transpose does not exist, an einsum is `mul` then `sum[k]`. Layout does not enter here.
//!
//! The contract, in the order in which [`Graph::verify`] checks it:
//!
//! - operands stand before their users (`Graph::nodes` is in topological order);
//! - an axis name occurs once in a type, and has one extent among the operands of a node;
//! - the type of every node is the one its operation gives ([`Graph::infer`]);
//! - every [`Op::State`] belongs to exactly one group of [`Op::Recur`]; a value that depends on a
//!   state keeps the stepped axis and does not escape the bodies of its group; a state is read
//!   through [`Op::Access`] at the stepped axis minus (forward) or plus (backward) a positive
//!   constant, with an outside value;
//! - checks are bool, outputs name each axis of their value once.
//!
//! Beyond that, names are words (letters, digits, `_` and `.`), symbols, inputs and outputs are
//! declared once each, and every symbol of an extent is declared. Recurrences do not nest: a value
//! depends on the states of one group at most. A value that depends on a state but is none itself is
//! read at the same step only.
//!
//! All operations are total. What must hold at run time (an index in range, a divisor that is not
//! zero) is a [`Check`]: a bool value that must be true at every point.

use crate::axis::{Axis, Name, Type};
use crate::extent::Extent;
use crate::scalar::{Literal, ReduceOp, ScalarOp};
use crate::symbol::{Requirement, SymbolDecl};
use std::fmt;
use std::sync::Arc;

pub mod algorithms;
mod build;
mod eval;
mod infer;
mod parse;
pub mod text;
mod verify;

/// A value of a graph: the index of its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub u32);

impl ValueId {
    /// Position of the node in [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for ValueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}", self.0)
    }
}

/// A compile-time constant tensor. Its axes, in storage order, are those of the node's type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    /// Elements in row-major order of the node's axes; extents are constants.
    Literals(Vec<Literal>),
    /// The matrix of the discrete Fourier transform: `cis(-2 pi k x / n)` over two axes of one
    /// (possibly symbolic) extent n; complex. Kept symbolic so that the exact domain can use a root
    /// of unity. At the loop level also with one index: row 1 of the matrix, the n roots of unity.
    Dft,
}

/// Which way a recurrence steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From index 0 upwards; earlier values are read at `t - 1`, `t - 2`, ...
    Forward,
    /// From the last index downwards; later values are read at `t + 1`, `t + 2`, ...
    Backward,
}

/// Normalisations along axes; ops of their own so that no rewrite can lose their stability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NormaliseOp {
    /// `exp(x - max) / sum exp(x - max)`; keeps the axes; a row whose values are all -inf is 0.
    Softmax,
    /// `max + log(sum exp(x - max))`; removes the axes; -inf over nothing or where all are -inf.
    LogSumExp,
}

impl NormaliseOp {
    /// Both with their names in text form.
    pub const TABLE: &'static [(NormaliseOp, &'static str)] =
        &[(NormaliseOp::Softmax, "softmax"), (NormaliseOp::LogSumExp, "logsumexp")];

    /// The name in text form.
    pub fn name(self) -> &'static str {
        Self::TABLE[self as usize].1
    }
}

/// The fast Fourier transforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransformOp {
    /// Forward, unnormalised: `sum[x] u[x] cis(-2 pi k x / n)`; complex to complex.
    Fft,
    /// Inverse: divides by the product of the lengths; complex to complex.
    Ifft,
    /// Forward of a real value; the last listed axis keeps `n div 2 + 1` frequencies.
    Rfft,
    /// Inverse of `Rfft`: complex to real; the extents of the result say the lengths. Frequencies beyond
    /// those given by the extents are not read, those that are not given are 0. The imaginary parts that a
    /// real result has no use for (frequency 0 and, for even n, n/2 of the last axis) are ignored.
    Irfft,
}

impl TransformOp {
    /// All transforms with their names in text form.
    pub const TABLE: &'static [(TransformOp, &'static str)] = &[
        (TransformOp::Fft, "fft"),
        (TransformOp::Ifft, "ifft"),
        (TransformOp::Rfft, "rfft"),
        (TransformOp::Irfft, "irfft"),
    ];

    /// The name in text form.
    pub fn name(self) -> &'static str {
        Self::TABLE[self as usize].1
    }
}

/// The closed set of graph operations. Operands live in the node, in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// The input with this position in [`Graph::inputs`].
    Input(usize),
    /// A number; no axes.
    Const(Literal),
    /// A compile-time constant tensor.
    Table(Arc<Table>),
    /// The index of an axis as a number: `i64[axis]`.
    Index(Name),
    /// The value of a size or integer parameter expression: `i64`, no axes.
    Size(Extent),
    /// An elementwise operation; operands broadcast by axis name.
    Map(ScalarOp, Vec<ValueId>),
    /// Combines the values along `axes` (all of them axes of `value`; argmax and argmin: exactly one).
    Reduce {
        /// How values are combined.
        op: ReduceOp,
        /// The axes that disappear.
        axes: Vec<Name>,
        /// The value that is reduced.
        value: ValueId,
    },
    /// Reads `source` at computed places: one integer index per axis of `source`, in the order of the
    /// axes of its type. Where any index is outside its axis the value is `outside`, or 0 (false) if
    /// there is none. Axes of the result: those of the indices, then those of `outside`.
    Access {
        /// What is read.
        source: ValueId,
        /// One integer value per axis of `source`.
        indices: Vec<ValueId>,
        /// The value where the place does not exist; the dtype of `source`.
        outside: Option<ValueId>,
    },
    /// Writes to computed places: starts from the identity of `op` and combines `value` into the place
    /// given by `indices` for every point of the union of their axes, in row-major order of that
    /// union. Places outside are dropped. The axes of the result are those of the node's type, one
    /// per index.
    Scatter {
        /// How values that meet are combined; not argmax or argmin.
        op: ReduceOp,
        /// One integer value per axis of the result.
        indices: Vec<ValueId>,
        /// What is written.
        value: ValueId,
    },
    /// Softmax or logsumexp along `axes`. A guard is a select to -inf before it.
    Normalise {
        /// Which one.
        op: NormaliseOp,
        /// The axes that are normalised together.
        axes: Vec<Name>,
        /// A float value.
        value: ValueId,
    },
    /// The trajectory that a recurrence is defining, as seen from inside its body. Its type (with the
    /// stepped axis) is written at the node.
    State {
        /// The stepped axis.
        axis: Name,
        /// Which way it steps.
        direction: Direction,
    },
    /// The finished trajectory of one state of a recurrence. All results of one group carry the same
    /// `states` and `nexts`; `next[i]` defines `state[i]` at every step and has its type.
    Recur {
        /// Which state of the group this is the trajectory of.
        result: usize,
        /// The states ([`Op::State`] nodes).
        states: Vec<ValueId>,
        /// The values that define them, in the same order.
        nexts: Vec<ValueId>,
    },
    /// A Fourier transform along axes: each `(from, to)` replaces an axis of `value` by the axis `to`
    /// of the node's type.
    Transform {
        /// Which transform.
        op: TransformOp,
        /// Pairs of an axis of `value` and the axis that takes its place.
        axes: Vec<(Name, Name)>,
        /// What is transformed.
        value: ValueId,
    },
}

/// One node: an operation and the type of its value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// The type of the value.
    pub ty: Type,
    /// The name of the tensor in the source that this value is, if it is one.
    pub name: Option<Name>,
}

/// An operand that the caller gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Input {
    /// The name in the source.
    pub name: Name,
    /// The type; its axes are in the order of the declaration, which is the storage order.
    pub ty: Type,
    /// Promised interval of the elements, checked at call time (bits of the two f64 bounds).
    pub range: Option<(Literal, Literal)>,
    /// `Some` for a float `param` (no axes, f64): the value if the caller gives none.
    pub param: Option<Option<Literal>>,
}

/// A result that the caller gets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Output {
    /// The name in the source.
    pub name: Name,
    /// The value.
    pub value: ValueId,
    /// Every axis of the value once: the storage order.
    pub axes: Vec<Name>,
}

/// Something that must be true at run time at every point of a bool value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Check {
    /// A bool value.
    pub value: ValueId,
    /// What to tell the user when it is false.
    pub message: String,
    /// Where in the source it comes from (byte offsets), if known.
    pub span: Option<(usize, usize)>,
}

/// A whole program at the graph level.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Graph {
    /// The name of the program.
    pub name: String,
    /// Sizes and integer parameters, in order of declaration. Every symbol of an extent is listed.
    pub symbols: Vec<SymbolDecl>,
    /// Operands, in order of declaration.
    pub inputs: Vec<Input>,
    /// Conditions on symbols that must hold once they are bound.
    pub requirements: Vec<Requirement>,
    /// The nodes, operands before users.
    pub nodes: Vec<Node>,
    /// Run-time checks.
    pub checks: Vec<Check>,
    /// Results, in order of declaration.
    pub outputs: Vec<Output>,
}

impl Op {
    /// The values this operation reads, in order. `states` of a [`Op::Recur`] count (after `nexts`).
    pub fn operands(&self) -> Vec<ValueId> {
        let mut operands = Vec::new();
        self.clone().map_operands(&mut |value| {
            operands.push(value);
            value
        });
        operands
    }

    /// The same operation with every operand replaced.
    pub fn map_operands(self, replace: &mut dyn FnMut(ValueId) -> ValueId) -> Op {
        let mut all = |values: Vec<ValueId>| values.into_iter().map(&mut *replace).collect::<Vec<_>>();
        match self {
            Op::Input(_) | Op::Const(_) | Op::Table(_) | Op::Index(_) | Op::Size(_) | Op::State { .. } => {
                self
            }
            Op::Map(op, operands) => Op::Map(op, all(operands)),
            Op::Reduce { op, axes, value } => Op::Reduce { op, axes, value: replace(value) },
            Op::Access { source, indices, outside } => {
                let source = all(vec![source])[0];
                let indices = all(indices);
                Op::Access { source, indices, outside: outside.map(replace) }
            }
            Op::Scatter { op, indices, value } => {
                Op::Scatter { op, indices: all(indices), value: replace(value) }
            }
            Op::Normalise { op, axes, value } => Op::Normalise { op, axes, value: replace(value) },
            Op::Recur { result, states, nexts } => {
                let nexts = all(nexts);
                Op::Recur { result, states: all(states), nexts }
            }
            Op::Transform { op, axes, value } => Op::Transform { op, axes, value: replace(value) },
        }
    }
}

impl Graph {
    /// The node of a value.
    pub fn node(&self, value: ValueId) -> &Node {
        &self.nodes[value.index()]
    }

    /// The type of a value.
    pub fn ty(&self, value: ValueId) -> &Type {
        &self.nodes[value.index()].ty
    }

    /// All values in topological order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = ValueId> + use<> {
        (0..self.nodes.len() as u32).map(ValueId)
    }

    /// Appends a node whose type the caller knows.
    pub fn push(&mut self, op: Op, ty: Type) -> ValueId {
        self.nodes.push(Node { op, ty, name: None });
        ValueId(self.nodes.len() as u32 - 1)
    }

    /// Extents of an output in storage order.
    pub fn output_axes(&self, output: &Output) -> Vec<Axis> {
        let ty = self.ty(output.value);
        output.axes.iter().filter_map(|name| ty.axis(name).cloned()).collect()
    }
}
