//! What the commands that measure leave behind: results for later comparisons, pictures, recipes.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const MATMUL: &str =
    "in A : f32[m, k]\nin B : f32[k, n]\nout C : f32[m, n]\nC[i,j] = sum[l] A[i,l] * B[l,j]\n";

fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tcc"));
    command.args(words).current_dir(folder).env("TCC_CACHE", "off");
    command
}

fn tcc(folder: &Path, words: &[&str]) -> Output {
    command(folder, words).output().expect("tcc runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("f.ein"), MATMUL).expect("written");
    folder
}

#[test]
fn a_gate_compares_with_saved_results() {
    let folder = folder();
    let bench = |more: &[&str]| {
        let words = ["bench", "f.ein", "m=32", "k=32", "n=32", "--runs", "5", "--time", "2"];
        tcc(folder.path(), &[&words[..], more].concat())
    };
    let saved = bench(&["--save", "now.json", "--roofline", "r.svg", "--vs", "opt0"]);
    assert!(saved.status.success(), "{}", text(&saved.stderr));
    let svg = std::fs::read_to_string(folder.path().join("r.svg")).expect("a picture");
    assert!(svg.starts_with("<svg") && svg.contains("opt0: ") && svg.contains("memory 18 GB/s"), "{svg}");
    let mut object: Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("now.json")).expect("results"))
            .expect("JSON");
    let product = 2.0 * 32.0 * 32.0 * 32.0;
    // And a little for the sums of lanes.
    assert!(object["flops"].as_f64().is_some_and(|flops| (product..1.2 * product).contains(&flops)));
    assert_eq!(object["results"].as_array().map(Vec::len), Some(2));
    let median = object["results"][0]["median_ms"].as_f64().expect("a time");
    for (factor, code) in [(100.0, 0), (0.01, 3)] {
        object["results"][0]["median_ms"] = (median * factor).into();
        std::fs::write(folder.path().join("then.json"), object.to_string()).expect("written");
        let output = bench(&["--vs", "then.json", "--gate", "5%"]);
        assert_eq!(output.status.code(), Some(code), "{}{}", text(&output.stdout), text(&output.stderr));
    }
    object["file"] = "g.ein".into();
    std::fs::write(folder.path().join("other.json"), object.to_string()).expect("written");
    let other = bench(&["--vs", "other.json"]);
    assert!(other.status.code() == Some(2) && text(&other.stderr).contains("they are of \"g.ein\""));
    std::fs::write(folder.path().join("none.json"), "{\"schema\": \"tcc.bench/1\"").expect("written");
    assert_eq!(bench(&["--vs", "none.json"]).status.code(), Some(2));
}

#[test]
fn the_recipe_of_the_fastest_can_be_run() {
    let folder = folder();
    let sizes = ["m=16", "k=48", "n=32"];
    let tune = ["tune", "f.ein", "--candidates", "96", "--top", "2", "--time", "0.2", "-o", "f.recipe"];
    let tuned = tcc(folder.path(), &[&tune[..], &sizes, &["--format", "json"]].concat());
    assert!(tuned.status.success(), "{}", text(&tuned.stderr));
    let object: Value = serde_json::from_slice(&tuned.stdout).expect("JSON");
    let results = object["results"].as_array().expect("a list");
    // What passes make of the program may differ in few ways.
    assert!((1..=3).contains(&results.len()), "{results:?}");
    assert!(results.iter().any(|row| row["changes"] == "as asked for" && row["speedup"] == 1.0));
    let recipe = std::fs::read_to_string(folder.path().join("f.recipe")).expect("a recipe");
    let pipeline = object["pipeline"].as_str().expect("text");
    assert!(recipe.contains(&format!("pipeline = {pipeline}\n")), "{recipe}");
    let run = tcc(folder.path(), &["run", "f.ein", "--recipe", "f.recipe", "--demo"]);
    assert!(run.status.success(), "{}", text(&run.stderr));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_benchmark_with_what_there_is() {
    use std::io::{BufRead, BufReader, Read};
    let folder = folder();
    let words = [
        "bench", "f.ein", "m=32", "k=32", "n=32", "-v", "--runs", "1000000", "--time", "600", "--format",
        "json",
    ];
    let mut child = command(folder.path(), &words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tcc starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let begun = lines.by_ref().map_while(Result::ok).any(|line| line.contains("Ctrl-C ends it early"));
    assert!(begun, "it never began");
    // SAFETY: the child runs until it is waited for below.
    unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGINT) };
    let mut out = String::new();
    child.stdout.take().expect("piped").read_to_string(&mut out).expect("read");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let object: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(object["interrupted"], true);
    assert!(object["results"][0]["median_ms"].as_f64().is_some_and(|time| time > 0.0), "{out}");
}

#[test]
fn pictures_are_written_whole() {
    let folder = folder();
    let drawn = tcc(folder.path(), &["graph", "f.ein", "m=8", "k=8", "n=8", "--loops", "-o", "f.svg"]);
    assert!(drawn.status.success(), "{}", text(&drawn.stderr));
    let svg = std::fs::read_to_string(folder.path().join("f.svg")).expect("a picture");
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>") && svg.contains("for "), "{svg}");
    let all = tcc(folder.path(), &["graph", "f.ein"]);
    assert!(text(&all.stdout).contains("sum[l]"));
    let none = tcc(folder.path(), &["graph", "f.ein", "-o", "missing/f.svg"]);
    assert_eq!(none.status.code(), Some(5));
}
