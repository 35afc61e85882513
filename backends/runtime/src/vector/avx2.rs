//! AVX2 and FMA: 8 binary32 to a vector.

#![allow(unsafe_op_in_unsafe_fn)]

use super::{Machine, Pair, Real, Task, Vector};
use core::arch::x86_64::*;

/// One 256-bit register.
#[derive(Clone, Copy)]
pub struct Y<T>(T);

/// The first `count` of 8 lanes set, all bits of each.
#[inline(always)]
unsafe fn mask_32(count: usize) -> __m256i {
    static WINDOW: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    _mm256_loadu_si256(WINDOW.as_ptr().add(8 - count).cast())
}

/// The first `count` of 4 lanes set, all bits of each.
#[inline(always)]
unsafe fn mask_64(count: usize) -> __m256i {
    static WINDOW: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];
    _mm256_loadu_si256(WINDOW.as_ptr().add(4 - count).cast())
}

macro_rules! real {
    ($element:ty, $register:ty, $len:expr, $mask:ident, $zero:ident, $load:ident, $part:ident, $store:ident, $store_part:ident,
     $set1:ident, $fma:ident, $fnma:ident, $add:ident, $split:ident, $join:ident, $hload:ident, $hstore:ident, $hadd:ident) => {
        impl Vector for Y<$register> {
            type Element = $element;
            type Splat = Self;
            const LEN: usize = $len;
            const PARTS_ARE_FREE: bool = false;
            #[inline(always)]
            unsafe fn stream_line(from: *const u8, to: *mut u8) {
                let (low, high) = (_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(32).cast()));
                _mm256_stream_si256(to.cast(), low);
                _mm256_stream_si256(to.add(32).cast(), high);
            }
            const HALF: usize = $len / 2;
            #[inline(always)]
            unsafe fn put_half(from: *const $element, to: *mut $element, add: bool) {
                let mut value = $hload(from.cast());
                if add {
                    value = $hadd($hload(to.cast()), value);
                }
                $hstore(to.cast(), value);
            }
            #[inline(always)]
            unsafe fn zero() -> Self {
                Y($zero())
            }
            #[inline(always)]
            unsafe fn load(from: *const $element) -> Self {
                Y($load(from))
            }
            #[inline(always)]
            unsafe fn load_part(from: *const $element, count: usize) -> Self {
                Y($part(from, $mask(count)))
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $element) {
                $store(to, self.0);
            }
            #[inline(always)]
            unsafe fn store_part(self, to: *mut $element, count: usize) {
                $store_part(to, $mask(count), self.0);
            }
            #[inline(always)]
            unsafe fn splat(from: *const $element) -> Self {
                Y($set1(from.read_unaligned()))
            }
            #[inline(always)]
            unsafe fn multiply_add(self, x: Self, y: Self) -> Self {
                Y($fma(x.0, y.0, self.0))
            }
            #[inline(always)]
            unsafe fn multiply_add_lanes(self, x: Self, y: Self) -> Self {
                Y($fma(x.0, y.0, self.0))
            }
            #[inline(always)]
            unsafe fn plus(self, other: Self) -> Self {
                Y($add(self.0, other.0))
            }
        }

        impl Real for Y<$register> {
            #[inline(always)]
            unsafe fn negative_multiply_add(self, x: Self, y: Self) -> Self {
                Y($fnma(x.0, y.0, self.0))
            }
            #[inline(always)]
            unsafe fn load_pairs(from: *const $element) -> (Self, Self) {
                $split(Self::load(from), Self::load(from.add($len)))
            }
            #[inline(always)]
            unsafe fn load_pairs_part(from: *const $element, count: usize) -> (Self, Self) {
                let low = (2 * count).min($len);
                // A part of no elements touches nothing, wherever its pointer leads.
                $split(Self::load_part(from, low), Self::load_part(from.wrapping_add($len), 2 * count - low))
            }
            #[inline(always)]
            unsafe fn store_pairs(re: Self, im: Self, to: *mut $element) {
                let (low, high) = $join(re, im);
                low.store(to);
                high.store(to.add($len));
            }
            #[inline(always)]
            unsafe fn store_pairs_part(re: Self, im: Self, to: *mut $element, count: usize) {
                let (low, high) = $join(re, im);
                let low_count = (2 * count).min($len);
                low.store_part(to, low_count);
                high.store_part(to.wrapping_add($len), 2 * count - low_count);
            }
        }
    };
}

#[inline(always)]
unsafe fn split_32(low: Y<__m256>, high: Y<__m256>) -> (Y<__m256>, Y<__m256>) {
    // Halves first, so that shuffles within halves leave the elements in order.
    let a = _mm256_permute2f128_ps::<0x20>(low.0, high.0);
    let b = _mm256_permute2f128_ps::<0x31>(low.0, high.0);
    (Y(_mm256_shuffle_ps::<0x88>(a, b)), Y(_mm256_shuffle_ps::<0xdd>(a, b)))
}
#[inline(always)]
unsafe fn join_32(re: Y<__m256>, im: Y<__m256>) -> (Y<__m256>, Y<__m256>) {
    let a = _mm256_unpacklo_ps(re.0, im.0);
    let b = _mm256_unpackhi_ps(re.0, im.0);
    (Y(_mm256_permute2f128_ps::<0x20>(a, b)), Y(_mm256_permute2f128_ps::<0x31>(a, b)))
}
#[inline(always)]
unsafe fn split_64(low: Y<__m256d>, high: Y<__m256d>) -> (Y<__m256d>, Y<__m256d>) {
    let a = _mm256_permute2f128_pd::<0x20>(low.0, high.0);
    let b = _mm256_permute2f128_pd::<0x31>(low.0, high.0);
    (Y(_mm256_unpacklo_pd(a, b)), Y(_mm256_unpackhi_pd(a, b)))
}
#[inline(always)]
unsafe fn join_64(re: Y<__m256d>, im: Y<__m256d>) -> (Y<__m256d>, Y<__m256d>) {
    let a = _mm256_unpacklo_pd(re.0, im.0);
    let b = _mm256_unpackhi_pd(re.0, im.0);
    (Y(_mm256_permute2f128_pd::<0x20>(a, b)), Y(_mm256_permute2f128_pd::<0x31>(a, b)))
}

real!(
    f32,
    __m256,
    8,
    mask_32,
    _mm256_setzero_ps,
    _mm256_loadu_ps,
    _mm256_maskload_ps,
    _mm256_storeu_ps,
    _mm256_maskstore_ps,
    _mm256_set1_ps,
    _mm256_fmadd_ps,
    _mm256_fnmadd_ps,
    _mm256_add_ps,
    split_32,
    join_32,
    _mm_loadu_ps,
    _mm_storeu_ps,
    _mm_add_ps
);
real!(
    f64,
    __m256d,
    4,
    mask_64,
    _mm256_setzero_pd,
    _mm256_loadu_pd,
    _mm256_maskload_pd,
    _mm256_storeu_pd,
    _mm256_maskstore_pd,
    _mm256_set1_pd,
    _mm256_fmadd_pd,
    _mm256_fnmadd_pd,
    _mm256_add_pd,
    split_64,
    join_64,
    _mm_loadu_pd,
    _mm_storeu_pd,
    _mm_add_pd
);

macro_rules! integer {
    ($name:ident, $about:literal, $element:ty, $signed:ty, $len:expr, $set1:ident, $add:ident, $multiply:expr, $hadd:ident) => {
        #[doc = $about]
        #[derive(Clone, Copy)]
        pub struct $name(__m256i);

        impl Vector for $name {
            type Element = $element;
            type Splat = Self;
            const LEN: usize = $len;
            const PARTS_ARE_FREE: bool = false;
            #[inline(always)]
            unsafe fn stream_line(from: *const u8, to: *mut u8) {
                let (low, high) = (_mm256_loadu_si256(from.cast()), _mm256_loadu_si256(from.add(32).cast()));
                _mm256_stream_si256(to.cast(), low);
                _mm256_stream_si256(to.add(32).cast(), high);
            }
            const HALF: usize = $len / 2;
            #[inline(always)]
            unsafe fn put_half(from: *const $element, to: *mut $element, add: bool) {
                let mut value = _mm_loadu_si128(from.cast());
                if add {
                    value = $hadd(_mm_loadu_si128(to.cast()), value);
                }
                _mm_storeu_si128(to.cast(), value);
            }
            #[inline(always)]
            unsafe fn zero() -> Self {
                $name(_mm256_setzero_si256())
            }
            #[inline(always)]
            unsafe fn load(from: *const $element) -> Self {
                $name(_mm256_loadu_si256(from.cast()))
            }
            #[inline(always)]
            unsafe fn load_part(from: *const $element, count: usize) -> Self {
                let mut part = [0 as $element; $len];
                for (lane, value) in part.iter_mut().enumerate().take(count) {
                    *value = from.add(lane).read_unaligned();
                }
                Self::load(part.as_ptr())
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $element) {
                _mm256_storeu_si256(to.cast(), self.0);
            }
            #[inline(always)]
            unsafe fn store_part(self, to: *mut $element, count: usize) {
                let mut part = [0 as $element; $len];
                self.store(part.as_mut_ptr());
                for (lane, value) in part.iter().enumerate().take(count) {
                    to.add(lane).write_unaligned(*value);
                }
            }
            #[inline(always)]
            unsafe fn splat(from: *const $element) -> Self {
                $name($set1(from.read_unaligned() as $signed))
            }
            #[inline(always)]
            unsafe fn multiply_add(self, x: Self, y: Self) -> Self {
                $name($add(self.0, $multiply(x.0, y.0)))
            }
            #[inline(always)]
            unsafe fn multiply_add_lanes(self, x: Self, y: Self) -> Self {
                self.multiply_add(x, y)
            }
            #[inline(always)]
            unsafe fn plus(self, other: Self) -> Self {
                $name($add(self.0, other.0))
            }
        }
    };
}

/// Products of bytes: of the even and of the odd ones, as 16-bit products.
#[inline(always)]
unsafe fn multiply_bytes(x: __m256i, y: __m256i) -> __m256i {
    let even = _mm256_mullo_epi16(x, y);
    let odd = _mm256_mullo_epi16(_mm256_srli_epi16::<8>(x), _mm256_srli_epi16::<8>(y));
    _mm256_blendv_epi8(even, _mm256_slli_epi16::<8>(odd), _mm256_set1_epi16(0xff00_u16 as i16))
}

/// The low halves of 64-bit products, from 32-bit ones.
#[inline(always)]
unsafe fn multiply_64(x: __m256i, y: __m256i) -> __m256i {
    let low = _mm256_mul_epu32(x, y);
    let cross = _mm256_add_epi64(
        _mm256_mul_epu32(_mm256_srli_epi64::<32>(x), y),
        _mm256_mul_epu32(x, _mm256_srli_epi64::<32>(y)),
    );
    _mm256_add_epi64(low, _mm256_slli_epi64::<32>(cross))
}

integer!(
    I32,
    "8 32-bit integers.",
    u32,
    i32,
    8,
    _mm256_set1_epi32,
    _mm256_add_epi32,
    _mm256_mullo_epi32,
    _mm_add_epi32
);
integer!(
    I64,
    "4 64-bit integers.",
    u64,
    i64,
    4,
    _mm256_set1_epi64x,
    _mm256_add_epi64,
    multiply_64,
    _mm_add_epi64
);
integer!(U8, "32 bytes.", u8, i8, 32, _mm256_set1_epi8, _mm256_add_epi8, multiply_bytes, _mm_add_epi8);

/// AVX2 and FMA.
pub struct Avx2;

#[target_feature(enable = "avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn enter<T: Task>(task: &T) {
    task.run();
}

impl Machine for Avx2 {
    #[inline(always)]
    unsafe fn enter<T: Task>(task: &T) {
        enter(task);
    }
    type F32 = Y<__m256>;
    type F64 = Y<__m256d>;
    type C64 = Pair<Y<__m256>, false>;
    type C128 = Pair<Y<__m256d>, false>;
    type C64Swapped = Pair<Y<__m256>, true>;
    type C128Swapped = Pair<Y<__m256d>, true>;
    type I32 = I32;
    type I64 = I64;
    type U8 = U8;
}
