//! Counts of operations and accesses of loops.

use std::collections::BTreeMap;
use tcc_ir::dtype::Kind;
use tcc_ir::loops::{Expr, Func, Stmt, Var};
use tcc_ir::scalar::Literal;
use tcc_ir::{Bindings, ScalarOp};

/// What running a function once takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Operations on floats and complex numbers; a complex one counts as one.
    pub flops: f64,
    /// Bytes loaded and stored, whether they come from memory or from a cache.
    pub bytes: f64,
    /// Whether every trip count was a constant; otherwise bounds that depend on outer loops are taken in
    /// the middle of those.
    pub exact: bool,
}

impl Cost {
    /// The cost with sizes fixed; `None` if the bounds of a loop are not determined by them.
    pub fn of(func: &Func, bindings: &Bindings) -> Option<Cost> {
        let mut counter = Counter { func, bindings, middle: BTreeMap::new(), exact: true };
        let (flops, bytes) = counter.block(&func.body)?;
        Some(Cost { flops, bytes, exact: counter.exact })
    }
}

struct Counter<'a> {
    func: &'a Func,
    bindings: &'a Bindings,
    /// Loop variables at the middle of their range, lets at their value there.
    middle: BTreeMap<Var, f64>,
    exact: bool,
}

impl Counter<'_> {
    fn block(&mut self, body: &[Stmt]) -> Option<(f64, f64)> {
        let mut sum = (0.0, 0.0);
        for statement in body {
            let cost = self.statement(statement)?;
            sum = (sum.0 + cost.0, sum.1 + cost.1);
        }
        Some(sum)
    }

    fn statement(&mut self, statement: &Stmt) -> Option<(f64, f64)> {
        match statement {
            Stmt::For(each) => {
                let (lo, hi) = (self.value(&each.lo)?, self.value(&each.hi)?);
                let trips = (hi - lo).max(0.0);
                self.middle.insert(each.var, lo + (trips - 1.0).max(0.0) / 2.0);
                let body = self.block(&each.body)?;
                Some((trips * body.0, trips * body.1))
            }
            Stmt::Let(var, value) => {
                if let Some(number) = self.value(value) {
                    self.middle.insert(*var, number);
                }
                Some(self.expression(value))
            }
            Stmt::Store(buffer, indices, value) => {
                let mut cost = self.expression(value);
                for index in indices {
                    cost = add(cost, self.expression(index));
                }
                Some(add(cost, (0.0, self.access(*buffer))))
            }
            Stmt::Accumulate(_, buffer, indices, value) => {
                let mut cost = self.expression(value);
                for index in indices {
                    cost = add(cost, self.expression(index));
                }
                let kind = self.func.buffer(*buffer).dtype.kind();
                let flop = if matches!(kind, Kind::Float | Kind::Complex) { 1.0 } else { 0.0 };
                Some(add(cost, (flop, 2.0 * self.access(*buffer))))
            }
            Stmt::If(condition, then, otherwise) => {
                self.exact = false;
                let (then, otherwise) = (self.block(then)?, self.block(otherwise)?);
                let larger = if then.0 >= otherwise.0 { then } else { otherwise };
                Some(add(self.expression(condition), larger))
            }
            Stmt::Check(condition, _) => Some(self.expression(condition)),
            Stmt::Contract(contract) => {
                let extents: Vec<f64> =
                    contract.axes.iter().map(|(_, extent)| self.value(extent)).collect::<Option<_>>()?;
                // Each factor and the result once: kernels keep blocks of them in caches.
                let of = |occurs: &dyn Fn(Var) -> bool, buffer| {
                    let axes = contract.axes.iter().zip(&extents).filter(|((var, _), _)| occurs(*var));
                    self.access(buffer) * axes.map(|(_, extent)| extent).product::<f64>()
                };
                let mut bytes = of(&|var| !contract.is_summed(var), contract.target);
                for factor in [&contract.left, &contract.right] {
                    if let Expr::Load(buffer, _) = factor {
                        bytes += of(&|var| factor.mentions(var), *buffer);
                    }
                }
                Some((2.0 * extents.iter().product::<f64>(), bytes))
            }
        }
    }

    fn access(&self, buffer: tcc_ir::loops::BufferId) -> f64 {
        let buffer = self.func.buffer(buffer);
        if buffer.is_register() { 0.0 } else { buffer.dtype.size_bytes() as f64 }
    }

    fn expression(&self, expr: &Expr) -> (f64, f64) {
        match expr {
            Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_) => (0.0, 0.0),
            Expr::Load(buffer, indices) => indices
                .iter()
                .fold((0.0, self.access(*buffer)), |cost, index| add(cost, self.expression(index))),
            Expr::Op(_, dtype, operands) => {
                let flop = if matches!(dtype.kind(), Kind::Float | Kind::Complex) { 1.0 } else { 0.0 };
                operands.iter().fold((flop, 0.0), |cost, operand| add(cost, self.expression(operand)))
            }
        }
    }

    /// The value of an integer expression, with loop variables at the middle of their range.
    fn value(&mut self, expr: &Expr) -> Option<f64> {
        match expr {
            Expr::Const(Literal::Int(value), _) => Some(*value as f64),
            Expr::Const(..) | Expr::Load(..) => None,
            Expr::Symbol(name) => self.bindings.get(name).map(|&value| value as f64),
            Expr::Var(var) => {
                self.exact = false;
                self.middle.get(var).copied()
            }
            Expr::Op(op, _, operands) => {
                let values: Vec<f64> =
                    operands.iter().map(|operand| self.value(operand)).collect::<Option<_>>()?;
                match (op, values.as_slice()) {
                    (ScalarOp::Add, [a, b]) => Some(a + b),
                    (ScalarOp::Sub, [a, b]) => Some(a - b),
                    (ScalarOp::Mul, [a, b]) => Some(a * b),
                    (ScalarOp::Min, [a, b]) => Some(a.min(*b)),
                    (ScalarOp::Max, [a, b]) => Some(a.max(*b)),
                    (ScalarOp::Neg, [a]) => Some(-a),
                    (ScalarOp::FloorDiv, [a, b]) if *b != 0.0 => Some((a / b).floor()),
                    (ScalarOp::Mod, [a, b]) if *b != 0.0 => Some(a - b * (a / b).floor()),
                    _ => None,
                }
            }
        }
    }
}

fn add(a: (f64, f64), b: (f64, f64)) -> (f64, f64) {
    (a.0 + b.0, a.1 + b.1)
}
