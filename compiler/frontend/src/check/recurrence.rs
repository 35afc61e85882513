//! Which index a group of equations steps along, and in what order they stand within a step.

use super::names::Names;
use super::order::Group;
use super::ranges::index_symbol;
use super::resolved::{Equation, Expr, ExprKind, Left, PlaceKind, Source, TensorId, VariableId};
use super::{Diagnostics, Reported};
use crate::ast::{BinaryOp, Span};
use crate::diagnostic::{Code, Diagnostic};
use std::collections::BTreeMap;
use tcc_ir::Extent;
use tcc_ir::graph::Direction;

/// How a group steps.
#[derive(Debug)]
pub struct Recurrence {
    pub direction: Direction,
    /// For each member the axis that is stepped and the index that stands there.
    pub steps: BTreeMap<TensorId, (usize, VariableId)>,
    /// The order within a step.
    pub order: Vec<TensorId>,
}

/// A mention of a member in the equation of another (or the same).
struct Mention {
    from: TensorId,
    to: TensorId,
    /// For each axis the index and the offset from it, where the place has this form.
    places: Vec<Option<(VariableId, i64)>>,
    span: Span,
}

/// Why one candidate is not the stepped index.
enum Failure {
    /// Reads at a place that is not a constant number of steps away.
    Place(Span, String),
    /// Steps both ways: one mention of each.
    BothWays(Span, Span),
    /// A cycle at the same step, through these members.
    Cycle(Vec<TensorId>),
}

/// Finds the stepped index of a group.
pub fn analyse(
    group: &Group,
    equations: &[Vec<Equation>],
    names: &Names<'_>,
    found: &mut Diagnostics,
) -> Result<Recurrence, Reported> {
    let mut mentions = Vec::new();
    for &tensor in &group.tensors {
        match equations[tensor.index()].as_slice() {
            [equation] => collect(equation, group, &mut mentions),
            list => {
                let mut diagnostic = Diagnostic::new(
                    Code::NotYet,
                    format!(
                        "several equations of {} in a recurrence are not yet implemented",
                        names.tensor(tensor).name
                    ),
                );
                for equation in list {
                    diagnostic = diagnostic.label(equation.left_span, "one of its equations");
                }
                return Err(found.push(diagnostic.help("combine them into one equation")));
            }
        }
    }
    let equation = |tensor: TensorId| &equations[tensor.index()][0];
    let mut candidates: Vec<(TensorId, usize)> = Vec::new();
    for mention in &mentions {
        for (index, offset) in mention.places.iter().flatten() {
            if *offset != 0
                && let Some(axis) = left_axis(equation(mention.from), *index)
                && !candidates.contains(&(mention.from, axis))
            {
                candidates.push((mention.from, axis));
            }
        }
    }
    candidates.sort_by_key(|(tensor, axis)| (*axis, *tensor));
    let mut failures = Vec::new();
    for &(tensor, axis) in candidates.iter().take(16) {
        match attempt(tensor, axis, group, equations, &mentions) {
            Ok(recurrence) => return Ok(recurrence),
            Err(failure) => failures.push(failure),
        }
    }
    Err(explain(group, equations, names, &mentions, failures, found))
}

fn collect(equation: &Equation, group: &Group, mentions: &mut Vec<Mention>) {
    let mut visit = |expr: &Expr| {
        let ExprKind::Read(read) = &expr.kind else { return };
        let Source::Tensor(to) = read.source else { return };
        if group.tensors.binary_search(&to).is_err() {
            return;
        }
        let places = read.places.iter().map(|place| match &place.kind {
            PlaceKind::Bare(index) => Some((*index, 0)),
            PlaceKind::Group(_) => None,
            PlaceKind::Computed(expr) => offset(expr, equation),
        });
        mentions.push(Mention { from: equation.tensor, to, places: places.collect(), span: expr.span });
    };
    equation.body.walk(&mut |expr| visit(expr));
    for left in &equation.left {
        if let Left::Computed(place) = left {
            place.walk(&mut |expr| visit(expr));
        }
    }
}

fn left_axis(equation: &Equation, index: VariableId) -> Option<usize> {
    equation.left.iter().position(|left| matches!(left, Left::Bare(known, _) if *known == index))
}

/// An expression of the form `index + constant`.
pub fn offset(expr: &Expr, equation: &Equation) -> Option<(VariableId, i64)> {
    let mut only = None;
    let mut several = false;
    expr.free_indices(&mut |index| {
        several |= only.is_some_and(|known| known != index);
        only = Some(index);
    });
    let index = only.filter(|_| !several)?;
    let place = polynomial(expr, equation)?;
    let constant = (place - index_symbol(&equation.variables[index.index()].axis)).as_const()?;
    Some((index, constant))
}

fn polynomial(expr: &Expr, equation: &Equation) -> Option<Extent> {
    match &expr.kind {
        ExprKind::Int(value) => Some(Extent::from(*value)),
        ExprKind::Index(index) => Some(index_symbol(&equation.variables[index.index()].axis)),
        ExprKind::Neg(a) => Some(-polynomial(a, equation)?),
        ExprKind::Chain(first, rest) => {
            rest.iter().try_fold(polynomial(first, equation)?, |sum, (op, term)| match op {
                BinaryOp::Add => Some(sum + polynomial(term, equation)?),
                BinaryOp::Sub => Some(sum - polynomial(term, equation)?),
                _ => None,
            })
        }
        _ => None,
    }
}

fn attempt(
    tensor: TensorId,
    axis: usize,
    group: &Group,
    equations: &[Vec<Equation>],
    mentions: &[Mention],
) -> Result<Recurrence, Failure> {
    let mut of: BTreeMap<TensorId, Vec<&Mention>> = BTreeMap::new();
    for mention in mentions {
        of.entry(mention.from).or_default().push(mention);
    }
    let mut steps: BTreeMap<TensorId, (usize, VariableId)> = BTreeMap::new();
    let mut pending = vec![(tensor, axis, None)];
    let mut ways: [Option<Span>; 2] = [None, None];
    let mut same_step: Vec<(TensorId, TensorId)> = Vec::new();
    while let Some((tensor, axis, span)) = pending.pop() {
        if steps.contains_key(&tensor) {
            continue;
        }
        let equation = &equations[tensor.index()][0];
        let Some(Left::Bare(index, _)) = equation.left.get(axis) else {
            let span = span.unwrap_or(equation.left_span);
            return Err(Failure::Place(span, "the step does not stand at an index on the left".into()));
        };
        steps.insert(tensor, (axis, *index));
        for mention in of.get(&tensor).into_iter().flatten() {
            let steps_here =
                |place: usize| matches!(mention.places.get(place), Some(Some((known, _))) if known == index);
            let known = steps.get(&mention.to).map(|step| step.0);
            let place = match known {
                Some(place) => Some(place).filter(|place| steps_here(*place)),
                None if steps_here(axis) => Some(axis),
                None => (0..mention.places.len()).find(|place| steps_here(*place)),
            };
            let name = &equation.variables[index.index()].name;
            let Some(place) = place else {
                return Err(Failure::Place(
                    mention.span,
                    format!("not at {name}, nor a constant number of steps from it"),
                ));
            };
            let offset = mention.places[place].map_or(0, |(_, offset)| offset);
            match offset {
                0 => same_step.push((tensor, mention.to)),
                ..0 => ways[0] = Some(mention.span),
                _ => ways[1] = Some(mention.span),
            }
            pending.push((mention.to, place, Some(mention.span)));
        }
    }
    // Members that were reached later may read earlier ones at another axis.
    for mention in mentions {
        let (Some((_, index)), Some((place, _))) = (steps.get(&mention.from), steps.get(&mention.to)) else {
            continue;
        };
        if !matches!(mention.places[*place], Some((known, _)) if known == *index) {
            return Err(Failure::Place(mention.span, "steps along another axis than the rest".into()));
        }
    }
    let direction = match ways {
        [Some(back), Some(ahead)] => return Err(Failure::BothWays(back, ahead)),
        [_, Some(_)] => Direction::Backward,
        _ => Direction::Forward,
    };
    let order = sort(&group.tensors, &same_step).map_err(Failure::Cycle)?;
    Ok(Recurrence { direction, steps, order })
}

/// Orders members so that each stands after those it reads at the same step; else those on cycles.
fn sort(tensors: &[TensorId], reads: &[(TensorId, TensorId)]) -> Result<Vec<TensorId>, Vec<TensorId>> {
    let mut waiting: BTreeMap<TensorId, usize> = tensors.iter().map(|tensor| (*tensor, 0)).collect();
    let mut users: BTreeMap<TensorId, Vec<TensorId>> = BTreeMap::new();
    for (user, used) in reads {
        *waiting.entry(*user).or_default() += 1;
        users.entry(*used).or_default().push(*user);
    }
    let mut ready: Vec<TensorId> = tensors.iter().rev().filter(|t| waiting[t] == 0).copied().collect();
    let mut order = Vec::new();
    while let Some(tensor) = ready.pop() {
        order.push(tensor);
        for user in users.remove(&tensor).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(&user) {
                *count -= 1;
                if *count == 0 {
                    ready.push(user);
                }
            }
        }
    }
    if order.len() == tensors.len() {
        return Ok(order);
    }
    Err(tensors.iter().filter(|tensor| waiting[tensor] > 0).copied().collect())
}

fn explain(
    group: &Group,
    equations: &[Vec<Equation>],
    names: &Names<'_>,
    mentions: &[Mention],
    failures: Vec<Failure>,
    found: &mut Diagnostics,
) -> Reported {
    let list = |tensors: &[TensorId]| {
        let names: Vec<&str> = tensors.iter().take(8).map(|tensor| &*names.tensor(*tensor).name).collect();
        let more = if tensors.len() > 8 { ", .." } else { "" };
        format!("{}{more}", names.join(", "))
    };
    let first = &equations[group.tensors[0].index()][0];
    let stepped: Vec<&Mention> = mentions
        .iter()
        .filter(|mention| mention.places.iter().flatten().any(|(_, offset)| *offset != 0))
        .collect();
    let diagnostic = match failures.into_iter().next() {
        None => {
            let span = mentions.first().map_or(first.left_span, |mention| mention.span);
            Diagnostic::new(
                Code::NoSteppedIndex,
                format!("recursive equations without a stepped index (t-1 or t+1): {}", list(&group.tensors)),
            )
            .label(span, "mentions itself, but not one step away")
            .label(first.left_span, "defined here")
            .help("step an index: C[t:T] = .. C[t-1 | 0] ..; or give the new value another name")
        }
        Some(Failure::BothWays(back, ahead)) => Diagnostic::new(
            Code::TwoSteppedIndices,
            format!(
                "the recurrence of {} steps both forwards and backwards along one index",
                list(&group.tensors)
            ),
        )
        .label(back, "one step back here")
        .label(ahead, "one step ahead here")
        .help("a recurrence goes one way; a stencil in space needs a second index that steps in time"),
        Some(Failure::Place(span, why)) => Diagnostic::new(
            Code::NoSteppedIndex,
            format!("recursive equations without a stepped index (t-1 or t+1): {}", list(&group.tensors)),
        )
        .label(span, why)
        .label(first.left_span, "defined here")
        .help("inside a recurrence every member is read at t, t-1, t-2, .. with constants"),
        Some(Failure::Cycle(members)) if stepped.len() > 1 && steps_two_ways(&stepped) => Diagnostic::new(
            Code::TwoSteppedIndices,
            format!("the recurrence of {} steps along more than one index", list(&members)),
        )
        .label(stepped[0].span, "a step along one index")
        .label(stepped[stepped.len() - 1].span, "a step along another one")
        .help("a recurrence steps along exactly one index, always in the same direction"),
        Some(Failure::Cycle(members)) => {
            let mut diagnostic = Diagnostic::new(
                Code::CycleWithinStep,
                format!("cycle within one step among {}", list(&members)),
            );
            for mention in mentions {
                if members.contains(&mention.from)
                    && members.contains(&mention.to)
                    && mention.places.iter().flatten().all(|(_, offset)| *offset == 0)
                {
                    let (from, to) = (&names.tensor(mention.from).name, &names.tensor(mention.to).name);
                    diagnostic =
                        diagnostic.label(mention.span, format!("{from} needs {to} of the same step"));
                }
            }
            diagnostic.help("read one of them a step away: t-1")
        }
    };
    found.push(diagnostic)
}

/// Whether the mentions step along two different indices.
fn steps_two_ways(stepped: &[&Mention]) -> bool {
    let mut seen: Option<(TensorId, usize)> = None;
    stepped.iter().any(|mention| {
        let axis = mention.places.iter().position(|place| matches!(place, Some((_, offset)) if *offset != 0));
        let here = axis.map(|axis| (mention.to, axis));
        let differs = seen.is_some() && here.is_some() && seen.map(|s| s.1) != here.map(|h| h.1);
        seen = seen.or(here);
        differs
    })
}
