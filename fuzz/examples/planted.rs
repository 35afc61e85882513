//! Judges fuzzers by the bugs that are planted in the compiler: for each bug and each configuration some trials,
//! each with a limit on CPU time, in a process of its own.
//!
//! ```text
//! export RUSTC_WORKSPACE_WRAPPER=$PWD/tests/planted_bugs/rustc
//! cargo run --release --all-features --workspace --example planted -- --trials 10 --seconds 120 > table.md
//! cargo run .. --example planted -- --bugs 11,20,36 --configurations joint,ir,tzer --trials 5 --seconds 60
//! ```
//!
//! A bug counts as found in a trial when a case fails that does not fail without the bug. Lines of JSON about
//! each trial go to standard error, the table to standard output.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Write as _;
use std::process::{Command, Stdio};
use tcc_fuzz::oracle::Judge;
use tcc_fuzz::{Campaign, Case, Configuration, Effort, Mode, Schedule, check};

/// A row of the comparison.
struct Contender {
    name: &'static str,
    about: &'static str,
    configure: fn(Configuration) -> Configuration,
}

static CONTENDERS: &[Contender] = &[
    Contender { name: "joint", about: "programs and pipelines together", configure: |it| it },
    Contender {
        name: "ir",
        about: "programs only, the pipeline of O2",
        configure: |it| Configuration { mode: Mode::Program, ..it },
    },
    Contender {
        name: "pass",
        about: "pipelines only, twelve programs",
        configure: |it| Configuration { mode: Mode::Passes, ..it },
    },
    Contender {
        name: "blind",
        about: "as joint, nothing is kept for what it did",
        configure: |it| Configuration { feedback: false, ..it },
    },
    Contender {
        name: "bytes",
        about: "the bytes that the generator reads",
        configure: |it| Configuration { mode: Mode::Bytes, ..it },
    },
    Contender {
        name: "tzer",
        about: "Tzer's schedule and Tzer's oracles",
        configure: |it| Configuration { schedule: Schedule::Tzer(4), judge: Judge::Tzer, swarm: false, ..it },
    },
    Contender {
        name: "tzer-ours",
        about: "Tzer's schedule, all oracles",
        configure: |it| Configuration { schedule: Schedule::Tzer(4), swarm: false, ..it },
    },
];

/// What came out of one trial.
#[derive(Clone, Copy, Debug, Default)]
struct Trial {
    found: bool,
    /// The process died before it said anything.
    died: bool,
    executions: u64,
    seconds: f64,
    /// Operations and passes of the reduced case.
    size: (usize, usize),
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("trial") => trial(&words[1..]),
        Some("confirm") => std::process::exit(i32::from(fails(&words[1]))),
        _ => all(&words),
    }
}

/// The value of an option.
fn option<'a>(words: &'a [String], name: &str, default: &'a str) -> &'a str {
    let place = words.iter().position(|word| word == name);
    place.and_then(|place| words.get(place + 1)).map_or(default, String::as_str)
}

/// Every bug by every contender.
fn all(words: &[String]) {
    let numbers =
        |text: &str| text.split(',').filter_map(|word| word.parse::<u32>().ok()).collect::<Vec<_>>();
    let later = [7, 10, 18, 40]; // planted with the parts that they are about
    let bugs = match option(words, "--bugs", "all") {
        "all" => (1..=40).filter(|bug| !later.contains(bug)).collect(),
        text => numbers(text),
    };
    let trials: u64 = option(words, "--trials", "3").parse().unwrap_or(3);
    let seconds = option(words, "--seconds", "30");
    let names: Vec<&str> = option(words, "--configurations", "joint").split(',').collect();
    let mut results: BTreeMap<(u32, &str), Vec<Trial>> = BTreeMap::new();
    for &bug in &bugs {
        for &name in &names {
            for seed in 0..trials {
                let trial = run(bug, name, seed, seconds);
                eprintln!(
                    "{{\"bug\":{bug},\"configuration\":\"{name}\",\"seed\":{seed},\"found\":{},\"executions\":{},\"seconds\":{:.2},\"operations\":{},\"passes\":{}}}",
                    trial.found, trial.executions, trial.seconds, trial.size.0, trial.size.1
                );
                results.entry((bug, name)).or_default().push(trial);
            }
        }
    }
    let _ = std::io::stdout().write_all(table(&bugs, &names, &results, seconds).as_bytes());
}

/// One trial in a process of its own; what it finds is confirmed in another one without the bug, and so is that it
/// dies.
fn run(bug: u32, name: &str, seed: u64, seconds: &str) -> Trial {
    let trial = attempt(bug, name, seed, seconds);
    match trial.died && bug != 0 && !attempt(0, name, seed, seconds).died {
        true => Trial { found: true, ..trial },
        false => trial,
    }
}

fn attempt(bug: u32, name: &str, seed: u64, seconds: &str) -> Trial {
    let Ok(myself) = std::env::current_exe() else { return Trial::default() };
    let output = Command::new(myself)
        .args(["trial", name, &seed.to_string(), seconds])
        .env("TCC_BUG", bug.to_string())
        .stderr(Stdio::null())
        .output();
    let Ok(output) = output else { return Trial::default() };
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match (numbers.as_slice(), output.status.success()) {
        (&[found, executions, cpu, operations, passes], _) => Trial {
            found: found > 0.0,
            died: false,
            executions: executions as u64,
            seconds: cpu,
            size: (operations as usize, passes as usize),
        },
        (_, false) => Trial { died: true, ..Trial::default() },
        _ => Trial::default(),
    }
}

/// The process of a trial: `NAME SEED SECONDS`; prints what came out.
fn trial(words: &[String]) {
    let contender = CONTENDERS.iter().find(|row| row.name == words[0]);
    let Some(contender) = contender else { panic!("no configuration `{}`", words[0]) };
    let (seed, limit) = (words[1].parse().unwrap_or(0), words[2].parse().unwrap_or(30.0));
    let mut campaign =
        Campaign::new((contender.configure)(Configuration { seed, ..Configuration::default() }));
    while cpu_seconds() < limit {
        let Some(fingerprint) = campaign.step().found else { continue };
        let executions = campaign.statistics.executions;
        let seconds = cpu_seconds();
        let Some(found) = campaign.found.get(&fingerprint) else { continue };
        if fails_without_bug(&found.case) {
            continue; // a bug of its own
        }
        let reduced = tcc_fuzz::reduce::reduce(&found.case, &fingerprint, 2000);
        let case = reduced.map_or_else(|| found.case.clone(), |reduced| reduced.case);
        let passes = case.whole_pipeline();
        println!(
            "1 {executions} {seconds} {} {}",
            case.program.size(),
            passes.graph.len() + passes.loops.len()
        );
        return;
    }
    println!("0 {} {} 0 0", campaign.statistics.executions, cpu_seconds());
}

/// CPU seconds of this process.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split_whitespace()
        .next()
        .and_then(|word| word.parse::<f64>().ok())
        .map_or(f64::INFINITY, |ns| ns * 1e-9)
}

/// Asks a process without the bug.
fn fails_without_bug(case: &Case) -> bool {
    let path = std::env::temp_dir().join(format!("tcc-planted-{}.tcc", std::process::id()));
    let asked = std::fs::write(&path, case.to_string()).and_then(|()| {
        let myself = std::env::current_exe()?;
        Command::new(myself).arg("confirm").arg(&path).env_remove("TCC_BUG").stderr(Stdio::null()).status()
    });
    let _ = std::fs::remove_file(&path);
    asked.is_ok_and(|status| status.code() != Some(0))
}

fn fails(path: &str) -> bool {
    let case = std::fs::read_to_string(path).ok().and_then(|text| text.parse::<Case>().ok());
    case.is_some_and(|case| check(&case, Effort::All).1.finding.is_some())
}

fn table(bugs: &[u32], names: &[&str], results: &BTreeMap<(u32, &str), Vec<Trial>>, seconds: &str) -> String {
    let mut text =
        format!("Found in trials of {seconds} s CPU; in brackets the median of executions.\n\n| bug |");
    names.iter().for_each(|name| text.push_str(&format!(" {name} |")));
    text.push_str("\n| ---: |");
    names.iter().for_each(|_| text.push_str(" --- |"));
    let mut sums = vec![(0, 0); names.len()];
    for &bug in bugs {
        let _ = write!(text, "\n| {bug} |");
        for (name, sum) in names.iter().zip(&mut sums) {
            let trials = results.get(&(bug, *name)).map_or(&[][..], Vec::as_slice);
            let mut executions: Vec<u64> =
                trials.iter().filter(|trial| trial.found).map(|trial| trial.executions).collect();
            executions.sort_unstable();
            let found = executions.len();
            let _ = match executions.get(found / 2) {
                Some(median) => write!(text, " {found} of {} ({median}) |", trials.len()),
                None => write!(text, " - |"),
            };
            *sum = (sum.0 + usize::from(2 * found >= trials.len().max(1)), sum.1 + found);
        }
    }
    text.push_str("\n| in half of the trials |");
    sums.iter().for_each(|sum| text.push_str(&format!(" {} of {} |", sum.0, bugs.len())));
    text.push('\n');
    for name in names {
        if let Some(row) = CONTENDERS.iter().find(|row| row.name == *name) {
            let _ = writeln!(text, "\n- {}: {}", row.name, row.about);
        }
    }
    text
}
