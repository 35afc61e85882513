//! Tensors of an evaluator: elements in the numbers of a [`Domain`].

use crate::array::Array;
use crate::domain::{Domain, Value};
use crate::dtype::Dtype;
use crate::error::EvalError;
use crate::evaluate_scalar;

/// A dense row-major tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<D: Domain> {
    /// Element type of the program; the elements are its representatives in the domain.
    pub dtype: Dtype,
    /// Extents, outermost first.
    pub shape: Vec<usize>,
    /// Elements in row-major order.
    pub data: Vec<Value<D>>,
}

/// More bytes than any tensor of an evaluator may have.
pub const TENSOR_LIMIT: u128 = 1 << 32;

/// Number of elements of a shape, or an error if a tensor of `dtype` with it would exceed [`TENSOR_LIMIT`].
pub fn checked_elements(dtype: Dtype, shape: &[usize]) -> Result<usize, EvalError> {
    let elements = shape.iter().fold(1u128, |n, &extent| n.saturating_mul(extent as u128));
    let needed = elements.saturating_mul(dtype.size_bytes() as u128);
    match usize::try_from(elements) {
        Ok(elements) if needed <= TENSOR_LIMIT => Ok(elements),
        _ => Err(EvalError::Limit { needed, limit: TENSOR_LIMIT, unit: "bytes" }),
    }
}

impl<D: Domain> Tensor<D> {
    /// A tensor with every element `value`.
    pub fn full(dtype: Dtype, shape: &[usize], value: Value<D>) -> Result<Tensor<D>, EvalError> {
        let elements = checked_elements(dtype, shape)?;
        Ok(Tensor { dtype, shape: shape.to_vec(), data: vec![value; elements] })
    }

    /// A tensor of zeros.
    pub fn zeros(dtype: Dtype, shape: &[usize]) -> Result<Tensor<D>, EvalError> {
        Tensor::full(dtype, shape, evaluate_scalar::zero(dtype))
    }

    /// A tensor of one number.
    pub fn scalar(dtype: Dtype, value: Value<D>) -> Tensor<D> {
        Tensor { dtype, shape: Vec::new(), data: vec![value] }
    }

    /// A tensor from its elements in row-major order; `None` if their number does not match.
    pub fn from_values(dtype: Dtype, shape: &[usize], data: Vec<Value<D>>) -> Option<Tensor<D>> {
        let elements = checked_elements(dtype, shape).ok()?;
        (elements == data.len()).then(|| Tensor { dtype, shape: shape.to_vec(), data })
    }

    /// A float tensor from f64 numbers in row-major order, rounded as the domain does; complex dtypes get imaginary
    /// parts 0, integers are truncated. `None` if the number of elements does not match.
    pub fn from_f64s(dtype: Dtype, shape: &[usize], numbers: &[f64]) -> Option<Tensor<D>> {
        let value = |&x: &f64| evaluate_scalar::literal(crate::scalar::Literal::Real(x), dtype);
        Tensor::from_values(dtype, shape, numbers.iter().map(value).collect())
    }

    /// The elements of a native array as numbers of the domain.
    pub fn from_array(array: &Array) -> Tensor<D> {
        let dtype = array.dtype();
        let size = dtype.size_bytes();
        let data = array.bytes().chunks_exact(size).map(|bytes| read_element(dtype, bytes)).collect();
        Tensor { dtype, shape: array.shape().to_vec(), data }
    }

    /// The elements rounded to the dtype in a native array. Residues of the exact domain are written as
    /// the nearest float.
    pub fn to_array(&self) -> Result<Array, EvalError> {
        let needed = self.data.len() as u128 * self.dtype.size_bytes() as u128;
        let mut array = Array::zeros(self.dtype, &self.shape).ok_or(EvalError::Limit {
            needed,
            limit: isize::MAX as u128,
            unit: "bytes",
        })?;
        let size = self.dtype.size_bytes();
        for (bytes, &value) in array.bytes_mut().chunks_exact_mut(size).zip(&self.data) {
            write_element(self.dtype, value, bytes);
        }
        Ok(array)
    }

    /// Position of an element in `data`; `None` if the rank is wrong or an index is outside.
    pub fn offset(&self, indices: &[i64]) -> Option<usize> {
        if indices.len() != self.shape.len() {
            return None;
        }
        let mut offset = 0usize;
        for (&index, &extent) in indices.iter().zip(&self.shape) {
            let index = usize::try_from(index).ok().filter(|&index| index < extent)?;
            offset = offset * extent + index;
        }
        Some(offset)
    }

    /// The element at `indices`; `None` if there is none.
    pub fn get(&self, indices: &[i64]) -> Option<Value<D>> {
        self.offset(indices).and_then(|offset| self.data.get(offset).copied())
    }

    /// The real parts as f64, for reports and comparisons; bools are 0 and 1.
    pub fn to_f64s(&self) -> Vec<f64> {
        let number = |value: &Value<D>| match *value {
            Value::Bool(b) => f64::from(u8::from(b)),
            Value::Int(i) => i as f64,
            Value::Real(re) | Value::Complex(re, _) => D::to_f64(re),
        };
        self.data.iter().map(number).collect()
    }
}

/// The element of `dtype` with these native-endian bytes; absent bytes count as 0.
fn read_element<D: Domain>(dtype: Dtype, bytes: &[u8]) -> Value<D> {
    fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
        bytes.get(at..at + N).and_then(|part| part.try_into().ok()).unwrap_or([0; N])
    }
    let single = |at| D::from_f64(f64::from(f32::from_ne_bytes(part(bytes, at))), Dtype::F32);
    let double = |at| D::from_f64(f64::from_ne_bytes(part(bytes, at)), Dtype::F64);
    match dtype {
        Dtype::Bool => Value::Bool(part::<1>(bytes, 0) != [0]),
        Dtype::U8 => Value::Int(i64::from(u8::from_ne_bytes(part(bytes, 0)))),
        Dtype::U32 => Value::Int(i64::from(u32::from_ne_bytes(part(bytes, 0)))),
        Dtype::I32 => Value::Int(i64::from(i32::from_ne_bytes(part(bytes, 0)))),
        Dtype::I64 => Value::Int(i64::from_ne_bytes(part(bytes, 0))),
        Dtype::F16 => Value::Real(D::from_f64(half::f16::from_ne_bytes(part(bytes, 0)).to_f64(), dtype)),
        Dtype::BF16 => Value::Real(D::from_f64(half::bf16::from_ne_bytes(part(bytes, 0)).to_f64(), dtype)),
        Dtype::F32 => Value::Real(single(0)),
        Dtype::F64 => Value::Real(double(0)),
        Dtype::C64 => Value::Complex(single(0), single(4)),
        Dtype::C128 => Value::Complex(double(0), double(8)),
    }
}

/// Writes `value` as an element of `dtype`; values of another kind write nothing.
fn write_element<D: Domain>(dtype: Dtype, value: Value<D>, bytes: &mut [u8]) {
    fn put<const N: usize>(bytes: &mut [u8], at: usize, part: [u8; N]) {
        if let Some(slot) = bytes.get_mut(at..at + N) {
            slot.copy_from_slice(&part);
        }
    }
    let float = |value: D::Real, bytes: &mut [u8], at: usize| {
        let value = D::to_f64(value);
        match dtype.part() {
            Dtype::F16 => put(bytes, at, half::f16::from_f64(dtype.round(value)).to_ne_bytes()),
            Dtype::BF16 => put(bytes, at, half::bf16::from_f64(dtype.round(value)).to_ne_bytes()),
            Dtype::F32 => put(bytes, at, (value as f32).to_ne_bytes()),
            _ => put(bytes, at, value.to_ne_bytes()),
        }
    };
    match value {
        Value::Bool(b) => put(bytes, 0, [u8::from(b)]),
        Value::Int(i) => match dtype {
            Dtype::U8 => put(bytes, 0, (i as u8).to_ne_bytes()),
            Dtype::U32 | Dtype::I32 => put(bytes, 0, (i as u32).to_ne_bytes()),
            _ => put(bytes, 0, i.to_ne_bytes()),
        },
        Value::Real(re) => float(re, bytes, 0),
        Value::Complex(re, im) => {
            float(re, bytes, 0);
            float(im, bytes, dtype.part().size_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Native;

    #[test]
    fn every_dtype_survives_a_round_trip_through_bytes() {
        for &(dtype, _, size) in Dtype::TABLE {
            let mut array = Array::zeros(dtype, &[2, 3]).unwrap();
            for (position, byte) in array.bytes_mut().iter_mut().enumerate() {
                // Small exponents only: no NaN, whose bits may change; bools are 0 and 1.
                *byte = if dtype == Dtype::Bool { (position % 2) as u8 } else { (position * 7 % 60) as u8 };
            }
            let tensor = Tensor::<Native>::from_array(&array);
            assert_eq!(tensor.to_array().unwrap(), array, "{dtype} of {size} bytes");
        }
    }

    #[test]
    fn places_outside_have_no_offset() {
        let tensor = Tensor::<Native>::zeros(Dtype::I64, &[2, 3]).unwrap();
        assert_eq!(tensor.offset(&[1, 2]), Some(5));
        assert_eq!(tensor.offset(&[0, 3]), None);
        assert_eq!(tensor.offset(&[-1, 0]), None);
        assert_eq!(tensor.offset(&[0]), None);
    }

    #[test]
    fn huge_tensors_are_refused() {
        assert!(matches!(
            Tensor::<Native>::zeros(Dtype::F64, &[usize::MAX, usize::MAX]),
            Err(EvalError::Limit { .. })
        ));
    }
}
