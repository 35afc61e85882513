//! Names of reduced axes, which do not matter: reductions that differ in them become one value.

use super::super::analysis::Graphs;
use super::super::language::{AxisId, Operator, OperatorKind};
use super::super::pattern::{Match, add};
use super::Law::Exact;
use super::Phase::Cleanup;
use super::build::{renamed, renaming, terms, ty};
use super::{Right, Rule, rule};
use egg::Id;
use tcc_ir::graph::NormaliseOp;

/// The rules.
pub static RULES: &[Rule] = &[
    Rule {
        right: Right::Build("the same reduction of what was renamed", reduce_before_renaming),
        ..rule(
            "reduce-renamed",
            Exact,
            Cleanup,
            ("?a", ""),
            "the name of a reduced axis does not matter: a value that is only renamed is reduced itself",
            "renaming of bound variables",
        )
    },
    Rule {
        right: Right::Build("the same reduction over an axis with the first name that fits", rename_reduced),
        ..rule(
            "rename-reduced",
            Exact,
            Cleanup,
            ("?a", ""),
            "reductions that differ in the name of an axis are one value",
            "renaming of bound variables",
        )
    },
];

/// The reductions of a class with their axes and operands.
fn reductions(graphs: &Graphs, class: Id) -> Vec<(Operator, Vec<AxisId>, Id)> {
    graphs[class]
        .iter()
        .filter_map(|term| {
            let operator = graphs.analysis.operators.of(term);
            let axes = match operator {
                Operator::Reduce(_, axes) | Operator::Normalise(NormaliseOp::LogSumExp, axes) => axes.clone(),
                _ => return None,
            };
            Some((operator.clone(), axes, *term.operands.first()?))
        })
        .collect()
}

/// The same reduction along other axes.
fn along(operator: &Operator, axes: Vec<AxisId>) -> Operator {
    match operator {
        Operator::Normalise(op, _) => Operator::Normalise(*op, axes),
        Operator::Reduce(op, _) => Operator::Reduce(*op, axes),
        other => other.clone(),
    }
}

/// `sum[r] x[i, r]` is `sum[q] x`, where q is how x calls the axis.
fn reduce_before_renaming(graphs: &mut Graphs, root: Id, _: &Match) -> Vec<Id> {
    let mut results = Vec::new();
    for (operator, axes, operand) in reductions(graphs, root) {
        for (access, operands) in terms(graphs, operand, OperatorKind::ACCESS) {
            let Operator::Access(own, _) = access else { continue };
            let Some(pairs) = renaming(graphs, &own, &operands) else { continue };
            let back = |axis: AxisId| pairs.iter().find(|pair| pair.1 == axis).map(|pair| pair.0);
            if !pairs.iter().all(|pair| pair.0 == pair.1 || axes.contains(&pair.1)) {
                continue;
            }
            let Some(axes) = axes.iter().map(|&axis| back(axis)).collect::<Option<Vec<AxisId>>>() else {
                continue;
            };
            results.extend(operands.first().and_then(|&x| add(graphs, along(&operator, axes), vec![x])));
        }
    }
    results
}

/// Each reduced axis gets the first name of an axis of its extent that the operand does not have.
fn rename_reduced(graphs: &mut Graphs, root: Id, _: &Match) -> Vec<Id> {
    let mut results = Vec::new();
    for (operator, axes, operand) in reductions(graphs, root) {
        if axes.len() > 2 {
            continue;
        }
        for (position, &axis) in axes.iter().enumerate() {
            let own = &ty(graphs, operand).axes;
            let first = (0..axis.0).map(AxisId).find(|&other| {
                let (axis, other_axis) =
                    (graphs.analysis.operators.axis(axis), graphs.analysis.operators.axis(other));
                axis.extent == other_axis.extent
                    && own.iter().all(|&own| graphs.analysis.operators.axis(own).name != other_axis.name)
            });
            let Some(first) = first else { continue };
            let Some(value) = renamed(graphs, operand, axis, first, false) else { continue };
            let mut axes = axes.clone();
            axes[position] = first;
            results.extend(add(graphs, along(&operator, axes), vec![value]));
        }
    }
    results
}
