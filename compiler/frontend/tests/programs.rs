//! The example programs, read whole.

use std::path::PathBuf;

use tcc_frontend::{ast, format, parse};

/// The example programs with their names, sorted.
fn programs() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/data/seed_kernels/ein");
    let mut programs: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the folder of example programs")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ein"))
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).expect("text")))
        .collect();
    programs.sort();
    programs
}

#[test]
fn all_programs_parse() {
    let programs = programs();
    assert_eq!(programs.len(), 36);
    for (name, source) in programs {
        let (file, diagnostics) = parse(&source);
        assert_eq!(diagnostics, [], "{name}");
        assert!(file.equations().count() > 0, "{name}");
    }
}

#[test]
fn statements_survive_any_line_end_and_indentation() {
    for (name, source) in programs() {
        let items = parse(&source).0.items.len();
        for changed in [source.replace('\n', "\r\n"), indented(&source, "    "), indented(&source, "\t")] {
            let (file, diagnostics) = parse(&changed);
            assert_eq!((file.items.len(), diagnostics), (items, vec![]), "{name}");
        }
    }
}

fn indented(source: &str, blanks: &str) -> String {
    source.lines().map(|line| format!("{blanks}{line}\n")).collect()
}

/// A tree as text, without the places.
fn without_spans(file: &ast::File) -> String {
    let text = format!("{file:?}");
    let mut pieces = text.split('@');
    let mut out = pieces.next().unwrap_or("").to_string();
    for piece in pieces {
        out.push_str(piece.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.'));
    }
    out
}

#[test]
fn formatting_changes_blanks_only_and_once() {
    for (name, source) in programs() {
        let once = format(&source).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        assert_eq!(format(&once).as_ref(), Ok(&once), "{name}");
        assert_eq!(without_spans(&parse(&once).0), without_spans(&parse(&source).0), "{name}");
        let bare = |text: &str| text.replace([' ', '\n'], "");
        assert_eq!(bare(&once), bare(&source), "{name}");
    }
}
