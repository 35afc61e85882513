//! Which statements are compiled here, and what becomes of them.

use super::super::address::{Coefficient, Places};
use super::Vectors;
use super::assemble::assemble;
use super::code::Program;
use super::nest::Generator;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use tcc_ir::loops::{BufferId, Expr, For, Func, LoopKind, Stmt, Var};

/// Statements of a block that are a function together. What cannot be compiled is found by trying, and what
/// does not stay in registers too: groups begin anew so often, so they are short.
const MAX_STATEMENTS: usize = 16;
/// Iterations of a loop that pay for a call.
const WORTHWHILE_TRIPS: i64 = 4;

/// What is known of an address before a function is called.
#[derive(Clone, Debug)]
pub(in super::super) struct Start<'f> {
    /// The buffer.
    pub buffer: BufferId,
    /// Variables of the caller times coefficients.
    pub terms: Vec<(Var, Coefficient)>,
    /// Other expressions times coefficients.
    pub opaque: Vec<(&'f Expr, Coefficient)>,
    /// The part without variables, if it is no number.
    pub constant: Option<Coefficient>,
}

impl PartialEq for Start<'_> {
    fn eq(&self, other: &Self) -> bool {
        let same =
            |(a, b): (&(&Expr, Coefficient), &(&Expr, Coefficient))| std::ptr::eq(a.0, b.0) && a.1 == b.1;
        self.buffer == other.buffer
            && self.terms == other.terms
            && self.constant == other.constant
            && self.opaque.len() == other.opaque.len()
            && self.opaque.iter().zip(&other.opaque).all(same)
    }
}

/// One of the 8-byte arguments of a function.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Argument<'f> {
    /// An address.
    Pointer(Start<'f>),
    /// The value of a coefficient.
    Extent(Coefficient),
    /// The value of an expression.
    Value(&'f Expr),
    /// The value of a variable.
    Var(Var),
    /// A register, which is written back if the function writes it.
    Register(BufferId),
}

/// Statements that are a function of their own.
pub(in super::super) struct Group<'f> {
    /// How many statements of the block.
    pub length: usize,
    /// The machine code.
    pub bytes: Vec<u8>,
    /// What it was made of.
    pub(super) program: Program,
    pub(super) vectors: Vectors,
    /// What it is called with.
    pub arguments: Vec<Argument<'f>>,
    /// `let`s whose values the arguments need.
    pub hoisted: Vec<&'f Stmt>,
    /// Arguments that hold registers which the function has written.
    pub results: Vec<(usize, BufferId)>,
    /// What the function touches.
    pub buffers: BTreeSet<BufferId>,
}

impl Group<'_> {
    /// The function as assembly.
    pub fn listing(&self) -> String {
        assemble(&self.program, self.vectors, true).and_then(|(_, listing)| listing).unwrap_or_default()
    }
}

/// How often each buffer is mentioned.
pub(super) type Mentions = FxHashMap<BufferId, usize>;

pub(super) fn mentions(block: &[Stmt]) -> Mentions {
    let mut counts = Mentions::default();
    let mut count = |buffer: BufferId| *counts.entry(buffer).or_default() += 1;
    for stmt in block {
        stmt.walk_exprs(&mut |expr| {
            if let Expr::Load(buffer, _) = expr {
                count(*buffer);
            }
        });
        stmt.walk(&mut |stmt| {
            if let Some(write) = stmt.write() {
                count(write.buffer);
            }
        });
    }
    counts
}

/// The groups of a block and the blocks in it, by the address of their first statement. Loops that are
/// compiled `elsewhere` are left out.
pub(in super::super) fn find<'f>(
    func: &'f Func,
    places: &Places<'f>,
    body: &'f [Stmt],
    vectors: Vectors,
    elsewhere: &dyn Fn(&For) -> bool,
) -> Vec<(*const Stmt, Group<'f>)> {
    let mut found = Vec::new();
    if vectors != Vectors::Narrow && body.iter().any(has_vector_loop) {
        let total = mentions(&func.body);
        let search = Search { func, places, vectors, total, elsewhere };
        search.block(body, false, &mut found);
    }
    found
}

/// Whether a call in every iteration of a loop pays: something must be done in a loop of its own.
fn has_counted_loop(stmt: &Stmt) -> bool {
    let mut found = false;
    stmt.walk(&mut |stmt| {
        if let Stmt::For(l) = stmt {
            found |=
                l.kind == LoopKind::Serial && l.trip_count().is_none_or(|count| count >= WORTHWHILE_TRIPS);
        }
    });
    found
}

fn has_vector_loop(stmt: &Stmt) -> bool {
    let mut found = false;
    stmt.walk(&mut |stmt| found |= matches!(stmt, Stmt::For(l) if l.kind == LoopKind::Vector));
    found
}

/// Whether a statement, or one in it, has no form here whatever its expressions are.
fn is_unsupported(stmt: &Stmt, elsewhere: &dyn Fn(&For) -> bool) -> bool {
    let mut found = false;
    stmt.walk(&mut |stmt| {
        found |= match stmt {
            Stmt::If(..) | Stmt::Check(..) | Stmt::Contract(_) => true,
            Stmt::For(each) => elsewhere(each),
            Stmt::Let(..) | Stmt::Store(..) | Stmt::Accumulate(..) => false,
        };
    });
    found
}

/// The last statement of a block that mentions each variable.
fn last_mentions(block: &[Stmt]) -> FxHashMap<Var, usize> {
    let mut last = FxHashMap::default();
    for (at, stmt) in block.iter().enumerate() {
        stmt.walk_exprs(&mut |expr| {
            if let Expr::Var(var) = expr {
                last.insert(*var, at);
            }
        });
    }
    last
}

/// The first `let` of a group, from `start` to `end`, that the block needs after it.
fn let_used_after(
    group: &Group<'_>,
    block: &[Stmt],
    last: &FxHashMap<Var, usize>,
    (start, end): (usize, usize),
) -> Option<usize> {
    (start..end).find(|&at| {
        let Stmt::Let(var, _) = &block[at] else { return false };
        let hoisted = group.hoisted.iter().any(|stmt| std::ptr::eq(*stmt, &block[at]));
        !hoisted && last.get(var).is_some_and(|&last| last >= end)
    })
}

struct Search<'a, 'f> {
    func: &'f Func,
    places: &'a Places<'f>,
    vectors: Vectors,
    total: Mentions,
    elsewhere: &'a dyn Fn(&For) -> bool,
}

impl<'f> Search<'_, 'f> {
    /// Finds the groups of a block; `nested`: it runs again and again.
    fn block(&self, block: &'f [Stmt], nested: bool, found: &mut Vec<(*const Stmt, Group<'f>)>) {
        let last = last_mentions(block);
        let mut start = 0;
        while start < block.len() {
            // What is compiled ends before the first statement that cannot be. Those that never can are
            // left out before anything is tried, so that a block is looked at once.
            let longest = &block[start..block.len().min(start + MAX_STATEMENTS)];
            let mut end = start + longest.len();
            let unsupported = longest.iter().position(|stmt| is_unsupported(stmt, self.elsewhere));
            end = unsupported.map_or(end, |position| start + position);
            let group = loop {
                let statements = &block[start..end];
                if !statements.iter().any(has_vector_loop)
                    || nested && !statements.iter().any(has_counted_loop)
                {
                    break None;
                }
                match self.compile(statements) {
                    Ok(group) => match let_used_after(&group, block, &last, (start, end)) {
                        Some(position) => end = position,
                        None => break Some(group),
                    },
                    Err(position) => end = start + position.min(end - start - 1),
                }
            };
            match group {
                Some(group) => {
                    start += group.length;
                    found.push((&raw const block[start - group.length], group));
                }
                None => {
                    let skip = matches!(&block[start], Stmt::For(each) if (self.elsewhere)(each));
                    for inner in block[start].blocks().into_iter().filter(|_| !skip) {
                        self.block(inner, nested || matches!(block[start], Stmt::For(_)), found);
                    }
                    start += 1;
                }
            }
        }
    }

    /// Compiles statements, or says which is the first that cannot be.
    fn compile(&self, block: &'f [Stmt]) -> Result<Group<'f>, usize> {
        let mut denied = BTreeSet::new();
        loop {
            let known = denied.clone();
            let mut generator =
                Generator::new(self.func, self.places, self.vectors, block, &self.total, &known);
            let failed = block.iter().position(|stmt| generator.tried(stmt).is_err());
            let before = denied.len();
            denied.extend(&generator.refused);
            match failed {
                _ if denied.len() > before => {}
                Some(at) => return Err(at),
                // Refused again, though it is not in registers.
                None if !generator.refused.is_empty() => return Err(block.len() / 2),
                None => return generator.finish(block).ok_or(block.len() / 2),
            }
        }
    }
}
