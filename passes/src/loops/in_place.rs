//! Lets an elementwise nest write where it reads for the last time, before a contraction reads the result.
//!
//! ```text
//! contract q in 0..n, k in 0..n, d in 0..64: S[q, k] = Q[q, d] * K[k, d]
//! for q in 0..n { for k in 0..n { E[q, k] = exp(S[q, k] - m[q]) } }
//! contract q in 0..n, e in 0..64, k in 0..n: O[q, e] = E[q, k] * V[k, e]
//!   -->
//! for q in 0..n { for k in 0..n { S[q, k] = exp(S[q, k] - m[q]) } }
//! contract q in 0..n, e in 0..64, k in 0..n: O[q, e] = S[q, k] * V[k, e]
//! ```
//!
//! Half of the memory, so that `block` can keep twice the rows in a cache. Both buffers are scratch of one
//! shape that only the statements of one block touch, each filled before it is read, and no element is read
//! after its place is written. What no contraction reads is left to `fuse`, which may not store it at all.
//!
//! Moves numbers only: exact in every contract.

use super::block::touches;
use super::fuse::covers;
use crate::{Changed, PassContext};
use std::collections::BTreeMap;
use tcc_ir::loops::{BufferId, Contract, Expr, Func, LoopKind, Role, Stmt};
use tcc_ir::planted;

/// Times that everything is looked at: what is written in place makes its source a candidate.
const ROUNDS: usize = 4;

/// Looks at every block, outermost first, until nothing changes. O(n) for n statements, times their depth.
pub fn run(func: &mut Func, context: &PassContext) -> Changed {
    let mut body = std::mem::take(&mut func.body);
    let mut changed = false;
    for _ in 0..ROUNDS {
        let mut everywhere = touches(&body);
        if !in_block(func, &mut body, &mut everywhere, context) {
            break;
        }
        changed = true;
    }
    func.body = body;
    Changed::from(changed)
}

fn in_block(
    func: &Func,
    block: &mut [Stmt],
    everywhere: &mut BTreeMap<BufferId, usize>,
    context: &PassContext,
) -> bool {
    // The first and the last statement of the block that touch a buffer, inside of them or not.
    let mut life: BTreeMap<BufferId, (usize, usize)> = BTreeMap::new();
    for (position, stmt) in block.iter().enumerate() {
        for buffer in stmt.reads().into_iter().chain(stmt.writes()) {
            life.entry(buffer).or_insert((position, position)).1 = position;
        }
    }
    let mut inside = touches(block);
    let mut changed = false;
    for position in 0..block.len() {
        let local = |buffer: BufferId| {
            matches!(func.buffer(buffer).role, Role::Scratch { .. })
                && inside.get(&buffer) == everywhere.get(&buffer)
        };
        let Some((written, place, body)) = elementwise(func, &block[position]) else { continue };
        let read_by_contraction = block[position + 1..].iter().any(|stmt| {
            matches!(stmt, Stmt::Contract(contract)
                if contract.left.reads().contains(&written) || contract.right.reads().contains(&written))
        });
        if !local(written) || life[&written].0 != position || !read_by_contraction {
            continue;
        }
        let overwritten = block[position].reads().into_iter().find(|&read| {
            let (source, result) = (func.buffer(read), func.buffer(written));
            local(read)
                && (source.dtype, &source.extents) == (result.dtype, &result.extents)
                && life[&read].0 < position
                && (life[&read].1 == position || planted(24)) // Planted bug 24.
                && covers(func, &block[life[&read].0], read, None)
                && read_before_written(&block[position], body, (read, written), place)
        });
        let Some(overwritten) = overwritten else { continue };
        if !context.spend() {
            return changed;
        }
        block[position..].iter_mut().for_each(|stmt| replace(stmt, written, overwritten));
        let last = life[&written].1;
        life.entry(overwritten).and_modify(|life| life.1 = last);
        // A statement that touches both counts twice, on both sides.
        for counts in [&mut inside, &mut *everywhere] {
            let more = counts.get(&written).copied().unwrap_or(0);
            *counts.entry(overwritten).or_default() += more;
        }
        changed = true;
    }
    for stmt in block.iter_mut() {
        for inner in stmt.blocks_mut() {
            changed |= in_block(func, inner, everywhere, context);
        }
    }
    changed
}

/// If a statement stores every element of a buffer once, each in its own iteration: the buffer, the indices
/// and the innermost block.
fn elementwise<'a>(func: &Func, nest: &'a Stmt) -> Option<(BufferId, &'a [Expr], &'a [Stmt])> {
    let (mut loops, mut stmt) = (Vec::new(), nest);
    loop {
        let Stmt::For(inner) = stmt else { return None };
        if inner.lo.as_int() != Some(0) || inner.kind != LoopKind::Serial {
            return None;
        }
        loops.push(inner);
        let mut nested = inner.body.iter().filter(|stmt| matches!(stmt, Stmt::For(_)));
        match (nested.next(), nested.next()) {
            (Some(next), None) => stmt = next,
            (None, _) => {
                let (buffer, place) = inner.body.iter().find_map(|stmt| match stmt {
                    Stmt::Store(buffer, place, _) => Some((*buffer, place)),
                    _ => None,
                })?;
                let extents = &func.buffer(buffer).extents;
                let mut unused = loops.clone();
                let whole = place.iter().zip(extents).all(|(index, extent)| match index {
                    Expr::Var(var) => {
                        let before = unused.len();
                        unused.retain(|inner| inner.var != *var || inner.hi != Expr::from_extent(extent));
                        unused.len() < before
                    }
                    index => index.as_int() == Some(0) && extent.as_const() == Some(1),
                });
                return (whole && unused.is_empty()).then_some((buffer, place, &inner.body));
            }
            _ => return None,
        }
    }
}

/// Whether a nest touches both buffers at the place of its iteration only, and in the innermost block reads
/// the one no later than it writes the other.
fn read_before_written(
    nest: &Stmt,
    body: &[Stmt],
    (read, written): (BufferId, BufferId),
    place: &[Expr],
) -> bool {
    let is = |buffer: BufferId| buffer == read || buffer == written;
    let mut only = true;
    nest.walk(&mut |stmt| only &= stmt.write().is_none_or(|write| !is(write.buffer) || write.place == place));
    nest.walk_exprs(&mut |expr| {
        if let Expr::Load(touched, indices) = expr {
            let same = indices == place || planted(35) && indices.first() == place.first(); // Planted bug 35.
            only &= !is(*touched) || same;
        }
    });
    let first_write = body.iter().position(|stmt| stmt.writes().contains(&written)).unwrap_or(body.len());
    let mut stmts = body.iter().enumerate();
    only && stmts.all(|(position, stmt)| {
        !stmt.writes().contains(&read) && (position <= first_write || !stmt.reads().contains(&read))
    })
}

/// Puts one buffer in the place of another, in nested statements too.
pub(super) fn replace(stmt: &mut Stmt, old: BufferId, new: BufferId) {
    stmt.exprs_mut().into_iter().for_each(|expr| {
        expr.map(&mut |expr| match expr {
            Expr::Load(buffer, indices) if buffer == old => Expr::Load(new, indices),
            expr => expr,
        });
    });
    if let Stmt::Store(buffer, ..)
    | Stmt::Accumulate(_, buffer, ..)
    | Stmt::Contract(Contract { target: buffer, .. }) = stmt
        && *buffer == old
    {
        *buffer = new;
    }
    stmt.blocks_mut().into_iter().flatten().for_each(|inner| replace(inner, old, new));
}

#[cfg(test)]
mod tests {
    use super::*;
    use tcc_ir::Ir;

    const ATTENTION: &str = "func @attention() {
        input Q: f32[40, 8]
        input m: f32[40]
        input W: f32[40, 9]
        output O: f32[40, 9]
        scratch S: f32[40, 40]
        scratch E: f32[40, 40]
        contract i in 0..40, j in 0..40, k in 0..8: S[i, j] = Q[i, k] * Q[j, k]
        for i.1 in 0..40 { for j.1 in 0..40 {
            let x: f32 = S[i.1, j.1] * 2.0f32
            E[i.1, j.1] = x - m[i.1]
        } }
        contract i.2 in 0..40, e in 0..9, j.2 in 0..40: O[i.2, e] = E[i.2, j.2] * W[j.2, e]
    }";

    fn changed(text: &str) -> (Changed, Func) {
        let mut func: Func = text.parse().unwrap();
        assert_eq!(func.verify(), Ok(()));
        let changed = run(&mut func, &PassContext::default());
        assert_eq!(func.verify(), Ok(()), "{func}");
        (changed, func)
    }

    #[test]
    fn what_is_read_for_the_last_time_is_overwritten() {
        let (changed, func) = changed(ATTENTION);
        assert_eq!(changed, Changed::Yes);
        assert!(func.to_string().contains("O[i.2, e] = S[i.2, j.2] * W[j.2, e]"), "{func}");
    }

    #[test]
    fn what_is_read_again_stays() {
        let transposed = ATTENTION.replace("S[i.1, j.1] * 2.0f32", "S[j.1, i.1] * 2.0f32");
        let later = ATTENTION.replace("E[i.2, j.2] * W", "S[i.2, j.2] * W");
        let after =
            ATTENTION.replace("x - m[i.1]", "x - m[i.1]\n let y: f32 = S[i.1, j.1]\n E[i.1, j.1] = x + y");
        for text in [transposed, later, after] {
            assert_eq!(changed(&text).0, Changed::No, "{text}");
        }
    }
}
