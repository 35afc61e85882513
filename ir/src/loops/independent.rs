//! Whether the iterations of a loop can meet: what a parallel loop must not do, decided without values.
//!
//! Every index is taken apart as `step * counter + rest + offset`, where the counter is that of the loop, the
//! rest is the same for all its iterations, and the offset lies in an interval. Iterations do not meet in a
//! buffer if in one of its dimensions all accesses have the same step and the same rest, and all their
//! offsets together span less than the step:
//!
//! ```text
//! parallel for i.o in 0..n div 16 { vector for v in 0..16 { Y[i.o * 16 + v] = .. } }      16 > 15 - 0
//! ```

use super::{BufferId, Contract, Expr, For, Func, LoopKind, Stmt, Var, walk_block};
use crate::dtype::Dtype;
use crate::scalar::{Literal, ScalarOp};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Most terms of the part that is the same for all iterations.
const MOST_TERMS: usize = 16;

/// Numbers beyond this are not reasoned about: indices are of 64 bits and wrap.
const FAR: u128 = 1 << 48;

/// `step * counter + rest + lo..=hi`.
#[derive(Clone, Debug)]
struct Form {
    step: i128,
    rest: Vec<(Expr, i128)>,
    lo: i128,
    hi: i128,
}

impl Form {
    fn interval(lo: i128, hi: i128) -> Form {
        Form { step: 0, rest: Vec::new(), lo, hi }
    }

    /// `self + other * factor`.
    fn plus(mut self, other: &Form, factor: i128) -> Option<Form> {
        let times = |value: i128| value.checked_mul(factor);
        self.step = self.step.checked_add(times(other.step)?)?;
        for (term, coefficient) in &other.rest {
            let added = times(*coefficient)?;
            match self.rest.iter_mut().find(|(known, _)| known == term) {
                Some((_, sum)) => *sum = sum.checked_add(added)?,
                None => self.rest.push((term.clone(), added)),
            }
        }
        self.rest.retain(|(_, coefficient)| *coefficient != 0);
        let (lo, hi) = (times(other.lo)?, times(other.hi)?);
        self.lo = self.lo.checked_add(lo.min(hi))?;
        self.hi = self.hi.checked_add(lo.max(hi))?;
        let near = |value: i128| value.unsigned_abs() <= FAR;
        let exact = near(self.step) && near(self.lo) && near(self.hi);
        (exact && self.rest.iter().all(|term| near(term.1)) && self.rest.len() <= MOST_TERMS).then_some(self)
    }

    /// The interval that it is, if nothing else enters.
    fn bounds(&self) -> Option<(i128, i128)> {
        (self.step == 0 && self.rest.is_empty()).then_some((self.lo, self.hi))
    }

    fn same_rest(&self, other: &Form) -> bool {
        self.rest.len() == other.rest.len() && self.rest.iter().all(|term| other.rest.contains(term))
    }

    /// What both are, if the iterations can be told apart by both.
    fn join(mut self, other: &Form) -> Option<Form> {
        (self.lo, self.hi) = (self.lo.min(other.lo), self.hi.max(other.hi));
        (self.step == other.step && self.same_rest(other)).then_some(self)
    }
}

struct Walk<'a> {
    func: &'a Func,
    counter: Var,
    /// What is defined inside of the loop.
    inside: HashMap<Var, Option<Form>>,
    /// Of each buffer that the loop writes, by dimension, what all its accesses are.
    buffers: BTreeMap<BufferId, Option<Vec<Option<Form>>>>,
}

/// The buffers in which two iterations of a loop may meet at a place that one of them writes. Those that
/// each iteration has one of its own of (registers and private scratch) are not among them.
pub fn meeting(func: &Func, each: &For) -> Vec<BufferId> {
    let mut written = BTreeSet::new();
    walk_block(&each.body, &mut |stmt| written.extend(stmt.write().map(|write| write.buffer)));
    written.retain(|buffer| !func.buffer(*buffer).is_private());
    let buffers = written.into_iter().map(|buffer| (buffer, None)).collect();
    let mut walk = Walk { func, counter: each.var, inside: HashMap::new(), buffers };
    walk.block(&each.body);
    let apart = |forms: &Option<Vec<Option<Form>>>| {
        let told = |form: &Form| form.hi - form.lo < form.step.abs();
        forms.as_ref().is_none_or(|forms| forms.iter().flatten().any(told))
    };
    walk.buffers.into_iter().filter(|(_, forms)| !apart(forms)).map(|(buffer, _)| buffer).collect()
}

/// Refuses parallel loops whose iterations may meet.
pub(super) fn verify(func: &Func, errors: &mut Vec<String>) {
    func.walk(&mut |stmt| {
        let Stmt::For(each) = stmt else { return };
        if each.kind != LoopKind::Parallel {
            return;
        }
        let meeting = meeting(func, each);
        errors.extend(meeting.into_iter().map(|buffer| {
            let (name, buffer) = (&func.var(each.var).name, &func.buffer(buffer).name);
            format!("iterations of the parallel loop `{name}` may meet in `{buffer}`")
        }));
    });
}

impl Walk<'_> {
    fn block(&mut self, block: &[Stmt]) {
        for stmt in block {
            match stmt {
                Stmt::For(For { var, lo, hi, body, .. }) => {
                    self.load(lo);
                    self.load(hi);
                    let range = self.range(lo, hi);
                    self.inside.insert(*var, range);
                    self.block(body);
                }
                Stmt::Let(var, value) => {
                    self.load(value);
                    let form = if self.func.var(*var).dtype == Dtype::I64 { self.form(value) } else { None };
                    self.inside.insert(*var, form);
                }
                Stmt::Contract(Contract { axes, target, place, .. }) => {
                    for (var, extent) in axes {
                        let range = self.range(&Expr::int(0), extent);
                        self.inside.insert(*var, range);
                    }
                    stmt.exprs().into_iter().for_each(|expr| self.load(expr));
                    self.access(*target, place);
                }
                Stmt::Store(..) | Stmt::Accumulate(..) | Stmt::If(..) | Stmt::Check(..) => {
                    stmt.exprs().into_iter().for_each(|expr| self.load(expr));
                    if let Some(write) = stmt.write() {
                        self.access(write.buffer, write.place);
                    }
                    stmt.blocks().into_iter().for_each(|inner| self.block(inner));
                }
            }
        }
    }

    /// The values of a counter.
    fn range(&self, lo: &Expr, hi: &Expr) -> Option<Form> {
        if let Expr::Op(ScalarOp::Min, _, ends) = hi
            && let [a, b] = ends.as_slice()
        {
            // It ends where the first of the two says: either of them holds it.
            let span = |form: &Form| form.hi - form.lo;
            return match (self.range(lo, a), self.range(lo, b)) {
                (Some(a), Some(b)) => Some(if span(&a) <= span(&b) { a } else { b }),
                (a, b) => a.or(b),
            };
        }
        let (lo, hi) = (self.form(lo)?, self.form(hi)?);
        if let (Some(lo), Some(hi)) = (lo.bounds(), hi.bounds()) {
            return Some(Form::interval(lo.0, lo.0.max(hi.1 - 1)));
        }
        let most = hi.plus(&lo, -1)?.bounds()?.1;
        let trips = Form::interval(0, (most - 1).max(0));
        lo.plus(&trips, 1)
    }

    fn load(&mut self, expr: &Expr) {
        if let Expr::Load(buffer, indices) = expr {
            self.access(*buffer, indices);
        }
        expr.children().iter().for_each(|child| self.load(child));
    }

    fn access(&mut self, buffer: BufferId, indices: &[Expr]) {
        if !self.buffers.contains_key(&buffer) {
            return;
        }
        let here: Vec<Option<Form>> = indices.iter().map(|index| self.form(index)).collect();
        if let Some(known) = self.buffers.get_mut(&buffer) {
            *known = Some(match known.take() {
                None => here,
                Some(known) => {
                    let both = known.into_iter().zip(here);
                    both.map(|(known, here)| known?.join(&here?)).collect()
                }
            });
        }
    }

    fn form(&self, expr: &Expr) -> Option<Form> {
        let one = |term: &Expr| Form { rest: vec![(term.clone(), 1)], ..Form::interval(0, 0) };
        match expr {
            Expr::Const(Literal::Int(value), _) => {
                Some(Form::interval(i128::from(*value), i128::from(*value)))
            }
            Expr::Var(var) if *var == self.counter => Some(Form { step: 1, ..Form::interval(0, 0) }),
            Expr::Var(var) => match self.inside.get(var) {
                Some(form) => form.clone(),
                None => Some(one(expr)),
            },
            Expr::Symbol(_) => Some(one(expr)),
            Expr::Op(op, Dtype::I64, operands) => {
                let known = match (op, operands.as_slice()) {
                    (ScalarOp::Neg, [a]) => Form::interval(0, 0).plus(&self.form(a)?, -1),
                    (ScalarOp::Add, [a, b]) => self.form(a)?.plus(&self.form(b)?, 1),
                    (ScalarOp::Sub, [a, b]) => self.form(a)?.plus(&self.form(b)?, -1),
                    (ScalarOp::Mul, [a, b]) => match (a.as_int(), b.as_int()) {
                        (Some(by), _) => Form::interval(0, 0).plus(&self.form(b)?, by.into()),
                        (_, Some(by)) => Form::interval(0, 0).plus(&self.form(a)?, by.into()),
                        _ => None,
                    },
                    (ScalarOp::FloorDiv | ScalarOp::Mod | ScalarOp::Min | ScalarOp::Max, [a, b]) => {
                        self.bounded(*op, a, b)
                    }
                    _ => None,
                };
                known.or_else(|| self.is_fixed(expr).then(|| one(expr)))
            }
            Expr::Const(..) | Expr::Load(..) | Expr::Op(..) => None,
        }
    }

    /// An operation whose result is known by an interval only.
    fn bounded(&self, op: ScalarOp, a: &Expr, b: &Expr) -> Option<Form> {
        let bounds = |expr: &Expr| self.form(expr).and_then(|form| form.bounds());
        let divisor = b.as_int().map(i128::from).filter(|&divisor| divisor > 0);
        let (lo, hi) = match op {
            ScalarOp::FloorDiv => {
                let ((lo, hi), divisor) = (bounds(a)?, divisor?);
                (lo.div_euclid(divisor), hi.div_euclid(divisor))
            }
            ScalarOp::Mod => match (bounds(a), divisor?) {
                (Some((lo, hi)), divisor) if lo >= 0 && hi < divisor => (lo, hi),
                (_, divisor) if !self.is_fixed(a) => (0, divisor - 1),
                _ => return None,
            },
            _ => {
                let (a, b) = (bounds(a)?, bounds(b)?);
                let either = |a: i128, b: i128| if op == ScalarOp::Min { a.min(b) } else { a.max(b) };
                (either(a.0, b.0), either(a.1, b.1))
            }
        };
        Some(Form::interval(lo, hi))
    }

    /// Whether all iterations compute the same.
    fn is_fixed(&self, expr: &Expr) -> bool {
        let mut fixed = true;
        expr.walk(&mut |part| {
            fixed &= match part {
                Expr::Var(var) => *var != self.counter && !self.inside.contains_key(var),
                Expr::Load(..) => false,
                Expr::Const(..) | Expr::Symbol(_) | Expr::Op(..) => true,
            };
        });
        fixed
    }
}

#[cfg(test)]
mod tests {
    use crate::loops::Func;

    fn errors(statements: &str) -> String {
        let text = format!(
            "func @f(n) {{
               input X: f32[n, n]
               output Y: f32[n] output Z: f32[n, n]
               scratch S: f32[n] scratch P: f32[n] private scratch r: f32 scratch I: i64[n]
               {statements}
             }}"
        );
        let func: Func = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
        super::super::verify::verify(&func).map_or_else(|errors| errors.to_string(), |()| String::new())
    }

    #[test]
    fn iterations_that_one_index_tells_apart_pass() {
        for body in [
            "parallel for i in 0..n { Y[i] = X[0, i] Y[i] += 1.0f32 }",
            "parallel for i in 0..n { for j in 0..n { Z[j, n - i] = X[i, j] } }",
            "parallel for i in 0..n div 16 { vector for v in 0..16 { Y[i * 16 + v + n] = 1.0f32 } }",
            "parallel for i in 0..4 { for j in 0..8 { let k: i64 = i * 32 + j * 4
               unroll for l in 0..4 { Y[k + l] = Y[k] } } }",
            "parallel for i in 0..4 { for j in i * 8..i * 8 + 8 { Y[j] = 1.0f32 } }",
            "parallel for i in 0..4 { for j in 0..min(8, n) { Y[8 * i + j] = 1.0f32 } }",
            "parallel for i in 0..(n + 7) div 8 { for j in 0..min(8, n - i * 8) { Y[8 * i + j] = 1.0f32 } }",
            "for k in 0..n { parallel for i in 0..n { Z[i, k] = Z[i, k + 1] } }",
            "parallel for i in 0..4 {
               contract q in 0..8, k in 0..n, d in 0..n: Z[i * 8 + q, k] = X[q, d] * X[k, d] }",
            "parallel for i in 0..n { for j in 0..n { P[j] = X[i, j] } r = P[i] Y[i] = r }",
            "parallel for i in 0..n { parallel for j in 0..n { Z[i, j] = 1.0f32 } }",
        ] {
            assert_eq!(errors(body), "", "{body}");
        }
    }

    #[test]
    fn iterations_that_may_meet_are_refused() {
        let in_y = "iterations of the parallel loop `i` may meet in `Y`";
        for body in [
            "parallel for i in 0..n { Y[0] = 1.0f32 }",
            "parallel for i in 0..n { Y[i] = Y[i + 1] }",
            "parallel for i in 0..n { Y[i div 2] = 1.0f32 }",
            "parallel for i in 0..n { Y[i * 0] = 1.0f32 }",
            "parallel for i in 0..n { vector for v in 0..17 { Y[i * 16 + v] = 1.0f32 } }",
            "parallel for i in 0..n { for j in 0..n { Y[i * 16 + j] = 1.0f32 } }",
            "parallel for i in 0..n { Y[i] = 1.0f32 Y[i * 2] = 1.0f32 }",
            "parallel for i in 0..n { Y[i] += 1.0f32 r = Y[n] }",
            "parallel for i in 0..n { for j in 0..n { let k: i64 = i + j Y[k] = 1.0f32 } }",
            "parallel for i in 0..n { Y[i * 4611686018427387904 * 4] = 1.0f32 }",
        ] {
            assert!(errors(body).contains(in_y), "{body}: {}", errors(body));
        }
        let shared = "parallel for i in 0..n { for j in 0..n { S[j] = X[i, j] } Y[i] = S[i] }";
        assert!(errors(shared).contains("may meet in `S`"));
        let read_as_a_place = "parallel for i in 0..n { I[i] = i
            contract q in 0..8, k in 0..n, d in 0..n: Z[i * 8 + q, k + I[n - i]] = X[q, d] * X[k, d] }";
        assert!(errors(read_as_a_place).contains("may meet in `I`"), "{}", errors(read_as_a_place));
        let diagonal = "parallel for i in 0..n { parallel for j in 0..n { Z[i, i] = 1.0f32 } }";
        assert!(errors(diagonal).contains("loop `j` may meet in `Z`"));
    }

    #[test]
    fn only_scratch_is_private() {
        let text = "func @f() { input X: f32[4] private }";
        assert!(text.parse::<Func>().is_err());
        let mut func: Func = "func @f() { output Y: f32[4] Y[0] = 1.0f32 }".parse().expect("text");
        func.buffers[0].private = true;
        assert!(super::super::verify::verify(&func).is_err());
    }
}
