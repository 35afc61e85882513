//! Orders of many factors, one contraction at a time: always the pair that looks best now.
//!
//! How a pair looks is a family of functions. Each variant weighs the size of the result against the
//! sizes of what disappears, and some blur the choice with fixed pseudo-random numbers, so that
//! many variants together see many orders. Only pairs that share an axis are looked at, until none is
//! left; then the smallest tensors are multiplied first.

use super::network::{Network, Order, Place, union};
use std::cmp::Ordering;
use std::collections::{BTreeSet, BinaryHeap};

/// Most neighbours of one axis that a tensor is paired with.
const NEIGHBOURS: usize = 24;

/// One way to choose.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// How much the disappearance of the operands counts.
    pub weight: f64,
    /// How much the choice is blurred; 0: not at all.
    pub temperature: f64,
    /// Where the pseudo-random numbers begin.
    pub seed: u64,
}

/// A candidate: the pair with the lowest score comes first, and among equals the oldest tensors.
struct Candidate {
    score: f64,
    left: usize,
    right: usize,
}

impl Ord for Candidate {
    fn cmp(&self, other: &Candidate) -> Ordering {
        let key = |c: &Candidate| (c.left, c.right);
        other.score.total_cmp(&self.score).then_with(|| key(other).cmp(&key(self)))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Candidate) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Candidate) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Candidate {}

struct Greedy<'a> {
    network: &'a Network,
    variant: Variant,
    random: u64,
    kept: Vec<bool>,
    /// The axes of each tensor, those that are gone included.
    axes: Vec<Vec<usize>>,
    places: Vec<Place>,
    live: Vec<bool>,
    /// The live tensors with each axis.
    holders: Vec<BTreeSet<usize>>,
    queue: BinaryHeap<Candidate>,
    steps: Vec<(usize, usize)>,
    counter: u64,
}

/// The order that `variant` chooses, and how many pairs it looked at.
pub fn search(network: &Network, variant: Variant) -> (Order, u64) {
    let mut holders = vec![BTreeSet::new(); network.extents.len()];
    for (factor, axes) in network.factors.iter().enumerate() {
        axes.iter().for_each(|&axis| {
            holders[axis].insert(factor);
        });
    }
    let mut greedy = Greedy {
        network,
        variant,
        random: variant.seed,
        kept: network.kept(),
        axes: network.factors.clone(),
        places: network.places.clone(),
        live: vec![true; network.factors.len()],
        holders,
        queue: BinaryHeap::new(),
        steps: Vec::new(),
        counter: 0,
    };
    for factor in 0..network.factors.len() {
        greedy.candidates(factor, |other| other > factor);
    }
    while let Some(Candidate { left, right, .. }) = greedy.queue.pop() {
        if greedy.live[left] && greedy.live[right] {
            greedy.contract(left, right);
        }
    }
    greedy.join_rest();
    (Order { steps: greedy.steps }, greedy.counter)
}

impl Greedy<'_> {
    /// The axes that the product of two tensors keeps after summing.
    fn result(&self, left: usize, right: usize) -> Vec<usize> {
        let (a, b) = (&self.axes[left], &self.axes[right]);
        let mut all = union(a, b);
        all.retain(|&axis| {
            let holders = &self.holders[axis];
            let ours = usize::from(holders.contains(&left)) + usize::from(holders.contains(&right));
            self.kept[axis] || holders.len() > ours
        });
        all
    }

    /// A pseudo-random number between 0 and 1.
    fn draw(&mut self) -> f64 {
        self.random = self.random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.random >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn score(&mut self, left: usize, right: usize) -> f64 {
        self.counter += 1;
        let network = self.network;
        let before = network.volume(&self.axes[left]) + network.volume(&self.axes[right]);
        let gain = network.volume(&self.result(left, right)) - self.variant.weight * before;
        let scale = gain.signum() * (1.0 + gain.abs()).ln();
        if self.variant.temperature == 0.0 {
            return scale;
        }
        let blur = -(-self.draw().ln()).ln();
        scale - self.variant.temperature * blur
    }

    /// Enters the pairs of a tensor with the neighbours that `wanted` accepts.
    fn candidates(&mut self, tensor: usize, wanted: impl Fn(usize) -> bool) {
        let mut neighbours = BTreeSet::new();
        for &axis in &self.axes[tensor] {
            let holders = self.holders[axis].iter().rev().take(NEIGHBOURS);
            neighbours.extend(holders.filter(|&&other| other != tensor && wanted(other)));
        }
        for other in neighbours {
            if self.places[tensor].join(self.places[other]).is_some() {
                let (left, right) = (tensor.min(other), tensor.max(other));
                let score = self.score(left, right);
                self.queue.push(Candidate { score, left, right });
            }
        }
    }

    fn contract(&mut self, left: usize, right: usize) {
        let axes = self.result(left, right);
        let tensor = self.axes.len();
        for operand in [left, right] {
            self.live[operand] = false;
            self.axes[operand].iter().for_each(|&axis| {
                self.holders[axis].remove(&operand);
            });
        }
        axes.iter().for_each(|&axis| {
            self.holders[axis].insert(tensor);
        });
        self.axes.push(axes);
        self.places.push(self.places[left].join(self.places[right]).unwrap_or(Place::Waiting));
        self.live.push(true);
        self.steps.push((left, right));
        self.candidates(tensor, |_| true);
    }

    /// Multiplies what shares no axis, the two smallest first; what waits for a recurrence last.
    fn join_rest(&mut self) {
        let rest: Vec<usize> = (0..self.live.len()).filter(|&tensor| self.live[tensor]).collect();
        let (mut waiting, mut others): (Vec<usize>, Vec<usize>) =
            rest.into_iter().partition(|&tensor| self.places[tensor] == Place::Waiting);
        if others.is_empty() {
            std::mem::swap(&mut waiting, &mut others);
        }
        let entry = |greedy: &Greedy, tensor: usize| Candidate {
            score: greedy.network.volume(&greedy.axes[tensor]),
            left: tensor,
            right: tensor,
        };
        let mut queue: BinaryHeap<Candidate> = others.into_iter().map(|tensor| entry(self, tensor)).collect();
        while let Some(Candidate { left: first, .. }) = queue.pop() {
            match queue.pop() {
                Some(Candidate { left: second, .. }) => {
                    self.join(first, second);
                    queue.push(entry(self, self.axes.len() - 1));
                }
                None => {
                    let join = |last, other| {
                        self.join(last, other);
                        self.axes.len() - 1
                    };
                    waiting.into_iter().fold(first, join);
                    return;
                }
            }
        }
    }

    fn join(&mut self, left: usize, right: usize) {
        self.contract(left.min(right), left.max(right));
        self.queue.clear();
    }
}
