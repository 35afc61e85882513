//! Traversals, substitution and renaming of expressions, statements and functions.
//!
//! They recurse: the depth of a verified function is bounded by [`MAX_DEPTH`](super::MAX_DEPTH).

use super::{BufferId, Contract, Expr, For, Func, Stmt, Var};
use crate::dtype::Dtype;
use crate::scalar::Literal;
use std::collections::{BTreeMap, BTreeSet};

impl Expr {
    /// The operands or indices.
    pub fn children(&self) -> &[Expr] {
        match self {
            Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_) => &[],
            Expr::Load(_, children) | Expr::Op(_, _, children) => children,
        }
    }

    /// The operands or indices.
    pub fn children_mut(&mut self) -> &mut [Expr] {
        match self {
            Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_) => &mut [],
            Expr::Load(_, children) | Expr::Op(_, _, children) => children,
        }
    }

    /// Calls `visit` with the expression and all its parts, parents first.
    pub fn walk(&self, visit: &mut dyn FnMut(&Expr)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// Replaces every part by what `replace` makes of it, children first.
    pub fn map(&mut self, replace: &mut dyn FnMut(Expr) -> Expr) {
        for child in self.children_mut() {
            child.map(replace);
        }
        *self = replace(std::mem::replace(self, Expr::Const(Literal::Bool(false), Dtype::Bool)));
    }

    /// Replaces a variable by an expression.
    pub fn substitute(&mut self, var: Var, by: &Expr) {
        match self {
            Expr::Var(v) if *v == var => *self = by.clone(),
            _ => self.children_mut().iter_mut().for_each(|child| child.substitute(var, by)),
        }
    }

    /// Whether the variable occurs.
    pub fn mentions(&self, var: Var) -> bool {
        matches!(self, Expr::Var(v) if *v == var) || self.children().iter().any(|c| c.mentions(var))
    }

    /// The variables that occur.
    pub fn free_vars(&self) -> BTreeSet<Var> {
        let mut vars = BTreeSet::new();
        self.walk(&mut |expr| {
            if let Expr::Var(var) = expr {
                vars.insert(*var);
            }
        });
        vars
    }

    /// The buffers that are read.
    pub fn reads(&self) -> BTreeSet<BufferId> {
        let mut buffers = BTreeSet::new();
        self.walk(&mut |expr| {
            if let Expr::Load(buffer, _) = expr {
                buffers.insert(*buffer);
            }
        });
        buffers
    }

    /// How deep the tree is nested; 1 for a leaf.
    pub fn depth(&self) -> usize {
        1 + self.children().iter().map(Expr::depth).max().unwrap_or(0)
    }

    /// Number of nodes of the tree.
    pub fn size(&self) -> usize {
        1 + self.children().iter().map(Expr::size).sum::<usize>()
    }
}

/// What one statement writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Write<'s> {
    /// The buffer.
    pub buffer: BufferId,
    /// The indices; those of a contraction mention its axes.
    pub place: &'s [Expr],
    /// Whether what stood there is read first.
    pub reads: bool,
}

impl Stmt {
    /// The expressions of the statement itself (bounds, condition, indices, value), not those of
    /// nested statements.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Stmt::For(For { lo, hi, .. }) => vec![lo, hi],
            Stmt::Let(_, value) | Stmt::If(value, _, _) | Stmt::Check(value, _) => vec![value],
            Stmt::Store(_, indices, value) | Stmt::Accumulate(_, _, indices, value) => {
                indices.iter().chain(std::iter::once(value)).collect()
            }
            Stmt::Contract(Contract { axes, place, left, right, .. }) => {
                axes.iter().map(|(_, extent)| extent).chain(place).chain([left, right]).collect()
            }
        }
    }

    /// The same, to be changed.
    pub fn exprs_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            Stmt::For(For { lo, hi, .. }) => vec![lo, hi],
            Stmt::Let(_, value) | Stmt::If(value, _, _) | Stmt::Check(value, _) => vec![value],
            Stmt::Store(_, indices, value) | Stmt::Accumulate(_, _, indices, value) => {
                indices.iter_mut().chain(std::iter::once(value)).collect()
            }
            Stmt::Contract(Contract { axes, place, left, right, .. }) => {
                axes.iter_mut().map(|(_, extent)| extent).chain(place).chain([left, right]).collect()
            }
        }
    }

    /// The nested blocks.
    pub fn blocks(&self) -> Vec<&Vec<Stmt>> {
        match self {
            Stmt::For(For { body, .. }) => vec![body],
            Stmt::If(_, then, otherwise) => vec![then, otherwise],
            Stmt::Let(..) | Stmt::Store(..) | Stmt::Accumulate(..) | Stmt::Check(..) | Stmt::Contract(_) => {
                Vec::new()
            }
        }
    }

    /// The nested blocks, to be changed.
    pub fn blocks_mut(&mut self) -> Vec<&mut Vec<Stmt>> {
        match self {
            Stmt::For(For { body, .. }) => vec![body],
            Stmt::If(_, then, otherwise) => vec![then, otherwise],
            Stmt::Let(..) | Stmt::Store(..) | Stmt::Accumulate(..) | Stmt::Check(..) | Stmt::Contract(_) => {
                Vec::new()
            }
        }
    }

    /// Calls `visit` with the statement and all nested ones, in program order, parents first.
    pub fn walk(&self, visit: &mut dyn FnMut(&Stmt)) {
        visit(self);
        for block in self.blocks() {
            walk_block(block, visit);
        }
    }

    /// Calls `visit` with every part of every expression, also of nested statements.
    pub fn walk_exprs(&self, visit: &mut dyn FnMut(&Expr)) {
        self.walk(&mut |stmt| stmt.exprs().into_iter().for_each(|expr| expr.walk(visit)));
    }

    /// Replaces every part of every expression, also of nested statements, children first.
    pub fn map_exprs(&mut self, replace: &mut dyn FnMut(Expr) -> Expr) {
        self.exprs_mut().into_iter().for_each(|expr| expr.map(replace));
        self.blocks_mut().into_iter().flatten().for_each(|stmt| stmt.map_exprs(replace));
    }

    /// Replaces a variable that is defined outside by an expression.
    pub fn substitute(&mut self, var: Var, by: &Expr) {
        self.exprs_mut().into_iter().for_each(|expr| expr.substitute(var, by));
        self.blocks_mut().into_iter().flatten().for_each(|stmt| stmt.substitute(var, by));
    }

    /// The buffers that are read (an accumulation reads its place).
    pub fn reads(&self) -> BTreeSet<BufferId> {
        let mut buffers = BTreeSet::new();
        self.walk_exprs(&mut |expr| {
            if let Expr::Load(buffer, _) = expr {
                buffers.insert(*buffer);
            }
        });
        self.walk(&mut |stmt| {
            if let Some(write) = stmt.write()
                && write.reads
            {
                buffers.insert(write.buffer);
            }
        });
        buffers
    }

    /// What the statement itself writes, nested ones apart.
    pub fn write(&self) -> Option<Write<'_>> {
        match self {
            Stmt::Store(buffer, place, _) => Some(Write { buffer: *buffer, place, reads: false }),
            Stmt::Accumulate(_, buffer, place, _) => Some(Write { buffer: *buffer, place, reads: true }),
            Stmt::Contract(Contract { target, place, accumulate, .. }) => {
                Some(Write { buffer: *target, place, reads: *accumulate })
            }
            Stmt::For(_) | Stmt::Let(..) | Stmt::If(..) | Stmt::Check(..) => None,
        }
    }

    /// The variables that the statement itself defines.
    pub fn own_vars(&self) -> Vec<Var> {
        match self {
            Stmt::Let(var, _) | Stmt::For(For { var, .. }) => vec![*var],
            Stmt::Contract(contract) => contract.vars(),
            Stmt::Store(..) | Stmt::Accumulate(..) | Stmt::If(..) | Stmt::Check(..) => Vec::new(),
        }
    }

    /// The buffers that are written.
    pub fn writes(&self) -> BTreeSet<BufferId> {
        let mut buffers = BTreeSet::new();
        self.walk(&mut |stmt| {
            buffers.extend(stmt.write().map(|write| write.buffer));
        });
        buffers
    }

    /// The variables that the statement or a nested one defines.
    pub fn defines(&self) -> BTreeSet<Var> {
        let mut vars = BTreeSet::new();
        self.walk(&mut |stmt| vars.extend(stmt.own_vars()));
        vars
    }

    /// Number of statements and expression nodes.
    pub fn size(&self) -> usize {
        let mut size = 0;
        self.walk(&mut |stmt| size += 1 + stmt.exprs().into_iter().map(Expr::size).sum::<usize>());
        size
    }
}

/// Calls `visit` with all statements of a block and all nested ones, in program order.
pub fn walk_block(block: &[Stmt], visit: &mut dyn FnMut(&Stmt)) {
    block.iter().for_each(|stmt| stmt.walk(visit));
}

/// Replaces variables in a block, in one walk.
pub fn substitute_all(block: &mut [Stmt], by: &BTreeMap<Var, Expr>) {
    let mut replace = |expr: Expr| match &expr {
        Expr::Var(var) => by.get(var).cloned().unwrap_or(expr),
        Expr::Const(..) | Expr::Symbol(_) | Expr::Load(..) | Expr::Op(..) => expr,
    };
    block.iter_mut().for_each(|stmt| stmt.map_exprs(&mut replace));
}

impl Func {
    /// The inputs, in order of declaration.
    pub fn inputs(&self) -> impl Iterator<Item = BufferId> + '_ {
        self.buffers_where(|role| matches!(role, super::Role::Input))
    }

    /// The outputs, in order of declaration.
    pub fn outputs(&self) -> impl Iterator<Item = BufferId> + '_ {
        self.buffers_where(|role| matches!(role, super::Role::Output))
    }

    fn buffers_where(&self, accept: fn(&super::Role) -> bool) -> impl Iterator<Item = BufferId> + '_ {
        let buffers = self.buffers.iter().enumerate();
        buffers.filter(move |(_, buffer)| accept(&buffer.role)).map(|(index, _)| BufferId(index as u32))
    }

    /// Calls `visit` with every statement, in program order, parents first.
    pub fn walk(&self, visit: &mut dyn FnMut(&Stmt)) {
        walk_block(&self.body, visit);
    }

    /// A copy of a block in which everything that it defines has a fresh variable.
    pub fn copy_fresh(&mut self, block: &[Stmt]) -> Vec<Stmt> {
        let mut fresh: BTreeMap<Var, Expr> = BTreeMap::new();
        for var in block.iter().flat_map(Stmt::defines).collect::<BTreeSet<_>>() {
            let declaration = self.var(var).clone();
            fresh.insert(var, Expr::Var(self.add_var(&declaration.name, declaration.dtype)));
        }
        let mut copy = block.to_vec();
        substitute_all(&mut copy, &fresh);
        copy.iter_mut().for_each(|stmt| rename_definitions(stmt, &fresh));
        copy
    }

    /// Renumbers the variables in order of definition and drops the declarations of those that are
    /// never defined. Changes no meaning; after it the text form needs no list of variables.
    pub fn compact(&mut self) {
        let mut order: Vec<Var> = Vec::new();
        self.walk(&mut |stmt| order.extend(stmt.own_vars()));
        if order.len() == self.vars.len() && order.iter().enumerate().all(|(n, v)| v.index() == n) {
            return;
        }
        let mut number = vec![None; self.vars.len()];
        let mut vars = Vec::with_capacity(order.len());
        for var in order {
            if number[var.index()].is_none() {
                number[var.index()] = Some(Var(vars.len() as u32));
                vars.push(self.var(var).clone());
            }
        }
        let renumber = |var: Var| number.get(var.index()).copied().flatten().unwrap_or(var);
        let mut body = std::mem::take(&mut self.body);
        for stmt in &mut body {
            stmt.map_exprs(&mut |expr| match expr {
                Expr::Var(var) => Expr::Var(renumber(var)),
                Expr::Const(..) | Expr::Symbol(_) | Expr::Load(..) | Expr::Op(..) => expr,
            });
            map_definitions(stmt, &renumber);
        }
        self.body = body;
        self.vars = vars;
        self.names = super::NameTable::default(); // declarations have moved
    }
}

fn rename_definitions(stmt: &mut Stmt, fresh: &BTreeMap<Var, Expr>) {
    map_definitions(stmt, &|var| match fresh.get(&var) {
        Some(Expr::Var(new)) => *new,
        _ => var,
    });
}

fn map_definitions(stmt: &mut Stmt, rename: &dyn Fn(Var) -> Var) {
    match stmt {
        Stmt::Let(var, _) | Stmt::For(For { var, .. }) => *var = rename(*var),
        Stmt::Contract(Contract { axes, .. }) => axes.iter_mut().for_each(|(var, _)| *var = rename(*var)),
        Stmt::Store(..) | Stmt::Accumulate(..) | Stmt::If(..) | Stmt::Check(..) => {}
    }
    stmt.blocks_mut().into_iter().flatten().for_each(|stmt| map_definitions(stmt, rename));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extent::Extent;
    use crate::loops::{Buffer, Role};

    #[test]
    fn names_stay_unique_across_kinds_and_are_found_in_linear_time() {
        let mut func = Func::default();
        func.symbols.push(crate::SymbolDecl { name: "n".into(), param: false, default: None });
        let buffer = func.add_buffer(Buffer::new("n", Dtype::F32, vec![], Role::Input));
        assert_eq!(&*func.buffer(buffer).name, "n.1");
        let last = (0..100_000).map(|_| func.add_var("k", Dtype::I64)).last();
        assert_eq!(last.map(|var| func.var(var).name.to_string()), Some("k.99999".to_string()));
    }

    #[test]
    fn copies_define_fresh_variables() {
        let mut func = Func::default();
        let i = func.add_var("i", Dtype::I64);
        let out = func.add_buffer(Buffer::new("O", Dtype::I64, vec![Extent::from(4)], Role::Output));
        let block = vec![Stmt::serial(
            i,
            Expr::int(0),
            Expr::int(4),
            vec![Stmt::Store(out, vec![i.into()], i.into())],
        )];
        let copy = func.copy_fresh(&block);
        let j = Var(1);
        assert_eq!(func.var(j).name, "i.1".into());
        assert!(copy[0].defines().contains(&j) && !copy[0].defines().contains(&i));
        let mut mentions_old = false;
        copy[0].walk_exprs(&mut |expr| mentions_old |= *expr == Expr::Var(i));
        assert!(!mentions_old);
        func.body = copy;
        func.compact();
        assert_eq!(func.vars.len(), 1);
        assert_eq!(func.body[0].defines(), BTreeSet::from([Var(0)]));
    }
}
