//! The loop level: loop nests over buffers with a static memory plan.
//!
//! The contract, in the order in which [`crate::Ir::verify`] checks it:
//!
//! - symbols, buffers and variables share one space of unique names; inputs stand first among the
//!   buffers, then outputs; statements and expressions are nested at most [`MAX_DEPTH`] deep;
//! - every variable is defined once (by a `for` or a `let`) before it is used, in scope;
//! - expressions are typed: the operands of a [`ScalarOp`] are as its row says, indices and loop
//!   bounds are i64, conditions bool;
//! - a buffer is indexed with as many indices as it has extents; inputs and tables are never written;
//! - once planned ([`Func::arena`]), scratch buffers lie inside the arena, and two that are live at
//!   the same time do not overlap;
//! - the body of a `vector` loop has a constant trip count equal to its lane count and holds only
//!   `let`, stores and accumulations whose place depends on the loop variable (no lane meets another);
//! - iterations of a `parallel` loop touch disjoint places of what they write: one of the indices of
//!   each buffer tells iterations apart ([`meeting`]). Registers and `private` scratch that are written in
//!   a parallel loop belong to the iteration: each starts without a value, and no value remains after
//!   the loop.
//!
//! A read of a place that was never written, an index outside its buffer and lanes of a vector that meet
//! are errors of the compiler, which [`crate::Ir::eval`] reports.

pub mod build;
mod contract;
mod eval;
mod independent;
mod names;
mod parse;
mod plan;
pub mod text;
mod verify;
mod walk;

pub use contract::{Affine, affine};
pub use eval::Limits;
pub use independent::meeting;
pub use names::NameTable;
pub use walk::{Write, substitute_all, walk_block};

use crate::axis::Name;
use crate::dtype::Dtype;
use crate::extent::Extent;
use crate::graph::Table;
use crate::scalar::{Literal, ReduceOp, ScalarOp};
use crate::symbol::{Requirement, SymbolDecl};
use std::fmt;
use std::sync::Arc;

/// How deep statements and expressions may be nested (each counted from the root of the function).
/// Traversals recurse, so this bounds their stack.
pub const MAX_DEPTH: usize = 1000;

/// A buffer of a function: the index of its declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BufferId(pub u32);

/// A scalar variable of a function: the index of its declaration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Var(pub u32);

impl BufferId {
    /// Position in [`Func::buffers`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Var {
    /// Position in [`Func::vars`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a buffer is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// An operand of the caller; read only.
    Input,
    /// A result of the caller. May be read back after it was written.
    Output,
    /// Working memory. `offset` is its place in the arena in bytes, once planned. A scratch buffer
    /// without extents is a register: it needs no place.
    Scratch {
        /// Byte offset in the arena; `None` before planning and for registers.
        offset: Option<Extent>,
    },
    /// Compile-time constant elements.
    Table(Arc<Table>),
}

/// A buffer: dtype, extents and strides.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Buffer {
    /// Unique name; the name of the tensor in the source where it is one.
    pub name: Name,
    /// Element type.
    pub dtype: Dtype,
    /// Extents, one per index.
    pub extents: Vec<Extent>,
    /// Distance between neighbours along each index, in elements.
    pub strides: Vec<Extent>,
    /// What it is for.
    pub role: Role,
    /// Whether each iteration of a parallel loop that writes it has one of its own, as it has of
    /// registers: scratch only.
    pub private: bool,
}

impl Buffer {
    /// A row-major buffer.
    pub fn new(name: impl Into<Name>, dtype: Dtype, extents: Vec<Extent>, role: Role) -> Buffer {
        let strides = row_major(&extents);
        Buffer { name: name.into(), dtype, extents, strides, role, private: false }
    }

    /// Whether the buffer is a register: scratch without extents.
    pub fn is_register(&self) -> bool {
        self.extents.is_empty() && matches!(self.role, Role::Scratch { .. })
    }

    /// Whether it belongs to the iteration of a parallel loop that writes it.
    pub fn is_private(&self) -> bool {
        self.private || self.is_register()
    }

    /// Whether its constant extents leave a number of bytes that 64 bits can count.
    pub fn is_addressable(&self) -> bool {
        let constants =
            |extents: &[Extent]| extents.iter().filter_map(Extent::as_const).collect::<Vec<i64>>();
        let extents = constants(&self.extents);
        let size = self.dtype.size_bytes() as i64;
        let bytes = extents.iter().try_fold(size, |bytes, extent| bytes.checked_mul(*extent));
        let fits = |stride: &i64| stride.checked_mul(size).is_some();
        extents.contains(&0) || bytes.is_some() && constants(&self.strides).iter().all(fits)
    }

    /// Number of elements spanned: the places from the first to the last, or some more where extents are symbols
    /// and the layout is not row-major, of which it is the product of the extents.
    pub fn elements(&self) -> Extent {
        let product =
            || self.extents.iter().cloned().fold(Extent::from(1), |product, extent| product * extent);
        let backwards = |stride: &Extent| stride.as_const().is_some_and(|stride| stride <= 0);
        if self.strides == row_major(&self.extents) || self.strides.iter().any(backwards) {
            return product();
        }
        if self.extents.iter().any(|extent| extent.as_const() == Some(0)) {
            return Extent::from(0);
        }
        if let Some(span) = plan::span_bytes(&self.extents, &self.strides, 1) {
            return Extent::from(span);
        }
        let rows = self.extents.iter().zip(&self.strides);
        rows.fold(Extent::from(0), |sum, (extent, stride)| sum + extent.clone() * stride.clone())
    }
}

/// The strides of a row-major layout, in elements.
pub fn row_major(extents: &[Extent]) -> Vec<Extent> {
    let mut strides = vec![Extent::from(1); extents.len()];
    for axis in (1..extents.len()).rev() {
        strides[axis - 1] = strides[axis].clone() * extents[axis].clone();
    }
    strides
}

/// A variable: a loop counter (i64) or a `let`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VarDecl {
    /// Unique name: the user's `k` is loop `k`, then `k.o` and `k.i`.
    pub name: Name,
    /// Type of the value.
    pub dtype: Dtype,
}

/// How the iterations of a loop are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoopKind {
    /// One after the other.
    Serial,
    /// In any order or at the same time; iterations write disjoint places.
    Parallel,
    /// As the lanes of one vector; the trip count is the constant lane count.
    Vector,
    /// One after the other, written out by the backend; the trip count is a constant.
    Unroll,
}

impl LoopKind {
    /// All kinds with their names in text form.
    pub const TABLE: &'static [(LoopKind, &'static str)] = &[
        (LoopKind::Serial, "serial"),
        (LoopKind::Parallel, "parallel"),
        (LoopKind::Vector, "vector"),
        (LoopKind::Unroll, "unroll"),
    ];

    /// The name in text form.
    pub fn name(self) -> &'static str {
        Self::TABLE[self as usize].1
    }
}

/// A pure scalar expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// A number of a dtype.
    Const(Literal, Dtype),
    /// The value of a variable.
    Var(Var),
    /// The value of a symbol (i64).
    Symbol(Name),
    /// An element of a buffer; the value has the dtype of the buffer.
    Load(BufferId, Vec<Expr>),
    /// A scalar operation; the dtype is that of the result.
    Op(ScalarOp, Dtype, Vec<Expr>),
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Stmt {
    /// Runs `body` for `var` in `lo..hi` (nothing if `hi <= lo`).
    For(For),
    /// Names a value; in scope until the end of the enclosing block.
    Let(Var, Expr),
    /// Writes an element.
    Store(BufferId, Vec<Expr>, Expr),
    /// Combines a value into an element that was written before.
    Accumulate(ReduceOp, BufferId, Vec<Expr>, Expr),
    /// Runs one of two blocks.
    If(Expr, Vec<Stmt>, Vec<Stmt>),
    /// Ends the whole function with the status `site + 1` if the condition is false.
    Check(Expr, usize),
    /// Multiplies two tensors and sums: the one statement that backends have kernels for.
    Contract(Contract),
}

/// A counted loop with step 1.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct For {
    /// The counter.
    pub var: Var,
    /// First value.
    pub lo: Expr,
    /// One past the last value.
    pub hi: Expr,
    /// How the iterations are run.
    pub kind: LoopKind,
    /// The statements of one iteration.
    pub body: Vec<Stmt>,
}

/// A contraction: `target[place] = sum left * right` over all axes that `place` does not mention.
///
/// It stands for the plain nest over its axes, and says how the sum is formed, so that every backend gets
/// the same bytes: the summed axes are run through in their order (the last one fastest) and cut into
/// chunks of [`CONTRACT_CHUNK`] terms; a chunk is one chain of fused multiply-adds that starts at 0, and the
/// chunks are added in order. Of complex numbers each term is four fused multiply-adds: `re += a.re b.re`,
/// `re -= a.im b.im`, `im += a.re b.im`, `im += a.im b.re`. Integers wrap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contract {
    /// Counters, each from 0 to its extent (exclusive; an i64 that no axis enters).
    pub axes: Vec<(Var, Expr)>,
    /// Whether the sum is added to what stands at its place; otherwise it replaces it.
    pub accumulate: bool,
    /// What is written.
    pub target: BufferId,
    /// Where: each index is affine in the axes, and no two points of the axes that occur meet.
    pub place: Vec<Expr>,
    /// The first factor: a load whose indices are affine in the axes.
    pub left: Expr,
    /// The second factor: likewise.
    pub right: Expr,
}

/// Terms of a [`Contract`] that are summed in one chain.
pub const CONTRACT_CHUNK: usize = 256;

/// What a failed check means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CheckSite {
    /// What to tell the user.
    pub message: String,
    /// Where in the source it comes from (byte offsets), if known.
    pub span: Option<(usize, usize)>,
}

/// A whole program at the loop level.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Func {
    /// The name of the program.
    pub name: String,
    /// Sizes and integer parameters that are still open, passed at run time.
    pub symbols: Vec<SymbolDecl>,
    /// Conditions on symbols that the caller checks before running.
    pub requirements: Vec<Requirement>,
    /// Inputs first, then outputs, in order of declaration; then tables and scratch.
    pub buffers: Vec<Buffer>,
    /// Variables.
    pub vars: Vec<VarDecl>,
    /// Sites of run-time checks.
    pub checks: Vec<CheckSite>,
    /// Size of the arena in bytes once buffers are planned; `None` before.
    pub arena: Option<Extent>,
    /// The statements.
    pub body: Vec<Stmt>,
    /// Cache of the names in use, kept by [`Func::add_buffer`] and [`Func::add_var`].
    pub names: NameTable,
}

impl Func {
    /// The declaration of a buffer.
    pub fn buffer(&self, id: BufferId) -> &Buffer {
        &self.buffers[id.index()]
    }

    /// The declaration of a variable.
    pub fn var(&self, var: Var) -> &VarDecl {
        &self.vars[var.index()]
    }

    /// Adds a buffer; a number is appended to its name if it is taken.
    pub fn add_buffer(&mut self, mut buffer: Buffer) -> BufferId {
        buffer.name = self.unique_name(&buffer.name);
        self.buffers.push(buffer);
        BufferId(self.buffers.len() as u32 - 1)
    }

    /// Adds a variable; a number is appended to its name if it is taken.
    pub fn add_var(&mut self, name: &str, dtype: Dtype) -> Var {
        let name = self.unique_name(name);
        self.vars.push(VarDecl { name, dtype });
        Var(self.vars.len() as u32 - 1)
    }

    /// `name`, or `name.1`, `name.2`, .. : the first that no symbol, buffer or variable has.
    pub fn unique_name(&mut self, name: &str) -> Name {
        let (symbols, buffers, vars) = (&self.symbols, &self.buffers, &self.vars);
        let declared = |kind: usize, index: usize| match kind {
            0 => &symbols[index].name,
            1 => &buffers[index].name,
            _ => &vars[index].name,
        };
        self.names.unique(name, [symbols.len(), buffers.len(), vars.len()], declared)
    }

    /// The dtype of an expression.
    pub fn dtype(&self, expr: &Expr) -> Dtype {
        match expr {
            Expr::Const(_, dtype) | Expr::Op(_, dtype, _) => *dtype,
            Expr::Var(var) => self.var(*var).dtype,
            Expr::Symbol(_) => Dtype::I64,
            Expr::Load(buffer, _) => self.buffer(*buffer).dtype,
        }
    }
}

impl fmt::Display for BufferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "buffer {}", self.0)
    }
}

impl fmt::Display for Var {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "variable {}", self.0)
    }
}
