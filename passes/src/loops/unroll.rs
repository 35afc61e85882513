//! Unrolling: repeats the body of innermost loops with a constant trip count.
//!
//! ```text
//! for i in 0..3 { S(i) }                       unroll(4)
//!   -->
//! S(0) S(1) S(2)
//!
//! for i in a..a + 10 { S(i) }                  unroll(4)
//!   -->
//! for i.o in 0..2 { S(a + i.o * 4) S(a + i.o * 4 + 1) S(a + i.o * 4 + 2) S(a + i.o * 4 + 3) }
//! S(a + 8) S(a + 9)
//! ```
//!
//! Iterations keep their order, so every result stays the same bit for bit. Loops whose trip count
//! is not constant, and parallel and vector loops, stay as they are.

use super::copy::is_permuting_copy;
use crate::{Changed, PassContext};
use tcc_ir::loops::{Expr, For, Func, LoopKind, MAX_DEPTH, Stmt};
use tcc_ir::planted;

/// A loop is not unrolled if more nodes than this would replace it.
const MAX_SIZE: usize = 1024;

/// How much deeper an expression may get in which the counter is replaced.
const GROWTH: usize = 4;

/// Unrolls every innermost serial loop, and loops that become innermost by it.
pub fn run(func: &mut Func, context: &PassContext) -> Changed {
    let factor = context.argument("factor").max(2);
    let body = std::mem::take(&mut func.body);
    let size = body.iter().map(Stmt::size).sum();
    let mut unroll = Unroll { func, context, factor, size, changed: false };
    let body = unroll.block(body);
    let changed = unroll.changed;
    func.body = body;
    Changed::from(changed)
}

struct Unroll<'a> {
    func: &'a mut Func,
    context: &'a PassContext,
    factor: i64,
    /// Nodes of the whole function.
    size: usize,
    changed: bool,
}

impl Unroll<'_> {
    fn block(&mut self, block: Vec<Stmt>) -> Vec<Stmt> {
        let mut result = Vec::with_capacity(block.len());
        for mut stmt in block {
            if matches!(&stmt, Stmt::For(each) if is_permuting_copy(self.func, each)) {
                result.push(stmt);
                continue;
            }
            for nested in stmt.blocks_mut() {
                *nested = self.block(std::mem::take(nested));
            }
            match stmt {
                Stmt::For(inner) => result.extend(self.unroll(inner)),
                other => result.push(other),
            }
        }
        result
    }

    /// The statements that take the place of a loop: itself if it is not unrolled.
    fn unroll(&mut self, inner: For) -> Vec<Stmt> {
        let Some(count) = self.trip_count(&inner) else { return vec![Stmt::For(inner)] };
        let size: usize = inner.body.iter().map(Stmt::size).sum();
        let full = count <= self.factor;
        let copies = if full { count } else { self.factor + count % self.factor };
        // A copy of the counter grows by at most a product and two sums.
        let grown = usize::try_from(copies).unwrap_or(usize::MAX).saturating_mul(size.saturating_mul(2));
        let allowed = self.context.limits.nodes.saturating_sub(self.size).min(MAX_SIZE);
        if grown > allowed || too_deep(&inner) || !self.context.spend() {
            return vec![Stmt::For(inner)];
        }
        self.size += grown;
        self.changed = true;
        let copy = |unroll: &mut Self, counter: &Expr| {
            let mut body = unroll.func.copy_fresh(&inner.body);
            body.iter_mut().for_each(|stmt| match stmt {
                Stmt::If(_, then, _) if planted(30) => {
                    then.iter_mut().for_each(|stmt| stmt.substitute(inner.var, counter)); // Planted bug 30.
                }
                stmt => stmt.substitute(inner.var, counter),
            });
            body
        };
        let mut result = Vec::new();
        let mut first_left = 0;
        if !full {
            first_left = count - count % self.factor;
            let name = format!("{}.o", self.func.var(inner.var).name);
            let outer = self.func.add_var(&name, tcc_ir::Dtype::I64);
            let block = Expr::add(inner.lo.clone(), Expr::mul(outer.into(), Expr::int(self.factor)));
            let mut body = Vec::new();
            for lane in 0..self.factor {
                body.extend(copy(self, &Expr::add(block.clone(), Expr::int(lane))));
            }
            let blocks = Expr::int(count / self.factor);
            result.push(Stmt::for_loop(outer, Expr::int(0), blocks, inner.kind, body));
        }
        for position in first_left..count {
            result.extend(copy(self, &Expr::add(inner.lo.clone(), Expr::int(position))));
        }
        result
    }

    /// The trip count of a loop that may be unrolled.
    fn trip_count(&self, inner: &For) -> Option<i64> {
        let ordered = matches!(inner.kind, LoopKind::Serial | LoopKind::Unroll);
        let innermost = !inner.body.iter().any(contains_loop);
        inner.trip_count().filter(|_| ordered && innermost)
    }
}

fn contains_loop(stmt: &Stmt) -> bool {
    let mut found = false;
    stmt.walk(&mut |stmt| found |= matches!(stmt, Stmt::For(_)));
    found
}

/// Whether replacing the counter could nest an expression deeper than the contract allows.
fn too_deep(inner: &For) -> bool {
    let mut deepest = 0;
    for stmt in &inner.body {
        stmt.walk(&mut |stmt| stmt.exprs().into_iter().for_each(|expr| deepest = deepest.max(expr.depth())));
    }
    deepest + inner.lo.depth() + GROWTH > MAX_DEPTH
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::testing::check;

    fn unrolled(factor: i64, before: &str, after: &str) {
        let context = PassContext::default().with_arguments(&vec![("factor", factor)]);
        check(run, &context, before, after);
    }

    #[test]
    fn short_loops_disappear() {
        unrolled(4, "for i in 1..3 { Y[i] = X[i] }", "Y[1] = X[1] Y[2] = X[2]");
        unrolled(4, "for i in 3..1 { Y[i] = X[i] }", "");
        unrolled(
            2,
            "for i in 0..2 { for j in n - 1..n { let x: f32 = X[i] Y[j] += x } }",
            "let x.1.1: f32 = X[0] Y[n - 1] += x.1.1 let x.1.2: f32 = X[1] Y[n - 1] += x.1.2",
        );
    }

    #[test]
    fn long_loops_are_unrolled_by_the_factor() {
        unrolled(
            4,
            "r = 0.0f32 for k in 2..12 { r += X[k] } Y[0] = r",
            "r = 0.0f32
             for k.o in 0..2 {
               r += X[k.o * 4 + 2] r += X[k.o * 4 + 3] r += X[k.o * 4 + 4] r += X[k.o * 4 + 5]
             }
             r += X[10] r += X[11]
             Y[0] = r",
        );
    }

    #[test]
    fn other_loops_stay() {
        for stays in [
            "for i in 0..n { Y[i] = X[i] }",
            "parallel for i in 0..4 { Y[i] = X[i] }",
            "vector for i in 0..4 { Y[i] = X[i] }",
        ] {
            unrolled(4, stays, stays);
        }
    }
}
