//! Everything that can go wrong, as values.

use crate::binding_error::coded;
use crate::operand::size;
use tcc_backends::{BackendError, CallError};
use tcc_frontend::ast::Span;
use tcc_frontend::diagnostic::{Code, Diagnostic};
use tcc_ir::EvalError;
use tcc_passes::PipelineError;
use tcc_passes::lower::LowerError;
use thiserror::Error;

/// Why something has no result.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// The program, or data given to it, has mistakes. At least one diagnostic is an error.
    #[error("{}", first(.0))]
    Rejected(Vec<Diagnostic>),
    /// A value that the library was given does not fit: an unknown name, another number of arguments.
    #[error("{0}")]
    Argument(String),
    /// What was asked for needs more memory than allowed.
    #[error("{what} needs {needed} bytes, more than the limit of {limit}")]
    Limit {
        /// What needs it.
        what: String,
        /// Bytes needed.
        needed: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// A backend does not support what was asked for.
    #[error("{0}")]
    Unsupported(String),
    /// The compiler failed; this is never the fault of the caller.
    #[error("the compiler failed (this is our fault): {0}")]
    Bug(String),
}

fn first(diagnostics: &[Diagnostic]) -> String {
    let error = diagnostics.iter().find(|d| d.is_error()).or(diagnostics.first());
    error.map_or_else(String::new, |d| format!("{}: {}", d.code, d.message))
}

impl Error {
    /// A short stable name: `E0203` and the like where a diagnostic says what is wrong.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Rejected(diagnostics) => {
                diagnostics.iter().find(|d| d.is_error()).map_or("E0000", |d| d.code.id())
            }
            Error::Argument(_) => "E0500",
            Error::Limit { .. } => Code::MemoryLimit.id(),
            Error::Unsupported(_) => "P0501",
            Error::Bug(_) => "B0001",
        }
    }

    /// The mistakes that were found, if the program or its data were refused.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        match self {
            Error::Rejected(diagnostics) => diagnostics,
            _ => &[],
        }
    }

    /// One diagnostic, at a place of the source if there is one.
    pub(crate) fn rejected(code: Code, message: String, span: Option<(usize, usize)>) -> Error {
        let mut diagnostic = Diagnostic::new(code, message);
        if let Some((start, end)) = span {
            diagnostic = diagnostic.label(Span::new(start, end), "");
        }
        Error::Rejected(vec![diagnostic])
    }
}

impl From<Diagnostic> for Error {
    fn from(diagnostic: Diagnostic) -> Error {
        Error::Rejected(vec![diagnostic])
    }
}

impl From<Box<Diagnostic>> for Error {
    fn from(diagnostic: Box<Diagnostic>) -> Error {
        Error::Rejected(vec![*diagnostic])
    }
}

impl From<PipelineError> for Error {
    fn from(error: PipelineError) -> Error {
        match error {
            PipelineError::Text { .. } => Error::Argument(error.to_string()),
            PipelineError::Lower(LowerError::TooLarge(_)) => {
                Diagnostic::new(Code::MemoryLimit, error.to_string()).help("choose smaller sizes").into()
            }
            error => Error::Bug(error.to_string()),
        }
    }
}

impl From<BackendError> for Error {
    fn from(error: BackendError) -> Error {
        match error {
            BackendError::Unsupported { .. } => Error::Unsupported(error.to_string()),
            BackendError::Codegen { .. } => Error::Bug(error.to_string()),
        }
    }
}

impl From<EvalError> for Error {
    fn from(error: EvalError) -> Error {
        match error {
            EvalError::Operand(message) => Error::rejected(Code::OperandExtent, message, None),
            EvalError::Requirement { message, .. } => coded(&message, Code::OperandExtent, None).into(),
            EvalError::Check { message, .. } => coded(&message, Code::IndexOutside, None).into(),
            EvalError::Extent(error) => Error::rejected(Code::NegativeSize, error.to_string(), None),
            // These limits are the evaluator's own: no option changes them.
            EvalError::Limit { needed, limit, unit } => {
                let shown = |count: u128| match (unit, u64::try_from(count)) {
                    ("bytes", Ok(bytes)) => size(bytes),
                    _ => format!("{count} {unit}"),
                };
                let message = format!(
                    "the evaluation would take {}, evaluators take up to {}",
                    shown(needed),
                    shown(limit)
                );
                Diagnostic::new(Code::MemoryLimit, message).help("choose smaller sizes").into()
            }
            error @ (EvalError::Domain(_) | EvalError::Fault(_)) => Error::Bug(error.to_string()),
        }
    }
}

impl Error {
    /// A failed call.
    pub(crate) fn from_call(error: CallError) -> Error {
        match error {
            CallError::Check { message, .. } => coded(&message, Code::IndexOutside, None).into(),
            CallError::Eval(error) => error.into(),
            CallError::Requirement(message) => coded(&message, Code::OperandExtent, None).into(),
            CallError::Extent(error) => Error::rejected(Code::NegativeSize, error.to_string(), None),
            CallError::Negative { .. } => Error::rejected(Code::NegativeSize, error.to_string(), None),
            CallError::TooLarge(what) => Error::Limit { what, needed: u64::MAX, limit: isize::MAX as u64 },
            error @ (CallError::Count { .. }
            | CallError::Dtype { .. }
            | CallError::Shape { .. }
            | CallError::Length { .. }
            | CallError::Alignment { .. }
            | CallError::Overlap(..)) => Error::Argument(error.to_string()),
        }
    }
}

/// Results of the library.
pub type Result<T, E = Error> = std::result::Result<T, E>;
