//! Slicing: orders whose intermediates fit in a given memory.
//!
//! A slice fixes the index of some axes. Inside it these axes do not exist, so every intermediate that
//! has them is smaller by their extents; outside, a loop runs over all slices. An axis of the output
//! only needs to stay in the tree; a summed axis is summed last, so that every intermediate keeps it.
//! Axes are chosen one at a time by what the whole network then costs, and the order of the slices is
//! searched for again after each choice.

use super::network::{Evaluation, Network, Order};
use super::search::{Found, search};

/// Most axes that are sliced.
const AXES: usize = 8;
/// Most axes that are compared for one choice.
const CANDIDATES: usize = 64;

/// An order with the axes that are sliced, outermost first.
#[derive(Clone, Debug, PartialEq)]
pub struct Sliced {
    /// The order, and how it was found.
    pub found: Found,
    /// The axes, outermost first; none if everything fits.
    pub axes: Vec<usize>,
    /// Steps and costs over all slices; the steps keep the sliced axes.
    pub evaluation: Evaluation,
}

/// An order that needs at most `limit` bytes for intermediates if there is one; otherwise the one with
/// the smallest peak that was found.
pub fn search_within(network: &Network, limit: Option<u64>) -> Sliced {
    let found = search(network);
    let evaluation = network.evaluate(&found.order);
    let mut best = Sliced { axes: Vec::new(), found, evaluation };
    let Some(limit) = limit.map(|limit| limit as f64) else { return best };
    while best.evaluation.peak > limit && best.axes.len() < AXES {
        let candidates = candidates(network, &best);
        let tried = candidates.into_iter().map(|axis| {
            let axes: Vec<usize> = best.axes.iter().copied().chain([axis]).collect();
            sliced(network, &best.found, axes)
        });
        // The cheapest among those that fit, else the smallest.
        let key = |sliced: &Sliced| {
            let Evaluation { peak, cost, .. } = &sliced.evaluation;
            if *peak > limit { (true, *peak) } else { (false, cost.cycles) }
        };
        let better = |a: Sliced, b: Sliced| if key(&b) < key(&a) { b } else { a };
        let Some(next) = tried.reduce(better).filter(|next| next.evaluation.peak < best.evaluation.peak)
        else {
            break;
        };
        // The order of one slice may be another one now.
        let again = sliced(network, &search(&one_slice(network, &next.axes)), next.axes.clone());
        best = better(next, again);
    }
    best
}

/// The axes of the largest intermediates, those of the output first.
fn candidates(network: &Network, known: &Sliced) -> Vec<usize> {
    let kept = network.kept();
    let largest = known.evaluation.steps.iter().map(|step| step.stored).fold(0.0, f64::max);
    let large = known.evaluation.steps.iter().filter(|step| step.stored > largest / 8.0);
    let mut axes: Vec<usize> = large.flat_map(|step| step.axes.iter().copied()).collect();
    axes.sort_by_key(|&axis| (!kept[axis], axis));
    axes.dedup();
    axes.retain(|axis| !known.axes.contains(axis) && network.extents[*axis] > 1.0);
    axes.truncate(CANDIDATES);
    axes
}

/// The network with one index of each of these axes.
fn one_slice(network: &Network, axes: &[usize]) -> Network {
    let mut slice = network.clone();
    axes.iter().for_each(|&axis| slice.extents[axis] = 1.0);
    keep(&mut slice, axes);
    slice
}

/// Keeps axes to the end, so that no step sums over them.
fn keep(network: &mut Network, axes: &[usize]) {
    network.output.extend(axes);
    network.output.sort_unstable();
    network.output.dedup();
}

/// An order run slice by slice. What does not have the first sliced axes is computed once outside of
/// their loops.
fn sliced(network: &Network, found: &Found, axes: Vec<usize>) -> Sliced {
    let mut whole = network.clone();
    keep(&mut whole, &axes);
    let mut evaluation = whole.evaluate(&found.order);
    let inside = one_slice(network, &axes).evaluate(&found.order);
    let count = network.factors.len();
    // How many sliced axes each step is inside of: never more than what reads it.
    let mut depths = vec![axes.len(); evaluation.steps.len()];
    for (position, step) in evaluation.steps.iter().enumerate().rev() {
        for operand in [step.operands.0, step.operands.1] {
            if let Some(inner) = operand.checked_sub(count) {
                let own = axes.iter().take_while(|axis| evaluation.steps[inner].axes.contains(axis)).count();
                depths[inner] = own.min(depths[position]);
            }
        }
    }
    evaluation.cost = network.evaluate(&Order::default()).cost;
    for (position, step) in evaluation.steps.iter_mut().enumerate() {
        let depth = depths[position];
        let repeats: f64 = axes[..depth].iter().map(|&axis| network.extents[axis]).product();
        if depth == axes.len() {
            // Each slice pays its own start, and is as inefficient as it is small.
            step.cost.cycles = inside.steps[position].cost.cycles * repeats;
        }
        step.stored /= repeats;
        evaluation.cost = evaluation.cost + step.cost;
    }
    evaluation.peak = network.peak(&evaluation.steps);
    Sliced { found: found.clone(), axes, evaluation }
}
