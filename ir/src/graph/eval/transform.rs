//! Fourier transforms by their definition, axis after axis: quadratic in the length of an axis.
//!
//! Sums are taken in f64 in every floating-point domain and rounded once per transform, so that the result
//! serves as a reference for any fast algorithm.

use super::Layout;
use crate::axis::Name;
use crate::domain::{Domain, Value};
use crate::dtype::Dtype;
use crate::error::EvalError;
use crate::graph::TransformOp;
use crate::scalar::ScalarOp;

/// How one axis is transformed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Forward,
    /// Divides by the length.
    Inverse,
    /// Inverse with a real result from the lower half of the frequencies; divides by the length.
    RealInverse,
}

/// The transform of one axis.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    /// Position of the axis.
    axis: usize,
    /// Name of the axis that takes its place, and its extent.
    to: (Name, usize),
    /// Length of the transform.
    pub(super) length: usize,
    kind: Kind,
}

/// The transforms of single axes that make up a transform.
pub(super) fn plan(
    op: TransformOp,
    pairs: &[(Name, Name)],
    from: &Layout,
    to: &Layout,
) -> Result<Vec<Pass>, EvalError> {
    let missing = |name: &Name| EvalError::Fault(format!("axis `{name}` of a transform is missing"));
    let mut passes = Vec::new();
    for (position, (old, new)) in pairs.iter().enumerate() {
        let axis = from.0.iter().position(|(name, _)| name == old).ok_or_else(|| missing(old))?;
        let extent = to.extent(new).ok_or_else(|| missing(new))?;
        let last = position + 1 == pairs.len();
        let (kind, length) = match op {
            TransformOp::Fft | TransformOp::Rfft => (Kind::Forward, from.0[axis].1),
            TransformOp::Ifft => (Kind::Inverse, extent),
            TransformOp::Irfft if last => (Kind::RealInverse, extent),
            TransformOp::Irfft => (Kind::Inverse, extent),
        };
        passes.push(Pass { axis, to: (new.clone(), extent), length, kind });
    }
    Ok(passes)
}

/// Transforms `values`; the result has `dtype` and is in the layout `to`.
pub(super) fn evaluate<D: Domain>(
    passes: &[Pass],
    dtype: Dtype,
    (mut layout, values): (Layout, &[Value<D>]),
    to: &Layout,
) -> Result<Vec<Value<D>>, EvalError> {
    let zero = D::from_i64(0, Dtype::F64);
    let mut data: Vec<Pair<D>> = values
        .iter()
        .map(|&value| match value {
            Value::Complex(re, im) => Ok((re, im)),
            Value::Real(re) => Ok((re, zero)),
            Value::Bool(_) | Value::Int(_) => {
                Err(EvalError::Fault("only floats and complex numbers can be transformed".to_string()))
            }
        })
        .collect::<Result<_, _>>()?;
    for pass in passes {
        data = transform_axis::<D>(pass, &layout, &data)?;
        layout.0[pass.axis] = pass.to.clone();
    }
    let part = dtype.part();
    let finish = |offset: usize| {
        let (re, im) = data[offset];
        if dtype.is_complex() {
            Value::Complex(D::convert(re, part), D::convert(im, part))
        } else {
            Value::Real(D::convert(re, part))
        }
    };
    Ok(layout.offsets(&to.0).into_iter().map(finish).collect())
}

type Pair<D> = (<D as Domain>::Real, <D as Domain>::Real);

fn real<D: Domain>(op: ScalarOp, a: D::Real, b: D::Real) -> Result<D::Real, EvalError> {
    D::apply(op, Dtype::F64, &[a, b])
}

/// Real and imaginary part of `a + b*c`.
fn multiply_add<D: Domain>(sum: Pair<D>, (a, b): Pair<D>, (c, d): Pair<D>) -> Result<Pair<D>, EvalError> {
    let product = |x, y| real::<D>(ScalarOp::Mul, x, y);
    let re = real::<D>(ScalarOp::Sub, product(a, c)?, product(b, d)?)?;
    let im = real::<D>(ScalarOp::Add, product(a, d)?, product(b, c)?)?;
    Ok((real::<D>(ScalarOp::Add, sum.0, re)?, real::<D>(ScalarOp::Add, sum.1, im)?))
}

fn transform_axis<D: Domain>(
    pass: &Pass,
    layout: &Layout,
    data: &[Pair<D>],
) -> Result<Vec<Pair<D>>, EvalError> {
    let extents: Vec<usize> = layout.0.iter().map(|(_, extent)| *extent).collect();
    let outer: usize = extents[..pass.axis].iter().product();
    let stride: usize = extents[pass.axis + 1..].iter().product();
    let (given, wanted, length) = (extents[pass.axis], pass.to.1, pass.length);
    let zero = D::from_i64(0, Dtype::F64);
    let mut result = vec![(zero, zero); outer * wanted * stride];
    if length == 0 {
        return Ok(result);
    }
    let mut roots = Vec::with_capacity(length);
    for k in 0..length {
        let (re, im) = D::root_of_unity(k as i64, length as i64, Dtype::F64)?;
        let inverse = pass.kind != Kind::Forward;
        roots.push((re, if inverse { D::apply(ScalarOp::Neg, Dtype::F64, &[im])? } else { im }));
    }
    // Frequencies beyond those of the length are not read; those that are not given are 0.
    let read = match pass.kind {
        Kind::Forward | Kind::Inverse => given.min(length),
        Kind::RealInverse => given.min(length / 2 + 1),
    };
    let divisor = D::from_i64(length as i64, Dtype::F64);
    for block in 0..outer {
        for lane in 0..stride {
            let column = |x: usize| data[(block * given + x) * stride + lane];
            for y in 0..wanted {
                let mut sum = (zero, zero);
                for x in 0..read {
                    let root = roots[((x as u128 * y as u128) % length as u128) as usize];
                    sum = match pass.kind {
                        Kind::Forward | Kind::Inverse => multiply_add::<D>(sum, column(x), root)?,
                        Kind::RealInverse => real_term::<D>(sum, column(x), root, (x, length))?,
                    };
                }
                if pass.kind != Kind::Forward {
                    sum.0 = real::<D>(ScalarOp::Div, sum.0, divisor)?;
                    sum.1 = real::<D>(ScalarOp::Div, sum.1, divisor)?;
                }
                result[(block * wanted + y) * stride + lane] = sum;
            }
        }
    }
    Ok(result)
}

/// Adds a frequency and its conjugate, of which the real part remains. Frequency 0 and, for an even
/// length, the middle one have no conjugate, and their imaginary parts are ignored.
fn real_term<D: Domain>(
    sum: Pair<D>,
    (re, im): Pair<D>,
    root: Pair<D>,
    (x, length): (usize, usize),
) -> Result<Pair<D>, EvalError> {
    let zero = D::from_i64(0, Dtype::F64);
    if x == 0 || 2 * x == length {
        return multiply_add::<D>(sum, (re, zero), (root.0, zero));
    }
    let (term, _) = multiply_add::<D>((zero, zero), (re, im), root)?;
    let twice = real::<D>(ScalarOp::Add, term, term)?;
    Ok((real::<D>(ScalarOp::Add, sum.0, twice)?, zero))
}

/// The matrix of the discrete Fourier transform, row-major.
pub(super) fn matrix<D: Domain>(dtype: Dtype, layout: &Layout) -> Result<Vec<Value<D>>, EvalError> {
    let n = layout.0.first().map_or(0, |(_, extent)| *extent);
    let mut data = Vec::with_capacity(n * n);
    for k in 0..n {
        for x in 0..n {
            let turn = (k as u128 * x as u128 % n as u128) as i64;
            let (re, im) = D::root_of_unity(turn, n as i64, dtype.part())?;
            data.push(Value::Complex(re, im));
        }
    }
    Ok(data)
}
