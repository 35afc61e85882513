//! Values while they are built: what the graph does not record.

use crate::check::dtypes::Numeric;
use crate::check::ranges::Bounds;
use tcc_ir::axis::Axis;
use tcc_ir::graph::ValueId;
use tcc_ir::{Dtype, Extent};

/// A value of the graph with what is known about it.
#[derive(Clone, Debug)]
pub struct Value {
    pub id: ValueId,
    pub weak: bool,
    /// An integer: the polynomial over sizes and indices that it equals.
    pub place: Option<Extent>,
    /// An integer: an interval it stays in, without indices.
    pub bounds: Option<Bounds>,
    /// Whether it depends on elements of operands (or on float parameters).
    pub data: bool,
}

impl Value {
    /// A value that is only known by what it computes.
    pub fn plain(id: ValueId, numeric: Numeric, data: bool) -> Value {
        Value { id, weak: numeric.weak, place: None, bounds: None, data }
    }
}

/// A tensor that has been built.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: ValueId,
    pub numeric: Numeric,
    /// One axis for each index; the value depends on some or all of them.
    pub axes: Vec<Axis>,
    pub place: Option<Extent>,
    pub bounds: Option<Bounds>,
    pub data: bool,
}

impl Stored {
    /// A tensor of which only the type is known.
    pub fn of_type(id: ValueId, dtype: Dtype, axes: Vec<Axis>) -> Stored {
        Stored { id, numeric: Numeric::strong(dtype), axes, place: None, bounds: None, data: true }
    }
}
