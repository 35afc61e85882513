//! Errors as text, and the boundary that nothing unwinds across.

use crate::{TCC_OK, status, tcc_error};
use compiler::{Diagnostic, Error};
use std::ffi::CString;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Stack for the compiler, whose recursion is as deep as the program: no program that the frontend
/// accepts needs more. Pages that are not touched cost nothing.
const STACK: usize = 256 << 20;

/// An error, and the text it is about (empty if none).
pub struct Wrong {
    error: Error,
    source: String,
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Wrong {
        Wrong { error, source: String::new() }
    }
}

impl Wrong {
    /// An error about the text of a program.
    pub fn about(error: Error, source: &str) -> Wrong {
        Wrong { error, source: source.into() }
    }
}

/// Runs `work` and hands its error to the caller.
///
/// # Safety
/// `place` is null or may be written.
pub unsafe fn guarded(place: *mut *mut tcc_error, work: impl FnOnce() -> Result<(), Wrong>) -> i32 {
    // SAFETY: the caller promises that it is null or valid.
    let place = unsafe { place.as_mut() };
    let result = catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::Bug("the compiler panicked".into()).into()));
    let wrong = match result {
        Ok(()) => {
            if let Some(place) = place {
                *place = std::ptr::null_mut();
            }
            return TCC_OK;
        }
        Err(wrong) => wrong,
    };
    if let Some(place) = place {
        *place = Box::into_raw(Box::new(failure(&wrong)));
    }
    status(&wrong.error)
}

/// Runs `work` on a thread with a large stack: callers in other languages may have small ones.
pub fn on_a_large_stack<R: Send>(work: impl FnOnce() -> Result<R, Error> + Send) -> Result<R, Error> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("tcc".into()).stack_size(STACK);
        match thread.spawn_scoped(scope, work).map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Error::Bug("the compiler panicked".into())),
            Err(error) => Err(Error::Unsupported(format!("cannot start a thread: {error}"))),
        }
    })
}

/// The error as callers get it.
fn failure(wrong: &Wrong) -> tcc_error {
    let error = &wrong.error;
    let message = match error {
        Error::Rejected(found) => diagnostics(found, &wrong.source),
        error => error.to_string(),
    };
    tcc_error { code: c_string(error.code()), message: c_string(message.trim_end()) }
}

/// Diagnostics as plain text: one line each, then the places, then what helps.
pub fn diagnostics(found: &[Diagnostic], source: &str) -> String {
    let mut text = String::new();
    for diagnostic in found {
        let kind = if diagnostic.is_error() { "error" } else { "warning" };
        let _ = writeln!(text, "{kind}[{}]: {}", diagnostic.code.id(), diagnostic.message);
        for label in diagnostic.labels.iter().filter(|_| !source.is_empty()) {
            let (line, column) = line_and_column(source, label.span.start);
            let _ = match label.text.as_str() {
                "" => writeln!(text, "  at {line}:{column}"),
                about => writeln!(text, "  at {line}:{column}: {about}"),
            };
        }
        if let Some(help) = &diagnostic.help {
            let _ = writeln!(text, "  help: {}", help.replace('\n', "\n  "));
        }
    }
    text
}

/// Line and column (in characters) of a byte offset, counted from 1.
fn line_and_column(source: &str, offset: usize) -> (usize, usize) {
    let before = source.get(..offset).unwrap_or(source);
    let line = before.matches('\n').count() + 1;
    (line, before.chars().rev().take_while(|&c| c != '\n').count() + 1)
}

/// Text for C, where a zero byte would end it.
pub fn c_string(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}
