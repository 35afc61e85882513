//! A test of the oracles themselves: programs are spoiled as a wrong pass would spoil them, and each way has to
//! be noticed. "Found nothing" means something only beside this.

use crate::case::{Case, Class, Level};
use crate::choices::{Choices, Random};
use crate::generate::{Swarm, case};
use crate::oracle::{Effort, judge};
use crate::trace::{self, Ran, Stage};
use tcc_ir::loops::{Expr, For, LoopKind, Stmt};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};

/// A way to spoil a program of loops.
pub struct Spoiler {
    /// Its name.
    pub name: &'static str,
    /// Does it once; `false` if there is nothing like it in the program.
    spoil: fn(&mut Vec<Stmt>) -> bool,
}

/// All ways, each of which is something that passes get wrong in practice.
pub static SPOILERS: &[Spoiler] = &[
    Spoiler { name: "the last iteration is left out", spoil: |body| bounds(body, 0, -1) },
    Spoiler { name: "the first iteration is left out", spoil: |body| bounds(body, 1, 0) },
    Spoiler { name: "there is one iteration too many", spoil: |body| bounds(body, 0, 1) },
    Spoiler { name: "a read is shifted by one", spoil: |body| once(body, &mut shift_read) },
    Spoiler { name: "an operation is another one", spoil: |body| once(body, &mut other_operation) },
    Spoiler { name: "the operands of a difference are exchanged", spoil: |body| once(body, &mut exchange) },
    Spoiler {
        name: "the branches of a select are exchanged",
        spoil: |body| once(body, &mut exchange_select),
    },
    Spoiler { name: "a constant is off by one", spoil: |body| once(body, &mut other_constant) },
    Spoiler { name: "a store is lost", spoil: lose_store },
    Spoiler { name: "an accumulation is a store", spoil: forget_sum },
    Spoiler { name: "an accumulation happens twice", spoil: accumulate_twice },
    Spoiler { name: "a reduction is another one", spoil: other_reduction },
];

/// What became of one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// The way.
    pub name: &'static str,
    /// After how many programs that it changed an oracle said so; `None`: never.
    pub after: Option<u64>,
}

/// Programs that are generated for each one that may be changed.
const GENERATED: u64 = 50;

/// Spoils generated programs in every way, at most `limit` programs each.
pub fn self_test(seed: u64, limit: u64) -> Vec<Noticed> {
    let of = |(number, spoiler): (usize, &Spoiler)| {
        let mut random = Random(seed ^ (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut changed = 0;
        let mut after = None;
        for _ in 0..GENERATED * limit {
            let Some(noticed) = noticed(&mut random, spoiler) else { continue };
            changed += 1;
            if noticed {
                after = Some(changed);
            }
            if noticed || changed == limit {
                break;
            }
        }
        Noticed { name: spoiler.name, after }
    };
    SPOILERS.iter().enumerate().map(of).collect()
}

/// Spoils a new program and asks the oracles; `None` if it says nothing.
fn noticed(random: &mut Random, spoiler: &Spoiler) -> Option<bool> {
    let mut bytes = vec![0; 400];
    random.fill(&mut bytes);
    let mut case: Case = case(&mut Choices::new(&bytes), Swarm::default());
    case.inputs.class = Class::Exact;
    case.backends.clear();
    let mut trace = trace::run(&case);
    if judge(&case, &trace, Effort::Usual).finding.is_some() {
        return None;
    }
    let mut func = trace.last_loops()?.clone();
    if !(spoiler.spoil)(&mut func.body) {
        return None;
    }
    trace.ran.push(Ran { pass: "spoiler", changed: true });
    let position = trace.ran.len();
    trace.stages.push(Stage { pass: "spoiler", position, level: Level::Loops(func) });
    let verdict = judge(&case, &trace, Effort::Usual);
    verdict.refused.is_none().then(|| verdict.finding.is_some())
}

/// Visits every block, the outer ones first; stops when `change` did something.
fn blocks(body: &mut Vec<Stmt>, change: &mut dyn FnMut(&mut Vec<Stmt>) -> bool) -> bool {
    change(body)
        || body.iter_mut().any(|stmt| stmt.blocks_mut().into_iter().any(|block| blocks(block, change)))
}

/// Visits every expression of every statement, until `change` did something.
fn once(body: &mut Vec<Stmt>, change: &mut dyn FnMut(&mut Expr) -> bool) -> bool {
    fn within(expr: &mut Expr, change: &mut dyn FnMut(&mut Expr) -> bool) -> bool {
        change(expr) || expr.children_mut().iter_mut().any(|child| within(child, change))
    }
    blocks(body, &mut |block| {
        block.iter_mut().any(|stmt| stmt.exprs_mut().into_iter().any(|expr| within(expr, change)))
    })
}

fn plus(expr: &Expr, number: i64) -> Expr {
    Expr::add(expr.clone(), Expr::int(number))
}

/// Moves the bounds of the innermost serial loop that comes first.
fn bounds(body: &mut Vec<Stmt>, first: i64, last: i64) -> bool {
    blocks(body, &mut |block| {
        let innermost = block.iter_mut().find_map(|stmt| match stmt {
            Stmt::For(each) => {
                let inner = each.body.iter().any(|stmt| matches!(stmt, Stmt::For(_)));
                (each.kind == LoopKind::Serial && !inner).then_some(each)
            }
            _ => None,
        });
        let Some(For { lo, hi, .. }) = innermost else { return false };
        (*lo, *hi) = (plus(lo, first), plus(hi, last));
        true
    })
}

fn shift_read(expr: &mut Expr) -> bool {
    let Expr::Load(_, indices) = expr else { return false };
    let Some(index) = indices.last_mut() else { return false };
    *index = plus(index, 1);
    true
}

fn other_operation(expr: &mut Expr) -> bool {
    let Expr::Op(op, _, operands) = expr else { return false };
    let other = match op {
        ScalarOp::Add if operands.len() == 2 => ScalarOp::Sub,
        ScalarOp::Sub => ScalarOp::Add,
        ScalarOp::Mul => ScalarOp::Add,
        ScalarOp::Max => ScalarOp::Min,
        ScalarOp::Min => ScalarOp::Max,
        ScalarOp::Lt => ScalarOp::Le,
        ScalarOp::Le => ScalarOp::Lt,
        _ => return false,
    };
    *op = other;
    true
}

fn exchange(expr: &mut Expr) -> bool {
    match expr {
        Expr::Op(ScalarOp::Sub | ScalarOp::Lt | ScalarOp::Le, _, operands) if operands[0] != operands[1] => {
            operands.swap(0, 1);
            true
        }
        _ => false,
    }
}

fn exchange_select(expr: &mut Expr) -> bool {
    match expr {
        Expr::Op(ScalarOp::Select, _, operands) if operands[1] != operands[2] => {
            operands.swap(1, 2);
            true
        }
        _ => false,
    }
}

fn other_constant(expr: &mut Expr) -> bool {
    match expr {
        Expr::Const(Literal::Int(value), _) => {
            *value = value.wrapping_add(1);
            true
        }
        Expr::Const(Literal::Real(value), _) if value.is_finite() => {
            *value += 1.0;
            true
        }
        _ => false,
    }
}

fn lose_store(body: &mut Vec<Stmt>) -> bool {
    blocks(body, &mut |block| {
        let place = block.iter().rposition(|stmt| matches!(stmt, Stmt::Store(..)));
        place.map(|place| block.remove(place)).is_some()
    })
}

fn forget_sum(body: &mut Vec<Stmt>) -> bool {
    blocks(body, &mut |block| {
        let Some(stmt) = block.iter_mut().find(|stmt| matches!(stmt, Stmt::Accumulate(..))) else {
            return false;
        };
        if let Stmt::Accumulate(_, buffer, indices, value) = stmt.clone() {
            *stmt = Stmt::Store(buffer, indices, value);
        }
        true
    })
}

fn accumulate_twice(body: &mut Vec<Stmt>) -> bool {
    blocks(body, &mut |block| {
        let twice = |stmt: &Stmt| matches!(stmt, Stmt::Accumulate(ReduceOp::Sum | ReduceOp::Prod, ..));
        let Some(place) = block.iter().position(twice) else { return false };
        block.insert(place, block[place].clone());
        true
    })
}

fn other_reduction(body: &mut Vec<Stmt>) -> bool {
    blocks(body, &mut |block| {
        let reduction = block.iter_mut().find_map(|stmt| match stmt {
            Stmt::Accumulate(op, ..) => Some(op),
            _ => None,
        });
        let Some(op) = reduction else { return false };
        *op = match op {
            ReduceOp::Sum => ReduceOp::Prod,
            ReduceOp::Prod => ReduceOp::Sum,
            ReduceOp::Max => ReduceOp::Min,
            ReduceOp::Min => ReduceOp::Max,
            ReduceOp::Any => ReduceOp::All,
            ReduceOp::All => ReduceOp::Any,
            _ => return false,
        };
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spoiler_is_noticed() {
        let missed: Vec<_> = self_test(1, 40).into_iter().filter(|noticed| noticed.after.is_none()).collect();
        assert!(missed.is_empty(), "{missed:?}");
    }
}
