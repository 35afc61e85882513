//! `tcc bench`: times a program, alone or beside other ways to run it.

use super::explain::{amount, time};
use super::program::{Loaded, ProgramArguments, about};
use super::roofline::{self, Point};
use super::session::{self, Exit, Failure, Session};
use super::table::table;
use super::timing::{Times, interleaved};
use crate::operand::bind::{Bound, Missing};
use crate::operand::write::Files;
use crate::specialised::Specialised;
use crate::{Array, Cache, Compiler, Error};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tcc_backends::BACKENDS;
use tcc_frontend::diagnostic::nearest;
use tcc_passes::LEVELS;
use tcc_passes::cost::{Cost, MACHINE};
use tcc_passes::loops::count::Count;
use tcc_passes::loops::estimate;

/// Longest file of earlier results that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// Time a program, warm, beside other ways to run it
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  tcc bench attention.ein Q=rand:512x64 K=rand:512x64 V=rand:512x64
  tcc bench attention.ein --vs opt1,interp
  tcc bench attention.ein --save before.json
  tcc bench attention.ein --vs before.json --gate 5%

Operands that are not given are made up, always the same ones. All ways take turns in one run, and ratios compare
what ran next to each other; a ratio above 1 means that the other way takes longer. Ctrl-C ends it with what there is.")]
pub struct Arguments {
    #[command(flatten)]
    program: ProgramArguments,
    /// What to compare with: a backend (interp), a level (opt0 to opt3), or a file that --save wrote
    #[arg(long, value_name = "WHAT", value_delimiter = ',', help_heading = "Timing")]
    vs: Vec<String>,
    /// Most rounds
    #[arg(long, value_name = "ROUNDS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Timing")]
    runs: u32,
    /// No round begins after so many seconds
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = parse_seconds, help_heading = "Timing")]
    time: f64,
    /// Write the results for a later --vs
    #[arg(long, value_name = "FILE.json", help_heading = "Results")]
    save: Option<PathBuf>,
    /// Exit 3 if it takes so much longer than any of --vs
    #[arg(long, value_name = "PERCENT", value_parser = parse_percent, requires = "vs", help_heading = "Results")]
    gate: Option<f64>,
    /// Draw the results under the roofline of the cost model
    #[arg(long, value_name = "FILE.svg", help_heading = "Results")]
    roofline: Option<PathBuf>,
}

/// Something to compare with.
enum Rival {
    /// Another way to compile the program.
    Code(String, Box<Compiler>),
    /// Earlier results.
    Saved(String, Saved),
}

/// The results in a file.
#[derive(Clone, Copy)]
struct Saved {
    min: f64,
    median: f64,
}

/// One line of the results; times in seconds.
struct Row {
    name: String,
    min: f64,
    median: f64,
    deviation: Option<f64>,
    rounds: Option<usize>,
    calls: Option<u32>,
    compile: Option<f64>,
    /// How many times as long as the program it takes.
    ratio: f64,
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let (loaded, bound) = arguments.program.bind(session, Missing::MakeUp)?;
    let rivals = arguments
        .vs
        .iter()
        .map(|word| rival(word, &loaded.compiler, &loaded.source.name))
        .collect::<Result<Vec<_>, _>>()?;
    session::interrupt_finishes();
    session.detail(|| format!("timing for up to {} s; Ctrl-C ends it early", arguments.time));
    let rows = time_all(&loaded, &bound, &arguments, &rivals)?;
    let work = work(&loaded, &bound)?;
    if let Some(path) = &arguments.roofline {
        draw(path, &loaded, &rows, work)?;
        session.note(&format!("roofline -> {}", path.display()));
    }
    let object = json(&loaded, &bound, &rows, work);
    if let Some(path) = &arguments.save {
        let mut files = Files::new();
        files.add(path, |file| file.write_all(format!("{object:#}\n").as_bytes()))?;
        files.commit()?;
        session.note(&format!("results -> {}", path.display()));
    }
    if session.json() {
        session.out_json(&object);
    } else {
        session.out(&text(&rows, work));
    }
    if session::interrupted() {
        return Ok(Exit::Interrupted);
    }
    let Some(percent) = arguments.gate else { return Ok(Exit::Fine) };
    let slower = rows.iter().skip(1).find(|row| row.ratio * (1.0 + percent / 100.0) < 1.0);
    let Some(row) = slower else { return Ok(Exit::Fine) };
    let by = 100.0 * (1.0 / row.ratio - 1.0);
    session.complain("gate", &format!("{by:.1}% slower than {}, {percent}% are allowed", row.name));
    Ok(Exit::CheckFailed)
}

/// What a word after `--vs` stands for.
fn rival(word: &str, compiler: &Compiler, file: &str) -> Result<Rival, Failure> {
    if word.ends_with(".json") {
        return Ok(Rival::Saved(word.into(), read(word, file)?));
    }
    let other = compiler.clone().cache(Cache::Off);
    if BACKENDS.iter().any(|backend| backend.name == word) {
        return Ok(Rival::Code(word.into(), Box::new(other.backend(word)?)));
    }
    if let Some(level) = word.strip_prefix("opt").filter(|level| level.len() == 1)
        && let Ok(other) = other.level(level)
    {
        return Ok(Rival::Code(word.into(), Box::new(other)));
    }
    let levels: Vec<String> = LEVELS.iter().map(|level| format!("opt{}", &level.name[1..])).collect();
    let known: Vec<&str> =
        BACKENDS.iter().map(|backend| backend.name).chain(levels.iter().map(String::as_str)).collect();
    Err(Failure::Usage(match nearest(word, known.iter().copied()) {
        Some(near) => format!("`--vs {word}`: did you mean `{near}`?"),
        None => format!("`--vs {word}`: compare with {}, or a .json file of --save", known.join(", ")),
    }))
}

/// Reads results that `--save` wrote.
fn read(path: &str, program: &str) -> Result<Saved, Failure> {
    let mut text = String::new();
    let opened = crate::operand::open(Path::new(path))?;
    let wrong = |why: &str| Failure::Usage(format!("`{path}` has no results of `tcc bench --save`: {why}"));
    opened.take(LONGEST).read_to_string(&mut text).map_err(|error| wrong(&error.to_string()))?;
    let object: Value = serde_json::from_str(&text).map_err(|error| wrong(&error.to_string()))?;
    if object["schema"] != "tcc.bench/1" {
        return Err(wrong("it is something else"));
    }
    if object["file"] != program {
        return Err(wrong(&format!("they are of {}", object["file"])));
    }
    let number = |field: &str| object["results"][0][field].as_f64().filter(|&time| time > 0.0);
    match (number("min_ms"), number("median_ms")) {
        (Some(min), Some(median)) => Ok(Saved { min: min / 1e3, median: median / 1e3 }),
        _ => Err(wrong("times are missing")),
    }
}

fn time_all(
    loaded: &Loaded,
    bound: &Bound,
    arguments: &Arguments,
    rivals: &[Rival],
) -> Result<Vec<Row>, Failure> {
    let mut names = vec!["tcc".to_owned()];
    let mut compilers = vec![loaded.compiler.clone().cache(Cache::Off)];
    for rival in rivals {
        if let Rival::Code(name, compiler) = rival {
            names.push(name.clone());
            compilers.push((**compiler).clone());
        }
    }
    let failed = |error: Error| about(error, &loaded.source);
    let (mut codes, mut compile) = (Vec::new(), Vec::new());
    for compiler in &compilers {
        let (code, seconds) = compiled(compiler, loaded, bound).map_err(failed)?;
        codes.push(code);
        compile.push(seconds);
    }
    let codes: Vec<&Specialised> = codes.iter().collect();
    let operands: Vec<&Array> = bound.arrays.iter().collect();
    let limit = Duration::from_secs_f64(arguments.time);
    let all = interleaved(&codes, &operands, arguments.runs, limit).map_err(failed)?;
    let ours = &all[0];
    let row = |((name, times), compile): ((String, &Times), f64)| Row {
        name,
        min: times.min(),
        median: times.median(),
        deviation: Some(times.deviation()),
        rounds: Some(times.rounds.len()),
        calls: Some(times.calls),
        compile: Some(compile),
        ratio: times.ratio(ours),
    };
    let mut rows: Vec<Row> = names.into_iter().zip(&all).zip(compile).map(row).collect();
    for rival in rivals {
        if let Rival::Saved(name, saved) = rival {
            let (name, ratio) = (name.clone(), saved.median / ours.median());
            let Saved { min, median } = *saved;
            rows.push(Row {
                name,
                min,
                median,
                deviation: None,
                rounds: None,
                calls: None,
                compile: None,
                ratio,
            });
        }
    }
    Ok(rows)
}

/// Code, and the shortest of three times that it took to make it.
pub fn compiled(compiler: &Compiler, loaded: &Loaded, bound: &Bound) -> Result<(Specialised, f64), Error> {
    let once = || {
        let started = Instant::now();
        let code = Specialised::with_bindings(compiler, &loaded.program, &bound.bindings, &bound.numbers)?;
        Ok::<_, Error>((code, started.elapsed().as_secs_f64()))
    };
    let mut best = once()?;
    for _ in 0..2 {
        let next = once()?;
        if next.1 < best.1 {
            best = next;
        }
    }
    Ok(best)
}

/// What one call does, by the counts and the model.
fn work(loaded: &Loaded, bound: &Bound) -> Result<Option<Cost>, Failure> {
    struct BeforeMath(Option<tcc_ir::loops::Func>, Option<tcc_ir::loops::Func>);
    impl tcc_passes::PassObserver for BeforeMath {
        fn loops(&mut self, pass: &str, _: usize, func: &tcc_ir::loops::Func, _: tcc_passes::Changed) {
            if pass == "expand_math" {
                self.0 = self.0.take().or_else(|| self.1.take());
            }
            self.1 = Some(func.clone());
        }
    }
    let mut observer = BeforeMath(None, None);
    let func = loaded
        .compiler
        .lower(&loaded.program.graph, &bound.bindings, &mut observer)
        .map_err(|error| about(error, &loaded.source))?;
    let func = observer.0.unwrap_or(func);
    Ok(Count::of(&func, &bound.bindings).and(estimate::total(&func, &bound.bindings, &MACHINE)))
}

fn draw(path: &Path, loaded: &Loaded, rows: &[Row], work: Option<Cost>) -> Result<(), Failure> {
    let Some(work) = work.filter(|work| work.flops > 0.0 && work.bytes > 0.0) else {
        return Err(Failure::Usage("the program has no floating-point operations to draw".into()));
    };
    let point = |row: &Row| Point {
        name: row.name.clone(),
        intensity: work.flops / work.bytes,
        speed: work.flops / row.median,
    };
    let points: Vec<Point> = rows.iter().map(point).collect();
    let widths = loaded
        .program
        .graph
        .outputs
        .iter()
        .map(|output| loaded.program.graph.ty(output.value).dtype.part().size_bytes() as f64);
    let width = widths.fold(2.0, f64::max);
    let picture = roofline::svg(&format!("{}, one core", loaded.source.name), &points, width);
    let mut files = Files::new();
    files.add(path, |file| file.write_all(picture.as_bytes()))?;
    files.commit()?;
    Ok(())
}

fn text(rows: &[Row], work: Option<Cost>) -> String {
    let cell = |row: &Row| {
        let speed = work.filter(|work| work.flops > 0.0).map(|work| work.flops / row.median / 1e9);
        [
            row.name.clone(),
            time(row.median),
            time(row.min),
            row.deviation.map_or("-".into(), |deviation| format!("{:.1}%", 100.0 * deviation / row.median)),
            row.rounds.zip(row.calls).map_or("-".into(), |(rounds, calls)| format!("{rounds}x{calls}")),
            speed.map_or("-".into(), |speed| format!("{speed:.2}")),
            row.compile.map_or("-".into(), time),
            format!("{:.2}", row.ratio),
        ]
    };
    let cells: Vec<[String; 8]> = rows.iter().map(cell).collect();
    let head = ["way", "median", "min", "spread", "runs", "Gflop/s", "compiled in", "ratio"];
    let mut text = table(head, &cells);
    if let Some(work) = work {
        text.push_str(&format!(
            "one call: {} flops, {} bytes moved, {} by the model\n",
            amount(work.flops),
            amount(work.bytes),
            time(work.cycles / (MACHINE.gigahertz * 1e9))
        ));
    }
    text
}

fn json(loaded: &Loaded, bound: &Bound, rows: &[Row], work: Option<Cost>) -> Value {
    let sizes: serde_json::Map<String, Value> =
        bound.bindings.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
    let milliseconds = |seconds: f64| seconds * 1e3;
    let results: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "name": row.name, "min_ms": milliseconds(row.min), "median_ms": milliseconds(row.median),
                "mad_ms": row.deviation.map(milliseconds), "rounds": row.rounds, "calls": row.calls,
                "compile_ms": row.compile.map(milliseconds), "ratio": row.ratio,
            })
        })
        .collect();
    json!({
        "schema": "tcc.bench/1", "file": loaded.source.name, "sizes": sizes,
        "version": env!("CARGO_PKG_VERSION"), "flops": work.map(|work| work.flops),
        "moved_bytes": work.map(|work| work.bytes), "model_cycles": work.map(|work| work.cycles),
        "interrupted": session::interrupted(), "results": results,
    })
}

/// A number of seconds.
pub fn parse_seconds(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('s').unwrap_or(text).parse().ok();
    let number = number.filter(|seconds: &f64| *seconds > 0.0 && *seconds <= 1e6);
    number.ok_or_else(|| "a time is a number of seconds such as 3".into())
}

/// A number of percent.
fn parse_percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse().ok();
    let number = number.filter(|percent: &f64| percent.is_finite() && *percent >= 0.0);
    number.ok_or_else(|| "a gate is a number of percent such as 5%".into())
}
