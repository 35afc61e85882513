//! What people write who come from other languages: found by its shape, answered with the repair.

use super::{Stop, shortened};
use crate::ast::{ReduceOp, Span, TransformKind, TypeName};
use crate::check::functions::builtin;
use crate::diagnostic::{Code, Diagnostic};
use crate::limits::ends_operand;
use crate::lines::begins_declaration;
use crate::tokens::TokenKind;

impl Stop<'_> {
    pub(super) fn habit(&self) -> Option<Diagnostic> {
        self.second_brackets()
            .or_else(|| self.call_without_parentheses())
            .or_else(|| self.value_before_condition())
            .or_else(|| self.shape_in_parentheses())
    }

    /// `A[i][0]`
    fn second_brackets(&self) -> Option<Diagnostic> {
        if !self.previous()?.is(self.source, "]") || self.text(self.at) != "[" {
            return None;
        }
        let (open, close) = (self.opening(self.at)?, self.closing(self.at)?);
        let base = self.tokens.get(open.checked_sub(1)?)?;
        let name = base.text(self.source);
        let binds = ReduceOp::from_text(name).is_some() || TransformKind::from_text(name).is_some();
        if base.kind != TokenKind::Name || !ends_operand(self.source, base) || binds {
            return None;
        }
        let (first, second) = (self.inside(open, self.at - 1), self.inside(self.at, close));
        Some(
            Diagnostic::new(
                Code::UnexpectedText,
                format!("all indices of `{name}` stand in one pair of brackets"),
            )
            .label(base.span.join(self.tokens[close].span), "")
            .help(format!("write {name}[{},{}]", shortened(first), shortened(second))),
        )
    }

    /// `exp x[i]`
    fn call_without_parentheses(&self) -> Option<Diagnostic> {
        let function = self.previous()?;
        let name = function.text(self.source);
        let is_function = builtin(name).is_some() || TypeName::from_text(name).is_some();
        let begins = self.is_kind(self.at, TokenKind::Name) || self.is_kind(self.at, TokenKind::Number);
        if !is_function || !begins || self.assignment.is_none_or(|sign| sign >= self.at) {
            return None;
        }
        let bracket = ["[", "("].contains(&self.text(self.at + 1));
        let last = if bracket { self.closing(self.at + 1)? } else { self.at };
        let argument = self.span().join(self.tokens[last].span);
        Some(
            Diagnostic::new(Code::MissingOperator, format!("the argument of `{name}` stands in parentheses"))
                .label(function.span.join(argument), "")
                .help(format!("write {name}({})", shortened(argument.text(self.source)))),
        )
    }

    /// `a if c else b`
    fn value_before_condition(&self) -> Option<Diagnostic> {
        if self.text(self.at) != "if" || !ends_operand(self.source, self.previous()?) {
            return None;
        }
        let start = self.tokens[..self.at].len() - self.back_to_the_beginning();
        let (mut depth, mut otherwise, mut end) = (0usize, None, self.tokens.len());
        for (at, token) in self.tokens.iter().enumerate().skip(self.at + 1) {
            match token.text(self.source) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" | "," | "|" if depth == 0 => {
                    end = at;
                    break;
                }
                ")" | "]" | "}" => depth -= 1,
                "then" if depth == 0 => return None,
                "else" if depth == 0 => otherwise = otherwise.or(Some(at)),
                _ => {}
            }
        }
        let text = |from: usize, to: usize| {
            let tokens = self.tokens.get(from..to).unwrap_or_default();
            let span = tokens.first().zip(tokens.last()).map(|(first, last)| first.span.join(last.span));
            shortened(span.map_or("..", |span| span.text(self.source)))
        };
        let otherwise = otherwise?;
        let (then, condition) = (text(start, self.at), text(self.at + 1, otherwise));
        Some(
            Diagnostic::new(Code::IncompleteIf, "a conditional begins with its condition")
                .label(self.span(), "stands behind a value")
                .help(format!("write if {condition} then {then} else {}", text(otherwise + 1, end))),
        )
    }

    /// How many tokens before the place of the mistake belong to the same expression.
    fn back_to_the_beginning(&self) -> usize {
        let mut depth = 0usize;
        let before = self.tokens[..self.at].iter().rev().enumerate().position(|(count, token)| {
            match token.text(self.source) {
                ")" | "]" | "}" => depth += 1,
                "(" | "[" | "{" | "," | "|" if depth == 0 => return true,
                "(" | "[" | "{" => depth -= 1,
                _ => {}
            }
            Some(self.at - 1 - count) == self.assignment
        });
        before.unwrap_or(self.at)
    }

    /// `in x : f32(n)`
    fn shape_in_parentheses(&self) -> Option<Diagnostic> {
        let dtype = self.previous()?;
        let name = dtype.text(self.source);
        let is_type = TypeName::from_text(name).is_some() && self.text(self.at) == "(";
        if !is_type || !begins_declaration(self.source, self.tokens) {
            return None;
        }
        let close = self.closing(self.at)?;
        Some(
            Diagnostic::new(Code::UnexpectedText, "a shape stands in square brackets")
                .label(dtype.span.join(self.tokens[close].span), "")
                .help(format!("write {name}[{}]", shortened(self.inside(self.at, close)))),
        )
    }

    /// The bracket that the last of the first `end` tokens closes.
    pub(super) fn opening(&self, end: usize) -> Option<usize> {
        let mut depth = 0usize;
        self.tokens[..end].iter().rposition(|token| {
            match token.bracket(self.source) {
                Some(')' | ']' | '}') => depth += 1,
                Some(_) => depth = depth.saturating_sub(1),
                None => {}
            }
            depth == 0
        })
    }

    /// The bracket that closes the one at `open`.
    fn closing(&self, open: usize) -> Option<usize> {
        let mut depth = 0usize;
        let length = self.tokens.get(open..)?.iter().position(|token| {
            match token.bracket(self.source) {
                Some('(' | '[' | '{') => depth += 1,
                Some(_) => depth = depth.saturating_sub(1),
                None => {}
            }
            depth == 0
        })?;
        Some(open + length)
    }

    /// The text between two tokens.
    pub(super) fn inside(&self, open: usize, close: usize) -> &str {
        Span::new(self.tokens[open].span.end, self.tokens[close].span.start).text(self.source).trim()
    }
}
