//! Extents: symbolic integer expressions over sizes and parameters.
//!
//! An extent is kept as a polynomial in normal form over atoms (symbols, and `div`/`mod` of
//! extents), so that `2*n + n` and `3*n` are the same value and equality needs no prover.

use crate::axis::Name;
use crate::symbol::Bindings;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};
use thiserror::Error;

/// What an extent is a polynomial in.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Atom {
    /// A size or integer parameter.
    Symbol(Name),
    /// Floor division of two extents.
    Div(Box<Extent>, Box<Extent>),
    /// The remainder that belongs to the floor division: it has the sign of the divisor.
    Mod(Box<Extent>, Box<Extent>),
}

/// A product of atoms, sorted; the empty product is 1.
type Monomial = Vec<Atom>;

/// A symbolic integer: `Const | Symbol | + - * div mod` of these, in normal form.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Extent(BTreeMap<Monomial, i128>);

/// Why an extent has no value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExtentError {
    /// A symbol without a value.
    #[error("size `{0}` is not known")]
    Unbound(Name),
    /// The value does not fit in 64 bits.
    #[error("size `{0}` overflows 64-bit integers")]
    Overflow(String),
    /// `div` or `mod` by zero.
    #[error("size `{0}` divides by zero")]
    DivisionByZero(String),
}

impl Extent {
    /// The constant `value`.
    pub fn constant(value: i64) -> Extent {
        Extent::from(value)
    }

    /// The symbol `name`.
    pub fn symbol(name: impl Into<Name>) -> Extent {
        Extent::atom(Atom::Symbol(name.into()))
    }

    /// A constant of the full width of a coefficient.
    pub(crate) fn wide_constant(value: i128) -> Extent {
        let mut extent = Extent::default();
        extent.accumulate(Vec::new(), value);
        extent
    }

    fn atom(atom: Atom) -> Extent {
        Extent(BTreeMap::from([(vec![atom], 1)]))
    }

    /// The value if no symbol occurs and it fits in 64 bits.
    pub fn as_const(&self) -> Option<i64> {
        match self.0.len() {
            0 => Some(0),
            1 => self.0.get(&Vec::new()).and_then(|&c| i64::try_from(c).ok()),
            _ => None,
        }
    }

    /// The name if the extent is a single symbol.
    pub fn as_symbol(&self) -> Option<&Name> {
        match self.0.iter().next() {
            Some((monomial, 1)) if self.0.len() == 1 => match monomial.as_slice() {
                [Atom::Symbol(name)] => Some(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// Floor division. Division by the constant 0 is kept and reported by [`Extent::eval`].
    #[expect(clippy::should_implement_trait, reason = "the language calls it div, and it floors")]
    pub fn div(self, divisor: impl Into<Extent>) -> Extent {
        let divisor = divisor.into();
        match (self.as_const(), divisor.as_const()) {
            (_, Some(1)) => self,
            (Some(a), Some(b)) if b != 0 => Extent::from(a.wrapping_div_euclid_floor(b)),
            (_, Some(b)) if b != 0 && self.0.values().all(|c| c % i128::from(b) == 0) => {
                Extent(self.0.into_iter().map(|(m, c)| (m, c / i128::from(b))).collect())
            }
            _ => Extent::atom(Atom::Div(Box::new(self), Box::new(divisor))),
        }
    }

    /// The remainder of the floor division.
    pub fn modulo(self, divisor: impl Into<Extent>) -> Extent {
        let divisor = divisor.into();
        match (self.as_const(), divisor.as_const()) {
            (Some(a), Some(b)) if b != 0 => Extent::from(a - b * a.wrapping_div_euclid_floor(b)),
            (_, Some(b)) if b != 0 && self.0.values().all(|c| c % i128::from(b) == 0) => Extent::from(0),
            _ => Extent::atom(Atom::Mod(Box::new(self), Box::new(divisor))),
        }
    }

    /// Calls `visit` with every symbol that occurs.
    pub fn symbols(&self, visit: &mut dyn FnMut(&Name)) {
        for atom in self.0.keys().flatten() {
            match atom {
                Atom::Symbol(name) => visit(name),
                Atom::Div(a, b) | Atom::Mod(a, b) => {
                    a.symbols(visit);
                    b.symbols(visit);
                }
            }
        }
    }

    /// The terms of the normal form: coefficient and product of atoms.
    pub fn terms(&self) -> impl Iterator<Item = (i128, &[Atom])> {
        self.0.iter().map(|(monomial, coefficient)| (*coefficient, monomial.as_slice()))
    }

    /// Replaces the symbols that `bindings` knows; the others stay.
    pub fn substitute(&self, bindings: &Bindings) -> Extent {
        let mut sum = Extent::default();
        for (monomial, coefficient) in &self.0 {
            let mut product = Extent(BTreeMap::from([(Vec::new(), *coefficient)]));
            for atom in monomial {
                product = product
                    * match atom {
                        Atom::Symbol(name) => match bindings.get(name) {
                            Some(&value) => Extent::from(value),
                            None => Extent::symbol(name.clone()),
                        },
                        Atom::Div(a, b) => a.substitute(bindings).div(b.substitute(bindings)),
                        Atom::Mod(a, b) => a.substitute(bindings).modulo(b.substitute(bindings)),
                    };
            }
            sum = sum + product;
        }
        sum
    }

    /// The value under `bindings`.
    pub fn eval(&self, bindings: &Bindings) -> Result<i64, ExtentError> {
        let overflow = || ExtentError::Overflow(self.to_string());
        let mut sum = 0i128;
        for (monomial, coefficient) in &self.0 {
            let mut product = *coefficient;
            for atom in monomial {
                let value = match atom {
                    Atom::Symbol(name) => {
                        *bindings.get(name).ok_or_else(|| ExtentError::Unbound(name.clone()))?
                    }
                    Atom::Div(a, b) | Atom::Mod(a, b) => {
                        let (a, b) = (a.eval(bindings)?, b.eval(bindings)?);
                        if b == 0 {
                            return Err(ExtentError::DivisionByZero(self.to_string()));
                        }
                        let quotient = a.wrapping_div_euclid_floor(b);
                        match atom {
                            Atom::Div(..) => quotient,
                            _ => a.wrapping_sub(b.wrapping_mul(quotient)),
                        }
                    }
                };
                product = product.checked_mul(i128::from(value)).ok_or_else(overflow)?;
            }
            sum = sum.checked_add(product).ok_or_else(overflow)?;
        }
        i64::try_from(sum).map_err(|_| overflow())
    }

    fn accumulate(&mut self, monomial: Monomial, coefficient: i128) {
        use std::collections::btree_map::Entry;
        match self.0.entry(monomial) {
            Entry::Vacant(slot) => {
                if coefficient != 0 {
                    slot.insert(coefficient);
                }
            }
            Entry::Occupied(mut slot) => {
                let sum = slot.get().saturating_add(coefficient);
                if sum == 0 {
                    slot.remove();
                } else {
                    slot.insert(sum);
                }
            }
        }
    }
}

/// Floor division that wraps on `i64::MIN / -1`.
trait FloorDiv {
    fn wrapping_div_euclid_floor(self, divisor: Self) -> Self;
}

impl FloorDiv for i64 {
    fn wrapping_div_euclid_floor(self, divisor: i64) -> i64 {
        let quotient = self.wrapping_div(divisor);
        if self.wrapping_rem(divisor) != 0 && ((self < 0) != (divisor < 0)) { quotient - 1 } else { quotient }
    }
}

impl From<i64> for Extent {
    fn from(value: i64) -> Extent {
        let mut extent = Extent::default();
        extent.accumulate(Vec::new(), i128::from(value));
        extent
    }
}

impl Add for Extent {
    type Output = Extent;
    fn add(mut self, other: Extent) -> Extent {
        for (monomial, coefficient) in other.0 {
            self.accumulate(monomial, coefficient);
        }
        self
    }
}

impl Neg for Extent {
    type Output = Extent;
    fn neg(self) -> Extent {
        Extent(self.0.into_iter().map(|(m, c)| (m, c.saturating_neg())).collect())
    }
}

impl Sub for Extent {
    type Output = Extent;
    fn sub(self, other: Extent) -> Extent {
        self + -other
    }
}

impl Mul for Extent {
    type Output = Extent;
    fn mul(self, other: Extent) -> Extent {
        let mut product = Extent::default();
        for (left, a) in &self.0 {
            for (right, b) in &other.0 {
                let mut monomial: Monomial = left.iter().chain(right).cloned().collect();
                monomial.sort();
                product.accumulate(monomial, a.saturating_mul(*b));
            }
        }
        product
    }
}

/// Prints a form that the text parsers of both IR levels read back: sums of products, with `div`
/// and `mod` always in parentheses, and a parenthesised operand where it is a sum or product.
impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("0");
        }
        // Symbols first, the constant last: `n + 1`, not `1 + n`.
        let (constants, terms): (Vec<_>, Vec<_>) = self.0.iter().partition(|(m, _)| m.is_empty());
        let mut first = true;
        for (monomial, coefficient) in terms.into_iter().chain(constants) {
            let sign = match (first, *coefficient < 0) {
                (true, false) => "",
                (true, true) => "-",
                (false, false) => " + ",
                (false, true) => " - ",
            };
            first = false;
            f.write_str(sign)?;
            let magnitude = coefficient.unsigned_abs();
            if magnitude != 1 || monomial.is_empty() {
                write!(f, "{magnitude}")?;
                if !monomial.is_empty() {
                    f.write_str("*")?;
                }
            }
            for (position, atom) in monomial.iter().enumerate() {
                if position > 0 {
                    f.write_str("*")?;
                }
                write_atom(f, atom)?;
            }
        }
        Ok(())
    }
}

fn write_atom(f: &mut fmt::Formatter<'_>, atom: &Atom) -> fmt::Result {
    let simple = |e: &Extent| e.as_symbol().is_some() || e.as_const().is_some_and(|c| c >= 0);
    let operand = |e: &Extent| if simple(e) { e.to_string() } else { format!("({e})") };
    match atom {
        Atom::Symbol(name) => f.write_str(name),
        Atom::Div(a, b) => write!(f, "({} div {})", operand(a), operand(b)),
        Atom::Mod(a, b) => write!(f, "({} mod {})", operand(a), operand(b)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n() -> Extent {
        Extent::symbol("n")
    }

    #[test]
    fn normal_form_makes_equal_things_equal() {
        assert_eq!(n() + n() + n(), n() * Extent::from(3));
        assert_eq!((n() + Extent::from(1)) * (n() - Extent::from(1)), n() * n() - Extent::from(1));
        assert_eq!(n() - n(), Extent::from(0));
        assert_eq!((n() * Extent::from(4)).div(2), n() * Extent::from(2));
        assert_ne!(n().div(2), n());
    }

    #[test]
    fn values_floor_and_report_overflow() {
        let bind = |v: i64| Bindings::from([("n".into(), v)]);
        assert_eq!(n().div(2).eval(&bind(-3)), Ok(-2));
        assert_eq!(n().modulo(-2).eval(&bind(3)), Ok(-1));
        assert!(matches!((n() * n()).eval(&bind(i64::MAX)), Err(ExtentError::Overflow(_))));
        assert!(matches!(n().div(0).eval(&bind(1)), Err(ExtentError::DivisionByZero(_))));
        assert!(matches!(n().eval(&Bindings::new()), Err(ExtentError::Unbound(_))));
    }

    #[test]
    fn prints_as_a_reader_would_write_it() {
        assert_eq!((n().div(2) + Extent::from(1)).to_string(), "(n div 2) + 1");
        assert_eq!((-n() * Extent::from(2) - Extent::from(3)).to_string(), "-2*n - 3");
    }
}
