//! AVX-512 (F, BW, DQ, VL): 16 binary32 to a vector, parts by masks.

#![allow(unsafe_op_in_unsafe_fn)]

use super::{Machine, Pair, Real, Task, Vector};
use core::arch::x86_64::*;

/// One 512-bit register.
#[derive(Clone, Copy)]
pub struct Z<T>(T);

/// The lowest `count` bits.
#[inline(always)]
fn mask(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

macro_rules! real {
    ($element:ty, $register:ty, $len:expr, $mask:ty, $zero:ident, $load:ident, $part:ident, $store:ident, $store_part:ident,
     $set1:ident, $fma:ident, $fnma:ident, $add:ident, $permute:ident, $index:ident, $hload:ident, $hstore:ident, $hadd:ident, $lane:ident, $row:ident, $stream:ident) => {
        impl Vector for Z<$register> {
            type Element = $element;
            type Splat = Self;
            const LEN: usize = $len;
            const PARTS_ARE_FREE: bool = true;
            #[inline(always)]
            unsafe fn stream_line(from: *const u8, to: *mut u8) {
                _mm512_stream_si512(to.cast(), _mm512_loadu_si512(from.cast()));
            }
            #[inline(always)]
            unsafe fn store_past(self, to: *mut $element) {
                $stream(to, self.0);
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
                Z($zero())
            }
            #[inline(always)]
            unsafe fn load(from: *const $element) -> Self {
                Z($load(from))
            }
            #[inline(always)]
            unsafe fn load_part(from: *const $element, count: usize) -> Self {
                Z($part(mask(count) as $mask, from))
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $element) {
                $store(to, self.0);
            }
            #[inline(always)]
            unsafe fn store_part(self, to: *mut $element, count: usize) {
                $store_part(to, mask(count) as $mask, self.0);
            }
            #[inline(always)]
            unsafe fn splat(from: *const $element) -> Self {
                Z($set1(from.read_unaligned()))
            }
            #[inline(always)]
            unsafe fn multiply_add(self, x: Self, y: Self) -> Self {
                Z($fma(x.0, y.0, self.0))
            }
            #[inline(always)]
            unsafe fn multiply_add_lanes(self, x: Self, y: Self) -> Self {
                Z($fma(x.0, y.0, self.0))
            }
            #[inline(always)]
            unsafe fn plus(self, other: Self) -> Self {
                Z($add(self.0, other.0))
            }
            const QUADS: bool = true;
            #[inline(always)]
            unsafe fn times_quad(self, rows: [*const $element; 4]) -> Self {
                // Every element of a row in all four places, times a row of the matrix in all rows.
                let sum = $fma($lane::<0x00>(self.0), $row(rows[0]), $zero());
                let sum = $fma($lane::<0x55>(self.0), $row(rows[1]), sum);
                let sum = $fma($lane::<0xaa>(self.0), $row(rows[2]), sum);
                Z($fma($lane::<0xff>(self.0), $row(rows[3]), sum))
            }
        }

        impl Real for Z<$register> {
            #[inline(always)]
            unsafe fn negative_multiply_add(self, x: Self, y: Self) -> Self {
                Z($fnma(x.0, y.0, self.0))
            }
            #[inline(always)]
            unsafe fn load_pairs(from: *const $element) -> (Self, Self) {
                split(Self::load(from), Self::load(from.add($len)))
            }
            #[inline(always)]
            unsafe fn load_pairs_part(from: *const $element, count: usize) -> (Self, Self) {
                let (low, high) = halves(2 * count, $len);
                // A part of no elements touches nothing, wherever its pointer leads.
                split(Self::load_part(from, low), Self::load_part(from.wrapping_add($len), high))
            }
            #[inline(always)]
            unsafe fn store_pairs(re: Self, im: Self, to: *mut $element) {
                let (low, high) = join(re, im);
                low.store(to);
                high.store(to.add($len));
            }
            #[inline(always)]
            unsafe fn store_pairs_part(re: Self, im: Self, to: *mut $element, count: usize) {
                let (low, high) = join(re, im);
                let (low_count, high_count) = halves(2 * count, $len);
                low.store_part(to, low_count);
                high.store_part(to.wrapping_add($len), high_count);
            }
        }

        impl Interleave for Z<$register> {
            #[inline(always)]
            unsafe fn split(low: Self, high: Self) -> (Self, Self) {
                let even = $index(0);
                let odd = $index(1);
                (Z($permute(low.0, even, high.0)), Z($permute(low.0, odd, high.0)))
            }
            #[inline(always)]
            unsafe fn join(re: Self, im: Self) -> (Self, Self) {
                let low = $index(2);
                let high = $index(3);
                (Z($permute(re.0, low, im.0)), Z($permute(re.0, high, im.0)))
            }
        }
    };
}

/// Even and odd elements of two registers, and back.
trait Interleave: Sized {
    unsafe fn split(low: Self, high: Self) -> (Self, Self);
    unsafe fn join(re: Self, im: Self) -> (Self, Self);
}
#[inline(always)]
unsafe fn split<T: Interleave>(low: T, high: T) -> (T, T) {
    T::split(low, high)
}
#[inline(always)]
unsafe fn join<T: Interleave>(re: T, im: T) -> (T, T) {
    T::join(re, im)
}

/// `count` elements over two registers of `len`.
#[inline(always)]
fn halves(count: usize, len: usize) -> (usize, usize) {
    (count.min(len), count.saturating_sub(len))
}

/// The permutations of 32-bit elements: even, odd, lower halves interleaved, upper halves.
#[inline(always)]
unsafe fn index_32(which: usize) -> __m512i {
    static INDEX: [[i32; 16]; 4] = {
        let mut index = [[0; 16]; 4];
        let mut lane = 0;
        while lane < 16 {
            index[0][lane] = 2 * lane as i32;
            index[1][lane] = 2 * lane as i32 + 1;
            index[2][lane] = lane as i32 / 2 + 16 * (lane as i32 % 2);
            index[3][lane] = 8 + lane as i32 / 2 + 16 * (lane as i32 % 2);
            lane += 1;
        }
        index
    };
    _mm512_loadu_si512(INDEX[which].as_ptr().cast())
}

/// The same of 64-bit elements.
#[inline(always)]
unsafe fn index_64(which: usize) -> __m512i {
    static INDEX: [[i64; 8]; 4] = {
        let mut index = [[0; 8]; 4];
        let mut lane = 0;
        while lane < 8 {
            index[0][lane] = 2 * lane as i64;
            index[1][lane] = 2 * lane as i64 + 1;
            index[2][lane] = lane as i64 / 2 + 8 * (lane as i64 % 2);
            index[3][lane] = 4 + lane as i64 / 2 + 8 * (lane as i64 % 2);
            lane += 1;
        }
        index
    };
    _mm512_loadu_si512(INDEX[which].as_ptr().cast())
}

/// Four elements, again and again.
#[inline(always)]
unsafe fn four_ps(from: *const f32) -> __m512 {
    _mm512_broadcast_f32x4(_mm_loadu_ps(from))
}

/// Four elements, twice.
#[inline(always)]
unsafe fn four_pd(from: *const f64) -> __m512d {
    _mm512_broadcast_f64x4(_mm256_loadu_pd(from))
}

real!(
    f32,
    __m512,
    16,
    __mmask16,
    _mm512_setzero_ps,
    _mm512_loadu_ps,
    _mm512_maskz_loadu_ps,
    _mm512_storeu_ps,
    _mm512_mask_storeu_ps,
    _mm512_set1_ps,
    _mm512_fmadd_ps,
    _mm512_fnmadd_ps,
    _mm512_add_ps,
    _mm512_permutex2var_ps,
    index_32,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm512_permute_ps,
    four_ps,
    _mm512_stream_ps
);
real!(
    f64,
    __m512d,
    8,
    __mmask8,
    _mm512_setzero_pd,
    _mm512_loadu_pd,
    _mm512_maskz_loadu_pd,
    _mm512_storeu_pd,
    _mm512_mask_storeu_pd,
    _mm512_set1_pd,
    _mm512_fmadd_pd,
    _mm512_fnmadd_pd,
    _mm512_add_pd,
    _mm512_permutex2var_pd,
    index_64,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_add_pd,
    _mm512_permutex_pd,
    four_pd,
    _mm512_stream_pd
);

macro_rules! integer {
    ($name:ident, $about:literal, $element:ty, $signed:ty, $len:expr, $mask:ty, $part:ident, $store_part:ident, $set1:ident, $add:ident, $multiply:expr, $hadd:ident) => {
        #[doc = $about]
        #[derive(Clone, Copy)]
        pub struct $name(__m512i);

        impl Vector for $name {
            type Element = $element;
            type Splat = Self;
            const LEN: usize = $len;
            const PARTS_ARE_FREE: bool = true;
            #[inline(always)]
            unsafe fn stream_line(from: *const u8, to: *mut u8) {
                _mm512_stream_si512(to.cast(), _mm512_loadu_si512(from.cast()));
            }
            const HALF: usize = $len / 2;
            #[inline(always)]
            unsafe fn put_half(from: *const $element, to: *mut $element, add: bool) {
                let mut value = _mm256_loadu_si256(from.cast());
                if add {
                    value = $hadd(_mm256_loadu_si256(to.cast()), value);
                }
                _mm256_storeu_si256(to.cast(), value);
            }
            #[inline(always)]
            unsafe fn zero() -> Self {
                $name(_mm512_setzero_si512())
            }
            #[inline(always)]
            unsafe fn load(from: *const $element) -> Self {
                $name(_mm512_loadu_si512(from.cast()))
            }
            #[inline(always)]
            unsafe fn load_part(from: *const $element, count: usize) -> Self {
                $name($part(mask(count) as $mask, from.cast()))
            }
            #[inline(always)]
            unsafe fn store(self, to: *mut $element) {
                _mm512_storeu_si512(to.cast(), self.0);
            }
            #[inline(always)]
            unsafe fn store_past(self, to: *mut $element) {
                _mm512_stream_si512(to.cast(), self.0);
            }
            #[inline(always)]
            unsafe fn store_part(self, to: *mut $element, count: usize) {
                $store_part(to.cast(), mask(count) as $mask, self.0);
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
unsafe fn multiply_bytes(x: __m512i, y: __m512i) -> __m512i {
    let even = _mm512_mullo_epi16(x, y);
    let odd = _mm512_mullo_epi16(_mm512_srli_epi16::<8>(x), _mm512_srli_epi16::<8>(y));
    _mm512_mask_blend_epi8(0xaaaa_aaaa_aaaa_aaaa, even, _mm512_slli_epi16::<8>(odd))
}

integer!(
    I32,
    "16 32-bit integers.",
    u32,
    i32,
    16,
    __mmask16,
    _mm512_maskz_loadu_epi32,
    _mm512_mask_storeu_epi32,
    _mm512_set1_epi32,
    _mm512_add_epi32,
    _mm512_mullo_epi32,
    _mm256_add_epi32
);
integer!(
    I64,
    "8 64-bit integers.",
    u64,
    i64,
    8,
    __mmask8,
    _mm512_maskz_loadu_epi64,
    _mm512_mask_storeu_epi64,
    _mm512_set1_epi64,
    _mm512_add_epi64,
    _mm512_mullo_epi64,
    _mm256_add_epi64
);
integer!(
    U8,
    "64 bytes.",
    u8,
    i8,
    64,
    __mmask64,
    _mm512_maskz_loadu_epi8,
    _mm512_mask_storeu_epi8,
    _mm512_set1_epi8,
    _mm512_add_epi8,
    multiply_bytes,
    _mm256_add_epi8
);

/// AVX-512 F, BW, DQ and VL.
pub struct Avx512;

#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi1,bmi2,lzcnt,popcnt")]
unsafe fn enter<T: Task>(task: &T) {
    task.run();
}

impl Machine for Avx512 {
    #[inline(always)]
    unsafe fn enter<T: Task>(task: &T) {
        enter(task);
    }
    type F32 = Z<__m512>;
    type F64 = Z<__m512d>;
    type C64 = Pair<Z<__m512>, false>;
    type C128 = Pair<Z<__m512d>, false>;
    type C64Swapped = Pair<Z<__m512>, true>;
    type C128Swapped = Pair<Z<__m512d>, true>;
    type I32 = I32;
    type I64 = I64;
    type U8 = U8;
}
