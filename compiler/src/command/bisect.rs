//! `tcc bisect`: finds the pass, the rule and the firing that make a program wrong.

use super::case::CaseArguments;
use super::session::{Exit, Failure, Session};
use super::table::table;
use crate::operand::write::Files;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use tcc_fuzz::{Culprit, bisect};

/// Find the pass, the rule and the firing that make a program wrong
#[derive(clap::Args)]
#[command(after_help = "\
  tcc bisect attention.ein n=8
  tcc bisect finding.tcc -o finding

With -o NAME the last case that is right and the first that is wrong are written to NAME.good.tcc and
NAME.bad.tcc. Exit 3: a culprit was found; 0: nothing is wrong.")]
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
    let failure = named.failure(session);
    let culprit = failure.as_ref().ok().and_then(|_| bisect(&named.case));
    let Some(culprit) = culprit else {
        let message = failure.err().unwrap_or_else(|| format!("{}: it fails no more", named.name));
        if session.json() {
            session.out_json(
                &json!({ "schema": "tcc.bisect/1", "file": named.name, "found": false, "message": message }),
            );
        } else {
            session.out(&format!("{message}\n"));
        }
        return Ok(Exit::Fine);
    };
    let firing = culprit.firing.as_ref();
    if session.json() {
        session.out_json(&json!({
            "schema": "tcc.bisect/1", "file": named.name, "found": true,
            "message": culprit.finding.message,
            "fingerprint": culprit.finding.fingerprint.to_string(),
            "stage": culprit.stage, "occurrence": culprit.occurrence, "in_backend": culprit.in_backend,
            "rule": firing.and_then(|firing| firing.rule),
            "firing": firing.map(|firing| firing.number), "firings": firing.map(|firing| firing.of),
            "tried": culprit.tried,
        }));
    } else {
        session.out(&text(&culprit));
    }
    let (Some(firing), Some(output)) = (firing, &arguments.output) else { return Ok(Exit::CheckFailed) };
    let place = |what: &str| PathBuf::from(format!("{}.{what}.tcc", output.display()));
    let mut files = Files::new();
    let mut write = |path: &Path, text: String| files.add(path, |file| file.write_all(text.as_bytes()));
    write(&place("good"), firing.good.to_string())?;
    write(&place("bad"), firing.bad.to_string())?;
    files.commit()?;
    if !session.json() {
        session.out(&format!(
            "repeat by hand:\n  good: tcc replay {}\n  bad:  tcc replay {}\n",
            place("good").display(),
            place("bad").display()
        ));
    }
    Ok(Exit::CheckFailed)
}

fn text(culprit: &Culprit) -> String {
    let runs = format!("{} compilations", culprit.tried);
    let mut rows: Vec<[String; 3]> = Vec::new();
    if culprit.in_backend {
        rows.push(["backend".into(), culprit.stage.clone(), "culprit: the interpreter is right".into()]);
    } else {
        rows.push(["backend".into(), "-".into(), "the program is wrong before code is made of it".into()]);
        let time = match culprit.occurrence {
            1 => String::new(),
            number => format!(", run {number}"),
        };
        let optional = if culprit.optional { "" } else { ", cannot be left out" };
        rows.push(["pass".into(), culprit.stage.clone(), format!("culprit{time}{optional}")]);
    }
    if let Some(firing) = &culprit.firing {
        if let Some(rule) = firing.rule {
            rows.push(["rule".into(), rule.into(), "culprit".into()]);
        }
        rows.push(["firing".into(), format!("{} of {}", firing.number, firing.of), runs]);
    }
    let message = culprit.finding.message.lines().next().unwrap_or_default();
    format!("{}{}\n", table(["level", "which", "verdict"], &rows), message)
}
