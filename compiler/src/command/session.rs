//! What every command shares: where output goes, colours, exit codes, failures.

use super::render;
use crate::Error;
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::json;
use std::ffi::OsString;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use tcc_frontend::diagnostic::{Code, Diagnostic};

/// How a run of the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, and the thing asked about is fine.
    Fine = 0,
    /// The program or its data have an error.
    Rejected = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The check that was asked for says no.
    CheckFailed = 3,
    /// A limit stopped it.
    Limit = 4,
    /// Something is missing on this machine, or may not be used.
    Environment = 5,
    /// A bug of tcc.
    Bug = 70,
    /// Ctrl-C ended it early; what there was is printed.
    Interrupted = 130,
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// An error of the library, with the text it is about.
    Error(Error, Option<crate::Source>),
    /// The command line makes no sense.
    Usage(String),
    /// Something about this machine.
    Environment(String),
    /// Another process of ours failed so, and said why on its standard error.
    Told(Exit, String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error {
            Error::Argument(message) => Failure::Usage(message),
            error => Failure::Error(error, None),
        }
    }
}

impl From<Box<Diagnostic>> for Failure {
    fn from(diagnostic: Box<Diagnostic>) -> Failure {
        Failure::Error(diagnostic.into(), None)
    }
}

/// Options of every command.
#[derive(Args)]
pub struct Global {
    /// Print no notes and hints
    #[arg(short, long, global = true, display_order = 100)]
    pub quiet: bool,
    /// Print more notes: passes, memory
    #[arg(short, long, global = true, conflicts_with = "quiet", display_order = 100)]
    pub verbose: bool,
    /// Colours in messages
    #[arg(long, global = true, display_order = 100, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// Form of the output; people read `human`, programs read `json`
    #[arg(long, global = true, display_order = 100, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// When messages are coloured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Whether to colour what goes to a terminal, or to something else.
pub fn colored(when: Color, terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    match when {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR") => false,
        Color::Auto => set("CLICOLOR_FORCE") || terminal,
    }
}

/// Form of the output.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text; not an interface
    Human,
    /// One JSON object with a schema
    Json,
}

/// Where a command writes.
pub struct Session {
    quiet: bool,
    verbose: bool,
    color: bool,
    format: Format,
}

impl Session {
    /// The session of a command line.
    pub fn new(global: &Global) -> Session {
        let color = colored(global.color, std::io::stderr().is_terminal());
        Session { quiet: global.quiet, verbose: global.verbose, color, format: global.format }
    }

    /// The session of a command line that cannot be read: its words say as much as that.
    pub fn of_words(words: &[OsString]) -> Session {
        let pairs = words.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json");
        let json = pairs || words.iter().any(|word| word == "--format=json");
        let format = if json { Format::Json } else { Format::Human };
        Session { quiet: false, verbose: false, color: false, format }
    }

    /// Whether output is JSON.
    pub fn json(&self) -> bool {
        self.format == Format::Json
    }

    /// Writes a product to standard output.
    pub fn out(&self, text: &str) {
        self.out_with(|out| out.write_all(text.as_bytes()));
    }

    /// Writes one JSON object as a line.
    pub fn out_json(&self, value: &impl Serialize) {
        self.out_with(|out| {
            serde_json::to_writer(&mut *out, value)?;
            out.write_all(b"\n")
        });
    }

    /// Writes a product piece by piece. A reader that went away ends the program silently; any other
    /// failure is one of this machine.
    pub fn out_with(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        let mut out = BufWriter::new(io::stdout().lock());
        let Err(error) = write(&mut out).and_then(|()| out.flush()) else { return };
        let exit = if error.kind() == io::ErrorKind::BrokenPipe {
            Exit::Fine
        } else {
            self.fail(&Failure::Environment(format!("cannot write to standard output: {error}")))
        };
        std::process::exit(i32::from(exit as u8));
    }

    /// Writes to standard error, whatever `-q` says.
    pub fn error(&self, text: &str) {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    /// Writes a note.
    pub fn note(&self, text: &str) {
        self.aside("note", text);
    }

    /// Writes a note for who wants to know more.
    pub fn detail(&self, text: impl FnOnce() -> String) {
        if self.verbose {
            self.aside("note", &text());
        }
    }

    /// Writes the next useful command.
    pub fn hint(&self, text: &str) {
        self.aside("hint", text);
    }

    fn aside(&self, kind: &str, text: &str) {
        match self.format {
            _ if self.quiet => {}
            Format::Human => self.error(&format!("{kind}: {text}\n")),
            Format::Json => {
                let object = json!({ "schema": "tcc.note/1", "kind": kind, "message": text });
                self.error(&format!("{object}\n"));
            }
        }
    }

    /// Writes warnings.
    pub fn warn(&self, warnings: &[Diagnostic], source: &crate::Source) {
        match self.format {
            _ if self.quiet || warnings.is_empty() => {}
            Format::Human => self.error(&render::diagnostics(warnings, Some(source), self.color)),
            Format::Json => {
                let object = render::json(&Error::Rejected(warnings.to_vec()), Some(source));
                self.error(&format!("{object}\n"));
            }
        }
    }

    /// Says in a sentence what is wrong; `code` is for programs.
    pub fn complain(&self, code: &str, message: &str) {
        let text = match self.format {
            Format::Human => format!("error: {message}\n"),
            Format::Json => format!("{}\n", render::message_json(code, message)),
        };
        self.error(&text);
    }

    /// Says why a command failed, and gives its exit code.
    pub fn fail(&self, failure: &Failure) -> Exit {
        match failure {
            Failure::Usage(message) => {
                self.complain("usage", message);
                Exit::Usage
            }
            Failure::Environment(message) => {
                self.complain("environment", message);
                Exit::Environment
            }
            Failure::Told(exit, text) => {
                self.error(text);
                *exit
            }
            Failure::Error(error, source) => {
                let text = match self.format {
                    Format::Human => render::error(error, source.as_ref(), self.color, !self.quiet),
                    Format::Json => format!("{}\n", render::json(error, source.as_ref())),
                };
                self.error(&text);
                exit_of(error)
            }
        }
    }
}

/// The exit code that belongs to an error.
pub fn exit_of(error: &Error) -> Exit {
    match error {
        Error::Rejected(diagnostics) => match diagnostics.iter().find(|d| d.is_error()).map(|d| d.code) {
            Some(Code::MemoryLimit | Code::TooLarge) => Exit::Limit,
            Some(Code::FileUnwritable | Code::FileForbidden) => Exit::Environment,
            Some(Code::BudgetExceeded) => Exit::CheckFailed,
            _ => Exit::Rejected,
        },
        Error::Argument(_) => Exit::Usage,
        Error::Limit { .. } => Exit::Limit,
        Error::Unsupported(_) => Exit::Environment,
        Error::Bug(_) => Exit::Bug,
    }
}

/// The panic hook: a bug is reported as one, without a backtrace unless it is asked for.
pub fn report_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    let message = info.payload_as_str().unwrap_or("no message");
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "bug: tcc failed{place}: {message}");
    let _ = writeln!(err, "This is our fault. Please report it with the command and the program.");
    if std::env::var_os("TCC_BACKTRACE").is_some() {
        let _ = writeln!(err, "{}", std::backtrace::Backtrace::force_capture());
    }
}

/// Whether the next Ctrl-C lets the command finish with what it has.
static FINISHES: AtomicBool = AtomicBool::new(false);

/// Whether one came.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From here on the first Ctrl-C, or another polite request to end, only makes [`interrupted`] true; a second one ends
/// the process.
pub fn interrupt_finishes() {
    FINISHES.store(true, Ordering::Relaxed);
    #[cfg(unix)]
    for signal in [libc::SIGTERM, libc::SIGHUP] {
        on_signal(signal, interrupted_by as extern "C" fn(libc::c_int) as libc::sighandler_t);
    }
}

/// From here on Ctrl-C does nothing: another process says when this one ends.
pub fn interrupt_is_ignored() {
    #[cfg(unix)]
    on_signal(libc::SIGINT, libc::SIG_IGN);
}

/// Makes [`interrupted`] true.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// Whether the command should finish with what it has.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Makes Ctrl-C end the process with code 130 at once, unless [`interrupt_finishes`] was called. Files appear only when they are complete, so
/// nothing half-written is left.
#[cfg(unix)]
pub fn interrupt_exits() {
    on_signal(libc::SIGINT, interrupted_by as extern "C" fn(libc::c_int) as libc::sighandler_t);
}

#[cfg(unix)]
extern "C" fn interrupted_by(_: libc::c_int) {
    if FINISHES.swap(false, Ordering::Relaxed) {
        INTERRUPTED.store(true, Ordering::Relaxed);
        return;
    }
    // SAFETY: `_exit` may be called from a signal handler.
    unsafe { libc::_exit(130) }
}

/// Sets what a signal does: nothing, or what [`interrupted_by`] does.
#[cfg(unix)]
fn on_signal(signal: libc::c_int, handler: libc::sighandler_t) {
    // SAFETY: the handler, if there is one, touches nothing but atomic flags, and calls nothing but `_exit`.
    unsafe {
        libc::signal(signal, handler);
    }
}

/// Elsewhere the system's own handling stays.
#[cfg(not(unix))]
pub fn interrupt_exits() {}
