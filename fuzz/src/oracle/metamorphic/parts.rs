//! Programs with less or more of an axis: what is independent along it is cut in two, what is summed along it gets
//! zeros behind.

use super::{Join, Related, plain};
use crate::choices::Random;
use crate::inputs::{Element, Numbers};
use tcc_ir::graph::{Graph, Op, Table, ValueId};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};
use tcc_ir::{Axis, Domain, Kind, Name, Tensor};

/// Where a program has an axis.
struct Along {
    axis: Axis,
    length: usize,
    /// For every operand and each of its axes, whether it is this one.
    of: Vec<Vec<bool>>,
    /// The values that are reduced along it.
    reduced: Vec<(ReduceOp, ValueId)>,
}

/// Where a program has an axis; `None` if it does anything else along it than to read operands, to compute
/// element by element, and to reduce.
fn along(graph: &Graph, axis: &Axis) -> Option<Along> {
    let length = usize::try_from(axis.extent.as_const()?).ok()?;
    let has = |value: ValueId| graph.ty(value).axis(&axis.name).is_some();
    let input = |value: ValueId| match graph.node(value).op {
        Op::Input(position) => Some(position),
        _ => None,
    };
    let mut of: Vec<Vec<Option<bool>>> =
        graph.inputs.iter().map(|input| vec![None; input.ty.axes.len()]).collect();
    let mut note = |position: usize, dimension: usize, is: bool| -> Option<()> {
        if is && graph.inputs[position].ty.axes[dimension].extent != axis.extent {
            return None;
        }
        let known = of.get_mut(position)?.get_mut(dimension)?;
        (known.replace(is).unwrap_or(is) == is).then_some(())
    };
    let mut reduced = Vec::new();
    for node in &graph.nodes {
        let op = &node.op;
        // Elsewhere the name may stand for another axis.
        let another = node.ty.axis(&axis.name).is_some_and(|own| own.extent != axis.extent);
        if another && !matches!(op, Op::Input(_)) {
            return None;
        }
        // Operands that are read as they are, under their own names.
        let direct = match op {
            Op::Access { source, .. } if input(*source).is_some() => {
                op.operands().into_iter().skip(1).collect()
            }
            op => op.operands(),
        };
        for position in direct.iter().filter_map(|value| input(*value)) {
            for (dimension, own) in graph.inputs[position].ty.axes.iter().enumerate() {
                note(position, dimension, own.name == axis.name)?;
            }
        }
        // The index of the axis says which element it is, unless it only names an axis of an operand.
        let is_index =
            |value: &ValueId| matches!(&graph.node(*value).op, Op::Index(name) if *name == axis.name);
        match op {
            Op::Access { source, indices, outside } => match input(*source) {
                Some(position) if outside.is_none() || !indices.iter().any(is_index) => {
                    for (dimension, index) in indices.iter().enumerate() {
                        note(position, dimension, is_index(index))?;
                    }
                }
                _ if has(*source) || op.operands().iter().any(is_index) => return None,
                _ => {}
            },
            op if op.operands().iter().any(is_index) => return None,
            Op::Reduce { op, axes, value } if axes.contains(&axis.name) => reduced.push((*op, *value)),
            Op::Normalise { axes, .. } if axes.contains(&axis.name) => return None,
            Op::Table(_) if node.ty.axis(&axis.name).is_some() => return None,
            op @ (Op::Scatter { .. } | Op::Transform { .. })
                if node.ty.axis(&axis.name).is_some() || op.operands().into_iter().any(has) =>
            {
                return None;
            }
            _ => {}
        }
    }
    let results = graph.outputs.iter().map(|output| output.value);
    for position in results.clone().filter_map(input) {
        for (dimension, own) in graph.inputs[position].ty.axes.iter().enumerate() {
            note(position, dimension, own.name == axis.name)?;
        }
    }
    if results.into_iter().any(|value| matches!(graph.node(value).op, Op::Index(_))) {
        return None;
    }
    let of: Vec<Vec<bool>> = of
        .into_iter()
        .map(|dimensions| dimensions.into_iter().map(|is| is == Some(true)).collect())
        .collect();
    of.iter().flatten().any(|is| *is).then(|| Along { axis: axis.clone(), length, of, reduced })
}

impl Along {
    /// The program with another length of the axis.
    fn resized(&self, graph: &Graph, length: usize) -> Graph {
        let mut graph = graph.clone();
        let extent = tcc_ir::Extent::from(length as i64);
        for (input, dimensions) in graph.inputs.iter_mut().zip(&self.of) {
            for (axis, _) in input.ty.axes.iter_mut().zip(dimensions).filter(|(_, is)| **is) {
                axis.extent = extent.clone();
            }
        }
        for node in &mut graph.nodes {
            if let Op::Input(position) = node.op {
                node.ty.axes = graph.inputs[position].ty.axes.clone();
                continue;
            }
            for axis in node.ty.axes.iter_mut().filter(|axis| axis.name == self.axis.name) {
                axis.extent = extent.clone();
            }
        }
        graph
    }

    /// The operands with other lengths of the axis: each element comes from the place that `from` gives, or is
    /// zero.
    fn operands(
        &self,
        numbers: &[Numbers],
        length: usize,
        from: impl Fn(usize) -> Option<usize>,
    ) -> Vec<Numbers> {
        numbers.iter().zip(&self.of).map(|(old, dimensions)| resize(old, dimensions, length, &from)).collect()
    }
}

fn resize(
    old: &Numbers,
    dimensions: &[bool],
    length: usize,
    from: &dyn Fn(usize) -> Option<usize>,
) -> Numbers {
    let shape: Vec<usize> =
        old.shape.iter().zip(dimensions).map(|(extent, is)| if *is { length } else { *extent }).collect();
    let zero = match old.dtype.kind() {
        Kind::Bool => Element::Bool(false),
        Kind::Int => Element::Int(0),
        Kind::Float => Element::Real(0.0),
        Kind::Complex => Element::Complex(0.0, 0.0),
    };
    let element = |mut place: usize| -> Option<Element> {
        let (mut source, mut stride) = (0, 1);
        for (dimension, extent) in shape.iter().enumerate().rev() {
            let index = place % extent;
            place /= extent;
            source += stride * if dimensions[dimension] { from(index)? } else { index };
            stride *= old.shape[dimension];
        }
        old.elements.get(source).copied()
    };
    let count = shape.iter().product();
    let elements = (0..count).map(|place| element(place).unwrap_or(zero)).collect();
    Numbers { dtype: old.dtype, shape, elements }
}

/// The axes of constant length at least two, each once.
fn axes(graph: &Graph) -> Vec<Axis> {
    let mut axes: Vec<Axis> = Vec::new();
    for axis in graph.nodes.iter().flat_map(|node| &node.ty.axes) {
        if axis.extent.as_const().is_some_and(|extent| extent >= 2) && !axes.contains(axis) {
            axes.push(axis.clone());
        }
    }
    axes
}

/// One of the ways to do something along an axis.
fn drawn(graph: &Graph, random: &mut Random, fits: impl Fn(&Along) -> bool) -> Option<Along> {
    if !plain(graph) {
        return None;
    }
    let mut all: Vec<Along> = axes(graph).iter().filter_map(|axis| along(graph, axis)).filter(fits).collect();
    let at = random.below(all.len() as u64) as usize;
    (at < all.len()).then(|| all.swap_remove(at))
}

fn place(names: &[Name], name: &Name) -> Option<usize> {
    names.iter().position(|known| known == name)
}

/// Cuts everything in two along an axis that nothing is reduced along.
pub fn halves(graph: &Graph, numbers: &[Numbers], random: &mut Random) -> Option<Related> {
    let has = |along: &Along| graph.outputs.iter().any(|output| output.axes.contains(&along.axis.name));
    let along = drawn(graph, random, |along| along.reduced.is_empty() && has(along))?;
    let first = 1 + random.below(along.length as u64 - 1) as usize;
    let join = |names: &[Name]| match place(names, &along.axis.name) {
        Some(axis) => Join::Concatenate(axis),
        None => Join::Same,
    };
    let joins = graph.outputs.iter().map(|output| Some(join(&output.axes))).collect();
    let part = |start: usize, length: usize| {
        let operands = along.operands(numbers, length, |index| Some(start + index));
        (along.resized(graph, length), operands)
    };
    Some(Related { parts: vec![part(0, first), part(first, along.length - first)], joins })
}

/// Puts zeros behind the operands along an axis along which only sums of products of them are taken.
pub fn padded(graph: &Graph, numbers: &[Numbers], random: &mut Random) -> Option<Related> {
    let fits = |along: &Along| {
        let zero = vanishing(graph, along);
        let sums = along.reduced.iter().all(|(op, value)| *op == ReduceOp::Sum && zero[value.index()]);
        let kept = graph.outputs.iter().all(|output| !output.axes.contains(&along.axis.name));
        sums && kept && !along.reduced.is_empty()
    };
    let along = drawn(graph, random, fits)?;
    let length = along.length + 1 + random.below(3) as usize;
    let operands = along.operands(numbers, length, |index| (index < along.length).then_some(index));
    let joins = vec![Some(Join::Same); graph.outputs.len()];
    Some(Related { parts: vec![(along.resized(graph, length), operands)], joins })
}

/// The values that are zero wherever the operands that have the axis are.
fn vanishing(graph: &Graph, along: &Along) -> Vec<bool> {
    let finite = finite(graph);
    let has = |ty: &tcc_ir::Type| ty.axis(&along.axis.name).is_some();
    let mut zero: Vec<bool> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let of = |value: &ValueId| zero[value.index()];
        let is = has(&node.ty)
            && match &node.op {
                Op::Input(_) => true,
                Op::Access { source, indices, .. } => match graph.node(*source).op {
                    Op::Input(position) => {
                        let own = indices.iter().enumerate().filter(|(at, _)| along.of[position][*at]);
                        own.count() > 0
                    }
                    _ => false,
                },
                Op::Map(ScalarOp::Mul, operands) => {
                    operands.iter().any(of) && operands.iter().all(|value| finite[value.index()])
                }
                Op::Map(ScalarOp::Add | ScalarOp::Sub | ScalarOp::Neg | ScalarOp::Abs, operands) => {
                    operands.iter().all(of)
                }
                Op::Map(ScalarOp::Cast, operands) => operands.iter().all(of),
                Op::Map(ScalarOp::Select, operands) => operands.iter().skip(1).all(of),
                Op::Reduce { op: ReduceOp::Sum, value, axes } => {
                    of(value) && !axes.contains(&along.axis.name)
                }
                _ => false,
            };
        zero.push(is);
    }
    zero
}

/// The values that are finite as long as the operands are and nothing overflows.
fn finite(graph: &Graph) -> Vec<bool> {
    use ScalarOp::{Abs, Add, Cast, Max, Min, Mul, Neg, Select, Sub};
    let mut finite: Vec<bool> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let operands = node.op.operands().iter().all(|value| finite[value.index()]);
        let own = match &node.op {
            Op::Input(_) | Op::Index(_) | Op::Size(_) | Op::Access { .. } => true,
            Op::Const(literal) => match literal {
                Literal::Real(value) => value.is_finite(),
                Literal::Complex(re, im) => re.is_finite() && im.is_finite(),
                Literal::Int(_) | Literal::Bool(_) => true,
            },
            Op::Table(table) => matches!(**table, Table::Literals(_)),
            Op::Map(op, _) => {
                matches!(op, Add | Sub | Mul | Neg | Min | Max | Abs | Select | Cast)
                    || node.ty.dtype.kind() < Kind::Float
            }
            Op::Reduce { op, .. } => *op == ReduceOp::Sum || node.ty.dtype.kind() < Kind::Float,
            _ => false,
        };
        // Literals of tables may be anything.
        finite.push(own && operands && !matches!(node.op, Op::Table(_)));
    }
    finite
}

/// Tensors one behind the other along an axis.
pub fn concatenate<D: Domain>(parts: &[&Tensor<D>], axis: usize) -> Tensor<D> {
    let first = parts[0];
    let mut shape = first.shape.clone();
    let run = |part: &Tensor<D>| part.shape[axis..].iter().product::<usize>();
    shape[axis] = parts.iter().map(|part| part.shape[axis]).sum();
    let rows: usize = shape[..axis].iter().product();
    let mut data = Vec::with_capacity(shape.iter().product());
    for row in 0..rows {
        for part in parts {
            data.extend_from_slice(&part.data[row * run(part)..(row + 1) * run(part)]);
        }
    }
    Tensor { dtype: first.dtype, shape, data }
}
