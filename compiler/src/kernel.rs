//! Kernels: a program that can be called with arrays of any fitting shape.

use crate::argument::{Argument, ArgumentMut, Arguments, ArgumentsMut, Output, Results};
use crate::compiler::{Compiler, Number, Source};
use crate::error::{Error, Result};
use crate::specialised::{Place, Specialised, operands};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use tcc_frontend::ast::ExpressionProgram;
use tcc_frontend::diagnostic::{Code, Diagnostic};
use tcc_frontend::{Operand, Program};
use tcc_ir::graph::Graph;
use tcc_ir::{Array, Dtype};

/// Most shapes for which code is kept; the oldest makes room.
const CACHE_LIMIT: usize = 256;

/// A compiled program.
///
/// Sizes and, for expressions, element types come from the arguments of each call; code is made for
/// each combination once and kept. Clones share the code, and any number of threads may call one
/// kernel at the same time.
#[derive(Clone)]
pub struct Kernel(Arc<Inner>);

struct Inner {
    compiler: Compiler,
    source: Source,
    numbers: Vec<(String, Number)>,
    /// The program; of an expression: with assumed element types, `None` if they are needed first.
    program: Option<Program>,
    /// Names of the operands in order.
    names: Vec<String>,
    cache: RwLock<Vec<Arc<Entry>>>,
}

/// Code for one combination of element types and shapes.
struct Entry {
    hash: u64,
    key: Vec<(Dtype, Vec<usize>)>,
    code: Specialised,
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel").field("source", &self.0.source.text).finish_non_exhaustive()
    }
}

impl Kernel {
    pub(crate) fn new(compiler: Compiler, source: Source) -> Result<Kernel> {
        Kernel::with_numbers(compiler, source, Vec::new())
    }

    pub(crate) fn with_numbers(
        compiler: Compiler,
        source: Source,
        numbers: Vec<(String, Number)>,
    ) -> Result<Kernel> {
        let checked = compiler.check(&source, &[], &numbers);
        let (program, names) = match checked {
            Ok(program) => {
                let known = |name: &str| {
                    let Graph { symbols, inputs, .. } = &program.graph;
                    symbols.iter().any(|symbol| &*symbol.name == name)
                        || inputs.iter().any(|input| &*input.name == name && input.param.is_some())
                };
                if let Some((name, _)) = numbers.iter().find(|(name, _)| !known(name)) {
                    return Err(Error::Argument(format!("the program has no size or parameter `{name}`")));
                }
                let names = operands(&program.graph).map(|input| input.name.to_string()).collect();
                (Some(program), names)
            }
            // Types that come from the arguments are checked when there are arguments.
            Err(Error::Rejected(found)) if source.typed_by_arguments() && waits_for_arguments(&found) => {
                (None, einsum_operands(&source.text))
            }
            Err(error) => return Err(error),
        };
        Ok(Kernel(Arc::new(Inner { compiler, source, numbers, program, names, cache: RwLock::default() })))
    }

    /// The kernel with a parameter, a size or a 0-d operand fixed.
    ///
    /// # Errors
    /// The program has no such name, or its value must be an integer.
    pub fn with(&self, name: &str, number: impl Into<Number>) -> Result<Kernel> {
        let inner = &self.0;
        let mut numbers = inner.numbers.clone();
        numbers.push((name.to_owned(), number.into()));
        Kernel::with_numbers(inner.compiler.clone(), inner.source.clone(), numbers)
    }

    /// The names of the operands, in the order in which [`Kernel::call`] takes them.
    pub fn operands(&self) -> &[String] {
        &self.0.names
    }

    /// The checked program. Where element types come from the arguments, they are assumed to be f32;
    /// `None` for einsum strings, which mean nothing without arguments.
    pub fn program(&self) -> Option<&Program> {
        self.0.program.as_ref()
    }

    /// Calls the program; results are one owned array, or a tuple of them.
    ///
    /// ```
    /// # fn main() -> Result<(), tcc::Error> {
    /// use ndarray::{Array2, array};
    /// let matmul = tcc::jit("C[i,k] += A[i,j] * B[j,k]")?;
    /// let c: Array2<f64> = matmul.call((&array![[1.0, 2.0]], &array![[3.0], [4.0]]))?;
    /// assert_eq!(c, array![[11.0]]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Arguments that do not fit the program, or a run-time check that fails.
    pub fn call<'a, R: Results>(&self, arguments: impl Arguments<'a>) -> Result<R> {
        let list = arguments.list();
        let outputs = self.call_dynamic(list.as_ref())?;
        if outputs.len() != R::COUNT {
            let names: Vec<&str> = outputs.iter().map(|output| output.name.as_str()).collect();
            let (given, names) = (R::COUNT, names.join(", "));
            return Err(Error::Argument(format!("{given} results asked for; the program has: {names}")));
        }
        R::take(&mut outputs.into_iter())
    }

    /// Calls the program with operands by name, in any order; results are [`Output`]s.
    ///
    /// # Errors
    /// As for [`Kernel::call`], and names that are missing or unknown.
    pub fn call_named(&self, arguments: &[(&str, Argument<'_>)]) -> Result<Vec<Output>> {
        for (name, _) in arguments {
            if !self.0.names.iter().any(|known| known == name) {
                let known = self.0.names.join(", ");
                return Err(Error::Argument(format!("no operand `{name}`; the program has: {known}")));
            }
        }
        let find = |wanted: &String| {
            let found = arguments.iter().find(|(name, _)| name == wanted).map(|(_, argument)| *argument);
            found.ok_or_else(|| Error::Argument(format!("operand `{wanted}` is not given")))
        };
        self.call_dynamic(&self.0.names.iter().map(find).collect::<Result<Vec<_>>>()?)
    }

    /// Calls the program with operands in order; results are [`Output`]s.
    ///
    /// # Errors
    /// As for [`Kernel::call`].
    pub fn call_dynamic(&self, arguments: &[Argument<'_>]) -> Result<Vec<Output>> {
        let entry = self.entry(arguments)?;
        let mut outputs = entry.code.allocate()?;
        let results = outputs.iter_mut().map(|output| {
            let bytes = output.array.bytes_mut();
            (bytes.as_mut_ptr(), bytes.len())
        });
        // SAFETY: results are fresh arrays of our own.
        unsafe { run(&entry, arguments, results)? };
        Ok(outputs)
    }

    /// Calls the program and writes the results into arrays of the caller. After the first call with
    /// the same shapes nothing is allocated, if arguments and results lie in row-major order.
    ///
    /// # Errors
    /// As for [`Kernel::call`]; a result of another type or shape. The contents of the results are
    /// unspecified after an error.
    pub fn call_into<'a, 'b>(
        &self,
        arguments: impl Arguments<'a>,
        results: impl ArgumentsMut<'b>,
    ) -> Result<()> {
        let (arguments, results) = (arguments.list(), results.list());
        self.entry(arguments.as_ref())?.call_into(arguments.as_ref(), results.as_ref())
    }

    /// Makes the code for arguments of these element types and shapes, unless it is there already. The
    /// elements are not read.
    ///
    /// # Errors
    /// Arguments that do not fit the program.
    pub fn prepare(&self, arguments: &[Argument<'_>]) -> Result<Prepared> {
        self.entry(arguments).map(Prepared)
    }

    /// The code for arguments of these element types and shapes, if it has been made.
    pub fn prepared(&self, arguments: &[Argument<'_>]) -> Option<Prepared> {
        self.find(hash(arguments), arguments).map(Prepared)
    }

    /// The code for these arguments, made now if this is the first call with their types and shapes.
    fn entry(&self, arguments: &[Argument<'_>]) -> Result<Arc<Entry>> {
        let inner = &self.0;
        if arguments.len() != inner.names.len() {
            let (given, names) = (arguments.len(), inner.names.join(", "));
            return Err(Error::Argument(format!("{given} operands given; the program takes: {names}")));
        }
        let hash = hash(arguments);
        if let Some(entry) = self.find(hash, arguments) {
            return Ok(entry);
        }
        let entry = Arc::new(self.specialise(hash, arguments)?);
        let mut cache = inner.cache.write().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHE_LIMIT {
            cache.remove(0);
        }
        cache.push(entry.clone());
        Ok(entry)
    }

    fn find(&self, hash: u64, arguments: &[Argument<'_>]) -> Option<Arc<Entry>> {
        let cache = self.0.cache.read().unwrap_or_else(PoisonError::into_inner);
        cache.iter().find(|entry| entry.hash == hash && entry.fits(arguments)).cloned()
    }

    fn specialise(&self, hash: u64, arguments: &[Argument<'_>]) -> Result<Entry> {
        let inner = &self.0;
        let typed;
        let program = match &inner.program {
            Some(program) if !inner.source.typed_by_arguments() => program,
            _ => {
                let operand = |(name, argument): (&String, &Argument<'_>)| Operand {
                    name: name.clone(),
                    dtype: argument.dtype(),
                    shape: Some(argument.shape().to_vec()),
                };
                let given: Vec<Operand> = inner.names.iter().zip(arguments).map(operand).collect();
                typed = inner.compiler.check(&inner.source, &given, &inner.numbers)?;
                &typed
            }
        };
        for (input, argument) in operands(&program.graph).zip(arguments) {
            if input.ty.dtype != argument.dtype() {
                let (name, given) = (&input.name, argument.dtype());
                let message =
                    format!("`{name}` has dtype {given}, but the program declares {}", input.ty.dtype);
                let help = format!("declare `{name}` as {given}, or convert the array");
                return Err(Diagnostic::new(Code::OperandDtype, message).help(help).into());
            }
        }
        let shapes: Vec<&[usize]> = arguments.iter().map(Argument::shape).collect();
        let code = Specialised::new(&inner.compiler, program, &shapes, &inner.numbers, &inner.source.text)?;
        let key = arguments.iter().map(|argument| (argument.dtype(), argument.shape().to_vec())).collect();
        Ok(Entry { hash, key, code })
    }
}

impl Entry {
    /// Whether the code was made for these types and shapes.
    fn fits(&self, arguments: &[Argument<'_>]) -> bool {
        self.key.len() == arguments.len()
            && self
                .key
                .iter()
                .zip(arguments)
                .all(|((dtype, shape), argument)| *dtype == argument.dtype() && shape == argument.shape())
    }

    /// Runs the code; results that are not in row-major order are computed beside and copied.
    fn call_into(&self, arguments: &[Argument<'_>], results: &[ArgumentMut<'_>]) -> Result<()> {
        check_results(self.code.outputs(), results)?;
        if results.iter().all(ArgumentMut::row_major) {
            let ranges = results.iter().map(|result| (result.pointer, result.length()));
            // SAFETY: each result is a unique borrow of row-major memory of the length given.
            return unsafe { run(self, arguments, ranges) };
        }
        let mut packed = Vec::new();
        for result in results.iter().filter(|result| !result.row_major()) {
            packed.push(Array::zeros(result.dtype, result.shape).ok_or_else(too_large)?);
        }
        let mut rest = packed.iter_mut();
        let ranges: Vec<(*mut u8, usize)> = results
            .iter()
            .map(|result| match result.row_major() {
                true => (result.pointer, result.length()),
                false => rest.next().map_or((std::ptr::null_mut(), 0), |array| {
                    let bytes = array.bytes_mut();
                    (bytes.as_mut_ptr(), bytes.len())
                }),
            })
            .collect();
        // SAFETY: as above, or memory of our own.
        unsafe { run(self, arguments, ranges.into_iter())? };
        for (result, array) in results.iter().filter(|result| !result.row_major()).zip(&packed) {
            result.write(array);
        }
        Ok(())
    }
}

/// The code of a [`Kernel`] for one combination of element types and shapes.
#[derive(Clone)]
pub struct Prepared(Arc<Entry>);

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("arguments", &self.0.key).finish_non_exhaustive()
    }
}

impl Prepared {
    /// The results that a call computes.
    pub fn results(&self) -> &[Place] {
        self.0.code.outputs()
    }

    /// Runs the code, as [`Kernel::call_into`] does.
    ///
    /// # Errors
    /// As for [`Kernel::call_into`]; arguments of other types or shapes than the code was made for.
    pub fn call_into(&self, arguments: &[Argument<'_>], results: &[ArgumentMut<'_>]) -> Result<()> {
        if !self.0.fits(arguments) {
            let message = "the code was made for arguments of other types or shapes";
            return Err(Error::Argument(message.into()));
        }
        self.0.call_into(arguments, results)
    }
}

/// A number that differs for most combinations of types and shapes. Calls compute it, so it is cheap; what
/// it finds is compared in full.
fn hash(arguments: &[Argument<'_>]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = 0u64;
    let mut mix = |value: u64| hash = (hash.rotate_left(23) ^ value).wrapping_mul(ODD);
    for argument in arguments {
        mix(argument.dtype() as u64);
        argument.shape().iter().for_each(|&extent| mix(extent as u64));
    }
    hash
}

fn too_large() -> Error {
    Error::Limit { what: "a copy".into(), needed: u64::MAX, limit: isize::MAX as u64 }
}

/// Runs code on arguments; those that are not in row-major order are copied.
///
/// # Safety
/// `results` are ranges that may be written, one per output.
unsafe fn run(
    entry: &Entry,
    arguments: &[Argument<'_>],
    results: impl ExactSizeIterator<Item = (*mut u8, usize)>,
) -> Result<()> {
    if entry.code.has_intervals() {
        for (position, argument) in arguments.iter().enumerate() {
            entry.code.check_interval(position, &argument.copy().ok_or_else(too_large)?)?;
        }
    }
    let mut copies: Vec<Array> = Vec::new();
    const INLINE: usize = 24;
    let mut inline = [(std::ptr::null_mut(), 0); INLINE];
    let mut heap = Vec::new();
    let count = arguments.len() + results.len();
    let ranges: &mut [(*mut u8, usize)] = if count <= INLINE {
        &mut inline[..count]
    } else {
        heap.resize(count, (std::ptr::null_mut(), 0));
        &mut heap
    };
    for (range, argument) in ranges.iter_mut().zip(arguments) {
        let start = match argument.row_major() {
            Some(start) => start,
            None => {
                let copy = argument.copy().ok_or_else(too_large)?;
                // The elements of an array stay where they are when the array itself is moved.
                let start = copy.bytes().as_ptr();
                copies.push(copy);
                start
            }
        };
        *range = (start.cast_mut(), argument.length());
    }
    for (range, result) in ranges.iter_mut().skip(arguments.len()).zip(results) {
        *range = result;
    }
    // SAFETY: arguments are shared borrows or copies of our own, only read; results may be written.
    unsafe { entry.code.run_raw(ranges) }
}

fn check_results(expected: &[Place], given: &[ArgumentMut<'_>]) -> Result<()> {
    if expected.len() != given.len() {
        let (given, expected) = (given.len(), expected.len());
        return Err(Error::Argument(format!("{given} results given; the program has {expected}")));
    }
    for (place, result) in expected.iter().zip(given) {
        let name = &place.name;
        if place.dtype != result.dtype || place.shape != result.shape {
            let (dtype, shape) = (place.dtype, &place.shape);
            let message = format!(
                "result `{name}` is {dtype} {shape:?}, but an array of {} {:?} was given",
                result.dtype, result.shape
            );
            return Err(Error::Argument(message));
        }
    }
    Ok(())
}

/// Whether nothing is wrong but that arguments are not known yet.
fn waits_for_arguments(found: &[Diagnostic]) -> bool {
    found
        .iter()
        .filter(|diagnostic| diagnostic.is_error())
        .all(|diagnostic| matches!(diagnostic.code, Code::MissingOperand | Code::EinsumOperands))
}

/// Names for the operands of an einsum string, which has none of its own.
fn einsum_operands(text: &str) -> Vec<String> {
    match tcc_frontend::parse_expression_program(text).0 {
        ExpressionProgram::Einsum(einsum) => {
            (1..=einsum.operands.len()).map(|at| format!("operand{at}")).collect()
        }
        ExpressionProgram::Program(_) => Vec::new(),
    }
}
