//! Summaries of arrays.

use crate::operand::compare::element;
use crate::operand::convert::{integer, numbers};
use crate::{Array, Output};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use tcc_ir::dtype::Kind;

/// `O : f32[24, 6]`
pub fn head(output: &Output) -> String {
    let shape: Vec<String> = output.array.shape().iter().map(usize::to_string).collect();
    let shape = if shape.is_empty() { String::new() } else { format!("[{}]", shape.join(", ")) };
    format!("{} : {}{shape}", output.name, output.array.dtype())
}

/// `O : f32[24, 6]   min -1.28   max 0.97   mean 0.012   sha256 6f0c…`
pub fn line(output: &Output) -> String {
    let array = &output.array;
    let mut text = head(output);
    if array.elements() == 0 {
        text.push_str("   empty");
    } else if array.shape().is_empty() {
        text.push_str(&format!("   {}", element(array, 0)));
    } else {
        let facts = Facts::of(array);
        text.push_str(&match array.dtype().kind() {
            _ if facts.count == 0 => String::new(),
            Kind::Bool => format!("   true {} of {}", facts.sum.0, array.elements()),
            Kind::Complex => format!(
                "   max|.| {}   mean {}{:+}i",
                short(facts.largest),
                short(facts.mean().0),
                Short(facts.mean().1)
            ),
            Kind::Int | Kind::Float => {
                format!(
                    "   min {}   max {}   mean {}",
                    short(facts.min),
                    short(facts.max),
                    short(facts.mean().0)
                )
            }
        });
        if facts.nan > 0 {
            text.push_str(&format!("   nan {}", facts.nan));
        }
    }
    text.push_str(&format!("   sha256 {}…\n", &sha256(array)[..8]));
    text
}

/// A number in a few digits, as in C's `%.4g`.
fn short(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let magnitude = value.abs().log10().floor();
    if !(-4.0..6.0).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let decimals = (3.0 - magnitude).max(0.0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// [`short`] with the sign asked for.
struct Short(f64);

impl std::fmt::Display for Short {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if f.sign_plus() && !self.0.is_sign_negative() { "+" } else { "" };
        write!(f, "{sign}{}", short(self.0))
    }
}

/// What a summary says of the elements.
struct Facts {
    min: f64,
    max: f64,
    /// Largest absolute value.
    largest: f64,
    sum: (f64, f64),
    count: usize,
    nan: usize,
}

impl Facts {
    fn of(array: &Array) -> Facts {
        let mut facts = Facts {
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            largest: 0.0,
            sum: (0.0, 0.0),
            count: 0,
            nan: 0,
        };
        for (re, im) in numbers(array) {
            if re.is_nan() || im.is_nan() {
                facts.nan += 1;
                continue;
            }
            facts.min = facts.min.min(re);
            facts.max = facts.max.max(re);
            facts.largest = facts.largest.max(re.hypot(im));
            facts.sum = (facts.sum.0 + re, facts.sum.1 + im);
            facts.count += 1;
        }
        facts
    }

    /// The value, if there is an element that it can be about.
    fn known(&self, value: f64) -> Option<f64> {
        (self.count > 0).then_some(value)
    }

    fn mean(&self) -> (f64, f64) {
        let count = self.count as f64;
        (self.sum.0 / count, self.sum.1 / count)
    }
}

/// The hash of the elements' bytes.
pub fn sha256(array: &Array) -> String {
    hash(array.bytes())
}

/// The hash of bytes.
pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes every element, one row of the last axis a line.
pub fn write_elements(array: &Array, out: &mut dyn Write) -> io::Result<()> {
    let row = array.shape().last().copied().unwrap_or(1).max(1);
    for at in 0..array.elements() {
        let (before, after) = (if at % row == 0 { "  " } else { " " }, (at + 1) % row == 0);
        write!(out, "{before}{}{}", element(array, at), if after { "\n" } else { "" })?;
    }
    Ok(())
}

/// A result as JSON; numbers that JSON does not have are null. With `full` it has every element in
/// row-major order, one at a time, and these are `"NaN"`, `"inf"` and `"-inf"` there.
pub struct Json<'a> {
    /// The result.
    pub output: &'a Output,
    /// Whether the elements are there.
    pub full: bool,
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let array = &self.output.array;
        let facts = Facts::of(array);
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.output.name)?;
        map.serialize_entry("dtype", array.dtype().name())?;
        map.serialize_entry("shape", array.shape())?;
        map.serialize_entry("min", &facts.known(facts.min))?;
        map.serialize_entry("max", &facts.known(facts.max))?;
        map.serialize_entry("mean", &facts.known(facts.mean().0))?;
        map.serialize_entry("nan", &facts.nan)?;
        map.serialize_entry("sha256", &sha256(array))?;
        if self.full {
            map.serialize_entry("elements", &Elements(array))?;
        }
        map.end()
    }
}

/// The elements of an array, as JSON.
struct Elements<'a>(&'a Array);

impl Serialize for Elements<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let dtype = self.0.dtype();
        let bytes = self.0.bytes().chunks_exact(dtype.size_bytes());
        serializer.collect_seq(bytes.zip(numbers(self.0)).map(|(bytes, (re, im))| match dtype.kind() {
            Kind::Bool => json!(re != 0.0),
            Kind::Int => json!(integer(dtype, bytes)),
            Kind::Float => float_json(re),
            Kind::Complex => json!([float_json(re), float_json(im)]),
        }))
    }
}

/// A number as JSON; one that JSON does not have as text.
fn float_json(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { json!(value.to_string()) }
}

/// An element that was written as text, as JSON: a number if it is one.
pub fn number_json(text: &str) -> Value {
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(integer), _) => json!(integer),
        (_, Ok(value)) => float_json(value),
        _ => json!(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dtype;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (-1.28, "-1.28"),
            (0.0123456, "0.01235"),
            (123456.0, "123456"),
            (1e9, "1.000e9"),
            (12.0, "12"),
        ] {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn lines_say_what_is_there() {
        let bytes: Vec<u8> = [1f64, 2.0, 6.0].iter().flat_map(|v| v.to_ne_bytes()).collect();
        let array = Array::from_bytes(Dtype::F64, &[3], &bytes).unwrap();
        let text = line(&Output { name: "O".into(), array });
        assert!(text.starts_with("O : f64[3]   min 1   max 6   mean 3   sha256 "), "{text}");
        let bytes: Vec<u8> = [f64::NAN; 2].iter().flat_map(|v| v.to_ne_bytes()).collect();
        let array = Array::from_bytes(Dtype::C128, &[1], &bytes).unwrap();
        let text = line(&Output { name: "O".into(), array });
        assert!(text.starts_with("O : c128[1]   nan 1   sha256 "), "{text}");
        let array = Array::zeros(Dtype::F32, &[0]).unwrap();
        assert!(line(&Output { name: "O".into(), array }).contains("empty"));
    }
}
