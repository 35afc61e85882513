//! The best order of a few tensors: dynamic programming over their subsets.
//!
//! The best way to a subset is the best split into two smaller ones. All splits are looked at, also
//! outer products; a split whose parts alone cost more than the best one so far costs two loads.
//! Axes that occur in the same tensors are one axis to the search.

use super::network::{Place, step_cost};
use tcc_ir::Dtype;

/// Most tensors that are ordered exactly.
pub const LIMIT: usize = 12;

/// A small problem: tensors, and which of their axes are needed afterwards.
pub struct Problem<'a> {
    /// The axes of each tensor.
    pub tensors: Vec<&'a [usize]>,
    /// When each may be combined.
    pub places: Vec<Place>,
    /// How many values each axis takes.
    pub extents: &'a [f64],
    /// Whether the result keeps an axis.
    pub keeps: &'a dyn Fn(usize) -> bool,
    /// The dtype of all of them.
    pub dtype: Dtype,
}

/// Axes with the same tensors, as one bit each.
struct Groups {
    /// The axes of every tensor.
    of_tensor: Vec<u128>,
    /// Those that the result keeps.
    kept: u128,
    /// Volumes of sets of eight axes: 256 for each byte of a mask.
    volumes: Vec<f64>,
}

impl Groups {
    /// `None` if there are more than 128 different ones.
    fn new(problem: &Problem) -> Option<Groups> {
        let mut patterns: Vec<(usize, u32)> = Vec::new();
        for (position, tensor) in problem.tensors.iter().enumerate() {
            for &axis in *tensor {
                patterns.push((axis, 1 << position));
            }
        }
        patterns.sort_unstable();
        patterns.dedup_by(|next, first| {
            let same = next.0 == first.0;
            first.1 |= if same { next.1 } else { 0 };
            same
        });
        // (tensors, kept, volume)
        let mut groups: Vec<(u32, bool, f64)> = patterns
            .iter()
            .map(|&(axis, tensors)| (tensors, (problem.keeps)(axis), problem.extents[axis]))
            .collect();
        groups.sort_by_key(|&(tensors, kept, _)| (tensors, kept));
        groups.dedup_by(|next, first| {
            let same = (next.0, next.1) == (first.0, first.1);
            first.2 *= if same { next.2 } else { 1.0 };
            same
        });
        if groups.len() > 128 {
            return None;
        }
        let mut of_tensor = vec![0u128; problem.tensors.len()];
        let mut kept = 0u128;
        let mut volumes = vec![1.0; groups.len().div_ceil(8) * 256];
        for (bit, &(tensors, keeps, volume)) in groups.iter().enumerate() {
            for (position, axes) in of_tensor.iter_mut().enumerate() {
                *axes |= u128::from(tensors >> position & 1) << bit;
            }
            kept |= u128::from(keeps) << bit;
            let table = &mut volumes[bit / 8 * 256..][..256];
            for (set, product) in table.iter_mut().enumerate() {
                *product *= if set >> (bit % 8) & 1 == 1 { volume } else { 1.0 };
            }
        }
        Some(Groups { of_tensor, kept, volumes })
    }

    fn volume(&self, mut set: u128) -> f64 {
        let mut volume = 1.0;
        for table in self.volumes.chunks_exact(256) {
            volume *= table[(set & 255) as usize];
            set >>= 8;
        }
        volume
    }
}

/// The best order among those that cost less than `bound` cycles, with its cost; `None` if there is
/// none, or if the problem is too large. Operands of steps are numbered as in
/// [`super::network::Order`]. Counts the splits that it looks at in `counter`.
pub fn search(problem: &Problem, bound: f64, counter: &mut u64) -> Option<(f64, Vec<(usize, usize)>)> {
    let count = problem.tensors.len();
    if !(2..=LIMIT).contains(&count) {
        return None;
    }
    let groups = Groups::new(problem)?;
    let all = (1usize << count) - 1;
    let mut has = vec![0u128; all + 1];
    for set in 1..=all {
        has[set] = has[set & (set - 1)] | groups.of_tensor[set.trailing_zeros() as usize];
    }
    let open: Vec<u128> = (0..=all).map(|set| has[set] & (has[all ^ set] | groups.kept)).collect();
    let sizes: Vec<f64> = open.iter().map(|&axes| groups.volume(axes)).collect();
    let mask = |place: Place| (0..count).filter(|&i| problem.places[i] == place).fold(0, |m, i| m | 1 << i);
    let (waiting, stepping): (usize, usize) = (mask(Place::Waiting), mask(Place::Stepping));
    let mut costs = vec![f64::INFINITY; all + 1];
    let mut splits = vec![0usize; all + 1];
    (0..count).for_each(|position| costs[1 << position] = 0.0);
    let fastest = 1.0 / crate::cost::MACHINE.peak(problem.dtype);
    for set in 1..=all {
        let forbidden = set & waiting != 0 && set & stepping == 0;
        if set & (set - 1) == 0 || forbidden {
            continue;
        }
        let lowest = set & set.wrapping_neg();
        let rest = set ^ lowest;
        let (mut best, mut split) = (bound, 0);
        // All subsets of the rest but the whole, each together with the lowest, the smallest first: of splits
        // that cost the same, the first tensors are combined first.
        let mut part = 0;
        loop {
            let left = part | lowest;
            let right = set ^ left;
            let parts = costs[left] + costs[right];
            *counter += 1;
            if parts < best {
                let axes = open[left] | open[right];
                let volume = groups.volume(axes);
                if parts + volume * fastest * 0.5 < best {
                    let sums = axes & !open[set] != 0;
                    let step = step_cost(problem.dtype, volume, sizes[left], sizes[right], sizes[set], sums);
                    if parts + step.cycles < best {
                        (best, split) = (parts + step.cycles, left);
                    }
                }
            }
            part = part.wrapping_sub(rest) & rest;
            if part == rest {
                break;
            }
        }
        if split != 0 {
            (costs[set], splits[set]) = (best, split);
        }
    }
    costs[all].is_finite().then(|| (costs[all], steps(all, count, &splits)))
}

/// The steps of the tree of splits, operands first.
fn steps(all: usize, count: usize, splits: &[usize]) -> Vec<(usize, usize)> {
    fn build(set: usize, count: usize, splits: &[usize], steps: &mut Vec<(usize, usize)>) -> usize {
        if set & (set - 1) == 0 {
            return set.trailing_zeros() as usize;
        }
        let left = build(splits[set], count, splits, steps);
        let right = build(set ^ splits[set], count, splits, steps);
        steps.push((left, right));
        count + steps.len() - 1
    }
    let mut result = Vec::with_capacity(count - 1);
    build(all, count, splits, &mut result);
    result
}
