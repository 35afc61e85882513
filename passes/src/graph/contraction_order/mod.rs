//! The order of contractions: a product of many factors under sums becomes a tree of products of two.
//!
//! ```text
//! %4 = mul %A, %B ; %5 = mul %4, %C ; %6 = sum[j, k] %5         A[i,j] B[j,k] C[k,l]
//!   -->
//! %4 = mul %A, %B ; %5 = sum[j] %4 ; %6 = mul %5, %C ; %7 = sum[k] %6
//! ```
//!
//! One loop nest over all axes takes as many operations as the axes have points together. A tree takes
//! the sum over its contractions, each over the axes of two operands: for the homomorphisms of a graph
//! with treewidth w, n^(w+1) instead of n to the number of vertices. What a contraction sums is
//! stored; a product that sums over nothing is computed where it is read and takes no memory.
//!
//! Sums and products of rounded numbers depend on their order, so floats are left alone under the
//! contract `strict`; integers are a ring and always reordered. A statement stays as it is where the
//! cost model sees no gain. Sums under a guard stay too: a guard bounds loops, and hides values that are
//! infinite.
//!
//! [`recognise`] finds products, [`search`] orders their [`network`]s ([`exact`]ly where that is fast,
//! else by [`greedy`] choices and by [`partition`]s, which [`anneal`] and [`reconfigure`] improve),
//! [`mod@slice`] makes them fit in memory,
//! [`rewrite`] builds the trees and [`report`] says what was chosen.

pub mod anneal;
pub mod exact;
pub mod greedy;
pub mod network;
pub mod partition;
pub mod recognise;
pub mod reconfigure;
mod report;
mod rewrite;
pub mod search;
pub mod slice;
#[cfg(test)]
mod tests;

use self::network::Network;
use self::recognise::{Facts, Product, products};
pub use self::report::{Contraction, Operand, Report, Statement, explain};
use self::slice::{Sliced, search_within};
use crate::cost::Cost;
use crate::{Changed, PassContext};
use std::collections::BTreeMap;
use tcc_ir::axis::Axis;
use tcc_ir::graph::{Graph, ValueId};

/// Part of its cost that a statement may keep at most to be rewritten.
const WORTHWHILE: f64 = 0.9;

/// How much more than its tree a loop nest over everything may cost if only that fits in memory.
const AFFORDABLE: f64 = 100.0;

/// What is decided about one product.
struct Plan {
    product: Product,
    network: Network,
    axes: Vec<Axis>,
    sliced: Sliced,
    /// What one loop nest costs.
    unordered: Cost,
    /// Bytes that intermediates may take.
    limit: f64,
}

impl Plan {
    /// Of a product; `None` if there is nothing to decide.
    fn new(graph: &Graph, facts: &Facts, product: Product, memory: Option<u64>) -> Option<Plan> {
        let (network, axes) = product.network(graph, facts);
        let sums_first = network.alone.iter().any(|axes| !axes.is_empty());
        if network.factors.len() < 2 || (network.factors.len() == 2 && !sums_first) {
            return None;
        }
        let sliced = search_within(&network, memory);
        let unordered = network.unordered();
        let limit = memory.map_or(f64::INFINITY, |memory| memory as f64);
        Some(Plan { product, network, axes, sliced, unordered, limit })
    }

    /// Most nodes that the tree adds to the graph.
    fn grown(&self) -> usize {
        let Product { factors, scalars, divisors, .. } = &self.product;
        3 * factors.len() + scalars.len() + divisors.len() + 2
    }

    /// Whether the tree is another one than a loop nest over everything, and the cost model prefers it.
    fn pays(&self) -> bool {
        let evaluation = &self.sliced.evaluation;
        let sums_first = self.network.alone.iter().any(|axes| !axes.is_empty());
        let inner = evaluation.steps.len().saturating_sub(1);
        let sums_within = evaluation.steps[..inner].iter().any(|step| !step.summed.is_empty());
        let allowed = if evaluation.peak > self.limit { 1.0 / AFFORDABLE } else { WORTHWHILE };
        (sums_first || sums_within) && evaluation.cost.cycles < allowed * self.unordered.cycles
    }
}

/// The plans of all products of a graph.
fn plans(graph: &Graph, context: &PassContext) -> Vec<Plan> {
    let facts = Facts::new(graph);
    let products = products(graph, &facts, context).into_iter();
    products.filter_map(|product| Plan::new(graph, &facts, product, context.memory)).collect()
}

/// Orders every product that gains by it. Polynomial in the number of factors.
pub fn run(graph: &mut Graph, context: &PassContext) -> Changed {
    let plans = plans(graph, context).into_iter().filter(Plan::pays);
    let mut plans: BTreeMap<ValueId, Plan> = plans.map(|plan| (plan.product.root, plan)).collect();
    // In the order of the graph, so that less fuel rewrites the first of them.
    let mut room = context.limits.nodes.saturating_sub(graph.nodes.len());
    plans.retain(|_, plan| {
        let grown = plan.grown();
        let fits = grown <= room && context.spend();
        room -= if fits { grown } else { 0 };
        fits
    });
    if plans.is_empty() {
        return Changed::No;
    }
    rewrite::rewrite(graph, &plans);
    Changed::Yes
}
