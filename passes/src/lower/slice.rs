//! Slices: loops around several values, so that only one slice of each is stored at a time.
//!
//! ```text
//! X[s, a] = .. ; Y[s, b] = .. X .. ; out[b] = sum[s] .. Y ..
//!   -->
//! out = 0 ; for s { X[a] = .. ; Y[b] = .. X .. ; out[b] += .. Y .. }
//! ```
//!
//! Done only where the stored values do not fit in the memory that the context allows. The axes of a
//! slice are axes of the last value, or axes that its outermost sum runs over; every value inside has
//! them, outermost first, and is read inside alone, at the same index.

use super::decide::{Decisions, Edge, edges};
use crate::{Contract, PassContext};
use std::collections::{BTreeMap, BTreeSet};
use tcc_ir::ReduceOp;
use tcc_ir::axis::Name;
use tcc_ir::graph::{Graph, Op, ValueId};

/// Most axes of one slice, and most slices that are tried.
const AXES: usize = 8;
const TRIALS: usize = 64;
/// Most values inside one slice.
const VALUES: usize = 2000;

/// Values that are computed together, slice by slice.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Slice {
    /// The value that all others are for.
    pub root: ValueId,
    /// The axes, outermost first.
    pub axes: Vec<Name>,
    /// The other values in order, each with how many of the axes it is inside of.
    pub members: Vec<(ValueId, usize)>,
}

/// How a stored value reads another.
#[derive(Clone, Debug)]
struct Read {
    reader: ValueId,
    /// Axes of what is read that are bound between the two.
    bound: BTreeSet<Name>,
    /// Whether it is read at a computed place.
    elsewhere: bool,
}

/// What the stored values need.
struct Sizes<'a> {
    graph: &'a Graph,
    decisions: &'a Decisions,
    /// Whether sums may be split.
    reassociate: bool,
    /// How each stored value is read.
    reads: Vec<Vec<Read>>,
    /// Whether each stored value could be inside a slice.
    movable: Vec<bool>,
    /// Bytes of each value in scratch memory; 0 for all others.
    bytes: Vec<u64>,
    /// The last reader of each stored value.
    last: Vec<usize>,
}

/// The slices that bring working memory below what the context allows, or as near as they can.
pub(super) fn slices(graph: &Graph, decisions: &Decisions, context: &PassContext) -> Vec<Slice> {
    let Some(limit) = context.memory else { return Vec::new() };
    let stored = graph.values().filter(|v| decisions.live[v.index()] && decisions.stored[v.index()]);
    let all: Option<Vec<u64>> = stored.map(|value| bytes(graph, value)).collect();
    if all.is_none_or(|all| all.into_iter().fold(0, u64::saturating_add) <= limit) {
        return Vec::new();
    }
    let Some(sizes) = Sizes::new(graph, decisions, context) else { return Vec::new() };
    let mut slices: Vec<Slice> = Vec::new();
    let mut inside: BTreeMap<ValueId, u64> = BTreeMap::new();
    let mut refused: BTreeSet<ValueId> = BTreeSet::new();
    for _ in 0..TRIALS {
        let (peak, live) = sizes.peak(&inside);
        if peak <= limit {
            break;
        }
        let taken: BTreeSet<ValueId> =
            slices.iter().flat_map(|s| s.members.iter().map(|m| m.0).chain([s.root])).collect();
        let free = |value: &ValueId| !refused.contains(value) && !taken.contains(value);
        let Some(largest) = live.into_iter().filter(free).max_by_key(|v| (sizes.bytes[v.index()], v.0))
        else {
            break;
        };
        let found = sizes.roots(largest).into_iter().find_map(|root| {
            if taken.contains(&root) {
                return None;
            }
            sizes.best(root, &taken, &inside, limit).filter(|(_, _, lower)| *lower < peak)
        });
        match found {
            Some((slice, bytes, _)) => {
                inside.extend(bytes);
                slices.push(slice);
            }
            None => {
                refused.insert(largest);
            }
        }
    }
    slices
}

/// Bytes of a whole value; `None` if an extent is open.
fn bytes(graph: &Graph, value: ValueId) -> Option<u64> {
    let ty = graph.ty(value);
    ty.axes.iter().try_fold(ty.dtype.size_bytes() as u64, |bytes, axis| {
        let extent = u64::try_from(axis.extent.as_const()?).ok()?;
        Some(bytes.saturating_mul(extent))
    })
}

impl<'a> Sizes<'a> {
    /// `None` if the size of a stored value is not known.
    fn new(graph: &'a Graph, decisions: &'a Decisions, context: &PassContext) -> Option<Sizes<'a>> {
        let count = graph.nodes.len();
        let mut sizes = Sizes {
            graph,
            decisions,
            reassociate: context.contract >= Contract::Reassoc,
            reads: vec![Vec::new(); count],
            movable: vec![false; count],
            bytes: vec![0; count],
            last: vec![0; count],
        };
        let mut fixed = vec![false; count];
        graph.outputs.iter().for_each(|output| fixed[output.value.index()] = true);
        let is_output = fixed.clone();
        graph.checks.iter().for_each(|check| fixed[check.value.index()] = true);
        for value in graph.values().filter(|v| decisions.live[v.index()]) {
            if let Op::Recur { nexts, .. } = &graph.node(value).op {
                nexts.iter().for_each(|next| fixed[next.index()] = true);
            }
            if !decisions.stored[value.index()] {
                continue;
            }
            sizes.last[value.index()] = value.index();
            sizes.read(value);
            let in_loop = decisions.recurrences.place[value.index()].is_some();
            let op = &graph.node(value).op;
            sizes.movable[value.index()] =
                !in_loop && !fixed[value.index()] && !matches!(op, Op::Scatter { .. } | Op::Transform { .. });
            if !is_output[value.index()] && !in_loop {
                sizes.bytes[value.index()] = bytes(graph, value)?;
            }
        }
        for value in graph.values() {
            let last = sizes.reads[value.index()].iter().map(|read| read.reader.index()).max();
            sizes.last[value.index()] = sizes.last[value.index()].max(last.unwrap_or(0));
        }
        Some(sizes)
    }

    /// Enters how a stored value reads others.
    fn read(&mut self, reader: ValueId) {
        let mut seen: BTreeSet<(ValueId, BTreeSet<Name>, bool)> = BTreeSet::new();
        let mut waiting = vec![(reader, BTreeSet::new(), false)];
        while let Some((value, bound, elsewhere)) = waiting.pop() {
            if value != reader && self.decisions.stored[value.index()] {
                self.reads[value.index()].push(Read { reader, bound, elsewhere });
                continue;
            }
            let op = &self.graph.node(value).op;
            let mut inner: BTreeSet<Name> = bound.clone();
            match op {
                // The axes of the outermost sum are up to the reader.
                Op::Reduce { op: ReduceOp::Sum, .. } if value == reader => {}
                Op::Reduce { axes, .. } | Op::Normalise { axes, .. } => inner.extend(axes.iter().cloned()),
                _ => {}
            }
            for (operand, edge) in edges(op) {
                let elsewhere = elsewhere || edge == Edge::Elsewhere;
                let next = (operand, inner.clone(), elsewhere);
                if seen.len() < VALUES && seen.insert(next.clone()) {
                    waiting.push(next);
                } else if seen.len() >= VALUES {
                    // Too much to tell: nothing below is moved.
                    self.movable[operand.index()] = false;
                    self.reads[operand.index()].push(Read {
                        reader,
                        bound: BTreeSet::new(),
                        elsewhere: true,
                    });
                }
            }
        }
    }

    /// The axes that the outermost sum of a value runs over.
    fn summed(&self, value: ValueId) -> &[Name] {
        match &self.graph.node(value).op {
            Op::Reduce { op: ReduceOp::Sum, axes, .. } => axes,
            _ => &[],
        }
    }

    /// Most bytes at one time, and the values that are stored then, where those in `inside` take less.
    fn peak(&self, inside: &BTreeMap<ValueId, u64>) -> (u64, Vec<ValueId>) {
        let mut ends: BTreeMap<usize, Vec<ValueId>> = BTreeMap::new();
        let mut live: BTreeSet<ValueId> = BTreeSet::new();
        let (mut now, mut peak, mut at_peak) = (0u64, 0, Vec::new());
        let bytes_of = |value: ValueId| inside.get(&value).copied().unwrap_or(self.bytes[value.index()]);
        for value in self.graph.values().filter(|v| self.bytes[v.index()] > 0) {
            let done: Vec<usize> = ends.range(..value.index()).map(|(&end, _)| end).collect();
            for gone in done.into_iter().filter_map(|end| ends.remove(&end)).flatten() {
                now = now.saturating_sub(bytes_of(gone));
                live.remove(&gone);
            }
            now = now.saturating_add(bytes_of(value));
            live.insert(value);
            ends.entry(self.last[value.index()]).or_default().push(value);
            if now > peak {
                (peak, at_peak) = (now, live.iter().copied().collect());
            }
        }
        (peak, at_peak)
    }

    /// The values for which this one could be computed slice by slice, the last one first.
    fn roots(&self, value: ValueId) -> Vec<ValueId> {
        let mut roots = Vec::new();
        let mut current = value;
        while self.movable[current.index()] && roots.len() < VALUES {
            let Some(next) = self.reads[current.index()].iter().map(|read| read.reader).max() else { break };
            roots.push(next);
            current = next;
        }
        roots.retain(|root| self.decisions.recurrences.place[root.index()].is_none());
        roots.retain(|root| {
            let op = &self.graph.node(*root).op;
            !matches!(op, Op::Scatter { .. } | Op::Transform { .. } | Op::Normalise { .. } | Op::Recur { .. })
        });
        roots.reverse();
        roots
    }

    /// The members of a slice of `root` along `axes`.
    fn members(&self, root: ValueId, axes: &[Name], taken: &BTreeSet<ValueId>) -> Vec<(ValueId, usize)> {
        let mut depths: BTreeMap<ValueId, usize> = BTreeMap::from([(root, axes.len())]);
        for value in (0..root.0).rev().map(ValueId) {
            let reads = &self.reads[value.index()];
            if reads.is_empty() || !self.movable[value.index()] || taken.contains(&value) {
                continue;
            }
            let ty = self.graph.ty(value);
            // A row that is normalised is computed as a whole.
            let whole: &[Name] = match &self.graph.node(value).op {
                Op::Normalise { axes, .. } => axes,
                _ => &[],
            };
            let depth = reads.iter().map(|read| {
                let summed = if read.reader == root { &[] } else { self.summed(read.reader) };
                let here = |axis: &&Name| {
                    let free = !read.bound.contains(*axis) && !summed.contains(axis) && !whole.contains(axis);
                    free && ty.axis(axis).is_some()
                };
                match depths.get(&read.reader) {
                    Some(&depth) if !read.elsewhere => axes[..depth].iter().take_while(here).count(),
                    _ => 0,
                }
            });
            match depth.min() {
                Some(depth) if depth > 0 => drop(depths.insert(value, depth)),
                _ => {}
            }
        }
        depths.remove(&root);
        depths.into_iter().collect()
    }

    /// The slice of `root` that needs the least memory, or the fewest slices below `limit`, with the bytes
    /// of its members and the peak that it leads to.
    fn best(
        &self,
        root: ValueId,
        taken: &BTreeSet<ValueId>,
        inside: &BTreeMap<ValueId, u64>,
        limit: u64,
    ) -> Option<(Slice, BTreeMap<ValueId, u64>, u64)> {
        let float = !self.graph.ty(root).dtype.is_int();
        let summed = if float && !self.reassociate { &[] } else { self.summed(root) };
        let own = self.graph.ty(root).axes.iter().map(|axis| &axis.name);
        let candidates: Vec<&Name> = own.chain(summed).collect();
        let mut best: Option<(Slice, BTreeMap<ValueId, u64>, u64)> = None;
        while best.as_ref().is_none_or(|(slice, _, peak)| *peak > limit && slice.axes.len() < AXES) {
            let before = best.as_ref().map_or(u64::MAX, |(_, _, peak)| *peak);
            let chosen = best.as_ref().map_or(Vec::new(), |(slice, _, _)| slice.axes.clone());
            let fresh = candidates.iter().filter(|axis| !chosen.contains(axis));
            let tried = fresh.map(|&axis| {
                let axes: Vec<Name> = chosen.iter().chain([axis]).cloned().collect();
                let members = self.members(root, &axes, taken);
                let mut bytes = inside.clone();
                bytes.extend(
                    members.iter().map(|&(value, depth)| (value, self.sliced(value, &axes[..depth]))),
                );
                let peak = self.peak(&bytes).0;
                (Slice { root, axes, members }, bytes, peak)
            });
            // The first of the best: axes of the result before summed ones.
            let next = tried
                .filter(|(slice, _, _)| !slice.members.is_empty())
                .reduce(|a, b| if b.2.max(limit) < a.2.max(limit) { b } else { a });
            match next.filter(|(_, _, peak)| *peak < before) {
                Some(next) => best = Some(next),
                None => break,
            }
        }
        best
    }

    /// Bytes of one slice of a value.
    fn sliced(&self, value: ValueId, axes: &[Name]) -> u64 {
        let ty = self.graph.ty(value);
        let extents = axes.iter().filter_map(|axis| ty.axis(axis)?.extent.as_const());
        extents.fold(self.bytes[value.index()], |bytes, extent| bytes / (extent.max(1) as u64))
    }
}
