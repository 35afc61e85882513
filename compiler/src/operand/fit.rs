//! Whether what is given fits the declaration of an operand, and what to say where it does not.

use super::convert;
use super::generate::fill;
use crate::binding_error::axes;
use crate::compiler::Number;
use crate::error::{Error, Result};
use tcc_frontend::diagnostic::{Code, Diagnostic};
use tcc_ir::dtype::Kind;
use tcc_ir::graph::Input;
use tcc_ir::{Array, Dtype};

/// A 0-d operand given as a number, which was written as `word`.
pub fn number(input: &Input, number: Number, word: &str) -> Result<Array> {
    if !input.ty.axes.is_empty() {
        return Err(rank(input, &[], None));
    }
    let dtype = input.ty.dtype;
    let integer = number.to_integer();
    if matches!(dtype.kind(), Kind::Int | Kind::Bool) && integer.is_none_or(|i| dtype.wrap(i) != i) {
        let message = format!("{word} is no value of `{}`, which is {dtype}", input.name);
        let help = match dtype {
            Dtype::Bool => "give true or false".to_owned(),
            _ if integer.is_none() && number.to_f64().fract() != 0.0 => {
                format!("give a whole number, or declare `{}` as a float", input.name)
            }
            _ => format!("declare `{}` with a type that has this value", input.name),
        };
        return Err(Diagnostic::new(Code::OperandDtype, message).help(help).into());
    }
    let array = match integer {
        // Beyond 2^53 an f64 is not exact.
        Some(value) if dtype == Dtype::I64 => Array::from_bytes(dtype, &[], &value.to_ne_bytes()),
        _ => fill(dtype, &[], &mut || (number.to_f64(), 0.0)),
    };
    array.ok_or_else(|| Error::Bug("a number has no bytes".into()))
}

/// Checks rank and dtype of given data; widens what loses nothing. `source` is the file they are from.
pub fn fit(input: &Input, array: Array, source: Option<String>) -> Result<Array> {
    if array.shape().len() != input.ty.axes.len() {
        return Err(rank(input, array.shape(), source));
    }
    let (from, to) = (array.dtype(), input.ty.dtype);
    match convert::widen(&array, to) {
        Some(std::borrow::Cow::Owned(wide)) => Ok(wide),
        Some(std::borrow::Cow::Borrowed(_)) => Ok(array),
        None => {
            let data = the_data(source);
            let message = format!("`{}` is declared {to}, but {data} are {from}", input.name);
            let help = match (from, to) {
                (Dtype::F64, Dtype::F32 | Dtype::F16 | Dtype::BF16) | (Dtype::C128, Dtype::C64) => {
                    format!(
                        "declare `{}` as {from}, run everything in double precision with --type f64, or store the data as {to}",
                        input.name
                    )
                }
                _ => format!("declare `{}` as {from}, or store the data as {to}", input.name),
            };
            Err(Diagnostic::new(Code::OperandDtype, message).help(help).into())
        }
    }
}

/// `the data`, or `the data in a.npy`.
fn the_data(source: Option<String>) -> String {
    source.map_or_else(|| "the data".into(), |source| format!("the data in {source}"))
}

/// Another number of axes than declared: `shape`.
pub fn rank(input: &Input, shape: &[usize], source: Option<String>) -> Error {
    let name = &input.name;
    let extents: Vec<String> = input.ty.axes.iter().map(|axis| axis.extent.to_string()).collect();
    let declared = match extents.len() {
        0 => "as one number".to_owned(),
        count => format!("with {} [{}]", axes(count), extents.join(", ")),
    };
    let found = match shape.len() {
        0 => "are one number".to_owned(),
        count => format!("have {}: {shape:?}", axes(count)),
    };
    let message = format!("`{name}` is declared {declared}, but {} {found}", the_data(source));
    let help = match extents.len() {
        0 => format!("give one number: {name}=VALUE"),
        count => format!(
            "give data with {}, such as {name}={}, or declare another shape",
            axes(count),
            example(count)
        ),
    };
    Diagnostic::new(Code::OperandRank, message).help(help).into()
}

/// Made-up data with as many axes: `rand:4x4`.
pub fn example(count: usize) -> String {
    if count == 0 { "1".into() } else { format!("rand:{}", vec!["4"; count].join("x")) }
}

/// The value of a 0-d array.
pub fn scalar(name: &str, array: &Array) -> Result<Number> {
    let wrong = |code, message: String| {
        Err(Diagnostic::new(code, message).help(format!("write {name}=VALUE")).into())
    };
    if !array.shape().is_empty() {
        let message = format!("`{name}` is one number, but the data have the shape {:?}", array.shape());
        return wrong(Code::OperandRank, message);
    }
    match array.dtype().kind() {
        Kind::Bool | Kind::Int => Ok(Number::Integer(convert::integer(array.dtype(), array.bytes()))),
        Kind::Float => Ok(Number::Real(convert::float(array.dtype(), array.bytes()))),
        Kind::Complex => wrong(
            Code::OperandDtype,
            format!("`{name}` is a real number, but the data are {}", array.dtype()),
        ),
    }
}
