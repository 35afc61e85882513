//! Transposes of small squares in registers, for packing.

#![allow(unsafe_op_in_unsafe_fn)]

use super::portable::Lanes;
use crate::element::Element;
use crate::pack::Transpose;

/// No transposes: the compiler does what it can.
impl<T: Element, const LEN: usize> Transpose for Lanes<T, LEN> {
    const SIDE: usize = 1;
    const WIDE: usize = 16;
    const PART: usize = usize::MAX;
    unsafe fn transpose_wide(_: &[*const T; 16], _: isize, _: *mut T, _: usize) {}
    unsafe fn transpose_part(_: &[*const T; 16], _: isize, _: *mut T, _: usize, _: usize) {}
    unsafe fn transpose(_: &[*const T; 4], _: isize, _: *mut T, _: usize) {}
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::{avx2, avx512};
    use crate::pack::Transpose;
    use core::arch::x86_64::*;

    /// Four rows of four 32-bit elements.
    #[inline(always)]
    unsafe fn four_by_four(rows: &[*const f32; 4], step: isize, to: *mut f32, stride: usize) {
        let row = |place: usize| _mm_loadu_ps(rows[place].wrapping_offset(step));
        let (a, b, c, d) = (row(0), row(1), row(2), row(3));
        let (ab, cd) = (_mm_unpacklo_ps(a, b), _mm_unpacklo_ps(c, d));
        let (ef, gh) = (_mm_unpackhi_ps(a, b), _mm_unpackhi_ps(c, d));
        _mm_storeu_ps(to, _mm_movelh_ps(ab, cd));
        _mm_storeu_ps(to.add(stride), _mm_movehl_ps(cd, ab));
        _mm_storeu_ps(to.add(2 * stride), _mm_movelh_ps(ef, gh));
        _mm_storeu_ps(to.add(3 * stride), _mm_movehl_ps(gh, ef));
    }

    /// Two rows of two 64-bit elements.
    #[inline(always)]
    unsafe fn two_by_two(rows: &[*const f64; 4], step: isize, to: *mut f64, stride: usize) {
        let (a, b) =
            (_mm_loadu_pd(rows[0].wrapping_offset(step)), _mm_loadu_pd(rows[1].wrapping_offset(step)));
        _mm_storeu_pd(to, _mm_unpacklo_pd(a, b));
        _mm_storeu_pd(to.add(stride), _mm_unpackhi_pd(a, b));
    }

    /// Sixteen rows of four 32-bit elements, as four columns.
    #[inline(always)]
    unsafe fn sixteen_by_four(rows: &[*const f32; 16], step: isize) -> [__m512d; 4] {
        // Register r holds four elements of rows r, r + 4, r + 8, r + 12: transposing within
        // 128-bit lanes then leaves all sixteen rows in order.
        let quarter = |place: usize| _mm_loadu_ps(rows[place].wrapping_offset(step));
        let gather = |r: usize| {
            let low = _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(quarter(r)), quarter(r + 4));
            let high = _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(quarter(r + 8)), quarter(r + 12));
            let low = _mm512_castpd256_pd512(_mm256_castps_pd(low));
            _mm512_castpd_ps(_mm512_insertf64x4::<1>(low, _mm256_castps_pd(high)))
        };
        let (a, b, c, d) = (gather(0), gather(1), gather(2), gather(3));
        let pair = |x: __m512, y: __m512| (_mm512_castps_pd(x), _mm512_castps_pd(y));
        let (ab, cd) = pair(_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
        let (ef, gh) = pair(_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
        [
            _mm512_unpacklo_pd(ab, cd),
            _mm512_unpackhi_pd(ab, cd),
            _mm512_unpacklo_pd(ef, gh),
            _mm512_unpackhi_pd(ef, gh),
        ]
    }

    impl Transpose for avx512::Z<__m512> {
        const SIDE: usize = 4;
        const WIDE: usize = 16;
        const PART: usize = 7;
        #[inline(always)]
        unsafe fn transpose_wide(rows: &[*const f32; 16], step: isize, to: *mut f32, stride: usize) {
            for (place, column) in sixteen_by_four(rows, step).into_iter().enumerate() {
                _mm512_storeu_pd(to.add(place * stride).cast(), column);
            }
        }
        #[inline(always)]
        unsafe fn transpose_part(
            rows: &[*const f32; 16],
            step: isize,
            to: *mut f32,
            stride: usize,
            count: usize,
        ) {
            for (place, column) in sixteen_by_four(rows, step).into_iter().enumerate() {
                let mask = ((1_u32 << count) - 1) as __mmask16;
                _mm512_mask_storeu_ps(to.add(place * stride), mask, _mm512_castpd_ps(column));
            }
        }
        #[inline(always)]
        unsafe fn transpose(rows: &[*const f32; 4], step: isize, to: *mut f32, stride: usize) {
            four_by_four(rows, step, to, stride);
        }
    }

    /// Eight rows of four 64-bit elements, as four columns.
    #[inline(always)]
    unsafe fn eight_by_four(rows: &[*const f64; 16], step: isize) -> [__m512d; 4] {
        let half = |place: usize| _mm256_loadu_pd(rows[place].wrapping_offset(step));
        let gather = |r: usize| _mm512_insertf64x4::<1>(_mm512_castpd256_pd512(half(r)), half(r + 4));
        let (a, b, c, d) = (gather(0), gather(1), gather(2), gather(3));
        // Columns 0 and 2 of two rows in every 256-bit half, then columns 1 and 3.
        let (ab, cd) = (_mm512_unpacklo_pd(a, b), _mm512_unpacklo_pd(c, d));
        let (ef, gh) = (_mm512_unpackhi_pd(a, b), _mm512_unpackhi_pd(c, d));
        let even = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13);
        let odd = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
        [
            _mm512_permutex2var_pd(ab, even, cd),
            _mm512_permutex2var_pd(ef, even, gh),
            _mm512_permutex2var_pd(ab, odd, cd),
            _mm512_permutex2var_pd(ef, odd, gh),
        ]
    }

    impl Transpose for avx512::Z<__m512d> {
        const SIDE: usize = 4;
        const WIDE: usize = 8;
        const PART: usize = 3;
        #[inline(always)]
        unsafe fn transpose_wide(rows: &[*const f64; 16], step: isize, to: *mut f64, stride: usize) {
            for (place, column) in eight_by_four(rows, step).into_iter().enumerate() {
                _mm512_storeu_pd(to.add(place * stride), column);
            }
        }
        #[inline(always)]
        unsafe fn transpose_part(
            rows: &[*const f64; 16],
            step: isize,
            to: *mut f64,
            stride: usize,
            count: usize,
        ) {
            for (place, column) in eight_by_four(rows, step).into_iter().enumerate() {
                _mm512_mask_storeu_pd(to.add(place * stride), ((1_u32 << count) - 1) as __mmask8, column);
            }
        }
        #[inline(always)]
        unsafe fn transpose(rows: &[*const f64; 4], step: isize, to: *mut f64, stride: usize) {
            two_by_two(rows, step, to, stride);
            two_by_two(rows, step + 2, to.add(2 * stride), stride);
            let rows = [rows[2], rows[3], rows[2], rows[3]];
            two_by_two(&rows, step, to.add(2), stride);
            two_by_two(&rows, step + 2, to.add(2 * stride + 2), stride);
        }
    }

    impl Transpose for avx2::Y<__m256> {
        const SIDE: usize = 4;
        const WIDE: usize = 8;
        const PART: usize = usize::MAX;
        unsafe fn transpose_part(_: &[*const f32; 16], _: isize, _: *mut f32, _: usize, _: usize) {}
        #[inline(always)]
        unsafe fn transpose_wide(rows: &[*const f32; 16], step: isize, to: *mut f32, stride: usize) {
            let half = |place: usize| _mm_loadu_ps(rows[place].wrapping_offset(step));
            let gather = |r: usize| _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(half(r)), half(r + 4));
            let (a, b, c, d) = (gather(0), gather(1), gather(2), gather(3));
            let pair = |x: __m256, y: __m256| (_mm256_castps_pd(x), _mm256_castps_pd(y));
            let (ab, cd) = pair(_mm256_unpacklo_ps(a, b), _mm256_unpacklo_ps(c, d));
            let (ef, gh) = pair(_mm256_unpackhi_ps(a, b), _mm256_unpackhi_ps(c, d));
            _mm256_storeu_pd(to.cast(), _mm256_unpacklo_pd(ab, cd));
            _mm256_storeu_pd(to.add(stride).cast(), _mm256_unpackhi_pd(ab, cd));
            _mm256_storeu_pd(to.add(2 * stride).cast(), _mm256_unpacklo_pd(ef, gh));
            _mm256_storeu_pd(to.add(3 * stride).cast(), _mm256_unpackhi_pd(ef, gh));
        }
        #[inline(always)]
        unsafe fn transpose(rows: &[*const f32; 4], step: isize, to: *mut f32, stride: usize) {
            four_by_four(rows, step, to, stride);
        }
    }

    impl Transpose for avx2::Y<__m256d> {
        const SIDE: usize = 2;
        const WIDE: usize = 4;
        const PART: usize = usize::MAX;
        unsafe fn transpose_part(_: &[*const f64; 16], _: isize, _: *mut f64, _: usize, _: usize) {}
        #[inline(always)]
        unsafe fn transpose_wide(rows: &[*const f64; 16], step: isize, to: *mut f64, stride: usize) {
            let half = |place: usize| _mm_loadu_pd(rows[place].wrapping_offset(step));
            let gather = |r: usize| _mm256_insertf128_pd::<1>(_mm256_castpd128_pd256(half(r)), half(r + 2));
            let (a, b) = (gather(0), gather(1));
            _mm256_storeu_pd(to, _mm256_unpacklo_pd(a, b));
            _mm256_storeu_pd(to.add(stride), _mm256_unpackhi_pd(a, b));
        }
        #[inline(always)]
        unsafe fn transpose(rows: &[*const f64; 4], step: isize, to: *mut f64, stride: usize) {
            two_by_two(rows, step, to, stride);
        }
    }

    macro_rules! none {
        ($($type:ty: $element:ty),*) => {$(
            /// Bytes are rare enough.
            impl Transpose for $type {
                const SIDE: usize = 1;
                const WIDE: usize = 16;
                const PART: usize = usize::MAX;
                unsafe fn transpose_part(_: &[*const $element; 16], _: isize, _: *mut $element, _: usize, _: usize) {}
                unsafe fn transpose_wide(_: &[*const $element; 16], _: isize, _: *mut $element, _: usize) {}
                unsafe fn transpose(_: &[*const $element; 4], _: isize, _: *mut $element, _: usize) {}
            }
        )*};
    }
    none!(avx2::U8: u8, avx512::U8: u8);
}
