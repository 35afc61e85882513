//! The rules, by subject: rows of data, and functions for what text cannot say.

mod arithmetic;
pub(super) mod build;
mod functions;
mod guards;
mod names;
mod normalisation;
mod places;
mod reductions;
mod tables;
mod transforms;

use super::analysis::Graphs;
use super::pattern::{Match, Pattern};
use crate::Contract;
use egg::Id;
use std::sync::OnceLock;
use tcc_ir::{Dtype, Kind, planted};

/// What a rule keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// Every bit, NaN payloads aside.
    Exact,
    /// The value over the reals. Where an operand or an intermediate value is infinite or NaN, the result
    /// may be another. On integers, which form a ring, every bit.
    Reassociate,
    /// The value if no operand or result is NaN or infinite.
    Finite,
    /// The value up to this relative error.
    Approx(f64),
}

impl Law {
    /// The name in lists.
    pub fn name(self) -> &'static str {
        match self {
            Law::Exact => "exact",
            Law::Reassociate => "reassociate",
            Law::Finite => "finite",
            Law::Approx(_) => "approximate",
        }
    }

    /// The first contract that allows the rule on floats; `None`: no contract does.
    pub fn least(self) -> Option<Contract> {
        match self {
            Law::Exact => Some(Contract::Strict),
            Law::Reassociate => Some(Contract::Reassoc),
            Law::Finite => Some(Contract::Fast),
            Law::Approx(_) => None,
        }
    }
}

/// When a rule is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// First, until nothing changes: terms become smaller.
    Cleanup,
    /// Then, a few times: sums and products are moved through each other.
    Algebra,
    /// Last: one operation for a form that is written out.
    Recognise,
}

impl Phase {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Cleanup => "cleanup",
            Phase::Algebra => "algebra",
            Phase::Recognise => "recognise",
        }
    }
}

/// What must hold of a match.
#[derive(Clone, Copy)]
pub enum When {
    /// The value has none of the axes.
    Independent(&'static str, &'static str),
    /// The value has no sign.
    NonNegative(&'static str),
    /// The value is greater than 0.
    Positive(&'static str),
    /// No element is 0.
    NonZero(&'static str),
    /// The value is of this kind.
    Is(&'static str, Kind),
    /// The value is not complex (where 1 + 0i is no neutral factor of an infinity).
    NotComplex(&'static str),
    /// The first value has fewer axes than the second.
    Smaller(&'static str, &'static str),
    /// No extent of the axes is 0.
    NonEmpty(&'static str),
    /// The planted bug with this number is selected.
    #[cfg(tcc_fuzz_bugs)]
    Planted(u32),
}

/// The right side of a rule.
#[derive(Clone, Copy)]
pub enum Right {
    /// A pattern.
    Text(&'static str),
    /// What it is like, and the function that builds the values which are equal to the root.
    Build(&'static str, fn(&mut Graphs, Id, &Match) -> Vec<Id>),
}

/// One rule: two ways to compute the same value.
pub struct Rule {
    /// The name in reports.
    pub name: &'static str,
    /// What it keeps.
    pub law: Law,
    /// When it is tried.
    pub phase: Phase,
    /// What it looks for.
    pub left: &'static str,
    /// What is equal to it.
    pub right: Right,
    /// What else must hold.
    pub when: &'static [When],
    /// A contract without which the rule is not used although its law would allow it, because it may
    /// cancel digits.
    pub only: Option<Contract>,
    /// What it is for, in one line.
    pub about: &'static str,
    /// Where it is from.
    pub source: &'static str,
}

/// A row whose right side is text.
const fn rule(
    name: &'static str,
    law: Law,
    phase: Phase,
    (left, right): (&'static str, &'static str),
    about: &'static str,
    source: &'static str,
) -> Rule {
    Rule { name, law, phase, left, right: Right::Text(right), when: &[], only: None, about, source }
}

/// The subjects and their rules, in the order in which they are tried.
pub static SUBJECTS: &[(&str, &[Rule])] = &[
    ("arithmetic", arithmetic::RULES),
    ("guards", guards::RULES),
    ("tables", tables::RULES),
    ("functions", functions::RULES),
    ("names", names::RULES),
    ("reductions", reductions::RULES),
    ("normalisation", normalisation::RULES),
    ("places", places::RULES),
    ("transforms", transforms::RULES),
];

/// All rules, in order.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    SUBJECTS.iter().flat_map(|(_, rules)| rules.iter())
}

/// A rule ready for use.
pub struct Compiled {
    /// The row.
    pub rule: &'static Rule,
    /// Its left side.
    pub left: Pattern,
    right: Option<Pattern>,
}

/// All rules, read once. A row that cannot be read is left out; a test says so.
pub fn compiled() -> &'static [Compiled] {
    static COMPILED: OnceLock<Vec<Compiled>> = OnceLock::new();
    COMPILED.get_or_init(|| rules().filter_map(|rule| compile(rule).ok()).collect())
}

fn compile(rule: &'static Rule) -> Result<Compiled, String> {
    let right = match rule.right {
        Right::Text(text) => Some(Pattern::parse(text)?),
        Right::Build(..) => None,
    };
    Ok(Compiled { rule, left: Pattern::parse(rule.left)?, right })
}

impl Compiled {
    /// Whether the conditions of the rule hold.
    pub fn holds(&self, graphs: &Graphs, found: &Match) -> bool {
        self.rule.when.iter().all(|condition| holds(graphs, found, *condition).unwrap_or(false))
    }

    /// Whether the contract allows the rule on the values of a match: a ring of integers has no rounding.
    pub fn allowed(&self, contract: Contract, graphs: &Graphs, root: Id, found: &Match) -> bool {
        let discrete = |dtype: Dtype| matches!(dtype.kind(), Kind::Bool | Kind::Int);
        let integers = || {
            let values = found.values.iter().map(|(_, id)| *id).chain([root]);
            values.into_iter().all(|id| discrete(graphs[id].data.ty.dtype))
        };
        if self.rule.only.is_some_and(|least| contract < least) {
            return false;
        }
        match self.rule.law.least() {
            Some(Contract::Fast) if planted(17) => true, // Planted bug 17.
            Some(least) => contract >= least || integers(),
            None => false,
        }
    }

    /// The values that are equal to the root of a match, which are added.
    pub fn equals(&self, graphs: &mut Graphs, root: Id, found: &Match) -> Vec<Id> {
        let dtype = graphs[root].data.ty.dtype;
        let built = match (&self.right, self.rule.right) {
            (Some(right), _) => right.instantiate(graphs, found, dtype).into_iter().collect(),
            (None, Right::Build(_, build)) => build(graphs, root, found),
            (None, Right::Text(_)) => Vec::new(),
        };
        built.into_iter().filter(|&id| graphs[id].data.ty == graphs[root].data.ty).collect()
    }
}

fn holds(graphs: &Graphs, found: &Match, condition: When) -> Option<bool> {
    let facts = |name: &str| Some(&graphs[found.value(name)?].data);
    Some(match condition {
        When::Independent(value, axes) => {
            let axes = found.axes(axes)?;
            !facts(value)?.ty.axes.iter().any(|axis| axes.contains(axis))
        }
        When::NonNegative(value) => facts(value)?.non_negative,
        When::Positive(value) => facts(value)?.positive,
        When::NonZero(value) => facts(value)?.is_not_zero(),
        When::Is(value, kind) => facts(value)?.ty.dtype.kind() == kind,
        When::NotComplex(value) => !facts(value)?.ty.dtype.is_complex(),
        When::Smaller(a, b) => {
            let (a, b) = (&facts(a)?.ty.axes, &facts(b)?.ty.axes);
            a.len() < b.len() && a.iter().all(|axis| b.contains(axis))
        }
        #[cfg(tcc_fuzz_bugs)]
        When::Planted(bug) => planted(bug),
        When::NonEmpty(axes) => found.axes(axes)?.iter().all(|&axis| {
            graphs.analysis.operators.axis(axis).extent.as_const().is_some_and(|extent| extent > 0)
        }),
    })
}

impl When {
    /// The condition in words, for lists.
    pub fn text(self) -> String {
        match self {
            When::Independent(value, axes) => format!("{value} has no axis of {axes}"),
            When::NonNegative(value) => format!("{value} has no sign"),
            When::Positive(value) => format!("{value} > 0"),
            When::NonZero(value) => format!("{value} is not 0"),
            When::Is(value, kind) => format!("{value} is {}", format!("{kind:?}").to_lowercase()),
            When::NotComplex(value) => format!("{value} is not complex"),
            When::Smaller(a, b) => format!("{a} has fewer axes than {b}"),
            When::NonEmpty(axes) => format!("{axes} is not empty"),
            #[cfg(tcc_fuzz_bugs)]
            When::Planted(bug) => format!("bug {bug} is selected"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_row_can_be_read_and_has_a_name_of_its_own() {
        let mut names = BTreeSet::new();
        for rule in rules() {
            compile(rule).unwrap_or_else(|error| panic!("{}: {error}", rule.name));
            assert!(names.insert(rule.name), "{} is there twice", rule.name);
            assert!(!rule.about.is_empty() && !rule.source.is_empty(), "{}", rule.name);
        }
    }
}
