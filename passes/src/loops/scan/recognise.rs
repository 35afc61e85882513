//! Loops that are a chain: each iteration needs the state that the one before wrote.

use super::super::index::Linear;
use super::semiring::{Affine, Factor, Semiring};
use crate::Contract;
use crate::egraph::rules::Law;
use std::collections::{BTreeMap, BTreeSet};
use tcc_ir::loops::{BufferId, Expr, For, Func, LoopKind, Stmt, Var};
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, ScalarOp};

/// Names of index arithmetic may grow a loop to so many times its size when they are written out.
const GROWTH: usize = 4;

/// A loop `for t in 0..n { h[t] = a * h[t - 1] + b; .. }`.
pub struct Chain {
    /// The counter.
    pub counter: Var,
    /// The number of iterations.
    pub count: Expr,
    /// Loops around the body that each have a chain of their own, outermost first; without bodies.
    pub rows: Vec<For>,
    /// What an iteration does.
    pub body: Vec<Stmt>,
    /// The buffer of the state.
    pub state: BufferId,
    /// Where an iteration writes its state.
    pub place: Vec<Expr>,
    /// The index that steps.
    pub axis: usize,
    /// How many steps are kept, if not all.
    pub window: Option<i64>,
    /// Whether the place moves downwards.
    pub backward: bool,
    /// The state before the first iteration.
    pub initial: Expr,
    /// How the step combines.
    pub semiring: Semiring,
    /// The step.
    pub step: Affine,
    /// Lets that the step may use, none of which needs the state.
    pub lets: Vec<Stmt>,
    /// What else an iteration does, in order. `current` and `previous` stand for the state.
    pub rest: Vec<Stmt>,
    /// What the last iteration does beside that.
    pub last: Vec<Stmt>,
    /// Stands for the state that the iteration wrote.
    pub current: Expr,
    /// Stands for the state that the iteration before wrote.
    pub previous: Expr,
}

/// How often a function loads from each buffer, in its text.
pub type Loads = BTreeMap<BufferId, usize>;

/// The loads of a block.
pub fn loads(block: &[Stmt]) -> Loads {
    let mut loads = Loads::new();
    let mut count = |expr: &Expr| {
        if let Expr::Load(buffer, _) = expr {
            *loads.entry(*buffer).or_default() += 1;
        }
    };
    block.iter().for_each(|stmt| stmt.walk_exprs(&mut count));
    loads
}

/// The chain that a loop is, if the contract allows that its steps are combined. `everywhere`: the loads of
/// the function.
pub fn chain(func: &Func, everywhere: &Loads, contract: Contract, each: &For) -> Option<Chain> {
    let starts_at_zero = each.lo.as_int() == Some(0) && each.kind == LoopKind::Serial;
    if !starts_at_zero || !each.hi.reads().is_empty() {
        return None;
    }
    let (rows, body) = rows(each)?;
    let mut states = body.iter().filter_map(|stmt| match stmt {
        Stmt::Store(buffer, place, _) => Some((*buffer, place)),
        _ => None,
    });
    states.find_map(|(state, place)| {
        State::new(func, each, state, place)?.chain(everywhere, contract, &rows, &body)
    })
}

/// Serial loops right inside of the loop, and the statements in them with all indices written out.
fn rows(each: &For) -> Option<(Vec<For>, Vec<Stmt>)> {
    let (mut rows, mut body) = (Vec::new(), without_index_lets(&each.body)?);
    while let [Stmt::For(inner)] = body.as_slice() {
        let fixed = |bound: &Expr| bound.reads().is_empty() && !bound.mentions(each.var);
        if inner.kind != LoopKind::Serial || !fixed(&inner.lo) || !fixed(&inner.hi) {
            return None;
        }
        rows.push(For { body: Vec::new(), ..inner.clone() });
        body = without_index_lets(&inner.body)?;
    }
    Some((rows, body))
}

/// The statements with indices that have a name written out, where they read no memory.
fn without_index_lets(body: &[Stmt]) -> Option<Vec<Stmt>> {
    let before: usize = body.iter().map(Stmt::size).sum();
    let mut named: BTreeMap<Var, Expr> = BTreeMap::new();
    let mut result = Vec::with_capacity(body.len());
    let mut size = 0;
    for stmt in body {
        let mut stmt = stmt.clone();
        tcc_ir::loops::substitute_all(std::slice::from_mut(&mut stmt), &named);
        size += stmt.size();
        if size > GROWTH * before + GROWTH {
            return None;
        }
        match stmt {
            Stmt::Let(var, value) if value.reads().is_empty() && is_index(&value) => {
                named.insert(var, value);
            }
            Stmt::Check(..) => return None,
            stmt => result.push(stmt),
        }
    }
    let mut checks = false;
    tcc_ir::loops::walk_block(&result, &mut |stmt| checks |= matches!(stmt, Stmt::Check(..)));
    (!checks).then_some(result)
}

fn is_index(expr: &Expr) -> bool {
    match expr {
        Expr::Const(_, dtype) | Expr::Op(_, dtype, _) => *dtype == Dtype::I64,
        Expr::Var(_) | Expr::Symbol(_) => true,
        Expr::Load(..) => false,
    }
}

/// A buffer that an iteration writes, seen as a state.
struct State<'a> {
    func: &'a Func,
    each: &'a For,
    buffer: BufferId,
    place: &'a [Expr],
    axis: usize,
    window: Option<i64>,
    /// The index that steps, as a sum; without the remainder that a window takes.
    index: Linear,
    /// How far it moves in an iteration: 1 or -1.
    direction: i128,
}

impl<'a> State<'a> {
    fn new(func: &'a Func, each: &'a For, buffer: BufferId, place: &'a [Expr]) -> Option<State<'a>> {
        let mut moving = (0..place.len()).filter(|&axis| place[axis].mentions(each.var));
        let (axis, None) = (moving.next()?, moving.next()) else { return None };
        let (stepped, window) = unwound(&place[axis]);
        let index = Linear::of(stepped)?;
        let direction = index.factor(&each.var.into());
        let known = index.terms.iter().all(|(atom, _)| {
            *atom == Expr::Var(each.var) || (!atom.mentions(each.var) && atom.reads().is_empty())
        });
        let fits = match window {
            Some(length) => length >= 2 && func.buffer(buffer).extents[axis].as_const() == Some(length),
            None => true,
        };
        let still = place.iter().all(|index| index.reads().is_empty());
        (known && fits && still && direction.abs() == 1).then_some(State {
            func,
            each,
            buffer,
            place,
            axis,
            window,
            index,
            direction,
        })
    }

    /// Whether all indices but the one that steps are those of the place, and that one.
    fn stepped<'e>(&self, indices: &'e [Expr]) -> Option<&'e Expr> {
        let same = indices.iter().zip(self.place).enumerate().all(|(n, (a, b))| n == self.axis || a == b);
        let stepped = indices.get(self.axis)?;
        same.then_some(stepped)
    }

    /// How many iterations before this one wrote the place at a stepped index.
    fn distance(&self, stepped: &Expr) -> Option<i128> {
        let (stepped, window) = unwound(stepped);
        let apart = Linear::of(stepped)?.minus(&self.index);
        if window != self.window || !apart.terms.is_empty() {
            return None;
        }
        let back = -apart.constant * self.direction;
        Some(self.window.map_or(back, |length| back.rem_euclid(i128::from(length))))
    }

    /// The state before the first iteration, if the expression reads the state of the iteration before:
    /// from its place in a window, or `select(is there one, h[t - 1], initial)`.
    fn previous(&self, expr: &Expr) -> Option<Expr> {
        match expr {
            Expr::Load(buffer, indices) if *buffer == self.buffer && self.window.is_some() => {
                let stepped = self.stepped(indices)?;
                (self.distance(stepped)? == 1).then(|| {
                    let mut first = indices.clone();
                    first.iter_mut().for_each(|index| index.substitute(self.each.var, &self.each.lo));
                    Expr::load(self.buffer, first)
                })
            }
            Expr::Op(ScalarOp::Select, _, operands) => {
                let [condition, Expr::Load(buffer, indices), initial] = operands.as_slice() else {
                    return None;
                };
                let stepped = self.stepped(indices).filter(|_| *buffer == self.buffer)?;
                self.is_guarded(condition, stepped)?;
                let mut initial = initial.clone();
                initial.substitute(self.each.var, &self.each.lo);
                Some(initial)
            }
            _ => None,
        }
    }

    /// Whether the condition is false in the first iteration and true in all others, in which the index is
    /// that of the iteration before.
    fn is_guarded(&self, condition: &Expr, stepped: &Expr) -> Option<()> {
        let Expr::Op(op, _, sides) = condition else { return None };
        let [left, right] = sides.as_slice() else { return None };
        let (stepped, window) = unwound(stepped);
        let (tested, clamp) = match op {
            ScalarOp::Le if left.as_int() == Some(0) => (right, ScalarOp::Max),
            ScalarOp::Lt => (left, ScalarOp::Min),
            _ => return None,
        };
        let (index, bound) = match stepped {
            Expr::Op(op, _, operands) if *op == clamp => (operands.first()?, operands.get(1)),
            _ => (stepped, None),
        };
        if window != self.window || index != tested {
            return None;
        }
        let tested = Linear::of(tested)?;
        let step = tested.clone().minus(&self.index);
        (step.terms.is_empty() && step.constant == -self.direction).then_some(())?;
        let first = {
            // What the index is before the first iteration.
            let mut first = tested;
            first.terms.retain(|(atom, _)| *atom != Expr::Var(self.each.var));
            first
        };
        match op {
            // 0 <= t - 1: the index is -1 in the first iteration, where it moves upwards.
            ScalarOp::Le => {
                let minus_one = first.terms.is_empty() && first.constant == -1;
                let bound = bound.is_none_or(|bound| bound.as_int() == Some(0));
                (minus_one && bound && self.direction == 1).then_some(())
            }
            // t + 1 < n: the index is n in the first iteration, where it moves downwards.
            _ => {
                let past = Linear::of(right)?.minus(&first);
                let end = past.terms.is_empty() && past.constant == 0;
                let bound = bound.is_none_or(|bound| {
                    Linear::of(bound).is_some_and(|bound| {
                        let last = bound.minus(&first);
                        last.terms.is_empty() && last.constant == -1
                    })
                });
                (end && bound && self.direction == -1).then_some(())
            }
        }
    }

    /// The statements with reads of the state before written as one expression, where a register stands for
    /// it: `r = initial`, `if is there one { r = h[t - 1] }`. Nothing else may use the register.
    fn without_registers(&self, body: &[Stmt], everywhere: &Loads) -> Vec<Stmt> {
        let inside = loads(body);
        let mut body = body.to_vec();
        let mut position = 0;
        while position + 1 < body.len() {
            let found =
                self.guarded_register(&body[position], &body[position + 1]).filter(|(register, _)| {
                    let writes = body.iter().filter(|stmt| stmt.writes().contains(register)).count();
                    let early = body[..position].iter().any(|stmt| stmt.reads().contains(register));
                    writes == 2 && !early && inside.get(register) == everywhere.get(register)
                });
            let Some((register, read)) = found else {
                position += 1;
                continue;
            };
            body.drain(position..position + 2);
            let mut replace = |expr: Expr| match &expr {
                Expr::Load(buffer, _) if *buffer == register => read.clone(),
                _ => expr,
            };
            body.iter_mut().for_each(|stmt| stmt.map_exprs(&mut replace));
        }
        body
    }

    fn guarded_register(&self, first: &Stmt, second: &Stmt) -> Option<(BufferId, Expr)> {
        let (Stmt::Store(register, _, initial), Stmt::If(condition, then, otherwise)) = (first, second)
        else {
            return None;
        };
        let ([Stmt::Store(again, _, value)], []) = (then.as_slice(), otherwise.as_slice()) else {
            return None;
        };
        let dtype = self.func.buffer(*register).dtype;
        let operands = vec![condition.clone(), value.clone(), initial.clone()];
        let read = Expr::op(ScalarOp::Select, dtype, operands);
        let holds = again == register && self.func.buffer(*register).is_register();
        (holds && self.previous(&read).is_some()).then_some((*register, read))
    }

    /// The chain of the state.
    fn chain(&self, everywhere: &Loads, contract: Contract, rows: &[For], whole: &[Stmt]) -> Option<Chain> {
        let body = &self.without_registers(whole, everywhere);
        let dtype = self.func.buffer(self.buffer).dtype;
        if !matches!(dtype, Dtype::F32 | Dtype::F64 | Dtype::I32 | Dtype::I64) {
            return None;
        }
        let position =
            body.iter().position(|stmt| matches!(stmt, Stmt::Store(b, _, _) if *b == self.buffer))?;
        let written: BTreeSet<BufferId> = body.iter().flat_map(Stmt::writes).collect();
        let once =
            body.iter().enumerate().all(|(n, stmt)| n == position || !stmt.writes().contains(&self.buffer));
        let apart = rows.iter().all(|row| self.place.contains(&Expr::Var(row.var)));
        if !once || !apart || (!rows.is_empty() && body.len() != 1 + lets_of(body).len()) {
            return None;
        }
        // Placeholders: names that no function gives to its symbols.
        let (current, previous) = (Expr::symbol("state now"), Expr::symbol("state before"));
        let mut marked = body.to_vec();
        let mut initial: Option<Expr> = None;
        let mut fine = true;
        for (n, stmt) in marked.iter_mut().enumerate() {
            self.mark(stmt, n > position, &current, &previous, &mut initial, &mut fine);
        }
        let initial = initial.filter(|_| fine)?;
        let Stmt::Store(_, _, value) = &marked[position] else { return None };
        let mut step = value.clone();
        let lets = independent_lets(&marked[..position], &mut step, &previous);
        let semiring = Semiring::ALL.into_iter().find(|semiring| {
            let step = semiring.affine(&step, &previous, dtype).filter(|step| step.factor != Factor::Zero);
            let least = step.and_then(|step| semiring.law(&step, dtype)).and_then(Law::least);
            least.is_some_and(|least| contract >= least)
        })?;
        let step = semiring.affine(&step, &previous, dtype)?;
        marked.remove(position);
        let (last, rest) = self.last_iteration(marked);
        let chain = Chain {
            counter: self.each.var,
            count: self.each.hi.clone(),
            rows: rows.to_vec(),
            body: whole.to_vec(),
            state: self.buffer,
            place: self.place.to_vec(),
            axis: self.axis,
            window: self.window,
            backward: self.direction < 0,
            initial,
            semiring,
            step,
            lets,
            rest,
            last,
            current,
            previous,
        };
        chain.stands_alone(&written).then_some(chain)
    }

    /// Takes out what only the last iteration does, where the other statements do not touch what it touches.
    fn last_iteration(&self, statements: Vec<Stmt>) -> (Vec<Stmt>, Vec<Stmt>) {
        let of_last = |stmt: &Stmt| {
            let Stmt::If(Expr::Op(ScalarOp::Eq, _, sides), then, otherwise) = stmt else { return false };
            let [left, right] = sides.as_slice() else { return false };
            let apart = Linear::of(left).zip(Linear::of(right)).map(|(left, right)| left.minus(&right));
            let counter = Expr::Var(self.each.var);
            let then_reads = then.iter().all(|stmt| stmt.reads().is_disjoint(&writes_of(&statements)));
            let others = statements.iter().filter(|other| !std::ptr::eq(*other, stmt));
            let own: BTreeSet<BufferId> = then.iter().flat_map(Stmt::writes).collect();
            let alone = others
                .into_iter()
                .all(|other| other.writes().is_disjoint(&own) && other.reads().is_disjoint(&own));
            let defined: BTreeSet<Var> =
                lets_of(&statements).iter().flat_map(|stmt| stmt.defines()).collect();
            let mut named = false;
            tcc_ir::loops::walk_block(then, &mut |stmt| {
                named |= stmt.exprs().iter().any(|expr| !expr.free_vars().is_disjoint(&defined));
            });
            let at_last = apart.zip(Linear::of(&self.each.hi)).is_some_and(|(mut apart, end)| {
                let factor = apart.factor(&counter);
                apart.terms.retain(|(atom, _)| *atom != counter);
                apart.add(&end, factor);
                apart.constant -= factor;
                factor.abs() == 1 && apart.terms.is_empty() && apart.constant == 0
            });
            at_last && otherwise.is_empty() && then_reads && alone && !named
        };
        let which: Vec<bool> = statements.iter().map(of_last).collect();
        let (last, rest): (Vec<_>, Vec<_>) = statements.into_iter().zip(which).partition(|(_, last)| *last);
        let then = last.into_iter().flat_map(|(stmt, _)| match stmt {
            Stmt::If(_, then, _) => then,
            stmt => vec![stmt],
        });
        (then.collect(), rest.into_iter().map(|(stmt, _)| stmt).collect())
    }

    /// Replaces what reads the state. `after`: whether the iteration has written its state.
    fn mark(
        &self,
        stmt: &mut Stmt,
        after: bool,
        current: &Expr,
        previous: &Expr,
        initial: &mut Option<Expr>,
        fine: &mut bool,
    ) {
        let mut replace = |expr: Expr| -> Expr {
            if let Some(first) = self.previous(&expr) {
                *fine &= initial.as_ref().is_none_or(|known| *known == first);
                initial.get_or_insert(first);
                return previous.clone();
            }
            let Expr::Load(buffer, indices) = &expr else { return expr };
            if *buffer != self.buffer {
                return expr;
            }
            match self.stepped(indices).and_then(|stepped| self.distance(stepped)) {
                Some(0) if after => current.clone(),
                _ => expr,
            }
        };
        // Parents first: a guarded read is replaced as a whole.
        fn top_down(expr: &mut Expr, replace: &mut dyn FnMut(Expr) -> Expr) {
            let before = std::mem::replace(expr, Expr::Const(Literal::Bool(false), Dtype::Bool));
            *expr = replace(before);
            expr.children_mut().iter_mut().for_each(|child| top_down(child, replace));
        }
        fn statement(stmt: &mut Stmt, replace: &mut dyn FnMut(Expr) -> Expr) {
            stmt.exprs_mut().into_iter().for_each(|expr| top_down(expr, replace));
            stmt.blocks_mut().into_iter().flatten().for_each(|stmt| statement(stmt, replace));
        }
        statement(stmt, &mut replace);
        *fine &= !stmt.reads().contains(&self.buffer);
    }
}

/// The index that steps, without the remainder that a window takes, and the length of the window.
fn unwound(index: &Expr) -> (&Expr, Option<i64>) {
    match index {
        Expr::Op(ScalarOp::Mod, _, operands) => match operands.as_slice() {
            [index, length] if length.as_int().is_some() => (index, length.as_int()),
            _ => (index, None),
        },
        _ => (index, None),
    }
}

fn writes_of(body: &[Stmt]) -> BTreeSet<BufferId> {
    body.iter().flat_map(Stmt::writes).collect()
}

fn lets_of(body: &[Stmt]) -> Vec<&Stmt> {
    body.iter().filter(|stmt| matches!(stmt, Stmt::Let(..))).collect()
}

/// The lets that do not need the state; the others are written out in `step`.
fn independent_lets(body: &[Stmt], step: &mut Expr, previous: &Expr) -> Vec<Stmt> {
    let mut dependent: BTreeMap<Var, Expr> = BTreeMap::new();
    let mut lets = Vec::new();
    for stmt in body {
        let Stmt::Let(var, value) = stmt else { continue };
        let mut value = value.clone();
        value.map(&mut |expr| match &expr {
            Expr::Var(var) => dependent.get(var).cloned().unwrap_or(expr),
            _ => expr,
        });
        let mut depends = false;
        value.walk(&mut |part| depends |= part == previous);
        if depends {
            dependent.insert(*var, value);
        } else {
            lets.push(Stmt::Let(*var, value));
        }
    }
    step.map(&mut |expr| match &expr {
        Expr::Var(var) => dependent.get(var).cloned().unwrap_or(expr),
        _ => expr,
    });
    lets
}

impl Chain {
    /// Whether all steps multiply by the same number, and add one each.
    pub fn has_one_factor(&self) -> bool {
        let Factor::Value(factor) = &self.step.factor else { return false };
        let named: BTreeSet<Var> = self.lets.iter().flat_map(Stmt::defines).collect();
        let same = !factor.mentions(self.counter) && factor.free_vars().is_disjoint(&named);
        same && self.step.addend.is_some()
    }

    /// Whether factor, addend and initial state need nothing that an iteration writes, so that they can be
    /// computed for many iterations before the rest of the first one.
    fn stands_alone(&self, written: &BTreeSet<BufferId>) -> bool {
        let mut reads: BTreeSet<BufferId> = self.lets.iter().flat_map(Stmt::reads).collect();
        let mut values: Vec<&Expr> = self.step.addend.iter().collect();
        if let Factor::Value(factor) = &self.step.factor {
            values.push(factor);
        }
        let defined: BTreeSet<Var> = self.lets.iter().flat_map(Stmt::defines).collect();
        let others = self.rest.iter().chain(&self.last);
        let inside: BTreeSet<Var> = others.flat_map(Stmt::defines).chain(defined.clone()).collect();
        let known =
            |expr: &Expr| expr.free_vars().iter().all(|var| defined.contains(var) || !inside.contains(var));
        let mut steered = false;
        tcc_ir::loops::walk_block(&self.rest, &mut |stmt| {
            steered |= match stmt {
                Stmt::If(condition, _, _) => condition.mentions(self.counter),
                Stmt::For(inner) => inner.lo.mentions(self.counter) || inner.hi.mentions(self.counter),
                _ => false,
            };
        });
        // Conditions on a counter that is split are dear, to the machine and to who counts operations.
        let fine = !steered && values.iter().all(|value| known(value));
        reads.extend(values.iter().flat_map(|value| value.reads()));
        let first_reads = self.initial.reads();
        let first = first_reads.iter().all(|buffer| *buffer == self.state || !written.contains(buffer))
            && self.initial.free_vars().is_disjoint(&inside)
            && (self.window.is_some() || !first_reads.contains(&self.state));
        let placed = self.place.iter().all(|index| index.free_vars().is_disjoint(&inside));
        fine && first && placed && reads.is_disjoint(written)
    }
}
