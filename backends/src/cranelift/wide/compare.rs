//! Comparisons, logic, choices and conversions.
//!
//! With AVX-512 a bool for each lane is a mask register, with AVX2 a vector of all ones and all zeros.

use super::Vectors;
use super::code::{Class, Home, Operand, Reg, Vector};
use super::encode::Bytes;
use super::instructions::Op;
use super::nest::{Generator, Refusal, Wide};
use super::slots::length;
use super::value::{Piece, Value};
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, ScalarOp};

/// Comparisons of floats and of integers, as the immediates of their instructions.
pub(super) const EQUAL: (u8, u8) = (0x00, 0);
pub(super) const NOT_EQUAL: (u8, u8) = (0x04, 4);
pub(super) const LESS: (u8, u8) = (0x11, 1);
pub(super) const LESS_OR_EQUAL: (u8, u8) = (0x12, 2);
pub(super) const GREATER_OR_EQUAL: (u8, u8) = (0x1D, 5);
pub(super) const GREATER: (u8, u8) = (0x1E, 6);
pub(super) const UNORDERED: (u8, u8) = (0x03, 3);
pub(super) const ORDERED: (u8, u8) = (0x07, 7);

impl Generator<'_, '_> {
    /// A comparison: a mask.
    pub(super) fn compare(
        &mut self,
        dtype: Dtype,
        how: (u8, u8),
        length: Bytes,
        a: Reg,
        b: Reg,
    ) -> Wide<Reg> {
        let float = dtype.is_float();
        let immediate = if float { how.0 } else { how.1 };
        if self.vectors == Vectors::Avx512 {
            let op = match dtype {
                Dtype::F32 => Op::CompareF32,
                Dtype::F64 => Op::CompareF64,
                Dtype::I32 => Op::CompareI32,
                Dtype::U32 => Op::CompareU32,
                Dtype::I64 => Op::CompareI64,
                _ => return Err(Refusal::Unsupported),
            };
            let dest = self.register(Class::Mask, Home::Frame);
            let compared = self.pure(Vector {
                a: Some(a),
                immediate: Some(immediate),
                ..Vector::one(op, length, dest, Operand::Reg(b))
            });
            return Ok(compared);
        }
        if float {
            let op = self.of(dtype, Op::CompareF32, Op::CompareF64);
            return Ok(self.two_by(op, length, a, b, immediate));
        }
        if dtype == Dtype::U32 && how != EQUAL && how != NOT_EQUAL {
            return Err(Refusal::Unsupported);
        }
        let equal = self.of(dtype, Op::EqualI32, Op::EqualI64);
        let greater = self.of(dtype, Op::GreaterI32, Op::GreaterI64);
        let (mask, negated) = match how {
            EQUAL => (self.two(equal, length, a, b), false),
            NOT_EQUAL => (self.two(equal, length, a, b), true),
            LESS => (self.two(greater, length, b, a), false),
            GREATER => (self.two(greater, length, a, b), false),
            LESS_OR_EQUAL => (self.two(greater, length, a, b), true),
            _ => (self.two(greater, length, b, a), true),
        };
        Ok(if negated { self.not(mask, length) } else { mask })
    }

    /// A mask of the lanes of 4 bytes that are not 0.
    pub fn not_zero(&mut self, value: Reg, length: Bytes) -> Wide<Reg> {
        let zero = self.bits(0, 4);
        self.compare(Dtype::I32, NOT_EQUAL, length, value, zero)
    }

    pub(super) fn not(&mut self, mask: Reg, length: Bytes) -> Reg {
        if self.vectors == Vectors::Avx512 {
            return self.masks(Op::MaskNot, None, mask);
        }
        let all = self.bits(u64::MAX, 8);
        self.two(Op::Xor4, length, mask, all)
    }

    pub(super) fn test(
        &mut self,
        op: ScalarOp,
        from: Dtype,
        x: &[Value],
        varying: bool,
        piece: &Piece,
    ) -> Wide<Value> {
        use ScalarOp::*;
        if from == Dtype::Bool {
            return self.logic(op, from, x, varying, piece);
        }
        let length = self.length(from, varying, piece);
        let (mut a, mut b) = (x[0].reg, x[x.len() - 1].reg);
        let swapped = x[0].literal.is_some();
        if swapped {
            (a, b) = (b, a);
        }
        let reg = match (op, swapped) {
            (IsNan, _) => self.compare(from, UNORDERED, length, a, a)?,
            (IsFinite, _) => {
                let size = self.float(Abs, from, x, length)?;
                let infinity = self.real(f64::INFINITY, from)?;
                self.compare(from, LESS, length, size, infinity)?
            }
            (Eq, _) => self.compare(from, EQUAL, length, a, b)?,
            (Ne, _) => self.compare(from, NOT_EQUAL, length, a, b)?,
            (Lt, false) => self.compare(from, LESS, length, a, b)?,
            (Lt, true) => self.compare(from, GREATER, length, a, b)?,
            (_, false) => self.compare(from, LESS_OR_EQUAL, length, a, b)?,
            (_, true) => self.compare(from, GREATER_OR_EQUAL, length, a, b)?,
        };
        Ok(self.tested(reg, from, varying))
    }

    /// A mask that compares values of a dtype.
    fn tested(&mut self, reg: Reg, from: Dtype, varying: bool) -> Value {
        let mut reg = reg;
        let width = from.size_bytes() as u32;
        if !varying && width == 8 && self.vectors == Vectors::Avx512 {
            // A register holds more lanes of 4 bytes than were compared.
            reg = self.masks(Op::MaskUnpack, Some(reg), reg);
        }
        Value { reg, varying, literal: None, width: if varying { width } else { 0 } }
    }

    pub(super) fn logic(
        &mut self,
        op: ScalarOp,
        from: Dtype,
        x: &[Value],
        varying: bool,
        piece: &Piece,
    ) -> Wide<Value> {
        use ScalarOp::*;
        let wide = self.vectors == Vectors::Avx512;
        if op == Cast && from != Dtype::Bool {
            let zero = if from.is_float() { Literal::Real(0.0) } else { Literal::Int(0) };
            let zero = self.literal(zero, from)?;
            return self.test(Ne, from, &[x[0], zero], varying, piece);
        }
        // Masks in vector registers must be of lanes of one width.
        let width = x.iter().map(|value| value.width).max().unwrap_or(0);
        if !wide && x.iter().any(|value| value.varying && value.width != width) {
            return Err(Refusal::Unsupported);
        }
        let length = if varying { length(piece.lanes * width.max(4)) } else { self.vectors.bytes() };
        let (a, b) = (x[0].reg, x[x.len() - 1].reg);
        let both = |g: &mut Self, mask: Op, vector: Op, a: Reg, b: Reg| match wide {
            true => g.masks(mask, Some(a), b),
            false => g.two(vector, length, a, b),
        };
        let reg = match op {
            And => both(self, Op::MaskAnd, Op::And4, a, b),
            Or => both(self, Op::MaskOr, Op::Or4, a, b),
            Xor | Ne => both(self, Op::MaskXor, Op::Xor4, a, b),
            Eq => {
                let differ = both(self, Op::MaskXor, Op::Xor4, a, b);
                self.not(differ, length)
            }
            Not => self.not(a, length),
            Select => {
                let yes = both(self, Op::MaskAnd, Op::And4, a, x[1].reg);
                let not = self.not(a, length);
                let no = both(self, Op::MaskAnd, Op::And4, not, b);
                both(self, Op::MaskOr, Op::Or4, yes, no)
            }
            Lt | Le => {
                let not = self.not(a, length);
                match op {
                    Lt => both(self, Op::MaskAnd, Op::And4, not, b),
                    _ => both(self, Op::MaskOr, Op::Or4, not, b),
                }
            }
            Cast => a,
            _ => return Err(Refusal::Unsupported),
        };
        Ok(Value { reg, varying, literal: None, width })
    }

    /// `yes` where the mask is set, `no` elsewhere.
    pub(super) fn choose(&mut self, dtype: Dtype, length: Bytes, mask: Reg, yes: Reg, no: Reg) -> Reg {
        let blend = |op, mask, choice| Vector {
            dest: None,
            a: Some(no),
            mask,
            c: choice,
            ..Vector::one(op, length, no, Operand::Reg(yes))
        };
        if self.vectors == Vectors::Avx512 {
            let op = self.of(dtype, Op::Select4, Op::Select8);
            self.pure(blend(op, Some(mask), None))
        } else {
            let op = self.of(dtype, Op::Choose4, Op::Choose8);
            self.pure(blend(op, None, Some(mask)))
        }
    }

    pub(super) fn select(&mut self, dtype: Dtype, x: &[Value], varying: bool, piece: &Piece) -> Wide<Value> {
        let width = dtype.size_bytes() as u32;
        if self.vectors != Vectors::Avx512 && x[0].varying && x[0].width != width {
            return Err(Refusal::Unsupported);
        }
        let length = self.length(dtype, varying, piece);
        let reg = self.choose(dtype, length, x[0].reg, x[1].reg, x[2].reg);
        Ok(Value { reg, varying, literal: None, width })
    }

    pub(super) fn cast(&mut self, from: Dtype, to: Dtype, x: Value, piece: &Piece) -> Wide<Value> {
        use Dtype::*;
        let (varying, width) = (x.varying, to.size_bytes() as u32);
        let done = |reg| Ok(Value { reg, varying, literal: None, width });
        let (source, target) = (self.length(from, varying, piece), self.length(to, varying, piece));
        let wide = self.vectors == Vectors::Avx512;
        match (from, to) {
            (Bool, _) => {
                let number = |n| if to.is_float() { Literal::Real(n) } else { Literal::Int(n as i64) };
                let (one, zero) = (self.literal(number(1.0), to)?, self.literal(number(0.0), to)?);
                return self.select(to, &[x, one, zero], varying, piece);
            }
            _ if from == to => return done(x.reg),
            (I32, U32) | (U32, I32) => return done(x.reg),
            (F32 | F64, I32 | I64) => return self.integer_part(from, to, x, piece),
            _ => {}
        }
        let (op, length) = match (from, to) {
            (F32, F64) => (Op::F32ToF64, target),
            (F64, F32) => (Op::F64ToF32, source),
            (I32, F32) => (Op::I32ToF32, target),
            (I32, F64) => (Op::I32ToF64, target),
            (I32, I64) => (Op::I32ToI64, target),
            (U32, I64) => (Op::U32ToI64, target),
            (U32, F32) if wide => (Op::U32ToF32, target),
            (U32, F64) if wide => (Op::U32ToF64, target),
            (I64, F32) if wide => (Op::I64ToF32, source),
            (I64, F64) if wide => (Op::I64ToF64, target),
            (I64, I32 | U32) if wide => (Op::I64ToI32, source),
            _ => return Err(Refusal::Unsupported),
        };
        let reg = match op {
            Op::I64ToI32 => {
                let narrow = Vector {
                    dest: None,
                    a: Some(x.reg),
                    ..Vector::one(op, length, x.reg, Operand::Reg(x.reg))
                };
                self.out(narrow)
            }
            _ => self.one(op, length, x.reg),
        };
        done(self.refilled(reg, from, to, varying))
    }

    /// All lanes of a register of which a conversion has filled the lower half.
    fn refilled(&mut self, reg: Reg, from: Dtype, to: Dtype, varying: bool) -> Reg {
        if varying || from.size_bytes() <= to.size_bytes() {
            return reg;
        }
        self.one(Op::Broadcast4, self.vectors.bytes(), reg)
    }

    /// The integer part, within the limits of the dtype; 0 for NaN.
    fn integer_part(&mut self, from: Dtype, to: Dtype, x: Value, piece: &Piece) -> Wide<Value> {
        let varying = x.varying;
        let (source, target) = (self.length(from, varying, piece), self.length(to, varying, piece));
        let wide = self.vectors == Vectors::Avx512;
        let (op, length, limit, most) = match (from, to) {
            (Dtype::F32, Dtype::I32) => (Op::F32ToI32, target, 2f64.powi(31), i64::from(i32::MAX)),
            (Dtype::F64, Dtype::I32) if wide => (Op::F64ToI32, source, 2f64.powi(31), i64::from(i32::MAX)),
            (Dtype::F32, Dtype::I64) if wide => (Op::F32ToI64, target, 2f64.powi(63), i64::MAX),
            (Dtype::F64, Dtype::I64) if wide => (Op::F64ToI64, target, 2f64.powi(63), i64::MAX),
            _ => return Err(Refusal::Unsupported),
        };
        let rounded = self.one(op, length, x.reg);
        let limit = self.real(limit, from)?;
        let large = self.compare(from, GREATER_OR_EQUAL, source, x.reg, limit)?;
        let large = self.tested(large, from, varying).reg;
        let most = self.literal(Literal::Int(most), to)?.reg;
        let limited = self.choose(to, target, large, most, rounded);
        let number = self.compare(from, ORDERED, source, x.reg, x.reg)?;
        let number = self.tested(number, from, varying).reg;
        let zero = self.literal(Literal::Int(0), to)?.reg;
        let reg = self.choose(to, target, number, limited, zero);
        let reg = self.refilled(reg, from, to, varying);
        Ok(Value { reg, varying, literal: None, width: to.size_bytes() as u32 })
    }
}
