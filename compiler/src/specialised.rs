//! A program compiled for one set of shapes and numbers.

use crate::argument::Output;
use crate::binding_error::{self, at_declaration};
use crate::cache::{self, CodeOrigin, Found};
use crate::compiler::{Compiler, Number};
use crate::error::{Error, Result};
use crate::failed_check;
use crate::operand::{compare::unflatten, convert, round_size, size};
use std::sync::Arc;
use tcc_backends::CallError;
use tcc_frontend::Program;
use tcc_frontend::diagnostic::{Code, Diagnostic};
use tcc_ir::graph::{Check, Graph, Input};
use tcc_ir::loops::{CheckSite, Func, Role};
use tcc_ir::scalar::Literal;
use tcc_ir::{Array, Bindings, Dtype, Extent, Native, Tensor};
use tcc_passes::Quiet;

/// Runnable code with everything that a call needs beside the operands.
pub struct Specialised {
    kernel: tcc_backends::Kernel,
    /// Values of the symbols that the code still has, in order.
    sizes: Vec<i64>,
    /// Where each input of the code comes from.
    slots: Vec<Slot>,
    outputs: Vec<Place>,
    /// Inputs with a promised interval: position among the operands, and the interval.
    intervals: Vec<(usize, Interval)>,
    /// What explains a promise about the data that does not hold; `None` if there is none.
    origin: Option<Box<Origin>>,
    arena: u64,
    code_origin: CodeOrigin,
    /// Why the cache was not used.
    notes: Vec<String>,
}

/// The program, and the sizes that the code was made for.
struct Origin {
    graph: Graph,
    /// The run-time checks of the code, by the status that it returns.
    checks: Vec<CheckSite>,
    bindings: Bindings,
    text: Arc<str>,
}

/// Where an input of the code comes from.
pub(crate) enum Slot {
    /// The operand at this position.
    Operand(usize),
    /// A parameter, known when the code was made.
    Number(Box<f64>),
}

/// An output: name, element type, extents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name in the program.
    pub name: String,
    /// Element type.
    pub dtype: Dtype,
    /// Extents, outermost first.
    pub shape: Vec<usize>,
}

struct Interval {
    name: String,
    low: f64,
    high: f64,
}

/// The inputs that callers give as arrays: all but float parameters.
pub fn operands(graph: &Graph) -> impl Iterator<Item = &Input> {
    graph.inputs.iter().filter(|input| input.param.is_none())
}

/// Values of all symbols, from the shapes of the operands and the numbers given; `text` is the program.
///
/// # Errors
/// Shapes that do not fit the program, or sizes that nothing determines.
pub fn bind(
    graph: &Graph,
    shapes: &[&[usize]],
    numbers: &[(String, Number)],
    text: &str,
) -> Result<Bindings> {
    let mut given = Bindings::new();
    for (name, number) in numbers {
        let is_input = graph.inputs.iter().any(|input| *input.name == **name);
        let is_size = graph.symbols.iter().any(|symbol| *symbol.name == **name);
        match (number.to_integer(), number) {
            _ if is_input => {}
            (Some(value), _) => drop(given.insert(name.as_str().into(), value)),
            (None, Number::Real(value)) if is_size => return Err(no_integer(name, &value.to_string()).into()),
            (None, _) => drop(given.insert(name.as_str().into(), 0)),
        }
    }
    let mut rest = shapes.iter();
    let all: Vec<&[usize]> = graph
        .inputs
        .iter()
        .map(|input| if input.param.is_some() { &[] } else { rest.next().copied().unwrap_or_default() })
        .collect();
    graph.bind(&all, &given).map_err(|error| binding_error::explain(&error, graph, text, &[]))
}

/// An integer parameter or a size was given as `word`.
pub(crate) fn no_integer(name: &str, word: &str) -> Diagnostic {
    let digits = word.trim_start_matches(['+', '-']);
    if !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '_') {
        return Diagnostic::new(
            Code::ParameterType,
            format!("`{name}` is an integer, and {word} is too large"),
        )
        .help(format!("integers have 64 bits: they are {} to {}", i64::MIN, i64::MAX));
    }
    Diagnostic::new(Code::ParameterType, format!("`{name}` is an integer, but {word} was given"))
        .help(format!("give a whole number: {name}=8"))
}

/// The value of a float parameter: what was given, else its default.
///
/// # Errors
/// Neither is there.
pub fn parameter(input: &Input, numbers: &[(String, Number)]) -> Result<f64> {
    let given =
        numbers.iter().rev().find(|(name, _)| *name == *input.name).map(|(_, number)| number.to_f64());
    let default = || input.param.flatten().map(as_f64);
    given.or_else(default).ok_or_else(|| {
        let message = format!("parameter `{}` has no value", input.name);
        Diagnostic::new(Code::MissingValue, message).help(format!("give {}=VALUE", input.name)).into()
    })
}

/// The value of a literal; the real part of a complex one.
pub(crate) fn as_f64(literal: Literal) -> f64 {
    match literal {
        Literal::Bool(value) => f64::from(u8::from(value)),
        Literal::Int(value) => value as f64,
        Literal::Real(value) | Literal::Complex(value, _) => value,
    }
}

impl Specialised {
    /// Compiles `program` for operands of these shapes.
    ///
    /// # Errors
    /// Shapes or numbers that do not fit, or memory beyond the limit.
    pub fn new(
        compiler: &Compiler,
        program: &Program,
        shapes: &[&[usize]],
        numbers: &[(String, Number)],
        text: &str,
    ) -> Result<Specialised> {
        let bindings = bind(&program.graph, shapes, numbers, text)?;
        Specialised::with_bindings(compiler, program, &bindings, numbers)
    }

    /// As [`Specialised::new`], with symbols already bound. Code comes from the cache, if it is there.
    ///
    /// # Errors
    /// As for [`Specialised::new`].
    pub fn with_bindings(
        compiler: &Compiler,
        program: &Program,
        bindings: &Bindings,
        numbers: &[(String, Number)],
    ) -> Result<Specialised> {
        let Found { kernel, origin, notes } = cache::find(compiler, program, bindings)?;
        let this = Specialised::assemble(kernel, program, bindings, numbers)?;
        if let Err(error) = arena_within_limits(compiler, program, this.arena, bindings, &[]) {
            // Code that was kept does not say what is large in it; its loops do.
            within_limits(
                compiler,
                program,
                &compiler.lower(&program.graph, bindings, &mut Quiet)?,
                bindings,
            )?;
            return Err(error);
        }
        Ok(Specialised { code_origin: origin, notes, ..this })
    }

    /// Makes loops runnable that were lowered from `program` with these sizes.
    ///
    /// # Errors
    /// As for [`Specialised::new`].
    pub fn from_loops(
        compiler: &Compiler,
        program: &Program,
        func: &Func,
        bindings: &Bindings,
        numbers: &[(String, Number)],
    ) -> Result<Specialised> {
        within_limits(compiler, program, func, bindings)?;
        let kernel = compiler.load(func)?;
        let this = Specialised::assemble(kernel, program, bindings, numbers)?;
        // Loops without a plan have none before they are loaded.
        within(compiler, &program.graph, bindings, this.arena, &intermediates(func, bindings))?;
        Ok(this)
    }

    fn assemble(
        kernel: tcc_backends::Kernel,
        program: &Program,
        bindings: &Bindings,
        numbers: &[(String, Number)],
    ) -> Result<Specialised> {
        let graph = &program.graph;
        let sizes: Vec<i64> = kernel
            .signature()
            .symbols
            .iter()
            .map(|symbol| bindings.get(&symbol.name).copied().unwrap_or_default())
            .collect();
        let (mut slots, mut intervals, mut operand) = (Vec::new(), Vec::new(), 0);
        for input in &graph.inputs {
            if input.param.is_some() {
                slots.push(Slot::Number(Box::new(parameter(input, numbers)?)));
                continue;
            }
            if let Some((low, high)) = input.range {
                let name = input.name.to_string();
                intervals.push((operand, Interval { name, low: as_f64(low), high: as_f64(high) }));
            }
            slots.push(Slot::Operand(operand));
            operand += 1;
        }
        let mut outputs = Vec::new();
        for parameter in &kernel.signature().outputs {
            let shape = shape(&parameter.extents, bindings)?;
            outputs.push(Place { name: parameter.name.to_string(), dtype: parameter.dtype, shape });
        }
        let arena = kernel.arena_bytes(&sizes).map_err(Error::from_call)? as u64;
        let checks = &kernel.signature().checks;
        let origin = (!checks.is_empty() || !intervals.is_empty()).then(|| {
            Box::new(Origin {
                graph: graph.clone(),
                checks: checks.clone(),
                bindings: bindings.clone(),
                text: program.text.clone(),
            })
        });
        let (code_origin, notes) = (CodeOrigin::Compiled, Vec::new());
        Ok(Specialised { kernel, sizes, slots, outputs, intervals, origin, arena, code_origin, notes })
    }

    /// The outputs in order of declaration.
    pub fn outputs(&self) -> &[Place] {
        &self.outputs
    }

    /// Where the code comes from.
    pub fn code_origin(&self) -> CodeOrigin {
        self.code_origin
    }

    /// Why the cache was not used, if it could not be.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Bytes of working memory.
    pub fn arena_bytes(&self) -> u64 {
        self.arena
    }

    /// Zeroed results.
    ///
    /// # Errors
    /// They do not fit in memory.
    pub fn allocate(&self) -> Result<Vec<Output>> {
        let allocate = |place: &Place| {
            let array = Array::zeros(place.dtype, &place.shape).ok_or_else(|| Error::Limit {
                what: format!("`{}`", place.name),
                needed: u64::MAX,
                limit: isize::MAX as u64,
            })?;
            Ok(Output { name: place.name.clone(), array })
        };
        self.outputs.iter().map(allocate).collect()
    }

    /// Runs on arrays that have the shapes the code was made for.
    ///
    /// # Errors
    /// A promise about the data does not hold, or a run-time check fails.
    pub fn run(&self, operands: &[&Array]) -> Result<Vec<Output>> {
        let mut outputs = self.allocate()?;
        self.run_into(operands, &mut outputs)?;
        Ok(outputs)
    }

    /// As [`Specialised::run`], into results that [`Specialised::allocate`] made.
    ///
    /// # Errors
    /// As for [`Specialised::run`].
    pub fn run_into(&self, operands: &[&Array], outputs: &mut [Output]) -> Result<()> {
        for (position, interval) in &self.intervals {
            let array =
                operands.get(*position).ok_or_else(|| Error::Argument("an operand is missing".into()))?;
            interval.check(array).map_err(|diagnostic| self.at_declaration(diagnostic, &interval.name))?;
        }
        let mut inputs: Vec<&[u8]> = Vec::new();
        let numbers: Vec<[u8; 8]> = self.slots.iter().map(Slot::bytes).collect();
        for (slot, number) in self.slots.iter().zip(&numbers) {
            inputs.push(match slot {
                Slot::Operand(position) => {
                    operands.get(*position).map(|array| array.bytes()).unwrap_or_default()
                }
                Slot::Number(_) => number,
            });
        }
        let mut results: Vec<&mut [u8]> = outputs.iter_mut().map(|output| output.array.bytes_mut()).collect();
        self.kernel
            .run_pooled(&inputs, &mut results, &self.sizes)
            .map_err(|error| self.explain(error, &inputs))
    }

    /// Runs on raw memory: `ranges` has one `(start, bytes)` per operand, then per output.
    ///
    /// # Safety
    /// As for [`tcc_backends::Kernel::run_raw`].
    pub(crate) unsafe fn run_raw(&self, ranges: &[(*mut u8, usize)]) -> Result<()> {
        const INLINE: usize = 24;
        let mut inline = [(std::ptr::null_mut(), 0); INLINE];
        let mut heap = Vec::new();
        let operands = self.slots.iter().filter(|slot| matches!(slot, Slot::Operand(_))).count();
        let count = self.slots.len() + ranges.len().saturating_sub(operands);
        let buffers: &mut [(*mut u8, usize)] = if count <= INLINE {
            &mut inline[..count]
        } else {
            heap.resize(count, (std::ptr::null_mut(), 0));
            &mut heap
        };
        let inputs = self.slots.iter().map(|slot| match slot {
            Slot::Operand(position) => ranges.get(*position).copied().unwrap_or((std::ptr::null_mut(), 0)),
            Slot::Number(number) => (std::ptr::from_ref::<f64>(number).cast_mut().cast(), size_of::<f64>()),
        });
        let outputs = ranges.iter().skip(operands).copied();
        for (buffer, range) in buffers.iter_mut().zip(inputs.chain(outputs)) {
            *buffer = range;
        }
        // SAFETY: the caller promises it for `ranges`; numbers belong to `self` and are only read.
        unsafe { self.kernel.run_raw(buffers, &self.sizes) }.map_err(|error| {
            if !matches!(error, CallError::Check { .. }) {
                return Error::from_call(error);
            }
            let input = |&(start, bytes): &(*mut u8, usize)| match bytes {
                0 => &[][..],
                // SAFETY: the call has checked that inputs are not null, and they may still be read.
                _ => unsafe { std::slice::from_raw_parts(start, bytes) },
            };
            let inputs: Vec<&[u8]> = buffers.iter().take(self.slots.len()).map(input).collect();
            self.explain(error, &inputs)
        })
    }

    /// Whether calls must look at the data first.
    pub(crate) fn has_intervals(&self) -> bool {
        !self.intervals.is_empty()
    }

    /// A failed call on `inputs`, which are those of the graph.
    fn explain(&self, error: CallError, inputs: &[&[u8]]) -> Error {
        let (CallError::Check { site, .. }, Some(origin)) = (&error, &self.origin) else {
            return Error::from_call(error);
        };
        origin.failed_check(*site, inputs).map_or_else(|| Error::from_call(error), Error::from)
    }

    /// Checks the promises about one operand.
    pub(crate) fn check_interval(&self, position: usize, array: &Array) -> Result<()> {
        let found = self.intervals.iter().find(|(at, _)| *at == position);
        found.map_or(Ok(()), |(_, interval)| {
            interval.check(array).map_err(|diagnostic| self.at_declaration(diagnostic, &interval.name))
        })
    }

    fn at_declaration(&self, diagnostic: Diagnostic, name: &str) -> Error {
        let text = self.origin.as_ref().map_or("", |origin| &origin.text);
        at_declaration(diagnostic, text, name, "the interval is declared here").into()
    }
}

impl Origin {
    /// What is wrong where the code says that a check is false; `None` if the graph has no such check.
    fn failed_check(&self, site: usize, inputs: &[&[u8]]) -> Option<Diagnostic> {
        let site = self.checks.get(site)?;
        // Passes may remove checks: they are found again by what they say.
        let same = |check: &&Check| check.message == site.message && check.span == site.span;
        let check = self.graph.checks.iter().find(same)?;
        let input = |position: usize| self.tensor(position, inputs.get(position)?);
        let found = failed_check::find(&self.graph, check, &input, &self.bindings);
        Some(binding_error::failed_check(check, found.as_ref(), &self.graph, &self.bindings, &self.text))
    }

    /// The input with this position.
    fn tensor(&self, position: usize, bytes: &[u8]) -> Option<Tensor<Native>> {
        let ty = &self.graph.inputs.get(position)?.ty;
        let extents: Vec<Extent> = ty.axes.iter().map(|axis| axis.extent.clone()).collect();
        let array = Array::from_bytes(ty.dtype, &shape(&extents, &self.bindings).ok()?, bytes)?;
        Some(Tensor::from_array(&array))
    }
}

impl Slot {
    fn bytes(&self) -> [u8; 8] {
        match self {
            Slot::Operand(_) => [0; 8],
            Slot::Number(number) => number.to_ne_bytes(),
        }
    }
}

impl Interval {
    fn check(&self, array: &Array) -> Result<(), Diagnostic> {
        let outside = |&(re, _): &(f64, f64)| !(self.low..=self.high).contains(&re);
        let Some((at, (value, _))) = convert::numbers(array).enumerate().find(|(_, n)| outside(n)) else {
            return Ok(());
        };
        let index: Vec<String> = unflatten(at, array.shape()).iter().map(usize::to_string).collect();
        let Interval { name, low, high } = self;
        let place = if index.is_empty() { name.clone() } else { format!("{name}[{}]", index.join(",")) };
        let message = format!("`{place}` is {value}, outside the declared interval [{low}, {high}]");
        let help = "widen the interval, or check the data: the program promises it";
        Err(Diagnostic::new(Code::OutsideInterval, message).help(help))
    }
}

/// Whether operands and results alone are within the limit of memory. If they are not, the program is
/// lowered to say what would suffice.
///
/// # Errors
/// They are not, or a size has no value.
pub(crate) fn operands_fit(compiler: &Compiler, program: &Program, bindings: &Bindings) -> Result<()> {
    if total(&buffers(&program.graph, bindings)?) <= compiler.memory() {
        return Ok(());
    }
    within_limits(compiler, program, &compiler.lower(&program.graph, bindings, &mut Quiet)?, bindings)
}

/// Whether what is planned for `func`, which was lowered from `program` with these sizes, is within the
/// limit of memory and the one that the program states.
///
/// # Errors
/// It is not, or a size has no value.
pub(crate) fn within_limits(
    compiler: &Compiler,
    program: &Program,
    func: &Func,
    bindings: &Bindings,
) -> Result<()> {
    let arena =
        func.arena.as_ref().map_or(0, |arena| arena.eval(bindings).map_or(u64::MAX, i64::unsigned_abs));
    arena_within_limits(compiler, program, arena, bindings, &intermediates(func, bindings))
}

/// The same for working memory of `arena` bytes, the largest parts of which are `intermediates`.
fn arena_within_limits(
    compiler: &Compiler,
    program: &Program,
    arena: u64,
    bindings: &Bindings,
    intermediates: &[String],
) -> Result<()> {
    if let Some(allowed) = program.peak_limit.filter(|&allowed| arena > allowed) {
        let message = format!("working memory of {arena} bytes is planned, @max allows {allowed}");
        let help = format!("allow more: @max(peak={arena}), or choose smaller sizes");
        let diagnostic = Diagnostic::new(Code::BudgetExceeded, message).help(help);
        return Err(match binding_error::budget(&program.text) {
            Some(span) => diagnostic.label(span, format!("{allowed} bytes here")).into(),
            None => diagnostic.into(),
        });
    }
    within(compiler, &program.graph, bindings, arena, intermediates)
}

/// The three largest intermediates of loops with their shapes.
fn intermediates(func: &Func, bindings: &Bindings) -> Vec<String> {
    let scratch = func.buffers.iter().filter(|buffer| matches!(buffer.role, Role::Scratch { .. }));
    let mut all: Vec<(u64, String)> = scratch
        .filter(|buffer| !buffer.is_register())
        .filter_map(|buffer| {
            let extents = shape(&buffer.extents, bindings).ok()?;
            let width = buffer.dtype.size_bytes() as u64;
            let bytes = extents.iter().fold(width, |bytes, &n| bytes.saturating_mul(n as u64));
            let extents: Vec<String> = extents.iter().map(usize::to_string).collect();
            let (name, dtype) = (&buffer.name, buffer.dtype);
            Some((bytes, format!("`{name}` {dtype}[{}] {}", extents.join(", "), size(bytes))))
        })
        .collect();
    all.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    all.into_iter().take(3).map(|(_, text)| text).collect()
}

/// Whether operands, results and working memory of `arena` bytes are within the limit; `intermediates`
/// says what is in the working memory.
fn within(
    compiler: &Compiler,
    graph: &Graph,
    bindings: &Bindings,
    arena: u64,
    intermediates: &[String],
) -> Result<()> {
    let mut all = buffers(graph, bindings)?;
    all.push(("working memory".into(), arena));
    let (needed, limit) = (total(&all), compiler.memory());
    if needed <= limit {
        return Ok(());
    }
    all.retain(|(_, bytes)| *bytes > 0);
    all.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    let largest: Vec<String> =
        all.iter().take(3).map(|(name, bytes)| format!("{name} {}", size(*bytes))).collect();
    let message = format!("the program needs {}, more than the limit of {}", size(needed), size(limit));
    let mut largest = largest.join(", ");
    if arena > 0 && !intermediates.is_empty() {
        largest += &format!("; the largest intermediates: {}", intermediates.join(", "));
    }
    let help = match needed {
        // No memory is as large: the product of the sizes does not fit in 64 bits.
        u64::MAX => format!("choose smaller sizes; the largest: {largest}"),
        _ => format!("raise the limit: --memory {}; the largest: {largest}", round_size(needed)),
    };
    Err(Error::Rejected(vec![Diagnostic::new(Code::MemoryLimit, message).help(help)]))
}

/// Bytes that are left for working memory beside operands and results; `None` while sizes are open.
pub(crate) fn left_for_intermediates(compiler: &Compiler, graph: &Graph, bindings: &Bindings) -> Option<u64> {
    buffers(graph, bindings).ok().map(|all| compiler.memory().saturating_sub(total(&all)))
}

fn total(buffers: &[(String, u64)]) -> u64 {
    buffers.iter().fold(0, |total, (_, bytes)| total.saturating_add(*bytes))
}

/// Every input and output with its bytes.
fn buffers(graph: &Graph, bindings: &Bindings) -> Result<Vec<(String, u64)>> {
    let inputs = graph.inputs.iter().map(|input| (&input.name, input.ty.dtype, input.ty.axes.clone()));
    let outputs = graph
        .outputs
        .iter()
        .map(|output| (&output.name, graph.ty(output.value).dtype, graph.output_axes(output)));
    let mut all = Vec::new();
    for (name, dtype, axes) in inputs.chain(outputs) {
        let extents: Vec<tcc_ir::Extent> = axes.iter().map(|axis| axis.extent.clone()).collect();
        let elements = shape(&extents, bindings)?.into_iter();
        let bytes = elements.fold(dtype.size_bytes() as u64, |bytes, n| bytes.saturating_mul(n as u64));
        all.push((format!("`{name}`"), bytes));
    }
    Ok(all)
}

fn shape(extents: &[tcc_ir::Extent], bindings: &Bindings) -> Result<Vec<usize>> {
    let one = |extent: &tcc_ir::Extent| {
        let value = extent.eval(bindings).map_err(|error| size_error(&error.to_string()))?;
        usize::try_from(value).map_err(|_| size_error(&format!("size `{extent}` would be {value}")))
    };
    extents.iter().map(one).collect()
}

fn size_error(message: &str) -> Error {
    Diagnostic::new(Code::NegativeSize, message).help("sizes are 0 or more: choose other sizes").into()
}
