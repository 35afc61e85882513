//! Loop fusion and buffer contraction.
//!
//! ```text
//! for i in 0..n { for j in 0..n { S[i, j] = .. } }
//! for i.1 in 0..n { for j.1 in 0..n { y[i.1] += S[i.1, j.1] } }
//!   -->
//! for i in 0..n { for j in 0..n { S[i, j] = .. } for j.1 in 0..n { y[i] += S[i, j.1] } }     (fused)
//!   -->
//! for i in 0..n { for j in 0..n { S[j] = .. } for j.1 in 0..n { y[i] += S[j.1] } }           (contracted)
//! ```
//!
//! Two serial loops of one block with equal bounds become one when the later one reads what the
//! earlier one writes and every dependence between them stays within an iteration: each buffer that
//! both touch and one writes has a dimension whose index is exactly the loop variable in every access.
//! The later loop may move up past statements that it does not depend on, or the earlier one down past
//! statements that do not depend on it. Afterwards a scratch buffer that is touched
//! by one loop only, always at exactly its variable in some dimension, loses that dimension; with its last
//! dimension it becomes a register.
//!
//! What is summed, and in which order, does not change: exact in every contract.

use crate::{Changed, PassContext};
use std::collections::{BTreeMap, BTreeSet};
use tcc_ir::loops::{BufferId, Contract, Expr, For, Func, LoopKind, Role, Stmt, Var, row_major, walk_block};
use tcc_ir::planted;

/// How many statements back a partner is looked for: keeps the pass linear in the length of a block.
const REACH: usize = 32;

/// Fuses loops from the outermost block inwards, then contracts buffers.
pub fn run(func: &mut Func, context: &PassContext) -> Changed {
    let mut body = std::mem::take(&mut func.body);
    let fused = fuse_block(&mut body, context);
    func.body = body;
    let changed = contract(func, context) || fused;
    if changed {
        forget_plan(func);
    }
    Changed::from(changed)
}

/// How a statement touches one buffer, seen from the variable of a loop.
#[derive(Clone, Default)]
pub(super) struct Access {
    read: bool,
    written: bool,
    /// The dimensions whose index is exactly the loop variable in every access; `None` before the
    /// first access.
    at_variable: Option<BTreeSet<usize>>,
}

impl Access {
    fn add(&mut self, indices: &[Expr], var: Option<Var>) {
        let here = indices.iter().enumerate();
        let here = here.filter(|(_, index)| matches!(index, Expr::Var(v) if Some(*v) == var));
        let here: BTreeSet<usize> = here.map(|(dimension, _)| dimension).collect();
        self.at_variable = Some(match self.at_variable.take() {
            None => here,
            Some(known) => known.intersection(&here).copied().collect(),
        });
    }

    fn merge(&mut self, other: &Access) {
        self.read |= other.read;
        self.written |= other.written;
        self.at_variable = match (self.at_variable.take(), &other.at_variable) {
            (Some(a), Some(b)) => Some(a.intersection(b).copied().collect()),
            (a, b) => a.or_else(|| b.clone()),
        };
    }

    /// The dimensions whose index is the variable in every access.
    pub(super) fn at_variable(&self) -> BTreeSet<usize> {
        self.at_variable.clone().unwrap_or_default()
    }

    /// Whether some dimension separates the iterations in all these accesses.
    pub(super) fn separated_with(&self, other: &Access) -> bool {
        match (&self.at_variable, &other.at_variable) {
            (Some(a), Some(b)) => a.intersection(b).next().is_some(),
            _ => false,
        }
    }
}

/// All buffers that a statement touches, and the variables that it uses but does not define.
#[derive(Clone, Default)]
pub(super) struct Summary {
    buffers: BTreeMap<BufferId, Access>,
    used: BTreeSet<Var>,
}

impl Summary {
    /// Of a statement, along its variable if it is a loop.
    fn of(stmt: &Stmt) -> Summary {
        let var = match stmt {
            Stmt::For(For { var, .. }) => Some(*var),
            Stmt::Let(..)
            | Stmt::Store(..)
            | Stmt::Accumulate(..)
            | Stmt::If(..)
            | Stmt::Check(..)
            | Stmt::Contract(_) => None,
        };
        Summary::along(stmt, var)
    }

    /// Of a statement, along one of the axes that it runs through.
    pub(super) fn along(stmt: &Stmt, var: Option<Var>) -> Summary {
        let mut summary = Summary::default();
        stmt.walk(&mut |stmt| {
            if let Some(write) = stmt.write() {
                let access = summary.buffers.entry(write.buffer).or_default();
                access.written = true;
                access.read |= write.reads;
                access.add(write.place, var);
            }
        });
        stmt.walk_exprs(&mut |expr| match expr {
            Expr::Load(buffer, indices) => {
                let access = summary.buffers.entry(*buffer).or_default();
                access.read = true;
                access.add(indices, var);
            }
            Expr::Var(used) => {
                summary.used.insert(*used);
            }
            Expr::Const(..) | Expr::Symbol(_) | Expr::Op(..) => {}
        });
        summary
    }

    pub(super) fn merge(&mut self, other: &Summary) {
        for (buffer, access) in &other.buffers {
            self.buffers.entry(*buffer).or_default().merge(access);
        }
        self.used.extend(&other.used);
    }

    /// The accesses of both to buffers that at least one of them writes.
    /// All buffers that are touched.
    pub(super) fn buffers(&self) -> &BTreeMap<BufferId, Access> {
        &self.buffers
    }

    pub(super) fn conflicts<'a>(
        &'a self,
        later: &'a Summary,
    ) -> impl Iterator<Item = (&'a Access, &'a Access)> {
        later.buffers.iter().filter_map(|(buffer, after)| {
            let before = self.buffers.get(buffer)?;
            (before.written || after.written).then_some((before, after))
        })
    }
}

/// Fuses the loops of a block and then those of the blocks inside.
fn fuse_block(block: &mut Vec<Stmt>, context: &PassContext) -> bool {
    let mut changed = false;
    let mut done: Vec<(Stmt, Summary)> = Vec::with_capacity(block.len());
    for stmt in block.drain(..) {
        let summary = Summary::of(&stmt);
        match partner(&done, &stmt, &summary).filter(|_| context.spend()) {
            Some((position, way)) => {
                if way == Way::Down {
                    let earlier = done.remove(position);
                    done.push(earlier);
                }
                let position = if way == Way::Down { done.len() - 1 } else { position };
                let (earlier, known) = &mut done[position];
                append(earlier, stmt);
                known.merge(&summary);
                changed = true;
            }
            None => done.push((stmt, summary)),
        }
    }
    block.extend(done.into_iter().map(|(stmt, _)| stmt));
    for inner in block.iter_mut().flat_map(Stmt::blocks_mut) {
        changed |= fuse_block(inner, context);
    }
    changed
}

/// Which of two loops moves to the other one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The later one moves up.
    Up,
    /// The earlier one moves down.
    Down,
}

/// The earlier loop that `stmt` can join, if there is one.
fn partner(done: &[(Stmt, Summary)], stmt: &Stmt, summary: &Summary) -> Option<(usize, Way)> {
    let Stmt::For(later) = stmt else { return None };
    if later.kind != LoopKind::Serial {
        return None;
    }
    let mut free = true; // to move up
    for (position, (candidate, known)) in done.iter().enumerate().rev().take(REACH) {
        if let Stmt::For(earlier) = candidate
            && earlier.kind == LoopKind::Serial
            && (&earlier.lo, &earlier.hi) == (&later.lo, &later.hi)
            && known.conflicts(summary).any(|(before, after)| before.written && after.read)
            && known.conflicts(summary).take(looked_at()).all(|(before, after)| {
                // Planted bug 22.
                let sum = planted(22) && before.read && before.written && !after.written;
                sum || before.separated_with(after)
            })
        {
            let passed = &done[position + 1..];
            if free {
                return Some((position, Way::Up));
            }
            let stays = |between: &Summary| known.conflicts(between).next().is_none();
            return passed.iter().all(|(_, between)| stays(between)).then_some((position, Way::Down));
        }
        let defines_a_use = matches!(candidate, Stmt::Let(var, _) if summary.used.contains(var));
        free &= !defines_a_use && known.conflicts(summary).next().is_none();
        if !free && matches!(candidate, Stmt::For(_)) {
            return None;
        }
    }
    None
}

/// Of how many buffers the dependences are looked at.
fn looked_at() -> usize {
    if planted(23) { 1 } else { usize::MAX } // Planted bug 23.
}

/// Appends the body of a loop to another with the same bounds.
fn append(earlier: &mut Stmt, later: Stmt) {
    if let (Stmt::For(earlier), Stmt::For(later)) = (earlier, later) {
        let by = Expr::Var(earlier.var);
        earlier.body.extend(later.body.into_iter().map(|mut stmt| {
            stmt.substitute(later.var, &by);
            stmt
        }));
    }
}

/// Forgets the places of buffers in the arena: after loops are merged more of them are live at the same
/// time, and some are smaller or need no place any more.
pub(super) fn forget_plan(func: &mut Func) {
    func.arena = None;
    for buffer in &mut func.buffers {
        if let Role::Scratch { offset } = &mut buffer.role {
            *offset = None;
        }
    }
}

/// Removes the dimensions of scratch buffers that one loop alone walks along.
fn contract(func: &mut Func, context: &PassContext) -> bool {
    let dimensions = removable(func);
    let mut removed: BTreeMap<BufferId, BTreeSet<usize>> = BTreeMap::new();
    for (buffer, dimensions) in dimensions {
        if context.spend() {
            removed.insert(buffer, dimensions);
        }
    }
    for (buffer, dimensions) in &removed {
        let declaration = &mut func.buffers[buffer.index()];
        declaration.extents = without(std::mem::take(&mut declaration.extents), dimensions);
        declaration.strides = row_major(&declaration.extents);
        declaration.role = Role::Scratch { offset: None };
    }
    if removed.is_empty() {
        return false;
    }
    func.body.iter_mut().for_each(|stmt| drop_indices(stmt, &removed));
    true
}

/// The dimensions that each scratch buffer can lose. A dimension is removable if every access has
/// the variable of one and the same serial loop as its index there (an iteration then only ever sees
/// its own slice), and no iteration sees what an earlier run of that loop left in its slice.
fn removable(func: &Func) -> BTreeMap<BufferId, BTreeSet<usize>> {
    let mut serial = BTreeMap::new();
    serial_loops(&func.body, false, &mut serial);
    // Per buffer and dimension: the variable of all accesses so far.
    let mut variables: BTreeMap<BufferId, Vec<Option<Var>>> = BTreeMap::new();
    let mut add = |buffer: BufferId, indices: &[Expr]| {
        if !matches!(func.buffer(buffer).role, Role::Scratch { .. }) {
            return;
        }
        let here = indices.iter().map(|index| match index {
            Expr::Var(var) if serial.contains_key(var) => Some(*var),
            Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_) | Expr::Load(..) | Expr::Op(..) => None,
        });
        match variables.get_mut(&buffer) {
            None => {
                variables.insert(buffer, here.collect());
            }
            Some(known) => known.iter_mut().zip(here).for_each(|(known, here)| {
                *known = known.filter(|_| *known == here);
            }),
        }
    };
    walk_block(&func.body, &mut |stmt| {
        if let Some(write) = stmt.write() {
            add(write.buffer, write.place);
        }
        stmt.exprs().into_iter().for_each(|expr| {
            expr.walk(&mut |expr| {
                if let Expr::Load(buffer, indices) = expr {
                    add(*buffer, indices);
                }
            });
        });
    });
    let dimensions = |buffer: BufferId, known: &[Option<Var>]| -> BTreeSet<usize> {
        let fresh = |var: &Var| {
            let (one_loop, nested) = serial[var];
            !nested || writes_first(func, one_loop, buffer)
        };
        let here = known.iter().enumerate().filter(|(_, var)| var.as_ref().is_some_and(fresh));
        here.map(|(dimension, _)| dimension).collect()
    };
    let removable = variables.iter().map(|(&buffer, known)| (buffer, dimensions(buffer, known)));
    removable.filter(|(_, dimensions)| !dimensions.is_empty()).collect()
}

/// The serial loops by variable, with whether another loop runs them more than once.
fn serial_loops<'a>(block: &'a [Stmt], nested: bool, loops: &mut BTreeMap<Var, (&'a For, bool)>) {
    for stmt in block {
        let inside = match stmt {
            Stmt::For(one_loop) => {
                if one_loop.kind == LoopKind::Serial {
                    loops.insert(one_loop.var, (one_loop, nested));
                }
                true
            }
            Stmt::Let(..)
            | Stmt::Store(..)
            | Stmt::Accumulate(..)
            | Stmt::If(..)
            | Stmt::Check(..)
            | Stmt::Contract(_) => nested,
        };
        stmt.blocks().into_iter().for_each(|inner| serial_loops(inner, inside, loops));
    }
}

/// Whether every iteration of `outer` overwrites its whole slice of the buffer before it reads any of
/// it: the first statement that touches the buffer does.
fn writes_first(func: &Func, outer: &For, buffer: BufferId) -> bool {
    let touches = |stmt: &Stmt| stmt.reads().contains(&buffer) || stmt.writes().contains(&buffer);
    let first = outer.body.iter().find(|stmt| touches(stmt));
    first.is_some_and(|nest| covers(func, nest, buffer, Some(outer.var)))
}

/// Whether a statement overwrites a whole buffer (where an index is `outer`: that slice of it) before it
/// reads any of it: a nest of full-range loops around one store, or a contraction, that walks all
/// dimensions, and nothing else in it touches another element.
pub(super) fn covers(func: &Func, nest: &Stmt, buffer: BufferId, outer: Option<Var>) -> bool {
    let touches = |stmt: &Stmt| stmt.reads().contains(&buffer) || stmt.writes().contains(&buffer);
    let extents: Vec<Expr> = func.buffer(buffer).extents.iter().map(Expr::from_extent).collect();
    let mut full: BTreeMap<Var, &Expr> = BTreeMap::new();
    let mut stmt = nest;
    let place = loop {
        match stmt {
            Stmt::For(inner) if inner.lo.as_int() == Some(0) && extents.contains(&inner.hi) => {
                full.insert(inner.var, &inner.hi);
                let Some(next) = inner.body.iter().find(|stmt| touches(stmt)) else { return false };
                stmt = next;
            }
            Stmt::Store(written, place, value) if *written == buffer && !value.reads().contains(&buffer) => {
                break place;
            }
            Stmt::Contract(contract) if contract.target == buffer && !contract.accumulate => {
                full.extend(contract.axes.iter().map(|(var, extent)| (*var, extent)));
                break &contract.place;
            }
            _ => return false,
        }
    };
    let mut used = BTreeSet::new();
    let whole = place.iter().zip(&extents).all(|(index, extent)| match index {
        Expr::Var(var) if Some(*var) == outer => used.insert(*var),
        Expr::Var(var) => full.get(var) == Some(&extent) && used.insert(*var),
        // The only place of an axis of one.
        index => index.as_int() == Some(0) && extent.as_int() == Some(1),
    });
    whole && only_touched_at(nest, buffer, place)
}

/// Whether all accesses of `stmt` to the buffer are at exactly this place.
pub(super) fn only_touched_at(stmt: &Stmt, buffer: BufferId, place: &[Expr]) -> bool {
    let mut only = true;
    stmt.walk(&mut |stmt| {
        if let Some(write) = stmt.write() {
            only &= write.buffer != buffer || write.place == place;
        }
    });
    stmt.walk_exprs(&mut |expr| {
        if let Expr::Load(touched, indices) = expr {
            only &= *touched != buffer || indices == place;
        }
    });
    only
}

fn without<T>(list: Vec<T>, dimensions: &BTreeSet<usize>) -> Vec<T> {
    let kept = list.into_iter().enumerate().filter(|(dimension, _)| !dimensions.contains(dimension));
    kept.map(|(_, item)| item).collect()
}

/// Drops the indices of the removed dimensions in every access.
fn drop_indices(stmt: &mut Stmt, removed: &BTreeMap<BufferId, BTreeSet<usize>>) {
    if let Stmt::Store(buffer, indices, _)
    | Stmt::Accumulate(_, buffer, indices, _)
    | Stmt::Contract(Contract { target: buffer, place: indices, .. }) = stmt
        && let Some(dimensions) = removed.get(buffer)
    {
        *indices = without(std::mem::take(indices), dimensions);
    }
    let mut replace = |expr: Expr| match expr {
        Expr::Load(buffer, indices) => match removed.get(&buffer) {
            Some(dimensions) => Expr::Load(buffer, without(indices, dimensions)),
            None => Expr::Load(buffer, indices),
        },
        Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_) | Expr::Op(..) => expr,
    };
    stmt.exprs_mut().into_iter().for_each(|expr| expr.map(&mut replace));
    stmt.blocks_mut().into_iter().flatten().for_each(|inner| drop_indices(inner, removed));
}

#[cfg(test)]
mod tests {
    use super::*;
    use tcc_ir::Ir;

    fn fused(text: &str) -> Func {
        let mut func: Func = text.parse().unwrap();
        assert_eq!(func.verify(), Ok(()));
        run(&mut func, &PassContext::default());
        assert_eq!(func.verify(), Ok(()), "{func}");
        func
    }

    fn extents(func: &Func, name: &str) -> usize {
        func.buffers.iter().find(|buffer| &*buffer.name == name).unwrap().extents.len()
    }

    const ATTENTION: &str = "func @rows(n) {
        input x: f32[n, n]
        output y: f32[n]
        scratch s: f32[n, n]
        scratch acc: f32
        for i in 0..n { for j in 0..n { s[i, j] = x[i, j] * x[i, j] } }
        for i.1 in 0..n {
            acc = 0.0f32
            for j.1 in 0..n { acc += s[i.1, j.1] }
            y[i.1] = acc
        }
    }";

    #[test]
    fn a_row_is_enough_for_a_consumer_of_rows() {
        let func = fused(ATTENTION);
        assert_eq!(func.body.len(), 1, "{func}");
        assert_eq!(extents(&func, "s"), 1, "{func}");
    }

    #[test]
    fn neighbours_of_other_iterations_keep_loops_apart() {
        let func = fused(&ATTENTION.replace("s[i.1, j.1]", "s[j.1, i.1]"));
        assert_eq!(func.body.len(), 2, "{func}");
        assert_eq!(extents(&func, "s"), 2);
    }

    /// A recurrence with one step of memory updates its state in place: every access is at the loop
    /// variables, and yet the state must live on from step to step.
    #[test]
    fn state_carried_by_an_outer_loop_keeps_its_dimensions() {
        let text = "func @scan(n, T) {
            input x: f32[T, n]
            output y: f32[n]
            scratch h: f32[n]
            scratch g: f32[n]
            for t in 0..T {
                for c in 0..n {
                    g[c] = x[t, c] * 2.0f32
                    if t < 1 { h[c] = g[c] } else { h[c] = h[c] * g[c] }
                    if T <= t + 1 { y[c] = h[c] }
                }
            }
        }";
        let func = fused(text);
        assert_eq!(extents(&func, "h"), 1, "{func}");
        assert_eq!(extents(&func, "g"), 0, "{func}");
    }

    #[test]
    fn no_fuel_no_change() {
        let mut func: Func = ATTENTION.parse().unwrap();
        let before = func.clone();
        assert_eq!(run(&mut func, &PassContext::default().with_fuel(0)), Changed::No);
        assert_eq!(func, before);
    }
}
