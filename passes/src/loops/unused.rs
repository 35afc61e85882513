//! Dropping what nobody reads: variables, scratch buffers, tables.

use crate::PassContext;
use std::collections::{BTreeMap, BTreeSet};
use tcc_ir::loops::{BufferId, Contract, Expr, Func, NameTable, Role, Stmt, Var};

/// Drops lets, writes to scratch buffers, and declarations of scratch buffers and tables that nothing
/// reads, until nothing changes. Whether anything was dropped.
pub fn drop_unused(func: &mut Func, context: &PassContext) -> bool {
    let mut changed = false;
    loop {
        let mut vars: BTreeSet<Var> = BTreeSet::new();
        let mut buffers: BTreeSet<BufferId> = BTreeSet::new();
        let mut visit = |expr: &Expr| match expr {
            Expr::Var(var) => drop(vars.insert(*var)),
            Expr::Load(buffer, _) => drop(buffers.insert(*buffer)),
            Expr::Const(..) | Expr::Symbol(_) | Expr::Op(..) => {}
        };
        func.body.iter().for_each(|stmt| stmt.walk_exprs(&mut visit));
        let needed = |func: &Func, stmt: &Stmt| match stmt {
            Stmt::Let(var, _) => vars.contains(var),
            Stmt::Store(buffer, ..)
            | Stmt::Accumulate(_, buffer, ..)
            | Stmt::Contract(Contract { target: buffer, .. }) => {
                buffers.contains(buffer) || !matches!(func.buffer(*buffer).role, Role::Scratch { .. })
            }
            Stmt::For(_) | Stmt::If(..) | Stmt::Check(..) => true,
        };
        // All writes to a buffer go together: a sum without its first value would read what nobody wrote.
        let mut fuelled: BTreeMap<BufferId, bool> = BTreeMap::new();
        let mut drops = |stmt: &Stmt| match stmt.write() {
            Some(write) => *fuelled.entry(write.buffer).or_insert_with(|| context.spend()),
            None => context.spend(),
        };
        let mut body = std::mem::take(&mut func.body);
        let dropped = retain(&mut body, &mut |stmt| needed(func, stmt) || !drops(stmt));
        func.body = body;
        changed |= dropped;
        if !dropped {
            return drop_buffers(func, context) || changed;
        }
    }
}

/// Keeps the statements that `keep` wants, and drops loops and branches that became empty.
fn retain(block: &mut Vec<Stmt>, keep: &mut dyn FnMut(&Stmt) -> bool) -> bool {
    let before = block.len();
    let mut dropped = false;
    block.retain_mut(|stmt| {
        if !keep(stmt) {
            return false;
        }
        let mut within = false;
        for nested in stmt.blocks_mut() {
            within |= retain(nested, keep);
        }
        dropped |= within;
        !(within && stmt.blocks().iter().all(|nested| nested.is_empty()))
    });
    dropped || block.len() < before
}

/// Drops the declarations of scratch buffers and tables that do not occur.
fn drop_buffers(func: &mut Func, context: &PassContext) -> bool {
    let mut used: BTreeSet<BufferId> = BTreeSet::new();
    func.walk(&mut |stmt| used.extend(stmt.write().map(|write| write.buffer)));
    let mut visit = |expr: &Expr| {
        if let Expr::Load(buffer, _) = expr {
            used.insert(*buffer);
        }
    };
    func.body.iter().for_each(|stmt| stmt.walk_exprs(&mut visit));
    let kept = |func: &Func, id: BufferId| {
        used.contains(&id) || matches!(func.buffer(id).role, Role::Input | Role::Output)
    };
    let count = func.buffers.len() as u32;
    if (0..count).all(|id| kept(func, BufferId(id))) || !context.spend() {
        return false;
    }
    let mut moved = Vec::with_capacity(func.buffers.len());
    let mut next = 0;
    for id in 0..count {
        moved.push(BufferId(next));
        next += u32::from(kept(func, BufferId(id)));
    }
    let keep: Vec<bool> = (0..count).map(|id| kept(func, BufferId(id))).collect();
    let mut keep = keep.into_iter();
    func.buffers.retain(|_| keep.next().unwrap_or(true));
    func.names = NameTable::default(); // declarations have moved
    let mut body = std::mem::take(&mut func.body);
    for stmt in &mut body {
        renumber(stmt, &moved);
        stmt.map_exprs(&mut |expr| match expr {
            Expr::Load(buffer, indices) => Expr::Load(moved[buffer.index()], indices),
            Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_) | Expr::Op(..) => expr,
        });
    }
    func.body = body;
    true
}

fn renumber(stmt: &mut Stmt, moved: &[BufferId]) {
    if let Stmt::Store(buffer, ..)
    | Stmt::Accumulate(_, buffer, ..)
    | Stmt::Contract(Contract { target: buffer, .. }) = stmt
    {
        *buffer = moved[buffer.index()];
    }
    stmt.blocks_mut().into_iter().flatten().for_each(|stmt| renumber(stmt, moved));
}
