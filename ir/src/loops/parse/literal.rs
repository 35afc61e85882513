//! Literals: numbers with their dtype as a suffix, words, complex numbers.

use super::{Parsed, Parser, Rule};
use crate::dtype::{Dtype, Kind};
use crate::scalar::Literal;

impl Parser<'_> {
    /// A literal and its dtype, if one comes next.
    pub(super) fn literal(&mut self) -> Parsed<Option<(Literal, Dtype)>> {
        if self.peek_at(0) == "(" {
            return self.complex();
        }
        let start = self.next;
        let negative = self.take("-");
        let Some((literal, dtype)) = self.unsigned()? else {
            self.next = start;
            return Ok(None);
        };
        let signed = match literal {
            _ if !negative => literal,
            // Magnitudes are kept negated, so that the least i64 has one.
            Literal::Int(value) => Literal::Int(value),
            Literal::Real(value) => Literal::Real(-value),
            Literal::Bool(_) | Literal::Complex(..) => return self.expected("a number after `-`"),
        };
        match (signed, negative) {
            (Literal::Int(i64::MIN), false) => self.error_at(start, "this is no 64-bit integer"),
            (Literal::Int(value), false) => Ok(Some((Literal::Int(-value), dtype))),
            _ => Ok(Some((signed, dtype))),
        }
    }

    /// A literal without sign; an integer is returned negated.
    fn unsigned(&mut self) -> Parsed<Option<(Literal, Dtype)>> {
        let Some(token) = self.peek() else { return Ok(None) };
        let literal = match token.rule {
            Rule::number => match number(token.text) {
                Some(literal) => literal,
                None => return self.error(format!("`{}` is no number of a dtype", token.text)),
            },
            Rule::name => match word(token.text) {
                Some(literal) => literal,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        self.next += 1;
        Ok(Some(literal))
    }

    /// `(re, im)` with the dtype after it, or without one in a table. Nothing else has a sign and a
    /// number before a comma in parentheses.
    fn complex(&mut self) -> Parsed<Option<(Literal, Dtype)>> {
        let start = self.next;
        self.next += 1;
        let re = self.part()?;
        if re.is_none() || !self.take(",") {
            self.next = start;
            return Ok(None);
        }
        let (Some(re), Some(im)) = (re, self.part()?) else {
            return self.expected("the imaginary part");
        };
        self.expect(")")?;
        let dtype = self.peek_at(0).parse().ok().filter(|dtype: &Dtype| dtype.is_complex());
        self.next += usize::from(dtype.is_some());
        Ok(Some((Literal::Complex(re, im), dtype.unwrap_or(Dtype::C128))))
    }

    fn part(&mut self) -> Parsed<Option<f64>> {
        if self.peek_at(0) == "(" {
            return Ok(None);
        }
        Ok(match self.literal()? {
            Some((Literal::Real(value), Dtype::F64)) => Some(value),
            _ => None,
        })
    }
}

/// `12`, `3u8`, `1.0f32`; an integer is returned negated.
fn number(text: &str) -> Option<(Literal, Dtype)> {
    let exponent =
        |at: usize| text[at + 1..].starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
    let end = text.char_indices().find(|&(at, c)| match c {
        '0'..='9' | '.' | '+' | '-' => false,
        'e' => !exponent(at),
        _ => true,
    });
    let (digits, suffix) = text.split_at(end.map_or(text.len(), |(at, _)| at));
    let point = digits.contains(['.', 'e']);
    let dtype = match suffix {
        "" if point => Dtype::F64,
        "" => Dtype::I64,
        suffix => suffix.parse().ok()?,
    };
    match dtype.kind() {
        Kind::Int => Some((Literal::Int(format!("-{digits}").parse().ok()?), dtype)),
        Kind::Float => Some((Literal::Real(digits.parse().ok()?), dtype)),
        Kind::Bool | Kind::Complex => None,
    }
}

/// `true`, `inf`, `nan_f32`, `nan_x7ff8000000000001`.
fn word(text: &str) -> Option<(Literal, Dtype)> {
    match text {
        "true" => return Some((Literal::Bool(true), Dtype::Bool)),
        "false" => return Some((Literal::Bool(false), Dtype::Bool)),
        _ => {}
    }
    let mut parts = text.split('_');
    let mut value = match parts.next()? {
        "inf" => f64::INFINITY,
        "nan" => f64::NAN,
        _ => return None,
    };
    let mut dtype = Dtype::F64;
    for part in parts {
        match (part.strip_prefix('x'), part.parse::<Dtype>()) {
            (Some(bits), _) => value = f64::from_bits(u64::from_str_radix(bits, 16).ok()?),
            (None, Ok(float)) if float.is_float() => dtype = float,
            (None, _) => return None,
        }
    }
    Some((Literal::Real(value), dtype))
}
