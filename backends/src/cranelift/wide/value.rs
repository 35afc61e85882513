//! Expressions: the vector instructions of every scalar operation.
//!
//! What is the same in all lanes is computed in all lanes of a whole register, so that it can be used
//! at any length.

use super::super::emit::exact_inverse;
use super::Vectors;
use super::code::{Class, Code, Home, Operand, Reg, Vector};
use super::encode::Bytes;
use super::instructions::Op;
use super::nest::{Argument, Generator, Refusal, Wide};
use super::slots::length;
use tcc_ir::loops::{Expr, For, Stmt, Var};
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, Native, ScalarOp, Value as NativeValue, evaluate_scalar};

/// Comparisons of floats and of integers, as the immediates of their instructions.
const EQUAL: (u8, u8) = (0x00, 0);
const NOT_EQUAL: (u8, u8) = (0x04, 4);
const LESS: (u8, u8) = (0x11, 1);
const LESS_OR_EQUAL: (u8, u8) = (0x12, 2);
const GREATER_OR_EQUAL: (u8, u8) = (0x1D, 5);
const GREATER: (u8, u8) = (0x1E, 6);
const UNORDERED: (u8, u8) = (0x03, 3);
const ORDERED: (u8, u8) = (0x07, 7);

/// The lanes that a statement is compiled for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    /// The counter whose values are the lanes; `None`: all lanes are the same.
    pub var: Option<Var>,
    /// Its position among the pieces of the loop.
    pub index: usize,
    /// The value of the counter in the first lane.
    pub first: i64,
    /// How many lanes.
    pub lanes: u32,
}

/// A value in a register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub reg: Reg,
    /// Whether lanes may differ.
    pub varying: bool,
    /// The number that it is, if that is known.
    pub literal: Option<Literal>,
    /// Bytes of a lane; of a mask in a vector register those of what was compared.
    pub width: u32,
}

/// The instruction that puts one element in all lanes.
pub(super) fn broadcast(size: Bytes) -> Op {
    if size == 4 { Op::Broadcast4 } else { Op::Broadcast8 }
}

impl Piece {
    /// Of statements outside vector loops.
    pub fn uniform(vectors: Vectors) -> Piece {
        Piece { var: None, index: 0, first: 0, lanes: vectors.bytes() / 4 }
    }

    /// Those of a vector loop, such that the widest values in it fill a register.
    pub fn of_loop(g: &Generator<'_, '_>, l: &For, lo: i64, hi: i64) -> Wide<Vec<Piece>> {
        let mut widest = 4;
        let mut see = |expr: &Expr| widest = widest.max(g.func.dtype(expr).size_bytes().min(8) as u32);
        for stmt in &l.body {
            match stmt {
                Stmt::Let(var, value) if g.data.contains(var) => data(value, &mut see),
                Stmt::Store(_, _, value) | Stmt::Accumulate(_, _, _, value) => data(value, &mut see),
                Stmt::Let(..) => {}
                Stmt::For(_) | Stmt::If(..) | Stmt::Check(..) | Stmt::Contract(_) => {
                    return Err(Refusal::Unsupported);
                }
            }
        }
        let most = g.vectors.bytes() / widest;
        let mut pieces = Vec::new();
        let mut first = lo;
        while first < hi {
            let left = (hi - first).min(most.into()) as u32;
            // Masks make any number of lanes a piece; without them it is a power of two.
            let lanes = match g.vectors {
                Vectors::Avx512 => left,
                _ => 1 << left.ilog2(),
            };
            pieces.push(Piece { var: Some(l.var), index: pieces.len(), first, lanes });
            first += i64::from(lanes);
        }
        Ok(pieces)
    }
}

/// Shows the parts of an expression that are computed, without indices.
fn data(expr: &Expr, see: &mut dyn FnMut(&Expr)) {
    see(expr);
    if !matches!(expr, Expr::Load(..)) {
        expr.children().iter().for_each(|child| data(child, see));
    }
}

impl<'f> Generator<'_, 'f> {
    /// The value of an expression in the lanes of a piece.
    pub fn value(&mut self, expr: &'f Expr, piece: &Piece) -> Wide<Value> {
        let dtype = self.func.dtype(expr);
        let width = dtype.size_bytes() as u32;
        let uniform = |reg| Value { reg, varying: false, literal: None, width };
        match expr {
            Expr::Const(literal, dtype) => self.literal(*literal, *dtype),
            Expr::Var(var) => {
                if let Some(values) = self.lets.get(var) {
                    let value = values.get(piece.index).or(values.last());
                    return value.copied().ok_or(Refusal::Unsupported);
                }
                if piece.var == Some(*var) {
                    let lanes: Vec<u8> = (0..8).flat_map(|lane| (piece.first + lane).to_le_bytes()).collect();
                    let reg = self.lanes(&lanes);
                    return Ok(Value { reg, varying: true, literal: None, width });
                }
                if let Some(&value) = self.fixed.get(var) {
                    return self.literal(Literal::Int(value), Dtype::I64);
                }
                if let Some(&counter) = self.counters.get(var) {
                    return self.broadcast_general(counter).map(uniform);
                }
                if self.is_outside(expr) && is_passed(dtype) {
                    return Ok(uniform(self.vector_argument(Argument::Var(*var), dtype)));
                }
                Err(Refusal::Unsupported)
            }
            Expr::Symbol(_) => Ok(uniform(self.vector_argument(Argument::Value(expr), dtype))),
            Expr::Load(buffer, indices) => self.read(*buffer, indices, piece),
            Expr::Op(..) if self.is_outside(expr) && is_passed(dtype) && !is_constant(expr) => {
                Ok(uniform(self.vector_argument(Argument::Value(expr), dtype)))
            }
            Expr::Op(ScalarOp::PowInt, dtype, operands) => {
                let exponent = operands[1].as_int().filter(|n| n.unsigned_abs() <= 64);
                let exponent = exponent.ok_or(Refusal::Unsupported)?;
                let base = self.value(&operands[0], piece)?;
                self.power(*dtype, base, exponent, piece)
            }
            Expr::Op(ScalarOp::Div, dtype, operands) if exact_inverse(&operands[1], *dtype).is_some() => {
                let a = self.value(&operands[0], piece)?;
                let inverse = exact_inverse(&operands[1], *dtype).unwrap_or(1.0);
                let inverse = self.literal(Literal::Real(inverse), *dtype)?;
                self.operation(ScalarOp::Mul, *dtype, *dtype, &[a, inverse], piece)
            }
            Expr::Op(ScalarOp::Select, dtype, operands) if dtype.is_float() && limit(operands).is_some() => {
                self.limited(*dtype, operands, piece)
            }
            Expr::Op(ScalarOp::Shl, dtype, operands) if cleared(operands).is_some() => {
                let (value, bits) = cleared(operands).ok_or(Refusal::Unsupported)?;
                let value = self.value(value, piece)?;
                let mask = self.literal(Literal::Int(-1 << bits), *dtype)?;
                let length = self.length(*dtype, value.varying, piece);
                let and = self.of(*dtype, Op::And4, Op::And8);
                let reg = self.two(and, length, value.reg, mask.reg);
                Ok(Value { reg, literal: None, ..value })
            }
            Expr::Op(op, dtype, operands) => {
                let mut values = Vec::with_capacity(3);
                for operand in operands {
                    values.push(self.value(operand, piece)?);
                }
                let from = operands.last().map_or(*dtype, |operand| self.func.dtype(operand));
                self.operation(*op, *dtype, from, &values, piece)
            }
        }
    }

    /// A select between what it compares: the very instruction for the smaller or the larger, which gives
    /// its second operand if one is NaN or both are zeros.
    fn limited(&mut self, dtype: Dtype, operands: &'f [Expr], piece: &Piece) -> Wide<Value> {
        let smaller = limit(operands).ok_or(Refusal::Unsupported)?;
        let yes = self.value(&operands[1], piece)?;
        let no = self.value(&operands[2], piece)?;
        let varying = yes.varying || no.varying;
        let length = self.length(dtype, varying, piece);
        let op = match smaller {
            true => self.of(dtype, Op::MinF32, Op::MinF64),
            false => self.of(dtype, Op::MaxF32, Op::MaxF64),
        };
        let reg = self.two(op, length, yes.reg, no.reg);
        Ok(Value { reg, varying, literal: None, width: dtype.size_bytes() as u32 })
    }

    /// A number in all lanes.
    pub fn literal(&mut self, literal: Literal, dtype: Dtype) -> Wide<Value> {
        let bits = match (evaluate_scalar::literal::<Native>(literal, dtype), dtype) {
            (NativeValue::Real(value), Dtype::F32) => u64::from((value as f32).to_bits()),
            (NativeValue::Real(value), Dtype::F64) => value.to_bits(),
            (NativeValue::Int(value), Dtype::I32 | Dtype::U32) => u64::from(value as u32),
            (NativeValue::Int(value), Dtype::I64) => value as u64,
            (NativeValue::Bool(value), _) => return Ok(self.truth(value, Some(literal))),
            _ => return Err(Refusal::Unsupported),
        };
        let width = dtype.size_bytes() as u32;
        let reg = self.bits(bits, width);
        Ok(Value { reg, varying: false, literal: Some(literal), width })
    }

    /// These bits in all lanes.
    fn bits(&mut self, bits: u64, size: Bytes) -> Reg {
        if let Some(&known) = self.constants.get(&(bits, size)) {
            return known;
        }
        let element = &bits.to_le_bytes()[..size as usize];
        let home = if self.vectors == Vectors::Avx512 {
            Home::Element(self.pool(element, size as usize), size)
        } else {
            let lanes = element.repeat((self.vectors.bytes() / size) as usize);
            Home::Lanes(self.pool(&lanes, 32))
        };
        let reg = self.register(Class::Vector, home);
        self.constants.insert((bits, size), reg);
        reg
    }

    /// True or false in all lanes.
    fn truth(&mut self, value: bool, literal: Option<Literal>) -> Value {
        let reg = if self.vectors == Vectors::Avx512 {
            self.mask(if value { u16::MAX } else { 0 })
        } else {
            self.bits(if value { u64::MAX } else { 0 }, 8)
        };
        Value { reg, varying: false, literal, width: 0 }
    }

    fn real(&mut self, value: f64, dtype: Dtype) -> Wide<Reg> {
        Ok(self.literal(Literal::Real(value), dtype)?.reg)
    }

    fn broadcast_general(&mut self, counter: Reg) -> Wide<Reg> {
        // Not shared between statements: the counter changes.
        let dest = self.vector();
        if self.vectors == Vectors::Avx512 {
            self.push(Code::Vector(Vector::one(Op::General8, 64, dest, Operand::Reg(counter))));
        } else {
            let low = self.vector();
            self.push(Code::Vector(Vector::one(Op::MoveGeneral, 16, low, Operand::Reg(counter))));
            self.push(Code::Vector(Vector::one(Op::Broadcast8X, 32, dest, Operand::Reg(low))));
        }
        Ok(dest)
    }

    /// The length of the registers of an operation.
    fn length(&self, dtype: Dtype, varying: bool, piece: &Piece) -> Bytes {
        if varying { length(piece.lanes * dtype.size_bytes() as u32) } else { self.vectors.bytes() }
    }

    /// A choice between the instructions for elements of 4 and 8 bytes.
    fn of(&self, dtype: Dtype, four: Op, eight: Op) -> Op {
        if dtype.size_bytes() == 8 { eight } else { four }
    }

    fn two(&mut self, op: Op, length: Bytes, a: Reg, b: Reg) -> Reg {
        self.pure(Vector { dest: None, a: Some(a), ..Vector::one(op, length, a, Operand::Reg(b)) })
    }

    fn two_by(&mut self, op: Op, length: Bytes, a: Reg, b: Reg, immediate: u8) -> Reg {
        let two = Vector { dest: None, a: Some(a), ..Vector::one(op, length, a, Operand::Reg(b)) };
        self.pure(Vector { immediate: Some(immediate), ..two })
    }

    fn one(&mut self, op: Op, length: Bytes, a: Reg) -> Reg {
        self.pure(Vector { dest: None, ..Vector::one(op, length, a, Operand::Reg(a)) })
    }

    fn one_by(&mut self, op: Op, length: Bytes, a: Reg, immediate: u8) -> Reg {
        let one = Vector::one(op, length, a, Operand::Reg(a));
        self.pure(Vector { dest: None, immediate: Some(immediate), ..one })
    }

    /// An instruction on mask registers.
    fn masks(&mut self, op: Op, a: Option<Reg>, b: Reg) -> Reg {
        let dest = self.register(Class::Mask, Home::Frame);
        self.pure(Vector { a, ..Vector::one(op, 16, dest, Operand::Reg(b)) })
    }

    /// One operation; `from` is the dtype of the last operand.
    pub fn operation(
        &mut self,
        op: ScalarOp,
        dtype: Dtype,
        from: Dtype,
        x: &[Value],
        piece: &Piece,
    ) -> Wide<Value> {
        use ScalarOp::*;
        let varying = x.iter().any(|value| value.varying);
        let narrow =
            !matches!(from, Dtype::F32 | Dtype::F64 | Dtype::I32 | Dtype::I64 | Dtype::U32 | Dtype::Bool);
        if narrow || dtype.size_bytes() > 8 || dtype.is_complex() {
            return Err(Refusal::Unsupported);
        }
        if matches!(op, IsNan | IsFinite | Eq | Ne | Lt | Le) {
            return self.test(op, from, x, varying, piece);
        }
        if dtype == Dtype::Bool {
            return self.logic(op, from, x, varying, piece);
        }
        let length = self.length(dtype, varying, piece);
        let width = dtype.size_bytes() as u32;
        let reg = match op {
            Select => return self.select(dtype, x, varying, piece),
            Cast => return self.cast(from, dtype, x[0], piece),
            ToBits | FromBits => x[0].reg,
            // The slowest instructions take the longer the more lanes they have.
            Div | Sqrt if !varying => {
                let one = self.float(op, dtype, x, 16)?;
                self.one(broadcast(width), length, one)
            }
            _ if dtype.is_float() => self.float(op, dtype, x, length)?,
            _ => self.integer(op, dtype, x, length)?,
        };
        Ok(Value { reg, varying, literal: None, width })
    }

    fn float(&mut self, op: ScalarOp, dtype: Dtype, x: &[Value], length: Bytes) -> Wide<Reg> {
        use ScalarOp::*;
        let (a, b) = (x[0].reg, x[x.len() - 1].reg);
        // What is a number by itself stands last, where it may be read from memory.
        let (p, q) = if x[0].literal.is_some() { (b, a) } else { (a, b) };
        let add = self.of(dtype, Op::AddF32, Op::AddF64);
        let sub = self.of(dtype, Op::SubF32, Op::SubF64);
        let mul = self.of(dtype, Op::MulF32, Op::MulF64);
        let div = self.of(dtype, Op::DivF32, Op::DivF64);
        let round = self.of(dtype, Op::RoundF32, Op::RoundF64);
        Ok(match op {
            Add => self.two(add, length, p, q),
            Sub => self.two(sub, length, a, b),
            Mul => self.two(mul, length, p, q),
            Div => self.two(div, length, a, b),
            Neg => {
                let sign = self.real(-0.0, dtype)?;
                self.two(self.of(dtype, Op::Xor4, Op::Xor8), length, a, sign)
            }
            Abs => {
                let size = dtype.size_bytes() as u32;
                let bits = self.bits(if size == 4 { 0x7fff_ffff } else { i64::MAX as u64 }, size);
                self.two(self.of(dtype, Op::And4, Op::And8), length, a, bits)
            }
            Fma => {
                let (a, b) = if x[0].literal.is_some() { (x[1].reg, a) } else { (a, x[1].reg) };
                let dest = self.vector();
                let double = dtype == Dtype::F64;
                self.push(Code::Fma { double, length, dest, a, b, c: x[2].reg });
                dest
            }
            FloorDiv | Mod => {
                let quotient = self.two(div, length, a, b);
                let floor = self.one_by(round, length, quotient, 9);
                if op == FloorDiv {
                    return Ok(floor);
                }
                let product = self.two(mul, length, b, floor);
                self.two(sub, length, a, product)
            }
            Min | Max => self.extreme(op, dtype, x, length)?,
            Sign => {
                let (zero, one, minus) =
                    (self.real(0.0, dtype)?, self.real(1.0, dtype)?, self.real(-1.0, dtype)?);
                let negative = self.compare(dtype, LESS, length, a, zero)?;
                let below = self.choose(dtype, length, negative, minus, a);
                let positive = self.compare(dtype, GREATER, length, a, zero)?;
                self.choose(dtype, length, positive, one, below)
            }
            Floor => self.one_by(round, length, a, 9),
            Ceil => self.one_by(round, length, a, 10),
            Round => self.one_by(round, length, a, 8),
            Trunc => self.one_by(round, length, a, 11),
            Sqrt => self.one(self.of(dtype, Op::SqrtF32, Op::SqrtF64), length, a),
            _ => return Err(Refusal::Unsupported),
        })
    }

    /// The smaller or larger of two floats; NaN if either is, and -0 is smaller than +0.
    fn extreme(&mut self, op: ScalarOp, dtype: Dtype, x: &[Value], length: Bytes) -> Wide<Reg> {
        let max = op == ScalarOp::Max;
        let machine =
            if max { self.of(dtype, Op::MaxF32, Op::MaxF64) } else { self.of(dtype, Op::MinF32, Op::MinF64) };
        let add = self.of(dtype, Op::AddF32, Op::AddF64);
        let real = |value: &Value| match value.literal {
            Some(Literal::Real(number)) if !number.is_nan() => Some(number),
            _ => None,
        };
        let (a, b) = (x[0].reg, x[1].reg);
        // The instruction gives its second operand if one is NaN or both are zeros.
        let known = [(real(&x[1]), b, a), (real(&x[0]), a, b)];
        if let Some((Some(number), constant, other)) = known.into_iter().find(|k| k.0.is_some()) {
            let negative_zero = number == 0.0 && number.is_sign_negative();
            if number != 0.0 || negative_zero == max {
                return Ok(self.two(machine, length, constant, other));
            }
            if max {
                let larger = self.two(machine, length, constant, other);
                return Ok(self.two(add, length, larger, constant));
            }
            if !negative_zero {
                return Ok(self.two(machine, length, constant, other));
            }
        }
        if !max {
            // Of unequal zeros the bits of both make -0, and of a NaN and a number a NaN.
            let (one, other) = (self.two(machine, length, a, b), self.two(machine, length, b, a));
            return Ok(self.two(self.of(dtype, Op::Or4, Op::Or8), length, one, other));
        }
        if self.vectors == Vectors::Avx512 {
            let sum = self.two(add, length, a, b);
            let ordered = self.compare(dtype, ORDERED, length, a, b)?;
            let range = self.of(dtype, Op::RangeF32, Op::RangeF64);
            let dest = self.vector();
            self.push(Code::Copy { dest, source: sum });
            self.push(Code::Vector(Vector {
                a: Some(a),
                mask: Some(ordered),
                immediate: Some(5),
                ..Vector::one(range, length, dest, Operand::Reg(b))
            }));
            return Ok(dest);
        }
        let (one, other) = (self.two(machine, length, a, b), self.two(machine, length, b, a));
        let both = self.two(self.of(dtype, Op::And4, Op::And8), length, one, other);
        let unordered = self.compare(dtype, UNORDERED, length, a, b)?;
        Ok(self.two(self.of(dtype, Op::Or4, Op::Or8), length, both, unordered))
    }

    fn integer(&mut self, op: ScalarOp, dtype: Dtype, x: &[Value], length: Bytes) -> Wide<Reg> {
        use ScalarOp::*;
        let (a, b) = (x[0].reg, x[x.len() - 1].reg);
        let (p, q) = if x[0].literal.is_some() { (b, a) } else { (a, b) };
        let size = dtype.size_bytes() as u32;
        let signed = dtype != Dtype::U32;
        let wide = self.vectors == Vectors::Avx512;
        if size == 8 && !wide && matches!(op, Mul | Min | Max | Abs | Sign | Shr) {
            return Err(Refusal::Unsupported);
        }
        let min = self.of(dtype, if signed { Op::MinI32 } else { Op::MinU32 }, Op::MinI64);
        let max = self.of(dtype, if signed { Op::MaxI32 } else { Op::MaxU32 }, Op::MaxI64);
        Ok(match op {
            Add => self.two(self.of(dtype, Op::AddI32, Op::AddI64), length, p, q),
            Sub => self.two(self.of(dtype, Op::SubI32, Op::SubI64), length, a, b),
            Mul => self.two(self.of(dtype, Op::MulI32, Op::MulI64), length, p, q),
            Neg => {
                let zero = self.bits(0, size);
                self.two(self.of(dtype, Op::SubI32, Op::SubI64), length, zero, a)
            }
            Min => self.two(min, length, p, q),
            Max => self.two(max, length, p, q),
            Abs if signed => self.one(self.of(dtype, Op::AbsI32, Op::AbsI64), length, a),
            Abs => a,
            Sign => {
                let one = self.bits(1, size);
                let above = self.two(min, length, a, one);
                if !signed {
                    return Ok(above);
                }
                let minus = self.bits(u64::MAX, size);
                self.two(max, length, above, minus)
            }
            Xor => self.two(self.of(dtype, Op::Xor4, Op::Xor8), length, p, q),
            Shl | Shr => {
                let bits = 8 * i64::from(size);
                let number = match x[1].literal {
                    Some(Literal::Int(number)) => Some(number),
                    _ => None,
                };
                match number {
                    Some(by) if (0..bits).contains(&by) => {
                        let op = match op {
                            Shl => self.of(dtype, Op::ShlByI32, Op::ShlByI64),
                            _ if !signed => Op::ShrByU32,
                            _ => self.of(dtype, Op::ShrByI32, Op::ShrByI64),
                        };
                        self.one_by(op, length, a, by as u8)
                    }
                    _ => {
                        // The counts are unsigned, and a count that is too large shifts everything out.
                        let op = match op {
                            Shl => self.of(dtype, Op::ShlI32, Op::ShlI64),
                            _ if !signed => Op::ShrU32,
                            _ => self.of(dtype, Op::ShrI32, Op::ShrI64),
                        };
                        self.two(op, length, a, b)
                    }
                }
            }
            _ => return Err(Refusal::Unsupported),
        })
    }

    /// A comparison: a mask.
    fn compare(&mut self, dtype: Dtype, how: (u8, u8), length: Bytes, a: Reg, b: Reg) -> Wide<Reg> {
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

    fn not(&mut self, mask: Reg, length: Bytes) -> Reg {
        if self.vectors == Vectors::Avx512 {
            return self.masks(Op::MaskNot, None, mask);
        }
        let all = self.bits(u64::MAX, 8);
        self.two(Op::Xor4, length, mask, all)
    }

    fn test(&mut self, op: ScalarOp, from: Dtype, x: &[Value], varying: bool, piece: &Piece) -> Wide<Value> {
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

    fn logic(&mut self, op: ScalarOp, from: Dtype, x: &[Value], varying: bool, piece: &Piece) -> Wide<Value> {
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
    fn choose(&mut self, dtype: Dtype, length: Bytes, mask: Reg, yes: Reg, no: Reg) -> Reg {
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

    fn select(&mut self, dtype: Dtype, x: &[Value], varying: bool, piece: &Piece) -> Wide<Value> {
        let width = dtype.size_bytes() as u32;
        if self.vectors != Vectors::Avx512 && x[0].varying && x[0].width != width {
            return Err(Refusal::Unsupported);
        }
        let length = self.length(dtype, varying, piece);
        let reg = self.choose(dtype, length, x[0].reg, x[1].reg, x[2].reg);
        Ok(Value { reg, varying, literal: None, width })
    }

    fn cast(&mut self, from: Dtype, to: Dtype, x: Value, piece: &Piece) -> Wide<Value> {
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
            (F32 | F64, I32 | I64) => return self.float_to_integer(from, to, x, piece),
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
    fn float_to_integer(&mut self, from: Dtype, to: Dtype, x: Value, piece: &Piece) -> Wide<Value> {
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

    /// The same products in the same order as of a scalar.
    fn power(&mut self, dtype: Dtype, base: Value, exponent: i64, piece: &Piece) -> Wide<Value> {
        if !dtype.is_float() {
            return Err(Refusal::Unsupported);
        }
        let one = self.literal(Literal::Real(1.0), dtype)?;
        let (mut result, mut power): (Option<Value>, Value) = (None, base);
        let mut count = exponent.unsigned_abs();
        while count > 0 {
            if count & 1 == 1 {
                result = Some(match result {
                    None => power,
                    Some(result) => self.operation(ScalarOp::Mul, dtype, dtype, &[result, power], piece)?,
                });
            }
            count >>= 1;
            if count > 0 {
                power = self.operation(ScalarOp::Mul, dtype, dtype, &[power, power], piece)?;
            }
        }
        let result = result.unwrap_or(one);
        if exponent < 0 {
            return self.operation(ScalarOp::Div, dtype, dtype, &[one, result], piece);
        }
        Ok(result)
    }
}

/// Whether a select gives the smaller (true) or the larger of two values: `select(a < b, a, b)` or
/// `select(a < b, b, a)`.
fn limit(operands: &[Expr]) -> Option<bool> {
    let [Expr::Op(ScalarOp::Lt, _, compared), yes, no] = operands else { return None };
    let [a, b] = compared.as_slice() else { return None };
    match (a == yes && b == no, a == no && b == yes) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

/// The value and the number of its lowest bits that `shl(shr(value, bits), bits)` clears.
fn cleared(operands: &[Expr]) -> Option<(&Expr, i64)> {
    let [Expr::Op(ScalarOp::Shr, dtype, inner), by] = operands else { return None };
    let bits = by.as_int().filter(|bits| (0..8 * dtype.size_bytes() as i64).contains(bits))?;
    (inner[1].as_int() == Some(bits) && matches!(dtype, Dtype::I32 | Dtype::I64)).then(|| (&inner[0], bits))
}

/// Whether the value of an expression of a caller can be an argument.
fn is_passed(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F32 | Dtype::F64 | Dtype::I32 | Dtype::I64 | Dtype::U32)
}

fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Const(..) => true,
        Expr::Op(..) => expr.children().iter().all(is_constant),
        Expr::Var(_) | Expr::Symbol(_) | Expr::Load(..) => false,
    }
}
