//! Arrays of elements, for machines without a set of their own.

#![allow(unsafe_op_in_unsafe_fn)]

use super::{Machine, Pair, Real, Task, Vector};
use crate::element::Element;

/// `LEN` elements.
#[derive(Clone, Copy)]
pub struct Lanes<T, const LEN: usize>([T; LEN]);

impl<T: Element, const LEN: usize> Vector for Lanes<T, LEN> {
    type Element = T;
    type Splat = Self;
    const LEN: usize = LEN;
    const PARTS_ARE_FREE: bool = false;
    const HALF: usize = 0;
    #[inline(always)]
    unsafe fn put_half(_: *const T, _: *mut T, _: bool) {}
    #[inline(always)]
    unsafe fn zero() -> Self {
        Lanes([T::ZERO; LEN])
    }
    #[inline(always)]
    unsafe fn load(from: *const T) -> Self {
        Lanes(from.cast::<[T; LEN]>().read_unaligned())
    }
    #[inline(always)]
    unsafe fn load_part(from: *const T, count: usize) -> Self {
        let mut lanes = [T::ZERO; LEN];
        for (lane, value) in lanes.iter_mut().enumerate().take(count) {
            *value = from.add(lane).read_unaligned();
        }
        Lanes(lanes)
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut T) {
        to.cast::<[T; LEN]>().write_unaligned(self.0);
    }
    #[inline(always)]
    unsafe fn store_part(self, to: *mut T, count: usize) {
        for (lane, value) in self.0.iter().enumerate().take(count) {
            to.add(lane).write_unaligned(*value);
        }
    }
    #[inline(always)]
    unsafe fn splat(from: *const T) -> Self {
        Lanes([from.read_unaligned(); LEN])
    }
    #[inline(always)]
    unsafe fn multiply_add(mut self, x: Self, y: Self) -> Self {
        for lane in 0..LEN {
            self.0[lane] = self.0[lane].multiply_add(x.0[lane], y.0[lane]);
        }
        self
    }
    #[inline(always)]
    unsafe fn multiply_add_lanes(self, x: Self, y: Self) -> Self {
        self.multiply_add(x, y)
    }
    #[inline(always)]
    unsafe fn plus(mut self, other: Self) -> Self {
        for lane in 0..LEN {
            self.0[lane] = self.0[lane].plus(other.0[lane]);
        }
        self
    }
}

impl<T: Element + core::ops::Neg<Output = T>, const LEN: usize> Real for Lanes<T, LEN> {
    #[inline(always)]
    unsafe fn negative_multiply_add(mut self, x: Self, y: Self) -> Self {
        for lane in 0..LEN {
            self.0[lane] = self.0[lane].multiply_add(-x.0[lane], y.0[lane]);
        }
        self
    }
    #[inline(always)]
    unsafe fn load_pairs(from: *const T) -> (Self, Self) {
        Self::load_pairs_part(from, LEN)
    }
    #[inline(always)]
    unsafe fn load_pairs_part(from: *const T, count: usize) -> (Self, Self) {
        let (mut re, mut im) = ([T::ZERO; LEN], [T::ZERO; LEN]);
        for lane in 0..count {
            re[lane] = from.add(2 * lane).read_unaligned();
            im[lane] = from.add(2 * lane + 1).read_unaligned();
        }
        (Lanes(re), Lanes(im))
    }
    #[inline(always)]
    unsafe fn store_pairs(re: Self, im: Self, to: *mut T) {
        Self::store_pairs_part(re, im, to, LEN);
    }
    #[inline(always)]
    unsafe fn store_pairs_part(re: Self, im: Self, to: *mut T, count: usize) {
        for lane in 0..count {
            to.add(2 * lane).write_unaligned(re.0[lane]);
            to.add(2 * lane + 1).write_unaligned(im.0[lane]);
        }
    }
}

/// Plain Rust.
pub struct Portable;

impl Machine for Portable {
    #[inline(always)]
    unsafe fn enter<T: Task>(task: &T) {
        task.run();
    }
    type F32 = Lanes<f32, 4>;
    type F64 = Lanes<f64, 2>;
    type C64 = Pair<Lanes<f32, 4>, false>;
    type C128 = Pair<Lanes<f64, 2>, false>;
    type C64Swapped = Pair<Lanes<f32, 4>, true>;
    type C128Swapped = Pair<Lanes<f64, 2>, true>;
    type I32 = Lanes<u32, 4>;
    type I64 = Lanes<u64, 2>;
    type U8 = Lanes<u8, 16>;
}
