//! Nests that read across memory: a strip of the innermost loop goes through the whole nest before the next
//! strip does, so that the cache lines that its lanes jump between are used whole while they are near.
//!
//! ```text
//! for i in 0..n { for j in 0..64 { s += A[i, j] * B[j, i] } }
//!   -->
//! for j.s in 0..4 { for i in 0..n { for j in 0..16 { s += A[i, j.s * 16 + j] * B[j.s * 16 + j, i] } } }
//! ```
//!
//! Only for nests that add everything to the same places, whose order nobody sees.

use super::super::index::Linear;
use super::{counters, innermost};
use tcc_ir::Dtype;
use tcc_ir::loops::{BufferId, Expr, For, Func, LoopKind, Stmt, Var};

/// How many elements apart neighbouring iterations of `counter` read, if that is known.
fn stride(func: &Func, (buffer, indices): (BufferId, &[Expr]), counter: Var) -> Option<i128> {
    let strides = &func.buffer(buffer).strides;
    indices.iter().zip(strides).try_fold(0i128, |sum, (index, stride)| {
        let factor = Linear::of(index)?.factor(&Expr::Var(counter));
        if factor == 0 {
            return Some(sum);
        }
        factor.checked_mul(i128::from(stride.as_const()?))?.checked_add(sum)
    })
}

/// Whether lanes of the innermost loop would jump over what another loop of the nest reads next.
fn jumps(func: &Func, each: &For, inner: &For) -> bool {
    let counters = counters(each);
    let mut found = false;
    let mut visit = |expr: &Expr| {
        let Expr::Load(buffer, indices) = expr else { return };
        let along = |counter: Var| stride(func, (*buffer, indices), counter);
        let jumps = along(inner.var).is_some_and(|stride| stride.abs() > 1);
        found |= jumps && counters.iter().any(|&counter| along(counter) == Some(1));
    };
    inner.body.iter().for_each(|stmt| stmt.walk_exprs(&mut visit));
    found
}

/// The nest in strips of `lanes`, if its innermost loop jumps and consists of more than one whole strip.
pub fn in_strips(func: &mut Func, each: For, lanes: i64) -> For {
    let Some(inner) = innermost(&each) else { return each };
    let Some(count) = inner.trip_count().filter(|count| *count > lanes && count % lanes == 0) else {
        return each;
    };
    if !jumps(func, &each, inner) {
        return each;
    }
    let (var, lo) = (inner.var, inner.lo.clone());
    let strip = func.add_var(&format!("{}.s", func.var(var).name), Dtype::I64);
    let first = Expr::add(lo, Expr::mul(strip.into(), Expr::int(lanes)));
    let mut nest = Stmt::For(each);
    shorten(&mut nest, var, &Expr::add(first, var.into()), lanes);
    For {
        var: strip,
        lo: Expr::int(0),
        hi: Expr::int(count / lanes),
        kind: LoopKind::Serial,
        body: vec![nest],
    }
}

/// Makes the loop of `var` one over `lanes` iterations, each of which stands for `place`.
fn shorten(stmt: &mut Stmt, var: Var, place: &Expr, lanes: i64) {
    let Stmt::For(each) = stmt else { return };
    if each.var == var {
        (each.lo, each.hi) = (Expr::int(0), Expr::int(lanes));
        each.body.iter_mut().for_each(|stmt| stmt.substitute(var, place));
    } else {
        each.body.iter_mut().for_each(|stmt| shorten(stmt, var, place, lanes));
    }
}
