//! The operations of random graphs: one row and one function each.

use super::graph::Maker;
use crate::choices::Weighted;
use tcc_ir::graph::{Direction, NormaliseOp, TransformOp, ValueId};
use tcc_ir::scalar::{Literal, ReduceOp, SCALAR_OPS, ScalarOp};
use tcc_ir::{Axis, Dtype, Kind, Name, Type};

/// A way to add a value to a graph.
#[derive(Clone, Copy)]
pub struct Operation {
    /// The name in reports.
    pub name: &'static str,
    /// Adds it; `None` if it does not fit.
    pub make: fn(&mut Maker) -> Option<ValueId>,
}

const fn row(
    weight: u32,
    name: &'static str,
    make: fn(&mut Maker) -> Option<ValueId>,
) -> Weighted<Operation> {
    (weight, Operation { name, make })
}

/// All operations, by weight.
pub const OPERATIONS: &[Weighted<Operation>] = &[
    row(16, "binary", binary),
    row(10, "unary", unary),
    row(6, "select", select),
    row(4, "compare", compare),
    row(4, "cast", cast),
    row(10, "reduce", reduce),
    row(12, "contract", contract),
    row(5, "chain", chain),
    row(5, "guarded", guarded),
    row(4, "normalise", normalise),
    row(3, "attention", attention),
    row(10, "access", access),
    row(8, "renamed", renamed),
    row(4, "gather", gather),
    row(4, "scatter", scatter),
    row(4, "recurrence", recurrence),
    row(3, "cumulative", cumulative),
    row(3, "table", table),
    row(3, "index", index),
    row(2, "transform", transform),
    row(5, "identity", identity),
    row(4, "copy", copy),
    row(2, "power", power),
];

fn binary(maker: &mut Maker) -> Option<ValueId> {
    let a = maker.value(|ty| ty.dtype.kind() >= Kind::Int)?;
    let dtype = maker.graph.ty(a).dtype;
    let b = maker.of(dtype)?;
    let ops: Vec<ScalarOp> = SCALAR_OPS
        .iter()
        .filter(|row| row.arity == 2 && row.op.result_dtype(&[dtype, dtype]) == Some(dtype))
        .map(|row| row.op)
        .collect();
    let common = [ScalarOp::Add, ScalarOp::Mul, ScalarOp::Sub];
    let op =
        if maker.choices.chance(60) { maker.choices.pick(&common)? } else { maker.choices.pick(&ops)? };
    let (a, b) = if maker.choices.chance(30) { (b, a) } else { (a, b) };
    maker.graph.map(op, &[a, b]).ok()
}

fn unary(maker: &mut Maker) -> Option<ValueId> {
    let a = maker.value(|_| true)?;
    let dtype = maker.graph.ty(a).dtype;
    let ops: Vec<ScalarOp> = SCALAR_OPS
        .iter()
        .filter(|row| row.arity == 1 && row.op != ScalarOp::Cast && row.op.result_dtype(&[dtype]).is_some())
        .map(|row| row.op)
        .collect();
    // Those that stay exact on integers keep cases of the exact class decidable.
    let plain =
        [ScalarOp::Neg, ScalarOp::Abs, ScalarOp::Sign, ScalarOp::Floor, ScalarOp::Conj, ScalarOp::Not];
    let fitting: Vec<ScalarOp> = plain.into_iter().filter(|op| ops.contains(op)).collect();
    let op = if maker.choices.chance(50) { maker.choices.pick(&fitting) } else { maker.choices.pick(&ops) };
    maker.graph.map(op.or_else(|| ops.first().copied())?, &[a]).ok()
}

/// A condition: one of the pool, or a comparison of indices or of data.
pub fn condition(maker: &mut Maker) -> Option<ValueId> {
    match maker.choices.below(4) {
        0 => maker.value(|ty| ty.dtype == Dtype::Bool),
        1 | 2 => {
            let (a, b) = (maker.choices.pick(&maker.axes)?, maker.choices.pick(&maker.axes)?);
            let left = maker.graph.index(&a);
            let right = match maker.choices.chance(50) {
                true => maker.graph.index(&b),
                false => {
                    let number = maker.choices.between(-1, 4);
                    maker.graph.integer(number)
                }
            };
            let ops = [ScalarOp::Lt, ScalarOp::Le, ScalarOp::Eq, ScalarOp::Ne];
            let op = maker.choices.pick(&ops)?;
            let (left, right) = if maker.choices.chance(30) { (right, left) } else { (left, right) };
            let condition = maker.graph.map(op, &[left, right]).ok()?;
            match maker.choices.below(6) {
                0 => maker.graph.map(ScalarOp::Not, &[condition]).ok(),
                1 => {
                    let other = maker.value(|ty| ty.dtype == Dtype::Bool).unwrap_or(condition);
                    let op = maker.choices.pick(&[ScalarOp::And, ScalarOp::Or])?;
                    maker.graph.map(op, &[condition, other]).ok()
                }
                _ => Some(condition),
            }
        }
        _ => compare(maker),
    }
}

fn compare(maker: &mut Maker) -> Option<ValueId> {
    let a = maker.value(|_| true)?;
    let dtype = maker.graph.ty(a).dtype;
    let b = maker.of(dtype)?;
    let ops = [ScalarOp::Lt, ScalarOp::Le, ScalarOp::Eq, ScalarOp::Ne];
    let op = maker.choices.pick(&ops)?;
    maker.graph.map(op, &[a, b]).ok()
}

fn select(maker: &mut Maker) -> Option<ValueId> {
    let condition = condition(maker)?;
    let a = maker.value(|_| true)?;
    let dtype = maker.graph.ty(a).dtype;
    let b = maker.of(dtype)?;
    let (a, b) = if maker.choices.chance(30) { (b, a) } else { (a, b) };
    maker.graph.map(ScalarOp::Select, &[condition, a, b]).ok()
}

fn cast(maker: &mut Maker) -> Option<ValueId> {
    let dtype = maker.dtype();
    let value = maker.value(|ty| ty.dtype != dtype && (dtype.is_complex() || !ty.dtype.is_complex()))?;
    maker.graph.cast(value, dtype).ok()
}

/// A reduction that takes a dtype.
fn reduction(maker: &mut Maker, dtype: Dtype) -> Option<ReduceOp> {
    let fitting: Vec<ReduceOp> =
        ReduceOp::TABLE.iter().map(|row| row.0).filter(|op| op.result_dtype(dtype).is_some()).collect();
    let sum = fitting.contains(&ReduceOp::Sum) && maker.choices.chance(50);
    if sum { Some(ReduceOp::Sum) } else { maker.choices.pick(&fitting) }
}

fn reduce(maker: &mut Maker) -> Option<ValueId> {
    let value = maker.value(|ty| !ty.axes.is_empty())?;
    let op = reduction(maker, maker.graph.ty(value).dtype)?;
    if op.scalar_op().is_some() {
        return maker.reduced(op, value, None);
    }
    let axes = maker.graph.ty(value).axes.clone();
    let axis = maker.choices.pick(&axes)?;
    maker.graph.reduce(op, &[axis.name], value).ok()
}

fn contract(maker: &mut Maker) -> Option<ValueId> {
    product(maker, 2)
}

fn chain(maker: &mut Maker) -> Option<ValueId> {
    let count = 3 + maker.choices.below(2);
    product(maker, count)
}

/// A sum of a product of values.
fn product(maker: &mut Maker, count: usize) -> Option<ValueId> {
    let mut value = maker.value(|ty| ty.dtype.kind() >= Kind::Int && !ty.axes.is_empty())?;
    let dtype = maker.graph.ty(value).dtype;
    for _ in 1..count {
        let other = maker.of(dtype)?;
        value = maker.graph.map(ScalarOp::Mul, &[value, other]).ok()?;
    }
    maker.reduced(ReduceOp::Sum, value, None)
}

/// A reduction over the terms for which a condition holds.
fn guarded(maker: &mut Maker) -> Option<ValueId> {
    let condition = condition(maker)?;
    let value = maker.value(|ty| !ty.axes.is_empty())?;
    let dtype = maker.graph.ty(value).dtype;
    let op = reduction(maker, dtype).filter(|op| op.scalar_op().is_some())?;
    let identity = maker.graph.constant(Literal::identity(op, dtype), dtype).ok()?;
    let guarded = maker.graph.map(ScalarOp::Select, &[condition, value, identity]).ok()?;
    maker.reduced(op, guarded, None)
}

fn normalise(maker: &mut Maker) -> Option<ValueId> {
    let value = maker.value(|ty| ty.dtype.is_float() && !ty.axes.is_empty())?;
    let ty = maker.graph.ty(value).clone();
    let guarded = match maker.choices.chance(40) {
        true => {
            let condition = condition(maker)?;
            let lowest = maker.graph.constant(Literal::Real(f64::NEG_INFINITY), ty.dtype).ok()?;
            maker.graph.map(ScalarOp::Select, &[condition, value, lowest]).ok()?
        }
        false => value,
    };
    let axes = maker.some_axes(&ty, None);
    let op = maker.choices.pick(&[NormaliseOp::Softmax, NormaliseOp::LogSumExp])?;
    maker.graph.normalise(op, &axes, guarded).ok()
}

/// A sum weighted by a softmax.
fn attention(maker: &mut Maker) -> Option<ValueId> {
    let scores = maker.value(|ty| ty.dtype.is_float() && !ty.axes.is_empty())?;
    let ty = maker.graph.ty(scores).clone();
    let axis = maker.choices.pick(&ty.axes)?;
    let weights =
        maker.graph.normalise(NormaliseOp::Softmax, std::slice::from_ref(&axis.name), scores).ok()?;
    let other = maker.of(ty.dtype)?;
    let product = maker.graph.map(ScalarOp::Mul, &[weights, other]).ok()?;
    maker.graph.reduce(ReduceOp::Sum, &[axis.name], product).ok()
}

/// An integer that may serve as an index along an axis: mostly inside.
pub fn place(maker: &mut Maker, target: &Axis) -> Option<ValueId> {
    let same: Vec<Axis> = maker.axes.iter().filter(|axis| axis.extent == target.extent).cloned().collect();
    let any = maker.choices.pick(&maker.axes)?;
    match maker.choices.below(10) {
        0..=3 => {
            let axis = maker.choices.pick(&same).unwrap_or_else(|| target.clone());
            Some(maker.graph.index(&axis))
        }
        4 => {
            let index = maker.graph.index(&any);
            let shift = maker.choices.between(-2, 2);
            let shift = maker.graph.integer(shift);
            maker.graph.map(ScalarOp::Add, &[index, shift]).ok()
        }
        5 => {
            // Reversed.
            let axis = maker.choices.pick(&same).unwrap_or_else(|| target.clone());
            let (index, size) = (maker.graph.index(&axis), maker.graph.size(target.extent.clone()));
            let one = maker.graph.integer(1);
            let last = maker.graph.map(ScalarOp::Sub, &[size, one]).ok()?;
            maker.graph.map(ScalarOp::Sub, &[last, index]).ok()
        }
        6 => {
            let index = maker.graph.index(&any);
            let factor = maker.choices.between(2, 4);
            let factor = maker.graph.integer(factor);
            let op = maker.choices.pick(&[ScalarOp::FloorDiv, ScalarOp::Mod, ScalarOp::Mul])?;
            maker.graph.map(op, &[index, factor]).ok()
        }
        7 => {
            // Two axes as one.
            let other = maker.choices.pick(&maker.axes)?;
            let (major, minor) = (maker.graph.index(&any), maker.graph.index(&other));
            let size = maker.graph.size(other.extent.clone());
            let scaled = maker.graph.map(ScalarOp::Mul, &[major, size]).ok()?;
            maker.graph.map(ScalarOp::Add, &[scaled, minor]).ok()
        }
        8 => {
            let number = maker.choices.between(0, 3);
            Some(maker.graph.integer(number))
        }
        _ => match maker.value(|ty| ty.dtype.is_int() && ty.axes.len() <= 2) {
            Some(data) => Some(data),
            None => maker.operand(Dtype::I64),
        },
    }
}

/// A read at computed places: diagonals, transpositions, shifts, padding, splits and merges of axes.
fn access(maker: &mut Maker) -> Option<ValueId> {
    let source = maker.value(|ty| !ty.axes.is_empty())?;
    let ty = maker.graph.ty(source).clone();
    let mut indices = Vec::new();
    for axis in &ty.axes {
        indices.push(match maker.choices.chance(35) {
            true => maker.graph.index(axis),
            false => place(maker, axis)?,
        });
    }
    let outside = match maker.choices.chance(40) {
        true => Some(maker.of(ty.dtype)?),
        false => None,
    };
    maker.graph.access(source, &indices, outside).ok()
}

/// A value whose axes got the names of others, which may be its own: a transposition where it is square. Often
/// once more.
fn renamed(maker: &mut Maker) -> Option<ValueId> {
    let source = maker.value(|ty| !ty.axes.is_empty())?;
    let once = renamed_once(maker, source)?;
    if maker.choices.chance(40) { renamed_once(maker, once) } else { Some(once) }
}

fn renamed_once(maker: &mut Maker, source: ValueId) -> Option<ValueId> {
    let ty = maker.graph.ty(source).clone();
    let mut names: Vec<Axis> = ty.axes.clone();
    names.extend(maker.axes.iter().filter(|axis| ty.axes.iter().all(|own| own.name != axis.name)).cloned());
    // Where there is a value outside, an axis may be read further than it is long.
    let longer = if maker.choices.chance(25) { maker.choices.below(ty.axes.len()) } else { ty.axes.len() };
    let mut indices = Vec::new();
    for (at, axis) in ty.axes.iter().enumerate() {
        let fits = |name: &Axis| name.extent == axis.extent || at == longer;
        let fitting: Vec<Axis> = names.iter().filter(|name| fits(name)).cloned().collect();
        let name = maker.choices.pick(&fitting)?;
        names.retain(|known| known.name != name.name);
        indices.push(maker.graph.index(&name));
    }
    let outside = if longer < ty.axes.len() { Some(maker.of(ty.dtype)?) } else { None };
    maker.graph.access(source, &indices, outside).ok()
}

/// A read at places that are data.
fn gather(maker: &mut Maker) -> Option<ValueId> {
    let source = maker.value(|ty| !ty.axes.is_empty())?;
    let axes = maker.graph.ty(source).axes.clone();
    let at = maker.choices.below(axes.len());
    let mut indices: Vec<ValueId> = axes.iter().map(|axis| maker.graph.index(axis)).collect();
    let dtype = maker.choices.pick(&[Dtype::I64, Dtype::I32, Dtype::U8])?;
    indices[at] = match maker.value(|ty| ty.dtype.is_int()) {
        Some(index) => index,
        None => maker.operand(dtype)?,
    };
    maker.graph.access(source, &indices, None).ok()
}

fn scatter(maker: &mut Maker) -> Option<ValueId> {
    let value = maker.value(|_| true)?;
    let op = reduction(maker, maker.graph.ty(value).dtype).filter(|op| op.scalar_op().is_some())?;
    let count = 1 + maker.choices.below(2);
    let (mut indices, mut axes): (Vec<ValueId>, Vec<Axis>) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let axis = maker.choices.pick(&maker.axes)?;
        if axes.iter().any(|known| known.name == axis.name) {
            continue;
        }
        indices.push(place(maker, &axis)?);
        axes.push(axis);
    }
    maker.graph.scatter(op, &indices, value, axes).ok()
}

/// One state along an axis: `h[t] = f(h[t-1], ..)`.
fn recurrence(maker: &mut Maker) -> Option<ValueId> {
    let stepped = maker.choices.pick(&maker.axes)?;
    let backward = maker.choices.chance(30);
    let direction = if backward { Direction::Backward } else { Direction::Forward };
    let dtype = maker.choices.pick(&[Dtype::F32, Dtype::F64, Dtype::I64])?;
    let mut axes = vec![stepped.clone()];
    for axis in maker.axes.clone() {
        if axis.name != stepped.name && maker.choices.chance(35) {
            axes.push(axis);
        }
    }
    let ty = Type::new(dtype, axes);
    if !maker.fits(&ty.axes) {
        return None;
    }
    let state = maker.graph.state(&stepped.name, direction, &ty).ok()?;
    let back = 1 + maker.choices.below(2) as i64;
    let mut indices = Vec::new();
    for axis in &ty.axes {
        let index = maker.graph.index(axis);
        indices.push(match axis.name == stepped.name {
            true => {
                let shift = maker.graph.integer(if backward { back } else { -back });
                maker.graph.map(ScalarOp::Add, &[index, shift]).ok()?
            }
            false => index,
        });
    }
    let initial = maker.constant(dtype)?;
    let before = maker.graph.access(state, &indices, Some(initial)).ok()?;
    let other =
        maker.of(dtype).filter(|value| maker.graph.ty(*value).axes.iter().all(|axis| ty.axes.contains(axis)));
    let other = match other {
        Some(other) => other,
        None => maker.constant(dtype)?,
    };
    let op = maker.choices.pick(&[ScalarOp::Add, ScalarOp::Mul, ScalarOp::Max, ScalarOp::Sub])?;
    let mut next = maker.graph.map(op, &[before, other]).ok()?;
    if dtype.is_float() && maker.choices.chance(20) {
        next = maker.graph.map(ScalarOp::Tanh, &[next]).ok()?;
    }
    if maker.choices.chance(30) {
        let third = maker.constant(dtype)?;
        next = maker.graph.map(ScalarOp::Mul, &[next, third]).ok()?;
    }
    maker.graph.recur(&[state], &[next]).ok()?.first().copied()
}

/// A running reduction, as a guarded one over pairs of places.
fn cumulative(maker: &mut Maker) -> Option<ValueId> {
    let value = maker.value(|ty| !ty.axes.is_empty() && ty.dtype.kind() >= Kind::Int)?;
    let ty = maker.graph.ty(value).clone();
    let axis = maker.choices.pick(&ty.axes)?;
    let inner: Name = format!("{}.c", axis.name).as_str().into();
    if ty.axis(&inner).is_some() {
        return None;
    }
    let renamed = maker.graph.rename(value, &[(axis.name.clone(), inner.clone())]).ok()?;
    let op = reduction(maker, ty.dtype).filter(|op| op.scalar_op().is_some())?;
    let (before, here) =
        (maker.graph.index(&Axis::new(inner.clone(), axis.extent.clone())), maker.graph.index(&axis));
    let order = maker.choices.pick(&[ScalarOp::Le, ScalarOp::Lt])?;
    let condition = maker.graph.map(order, &[before, here]).ok()?;
    let identity = maker.graph.constant(Literal::identity(op, ty.dtype), ty.dtype).ok()?;
    let guarded = maker.graph.map(ScalarOp::Select, &[condition, renamed, identity]).ok()?;
    maker.graph.reduce(op, &[inner], guarded).ok()
}

/// Literals along an axis of constant extent.
fn table(maker: &mut Maker) -> Option<ValueId> {
    let constant: Vec<Axis> =
        maker.axes.iter().filter(|axis| axis.extent.as_const().is_some_and(|n| n <= 8)).cloned().collect();
    let axis = maker.choices.pick(&constant)?;
    let dtype = maker.dtype();
    let count = usize::try_from(axis.extent.as_const()?).ok()?;
    let literals = (0..count).map(|_| Literal::of(maker.choices.between(0, 5), dtype)).collect();
    maker.graph.table(literals, &Type::new(dtype, vec![axis])).ok()
}

fn index(maker: &mut Maker) -> Option<ValueId> {
    let axis = maker.choices.pick(&maker.axes)?;
    let index = maker.graph.index(&axis);
    let dtype = maker.dtype();
    if dtype == Dtype::Bool { Some(index) } else { maker.graph.cast(index, dtype).ok() }
}

fn transform(maker: &mut Maker) -> Option<ValueId> {
    let takes = |ty: &Type| {
        !ty.axes.is_empty() && (ty.dtype.is_complex() || matches!(ty.dtype, Dtype::F32 | Dtype::F64))
    };
    let value = maker.value(takes)?;
    let ty = maker.graph.ty(value).clone();
    let axis = maker.choices.pick(&ty.axes)?;
    let to = Axis::new(format!("{}.f", axis.name).as_str(), axis.extent.clone());
    if ty.axis(&to.name).is_some() {
        return None;
    }
    let op = match ty.dtype.is_complex() {
        true => maker.choices.pick(&[TransformOp::Fft, TransformOp::Ifft])?,
        false => TransformOp::Rfft,
    };
    maker.graph.transform(op, &[(axis.name, to)], value).ok()
}

/// What gives the value itself in a roundabout way: what rules like.
fn identity(maker: &mut Maker) -> Option<ValueId> {
    let value = maker.value(|_| true)?;
    let ty = maker.graph.ty(value).clone();
    let numeric = ty.dtype.kind() >= Kind::Int;
    match maker.choices.below(6) {
        0 if numeric => {
            let zero = maker.graph.constant(Literal::of(0, ty.dtype), ty.dtype).ok()?;
            let op = maker.choices.pick(&[ScalarOp::Add, ScalarOp::Sub])?;
            maker.graph.map(op, &[value, zero]).ok()
        }
        1 if numeric => {
            let one = maker.graph.constant(Literal::of(1, ty.dtype), ty.dtype).ok()?;
            maker.graph.map(ScalarOp::Mul, &[value, one]).ok()
        }
        2 if numeric => {
            let negative = maker.graph.map(ScalarOp::Neg, &[value]).ok()?;
            maker.graph.map(ScalarOp::Neg, &[negative]).ok()
        }
        3 => {
            // Under another name and back.
            let axis = maker.choices.pick(&ty.axes)?;
            let other: Name = format!("{}.r", axis.name).as_str().into();
            let renamed = maker.graph.rename(value, &[(axis.name.clone(), other.clone())]).ok()?;
            maker.graph.rename(renamed, &[(other, axis.name)]).ok()
        }
        4 => {
            let condition = condition(maker)?;
            maker.graph.map(ScalarOp::Select, &[condition, value, value]).ok()
        }
        _ if numeric => {
            let other = maker.of(ty.dtype)?;
            let sum = maker.graph.map(ScalarOp::Add, &[value, other]).ok()?;
            maker.graph.map(ScalarOp::Sub, &[sum, other]).ok()
        }
        _ => None,
    }
}

/// A node once more: a subexpression to be shared.
fn copy(maker: &mut Maker) -> Option<ValueId> {
    let value = maker.value(|_| true)?;
    let node = maker.graph.node(value).clone();
    let plain = matches!(
        node.op,
        tcc_ir::graph::Op::Map(..) | tcc_ir::graph::Op::Reduce { .. } | tcc_ir::graph::Op::Access { .. }
    );
    plain.then(|| maker.graph.push(node.op, node.ty))
}

/// An integer power by a constant or by data.
fn power(maker: &mut Maker) -> Option<ValueId> {
    let value = maker.value(|ty| ty.dtype.kind() >= Kind::Int)?;
    let dtype = maker.graph.ty(value).dtype;
    let least = if dtype.is_int() { 0 } else { -1 };
    let exponent = maker.choices.between(least, 3);
    let exponent = maker.graph.integer(exponent);
    maker.graph.map(ScalarOp::PowInt, &[value, exponent]).ok()
}
