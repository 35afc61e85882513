//! Loop-invariant code motion: computes what does not change in a loop before it.
//!
//! ```text
//! for i in 0..n { let s: f32 = exp(a)  Y[i] = X[i] * (s + sqrt(b)) }
//!   -->
//! let s: f32 = exp(a)
//! let add.h: f32 = s + sqrt(b)
//! for i in 0..n { Y[i] = X[i] * add.h }
//! ```
//!
//! Expressions are pure and total, so one without loads may be computed where the loop would not
//! have, and its value stays the same bit for bit. A load is only moved if no statement of the loop
//! writes its buffer, and
//!
//! - the buffer is an input or a table and every index is provably inside its extent, or
//! - the statement certainly runs: it stands directly in a loop with at least one iteration, and no
//!   check that could end the function stands before it.
//!
//! Under the contract `fast`, a division by a value that moves becomes a product with its inverse, which moves
//! too: a division takes ten times as long as a product. (The inverse of a small number may be infinite.)
//!
//! Index arithmetic (sums, products and comparisons of i64) stays where it is: it is cheap, and other
//! passes read strides from it.

use crate::{Changed, Contract, PassContext};
use std::collections::{BTreeSet, HashMap};
use tcc_ir::Dtype;
use tcc_ir::ScalarOp;
use tcc_ir::loops::{BufferId, Expr, For, Func, Role, Stmt, Var};
use tcc_ir::scalar::Literal;

/// Moves invariant values out of every loop, from the innermost outwards.
pub fn run(func: &mut Func, context: &PassContext) -> Changed {
    let body = std::mem::take(&mut func.body);
    let mut hoist = Hoist { func, context, ranges: HashMap::new(), changed: false };
    let body = hoist.block(body);
    let changed = hoist.changed;
    func.body = body;
    Changed::from(changed)
}

struct Hoist<'a> {
    func: &'a mut Func,
    context: &'a PassContext,
    /// Bounds of the counters in scope.
    ranges: HashMap<Var, (Expr, Expr)>,
    changed: bool,
}

/// One loop while values are moved out of it.
struct Loop {
    /// What the loop defines: an expression that mentions one of these stays.
    defined: BTreeSet<Var>,
    written: BTreeSet<BufferId>,
    /// Whether there is at least one iteration.
    runs: bool,
    /// What moves before the loop, and which variable has the value of an expression there.
    before: Vec<Stmt>,
    known: HashMap<Expr, Var>,
}

impl Hoist<'_> {
    fn block(&mut self, block: Vec<Stmt>) -> Vec<Stmt> {
        let mut result = Vec::with_capacity(block.len());
        for mut stmt in block {
            if let Stmt::For(For { var, lo, hi, .. }) = &stmt {
                self.ranges.insert(*var, (lo.clone(), hi.clone()));
            }
            for nested in stmt.blocks_mut() {
                *nested = self.block(std::mem::take(nested));
            }
            match stmt {
                Stmt::For(inner) => {
                    self.ranges.remove(&inner.var);
                    result.extend(self.with_invariants_before(inner));
                }
                other => result.push(other),
            }
        }
        result
    }

    /// A loop with what moves out of it in front.
    fn with_invariants_before(&mut self, inner: For) -> Vec<Stmt> {
        let runs = inner.trip_count().is_some_and(|count| count > 0);
        let stmt = Stmt::For(inner);
        let (defined, written) = (stmt.defines(), stmt.writes());
        let mut out = Loop { defined, written, runs, before: Vec::new(), known: HashMap::new() };
        let Stmt::For(mut inner) = stmt else { return vec![stmt] };
        let mut certain = out.runs;
        let mut body = Vec::with_capacity(inner.body.len());
        for mut stmt in std::mem::take(&mut inner.body) {
            if let Stmt::Let(var, value) = &stmt
                && self.moves(&out, value, certain)
                && self.context.spend()
            {
                self.changed = true;
                out.defined.remove(var);
                out.before.push(stmt);
                continue;
            }
            self.stmt(&mut out, &mut stmt, certain);
            certain &= !contains_check(&stmt);
            body.push(stmt);
        }
        inner.body = body;
        let mut result = out.before;
        result.push(Stmt::For(inner));
        result
    }

    /// Moves expressions out of a statement. `certain`: it runs if the loop is reached.
    fn stmt(&mut self, out: &mut Loop, stmt: &mut Stmt, certain: bool) {
        if matches!(stmt, Stmt::Contract(_)) {
            return; // its factors must stay loads
        }
        for expr in stmt.exprs_mut() {
            self.expr(out, expr, certain);
        }
        for nested in stmt.blocks_mut().into_iter().flatten() {
            self.stmt(out, nested, false);
        }
    }

    /// Replaces the largest parts that may move by variables.
    fn expr(&mut self, out: &mut Loop, expr: &mut Expr, certain: bool) {
        if is_cheap(expr) {
            return;
        }
        if self.divides_by_invariant(out, expr, certain)
            && self.context.spend()
            && let Expr::Op(op, dtype, operands) = expr
            && let [_, divisor] = operands.as_mut_slice()
        {
            let one = Expr::Const(Literal::Real(1.0), *dtype);
            let by = std::mem::replace(divisor, one.clone());
            *divisor = Expr::op(ScalarOp::Div, *dtype, vec![one, by]);
            *op = ScalarOp::Mul;
            self.changed = true;
        }
        if !self.moves(out, expr, certain) {
            expr.children_mut().iter_mut().for_each(|child| self.expr(out, child, certain));
            return;
        }
        if let Some(var) = out.known.get(expr) {
            *expr = Expr::Var(*var);
            return;
        }
        if !self.context.spend() {
            return;
        }
        let dtype = self.func.dtype(expr);
        let name = match expr {
            Expr::Load(buffer, _) => format!("{}.h", self.func.buffer(*buffer).name),
            Expr::Op(op, _, _) => format!("{op}.h"),
            Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_) => return,
        };
        let var = self.func.add_var(&name, dtype);
        let value = std::mem::replace(expr, Expr::Var(var));
        out.known.insert(value.clone(), var);
        out.before.push(Stmt::Let(var, value));
        self.changed = true;
    }

    /// Whether an expression is a division of what changes in the loop by what does not.
    fn divides_by_invariant(&self, out: &Loop, expr: &Expr, certain: bool) -> bool {
        let Expr::Op(ScalarOp::Div, Dtype::F32 | Dtype::F64, operands) = expr else { return false };
        let [dividend, divisor] = operands.as_slice() else { return false };
        // The inverse of a subnormal number is infinite: not what the program says unless nothing is.
        self.context.contract >= Contract::Fast
            && !matches!(divisor, Expr::Const(..))
            && !self.moves(out, dividend, certain)
            && self.moves(out, divisor, certain)
    }

    /// Whether an expression has the same value before the loop, and may be computed there.
    fn moves(&self, out: &Loop, expr: &Expr, certain: bool) -> bool {
        let part = match expr {
            Expr::Const(..) | Expr::Symbol(_) | Expr::Op(..) => true,
            Expr::Var(var) => !out.defined.contains(var),
            Expr::Load(buffer, indices) => {
                !out.written.contains(buffer) && (certain || self.always_there(*buffer, indices))
            }
        };
        part && expr.children().iter().all(|child| self.moves(out, child, certain))
    }

    /// Whether a place of a buffer exists and holds a value wherever its indices are in scope.
    fn always_there(&self, buffer: BufferId, indices: &[Expr]) -> bool {
        let declared = self.func.buffer(buffer);
        match declared.role {
            Role::Input | Role::Table(_) => {}
            Role::Output | Role::Scratch { .. } => return false,
        }
        indices.iter().zip(&declared.extents).all(|(index, extent)| {
            let extent = Expr::from_extent(extent);
            self.is_not_negative(index) && self.is_below(index, &extent)
        })
    }

    fn is_not_negative(&self, index: &Expr) -> bool {
        match index {
            Expr::Const(..) => index.as_int().is_some_and(|value| value >= 0),
            Expr::Var(var) => self.ranges.get(var).is_some_and(|(lo, _)| self.is_not_negative(lo)),
            Expr::Op(ScalarOp::Max, Dtype::I64, operands) => {
                operands.iter().any(|operand| self.is_not_negative(operand))
            }
            Expr::Symbol(_) | Expr::Load(..) | Expr::Op(..) => false,
        }
    }

    fn is_below(&self, index: &Expr, extent: &Expr) -> bool {
        match index {
            Expr::Const(..) => match (index.as_int(), extent.as_int()) {
                (Some(index), Some(extent)) => index < extent,
                _ => false,
            },
            Expr::Var(var) => self.ranges.get(var).is_some_and(|(_, hi)| is_at_most(hi, extent)),
            Expr::Symbol(_) | Expr::Load(..) | Expr::Op(..) => false,
        }
    }
}

/// Whether the end of a range is certainly not above an extent.
fn is_at_most(hi: &Expr, extent: &Expr) -> bool {
    match hi {
        hi if hi == extent => true,
        Expr::Op(ScalarOp::Min, Dtype::I64, operands) => {
            operands.iter().any(|operand| is_at_most(operand, extent))
        }
        hi => matches!((hi.as_int(), extent.as_int()), (Some(hi), Some(extent)) if hi <= extent),
    }
}

fn contains_check(stmt: &Stmt) -> bool {
    let mut found = false;
    stmt.walk(&mut |stmt| found |= matches!(stmt, Stmt::Check(..)));
    found
}

/// Index arithmetic that is not worth a variable.
fn is_cheap(expr: &Expr) -> bool {
    match expr {
        Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_) => true,
        Expr::Load(..) => false,
        Expr::Op(op, dtype, operands) => {
            let simple = match op {
                ScalarOp::Add | ScalarOp::Sub | ScalarOp::Mul | ScalarOp::Min | ScalarOp::Max => {
                    *dtype == Dtype::I64
                }
                ScalarOp::Eq | ScalarOp::Ne | ScalarOp::Lt | ScalarOp::Le => true,
                ScalarOp::And | ScalarOp::Or | ScalarOp::Not => true,
                _ => false,
            };
            simple && operands.iter().all(is_cheap)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::testing::check;

    fn hoisted(before: &str, after: &str) {
        check(run, &PassContext::default(), before, after);
    }

    #[test]
    fn values_without_loads_always_move() {
        hoisted(
            "for i in 0..n {
               let s: f32 = exp(f32(n))
               if i < 3 { Y[i] = X[i] * (s + sqrt(s)) } else { Y[i] = s + sqrt(s) }
             }",
            "let s: f32 = exp(f32(n))
             let add.h: f32 = s + sqrt(s)
             for i in 0..n { if i < 3 { Y[i] = X[i] * add.h } else { Y[i] = add.h } }",
        );
    }

    #[test]
    fn values_move_as_far_out_as_they_can() {
        hoisted(
            "for i in 0..n { for j in 0..n { W[i, j] = exp(X[j] + f32(i)) + sin(f32(i)) * cos(1.0f32) } }",
            "let cos.h: f32 = cos(1.0f32)
             for i in 0..n {
               let cast.h: f32 = f32(i)
               let mul.h: f32 = sin(f32(i)) * cos.h
               for j in 0..n { W[i, j] = exp(X[j] + cast.h) + mul.h }
             }",
        );
    }

    #[test]
    fn loads_move_if_they_are_certainly_there() {
        // In bounds by its range, although the loop may not run.
        hoisted(
            "for i in 0..n { for j in 0..n { Y[i] += Z[i, j] * X[i] } }",
            "for i in 0..n { let X.h: f32 = X[i] for j in 0..n { Y[i] += Z[i, j] * X.h } }",
        );
        // The loop runs, so the first statement does.
        hoisted(
            "for j in 0..4 { Y[j] = X[n - 1] + S[2] }",
            "let add.h: f32 = X[n - 1] + S[2] for j in 0..4 { Y[j] = add.h }",
        );
    }

    #[test]
    fn divisors_become_inverses_if_the_contract_allows() {
        let before =
            "for i in 0..n { for j in 0..n { Y[j] = X[j] / f32(i) + 1.0f32 / X[j] + X[j] / 3.0f32 } }";
        let fast = PassContext { contract: Contract::Fast, ..PassContext::default() };
        check(
            run,
            &fast,
            before,
            "for i in 0..n {
               let div.h: f32 = 1.0f32 / f32(i)
               for j in 0..n { Y[j] = X[j] * div.h + 1.0f32 / X[j] + X[j] / 3.0f32 }
             }",
        );
        hoisted(
            before,
            "for i in 0..n {
               let cast.h: f32 = f32(i)
               for j in 0..n { Y[j] = X[j] / cast.h + 1.0f32 / X[j] + X[j] / 3.0f32 }
             }",
        );
    }

    #[test]
    fn other_loads_stay() {
        for stays in [
            "for j in 0..n { Y[j] = X[n - 1] }",
            "for j in 0..n { Y[j] = S[2] }",
            "for j in 0..4 { if 9 < j { Y[j] = X[n] } }",
            "for j in 0..4 { check j < 2 or n < 100 site 0 Y[j] = X[n - 1] }",
            "for j in 0..4 { S[j] = S[2] }",
            "for j in 0..4 { r = X[j] Y[j] = r }",
            "for j in 0..n { Y[j] = X[(j + 1) * 0] }",
        ] {
            hoisted(stays, stays);
        }
    }
}
