//! Fused multiply-add, correctly rounded on every machine.
//!
//! A machine without the instruction gets it in software, so that the portable kernels give the
//! same bits as all others. The software forms round once because the wide intermediate sum is
//! rounded to odd: a last bit that is set whenever something was lost cannot be mistaken for a tie.

/// `x * y + z`, rounded once.
#[inline(always)]
pub fn fma_f32(x: f32, y: f32, z: f32) -> f32 {
    #[cfg(all(feature = "std", any(target_feature = "fma", target_arch = "aarch64")))]
    return x.mul_add(y, z);
    #[cfg(not(all(feature = "std", any(target_feature = "fma", target_arch = "aarch64"))))]
    software_f32(x, y, z)
}

/// `x * y + z`, rounded once.
#[inline(always)]
pub fn fma_f64(x: f64, y: f64, z: f64) -> f64 {
    #[cfg(all(feature = "std", any(target_feature = "fma", target_arch = "aarch64")))]
    return x.mul_add(y, z);
    #[cfg(not(all(feature = "std", any(target_feature = "fma", target_arch = "aarch64"))))]
    software_f64(x, y, z)
}

/// The rounded sum and what the rounding lost, exactly (Knuth).
#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let part = sum - a;
    (sum, (a - (sum - part)) + (b - part))
}

/// `a + b` rounded to odd: inexact sums have their last bit set.
#[inline(always)]
fn sum_to_odd(a: f64, b: f64) -> f64 {
    let (sum, lost) = two_sum(a, b);
    let bits = sum.to_bits();
    if lost == 0.0 || bits & 1 == 1 || !lost.is_finite() {
        return sum;
    }
    // The neighbour on the side of what was lost: away from zero if both have the same sign.
    f64::from_bits(if (lost > 0.0) == (sum > 0.0) { bits + 1 } else { bits - 1 })
}

/// [`fma_f32`] without the instruction: the product is exact in binary64, whose 53 bits are more
/// than twice 24 plus two, so a sum rounded to odd rounds correctly to 24.
#[inline(never)]
pub fn software_f32(x: f32, y: f32, z: f32) -> f32 {
    sum_to_odd(f64::from(x) * f64::from(y), f64::from(z)) as f32
}

/// [`fma_f64`] without the instruction: Boldo and Melquiond's algorithm where nothing can overflow
/// or become subnormal, integers elsewhere.
#[inline(never)]
pub fn software_f64(x: f64, y: f64, z: f64) -> f64 {
    let exponent = |value: f64| ((value.to_bits() >> 52) & 0x7ff) as i32;
    let (ex, ey, ez) = (exponent(x), exponent(y), exponent(z));
    let product = ex + ey - 1023;
    let safe = |e: i32| (200..1800).contains(&e);
    if !(safe(ex) && safe(ey) && safe(product) && (ez == 0 && z == 0.0 || safe(ez))) {
        return exact_f64(x, y, z);
    }
    let (high, low) = two_product(x, y);
    let (sum_high, sum_low) = two_sum(z, low);
    let (top, rest) = two_sum(high, sum_high);
    top + sum_to_odd(sum_low, rest)
}

/// The rounded product and what the rounding lost, exactly (Dekker, with Veltkamp's splitting).
#[inline(always)]
fn two_product(x: f64, y: f64) -> (f64, f64) {
    let split = |value: f64| {
        let scaled = value * 134_217_729.0;
        let high = scaled - (scaled - value);
        (high, value - high)
    };
    let ((xh, xl), (yh, yl)) = (split(x), split(y));
    let product = x * y;
    (product, ((xh * yh - product) + xh * yl + xl * yh) + xl * yl)
}

/// The fused multiply-add by integer arithmetic: any finite operands, one rounding.
#[cold]
fn exact_f64(x: f64, y: f64, z: f64) -> f64 {
    if !x.is_finite() || !y.is_finite() || !z.is_finite() || x == 0.0 || y == 0.0 {
        // Infinities, NaN and zero products are exact in two roundings.
        return if x.is_finite() && y.is_finite() && !z.is_finite() { z } else { x * y + z };
    }
    // A value is mantissa * 2^exponent.
    let parts = |value: f64| {
        let bits = value.to_bits();
        let field = ((bits >> 52) & 0x7ff) as i32;
        let fraction = bits & ((1 << 52) - 1);
        if field == 0 { (fraction, -1074) } else { (fraction | 1 << 52, field - 1075) }
    };
    let (mx, ex) = parts(x);
    let (my, ey) = parts(y);
    let negative = x.is_sign_negative() != y.is_sign_negative();
    let mut a = (negative, u128::from(mx) * u128::from(my), ex + ey);
    if z == 0.0 {
        return round(a.0, a.1, a.2, false);
    }
    let (mz, ez) = parts(z);
    let mut b = (z.is_sign_negative(), u128::from(mz), ez);
    // Both mantissas to 126 bits at most, the larger exponent on top.
    let normalise = |term: &mut (bool, u128, i32)| {
        let shift = term.1.leading_zeros() as i32 - 2;
        term.1 <<= shift;
        term.2 -= shift;
    };
    normalise(&mut a);
    normalise(&mut b);
    if (a.2, a.1) < (b.2, b.1) {
        core::mem::swap(&mut a, &mut b);
    }
    let distance = (a.2 - b.2) as u32;
    // What is shifted out is remembered as a bit below the last one.
    let (low, sticky) =
        if distance >= 127 { (0, true) } else { (b.1 >> distance, b.1 & ((1_u128 << distance) - 1) != 0) };
    if a.0 == b.0 {
        round(a.0, a.1 + low, a.2, sticky)
    } else {
        let difference = a.1 - low - u128::from(sticky);
        if difference == 0 && !sticky {
            return 0.0;
        }
        round(a.0, difference, a.2, sticky)
    }
}

/// `mantissa * 2^exponent` (plus something below the last bit if `sticky`), rounded to nearest even.
fn round(negative: bool, mantissa: u128, exponent: i32, sticky: bool) -> f64 {
    let length = 128 - mantissa.leading_zeros() as i32;
    // The exponent of the last bit kept: 53 bits, or fewer at the bottom of the range.
    let last = (exponent + length - 53).max(-1074);
    let drop = last - exponent;
    let (mut kept, half, rest) = if drop <= 0 {
        (mantissa << (-drop) as u32, false, sticky)
    } else if drop > 127 {
        (0, false, true)
    } else {
        let kept = mantissa >> drop;
        let half = mantissa >> (drop - 1) & 1 == 1;
        (kept, half, sticky || mantissa & ((1_u128 << (drop - 1)) - 1) != 0)
    };
    if half && (rest || kept & 1 == 1) {
        kept += 1;
    }
    let kept = kept as u64;
    // A carry out of the mantissa counts up the exponent field by itself.
    let bits = if kept < 1 << 52 {
        kept
    } else {
        let field = (last + 1075) as u64 - 1;
        let bits = (field << 52) + kept;
        if bits >= 0x7ff << 52 { 0x7ff << 52 } else { bits }
    };
    f64::from_bits(bits | u64::from(negative) << 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    fn same(a: f64, b: f64) -> bool {
        a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
    }

    #[test]
    fn software_is_the_instruction() {
        let mut state = 0x9e37_79b9_7f4a_7c15;
        for turn in 0..2_000_000 {
            let mut x = f64::from_bits(random(&mut state));
            let mut y = f64::from_bits(random(&mut state));
            let mut z = f64::from_bits(random(&mut state));
            if turn % 2 == 0 {
                // Near cancellation and near ties: operands with few bits and close exponents.
                let few = |bits: u64| ((bits >> 40) as f64 - 8_388_608.0) * 2f64.powi((bits % 64) as i32);
                (x, y) = (few(x.to_bits()), few(y.to_bits()));
                z = if turn % 4 == 0 { few(z.to_bits()) } else { -x * y * (1.0 + f64::EPSILON) };
            }
            if turn % 16 == 1 {
                (x, y) = (x * 1e-160, f64::from_bits(y.to_bits() & !(1 << 62)));
            }
            assert!(
                same(software_f64(x, y, z), x.mul_add(y, z)),
                "{x:e} {y:e} {z:e}: {:e} {:e}",
                software_f64(x, y, z),
                x.mul_add(y, z)
            );
            assert!(same(exact_f64(x, y, z), x.mul_add(y, z)), "{x:e} {y:e} {z:e}");
            let (x, y, z) = (
                f32::from_bits(x.to_bits() as u32),
                f32::from_bits(y.to_bits() as u32),
                f32::from_bits(z.to_bits() as u32),
            );
            let (ours, theirs) = (software_f32(x, y, z), x.mul_add(y, z));
            assert!(
                ours.to_bits() == theirs.to_bits() || ours.is_nan() && theirs.is_nan(),
                "{x:e} {y:e} {z:e}"
            );
        }
    }
}
