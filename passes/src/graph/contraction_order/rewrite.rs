//! Building the tree of contractions of a product.

use super::Plan;
use std::collections::BTreeMap;
use tcc_ir::Type;
use tcc_ir::axis::{Axis, Name};
use tcc_ir::graph::{Graph, Node, Op, ValueId};
use tcc_ir::{ReduceOp, ScalarOp};

/// Rebuilds `graph` with a tree in the place of every planned product. What the trees leave unused stays
/// for `dce`. A tree that the graph refuses leaves its product as it was.
pub fn rewrite(graph: &mut Graph, plans: &BTreeMap<ValueId, Plan>) {
    let old = std::mem::take(&mut graph.nodes);
    let mut moved: Vec<ValueId> = Vec::with_capacity(old.len());
    for (index, mut node) in old.into_iter().enumerate() {
        let built = plans.get(&ValueId(index as u32)).and_then(|plan| {
            let start = graph.nodes.len();
            let tree = Builder { graph: &mut *graph, plan, moved: &moved, made: 0 }.tree(&node);
            if tree.is_none() {
                graph.nodes.truncate(start);
            }
            tree
        });
        moved.push(built.unwrap_or_else(|| {
            node.op = node.op.map_operands(&mut |operand| moved[operand.index()]);
            graph.nodes.push(node);
            ValueId(graph.nodes.len() as u32 - 1)
        }));
    }
    for output in &mut graph.outputs {
        output.value = moved[output.value.index()];
    }
    for check in &mut graph.checks {
        check.value = moved[check.value.index()];
    }
}

struct Builder<'a> {
    graph: &'a mut Graph,
    plan: &'a Plan,
    /// The values of the old graph in the new one.
    moved: &'a [ValueId],
    /// How many intermediates have a name.
    made: usize,
}

impl Builder<'_> {
    /// The value of the product, with the type and the name of `node`.
    fn tree(mut self, node: &Node) -> Option<ValueId> {
        let plan = self.plan;
        let moved = self.moved;
        let product = &plan.product;
        let mut values = Vec::new();
        for (factor, alone) in product.factors.iter().zip(&plan.network.alone) {
            let value = moved[factor.index()];
            values.push(self.sum(node, value, alone)?);
        }
        for step in &plan.sliced.evaluation.steps {
            let (left, right) = step.operands;
            let term = self.map(ScalarOp::Mul, &[values[left], values[right]])?;
            values.push(self.sum(node, term, &step.summed)?);
        }
        let kept = plan.network.kept();
        let slices: Vec<usize> = plan.sliced.axes.iter().copied().filter(|&axis| !kept[axis]).collect();
        let mut value = self.sum(node, *values.last()?, &slices)?;
        for scalar in &product.scalars {
            value = self.map(ScalarOp::Mul, &[value, moved[scalar.index()]])?;
        }
        for divisor in &product.divisors {
            value = self.map(ScalarOp::Div, &[value, moved[divisor.index()]])?;
        }
        if product.negative {
            value = self.map(ScalarOp::Neg, &[value])?;
        }
        // The order of axes in a type is free, but readers count on the one they know.
        let last = self.graph.nodes.last_mut().filter(|last| last.ty.same(&node.ty))?;
        last.ty = node.ty.clone();
        last.name = node.name.clone();
        Some(value)
    }

    fn map(&mut self, op: ScalarOp, operands: &[ValueId]) -> Option<ValueId> {
        self.graph.map(op, operands).ok()
    }

    /// The sum over axes of the network, in the order of the statement; named after the statement.
    fn sum(&mut self, node: &Node, value: ValueId, axes: &[usize]) -> Option<ValueId> {
        if axes.is_empty() {
            return Some(value);
        }
        let plan = self.plan;
        let is_summed = |axis: &&Axis| axes.iter().any(|&position| plan.axes[position].name == axis.name);
        let names: Vec<Name> =
            plan.product.summed.iter().filter(is_summed).map(|axis| axis.name.clone()).collect();
        let op = Op::Reduce { op: ReduceOp::Sum, axes: names, value };
        let sum = self.graph.add(op, &Type::scalar(node.ty.dtype)).ok()?;
        self.made += 1;
        let name = match &node.name {
            Some(name) => format!("{name}.X{}", self.made),
            None => format!("X{}", self.made),
        };
        self.graph.set_name(sum, name);
        // The axes of slices are outermost.
        let slice = |axis: &Axis| {
            let sliced = &plan.sliced.axes;
            sliced.iter().position(|&position| plan.axes[position].name == axis.name).unwrap_or(usize::MAX)
        };
        self.graph.nodes[sum.index()].ty.axes.sort_by_key(slice);
        Some(sum)
    }
}
