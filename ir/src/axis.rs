//! Named axes and the types of graph values.

use crate::dtype::Dtype;
use crate::extent::Extent;
use std::fmt;
use std::sync::Arc;

/// A name that the user gave (a tensor, an axis, a size); cheap to clone.
pub type Name = Arc<str>;

/// A named axis: an index name and the number of values it takes (`0..extent`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Axis {
    /// The index name; names persist from the source to the loops.
    pub name: Name,
    /// How many values the index takes.
    pub extent: Extent,
}

impl Axis {
    /// An axis `name:extent`.
    pub fn new(name: impl Into<Name>, extent: impl Into<Extent>) -> Axis {
        Axis { name: name.into(), extent: extent.into() }
    }
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.extent)
    }
}

/// The type of a graph value: a function from the indices of its axes to a number.
///
/// The axes form a set; their order carries no meaning (layout enters in lowering) but is kept,
/// in order of first appearance, so that printing is stable. No two axes share a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Type {
    /// Element type.
    pub dtype: Dtype,
    /// The named axes, each name once.
    pub axes: Vec<Axis>,
}

impl Type {
    /// A type from its parts.
    pub fn new(dtype: Dtype, axes: Vec<Axis>) -> Type {
        Type { dtype, axes }
    }

    /// The type of a single number.
    pub fn scalar(dtype: Dtype) -> Type {
        Type { dtype, axes: Vec::new() }
    }

    /// The axis called `name`, if the value depends on it.
    pub fn axis(&self, name: &str) -> Option<&Axis> {
        self.axes.iter().find(|axis| &*axis.name == name)
    }

    /// Whether both types have the same dtype and the same set of axes.
    pub fn same(&self, other: &Type) -> bool {
        self.dtype == other.dtype
            && self.axes.len() == other.axes.len()
            && self.axes.iter().all(|axis| other.axis(&axis.name) == Some(axis))
    }

    /// The same axes with another dtype.
    pub fn with_dtype(&self, dtype: Dtype) -> Type {
        Type { dtype, axes: self.axes.clone() }
    }

    /// The type without the axes called `names`.
    pub fn without(&self, names: &[Name]) -> Type {
        Type {
            dtype: self.dtype,
            axes: self.axes.iter().filter(|a| !names.contains(&a.name)).cloned().collect(),
        }
    }
}

/// The union of axes by name, in order of first appearance. `Err` names an axis that has two
/// different extents.
pub fn union_axes<'a>(lists: impl IntoIterator<Item = &'a [Axis]>) -> Result<Vec<Axis>, Name> {
    let mut union: Vec<Axis> = Vec::new();
    for axis in lists.into_iter().flatten() {
        match union.iter().find(|known| known.name == axis.name) {
            None => union.push(axis.clone()),
            Some(known) if known.extent == axis.extent => {}
            Some(_) => return Err(axis.name.clone()),
        }
    }
    Ok(union)
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.dtype)?;
        if self.axes.is_empty() {
            return Ok(());
        }
        f.write_str("[")?;
        for (position, axis) in self.axes.iter().enumerate() {
            write!(f, "{}{axis}", if position == 0 { "" } else { ", " })?;
        }
        f.write_str("]")
    }
}
