//! Simplification: index algebra, conditions and loops that are decided, values that nobody reads.
//!
//! ```text
//! for i in 0..4 { for j in 0..8 { if i*8 + j < 32 { Y[(i*8 + j) div 8] = X[j + 0] } } }
//!   -->
//! for i in 0..4 { for j in 0..8 { Y[i] = X[j] } }
//! ```
//!
//! Bounds of the surrounding loops decide comparisons, `min`, `max`, `div` and `mod`. Keeps every bit.
//! Does not move code (that is `hoist`) and does not merge equal expressions.

use super::index::{Facts, Linear};
use super::unused;
use crate::graph::canonicalize::is_neutral;
use crate::{Changed, PassContext, constant};
use std::collections::BTreeMap;
use tcc_ir::loops::{Contract, Expr, For, Func, Stmt, Var};
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, ScalarOp};

/// Simplifies every statement once, outermost first, then drops what is unused.
pub fn run(func: &mut Func, context: &PassContext) -> Changed {
    let before = func.body.clone();
    let indices = func.vars.iter().map(|var| var.dtype == Dtype::I64).collect();
    let mut simplifier = Simplifier { context, indices, facts: Facts::default(), known: BTreeMap::new() };
    let body = std::mem::take(&mut func.body);
    func.body = simplifier.block(body);
    let dropped = unused::drop_unused(func, context);
    let changed = dropped || func.body != before;
    if changed {
        func.compact();
    }
    Changed::from(changed)
}

struct Simplifier<'a> {
    context: &'a PassContext,
    /// Whether each variable is an index: comparisons of floats are not decided by what they compare.
    indices: Vec<bool>,
    facts: Facts,
    /// Variables that stand for a constant, a symbol or another variable.
    known: BTreeMap<Var, Expr>,
}

/// Statements.
impl Simplifier<'_> {
    fn block(&mut self, block: Vec<Stmt>) -> Vec<Stmt> {
        let mut result = Vec::with_capacity(block.len());
        for stmt in block {
            self.stmt(stmt, &mut result);
        }
        result
    }

    fn stmt(&mut self, stmt: Stmt, result: &mut Vec<Stmt>) {
        match stmt {
            Stmt::For(each) => self.each(each, result),
            Stmt::Let(var, value) => {
                let value = self.expr(value);
                let simple = matches!(value, Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_));
                if simple && self.context.spend() {
                    self.known.insert(var, value);
                } else {
                    result.push(Stmt::Let(var, value));
                }
            }
            Stmt::Store(buffer, indices, value) => {
                result.push(Stmt::Store(buffer, self.exprs(indices), self.expr(value)));
            }
            Stmt::Accumulate(op, buffer, indices, value) => {
                result.push(Stmt::Accumulate(op, buffer, self.exprs(indices), self.expr(value)));
            }
            Stmt::If(condition, then, otherwise) => {
                let condition = self.expr(condition);
                if let Some(value) = condition.as_bool()
                    && self.context.spend()
                {
                    let taken = self.block(if value { then } else { otherwise });
                    result.extend(taken);
                    return;
                }
                let (then, otherwise) = (self.block(then), self.block(otherwise));
                match (then.is_empty(), otherwise.is_empty()) {
                    (true, true) if self.context.spend() => {}
                    (true, false) if self.context.spend() => {
                        result.push(Stmt::If(Expr::negate(condition), otherwise, then));
                    }
                    _ => result.push(Stmt::If(condition, then, otherwise)),
                }
            }
            Stmt::Contract(contract) => result.push(Stmt::Contract(self.contract(contract))),
            Stmt::Check(condition, site) => {
                let condition = self.expr(condition);
                if !(condition.as_bool() == Some(true) && self.context.spend()) {
                    result.push(Stmt::Check(condition, site));
                }
            }
        }
    }

    /// Extents and indices; the factors stay loads.
    fn contract(&mut self, mut contract: Contract) -> Contract {
        for (_, extent) in &mut contract.axes {
            *extent = self.expr(extent.clone());
        }
        contract.place = self.exprs(contract.place);
        for factor in [&mut contract.left, &mut contract.right] {
            for index in factor.children_mut() {
                *index = self.expr(index.clone());
            }
        }
        contract
    }

    fn each(&mut self, each: For, result: &mut Vec<Stmt>) {
        let For { var, lo, hi, kind, body } = each;
        let (lo, hi) = (self.expr(lo), self.expr(hi));
        if self.facts.at_most(&hi, &lo, 0) && self.context.spend() {
            return;
        }
        let next = Expr::add(lo.clone(), Expr::int(1));
        let once = self.facts.at_most(&hi, &next, 0) && self.facts.at_most(&next, &hi, 0);
        if once && is_small(&lo) && self.context.spend() {
            self.known.insert(var, lo);
            let body = self.block(body);
            result.extend(body);
            return;
        }
        self.facts.enter(var, &lo, &hi);
        let body = self.block(body);
        self.facts.leave();
        if !(body.is_empty() && self.context.spend()) {
            result.push(Stmt::For(For { var, lo, hi, kind, body }));
        }
    }
}

/// Whether the expression may be copied to every use of a variable.
fn is_small(expr: &Expr) -> bool {
    match expr {
        Expr::Op(_, _, operands) => {
            operands.iter().all(|operand| matches!(operand, Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_)))
        }
        Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_) => true,
        Expr::Load(..) => false,
    }
}

/// Expressions.
impl Simplifier<'_> {
    fn exprs(&mut self, exprs: Vec<Expr>) -> Vec<Expr> {
        exprs.into_iter().map(|expr| self.expr(expr)).collect()
    }

    fn expr(&mut self, expr: Expr) -> Expr {
        match expr {
            Expr::Const(..) | Expr::Symbol(_) => expr,
            Expr::Var(var) => self.known.get(&var).cloned().unwrap_or(expr),
            Expr::Load(buffer, indices) => Expr::Load(buffer, self.exprs(indices)),
            Expr::Op(op, dtype, operands) => {
                let expr = Expr::Op(op, dtype, self.exprs(operands));
                match self.rule(&expr) {
                    Some(simpler) if simpler != expr && self.context.spend() => simpler,
                    _ => expr,
                }
            }
        }
    }

    fn rule(&self, expr: &Expr) -> Option<Expr> {
        let Expr::Op(op, dtype, operands) = expr else { return None };
        if let Some(folded) = fold(*op, *dtype, operands) {
            return Some(folded);
        }
        match operands.as_slice() {
            [a] => unary(*op, *dtype, a),
            [a, b] => self.binary(*op, *dtype, a, b),
            [condition, a, b] if *op == ScalarOp::Select => match condition.as_bool() {
                Some(value) => Some(if value { a } else { b }.clone()),
                None => (a == b).then(|| a.clone()),
            },
            _ => None,
        }
    }

    fn binary(&self, op: ScalarOp, dtype: Dtype, a: &Expr, b: &Expr) -> Option<Expr> {
        let literal = |expr: &Expr| match expr {
            Expr::Const(literal, _) => Some(*literal),
            _ => None,
        };
        if literal(b).is_some_and(|right| is_neutral(op, dtype, right)) {
            return Some(a.clone());
        }
        if op.is_commutative() && literal(a).is_some_and(|left| is_neutral(op, dtype, left)) {
            return Some(b.clone());
        }
        let (a, b) = (a.clone(), b.clone());
        let index = dtype == Dtype::I64;
        match op {
            ScalarOp::Add if index => Some(gather(Expr::add(a, b))),
            ScalarOp::Sub if index => Some(gather(Expr::sub(a, b))),
            ScalarOp::Mul if index => Some(Expr::mul(a, b)),
            ScalarOp::FloorDiv if index => {
                Some(self.quotient(&a, &b).unwrap_or_else(|| Expr::floordiv(a, b)))
            }
            ScalarOp::Mod if index => Some(self.remainder(&a, &b).unwrap_or_else(|| Expr::modulo(a, b))),
            ScalarOp::Min if index && self.facts.at_most(&a, &b, 0) => Some(a),
            ScalarOp::Min if index && self.facts.at_most(&b, &a, 0) => Some(b),
            ScalarOp::Max if index && self.facts.at_most(&a, &b, 0) => Some(b),
            ScalarOp::Max if index && self.facts.at_most(&b, &a, 0) => Some(a),
            ScalarOp::Min | ScalarOp::Max if a == b => Some(a),
            ScalarOp::And if a == b => Some(a),
            ScalarOp::Or if a == b => Some(a),
            ScalarOp::And => Some(Expr::and(a, b)),
            ScalarOp::Or => Some(Expr::or(a, b)),
            ScalarOp::Lt | ScalarOp::Le | ScalarOp::Eq | ScalarOp::Ne => self.compare(op, &a, &b),
            _ => None,
        }
    }

    /// A comparison of indices that is decided.
    fn compare(&self, op: ScalarOp, a: &Expr, b: &Expr) -> Option<Expr> {
        if !self.is_index(a) || !self.is_index(b) {
            return None;
        }
        let (before, after) = match op {
            ScalarOp::Lt => (self.facts.at_most(a, b, -1), self.facts.at_most(b, a, 0)),
            ScalarOp::Le => (self.facts.at_most(a, b, 0), self.facts.at_most(b, a, -1)),
            ScalarOp::Eq | ScalarOp::Ne => {
                let apart = self.facts.at_most(a, b, -1) || self.facts.at_most(b, a, -1);
                let same = a == b;
                if op == ScalarOp::Eq { (same, apart) } else { (apart, same) }
            }
            _ => return None,
        };
        (before || after).then(|| Expr::bool(before))
    }

    /// `a div b` where the part of `a` that is no multiple of `b` stays within 0..b.
    fn quotient(&self, a: &Expr, b: &Expr) -> Option<Expr> {
        if let Some((quotient, _)) = self.split_symbolic(a, b) {
            return Some(quotient);
        }
        let (quotient, remainder) = self.split(a, b)?;
        let divisor = b.as_int()?;
        // What is left over is divided on its own: exact, since the rest is a multiple.
        match self.facts.interval(&remainder) {
            Some((lo, hi)) if lo >= 0 && hi < i128::from(divisor) => Some(quotient),
            _ => None,
        }
    }

    /// `a mod b`, likewise.
    fn remainder(&self, a: &Expr, b: &Expr) -> Option<Expr> {
        if let Some((_, remainder)) = self.split_symbolic(a, b) {
            return Some(remainder);
        }
        let (_, remainder) = self.split(a, b)?;
        let divisor = b.as_int()?;
        match self.facts.interval(&remainder) {
            Some((lo, hi)) if lo >= 0 && hi < i128::from(divisor) => Some(remainder),
            _ if remainder != *a => Some(Expr::modulo(remainder, b.clone())),
            _ => None,
        }
    }

    /// Quotient and remainder by a constant, if nothing in `a` can wrap.
    fn split(&self, a: &Expr, b: &Expr) -> Option<(Expr, Expr)> {
        let divisor = b.as_int().filter(|&divisor| divisor > 1)?;
        self.facts.interval(a)?;
        let (quotient, remainder) = Linear::of(a)?.split(i128::from(divisor));
        Some((quotient.to_expr()?, remainder.to_expr()?))
    }

    /// `x` and `r` if `a` is `x*b + r` with a size `b` and counters `x`, `r` with `0 <= r < b`.
    fn split_symbolic(&self, a: &Expr, b: &Expr) -> Option<(Expr, Expr)> {
        if !matches!(b, Expr::Symbol(_)) {
            return None;
        }
        let counter = |expr: &Expr| matches!(expr, Expr::Var(_)) && self.is_index(expr);
        let below =
            |r: &Expr| counter(r) && self.facts.at_most(&Expr::int(0), r, 0) && self.facts.at_most(r, b, -1);
        if below(a) {
            return Some((Expr::int(0), a.clone()));
        }
        let Expr::Op(ScalarOp::Add, Dtype::I64, operands) = a else { return None };
        let [left, right] = operands.as_slice() else { return None };
        let multiple = |expr: &Expr| match expr {
            Expr::Op(ScalarOp::Mul, Dtype::I64, factors) => match factors.as_slice() {
                [x, y] if y == b && counter(x) => Some(x.clone()),
                [x, y] if x == b && counter(y) => Some(y.clone()),
                _ => None,
            },
            _ => None,
        };
        [(left, right), (right, left)]
            .into_iter()
            .find_map(|(x, r)| Some((multiple(x)?, below(r).then(|| r.clone())?)))
    }

    /// Whether the expression is an i64 made of counters, sizes and arithmetic: no data.
    fn is_index(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Const(Literal::Int(_), dtype) => *dtype == Dtype::I64,
            Expr::Var(var) => self.indices.get(var.index()).copied().unwrap_or(false),
            Expr::Symbol(_) => true,
            Expr::Op(_, Dtype::I64, operands) => operands.iter().all(|operand| self.is_index(operand)),
            Expr::Const(..) | Expr::Load(..) | Expr::Op(..) => false,
        }
    }
}

fn fold(op: ScalarOp, dtype: Dtype, operands: &[Expr]) -> Option<Expr> {
    let constants: Option<Vec<(Literal, Dtype)>> = operands
        .iter()
        .map(|operand| match operand {
            Expr::Const(literal, dtype) => Some((*literal, *dtype)),
            _ => None,
        })
        .collect();
    let literal = constant::fold(op, dtype, &constants?)?;
    literal.fits(dtype).then_some(Expr::Const(literal, dtype))
}

fn unary(op: ScalarOp, dtype: Dtype, a: &Expr) -> Option<Expr> {
    match (op, a) {
        (ScalarOp::Not, _) => Some(Expr::negate(a.clone())),
        (ScalarOp::Neg | ScalarOp::Conj, Expr::Op(inner, _, operands)) if *inner == op => {
            operands.first().cloned()
        }
        (ScalarOp::Cast, Expr::Const(_, from) | Expr::Op(_, from, _)) if *from == dtype => Some(a.clone()),
        _ => None,
    }
}

/// The sum in its linear form, if that has fewer terms.
fn gather(sum: Expr) -> Expr {
    let Some(linear) = Linear::of(&sum) else { return sum };
    match linear.to_expr() {
        Some(gathered) if gathered.size() < sum.size() => gathered,
        _ => sum,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check_fixed as check;
    use super::*;

    fn simplifies(before: &str, after: &str) {
        check(run, &PassContext::default(), before, after);
    }

    #[test]
    fn bounds_decide_divisions_and_conditions() {
        simplifies(
            "for i in 0..3 { for j in 0..4 {
               if i * 4 + j < 12 { Y[(i * 4 + j) mod 4] = X[(i * 4 + j) div 4 + min(j, 7)] } } }",
            "for i in 0..3 { for j in 0..4 { Y[j] = X[i + j] } }",
        );
        simplifies(
            "for i in 0..n { if i < n { Y[min(i, n - 1)] = X[max(i, 0)] } }",
            "for i in 0..n { Y[i] = X[i] }",
        );
    }

    #[test]
    fn what_is_not_certain_stays() {
        let open = "for i in 0..n { if i < 5 { Y[i] = X[(i + 1) mod 12] } }";
        simplifies(open, open);
        let data = "for i in 0..n { Y[i] = X[i] + 0.0f32 }";
        simplifies(data, data);
        let wraps = "for i in 0..n { if i * 9223372036854775807 < 5 { Y[i] = X[i] } }";
        simplifies(wraps, wraps);
    }

    #[test]
    fn loops_that_run_once_or_never_disappear() {
        simplifies("for i in 3..4 { Y[i] = X[i] } for i.1 in 4..4 { Y[0] = X[0] }", "Y[3] = X[3]");
        simplifies("for i in 0..n { for j in i..i + 1 { Y[j] = X[j] } }", "for i in 0..n { Y[i] = X[i] }");
    }

    #[test]
    fn unread_values_disappear() {
        simplifies(
            "for i in 0..n { let a: f32 = exp(X[i]) let b: f32 = a * a let c: f32 = X[i] Y[i] = c * 1.0f32 }",
            "for i in 0..n { let c: f32 = X[i] Y[i] = c }",
        );
    }

    #[test]
    fn selects_with_one_outcome_disappear() {
        simplifies(
            "for i in 0..n { Y[i] = select(i < 0, X[0], select(X[i] < 0.0f32, X[1], X[1])) }",
            "for i in 0..n { Y[i] = X[1] }",
        );
    }
}
