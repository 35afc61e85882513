//! Stands for the checking half of the frontend until it is there.
#![allow(missing_docs)]

use tcc_frontend::ast::Span;
use tcc_frontend::diagnostic::{Code, Diagnostic};
use tcc_ir::graph::Graph;
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, Extent};

#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    pub graph: Graph,
    pub warnings: Vec<Diagnostic>,
    pub peak_limit: Option<u64>,
    pub sizes: Vec<SizeRow>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeRow {
    pub equation: String,
    pub index: String,
    pub extent: Extent,
    pub origin: String,
    pub span: Span,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    pub name: String,
    pub type_f64: bool,
    pub expression: bool,
    pub operands: Vec<Operand>,
    pub numbers: Vec<(String, Literal)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    pub name: String,
    pub dtype: Dtype,
    pub shape: Vec<usize>,
}

pub fn compile(_: &str, _: &Options) -> Result<Program, Vec<Diagnostic>> {
    Err(vec![Diagnostic::new(Code::NotYet, "checking programs is not there yet")])
}
