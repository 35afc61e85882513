//! Which values are computed inside the loop of a recurrence.
//!
//! The bodies of a group are, of course. So is what reads a trajectory only at the current step, or
//! at one fixed step: computed inside the loop it spares the trajectory, of which only a window of
//! the last steps is kept then.

use tcc_ir::axis::Name;
use tcc_ir::extent::Extent;
use tcc_ir::graph::{Direction, Graph, Op, ValueId};
use tcc_ir::scalar::{Literal, ScalarOp};

/// The longest distance in steps for which a reader is moved into the loop.
const LONGEST_WINDOW: i64 = 16;

/// The states that step together.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub states: Vec<ValueId>,
    pub nexts: Vec<ValueId>,
    /// The live nodes that stand for the finished trajectory of each state.
    pub results: Vec<Vec<ValueId>>,
    pub axis: Name,
    pub extent: Extent,
    pub direction: Direction,
    /// Whether each trajectory is stored as a whole.
    pub stored: Vec<bool>,
    /// The longest distance in steps at which each state is read.
    pub reach: Vec<i64>,
    /// The accesses that read each state at another step.
    pub readers: Vec<Vec<ValueId>>,
}

/// How a value takes part in the loop of a group.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    /// Computed in every step; the named axis of the value is the step.
    Step(Name),
    /// An access at one step, given by an index value without axes; computed when the loop is there.
    At(ValueId),
}

/// The groups, and the place of every value.
#[derive(Clone, Debug)]
pub(super) struct Recurrences {
    pub groups: Vec<Group>,
    /// The group whose loop computes the value.
    pub place: Vec<Option<(usize, Part)>>,
    /// Group and position, for states and results.
    pub member: Vec<Option<(usize, usize)>>,
    /// Whether the value depends on a state (inside the bodies of its group).
    pub in_body: Vec<bool>,
}

impl Recurrences {
    /// The group of a value computed inside a loop.
    pub fn group_of(&self, value: ValueId) -> Option<usize> {
        self.place[value.index()].as_ref().map(|(group, _)| *group)
    }

    /// The axis of the value that is the step, if it is computed in every step of a loop.
    pub fn step_axis(&self, value: ValueId) -> Option<&Name> {
        match &self.place[value.index()] {
            Some((_, Part::Step(axis))) => Some(axis),
            Some((_, Part::At(_))) | None => None,
        }
    }
}

/// The analysis of a graph of which the `live` values matter.
pub(super) fn analyse(graph: &Graph, live: &[bool]) -> Recurrences {
    let mut result = collect(graph, live);
    mark_bodies(graph, live, &mut result);
    let candidates = candidates(graph, live, &result);
    mark_stored(graph, live, &candidates, &mut result);
    absorb(graph, live, candidates, &mut result);
    reaches(graph, live, &mut result);
    result
}

fn collect(graph: &Graph, live: &[bool]) -> Recurrences {
    let count = graph.nodes.len();
    let mut groups: Vec<Group> = Vec::new();
    let mut member: Vec<Option<(usize, usize)>> = vec![None; count];
    for value in graph.values().filter(|v| live[v.index()]) {
        let Op::Recur { result, states, nexts } = &graph.node(value).op else { continue };
        let Some(&first) = states.first() else { continue };
        let Op::State { axis, direction } = &graph.node(first).op else { continue };
        let group = match member[first.index()] {
            Some((group, _)) => group,
            None => {
                let extent = graph.ty(first).axis(axis).map_or(Extent::from(0), |axis| axis.extent.clone());
                for (position, state) in states.iter().enumerate() {
                    member[state.index()] = Some((groups.len(), position));
                }
                groups.push(Group {
                    states: states.clone(),
                    nexts: nexts.clone(),
                    results: vec![Vec::new(); states.len()],
                    axis: axis.clone(),
                    extent,
                    direction: *direction,
                    stored: vec![false; states.len()],
                    reach: vec![0; states.len()],
                    readers: vec![Vec::new(); states.len()],
                });
                groups.len() - 1
            }
        };
        member[value.index()] = Some((group, *result));
        groups[group].results[*result].push(value);
    }
    Recurrences { groups, place: vec![None; count], member, in_body: vec![false; count] }
}

fn mark_bodies(graph: &Graph, live: &[bool], result: &mut Recurrences) {
    let mut body: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    for value in graph.values().filter(|v| live[v.index()]) {
        let op = &graph.node(value).op;
        body[value.index()] = match op {
            Op::State { .. } => result.member[value.index()].map(|(group, _)| group),
            Op::Recur { .. } => None,
            op => op.operands().iter().find_map(|operand| body[operand.index()]),
        };
        if let Some(group) = body[value.index()] {
            result.in_body[value.index()] = true;
            let axis = result.groups[group].axis.clone();
            result.place[value.index()] = Some((group, Part::Step(axis)));
        }
    }
}

/// For every value outside the bodies that could be computed in the loop of the last group that it
/// depends on: that group and its part there.
fn candidates(graph: &Graph, live: &[bool], known: &Recurrences) -> Vec<Option<(usize, Part)>> {
    let mut after: Vec<Option<usize>> = vec![None; graph.nodes.len()];
    let mut candidates: Vec<Option<(usize, Part)>> = vec![None; graph.nodes.len()];
    for value in graph.values().filter(|v| live[v.index()]) {
        let op = &graph.node(value).op;
        if let (Op::Recur { .. }, Some((group, _))) = (op, known.member[value.index()]) {
            after[value.index()] = Some(group);
            continue;
        }
        after[value.index()] = op.operands().iter().filter_map(|operand| after[operand.index()]).max();
        if known.in_body[value.index()] {
            continue;
        }
        if let Some(group) = after[value.index()] {
            let reader = Reader { graph, known, after: &after, candidates: &candidates, group };
            candidates[value.index()] = reader.part(value).map(|part| (group, part));
        }
    }
    candidates
}

/// Decides about one value that depends on the results of `group` and of no later group.
struct Reader<'a> {
    graph: &'a Graph,
    known: &'a Recurrences,
    after: &'a [Option<usize>],
    candidates: &'a [Option<(usize, Part)>],
    group: usize,
}

/// Whether and where an operand sees the step.
enum Step {
    /// It does not depend on the results of the group.
    Free,
    /// It is computed in the loop; this axis is the step.
    Along(Name),
    /// It is known only after the loop.
    Late,
}

impl Reader<'_> {
    fn step(&self, operand: ValueId) -> Step {
        if self.after[operand.index()] != Some(self.group) {
            return Step::Free;
        }
        if let (Op::Recur { .. }, Some(_)) =
            (&self.graph.node(operand).op, self.known.member[operand.index()])
        {
            return Step::Along(self.known.groups[self.group].axis.clone());
        }
        match &self.candidates[operand.index()] {
            Some((_, Part::Step(axis))) => Step::Along(axis.clone()),
            Some((_, Part::At(_))) | None => Step::Late,
        }
    }

    /// The one axis along which all of these step.
    fn common(&self, operands: impl IntoIterator<Item = ValueId>, mut axis: Option<Name>) -> Option<Name> {
        for operand in operands {
            match self.step(operand) {
                Step::Free => {}
                Step::Late => return None,
                Step::Along(other) if axis.as_ref().is_none_or(|axis| *axis == other) => axis = Some(other),
                Step::Along(_) => return None,
            }
        }
        axis
    }

    fn part(&self, value: ValueId) -> Option<Part> {
        match &self.graph.node(value).op {
            Op::Map(_, operands) => self.common(operands.iter().copied(), None).map(Part::Step),
            Op::Reduce { axes, value, .. } | Op::Normalise { axes, value, .. } => {
                let axis = self.common([*value], None)?;
                (!axes.contains(&axis)).then_some(Part::Step(axis))
            }
            Op::Access { source, indices, outside } => self.access(*source, indices, *outside),
            Op::Input(_)
            | Op::Const(_)
            | Op::Table(_)
            | Op::Index(_)
            | Op::Size(_)
            | Op::Scatter { .. }
            | Op::State { .. }
            | Op::Recur { .. }
            | Op::Transform { .. } => None,
        }
    }

    fn access(&self, source: ValueId, indices: &[ValueId], outside: Option<ValueId>) -> Option<Part> {
        let axis = match self.step(source) {
            Step::Free => return self.common(indices.iter().copied().chain(outside), None).map(Part::Step),
            Step::Late => return None,
            Step::Along(axis) => axis,
        };
        let group = &self.known.groups[self.group];
        let position = self.graph.ty(source).axes.iter().position(|other| other.name == axis)?;
        let index = *indices.get(position)?;
        let others = indices.iter().enumerate().filter(|(p, _)| *p != position).map(|(_, v)| *v);
        if let Some((to, offset)) = plain_index(self.graph, index) {
            let late = match group.direction {
                Direction::Forward => offset > 0,
                Direction::Backward => offset < 0,
            };
            let is_result = matches!(self.graph.node(source).op, Op::Recur { .. });
            if late || offset.abs() > LONGEST_WINDOW || (offset != 0 && !is_result) {
                return None;
            }
            if self.graph.ty(index).axis(&to)?.extent != group.extent {
                return None;
            }
            return self.common(others.chain(outside), Some(to)).map(Part::Step);
        }
        let fixed = self.graph.ty(index).axes.is_empty()
            && matches!(self.graph.node(source).op, Op::Recur { .. })
            && others.chain(outside).chain([index]).all(|v| matches!(self.step(v), Step::Free));
        fixed.then_some(Part::At(index))
    }
}

/// Axis and constant, if the value is the index of an axis plus a constant.
pub(super) fn plain_index(graph: &Graph, value: ValueId) -> Option<(Name, i64)> {
    let (mut value, mut offset) = (value, 0i64);
    let constant = |v: ValueId| match &graph.node(v).op {
        Op::Const(Literal::Int(value)) => Some(*value),
        Op::Size(extent) => extent.as_const(),
        _ => None,
    };
    loop {
        match &graph.node(value).op {
            Op::Index(name) => return Some((name.clone(), offset)),
            Op::Map(ScalarOp::Add, operands) => {
                let (a, b) = (operands[0], operands[1]);
                let (rest, change) = match (constant(a), constant(b)) {
                    (_, Some(c)) => (a, c),
                    (Some(c), None) => (b, c),
                    (None, None) => return None,
                };
                (value, offset) = (rest, offset.checked_add(change)?);
            }
            Op::Map(ScalarOp::Sub, operands) => {
                (value, offset) = (operands[0], offset.checked_sub(constant(operands[1])?)?);
            }
            _ => return None,
        }
    }
}

/// A trajectory is stored if the caller gets it or a reader stays outside the loop.
fn mark_stored(graph: &Graph, live: &[bool], candidates: &[Option<(usize, Part)>], result: &mut Recurrences) {
    let is_result = |v: ValueId| matches!(graph.node(v).op, Op::Recur { .. });
    let roots = graph.outputs.iter().map(|o| o.value).chain(graph.checks.iter().map(|c| c.value));
    for root in roots.filter(|&root| is_result(root)) {
        if let Some((group, position)) = result.member[root.index()] {
            result.groups[group].stored[position] = true;
        }
    }
    for user in graph.values().filter(|v| live[v.index()]) {
        if let Op::Recur { .. } = graph.node(user).op {
            continue; // its operands are bodies, or values from before the loop
        }
        for operand in graph.node(user).op.operands().into_iter().filter(|&v| is_result(v)) {
            let Some((group, position)) = result.member[operand.index()] else { continue };
            if candidates[user.index()].as_ref().map(|(group, _)| *group) != Some(group) {
                result.groups[group].stored[position] = true;
            }
        }
    }
    // A trajectory that another recurrence takes as the definition of a state is copied from storage.
    for group in 0..result.groups.len() {
        for next in result.groups[group].nexts.clone() {
            if let (true, Some((other, position))) = (is_result(next), result.member[next.index()]) {
                result.groups[other].stored[position] = true;
            }
        }
    }
}

/// Moves the candidates that read an unstored trajectory, and what they need, into the loops.
fn absorb(graph: &Graph, live: &[bool], candidates: Vec<Option<(usize, Part)>>, result: &mut Recurrences) {
    let count = graph.nodes.len();
    let mut kept = vec![false; count];
    for value in graph.values().filter(|v| live[v.index()]) {
        let Some((group, _)) = &candidates[value.index()] else { continue };
        kept[value.index()] = graph.node(value).op.operands().iter().any(|operand| {
            let spared = matches!(graph.node(*operand).op, Op::Recur { .. })
                && result.member[operand.index()]
                    .is_some_and(|(g, position)| g == *group && !result.groups[g].stored[position]);
            spared
                || (kept[operand.index()]
                    && candidates[operand.index()].as_ref().is_some_and(|c| c.0 == *group))
        });
    }
    for value in (0..count as u32).rev().map(ValueId) {
        if !kept[value.index()] {
            continue;
        }
        let group = candidates[value.index()].as_ref().map(|c| c.0);
        for operand in graph.node(value).op.operands() {
            if candidates[operand.index()].as_ref().map(|c| c.0) == group {
                kept[operand.index()] = true;
            }
        }
    }
    for (value, candidate) in candidates.into_iter().enumerate() {
        if kept[value] {
            result.place[value] = candidate;
        }
    }
}

/// How far back each state is read.
fn reaches(graph: &Graph, live: &[bool], result: &mut Recurrences) {
    for value in graph.values().filter(|v| live[v.index()] && result.place[v.index()].is_some()) {
        let Op::Access { source, indices, .. } = &graph.node(value).op else { continue };
        let Some((group, position)) = result.member[source.index()] else { continue };
        if result.group_of(value) != Some(group) {
            continue;
        }
        let axis = &result.groups[group].axis;
        let Some(place) = graph.ty(*source).axes.iter().position(|other| other.name == *axis) else {
            continue;
        };
        let Some((_, offset)) = indices.get(place).and_then(|&index| plain_index(graph, index)) else {
            continue;
        };
        if offset != 0 {
            let group = &mut result.groups[group];
            group.reach[position] = group.reach[position].max(offset.saturating_abs());
            group.readers[position].push(value);
        }
    }
}
