//! log and its relatives, from `log(x) = k ln 2 + log(1 + f)` with `1 + f` between sqrt(1/2) and sqrt(2).

use super::exponential::{ln2, tiny, tiny_square};
use super::polynomials;
use super::value::{Builder, Value, abs, and, eq, fma, from_bits, lt, select, shl, shr, sqrt, to_bits};
use std::f64::consts::{FRAC_1_SQRT_2, LN_2, SQRT_2};

/// A positive normal number as `2^k m` with `m` in `least..2 least`: `k` (integer) and `m`.
pub(super) fn split(b: &mut Builder, x: &Value, least: f64) -> (Value, Value) {
    let places = b.int(b.significand_bits());
    let bits = b.share("bits", to_bits(x));
    let k = b.share("k", shr(&(&bits - &b.int(b.bits_of(least))), &places));
    let m = b.share("m", from_bits(&(&bits - &shl(&k, &places))));
    (k, m)
}

/// A positive number, scaled up if it is subnormal, as `2^k m`.
pub(super) fn split_any(b: &mut Builder, x: &Value, least: f64) -> (Value, Value) {
    // A multiple of 3, for the cube root.
    let up = b.pick(24, 54);
    let small = b.share("small", lt(x, &b.real(b.pick(f64::from(f32::MIN_POSITIVE), f64::MIN_POSITIVE))));
    let scaled = x * &b.real(2f64.powi(up));
    let normal = b.share("normal", select(&small, &scaled, x));
    let (k, m) = split(b, &normal, least);
    let k = b.share("exponent", k - select(&small, &b.int(i64::from(up)), &b.int(0)));
    (k, m)
}

/// `k ln 2 + log(1 + f) + c`, with `c` far below the last place of `f`.
fn sum(b: &mut Builder, k: &Value, f: &Value, c: &Value) -> Value {
    let s = b.share("s", f / &(f + &b.real(2.0)));
    let z = b.share("z", &s * &s);
    let tail = &z * &b.short_polynomial(&polynomials::LOG, &z);
    let square = b.share("square", f * &(f * &b.real(0.5)));
    let (hi, lo) = ln2(b);
    let low = fma(k, &b.real(lo), c);
    let correction = fma(&s, &(&square + &tail), &low);
    fma(k, &b.real(hi), &(f - &(&square - &correction)))
}

pub(super) fn log(b: &mut Builder, x: &[Value]) -> Value {
    let x = &x[0];
    let (k, m) = split_any(b, x, FRAC_1_SQRT_2);
    let f = b.share("f", m - b.real(1.0));
    let k = b.float_of(&k);
    let k = b.share("k.real", k);
    let value = sum(b, &k, &f, &b.real(0.0));
    edges(b, x, &b.real(0.0), &value)
}

/// `value` where `x` is between `pole` and infinity; the logarithm's values elsewhere.
fn edges(b: &mut Builder, x: &Value, pole: &Value, value: &Value) -> Value {
    let inside = select(&lt(x, &b.real(f64::INFINITY)), value, x);
    let at_pole = select(&eq(x, pole), &b.real(f64::NEG_INFINITY), &inside);
    select(&lt(x, pole), &b.real(f64::NAN), &at_pole)
}

pub(super) fn log1p(b: &mut Builder, x: &[Value]) -> Value {
    let x = &x[0];
    let one = b.real(1.0);
    let near = and(&lt(&b.real(FRAC_1_SQRT_2 - 1.0), x), &lt(x, &b.real(SQRT_2 - 1.0)));
    let near = b.share("near", near);
    let u = b.share("u", x + &one);
    let (k, m) = split(b, &u, FRAC_1_SQRT_2);
    // What rounding 1 + x lost.
    let lost = select(&lt(&one, x), &(&one - &(&u - x)), &(x - &(&u - &one)));
    let zero = b.real(0.0);
    let c = b.share("c", select(&near, &zero, &(lost / &u)));
    let f = b.share("f", select(&near, x, &(m - &one)));
    let k = b.float_of(&k);
    let k = b.share("k.real", select(&near, &zero, &k));
    let value = sum(b, &k, &f, &c);
    let value = edges(b, x, &b.real(-1.0), &value);
    select(&lt(&abs(x), &tiny_square(b)), x, &value)
}

/// Beyond this the inverse hyperbolic functions are `log(2 x)`.
fn large(b: &Builder) -> Value {
    b.real(b.pick(2f64.powi(30), 2f64.powi(200)))
}

/// `log1p(w)`, or `log(2 a)` where `a` is large.
fn log_of_sum(b: &mut Builder, a: &Value, w: &Value) -> Value {
    let is_large = b.share("large", lt(&large(b), a));
    let argument = b.share("w", select(&is_large, a, w));
    log1p(b, &[argument]) + select(&is_large, &b.real(LN_2), &b.real(0.0))
}

pub(super) fn asinh(b: &mut Builder, x: &[Value]) -> Value {
    let x = &x[0];
    let a = b.share("a", abs(x));
    let square = b.share("square", &a * &a);
    let one = b.real(1.0);
    let w = &a + &(&square / &(&one + &sqrt(&(&square + &one))));
    let size = log_of_sum(b, &a, &w);
    let signed = b.with_sign_of(&size, x);
    select(&lt(&a, &tiny(b)), x, &signed)
}

pub(super) fn acosh(b: &mut Builder, x: &[Value]) -> Value {
    let x = &x[0];
    let t = b.share("t", x - &b.real(1.0));
    let w = &t + &sqrt(&fma(&t, &t, &(&t + &t)));
    let value = log_of_sum(b, x, &w);
    select(&lt(x, &b.real(1.0)), &b.real(f64::NAN), &value)
}

pub(super) fn atanh(b: &mut Builder, x: &[Value]) -> Value {
    let x = &x[0];
    let a = b.share("a", abs(x));
    let twice = b.share("twice", &a + &a);
    let w = fma(&twice, &(&a / &(b.real(1.0) - &a)), &twice);
    let w = b.share("w", w);
    let size = log1p(b, &[w]) * b.real(0.5);
    // Beyond 1 the rounded `w` may come out as anything.
    let size = select(&lt(&b.real(1.0), &a), &b.real(f64::NAN), &size);
    let signed = b.with_sign_of(&size, x);
    select(&lt(&a, &tiny(b)), x, &signed)
}
