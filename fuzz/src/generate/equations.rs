//! Random equations: contractions as people write them, for which a direct sum is the reference.

use super::EXTENTS;
use crate::choices::Choices;
use std::fmt::Write;
use tcc_ir::Bindings;

/// Letters of indices, and the sizes that their axes have.
const LETTERS: [char; 4] = ['i', 'j', 'k', 'l'];
const SIZES: [&str; 4] = ["a", "b", "c", "d"];

/// In how many of 100 reads one axis is a group of two indices, or any place may be outside.
const GROUPS: usize = 12;
const PADDED: usize = 15;
/// In how many of 100 programs a whole number is a factor, too.
const NUMBERS: usize = 25;
/// In how many of 100 programs the result is computed in a tensor whose shape is not declared.
const UNDECLARED: usize = 30;

/// Whole numbers: around what fits in the dtypes, as far as all dtypes have them.
const WHOLE: &[i64] = &[2, 3, -1, 7, 0];
const WHOLE_OF_INTEGERS: &[i64] = &[2, -3, 0, 255, 65_537, 16_777_217, -16_777_219, 2_147_483_647];

/// The text of a program, and a size for each of its symbols.
pub fn source(choices: &mut Choices) -> (String, Bindings) {
    let letters = 1 + choices.below(4);
    let dtype = choices.pick(&["f64", "f32", "i64", "i32"]).unwrap_or("f64");
    // Two letters may share a size: then shapes hide what is transposed.
    let sizes: Vec<&str> =
        (0..letters).map(|at| if at > 0 && choices.chance(30) { SIZES[0] } else { SIZES[at] }).collect();
    let mut bindings = Bindings::new();
    let size = |choices: &mut Choices| choices.weighted(EXTENTS).unwrap_or(2).min(9);
    for name in &sizes {
        bindings.insert((*name).into(), size(choices));
    }
    let mut declared = String::new();
    let mut terms = Vec::new();
    let mut used = Vec::new();
    for number in 0..1 + choices.below(3) {
        let rank = choices.below(4);
        let (mut shape, mut names) = (Vec::new(), Vec::new());
        let padded = rank > 0 && choices.chance(PADDED);
        let group = if rank > 0 && choices.chance(GROUPS) { choices.below(rank) } else { rank };
        for axis in 0..rank {
            // Letters may repeat: a diagonal.
            let at = choices.below(letters);
            used.push(at);
            if axis == group && letters > 1 {
                let other = (at + 1 + choices.below(letters - 1)) % letters;
                used.push(other);
                shape.push(format!("{}*{}", sizes[at], sizes[other]));
                names.push(format!("({} {})", LETTERS[at], LETTERS[other]));
                continue;
            }
            // Where any place may be outside, the axis need not be as long as its index runs.
            let own = format!("p{number}{axis}");
            shape.push(match padded && choices.chance(60) {
                true => {
                    bindings.insert(own.as_str().into(), size(choices));
                    own
                }
                false => sizes[at].to_owned(),
            });
            names.push(LETTERS[at].to_string());
        }
        let outside = match padded {
            true => format!(" | {}", choices.pick(WHOLE).unwrap_or(1)),
            false => String::new(),
        };
        let name = format!("x{number}");
        let _ = writeln!(declared, "in  {name} : {dtype}{}", bracket(&shape.join(", ")));
        terms.push(format!("{name}{}", bracket(&(names.join(",") + &outside))));
    }
    if choices.chance(NUMBERS) {
        let table = if dtype.starts_with('i') { WHOLE_OF_INTEGERS } else { WHOLE };
        let number = choices.pick(table).unwrap_or(2);
        terms.push(if number < 0 { format!("({number})") } else { number.to_string() });
    }
    used.sort_unstable();
    used.dedup();
    let mut result: Vec<usize> = used.iter().copied().filter(|_| choices.chance(50)).collect();
    if choices.chance(40) {
        result.reverse();
    }
    let shape: Vec<&str> = result.iter().map(|&at| sizes[at]).collect();
    let names: Vec<String> = result.iter().map(|&at| LETTERS[at].to_string()).collect();
    let summed: Vec<String> =
        used.iter().filter(|at| !result.contains(at)).map(|&at| LETTERS[at].to_string()).collect();
    let sum = if summed.is_empty() { String::new() } else { format!("sum[{}] ", summed.join(",")) };
    let _ = writeln!(declared, "out y : {dtype}{}", bracket(&shape.join(", ")));
    bindings.retain(|name, _| words(&declared).any(|word| *word == **name));
    let (left, right) = (bracket(&names.join(",")), terms.join(" * "));
    let text = match choices.chance(UNDECLARED) {
        true => format!("{declared}t{left} = {sum}{right}\ny{left} = t{left}\n"),
        false => format!("{declared}y{left} = {sum}{right}\n"),
    };
    (text, bindings)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
}

fn bracket(inner: &str) -> String {
    if inner.is_empty() { String::new() } else { format!("[{inner}]") }
}

/// The text of an einsum string after a comment that says what its operands are: `# f64[3, 3, 2]`, `ii...->i...`.
pub fn einsum(choices: &mut Choices) -> String {
    let letters = 1 + choices.below(3);
    let dtype = choices.pick(&["f64", "f32", "i64", "i32"]).unwrap_or("f64");
    let size = |choices: &mut Choices| choices.weighted(EXTENTS).unwrap_or(2).min(5);
    let sizes: Vec<i64> = (0..letters).map(|_| size(choices)).collect();
    // The axes that `...` stands for, the last one last; an operand has some of the last ones.
    let more: Vec<i64> = (0..choices.below(3)).map(|_| size(choices)).collect();
    let (mut operands, mut terms, mut used) = (Vec::new(), Vec::new(), Vec::new());
    let mut dots = false;
    for _ in 0..1 + choices.below(3) {
        let rank = choices.below(4);
        let indices: Vec<usize> = (0..rank).map(|_| choices.below(letters)).collect();
        used.extend(indices.iter().copied());
        let mut term: Vec<String> = indices.iter().map(|&at| LETTERS[at].to_string()).collect();
        let mut shape: Vec<i64> = indices.iter().map(|&at| sizes[at]).collect();
        if choices.chance(60) {
            dots = true;
            let at = choices.below(rank + 1);
            let skipped = choices.below(more.len() + 1);
            let stretched = |size: i64, choices: &mut Choices| if choices.chance(35) { 1 } else { size };
            let axes: Vec<i64> = more[skipped..].iter().map(|&size| stretched(size, choices)).collect();
            shape.splice(at..at, axes);
            term.insert(at, "...".into());
        }
        let shape: Vec<String> = shape.iter().map(ToString::to_string).collect();
        operands.push(format!("{dtype}[{}]", shape.join(", ")));
        terms.push(term.concat());
    }
    used.sort_unstable();
    used.dedup();
    let mut result: Vec<String> =
        used.iter().filter(|_| choices.chance(50)).map(|&at| LETTERS[at].to_string()).collect();
    if choices.chance(40) {
        result.reverse();
    }
    if dots {
        let at = choices.below(result.len() + 1);
        result.insert(at, "...".into());
    }
    format!("# {}\n{}->{}\n", operands.join(" "), terms.join(","), result.concat())
}
