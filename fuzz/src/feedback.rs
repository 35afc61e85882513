//! What an execution did that none did before it: the reason to keep its case.
//!
//! Edges of the compiler's own code say little of which passes met which programs. So the passes that changed
//! the program one after the other, the rules that fired one after the other, and the kinds of statements and
//! operations that each pass left behind count too.

use crate::case::Level;
use crate::choices::hash;
use crate::trace::Trace;
use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use tcc_ir::graph::Op;
use tcc_ir::loops::{Expr, For, Stmt};

/// One thing that an execution can do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feature {
    /// A pass changed the program.
    Changed(&'static str),
    /// Two passes changed the program, one right after the other.
    Bigram(&'static str, &'static str),
    /// A rule of saturation fired.
    Rule(&'static str),
    /// Two rules fired in one saturation, one right after the other.
    RulePair(&'static str, &'static str),
    /// A pass left a kind of operation or statement behind.
    Kind(&'static str, u32),
    /// A pass changed a program of about this size to one of about that size.
    Growth(&'static str, u8, u8),
    /// An edge of the compiler's code ran about so many times.
    Edge(u32, u8),
}

/// Passes over the numbers of features without mixing them: they are hashes already.
#[derive(Clone, Copy, Default)]
struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }
}

/// What all executions together did.
#[derive(Clone, Default)]
pub struct Coverage {
    seen: HashSet<u64, BuildHasherDefault<Plain>>,
    /// How often two passes changed a program one right after the other.
    pub bigrams: BTreeMap<(&'static str, &'static str), u64>,
    /// How often each rule fired.
    pub rules: BTreeMap<&'static str, u64>,
    /// Edges of the compiler's code that ran; 0 where they are not counted.
    pub edges: usize,
}

impl Coverage {
    /// Adds what an execution did; returns how many things are new.
    pub fn add(&mut self, trace: &Trace) -> usize {
        let mut new = 0;
        features(trace, &mut |feature| {
            match feature {
                Feature::Bigram(a, b) => *self.bigrams.entry((a, b)).or_default() += 1,
                Feature::Rule(rule) => *self.rules.entry(rule).or_default() += 1,
                Feature::Edge(..) => self.edges += 1,
                _ => {}
            }
            new += usize::from(self.seen.insert(number(&feature)));
        });
        new
    }

    /// Adds edges that ran, each with how often.
    pub fn add_edges(&mut self, edges: impl Iterator<Item = (u32, u8)>) -> usize {
        let mut new = 0;
        for (edge, count) in edges {
            let class = count.checked_ilog2().unwrap_or(0) as u8;
            self.edges += usize::from(self.seen.insert(number(&Feature::Edge(edge, u8::MAX))));
            new += usize::from(self.seen.insert(number(&Feature::Edge(edge, class))));
        }
        new
    }

    /// How many different things were seen.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }
}

/// A number for a feature, the same on every machine.
fn number(feature: &Feature) -> u64 {
    let mix = |seed: u64, a: u64, b: u64| {
        let word = seed
            ^ a.rotate_left(23).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ b.wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (word ^ (word >> 29)).wrapping_mul(0x94d0_49bb_1331_11eb)
    };
    match feature {
        Feature::Changed(pass) => mix(1, hash(pass), 0),
        Feature::Bigram(a, b) => mix(2, hash(a), hash(b)),
        Feature::Rule(rule) => mix(3, hash(rule), 0),
        Feature::RulePair(a, b) => mix(4, hash(a), hash(b)),
        Feature::Kind(pass, kind) => mix(5, hash(pass), u64::from(*kind)),
        Feature::Growth(pass, before, after) => {
            mix(6, hash(pass), u64::from(*before) << 8 | u64::from(*after))
        }
        Feature::Edge(edge, class) => mix(7, u64::from(*edge), u64::from(*class)),
    }
}

/// Gives everything that an execution did to `see`, some of it more than once.
pub fn features(trace: &Trace, see: &mut dyn FnMut(Feature)) {
    let mut last = None;
    for ran in trace.ran.iter().filter(|ran| ran.changed) {
        see(Feature::Changed(ran.pass));
        if let Some(last) = last.replace(ran.pass) {
            see(Feature::Bigram(last, ran.pass));
        }
    }
    let mut last = None;
    for rule in &trace.rules {
        see(Feature::Rule(rule));
        if let Some(last) = last.replace(*rule) {
            see(Feature::RulePair(last, rule));
        }
    }
    let mut size = 0;
    for stage in &trace.stages {
        let now = stage.level.size().checked_ilog2().unwrap_or(0) as u8;
        see(Feature::Growth(stage.pass, size, now));
        size = now;
        kinds(&stage.level, &mut |kind| see(Feature::Kind(stage.pass, kind)));
    }
}

/// Numbers for the kinds of operations and statements of a program, with the dtypes that they work on.
fn kinds(level: &Level, see: &mut dyn FnMut(u32)) {
    match level {
        Level::Graph(graph) => {
            for node in &graph.nodes {
                let kind = match &node.op {
                    Op::Input(_) => continue,
                    Op::Const(_) => 1,
                    Op::Table(_) => 2,
                    Op::Index(_) => 3,
                    Op::Size(_) => 4,
                    Op::Map(op, _) => 0x100 + *op as u32,
                    Op::Reduce { op, axes, .. } => 0x200 + *op as u32 * 4 + axes.len().min(3) as u32,
                    Op::Access { indices, outside, .. } => {
                        0x300 + indices.len().min(7) as u32 * 2 + u32::from(outside.is_some())
                    }
                    Op::Scatter { op, .. } => 0x400 + *op as u32,
                    Op::Normalise { op, .. } => 0x500 + *op as u32,
                    Op::State { .. } => 5,
                    Op::Recur { .. } => 6,
                    Op::Transform { op, .. } => 0x600 + *op as u32,
                };
                see(kind << 4 | node.ty.dtype as u32);
            }
        }
        Level::Loops(func) => {
            let mut depth = 0;
            func.body.iter().for_each(|stmt| statement(func, stmt, &mut depth, see));
        }
    }
}

fn statement(func: &tcc_ir::loops::Func, stmt: &Stmt, depth: &mut u32, see: &mut dyn FnMut(u32)) {
    let at = |kind: u32, depth: u32| (0x1000 + kind) << 4 | depth.min(7);
    match stmt {
        Stmt::For(For { kind, body, lo, hi, .. }) => {
            let fixed = u32::from(matches!((lo, hi), (Expr::Const(..), Expr::Const(..))));
            see(at(*kind as u32 * 2 + fixed, *depth));
            *depth += 1;
            body.iter().for_each(|stmt| statement(func, stmt, depth, see));
            *depth -= 1;
        }
        Stmt::Let(var, _) => see(at(0x20 + func.var(*var).dtype as u32, *depth)),
        Stmt::Store(buffer, indices, value) => {
            see(at(0x40 + func.buffer(*buffer).dtype as u32, *depth));
            see(at(0x60 + indices.len().min(7) as u32 * 4 + shape(value), *depth));
        }
        Stmt::Accumulate(op, buffer, _, value) => {
            see(at(0x80 + *op as u32 * 16 + func.buffer(*buffer).dtype as u32, *depth));
            see(at(0x140 + shape(value), *depth));
        }
        Stmt::If(_, yes, no) => {
            see(at(0x150 + u32::from(!no.is_empty()), *depth));
            yes.iter().chain(no).for_each(|stmt| statement(func, stmt, depth, see));
        }
        Stmt::Check(..) => see(at(0x160, *depth)),
        Stmt::Contract(contract) => {
            let rank = contract.axes.len().min(7) as u32;
            see(at(0x170 + rank * 2 + u32::from(contract.accumulate), *depth));
        }
    }
}

fn shape(value: &Expr) -> u32 {
    match value {
        Expr::Const(..) => 0,
        Expr::Var(_) | Expr::Symbol(_) => 1,
        Expr::Load(..) => 2,
        Expr::Op(..) => 3,
    }
}
