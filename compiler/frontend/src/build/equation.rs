//! The left side: what an equation makes of its right side.

use super::body::Body;
use super::value::{Stored, Value};
use crate::ast::AssignOp;
use crate::check::Reported;
use crate::check::dtypes::{self, Numeric};
use crate::check::resolved::{Left, Origin, VariableId};
use tcc_ir::axis::{Axis, Name};
use tcc_ir::graph::ValueId;
use tcc_ir::scalar::{ReduceOp, ScalarOp};
use tcc_ir::{Dtype, Extent};

/// The reduction that `+=` and the like stand for.
pub fn reduction(op: AssignOp) -> Option<(ReduceOp, crate::ast::ReduceOp)> {
    match op {
        AssignOp::Set => None,
        AssignOp::Add => Some((ReduceOp::Sum, crate::ast::ReduceOp::Sum)),
        AssignOp::Mul => Some((ReduceOp::Prod, crate::ast::ReduceOp::Prod)),
        AssignOp::Max => Some((ReduceOp::Max, crate::ast::ReduceOp::Max)),
        AssignOp::Min => Some((ReduceOp::Min, crate::ast::ReduceOp::Min)),
    }
}

impl Body<'_, '_> {
    /// Indices that are in scope in the whole equation.
    pub fn open_equation(&mut self) {
        let variables = self.equation.variables.iter().enumerate();
        let outer = variables.filter(|(_, variable)| variable.origin != Origin::Bound);
        self.active = outer.map(|(position, _)| VariableId(position as u32)).collect();
    }

    /// The right side, with the indices reduced that `+=` reduces.
    pub fn right_side(&mut self, reduced: &[VariableId]) -> Result<Value, Reported> {
        let value = self.expr(&self.equation.body)?;
        let Some((op, written)) = reduction(self.equation.op) else { return Ok(value) };
        let numeric = self.numeric(&value);
        let result = dtypes::reduction(written, numeric);
        if matches!(op, ReduceOp::Max | ReduceOp::Min) && result.dtype.is_complex() {
            return Err(self.error(
                crate::diagnostic::Diagnostic::new(
                    crate::diagnostic::Code::ComplexOrder,
                    "complex numbers have no largest or smallest",
                )
                .label(self.equation.body.span, format!("of {}", result.dtype))
                .help("take a real part first: re(..), im(..) or abs(..)"),
            ));
        }
        if reduced.is_empty() {
            let id = self.cast(&value, result.dtype);
            return Ok(Value { id, weak: result.weak, ..value });
        }
        let axes = self.axes(reduced);
        if op == ReduceOp::Sum {
            let equation = self.equation;
            self.warn_of_overflow(&equation.body, result.dtype, &axes, equation.left_span);
        }
        let id = self.fold(op, &value, result, None, &axes);
        Ok(Value::plain(id, result, value.data))
    }

    /// The implicit indices that do not stand in a computed place on the left.
    pub fn reduced(&self) -> Vec<VariableId> {
        let mut on_left = Vec::new();
        for left in &self.equation.left {
            if let Left::Computed(place) = left {
                place.free_indices(&mut |variable| on_left.push(variable));
            }
        }
        self.implicit().into_iter().filter(|variable| !on_left.contains(variable)).collect()
    }

    /// The indices that `+=` and the like reduce.
    pub fn implicit(&self) -> Vec<VariableId> {
        let variables = self.equation.variables.iter().enumerate();
        variables
            .filter(|(_, variable)| variable.origin == Origin::Implicit)
            .map(|(position, _)| VariableId(position as u32))
            .collect()
    }

    /// The axes of the tensor on the left, one for each index; groups get an axis of their own.
    pub fn left_axes(&self) -> Vec<Axis> {
        let mut axes: Vec<Axis> = Vec::new();
        for left in &self.equation.left {
            let axis = match left {
                Left::Bare(variable, _) => self.axis(*variable),
                Left::Group(members, _) => {
                    let parts = self.axes(members);
                    let names: Vec<&str> = parts.iter().map(|axis| &*axis.name).collect();
                    let extent =
                        parts.iter().fold(Extent::from(1), |product, axis| product * axis.extent.clone());
                    Axis::new(names.join("."), extent)
                }
                Left::Computed(_) => Axis::new("?", 0),
            };
            axes.push(axis);
        }
        axes
    }

    /// A plain equation (nothing computed or repeated on the left) as a tensor.
    pub fn plain(&mut self, name: &Name, dtype: Option<Dtype>) -> Result<Stored, Reported> {
        let reduced = self.reduced();
        let value = self.right_side(&reduced)?;
        let (id, numeric) = self.stored_as(&value, dtype, name)?;
        let (id, axes) = self.flatten(id);
        let known = numeric.dtype == self.all.builder.dtype(value.id);
        let scalar = |place: &Extent| !crate::check::ranges::has_index(place);
        Ok(Stored {
            id,
            numeric,
            axes,
            place: value.place.clone().filter(|place| known && scalar(place)),
            bounds: self.bounds(&value).filter(|_| known && numeric.dtype == Dtype::I64),
            data: value.data,
        })
    }

    /// Converts to the declared dtype; an undeclared tensor takes the dtype of its value.
    pub fn stored_as(
        &mut self,
        value: &Value,
        dtype: Option<Dtype>,
        name: &str,
    ) -> Result<(ValueId, Numeric), Reported> {
        match dtype {
            Some(dtype) => {
                let id = self.store(value, dtype, name, self.equation.body.span)?;
                Ok((id, Numeric::strong(dtype)))
            }
            None => Ok((value.id, self.numeric(value))),
        }
    }

    /// Makes one axis of each group on the left.
    pub fn flatten(&mut self, value: ValueId) -> (ValueId, Vec<Axis>) {
        let axes = self.left_axes();
        if !self.equation.left.iter().any(|left| matches!(left, Left::Group(..))) {
            return (value, axes);
        }
        let own = self.all.builder.ty(value).axes.clone();
        let places: Vec<ValueId> = own.iter().map(|axis| self.member_place(axis, &axes)).collect();
        (self.all.builder.access(value, places, None), axes)
    }

    /// Where an axis of the unflattened value stands, as a number of the flattened axes.
    fn member_place(&mut self, axis: &Axis, axes: &[Axis]) -> ValueId {
        for (left, whole) in self.equation.left.iter().zip(axes) {
            let Left::Group(members, _) = left else { continue };
            let parts = self.axes(members);
            let Some(position) = parts.iter().position(|part| part.name == axis.name) else { continue };
            let stride =
                parts[position + 1..].iter().fold(Extent::from(1), |p, part| p * part.extent.clone());
            let mut place = self.all.builder.index(whole);
            if stride != Extent::from(1) {
                let stride = self.all.builder.size(&stride);
                place = self.all.builder.map(ScalarOp::FloorDiv, &[place, stride]);
            }
            if position > 0 {
                let extent = self.all.builder.size(&axis.extent);
                place = self.all.builder.map(ScalarOp::Mod, &[place, extent]);
            }
            return place;
        }
        self.all.builder.index(axis)
    }
}
