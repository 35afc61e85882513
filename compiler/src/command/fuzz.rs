//! `tcc fuzz`: a campaign of the fuzzer on this compiler.
//!
//! The campaign runs in a child process (`campaign.rs`): what kills it (a signal, a hang, memory) is a finding too. This
//! side watches, starts another child where one died, and keeps what was found.

use super::bench::parse_seconds;
use super::campaign::{self, Line, skip_file};
use super::case::{CaseLimits, read_case};
use super::child::{self, Ended, Watched};
use super::corpus;
use super::session::{self, Exit, Failure, Session};
use super::table::table;
use crate::operand::write::Files;
use clap::Subcommand;
use serde_json::json;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};
use tcc_fuzz::self_test::{Noticed, self_test};
use tcc_fuzz::text::SEPARATOR;
use tcc_fuzz::{Finding, regression};

/// Search for programs that this compiler gets wrong
#[derive(clap::Args)]
#[command(after_help = "\
  tcc fuzz --time 60
  tcc fuzz --time 600 --corpus corpus --report campaign
  tcc fuzz accept findings/1f2e3d4c.tcc --into tests/filetests/fuzz

Programs and pipelines are generated and mutated, every stage is compared with the meaning of the program, and
what fails is reduced and written to the folder of findings. A seed repeats a campaign up to its end; Ctrl-C ends
it and keeps what it found. Exit 3: something was found; 4: --require-iterations, and the time was too short.")]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// How many seconds it runs
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = parse_seconds, help_heading = "Campaign")]
    pub time: f64,
    /// How many cases it runs at most
    #[arg(long, value_name = "COUNT", help_heading = "Campaign")]
    pub iterations: Option<u64>,
    /// Fail if the time is over before so many ran
    #[arg(long, requires = "iterations", help_heading = "Campaign")]
    require_iterations: bool,
    /// Where the random numbers begin
    #[arg(long, value_name = "NUMBER", default_value_t = 0, help_heading = "Campaign")]
    pub seed: u64,
    /// What is mutated: programs and pipelines together, one of them, or the bytes that the generator reads
    #[arg(long, value_name = "MODE", value_parser = ["joint", "ir", "pass", "bytes"], default_value = "joint", help_heading = "Campaign")]
    pub mutate: String,
    /// How mutators and cases are chosen: by what paid before, or as Tzer does
    #[arg(long, value_name = "NAME", value_parser = ["bandit", "tzer"], default_value = "bandit", help_heading = "Campaign")]
    pub schedule: String,
    /// Keep no case for what it did
    #[arg(long, help_heading = "Campaign")]
    pub no_coverage: bool,
    /// Run no machine code
    #[arg(long, help_heading = "Campaign")]
    pub no_backends: bool,
    /// Cases to start from; those that did something new are added
    #[arg(long, value_name = "FOLDER", help_heading = "Files")]
    pub corpus: Option<PathBuf>,
    /// Where what fails is written
    #[arg(long, value_name = "FOLDER", default_value = "findings", help_heading = "Files")]
    findings: PathBuf,
    /// Write a report to NAME.html and NAME.md
    #[arg(long, value_name = "NAME", help_heading = "Files")]
    pub report: Option<PathBuf>,
    /// First spoil programs as wrong passes would, and see that the oracles notice
    #[arg(long, help_heading = "Campaign")]
    self_test: bool,
    /// Be the child that runs the campaign
    #[arg(long, hide = true)]
    worker: Option<PathBuf>,
    /// Be the child that runs single cases
    #[arg(long, hide = true)]
    judge: bool,
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
        #[command(flatten)]
        limits: CaseLimits,
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

/// Longest silence of the child: a case takes milliseconds.
const SILENCE: Duration = Duration::from_secs(60);
/// How long the child may need to finish when it was told to, or when the time is over.
const GRACE: Duration = Duration::from_secs(3);
/// The same if it goes on saying that it works.
const LONG_GRACE: Duration = Duration::from_secs(30);
/// How often it may be started again after it died.
const RESTARTS: u64 = 16;
/// Programs that each way of spoiling may change before an oracle has to notice.
const SPOILED: u64 = 40;

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    match &arguments.action {
        Some(Action::Accept { file, into, limits }) => return accept(session, file, into, limits),
        Some(Action::Prune { corpus, from, dry_run }) => {
            return corpus::prune(session, corpus, from, *dry_run);
        }
        None => {}
    }
    if let Some(running) = &arguments.worker {
        return campaign::run(session, &arguments, running);
    }
    if arguments.judge {
        return child::judge(session);
    }
    writable(&arguments)?;
    let self_test = arguments.self_test.then(|| self_test(arguments.seed, SPOILED));
    session::interrupt_finishes();
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::Environment(format!("no folder for temporary files: {error}")))?;
    let mut parent = Parent {
        session,
        arguments: &arguments,
        running: folder.path().join("running.tcc"),
        self_test,
        begin: Instant::now(),
        last: (0, 0, 0),
        findings: Vec::new(),
        reports: Vec::new(),
        deaths: 0,
        failure: None,
    };
    let mut goes_on = !parent.missed_something();
    while goes_on && parent.deaths < RESTARTS {
        goes_on = parent.once().unwrap_or_else(|failure| {
            parent.failure = Some(failure);
            false
        });
    }
    parent.finish()
}

/// Sees that what the campaign leaves behind can be written, before it runs for hours.
fn writable(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(name) = &arguments.report {
        let mut files = Files::new();
        for path in report_files(name) {
            files.add(&path, |_| Ok(()))?;
        }
    }
    for folder in [Some(&arguments.findings), arguments.corpus.as_ref()].into_iter().flatten() {
        let mut place = folder.as_path();
        // What is not there yet is made when it is needed, in the first folder above that is there.
        while !place.exists() {
            place = place.parent().unwrap_or(Path::new(""));
            if place.as_os_str().is_empty() {
                place = Path::new(".");
            }
        }
        let refused =
            |why: String| Failure::Environment(format!("cannot write to `{}`: {why}", folder.display()));
        if !place.is_dir() {
            return Err(refused(format!("`{}` is no folder", place.display())));
        }
        tempfile::tempfile_in(place).map_err(|error| refused(error.to_string()))?;
    }
    arguments.corpus.as_deref().map_or(Ok(()), |folder| corpus::files(folder).map(drop))
}

/// The files of a report.
fn report_files(name: &Path) -> [PathBuf; 2] {
    ["md", "html"].map(|ending| PathBuf::from(format!("{}.{ending}", name.display())))
}

/// Checks that a finding is fixed and adds it to the tests.
fn accept(session: &Session, file: &Path, into: &Path, limits: &CaseLimits) -> Result<Exit, Failure> {
    let case = read_case(&file.to_string_lossy())?;
    let verdict = limits.judge().check(&case)?;
    if let Some(finding) = verdict.finding {
        session.out(&format!("{}: not fixed: {finding}\n", file.display()));
        return Ok(Exit::CheckFailed);
    }
    if let Some(refused) = verdict.refused {
        // It would hold whatever the compiler does.
        session.out(&format!("{}: not judged: {refused}\n", file.display()));
        return Ok(Exit::Rejected);
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

/// What was found.
struct Found {
    /// Its name.
    fingerprint: String,
    /// Name and message.
    finding: String,
    case: String,
    /// Where the case was written, unless that failed.
    path: Option<PathBuf>,
    /// How many children had died before.
    child: u64,
}

/// Why the parent heard nothing more of a child.
enum Heard {
    /// It said that it is done.
    End,
    /// It is gone.
    Nothing,
    /// It was silent for too long.
    Silence,
    /// The time is over, and it did not finish.
    Late,
}

/// The side that watches.
struct Parent<'a> {
    session: &'a Session,
    arguments: &'a Arguments,
    /// The case that the child runs.
    running: PathBuf,
    self_test: Option<Vec<Noticed>>,
    begin: Instant,
    /// Executions, features and corpus of the children that ended, and of the one that runs.
    last: (u64, usize, usize),
    findings: Vec<Found>,
    /// The last report of each child, as Markdown and as a page.
    reports: Vec<(String, String)>,
    /// How many children died.
    deaths: u64,
    /// Why nothing more can be written.
    failure: Option<Failure>,
}

impl Parent<'_> {
    /// Runs a child to its end. `true` if it died, and there is time for another one.
    fn once(&mut self) -> Result<bool, Failure> {
        let left = self.arguments.time - self.begin.elapsed().as_secs_f64();
        if self.deaths > 0 && left < 1.0 {
            return Ok(false);
        }
        let mut child = self.start(left)?;
        let reports = self.reports.len();
        let before = self.last;
        let heard = self.listen(&mut child, before, reports);
        let ended = child.end(matches!(heard, Heard::Silence | Heard::Late) || self.failure.is_some());
        let case = std::fs::read_to_string(&self.running).unwrap_or_default();
        let finding = match (heard, ended) {
            _ if self.failure.is_some() => return Ok(false),
            (Heard::End, _) | (_, Ended::Stopped) => return Ok(false),
            (Heard::Late, _) => {
                self.unfinished(&case);
                return Ok(false);
            }
            (Heard::Silence, _) => child::hang(SILENCE),
            (Heard::Nothing, Ended::Refused(failure)) => {
                // What was found before is kept.
                self.failure = Some(failure);
                return Ok(false);
            }
            (Heard::Nothing, Ended::Died(finding)) => finding,
            (Heard::Nothing, Ended::Fine) => {
                self.failure = Some(crate::Error::Bug("the campaign ended without a word".into()).into());
                return Ok(false);
            }
        };
        // The next child must not begin with the same case.
        std::fs::write(skip_file(&self.running, self.deaths), &case)
            .map_err(|error| Failure::Environment(format!("{}: {error}", self.running.display())))?;
        self.deaths += 1;
        self.found(finding.fingerprint.to_string(), finding.to_string(), case);
        Ok(!session::interrupted() && self.failure.is_none())
    }

    fn start(&self, left: f64) -> Result<Watched, Failure> {
        let arguments = self.arguments;
        let mut command = child::this_program()?;
        command.arg("fuzz").arg("--worker").arg(&self.running);
        command.arg("--time").arg(format!("{:.3}", left.max(0.001)));
        command.arg("--seed").arg(arguments.seed.wrapping_add(self.deaths << 32).to_string());
        command.arg("--mutate").arg(&arguments.mutate).arg("--schedule").arg(&arguments.schedule);
        if let Some(iterations) = arguments.iterations {
            command.arg("--iterations").arg(iterations.saturating_sub(self.last.0).to_string());
        }
        for (option, path) in [("--corpus", &arguments.corpus), ("--report", &arguments.report)] {
            if let Some(path) = path {
                command.arg(option).arg(path);
            }
        }
        command.args(arguments.no_coverage.then_some("--no-coverage"));
        command.args(arguments.no_backends.then_some("--no-backends"));
        command.args(self.session.json().then_some("--format=json"));
        // The child does not hear Ctrl-C on a terminal: it is told.
        Watched::start(command)
    }

    /// Hears what the child says until there is nothing more to hear, or it has to be ended.
    fn listen(&mut self, child: &mut Watched, before: (u64, usize, usize), reports: usize) -> Heard {
        let limit = Duration::from_secs_f64(self.arguments.time);
        let mut heard = Instant::now();
        let mut told: Option<Instant> = None;
        let mut done = false;
        loop {
            if session::interrupted() && told.is_none() {
                told = Some(Instant::now());
                child.stop();
            }
            match child.lines.recv_timeout(Duration::from_millis(100)) {
                Ok(line) => {
                    heard = Instant::now();
                    match serde_json::from_str(&line) {
                        Ok(Line::Progress { executions, features, corpus }) => {
                            self.last = (before.0 + executions, before.1.max(features), corpus);
                            self.progress();
                        }
                        Ok(Line::Finding { fingerprint, finding, case }) => {
                            self.found(fingerprint, finding, case);
                        }
                        Ok(Line::Report { markdown, html }) => {
                            self.reports.truncate(reports);
                            self.reports.push((markdown, html));
                        }
                        Ok(Line::End { executions, features, corpus }) => {
                            self.last = (before.0 + executions, before.1.max(features), corpus);
                            done = true;
                        }
                        Err(_) => {}
                    }
                    if self.failure.is_some() {
                        return Heard::Late;
                    }
                }
                Err(RecvTimeoutError::Disconnected) if done => return Heard::End,
                Err(RecvTimeoutError::Disconnected) => return Heard::Nothing,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if heard.elapsed() > SILENCE {
                return Heard::Silence;
            }
            let told_before = told.map_or(Duration::ZERO, |told| told.elapsed());
            let over = self.begin.elapsed().saturating_sub(limit).max(told_before);
            // It may write many files at the end, and says so.
            if over > LONG_GRACE || over > GRACE && heard.elapsed() > GRACE {
                return if done { Heard::End } else { Heard::Late };
            }
        }
    }

    fn progress(&self) {
        if self.session.json() || !std::io::stderr().is_terminal() {
            return;
        }
        let seconds = self.begin.elapsed().as_secs_f64();
        let (executions, features, corpus) = self.last;
        eprint!(
            "\r{seconds:.0} of {:.0} s  {executions} cases  {:.0}/s  {features} features  corpus {corpus}  {} findings\x1b[K",
            self.arguments.time,
            executions as f64 / seconds.max(1e-3),
            self.findings.len(),
        );
    }

    /// Writes a finding to its file: the first case of it, and then the reduced one.
    fn found(&mut self, fingerprint: String, finding: String, case: String) {
        let known = self.findings.iter().position(|known| known.fingerprint == fingerprint);
        // Another child finds again what one before it found and made small.
        if known.is_some_and(|at| self.findings[at].child != self.deaths) {
            return;
        }
        let id = tcc_fuzz::choices::hash(&fingerprint) as u32;
        // What stands after the separator is no part of the case.
        let text = format!("{}{SEPARATOR}{}\n", case.trim_end(), finding.trim_end());
        let path = self.write(&format!("{id:08x}.tcc"), &text);
        let found = Found { fingerprint, finding, case, path, child: self.deaths };
        match known {
            Some(at) => self.findings[at] = found,
            None => self.findings.push(found),
        }
    }

    /// Writes a case to the folder of findings; `None` if that failed, and then nothing more is to be run.
    fn write(&mut self, name: &str, case: &str) -> Option<PathBuf> {
        let folder = &self.arguments.findings;
        let path = folder.join(name);
        let write = || -> Result<(), Failure> {
            std::fs::create_dir_all(folder)
                .map_err(|error| Failure::Environment(format!("{}: {error}", folder.display())))?;
            let mut files = Files::new();
            files.add(&path, |file| file.write_all(case.as_bytes()))?;
            files.commit()?;
            Ok(())
        };
        match write() {
            Ok(()) => Some(path),
            Err(failure) => {
                self.failure.get_or_insert(failure);
                None
            }
        }
    }

    /// Keeps a case that was running for long when the time was over: it may be a hang.
    fn unfinished(&mut self, case: &str) {
        if !case.is_empty()
            && let Some(path) = self.write("unfinished.tcc", case)
        {
            let path = path.display();
            self.session.note(&format!("a case was still running when the time was over: tcc replay {path}"));
        }
    }

    /// Whether a program was spoiled and no oracle noticed.
    fn missed_something(&self) -> bool {
        self.self_test.iter().flatten().any(|way| way.after.is_none())
    }

    /// Says what was noticed of the programs that were spoiled.
    fn self_test_text(&self) -> String {
        let Some(ways) = &self.self_test else { return String::new() };
        let missed: Vec<[String; 1]> =
            ways.iter().filter(|way| way.after.is_none()).map(|way| [way.name.to_owned()]).collect();
        let list = if missed.is_empty() { String::new() } else { table(["not noticed"], &missed) };
        let noticed = ways.len() - missed.len();
        format!("self-test: {noticed} of {} ways to spoil a program noticed\n{list}", ways.len())
    }

    /// Writes the report: of each child what it said last, and what ended the processes.
    fn write_report(&self) -> Result<(), Failure> {
        let Some(name) = &self.arguments.report else { return Ok(()) };
        if self.reports.is_empty() && self.deaths == 0 {
            return Ok(());
        }
        let mut markdown: String = self.reports.iter().map(|report| report.0.as_str()).collect();
        let mut page = String::new();
        const END: &str = "</body></html>\n";
        for (_, html) in &self.reports {
            let html = html.strip_suffix(END).unwrap_or(html);
            let body = html.split_once("<body>\n").filter(|_| !page.is_empty()).map(|parts| parts.1);
            page.push_str(body.unwrap_or(html));
        }
        if page.is_empty() {
            page.push_str("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
            page.push_str("<title>Fuzzing campaign</title></head><body>\n");
        }
        if self.deaths > 0 {
            let title = format!("Processes that died: {}", self.deaths);
            let _ = writeln!(markdown, "\n## {title}\n");
            let _ = writeln!(page, "<h2>{title}</h2>");
            for found in self.findings.iter().filter(|found| is_of_process(&found.fingerprint)) {
                let (name, case) = (&found.fingerprint, found.case.trim_end());
                let _ = writeln!(markdown, "### {name}\n\n```text\n{case}\n```\n");
                let escaped =
                    |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                let _ = writeln!(page, "<h3>{}</h3>\n<pre>{}</pre>", escaped(name), escaped(case));
            }
        }
        page.push_str(END);
        let [md, html] = report_files(name);
        let mut files = Files::new();
        files.add(&md, |file| file.write_all(markdown.as_bytes()))?;
        files.add(&html, |file| file.write_all(page.as_bytes()))?;
        files.commit()?;
        Ok(())
    }

    /// Says what there is.
    fn finish(mut self) -> Result<Exit, Failure> {
        if !self.session.json() && std::io::stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
        if let Err(failure) = self.write_report() {
            self.failure.get_or_insert(failure);
        }
        let seconds = self.begin.elapsed().as_secs_f64();
        let (executions, features, corpus) = self.last;
        if self.session.json() {
            let file = |found: &Found| found.path.as_ref().map(|path| path.display().to_string());
            let findings: Vec<_> = self
                .findings
                .iter()
                .map(|found| {
                    json!({ "fingerprint": found.fingerprint, "message": found.finding, "file": file(found),
                        "case": found.case })
                })
                .collect();
            let mut object = json!({
                "schema": "tcc.fuzz/1", "seed": self.arguments.seed, "seconds": seconds, "executions": executions,
                "features": features, "corpus": corpus, "deaths": self.deaths, "findings": findings,
            });
            if let Some(ways) = &self.self_test {
                let missed: Vec<&str> =
                    ways.iter().filter(|way| way.after.is_none()).map(|way| way.name).collect();
                let noticed = ways.len() - missed.len();
                object["self_test"] = json!({ "ways": ways.len(), "noticed": noticed, "missed": missed });
            }
            self.session.out_json(&object);
        } else {
            self.say(seconds);
        }
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let wanted = self.arguments.iterations.filter(|_| self.arguments.require_iterations);
        Ok(match () {
            () if !self.findings.is_empty() || self.missed_something() => Exit::CheckFailed,
            () if session::interrupted() => Exit::Interrupted,
            () if wanted.is_some_and(|wanted| executions < wanted) => {
                self.session.complain("limit", "the time was over before all iterations ran");
                Exit::Limit
            }
            () => Exit::Fine,
        })
    }

    /// The same for people.
    fn say(&self, seconds: f64) {
        let mut text = self.self_test_text();
        if !self.missed_something() {
            let (executions, features, corpus) = self.last;
            let _ = writeln!(
                text,
                "seed {}  {executions} cases in {seconds:.0} s ({:.0}/s)  {features} features  corpus {corpus}  {} findings",
                self.arguments.seed,
                executions as f64 / seconds.max(1e-3),
                self.findings.len()
            );
        }
        for found in &self.findings {
            let _ = match &found.path {
                Some(path) => writeln!(text, "{}: {}", path.display(), found.fingerprint),
                None => writeln!(text, "not written: {}\n{}", found.finding, found.case),
            };
        }
        self.session.out(&text);
        if self.deaths >= RESTARTS {
            self.session.note(&format!("the campaign ended early: {RESTARTS} processes died"));
        }
        if let Some(path) = self.findings.iter().find_map(|found| found.path.as_ref()) {
            self.session.hint(&format!("tcc replay {0}, tcc bisect {0}", path.display()));
        }
    }
}

/// Whether a finding is one that ended a process.
fn is_of_process(fingerprint: &str) -> bool {
    let kind = Finding::new(tcc_fuzz::trace::EXECUTION, tcc_fuzz::trace::PROCESS, 0, "").fingerprint;
    fingerprint.starts_with(kind.to_string().trim_end())
}
