//! The graph under construction. Nodes that compute the same are made once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use tcc_ir::axis::{Axis, Name, Type};
use tcc_ir::graph::{Graph, Op, Table, ValueId};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};
use tcc_ir::{Dtype, Extent, Kind};

/// A graph and an index of its nodes.
#[derive(Default)]
pub struct Builder {
    pub graph: Graph,
    /// Nodes by the hash of operation and type; the hash is the same on every run.
    known: HashMap<u64, Vec<ValueId>>,
    /// The first operation that did not fit its operands: a mistake of this compiler.
    pub mistake: Option<String>,
}

impl Builder {
    /// The value of `op`; `written` is what the operands do not determine (see [`Graph::infer`]).
    pub fn add(&mut self, op: Op, written: &Type) -> ValueId {
        let ty = match self.graph.infer(&op, written) {
            Ok(ty) => ty,
            Err(reason) => {
                self.mistake.get_or_insert(reason);
                written.clone()
            }
        };
        if matches!(op, Op::State { .. }) {
            return self.graph.push(op, ty);
        }
        let mut hasher = DefaultHasher::new();
        (&op, &ty).hash(&mut hasher);
        let key = hasher.finish();
        let graph = &self.graph;
        let same = |value: &&ValueId| graph.node(**value).op == op && graph.node(**value).ty == ty;
        if let Some(value) = self.known.get(&key).and_then(|list| list.iter().find(same)) {
            return *value;
        }
        let value = self.graph.push(op, ty);
        self.known.entry(key).or_default().push(value);
        value
    }

    pub fn ty(&self, value: ValueId) -> &Type {
        self.graph.ty(value)
    }

    pub fn dtype(&self, value: ValueId) -> Dtype {
        self.graph.ty(value).dtype
    }

    /// The literal if the value is one.
    pub fn literal(&self, value: ValueId) -> Option<Literal> {
        match self.graph.node(value).op {
            Op::Const(literal) => Some(literal),
            _ => None,
        }
    }

    pub fn constant(&mut self, literal: Literal, dtype: Dtype) -> ValueId {
        self.add(Op::Const(literal), &Type::scalar(dtype))
    }

    /// The small integer `value` in any dtype.
    pub fn number(&mut self, value: i64, dtype: Dtype) -> ValueId {
        self.constant(Literal::of(value, dtype), dtype)
    }

    /// The real `value` in a float or complex dtype.
    pub fn real(&mut self, value: f64, dtype: Dtype) -> ValueId {
        let literal = if dtype.is_complex() { Literal::Complex(value, 0.0) } else { Literal::Real(value) };
        self.constant(literal, dtype)
    }

    /// A size as an i64.
    pub fn size(&mut self, extent: &Extent) -> ValueId {
        match extent.as_const() {
            Some(value) => self.number(value, Dtype::I64),
            None => self.add(Op::Size(extent.clone()), &Type::scalar(Dtype::I64)),
        }
    }

    pub fn index(&mut self, axis: &Axis) -> ValueId {
        self.add(Op::Index(axis.name.clone()), &Type::new(Dtype::I64, vec![axis.clone()]))
    }

    pub fn map(&mut self, op: ScalarOp, operands: &[ValueId]) -> ValueId {
        self.add(Op::Map(op, operands.to_vec()), &Type::scalar(Dtype::F64))
    }

    pub fn not(&mut self, value: ValueId) -> ValueId {
        match self.literal(value) {
            Some(Literal::Bool(known)) => self.constant(Literal::Bool(!known), Dtype::Bool),
            _ => self.map(ScalarOp::Not, &[value]),
        }
    }

    pub fn and(&mut self, a: ValueId, b: ValueId) -> ValueId {
        match (self.literal(a), self.literal(b)) {
            (Some(Literal::Bool(true)), _) => b,
            (_, Some(Literal::Bool(true))) => a,
            _ if a == b => a,
            _ => self.map(ScalarOp::And, &[a, b]),
        }
    }

    pub fn or(&mut self, a: ValueId, b: ValueId) -> ValueId {
        match (self.literal(a), self.literal(b)) {
            (Some(Literal::Bool(false)), _) => b,
            (_, Some(Literal::Bool(false))) => a,
            _ if a == b => a,
            _ => self.map(ScalarOp::Or, &[a, b]),
        }
    }

    pub fn select(&mut self, condition: ValueId, then: ValueId, otherwise: ValueId) -> ValueId {
        self.map(ScalarOp::Select, &[condition, then, otherwise])
    }

    /// Conversion; numbers and tables are converted at once.
    pub fn cast(&mut self, value: ValueId, dtype: Dtype) -> ValueId {
        let from = self.dtype(value);
        if from == dtype {
            return value;
        }
        let node = self.graph.node(value);
        match &node.op {
            Op::Const(literal) => {
                if let Some(literal) = convert(*literal, dtype) {
                    return self.constant(literal, dtype);
                }
            }
            Op::Table(table) => {
                if let Table::Literals(literals) = &**table
                    && let Some(literals) =
                        literals.iter().map(|l| convert(*l, dtype)).collect::<Option<Vec<_>>>()
                {
                    let ty = node.ty.with_dtype(dtype);
                    return self.add(Op::Table(Arc::new(Table::Literals(literals))), &ty);
                }
            }
            // A truth value passes through integers unchanged.
            Op::Map(ScalarOp::Cast, operands) if self.dtype(operands[0]) == Dtype::Bool => {
                let truth = operands[0];
                if dtype == Dtype::Bool {
                    return truth;
                }
                return self.add(Op::Map(ScalarOp::Cast, vec![truth]), &Type::scalar(dtype));
            }
            _ => {}
        }
        self.add(Op::Map(ScalarOp::Cast, vec![value]), &Type::scalar(dtype))
    }

    pub fn reduce(&mut self, op: ReduceOp, axes: &[Name], value: ValueId) -> ValueId {
        if axes.is_empty() {
            return value;
        }
        self.add(Op::Reduce { op, axes: axes.to_vec(), value }, &Type::scalar(Dtype::F64))
    }

    pub fn access(&mut self, source: ValueId, indices: Vec<ValueId>, outside: Option<ValueId>) -> ValueId {
        self.add(Op::Access { source, indices, outside }, &Type::scalar(Dtype::F64))
    }

    /// The value with all of `axes`: those it does not depend on are added.
    pub fn broadcast(&mut self, value: ValueId, axes: &[Axis]) -> ValueId {
        let missing: Vec<Axis> =
            axes.iter().filter(|axis| self.ty(value).axis(&axis.name).is_none()).cloned().collect();
        let mut always = None;
        for axis in &missing {
            let (zero, index) = (self.number(0, Dtype::I64), self.index(axis));
            let holds = self.map(ScalarOp::Le, &[zero, index]);
            always = Some(always.map_or(holds, |known| self.map(ScalarOp::And, &[known, holds])));
        }
        match always {
            None => value,
            Some(always) => {
                let dtype = self.dtype(value);
                let zero = self.number(0, dtype);
                self.select(always, value, zero)
            }
        }
    }

    /// Names the tensor that a value is.
    pub fn name(&mut self, value: ValueId, name: &Name) {
        if let Some(node) = self.graph.nodes.get_mut(value.index()) {
            node.name.get_or_insert_with(|| name.clone());
        }
    }
}

/// A literal in another dtype, where no rounding towards an integer is needed.
fn convert(literal: Literal, dtype: Dtype) -> Option<Literal> {
    let real = |value: f64| match dtype.kind() {
        Kind::Float => Some(Literal::Real(value)),
        Kind::Complex => Some(Literal::Complex(value, 0.0)),
        Kind::Bool | Kind::Int => None,
    };
    match (literal, dtype.kind()) {
        (Literal::Bool(value), _) => Some(Literal::of(i64::from(value), dtype)),
        (Literal::Int(value), Kind::Int) => Some(Literal::Int(dtype.wrap(value))),
        (Literal::Int(value), Kind::Bool) => Some(Literal::Bool(value != 0)),
        (Literal::Int(value), _) => real(value as f64),
        (Literal::Real(value), _) => real(value),
        (Literal::Complex(re, im), Kind::Complex) => Some(Literal::Complex(re, im)),
        (Literal::Complex(..), _) => None,
    }
}
