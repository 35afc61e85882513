//! Guards: conditions that a reduction is selected by, split into loop bounds and tests.
//!
//! `sum[j] select(i - w < j and j <= i and A[i,j] != 0, x, 0)` runs `j` from `max(0, i-w+1)` to
//! `min(n, i+1)` and tests `A[i,j] != 0` before it computes `x`.

use tcc_ir::axis::Name;
use tcc_ir::dtype::Dtype;
use tcc_ir::graph::{Graph, Op, ValueId};
use tcc_ir::scalar::{Literal, ScalarOp};

/// Most conjuncts that are looked at, and how deep index arithmetic is.
const CONJUNCTS: usize = 64;
const DEPTH: u32 = 24;

/// An integer as a sum: multiples of axes, multiples of other values, and a constant.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Affine {
    pub axes: Vec<(Name, i64)>,
    pub terms: Vec<(ValueId, i64)>,
    pub constant: i64,
}

impl Affine {
    /// The sum that `value` (an i64) is times `factor`, added to this one; `None` on overflow.
    fn accumulate(&mut self, graph: &Graph, value: ValueId, factor: i64, depth: u32) -> Option<()> {
        let constant = |v: ValueId| match &graph.node(v).op {
            Op::Const(Literal::Int(c)) => Some(*c),
            Op::Size(extent) => extent.as_const(),
            _ => None,
        };
        match &graph.node(value).op {
            Op::Index(name) => {
                let known = self.axes.iter_mut().find(|(axis, _)| axis == name);
                match known {
                    Some((_, coefficient)) => *coefficient = coefficient.checked_add(factor)?,
                    None => self.axes.push((name.clone(), factor)),
                }
            }
            _ if constant(value).is_some() => {
                self.constant = self.constant.checked_add(constant(value)?.checked_mul(factor)?)?;
            }
            Op::Map(op @ (ScalarOp::Add | ScalarOp::Sub), operands) if depth > 0 => {
                self.accumulate(graph, operands[0], factor, depth - 1)?;
                let factor = if *op == ScalarOp::Sub { factor.checked_neg()? } else { factor };
                self.accumulate(graph, operands[1], factor, depth - 1)?;
            }
            Op::Map(ScalarOp::Neg, operands) if depth > 0 => {
                self.accumulate(graph, operands[0], factor.checked_neg()?, depth - 1)?;
            }
            Op::Map(ScalarOp::Mul, operands)
                if depth > 0 && operands.iter().any(|&v| constant(v).is_some()) =>
            {
                let (rest, scale) = match (constant(operands[0]), constant(operands[1])) {
                    (Some(c), _) => (operands[1], c),
                    (None, c) => (operands[0], c?),
                };
                self.accumulate(graph, rest, factor.checked_mul(scale)?, depth - 1)?;
            }
            _ => {
                let known = self.terms.iter_mut().find(|(term, _)| *term == value);
                match known {
                    Some((_, coefficient)) => *coefficient = coefficient.checked_add(factor)?,
                    None => self.terms.push((value, factor)),
                }
            }
        }
        self.axes.retain(|(_, c)| *c != 0);
        self.terms.retain(|(_, c)| *c != 0);
        Some(())
    }
}

/// One condition of a guard, as a part of a loop nest sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    /// `affine < 0`
    Below(Affine),
    /// `affine == 0`
    Zero(Affine),
    /// Any bool value.
    Test(ValueId),
}

impl Condition {
    fn of(graph: &Graph, value: ValueId) -> Condition {
        Condition::affine(graph, value).unwrap_or(Condition::Test(value))
    }

    fn affine(graph: &Graph, value: ValueId) -> Option<Condition> {
        let (value, negated) = match &graph.node(value).op {
            Op::Map(ScalarOp::Not, operands) => (operands[0], true),
            _ => (value, false),
        };
        let Op::Map(op @ (ScalarOp::Lt | ScalarOp::Le | ScalarOp::Eq), operands) = &graph.node(value).op
        else {
            return None;
        };
        let (a, b) = (operands[0], operands[1]);
        if graph.ty(a).dtype != Dtype::I64 {
            return None;
        }
        // not (a < b) is b <= a
        let (a, b, strict) = match (op, negated) {
            (ScalarOp::Lt, false) => (a, b, true),
            (ScalarOp::Lt, true) => (b, a, false),
            (ScalarOp::Le, false) => (a, b, false),
            (ScalarOp::Le, true) => (b, a, true),
            (_, false) => (a, b, true),
            (_, true) => return None,
        };
        let mut difference = Affine::default();
        difference.accumulate(graph, a, 1, DEPTH)?;
        difference.accumulate(graph, b, -1, DEPTH)?;
        if *op == ScalarOp::Eq {
            return Some(Condition::Zero(difference));
        }
        if !strict {
            difference.constant = difference.constant.checked_sub(1)?;
        }
        Some(Condition::Below(difference))
    }
}

/// A guarded value: the conditions, the bool values they come from, and the value where they hold.
pub(super) struct Guarded {
    pub conditions: Vec<(Condition, ValueId)>,
    pub value: ValueId,
    /// A cast between guard and reduction.
    pub cast: bool,
}

/// Peels `select(condition, value, identity)` off `value`; `open` says which nodes may be looked into
/// (those without a buffer).
pub(super) fn peel(
    graph: &Graph,
    value: ValueId,
    is_identity: impl Fn(Literal) -> bool,
    open: impl Fn(ValueId) -> bool,
) -> Guarded {
    let mut guarded = Guarded { conditions: Vec::new(), value, cast: false };
    loop {
        let current = guarded.value;
        if !open(current) || guarded.conditions.len() >= CONJUNCTS {
            return guarded;
        }
        let inner = match &graph.node(current).op {
            Op::Map(ScalarOp::Cast, operands)
                if !guarded.cast && guarded.conditions.is_empty() && open(operands[0]) =>
            {
                operands[0]
            }
            _ => current,
        };
        let Op::Map(ScalarOp::Select, operands) = &graph.node(inner).op else { return guarded };
        let identity = matches!(&graph.node(operands[2]).op, Op::Const(literal) if is_identity(*literal));
        if !identity {
            return guarded;
        }
        guarded.cast |= inner != current;
        conjuncts(graph, operands[0], &open, &mut guarded.conditions);
        guarded.value = operands[1];
    }
}

fn conjuncts(
    graph: &Graph,
    condition: ValueId,
    open: &impl Fn(ValueId) -> bool,
    into: &mut Vec<(Condition, ValueId)>,
) {
    let mut waiting = vec![condition];
    while let Some(value) = waiting.pop() {
        match &graph.node(value).op {
            Op::Map(ScalarOp::And, operands) if open(value) && into.len() + waiting.len() < CONJUNCTS => {
                waiting.push(operands[1]);
                waiting.push(operands[0]);
            }
            Op::Const(Literal::Bool(true)) => {}
            _ => into.push((Condition::of(graph, value), value)),
        }
    }
}
