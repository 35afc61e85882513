//! Classic einsum strings: `ij,jk->ik`.

use super::{Operand, Options, Program};
use crate::ast::{Einsum, Span, Subscripts};
use crate::diagnostic::{Code, Diagnostic, Label};
use tcc_ir::planted;

/// What names an axis: a letter, or its place under `...`, counted from the right end.
#[derive(Clone, Copy, PartialEq)]
enum Axis {
    Letter(char),
    Ellipsis(usize),
}

/// An axis and how long it is, where that is known: from the operand that says so first.
struct Size {
    axis: Axis,
    length: Option<usize>,
    operand: usize,
    span: Span,
}

/// Compiles an einsum string by writing it as an `.ein` program.
pub fn compile(einsum: &Einsum, options: &Options) -> Result<Program, Vec<Diagnostic>> {
    let text = program_text(einsum, options).map_err(|diagnostic| vec![*diagnostic])?;
    let (file, diagnostics) = crate::parse(&text);
    // Positions in the generated text mean nothing to the author of the string.
    let moved = |diagnostic: Diagnostic| Diagnostic {
        labels: vec![Label { span: einsum.span, text: String::new() }],
        ..diagnostic
    };
    // Its result is not declared, as in an expression.
    let options = Options { expression: true, ..options.clone() };
    let mut program = super::compile_file(&text, &file, diagnostics, &options)
        .map_err(|list| list.into_iter().map(moved).collect::<Vec<_>>())?;
    program.warnings = program.warnings.into_iter().map(moved).collect();
    program.graph.outputs.iter_mut().for_each(|output| output.name = "out".into());
    program.graph.requirements.iter_mut().for_each(|requirement| requirement.span = None);
    program.graph.checks.iter_mut().for_each(|check| check.span = None);
    for row in &mut program.sizes {
        (row.equation, row.span) = ("out".into(), einsum.span);
    }
    Ok(program)
}

/// How many axes stand under the `...` of a term whose operand has `rank` axes.
fn under_ellipsis(term: &Subscripts, rank: usize) -> usize {
    let mut letters: Vec<char> = term.letters.iter().map(|letter| letter.0).collect();
    if let (true, Some((before, _))) = (planted(2), term.ellipsis) {
        // Planted bug 2.
        let repeated = (0..before).filter(|&at| letters[..at].contains(&letters[at])).count();
        letters.extend(vec![' '; repeated]);
    }
    if term.ellipsis.is_some() { rank.saturating_sub(letters.len()) } else { 0 }
}

/// The axes of one term in order, with `count` of them under `...`.
fn axes(term: &Subscripts, count: usize) -> Vec<(Axis, Span)> {
    let mut list: Vec<_> = term.letters.iter().map(|(letter, span)| (Axis::Letter(*letter), *span)).collect();
    if let Some((at, span)) = term.ellipsis {
        list.splice(at..at, (0..count).map(|k| (Axis::Ellipsis(count - k), span)));
    }
    list
}

fn program_text(einsum: &Einsum, options: &Options) -> Result<String, Box<Diagnostic>> {
    let given = &options.operands;
    let count = einsum.operands.len();
    if !given.is_empty() && given.len() != count {
        return Err(wrong(
            format!("the einsum string has {count} operands, {} are given", given.len()),
            einsum.span,
            "one group of letters for every operand",
        ));
    }
    let mut terms = Vec::new();
    for (position, term) in einsum.operands.iter().enumerate() {
        let rank = rank(term, position, given.get(position))?;
        terms.push(axes(term, under_ellipsis(term, rank)));
    }
    let sizes = sizes(&terms, given)?;
    let taken = |name: &str| given.iter().any(|operand| operand.name == name);
    let free = |mut name: String| {
        while taken(&name) {
            name.push('_');
        }
        name
    };
    let index = |axis: Axis| match axis {
        Axis::Letter(letter) => free(letter.to_string()),
        Axis::Ellipsis(place) => free(format!("axis{place}")),
    };
    let length = |axis: Axis| sizes.iter().find(|size| size.axis == axis).and_then(|size| size.length);
    let (mut declarations, mut factors) = (String::new(), Vec::new());
    for (position, term) in terms.iter().enumerate() {
        let operand = given.get(position);
        let name = operand_name(position, given);
        let shape = operand.and_then(|operand| operand.shape.as_ref());
        let mut dims = Vec::new();
        let mut indices = Vec::new();
        for (place, (axis, _)) in term.iter().enumerate() {
            let own = shape.map(|shape| shape[place]);
            // An axis of length 1 under `...` is read at its only place by all others.
            let spread = matches!(axis, Axis::Ellipsis(_)) && own == Some(1) && length(*axis) != Some(1);
            indices.push(if spread { "0".to_owned() } else { index(*axis) });
            dims.push(match own.or(length(*axis)) {
                Some(length) => length.to_string(),
                None => free(format!("n_{}", index(*axis))),
            });
        }
        let brackets =
            |list: &[String]| if list.is_empty() { String::new() } else { format!("[{}]", list.join(", ")) };
        let dtype = operand.map_or("f32", |operand| operand.dtype.name());
        declarations.push_str(&format!("in {name} : {dtype}{}\n", brackets(&dims)));
        factors.push(format!("{name}{}", brackets(&indices)));
    }
    let output: Vec<String> = output(einsum, &terms)?.into_iter().map(index).collect();
    let left = free("out".to_owned() + "_");
    let left = if output.is_empty() { left } else { format!("{left}[{}]", output.join(", ")) };
    Ok(format!("{declarations}{left} += {}\n", factors.join(" * ")))
}

/// The number of axes of an operand, which its term must fit.
fn rank(term: &Subscripts, position: usize, operand: Option<&Operand>) -> Result<usize, Box<Diagnostic>> {
    let letters = term.letters.len();
    let Some(shape) = operand.and_then(|operand| operand.shape.as_ref()) else { return Ok(letters) };
    let rank = shape.len();
    if rank == letters || rank > letters && term.ellipsis.is_some() {
        return Ok(rank);
    }
    let has = super::axes(rank);
    let noun = if letters == 1 { "letter" } else { "letters" };
    Err(wrong(
        format!("operand {} has {has}, but its term has {letters} {noun}", position + 1),
        term.span,
        "one letter for every axis; `...` stands for any number of axes",
    ))
}

/// The length of every axis. Letters agree exactly; axes under `...` agree or have length 1.
fn sizes(terms: &[Vec<(Axis, Span)>], given: &[Operand]) -> Result<Vec<Size>, Box<Diagnostic>> {
    let mut sizes: Vec<Size> = Vec::new();
    for (operand, term) in terms.iter().enumerate() {
        let shape = given.get(operand).and_then(|given| given.shape.as_ref());
        for (place, &(axis, span)) in term.iter().enumerate() {
            let length = shape.map(|shape| shape[place]);
            let own = Size { axis, length, operand, span };
            let Some(known) = sizes.iter_mut().find(|size| size.axis == axis) else {
                sizes.push(own);
                continue;
            };
            let spreads = |length: Option<usize>| matches!(axis, Axis::Ellipsis(_)) && length == Some(1);
            let wider = length != known.length && spreads(known.length) && !planted(6); // Planted bug 6.
            if known.length.is_none() || wider {
                *known = own;
            } else if length.is_some() && length != known.length && !spreads(length) {
                return Err(disagree(known, &own));
            }
        }
    }
    Ok(sizes)
}

fn disagree(first: &Size, second: &Size) -> Box<Diagnostic> {
    let length = |size: &Size| size.length.map_or("unknown".to_owned(), |length| length.to_string());
    let says = |size: &Size| format!("{} in operand {}", length(size), size.operand + 1);
    let (what, help) = match first.axis {
        Axis::Letter(letter) => {
            (format!("`{letter}`"), "a letter has one size; axes of length 1 broadcast under `...` only")
        }
        Axis::Ellipsis(1) => {
            ("the last axis under `...`".to_owned(), "axes under `...` have one size, or length 1")
        }
        Axis::Ellipsis(place) => (
            format!("axis {place} from the right under `...`"),
            "axes under `...` have one size, or length 1",
        ),
    };
    let message = format!("{what} is {} but {}", says(first), says(second));
    let diagnostic = Diagnostic::new(Code::EinsumOperands, message)
        .label(second.span, format!("{} here", length(second)))
        .label(first.span, format!("{} here", length(first)));
    Box::new(diagnostic.help(help))
}

/// The axes of the result. Without `->` they are numpy's: those under `...`, then the letters that stand
/// once, in alphabetical order.
fn output(einsum: &Einsum, terms: &[Vec<(Axis, Span)>]) -> Result<Vec<Axis>, Box<Diagnostic>> {
    let all = || terms.iter().flatten().map(|(axis, _)| *axis);
    let ellipsis = |axis: Axis| if let Axis::Ellipsis(place) = axis { place } else { 0 };
    let widest = all().map(ellipsis).max().unwrap_or(0);
    if let Some(term) = &einsum.output {
        if term.ellipsis.is_none() && widest > 0 {
            return Err(wrong(
                format!("the output has no place for the {} under `...`", super::axes(widest)),
                term.span,
                "write `...` in the output too; to sum over axes, give them letters",
            ));
        }
        return Ok(axes(term, widest).into_iter().map(|(axis, _)| axis).collect());
    }
    let mut once: Vec<char> = all()
        .filter_map(|axis| match axis {
            Axis::Letter(letter) if all().filter(|other| *other == axis).count() == 1 => Some(letter),
            _ => None,
        })
        .collect();
    once.sort_unstable();
    let under = (0..widest).map(|k| Axis::Ellipsis(widest - k));
    Ok(under.chain(once.into_iter().map(Axis::Letter)).collect())
}

/// The name of an operand in the program. What is not a word of the language, or is given twice, is called
/// after its position.
fn operand_name(position: usize, given: &[Operand]) -> String {
    let is_name = |name: &str| {
        let mut letters = name.chars();
        letters.next().is_some_and(char::is_alphabetic) && letters.all(|c| c.is_alphanumeric() || c == '_')
    };
    let own = given.get(position).map(|operand| &operand.name);
    let twice = given.iter().take(position).any(|other| Some(&other.name) == own);
    own.filter(|name| is_name(name) && !twice).cloned().unwrap_or_else(|| format!("arg{position}"))
}

fn wrong(message: String, span: Span, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(Code::EinsumOperands, message).label(span, "").help(help))
}
