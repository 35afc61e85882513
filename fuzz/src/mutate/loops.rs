//! Mutators of loop programs. The loops come from the lowering of a graph and from passes over it.

use crate::case::{Case, Level, Program};
use crate::choices::Choices;
use crate::trace;
use tcc_ir::loops::{Buffer, BufferId, Expr, For, Func, LoopKind, Role, Stmt};
use tcc_ir::scalar::{Literal, ScalarOp};
use tcc_ir::{Dtype, EvalError, Extent};

/// Goes on with the loops that the program becomes: after the lowering, and as often after some of the loop
/// passes, which the case then begins with.
pub fn lower_program(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    if matches!(case.program, Program::Loops(_)) {
        return None;
    }
    let trace = trace::run(&Case { backends: vec!["interp"], ..case.clone() });
    if trace.finding.is_some() {
        return None;
    }
    let stages: Vec<&Func> = trace
        .stages
        .iter()
        .filter_map(|stage| match &stage.level {
            Level::Loops(func) => Some(func),
            Level::Graph(_) => None,
        })
        .collect();
    let func = (*stages.get(choices.below(stages.len()))?).clone();
    let open = |name: &tcc_ir::Name| func.symbols.iter().any(|symbol| symbol.name == *name);
    case.sizes.retain(|name, _| open(name));
    case.pipeline.graph.clear();
    // Loops that were planned are as backends want them.
    if func.arena.is_some() {
        case.pipeline.loops.clear();
    }
    case.program = Program::Loops(func);
    Some(())
}

fn loops(case: &mut Case) -> Option<&mut Func> {
    match &mut case.program {
        Program::Loops(func) => Some(func),
        Program::Source(_) | Program::Graph(_) => None,
    }
}

/// All blocks of a function, outermost first, each given to `visit` until it says that it is done.
fn blocks(block: &mut Vec<Stmt>, visit: &mut dyn FnMut(&mut Vec<Stmt>) -> bool) -> bool {
    if visit(block) {
        return true;
    }
    block.iter_mut().any(|stmt| match stmt {
        Stmt::For(For { body, .. }) => blocks(body, visit),
        Stmt::If(_, yes, no) => blocks(yes, visit) || blocks(no, visit),
        Stmt::Let(..) | Stmt::Store(..) | Stmt::Accumulate(..) | Stmt::Check(..) | Stmt::Contract(_) => false,
    })
}

fn count(func: &mut Func, wanted: impl Fn(&Stmt) -> bool) -> usize {
    let mut count = 0;
    blocks(&mut func.body, &mut |block| {
        count += block.iter().filter(|stmt| wanted(stmt)).count();
        false
    });
    count
}

/// Changes the statement with a number among those that are wanted.
fn change(func: &mut Func, number: usize, wanted: impl Fn(&Stmt) -> bool, to: impl Fn(Stmt) -> Stmt) {
    let mut left = number;
    blocks(&mut func.body, &mut |block| {
        for stmt in block.iter_mut().filter(|stmt| wanted(stmt)) {
            if left == 0 {
                let old = std::mem::replace(stmt, Stmt::Check(Expr::Symbol("".into()), 0));
                *stmt = to(old);
                return true;
            }
            left -= 1;
        }
        false
    });
}

/// Whether a program that was changed by force still is one: every access is inside, nothing is read that
/// was not written. What is no program is nobody's bug.
fn sound(case: &Case) -> Option<()> {
    let Program::Loops(func) = &case.program else { return Some(()) };
    let level = Level::Loops(func.clone());
    level.verify().ok()?;
    let numbers = crate::inputs::numbers(&level, &case.sizes, case.inputs).ok()?;
    match level.eval::<tcc_ir::Native>(&crate::inputs::tensors(&numbers), &case.sizes) {
        Ok(_) | Err(EvalError::Check { .. }) => Some(()),
        Err(_) => None,
    }
}

fn integer(value: i64) -> Expr {
    Expr::Const(Literal::Int(value), Dtype::I64)
}

/// Changes the end of a loop to 0, 1 or one less.
pub fn bound(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let wanted = |stmt: &Stmt| matches!(stmt, Stmt::For(For { kind: LoopKind::Serial, .. }));
    let func = loops(case)?;
    let all = count(func, wanted);
    if all == 0 {
        return None;
    }
    let (number, how) = (choices.below(all), choices.below(3));
    change(func, number, wanted, |stmt| match stmt {
        Stmt::For(mut inner) => {
            inner.hi = match how {
                0 => integer(0),
                1 => integer(1),
                _ => Expr::Op(ScalarOp::Sub, Dtype::I64, vec![inner.hi, integer(1)]),
            };
            Stmt::For(inner)
        }
        other => other,
    });
    sound(case)
}

/// Puts a store or a loop under a guard that always holds.
pub fn always(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let wanted = |stmt: &Stmt| matches!(stmt, Stmt::Store(..) | Stmt::Accumulate(..) | Stmt::For(_));
    let func = loops(case)?;
    let all = count(func, wanted);
    if all == 0 {
        return None;
    }
    let symbol = func.symbols.first().map(|symbol| Expr::Symbol(symbol.name.clone()));
    let side = symbol.unwrap_or_else(|| integer(3));
    // Whatever the side is, it is no less than itself.
    let guard = Expr::Op(ScalarOp::Le, Dtype::Bool, vec![side.clone(), side]);
    let number = choices.below(all);
    change(func, number, wanted, |stmt| Stmt::If(guard.clone(), vec![stmt], Vec::new()));
    sound(case)
}

/// Makes a serial loop parallel or unrolled, where it may be, and others serial.
pub fn kind(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let wanted = |stmt: &Stmt| matches!(stmt, Stmt::For(_));
    let func = loops(case)?;
    let all = count(func, wanted);
    if all == 0 {
        return None;
    }
    let number = choices.below(all);
    let to = choices.pick(&[LoopKind::Parallel, LoopKind::Unroll, LoopKind::Serial])?;
    change(func, number, wanted, |stmt| match stmt {
        Stmt::For(mut inner) => {
            inner.kind = to;
            Stmt::For(inner)
        }
        other => other,
    });
    sound(case)
}

/// Runs the first or the last iteration of a loop apart from the others.
pub fn peel(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let wanted = |stmt: &Stmt| matches!(stmt, Stmt::For(For { kind: LoopKind::Serial, .. }));
    let func = loops(case)?;
    let (number, first) = (choices.below(count(func, wanted)), choices.below(2) == 0);
    let old = nth(func, number, wanted)?;
    let Stmt::For(mut rest) = old else { return None };
    let mut one = func.copy_fresh(&rest.body);
    let some = Expr::lt(rest.lo.clone(), rest.hi.clone());
    let last = Expr::sub(rest.hi.clone(), Expr::int(1));
    let counter = if first { rest.lo.clone() } else { last.clone() };
    one.iter_mut().for_each(|stmt| stmt.substitute(rest.var, &counter));
    match first {
        true => rest.lo = Expr::add(rest.lo, Expr::int(1)),
        false => rest.hi = last,
    }
    let at = if first { one.len() } else { 0 };
    one.insert(at, Stmt::For(rest));
    let peeled = Stmt::If(some, one, Vec::new());
    change(func, number, wanted, |_| peeled.clone());
    sound(case)
}

/// The statement with a number among those that are wanted.
fn nth(func: &mut Func, number: usize, wanted: impl Fn(&Stmt) -> bool) -> Option<Stmt> {
    let (mut left, mut found) = (number, None);
    blocks(&mut func.body, &mut |block| {
        for stmt in block.iter().filter(|stmt| wanted(stmt)) {
            if left == 0 {
                found = Some(stmt.clone());
                return true;
            }
            left -= 1;
        }
        false
    });
    found
}

/// Copies an operand into a buffer first, from which it is read then.
pub fn stage(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let func = loops(case)?;
    let read = |buffer: &Buffer| matches!(buffer.role, Role::Input) && !buffer.extents.is_empty();
    let operands: Vec<usize> = (0..func.buffers.len()).filter(|&at| read(&func.buffers[at])).collect();
    let from = BufferId(choices.pick(&operands)? as u32);
    // Memory that is planned has no room for another buffer.
    if func.arena.is_some() {
        return None;
    }
    let old = func.buffer(from).clone();
    let role = Role::Scratch { offset: None };
    let name = format!("{}.s", old.name);
    let to = func.add_buffer(Buffer::new(name.as_str(), old.dtype, old.extents.clone(), role));
    for stmt in &mut func.body {
        stmt.map_exprs(&mut |expr| match expr {
            Expr::Load(buffer, indices) if buffer == from => Expr::Load(to, indices),
            other => other,
        });
    }
    let vars: Vec<_> = old.extents.iter().map(|_| func.add_var("c", Dtype::I64)).collect();
    let indices = || vars.iter().map(|var| Expr::Var(*var)).collect::<Vec<_>>();
    let mut copy = Stmt::Store(to, indices(), Expr::Load(from, indices()));
    for (var, extent) in vars.iter().zip(&old.extents).rev() {
        copy = Stmt::serial(*var, integer(0), Expr::from_extent(extent), vec![copy]);
    }
    func.body.insert(0, copy);
    sound(case)
}

/// Changes where buffers lie: the strides of one whose memory is not planned yet, or the places of all.
pub fn layout(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let func = loops(case)?;
    if let Some(arena) = &mut func.arena {
        let by = Extent::from(64 * choices.between(1, 3));
        *arena = arena.clone() + by.clone();
        for buffer in &mut func.buffers {
            if let Role::Scratch { offset: Some(offset) } = &mut buffer.role {
                *offset = offset.clone() + by.clone();
            }
        }
        return sound(case);
    }
    let own = |buffer: &Buffer| matches!(buffer.role, Role::Scratch { .. }) && !buffer.extents.is_empty();
    let scratch: Vec<usize> = (0..func.buffers.len()).filter(|&at| own(&func.buffers[at])).collect();
    let buffer = &mut func.buffers[choices.pick(&scratch)?];
    match choices.below(2) {
        // Column by column.
        0 if buffer.extents.len() > 1 => {
            let mut stride = Extent::from(1);
            for (own, extent) in buffer.strides.iter_mut().zip(&buffer.extents) {
                *own = stride.clone();
                stride = stride * extent.clone();
            }
        }
        // Every other element.
        _ => buffer.strides.iter_mut().for_each(|stride| *stride = stride.clone() * Extent::from(2)),
    }
    sound(case)
}
