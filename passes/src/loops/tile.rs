//! Tiling: splits loops into blocks.
//!
//! ```text
//! for i in 0..128 { S(i) }                              tile(32)
//!   -->
//! for i.o in 0..4 { for i.i in 0..32 { S(i.o * 32 + i.i) } }
//!
//! for i in 0..n { S(i) }
//!   -->
//! for i.o in 0..(n + 31) div 32 { for i.i in 0..min(32, n - i.o * 32) { S(i.o * 32 + i.i) } }
//! ```
//!
//! Iterations keep their order, so this is always legal and keeps every bit; it is `interchange` that
//! makes blocks useful. Loops with at most `size` iterations, and vector and unrolled loops, stay.

use super::growth::is_within_limits;
use super::index::Facts;
use crate::{Changed, PassContext};
use tcc_ir::loops::{Expr, For, Func, LoopKind, Stmt};
use tcc_ir::{Dtype, ScalarOp, planted};

/// Splits every loop that is longer than `size`, or whose length is not known to be less.
pub fn run(func: &mut Func, context: &PassContext) -> Changed {
    let before = func.clone();
    let size = context.argument("size").max(2);
    let body = std::mem::take(&mut func.body);
    let mut tiler = Tiler { func, context, size, facts: Facts::default(), changed: false };
    let body = tiler.block(body);
    let changed = tiler.changed;
    func.body = body;
    if changed && !is_within_limits(func, context) {
        *func = before;
        return Changed::No;
    }
    Changed::from(changed)
}

struct Tiler<'a> {
    func: &'a mut Func,
    context: &'a PassContext,
    size: i64,
    facts: Facts,
    changed: bool,
}

impl Tiler<'_> {
    fn block(&mut self, block: Vec<Stmt>) -> Vec<Stmt> {
        let mut result = Vec::with_capacity(block.len());
        for stmt in block {
            match stmt {
                Stmt::For(each) => self.each(each, &mut result),
                Stmt::If(condition, then, otherwise) => {
                    let (then, otherwise) = (self.block(then), self.block(otherwise));
                    result.push(Stmt::If(condition, then, otherwise));
                }
                Stmt::Let(..)
                | Stmt::Store(..)
                | Stmt::Accumulate(..)
                | Stmt::Check(..)
                | Stmt::Contract(_) => result.push(stmt),
            }
        }
        result
    }

    fn each(&mut self, each: For, result: &mut Vec<Stmt>) {
        let short = self.is_short(&each);
        let half = planted(25) && each.trip_count().is_some_and(|count| count < self.size / 2);
        if half && self.context.spend() {
            self.changed = true; // Planted bug 25.
            return;
        }
        self.facts.enter(each.var, &each.lo, &each.hi);
        let each = For { body: self.block(each.body), ..each };
        self.facts.leave();
        let splits = matches!(each.kind, LoopKind::Serial | LoopKind::Parallel) && !short;
        if splits && self.context.spend() {
            self.changed = true;
            self.split(each, result);
        } else {
            result.push(Stmt::For(each));
        }
    }

    /// Whether the loop certainly has at most `size` iterations.
    fn is_short(&self, each: &For) -> bool {
        each.trip_count().is_some_and(|count| count <= self.size)
            || self.facts.at_most(&each.hi, &each.lo, i128::from(self.size))
    }

    fn split(&mut self, each: For, result: &mut Vec<Stmt>) {
        let For { var, lo, hi, kind, mut body } = each;
        let bound = hi.clone();
        let name = self.func.var(var).name.clone();
        let size = Expr::int(self.size);
        // Bounds are computed once, also where the body writes what they read.
        let lo = self.once(lo, &name, result);
        let constant = (For { var, lo: lo.clone(), hi: hi.clone(), kind, body: Vec::new() }).trip_count();
        let count = match constant {
            Some(count) => Expr::int(count),
            None => self.once(Expr::sub(hi, lo.clone()), &name, result),
        };
        // Planted bug 26.
        let guard = match &bound {
            Expr::Op(ScalarOp::Min, _, bounds) if planted(26) => bounds[0].clone(),
            _ => count.clone(),
        };
        let outer = self.func.add_var(&format!("{name}.o"), Dtype::I64);
        let inner = self.func.add_var(&format!("{name}.i"), Dtype::I64);
        let first = Expr::mul(outer.into(), size.clone());
        let place = Expr::add(Expr::add(lo, first.clone()), inner.into());
        body.iter_mut().for_each(|stmt| stmt.substitute(var, &place));
        let exact = constant.is_some_and(|count| count % self.size == 0);
        let width = if exact { size.clone() } else { Expr::min(size.clone(), Expr::sub(guard, first)) };
        let blocks = Expr::floordiv(Expr::add(count, Expr::int(self.size - 1)), size);
        let block = vec![Stmt::for_loop(inner, Expr::int(0), width, kind, body)];
        result.push(Stmt::for_loop(outer, Expr::int(0), blocks, kind, block));
    }

    /// The expression, or a variable that holds its value if it reads memory.
    fn once(&mut self, expr: Expr, name: &str, result: &mut Vec<Stmt>) -> Expr {
        if expr.reads().is_empty() {
            return expr;
        }
        let var = self.func.add_var(&format!("{name}.bound"), Dtype::I64);
        result.push(Stmt::Let(var, expr));
        var.into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check_fixed as check;
    use super::*;

    fn size(size: i64) -> PassContext {
        PassContext::default().with_arguments(&vec![("size", size)])
    }

    #[test]
    fn lengths_that_divide_need_no_bound() {
        check(
            run,
            &size(4),
            "for i in 0..12 { Y[i] = X[i] }",
            "for i.o in 0..3 { for i.i in 0..4 { Y[i.o * 4 + i.i] = X[i.o * 4 + i.i] } }",
        );
    }

    #[test]
    fn other_lengths_get_a_bound() {
        check(
            run,
            &size(8),
            "for i in 2..n { Y[i] = X[i] }",
            "for i.o in 0..(n + 5) div 8 { for i.i in 0..min(8, n - 2 - i.o * 8) {
               Y[i.o * 8 + 2 + i.i] = X[i.o * 8 + 2 + i.i] } }",
        );
    }

    #[test]
    fn blocks_are_not_split_again_and_again() {
        let mut func = super::super::testing::with("for i in 0..n { Y[i] = X[i] }");
        for _ in 0..40 {
            run(&mut func, &size(4));
        }
        assert!(is_within_limits(&func, &size(4)));
    }
}
