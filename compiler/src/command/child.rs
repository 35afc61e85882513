//! Child processes: what would end or hang this one ends or hangs them, and is an answer.
//!
//! A child speaks in lines on its standard output. It stops when its standard input ends, so that none is left behind
//! however its parent ends, and does not hear Ctrl-C: the parent, which does, decides what becomes of it.

use super::fault;
use super::session::{self, Exit, Failure, Session};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tcc_fuzz::trace::{EXECUTION, PROCESS};
use tcc_fuzz::{Case, Effort, Finding, Fingerprint, ORACLES, Verdict, check};

/// Most bytes of address space of a child.
#[cfg(unix)]
const MEMORY: u64 = 8 << 30;

/// Most bytes that are kept of what a child says on standard error.
const SAID: u64 = 1 << 16;

/// A process that is watched.
pub struct Watched {
    child: Child,
    /// Its standard input; it stops when that is closed.
    input: Option<ChildStdin>,
    /// What it says, a line each.
    pub lines: Receiver<String>,
    readers: (JoinHandle<()>, JoinHandle<String>),
}

/// How a child ended that was not told to.
#[derive(Debug)]
pub enum Ended {
    /// By itself, with nothing to complain about.
    Fine,
    /// Somebody wanted it to.
    Stopped,
    /// It could not do its work; why.
    Refused(Failure),
    /// It died: a bug.
    Died(Finding),
}

impl Watched {
    /// Starts a command, within the limits of children.
    pub fn start(mut command: Command) -> Result<Watched, Failure> {
        #[cfg(unix)]
        limit_memory(&mut command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| Failure::Environment(format!("cannot start another process: {error}")))?;
        let (send, lines) = channel();
        let output = child.stdout.take();
        let speech = std::thread::spawn(move || {
            for line in output.into_iter().flat_map(|output| BufReader::new(output).lines()) {
                let Ok(line) = line else { break };
                if send.send(line).is_err() {
                    break;
                }
            }
        });
        let errors = child.stderr.take();
        let complaints = std::thread::spawn(move || {
            let mut said = Vec::new();
            if let Some(mut errors) = errors {
                // What comes after is read and dropped: nobody may have to wait for a full pipe.
                let _ = errors.by_ref().take(SAID).read_to_end(&mut said);
                let _ = std::io::copy(&mut errors, &mut std::io::sink());
            }
            String::from_utf8_lossy(&said).into_owned()
        });
        let input = child.stdin.take();
        Ok(Watched { child, input, lines, readers: (speech, complaints) })
    }

    /// Lets it stop when it has finished with what it has.
    pub fn stop(&mut self) {
        self.input = None;
    }

    /// Waits until it ended, after killing it if that is asked for.
    pub fn end(mut self, kill: bool) -> Ended {
        self.stop();
        if kill {
            // If it is gone already, so much the better.
            let _ = self.child.kill();
        }
        let status = self.child.wait();
        drop(self.lines);
        let _ = self.readers.0.join();
        let said = self.readers.1.join().unwrap_or_default();
        match status {
            Ok(status) => ended(status, said),
            Err(error) => Ended::Refused(Failure::Environment(format!("another process: {error}"))),
        }
    }
}

/// What the end of a process means.
fn ended(status: ExitStatus, said: String) -> Ended {
    const REFUSALS: [Exit; 5] =
        [Exit::Rejected, Exit::Usage, Exit::CheckFailed, Exit::Limit, Exit::Environment];
    let how = match status.code() {
        Some(0) => return Ended::Fine,
        Some(code) if code == Exit::Interrupted as i32 => return Ended::Stopped,
        Some(code) => match REFUSALS.into_iter().find(|exit| *exit as i32 == code) {
            Some(exit) => return Ended::Refused(Failure::Told(exit, said)),
            None => format!("ended with exit code {code}"),
        },
        None => match signal(status) {
            Some(("SIGINT" | "SIGTERM" | "SIGHUP" | "SIGQUIT", _)) => return Ended::Stopped,
            Some(("", number)) => format!("ended by signal {number}"),
            Some((name, _)) => format!("ended by {name}"),
            None => format!("ended: {status}"),
        },
    };
    // Two ways to end alike that are different bugs.
    let why = match () {
        () if said.contains("has overflowed its stack") => ", stack overflow",
        () if said.contains("memory allocation of") => ", out of memory",
        () if said.contains(fault::OUTSIDE) => ", outside of its arguments",
        () => "",
    };
    Ended::Died(Finding::new(EXECUTION, PROCESS, 0, format!("{how}{why}\n{said}").trim_end()))
}

/// The name of the signal that ended a process, if it has one here, and its number.
#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<(&'static str, i32)> {
    use std::os::unix::process::ExitStatusExt;
    const NAMES: &[(libc::c_int, &str)] = &[
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGQUIT, "SIGQUIT"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGSYS, "SIGSYS"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGTRAP, "SIGTRAP"),
    ];
    let number = status.signal()?;
    Some((NAMES.iter().find(|row| row.0 == number).map_or("", |row| row.1), number))
}

/// Elsewhere processes end with codes only.
#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<(&'static str, i32)> {
    None
}

/// The finding that a child said nothing for so long.
pub fn hang(silence: Duration) -> Finding {
    let mut finding =
        Finding::new(EXECUTION, PROCESS, 0, format!("hang: no answer in {:.3} s", silence.as_secs_f64()));
    finding.fingerprint.kind = "hang".into();
    finding
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

/// This program, to be started once more.
pub fn this_program() -> Result<Command, Failure> {
    let path = std::env::current_exe();
    let path =
        path.map_err(|error| Failure::Environment(format!("cannot start another process: {error}")))?;
    Ok(Command::new(path))
}

/// An answer of the child that judges.
#[derive(Serialize, Deserialize)]
struct Answer {
    finding: Option<Found>,
    refused: Option<String>,
}

/// A finding on its way from a child.
#[derive(Serialize, Deserialize)]
pub struct Found {
    oracle: String,
    stage: String,
    kind: String,
    position: usize,
    message: String,
}

impl From<Finding> for Found {
    fn from(finding: Finding) -> Found {
        let Finding { fingerprint: Fingerprint { oracle, stage, kind }, position, message } = finding;
        Found { oracle: oracle.to_owned(), stage, kind, position, message }
    }
}

impl Found {
    /// The finding; `None` if there is no such oracle.
    pub fn finding(self) -> Option<Finding> {
        let Found { oracle, stage, kind, position, message } = self;
        let oracle = ORACLES.iter().map(|row| row.name).chain([EXECUTION]).find(|name| **name == *oracle)?;
        Some(Finding { fingerprint: Fingerprint { oracle, stage, kind }, position, message })
    }
}

/// Judges cases in a child, which is started again after it died.
pub struct Judge {
    start: Box<dyn Fn() -> Result<Command, Failure>>,
    /// How long one case may take.
    silence: Duration,
    child: Option<Watched>,
}

impl Judge {
    /// A judge that calls a case a hang after so much time.
    pub fn new(silence: Duration) -> Judge {
        Judge::of(silence, || {
            let mut command = this_program()?;
            command.args(["fuzz", "--judge"]);
            Ok(command)
        })
    }

    fn of(silence: Duration, start: impl Fn() -> Result<Command, Failure> + 'static) -> Judge {
        Judge { start: Box::new(start), silence, child: None }
    }

    /// What all oracles say of a case; that it ends or hangs a process is a finding. After Ctrl-C there are none, if
    /// the command goes on then.
    pub fn check(&mut self, case: &Case) -> Result<Verdict, Failure> {
        let mut child = match self.child.take() {
            Some(child) => child,
            None => Watched::start((self.start)()?)?,
        };
        let text = case.to_string();
        if let Some(input) = &mut child.input {
            let sent = writeln!(input, "{}", text.len()).and_then(|()| input.write_all(text.as_bytes()));
            // A child that does not listen is gone, which is seen below.
            let _ = sent.and_then(|()| input.flush());
        }
        let begin = Instant::now();
        let wait = (self.silence / 4).clamp(Duration::from_millis(1), Duration::from_millis(50));
        let answer = loop {
            match child.lines.recv_timeout(wait) {
                Ok(line) => break line,
                Err(RecvTimeoutError::Disconnected) => {
                    return match child.end(false) {
                        Ended::Died(finding) => Ok(Verdict { finding: Some(finding), ..Verdict::default() }),
                        Ended::Refused(failure) => Err(failure),
                        Ended::Fine | Ended::Stopped => {
                            Err(Failure::Environment("the process that runs the case was stopped".into()))
                        }
                    };
                }
                Err(RecvTimeoutError::Timeout) if session::interrupted() => {
                    child.end(true);
                    return Ok(Verdict::default());
                }
                Err(RecvTimeoutError::Timeout) if begin.elapsed() > self.silence => {
                    child.end(true);
                    return Ok(Verdict { finding: Some(hang(self.silence)), ..Verdict::default() });
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        self.child = Some(child);
        let broken = || {
            let message = format!("what the process that runs the case said: {answer}");
            Failure::from(crate::Error::Bug(message))
        };
        let Answer { finding, refused } = serde_json::from_str(&answer).map_err(|_| broken())?;
        let finding = finding.map(|found| found.finding().ok_or_else(broken)).transpose()?;
        Ok(Verdict { finding, refused, ..Verdict::default() })
    }
}

/// Asks a judge whether cases fail in one way.
pub struct Fails<'a> {
    judge: &'a mut Judge,
    fingerprint: &'a Fingerprint,
    failure: Option<Failure>,
}

impl Judge {
    /// Asks whether cases fail in this way.
    pub fn fails<'a>(&'a mut self, fingerprint: &'a Fingerprint) -> Fails<'a> {
        Fails { judge: self, fingerprint, failure: None }
    }
}

impl Fails<'_> {
    /// How a case fails, if it does in this way. After a failure to ask, none does.
    pub fn ask(&mut self, case: &Case) -> Option<Finding> {
        if self.failure.is_some() {
            return None;
        }
        match self.judge.check(case) {
            Ok(verdict) => verdict.finding.filter(|finding| finding.fingerprint == *self.fingerprint),
            Err(failure) => {
                self.failure = Some(failure);
                None
            }
        }
    }

    /// The failure to ask, if there was one.
    pub fn end(self) -> Result<(), Failure> {
        self.failure.map_or(Ok(()), Err)
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        if let Some(child) = self.child.take() {
            child.end(true);
        }
    }
}

/// The side of the child: cases come on standard input, each after a line with the number of its bytes.
pub fn judge(session: &Session) -> Result<Exit, Failure> {
    session::interrupt_is_ignored();
    #[cfg(unix)]
    fault::say().map_err(|error| Failure::Environment(error.to_string()))?;
    let (send, cases) = channel();
    // On a thread of its own, so that the process ends with its parent even while a case hangs.
    std::thread::spawn(move || {
        let mut input = BufReader::new(std::io::stdin().lock());
        while let Some(text) = next(&mut input) {
            if send.send(text).is_err() {
                break;
            }
        }
        std::process::exit(i32::from(Exit::Fine as u8));
    });
    for text in cases {
        let case: Result<Case, _> = text.parse();
        let answer = match case {
            Ok(case) => {
                let verdict = check(&case, Effort::All).1;
                Answer { finding: verdict.finding.map(Found::from), refused: verdict.refused }
            }
            Err(error) => Answer { finding: None, refused: Some(error.to_string()) },
        };
        session.out_json(&answer);
    }
    Ok(Exit::Fine)
}

/// The next case that was sent.
fn next(input: &mut impl BufRead) -> Option<String> {
    let mut count = String::new();
    input.read_line(&mut count).ok()?;
    let count: u64 = count.trim().parse().ok()?;
    let mut text = String::new();
    input.take(count).read_to_string(&mut text).ok()?;
    (text.len() as u64 == count).then_some(text)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    /// A judge whose child is a script.
    fn scripted(silence: Duration, script: &'static str) -> Judge {
        Judge::of(silence, move || {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            Ok(command)
        })
    }

    fn case() -> Case {
        "test fuzz = \"|\"\n\ngraph @g(; %x: f32[i:3]) {\n  return y = %x[i]\n}\n".parse().expect("a case")
    }

    const PATIENT: Duration = Duration::from_secs(60);

    #[test]
    fn a_signal_is_a_finding_and_the_next_case_has_another_process() {
        let mut judge = scripted(PATIENT, "read n; echo boom >&2; kill -SEGV $$");
        for _ in 0..2 {
            let finding = judge.check(&case()).expect("judged").finding.expect("a finding");
            assert_eq!(finding.fingerprint.to_string(), "execution: process: ended by SIGSEGV");
            assert!(finding.message.ends_with("\nboom"), "{finding}");
        }
        let mut judge = scripted(PATIENT, "echo 'memory allocation of 7 bytes failed' >&2; kill -ABRT $$");
        let finding = judge.check(&case()).expect("judged").finding.expect("a finding");
        assert_eq!(finding.fingerprint.kind, "ended by SIGABRT, out of memory");
    }

    #[test]
    fn silence_is_a_finding() {
        let mut judge = scripted(Duration::from_millis(200), "exec sleep 600");
        let finding = judge.check(&case()).expect("judged").finding.expect("a finding");
        assert_eq!(finding.fingerprint.to_string(), "execution: process: hang");
    }

    #[test]
    fn what_the_machine_lacks_is_no_finding() {
        let mut judge = scripted(PATIENT, "echo 'error: no room' >&2; exit 5");
        let failure = judge.check(&case()).expect_err("no answer");
        assert!(matches!(&failure, Failure::Told(Exit::Environment, said) if said == "error: no room\n"));
        let mut judge = scripted(PATIENT, "kill -TERM $$");
        assert!(matches!(judge.check(&case()), Err(Failure::Environment(_))));
    }

    #[test]
    fn one_process_answers_for_many_cases() {
        let answer =
            r#"while read n; do head -c $n > /dev/null; echo '{"finding": null, "refused": "'$$'"}'; done"#;
        let mut judge = scripted(PATIENT, answer);
        let mut ask = || judge.check(&case()).expect("judged").refused.expect("an answer");
        assert_eq!(ask(), ask());
    }
}
