//! exp and its relatives, from `exp(x) = 2^n exp(r)` with `n` the nearest integer to `x / ln 2`.

use super::polynomials;
use super::value::{Builder, Value, abs, fma, from_bits, lt, select, shl, shr, to_bits};

/// `x` limited to `lo..=hi`; NaN stays.
pub(super) fn clamp(b: &mut Builder, x: &Value, lo: f64, hi: f64) -> Value {
    let (lo, hi) = (b.real(lo), b.real(hi));
    let raised = b.share("raised", select(&lt(x, &lo), &lo, x));
    b.share("clamped", select(&lt(&hi, &raised), &hi, &raised))
}

/// The smaller of `x` and `hi`; NaN stays.
pub(super) fn at_most(b: &mut Builder, x: &Value, hi: f64) -> Value {
    let hi = b.real(hi);
    b.share("clamped", select(&lt(&hi, x), &hi, x))
}

/// `x = n ln 2 + r` with `|r| <= ln 2 / 2`: returns `n` (integer) and `r`.
pub(super) fn reduce(b: &mut Builder, x: &Value) -> (Value, Value) {
    let zero = b.real(b.magic());
    let (n, pushed) = nearest_multiple(b, x, &zero);
    let n_int = b.share("n.int", to_bits(&pushed) - b.int(b.bits_of(b.magic())));
    (n_int, remainder(b, x, &n))
}

/// The same with `2^(n + k)` in place of `n`, which must be normal. `magic` is `Builder::magic` plus
/// the exponent field of `2^k`: it leaves the exponent field in the low bits, so that one shift makes
/// the power.
pub(super) fn reduce_to_power(b: &mut Builder, x: &Value, magic: &Value) -> (Value, Value) {
    let (n, pushed) = nearest_multiple(b, x, magic);
    let unit = from_bits(&shl(&to_bits(&pushed), &b.int(b.significand_bits())));
    let unit = b.share("unit", unit);
    (unit, remainder(b, x, &n))
}

/// The number of times that ln 2 goes into `x`: as a float, and in the low bits of a sum with `magic`.
fn nearest_multiple(b: &mut Builder, x: &Value, magic: &Value) -> (Value, Value) {
    let pushed = b.share("pushed", fma(x, &b.real(std::f64::consts::LOG2_E), magic));
    let n = b.share("n", &pushed - magic);
    (n, pushed)
}

fn remainder(b: &mut Builder, x: &Value, n: &Value) -> Value {
    let (hi, lo) = ln2(b);
    // n * hi is exact: hi has as many trailing zeros as n has bits.
    let r = fma(n, &b.real(-hi), x);
    b.share("r", fma(n, &b.real(-lo), &r))
}

/// ln 2 in two parts, the first of which can be multiplied by any exponent without rounding.
pub(super) fn ln2(b: &Builder) -> (f64, f64) {
    b.pick((0.693115234375, 3.194618329871446e-05), (0.6931471805592082, 7.371002565167799e-13))
}

/// `exp(r) - 1` for a reduced `r`.
pub(super) fn expm1_reduced(b: &mut Builder, r: &Value) -> Value {
    let q = b.short_polynomial(&polynomials::EXP, r);
    fma(&(r * r), &q, r)
}

/// `value * 2^n` in two steps, so that the result may be subnormal or overflow.
pub(super) fn scale(b: &mut Builder, value: &Value, n: &Value) -> Value {
    let half = b.share("half", shr(n, &b.int(1)));
    let rest = n - &half;
    value * &b.power_of_two(&half) * b.power_of_two(&rest)
}

/// Arguments beyond which exp is 0 and infinite.
fn exp_range(b: &Builder) -> (f64, f64) {
    b.pick((-104.0, 89.0), (-746.0, 710.0))
}

pub(super) fn exp(b: &mut Builder, x: &[Value]) -> Value {
    let (lo, hi) = exp_range(b);
    let x = clamp(b, &x[0], lo, hi);
    // The result may be subnormal, or beyond half of the largest power of 2. Which of the two is seen by
    // the sign, and so 2^n is a normal number times a constant.
    let negative = b.share("negative", lt(&x, &b.real(0.0)));
    let up = b.pick(64, 128);
    let magic = |exponent: i64| b.real(b.magic() + (b.bias() + exponent) as f64);
    let magic = select(&negative, &magic(up), &magic(-1));
    let magic = b.share("magic", magic);
    let rest = select(&negative, &b.real(0.5f64.powi(up as i32)), &b.real(2.0));
    let (unit, r) = reduce_to_power(b, &x, &magic);
    let e = expm1_reduced(b, &r);
    fma(&unit, &e, &unit) * rest
}

/// `exp(min(x, 0))`: the result is at most 1, so that one power of two keeps every step normal.
pub(super) fn exp_of_not_positive(b: &mut Builder, x: &[Value]) -> Value {
    let x = clamp(b, &x[0], exp_range(b).0, 0.0);
    let up = b.pick(64, 128);
    let magic = b.real(b.magic() + (b.bias() + up) as f64);
    let (unit, r) = reduce_to_power(b, &x, &magic);
    let e = expm1_reduced(b, &r);
    fma(&unit, &e, &unit) * b.real(0.5f64.powi(up as i32))
}

/// `(exp(x) - 1) / 2^places` for `x` such that `2^(n - places)` is normal.
fn expm1_scaled(b: &mut Builder, x: &Value, places: i64) -> Value {
    let magic = b.real(b.magic() + (b.bias() - places) as f64);
    let (unit, r) = reduce_to_power(b, x, &magic);
    let e = expm1_reduced(b, &r);
    let offset = b.real(0.5f64.powi(places as i32));
    fma(&unit, &e, &(&unit - &offset))
}

/// Magnitudes below which `f(x) = x` to the last place for the odd functions here.
pub(super) fn tiny(b: &Builder) -> Value {
    b.real(b.pick(2f64.powi(-13), 2f64.powi(-28)))
}

/// The same where the next term is the square: `expm1`, `log1p`.
pub(super) fn tiny_square(b: &Builder) -> Value {
    b.real(b.pick(2f64.powi(-26), 2f64.powi(-55)))
}

pub(super) fn expm1(b: &mut Builder, x: &[Value]) -> Value {
    let x = &x[0];
    let hi = exp_range(b).1;
    let clamped = clamp(b, x, b.pick(-18.0, -40.0), hi);
    let half = expm1_scaled(b, &clamped, 1);
    select(&lt(&abs(x), &tiny_square(b)), x, &(half * b.real(2.0)))
}

/// `(exp(|x|) - 1) / 2`, infinite only where the hyperbolic functions are.
fn half_expm1(b: &mut Builder, x: &Value) -> Value {
    let limit = b.pick(89.5, 711.0);
    let a = at_most(b, &abs(x), limit);
    let eighth = expm1_scaled(b, &a, 3);
    b.share("h", eighth * b.real(4.0))
}

pub(super) fn sinh(b: &mut Builder, x: &[Value]) -> Value {
    let x = &x[0];
    let h = half_expm1(b, x);
    // (exp(a) - exp(-a)) / 2 = h + h / (2 h + 1); the second term ends at 1/2.
    let rest = &h / &(&h * &b.real(2.0) + b.real(1.0));
    let rest = select(&lt(&h, &b.real(1e18)), &rest, &b.real(0.5));
    let size = &h + &rest;
    let signed = b.with_sign_of(&size, x);
    select(&lt(&abs(x), &tiny(b)), x, &signed)
}

pub(super) fn cosh(b: &mut Builder, x: &[Value]) -> Value {
    let h = half_expm1(b, &x[0]);
    let e = b.share("e", h + b.real(0.5));
    &e + &(b.real(0.25) / &e)
}

pub(super) fn tanh(b: &mut Builder, x: &[Value]) -> Value {
    let x = &x[0];
    // From here on the result is 1.
    let limit = b.pick(10.0, 22.0);
    let a = at_most(b, &abs(x), limit);
    let twice = b.share("twice", &a + &a);
    let half = expm1_scaled(b, &twice, 1);
    let half = b.share("h", half);
    // t = h / (h + 1) has the error of three roundings. Where h is small, h - h t has only one that counts,
    // and is x to the last place for the smallest numbers.
    let far = b.share("far", &half / &(&half + &b.real(1.0)));
    let near = fma(&half, &-&far, &half);
    let size = select(&lt(&a, &b.real(0.45)), &near, &far);
    b.with_sign_of(&size, x)
}
