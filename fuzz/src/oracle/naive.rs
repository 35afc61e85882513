//! A reference that shares no code with the compiler: equations are read by a parser of their own and
//! evaluated by running through all values of all indices. It sees what comparing stages cannot see: a
//! frontend that understands a program wrongly, and an evaluator that does.

use super::Execution;
use crate::case::{Class, Program};
use crate::finding::Finding;
use crate::inputs::{Element, Numbers};
use std::collections::BTreeMap;
use tcc_ir::{Dtype, Native, Tensor, Value};

/// The name in fingerprints.
pub const NAME: &str = "naive";

/// Most points of one sum.
const POINT_LIMIT: usize = 1 << 16;

/// `y[i,..] = sum[k,..] a[i,..] * b[..]`: names with indices.
struct Equation {
    result: (String, Vec<String>),
    factors: Vec<(String, Vec<String>)>,
}

/// Compares what the program means with a direct sum.
pub fn ask(execution: &mut Execution) -> Result<(), Finding> {
    let Program::Source(text) = &execution.case.program else { return Ok(()) };
    let Some(want) = evaluate(text, execution.numbers) else { return Ok(()) };
    let finding = |message: String| Finding::new(NAME, "frontend", 0, message);
    let got = match execution.reference.native() {
        Ok(results) => results,
        Err(error) => return Err(finding(format!("no result: {error}"))),
    };
    let Some(got) = got.first().filter(|_| got.len() == 1) else {
        return Err(finding("not one result".into()));
    };
    if want.shape != got.shape {
        return Err(finding(format!("another shape: {:?} but {:?}", want.shape, got.shape)));
    }
    // Floats are summed in another order: only what is exact can be compared bit for bit.
    let exact = matches!(execution.case.inputs.class, Class::Exact | Class::Wrap);
    for (place, (a, b)) in want.data.iter().zip(&got.data).enumerate() {
        let same = match (a, b) {
            (Value::Real(a), Value::Real(b)) => !exact || a == b,
            (a, b) => a == b,
        };
        if !same {
            let mut finding = finding(format!("another value: element {place}: {a:?} but {b:?}"));
            finding.fingerprint.kind = "another value".into();
            return Err(finding);
        }
    }
    Ok(())
}

/// A name and its indices, from `name[i,j]` or `name`.
fn read(text: &str) -> Option<(String, Vec<String>)> {
    let text = text.trim();
    match text.split_once('[') {
        None => Some((text.to_owned(), Vec::new())),
        Some((name, rest)) => {
            let indices = rest.strip_suffix(']')?.split(',').map(|index| index.trim().to_owned());
            Some((name.trim().to_owned(), indices.collect()))
        }
    }
}

/// The equation of a program of one equation; `None` where the program has more than this reference knows.
fn equation(text: &str) -> Option<Equation> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| line.contains('=')).collect();
    let [line] = lines[..] else { return None };
    let (left, right) = line.split_once('=')?;
    let right = right.trim();
    let product = match right.strip_prefix("sum[") {
        Some(rest) => rest.split_once(']')?.1,
        None => right,
    };
    let plain = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "[], *".contains(c));
    if !plain(product) || left.ends_with(['+', '*']) {
        return None;
    }
    let factors = product.split('*').map(read).collect::<Option<_>>()?;
    Some(Equation { result: read(left)?, factors })
}

/// An einsum string as an equation. The axes under `...` are `...0`, `...1`, .. from the last one.
fn einsum(text: &str, operands: &[Numbers]) -> Option<Equation> {
    let line = text.lines().nth(1)?;
    let (left, right) = line.split_once("->")?;
    let terms: Vec<&str> = left.split(',').map(str::trim).collect();
    if terms.len() != operands.len() {
        return None;
    }
    let letters = |term: &str| term.chars().filter(char::is_ascii_alphabetic).count();
    let expand = |term: &str, more: usize| -> Vec<String> {
        let mut indices = Vec::new();
        let (before, after) = term.split_once("...").unwrap_or((term, ""));
        indices.extend(before.chars().map(String::from));
        if term.contains("...") {
            indices.extend((0..more).rev().map(|at| format!("...{at}")));
        }
        indices.extend(after.chars().map(String::from));
        indices
    };
    let (mut factors, mut most) = (Vec::new(), 0);
    for (number, (term, operand)) in terms.iter().zip(operands).enumerate() {
        let more = operand.shape.len().checked_sub(letters(term))?;
        most = most.max(more);
        factors.push((number.to_string(), expand(term, more)));
    }
    Some(Equation { result: (String::new(), expand(right.trim(), most)), factors })
}

/// The result of a program of one equation.
fn evaluate(text: &str, operands: &[Numbers]) -> Option<Tensor<Native>> {
    let names: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("in "))
        .filter_map(|line| Some(line.split_once(':')?.0.trim().to_owned()))
        .collect();
    let string = text.starts_with('#');
    let equation = if string { einsum(text, operands)? } else { equation(text)? };
    let operand = |name: &str| match string {
        true => operands.get(name.parse::<usize>().ok()?),
        false => operands.get(names.iter().position(|known| known == name)?),
    };
    let mut extents: BTreeMap<&str, usize> = BTreeMap::new();
    for (name, indices) in &equation.factors {
        let shape = &operand(name)?.shape;
        if shape.len() != indices.len() {
            return None;
        }
        for (index, &extent) in indices.iter().zip(shape) {
            let known = extents.entry(index).or_insert(extent);
            // Under `...` length 1 goes with any length.
            match index.starts_with("...") {
                true if *known == 1 => *known = extent,
                true if extent == 1 => {}
                _ if *known != extent => return None,
                _ => {}
            }
        }
    }
    let shape: Vec<usize> =
        equation.result.1.iter().map(|index| extents.get(index.as_str()).copied()).collect::<Option<_>>()?;
    let dtype = operands.first()?.dtype;
    let points: usize = extents.values().product();
    if points > POINT_LIMIT {
        return None;
    }
    let count: usize = shape.iter().product();
    let (mut integers, mut reals) = (vec![0i128; count], vec![0.0f64; count]);
    let letters: Vec<&str> = extents.keys().copied().collect();
    for mut point in 0..points {
        let mut at: BTreeMap<&str, usize> = BTreeMap::new();
        for letter in &letters {
            at.insert(letter, point % extents[letter]);
            point /= extents[letter];
        }
        let place = |indices: &[String], shape: &[usize]| {
            let step = |place: usize, (index, &extent): (&String, &usize)| {
                place * extent + if extent == 1 { 0 } else { at[index.as_str()] }
            };
            indices.iter().zip(shape).fold(0, step)
        };
        let (mut integer, mut real) = (1i128, 1.0f64);
        for (name, indices) in &equation.factors {
            let numbers = operand(name)?;
            match numbers.elements.get(place(indices, &numbers.shape))? {
                // All that is known in the end is the number modulo 2^64.
                Element::Int(value) => integer = i128::from(integer.wrapping_mul(i128::from(*value)) as i64),
                Element::Real(value) => real *= value,
                Element::Bool(_) | Element::Complex(..) => return None,
            }
        }
        let target = place(&equation.result.1, &shape);
        integers[target] = i128::from(integers[target].wrapping_add(integer) as i64);
        reals[target] += real;
    }
    let data = match dtype.is_int() {
        true => integers.into_iter().map(|value| Value::Int(wrapped(value, dtype))).collect(),
        false => reals.into_iter().map(Value::Real).collect(),
    };
    Tensor::from_values(dtype, &shape, data)
}

fn wrapped(value: i128, dtype: Dtype) -> i64 {
    match dtype {
        Dtype::I32 => i64::from(value as i32),
        Dtype::U32 => i64::from(value as u32),
        Dtype::U8 => i64::from(value as u8),
        _ => value as i64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagonal_is_summed_and_a_matrix_is_transposed() {
        let numbers = Numbers {
            dtype: Dtype::I64,
            shape: vec![2, 2],
            elements: [1, 2, 3, 4].map(Element::Int).to_vec(),
        };
        let text = "in  x : i64[a, a]\nout y : i64\ny = sum[i] x[i,i]\n";
        let result = evaluate(text, std::slice::from_ref(&numbers)).expect("a result");
        assert_eq!(result.data, [Value::Int(5)]);
        let text = "in  x : i64[a, b]\nout y : i64[b, a]\ny[j,i] = x[i,j]\n";
        let result = evaluate(text, &[numbers]).expect("a result");
        assert_eq!(result.data, [1, 3, 2, 4].map(Value::Int));
    }

    #[test]
    fn an_einsum_string_takes_the_diagonal_of_its_first_axes() {
        let numbers =
            Numbers { dtype: Dtype::I64, shape: vec![2, 2, 2], elements: (0..8).map(Element::Int).collect() };
        let result = evaluate("# i64[2, 2, 2]\nii...->i...\n", &[numbers]).expect("a result");
        assert_eq!(result.shape, [2, 2]);
        assert_eq!(result.data, [0, 1, 6, 7].map(Value::Int));
    }
}
