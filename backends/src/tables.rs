//! The elements of compile-time constant tables, as they lie in memory.

use crate::BackendError;
use tcc_ir::graph::Table;
use tcc_ir::loops::{Buffer, Role};
use tcc_ir::scalar::Literal;
use tcc_ir::Dtype;

/// The native-endian bytes of a table in row-major order.
pub(crate) fn bytes(buffer: &Buffer) -> Result<Vec<u8>, BackendError> {
    let unsupported = |what: String| BackendError::Unsupported { backend: "cranelift", what };
    let Role::Table(table) = &buffer.role else {
        return Err(unsupported(format!("`{}` as a table", buffer.name)));
    };
    let mut bytes = Vec::new();
    match &**table {
        Table::Literals(literals) => {
            for literal in literals {
                push(&mut bytes, *literal, buffer.dtype);
            }
        }
        Table::Dft => return Err(unsupported("a Fourier matrix as a table".into())),
    }
    Ok(bytes)
}

fn push(bytes: &mut Vec<u8>, literal: Literal, dtype: Dtype) {
    match literal {
        Literal::Bool(value) => bytes.push(u8::from(value)),
        Literal::Int(value) => match dtype {
            Dtype::Bool | Dtype::U8 => bytes.push(value as u8),
            Dtype::U32 | Dtype::I32 => bytes.extend((value as u32).to_ne_bytes()),
            _ => bytes.extend(value.to_ne_bytes()),
        },
        Literal::Real(value) => real(bytes, value, dtype),
        Literal::Complex(re, im) => {
            real(bytes, re, dtype.part());
            real(bytes, im, dtype.part());
        }
    }
}

fn real(bytes: &mut Vec<u8>, value: f64, dtype: Dtype) {
    match dtype {
        Dtype::F16 => bytes.extend(half::f16::from_f64(value).to_bits().to_ne_bytes()),
        Dtype::BF16 => bytes.extend(half::bf16::from_f64(value).to_bits().to_ne_bytes()),
        Dtype::F32 => bytes.extend((value as f32).to_ne_bytes()),
        _ => bytes.extend(value.to_ne_bytes()),
    }
}
