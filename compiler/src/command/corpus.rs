//! Folders of cases: what a campaign starts from, and what it keeps.

use super::session::{Exit, Failure, Session};
use crate::operand::write::Files;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use tcc_fuzz::Case;

/// Most files that are open at a time: systems allow a process few.
pub const BATCH: usize = 64;

/// The cases of files. Those of other versions, which may name passes that are gone, are left out.
fn read(paths: &[PathBuf]) -> Vec<Case> {
    paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()?.parse().ok()).collect()
}

/// The files of a folder, in the order of their names; none if there is no such folder yet.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::Environment(format!("{}: {error}", folder.display()))),
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "tcc"));
    paths.sort();
    Ok(paths)
}

/// Writes the cases that are not there yet, each under a hash of its text; the places of all of them.
pub fn write(folder: &Path, cases: &[String]) -> Result<Vec<PathBuf>, Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::Environment(format!("{}: {error}", folder.display())))?;
    let mut paths = Vec::new();
    for batch in cases.chunks(BATCH) {
        let mut files = Files::new();
        for text in batch {
            let path = folder.join(format!("{:016x}.tcc", tcc_fuzz::choices::hash(text)));
            if !path.exists() {
                files.add(&path, |file| file.write_all(text.as_bytes()))?;
            }
            paths.push(path);
        }
        files.commit()?;
    }
    Ok(paths)
}

/// Keeps of a folder, and of others that are added to it, the cases that do something that the others do not.
pub fn prune(session: &Session, folder: &Path, from: &[PathBuf], dry_run: bool) -> Result<Exit, Failure> {
    let Pruned { cases, kept, features } = pruned(folder, from, dry_run)?;
    if session.json() {
        session.out_json(&json!({
            "schema": "tcc.fuzz.prune/1", "corpus": folder.display().to_string(), "cases": cases, "kept": kept,
            "features": features, "dry_run": dry_run,
        }));
    } else {
        let are = if dry_run { "would be kept" } else { "kept" };
        session.out(&format!("{}: {kept} of {cases} cases {are}, {features} features\n", folder.display()));
    }
    Ok(Exit::Fine)
}

/// How many cases there were and how many are left, and what they do together.
#[derive(Debug, PartialEq)]
struct Pruned {
    cases: usize,
    kept: usize,
    features: usize,
}

/// What is kept is complete before anything else goes.
fn pruned(folder: &Path, from: &[PathBuf], dry_run: bool) -> Result<Pruned, Failure> {
    let folders = || std::iter::once(folder).chain(from.iter().map(PathBuf::as_path));
    if let Some(missing) = folders().find(|folder| !folder.is_dir()) {
        return Err(Failure::Usage(format!("{} is no folder of cases", missing.display())));
    }
    let before = files(folder)?;
    let mut all = Vec::new();
    for folder in folders() {
        all.extend(read(&files(folder)?));
    }
    let cases = all.len();
    let (kept, features) = tcc_fuzz::prune::prune(all);
    if !dry_run {
        let kept: Vec<String> = kept.iter().map(ToString::to_string).collect();
        let paths = write(folder, &kept)?;
        for path in before.iter().filter(|path| !paths.contains(path)) {
            std::fs::remove_file(path)
                .map_err(|error| Failure::Environment(format!("{}: {error}", path.display())))?;
        }
    }
    Ok(Pruned { cases, kept: kept.len(), features })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: &str = "test fuzz = \"cse |\"\n\ngraph @g(%x: f32[i:4]) {\n  %0 = neg %x : f32[i:4]\n  return y = %0[i]\n}\n";

    #[test]
    fn folders_are_merged_and_cases_that_add_nothing_go() {
        let outside = tempfile::tempdir().expect("a folder");
        let (corpus, other) = (outside.path().join("corpus"), outside.path().join("other"));
        let put = |folder: &Path, name: &str, text: &str| {
            std::fs::create_dir_all(folder).expect("ours");
            std::fs::write(folder.join(name), text).expect("ours");
        };
        put(&corpus, "one.tcc", CASE);
        put(&corpus, "same.tcc", &CASE.replace("@g", "@renamed"));
        put(&corpus, "broken.tcc", "test fuzz");
        put(&corpus, "notes.txt", "mine");
        put(&other, "new.tcc", &CASE.replace("neg", "abs"));
        let from = [other.clone()];
        let names = |folder: &Path| files(folder).map_or(0, |files| files.len());
        let first = pruned(&corpus, &from, true).expect("folders");
        assert_eq!((first.cases, first.kept, names(&corpus)), (3, 2, 3));
        assert_eq!(pruned(&corpus, &from, false).ok(), Some(first));
        assert_eq!((names(&corpus), names(&other)), (2, 1));
        assert!(corpus.join("notes.txt").exists());
        let again = pruned(&corpus, &[], false).expect("a folder");
        assert_eq!((again.cases, again.kept), (2, 2));
        assert!(pruned(&outside.path().join("nowhere"), &[], false).is_err());
    }
}
