//! Binding symbols: sizes are solved from the shapes of the operands, parameters are given or have defaults.

use crate::axis::Name;
use crate::error::EvalError;
use crate::extent::{Atom, Extent, ExtentError};
use crate::symbol::{Bindings, Requirement, SymbolDecl};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use thiserror::Error;

/// The declared and the actual shape of an operand.
#[derive(Clone, Copy, Debug)]
pub struct OperandShape<'a> {
    /// Name of the operand.
    pub name: &'a Name,
    /// Declared extents, outermost first.
    pub declared: &'a [Extent],
    /// Extents of what the caller gave.
    pub actual: &'a [usize],
}

/// An axis of an operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AxisPlace {
    /// Name of the operand.
    pub operand: Name,
    /// Position of the axis, from 0.
    pub axis: usize,
}

/// Axes are counted from 0, as array libraries count them.
impl fmt::Display for AxisPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "axis {} of `{}`", self.axis, self.operand)
    }
}

/// Why symbols cannot be bound.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BindError {
    /// A value for a symbol that is not declared.
    #[error("there is no size or parameter `{0}`")]
    Unknown(Name),
    /// An operand with another number of axes than declared.
    #[error("`{operand}` has {actual} axes but is declared with {declared}")]
    Rank {
        /// Name of the operand.
        operand: Name,
        /// Declared number of axes.
        declared: usize,
        /// Actual number.
        actual: usize,
    },
    /// An axis whose extent contradicts what is known of its symbols.
    #[error("{place} is {actual}, but `{extent}` is {expected}{}", known(.because))]
    Mismatch {
        /// The axis.
        place: AxisPlace,
        /// Its declared extent.
        extent: Extent,
        /// The value of the declared extent.
        expected: i64,
        /// The actual extent.
        actual: usize,
        /// Where its symbols got their values: the axis, or nothing for given values.
        because: Vec<(Name, i64, Option<AxisPlace>)>,
    },
    /// An axis whose extent no integer solves.
    #[error("{place} is {actual}, but no whole number `{symbol}` makes `{extent}` equal to that")]
    Indivisible {
        /// The axis.
        place: AxisPlace,
        /// Its declared extent.
        extent: Extent,
        /// The symbol that is solved for.
        symbol: Name,
        /// The actual extent.
        actual: usize,
    },
    /// A size below 0.
    #[error("size `{symbol}` would be {value}{}", place.as_ref().map(|p| format!(", from {p}")).unwrap_or_default())]
    Negative {
        /// The size.
        symbol: Name,
        /// Its value.
        value: i64,
        /// The axis it was solved from, if it was not given.
        place: Option<AxisPlace>,
    },
    /// Symbols that neither the shapes nor the caller determine.
    #[error("the operands do not determine {}", unsolved(.0))]
    Unsolved(Vec<Name>),
    /// An extent has no value.
    #[error(transparent)]
    Extent(#[from] ExtentError),
    /// A requirement does not hold.
    #[error("{message}")]
    Requirement {
        /// Index in the list of requirements.
        index: usize,
        /// Its message with values.
        message: String,
        /// Where the symbols of both sides got their values: the axis, or nothing for given values.
        because: Vec<(Name, i64, Option<AxisPlace>)>,
    },
}

fn known(because: &[(Name, i64, Option<AxisPlace>)]) -> String {
    let parts: Vec<String> = because
        .iter()
        .map(|(symbol, value, place)| match place {
            Some(place) => format!("`{symbol}` is {value} from {place}"),
            None => format!("`{symbol}` is {value} as given"),
        })
        .collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

fn unsolved(symbols: &[Name]) -> String {
    let names: Vec<String> = symbols.iter().map(|name| format!("`{name}`")).collect();
    let fixes: Vec<String> = symbols.iter().map(|name| format!("{name}=VALUE")).collect();
    format!("{}: give {}", names.join(", "), fixes.join(" "))
}

impl From<BindError> for EvalError {
    fn from(error: BindError) -> EvalError {
        match error {
            BindError::Requirement { index, message, .. } => EvalError::Requirement { index, message },
            BindError::Extent(error) => EvalError::Extent(error),
            error @ (BindError::Unknown(_)
            | BindError::Rank { .. }
            | BindError::Mismatch { .. }
            | BindError::Indivisible { .. }
            | BindError::Negative { .. }
            | BindError::Unsolved(_)) => EvalError::Operand(error.to_string()),
        }
    }
}

/// Values for all `symbols` such that every operand has its declared shape and every requirement holds.
///
/// In this order: values `given`; sizes solved from extents with one unknown of degree one (`2*n`, `n + 1`,
/// `H*e` once H is known), again and again while that finds something; defaults of parameters.
pub fn bind_symbols(
    symbols: &[SymbolDecl],
    requirements: &[Requirement],
    operands: &[OperandShape<'_>],
    given: &Bindings,
) -> Result<Bindings, BindError> {
    let mut solver = Solver::start(symbols, operands, given)?;
    while solver.defaults(symbols)? {
        solver.solve(operands)?;
    }
    solver.consistent(operands)?;
    let open: Vec<Name> =
        symbols.iter().map(|s| &s.name).filter(|n| !solver.bindings.contains_key(*n)).cloned().collect();
    if !open.is_empty() {
        return Err(BindError::Unsolved(open));
    }
    solver.not_negative(symbols)?;
    solver.require(requirements)?;
    Ok(solver.bindings)
}

/// As [`bind_symbols`], where some sizes may stay open: `operands` are those that are known, parameters
/// without a value stay open too, and only what is decided has to hold.
pub fn bind_known(
    symbols: &[SymbolDecl],
    requirements: &[Requirement],
    operands: &[OperandShape<'_>],
    given: &Bindings,
) -> Result<Bindings, BindError> {
    let solver = Solver::start(symbols, operands, given)?;
    solver.consistent(operands)?;
    solver.not_negative(symbols)?;
    for (index, requirement) in requirements.iter().enumerate() {
        match requirement.holds(&solver.bindings) {
            Ok(true) | Err(ExtentError::Unbound(_)) => {}
            Ok(false) => return Err(solver.broken(index, requirement)),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(solver.bindings)
}

struct Solver {
    bindings: Bindings,
    /// The axis that each solved symbol was solved from.
    places: BTreeMap<Name, AxisPlace>,
}

impl Solver {
    /// What is given and what the operands determine.
    fn start(
        symbols: &[SymbolDecl],
        operands: &[OperandShape<'_>],
        given: &Bindings,
    ) -> Result<Solver, BindError> {
        let declared: BTreeSet<&Name> = symbols.iter().map(|symbol| &symbol.name).collect();
        if let Some(name) = given.keys().find(|name| !declared.contains(name)) {
            return Err(BindError::Unknown(name.clone()));
        }
        for operand in operands {
            if operand.declared.len() != operand.actual.len() {
                let (declared, actual) = (operand.declared.len(), operand.actual.len());
                return Err(BindError::Rank { operand: operand.name.clone(), declared, actual });
            }
        }
        let mut solver = Solver { bindings: given.clone(), places: BTreeMap::new() };
        solver.solve(operands)?;
        Ok(solver)
    }

    fn solve(&mut self, operands: &[OperandShape<'_>]) -> Result<(), BindError> {
        let mut open: Vec<(AxisPlace, &Extent, usize)> = Vec::new();
        for operand in operands {
            for (axis, (extent, &actual)) in operand.declared.iter().zip(operand.actual).enumerate() {
                open.push((AxisPlace { operand: operand.name.clone(), axis }, extent, actual));
            }
        }
        loop {
            let before = self.bindings.len();
            let mut left = Vec::new();
            for (place, extent, actual) in open {
                match linear(&extent.substitute(&self.bindings)) {
                    Unknowns::None => {}
                    Unknowns::Many => left.push((place, extent, actual)),
                    Unknowns::One { symbol, factor, constant } => {
                        let rest = (actual as i128).saturating_sub(constant);
                        let exact = rest.checked_rem(factor) == Some(0);
                        let value = rest.checked_div(factor).filter(|_| exact);
                        let value = value.and_then(|value| i64::try_from(value).ok());
                        let Some(value) = value else {
                            return Err(BindError::Indivisible {
                                place,
                                extent: extent.clone(),
                                symbol,
                                actual,
                            });
                        };
                        self.places.insert(symbol.clone(), place);
                        self.bindings.insert(symbol, value);
                    }
                }
            }
            if self.bindings.len() == before {
                return Ok(());
            }
            open = left;
        }
    }

    /// Gives open parameters their defaults where those have a value; whether any was given.
    fn defaults(&mut self, symbols: &[SymbolDecl]) -> Result<bool, BindError> {
        let before = self.bindings.len();
        for symbol in symbols {
            let Some(default) = &symbol.default else { continue };
            if self.bindings.contains_key(&symbol.name) {
                continue;
            }
            match default.eval(&self.bindings) {
                Ok(value) => {
                    self.bindings.insert(symbol.name.clone(), value);
                }
                Err(ExtentError::Unbound(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.bindings.len() > before)
    }

    /// Every extent that has a value has the actual one.
    fn consistent(&self, operands: &[OperandShape<'_>]) -> Result<(), BindError> {
        for operand in operands {
            for (axis, (extent, &actual)) in operand.declared.iter().zip(operand.actual).enumerate() {
                let expected = match extent.eval(&self.bindings) {
                    Err(ExtentError::Unbound(_)) => continue,
                    value => value?,
                };
                if i128::from(expected) != actual as i128 {
                    return Err(BindError::Mismatch {
                        place: AxisPlace { operand: operand.name.clone(), axis },
                        extent: extent.clone(),
                        expected,
                        actual,
                        because: self.because(&[extent]),
                    });
                }
            }
        }
        Ok(())
    }

    /// All requirements hold; the first that does not is the error.
    fn require(&self, requirements: &[Requirement]) -> Result<(), BindError> {
        for (index, requirement) in requirements.iter().enumerate() {
            if !requirement.holds(&self.bindings)? {
                return Err(self.broken(index, requirement));
            }
        }
        Ok(())
    }

    fn broken(&self, index: usize, requirement: &Requirement) -> BindError {
        let message = requirement.explain(&self.bindings);
        let because = self.because(&[&requirement.left, &requirement.right]);
        BindError::Requirement { index, message, because }
    }

    /// Sizes, unlike parameters, are 0 or more.
    fn not_negative(&self, symbols: &[SymbolDecl]) -> Result<(), BindError> {
        let sizes: BTreeSet<&Name> = symbols.iter().filter(|s| !s.param).map(|s| &s.name).collect();
        match self.bindings.iter().find(|(symbol, value)| **value < 0 && sizes.contains(symbol)) {
            Some((symbol, &value)) => {
                let place = self.places.get(symbol).cloned();
                Err(BindError::Negative { symbol: symbol.clone(), value, place })
            }
            None => Ok(()),
        }
    }

    fn because(&self, extents: &[&Extent]) -> Vec<(Name, i64, Option<AxisPlace>)> {
        let mut names = BTreeSet::new();
        for extent in extents {
            extent.symbols(&mut |name| {
                names.insert(name.clone());
            });
        }
        names
            .into_iter()
            .filter_map(|name| {
                let value = *self.bindings.get(&name)?;
                let place = self.places.get(&name).cloned();
                Some((name, value, place))
            })
            .collect()
    }
}

/// The unknowns of an extent.
enum Unknowns {
    None,
    /// `factor * symbol + constant`
    One {
        symbol: Name,
        factor: i128,
        constant: i128,
    },
    Many,
}

fn linear(extent: &Extent) -> Unknowns {
    let (mut unknown, mut constant) = (None, 0);
    for (coefficient, atoms) in extent.terms() {
        match atoms {
            [] => constant = coefficient,
            [Atom::Symbol(symbol)] if unknown.is_none() => unknown = Some((symbol.clone(), coefficient)),
            _ => return Unknowns::Many,
        }
    }
    match unknown {
        None => Unknowns::None,
        Some((symbol, factor)) => Unknowns::One { symbol, factor, constant },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(
        symbols: &[(&str, Option<&str>)],
        operands: &[(&str, &[&str], &[usize])],
        given: &[(&str, i64)],
    ) -> Result<Bindings, BindError> {
        let extent = |text: &&str| text.parse::<Extent>().unwrap();
        let symbols: Vec<SymbolDecl> = symbols
            .iter()
            .map(|(name, default)| SymbolDecl {
                name: (*name).into(),
                param: default.is_some(),
                default: default.filter(|d| !d.is_empty()).map(|d| extent(&d)),
            })
            .collect();
        let names: Vec<Name> = operands.iter().map(|o| o.0.into()).collect();
        let declared: Vec<Vec<Extent>> = operands.iter().map(|o| o.1.iter().map(extent).collect()).collect();
        let shapes: Vec<OperandShape<'_>> = operands
            .iter()
            .enumerate()
            .map(|(i, o)| OperandShape { name: &names[i], declared: &declared[i], actual: o.2 })
            .collect();
        let given = given.iter().map(|&(name, value)| (name.into(), value)).collect();
        bind_symbols(&symbols, &[], &shapes, &given)
    }

    fn values(bindings: &Bindings) -> Vec<i64> {
        bindings.values().copied().collect()
    }

    #[test]
    fn sizes_are_solved_one_after_the_other() {
        let bound = bind(
            &[("H", None), ("e", None), ("n", None)],
            &[("W", &["H*e"], &[12]), ("A", &["2*n", "n + H"], &[10, 8])],
            &[],
        );
        assert_eq!(bound.as_ref().map(values), Ok(vec![3, 4, 5]));
    }

    #[test]
    fn parameters_have_defaults_that_may_mention_sizes() {
        let symbols = [("n", None), ("w", Some("2*n")), ("z", Some("7"))];
        let operands: [(&str, &[&str], &[usize]); 1] = [("A", &["n"], &[4])];
        assert_eq!(bind(&symbols, &operands, &[]).as_ref().map(values), Ok(vec![4, 8, 7]));
        assert_eq!(bind(&symbols, &operands, &[("w", -1)]).as_ref().map(values), Ok(vec![4, -1, 7]));
    }

    #[test]
    fn what_is_known_is_checked_and_the_rest_stays_open() {
        let symbol = |name: &str, param| SymbolDecl { name: name.into(), param, default: None };
        let symbols = [symbol("m", false), symbol("n", false), symbol("w", true)];
        let requirement = Requirement {
            left: "m".parse().unwrap(),
            relation: crate::Relation::Le,
            right: "n".parse().unwrap(),
            message: "m is {left}".into(),
            span: None,
        };
        let known = |given: &[(&str, i64)], actual: &[usize]| {
            let (name, declared) = ("A".into(), ["n".parse().unwrap()]);
            let shape = OperandShape { name: &name, declared: &declared, actual };
            let given = given.iter().map(|&(name, value)| (name.into(), value)).collect();
            bind_known(&symbols, std::slice::from_ref(&requirement), &[shape], &given)
        };
        assert_eq!(known(&[("w", -1)], &[4]).as_ref().map(values), Ok(vec![4, -1]));
        assert!(matches!(known(&[("m", 5)], &[4]), Err(BindError::Requirement { .. })));
        assert!(matches!(known(&[("n", 5)], &[4]), Err(BindError::Mismatch { .. })));
        assert!(matches!(known(&[("m", -5)], &[4]), Err(BindError::Negative { .. })));
    }

    #[test]
    fn contradictions_name_both_places() {
        let message = |result: Result<Bindings, BindError>| result.unwrap_err().to_string();
        let n = [("n", None)];
        assert_eq!(
            message(bind(&n, &[("A", &["n"], &[4]), ("B", &["2", "n"], &[2, 5])], &[])),
            "axis 1 of `B` is 5, but `n` is 4 (`n` is 4 from axis 0 of `A`)"
        );
        assert_eq!(
            message(bind(&n, &[("A", &["2*n"], &[5])], &[])),
            "axis 0 of `A` is 5, but no whole number `n` makes `2*n` equal to that"
        );
        assert_eq!(
            message(bind(&n, &[("A", &["n + 3"], &[1])], &[])),
            "size `n` would be -2, from axis 0 of `A`"
        );
        assert_eq!(
            message(bind(&n, &[("A", &["n"], &[1, 2])], &[])),
            "`A` has 2 axes but is declared with 1"
        );
        assert_eq!(
            message(bind(&[("m", None), ("n", None)], &[("A", &["m*n"], &[4])], &[])),
            "the operands do not determine `m`, `n`: give m=VALUE n=VALUE"
        );
        assert_eq!(message(bind(&n, &[], &[("q", 1)])), "there is no size or parameter `q`");
    }
}
