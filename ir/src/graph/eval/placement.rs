//! Which values are stored, and for how long.

use crate::axis::Name;
use crate::graph::{Graph, Op, ValueId};
use std::collections::BTreeMap;

/// A value that several others need is computed again in each of them if it has more elements than this.
const SHARED_ELEMENTS: u128 = 1 << 22;

/// Where a value is needed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Needed {
    Nowhere,
    /// In the computation of one stored value; numbers beyond the nodes stand for checks.
    In(usize),
    Everywhere,
}

impl Needed {
    fn and(self, other: Needed) -> Needed {
        match (self, other) {
            (Needed::Nowhere, needed) | (needed, Needed::Nowhere) => needed,
            (a, b) if a == b => a,
            _ => Needed::Everywhere,
        }
    }
}

/// The plan of an evaluation.
#[derive(Debug)]
pub(super) struct Placement {
    stored: Vec<bool>,
    stepping: Vec<Option<ValueId>>,
    /// For every value those that are not needed after it.
    ends: Vec<Vec<ValueId>>,
}

impl Placement {
    /// Plans the values that are `live`; `shapes` are their extents.
    pub(super) fn new(graph: &Graph, live: Vec<bool>, shapes: &[Vec<usize>]) -> Placement {
        let stepping = graph.stepping();
        let mut stored: Vec<bool> = vec![false; graph.nodes.len()];
        for output in &graph.outputs {
            stored[output.value.index()] = true;
        }
        // The first result of every group is where its bodies are evaluated.
        let mut evaluated_at: BTreeMap<ValueId, usize> = BTreeMap::new();
        for value in graph.values().filter(|value| live[value.index()]) {
            match &graph.node(value).op {
                Op::Access { source: whole, .. }
                | Op::Normalise { value: whole, .. }
                | Op::Transform { value: whole, .. } => stored[whole.index()] = true,
                Op::Recur { states, nexts, .. } => {
                    evaluated_at.entry(states[0]).or_insert(value.index());
                    nexts.iter().for_each(|next| stored[next.index()] = true);
                }
                _ => {}
            }
        }
        let mut needed = vec![Needed::Nowhere; graph.nodes.len()];
        let mut until = vec![0usize; graph.nodes.len()];
        let mut check_spaces = Vec::new();
        for (site, check) in graph.checks.iter().enumerate() {
            let at = check.value.index();
            needed[at] = needed[at].and(Needed::In(graph.nodes.len() + site));
            until[at] = usize::MAX;
            check_spaces.push(elements(&shapes[at]));
        }
        for output in &graph.outputs {
            until[output.value.index()] = usize::MAX;
        }
        let mut spaces = vec![0u128; graph.nodes.len()];
        for value in graph.values().rev().filter(|value| live[value.index()]) {
            let at = value.index();
            let op = &graph.node(value).op;
            spaces[at] = space(graph, op, shapes, at);
            stored[at] |= match op {
                Op::Input(_)
                | Op::Table(_)
                | Op::Reduce { .. }
                | Op::Scatter { .. }
                | Op::Normalise { .. }
                | Op::State { .. }
                | Op::Recur { .. }
                | Op::Transform { .. } => true,
                Op::Const(_) | Op::Index(_) | Op::Size(_) => false,
                Op::Map(..) | Op::Access { .. } => match needed[at] {
                    Needed::Nowhere => false,
                    Needed::Everywhere => elements(&shapes[at]) <= SHARED_ELEMENTS,
                    Needed::In(root) => {
                        let beyond = || check_spaces.get(root - graph.nodes.len()).copied();
                        let space = spaces.get(root).copied().or_else(beyond).unwrap_or(0);
                        elements(&shapes[at]).saturating_mul(2) <= space
                    }
                },
            };
            let in_body = stepping[at].filter(|_| !matches!(op, Op::State { .. }));
            let (place, time) = if stored[at] {
                let group = in_body.and_then(|group| evaluated_at.get(&group).copied());
                (Needed::In(at), group.unwrap_or(at))
            } else {
                (needed[at], until[at])
            };
            for operand in op.operands() {
                needed[operand.index()] = needed[operand.index()].and(place);
                until[operand.index()] = until[operand.index()].max(time);
            }
        }
        let mut ends = vec![Vec::new(); graph.nodes.len()];
        for value in graph.values().filter(|value| stored[value.index()] && live[value.index()]) {
            if let Some(list) = ends.get_mut(until[value.index()]) {
                list.push(value);
            }
        }
        for (flag, live) in stored.iter_mut().zip(live) {
            *flag &= live;
        }
        Placement { stored, stepping, ends }
    }

    /// Whether the value is computed once and stored.
    pub(super) fn stored(&self, value: ValueId) -> bool {
        self.stored[value.index()]
    }

    /// The group of states whose body the value is in.
    pub(super) fn stepping(&self, value: ValueId) -> Option<ValueId> {
        self.stepping[value.index()]
    }

    /// The axis of which a value of a body stores one step at a time; none for trajectories.
    pub(super) fn stepped_axis<'a>(&self, graph: &'a Graph, value: ValueId) -> Option<&'a Name> {
        if matches!(graph.node(value).op, Op::State { .. }) {
            return None;
        }
        match &graph.node(self.stepping(value)?).op {
            Op::State { axis, .. } => Some(axis),
            _ => None,
        }
    }

    /// The stored values of the body of a group, in order.
    pub(super) fn body(&self, graph: &Graph, group: ValueId) -> Vec<ValueId> {
        let in_body = |value: &ValueId| {
            self.stored(*value)
                && self.stepping(*value) == Some(group)
                && !matches!(graph.node(*value).op, Op::State { .. })
        };
        // Operands stand before users, so the body lies between its first state and its result.
        graph.values().skip(group.index()).filter(in_body).collect()
    }

    /// The stored values that nothing after `value` needs.
    pub(super) fn ends(&self, value: ValueId) -> &[ValueId] {
        &self.ends[value.index()]
    }
}

fn elements(shape: &[usize]) -> u128 {
    shape.iter().fold(1u128, |n, &extent| n.saturating_mul(extent as u128))
}

/// Number of points at which the computation of a value evaluates its operands.
fn space(graph: &Graph, op: &Op, shapes: &[Vec<usize>], at: usize) -> u128 {
    match op {
        Op::Reduce { value, .. } => elements(&shapes[value.index()]),
        Op::Scatter { indices, value, .. } => {
            let mut axes = BTreeMap::new();
            for operand in indices.iter().chain([value]) {
                let extents = &shapes[operand.index()];
                axes.extend(graph.ty(*operand).axes.iter().map(|axis| &axis.name).zip(extents));
            }
            axes.values().fold(1u128, |n, &&extent| n.saturating_mul(extent as u128))
        }
        _ => elements(&shapes[at]),
    }
}
