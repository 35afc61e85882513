//! Reductions: what moves into and out of them.

use super::super::analysis::Graphs;
use super::super::language::AxisId;
use super::super::pattern::{Match, same_set};
use super::Law::{Exact, Reassociate};
use super::Phase::{Algebra, Cleanup};
use super::build::{depends, factors, map, maps, product, reduce, renamed, size, ty};
use super::{Right, Rule, When, rule};
use crate::Contract;
use egg::Id;
use tcc_ir::scalar::{ReduceOp, ScalarOp};
use tcc_ir::{Extent, Kind, planted};

const LINEAR: &str = "linearity of sums";
const SPORES: &str = "Wang et al., SPORES: sum-product optimization via relational equality saturation, 2020";
const ORDER: &str = "order of the reals";
const BOOLE: &str = "axioms of a Boolean algebra";

/// Most axes of a sum that is taken apart one axis at a time.
const SPLIT_LIMIT: usize = 4;

/// The rules.
pub static RULES: &[Rule] = &[
    // Planted bug 11.
    #[cfg(tcc_fuzz_bugs)]
    Rule {
        when: &[When::Planted(11)],
        ..rule(
            "planted-sum-of-max",
            Exact,
            Algebra,
            ("(sum[?s] (max ?a ?b))", "(max (sum[?s] ?a) (sum[?s] ?b))"),
            "not true",
            "a planted bug",
        )
    },
    rule(
        "sum-of-neg",
        Reassociate,
        Cleanup,
        ("(sum[?s] (neg ?a))", "(neg (sum[?s] ?a))"),
        "a sign leaves a sum",
        LINEAR,
    ),
    Rule {
        when: &[When::Is("?a", Kind::Float)],
        ..rule(
            "max-of-neg",
            Exact,
            Cleanup,
            ("(max[?s] (neg ?a))", "(neg (min[?s] ?a))"),
            "a sign leaves a maximum",
            ORDER,
        )
    },
    Rule {
        when: &[When::Is("?a", Kind::Float)],
        ..rule(
            "min-of-neg",
            Exact,
            Cleanup,
            ("(min[?s] (neg ?a))", "(neg (max[?s] ?a))"),
            "a sign leaves a minimum",
            ORDER,
        )
    },
    rule("any-of-not", Exact, Cleanup, ("(any[?s] (not ?p))", "(not (all[?s] ?p))"), "De Morgan", BOOLE),
    rule("all-of-not", Exact, Cleanup, ("(all[?s] (not ?p))", "(not (any[?s] ?p))"), "De Morgan", BOOLE),
    Rule {
        when: &[When::Independent("?p", "?s")],
        ..rule(
            "any-of-and",
            Exact,
            Cleanup,
            ("(any[?s] (and ?p ?q))", "(and ?p (any[?s] ?q))"),
            "a condition without the axes leaves",
            BOOLE,
        )
    },
    Rule {
        when: &[When::Independent("?p", "?s")],
        ..rule(
            "all-of-or",
            Exact,
            Cleanup,
            ("(all[?s] (or ?p ?q))", "(or ?p (all[?s] ?q))"),
            "a condition without the axes leaves",
            BOOLE,
        )
    },
    Rule {
        right: Right::Build("(sum[?s ?t] ?a)", merge_sums),
        ..rule(
            "sum-of-sum",
            Reassociate,
            Algebra,
            ("(sum[?s] (sum[?t] ?a))", ""),
            "one sum over all axes",
            LINEAR,
        )
    },
    Rule {
        right: Right::Build("(max[?s ?t] ?a)", merge_maxima),
        ..rule(
            "max-of-max",
            Exact,
            Cleanup,
            ("(max[?s] (max[?t] ?a))", ""),
            "one maximum over all axes",
            ORDER,
        )
    },
    Rule {
        right: Right::Build("(min[?s ?t] ?a)", merge_minima),
        ..rule(
            "min-of-min",
            Exact,
            Cleanup,
            ("(min[?s] (min[?t] ?a))", ""),
            "one minimum over all axes",
            ORDER,
        )
    },
    Rule {
        right: Right::Build("(mul ?outside (sum[?s] ?inside))", pull_factors),
        ..rule(
            "pull-factors",
            Reassociate,
            Algebra,
            ("(sum[?s] (mul ?a ?b))", ""),
            "factors without a summed axis leave the sum over it",
            SPORES,
        )
    },
    Rule {
        // A sum over nothing is 0, and 0 / 0 is not.
        when: &[When::Independent("?b", "?s"), When::NonZero("?b")],
        ..rule(
            "pull-divisor",
            Reassociate,
            Algebra,
            ("(sum[?s] (div ?a ?b))", "(div (sum[?s] ?a) ?b)"),
            "a divisor without the summed axes leaves the sum",
            SPORES,
        )
    },
    Rule {
        when: &[When::Independent("?p", "?s")],
        ..rule(
            "pull-guard",
            Exact,
            Algebra,
            ("(sum[?s] (select ?p ?a 0))", "(select ?p (sum[?s] ?a) 0)"),
            "a guard without the summed axes leaves the sum",
            SPORES,
        )
    },
    Rule {
        right: Right::Build(
            "(add (sum[?s] ?a) (sum[?s] ?b)), times the extents that a term lacks",
            split_sum,
        ),
        ..rule(
            "split-sum",
            Reassociate,
            Algebra,
            ("(sum[?s] (add ?a ?b))", ""),
            "products, and terms that lack a summed axis, are summed by themselves",
            LINEAR,
        )
    },
    Rule {
        right: Right::Build(
            "(sub (sum[?s] ?a) (sum[?s] ?b)), times the extents that a term lacks",
            split_difference,
        ),
        ..rule(
            "split-difference",
            Reassociate,
            Algebra,
            ("(sum[?s] (sub ?a ?b))", ""),
            "products, and terms that lack a summed axis, are summed by themselves",
            LINEAR,
        )
    },
    Rule {
        right: Right::Build(
            "(sum[?s] (add ?a ?b)), with the axes of the second named as those of the first",
            join_sums,
        ),
        ..rule(
            "join-sums",
            Reassociate,
            Algebra,
            ("(add (sum[?s] ?a) (sum[?t] ?b))", ""),
            "two sums over axes of the same extents are one: then a common factor can be taken out",
            LINEAR,
        )
    },
    Rule {
        right: Right::Build(
            "(sum[?s] (sub ?a ?b)), with the axes of the second named as those of the first",
            join_differences,
        ),
        ..rule(
            "join-differences",
            Reassociate,
            Algebra,
            ("(sub (sum[?s] ?a) (sum[?t] ?b))", ""),
            "the difference of two sums over axes of the same extents is one sum",
            LINEAR,
        )
    },
    Rule {
        only: Some(Contract::Fast),
        right: Right::Build("(sum[?s] a*a) - 2*(sum[?s] a*b) + (sum[?s] b*b)", expand_square),
        ..rule(
            "expand-square",
            Reassociate,
            Algebra,
            ("(sum[?s] (mul (sub ?a ?b) (sub ?a ?b)))", ""),
            "a sum of squared differences with a product of smaller values; cancels digits, so only under `fast`",
            SPORES,
        )
    },
    Rule {
        right: Right::Build("(f (max[?s] ?x)) for an increasing f", maximum),
        when: &[When::NonEmpty("?s")],
        ..rule(
            "max-of-increasing",
            Reassociate,
            Algebra,
            ("(max[?s] ?x)", ""),
            "an increasing function is computed once, of the maximum",
            ORDER,
        )
    },
    Rule {
        right: Right::Build("(f (min[?s] ?x)) for an increasing f", minimum),
        when: &[When::NonEmpty("?s")],
        ..rule(
            "min-of-increasing",
            Reassociate,
            Algebra,
            ("(min[?s] ?x)", ""),
            "an increasing function is computed once, of the minimum",
            ORDER,
        )
    },
    Rule {
        when: &[When::Independent("?c", "?s"), When::Is("?c", Kind::Float)],
        ..rule(
            "max-of-shifted",
            Reassociate,
            Algebra,
            ("(max[?s] (add ?a ?c))", "(add (max[?s] ?a) ?c)"),
            "what is added to all leaves a maximum",
            ORDER,
        )
    },
    Rule {
        when: &[When::Independent("?c", "?s"), When::Is("?c", Kind::Float)],
        ..rule(
            "max-of-lowered",
            Reassociate,
            Algebra,
            ("(max[?s] (sub ?a ?c))", "(sub (max[?s] ?a) ?c)"),
            "what is subtracted from all leaves a maximum",
            ORDER,
        )
    },
    Rule {
        when: &[When::Independent("?c", "?s"), When::NonNegative("?c"), When::NonEmpty("?s")],
        ..rule(
            "max-of-scaled",
            Reassociate,
            Algebra,
            ("(max[?s] (mul ?a ?c))", "(mul (max[?s] ?a) ?c)"),
            "a factor without sign leaves a maximum",
            ORDER,
        )
    },
];

fn merge(op: ReduceOp, graphs: &mut Graphs, found: &Match) -> Vec<Id> {
    let (Some(outer), Some(inner), Some(value)) = (found.axes("?s"), found.axes("?t"), found.value("?a"))
    else {
        return Vec::new();
    };
    reduce(graphs, op, &[outer, inner].concat(), value).into_iter().collect()
}

fn merge_sums(graphs: &mut Graphs, _: Id, found: &Match) -> Vec<Id> {
    merge(ReduceOp::Sum, graphs, found)
}

fn merge_maxima(graphs: &mut Graphs, _: Id, found: &Match) -> Vec<Id> {
    merge(ReduceOp::Max, graphs, found)
}

fn merge_minima(graphs: &mut Graphs, _: Id, found: &Match) -> Vec<Id> {
    merge(ReduceOp::Min, graphs, found)
}

/// Factors that lack all summed axes leave the sum; those that lack one leave the sum over that one.
fn pull_factors(graphs: &mut Graphs, _: Id, found: &Match) -> Vec<Id> {
    let (Some(axes), Some(a), Some(b)) = (found.axes("?s"), found.value("?a"), found.value("?b")) else {
        return Vec::new();
    };
    let mut all = factors(graphs, a);
    all.extend(factors(graphs, b));
    let mut results = Vec::new();
    // A sum over nothing is 0, and 0 times a quotient by 0 is not.
    let stays = |graphs: &Graphs, factor: Id, axes: &[AxisId]| {
        depends(graphs, factor, axes) || graphs[factor].data.may_divide_by_zero && !never_empty(graphs, axes)
    };
    let (inside, outside): (Vec<Id>, Vec<Id>) = all.iter().partition(|&&factor| stays(graphs, factor, axes));
    if !outside.is_empty() && !inside.is_empty() {
        results.extend(sum_times(graphs, axes, &inside, &outside));
        return results;
    }
    if axes.len() < 2 || axes.len() > SPLIT_LIMIT {
        return results;
    }
    for (position, &axis) in axes.iter().enumerate() {
        let (inside, outside): (Vec<Id>, Vec<Id>) =
            all.iter().partition(|&&factor| stays(graphs, factor, &[axis]));
        if inside.is_empty() || outside.is_empty() {
            continue;
        }
        let mut rest = axes.to_vec();
        rest.remove(position);
        let outer = sum_times(graphs, &[axis], &inside, &outside);
        results.extend(outer.and_then(|value| reduce(graphs, ReduceOp::Sum, &rest, value)));
    }
    results
}

/// Whether no extent is 0.
fn never_empty(graphs: &Graphs, axes: &[AxisId]) -> bool {
    let extent = |axis: AxisId| graphs.analysis.operators.axis(axis).extent.as_const();
    axes.iter().all(|&axis| extent(axis).is_some_and(|extent| extent > 0))
}

fn sum_times(graphs: &mut Graphs, axes: &[AxisId], inside: &[Id], outside: &[Id]) -> Option<Id> {
    let inside = product(graphs, inside)?;
    let sum = reduce(graphs, ReduceOp::Sum, axes, inside)?;
    let outside = product(graphs, outside)?;
    map(graphs, ScalarOp::Mul, &[outside, sum])
}

/// The sum or difference of two sums, where one term is a product or lacks an axis.
fn split(op: ScalarOp, graphs: &mut Graphs, found: &Match) -> Vec<Id> {
    let (Some(axes), Some(a), Some(b)) = (found.axes("?s"), found.value("?a"), found.value("?b")) else {
        return Vec::new();
    };
    let lacks = |value: Id| axes.iter().any(|axis| !ty(graphs, value).axes.contains(axis));
    let is_product = |value: Id| !maps(graphs, value, ScalarOp::Mul).is_empty();
    if !(lacks(a) || lacks(b) || is_product(a) || is_product(b)) {
        return Vec::new();
    }
    let build = |graphs: &mut Graphs| {
        let left = sum_over(graphs, axes, a)?;
        let right = sum_over(graphs, axes, b)?;
        map(graphs, op, &[left, right])
    };
    build(graphs).into_iter().collect()
}

fn split_sum(graphs: &mut Graphs, _: Id, found: &Match) -> Vec<Id> {
    split(ScalarOp::Add, graphs, found)
}

fn split_difference(graphs: &mut Graphs, _: Id, found: &Match) -> Vec<Id> {
    split(ScalarOp::Sub, graphs, found)
}

fn join(op: ScalarOp, graphs: &mut Graphs, found: &Match) -> Vec<Id> {
    let (Some(axes), Some(other), Some(a), Some(b)) =
        (found.axes("?s"), found.axes("?t"), found.value("?a"), found.value("?b"))
    else {
        return Vec::new();
    };
    let build = |graphs: &mut Graphs| {
        let b = match same_set(axes, other) {
            true => b,
            false => rename_all(graphs, b, other, axes, true)?,
        };
        let both = map(graphs, op, &[a, b])?;
        reduce(graphs, ReduceOp::Sum, axes, both)
    };
    build(graphs).into_iter().collect()
}

fn join_sums(graphs: &mut Graphs, _: Id, found: &Match) -> Vec<Id> {
    join(ScalarOp::Add, graphs, found)
}

fn join_differences(graphs: &mut Graphs, _: Id, found: &Match) -> Vec<Id> {
    join(ScalarOp::Sub, graphs, found)
}

/// The value with every axis of `from` called as the one of `to` at its place, if they are others of the
/// same extents.
fn rename_all(graphs: &mut Graphs, value: Id, from: &[AxisId], to: &[AxisId], wrap: bool) -> Option<Id> {
    let extent = |axis: AxisId| &graphs.analysis.operators.axis(axis).extent;
    let fits = from.len() == to.len()
        && from.iter().zip(to).all(|(&a, &b)| extent(a) == extent(b))
        && !from.iter().any(|axis| to.contains(axis));
    fits.then_some(())?;
    from.iter().zip(to).try_fold(value, |value, (&from, &to)| renamed(graphs, value, from, to, wrap))
}

/// The sum of a value over axes, also of those that it does not have.
fn sum_over(graphs: &mut Graphs, axes: &[AxisId], value: Id) -> Option<Id> {
    let own = ty(graphs, value).clone();
    let (has, lacks): (Vec<AxisId>, Vec<AxisId>) = axes.iter().partition(|axis| own.axes.contains(axis));
    let sum = reduce(graphs, ReduceOp::Sum, &has, value)?;
    if lacks.is_empty() {
        return Some(sum);
    }
    if graphs[value].data.may_divide_by_zero && !never_empty(graphs, &lacks) {
        return None;
    }
    let first = if planted(12) { lacks.len() - 1 } else { 0 }; // Planted bug 12.
    let times = lacks[first..].iter().fold(Extent::from(1), |product, &axis| {
        product * graphs.analysis.operators.axis(axis).extent.clone()
    });
    let times = size(graphs, times, own.dtype)?;
    map(graphs, ScalarOp::Mul, &[sum, times])
}

/// `sum (a - b)^2 = sum a*a - 2 sum a*b + sum b*b`, where one of the two is a product: then the second sum
/// is a contraction and the third falls apart.
fn expand_square(graphs: &mut Graphs, _: Id, found: &Match) -> Vec<Id> {
    let (Some(axes), Some(a), Some(b)) = (found.axes("?s"), found.value("?a"), found.value("?b")) else {
        return Vec::new();
    };
    if [a, b].iter().all(|&value| maps(graphs, value, ScalarOp::Mul).is_empty()) {
        return Vec::new();
    }
    let axes = axes.to_vec();
    let build = |graphs: &mut Graphs| {
        let square = |graphs: &mut Graphs, x: Id, y: Id| {
            let product = map(graphs, ScalarOp::Mul, &[x, y])?;
            sum_over(graphs, &axes, product)
        };
        let (aa, ab, bb) = (square(graphs, a, a)?, square(graphs, a, b)?, square(graphs, b, b)?);
        let twice = map(graphs, ScalarOp::Add, &[ab, ab])?;
        let difference = map(graphs, ScalarOp::Sub, &[aa, twice])?;
        map(graphs, ScalarOp::Add, &[difference, bb])
    };
    build(graphs).into_iter().collect()
}

/// Functions that increase wherever they are defined.
const INCREASING: &[ScalarOp] = &[
    ScalarOp::Exp,
    ScalarOp::Expm1,
    ScalarOp::Log,
    ScalarOp::Log1p,
    ScalarOp::Sqrt,
    ScalarOp::Cbrt,
    ScalarOp::Tanh,
    ScalarOp::Erf,
    ScalarOp::Atan,
    ScalarOp::Sinh,
    ScalarOp::Asinh,
];

fn increasing(op: ReduceOp, graphs: &mut Graphs, found: &Match) -> Vec<Id> {
    let (Some(axes), Some(x)) = (found.axes("?s"), found.value("?x")) else { return Vec::new() };
    let mut results = Vec::new();
    for &function in INCREASING {
        for operands in maps(graphs, x, function) {
            let extreme = operands.first().and_then(|&inner| reduce(graphs, op, axes, inner));
            results.extend(extreme.and_then(|value| map(graphs, function, &[value])));
        }
    }
    results
}

fn maximum(graphs: &mut Graphs, _: Id, found: &Match) -> Vec<Id> {
    increasing(ReduceOp::Max, graphs, found)
}

fn minimum(graphs: &mut Graphs, _: Id, found: &Match) -> Vec<Id> {
    increasing(ReduceOp::Min, graphs, found)
}
