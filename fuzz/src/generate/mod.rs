//! Cases from bytes: programs that are well typed by construction, and pipelines for them.
//!
//! All weights stand in the tables of this module and of [`operations`]. A campaign hands every worker a
//! [`Swarm`], a random part of them: a program that has fewer kinds of operations has more of each.

pub mod equations;
pub mod graph;
pub mod operations;
pub mod pipeline;

use crate::case::{Case, Class, InputSpec, Program};
use crate::choices::{Choices, Weighted};
use tcc_backends::BACKENDS;
use tcc_ir::Dtype;
use tcc_passes::Contract;

/// What a program begins as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// A graph of random operations.
    Graph,
    /// The left side of a rule of `saturate`, and random operations on it.
    Rule,
    /// Equations, compiled by the frontend; also evaluated by a reference that shares no code with it.
    Equations,
    /// An einsum string, likewise.
    Einsum,
}

/// What programs begin as, by weight.
pub const STARTS: &[Weighted<Start>] =
    &[(62, Start::Graph), (20, Start::Rule), (11, Start::Equations), (7, Start::Einsum)];

/// Kinds of operands, by weight.
pub const CLASSES: &[Weighted<Class>] =
    &[(65, Class::Exact), (10, Class::Wrap), (18, Class::Bounded), (7, Class::Specials)];

/// Floating-point contracts, by weight.
pub const CONTRACTS: &[Weighted<Contract>] =
    &[(60, Contract::Reassoc), (30, Contract::Strict), (10, Contract::Fast)];

/// Dtypes, by weight.
pub const DTYPES: &[Weighted<Dtype>] = &[
    (30, Dtype::F32),
    (20, Dtype::F64),
    (12, Dtype::I64),
    (10, Dtype::I32),
    (5, Dtype::U8),
    (4, Dtype::U32),
    (6, Dtype::Bool),
    (4, Dtype::F16),
    (3, Dtype::BF16),
    (3, Dtype::C64),
    (3, Dtype::C128),
];

/// Extents, by weight: around the widths of vectors and tiles, and the degenerate ones.
pub const EXTENTS: &[Weighted<i64>] = &[
    (20, 2),
    (20, 3),
    (14, 1),
    (12, 4),
    (10, 5),
    (4, 0),
    (4, 7),
    (4, 8),
    (4, 9),
    (2, 13),
    (2, 15),
    (3, 16),
    (3, 17),
    (1, 31),
    (1, 32),
    (1, 33),
    (1, 64),
    (1, 65),
    (1, 127),
];

/// How many operations a program has beside its operands.
pub const OPERATIONS: &[Weighted<usize>] = &[(20, 1), (25, 2), (25, 3), (15, 5), (10, 8), (5, 14)];

/// Most elements of one value.
pub const ELEMENT_LIMIT: i64 = 2048;

/// In how many of 100 cases that begin as a rule's left side `saturate` runs for sure.
const SATURATED: usize = 70;
/// In how many of 100 cases passes are told a small memory, sizes are known, and backends run the result.
const SMALL_MEMORY: usize = 12;
const KNOWN_SIZES: usize = 60;
const BACKENDS_RUN: usize = 8;

/// A part of the tables: the bits of what is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Swarm {
    /// Operations, by their position in [`operations::OPERATIONS`].
    pub without_operations: u64,
    /// Dtypes, by their position in [`DTYPES`]; the first is always there.
    pub without_dtypes: u64,
}

impl Swarm {
    /// A random part: every operation is there with a probability of about three quarters.
    pub fn random(word: u64, other: u64) -> Swarm {
        Swarm { without_operations: word & other, without_dtypes: other & word.rotate_left(17) & !1 }
    }

    /// The rows that are left of a table.
    pub fn rows<T: Copy>(without: u64, table: &[Weighted<T>]) -> Vec<Weighted<T>> {
        table.iter().enumerate().filter(|(at, _)| without >> at & 1 == 0).map(|(_, row)| *row).collect()
    }
}

/// A case that the choices decide.
pub fn case(choices: &mut Choices, swarm: Swarm) -> Case {
    let start = choices.weighted(STARTS).unwrap_or(Start::Graph);
    let mut case = match start {
        Start::Equations => {
            let (text, sizes) = equations::source(choices);
            Case { sizes, ..Case::new(Program::Source(text)) }
        }
        Start::Einsum => Case::new(Program::Source(equations::einsum(choices))),
        Start::Graph | Start::Rule => {
            let (graph, sizes) = graph::program(choices, swarm, start == Start::Rule);
            Case { sizes, ..Case::new(Program::Graph(graph)) }
        }
    };
    case.known = choices.chance(KNOWN_SIZES);
    case.contract = choices.weighted(CONTRACTS).unwrap_or_default();
    let class = choices.weighted(CLASSES).unwrap_or(Class::Exact);
    case.inputs = InputSpec { class, seed: choices.word() >> 32 };
    if choices.chance(SMALL_MEMORY) {
        case.memory = Some(choices.below(512) as u64);
    }
    pipeline::passes(choices, &mut case);
    if start == Start::Rule && choices.chance(SATURATED) {
        pipeline::saturated(choices, &mut case);
    }
    if choices.chance(BACKENDS_RUN) {
        case.backends = BACKENDS.iter().map(|row| row.name).filter(|name| *name != "interp").collect();
    }
    if choices.chance(10) {
        case.chaos = (0..3).map(|_| if choices.chance(50) { choices.below(256) as u8 } else { 0 }).collect();
    }
    coherent(&mut case);
    case
}

/// Makes the parts of a case fit each other: operands with special values ask for the strict contract,
/// for the identities of the reals do not hold of them.
pub fn coherent(case: &mut Case) {
    if case.inputs.class == Class::Specials {
        case.contract = Contract::Strict;
    }
}
