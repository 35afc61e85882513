//! From syntax tree to graph: names, sizes, types and places are argued here, once.
//!
//! The steps, one file each: [`names`] (what each name of the file is), [`resolve`] (every name
//! replaced by what it stands for, functions by their bodies), [`order`] (which equations need which),
//! [`sizes`] (how long each index runs), [`dtypes`] (weak and strong numbers), [`ranges`] (whether a
//! read stays inside), [`recurrence`] (which index a group of equations steps along); then
//! [`crate::build`] makes the nodes.

pub(crate) mod annotations;
pub(crate) mod constants;
pub(crate) mod dtypes;
pub(crate) mod einsum;
pub(crate) mod free;
pub(crate) mod functions;
pub(crate) mod names;
pub(crate) mod order;
pub(crate) mod ranges;
pub(crate) mod recurrence;
pub(crate) mod resolve;
pub(crate) mod resolved;
pub(crate) mod scan;
pub(crate) mod sizes;
pub(crate) mod unused;

use crate::ast::{ExpressionProgram, File, Span};
use crate::build;
use crate::diagnostic::{Code, Diagnostic};
use std::collections::BTreeSet;
use tcc_ir::graph::Graph;
use tcc_ir::scalar::Literal;
use tcc_ir::{Axis, Dtype, Extent};

/// The stack of the thread that checks: enough for the deepest tree [`resolve`] lets through.
const STACK: usize = 128 << 20;

/// A checked program.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// What it computes.
    pub graph: Graph,
    /// What the author may want to know.
    pub warnings: Vec<Diagnostic>,
    /// The bytes that `@max(peak=..)` allows, if it is given.
    pub peak_limit: Option<u64>,
    /// Every index of every equation with its size.
    pub sizes: Vec<SizeRow>,
    /// The text it was made from.
    pub text: std::sync::Arc<str>,
}

/// One row of the table of sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeRow {
    /// The tensor on the left of the equation.
    pub equation: String,
    /// The index as written.
    pub index: String,
    /// How many values it takes.
    pub extent: Extent,
    /// Where the size comes from: `axis 2 of A`, `written at the index`, ..
    pub origin: String,
    /// Where the index stands.
    pub span: Span,
}

/// What the caller knows about a program beside its text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// The name of the graph.
    pub name: String,
    /// Compute everything in double precision: declared and cast f16, bf16, f32 become f64, c64
    /// becomes c128.
    pub type_f64: bool,
    /// The text is an expression program (`-e`): free tensors become inputs, and every tensor that no
    /// equation reads becomes an output.
    pub expression: bool,
    /// Operands in the order given; they type the free tensors of an expression program.
    pub operands: Vec<Operand>,
    /// Numbers the caller gives: they type the free scalars of an expression program.
    pub numbers: Vec<(String, Literal)>,
}

/// What is known of an operand before the program is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// The name the caller uses.
    pub name: String,
    /// Element type.
    pub dtype: Dtype,
    /// Extents, outermost first; `None` for what takes the shape that the program asks for.
    pub shape: Option<Vec<usize>>,
}

/// Parses, checks and builds a program.
///
/// # Errors
/// Everything that is wrong with it, in the order of the text; at least one is an error.
pub fn compile(source: &str, options: &Options) -> Result<Program, Vec<Diagnostic>> {
    if !options.expression && !crate::is_einsum(source) {
        let (file, diagnostics) = crate::parse(source);
        return compile_file(source, &file, diagnostics, options);
    }
    let (program, diagnostics) = crate::parse_expression_program(source);
    match program {
        ExpressionProgram::Einsum(_) if diagnostics.iter().any(Diagnostic::is_error) => Err(diagnostics),
        ExpressionProgram::Einsum(einsum) => einsum::compile(&einsum, options),
        ExpressionProgram::Program(file) => compile_file(source, &file, diagnostics, options),
    }
}

/// Checks and builds the program that `source` was parsed to; `diagnostics` are those of the parser.
///
/// # Errors
/// As [`compile`].
pub fn compile_file(
    source: &str,
    file: &File,
    diagnostics: Vec<Diagnostic>,
    options: &Options,
) -> Result<Program, Vec<Diagnostic>> {
    std::thread::scope(|scope| {
        let work = || on_this_stack(source, file, diagnostics.clone(), options);
        match std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work) {
            Ok(handle) => handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => on_this_stack(source, file, diagnostics.clone(), options),
        }
    })
}

fn on_this_stack(
    source: &str,
    file: &File,
    syntax: Vec<Diagnostic>,
    options: &Options,
) -> Result<Program, Vec<Diagnostic>> {
    let broken_syntax = syntax.iter().any(Diagnostic::is_error);
    let mut found = Diagnostics::default();
    let result = build::program(source, file, options, &mut found);
    let mut all = found.list;
    if broken_syntax {
        // A line that could not be read may have defined anything: what could follow from that is kept quiet.
        all.retain(|diagnostic| !follows_from_missing_lines(diagnostic.code));
    }
    all.extend(syntax);
    let mut seen = BTreeSet::new();
    all.retain(|diagnostic| {
        let place = diagnostic.labels.first().map(|label| label.span);
        seen.insert((diagnostic.code, place, diagnostic.message.clone()))
    });
    all.sort_by_key(|diagnostic| diagnostic.labels.first().map_or(0, |label| label.span.start));
    match result {
        Some(mut program) if !all.iter().any(Diagnostic::is_error) => {
            program.warnings = all;
            Ok(program)
        }
        _ => Err(all),
    }
}

fn follows_from_missing_lines(code: Code) -> bool {
    matches!(
        code,
        Code::UnknownName
            | Code::IndexUnbound
            | Code::UnknownFunction
            | Code::OutputUndefined
            | Code::SizeUnknown
            | Code::OutputIndexUnused
            | Code::UnusedName
            | Code::NoOutput
    )
}

/// Collects what is wrong.
#[derive(Default)]
pub(crate) struct Diagnostics {
    pub list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds one; returns [`Reported`] so that `return Err(found.push(..))` reads well.
    pub fn push(&mut self, diagnostic: Diagnostic) -> Reported {
        self.list.push(diagnostic);
        Reported
    }
}

/// Evidence that a diagnostic has been pushed: what needs the broken part is skipped in silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reported;

/// `1 axis`, `3 axes`
pub(crate) fn axes(count: usize) -> String {
    if count == 1 { "1 axis".into() } else { format!("{count} axes") }
}

/// The extents of axes.
pub(crate) fn extents(axes: &[Axis]) -> Vec<Extent> {
    axes.iter().map(|axis| axis.extent.clone()).collect()
}
