//! How dtypes are represented in Cranelift: in memory, and as values.

use cranelift::codegen::ir::{Type, Value, types};
use tcc_ir::Dtype;

/// A scalar of the program as Cranelift values.
///
/// f16 and bf16 are widened: the value is an f32 that the narrow dtype can hold. bool is an i8 that
/// is 0 or 1. Integers have their own width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scalar {
    /// The value; of complex dtypes the real part.
    pub re: Value,
    /// The imaginary part of complex dtypes.
    pub im: Option<Value>,
}

impl Scalar {
    /// A value that is not complex.
    pub fn real(re: Value) -> Scalar {
        Scalar { re, im: None }
    }

    /// A complex value.
    pub fn complex(re: Value, im: Value) -> Scalar {
        Scalar { re, im: Some(im) }
    }

    /// The imaginary part; of a value that is not complex, the value (never asked for).
    pub fn im(self) -> Value {
        self.im.unwrap_or(self.re)
    }
}

/// The type of a value, or of each part of a complex value.
pub(super) fn value_type(dtype: Dtype) -> Type {
    match dtype {
        Dtype::Bool | Dtype::U8 => types::I8,
        Dtype::U32 | Dtype::I32 => types::I32,
        Dtype::I64 => types::I64,
        Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::C64 => types::F32,
        Dtype::F64 | Dtype::C128 => types::F64,
    }
}

/// The type of an element in memory, or of each part of a complex element.
pub(super) fn memory_type(dtype: Dtype) -> Type {
    match dtype {
        Dtype::F16 | Dtype::BF16 => types::I16,
        other => value_type(other),
    }
}

/// The vector type with 128 bits of these elements, for the dtypes that vectors compute in.
pub(super) fn vector_type(dtype: Dtype) -> Option<Type> {
    match dtype {
        Dtype::F32 => Some(types::F32X4),
        Dtype::F64 => Some(types::F64X2),
        Dtype::I32 => Some(types::I32X4),
        Dtype::I64 => Some(types::I64X2),
        Dtype::Bool | Dtype::U8 | Dtype::U32 | Dtype::F16 | Dtype::BF16 | Dtype::C64 | Dtype::C128 => None,
    }
}

/// Whether integers of the dtype are signed.
pub(super) fn is_signed(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::I32 | Dtype::I64)
}
