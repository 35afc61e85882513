//! Finding products under sums in a graph.

use super::network::{Network, Place};
use crate::{Contract, PassContext};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use tcc_ir::axis::{Axis, Name};
use tcc_ir::graph::{Graph, Op, ValueId};
use tcc_ir::scalar::Literal;
use tcc_ir::{Bindings, Extent, Kind, ReduceOp, ScalarOp};

/// What an open size is taken for.
const NOMINAL: i64 = 128;
/// Most factors of one product, and most nodes that are opened to find them.
const FACTORS: usize = 1000;
const NODES: usize = 4000;

/// `sum[summed] (factors .. * scalars ..) / divisors ..`
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// The value that it is.
    pub root: ValueId,
    /// Factors with axes, in order. The same value may be several of them.
    pub factors: Vec<ValueId>,
    /// Factors without axes.
    pub scalars: Vec<ValueId>,
    /// What is divided by; none of them has a summed axis.
    pub divisors: Vec<ValueId>,
    /// The summed axes.
    pub summed: Vec<Axis>,
    /// Whether the product is negated.
    pub negative: bool,
    /// The operations between the factors and the root, which nothing else reads.
    pub inner: Vec<ValueId>,
}

/// What recognition asks of a graph.
pub struct Facts {
    /// How many operands name each value; outputs and checks count.
    uses: Vec<u32>,
    /// The first state of the group that each value depends on, inside bodies.
    stepping: Vec<Option<ValueId>>,
    /// Whether each value depends on a finished recurrence.
    after: Vec<bool>,
    live: Vec<bool>,
}

impl Facts {
    /// Of `graph`. O(n).
    pub fn new(graph: &Graph) -> Facts {
        let (mut uses, mut after) = (vec![0u32; graph.nodes.len()], vec![false; graph.nodes.len()]);
        let roots = graph.outputs.iter().map(|o| o.value).chain(graph.checks.iter().map(|c| c.value));
        // What is read from outside is never opened.
        roots.for_each(|value| uses[value.index()] += 2);
        let live = graph.live();
        for value in graph.values().filter(|value| live[value.index()]) {
            let op = &graph.node(value).op;
            let is_definition = matches!(op, Op::Recur { .. });
            after[value.index()] = is_definition;
            for operand in op.operands() {
                uses[operand.index()] += if is_definition { 2 } else { 1 };
                after[value.index()] |= after[operand.index()];
            }
        }
        Facts { uses, stepping: graph.stepping(), after, live }
    }
}

/// All sums of products of `graph` that cannot be made larger, users before operands. O(n).
pub fn products(graph: &Graph, facts: &Facts, context: &PassContext) -> Vec<Product> {
    let mut inner = vec![false; graph.nodes.len()];
    let mut found = Vec::new();
    for root in graph.values().rev().filter(|root| facts.live[root.index()]) {
        let is_product = matches!(
            &graph.node(root).op,
            Op::Reduce { op: ReduceOp::Sum, .. } | Op::Map(ScalarOp::Mul | ScalarOp::Neg | ScalarOp::Div, _)
        );
        if !is_product || inner[root.index()] || !may_reorder(graph, root, context) {
            continue;
        }
        let mut product = product(graph, facts, root, context);
        if !may_leave(graph, &product.scalars, &product.summed, context) {
            product.summed.clear();
        }
        // Parts of a product that sums over nothing, or is too long, are no better.
        product.inner.iter().for_each(|value| inner[value.index()] = true);
        if !product.summed.is_empty() && product.factors.len() < FACTORS && product.inner.len() < NODES {
            product.arrange(graph);
            found.push(product);
        }
    }
    found
}

/// Integers are a ring, whatever wraps; sums of rounded numbers depend on their order.
fn may_reorder(graph: &Graph, value: ValueId, context: &PassContext) -> bool {
    match graph.ty(value).dtype.kind() {
        Kind::Int => true,
        Kind::Float | Kind::Complex => context.contract >= Contract::Reassoc,
        Kind::Bool => false,
    }
}

/// Whether numbers may be taken out of sums over `axes`. A sum over nothing is 0 whatever stands in it, but
/// not 0 times what is infinite or divided by what is 0, as numbers computed from empty sizes are.
fn may_leave<'a>(
    graph: &Graph,
    numbers: &[ValueId],
    axes: impl IntoIterator<Item = &'a Axis>,
    context: &PassContext,
) -> bool {
    let harmless = |&number: &ValueId| match &graph.node(number).op {
        Op::Input(_) => true,
        Op::Const(literal) => match *literal {
            Literal::Real(c) => c.is_finite() && c != 0.0,
            Literal::Int(c) => c != 0,
            Literal::Complex(re, im) => re.is_finite() && im.is_finite() && (re, im) != (0.0, 0.0),
            Literal::Bool(_) => false,
        },
        _ => graph.ty(number).dtype.is_int(),
    };
    context.contract >= Contract::Fast
        || numbers.iter().all(harmless)
        || axes.into_iter().all(|axis| axis.extent.as_const().is_some_and(|extent| extent > 0))
}

/// A sum that was opened, with the factors and divisors that stand under it.
struct Sum {
    value: ValueId,
    axes: Vec<Axis>,
    factors: Range<usize>,
    divisors: Range<usize>,
}

/// What is still to be looked at: a value, or the end of a sum with the numbers of factors and divisors
/// before it.
enum Task {
    Open(ValueId),
    Close(ValueId, usize, usize),
}

/// The product that `root` is. An inner sum over an axis that also stands outside of it is another axis of
/// the same name: such sums are not opened.
fn product(graph: &Graph, facts: &Facts, root: ValueId, context: &PassContext) -> Product {
    let mut closed: BTreeSet<ValueId> = BTreeSet::new();
    loop {
        let (product, sums) = collect(graph, facts, root, &closed, context);
        // Nothing stands outside of the root.
        match sums.iter().find(|sum| sum.value != root && clashes(graph, &product, sum)) {
            None => return product,
            Some(sum) => closed.insert(sum.value),
        };
    }
}

fn clashes(graph: &Graph, product: &Product, sum: &Sum) -> bool {
    let has = |value: &ValueId| sum.axes.iter().any(|axis| graph.ty(*value).axis(&axis.name).is_some());
    let outside = |values: &[ValueId], inside: &Range<usize>| {
        values[..inside.start].iter().chain(&values[inside.end..]).any(has)
    };
    outside(&product.factors, &sum.factors) || outside(&product.divisors, &sum.divisors)
}

fn collect(
    graph: &Graph,
    facts: &Facts,
    root: ValueId,
    closed: &BTreeSet<ValueId>,
    context: &PassContext,
) -> (Product, Vec<Sum>) {
    let mut product = Product::new(root);
    let mut sums: Vec<Sum> = Vec::new();
    // The axes of the sums that the task at hand stands under.
    let mut under: Vec<Axis> = Vec::new();
    let mut tasks = vec![Task::Open(root)];
    while let Some(task) = tasks.pop() {
        let value = match task {
            Task::Open(value) => value,
            Task::Close(value, factors, divisors) => {
                let Op::Reduce { axes, value: operand, .. } = &graph.node(value).op else { continue };
                under.truncate(under.len() - axes.len());
                let axes: Vec<Axis> =
                    axes.iter().filter_map(|name| graph.ty(*operand).axis(name).cloned()).collect();
                let (factors, divisors) = (factors..product.factors.len(), divisors..product.divisors.len());
                sums.push(Sum { value, axes, factors, divisors });
                continue;
            }
        };
        if product.factors.len() >= FACTORS || product.inner.len() >= NODES {
            break;
        }
        let node = graph.node(value);
        let open = value == root || (facts.uses[value.index()] == 1 && !closed.contains(&value));
        let divides = |divisor: ValueId| {
            !under.iter().any(|axis| graph.ty(divisor).axis(&axis.name).is_some())
                && may_leave(graph, &[divisor], &under, context)
        };
        match &node.op {
            Op::Map(ScalarOp::Mul, operands) if open => {
                tasks.extend(operands.iter().rev().map(|&operand| Task::Open(operand)));
            }
            Op::Map(ScalarOp::Neg, operands) if open => {
                product.negative = !product.negative;
                tasks.push(Task::Open(operands[0]));
            }
            Op::Map(ScalarOp::Div, operands) if open && divides(operands[1]) => {
                product.divisors.push(operands[1]);
                tasks.push(Task::Open(operands[0]));
            }
            Op::Reduce { op: ReduceOp::Sum, axes, value: operand } if open => {
                under.extend(axes.iter().filter_map(|name| graph.ty(*operand).axis(name).cloned()));
                tasks.push(Task::Close(value, product.factors.len(), product.divisors.len()));
                tasks.push(Task::Open(*operand));
            }
            _ => {
                let is_scalar = node.ty.axes.is_empty();
                if is_scalar { &mut product.scalars } else { &mut product.factors }.push(value);
                continue;
            }
        }
        if value != root {
            product.inner.push(value);
        }
    }
    // Outer sums first, as they stand in the text.
    product.summed = sums.iter().rev().flat_map(|sum| sum.axes.iter().cloned()).collect();
    (product, sums)
}

impl Product {
    fn new(root: ValueId) -> Product {
        Product {
            root,
            factors: Vec::new(),
            scalars: Vec::new(),
            divisors: Vec::new(),
            summed: Vec::new(),
            negative: false,
            inner: Vec::new(),
        }
    }

    /// Puts the largest factor first, and others in the order of the axes that they share with it: of orders
    /// that cost the same, the search takes the one that sums the outermost axes first.
    fn arrange(&mut self, graph: &Graph) {
        let volume = |factor: ValueId| -> f64 {
            graph.ty(factor).axes.iter().map(|axis| nominal(&axis.extent)).product()
        };
        let largest =
            self.factors.iter().copied().max_by(|&a, &b| volume(a).total_cmp(&volume(b)).then(b.cmp(&a)));
        let Some(largest) = largest else { return };
        let shared = |factor: ValueId| {
            let mut axes = graph.ty(largest).axes.iter();
            axes.position(|axis| graph.ty(factor).axis(&axis.name).is_some()).unwrap_or(usize::MAX)
        };
        self.factors.sort_by_key(|&factor| (factor != largest, shared(factor)));
    }

    /// The network of the factors, with its axes.
    pub fn network(&self, graph: &Graph, facts: &Facts) -> (Network, Vec<Axis>) {
        let mut axes: Vec<Axis> = Vec::new();
        let mut positions: BTreeMap<Name, usize> = BTreeMap::new();
        let mut position = |axis: &Axis| {
            *positions.entry(axis.name.clone()).or_insert_with(|| {
                axes.push(axis.clone());
                axes.len() - 1
            })
        };
        let of_factor = |factor: &ValueId| graph.ty(*factor).axes.iter().map(&mut position).collect();
        let factors: Vec<Vec<usize>> = self.factors.iter().map(of_factor).collect();
        let summed: BTreeSet<&Name> = self.summed.iter().map(|axis| &axis.name).collect();
        let output = (0..axes.len()).filter(|&position| !summed.contains(&axes[position].name)).collect();
        let extents = axes.iter().map(|axis| nominal(&axis.extent)).collect();
        let network = Network::new(factors, output, extents, graph.ty(self.root).dtype);
        (Network { places: self.places(graph, facts), ..network }, axes)
    }

    /// What depends on a recurrence is computed in its loop, or in one that can be merged with it.
    fn places(&self, graph: &Graph, facts: &Facts) -> Vec<Place> {
        let steps = |value: ValueId| facts.stepping[value.index()].is_some() || facts.after[value.index()];
        let mut stepped: BTreeSet<&Name> = BTreeSet::new();
        for &factor in self.factors.iter().filter(|factor| steps(**factor)) {
            match facts.stepping[factor.index()].map(|state| &graph.node(state).op) {
                Some(Op::State { axis, .. }) => {
                    stepped.insert(axis);
                }
                // Any of its axes may be the stepped one under another name.
                _ => stepped.extend(graph.ty(factor).axes.iter().map(|axis| &axis.name)),
            }
        }
        let place = |&factor: &ValueId| match steps(factor) {
            true => Place::Stepping,
            false if graph.ty(factor).axes.iter().any(|axis| stepped.contains(&axis.name)) => Place::Waiting,
            false => Place::Free,
        };
        self.factors.iter().map(place).collect()
    }
}

/// How many values an axis takes, as far as the search is concerned.
fn nominal(extent: &Extent) -> f64 {
    let mut sizes = Bindings::new();
    extent.symbols(&mut |name| {
        sizes.insert(name.clone(), NOMINAL);
    });
    extent.eval(&sizes).unwrap_or(NOMINAL).max(1) as f64
}
