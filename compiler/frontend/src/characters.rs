//! Characters that have no meaning in .ein, and what to write instead.

use crate::ast::Span;
use crate::diagnostic::{Code, Diagnostic};
use crate::lines::Line;
use crate::tokens::{Token, TokenKind};

/// Reports the characters of a line that have no meaning, and quotes without a partner.
pub(crate) fn check(source: &str, line: &Line, diagnostics: &mut Vec<Diagnostic>) {
    for (at, token) in line.tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| line.tokens.get(at));
        match token.kind {
            TokenKind::Unknown if token.text(source).starts_with('.') => {
                diagnostics.push(point(source, before, token, line.tokens.get(at + 1)));
            }
            TokenKind::Unknown => diagnostics.push(unknown_character(source, before, token)),
            TokenKind::UnclosedText => diagnostics.push(
                Diagnostic::new(Code::UnclosedText, "this text has no closing quote")
                    .label(token.span, "")
                    .help("add `\"` on the same line"),
            ),
            _ => {}
        }
    }
}

/// A `.` that belongs to no number: `A.T`, `x.sum`, `j=0..n`.
fn point(source: &str, before: Option<&Token>, token: &Token, after: Option<&Token>) -> Diagnostic {
    let text = token.text(source);
    let glued = before.filter(|before| before.span.end == token.span.start);
    let second =
        glued.is_some_and(|before| before.kind == TokenKind::Number && before.text(source).ends_with('.'));
    let transposes = after.is_some_and(|after| ["T", "t", "mT", "transpose"].contains(&after.text(source)));
    let help = if text.len() > 1 || second {
        "an index runs over its size, from 0: write sum[j:n] ..; for other ranges add a guard, sum[j:n where j > 0] .."
    } else if glued.is_some_and(|before| before.kind == TokenKind::Name) && transposes {
        "a transpose is another order of indices: A[j,i]"
    } else {
        "there are no members; numbers are written 0.5"
    };
    let range =
        before.filter(|_| second).map_or(token.span, |before| Span::new(before.span.end - 1, token.span.end));
    let written = range.text(source);
    Diagnostic::new(Code::UnknownCharacter, format!("`{written}` has no meaning here"))
        .label(range, "")
        .help(help)
}

fn unknown_character(source: &str, before: Option<&Token>, token: &Token) -> Diagnostic {
    /// What people type, and what .ein wants.
    const REPLACEMENTS: &[(&str, &str)] = &[
        ("×·∗⋅⨯", "write `*`"),
        ("÷∕⁄", "write `/`"),
        ("−–—‐", "write the minus of the keyboard, `-`"),
        ("≤⩽", "write `<=`"),
        ("≥⩾", "write `>=`"),
        ("≠!", "write `!=` for unequal, `not` for negation"),
        ("→⟶⇒", "write `->`"),
        ("∑", "write `sum[j] ..`"),
        ("∏", "write `prod[j] ..`"),
        ("√", "write `sqrt(x)`"),
        ("∞", "write `inf`"),
        ("²³¹⁰⁴⁵⁶⁷⁸⁹", "write `^2`"),
        ("%", "write `a mod b`"),
        ("&∧", "write `and`"),
        ("∨", "write `or`"),
        ("¬~", "write `not`"),
        ("“”‘’'`„", "texts stand between \" and \""),
        ("\u{a0}\u{2007}\u{202f}\u{3000}\u{2003}\u{2009}\u{200b}\u{feff}", "replace it by an ordinary blank"),
        ("\\", "a line goes on while a bracket is open or the next line is indented"),
        ("?", "a conditional is written if .. then .. else .."),
    ];
    let text = token.text(source);
    let first = text.chars().next().unwrap_or(' ');
    if first == '_' {
        let after_number =
            before.is_some_and(|b| b.kind == TokenKind::Number && b.span.end == token.span.start);
        return if after_number {
            Diagnostic::new(Code::BadNumber, "there are no separators between digits")
                .label(token.span, "")
                .help("remove the `_`")
        } else {
            Diagnostic::new(Code::UnknownCharacter, "a name begins with a letter, not with `_`")
                .label(token.span, "")
                .help("put the `_` at the end of the name, or choose a letter")
        };
    }
    let number = first as u32;
    let message =
        if first.is_control() || first.is_whitespace() || !first.is_ascii() && first.is_alphanumeric() {
            format!("the character U+{number:04X} has no meaning here")
        } else if first.is_ascii() {
            format!("`{first}` has no meaning here")
        } else {
            format!("`{first}` (U+{number:04X}) has no meaning here")
        };
    let diagnostic = Diagnostic::new(Code::UnknownCharacter, message).label(token.span, "");
    match REPLACEMENTS.iter().find(|(characters, _)| characters.contains(first)) {
        Some((_, help)) => diagnostic.help(*help),
        None => diagnostic.help("remove it; names are made of letters, digits and _"),
    }
}
