//! libtcc: the C interface of the compiler. `include/tcc.h` is generated from this file and documented in
//! `docs/c-api.md`.
//!
//! Nothing here keeps state outside the handles that callers hold, every pointer that can be checked is
//! checked, and a panic of the compiler is an error like any other.

#![expect(non_camel_case_types, reason = "these are the names in C")]

mod array;
mod errors;
mod options;

use array::{Checked, Role};
use compiler::{Argument, Dtype, Error, Kernel, Place, Prepared};
use errors::{Wrong, guarded, on_a_large_stack};
use std::ffi::{CStr, CString, c_char};

/// The version of this interface: programs built for one version run with every library of the same.
pub const TCC_ABI_VERSION: i32 = 1;

/// Done.
pub const TCC_OK: i32 = 0;
/// The program, or data given to it, has a mistake.
pub const TCC_REJECTED: i32 = 1;
/// An argument of the function does not fit: null, another type, another shape, memory that overlaps.
pub const TCC_ARGUMENT: i32 = 2;
/// More memory would be needed than is allowed.
pub const TCC_LIMIT: i32 = 4;
/// The backend, or this machine, does not support it.
pub const TCC_UNSUPPORTED: i32 = 5;
/// The compiler failed: a bug.
pub const TCC_BUG: i32 = 70;

/// The type of elements that is only known once there are arguments.
pub const TCC_UNKNOWN: i32 = 0;
/// One byte, 0 or 1.
pub const TCC_BOOL: i32 = 1;
/// uint8_t
pub const TCC_U8: i32 = 2;
/// uint32_t
pub const TCC_U32: i32 = 3;
/// int32_t
pub const TCC_I32: i32 = 4;
/// int64_t
pub const TCC_I64: i32 = 5;
/// IEEE binary16, two bytes.
pub const TCC_F16: i32 = 6;
/// The upper half of a float, two bytes.
pub const TCC_BF16: i32 = 7;
/// float
pub const TCC_F32: i32 = 8;
/// double
pub const TCC_F64: i32 = 9;
/// Two floats: real and imaginary part.
pub const TCC_C64: i32 = 10;
/// Two doubles: real and imaginary part.
pub const TCC_C128: i32 = 11;

/// Most axes of an array.
pub const TCC_MAX_RANK: i32 = 64;

/// A compiled program. Any number of threads may use one at the same time.
pub struct tcc_kernel {
    kernel: Kernel,
    inputs: Vec<Described>,
    outputs: Vec<Described>,
    warnings: CString,
    /// The text of the program, for places in errors.
    source: String,
}

/// Why a function failed.
pub struct tcc_error {
    code: CString,
    message: CString,
}

/// A borrowed array. The element with indices i, j, .. lies at
/// `data + (i*strides[0] + j*strides[1] + ..)` elements.
#[repr(C)]
pub struct tcc_array {
    /// The element whose indices are all 0; aligned to its type. May be null if there are no elements,
    /// and where only shapes are asked for.
    pub data: *mut std::ffi::c_void,
    /// TCC_F32 and the like.
    pub dtype: i32,
    /// Number of axes, 0 to TCC_MAX_RANK.
    pub rank: i32,
    /// Extents, outermost axis first; may be null if rank is 0.
    pub shape: *const i64,
    /// Distance of neighbours along each axis, in elements (not bytes); null: row-major without gaps.
    pub strides: *const i64,
}

/// An input or an output of a program.
#[repr(C)]
pub struct tcc_parameter {
    /// The name in the program, UTF-8; lives as long as the kernel.
    pub name: *const c_char,
    /// TCC_F32 and the like; TCC_UNKNOWN if it depends on the arguments.
    pub dtype: i32,
    /// Number of axes; -1 if it depends on the arguments.
    pub rank: i32,
}

/// What is known of an input or output without arguments.
struct Described {
    name: CString,
    dtype: i32,
    rank: i32,
}

/// The version of the library, such as "0.1.0".
#[unsafe(no_mangle)]
pub extern "C" fn tcc_version() -> *const c_char {
    const VERSION: &CStr =
        match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => c"",
        };
    VERSION.as_ptr()
}

/// The TCC_ABI_VERSION that the library was built with.
#[unsafe(no_mangle)]
pub extern "C" fn tcc_abi_version() -> i32 {
    TCC_ABI_VERSION
}

/// Compiles a program, the text of an .ein file, to a handle.
///
/// `options` (may be null) are words as on the command line: "-O3 --fp strict --memory 1GiB n=64", or
/// "--expression" for an expression or an einsum string. `kernel` receives the handle, or null.
/// `error` (may be null) receives null, or an error that the caller frees.
///
/// # Safety
/// Texts end with a zero byte; pointers are null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcc_compile(
    source: *const c_char,
    options: *const c_char,
    kernel: *mut *mut tcc_kernel,
    error: *mut *mut tcc_error,
) -> i32 {
    // SAFETY: the caller promises that the pointers are null or valid.
    unsafe {
        guarded(error, || {
            let place = kernel.as_mut().ok_or_else(|| null("kernel"))?;
            *place = std::ptr::null_mut();
            let source = text(source, "source")?.ok_or_else(|| null("source"))?;
            let options = text(options, "options")?.unwrap_or_default();
            let compiled = on_a_large_stack(|| compile(source, options));
            *place = Box::into_raw(Box::new(compiled.map_err(|error| Wrong::about(error, source))?));
            Ok(())
        })
    }
}

/// Frees a kernel; null is allowed. Nobody may be using it.
///
/// # Safety
/// The handle came from tcc_compile and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcc_kernel_free(kernel: *mut tcc_kernel) {
    if !kernel.is_null() {
        // SAFETY: the caller promises that it is a handle that `tcc_compile` made from a box.
        drop(unsafe { Box::from_raw(kernel) });
    }
}

/// What the compiler warns about, one message after the other; "" if nothing, null for a null kernel.
///
/// # Safety
/// The kernel is null or a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcc_kernel_warnings(kernel: *const tcc_kernel) -> *const c_char {
    // SAFETY: the caller promises that it is null or a handle.
    unsafe { kernel.as_ref() }.map_or(std::ptr::null(), |kernel| kernel.warnings.as_ptr())
}

/// Number of inputs: the operands of the program, in the order in which calls take them. 0 for null.
///
/// # Safety
/// The kernel is null or a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcc_input_count(kernel: *const tcc_kernel) -> usize {
    // SAFETY: the caller promises that it is null or a handle.
    unsafe { kernel.as_ref() }.map_or(0, |kernel| kernel.inputs.len())
}

/// Number of outputs, in the order in which calls write them. 0 for null.
///
/// # Safety
/// The kernel is null or a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcc_output_count(kernel: *const tcc_kernel) -> usize {
    // SAFETY: the caller promises that it is null or a handle.
    unsafe { kernel.as_ref() }.map_or(0, |kernel| kernel.outputs.len())
}

/// Name, type and rank of an input. TCC_ARGUMENT if there is none with this index.
///
/// # Safety
/// Pointers are null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcc_input(
    kernel: *const tcc_kernel,
    index: usize,
    parameter: *mut tcc_parameter,
) -> i32 {
    // SAFETY: the caller promises that the pointers are null or valid.
    match unsafe { (kernel.as_ref(), parameter.as_mut()) } {
        (Some(kernel), Some(parameter)) => describe(&kernel.inputs, index, parameter),
        _ => TCC_ARGUMENT,
    }
}

/// Name, type and rank of an output. TCC_ARGUMENT if there is none with this index.
///
/// # Safety
/// Pointers are null or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcc_output(
    kernel: *const tcc_kernel,
    index: usize,
    parameter: *mut tcc_parameter,
) -> i32 {
    // SAFETY: the caller promises that the pointers are null or valid.
    match unsafe { (kernel.as_ref(), parameter.as_mut()) } {
        (Some(kernel), Some(parameter)) => describe(&kernel.outputs, index, parameter),
        _ => TCC_ARGUMENT,
    }
}

/// Name, type, rank and shape of an output for inputs of these types and shapes, whose data is not
/// read. `shape` receives `capacity` extents at most. Makes the code that tcc_call runs.
///
/// # Safety
/// Pointers are null or valid; arrays are as tcc_array says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcc_output_shape(
    kernel: *const tcc_kernel,
    inputs: *const tcc_array,
    input_count: usize,
    index: usize,
    parameter: *mut tcc_parameter,
    shape: *mut i64,
    capacity: usize,
    error: *mut *mut tcc_error,
) -> i32 {
    // SAFETY: the caller promises that the pointers are null or valid.
    unsafe {
        guarded(error, || {
            let kernel = kernel.as_ref().ok_or_else(|| null("kernel"))?;
            let parameter = parameter.as_mut().ok_or_else(|| null("parameter"))?;
            let inputs = array::slice(inputs, input_count, "inputs")?;
            let checked = |(index, array)| Checked::new(array, Role::Shape, &kernel.inputs, index);
            let arguments: Vec<Argument<'_>> = inputs
                .iter()
                .enumerate()
                .map(|input| checked(input).map(|array| array.argument()))
                .collect::<Result<_, Error>>()?;
            let code = prepared(kernel, &arguments)?;
            let places = code.results();
            let (Some(place), Some(output)) = (places.get(index), kernel.outputs.get(index)) else {
                let count = places.len();
                return Err(Error::Argument(format!("no output {index}; the program has {count}")).into());
            };
            let Place { dtype, shape: extents, .. } = place;
            *parameter = tcc_parameter {
                name: output.name.as_ptr(),
                dtype: dtype_number(*dtype),
                rank: i32::try_from(extents.len()).unwrap_or(i32::MAX),
            };
            if capacity > 0 && shape.is_null() {
                return Err(null("shape").into());
            }
            for (at, &extent) in extents.iter().enumerate().take(capacity) {
                shape.add(at).write(extent as i64);
            }
            Ok(())
        })
    }
}

/// Runs the kernel. Row-major inputs are read and row-major outputs written in place; others are packed
/// once, or computed beside and copied. Outputs may overlap nothing else; their contents are unspecified
/// after an error. The first call with other types or shapes makes code for them.
///
/// # Safety
/// Pointers are null or valid; arrays are as tcc_array says, and nobody else writes inputs or touches
/// outputs meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcc_call(
    kernel: *const tcc_kernel,
    inputs: *const tcc_array,
    input_count: usize,
    outputs: *const tcc_array,
    output_count: usize,
    error: *mut *mut tcc_error,
) -> i32 {
    // SAFETY: the caller promises that the pointers are null or valid.
    unsafe {
        guarded(error, || {
            let kernel = kernel.as_ref().ok_or_else(|| null("kernel"))?;
            let inputs = array::slice(inputs, input_count, "inputs")?;
            let outputs = array::slice(outputs, output_count, "outputs")?;
            array::with_lists(kernel, inputs, outputs, |arguments, results| {
                let called = prepared(kernel, arguments)?.call_into(arguments, results);
                called.map_err(|error| Wrong::about(error, &kernel.source))
            })
        })
    }
}

/// The short stable name of an error, such as "E0203"; null for null. Lives as long as the error.
///
/// # Safety
/// The error is null or came from a function of this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcc_error_code(error: *const tcc_error) -> *const c_char {
    // SAFETY: the caller promises that it is null or an error.
    unsafe { error.as_ref() }.map_or(std::ptr::null(), |error| error.code.as_ptr())
}

/// What is wrong, where, and what helps: UTF-8, several lines; null for null. Lives as long as the error.
///
/// # Safety
/// The error is null or came from a function of this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcc_error_message(error: *const tcc_error) -> *const c_char {
    // SAFETY: the caller promises that it is null or an error.
    unsafe { error.as_ref() }.map_or(std::ptr::null(), |error| error.message.as_ptr())
}

/// Frees an error; null is allowed.
///
/// # Safety
/// The error came from a function of this library and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tcc_error_free(error: *mut tcc_error) {
    if !error.is_null() {
        // SAFETY: the caller promises that it is an error, which `guarded` made from a box.
        drop(unsafe { Box::from_raw(error) });
    }
}

fn compile(source: &str, options: &str) -> Result<tcc_kernel, Error> {
    let options = options::parse(options)?;
    let kernel = options.compile(source)?;
    let known = kernel.program().filter(|_| !options.expression).map(|program| &program.graph);
    let inputs = kernel.operands().iter().map(|name| {
        let input = known.and_then(|graph| graph.inputs.iter().find(|input| *input.name == **name));
        Described::new(name, input.map(|input| (input.ty.dtype, input.ty.axes.len())))
    });
    let outputs: Vec<Described> = match (kernel.program(), known) {
        (Some(program), known) => {
            let graph = &program.graph;
            let ty = |output| known.map(|_| (graph.ty(output).dtype, graph.ty(output).axes.len()));
            graph.outputs.iter().map(|output| Described::new(&output.name, ty(output.value))).collect()
        }
        // An einsum string has one result, which has no other name.
        (None, _) => vec![Described::new("out", None)],
    };
    let found = kernel.program().map_or(&[][..], |program| &program.warnings);
    let warnings = errors::c_string(&errors::diagnostics(found, source));
    Ok(tcc_kernel { inputs: inputs.collect(), outputs, warnings, source: source.into(), kernel })
}

/// The code for these arguments; compiled, if need be, where programs may nest deeply.
fn prepared(kernel: &tcc_kernel, arguments: &[Argument<'_>]) -> Result<Prepared, Wrong> {
    match kernel.kernel.prepared(arguments) {
        Some(code) => Ok(code),
        None => on_a_large_stack(|| kernel.kernel.prepare(arguments))
            .map_err(|error| Wrong::about(error, &kernel.source)),
    }
}

impl Described {
    fn new(name: &str, ty: Option<(Dtype, usize)>) -> Described {
        let rank = |rank: usize| i32::try_from(rank).unwrap_or(i32::MAX);
        let (dtype, rank) = ty.map_or((TCC_UNKNOWN, -1), |(dtype, axes)| (dtype_number(dtype), rank(axes)));
        Described { name: errors::c_string(name), dtype, rank }
    }
}

fn describe(list: &[Described], index: usize, parameter: &mut tcc_parameter) -> i32 {
    let Some(Described { name, dtype, rank }) = list.get(index) else { return TCC_ARGUMENT };
    *parameter = tcc_parameter { name: name.as_ptr(), dtype: *dtype, rank: *rank };
    TCC_OK
}

/// TCC_BOOL and so on are the rows of [`Dtype::TABLE`] in order, counted from 1.
fn dtype_number(dtype: Dtype) -> i32 {
    dtype as i32 + 1
}

fn null(what: &str) -> Error {
    Error::Argument(format!("`{what}` is null"))
}

/// A text of the caller; `None` if it is null.
///
/// # Safety
/// `start` is null or points to bytes that end with a 0.
unsafe fn text<'a>(start: *const c_char, what: &str) -> Result<Option<&'a str>, Error> {
    if start.is_null() {
        return Ok(None);
    }
    // SAFETY: it is not null, and the caller promises that it ends with a 0.
    let text = unsafe { CStr::from_ptr(start) };
    text.to_str().map(Some).map_err(|_| Error::Argument(format!("`{what}` is not UTF-8")))
}

/// The status of an error.
fn status(error: &Error) -> i32 {
    match error {
        Error::Rejected(_) if error.code() == "E0301" => TCC_LIMIT,
        Error::Rejected(_) => TCC_REJECTED,
        Error::Argument(_) => TCC_ARGUMENT,
        Error::Limit { .. } => TCC_LIMIT,
        Error::Unsupported(_) => TCC_UNSUPPORTED,
        _ => TCC_BUG,
    }
}
