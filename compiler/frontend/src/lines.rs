//! Splits a file into logical lines: one statement each, spans pointing into the original text.
//!
//! A logical line goes on while a bracket is open or the next line is indented more than the
//! file as a whole. A forgotten bracket or a stray indentation would swallow the statements
//! below it, so a line that can only be the beginning of a statement always begins one; that never
//! cuts a correct program, since `=` stands inside no bracket and twice in no statement.

use crate::ast::{Span, TypeName};
use crate::diagnostic::{Code, Diagnostic};
use crate::tokens::{Token, TokenKind, tokenize};

/// One statement, or attributes that belong to the next one.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// The tokens without comments and line ends; never empty.
    pub tokens: Vec<Token>,
    /// Whether its brackets or indentation were already complained about, so that it is not parsed.
    pub broken: bool,
}

impl Line {
    /// From the first token to the last.
    pub fn span(&self) -> Span {
        match (self.tokens.first(), self.tokens.last()) {
            (Some(first), Some(last)) => first.span.join(last.span),
            _ => Span::default(),
        }
    }
}

/// What separates statements besides line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Separator {
    /// Line ends only, as in files.
    LineEnd,
    /// Also `;`, as on the command line.
    Semicolon,
}

/// The text of a source file, when it is UTF-8.
pub fn decode(bytes: &[u8]) -> Result<&str, Diagnostic> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let line = 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count();
        let found = match bytes {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "the file looks like UTF-16".to_string(),
            _ => format!("byte {:#04x} on line {line} is no UTF-8", bytes.get(at).copied().unwrap_or(0)),
        };
        Diagnostic::new(Code::NotUtf8, format!("this is not UTF-8 text: {found}"))
            .label(Span::new(at, at), "the first byte that is none")
            .help("save the file as UTF-8")
    })
}

/// Splits `source`; the diagnostics are about brackets and indentation.
pub(crate) fn split(source: &str, separator: Separator) -> (Vec<Line>, Vec<Diagnostic>) {
    let tokens = tokenize(source);
    let physical = physical_lines(source, &tokens, separator);
    let common = common_indentation(source, &physical);
    let mut splitter = Splitter { source, lines: Vec::new(), open: Vec::new(), diagnostics: Vec::new() };
    for (indent, tokens) in physical {
        splitter.physical_line(indent > common, tokens);
    }
    splitter.close_line();
    (splitter.lines, splitter.diagnostics)
}

/// The lines of the file that hold tokens other than comments, each with the width of its indentation.
fn physical_lines<'a>(source: &str, tokens: &'a [Token], separator: Separator) -> Vec<(usize, &'a [Token])> {
    let mut lines = Vec::new();
    let mut line_start = if source.starts_with('\u{feff}') { 3 } else { 0 };
    let is_end = |token: &Token| {
        token.kind == TokenKind::LineEnd || (separator == Separator::Semicolon && token.is(source, ";"))
    };
    let mut rest = tokens;
    while !rest.is_empty() {
        let length = rest.iter().position(is_end).unwrap_or(rest.len());
        let line = &rest[..length];
        let end = rest.get(length);
        let code = line.split(|token| token.kind == TokenKind::Comment).next().unwrap_or(line);
        if let Some(first) = code.first() {
            lines.push((first.span.start - line_start, code));
        }
        line_start = end.map_or(source.len(), |token| token.span.end);
        // What follows a `;` is a new statement whatever the blanks in front of it.
        if end.is_some_and(|token| token.kind == TokenKind::Sign)
            && let Some(next) = rest.get(length + 1)
        {
            line_start = next.span.start;
        }
        rest = rest.get(length + 1..).unwrap_or(&[]);
    }
    lines
}

/// The smallest indentation outside brackets.
fn common_indentation(source: &str, physical: &[(usize, &[Token])]) -> usize {
    let mut depth = 0usize;
    let mut common = usize::MAX;
    for (indent, tokens) in physical {
        if depth == 0 || begins_statement(source, tokens, true) {
            common = common.min(*indent);
            depth = 0;
        }
        for token in *tokens {
            match token.bracket(source) {
                Some('(' | '[' | '{') => depth += 1,
                Some(_) => depth = depth.saturating_sub(1),
                None => {}
            }
        }
    }
    common
}

/// Collects physical lines into logical ones.
struct Splitter<'a> {
    source: &'a str,
    lines: Vec<Line>,
    /// The brackets open at the end of the last line.
    open: Vec<Token>,
    diagnostics: Vec<Diagnostic>,
}

impl Splitter<'_> {
    fn physical_line(&mut self, indented: bool, tokens: &[Token]) {
        let continues = match self.lines.last() {
            None => false,
            Some(last) if !self.open.is_empty() => {
                let strict = last.tokens.first().is_some_and(|token| token.is(self.source, "@"));
                indented || !begins_statement(self.source, tokens, strict)
            }
            Some(last) if indented => !self.stray_statement(last, tokens),
            Some(_) => false,
        };
        if !continues {
            if indented && self.open.is_empty() && !self.lines.is_empty() {
                self.complain_of_indentation(tokens);
            }
            self.close_line();
            self.lines.push(Line { tokens: Vec::new(), broken: false });
        }
        for token in tokens {
            self.track_bracket(*token);
        }
        if let Some(line) = self.lines.last_mut() {
            line.tokens.extend_from_slice(tokens);
        }
    }

    /// Whether an indented line can only be a statement of its own.
    fn stray_statement(&self, last: &Line, tokens: &[Token]) -> bool {
        let source = self.source;
        let word = |token: Option<&Token>| token.map_or("", |token| token.text(source));
        if last.tokens.first().is_some_and(|token| token.is(source, "@")) {
            return false;
        }
        if begins_declaration(source, tokens) {
            return true;
        }
        let is_declaration = begins_declaration(source, &last.tokens);
        let type_word = TypeName::from_text(word(tokens.first())).is_some()
            || ["csr", "coo", "enc", "in"].contains(&word(tokens.first()));
        begins_statement(source, tokens, false)
            && (assignment(source, &last.tokens).is_some() || (is_declaration && !type_word))
    }

    fn complain_of_indentation(&mut self, tokens: &[Token]) {
        let (Some(first), Some(last)) = (tokens.first(), self.lines.last()) else { return };
        let diagnostic = Diagnostic::new(
            Code::UnexpectedStatement,
            "this line is indented, so it goes on with the statement above, but a new one begins here",
        )
        .label(first.span, "a new statement")
        .label(last.span(), "the statement above")
        .help("remove the blanks at the beginning of the line");
        self.diagnostics.push(diagnostic);
    }

    fn track_bracket(&mut self, token: Token) {
        let Some(bracket) = token.bracket(self.source) else { return };
        if "([{".contains(bracket) {
            return self.open.push(token);
        }
        let opening = |token: &Token| token.bracket(self.source).map(partner);
        if self.open.last().and_then(opening) == Some(bracket) {
            self.open.pop();
            return;
        }
        let broken = self.lines.last().is_some_and(|line| line.broken);
        if !broken {
            self.diagnostics.push(unexpected_closing(self.source, token, self.open.last()));
        }
        if let Some(at) = self.open.iter().rposition(|open| opening(open) == Some(bracket)) {
            self.open.truncate(at);
        } else {
            self.open.pop();
        }
        if let Some(line) = self.lines.last_mut() {
            line.broken = true;
        }
    }

    /// Ends the statement; brackets still open are reported.
    fn close_line(&mut self) {
        let Some(line) = self.lines.last_mut() else { return };
        // A text without an end hides brackets behind it, and is reported on its own.
        if line.tokens.iter().any(|token| token.kind == TokenKind::UnclosedText) {
            return self.open.clear();
        }
        if let Some(open) = self.open.last() {
            if !line.broken {
                let bracket = open.text(self.source);
                let close = bracket.chars().next().map_or(' ', partner);
                let end = line.span().end;
                self.diagnostics.push(
                    Diagnostic::new(Code::UnbalancedBracket, format!("`{bracket}` is never closed"))
                        .label(open.span, "opened here")
                        .label(Span::new(end, end), "the statement ends here")
                        .help(format!("add `{close}`")),
                );
            }
            line.broken = true;
        }
        self.open.clear();
    }
}

/// The bracket that goes with `bracket`.
fn partner(bracket: char) -> char {
    match bracket {
        '(' => ')',
        '[' => ']',
        '{' => '}',
        ')' => '(',
        ']' => '[',
        _ => '{',
    }
}

fn unexpected_closing(source: &str, token: Token, open: Option<&Token>) -> Diagnostic {
    let found = token.text(source);
    match open {
        Some(open) => {
            let expected = open.text(source).chars().next().map_or(' ', partner);
            Diagnostic::new(
                Code::UnbalancedBracket,
                format!("`{found}` does not close `{}`", open.text(source)),
            )
            .label(token.span, format!("expected `{expected}` here"))
            .label(open.span, "opened here")
            .help(format!("write `{expected}`, or add the missing bracket before `{found}`"))
        }
        None => Diagnostic::new(Code::UnbalancedBracket, format!("`{found}` closes nothing"))
            .label(token.span, "no bracket is open here")
            .help(format!("remove it, or add `{}` before it", found.chars().next().map_or(' ', partner))),
    }
}

/// `in a :`, `param a, b :`, ..
pub(crate) fn begins_declaration(source: &str, tokens: &[Token]) -> bool {
    match tokens {
        [keyword, name, sign, ..] => {
            ["in", "out", "var", "param"].iter().any(|word| keyword.is(source, word))
                && name.kind == TokenKind::Name
                && (sign.is(source, ",") || sign.is(source, ":"))
        }
        _ => false,
    }
}

/// Whether these tokens can only be the beginning of a statement. Inside attributes `name=` is an
/// argument, so a `strict` look wants brackets before the sign.
pub(crate) fn begins_statement(source: &str, tokens: &[Token], strict: bool) -> bool {
    match tokens {
        [at, name, ..] if at.is(source, "@") => name.kind == TokenKind::Name,
        [function, name, bracket, ..] if function.is(source, "fn") && bracket.is(source, "(") => {
            name.kind == TokenKind::Name
        }
        [name, next, ..] if name.kind == TokenKind::Name => {
            begins_declaration(source, tokens)
                || match assignment(source, tokens).map(|at| left_end(source, tokens, at)) {
                    Some(1) => !strict,
                    Some(end) => {
                        next.is(source, "[") && tokens[..end].last().is_some_and(|t| t.is(source, "]"))
                    }
                    None => false,
                }
        }
        _ => false,
    }
}

/// How many tokens stand before the assignment whose `=` is at `at`.
fn left_end(source: &str, tokens: &[Token], at: usize) -> usize {
    let before = tokens[..at].last();
    let glued = before.is_some_and(|token| {
        token.span.end == tokens[at].span.start && (token.is(source, "max") || token.is(source, "min"))
    });
    if glued && at >= 2 { at - 1 } else { at }
}

/// The position of the first `= += *= max= min=` outside brackets (the `=` of the last two).
/// None when a bracket closes first that was not opened here.
pub(crate) fn assignment(source: &str, tokens: &[Token]) -> Option<usize> {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.bracket(source) {
            Some('(' | '[' | '{') => depth += 1,
            Some(_) => depth = depth.checked_sub(1)?,
            None if depth == 0 && ["=", "+=", "*="].iter().any(|sign| token.is(source, sign)) => {
                return Some(at);
            }
            None => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(source: &str) -> Vec<&str> {
        split(source, Separator::LineEnd).0.iter().map(|line| line.span().text(source)).collect()
    }

    #[test]
    fn continuation_and_comments() {
        let source = "# head\na = b # c\n  + c\n\nd = f(\ne, # g\n)\n@x(1)\ng = h\n";
        assert_eq!(lines(source), ["a = b # c\n  + c", "d = f(\ne, # g\n)", "@x(1)", "g = h"]);
    }

    #[test]
    fn brackets_on_the_left_may_span_lines() {
        assert_eq!(lines("Y[a,\nb[i]] = x\nz max= y"), ["Y[a,\nb[i]] = x", "z max= y"]);
        assert_eq!(lines("y = f(\nmax, x\nz max= y"), ["y = f(\nmax, x", "z max= y"]);
    }

    #[test]
    fn common_indentation_is_removed() {
        assert_eq!(lines("  a = b\n  c = d\n    + e\r\n  f = g"), ["a = b", "c = d\n    + e", "f = g"]);
        assert_eq!(lines("\ta = b\n\tc = d"), ["a = b", "c = d"]);
        assert_eq!(lines("  a = f(\nb)\n  c = d"), ["a = f(\nb)", "c = d"]);
    }

    #[test]
    fn a_forgotten_bracket_ends_at_the_next_statement() {
        let source = "a = f(b\nc[i] = d[i]\nin x : f32\ne = (f]\ng = )";
        let (lines, diagnostics) = split(source, Separator::LineEnd);
        assert_eq!(lines.len(), 5);
        assert_eq!(
            lines.iter().map(|line| line.broken).collect::<Vec<_>>(),
            [true, false, false, true, true]
        );
        assert_eq!(diagnostics.len(), 3);
    }

    #[test]
    fn stray_indentation_is_reported_and_split() {
        let (lines, diagnostics) = split("a = b\n  c = d\ne = f", Separator::LineEnd);
        assert_eq!((lines.len(), diagnostics.len()), (3, 1));
        assert_eq!(split("in x : f32\n  = 3\nin y :\n  f32 = 3", Separator::LineEnd).1, []);
    }

    #[test]
    fn other_encodings_are_refused() {
        assert!(decode(b"a = b").is_ok());
        assert!(decode(&[0xff, 0xfe, b'a', 0]).is_err_and(|error| error.message.contains("UTF-16")));
        assert!(decode(b"a = \xe9").is_err_and(|error| error.message.contains("line 1")));
    }
}
