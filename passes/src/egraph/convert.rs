//! From a graph to an e-graph and back.

use super::analysis::{Facts, Graphs, Knowledge};
use super::language::{Operator, OperatorKind, Term, operator};
use egg::{EGraph, Id, Language};
use indexmap::IndexMap;
use tcc_ir::graph::{Graph, Op, ValueId};
use tcc_ir::scalar::{ReduceOp, ScalarOp};
use tcc_ir::{Axis, Dtype, Name, Type};

/// A graph as an e-graph.
pub struct Converted {
    /// The e-graph.
    pub graphs: Graphs,
    /// The class of each live node of the graph.
    pub classes: Vec<Option<Id>>,
    /// For each node the first state that it depends on (see [`Graph::stepping`]).
    stepping: Vec<Option<ValueId>>,
}

/// The e-graph of the live values of a graph.
pub fn to_egraph(graph: &Graph) -> Converted {
    let mut graphs: Graphs = EGraph::new(Knowledge::new(&graph.inputs, graph.nodes.len()));
    let (live, stepping) = (graph.live(), graph.stepping());
    let mut classes: Vec<Option<Id>> = vec![None; graph.nodes.len()];
    for value in graph.values().filter(|value| live[value.index()]) {
        let node = graph.node(value);
        let mut operands: Vec<Id> = node.op.operands().iter().filter_map(|o| classes[o.index()]).collect();
        let kept = stepping[value.index()].is_some() || matches!(node.op, Op::Recur { .. });
        let known = if kept {
            None
        } else {
            operator(&node.op, &node.ty, &mut graphs.analysis.operators, &|v| graph.ty(v).clone())
        };
        let operator = known.unwrap_or_else(|| {
            graphs.analysis.keep(value.index(), &node.ty);
            // States are found through the node itself, and what reads them must keep its places.
            operands =
                kept_operands(graph, &stepping, value).iter().filter_map(|o| classes[o.index()]).collect();
            Operator::Kept(value)
        });
        let kind = operator.kind();
        let operator = graphs.analysis.operators.number(operator);
        let class = graphs.add(Term { kind, operator, operands });
        classes[value.index()] = Some(class);
    }
    graphs.rebuild();
    contractions(&mut graphs);
    Converted { graphs, classes, stepping }
}

/// The operands of a kept node that may be replaced by equal values: not the steps at which a state is
/// read, which the contract of the level wants in a certain form, and not the states.
fn kept_operands(graph: &Graph, stepping: &[Option<ValueId>], value: ValueId) -> Vec<ValueId> {
    match &graph.node(value).op {
        Op::Access { source, indices, outside } => {
            let mut operands = vec![*source];
            operands.extend(indices.iter().filter(|&&index| !is_step(graph, stepping, *source, index)));
            operands.extend(*outside);
            operands
        }
        Op::Recur { nexts, .. } => nexts.clone(),
        op => op.operands(),
    }
}

/// Whether `index` is a step (the stepped axis plus a constant) at which `source` is read inside of a
/// recurrence.
fn is_step(graph: &Graph, stepping: &[Option<ValueId>], source: ValueId, index: ValueId) -> bool {
    let state = stepping.get(source.index()).copied().flatten();
    match state.map(|state| &graph.node(state).op) {
        Some(Op::State { axis, .. }) => graph.index_offset(index, axis).is_some(),
        _ => false,
    }
}

/// Adds to every sum of a product the contraction that it is.
pub fn contractions(graphs: &mut Graphs) {
    let sums: Vec<Id> = match graphs.classes_for_op(&OperatorKind::reduce(ReduceOp::Sum)) {
        Some(classes) => classes.collect(),
        None => return,
    };
    let product = OperatorKind::map(ScalarOp::Mul);
    let mut found: Vec<(Id, Vec<super::language::AxisId>, Vec<Id>)> = Vec::new();
    for class in sums {
        for term in graphs[class].iter() {
            let Operator::Reduce(ReduceOp::Sum, axes) = graphs.analysis.operators.of(term) else { continue };
            let Some(&operand) = term.operands.first() else { continue };
            for factor in graphs[operand].iter().filter(|factor| factor.discriminant() == product) {
                found.push((class, axes.clone(), factor.operands.clone()));
            }
        }
    }
    for (class, axes, operands) in found {
        let operator = graphs.analysis.operators.number(Operator::Contract(axes));
        let contraction = graphs.add(Term { kind: OperatorKind::CONTRACT, operator, operands });
        if graphs.find(class) != graphs.find(contraction) {
            graphs.union(class, contraction);
        }
    }
    if !graphs.clean {
        graphs.rebuild();
    }
}

/// The terms of the graph as it was given, each with the value that it is.
pub fn original_terms(graph: &Graph, converted: &Converted) -> IndexMap<Term, ValueId> {
    let graphs = &converted.graphs;
    let mut terms = IndexMap::new();
    for value in graph.values() {
        let Some(class) = converted.classes[value.index()] else { continue };
        // The e-node under which the value was added.
        let mut term = graphs.nodes()[usize::from(class)].clone();
        term.update_children(|id| graphs.find(id));
        terms.entry(term).or_insert(value);
    }
    terms
}

/// Builds the graph that a choice of one term for each class stands for.
pub struct Rebuild<'a> {
    graph: &'a Graph,
    converted: &'a Converted,
    original: &'a IndexMap<Term, ValueId>,
    choice: &'a dyn Fn(Id) -> Option<Term>,
    result: Graph,
    done: IndexMap<Id, ValueId>,
    /// The order of axes that a class had in the given graph.
    orders: IndexMap<Id, ValueId>,
    verbatim: IndexMap<ValueId, ValueId>,
}

/// The graph in which every value is computed by the chosen term of its class. `None` if the choice has a
/// cycle or a class without a term.
pub fn to_graph(
    graph: &Graph,
    converted: &Converted,
    original: &IndexMap<Term, ValueId>,
    choice: &dyn Fn(Id) -> Option<Term>,
) -> Option<Graph> {
    let result = Graph { nodes: Vec::new(), ..graph.clone() };
    let (done, verbatim) = (IndexMap::new(), IndexMap::new());
    let mut orders = IndexMap::new();
    for value in graph.values() {
        if let Some(class) = converted.classes[value.index()] {
            orders.entry(converted.graphs.find(class)).or_insert(value);
        }
    }
    let mut rebuild = Rebuild { graph, converted, original, choice, result, done, orders, verbatim };
    let roots: Vec<ValueId> =
        graph.outputs.iter().map(|output| output.value).chain(graph.checks.iter().map(|c| c.value)).collect();
    let needed = rebuild.needed(&roots)?;
    // Values that stay, stay in their order.
    for value in graph.values() {
        if let Some(class) = rebuild.class(value)
            && needed.contains(&class)
        {
            rebuild.emit(class)?;
        }
    }
    for value in graph.values() {
        if let Some(class) = rebuild.class(value)
            && let Some(&new) = rebuild.done.get(&class)
            && let Some(name) = &graph.node(value).name
            && !matches!(
                rebuild.result.node(new).op,
                Op::Const(_) | Op::Input(_) | Op::Index(_) | Op::Size(_)
            )
        {
            rebuild.result.set_name(new, name.clone());
        }
    }
    let place = |rebuild: &Rebuild, value: ValueId| {
        rebuild.class(value).and_then(|class| rebuild.done.get(&class).copied())
    };
    for position in 0..graph.outputs.len() {
        rebuild.result.outputs[position].value = place(&rebuild, graph.outputs[position].value)?;
    }
    for position in 0..graph.checks.len() {
        rebuild.result.checks[position].value = place(&rebuild, graph.checks[position].value)?;
    }
    Some(rebuild.result)
}

/// The graph that computes every term of some classes, operands by the chosen terms, and the values of each
/// class that has several terms. Terms that belong to a recurrence are left out, and so are those that cannot
/// be built.
pub fn all_terms(
    graph: &Graph,
    converted: &Converted,
    original: &IndexMap<Term, ValueId>,
    choice: &dyn Fn(Id) -> Option<Term>,
    classes: &[Id],
) -> (Graph, Vec<Vec<ValueId>>) {
    let result = Graph { nodes: Vec::new(), outputs: Vec::new(), checks: Vec::new(), ..graph.clone() };
    let mut orders = IndexMap::new();
    for value in graph.values() {
        if let Some(class) = converted.classes[value.index()] {
            orders.entry(converted.graphs.find(class)).or_insert(value);
        }
    }
    let (done, verbatim) = (IndexMap::new(), IndexMap::new());
    let mut rebuild = Rebuild { graph, converted, original, choice, result, done, orders, verbatim };
    for &class in classes {
        rebuild.emit(class);
    }
    let mut all = Vec::new();
    for &class in classes {
        let Some(first) = rebuild.operand(class) else { continue };
        let chosen = choice(class);
        let mut values = vec![first];
        for term in converted.graphs[class].iter().filter(|term| Some(*term) != chosen.as_ref()) {
            values.extend(rebuild.node(class, term));
        }
        all.push(values);
    }
    let stepping = rebuild.result.stepping();
    all.iter_mut().for_each(|values| values.retain(|value| stepping[value.index()].is_none()));
    all.retain(|values| values.len() > 1);
    (rebuild.result, all)
}

impl Rebuild<'_> {
    fn facts(&self, class: Id) -> &Facts {
        &self.converted.graphs[class].data
    }

    fn class(&self, value: ValueId) -> Option<Id> {
        self.converted.classes[value.index()].map(|class| self.converted.graphs.find(class))
    }

    /// The classes that the roots need.
    fn needed(&self, roots: &[ValueId]) -> Option<indexmap::IndexSet<Id>> {
        let mut needed = indexmap::IndexSet::new();
        let mut stack: Vec<Id> = roots.iter().map(|&root| self.class(root)).collect::<Option<_>>()?;
        while let Some(class) = stack.pop() {
            if needed.insert(class) {
                let term = (self.choice)(class)?;
                stack.extend(term.operands.iter().map(|&id| self.converted.graphs.find(id)));
            }
        }
        Some(needed)
    }

    /// Emits a class after what it needs; without recursion, for graphs may be deep.
    fn emit(&mut self, class: Id) -> Option<ValueId> {
        let mut stack = vec![(class, false)];
        let mut open = indexmap::IndexSet::new();
        while let Some((class, ready)) = stack.pop() {
            if self.done.contains_key(&class) {
                continue;
            }
            let term = (self.choice)(class)?;
            if ready {
                let value = self.node(class, &term)?;
                self.done.insert(class, value);
                open.swap_remove(&class);
                continue;
            }
            if !open.insert(class) {
                return None;
            }
            stack.push((class, true));
            for &operand in term.operands.iter().rev() {
                let operand = self.converted.graphs.find(operand);
                if open.contains(&operand) {
                    return None;
                }
                if !self.done.contains_key(&operand) {
                    stack.push((operand, false));
                }
            }
        }
        self.done.get(&class).copied()
    }

    fn operand(&self, class: Id) -> Option<ValueId> {
        self.done.get(&self.converted.graphs.find(class)).copied()
    }

    /// One node; its operands are done.
    fn node(&mut self, class: Id, term: &Term) -> Option<ValueId> {
        let graphs = &self.converted.graphs;
        let operators = &graphs.analysis.operators;
        let ty = {
            let facts = self.facts(class);
            let axes = facts.ty.axes.iter().map(|&axis| operators.axis(axis).clone()).collect();
            Type::new(facts.ty.dtype, axes)
        };
        if let Operator::Kept(value) = operators.of(term) {
            return self.kept(*value);
        }
        if let Some(&value) = self.original.get(term) {
            return self.again(value);
        }
        let operands: Vec<ValueId> =
            term.operands.iter().map(|&id| self.operand(id)).collect::<Option<_>>()?;
        if let Operator::Contract(axes) = operators.of(term) {
            return self.contraction(class, axes, &term.operands, operands);
        }
        let op = match operators.of(term) {
            // The axes of a scatter may stand in any order.
            Operator::Scatter(op, axes) => return self.scatter(class, *op, axes, operands),
            Operator::Map(op, _) if op.is_commutative() => Op::Map(*op, self.arranged(class, &[], operands)),
            operator => self.op(operator, operands)?,
        };
        let order = |axes: &[super::language::AxisId]| -> Vec<Axis> {
            axes.iter().map(|&axis| operators.axis(axis).clone()).collect()
        };
        let written = match operators.of(term) {
            Operator::Table(_, dtype, axes) => Type::new(*dtype, order(axes)),
            _ => ty.clone(),
        };
        let value = self.result.add(op, &written).ok()?;
        self.result.ty(value).same(&ty).then_some(value)
    }

    /// A node of the given graph, with its operands in their order.
    fn again(&mut self, value: ValueId) -> Option<ValueId> {
        let node = self.graph.node(value);
        let operands = node.op.operands();
        let new: Vec<ValueId> = operands
            .iter()
            .map(|&operand| self.class(operand).and_then(|class| self.operand(class)))
            .collect::<Option<_>>()?;
        let mut next = new.iter();
        let mut missing = false;
        let op = node.op.clone().map_operands(&mut |old| {
            next.next().copied().unwrap_or_else(|| {
                missing = true;
                old
            })
        });
        if missing {
            return None;
        }
        // The source may have its axes in another order now.
        let op = match (op, &node.op) {
            (Op::Access { source, indices, outside }, Op::Access { source: before, .. }) => {
                let indices = self.permuted(self.graph.ty(*before), source, &indices)?;
                Op::Access { source, indices, outside }
            }
            (op, _) => op,
        };
        let value = self.result.add(op, &node.ty).ok()?;
        self.result.ty(value).same(&node.ty).then_some(value)
    }

    /// Indices for the axes of `before` in the order of the axes of `source`.
    fn permuted(&self, before: &Type, source: ValueId, indices: &[ValueId]) -> Option<Vec<ValueId>> {
        let position = |name: &Name| before.axes.iter().position(|axis| axis.name == *name);
        self.result.ty(source).axes.iter().map(|axis| indices.get(position(&axis.name)?).copied()).collect()
    }

    /// A node that belongs to a recurrence.
    fn kept(&mut self, value: ValueId) -> Option<ValueId> {
        let node = self.graph.node(value);
        let operand =
            |rebuild: &Self, value: ValueId| rebuild.class(value).and_then(|class| rebuild.operand(class));
        let op = match &node.op {
            Op::Access { source, indices, outside } => {
                let from = operand(self, *source)?;
                let outside = match outside {
                    Some(outside) => Some(operand(self, *outside)?),
                    None => None,
                };
                let mut places = Vec::with_capacity(indices.len());
                for &index in indices {
                    places.push(match is_step(self.graph, &self.converted.stepping, *source, index) {
                        true => self.copy(index)?,
                        false => operand(self, index)?,
                    });
                }
                let indices = self.permuted(self.graph.ty(*source), from, &places)?;
                Op::Access { source: from, indices, outside }
            }
            Op::Recur { result, states, nexts } => {
                let states: Vec<ValueId> =
                    states.iter().map(|&state| self.copy(state)).collect::<Option<_>>()?;
                let nexts: Vec<ValueId> =
                    nexts.iter().map(|&next| operand(self, next)).collect::<Option<_>>()?;
                Op::Recur { result: *result, states, nexts }
            }
            Op::State { .. } => {
                self.states(value)?;
                return self.copy(value);
            }
            op => {
                let mut missing = false;
                let op = op.clone().map_operands(&mut |old| {
                    operand(self, old).unwrap_or_else(|| {
                        missing = true;
                        old
                    })
                });
                if missing {
                    return None;
                }
                op
            }
        };
        let value = self.result.add(op, &node.ty).ok()?;
        self.result.ty(value).same(&node.ty).then_some(value)
    }

    /// Emits all states of the group that a state belongs to, in their order: bodies come after them.
    fn states(&mut self, state: ValueId) -> Option<()> {
        let group = self.graph.nodes.iter().find_map(|node| match &node.op {
            Op::Recur { states, .. } if states.contains(&state) => Some(states.clone()),
            _ => None,
        });
        group.into_iter().flatten().try_for_each(|state| self.copy(state).map(|_| ()))
    }

    /// A value with all it needs exactly as it is in the given graph: places at which a state is read, and
    /// states.
    fn copy(&mut self, value: ValueId) -> Option<ValueId> {
        let mut stack = vec![(value, false)];
        while let Some((value, ready)) = stack.pop() {
            if self.verbatim.contains_key(&value) {
                continue;
            }
            let node = self.graph.node(value);
            if !ready {
                stack.push((value, true));
                stack.extend(node.op.operands().iter().map(|&operand| (operand, false)));
                continue;
            }
            let mut missing = false;
            let op = node.op.clone().map_operands(&mut |old| {
                self.verbatim.get(&old).copied().unwrap_or_else(|| {
                    missing = true;
                    old
                })
            });
            if missing {
                return None;
            }
            let new = self.result.push(op, node.ty.clone());
            if let Some(name) = &node.name {
                self.result.set_name(new, name.clone());
            }
            self.verbatim.insert(value, new);
        }
        self.verbatim.get(&value).copied()
    }

    /// A contraction as the sum of a product.
    fn contraction(
        &mut self,
        class: Id,
        axes: &[super::language::AxisId],
        factors: &[Id],
        operands: Vec<ValueId>,
    ) -> Option<ValueId> {
        let graphs = &self.converted.graphs;
        let names: Vec<Name> =
            axes.iter().map(|&axis| graphs.analysis.operators.axis(axis).name.clone()).collect();
        // The product may be a value of its own, or a node of the given graph whose form is kept.
        let product =
            graphs.analysis.operators.known(&Operator::Map(ScalarOp::Mul, None)).and_then(|operator| {
                let operands = factors.iter().map(|&factor| graphs.find(factor)).collect();
                let mut term = Term { kind: OperatorKind::map(ScalarOp::Mul), operator, operands };
                term.operands.sort_unstable();
                Some((graphs.lookup(&mut term)?, term))
            });
        let known = product.as_ref().and_then(|(class, _)| self.operand(*class));
        let value = match (known, product.as_ref().and_then(|(_, term)| self.original.get(term).copied())) {
            (Some(value), _) => value,
            (None, Some(value)) => self.again(value)?,
            (None, None) => {
                let op = Op::Map(ScalarOp::Mul, self.arranged(class, &names, operands));
                self.result.add(op, &Type::scalar(Dtype::F64)).ok()?
            }
        };
        let original = self.converted.graphs[class].iter().find_map(|term| {
            let same =
                matches!(graphs.analysis.operators.of(term), Operator::Reduce(ReduceOp::Sum, a) if a == axes);
            let of_product = product
                .as_ref()
                .is_some_and(|(class, _)| term.operands.first().map(|&o| graphs.find(o)) == Some(*class));
            (same && of_product).then(|| self.original.get(term).copied()).flatten()
        });
        let names = match original.map(|value| &self.graph.node(value).op) {
            Some(Op::Reduce { axes, .. }) => axes.clone(),
            _ => names,
        };
        self.result.reduce(ReduceOp::Sum, &names, value).ok()
    }

    /// Two operands of a commutative operation in the order that gives the class, once the axes `gone` are
    /// gone, the order of axes that it had in the given graph; where it had none, larger values and older
    /// axes first, and constants last.
    fn arranged(&self, class: Id, gone: &[Name], mut operands: Vec<ValueId>) -> Vec<ValueId> {
        let operators = &self.converted.graphs.analysis.operators;
        let age = |axis: &Axis| operators.axes().position(|known| known == axis);
        let key = |value: ValueId| {
            let ages: Vec<Option<usize>> = self.result.ty(value).axes.iter().map(age).collect();
            let constant = matches!(self.result.node(value).op, Op::Const(_));
            (constant, std::cmp::Reverse(ages.len()), ages, value)
        };
        operands.sort_by_key(|&value| key(value));
        let Some(&before) = self.orders.get(&self.converted.graphs.find(class)) else { return operands };
        let order = |operands: &[ValueId]| -> Vec<Name> {
            let lists = operands.iter().map(|&operand| self.result.ty(operand).axes.as_slice());
            let union = tcc_ir::axis::union_axes(lists).unwrap_or_default();
            union.into_iter().map(|axis| axis.name).filter(|name| !gone.contains(name)).collect()
        };
        let wanted: Vec<Name> = self.graph.ty(before).axes.iter().map(|axis| axis.name.clone()).collect();
        let swapped: Vec<ValueId> = operands.iter().rev().copied().collect();
        if order(&operands) != wanted && order(&swapped) == wanted { swapped } else { operands }
    }

    /// A scatter, with its axes in the order that the class had in the given graph.
    fn scatter(
        &mut self,
        class: Id,
        op: ReduceOp,
        axes: &[super::language::AxisId],
        operands: Vec<ValueId>,
    ) -> Option<ValueId> {
        let operators = &self.converted.graphs.analysis.operators;
        let (value, indices) = operands.split_last()?;
        let mut places: Vec<(Axis, ValueId)> =
            axes.iter().map(|&axis| operators.axis(axis).clone()).zip(indices.iter().copied()).collect();
        if let Some(&before) = self.orders.get(&self.converted.graphs.find(class)) {
            let order = &self.graph.ty(before).axes;
            places.sort_by_key(|(axis, _)| order.iter().position(|known| known == axis));
        }
        let (axes, indices): (Vec<Axis>, Vec<ValueId>) = places.into_iter().unzip();
        self.result.scatter(op, &indices, *value, axes).ok()
    }

    /// The operation of a term that the given graph does not have.
    fn op(&self, operator: &Operator, operands: Vec<ValueId>) -> Option<Op> {
        let operators = &self.converted.graphs.analysis.operators;
        let name = |id: super::language::AxisId| operators.axis(id).name.clone();
        let names = |ids: &[super::language::AxisId]| ids.iter().map(|&id| name(id)).collect::<Vec<_>>();
        let first = operands.first().copied();
        Some(match operator {
            Operator::Input(position) => Op::Input(*position),
            Operator::Const(literal, _) => Op::Const(*literal),
            Operator::Table(table, ..) => Op::Table(table.clone()),
            Operator::Index(axis) => Op::Index(name(*axis)),
            Operator::Size(extent) => Op::Size(extent.clone()),
            Operator::Map(op, _) => Op::Map(*op, operands),
            Operator::Reduce(op, axes) => Op::Reduce { op: *op, axes: names(axes), value: first? },
            Operator::Normalise(op, axes) => Op::Normalise { op: *op, axes: names(axes), value: first? },
            Operator::Access(axes, outside) => {
                let (source, rest) = operands.split_first()?;
                let (places, other) = rest.split_at_checked(axes.len())?;
                let before =
                    Type::new(Dtype::Bool, axes.iter().map(|&axis| operators.axis(axis).clone()).collect());
                let indices = self.permuted(&before, *source, places)?;
                Op::Access {
                    source: *source,
                    indices,
                    outside: if *outside { Some(*other.first()?) } else { None },
                }
            }
            Operator::Transform(op, pairs) => {
                let axes = pairs.iter().map(|&(from, to)| (name(from), name(to))).collect();
                Op::Transform { op: *op, axes, value: first? }
            }
            Operator::Contract(_) | Operator::Kept(_) | Operator::Scatter(..) => return None,
        })
    }
}
