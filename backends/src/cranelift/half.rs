//! f16 and bf16: stored in 16 bits, computed in f32 and rounded to nearest even after every
//! operation. All conversions are integer and f32 instructions that every machine has.

use super::scalar::Ops;
use cranelift::codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift::codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use tcc_ir::Dtype;

/// An f32 from the 16 bits of a narrow float.
pub(super) fn widen(ops: &mut Ops, bits: Value, dtype: Dtype) -> Value {
    let wide = ops.b.ins().uextend(types::I32, bits);
    if dtype == Dtype::BF16 {
        let by = ops.int(types::I32, 16);
        let word = ops.b.ins().ishl(wide, by);
        return ops.b.ins().bitcast(types::F32, MemFlagsData::new(), word);
    }
    // Exponent and mantissa in the place that f32 has for them, then the exponent's bias: 127 - 15,
    // twice for infinities and NaN; subnormals are normalised by a float subtraction.
    let magnitude_mask = ops.int(types::I32, 0x7fff);
    let magnitude = ops.b.ins().band(wide, magnitude_mask);
    let by = ops.int(types::I32, 13);
    let placed = ops.b.ins().ishl(magnitude, by);
    let bias = ops.int(types::I32, 112 << 23);
    let normal = ops.b.ins().iadd(placed, bias);
    let special = ops.b.ins().iadd(normal, bias);
    let infinite = ops.int(types::I32, 0x7c00);
    let is_special = ops.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, magnitude, infinite);
    let least = ops.int(types::I32, 0x0400);
    let is_subnormal = ops.b.ins().icmp(IntCC::UnsignedLessThan, magnitude, least);
    let one = ops.int(types::I32, 1 << 23);
    let above = ops.b.ins().iadd(normal, one);
    let above = ops.b.ins().bitcast(types::F32, MemFlagsData::new(), above);
    let unit = ops.float(types::F32, f64::from(f32::from_bits(113 << 23)));
    let subnormal = ops.b.ins().fsub(above, unit);
    let subnormal = ops.b.ins().bitcast(types::I32, MemFlagsData::new(), subnormal);
    let value = ops.b.ins().select(is_special, special, normal);
    let value = ops.b.ins().select(is_subnormal, subnormal, value);
    let sign_mask = ops.int(types::I32, 0x8000);
    let sign = ops.b.ins().band(wide, sign_mask);
    let by = ops.int(types::I32, 16);
    let sign = ops.b.ins().ishl(sign, by);
    let word = ops.b.ins().bor(value, sign);
    ops.b.ins().bitcast(types::F32, MemFlagsData::new(), word)
}

/// The 16 bits of the narrow float nearest to an f32, ties to even.
pub(super) fn narrow(ops: &mut Ops, value: Value, dtype: Dtype) -> Value {
    let word = ops.b.ins().bitcast(types::I32, MemFlagsData::new(), value);
    let is_nan = ops.b.ins().fcmp(FloatCC::Unordered, value, value);
    let bits = if dtype == Dtype::BF16 {
        // Adds half of the last place, less one where the last bit is even.
        let rounded = round_at(ops, word, 16, 0);
        let nan = ops.int(types::I32, 0x7fc0);
        ops.b.ins().select(is_nan, nan, rounded)
    } else {
        let sign_mask = ops.int(types::I32, 0x8000_0000);
        let sign = ops.b.ins().band(word, sign_mask);
        let magnitude = ops.b.ins().bxor(word, sign);
        let normal = round_at(ops, magnitude, 13, -(112 << 23));
        // 0.5 has the last place of f16's subnormals: adding it rounds there.
        let half = ops.float(types::F32, 0.5);
        let small = ops.b.ins().bitcast(types::F32, MemFlagsData::new(), magnitude);
        let small = ops.b.ins().fadd(small, half);
        let small = ops.b.ins().bitcast(types::I32, MemFlagsData::new(), small);
        let half_bits = ops.int(types::I32, i64::from(0.5f32.to_bits()));
        let subnormal = ops.b.ins().isub(small, half_bits);
        let least = ops.int(types::I32, 113 << 23);
        let is_subnormal = ops.b.ins().icmp(IntCC::UnsignedLessThan, magnitude, least);
        let value = ops.b.ins().select(is_subnormal, subnormal, normal);
        // From 65536 on everything is infinite; what rounds up to it already is.
        let large = ops.int(types::I32, 143 << 23);
        let is_large = ops.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, magnitude, large);
        let infinity = ops.int(types::I32, 0x7c00);
        let value = ops.b.ins().select(is_large, infinity, value);
        let nan = ops.int(types::I32, 0x7e00);
        let value = ops.b.ins().select(is_nan, nan, value);
        let by = ops.int(types::I32, 16);
        let sign = ops.b.ins().ushr(sign, by);
        ops.b.ins().bor(value, sign)
    };
    ops.b.ins().ireduce(types::I16, bits)
}

/// `(word + offset)` shifted right by `places`, rounded to nearest even.
fn round_at(ops: &mut Ops, word: Value, places: i64, offset: i64) -> Value {
    let by = ops.int(types::I32, places);
    let one = ops.int(types::I32, 1);
    let last = ops.b.ins().ushr(word, by);
    let last = ops.b.ins().band(last, one);
    let half = ops.int(types::I32, offset + (1 << (places - 1)) - 1);
    let sum = ops.b.ins().iadd(word, half);
    let sum = ops.b.ins().iadd(sum, last);
    ops.b.ins().ushr(sum, by)
}

/// The f32 that the narrow dtype holds for `value`.
pub(super) fn round(ops: &mut Ops, value: Value, dtype: Dtype) -> Value {
    let bits = narrow(ops, value, dtype);
    widen(ops, bits, dtype)
}

/// An f64 rounded to f32 such that a later rounding to at most 22 bits is as if it were the first:
/// inexact results get an odd last bit.
pub(super) fn to_odd(ops: &mut Ops, value: Value) -> Value {
    let near = ops.b.ins().fdemote(types::F32, value);
    let back = ops.b.ins().fpromote(types::F64, near);
    let word = ops.b.ins().bitcast(types::I32, MemFlagsData::new(), near);
    // One place towards the value: up in magnitude if `near` is below it, else down.
    let (size, back_size) = (ops.b.ins().fabs(value), ops.b.ins().fabs(back));
    let below = ops.b.ins().fcmp(FloatCC::LessThan, back_size, size);
    let one = ops.int(types::I32, 1);
    let minus = ops.int(types::I32, -1);
    let step = ops.b.ins().select(below, one, minus);
    let other = ops.b.ins().iadd(word, step);
    let last = ops.b.ins().band(word, one);
    let zero = ops.int(types::I32, 0);
    let even = ops.b.ins().icmp(IntCC::Equal, last, zero);
    let below_or_above = ops.b.ins().fcmp(FloatCC::OrderedNotEqual, back, value);
    let change = ops.b.ins().band(even, below_or_above);
    let word = ops.b.ins().select(change, other, word);
    ops.b.ins().bitcast(types::F32, MemFlagsData::new(), word)
}
