//! Nests that only move elements into another order. Backends have kernels for them, so the passes that
//! shape loops leave them as they are.

use tcc_ir::loops::{Expr, For, Func, LoopKind, Stmt, Var, affine};

/// Copies of fewer elements are as fast in loops.
const SMALLEST: i64 = 1024;

/// Whether a nest is a copy whose reads and writes have different fastest axes, of constant extents.
pub fn is_permuting_copy(func: &Func, each: &For) -> bool {
    let mut vars: Vec<Var> = Vec::new();
    let mut elements = 1i64;
    let mut inner = each;
    let (target, place, value) = loop {
        let whole = inner.kind == LoopKind::Serial && inner.lo.as_int() == Some(0);
        let Some(extent) = inner.hi.as_int().filter(|_| whole) else { return false };
        vars.push(inner.var);
        elements = elements.saturating_mul(extent.max(0));
        match inner.body.as_slice() {
            [Stmt::For(next)] => inner = next,
            [Stmt::Store(target, place, value)] => break (*target, place, value),
            _ => return false,
        }
    };
    let Expr::Load(source, indices) = value else { return false };
    if vars.len() < 2 || elements < SMALLEST || *source == target {
        return false;
    }
    let fastest = |buffer, indices: &[Expr]| {
        let strides = &func.buffer(buffer).strides;
        let mut steps = vec![0i64; vars.len()];
        for (index, stride) in indices.iter().zip(strides) {
            let stride = stride.as_const()?;
            for (sum, step) in steps.iter_mut().zip(affine(index, &vars)?.steps) {
                *sum = sum.checked_add(step.checked_mul(stride)?)?;
            }
        }
        steps.iter().position(|&step| step == 1)
    };
    match (fastest(target, place), fastest(*source, indices)) {
        (Some(written), Some(read)) => written != read,
        _ => false,
    }
}
