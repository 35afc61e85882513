//! Random pipelines and schedules.

use crate::case::Case;
use crate::choices::{Choices, Weighted};
use tcc_ir::graph::Graph;
use tcc_ir::loops::Func;
use tcc_passes::pipeline::Step;
use tcc_passes::{GRAPH_PASSES, LEVELS, LOOP_PASSES, Param, Pass, Pipeline, find};

/// How many passes of a level a random pipeline has.
const LENGTHS: &[Weighted<usize>] = &[(20, 1), (20, 2), (20, 3), (15, 0), (15, 5), (10, 8)];

/// In how many of 100 cases the passes are those of an optimisation level.
const LEVELS_RUN: usize = 12;

/// Loop passes that decide the shape of loops: what schedules are made of.
pub const SCHEDULING: &[&str] =
    &["tile", "interchange", "unroll", "vectorize", "fuse", "block", "hoist", "contract"];

/// A random step: a pass of a table with arguments that it allows.
pub fn step<I>(choices: &mut Choices, passes: &'static [Pass<I>]) -> Step<I> {
    let pass = &passes[choices.below(passes.len())];
    let argument =
        |param: &Param, choices: &mut Choices| choices.pick(param.choices).unwrap_or(param.default);
    let arguments = pass.params.iter().map(|param| (param.name, argument(param, choices))).collect();
    Step { pass, arguments }
}

/// A random step of a schedule.
pub fn scheduling_step(choices: &mut Choices) -> Option<Step<Func>> {
    let name = choices.pick(SCHEDULING)?;
    let pass = find(LOOP_PASSES, name)?;
    let arguments = pass
        .params
        .iter()
        .map(|param| (param.name, choices.pick(param.choices).unwrap_or(param.default)))
        .collect();
    Some(Step { pass, arguments })
}

/// Fills in the pipeline and the schedule of a case.
pub fn passes(choices: &mut Choices, case: &mut Case) {
    if choices.chance(LEVELS_RUN) {
        let level = choices.pick(&[3usize, 2, 1, 0]).unwrap_or(2);
        case.pipeline = Pipeline::level(LEVELS[level].name).unwrap_or_default();
        return;
    }
    case.pipeline.graph = steps(choices, GRAPH_PASSES);
    if choices.chance(75) {
        case.pipeline.loops = steps(choices, LOOP_PASSES);
    }
    if choices.chance(25) {
        case.schedule = (0..1 + choices.below(2)).filter_map(|_| scheduling_step(choices)).collect();
    }
}

/// Adds `saturate` at some place, if there is none.
pub fn saturated(choices: &mut Choices, case: &mut Case) {
    let steps = &mut case.pipeline.graph;
    if let Some(pass) = find(GRAPH_PASSES, "saturate")
        && steps.iter().all(|step| step.pass.name != pass.name)
    {
        let at = choices.below(steps.len() + 1);
        steps.insert(at, Step { pass, arguments: Vec::new() });
    }
}

fn steps<I>(choices: &mut Choices, passes: &'static [Pass<I>]) -> Vec<Step<I>> {
    let count = choices.weighted(LENGTHS).unwrap_or(1);
    (0..count).map(|_| step(choices, passes)).collect()
}

/// What backends rely on, at the end of the loop passes: added where it is missing.
pub fn with_required(mut pipeline: Pipeline) -> Pipeline {
    for pass in LOOP_PASSES.iter().filter(|pass| pass.required) {
        pipeline.loops.push(Step { pass, arguments: Vec::new() });
    }
    pipeline
}

/// The names of all passes of both levels.
pub fn names() -> impl Iterator<Item = &'static str> {
    let graph: &'static [Pass<Graph>] = GRAPH_PASSES;
    graph.iter().map(|pass| pass.name).chain(LOOP_PASSES.iter().map(|pass| pass.name))
}

/// A fresh list of passes of both levels, in which none is repeated: what Tzer runs.
pub fn fresh(choices: &mut Choices) -> Pipeline {
    fn some<I>(choices: &mut Choices, passes: &'static [Pass<I>]) -> Vec<Step<I>> {
        let mut left: Vec<&'static Pass<I>> = passes.iter().collect();
        let count = choices.below(left.len() + 1);
        (0..count)
            .map(|_| {
                let pass = left.swap_remove(choices.below(left.len()));
                let arguments = pass
                    .params
                    .iter()
                    .map(|param| (param.name, choices.pick(param.choices).unwrap_or(param.default)))
                    .collect();
                Step { pass, arguments }
            })
            .collect()
    }
    Pipeline { graph: some(choices, GRAPH_PASSES), loops: some(choices, LOOP_PASSES) }
}
