//! sin, cos and tan, from `x = n pi/2 + r` with the nearest integer `n`.
//!
//! In f64 pi/2 is subtracted in three parts by fused multiply-adds, and what rounding loses is carried
//! along; f32 is reduced in f64, where two parts are enough. This holds while `n` is exact: for |x| up to
//! 2^45 in f64 and 2^50 in f32. Beyond (and for infinities) the result is NaN rather than a wrong number.

use super::exponential::tiny;
use super::polynomials;
use super::value::{Builder, Value, abs, cast, fma, from_bits, le, lt, select, shl, shr, to_bits, xor};
use tcc_ir::Dtype;

/// A reduced angle.
struct Angle {
    /// Quarter turns.
    quarter: Value,
    /// Sine and cosine of the rest.
    sin: Value,
    cos: Value,
}

/// What is left of an angle: quarter turns, and the rest as a rounded number and its error.
struct Rest {
    quarter: Value,
    high: Value,
    low: Value,
}

/// `x` where it can be reduced, else NaN.
fn reducible(b: &mut Builder, x: &Value, limit: f64) -> Value {
    let reducible = le(&abs(x), &b.real(limit));
    b.share("x", select(&reducible, x, &b.real(f64::NAN)))
}

/// In f64 `n * pi/2` is subtracted from an f32 almost exactly: the first product cancels without rounding.
fn rest_f32(b: &mut Builder, x: &Value) -> Rest {
    let x = reducible(b, x, 2f64.powi(50));
    b.dtype = Dtype::F64;
    let x = b.share("wide", cast(&x, Dtype::F64));
    let (n, quarter) = b.nearest(&(&x * &b.real(std::f64::consts::FRAC_2_PI)));
    let coarse = fma(&n, &b.real(-std::f64::consts::FRAC_PI_2), &x);
    let r = b.share("rest", fma(&n, &b.real(-6.123233995736766e-17), &coarse));
    let high = b.share("r", cast(&r, Dtype::F32));
    let low = cast(&(&r - &cast(&high, Dtype::F64)), Dtype::F32);
    b.dtype = Dtype::F32;
    Rest { quarter: b.share("quarter", cast(&quarter, Dtype::I32)), low: b.share("low", low), high }
}

fn rest_f64(b: &mut Builder, x: &Value) -> Rest {
    let x = reducible(b, x, 2f64.powi(45));
    let (n, quarter) = b.nearest(&(&x * &b.real(std::f64::consts::FRAC_2_PI)));
    let parts = [std::f64::consts::FRAC_PI_2, 6.123233995736766e-17, -1.4973849048591698e-33];
    let [first, second, third] = parts.map(|part| b.real(-part));
    let coarse = b.share("coarse", fma(&n, &first, &x));
    // The second part is the one that may cancel: its product and the sum are kept exactly.
    let step = b.share("step", &n * &second);
    let step_low = fma(&n, &second, &-&step);
    let fine = b.share("fine", &coarse + &step);
    let gained = b.share("gained", &fine - &coarse);
    let error = (&coarse - &(&fine - &gained)) + (&step - &gained);
    let error = b.share("error", fma(&n, &third, &(error + step_low)));
    let high = b.share("r", &fine + &error);
    let low = b.share("low", (&fine - &high) + &error);
    Rest { quarter, high, low }
}

fn reduce(b: &mut Builder, x: &Value) -> Angle {
    let rest = if b.dtype == Dtype::F32 { rest_f32(b, x) } else { rest_f64(b, x) };
    let Rest { quarter, high: r, low } = rest;
    let z = b.share("z", &r * &r);
    let half = b.share("half", &z * &b.real(0.5));
    let low_cos = fma(&low, &-&half, &low);
    let polynomial = b.short_polynomial(&polynomials::SIN, &z);
    let sin = &r + &fma(&(&r * &z), &polynomial, &low_cos);
    let sin = b.share("sin", sin);
    let one = b.real(1.0);
    let top = b.share("top", &one - &half);
    let polynomial = b.short_polynomial(&polynomials::COS, &z);
    let tail = &(&z * &z) * &polynomial - &r * &low;
    let cos = &top + &(((&one - &top) - &half) + tail);
    let cos = b.share("cos", cos);
    Angle { quarter, sin, cos }
}

/// Whether a bit of the quarter is set.
fn bit(b: &Builder, quarter: &Value, place: i64) -> Value {
    let top = b.pick(31, 63);
    lt(&shl(quarter, &b.int(top - place)), &b.int(0))
}

/// Flips the sign of `value` if bit 1 of `quarter` is set.
fn flip(b: &Builder, value: &Value, quarter: &Value) -> Value {
    let top = b.int(b.pick(31, 63));
    let mask = shl(&shr(quarter, &b.int(1)), &top);
    from_bits(&xor(&to_bits(value), &mask))
}

pub(super) fn sin(b: &mut Builder, x: &[Value]) -> Value {
    let x = &x[0];
    let angle = reduce(b, x);
    let size = select(&bit(b, &angle.quarter, 0), &angle.cos, &angle.sin);
    select(&lt(&abs(x), &tiny(b)), x, &flip(b, &size, &angle.quarter))
}

pub(super) fn cos(b: &mut Builder, x: &[Value]) -> Value {
    let angle = reduce(b, &x[0]);
    let size = select(&bit(b, &angle.quarter, 0), &angle.sin, &angle.cos);
    let next = &angle.quarter + &b.int(1);
    flip(b, &size, &next)
}

pub(super) fn tan(b: &mut Builder, x: &[Value]) -> Value {
    let x = &x[0];
    let angle = reduce(b, x);
    let odd = b.share("odd", bit(b, &angle.quarter, 0));
    let top = select(&odd, &-&angle.cos, &angle.sin);
    let bottom = select(&odd, &angle.sin, &angle.cos);
    select(&lt(&abs(x), &tiny(b)), x, &(top / bottom))
}
