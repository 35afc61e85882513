//! Everything that a report says, as data.

use super::choices::Choices;
use super::history::{History, written};
use crate::{Compiler, Error};
use std::collections::BTreeSet;
use tcc_ir::graph::Graph;
use tcc_ir::loops::{Func, Role};
use tcc_ir::{Bindings, Extent};
use tcc_passes::cost::{Cost, MACHINE};
use tcc_passes::loops::count::{Count, role};
use tcc_passes::loops::estimate;
use tcc_passes::{Contract, PassContext, Pipeline};

/// One of the outermost loop nests.
pub struct Step {
    /// The tensors that it computes.
    pub tensors: Vec<String>,
    /// What it does.
    pub count: Count,
    /// Bytes loaded and stored.
    pub accessed: f64,
    /// What the model says.
    pub cost: Cost,
    /// The passes that changed it.
    pub by: Vec<String>,
}

/// A buffer in memory.
pub struct Place {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: &'static str,
    /// Element type and extents.
    pub dtype: tcc_ir::Dtype,
    /// Extents, outermost first.
    pub extents: Vec<Extent>,
    /// Bytes, if sizes determine them.
    pub bytes: Option<u64>,
    /// Place in the arena.
    pub offset: Option<Extent>,
}

/// What is known about a compilation.
pub struct Explained {
    /// The name of the program.
    pub name: String,
    /// The sizes that were given.
    pub bindings: Bindings,
    /// How it was compiled.
    pub pipeline: Pipeline,
    /// What rewrites were allowed to do.
    pub context: PassContext,
    /// The limit of memory.
    pub limit: u64,
    /// What the passes made of it.
    pub history: History,
    /// The loops that are compiled.
    pub func: Func,
    /// What the optimiser chose between.
    pub choices: Choices,
    /// Flops of the program as it is written; `None` if sizes do not determine them.
    pub as_written: Option<f64>,
    /// The loop nests; empty if sizes do not determine what they cost.
    pub steps: Vec<Step>,
    /// All of them together.
    pub total: Option<Count>,
    /// Their cost together.
    pub cost: Option<Cost>,
    /// The buffers that are no registers.
    pub places: Vec<Place>,
    /// Named values that are computed where they are used.
    pub not_stored: Vec<String>,
}

impl Explained {
    /// Compiles a program and notes what there is to say.
    ///
    /// # Errors
    /// As for compiling.
    pub fn new(compiler: &Compiler, graph: &Graph, bindings: Bindings) -> Result<Explained, Error> {
        let mut history = History::default();
        let func = compiler.lower(graph, &bindings, &mut history)?;
        let counted = history.before_math.as_ref().unwrap_or(&func);
        let (steps, total) = steps(counted, &bindings, &history).unwrap_or_default();
        let cost = total.as_ref().map(|_| steps.iter().fold(Cost::default(), |sum, step| sum + step.cost));
        let stored: BTreeSet<&str> = func.buffers.iter().map(|buffer| &*buffer.name).collect();
        let named =
            history.lowered.iter().flat_map(|graph| &graph.nodes).filter_map(|node| node.name.as_ref());
        let mut not_stored: Vec<String> =
            named.filter(|name| !stored.contains(&***name)).map(ToString::to_string).collect();
        not_stored.dedup();
        Ok(Explained {
            name: graph.name.clone(),
            pipeline: compiler.passes().clone(),
            choices: Choices::new(&history, &compiler.context_of(graph, &bindings)),
            context: compiler.context(&bindings),
            limit: compiler.memory(),
            as_written: as_written(compiler, graph, &bindings),
            places: places(&func, &bindings),
            steps,
            total,
            cost,
            not_stored,
            history,
            func,
            bindings,
        })
    }

    /// The tensor of the step that takes longest.
    pub fn dearest(&self) -> Option<&str> {
        let step = self.steps.iter().max_by(|a, b| a.cost.cycles.total_cmp(&b.cost.cycles))?;
        step.tensors.first().map(String::as_str)
    }

    /// Bytes of working memory, if sizes determine them.
    pub fn arena(&self) -> Option<u64> {
        let arena = self.func.arena.as_ref()?.eval(&self.bindings).ok()?;
        u64::try_from(arena).ok()
    }

    /// Bytes of operands and results.
    pub fn operands(&self) -> Option<u64> {
        let outside = self.places.iter().filter(|place| matches!(place.role, "input" | "output"));
        outside.map(|place| place.bytes).try_fold(0u64, |sum, bytes| sum.checked_add(bytes?))
    }

    /// The contract.
    pub fn contract(&self) -> Contract {
        self.context.contract
    }
}

fn steps(func: &Func, bindings: &Bindings, history: &History) -> Option<(Vec<Step>, Option<Count>)> {
    let counts = Count::by_statement(func, bindings)?;
    let costs = estimate::by_statement(func, bindings, &MACHINE)?;
    let mut total = Count { exact: true, ..Count::default() };
    let mut steps = Vec::new();
    for ((statement, count), cost) in func.body.iter().zip(counts).zip(costs) {
        total += &count;
        let tensors = written(func, statement);
        let changed: BTreeSet<String> = tensors.iter().flat_map(|name| history.changed(name)).collect();
        // In the order in which they ran.
        let mut by: Vec<String> = Vec::new();
        for applied in history.passes.iter().filter(|applied| changed.contains(&applied.pass)) {
            if !by.contains(&applied.pass) {
                by.push(applied.pass.clone());
            }
        }
        steps.push(Step { accessed: count.accessed_bytes(func), tensors, count, cost, by });
    }
    Some((steps, Some(total)))
}

/// Flops of the loops that nothing was done to.
fn as_written(compiler: &Compiler, graph: &Graph, bindings: &Bindings) -> Option<f64> {
    let plain = compiler.clone().pipeline("|").ok()?;
    let func = plain.lower(graph, bindings, &mut tcc_passes::Quiet).ok()?;
    Some(Count::of(&func, bindings)?.flops)
}

fn places(func: &Func, bindings: &Bindings) -> Vec<Place> {
    let place = |buffer: &tcc_ir::loops::Buffer| {
        let bytes = buffer.elements() * Extent::from(buffer.dtype.size_bytes() as i64);
        let offset = match &buffer.role {
            Role::Scratch { offset } => offset.clone(),
            Role::Input | Role::Output | Role::Table(_) => None,
        };
        Place {
            name: buffer.name.to_string(),
            role: role(&buffer.role),
            dtype: buffer.dtype,
            extents: buffer.extents.clone(),
            bytes: bytes.eval(bindings).ok().and_then(|bytes| u64::try_from(bytes).ok()),
            offset,
        }
    };
    func.buffers.iter().filter(|buffer| !buffer.is_register()).map(place).collect()
}
