//! The type rule of every graph operation.

use super::{Graph, NormaliseOp, Op, Table, TransformOp, ValueId};
use crate::axis::{Axis, Name, Type, union_axes};
use crate::dtype::Dtype;
use crate::extent::Extent;
use crate::scalar::{Literal, ReduceOp, ScalarOp};

impl Graph {
    /// The type of `op` over the values of this graph, or why it has none.
    ///
    /// `written` gives what operands do not determine: the dtype of constants, tables and casts, the
    /// extent of an [`Op::Index`], the axes of [`Op::Table`] and [`Op::Scatter`], the type of an
    /// [`Op::State`], the lengths of an inverse real transform. Operands must be values of this graph.
    pub fn infer(&self, op: &Op, written: &Type) -> Result<Type, String> {
        match op {
            Op::Input(position) => match self.inputs.get(*position) {
                Some(input) => Ok(input.ty.clone()),
                None => Err(format!("there is no input {position}")),
            },
            Op::Const(literal) => fits(*literal, written.dtype).map(|()| Type::scalar(written.dtype)),
            Op::Table(table) => infer_table(table, written),
            Op::Index(name) => match written.axis(name) {
                Some(axis) => Ok(Type::new(Dtype::I64, vec![axis.clone()])),
                None => Err(format!("the type of `index {name}` lacks axis `{name}`")),
            },
            Op::Size(_) => Ok(Type::scalar(Dtype::I64)),
            Op::Map(op, operands) => {
                let dtypes: Vec<Dtype> = operands.iter().map(|&v| self.ty(v).dtype).collect();
                let dtype = match (op, dtypes.as_slice()) {
                    (ScalarOp::Cast, [_]) => written.dtype,
                    _ => op.result_dtype(&dtypes).ok_or_else(|| {
                        let names: Vec<_> = dtypes.iter().map(|d| d.name()).collect();
                        format!("`{op}` does not take ({})", names.join(", "))
                    })?,
                };
                Ok(Type::new(dtype, self.union(operands)?))
            }
            Op::Reduce { op, axes, value } => self.infer_reduce(*op, axes, *value),
            Op::Access { source, indices, outside } => self.infer_access(*source, indices, *outside),
            Op::Scatter { op, indices, value } => {
                self.infer_indices(indices, &written.axes)?;
                self.union(indices.iter().chain([value]))?;
                match op.result_dtype(self.ty(*value).dtype) {
                    Some(dtype) if op.scalar_op().is_some() => Ok(Type::new(dtype, written.axes.clone())),
                    _ => Err(format!("`scatter.{op}` does not take {}", self.ty(*value).dtype)),
                }
            }
            Op::Normalise { op, axes, value } => {
                let ty = self.ty(*value);
                if !ty.dtype.is_float() {
                    return Err(format!("`{}` takes floats, not {}", op.name(), ty.dtype));
                }
                has_axes(ty, axes)?;
                Ok(match op {
                    NormaliseOp::Softmax => ty.clone(),
                    NormaliseOp::LogSumExp => ty.without(axes),
                })
            }
            Op::State { axis, .. } => match written.axis(axis) {
                Some(_) => Ok(written.clone()),
                None => Err(format!("the type of a state lacks its stepped axis `{axis}`")),
            },
            Op::Recur { result, states, nexts } => self.infer_recur(*result, states, nexts),
            Op::Transform { op, axes, value } => self.infer_transform(*op, axes, self.ty(*value), written),
        }
    }

    fn union<'a>(&self, values: impl IntoIterator<Item = &'a ValueId>) -> Result<Vec<Axis>, String> {
        union_axes(values.into_iter().map(|&v| self.ty(v).axes.as_slice()))
            .map_err(|name| format!("axis `{name}` has two extents among the operands"))
    }

    fn infer_reduce(&self, op: ReduceOp, axes: &[Name], value: ValueId) -> Result<Type, String> {
        let ty = self.ty(value);
        has_axes(ty, axes)?;
        if op.scalar_op().is_none() && axes.len() != 1 {
            return Err(format!("`{op}` takes one axis"));
        }
        match op.result_dtype(ty.dtype) {
            Some(dtype) => Ok(ty.without(axes).with_dtype(dtype)),
            None => Err(format!("`{op}` does not take {}", ty.dtype)),
        }
    }

    fn infer_access(
        &self,
        source: ValueId,
        indices: &[ValueId],
        outside: Option<ValueId>,
    ) -> Result<Type, String> {
        let ty = self.ty(source);
        self.infer_indices(indices, &ty.axes)?;
        if let Some(outside) = outside
            && self.ty(outside).dtype != ty.dtype
        {
            return Err(format!(
                "the outside value is {} but the source {}",
                self.ty(outside).dtype,
                ty.dtype
            ));
        }
        Ok(Type::new(ty.dtype, self.union(indices.iter().chain(&outside))?))
    }

    /// One integer index per axis.
    fn infer_indices(&self, indices: &[ValueId], axes: &[Axis]) -> Result<(), String> {
        if indices.len() != axes.len() {
            return Err(format!("{} indices for {} axes", indices.len(), axes.len()));
        }
        match indices.iter().find(|&&index| !self.ty(index).dtype.is_int()) {
            Some(index) => {
                Err(format!("index {} is {}, not an integer", self.label(*index), self.ty(*index).dtype))
            }
            None => Ok(()),
        }
    }

    fn infer_recur(&self, result: usize, states: &[ValueId], nexts: &[ValueId]) -> Result<Type, String> {
        if states.len() != nexts.len() {
            return Err(format!("{} states but {} values that define them", states.len(), nexts.len()));
        }
        let mut stepping = None;
        for (&state, &next) in states.iter().zip(nexts) {
            let node = self.node(state);
            let Op::State { axis, direction } = &node.op else {
                return Err(format!("{} is not a state", self.label(state)));
            };
            if !self.ty(next).same(&node.ty) {
                return Err(format!(
                    "{} : {} cannot define {} : {}",
                    self.label(next),
                    self.ty(next),
                    self.label(state),
                    node.ty
                ));
            }
            let this = (node.ty.axis(axis), *direction);
            if *stepping.get_or_insert(this) != this {
                return Err("the states of a group step along different axes".to_string());
            }
        }
        match states.get(result) {
            Some(&state) => Ok(self.ty(state).clone()),
            None => Err(format!("there is no state {result}")),
        }
    }

    fn infer_transform(
        &self,
        op: TransformOp,
        pairs: &[(Name, Name)],
        value: &Type,
        written: &Type,
    ) -> Result<Type, String> {
        let from: Vec<Name> = pairs.iter().map(|(from, _)| from.clone()).collect();
        has_axes(value, &from)?;
        let dtype = match (op, value.dtype) {
            (TransformOp::Fft | TransformOp::Ifft, Dtype::C64 | Dtype::C128) => value.dtype,
            (TransformOp::Rfft, Dtype::F32) => Dtype::C64,
            (TransformOp::Rfft, Dtype::F64) => Dtype::C128,
            (TransformOp::Irfft, Dtype::C64 | Dtype::C128) => value.dtype.part(),
            _ => return Err(format!("`{}` does not take {}", op.name(), value.dtype)),
        };
        let mut axes = value.axes.clone();
        for (position, (from, to)) in pairs.iter().enumerate() {
            let last = position + 1 == pairs.len();
            let Some(axis) = axes.iter_mut().find(|axis| axis.name == *from) else {
                return Err(format!("axis `{from}` is transformed twice"));
            };
            let extent = match op {
                TransformOp::Rfft if last => axis.extent.clone().div(2) + Extent::from(1),
                TransformOp::Fft | TransformOp::Ifft | TransformOp::Rfft => axis.extent.clone(),
                TransformOp::Irfft => match written.axis(to) {
                    Some(axis) => axis.extent.clone(),
                    None => return Err(format!("the type of `irfft` lacks axis `{to}`")),
                },
            };
            *axis = Axis::new(to.clone(), extent);
        }
        match repeated_name(&axes) {
            Some(name) => Err(format!("the transform has two axes `{name}`")),
            None => Ok(Type::new(dtype, axes)),
        }
    }
}

fn infer_table(table: &Table, written: &Type) -> Result<Type, String> {
    match table {
        Table::Literals(literals) => {
            let mut elements = Some(1usize);
            for axis in &written.axes {
                let extent = axis.extent.as_const().and_then(|extent| usize::try_from(extent).ok());
                let extent = extent.ok_or_else(|| format!("axis `{axis}` of a table is not constant"))?;
                elements = elements.and_then(|n| n.checked_mul(extent));
            }
            if elements != Some(literals.len()) {
                return Err(format!("the table has {} elements, not those of {written}", literals.len()));
            }
            literals.iter().try_for_each(|&literal| fits(literal, written.dtype))?;
        }
        Table::Dft => match written.axes.as_slice() {
            [k, x] if k.extent == x.extent && written.dtype.is_complex() => {}
            _ => return Err("`dft` is complex with two axes of one extent".to_string()),
        },
    }
    Ok(written.clone())
}

fn fits(literal: Literal, dtype: Dtype) -> Result<(), String> {
    if literal.fits(dtype) { Ok(()) } else { Err(format!("{literal} is not a literal of {dtype}")) }
}

/// `axes` are one or more different axes of `ty`.
fn has_axes(ty: &Type, axes: &[Name]) -> Result<(), String> {
    if axes.is_empty() {
        return Err("no axis is given".to_string());
    }
    for (position, name) in axes.iter().enumerate() {
        if ty.axis(name).is_none() {
            return Err(format!("axis `{name}` is not an axis of {ty}"));
        }
        if axes[..position].contains(name) {
            return Err(format!("axis `{name}` is given twice"));
        }
    }
    Ok(())
}

/// A name that two axes share.
pub(super) fn repeated_name(axes: &[Axis]) -> Option<&Name> {
    let repeated = |(position, axis): &(usize, &Axis)| axes[..*position].iter().any(|a| a.name == axis.name);
    axes.iter().enumerate().find(repeated).map(|(_, axis)| &axis.name)
}
