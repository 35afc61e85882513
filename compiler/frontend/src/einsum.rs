//! The classic einsum string, `ij,jk->ik`.

use crate::ast::{Einsum, Span, Subscripts};
use crate::diagnostic::{Code, Diagnostic};
use crate::tokens::begins_name;

/// The longest einsum string, in bytes.
const MAX_LENGTH: usize = 4096;

/// The byte order mark that some editors put at the beginning of a file.
const MARK: char = '\u{feff}';

/// Whether the text of a file is an einsum string: one line of letters, commas, dots and arrows beside
/// blank lines and comments. Any other text without `=` is taken for an unfinished program.
pub fn is_einsum(source: &str) -> bool {
    let source = source.strip_prefix(MARK).unwrap_or(source);
    let mut lines = source.lines().map(|line| line.split('#').next().unwrap_or("").trim());
    let fits = |c: char| begins_name(c) || c.is_whitespace() || ",.->".contains(c);
    let first = lines.find(|line| !line.is_empty());
    first.is_some_and(|line| line.chars().all(fits)) && lines.all(str::is_empty)
}

/// The text with blanks in the place of comments and of the byte order mark.
fn without_comments(source: &str) -> String {
    let mut comment = false;
    let blank = |c: char| {
        comment = c == '#' || comment && c != '\n' && c != '\r';
        if comment || c == MARK { " ".repeat(c.len_utf8()) } else { c.to_string() }
    };
    source.chars().map(blank).collect()
}

/// Whether the text of an expression is an einsum string: no `=` outside brackets and no `[`.
pub(crate) fn looks_like_einsum(text: &str) -> bool {
    let mut depth = 0usize;
    for c in without_comments(text).chars() {
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
pub(crate) fn parse(source: &str) -> (Einsum, Vec<Diagnostic>) {
    let text = &without_comments(source);
    let mut diagnostics = Vec::new();
    let span = trimmed(text, Span::new(0, text.len()));
    if span.end - span.start > MAX_LENGTH || text.trim().is_empty() {
        let (code, message) = match text.trim().is_empty() {
            true => (Code::BadEinsum, "there is no program here".to_string()),
            false => (Code::TooLarge, format!("an einsum string has at most {MAX_LENGTH} bytes")),
        };
        let diagnostic =
            Diagnostic::new(code, message).label(span, "").help("an einsum string looks like ij,jk->ik");
        return (Einsum { operands: Vec::new(), output: None, span }, vec![diagnostic]);
    }
    let (left, right) = match text.find("->") {
        Some(at) => (Span::new(span.start, at), Some(Span::new(at + 2, span.end))),
        None => (span, None),
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
            if ellipsis.replace((letters.len(), here)).is_some() {
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
    Subscripts { letters, ellipsis, span: trimmed(text, span) }
}

/// The span without the blanks at its ends.
fn trimmed(text: &str, span: Span) -> Span {
    let inside = span.text(text);
    let start = span.start + inside.len() - inside.trim_start().len();
    Span::new(start, start + inside.trim().len())
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
}
