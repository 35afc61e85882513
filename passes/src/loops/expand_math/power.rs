//! pow: `exp(b log a)` with the logarithm in two parts, so that the error stays below the last place
//! after multiplication by a large exponent. f32 is computed in f64.

use super::exponential::{clamp, expm1_reduced, ln2, reduce, scale};
use super::logarithm::split_any;
use super::polynomials;
use super::value::{
    Builder, Value, abs, and, cast, eq, floor, fma, is_nan, lt, not, or, select, to_bits, with_flipped_sign,
};
use std::f64::consts::FRAC_1_SQRT_2;
use tcc_ir::Dtype;

/// A number as the unevaluated sum of a rounded value and its error.
struct Double {
    hi: Value,
    lo: Value,
}

/// `a + b` for |a| >= |b|.
fn ordered_sum(b: &mut Builder, x: &Value, y: &Value) -> Double {
    let y = &b.share("term", y.clone());
    let hi = b.share("sum", x + y);
    let lo = b.share("sum.low", y - &(&hi - x));
    Double { hi, lo }
}

fn product(b: &mut Builder, x: &Value, y: &Value) -> Double {
    let hi = b.share("product", x * y);
    let lo = b.product_error(x, y, &hi);
    Double { lo: b.share("product.low", lo), hi }
}

/// `log(a)` for positive finite `a`.
fn log_double(b: &mut Builder, a: &Value) -> Double {
    let (k, m) = split_any(b, a, FRAC_1_SQRT_2);
    let k = b.float_of(&k);
    let k = b.share("k.real", k);
    let one = b.real(1.0);
    // s = (m - 1) / (m + 1), and log(m) = 2 s + 2/3 s^3 + s^5 tail(s^2).
    let f = b.share("f", &m - &one);
    let below = b.share("below", &m + &one);
    let below_low = &m - &(&below - &one);
    let s = b.share("s", &f / &below);
    let rest = fma(&-&s, &below_low, &fma(&-&s, &below, &f));
    let s_low = b.share("s.low", rest / &below);

    let square = product(b, &s, &s);
    let square_low = b.share("z.low", fma(&(&s + &s), &s_low, &square.lo));
    let z = square.hi;
    let cube = product(b, &s, &z);
    let cube_low = fma(&s, &square_low, &fma(&s_low, &z, &cube.lo));
    let cube_low = b.share("cube.low", cube_low);
    let two_thirds = b.real(0.6666666666666666);
    let third = product(b, &cube.hi, &two_thirds);
    let third_low = fma(&cube.hi, &b.real(3.700743415417188e-17), &fma(&cube_low, &two_thirds, &third.lo));
    let tail = b.polynomial(&polynomials::LOG_TAIL, &z);
    let tail = fma(&(&cube.hi * &z), &tail, &third_low);

    let twice = b.share("s.2", &s + &s);
    let first = ordered_sum(b, &twice, &third.hi);
    let low = &first.lo + &(&(&s_low + &s_low) + &tail);
    let log_m = ordered_sum(b, &first.hi, &low);
    // k * hi is exact; it is 0 or larger than log(m).
    let (hi, lo) = ln2(b);
    let exponent = b.share("k.ln2", &k * &b.real(hi));
    let sum = ordered_sum(b, &exponent, &log_m.hi);
    let low = &sum.lo + &(&log_m.lo + &(&k * &b.real(lo)));
    ordered_sum(b, &sum.hi, &low)
}

pub(super) fn pow(b: &mut Builder, operands: &[Value]) -> Value {
    if b.dtype == Dtype::F32 {
        let wide = [cast(&operands[0], Dtype::F64), cast(&operands[1], Dtype::F64)];
        b.dtype = Dtype::F64;
        let (x, y) = (b.share("x", wide[0].clone()), b.share("y", wide[1].clone()));
        let value = pow(b, &[x, y]);
        b.dtype = Dtype::F32;
        return cast(&value, Dtype::F32);
    }
    let (x, y) = (&operands[0], &operands[1]);
    let (zero, one) = (b.real(0.0), b.real(1.0));
    let infinity = b.real(f64::INFINITY);
    let a = b.share("a", abs(x));
    let log = log_double(b, &a);
    let exponent = b.share("e", y * &log.hi);
    let low = b.product_error(y, &log.hi, &exponent);
    let low = fma(y, &log.lo, &low);
    let size = abs(&exponent);
    let low = select(&lt(&size, &b.real(800.0)), &low, &zero);
    let low = b.share("e.low", low);
    let clamped = clamp(b, &exponent, -746.0, 710.0);
    let (n, r) = reduce(b, &clamped);
    let r = b.share("r.low", r + low);
    let value = expm1_reduced(b, &r) + &one;
    let value = scale(b, &value, &n);

    // Where a is 0 or infinite, or y is infinite, the result is 0, 1 or infinite.
    let edge = or(&eq(&a, &zero), &or(&eq(&a, &infinity), &eq(&abs(y), &infinity)));
    let grows = eq_bool(&lt(&one, &a), &lt(&zero, y));
    let value = select(&edge, &select(&grows, &infinity, &zero), &value);
    let value = select(&eq(&a, &one), &one, &value);

    // The sign of a negative base: kept by odd powers, undefined for fractions.
    let whole = b.share("whole", eq(&floor(y), y));
    let half = y * &b.real(0.5);
    let half = b.share("y.half", half);
    let odd =
        and(&whole, &and(&not(&eq(&floor(&half), &half)), &lt(&abs(y), &b.real(9_007_199_254_740_992.0))));
    let negative = b.share("negative", lt(&to_bits(x), &b.int(0)));
    let value = b.share("value", value);
    let flipped = with_flipped_sign(&value, &and(&negative, &odd));
    let fraction = and(&and(&lt(x, &zero), &lt(&a, &infinity)), &not(&whole));
    let undefined = or(&fraction, &or(&is_nan(x), &is_nan(y)));
    let value = select(&undefined, &b.real(f64::NAN), &flipped);
    select(&or(&eq(y, &zero), &eq(x, &one)), &one, &value)
}

/// Whether both conditions hold or neither.
fn eq_bool(a: &Value, b: &Value) -> Value {
    or(&and(a, b), &and(&not(a), &not(b)))
}
