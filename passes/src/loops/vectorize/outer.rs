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
//! Every iteration of the outer loop does the same operations in the same order as before. A `let` whose
//! value a loop after it needs becomes a register first, which has an element for every lane.

use super::super::index::Linear;
use std::collections::{BTreeMap, BTreeSet};
use tcc_ir::Dtype;
use tcc_ir::loops::{Buffer, BufferId, Expr, For, Func, LoopKind, Role, Stmt, Var};

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

/// What every lane of a loop needs for itself.
pub(super) struct Private {
    /// Registers.
    registers: BTreeSet<BufferId>,
    /// `let`s whose values are needed in loops after them.
    carried: BTreeSet<Var>,
}

impl Private {
    /// Bytes of one lane.
    pub fn bytes(&self, func: &Func) -> i64 {
        let registers = self.registers.iter().map(|&buffer| func.buffer(buffer).dtype);
        let carried = self.carried.iter().map(|&var| func.var(var).dtype);
        registers.chain(carried).map(|dtype| dtype.size_bytes() as i64).sum()
    }

    /// Makes registers of the `let`s, and returns all registers.
    pub fn into_registers(self, func: &mut Func, body: &mut [Stmt]) -> Vec<BufferId> {
        let mut registers: Vec<BufferId> = self.registers.into_iter().collect();
        let mut homes = BTreeMap::new();
        for var in self.carried {
            let declared = func.var(var);
            let (name, dtype) = (declared.name.clone(), declared.dtype);
            let register = func.add_buffer(Buffer::new(name, dtype, vec![], Role::Scratch { offset: None }));
            homes.insert(var, register);
            registers.push(register);
        }
        if !homes.is_empty() {
            spill(body, &homes);
        }
        registers
    }
}

/// Writes the values of `let`s to registers, and reads them there.
fn spill(block: &mut [Stmt], homes: &BTreeMap<Var, BufferId>) {
    for stmt in block {
        stmt.map_exprs(&mut |expr| match &expr {
            Expr::Var(var) => homes.get(var).map_or(expr, |home| Expr::load(*home, vec![])),
            _ => expr,
        });
        define_in(stmt, homes);
    }
}

fn define_in(stmt: &mut Stmt, homes: &BTreeMap<Var, BufferId>) {
    if let Stmt::Let(var, value) = stmt
        && let Some(home) = homes.get(var)
    {
        *stmt = Stmt::Store(*home, vec![], value.clone());
    }
    for block in stmt.blocks_mut() {
        block.iter_mut().for_each(|stmt| define_in(stmt, homes));
    }
}

/// What each lane of a loop needs if every iteration is to be one; `None` if that is not possible or
/// does not pay.
pub(super) fn private(func: &Func, each: &For, total: &Mentions) -> Option<Private> {
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
        carried: BTreeSet::new(),
        pays: false,
    };
    let inside = mentions(&each.body);
    let private = check.registers.iter().all(|buffer| {
        let dtype = func.buffer(*buffer).dtype;
        total.get(buffer) == inside.get(buffer) && is_laned(dtype)
    });
    (private && check.block(&each.body, None).is_some() && check.pays && !check.registers.is_empty())
        .then_some(Private { registers: check.registers, carried: check.carried })
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
    /// `let`s that differ between iterations and are needed in a loop after them, or after that.
    carried: BTreeSet<Var>,
    pays: bool,
}

impl Check<'_> {
    /// Checks statements; `inner` is the counter of the loop around them.
    fn block(&mut self, block: &[Stmt], inner: Option<Var>) -> Option<()> {
        // Varying `let`s are known to the statements up to the next loop.
        let mut local: BTreeSet<Var> = BTreeSet::new();
        for (position, stmt) in block.iter().enumerate() {
            let exprs = stmt.exprs();
            match stmt {
                Stmt::For(l) => {
                    let bounds = [&l.lo, &l.hi];
                    let fine = l.kind == LoopKind::Serial && !bounds.into_iter().any(|b| self.varies(b));
                    if !fine {
                        return None;
                    }
                    let later = &block[position..];
                    local.retain(|var| {
                        let carried = later.iter().any(|stmt| stmt_mentions(stmt, *var));
                        if carried {
                            self.carried.insert(*var);
                        } else {
                            self.varying.remove(var);
                        }
                        carried
                    });
                    self.block(&l.body, Some(l.var))?;
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

fn stmt_mentions(stmt: &Stmt, var: Var) -> bool {
    let mut found = false;
    stmt.walk_exprs(&mut |expr| found |= matches!(expr, Expr::Var(other) if *other == var));
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
                    if group.iter().flat_map(Stmt::defines).any(|var| stmt_mentions(&stmt, var)) {
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

/// An array with an element for each lane of a register.
pub(super) fn array(func: &mut Func, register: BufferId, lanes: i64) -> BufferId {
    let declared = func.buffer(register);
    let (name, dtype) = (format!("{}.v", declared.name), declared.dtype);
    let role = Role::Scratch { offset: None };
    func.add_buffer(Buffer::new(name, dtype, vec![lanes.into()], role))
}
