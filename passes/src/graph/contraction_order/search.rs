//! The search for an order: exact for few factors, else orders from below (greedy) and from above (cut in
//! two), the best of which are annealed and improved in parts.

use super::anneal;
use super::exact::{self, Problem};
use super::greedy::{self, Variant};
use super::network::{Network, Order, Place};
use super::partition;
use super::reconfigure;

/// How an order was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// There is only one.
    Only,
    /// It is the best one.
    Exact,
    /// It is a greedy one.
    Greedy,
    /// It is a greedy one or one from above, parts of which were ordered anew.
    Reconfigured,
    /// It comes from annealing, with parts ordered anew.
    Annealed,
}

impl Method {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Method::Only => "only",
            Method::Exact => "exact",
            Method::Greedy => "greedy",
            Method::Reconfigured => "reconfigured",
            Method::Annealed => "annealed",
        }
    }
}

/// An order and how it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The order.
    pub order: Order,
    /// How it was found.
    pub method: Method,
    /// How many pairs of tensors were looked at.
    pub steps: u64,
}

/// Greedy variants that are tried.
const VARIANTS: usize = 48;
/// Ways to cut a network in two that are tried, by the smallest half.
const BALANCES: [f64; 12] = [0.45, 0.35, 0.25, 0.45, 0.35, 0.2, 0.4, 0.3, 0.15, 0.4, 0.3, 0.1];
/// Orders that are improved.
const IMPROVED: usize = 4;
/// Pairs that are looked at before the search ends with what it has.
const STEPS: u64 = 3_000_000;
/// Factors beyond which few variants are tried.
const MANY: usize = 128;
/// How often an order is annealed.
const ANNEALED: u64 = 3;
/// Changes that annealing considers each time, for every pair of factors; and at most.
const CHANGES: (u64, u64) = (250, 1_000_000);
/// Cycles that considering one change takes, about, and how many calls of what is ordered may pass meanwhile.
const CHANGE_CYCLES: f64 = 300.0;
const CALLS: f64 = 1000.0;

/// The greedy variant with this number: sharp ones first.
fn variant(number: usize) -> Variant {
    const WEIGHTS: [f64; 4] = [1.0, 0.5, 0.0, 2.0];
    const TEMPERATURES: [f64; 4] = [0.1, 0.3, 1.0, 0.03];
    let temperature = if number < WEIGHTS.len() { 0.0 } else { TEMPERATURES[number / 4 % 4] };
    Variant { weight: WEIGHTS[number % 4], temperature, seed: number as u64 }
}

/// A good order, the best one for at most [`exact::LIMIT`] factors. Deterministic.
pub fn search(network: &Network) -> Found {
    let count = network.factors.len();
    if count < 3 {
        let steps = if count == 2 { vec![(0, 1)] } else { Vec::new() };
        return Found { order: Order { steps }, method: Method::Only, steps: 0 };
    }
    let mut counter = 0;
    let orders = first_orders(network, &mut counter);
    let Some((cycles, order)) = orders.first().cloned() else {
        return Found { order: Order::default(), method: Method::Only, steps: counter };
    };
    if count <= exact::LIMIT {
        let kept = network.kept();
        let problem = Problem {
            tensors: network.factors.iter().map(Vec::as_slice).collect(),
            places: network.places.clone(),
            extents: &network.extents,
            keeps: &|axis| kept[axis],
            dtype: network.dtype,
        };
        if let Some((_, steps)) = exact::search(&problem, cycles * (1.0 + 1e-9), &mut counter) {
            return Found { order: Order { steps }, method: Method::Exact, steps: counter };
        }
    }
    let mut best = Best { network, cycles, order, method: Method::Greedy };
    for (position, (_, order)) in orders.iter().take(IMPROVED).enumerate() {
        // Each gets an equal part of what is left.
        let left = STEPS.saturating_sub(counter) / (IMPROVED - position) as u64;
        let limit = counter + left;
        best.offer(reconfigure::improve(network, order, &mut counter, limit), Method::Reconfigured);
    }
    if count <= MANY {
        let affordable = CALLS * best.cycles / (CHANGE_CYCLES * ANNEALED as f64);
        let changes = (CHANGES.0 * (count * count) as u64).min(CHANGES.1).min(affordable as u64);
        for seed in 0..ANNEALED {
            let Some(order) = anneal::search(network, &best.order, seed, changes) else { break };
            counter += changes;
            let limit = counter + STEPS / 2;
            best.offer(reconfigure::improve(network, &order, &mut counter, limit), Method::Annealed);
        }
    }
    Found { order: best.order, method: best.method, steps: counter }
}

/// The best order so far.
struct Best<'a> {
    network: &'a Network,
    cycles: f64,
    order: Order,
    method: Method,
}

impl Best<'_> {
    fn offer(&mut self, order: Order, method: Method) {
        let cycles = self.network.evaluate(&order).cost.cycles;
        if cycles < self.cycles {
            (self.cycles, self.order, self.method) = (cycles, order, method);
        }
    }
}

/// Orders from below and from above with their cycles, the best first.
fn first_orders(network: &Network, counter: &mut u64) -> Vec<(f64, Order)> {
    let count = network.factors.len();
    let mut orders: Vec<(f64, Order)> = Vec::new();
    let mut add = |(order, steps): (Order, u64)| {
        *counter += steps;
        orders.push((network.evaluate(&order).cost.cycles, order));
    };
    let tried = match count {
        _ if count <= exact::LIMIT => 2,
        _ if count <= MANY => VARIANTS,
        _ => 4,
    };
    (0..tried).for_each(|number| add(greedy::search(network, variant(number))));
    // Halves cannot be cut where parts have to wait for a recurrence.
    if count > exact::LIMIT && count <= MANY && network.places.iter().all(|place| *place == Place::Free) {
        for (number, balance) in BALANCES.into_iter().enumerate() {
            let seed = number * count / BALANCES.len();
            add(partition::search(network, partition::Variant { balance, seed }));
        }
    }
    orders.sort_by(|a, b| a.0.total_cmp(&b.0));
    orders.dedup_by(|a, b| a.1 == b.1);
    orders
}
