//! A reference that shares no code with the compiler: equations are read by a parser of their own and
//! evaluated by running through all values of all indices. It sees what comparing stages cannot see: a
//! frontend that understands a program wrongly, and an evaluator that does.

use super::Execution;
use crate::case::{Class, Program};
use crate::finding::Finding;
use crate::inputs::{Element, Numbers};
use crate::trace::einsum_operands;
use std::collections::BTreeMap;
use tcc_ir::{Dtype, Native, Tensor, Value};

/// The name in fingerprints.
pub const NAME: &str = "naive";

/// Most points of one sum.
const POINT_LIMIT: usize = 1 << 16;

/// `y[i,..] = sum[k,..] a[i,..] * b[..] * 3`.
struct Equation {
    result: Vec<String>,
    factors: Vec<Factor>,
}

/// What is multiplied.
enum Factor {
    Number(i64),
    /// An operand by its name, what stands at each of its axes, and what is read outside.
    Read(String, Vec<Position>, Option<i64>),
}

/// What stands at an axis: an index, or the members of a group.
type Position = Vec<String>;

/// Compares what the program means with a direct sum.
pub fn ask(execution: &mut Execution) -> Result<(), Finding> {
    let Program::Source(text) = &execution.case.program else { return Ok(()) };
    let finding = |message: String| Finding::new(NAME, "frontend", 0, message);
    // The operands were made for the program that the frontend understood, not for the one that is written.
    for (operand, (dtype, shape)) in execution.numbers.iter().zip(einsum_operands(text).unwrap_or_default()) {
        if operand.dtype != dtype || operand.shape != shape {
            return Err(finding("an operand of another type than is written".into()));
        }
    }
    let Some(want) = evaluate(text, execution.numbers, &declared(execution, first_left(text))) else {
        return Ok(());
    };
    // Where another equation copies the result, that one has the shape that is declared: all of it, or its
    // first part. More than there is is refused.
    let shape = declared(execution, "y");
    let want = match shape.len() == want.shape.len() && shape != want.shape {
        true => match first_part(&want, &shape) {
            Some(part) => part,
            None => return Ok(()),
        },
        false => want,
    };
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

/// The name on the left of the first equation.
fn first_left(text: &str) -> &str {
    let left = text.lines().find_map(|line| line.split_once('=')).map_or("", |(left, _)| left.trim());
    left.split('[').next().unwrap_or(left)
}

/// The elements whose indices are below `shape`; `None` if there are not so many.
fn first_part(whole: &Tensor<Native>, shape: &[usize]) -> Option<Tensor<Native>> {
    if shape.iter().zip(&whole.shape).any(|(part, whole)| part > whole) {
        return None;
    }
    let count: usize = shape.iter().product();
    let element = |mut number: usize| {
        let (mut place, mut stride) = (0, 1);
        for (part, whole) in shape.iter().zip(&whole.shape).rev() {
            place += number % part * stride;
            number /= part;
            stride *= whole;
        }
        whole.data[place]
    };
    Tensor::from_values(whole.dtype, shape, (0..count).map(element).collect())
}

/// The shape that the declaration of a result states; none for einsum strings.
fn declared(execution: &Execution, name: &str) -> Vec<usize> {
    let Program::Source(text) = &execution.case.program else { return Vec::new() };
    let line = text.lines().find_map(|line| line.strip_prefix("out ")?.trim().strip_prefix(name));
    let shape = line.and_then(|line| line.split_once('[')?.1.strip_suffix(']'));
    let size =
        |word: &str| execution.case.sizes.get(word.trim()).and_then(|&size| usize::try_from(size).ok());
    shape.map_or(Vec::new(), |shape| shape.split(',').map_while(size).collect())
}

/// Says that a program was refused that is right: an einsum string whose operands have the axes and sizes that
/// it names. Of other programs nothing is said.
pub fn refused(text: &str, refusal: &str) -> Option<Finding> {
    let numbers = |(dtype, shape)| Numbers { dtype, shape, elements: Vec::new() };
    let operands: Vec<Numbers> = einsum_operands(text)?.into_iter().map(numbers).collect();
    let equation = einsum(text, &operands)?;
    let shapes: Vec<&[usize]> = operands.iter().map(|operand| operand.shape.as_slice()).collect();
    let extents = extents(&equation, &shapes, &[])?;
    let result = &equation.result;
    let once = |(at, index): (usize, &String)| !result[..at].contains(index);
    let right = result
        .iter()
        .enumerate()
        .all(|(at, index)| extents.contains_key(index.as_str()) && once((at, index)));
    // What stands under `...` is never summed.
    let kept = extents
        .keys()
        .filter(|index| index.starts_with("..."))
        .all(|index| result.iter().any(|known| known == index));
    let message = format!("a right program is refused: {refusal}");
    (right && kept).then(|| Finding::new(NAME, "frontend", 0, message)).map(|mut finding| {
        finding.fingerprint.kind = "a right program is refused".into();
        finding
    })
}

/// Splits at a sign that is in no bracket.
fn split(text: &str, sign: char) -> Vec<&str> {
    let (mut pieces, mut depth, mut start) = (Vec::new(), 0i32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            _ if c == sign && depth == 0 => {
                pieces.push(text[start..at].trim());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    pieces.push(text[start..].trim());
    pieces
}

/// A factor from `3`, `(-3)`, `name`, `name[i,(j k) | 3]`.
fn factor(text: &str) -> Option<Factor> {
    let number = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    if let Ok(number) = number.parse() {
        return Some(Factor::Number(number));
    }
    let Some((name, rest)) = text.split_once('[') else {
        return name(text).map(|name| Factor::Read(name, Vec::new(), None));
    };
    let inner = rest.strip_suffix(']')?;
    let (places, outside) = match inner.split_once('|') {
        Some((places, value)) => (places, Some(value.trim().parse().ok()?)),
        None => (inner, None),
    };
    let position = |text: &str| -> Option<Position> {
        match text.strip_prefix('(') {
            Some(group) => group.strip_suffix(')')?.split_whitespace().map(self::name).collect(),
            None => Some(vec![self::name(text)?]),
        }
    };
    let positions = split(places, ',').into_iter().map(position).collect::<Option<_>>()?;
    Some(Factor::Read(self::name(name)?, positions, outside))
}

/// A name, which a number or an expression is not.
fn name(text: &str) -> Option<String> {
    let text = text.trim();
    let word =
        text.chars().all(|c| c.is_ascii_alphanumeric()) && text.starts_with(|c: char| c.is_alphabetic());
    word.then(|| text.to_owned())
}

/// The equation of a program of one equation, whose result another one may copy; `None` where the program has
/// more than this reference knows.
fn equation(text: &str) -> Option<Equation> {
    let mut lines = text.lines().map(str::trim).filter(|line| line.contains('='));
    let (left, right) = lines.next()?.split_once('=')?;
    if let Some(copy) = lines.next() {
        let copied = copy.split_once('=')?.1.trim();
        if copied != left.trim() || lines.next().is_some() {
            return None;
        }
    }
    let right = right.trim();
    let product = match right.strip_prefix("sum[") {
        Some(rest) => rest.split_once(']')?.1,
        None => right,
    };
    let factors = split(product, '*').into_iter().map(factor).collect::<Option<_>>()?;
    let Factor::Read(_, result, None) = factor(left.trim())? else { return None };
    let result = result.into_iter().map(|mut members| members.pop().filter(|_| members.is_empty()));
    Some(Equation { result: result.collect::<Option<_>>()?, factors })
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
        let positions = expand(term, more).into_iter().map(|index| vec![index]).collect();
        factors.push(Factor::Read(number.to_string(), positions, None));
    }
    Some(Equation { result: expand(right.trim(), most), factors })
}

/// How long each index runs; `None` if the shapes of the operands do not fit their indices. What the shape of
/// the result says comes first, then bare positions, then groups, then positions that may be outside.
fn extents<'a>(
    equation: &'a Equation,
    shapes: &[&[usize]],
    declared: &[usize],
) -> Option<BTreeMap<&'a str, usize>> {
    let mut extents: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, &extent) in equation.result.iter().zip(declared) {
        if extents.insert(index, extent).is_some_and(|known| known != extent) {
            return None;
        }
    }
    let reads = equation.factors.iter().filter_map(|factor| match factor {
        Factor::Read(_, positions, outside) => Some((positions, outside.is_some())),
        Factor::Number(_) => None,
    });
    let reads: Vec<_> = reads.zip(shapes).collect();
    if reads.iter().any(|((positions, _), shape)| positions.len() != shape.len()) {
        return None;
    }
    let places = |padded: bool| {
        let reads = reads.iter().filter(move |((_, outside), _)| *outside == padded);
        reads.flat_map(|((positions, _), shape)| positions.iter().zip(shape.iter()))
    };
    for (position, &extent) in places(false) {
        let [index] = position.as_slice() else { continue };
        let known = extents.entry(index).or_insert(extent);
        // Under `...` length 1 goes with any length.
        match index.starts_with("...") {
            true if *known == 1 => *known = extent,
            true if extent == 1 => {}
            _ if *known != extent => return None,
            _ => {}
        }
    }
    let groups = |extents: &mut BTreeMap<&'a str, usize>, padded: bool| {
        for (position, &extent) in places(padded).filter(|(position, _)| position.len() > 1) {
            let unknown: Vec<&String> =
                position.iter().filter(|index| !extents.contains_key(index.as_str())).collect();
            if let [unknown] = unknown[..] {
                let others: usize = position
                    .iter()
                    .filter(|index| *index != unknown)
                    .map(|index| extents[index.as_str()])
                    .product();
                extents.insert(unknown, extent.checked_div(others)?);
            }
        }
        Some(())
    };
    groups(&mut extents, false)?;
    groups(&mut extents, true)?;
    let bound: Vec<&str> = extents.keys().copied().collect();
    for (position, &extent) in places(true) {
        let [index] = position.as_slice() else { continue };
        let known = *extents.entry(index).or_insert(extent);
        // Only where nothing else says how long an index runs do these say it, and then they must agree.
        if known != extent && !bound.contains(&index.as_str()) {
            return None;
        }
    }
    groups(&mut extents, false)?;
    groups(&mut extents, true)?;
    // Groups are their members, all of them.
    let whole = |position: &Position| {
        position.iter().map(|index| extents.get(index.as_str())).product::<Option<usize>>()
    };
    let fits = |(position, &extent): (&Position, &usize)| {
        whole(position).is_some_and(|all| position.len() == 1 || all == extent)
    };
    (places(false).all(fits) && places(true).all(fits)).then_some(extents)
}

/// The result of a program of one equation.
fn evaluate(text: &str, operands: &[Numbers], declared: &[usize]) -> Option<Tensor<Native>> {
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
    let reads: Option<Vec<&Numbers>> = equation
        .factors
        .iter()
        .filter_map(|factor| if let Factor::Read(name, ..) = factor { Some(operand(name)) } else { None })
        .collect();
    let shapes: Vec<&[usize]> = reads?.into_iter().map(|operand| operand.shape.as_slice()).collect();
    let extents = extents(&equation, &shapes, declared)?;
    let shape: Vec<usize> =
        equation.result.iter().map(|index| extents.get(index.as_str()).copied()).collect::<Option<_>>()?;
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
        // The place of an element; `None` outside.
        let place = |positions: &[Position], shape: &[usize]| {
            positions.iter().zip(shape).try_fold(0, |place, (position, &extent)| {
                let own =
                    position.iter().fold(0, |own, index| own * extents[index.as_str()] + at[index.as_str()]);
                // What stands under `...` goes with length 1.
                let own = if position[0].starts_with("...") && extent == 1 { 0 } else { own };
                (own < extent).then_some(place * extent + own)
            })
        };
        let (mut integer, mut real) = (1i128, 1.0f64);
        // All that is known in the end is the number modulo 2^64.
        let times = |integer: &mut i128, value: i64| {
            *integer = i128::from(integer.wrapping_mul(i128::from(value)) as i64);
        };
        for factor in &equation.factors {
            let (name, positions, outside) = match factor {
                Factor::Number(number) => {
                    times(&mut integer, *number);
                    real *= *number as f64;
                    continue;
                }
                Factor::Read(name, positions, outside) => (name, positions, outside),
            };
            let numbers = operand(name)?;
            let element = match place(positions, &numbers.shape) {
                Some(place) => *numbers.elements.get(place)?,
                None if dtype.is_int() => Element::Int((*outside)?),
                None => Element::Real((*outside)? as f64),
            };
            match element {
                Element::Int(value) => times(&mut integer, value),
                Element::Real(value) => real *= value,
                Element::Bool(_) | Element::Complex(..) => return None,
            }
        }
        let result: Vec<Position> = equation.result.iter().map(|index| vec![index.clone()]).collect();
        let target = place(&result, &shape)?;
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
        let result = evaluate(text, std::slice::from_ref(&numbers), &[]).expect("a result");
        assert_eq!(result.data, [Value::Int(5)]);
        let text = "in  x : i64[a, b]\nout y : i64[b, a]\ny[j,i] = x[i,j]\n";
        let result = evaluate(text, &[numbers], &[]).expect("a result");
        assert_eq!(result.data, [1, 3, 2, 4].map(Value::Int));
    }

    #[test]
    fn a_right_program_must_not_be_refused() {
        assert!(refused("# i64[2, 2, 3] i64[1]\nii...,...->i...\n", "no").is_some());
        // Sizes, ranks and results that do not fit.
        for text in ["# i64[2, 3]\nii->i\n", "# i64[2]\nij->i\n", "# i64[2]\ni->j\n", "# i64[2]\ni->ii\n"] {
            assert!(refused(text, "no").is_none(), "{text}");
        }
    }

    #[test]
    fn an_einsum_string_takes_the_diagonal_of_its_first_axes() {
        let numbers =
            Numbers { dtype: Dtype::I64, shape: vec![2, 2, 2], elements: (0..8).map(Element::Int).collect() };
        let result = evaluate("# i64[2, 2, 2]\nii...->i...\n", &[numbers], &[]).expect("a result");
        assert_eq!(result.shape, [2, 2]);
        assert_eq!(result.data, [0, 1, 6, 7].map(Value::Int));
    }
}
