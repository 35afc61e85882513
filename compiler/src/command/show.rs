//! `tcc show`: a program at one of the stages of its compilation.

use super::program::{ProgramArguments, about};
use super::session::{Exit, Failure, Session};
use crate::operand::bind::Missing;
use crate::{Compiler, Error};
use serde_json::json;
use tcc_backends::{EmitKind, Target};
use tcc_frontend::Program;
use tcc_ir::Bindings;
use tcc_passes::Quiet;

/// Show a program at a stage of its compilation; sizes that are given are fixed
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    program: ProgramArguments,
    /// The stage
    #[arg(long, value_name = "STAGE", value_parser = ["parse", "graph", "opt", "loops", "clif", "asm"], default_value = "graph")]
    stage: String,
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let (file, text) = if arguments.stage == "parse" {
        let (source, _) = arguments.program.source()?;
        let (tree, found) = tcc_frontend::parse(&source.text);
        if found.iter().any(tcc_frontend::diagnostic::Diagnostic::is_error) {
            return Err(Failure::Error(Error::Rejected(found), Some(source)));
        }
        (source.name, format!("{tree:#?}\n"))
    } else {
        let (loaded, bound) = arguments.program.bind(session, Missing::Open)?;
        let text = stage(&loaded.compiler, &loaded.program, &bound.bindings, &arguments.stage)
            .map_err(|error| about(error, &loaded.source))?;
        (loaded.source.name, text)
    };
    if session.json() {
        session.out_json(&json!({
            "schema": "tcc.show/1", "file": file, "stage": arguments.stage, "text": text,
        }));
    } else {
        session.out(&text);
    }
    Ok(Exit::Fine)
}

/// The text of a stage, where `bindings` fix sizes.
fn stage(compiler: &Compiler, program: &Program, bindings: &Bindings, stage: &str) -> Result<String, Error> {
    let context = compiler.context(bindings);
    let mut graph = program.graph.clone();
    tcc_passes::graph::specialise::run(&mut graph, &context);
    match stage {
        "graph" => Ok(graph.to_string()),
        "opt" => {
            compiler.passes().run_graph(&mut graph, &context, &mut Quiet)?;
            Ok(graph.to_string())
        }
        "loops" => Ok(compiler.lower(&graph, bindings, &mut Quiet)?.to_string()),
        kind => {
            let func = compiler.lower(&graph, bindings, &mut Quiet)?;
            let kind =
                EmitKind::from_name(kind).ok_or_else(|| Error::Argument(format!("no stage `{kind}`")))?;
            let artifact = (compiler.target()?.emit)(&func, kind, &Target::default())?;
            Ok(String::from_utf8_lossy(artifact.as_bytes()).into_owned())
        }
    }
}
