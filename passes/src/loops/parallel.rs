//! Runs the iterations of an outermost loop on several threads, where that pays.
//!
//! ```text
//! scratch acc: f32[16]                                  scratch acc: f32[16] private
//! for i in 0..4096 {                                    parallel for i.p in 0..64 {
//!   vector for v in 0..16 { acc[v] = 0 }                  for i.c in 0..64 {
//!   for j.o in 0..64 { .. acc[v] += X[i, ..] }              vector for v in 0..16 { acc[v] = 0 }
//!   ..                                         -->          for j.o in 0..64 { .. acc[v] += X[i.p * 64 + i.c, ..] }
//!   Y[i] = acc[0]                                           ..
//! }                                                         Y[i.p * 64 + i.c] = acc[0]
//!                                                     } }
//! ```
//!
//! Iterations must not meet ([`meeting`]) in anything but scratch that they alone use, and that each of them
//! writes before it reads: that becomes private. Which iterations are a chunk follows from sizes and the cost
//! model alone, and no sum is cut, so the bytes are the same for any number of threads. Loops whose sizes are
//! not known stay as they are.
//!
//! What is computed, and in which order, does not change: exact in every contract.

use super::block::touches;
use super::copy::is_permuting_copy;
use super::estimate::by_statement;
use super::fuse::only_touched_at;
use super::growth::is_within_limits;
use super::index::{Facts, Linear};
use crate::cost::MACHINE;
use crate::{Changed, PassContext};
use std::collections::{BTreeMap, BTreeSet};
use tcc_ir::Dtype;
use tcc_ir::loops::{BufferId, Contract, Expr, For, Func, LoopKind, Role, Stmt, Var, meeting, walk_block};

/// Thousands of cycles of a loop that are worth waking threads for.
pub const LEAST: i64 = 150;
/// Chunks of the least loop: each takes many times what handing it out takes.
const LEAST_CHUNKS: f64 = 5.0;
/// Most chunks of a loop, unless its iterations are as many already: enough to even out any number of
/// threads that there is likely to be.
const CHUNKS: i64 = 64;
/// Cycles of the slowest operation, generously.
const SLOWEST: f64 = 100.0;
/// Most sizes of chunks that are tried.
const TRIED: usize = 4096;
/// Of a copy into another order: its kernel works on blocks, which are not to be cut.
const COPY_CHUNKS: i64 = 16;
/// A loop of fewer iterations gives way to a longer one inside of it.
const FEW: i64 = 8;
/// Most bytes that a thread gets for itself.
const PRIVATE_BYTES: i64 = 64 << 20;
/// Most pieces in which a buffer may be filled.
const PIECES: usize = 8;

/// Looks at the outermost statements, and at loops that are all that a loop holds.
pub fn run(func: &mut Func, context: &PassContext) -> Changed {
    let least = context.argument("kilocycles") as f64 * 1e3;
    // Most statements are small, which is seen without an estimate.
    if func.body.iter().all(|stmt| operations(stmt) * SLOWEST < least) {
        return Changed::No;
    }
    let Some(costs) = by_statement(func, &context.bindings, &MACHINE) else { return Changed::No };
    if costs.iter().all(|cost| cost.cycles < least) {
        return Changed::No;
    }
    let before = func.clone();
    let body = std::mem::take(&mut func.body);
    let everywhere = touches(&body);
    let mut result = Vec::with_capacity(body.len());
    let mut changed = false;
    for (stmt, cost) in body.into_iter().zip(costs) {
        changed |= on_threads(func, context, &everywhere, stmt, cost.cycles, &mut result);
    }
    func.body = result;
    if changed && !is_within_limits(func, context) {
        *func = before;
        return Changed::No;
    }
    if changed {
        super::fuse::forget_plan(func);
    }
    Changed::from(changed)
}

/// Runs a pass that gives loops another shape. Parallel loops whose iterations nobody can tell apart in that
/// shape become serial: so passes need not know what the verifier can prove.
pub fn kept(func: &mut Func, context: &PassContext, pass: fn(&mut Func, &PassContext) -> Changed) -> Changed {
    let changed = pass(func, context);
    if !changed.is_yes() {
        return changed;
    }
    let mut meets: BTreeSet<Var> = BTreeSet::new();
    func.walk(&mut |stmt| {
        if let Stmt::For(each) = stmt
            && each.kind == LoopKind::Parallel
            && !meeting(func, each).is_empty()
        {
            meets.insert(each.var);
        }
    });
    if !meets.is_empty() {
        func.body.iter_mut().for_each(|stmt| make_serial(stmt, &meets));
    }
    changed
}

fn make_serial(stmt: &mut Stmt, counters: &BTreeSet<Var>) {
    if let Stmt::For(each) = stmt
        && counters.contains(&each.var)
    {
        each.kind = LoopKind::Serial;
    }
    stmt.blocks_mut().into_iter().flatten().for_each(|stmt| make_serial(stmt, counters));
}

/// Operations of a statement; without end if loops are not known.
fn operations(stmt: &Stmt) -> f64 {
    let here: usize = stmt.exprs().into_iter().map(Expr::size).sum();
    let inside: f64 = stmt.blocks().into_iter().flatten().map(operations).sum();
    let trips = |trips: Option<i64>| trips.map_or(f64::INFINITY, |trips| trips.max(0) as f64);
    match stmt {
        Stmt::For(each) => here as f64 + trips(each.trip_count()) * inside,
        Stmt::Contract(contract) => {
            contract.axes.iter().map(|(_, extent)| trips(extent.as_int())).product::<f64>() * here as f64
        }
        _ => here as f64 + inside,
    }
}

/// Appends a statement, on threads if that pays.
fn on_threads(
    func: &mut Func,
    context: &PassContext,
    everywhere: &BTreeMap<BufferId, usize>,
    stmt: Stmt,
    cycles: f64,
    result: &mut Vec<Stmt>,
) -> bool {
    let Stmt::For(mut each) = stmt else {
        result.push(stmt);
        return false;
    };
    let mut parallel_inside = each.kind != LoopKind::Serial;
    walk_block(&each.body, &mut |stmt| {
        parallel_inside |= matches!(stmt, Stmt::For(inner) if inner.kind == LoopKind::Parallel);
    });
    let least = context.argument("kilocycles") as f64 * 1e3;
    let range = each.lo.as_int().zip(each.trip_count());
    let Some((lo, trips)) = range.filter(|(_, trips)| !parallel_inside && *trips > 0 && cycles >= least)
    else {
        result.push(Stmt::For(each));
        return false;
    };
    let private = private(func, context, everywhere, &each);
    let inner = match each.body.as_slice() {
        [Stmt::For(inner)] => inner.trip_count().filter(|_| inner.kind == LoopKind::Serial),
        _ => None,
    };
    let inwards = private.is_none() || trips < FEW && inner.is_some_and(|inner| inner > trips);
    if inner.is_some() && inwards {
        let body = std::mem::take(&mut each.body);
        let mut changed = false;
        for stmt in body {
            changed |= on_threads(func, context, everywhere, stmt, cycles / trips as f64, &mut each.body);
        }
        if changed || private.is_none() {
            result.push(Stmt::For(each));
            return changed;
        }
    }
    let most = if is_permuting_copy(func, &each) { COPY_CHUNKS } else { CHUNKS };
    let chunk = chunk(trips, least / LEAST_CHUNKS / cycles.max(1.0), most);
    match private {
        Some(private) if 2 * chunk <= trips && context.spend() => {
            private.iter().for_each(|buffer| func.buffers[buffer.index()].private = true);
            split(func, each, (lo, trips, chunk), result);
            true
        }
        _ => {
            result.push(Stmt::For(each));
            false
        }
    }
}

/// Iterations of a chunk, which is at least this share of the loop and one of at most so many: a divisor of their
/// number, if there is a fitting one.
fn chunk(trips: i64, share: f64, most: i64) -> i64 {
    let wanted = (share * trips as f64).ceil() as i64;
    let wanted = wanted.max((trips - 1) / most + 1).max(1);
    let up = wanted..=(2 * wanted).min(trips / 2);
    let down = (wanted / 4).max(1)..wanted;
    // Of long loops only the next sizes are tried.
    up.take(TRIED).chain(down.rev().take(TRIED)).find(|chunk| trips % chunk == 0).unwrap_or(wanted)
}

/// Makes chunks of a loop with `trips` iterations from `lo` on.
fn split(func: &mut Func, each: For, (lo, trips, chunk): (i64, i64, i64), result: &mut Vec<Stmt>) {
    let For { var, hi, mut body, .. } = each;
    if chunk == 1 {
        return result.push(Stmt::for_loop(var, Expr::int(lo), hi, LoopKind::Parallel, body));
    }
    let whole = trips / chunk * chunk;
    let rest = (whole < trips).then(|| {
        let mut copy = func.copy_fresh(&body);
        with_own_scratch(func, &mut copy);
        copy
    });
    let name = func.var(var).name.clone();
    let outer = func.add_var(&format!("{name}.p"), Dtype::I64);
    let inner = func.add_var(&format!("{name}.c"), Dtype::I64);
    let first = Expr::add(Expr::int(lo), Expr::mul(outer.into(), Expr::int(chunk)));
    let at = Expr::add(first, inner.into());
    body.iter_mut().for_each(|stmt| stmt.substitute(var, &at));
    let body = vec![Stmt::serial(inner, Expr::int(0), Expr::int(chunk), body)];
    let chunks = Expr::int(trips / chunk);
    result.push(Stmt::for_loop(outer, Expr::int(0), chunks, LoopKind::Parallel, body));
    if let Some(body) = rest {
        result.push(Stmt::serial(var, Expr::int(lo + whole), hi, body));
    }
}

/// Gives a copied block scratch of its own in the place of what belongs to an iteration: what only one
/// place in a function uses can stay in registers of the machine.
fn with_own_scratch(func: &mut Func, block: &mut [Stmt]) {
    let mut written: BTreeSet<BufferId> = BTreeSet::new();
    walk_block(block, &mut |stmt| written.extend(stmt.write().map(|write| write.buffer)));
    for buffer in written {
        if func.buffer(buffer).is_private() {
            let copy = func.buffer(buffer).clone();
            let copy = func.add_buffer(copy);
            block.iter_mut().for_each(|stmt| super::in_place::replace(stmt, buffer, copy));
        }
    }
}

/// The scratch that each iteration of a loop needs for itself; `None` if its iterations are not independent
/// even so.
fn private(
    func: &Func,
    context: &PassContext,
    everywhere: &BTreeMap<BufferId, usize>,
    each: &For,
) -> Option<Vec<BufferId>> {
    let meeting = meeting(func, each);
    let mut own: BTreeSet<BufferId> = meeting.iter().copied().collect();
    walk_block(&each.body, &mut |stmt| own.extend(stmt.write().map(|write| write.buffer)));
    own.retain(|buffer| meeting.contains(buffer) || func.buffer(*buffer).is_private());
    if own.is_empty() {
        return Some(Vec::new());
    }
    let inside = touches(&each.body);
    let only_here = own.iter().all(|buffer| {
        matches!(func.buffer(*buffer).role, Role::Scratch { .. })
            && inside.get(buffer) == everywhere.get(buffer)
    });
    if !only_here || !own.iter().all(|buffer| is_written_first(func, &each.body, *buffer)) {
        return None;
    }
    own.retain(|buffer| !func.buffer(*buffer).is_register());
    let bytes = own.iter().try_fold(0i64, |sum, buffer| {
        let buffer = func.buffer(*buffer);
        sum.checked_add(buffer.elements().as_const()?.checked_mul(buffer.dtype.size_bytes() as i64)?)
    })?;
    // Every thread has its own, and how many there are is not known here.
    let limit = context.memory.map_or(PRIVATE_BYTES, |limit| (limit / 256).min(PRIVATE_BYTES as u64) as i64);
    (bytes <= limit).then(|| own.into_iter().collect())
}

/// The smallest and one past the largest index in each dimension.
type Piece = Vec<(i128, i128)>;

fn is_touched(stmt: &Stmt, buffer: BufferId) -> bool {
    stmt.reads().contains(&buffer) || stmt.writes().contains(&buffer)
}

/// Whether a block reads of a buffer only what it has written before.
fn is_written_first(func: &Func, block: &[Stmt], buffer: BufferId) -> bool {
    let touching: Vec<&Stmt> = block.iter().filter(|stmt| is_touched(stmt, buffer)).collect();
    let itself = |stmt: &Stmt| stmt.exprs().into_iter().any(|expr| expr.reads().contains(&buffer));
    if let [stmt @ (Stmt::For(_) | Stmt::If(..))] = touching.as_slice() {
        return !itself(stmt) && stmt.blocks().into_iter().all(|inner| is_written_first(func, inner, buffer));
    }
    // All at one place, which a store begins with. A place that is read from memory may be another one later.
    if let Some(Stmt::Store(written, place, value)) = touching.first()
        && *written == buffer
        && place.iter().all(|index| index.reads().is_empty())
        && !value.reads().contains(&buffer)
        && touching.iter().all(|stmt| only_touched_at(stmt, buffer, place))
    {
        return true;
    }
    let Some(needed) = needed(func, block, buffer) else { return false };
    let mut pieces: Vec<Piece> = Vec::new();
    for stmt in touching {
        if stmt.reads().contains(&buffer)
            && (stmt.blocks().is_empty() || !is_written_first(func, std::slice::from_ref(stmt), buffer))
        {
            return false;
        }
        filled(stmt, buffer, &mut Vec::new(), &mut pieces);
        merge(&mut pieces);
        let whole = |piece: &Piece| {
            piece.iter().zip(&needed).all(|((lo, hi), needed)| *lo <= needed.0 && needed.1 <= *hi)
        };
        if pieces.iter().any(whole) {
            return true;
        }
        if pieces.len() > PIECES {
            return false;
        }
    }
    true
}

/// What of a buffer a block touches.
fn needed(func: &Func, block: &[Stmt], buffer: BufferId) -> Option<Piece> {
    let extents = &func.buffer(buffer).extents;
    let whole: Option<Piece> = extents.iter().map(|extent| Some((0, extent.as_const()?.into()))).collect();
    let (whole, mut hull) = (whole?, None);
    touched(&mut Facts::default(), block, buffer, &whole, &mut hull);
    Some(hull.unwrap_or(whole))
}

fn touched(facts: &mut Facts, block: &[Stmt], buffer: BufferId, whole: &Piece, hull: &mut Option<Piece>) {
    for stmt in block {
        let axes: Vec<(Var, Expr, Expr)> = match stmt {
            Stmt::For(For { var, lo, hi, .. }) => vec![(*var, lo.clone(), hi.clone())],
            Stmt::Contract(Contract { axes, .. }) => {
                axes.iter().map(|(var, extent)| (*var, Expr::int(0), extent.clone())).collect()
            }
            _ => Vec::new(),
        };
        axes.iter().for_each(|(var, lo, hi)| facts.enter(*var, lo, hi));
        let mut add = |indices: &[Expr]| {
            let interval = |(index, all): (&Expr, &(i128, i128))| match facts.interval(index) {
                Some((lo, hi)) => (lo.max(all.0), (hi + 1).min(all.1)),
                None => *all,
            };
            let here: Piece = indices.iter().zip(whole).map(interval).collect();
            *hull = Some(match hull.take() {
                None => here,
                Some(known) => known.iter().zip(&here).map(|(a, b)| (a.0.min(b.0), a.1.max(b.1))).collect(),
            });
        };
        if let Some(write) = stmt.write().filter(|write| write.buffer == buffer) {
            add(write.place);
        }
        stmt.exprs().into_iter().for_each(|expr| {
            expr.walk(&mut |part| {
                if let Expr::Load(read, indices) = part
                    && *read == buffer
                {
                    add(indices);
                }
            });
        });
        stmt.blocks().into_iter().for_each(|inner| touched(facts, inner, buffer, whole, hull));
        axes.iter().for_each(|_| facts.leave());
    }
}

/// What a statement certainly writes of a buffer.
fn filled(stmt: &Stmt, buffer: BufferId, counters: &mut Vec<(Var, i64, i64)>, pieces: &mut Vec<Piece>) {
    let before = counters.len();
    match stmt {
        Stmt::For(For { var, lo, hi, body, .. }) => {
            let (Some(lo), Some(hi)) = (lo.as_int(), hi.as_int()) else { return };
            if lo < hi {
                counters.push((*var, lo, hi));
                body.iter().for_each(|stmt| filled(stmt, buffer, counters, pieces));
            }
        }
        Stmt::Store(written, place, _) if *written == buffer => pieces.extend(piece(place, counters)),
        Stmt::Contract(contract) if contract.target == buffer && !contract.accumulate => {
            let axes = contract.axes.iter().map(|(var, extent)| Some((*var, 0, extent.as_int()?)));
            if let Some(axes) = axes.collect::<Option<Vec<_>>>()
                && axes.iter().all(|(_, lo, hi)| lo < hi)
            {
                counters.extend(axes);
                pieces.extend(piece(&contract.place, counters));
            }
        }
        _ => {}
    }
    counters.truncate(before);
}

/// The places of a store in a nest of loops, if they are all in a range of each dimension.
fn piece(place: &[Expr], counters: &[(Var, i64, i64)]) -> Option<Piece> {
    let mut used = BTreeSet::new();
    let dimension = |index: &Expr| {
        let sum = Linear::of(index)?;
        let mut first = sum.constant;
        let mut steps = Vec::new();
        for (atom, step) in &sum.terms {
            let Expr::Var(var) = atom else { return None };
            let (_, lo, hi) = counters.iter().find(|(known, ..)| known == var)?;
            if !used.insert(*var) {
                return None;
            }
            first += step * i128::from(*lo);
            if hi - lo > 1 {
                steps.push((*step, i128::from(hi - lo)));
            }
        }
        // Each step begins where the smaller ones end.
        steps.sort_unstable();
        let mut reach = 1;
        for (step, count) in steps {
            if step != reach {
                return None;
            }
            reach *= count;
        }
        Some((first, first + reach))
    };
    place.iter().map(dimension).collect()
}

/// Makes one piece of two that differ in one dimension and meet there.
fn merge(pieces: &mut Vec<Piece>) {
    let joined = |a: &Piece, b: &Piece| {
        let mut differing = (0..a.len()).filter(|&at| a[at] != b[at]);
        let (one, more) = (differing.next(), differing.next());
        let mut both = a.clone();
        if let Some(at) = one {
            if more.is_some() || a[at].1 < b[at].0 || b[at].1 < a[at].0 {
                return None;
            }
            both[at] = (a[at].0.min(b[at].0), a[at].1.max(b[at].1));
        }
        Some(both)
    };
    while let Some((a, b, both)) =
        (0..pieces.len()).find_map(|b| (0..b).find_map(|a| Some((a, b, joined(&pieces[a], &pieces[b])?))))
    {
        pieces.remove(b);
        pieces[a] = both;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn very_long_loops_have_few_chunks_and_their_sizes_are_found_at_once() {
        // A prime number: every size would be tried in vain.
        let trips = 9_223_372_036_854_775_783;
        let chunk = chunk(trips, 1e-9, CHUNKS);
        assert!((1..=CHUNKS).contains(&(trips / chunk)));
        assert_eq!(super::chunk(1 << 40, 1e-9, CHUNKS), 1 << 34);
    }
}
