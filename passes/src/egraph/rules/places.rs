//! Sums that only look at one place: gathers, diagonals and scatters in disguise.

use super::super::analysis::Graphs;
use super::super::language::{AxisId, Operator};
use super::super::pattern::{Match, add};
use super::Law::Reassociate;
use super::Phase::Recognise;
use super::build::{depends, index, index_of, integer, map, product, reduce, terms, ty};
use super::{Right, Rule, rule};
use crate::egraph::language::OperatorKind;
use egg::Id;
use tcc_ir::Dtype;
use tcc_ir::scalar::{ReduceOp, ScalarOp};

const IVERSON: &str = "Iverson brackets (Knuth, Two Notes on Notation, 1992)";

/// The rules.
pub static RULES: &[Rule] = &[
    Rule {
        right: Right::Build("?x at the place ?q of the axis ?p", gather),
        ..rule(
            "sum-at-place",
            Reassociate,
            Recognise,
            ("(sum[?s] (select (eq ?p ?q) ?x 0))", ""),
            "a sum over an axis that must equal an expression reads one place: a gather or a diagonal",
            IVERSON,
        )
    },
    Rule {
        right: Right::Build("scatter.sum[?q] ?x", scatter),
        ..rule(
            "sum-to-scatter",
            Reassociate,
            Recognise,
            ("(sum[?s] (select (eq ?p ?q) ?x 0))", ""),
            "a sum of those values whose place is the free axis ?p scatters each to its place",
            IVERSON,
        )
    },
    Rule {
        right: Right::Build("(mul ?outside (scatter.sum ?inside))", pull_from_scatter),
        ..rule(
            "pull-from-scatter",
            Reassociate,
            super::Phase::Algebra,
            ("?a", ""),
            "a factor without axes leaves a scatter that adds",
            "linearity of sums",
        )
    },
    Rule {
        law: super::Law::Exact,
        right: Right::Build("?x itself", scatter_in_place),
        ..rule(
            "scatter-in-place",
            Reassociate,
            super::Phase::Cleanup,
            ("?a", ""),
            "a scatter of every value to its own place is the value, or its sum over the axes without a place",
            "definition of a scatter",
        )
    },
];

/// `sum[j] [j == q] x[j]` is `x[q]`, and 0 where there is no such place.
fn gather(graphs: &mut Graphs, _: Id, found: &Match) -> Vec<Id> {
    let (Some(axes), Some(p), Some(q), Some(x)) =
        (found.axes("?s"), found.value("?p"), found.value("?q"), found.value("?x"))
    else {
        return Vec::new();
    };
    let axes = axes.to_vec();
    let build = |graphs: &mut Graphs| {
        let axis = index_of(graphs, p)?;
        let source = ty(graphs, x).clone();
        let fits = axes.contains(&axis)
            && source.axes.contains(&axis)
            && ty(graphs, q).dtype == Dtype::I64
            && !depends(graphs, q, &[axis]);
        fits.then_some(())?;
        let mut operands = vec![x];
        for &own in &source.axes {
            operands.push(if own == axis { q } else { index(graphs, own)? });
        }
        operands.push(integer(graphs, 0, source.dtype)?);
        let read = add(graphs, Operator::Access(source.axes.clone(), true), operands)?;
        let rest: Vec<AxisId> = axes.iter().copied().filter(|&other| other != axis).collect();
        reduce(graphs, ReduceOp::Sum, &rest, read)
    };
    build(graphs).into_iter().collect()
}

/// `sum[e] [v == q[e]] x[e]` adds `x[e]` to the place `q[e]` of the axis `v`.
fn scatter(graphs: &mut Graphs, root: Id, found: &Match) -> Vec<Id> {
    let (Some(axes), Some(p), Some(q), Some(x)) =
        (found.axes("?s"), found.value("?p"), found.value("?q"), found.value("?x"))
    else {
        return Vec::new();
    };
    let axes = axes.to_vec();
    let build = |graphs: &mut Graphs| {
        let axis = index_of(graphs, p)?;
        let own = ty(graphs, root).clone();
        let spread = graphs.analysis.union([ty(graphs, q).axes.as_slice(), &ty(graphs, x).axes])?;
        // Every summed axis must be one of those over which the scatter runs, and no other may be.
        let fits = own.axes.contains(&axis)
            && !spread.contains(&axis)
            && axes.iter().all(|summed| spread.contains(summed))
            && spread.iter().all(|other| axes.contains(other) || own.axes.contains(other));
        fits.then_some(())?;
        let mut operands = Vec::with_capacity(own.axes.len() + 1);
        for &place in &own.axes {
            operands.push(if place == axis { q } else { index(graphs, place)? });
        }
        operands.push(x);
        add(graphs, Operator::Scatter(ReduceOp::Sum, own.axes.clone()), operands)
    };
    build(graphs).into_iter().collect()
}

fn pull_from_scatter(graphs: &mut Graphs, root: Id, _: &Match) -> Vec<Id> {
    let mut results = Vec::new();
    for (operator, operands) in terms(graphs, root, OperatorKind::SCATTER) {
        let (Operator::Scatter(ReduceOp::Sum, _), Some((&value, indices))) =
            (&operator, operands.split_last())
        else {
            continue;
        };
        let (outside, inside): (Vec<Id>, Vec<Id>) =
            super::build::factors(graphs, value).into_iter().partition(|&f| ty(graphs, f).axes.is_empty());
        if outside.is_empty() || inside.is_empty() {
            continue;
        }
        let build = |graphs: &mut Graphs| {
            let mut operands = indices.to_vec();
            operands.push(product(graphs, &inside)?);
            let scatter = add(graphs, operator.clone(), operands)?;
            let outside = product(graphs, &outside)?;
            map(graphs, ScalarOp::Mul, &[outside, scatter])
        };
        results.extend(build(graphs));
    }
    results
}

/// A scatter whose indices are the indices of its own axes puts every value where it is.
fn scatter_in_place(graphs: &mut Graphs, root: Id, _: &Match) -> Vec<Id> {
    let mut results = Vec::new();
    for (operator, operands) in terms(graphs, root, OperatorKind::SCATTER) {
        let (Operator::Scatter(op, axes), Some((&value, indices))) = (&operator, operands.split_last())
        else {
            continue;
        };
        let in_place = axes.iter().zip(indices).all(|(&axis, &index)| index_of(graphs, index) == Some(axis));
        // A sum begins with +0, which a single -0 would not.
        let exact = !matches!(op, ReduceOp::Sum) || ty(graphs, value).dtype.is_int();
        if in_place && exact && ty(graphs, value).axes == ty(graphs, root).axes {
            results.push(value);
        }
    }
    results
}
