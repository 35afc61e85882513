//! The contract of the graph level, checked in the order in which the module [`graph`](super) lists it.

use super::infer::repeated_name;
use super::{Direction, Graph, Op, ValueId};
use crate::axis::{Axis, Name};
use crate::dtype::Dtype;
use crate::error::VerifyErrors;
use crate::extent::Extent;
use crate::extent_text::{begins_name, continues_name};
use std::collections::BTreeSet;

/// How many broken rules are reported at once.
const ERROR_LIMIT: usize = 20;

impl Graph {
    /// Checks the contract of the level in linear time. Every message begins with the value or the
    /// declaration that breaks it.
    pub fn verify(&self) -> Result<(), VerifyErrors> {
        let mut verifier = Verifier { graph: self, errors: Vec::new() };
        verifier.declarations();
        verifier.order();
        // The later rules look at operands and rely on the earlier ones.
        if verifier.errors.is_empty() {
            verifier.types();
        }
        if verifier.errors.is_empty() {
            verifier.recurrences();
            verifier.roots();
        }
        if verifier.errors.is_empty() { Ok(()) } else { Err(VerifyErrors(verifier.errors)) }
    }
}

struct Verifier<'a> {
    graph: &'a Graph,
    errors: Vec<String>,
}

impl Verifier<'_> {
    fn error(&mut self, place: impl std::fmt::Display, message: impl std::fmt::Display) {
        if self.errors.len() < ERROR_LIMIT {
            self.errors.push(format!("{place}: {message}"));
        }
    }

    /// Names are words and unique, every symbol of an extent is declared.
    fn declarations(&mut self) {
        let graph = self.graph;
        let kinds: [(&str, Vec<&Name>); 3] = [
            ("symbol", graph.symbols.iter().map(|symbol| &symbol.name).collect()),
            ("input", graph.inputs.iter().map(|input| &input.name).collect()),
            ("output", graph.outputs.iter().map(|output| &output.name).collect()),
        ];
        for (kind, names) in kinds {
            let mut seen = BTreeSet::new();
            for name in names {
                if !is_word(name) {
                    self.error(format_args!("{kind} `{name}`"), "is not a word");
                }
                if !seen.insert(name) {
                    self.error(format_args!("{kind} `{name}`"), "is declared twice");
                }
            }
        }
        let declared: BTreeSet<&Name> = graph.symbols.iter().map(|symbol| &symbol.name).collect();
        for symbol in &graph.symbols {
            if let Some(default) = &symbol.default {
                self.symbols(&declared, format_args!("symbol `{}`", symbol.name), default);
            }
        }
        for requirement in &graph.requirements {
            for side in [&requirement.left, &requirement.right] {
                self.symbols(&declared, format_args!("require {requirement}"), side);
            }
        }
        for input in &graph.inputs {
            let place = format!("input `{}`", input.name);
            self.axes(&declared, &place, &input.ty.axes);
            if input.param.is_some() && (input.ty.dtype != Dtype::F64 || !input.ty.axes.is_empty()) {
                self.error(&place, "a parameter is one f64");
            }
        }
        for value in graph.values() {
            let node = graph.node(value);
            self.axes(&declared, graph.label(value), &node.ty.axes);
            if let Op::Size(extent) = &node.op {
                self.symbols(&declared, graph.label(value), extent);
            }
            if node.name.as_ref().is_some_and(|name| !is_word(name)) {
                self.error(self.graph.label(value), "its name is not a word");
            }
        }
    }

    fn symbols(&mut self, declared: &BTreeSet<&Name>, place: impl std::fmt::Display, extent: &Extent) {
        let mut unknown = None;
        extent.symbols(&mut |name| {
            if !declared.contains(name) {
                unknown = Some(name.clone());
            }
        });
        if let Some(name) = unknown {
            self.error(place, format_args!("size `{name}` is not declared"));
        }
    }

    fn axes(&mut self, declared: &BTreeSet<&Name>, place: impl std::fmt::Display, axes: &[Axis]) {
        for axis in axes {
            self.symbols(declared, &place, &axis.extent);
            if !is_word(&axis.name) {
                self.error(&place, format_args!("axis `{}` is not a word", axis.name));
            }
        }
        if let Some(name) = repeated_name(axes) {
            self.error(place, format_args!("two axes are called `{name}`"));
        }
    }

    /// Operands stand before their users; outputs and checks exist.
    fn order(&mut self) {
        for value in self.graph.values() {
            for operand in self.graph.node(value).op.operands() {
                if operand >= value {
                    self.error(
                        self.graph.label(value),
                        format_args!("operand {} does not stand before it", self.graph.label(operand)),
                    );
                }
            }
        }
        let exists = |value: ValueId| value.index() < self.graph.nodes.len();
        let missing_output = self.graph.outputs.iter().find(|output| !exists(output.value));
        let missing_check = self.graph.checks.iter().find(|check| !exists(check.value));
        if let Some(output) = missing_output {
            self.error(format_args!("output `{}`", output.name), "its value does not exist");
        }
        if let Some(check) = missing_check {
            self.error(format_args!("check {}", self.graph.label(check.value)), "the value does not exist");
        }
    }

    fn types(&mut self) {
        for value in self.graph.values() {
            let node = self.graph.node(value);
            match self.graph.infer(&node.op, &node.ty) {
                Err(reason) => self.error(self.graph.label(value), reason),
                // Accesses address the axes of an input in the order of its declaration.
                Ok(ty) if matches!(node.op, Op::Input(_)) && ty != node.ty => {
                    self.error(
                        self.graph.label(value),
                        format_args!("is written as {} but declared as {ty}", node.ty),
                    );
                }
                Ok(ty) if !ty.same(&node.ty) => {
                    self.error(
                        self.graph.label(value),
                        format_args!("is written as {} but is {ty}", node.ty),
                    );
                }
                Ok(_) => {}
            }
        }
    }

    fn recurrences(&mut self) {
        self.groups();
        let stepping = self.graph.stepping();
        for value in self.graph.values() {
            let node = self.graph.node(value);
            if let Op::Recur { states, nexts, .. } = &node.op {
                for next in nexts {
                    let group = stepping[next.index()];
                    if group.is_some() && group != states.first().copied() {
                        self.error(
                            self.graph.label(value),
                            format_args!("{} depends on a state of another group", self.graph.label(*next)),
                        );
                    }
                }
                continue;
            }
            let Some(group) = stepping[value.index()] else { continue };
            if node.op.operands().iter().any(|v| stepping[v.index()].is_some_and(|other| other != group)) {
                self.error(self.graph.label(value), "depends on states of two groups");
            }
            self.body(value, group, &stepping);
        }
        let outputs = self.graph.outputs.iter().map(|output| output.value);
        for root in outputs.chain(self.graph.checks.iter().map(|check| check.value)) {
            if stepping[root.index()].is_some() {
                self.error(
                    self.graph.label(root),
                    "depends on a state and escapes the body of its recurrence",
                );
            }
        }
    }

    /// Every state belongs to exactly one group, whose results agree on states and values.
    fn groups(&mut self) {
        let mut first: Vec<Option<ValueId>> = vec![None; self.graph.nodes.len()];
        for value in self.graph.values() {
            let op = &self.graph.node(value).op;
            let Op::Recur { states, nexts, .. } = op else { continue };
            let known = states.first().and_then(|state| first[state.index()]);
            let agrees = known.is_none_or(|known| {
                matches!(&self.graph.node(known).op,
                    Op::Recur { states: s, nexts: n, .. } if s == states && n == nexts)
            });
            if !agrees {
                self.error(
                    self.graph.label(value),
                    "results of one group disagree about its states or their values",
                );
            } else if known.is_none() {
                for state in states {
                    if first[state.index()].replace(value).is_some() {
                        self.error(
                            self.graph.label(value),
                            format_args!(
                                "{} belongs to two groups or twice to one",
                                self.graph.label(*state)
                            ),
                        );
                    }
                }
            }
        }
        for value in self.graph.values() {
            if matches!(self.graph.node(value).op, Op::State { .. }) && first[value.index()].is_none() {
                self.error(self.graph.label(value), "belongs to no recurrence");
            }
        }
    }

    /// The rules for a value inside the body of the recurrence of state `group`.
    fn body(&mut self, value: ValueId, group: ValueId, stepping: &[Option<ValueId>]) {
        let Op::State { axis: stepped, direction } = &self.graph.node(group).op else { return };
        let node = self.graph.node(value);
        if node.ty.axis(stepped) != self.graph.ty(group).axis(stepped) {
            self.error(
                self.graph.label(value),
                format_args!("depends on a state but loses the stepped axis `{stepped}`"),
            );
        }
        let is_state = |v: &ValueId| matches!(self.graph.node(*v).op, Op::State { .. });
        let same_step = |indices: &[ValueId], axes: &[Axis]| {
            let position = axes.iter().position(|axis| axis.name == *stepped);
            position.and_then(|p| indices.get(p)).and_then(|&index| self.graph.index_offset(index, stepped))
                == Some(0)
        };
        let direct = "reads a state directly, not through an access at an earlier step";
        let broken = match &node.op {
            Op::Access { source, indices, outside } => {
                if indices.iter().chain(outside).any(is_state) {
                    Some(direct)
                } else if is_state(source) {
                    self.state_read(*source, indices, outside.is_some(), stepped, *direction)
                } else if stepping[source.index()].is_some()
                    && !same_step(indices, &self.graph.ty(*source).axes)
                {
                    Some("reads a value of the body at another step")
                } else {
                    None
                }
            }
            op if op.operands().iter().any(is_state) => Some(direct),
            Op::Scatter { indices, .. } if !same_step(indices, &node.ty.axes) => {
                Some("scatters to another step of the recurrence")
            }
            Op::Normalise { axes, .. } if axes.contains(stepped) => Some("normalises along the stepped axis"),
            Op::Transform { axes, .. } if axes.iter().any(|(from, to)| from == stepped || to == stepped) => {
                Some("transforms the stepped axis")
            }
            _ => None,
        };
        if let Some(message) = broken {
            self.error(self.graph.label(value), message);
        }
    }

    /// What is wrong with a read of a state, if anything.
    fn state_read(
        &self,
        state: ValueId,
        indices: &[ValueId],
        outside: bool,
        stepped: &Name,
        direction: Direction,
    ) -> Option<&'static str> {
        let position = self.graph.ty(state).axes.iter().position(|axis| axis.name == *stepped);
        let offset =
            position.and_then(|p| indices.get(p)).and_then(|&index| self.graph.index_offset(index, stepped));
        let earlier = offset.is_some_and(|offset| match direction {
            Direction::Forward => offset < 0,
            Direction::Backward => offset > 0,
        });
        if !earlier {
            Some("reads a state at a step that is not an earlier one by a constant")
        } else if !outside {
            Some("reads a state without an outside value")
        } else {
            None
        }
    }

    fn roots(&mut self) {
        for check in &self.graph.checks {
            if self.graph.ty(check.value).dtype != Dtype::Bool {
                self.error(format_args!("check {}", self.graph.label(check.value)), "the value is not bool");
            }
        }
        for output in &self.graph.outputs {
            let mut written = output.axes.clone();
            let mut axes: Vec<Name> =
                self.graph.ty(output.value).axes.iter().map(|a| a.name.clone()).collect();
            written.sort();
            axes.sort();
            if written != axes {
                self.error(
                    format_args!("output `{}`", output.name),
                    "does not list each axis of its value once",
                );
            }
        }
    }
}

/// Whether a name is one word of the text form.
pub(super) fn is_word(name: &str) -> bool {
    name.chars().next().is_some_and(begins_name) && name.chars().all(continues_name)
}
