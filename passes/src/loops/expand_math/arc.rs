//! The inverse trigonometric functions.

use super::exponential::tiny;
use super::polynomials;
use super::value::{Builder, Value, abs, eq, fma, is_nan, le, lt, or, select, sqrt, to_bits};

/// pi/2 in two parts.
fn half_pi(b: &Builder) -> (f64, f64) {
    b.pick((1.5707963705062866, -4.371138828673793e-08), (std::f64::consts::FRAC_PI_2, 6.123233995736766e-17))
}

/// tan(pi/8): beyond it the angle is measured from pi/4.
const EIGHTH: f64 = std::f64::consts::SQRT_2 - 1.0;

/// `atan(t) - t` for |t| <= tan(pi/8).
fn atan_tail(b: &mut Builder, t: &Value) -> Value {
    let z = b.share("z", t * t);
    t * &(&z * &b.short_polynomial(&polynomials::ATAN, &z))
}

pub(super) fn atan(b: &mut Builder, x: &[Value]) -> Value {
    let x = &x[0];
    let a = b.share("a", abs(x));
    let one = b.real(1.0);
    let zero = b.real(0.0);
    // atan(a) = base + atan(top / bottom), with the base 0, pi/4 or pi/2.
    let middle = b.share("middle", lt(&b.real(EIGHTH), &a));
    let far = b.share("far", lt(&b.real(1.0 / EIGHTH), &a));
    let top = select(&far, &b.real(-1.0), &select(&middle, &(&a - &one), &a));
    let bottom = select(&far, &a, &select(&middle, &(&a + &one), &one));
    let t = b.share("t", top / bottom);
    let (hi, lo) = half_pi(b);
    let base = select(&far, &b.real(hi), &select(&middle, &b.real(hi / 2.0), &zero));
    let base_low = select(&far, &b.real(lo), &select(&middle, &b.real(lo / 2.0), &zero));
    let tail = atan_tail(b, &t);
    let size = base + (&t + &(tail + base_low));
    let signed = b.with_sign_of(&size, x);
    select(&lt(&a, &tiny(b)), x, &signed)
}

pub(super) fn atan2(b: &mut Builder, operands: &[Value]) -> Value {
    let (y, x) = (&operands[0], &operands[1]);
    let (ay, ax) = (b.share("ay", abs(y)), b.share("ax", abs(x)));
    let steep = b.share("steep", lt(&ax, &ay));
    // Scaled so that the sum of both is finite.
    let large = b.real(b.pick(2f64.powi(100), 2f64.powi(1000)));
    let longest = select(&steep, &ay, &ax);
    let down = b.real(b.pick(2f64.powi(-4), 2f64.powi(-4)));
    let factor = b.share("factor", select(&lt(&large, &longest), &down, &b.real(1.0)));
    let long = b.share("long", &longest * &factor);
    let short = b.share("short", &select(&steep, &ax, &ay) * &factor);
    let middle = b.share("middle", lt(&(&long * &b.real(EIGHTH)), &short));
    let top = select(&middle, &(&short - &long), &short);
    let bottom = select(&middle, &(&short + &long), &long);
    let same = eq(&short, &long);
    let zero = b.real(0.0);
    // Both 0 or both infinite: 0/0 is taken as 0, inf/inf as 1.
    let t = b.share("t", select(&same, &zero, &(top / bottom)));
    let both_zero = b.share("both_zero", eq(&long, &zero));
    let (hi, lo) = half_pi(b);
    let eighth =
        select(&both_zero, &zero, &select(&middle_or_same(&middle, &same), &b.real(hi / 2.0), &zero));
    let eighth_low =
        select(&both_zero, &zero, &select(&middle_or_same(&middle, &same), &b.real(lo / 2.0), &zero));
    let tail = atan_tail(b, &t);
    // The angle is base + rest in the first eighth; mirrored at pi/4 if steep, at pi/2 if x < 0.
    let base = b.share("base", eighth);
    let rest = b.share("rest", &t + &(tail + eighth_low));
    let quarter = b.real(hi);
    let base = b.share("base.steep", select(&steep, &(&quarter - &base), &base));
    let rest = b.share("rest.steep", select(&steep, &(b.real(lo) - &rest), &rest));
    let negative = b.share("negative", lt(&to_bits(x), &b.int(0)));
    let base = select(&negative, &(b.real(2.0 * hi) - &base), &base);
    let rest = select(&negative, &(b.real(2.0 * lo) - &rest), &rest);
    let size = base + rest;
    let signed = b.with_sign_of(&size, y);
    select(&or(&is_nan(x), &is_nan(y)), &b.real(f64::NAN), &signed)
}

fn middle_or_same(middle: &Value, same: &Value) -> Value {
    or(middle, same)
}

/// What asin and acos share: `tail = asin(s) - s` for `s = |x|` up to 1/2 and `s = sqrt((1 - |x|) / 2)`
/// beyond, where the error of the root is included.
struct Arc {
    outer: Value,
    s: Value,
    tail: Value,
}

fn arc(b: &mut Builder, x: &Value) -> Arc {
    let a = b.share("a", abs(x));
    let outer = b.share("outer", lt(&b.real(0.5), &a));
    let rest = b.share("rest", (b.real(1.0) - &a) * b.real(0.5));
    let root = b.share("root", sqrt(&rest));
    let z = b.share("z", select(&outer, &rest, &(&a * &a)));
    let s = b.share("s", select(&outer, &root, &a));
    let lost = fma(&-&root, &root, &rest) / (&root + &root);
    let zero = b.real(0.0);
    let known = le(&root, &zero);
    let lost = select(&or(&known, &not_outer(b, &outer)), &zero, &lost);
    let polynomial = b.short_polynomial(&polynomials::ASIN, &z);
    let tail = b.share("tail", fma(&s, &(&z * &polynomial), &lost));
    Arc { outer, s, tail }
}

fn not_outer(_: &Builder, outer: &Value) -> Value {
    super::value::not(outer)
}

pub(super) fn asin(b: &mut Builder, x: &[Value]) -> Value {
    let x = &x[0];
    let Arc { outer, s, tail } = arc(b, x);
    let (hi, lo) = half_pi(b);
    let two = b.real(2.0);
    // pi/2 - 2 (s + tail), from pi/4 so that the first difference is exact.
    let quarter = b.real(hi / 2.0);
    let far = &quarter - &(&(&two * &tail) - &b.real(lo) - (&quarter - &(&two * &s)));
    let size = select(&outer, &far, &(&s + &tail));
    let signed = b.with_sign_of(&size, x);
    select(&lt(&abs(x), &tiny(b)), x, &signed)
}

pub(super) fn acos(b: &mut Builder, x: &[Value]) -> Value {
    let x = &x[0];
    let Arc { outer, s, tail } = arc(b, x);
    let (hi, lo) = half_pi(b);
    let two = b.real(2.0);
    let negative = b.share("negative", lt(x, &b.real(0.0)));
    let (hi, lo) = (b.real(hi), b.real(lo));
    let inner_plus = &hi + &(&s + &(&tail + &lo));
    let inner_minus = &hi - &(&s + &(&tail - &lo));
    let inner = select(&negative, &inner_plus, &inner_minus);
    let doubled = b.share("doubled", &two * &(&s + &tail));
    let far = select(&negative, &((&hi - &(&s + &(&tail - &lo))) * &two), &doubled);
    select(&outer, &far, &inner)
}
