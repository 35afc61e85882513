//! Golden messages: each file of `tests/filetests/errors` is a program, a line `----`, and what a user
//! sees, without colours. `TCC_BLESS=1` rewrites what is below the line.
//!
//! A first line `# tcc run A=ones:3 ..` says which command to run (`tcc check` otherwise); the program
//! stands in a file of its own in an empty folder. With `# tcc check -e` the rest of the text is given
//! as the expression.
//!
//! Every code that the text of a program can meet stands in at least one of the files.

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::Command;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/filetests/errors");

/// The line between program and message.
const BAR: &str = "\n----\n";

fn main() {
    let arguments = Arguments::from_args();
    let mut files: Vec<PathBuf> = std::fs::read_dir(FOLDER)
        .expect("the folder is there")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "ein"))
        .collect();
    files.sort();
    let all = files.clone();
    let trials = files.into_iter().map(|path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Trial::test(name, move || golden(&path))
    });
    let helped = all.clone();
    let complete = Trial::test("every code has a file", move || every_code_has_a_file(&all));
    let fixes = Trial::test("every error has a fix", move || every_error_has_a_fix(&helped));
    libtest_mimic::run(&arguments, trials.chain([complete, fixes]).collect()).exit();
}

/// Codes below E05, and warnings, that no file here shows, and why.
const WITHOUT_FILE: &[(&str, &str)] = &[
    ("E0112", "its program fills more than a page; the frontend's tests of hostile input make one"),
    ("E0113", "its file is no text; the frontend's unit tests read one"),
    ("E0405", "the properties it is about are refused as not yet there (E0403)"),
    ("E0499", "a mistake of the compiler, which no known program shows"),
];

fn every_code_has_a_file(files: &[PathBuf]) -> Result<(), Failed> {
    let mut shown = String::new();
    for path in files {
        let text = std::fs::read_to_string(path)?;
        shown.push_str(text.split_once(BAR).map_or("", |(_, message)| message));
    }
    let of_a_text = |id: &str| ["E01", "E02", "E03", "E04", "W04"].iter().any(|start| id.starts_with(start));
    let mut wrong = Vec::new();
    for id in tcc_frontend::codes::CODES.iter().map(|row| row.id).filter(|id| of_a_text(id)) {
        let excepted = WITHOUT_FILE.iter().any(|row| row.0 == id);
        if shown.contains(id) == excepted {
            wrong.push(format!("{id} {}", if excepted { "has a file after all" } else { "has no file" }));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// Errors that are shown without a fix, and why; none so far.
const WITHOUT_FIX: &[(&str, &str)] = &[];

/// Every error that a file shows has a line `help:`.
fn every_error_has_a_fix(files: &[PathBuf]) -> Result<(), Failed> {
    let mut wrong = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(path)?;
        let shown = text.split_once(BAR).map_or("", |(_, message)| message);
        for message in shown.split("tcc::").skip(1) {
            let id = message.split_whitespace().next().unwrap_or_default();
            let excepted = WITHOUT_FIX.iter().any(|row| row.0 == id);
            let helped = message.lines().any(|line| line.trim_start().starts_with("help: "));
            if id.starts_with('E') && helped == excepted {
                let problem = if excepted { "has a fix after all" } else { "has no fix" };
                wrong.push(format!("{}: {id} {problem}", path.display()));
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn golden(path: &Path) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path)?;
    let (program, expected) = match text.split_once(BAR) {
        Some((program, expected)) => (format!("{program}\n"), expected),
        None => (text.clone(), ""),
    };
    let got = message(path, &program)?;
    if got == expected {
        return Ok(());
    }
    if std::env::var_os("TCC_BLESS").is_some() {
        let program = program.trim_end_matches('\n');
        std::fs::write(path, format!("{program}{BAR}{got}"))?;
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(expected, &got);
    Err(format!("{}\n(TCC_BLESS=1 accepts the new message)", diff.unified_diff().header("expected", "got"))
        .into())
}

/// What the command prints on standard error, and its exit code.
fn message(path: &Path, program: &str) -> Result<String, Failed> {
    let folder = tempfile::tempdir()?;
    let file = path.file_name().ok_or("the path has a file name")?;
    std::fs::write(folder.path().join(file), program)?;
    let first = program.lines().next().unwrap_or_default();
    let mut words = first.strip_prefix("# tcc ").unwrap_or("check").split_whitespace();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tcc"));
    command.arg(words.next().unwrap_or("check"));
    let output = match words.clone().next() {
        Some("-e") => command.args(words).arg(program.split_once('\n').unwrap_or_default().1.trim()),
        _ => command.arg(file).args(words),
    }
    .args(["--color", "never"])
    .current_dir(folder.path())
    .output()?;
    let code = output.status.code().map_or("a signal".to_owned(), |code| code.to_string());
    let text = String::from_utf8_lossy(&output.stderr);
    // How long a run took is no part of the message.
    let lines = text.lines().filter(|line| !line.starts_with("note: compiled in"));
    Ok(format!("{}exit {code}\n", lines.map(|line| format!("{line}\n")).collect::<String>()))
}
