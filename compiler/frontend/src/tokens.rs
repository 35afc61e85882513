//! Splits source text into words, signs, comments and line ends.
//!
//! Only the layout of a file is decided on tokens (logical lines, nesting, formatting, wording of
//! errors); what a statement means is decided by the grammar in `ein.pest`. The two agree on
//! what a name and a number is.

use crate::ast::Span;

/// A piece of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub kind: TokenKind,
    pub span: Span,
}

/// The kinds of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A name or keyword.
    Name,
    Number,
    /// `"..."`
    Text,
    /// A quote without its partner, to the end of the line.
    UnclosedText,
    /// `+`, `->`, `(`, ..
    Sign,
    /// `#` to the end of the line.
    Comment,
    /// One end of line: `\n`, `\r\n` or `\r`.
    LineEnd,
    /// Characters outside the language.
    Unknown,
}

impl Token {
    /// The source text of the token.
    pub fn text<'a>(&self, source: &'a str) -> &'a str {
        self.span.text(source)
    }

    /// Whether it is this sign or word.
    pub fn is(&self, source: &str, text: &str) -> bool {
        matches!(self.kind, TokenKind::Sign | TokenKind::Name) && self.text(source) == text
    }

    /// The bracket character, for `( ) [ ] { }`.
    pub fn bracket(&self, source: &str) -> Option<char> {
        if self.kind != TokenKind::Sign {
            return None;
        }
        self.text(source).chars().next().filter(|c| "()[]{}".contains(*c))
    }
}

/// Signs of more than one character, longest first.
const LONG_SIGNS: &[&str] = &["...", "->", "+=", "*=", "<=", ">=", "==", "!="];

/// Signs of one character.
const SHORT_SIGNS: &str = "+-*/^<>=()[]{},:|@;";

/// Whether a name can begin with `c`.
pub(crate) fn begins_name(c: char) -> bool {
    c.is_ascii_alphabetic() || (!c.is_ascii() && pest::unicode::LETTER(c))
}

/// Whether a name can go on with `c`.
pub(crate) fn continues_name(c: char) -> bool {
    begins_name(c) || c == '_' || c.is_ascii_digit() || (!c.is_ascii() && pest::unicode::DECIMAL_NUMBER(c))
}

/// All tokens of `source`; blanks between them are left out.
pub(crate) fn tokenize(source: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::with_capacity(source.len() / 3);
    let mut at = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    while let Some(first) = source[at..].chars().next() {
        if first == ' ' || first == '\t' {
            at += 1;
            continue;
        }
        let (kind, length) = next_token(&source[at..], first);
        let span = Span::new(at, at + length);
        at += length;
        match tokens.last_mut() {
            // A run of unknown characters is one mistake, not many.
            Some(last) if kind == TokenKind::Unknown && last.kind == kind && last.span.end == span.start => {
                last.span.end = span.end;
            }
            _ => tokens.push(Token { kind, span }),
        }
    }
    tokens
}

/// The kind and the length in bytes of the token that `rest` begins with.
fn next_token(rest: &str, first: char) -> (TokenKind, usize) {
    if begins_name(first) {
        return (TokenKind::Name, run(rest, continues_name));
    }
    if let Some(length) = number(rest) {
        return (TokenKind::Number, length);
    }
    match first {
        '\r' => return (TokenKind::LineEnd, if rest.starts_with("\r\n") { 2 } else { 1 }),
        '\n' => return (TokenKind::LineEnd, 1),
        '#' => return (TokenKind::Comment, run(rest, |c| c != '\n' && c != '\r')),
        '"' => {
            let length = 1 + run(&rest[1..], |c| c != '"' && c != '\n' && c != '\r');
            let closed = rest[length..].starts_with('"');
            return if closed { (TokenKind::Text, length + 1) } else { (TokenKind::UnclosedText, length) };
        }
        _ => {}
    }
    if let Some(sign) = LONG_SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        return (TokenKind::Sign, sign.len());
    }
    if SHORT_SIGNS.contains(first) {
        return (TokenKind::Sign, first.len_utf8());
    }
    (TokenKind::Unknown, first.len_utf8())
}

/// The length of the longest beginning of `text` whose characters all satisfy `holds`.
fn run(text: &str, holds: impl Fn(char) -> bool) -> usize {
    text.find(|c| !holds(c)).unwrap_or(text.len())
}

/// The length of the number that `rest` begins with: `1`, `1.5`, `1.`, `.5`, `1e-5`.
fn number(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let whole = digits(0);
    let mut length = whole;
    if bytes.get(length) == Some(&b'.') {
        let fraction = digits(length + 1);
        if whole + fraction == 0 {
            return None;
        }
        length += 1 + fraction;
    }
    if length == 0 {
        return None;
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = if length + 1 + sign <= bytes.len() { digits(length + 1 + sign) } else { 0 };
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokenize(source).iter().map(|token| token.span.text(source)).collect()
    }

    #[test]
    fn words_numbers_and_signs() {
        assert_eq!(texts("x1+=2.5e-3*α_1 # c"), ["x1", "+=", "2.5e-3", "*", "α_1", "# c"]);
        assert_eq!(texts("1. .5 1e 2^-a"), ["1.", ".5", "1", "e", "2", "^", "-", "a"]);
        assert_eq!(texts("\u{feff}a\r\nb\rc"), ["a", "\r\n", "b", "\r", "c"]);
        assert_eq!(texts("\"a#b\" \"open"), ["\"a#b\"", "\"open"]);
        assert_eq!(texts("...i->i"), ["...", "i", "->", "i"]);
        assert_eq!(texts("a ×× b"), ["a", "××", "b"]);
    }
}
