//! `tcc run`: runs a program on data.

use super::program::{Loaded, ProgramArguments, about};
use super::session::{Exit, Failure, Session};
use super::summary;
use crate::cache::CodeOrigin;
use crate::operand::bind::{Bound, Missing, expected};
use crate::operand::compare::{Verdict, compare};
use crate::operand::npz::Pack;
use crate::operand::write::{Files, final_place};
use crate::operand::{shown, size};
use crate::specialised::Specialised;
use crate::{Array, Dtype, Error, Output};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tcc_ir::graph::Graph;
use tcc_ir::{Ir, Native, Reference, Tensor};

/// Run a program on data and print a summary of every result
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  tcc run -e 'C[i,k] += A[i,j]*B[j,k]' A=rand:64x128 B=rand:128x32
  tcc run attention.ein pack.npz -o O=o.npy
  tcc run attention.ein pack.npz --expect pack.npz --tol 1e-5
  tcc run attention.ein --demo

Generators: rand makes normal numbers with seed 0 (rand(7): seed 7) in the declared dtype, f32 where
none is declared; integers are -8 to 8. ones, zeros, eye and arange do what they say.")]
pub struct Arguments {
    #[command(flatten)]
    program: ProgramArguments,
    /// Write results: NAME=FILE.npy, or FILE.npz for all, or FILE.npy if there is only one
    #[arg(short = 'o', long = "output", value_name = "[NAME=]FILE", help_heading = "Results")]
    output: Vec<String>,
    /// Print every element
    #[arg(long, value_name = "WHAT", value_parser = ["summary", "full"], default_value = "summary", help_heading = "Results")]
    print: String,
    /// Compare with the members NAME or out_NAME of a .npz file; exit 3 if one differs
    #[arg(long, value_name = "PACK.npz", help_heading = "Checks")]
    expect: Option<PathBuf>,
    /// Largest relative error that `--expect` accepts
    #[arg(long, value_name = "TOLERANCE", default_value = "1e-5", value_parser = parse_tolerance, help_heading = "Checks")]
    tol: f64,
    /// Make up what is not given, and compare with the f64 reference
    #[arg(long, help_heading = "Checks")]
    demo: bool,
}

/// Where one result goes.
struct Destinations {
    /// `NAME=FILE.npy`
    named: Vec<(String, PathBuf)>,
    /// `FILE.npz`
    packs: Vec<PathBuf>,
}

/// Everything that is reported.
struct Report<'a> {
    loaded: &'a Loaded,
    bound: &'a Bound,
    outputs: &'a [Output],
    /// Whether every element is reported.
    full: bool,
    /// Name of the output (empty: all of them) and the file it is in.
    written: Vec<(String, PathBuf)>,
    /// Where the code comes from.
    origin: CodeOrigin,
    /// Programs that this process has compiled.
    compiled: u64,
    compile: Duration,
    run: Duration,
    checks: Vec<Checked>,
    /// Members of the expected results that nothing was compared with.
    skipped: Vec<String>,
}

/// The comparison of one output.
struct Checked {
    output: String,
    against: String,
    verdict: Option<Verdict>,
    /// What was computed and what was expected, as `f32[8, 64]`; alike where there is no member.
    types: [String; 2],
    tolerance: f64,
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let missing = if arguments.demo { Missing::MakeUp } else { Missing::Refuse };
    let (loaded, bound) = arguments.program.bind(session, missing)?;
    let names: Vec<String> = loaded.program.graph.outputs.iter().map(|o| o.name.to_string()).collect();
    let destinations = Destinations::parse(&arguments.output, &names)?;
    let started = Instant::now();
    let compiled =
        Specialised::with_bindings(&loaded.compiler, &loaded.program, &bound.bindings, &bound.numbers);
    let code = compiled.map_err(|error| about(error, &loaded.source))?;
    let compile = started.elapsed();
    for note in code.notes() {
        session.detail(|| note.clone());
    }
    let operands: Vec<&Array> = bound.arrays.iter().collect();
    let started = Instant::now();
    let outputs = code.run(&operands).map_err(|error| about(error, &loaded.source))?;
    let run = started.elapsed();
    let (mut checks, mut skipped) = (Vec::new(), Vec::new());
    if let Some(pack) = &arguments.expect {
        (checks, skipped) = check_expected(&arguments, pack, &loaded.program.graph, &outputs)?;
        if !skipped.is_empty() {
            let names = crate::operand::list(skipped.iter().map(String::as_str));
            session.note(&format!("not compared, the program does not produce: {names}"));
        }
    }
    if arguments.demo {
        checks.extend(check_reference(&loaded, &bound, &outputs)?);
    }
    let written = destinations.write(&outputs)?;
    let full = arguments.print == "full";
    let report = Report {
        loaded: &loaded,
        bound: &bound,
        outputs: &outputs,
        full,
        written,
        origin: code.code_origin(),
        compiled: loaded.compiler.target()?.images.map_or(0, |images| (images.compiled)()),
        compile,
        run,
        checks,
        skipped,
    };
    if session.json() {
        session.out_json(&report);
    } else {
        session.out_with(|out| report.write(out));
        let made = match code.code_origin() {
            CodeOrigin::Compiled => "compiled",
            CodeOrigin::Process | CodeOrigin::Folder => "loaded from the cache",
        };
        session.note(&format!(
            "{made} in {:.2} ms ({}), ran in {:.2} ms",
            milliseconds(compile),
            arguments.program.options().backend(),
            milliseconds(run)
        ));
    }
    session.detail(|| format!("passes: {}", loaded.compiler.passes()));
    session.detail(|| format!("working memory: {}", size(code.arena_bytes())));
    Ok(if report.checks.iter().all(Checked::is_fine) { Exit::Fine } else { Exit::CheckFailed })
}

impl Destinations {
    fn parse(words: &[String], outputs: &[String]) -> Result<Destinations, Failure> {
        let mut destinations = Destinations { named: Vec::new(), packs: Vec::new() };
        for word in words {
            match word.split_once('=') {
                Some((name, file)) if outputs.iter().any(|output| output == name) => {
                    if !file.ends_with(".npy") {
                        return Err(Failure::Usage(format!(
                            "`{word}`: one result is written to a .npy file"
                        )));
                    }
                    destinations.named.push((name.into(), file.into()));
                }
                Some((name, _)) => {
                    let known = outputs.join(", ");
                    return Err(Failure::Usage(format!("no output `{name}`; the program has: {known}")));
                }
                None if word.ends_with(".npz") => destinations.packs.push(word.into()),
                None if word.ends_with(".npy") && outputs.len() == 1 => {
                    destinations.named.push((outputs[0].clone(), word.into()));
                }
                None => {
                    return Err(Failure::Usage(format!(
                        "`-o {word}`: write NAME=FILE.npy for one result, or FILE.npz for all"
                    )));
                }
            }
        }
        let named = destinations.named.iter().map(|(_, path)| path);
        let mut places: Vec<PathBuf> =
            named.chain(&destinations.packs).map(|path| final_place(path)).collect();
        places.sort();
        match places.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => {
                Err(Failure::Usage(format!("`{}` is named for more than one result", pair[0].display())))
            }
            None => Ok(destinations),
        }
    }

    /// Writes all files or none; gives name of output (empty: all) and path.
    fn write(&self, outputs: &[Output]) -> Result<Vec<(String, PathBuf)>, Failure> {
        let mut files = Files::new();
        let mut written = Vec::new();
        for (name, path) in &self.named {
            let found = outputs.iter().find(|output| output.name == *name);
            let output = found.ok_or_else(|| Error::Bug(format!("no result `{name}`")))?;
            files.add_npy(path, &output.array)?;
            written.push((name.clone(), path.clone()));
        }
        for path in &self.packs {
            let all: Vec<(&str, &Array)> = outputs.iter().map(|o| (o.name.as_str(), &o.array)).collect();
            files.add_npz(path, &all)?;
            written.push((String::new(), path.clone()));
        }
        files.commit()?;
        Ok(written)
    }
}

/// Compares with the members of a file; also gives the members that are neither an output nor an operand
/// of the program.
fn check_expected(
    arguments: &Arguments,
    file: &Path,
    graph: &Graph,
    outputs: &[Output],
) -> Result<(Vec<Checked>, Vec<String>), Failure> {
    let mut pack = Pack::open(file)?;
    let names: Vec<&str> = outputs.iter().map(|output| output.name.as_str()).collect();
    let members = expected(&mut pack, &names, &arguments.program.options().limits())?;
    if members.iter().all(Option::is_none) {
        return Err(Failure::from(pack.none_of(&names, "out_")));
    }
    let inputs = graph.inputs.iter().map(|input| &*input.name);
    let given: Vec<&str> = inputs.chain(graph.symbols.iter().map(|symbol| &*symbol.name)).collect();
    let is_one_of = |member: &str, prefix: &str, known: &[&str]| {
        known.contains(&member.strip_prefix(prefix).unwrap_or(member))
    };
    let skipped = pack
        .members()
        .iter()
        .filter(|member| !is_one_of(member, "out_", &names) && !is_one_of(member, "in_", &given))
        .cloned()
        .collect();
    let checked = members.into_iter().zip(outputs).map(|(want, got)| Checked {
        output: got.name.clone(),
        against: shown(file),
        types: [&got.array, want.as_ref().unwrap_or(&got.array)].map(type_of),
        verdict: want.map(|want| compare(&got.array, &want, arguments.tol)),
        tolerance: arguments.tol,
    });
    Ok((checked.collect(), skipped))
}

/// Element type and shape: `f32[8, 64]`.
fn type_of(array: &Array) -> String {
    format!("{}{:?}", array.dtype(), array.shape())
}

/// Compares with the reference evaluation of the graph in f64. A result may be as far from it as the
/// plain evaluation in the program's own dtypes is: on data for which a program is ill-conditioned
/// no compiler does better.
fn check_reference(loaded: &Loaded, bound: &Bound, outputs: &[Output]) -> Result<Vec<Checked>, Failure> {
    let wanted = reference(loaded, bound)?;
    let mut checked = Vec::new();
    for ((want, tolerance), got) in wanted.into_iter().zip(outputs) {
        checked.push(Checked {
            output: got.name.clone(),
            against: "the f64 reference".into(),
            types: [&got.array, &want].map(type_of),
            verdict: Some(compare(&got.array, &want, tolerance)),
            tolerance,
        });
    }
    Ok(checked)
}

/// What the program means, in f64, and how far a result may be from it.
pub fn reference(loaded: &Loaded, bound: &Bound) -> Result<Vec<(Array, f64)>, Failure> {
    let graph = &loaded.program.graph;
    let wanted = graph
        .eval::<Reference>(&reference_inputs(loaded, bound)?, &bound.bindings)
        .map_err(|error| about(error.into(), &loaded.source))?;
    let native =
        graph.eval::<Native>(&reference_inputs(loaded, bound)?, &bound.bindings).map_err(Error::from)?;
    let mut all = Vec::new();
    for (want, native) in wanted.into_iter().zip(native) {
        let (dtype, want) = (want.dtype, in_full_width(want).map_err(Error::from)?);
        let loss = match compare(&native.to_array().map_err(Error::from)?, &want, 0.0) {
            Verdict::Differs { error, .. } | Verdict::Equal(error) => 16.0 * error,
            Verdict::Shape | Verdict::Kind => 0.0,
        };
        all.push((want, loss.max(tolerance(dtype))));
    }
    Ok(all)
}

/// The operands and parameters of a program as tensors, in order of declaration.
pub fn reference_inputs<D: tcc_ir::Domain>(
    loaded: &Loaded,
    bound: &Bound,
) -> Result<Vec<Tensor<D>>, Failure> {
    let mut arrays = bound.arrays.iter();
    let mut inputs = Vec::new();
    for input in &loaded.program.graph.inputs {
        if input.param.is_some() {
            let value = crate::specialised::parameter(input, &bound.numbers)?;
            let tensor = Tensor::from_f64s(input.ty.dtype, &[], &[value]);
            inputs.push(tensor.ok_or_else(|| Error::Bug("a parameter is no number".into()))?);
        } else {
            let array = arrays.next().ok_or_else(|| Error::Bug("an operand is missing".into()))?;
            inputs.push(Tensor::from_array(array));
        }
    }
    Ok(inputs)
}

/// The tensor's numbers without rounding to a narrow dtype.
pub fn in_full_width(mut tensor: Tensor<Reference>) -> Result<Array, tcc_ir::EvalError> {
    tensor.dtype = match tensor.dtype {
        Dtype::F16 | Dtype::BF16 | Dtype::F32 => Dtype::F64,
        Dtype::C64 => Dtype::C128,
        other => other,
    };
    tensor.to_array()
}

/// How far a result may be from the reference.
pub fn tolerance(dtype: Dtype) -> f64 {
    match dtype.part() {
        Dtype::F16 => 2e-2,
        Dtype::BF16 => 1e-1,
        Dtype::F32 => 1e-4,
        _ => 1e-9,
    }
}

impl Checked {
    fn is_fine(&self) -> bool {
        matches!(self.verdict, Some(Verdict::Equal(_)))
    }

    fn text(&self) -> String {
        let Checked { output, against, tolerance, types: [computed, expected], .. } = self;
        match &self.verdict {
            Some(Verdict::Equal(_)) if tolerance.is_infinite() => {
                format!("{output} : cannot be judged: on these data it overflows in its own dtype\n")
            }
            Some(Verdict::Equal(error)) => {
                format!("{output} : equal to {against} (error {error:.1e}, tolerance {tolerance:.1e})\n")
            }
            Some(Verdict::Shape) => {
                format!("{output} : another shape than in {against}: {computed}, expected {expected}\n")
            }
            Some(Verdict::Kind) => {
                format!(
                    "{output} : another kind of number than in {against}: {computed}, expected {expected}\n"
                )
            }
            Some(Verdict::Differs { index, got, want, error }) => {
                let index: Vec<String> = index.iter().map(usize::to_string).collect();
                let place =
                    if index.is_empty() { output.clone() } else { format!("{output}[{}]", index.join(",")) };
                format!(
                    "{output} : differs from {against}: {place} is {got}, expected {want} (error {error:.1e}, tolerance {tolerance:.1e})\n"
                )
            }
            None => format!("{output} : no member in {against}\n"),
        }
    }

    fn json(&self) -> Value {
        let [computed, expected] = &self.types;
        let verdict = match &self.verdict {
            Some(Verdict::Equal(error)) => json!({ "verdict": "equal", "error": error }),
            Some(Verdict::Shape) => json!({ "verdict": "shape", "got": computed, "expected": expected }),
            Some(Verdict::Kind) => json!({ "verdict": "kind", "got": computed, "expected": expected }),
            Some(Verdict::Differs { index, got, want, error }) => {
                let (got, want) = (summary::number_json(got), summary::number_json(want));
                json!({ "verdict": "differs", "index": index, "got": got, "expected": want, "error": error })
            }
            None => json!({ "verdict": "missing" }),
        };
        let mut all = json!({ "output": self.output, "against": self.against, "tolerance": self.tolerance });
        if let (Some(all), Some(verdict)) = (all.as_object_mut(), verdict.as_object()) {
            all.extend(verdict.clone());
        }
        all
    }
}

impl Report<'_> {
    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for output in self.outputs {
            let bytes = size(output.array.bytes().len() as u64);
            let files: Vec<String> = self
                .written
                .iter()
                .filter(|(name, _)| *name == output.name)
                .map(|(_, path)| format!("{} -> {} ({bytes})\n", summary::head(output), path.display()))
                .collect();
            match files.as_slice() {
                [] => out.write_all(summary::line(output).as_bytes())?,
                files => out.write_all(files.concat().as_bytes())?,
            }
            if self.full {
                summary::write_elements(&output.array, out)?;
            }
        }
        for (_, path) in self.written.iter().filter(|(name, _)| name.is_empty()) {
            writeln!(out, "all results -> {}", path.display())?;
        }
        self.checks.iter().try_for_each(|check| out.write_all(check.text().as_bytes()))
    }

    /// Values of all sizes; of an expression, whose sizes are numbers, those of its indices.
    fn sizes(&self) -> serde_json::Map<String, Value> {
        let rows = self.loaded.program.sizes.iter().filter(|_| self.loaded.source.expression);
        let indices = rows.filter_map(|row| Some((row.index.clone(), json!(row.extent.as_const()?))));
        let symbols = self.bound.bindings.iter().map(|(name, value)| (name.to_string(), json!(value)));
        indices.chain(symbols).collect()
    }
}

impl Serialize for Report<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let outputs: Vec<summary::Json<'_>> =
            self.outputs.iter().map(|output| summary::Json { output, full: self.full }).collect();
        let files: Vec<String> = self.written.iter().map(|(_, path)| path.display().to_string()).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("schema", "tcc.run/1")?;
        map.serialize_entry("file", &self.loaded.source.name)?;
        map.serialize_entry("sizes", &self.sizes())?;
        map.serialize_entry("outputs", &outputs)?;
        map.serialize_entry("files", &files)?;
        map.serialize_entry("checks", &self.checks.iter().map(Checked::json).collect::<Vec<_>>())?;
        map.serialize_entry("not_compared", &self.skipped)?;
        map.serialize_entry("code_from", self.origin.name())?;
        map.serialize_entry("compiled", &self.compiled)?;
        map.serialize_entry("compile_ms", &milliseconds(self.compile))?;
        map.serialize_entry("run_ms", &milliseconds(self.run))?;
        map.end()
    }
}

/// A tolerance: a number that is 0 or more.
fn parse_tolerance(text: &str) -> Result<f64, String> {
    let tolerance = text.parse().ok().filter(|tolerance: &f64| tolerance.is_finite() && *tolerance >= 0.0);
    tolerance.ok_or_else(|| "a tolerance is a number such as 1e-5".into())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
