//! Scalar operations as Cranelift instructions: one arm per operation, none of which can trap.

use super::half;
use super::types::{Scalar, is_signed, value_type};
use cranelift::codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift::codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use cranelift::frontend::FunctionBuilder;
use tcc_ir::evaluate_scalar;
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, Kind, Native, ScalarOp, Value as NativeValue, planted};

/// Emits scalar operations into a function under construction.
pub(super) struct Ops<'a, 'b> {
    pub b: &'a mut FunctionBuilder<'b>,
}

/// An operation that `expand_math` should have removed.
#[derive(Debug)]
pub(super) struct NotExpanded(pub ScalarOp);

impl Ops<'_, '_> {
    /// An integer constant of a type of at most 64 bits.
    pub fn int(&mut self, ty: Type, value: i64) -> Value {
        let mask = if ty.bits() >= 64 { -1 } else { (1i64 << ty.bits()) - 1 };
        self.b.ins().iconst(ty, value & mask)
    }

    /// A float constant.
    pub fn float(&mut self, ty: Type, value: f64) -> Value {
        if ty == types::F32 { self.b.ins().f32const(value as f32) } else { self.b.ins().f64const(value) }
    }

    /// The number that a literal of a dtype stands for.
    pub fn literal(&mut self, literal: Literal, dtype: Dtype) -> Scalar {
        let ty = value_type(dtype);
        match evaluate_scalar::literal::<Native>(literal, dtype) {
            NativeValue::Bool(value) => Scalar::real(self.int(ty, i64::from(value))),
            NativeValue::Int(value) => Scalar::real(self.int(ty, value)),
            NativeValue::Real(value) => Scalar::real(self.float(ty, value)),
            NativeValue::Complex(re, im) => {
                let re = self.float(ty, re);
                Scalar::complex(re, self.float(ty, im))
            }
        }
    }

    /// Rounds an f32 value that was computed for a narrow dtype; other dtypes stay.
    fn rounded(&mut self, value: Value, dtype: Dtype) -> Value {
        match dtype {
            Dtype::F16 | Dtype::BF16 => half::round(self, value, dtype),
            _ => value,
        }
    }

    /// One operation. `from` is the dtype of the last operand (the only one that matters where they
    /// differ: selects, powers with an integer exponent take that of the first), `dtype` that of
    /// the result.
    pub fn apply(
        &mut self,
        op: ScalarOp,
        dtype: Dtype,
        from: Dtype,
        x: &[Scalar],
    ) -> Result<Scalar, NotExpanded> {
        use ScalarOp::*;
        Ok(match op {
            Add | Sub | Mul | Div | Neg | Fma | FloorDiv | Mod | Min | Max | Abs | Sign => {
                self.arithmetic(op, dtype, x)
            }
            PowInt => self.powi(dtype, x[0], x[1].re),
            Floor | Ceil | Round | Trunc | Sqrt => {
                let a = x[0].re;
                let value = match op {
                    Floor => self.b.ins().floor(a),
                    Ceil => self.b.ins().ceil(a),
                    Round => self.b.ins().nearest(a),
                    Trunc => self.b.ins().trunc(a),
                    _ => self.b.ins().sqrt(a),
                };
                Scalar::real(self.rounded(value, dtype))
            }
            IsNan | IsFinite | Eq | Ne | Lt | Le => Scalar::real(self.test(op, from, x)),
            And => Scalar::real(self.b.ins().band(x[0].re, x[1].re)),
            Or => Scalar::real(self.b.ins().bor(x[0].re, x[1].re)),
            Xor => Scalar::real(self.b.ins().bxor(x[0].re, x[1].re)),
            Not => {
                let one = self.int(types::I8, 1);
                Scalar::real(self.b.ins().bxor(x[0].re, one))
            }
            Shl | Shr => Scalar::real(self.shift(op, dtype, x[0].re, x[1].re)),
            Popcount => Scalar::real(self.b.ins().popcnt(x[0].re)),
            Select => Scalar {
                re: self.b.ins().select(x[0].re, x[1].re, x[2].re),
                im: x[1].im.map(|im| self.b.ins().select(x[0].re, im, x[2].im())),
            },
            Cast => self.cast(x[0], from, dtype),
            Re => Scalar::real(x[0].re),
            Im => Scalar::real(x[0].im()),
            Conj => Scalar::complex(x[0].re, self.b.ins().fneg(x[0].im())),
            MakeComplex => Scalar::complex(x[0].re, x[1].re),
            ToBits | FromBits => {
                Scalar::real(self.b.ins().bitcast(value_type(dtype), MemFlagsData::new(), x[0].re))
            }
            Pow | Cbrt | Exp | Expm1 | Log | Log1p | Sin | Cos | Tan | Asin | Acos | Atan | Atan2 | Sinh
            | Cosh | Tanh | Asinh | Acosh | Atanh | Erf | Erfc | Hypot => return Err(NotExpanded(op)),
        })
    }

    fn arithmetic(&mut self, op: ScalarOp, dtype: Dtype, x: &[Scalar]) -> Scalar {
        match dtype.kind() {
            Kind::Bool | Kind::Int => Scalar::real(self.integer(op, dtype, x)),
            Kind::Float => {
                let value = self.real(op, dtype, x);
                Scalar::real(self.rounded(value, dtype))
            }
            Kind::Complex => self.complex(op, dtype, x),
        }
    }

    fn integer(&mut self, op: ScalarOp, dtype: Dtype, x: &[Scalar]) -> Value {
        use ScalarOp::*;
        let (a, b) = (x[0].re, x[x.len() - 1].re);
        let signed = is_signed(dtype);
        match op {
            Add => self.b.ins().iadd(a, b),
            Sub => self.b.ins().isub(a, b),
            Mul => self.b.ins().imul(a, b),
            Neg => self.b.ins().ineg(a),
            FloorDiv | Mod => self.divide(op, dtype, a, b),
            Min if signed => self.b.ins().smin(a, b),
            Min => self.b.ins().umin(a, b),
            Max if dtype == Dtype::I32 && planted(39) => self.b.ins().umax(a, b), // Planted bug 39.
            Max if signed => self.b.ins().smax(a, b),
            Max => self.b.ins().umax(a, b),
            Abs if signed => self.b.ins().iabs(a),
            Sign => {
                let zero = self.int(value_type(dtype), 0);
                let one = self.int(value_type(dtype), 1);
                let minus = self.int(value_type(dtype), -1);
                let positive = self.b.ins().icmp(IntCC::NotEqual, a, zero);
                let above = self.b.ins().select(positive, one, zero);
                if !signed {
                    return above;
                }
                let negative = self.b.ins().icmp(IntCC::SignedLessThan, a, zero);
                self.b.ins().select(negative, minus, above)
            }
            // The absolute value of an unsigned integer; the others are not integer operations.
            _ => a,
        }
    }

    /// Floor division and its remainder. The divisor is replaced where the machine would trap.
    fn divide(&mut self, op: ScalarOp, dtype: Dtype, a: Value, b: Value) -> Value {
        // Cranelift divides 32 bits and more without surprises; narrow integers are widened.
        let narrow = dtype == Dtype::U8;
        let ty = if narrow { types::I32 } else { value_type(dtype) };
        let (a, b) = if narrow { (self.b.ins().uextend(ty, a), self.b.ins().uextend(ty, b)) } else { (a, b) };
        let zero = self.int(ty, 0);
        let one = self.int(ty, 1);
        let by_zero = self.b.ins().icmp(IntCC::Equal, b, zero);
        let result = if is_signed(dtype) {
            // b = -1 overflows for the least integer: a / -1 = -a (wrapping), remainder 0.
            let minus = self.int(ty, -1);
            let by_minus = self.b.ins().icmp(IntCC::Equal, b, minus);
            let unsafe_divisor = self.b.ins().bor(by_zero, by_minus);
            let divisor = self.b.ins().select(unsafe_divisor, one, b);
            let quotient = self.b.ins().sdiv(a, divisor);
            let product = self.b.ins().imul(quotient, divisor);
            let remainder = self.b.ins().isub(a, product);
            // Towards minus infinity: if the remainder is not 0 and has not the sign of the divisor.
            let differ = self.b.ins().bxor(remainder, divisor);
            let opposite = self.b.ins().icmp(IntCC::SignedLessThan, differ, zero);
            let inexact = self.b.ins().icmp(IntCC::NotEqual, remainder, zero);
            let adjust = self.b.ins().band(opposite, inexact);
            if op == ScalarOp::FloorDiv {
                let lower = self.b.ins().isub(quotient, one);
                let floored = self.b.ins().select(adjust, lower, quotient);
                let negated = self.b.ins().ineg(a);
                self.b.ins().select(by_minus, negated, floored)
            } else {
                let shifted = self.b.ins().iadd(remainder, divisor);
                self.b.ins().select(adjust, shifted, remainder)
            }
        } else {
            let divisor = self.b.ins().select(by_zero, one, b);
            if op == ScalarOp::FloorDiv {
                self.b.ins().udiv(a, divisor)
            } else {
                self.b.ins().urem(a, divisor)
            }
        };
        let result = self.b.ins().select(by_zero, zero, result);
        if narrow { self.b.ins().ireduce(types::I8, result) } else { result }
    }

    fn shift(&mut self, op: ScalarOp, dtype: Dtype, a: Value, by: Value) -> Value {
        let ty = value_type(dtype);
        let bits = i64::from(ty.bits());
        let zero = self.int(ty, 0);
        let width = self.int(ty, bits);
        let inside = self.b.ins().icmp(IntCC::UnsignedLessThan, by, width);
        match op {
            ScalarOp::Shl => {
                let shifted = self.b.ins().ishl(a, by);
                self.b.ins().select(inside, shifted, zero)
            }
            _ if is_signed(dtype) => {
                let last = self.int(ty, bits - 1);
                let by = self.b.ins().select(inside, by, last);
                self.b.ins().sshr(a, by)
            }
            _ => {
                let shifted = self.b.ins().ushr(a, by);
                self.b.ins().select(inside, shifted, zero)
            }
        }
    }

    /// Float arithmetic at the width of the values, before rounding to a narrow dtype.
    fn real(&mut self, op: ScalarOp, dtype: Dtype, x: &[Scalar]) -> Value {
        use ScalarOp::*;
        let (a, b) = (x[0].re, x[x.len() - 1].re);
        let ty = value_type(dtype);
        match op {
            Add => self.b.ins().fadd(a, b),
            Sub => self.b.ins().fsub(a, b),
            Mul => self.b.ins().fmul(a, b),
            Div => self.b.ins().fdiv(a, b),
            Neg => self.b.ins().fneg(a),
            Fma => self.b.ins().fma(a, x[1].re, b),
            FloorDiv => {
                let quotient = self.b.ins().fdiv(a, b);
                self.b.ins().floor(quotient)
            }
            Mod => {
                let quotient = self.b.ins().fdiv(a, b);
                let floor = self.b.ins().floor(quotient);
                let product = self.b.ins().fmul(b, floor);
                self.b.ins().fsub(a, product)
            }
            Min => self.b.ins().fmin(a, b),
            Max => self.b.ins().fmax(a, b),
            Abs => self.b.ins().fabs(a),
            Sign => {
                let zero = self.float(ty, 0.0);
                let one = self.float(ty, 1.0);
                let minus = self.float(ty, -1.0);
                let negative = self.b.ins().fcmp(FloatCC::LessThan, a, zero);
                let below = self.b.ins().select(negative, minus, a);
                let positive = self.b.ins().fcmp(FloatCC::GreaterThan, a, zero);
                self.b.ins().select(positive, one, below)
            }
            // Only reached for operations that are not float arithmetic.
            _ => a,
        }
    }

    fn complex(&mut self, op: ScalarOp, dtype: Dtype, x: &[Scalar]) -> Scalar {
        let (a, b) = (x[0], x[x.len() - 1]);
        match op {
            ScalarOp::Add => {
                Scalar::complex(self.b.ins().fadd(a.re, b.re), self.b.ins().fadd(a.im(), b.im()))
            }
            ScalarOp::Sub => {
                Scalar::complex(self.b.ins().fsub(a.re, b.re), self.b.ins().fsub(a.im(), b.im()))
            }
            ScalarOp::Mul => self.complex_mul(a, b),
            ScalarOp::Div => self.complex_div(a, b),
            ScalarOp::Neg => Scalar::complex(self.b.ins().fneg(a.re), self.b.ins().fneg(a.im())),
            _ => {
                debug_assert!(false, "{op} on {dtype}");
                a
            }
        }
    }

    /// `(ac - bd, ad + bc)`
    fn complex_mul(&mut self, a: Scalar, b: Scalar) -> Scalar {
        let ac = self.b.ins().fmul(a.re, b.re);
        let bd = self.b.ins().fmul(a.im(), b.im());
        let ad = self.b.ins().fmul(a.re, b.im());
        let bc = self.b.ins().fmul(a.im(), b.re);
        Scalar::complex(self.b.ins().fsub(ac, bd), self.b.ins().fadd(ad, bc))
    }

    /// `((ac + bd) / (cc + dd), (bc - ad) / (cc + dd))`
    fn complex_div(&mut self, a: Scalar, b: Scalar) -> Scalar {
        let ac = self.b.ins().fmul(a.re, b.re);
        let bd = self.b.ins().fmul(a.im(), b.im());
        let bc = self.b.ins().fmul(a.im(), b.re);
        let ad = self.b.ins().fmul(a.re, b.im());
        let cc = self.b.ins().fmul(b.re, b.re);
        let dd = self.b.ins().fmul(b.im(), b.im());
        let norm = self.b.ins().fadd(cc, dd);
        let re = self.b.ins().fadd(ac, bd);
        let im = self.b.ins().fsub(bc, ad);
        Scalar::complex(self.b.ins().fdiv(re, norm), self.b.ins().fdiv(im, norm))
    }

    fn test(&mut self, op: ScalarOp, from: Dtype, x: &[Scalar]) -> Value {
        use ScalarOp::*;
        let (a, b) = (x[0], x[x.len() - 1]);
        match (op, from.kind()) {
            (IsNan, _) => self.b.ins().fcmp(FloatCC::Unordered, a.re, a.re),
            (IsFinite, _) => {
                let size = self.b.ins().fabs(a.re);
                let infinity = self.float(value_type(from), f64::INFINITY);
                self.b.ins().fcmp(FloatCC::LessThan, size, infinity)
            }
            (_, Kind::Bool | Kind::Int) => {
                let condition = match (op, is_signed(from)) {
                    (Eq, _) => IntCC::Equal,
                    (Ne, _) => IntCC::NotEqual,
                    (Lt, true) => IntCC::SignedLessThan,
                    (Lt, false) => IntCC::UnsignedLessThan,
                    (_, true) => IntCC::SignedLessThanOrEqual,
                    (_, false) => IntCC::UnsignedLessThanOrEqual,
                };
                self.b.ins().icmp(condition, a.re, b.re)
            }
            (_, Kind::Float) => {
                let condition = match op {
                    Eq => FloatCC::Equal,
                    Ne => FloatCC::NotEqual,
                    Lt => FloatCC::LessThan,
                    _ => FloatCC::LessThanOrEqual,
                };
                self.b.ins().fcmp(condition, a.re, b.re)
            }
            (Ne, Kind::Complex) => {
                let re = self.b.ins().fcmp(FloatCC::NotEqual, a.re, b.re);
                let im = self.b.ins().fcmp(FloatCC::NotEqual, a.im(), b.im());
                self.b.ins().bor(re, im)
            }
            (_, Kind::Complex) => {
                let re = self.b.ins().fcmp(FloatCC::Equal, a.re, b.re);
                let im = self.b.ins().fcmp(FloatCC::Equal, a.im(), b.im());
                self.b.ins().band(re, im)
            }
        }
    }

    /// Conversion between dtypes.
    pub fn cast(&mut self, x: Scalar, from: Dtype, to: Dtype) -> Scalar {
        if from == to {
            return x;
        }
        match (from.kind(), to.kind()) {
            (Kind::Complex, Kind::Bool) => {
                let zero = self.float(value_type(from), 0.0);
                let re = self.b.ins().fcmp(FloatCC::NotEqual, x.re, zero);
                let im = self.b.ins().fcmp(FloatCC::NotEqual, x.im(), zero);
                Scalar::real(self.b.ins().bor(re, im))
            }
            (Kind::Complex, Kind::Complex) => {
                let re = self.float_to_float(x.re, from.part(), to.part());
                Scalar::complex(re, self.float_to_float(x.im(), from.part(), to.part()))
            }
            (Kind::Complex, _) => self.cast(Scalar::real(x.re), from.part(), to),
            (_, Kind::Complex) => {
                let re = self.cast(x, from, to.part()).re;
                Scalar::complex(re, self.float(value_type(to), 0.0))
            }
            (Kind::Float, Kind::Bool) => {
                let zero = self.float(value_type(from), 0.0);
                Scalar::real(self.b.ins().fcmp(FloatCC::NotEqual, x.re, zero))
            }
            (_, Kind::Bool) => {
                let zero = self.int(value_type(from), 0);
                Scalar::real(self.b.ins().icmp(IntCC::NotEqual, x.re, zero))
            }
            (Kind::Float, Kind::Int) => Scalar::real(self.float_to_int(x.re, to)),
            (Kind::Float, Kind::Float) => Scalar::real(self.float_to_float(x.re, from, to)),
            (_, Kind::Int) => Scalar::real(self.int_to_int(x.re, from, to)),
            (_, Kind::Float) => Scalar::real(self.int_to_float(x.re, from, to)),
        }
    }

    fn int_to_int(&mut self, x: Value, from: Dtype, to: Dtype) -> Value {
        let (source, target) = (value_type(from), value_type(to));
        if source.bits() == target.bits() {
            x
        } else if source.bits() > target.bits() {
            self.b.ins().ireduce(target, x)
        } else if is_signed(from) {
            self.b.ins().sextend(target, x)
        } else {
            self.b.ins().uextend(target, x)
        }
    }

    fn int_to_float(&mut self, x: Value, from: Dtype, to: Dtype) -> Value {
        let wide = match from {
            Dtype::I32 => x,
            _ => self.int_to_int(x, from, Dtype::I64),
        };
        match to {
            Dtype::F16 | Dtype::BF16 => {
                let value = self.b.ins().fcvt_from_sint(types::F32, wide);
                self.rounded(value, to)
            }
            _ => self.b.ins().fcvt_from_sint(value_type(to), wide),
        }
    }

    fn float_to_int(&mut self, x: Value, to: Dtype) -> Value {
        match to {
            Dtype::U8 => {
                let value = self.b.ins().fcvt_to_uint_sat(types::I32, x);
                let most = self.int(types::I32, 255);
                let value = self.b.ins().umin(value, most);
                self.b.ins().ireduce(types::I8, value)
            }
            Dtype::U32 => self.b.ins().fcvt_to_uint_sat(types::I32, x),
            Dtype::I32 => self.b.ins().fcvt_to_sint_sat(types::I32, x),
            _ => self.b.ins().fcvt_to_sint_sat(types::I64, x),
        }
    }

    fn float_to_float(&mut self, x: Value, from: Dtype, to: Dtype) -> Value {
        match (value_type(from) == types::F64, to) {
            (true, Dtype::F64) => x,
            (true, Dtype::F16 | Dtype::BF16) => {
                let odd = half::to_odd(self, x);
                half::round(self, odd, to)
            }
            (true, _) => self.b.ins().fdemote(types::F32, x),
            (false, Dtype::F64) => self.b.ins().fpromote(types::F64, x),
            (false, _) => self.rounded(x, to),
        }
    }

    /// Integer power by repeated squaring, from the lowest bit of the exponent. The first factor is
    /// taken as it is: a complex 1 * x is not always x.
    fn powi(&mut self, dtype: Dtype, base: Scalar, exponent: Value) -> Scalar {
        let zero = self.int(types::I64, 0);
        let one = self.literal(Literal::of(1, dtype), dtype);
        let magnitude = self.b.ins().iabs(exponent);
        let negative = self.b.ins().icmp(IntCC::SignedLessThan, exponent, zero);

        let (head, step, done) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let ty = value_type(dtype);
        let parts = if dtype.is_complex() { 2 } else { 1 };
        let count = self.b.append_block_param(head, types::I64);
        let empty = self.b.append_block_param(head, types::I8);
        let params: Vec<Value> = (0..2 * parts).map(|_| self.b.append_block_param(head, ty)).collect();
        let scalar = |v: &[Value]| Scalar { re: v[0], im: v.get(1).copied() };
        let (result, power) = (scalar(&params[..parts]), scalar(&params[parts..]));
        let arguments = |n: Value, empty: Value, a: Scalar, b: Scalar| {
            let values = [Some(n), Some(empty), Some(a.re), a.im, Some(b.re), b.im];
            values.into_iter().flatten().map(Into::into).collect::<Vec<_>>()
        };
        let low = self.int(types::I8, 1);
        self.b.ins().jump(head, &arguments(magnitude, low, one, base));

        self.b.switch_to_block(head);
        let more = self.b.ins().icmp(IntCC::NotEqual, count, zero);
        self.b.ins().brif(more, step, &[], done, &[]);

        self.b.switch_to_block(step);
        self.b.seal_block(step);
        let bit = self.b.ins().ireduce(types::I8, count);
        let odd = self.b.ins().band(bit, low);
        let product = self.arithmetic(ScalarOp::Mul, dtype, &[result, power]);
        let product = self.choose(empty, power, product);
        let next = self.choose(odd, product, result);
        let even = self.b.ins().bxor(odd, low);
        let still_empty = self.b.ins().band(empty, even);
        let square = self.arithmetic(ScalarOp::Mul, dtype, &[power, power]);
        let one_bit = self.int(types::I64, 1);
        let rest = self.b.ins().ushr(count, one_bit);
        self.b.ins().jump(head, &arguments(rest, still_empty, next, square));
        self.b.seal_block(head);

        self.b.switch_to_block(done);
        self.b.seal_block(done);
        let inverse = if dtype.kind() == Kind::Int {
            Scalar::real(self.int(ty, 0))
        } else {
            self.arithmetic(ScalarOp::Div, dtype, &[one, result])
        };
        self.choose(negative, inverse, result)
    }

    fn choose(&mut self, condition: Value, a: Scalar, b: Scalar) -> Scalar {
        Scalar {
            re: self.b.ins().select(condition, a.re, b.re),
            im: a.im.map(|im| self.b.ins().select(condition, im, b.im())),
        }
    }
}

impl Ops<'_, '_> {
    /// Integer power with a known exponent: the same products in the same order as [`Ops::powi`].
    pub fn powi_number(&mut self, dtype: Dtype, base: Scalar, exponent: i64) -> Scalar {
        let one = self.literal(Literal::of(1, dtype), dtype);
        if dtype.kind() == Kind::Int && exponent < 0 {
            let none = self.int(value_type(dtype), 0);
            return Scalar::real(none);
        }
        let (mut result, mut power) = (None, base);
        let mut count = exponent.unsigned_abs();
        while count > 0 {
            if count & 1 == 1 {
                result = Some(match result {
                    None => power,
                    Some(result) => self.arithmetic(ScalarOp::Mul, dtype, &[result, power]),
                });
            }
            count >>= 1;
            if count > 0 {
                power = self.arithmetic(ScalarOp::Mul, dtype, &[power, power]);
            }
        }
        let result = result.unwrap_or(one);
        if exponent < 0 { self.arithmetic(ScalarOp::Div, dtype, &[one, result]) } else { result }
    }
}
