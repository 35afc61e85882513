//! Every pass keeps the meaning of every shared kernel: alone, and in random pipelines.
//!
//! Two programs are compared in the strictest way that means something for them (see [`meaning::Check`]):
//! modulo a prime, bit for bit on small integers, or within a running error bound. How many random
//! pipelines are tried for each kernel is a fixed sample; `TCC_PIPELINES=200` asks for more.

mod meaning;

use libtest_mimic::{Arguments, Failed, Trial};
use meaning::{Check, Question, Random, same, small_bindings};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use tcc_ir::Bindings;
use tcc_ir::graph::{Graph, Op};
use tcc_passes::{Contract, GRAPH_PASSES, LOOP_PASSES, Param, Pass, PassContext, Pipeline, Quiet};

const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/seed_kernels/ein");

/// Random pipelines for each kernel unless `TCC_PIPELINES` says otherwise.
const SAMPLE: u64 = 4;

/// How often each check decided, over all trials.
type Tally = Arc<Mutex<BTreeMap<Check, u64>>>;

fn main() {
    let arguments = Arguments::from_args();
    let pipelines = std::env::var("TCC_PIPELINES").ok().and_then(|text| text.parse().ok()).unwrap_or(SAMPLE);
    let tally = Tally::default();
    let mut trials = Vec::new();
    for (name, graph) in kernels() {
        let graph = Arc::new(graph);
        for pass in GRAPH_PASSES {
            let (graph, tally, text) = (graph.clone(), tally.clone(), pass.name.to_owned());
            let trial = move || keeps_meaning(&graph, &text, 0, &tally).map_err(Failed::from);
            trials.push(Trial::test(format!("{name}::{}", pass.name), trial));
        }
        for pass in LOOP_PASSES {
            let (graph, tally, text) = (graph.clone(), tally.clone(), format!("| {}", pass.name));
            let trial = move || keeps_meaning(&graph, &text, 0, &tally).map_err(Failed::from);
            trials.push(Trial::test(format!("{name}::{}", pass.name), trial));
        }
        let tally = tally.clone();
        let trial = move || {
            (1..=pipelines).try_for_each(|seed| {
                keeps_meaning(&graph, &random_pipeline(&mut Random(seed)), seed, &tally).map_err(Failed::from)
            })
        };
        trials.push(Trial::test(format!("{name}::pipelines"), trial));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    println!("decided by: {tally:?}");
    let undecided = tally.get(&Check::Undecided).copied().unwrap_or_default();
    let all: u64 = tally.values().sum();
    if conclusion.has_failed() || undecided * 20 > all {
        println!("{undecided} of {all} comparisons decided nothing; at most one in twenty may");
        std::process::exit(101);
    }
}

/// The graphs of the shared kernels, by name.
fn kernels() -> Vec<(String, Graph)> {
    let mut files: Vec<_> = std::fs::read_dir(Path::new(PROGRAMS))
        .expect("the folder of programs")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| {
            let source = std::fs::read_to_string(file).expect("a program");
            let name = file.file_stem().expect("a name").to_string_lossy().into_owned();
            let options = tcc_frontend::Options { name: name.clone(), ..Default::default() };
            let program = tcc_frontend::compile(&source, &options);
            (name, program.unwrap_or_else(|errors| panic!("{}: {errors:?}", file.display())).graph)
        })
        .collect()
}

/// The text of a pipeline of up to five graph passes and up to six loop passes.
fn random_pipeline(random: &mut Random) -> String {
    let graph = random_steps(random, GRAPH_PASSES, 6);
    let loops = random_steps(random, LOOP_PASSES, 7);
    format!("{graph} | {loops}")
}

fn random_steps<I>(random: &mut Random, passes: &[Pass<I>], bound: u64) -> String {
    let mut steps = Vec::new();
    for _ in 0..random.below(bound) {
        let pass = &passes[random.below(passes.len() as u64) as usize];
        let argument = |param: &Param| param.choices[random.below(param.choices.len() as u64) as usize];
        let arguments: Vec<String> =
            pass.params.iter().map(argument).map(|value| value.to_string()).collect();
        steps.push(match arguments.is_empty() {
            true => pass.name.to_owned(),
            false => format!("{}({})", pass.name, arguments.join(", ")),
        });
    }
    steps.join(", ")
}

/// Where reals are drawn from: an interval that most programs accept, and one of places inside a tensor.
const INTERVALS: [(f64, f64); 2] = [(-2.0, 2.0), (0.0, 0.875)];

/// Runs a pipeline on sizes and numbers that the program accepts; see [`keeps_meaning_on`].
fn keeps_meaning(original: &Graph, text: &str, seed: u64, tally: &Tally) -> Result<(), String> {
    let sizes = small_bindings(original);
    let mut random = Random(seed);
    let first = random.below(sizes.len() as u64) as usize;
    let mut undecided = None;
    for reals in INTERVALS {
        for bindings in sizes.iter().cycle().skip(first).take(sizes.len()) {
            let question = Question { bindings, seed, reals, floats_only: false };
            let checks = keeps_meaning_on(original, text, &mut random, question)?;
            if checks.contains(&Check::Undecided) {
                undecided.get_or_insert(checks);
            } else if !checks.contains(&Check::Refused) {
                count(tally, checks);
                return Ok(());
            }
        }
    }
    count(tally, undecided.ok_or_else(|| format!("`{text}`: the program refuses all operands"))?);
    Ok(())
}

fn count(tally: &Tally, checks: [Check; 2]) {
    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
    checks.into_iter().for_each(|check| *tally.entry(check).or_default() += 1);
}

/// Runs a pipeline, verifying after every pass, and compares the graph and the loops that it makes with
/// the graph that it was given.
fn keeps_meaning_on(
    original: &Graph,
    text: &str,
    random: &mut Random,
    question: Question,
) -> Result<[Check; 2], String> {
    let bindings = question.bindings;
    let pipeline = Pipeline::parse(text).map_err(|error| format!("{text}: {error}"))?;
    let contract = [Contract::Strict, Contract::Reassoc][random.below(2) as usize];
    // Half of the pipelines leave the symbols open, so that `specialise` has nothing to do.
    let known = if random.below(2) == 0 { bindings.clone() } else { Bindings::new() };
    // Little memory makes slices where the sizes are known.
    let memory = [None, Some(random.below(400))][random.below(2) as usize];
    let context = PassContext { verify: true, memory, ..PassContext::new(contract, known) };
    let report = |error: String| format!("`{text}` with {bindings:?}, {}: {error}", contract.name());

    let mut graph = original.clone();
    pipeline.run_graph(&mut graph, &context, &mut Quiet).map_err(|error| report(error.to_string()))?;
    let of_graph = same(original, &graph, question).map_err(|error| report(format!("{error}\n{graph}")))?;
    let mut func = tcc_passes::lower::lower(&graph, &context).map_err(|error| report(error.to_string()))?;
    pipeline.run_loops(&mut func, &context, &mut Quiet).map_err(|error| report(error.to_string()))?;
    // Lengths that are open at the lowering make roots of unity cosines.
    let transforms = graph.nodes.iter().any(|node| matches!(node.op, Op::Transform { .. }));
    let floats_only = text.contains("expand_math") || (transforms && !graph.symbols.is_empty());
    let of_loops = same(original, &func, Question { floats_only, ..question })
        .map_err(|error| report(format!("{error}\n{graph}\n{func}")))?;
    Ok([of_graph, of_loops])
}
