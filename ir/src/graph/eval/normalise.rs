//! Softmax and logsumexp.

use super::Layout;
use crate::axis::Name;
use crate::domain::{Domain, Value};
use crate::dtype::Dtype;
use crate::error::EvalError;
use crate::graph::NormaliseOp;
use crate::scalar::ScalarOp;

/// Normalises `values` along `axes`; the result is in the layout `to`.
pub(super) fn evaluate<D: Domain>(
    op: NormaliseOp,
    axes: &[Name],
    dtype: Dtype,
    (from, values): (&Layout, &[Value<D>]),
    to: &Layout,
) -> Result<Vec<Value<D>>, EvalError> {
    let (along, kept): (Vec<_>, Vec<_>) = from.0.iter().cloned().partition(|(name, _)| axes.contains(name));
    let mut listed = along;
    listed.sort_by_key(|(name, _)| axes.iter().position(|axis| axis == name));
    let (rows, columns) = (from.offsets(&kept), from.offsets(&listed));
    let (rows_to, columns_to) = (to.offsets(&kept), to.offsets(&listed));
    let zero = Value::Real(D::from_i64(0, dtype));
    let mut data = vec![zero; to.elements().unwrap_or(0)];
    for (&row, &row_to) in rows.iter().zip(&rows_to) {
        let reals = columns.iter().map(|column| real(values[row + column])).collect::<Result<Vec<_>, _>>()?;
        match op {
            NormaliseOp::Softmax => {
                for (value, column) in softmax::<D>(reals, dtype)?.into_iter().zip(&columns_to) {
                    data[row_to + column] = Value::Real(value);
                }
            }
            NormaliseOp::LogSumExp => data[row_to] = Value::Real(logsumexp::<D>(&reals, dtype)?),
        }
    }
    Ok(data)
}

fn real<D: Domain>(value: Value<D>) -> Result<D::Real, EvalError> {
    value.as_real().ok_or_else(|| EvalError::Fault("only floats can be normalised".to_string()))
}

/// Half precision is computed in f32.
fn working(dtype: Dtype) -> Dtype {
    if matches!(dtype, Dtype::F16 | Dtype::BF16) { Dtype::F32 } else { dtype }
}

/// The exponentials of a row and their sum.
struct Exponentials<D: Domain> {
    terms: Vec<D::Real>,
    sum: D::Real,
    /// What was subtracted: the maximum. Nothing in a domain without an order.
    shift: Option<D::Real>,
}

/// `None` if the row is empty or all of it is -inf.
fn exponentials<D: Domain>(row: &[D::Real], dtype: Dtype) -> Result<Option<Exponentials<D>>, EvalError> {
    let dtype = working(dtype);
    let lowest = D::from_f64(f64::NEG_INFINITY, dtype);
    let mut something = false;
    for &x in row {
        something |= D::test(ScalarOp::Ne, &[x, lowest])?;
    }
    if !something {
        return Ok(None);
    }
    let maximum = row.iter().try_fold(lowest, |m, &x| D::apply(ScalarOp::Max, dtype, &[m, x]));
    let shift = match maximum {
        Ok(maximum) => Some(maximum),
        Err(EvalError::Domain(_)) => None,
        Err(error) => return Err(error),
    };
    let mut sum = D::from_i64(0, dtype);
    let mut terms = Vec::with_capacity(row.len());
    for &x in row {
        let shifted = match shift {
            Some(maximum) => match D::apply(ScalarOp::Sub, dtype, &[x, maximum]) {
                // A guarded place of the exact domain, whose row has one number.
                Err(EvalError::Domain(_)) => x,
                other => other?,
            },
            None => x,
        };
        let term = D::apply(ScalarOp::Exp, dtype, &[shifted])?;
        sum = D::apply(ScalarOp::Add, dtype, &[sum, term])?;
        terms.push(term);
    }
    Ok(Some(Exponentials { terms, sum, shift }))
}

fn softmax<D: Domain>(row: Vec<D::Real>, dtype: Dtype) -> Result<Vec<D::Real>, EvalError> {
    match exponentials::<D>(&row, dtype)? {
        None => Ok(vec![D::from_i64(0, dtype); row.len()]),
        Some(Exponentials { terms, sum, .. }) => terms
            .into_iter()
            .map(|term| D::apply(ScalarOp::Div, working(dtype), &[term, sum]))
            .map(|quotient| quotient.map(|q| D::convert(q, dtype)))
            .collect(),
    }
}

fn logsumexp<D: Domain>(row: &[D::Real], dtype: Dtype) -> Result<D::Real, EvalError> {
    match exponentials::<D>(row, dtype)? {
        None => Ok(D::from_f64(f64::NEG_INFINITY, dtype)),
        Some(Exponentials { sum, shift, .. }) => {
            let logarithm = D::apply(ScalarOp::Log, working(dtype), &[sum])?;
            let result = match shift {
                Some(maximum) => D::apply(ScalarOp::Add, working(dtype), &[maximum, logarithm])?,
                None => logarithm,
            };
            Ok(D::convert(result, dtype))
        }
    }
}
