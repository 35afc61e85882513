//! One execution: the passes of a case, with the program after each.

use crate::case::{Case, Chaos, Level, Program};
use crate::finding::Finding;
use crate::mutate::chaos::shuffled;
use crate::panics::{Panic, catch};
use tcc_ir::Dtype;
use tcc_ir::graph::Graph;
use tcc_ir::loops::Func;
use tcc_passes::lower::lower;
use tcc_passes::pipeline::Step;
use tcc_passes::{Changed, PassContext};

/// A pass that ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its name; `lower`, `frontend`, `shuffle` for what is no pass.
    pub pass: &'static str,
    /// Whether it changed the program.
    pub changed: bool,
}

/// The program after a pass that changed it.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The pass.
    pub pass: &'static str,
    /// Its position in the order in which passes ran, from 1; 0 is the program itself.
    pub position: usize,
    /// The program.
    pub level: Level,
}

/// What happened to a case.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The program (`input`), and the program after each pass that changed it.
    pub stages: Vec<Stage>,
    /// All passes that ran, in order.
    pub ran: Vec<Ran>,
    /// A pass that panicked or that changed what it says it did not.
    pub finding: Option<Finding>,
    /// Why there is no program, or no program of loops, where that is no bug.
    pub refused: Option<String>,
    /// The rules of `saturate` that fired, in order.
    pub rules: Vec<&'static str>,
}

/// The oracle that watches the execution itself.
pub const EXECUTION: &str = "execution";

/// The stage of a finding that [`EXECUTION`] makes where only the end of the whole process is known: a signal, or
/// that it fell silent.
pub const PROCESS: &str = "process";

/// Runs the passes of a case.
pub fn run(case: &Case) -> Trace {
    run_in(case, case.context())
}

/// As [`run`], in a context of the caller's.
pub fn run_in(case: &Case, mut context: PassContext) -> Trace {
    let mut trace = Trace::default();
    let Some(program) = trace.read(&case.program) else { return trace };
    trace.stages.push(Stage { pass: "input", position: 0, level: program });
    let fired = tcc_passes::context::Fired::default();
    context.fired = Some(fired.clone());
    trace.passes(case, &context);
    trace.rules = fired.take();
    trace
}

impl Trace {
    /// The program of a case as a graph or loops.
    fn read(&mut self, program: &Program) -> Option<Level> {
        match program {
            Program::Graph(graph) => Some(Level::Graph(graph.clone())),
            Program::Loops(func) => Some(Level::Loops(func.clone())),
            Program::Source(text) => {
                let compiled = catch(|| compile(text));
                self.ran.push(Ran { pass: "frontend", changed: true });
                match compiled {
                    Ok(Ok(graph)) => Some(Level::Graph(graph)),
                    Ok(Err(refusal)) => {
                        self.refused = Some(refusal);
                        None
                    }
                    Err(panic) => {
                        self.panicked("frontend", panic);
                        None
                    }
                }
            }
        }
    }

    fn passes(&mut self, case: &Case, context: &PassContext) {
        let first = self.stages[0].level.clone();
        let mut func = match first {
            Level::Loops(func) => func,
            Level::Graph(mut graph) => {
                if let Some(seed) = Chaos::of(&case.chaos).shuffle {
                    graph = shuffled(&graph, seed);
                    self.record("shuffle", true, || Level::Graph(graph.clone()));
                }
                for step in &case.pipeline.graph {
                    if !self.graph_step(step, &mut graph, context) {
                        return;
                    }
                }
                if case.pipeline.loops.is_empty() && case.schedule.is_empty() && case.backends.is_empty() {
                    return;
                }
                match catch(|| lower(&graph, context)) {
                    Ok(Ok(func)) => {
                        self.record("lower", true, || Level::Loops(func.clone()));
                        func
                    }
                    Ok(Err(error)) => {
                        self.refused = Some(error.to_string());
                        return;
                    }
                    Err(panic) => {
                        self.ran.push(Ran { pass: "lower", changed: true });
                        return self.panicked("lower", panic);
                    }
                }
            }
        };
        for step in case.loop_steps() {
            if !self.loop_step(step, &mut func, context) {
                return;
            }
        }
    }

    /// Runs one pass; `false` if nothing can follow.
    fn graph_step(&mut self, step: &Step<Graph>, graph: &mut Graph, context: &PassContext) -> bool {
        let context = context.with_arguments(&step.arguments);
        let before = graph.clone();
        match catch(|| (step.pass.run)(graph, &context)) {
            Ok(changed) => {
                let honest = changed == Changed::Yes || before == *graph;
                self.step(step.pass.name, changed, honest, || Level::Graph(graph.clone()))
            }
            Err(panic) => {
                self.ran.push(Ran { pass: step.pass.name, changed: true });
                self.panicked(step.pass.name, panic);
                false
            }
        }
    }

    fn loop_step(&mut self, step: &Step<Func>, func: &mut Func, context: &PassContext) -> bool {
        let context = context.with_arguments(&step.arguments);
        let before = func.clone();
        match catch(|| {
            let changed = (step.pass.run)(func, &context);
            if changed.is_yes() {
                func.compact();
            }
            changed
        }) {
            Ok(changed) => {
                let honest = changed == Changed::Yes || before.body == func.body;
                self.step(step.pass.name, changed, honest, || Level::Loops(func.clone()))
            }
            Err(panic) => {
                self.ran.push(Ran { pass: step.pass.name, changed: true });
                self.panicked(step.pass.name, panic);
                false
            }
        }
    }

    fn step(
        &mut self,
        pass: &'static str,
        changed: Changed,
        honest: bool,
        level: impl FnOnce() -> Level,
    ) -> bool {
        self.record(pass, changed.is_yes(), level);
        if !honest {
            let message = "says that it changed nothing, and did";
            self.finding = Some(Finding::new(EXECUTION, pass, self.ran.len(), message));
        }
        honest
    }

    fn record(&mut self, pass: &'static str, changed: bool, level: impl FnOnce() -> Level) {
        self.ran.push(Ran { pass, changed });
        if changed {
            self.stages.push(Stage { pass, position: self.ran.len(), level: level() });
        }
    }

    fn panicked(&mut self, stage: &'static str, panic: Panic) {
        // The place names the bug better than the message, in which there are numbers.
        let message = format!("panic at {}: {}", panic.place, panic.message);
        let mut finding = Finding::new(EXECUTION, stage, self.ran.len(), message);
        finding.fingerprint.kind = format!("panic at {}", panic.place);
        self.finding = Some(finding);
    }

    /// The program of loops after all passes, if it came that far.
    pub fn last_loops(&self) -> Option<&Func> {
        match self.stages.last().map(|stage| &stage.level) {
            Some(Level::Loops(func)) if self.finding.is_none() => Some(func),
            _ => None,
        }
    }
}

/// The operands of an einsum string, from the comment before it: dtypes and shapes, `# f32[3, 2] f32[2]`.
pub fn einsum_operands(source: &str) -> Option<Vec<(Dtype, Vec<usize>)>> {
    let comment = source.lines().next()?.strip_prefix('#')?;
    let mut operands = Vec::new();
    for piece in comment.split(']').map(str::trim).filter(|piece| !piece.is_empty()) {
        let (dtype, shape) = piece.split_once('[')?;
        let extents = shape.split(',').map(str::trim).filter(|extent| !extent.is_empty());
        let shape = extents.map(|extent| extent.parse().ok()).collect::<Option<_>>()?;
        operands.push((dtype.trim().parse().ok()?, shape));
    }
    Some(operands)
}

/// The graph of a source, or what the frontend says is wrong with it.
pub fn compile(source: &str) -> Result<Graph, String> {
    let mut options = tcc_frontend::Options { name: "source".into(), ..Default::default() };
    if tcc_frontend::is_einsum(source)
        && let Some(operands) = einsum_operands(source)
    {
        options.operands = operands
            .into_iter()
            .enumerate()
            .map(|(at, (dtype, shape))| tcc_frontend::Operand {
                name: format!("x{at}"),
                dtype,
                shape: Some(shape),
            })
            .collect();
    }
    match tcc_frontend::compile(source, &options) {
        Ok(program) => Ok(program.graph),
        Err(diagnostics) => Err(diagnostics
            .first()
            .map_or(String::new(), |first| format!("{}: {}", first.code.id(), first.message))),
    }
}
