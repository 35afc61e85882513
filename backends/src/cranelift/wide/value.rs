//! Expressions: the vector instructions of every scalar operation.
//!
//! What is the same in all lanes is computed in all lanes of a whole register, so that it can be used
//! at any length.

use super::super::emit::exact_inverse;
use super::Vectors;
use super::code::{Class, Code, Home, Operand, Reg, Vector};
use super::compare::{GREATER, LESS, ORDERED, UNORDERED};
use super::encode::Bytes;
use super::group::Argument;
use super::instructions::Op;
use super::nest::{Generator, Refusal, Wide};
use super::slots::length;
use tcc_ir::loops::{Expr, For, Stmt, Var};
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, Native, ScalarOp, Value as NativeValue, evaluate_scalar};

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
    pub(super) fn bits(&mut self, bits: u64, size: Bytes) -> Reg {
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

    pub(super) fn real(&mut self, value: f64, dtype: Dtype) -> Wide<Reg> {
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
    pub(super) fn length(&self, dtype: Dtype, varying: bool, piece: &Piece) -> Bytes {
        if varying { length(piece.lanes * dtype.size_bytes() as u32) } else { self.vectors.bytes() }
    }

    /// A choice between the instructions for elements of 4 and 8 bytes.
    pub(super) fn of(&self, dtype: Dtype, four: Op, eight: Op) -> Op {
        if dtype.size_bytes() == 8 { eight } else { four }
    }

    pub(super) fn two(&mut self, op: Op, length: Bytes, a: Reg, b: Reg) -> Reg {
        self.pure(Vector { dest: None, a: Some(a), ..Vector::one(op, length, a, Operand::Reg(b)) })
    }

    pub(super) fn two_by(&mut self, op: Op, length: Bytes, a: Reg, b: Reg, immediate: u8) -> Reg {
        let two = Vector { dest: None, a: Some(a), ..Vector::one(op, length, a, Operand::Reg(b)) };
        self.pure(Vector { immediate: Some(immediate), ..two })
    }

    pub(super) fn one(&mut self, op: Op, length: Bytes, a: Reg) -> Reg {
        self.pure(Vector { dest: None, ..Vector::one(op, length, a, Operand::Reg(a)) })
    }

    fn one_by(&mut self, op: Op, length: Bytes, a: Reg, immediate: u8) -> Reg {
        let one = Vector::one(op, length, a, Operand::Reg(a));
        self.pure(Vector { dest: None, immediate: Some(immediate), ..one })
    }

    /// An instruction on mask registers.
    pub(super) fn masks(&mut self, op: Op, a: Option<Reg>, b: Reg) -> Reg {
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

    pub(super) fn float(&mut self, op: ScalarOp, dtype: Dtype, x: &[Value], length: Bytes) -> Wide<Reg> {
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
