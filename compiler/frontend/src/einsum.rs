//! The classic einsum string, `ij,jk->ik`.

use crate::ast::{Einsum, Span, Subscripts};
use crate::diagnostic::{Code, Diagnostic};
use crate::tokens::begins_name;

/// The longest einsum string, in bytes.
const MAX_LENGTH: usize = 4096;

/// Whether `text` is an einsum string: no `=` outside brackets and no `[`.
pub(crate) fn looks_like_einsum(text: &str) -> bool {
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '[' => return false,
            '=' if depth == 0 => return false,
            '(' | '{' => depth += 1,
            ')' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// Reads an einsum string; blanks have no meaning.
pub(crate) fn parse(text: &str) -> (Einsum, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let span = Span::new(0, text.len());
    if text.len() > MAX_LENGTH || text.trim().is_empty() {
        let (code, message) = match text.trim().is_empty() {
            true => (Code::BadEinsum, "there is no program here".to_string()),
            false => (Code::TooLarge, format!("an einsum string has at most {MAX_LENGTH} bytes")),
        };
        let diagnostic =
            Diagnostic::new(code, message).label(span, "").help("an einsum string looks like ij,jk->ik");
        return (Einsum { operands: Vec::new(), output: None, span }, vec![diagnostic]);
    }
    let (left, right) = match text.find("->") {
        Some(at) => (Span::new(0, at), Some(Span::new(at + 2, text.len()))),
        None => (Span::new(0, text.len()), None),
    };
    let mut operands = Vec::new();
    let mut start = left.start;
    for term in left.text(text).split(',') {
        operands.push(subscripts(text, Span::new(start, start + term.len()), &mut diagnostics));
        start += term.len() + 1;
    }
    let output = right.map(|span| subscripts(text, span, &mut diagnostics));
    let einsum = Einsum { operands, output, span };
    if diagnostics.is_empty() {
        check_output(&einsum, &mut diagnostics);
    }
    (einsum, diagnostics)
}

/// The letters of one operand or of the output.
fn subscripts(text: &str, span: Span, diagnostics: &mut Vec<Diagnostic>) -> Subscripts {
    let mut letters = Vec::new();
    let mut ellipsis = None;
    let mut at = span.start;
    while let Some(c) = text[at..span.end].chars().next() {
        let mut here = Span::new(at, at + c.len_utf8());
        if text[at..span.end].starts_with("...") {
            here.end = at + 3;
            if ellipsis.replace(letters.len()).is_some() {
                diagnostics.push(
                    Diagnostic::new(Code::BadEinsum, "`...` stands twice in one group of letters")
                        .label(here, ""),
                );
            }
        } else if begins_name(c) {
            letters.push((c, here));
        } else if !c.is_whitespace() {
            diagnostics.push(unexpected_character(c, here));
            break;
        }
        at = here.end;
    }
    Subscripts { letters, ellipsis, span }
}

fn unexpected_character(c: char, span: Span) -> Diagnostic {
    Diagnostic::new(Code::BadEinsum, format!("`{}` has no place in an einsum string", c.escape_debug()))
        .label(span, "expected a letter, `...`, `,` or `->`")
        .help("an einsum string looks like ij,jk->ik; a program needs an equation: C[i,k] += A[i,j]*B[j,k]")
}

/// The letters of the output come from the operands, each at most once.
fn check_output(einsum: &Einsum, diagnostics: &mut Vec<Diagnostic>) {
    let Some(output) = &einsum.output else { return };
    for (at, (letter, span)) in output.letters.iter().enumerate() {
        if !einsum.operands.iter().any(|operand| operand.letters.iter().any(|(other, _)| other == letter)) {
            diagnostics.push(
                Diagnostic::new(Code::BadEinsum, format!("`{letter}` of the output is in no operand"))
                    .label(*span, "its size is unknown")
                    .help("use letters of the operands only"),
            );
        } else if let Some((_, first)) = output.letters[..at].iter().find(|(other, _)| other == letter) {
            diagnostics.push(
                Diagnostic::new(Code::BadEinsum, format!("`{letter}` stands twice in the output"))
                    .label(*span, "again")
                    .label(*first, "first")
                    .help("write it once; a diagonal is an equation: D[i,i] = v[i]"),
            );
        }
    }
    if output.ellipsis.is_some() && einsum.operands.iter().all(|operand| operand.ellipsis.is_none()) {
        diagnostics.push(
            Diagnostic::new(Code::BadEinsum, "`...` of the output is in no operand")
                .label(output.span, "")
                .help("remove it, or write `...` in an operand too"),
        );
    }
}
