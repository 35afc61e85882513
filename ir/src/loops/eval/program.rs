//! A function translated for evaluation: names, buffers, strides and jumps are resolved to
//! positions, so that running it looks nothing up.
//!
//! Scalars live in slots: truth values and integers among the i64, reals among the reals of the
//! domain, a complex number in two neighbouring reals.

use crate::axis::Name;
use crate::domain::Domain;
use crate::dtype::{Dtype, Kind};
use crate::loops::LoopKind;
use crate::scalar::{ReduceOp, ScalarOp};

/// Which kind of slots and storage holds a dtype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Int,
    Real,
    Complex,
}

impl Class {
    pub(super) fn of(dtype: Dtype) -> Class {
        match dtype.kind() {
            Kind::Bool | Kind::Int => Class::Int,
            Kind::Float => Class::Real,
            Kind::Complex => Class::Complex,
        }
    }
}

/// Where a scalar of some dtype lives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub dtype: Dtype,
    pub slot: u32,
}

/// Operations on i64 and truth values that are worth an instruction of their own.
#[derive(Clone, Copy, Debug)]
pub(super) enum IntOp {
    Add,
    Sub,
    Mul,
    FloorDiv,
    Mod,
    Min,
    Max,
    Eq,
    Ne,
    Lt,
    Le,
    And,
    Or,
}

/// One step. Numbers are slots unless their name says otherwise.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Int {
        op: IntOp,
        to: u32,
        a: u32,
        b: u32,
    },
    Not {
        to: u32,
        a: u32,
    },
    Wrap {
        dtype: Dtype,
        to: u32,
        a: u32,
    },
    /// An operation on `arity` reals.
    Real {
        op: ScalarOp,
        dtype: Dtype,
        arity: u8,
        to: u32,
        operands: [u32; 3],
    },
    Test {
        op: ScalarOp,
        arity: u8,
        to: u32,
        a: u32,
        b: u32,
    },
    FromInt {
        dtype: Dtype,
        to: u32,
        a: u32,
    },
    Convert {
        dtype: Dtype,
        to: u32,
        a: u32,
    },
    SelectInt {
        to: u32,
        condition: u32,
        a: u32,
        b: u32,
    },
    SelectReal {
        to: u32,
        condition: u32,
        a: u32,
        b: u32,
    },
    MoveInt {
        to: u32,
        a: u32,
    },
    MoveReal {
        to: u32,
        a: u32,
    },
    /// Any other operation: an index into [`Program::applications`].
    Apply {
        index: u32,
    },
    /// Accesses are indices into [`Program::accesses`].
    LoadInt {
        to: u32,
        access: u32,
    },
    LoadReal {
        to: u32,
        access: u32,
    },
    LoadComplex {
        to: u32,
        access: u32,
    },
    StoreInt {
        access: u32,
        value: u32,
    },
    StoreReal {
        access: u32,
        value: u32,
    },
    StoreComplex {
        access: u32,
        value: u32,
    },
    AccumulateReal {
        op: ScalarOp,
        dtype: Dtype,
        access: u32,
        value: u32,
    },
    Accumulate {
        op: ReduceOp,
        dtype: Dtype,
        access: u32,
        value: u32,
    },
    /// Jumps to a step.
    Jump {
        target: u32,
    },
    JumpUnless {
        condition: u32,
        target: u32,
    },
    Check {
        condition: u32,
        site: u32,
    },
    /// Sets the counter and the end; skips the loop if there is no iteration.
    Enter {
        var: u32,
        lo: u32,
        hi: u32,
        end: u32,
        exit: u32,
    },
    /// Counts; back to `body` if there is another iteration. `cost` is the number of steps of one.
    Next {
        var: u32,
        end: u32,
        body: u32,
        cost: u32,
    },
    /// The hooks of parallel and vector loops: indices into [`Program::nests`].
    NestEnter {
        nest: u32,
    },
    NestNext {
        nest: u32,
    },
    NestExit {
        nest: u32,
    },
}

/// An index of an access: its slot, and the extent and distance in storage of its axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Index {
    pub slot: u32,
    pub extent: i64,
    pub distance: usize,
}

/// Where an access is watched for races: in the parallel loop at `depth`, with marks in `shadow`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    pub depth: u32,
    pub shadow: u32,
}

/// How a place of a buffer is found.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub buffer: u32,
    pub indices: Box<[Index]>,
    /// Whether marks beyond the plain "was written" must be kept: `watches`, or shared memory.
    pub slow: bool,
    pub watches: Box<[Watch]>,
}

/// An operation without a step of its own.
#[derive(Clone, Debug)]
pub(super) struct Application {
    pub op: ScalarOp,
    pub operands: Vec<Place>,
    pub dtypes: Vec<Dtype>,
    pub to: Place,
}

/// A parallel or vector loop.
#[derive(Clone, Debug)]
pub(super) struct Nest {
    pub name: Name,
    pub kind: LoopKind,
    /// Number of parallel and vector loops around it.
    pub depth: usize,
    pub var: u32,
    /// What it writes that belongs to an iteration.
    pub own: Vec<u32>,
}

/// What the translation must know about a buffer.
pub(super) struct Layout {
    pub extents: Vec<i64>,
    /// In elements, as declared. Storage is row-major all the same: strides only say which places of
    /// the arena are shared.
    pub strides: Vec<i64>,
    /// Whether another buffer has part of the same memory.
    pub shared: bool,
    pub register: bool,
}

pub(super) struct Program<D: Domain> {
    pub steps: Vec<Step>,
    pub accesses: Vec<Access>,
    pub applications: Vec<Application>,
    pub nests: Vec<Nest>,
    /// Initial contents of the slots: constants and symbols.
    pub ints: Vec<i64>,
    pub reals: Vec<D::Real>,
    /// The buffer of every shadow.
    pub shadows: Vec<u32>,
}
