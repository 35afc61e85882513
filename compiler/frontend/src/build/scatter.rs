//! Equations that write to computed places, and those that write a diagonal.

use super::body::Body;
use super::equation::reduction;
use super::value::{Stored, Value};
use crate::check::Reported;
use crate::check::dtypes;
use crate::check::ranges::Verdict;
use crate::check::resolved::Left;
use crate::diagnostic::{Code, Diagnostic, FIX};
use tcc_ir::axis::{Axis, Name};
use tcc_ir::graph::{Op, ValueId};
use tcc_ir::scalar::{ReduceOp, ScalarOp};
use tcc_ir::{Dtype, Extent, Kind, Relation, Type};

impl Body<'_, '_> {
    /// The axes of the result: named after the bare indices where possible.
    pub fn scatter_axes(&mut self, name: &Name, declared: Option<&[Extent]>) -> Result<Vec<Axis>, Reported> {
        let mut axes: Vec<Axis> = Vec::new();
        for (position, left) in self.equation.left.iter().enumerate() {
            let (wanted, own) = match left {
                Left::Bare(variable, _) => {
                    let axis = self.axis(*variable);
                    (axis.name.clone(), Some(axis.extent))
                }
                Left::Group(..) => (Name::from(format!("{name}.{position}")), self.group_extent(position)),
                Left::Computed(_) => (Name::from(format!("{name}.{position}")), None),
            };
            let taken = axes.iter().any(|axis| axis.name == wanted);
            let wanted = if taken { Name::from(format!("{name}.{position}")) } else { wanted };
            let Some(extent) = declared.and_then(|declared| declared.get(position)).cloned().or(own) else {
                return Err(self.error(
                    Diagnostic::new(Code::SizeUnknown, format!("the shape of {name} is unknown"))
                        .label(self.equation.left_span, "a computed place does not say how long the axis is")
                        .help(format!("declare it: var {name} : f32[..]")),
                ));
            };
            axes.push(Axis::new(wanted, extent));
        }
        Ok(axes)
    }

    fn group_extent(&self, position: usize) -> Option<Extent> {
        self.left_axes().get(position).map(|axis| axis.extent.clone())
    }

    /// The value that this equation alone scatters.
    pub fn scatter(&mut self, axes: &[Axis]) -> Result<Value, Reported> {
        let op = reduction(self.equation.op).map_or(ReduceOp::Sum, |(op, _)| op);
        let indices: Vec<_> =
            self.equation.left.iter().enumerate().map(|(axis, left)| self.target(left, axis, axes)).collect();
        let value = self.expr(&self.equation.body);
        let indices = indices.into_iter().collect::<Result<Vec<ValueId>, _>>()?;
        let value = value?;
        let mut numeric = self.numeric(&value);
        let op = match (reduction(self.equation.op), numeric.dtype.kind()) {
            // A diagonal of truth values: nothing meets, the rest is false.
            (None, Kind::Bool) => ReduceOp::Any,
            (None, _) => ReduceOp::Sum,
            (Some((_, written)), _) => {
                numeric = dtypes::reduction(written, numeric);
                op
            }
        };
        if numeric.dtype.is_complex() && matches!(op, ReduceOp::Max | ReduceOp::Min) {
            return Err(self.error(
                Diagnostic::new(Code::ComplexOrder, "complex numbers have no largest or smallest")
                    .label(self.equation.body.span, format!("of {}", numeric.dtype))
                    .help("take a real part first: re(..), im(..) or abs(..)"),
            ));
        }
        let sums = matches!(op, ReduceOp::Sum | ReduceOp::Prod);
        let dtype = if sums { self.accumulator(numeric.dtype) } else { numeric.dtype };
        let written = self.cast(&value, dtype);
        // Every index of the equation counts, also one that neither the value nor a place depends on.
        let mut uncounted = self.axes(&self.implicit());
        uncounted.retain(|axis| {
            indices.iter().all(|index| self.all.builder.ty(*index).axis(&axis.name).is_none())
        });
        let written = self.all.builder.broadcast(written, &uncounted);
        let ty = Type::new(dtype, axes.to_vec());
        let id = self.all.builder.add(Op::Scatter { op, indices, value: written }, &ty);
        let id = self.all.builder.cast(id, numeric.dtype);
        Ok(Value::plain(id, numeric, true))
    }

    /// One index on the left as an i64, checked to be inside.
    fn target(&mut self, left: &Left, position: usize, axes: &[Axis]) -> Result<ValueId, Reported> {
        let extent = &axes[position].extent;
        let (value, span) = match left {
            Left::Bare(variable, span) => {
                let axis = self.axis(*variable);
                let id = self.all.builder.index(&axis);
                let mut value = Value::plain(id, dtypes::Numeric::weak(Kind::Int), false);
                value.place = Some(crate::check::ranges::index_symbol(&axis.name));
                (value, *span)
            }
            Left::Group(members, span) => (self.group(members), *span),
            Left::Computed(place) => (self.integer(place)?, place.span),
        };
        let verdict = match self.bounds(&value) {
            Some(bounds) => self.facts().decide(&bounds, extent),
            None => Verdict::Unknown,
        };
        let name = self.all.names.tensor(self.equation.tensor).name.clone();
        match verdict {
            Verdict::Inside => {}
            Verdict::Outside(reached) => {
                let text = self.text_of(span).to_owned();
                return Err(self.error(
                    Diagnostic::new(
                        Code::ReadOutOfRange,
                        format!("{name} written out of range ({text} reaches {reached}, size {extent})"),
                    )
                    .label(span, format!("reaches {reached}"))
                    .label(self.equation.left_span, format!("axis {} has size {extent}", position + 1))
                    .help("make the shape larger, or the place smaller"),
                ));
            }
            Verdict::If(conditions) => {
                let text = self.text_of(span).to_owned();
                for (low, high) in conditions {
                    let first = low.as_const() == Some(0);
                    let (reach, end) = if first {
                        ("{right}", "the first place is 0")
                    } else {
                        ("{left}", "the last place is {right}")
                    };
                    let fix = "make the shape larger, or the place smaller";
                    let message =
                        format!("{name} written out of range ({text} reaches {reach}, {end}){FIX}{fix}");
                    // Both sides less 1: the message then names the place that is written.
                    let one = || if first { Extent::from(0) } else { Extent::from(1) };
                    self.require(
                        low - one(),
                        Relation::Le,
                        high - one(),
                        Code::ReadOutOfRange,
                        &message,
                        span,
                    );
                }
            }
            Verdict::Unknown => {
                let inside = self.inside(value.id, extent);
                let message = format!(
                    "`{}` is outside axis {} of {name} (size {extent})",
                    self.text_of(span),
                    position + 1
                );
                let fix = format!(
                    "make axis {} of {name} longer, or check the data that give the place",
                    position + 1
                );
                self.check(inside, Code::IndexOutside, &message, &fix, span);
            }
        }
        Ok(value.id)
    }

    /// A plain `+=` beside scatter forms, with the axes of the result.
    pub fn plain_beside_scatter(&mut self, axes: &[Axis]) -> Result<Value, Reported> {
        let reduced = self.reduced();
        let value = self.right_side(&reduced)?;
        let (id, own) = self.flatten(value.id);
        let id = self.all.builder.broadcast(id, &own);
        let order = self.all.builder.ty(id).axes.clone();
        let places: Vec<ValueId> = order
            .iter()
            .filter_map(|axis| own.iter().position(|known| known.name == axis.name))
            .filter_map(|position| axes.get(position))
            .map(|axis| self.all.builder.index(axis))
            .collect();
        let id = if order == axes { id } else { self.all.builder.access(id, places, None) };
        Ok(Value { id, ..value })
    }
}

/// Combines what several equations scatter into one tensor.
pub fn merge(body: &mut Body<'_, '_>, op: ScalarOp, a: Value, b: &Value) -> Value {
    let numeric = dtypes::join(body.numeric(&a), body.numeric(b)).as_number();
    let operands = [body.cast(&a, numeric.dtype), body.cast(b, numeric.dtype)];
    let id = body.all.builder.map(op, &operands);
    Value::plain(id, numeric, true)
}

/// The tensor that scatter equations make.
pub fn finish(
    body: &mut Body<'_, '_>,
    value: &Value,
    dtype: Option<Dtype>,
    name: &Name,
    axes: Vec<Axis>,
) -> Result<Stored, Reported> {
    let (id, numeric) = body.stored_as(value, dtype, name)?;
    Ok(Stored { id, numeric, axes, place: None, bounds: None, data: true })
}
