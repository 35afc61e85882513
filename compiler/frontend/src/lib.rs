//! The frontend of tcc: `.ein` text in, checked programs out.
//!
//! [`parse()`] reads a text into an [`ast`], [`diagnostic`] is what is wrong with it. Nothing here
//! prints, and no input makes it panic.

pub mod ast;
mod build;
mod characters;
mod check;
pub mod codes;
pub mod diagnostic;
mod einsum;
mod format;
mod limits;
mod lines;
mod parse;
mod syntax_error;
mod tokens;

pub use check::{Operand, Options, Program, SizeRow, compile, compile_file};
pub use einsum::is_einsum;
pub use format::format;
pub use limits::{MAX_DEPTH, MAX_NESTING, MAX_TOKENS};
pub use lines::decode;
pub use parse::{EDITIONS, parse, parse_expression_program};
