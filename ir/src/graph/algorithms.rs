//! Questions about the structure of a graph, each answered in linear time.

use super::{Graph, Op, ValueId};
use crate::scalar::{Literal, ScalarOp};
use petgraph::graph::{DiGraph, NodeIndex};

/// The users of every value.
#[derive(Clone, Debug)]
pub struct Users(Vec<Vec<ValueId>>);

impl Users {
    /// The nodes that read `value`, in order, each once per operand that is `value`.
    pub fn of(&self, value: ValueId) -> &[ValueId] {
        self.0.get(value.index()).map_or(&[], Vec::as_slice)
    }
}

/// The dependences among the nodes of a graph, for algorithms on directed graphs. Edges lead from
/// operand to user. [`Op::Recur`] closes no cycle unless asked for.
pub struct Dependences(DiGraph<ValueId, ()>);

impl Dependences {
    /// The dependences of `graph`; with an edge from every recurrence to its states if `cyclic`.
    pub fn new(graph: &Graph, cyclic: bool) -> Dependences {
        let mut edges = DiGraph::with_capacity(graph.nodes.len(), graph.nodes.len() * 2);
        for value in graph.values() {
            edges.add_node(value);
        }
        let place = |value: ValueId| NodeIndex::new(value.index());
        for user in graph.values() {
            let op = &graph.node(user).op;
            for operand in op.operands() {
                edges.add_edge(place(operand), place(user), ());
            }
            if let (true, Op::Recur { states, .. }) = (cyclic, op) {
                for &state in states {
                    edges.add_edge(place(user), place(state), ());
                }
            }
        }
        Dependences(edges)
    }

    /// Strongly connected components: the values that each recurrence computes together, and every
    /// other value by itself. Operands come before users.
    pub fn components(&self) -> Vec<Vec<ValueId>> {
        let mut components = petgraph::algo::tarjan_scc(&self.0);
        components.reverse();
        components
            .into_iter()
            .map(|component| component.into_iter().map(|node| self.0[node]).collect())
            .collect()
    }
}

impl Graph {
    /// The users of every value, outputs and checks not counted.
    pub fn users(&self) -> Users {
        let mut users = vec![Vec::new(); self.nodes.len()];
        for user in self.values() {
            for operand in self.node(user).op.operands() {
                if let Some(list) = users.get_mut(operand.index()) {
                    list.push(user);
                }
            }
        }
        Users(users)
    }

    /// For every value whether an output or a check needs it.
    pub fn live(&self) -> Vec<bool> {
        let mut live = vec![false; self.nodes.len()];
        let roots = self.outputs.iter().map(|o| o.value).chain(self.checks.iter().map(|c| c.value));
        for root in roots {
            if let Some(flag) = live.get_mut(root.index()) {
                *flag = true;
            }
        }
        for value in (0..self.nodes.len()).rev() {
            if live[value] {
                for operand in self.nodes[value].op.operands() {
                    live[operand.index()] = true;
                }
            }
        }
        live
    }

    /// For every value the first state of the group of states that it depends on, inside the bodies of
    /// the group; finished trajectories depend on none. Where a value depends on two groups (which the
    /// contract forbids) it is the first.
    pub fn stepping(&self) -> Vec<Option<ValueId>> {
        let mut leader: Vec<Option<ValueId>> = vec![None; self.nodes.len()];
        for node in &self.nodes {
            if let Op::Recur { states, .. } = &node.op {
                for &state in states {
                    leader[state.index()] = states.first().copied();
                }
            }
        }
        let mut stepping = vec![None; self.nodes.len()];
        for value in self.values() {
            stepping[value.index()] = match &self.node(value).op {
                Op::State { .. } => leader[value.index()].or(Some(value)),
                Op::Recur { .. } => None,
                op => op.operands().iter().find_map(|operand| stepping[operand.index()]),
            };
        }
        stepping
    }

    /// The constant c if `value` is the index of `axis` plus c.
    pub fn index_offset(&self, value: ValueId, axis: &str) -> Option<i64> {
        let (mut value, mut offset) = (value, 0i64);
        loop {
            match &self.node(value).op {
                Op::Index(name) => return (**name == *axis).then_some(offset),
                Op::Map(op @ (ScalarOp::Add | ScalarOp::Sub), operands) => {
                    let &[left, right] = operands.as_slice() else { return None };
                    let (rest, change) = match (self.integer_constant(left), self.integer_constant(right)) {
                        (_, Some(c)) if *op == ScalarOp::Add => (left, c),
                        (_, Some(c)) => (left, c.checked_neg()?),
                        (Some(c), _) if *op == ScalarOp::Add => (right, c),
                        _ => return None,
                    };
                    value = rest;
                    offset = offset.checked_add(change)?;
                }
                _ => return None,
            }
        }
    }

    /// The integer if `value` is a constant one.
    pub fn integer_constant(&self, value: ValueId) -> Option<i64> {
        match &self.node(value).op {
            Op::Const(Literal::Int(constant)) => Some(*constant),
            Op::Size(extent) => extent.as_const(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recurrence() -> Graph {
        "graph @g(T; %x: f64[t:T]) {
            %0 = state t forward : f64[t:T]
            %1 = index t : i64[t:T]
            %2 = const 2 : i64
            %3 = sub %1, %2 : i64[t:T]
            %4 = const 0.0 : f64
            %5 = access %0[%3 | %4] : f64[t:T]
            %6 = add %5, %x : f64[t:T]
            %7 = recur.0 {%0 <- %6} : f64[t:T]
            %8 = neg %x : f64[t:T]
            return h = %7[t]
        }"
        .parse()
        .unwrap_or_else(|e| panic!("{e}"))
    }

    fn ids(values: &[u32]) -> Vec<ValueId> {
        values.iter().copied().map(ValueId).collect()
    }

    #[test]
    fn users_and_live_values_follow_operands() {
        let graph = recurrence();
        assert_eq!(graph.users().of(ValueId(0)), ids(&[7, 9]));
        assert_eq!(graph.users().of(ValueId(1)), ids(&[6, 8]));
        let dead: Vec<_> = graph.values().filter(|v| !graph.live()[v.index()]).collect();
        assert_eq!(dead, ids(&[9]));
    }

    #[test]
    fn bodies_depend_on_their_states() {
        let graph = recurrence();
        let inside: Vec<_> = graph.values().filter(|v| graph.stepping()[v.index()].is_some()).collect();
        assert_eq!(inside, ids(&[1, 6, 7]));
        assert_eq!(graph.index_offset(ValueId(4), "t"), Some(-2));
        assert_eq!(graph.index_offset(ValueId(4), "u"), None);
        let components = Dependences::new(&graph, true).components();
        let mut cycle = components.into_iter().find(|c| c.len() > 1).unwrap_or_default();
        cycle.sort();
        assert_eq!(cycle, ids(&[1, 6, 7, 8]));
        assert!(Dependences::new(&graph, false).components().iter().all(|c| c.len() == 1));
    }
}
