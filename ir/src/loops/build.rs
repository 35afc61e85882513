//! Constructors and traversals that keep passes readable.
//!
//! The arithmetic constructors are for index arithmetic (i64) and conditions (bool). They fold
//! constants and neutral elements, nothing more: `simplify` knows the rest. Expressions are pure
//! and total, so dropping an operand (`x * 0`) is always allowed.

use super::{BufferId, Expr, For, Func, LoopKind, Stmt, Var};
use crate::axis::Name;
use crate::dtype::Dtype;
use crate::extent::{Atom, Extent};
use crate::scalar::{Literal, ScalarOp};
use std::collections::{BTreeMap, BTreeSet};

/// `floor(a / b)` on i64 as the operation computes it: 0 if `b` is 0, wraps.
pub fn floor_div(a: i64, b: i64) -> i64 {
    if b == 0 {
        return 0;
    }
    let quotient = a.wrapping_div(b);
    if a.wrapping_rem(b) != 0 && ((a < 0) != (b < 0)) { quotient - 1 } else { quotient }
}

/// `a - b * floor(a / b)` on i64 as the operation computes it: 0 if `b` is 0.
pub fn floor_mod(a: i64, b: i64) -> i64 {
    if b == 0 { 0 } else { a.wrapping_sub(b.wrapping_mul(floor_div(a, b))) }
}

/// Constructors.
#[allow(clippy::should_implement_trait)] // `Expr::add(a, b)` takes i64 only, so `a + b` would mislead
impl Expr {
    /// The i64 constant `value`.
    pub fn int(value: i64) -> Expr {
        Expr::Const(Literal::Int(value), Dtype::I64)
    }

    /// The bool constant `value`.
    pub fn bool(value: bool) -> Expr {
        Expr::Const(Literal::Bool(value), Dtype::Bool)
    }

    /// The small integer `value` as a constant of any dtype.
    pub fn number(value: i64, dtype: Dtype) -> Expr {
        Expr::Const(Literal::of(value, dtype), dtype)
    }

    /// The value of a symbol.
    pub fn symbol(name: impl Into<Name>) -> Expr {
        Expr::Symbol(name.into())
    }

    /// An element of a buffer.
    pub fn load(buffer: BufferId, indices: Vec<Expr>) -> Expr {
        Expr::Load(buffer, indices)
    }

    /// An operation whose result has the dtype `dtype`.
    pub fn op(op: ScalarOp, dtype: Dtype, operands: Vec<Expr>) -> Expr {
        Expr::Op(op, dtype, operands)
    }

    /// Conversion to `dtype`.
    pub fn cast(self, dtype: Dtype) -> Expr {
        Expr::Op(ScalarOp::Cast, dtype, vec![self])
    }

    /// `a` if `condition`, else `b`; both of dtype `dtype`.
    pub fn select(condition: Expr, a: Expr, b: Expr, dtype: Dtype) -> Expr {
        match condition.as_bool() {
            Some(true) => a,
            Some(false) => b,
            None => Expr::Op(ScalarOp::Select, dtype, vec![condition, a, b]),
        }
    }

    /// The value if it is an integer constant (of any integer dtype).
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Expr::Const(Literal::Int(value), _) => Some(*value),
            _ => None,
        }
    }

    /// The value if it is a bool constant.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Expr::Const(Literal::Bool(value), _) => Some(*value),
            _ => None,
        }
    }

    /// `a + b` on i64.
    pub fn add(a: Expr, b: Expr) -> Expr {
        match (a.as_int(), b.as_int()) {
            (Some(x), Some(y)) => Expr::int(x.wrapping_add(y)),
            (Some(0), None) => b,
            (None, Some(0)) => a,
            (Some(_), None) => Expr::add(b, a), // constants stand on the right
            (None, Some(y)) if y < 0 && y != i64::MIN => Expr::sub(a, Expr::int(-y)),
            (None, Some(y)) => match a.plus_constant() {
                Some((x, c)) => offset(x.clone(), c.wrapping_add(y)),
                None => index_op(ScalarOp::Add, a, b),
            },
            (None, None) => index_op(ScalarOp::Add, a, b),
        }
    }

    /// `a - b` on i64.
    pub fn sub(a: Expr, b: Expr) -> Expr {
        match (a.as_int(), b.as_int()) {
            (Some(x), Some(y)) => Expr::int(x.wrapping_sub(y)),
            (None, Some(0)) => a,
            (None, Some(y)) => match a.plus_constant() {
                Some((x, c)) => offset(x.clone(), c.wrapping_sub(y)),
                None => offset(a, y.wrapping_neg()),
            },
            _ if a == b => Expr::int(0),
            _ => index_op(ScalarOp::Sub, a, b),
        }
    }

    /// `a * b` on i64.
    pub fn mul(a: Expr, b: Expr) -> Expr {
        match (a.as_int(), b.as_int()) {
            (Some(x), Some(y)) => Expr::int(x.wrapping_mul(y)),
            (Some(0), None) | (None, Some(0)) => Expr::int(0),
            (Some(1), None) => b,
            (None, Some(1)) => a,
            (Some(_), None) => index_op(ScalarOp::Mul, b, a),
            _ => index_op(ScalarOp::Mul, a, b),
        }
    }

    /// The smaller of two i64.
    pub fn min(a: Expr, b: Expr) -> Expr {
        match (a.as_int(), b.as_int()) {
            (Some(x), Some(y)) => Expr::int(x.min(y)),
            _ if a == b => a,
            _ => index_op(ScalarOp::Min, a, b),
        }
    }

    /// The larger of two i64.
    pub fn max(a: Expr, b: Expr) -> Expr {
        match (a.as_int(), b.as_int()) {
            (Some(x), Some(y)) => Expr::int(x.max(y)),
            _ if a == b => a,
            _ => index_op(ScalarOp::Max, a, b),
        }
    }

    /// `floor(a / b)` on i64; 0 if `b` is 0.
    pub fn floordiv(a: Expr, b: Expr) -> Expr {
        match (a.as_int(), b.as_int()) {
            (Some(x), Some(y)) => Expr::int(floor_div(x, y)),
            (None, Some(1)) => a,
            _ => index_op(ScalarOp::FloorDiv, a, b),
        }
    }

    /// `a - b * floor(a / b)` on i64; 0 if `b` is 0.
    pub fn modulo(a: Expr, b: Expr) -> Expr {
        match (a.as_int(), b.as_int()) {
            (Some(x), Some(y)) => Expr::int(floor_mod(x, y)),
            (None, Some(1)) => Expr::int(0),
            _ => index_op(ScalarOp::Mod, a, b),
        }
    }

    /// `a < b` on i64.
    pub fn lt(a: Expr, b: Expr) -> Expr {
        compare(ScalarOp::Lt, a, b, |x, y| x < y)
    }

    /// `a <= b` on i64.
    pub fn le(a: Expr, b: Expr) -> Expr {
        compare(ScalarOp::Le, a, b, |x, y| x <= y)
    }

    /// `a == b` on i64.
    pub fn eq(a: Expr, b: Expr) -> Expr {
        compare(ScalarOp::Eq, a, b, |x, y| x == y)
    }

    /// Both conditions.
    pub fn and(a: Expr, b: Expr) -> Expr {
        match (a.as_bool(), b.as_bool()) {
            (Some(true), _) | (_, Some(false)) => b,
            (Some(false), _) | (_, Some(true)) => a,
            (None, None) => Expr::Op(ScalarOp::And, Dtype::Bool, vec![a, b]),
        }
    }

    /// Either condition.
    pub fn or(a: Expr, b: Expr) -> Expr {
        match (a.as_bool(), b.as_bool()) {
            (Some(false), _) | (_, Some(true)) => b,
            (Some(true), _) | (_, Some(false)) => a,
            (None, None) => Expr::Op(ScalarOp::Or, Dtype::Bool, vec![a, b]),
        }
    }

    /// The negated condition.
    pub fn negate(a: Expr) -> Expr {
        match a {
            Expr::Const(Literal::Bool(value), _) => Expr::bool(!value),
            Expr::Op(ScalarOp::Not, _, mut operands) if operands.len() == 1 => operands.remove(0),
            other => Expr::Op(ScalarOp::Not, Dtype::Bool, vec![other]),
        }
    }

    /// All conditions (true if there are none).
    pub fn all(conditions: impl IntoIterator<Item = Expr>) -> Expr {
        conditions.into_iter().fold(Expr::bool(true), Expr::and)
    }

    /// The value of an extent. `div` and `mod` by zero give 0 here, where [`Extent::eval`] reports
    /// an error; a requirement keeps the two from meeting.
    pub fn from_extent(extent: &Extent) -> Expr {
        if let Some(value) = extent.as_const() {
            return Expr::int(value);
        }
        let (constants, terms): (Vec<_>, Vec<_>) = extent.terms().partition(|(_, atoms)| atoms.is_empty());
        let mut sum: Option<Expr> = None;
        for (coefficient, atoms) in terms.into_iter().chain(constants) {
            let product = atoms
                .iter()
                .map(from_atom)
                .chain(std::iter::once(Expr::int(coefficient.unsigned_abs() as i64)))
                .reduce(Expr::mul)
                .unwrap_or_else(|| Expr::int(0));
            sum = Some(match (sum, coefficient < 0) {
                (Some(sum), true) => Expr::sub(sum, product),
                (Some(sum), false) => Expr::add(sum, product),
                (None, true) => Expr::mul(product, Expr::int(-1)),
                (None, false) => product,
            });
        }
        sum.unwrap_or_else(|| Expr::int(0))
    }

    /// `x` and `c` if the expression is `x + c` or `x - c` with an i64 constant.
    fn plus_constant(&self) -> Option<(&Expr, i64)> {
        match self {
            Expr::Op(ScalarOp::Add, Dtype::I64, operands) => {
                Some((operands.first()?, operands.get(1)?.as_int()?))
            }
            Expr::Op(ScalarOp::Sub, Dtype::I64, operands) => {
                Some((operands.first()?, operands.get(1)?.as_int()?.wrapping_neg()))
            }
            _ => None,
        }
    }
}

fn index_op(op: ScalarOp, a: Expr, b: Expr) -> Expr {
    Expr::Op(op, Dtype::I64, vec![a, b])
}

/// `x + c`, printed with a positive constant.
fn offset(x: Expr, c: i64) -> Expr {
    match c {
        0 => x,
        i64::MIN | 1.. => index_op(ScalarOp::Add, x, Expr::int(c)),
        _ => index_op(ScalarOp::Sub, x, Expr::int(-c)),
    }
}

fn compare(op: ScalarOp, a: Expr, b: Expr, decide: fn(i64, i64) -> bool) -> Expr {
    match (a.as_int(), b.as_int()) {
        (Some(x), Some(y)) => Expr::bool(decide(x, y)),
        _ => Expr::Op(op, Dtype::Bool, vec![a, b]),
    }
}

fn from_atom(atom: &Atom) -> Expr {
    match atom {
        Atom::Symbol(name) => Expr::Symbol(name.clone()),
        Atom::Div(a, b) => Expr::floordiv(Expr::from_extent(a), Expr::from_extent(b)),
        Atom::Mod(a, b) => Expr::modulo(Expr::from_extent(a), Expr::from_extent(b)),
    }
}

impl From<Var> for Expr {
    fn from(var: Var) -> Expr {
        Expr::Var(var)
    }
}

/// Traversals. They recurse: the depth of a verified expression is bounded by
/// [`MAX_DEPTH`](super::MAX_DEPTH).
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

impl For {
    /// How many iterations run, if that does not depend on anything: the bounds are constants, or
    /// the same expression with different constants added.
    pub fn trip_count(&self) -> Option<i64> {
        let split = |expr| match Expr::as_int(expr) {
            Some(value) => (None, value),
            None => expr.plus_constant().map_or((Some(expr), 0), |(base, constant)| (Some(base), constant)),
        };
        let ((lo_base, lo), (hi_base, hi)) = (split(&self.lo), split(&self.hi));
        (lo_base == hi_base).then(|| hi.checked_sub(lo).map(|count| count.max(0)))?
    }
}

impl Stmt {
    /// A loop over `lo..hi`.
    pub fn for_loop(var: Var, lo: Expr, hi: Expr, kind: LoopKind, body: Vec<Stmt>) -> Stmt {
        Stmt::For(For { var, lo, hi, kind, body })
    }

    /// A serial loop over `lo..hi`.
    pub fn serial(var: Var, lo: Expr, hi: Expr, body: Vec<Stmt>) -> Stmt {
        Stmt::for_loop(var, lo, hi, LoopKind::Serial, body)
    }

    /// The expressions of the statement itself (bounds, condition, indices, value), not those of
    /// nested statements.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Stmt::For(For { lo, hi, .. }) => vec![lo, hi],
            Stmt::Let(_, value) | Stmt::If(value, _, _) | Stmt::Check(value, _) => vec![value],
            Stmt::Store(_, indices, value) | Stmt::Accumulate(_, _, indices, value) => {
                indices.iter().chain(std::iter::once(value)).collect()
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
        }
    }

    /// The nested blocks.
    pub fn blocks(&self) -> Vec<&Vec<Stmt>> {
        match self {
            Stmt::For(For { body, .. }) => vec![body],
            Stmt::If(_, then, otherwise) => vec![then, otherwise],
            Stmt::Let(..) | Stmt::Store(..) | Stmt::Accumulate(..) | Stmt::Check(..) => Vec::new(),
        }
    }

    /// The nested blocks, to be changed.
    pub fn blocks_mut(&mut self) -> Vec<&mut Vec<Stmt>> {
        match self {
            Stmt::For(For { body, .. }) => vec![body],
            Stmt::If(_, then, otherwise) => vec![then, otherwise],
            Stmt::Let(..) | Stmt::Store(..) | Stmt::Accumulate(..) | Stmt::Check(..) => Vec::new(),
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
            if let Stmt::Accumulate(_, buffer, _, _) = stmt {
                buffers.insert(*buffer);
            }
        });
        buffers
    }

    /// The buffers that are written.
    pub fn writes(&self) -> BTreeSet<BufferId> {
        let mut buffers = BTreeSet::new();
        self.walk(&mut |stmt| {
            if let Stmt::Store(buffer, ..) | Stmt::Accumulate(_, buffer, ..) = stmt {
                buffers.insert(*buffer);
            }
        });
        buffers
    }

    /// The variables that the statement or a nested one defines.
    pub fn defines(&self) -> BTreeSet<Var> {
        let mut vars = BTreeSet::new();
        self.walk(&mut |stmt| {
            if let Stmt::Let(var, _) | Stmt::For(For { var, .. }) = stmt {
                vars.insert(*var);
            }
        });
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
        self.walk(&mut |stmt| {
            if let Stmt::Let(var, _) | Stmt::For(For { var, .. }) = stmt {
                order.push(*var);
            }
        });
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
    }
}

fn rename_definitions(stmt: &mut Stmt, fresh: &BTreeMap<Var, Expr>) {
    map_definitions(stmt, &|var| match fresh.get(&var) {
        Some(Expr::Var(new)) => *new,
        _ => var,
    });
}

fn map_definitions(stmt: &mut Stmt, rename: &dyn Fn(Var) -> Var) {
    if let Stmt::Let(var, _) | Stmt::For(For { var, .. }) = stmt {
        *var = rename(*var);
    }
    stmt.blocks_mut().into_iter().flatten().for_each(|stmt| map_definitions(stmt, rename));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loops::{Buffer, Role};

    #[test]
    fn constructors_fold_constants() {
        let x = || Expr::Var(Var(0));
        assert_eq!(Expr::add(Expr::add(x(), Expr::int(3)), Expr::int(-3)), x());
        assert_eq!(Expr::sub(Expr::int(2), Expr::int(5)), Expr::int(-3));
        assert_eq!(Expr::mul(x(), Expr::int(0)), Expr::int(0));
        assert_eq!(Expr::floordiv(Expr::int(-3), Expr::int(2)), Expr::int(-2));
        assert_eq!(Expr::modulo(Expr::int(-3), Expr::int(0)), Expr::int(0));
        assert_eq!(Expr::and(Expr::bool(true), Expr::lt(Expr::int(1), Expr::int(2))), Expr::bool(true));
        assert_eq!(Expr::add(x(), Expr::int(i64::MIN)), Expr::add(Expr::int(i64::MIN), x()));
    }

    #[test]
    fn extents_become_sums_of_products() {
        let n = Extent::symbol("n");
        let expr = Expr::from_extent(&(n.clone() * Extent::from(2) - Extent::from(1)));
        assert_eq!(expr, Expr::sub(Expr::mul(Expr::symbol("n"), Expr::int(2)), Expr::int(1)));
        assert_eq!(
            Expr::from_extent(&n.div(4)),
            index_op(ScalarOp::FloorDiv, Expr::symbol("n"), Expr::int(4))
        );
    }

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
