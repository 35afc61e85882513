//! Which equations need which: groups of tensors in the order in which they can be built.

use super::names::Names;
use super::resolved::{Equation, Expr, ExprKind, Left, Source, TensorId};
use petgraph::algo::kosaraju_scc;
use petgraph::graph::DiGraph;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Tensors that are built together: one, or those of a recurrence.
#[derive(Debug)]
pub struct Group {
    /// In order of the text.
    pub tensors: Vec<TensorId>,
    pub recursive: bool,
}

/// The tensors that an equation reads.
pub fn reads(equation: &Equation) -> BTreeSet<TensorId> {
    let mut list = BTreeSet::new();
    let mut visit = |expr: &Expr| {
        if let ExprKind::Read(read) = &expr.kind
            && let Source::Tensor(id) = read.source
        {
            list.insert(id);
        }
    };
    equation.body.walk(&mut |expr| visit(expr));
    for left in &equation.left {
        if let Left::Computed(place) = left {
            place.walk(&mut |expr| visit(expr));
        }
    }
    list
}

/// The members of a group that are to be looked at: at first all of them, then those that read a member
/// of which more has become known.
pub struct WorkList {
    pending: VecDeque<TensorId>,
    waiting: BTreeSet<TensorId>,
    readers: BTreeMap<TensorId, Vec<TensorId>>,
}

impl WorkList {
    pub fn new(group: &Group, equations: &[Vec<Equation>]) -> WorkList {
        let mut readers: BTreeMap<TensorId, Vec<TensorId>> = BTreeMap::new();
        for &tensor in &group.tensors {
            for read in equations[tensor.index()].iter().flat_map(reads) {
                if group.tensors.binary_search(&read).is_ok() {
                    readers.entry(read).or_default().push(tensor);
                }
            }
        }
        let waiting = group.tensors.iter().copied().collect();
        WorkList { pending: group.tensors.iter().copied().collect(), waiting, readers }
    }

    /// The next member to look at.
    pub fn next(&mut self) -> Option<TensorId> {
        let tensor = self.pending.pop_front()?;
        self.waiting.remove(&tensor);
        Some(tensor)
    }

    /// More is known of a member.
    pub fn changed(&mut self, tensor: TensorId) {
        for &reader in self.readers.get(&tensor).into_iter().flatten() {
            if self.waiting.insert(reader) {
                self.pending.push_back(reader);
            }
        }
    }

    /// Something that concerns all members has become known.
    pub fn all_changed(&mut self, group: &Group) {
        for &tensor in &group.tensors {
            if self.waiting.insert(tensor) {
                self.pending.push_back(tensor);
            }
        }
    }
}

/// Groups in an order in which each needs only those before it. `equations` holds those of a tensor.
pub fn groups(names: &Names<'_>, equations: &[Vec<Equation>]) -> Vec<Group> {
    let mut graph: DiGraph<TensorId, ()> = DiGraph::new();
    let nodes: Vec<_> = (0..names.tensors.len()).map(|t| graph.add_node(TensorId(t as u32))).collect();
    let mut own = vec![false; nodes.len()];
    for (tensor, list) in equations.iter().enumerate() {
        for equation in list {
            for read in reads(equation) {
                own[tensor] |= read.index() == tensor;
                graph.add_edge(nodes[tensor], nodes[read.index()], ());
            }
        }
    }
    // Kosaraju's algorithm keeps its stack on the heap and answers in reverse topological order.
    let groups = kosaraju_scc(&graph).into_iter().map(|component| {
        let mut tensors: Vec<TensorId> = component.into_iter().map(|node| graph[node]).collect();
        tensors.sort_unstable();
        let recursive = tensors.len() > 1 || own[tensors[0].index()];
        Group { tensors, recursive }
    });
    groups.collect()
}
