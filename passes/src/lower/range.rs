//! What is known about the values of index expressions: enough to drop tests of indices that loop
//! bounds already imply.
//!
//! Index arithmetic is taken not to wrap: extents of buffers that fit in memory bound it.

use std::collections::{BTreeSet, HashMap};
use tcc_ir::axis::Name;
use tcc_ir::dtype::Dtype;
use tcc_ir::loops::{Expr, Var, build};
use tcc_ir::scalar::{Literal, ScalarOp};

/// Most steps of one proof.
const PROOF_STEPS: u32 = 64;
/// How deep expressions are looked into.
const EXPRESSION_DEPTH: u32 = 40;
/// Magnitude beyond which arithmetic might wrap.
const WIDE: i128 = 1 << 62;

/// A sum of integer multiples of expressions that are not sums themselves, and a constant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Linear {
    terms: Vec<(Expr, i128)>,
    constant: i128,
}

impl Linear {
    fn constant(constant: i128) -> Linear {
        Linear { terms: Vec::new(), constant }
    }

    /// The linear form of an i64 expression.
    pub fn of(expr: &Expr) -> Linear {
        let mut linear = Linear::constant(0);
        linear.accumulate(expr, 1, EXPRESSION_DEPTH);
        linear
    }

    fn accumulate(&mut self, expr: &Expr, factor: i128, depth: u32) {
        if depth > 0 {
            match expr {
                Expr::Const(Literal::Int(value), _) => {
                    self.constant = self.constant.saturating_add(factor.saturating_mul(i128::from(*value)));
                    return;
                }
                Expr::Op(ScalarOp::Add, Dtype::I64, operands) => {
                    operands.iter().for_each(|operand| self.accumulate(operand, factor, depth - 1));
                    return;
                }
                Expr::Op(ScalarOp::Sub, Dtype::I64, operands) if operands.len() == 2 => {
                    self.accumulate(&operands[0], factor, depth - 1);
                    self.accumulate(&operands[1], -factor, depth - 1);
                    return;
                }
                Expr::Op(ScalarOp::Neg, Dtype::I64, operands) if operands.len() == 1 => {
                    self.accumulate(&operands[0], -factor, depth - 1);
                    return;
                }
                Expr::Op(ScalarOp::Mul, Dtype::I64, operands) if operands.len() == 2 => {
                    let (a, b) = (&operands[0], &operands[1]);
                    let constant = b.as_int().map(|c| (a, c)).or(a.as_int().map(|c| (b, c)));
                    if let Some((rest, constant)) = constant
                        && let Some(factor) =
                            factor.checked_mul(i128::from(constant)).filter(|f| f.abs() < WIDE)
                    {
                        self.accumulate(rest, factor, depth - 1);
                        return;
                    }
                }
                _ => {}
            }
        }
        self.add_term(expr, factor);
    }

    fn add_term(&mut self, expr: &Expr, factor: i128) {
        match self.terms.iter_mut().find(|(other, _)| other == expr) {
            Some((_, coefficient)) => *coefficient += factor,
            None => self.terms.push((expr.clone(), factor)),
        }
        self.terms.retain(|(_, coefficient)| *coefficient != 0);
    }

    /// `self + factor * other`
    fn plus(&self, other: &Linear, factor: i128) -> Linear {
        let mut sum = self.clone();
        for (expr, coefficient) in &other.terms {
            sum.add_term(expr, coefficient.saturating_mul(factor));
        }
        sum.constant = sum.constant.saturating_add(other.constant.saturating_mul(factor));
        sum
    }

    fn shifted(mut self, by: i128) -> Linear {
        self.constant = self.constant.saturating_add(by);
        self
    }
}

/// Lower and upper bounds (inclusive) of a variable, in terms of variables defined before it.
#[derive(Clone, Debug, Default)]
struct Bounds {
    lower: Vec<Linear>,
    upper: Vec<Linear>,
}

/// What is known about variables and symbols.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges {
    bounds: HashMap<Var, Bounds>,
    /// Sizes: symbols that are not negative.
    sizes: BTreeSet<Name>,
    /// Linear forms that are not negative, innermost last.
    facts: Vec<Linear>,
}

impl Ranges {
    pub fn new(sizes: BTreeSet<Name>) -> Ranges {
        Ranges { sizes, ..Ranges::default() }
    }

    /// A loop counter; every pair of bounds holds (`lo` inclusive, `hi` exclusive).
    pub fn loop_variable(&mut self, var: Var, lows: &[Expr], highs: &[Expr]) {
        let bounds = self.bounds.entry(var).or_default();
        bounds.lower = lows.iter().map(Linear::of).collect();
        bounds.upper = highs.iter().map(|high| Linear::of(high).shifted(-1)).collect();
    }

    /// A variable that names an i64 expression.
    pub fn definition(&mut self, var: Var, value: &Expr) {
        let linear = Linear::of(value);
        self.bounds.insert(var, Bounds { lower: vec![linear.clone()], upper: vec![linear] });
    }

    /// Adds what a condition says where it holds; returns how many facts to forget afterwards.
    pub fn assume(&mut self, condition: &Expr) -> usize {
        let Expr::Op(op, _, operands) = condition else { return 0 };
        match (op, operands.as_slice()) {
            (ScalarOp::And, [a, b]) => self.assume(a) + self.assume(b),
            (ScalarOp::Lt | ScalarOp::Le | ScalarOp::Eq, [a, b]) => {
                let difference = Linear::of(b).plus(&Linear::of(a), -1);
                if *op == ScalarOp::Eq {
                    self.facts.push(Linear::constant(0).plus(&difference, -1));
                    self.facts.push(difference);
                    return 2;
                }
                self.facts.push(difference.shifted(if *op == ScalarOp::Lt { -1 } else { 0 }));
                1
            }
            _ => 0,
        }
    }

    /// Forgets the last `count` facts.
    pub fn forget(&mut self, count: usize) {
        let rest = self.facts.len().saturating_sub(count);
        self.facts.truncate(rest);
    }

    /// Whether `a <= b` certainly.
    pub fn proves_le(&self, a: &Expr, b: &Expr) -> bool {
        let goal = Linear::of(b).plus(&Linear::of(a), -1);
        let mut steps = PROOF_STEPS;
        self.not_negative(&goal, &mut steps)
            || self.facts.iter().rev().take(8).any(|fact| {
                let mut steps = PROOF_STEPS;
                self.not_negative(&goal.plus(fact, -1), &mut steps)
            })
    }

    /// Whether `a < b` certainly.
    pub fn proves_lt(&self, a: &Expr, b: &Expr) -> bool {
        self.proves_le(&Expr::add(a.clone(), Expr::int(1)), b)
    }

    /// Replaces variables by their bounds, the last defined first, until only symbols remain.
    fn not_negative(&self, goal: &Linear, steps: &mut u32) -> bool {
        if goal.constant.abs() >= WIDE || *steps == 0 {
            return false;
        }
        *steps -= 1;
        let last = goal.terms.iter().filter_map(|(expr, c)| match expr {
            Expr::Var(var) => Some((*var, *c)),
            _ => None,
        });
        if let Some((var, coefficient)) = last.max_by_key(|(var, _)| *var) {
            let Some(bounds) = self.bounds.get(&var) else { return false };
            let candidates = if coefficient > 0 { &bounds.lower } else { &bounds.upper };
            let rest = goal.plus(&Linear { terms: vec![(Expr::Var(var), 1)], constant: 0 }, -coefficient);
            return candidates.iter().any(|bound| self.not_negative(&rest.plus(bound, coefficient), steps));
        }
        let mut least = goal.constant;
        for (expr, coefficient) in &goal.terms {
            let (low, high) = self.interval(expr, EXPRESSION_DEPTH);
            match if *coefficient > 0 { low } else { high } {
                Some(bound) => least = least.saturating_add(bound.saturating_mul(*coefficient)),
                None => return false,
            }
        }
        least >= 0
    }

    /// Constant bounds of an expression, where there are any.
    fn interval(&self, expr: &Expr, depth: u32) -> (Option<i128>, Option<i128>) {
        if depth == 0 {
            return (None, None);
        }
        let of = |e: &Expr| self.interval(e, depth - 1);
        match expr {
            Expr::Const(Literal::Int(value), _) => (Some(i128::from(*value)), Some(i128::from(*value))),
            Expr::Symbol(name) if self.sizes.contains(name) => (Some(0), None),
            Expr::Var(var) => {
                let Some(bounds) = self.bounds.get(var) else { return (None, None) };
                let low = bounds.lower.iter().filter_map(|b| self.extreme(b, false, depth - 1)).max();
                let high = bounds.upper.iter().filter_map(|b| self.extreme(b, true, depth - 1)).min();
                (low, high)
            }
            Expr::Load(..) | Expr::Symbol(_) | Expr::Const(..) => (None, None),
            Expr::Op(op, dtype, operands) => match (op, operands.as_slice()) {
                (ScalarOp::Add | ScalarOp::Sub | ScalarOp::Neg, _) if *dtype == Dtype::I64 => {
                    let linear = Linear::of(expr);
                    if linear.terms.iter().any(|(term, _)| term == expr) {
                        return (None, None);
                    }
                    (self.extreme(&linear, false, depth - 1), self.extreme(&linear, true, depth - 1))
                }
                (ScalarOp::Mul, [a, b]) if *dtype == Dtype::I64 => product(of(a), of(b)),
                (ScalarOp::Mod, [_, b]) if *dtype == Dtype::I64 => match b.as_int() {
                    Some(divisor) if divisor > 0 => (Some(0), Some(i128::from(divisor) - 1)),
                    _ => (None, None),
                },
                (ScalarOp::FloorDiv, [a, b]) if *dtype == Dtype::I64 => match b.as_int() {
                    Some(divisor) if divisor > 0 => {
                        let divide = |bound: Option<i128>| {
                            let value = i64::try_from(bound?).ok()?;
                            Some(i128::from(build::floor_div(value, divisor)))
                        };
                        let (low, high) = of(a);
                        (divide(low), divide(high))
                    }
                    _ => (None, None),
                },
                (ScalarOp::Min, [a, b]) => {
                    let ((al, ah), (bl, bh)) = (of(a), of(b));
                    (al.zip(bl).map(|(a, b)| a.min(b)), [ah, bh].into_iter().flatten().min())
                }
                (ScalarOp::Max, [a, b]) => {
                    let ((al, ah), (bl, bh)) = (of(a), of(b));
                    ([al, bl].into_iter().flatten().max(), ah.zip(bh).map(|(a, b)| a.max(b)))
                }
                (ScalarOp::Select, [_, a, b]) => {
                    let ((al, ah), (bl, bh)) = (of(a), of(b));
                    (al.zip(bl).map(|(a, b)| a.min(b)), ah.zip(bh).map(|(a, b)| a.max(b)))
                }
                (ScalarOp::Cast, [a]) if *dtype == Dtype::I64 => match a {
                    Expr::Op(op, Dtype::Bool, _) if op.row().arity > 0 => (Some(0), Some(1)),
                    Expr::Op(_, Dtype::U8, _) => (Some(0), Some(255)),
                    Expr::Op(_, Dtype::U32, _) => (Some(0), Some(i128::from(u32::MAX))),
                    _ => (None, None),
                },
                _ => (None, None),
            },
        }
    }

    fn extreme(&self, linear: &Linear, upper: bool, depth: u32) -> Option<i128> {
        let mut sum = linear.constant;
        for (expr, coefficient) in &linear.terms {
            let (low, high) = self.interval(expr, depth);
            let bound = if (*coefficient > 0) == upper { high? } else { low? };
            sum = sum.checked_add(bound.checked_mul(*coefficient)?)?;
        }
        (sum.abs() < WIDE).then_some(sum)
    }
}

fn product(
    (al, ah): (Option<i128>, Option<i128>),
    (bl, bh): (Option<i128>, Option<i128>),
) -> (Option<i128>, Option<i128>) {
    let not_negative = |bound: Option<i128>| bound.is_some_and(|b| b >= 0);
    match (al, ah, bl, bh) {
        (Some(al), Some(ah), Some(bl), Some(bh)) => {
            let corners = [al.checked_mul(bl), al.checked_mul(bh), ah.checked_mul(bl), ah.checked_mul(bh)];
            let bound = |b: Option<i128>| b.filter(|b| b.abs() < WIDE);
            match corners.into_iter().collect::<Option<Vec<_>>>() {
                Some(corners) => (bound(corners.iter().min().copied()), bound(corners.iter().max().copied())),
                None => (None, None),
            }
        }
        _ if not_negative(al) && not_negative(bl) => (Some(0), None),
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges() -> (Ranges, Expr, Expr, Expr) {
        let mut ranges = Ranges::new(BTreeSet::from(["n".into()]));
        let n = Expr::symbol("n");
        ranges.loop_variable(Var(0), &[Expr::int(0)], std::slice::from_ref(&n));
        let i = Expr::Var(Var(0));
        let window = Expr::sub(i.clone(), Expr::int(3));
        ranges.loop_variable(
            Var(1),
            &[Expr::int(0), window],
            &[n.clone(), Expr::add(i.clone(), Expr::int(1))],
        );
        (ranges, n, i, Expr::Var(Var(1)))
    }

    #[test]
    fn loop_bounds_prove_indices() {
        let (ranges, n, i, j) = ranges();
        assert!(ranges.proves_le(&Expr::int(0), &i) && ranges.proves_lt(&i, &n));
        assert!(
            !ranges.proves_le(&Expr::int(1), &i)
                && !ranges.proves_lt(&Expr::add(i.clone(), Expr::int(1)), &n)
        );
        // j <= i and j >= i - 3
        assert!(ranges.proves_le(&Expr::int(0), &Expr::sub(i.clone(), j.clone())));
        assert!(ranges.proves_le(&Expr::sub(i.clone(), j.clone()), &Expr::int(3)));
        assert!(!ranges.proves_le(&Expr::sub(i, j), &Expr::int(2)));
    }

    #[test]
    fn remainders_quotients_and_facts() {
        let (mut ranges, n, i, _) = ranges();
        let remainder = Expr::modulo(i.clone(), Expr::int(5));
        assert!(ranges.proves_lt(&remainder, &Expr::int(5)) && ranges.proves_le(&Expr::int(0), &remainder));
        ranges.loop_variable(Var(2), &[Expr::int(0)], &[Expr::int(12)]);
        let quotient = Expr::floordiv(Expr::Var(Var(2)), Expr::int(4));
        assert!(ranges.proves_lt(&quotient, &Expr::int(3)) && !ranges.proves_lt(&quotient, &Expr::int(2)));
        let next = Expr::add(i.clone(), Expr::int(1));
        assert!(!ranges.proves_lt(&next, &n));
        let facts = ranges.assume(&Expr::lt(next.clone(), n.clone()));
        assert!(ranges.proves_lt(&next, &n));
        ranges.forget(facts);
        assert!(!ranges.proves_lt(&next, &n));
    }
}
