//! The side of `tcc fuzz` that works: a child that runs the campaign and says what it does, in lines of JSON.
//!
//! It keeps the case that it is about to run in a file, where its parent finds it if the case ends the process.

use super::corpus;
use super::fuzz::Arguments;
use super::session::{self, Exit, Failure, Session};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tcc_fuzz::reduce::reduce_by;
use tcc_fuzz::report::{Report, Reproducer, Sample};
use tcc_fuzz::{Campaign, Case, Configuration, Effort, Finding, Mode, Schedule, check};

/// What the child says, a line each.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// Where it is; silence would be a hang.
    Progress { executions: u64, features: usize, corpus: usize },
    /// What it found; said again with a smaller case once that is known.
    Finding { fingerprint: String, finding: String, case: String },
    /// The report up to now.
    Report { markdown: String, html: String },
    /// It is done.
    End { executions: u64, features: usize, corpus: usize },
}

/// Most cases that reducing one finding tries, and how long it may take.
const TRIES: usize = 2000;
const REDUCING: Duration = Duration::from_secs(10);
/// How long reducing may go on when the time is over.
const BEYOND: Duration = Duration::from_secs(1);
/// Time between two lines of progress.
const PROGRESS: Duration = Duration::from_millis(250);
/// Time between two reports, and between additions to the corpus: what is lost if the process dies.
const KEPT: Duration = Duration::from_secs(5);
/// How long it may stay when nobody listens any more.
const ORPHAN: Duration = Duration::from_secs(10);

/// A campaign while it runs.
struct Worker<'a> {
    session: &'a Session,
    arguments: &'a Arguments,
    begin: Instant,
    campaign: Campaign,
    /// Holds the case that runs.
    running: File,
    samples: Vec<Sample>,
    /// Fingerprint, finding and case as text.
    findings: Vec<(tcc_fuzz::Fingerprint, String, String)>,
    said: Instant,
    kept: Instant,
}

/// Runs the campaign, with the case that runs in the file `running` and those that are not to be run beside it.
pub fn run(session: &Session, arguments: &Arguments, running: &Path) -> Result<Exit, Failure> {
    session::interrupt_is_ignored();
    std::thread::spawn(|| {
        // The parent closes it to end the campaign, and so does its own end.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        session::interrupt();
        std::thread::sleep(ORPHAN);
        std::process::exit(i32::from(Exit::Interrupted as u8));
    });
    let refused = |error| Failure::Environment(format!("{}: {error}", running.display()));
    let file = File::create(running).map_err(refused)?;
    #[cfg(unix)]
    super::fault::say().map_err(refused)?;
    let begin = Instant::now();
    let mut worker = Worker {
        session,
        arguments,
        begin,
        campaign: Campaign::new(configuration(arguments)),
        running: file,
        samples: Vec::new(),
        findings: Vec::new(),
        said: begin,
        kept: begin,
    };
    worker.add_corpus(&skipped(running))?;
    worker.report();
    let iterations = arguments.iterations.unwrap_or(u64::MAX);
    while !worker.is_over() && worker.campaign.statistics.executions < iterations {
        worker.step()?;
    }
    // No case is running any more.
    note(&mut worker.running, "");
    worker.keep()?;
    worker.report();
    let (executions, features, corpus) = worker.counts();
    session.out_json(&Line::End { executions, features, corpus });
    Ok(Exit::Fine)
}

impl Worker<'_> {
    fn limit(&self) -> Duration {
        Duration::from_secs_f64(self.arguments.time)
    }

    fn is_over(&self) -> bool {
        self.begin.elapsed() >= self.limit() || session::interrupted()
    }

    fn counts(&self) -> (u64, usize, usize) {
        let campaign = &self.campaign;
        (campaign.statistics.executions, campaign.coverage.len(), campaign.corpus().count())
    }

    /// Runs one case, and makes it small if it fails as none did before.
    fn step(&mut self) -> Result<(), Failure> {
        let running = &mut self.running;
        let step = self.campaign.step_watched(&mut |case| note(running, &case.to_string()));
        let found = step.found.and_then(|fingerprint| self.campaign.found.get(&fingerprint));
        if let Some((finding, case)) = found.map(|found| (found.finding.clone(), found.case.clone())) {
            self.found(&finding, &case);
        }
        self.progress();
        if self.kept.elapsed() > KEPT {
            self.keep()?;
            self.report();
            self.kept = Instant::now();
        }
        Ok(())
    }

    /// Says a finding at once, and again when it is smaller: reducing may end the process.
    fn found(&mut self, finding: &Finding, case: &Case) {
        let fingerprint = finding.fingerprint.clone();
        let tell = |worker: &mut Self, finding: &Finding, case: &Case| {
            let (finding, case) = (finding.to_string(), case.to_string());
            worker.findings.retain(|(known, ..)| *known != fingerprint);
            worker.findings.push((fingerprint.clone(), finding.clone(), case.clone()));
            let fingerprint = fingerprint.to_string();
            worker.session.out_json(&Line::Finding { fingerprint, finding, case });
            worker.report();
        };
        tell(self, finding, case);
        let over = (self.limit() + BEYOND).max(self.begin.elapsed() + BEYOND);
        let over = over.min(self.begin.elapsed() + REDUCING);
        let begin = self.begin;
        let mut fails = |case: &Case| {
            note(&mut self.running, &case.to_string());
            if self.said.elapsed() > PROGRESS {
                self.said = Instant::now();
                let campaign = &self.campaign;
                let (executions, features) = (campaign.statistics.executions, campaign.coverage.len());
                let corpus = campaign.corpus().count();
                self.session.out_json(&Line::Progress { executions, features, corpus });
            }
            check(case, Effort::All).1.finding.filter(|finding| finding.fingerprint == fingerprint)
        };
        let mut goes_on = |tried| tried < TRIES && begin.elapsed() < over && !session::interrupted();
        if let Some(mut reduced) = reduce_by(case, &mut fails, &mut goes_on) {
            if let Some(without) = tcc_fuzz::localise::without(&reduced.case, &finding.fingerprint) {
                reduced.finding.message.push_str(&format!("\n{without}"));
            }
            tell(self, &reduced.finding, &reduced.case);
        }
    }

    /// Says where it is, unless it did so just now.
    fn progress(&mut self) {
        if self.said.elapsed() > PROGRESS {
            self.said = Instant::now();
            let (executions, features, corpus) = self.counts();
            self.samples.push(Sample { seconds: self.begin.elapsed().as_secs_f64(), executions, features });
            self.session.out_json(&Line::Progress { executions, features, corpus });
        }
    }

    /// Says the report up to now, if one is wanted.
    fn report(&mut self) {
        let Some(_) = &self.arguments.report else { return };
        let (executions, features, _) = self.counts();
        let now = Sample { seconds: self.begin.elapsed().as_secs_f64(), executions, features };
        let arguments = self.arguments;
        let command = format!(
            "tcc fuzz --seed {} --mutate {} --schedule {}",
            arguments.seed, arguments.mutate, arguments.schedule
        );
        let reproducers = self.findings.iter().map(|(fingerprint, finding, case)| {
            let count = self.campaign.found.get(fingerprint).map_or(1, |found| found.count);
            Reproducer { finding: finding.clone(), case: case.clone(), count }
        });
        let samples = self.samples.iter().copied().chain([now]).collect();
        let report = Report::new(command, &self.campaign, samples, reproducers.collect());
        let (markdown, html) = (report.markdown(), report.html());
        self.session.out_json(&Line::Report { markdown, html });
    }

    /// Begins with the cases of the corpus, in the order of their names.
    fn add_corpus(&mut self, skipped: &BTreeSet<String>) -> Result<(), Failure> {
        let Some(folder) = &self.arguments.corpus else { return Ok(()) };
        for path in corpus::files(folder)? {
            if self.is_over() {
                break;
            }
            let Ok(text) = std::fs::read_to_string(path) else { continue };
            // Reading a case may be what ends the process.
            note(&mut self.running, &text);
            // Cases of other versions may name passes that are gone.
            let Ok(case) = text.parse::<Case>() else { continue };
            if !skipped.contains(&text) && !skipped.contains(&case.to_string()) {
                self.campaign.add(case);
            }
            self.progress();
        }
        note(&mut self.running, "");
        Ok(())
    }

    /// Writes the cases of the corpus that are not there yet, each under a hash of its text.
    fn keep(&mut self) -> Result<(), Failure> {
        let Some(folder) = self.arguments.corpus.clone() else { return Ok(()) };
        let texts: Vec<String> = self.campaign.corpus().map(ToString::to_string).collect();
        for texts in texts.chunks(corpus::BATCH) {
            corpus::write(&folder, texts)?;
            self.progress();
        }
        Ok(())
    }
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

/// Keeps the case that is about to run where it is found if nothing comes after.
fn note(running: &mut File, text: &str) {
    let written = running.rewind().and_then(|()| running.write_all(text.as_bytes()));
    // Without the file the campaign is as good; only a crash would have no case.
    let _ = written.and_then(|()| running.set_len(text.len() as u64));
}

/// Where the parent writes the case that is not to be run, number `number`.
pub fn skip_file(running: &Path, number: u64) -> PathBuf {
    running.with_file_name(format!("skip-{number}.tcc"))
}

/// The cases that ended the processes before this one.
fn skipped(running: &Path) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for number in 0.. {
        let mut text = String::new();
        let read = File::open(skip_file(running, number)).and_then(|mut file| file.read_to_string(&mut text));
        if read.is_err() {
            break;
        }
        texts.insert(text);
    }
    texts
}
