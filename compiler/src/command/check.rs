//! `tcc check`: says everything that is wrong with a program.

use super::program::ProgramArguments;
use super::render;
use super::session::{Exit, Failure, Session};
use super::table::table;
use serde_json::{Value, json};

/// Check a program; prints nothing if it is fine
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    program: ProgramArguments,
    /// Print every index of every equation with its size
    #[arg(long)]
    sizes: bool,
    /// Treat a warning as an error: a code such as W0412, or `all`
    #[arg(long, value_name = "CODE")]
    deny: Vec<String>,
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let loaded = arguments.program.check(session)?;
    let denied = |code: &str| arguments.deny.iter().any(|d| d == "all" || d.eq_ignore_ascii_case(code));
    let refused: Vec<&str> =
        loaded.program.warnings.iter().map(|w| w.code.id()).filter(|code| denied(code)).collect();
    if session.json() {
        let rows: Vec<Value> = loaded.program.sizes.iter().map(|row| json!({
            "equation": row.equation, "index": row.index, "size": row.extent.to_string(), "from": row.origin,
        })).collect();
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
        let rows: Vec<[String; 4]> = loaded
            .program
            .sizes
            .iter()
            .map(|row| [row.equation.clone(), row.index.clone(), row.extent.to_string(), row.origin.clone()])
            .collect();
        session.out(&table(["equation", "index", "size", "from"], &rows));
    }
    if refused.is_empty() {
        return Ok(Exit::Fine);
    }
    session.error(&format!("error: denied: {}\n", refused.join(", ")));
    Ok(Exit::CheckFailed)
}
