//! Which loops qualify: places as functions of the counter, and what the contract lets be combined.

use super::super::index::Linear;
use crate::Contract;
use std::collections::BTreeSet;
use tcc_ir::loops::{BufferId, Expr, For, Func, LoopKind, Role, Stmt, Var};
use tcc_ir::{Dtype, Kind, ReduceOp, ScalarOp};

/// An accumulation of all iterations into one place.
pub struct Reduction {
    /// How values are combined.
    pub op: ReduceOp,
    /// What holds the place.
    pub buffer: BufferId,
    /// The place, the same in every iteration.
    pub indices: Vec<Expr>,
    /// The dtype of the buffer.
    pub dtype: Dtype,
}

/// Why a loop stays as it is, for people.
pub type Refusal = &'static str;

const NOT_NEIGHBOURS: Refusal = "it writes places that are no neighbours";

/// The reductions of an innermost loop, if the loop can be vectorised.
pub fn reductions(func: &Func, contract: Contract, each: &For) -> Result<Vec<Reduction>, Refusal> {
    if !matches!(each.kind, LoopKind::Serial | LoopKind::Parallel) {
        return Err("its iterations are lanes or written out already");
    }
    let mut loop_ = Loop { func, counter: each.var, varying: BTreeSet::new(), writes: Vec::new() };
    let mut reductions: Vec<Reduction> = Vec::new();
    let mut defined: BTreeSet<Var> = BTreeSet::new();
    for stmt in &each.body {
        match stmt {
            Stmt::Let(var, value) => {
                defined.insert(*var);
                if loop_.varies(value) {
                    loop_.varying.insert(*var);
                }
            }
            Stmt::Store(buffer, indices, _) => loop_.write(*buffer, indices).ok_or(NOT_NEIGHBOURS)?,
            Stmt::Accumulate(op, buffer, indices, _) if indices.iter().any(|i| loop_.varies(i)) => {
                op.scalar_op().ok_or("lanes have no such reduction")?;
                loop_.write(*buffer, indices).ok_or(NOT_NEIGHBOURS)?;
            }
            // The lanes are combined after the loop, where what it defines is out of scope.
            Stmt::Accumulate(_, _, indices, _) if indices.iter().any(|index| mentions(index, &defined)) => {
                return Err("the place of a sum is computed in the loop");
            }
            Stmt::Accumulate(op, buffer, indices, _) => {
                let dtype = func.buffer(*buffer).dtype;
                reductions.push(Reduction { op: *op, buffer: *buffer, indices: indices.clone(), dtype });
            }
            Stmt::For(_) | Stmt::If(..) | Stmt::Check(..) | Stmt::Contract(_) => {
                return Err("there is a loop, a condition or a check inside");
            }
        }
    }
    if loop_.writes.is_empty() && reductions.is_empty() {
        return Err("it writes nothing");
    }
    if !loop_.reads_only_own_places(&each.body) {
        return Err("it reads places that are not evenly spaced, or that another iteration writes");
    }
    if !loop_.reductions_stand_alone(each, contract, &reductions) {
        return Err("its sum may not be split: the contract, its type, or a function in it forbids it");
    }
    Ok(reductions)
}

fn mentions(expr: &Expr, vars: &BTreeSet<Var>) -> bool {
    match expr {
        Expr::Var(var) => vars.contains(var),
        _ => expr.children().iter().any(|child| mentions(child, vars)),
    }
}

struct Loop<'a> {
    func: &'a Func,
    counter: Var,
    /// Lets whose value differs between iterations.
    varying: BTreeSet<Var>,
    /// Places that are written, each with its buffer.
    writes: Vec<(BufferId, Vec<Expr>)>,
}

impl Loop<'_> {
    fn varies(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Var(var) => *var == self.counter || self.varying.contains(var),
            _ => expr.children().iter().any(|child| self.varies(child)),
        }
    }

    /// Distance between the places of neighbouring iterations along each index; `None` if it is not
    /// the same everywhere.
    fn steps(&self, indices: &[Expr]) -> Option<Vec<i128>> {
        indices
            .iter()
            .map(|index| {
                let counter = Expr::Var(self.counter);
                let linear = Linear::of(index)?;
                let even = linear.terms.iter().all(|(atom, _)| *atom == counter || !self.varies(atom));
                even.then(|| linear.factor(&counter))
            })
            .collect()
    }

    /// Notes a write, if neighbouring iterations write neighbouring places.
    fn write(&mut self, buffer: BufferId, indices: &[Expr]) -> Option<()> {
        let steps = self.steps(indices)?;
        let strides = &self.func.buffer(buffer).strides;
        let moving: Vec<_> = steps.iter().zip(strides).filter(|(step, _)| **step != 0).collect();
        let [(1, stride)] = moving.as_slice() else { return None };
        if stride.as_const() != Some(1) {
            return None;
        }
        let other = self.writes.iter().find(|(known, _)| *known == buffer);
        if other.is_some_and(|(_, places)| places != indices) {
            return None;
        }
        self.writes.push((buffer, indices.to_vec()));
        Some(())
    }

    /// Whether every load is of evenly spaced places, and of a buffer that is written only where this
    /// iteration writes it.
    fn reads_only_own_places(&self, body: &[Stmt]) -> bool {
        let mut fine = true;
        let mut visit = |expr: &Expr| {
            let Expr::Load(buffer, indices) = expr else { return };
            let written = self.writes.iter().find(|(known, _)| known == buffer);
            fine &= self.steps(indices).is_some() && written.is_none_or(|(_, places)| places == indices);
        };
        body.iter().for_each(|stmt| stmt.walk_exprs(&mut visit));
        fine
    }

    /// Whether reductions may be split into lanes: allowed by the contract, of places that nothing else
    /// in the loop touches, with room for accumulators in the plan.
    fn reductions_stand_alone(&self, each: &For, contract: Contract, reductions: &[Reduction]) -> bool {
        if reductions.is_empty() {
            return true;
        }
        let mut read: BTreeSet<BufferId> = BTreeSet::new();
        let mut visit = |expr: &Expr| {
            if let Expr::Load(buffer, _) = expr {
                read.insert(*buffer);
            }
        };
        each.body.iter().for_each(|stmt| stmt.walk_exprs(&mut visit));
        // Once buffers have their places, a new one has none.
        each.kind == LoopKind::Serial
            && self.func.arena.is_none()
            && reductions.iter().enumerate().all(|(position, reduction)| {
                let buffer = reduction.buffer;
                may_reassociate(reduction.op, reduction.dtype, contract)
                    && !read.contains(&buffer)
                    && self.writes.iter().all(|(known, _)| *known != buffer)
                    && reductions[..position].iter().all(|other| other.buffer != buffer)
                    && matches!(self.func.buffer(buffer).role, Role::Output | Role::Scratch { .. })
            })
            && each.body.iter().all(|stmt| self.is_simple(stmt))
    }

    /// Whether the value of an accumulation is arithmetic that lanes do as fast as one number: a
    /// function call, a complex number or a gather would cost what the lanes save.
    fn is_simple(&self, stmt: &Stmt) -> bool {
        let mut simple = true;
        let mut visit = |expr: &Expr| {
            if let Expr::Op(op, dtype, _) = expr {
                let wide = matches!(dtype, Dtype::F32 | Dtype::F64 | Dtype::I32 | Dtype::I64 | Dtype::Bool);
                simple &= wide && !matches!(op, ScalarOp::Pow | ScalarOp::PowInt);
            }
        };
        stmt.walk_exprs(&mut visit);
        simple
    }
}

/// Whether the values of a reduction may be combined in another order.
pub(in super::super) fn may_reassociate(op: ReduceOp, dtype: Dtype, contract: Contract) -> bool {
    match (op, dtype.kind()) {
        (ReduceOp::ArgMax | ReduceOp::ArgMin, _) | (_, Kind::Complex) => false,
        (ReduceOp::Max | ReduceOp::Min | ReduceOp::Any | ReduceOp::All, _) => true,
        (ReduceOp::Sum | ReduceOp::Prod, Kind::Int) => true,
        (ReduceOp::Sum | ReduceOp::Prod, Kind::Float | Kind::Bool) => {
            contract >= Contract::Reassoc && matches!(dtype, Dtype::F32 | Dtype::F64)
        }
    }
}
