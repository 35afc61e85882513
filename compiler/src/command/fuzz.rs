//! `tcc fuzz`: a campaign of the fuzzer on this compiler.
//!
//! The campaign runs in a child process: what kills it (a signal, a hang, memory) is a finding too. The child says
//! what it does in lines of JSON, and keeps the case that it is running in a file.

use super::bench::parse_seconds;
use super::case::read_case;
use super::corpus;
use super::session::{self, Exit, Failure, Session};
use super::table::table;
use crate::operand::write::Files;
use clap::Subcommand;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use tcc_fuzz::report::{Report, Reproducer, Sample};
use tcc_fuzz::self_test::{Noticed, self_test};
use tcc_fuzz::text::SEPARATOR;
use tcc_fuzz::{Campaign, Case, Configuration, Effort, Mode, Schedule, check, regression};

/// Search for programs that this compiler gets wrong
#[derive(clap::Args)]
#[command(after_help = "\
  tcc fuzz --time 60
  tcc fuzz --time 600 --corpus corpus --report campaign
  tcc fuzz accept findings/1f2e3d4c.tcc --into tests/filetests/fuzz

Programs and pipelines are generated and mutated, every stage is compared with the meaning of the program, and
what fails is reduced and written to the folder of findings. A seed repeats a campaign up to its end; Ctrl-C ends
it and keeps what it found. Exit 3: something was found.")]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// How many seconds it runs
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = parse_seconds, help_heading = "Campaign")]
    time: f64,
    /// How many cases it runs at most
    #[arg(long, value_name = "COUNT", help_heading = "Campaign")]
    iterations: Option<u64>,
    /// Where the random numbers begin
    #[arg(long, value_name = "NUMBER", default_value_t = 0, help_heading = "Campaign")]
    seed: u64,
    /// What is mutated: programs and pipelines together, one of them, or the bytes that the generator reads
    #[arg(long, value_name = "MODE", value_parser = ["joint", "ir", "pass", "bytes"], default_value = "joint", help_heading = "Campaign")]
    mutate: String,
    /// How mutators and cases are chosen: by what paid before, or as Tzer does
    #[arg(long, value_name = "NAME", value_parser = ["bandit", "tzer"], default_value = "bandit", help_heading = "Campaign")]
    schedule: String,
    /// Keep no case for what it did
    #[arg(long, help_heading = "Campaign")]
    no_coverage: bool,
    /// Run no machine code
    #[arg(long, help_heading = "Campaign")]
    no_backends: bool,
    /// Cases to start from; those that did something new are added
    #[arg(long, value_name = "FOLDER", help_heading = "Files")]
    corpus: Option<PathBuf>,
    /// Where what fails is written
    #[arg(long, value_name = "FOLDER", default_value = "findings", help_heading = "Files")]
    findings: PathBuf,
    /// Write a report to NAME.html and NAME.md
    #[arg(long, value_name = "NAME", help_heading = "Files")]
    report: Option<PathBuf>,
    /// First spoil programs as wrong passes would, and see that the oracles notice
    #[arg(long, help_heading = "Campaign")]
    self_test: bool,
    #[arg(long, hide = true)]
    worker: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Action {
    /// Make a finding a regression test, once it is fixed
    Accept {
        /// The case
        file: PathBuf,
        /// The folder of tests
        #[arg(long, value_name = "FOLDER", default_value = "tests/filetests/fuzz")]
        into: PathBuf,
    },
    /// Keep of a folder of cases only those that do something that the others do not
    Prune {
        /// The folder
        corpus: PathBuf,
        /// Folders whose cases are taken too
        from: Vec<PathBuf>,
        /// Only say what would be kept
        #[arg(long)]
        dry_run: bool,
    },
}

/// What the child says, a line each.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Progress { executions: u64, features: usize, corpus: usize, findings: usize },
    Finding { finding: String, case: String },
    End(Box<End>),
}

/// What is known when a campaign is over.
#[derive(Serialize, Deserialize)]
struct End {
    executions: u64,
    features: usize,
    corpus: usize,
    markdown: String,
    html: String,
}

/// Longest silence of the child: reducing a finding takes seconds, a case milliseconds.
const SILENCE: Duration = Duration::from_secs(60);
/// Most bytes of address space of the child.
#[cfg(unix)]
const MEMORY: u64 = 8 << 30;
/// How often it may be started again after it died.
const RESTARTS: u64 = 16;
/// Most cases that reducing one finding tries.
const TRIES: usize = 2000;
/// Programs that each way of spoiling may change before an oracle has to notice.
const SPOILED: u64 = 40;

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    match &arguments.action {
        Some(Action::Accept { file, into }) => return accept(session, file, into),
        Some(Action::Prune { corpus, from, dry_run }) => {
            return corpus::prune(session, corpus, from, *dry_run);
        }
        None => {}
    }
    if let Some(current) = &arguments.worker {
        return worker(session, &arguments, current);
    }
    if arguments.self_test && !tested(session, arguments.seed) {
        return Ok(Exit::CheckFailed);
    }
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::Environment(format!("no folder for temporary files: {error}")))?;
    session::interrupt_finishes();
    let mut parent = Parent {
        session,
        arguments: &arguments,
        current: folder.path().join("running.tcc"),
        begin: Instant::now(),
        last: (0, 0, 0),
        findings: Vec::new(),
        end: None,
    };
    for restart in 0..RESTARTS {
        if !parent.once(restart)? {
            break;
        }
    }
    parent.finish()
}

/// Spoils programs and says which ways were noticed.
fn tested(session: &Session, seed: u64) -> bool {
    let ways = self_test(seed, SPOILED);
    let noticed = ways.iter().filter(|way| way.after.is_some()).count();
    if !session.json() {
        let missed: Vec<[String; 1]> = ways
            .iter()
            .filter(|way| way.after.is_none())
            .map(|way: &Noticed| [way.name.to_owned()])
            .collect();
        let list = if missed.is_empty() { String::new() } else { table(["not noticed"], &missed) };
        session
            .out(&format!("self-test: {noticed} of {} ways to spoil a program noticed\n{list}", ways.len()));
    }
    noticed == ways.len()
}

/// Checks that a finding is fixed and adds it to the tests.
fn accept(session: &Session, file: &Path, into: &Path) -> Result<Exit, Failure> {
    let case = read_case(&file.to_string_lossy())?;
    if let Some(finding) = check(&case, Effort::All).1.finding {
        session.out(&format!("{}: not fixed: {finding}\n", file.display()));
        return Ok(Exit::CheckFailed);
    }
    let name = file.file_name().ok_or_else(|| Failure::Usage(format!("{} is no file", file.display())))?;
    let target = into.join(name);
    if target.exists() {
        return Err(Failure::Usage(format!(
            "{} is there already: give the case another name",
            target.display()
        )));
    }
    std::fs::create_dir_all(into)
        .map_err(|error| Failure::Environment(format!("{}: {error}", into.display())))?;
    let mut files = Files::new();
    files.add(&target, |file| file.write_all(regression(&case).as_bytes()))?;
    files.commit()?;
    session.out(&format!("{}\n", target.display()));
    Ok(Exit::Fine)
}

/// The side that watches.
struct Parent<'a> {
    session: &'a Session,
    arguments: &'a Arguments,
    current: PathBuf,
    begin: Instant,
    /// Executions, features and corpus of the children that ended, and of the one that runs.
    last: (u64, usize, usize),
    findings: Vec<(String, String, PathBuf)>,
    end: Option<Box<End>>,
}

impl Parent<'_> {
    /// Runs a child to its end. `true` if it died, and there is time for another one.
    fn once(&mut self, restart: u64) -> Result<bool, Failure> {
        let left = self.arguments.time - self.begin.elapsed().as_secs_f64();
        if restart > 0 && left < 1.0 {
            return Ok(false);
        }
        let mut child = self.start(restart, left)?;
        let Some(output) = child.stdout.take() else { return Ok(false) };
        let (send, lines) = channel();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { break };
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        let before = self.last;
        let hung = self.listen(&lines, before)?;
        if hung {
            let _ = child.kill();
        }
        let status = child.wait().map_err(|error| Failure::Environment(format!("the campaign: {error}")))?;
        drop(lines);
        let _ = reader.join();
        if self.end.is_some() || session::interrupted() && !hung {
            return Ok(false);
        }
        let fault = std::fs::read_to_string(super::fault::place(&self.current)).unwrap_or_default();
        let how = match fault.as_str() {
            _ if hung => "execution: process: hang".to_owned(),
            "" => format!("execution: process: the process died: {status}"),
            fault => format!("guards: machine code: an access outside of its arguments: {status}\n{fault}"),
        };
        let case = std::fs::read_to_string(&self.current).unwrap_or_default();
        self.found(&how, &case)?;
        Ok(!session::interrupted())
    }

    fn start(&self, restart: u64, left: f64) -> Result<Child, Failure> {
        let broken =
            |error: std::io::Error| Failure::Environment(format!("cannot start the campaign: {error}"));
        let arguments = self.arguments;
        let mut command = Command::new(std::env::current_exe().map_err(broken)?);
        command.arg("fuzz").arg("--worker").arg(&self.current);
        command.arg("--time").arg(format!("{:.3}", left.max(0.001)));
        command.arg("--seed").arg(arguments.seed.wrapping_add(restart << 32).to_string());
        command.arg("--mutate").arg(&arguments.mutate).arg("--schedule").arg(&arguments.schedule);
        if let Some(iterations) = arguments.iterations {
            command.arg("--iterations").arg(iterations.saturating_sub(self.last.0).to_string());
        }
        if let Some(corpus) = &arguments.corpus {
            command.arg("--corpus").arg(corpus);
        }
        command.args(arguments.no_coverage.then_some("--no-coverage"));
        command.args(arguments.no_backends.then_some("--no-backends"));
        #[cfg(unix)]
        limit_memory(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(broken)
    }

    /// Reads what the child says until it ends; `true` if it fell silent.
    fn listen(&mut self, lines: &Receiver<String>, before: (u64, usize, usize)) -> Result<bool, Failure> {
        let mut heard = Instant::now();
        loop {
            match lines.recv_timeout(Duration::from_millis(200)) {
                Ok(line) => {
                    heard = Instant::now();
                    match serde_json::from_str(&line) {
                        Ok(Line::Progress { executions, features, corpus, findings }) => {
                            self.last = (before.0 + executions, before.1.max(features), corpus);
                            self.progress(findings);
                        }
                        Ok(Line::Finding { finding, case }) => self.found(&finding, &case)?,
                        Ok(Line::End(end)) => {
                            self.last = (before.0 + end.executions, end.features, end.corpus);
                            self.end = Some(end);
                        }
                        Err(_) => {}
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(false),
                Err(RecvTimeoutError::Timeout) if heard.elapsed() > SILENCE => return Ok(true),
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn progress(&self, findings: usize) {
        if self.session.json() || !std::io::stderr().is_terminal() {
            return;
        }
        let seconds = self.begin.elapsed().as_secs_f64();
        let (executions, features, corpus) = self.last;
        eprint!(
            "\r{seconds:.0} of {:.0} s  {executions} cases  {:.0}/s  {features} features  corpus {corpus}  {findings} findings\x1b[K",
            self.arguments.time,
            executions as f64 / seconds.max(1e-3),
        );
    }

    /// Writes a finding to its file, once.
    fn found(&mut self, finding: &str, case: &str) -> Result<(), Failure> {
        let name = finding.lines().next().unwrap_or_default().to_owned();
        if self.findings.iter().any(|(known, ..)| *known == name) {
            return Ok(());
        }
        let folder = &self.arguments.findings;
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::Environment(format!("{}: {error}", folder.display())))?;
        let id = tcc_fuzz::choices::hash(&name) as u32;
        let path = folder.join(format!("{id:08x}.tcc"));
        let mut files = Files::new();
        // What stands after the separator is no part of the case.
        let text = format!("{}{SEPARATOR}{}\n", case.trim_end(), finding.trim_end());
        files.add(&path, |file| file.write_all(text.as_bytes()))?;
        files.commit()?;
        self.findings.push((name, finding.to_owned(), path));
        Ok(())
    }

    fn finish(self) -> Result<Exit, Failure> {
        if !self.session.json() && std::io::stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
        let seconds = self.begin.elapsed().as_secs_f64();
        let (executions, features, corpus) = self.last;
        let rate = executions as f64 / seconds.max(1e-3);
        if let (Some(name), Some(end)) = (&self.arguments.report, &self.end) {
            let mut files = Files::new();
            let named = |ending: &str| PathBuf::from(format!("{}.{ending}", name.display()));
            files.add(&named("md"), |file| file.write_all(end.markdown.as_bytes()))?;
            files.add(&named("html"), |file| file.write_all(end.html.as_bytes()))?;
            files.commit()?;
        }
        if self.session.json() {
            let findings: Vec<_> = self
                .findings
                .iter()
                .map(|(name, text, path)| json!({ "fingerprint": name, "message": text, "file": path.display().to_string() }))
                .collect();
            self.session.out_json(&json!({
                "schema": "tcc.fuzz/1", "seed": self.arguments.seed, "seconds": seconds, "executions": executions,
                "features": features, "corpus": corpus, "findings": findings,
            }));
        } else {
            let mut text = format!(
                "seed {}  {executions} cases in {seconds:.0} s ({rate:.0}/s)  {features} features  corpus {corpus}  {} findings\n",
                self.arguments.seed,
                self.findings.len()
            );
            for (name, _, path) in &self.findings {
                text.push_str(&format!("{}: {name}\n", path.display()));
            }
            self.session.out(&text);
            if let Some((_, _, path)) = self.findings.first() {
                self.session.hint(&format!("tcc replay {0}, tcc bisect {0}", path.display()));
            }
        }
        Ok(match (self.findings.is_empty(), session::interrupted()) {
            (false, _) => Exit::CheckFailed,
            (true, true) => Exit::Interrupted,
            (true, false) => Exit::Fine,
        })
    }
}

#[cfg(unix)]
fn limit_memory(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    let limit = libc::rlimit { rlim_cur: MEMORY as libc::rlim_t, rlim_max: MEMORY as libc::rlim_t };
    // SAFETY: between fork and exec only `setrlimit` is called, which is allowed there; the limit lives on the stack.
    unsafe {
        command.pre_exec(move || {
            libc::setrlimit(libc::RLIMIT_AS, &limit);
            Ok(())
        });
    }
}

/// The side that works.
fn worker(session: &Session, arguments: &Arguments, current: &Path) -> Result<Exit, Failure> {
    session::interrupt_finishes();
    #[cfg(unix)]
    super::fault::say_in(&super::fault::place(current))
        .map_err(|error| Failure::Environment(format!("{}: {error}", current.display())))?;
    let begin = Instant::now();
    let mut campaign = Campaign::new(configuration(arguments));
    let corpus = arguments.corpus.as_deref();
    for case in corpus.map(corpus::read).unwrap_or_default() {
        campaign.add(case);
    }
    let mut running = std::fs::File::create(current)
        .map_err(|error| Failure::Environment(format!("{}: {error}", current.display())))?;
    let mut samples = Vec::new();
    let mut findings = Vec::new();
    let mut said = Instant::now();
    let limit = Duration::from_secs_f64(arguments.time);
    let iterations = arguments.iterations.unwrap_or(u64::MAX);
    while begin.elapsed() < limit && campaign.statistics.executions < iterations && !session::interrupted() {
        let step = campaign.step_watched(&mut |case| note(&mut running, case));
        let found = step.found.and_then(|fingerprint| campaign.found.get(&fingerprint));
        if let Some(found) = found {
            let reduced = tcc_fuzz::reduce::reduce(&found.case, &found.finding.fingerprint, TRIES);
            let (case, finding) = match reduced {
                Some(reduced) => (reduced.case, reduced.finding),
                None => (found.case.clone(), found.finding.clone()),
            };
            let mut text = finding.to_string();
            if let Some(without) = tcc_fuzz::localise::without(&case, &finding.fingerprint) {
                text.push_str(&format!("\n{without}"));
            }
            let (finding, case) = (text, case.to_string());
            say(session, &Line::Finding { finding: finding.clone(), case: case.clone() });
            findings.push((found.finding.fingerprint.clone(), finding, case));
        }
        if said.elapsed() > Duration::from_millis(250) {
            said = Instant::now();
            let (executions, features) = (campaign.statistics.executions, campaign.coverage.len());
            samples.push(Sample { seconds: begin.elapsed().as_secs_f64(), executions, features });
            let (corpus, findings) = (campaign.corpus().count(), findings.len());
            say(session, &Line::Progress { executions, features, corpus, findings });
        }
    }
    let (executions, features) = (campaign.statistics.executions, campaign.coverage.len());
    samples.push(Sample { seconds: begin.elapsed().as_secs_f64(), executions, features });
    if let Some(corpus) = corpus {
        corpus::write(corpus, campaign.corpus())?;
    }
    let command = format!(
        "tcc fuzz --seed {} --mutate {} --schedule {}",
        arguments.seed, arguments.mutate, arguments.schedule
    );
    let reproducers = findings.into_iter().map(|(fingerprint, finding, case)| {
        let count = campaign.found.get(&fingerprint).map_or(1, |found| found.count);
        Reproducer { finding, case, count }
    });
    let report = Report::new(command, &campaign, samples, reproducers.collect());
    let (markdown, html) = (report.markdown(), report.html());
    say(
        session,
        &Line::End(Box::new(End { executions, features, corpus: campaign.corpus().count(), markdown, html })),
    );
    Ok(Exit::Fine)
}

fn configuration(arguments: &Arguments) -> Configuration {
    Configuration {
        mode: Mode::from_name(&arguments.mutate).unwrap_or(Mode::Joint),
        schedule: if arguments.schedule == "tzer" { Schedule::Tzer(4) } else { Schedule::Bandit },
        feedback: !arguments.no_coverage,
        backends: !arguments.no_backends,
        seed: arguments.seed,
        ..Configuration::default()
    }
}

fn say(session: &Session, line: &Line) {
    session.out_json(line);
}

/// Keeps the case that is about to run where it is found if nothing comes after.
fn note(running: &mut std::fs::File, case: &Case) {
    use std::io::Seek;
    let text = case.to_string();
    let written = running.rewind().and_then(|()| running.write_all(text.as_bytes()));
    // Without the file the campaign is as good; only a crash would have no case.
    let _ = written.and_then(|()| running.set_len(text.len() as u64));
}
