//! What a kernel needs of a machine's vectors.
//!
//! Kernels are written once, over [`Vector`]; an instruction set is a type per element type that
//! implements it. Methods are always inlined into a function that has the instructions enabled
//! ([`Machine::enter`]), so that a vector never leaves its registers.

// Every method's contract is the one of the trait.
#![allow(unsafe_op_in_unsafe_fn, clippy::missing_safety_doc)]

use crate::element::{Complex, Element};
use crate::pack::Transpose;

#[cfg(target_arch = "x86_64")]
pub mod avx2;
#[cfg(target_arch = "x86_64")]
pub mod avx512;
pub mod portable;
mod transpose;

/// A vector of elements in registers.
///
/// # Safety
/// Methods may only run inside [`Machine::enter`] of the machine that the type belongs to, and
/// pointers must be valid for the elements they name; no alignment is asked for.
pub trait Vector: Copy {
    /// The element in memory.
    type Element: Element;
    /// One element in every lane.
    type Splat: Copy;
    /// Elements per vector.
    const LEN: usize;
    /// Elements per half vector; 0: there is none.
    const HALF: usize;
    /// Moves `HALF` elements, or adds them.
    unsafe fn put_half(from: *const Self::Element, to: *mut Self::Element, add: bool);
    /// Whether loading part of a vector costs what loading all of it costs.
    const PARTS_ARE_FREE: bool;
    /// Zero in every lane.
    unsafe fn zero() -> Self;
    /// `LEN` elements at `from`.
    unsafe fn load(from: *const Self::Element) -> Self;
    /// The first `count <= LEN` elements at `from`, zero in the other lanes.
    unsafe fn load_part(from: *const Self::Element, count: usize) -> Self;
    /// Writes `LEN` elements.
    unsafe fn store(self, to: *mut Self::Element);
    /// Writes the first `count <= LEN` elements.
    unsafe fn store_part(self, to: *mut Self::Element, count: usize);
    /// Writes `LEN` elements past the caches where the machine can; `to` is aligned to 64 bytes.
    #[inline(always)]
    unsafe fn store_past(self, to: *mut Self::Element) {
        self.store(to);
    }
    /// Moves 64 bytes past the caches where the machine can; `to` is aligned to them.
    #[inline(always)]
    unsafe fn stream_line(from: *const u8, to: *mut u8) {
        stream_line(from, to);
    }
    /// The element at `from` in every lane.
    unsafe fn splat(from: *const Self::Element) -> Self::Splat;
    /// `self + x * y`, as [`Element::multiply_add`].
    unsafe fn multiply_add(self, x: Self, y: Self::Splat) -> Self;
    /// `self + x * y`, lane by lane.
    unsafe fn multiply_add_lanes(self, x: Self, y: Self) -> Self;
    /// `self + other`.
    unsafe fn plus(self, other: Self) -> Self;
    /// Whether there is [`Vector::times_quad`].
    const QUADS: bool = false;
    /// Rows of four elements, times the matrix of four by four whose rows begin at `rows`: chains from +0.
    #[inline(always)]
    unsafe fn times_quad(self, _rows: [*const Self::Element; 4]) -> Self {
        self
    }
}

/// Work that runs with a machine's instructions enabled.
pub trait Task {
    /// Does it.
    ///
    /// # Safety
    /// As the task's own fields say; only from [`Machine::enter`].
    unsafe fn run(&self);
}

/// An instruction set.
pub trait Machine {
    /// Runs `task` with the instructions enabled.
    ///
    /// # Safety
    /// The processor has the instructions, and the task may run.
    unsafe fn enter<T: Task>(task: &T);
    /// binary32
    type F32: Transpose<Element = f32>;
    /// binary64
    type F64: Transpose<Element = f64>;
    /// complex binary32
    type C64: Vector<Element = Complex<f32>>;
    /// complex binary64
    type C128: Vector<Element = Complex<f64>>;
    /// complex binary32, the factors in the other order
    type C64Swapped: Vector<Element = Complex<f32>>;
    /// complex binary64, the factors in the other order
    type C128Swapped: Vector<Element = Complex<f64>>;
    /// 32-bit integers
    type I32: Vector<Element = u32>;
    /// 64-bit integers
    type I64: Vector<Element = u64>;
    /// bytes
    type U8: Transpose<Element = u8>;
}

/// What complex vectors need besides: how parts are told apart in memory.
///
/// # Safety
/// As [`Vector`].
pub trait Real: Vector<Splat = Self> {
    /// `self - x * y`, rounded once.
    unsafe fn negative_multiply_add(self, x: Self, y: Self) -> Self;
    /// The real parts and the imaginary parts of `LEN` complex numbers.
    unsafe fn load_pairs(from: *const Self::Element) -> (Self, Self);
    /// The same of the first `count`, zero in the other lanes.
    unsafe fn load_pairs_part(from: *const Self::Element, count: usize) -> (Self, Self);
    /// Writes `LEN` complex numbers.
    unsafe fn store_pairs(re: Self, im: Self, to: *mut Self::Element);
    /// Writes the first `count`.
    unsafe fn store_pairs_part(re: Self, im: Self, to: *mut Self::Element, count: usize);
}

/// Complex numbers, real and imaginary parts in a register each. With `SWAPPED`, `x` is the second
/// factor of the product: the order of the multiply-adds of the imaginary part tells them apart.
#[derive(Clone, Copy)]
pub struct Pair<V, const SWAPPED: bool> {
    re: V,
    im: V,
}

impl<T, V, const SWAPPED: bool> Vector for Pair<V, SWAPPED>
where
    T: Element,
    Complex<T>: Element,
    V: Real<Element = T>,
{
    type Element = Complex<T>;
    type Splat = (V, V);
    const LEN: usize = V::LEN;
    const PARTS_ARE_FREE: bool = V::PARTS_ARE_FREE;
    #[inline(always)]
    unsafe fn stream_line(from: *const u8, to: *mut u8) {
        V::stream_line(from, to);
    }
    const HALF: usize = V::HALF / 2;
    #[inline(always)]
    unsafe fn put_half(from: *const Complex<T>, to: *mut Complex<T>, add: bool) {
        V::put_half(from.cast(), to.cast(), add);
    }
    #[inline(always)]
    unsafe fn zero() -> Self {
        Pair { re: V::zero(), im: V::zero() }
    }
    #[inline(always)]
    unsafe fn load(from: *const Complex<T>) -> Self {
        let (re, im) = V::load_pairs(from.cast());
        Pair { re, im }
    }
    #[inline(always)]
    unsafe fn load_part(from: *const Complex<T>, count: usize) -> Self {
        let (re, im) = V::load_pairs_part(from.cast(), count);
        Pair { re, im }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut Complex<T>) {
        V::store_pairs(self.re, self.im, to.cast());
    }
    #[inline(always)]
    unsafe fn store_part(self, to: *mut Complex<T>, count: usize) {
        V::store_pairs_part(self.re, self.im, to.cast(), count);
    }
    #[inline(always)]
    unsafe fn splat(from: *const Complex<T>) -> (V, V) {
        (V::splat(from.cast()), V::splat(from.cast::<T>().add(1)))
    }
    #[inline(always)]
    unsafe fn multiply_add(self, x: Self, y: (V, V)) -> Self {
        self.multiply_add_lanes(x, Pair { re: y.0, im: y.1 })
    }
    #[inline(always)]
    unsafe fn multiply_add_lanes(self, x: Self, y: Self) -> Self {
        let re = self.re.multiply_add(x.re, y.re).negative_multiply_add(x.im, y.im);
        let im = if SWAPPED {
            self.im.multiply_add(x.im, y.re).multiply_add(x.re, y.im)
        } else {
            self.im.multiply_add(x.re, y.im).multiply_add(x.im, y.re)
        };
        Pair { re, im }
    }
    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        Pair { re: self.re.plus(other.re), im: self.im.plus(other.im) }
    }
}

/// Asks for the cache line at `from`, which may be anywhere, to be there soon.
#[inline(always)]
pub fn prefetch(from: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a prefetch of any address does no harm.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(from.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

/// Writes `bytes` past the caches, whole cache lines of the target at a time, the rest as ever.
///
/// # Safety
/// Both are valid for `bytes` and do not overlap. An `sfence` must follow before anybody else reads.
#[inline(always)]
pub unsafe fn stream<V: Vector>(from: *const u8, to: *mut u8, bytes: usize) {
    let head = to.align_offset(64).min(bytes);
    let lines = (bytes - head) / 64;
    copy_short(from, to, head);
    for line in 0..lines {
        V::stream_line(from.add(head + 64 * line), to.add(head + 64 * line));
    }
    let done = head + 64 * lines;
    copy_short(from.add(done), to.add(done), bytes - done);
}

/// Copies less than a cache line.
#[inline(always)]
unsafe fn copy_short(from: *const u8, to: *mut u8, bytes: usize) {
    let mut done = 0;
    while done + 16 <= bytes {
        to.add(done).cast::<[u8; 16]>().write_unaligned(from.add(done).cast::<[u8; 16]>().read_unaligned());
        done += 16;
    }
    while done + 4 <= bytes {
        to.add(done).cast::<[u8; 4]>().write_unaligned(from.add(done).cast::<[u8; 4]>().read_unaligned());
        done += 4;
    }
    while done < bytes {
        to.add(done).write(from.add(done).read());
        done += 1;
    }
}

/// Writes one line, aligned, past the caches, in the pieces that every machine has.
#[inline(always)]
unsafe fn stream_line(from: *const u8, to: *mut u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{__m128i, _mm_loadu_si128, _mm_stream_si128};
        let (from, to) = (from.cast::<__m128i>(), to.cast::<__m128i>());
        let line = [0, 1, 2, 3].map(|piece| _mm_loadu_si128(from.add(piece)));
        for (piece, value) in line.into_iter().enumerate() {
            _mm_stream_si128(to.add(piece), value);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    to.cast::<[u8; 64]>().write_unaligned(from.cast::<[u8; 64]>().read_unaligned());
}

/// Makes what was streamed visible in order.
#[inline(always)]
pub fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of the architecture.
    unsafe {
        core::arch::x86_64::_mm_sfence();
    }
}
