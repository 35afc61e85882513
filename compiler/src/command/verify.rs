//! `tcc verify`: compares every stage of a compilation with the meaning of the program.
//!
//! The ladder: exact arithmetic modulo a prime, where the program is algebraic (a difference there is
//! always a bug); small integers, on which float operations are exact in most programs; floats, within
//! a tolerance that the dtype of each result sets.

use super::program::{Loaded, ProgramArguments, about};
use super::run::{in_full_width, reference, reference_inputs};
use super::session::{Exit, Failure, Session};
use super::table::table;
use crate::operand::bind::{Bound, Missing};
use crate::operand::compare::{Verdict, compare};
use crate::operand::generate::{Random, fill};
use crate::{Array, Error};
use serde_json::{Value, json};
use tcc_ir::dtype::Kind;
use tcc_ir::graph::Graph;
use tcc_ir::loops::Func;
use tcc_ir::{Bindings, Domain, EvalError, Exact, Ir, Native, Reference, SymbolDecl, Tensor};
use tcc_passes::{Changed, PassObserver};

/// Compare every stage of a compilation with the meaning of the program
#[derive(clap::Args)]
#[command(after_help = "Operands that are not given are made up, sizes too. Exit 3: a stage differs.")]
pub struct Arguments {
    #[command(flatten)]
    program: ProgramArguments,
    /// Compare after every pass that changed the program, not only where a level ends (if something is wrong
    /// there, every pass is compared anyway)
    #[arg(long, help_heading = "Comparison")]
    each_pass: bool,
}

/// The program after a pass.
enum Stage {
    Graph(Graph),
    Loops(Func),
}

/// A stage with what is known of it.
struct Passed {
    /// The pass that made it.
    pass: String,
    stage: Stage,
    /// Elementary functions are polynomials from here on, which mean something in floats only.
    expanded: bool,
}

/// Collects the stages that differ from the one before.
#[derive(Default)]
struct Stages(Vec<Passed>);

impl Stages {
    fn add(&mut self, pass: &str, stage: Stage) {
        let expanded = pass == "expand_math" || self.0.last().is_some_and(|last| last.expanded);
        self.0.push(Passed { pass: pass.to_owned(), stage, expanded });
    }
}

impl PassObserver for Stages {
    fn graph(&mut self, pass: &str, position: usize, graph: &Graph, changed: Changed) {
        if position == 0 || changed.is_yes() {
            self.add(pass, Stage::Graph(graph.clone()));
        }
    }

    fn loops(&mut self, pass: &str, _: usize, func: &Func, changed: Changed) {
        if changed.is_yes() {
            self.add(pass, Stage::Loops(func.clone()));
        }
    }
}

/// One cell of the table.
enum Outcome {
    /// The same numbers.
    Equal,
    /// Within the tolerance.
    Close(f64),
    /// The check has no meaning here; why.
    None(String),
    /// Another number; where.
    Differs(String),
}

impl Outcome {
    fn text(&self) -> String {
        match self {
            Outcome::Equal => "equal".into(),
            Outcome::Close(error) if error.is_infinite() => "- (overflows in its own dtype)".into(),
            Outcome::Close(error) => format!("{error:.1e}"),
            Outcome::None(why) => format!("- ({why})"),
            Outcome::Differs(place) => format!("DIFFERS at {place}"),
        }
    }

    fn json(&self) -> Value {
        match self {
            Outcome::Equal => json!({ "outcome": "equal", "error": 0.0, "about": null }),
            Outcome::Close(error) => json!({ "outcome": "close", "error": error, "about": null }),
            Outcome::None(why) => json!({ "outcome": "none", "error": null, "about": why }),
            Outcome::Differs(place) => json!({ "outcome": "differs", "error": null, "about": place }),
        }
    }

    fn is_wrong(&self) -> bool {
        matches!(self, Outcome::Differs(_))
    }
}

/// One row of the table.
struct Row {
    stage: String,
    exact: Outcome,
    integers: Outcome,
    floats: Outcome,
}

impl Row {
    fn is_wrong(&self) -> bool {
        [&self.exact, &self.integers, &self.floats].into_iter().any(Outcome::is_wrong)
    }
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let (loaded, bound) = arguments.program.bind(session, Missing::MakeUp)?;
    let mut stages = Stages::default();
    let lowered = loaded.compiler.lower(&loaded.program.graph, &bound.bindings, &mut stages);
    let func = lowered.map_err(|error| about(error, &loaded.source))?;
    let ends = if arguments.each_pass { stages.0.iter().collect() } else { ends(&stages.0) };
    let mut rows = compare_stages(&loaded, &bound, &ends, &func)?;
    if ends.len() < stages.0.len() && rows.iter().any(Row::is_wrong) {
        rows = compare_stages(&loaded, &bound, &stages.0.iter().collect::<Vec<_>>(), &func)?;
    }
    let wrong = rows.iter().find(|row| row.is_wrong());
    let verdict = if wrong.is_some() { "mismatch" } else { "equal" };
    if session.json() {
        let stages: Vec<Value> = rows.iter().map(|row| json!({
            "stage": row.stage, "exact": row.exact.json(), "integers": row.integers.json(), "floats": row.floats.json(),
        })).collect();
        session.out_json(&json!({
            "schema": "tcc.verify/1", "file": loaded.source.name, "verdict": verdict,
            "stage": wrong.map(|row| &row.stage), "stages": stages,
        }));
    } else {
        let cells: Vec<[String; 4]> = rows
            .iter()
            .map(|r| [r.stage.clone(), r.exact.text(), r.integers.text(), r.floats.text()])
            .collect();
        session.out(&table(["stage", "exact mod p", "small integers", "floats"], &cells));
        session.out(&match wrong {
            None => format!("{}: all stages agree\n", loaded.source.name),
            Some(row) => format!("{}: first wrong after `{}`\n", loaded.source.name, row.stage),
        });
    }
    if wrong.is_some() && !session.json() {
        let name = &loaded.source.name;
        session
            .hint(&format!("which rewrite it is: tcc bisect {name} .., and smaller: tcc reduce {name} .."));
    }
    Ok(if wrong.is_some() { Exit::CheckFailed } else { Exit::Fine })
}

/// The stages at which a level begins or ends.
fn ends(stages: &[Passed]) -> Vec<&Passed> {
    let graphs = stages.iter().filter(|passed| matches!(passed.stage, Stage::Graph(_))).count();
    let last = stages.len().saturating_sub(1);
    let end = |place: usize| place == 0 || place + 1 == graphs || place == graphs || place == last;
    stages.iter().enumerate().filter(|(place, _)| end(*place)).map(|(_, stage)| stage).collect()
}

/// Expected results and how far a result may be from each.
type Wanted = Vec<(Array, f64)>;

/// All operands or all results.
type Tensors<D> = Vec<Tensor<D>>;

/// Inputs and expected results of the three rungs.
struct Ladder {
    exact: (Tensors<Exact>, Result<Tensors<Exact>, EvalError>),
    integers: (Tensors<Native>, Tensors<Reference>, Option<Wanted>),
    floats: (Tensors<Native>, Wanted),
}

fn compare_stages(
    loaded: &Loaded,
    bound: &Bound,
    stages: &[&Passed],
    last: &Func,
) -> Result<Vec<Row>, Failure> {
    let graph = &loaded.program.graph;
    let small = small_integers(loaded, bound)?;
    let exact_inputs = reference_inputs::<Exact>(loaded, bound)?;
    let integer_inputs = reference_inputs::<Reference>(loaded, &small)?;
    let ladder = Ladder {
        exact: (exact_inputs.clone(), graph.eval(&exact_inputs, &bound.bindings)),
        integers: (reference_inputs(loaded, &small)?, integer_inputs, reference(loaded, &small).ok()),
        floats: (reference_inputs(loaded, bound)?, reference(loaded, bound)?),
    };
    let mut rows = Vec::new();
    for Passed { pass, stage, expanded } in stages {
        rows.push(match stage {
            Stage::Graph(graph) => ladder.row(pass, graph, &open(&graph.symbols, bound), loaded, *expanded),
            Stage::Loops(func) => ladder.row(pass, func, &open(&func.symbols, bound), loaded, *expanded),
        });
    }
    rows.push(backend_row(loaded, bound, &small, &ladder, last)?);
    Ok(rows)
}

/// Values of the symbols that a stage still has; it refuses values for others.
fn open(symbols: &[SymbolDecl], bound: &Bound) -> Bindings {
    let known = symbols.iter().filter_map(|s| Some((s.name.clone(), *bound.bindings.get(&s.name)?)));
    known.collect()
}

impl Ladder {
    /// Compares one stage on every rung.
    fn row<I: Ir>(&self, name: &str, stage: &I, open: &Bindings, loaded: &Loaded, expanded: bool) -> Row {
        let outputs: Vec<&str> = loaded.program.graph.outputs.iter().map(|o| &*o.name).collect();
        let exact = match (&self.exact.1, expanded) {
            (_, true) => Outcome::None("math is expanded".into()),
            (Err(error), _) => Outcome::None(error.to_string()),
            (Ok(want), _) => match stage.eval::<Exact>(&self.exact.0, open) {
                Ok(got) => same_tensors(&outputs, &got, want),
                Err(error @ EvalError::Domain(_)) => Outcome::None(error.to_string()),
                Err(error) => Outcome::Differs(error.to_string()),
            },
        };
        let arrays =
            |all: Vec<Tensor<Native>>| all.iter().map(Tensor::to_array).collect::<Result<Vec<_>, _>>();
        let wide =
            |all: Vec<Tensor<Reference>>| all.into_iter().map(in_full_width).collect::<Result<Vec<_>, _>>();
        let integers = match (&self.integers.2, expanded) {
            (None, _) => Outcome::None("no value".into()),
            // Polynomials are as accurate as their dtype: f64 arithmetic does not make them better.
            (Some(want), true) => {
                judge(&outputs, stage.eval::<Native>(&self.integers.0, open).and_then(arrays), want, false)
            }
            (Some(want), false) => {
                judge(&outputs, stage.eval::<Reference>(&self.integers.1, open).and_then(wide), want, true)
            }
        };
        let got = stage.eval::<Native>(&self.floats.0, open).and_then(arrays);
        let floats = judge(&outputs, got, &self.floats.1, false);
        Row { stage: name.into(), exact, integers, floats }
    }
}

/// The compiled code itself, on integers and on floats.
fn backend_row(
    loaded: &Loaded,
    bound: &Bound,
    small: &Bound,
    ladder: &Ladder,
    last: &Func,
) -> Result<Row, Failure> {
    let name = loaded.compiler.target()?.name;
    let outputs: Vec<&str> = loaded.program.graph.outputs.iter().map(|o| &*o.name).collect();
    let call = |bound: &Bound| -> Result<Vec<Array>, Error> {
        let code = crate::specialised::Specialised::from_loops(
            &loaded.compiler,
            &loaded.program,
            last,
            &bound.bindings,
            &bound.numbers,
        )?;
        let operands: Vec<&Array> = bound.arrays.iter().collect();
        Ok(code.run(&operands)?.into_iter().map(|output| output.array).collect())
    };
    let floats = match call(bound) {
        Ok(got) => judge(&outputs, Ok(got), &ladder.floats.1, false),
        Err(error) => Outcome::Differs(error.to_string()),
    };
    let integers = match (&ladder.integers.2, call(small)) {
        (None, _) => Outcome::None("no value".into()),
        (Some(want), Ok(got)) => judge(&outputs, Ok(got), want, false),
        (Some(_), Err(error)) => Outcome::Differs(error.to_string()),
    };
    Ok(Row { stage: name.into(), exact: Outcome::None("machine code".into()), integers, floats })
}

/// The same run with small integers as the elements of float operands.
fn small_integers(loaded: &Loaded, bound: &Bound) -> Result<Bound, Failure> {
    let mut arrays = Vec::new();
    for (input, array) in crate::specialised::operands(&loaded.program.graph).zip(&bound.arrays) {
        let dtype = array.dtype();
        let keep = !matches!(dtype.kind(), Kind::Float | Kind::Complex) || input.range.is_some();
        let made = if keep {
            Some(array.clone())
        } else {
            let mut random = Random::new(1, &input.name);
            fill(dtype, array.shape(), &mut || (random.integer(-3, 3) as f64, random.integer(-3, 3) as f64))
        };
        arrays.push(made.ok_or_else(|| Error::Bug("small integers do not fit in memory".into()))?);
    }
    Ok(Bound { arrays, bindings: bound.bindings.clone(), numbers: bound.numbers.clone(), notes: Vec::new() })
}

fn same_tensors<D: Domain>(names: &[&str], got: &[Tensor<D>], want: &[Tensor<D>]) -> Outcome {
    for ((name, got), want) in names.iter().zip(got).zip(want) {
        if let Some(at) = got.data.iter().zip(&want.data).position(|(a, b)| a != b) {
            return Outcome::Differs(format!("element {at} of {name}"));
        }
    }
    Outcome::Equal
}

/// Compares arrays; `strict` where both sides are f64 arithmetic.
fn judge(names: &[&str], got: Result<Vec<Array>, EvalError>, want: &Wanted, strict: bool) -> Outcome {
    let got = match got {
        Ok(got) => got,
        Err(error) => return Outcome::Differs(error.to_string()),
    };
    let mut worst = 0.0f64;
    for ((name, got), (want, tolerance)) in names.iter().zip(&got).zip(want) {
        let tolerance = if strict { (tolerance * 1e-6).max(1e-9) } else { *tolerance };
        match compare(got, want, tolerance) {
            Verdict::Equal(error) => worst = worst.max(error),
            Verdict::Shape | Verdict::Kind => return Outcome::Differs(format!("the type of {name}")),
            Verdict::Differs { index, got, want, .. } => {
                return Outcome::Differs(format!("{name}{index:?}: {got}, expected {want}"));
            }
        }
    }
    if worst == 0.0 { Outcome::Equal } else { Outcome::Close(worst) }
}
