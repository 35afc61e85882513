//! `tcc replay`: runs a case again and says what the oracles say.

use super::case::CaseArguments;
use super::session::{Exit, Failure, Session};
use serde_json::json;

/// Run a case of the fuzzer again, or a program by its recipe, and ask every oracle
#[derive(clap::Args)]
#[command(after_help = "\
  tcc replay finding.tcc
  tcc replay attention.ein --recipe attention.recipe n=8

Operands of programs are made up, small integers first. The case runs in a process of its own: that it ends or hangs
that one is an answer, too. Exit 3: an oracle says no; 1: the case is not judged.")]
pub struct Arguments {
    #[command(flatten)]
    case: CaseArguments,
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let mut named = arguments.case.named(session)?;
    let verdict = named.judge(&mut arguments.case.limits.judge())?;
    let name = &named.name;
    let word = match (&verdict.finding, &verdict.refused) {
        (Some(_), _) => "fails",
        (None, Some(_)) => "refused",
        (None, None) => "holds",
    };
    if session.json() {
        session.out_json(&json!({
            "schema": "tcc.replay/1", "file": name, "verdict": word,
            "fingerprint": verdict.finding.as_ref().map(|finding| finding.fingerprint.to_string()),
            "message": verdict.finding.as_ref().map(|finding| &finding.message).or(verdict.refused.as_ref()),
        }));
    } else {
        session.out(&match (&verdict.finding, &verdict.refused) {
            (Some(finding), _) => format!("{name}: {finding}\n"),
            (None, Some(refused)) => format!("{name}: not judged: {refused}\n"),
            (None, None) => format!("{name}: every oracle holds\n"),
        });
        if verdict.finding.is_some() {
            session.hint(&format!(
                "which rewrite it is: tcc bisect {name} .., and smaller: tcc reduce {name} .."
            ));
        }
    }
    Ok(match word {
        "fails" => Exit::CheckFailed,
        "refused" => Exit::Rejected,
        _ => Exit::Fine,
    })
}
