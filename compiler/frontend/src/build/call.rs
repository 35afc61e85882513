//! Built-in functions.

use super::body::Body;
use super::value::Value;
use crate::ast::Span;
use crate::check::Reported;
use crate::check::dtypes::{self, Numeric};
use crate::check::functions::{Builtin, Composite, Field, name_of};
use crate::check::resolved::Expr;
use crate::diagnostic::{Code, Diagnostic};
use tcc_ir::Dtype;
use tcc_ir::graph::ValueId;
use tcc_ir::scalar::ScalarOp;

impl Body<'_, '_> {
    pub fn call(&mut self, builtin: Builtin, arguments: &[Expr], span: Span) -> Result<Value, Reported> {
        if let Builtin::Logic(op) = builtin {
            let values: Vec<_> = arguments.iter().map(|argument| self.condition(argument)).collect();
            let values = values.into_iter().collect::<Result<Vec<_>, _>>()?;
            let ids: Vec<ValueId> = values.iter().map(|value| value.id).collect();
            let id = self.all.builder.map(op, &ids);
            let data = values.iter().any(|value| value.data);
            return Ok(Value::plain(id, Numeric::strong(Dtype::Bool), data));
        }
        let values: Vec<_> = arguments.iter().map(|argument| self.expr(argument)).collect();
        let values = values.into_iter().collect::<Result<Vec<_>, _>>()?;
        let numerics: Vec<Numeric> = values.iter().map(|value| self.numeric(value)).collect();
        let result = dtypes::function(builtin, &numerics);
        let joined = numerics.iter().copied().reduce(dtypes::join).unwrap_or(result);
        if joined.dtype.is_complex() && !takes_complex(builtin) {
            return Err(self.error(
                Diagnostic::new(
                    Code::ComplexOrder,
                    format!("{} is not defined for complex numbers", name_of(builtin)),
                )
                .label(span, format!("{} here", joined.dtype))
                .help("take a real part first: re(..), im(..) or abs(..)"),
            ));
        }
        let data = values.iter().any(|value| value.data);
        let id = match builtin {
            Builtin::Float(op) => {
                let operands: Vec<ValueId> = values.iter().map(|v| self.cast(v, result.dtype)).collect();
                self.all.builder.map(op, &operands)
            }
            Builtin::Ordered(op) => {
                let operands: Vec<ValueId> = values.iter().map(|v| self.cast(v, result.dtype)).collect();
                self.all.builder.map(op, &operands)
            }
            Builtin::Round(op) => {
                let operand = self.cast(&values[0], result.dtype);
                if result.dtype.is_int() {
                    return Ok(Value { id: operand, ..values[0].clone() });
                }
                self.all.builder.map(op, &[operand])
            }
            Builtin::Classify(op) => {
                let operand = self.cast(&values[0], joined.as_float().dtype);
                self.all.builder.map(op, &[operand])
            }
            Builtin::Bits(op) => self.bits(op, &values, joined, span)?,
            Builtin::Field(field) => self.field(field, &values[0], joined),
            Builtin::Composite(composite) => self.composite(composite, &values[0], result),
            Builtin::Logic(_) => return Err(Reported),
        };
        let mut value = Value::plain(id, result, data);
        if let (Builtin::Ordered(op @ (ScalarOp::Min | ScalarOp::Max)), Dtype::I64) = (builtin, result.dtype)
        {
            value.bounds = self.extreme_bounds(op, &values);
        }
        Ok(value)
    }

    /// The interval of `max(a, b)` or `min(a, b)`, where one end is the same for both or comparable.
    fn extreme_bounds(&self, op: ScalarOp, values: &[Value]) -> Option<crate::check::ranges::Bounds> {
        let facts = self.facts();
        let (a, b) = (self.bounds(&values[0])?, self.bounds(&values[1])?);
        let greater = |x: &tcc_ir::Extent, y: &tcc_ir::Extent| {
            let difference = x.clone() - y.clone();
            if facts.nonnegative(&difference) {
                Some((y.clone(), x.clone()))
            } else if facts.nonnegative(&-difference) {
                Some((x.clone(), y.clone()))
            } else {
                None
            }
        };
        let (low, high) = (greater(&a.low, &b.low)?, greater(&a.high, &b.high)?);
        let (low, high) = if op == ScalarOp::Max { (low.1, high.1) } else { (low.0, high.0) };
        Some(crate::check::ranges::Bounds { low, high, tight: false })
    }

    fn bits(
        &mut self,
        op: ScalarOp,
        values: &[Value],
        joined: Numeric,
        span: Span,
    ) -> Result<ValueId, Reported> {
        let xor = op == ScalarOp::Xor && joined.dtype == Dtype::Bool;
        let numeric = if xor { joined } else { joined.as_number() };
        if !numeric.dtype.is_int() && !xor {
            return Err(self.error(
                Diagnostic::new(Code::OperandType, format!("{op} takes integers, not {}", numeric.dtype))
                    .label(span, format!("{} here", numeric.dtype))
                    .help("convert first: u32(..) or i64(..)"),
            ));
        }
        let operands: Vec<ValueId> = values.iter().map(|v| self.cast(v, numeric.dtype)).collect();
        Ok(self.all.builder.map(op, &operands))
    }

    fn field(&mut self, field: Field, value: &Value, joined: Numeric) -> ValueId {
        let complex = joined.dtype.is_complex();
        let keeps = matches!(field, Field::Abs | Field::Re | Field::Im | Field::Conj);
        let numeric = if keeps { joined.as_number() } else { joined.as_float() };
        let operand = self.cast(value, numeric.dtype);
        if complex {
            return match field {
                Field::Exp => self.complex_exp(operand),
                Field::Log => self.complex_log(operand),
                Field::Sqrt => self.complex_sqrt(operand),
                Field::Abs => self.complex_abs(operand),
                Field::Sin => self.complex_sine(operand, false),
                Field::Cos => self.complex_sine(operand, true),
                Field::Tanh => self.complex_tanh(operand),
                Field::Re => self.all.builder.map(ScalarOp::Re, &[operand]),
                Field::Im => self.all.builder.map(ScalarOp::Im, &[operand]),
                Field::Conj => self.all.builder.map(ScalarOp::Conj, &[operand]),
            };
        }
        let builder = &mut self.all.builder;
        match field {
            Field::Exp => builder.map(ScalarOp::Exp, &[operand]),
            Field::Log => builder.map(ScalarOp::Log, &[operand]),
            Field::Sqrt => builder.map(ScalarOp::Sqrt, &[operand]),
            Field::Abs => builder.map(ScalarOp::Abs, &[operand]),
            Field::Sin => builder.map(ScalarOp::Sin, &[operand]),
            Field::Cos => builder.map(ScalarOp::Cos, &[operand]),
            Field::Tanh => builder.map(ScalarOp::Tanh, &[operand]),
            Field::Re | Field::Conj => operand,
            Field::Im => {
                // The imaginary part of a real number keeps its axes.
                let axes = builder.ty(operand).axes.clone();
                let zero = builder.number(0, numeric.dtype);
                builder.broadcast(zero, &axes)
            }
        }
    }

    fn composite(&mut self, composite: Composite, value: &Value, result: Numeric) -> ValueId {
        let dtype = if composite == Composite::Cis { result.dtype.part() } else { result.dtype };
        let x = self.cast(value, dtype);
        let builder = &mut self.all.builder;
        let (zero, one) = (builder.number(0, dtype), builder.number(1, dtype));
        match composite {
            Composite::Cis => self.cis(x),
            Composite::Relu => builder.map(ScalarOp::Max, &[x, zero]),
            Composite::Sqr => builder.map(ScalarOp::Mul, &[x, x]),
            Composite::Sigmoid | Composite::Silu => {
                let negative = builder.map(ScalarOp::Neg, &[x]);
                let exp = builder.map(ScalarOp::Exp, &[negative]);
                let sum = builder.map(ScalarOp::Add, &[one, exp]);
                builder.map(ScalarOp::Div, &[if composite == Composite::Silu { x } else { one }, sum])
            }
            Composite::Softplus => {
                let size = builder.map(ScalarOp::Abs, &[x]);
                let negative = builder.map(ScalarOp::Neg, &[size]);
                let exp = builder.map(ScalarOp::Exp, &[negative]);
                let log = builder.map(ScalarOp::Log1p, &[exp]);
                let positive = builder.map(ScalarOp::Max, &[x, zero]);
                builder.map(ScalarOp::Add, &[positive, log])
            }
        }
    }
}

fn takes_complex(builtin: Builtin) -> bool {
    matches!(builtin, Builtin::Field(_) | Builtin::Composite(Composite::Sqr))
}
