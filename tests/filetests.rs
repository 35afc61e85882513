//! Runs the files of `tests/filetests`: small IR texts with the result they must have.
//!
//! ```text
//! test passes = "cse, dce"        what is run: graph passes or loop passes, told by the first word
//! test rule = "factor-sum"        or: one application of one rule of `saturate`, whatever it costs
//! bind n = 4                      optional: values of symbols, for `specialise`
//! contract = strict               optional: the floating-point contract
//! memory = 4096                   optional: bytes that intermediates may take
//!
//! graph @g(..) { .. }
//! ----
//! graph @g(..) { .. }             what must come out
//! ```
//!
//! `test fuzz = "cse | tile(4)"` is a case of the fuzzer (see `tcc_fuzz::text`): all its oracles must hold, which
//! the expected text `holds` says. `test lower` takes a graph and expects a function. Of every file the runner also checks that texts
//! read back as they were, that the IR verifies after every pass, and that results stay the same on
//! operands that decide it. With `TCC_BLESS=1` it writes what came out into the files, to be read before it is committed.

mod meaning;

use libtest_mimic::{Arguments, Failed, Trial};
use meaning::{Check, Program, Question, same, small_bindings};
use std::fs;
use std::path::{Path, PathBuf};
use tcc_ir::graph::Graph;
use tcc_ir::loops::Func;
use tcc_ir::{Ir, ParseError};
use tcc_passes::lower::lower;
use tcc_passes::{Changed, Contract, GRAPH_PASSES, LOOP_PASSES, PassContext, PassObserver, Pipeline};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/filetests");

fn main() {
    let arguments = Arguments::from_args();
    let mut files = Vec::new();
    collect(Path::new(FOLDER), &mut files);
    files.sort();
    let mut trials: Vec<Trial> = files
        .into_iter()
        .map(|file| {
            let name = file.strip_prefix(FOLDER).unwrap_or(&file).display().to_string();
            Trial::test(name, move || check_file(&file).map_err(Failed::from))
        })
        .collect();
    trials.push(Trial::test("every rule has a file", || every_rule_has_a_file().map_err(Failed::from)));
    trials.push(Trial::test("every pass has a folder", || every_pass_has_a_folder().map_err(Failed::from)));
    libtest_mimic::run(&arguments, trials).exit();
}

fn every_pass_has_a_folder() -> Result<(), String> {
    let graph = GRAPH_PASSES.iter().map(|pass| format!("graph/{}", pass.name));
    let loops = LOOP_PASSES.iter().map(|pass| format!("loops/{}", pass.name));
    let missing: Vec<String> = graph
        .chain(loops)
        .filter(|name| fs::read_dir(Path::new(FOLDER).join(name)).map_or(0, Iterator::count) == 0)
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no file shows what {} does", missing.join(", "))) }
}

fn every_rule_has_a_file() -> Result<(), String> {
    let file = |name: &str| Path::new(FOLDER).join(format!("graph/saturate/{name}.tcc"));
    let missing: Vec<&str> = tcc_passes::egraph::rules::rules()
        .map(|rule| rule.name)
        .filter(|name| !name.starts_with("planted-") && !file(name).exists())
        .collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no file shows {}", missing.join(", "))) }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "tcc") {
            files.push(path);
        }
    }
}

/// A file in its parts.
struct Case<'a> {
    command: &'a str,
    /// What stands after `=` in the first line, without quotes.
    argument: &'a str,
    context: PassContext,
    input: &'a str,
    expected: &'a str,
}

fn check_file(file: &Path) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let (before, expected) = text.split_once("\n----\n").ok_or("the file has no line `----`")?;
    if before.starts_with("test fuzz") {
        return run_fuzz(&text, expected);
    }
    let case = read_case(before, expected)?;
    let actual = match case.command {
        "test passes" if case.input.starts_with("graph") => run_graph(&case)?,
        "test passes" => run_loops(&case)?,
        "test rule" => run_rule(&case)?,
        "test lower" => run_lower(&case)?,
        other => return Err(format!("no such command: `{other}`")),
    };
    let expected = normal(case.expected).map_err(|error| format!("the expected text: {error}"));
    if expected.as_ref() == Ok(&actual) {
        return Ok(());
    }
    if std::env::var_os("TCC_BLESS").is_some() {
        return fs::write(file, format!("{before}\n----\n{actual}")).map_err(|error| error.to_string());
    }
    Err(format!("expected:\n{}\ngot:\n{actual}", expected.unwrap_or_else(|error| error)))
}

fn read_case<'a>(before: &'a str, expected: &'a str) -> Result<Case<'a>, String> {
    let (header, input) = before.split_once("\n\n").ok_or("no empty line after the header")?;
    let mut lines = header.lines();
    let first = lines.next().unwrap_or_default();
    let (command, argument) = first.split_once('=').unwrap_or((first, ""));
    let mut context = PassContext { verify: true, ..PassContext::default() };
    for line in lines {
        let (name, value) = line.split_once('=').ok_or_else(|| format!("expected `name = value`: {line}"))?;
        let (name, value) = (name.trim(), value.trim());
        match (name, name.strip_prefix("bind ")) {
            ("contract", _) => {
                context.contract =
                    Contract::from_name(value).ok_or_else(|| format!("no contract `{value}`"))?;
            }
            ("memory", _) => {
                let bytes = value.parse().map_err(|_| format!("not a number of bytes: {line}"))?;
                context.memory = Some(bytes);
            }
            (_, Some(symbol)) => {
                let value = value.parse().map_err(|_| format!("not an integer: {line}"))?;
                context.bindings.insert(symbol.trim().into(), value);
            }
            _ => return Err(format!("no such setting: `{name}`")),
        }
    }
    let argument = argument.trim().trim_matches('"');
    Ok(Case { command: command.trim(), argument, context, input: input.trim_start(), expected })
}

/// A case of the fuzzer that once failed.
fn run_fuzz(text: &str, expected: &str) -> Result<(), String> {
    let case: tcc_fuzz::Case = text.parse().map_err(|error: tcc_fuzz::CaseError| error.to_string())?;
    let (_, verdict) = tcc_fuzz::check(&case, tcc_fuzz::Effort::All);
    match (verdict.finding, verdict.refused) {
        (Some(finding), _) => Err(finding.to_string()),
        (None, Some(refusal)) => Err(format!("the case says nothing: {refusal}")),
        (None, None) if expected.trim() == tcc_fuzz::text::HOLDS => Ok(()),
        (None, None) => Err(format!("expected `{}` after `----`", tcc_fuzz::text::HOLDS)),
    }
}

/// The text as the level prints it.
fn normal(text: &str) -> Result<String, ParseError> {
    if text.trim_start().starts_with("graph") {
        return text.parse::<Graph>().map(|graph| graph.to_string());
    }
    let mut func: Func = text.parse()?;
    func.compact();
    Ok(func.to_string())
}

/// Reads a program and checks that its text reads back as it was.
fn read<I: Ir>(text: &str) -> Result<I, String> {
    let program: I = text.parse().map_err(|error| format!("the input: {error}"))?;
    program.verify().map_err(|errors| format!("the input does not verify:\n{errors}"))?;
    round_trip(&program)?;
    Ok(program)
}

fn round_trip<I: Ir>(program: &I) -> Result<(), String> {
    let text = program.to_string();
    let again: I = text.parse().map_err(|error| format!("printed text does not parse: {error}\n{text}"))?;
    if again.to_string() != text {
        return Err(format!("printed text reads back as another:\n{text}\n{again}"));
    }
    Ok(())
}

/// Checks that a pass which says it changed nothing did not.
#[derive(Default)]
struct Honesty {
    last: String,
    broken: Option<String>,
}

impl PassObserver for Honesty {
    fn graph(&mut self, pass: &str, _: usize, graph: &Graph, changed: Changed) {
        self.see(pass, graph.to_string(), changed);
    }

    fn loops(&mut self, pass: &str, _: usize, func: &Func, changed: Changed) {
        self.see(pass, func.to_string(), changed);
    }
}

impl Honesty {
    fn see(&mut self, pass: &str, text: String, changed: Changed) {
        if !self.last.is_empty() && changed == Changed::No && self.last != text {
            self.broken.get_or_insert(format!("`{pass}` says it changed nothing, but made\n{text}"));
        }
        self.last = text;
    }

    fn result(self) -> Result<(), String> {
        self.broken.map_or(Ok(()), Err)
    }
}

fn run_graph(case: &Case) -> Result<String, String> {
    let before: Graph = read(case.input)?;
    let pipeline = Pipeline::parse(case.argument).map_err(|error| error.to_string())?;
    let (mut after, mut honesty) = (before.clone(), Honesty::default());
    pipeline.run_graph(&mut after, &case.context, &mut honesty).map_err(|error| error.to_string())?;
    honesty.result()?;
    round_trip(&after)?;
    same_meaning(&before, &after, case, false)?;
    Ok(after.to_string())
}

fn run_rule(case: &Case) -> Result<String, String> {
    let before: Graph = read(case.input)?;
    let after = tcc_passes::egraph::rewritten_by(&before, case.argument, 1);
    let after = after.first().ok_or_else(|| format!("the rule `{}` does not apply", case.argument))?;
    after.verify().map_err(|errors| format!("the result does not verify:\n{errors}\n{after}"))?;
    round_trip(after)?;
    same_meaning(&before, after, case, false)?;
    Ok(after.to_string())
}

fn run_loops(case: &Case) -> Result<String, String> {
    let before: Func = read(case.input)?;
    let pipeline = Pipeline::parse(&format!("| {}", case.argument)).map_err(|error| error.to_string())?;
    let (mut after, mut honesty) = (before.clone(), Honesty::default());
    pipeline.run_loops(&mut after, &case.context, &mut honesty).map_err(|error| error.to_string())?;
    honesty.result()?;
    after.compact();
    round_trip(&after)?;
    same_meaning(&before, &after, case, case.argument.contains("expand_math"))?;
    Ok(after.to_string())
}

fn run_lower(case: &Case) -> Result<String, String> {
    let graph: Graph = read(case.input)?;
    let mut func = lower(&graph, &case.context).map_err(|error| error.to_string())?;
    func.verify().map_err(|errors| format!("the result does not verify:\n{errors}\n{func}"))?;
    func.compact();
    round_trip(&func)?;
    // A transform of open length computes its roots of unity, so the loops mean something in floats only.
    let computes_roots = func.to_string().contains("cos(");
    same_meaning(&graph, &func, case, computes_roots)?;
    Ok(func.to_string())
}

/// Compares the results for small sizes and a few operands, until sizes are found for which a check says
/// something: a file of which every run is undecided or refused would hold whatever the pass did. Only
/// where the file's own bindings break a requirement is a refusal what it shows.
fn same_meaning<A: Program, B: Program>(a: &A, b: &B, case: &Case, floats_only: bool) -> Result<(), String> {
    let (mut decided, mut seen) = (false, Vec::new());
    for mut bindings in small_bindings(a) {
        bindings.extend(case.context.bindings.clone());
        let broken = a.requirements().iter().any(|requirement| requirement.holds(&bindings) == Ok(false));
        for seed in 0..3 {
            let question = Question { bindings: &bindings, seed, reals: (-2.0, 2.0), floats_only };
            let check = same(a, b, question)
                .map_err(|difference| format!("the results differ: {difference}\n{b}"))?;
            decided |= match check {
                Check::Exact | Check::Integers | Check::ErrorBound => true,
                Check::Refused => broken,
                Check::Undecided => false,
            };
            seen.push(check);
        }
        if decided {
            return Ok(());
        }
    }
    Err(format!("no small sizes and operands decide whether the results stay the same: {seen:?}\n{b}"))
}
