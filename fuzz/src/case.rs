//! What one execution of the fuzzer is about: a program, what is done to it, and on which numbers.

use std::fmt;
use tcc_ir::graph::Graph;
use tcc_ir::loops::{Buffer, Func, Role};
use tcc_ir::{Axis, Bindings, Dtype, EvalError, Extent, Ir, VerifyErrors};
use tcc_passes::pipeline::Step;
use tcc_passes::{Contract, Limits, PassContext, Pipeline};

/// A program at one of the levels of the compiler.
#[derive(Clone, Debug, PartialEq)]
pub enum Program {
    /// Equations as people write them; compiled by the frontend.
    Source(String),
    /// A graph.
    Graph(Graph),
    /// Loops.
    Loops(Func),
}

/// A case: everything that decides one execution.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What is compiled.
    pub program: Program,
    /// The schedule: loop passes that run right after the lowering, before those of the pipeline.
    pub schedule: Vec<Step<Func>>,
    /// Graph passes, and the loop passes after the schedule. A program of loops skips the former.
    pub pipeline: Pipeline,
    /// A value for every symbol of the program.
    pub sizes: Bindings,
    /// Whether passes are told the sizes.
    pub known: bool,
    /// What passes may do to floating-point results.
    pub contract: Contract,
    /// Bytes that intermediates may take.
    pub memory: Option<u64>,
    /// Rewrites after which passes stop.
    pub fuel: Option<u64>,
    /// The operands.
    pub inputs: InputSpec,
    /// Names of the backends that run the result, beside the interpreter.
    pub backends: Vec<&'static str>,
    /// Bytes that perturb what the compiler may decide as it likes; see [`Chaos`].
    pub chaos: Vec<u8>,
}

/// How operands are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputSpec {
    /// Which kind of numbers.
    pub class: Class,
    /// Where the random numbers begin.
    pub seed: u64,
}

/// Kinds of operands, and with them how results are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Small integers in every dtype, on which float operations are exact for long.
    Exact,
    /// Integers over the whole range of their dtype, ends included: they wrap.
    Wrap,
    /// Random floats over several magnitudes: results are compared within a bound of rounding errors.
    Bounded,
    /// As `Bounded`, with NaN, infinities, -0, subnormals and the largest numbers at some places.
    Specials,
}

impl Class {
    /// All classes with their names in text form.
    pub const TABLE: &'static [(Class, &'static str)] = &[
        (Class::Exact, "exact"),
        (Class::Wrap, "wrap"),
        (Class::Bounded, "bounded"),
        (Class::Specials, "specials"),
    ];

    /// The name in text form.
    pub fn name(self) -> &'static str {
        Self::TABLE[self as usize].1
    }

    /// The class called `name`.
    pub fn from_name(name: &str) -> Option<Class> {
        Self::TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }
}

/// What chaos bytes mean. Passes are deterministic and have no choices of their own, so chaos perturbs what
/// they may rely on least: how much fuel there is, how far programs may grow, and how things are named
/// and ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Chaos {
    /// Rewrites after which passes stop, unless the case says so itself (byte 0, if not 0: that many less one).
    pub fuel: Option<u64>,
    /// How much a program may grow, in nodes (byte 1, if not 0).
    pub nodes: Option<usize>,
    /// Where a shuffle of nodes and names begins (byte 2, if not 0).
    pub shuffle: Option<u64>,
}

impl Chaos {
    /// The meaning of some bytes.
    pub fn of(bytes: &[u8]) -> Chaos {
        let byte = |at: usize| bytes.get(at).copied().filter(|&byte| byte != 0).map(u64::from);
        Chaos {
            fuel: byte(0).map(|fuel| fuel - 1),
            nodes: byte(1).map(|nodes| 8 * nodes as usize),
            shuffle: byte(2),
        }
    }
}

impl Case {
    /// A case that does nothing to a program yet.
    pub fn new(program: Program) -> Case {
        Case {
            program,
            schedule: Vec::new(),
            pipeline: Pipeline::default(),
            sizes: Bindings::new(),
            known: false,
            contract: Contract::Reassoc,
            memory: None,
            fuel: None,
            inputs: InputSpec { class: Class::Exact, seed: 0 },
            backends: Vec::new(),
            chaos: Vec::new(),
        }
    }

    /// What passes are told.
    pub fn context(&self) -> PassContext {
        let chaos = Chaos::of(&self.chaos);
        let bindings = if self.known { self.sizes.clone() } else { Bindings::new() };
        let mut context = PassContext::new(self.contract, bindings);
        context.memory = self.memory;
        context.verify = false; // an oracle of its own does
        if let Some(nodes) = chaos.nodes {
            context.limits = Limits { nodes, ..context.limits };
        }
        match self.fuel.or(chaos.fuel) {
            Some(fuel) => context.with_fuel(fuel),
            None => context,
        }
    }

    /// All loop passes in the order in which they run.
    pub fn loop_steps(&self) -> impl Iterator<Item = &Step<Func>> {
        self.schedule.iter().chain(&self.pipeline.loops)
    }

    /// The pipeline with the schedule in it.
    pub fn whole_pipeline(&self) -> Pipeline {
        Pipeline { graph: self.pipeline.graph.clone(), loops: self.loop_steps().cloned().collect() }
    }

    /// How large the case is: what reducing makes smaller.
    pub fn size(&self) -> usize {
        let passes = self.schedule.len() + self.pipeline.graph.len() + self.pipeline.loops.len();
        passes + self.program.size()
    }
}

impl Program {
    /// Nodes or statements and expressions; lines of a source.
    pub fn size(&self) -> usize {
        match self {
            Program::Source(text) => text.lines().count(),
            Program::Graph(graph) => graph.nodes.len(),
            Program::Loops(func) => func.body.iter().map(tcc_ir::loops::Stmt::size).sum(),
        }
    }
}

/// The program after a pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Level {
    /// A graph.
    Graph(Graph),
    /// Loops.
    Loops(Func),
}

/// An operand of a program.
pub struct Operand {
    /// Element type.
    pub dtype: Dtype,
    /// Extents in storage order.
    pub extents: Vec<Extent>,
    /// The interval in which its elements are promised to be.
    pub range: Option<(f64, f64)>,
}

/// Steps that one evaluation may take: far more than the programs that are generated need.
pub const STEP_LIMIT: u64 = 2_000_000;

/// Elements that the values of a graph may have together where it is evaluated, likewise.
const ELEMENT_LIMIT: i64 = 200_000;

impl Level {
    /// Checks the contract of the level.
    pub fn verify(&self) -> Result<(), VerifyErrors> {
        match self {
            Level::Graph(graph) => graph.verify(),
            Level::Loops(func) => func.verify(),
        }
    }

    /// The meaning, in a number domain.
    pub fn eval<D: tcc_ir::Domain>(
        &self,
        inputs: &[tcc_ir::Tensor<D>],
        sizes: &Bindings,
    ) -> Result<Vec<tcc_ir::Tensor<D>>, EvalError> {
        let symbols = match self {
            Level::Graph(graph) => &graph.symbols,
            Level::Loops(func) => &func.symbols,
        };
        // An evaluator refuses values of symbols that are gone.
        let open: Bindings = symbols
            .iter()
            .filter_map(|symbol| Some((symbol.name.clone(), *sizes.get(&symbol.name)?)))
            .collect();
        match self {
            Level::Graph(graph) => {
                let elements = |axes: &[Axis]| {
                    let extents = axes.iter().map(|axis| axis.extent.eval(&open).unwrap_or(1));
                    extents.fold(1i64, i64::saturating_mul)
                };
                let all =
                    graph.nodes.iter().fold(0i64, |all, node| all.saturating_add(elements(&node.ty.axes)));
                if all > ELEMENT_LIMIT {
                    let (needed, limit) = (all as u128, ELEMENT_LIMIT as u128);
                    return Err(EvalError::Limit { needed, limit, unit: "elements" });
                }
                graph.eval_within(inputs, &open, STEP_LIMIT.into())
            }
            Level::Loops(func) => {
                let limits = tcc_ir::loops::Limits { steps: STEP_LIMIT, bytes: 1 << 28 };
                func.eval_within(inputs, &open, limits)
            }
        }
    }

    /// The operands, in order.
    pub fn operands(&self) -> Vec<Operand> {
        use tcc_ir::scalar::Literal;
        let bound = |literal: Literal| match literal {
            Literal::Int(value) => value as f64,
            Literal::Real(value) => value,
            Literal::Bool(_) | Literal::Complex(..) => 0.0,
        };
        match self {
            Level::Graph(graph) => graph
                .inputs
                .iter()
                .map(|input| Operand {
                    dtype: input.ty.dtype,
                    extents: input.ty.axes.iter().map(|axis| axis.extent.clone()).collect(),
                    range: input.range.map(|(lo, hi)| (bound(lo), bound(hi))),
                })
                .collect(),
            Level::Loops(func) => {
                let inputs = func.buffers.iter().filter(|buffer| matches!(buffer.role, Role::Input));
                let operand = |buffer: &Buffer| Operand {
                    dtype: buffer.dtype,
                    extents: buffer.extents.clone(),
                    range: None,
                };
                inputs.map(operand).collect()
            }
        }
    }

    /// Nodes, or statements and expressions.
    pub fn size(&self) -> usize {
        match self {
            Level::Graph(graph) => graph.nodes.len(),
            Level::Loops(func) => func.body.iter().map(tcc_ir::loops::Stmt::size).sum(),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Level::Graph(graph) => write!(f, "{graph}"),
            Level::Loops(func) => write!(f, "{func}"),
        }
    }
}
