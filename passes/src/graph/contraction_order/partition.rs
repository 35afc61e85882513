//! Orders from above: the factors are cut in two where the fewest values cross, and each half again.
//!
//! A half grows from one factor along shared axes. Then single factors change sides, the best first and
//! each once, and the best state on the way is kept (the method of Fiduccia and Mattheyses). The weight
//! of an axis is the logarithm of its extent: the product of what crosses is the size of a half's result.

use super::exact::{self, Problem};
use super::network::{Network, Order};

/// Parts of this size are ordered exactly.
const SMALL: usize = 8;
/// Times that all factors may change sides.
const PASSES: usize = 4;

/// How the halves are cut.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// The smallest half, as a part of the whole.
    pub balance: f64,
    /// Which factor the first half grows from.
    pub seed: usize,
}

struct Partition<'a> {
    network: &'a Network,
    variant: Variant,
    weights: Vec<f64>,
    /// The factors with each axis.
    holders: Vec<Vec<usize>>,
    kept: Vec<bool>,
    steps: Vec<(usize, usize)>,
    counter: u64,
}

/// The order that `variant` leads to, and how many moves and pairs it looked at.
pub fn search(network: &Network, variant: Variant) -> (Order, u64) {
    let mut holders = vec![Vec::new(); network.extents.len()];
    for (factor, axes) in network.factors.iter().enumerate() {
        axes.iter().for_each(|&axis| holders[axis].push(factor));
    }
    let mut partition = Partition {
        network,
        variant,
        weights: network.extents.iter().map(|extent| extent.max(1.0).ln() + 1e-3).collect(),
        holders,
        kept: network.kept(),
        steps: Vec::new(),
        counter: 0,
    };
    partition.order((0..network.factors.len()).collect());
    (Order { steps: partition.steps }, partition.counter)
}

impl Partition<'_> {
    /// Appends the steps of a part; returns the number of its result.
    fn order(&mut self, part: Vec<usize>) -> usize {
        if part.len() <= SMALL {
            return self.small(&part);
        }
        let (left, right) = self.cut(&part);
        let left = self.order(left);
        let right = self.order(right);
        self.step(left, right)
    }

    fn step(&mut self, left: usize, right: usize) -> usize {
        self.steps.push((left, right));
        self.network.factors.len() + self.steps.len() - 1
    }

    fn small(&mut self, part: &[usize]) -> usize {
        let network = self.network;
        let keeps =
            |axis: usize| self.kept[axis] || self.holders[axis].iter().any(|holder| !part.contains(holder));
        let problem = Problem {
            tensors: part.iter().map(|&factor| network.factors[factor].as_slice()).collect(),
            places: part.iter().map(|&factor| network.places[factor]).collect(),
            extents: &network.extents,
            keeps: &keeps,
            dtype: network.dtype,
        };
        let found = exact::search(&problem, f64::INFINITY, &mut self.counter);
        let mut numbers = part.to_vec();
        // Without an order (there may be too many axes) one after the other.
        let in_order = || (1..part.len()).map(|i| (if i == 1 { 0 } else { part.len() + i - 2 }, i)).collect();
        for (left, right) in found.map_or_else(in_order, |(_, steps)| steps) {
            let result = self.step(numbers[left], numbers[right]);
            numbers.push(result);
        }
        numbers.last().copied().unwrap_or_default()
    }

    /// Two halves, both with at least one factor.
    fn cut(&mut self, part: &[usize]) -> (Vec<usize>, Vec<usize>) {
        let count = part.len();
        let mut place = vec![usize::MAX; self.network.factors.len()];
        part.iter().enumerate().for_each(|(position, &factor)| place[factor] = position);
        // The axes inside the part, with the positions that have them; what is needed outside of it as well
        // crosses in any case.
        let mut of_position: Vec<Vec<usize>> = vec![Vec::new(); count];
        let mut axes: Vec<(f64, Vec<usize>)> = Vec::new();
        for (axis, holders) in self.holders.iter().enumerate() {
            let inside: Vec<usize> =
                holders.iter().map(|&factor| place[factor]).filter(|&p| p != usize::MAX).collect();
            if inside.len() > 1 {
                inside.iter().for_each(|&position| of_position[position].push(axes.len()));
                axes.push((self.weights[axis], inside));
            }
        }
        let smallest = ((count as f64 * self.variant.balance) as usize).max(1);
        let mut first = grow(&of_position, &axes, count / 2, self.variant.seed % count);
        for _ in 0..PASSES {
            if !self.pass(&mut first, &of_position, &axes, smallest) {
                break;
            }
        }
        let (left, right): (Vec<usize>, Vec<usize>) = (0..count).partition(|&position| first[position]);
        let factors = |positions: Vec<usize>| positions.into_iter().map(|position| part[position]).collect();
        (factors(left), factors(right))
    }

    /// Lets every position change sides once; whether that found a better cut.
    fn pass(
        &mut self,
        first: &mut [bool],
        of_position: &[Vec<usize>],
        axes: &[(f64, Vec<usize>)],
        smallest: usize,
    ) -> bool {
        let count = first.len();
        let mut size = first.iter().filter(|first| **first).count();
        let mut ours: Vec<usize> =
            axes.iter().map(|(_, inside)| inside.iter().filter(|&&p| first[p]).count()).collect();
        let mut locked = vec![false; count];
        let (mut moves, mut gain, mut best): (Vec<usize>, f64, (f64, usize)) = (Vec::new(), 0.0, (1e-9, 0));
        while moves.len() < count {
            let gain_of = |position: usize| -> f64 {
                let change = |&axis: &usize| {
                    let (weight, inside) = &axes[axis];
                    let here = if first[position] { ours[axis] } else { inside.len() - ours[axis] };
                    if here == 1 {
                        *weight // it no longer crosses
                    } else if here == inside.len() {
                        -weight
                    } else {
                        0.0
                    }
                };
                of_position[position].iter().map(change).sum()
            };
            let may_move = |position: &usize| {
                let left = if first[*position] { size } else { count - size };
                !locked[*position] && left > smallest
            };
            self.counter += count as u64;
            let chosen = (0..count)
                .filter(may_move)
                .map(|position| (gain_of(position), position))
                .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
            let Some((change, position)) = chosen else { break };
            first[position] = !first[position];
            locked[position] = true;
            size = if first[position] { size + 1 } else { size - 1 };
            for &axis in &of_position[position] {
                ours[axis] = if first[position] { ours[axis] + 1 } else { ours[axis] - 1 };
            }
            moves.push(position);
            gain += change;
            if gain > best.0 {
                best = (gain, moves.len());
            }
        }
        moves[best.1..].iter().for_each(|&position| first[position] = !first[position]);
        best.1 > 0
    }
}

/// `wanted` positions near `start`, nearest first.
fn grow(of_position: &[Vec<usize>], axes: &[(f64, Vec<usize>)], wanted: usize, start: usize) -> Vec<bool> {
    let mut first = vec![false; of_position.len()];
    let mut queue = std::collections::VecDeque::from([start]);
    let (mut taken, mut next) = (0, 0);
    while taken < wanted {
        let position = match queue.pop_front() {
            Some(position) => position,
            None => {
                // Another component.
                next += 1;
                next - 1
            }
        };
        if first[position] {
            continue;
        }
        first[position] = true;
        taken += 1;
        queue.extend(of_position[position].iter().flat_map(|&axis| axes[axis].1.iter().copied()));
    }
    first
}
