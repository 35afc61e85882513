//! Vectorisation of a loop around loops, where the inner ones run across memory.
//!
//! ```text
//! for k in 0..16 { acc = 0  for j in 0..n { acc += X[j, k] }  Y[k] = acc }
//!   -->
//! for k.o in 0..1 {
//!   vector for k.v in 0..16 { acc.v[k.v] = 0 }
//!   for j in 0..n { vector for k.v in 0..16 { acc.v[k.v] += X[j, k.o*16 + k.v] } }
//!   vector for k.v in 0..16 { Y[k.o*16 + k.v] = acc.v[k.v] }
//! }
//! ```
//!
//! Every iteration of the outer loop does the same operations in the same order as before.

use super::super::index::Linear;
use std::collections::{BTreeMap, BTreeSet};
use tcc_ir::Dtype;
use tcc_ir::loops::{BufferId, Expr, For, Func, LoopKind, Role, Stmt, Var};

/// How often each buffer is mentioned.
pub(super) type Mentions = BTreeMap<BufferId, usize>;

/// Counts the mentions of buffers in a block.
pub(super) fn mentions(block: &[Stmt]) -> Mentions {
    let mut counts = Mentions::new();
    for stmt in block {
        stmt.walk_exprs(&mut |expr| {
            if let Expr::Load(buffer, _) = expr {
                *counts.entry(*buffer).or_default() += 1;
            }
        });
        stmt.walk(&mut |stmt| {
            if let Stmt::Store(buffer, ..) | Stmt::Accumulate(_, buffer, ..) = stmt {
                *counts.entry(*buffer).or_default() += 1;
            }
        });
    }
    counts
}

/// The registers of a loop of which every iteration can be a lane; `None` if that is not possible or
/// does not pay.
pub(super) fn registers(func: &Func, each: &For, total: &Mentions) -> Option<Vec<BufferId>> {
    let around = each.body.iter().any(|stmt| matches!(stmt, Stmt::For(_)));
    // Once buffers have their places, a new one has none; iterations in parallel would share it.
    if !around || each.kind != LoopKind::Serial || func.arena.is_some() {
        return None;
    }
    let mut defined: BTreeSet<Var> = each.body.iter().flat_map(Stmt::defines).collect();
    defined.insert(each.var);
    let written: BTreeSet<BufferId> = each.body.iter().flat_map(Stmt::writes).collect();
    let (registers, written) =
        written.into_iter().partition(|buffer: &BufferId| func.buffer(*buffer).is_register());
    let mut check = Check {
        func,
        counter: each.var,
        defined,
        registers,
        written,
        columns: BTreeMap::new(),
        varying: BTreeSet::new(),
        set: BTreeSet::new(),
        pays: false,
    };
    let inside = mentions(&each.body);
    let private = check.registers.iter().all(|buffer| {
        let dtype = func.buffer(*buffer).dtype;
        total.get(buffer) == inside.get(buffer) && is_laned(dtype)
    });
    (private && check.block(&each.body, None).is_some() && check.pays && !check.registers.is_empty())
        .then(|| check.registers.into_iter().collect())
}

fn is_laned(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F32 | Dtype::F64 | Dtype::I32 | Dtype::I64)
}

/// What is known while a body is checked.
struct Check<'a> {
    func: &'a Func,
    counter: Var,
    /// Everything that the loop defines.
    defined: BTreeSet<Var>,
    /// Registers and buffers that the loop writes.
    registers: BTreeSet<BufferId>,
    written: BTreeSet<BufferId>,
    /// The index along which iterations write: its position and expression.
    columns: BTreeMap<BufferId, (usize, Expr)>,
    /// `let`s that differ between iterations.
    varying: BTreeSet<Var>,
    /// Registers that have been given a value.
    set: BTreeSet<BufferId>,
    pays: bool,
}

impl Check<'_> {
    /// Checks statements; `inner` is the counter of the loop around them.
    fn block(&mut self, block: &[Stmt], inner: Option<Var>) -> Option<()> {
        // Varying `let`s are known to the statements up to the next loop.
        let mut local: BTreeSet<Var> = BTreeSet::new();
        for stmt in block {
            let exprs = stmt.exprs();
            match stmt {
                Stmt::For(l) => {
                    let bounds = [&l.lo, &l.hi];
                    let fine = l.kind == LoopKind::Serial && !bounds.into_iter().any(|b| self.varies(b));
                    let crossing = stmt_mentions(stmt, &local);
                    if !fine || crossing {
                        return None;
                    }
                    self.varying.retain(|var| !local.contains(var));
                    self.defined.extend(local.iter());
                    self.block(&l.body, Some(l.var))?;
                    // What follows may not mention what stood before.
                    if block
                        .iter()
                        .skip_while(|other| !std::ptr::eq(*other, stmt))
                        .skip(1)
                        .any(|later| stmt_mentions(later, &local))
                    {
                        return None;
                    }
                    local.clear();
                    continue;
                }
                Stmt::If(..) | Stmt::Check(..) | Stmt::Contract(_) => return None,
                Stmt::Let(var, value) => {
                    if self.varies(value) {
                        if !is_laned(self.func.var(*var).dtype) {
                            return None;
                        }
                        self.varying.insert(*var);
                        local.insert(*var);
                    }
                }
                Stmt::Store(buffer, indices, _) | Stmt::Accumulate(_, buffer, indices, _) => {
                    if self.registers.contains(buffer) {
                        if matches!(stmt, Stmt::Store(..)) && inner.is_none() {
                            exprs.iter().try_for_each(|expr| self.loads(expr, inner))?;
                            self.set.insert(*buffer);
                            continue;
                        }
                        self.set.contains(buffer).then_some(())?;
                        if let Stmt::Accumulate(op, ..) = stmt {
                            op.scalar_op()?;
                        }
                    } else {
                        self.column(*buffer, indices)?;
                        if let Stmt::Accumulate(op, ..) = stmt {
                            op.scalar_op()?;
                        }
                    }
                }
            }
            exprs.iter().try_for_each(|expr| self.loads(expr, inner))?;
        }
        self.varying.retain(|var| !local.contains(var));
        Some(())
    }

    fn varies(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Var(var) => *var == self.counter || self.varying.contains(var),
            Expr::Load(buffer, indices) => {
                self.registers.contains(buffer)
                    || self.written.contains(buffer)
                    || indices.iter().any(|index| self.varies(index))
            }
            _ => expr.children().iter().any(|child| self.varies(child)),
        }
    }

    /// Distance in elements between the places of neighbouring iterations of the loop.
    fn stride(&self, buffer: BufferId, indices: &[Expr]) -> Option<i128> {
        let counter = Expr::Var(self.counter);
        for index in indices {
            let linear = Linear::of(index)?;
            let even = linear.terms.iter().all(|(atom, _)| *atom == counter || !self.varies(atom));
            even.then_some(())?;
        }
        self.step(buffer, indices, self.counter)
    }

    /// What adding 1 to a counter adds to a place, in elements, if it is linear in the counter.
    fn step(&self, buffer: BufferId, indices: &[Expr], counter: Var) -> Option<i128> {
        let mut sum = 0;
        for (index, stride) in indices.iter().zip(&self.func.buffer(buffer).strides) {
            let factor = Linear::of(index)?.factor(&Expr::Var(counter));
            if factor != 0 {
                sum += factor * i128::from(stride.as_const()?);
            }
        }
        Some(sum)
    }

    /// Notes along which index iterations write a buffer: each must have a place of its own there.
    fn column(&mut self, buffer: BufferId, indices: &[Expr]) -> Option<()> {
        (self.stride(buffer, indices)? == 1).then_some(())?;
        let moving = indices.iter().position(|index| index.mentions(self.counter))?;
        let linear = Linear::of(&indices[moving])?;
        let counter = Expr::Var(self.counter);
        let fixed = linear.terms.iter().all(|(atom, _)| {
            *atom == counter
                || atom.free_vars().iter().all(|var| !self.defined.contains(var)) && atom.reads().is_empty()
        });
        let others = indices.iter().filter(|index| index.mentions(self.counter)).count() == 1;
        (fixed && others && linear.factor(&counter) == 1).then_some(())?;
        let column = (moving, indices[moving].clone());
        let known = self.columns.entry(buffer).or_insert_with(|| column.clone());
        (*known == column).then_some(())
    }

    /// Checks the loads of an expression.
    fn loads(&mut self, expr: &Expr, inner: Option<Var>) -> Option<()> {
        if let Expr::Load(buffer, indices) = expr {
            if self.registers.contains(buffer) {
                self.set.contains(buffer).then_some(())?;
            } else if self.written.contains(buffer) {
                self.column(*buffer, indices)?;
            } else {
                let stride = self.stride(*buffer, indices)?;
                matches!(stride, 0 | 1).then_some(())?;
                if let (1, Some(inner)) = (stride, inner) {
                    self.pays |= !matches!(self.step(*buffer, indices, inner), Some(0 | 1));
                }
            }
        }
        expr.children().iter().try_for_each(|child| self.loads(child, inner))
    }
}

fn stmt_mentions(stmt: &Stmt, vars: &BTreeSet<Var>) -> bool {
    let mut found = false;
    stmt.walk_exprs(&mut |expr| found |= matches!(expr, Expr::Var(var) if vars.contains(var)));
    found
}

/// Some iterations as lanes.
pub(super) struct Lanes<'a> {
    /// The loop.
    pub each: &'a For,
    /// What it writes.
    pub written: &'a BTreeSet<BufferId>,
    /// The array of every register.
    pub arrays: &'a BTreeMap<BufferId, BufferId>,
    /// The iteration in lane 0.
    pub first: Expr,
    /// How many.
    pub lanes: i64,
}

impl Lanes<'_> {
    /// The statements of these iterations; what the body defines is fresh.
    pub fn statements(&self, func: &mut Func) -> Vec<Stmt> {
        let body = func.copy_fresh(&self.each.body);
        self.block(func, body)
    }

    fn block(&self, func: &mut Func, block: Vec<Stmt>) -> Vec<Stmt> {
        let (mut result, mut group) = (Vec::new(), Vec::new());
        for stmt in block {
            match stmt {
                Stmt::For(mut l) => {
                    self.flush(func, &mut group, &mut result);
                    l.body = self.block(func, std::mem::take(&mut l.body));
                    result.push(Stmt::For(l));
                }
                // What is the same in all lanes stays in scope for the loops that follow.
                Stmt::Let(_, ref value) if self.is_same(value) => {
                    if group.iter().any(|other: &Stmt| mentions_any(&stmt, &other.defines())) {
                        group.push(stmt);
                    } else {
                        result.push(stmt);
                    }
                }
                _ => group.push(stmt),
            }
        }
        self.flush(func, &mut group, &mut result);
        result
    }

    /// Whether a value is certainly the same in all lanes.
    fn is_same(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Var(var) => *var != self.each.var,
            Expr::Load(buffer, _) if self.written.contains(buffer) => false,
            _ => expr.children().iter().all(|child| self.is_same(child)),
        }
    }

    fn flush(&self, func: &mut Func, group: &mut Vec<Stmt>, result: &mut Vec<Stmt>) {
        if group.is_empty() {
            return;
        }
        let name = format!("{}.v", func.var(self.each.var).name);
        let lane = func.add_var(&name, Dtype::I64);
        let mut body = std::mem::take(group);
        for stmt in &mut body {
            if let Stmt::Store(buffer, indices, _) | Stmt::Accumulate(_, buffer, indices, _) = stmt
                && let Some(array) = self.arrays.get(buffer)
            {
                *buffer = *array;
                *indices = vec![lane.into()];
            }
            stmt.map_exprs(&mut |expr| match &expr {
                Expr::Load(buffer, _) => match self.arrays.get(buffer) {
                    Some(array) => Expr::load(*array, vec![lane.into()]),
                    None => expr,
                },
                _ => expr,
            });
            stmt.substitute(self.each.var, &Expr::add(self.first.clone(), lane.into()));
        }
        result.push(Stmt::for_loop(lane, Expr::int(0), Expr::int(self.lanes), LoopKind::Vector, body));
    }
}

fn mentions_any(stmt: &Stmt, vars: &BTreeSet<Var>) -> bool {
    stmt_mentions(stmt, vars)
}

/// An array with an element for each lane of a register.
pub(super) fn array(func: &mut Func, register: BufferId, lanes: i64) -> BufferId {
    let declared = func.buffer(register);
    let (name, dtype) = (format!("{}.v", declared.name), declared.dtype);
    let role = Role::Scratch { offset: None };
    func.add_buffer(tcc_ir::loops::Buffer::new(name, dtype, vec![lanes.into()], role))
}
