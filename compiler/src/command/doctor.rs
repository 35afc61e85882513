//! `tcc doctor`: what works on this machine.

use super::session::{Exit, Failure, Session};
use serde_json::{Value, json};
use tcc_backends::{BACKENDS, Backend};
use tcc_frontend::EDITIONS;
use tcc_ir::loops::Func;

/// Say what works on this machine
#[derive(clap::Args)]
pub struct Arguments {}

/// One line of the report.
struct Line {
    found: bool,
    name: &'static str,
    about: String,
}

/// Runs the command.
pub fn run(session: &Session, _: Arguments) -> Result<Exit, Failure> {
    let lines = lines();
    let version = env!("CARGO_PKG_VERSION");
    let edition = EDITIONS.iter().max().copied().unwrap_or_default();
    if session.json() {
        let rows: Vec<Value> = lines
            .iter()
            .map(|line| json!({ "found": line.found, "name": line.name, "about": line.about }))
            .collect();
        session.out_json(&json!({
            "schema": "tcc.doctor/1", "version": version, "edition": edition, "lines": rows,
        }));
        return Ok(Exit::Fine);
    }
    let mut text = format!("tcc {version} (tensor compiler; not the Tiny C Compiler)   edition {edition}\n");
    for line in &lines {
        let mark = if line.found { "ok  " } else { "miss" };
        text.push_str(&format!("{mark} {:<11} {}\n", line.name, line.about));
    }
    session.out(&text);
    Ok(Exit::Fine)
}

fn lines() -> Vec<Line> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let compiler = c_compiler();
    let machine = format!("{}{}, {cores} cores", std::env::consts::ARCH, features());
    let backend = |backend: &Backend| Line {
        found: (backend.load)(&Func::default()).is_ok(),
        name: backend.name,
        about: format!("{} ({machine})", backend.about),
    };
    let mut lines: Vec<Line> = BACKENDS.iter().map(backend).collect();
    lines.push(Line {
        found: compiler.is_some(),
        name: "cc",
        about: match compiler {
            Some(path) => format!("{path}: links what `tcc compile` emits"),
            None => {
                "optional: a C compiler links what `tcc compile` emits. Debian: apt-get install gcc".into()
            }
        },
    });
    lines
}

/// The C compiler, if one is on the path.
pub fn c_compiler() -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    ["cc", "gcc", "clang"].iter().find_map(|name| {
        let found = folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file())?;
        Some(found.display().to_string())
    })
}

#[cfg(target_arch = "x86_64")]
fn features() -> String {
    let mut text = String::new();
    let mut add = |name: &str, found: bool| {
        if found {
            text.push(' ');
            text.push_str(name);
        }
    };
    add("avx", std::is_x86_feature_detected!("avx"));
    add("avx2", std::is_x86_feature_detected!("avx2"));
    add("fma", std::is_x86_feature_detected!("fma"));
    add("avx512f", std::is_x86_feature_detected!("avx512f"));
    text
}

#[cfg(not(target_arch = "x86_64"))]
fn features() -> String {
    String::new()
}
