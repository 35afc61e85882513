//! `tcc cache`: the compiled code that later runs use.

use super::program::ProgramArguments;
use super::session::{Exit, Failure, Session};
use crate::cache::Key;
use crate::cache::folder::{Folder, MOST_BYTES};
use crate::operand::bind::Missing;
use crate::operand::size;
use clap::Subcommand;
use serde_json::json;
use std::path::PathBuf;

/// Look at the cache of compiled code, or empty it
#[derive(clap::Args)]
#[command(after_help = "\
The cache is the folder that TCC_CACHE names, else tcc in $XDG_CACHE_HOME or ~/.cache; TCC_CACHE=off turns it
off, --no-cache for one run. It holds code: only its owner may be able to write to it.")]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Say where it is, and how much is in it
    Stats,
    /// Say whether a program with these options and operands is in it, and if not, what differs
    Explain(Box<ProgramArguments>),
    /// Remove everything in it
    Clear,
    /// Check every entry; exit 3 if one is damaged
    Verify,
}

/// What is reported.
#[derive(Default)]
struct Report {
    action: &'static str,
    folder: Option<PathBuf>,
    problem: Option<String>,
    entries: usize,
    bytes: u64,
    removed: usize,
    damaged: Vec<String>,
    key: Option<String>,
    found: Option<bool>,
    differences: Vec<String>,
}

/// The folder that users have chosen; `None`: no cache.
pub fn folder() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    match set("TCC_CACHE") {
        Some(off) if off == "off" => return None,
        Some(folder) => return Some(folder.into()),
        None => {}
    }
    let absolute = |path: &PathBuf| path.is_absolute();
    let cache = set("XDG_CACHE_HOME").map(PathBuf::from).filter(absolute);
    let home = || set("HOME").map(PathBuf::from).filter(absolute).map(|home| home.join(".cache"));
    Some(cache.or_else(home)?.join("tcc"))
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    let path = folder();
    // Looking at a cache does not make one.
    let opened = match &path {
        Some(path) if std::fs::symlink_metadata(path).is_ok() => Folder::open(path).map(Some),
        _ => Ok(None),
    };
    let mut report = Report { folder: path, ..Report::default() };
    let folder = match opened {
        Ok(folder) => folder,
        Err(problem) => {
            report.problem = Some(problem);
            None
        }
    };
    let entries = folder.as_ref().map(Folder::entries).unwrap_or_default();
    (report.entries, report.bytes) = (entries.len(), entries.iter().map(|entry| entry.bytes).sum());
    match arguments.action {
        Action::Stats => report.action = "stats",
        Action::Verify => {
            report.action = "verify";
            report.damaged = entries.iter().filter_map(|entry| entry.read().err()).collect();
        }
        Action::Clear => {
            report.action = "clear";
            if let Some(folder) = &folder {
                let failed = |error| Failure::Environment(format!("cannot empty the cache: {error}"));
                report.removed = folder.clear().map_err(failed)?;
            }
            (report.entries, report.bytes) = (0, 0);
        }
        Action::Explain(program) => {
            report.action = "explain";
            let (loaded, bound) = program.bind(session, Missing::Open)?;
            let Some(key) = Key::new(&loaded.compiler, &loaded.program, &bound.bindings)? else {
                return Err(Failure::Usage("this backend has no code to keep".into()));
            };
            let found = folder.as_ref().map(|folder| folder.load(&key));
            report.problem = report.problem.or_else(|| found.clone()?.err());
            let found = matches!(found, Some(Ok(Some(_))));
            if !found {
                let texts = entries.iter().filter_map(|entry| Some(entry.read().ok()?.0));
                report.differences = nearest(key.text(), texts);
            }
            (report.key, report.found) = (Some(key.name()), Some(found));
        }
    }
    show(session, &report);
    let refused = report.problem.is_some() && report.found != Some(false);
    Ok(match report {
        _ if refused => Exit::Environment,
        report if !report.damaged.is_empty() => Exit::CheckFailed,
        _ => Exit::Fine,
    })
}

/// What differs between a key and the most similar one of the same program.
fn nearest(wanted: &str, texts: impl Iterator<Item = String>) -> Vec<String> {
    let program = |text: &str| text.lines().find(|line| line.starts_with("graph @")).map(str::to_owned);
    let name = |text: &str| program(text).map(|line| line.split('(').next().unwrap_or_default().to_owned());
    let differences = |text: &str| -> Vec<String> {
        let changes = similar::TextDiff::from_lines(text, wanted);
        let changed = changes.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal);
        changed.map(|change| format!("{}{}", change.tag(), change.value().trim_end())).collect()
    };
    let same_program = texts.filter(|text| name(text) == name(wanted));
    same_program.map(|text| differences(&text)).min_by_key(Vec::len).unwrap_or_default()
}

fn show(session: &Session, report: &Report) {
    if session.json() {
        session.out_json(&json!({
            "schema": "tcc.cache/1", "action": report.action,
            "folder": report.folder.as_ref().map(|folder| folder.display().to_string()),
            "problem": report.problem, "entries": report.entries, "bytes": report.bytes,
            "limit_bytes": MOST_BYTES, "removed": report.removed, "damaged": report.damaged,
            "key": report.key, "found": report.found, "differences": report.differences,
        }));
        return;
    }
    if let Some(problem) = &report.problem {
        session.complain("cache", problem);
    }
    let folder = report.folder.as_ref().map_or("off".to_owned(), |folder| folder.display().to_string());
    let mut text = match report.action {
        "clear" => format!("{} entries removed from {folder}\n", report.removed),
        "verify" => format!("{} entries checked, {} damaged\n", report.entries, report.damaged.len()),
        "explain" => format!(
            "{} {}\n",
            if report.found == Some(true) { "in the cache:" } else { "not in the cache:" },
            report.key.as_deref().unwrap_or_default()
        ),
        _ => format!(
            "cache      {folder}\nentries    {}\nbytes      {} of {} allowed\n",
            report.entries,
            size(report.bytes),
            size(MOST_BYTES)
        ),
    };
    for line in &report.damaged {
        text.push_str(&format!("{line}\n"));
    }
    if !report.differences.is_empty() {
        text.push_str("the most similar entry of this program (-) differs from what is asked for (+)\n");
        report.differences.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    }
    session.out(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_similar_key_of_the_same_program_is_compared() {
        let texts =
            ["a = 1\nb = 2\ngraph @f(n)\n", "a = 1\nb = 3\ngraph @f(n)\n", "a = 1\nb = 4\ngraph @g(n)\n"];
        let found = nearest("a = 1\nb = 4\ngraph @f(n)\n", texts.iter().map(|text| (*text).to_owned()));
        assert_eq!(found, ["-b = 2", "+b = 4"]);
        assert_eq!(
            nearest("graph @h(n)\n", texts.iter().map(|text| (*text).to_owned())),
            Vec::<String>::new()
        );
    }
}
