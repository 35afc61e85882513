//! The bugs that are planted to judge fuzzers (`docs/fuzzing.md`, `tests/planted_bugs/bugs.json`).
//!
//! Always: the table, the sources, the witnesses and the documentation say the same, and the binary holds
//! nothing of it. Compiled with `--cfg tcc_fuzz_bugs`, also: every witness passes while no bug is selected,
//! and fails while its own is.

#[cfg(tcc_fuzz_bugs)]
mod meaning;
#[cfg(tcc_fuzz_bugs)]
#[path = "planted_bugs/witness.rs"]
mod witness;

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/planted_bugs");

/// One bug of the catalogue.
struct Bug {
    id: u32,
    row: Value,
}

impl Bug {
    /// A column of the table; empty where it has none.
    fn text(&self, column: &str) -> String {
        match &self.row[column] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        }
    }

    fn is_planted(&self) -> bool {
        !self.row["place"].is_null()
    }

    /// The file of its witness.
    fn witness(&self) -> Option<PathBuf> {
        let start = format!("{:02}-", self.id);
        let mut files = fs::read_dir(FOLDER).into_iter().flatten().flatten();
        files.find(|file| file.file_name().to_string_lossy().starts_with(&start)).map(|file| file.path())
    }
}

fn bugs() -> Vec<Bug> {
    let text = fs::read_to_string(Path::new(FOLDER).join("bugs.json")).expect("the table is there");
    let rows: Vec<Value> = serde_json::from_str(&text).expect("the table is JSON");
    let bug = |row: Value| Bug { id: row["id"].as_u64().expect("a number") as u32, row };
    rows.into_iter().map(bug).collect()
}

fn main() {
    // One bug is selected at a time, for the whole process.
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let trials = vec![
        Trial::test("the table and the sources agree", || table_and_sources_agree().map_err(Failed::from)),
        Trial::test("the table and the documentation agree", || documentation_agrees().map_err(Failed::from)),
        Trial::test("the binary holds the switch only if it should", || binary().map_err(Failed::from)),
    ];
    libtest_mimic::run(&arguments, trials.into_iter().chain(witnesses()).collect()).exit();
}

#[cfg(not(tcc_fuzz_bugs))]
fn witnesses() -> Vec<Trial> {
    Vec::new()
}

#[cfg(tcc_fuzz_bugs)]
fn witnesses() -> Vec<Trial> {
    let files = bugs().into_iter().filter_map(|bug| Some((bug.witness()?, bug)));
    let trial = |(file, bug): (PathBuf, Bug)| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let oracle = bug.text("oracle");
        let run = move || witness::fails_with_its_bug_alone(&file, bug.id, &oracle).map_err(Failed::from);
        Trial::test(name, run)
    };
    let variable = || witness::variable_selects().map_err(Failed::from);
    files.map(trial).chain([Trial::test("the variable selects one bug", variable)]).collect()
}

/// The files of the crates, with their paths from the root.
fn sources(folder: &Path, found: &mut BTreeMap<String, String>) {
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(ROOT).unwrap_or(&path).display().to_string();
            found.insert(name, fs::read_to_string(&path).unwrap_or_default());
        }
    }
}

/// Every bug is planted in the file that the table names and in no other, and has a witness.
fn table_and_sources_agree() -> Result<(), String> {
    let mut files = BTreeMap::new();
    for folder in ["ir/src", "passes/src", "backends", "compiler"] {
        sources(&Path::new(ROOT).join(folder), &mut files);
    }
    let mut wrong = Vec::new();
    for (position, bug) in bugs().iter().enumerate() {
        let marks = [format!("planted({})", bug.id), format!("Planted({})", bug.id)];
        let places = files.iter().filter(|(_, text)| marks.iter().any(|mark| text.contains(mark)));
        let places: Vec<&str> = places.map(|(name, _)| name.as_str()).collect();
        let place = bug.text("place");
        let expected: Vec<&str> = if bug.is_planted() { vec![&place] } else { Vec::new() };
        if places != expected
            || bug.id as usize != position + 1
            || bug.is_planted() != bug.witness().is_some()
        {
            wrong.push(format!("bug {}: planted in {places:?}, witness {:?}", bug.id, bug.witness()));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// The table as Markdown.
fn markdown() -> String {
    let mut text =
        "| bug | component | level | needs | what it is | planted in | how | seen by |\n".to_owned();
    text += "| ---: | --- | ---: | --- | --- | --- | --- | --- |\n";
    for bug in bugs() {
        let columns = ["component", "level", "needs", "title", "place", "how", "oracle"];
        let cells = columns.map(|column| match (column, bug.text(column)) {
            ("place", place) if !place.is_empty() => format!("`{place}`"),
            (_, cell) => cell.replace('|', "\\|"),
        });
        text += &format!("| {} | {} |\n", bug.id, cells.join(" | "));
    }
    text
}

fn documentation_agrees() -> Result<(), String> {
    let file = Path::new(ROOT).join("docs/fuzzing.md");
    let text = fs::read_to_string(&file).map_err(|error| error.to_string())?;
    let table = markdown();
    if text.contains(&table) {
        return Ok(());
    }
    if std::env::var_os("TCC_BLESS").is_none() {
        return Err(format!("docs/fuzzing.md lacks the table; with TCC_BLESS=1 it is written:\n{table}"));
    }
    let header = table.lines().next().unwrap_or_default();
    let (before, rest) = text.split_once(header).ok_or("docs/fuzzing.md has no table of planted bugs")?;
    let after: String = rest.lines().skip_while(|line| line.is_empty() || line.starts_with('|')).fold(
        String::new(),
        |mut after, line| {
            after += "\n";
            after += line;
            after
        },
    );
    fs::write(&file, format!("{before}{table}{after}\n")).map_err(|error| error.to_string())
}

/// The name of the variable stands in a binary that reads it.
fn binary() -> Result<(), String> {
    let bytes = fs::read(env!("CARGO_BIN_EXE_tcc")).map_err(|error| error.to_string())?;
    let name = ["TCC", "BUG"].join("_");
    let found = bytes.windows(name.len()).any(|window| window == name.as_bytes());
    match (found, cfg!(tcc_fuzz_bugs)) {
        (true, false) => Err(format!("tcc mentions {name}")),
        (false, true) => Err(format!("tcc does not mention {name}: this test would see nothing")),
        _ => Ok(()),
    }
}
