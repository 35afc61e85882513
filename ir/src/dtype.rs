//! Element types of tensors.

use std::fmt;
use std::str::FromStr;

/// The element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dtype {
    /// Truth value, one byte, 0 or 1.
    Bool,
    /// Unsigned 8-bit integer, wraps.
    U8,
    /// Unsigned 32-bit integer, wraps.
    U32,
    /// Signed 32-bit integer, wraps.
    I32,
    /// Signed 64-bit integer, wraps.
    I64,
    /// IEEE binary16.
    F16,
    /// The upper half of an IEEE binary32.
    BF16,
    /// IEEE binary32.
    F32,
    /// IEEE binary64.
    F64,
    /// Pair of [`Dtype::F32`]: real part, imaginary part.
    C64,
    /// Pair of [`Dtype::F64`]: real part, imaginary part.
    C128,
}

/// What a dtype counts in; ordered by inclusion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Truth values.
    Bool,
    /// Integers.
    Int,
    /// Floating-point numbers, standing for the reals.
    Float,
    /// Pairs of floating-point numbers, standing for the complex numbers.
    Complex,
}

impl Dtype {
    /// All dtypes with their names in text form and their sizes in bytes.
    pub const TABLE: &'static [(Dtype, &'static str, usize)] = &[
        (Dtype::Bool, "bool", 1),
        (Dtype::U8, "u8", 1),
        (Dtype::U32, "u32", 4),
        (Dtype::I32, "i32", 4),
        (Dtype::I64, "i64", 8),
        (Dtype::F16, "f16", 2),
        (Dtype::BF16, "bf16", 2),
        (Dtype::F32, "f32", 4),
        (Dtype::F64, "f64", 8),
        (Dtype::C64, "c64", 8),
        (Dtype::C128, "c128", 16),
    ];

    /// The name in every text form: `f32`, `i64`, ...
    pub fn name(self) -> &'static str {
        Self::TABLE[self as usize].1
    }

    /// Size of one element in bytes.
    pub fn size_bytes(self) -> usize {
        Self::TABLE[self as usize].2
    }

    /// Whether the dtype counts truth values, integers, reals or complex numbers.
    pub fn kind(self) -> Kind {
        match self {
            Dtype::Bool => Kind::Bool,
            Dtype::U8 | Dtype::U32 | Dtype::I32 | Dtype::I64 => Kind::Int,
            Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64 => Kind::Float,
            Dtype::C64 | Dtype::C128 => Kind::Complex,
        }
    }

    /// `true` for the integer dtypes (not for `bool`).
    pub fn is_int(self) -> bool {
        self.kind() == Kind::Int
    }

    /// `true` for f16, bf16, f32 and f64.
    pub fn is_float(self) -> bool {
        self.kind() == Kind::Float
    }

    /// `true` for c64 and c128.
    pub fn is_complex(self) -> bool {
        self.kind() == Kind::Complex
    }

    /// The dtype of the parts of a complex dtype; every other dtype is its own part.
    pub fn part(self) -> Dtype {
        match self {
            Dtype::C64 => Dtype::F32,
            Dtype::C128 => Dtype::F64,
            Dtype::Bool
            | Dtype::U8
            | Dtype::U32
            | Dtype::I32
            | Dtype::I64
            | Dtype::F16
            | Dtype::BF16
            | Dtype::F32
            | Dtype::F64 => self,
        }
    }

    /// Wraps `value` to the range of an integer dtype (two's complement); identity for the others.
    pub fn wrap(self, value: i64) -> i64 {
        match self {
            Dtype::U8 => i64::from(value as u8),
            Dtype::U32 => i64::from(value as u32),
            Dtype::I32 => i64::from(value as i32),
            Dtype::Bool
            | Dtype::I64
            | Dtype::F16
            | Dtype::BF16
            | Dtype::F32
            | Dtype::F64
            | Dtype::C64
            | Dtype::C128 => value,
        }
    }

    /// Rounds `value` to the nearest number of a float dtype (or of the parts of a complex dtype);
    /// identity for the others.
    pub fn round(self, value: f64) -> f64 {
        match self {
            Dtype::F16 => half::f16::from_f32(round_to_odd(value)).to_f64(),
            Dtype::BF16 => half::bf16::from_f32(round_to_odd(value)).to_f64(),
            Dtype::F32 | Dtype::C64 => f64::from(value as f32),
            Dtype::Bool | Dtype::U8 | Dtype::U32 | Dtype::I32 | Dtype::I64 | Dtype::F64 | Dtype::C128 => {
                value
            }
        }
    }
}

/// Rounds to an f32 such that a later rounding to a narrower float gives what one rounding would: if
/// inexact, to the neighbour whose last bit is 1.
fn round_to_odd(value: f64) -> f32 {
    let nearest = value as f32;
    if f64::from(nearest) == value || !nearest.is_finite() || nearest.to_bits() & 1 == 1 {
        return nearest;
    }
    if value > f64::from(nearest) { nearest.next_up() } else { nearest.next_down() }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Dtype {
    type Err = ();

    fn from_str(text: &str) -> Result<Dtype, ()> {
        Self::TABLE.iter().find(|row| row.1 == text).map(|row| row.0).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_indexed_by_the_enum() {
        for (index, row) in Dtype::TABLE.iter().enumerate() {
            assert_eq!(row.0 as usize, index);
            assert_eq!(row.1.parse(), Ok(row.0));
        }
    }

    #[test]
    fn halves_round_once() {
        // Just above the middle of two neighbours: rounding through f32 would fall back to the even one.
        let (unit, tiny) = (2f64.powi(-10), 2f64.powi(-40));
        assert_eq!(Dtype::F16.round(1.0 + unit / 2.0), 1.0);
        assert_eq!(Dtype::F16.round(1.0 + unit / 2.0 + tiny), 1.0 + unit);
        assert_eq!(Dtype::BF16.round(-(1.0 + 2f64.powi(-8) + tiny)), -(1.0 + 2f64.powi(-7)));
        assert_eq!(Dtype::F16.round(1e300), f64::INFINITY);
        assert!(Dtype::BF16.round(f64::NAN).is_nan());
    }
}
