//! Operands: the same numbers in every domain.

use crate::case::{Class, InputSpec, Level};
use crate::choices::Random;
use tcc_ir::tensor::checked_elements;
use tcc_ir::{Bindings, Domain, Dtype, EvalError, Kind, Tensor, Value};

/// An element before it is a number of a domain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Element {
    /// A truth value.
    Bool(bool),
    /// An integer that its dtype has.
    Int(i64),
    /// A real number.
    Real(f64),
    /// A complex number.
    Complex(f64, f64),
}

/// One operand.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// Element type.
    pub dtype: Dtype,
    /// Extents.
    pub shape: Vec<usize>,
    /// Elements in row-major order.
    pub elements: Vec<Element>,
}

/// Most elements of one operand.
const ELEMENT_LIMIT: usize = 1 << 16;

/// The operands of a program for these sizes.
pub fn numbers(program: &Level, sizes: &Bindings, spec: InputSpec) -> Result<Vec<Numbers>, EvalError> {
    let mut random = Random(spec.seed ^ 0x7cc7_cc7c_c7cc_7cc7);
    let mut all = Vec::new();
    for operand in program.operands() {
        let extent = |extent: &tcc_ir::Extent| -> Result<usize, EvalError> {
            let value = extent.eval(sizes)?;
            usize::try_from(value).map_err(|_| EvalError::Operand(format!("the extent {extent} is {value}")))
        };
        let shape: Vec<usize> = operand.extents.iter().map(extent).collect::<Result<_, _>>()?;
        let count = checked_elements(operand.dtype, &shape)?;
        if count > ELEMENT_LIMIT {
            let (needed, limit) = (count as u128, ELEMENT_LIMIT as u128);
            return Err(EvalError::Limit { needed, limit, unit: "elements" });
        }
        let mut elements: Vec<Element> =
            (0..count).map(|_| element(operand.dtype, operand.range, spec.class, &mut random)).collect();
        if spec.class == Class::Specials && operand.range.is_none() {
            inject(&mut elements, operand.dtype, &mut random);
        }
        all.push(Numbers { dtype: operand.dtype, shape, elements });
    }
    Ok(all)
}

fn element(dtype: Dtype, range: Option<(f64, f64)>, class: Class, random: &mut Random) -> Element {
    match dtype.kind() {
        Kind::Bool => Element::Bool(random.below(2) == 1),
        Kind::Int => Element::Int(integer(dtype, range, class, random)),
        Kind::Float => Element::Real(real(dtype, range, class, random)),
        Kind::Complex => {
            let part = dtype.part();
            Element::Complex(real(part, range, class, random), real(part, range, class, random))
        }
    }
}

/// The least and the greatest value of an integer dtype.
pub fn limits(dtype: Dtype) -> (i64, i64) {
    match dtype {
        Dtype::U8 => (0, i64::from(u8::MAX)),
        Dtype::U32 => (0, i64::from(u32::MAX)),
        Dtype::I32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    }
}

fn integer(dtype: Dtype, range: Option<(f64, f64)>, class: Class, random: &mut Random) -> i64 {
    let (least, greatest) = limits(dtype);
    if let Some((lo, hi)) = range {
        // Promised intervals are small: their ends are integers that f64 has.
        let (lo, hi) = (lo.ceil() as i64, hi.floor() as i64);
        return lo + random.below(hi.abs_diff(lo).saturating_add(1)) as i64;
    }
    let small = |random: &mut Random| (random.below(8) as i64 - 2).max(least);
    if class != Class::Wrap {
        return small(random);
    }
    match random.below(4) {
        0 => small(random),
        1 => [least, greatest, least.wrapping_add(1), greatest - 1][random.below(4) as usize],
        _ => match dtype {
            Dtype::U8 => i64::from(random.word() as u8),
            Dtype::U32 => i64::from(random.word() as u32),
            Dtype::I32 => i64::from(random.word() as i32),
            _ => random.word() as i64,
        },
    }
}

fn real(dtype: Dtype, range: Option<(f64, f64)>, class: Class, random: &mut Random) -> f64 {
    match (range, class) {
        (Some((lo, hi)), Class::Bounded | Class::Specials) => {
            // Rounding to the dtype must not leave the interval.
            let value = lo + (hi - lo) * random.unit();
            let value = dtype.round(value);
            if (lo..=hi).contains(&value) { value } else { lo }
        }
        (Some((lo, hi)), Class::Exact | Class::Wrap) => {
            // Quarters have few digits and lie in the short intervals that programs promise.
            let steps = ((hi - lo) * 4.0).floor().max(0.0) as u64;
            lo + random.below(steps.saturating_add(1)) as f64 / 4.0
        }
        (None, Class::Exact | Class::Wrap) => random.below(7) as f64 - 3.0,
        (None, Class::Bounded | Class::Specials) => {
            let scale = [1.0, 1.0, 1.0, 0.001, 1000.0][random.below(5) as usize];
            dtype.round((2.0 * random.unit() - 1.0) * scale)
        }
    }
}

/// Puts special values at up to three places.
fn inject(elements: &mut [Element], dtype: Dtype, random: &mut Random) {
    let smallest = match dtype.part() {
        Dtype::F64 => f64::from_bits(1),
        _ => f64::from(f32::from_bits(1)),
    };
    let largest = match dtype.part() {
        Dtype::F16 => 65504.0,
        Dtype::F64 => f64::MAX,
        _ => f64::from(f32::MAX),
    };
    for _ in 0..1 + random.below(3) {
        let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, smallest, largest, -largest]
            [random.below(7) as usize];
        let place = random.below(elements.len() as u64) as usize;
        match elements.get_mut(place) {
            Some(Element::Real(value)) => *value = dtype.round(special),
            Some(Element::Complex(re, _)) => *re = dtype.part().round(special),
            _ => {}
        }
    }
}

/// Numbers as tensors of a domain.
pub fn tensors<D: Domain>(numbers: &[Numbers]) -> Vec<Tensor<D>> {
    let value = |element: &Element, part: Dtype| match *element {
        Element::Bool(value) => Value::Bool(value),
        Element::Int(value) => Value::Int(value),
        Element::Real(value) => Value::Real(D::from_f64(value, part)),
        Element::Complex(re, im) => Value::Complex(D::from_f64(re, part), D::from_f64(im, part)),
    };
    numbers
        .iter()
        .map(|operand| {
            let part = operand.dtype.part();
            let data = operand.elements.iter().map(|element| value(element, part)).collect();
            Tensor { dtype: operand.dtype, shape: operand.shape.clone(), data }
        })
        .collect()
}

/// The same operands with reals that hardly ever meet: for arithmetic modulo a prime, where an identity of
/// small integers (`x*x = x` of 0 and 1) would hide a difference.
pub fn spread(numbers: &[Numbers]) -> Vec<Numbers> {
    let mut place = 0u64;
    let mut real = |value: f64| {
        place += 1;
        let noise = (Random(place).word() >> 24) as f64 / (1u64 << 52) as f64;
        if value.is_finite() { value + noise } else { noise }
    };
    numbers
        .iter()
        .map(|operand| {
            let elements = operand
                .elements
                .iter()
                .map(|element| match *element {
                    Element::Real(value) => Element::Real(real(value)),
                    Element::Complex(re, im) => Element::Complex(real(re), real(im)),
                    other => other,
                })
                .collect();
            Numbers { elements, ..operand.clone() }
        })
        .collect()
}
