//! Fourier transforms written as sums, and sums of transforms.

use super::super::analysis::Graphs;
use super::super::language::{AxisId, Operator, OperatorKind};
use super::super::pattern::{Match, add};
use super::Law::Reassociate;
use super::Phase::{Algebra, Recognise};
use super::build::{depends, map, maps, product, reduce, size, terms, ty};
use super::{Right, Rule, rule};
use egg::Id;
use tcc_ir::graph::{Table, TransformOp};
use tcc_ir::scalar::{ReduceOp, ScalarOp};

const FFT: &str = "Cooley and Tukey 1965";
const LINEAR: &str = "linearity of the Fourier transform";

/// The rules.
pub static RULES: &[Rule] = &[
    Rule {
        right: Right::Build("fft ?u", dft_to_fft),
        ..rule(
            "dft-to-fft",
            Reassociate,
            Recognise,
            ("(sum[?s] (mul ?u ?d))", ""),
            "a contraction with the matrix of the discrete Fourier transform is a fast one",
            FFT,
        )
    },
    Rule {
        right: Right::Build("n * ifft ?u", dft_to_ifft),
        ..rule(
            "dft-to-ifft",
            Reassociate,
            Recognise,
            ("(sum[?s] (mul ?u (conj ?d)))", ""),
            "a contraction with its conjugate is a fast inverse one, times the length",
            FFT,
        )
    },
    Rule {
        right: Right::Build("the transform of the sum", join_transforms),
        ..rule(
            "join-transforms",
            Reassociate,
            Algebra,
            ("(add ?a ?b)", ""),
            "one transform of a sum instead of a sum of two",
            LINEAR,
        )
    },
    Rule {
        right: Right::Build("(mul ?factor the transform of the rest)", pull_from_transform),
        ..rule(
            "pull-from-transform",
            Reassociate,
            Algebra,
            ("?a", ""),
            "a factor without the transformed axes leaves a transform",
            LINEAR,
        )
    },
];

/// The two axes of the matrix of the discrete Fourier transform, if a class is it, in some precision.
fn dft_axes(graphs: &Graphs, class: Id) -> Option<(AxisId, AxisId)> {
    let mut classes = vec![class];
    classes.extend(maps(graphs, class, ScalarOp::Cast).into_iter().flatten());
    classes.into_iter().filter(|&class| ty(graphs, class).dtype.is_complex()).find_map(|class| {
        terms(graphs, class, OperatorKind::TABLE).into_iter().find_map(|(operator, _)| match operator {
            Operator::Table(table, _, axes) if matches!(*table, Table::Dft) => {
                Some((*axes.first()?, *axes.get(1)?))
            }
            _ => None,
        })
    })
}

/// The transform of `u` along the one axis of the matrix that is summed, to the other.
fn transformed(graphs: &mut Graphs, op: TransformOp, found: &Match) -> Option<(Id, AxisId)> {
    let (axes, u, d) = (found.axes("?s")?.to_vec(), found.value("?u")?, found.value("?d")?);
    let (first, second) = dft_axes(graphs, d)?;
    // The matrix is symmetric.
    let (to, from) = match (axes.contains(&first), axes.contains(&second)) {
        (false, true) => (first, second),
        (true, false) => (second, first),
        _ => return None,
    };
    if !depends(graphs, u, &[from]) || depends(graphs, u, &[to]) || !ty(graphs, u).dtype.is_complex() {
        return None;
    }
    let transform = add(graphs, Operator::Transform(op, vec![(from, to)]), vec![u])?;
    let rest: Vec<AxisId> = axes.into_iter().filter(|&axis| axis != from).collect();
    Some((reduce(graphs, ReduceOp::Sum, &rest, transform)?, from))
}

fn dft_to_fft(graphs: &mut Graphs, _: Id, found: &Match) -> Vec<Id> {
    transformed(graphs, TransformOp::Fft, found).map(|(value, _)| value).into_iter().collect()
}

fn dft_to_ifft(graphs: &mut Graphs, _: Id, found: &Match) -> Vec<Id> {
    let build = |graphs: &mut Graphs| {
        let (value, from) = transformed(graphs, TransformOp::Ifft, found)?;
        let extent = graphs.analysis.operators.axis(from).extent.clone();
        let length = size(graphs, extent, ty(graphs, value).dtype)?;
        map(graphs, ScalarOp::Mul, &[value, length])
    };
    build(graphs).into_iter().collect()
}

/// All transforms of a class.
fn transforms(graphs: &Graphs, class: Id) -> Vec<(Operator, Id)> {
    TransformOp::TABLE
        .iter()
        .flat_map(|(op, _)| terms(graphs, class, OperatorKind::transform(*op)))
        .filter_map(|(operator, operands)| Some((operator, *operands.first()?)))
        .collect()
}

fn join_transforms(graphs: &mut Graphs, _: Id, found: &Match) -> Vec<Id> {
    let (Some(a), Some(b)) = (found.value("?a"), found.value("?b")) else { return Vec::new() };
    let mut results = Vec::new();
    let others = transforms(graphs, b);
    for (operator, left) in transforms(graphs, a) {
        for (_, right) in others.iter().filter(|(other, _)| *other == operator) {
            let sum = (ty(graphs, left) == ty(graphs, *right)).then_some([left, *right]);
            let sum = sum.and_then(|operands| map(graphs, ScalarOp::Add, &operands));
            results.extend(sum.and_then(|sum| add(graphs, operator.clone(), vec![sum])));
        }
    }
    results
}

fn pull_from_transform(graphs: &mut Graphs, root: Id, _: &Match) -> Vec<Id> {
    let mut results = Vec::new();
    for (operator, value) in transforms(graphs, root) {
        let Operator::Transform(TransformOp::Fft | TransformOp::Ifft, pairs) = &operator else { continue };
        let from: Vec<AxisId> = pairs.iter().map(|pair| pair.0).collect();
        let (inside, outside): (Vec<Id>, Vec<Id>) = super::build::factors(graphs, value)
            .into_iter()
            .partition(|&factor| depends(graphs, factor, &from));
        if outside.is_empty() || inside.is_empty() {
            continue;
        }
        let build = |graphs: &mut Graphs| {
            let inside = product(graphs, &inside)?;
            let transform = add(graphs, operator.clone(), vec![inside])?;
            let outside = product(graphs, &outside)?;
            map(graphs, ScalarOp::Mul, &[outside, transform])
        };
        results.extend(build(graphs));
    }
    results
}
