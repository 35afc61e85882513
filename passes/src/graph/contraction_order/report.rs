//! What was decided about the products of a graph, as data: for whoever prints or checks it.

use super::network::Step;
use super::search::Method;
use super::{Plan, plans};
use crate::PassContext;
use crate::cost::Cost;
use tcc_ir::axis::Name;
use tcc_ir::graph::{Graph, ValueId};

/// All products of a graph for which there is an order to choose.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// In the order of the graph.
    pub statements: Vec<Statement>,
}

/// One product under sums.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// The name of the tensor that it defines, if it has one.
    pub name: Option<Name>,
    /// The value in the graph before the pass.
    pub value: ValueId,
    /// Its factors and what they are called.
    pub factors: Vec<Operand>,
    /// The axes of the result.
    pub output: Vec<Name>,
    /// What one loop nest over all axes costs.
    pub naive: Cost,
    /// What the chosen order costs.
    pub chosen: Cost,
    /// Whether the statement is rewritten; otherwise the loop nest stays.
    pub rewritten: bool,
    /// How the order was found.
    pub method: Method,
    /// Pairs of tensors that the search looked at.
    pub searched: u64,
    /// The contractions, in order.
    pub steps: Vec<Contraction>,
    /// Axes that are sliced to fit in memory, outermost first, with the number of slices along each.
    pub slices: Vec<(Name, f64)>,
    /// Most bytes of intermediates at the same time.
    pub peak: f64,
}

/// An operand or a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// What it is called: a tensor of the source, `X1` and so on for results, or the number of a value.
    pub name: String,
    /// Its axes.
    pub axes: Vec<Name>,
}

/// One contraction of two operands.
#[derive(Clone, Debug, PartialEq)]
pub struct Contraction {
    /// The operands.
    pub operands: [Operand; 2],
    /// The result.
    pub result: Operand,
    /// The axes that it sums over.
    pub summed: Vec<Name>,
    /// What it costs over all slices.
    pub cost: Cost,
    /// Bytes of the result that are stored for the steps that follow; 0 for the last one, and for
    /// products that are computed where they are read.
    pub stored: f64,
}

/// What [`super::run`] would decide about `graph`. Sizes that are open count as 128.
pub fn explain(graph: &Graph, context: &PassContext) -> Report {
    let mut plans = plans(graph, context);
    plans.sort_by_key(|plan| plan.product.root);
    Report { statements: plans.iter().map(|plan| statement(graph, plan)).collect() }
}

fn statement(graph: &Graph, plan: &Plan) -> Statement {
    let network = &plan.network;
    let names = |axes: &[usize]| axes.iter().map(|&axis| plan.axes[axis].name.clone()).collect::<Vec<_>>();
    let factor = |(position, &value): (usize, &ValueId)| Operand {
        name: graph.node(value).name.as_ref().map_or_else(|| value.to_string(), |name| name.to_string()),
        axes: names(&network.factors[position]),
    };
    let factors: Vec<Operand> = plan.product.factors.iter().enumerate().map(factor).collect();
    let mut operands = factors.clone();
    let steps = plan.sliced.evaluation.steps.iter().enumerate().map(|(position, step)| {
        let Step { operands: (left, right), summed, axes, cost, stored } = step;
        let result = Operand { name: format!("X{}", position + 1), axes: names(axes) };
        operands.push(result.clone());
        let operands = [operands[*left].clone(), operands[*right].clone()];
        Contraction { operands, result, summed: names(summed), cost: *cost, stored: *stored }
    });
    Statement {
        name: graph.node(plan.product.root).name.clone(),
        value: plan.product.root,
        steps: steps.collect(),
        factors,
        output: names(&network.output),
        naive: plan.unordered,
        chosen: plan.sliced.evaluation.cost,
        rewritten: plan.pays(),
        method: plan.sliced.found.method,
        searched: plan.sliced.found.steps,
        slices: plan.sliced.axes.iter().map(|&a| (plan.axes[a].name.clone(), network.extents[a])).collect(),
        peak: plan.sliced.evaluation.peak,
    }
}
