//! Loop interchange: in a perfect nest, puts the loop innermost that walks memory in unit strides.
//!
//! ```text
//! for j in 0..n { for k in 0..m { C[i, j] += A[i, k] * B[k, j] } }
//!   -->
//! for k in 0..m { for j in 0..n { C[i, j] += A[i, k] * B[k, j] } }
//! ```
//!
//! Only serial loops are moved, one past its neighbour at a time. Swapping `a` (outer) with `b` is
//! legal if
//!
//! - the nest is perfect and the bounds of `b` do not mention `a`; bounds are pure but for loads, so
//!   bounds that read a buffer stay where they are;
//! - the body has no check (which one fails first would change);
//! - for every buffer that the body writes, all its accesses have the same indices, and one of these is
//!   `a` or `b` alone (plus a constant). Then two iterations that meet at an element agree in that
//!   counter, and all dependences run along the other one and the loops further in, whose order the
//!   swap keeps. So every element sees the same writes in the same order, bit for bit;
//! - a register that the body writes is written by it first, and so carries nothing from one
//!   iteration to the next. What it holds after the nest comes from the last iteration, which
//!   is the same one in both orders.
//!
//! A nest that only reduces into places that are the same in all its iterations may have any order, if the
//! contract lets the reduction be reassociated: the loop of the largest distance is outermost then.

use super::vectorize::may_reassociate;
use crate::{Changed, PassContext};
use std::collections::BTreeSet;
use tcc_ir::loops::{BufferId, Expr, For, Func, LoopKind, Stmt, Var, walk_block};
use tcc_ir::{Dtype, ScalarOp, planted};

/// What an access costs by the distance between neighbouring iterations: in cache lines, roughly.
const COST_UNIT: u64 = 1;
const COST_FAR: u64 = 8;

/// A distance that is a symbol counts as so many elements.
const UNKNOWN_DISTANCE: u64 = 1 << 20;

/// Reorders every perfect nest of serial loops.
pub fn run(func: &mut Func, context: &PassContext) -> Changed {
    let mut body = std::mem::take(&mut func.body);
    let changed = block(func, &mut body, context);
    func.body = body;
    Changed::from(changed)
}

fn block(func: &Func, statements: &mut [Stmt], context: &PassContext) -> bool {
    let mut changed = false;
    for stmt in statements {
        match stmt {
            Stmt::For(outer) => changed |= nest(func, outer, context),
            other => {
                for nested in other.blocks_mut() {
                    changed |= block(func, nested, context);
                }
            }
        }
    }
    changed
}

/// Handles the perfect nest that starts at a loop, then what is below it.
fn nest(func: &Func, outer: &mut For, context: &PassContext) -> bool {
    let mut loops = take_nest(outer);
    let mut body = std::mem::take(&mut outer.body);
    let mut changed = block(func, &mut body, context);
    if loops.len() > 1 && !contains_loop(&body) {
        changed |= if is_reduction(func, &loops, &body, context) {
            sort_by_distance(func, &mut loops, &body, context)
        } else {
            reorder(func, &mut loops, &body, context)
        };
    }
    rebuild(outer, loops, body);
    changed
}

/// A loop of a nest without its body.
#[derive(Clone)]
struct Head {
    var: Var,
    lo: Expr,
    hi: Expr,
    kind: LoopKind,
}

/// The heads of a perfect nest, outermost first; `outer` keeps the innermost body.
fn take_nest(outer: &mut For) -> Vec<Head> {
    let mut heads = Vec::new();
    loop {
        let nothing = || Expr::int(0);
        let (lo, hi) =
            (std::mem::replace(&mut outer.lo, nothing()), std::mem::replace(&mut outer.hi, nothing()));
        heads.push(Head { var: outer.var, lo, hi, kind: outer.kind });
        let mut body = std::mem::take(&mut outer.body);
        match (body.pop(), body.is_empty()) {
            (Some(Stmt::For(inner)), true) => *outer = inner,
            (last, _) => {
                body.extend(last);
                outer.body = body;
                return heads;
            }
        }
    }
}

fn rebuild(outer: &mut For, heads: Vec<Head>, mut body: Vec<Stmt>) {
    for Head { var, lo, hi, kind } in heads.into_iter().rev() {
        *outer = For { var, lo, hi, kind, body };
        body = vec![Stmt::For(std::mem::replace(
            outer,
            For { var, lo: Expr::int(0), hi: Expr::int(0), kind, body: Vec::new() },
        ))];
    }
    if let Some(Stmt::For(nest)) = body.pop() {
        *outer = nest;
    }
}

/// Moves the best loop innermost, if it may pass all loops inside it.
fn reorder(func: &Func, heads: &mut [Head], body: &[Stmt], context: &PassContext) -> bool {
    let Some(facts) = Facts::of(func, body) else { return false };
    let cost_of = |head: &Head| facts.cost(func, head.var);
    let mut best: Option<(usize, u64)> = None;
    let last = heads.len() - 1;
    let now = cost_of(&heads[last]);
    // From the inside outwards: of equal loops the one that moves least.
    for position in (0..last).rev() {
        if !(position..last).all(|passed| facts.may_swap(&heads[position], &heads[passed + 1])) {
            continue;
        }
        let cost = cost_of(&heads[position]);
        if cost < best.map_or(now, |(_, cost)| cost) {
            best = Some((position, cost));
        }
    }
    match best {
        Some((position, _)) if context.spend() => {
            heads[position..].rotate_left(1);
            true
        }
        _ => false,
    }
}

/// Whether a nest only reduces, into places that its counters do not choose, in any order.
fn is_reduction(func: &Func, heads: &[Head], body: &[Stmt], context: &PassContext) -> bool {
    let mut defined: BTreeSet<Var> = heads.iter().map(|head| head.var).collect();
    let fixed = |expr: &Expr, defined: &BTreeSet<Var>| {
        expr.reads().is_empty() && expr.free_vars().iter().all(|var| !defined.contains(var))
    };
    let bounds = heads.iter().flat_map(|head| [&head.lo, &head.hi]);
    if !heads.iter().all(|head| head.kind == LoopKind::Serial)
        || !bounds.into_iter().all(|bound| fixed(bound, &defined))
    {
        return false;
    }
    let (mut read, mut written) = (BTreeSet::new(), BTreeSet::new());
    for stmt in body {
        match stmt {
            Stmt::Let(var, _) => drop(defined.insert(*var)),
            Stmt::Accumulate(op, buffer, indices, _) => {
                let fine = may_reassociate(*op, func.buffer(*buffer).dtype, context.contract)
                    && indices.iter().all(|index| fixed(index, &defined));
                if !fine || !written.insert(*buffer) {
                    return false;
                }
            }
            _ => return false,
        }
        stmt.walk_exprs(&mut |expr| {
            if let Expr::Load(buffer, _) = expr {
                read.insert(*buffer);
            }
        });
    }
    read.is_disjoint(&written)
}

/// Puts loops of large distances outside.
fn sort_by_distance(func: &Func, heads: &mut Vec<Head>, body: &[Stmt], context: &PassContext) -> bool {
    let mut loads = Vec::new();
    for stmt in body {
        stmt.walk_exprs(&mut |expr| {
            if let Expr::Load(buffer, indices) = expr {
                loads.push((*buffer, indices.clone()));
            }
        });
    }
    let distance_of = |head: &Head| -> u64 {
        let each = |(buffer, indices): &(BufferId, Vec<Expr>)| {
            distance(func, *buffer, indices, head.var).map_or(UNKNOWN_DISTANCE, i64::unsigned_abs)
        };
        loads.iter().map(each).fold(0, u64::saturating_add)
    };
    let distances: Vec<u64> = heads.iter().map(distance_of).collect();
    if distances.is_sorted_by(|a, b| a >= b) || !context.spend() {
        return false;
    }
    let mut order: Vec<(u64, Head)> = distances.into_iter().zip(std::mem::take(heads)).collect();
    order.sort_by_key(|(distance, _)| std::cmp::Reverse(*distance));
    heads.extend(order.into_iter().map(|(_, head)| head));
    true
}

/// How far apart the places of neighbouring iterations of a loop are, in elements, if that is known.
fn distance(func: &Func, buffer: BufferId, indices: &[Expr], var: Var) -> Option<i64> {
    let mut sum = 0i64;
    for (index, stride) in indices.iter().zip(&func.buffer(buffer).strides) {
        let moved = coefficient(index, var)?;
        if moved != 0 {
            sum = sum.checked_add(moved.checked_mul(stride.as_const()?)?)?;
        }
    }
    Some(sum)
}

fn contains_loop(body: &[Stmt]) -> bool {
    let mut found = false;
    walk_block(body, &mut |stmt| found |= matches!(stmt, Stmt::For(_)));
    found
}

/// What the body of a nest does to memory.
struct Facts {
    /// Every access: buffer, indices, and how often it touches its place.
    accesses: Vec<(BufferId, Vec<Expr>, u64)>,
    /// The indices at which written buffers are accessed.
    written: Vec<Vec<Expr>>,
}

impl Facts {
    /// `None` if the loops must stay: a check, a contraction, a register that carries a value, a written buffer
    /// that is accessed at different places.
    fn of(func: &Func, body: &[Stmt]) -> Option<Facts> {
        let mut accesses = Vec::new();
        let mut check = false;
        let mut writes = BTreeSet::new();
        walk_block(body, &mut |stmt| match stmt {
            Stmt::Store(buffer, indices, _) => {
                writes.insert(*buffer);
                accesses.push((*buffer, indices.clone(), 1));
            }
            Stmt::Accumulate(_, buffer, indices, _) => {
                writes.insert(*buffer);
                accesses.push((*buffer, indices.clone(), 2));
            }
            // Contractions are as they should be; their kernels choose an order.
            Stmt::Check(..) | Stmt::Contract(_) => check = true,
            Stmt::For(_) | Stmt::Let(..) | Stmt::If(..) => {}
        });
        for stmt in body {
            stmt.walk_exprs(&mut |expr| {
                if let Expr::Load(buffer, indices) = expr {
                    accesses.push((*buffer, indices.clone(), 1));
                }
            });
        }
        if check {
            return None;
        }
        let mut written = Vec::new();
        for &buffer in &writes {
            if func.buffer(buffer).is_register() {
                if !starts_afresh(body, buffer) {
                    return None;
                }
                continue;
            }
            let mut places = accesses.iter().filter(|access| access.0 == buffer).map(|access| &access.1);
            let first = places.next()?.clone();
            // Planted bug 27.
            if !places.all(|indices| *indices == first || planted(27) && indices.last() == first.last()) {
                return None;
            }
            written.push(first);
        }
        Some(Facts { accesses, written })
    }

    fn may_swap(&self, outer: &Head, inner: &Head) -> bool {
        let serial = outer.kind == LoopKind::Serial && inner.kind == LoopKind::Serial;
        let bounds = [&inner.lo, &inner.hi, &outer.lo, &outer.hi];
        let loaded = bounds.iter().any(|bound| !bound.reads().is_empty());
        let independent = !inner.lo.mentions(outer.var) && !inner.hi.mentions(outer.var);
        let pinned = |indices: &Vec<Expr>| {
            indices.iter().any(|index| is_counter(index, outer.var) || is_counter(index, inner.var))
        };
        serial && !loaded && independent && self.written.iter().all(pinned)
    }

    /// What one iteration costs if the loop of `var` is innermost.
    fn cost(&self, func: &Func, var: Var) -> u64 {
        let cost = |(buffer, indices, times): &(BufferId, Vec<Expr>, u64)| {
            times
                * match distance(func, *buffer, indices, var) {
                    Some(0) => 0,
                    Some(-1 | 1) => COST_UNIT,
                    _ => COST_FAR,
                }
        };
        self.accesses.iter().map(cost).sum()
    }
}

/// Whether the first touch of a register in a body, directly in it, is a store of something else.
fn starts_afresh(body: &[Stmt], register: BufferId) -> bool {
    for stmt in body {
        match stmt {
            Stmt::Store(buffer, _, value) if *buffer == register => {
                return !value.reads().contains(&register);
            }
            other if other.reads().contains(&register) || other.writes().contains(&register) => return false,
            _ => {}
        }
    }
    true
}

/// `var`, or `var` plus or minus a constant.
fn is_counter(index: &Expr, var: Var) -> bool {
    match index {
        Expr::Var(counter) => *counter == var,
        Expr::Op(ScalarOp::Add | ScalarOp::Sub, Dtype::I64, operands) => match operands.as_slice() {
            [Expr::Var(counter), constant] => *counter == var && constant.as_int().is_some(),
            _ => false,
        },
        Expr::Const(..) | Expr::Symbol(_) | Expr::Load(..) | Expr::Op(..) => false,
    }
}

/// How much an index grows from one value of `var` to the next, if that is a constant.
fn coefficient(index: &Expr, var: Var) -> Option<i64> {
    match index {
        Expr::Var(counter) if *counter == var => Some(1),
        other if !other.mentions(var) => Some(0),
        Expr::Op(op, Dtype::I64, operands) => {
            let [a, b] = operands.as_slice() else { return None };
            match op {
                ScalarOp::Add => coefficient(a, var)?.checked_add(coefficient(b, var)?),
                ScalarOp::Sub => coefficient(a, var)?.checked_sub(coefficient(b, var)?),
                ScalarOp::Mul => match (a.as_int(), b.as_int()) {
                    (Some(factor), _) => coefficient(b, var)?.checked_mul(factor),
                    (_, Some(factor)) => coefficient(a, var)?.checked_mul(factor),
                    (None, None) => None,
                },
                _ => None,
            }
        }
        Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_) | Expr::Load(..) | Expr::Op(..) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Contract;
    use crate::loops::testing::check;

    fn interchanged(before: &str, after: &str) {
        check(run, &PassContext::default(), before, after);
    }

    #[test]
    fn unit_strides_go_innermost() {
        interchanged(
            "for i in 0..n { for j in 0..n { for k in 0..n { W[i, j] += Z[i, k] * Z[k, j] } } }",
            "for i in 0..n { for k in 0..n { for j in 0..n { W[i, j] += Z[i, k] * Z[k, j] } } }",
        );
        interchanged(
            "for j in 1..n { for i in 0..n - 1 { W[i, j - 1] = Z[i, j] } }",
            "for i in 0..n - 1 { for j in 1..n { W[i, j - 1] = Z[i, j] } }",
        );
    }

    #[test]
    fn a_loop_may_pass_several() {
        interchanged(
            "for j in 0..n { for i in 0..n { for k in 0..2 { W[i, j] += Z[i, k] * Z[k, j] } } }",
            "for i in 0..n { for k in 0..2 { for j in 0..n { W[i, j] += Z[i, k] * Z[k, j] } } }",
        );
    }

    #[test]
    fn reductions_follow_memory_if_the_contract_allows() {
        let mut context = PassContext { contract: Contract::Reassoc, ..PassContext::default() };
        let before =
            "r = 0.0f32 for j in 0..n { for i in 0..n { let x: f32 = Z[i, j] r += x * x } } Y[0] = r";
        let after = "r = 0.0f32 for i in 0..n { for j in 0..n { let x: f32 = Z[i, j] r += x * x } } Y[0] = r";
        check(run, &context, before, after);
        context.contract = Contract::Strict;
        check(run, &context, before, before);
        let largest = |first, second| {
            format!("r = 0.0f32 for {first} in 0..n {{ for {second} in 0..n {{ r max= Z[i, j] }} }} Y[0] = r")
        };
        check(run, &context, &largest("j", "i"), &largest("i", "j"));
    }

    #[test]
    fn private_registers_are_no_obstacle() {
        interchanged(
            "for j in 0..n { for i in 0..n { r = Z[i, j] W[i, j] = r * r } } Y[0] = r",
            "for i in 0..n { for j in 0..n { r = Z[i, j] W[i, j] = r * r } } Y[0] = r",
        );
    }

    #[test]
    fn dependences_keep_their_order() {
        for stays in [
            // Iterations meet at elements with different counters.
            "for j in 1..n { for i in 0..n - 1 { W[i, j] = W[i + 1, j - 1] + Z[i, j] } }",
            "for j in 0..n { for i in 0..n { Y[(i + j) mod n] += Z[i, j] } }",
            "r = 0.0f32 for j in 0..n { for i in 0..n { r += Z[i, j] r max= Z[j, i] } } Y[0] = r",
            // Bounds and checks.
            "for j in 0..n { for i in j..n { W[i, j] = Z[i, j] } }",
            "for j in 0..n { for i in 0..n { check i <= n site 0 W[i, j] = Z[i, j] } }",
            "for j in 0..n { Y[j] = 1.0f32 for i in 0..n { W[i, j] = Z[i, j] } }",
            "parallel for j in 0..n { for i in 0..n { W[i, j] = Z[i, j] } }",
            // Nothing to gain.
            "for i in 0..n { for j in 0..n { W[i, j] = Z[i, j] } }",
        ] {
            interchanged(stays, stays);
        }
    }
}
