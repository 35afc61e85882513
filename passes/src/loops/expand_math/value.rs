//! Values under construction: expressions with operators, and the `let`s that share them.

use super::polynomials::Polynomial;
use std::ops::{Add, Div, Mul, Neg, Sub};
use tcc_ir::loops::{Expr, Func, Stmt};
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, ScalarOp};

/// So many terms are summed one after the other.
const FEW_TERMS: usize = 7;

/// An expression and its dtype.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub expr: Expr,
    pub dtype: Dtype,
}

/// Builds the expansion of one call.
pub(super) struct Builder<'a> {
    pub func: &'a mut Func,
    /// The statements that go before the one that calls.
    pub before: &'a mut Vec<Stmt>,
    /// f32 or f64.
    pub dtype: Dtype,
    /// The function's name, from which variables are named.
    pub name: &'static str,
}

/// What differs between the formats.
impl Builder<'_> {
    /// `a` where the dtype is f32, `b` where it is f64.
    pub fn pick<T>(&self, a: T, b: T) -> T {
        if self.dtype == Dtype::F32 { a } else { b }
    }

    /// Bits of the stored significand.
    pub fn significand_bits(&self) -> i64 {
        self.pick(23, 52)
    }

    /// The exponent field of 1.
    pub fn bias(&self) -> i64 {
        self.pick(127, 1023)
    }

    /// The signed integer dtype of the same width.
    pub fn int_dtype(&self) -> Dtype {
        self.pick(Dtype::I32, Dtype::I64)
    }

    /// A number.
    pub fn real(&self, value: f64) -> Value {
        let dtype = self.dtype;
        Value { expr: Expr::Const(Literal::Real(dtype.round(value)), dtype), dtype }
    }

    /// An integer of the same width.
    pub fn int(&self, value: i64) -> Value {
        let dtype = self.int_dtype();
        Value { expr: Expr::Const(Literal::Int(dtype.wrap(value)), dtype), dtype }
    }

    /// The bits of a number as an integer.
    pub fn bits_of(&self, value: f64) -> i64 {
        if self.dtype == Dtype::F32 {
            i64::from((value as f32).to_bits() as i32)
        } else {
            value.to_bits() as i64
        }
    }

    /// Names a value that is used more than once.
    pub fn share(&mut self, name: &str, value: Value) -> Value {
        if matches!(value.expr, Expr::Var(_) | Expr::Const(..)) {
            return value;
        }
        let var = self.func.add_var(&format!("{}.{name}", self.name), value.dtype);
        self.before.push(Stmt::Let(var, value.expr));
        Value { expr: Expr::Var(var), dtype: value.dtype }
    }

    /// A polynomial in `x`, by Horner's rule; `x` should be shared.
    pub fn polynomial(&mut self, polynomial: &Polynomial, x: &Value) -> Value {
        let mut coefficients = polynomial.coefficients(self.dtype).iter().rev();
        let mut sum = self.real(coefficients.next().copied().unwrap_or(0.0));
        for &coefficient in coefficients {
            sum = fma(&sum, x, &self.real(coefficient));
        }
        sum
    }

    /// A polynomial in `x` by Estrin's scheme: neighbouring terms in pairs, then pairs of pairs, and so on.
    /// Few operations wait for each other; the last ones round more often than in Horner's rule, so this is
    /// for what is multiplied by something small. Few terms do not gain by it. `x` should be shared.
    pub fn short_polynomial(&mut self, polynomial: &Polynomial, x: &Value) -> Value {
        let coefficients = polynomial.coefficients(self.dtype);
        if coefficients.len() <= FEW_TERMS {
            return self.polynomial(polynomial, x);
        }
        let mut terms: Vec<Value> = coefficients.iter().map(|&coefficient| self.real(coefficient)).collect();
        let mut power = x.clone();
        while terms.len() > 1 {
            terms = terms
                .chunks(2)
                .map(|pair| match pair {
                    [low, high] => fma(high, &power, low),
                    _ => pair[0].clone(),
                })
                .collect();
            if terms.len() > 1 {
                power = self.share("power", &power * &power);
            }
        }
        terms.pop().unwrap_or_else(|| self.real(0.0))
    }

    /// `x` with the sign of `sign` flipped in: `x` or `-x`.
    pub fn with_sign_of(&mut self, x: &Value, sign: &Value) -> Value {
        let places = self.int(self.pick(31, 63));
        let mask = shl(&shr(&to_bits(sign), &places), &places);
        from_bits(&xor(&to_bits(x), &mask))
    }

    /// `2^n` for an integer `n` of the same width; the result must be normal.
    pub fn power_of_two(&mut self, n: &Value) -> Value {
        from_bits(&shl(&(n + &self.int(self.bias())), &self.int(self.significand_bits())))
    }

    /// What pushes the fraction out of a number when it is added: 1.5 * 2^significand. The integer is
    /// left in the low bits.
    pub fn magic(&self) -> f64 {
        self.pick(12_582_912.0, 6_755_399_441_055_744.0)
    }

    /// The nearest integer to `x` as a float and as an integer, for `|x| < 2^(significand bits - 2)`.
    pub fn nearest(&mut self, x: &Value) -> (Value, Value) {
        let magic = self.magic();
        let pushed = self.share("pushed", x + &self.real(magic));
        let float = self.share("n", &pushed - &self.real(magic));
        let int = self.share("n.int", to_bits(&pushed) - self.int(self.bits_of(magic)));
        (float, int)
    }

    /// A small integer as a float: the inverse of [`Builder::nearest`].
    pub fn float_of(&mut self, n: &Value) -> Value {
        let magic = self.magic();
        from_bits(&(n + &self.int(self.bits_of(magic)))) - self.real(magic)
    }

    /// The exact remainder of a rounded product: `a * b - product`.
    pub fn product_error(&mut self, a: &Value, b: &Value, product: &Value) -> Value {
        fma(a, b, &-product)
    }
}

fn op(op: ScalarOp, dtype: Dtype, operands: &[&Value]) -> Value {
    let operands = operands.iter().map(|value| value.expr.clone()).collect();
    Value { expr: Expr::op(op, dtype, operands), dtype }
}

/// `a*b + c`, rounded once.
pub(super) fn fma(a: &Value, b: &Value, c: &Value) -> Value {
    op(ScalarOp::Fma, a.dtype, &[a, b, c])
}

/// `a` if the condition holds, else `b`.
pub(super) fn select(condition: &Value, a: &Value, b: &Value) -> Value {
    op(ScalarOp::Select, a.dtype, &[condition, a, b])
}

pub(super) fn lt(a: &Value, b: &Value) -> Value {
    op(ScalarOp::Lt, Dtype::Bool, &[a, b])
}

pub(super) fn le(a: &Value, b: &Value) -> Value {
    op(ScalarOp::Le, Dtype::Bool, &[a, b])
}

pub(super) fn eq(a: &Value, b: &Value) -> Value {
    op(ScalarOp::Eq, Dtype::Bool, &[a, b])
}

pub(super) fn and(a: &Value, b: &Value) -> Value {
    op(ScalarOp::And, Dtype::Bool, &[a, b])
}

pub(super) fn or(a: &Value, b: &Value) -> Value {
    op(ScalarOp::Or, Dtype::Bool, &[a, b])
}

pub(super) fn not(a: &Value) -> Value {
    op(ScalarOp::Not, Dtype::Bool, &[a])
}

pub(super) fn is_nan(a: &Value) -> Value {
    op(ScalarOp::IsNan, Dtype::Bool, &[a])
}

pub(super) fn abs(a: &Value) -> Value {
    op(ScalarOp::Abs, a.dtype, &[a])
}

pub(super) fn sqrt(a: &Value) -> Value {
    op(ScalarOp::Sqrt, a.dtype, &[a])
}

pub(super) fn floor(a: &Value) -> Value {
    op(ScalarOp::Floor, a.dtype, &[a])
}

pub(super) fn xor(a: &Value, b: &Value) -> Value {
    op(ScalarOp::Xor, a.dtype, &[a, b])
}

pub(super) fn shl(a: &Value, by: &Value) -> Value {
    op(ScalarOp::Shl, a.dtype, &[a, by])
}

/// Arithmetic shift to the right.
pub(super) fn shr(a: &Value, by: &Value) -> Value {
    op(ScalarOp::Shr, a.dtype, &[a, by])
}

pub(super) fn to_bits(a: &Value) -> Value {
    let dtype = if a.dtype == Dtype::F32 { Dtype::I32 } else { Dtype::I64 };
    op(ScalarOp::ToBits, dtype, &[a])
}

pub(super) fn from_bits(a: &Value) -> Value {
    let dtype = if a.dtype == Dtype::I32 { Dtype::F32 } else { Dtype::F64 };
    op(ScalarOp::FromBits, dtype, &[a])
}

pub(super) fn cast(a: &Value, dtype: Dtype) -> Value {
    op(ScalarOp::Cast, dtype, &[a])
}

macro_rules! operator {
    ($trait:ident $method:ident) => {
        impl $trait<&Value> for &Value {
            type Output = Value;
            fn $method(self, other: &Value) -> Value {
                op(ScalarOp::$trait, self.dtype, &[self, other])
            }
        }
        impl $trait<Value> for &Value {
            type Output = Value;
            fn $method(self, other: Value) -> Value {
                self.$method(&other)
            }
        }
        impl $trait<&Value> for Value {
            type Output = Value;
            fn $method(self, other: &Value) -> Value {
                (&self).$method(other)
            }
        }
        impl $trait<Value> for Value {
            type Output = Value;
            fn $method(self, other: Value) -> Value {
                (&self).$method(&other)
            }
        }
    };
}

operator!(Add add);
operator!(Sub sub);
operator!(Mul mul);
operator!(Div div);

impl Neg for &Value {
    type Output = Value;
    fn neg(self) -> Value {
        op(ScalarOp::Neg, self.dtype, &[self])
    }
}

impl Neg for Value {
    type Output = Value;
    fn neg(self) -> Value {
        -&self
    }
}

/// `-a` if the condition holds, else `a`.
pub(super) fn with_flipped_sign(a: &Value, condition: &Value) -> Value {
    select(condition, &-a, a)
}
