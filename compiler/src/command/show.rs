//! `tcc show`: a program at one of the stages of its compilation, or what changed between two.

use super::program::{ProgramArguments, about};
use super::session::{Exit, Failure, Session};
use crate::operand::bind::Missing;
use crate::{Compiler, Error};
use serde_json::{Value, json};
use similar::TextDiff;
use tcc_backends::{EmitKind, Target};
use tcc_frontend::Program;
use tcc_frontend::diagnostic::nearest;
use tcc_ir::Bindings;
use tcc_ir::graph::Graph;
use tcc_ir::loops::Func;
use tcc_passes::{Changed, PassObserver, Quiet};

/// The stages of a compilation, in order.
const STAGES: &[&str] = &["parse", "graph", "opt", "loops", "clif", "asm"];

/// Show a program at a stage of its compilation; sizes that are given are fixed
#[derive(clap::Args)]
#[command(after_help = "\
Stages: parse, graph, opt (after the graph passes), loops, clif, asm. With --after and --diff, a place is a stage
or a pass of the pipeline: PASS is its first occurrence, PASS:2 its second; `lower` makes loops of the graph.

  tcc show attention.ein n=64 --after fuse
  tcc show attention.ein n=64 --diff lower..fuse
  tcc show attention.ein n=64 --diff simplify:1..simplify:2")]
pub struct Arguments {
    #[command(flatten)]
    program: ProgramArguments,
    /// The stage
    #[arg(long, value_name = "STAGE", value_parser = STAGES.to_vec(), default_value = "graph")]
    stage: String,
    /// After a pass, PASS or PASS:N
    #[arg(long, value_name = "PASS", conflicts_with = "stage")]
    after: Option<String>,
    /// What changed between two places: A..B; `A..` goes to the last pass, `..B` starts at the graph
    #[arg(long, value_name = "A..B", conflicts_with_all = ["stage", "after"])]
    diff: Option<String>,
}

/// The text after each pass.
#[derive(Default)]
struct Texts(Vec<(String, String)>);

impl PassObserver for Texts {
    fn graph(&mut self, pass: &str, position: usize, graph: &Graph, changed: Changed) {
        let pass = if position == 0 { "graph" } else { pass };
        self.add(pass, changed.is_yes() || position == 0, || graph.to_string());
    }

    fn loops(&mut self, pass: &str, _: usize, func: &Func, changed: Changed) {
        self.add(pass, changed.is_yes(), || func.to_string());
    }
}

impl Texts {
    fn add(&mut self, pass: &str, changed: bool, text: impl FnOnce() -> String) {
        let text = match self.0.last() {
            Some((_, last)) if !changed => last.clone(),
            _ => text(),
        };
        self.0.push((pass.to_owned(), text));
    }

    /// The passes with the number of each occurrence, as they are named.
    fn names(&self) -> Vec<String> {
        let name = |(at, (pass, _)): (usize, &(String, String))| {
            let before = self.0[..at].iter().filter(|(other, _)| other == pass).count();
            let several = self.0.iter().filter(|(other, _)| other == pass).count() > 1;
            if several { format!("{pass}:{}", before + 1) } else { pass.clone() }
        };
        self.0.iter().enumerate().map(name).collect()
    }

    /// The text after a pass.
    fn find(&self, place: &str) -> Result<&str, Failure> {
        let (pass, number) = place.split_once(':').unwrap_or((place, "1"));
        let wanted: usize = number.parse().ok().filter(|&number| number > 0).ok_or_else(|| {
            Failure::Usage(format!("`{place}`: an occurrence is a number from 1, such as {pass}:2"))
        })?;
        let found: Vec<&str> =
            self.0.iter().filter(|(name, _)| name == pass).map(|(_, text)| text.as_str()).collect();
        match (found.get(wanted - 1), found.len()) {
            (Some(text), _) => Ok(text),
            (None, 0) => {
                let names = self.0.iter().map(|(name, _)| name.as_str()).chain(STAGES[3..].iter().copied());
                let near = nearest(pass, names).map(|near| format!("; did you mean `{near}`?"));
                Err(Failure::Usage(near.map_or_else(
                    || format!("no pass `{pass}` in the pipeline; there are {}", self.names().join(", ")),
                    |near| format!("no pass `{pass}` in the pipeline{near}"),
                )))
            }
            (None, count) => {
                let times = if count == 1 { "once".into() } else { format!("{count} times") };
                Err(Failure::Usage(format!("`{pass}` occurs {times} in the pipeline, not {wanted} times")))
            }
        }
    }
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    if arguments.stage == "parse" && arguments.after.is_none() && arguments.diff.is_none() {
        return parsed(session, &arguments);
    }
    let (loaded, bound) = arguments.program.bind(session, Missing::Open)?;
    let (compiler, bindings) = (&loaded.compiler, &bound.bindings);
    let failed = |error: Error| about(error, &loaded.source);
    let mut object = json!({ "schema": "tcc.show/1", "file": loaded.source.name });
    let text = if arguments.after.is_some() || arguments.diff.is_some() {
        let mut texts = Texts::default();
        let func = compiler.lower(&loaded.program.graph, bindings, &mut texts).map_err(failed)?;
        object["passes"] = texts.names().into();
        let place = |place: &str| -> Result<String, Failure> {
            match place {
                "opt" => Ok(before_lower(&texts)),
                "loops" => Ok(func.to_string()),
                "clif" | "asm" => emitted(compiler, &func, place).map_err(failed),
                pass => texts.find(pass).map(str::to_owned),
            }
        };
        let last = texts.names().pop().unwrap_or_default();
        match (&arguments.after, &arguments.diff) {
            (Some(pass), _) => {
                object["stage"] = pass.as_str().into();
                place(pass)?
            }
            (None, diff) => {
                let diff = diff.as_deref().unwrap_or_default();
                object["stage"] = diff.into();
                difference(diff, &last, &place)?
            }
        }
    } else {
        object["stage"] = arguments.stage.as_str().into();
        stage(compiler, &loaded.program, bindings, &arguments.stage).map_err(failed)?
    };
    if let (Some(diff), true) = (&arguments.diff, text.is_empty()) {
        session.note(&format!("nothing changed in {diff}"));
    }
    object["text"] = text.as_str().into();
    print(session, &object, &text);
    Ok(Exit::Fine)
}

fn print(session: &Session, object: &Value, text: &str) {
    if session.json() {
        session.out_json(object);
    } else {
        session.out(text);
    }
}

fn parsed(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let (source, _) = arguments.program.source()?;
    let (tree, found) = tcc_frontend::parse(&source.text);
    if found.iter().any(tcc_frontend::diagnostic::Diagnostic::is_error) {
        return Err(Failure::Error(Error::Rejected(found), Some(source)));
    }
    let text = format!("{tree:#?}\n");
    let object = json!({ "schema": "tcc.show/1", "file": source.name, "stage": "parse", "text": text });
    print(session, &object, &text);
    Ok(Exit::Fine)
}

/// The unified difference between two places.
fn difference(
    range: &str,
    last: &str,
    place: &dyn Fn(&str) -> Result<String, Failure>,
) -> Result<String, Failure> {
    let Some((from, to)) = range.split_once("..") else {
        return Err(Failure::Usage(format!("`--diff {range}`: write two places, such as lower..fuse")));
    };
    let from = if from.is_empty() { "graph" } else { from };
    let to = if to.is_empty() { last } else { to };
    let (before, after) = (place(from)?, place(to)?);
    Ok(TextDiff::from_lines(&before, &after).unified_diff().context_radius(3).header(from, to).to_string())
}

/// The text after the last graph pass.
fn before_lower(texts: &Texts) -> String {
    let end = texts.0.iter().position(|(pass, _)| pass == "lower").unwrap_or(texts.0.len());
    texts.0[..end].last().map(|(_, text)| text.clone()).unwrap_or_default()
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
        kind => emitted(compiler, &compiler.lower(&graph, bindings, &mut Quiet)?, kind),
    }
}

/// What a backend makes of loops, as text.
fn emitted(compiler: &Compiler, func: &Func, kind: &str) -> Result<String, Error> {
    let kind = EmitKind::from_name(kind).ok_or_else(|| Error::Argument(format!("no stage `{kind}`")))?;
    let artifact = (compiler.target()?.emit)(func, kind, &Target::default())?;
    Ok(String::from_utf8_lossy(artifact.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_passes_by_occurrence() {
        let mut texts = Texts::default();
        for (pass, changed) in [("graph", true), ("fold", true), ("cse", false), ("fold", true)] {
            let text = format!("{}\n", texts.0.len());
            texts.add(pass, changed, || text);
        }
        assert_eq!(texts.names(), ["graph", "fold:1", "cse", "fold:2"]);
        assert_eq!(texts.find("fold").ok(), Some("1\n"));
        assert_eq!(texts.find("cse").ok(), Some("1\n"));
        assert_eq!(texts.find("fold:2").ok(), Some("3\n"));
        for wrong in ["fold:3", "fold:0", "fold:x", "dce"] {
            assert!(matches!(texts.find(wrong), Err(Failure::Usage(_))), "{wrong}");
        }
        let place = |place: &str| texts.find(place).map(str::to_owned);
        let diff = difference("..fold:2", "cse", &place).expect("both are there");
        assert_eq!(diff, "--- graph\n+++ fold:2\n@@ -1 +1 @@\n-0\n+3\n");
        assert!(difference("graph", "cse", &place).is_err());
    }
}
