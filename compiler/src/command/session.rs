//! What every command shares: where output goes, colours, exit codes, failures.

use super::render;
use crate::Error;
use clap::{Args, ValueEnum};
use std::io::{IsTerminal, Write};
use std::panic::PanicHookInfo;
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
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Colours in messages
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// Form of the output; people read `human`, programs read `json`
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
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
    pub color: bool,
    pub format: Format,
}

impl Session {
    /// The session of a command line.
    pub fn new(global: &Global) -> Session {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        let color = match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto if set("NO_COLOR") => false,
            Color::Auto => set("CLICOLOR_FORCE") || std::io::stderr().is_terminal(),
        };
        Session { quiet: global.quiet, color, format: global.format }
    }

    /// Whether output is JSON.
    pub fn json(&self) -> bool {
        self.format == Format::Json
    }

    /// Writes a product to standard output. A reader that went away is no error.
    pub fn out(&self, text: &str) {
        self.out_bytes(text.as_bytes());
    }

    /// As [`Session::out`].
    pub fn out_bytes(&self, bytes: &[u8]) {
        let mut out = std::io::stdout().lock();
        if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
            std::process::exit(i32::from(Exit::Fine as u8));
        }
    }

    /// Writes one JSON object as a line.
    pub fn out_json(&self, value: &serde_json::Value) {
        self.out(&format!("{value}\n"));
    }

    /// Writes to standard error, whatever `-q` says.
    pub fn error(&self, text: &str) {
        let _ = std::io::stderr().lock().write_all(text.as_bytes());
    }

    /// Writes a note.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.error(&format!("note: {text}\n"));
        }
    }

    /// Writes the next useful command.
    pub fn hint(&self, text: &str) {
        if !self.quiet {
            self.error(&format!("hint: {text}\n"));
        }
    }

    /// Writes warnings.
    pub fn warn(&self, warnings: &[Diagnostic], source: &crate::Source) {
        if !self.quiet {
            self.error(&render::diagnostics(warnings, Some(source), self.color));
        }
    }

    /// Says why a command failed, and gives its exit code.
    pub fn fail(&self, failure: &Failure) -> Exit {
        match failure {
            Failure::Usage(message) => {
                self.error(&format!("error: {message}\n"));
                Exit::Usage
            }
            Failure::Environment(message) => {
                self.error(&format!("error: {message}\n"));
                Exit::Environment
            }
            Failure::Error(error, source) => {
                let text = if self.json() {
                    format!("{}\n", render::json(error, source.as_ref()))
                } else {
                    render::error(error, source.as_ref(), self.color)
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
    let _ = writeln!(err, "bug[B0001]: tcc failed{place}: {message}");
    let _ = writeln!(err, "This is our fault. Please report it with the command and the program.");
    if std::env::var_os("TCC_BACKTRACE").is_some() {
        let _ = writeln!(err, "{}", std::backtrace::Backtrace::force_capture());
    }
}

/// Makes Ctrl-C end the process with code 130 at once. Files appear only when they are complete, so
/// nothing half-written is left.
#[cfg(unix)]
pub fn interrupt_exits() {
    extern "C" fn interrupted(_: libc::c_int) {
        // SAFETY: `_exit` may be called from a signal handler.
        unsafe { libc::_exit(130) }
    }
    let handler: extern "C" fn(libc::c_int) = interrupted;
    // SAFETY: the handler calls nothing but `_exit`.
    unsafe {
        libc::signal(libc::SIGINT, handler as libc::sighandler_t);
    }
}

/// Elsewhere the system's own handling stays.
#[cfg(not(unix))]
pub fn interrupt_exits() {}
