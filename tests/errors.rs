//! Golden messages: each file of `tests/filetests/errors` is a program, a line `----`, and what a user
//! sees, without colours. `TCC_BLESS=1` rewrites what is below the line.
//!
//! A first line `# tcc run A=ones:3 ..` says which command to run (`tcc check` otherwise); the program
//! stands in a file of its own in an empty folder, beside those of `tests/data/operands` that the line
//! mentions. With `# tcc check -e` the rest of the text is given as the expression.
//!
//! Every code of the table stands in at least one of the files, and its two examples are true.

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::{Path, PathBuf};
use std::process::Command;
use tcc_frontend::codes::{CODES, CodeInfo};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/filetests/errors");

/// Small files of data, sound and damaged.
const OPERANDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/operands");

/// What `secret.npy` leads to: write-only for everybody.
const UNREADABLE: &str = "/proc/sys/vm/drop_caches";

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
        let ignored = cannot_be_met(&name);
        Trial::test(name, move || golden(&path)).with_ignored_flag(ignored)
    });
    let helped = all.clone();
    let complete = Trial::test("every code has a file", move || every_code_has_a_file(&all));
    let fixes = Trial::test("every error has a fix", move || every_error_has_a_fix(&helped));
    let examples = CODES.iter().map(|row| {
        let name = format!("the examples of {} are true", row.id);
        Trial::test(name, || examples_are_true(row)).with_ignored_flag(cannot_be_met(row.id))
    });
    let trials: Vec<Trial> = trials.chain([complete, fixes]).chain(examples).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

/// Linux has a file that not even the superuser may read; elsewhere nothing shows E0608 to everybody.
fn cannot_be_met(name: &str) -> bool {
    name.starts_with("E0608") && !Path::new(UNREADABLE).exists()
}

/// What a file shows below the bar. (A program need not be UTF-8; what a user sees is.)
fn shown(path: &Path) -> Result<String, Failed> {
    let text = std::fs::read(path)?;
    Ok(String::from_utf8(split(&text).1.to_vec())?)
}

/// The program and the message of a golden file.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    match text.windows(BAR.len()).position(|window| window == BAR.as_bytes()) {
        Some(at) => (&text[..at + 1], &text[at + BAR.len()..]),
        None => (text, &[]),
    }
}

/// Codes that no file here shows, and why.
const WITHOUT_FILE: &[(&str, &str)] = &[("E0499", "a mistake of the compiler, which no known program shows")];

fn every_code_has_a_file(files: &[PathBuf]) -> Result<(), Failed> {
    let messages = files.iter().map(|path| shown(path)).collect::<Result<String, Failed>>()?;
    let mut wrong = Vec::new();
    for id in CODES.iter().map(|row| row.id) {
        let excepted = WITHOUT_FILE.iter().any(|row| row.0 == id);
        if messages.contains(&format!("tcc::{id}\n")) == excepted {
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
        for message in shown(path)?.split("tcc::").skip(1) {
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

/// Codes whose wrong example is only a sketch, and why.
const SKETCHED: &[(&str, &str)] = &[
    ("E0111", "nesting that is too deep fills more than a page"),
    ("E0113", "what is not UTF-8 cannot stand in the table"),
    ("E0499", "a mistake of the compiler, which no known program shows"),
];

/// The wrong example shows its own code and no other; the right one shows nothing.
fn examples_are_true(row: &CodeInfo) -> Result<(), Failed> {
    let codes = |example: &str| -> Result<(String, Vec<String>), Failed> {
        let header = if example.starts_with("# tcc ") { "" } else { "# tcc check -e\n" };
        let output = message(Path::new("example.ein"), format!("{header}{example}").as_bytes())?;
        let codes = output.lines().filter_map(|line| line.strip_prefix("tcc::").map(str::to_owned)).collect();
        Ok((output, codes))
    };
    let sketched = SKETCHED.iter().any(|sketch| sketch.0 == row.id);
    let (output, wrong) = codes(row.wrong)?;
    let only_itself = wrong.iter().all(|code| code == row.id) && !wrong.is_empty();
    if only_itself == sketched {
        let problem = if sketched { "is no sketch after all" } else { "is wrong in another way" };
        return Err(format!("the wrong example {problem}:\n{output}").into());
    }
    let (output, right) = codes(row.right)?;
    if right.is_empty() && output.ends_with("exit 0\n") {
        return Ok(());
    }
    Err(format!("the right example is refused:\n{output}").into())
}

fn golden(path: &Path) -> Result<(), Failed> {
    let text = std::fs::read(path)?;
    let (program, expected) = split(&text);
    let expected = std::str::from_utf8(expected)?;
    let got = message(path, program)?;
    if got == expected {
        return Ok(());
    }
    if std::env::var_os("TCC_BLESS").is_some() {
        let program = program.trim_ascii_end();
        std::fs::write(path, [program, BAR.as_bytes(), got.as_bytes()].concat())?;
        return Ok(());
    }
    let diff = similar::TextDiff::from_lines(expected, &got);
    Err(format!("{}\n(TCC_BLESS=1 accepts the new message)", diff.unified_diff().header("expected", "got"))
        .into())
}

/// What the command prints on standard error, and its exit code.
fn message(path: &Path, program: &[u8]) -> Result<String, Failed> {
    let folder = tempfile::tempdir()?;
    let text = String::from_utf8_lossy(program);
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let mut words = first.strip_prefix("# tcc ").unwrap_or("check").split_whitespace().peekable();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tcc"));
    command.env("TCC_CACHE", "off");
    command.arg(words.next().unwrap_or("check"));
    if words.next_if_eq(&"-e").is_some() {
        command.arg("-e").arg(rest.trim());
    } else {
        let own = path.file_name().and_then(|name| name.to_str()).ok_or("the path has a file name")?;
        let file = words.next_if(|word| word.ends_with(".ein")).unwrap_or(own);
        std::fs::write(folder.path().join(file), program)?;
        command.arg(file);
    }
    for entry in std::fs::read_dir(OPERANDS)? {
        let name = entry?.file_name();
        if first.contains(&*name.to_string_lossy()) {
            std::fs::copy(Path::new(OPERANDS).join(&name), folder.path().join(&name))?;
        }
    }
    #[cfg(unix)]
    if first.contains("secret.npy") {
        std::os::unix::fs::symlink(UNREADABLE, folder.path().join("secret.npy"))?;
    }
    let output = command.args(words).args(["--color", "never"]).current_dir(folder.path()).output()?;
    let code = output.status.code().map_or("a signal".to_owned(), |code| code.to_string());
    let text = String::from_utf8_lossy(&output.stderr);
    // How long a run took is no part of the message.
    let lines = text.lines().filter(|line| !line.starts_with("note: compiled in"));
    Ok(format!("{}exit {code}\n", lines.map(|line| format!("{line}\n")).collect::<String>()))
}
