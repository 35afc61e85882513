//! Extents: polynomials in symbols, `div` and `mod`.

use super::{Parsed, Parser, Rule, Token};
use crate::extent::Extent;

/// The largest number of terms of an extent: a product of sums grows exponentially.
const MAX_TERMS: usize = 1000;

impl Parser<'_> {
    /// An extent; takes signs that bind at least as strongly as `strength` (0: sums, 1: products).
    pub(super) fn extent(&mut self, strength: u8) -> Parsed<Extent> {
        let negative = strength == 0 && self.take("-");
        let mut left = self.extent_operand()?;
        if negative {
            // The minus belongs to the first product.
            left = -self.extent_product(left)?;
        }
        loop {
            left = match (self.peek_at(0), strength) {
                ("*" | "div" | "mod", _) => self.extent_product(left)?,
                ("+", 0) => {
                    self.next += 1;
                    left + self.extent(1)?
                }
                ("-", 0) => {
                    self.next += 1;
                    left - self.extent(1)?
                }
                _ => return Ok(left),
            };
            self.bound_terms(&left)?;
        }
    }

    fn extent_product(&mut self, mut left: Extent) -> Parsed<Extent> {
        loop {
            let sign = self.peek_at(0);
            if !matches!(sign, "*" | "div" | "mod") {
                return Ok(left);
            }
            self.next += 1;
            let right = self.extent_operand()?;
            left = match sign {
                "*" if left.terms().count().saturating_mul(right.terms().count()) > MAX_TERMS => {
                    return self.error("this extent has too many terms");
                }
                "*" => left * right,
                "div" => left.div(right),
                _ => left.modulo(right),
            };
        }
    }

    /// A product of many sums would not end.
    fn bound_terms(&self, extent: &Extent) -> Parsed<()> {
        let mut factors = 0;
        extent.terms().for_each(|(_, atoms)| factors += 1 + atoms.len());
        if factors > MAX_TERMS { self.error("this extent has too many terms") } else { Ok(()) }
    }

    fn extent_operand(&mut self) -> Parsed<Extent> {
        if self.take("(") {
            let inner = self.nested(|parser| parser.extent(0))?;
            self.expect(")")?;
            return Ok(inner);
        }
        match self.peek() {
            Some(Token { rule: Rule::number, text, .. }) => match text.parse::<i64>() {
                Ok(value) => {
                    self.next += 1;
                    Ok(Extent::from(value))
                }
                Err(_) => self.error(format!("`{text}` is no 64-bit integer")),
            },
            Some(Token { rule: Rule::name | Rule::quoted, .. }) => Ok(Extent::symbol(self.name()?)),
            _ => self.expected("a size"),
        }
    }
}
