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

    /// Four rows of sixteen 32-bit elements: a register for each column modulo four, and in it a 128-bit
    /// lane for each four columns.
    #[inline(always)]
    unsafe fn four_rows(rows: &[*const f32; 8], first: usize, step: isize) -> [__m512d; 4] {
        let (a, b) = (rows[first].wrapping_offset(step), rows[first + 1].wrapping_offset(step));
        let (c, d) = (rows[first + 2].wrapping_offset(step), rows[first + 3].wrapping_offset(step));
        let (a, b, c, d) = (_mm512_loadu_ps(a), _mm512_loadu_ps(b), _mm512_loadu_ps(c), _mm512_loadu_ps(d));
        let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
        let (ef, gh) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
        let (ab, cd) = (_mm512_castps_pd(ab), _mm512_castps_pd(cd));
        let (ef, gh) = (_mm512_castps_pd(ef), _mm512_castps_pd(gh));
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
        const EIGHT: bool = true;
        #[inline(always)]
        unsafe fn transpose_eight(rows: &[*const f32; 8], step: isize, to: *mut f32) {
            let (low, high) = (four_rows(rows, 0, step), four_rows(rows, 4, step));
            let (first, last) =
                (_mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15));
            for (place, (low, high)) in low.into_iter().zip(high).enumerate() {
                let to = to.add(place * 8).cast::<f64>();
                let columns = _mm512_permutex2var_pd(low, first, high);
                _mm256_storeu_pd(to, _mm512_castpd512_pd256(columns));
                _mm256_storeu_pd(to.add(16), _mm512_extractf64x4_pd::<1>(columns));
                let columns = _mm512_permutex2var_pd(low, last, high);
                _mm256_storeu_pd(to.add(32), _mm512_castpd512_pd256(columns));
                _mm256_storeu_pd(to.add(48), _mm512_extractf64x4_pd::<1>(columns));
            }
        }
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
        const EIGHT: bool = true;
        #[inline(always)]
        unsafe fn transpose_eight(rows: &[*const f64; 8], step: isize, to: *mut f64) {
            // Two rows: a 128-bit lane for each pair of columns. Then lanes are transposed.
            let row = rows.map(|row| row.wrapping_offset(step));
            let (a, b) = (_mm512_loadu_pd(row[0]), _mm512_loadu_pd(row[1]));
            let (c, d) = (_mm512_loadu_pd(row[2]), _mm512_loadu_pd(row[3]));
            let (e, f) = (_mm512_loadu_pd(row[4]), _mm512_loadu_pd(row[5]));
            let (g, h) = (_mm512_loadu_pd(row[6]), _mm512_loadu_pd(row[7]));
            let even = [
                _mm512_unpacklo_pd(a, b),
                _mm512_unpacklo_pd(c, d),
                _mm512_unpacklo_pd(e, f),
                _mm512_unpacklo_pd(g, h),
            ];
            let odd = [
                _mm512_unpackhi_pd(a, b),
                _mm512_unpackhi_pd(c, d),
                _mm512_unpackhi_pd(e, f),
                _mm512_unpackhi_pd(g, h),
            ];
            let pairs = [even, odd];
            for (parity, [a, b, c, d]) in pairs.into_iter().enumerate() {
                let (ab, cd) = (_mm512_shuffle_f64x2::<0x88>(a, b), _mm512_shuffle_f64x2::<0x88>(c, d));
                let (ef, gh) = (_mm512_shuffle_f64x2::<0xdd>(a, b), _mm512_shuffle_f64x2::<0xdd>(c, d));
                let columns = [
                    _mm512_shuffle_f64x2::<0x88>(ab, cd),
                    _mm512_shuffle_f64x2::<0x88>(ef, gh),
                    _mm512_shuffle_f64x2::<0xdd>(ab, cd),
                    _mm512_shuffle_f64x2::<0xdd>(ef, gh),
                ];
                for (pair, column) in columns.into_iter().enumerate() {
                    _mm512_storeu_pd(to.add((2 * pair + parity) * 8), column);
                }
            }
        }
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
