//! The elements of compile-time constant tables, as they lie in memory.

use crate::BackendError;
use tcc_ir::evaluate_scalar::literal;
use tcc_ir::graph::Table;
use tcc_ir::loops::{Buffer, Role};
use tcc_ir::{Domain, Native, Tensor, Value};

/// The native-endian bytes of a table in row-major order; its extents must be constants.
pub(crate) fn bytes(buffer: &Buffer) -> Result<Vec<u8>, BackendError> {
    let unsupported =
        || BackendError::Unsupported { backend: "cranelift", what: format!("the table `{}`", buffer.name) };
    let Role::Table(table) = &buffer.role else { return Err(unsupported()) };
    let extent = |e: &tcc_ir::Extent| e.as_const().and_then(|n| usize::try_from(n).ok());
    let shape: Vec<usize> =
        buffer.extents.iter().map(extent).collect::<Option<_>>().ok_or_else(unsupported)?;
    let values = match (&**table, shape.as_slice()) {
        (Table::Literals(literals), _) => literals.iter().map(|&l| literal(l, buffer.dtype)).collect(),
        (Table::Dft, &[columns] | &[_, columns]) => {
            let part = buffer.dtype.part();
            let n = columns as i64;
            let root = |at: usize| {
                // One row alone is that of frequency 1.
                let row = if shape.len() == 1 { 1 } else { at / columns };
                let (k, x) = (row as i128, (at % columns) as i128);
                let turn = (k * x).rem_euclid(i128::from(n)) as i64;
                let root = Native::root_of_unity(turn, n, part);
                root.map(|(re, im)| Value::Complex(re, im)).map_err(|_| unsupported())
            };
            (0..shape.iter().product()).map(root).collect::<Result<Vec<Value<Native>>, _>>()?
        }
        (Table::Dft, _) => return Err(unsupported()),
    };
    let tensor = Tensor::<Native>::from_values(buffer.dtype, &shape, values).ok_or_else(unsupported)?;
    let array = tensor.to_array().map_err(|_| unsupported())?;
    Ok(array.bytes().to_vec())
}
