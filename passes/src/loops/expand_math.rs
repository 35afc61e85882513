//! `expand_math`: replaces functions that no machine computes by polynomials in operations that every
//! machine does.
//!
//! An expansion is straight-line code of this very IR: additions, fused multiply-adds, selects and integer
//! operations on the bits, at the width of the function's dtype (but for `pow` and the angles of f32), so
//! that vector loops stay vector loops and every backend computes the same bytes. Shared parts become
//! `let`s before the statement; all operations are total, so it does not matter that they are computed
//! also where a select discards them. f16 and bf16 are computed in f32 and rounded.
//!
//! [`MATH_FUNCTIONS`] lists the functions with their errors.

mod arc;
mod circle;
mod error_function;
mod exponential;
mod logarithm;
mod polynomials;
mod power;
mod root;
mod value;

use crate::{Changed, PassContext};
use tcc_ir::loops::{Expr, For, Func, Stmt};
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, ScalarOp};
use value::{Builder, Value};

/// A function that is expanded.
#[derive(Clone, Copy)]
pub struct MathRow {
    /// The operation.
    pub op: ScalarOp,
    /// Largest error of the f32 result, in units of its last place.
    pub ulp_f32: f64,
    /// Largest error of the f64 result, in units of its last place.
    pub ulp_f64: f64,
    /// Largest magnitude of an argument for which the errors hold in f32 and f64.
    pub domain: (f64, f64),
    build: Build,
}

/// Builds an expansion from its operands.
type Build = fn(&mut Builder, &[Value]) -> Value;

const ALL: (f64, f64) = (f64::INFINITY, f64::INFINITY);
/// Beyond, the result is NaN.
const ANGLES: (f64, f64) = (1_125_899_906_842_624.0, 35_184_372_088_832.0);

macro_rules! rows {
    ($($op:ident $f32:literal $f64:literal $domain:ident $build:path;)*) => {
        &[$(MathRow { op: ScalarOp::$op, ulp_f32: $f32, ulp_f64: $f64, domain: $domain, build: $build },)*]
    };
}

/// All functions that are expanded. Errors are upper bounds of what sampling finds against correctly
/// rounded results; subnormal results are in units of the smallest number.
pub static MATH_FUNCTIONS: &[MathRow] = rows! {
    Exp   1.0 1.0 ALL exponential::exp;
    Expm1 2.0 2.0 ALL exponential::expm1;
    Log   1.0 1.0 ALL logarithm::log;
    Log1p 1.5 1.5 ALL logarithm::log1p;
    Sin   1.0 1.0 ANGLES circle::sin;
    Cos   1.0 1.0 ANGLES circle::cos;
    Tan   2.5 2.5 ANGLES circle::tan;
    Asin  1.5 1.5 ALL arc::asin;
    Acos  1.5 1.5 ALL arc::acos;
    Atan  2.0 2.0 ALL arc::atan;
    Atan2 2.0 2.0 ALL arc::atan2;
    Sinh  2.5 2.5 ALL exponential::sinh;
    Cosh  2.0 2.0 ALL exponential::cosh;
    Tanh  2.0 2.0 ALL exponential::tanh;
    Asinh 2.0 2.0 ALL logarithm::asinh;
    Acosh 2.0 2.0 ALL logarithm::acosh;
    Atanh 2.0 2.0 ALL logarithm::atanh;
    Erf   1.5 1.5 ALL error_function::erf;
    Erfc  5.0 5.0 ALL error_function::erfc;
    Cbrt  1.0 1.0 ALL root::cbrt;
    Hypot 1.5 1.5 ALL root::hypot;
    Pow   1.0 1.0 ALL power::pow;
};

/// The row of an operation, if it is expanded.
pub fn row(op: ScalarOp) -> Option<&'static MathRow> {
    MATH_FUNCTIONS.iter().find(|row| row.op == op)
}

/// Expands every call in the function.
pub fn run(func: &mut Func, _: &PassContext) -> Changed {
    let mut body = std::mem::take(&mut func.body);
    let changed = block(func, &mut body);
    func.body = body;
    Changed::from(changed)
}

fn block(func: &mut Func, stmts: &mut Vec<Stmt>) -> bool {
    let mut changed = false;
    let mut expanded = Vec::with_capacity(stmts.len());
    for mut stmt in std::mem::take(stmts) {
        for slot in stmt.exprs_mut() {
            if has_call(slot) {
                let call = std::mem::replace(slot, Expr::int(0));
                *slot = expand(func, &mut expanded, call);
                changed = true;
            }
        }
        match &mut stmt {
            Stmt::For(For { body, .. }) => changed |= block(func, body),
            Stmt::If(_, then, otherwise) => {
                changed |= block(func, then);
                changed |= block(func, otherwise);
            }
            Stmt::Let(..) | Stmt::Store(..) | Stmt::Accumulate(..) | Stmt::Check(..) | Stmt::Contract(_) => {}
        }
        expanded.push(stmt);
    }
    *stmts = expanded;
    changed
}

fn has_call(expr: &Expr) -> bool {
    let here = matches!(expr, Expr::Op(op, _, _) if row(*op).is_some());
    here || expr.children().iter().any(has_call)
}

/// The expression with every call replaced; `let`s are appended to `before`.
fn expand(func: &mut Func, before: &mut Vec<Stmt>, mut expr: Expr) -> Expr {
    for child in expr.children_mut() {
        if has_call(child) {
            let inner = std::mem::replace(child, Expr::int(0));
            *child = expand(func, before, inner);
        }
    }
    match expr {
        Expr::Op(op, dtype, operands) => match row(op) {
            Some(row) => call(func, before, row, dtype, operands),
            None => Expr::Op(op, dtype, operands),
        },
        other => other,
    }
}

fn call(func: &mut Func, before: &mut Vec<Stmt>, row: &MathRow, dtype: Dtype, operands: Vec<Expr>) -> Expr {
    let precision = if dtype == Dtype::F64 { Dtype::F64 } else { Dtype::F32 };
    let mut builder = Builder { func, before, dtype: precision, name: row.op.row().name };
    let (build, operands) = match (row.op, not_positive(&operands)) {
        (ScalarOp::Exp, Some(operand)) if dtype == precision => {
            (exponential::exp_of_not_positive as Build, vec![operand])
        }
        _ => (row.build, operands),
    };
    let mut values = Vec::with_capacity(operands.len());
    for operand in operands {
        let value = Value { expr: operand, dtype };
        let value = if dtype == precision { value } else { value::cast(&value, precision) };
        values.push(builder.share("x", value));
    }
    let result = build(&mut builder, &values);
    if dtype == precision { result.expr } else { value::cast(&result, dtype).expr }
}

#[cfg(test)]
mod tests;

/// `x` of operands `min(x, 0)`: softmax and its relatives bound the arguments of exp like this.
fn not_positive(operands: &[Expr]) -> Option<Expr> {
    let [Expr::Op(ScalarOp::Min, _, pair)] = operands else { return None };
    match &pair[..] {
        [x, Expr::Const(Literal::Real(bound), _)] if *bound == 0.0 => Some(x.clone()),
        _ => None,
    }
}
