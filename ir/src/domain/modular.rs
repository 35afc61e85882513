//! Arithmetic modulo the prime 2305835932605004801.
//!
//! The prime minus 1 is 2^10 3^3 5^2 7 11 13 17 19 23 29 31 499: so roots of unity exist for the lengths
//! of common transforms, and -1 and the primes up to 29 are squares.

/// The modulus.
pub(super) const PRIME: u64 = 2_305_835_932_605_004_801;

/// A generator of the multiplicative group.
const GENERATOR: u64 = 53;

/// Sum of two residues.
pub(super) fn add(a: u64, b: u64) -> u64 {
    // Two residues of 61 bits do not overflow.
    let sum = a + b;
    if sum >= PRIME { sum - PRIME } else { sum }
}

/// Negated residue.
pub(super) fn negate(a: u64) -> u64 {
    if a == 0 { 0 } else { PRIME - a }
}

/// Product of two residues.
pub(super) fn multiply(a: u64, b: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(PRIME)) as u64
}

/// Power with a non-negative exponent.
pub(super) fn power(base: u64, exponent: u64) -> u64 {
    let (mut square, mut rest, mut product) = (base, exponent, 1);
    while rest > 0 {
        if rest & 1 == 1 {
            product = multiply(product, square);
        }
        square = multiply(square, square);
        rest >>= 1;
    }
    product
}

/// Multiplicative inverse; `None` for 0.
pub(super) fn inverse(a: u64) -> Option<u64> {
    (a != 0).then(|| power(a, PRIME - 2))
}

/// The residue of an integer.
pub(super) fn from_i64(value: i64) -> u64 {
    i128::from(value).rem_euclid(i128::from(PRIME)) as u64
}

/// A square root by the algorithm of Tonelli and Shanks; the smaller of the two. `None` if `a` is not a square.
pub(super) fn square_root(a: u64) -> Option<u64> {
    if a == 0 {
        return Some(0);
    }
    if power(a, (PRIME - 1) / 2) != 1 {
        return None;
    }
    let mut order = (PRIME - 1).trailing_zeros();
    let odd = (PRIME - 1) >> order;
    let mut root_of_unity = power(GENERATOR, odd);
    let mut root = power(a, odd.div_ceil(2));
    let mut error = power(a, odd);
    while error != 1 {
        let (mut exponent, mut square) = (0, error);
        while square != 1 {
            square = multiply(square, square);
            exponent += 1;
        }
        let factor = power(root_of_unity, 1 << (order - exponent - 1));
        root = multiply(root, factor);
        root_of_unity = multiply(factor, factor);
        error = multiply(error, root_of_unity);
        order = exponent;
    }
    Some(root.min(negate(root)))
}

/// An element of multiplicative order exactly `n`; `None` if `n` does not divide the prime minus 1.
pub(super) fn primitive_root(n: u64) -> Option<u64> {
    (n != 0 && (PRIME - 1).is_multiple_of(n)).then(|| power(GENERATOR, (PRIME - 1) / n))
}

/// The fraction `u / v` with `|u|, v <= 2^24` that the residue is, if there is one.
pub(super) fn small_fraction(a: u64) -> Option<(i64, u64)> {
    const BOUND: i128 = 1 << 24;
    let (mut old, mut new) = ((i128::from(PRIME), 0i128), (i128::from(a), 1i128));
    // Extended Euclid; stops at the first remainder below the bound.
    while new.0 > BOUND {
        let quotient = old.0 / new.0;
        (old, new) = (new, (old.0 - quotient * new.0, old.1 - quotient * new.1));
    }
    let (numerator, denominator) = if new.1 < 0 { (-new.0, -new.1) } else { new };
    (denominator != 0 && denominator <= BOUND).then_some((numerator as i64, denominator as u64))
}

/// A fixed function of its arguments that looks random: stands for what is not algebraic.
pub(super) fn pseudo_random(seed: u64, a: u64, b: u64) -> u64 {
    // The finaliser of a 64-bit mixing generator, once per argument.
    let mix = |state: u64| {
        let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^ (state >> 31)
    };
    let step = 0x9e37_79b9_7f4a_7c15u64;
    let state = mix(seed.wrapping_add(1).wrapping_mul(step));
    let state = mix((state ^ a).wrapping_add(step));
    mix((state ^ b).wrapping_add(step)) % PRIME
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_generates() {
        for prime in [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 499] {
            assert_ne!(power(GENERATOR, (PRIME - 1) / prime), 1, "{prime}");
        }
        let product: u64 = [27, 25, 7, 11, 13, 17, 19, 23, 29, 31, 499].iter().product();
        assert_eq!(product << 10, PRIME - 1);
    }

    #[test]
    fn minus_one_and_small_primes_have_roots() {
        for a in [-1i64, 2, 3, 5, 7, 11, 13, 17, 19, 23, 29] {
            let residue = from_i64(a);
            let root = square_root(residue).unwrap_or_else(|| panic!("{a} has no root"));
            assert_eq!(multiply(root, root), residue);
        }
        assert_eq!(square_root(GENERATOR), None);
    }

    #[test]
    fn fractions_are_found_again() {
        for (u, v) in [(0, 1), (1, 1), (-3, 4), (22, 7), (-1, 16_000_000)] {
            let residue = multiply(from_i64(u), inverse(from_i64(v)).unwrap());
            assert_eq!(small_fraction(residue), Some((u, v as u64)));
        }
    }
}
