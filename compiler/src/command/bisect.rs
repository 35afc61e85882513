//! `tcc bisect`: finds the pass, the rewrite and the rule that make a program wrong.

use super::case::{CaseArguments, Nothing};
use super::session::{Exit, Failure, Session};
use super::table::table;
use crate::operand::write::Files;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use tcc_backends::BACKENDS;
use tcc_fuzz::localise::{Place, localise_by};
use tcc_fuzz::{Case, Finding};

/// Find the pass, the rule and the rewrite that make a program wrong
#[derive(clap::Args)]
#[command(after_help = "\
  tcc bisect attention.ein n=8
  tcc bisect finding.tcc -o finding

With -o NAME the case that is just right and the one that is just wrong are written to NAME.good.tcc and
NAME.bad.tcc. Cases run in a process of their own, so that also what ends or hangs it has a culprit; a hang is asked
about often, so give it a short --timeout. Exit 3: a culprit was found; 0: nothing is wrong; 1: the case is not judged,
or fails only sometimes.")]
pub struct Arguments {
    #[command(flatten)]
    case: CaseArguments,
    /// Where the two cases that repeat it by hand are written
    #[arg(short = 'o', value_name = "NAME", help_heading = "Results")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let mut named = arguments.case.named(session)?;
    let mut judge = arguments.case.limits.judge();
    let failure = named.failure(session, &mut judge)?;
    let mut place = None;
    if let Ok(finding) = &failure {
        let mut fails = judge.fails(&finding.fingerprint);
        place = localise_by(&named.case, &mut |case| fails.ask(case));
        fails.end()?;
    }
    let (Ok(finding), Some(place)) = (&failure, place) else {
        let Nothing(message, exit) = failure.err().unwrap_or_else(|| named.fails_no_more());
        if session.json() {
            let name = &named.name;
            session.out_json(
                &json!({ "schema": "tcc.bisect/1", "file": name, "found": false, "message": message }),
            );
        } else {
            session.out(&format!("{message}\n"));
        }
        return Ok(exit);
    };
    if session.json() {
        session.out_json(&json!({
            "schema": "tcc.bisect/1", "file": named.name, "found": true, "message": finding.message,
            "fingerprint": finding.fingerprint.to_string(), "stage": place.stage, "position": place.position,
            "in_backend": in_backend(&place), "rule": place.rule, "rewrite": place.rewrite,
        }));
    } else {
        session.out(&text(finding, &place));
    }
    if let Some(output) = &arguments.output {
        let named = |what: &str| PathBuf::from(format!("{}.{what}.tcc", output.display()));
        let mut files = Files::new();
        let mut commands = String::from("repeat by hand:\n");
        let cases: [(&str, Option<&Case>); 2] = [("good", place.good.as_ref()), ("bad", Some(&place.bad))];
        for (what, case) in cases.into_iter().filter_map(|(what, case)| Some((what, case?))) {
            files.add(&named(what), |file| file.write_all(case.to_string().as_bytes()))?;
            commands.push_str(&format!("  {what}: tcc replay {}\n", named(what).display()));
        }
        files.commit()?;
        if !session.json() {
            session.out(&commands);
        }
    }
    Ok(Exit::CheckFailed)
}

fn in_backend(place: &Place) -> bool {
    BACKENDS.iter().any(|backend| backend.name == place.stage)
}

fn text(finding: &Finding, place: &Place) -> String {
    let mut rows: Vec<[String; 3]> = Vec::new();
    if in_backend(place) {
        rows.push(["backend".into(), place.stage.clone(), "culprit: the interpreter is right".into()]);
    } else {
        rows.push(["backend".into(), "-".into(), "wrong before code is made of it".into()]);
        rows.push(["pass".into(), place.stage.clone(), format!("culprit, stage {}", place.position)]);
    }
    if let Some(rule) = place.rule {
        rows.push(["rule".into(), rule.into(), "culprit".into()]);
    }
    if let Some(rewrite) = place.rewrite {
        rows.push(["rewrite".into(), rewrite.to_string(), "the first with which it is wrong".into()]);
    }
    let message = finding.message.lines().next().unwrap_or_default();
    format!("{}{message}\n", table(["level", "which", "verdict"], &rows))
}
