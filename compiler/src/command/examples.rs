//! `tcc examples`: the programs that come with tcc.

use super::session::{Exit, Failure, Session};
use crate::operand::write::Files;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use tcc_frontend::diagnostic::nearest;

/// List the example programs, or copy one into the current folder
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List the examples
    List,
    /// Copy an example into the current folder (or to `-o`)
    Copy {
        /// Its name
        name: String,
        /// Where to
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

macro_rules! examples {
    ($($name:literal)*) => {
        /// Name and text of every example.
        pub const EXAMPLES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../examples/", $name, ".ein")))),*];
    };
}

examples! {
    "arc_render" "chamfer_primitives" "equivpoly_int" "fno2d" "gin_injected" "gmm_em_infonce" "hashgrid"
    "kalman_matern32" "kron_attention3" "matmul_bias" "megatron_mlp" "selective_scan" "simplicial_window"
    "sswl_plus" "stitch_lstsq" "transformer_block" "wave2d" "window_attention"
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.action {
        Action::List => {
            let line = |(name, text): &(&str, &str)| format!("{name:<20} {}\n", about(text));
            let row = |(name, text): &(&str, &str)| json!({ "name": name, "about": about(text) });
            if session.json() {
                let rows: Vec<Value> = EXAMPLES.iter().map(row).collect();
                session.out_json(&json!({ "schema": "tcc.examples/1", "examples": rows, "copied": null }));
            } else {
                session.out(&EXAMPLES.iter().map(line).collect::<String>());
            }
        }
        Action::Copy { name, output } => {
            let Some((name, text)) = EXAMPLES.iter().find(|(known, _)| *known == name) else {
                let names = EXAMPLES.iter().map(|(name, _)| *name);
                return Err(Failure::Usage(match nearest(&name, names) {
                    Some(near) => format!("no example `{name}`; did you mean `{near}`?"),
                    None => format!("no example `{name}`; see: tcc examples list"),
                }));
            };
            let path = output.unwrap_or_else(|| format!("{name}.ein").into());
            if path.exists() {
                return Err(Failure::Usage(format!("`{}` exists already", path.display())));
            }
            let mut files = Files::new();
            files.add(&path, |file| file.write_all(text.as_bytes()))?;
            files.commit()?;
            let shown = path.display().to_string();
            if session.json() {
                let rows = [json!({ "name": name, "about": about(text) })];
                session.out_json(&json!({ "schema": "tcc.examples/1", "examples": rows, "copied": shown }));
            } else {
                session.out(&format!("{shown}\n"));
            }
            session.hint(&format!("tcc run {} --demo", path.display()));
        }
    }
    Ok(Exit::Fine)
}

/// The first comment of a program.
fn about(text: &str) -> &str {
    let comment = text.lines().find_map(|line| line.trim_start().strip_prefix('#'));
    comment.map(str::trim).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_of_the_folder_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
        let mut found: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".ein").map(str::to_owned))
            .collect();
        found.sort();
        assert_eq!(found, EXAMPLES.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    }
}
