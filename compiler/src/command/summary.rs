//! Summaries of arrays.

use crate::operand::compare::element;
use crate::operand::convert::numbers;
use crate::{Array, Output};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
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

/// The summary as JSON; numbers that JSON does not have are null.
pub fn json(output: &Output) -> Value {
    let facts = Facts::of(&output.array);
    json!({
        "name": output.name,
        "dtype": output.array.dtype().name(),
        "shape": output.array.shape(),
        "min": facts.min, "max": facts.max, "mean": facts.mean().0, "nan": facts.nan,
        "sha256": sha256(&output.array),
    })
}

/// Every element, one row of the last axis a line.
pub fn elements(array: &Array) -> String {
    let row = array.shape().last().copied().unwrap_or(1).max(1);
    let mut text = String::new();
    for at in 0..array.elements() {
        text.push_str(if at % row == 0 { "  " } else { " " });
        text.push_str(&element(array, at));
        if (at + 1) % row == 0 {
            text.push('\n');
        }
    }
    text
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
        let array = Array::zeros(Dtype::F32, &[0]).unwrap();
        assert!(line(&Output { name: "O".into(), array }).contains("empty"));
    }
}
