//! Constructors that keep passes readable.
//!
//! The arithmetic constructors are for index arithmetic (i64) and conditions (bool). They fold
//! constants and neutral elements, nothing more: `simplify` knows the rest. Expressions are pure
//! and total, so dropping an operand (`x * 0`) is always allowed.

use super::{BufferId, Expr, For, LoopKind, Stmt, Var};
use crate::axis::Name;
use crate::dtype::Dtype;
use crate::extent::{Atom, Extent};
use crate::scalar::{Literal, ScalarOp};

/// `floor(a / b)` on i64 as the operation computes it: 0 if `b` is 0, wraps.
pub fn floor_div(a: i64, b: i64) -> i64 {
    if b == 0 {
        return 0;
    }
    let quotient = a.wrapping_div(b);
    if a.wrapping_rem(b) != 0 && ((a < 0) != (b < 0)) { quotient - 1 } else { quotient }
}

/// `a - b * floor(a / b)` on i64 as the operation computes it: 0 if `b` is 0.
pub fn floor_mod(a: i64, b: i64) -> i64 {
    if b == 0 { 0 } else { a.wrapping_sub(b.wrapping_mul(floor_div(a, b))) }
}

/// Constructors.
#[allow(clippy::should_implement_trait)] // `Expr::add(a, b)` takes i64 only, so `a + b` would mislead
impl Expr {
    /// The i64 constant `value`.
    pub fn int(value: i64) -> Expr {
        Expr::Const(Literal::Int(value), Dtype::I64)
    }

    /// The bool constant `value`.
    pub fn bool(value: bool) -> Expr {
        Expr::Const(Literal::Bool(value), Dtype::Bool)
    }

    /// The small integer `value` as a constant of any dtype.
    pub fn number(value: i64, dtype: Dtype) -> Expr {
        Expr::Const(Literal::of(value, dtype), dtype)
    }

    /// The value of a symbol.
    pub fn symbol(name: impl Into<Name>) -> Expr {
        Expr::Symbol(name.into())
    }

    /// An element of a buffer.
    pub fn load(buffer: BufferId, indices: Vec<Expr>) -> Expr {
        Expr::Load(buffer, indices)
    }

    /// An operation whose result has the dtype `dtype`.
    pub fn op(op: ScalarOp, dtype: Dtype, operands: Vec<Expr>) -> Expr {
        Expr::Op(op, dtype, operands)
    }

    /// Conversion to `dtype`.
    pub fn cast(self, dtype: Dtype) -> Expr {
        Expr::Op(ScalarOp::Cast, dtype, vec![self])
    }

    /// `a` if `condition`, else `b`; both of dtype `dtype`.
    pub fn select(condition: Expr, a: Expr, b: Expr, dtype: Dtype) -> Expr {
        match condition.as_bool() {
            Some(true) => a,
            Some(false) => b,
            None => Expr::Op(ScalarOp::Select, dtype, vec![condition, a, b]),
        }
    }

    /// The value if it is an integer constant (of any integer dtype).
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Expr::Const(Literal::Int(value), _) => Some(*value),
            _ => None,
        }
    }

    /// The value if it is a bool constant.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Expr::Const(Literal::Bool(value), _) => Some(*value),
            _ => None,
        }
    }

    /// `a + b` on i64.
    pub fn add(a: Expr, b: Expr) -> Expr {
        match (a.as_int(), b.as_int()) {
            (Some(x), Some(y)) => Expr::int(x.wrapping_add(y)),
            (Some(0), None) => b,
            (None, Some(0)) => a,
            (Some(_), None) => Expr::add(b, a), // constants stand on the right
            (None, Some(y)) if y < 0 && y != i64::MIN => Expr::sub(a, Expr::int(-y)),
            (None, Some(y)) => match a.plus_constant() {
                Some((x, c)) => offset(x.clone(), c.wrapping_add(y)),
                None => index_op(ScalarOp::Add, a, b),
            },
            (None, None) => index_op(ScalarOp::Add, a, b),
        }
    }

    /// `a - b` on i64.
    pub fn sub(a: Expr, b: Expr) -> Expr {
        match (a.as_int(), b.as_int()) {
            (Some(x), Some(y)) => Expr::int(x.wrapping_sub(y)),
            (None, Some(0)) => a,
            (None, Some(y)) => match a.plus_constant() {
                Some((x, c)) => offset(x.clone(), c.wrapping_sub(y)),
                None => offset(a, y.wrapping_neg()),
            },
            _ if a == b => Expr::int(0),
            _ => index_op(ScalarOp::Sub, a, b),
        }
    }

    /// `a * b` on i64.
    pub fn mul(a: Expr, b: Expr) -> Expr {
        match (a.as_int(), b.as_int()) {
            (Some(x), Some(y)) => Expr::int(x.wrapping_mul(y)),
            (Some(0), None) | (None, Some(0)) => Expr::int(0),
            (Some(1), None) => b,
            (None, Some(1)) => a,
            (Some(_), None) => index_op(ScalarOp::Mul, b, a),
            _ => index_op(ScalarOp::Mul, a, b),
        }
    }

    /// The smaller of two i64.
    pub fn min(a: Expr, b: Expr) -> Expr {
        match (a.as_int(), b.as_int()) {
            (Some(x), Some(y)) => Expr::int(x.min(y)),
            _ if a == b => a,
            _ => index_op(ScalarOp::Min, a, b),
        }
    }

    /// The larger of two i64.
    pub fn max(a: Expr, b: Expr) -> Expr {
        match (a.as_int(), b.as_int()) {
            (Some(x), Some(y)) => Expr::int(x.max(y)),
            _ if a == b => a,
            _ => index_op(ScalarOp::Max, a, b),
        }
    }

    /// `floor(a / b)` on i64; 0 if `b` is 0.
    pub fn floordiv(a: Expr, b: Expr) -> Expr {
        match (a.as_int(), b.as_int()) {
            (Some(x), Some(y)) => Expr::int(floor_div(x, y)),
            (None, Some(1)) => a,
            _ => index_op(ScalarOp::FloorDiv, a, b),
        }
    }

    /// `a - b * floor(a / b)` on i64; 0 if `b` is 0.
    pub fn modulo(a: Expr, b: Expr) -> Expr {
        match (a.as_int(), b.as_int()) {
            (Some(x), Some(y)) => Expr::int(floor_mod(x, y)),
            (None, Some(1)) => Expr::int(0),
            _ => index_op(ScalarOp::Mod, a, b),
        }
    }

    /// `a < b` on i64.
    pub fn lt(a: Expr, b: Expr) -> Expr {
        compare(ScalarOp::Lt, a, b, |x, y| x < y)
    }

    /// `a <= b` on i64.
    pub fn le(a: Expr, b: Expr) -> Expr {
        compare(ScalarOp::Le, a, b, |x, y| x <= y)
    }

    /// `a == b` on i64.
    pub fn eq(a: Expr, b: Expr) -> Expr {
        compare(ScalarOp::Eq, a, b, |x, y| x == y)
    }

    /// Both conditions.
    pub fn and(a: Expr, b: Expr) -> Expr {
        match (a.as_bool(), b.as_bool()) {
            (Some(true), _) | (_, Some(false)) => b,
            (Some(false), _) | (_, Some(true)) => a,
            (None, None) => Expr::Op(ScalarOp::And, Dtype::Bool, vec![a, b]),
        }
    }

    /// Either condition.
    pub fn or(a: Expr, b: Expr) -> Expr {
        match (a.as_bool(), b.as_bool()) {
            (Some(false), _) | (_, Some(true)) => b,
            (Some(true), _) | (_, Some(false)) => a,
            (None, None) => Expr::Op(ScalarOp::Or, Dtype::Bool, vec![a, b]),
        }
    }

    /// The negated condition.
    pub fn negate(a: Expr) -> Expr {
        match a {
            Expr::Const(Literal::Bool(value), _) => Expr::bool(!value),
            Expr::Op(ScalarOp::Not, _, mut operands) if operands.len() == 1 => operands.remove(0),
            other => Expr::Op(ScalarOp::Not, Dtype::Bool, vec![other]),
        }
    }

    /// All conditions (true if there are none).
    pub fn all(conditions: impl IntoIterator<Item = Expr>) -> Expr {
        conditions.into_iter().fold(Expr::bool(true), Expr::and)
    }

    /// The value of an extent. `div` and `mod` by zero give 0 here, where [`Extent::eval`] reports
    /// an error; a requirement keeps the two from meeting.
    pub fn from_extent(extent: &Extent) -> Expr {
        if let Some(value) = extent.as_const() {
            return Expr::int(value);
        }
        let (constants, terms): (Vec<_>, Vec<_>) = extent.terms().partition(|(_, atoms)| atoms.is_empty());
        let mut sum: Option<Expr> = None;
        for (coefficient, atoms) in terms.into_iter().chain(constants) {
            let product = atoms
                .iter()
                .map(from_atom)
                .chain(std::iter::once(Expr::int(coefficient.unsigned_abs() as i64)))
                .reduce(Expr::mul)
                .unwrap_or_else(|| Expr::int(0));
            sum = Some(match (sum, coefficient < 0) {
                (Some(sum), true) => Expr::sub(sum, product),
                (Some(sum), false) => Expr::add(sum, product),
                (None, true) => Expr::mul(product, Expr::int(-1)),
                (None, false) => product,
            });
        }
        sum.unwrap_or_else(|| Expr::int(0))
    }

    /// `x` and `c` if the expression is `x + c` or `x - c` with an i64 constant.
    fn plus_constant(&self) -> Option<(&Expr, i64)> {
        match self {
            Expr::Op(ScalarOp::Add, Dtype::I64, operands) => {
                Some((operands.first()?, operands.get(1)?.as_int()?))
            }
            Expr::Op(ScalarOp::Sub, Dtype::I64, operands) => {
                Some((operands.first()?, operands.get(1)?.as_int()?.wrapping_neg()))
            }
            _ => None,
        }
    }
}

fn index_op(op: ScalarOp, a: Expr, b: Expr) -> Expr {
    Expr::Op(op, Dtype::I64, vec![a, b])
}

/// `x + c`, printed with a positive constant.
fn offset(x: Expr, c: i64) -> Expr {
    match c {
        0 => x,
        i64::MIN | 1.. => index_op(ScalarOp::Add, x, Expr::int(c)),
        _ => index_op(ScalarOp::Sub, x, Expr::int(-c)),
    }
}

fn compare(op: ScalarOp, a: Expr, b: Expr, decide: fn(i64, i64) -> bool) -> Expr {
    match (a.as_int(), b.as_int()) {
        (Some(x), Some(y)) => Expr::bool(decide(x, y)),
        _ => Expr::Op(op, Dtype::Bool, vec![a, b]),
    }
}

fn from_atom(atom: &Atom) -> Expr {
    match atom {
        Atom::Symbol(name) => Expr::Symbol(name.clone()),
        Atom::Div(a, b) => Expr::floordiv(Expr::from_extent(a), Expr::from_extent(b)),
        Atom::Mod(a, b) => Expr::modulo(Expr::from_extent(a), Expr::from_extent(b)),
    }
}

impl From<Var> for Expr {
    fn from(var: Var) -> Expr {
        Expr::Var(var)
    }
}

impl For {
    /// How many iterations run, if that does not depend on anything: the bounds are constants, or
    /// the same expression with different constants added.
    pub fn trip_count(&self) -> Option<i64> {
        let split = |expr| match Expr::as_int(expr) {
            Some(value) => (None, value),
            None => expr.plus_constant().map_or((Some(expr), 0), |(base, constant)| (Some(base), constant)),
        };
        let ((lo_base, lo), (hi_base, hi)) = (split(&self.lo), split(&self.hi));
        (lo_base == hi_base).then(|| hi.checked_sub(lo).map(|count| count.max(0)))?
    }
}

impl Stmt {
    /// A loop over `lo..hi`.
    pub fn for_loop(var: Var, lo: Expr, hi: Expr, kind: LoopKind, body: Vec<Stmt>) -> Stmt {
        Stmt::For(For { var, lo, hi, kind, body })
    }

    /// A serial loop over `lo..hi`.
    pub fn serial(var: Var, lo: Expr, hi: Expr, body: Vec<Stmt>) -> Stmt {
        Stmt::for_loop(var, lo, hi, LoopKind::Serial, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constructors_fold_constants() {
        let x = || Expr::Var(Var(0));
        assert_eq!(Expr::add(Expr::add(x(), Expr::int(3)), Expr::int(-3)), x());
        assert_eq!(Expr::sub(Expr::int(2), Expr::int(5)), Expr::int(-3));
        assert_eq!(Expr::mul(x(), Expr::int(0)), Expr::int(0));
        assert_eq!(Expr::floordiv(Expr::int(-3), Expr::int(2)), Expr::int(-2));
        assert_eq!(Expr::modulo(Expr::int(-3), Expr::int(0)), Expr::int(0));
        assert_eq!(Expr::and(Expr::bool(true), Expr::lt(Expr::int(1), Expr::int(2))), Expr::bool(true));
        assert_eq!(Expr::add(x(), Expr::int(i64::MIN)), Expr::add(Expr::int(i64::MIN), x()));
    }

    #[test]
    fn extents_become_sums_of_products() {
        let n = Extent::symbol("n");
        let expr = Expr::from_extent(&(n.clone() * Extent::from(2) - Extent::from(1)));
        assert_eq!(expr, Expr::sub(Expr::mul(Expr::symbol("n"), Expr::int(2)), Expr::int(1)));
        assert_eq!(
            Expr::from_extent(&n.div(4)),
            index_op(ScalarOp::FloorDiv, Expr::symbol("n"), Expr::int(4))
        );
    }
}
