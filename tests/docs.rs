//! What the documentation shows is true: every ```` ```ein ```` block of the docs and the README
//! passes the checker, and every example program does.

use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The fenced blocks in language `ein` of a Markdown file, with the line on which each begins.
fn blocks(markdown: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in markdown.lines().enumerate() {
        match &mut open {
            None if line == "```ein" => open = Some((number + 2, String::new())),
            None => {}
            Some(_) if line == "```" => blocks.extend(open.take()),
            Some((_, text)) => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    blocks
}

fn assert_checks(name: &str, source: &str) {
    let options = tcc_frontend::Options::default();
    if let Err(diagnostics) = tcc_frontend::compile(source, &options) {
        let messages: Vec<String> =
            diagnostics.iter().map(|d| format!("{}: {}", d.code, d.message)).collect();
        panic!("{name} does not pass the checker:\n{source}\n{}", messages.join("\n"));
    }
}

#[test]
fn every_block_in_the_documentation_passes_the_checker() {
    let mut seen = 0;
    for file in ["README.md", "docs/language.md"] {
        let text = std::fs::read_to_string(root().join(file)).unwrap();
        for (line, source) in blocks(&text) {
            assert_checks(&format!("{file}:{line}"), &source);
            seen += 1;
        }
    }
    assert!(seen >= 8, "only {seen} blocks found");
}

#[test]
fn every_example_program_passes_the_checker() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(root().join("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "ein"))
        .collect();
    files.sort();
    assert!(files.len() >= 10);
    for path in files {
        let source = std::fs::read_to_string(&path).unwrap();
        assert_checks(&path.display().to_string(), &source);
    }
}

/// The program that the README shows is an example file, word for word.
#[test]
fn the_program_in_the_readme_is_a_tested_file() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let example = std::fs::read_to_string(root().join("examples/window_attention.ein")).unwrap();
    assert!(readme.contains(&example), "README.md does not show examples/window_attention.ein");
}
