//! Vector loops: the lanes as 128-bit vectors where every operation is legal on them.
//!
//! Cranelift rejects (or panics on) what a target has no vector instruction for, so legality is
//! decided here before anything is emitted. A loop that is not legal runs its lanes one by one.

use super::emit::{Emitter, exact_inverse};
use super::scalar::Ops;
use super::types::{memory_type, value_type, vector_type};
use super::unsupported;
use crate::BackendError;
use cranelift::codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift::codegen::ir::{ConstantData, Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use std::collections::{HashMap, HashSet};
use tcc_ir::loops::{BufferId, Expr, For, Stmt, Var};
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, Kind, Native, ScalarOp, Value as NativeValue, evaluate_scalar};

/// What is known about a vector loop while it is checked and emitted.
struct Lanes {
    /// The counter.
    var: Var,
    /// First value of the counter.
    lo: i64,
    /// Bytes of every lane; all values of the loop have this width.
    width: u32,
    /// Variables whose value differs between lanes.
    varying: HashSet<Var>,
    /// Those among them that exist as vectors (the others only occur in places).
    usable: HashSet<Var>,
    /// Their values, one per chunk.
    values: HashMap<Var, Vec<Value>>,
    /// Vectors of expressions that are the same in all lanes.
    splats: HashMap<*const Expr, Value>,
}

impl Lanes {
    fn is_varying(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Var(var) => self.varying.contains(var),
            _ => expr.children().iter().any(|child| self.is_varying(child)),
        }
    }

    /// Whether vectors hold values of the dtype.
    fn holds(&self, dtype: Dtype) -> bool {
        vector_type(dtype).is_some() && dtype.size_bytes() as u32 == self.width
    }
}

impl<'f> Emitter<'f, '_> {
    /// Emits a vector loop; `false` if it has to run lane by lane. Lanes that fill no vector do.
    pub fn vector_loop(&mut self, l: &'f For, lo: i64, hi: i64) -> Result<bool, BackendError> {
        let Some(mut lanes) = self.legal(l, lo, hi) else { return Ok(false) };
        let step = i64::from(16 / lanes.width);
        let rest = lo + (hi - lo) / step * step;
        for stmt in &l.body {
            for chunk in 0..((hi - lo) / step) as usize {
                self.fixed[l.var.index()] = Some(lo + chunk as i64 * step);
                self.vector_stmt(&mut lanes, stmt, chunk)?;
            }
        }
        self.fixed[l.var.index()] = None;
        self.unrolled(l, rest, hi)?;
        Ok(true)
    }

    /// Whether the loop can run as vectors.
    pub fn is_vector_loop(&self, l: &For, lo: i64, hi: i64) -> bool {
        self.legal(l, lo, hi).is_some()
    }

    /// Decides whether every statement is legal on vectors.
    fn legal(&self, l: &For, lo: i64, hi: i64) -> Option<Lanes> {
        let width = l.body.iter().find_map(|stmt| match stmt {
            Stmt::Store(buffer, ..) | Stmt::Accumulate(_, buffer, ..) => {
                Some(self.func.buffer(*buffer).dtype.size_bytes() as u32)
            }
            _ => None,
        })?;
        if !matches!(width, 4 | 8) || hi - lo < i64::from(16 / width) {
            return None;
        }
        let mut lanes = Lanes {
            var: l.var,
            lo,
            width,
            varying: HashSet::from([l.var]),
            usable: HashSet::new(),
            values: HashMap::new(),
            splats: HashMap::new(),
        };
        for stmt in &l.body {
            match stmt {
                Stmt::Let(var, value) => {
                    if lanes.is_varying(value) {
                        lanes.varying.insert(*var);
                        if self.legal_value(&lanes, value) {
                            lanes.usable.insert(*var);
                        }
                    }
                }
                Stmt::Store(buffer, indices, value) => {
                    self.legal_store(&lanes, *buffer, indices, value)?;
                }
                Stmt::Accumulate(op, buffer, indices, value) => {
                    self.legal_store(&lanes, *buffer, indices, value)?;
                    let dtype = self.func.buffer(*buffer).dtype;
                    if !legal_op(op.scalar_op()?, dtype, dtype) {
                        return None;
                    }
                }
                Stmt::For(_) | Stmt::If(..) | Stmt::Check(..) | Stmt::Contract(_) => return None,
            }
        }
        Some(lanes)
    }

    fn legal_store(&self, lanes: &Lanes, buffer: BufferId, indices: &[Expr], value: &Expr) -> Option<()> {
        let dtype = self.func.buffer(buffer).dtype;
        let contiguous = self.lane_stride(lanes, buffer, indices)? == i64::from(lanes.width);
        (lanes.holds(dtype) && contiguous && self.legal_value(lanes, value)).then_some(())
    }

    /// Bytes between the places of neighbouring lanes; `None` if they are not evenly spaced.
    fn lane_stride(&self, lanes: &Lanes, buffer: BufferId, indices: &[Expr]) -> Option<i64> {
        let place = self.places.lookup(buffer, indices)?;
        if place.opaque.iter().any(|(expr, _)| lanes.is_varying(expr)) {
            return None;
        }
        let mut stride = 0;
        for &(var, coefficient) in &place.terms {
            if var == lanes.var {
                stride = self.places.number(coefficient)?;
            } else if lanes.varying.contains(&var) {
                return None;
            }
        }
        Some(stride)
    }

    fn legal_value(&self, lanes: &Lanes, expr: &Expr) -> bool {
        let dtype = self.func.dtype(expr);
        if !lanes.holds(dtype) && dtype != Dtype::Bool {
            return false;
        }
        if !lanes.is_varying(expr) {
            return true;
        }
        match expr {
            Expr::Var(var) => lanes.usable.contains(var),
            Expr::Load(buffer, indices) => {
                dtype != Dtype::Bool && self.lane_stride(lanes, *buffer, indices).is_some()
            }
            Expr::Op(ScalarOp::PowInt, _, operands) => {
                dtype.is_float()
                    && operands[1].as_int().is_some_and(|n| n.unsigned_abs() <= 64)
                    && self.legal_value(lanes, &operands[0])
            }
            Expr::Op(op @ (ScalarOp::Shl | ScalarOp::Shr), _, operands) => {
                let bits = 8 * i64::from(lanes.width);
                legal_op(*op, dtype, dtype)
                    && operands[1].as_int().is_some_and(|by| (0..bits).contains(&by))
                    && self.legal_value(lanes, &operands[0])
            }
            Expr::Op(op, _, operands) => {
                let from = operands.last().map_or(dtype, |operand| self.func.dtype(operand));
                legal_op(*op, dtype, from) && operands.iter().all(|operand| self.legal_value(lanes, operand))
            }
            Expr::Const(..) | Expr::Symbol(_) => true,
        }
    }

    fn vector_stmt(&mut self, lanes: &mut Lanes, stmt: &'f Stmt, chunk: usize) -> Result<(), BackendError> {
        match stmt {
            Stmt::Let(var, value) => {
                if !lanes.varying.contains(var) {
                    if chunk == 0 {
                        let value = self.expr(value)?;
                        self.define(*var, value);
                    }
                } else if lanes.usable.contains(var) {
                    let value = self.vector(lanes, value, chunk)?;
                    lanes.values.entry(*var).or_default().push(value);
                }
                Ok(())
            }
            Stmt::Store(buffer, indices, value) => {
                let value = self.vector(lanes, value, chunk)?;
                self.vector_store(*buffer, indices, value)
            }
            Stmt::Accumulate(op, buffer, indices, value) => {
                let value = self.vector(lanes, value, chunk)?;
                let old = self.vector_load(lanes, *buffer, indices, chunk)?;
                let dtype = self.func.buffer(*buffer).dtype;
                let op = op.scalar_op().unwrap_or(ScalarOp::Add);
                let new = self.ops().vector(op, dtype, dtype, &[old, value])?;
                self.vector_store(*buffer, indices, new)
            }
            Stmt::For(_) | Stmt::If(..) | Stmt::Check(..) | Stmt::Contract(_) => {
                Err(unsupported("control flow in a vector loop"))
            }
        }
    }

    fn vector_store(
        &mut self,
        buffer: BufferId,
        indices: &'f [Expr],
        value: Value,
    ) -> Result<(), BackendError> {
        if let Some(slot) = self.slot(buffer, indices)? {
            self.b.def_var(slot.variable, value);
            return Ok(());
        }
        let (pointer, offset) = self.address(buffer, indices)?;
        let flags = self.flags(buffer);
        self.b.ins().store(flags, value, pointer, offset);
        Ok(())
    }

    fn vector_load(
        &mut self,
        lanes: &Lanes,
        buffer: BufferId,
        indices: &'f [Expr],
        chunk: usize,
    ) -> Result<Value, BackendError> {
        let dtype = self.func.buffer(buffer).dtype;
        let ty = lane_type(dtype)?;
        let flags = self.flags(buffer);
        if let Some(slot) = self.slot(buffer, indices)? {
            return Ok(self.b.use_var(slot.variable));
        }
        let stride = self.lane_stride(lanes, buffer, indices);
        if stride == Some(i64::from(lanes.width)) {
            let (pointer, offset) = self.address(buffer, indices)?;
            return Ok(self.b.ins().load(ty, flags, pointer, offset));
        }
        let first = lanes.lo + (chunk as u32 * ty.lane_count()) as i64;
        let mut vector = None;
        for lane in 0..ty.lane_count() {
            self.fixed[lanes.var.index()] = Some(first + i64::from(lane));
            let (pointer, offset) = self.address(buffer, indices)?;
            let element = self.b.ins().load(memory_type(dtype), flags, pointer, offset);
            vector = Some(match vector {
                None => self.b.ins().scalar_to_vector(ty, element),
                Some(vector) => self.b.ins().insertlane(vector, element, lane as u8),
            });
        }
        self.fixed[lanes.var.index()] = Some(first);
        vector.ok_or_else(|| unsupported("a vector without lanes"))
    }

    /// The value of an expression in the lanes of one chunk.
    fn vector(&mut self, lanes: &mut Lanes, expr: &'f Expr, chunk: usize) -> Result<Value, BackendError> {
        if !lanes.is_varying(expr) {
            return self.splat(lanes, expr);
        }
        match expr {
            Expr::Var(var) => {
                let value = lanes.values.get(var).and_then(|values| values.get(chunk)).copied();
                value.ok_or_else(|| unsupported(format!("{var} outside its scope")))
            }
            Expr::Load(buffer, indices) => self.vector_load(lanes, *buffer, indices, chunk),
            Expr::Op(ScalarOp::PowInt, dtype, operands) => {
                let base = self.vector(lanes, &operands[0], chunk)?;
                let exponent = operands[1].as_int().unwrap_or_default();
                self.ops().vector_powi(*dtype, base, exponent)
            }
            Expr::Op(op @ (ScalarOp::Shl | ScalarOp::Shr), _, operands) => {
                let value = self.vector(lanes, &operands[0], chunk)?;
                let by = operands[1].as_int().unwrap_or_default();
                let by = self.ops().int(types::I32, by);
                Ok(match op {
                    ScalarOp::Shl => self.b.ins().ishl(value, by),
                    _ => self.b.ins().sshr(value, by),
                })
            }
            Expr::Op(ScalarOp::Div, dtype, operands) if exact_inverse(&operands[1], *dtype).is_some() => {
                let a = self.vector(lanes, &operands[0], chunk)?;
                let inverse = exact_inverse(&operands[1], *dtype).unwrap_or(1.0);
                let inverse = self.constant(Literal::Real(inverse), *dtype)?;
                Ok(self.b.ins().fmul(a, inverse))
            }
            Expr::Op(op, dtype, operands) => {
                let mut values = Vec::with_capacity(3);
                for operand in operands {
                    values.push(self.vector(lanes, operand, chunk)?);
                }
                let from = operands.last().map_or(*dtype, |operand| self.func.dtype(operand));
                self.ops().vector(*op, *dtype, from, &values)
            }
            Expr::Const(..) | Expr::Symbol(_) => self.splat(lanes, expr),
        }
    }

    fn splat(&mut self, lanes: &mut Lanes, expr: &'f Expr) -> Result<Value, BackendError> {
        if let Some(&known) = lanes.splats.get(&std::ptr::from_ref(expr)) {
            return Ok(known);
        }
        let dtype = self.func.dtype(expr);
        if let (Expr::Const(literal, _), true) = (expr, dtype != Dtype::Bool) {
            let vector = self.constant(*literal, dtype)?;
            lanes.splats.insert(std::ptr::from_ref(expr), vector);
            return Ok(vector);
        }
        let value = self.expr(expr)?.re;
        let vector = if dtype == Dtype::Bool {
            let ty = if lanes.width == 4 { types::I32X4 } else { types::I64X2 };
            let wide = self.b.ins().uextend(ty.lane_type(), value);
            let mask = self.b.ins().ineg(wide);
            self.b.ins().splat(ty, mask)
        } else {
            let ty = lane_type(dtype)?;
            self.b.ins().splat(ty, value)
        };
        lanes.splats.insert(std::ptr::from_ref(expr), vector);
        Ok(vector)
    }
}

impl Emitter<'_, '_> {
    /// A number in all lanes, from the constant pool: a splat would be made anew in every iteration.
    fn constant(&mut self, literal: Literal, dtype: Dtype) -> Result<Value, BackendError> {
        let ty = lane_type(dtype)?;
        let bits = match (evaluate_scalar::literal::<Native>(literal, dtype), dtype) {
            (NativeValue::Real(value), Dtype::F32) => u64::from((value as f32).to_bits()),
            (NativeValue::Real(value), _) => value.to_bits(),
            (NativeValue::Int(value), _) => value as u64,
            _ => return Err(unsupported(format!("a vector of {dtype}"))),
        };
        let element = &bits.to_le_bytes()[..dtype.size_bytes()];
        let bytes = element.repeat(16 / dtype.size_bytes());
        let handle = self.b.func.dfg.constants.insert(ConstantData::from(bytes.as_slice()));
        Ok(self.b.ins().vconst(ty, handle))
    }
}

fn lane_type(dtype: Dtype) -> Result<Type, BackendError> {
    vector_type(dtype).ok_or_else(|| unsupported(format!("a vector of {dtype}")))
}

/// Whether an operation exists on 128-bit vectors on every target. `dtype` is that of the result,
/// `from` that of the last operand; bool stands for a mask.
fn legal_op(op: ScalarOp, dtype: Dtype, from: Dtype) -> bool {
    use ScalarOp::*;
    let float = matches!(dtype, Dtype::F32 | Dtype::F64);
    let int = matches!(dtype, Dtype::I32 | Dtype::I64);
    match op {
        Add | Sub | Mul | Neg => float || int,
        Div | Fma | FloorDiv | Mod | Sign | Floor | Ceil | Round | Trunc | Sqrt => float,
        Min | Max | Abs => float || dtype == Dtype::I32,
        IsNan | IsFinite => true,
        Eq | Ne | Lt | Le => from != Dtype::Bool,
        And | Or | Not => true,
        Xor => int || dtype == Dtype::Bool,
        Shl | Shr => int,
        Select => float || int,
        ToBits | FromBits => true,
        Cast => {
            dtype == from
                || from == Dtype::Bool && (float || int)
                || matches!((from, dtype), (Dtype::I32, Dtype::F32) | (Dtype::F32, Dtype::I32))
        }
        PowInt | Popcount | Re | Im | Conj | MakeComplex => false,
        Pow | Cbrt | Exp | Expm1 | Log | Log1p | Sin | Cos | Tan | Asin | Acos | Atan | Atan2 | Sinh
        | Cosh | Tanh | Asinh | Acosh | Atanh | Erf | Erfc | Hypot => false,
    }
}

impl Ops<'_, '_> {
    /// The same 128 bits as another type.
    fn as_type(&mut self, ty: Type, value: Value) -> Value {
        if self.b.func.dfg.value_type(value) == ty {
            return value;
        }
        let flags = MemFlagsData::new().with_endianness(Endianness::Little);
        self.b.ins().bitcast(ty, flags, value)
    }

    /// Lanes of `a` where the mask is all ones, of `b` where it is zero.
    fn blend(&mut self, mask: Value, a: Value, b: Value) -> Value {
        let ty = self.b.func.dfg.value_type(a);
        let mask = self.as_type(ty, mask);
        self.b.ins().bitselect(mask, a, b)
    }

    fn splat_float(&mut self, dtype: Dtype, value: f64) -> Value {
        let scalar = self.float(value_type(dtype), value);
        let ty = if dtype == Dtype::F32 { types::F32X4 } else { types::F64X2 };
        self.b.ins().splat(ty, scalar)
    }

    /// One operation on vectors; [`legal_op`] has said yes.
    fn vector(
        &mut self,
        op: ScalarOp,
        dtype: Dtype,
        from: Dtype,
        x: &[Value],
    ) -> Result<Value, BackendError> {
        use ScalarOp::*;
        let (a, b) = (x[0], x[x.len() - 1]);
        let float = from.is_float();
        Ok(match op {
            Add if float => self.b.ins().fadd(a, b),
            Add => self.b.ins().iadd(a, b),
            Sub if float => self.b.ins().fsub(a, b),
            Sub => self.b.ins().isub(a, b),
            Mul if float => self.b.ins().fmul(a, b),
            Mul => self.b.ins().imul(a, b),
            Neg if float => self.b.ins().fneg(a),
            Neg => self.b.ins().ineg(a),
            Div => self.b.ins().fdiv(a, b),
            Fma => self.b.ins().fma(a, x[1], b),
            FloorDiv | Mod => {
                let quotient = self.b.ins().fdiv(a, b);
                let floor = self.b.ins().floor(quotient);
                if op == FloorDiv {
                    return Ok(floor);
                }
                let product = self.b.ins().fmul(b, floor);
                self.b.ins().fsub(a, product)
            }
            Sign => {
                let zero = self.splat_float(dtype, 0.0);
                let one = self.splat_float(dtype, 1.0);
                let minus = self.splat_float(dtype, -1.0);
                let negative = self.b.ins().fcmp(FloatCC::LessThan, a, zero);
                let below = self.blend(negative, minus, a);
                let positive = self.b.ins().fcmp(FloatCC::GreaterThan, a, zero);
                self.blend(positive, one, below)
            }
            Floor => self.b.ins().floor(a),
            Ceil => self.b.ins().ceil(a),
            Round => self.b.ins().nearest(a),
            Trunc => self.b.ins().trunc(a),
            Sqrt => self.b.ins().sqrt(a),
            Min if float => self.b.ins().fmin(a, b),
            Min => self.b.ins().smin(a, b),
            Max if float => self.b.ins().fmax(a, b),
            Max => self.b.ins().smax(a, b),
            Abs if float => self.b.ins().fabs(a),
            Abs => self.b.ins().iabs(a),
            IsNan => self.b.ins().fcmp(FloatCC::Unordered, a, a),
            IsFinite => {
                let size = self.b.ins().fabs(a);
                let infinity = self.splat_float(from, f64::INFINITY);
                self.b.ins().fcmp(FloatCC::LessThan, size, infinity)
            }
            Eq | Ne | Lt | Le => self.vector_compare(op, float, a, b),
            And => self.b.ins().band(a, b),
            Or => self.b.ins().bor(a, b),
            Xor => self.b.ins().bxor(a, b),
            Not => self.b.ins().bnot(a),
            Select => self.blend(a, x[1], b),
            ToBits | FromBits => self.as_type(lane_type(dtype)?, a),
            Cast => match (from, dtype) {
                (Dtype::I32, Dtype::F32) => self.b.ins().fcvt_from_sint(types::F32X4, a),
                (Dtype::F32, Dtype::I32) => self.b.ins().fcvt_to_sint_sat(types::I32X4, a),
                (Dtype::Bool, _) if dtype.kind() == Kind::Float => {
                    let one = self.splat_float(dtype, 1.0);
                    let zero = self.splat_float(dtype, 0.0);
                    self.blend(a, one, zero)
                }
                (Dtype::Bool, _) => {
                    let mask = self.as_type(lane_type(dtype)?, a);
                    self.b.ins().ineg(mask)
                }
                _ => a,
            },
            PowInt | Shl | Shr | Popcount | Re | Im | Conj | MakeComplex | Pow | Cbrt | Exp | Expm1 | Log
            | Log1p | Sin | Cos | Tan | Asin | Acos | Atan | Atan2 | Sinh | Cosh | Tanh | Asinh | Acosh
            | Atanh | Erf | Erfc | Hypot => return Err(unsupported(format!("`{op}` on vectors"))),
        })
    }

    fn vector_compare(&mut self, op: ScalarOp, float: bool, a: Value, b: Value) -> Value {
        let conditions = match op {
            ScalarOp::Eq => (FloatCC::Equal, IntCC::Equal),
            ScalarOp::Ne => (FloatCC::NotEqual, IntCC::NotEqual),
            ScalarOp::Lt => (FloatCC::LessThan, IntCC::SignedLessThan),
            _ => (FloatCC::LessThanOrEqual, IntCC::SignedLessThanOrEqual),
        };
        if float { self.b.ins().fcmp(conditions.0, a, b) } else { self.b.ins().icmp(conditions.1, a, b) }
    }

    fn vector_powi(&mut self, dtype: Dtype, base: Value, exponent: i64) -> Result<Value, BackendError> {
        let one = self.splat_float(dtype, 1.0);
        let (mut result, mut power) = (None, base);
        let mut count = exponent.unsigned_abs();
        while count > 0 {
            if count & 1 == 1 {
                result = Some(match result {
                    None => power,
                    Some(result) => self.b.ins().fmul(result, power),
                });
            }
            count >>= 1;
            if count > 0 {
                power = self.b.ins().fmul(power, power);
            }
        }
        let result = result.unwrap_or(one);
        Ok(if exponent < 0 { self.b.ins().fdiv(one, result) } else { result })
    }
}

/// Accumulations that a vector loop may hold have an operation on lanes.
#[cfg(test)]
mod tests {
    use super::*;
    use tcc_ir::ReduceOp;

    #[test]
    fn sums_are_legal_and_arg_reductions_are_not() {
        assert!(ReduceOp::Sum.scalar_op().is_some_and(|op| legal_op(op, Dtype::F32, Dtype::F32)));
        assert!(ReduceOp::ArgMax.scalar_op().is_none());
    }
}
