//! What can go wrong with an IR: text that does not parse, a broken contract, an evaluation that
//! has no answer. What a *user* can get wrong is a diagnostic of the frontend, not one of these.

use crate::extent::ExtentError;
use std::fmt;
use thiserror::Error;

/// IR text that does not parse.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{line}:{column}: {message}")]
pub struct ParseError {
    /// What was expected or found.
    pub message: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// A broken contract of an IR: always a bug of whoever made it, never of the user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct VerifyErrors(pub Vec<String>);

impl fmt::Display for VerifyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if position == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// Why an evaluation has no answer.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum EvalError {
    /// An operand has the wrong dtype or shape, or is missing.
    #[error("{0}")]
    Operand(String),
    /// A size has no value.
    #[error(transparent)]
    Extent(#[from] ExtentError),
    /// A requirement on sizes does not hold; the message explains it.
    #[error("{message}")]
    Requirement {
        /// Index in the list of requirements.
        index: usize,
        /// Its message with values.
        message: String,
    },
    /// A run-time check was false.
    #[error("{message}")]
    Check {
        /// Index in the list of checks.
        site: usize,
        /// Its message.
        message: String,
    },
    /// The evaluation would need more memory or steps than allowed.
    #[error("evaluation needs {needed} {unit}, more than the limit of {limit}")]
    Limit {
        /// What was asked for.
        needed: u128,
        /// What is allowed.
        limit: u128,
        /// `bytes` or `steps`.
        unit: &'static str,
    },
    /// The operation has no meaning in this number domain (an order modulo a prime).
    #[error("`{0}` has no meaning in this number domain")]
    Domain(String),
    /// A compiler bug seen at run time: an access out of bounds, a read of something never written,
    /// a race.
    #[error("{0}")]
    Fault(String),
}
