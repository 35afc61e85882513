//! `tcc check`: says everything that is wrong with a program.

use super::explain::extent_json;
use super::program::ProgramArguments;
use super::render;
use super::session::{Exit, Failure, Session};
use super::table::table;
use crate::operand::bind::Missing;
use serde_json::{Value, json};
use tcc_frontend::SizeRow;
use tcc_frontend::diagnostic::{CODES, nearest};
use tcc_ir::Extent;

/// Check a program; prints nothing if it is fine
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  tcc check attention.ein
  tcc check attention.ein --sizes n=512
  tcc check attention.ein Q=q.npy K=k.npy
  tcc check attention.ein --deny all

Operands are checked against the program, and give sizes; none has to be given.")]
pub struct Arguments {
    #[command(flatten)]
    program: ProgramArguments,
    /// Print every index of every equation with its size
    #[arg(long)]
    sizes: bool,
    /// Treat a warning as an error: a code such as W0412, or `all`
    #[arg(long, value_name = "CODE", value_parser = warning)]
    deny: Vec<String>,
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let (loaded, bound) = arguments.program.bind(session, Missing::Open)?;
    let rows: Vec<(&SizeRow, Extent)> =
        loaded.program.sizes.iter().map(|row| (row, row.extent.substitute(&bound.bindings))).collect();
    if session.json() {
        let rows: Vec<Value> = rows
            .iter()
            .map(|(row, extent)| {
                json!({
                    "equation": row.equation, "index": row.index, "size": extent_json(extent), "from": row.origin,
                })
            })
            .collect();
        let warnings: Vec<Value> = loaded
            .program
            .warnings
            .iter()
            .map(|w| render::diagnostic_json(w, Some(&loaded.source)))
            .collect();
        session.out_json(&json!({
            "schema": "tcc.check/1", "file": loaded.source.name, "sizes": rows, "warnings": warnings,
        }));
    } else if arguments.sizes {
        let rows: Vec<[String; 4]> = rows
            .iter()
            .map(|(row, extent)| {
                [row.equation.clone(), row.index.clone(), extent.to_string(), row.origin.clone()]
            })
            .collect();
        session.out(&table(["equation", "index", "size", "from"], &rows));
    }
    let denied = |code: &str| arguments.deny.iter().any(|d| d == "all" || d == code);
    let refused: Vec<&str> =
        loaded.program.warnings.iter().map(|w| w.code.id()).filter(|code| denied(code)).collect();
    let Some(first) = refused.first() else { return Ok(Exit::Fine) };
    session.complain(first, &format!("denied: {}", refused.join(", ")));
    Ok(Exit::CheckFailed)
}

/// The code of a warning as it is written in messages, or `all`.
fn warning(word: &str) -> Result<String, String> {
    let code = word.to_ascii_uppercase();
    let known = CODES.iter().map(|row| row.id).filter(|id| id.starts_with('W'));
    if word == "all" || known.clone().any(|id| id == code) {
        return Ok(if word == "all" { word.to_owned() } else { code });
    }
    Err(match nearest(&code, known.clone()) {
        Some(near) => format!("no warning has this code; did you mean {near}?"),
        None => format!("no warning has this code; there are {}", known.collect::<Vec<_>>().join(", ")),
    })
}
