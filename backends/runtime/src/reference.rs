//! The meaning of a contraction in plain Rust: slow, and what every kernel must equal bit for bit.

// The contract is the one of the public function.
#![allow(unsafe_op_in_unsafe_fn)]

use crate::contraction::{Axis, CHUNK, Contraction, MAX_LANES};
use crate::element::{Complex, Element, ElementType};

/// Computes `contraction` one element at a time.
///
/// # Safety
/// `a`, `b` and `c` are valid at every offset that the axes reach, and `c` overlaps neither.
pub unsafe fn reference(contraction: &Contraction, a: *const u8, b: *const u8, c: *mut u8) {
    if !contraction.is_valid() {
        return;
    }
    match contraction.dtype {
        ElementType::F32 => free::<f32>(contraction, a.cast(), b.cast(), c.cast()),
        ElementType::F64 => free::<f64>(contraction, a.cast(), b.cast(), c.cast()),
        ElementType::C64 => free::<Complex<f32>>(contraction, a.cast(), b.cast(), c.cast()),
        ElementType::C128 => free::<Complex<f64>>(contraction, a.cast(), b.cast(), c.cast()),
        ElementType::I32 | ElementType::U32 => free::<u32>(contraction, a.cast(), b.cast(), c.cast()),
        ElementType::I64 => free::<u64>(contraction, a.cast(), b.cast(), c.cast()),
        _ => free::<u8>(contraction, a.cast(), b.cast(), c.cast()),
    }
}

/// Every element of the result, one after another.
unsafe fn free<T: Element>(contraction: &Contraction, a: *const T, b: *const T, c: *mut T) {
    let of = |axis: &&Axis| axis.c != 0;
    let count: i64 = contraction.axes().iter().filter(of).map(|axis| axis.extent.max(0)).product();
    for flat in 0..count {
        let (mut rest, mut oa, mut ob, mut oc) = (flat, 0, 0, 0);
        for axis in contraction.axes().iter().rev().filter(of) {
            let index = rest % axis.extent;
            rest /= axis.extent;
            oa += index * axis.a;
            ob += index * axis.b;
            oc += index * axis.c;
        }
        element(
            contraction,
            a.wrapping_offset(oa as isize),
            b.wrapping_offset(ob as isize),
            c.wrapping_offset(oc as isize),
        );
    }
}

/// One element of the result.
unsafe fn element<T: Element>(contraction: &Contraction, a: *const T, b: *const T, c: *mut T) {
    let of = |axis: &&Axis| axis.c == 0;
    let count: i64 = contraction.axes().iter().filter(of).map(|axis| axis.extent.max(0)).product();
    let factors = |flat: usize| {
        let (mut rest, mut oa, mut ob) = (flat as i64, 0, 0);
        for axis in contraction.axes().iter().rev().filter(of) {
            let index = rest % axis.extent;
            rest /= axis.extent;
            oa += index * axis.a;
            ob += index * axis.b;
        }
        (a.wrapping_offset(oa as isize).read_unaligned(), b.wrapping_offset(ob as isize).read_unaligned())
    };
    let count = count as usize;
    let mut store = contraction.accumulate == 0;
    let mut add = |sum: T| {
        let sum = if store { sum } else { c.read_unaligned().plus(sum) };
        store = false;
        c.write_unaligned(sum);
    };
    if count == 0 {
        if contraction.accumulate == 0 {
            add(T::ZERO);
        }
        return;
    }
    let lanes = contraction.lanes as usize;
    if lanes <= 1 {
        for start in (0..count).step_by(CHUNK) {
            let mut sum = T::ZERO;
            for k in start..count.min(start + CHUNK) {
                let (x, y) = factors(k);
                sum = sum.multiply_add(x, y);
            }
            add(sum);
        }
    } else {
        let mut sums = [T::ZERO; MAX_LANES];
        for k in 0..count {
            let (x, y) = factors(k);
            sums[k % lanes] = sums[k % lanes].multiply_add(x, y);
        }
        let mut half = lanes / 2;
        while half > 0 {
            for lane in 0..half {
                sums[lane] = sums[lane].plus(sums[lane + half]);
            }
            half /= 2;
        }
        add(sums[0]);
    }
}
