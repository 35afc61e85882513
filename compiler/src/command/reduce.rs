//! `tcc reduce`: the smallest case that fails in the same way.

use super::case::{CaseArguments, Nothing};
use super::session::{self, Exit, Failure, Session};
use crate::operand::write::Files;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use tcc_fuzz::case::{Case, Program};
use tcc_fuzz::reduce::{Reduced, reduce_by};

/// Make a program that fails as small as it can be, with the same failure
#[derive(clap::Args)]
#[command(after_help = "\
  tcc reduce attention.ein n=8 -o small.tcc
  tcc reduce finding.tcc -o small.tcc
  tcc reduce attention.ein --equations -o small.ein

Cases run in a process of their own, so that also what ends or hangs it is reduced; Ctrl-C ends the search with what
there is. What fails in another way is not the same failure: its fingerprint is the oracle, the pass and the kind. The
result is a case for `tcc replay`; with --equations it is a program, as far as equations can be left out. Exit 0: it is
reduced, or nothing is wrong; 1: the case is not judged, or fails only sometimes.")]
pub struct Arguments {
    #[command(flatten)]
    case: CaseArguments,
    /// Write the result here instead of to standard output
    #[arg(short = 'o', value_name = "FILE", help_heading = "Results")]
    output: Option<PathBuf>,
    /// Stay with the equations: leave lines out, and make sizes and passes fewer
    #[arg(long, help_heading = "Results")]
    equations: bool,
    /// Most cases that are tried
    #[arg(long, value_name = "COUNT", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Search")]
    tries: u32,
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let mut named = arguments.case.named(session)?;
    let mut judge = arguments.case.limits.judge();
    let finding = match named.failure(session, &mut judge)? {
        Ok(finding) => finding,
        Err(why) => return Ok(nothing(session, &named.name, &why)),
    };
    let is_source = matches!(named.case.program, Program::Source(_));
    if arguments.equations && !is_source {
        return Err(Failure::Usage(format!("{} has no equations of its own", named.name)));
    }
    let before = named.case.size();
    let tries = arguments.tries as usize;
    session::interrupt_finishes();
    let mut fails = judge.fails(&finding.fingerprint);
    let mut ask = |case: &Case| {
        let wanted = !arguments.equations || matches!(case.program, Program::Source(_));
        wanted.then(|| fails.ask(case)).flatten()
    };
    let reduced = reduce_by(&named.case, &mut ask, &mut |tried| tried < tries && !session::interrupted());
    fails.end()?;
    let Some(Reduced { case, finding, tried }) = reduced else {
        return Ok(nothing(session, &named.name, &named.fails_no_more()));
    };
    let text = match &case.program {
        // A program with what it takes to see it fail as a comment.
        Program::Source(text) if arguments.equations => {
            let sizes: String = case.sizes.iter().map(|(name, size)| format!(" {name}={size}")).collect();
            let passes = case.whole_pipeline();
            format!("# {}\n# tcc verify FILE{sizes} --pipeline '{passes}'\n{text}", finding.fingerprint)
        }
        _ => case.to_string(),
    };
    if let Some(path) = &arguments.output {
        let mut files = Files::new();
        files.add(path, |file| file.write_all(text.as_bytes()))?;
        files.commit()?;
    } else if !session.json() {
        session.out(&text);
    }
    let written = arguments.output.as_ref().map(|path| path.display().to_string());
    if session.json() {
        session.out_json(&json!({
            "schema": "tcc.reduce/1", "file": named.name, "found": true, "written": written,
            "fingerprint": finding.fingerprint.to_string(), "message": finding.message,
            "size_before": before, "size": case.size(), "tried": tried, "text": text,
        }));
    } else {
        session.note(&format!(
            "from {before} parts to {}, {tried} cases tried, the same failure: {}",
            case.size(),
            finding.fingerprint
        ));
    }
    Ok(if session::interrupted() { Exit::Interrupted } else { Exit::Fine })
}

/// There is nothing to reduce, and why.
fn nothing(session: &Session, name: &str, Nothing(message, exit): &Nothing) -> Exit {
    if session.json() {
        session
            .out_json(&json!({ "schema": "tcc.reduce/1", "file": name, "found": false, "message": message }));
    } else {
        session.out(&format!("{message}: there is nothing to reduce\n"));
    }
    *exit
}
