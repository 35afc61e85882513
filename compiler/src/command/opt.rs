//! `tcc opt`: a pipeline of passes on IR text, or on a program.

use super::program::{about, read_source};
use super::session::{Exit, Failure, Session};
use crate::operand::Limits;
use crate::operand::bind::{Binder, Missing, Wanted};
use crate::operand::words::Words;
use crate::{Compiler, Error, Number, Source};
use serde_json::json;
use tcc_ir::bind::bind_known;
use tcc_ir::graph::Graph;
use tcc_ir::loops::Func;
use tcc_ir::{Bindings, Ir, ParseError};
use tcc_passes::{Contract, PassContext, Pipeline, Quiet};

/// Run passes on IR text (or on an .ein program) and print the result
#[derive(clap::Args)]
#[command(after_help = "\
The text begins with `graph` or `func`; anything else is a program. A pipeline without a bar prints the
graph; `canonicalize | fuse` lowers it and prints loops.

  tcc show x.ein --stage graph | tcc opt - --pipeline 'canonicalize, cse'")]
pub struct Arguments {
    /// The file (`-`: standard input), then sizes: NAME=VALUE, or operands that give them
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
    let (file, words) = arguments.words.split_first().ok_or_else(|| Failure::Usage("no file".into()))?;
    let source = read_source(file)?;
    let words = Words::parse(words)?;
    let text = optimise(&source, &words, &pipeline, &arguments).map_err(|error| about(error, &source))?;
    if session.json() {
        session.out_json(&json!({ "schema": "tcc.opt/1", "file": source.name, "text": text }));
    } else {
        session.out(&text);
    }
    Ok(Exit::Fine)
}

fn optimise(
    source: &Source,
    words: &Words,
    pipeline: &Pipeline,
    arguments: &Arguments,
) -> Result<String, Error> {
    let text = &source.text;
    let context = |bindings| {
        let context = PassContext::new(Contract::default(), bindings);
        match arguments.fuel {
            Some(fuel) => context.with_fuel(fuel),
            None => context,
        }
    };
    let begins =
        |word: &str| text.trim_start().strip_prefix(word).is_some_and(|rest| rest.starts_with([' ', '@']));
    if begins("func") {
        if !pipeline.graph.is_empty() {
            return Err(Error::Argument("loops take loop passes: write `| fuse`".into()));
        }
        let mut func = text.parse::<Func>().map_err(|error| unparsed(source, &error))?;
        func.verify().map_err(|errors| Error::Argument(errors.to_string()))?;
        let context = context(sizes_of_loops(&func, words)?);
        pipeline.run_loops(&mut func, &context, &mut Quiet)?;
        return Ok(func.to_string());
    }
    let mut graph = if begins("graph") {
        text.parse::<Graph>().map_err(|error| unparsed(source, &error))?
    } else {
        Compiler::new().check(source, &[], &words.numbers())?.graph
    };
    graph.verify().map_err(|errors| Error::Argument(errors.to_string()))?;
    let binder = Binder::new(words, Limits::default())?;
    let wanted = Wanted { graph: &graph, text, missing: Missing::Open, fits: &|_| Ok(()) };
    let bound = binder.bind(&wanted)?;
    let context = context(bound.bindings);
    if arguments.pipeline.contains('|') {
        return Ok(pipeline.run(graph, &context, &mut Quiet)?.to_string());
    }
    pipeline.run_graph(&mut graph, &context, &mut Quiet)?;
    Ok(graph.to_string())
}

/// Values of the sizes that loops still have.
fn sizes_of_loops(func: &Func, words: &Words) -> Result<Bindings, Error> {
    let mut given = Bindings::new();
    for (name, number) in words.numbers() {
        let Number::Integer(value) = number else {
            return Err(Error::Argument(format!("`{name}`: a size is an integer")));
        };
        given.insert(name.as_str().into(), value);
    }
    if given.len() < words.len() {
        return Err(Error::Argument("loops take sizes only: NAME=VALUE".into()));
    }
    bind_known(&func.symbols, &func.requirements, &[], &given).map_err(|e| Error::Argument(e.to_string()))
}

fn unparsed(source: &Source, error: &ParseError) -> Error {
    let message = format!("{}:{error}", source.name);
    Error::rejected(tcc_frontend::diagnostic::Code::UnexpectedText, message, None)
}
