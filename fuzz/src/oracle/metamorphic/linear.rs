//! Programs that are linear in an operand.

use super::{Join, Related, plain};
use crate::choices::Random;
use crate::inputs::{Element, Numbers};
use tcc_ir::graph::{Graph, Op, ValueId};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};
use tcc_ir::{Dtype, Kind};

/// How a value depends on an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dependence {
    /// Not at all.
    None,
    /// It is zero.
    Zero,
    /// Sums and multiples of the operand are sums and multiples of the value.
    Linear,
    /// In another way.
    Other,
}

/// How every value depends on an operand.
fn dependences(graph: &Graph, operand: usize) -> Vec<Dependence> {
    use Dependence::{Linear, None, Other, Zero};
    let mut all: Vec<Dependence> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let of = |value: &ValueId| all[value.index()];
        let free = |value: &ValueId| matches!(of(value), None | Zero);
        let straight = |value: &ValueId| matches!(of(value), Linear | Zero);
        let dtype = |value: &ValueId| graph.ty(*value).dtype;
        let linear = match &node.op {
            Op::Input(position) if *position == operand => true,
            Op::Const(Literal::Int(0)) | Op::Const(Literal::Real(0.0)) => {
                all.push(Zero);
                continue;
            }
            op if op.operands().iter().all(free) => {
                all.push(None);
                continue;
            }
            Op::Map(ScalarOp::Add | ScalarOp::Sub | ScalarOp::MakeComplex, operands) => {
                operands.iter().all(straight)
            }
            Op::Map(ScalarOp::Neg | ScalarOp::Re | ScalarOp::Im | ScalarOp::Conj, operands) => {
                operands.iter().all(straight)
            }
            Op::Map(ScalarOp::Mul, operands) => {
                operands.iter().filter(|v| !free(v)).count() == 1
                    && operands.iter().all(|v| free(v) || straight(v))
            }
            Op::Map(ScalarOp::Select, operands) => {
                operands.first().is_some_and(free) && operands.iter().skip(1).all(straight)
            }
            Op::Map(ScalarOp::Cast, operands) => {
                let floats = |dtype: Dtype| dtype.kind() == Kind::Float;
                operands.iter().all(|v| straight(v) && floats(dtype(v))) && floats(node.ty.dtype)
            }
            // Where the dtype is another one, terms wrap before they are summed.
            Op::Reduce { op: ReduceOp::Sum, value, .. } => straight(value) && dtype(value) == node.ty.dtype,
            Op::Access { source, indices, outside } => {
                straight(source) && indices.iter().all(free) && outside.iter().all(straight)
            }
            Op::Scatter { op: ReduceOp::Sum, indices, value } => straight(value) && indices.iter().all(free),
            _ => false,
        };
        all.push(if linear { Linear } else { Other });
    }
    all
}

/// The joins of the results of a program that is linear in an operand that may be changed; the operand.
fn chosen(
    graph: &Graph,
    random: &mut Random,
    wanted: &dyn Fn(Dtype) -> bool,
    join: Join,
) -> Option<(usize, Vec<Option<Join>>)> {
    if !plain(graph) {
        return None;
    }
    let fits = |operand: usize| -> Option<(usize, Vec<Option<Join>>)> {
        let input = &graph.inputs[operand];
        if !wanted(input.ty.dtype) || input.range.is_some() || input.param.is_some() {
            return None;
        }
        let all = dependences(graph, operand);
        let of = |value: ValueId| match all[value.index()] {
            Dependence::Linear if wanted(graph.ty(value).dtype) => Some(join),
            Dependence::None => Some(Join::Same),
            _ => None,
        };
        let joins: Vec<Option<Join>> = graph.outputs.iter().map(|output| of(output.value)).collect();
        joins.contains(&Some(join)).then_some((operand, joins))
    };
    let mut all: Vec<_> = (0..graph.inputs.len()).filter_map(fits).collect();
    let at = random.below(all.len() as u64) as usize;
    (at < all.len()).then(|| all.swap_remove(at))
}

/// Gives every element of an operand to one of two operands, which are zero elsewhere.
pub fn split(graph: &Graph, numbers: &[Numbers], random: &mut Random) -> Option<Related> {
    let (operand, joins) = chosen(graph, random, &|dtype| dtype != Dtype::Bool, Join::Sum)?;
    let (mut first, mut second) = (numbers.to_vec(), numbers.to_vec());
    let dtype = numbers.get(operand)?.dtype;
    let zero = match dtype.kind() {
        Kind::Bool => Element::Bool(false),
        Kind::Int => Element::Int(0),
        Kind::Float => Element::Real(0.0),
        Kind::Complex => Element::Complex(0.0, 0.0),
    };
    for (a, b) in first[operand].elements.iter_mut().zip(&mut second[operand].elements) {
        if random.below(2) == 0 { *a = zero } else { *b = zero }
    }
    Some(Related { parts: vec![(graph.clone(), first), (graph.clone(), second)], joins })
}

/// Multiplies an operand by a power of two.
pub fn scaled(graph: &Graph, numbers: &[Numbers], random: &mut Random) -> Option<Related> {
    let exponent = [-2, -1, 1, 2][random.below(4) as usize];
    let real = |dtype: Dtype| matches!(dtype.kind(), Kind::Float | Kind::Complex);
    let (operand, joins) = chosen(graph, random, &real, Join::Scale(-exponent))?;
    let scale = f64::from(exponent).exp2();
    let mut numbers = numbers.to_vec();
    for element in &mut numbers.get_mut(operand)?.elements {
        *element = match *element {
            Element::Real(value) => Element::Real(value * scale),
            Element::Complex(re, im) => Element::Complex(re * scale, im * scale),
            other => other,
        };
    }
    Some(Related { parts: vec![(graph.clone(), numbers)], joins })
}
