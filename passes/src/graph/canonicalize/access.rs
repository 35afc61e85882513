//! Rules about accesses: identities disappear, renamings and accesses of accesses become one access.

use super::Rewritten;
use std::collections::BTreeMap;
use tcc_ir::graph::{Graph, Op, ValueId};
use tcc_ir::scalar::Literal;
use tcc_ir::{Axis, Dtype, Name, planted};

/// Most nodes of an index expression that is copied.
const LARGEST_EXPRESSION: usize = 32;

/// Axes of index expressions and the values that take the places of their indices.
pub(super) struct Substitution(BTreeMap<Name, ValueId>);

/// An access that reads `source` at index expressions with axes substituted.
pub(super) struct Composition {
    source: ValueId,
    indices: Vec<ValueId>,
    outside: Option<ValueId>,
    substitution: Substitution,
}

/// The first rule that applies.
pub(super) fn rule(
    graph: &Graph,
    source: ValueId,
    indices: &[ValueId],
    outside: Option<ValueId>,
) -> Option<Rewritten> {
    let axes = &graph.ty(source).axes;
    if indices.iter().zip(axes).all(|(&index, axis)| is_index_of(graph, index, axis)) {
        return Some(Rewritten::Value(source));
    }
    if let Some(renamed) = of_renaming(graph, source, indices, outside) {
        return Some(Rewritten::Operation(renamed));
    }
    if !indices.iter().zip(axes).all(|(&index, axis)| is_inside(graph, index, axis)) {
        return None;
    }
    let names = axes.iter().map(|axis| axis.name.clone());
    let substitution = Substitution(names.zip(indices.iter().copied()).collect());
    match &graph.node(source).op {
        Op::Access { source: inner, indices: places, outside: other } => {
            let constant_outside = other.is_none_or(|value| graph.ty(value).axes.is_empty());
            (constant_outside && substitution.applies(graph, places)).then(|| {
                Rewritten::Composed(Composition {
                    source: *inner,
                    indices: places.clone(),
                    outside: *other,
                    substitution,
                })
            })
        }
        Op::Map(..) | Op::Index(_) if substitution.applies(graph, &[source]) => {
            Some(Rewritten::Substituted(source, substitution))
        }
        _ if outside.is_some() => {
            Some(Rewritten::Operation(Op::Access { source, indices: indices.to_vec(), outside: None }))
        }
        _ => None,
    }
}

/// Whether `index` is the index of an axis just like `axis`.
fn is_index_of(graph: &Graph, index: ValueId, axis: &Axis) -> bool {
    matches!(&graph.node(index).op, Op::Index(name) if *name == axis.name)
        && graph.ty(index).axis(&axis.name) == Some(axis)
}

/// Whether `index` is an i64 (so that arithmetic on it stays what it was) certainly inside `axis`.
fn is_inside(graph: &Graph, index: ValueId, axis: &Axis) -> bool {
    if graph.ty(index).dtype != Dtype::I64 {
        return false;
    }
    match &graph.node(index).op {
        Op::Index(name) => graph.ty(index).axis(name).is_some_and(|own| {
            own.extent == axis.extent
                || matches!((own.extent.as_const(), axis.extent.as_const()), (Some(a), Some(b)) if a <= b)
        }),
        Op::Const(Literal::Int(value)) => {
            *value >= 0 && axis.extent.as_const().is_some_and(|extent| *value < extent)
        }
        _ => false,
    }
}

/// An access of a renaming: reads what was renamed, wherever it looks and whatever is outside.
fn of_renaming(graph: &Graph, source: ValueId, indices: &[ValueId], outside: Option<ValueId>) -> Option<Op> {
    let Op::Access { source: inner, indices: places, .. } = &graph.node(source).op else { return None };
    let (inner_axes, axes) = (&graph.ty(*inner).axes, &graph.ty(source).axes);
    if inner_axes.len() != axes.len() {
        return None;
    }
    let mut composed = Vec::with_capacity(indices.len());
    let mut taken = vec![false; axes.len()];
    for (&place, inner_axis) in places.iter().zip(inner_axes) {
        let Op::Index(name) = &graph.node(place).op else { return None };
        let position = axes.iter().position(|axis| axis.name == *name)?;
        if axes[position].extent != inner_axis.extent || std::mem::replace(&mut taken[position], true) {
            return None;
        }
        // Planted bug 13.
        let backwards = |own: &Axis| own.name == inner_axis.name;
        let found = axes.iter().position(backwards).filter(|_| planted(13));
        let position = found.unwrap_or(position);
        composed.push(*indices.get(position)?);
    }
    Some(Op::Access { source: *inner, indices: composed, outside })
}

impl Substitution {
    /// Whether all `values` are index expressions that are small enough to be copied.
    fn applies(&self, graph: &Graph, values: &[ValueId]) -> bool {
        let mut budget = LARGEST_EXPRESSION;
        let mut stack = values.to_vec();
        while let Some(value) = stack.pop() {
            if graph.ty(value).axes.is_empty() {
                continue;
            }
            if budget == 0 {
                return false;
            }
            budget -= 1;
            match &graph.node(value).op {
                Op::Index(name) if self.0.contains_key(name) => {}
                Op::Map(_, operands) => stack.extend(operands),
                _ => return false,
            }
        }
        true
    }

    /// The copy of an index expression to which the substitution applies.
    pub(super) fn build(&self, graph: &mut Graph, value: ValueId) -> Option<ValueId> {
        self.copy(graph, value, &mut BTreeMap::new())
    }

    /// Recursion is bounded by [`LARGEST_EXPRESSION`].
    fn copy(
        &self,
        graph: &mut Graph,
        value: ValueId,
        done: &mut BTreeMap<ValueId, ValueId>,
    ) -> Option<ValueId> {
        if graph.ty(value).axes.is_empty() {
            return Some(value);
        }
        if let Some(&copied) = done.get(&value) {
            return Some(copied);
        }
        let copied = match graph.node(value).op.clone() {
            Op::Index(name) => *self.0.get(&name)?,
            Op::Map(op, operands) => {
                let operands: Option<Vec<ValueId>> =
                    operands.into_iter().map(|operand| self.copy(graph, operand, done)).collect();
                let written = graph.ty(value).clone();
                graph.add(Op::Map(op, operands?), &written).ok()?
            }
            _ => return None,
        };
        done.insert(value, copied);
        Some(copied)
    }
}

impl Composition {
    /// Builds the indices, and the operation over them.
    pub(super) fn build(&self, graph: &mut Graph) -> Option<Op> {
        let mut done = BTreeMap::new();
        let indices: Option<Vec<ValueId>> =
            self.indices.iter().map(|&index| self.substitution.copy(graph, index, &mut done)).collect();
        Some(Op::Access { source: self.source, indices: indices?, outside: self.outside })
    }
}
