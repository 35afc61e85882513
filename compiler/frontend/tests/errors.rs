//! Wrong programs: each file of `tests/filetests/errors` says in its first line which codes it shall meet
//! (`# error E0203`, `# warning W0401`), and meets exactly these. What a user sees is below the bar of
//! the file and is compared by the tests of the command line.

use std::collections::BTreeSet;
use std::path::Path;
use tcc_frontend::diagnostic::Diagnostic;
use tcc_frontend::{Options, compile};

/// What is found in a program, errors or warnings.
fn found(source: &str) -> Vec<Diagnostic> {
    match compile(source, &Options::default()) {
        Ok(program) => program.warnings,
        Err(list) => list.into_iter().filter(Diagnostic::is_error).collect(),
    }
}

#[test]
fn each_wrong_program_meets_its_code() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/filetests/errors");
    let mut wrong = Vec::new();
    let mut count = 0;
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder exists")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "ein"))
        .collect();
    files.sort();
    for path in files {
        let text = std::fs::read(&path).expect("a readable file");
        let text = String::from_utf8_lossy(&text);
        let source = text.split("\n----\n").next().unwrap_or_default();
        let first = source.lines().next().unwrap_or_default();
        let Some(codes) = first.strip_prefix("# error ").or(first.strip_prefix("# warning ")) else {
            continue;
        };
        count += 1;
        let expected: BTreeSet<&str> = codes.split_whitespace().collect();
        let list = found(source);
        let got: BTreeSet<&str> = list.iter().map(|diagnostic| diagnostic.code.id()).collect();
        if got != expected {
            wrong.push(format!("{}: {got:?}, not {expected:?}: {list:#?}", path.display()));
        }
        for diagnostic in &list {
            let in_source = |label: &tcc_frontend::diagnostic::Label| label.span.end <= source.len();
            if diagnostic.help.is_none()
                || diagnostic.labels.is_empty()
                || !diagnostic.labels.iter().all(in_source)
            {
                wrong.push(format!("{}: no help or no place: {diagnostic:?}", path.display()));
            }
        }
    }
    assert!(count >= 65, "only {count} files");
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
