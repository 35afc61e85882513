//! The right side of an equation: an expression becomes values.

use super::program::Building;
use super::recur::Members;
use super::value::Value;
use crate::ast::{CompareOp, Span};
use crate::check::Reported;
use crate::check::dtypes::{self, Numeric};
use crate::check::ranges::{Facts, index_symbol};
use crate::check::resolved::{Equation, Expr, ExprKind, VariableId};
use crate::check::sizes::VariableSize;
use crate::diagnostic::{Code, Diagnostic};
use tcc_ir::axis::Axis;
use tcc_ir::graph::{Op, ValueId};
use tcc_ir::scalar::{Literal, ScalarOp};
use tcc_ir::{Dtype, Kind};

/// Builds the expressions of one equation.
pub struct Body<'b, 'p> {
    pub all: &'b mut Building<'p>,
    pub equation: &'b Equation,
    pub sizes: &'b [VariableSize],
    /// The recurrence the equation belongs to.
    pub members: Option<&'b Members>,
    /// Indices in scope.
    pub active: Vec<VariableId>,
    /// Conditions under which the expression at hand is looked at.
    pub path: Vec<ValueId>,
}

impl Body<'_, '_> {
    /// The axis that stands for an index.
    pub fn axis(&self, variable: VariableId) -> Axis {
        let extent = self.sizes[variable.index()].extent.clone();
        Axis::new(self.equation.variables[variable.index()].axis.clone(), extent)
    }

    pub fn axes(&self, variables: &[VariableId]) -> Vec<Axis> {
        variables.iter().map(|variable| self.axis(*variable)).collect()
    }

    /// What is known about sizes at this point.
    pub fn facts(&self) -> Facts {
        let mut facts = Facts { nonnegative: self.all.nonnegative.clone(), ..Facts::default() };
        for variable in &self.active {
            let axis = self.axis(*variable);
            facts.open(&axis.name, &axis.extent);
        }
        facts
    }

    pub fn numeric(&self, value: &Value) -> Numeric {
        Numeric { dtype: self.all.builder.dtype(value.id), weak: value.weak }
    }

    pub fn cast(&mut self, value: &Value, dtype: Dtype) -> ValueId {
        self.all.builder.cast(value.id, dtype)
    }

    pub fn error(&mut self, diagnostic: Diagnostic) -> Reported {
        self.all.found.push(diagnostic)
    }

    pub fn int(&mut self, value: i64) -> Value {
        let id = self.all.builder.number(value, Dtype::I64);
        let mut result = Value::plain(id, Numeric::weak(Kind::Int), false);
        result.place = Some(value.into());
        result
    }

    /// Builds an expression.
    pub fn expr(&mut self, expr: &Expr) -> Result<Value, Reported> {
        let weak = Numeric::weak;
        match &expr.kind {
            ExprKind::Int(value) => Ok(self.int(*value)),
            ExprKind::Float(value) => {
                let id = self.all.builder.real(*value, Dtype::F64);
                Ok(Value::plain(id, weak(Kind::Float), false))
            }
            ExprKind::Bool(value) => {
                let id = self.all.builder.constant(Literal::Bool(*value), Dtype::Bool);
                Ok(Value::plain(id, weak(Kind::Bool), false))
            }
            ExprKind::Size(extent) => {
                let id = self.all.builder.size(extent);
                let mut value = Value::plain(id, weak(Kind::Int), false);
                value.place = Some(extent.clone());
                Ok(value)
            }
            ExprKind::FloatParam(input) => {
                let id = self.all.builder.add(Op::Input(*input), &tcc_ir::Type::scalar(Dtype::F64));
                Ok(Value::plain(id, weak(Kind::Float), true))
            }
            ExprKind::Index(variable) => {
                let axis = self.axis(*variable);
                let id = self.all.builder.index(&axis);
                let mut value = Value::plain(id, weak(Kind::Int), false);
                value.place = Some(index_symbol(&axis.name));
                Ok(value)
            }
            ExprKind::Read(read) => self.read(read, expr.span),
            ExprKind::Neg(a) => {
                let value = self.expr(a)?;
                Ok(self.negate(&value))
            }
            ExprKind::Not(a) => {
                let value = self.condition(a)?;
                let id = self.all.builder.not(value.id);
                Ok(Value::plain(id, Numeric { dtype: Dtype::Bool, weak: value.weak }, value.data))
            }
            ExprKind::Chain(first, rest) => self.chain(first, rest),
            ExprKind::Power(a, b) => self.power(a, b, expr.span),
            ExprKind::Compare(first, rest) => self.compare(first, rest),
            ExprKind::If(parts) => self.choose(parts),
            ExprKind::Iverson(a) => {
                let value = self.condition(a)?;
                let id = self.cast(&value, Dtype::I64);
                let mut result = Value::plain(id, weak(Kind::Int), value.data);
                result.bounds =
                    Some(crate::check::ranges::Bounds { low: 0.into(), high: 1.into(), tight: false });
                Ok(result)
            }
            ExprKind::Cast(dtype, a) => {
                let value = self.expr(a)?;
                self.explicit_cast(*dtype, &value, a.span)
            }
            ExprKind::Call(builtin, arguments) => self.call(*builtin, arguments, expr.span),
            ExprKind::Reduce(reduce) => self.reduce(reduce, expr.span),
            ExprKind::Transform(transform) => self.transform(transform),
            ExprKind::Opaque => Err(Reported),
        }
    }

    /// An expression that must be a truth value.
    pub fn condition(&mut self, expr: &Expr) -> Result<Value, Reported> {
        let value = self.expr(expr)?;
        let dtype = self.all.builder.dtype(value.id);
        match dtype.kind() {
            Kind::Bool => Ok(value),
            // A bracket is 0 or 1, so it can only mean one thing.
            Kind::Int if matches!(expr.kind, ExprKind::Iverson(_)) => {
                let id = self.cast(&value, Dtype::Bool);
                Ok(Value::plain(id, Numeric::weak(Kind::Bool), value.data))
            }
            Kind::Int | Kind::Float | Kind::Complex => Err(self.error(
                Diagnostic::new(Code::OperandType, format!("a condition is a truth value, not {dtype}"))
                    .label(expr.span, format!("{dtype} here"))
                    .help("compare it: .. != 0"),
            )),
        }
    }

    fn compare(&mut self, first: &Expr, rest: &[(CompareOp, Expr)]) -> Result<Value, Reported> {
        let mut left_expr = first;
        let mut left = self.expr(first);
        let mut chain: Option<Value> = None;
        let mut failed = None;
        for (op, right_expr) in rest {
            let right = self.expr(right_expr);
            if let (Ok(a), Ok(b)) = (&left, &right) {
                match self.comparison(*op, a, b, left_expr.span.join(right_expr.span)) {
                    Ok(value) => {
                        chain = Some(match chain {
                            None => value,
                            Some(known) => {
                                let id = self.all.builder.and(known.id, value.id);
                                Value::plain(id, Numeric::strong(Dtype::Bool), known.data || value.data)
                            }
                        });
                    }
                    Err(reported) => failed = Some(reported),
                }
            } else {
                failed = Some(Reported);
            }
            (left, left_expr) = (right, right_expr);
        }
        match (chain, failed) {
            (Some(value), None) => Ok(value),
            _ => Err(Reported),
        }
    }

    fn comparison(&mut self, op: CompareOp, a: &Value, b: &Value, span: Span) -> Result<Value, Reported> {
        let mut joined = dtypes::join(self.numeric(a), self.numeric(b));
        let equality = matches!(op, CompareOp::Equal | CompareOp::NotEqual);
        if joined.dtype.is_complex() && !equality {
            return Err(self.error(
                Diagnostic::new(
                    Code::ComplexOrder,
                    format!("{} does not compare complex numbers", op.text()),
                )
                .label(span, format!("{} here", joined.dtype))
                .help("compare abs(..), re(..) or im(..)"),
            ));
        }
        if !equality {
            joined = joined.as_number();
        }
        let (left, right) = (self.cast(a, joined.dtype), self.cast(b, joined.dtype));
        let builder = &mut self.all.builder;
        let id = match op {
            CompareOp::Less => builder.map(ScalarOp::Lt, &[left, right]),
            CompareOp::LessEqual => builder.map(ScalarOp::Le, &[left, right]),
            CompareOp::Greater => builder.map(ScalarOp::Lt, &[right, left]),
            CompareOp::GreaterEqual => builder.map(ScalarOp::Le, &[right, left]),
            CompareOp::Equal => builder.map(ScalarOp::Eq, &[left, right]),
            CompareOp::NotEqual => builder.map(ScalarOp::Ne, &[left, right]),
        };
        Ok(Value::plain(id, Numeric::strong(Dtype::Bool), a.data || b.data))
    }

    fn choose(&mut self, parts: &[Expr; 3]) -> Result<Value, Reported> {
        let [condition, then, otherwise] = parts;
        let condition = self.condition(condition);
        // Without a condition the branches are still looked at, for their own mistakes.
        let holds = condition.as_ref().ok().map(|value| value.id);
        let then = self.under(holds, |body| body.expr(then));
        let fails = holds.map(|holds| self.all.builder.not(holds));
        let otherwise = self.under(fails, |body| body.expr(otherwise));
        let (condition, then, otherwise) = (condition?, then?, otherwise?);
        let joined = dtypes::join(self.numeric(&then), self.numeric(&otherwise));
        let (a, b) = (self.cast(&then, joined.dtype), self.cast(&otherwise, joined.dtype));
        let id = self.all.builder.select(condition.id, a, b);
        let data = condition.data || then.data || otherwise.data;
        let mut value = Value::plain(id, joined, data);
        if joined.dtype == Dtype::I64 && then.place.is_some() && then.place == otherwise.place {
            value.place = then.place;
        }
        Ok(value)
    }
}
