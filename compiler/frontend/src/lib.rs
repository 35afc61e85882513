//! The frontend of tcc: `.ein` text in, checked programs out.
//!
//! [`ast`] is what a text says, [`diagnostic`] what is wrong with it. Nothing here prints, and no
//! input makes it panic.

pub mod ast;
pub mod codes;
pub mod diagnostic;
