//! Arrays of callers, checked before anything is read through them.

use crate::errors::Wrong;
use crate::{Described, TCC_MAX_RANK, tcc_array, tcc_kernel};
use compiler::{Argument, ArgumentMut, Dtype, Error};

// Extents and strides of callers are used in place.
const _: () = assert!(size_of::<i64>() == size_of::<usize>(), "libtcc needs 64-bit addresses");

/// What an array is given for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// An input that is read.
    Input,
    /// An output that is written.
    Output,
    /// Only its type and shape matter.
    Shape,
}

/// An array whose fields make sense.
#[derive(Clone, Copy)]
pub struct Checked<'a> {
    data: *mut u8,
    dtype: Dtype,
    shape: &'a [usize],
    strides: Option<&'a [isize]>,
    /// Bytes before and after `data` that elements take.
    reach: (usize, usize),
}

/// The arrays of a caller.
///
/// # Safety
/// `start` is null or points to `count` arrays.
pub unsafe fn slice<'a>(start: *const tcc_array, count: usize, what: &str) -> Result<&'a [tcc_array], Error> {
    match (count, start.is_null()) {
        (0, _) => Ok(&[]),
        (_, true) => Err(Error::Argument(format!("`{what}` is null, but their number is {count}"))),
        // SAFETY: it is not null, and the caller promises that there are as many.
        (_, false) => Ok(unsafe { std::slice::from_raw_parts(start, count) }),
    }
}

/// As many inputs, and as many outputs, take no allocation.
const INLINE: usize = 8;

/// Runs `work` on the arguments and results that the arrays stand for.
///
/// # Safety
/// The arrays are as [`tcc_array`] says; inputs are not written and outputs not touched by others.
pub unsafe fn with_lists(
    kernel: &tcc_kernel,
    inputs: &[tcc_array],
    outputs: &[tcc_array],
    work: impl FnOnce(&[Argument<'_>], &[ArgumentMut<'_>]) -> Result<(), Wrong>,
) -> Result<(), Wrong> {
    if inputs.len() <= INLINE && outputs.len() <= INLINE {
        let (mut read, mut written) = ([Checked::NONE; INLINE], [Checked::NONE; INLINE]);
        // SAFETY: the caller promises that shapes and strides are as long as ranks say.
        unsafe { check_all(kernel, inputs, outputs, &mut read[..], &mut written[..])? };
        // SAFETY: data, shape and strides were checked to describe memory of a sensible size, which the
        // caller promises may be read or written; the elements and the memory of outputs are apart.
        let arguments = read.map(|input| unsafe { input.argument() });
        // SAFETY: as above.
        let results = written.map(|output| unsafe { output.result() });
        return work(&arguments[..inputs.len()], &results[..outputs.len()]);
    }
    let (mut read, mut written) = (vec![Checked::NONE; inputs.len()], vec![Checked::NONE; outputs.len()]);
    // SAFETY: the caller promises that shapes and strides are as long as ranks say.
    unsafe { check_all(kernel, inputs, outputs, &mut read, &mut written)? };
    // SAFETY: as above.
    let arguments: Vec<Argument<'_>> = read.iter().map(|input| unsafe { input.argument() }).collect();
    // SAFETY: as above.
    let results: Vec<ArgumentMut<'_>> = written.iter().map(|output| unsafe { output.result() }).collect();
    work(&arguments, &results)
}

/// Checks every array.
///
/// # Safety
/// As for [`Checked::new`].
unsafe fn check_all<'a>(
    kernel: &tcc_kernel,
    inputs: &'a [tcc_array],
    outputs: &'a [tcc_array],
    read: &mut [Checked<'a>],
    written: &mut [Checked<'a>],
) -> Result<(), Error> {
    for (index, (place, array)) in read.iter_mut().zip(inputs).enumerate() {
        // SAFETY: the caller promises it.
        *place = unsafe { Checked::new(array, Role::Input, &kernel.inputs, index)? };
    }
    for (index, array) in outputs.iter().enumerate() {
        // SAFETY: the caller promises it.
        let output = unsafe { Checked::new(array, Role::Output, &kernel.outputs, index)? };
        output.elements_are_apart(&kernel.outputs, index)?;
        if let Some(other) = written[..index].iter().position(|other| output.overlaps(other)) {
            let (this, other) = (name(&kernel.outputs, index), name(&kernel.outputs, other));
            return Err(Error::Argument(format!("outputs {other} and {this} overlap")));
        }
        written[index] = output;
    }
    Ok(())
}

/// How messages call an input or output.
fn name(list: &[Described], index: usize) -> String {
    match list.get(index) {
        Some(parameter) => format!("`{}`", parameter.name.to_string_lossy()),
        None => format!("number {index}"),
    }
}

impl<'a> Checked<'a> {
    /// An array without elements.
    const NONE: Checked<'static> =
        Checked { data: NOWHERE, dtype: Dtype::F32, shape: &[0], strides: None, reach: (0, 0) };

    /// Checks an array; `list` and `index` say how messages call it.
    ///
    /// # Safety
    /// `shape` and `strides` are null or point to as many numbers as the rank says.
    pub unsafe fn new(
        array: &'a tcc_array,
        role: Role,
        list: &[Described],
        index: usize,
    ) -> Result<Checked<'a>, Error> {
        let wrong = |what: String| Error::Argument(format!("{}: {what}", name(list, index)));
        let row = usize::try_from(array.dtype).ok().and_then(|dtype| Dtype::TABLE.get(dtype.wrapping_sub(1)));
        let Some(&(dtype, _, size)) = row else {
            return Err(wrong(format!("{} is no dtype", array.dtype)));
        };
        let Some(rank) = usize::try_from(array.rank).ok().filter(|_| array.rank <= TCC_MAX_RANK) else {
            return Err(wrong(format!("rank {} is not 0 to {TCC_MAX_RANK}", array.rank)));
        };
        if rank > 0 && (array.shape.is_null() || !array.shape.is_aligned()) {
            return Err(wrong("`shape` is null or not aligned".into()));
        }
        if !array.strides.is_aligned() {
            return Err(wrong("`strides` is not aligned".into()));
        }
        // SAFETY: neither is null, and the caller promises that there are `rank` numbers.
        let extents: &[i64] = if rank == 0 { &[] } else { unsafe { numbers(array.shape, rank) } };
        let strides: Option<&[isize]> = match (rank, array.strides.is_null()) {
            (0, _) | (_, true) => None,
            // SAFETY: as above; `isize` has the layout of `i64`, as asserted at compile time.
            _ => Some(unsafe { numbers(array.strides.cast::<isize>(), rank) }),
        };
        if let Some(extent) = extents.iter().find(|extent| **extent < 0) {
            return Err(wrong(format!("extent {extent} is negative")));
        }
        // SAFETY: as above; numbers that are not negative are the same as `usize`.
        let shape: &[usize] = if rank == 0 { &[] } else { unsafe { numbers(array.shape.cast(), rank) } };
        let too_large = || wrong("the array does not fit in the address space".into());
        let reach = reach(shape, strides, size).ok_or_else(too_large)?;
        let empty = shape.contains(&0);
        let data = array.data.cast::<u8>();
        if role != Role::Shape && !empty {
            if data.is_null() {
                return Err(wrong("`data` is null".into()));
            }
            if !(data as usize).is_multiple_of(alignment(dtype)) {
                return Err(wrong(format!("`data` is not aligned to {} bytes", alignment(dtype))));
            }
            if (data as usize) < reach.0 || (data as usize).checked_add(reach.1).is_none() {
                return Err(too_large());
            }
        }
        // Nothing is read or written through this, but a reference may not be null.
        let data = if role == Role::Shape || empty { NOWHERE } else { data };
        Ok(Checked { data, dtype, shape, strides, reach: if empty { (0, 0) } else { reach } })
    }

    /// As an input.
    ///
    /// # Safety
    /// The elements may be read while it is used.
    pub unsafe fn argument(self) -> Argument<'a> {
        // SAFETY: the caller promises it; the number of strides was checked.
        unsafe { Argument::from_raw_parts(self.data, self.dtype, self.shape, self.strides) }
    }

    /// As an output.
    ///
    /// # Safety
    /// The elements may be written while it is used, and share no memory.
    unsafe fn result(self) -> ArgumentMut<'a> {
        // SAFETY: the caller promises it; the number of strides was checked.
        unsafe { ArgumentMut::from_raw_parts(self.data, self.dtype, self.shape, self.strides) }
    }

    /// The addresses from the first to behind the last byte of elements.
    fn span(&self) -> (usize, usize) {
        (self.data as usize - self.reach.0, self.data as usize + self.reach.1)
    }

    /// Whether memory is shared, or may be: arrays that interleave count too.
    fn overlaps(&self, other: &Checked<'_>) -> bool {
        let (a, b) = (self.span(), other.span());
        a.0 < b.1 && b.0 < a.1
    }

    /// Refuses an output with elements that share memory.
    fn elements_are_apart(&self, list: &[Described], index: usize) -> Result<(), Error> {
        let Some(strides) = self.strides else { return Ok(()) };
        let mut axes: Vec<(usize, usize)> = strides
            .iter()
            .zip(self.shape)
            .filter(|(_, extent)| **extent > 1)
            .map(|(stride, extent)| (stride.unsigned_abs(), *extent))
            .collect();
        axes.sort_unstable();
        // Each axis must step over everything that those with smaller strides reach.
        let mut reached = 0usize;
        for (stride, extent) in axes {
            if stride <= reached {
                let name = name(list, index);
                return Err(Error::Argument(format!("{name}: elements of an output share memory")));
            }
            reached = reached.saturating_add(stride.saturating_mul(extent - 1));
        }
        Ok(())
    }
}

/// Where arrays without elements lie: no address of anything, but aligned for every dtype.
const NOWHERE: *mut u8 = std::ptr::without_provenance_mut(16);

/// # Safety
/// `start` points to `count` numbers that live as long as the result.
unsafe fn numbers<'a, T>(start: *const T, count: usize) -> &'a [T] {
    // SAFETY: the caller promises it.
    unsafe { std::slice::from_raw_parts(start, count) }
}

/// Alignment of an element in bytes: that of its real part.
fn alignment(dtype: Dtype) -> usize {
    match dtype {
        Dtype::C64 | Dtype::C128 => dtype.size_bytes() / 2,
        _ => dtype.size_bytes(),
    }
}

/// Bytes before and after the first element that elements take; `None` if they are too many.
fn reach(shape: &[usize], strides: Option<&[isize]>, size: usize) -> Option<(usize, usize)> {
    let elements = shape.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent))?;
    let bytes = elements.checked_mul(size).filter(|&bytes| isize::try_from(bytes).is_ok())?;
    let Some(strides) = strides else { return Some((0, bytes)) };
    let (mut before, mut after) = (0usize, 0usize);
    for (&extent, &stride) in shape.iter().zip(strides) {
        let steps = extent.saturating_sub(1).checked_mul(stride.unsigned_abs())?;
        let side = if stride < 0 { &mut before } else { &mut after };
        *side = side.checked_add(steps)?;
    }
    let (before, after) = (before.checked_mul(size)?, after.checked_add(1)?.checked_mul(size)?);
    let all = before.checked_add(after)?;
    isize::try_from(all).ok().map(|_| (before, after))
}
