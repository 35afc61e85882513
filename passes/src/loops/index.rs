//! What is known about index expressions: intervals, linear forms and proofs of order.
//!
//! Linear forms are equal to their expressions in arithmetic modulo 2^64, whatever wraps. Proofs of
//! order ([`Facts::at_most`]) are made of loop counters and sizes only, and rely on arithmetic on
//! these staying within 64 bits: a tensor with such a size could not be allocated, and a loop that
//! far would not end.

use std::collections::BTreeMap;
use tcc_ir::loops::{Expr, Var};
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, ScalarOp, planted};

/// No loop counter gets further than this from its first value within the life of a machine.
const FAR: i128 = 1 << 48;

/// Most substitutions of a proof.
const PROOF_STEPS: usize = 32;

/// A closed interval of integers.
pub type Interval = (i128, i128);

/// The bounds of one loop counter.
struct Range {
    /// First value.
    lo: Expr,
    /// One past the last value.
    hi: Expr,
    /// The values as numbers, if they are known.
    interval: Option<Interval>,
}

/// What is known inside a nest of loops.
#[derive(Default)]
pub struct Facts {
    ranges: BTreeMap<Var, Range>,
    /// Counters from the outermost to the innermost.
    nest: Vec<Var>,
}

impl Facts {
    /// Enters a loop.
    pub fn enter(&mut self, var: Var, lo: &Expr, hi: &Expr) {
        let first = self.interval(lo);
        let last = self.interval(hi).map(|(_, hi)| hi - 1);
        let interval = first.map(|(least, greatest)| (least, last.unwrap_or(greatest + FAR).max(least)));
        self.ranges.insert(var, Range { lo: lo.clone(), hi: hi.clone(), interval });
        self.nest.push(var);
    }

    /// Leaves the innermost loop.
    pub fn leave(&mut self) {
        if let Some(var) = self.nest.pop() {
            self.ranges.remove(&var);
        }
    }

    /// The interval of an i64 expression, provided that nothing in it wraps.
    pub fn interval(&self, expr: &Expr) -> Option<Interval> {
        let interval = match expr {
            Expr::Const(Literal::Int(value), _) => (i128::from(*value), i128::from(*value)),
            Expr::Var(var) => self.ranges.get(var)?.interval?,
            Expr::Op(op, Dtype::I64, operands) => match operands.as_slice() {
                [a, b] => self.binary(*op, a, b)?,
                [_, a, b] if *op == ScalarOp::Select => {
                    let ((a0, a1), (b0, b1)) = (self.interval(a)?, self.interval(b)?);
                    (a0.min(b0), a1.max(b1))
                }
                _ => return None,
            },
            Expr::Const(..) | Expr::Symbol(_) | Expr::Load(..) | Expr::Op(..) => return None,
        };
        (interval.0 >= i128::from(i64::MIN) && interval.1 <= i128::from(i64::MAX)).then_some(interval)
    }

    fn binary(&self, op: ScalarOp, a: &Expr, b: &Expr) -> Option<Interval> {
        let (x, y) = (self.interval(a), self.interval(b));
        Some(match op {
            ScalarOp::Add => (x?.0 + y?.0, x?.1 + y?.1),
            ScalarOp::Sub => (x?.0 - y?.1, x?.1 - y?.0),
            ScalarOp::Mul => {
                let ((a, b), (c, d)) = (x?, y?);
                let corners = [a * c, a * d, b * c, b * d];
                (corners.into_iter().min()?, corners.into_iter().max()?)
            }
            ScalarOp::FloorDiv => {
                let divisor = positive(y)?;
                if planted(29) {
                    return Some((x?.0 / divisor, x?.1 / divisor)); // Planted bug 29.
                }
                (x?.0.div_euclid(divisor), x?.1.div_euclid(divisor))
            }
            ScalarOp::Mod => match (positive(y)?, x) {
                (divisor, Some((lo, hi))) if lo >= 0 && hi < divisor => (lo, hi),
                (divisor, _) => (0, divisor - 1),
            },
            ScalarOp::Min => match (x, y) {
                (Some(x), Some(y)) => (x.0.min(y.0), x.1.min(y.1)),
                (one, other) => (i128::from(i64::MIN), one.or(other)?.1),
            },
            ScalarOp::Max => match (x, y) {
                (Some(x), Some(y)) => (x.0.max(y.0), x.1.max(y.1)),
                (one, other) => (one.or(other)?.0, i128::from(i64::MAX)),
            },
            _ => return None,
        })
    }

    /// Whether `a <= b + slack` certainly holds (`slack` -1: `a < b`).
    pub fn at_most(&self, a: &Expr, b: &Expr, slack: i128) -> bool {
        if let (Some(a), Some(b)) = (self.interval(a), self.interval(b))
            && a.1 <= b.0 + slack
        {
            return true;
        }
        let (Some(a), Some(b)) = (Linear::of(a), Linear::of(b)) else { return false };
        if a.reads_memory() || b.reads_memory() {
            return false;
        }
        let mut rest = b.minus(&a);
        rest.constant += slack;
        self.not_negative(rest)
    }

    /// Whether the sum is certainly at least 0: replaces counters by the bound that makes it least,
    /// innermost first, until numbers are left.
    fn not_negative(&self, mut rest: Linear) -> bool {
        for _ in 0..PROOF_STEPS {
            if self.least(&rest).is_some_and(|least| least >= 0) {
                return true;
            }
            let occurs = |var: &&Var| rest.terms.iter().any(|(atom, _)| *atom == Expr::Var(**var));
            let Some(var) = self.nest.iter().rev().find(occurs) else { return false };
            let Some(range) = self.ranges.get(var) else { return false };
            let coefficient = rest.take(&Expr::Var(*var));
            let bound = if coefficient > 0 { Linear::of(&range.lo) } else { Linear::of(&range.hi) };
            let Some(mut bound) = bound.filter(|bound| !bound.reads_memory()) else { return false };
            if coefficient < 0 {
                bound.constant -= 1;
            }
            rest.add(&bound, coefficient);
        }
        false
    }

    fn least(&self, sum: &Linear) -> Option<i128> {
        sum.terms.iter().try_fold(sum.constant, |least, (atom, coefficient)| {
            let (lo, hi) = self.interval(atom)?;
            Some(least + coefficient * if *coefficient > 0 { lo } else { hi })
        })
    }
}

fn positive(interval: Option<Interval>) -> Option<i128> {
    interval.filter(|(lo, hi)| lo == hi && *lo > 0).map(|(lo, _)| lo)
}

/// A sum of atoms (anything that is not a sum) with constant factors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Linear {
    /// Atoms, each once, in order of first appearance, with factors that are not 0.
    pub terms: Vec<(Expr, i128)>,
    /// What is added.
    pub constant: i128,
}

impl Linear {
    /// The linear form of an i64 expression; `None` if its numbers grow too large.
    pub fn of(expr: &Expr) -> Option<Linear> {
        let mut sum = Linear::default();
        sum.collect(expr, 1)?;
        Some(sum)
    }

    fn collect(&mut self, expr: &Expr, factor: i128) -> Option<()> {
        if factor.abs() > i128::from(i64::MAX) {
            return None;
        }
        match expr {
            Expr::Const(Literal::Int(value), _) => {
                self.constant = self.constant.checked_add(factor.checked_mul(i128::from(*value))?)?;
            }
            Expr::Op(ScalarOp::Add, Dtype::I64, operands) => {
                operands.iter().try_for_each(|operand| self.collect(operand, factor))?;
            }
            Expr::Op(ScalarOp::Sub, Dtype::I64, operands) => {
                self.collect(operands.first()?, factor)?;
                self.collect(operands.get(1)?, -factor)?;
            }
            Expr::Op(ScalarOp::Neg, Dtype::I64, operands) => self.collect(operands.first()?, -factor)?,
            Expr::Op(ScalarOp::Mul, Dtype::I64, operands) => match operands.as_slice() {
                [a, b] if b.as_int().is_some() => self.collect(a, factor * i128::from(b.as_int()?))?,
                [a, b] if a.as_int().is_some() => self.collect(b, factor * i128::from(a.as_int()?))?,
                _ => self.accumulate(expr, factor),
            },
            Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_) | Expr::Load(..) | Expr::Op(..) => {
                self.accumulate(expr, factor);
            }
        }
        Some(())
    }

    fn accumulate(&mut self, atom: &Expr, factor: i128) {
        match self.terms.iter_mut().find(|term| term.0 == *atom) {
            Some(term) => term.1 += factor,
            None => self.terms.push((atom.clone(), factor)),
        }
        self.terms.retain(|term| term.1 != 0);
    }

    /// Adds `other * factor`.
    pub fn add(&mut self, other: &Linear, factor: i128) {
        other.terms.iter().for_each(|(atom, own)| self.accumulate(atom, own * factor));
        self.constant += other.constant * factor;
    }

    /// The difference.
    pub fn minus(mut self, other: &Linear) -> Linear {
        self.add(other, -1);
        self
    }

    /// The factor of an atom.
    pub fn factor(&self, atom: &Expr) -> i128 {
        self.terms.iter().find(|term| term.0 == *atom).map_or(0, |term| term.1)
    }

    /// Removes an atom and returns its factor.
    fn take(&mut self, atom: &Expr) -> i128 {
        let factor = self.factor(atom);
        self.terms.retain(|term| term.0 != *atom);
        factor
    }

    fn reads_memory(&self) -> bool {
        self.terms.iter().any(|(atom, _)| !atom.reads().is_empty())
    }

    /// The two parts of the sum: `sum = divisor * quotient + remainder`, where the remainder keeps
    /// the terms whose factor is no multiple.
    pub fn split(&self, divisor: i128) -> (Linear, Linear) {
        let (mut quotient, mut remainder) = (Linear::default(), Linear::default());
        for (atom, factor) in &self.terms {
            match factor % divisor {
                _ if planted(28) && *factor >= divisor => {
                    quotient.terms.push((atom.clone(), factor / divisor)); // Planted bug 28.
                }
                0 => quotient.terms.push((atom.clone(), factor / divisor)),
                _ => remainder.terms.push((atom.clone(), *factor)),
            }
        }
        quotient.constant = self.constant.div_euclid(divisor);
        remainder.constant = self.constant.rem_euclid(divisor);
        (quotient, remainder)
    }

    /// An expression for the sum; `None` if a number does not fit in 64 bits.
    pub fn to_expr(&self) -> Option<Expr> {
        let mut sum: Option<Expr> = None;
        // What is added stands before what is subtracted.
        let (added, subtracted): (Vec<_>, Vec<_>) = self.terms.iter().partition(|term| term.1 > 0);
        for (atom, factor) in added.into_iter().chain(subtracted) {
            let product =
                |factor: i128| Some(Expr::mul(atom.clone(), Expr::int(i64::try_from(factor).ok()?)));
            sum = Some(match sum {
                None => product(*factor)?,
                Some(sum) if *factor > 0 => Expr::add(sum, product(*factor)?),
                Some(sum) => Expr::sub(sum, product(-factor)?),
            });
        }
        let constant = Expr::int(i64::try_from(self.constant).ok()?);
        Some(match sum {
            None => constant,
            Some(sum) => Expr::add(sum, constant),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_proved_from_symbolic_bounds() {
        let (i, k, n) = (Var(0), Var(1), Expr::symbol("n"));
        let mut facts = Facts::default();
        facts.enter(i, &Expr::int(0), &n);
        facts.enter(k, &Expr::add(i.into(), Expr::int(1)), &n);
        assert!(facts.at_most(&i.into(), &n, -1));
        assert!(facts.at_most(&i.into(), &k.into(), -1));
        assert!(facts.at_most(&Expr::int(1), &k.into(), 0));
        assert!(!facts.at_most(&k.into(), &i.into(), 0));
        assert!(!facts.at_most(&Expr::int(2), &k.into(), 0));
    }

    #[test]
    fn sums_split_by_a_divisor() {
        let (i, k) = (Expr::from(Var(0)), Expr::from(Var(1)));
        let sum = Expr::add(Expr::add(Expr::mul(i.clone(), Expr::int(16)), k.clone()), Expr::int(35));
        let (quotient, remainder) = Linear::of(&sum).unwrap().split(8);
        assert_eq!(quotient.to_expr(), Some(Expr::add(Expr::mul(i, Expr::int(2)), Expr::int(4))));
        assert_eq!(remainder.to_expr(), Some(Expr::add(k, Expr::int(3))));
    }

    #[test]
    fn intervals_do_not_claim_what_may_wrap() {
        let mut facts = Facts::default();
        facts.enter(Var(0), &Expr::int(0), &Expr::int(10));
        let i = || Expr::from(Var(0));
        assert_eq!(facts.interval(&Expr::sub(Expr::mul(i(), Expr::int(-2)), Expr::int(1))), Some((-19, -1)));
        assert_eq!(facts.interval(&Expr::mul(i(), Expr::int(i64::MAX))), None);
        assert_eq!(facts.interval(&Expr::modulo(Expr::symbol("n"), Expr::int(4))), Some((0, 3)));
    }
}
