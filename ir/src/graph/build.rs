//! Appending nodes: every method infers the type and says why an operation does not fit.

use super::{Direction, Graph, NormaliseOp, Op, Table, TransformOp, ValueId};
use crate::axis::{Axis, Name, Type};
use crate::dtype::Dtype;
use crate::extent::Extent;
use crate::scalar::{Literal, ReduceOp, ScalarOp};
use std::sync::Arc;

impl Graph {
    /// Appends a node with the type that [`Graph::infer`] gives it. Operands must be values of this graph.
    pub fn add(&mut self, op: Op, written: &Type) -> Result<ValueId, String> {
        let ty = self.infer(&op, written)?;
        Ok(self.push(op, ty))
    }

    /// Names the tensor of the source that a value is; a value that has a name keeps it.
    pub fn set_name(&mut self, value: ValueId, name: impl Into<Name>) {
        if let Some(node) = self.nodes.get_mut(value.index()) {
            node.name.get_or_insert_with(|| name.into());
        }
    }

    /// The input with this position.
    pub fn input(&mut self, position: usize) -> Result<ValueId, String> {
        let value = self.add(Op::Input(position), &Type::scalar(Dtype::F64))?;
        self.set_name(value, self.inputs[position].name.clone());
        Ok(value)
    }

    /// A number.
    pub fn constant(&mut self, literal: Literal, dtype: Dtype) -> Result<ValueId, String> {
        self.add(Op::Const(literal), &Type::scalar(dtype))
    }

    /// The integer `value` as an i64.
    pub fn integer(&mut self, value: i64) -> ValueId {
        self.push(Op::Const(Literal::Int(value)), Type::scalar(Dtype::I64))
    }

    /// A constant tensor with elements in row-major order of the axes of `ty`.
    pub fn table(&mut self, literals: Vec<Literal>, ty: &Type) -> Result<ValueId, String> {
        self.add(Op::Table(Arc::new(Table::Literals(literals))), ty)
    }

    /// The matrix of the discrete Fourier transform, `dtype[k:n, x:n]`.
    pub fn dft(&mut self, dtype: Dtype, frequency: Axis, position: Axis) -> Result<ValueId, String> {
        self.add(Op::Table(Arc::new(Table::Dft)), &Type::new(dtype, vec![frequency, position]))
    }

    /// The index of an axis as a number.
    pub fn index(&mut self, axis: &Axis) -> ValueId {
        self.push(Op::Index(axis.name.clone()), Type::new(Dtype::I64, vec![axis.clone()]))
    }

    /// An expression of sizes and parameters as an i64.
    pub fn size(&mut self, extent: Extent) -> ValueId {
        self.push(Op::Size(extent), Type::scalar(Dtype::I64))
    }

    /// An elementwise operation (not [`ScalarOp::Cast`], for which see [`Graph::cast`]).
    pub fn map(&mut self, op: ScalarOp, operands: &[ValueId]) -> Result<ValueId, String> {
        if op == ScalarOp::Cast {
            return Err("a cast needs the dtype of its result".to_string());
        }
        self.add(Op::Map(op, operands.to_vec()), &Type::scalar(Dtype::F64))
    }

    /// Conversion to `dtype`; the value itself if it has that dtype.
    pub fn cast(&mut self, value: ValueId, dtype: Dtype) -> Result<ValueId, String> {
        if self.ty(value).dtype == dtype {
            return Ok(value);
        }
        self.add(Op::Map(ScalarOp::Cast, vec![value]), &Type::scalar(dtype))
    }

    /// Combines the values along `axes`. Along no axes: the value itself.
    pub fn reduce(&mut self, op: ReduceOp, axes: &[Name], value: ValueId) -> Result<ValueId, String> {
        if axes.is_empty() && op.result_dtype(self.ty(value).dtype) == Some(self.ty(value).dtype) {
            return Ok(value);
        }
        self.add(Op::Reduce { op, axes: axes.to_vec(), value }, &Type::scalar(Dtype::F64))
    }

    /// Reads `source` at computed places, one index per axis of its type.
    pub fn access(
        &mut self,
        source: ValueId,
        indices: &[ValueId],
        outside: Option<ValueId>,
    ) -> Result<ValueId, String> {
        self.add(Op::Access { source, indices: indices.to_vec(), outside }, &Type::scalar(Dtype::F64))
    }

    /// `value` with axes under other names: an access at the plain indices of the new axes. Each new
    /// axis keeps the extent of the old one. The value itself if no name changes.
    pub fn rename(&mut self, value: ValueId, renames: &[(Name, Name)]) -> Result<ValueId, String> {
        let axes = self.ty(value).axes.clone();
        let renamed = |axis: &Axis| {
            let to = renames.iter().find(|(from, _)| *from == axis.name).map_or(&axis.name, |(_, to)| to);
            Axis::new(to.clone(), axis.extent.clone())
        };
        let new: Vec<Axis> = axes.iter().map(renamed).collect();
        if new == axes {
            return Ok(value);
        }
        let indices: Vec<ValueId> = new.iter().map(|axis| self.index(axis)).collect();
        self.access(value, &indices, None)
    }

    /// Combines `value` into the places given by `indices` of a tensor with `axes`, one index per axis.
    pub fn scatter(
        &mut self,
        op: ReduceOp,
        indices: &[ValueId],
        value: ValueId,
        axes: Vec<Axis>,
    ) -> Result<ValueId, String> {
        let written = Type::new(self.ty(value).dtype, axes);
        self.add(Op::Scatter { op, indices: indices.to_vec(), value }, &written)
    }

    /// Softmax or logsumexp along `axes`.
    pub fn normalise(&mut self, op: NormaliseOp, axes: &[Name], value: ValueId) -> Result<ValueId, String> {
        self.add(Op::Normalise { op, axes: axes.to_vec(), value }, &Type::scalar(Dtype::F64))
    }

    /// The trajectory of type `ty` that a recurrence along `axis` is defining.
    pub fn state(&mut self, axis: &str, direction: Direction, ty: &Type) -> Result<ValueId, String> {
        self.add(Op::State { axis: axis.into(), direction }, ty)
    }

    /// The finished trajectories of a group of states, `nexts[i]` defining `states[i]`.
    pub fn recur(&mut self, states: &[ValueId], nexts: &[ValueId]) -> Result<Vec<ValueId>, String> {
        let written = Type::scalar(Dtype::F64);
        (0..states.len())
            .map(|result| {
                let (states, nexts) = (states.to_vec(), nexts.to_vec());
                self.add(Op::Recur { result, states, nexts }, &written)
            })
            .collect()
    }

    /// A Fourier transform: each pair replaces an axis of `value` by a new one. The extents of the new
    /// axes matter for [`TransformOp::Irfft`] only, whose lengths they are.
    pub fn transform(
        &mut self,
        op: TransformOp,
        pairs: &[(Name, Axis)],
        value: ValueId,
    ) -> Result<ValueId, String> {
        let axes = pairs.iter().map(|(from, to)| (from.clone(), to.name.clone())).collect();
        let written = Type::new(self.ty(value).dtype, pairs.iter().map(|(_, to)| to.clone()).collect());
        self.add(Op::Transform { op, axes, value }, &written)
    }
}
