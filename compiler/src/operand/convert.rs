//! Conversions between dtypes that lose nothing.

use half::{bf16, f16};
use std::borrow::Cow;
use tcc_ir::dtype::Kind;
use tcc_ir::{Array, Dtype};

/// Whether every value of `from` is a value of `to` of the same kind: f32 to f64, i32 to i64, u8 to any
/// integer, c64 to c128.
pub fn widens(from: Dtype, to: Dtype) -> bool {
    use Dtype::*;
    from == to
        || match from {
            U8 => to.is_int(),
            U32 | I32 => to == I64,
            F16 | BF16 => matches!(to, F32 | F64),
            F32 => to == F64,
            C64 => to == C128,
            Bool | I64 | F64 | C128 => false,
        }
}

/// The array with elements of `to`; `None` if [`widens`] says no, or memory is short.
pub fn widen(array: &Array, to: Dtype) -> Option<Cow<'_, Array>> {
    let from = array.dtype();
    if from == to {
        return Some(Cow::Borrowed(array));
    }
    if !widens(from, to) {
        return None;
    }
    let mut out = Array::zeros(to, array.shape())?;
    // Complex numbers are widened part by part.
    let (from_size, to_size) = (from.part().size_bytes(), to.part().size_bytes());
    let parts = array.bytes().chunks_exact(from_size).zip(out.bytes_mut().chunks_exact_mut(to_size));
    for (read, written) in parts {
        if to.kind() == Kind::Int {
            let bytes = integer(from, read).to_le_bytes();
            let mut bytes = bytes[..to_size].to_vec();
            if cfg!(target_endian = "big") {
                bytes.reverse();
            }
            written.copy_from_slice(&bytes);
        } else if to.part() == Dtype::F32 {
            written.copy_from_slice(&(float(from.part(), read) as f32).to_ne_bytes());
        } else {
            written.copy_from_slice(&float(from.part(), read).to_ne_bytes());
        }
    }
    Some(Cow::Owned(out))
}

/// The value of an element of an integer dtype or of bool.
pub fn integer(dtype: Dtype, bytes: &[u8]) -> i64 {
    match dtype {
        Dtype::Bool | Dtype::U8 => i64::from(bytes[0]),
        Dtype::U32 => bytes.try_into().map_or(0, |b| i64::from(u32::from_ne_bytes(b))),
        Dtype::I32 => bytes.try_into().map_or(0, |b| i64::from(i32::from_ne_bytes(b))),
        _ => bytes.try_into().map_or(0, i64::from_ne_bytes),
    }
}

/// The value of an element of a float dtype.
pub fn float(dtype: Dtype, bytes: &[u8]) -> f64 {
    match dtype {
        Dtype::F16 => bytes.try_into().map_or(0.0, |b| f16::from_ne_bytes(b).to_f64()),
        Dtype::BF16 => bytes.try_into().map_or(0.0, |b| bf16::from_ne_bytes(b).to_f64()),
        Dtype::F32 => bytes.try_into().map_or(0.0, |b| f64::from(f32::from_ne_bytes(b))),
        _ => bytes.try_into().map_or(0.0, f64::from_ne_bytes),
    }
}

/// The value of an element as a pair of f64 (imaginary part 0 for reals). Integers beyond 2^53 are
/// rounded.
pub fn number(dtype: Dtype, element: &[u8]) -> (f64, f64) {
    let part = dtype.part();
    match dtype.kind() {
        Kind::Bool | Kind::Int => (integer(dtype, element) as f64, 0.0),
        Kind::Float => (float(part, element), 0.0),
        Kind::Complex => {
            let (re, im) = element.split_at(part.size_bytes());
            (float(part, re), float(part, im))
        }
    }
}

/// Every element as [`number`] gives it.
pub fn numbers(array: &Array) -> impl Iterator<Item = (f64, f64)> + '_ {
    let dtype = array.dtype();
    array.bytes().chunks_exact(dtype.size_bytes()).map(move |element| number(dtype, element))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widening_keeps_every_value() {
        let array =
            Array::from_bytes(Dtype::I32, &[2], [(-5i32).to_ne_bytes(), 7i32.to_ne_bytes()].as_flattened());
        let wide = widen(array.as_ref().unwrap(), Dtype::I64).unwrap().into_owned();
        assert_eq!(numbers(&wide).collect::<Vec<_>>(), [(-5.0, 0.0), (7.0, 0.0)]);
        let array =
            Array::from_bytes(Dtype::C64, &[1], [1.5f32.to_ne_bytes(), (-2f32).to_ne_bytes()].as_flattened());
        let wide = widen(array.as_ref().unwrap(), Dtype::C128).unwrap().into_owned();
        assert_eq!(numbers(&wide).collect::<Vec<_>>(), [(1.5, -2.0)]);
    }

    #[test]
    fn nothing_that_loses_is_offered() {
        for (from, to) in [
            (Dtype::F64, Dtype::F32),
            (Dtype::I64, Dtype::I32),
            (Dtype::U32, Dtype::I32),
            (Dtype::I32, Dtype::F64),
            (Dtype::F32, Dtype::C64),
            (Dtype::BF16, Dtype::F16),
            (Dtype::Bool, Dtype::I64),
        ] {
            assert!(!widens(from, to), "{from} to {to}");
        }
    }
}
