//! A loaded kernel: the checks before, and the one unsafe call into, generated code.

use crate::signature::{Lengths, Signature};
use std::sync::{Arc, Mutex, PoisonError};
use tcc_ir::error::EvalError;
use tcc_ir::extent::ExtentError;
use tcc_ir::{Array, Bindings, Dtype};
use thiserror::Error;

/// Why a call has no result. Nothing was computed unless the error is [`CallError::Check`] or
/// [`CallError::Eval`], after which the contents of the outputs are unspecified.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum CallError {
    /// The wrong number of inputs, outputs or sizes.
    #[error("{given} {what} given, {expected} expected")]
    Count {
        /// `inputs`, `outputs` or `sizes`.
        what: &'static str,
        /// How many were given.
        given: usize,
        /// How many the kernel takes.
        expected: usize,
    },
    /// An array of another element type.
    #[error("`{name}` has dtype {given}, expected {expected}")]
    Dtype {
        /// The parameter.
        name: String,
        /// What was given.
        given: Dtype,
        /// What the kernel takes.
        expected: Dtype,
    },
    /// An array of another shape.
    #[error("`{name}` has shape {given:?}, expected {expected:?}")]
    Shape {
        /// The parameter.
        name: String,
        /// What was given.
        given: Vec<usize>,
        /// What the kernel takes.
        expected: Vec<usize>,
    },
    /// Memory of the wrong length.
    #[error("`{name}` has {given} bytes, expected {expected}")]
    Length {
        /// The parameter, or `arena`.
        name: String,
        /// Bytes given.
        given: usize,
        /// Bytes the kernel reads or writes.
        expected: usize,
    },
    /// Memory that does not start at a multiple of its element's alignment.
    #[error("`{name}` is not aligned to {alignment} bytes")]
    Alignment {
        /// The parameter, or `arena`.
        name: String,
        /// The alignment it needs.
        alignment: usize,
    },
    /// An output (or the arena) shares memory with another argument.
    #[error("`{0}` overlaps `{1}`")]
    Overlap(String, String),
    /// A requirement on sizes does not hold; the text explains it.
    #[error("{0}")]
    Requirement(String),
    /// An extent has no value.
    #[error(transparent)]
    Extent(#[from] ExtentError),
    /// An extent is negative.
    #[error("extent `{extent}` is {value}")]
    Negative {
        /// The extent.
        extent: String,
        /// Its value.
        value: i64,
    },
    /// An array that does not fit in the address space.
    #[error("`{0}` does not fit in memory")]
    TooLarge(String),
    /// A run-time check was false.
    #[error("{message}")]
    Check {
        /// Index in the list of checks.
        site: usize,
        /// Its message.
        message: String,
    },
    /// The interpreter could not go on.
    #[error(transparent)]
    Eval(EvalError),
}

/// What a backend supplies: code behind the C ABI.
pub(crate) trait Code: Send + Sync {
    /// Runs the code once; the result is its status.
    ///
    /// # Safety
    /// `buffers` points to one pointer per parameter, each to as many bytes as `lengths` says, aligned to
    /// the parameter's element; inputs may be read and outputs written, and no output shares bytes
    /// with another parameter or with the arena. `sizes` has one value per symbol and satisfies the
    /// requirements, and `arena` points to `lengths.arena` bytes aligned to [`ARENA_ALIGNMENT`].
    unsafe fn call(
        &self,
        buffers: &[*mut u8],
        lengths: &Lengths,
        sizes: &[i64],
        arena: *mut u8,
    ) -> Result<i32, CallError>;
}

/// Alignment that arenas of callers must have, in bytes.
pub(crate) const ARENA_ALIGNMENT: usize = 8;

/// One cache line of a pooled arena.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "only its size and alignment matter")] [u8; 64]);

/// What one call needs beside its arguments; reused by later calls.
#[derive(Default)]
struct Workspace {
    arena: Vec<Line>,
    bindings: Bindings,
    lengths: Lengths,
}

struct Inner {
    signature: Signature,
    code: Arc<dyn Code>,
    /// The byte counts (or what is wrong with them), where they do not depend on sizes.
    fixed: Option<Result<Lengths, CallError>>,
    pool: Mutex<Vec<Workspace>>,
}

/// A compiled program. Clones share the code; any number of threads may call one at the same time.
#[derive(Clone)]
pub struct Kernel(Arc<Inner>);

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Kernel").field(&self.0.signature.name).finish()
    }
}

/// Pointers of up to this many parameters are kept on the stack.
const INLINE: usize = 16;

impl Kernel {
    pub(crate) fn new(signature: Signature, code: Box<dyn Code>) -> Kernel {
        Kernel::with_code(signature, code.into())
    }

    fn with_code(signature: Signature, code: Arc<dyn Code>) -> Kernel {
        let fixed = signature.symbols.is_empty().then(|| {
            let mut lengths = Lengths::default();
            signature.measure(&Bindings::new(), &mut lengths).map(|()| lengths)
        });
        Kernel(Arc::new(Inner { signature, code, fixed, pool: Mutex::new(Vec::new()) }))
    }

    /// A kernel with the same code and working memory of its own: what it pools is freed with it,
    /// however long others keep the code.
    pub fn with_own_memory(&self) -> Kernel {
        Kernel::with_code(self.0.signature.clone(), self.0.code.clone())
    }

    /// What the kernel takes and returns.
    pub fn signature(&self) -> &Signature {
        &self.0.signature
    }

    /// Bytes of working memory that [`Kernel::run`] needs for these sizes.
    pub fn arena_bytes(&self, sizes: &[i64]) -> Result<usize, CallError> {
        let mut workspace = Workspace::default();
        Ok(self.lengths(sizes, &mut workspace.bindings, &mut workspace.lengths)?.arena)
    }

    /// Zeroed arrays for the outputs.
    pub fn allocate_outputs(&self, sizes: &[i64]) -> Result<Vec<Array>, CallError> {
        let signature = self.signature();
        let mut bindings = Bindings::new();
        signature.bind(sizes, &mut bindings)?;
        let allocate = |parameter: &crate::Parameter| {
            let shape = signature.shape(parameter, &bindings)?;
            Array::zeros(parameter.dtype, &shape)
                .ok_or_else(|| CallError::TooLarge(parameter.name.to_string()))
        };
        signature.outputs.iter().map(allocate).collect()
    }

    /// Runs on the bytes of row-major arrays, with working memory of the caller (contents do not
    /// matter, at least [`Kernel::arena_bytes`], aligned to 8 bytes).
    pub fn run(
        &self,
        inputs: &[&[u8]],
        outputs: &mut [&mut [u8]],
        sizes: &[i64],
        arena: &mut [u8],
    ) -> Result<(), CallError> {
        let mut workspace = Workspace::default();
        let lengths = self.lengths(sizes, &mut workspace.bindings, &mut workspace.lengths)?;
        self.with_ranges(inputs, outputs, |ranges| {
            // SAFETY: the ranges come from slices: inputs may be read, outputs may be written.
            unsafe { self.checked_call(ranges, lengths, sizes, arena.as_mut_ptr_range()) }
        })
    }

    /// Runs on the bytes of row-major arrays. Working memory comes from a pool of the kernel: after
    /// the first call (per concurrent caller) with the largest sizes nothing is allocated.
    pub fn run_pooled(
        &self,
        inputs: &[&[u8]],
        outputs: &mut [&mut [u8]],
        sizes: &[i64],
    ) -> Result<(), CallError> {
        self.with_ranges(inputs, outputs, |ranges| {
            // SAFETY: as in `run`.
            unsafe { self.pooled_call(ranges, sizes) }
        })
    }

    /// Runs on arrays, whose dtypes and shapes are checked. Working memory is pooled.
    pub fn run_arrays(
        &self,
        inputs: &[&Array],
        outputs: &mut [Array],
        sizes: &[i64],
    ) -> Result<(), CallError> {
        let signature = self.signature();
        self.check_counts(inputs.len(), outputs.len())?;
        let mut bindings = Bindings::new();
        signature.bind(sizes, &mut bindings)?;
        let arrays = inputs.iter().copied().chain(outputs.iter());
        for (parameter, array) in signature.parameters().zip(arrays) {
            let name = || parameter.name.to_string();
            if array.dtype() != parameter.dtype {
                let (given, expected) = (array.dtype(), parameter.dtype);
                return Err(CallError::Dtype { name: name(), given, expected });
            }
            let expected = signature.shape(parameter, &bindings)?;
            if array.shape() != expected {
                return Err(CallError::Shape { name: name(), given: array.shape().to_vec(), expected });
            }
        }
        let inputs: Vec<&[u8]> = inputs.iter().map(|array| array.bytes()).collect();
        let mut outputs: Vec<&mut [u8]> = outputs.iter_mut().map(Array::bytes_mut).collect();
        self.run_pooled(&inputs, &mut outputs, sizes)
    }

    /// Runs on raw memory: one `(start, bytes)` per input, then per output. Everything that can be
    /// checked is: counts, lengths, alignment, overlap.
    ///
    /// # Safety
    /// Every range is memory that this call may read (inputs) or write (outputs) and that nobody else
    /// writes meanwhile.
    pub unsafe fn run_raw(&self, buffers: &[(*mut u8, usize)], sizes: &[i64]) -> Result<(), CallError> {
        let expected = self.0.signature.inputs.len() + self.0.signature.outputs.len();
        if buffers.len() != expected {
            return Err(CallError::Count { what: "buffers", given: buffers.len(), expected });
        }
        // SAFETY: the caller promises what `pooled_call` needs.
        unsafe { self.pooled_call(buffers, sizes) }
    }

    fn check_counts(&self, inputs: usize, outputs: usize) -> Result<(), CallError> {
        let signature = self.signature();
        for (what, given, expected) in
            [("inputs", inputs, signature.inputs.len()), ("outputs", outputs, signature.outputs.len())]
        {
            if given != expected {
                return Err(CallError::Count { what, given, expected });
            }
        }
        Ok(())
    }

    /// Calls `run` with the ranges of all parameters, after checking their number.
    fn with_ranges(
        &self,
        inputs: &[&[u8]],
        outputs: &mut [&mut [u8]],
        run: impl FnOnce(&[(*mut u8, usize)]) -> Result<(), CallError>,
    ) -> Result<(), CallError> {
        self.check_counts(inputs.len(), outputs.len())?;
        let count = inputs.len() + outputs.len();
        let ranges = inputs
            .iter()
            .map(|bytes| (bytes.as_ptr().cast_mut(), bytes.len()))
            .chain(outputs.iter_mut().map(|bytes| (bytes.as_mut_ptr(), bytes.len())));
        if count > INLINE {
            return run(&ranges.collect::<Vec<_>>());
        }
        let mut inline = [(std::ptr::null_mut(), 0); INLINE];
        for (slot, range) in inline.iter_mut().zip(ranges) {
            *slot = range;
        }
        run(&inline[..count])
    }

    fn lengths<'a>(
        &'a self,
        sizes: &[i64],
        bindings: &mut Bindings,
        lengths: &'a mut Lengths,
    ) -> Result<&'a Lengths, CallError> {
        let signature = &self.0.signature;
        if let Some(fixed) = &self.0.fixed {
            signature.bind(sizes, bindings)?;
            return fixed.as_ref().map_err(Clone::clone);
        }
        signature.bind(sizes, bindings)?;
        signature.measure(bindings, lengths)?;
        Ok(lengths)
    }

    /// # Safety
    /// As for [`Kernel::run_raw`]; `ranges` has one entry per parameter.
    unsafe fn pooled_call(&self, ranges: &[(*mut u8, usize)], sizes: &[i64]) -> Result<(), CallError> {
        let pool = || self.0.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let mut workspace = pool().pop().unwrap_or_default();
        let Workspace { arena, bindings, lengths } = &mut workspace;
        let result = self.lengths(sizes, bindings, lengths).and_then(|lengths| {
            let lines = lengths.arena.div_ceil(size_of::<Line>());
            if arena.len() < lines {
                arena
                    .try_reserve_exact(lines - arena.len())
                    .map_err(|_| CallError::TooLarge("arena".into()))?;
                arena.resize(lines, Line([0; 64]));
            }
            let start = arena.as_mut_ptr().cast::<u8>();
            // SAFETY: the ranges are as promised; the arena belongs to this call alone and has at
            // least `lengths.arena` bytes.
            unsafe { self.checked_call(ranges, lengths, sizes, start..start.add(lines * size_of::<Line>())) }
        });
        pool().push(workspace);
        result
    }

    /// # Safety
    /// As for [`Kernel::run_raw`]; `ranges` has one entry per parameter, and `arena` is memory that
    /// nobody else uses.
    unsafe fn checked_call(
        &self,
        ranges: &[(*mut u8, usize)],
        lengths: &Lengths,
        sizes: &[i64],
        arena: std::ops::Range<*mut u8>,
    ) -> Result<(), CallError> {
        let arena = (arena.start, arena.end as usize - arena.start as usize);
        self.check_memory(ranges, lengths, arena)?;
        let mut inline = [std::ptr::null_mut(); INLINE];
        let mut heap = Vec::new();
        let pointers: &[*mut u8] = if ranges.len() <= INLINE {
            for (slot, range) in inline.iter_mut().zip(ranges) {
                *slot = range.0;
            }
            &inline[..ranges.len()]
        } else {
            heap.extend(ranges.iter().map(|range| range.0));
            &heap
        };
        // SAFETY: counts, lengths, alignment and overlap were checked above, requirements when the
        // lengths were computed; the caller promises that the memory may be used.
        let status = unsafe { self.0.code.call(pointers, lengths, sizes, arena.0) }?;
        match usize::try_from(status) {
            Ok(0) => Ok(()),
            failed => {
                let site = failed.map_or(usize::MAX, |status| status - 1);
                let message = match self.0.signature.checks.get(site) {
                    Some(check) => check.message.clone(),
                    None => format!("the kernel returned status {status}"),
                };
                Err(CallError::Check { site, message })
            }
        }
    }

    fn check_memory(
        &self,
        ranges: &[(*mut u8, usize)],
        lengths: &Lengths,
        arena: (*mut u8, usize),
    ) -> Result<(), CallError> {
        let signature = &self.0.signature;
        for ((parameter, &(start, given)), &expected) in
            signature.parameters().zip(ranges).zip(&lengths.buffers)
        {
            if given != expected {
                return Err(CallError::Length { name: parameter.name.to_string(), given, expected });
            }
            let alignment = parameter.dtype.part().size_bytes();
            if expected > 0 && !(start as usize).is_multiple_of(alignment) {
                return Err(CallError::Alignment { name: parameter.name.to_string(), alignment });
            }
        }
        if arena.1 < lengths.arena {
            let (given, expected) = (arena.1, lengths.arena);
            return Err(CallError::Length { name: "arena".into(), given, expected });
        }
        if lengths.arena > 0 && !(arena.0 as usize).is_multiple_of(ARENA_ALIGNMENT) {
            return Err(CallError::Alignment { name: "arena".into(), alignment: ARENA_ALIGNMENT });
        }
        let name = |at: usize| {
            signature.parameters().nth(at).map_or("arena".into(), |parameter| parameter.name.to_string())
        };
        let range = |at: usize| ranges.get(at).copied().unwrap_or((arena.0, lengths.arena));
        // The arena, which comes last, is written too.
        let first_written = signature.inputs.len();
        match first_overlap(ranges.len() + 1, first_written, range) {
            Some((a, b)) => Err(CallError::Overlap(name(a.max(b)), name(a.min(b)))),
            None => Ok(()),
        }
    }
}

/// Two of `count` ranges that overlap, if one of them is written: ranges from `first_written` on are.
fn first_overlap(
    count: usize,
    first_written: usize,
    range: impl Fn(usize) -> (*mut u8, usize),
) -> Option<(usize, usize)> {
    if count <= INLINE {
        let pairs =
            (first_written..count).flat_map(|written| (0..written).map(move |other| (other, written)));
        return pairs.into_iter().find(|&(a, b)| overlap(range(a), range(b)));
    }
    // In order of their starts, a range overlaps an earlier one if it starts before that one's end.
    let mut order: Vec<usize> = (0..count).filter(|&at| range(at).1 > 0).collect();
    order.sort_unstable_by_key(|&at| range(at).0);
    let end = |at: usize| range(at).0 as usize + range(at).1;
    let (mut furthest, mut furthest_written): (Option<usize>, Option<usize>) = (None, None);
    for at in order {
        let written = at >= first_written;
        let other = if written { furthest } else { furthest_written };
        if let Some(other) = other.filter(|&other| (range(at).0 as usize) < end(other)) {
            return Some((other, at));
        }
        if furthest.is_none_or(|known| end(known) < end(at)) {
            furthest = Some(at);
        }
        if written && furthest_written.is_none_or(|known| end(known) < end(at)) {
            furthest_written = Some(at);
        }
    }
    None
}

fn overlap(a: (*mut u8, usize), b: (*mut u8, usize)) -> bool {
    let (a, a_end) = (a.0 as usize, a.0 as usize + a.1);
    let (b, b_end) = (b.0 as usize, b.0 as usize + b.1);
    a < b_end && b < a_end && a != a_end && b != b_end
}

#[cfg(test)]
mod tests;
