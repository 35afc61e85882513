//! `tcc show`: a program at one of the stages of its compilation.

use super::program::{ProgramArguments, about};
use super::session::{Exit, Failure, Session};
use crate::operand::bind::Words;
use crate::specialised::bind;
use crate::{Compiler, Error, Number};
use tcc_backends::{EmitKind, Target};
use tcc_frontend::Program;
use tcc_ir::{Bindings, Name};
use tcc_passes::Quiet;

/// Show a program at a stage of its compilation; sizes given as NAME=VALUE are fixed
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
    let (source, words) = arguments.program.source()?;
    if arguments.stage == "parse" {
        let (file, found) = tcc_frontend::parse(&source.text);
        if found.iter().any(tcc_frontend::diagnostic::Diagnostic::is_error) {
            return Err(Failure::Error(Error::Rejected(found), Some(source)));
        }
        session.out(&format!("{file:#?}\n"));
        return Ok(Exit::Fine);
    }
    let numbers = Words::parse(words)?.numbers();
    let loaded = arguments.program.check(session)?;
    let text = stage(&loaded.compiler, &loaded.program, &numbers, &arguments.stage)
        .map_err(|error| about(error, &loaded.source))?;
    session.out(&text);
    Ok(Exit::Fine)
}

/// The sizes among the numbers. Those of a program without operands may determine the others.
pub fn sizes(program: &Program, numbers: &[(String, Number)]) -> Bindings {
    if program.graph.inputs.is_empty()
        && let Ok(bindings) = bind(&program.graph, &[], numbers, "")
    {
        return bindings;
    }
    let known = |name: &str| program.graph.symbols.iter().any(|symbol| &*symbol.name == name);
    let size = |(name, number): &(String, Number)| match number {
        Number::Integer(value) if known(name) => Some((Name::from(name.as_str()), *value)),
        _ => None,
    };
    numbers.iter().filter_map(size).collect()
}

/// The text of a stage.
pub fn stage(
    compiler: &Compiler,
    program: &Program,
    numbers: &[(String, Number)],
    stage: &str,
) -> Result<String, Error> {
    let bindings = sizes(program, numbers);
    let context = compiler.context(&bindings);
    let mut graph = program.graph.clone();
    tcc_passes::graph::specialise::run(&mut graph, &context);
    match stage {
        "graph" => Ok(graph.to_string()),
        "opt" => {
            compiler.passes().run_graph(&mut graph, &context, &mut Quiet)?;
            Ok(graph.to_string())
        }
        "loops" => Ok(compiler.lower(&graph, &bindings, &mut Quiet)?.to_string()),
        kind => {
            let func = compiler.lower(&graph, &bindings, &mut Quiet)?;
            let kind =
                EmitKind::from_name(kind).ok_or_else(|| Error::Argument(format!("no stage `{kind}`")))?;
            let artifact = (compiler.target()?.emit)(&func, kind, &Target::default())?;
            Ok(String::from_utf8_lossy(artifact.as_bytes()).into_owned())
        }
    }
}
