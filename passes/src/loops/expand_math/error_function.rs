//! erf and erfc: a polynomial near 0, `exp(-a^2)` times a polynomial beyond.

use super::exponential::{at_most, clamp, expm1_reduced, reduce, reduce_to_power, scale};
use super::polynomials;
use super::value::{Builder, Value, abs, fma, from_bits, lt, select, shl, to_bits};
use tcc_ir::Dtype;

/// `erf(x)` for |x| <= 1.
fn near(b: &mut Builder, x: &Value) -> Value {
    let z = b.share("z", x * x);
    let polynomial = b.polynomial(&polynomials::ERF, &z);
    b.share("near", fma(x, &polynomial, x))
}

/// `erfc(a)` for a >= 1/2.
fn far(b: &mut Builder, x: &Value) -> Value {
    let most = b.pick(10.3, 28.0);
    let a = clamp(b, &abs(x), 0.5, most);
    // exp(-a^2) with the rounding error of the square.
    let square = b.share("square", &a * &a);
    let lost = b.product_error(&a, &a, &square);
    let lost = b.share("lost", lost);
    let (n, r) = reduce(b, &-&square);
    let r = b.share("exponent", r - lost);
    let exponential = expm1_reduced(b, &r) + b.real(1.0);
    let three = b.real(3.0);
    let t = b.share("t", (&a - &three) / (&a + &three));
    let polynomial = b.polynomial(&polynomials::ERFC, &t);
    let quotient = polynomial / fma(&a, &b.real(2.0), &b.real(1.0));
    let value = exponential * quotient;
    let value = scale(b, &value, &n);
    b.share("far", value)
}

/// `erfc(a)` for a >= 1 in f32, to an absolute error far below that of 1: the power of 2 of a polynomial.
fn far_from_one_f32(b: &mut Builder, x: &Value) -> Value {
    // From here on erf is 1.
    let a = at_most(b, &abs(x), 4.0);
    let logarithm = b.polynomial(&polynomials::LOG2_ERFC, &a);
    let logarithm = b.share("log2", logarithm);
    let magic = b.real(b.magic() + b.bias() as f64);
    let pushed = b.share("pushed", &logarithm + &magic);
    let unit = from_bits(&shl(&to_bits(&pushed), &b.int(b.significand_bits())));
    let unit = b.share("unit", unit);
    let r = b.share("r", &logarithm - &(&pushed - &magic));
    let e = &r * &b.polynomial(&polynomials::EXP2, &r);
    fma(&unit, &e, &unit)
}

/// `erfc(a)` for a >= 1/2, to an absolute error far below that of 1.
fn far_from_one(b: &mut Builder, x: &Value) -> Value {
    if b.dtype == Dtype::F32 {
        return far_from_one_f32(b, x);
    }
    // From here on erf is 1.
    let a = clamp(b, &abs(x), 0.5, 6.0);
    let magic = b.real(b.magic() + b.bias() as f64);
    let square = b.share("square", -(&a * &a));
    let (unit, r) = reduce_to_power(b, &square, &magic);
    let e = expm1_reduced(b, &r);
    let exponential = fma(&unit, &e, &unit);
    // t = (a - 3) / (a + 3) and polynomial(t) / (2 a + 1) by one division.
    let three = b.real(3.0);
    let top = b.share("top", &a + &three);
    let double = b.share("double", fma(&a, &b.real(2.0), &b.real(1.0)));
    let inverse = b.share("inverse", b.real(1.0) / (&top * &double));
    let t = b.share("t", (&a - &three) * &double * &inverse);
    let polynomial = b.polynomial(&polynomials::ERFC, &t);
    exponential * (polynomial * (top * inverse))
}

pub(super) fn erf(b: &mut Builder, x: &[Value]) -> Value {
    let x = &x[0];
    let near = near(b, x);
    let far = far_from_one(b, x);
    let beyond = b.with_sign_of(&(b.real(1.0) - far), x);
    select(&lt(&b.real(1.0), &abs(x)), &beyond, &near)
}

pub(super) fn erfc(b: &mut Builder, x: &[Value]) -> Value {
    let x = &x[0];
    let near = near(b, x);
    let far = far(b, x);
    let beyond = select(&lt(x, &b.real(0.0)), &(b.real(2.0) - &far), &far);
    select(&lt(&b.real(0.5), &abs(x)), &beyond, &(b.real(1.0) - near))
}
