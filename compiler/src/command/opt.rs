//! `tcc opt`: a pipeline of passes on IR text, or on a program.

use super::program::{about, read_source};
use super::session::{Exit, Failure, Session};
use crate::{Compiler, Error, Source};
use tcc_ir::graph::Graph;
use tcc_ir::loops::Func;
use tcc_ir::{Bindings, Ir, Name, ParseError};
use tcc_passes::{Contract, PassContext, Pipeline, Quiet};

/// Run passes on IR text (or on an .ein program) and print the result
#[derive(clap::Args)]
#[command(after_help = "\
The text begins with `graph` or `func`; anything else is a program. A pipeline without a bar prints the
graph; `canonicalize | fuse` lowers it and prints loops.

  tcc show x.ein --stage graph | tcc opt - --pipeline 'canonicalize, cse'")]
pub struct Arguments {
    /// The file (`-`: standard input), then sizes: NAME=VALUE
    #[arg(value_name = "FILE", required = true)]
    words: Vec<String>,
    /// The passes; `tcc passes` lists them
    #[arg(long, value_name = "PASSES", default_value = "")]
    pipeline: String,
    /// Only so many rewrites: bisecting the number finds the one that breaks a program
    #[arg(long, value_name = "REWRITES")]
    fuel: Option<u64>,
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let pipeline = Pipeline::parse(&arguments.pipeline).map_err(Error::from)?;
    let (file, sizes) = arguments.words.split_first().ok_or_else(|| Failure::Usage("no file".into()))?;
    let source = read_source(file)?;
    let mut bindings = Bindings::new();
    for word in sizes {
        let parsed =
            word.split_once('=').and_then(|(name, value)| Some((Name::from(name), value.parse().ok()?)));
        let (name, value) =
            parsed.ok_or_else(|| Failure::Usage(format!("`{word}`: sizes are NAME=VALUE")))?;
        bindings.insert(name, value);
    }
    let mut context = PassContext::new(Contract::default(), bindings);
    if let Some(fuel) = arguments.fuel {
        context = context.with_fuel(fuel);
    }
    let lowers = arguments.pipeline.contains('|');
    let text = optimise(&source, &pipeline, lowers, &context).map_err(|error| about(error, &source))?;
    session.out(&text);
    Ok(Exit::Fine)
}

fn optimise(
    source: &Source,
    pipeline: &Pipeline,
    lowers: bool,
    context: &PassContext,
) -> Result<String, Error> {
    let text = &source.text;
    let begins =
        |word: &str| text.trim_start().strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '@']));
    if begins("func") {
        if !pipeline.graph.is_empty() {
            return Err(Error::Argument("loops take loop passes: write `| fuse`".into()));
        }
        let mut func = text.parse::<Func>().map_err(|error| unparsed(source, &error))?;
        func.verify().map_err(|errors| Error::Argument(errors.to_string()))?;
        pipeline.run_loops(&mut func, context, &mut Quiet)?;
        return Ok(func.to_string());
    }
    let mut graph = if begins("graph") {
        text.parse::<Graph>().map_err(|error| unparsed(source, &error))?
    } else {
        Compiler::new().check(source, &[], &[])?.graph
    };
    graph.verify().map_err(|errors| Error::Argument(errors.to_string()))?;
    if lowers {
        return Ok(pipeline.run(graph, context, &mut Quiet)?.to_string());
    }
    pipeline.run_graph(&mut graph, context, &mut Quiet)?;
    Ok(graph.to_string())
}

fn unparsed(source: &Source, error: &ParseError) -> Error {
    let message = format!("{}:{error}", source.name);
    Error::rejected(tcc_frontend::diagnostic::Code::UnexpectedText, message, None)
}
