//! `tcc explain`: what a program costs and how it got its form, or what a message means.

mod choices;
mod gather;
mod history;
mod report;
mod why;

use super::program::{ProgramArguments, about};
use super::session::{Exit, Failure, Session};
use crate::operand::bind::Missing;
use gather::Explained;
pub use report::{amount, time};
use serde_json::json;
use tcc_frontend::diagnostic::{CODES, Code, nearest};
use tcc_ir::Extent;

/// Explain what a program costs and why it has its form, or a code such as E0203
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  tcc explain attention.ein n=512 d=64
  tcc explain attention.ein --demo --top 3
  tcc explain attention.ein n=512 --why P
  tcc explain E0203

Operations are counted on the loops, calls of exp and the like apart. `bytes` is what has to be moved if every
element is loaded and stored once; `flop/byte` is their ratio. The model is that of the whole compiler.")]
pub struct Arguments {
    #[command(flatten)]
    program: ProgramArguments,
    /// Choose the sizes that are not given
    #[arg(long, help_heading = "Report")]
    demo: bool,
    /// How a tensor got its form: what each pass made of it, and what was not applied
    #[arg(long, value_name = "TENSOR", help_heading = "Report")]
    why: Option<String>,
    /// Only the steps that take longest; 0: all
    #[arg(long, value_name = "STEPS", default_value_t = 20, help_heading = "Report")]
    top: usize,
    /// List every buffer with its place, not only the largest
    #[arg(long, help_heading = "Report")]
    buffers: bool,
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    if let Some(word) = arguments.program.only_word().filter(|word| looks_like_code(word)) {
        return explain_code(session, word);
    }
    let missing = if arguments.demo { Missing::MakeUp } else { Missing::Open };
    let (loaded, bound) = arguments.program.bind(session, missing)?;
    let explained = Explained::new(&loaded.compiler, &loaded.program.graph, bound.bindings)
        .map_err(|error| about(error, &loaded.source))?;
    let why = arguments.why.as_deref().map(|name| why::find(&explained, name)).transpose()?;
    if session.json() {
        let mut object = report::json(&explained, &loaded.source.name);
        if let Some(why) = &why {
            object["why"] = why.json();
        }
        session.out_json(&object);
        return Ok(Exit::Fine);
    }
    match &why {
        Some(why) => session.out(&why.text()),
        None => session.out(&report::text(&explained, arguments.top, arguments.buffers)),
    }
    match (explained.steps.is_empty() && explained.cost.is_none(), explained.dearest()) {
        (true, _) => session.hint("give sizes (n=64 ..), or --demo, to count operations"),
        (false, Some(name)) if why.is_none() => {
            session.hint(&format!("why this form: tcc explain {} .. --why {name}", loaded.source.name));
        }
        _ => {}
    }
    Ok(Exit::Fine)
}

fn looks_like_code(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| "EWew".contains(c)) && word.len() == 5 && chars.all(|c| c.is_ascii_digit())
}

fn explain_code(session: &Session, word: &str) -> Result<Exit, Failure> {
    let Some(row) = Code::from_id(word).map(Code::info) else {
        let near = nearest(&word.to_ascii_uppercase(), CODES.iter().map(|row| row.id)).map(str::to_owned);
        let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        return Err(Failure::Usage(format!("no message has the code {word}{near}")));
    };
    if session.json() {
        session.out_json(&json!({
            "schema": "tcc.explain-code/1", "code": row.id, "title": row.title,
            "explanation": row.explanation, "wrong": row.wrong, "right": row.right,
        }));
    } else {
        let indent = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
        session.out(&format!(
            "{}: {}\n\n{}\n\nwrong\n{}\nright\n{}",
            row.id,
            row.title,
            row.explanation,
            indent(row.wrong),
            indent(row.right)
        ));
    }
    Ok(Exit::Fine)
}

/// A size as JSON: a number, or an expression as text.
pub fn extent_json(extent: &Extent) -> serde_json::Value {
    extent.as_const().map_or_else(|| json!(extent.to_string()), |size| json!(size))
}
