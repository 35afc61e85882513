//! Symbols: the sizes and integer parameters that are bound at call time, and what must hold of them.

use crate::axis::Name;
use crate::extent::{Extent, ExtentError};
use std::collections::BTreeMap;
use std::fmt;

/// A size or an integer parameter; an `i64` at run time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SymbolDecl {
    /// The name as the user wrote it.
    pub name: Name,
    /// `true` for a `param`, which the caller must give; sizes are solved from the operands' shapes
    /// where possible.
    pub param: bool,
    /// The value of a parameter that the caller leaves out; may mention other symbols.
    pub default: Option<Extent>,
}

/// Values of symbols.
pub type Bindings = BTreeMap<Name, i64>;

/// How the two sides of a [`Requirement`] must relate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `left == right`
    Eq,
    /// `left <= right`
    Le,
    /// `left` divides `right` (and is not 0)
    Divides,
}

impl Relation {
    /// The word in text forms.
    pub fn name(self) -> &'static str {
        match self {
            Relation::Eq => "==",
            Relation::Le => "<=",
            Relation::Divides => "divides",
        }
    }
}

/// A condition on symbols that could not be decided before they are bound. Whoever binds symbols
/// (evaluators, `specialise`, a kernel call) must check it first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// Left side.
    pub left: Extent,
    /// How the sides must relate.
    pub relation: Relation,
    /// Right side.
    pub right: Extent,
    /// What to tell the user when it does not hold; `{left}` and `{right}` stand for the values.
    pub message: String,
    /// Where in the source the requirement comes from (byte offsets), if known.
    pub span: Option<(usize, usize)>,
}

impl Requirement {
    /// Whether the requirement holds under `bindings`.
    pub fn holds(&self, bindings: &Bindings) -> Result<bool, ExtentError> {
        let (left, right) = (self.left.eval(bindings)?, self.right.eval(bindings)?);
        Ok(match self.relation {
            Relation::Eq => left == right,
            Relation::Le => left <= right,
            Relation::Divides => left != 0 && right.rem_euclid(left) == 0,
        })
    }

    /// The message with the values of both sides filled in.
    pub fn explain(&self, bindings: &Bindings) -> String {
        let show = |side: &Extent| side.eval(bindings).map_or_else(|e| e.to_string(), |v| v.to_string());
        self.message.replace("{left}", &show(&self.left)).replace("{right}", &show(&self.right))
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.left, self.relation.name(), self.right)
    }
}
