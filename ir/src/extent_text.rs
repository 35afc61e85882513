//! The text form of extents, shared by both IR levels: `+ - * div mod`, parentheses, integers, names.

use crate::error::ParseError;
use crate::extent::Extent;
use std::str::FromStr;

/// How deep parentheses and divisions may nest.
const DEPTH_LIMIT: usize = 64;
/// How many terms the normal form of a product may have.
const TERM_LIMIT: usize = 4096;
/// How many factors a term of the normal form may have.
const DEGREE_LIMIT: usize = 64;

/// Whether `c` may begin a name in IR text.
pub fn begins_name(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// Whether `c` may stand inside a name in IR text. Passes append `.0`, `.o` and the like to the user's names.
pub fn continues_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

/// Reads what [`Display`](std::fmt::Display) prints and any other form with the same operators; `*`, `div` and
/// `mod` bind alike and group to the left. Positions in errors count from the beginning of the text.
impl FromStr for Extent {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Extent, ParseError> {
        let mut parser = Parser { text, position: 0, depth: 0 };
        let (extent, _) = parser.sum()?;
        match parser.peek() {
            None => Ok(extent),
            Some(c) => Err(parser.error(format!("unexpected `{c}` after an extent"))),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    /// Byte offset.
    position: usize,
    /// Open parentheses and signs.
    depth: usize,
}

/// An extent and how deep its divisions nest.
type Nested = (Extent, usize);

impl Parser<'_> {
    fn error(&self, message: impl Into<String>) -> ParseError {
        let before = &self.text[..self.position];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        ParseError { message: message.into(), line, column }
    }

    fn rest(&self) -> &str {
        &self.text[self.position..]
    }

    /// The next character that is not a space.
    fn peek(&mut self) -> Option<char> {
        self.position += self.rest().len() - self.rest().trim_start().len();
        self.rest().chars().next()
    }

    fn take(&mut self, accepted: impl Fn(char) -> bool) -> &str {
        let start = self.position;
        let length = self.rest().find(|c| !accepted(c)).unwrap_or(self.rest().len());
        self.position += length;
        &self.text[start..self.position]
    }

    fn word(&mut self) -> &str {
        let rest = self.rest();
        &rest[..rest.find(|c| !continues_name(c)).unwrap_or(rest.len())]
    }

    fn sum(&mut self) -> Result<Nested, ParseError> {
        let (mut sum, mut nesting) = self.product()?;
        while let Some(sign @ ('+' | '-')) = self.peek() {
            self.position += 1;
            let (term, inner) = self.product()?;
            sum = if sign == '+' { sum + term } else { sum - term };
            nesting = nesting.max(inner);
        }
        Ok((sum, nesting))
    }

    fn product(&mut self) -> Result<Nested, ParseError> {
        let (mut product, mut nesting) = self.factor()?;
        loop {
            let operator = match self.peek() {
                Some('*') => "*",
                Some('d') if self.word() == "div" => "div",
                Some('m') if self.word() == "mod" => "mod",
                _ => return Ok((product, nesting)),
            };
            self.position += operator.len();
            let (factor, inner) = self.factor()?;
            nesting = nesting.max(inner);
            product = match operator {
                "*" => self.multiply(product, factor)?,
                operator => {
                    nesting += 1;
                    if nesting > DEPTH_LIMIT {
                        return Err(self.error("divisions nest too deeply"));
                    }
                    if operator == "div" { product.div(factor) } else { product.modulo(factor) }
                }
            };
        }
    }

    fn multiply(&self, left: Extent, right: Extent) -> Result<Extent, ParseError> {
        let degree = |e: &Extent| e.terms().map(|(_, atoms)| atoms.len()).max().unwrap_or(0);
        let terms = left.terms().count() * right.terms().count();
        if terms > TERM_LIMIT || degree(&left) + degree(&right) > DEGREE_LIMIT {
            return Err(self.error("this product is too large"));
        }
        Ok(left * right)
    }

    fn factor(&mut self) -> Result<Nested, ParseError> {
        let Some(next) = self.peek() else { return Err(self.error("expected an extent")) };
        if next == '-' || next == '(' {
            self.position += 1;
            self.depth += 1;
            if self.depth > DEPTH_LIMIT {
                return Err(self.error("parentheses nest too deeply"));
            }
            let (inner, nesting) = if next == '-' { self.factor()? } else { self.sum()? };
            self.depth -= 1;
            if next == '-' {
                return Ok((-inner, nesting));
            }
            if self.peek() != Some(')') {
                return Err(self.error("expected `)`"));
            }
            self.position += 1;
            return Ok((inner, nesting));
        }
        if next.is_ascii_digit() {
            let digits = self.take(|c| c.is_ascii_digit());
            return match digits.parse() {
                Ok(value) => Ok((Extent::wide_constant(value), 0)),
                Err(_) => Err(self.error("this number is too large")),
            };
        }
        if begins_name(next) {
            return Ok((Extent::symbol(self.take(continues_name)), 0));
        }
        Err(self.error(format!("expected an extent, found `{next}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_reads_back() {
        for text in
            ["0", "n", "-3", "2*n - m + 7", "(n div 2) + 1", "((2*n + 1) mod (n*m))*n", "-2*n*n*(a.1 div -3)"]
        {
            let extent: Extent = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(extent.to_string().parse(), Ok(extent), "{text}");
        }
        assert_eq!("n div 2 + 1".parse::<Extent>().map(|e| e.to_string()), Ok("(n div 2) + 1".to_string()));
        assert_eq!(
            "dive mod model".parse::<Extent>().map(|e| e.to_string()),
            Ok("(dive mod model)".to_string())
        );
        assert_eq!("2*(n+1) - 2".parse::<Extent>(), Ok(Extent::symbol("n") * Extent::from(2)));
    }

    #[test]
    fn errors_have_a_place() {
        for (text, column) in [("", 1), ("n +", 4), ("(n", 3), ("n n", 3), ("2 * ?", 5), ("é)", 2)] {
            assert_eq!(text.parse::<Extent>().map_err(|e| (e.line, e.column)), Err((1, column)), "{text}");
        }
    }

    #[test]
    fn hostile_text_ends_in_an_error() {
        let hostile = [
            "(".repeat(100_000),
            "-".repeat(100_000),
            format!("n{}", " div m".repeat(100_000)),
            format!("n{}", "*n".repeat(100_000)),
            format!("1{}", "*(a+b+c+d)".repeat(100)),
            "9".repeat(1000),
        ];
        for text in hostile {
            assert!(text.parse::<Extent>().is_err(), "{}", &text[..20]);
        }
    }
}
