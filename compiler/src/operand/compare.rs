//! Comparison of a result with what was expected.
//!
//! The measure is max|got - want| / max(max|want|, 1e-30) over finite values; NaN equals NaN, infinities
//! must match, integers and truth values must be equal.

use super::convert::{integer, number, numbers};
use tcc_ir::Array;
use tcc_ir::dtype::Kind;

/// How a comparison ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Within the tolerance; the relative error.
    Equal(f64),
    /// Another shape.
    Shape,
    /// Numbers of another kind (integers for floats, ...).
    Kind,
    /// An element differs.
    Differs {
        /// Its indices.
        index: Vec<usize>,
        /// What was computed.
        got: String,
        /// What was expected.
        want: String,
        /// The relative error; infinite where one of the two is not finite.
        error: f64,
    },
}

/// Compares `got` with `want`.
pub fn compare(got: &Array, want: &Array, tolerance: f64) -> Verdict {
    if got.shape() != want.shape() {
        return Verdict::Shape;
    }
    if got.dtype().kind() != want.dtype().kind() {
        return Verdict::Kind;
    }
    match got.dtype().kind() {
        Kind::Bool | Kind::Int => compare_exactly(got, want),
        Kind::Float | Kind::Complex => compare_numbers(got, want, tolerance),
    }
}

fn compare_exactly(got: &Array, want: &Array) -> Verdict {
    let values = |array: &Array| -> Vec<i64> {
        array.bytes().chunks_exact(array.dtype().size_bytes()).map(|e| integer(array.dtype(), e)).collect()
    };
    let (left, right) = (values(got), values(want));
    match left.iter().zip(&right).position(|(a, b)| a != b) {
        None => Verdict::Equal(0.0),
        Some(at) => Verdict::Differs {
            index: unflatten(at, got.shape()),
            got: left[at].to_string(),
            want: right[at].to_string(),
            error: f64::INFINITY,
        },
    }
}

fn compare_numbers(got: &Array, want: &Array, tolerance: f64) -> Verdict {
    let finite = |(re, im): (f64, f64)| re.is_finite() && im.is_finite();
    let scale =
        numbers(want).filter(|&n| finite(n)).map(|(re, im)| re.hypot(im)).fold(0.0, f64::max).max(1e-30);
    let mut worst = (0usize, 0.0f64);
    for (at, (a, b)) in numbers(got).zip(numbers(want)).enumerate() {
        let error = if finite(a) && finite(b) {
            (a.0 - b.0).hypot(a.1 - b.1) / scale
        } else if same(a.0, b.0) && same(a.1, b.1) {
            0.0
        } else {
            f64::INFINITY
        };
        if error > worst.1 {
            worst = (at, error);
        }
    }
    if worst.1 <= tolerance {
        return Verdict::Equal(worst.1);
    }
    Verdict::Differs {
        index: unflatten(worst.0, got.shape()),
        got: element(got, worst.0),
        want: element(want, worst.0),
        error: worst.1,
    }
}

/// Equal where one is not finite: NaN equals NaN, infinities have their sign.
fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a.is_finite() && b.is_finite())
}

/// An element as text.
pub fn element(array: &Array, at: usize) -> String {
    let dtype = array.dtype();
    let size = dtype.size_bytes();
    let Some(bytes) = array.bytes().get(at * size..(at + 1) * size) else { return String::new() };
    let (re, im) = number(dtype, bytes);
    match dtype.kind() {
        Kind::Bool => (re != 0.0).to_string(),
        Kind::Int => integer(dtype, bytes).to_string(),
        Kind::Float => format!("{re}"),
        // NaN has no sign of its own.
        Kind::Complex if im.is_nan() => format!("{re}+{im}i"),
        Kind::Complex => format!("{re}{im:+}i"),
    }
}

/// The indices of the element at a place in row-major order.
pub fn unflatten(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        let extent = shape[axis].max(1);
        index[axis] = at % extent;
        at /= extent;
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;
    use tcc_ir::Dtype;

    fn floats(values: &[f64]) -> Array {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
        Array::from_bytes(Dtype::F64, &[values.len()], &bytes).unwrap()
    }

    #[test]
    fn the_measure_is_relative_to_the_largest_value() {
        let verdict = compare(&floats(&[1.0, 100.001]), &floats(&[1.0, 100.0]), 1e-4);
        assert!(matches!(verdict, Verdict::Equal(e) if (e - 1e-5).abs() < 1e-9), "{verdict:?}");
        let verdict = compare(&floats(&[1.0, 100.1]), &floats(&[1.0, 100.0]), 1e-4);
        assert!(matches!(verdict, Verdict::Differs { ref index, .. } if index == &[1]));
    }

    #[test]
    fn nan_equals_nan_and_infinities_must_match() {
        let inf = f64::INFINITY;
        let nan = f64::NAN;
        assert_eq!(compare(&floats(&[nan, inf, 1.0]), &floats(&[nan, inf, 1.0]), 0.0), Verdict::Equal(0.0));
        for (got, want) in [(inf, -inf), (nan, 1.0), (1.0, nan), (inf, 1.0)] {
            assert!(matches!(compare(&floats(&[got]), &floats(&[want]), 1e9), Verdict::Differs { .. }));
        }
    }

    #[test]
    fn shape_and_kind_are_part_of_the_answer() {
        let integers = Array::zeros(Dtype::I64, &[2]).unwrap();
        assert_eq!(compare(&floats(&[0.0, 0.0]), &integers, 1.0), Verdict::Kind);
        assert_eq!(compare(&floats(&[0.0]), &integers, 1.0), Verdict::Shape);
        let bytes = Array::zeros(Dtype::U8, &[2]).unwrap();
        assert_eq!(compare(&bytes, &integers, 0.0), Verdict::Equal(0.0));
        assert_eq!(unflatten(7, &[2, 5]), [1, 2]);
    }
}
