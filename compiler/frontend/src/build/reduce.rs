//! Reductions, softmax and logsumexp.

use super::body::Body;
use super::value::Value;
use crate::ast::{self, BinaryOp, Span};
use crate::check::Reported;
use crate::check::dtypes::{self, Numeric};
use crate::check::resolved::{Expr, ExprKind, Reduce};
use crate::diagnostic::{Code, Diagnostic, FIX};
use tcc_ir::axis::{Axis, Name};
use tcc_ir::graph::{NormaliseOp, Op, ValueId};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};
use tcc_ir::{Dtype, Extent, Relation, Type};

impl Body<'_, '_> {
    pub fn reduce(&mut self, reduce: &Reduce, span: Span) -> Result<Value, Reported> {
        let active = self.active.len();
        for variable in &reduce.variables {
            if !self.active.contains(variable) {
                self.active.push(*variable);
            }
        }
        let guard = self.guards(&reduce.guards);
        let under = guard.as_ref().ok().and_then(|guard| guard.as_ref().map(|value| value.id));
        let body = self.under(under, |inner| inner.expr(&reduce.body));
        let axes = self.axes(&reduce.variables);
        let result = match (guard, body) {
            (Ok(guard), Ok(body)) => self.combine(reduce, body, guard, &axes, span),
            _ => Err(Reported),
        };
        self.active.truncate(active);
        result
    }

    fn combine(
        &mut self,
        reduce: &Reduce,
        body: Value,
        guard: Option<Value>,
        axes: &[Axis],
        span: Span,
    ) -> Result<Value, Reported> {
        use ast::ReduceOp as R;
        let data = body.data || guard.as_ref().is_some_and(|guard| guard.data);
        let numeric = self.numeric(&body);
        let guard = guard.map(|guard| guard.id);
        let ordered =
            matches!(reduce.op, R::Max | R::Min | R::Argmax | R::Argmin | R::Logsumexp | R::Softmax);
        if ordered && numeric.dtype.is_complex() {
            return Err(self.error(
                Diagnostic::new(Code::ComplexOrder, "complex numbers have no largest or smallest")
                    .label(reduce.op_span, format!("of {}", numeric.dtype))
                    .help("take a real part first: re(..), im(..) or abs(..)"),
            ));
        }
        let result = dtypes::reduction(reduce.op, numeric);
        let id = match reduce.op {
            R::Sum => {
                self.warn_of_overflow(&reduce.body, result.dtype, axes, reduce.op_span);
                self.fold(ReduceOp::Sum, &body, result, guard, axes)
            }
            R::Prod => self.fold(ReduceOp::Prod, &body, result, guard, axes),
            R::Mean => self.mean(&body, result, guard, axes),
            R::Max | R::Min => {
                if result.dtype.is_int() {
                    self.not_empty(guard, axes, reduce.op_span, Code::EmptyMaximum)?;
                }
                let op = if reduce.op == R::Max { ReduceOp::Max } else { ReduceOp::Min };
                self.guarded_reduction(op, &body, result.dtype, guard, axes)
            }
            R::Any | R::All => {
                let truth = self.truth(&body, reduce)?;
                let op = if reduce.op == R::Any { ReduceOp::Any } else { ReduceOp::All };
                let truth = Value { id: truth, ..body };
                self.guarded_reduction(op, &truth, Dtype::Bool, guard, axes)
            }
            R::Argmax | R::Argmin => {
                self.not_empty(guard, axes, reduce.op_span, Code::EmptyMaximum)?;
                self.position_of(reduce.op == R::Argmax, &body, guard, axes)
            }
            R::Logsumexp => self.normalise(NormaliseOp::LogSumExp, &body, result, guard, axes),
            R::Softmax => self.normalise(NormaliseOp::Softmax, &body, result, guard, axes),
        };
        let mut value = Value::plain(id, result, data);
        if matches!(reduce.op, R::Argmax | R::Argmin) {
            let last = axes[0].extent.clone() - Extent::from(1);
            value.bounds = Some(crate::check::ranges::Bounds { low: 0.into(), high: last, tight: false });
        }
        let _ = span;
        Ok(value)
    }

    /// Warns of a sum of products of i32 that accumulates in i32: two factors alone may need 63 bits.
    pub fn warn_of_overflow(&mut self, body: &Expr, dtype: Dtype, axes: &[Axis], span: Span) {
        let ExprKind::Chain(first, rest) = &body.kind else { return };
        let Some(((BinaryOp::Mul, last), before)) = rest.split_last() else { return };
        let reads = |expr: &Expr| {
            let mut found = false;
            expr.walk(&mut |inner| found |= matches!(inner.kind, ExprKind::Read(_)));
            found
        };
        if dtype != Dtype::I32 || self.accumulator(dtype) != Dtype::I32 || !reads(last) {
            return;
        }
        if !reads(first) && !before.iter().any(|(_, factor)| reads(factor)) {
            return;
        }
        let names: Vec<&str> = axes.iter().map(|axis| &*axis.name).collect();
        self.all.found.push(
            Diagnostic::new(Code::OverflowPossible, "integer overflow is possible in this sum")
                .label(span, "accumulates in i32")
                .label(body.span, "a product of i32, which may need 64 bits")
                .help(format!(
                    "summed over {} it may not fit in 32 bits and would wrap; ask for a wider accumulator: @accum(i64)",
                    names.join(", ")
                )),
        );
    }

    fn truth(&mut self, body: &Value, reduce: &Reduce) -> Result<ValueId, Reported> {
        let dtype = self.all.builder.dtype(body.id);
        let bracket = matches!(reduce.body.kind, crate::check::resolved::ExprKind::Iverson(_));
        if dtype == Dtype::Bool || bracket {
            return Ok(self.cast(body, Dtype::Bool));
        }
        Err(self.error(
            Diagnostic::new(Code::OperandType, format!("any and all take truth values, not {dtype}"))
                .label(reduce.body.span, format!("{dtype} here"))
                .help("compare it, in brackets: any[i] (x[i] > 0)"),
        ))
    }

    /// `select(guard, value, identity)` with all axes, reduced.
    fn guarded_reduction(
        &mut self,
        op: ReduceOp,
        body: &Value,
        dtype: Dtype,
        guard: Option<ValueId>,
        axes: &[Axis],
    ) -> ValueId {
        let value = self.cast(body, dtype);
        let value = self.masked(value, Literal::identity(op, dtype), guard);
        self.reduce_axes(op, value, axes)
    }

    fn masked(&mut self, value: ValueId, otherwise: Literal, guard: Option<ValueId>) -> ValueId {
        let Some(guard) = guard else { return value };
        let dtype = self.all.builder.dtype(value);
        let identity = self.all.builder.constant(otherwise, dtype);
        self.all.builder.select(guard, value, identity)
    }

    /// Reduces along axes, which the value may not depend on.
    pub fn reduce_axes(&mut self, op: ReduceOp, value: ValueId, axes: &[Axis]) -> ValueId {
        let value = self.all.builder.broadcast(value, axes);
        let names: Vec<Name> = axes.iter().map(|axis| axis.name.clone()).collect();
        self.all.builder.reduce(op, &names, value)
    }

    /// A sum or product; half precision is accumulated in f32, and `@accum` decides for all.
    pub fn fold(
        &mut self,
        op: ReduceOp,
        body: &Value,
        result: Numeric,
        guard: Option<ValueId>,
        axes: &[Axis],
    ) -> ValueId {
        let accumulator = self.accumulator(result.dtype);
        let reduced = self.guarded_reduction(op, body, accumulator, guard, axes);
        self.all.builder.cast(reduced, result.dtype)
    }

    /// The dtype in which values of `dtype` are summed.
    pub fn accumulator(&mut self, dtype: Dtype) -> Dtype {
        let wanted = match (self.equation.accumulator, dtype) {
            (Some((wanted, span)), _) if wanted.is_int() && !dtype.is_int() => {
                let body = self.equation.body.span;
                self.error(
                    Diagnostic::new(
                        Code::AttributeArguments,
                        format!("{dtype} cannot accumulate in {wanted}"),
                    )
                    .label(span, "an integer type")
                    .label(body, format!("sums of {dtype} here"))
                    .help("choose a float type, or round what is summed: i64(round(..))"),
                );
                dtype
            }
            (Some((wanted, _)), _) => wanted,
            (None, Dtype::F16 | Dtype::BF16) => Dtype::F32,
            (None, other) => other,
        };
        if dtype.is_complex() && !wanted.is_complex() {
            return if wanted == Dtype::F64 { Dtype::C128 } else { Dtype::C64 };
        }
        wanted
    }

    /// The sum divided by the number of terms.
    fn mean(&mut self, body: &Value, result: Numeric, guard: Option<ValueId>, axes: &[Axis]) -> ValueId {
        let accumulator = self.accumulator(result.dtype);
        let sum = self.guarded_reduction(ReduceOp::Sum, body, accumulator, guard, axes);
        let count = match guard {
            None => {
                let extents = axes.iter().map(|axis| &axis.extent);
                match crate::check::ranges::product_of(extents) {
                    Some(product) => self.all.builder.size(&product),
                    None => {
                        let one = self.all.builder.number(1, Dtype::I64);
                        axes.iter().fold(one, |product, axis| {
                            let size = self.all.builder.size(&axis.extent);
                            self.all.builder.map(ScalarOp::Mul, &[product, size])
                        })
                    }
                }
            }
            Some(guard) => {
                let ones = self.all.builder.cast(guard, Dtype::I64);
                self.reduce_axes(ReduceOp::Sum, ones, axes)
            }
        };
        let count = self.all.builder.cast(count, accumulator);
        let mean = self.all.builder.map(ScalarOp::Div, &[sum, count]);
        self.all.builder.cast(mean, result.dtype)
    }

    /// States that a reduction without a value for no elements has some.
    fn not_empty(
        &mut self,
        guard: Option<ValueId>,
        axes: &[Axis],
        span: Span,
        code: Code,
    ) -> Result<(), Reported> {
        let message = "a maximum or minimum over nothing";
        // The indices of the reduction themselves prove nothing about their sizes.
        let active = self.active.len();
        self.active.truncate(active - axes.len().min(active));
        let facts = self.facts();
        let mut result = Ok(());
        for axis in axes {
            if facts.nonnegative(&(axis.extent.clone() - Extent::from(1))) {
                continue;
            }
            if axis.extent.as_const() == Some(0) && !self.guarded() {
                result = Err(self.error(
                    Diagnostic::new(code, format!("{message}: {} takes no value", axis.name))
                        .label(span, "has no value for integers, and no position")
                        .help("reduce over at least one element"),
                ));
            } else if !self.guarded() && guard.is_none() {
                let text = format!(
                    "{message}: {} takes {{right}} values{FIX}reduce over at least one element",
                    axis.name
                );
                self.require(Extent::from(1), Relation::Le, axis.extent.clone(), code, &text, span);
            }
        }
        if let (Some(guard), Ok(())) = (guard, result) {
            let some = self.reduce_axes(ReduceOp::Any, guard, axes);
            let fix = "give a value where the guard never holds: reduce `if GUARD then x else VALUE`";
            self.check(some, Code::RuntimeEmptyReduction, message, fix, span);
        }
        for variable in axes.iter().filter_map(|axis| self.variable_of(axis)).collect::<Vec<_>>() {
            if !self.active.contains(&variable) {
                self.active.push(variable);
            }
        }
        result
    }

    fn variable_of(&self, axis: &Axis) -> Option<crate::check::resolved::VariableId> {
        let position = self.equation.variables.iter().position(|variable| variable.axis == axis.name)?;
        Some(crate::check::resolved::VariableId(position as u32))
    }

    /// argmax, argmin. With a guard: the first position where the guard holds and the value is the
    /// extreme one (or NaN, which the extreme one then is).
    fn position_of(&mut self, max: bool, body: &Value, guard: Option<ValueId>, axes: &[Axis]) -> ValueId {
        let numeric = self.numeric(body).as_number();
        let (find, extreme) =
            if max { (ReduceOp::ArgMax, ReduceOp::Max) } else { (ReduceOp::ArgMin, ReduceOp::Min) };
        let value = self.cast(body, numeric.dtype);
        let Some(guard) = guard else { return self.reduce_axes(find, value, axes) };
        let masked = self.masked(value, Literal::identity(extreme, numeric.dtype), Some(guard));
        let best = self.reduce_axes(extreme, masked, axes);
        let builder = &mut self.all.builder;
        let mut hit = builder.map(ScalarOp::Eq, &[value, best]);
        if numeric.dtype.is_float() {
            let nan = builder.map(ScalarOp::IsNan, &[value]);
            hit = builder.or(hit, nan);
        }
        let hit = builder.and(guard, hit);
        let index = builder.index(&axes[0]);
        let index = self.masked(index, Literal::Int(i64::MAX), Some(hit));
        self.reduce_axes(ReduceOp::Min, index, axes)
    }

    fn normalise(
        &mut self,
        op: NormaliseOp,
        body: &Value,
        result: Numeric,
        guard: Option<ValueId>,
        axes: &[Axis],
    ) -> ValueId {
        let dtype = match result.dtype {
            Dtype::F16 | Dtype::BF16 => Dtype::F32,
            other => other,
        };
        let value = self.cast(body, dtype);
        let value = self.masked(value, Literal::Real(f64::NEG_INFINITY), guard);
        let value = self.all.builder.broadcast(value, axes);
        let names = axes.iter().map(|axis| axis.name.clone()).collect();
        let id = self.all.builder.add(Op::Normalise { op, axes: names, value }, &Type::scalar(Dtype::F64));
        self.all.builder.cast(id, result.dtype)
    }
}
