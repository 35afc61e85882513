//! Runs what makes and what reads a large intermediate in blocks of its rows, so that a block of it is
//! still in a cache when it is read, and the whole of it never exists.
//!
//! ```text
//! contract h in 0..8, q in 0..n, k in 0..n, d in 0..64: S[h, q, k] = Q[h, q, d] * K[h, k, d]
//! for h in 0..8 { for q in 0..n { .. S[h, q, k] = exp(S[h, q, k] - m) .. } }
//! contract h in 0..8, q in 0..n, e in 0..64, k in 0..n: O[h, q, e] = S[h, q, k] * V[h, k, e]
//!   -->
//! for h in 0..8 {
//!   for q.o in 0..n div 64 {
//!     contract q in 0..64, k in 0..n, d in 0..64: S[h, q, k] = Q[h, 64 * q.o + q, d] * K[h, k, d]
//!     for q in 0..64 { .. S[h, q, k] = exp(S[h, q, k] - m) .. }
//!     contract q in 0..64, e in 0..64, k in 0..n: O[h, 64 * q.o + q, e] = S[h, q, k] * V[h, k, e]
//!   }
//! }
//! ```
//!
//! A group is neighbouring statements, contractions among them, that have an axis of the same extent each,
//! such that every buffer that they share is separated by it: each iteration sees its own slice. An
//! axis that both factors of every contraction have is run one index at a time, any other in blocks of rows.
//!
//! What is summed, and in which order, does not change: exact in every contract.

use super::fuse::{Summary, covers};
use crate::{Changed, PassContext};
use std::collections::{BTreeMap, BTreeSet};
use tcc_ir::loops::{BufferId, Contract, Expr, For, Func, LoopKind, Role, Stmt, Var, row_major, walk_block};
use tcc_ir::{Dtype, Extent};

/// Rows of a block when extents are not known.
const ROWS: i64 = 64;
/// Fewest and most rows of a block.
const FEWEST: i64 = 16;
const MOST: i64 = 512;
/// Most statements of a group: programs of any length are looked at in time that grows with it.
const LONGEST: usize = 32;
/// What every block reads again may be this many times as large as the block itself.
const READ_AGAIN: i64 = 4;

/// Blocks groups from the outermost block inwards.
pub fn run(func: &mut Func, context: &PassContext) -> Changed {
    if fits(func, context) {
        return Changed::No;
    }
    let mut body = std::mem::take(&mut func.body);
    let mut blocker = Blocker { outside: touches(&body), func, context, changed: false };
    blocker.block(&mut body);
    let changed = blocker.changed;
    func.body = body;
    if changed {
        super::fuse::forget_plan(func);
    }
    Changed::from(changed)
}

/// Whether all intermediates together are as small as a block may be.
fn fits(func: &Func, context: &PassContext) -> bool {
    let scratch = func.buffers.iter().filter(|buffer| matches!(buffer.role, Role::Scratch { .. }));
    let bytes = scratch
        .map(|buffer| buffer.elements().as_const()?.checked_mul(buffer.dtype.size_bytes() as i64))
        .try_fold(0i64, |sum, bytes| sum.checked_add(bytes?));
    bytes.is_some_and(|bytes| bytes <= context.argument("kib") * 1024)
}

struct Blocker<'a> {
    func: &'a mut Func,
    context: &'a PassContext,
    /// How many statements touch each buffer.
    outside: BTreeMap<BufferId, usize>,
    changed: bool,
}

/// How many statements of a block and the blocks inside touch each buffer themselves.
pub(super) fn touches(block: &[Stmt]) -> BTreeMap<BufferId, usize> {
    let mut touches: BTreeMap<BufferId, usize> = BTreeMap::new();
    walk_block(block, &mut |stmt| {
        let mut here: BTreeSet<BufferId> = stmt.write().map(|write| write.buffer).into_iter().collect();
        here.extend(stmt.exprs().into_iter().flat_map(Expr::reads));
        here.into_iter().for_each(|buffer| *touches.entry(buffer).or_default() += 1);
    });
    touches
}

/// A statement of a group with the axis that it shares with the others.
struct Member {
    position: usize,
    axis: Var,
    summary: Summary,
}

/// Neighbouring statements that can run slice by slice.
struct Group {
    members: Vec<Member>,
    extent: Expr,
    /// Scratch buffers that only the group touches, with the dimension of the axis.
    intermediates: BTreeMap<BufferId, usize>,
}

/// How the iterations of a group are run.
enum Run {
    /// One index at a time.
    Each,
    /// In blocks of rows.
    Blocks(i64),
}

/// The axes along which a statement can be cut, outermost first, with their extents.
fn axes(stmt: &Stmt) -> Vec<(Var, Expr)> {
    match stmt {
        Stmt::For(For { var, lo, hi, kind: LoopKind::Serial, .. }) if lo.as_int() == Some(0) => {
            vec![(*var, hi.clone())]
        }
        Stmt::Contract(contract) => {
            contract.axes.iter().filter(|(var, _)| !contract.is_summed(*var)).cloned().collect()
        }
        _ => Vec::new(),
    }
}

impl Blocker<'_> {
    fn block(&mut self, block: &mut Vec<Stmt>) {
        let mut start = 0;
        while start < block.len() {
            let best = self.best_group(block, start);
            if let Some((group, run)) = best
                && self.context.spend()
            {
                self.changed = true;
                self.merge(block, &group, &run);
            }
            start += 1;
        }
        block.iter_mut().flat_map(Stmt::blocks_mut).for_each(|inner| self.block(inner));
    }

    /// The group that begins at a statement and saves most memory.
    fn best_group(&self, block: &[Stmt], start: usize) -> Option<(Group, Run)> {
        let mut best: Option<(Option<i64>, Group, Run)> = None;
        for (axis, extent) in axes(&block[start]) {
            let Some(group) = self.group(block, start, axis, extent) else { continue };
            let Some((saved, run)) = self.plan(block, &group) else { continue };
            // Sizes that are not known count as large.
            let larger = |known: &Option<i64>| match (saved, known) {
                (Some(a), Some(b)) => a > *b,
                (None, known) => known.is_some(),
                (Some(_), None) => false,
            };
            if best.as_ref().is_none_or(|(known, ..)| larger(known)) {
                best = Some((saved, group, run));
            }
        }
        best.map(|(_, group, run)| (group, run))
    }

    /// The longest group that begins at a statement, along one of its axes.
    fn group(&self, block: &[Stmt], start: usize, axis: Var, extent: Expr) -> Option<Group> {
        let first = Member { position: start, axis, summary: Summary::along(&block[start], Some(axis)) };
        let mut known = first.summary.clone();
        let mut members = vec![first];
        let mut last_connected = 0;
        for (position, stmt) in block.iter().enumerate().skip(start + 1).take(LONGEST - 1) {
            let candidates = axes(stmt).into_iter().filter(|(_, other)| *other == extent);
            let fitting = candidates
                .map(|(axis, _)| Member { position, axis, summary: Summary::along(stmt, Some(axis)) })
                .find(|member| known.conflicts(&member.summary).all(|(a, b)| a.separated_with(b)));
            let Some(member) = fitting else { break };
            known.merge(&member.summary);
            if members[..].iter().any(|m| m.summary.conflicts(&member.summary).next().is_some()) {
                last_connected = members.len();
            }
            members.push(member);
        }
        members.truncate(last_connected + 1);
        let contracts = members.iter().any(|member| matches!(block[member.position], Stmt::Contract(_)));
        if members.len() < 2 || !contracts {
            return None;
        }
        let intermediates = self.intermediates(block, &members);
        (!intermediates.is_empty()).then_some(Group { members, extent, intermediates })
    }

    /// The scratch buffers that only these statements touch, that the first one to touch them fills, and
    /// that all of them index by their axes in one dimension.
    fn intermediates(&self, block: &[Stmt], members: &[Member]) -> BTreeMap<BufferId, usize> {
        let range = members[0].position..=members[members.len() - 1].position;
        let inside = touches(&block[range]);
        let mut dimensions: BTreeMap<BufferId, (BTreeSet<usize>, usize)> = BTreeMap::new();
        for (number, member) in members.iter().enumerate() {
            for (buffer, access) in member.summary.buffers() {
                let here = access.at_variable();
                let entry = dimensions.entry(*buffer).or_insert_with(|| (here.clone(), number));
                entry.0 = entry.0.intersection(&here).copied().collect();
            }
        }
        let scratch = |buffer: BufferId| {
            matches!(self.func.buffer(buffer).role, Role::Scratch { .. })
                && inside.get(&buffer) == self.outside.get(&buffer)
        };
        let filled = |buffer: BufferId, number: usize| {
            covers(self.func, &block[members[number].position], buffer, None)
        };
        dimensions
            .into_iter()
            .filter(|(buffer, (_, first))| scratch(*buffer) && filled(*buffer, *first))
            .filter_map(|(buffer, (dimensions, _))| Some((buffer, *dimensions.first()?)))
            .collect()
    }

    /// How to run a group, with the bytes that it saves (`None`: not known), if that is worthwhile.
    fn plan(&self, block: &[Stmt], group: &Group) -> Option<(Option<i64>, Run)> {
        let bytes = |buffer: BufferId| {
            let buffer = self.func.buffer(buffer);
            buffer.elements().as_const()?.checked_mul(buffer.dtype.size_bytes() as i64)
        };
        let total = group.intermediates.keys().try_fold(0i64, |sum, &b| sum.checked_add(bytes(b)?));
        let budget = self.context.argument("kib") * 1024;
        if total.is_some_and(|total| total <= budget) {
            return None;
        }
        let contracts = || {
            group.members.iter().filter_map(|member| match &block[member.position] {
                Stmt::Contract(contract) => Some((contract, member.axis)),
                _ => None,
            })
        };
        let is_batch =
            |contract: &Contract, axis| contract.left.mentions(axis) && contract.right.mentions(axis);
        if contracts().all(|(contract, axis)| is_batch(contract, axis)) {
            return Some((total, Run::Each));
        }
        let (Some(total), Some(extent)) = (total, group.extent.as_int()) else {
            // A block of as many rows would be blocked again and again.
            let longer = group.extent.as_int().is_none_or(|extent| extent > ROWS);
            return longer.then_some((None, Run::Blocks(ROWS)));
        };
        let row = (total / extent.max(1)).max(1);
        let fewest = contracts().map(|(contract, axis)| fewest_rows(contract, axis)).max().unwrap_or(FEWEST);
        let rows = even_rows((budget / row).clamp(fewest, MOST) / fewest * fewest, fewest, extent);
        let mut again = 0i64;
        for (contract, axis) in contracts() {
            for factor in [&contract.left, &contract.right].into_iter().filter(|f| !f.mentions(axis)) {
                let extents = contract.axes.iter().filter(|(var, _)| factor.mentions(*var));
                let elements = extents
                    .map(|(_, extent)| extent.as_int())
                    .try_fold(1i64, |product, extent| Some(product.saturating_mul(extent?)));
                let size = self.func.dtype(factor).size_bytes() as i64;
                again = again.saturating_add(elements?.saturating_mul(size));
            }
        }
        let worthwhile = rows < extent && again <= READ_AGAIN * rows * row;
        let run = if rows == 1 { Run::Each } else { Run::Blocks(rows) };
        worthwhile.then_some((Some(total), run))
    }

    /// Replaces the statements of a group by one loop.
    fn merge(&mut self, block: &mut Vec<Stmt>, group: &Group, run: &Run) {
        let first = group.members[0].position;
        let last = group.members[group.members.len() - 1].position;
        let name = self.func.var(group.members[0].axis).name.clone();
        let members: Vec<Stmt> = block.drain(first..=last).collect();
        let (outer, hi, length) = match run {
            Run::Each => (self.func.add_var(&name, Dtype::I64), group.extent.clone(), None),
            Run::Blocks(rows) => {
                let outer = self.func.add_var(&format!("{name}.o"), Dtype::I64);
                let rows = Expr::int(*rows);
                let blocks = Expr::add(group.extent.clone(), Expr::sub(rows.clone(), Expr::int(1)));
                let start = Expr::mul(Expr::Var(outer), rows.clone());
                let rest = Expr::sub(group.extent.clone(), start.clone());
                let whole = group.extent.as_int().zip(rows.as_int()).is_some_and(|(n, r)| n % r == 0);
                let length = if whole { rows.clone() } else { Expr::min(rows.clone(), rest) };
                (outer, Expr::floordiv(blocks, rows), Some((start, length)))
            }
        };
        // One index at a time, an intermediate needs no dimension for it; its last one stays.
        let mut dropped = group.intermediates.clone();
        dropped.retain(|buffer, _| self.func.buffer(*buffer).extents.len() > 1);
        let mut body = Vec::with_capacity(members.len());
        for (mut stmt, member) in members.into_iter().zip(&group.members) {
            if let Some((start, length)) = &length {
                stmt.substitute(member.axis, &Expr::add(start.clone(), Expr::Var(member.axis)));
                shrink(&mut stmt, &group.intermediates, start, member.axis);
                match &mut stmt {
                    Stmt::For(inner) => inner.hi = length.clone(),
                    Stmt::Contract(contract) => {
                        for (var, extent) in &mut contract.axes {
                            if *var == member.axis {
                                *extent = length.clone();
                            }
                        }
                    }
                    _ => {}
                }
                body.push(stmt);
                continue;
            }
            drop_dimension(&mut stmt, &dropped, member.axis);
            stmt.substitute(member.axis, &Expr::Var(outer));
            match stmt {
                Stmt::For(inner) => body.extend(inner.body),
                Stmt::Contract(mut contract) => {
                    contract.axes.retain(|(var, _)| *var != member.axis);
                    body.push(Stmt::Contract(contract));
                }
                other => body.push(other),
            }
        }
        let shrunk = if let Run::Blocks(_) = run { &group.intermediates } else { &dropped };
        for (buffer, dimension) in shrunk {
            let buffer = &mut self.func.buffers[buffer.index()];
            match run {
                Run::Blocks(rows) => buffer.extents[*dimension] = Extent::from(*rows),
                Run::Each => drop(buffer.extents.remove(*dimension)),
            }
            buffer.strides = row_major(&buffer.extents);
        }
        block.insert(first, Stmt::serial(outer, Expr::int(0), hi, body));
    }
}

/// Rows of a block, at most `most`, all multiples of `fewest`: the most that divide the extent and fill whole
/// vectors, if those are not much fewer, so that no block is short and kernels need no masks.
fn even_rows(most: i64, fewest: i64, extent: i64) -> i64 {
    let divides = |step: i64| {
        let step = (step.max(fewest) + fewest - 1) / fewest * fewest;
        (1..=most / step).rev().map(|count| count * step).find(|rows| extent % rows == 0 && 2 * rows > most)
    };
    let whole = |step: i64| (most >= step && step % fewest == 0).then(|| most / step * step);
    [64, 16, 1].into_iter().find_map(divides).or_else(|| [64, 16].into_iter().find_map(whole)).unwrap_or(most)
}

/// The fewest rows that keep a kernel busy: other axes of the same factor are rows too.
fn fewest_rows(contract: &Contract, axis: Var) -> i64 {
    let factor = if contract.left.mentions(axis) { &contract.left } else { &contract.right };
    let others = contract
        .axes
        .iter()
        .filter(|(var, _)| *var != axis && factor.mentions(*var) && !contract.is_summed(*var));
    let rows = others.map(|(_, extent)| extent.as_int().unwrap_or(1)).fold(1, i64::saturating_mul);
    (FEWEST / rows.max(1)).max(1)
}

/// Lets the block of an intermediate begin at 0: `start + axis` becomes `axis` in its dimension.
fn shrink(stmt: &mut Stmt, intermediates: &BTreeMap<BufferId, usize>, start: &Expr, axis: Var) {
    let at = Expr::add(start.clone(), Expr::Var(axis));
    map_places(stmt, &mut |buffer, indices| {
        if let Some(&dimension) = intermediates.get(&buffer)
            && indices[dimension] == at
        {
            indices[dimension] = Expr::Var(axis);
        }
    });
}

/// Drops the dimension of intermediates that is indexed by the axis.
fn drop_dimension(stmt: &mut Stmt, intermediates: &BTreeMap<BufferId, usize>, axis: Var) {
    map_places(stmt, &mut |buffer, indices| {
        if let Some(&dimension) = intermediates.get(&buffer) {
            debug_assert_eq!(indices[dimension], Expr::Var(axis));
            indices.remove(dimension);
        }
    });
}

/// Changes the indices of every access, in nested statements too.
fn map_places(stmt: &mut Stmt, change: &mut dyn FnMut(BufferId, &mut Vec<Expr>)) {
    stmt.exprs_mut().into_iter().for_each(|expr| {
        expr.map(&mut |expr| match expr {
            Expr::Load(buffer, mut indices) => {
                change(buffer, &mut indices);
                Expr::Load(buffer, indices)
            }
            expr => expr,
        });
    });
    if let Stmt::Store(buffer, indices, _)
    | Stmt::Accumulate(_, buffer, indices, _)
    | Stmt::Contract(Contract { target: buffer, place: indices, .. }) = stmt
    {
        change(*buffer, indices);
    }
    stmt.blocks_mut().into_iter().flatten().for_each(|inner| map_places(inner, change));
}

#[cfg(test)]
mod tests {
    use super::*;
    use tcc_ir::Ir;

    fn blocked(text: &str) -> Func {
        let mut func: Func = text.parse().unwrap();
        assert_eq!(func.verify(), Ok(()));
        let context = PassContext::default().with_arguments(&vec![("kib", 16)]);
        run(&mut func, &context);
        assert_eq!(func.verify(), Ok(()), "{func}");
        func
    }

    const CHAIN: &str = "func @chain() {
        input A: f32[500, 8]
        input B: f32[8, 100]
        input W: f32[100, 9]
        output C: f32[500, 9]
        scratch S: f32[500, 100]
        contract i in 0..500, j in 0..100, k in 0..8: S[i, j] = A[i, k] * B[k, j]
        for i.1 in 0..500 { for j.1 in 0..100 { S[i.1, j.1] = max(S[i.1, j.1], 0.0f32) } }
        contract i.2 in 0..500, e in 0..9, j.2 in 0..100: C[i.2, e] = S[i.2, j.2] * W[j.2, e]
    }";

    #[test]
    fn an_intermediate_keeps_a_block_of_rows() {
        let func = blocked(CHAIN);
        assert_eq!(func.body.len(), 1, "{func}");
        let rows = func.buffers[4].extents[0].as_const();
        assert_eq!(rows, Some(32), "{func}");
    }

    #[test]
    fn small_intermediates_stay_whole() {
        let text = CHAIN.replace("500", "20");
        assert_eq!(blocked(&text).to_string(), text.parse::<Func>().unwrap().to_string());
    }

    #[test]
    fn blocks_of_unknown_size_are_not_blocked_again() {
        let text = CHAIN.replace("@chain()", "@chain(n)").replace("100", "n").replace("500", "64");
        let func = blocked(&text);
        assert_eq!(func.to_string(), text.parse::<Func>().unwrap().to_string());
    }

    #[test]
    fn rows_that_others_read_stay_apart() {
        let func = blocked(
            &CHAIN
                .replace("S[i.2, j.2]", "S[j.2, i.2]")
                .replace("j.2 in 0..100", "j.2 in 0..9")
                .replace("i.2 in 0..500", "i.2 in 0..100"),
        );
        assert!(func.body.len() > 1, "{func}");
    }

    #[test]
    fn a_common_axis_of_both_factors_is_peeled() {
        let text = "func @heads() {
            input A: f32[4, 60, 8]
            input B: f32[4, 8, 50]
            input W: f32[4, 50, 9]
            output C: f32[4, 60, 9]
            scratch S: f32[4, 60, 50]
            contract h in 0..4, i in 0..60, j in 0..50, k in 0..8: S[h, i, j] = A[h, i, k] * B[h, k, j]
            contract h.1 in 0..4, i.2 in 0..60, e in 0..9, j.2 in 0..50: C[h.1, i.2, e] = S[h.1, i.2, j.2] * W[h.1, j.2, e]
        }";
        let func = blocked(text);
        assert_eq!(func.body.len(), 1, "{func}");
        assert!(func.to_string().contains("for h.2 in 0..4"), "{func}");
    }
}
