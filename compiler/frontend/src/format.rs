//! `tcc fmt`: one spacing for every program.
//!
//! Works on tokens, so that comments, line breaks and spellings stay the author's; only blanks,
//! indentation and empty lines change, which have no meaning beyond where a statement ends.

mod spacing;

use std::collections::BTreeSet;

use crate::ast::{AssignOp, File, ItemKind, Span};
use crate::diagnostic::Diagnostic;
use crate::lines::{Line, Separator, split};
use crate::parse::parse;
use crate::tokens::{Token, TokenKind, tokenize};

/// What every level of continuation is indented by.
const INDENT: &str = "  ";

/// The program in its canonical spacing. A program that does not parse is not touched: its errors
/// are returned.
///
/// At most one empty line stays between two lines and none at the beginning and the end; a comment
/// behind code is set off by two blanks; continued lines are indented by the depth of their brackets.
///
/// An einsum string stays as it is.
pub fn format(source: &str) -> Result<String, Vec<Diagnostic>> {
    if crate::is_einsum(source) {
        let (_, diagnostics) = crate::parse_expression_program(source);
        return if diagnostics.is_empty() { Ok(source.to_owned()) } else { Err(diagnostics) };
    }
    let (file, diagnostics) = parse(source);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return Err(diagnostics);
    }
    let (lines, _) = split(source, Separator::LineEnd);
    let glued = glued_signs(&file);
    let mut writer = Writer {
        source,
        gaps: lines.iter().flat_map(|line| spacing::gaps(source, line, &glued)).collect(),
        starts: statement_starts(&file, &lines),
        spans: lines.iter().map(Line::span).collect(),
        written: 0,
        statement: 0,
        depth: 0,
        out: String::with_capacity(source.len()),
    };
    for tokens in tokenize(source).split(|token| token.kind == TokenKind::LineEnd) {
        writer.physical_line(tokens);
    }
    writer.out.truncate(writer.out.trim_end().len());
    if !writer.out.is_empty() {
        writer.out.push('\n');
    }
    Ok(writer.out)
}

/// Where something begins that stands at the left margin.
fn statement_starts(file: &File, lines: &[Line]) -> BTreeSet<usize> {
    let attributes =
        file.items.iter().flat_map(|item| &item.attributes).map(|attribute| attribute.span.start);
    let items = file.items.iter().map(|item| item.span.start);
    lines.iter().map(|line| line.span().start).chain(attributes).chain(items).collect()
}

/// The places of `max=` and `min=`, which are two tokens but one sign.
fn glued_signs(file: &File) -> BTreeSet<usize> {
    file.items
        .iter()
        .filter_map(|item| match &item.kind {
            ItemKind::Equation(equation) if matches!(equation.op, AssignOp::Max | AssignOp::Min) => {
                Some(equation.op_span.start)
            }
            _ => None,
        })
        .collect()
}

struct Writer<'a> {
    source: &'a str,
    /// For every token other than comments and line ends: whether a blank belongs before it.
    gaps: Vec<bool>,
    /// Where something begins that stands at the left margin.
    starts: BTreeSet<usize>,
    /// The logical lines.
    spans: Vec<Span>,
    /// How many of the tokens in `gaps` are written.
    written: usize,
    /// How many logical lines end before the current place.
    statement: usize,
    /// How many brackets are open.
    depth: usize,
    out: String,
}

impl Writer<'_> {
    fn physical_line(&mut self, tokens: &[Token]) {
        let Some(first) = tokens.first() else {
            if !self.out.is_empty() && !self.out.ends_with("\n\n") {
                self.out.push('\n');
            }
            return;
        };
        self.indent(first);
        for (at, token) in tokens.iter().enumerate() {
            if token.kind == TokenKind::Comment {
                self.out.push_str(if at > 0 { "  " } else { "" });
                self.out.push_str(token.text(self.source).trim_end());
                continue;
            }
            if at > 0 && self.gaps.get(self.written) == Some(&true) {
                self.out.push(' ');
            }
            self.written += 1;
            self.out.push_str(token.text(self.source));
            match token.bracket(self.source) {
                Some('(' | '[' | '{') => self.depth += 1,
                Some(_) => self.depth = self.depth.saturating_sub(1),
                None => {}
            }
        }
        self.out.push('\n');
    }

    /// Begins a line whose first token is `first`.
    fn indent(&mut self, first: &Token) {
        while self.spans.get(self.statement).is_some_and(|span| span.end <= first.span.start) {
            self.statement += 1;
        }
        let inside = self.spans.get(self.statement).is_some_and(|span| span.start < first.span.start);
        if !inside || (self.depth == 0 && self.starts.contains(&first.span.start)) {
            return;
        }
        let closes = first.bracket(self.source).is_some_and(|bracket| ")]}".contains(bracket));
        for _ in 0..(self.depth + 1 - usize::from(closes && self.depth > 0)) {
            self.out.push_str(INDENT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(source: &str) -> String {
        format(source).expect("a program without errors")
    }

    #[test]
    fn spacing() {
        for (source, expected) in [
            ("in   Q,K :f32[n,d]csr in [ -1 , 1 ]= 0", "in Q, K : f32[n, d] csr in [-1,1] = 0"),
            ("C[ i , k ]+=A[i,j]*B[j,k]", "C[i,k] += A[i,j] * B[j,k]"),
            ("y=a*b+c", "y = a*b + c"),
            ("y=sum[ j,k where i-w<j<=i,k!=i ](a-b)^2", "y = sum[j,k where i-w < j <= i, k != i] (a - b)^2"),
            ("o[i,( h k )]=x[i - 1|0]*-y", "o[i,(h k)] = x[i-1 | 0] * -y"),
            (
                "Z[k:ny div 2+1]=irfft[k->x : nx]u[(k-m) mod nx]",
                "Z[k:ny div 2 + 1] = irfft[k -> x:nx] u[(k-m) mod nx]",
            ),
            ("y=if a==b then- 1 else not[c]", "y = if a == b then -1 else not [c]"),
            ("fn f(u,v)=max(u,v)/2", "fn f(u, v) = max(u, v) / 2"),
            ("@approx( exp , eps = 1e-3,on=[-1, 1] )\n  y=x", "@approx(exp, eps=1e-3, on=[-1,1])\ny = x"),
            ("@max(peak = 64MiB) y max=x", "@max(peak=64MiB) y max= x"),
            ("t={{1,-2},{ 3,4}}[i,j]", "t = {{1,-2},{3,4}}[i,j]"),
            ("y=w3j(1,1,2)[i,j,k]*sum[a]- x[a]", "y = w3j(1, 1, 2)[i,j,k] * sum[a] -x[a]"),
            ("y=x[i - -1]-x[i+1]", "y = x[i - -1] - x[i+1]"),
        ] {
            assert_eq!(formatted(source).trim_end(), expected);
        }
    }

    #[test]
    fn comments_and_empty_lines_stay() {
        let source = "\n# head  \n\n\n  y = f(a, # first\n# second\n b\n)\n\n\n   # tail\n";
        let expected = "# head\n\ny = f(a,  # first\n    # second\n    b\n  )\n\n# tail\n";
        assert_eq!(formatted(source), expected);
        assert_eq!(formatted(expected), expected);
    }

    #[test]
    fn errors_are_returned() {
        assert_eq!(format("y = (").map_err(|errors| errors.len()), Err(1));
        assert_eq!(format(" \n# c"), Ok("# c\n".to_string()));
        assert_eq!(format(""), Ok(String::new()));
    }
}
