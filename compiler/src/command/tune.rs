//! `tcc tune`: tries other arguments of the passes, and times those that the model likes best.

use super::bench::{compiled, parse_seconds};
use super::explain::time;
use super::program::{ProgramArguments, about};
use super::session::{self, Exit, Failure, Session};
use super::table::table;
use super::timing::interleaved;
use crate::operand::bind::Missing;
use crate::operand::write::Files;
use crate::specialised::Specialised;
use crate::{Array, Cache, Compiler, Error};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use tcc_backends::Target;
use tcc_passes::cost::MACHINE;
use tcc_passes::loops::estimate;
use tcc_passes::{LOOP_PASSES, Pipeline, Quiet, Recipe, find};

/// Search for the pipeline that runs a program fastest on this machine
#[derive(clap::Args)]
#[command(after_help = "\
  tcc tune attention.ein Q=rand:512x64 K=rand:512x64 V=rand:512x64 -o attention.recipe
  tcc run attention.ein --recipe attention.recipe ..

Candidates differ in the arguments of the loop passes (lanes, tiles, factors) and in whether some of them run. The
cost model ranks all of them; the best few are timed, beside the pipeline that was asked for.")]
pub struct Arguments {
    #[command(flatten)]
    program: ProgramArguments,
    /// Most candidates that are ranked
    #[arg(long, value_name = "COUNT", default_value_t = 96, value_parser = clap::value_parser!(u32).range(1..=4096), help_heading = "Search")]
    candidates: u32,
    /// How many of them are timed
    #[arg(long, value_name = "COUNT", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=64), help_heading = "Search")]
    top: u32,
    /// About how many seconds the timing may take
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = parse_seconds, help_heading = "Search")]
    time: f64,
    /// Write the recipe of the fastest, for --recipe
    #[arg(short = 'o', value_name = "FILE", help_heading = "Results")]
    output: Option<PathBuf>,
}

/// A pipeline with what the model says.
struct Candidate {
    compiler: Compiler,
    /// What differs from the pipeline that was asked for.
    changes: String,
    cycles: f64,
}

/// One line of the result.
struct Row {
    /// Place in the order of the model, from 1.
    rank: usize,
    changes: String,
    cycles: f64,
    /// Seconds.
    median: f64,
    /// How many times as fast as the pipeline that was asked for.
    speedup: f64,
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let (loaded, bound) = arguments.program.bind(session, Missing::MakeUp)?;
    let failed = |error: Error| about(error, &loaded.source);
    session::interrupt_finishes();
    let base = loaded.compiler.clone().cache(Cache::Off);
    let mut seen: BTreeMap<String, ()> = BTreeMap::new();
    let mut candidates = Vec::new();
    let (mut same, mut tried) = (0, 0);
    for steps in variations(base.passes(), arguments.candidates as usize) {
        if tried > 0 && session::interrupted() {
            break;
        }
        tried += 1;
        let compiler = base.clone().pipeline(&steps)?;
        let func = compiler.lower(&loaded.program.graph, &bound.bindings, &mut Quiet).map_err(failed)?;
        if seen.insert(func.to_string(), ()).is_some() {
            same += 1;
            continue;
        }
        let Some(cost) = estimate::total(&func, &bound.bindings, &MACHINE) else { continue };
        let changes = changes(base.passes(), compiler.passes());
        candidates.push(Candidate { compiler, changes, cycles: cost.cycles });
    }
    session.detail(|| format!("{tried} pipelines, {same} of them make the same loops as another"));
    // The one that was asked for comes first whatever the model says, then the best.
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by(|&a, &b| candidates[a].cycles.total_cmp(&candidates[b].cycles).then(a.cmp(&b)));
    let rank = |at: usize| order.iter().position(|&other| other == at).unwrap_or_default() + 1;
    let mut timed: Vec<usize> = vec![0];
    timed.extend(order.iter().copied().filter(|&at| at != 0).take(arguments.top as usize));
    timed.retain(|&at| at < candidates.len());
    let mut codes: Vec<Specialised> = Vec::new();
    for &at in &timed {
        codes.push(compiled(&candidates[at].compiler, &loaded, &bound).map_err(failed)?.0);
    }
    let codes: Vec<&Specialised> = codes.iter().collect();
    let operands: Vec<&Array> = bound.arrays.iter().collect();
    let times =
        interleaved(&codes, &operands, 200, Duration::from_secs_f64(arguments.time)).map_err(failed)?;
    let Some(first) = times.first() else {
        return Err(Failure::Usage("nothing to tune: no pipeline has a cost".into()));
    };
    let mut rows: Vec<(usize, Row)> = Vec::new();
    for (&at, times) in timed.iter().zip(&times) {
        let candidate = &candidates[at];
        let row = Row {
            rank: rank(at),
            changes: candidate.changes.clone(),
            cycles: candidate.cycles,
            median: times.median(),
            speedup: first.ratio(times),
        };
        rows.push((at, row));
    }
    rows.sort_by(|a, b| b.1.speedup.total_cmp(&a.1.speedup).then(a.1.rank.cmp(&b.1.rank)));
    let winner = rows.first().map_or(0, |(at, _)| *at);
    let compiler = &candidates[winner].compiler;
    if let Some(path) = &arguments.output {
        let recipe =
            Recipe::new(compiler.passes(), &compiler.context(&bound.bindings), &Target::default().machine());
        let mut files = Files::new();
        files.add(path, |file| file.write_all(recipe.to_string().as_bytes()))?;
        files.commit()?;
        session.note(&format!("recipe of the fastest -> {}", path.display()));
    }
    let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    if session.json() {
        session.out_json(&json(&loaded.source.name, &rows, tried, candidates.len(), compiler));
    } else {
        session.out(&text(&rows, candidates.len(), compiler));
    }
    Ok(if session::interrupted() { Exit::Interrupted } else { Exit::Fine })
}

/// Pipelines as text, the given one first: every choice of the arguments of its loop passes, with and
/// without passes that need not run.
fn variations(pipeline: &Pipeline, most: usize) -> Vec<String> {
    // Each step as the forms that it may take; the first is its own.
    let mut dimensions: Vec<Vec<String>> = Vec::new();
    let own: Vec<String> = pipeline.loops.iter().map(ToString::to_string).collect();
    let has = |name: &str| pipeline.loops.iter().any(|step| step.pass.name == name);
    for (step, own) in pipeline.loops.iter().zip(&own) {
        let vectorize = step.pass.name == "vectorize";
        if vectorize && !has("tile") {
            dimensions.push(optional("tile"));
        }
        let mut forms = vec![own.clone()];
        if let [param] = step.pass.params {
            let others = param.choices.iter().map(|choice| format!("{}({choice})", step.pass.name));
            forms.extend(others.filter(|form| form != own));
        }
        if step.pass.name == "interchange" {
            forms.push(String::new());
        }
        dimensions.push(forms);
        if vectorize && !has("unroll") {
            dimensions.push(optional("unroll"));
        }
    }
    let graph: Vec<String> = pipeline.graph.iter().map(ToString::to_string).collect();
    let text = |choice: &[usize]| {
        let steps = dimensions.iter().zip(choice).map(|(forms, &at)| forms[at].as_str());
        let steps: Vec<&str> = steps.filter(|step| !step.is_empty()).collect();
        format!("{} | {}", graph.join(", "), steps.join(", "))
    };
    // Those that differ in few places come first, in a fixed order.
    let mut choices: Vec<Vec<usize>> = vec![vec![0; dimensions.len()]];
    let mut begin = 0;
    while begin < choices.len() && choices.len() < most {
        let choice = choices[begin].clone();
        begin += 1;
        let last = choice.iter().rposition(|&at| at != 0).map_or(0, |at| at + 1);
        for (place, forms) in dimensions.iter().enumerate().skip(last) {
            for form in 1..forms.len() {
                let mut next = choice.clone();
                next[place] = form;
                choices.push(next);
            }
        }
    }
    choices.truncate(most);
    choices.iter().map(|choice| text(choice)).collect()
}

/// A pass that does not run, or runs with one of its arguments.
fn optional(name: &str) -> Vec<String> {
    let choices = find(LOOP_PASSES, name).and_then(|pass| pass.params.first()).map_or(&[][..], |p| p.choices);
    std::iter::once(String::new()).chain(choices.iter().map(|choice| format!("{name}({choice})"))).collect()
}

/// What one pipeline has that the other has not.
fn changes(from: &Pipeline, to: &Pipeline) -> String {
    let steps =
        |pipeline: &Pipeline| -> Vec<String> { pipeline.loops.iter().map(ToString::to_string).collect() };
    let (from, to) = (steps(from), steps(to));
    let name = |step: &str| step.split('(').next().unwrap_or_default().to_owned();
    let added = to.iter().filter(|step| !from.contains(step)).cloned();
    let dropped = from.iter().filter(|step| !to.iter().any(|other| name(other) == name(step)));
    let all: Vec<String> = added.chain(dropped.map(|step| format!("no {}", name(step)))).collect();
    if all.is_empty() { "as asked for".into() } else { all.join(", ") }
}

fn text(rows: &[Row], ranked: usize, winner: &Compiler) -> String {
    let cells: Vec<[String; 5]> = rows
        .iter()
        .map(|row| {
            [
                row.changes.clone(),
                row.rank.to_string(),
                time(row.cycles / (MACHINE.gigahertz * 1e9)),
                time(row.median),
                format!("{:.2}x", row.speedup),
            ]
        })
        .collect();
    let mut text = table(["pipeline", "rank", "model", "measured", "speedup"], &cells);
    text.push_str(&format!("{} of {ranked} different candidates timed\n", rows.len()));
    text.push_str(&format!("fastest    {}\n", winner.passes()));
    text
}

fn json(file: &str, rows: &[Row], tried: usize, ranked: usize, winner: &Compiler) -> Value {
    let results: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "changes": row.changes, "rank": row.rank, "cycles": row.cycles,
                "median_ms": row.median * 1e3, "speedup": row.speedup,
            })
        })
        .collect();
    json!({
        "schema": "tcc.tune/1", "file": file, "tried": tried, "ranked": ranked,
        "pipeline": winner.passes().to_string(), "results": results,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variations_are_pipelines_and_begin_with_the_given_one() {
        let base = Pipeline::level("O2").expect("a level");
        let all = variations(&base, 96);
        assert_eq!(all.len(), 96);
        let parsed: Vec<Pipeline> = all.iter().map(|text| Pipeline::parse(text).expect(text)).collect();
        assert_eq!(parsed[0], base);
        let mut texts: Vec<String> = parsed.iter().map(ToString::to_string).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 96, "each only once");
        for wanted in ["vectorize(8)", "tile(32)", "unroll(4)", "no interchange"] {
            assert!(parsed.iter().any(|pipeline| changes(&base, pipeline) == wanted), "{wanted}");
        }
    }
}
