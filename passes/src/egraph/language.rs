//! The language of the e-graph: graph operations over classes of equal values.
//!
//! A value is a term over named axes, as in the graph: `sum[k]` takes the axis `k` of its operand
//! away, and an operation broadcasts by name. No variable is bound, so nothing can be captured: a
//! rule that moves a value into or out of a reduction asks whether the value has the axis.
//!
//! What an operation needs besides its operands (axes, literals, tables) is interned in [`Operators`],
//! so that an e-node is two numbers and its children.

use egg::Id;
use indexmap::IndexSet;
use std::sync::Arc;
use tcc_ir::graph::{NormaliseOp, Op, Table, TransformOp, ValueId};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};
use tcc_ir::{Axis, Dtype, Extent, planted};

/// An axis: a name together with an extent, numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AxisId(pub u32);

/// What an e-node computes, without its operands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// As [`Op::Input`].
    Input(usize),
    /// As [`Op::Const`].
    Const(Literal, Dtype),
    /// As [`Op::Table`]; the axes are in storage order.
    Table(Arc<Table>, Dtype, Vec<AxisId>),
    /// As [`Op::Index`].
    Index(AxisId),
    /// As [`Op::Size`].
    Size(Extent),
    /// As [`Op::Map`], with the dtype of a cast.
    Map(ScalarOp, Option<Dtype>),
    /// As [`Op::Reduce`].
    Reduce(ReduceOp, Vec<AxisId>),
    /// The sum of the product of two values: an operation of its own, because it costs less than both.
    Contract(Vec<AxisId>),
    /// As [`Op::Access`]: the axes of the source that the indices replace, in the order of the indices.
    /// Operands: the source, the indices, the outside value if the flag is set.
    Access(Vec<AxisId>, bool),
    /// As [`Op::Scatter`]: the axes of the result, one per index. Operands: the indices, the value.
    Scatter(ReduceOp, Vec<AxisId>),
    /// As [`Op::Normalise`].
    Normalise(NormaliseOp, Vec<AxisId>),
    /// As [`Op::Transform`].
    Transform(TransformOp, Vec<(AxisId, AxisId)>),
    /// A node that is kept as it is: what belongs to a recurrence. Its operands stand in the order of
    /// [`Op::operands`], but for states.
    Kept(ValueId),
}

/// A number for each kind of operation, finer than [`Operator`]'s variants and coarser than its values:
/// what rules look for first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperatorKind(u16);

impl OperatorKind {
    /// Of a scalar operation.
    pub fn map(op: ScalarOp) -> OperatorKind {
        OperatorKind(0x100 + op as u16)
    }

    /// Of a reduction.
    pub fn reduce(op: ReduceOp) -> OperatorKind {
        OperatorKind(0x200 + op as u16)
    }

    /// Of a normalisation.
    pub fn normalise(op: NormaliseOp) -> OperatorKind {
        OperatorKind(0x300 + op as u16)
    }

    /// Of a transform.
    pub fn transform(op: TransformOp) -> OperatorKind {
        OperatorKind(0x400 + op as u16)
    }

    /// Of a contraction.
    pub const CONTRACT: OperatorKind = OperatorKind(1);
    /// Of an access.
    pub const ACCESS: OperatorKind = OperatorKind(2);
    /// Of a scatter.
    pub const SCATTER: OperatorKind = OperatorKind(3);
    /// Of an index.
    pub const INDEX: OperatorKind = OperatorKind(4);
    /// Of a table.
    pub const TABLE: OperatorKind = OperatorKind(5);
    /// Of a number.
    pub const CONST: OperatorKind = OperatorKind(6);
    const OTHER: OperatorKind = OperatorKind(7);

    /// Whether the order of the operands does not matter.
    pub fn commutes(self) -> bool {
        self == OperatorKind::CONTRACT
            || (self.0 >= 0x100 && self.0 < 0x200)
                && tcc_ir::scalar::SCALAR_OPS
                    .get(usize::from(self.0 - 0x100))
                    .is_some_and(|row| row.op.is_commutative())
    }
}

impl Operator {
    /// The kind of the operation.
    pub fn kind(&self) -> OperatorKind {
        match self {
            Operator::Map(op, _) => OperatorKind::map(*op),
            Operator::Reduce(op, _) => OperatorKind::reduce(*op),
            Operator::Normalise(op, _) => OperatorKind::normalise(*op),
            Operator::Transform(op, _) => OperatorKind::transform(*op),
            Operator::Contract(_) => OperatorKind::CONTRACT,
            Operator::Access(..) => OperatorKind::ACCESS,
            Operator::Scatter(..) => OperatorKind::SCATTER,
            Operator::Index(_) => OperatorKind::INDEX,
            Operator::Table(..) => OperatorKind::TABLE,
            Operator::Const(..) => OperatorKind::CONST,
            Operator::Input(_) | Operator::Size(_) | Operator::Kept(_) => OperatorKind::OTHER,
        }
    }
}

/// An e-node: an operation and the classes of its operands. Operands of a commutative operation are
/// sorted, so that both orders are one e-node and no rule about commutativity is needed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Term {
    /// The kind of the operation.
    pub kind: OperatorKind,
    /// The operation, as numbered by [`Operators`].
    pub operator: u32,
    /// The classes of the operands.
    pub operands: Vec<Id>,
}

impl egg::Language for Term {
    type Discriminant = OperatorKind;

    fn discriminant(&self) -> OperatorKind {
        self.kind
    }

    fn matches(&self, other: &Term) -> bool {
        self.operator == other.operator && self.operands.len() == other.operands.len()
    }

    fn children(&self) -> &[Id] {
        &self.operands
    }

    fn children_mut(&mut self) -> &mut [Id] {
        &mut self.operands
    }

    fn update_children<F: FnMut(Id) -> Id>(&mut self, mut f: F) {
        for operand in &mut self.operands {
            *operand = f(*operand);
        }
        if self.kind.commutes() {
            self.operands.sort_unstable();
        }
    }
}

/// The operations and axes that occur, each numbered at its first occurrence.
#[derive(Clone, Debug, Default)]
pub struct Operators {
    operators: IndexSet<Operator>,
    axes: IndexSet<Axis>,
}

impl Operators {
    /// The number of an operation.
    pub fn number(&mut self, operator: Operator) -> u32 {
        self.operators.insert_full(operator).0 as u32
    }

    /// The number of an operation that occurs.
    pub fn known(&self, operator: &Operator) -> Option<u32> {
        self.operators.get_index_of(operator).map(|number| number as u32)
    }

    /// The operation of an e-node.
    pub fn of(&self, term: &Term) -> &Operator {
        &self.operators[term.operator as usize]
    }

    /// The number of an axis.
    pub fn axis_id(&mut self, axis: &Axis) -> AxisId {
        match self.axes.get_index_of(axis) {
            Some(known) => AxisId(known as u32),
            None => AxisId(self.axes.insert_full(axis.clone()).0 as u32),
        }
    }

    /// The axis with a number.
    pub fn axis(&self, id: AxisId) -> &Axis {
        &self.axes[id.0 as usize]
    }

    /// The axes that have numbers, in order.
    pub fn axes(&self) -> impl Iterator<Item = &Axis> {
        self.axes.iter()
    }
}

/// Whether the axes of a reduction may be listed in any order without changing a bit.
pub fn order_matters(op: ReduceOp, dtype: Dtype) -> bool {
    matches!(op, ReduceOp::Sum | ReduceOp::Prod) && !dtype.is_int()
}

/// The operation of a graph node as an operator; `None` for what belongs to a recurrence.
pub fn operator(
    op: &Op,
    ty: &tcc_ir::Type,
    operators: &mut Operators,
    operand: &dyn Fn(ValueId) -> tcc_ir::Type,
) -> Option<Operator> {
    let find = |ty: &tcc_ir::Type, name: &tcc_ir::Name| ty.axis(name).cloned();
    let mut ids = |ty: &tcc_ir::Type, names: &[tcc_ir::Name]| -> Option<Vec<AxisId>> {
        names.iter().map(|name| Some(operators.axis_id(&find(ty, name)?))).collect()
    };
    Some(match op {
        Op::Input(position) => Operator::Input(*position),
        // Planted bug 16.
        Op::Const(Literal::Real(0.0)) if planted(16) => Operator::Const(Literal::Real(0.0), ty.dtype),
        Op::Const(literal) => Operator::Const(*literal, ty.dtype),
        Op::Table(table) => {
            let axes = ty.axes.iter().map(|axis| operators.axis_id(axis)).collect();
            Operator::Table(table.clone(), ty.dtype, axes)
        }
        Op::Index(name) => Operator::Index(*ids(ty, std::slice::from_ref(name))?.first()?),
        Op::Size(extent) => Operator::Size(extent.clone()),
        Op::Map(op, _) => Operator::Map(*op, (*op == ScalarOp::Cast).then_some(ty.dtype)),
        Op::Reduce { op, axes, value } => {
            let mut axes = ids(&operand(*value), axes)?;
            if !order_matters(*op, ty.dtype) {
                axes.sort_unstable();
            }
            Operator::Reduce(*op, axes)
        }
        Op::Access { source, outside, .. } => {
            let axes = operand(*source).axes.iter().map(|axis| operators.axis_id(axis)).collect();
            Operator::Access(axes, outside.is_some())
        }
        Op::Scatter { op, .. } => {
            Operator::Scatter(*op, ty.axes.iter().map(|axis| operators.axis_id(axis)).collect())
        }
        Op::Normalise { op, axes, value } => {
            let mut axes = ids(&operand(*value), axes)?;
            axes.sort_unstable();
            Operator::Normalise(*op, axes)
        }
        Op::Transform { op, axes, value } => {
            let from = operand(*value);
            let pairs: Option<Vec<(AxisId, AxisId)>> = axes
                .iter()
                .map(|(old, new)| {
                    Some((operators.axis_id(&find(&from, old)?), operators.axis_id(&find(ty, new)?)))
                })
                .collect();
            Operator::Transform(*op, pairs?)
        }
        Op::State { .. } | Op::Recur { .. } => return None,
    })
}
