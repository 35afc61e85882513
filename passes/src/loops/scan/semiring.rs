//! The two operations of a step, and a step as one factor and one addend of the state.

use crate::egraph::rules::Law;
use tcc_ir::loops::Expr;
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, Kind, ReduceOp, ScalarOp};

/// What a step adds with and what it multiplies with: the latter distributes over the former.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Semiring {
    /// `a * h + b`.
    SumProduct,
    /// `max(a + h, b)`.
    MaxPlus,
    /// `min(a + h, b)`.
    MinPlus,
}

/// What a step multiplies the state by.
#[derive(Clone, Debug, PartialEq)]
pub enum Factor {
    /// The step forgets the state.
    Zero,
    /// The step keeps the state.
    One,
    /// This value.
    Value(Expr),
}

/// A step: `factor * h + addend` (no addend: the neutral one).
#[derive(Clone, Debug, PartialEq)]
pub struct Affine {
    /// What the state is multiplied by.
    pub factor: Factor,
    /// What is added.
    pub addend: Option<Expr>,
}

impl Semiring {
    /// All of them, in the order in which they are tried.
    pub const ALL: [Semiring; 3] = [Semiring::SumProduct, Semiring::MaxPlus, Semiring::MinPlus];

    /// The operation that adds.
    fn plus_op(self) -> ScalarOp {
        match self {
            Semiring::SumProduct => ScalarOp::Add,
            Semiring::MaxPlus => ScalarOp::Max,
            Semiring::MinPlus => ScalarOp::Min,
        }
    }

    /// `a` added to `b`.
    pub fn plus(self, a: Expr, b: Expr, dtype: Dtype) -> Expr {
        Expr::op(self.plus_op(), dtype, vec![a, b])
    }

    /// `a` times `b`.
    pub fn times(self, a: Expr, b: Expr, dtype: Dtype) -> Expr {
        let op = if self == Semiring::SumProduct { ScalarOp::Mul } else { ScalarOp::Add };
        Expr::op(op, dtype, vec![a, b])
    }

    /// `a` times `b` added to `c`.
    pub fn plus_times(self, a: Expr, b: Expr, c: Expr, dtype: Dtype) -> Expr {
        match (self, dtype.kind()) {
            (Semiring::SumProduct, Kind::Float) => Expr::op(ScalarOp::Fma, dtype, vec![a, b, c]),
            _ => self.plus(self.times(a, b, dtype), c, dtype),
        }
    }

    /// What changes nothing when it is added.
    pub fn zero(self, dtype: Dtype) -> Expr {
        let op = match self {
            Semiring::SumProduct => ReduceOp::Sum,
            Semiring::MaxPlus => ReduceOp::Max,
            Semiring::MinPlus => ReduceOp::Min,
        };
        Expr::Const(Literal::identity(op, dtype), dtype)
    }

    /// What changes nothing when it multiplies.
    pub fn one(self, dtype: Dtype) -> Expr {
        Expr::number(i64::from(self == Semiring::SumProduct), dtype)
    }

    /// What is kept where steps are combined before they are applied. `None`: they may not be.
    pub fn law(self, step: &Affine, dtype: Dtype) -> Option<Law> {
        match (self, dtype.kind(), &step.factor) {
            (Semiring::SumProduct, Kind::Int, _) => Some(Law::Exact),
            (Semiring::SumProduct, ..) => Some(Law::Reassociate),
            (Semiring::MaxPlus | Semiring::MinPlus, _, Factor::One) => Some(Law::Exact),
            // A sum of integers wraps, so it does not distribute over the maximum.
            (Semiring::MaxPlus | Semiring::MinPlus, Kind::Int, _) => None,
            (Semiring::MaxPlus | Semiring::MinPlus, ..) => Some(Law::Reassociate),
        }
    }

    /// The step that `expr` is, where `state` stands for the state. `None`: it is none.
    pub fn affine(self, expr: &Expr, state: &Expr, dtype: Dtype) -> Option<Affine> {
        if expr == state {
            return Some(Affine { factor: Factor::One, addend: None });
        }
        let mut depends = false;
        expr.walk(&mut |part| depends |= part == state);
        if !depends {
            return Some(Affine { factor: Factor::Zero, addend: Some(expr.clone()) });
        }
        let Expr::Op(op, of, operands) = expr else { return None };
        if *of != dtype {
            return None;
        }
        let step = |operand: &Expr| self.affine(operand, state, dtype);
        match (self, op, operands.as_slice()) {
            (_, op, [a, b]) if *op == self.plus_op() => Some(self.sum(step(a)?, step(b)?, dtype)),
            (Semiring::SumProduct, ScalarOp::Mul, [a, b]) | (_, ScalarOp::Add, [a, b]) => {
                self.product(step(a)?, step(b)?, dtype)
            }
            (Semiring::SumProduct, ScalarOp::Sub, [a, b]) => {
                let minus_one = Affine { factor: Factor::Zero, addend: Some(Expr::number(-1, dtype)) };
                let negated = self.product(minus_one, step(b)?, dtype)?;
                Some(self.sum(step(a)?, negated, dtype))
            }
            (Semiring::SumProduct, ScalarOp::Fma, [a, b, c]) => {
                Some(self.sum(self.product(step(a)?, step(b)?, dtype)?, step(c)?, dtype))
            }
            (_, ScalarOp::Select, [condition, a, b]) => {
                let mut data = true;
                condition.walk(&mut |part| data &= part != state);
                let (a, b) = (step(a)?, step(b)?);
                data.then(|| self.choice(condition, a, b, dtype))
            }
            _ => None,
        }
    }

    fn sum(self, a: Affine, b: Affine, dtype: Dtype) -> Affine {
        let factor = match (a.factor, b.factor) {
            (Factor::Zero, other) | (other, Factor::Zero) => other,
            (a, b) => Factor::Value(self.plus(self.value(a, dtype), self.value(b, dtype), dtype)),
        };
        let addend = match (a.addend, b.addend) {
            (None, other) | (other, None) => other,
            (Some(a), Some(b)) => Some(self.plus(a, b, dtype)),
        };
        Affine { factor, addend }
    }

    /// One of both does not depend on the state.
    fn product(self, a: Affine, b: Affine, dtype: Dtype) -> Option<Affine> {
        let (scale, step) = match (&a.factor, &b.factor) {
            (Factor::Zero, _) => (a.addend?, b),
            (_, Factor::Zero) => (b.addend?, a),
            _ => return None,
        };
        let factor = match step.factor {
            Factor::Zero => Factor::Zero,
            Factor::One => Factor::Value(scale.clone()),
            Factor::Value(factor) => Factor::Value(self.times(factor, scale.clone(), dtype)),
        };
        Some(Affine { factor, addend: step.addend.map(|addend| self.times(addend, scale, dtype)) })
    }

    fn choice(self, condition: &Expr, a: Affine, b: Affine, dtype: Dtype) -> Affine {
        let select = |a: Expr, b: Expr| match a == b {
            true => a,
            false => Expr::select(condition.clone(), a, b, dtype),
        };
        let factor = match (a.factor, b.factor) {
            (a, b) if a == b => a,
            (a, b) => Factor::Value(select(self.value(a, dtype), self.value(b, dtype))),
        };
        let addend = match (a.addend, b.addend) {
            (None, None) => None,
            (a, b) => {
                let value = |addend: Option<Expr>| addend.unwrap_or_else(|| self.zero(dtype));
                Some(select(value(a), value(b)))
            }
        };
        Affine { factor, addend }
    }

    /// A factor as a number.
    pub fn value(self, factor: Factor, dtype: Dtype) -> Expr {
        match factor {
            Factor::Zero => self.zero(dtype),
            Factor::One => self.one(dtype),
            Factor::Value(value) => value,
        }
    }
}
