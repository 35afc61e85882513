//! Golden messages: each file of `tests/filetests/errors` is a program, a line `----`, and what a user
//! sees, without colours. `TCC_BLESS=1` rewrites what is below the line.
//!
//! A first line `# tcc run A=ones:3 ..` says which command to run (`tcc check` otherwise); the program
//! stands in a file of its own in an empty folder.

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
    let trials = files.into_iter().map(|path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Trial::test(name, move || golden(&path))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
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
    let output = Command::new(env!("CARGO_BIN_EXE_tcc"))
        .arg(words.next().unwrap_or("check"))
        .arg(file)
        .args(words)
        .args(["--color", "never"])
        .current_dir(folder.path())
        .output()?;
    let code = output.status.code().map_or("a signal".to_owned(), |code| code.to_string());
    Ok(format!("{}exit {code}\n", String::from_utf8_lossy(&output.stderr)))
}
