//! Element types, and one element's arithmetic as the meaning of every kernel states it.

use crate::fma::{fma_f32, fma_f64};

/// The type of the elements of all three operands, as the number that C code passes.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ElementType(pub u32);

impl ElementType {
    /// IEEE binary32.
    pub const F32: ElementType = ElementType(0);
    /// IEEE binary64.
    pub const F64: ElementType = ElementType(1);
    /// Complex of two binary32: real part, then imaginary part.
    pub const C64: ElementType = ElementType(2);
    /// Complex of two binary64: real part, then imaginary part.
    pub const C128: ElementType = ElementType(3);
    /// 32-bit integers that wrap, of either sign.
    pub const I32: ElementType = ElementType(4);
    /// 64-bit integers that wrap, of either sign.
    pub const I64: ElementType = ElementType(5);
    /// The same as [`ElementType::I32`]: wrapping arithmetic does not see the sign.
    pub const U32: ElementType = ElementType(6);
    /// Bytes that wrap.
    pub const U8: ElementType = ElementType(7);
    /// Every element type.
    pub const ALL: [ElementType; 8] =
        [Self::F32, Self::F64, Self::C64, Self::C128, Self::I32, Self::I64, Self::U32, Self::U8];

    /// The size of an element in bytes; 0 for a number that names no type.
    pub const fn bytes(self) -> usize {
        match self.0 {
            0 | 4 | 6 => 4,
            1 | 2 | 5 => 8,
            3 => 16,
            7 => 1,
            _ => 0,
        }
    }
}

/// An element: a zero, a sum, and one step of a chain of fused multiply-adds.
pub trait Element: Copy + PartialEq + core::fmt::Debug + 'static {
    /// The additive identity (+0.0).
    const ZERO: Self;
    /// `self + x * y`, rounded once per real multiply-add.
    fn multiply_add(self, x: Self, y: Self) -> Self;
    /// `self + other`.
    fn plus(self, other: Self) -> Self;
}

impl Element for f32 {
    const ZERO: f32 = 0.0;
    #[inline(always)]
    fn multiply_add(self, x: f32, y: f32) -> f32 {
        fma_f32(x, y, self)
    }
    #[inline(always)]
    fn plus(self, other: f32) -> f32 {
        self + other
    }
}

impl Element for f64 {
    const ZERO: f64 = 0.0;
    #[inline(always)]
    fn multiply_add(self, x: f64, y: f64) -> f64 {
        fma_f64(x, y, self)
    }
    #[inline(always)]
    fn plus(self, other: f64) -> f64 {
        self + other
    }
}

macro_rules! integer_element {
    ($($type:ty),*) => {$(
        impl Element for $type {
            const ZERO: $type = 0;
            #[inline(always)]
            fn multiply_add(self, x: $type, y: $type) -> $type {
                self.wrapping_add(x.wrapping_mul(y))
            }
            #[inline(always)]
            fn plus(self, other: $type) -> $type {
                self.wrapping_add(other)
            }
        }
    )*};
}
integer_element!(u8, u32, u64);

/// A complex number in memory: real part, then imaginary part.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Complex<T> {
    /// The real part.
    pub re: T,
    /// The imaginary part.
    pub im: T,
}

/// The order of the four multiply-adds is part of the meaning: `re += x.re y.re`, then
/// `re += -x.im y.im`; `im += x.re y.im`, then `im += x.im y.re`.
impl<T: Element + core::ops::Neg<Output = T>> Element for Complex<T> {
    const ZERO: Complex<T> = Complex { re: T::ZERO, im: T::ZERO };
    #[inline(always)]
    fn multiply_add(self, x: Complex<T>, y: Complex<T>) -> Complex<T> {
        Complex {
            re: self.re.multiply_add(x.re, y.re).multiply_add(-x.im, y.im),
            im: self.im.multiply_add(x.re, y.im).multiply_add(x.im, y.re),
        }
    }
    #[inline(always)]
    fn plus(self, other: Complex<T>) -> Complex<T> {
        Complex { re: self.re.plus(other.re), im: self.im.plus(other.im) }
    }
}
