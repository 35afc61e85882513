//! What the documentation shows is true: every ```` ```ein ```` block of the docs and the README
//! passes the checker, and every example program does.

#[path = "../examples/embed.rs"]
mod embed;

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The fenced blocks in a language of a Markdown file, with the line on which each begins.
fn blocks(markdown: &str, language: &str) -> Vec<(usize, String)> {
    let fence = format!("```{language}");
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in markdown.lines().enumerate() {
        match &mut open {
            None if line == fence => open = Some((number + 2, String::new())),
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
        for (line, source) in blocks(&text, "ein") {
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
        assert_eq!(tcc_frontend::format(&source).as_ref(), Ok(&source), "{}: run tcc fmt", path.display());
    }
}

/// The program that the README shows is an example file, word for word.
#[test]
fn the_program_in_the_readme_is_a_tested_file() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let example = std::fs::read_to_string(root().join("examples/window_attention.ein")).unwrap();
    assert!(readme.contains(&example), "README.md does not show examples/window_attention.ein");
}

/// The commands that the README shows work as they stand, in a folder with the examples.
#[test]
fn the_commands_in_the_readme_work() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("examples")).unwrap();
    for entry in std::fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join("examples").join(path.file_name().unwrap())).unwrap();
    }
    let binaries = Path::new(env!("CARGO_BIN_EXE_tcc")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut commands = 0;
    for (_, block) in blocks(&readme, "sh") {
        // The other lines build the project itself.
        for line in block.lines().filter(|line| line.starts_with("tcc ")) {
            let output = Command::new("sh")
                .args(["-c", line])
                .current_dir(folder.path())
                .env("PATH", &path)
                .env("TCC_CACHE", "off")
                .output()
                .unwrap();
            assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
            commands += 1;
        }
    }
    assert!(commands >= 7, "only {commands} commands found");
}

#[test]
fn the_embedding_example_runs() {
    embed::main().unwrap();
}

/// Links from one page to another lead somewhere.
#[test]
fn links_between_pages_lead_somewhere() {
    let mut pages: Vec<PathBuf> = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"]
        .iter()
        .map(|page| root().join(page))
        .collect();
    for folder in ["docs", "docs/how-to"] {
        let entries = std::fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") {
                let place = page.parent().unwrap().join(target);
                assert!(place.exists(), "{} links to {target}, which is not there", page.display());
            }
        }
    }
}
