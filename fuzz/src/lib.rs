//! The fuzzer of tcc.
//!
//! Programs and pipelines are generated and mutated together ([`generate`], [`mutate`]); every stage of an
//! execution ([`trace`]) is judged by [`oracle`]s; what they find is named ([`finding`]).
//!
//! Entry points: [`check`] runs a case and says what is wrong; [`Campaign`] looks for such cases; [`reduce()`] makes one
//! small; [`localise()`] names the pass, the rewrite and the rule; [`regression`] makes it a file
//! of the tests.
//!
//! A [`Case`] is everything that decides one execution, and is text both ways ([`text`]): what the campaign
//! keeps, what a report shows and what a regression test is are one kind of file. Nothing here reads a
//! clock: the same case gives the same verdict on any day. Floating-point results are compared without
//! guessed tolerances ([`compare`]), so that what is found is a bug.

pub mod campaign;
pub mod case;
pub mod choices;
pub mod compare;
#[cfg(feature = "edges")]
pub mod edges;
pub mod feedback;
pub mod finding;
pub mod generate;
pub mod guarded;
pub mod inputs;
pub mod localise;
pub mod mutate;
pub mod oracle;
pub mod panics;
pub mod prune;
pub mod reduce;
pub mod report;
pub mod self_test;
pub mod targets;
pub mod text;
pub mod trace;

pub use campaign::{Campaign, Configuration, Mode, Schedule};
pub use case::{Case, Chaos, Class, InputSpec, Level, Program};
pub use choices::{Choices, Random};
pub use compare::Agreement;
pub use finding::{Finding, Fingerprint};
pub use localise::{Place, localise};
pub use oracle::{Effort, ORACLES, Oracle, Verdict, check};
pub use reduce::{Reduced, reduce};
pub use text::{CaseError, regression};
