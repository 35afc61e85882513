//! Random graphs: operands, operations on them, results.

use super::operations::{OPERATIONS as TABLE, Operation};
use super::{DTYPES, ELEMENT_LIMIT, EXTENTS, OPERATIONS, Swarm};
use crate::choices::{Choices, Weighted};
use tcc_ir::graph::{Check, Graph, Input, Output, ValueId};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};
use tcc_ir::{Axis, Bindings, Dtype, Extent, Kind, Name, SymbolDecl, Type};
use tcc_passes::egraph;

/// Names of axes; the first ones are used most.
/// The tests of rules, `tests/filetests/graph/saturate`.
static SEEDS: &[&str] = include!(concat!(env!("OUT_DIR"), "/seeds.rs"));

const AXES: &[&str] = &["i", "j", "k", "l", "t"];
/// In how many of 100 programs that begin with a rule it is the program of a test.
const FROM_TESTS: usize = 40;
/// Draws of operands for the left side of a rule before there is none.
const RULE_DRAWS: usize = 6;

/// A graph that grows.
pub struct Maker<'c, 'b> {
    /// The graph so far.
    pub graph: Graph,
    /// What decides.
    pub choices: &'c mut Choices<'b>,
    /// Values from which operands are taken.
    pub pool: Vec<ValueId>,
    /// The axes that new values may have.
    pub axes: Vec<Axis>,
    /// Values of the symbols.
    pub sizes: Bindings,
    /// Operations that may be drawn.
    pub operations: Vec<Weighted<Operation>>,
    /// Dtypes that may be drawn.
    pub dtypes: Vec<Weighted<Dtype>>,
}

/// A program, with a size for each of its symbols.
pub fn program(choices: &mut Choices, swarm: Swarm, from_rule: bool) -> (Graph, Bindings) {
    let mut maker = Maker {
        graph: Graph { name: "case".into(), ..Graph::default() },
        choices,
        pool: Vec::new(),
        axes: Vec::new(),
        sizes: Bindings::new(),
        operations: Swarm::rows(swarm.without_operations, TABLE),
        dtypes: Swarm::rows(swarm.without_dtypes, DTYPES),
    };
    if !(from_rule && maker.rule()) {
        maker.declare();
    }
    let count = maker.choices.weighted(OPERATIONS).unwrap_or(1);
    for _ in 0..count {
        maker.grow();
    }
    maker.finish()
}

/// A graph that can be grown further.
pub fn reopen<'c, 'b>(graph: Graph, sizes: Bindings, choices: &'c mut Choices<'b>) -> Maker<'c, 'b> {
    let stepping = graph.stepping();
    let pool: Vec<ValueId> = graph.values().filter(|value| stepping[value.index()].is_none()).collect();
    let mut axes: Vec<Axis> = Vec::new();
    for axis in graph.nodes.iter().flat_map(|node| &node.ty.axes) {
        if !axes.iter().any(|known| known.name == axis.name) {
            axes.push(axis.clone());
        }
    }
    let (operations, dtypes) = (TABLE.to_vec(), DTYPES.to_vec());
    Maker { graph, choices, pool, axes, sizes, operations, dtypes }
}

impl Maker<'_, '_> {
    /// Chooses axes and operands.
    fn declare(&mut self) {
        let count = 1 + self.choices.below(4);
        let symbolic = self.choices.chance(25);
        for name in &AXES[..count] {
            let equal = self.choices.chance(30);
            let known = self.choices.pick(&self.axes);
            let extent = match known {
                Some(axis) if equal => axis.extent,
                _ => {
                    let size = self.choices.weighted(EXTENTS).unwrap_or(2);
                    if symbolic && self.choices.chance(60) { self.symbol(size) } else { Extent::from(size) }
                }
            };
            self.axes.push(Axis::new(*name, extent));
        }
        for _ in 0..1 + self.choices.below(3) {
            let dtype = self.dtype();
            self.operand(dtype);
        }
    }

    /// A new symbol with this size.
    fn symbol(&mut self, size: i64) -> Extent {
        let name: Name = ["n", "m", "p", "q", "r"][self.sizes.len().min(4)].into();
        if self.sizes.insert(name.clone(), size).is_none() {
            self.graph.symbols.push(SymbolDecl { name: name.clone(), param: false, default: None });
        }
        Extent::symbol(name)
    }

    /// The program of a test of a rule, with sizes for its symbols: rules that look for more than a pattern fire
    /// on these.
    fn seed(&mut self) -> Option<(Graph, Bindings)> {
        let text = self.choices.pick(SEEDS)?;
        let (_, program) = text.split_once("\n\n")?;
        let graph: Graph = program.split("\n----").next()?.parse().ok()?;
        let mut sizes = Bindings::new();
        for symbol in &graph.symbols {
            sizes.insert(symbol.name.clone(), self.choices.pick(&[3, 2, 4, 1, 5])?);
        }
        Some((graph, sizes))
    }

    /// The left side of a random rule, or the program of a test; `false` if there is none this time.
    fn rule(&mut self) -> bool {
        let seed = if self.choices.chance(FROM_TESTS) { self.seed() } else { None };
        if let Some((graph, sizes)) = seed {
            let reopened = reopen(graph, sizes, self.choices);
            let (graph, pool, axes, sizes) = (reopened.graph, reopened.pool, reopened.axes, reopened.sizes);
            self.graph = Graph { name: "case".into(), outputs: Vec::new(), ..graph };
            (self.pool, self.axes, self.sizes) = (pool, axes, sizes);
            return true;
        }
        let names: Vec<&str> = egraph::rules::rules().map(|rule| rule.name).collect();
        let Some(name) = self.choices.pick(&names) else { return false };
        // Not every draw fits the rule.
        let made = (0..RULE_DRAWS)
            .find_map(|_| egraph::example(name, &mut |bound| self.choices.below(bound as usize) as u64));
        let Some(graph) = made else { return false };
        let sizes = self.sizes.clone();
        let reopened = reopen(graph, sizes, self.choices);
        let (graph, pool, axes) = (reopened.graph, reopened.pool, reopened.axes);
        self.graph = Graph { name: "case".into(), outputs: Vec::new(), ..graph };
        (self.pool, self.axes) = (pool, axes);
        true
    }

    /// A dtype by weight.
    pub fn dtype(&mut self) -> Dtype {
        self.choices.weighted(&self.dtypes).unwrap_or(Dtype::F32)
    }

    /// The number that an extent is.
    pub fn extent(&self, extent: &Extent) -> i64 {
        extent.eval(&self.sizes).unwrap_or(i64::MAX)
    }

    /// Whether values with these axes are small enough.
    pub fn fits(&self, axes: &[Axis]) -> bool {
        let elements = axes.iter().fold(1i64, |n, axis| n.saturating_mul(self.extent(&axis.extent).max(1)));
        elements <= ELEMENT_LIMIT
    }

    /// A new operand, which is a value of the pool from then on.
    pub fn operand(&mut self, dtype: Dtype) -> Option<ValueId> {
        let mut axes = Vec::new();
        for axis in self.axes.clone() {
            if axes.len() < 4 && self.choices.chance(55) {
                axes.push(axis);
                if !self.fits(&axes) {
                    axes.pop();
                }
            }
        }
        if self.choices.chance(40) {
            axes.reverse();
        }
        let interval = dtype.is_float() && self.choices.chance(10);
        let range = interval.then_some((Literal::Real(0.5), Literal::Real(2.0)));
        let position = self.graph.inputs.len();
        let name = format!("x{position}").as_str().into();
        self.graph.inputs.push(Input { name, ty: Type::new(dtype, axes), range, param: None });
        let value = self.graph.input(position).ok()?;
        self.pool.push(value);
        Some(value)
    }

    /// A value of the pool that `wanted` holds of; later ones are more likely.
    pub fn value(&mut self, wanted: impl Fn(&Type) -> bool) -> Option<ValueId> {
        let found: Vec<ValueId> =
            self.pool.iter().copied().filter(|value| wanted(self.graph.ty(*value))).collect();
        let (a, b) = (self.choices.below(found.len()), self.choices.below(found.len()));
        found.get(a.max(b)).copied()
    }

    /// A value of a dtype: one of the pool, a cast of one, a constant, or a new operand.
    pub fn of(&mut self, dtype: Dtype) -> Option<ValueId> {
        if self.choices.chance(85)
            && let Some(value) = self.value(|ty| ty.dtype == dtype)
        {
            return Some(value);
        }
        match self.choices.below(4) {
            0 if dtype != Dtype::Bool => {
                // What is complex is no real number.
                let value = self.value(|ty| ty.dtype.kind() <= dtype.kind() && ty.dtype != dtype)?;
                self.graph.cast(value, dtype).ok()
            }
            1 => self.constant(dtype),
            _ => self.operand(dtype),
        }
    }

    /// A small constant.
    pub fn constant(&mut self, dtype: Dtype) -> Option<ValueId> {
        let number = [0, 1, 2, -1, 3, -2, 4, 7][self.choices.below(8)];
        let number = if matches!(dtype, Dtype::U8 | Dtype::U32) { number.max(0) } else { number };
        let literal = match dtype.kind() {
            Kind::Float if self.choices.chance(20) => Literal::Real(number as f64 / 4.0),
            _ => Literal::of(number, dtype),
        };
        self.graph.constant(literal, dtype).ok()
    }

    /// Adds one operation; nothing if it does not fit.
    pub fn grow(&mut self) -> Option<ValueId> {
        let operation = self.choices.weighted(&self.operations)?;
        let (nodes, inputs, pool) = (self.graph.nodes.len(), self.graph.inputs.len(), self.pool.len());
        match (operation.make)(self) {
            Some(value) if self.small(nodes) => {
                self.pool.push(value);
                Some(value)
            }
            // Nodes that nothing uses stay out.
            _ => {
                self.graph.nodes.truncate(nodes);
                self.graph.inputs.truncate(inputs);
                self.pool.truncate(pool);
                self.pool.retain(|value| value.index() < nodes);
                None
            }
        }
    }

    /// Whether all nodes from one on are small.
    fn small(&self, from: usize) -> bool {
        self.graph.nodes[from..].iter().all(|node| node.ty.axes.len() <= 6 && self.fits(&node.ty.axes))
    }

    /// Chooses results and checks.
    fn finish(mut self) -> (Graph, Bindings) {
        self.outputs();
        if self.choices.chance(4) {
            self.check();
        }
        (self.graph, self.sizes)
    }

    fn outputs(&mut self) {
        let made: Vec<ValueId> = self
            .pool
            .iter()
            .copied()
            .filter(|value| !matches!(self.graph.node(*value).op, tcc_ir::graph::Op::Input(_)))
            .collect();
        let candidates = if made.is_empty() { self.pool.clone() } else { made };
        let mut chosen: Vec<ValueId> = candidates.last().copied().into_iter().collect();
        while chosen.len() < 3 && self.choices.chance(30) {
            chosen.extend(self.choices.pick(&candidates));
        }
        for value in chosen {
            self.output(value);
        }
    }

    /// One more result.
    pub fn output(&mut self, value: ValueId) {
        let mut axes: Vec<Name> = self.graph.ty(value).axes.iter().map(|axis| axis.name.clone()).collect();
        if axes.len() > 1 && self.choices.chance(40) {
            let last = axes.len() - 1;
            let with = self.choices.below(last);
            axes.swap(last, with);
        }
        let mut number = self.graph.outputs.len();
        while self.graph.outputs.iter().any(|output| *output.name == *format!("y{number}")) {
            number += 1;
        }
        let name = format!("y{number}").as_str().into();
        self.graph.outputs.push(Output { name, value, axes });
    }

    /// A condition that holds on most operands.
    fn check(&mut self) -> Option<()> {
        let value = self.value(|ty| ty.dtype == Dtype::I64)?;
        let bound = self.graph.integer(64);
        let value = self.graph.map(ScalarOp::Le, &[value, bound]).ok()?;
        let message = "a value is too large".into();
        self.graph.checks.push(Check { value, message, span: None });
        Some(())
    }

    /// Names of some axes of a type, at least one if it has any.
    pub fn some_axes(&mut self, ty: &Type, but: Option<&str>) -> Vec<Name> {
        let names: Vec<Name> =
            ty.axes.iter().map(|axis| axis.name.clone()).filter(|name| Some(&**name) != but).collect();
        let mut some: Vec<Name> = Vec::new();
        for name in &names {
            if self.choices.chance(50) {
                some.push(name.clone());
            }
        }
        if some.is_empty() {
            some.extend(self.choices.pick(&names));
        }
        some
    }

    /// A reduction of a value along some of its axes.
    pub fn reduced(&mut self, op: ReduceOp, value: ValueId, but: Option<&str>) -> Option<ValueId> {
        let ty = self.graph.ty(value).clone();
        let axes = self.some_axes(&ty, but);
        if axes.is_empty() {
            return None;
        }
        self.graph.reduce(op, &axes, value).ok()
    }
}
