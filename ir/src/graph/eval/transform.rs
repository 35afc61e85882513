//! Fourier transforms by their definition, axis after axis: quadratic in the length of an axis.
//!
//! In the reference domain sums are taken in f64, so that the result serves as a reference for any fast
//! algorithm.

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
    let part = dtype.part();
    for pass in passes {
        data = Line::<D> { pass, part, zero }.transform_all(&layout, &data)?;
        layout.0[pass.axis] = pass.to.clone();
    }
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

/// The transform of every line along one axis.
struct Line<'a, D: Domain> {
    pass: &'a Pass,
    /// The dtype of real and imaginary parts.
    part: Dtype,
    zero: D::Real,
}

impl<D: Domain> Line<'_, D> {
    fn real(&self, op: ScalarOp, a: D::Real, b: D::Real) -> Result<D::Real, EvalError> {
        D::apply(op, self.part, &[a, b])
    }

    /// `a + b*c`.
    fn multiply_add(&self, sum: Pair<D>, (a, b): Pair<D>, (c, d): Pair<D>) -> Result<Pair<D>, EvalError> {
        let product = |x, y| self.real(ScalarOp::Mul, x, y);
        let re = self.real(ScalarOp::Sub, product(a, c)?, product(b, d)?)?;
        let im = self.real(ScalarOp::Add, product(a, d)?, product(b, c)?)?;
        Ok((self.real(ScalarOp::Add, sum.0, re)?, self.real(ScalarOp::Add, sum.1, im)?))
    }

    fn transform_all(&self, layout: &Layout, data: &[Pair<D>]) -> Result<Vec<Pair<D>>, EvalError> {
        let pass = self.pass;
        let extents: Vec<usize> = layout.0.iter().map(|(_, extent)| *extent).collect();
        let outer: usize = extents[..pass.axis].iter().product();
        let stride: usize = extents[pass.axis + 1..].iter().product();
        let (given, wanted, length) = (extents[pass.axis], pass.to.1, pass.length);
        let mut result = vec![(self.zero, self.zero); outer * wanted * stride];
        if length == 0 {
            return Ok(result);
        }
        let roots = self.roots()?;
        // Frequencies beyond those of the length are not read; those that are not given are 0.
        let read = match pass.kind {
            Kind::Forward | Kind::Inverse => given.min(length),
            Kind::RealInverse => given.min(length / 2 + 1),
        };
        let divisor = D::from_i64(length as i64, self.part);
        for block in 0..outer {
            for lane in 0..stride {
                let column = |x: usize| data[(block * given + x) * stride + lane];
                for y in 0..wanted {
                    let mut sum = (self.zero, self.zero);
                    for x in 0..read {
                        let root = roots[((x as u128 * y as u128) % length as u128) as usize];
                        sum = match pass.kind {
                            Kind::Forward | Kind::Inverse => self.multiply_add(sum, column(x), root)?,
                            Kind::RealInverse => self.real_term(sum, column(x), root, x)?,
                        };
                    }
                    if pass.kind != Kind::Forward {
                        sum.0 = self.real(ScalarOp::Div, sum.0, divisor)?;
                        sum.1 = self.real(ScalarOp::Div, sum.1, divisor)?;
                    }
                    result[(block * wanted + y) * stride + lane] = sum;
                }
            }
        }
        Ok(result)
    }

    /// `cis(-2 pi k / length)` for every k, conjugated for inverse transforms.
    fn roots(&self) -> Result<Vec<Pair<D>>, EvalError> {
        let length = self.pass.length as i64;
        let root = |k| {
            let (re, im) = D::root_of_unity(k, length, self.part)?;
            let inverse = self.pass.kind != Kind::Forward;
            Ok((re, if inverse { D::apply(ScalarOp::Neg, self.part, &[im])? } else { im }))
        };
        (0..length).map(root).collect()
    }

    /// Adds frequency `x` and its conjugate, of which the real part remains. Frequency 0 and, for an even
    /// length, the middle one have no conjugate, and their imaginary parts are ignored.
    fn real_term(
        &self,
        sum: Pair<D>,
        (re, im): Pair<D>,
        root: Pair<D>,
        x: usize,
    ) -> Result<Pair<D>, EvalError> {
        if x == 0 || 2 * x == self.pass.length {
            return self.multiply_add(sum, (re, self.zero), (root.0, self.zero));
        }
        let (term, _) = self.multiply_add((self.zero, self.zero), (re, im), root)?;
        let twice = self.real(ScalarOp::Add, term, term)?;
        Ok((self.real(ScalarOp::Add, sum.0, twice)?, self.zero))
    }
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
