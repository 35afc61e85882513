//! The order of the nests: what a nest reads is written before it.

use super::decide::Decisions;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use tcc_ir::graph::{Graph, Op, ValueId};

/// One thing to write loops for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A stored value outside recurrences.
    Value(ValueId),
    /// The loop of a group of states, with everything inside.
    Group(usize),
    /// The check with this position.
    Check(usize),
    /// The output with this position, whose value is stored elsewhere.
    Copy(usize),
}

/// For every value whether an output or a check needs it.
pub(super) fn live(graph: &Graph) -> Vec<bool> {
    let mut live = vec![false; graph.nodes.len()];
    for root in graph.outputs.iter().map(|o| o.value).chain(graph.checks.iter().map(|c| c.value)) {
        live[root.index()] = true;
    }
    for value in (0..graph.nodes.len()).rev() {
        if live[value] {
            graph.nodes[value].op.operands().iter().for_each(|operand| live[operand.index()] = true);
        }
    }
    live
}

/// The position of the output whose buffer a stored value uses; `None` for outputs that are copied.
pub(super) fn output_homes(graph: &Graph) -> Vec<bool> {
    let mut taken = vec![false; graph.nodes.len()];
    let mut homes = Vec::with_capacity(graph.outputs.len());
    // All results of one state of a recurrence are one value.
    let key = |value: ValueId| match &graph.node(value).op {
        Op::Recur { result, states, .. } => states.get(*result).copied().unwrap_or(value),
        _ => value,
    };
    for output in &graph.outputs {
        let natural = matches!(
            graph.node(output.value).op,
            Op::Input(_) | Op::Const(_) | Op::Table(_) | Op::Index(_) | Op::Size(_) | Op::State { .. }
        );
        homes.push(!natural && !std::mem::replace(&mut taken[key(output.value).index()], true));
    }
    homes
}

/// Everything in an order in which operands come before their users; otherwise in the order of the graph.
pub(super) fn schedule(graph: &Graph, decisions: &Decisions) -> Vec<Step> {
    let nodes = graph.nodes.len();
    let groups = decisions.recurrences.groups.len();
    let first_check = nodes + groups;
    let first_copy = first_check + graph.checks.len();
    let count = first_copy + graph.outputs.len();
    let unit = |value: ValueId| {
        let member = decisions.recurrences.member[value.index()].map(|(group, _)| group);
        match decisions.recurrences.group_of(value).or(member) {
            Some(group) => nodes + group,
            None => value.index(),
        }
    };
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); count];
    let mut waiting = vec![0usize; count];
    let mut exists = vec![false; count];
    let mut key: Vec<usize> = (0..count).collect();
    let mut edge = |from: usize, to: usize| {
        if from != to {
            users[from].push(to);
            waiting[to] += 1;
        }
    };
    for value in graph.values().filter(|v| decisions.live[v.index()]) {
        let to = unit(value);
        exists[to] = true;
        if to != value.index() {
            key[to] = if key[to] >= nodes { value.index() } else { key[to].max(value.index()) };
        }
        graph.node(value).op.operands().into_iter().for_each(|operand| edge(unit(operand), to));
    }
    for (position, check) in graph.checks.iter().enumerate() {
        exists[first_check + position] = true;
        key[first_check + position] = check.value.index();
        edge(unit(check.value), first_check + position);
    }
    for (position, (output, home)) in graph.outputs.iter().zip(output_homes(graph)).enumerate() {
        exists[first_copy + position] = !home;
        key[first_copy + position] = output.value.index();
        edge(unit(output.value), first_copy + position);
    }
    let mut ready: BinaryHeap<Reverse<(usize, usize)>> = (0..count)
        .filter(|&unit| exists[unit] && waiting[unit] == 0)
        .map(|unit| Reverse((key[unit], unit)))
        .collect();
    let mut steps = Vec::new();
    while let Some(Reverse((_, unit))) = ready.pop() {
        if unit < nodes {
            if decisions.stored[unit] {
                steps.push(Step::Value(ValueId(unit as u32)));
            }
        } else if unit < first_check {
            steps.push(Step::Group(unit - nodes));
        } else if unit < first_copy {
            steps.push(Step::Check(unit - first_check));
        } else {
            steps.push(Step::Copy(unit - first_copy));
        }
        for &user in &users[unit] {
            waiting[user] -= 1;
            if waiting[user] == 0 && exists[user] {
                ready.push(Reverse((key[user], user)));
            }
        }
    }
    steps
}
