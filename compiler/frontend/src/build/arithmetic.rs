//! Operators and casts.

use super::body::Body;
use super::value::Value;
use crate::ast::{BinaryOp, Span};
use crate::check::Reported;
use crate::check::dtypes::{self, Numeric};
use crate::check::ranges::{self, Bounds};
use crate::check::resolved::{Expr, ExprKind};
use crate::diagnostic::{Code, Diagnostic, FIX};
use tcc_ir::graph::ValueId;
use tcc_ir::scalar::{Literal, ScalarOp};
use tcc_ir::{Dtype, Extent, Kind, Relation};

impl Body<'_, '_> {
    pub fn negate(&mut self, value: &Value) -> Value {
        let numeric = self.numeric(value).as_number();
        let operand = self.cast(value, numeric.dtype);
        let id = match self.all.builder.literal(operand) {
            Some(Literal::Int(known)) => self
                .all
                .builder
                .constant(Literal::Int(numeric.dtype.wrap(known.wrapping_neg())), numeric.dtype),
            Some(Literal::Real(known)) => self.all.builder.constant(Literal::Real(-known), numeric.dtype),
            _ => self.all.builder.map(ScalarOp::Neg, &[operand]),
        };
        let mut result = Value::plain(id, numeric, value.data);
        if numeric.dtype == Dtype::I64 {
            result.place = value.place.clone().map(|place| -place);
            result.bounds =
                value.bounds.clone().map(|b| Bounds { low: -b.high, high: -b.low, tight: b.tight });
        }
        result
    }

    /// Operators of one level, from the left. All operands are looked at, for their own mistakes.
    pub fn chain(&mut self, first: &Expr, rest: &[(BinaryOp, Expr)]) -> Result<Value, Reported> {
        let logical = |op: &BinaryOp| matches!(op, BinaryOp::And | BinaryOp::Or);
        let mut value =
            if rest.iter().any(|(op, _)| logical(op)) { self.condition(first) } else { self.expr(first) };
        let mut span = first.span;
        for (op, operand) in rest {
            value = match op {
                BinaryOp::And | BinaryOp::Or => self.logic(*op, value, operand),
                _ => match (value, self.expr(operand)) {
                    (Ok(left), Ok(right)) => self.binary(*op, &left, &right, span, operand.span),
                    _ => Err(Reported),
                },
            };
            span = span.join(operand.span);
        }
        value
    }

    fn binary(
        &mut self,
        op: BinaryOp,
        left: &Value,
        right: &Value,
        left_span: Span,
        right_span: Span,
    ) -> Result<Value, Reported> {
        match op {
            BinaryOp::Add => Ok(self.linear(ScalarOp::Add, left, right)),
            BinaryOp::Sub => Ok(self.linear(ScalarOp::Sub, left, right)),
            BinaryOp::Mul => Ok(self.linear(ScalarOp::Mul, left, right)),
            BinaryOp::Div => Ok(self.divide(left, right)),
            BinaryOp::FloorDiv => self.floored(ScalarOp::FloorDiv, left, right, left_span, right_span),
            BinaryOp::Mod => self.floored(ScalarOp::Mod, left, right, left_span, right_span),
            BinaryOp::And | BinaryOp::Or => Err(Reported),
        }
    }

    fn logic(
        &mut self,
        op: BinaryOp,
        left: Result<Value, Reported>,
        operand: &Expr,
    ) -> Result<Value, Reported> {
        let known = left.as_ref().ok().map(|value| value.id);
        let protects = known.map(|id| if op == BinaryOp::And { id } else { self.all.builder.not(id) });
        let right = self.under(protects, |body| body.condition(operand));
        let (left, right) = (left?, right?);
        let id = if op == BinaryOp::And {
            self.all.builder.and(left.id, right.id)
        } else {
            self.all.builder.or(left.id, right.id)
        };
        let numeric = Numeric { dtype: Dtype::Bool, weak: left.weak && right.weak };
        Ok(Value::plain(id, numeric, left.data || right.data))
    }

    /// `+ - *`
    pub fn linear(&mut self, op: ScalarOp, a: &Value, b: &Value) -> Value {
        let numeric = dtypes::join(self.numeric(a), self.numeric(b)).as_number();
        let operands = [self.cast(a, numeric.dtype), self.cast(b, numeric.dtype)];
        let id = self.all.builder.map(op, &operands);
        let mut value = Value::plain(id, numeric, a.data || b.data);
        if numeric.dtype != Dtype::I64 {
            return value;
        }
        let combine = |x: &Extent, y: &Extent| match op {
            ScalarOp::Add => x.clone() + y.clone(),
            ScalarOp::Sub => x.clone() - y.clone(),
            _ => x.clone() * y.clone(),
        };
        let few = |e: &&Extent| ranges::small(e);
        if let (Some(x), Some(y)) = (a.place.as_ref().filter(few), b.place.as_ref().filter(few)) {
            value.place = Some(combine(x, y)).filter(ranges::small);
        } else if let (Some(x), Some(y)) = (self.bounds(a), self.bounds(b)) {
            value.bounds = match op {
                ScalarOp::Add => Some(Bounds { low: x.low + y.low, high: x.high + y.high, tight: false }),
                ScalarOp::Sub => Some(Bounds { low: x.low - y.high, high: x.high - y.low, tight: false }),
                _ => {
                    let facts = self.facts();
                    let natural = facts.nonnegative(&x.low) && facts.nonnegative(&y.low);
                    natural.then(|| Bounds { low: x.low * y.low, high: x.high * y.high, tight: false })
                }
            }
            .filter(|b| ranges::small(&b.low) && ranges::small(&b.high));
        }
        value
    }

    /// The interval of an integer value, if one is known.
    pub fn bounds(&self, value: &Value) -> Option<Bounds> {
        match &value.place {
            Some(place) => self.facts().bounds(place),
            None => value.bounds.clone(),
        }
    }

    /// `/`: always a float.
    pub fn divide(&mut self, a: &Value, b: &Value) -> Value {
        let numeric = dtypes::quotient(self.numeric(a), self.numeric(b));
        let operands = [self.cast(a, numeric.dtype), self.cast(b, numeric.dtype)];
        let id = self.all.builder.map(ScalarOp::Div, &operands);
        Value::plain(id, numeric, a.data || b.data)
    }

    /// `div` and `mod`.
    fn floored(
        &mut self,
        op: ScalarOp,
        a: &Value,
        b: &Value,
        left: Span,
        right: Span,
    ) -> Result<Value, Reported> {
        let numeric = dtypes::join(self.numeric(a), self.numeric(b)).as_number();
        let word = if op == ScalarOp::Mod { "mod" } else { "div" };
        if numeric.dtype.is_complex() {
            return Err(self.error(
                Diagnostic::new(Code::ComplexOrder, format!("{word} does not take complex numbers"))
                    .label(left.join(right), format!("{} here", numeric.dtype))
                    .help("complex numbers are not ordered: divide with /"),
            ));
        }
        if numeric.dtype.is_int() {
            self.not_zero(b, word, right)?;
        }
        let operands = [self.cast(a, numeric.dtype), self.cast(b, numeric.dtype)];
        let id = self.all.builder.map(op, &operands);
        let mut value = Value::plain(id, numeric, a.data || b.data);
        if numeric.dtype == Dtype::I64
            && let (Some(x), Some(y)) = (&a.place, &b.place)
        {
            value.place = Some(match op {
                ScalarOp::Mod => x.clone().modulo(y.clone()),
                _ => x.clone().div(y.clone()),
            });
        }
        if op == ScalarOp::Mod && value.place.is_none() && numeric.dtype.is_int() {
            let divisor = match (&b.place, &b.bounds) {
                (Some(place), _) if !ranges::has_index(place) => Some(place.clone()),
                (None, Some(bounds)) => Some(bounds.high.clone()),
                _ => None,
            };
            value.bounds = divisor.and_then(|divisor| self.facts().remainder(None, &divisor));
        }
        Ok(value)
    }

    /// An integer divisor must not be 0.
    fn not_zero(&mut self, divisor: &Value, word: &str, span: Span) -> Result<(), Reported> {
        let facts = self.facts();
        let one = Extent::from(1);
        if let Some(bounds) = self.bounds(divisor)
            && (facts.nonnegative(&(bounds.low.clone() - one.clone()))
                || facts.nonnegative(&(-bounds.high.clone() - one)))
        {
            return Ok(());
        }
        let place = divisor.place.clone().filter(|place| !ranges::has_index(place));
        match place.as_ref().map(|place| (place, place.as_const())) {
            Some((_, Some(0))) if !self.guarded() => {
                return Err(self.error(
                    Diagnostic::new(Code::DivisionByZero, format!("`{word}` by 0 has no value"))
                        .label(span, "this is 0")
                        .help("divide by a number that is not 0"),
                ));
            }
            Some((_, Some(value))) if value != 0 => return Ok(()),
            // An unguarded division has required it already.
            Some((place, None)) if self.all.requires(place, Relation::Divides, &Extent::from(0)) => {
                return Ok(());
            }
            Some((place, None)) if !self.guarded() => {
                let message =
                    format!("`{word}` by {place}, which is {{left}}, has no value{FIX}give another size");
                self.require(
                    place.clone(),
                    Relation::Divides,
                    Extent::from(0),
                    Code::DivisionByZero,
                    &message,
                    span,
                );
                return Ok(());
            }
            _ => {}
        }
        let dtype = self.all.builder.dtype(divisor.id);
        let divisor = if dtype == Dtype::Bool { self.cast(divisor, Dtype::I64) } else { divisor.id };
        let dtype = self.all.builder.dtype(divisor);
        let zero = self.all.builder.number(0, dtype);
        let holds = self.all.builder.map(ScalarOp::Ne, &[divisor, zero]);
        let text = span.text(self.all.source);
        let fix = format!("give another value where the divisor is 0: if {text} == 0 then 0 else ..");
        self.check(holds, Code::RuntimeDivisionByZero, &format!("`{word}` by 0"), &fix, span);
        Ok(())
    }

    /// `^`
    pub fn power(&mut self, a: &Expr, b: &Expr, span: Span) -> Result<Value, Reported> {
        let (base, exponent) = (self.expr(a), self.expr(b));
        let (base, exponent) = (base?, exponent?);
        let numeric = dtypes::power(self.numeric(&base), self.numeric(&exponent));
        let data = base.data || exponent.data;
        let integer = self.numeric(&exponent).dtype.kind() <= Kind::Int;
        let left = self.cast(&base, numeric.dtype);
        if !integer {
            if numeric.dtype.is_complex() {
                let right = self.cast(&exponent, numeric.dtype);
                let id = self.complex_power(left, right);
                return Ok(Value::plain(id, numeric, data));
            }
            let right = self.cast(&exponent, numeric.dtype);
            let id = self.all.builder.map(ScalarOp::Pow, &[left, right]);
            return Ok(Value::plain(id, numeric, data));
        }
        if numeric.dtype.is_int() {
            self.natural_exponent(&exponent, b.span, span)?;
        }
        let right = self.cast(&exponent, Dtype::I64);
        let id = self.all.builder.map(ScalarOp::PowInt, &[left, right]);
        let mut value = Value::plain(id, numeric, data);
        if numeric.dtype == Dtype::I64
            && let (Some(place), ExprKind::Int(power @ 0..=4)) = (&base.place, &b.kind)
            && ranges::small(place)
        {
            let product = (0..*power)
                .try_fold(Extent::from(1), |product, _| Some(product * place.clone()).filter(ranges::small));
            value.place = product;
        }
        if value.place.is_none()
            && numeric.dtype == Dtype::I64
            && self.bounds(&base).is_some_and(|bounds| self.facts().nonnegative(&bounds.low))
        {
            let known = base.place.as_ref().and_then(Extent::as_const).zip(self.bounds(&exponent));
            value.bounds = known.and_then(|(base, bounds)| {
                let high = u32::try_from(bounds.high.as_const()?).ok()?;
                let high = base.checked_pow(high)?;
                Some(Bounds { low: 0.into(), high: high.into(), tight: false })
            });
        }
        Ok(value)
    }

    /// An integer to a power needs an exponent from 0.
    fn natural_exponent(&mut self, exponent: &Value, at: Span, span: Span) -> Result<(), Reported> {
        if self.numeric(exponent).dtype == Dtype::Bool {
            return Ok(());
        }
        let facts = self.facts();
        if let Some(bounds) = self.bounds(exponent) {
            if facts.nonnegative(&bounds.low) {
                return Ok(());
            }
            if bounds.tight && facts.nonnegative(&(-bounds.low.clone() - 1.into())) && !self.guarded() {
                return Err(self.error(
                    Diagnostic::new(
                        Code::NegativeExponent,
                        format!("an integer to the power {}", bounds.low),
                    )
                    .label(at, format!("reaches {}", bounds.low))
                    .label(span, "an integer result")
                    .help("make the base a float: 2.0^.. or f64(x)^.."),
                ));
            }
            if bounds.tight && !self.guarded() {
                self.require(
                    Extent::from(0),
                    Relation::Le,
                    bounds.low,
                    Code::NegativeExponent,
                    &format!(
                        "an integer to the power {{right}}{FIX}make the base a float: 2.0^.. or f64(x)^.."
                    ),
                    at,
                );
                return Ok(());
            }
        }
        let index = self.cast(exponent, Dtype::I64);
        let zero = self.all.builder.number(0, Dtype::I64);
        let holds = self.all.builder.map(ScalarOp::Le, &[zero, index]);
        let fix = "make the base a float: f64(..)^..";
        self.check(holds, Code::RuntimeNegativeExponent, "an integer to a negative power", fix, at);
        Ok(())
    }

    /// A cast that the author wrote.
    pub fn explicit_cast(&mut self, dtype: Dtype, value: &Value, span: Span) -> Result<Value, Reported> {
        let from = self.all.builder.dtype(value.id);
        if from.is_complex() && !dtype.is_complex() && dtype != Dtype::Bool {
            return Err(self.complex_to_real(dtype, span));
        }
        let id = if from.is_complex() && dtype == Dtype::Bool {
            let zero = self.all.builder.number(0, from);
            self.all.builder.map(ScalarOp::Ne, &[value.id, zero])
        } else {
            self.cast(value, dtype)
        };
        let mut result = Value::plain(id, Numeric::strong(dtype), value.data);
        if dtype == Dtype::I64 && from.is_int() {
            (result.place, result.bounds) = (value.place.clone(), value.bounds.clone());
        } else if dtype.is_int() && from.is_int() {
            // Wrapping a number from 0 never makes it larger.
            let constant = value.place.as_ref().and_then(Extent::as_const);
            match constant {
                Some(known) if dtype.wrap(known) == known => result.place = value.place.clone(),
                _ => {
                    let facts = self.facts();
                    let unsigned = matches!(dtype, Dtype::U8 | Dtype::U32);
                    let bounds = self.bounds(value).filter(|b| unsigned && facts.nonnegative(&b.low));
                    result.bounds = bounds.map(|b| Bounds { low: 0.into(), high: b.high, tight: false });
                }
            }
        }
        Ok(result)
    }

    pub fn complex_to_real(&mut self, dtype: Dtype, span: Span) -> Reported {
        self.error(
            Diagnostic::new(Code::ComplexToReal, format!("a complex value cannot become {dtype}"))
                .label(span, "complex here")
                .help("take the part you mean: re(..), im(..) or abs(..)"),
        )
    }

    /// Converts a value to the dtype of the tensor it is stored in.
    pub fn store(
        &mut self,
        value: &Value,
        dtype: Dtype,
        name: &str,
        span: Span,
    ) -> Result<ValueId, Reported> {
        let from = self.all.builder.dtype(value.id);
        match (from.kind(), dtype.kind()) {
            (Kind::Float, Kind::Int | Kind::Bool) => Err(self.error(
                Diagnostic::new(
                    Code::FloatToInteger,
                    format!("{name} is {dtype}, but the value is a float ({from})"),
                )
                .label(span, format!("{from} here"))
                .help(format!("say how to round: {dtype}(floor(..)), or declare {name} as a float")),
            )),
            (Kind::Complex, Kind::Float | Kind::Int | Kind::Bool) => {
                let reported = self.error(
                    Diagnostic::new(
                        Code::ComplexToReal,
                        format!("{name} is {dtype}, but the value is complex ({from})"),
                    )
                    .label(span, format!("{from} here"))
                    .help("take the part you mean: re(..), im(..) or abs(..)"),
                );
                Err(reported)
            }
            _ => Ok(self.cast(value, dtype)),
        }
    }
}
