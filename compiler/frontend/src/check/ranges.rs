//! Whether a place stays inside an axis: symbolic intervals of integer polynomials.
//!
//! A place is a polynomial over sizes, parameters and indices. Indices are told apart from sizes by a
//! leading `@`, which no name in a program has.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use tcc_ir::axis::Name;
use tcc_ir::extent::{Atom, Extent};

/// Polynomials with more terms are not argued about.
const MAX_TERMS: usize = 64;

/// The symbol that stands for the index of an axis.
pub fn index_symbol(axis: &str) -> Extent {
    Extent::symbol(format!("@{axis}"))
}

/// Whether a polynomial is small enough to go on with.
pub fn small(extent: &Extent) -> bool {
    extent.terms().take(MAX_TERMS + 1).count() <= MAX_TERMS
        && extent.terms().all(|(_, atoms)| atoms.len() <= 6)
}

/// The product of two sizes; `None` where it would be unreasonably large to write down.
pub fn times(a: &Extent, b: &Extent) -> Option<Extent> {
    let terms = a.terms().count().checked_mul(b.terms().count())?;
    let degree = |e: &Extent| e.terms().map(|(_, atoms)| atoms.len()).max().unwrap_or(0);
    (terms <= 1024 && degree(a) + degree(b) <= 32).then(|| a.clone() * b.clone())
}

/// The product of several sizes, as [`times`].
pub fn product_of<'e>(factors: impl IntoIterator<Item = &'e Extent>) -> Option<Extent> {
    factors.into_iter().try_fold(Extent::from(1), |product, factor| times(&product, factor))
}

/// Whether some values of its sizes make an extent larger than 64 bits hold.
pub fn may_overflow(extent: &Extent) -> bool {
    largest(extent) > i128::from(i64::MAX)
}

/// About the largest value of an extent.
fn largest(extent: &Extent) -> i128 {
    let atom = |atom: &Atom| match atom {
        Atom::Symbol(_) => i128::from(i64::MAX),
        Atom::Div(a, b) => largest(a) / b.as_const().map_or(1, |b| i128::from(b).abs().max(1)),
        Atom::Mod(_, b) => largest(b),
    };
    let term = |(coefficient, atoms): (i128, &[Atom])| {
        atoms.iter().map(atom).fold(coefficient, i128::saturating_mul)
    };
    extent.terms().map(term).fold(0, i128::saturating_add)
}

/// The least and the greatest value of a place, in sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    pub low: Extent,
    pub high: Extent,
    /// Whether both are reached.
    pub tight: bool,
}

/// What is known about symbols.
#[derive(Default)]
pub struct Facts {
    /// Symbols that are at least 0.
    pub nonnegative: Rc<BTreeSet<Name>>,
    /// Symbols that are at least 1, since an index in scope would have no value otherwise.
    pub positive: BTreeSet<Name>,
    /// The extents of the indices in scope.
    pub indices: BTreeMap<Name, Extent>,
}

/// The answer about one place and one axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Inside,
    /// It leaves the axis at this value, for all sizes.
    Outside(Extent),
    /// It stays inside exactly when these hold: `left <= right`.
    If(Vec<(Extent, Extent)>),
    Unknown,
}

impl Facts {
    /// Adds what follows from an index with this extent being in scope.
    pub fn open(&mut self, axis: &str, extent: &Extent) {
        self.indices.insert(format!("@{axis}").into(), extent.clone());
        self.at_least_one(extent);
    }

    /// Notes that `extent` is at least 1.
    pub fn at_least_one(&mut self, extent: &Extent) {
        let terms: Vec<_> = extent.terms().collect();
        let [(coefficient, atoms)] = terms.as_slice() else { return };
        let unsigned = |atom: &Atom| match atom {
            Atom::Symbol(name) => self.nonnegative.contains(name),
            Atom::Div(a, b) => self.nonnegative(a) && b.as_const().is_some_and(|b| b > 0),
            Atom::Mod(..) => false,
        };
        if *coefficient <= 0 || !atoms.iter().all(unsigned) {
            return;
        }
        for atom in atoms.iter() {
            match atom {
                Atom::Symbol(name) => {
                    self.positive.insert(name.clone());
                }
                Atom::Div(a, _) => self.at_least_one(a),
                Atom::Mod(..) => {}
            }
        }
    }

    /// Whether `extent` is provably at least 0.
    pub fn nonnegative(&self, extent: &Extent) -> bool {
        self.plainly_nonnegative(extent)
            || (small(extent)
                && self.without_subtracted_quotients(extent).is_some_and(|e| self.plainly_nonnegative(&e)))
    }

    fn plainly_nonnegative(&self, extent: &Extent) -> bool {
        if let Some(value) = extent.as_const() {
            return value >= 0;
        }
        if !small(extent) {
            return false;
        }
        let mut shift = |name: &Name| {
            self.positive.contains(name).then(|| Extent::symbol(name.clone()) + Extent::from(1))
        };
        let Some(shifted) = substitute(extent, &mut shift, false) else { return false };
        shifted.terms().all(|(coefficient, atoms)| {
            coefficient >= 0 && atoms.iter().all(|atom| self.nonnegative_atom(atom))
        })
    }

    fn nonnegative_atom(&self, atom: &Atom) -> bool {
        match atom {
            Atom::Symbol(name) => {
                self.nonnegative.contains(name) || self.positive.contains(name) || name.starts_with('@')
            }
            Atom::Div(a, b) => self.nonnegative(a) && self.nonnegative(b),
            Atom::Mod(_, b) => self.nonnegative(b),
        }
    }

    /// A smaller or equal polynomial without `- c*(a div b)` and `- c*(a mod b)`: since `a div b <= a/b`
    /// and `a mod b <= b - 1` (for `a >= 0`, `b >= 1`).
    fn without_subtracted_quotients(&self, extent: &Extent) -> Option<Extent> {
        let quotient = |coefficient: i128, atoms: &[Atom]| match atoms {
            [Atom::Div(_, b)] if coefficient < 0 => b.as_const().filter(|b| *b > 0),
            _ => None,
        };
        let scale =
            extent.terms().filter_map(|(c, atoms)| quotient(c, atoms)).try_fold(1i64, i64::checked_mul)?;
        let mut changed = false;
        let mut sum = Extent::default();
        for (coefficient, atoms) in extent.terms() {
            let scaled = i64::try_from(coefficient.checked_mul(i128::from(scale))?).ok()?;
            let term = match atoms {
                [Atom::Div(a, b)] if coefficient < 0 && self.nonnegative(a) => {
                    changed = true;
                    match b.as_const().filter(|b| *b > 0) {
                        Some(b) => (**a).clone() * Extent::from(scaled / b),
                        None if self.nonnegative(&((**b).clone() - Extent::from(1))) => {
                            (**a).clone() * Extent::from(scaled)
                        }
                        None => return None,
                    }
                }
                [Atom::Mod(_, b)]
                    if coefficient < 0 && self.nonnegative(&((**b).clone() - Extent::from(1))) =>
                {
                    changed = true;
                    ((**b).clone() - Extent::from(1)) * Extent::from(scaled)
                }
                _ => product(scaled, atoms),
            };
            sum = sum + term;
        }
        changed.then_some(sum)
    }

    /// The interval of a place over all values of the indices in scope.
    pub fn bounds(&self, place: &Extent) -> Option<Bounds> {
        if !small(place) {
            return None;
        }
        let mut uses: BTreeMap<Name, usize> = BTreeMap::new();
        for (_, atoms) in place.terms() {
            atoms.iter().for_each(|atom| count_indices(atom, &mut uses));
        }
        let mut bounds = Bounds { low: Extent::default(), high: Extent::default(), tight: true };
        for (coefficient, atoms) in place.terms() {
            let (varying, fixed): (Vec<&Atom>, Vec<&Atom>) = atoms.iter().partition(|atom| varies(atom));
            let fixed: Vec<Atom> = fixed.into_iter().cloned().collect();
            let factor = product(i64::try_from(coefficient).ok()?, &fixed);
            let (mut low, mut high) = (Extent::from(1), Extent::from(1));
            for atom in &varying {
                let inner = self.atom_bounds(atom)?;
                if varying.len() > 1 && !self.nonnegative(&inner.low) {
                    return None;
                }
                bounds.tight &= inner.tight;
                (low, high) = (low * inner.low, high * inner.high);
            }
            if varying.is_empty() {
                bounds.low = bounds.low + factor.clone();
                bounds.high = bounds.high + factor;
            } else if self.nonnegative(&factor) {
                bounds.low = bounds.low + factor.clone() * low;
                bounds.high = bounds.high + factor * high;
            } else if self.nonnegative(&-factor.clone()) {
                bounds.low = bounds.low + factor.clone() * high;
                bounds.high = bounds.high + factor * low;
            } else {
                return None;
            }
        }
        bounds.tight &= uses.values().all(|&count| count == 1);
        Some(bounds)
    }

    fn atom_bounds(&self, atom: &Atom) -> Option<Bounds> {
        match atom {
            Atom::Symbol(name) => {
                let extent = self.indices.get(name)?;
                Some(Bounds { low: Extent::from(0), high: extent.clone() - Extent::from(1), tight: true })
            }
            Atom::Div(a, b) => {
                let inner = self.bounds(a)?;
                if has_index(b) || !self.nonnegative(&((**b).clone() - Extent::from(1))) {
                    return None;
                }
                let (low, high) = (inner.low.div((**b).clone()), inner.high.div((**b).clone()));
                Some(Bounds { low, high, tight: inner.tight })
            }
            Atom::Mod(a, b) => self.remainder(self.bounds(a).as_ref(), b),
        }
    }

    /// The interval of `a mod b` when `a` has this interval.
    pub fn remainder(&self, a: Option<&Bounds>, b: &Extent) -> Option<Bounds> {
        if has_index(b) || !self.nonnegative(b) {
            return None;
        }
        let last = b.clone() - Extent::from(1);
        if let Some(a) = a
            && self.nonnegative(&a.low)
            && self.nonnegative(&(last.clone() - a.high.clone()))
        {
            return Some(a.clone());
        }
        Some(Bounds { low: Extent::from(0), high: last, tight: false })
    }

    /// Whether a place with these bounds stays inside `0..extent`.
    pub fn decide(&self, bounds: &Bounds, extent: &Extent) -> Verdict {
        let above = bounds.high.clone() - extent.clone();
        let low_inside = self.nonnegative(&bounds.low);
        let high_inside = self.nonnegative(&(-above.clone() - Extent::from(1)));
        if low_inside && high_inside {
            return Verdict::Inside;
        }
        if !bounds.tight {
            return Verdict::Unknown;
        }
        if self.nonnegative(&(-bounds.low.clone() - Extent::from(1))) {
            return Verdict::Outside(bounds.low.clone());
        }
        if self.nonnegative(&above) {
            return Verdict::Outside(bounds.high.clone());
        }
        let mut conditions = Vec::new();
        if !low_inside {
            conditions.push((Extent::from(0), bounds.low.clone()));
        }
        if !high_inside {
            conditions.push((bounds.high.clone() + Extent::from(1), extent.clone()));
        }
        Verdict::If(conditions)
    }
}

fn product(coefficient: i64, atoms: &[Atom]) -> Extent {
    atoms.iter().fold(Extent::from(coefficient), |product, atom| product * of_atom(atom))
}

fn of_atom(atom: &Atom) -> Extent {
    match atom {
        Atom::Symbol(name) => Extent::symbol(name.clone()),
        Atom::Div(a, b) => (**a).clone().div((**b).clone()),
        Atom::Mod(a, b) => (**a).clone().modulo((**b).clone()),
    }
}

/// Replaces symbols; inside `div` and `mod` only if `deep`.
pub fn substitute(
    extent: &Extent,
    replace: &mut dyn FnMut(&Name) -> Option<Extent>,
    deep: bool,
) -> Option<Extent> {
    let mut sum = Extent::default();
    for (coefficient, atoms) in extent.terms() {
        let mut product = Extent::from(i64::try_from(coefficient).ok()?);
        for atom in atoms {
            let factor = match atom {
                Atom::Symbol(name) => replace(name).unwrap_or_else(|| Extent::symbol(name.clone())),
                Atom::Div(a, b) if deep => substitute(a, replace, deep)?.div(substitute(b, replace, deep)?),
                Atom::Mod(a, b) if deep => {
                    substitute(a, replace, deep)?.modulo(substitute(b, replace, deep)?)
                }
                Atom::Div(..) | Atom::Mod(..) => of_atom(atom),
            };
            product = product * factor;
        }
        sum = sum + product;
    }
    Some(sum)
}

/// Whether an index occurs.
pub fn has_index(extent: &Extent) -> bool {
    let mut found = false;
    extent.symbols(&mut |name| found |= name.starts_with('@'));
    found
}

fn varies(atom: &Atom) -> bool {
    match atom {
        Atom::Symbol(name) => name.starts_with('@'),
        Atom::Div(a, b) | Atom::Mod(a, b) => has_index(a) || has_index(b),
    }
}

fn count_indices(atom: &Atom, uses: &mut BTreeMap<Name, usize>) {
    let mut count = |name: &Name| {
        if name.starts_with('@') {
            *uses.entry(name.clone()).or_default() += 1;
        }
    };
    match atom {
        Atom::Symbol(name) => count(name),
        Atom::Div(a, b) | Atom::Mod(a, b) => {
            a.symbols(&mut count);
            b.symbols(&mut count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n() -> Extent {
        Extent::symbol("n")
    }

    fn facts() -> Facts {
        let mut facts = Facts { nonnegative: Rc::new(["n".into(), "m".into()].into()), ..Facts::default() };
        facts.open("i", &n());
        facts
    }

    fn decide(place: Extent, extent: Extent) -> Verdict {
        let facts = facts();
        facts.bounds(&place).map_or(Verdict::Unknown, |bounds| facts.decide(&bounds, &extent))
    }

    #[test]
    fn affine_places_are_decided_for_all_sizes() {
        let i = || index_symbol("i");
        assert_eq!(decide(i(), n()), Verdict::Inside);
        assert_eq!(decide(n() - i() - Extent::from(1), n()), Verdict::Inside);
        assert_eq!(decide(i() + Extent::from(1), n()), Verdict::Outside(n()));
        assert_eq!(decide(i() - Extent::from(1), n()), Verdict::Outside(Extent::from(-1)));
        let m = Extent::symbol("m");
        assert_eq!(decide(i(), m.clone()), Verdict::If(vec![(n(), m)]));
    }

    #[test]
    fn quotients_and_remainders_have_intervals() {
        let i = || index_symbol("i");
        assert_eq!(decide(i().div(2), n()), Verdict::Inside);
        assert_eq!(decide((i() - Extent::from(3)).modulo(n()), n()), Verdict::Inside);
        assert_eq!(decide(i() * i(), n() * n()), Verdict::Inside);
        assert_eq!(decide(i() * i() - i(), n()), Verdict::Unknown);
    }
}
