//! Binding of symbols: from the shapes of operands and what the caller gives to the value of every
//! size, with all requirements checked. The same at every level and for every kernel call.

use crate::axis::Name;
use crate::error::EvalError;
use crate::extent::{Atom, Extent};
use crate::symbol::{Bindings, Requirement, SymbolDecl};

/// An operand as declared and as given.
#[derive(Clone, Debug)]
pub struct Operand<'a> {
    /// The name in the program.
    pub name: &'a str,
    /// Declared extents, outermost first.
    pub extents: Vec<&'a Extent>,
    /// Given extents.
    pub shape: &'a [usize],
}

/// One axis of an operand whose extent is not known to agree yet.
struct Open<'a> {
    operand: &'a str,
    axis: usize,
    declared: &'a Extent,
    given: i64,
}

/// Gives every symbol a value: from `given`, by solving declared extents that are linear in one
/// unknown symbol, and else from its default. Symbols that nothing determines stay without a value.
///
/// Fails with [`EvalError::Operand`] where a shape contradicts the declaration, and with
/// [`EvalError::Requirement`] for the first requirement that does not hold.
pub fn bind<'a>(
    symbols: &[SymbolDecl],
    requirements: &[Requirement],
    operands: impl IntoIterator<Item = Operand<'a>>,
    given: &Bindings,
) -> Result<Bindings, EvalError> {
    let mut bindings = given.clone();
    let mut open = open_axes(operands)?;
    loop {
        let before = (open.len(), bindings.len());
        let mut still_open = Vec::new();
        for axis in open {
            if !settle(&axis, &mut bindings)? {
                still_open.push(axis);
            }
        }
        open = still_open;
        // Defaults come last, one at a time: it may be that a shape can be solved with it.
        if before == (open.len(), bindings.len()) && !apply_default(symbols, &mut bindings)? {
            break;
        }
    }
    if let Some(axis) = open.first() {
        axis.declared.eval(&bindings)?;
    }
    for (index, requirement) in requirements.iter().enumerate() {
        if !requirement.holds(&bindings)? {
            return Err(EvalError::Requirement { index, message: requirement.explain(&bindings) });
        }
    }
    Ok(bindings)
}

fn open_axes<'a>(operands: impl IntoIterator<Item = Operand<'a>>) -> Result<Vec<Open<'a>>, EvalError> {
    let mut open = Vec::new();
    for Operand { name, extents, shape } in operands {
        if extents.len() != shape.len() {
            let (given, wanted) = (shape.len(), extents.len());
            return Err(EvalError::Operand(format!("`{name}` has {given} axes, not {wanted}")));
        }
        for (axis, (declared, &given)) in extents.into_iter().zip(shape).enumerate() {
            open.push(Open {
                operand: name,
                axis,
                declared,
                given: i64::try_from(given).unwrap_or(i64::MAX),
            });
        }
    }
    Ok(open)
}

/// Compares a shape with its declaration, or solves the declaration; `false` if neither can be done yet.
fn settle(axis: &Open, bindings: &mut Bindings) -> Result<bool, EvalError> {
    let known = axis.declared.substitute(bindings);
    let mismatch = || {
        let Open { operand, axis, declared, given } = axis;
        let value = known.as_const().filter(|_| declared.as_const().is_none());
        let value = value.map(|value| format!(" = {value}")).unwrap_or_default();
        let message = format!("`{operand}` has extent {given} along axis {axis}, not {declared}{value}");
        Err(EvalError::Operand(message))
    };
    if let Some(value) = known.as_const() {
        return if value == axis.given { Ok(true) } else { mismatch() };
    }
    let Some((symbol, coefficient, constant)) = linear(&known) else { return Ok(false) };
    let rest = i128::from(axis.given) - constant;
    match i64::try_from(rest / coefficient) {
        Ok(value) if rest % coefficient == 0 => {
            bindings.insert(symbol.clone(), value);
            Ok(true)
        }
        _ => mismatch(),
    }
}

/// `s`, `a` and `b` if the extent is `a * s + b` for one symbol `s`.
fn linear(extent: &Extent) -> Option<(&Name, i128, i128)> {
    let (mut product, mut constant) = (None, 0);
    for (coefficient, atoms) in extent.terms() {
        match atoms {
            [] => constant = coefficient,
            [Atom::Symbol(name)] if product.is_none() => product = Some((name, coefficient)),
            _ => return None,
        }
    }
    product.map(|(name, coefficient)| (name, coefficient, constant))
}

/// Gives the first symbol without a value its default; `false` if there is none to give.
fn apply_default(symbols: &[SymbolDecl], bindings: &mut Bindings) -> Result<bool, EvalError> {
    for symbol in symbols.iter().filter(|symbol| !bindings.contains_key(&symbol.name)) {
        let default = symbol.default.as_ref().map(|default| default.substitute(bindings));
        if let Some(value) = default.and_then(|value| value.as_const()) {
            bindings.insert(symbol.name.clone(), value);
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbol::Relation;

    fn declare(name: &str, default: Option<Extent>) -> SymbolDecl {
        SymbolDecl { name: name.into(), param: false, default }
    }

    fn solve(extents: &[&Extent], shape: &[usize]) -> Result<Bindings, EvalError> {
        let n = Extent::symbol("n");
        let symbols = [declare("n", None), declare("m", None), declare("w", Some(n.clone() + n.clone()))];
        let requirement = Requirement {
            left: n,
            relation: Relation::Le,
            right: Extent::from(10),
            message: "n = {left} is more than {right}".into(),
            span: None,
        };
        let operand = Operand { name: "X", extents: extents.to_vec(), shape };
        bind(&symbols, &[requirement], [operand], &Bindings::new())
    }

    #[test]
    fn shapes_and_defaults_determine_symbols() {
        let (n, m) = (Extent::symbol("n"), Extent::symbol("m"));
        let product = n.clone() * m.clone();
        let odd = n.clone() + n.clone() + Extent::from(1);
        let bindings = solve(&[&product, &odd], &[12, 9]).expect("solvable");
        assert_eq!(bindings, Bindings::from([("n".into(), 4), ("m".into(), 3), ("w".into(), 8)]));
    }

    #[test]
    fn contradictions_are_errors() {
        let n = Extent::symbol("n");
        let twice = n.clone() + n.clone();
        let message = |result: Result<Bindings, EvalError>| result.unwrap_err().to_string();
        assert_eq!(message(solve(&[&n, &n], &[3, 4])), "`X` has extent 4 along axis 1, not n = 3");
        assert_eq!(message(solve(&[&twice], &[3])), "`X` has extent 3 along axis 0, not 2*n");
        assert_eq!(message(solve(&[&n], &[3, 4])), "`X` has 2 axes, not 1");
        assert_eq!(message(solve(&[&n], &[11])), "n = 11 is more than 10");
        assert_eq!(message(solve(&[], &[])), "size `n` is not known");
        assert_eq!(message(solve(&[&(n.clone() * n)], &[9])), "size `n` is not known");
    }
}
