//! `tcc fmt`: brings programs into their canonical spacing.

use super::program::read_source;
use super::session::{Exit, Failure, Session};
use crate::Error;
use crate::operand::write::Files;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

/// Format programs in place (`-`: standard input to standard output)
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  tcc fmt attention.ein
  tcc fmt --check *.ein
  tcc fmt - < attention.ein")]
pub struct Arguments {
    /// The files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// Write nothing; exit 3 and list the files that would change
    #[arg(long)]
    check: bool,
    /// Write nothing; print the lines that would change
    #[arg(long)]
    diff: bool,
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let only_asked = arguments.check || arguments.diff;
    let mut written = Files::new();
    let mut changed = false;
    let mut rows: Vec<Value> = Vec::new();
    for file in &arguments.files {
        let source = read_source(file)?;
        let formatted = tcc_frontend::format(&source.text)
            .map_err(|found| Failure::Error(Error::Rejected(found), Some(source.clone())))?;
        let differs = formatted != source.text;
        changed |= differs;
        let product = match (arguments.diff, arguments.check) {
            (true, _) => difference(file, &source.text, &formatted),
            (_, true) if differs => format!("{file}\n"),
            (false, false) if file == "-" => formatted.clone(),
            _ => String::new(),
        };
        if session.json() {
            rows.push(json!({ "file": file, "changed": differs, "text": formatted }));
        } else {
            session.out(&product);
        }
        if differs && !only_asked && file != "-" {
            written.add(Path::new(file), |out| out.write_all(formatted.as_bytes()))?;
        }
    }
    written.commit()?;
    if session.json() {
        session.out_json(&json!({ "schema": "tcc.fmt/1", "files": rows }));
    }
    Ok(if only_asked && changed { Exit::CheckFailed } else { Exit::Fine })
}

/// The lines that go (`-`) and come (`+`), with the lines around them.
fn difference(file: &str, old: &str, new: &str) -> String {
    similar::TextDiff::from_lines(old, new).unified_diff().header(file, file).to_string()
}
