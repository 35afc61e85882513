//! Arguments and results at the edge of the library: arrays of [`ndarray`], checked at run time.

use crate::error::{Error, Result};
use half::{bf16, f16};
use ndarray::{ArrayBase, Data, DataMut, Dimension, IxDyn};
use num_complex::Complex;
use std::marker::PhantomData;
use tcc_ir::{Array, Dtype};

/// A Rust type whose values are the elements of a dtype.
///
/// # Safety
/// The type has the size and alignment of the dtype's elements, and every value that a kernel writes
/// (bools are 0 or 1) is valid for it.
pub unsafe trait Element: Copy + 'static {
    /// The dtype.
    const DTYPE: Dtype;
    /// Zero, to allocate results.
    const ZERO: Self;
}

macro_rules! elements {
    ($($type:ty => $dtype:ident, $zero:expr;)*) => {
        $(
            // SAFETY: the types have the layout that `Dtype` documents.
            unsafe impl Element for $type {
                const DTYPE: Dtype = Dtype::$dtype;
                const ZERO: Self = $zero;
            }

            impl<'a> From<&'a $type> for Argument<'a> {
                fn from(number: &'a $type) -> Argument<'a> {
                    Argument::new(number, Dtype::$dtype, &[], &[])
                }
            }
        )*
    };
}

elements! {
    bool => Bool, false;
    u8 => U8, 0;
    u32 => U32, 0;
    i32 => I32, 0;
    i64 => I64, 0;
    f16 => F16, f16::ZERO;
    bf16 => BF16, bf16::ZERO;
    f32 => F32, 0.0;
    f64 => F64, 0.0;
    Complex<f32> => C64, Complex { re: 0.0, im: 0.0 };
    Complex<f64> => C128, Complex { re: 0.0, im: 0.0 };
}

/// One input: a borrowed array of any layout.
#[derive(Clone, Copy, Debug)]
pub struct Argument<'a> {
    pointer: *const u8,
    dtype: Dtype,
    shape: &'a [usize],
    strides: &'a [isize],
}

// SAFETY: an argument is a shared borrow of plain numbers.
unsafe impl Send for Argument<'_> {}
// SAFETY: as above.
unsafe impl Sync for Argument<'_> {}

impl<'a> Argument<'a> {
    fn new<T>(pointer: *const T, dtype: Dtype, shape: &'a [usize], strides: &'a [isize]) -> Argument<'a> {
        Argument { pointer: pointer.cast(), dtype, shape, strides }
    }

    /// An array that belongs to somebody else: `data` is its first element, `strides` count elements
    /// and `None` stands for row-major order.
    ///
    /// # Safety
    /// For as long as the argument is used every element inside the shape may be read, at
    /// `data + sum index * stride`, and nobody writes it. There is one stride per extent, and all bytes
    /// from the lowest to the highest element are at most `isize::MAX`. Row-major elements are read in
    /// place only where `data` is aligned; a call fails where it is not.
    pub unsafe fn from_raw_parts(
        data: *const u8,
        dtype: Dtype,
        shape: &'a [usize],
        strides: Option<&'a [isize]>,
    ) -> Argument<'a> {
        Argument { pointer: data, dtype, shape, strides: strides.unwrap_or(&[]) }
    }

    /// Element type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Extents, outermost first.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// Bytes of all elements.
    pub(crate) fn length(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.size_bytes()
    }

    /// The start of the elements, if they lie in row-major order without gaps.
    pub(crate) fn row_major(&self) -> Option<*const u8> {
        is_row_major(self.shape, self.strides).then_some(self.pointer)
    }

    /// The elements in row-major order.
    pub(crate) fn copy(&self) -> Option<Array> {
        let mut array = Array::zeros(self.dtype, self.shape)?;
        let length = array.bytes().len();
        let packed = array.bytes_mut().as_mut_ptr();
        if let Some(start) = self.row_major() {
            // SAFETY: the argument was made from a row-major array of this dtype and shape; the copy is ours.
            unsafe { std::ptr::copy_nonoverlapping(start, packed, length) };
            return Some(array);
        }
        // SAFETY: the argument was made from an array with this pointer, shape and strides, so every
        // element inside the shape may be read; `packed` has room for all of them and is ours.
        unsafe { walk(self.shape, self.strides, self.dtype, packed, self.pointer.cast_mut(), Way::Gather) };
        Some(array)
    }
}

/// Which way elements are copied between packed and strided memory.
#[derive(Clone, Copy)]
enum Way {
    Gather,
    Scatter,
}

/// Copies all elements between row-major memory (`packed`) and memory with `strides`, in elements.
///
/// # Safety
/// Every element inside the shape may be read on one side and written on the other, and the two sides
/// do not overlap.
unsafe fn walk(
    shape: &[usize],
    strides: &[isize],
    dtype: Dtype,
    packed: *mut u8,
    strided: *mut u8,
    way: Way,
) {
    let size = dtype.size_bytes();
    let (inner, outer) = match (shape.split_last(), strides.split_last()) {
        (Some((&extent, shape)), Some((&stride, strides))) => ((extent, stride), (shape, strides)),
        _ => ((1, 1), (&[][..], &[][..])),
    };
    if inner.0 == 0 || outer.0.contains(&0) {
        return;
    }
    let mut index = vec![0usize; outer.0.len()];
    let mut packed = packed;
    loop {
        let offset: isize = index.iter().zip(outer.1).map(|(&i, &stride)| i as isize * stride).sum();
        // SAFETY: the offset is that of an element inside the shape, and so are those of its row, for
        // which the caller vouches; `packed` advances one row at a time.
        packed = unsafe {
            let row = strided.offset(offset * size as isize);
            match size {
                1 => copy_row::<1>(inner, packed, row, way),
                2 => copy_row::<2>(inner, packed, row, way),
                4 => copy_row::<4>(inner, packed, row, way),
                8 => copy_row::<8>(inner, packed, row, way),
                _ => copy_row::<16>(inner, packed, row, way),
            }
            packed.add(inner.0 * size)
        };
        let Some(axis) = (0..index.len()).rev().find(|&axis| index[axis] + 1 < outer.0[axis]) else { return };
        index[axis] += 1;
        index[axis + 1..].fill(0);
    }
}

/// One row of [`walk`]: `extent` elements of `SIZE` bytes that lie `stride` elements apart.
///
/// # Safety
/// As for [`walk`].
unsafe fn copy_row<const SIZE: usize>(
    (extent, stride): (usize, isize),
    packed: *mut u8,
    row: *mut u8,
    way: Way,
) {
    for i in 0..extent {
        // SAFETY: the caller vouches for every element of the row; arrays of bytes have no alignment.
        unsafe {
            let packed = packed.cast::<[u8; SIZE]>().add(i);
            let element = row.cast::<[u8; SIZE]>().offset(i as isize * stride);
            match way {
                Way::Gather => packed.write(element.read()),
                Way::Scatter => element.write(packed.read()),
            }
        }
    }
}

fn is_row_major(shape: &[usize], strides: &[isize]) -> bool {
    if shape.contains(&0) {
        return true;
    }
    let mut expected = 1isize;
    for (&extent, &stride) in shape.iter().zip(strides).rev() {
        if extent != 1 && stride != expected {
            return false;
        }
        expected *= extent as isize;
    }
    true
}

impl<'a, T: Element, S: Data<Elem = T>, D: Dimension> From<&'a ArrayBase<S, D>> for Argument<'a> {
    fn from(array: &'a ArrayBase<S, D>) -> Argument<'a> {
        Argument::new(array.as_ptr(), T::DTYPE, array.shape(), array.strides())
    }
}

impl<'a> From<&'a Array> for Argument<'a> {
    fn from(array: &'a Array) -> Argument<'a> {
        const ROW_MAJOR: [isize; 0] = [];
        // Row-major by definition: no strides are needed to know it.
        Argument::new(array.bytes().as_ptr(), array.dtype(), array.shape(), &ROW_MAJOR)
    }
}

/// One output: a mutably borrowed array of any layout.
#[derive(Debug)]
pub struct ArgumentMut<'a> {
    pub(crate) pointer: *mut u8,
    pub(crate) dtype: Dtype,
    pub(crate) shape: &'a [usize],
    strides: &'a [isize],
    borrow: PhantomData<&'a mut u8>,
}

impl<'a> ArgumentMut<'a> {
    /// An array that belongs to somebody else: `data` is its first element, `strides` count elements
    /// and `None` stands for row-major order.
    ///
    /// # Safety
    /// As for [`Argument::from_raw_parts`], and every element may be written; no two elements share
    /// bytes, and nobody else reads or writes them while the argument is used.
    pub unsafe fn from_raw_parts(
        data: *mut u8,
        dtype: Dtype,
        shape: &'a [usize],
        strides: Option<&'a [isize]>,
    ) -> ArgumentMut<'a> {
        let strides = strides.unwrap_or(&[]);
        ArgumentMut { pointer: data, dtype, shape, strides, borrow: PhantomData }
    }

    pub(crate) fn length(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.size_bytes()
    }

    pub(crate) fn row_major(&self) -> bool {
        is_row_major(self.shape, self.strides)
    }

    /// Writes the elements of `array`, which has this dtype and shape.
    pub(crate) fn write(&self, array: &Array) {
        debug_assert!(array.dtype() == self.dtype && array.shape() == self.shape);
        let packed = array.bytes().as_ptr().cast_mut();
        // SAFETY: this is the unique borrow of an array with this pointer, shape and strides, so that
        // every element inside the shape may be written; `packed` is an array of our own of that shape.
        unsafe { walk(self.shape, self.strides, self.dtype, packed, self.pointer, Way::Scatter) };
    }
}

impl<'a, T: Element, S: DataMut<Elem = T>, D: Dimension> From<&'a mut ArrayBase<S, D>> for ArgumentMut<'a> {
    fn from(array: &'a mut ArrayBase<S, D>) -> ArgumentMut<'a> {
        let pointer = array.as_mut_ptr().cast();
        let array: &'a ArrayBase<S, D> = array;
        let (shape, strides) = (array.shape(), array.strides());
        ArgumentMut { pointer, dtype: T::DTYPE, shape, strides, borrow: PhantomData }
    }
}

/// The inputs of a call, in order: tuples, arrays and slices of things that are an [`Argument`].
pub trait Arguments<'a> {
    /// A list that needs no allocation.
    type List: AsRef<[Argument<'a>]>;
    /// The arguments in order.
    fn list(self) -> Self::List;
}

/// The outputs of a call, in order: one array or a tuple.
pub trait ArgumentsMut<'a> {
    /// A list that needs no allocation.
    type List: AsRef<[ArgumentMut<'a>]>;
    /// The arguments in order.
    fn list(self) -> Self::List;
}

impl<'a, const N: usize> Arguments<'a> for [Argument<'a>; N] {
    type List = [Argument<'a>; N];
    fn list(self) -> Self::List {
        self
    }
}

impl<'a, 'b> Arguments<'a> for &'b [Argument<'a>] {
    type List = &'b [Argument<'a>];
    fn list(self) -> Self::List {
        self
    }
}

impl<'a, A: Into<ArgumentMut<'a>>> ArgumentsMut<'a> for A {
    type List = [ArgumentMut<'a>; 1];
    fn list(self) -> Self::List {
        [self.into()]
    }
}

/// What a call returns: one owned array, or a tuple of them, in the order of the outputs.
pub trait Results: Sized {
    /// How many outputs there are.
    const COUNT: usize;
    /// Takes the outputs, whose number is [`Results::COUNT`].
    fn take(outputs: &mut dyn Iterator<Item = Output>) -> Result<Self>;
}

/// An output by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The name in the program.
    pub name: String,
    /// The elements.
    pub array: Array,
}

impl Output {
    /// The elements as an `ndarray`; an error if the dtype or the number of axes is another.
    pub fn to_ndarray<T: Element, D: Dimension>(&self) -> Result<ndarray::Array<T, D>> {
        let array = &self.array;
        if array.dtype() != T::DTYPE {
            let (name, dtype) = (&self.name, array.dtype());
            return Err(Error::Argument(format!("`{name}` has dtype {dtype}, not {}", T::DTYPE)));
        }
        let mut values = vec![T::ZERO; array.elements()];
        // SAFETY: `values` has exactly as many bytes as the array (same dtype, same count), and any
        // bytes that a kernel wrote are values of `T`.
        unsafe {
            let bytes = array.bytes();
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), values.as_mut_ptr().cast::<u8>(), bytes.len());
        }
        let rank = array.shape().len();
        ndarray::Array::from_shape_vec(IxDyn(array.shape()), values)
            .and_then(ndarray::Array::into_dimensionality)
            .map_err(|_| Error::Argument(format!("`{}` has {rank} axes", self.name)))
    }
}

impl<T: Element, D: Dimension> Results for ndarray::Array<T, D> {
    const COUNT: usize = 1;
    fn take(outputs: &mut dyn Iterator<Item = Output>) -> Result<Self> {
        let missing = || Error::Bug("an output is missing".into());
        outputs.next().ok_or_else(missing)?.to_ndarray()
    }
}

macro_rules! tuples {
    ($($($type:ident $field:tt)+;)*) => {
        $(
            impl<'a, $($type: Into<Argument<'a>>),+> Arguments<'a> for ($($type,)+) {
                type List = [Argument<'a>; [$($field),+].len()];
                fn list(self) -> Self::List {
                    [$(self.$field.into()),+]
                }
            }

            impl<'a, $($type: Into<ArgumentMut<'a>>),+> ArgumentsMut<'a> for ($($type,)+) {
                type List = [ArgumentMut<'a>; [$($field),+].len()];
                fn list(self) -> Self::List {
                    [$(self.$field.into()),+]
                }
            }

            impl<$($type: Results),+> Results for ($($type,)+) {
                const COUNT: usize = 0 $(+ $type::COUNT)+;
                fn take(outputs: &mut dyn Iterator<Item = Output>) -> Result<Self> {
                    Ok(($($type::take(outputs)?,)+))
                }
            }
        )*
    };
}

tuples! {
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 E 3;
    A 0 B 1 C 2 E 3 F 4;
    A 0 B 1 C 2 E 3 F 4 G 5;
    A 0 B 1 C 2 E 3 F 4 G 5 H 6;
    A 0 B 1 C 2 E 3 F 4 G 5 H 6 I 7;
    A 0 B 1 C 2 E 3 F 4 G 5 H 6 I 7 J 8;
    A 0 B 1 C 2 E 3 F 4 G 5 H 6 I 7 J 8 K 9;
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn a_bytes(a: &ndarray::Array2<i64>) -> &[u8] {
        let values = a.as_slice().unwrap();
        // SAFETY: integers have no padding, and bytes no alignment.
        unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
    }

    #[test]
    fn layouts_are_recognised_and_copied() {
        let a = array![[1i64, 2, 3], [4, 5, 6]];
        assert!(Argument::from(&a).row_major().is_some());
        let transposed = a.t();
        let argument = Argument::from(&transposed);
        assert!(argument.row_major().is_none());
        let copy = argument.copy().unwrap();
        assert_eq!(copy.shape(), [3, 2]);
        assert_eq!(copy.bytes(), [1i64, 4, 2, 5, 3, 6].map(i64::to_ne_bytes).as_flattened());
        let reversed = a.slice(ndarray::s![..;-1, ..]);
        let copy = Argument::from(&reversed).copy().unwrap();
        assert_eq!(copy.bytes(), [4i64, 5, 6, 1, 2, 3].map(i64::to_ne_bytes).as_flattened());
        let mut target = ndarray::Array2::<i64>::zeros((3, 4));
        let mut view = target.slice_mut(ndarray::s![..;-1, ..;2]);
        let mut view = view.view_mut().reversed_axes();
        assert!(!ArgumentMut::from(&mut view).row_major());
        ArgumentMut::from(&mut view).write(&Array::from_bytes(Dtype::I64, &[2, 3], a_bytes(&a)).unwrap());
        assert_eq!(target, array![[3, 0, 6, 0], [2, 0, 5, 0], [1, 0, 4, 0]]);
    }

    #[test]
    fn results_have_their_own_type() {
        let output = Output { name: "x".into(), array: Array::zeros(Dtype::F32, &[2, 3]).unwrap() };
        assert_eq!(output.to_ndarray::<f32, ndarray::Ix2>().unwrap().shape(), [2, 3]);
        assert!(output.to_ndarray::<f64, ndarray::Ix2>().is_err());
        assert!(output.to_ndarray::<f32, ndarray::Ix1>().is_err());
    }
}
