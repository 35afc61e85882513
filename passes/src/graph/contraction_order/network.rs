//! Networks: products of many factors summed over axes, without the graph around them.
//!
//! A network is what the search for an order works on: the axes of each factor, which of them the
//! result keeps, and how far they extend. An [`Order`] is a list of pairwise contractions. Its price
//! is the sum of the prices of its steps in the one cost model.

use crate::cost::{Contraction, Cost, MACHINE, Operations};
use tcc_ir::Dtype;

/// When a factor may be contracted with others, where a network stands inside a recurrence.
///
/// A value computed from steps of a recurrence exists in the loop of the recurrence only. What is
/// computed without them would be stored for all steps if it had the stepped axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Has no stepped axis: may be combined with anything.
    Free,
    /// Has the stepped axis but does not depend on the recurrence: may be combined with what does.
    Waiting,
    /// Depends on the recurrence.
    Stepping,
}

impl Place {
    /// Of the product of two factors; `None` if it must not be formed.
    pub fn join(self, other: Place) -> Option<Place> {
        match (self, other) {
            (Place::Stepping, _) | (_, Place::Stepping) => Some(Place::Stepping),
            (Place::Waiting, _) | (_, Place::Waiting) => None,
            (Place::Free, Place::Free) => Some(Place::Free),
        }
    }
}

/// A product of factors, summed over every axis that the output lacks.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The axes of each factor: positions in `extents`, ascending.
    pub factors: Vec<Vec<usize>>,
    /// Further axes that each factor alone has, over which it is summed before anything else.
    pub alone: Vec<Vec<usize>>,
    /// When each factor may be combined.
    pub places: Vec<Place>,
    /// The axes that are kept, ascending.
    pub output: Vec<usize>,
    /// How many values each axis takes.
    pub extents: Vec<f64>,
    /// The dtype of all factors and of the result.
    pub dtype: Dtype,
}

/// Pairwise contractions. Operands below the number of factors are factors; operand `n + i` is the
/// result of step `i`. The last step gives the value of the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// The two operands of each step.
    pub steps: Vec<(usize, usize)>,
}

impl Order {
    /// The steps of a tree whose leaves are so many factors, operands first. The last node is the root;
    /// `children` are those of each node, none of a factor.
    pub fn of_tree(
        factors: usize,
        nodes: usize,
        children: &dyn Fn(usize) -> Option<(usize, usize)>,
    ) -> Order {
        let mut numbers: Vec<usize> = (0..nodes).collect();
        let mut steps = Vec::new();
        // A node is visited before and after what is below it.
        let mut waiting: Vec<(usize, bool)> =
            nodes.checked_sub(1).map(|root| (root, false)).into_iter().collect();
        while let Some((node, done)) = waiting.pop() {
            let Some((left, right)) = children(node) else { continue };
            if done {
                steps.push((numbers[left], numbers[right]));
                numbers[node] = factors + steps.len() - 1;
            } else {
                waiting.extend([(node, true), (right, false), (left, false)]);
            }
        }
        Order { steps }
    }
}

/// One contraction of an order.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The two operands, as in [`Order::steps`].
    pub operands: (usize, usize),
    /// The axes that it sums over.
    pub summed: Vec<usize>,
    /// The axes of its result.
    pub axes: Vec<usize>,
    /// What it costs.
    pub cost: Cost,
    /// Bytes of the result, if it is stored: a product that sums over nothing is computed where it is
    /// read, and the result of the last step belongs to the statement.
    pub stored: f64,
}

/// An order with what it costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// All of them together, and the sums of factors before them.
    pub cost: Cost,
    /// Most bytes of intermediates that are needed at the same time.
    pub peak: f64,
}

/// What one step costs, from the volumes of all its axes, of its operands and of its result.
pub fn step_cost(dtype: Dtype, all: f64, left: f64, right: f64, result: f64, sums: bool) -> Cost {
    if sums {
        MACHINE.contraction(dtype, &Contraction::from_volumes(all, left, right, result), true)
    } else {
        let product = Operations { simple: 1.0, ..Operations::default() };
        MACHINE.elementwise(dtype, all, &product, 0.0)
    }
}

impl Network {
    /// The number of points that the axes span.
    pub fn volume(&self, axes: &[usize]) -> f64 {
        axes.iter().map(|&axis| self.extents[axis]).product()
    }

    /// Bytes of a tensor with these axes.
    pub fn bytes(&self, axes: &[usize]) -> f64 {
        self.volume(axes) * self.dtype.size_bytes() as f64
    }

    /// The network of factors with these axes: what one of them alone has and the output has not is
    /// summed first.
    pub fn new(mut factors: Vec<Vec<usize>>, output: Vec<usize>, extents: Vec<f64>, dtype: Dtype) -> Network {
        let mut network = Network {
            places: vec![Place::Free; factors.len()],
            alone: Vec::new(),
            factors: Vec::new(),
            output,
            extents,
            dtype,
        };
        factors.iter_mut().for_each(|axes| axes.sort_unstable());
        network.factors = factors;
        let (degrees, kept) = (network.degrees(), network.kept());
        for axes in &mut network.factors {
            let is_alone = |axis: &usize| degrees[*axis] == 1 && !kept[*axis];
            network.alone.push(axes.iter().copied().filter(is_alone).collect());
            axes.retain(|axis| !is_alone(axis));
        }
        network
    }

    /// For every axis how many factors have it.
    pub fn degrees(&self) -> Vec<usize> {
        let mut degrees = vec![0; self.extents.len()];
        self.factors.iter().flatten().for_each(|&axis| degrees[axis] += 1);
        degrees
    }

    /// Which axes the output has.
    pub fn kept(&self) -> Vec<bool> {
        let mut kept = vec![false; self.extents.len()];
        self.output.iter().for_each(|&axis| kept[axis] = true);
        kept
    }

    /// What one loop nest costs that multiplies all factors at every point and sums as it goes.
    pub fn unordered(&self) -> Cost {
        let size = |factor: usize| self.volume(&self.factors[factor]) * self.volume(&self.alone[factor]);
        let (degrees, kept) = (self.degrees(), self.kept());
        let axes: Vec<usize> = (0..self.extents.len()).filter(|&axis| degrees[axis] > 0).collect();
        let alone: f64 = self.alone.iter().map(|axes| self.volume(axes)).product();
        let (all, result) = (self.volume(&axes) * alone, self.volume(&self.output));
        if self.factors.len() == 2 {
            let sums = alone > 1.0 || axes.iter().any(|&axis| !kept[axis]);
            return step_cost(self.dtype, all, size(0), size(1), result, sums);
        }
        let operations = Operations { simple: self.factors.len() as f64, ..Operations::default() };
        let elements: f64 = (0..self.factors.len()).map(size).sum::<f64>() + result;
        MACHINE.elementwise(self.dtype, all, &operations, elements * self.dtype.size_bytes() as f64)
    }

    /// What the sums of single factors cost, and the bytes that each of them stores.
    fn first_sums(&self) -> (Cost, Vec<f64>) {
        let mut cost = Cost::default();
        let stored = self.factors.iter().zip(&self.alone).map(|(axes, alone)| {
            if alone.is_empty() {
                return 0.0;
            }
            let kept = self.volume(axes);
            cost = cost + MACHINE.reduction(self.dtype, kept * self.volume(alone), kept);
            self.bytes(axes)
        });
        let stored = stored.collect();
        (cost, stored)
    }

    /// The steps of `order` with their costs.
    pub fn evaluate(&self, order: &Order) -> Evaluation {
        let (mut left_over, kept) = (self.degrees(), self.kept());
        let mut axes: Vec<Vec<usize>> = self.factors.clone();
        let mut evaluation = Evaluation { steps: Vec::new(), cost: self.first_sums().0, peak: 0.0 };
        for (position, &(left, right)) in order.steps.iter().enumerate() {
            let all = union(&axes[left], &axes[right]);
            for &axis in &all {
                let both =
                    axes[left].binary_search(&axis).is_ok() && axes[right].binary_search(&axis).is_ok();
                left_over[axis] -= usize::from(both);
            }
            let (result, summed): (Vec<usize>, Vec<usize>) =
                all.iter().partition(|&&axis| kept[axis] || left_over[axis] > 1);
            summed.iter().for_each(|&axis| left_over[axis] = 0);
            let volume = |axes: &[usize]| self.volume(axes);
            let cost = step_cost(
                self.dtype,
                volume(&all),
                volume(&axes[left]),
                volume(&axes[right]),
                volume(&result),
                !summed.is_empty(),
            );
            let is_last = position + 1 == order.steps.len();
            let bytes = if summed.is_empty() || is_last { 0.0 } else { self.bytes(&result) };
            evaluation.cost = evaluation.cost + cost;
            axes.push(result.clone());
            evaluation.steps.push(Step {
                operands: (left, right),
                summed,
                axes: result,
                cost,
                stored: bytes,
            });
        }
        evaluation.peak = self.peak(&evaluation.steps);
        evaluation
    }

    /// Most bytes of results that wait for their readers at the same time.
    pub fn peak(&self, steps: &[Step]) -> f64 {
        let mut held = self.first_sums().1;
        let mut live: f64 = held.iter().sum();
        let mut peak = live;
        for step in steps {
            let operands = held[step.operands.0] + held[step.operands.1];
            live += step.stored;
            peak = peak.max(live);
            // Operands of a product that is not stored live on until that is read.
            let inherited = if step.summed.is_empty() { operands } else { 0.0 };
            live -= operands - inherited;
            held.push(step.stored + inherited);
        }
        peak
    }
}

/// The union of two ascending lists.
pub fn union(a: &[usize], b: &[usize]) -> Vec<usize> {
    let mut all = Vec::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        let next = match (a.get(i), b.get(j)) {
            (Some(&x), Some(&y)) => x.min(y),
            (Some(&x), None) => x,
            (None, Some(&y)) => y,
            (None, None) => break,
        };
        i += usize::from(a.get(i) == Some(&next));
        j += usize::from(b.get(j) == Some(&next));
        all.push(next);
    }
    all
}
