//! Classic einsum strings: `ij,jk->ik`.

use super::{Options, Program};
use crate::ast::{Einsum, Span, Subscripts};
use crate::diagnostic::{Code, Diagnostic};

/// Compiles an einsum string by writing it as an `.ein` program.
pub fn compile(einsum: &Einsum, options: &Options) -> Result<Program, Vec<Diagnostic>> {
    let text = program_text(einsum, options).map_err(|diagnostic| vec![*diagnostic])?;
    let (file, diagnostics) = crate::parse(&text);
    let compiled = super::compile_file(&text, &file, diagnostics, options).map(|mut program| {
        for output in &mut program.graph.outputs {
            output.name = "out".into();
        }
        program
    });
    compiled.map_err(|list| {
        // Positions in the generated text mean nothing to the author of the string.
        list.into_iter()
            .map(|diagnostic| {
                let mut moved = Diagnostic::new(Code::EinsumOperands, diagnostic.message);
                moved.labels.push(crate::diagnostic::Label { span: einsum.span, text: String::new() });
                moved.help("an index has one size; size-1 axes do not broadcast")
            })
            .collect()
    })
}

/// Axes before `...` that an operand has.
fn ellipsis_rank(subscripts: &Subscripts, rank: usize) -> usize {
    if subscripts.ellipsis.is_some() { rank.saturating_sub(subscripts.letters.len()) } else { 0 }
}

/// The names of the axes of one term; those of `...` are counted from its right end.
fn axes(subscripts: &Subscripts, ellipsis: usize) -> Vec<String> {
    let mut names: Vec<String> = subscripts.letters.iter().map(|(letter, _)| index(*letter)).collect();
    if let Some(at) = subscripts.ellipsis {
        let dots = (0..ellipsis).map(|k| format!("dots{}", ellipsis - k));
        names.splice(at..at, dots);
    }
    names
}

fn index(letter: char) -> String {
    format!("i_{letter}")
}

fn program_text(einsum: &Einsum, options: &Options) -> Result<String, Box<Diagnostic>> {
    let count = einsum.operands.len();
    let given = !options.operands.is_empty();
    if given && options.operands.len() != count {
        return Err(wrong(
            format!("the einsum string has {count} operands, {} are given", options.operands.len()),
            einsum.span,
        ));
    }
    let mut declarations = String::new();
    let mut factors = Vec::new();
    let mut dtypes = Vec::new();
    let mut widest = 0;
    let mut seen: Vec<(String, usize)> = Vec::new();
    for (position, term) in einsum.operands.iter().enumerate() {
        let operand = options.operands.get(position);
        let rank = operand.map_or(term.letters.len(), |operand| operand.shape.len());
        let fits =
            if term.ellipsis.is_some() { rank >= term.letters.len() } else { rank == term.letters.len() };
        if !fits {
            return Err(wrong(
                format!(
                    "operand {} has {}, but its term {}",
                    position + 1,
                    super::axes(rank),
                    term.letters.len()
                ),
                term.span,
            ));
        }
        let dots = ellipsis_rank(term, rank);
        widest = widest.max(dots);
        let names = axes(term, dots);
        let name = operand.map_or_else(|| format!("arg{position}"), |operand| operand.name.clone());
        // What is not a word of the language, or is given twice, is called after its position.
        let twice = options.operands[..position.min(options.operands.len())].iter().any(|o| o.name == name);
        let name = if is_name(&name) && !twice { name } else { format!("arg{position}") };
        let dtype = operand.map_or("f32", |operand| operand.dtype.name());
        dtypes.push(dtype);
        let dims: Vec<String> = match operand {
            Some(operand) => operand.shape.iter().map(ToString::to_string).collect(),
            None => term.letters.iter().map(|(letter, _)| format!("n_{letter}")).collect(),
        };
        let shape = if dims.is_empty() { String::new() } else { format!("[{}]", dims.join(", ")) };
        declarations.push_str(&format!("in {name} : {dtype}{shape}\n"));
        factors.push(if names.is_empty() { name } else { format!("{name}[{}]", names.join(", ")) });
        for letter in term.letters.iter().map(|(letter, _)| index(*letter)) {
            match seen.iter_mut().find(|(known, _)| *known == letter) {
                Some((_, times)) => *times += 1,
                None => seen.push((letter, 1)),
            }
        }
    }
    let output = match &einsum.output {
        Some(term) => {
            for (letter, span) in &term.letters {
                if !seen.iter().any(|(known, _)| *known == index(*letter)) {
                    return Err(wrong(format!("{letter} of the result is in no operand"), *span));
                }
            }
            axes(term, if term.ellipsis.is_some() { widest } else { 0 })
        }
        None => {
            let mut once: Vec<String> =
                seen.iter().filter(|(_, times)| *times == 1).map(|(letter, _)| letter.clone()).collect();
            once.sort();
            (0..widest).map(|k| format!("dots{}", widest - k)).chain(once).collect()
        }
    };
    let left = if output.is_empty() { "out_".to_owned() } else { format!("out_[{}]", output.join(", ")) };
    // `out_` is renamed to `out` in the graph: the operands may be called anything but that.
    Ok(format!("{declarations}{left} += {}\n", factors.join(" * ")))
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(char::is_alphabetic) && letters.all(|c| c.is_alphanumeric() || c == '_')
}

fn wrong(message: String, span: Span) -> Box<Diagnostic> {
    Box::new(
        Diagnostic::new(Code::EinsumOperands, message)
            .label(span, "does not fit")
            .help("one group of letters for every operand, one letter for every axis"),
    )
}
