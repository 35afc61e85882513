//! Reductions: loops over the reduced axes that combine into a register.

use super::LowerError;
use super::emit::{Emitter, Env, identity, scalar};
use super::guard::{Affine, Condition, Guarded, peel};
use tcc_ir::axis::{Axis, Name};
use tcc_ir::dtype::Dtype;
use tcc_ir::graph::{Op, ValueId};
use tcc_ir::loops::{BufferId, Expr, Stmt};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};

/// Conditions of a guard sorted into a loop nest.
struct Placed {
    /// For every loop the conditions that bound it, with the coefficient of its axis.
    bounds: Vec<Vec<(Condition, i64)>>,
    /// What is tested before the first loop, and after each.
    tests: Vec<Vec<ValueId>>,
}

impl Emitter<'_> {
    /// The value of a reduction at a point: a loop nest in the innermost block, then its register.
    pub fn reduce(
        &mut self,
        value: ValueId,
        op: ReduceOp,
        axes: &[Name],
        operand: ValueId,
        env: &Env,
    ) -> Result<Expr, LowerError> {
        if op.scalar_op().is_none() {
            return self.arg_extreme(value, op, axes, operand, env);
        }
        let dtype = self.graph.ty(value).dtype;
        let name = format!("{}.acc", self.name(value));
        let register = self.register(&name, dtype, identity(op, dtype));
        let guarded = self.guarded(operand, op);
        let mut env = env.clone();
        let opened = self.open_guarded(&self.axes(operand, axes), &guarded, &mut env)?;
        let term = self.guarded_value(&guarded, dtype, &env)?;
        self.push(Stmt::Accumulate(op, register, Vec::new(), term));
        self.close(opened);
        Ok(Expr::Load(register, Vec::new()))
    }

    /// Splits the guard off an operand of a reduction.
    pub fn guarded(&self, operand: ValueId, op: ReduceOp) -> Guarded {
        let dtype = self.graph.ty(operand).dtype;
        let is_identity = |literal: Literal| {
            literal == Literal::identity(op, dtype)
                || match (op, literal) {
                    (ReduceOp::Sum, Literal::Int(c)) => c == 0,
                    (ReduceOp::Sum, Literal::Real(c)) => c == 0.0,
                    (ReduceOp::Sum, Literal::Complex(re, im)) => re == 0.0 && im == 0.0,
                    (ReduceOp::Prod, Literal::Int(c)) => c == 1,
                    (ReduceOp::Prod, Literal::Real(c)) => c == 1.0,
                    _ => false,
                }
        };
        peel(self.graph, operand, is_identity, |v| self.homes[v.index()].is_none())
    }

    /// The value under a guard, as an operand of dtype `dtype`.
    pub fn guarded_value(&mut self, guarded: &Guarded, dtype: Dtype, env: &Env) -> Result<Expr, LowerError> {
        let value = self.value(guarded.value, env)?;
        Ok(if guarded.cast { scalar(ScalarOp::Cast, dtype, vec![value], &self.func) } else { value })
    }

    /// Opens loops over `axes`, bounded and tested by the conditions of a guard.
    pub fn open_guarded(
        &mut self,
        axes: &[Axis],
        guarded: &Guarded,
        env: &mut Env,
    ) -> Result<usize, LowerError> {
        let placed = self.place_conditions(axes, guarded);
        let mut opened = self.open_tests(&placed.tests[0], env)?;
        for (level, axis) in axes.iter().enumerate() {
            let mut lows = vec![Expr::int(0)];
            let mut highs = vec![Expr::from_extent(&axis.extent)];
            for (condition, coefficient) in &placed.bounds[level] {
                self.bound(condition, &axis.name, *coefficient, env, &mut lows, &mut highs)?;
            }
            let counter = self.open_loop(&axis.name, &lows, &highs)?;
            env.insert(axis.name.clone(), counter);
            opened += 1 + self.open_tests(&placed.tests[level + 1], env)?;
        }
        Ok(opened)
    }

    /// Puts every condition at the innermost loop whose axis it mentions.
    fn place_conditions(&self, axes: &[Axis], guarded: &Guarded) -> Placed {
        let mut placed =
            Placed { bounds: vec![Vec::new(); axes.len()], tests: vec![Vec::new(); axes.len() + 1] };
        for (condition, value) in &guarded.conditions {
            let ty = self.graph.ty(*value);
            let Some(level) = axes.iter().rposition(|axis| ty.axis(&axis.name).is_some()) else {
                placed.tests[0].push(*value);
                continue;
            };
            let name = &axes[level].name;
            let affine = match condition {
                Condition::Below(affine) | Condition::Zero(affine) => affine,
                Condition::Test(value) => {
                    placed.tests[level + 1].push(*value);
                    continue;
                }
            };
            let coefficient = affine.axes.iter().find(|(axis, _)| axis == name).map(|(_, c)| *c);
            let in_terms = affine.terms.iter().any(|(term, _)| self.graph.ty(*term).axis(name).is_some());
            let unit = |c: i64| c == 1 || c == -1;
            match (coefficient, condition) {
                (Some(c), Condition::Zero(_)) if !in_terms && unit(c) => {
                    placed.bounds[level].push((condition.clone(), c));
                }
                (Some(c), Condition::Below(_)) if !in_terms && c != i64::MIN => {
                    placed.bounds[level].push((condition.clone(), c));
                }
                _ => placed.tests[level + 1].push(*value),
            }
        }
        placed
    }

    fn open_tests(&mut self, tests: &[ValueId], env: &Env) -> Result<usize, LowerError> {
        let mut opened = 0;
        for &test in tests {
            let condition = self.value(test, env)?;
            opened += self.open_if(condition)?;
        }
        Ok(opened)
    }

    /// Adds the bound that a condition puts on the loop over `axis`.
    fn bound(
        &mut self,
        condition: &Condition,
        axis: &Name,
        coefficient: i64,
        env: &Env,
        lows: &mut Vec<Expr>,
        highs: &mut Vec<Expr>,
    ) -> Result<(), LowerError> {
        match condition {
            Condition::Below(affine) if coefficient > 0 => {
                // c*j + r < 0: j < -r/c
                let bound = self.rest(affine, axis, -1, env)?;
                highs.push(ceil_div(bound, coefficient));
            }
            Condition::Below(affine) => {
                // r < (-c)*j: j > r/(-c)
                let bound = self.rest(affine, axis, 1, env)?;
                let quotient = Expr::floordiv(bound, Expr::int(-coefficient));
                lows.push(Expr::add(quotient, Expr::int(1)));
            }
            Condition::Zero(affine) => {
                let at = self.rest(affine, axis, -coefficient, env)?;
                let at = self.bind(axis, at);
                highs.push(Expr::add(at.clone(), Expr::int(1)));
                lows.push(at);
            }
            Condition::Test(_) => {}
        }
        Ok(())
    }

    /// `sign` times the affine sum without the term of `axis`.
    fn rest(&mut self, affine: &Affine, axis: &Name, sign: i64, env: &Env) -> Result<Expr, LowerError> {
        let mut parts: Vec<(Expr, i64)> = Vec::new();
        for (name, coefficient) in affine.axes.iter().filter(|(name, _)| name != axis) {
            let index = env.get(name).cloned();
            let index = index.ok_or_else(|| LowerError::Loops(format!("axis `{name}` has no index here")))?;
            parts.push((index, coefficient.wrapping_mul(sign)));
        }
        for (term, coefficient) in &affine.terms {
            parts.push((self.value(*term, env)?, coefficient.wrapping_mul(sign)));
        }
        // A positive part first, so that no leading minus is needed.
        parts.sort_by_key(|(_, coefficient)| *coefficient < 0);
        let mut sum: Option<Expr> = None;
        for (part, coefficient) in parts {
            let magnitude = Expr::mul(part, Expr::int(coefficient.wrapping_abs()));
            sum = Some(match (sum, coefficient < 0) {
                (None, false) => magnitude,
                (None, true) => Expr::sub(Expr::int(0), magnitude),
                (Some(sum), false) => Expr::add(sum, magnitude),
                (Some(sum), true) => Expr::sub(sum, magnitude),
            });
        }
        let constant = Expr::int(affine.constant.wrapping_mul(sign));
        Ok(Expr::add(sum.unwrap_or_else(|| Expr::int(0)), constant))
    }

    /// The first place of the largest (smallest) value, or of the first NaN: two registers.
    fn arg_extreme(
        &mut self,
        value: ValueId,
        op: ReduceOp,
        axes: &[Name],
        operand: ValueId,
        env: &Env,
    ) -> Result<Expr, LowerError> {
        let dtype = self.graph.ty(operand).dtype;
        let name = self.name(value);
        let combine = if op == ReduceOp::ArgMax { ReduceOp::Max } else { ReduceOp::Min };
        let best = self.register(&format!("{name}.best"), dtype, identity(combine, dtype));
        let place = self.register(&name, Dtype::I64, Expr::int(0));
        let mut env = env.clone();
        let opened = self.open_axes(&self.axes(operand, axes), &mut env)?;
        let term = self.value(operand, &env)?;
        let term = self.bind(&format!("{name}.x"), term);
        let takes = self.beats(op, &term, best, dtype);
        let inner = self.open_if(takes)?;
        self.push(Stmt::Store(best, Vec::new(), term));
        let index = axes.first().and_then(|axis| env.get(axis)).cloned().unwrap_or_else(|| Expr::int(0));
        self.push(Stmt::Store(place, Vec::new(), index));
        self.close(inner + opened);
        Ok(Expr::Load(place, Vec::new()))
    }

    fn beats(&self, op: ReduceOp, term: &Expr, best: BufferId, dtype: Dtype) -> Expr {
        let best = Expr::Load(best, Vec::new());
        let ordered = if op == ReduceOp::ArgMax {
            vec![best.clone(), term.clone()]
        } else {
            vec![term.clone(), best.clone()]
        };
        let better = Expr::Op(ScalarOp::Lt, Dtype::Bool, ordered);
        if !dtype.is_float() {
            return better;
        }
        let is_nan = |x: Expr| Expr::Op(ScalarOp::IsNan, Dtype::Bool, vec![x]);
        Expr::or(better, Expr::and(is_nan(term.clone()), Expr::negate(is_nan(best))))
    }

    /// A whole nest for a stored value: loops over its axes, then one store per place that keeps it.
    pub fn open_nest(&mut self, value: ValueId, env: &mut Env) -> Result<usize, LowerError> {
        let order = self.decisions.order[value.index()].clone();
        let axes: Vec<Axis> =
            self.axes(value, &order).into_iter().filter(|axis| !env.contains_key(&axis.name)).collect();
        self.open_axes(&axes, env)
    }

    /// Whether evaluating the value twice would be wasteful.
    pub fn is_costly(&self, value: ValueId) -> bool {
        let mut waiting = vec![value];
        let mut steps = 0;
        while let Some(value) = waiting.pop() {
            steps += 1;
            if steps > 40 {
                return true;
            }
            if self.homes[value.index()].is_some() {
                continue;
            }
            match &self.graph.node(value).op {
                Op::Reduce { .. } | Op::Normalise { .. } => return true,
                Op::Map(op, operands) => {
                    use ScalarOp::*;
                    let cheap = matches!(
                        op,
                        Add | Sub
                            | Mul
                            | Neg
                            | Fma
                            | Min
                            | Max
                            | Abs
                            | Sign
                            | Eq
                            | Ne
                            | Lt
                            | Le
                            | And
                            | Or
                            | Not
                            | Select
                            | Cast
                            | Re
                            | Im
                            | Conj
                            | MakeComplex
                    );
                    if !cheap {
                        return true;
                    }
                    waiting.extend(operands);
                }
                Op::Access { source, indices, outside } => {
                    waiting.push(*source);
                    waiting.extend(indices);
                    waiting.extend(outside);
                }
                _ => {}
            }
        }
        false
    }
}

/// `ceil(a / b)` for a positive constant.
fn ceil_div(a: Expr, b: i64) -> Expr {
    if b == 1 { a } else { Expr::floordiv(Expr::add(a, Expr::int(b - 1)), Expr::int(b)) }
}
