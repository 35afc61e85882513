//! Native arrays: what callers hand to kernels and files are read into.

use crate::dtype::Dtype;

/// A dense row-major array of native elements.
///
/// The storage is 8-byte aligned, so that every dtype can be viewed as a slice of its Rust type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    dtype: Dtype,
    shape: Vec<usize>,
    words: Vec<u64>,
}

impl Array {
    /// An array of zeros. `None` if its size in bytes does not fit in the address space.
    pub fn zeros(dtype: Dtype, shape: &[usize]) -> Option<Array> {
        let elements = shape.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent))?;
        let bytes = elements.checked_mul(dtype.size_bytes()).filter(|&b| isize::try_from(b).is_ok())?;
        let mut words = Vec::new();
        words.try_reserve_exact(bytes.div_ceil(8)).ok()?;
        words.resize(bytes.div_ceil(8), 0);
        Some(Array { dtype, shape: shape.to_vec(), words })
    }

    /// An array from the native-endian bytes of its elements in row-major order. `None` if the
    /// number of bytes does not match.
    pub fn from_bytes(dtype: Dtype, shape: &[usize], bytes: &[u8]) -> Option<Array> {
        let mut array = Array::zeros(dtype, shape)?;
        (array.bytes().len() == bytes.len()).then(|| array.bytes_mut().copy_from_slice(bytes))?;
        Some(array)
    }

    /// Element type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Extents, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The elements' bytes.
    pub fn bytes(&self) -> &[u8] {
        let length = self.elements() * self.dtype.size_bytes();
        // SAFETY: `words` owns at least `length` initialised bytes (set in `zeros`), and u8 has no
        // alignment or validity requirement.
        unsafe { std::slice::from_raw_parts(self.words.as_ptr().cast::<u8>(), length) }
    }

    /// The elements' bytes, to be overwritten.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        let length = self.elements() * self.dtype.size_bytes();
        // SAFETY: as in `bytes`; the borrow of `self` is unique.
        unsafe { std::slice::from_raw_parts_mut(self.words.as_mut_ptr().cast::<u8>(), length) }
    }
}
