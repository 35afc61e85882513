//! How a contraction is described, and what it means.

use crate::element::ElementType;

/// The most axes a contraction has.
pub const MAX_AXES: usize = 16;

/// The summed indices are cut into chunks of this many, each summed by one chain.
pub const CHUNK: usize = 256;

/// The most lanes a sum may be dealt to.
pub const MAX_LANES: usize = 256;

/// One axis: how many indices it has, and how many elements apart consecutive indices lie in each
/// operand. A stride of 0 says that the operand does not depend on the axis.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Axis {
    /// The number of indices; nothing is read or written where it is below 1 and not summed.
    pub extent: i64,
    /// The stride of the first operand.
    pub a: i64,
    /// The stride of the second operand.
    pub b: i64,
    /// The stride of the result; 0 if the axis is summed.
    pub c: i64,
}

/// `C[..] = sum over k of A[..] * B[..]`, or `C[..] += ..`.
///
/// The strides say what an axis is: one of the result is free, one that has no stride in the result
/// is summed. Several summed axes are one, flattened in the order given, the last one fastest.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contraction {
    /// The type of every element.
    pub dtype: ElementType,
    /// Not 0: the sum is added to what `C` holds.
    pub accumulate: u32,
    /// How many chains a sum is dealt to: 0 and 1 mean chunks, else a power of two up to
    /// [`MAX_LANES`]. See the crate's documentation.
    pub lanes: u32,
    /// How many of `axes` count, at most [`MAX_AXES`].
    pub axis_count: u32,
    /// The axes.
    pub axes: [Axis; MAX_AXES],
}

impl Contraction {
    /// A contraction over `axes`; no more than [`MAX_AXES`] of them count.
    pub fn new(dtype: ElementType, axes: &[Axis]) -> Contraction {
        let mut all = [Axis::default(); MAX_AXES];
        let count = axes.len().min(MAX_AXES);
        all[..count].copy_from_slice(&axes[..count]);
        Contraction { dtype, accumulate: 0, lanes: 1, axis_count: count as u32, axes: all }
    }

    /// The axes that count.
    #[inline]
    pub fn axes(&self) -> &[Axis] {
        &self.axes[..(self.axis_count as usize).min(MAX_AXES)]
    }

    /// Whether the description itself is well formed: a known type, and lanes as they should be.
    #[inline]
    pub fn is_valid(&self) -> bool {
        let lanes = self.lanes as usize;
        self.dtype.bytes() != 0
            && self.axis_count as usize <= MAX_AXES
            && (lanes <= 1 || lanes <= MAX_LANES && lanes.is_power_of_two())
    }
}
