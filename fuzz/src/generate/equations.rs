//! Random equations: contractions as people write them, for which a direct sum is the reference.

use super::EXTENTS;
use crate::choices::Choices;
use std::fmt::Write;
use tcc_ir::Bindings;

/// Letters of indices, and the sizes that their axes have.
const LETTERS: [char; 4] = ['i', 'j', 'k', 'l'];
const SIZES: [&str; 4] = ["a", "b", "c", "d"];

/// The text of a program, and a size for each of its symbols.
pub fn source(choices: &mut Choices) -> (String, Bindings) {
    let letters = 1 + choices.below(4);
    let dtype = choices.pick(&["f64", "f32", "i64", "i32"]).unwrap_or("f64");
    // Two letters may share a size: then shapes hide what is transposed.
    let sizes: Vec<&str> =
        (0..letters).map(|at| if at > 0 && choices.chance(30) { SIZES[0] } else { SIZES[at] }).collect();
    let mut bindings = Bindings::new();
    for name in &sizes {
        let size = choices.weighted(EXTENTS).unwrap_or(2).min(9);
        bindings.insert((*name).into(), size);
    }
    let mut text = String::new();
    let mut terms = Vec::new();
    let mut used = Vec::new();
    for number in 0..1 + choices.below(3) {
        let rank = choices.below(4);
        // Letters may repeat: a diagonal.
        let indices: Vec<usize> = (0..rank).map(|_| choices.below(letters)).collect();
        used.extend(indices.iter().copied());
        let shape: Vec<&str> = indices.iter().map(|&at| sizes[at]).collect();
        let names: Vec<String> = indices.iter().map(|&at| LETTERS[at].to_string()).collect();
        let name = format!("x{number}");
        let _ = writeln!(text, "in  {name} : {dtype}{}", bracket(&shape.join(", ")));
        terms.push(format!("{name}{}", bracket(&names.join(","))));
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
    let _ = writeln!(text, "out y : {dtype}{}", bracket(&shape.join(", ")));
    let _ = writeln!(text, "y{} = {sum}{}", bracket(&names.join(",")), terms.join(" * "));
    bindings.retain(|name, _| used.iter().any(|&at| *sizes[at] == **name));
    (text, bindings)
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
        if choices.chance(40) {
            dots = true;
            let at = choices.below(rank + 1);
            let skipped = choices.below(more.len() + 1);
            let stretched = |size: i64, choices: &mut Choices| if choices.chance(20) { 1 } else { size };
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
