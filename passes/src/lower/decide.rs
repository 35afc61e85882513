//! Which values get a buffer of their own, and in which order their axes are stored.
//!
//! A value is a function from indices to a number, so it can be computed wherever it is needed. It
//! is stored only where that saves work: a reduction that is needed more than once per point, an
//! expensive expression that several loops need, or an expression too large to be written out.

use super::contraction;
use super::recurrence::{Part, Recurrences};
use super::slice::{Slice, slices};
use crate::{Contract, PassContext};
use std::rc::Rc;
use tcc_ir::axis::Name;
use tcc_ir::graph::{Graph, NormaliseOp, Op, ValueId};
use tcc_ir::scalar::ScalarOp;

/// Cost from which an expression is stored when it would be computed more than once per point.
const RECOMPUTE_LIMIT: u64 = 8;
/// Largest expression (nodes of the tree) and deepest nesting that is written out in one place.
const SIZE_LIMIT: u64 = 600;
const DEPTH_LIMIT: u64 = 120;

/// The decisions about all values of a graph.
pub(super) struct Decisions {
    /// Whether results may differ in their last bits.
    pub reassociates: bool,
    pub live: Vec<bool>,
    pub recurrences: Recurrences,
    /// Whether the value has a buffer and a loop nest of its own.
    pub stored: Vec<bool>,
    /// Whether several operands name the value, so that it is worth a variable.
    pub shared: Vec<bool>,
    /// Axes of a stored value: storage order, and order of its loops.
    pub order: Vec<Rc<[Name]>>,
    /// The stored values inside the loop of each group, in order.
    pub members: Vec<Vec<ValueId>>,
    /// Values that are computed slice by slice.
    pub slices: Vec<Slice>,
    /// The slice that each value is in.
    pub slice_of: Vec<Option<usize>>,
}

/// How an operand is evaluated.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Edge {
    /// At the point of its user.
    Here,
    /// At every point of the loops that its user opens.
    Inside,
    /// At a computed place.
    Elsewhere,
}

/// Where a value is evaluated: nowhere yet, once per point of the loops of one node, or in several
/// places or ways.
#[derive(Clone, Copy, PartialEq)]
enum Site {
    None,
    One(u32),
    Many,
}

impl Site {
    fn join(self, other: Site) -> Site {
        match (self, other) {
            (Site::None, site) | (site, Site::None) => site,
            (a, b) if a == b => a,
            _ => Site::Many,
        }
    }
}

/// The operands of a value with how it evaluates them. States and definitions of a recurrence are
/// none: they have buffers.
pub(super) fn edges(op: &Op) -> Vec<(ValueId, Edge)> {
    match op {
        Op::Map(_, operands) => operands.iter().map(|&v| (v, Edge::Here)).collect(),
        Op::Access { source, indices, outside } => {
            let here = indices.iter().chain(outside).map(|&v| (v, Edge::Here));
            std::iter::once((*source, Edge::Elsewhere)).chain(here).collect()
        }
        Op::Reduce { value, .. } | Op::Normalise { value, .. } | Op::Transform { value, .. } => {
            vec![(*value, Edge::Inside)]
        }
        Op::Scatter { indices, value, .. } => {
            indices.iter().chain([value]).map(|&v| (v, Edge::Inside)).collect()
        }
        Op::Input(_)
        | Op::Const(_)
        | Op::Table(_)
        | Op::Index(_)
        | Op::Size(_)
        | Op::State { .. }
        | Op::Recur { .. } => Vec::new(),
    }
}

/// Whether the value needs loops of its own and a buffer, whatever its users do.
fn always_stored(op: &Op) -> bool {
    match op {
        Op::Normalise { op, .. } => *op == NormaliseOp::Softmax,
        Op::Scatter { .. } | Op::Transform { .. } => true,
        Op::Map(..)
        | Op::Access { .. }
        | Op::Reduce { .. }
        | Op::Input(_)
        | Op::Const(_)
        | Op::Table(_)
        | Op::Index(_)
        | Op::Size(_)
        | Op::State { .. }
        | Op::Recur { .. } => false,
    }
}

/// Whether the value has a buffer by nature, or is as cheap as reading one.
fn never_computed(op: &Op) -> bool {
    matches!(
        op,
        Op::Input(_)
            | Op::Const(_)
            | Op::Table(_)
            | Op::Index(_)
            | Op::Size(_)
            | Op::State { .. }
            | Op::Recur { .. }
    )
}

/// Estimated cost of one scalar operation, in additions.
fn scalar_cost(op: ScalarOp) -> u64 {
    use ScalarOp::*;
    match op {
        Add | Sub | Mul | Neg | Fma | Min | Max | Abs | Sign | Floor | Ceil | Round | Trunc | IsNan
        | IsFinite | Eq | Ne | Lt | Le | And | Or | Not | Xor | Shl | Shr | Popcount | Select | Cast | Re
        | Im | Conj | MakeComplex | ToBits | FromBits => 1,
        PowInt => 4,
        FloorDiv | Mod => 5,
        Div | Sqrt => 8,
        Pow | Cbrt | Exp | Expm1 | Log | Log1p | Sin | Cos | Tan | Asin | Acos | Atan | Atan2 | Sinh
        | Cosh | Tanh | Asinh | Acosh | Atanh | Erf | Erfc | Hypot => 20,
    }
}

/// The decisions about `graph`.
pub(super) fn decide(
    graph: &Graph,
    live: Vec<bool>,
    recurrences: Recurrences,
    context: &PassContext,
) -> Decisions {
    let count = graph.nodes.len();
    let mut forced = forced(graph, &live, &recurrences);
    force_contractions(graph, &live, &recurrences, context, &mut forced);
    let mut stored: Vec<bool> = graph.nodes.iter().map(|node| always_stored(&node.op)).collect();
    // What is cheap depends on what is stored, and the other way round: twice is enough, since the
    // first round stores the outermost of nested expensive values.
    for _ in 0..2 {
        let costs = costs(graph, &live, &stored);
        stored = choose(graph, &live, &forced, &costs);
    }
    limit_sizes(graph, &live, &mut stored);
    let mut uses = vec![0u32; count];
    for value in graph.values().filter(|v| live[v.index()]) {
        edges(&graph.node(value).op).iter().for_each(|(operand, _)| uses[operand.index()] += 1);
    }
    let mut order = orders(graph, &live, &stored, &recurrences);
    let outside = |value: ValueId| stored[value.index()] && recurrences.group_of(value).is_none();
    contraction::lay_out(graph, context, &live, &outside, &mut order);
    let members = vec![Vec::new(); recurrences.groups.len()];
    let shared = uses.iter().map(|&n| n > 1).collect();
    let slice_of = vec![None; count];
    let reassociates = context.contract >= Contract::Reassoc;
    let mut decisions = Decisions {
        reassociates,
        live,
        recurrences,
        stored,
        shared,
        order,
        members,
        slices: Vec::new(),
        slice_of,
    };
    pull(graph, &mut decisions);
    for value in graph.values().filter(|v| decisions.live[v.index()] && decisions.stored[v.index()]) {
        if let Some(group) = decisions.recurrences.group_of(value) {
            decisions.members[group].push(value);
        }
    }
    decisions.slices = slices(graph, &decisions, context);
    for (position, slice) in decisions.slices.iter().enumerate() {
        for value in slice.members.iter().map(|member| member.0).chain([slice.root]) {
            decisions.slice_of[value.index()] = Some(position);
        }
    }
    decisions
}

/// Values that must be stored: outputs, definitions of states, and what leaves a loop.
fn forced(graph: &Graph, live: &[bool], recurrences: &Recurrences) -> Vec<bool> {
    let mut forced = vec![false; graph.nodes.len()];
    for output in &graph.outputs {
        forced[output.value.index()] = true;
    }
    for group in &recurrences.groups {
        for next in group.nexts.iter().filter(|next| recurrences.in_body[next.index()]) {
            forced[next.index()] = true;
        }
    }
    for check in &graph.checks {
        if recurrences.place[check.value.index()].is_some() {
            forced[check.value.index()] = true;
        }
    }
    for user in graph.values().filter(|v| live[v.index()]) {
        if matches!(recurrences.place[user.index()], Some((_, Part::At(_)))) {
            forced[user.index()] = true;
        }
        for operand in graph.node(user).op.operands() {
            let group = recurrences.group_of(operand);
            let is_definition =
                matches!(graph.node(user).op, Op::Recur { .. }) && recurrences.in_body[operand.index()];
            if group.is_some() && group != recurrences.group_of(user) && !is_definition {
                forced[operand.index()] = true;
            }
        }
    }
    for value in graph.values().filter(|&v| never_computed(&graph.node(v).op)) {
        forced[value.index()] = false;
    }
    forced
}

/// Contractions outside of recurrences, and their factors.
fn force_contractions(
    graph: &Graph,
    live: &[bool],
    recurrences: &Recurrences,
    context: &PassContext,
    forced: &mut [bool],
) {
    for value in graph.values().filter(|v| live[v.index()] && recurrences.group_of(*v).is_none()) {
        let Some(factors) = contraction::factors(graph, value, context) else { continue };
        let read = factors.map(|factor| contraction::read_by(graph, factor));
        for stored in read.into_iter().chain([value]) {
            forced[stored.index()] = !never_computed(&graph.node(stored).op);
        }
    }
    // What reduces a factor or a result is computed beside it, in the blocks in which it exists.
    for value in graph.values().filter(|v| live[v.index()] && recurrences.group_of(*v).is_none()) {
        if let Op::Reduce { value: reduced, .. } = &graph.node(value).op
            && forced[reduced.index()]
        {
            forced[value.index()] = true;
        }
    }
}

/// Cost of one evaluation of every value that is not stored (of a stored one: of a load).
fn costs(graph: &Graph, live: &[bool], stored: &[bool]) -> Vec<u64> {
    let mut costs = vec![1u64; graph.nodes.len()];
    for value in graph.values().filter(|v| live[v.index()]) {
        let op = &graph.node(value).op;
        let cost_of = |v: &ValueId| if stored[v.index()] { 1 } else { costs[v.index()] };
        let operands: u64 = match op {
            Op::Reduce { .. } | Op::Normalise { .. } => 0,
            op => edges(op).iter().map(|(v, _)| cost_of(v)).fold(0, u64::saturating_add),
        };
        costs[value.index()] = match op {
            Op::Map(op, _) => operands.saturating_add(scalar_cost(*op)),
            Op::Access { .. } => operands.saturating_add(1),
            Op::Const(_) | Op::Index(_) | Op::Size(_) => 0,
            _ => 1,
        };
    }
    costs
}

/// Chooses by where values are evaluated, users first.
fn choose(graph: &Graph, live: &[bool], forced: &[bool], costs: &[u64]) -> Vec<bool> {
    let count = graph.nodes.len();
    let mut sites = vec![Site::None; count];
    let mut stored = vec![false; count];
    for check in &graph.checks {
        // The loops of a check are over the axes of its value, as if the value were stored.
        sites[check.value.index()] = sites[check.value.index()].join(Site::One(check.value.0));
    }
    // Loops of a site have as many axes as this.
    let width = |site: u32| match &graph.nodes[site as usize].op {
        Op::Reduce { value, .. } | Op::Normalise { value, .. } | Op::Transform { value, .. } => {
            graph.ty(*value).axes.len()
        }
        Op::Scatter { indices, value, .. } => {
            let mut names: Vec<&Name> = indices
                .iter()
                .chain([value])
                .flat_map(|&v| graph.ty(v).axes.iter().map(|axis| &axis.name))
                .collect();
            names.sort();
            names.dedup();
            names.len()
        }
        _ => graph.nodes[site as usize].ty.axes.len(),
    };
    for value in (0..count as u32).rev().map(ValueId).filter(|v| live[v.index()]) {
        let node = graph.node(value);
        let site = sites[value.index()];
        let once = match site {
            Site::One(site) => site == value.0 || width(site) == node.ty.axes.len(),
            Site::None => true,
            Site::Many => false,
        };
        stored[value.index()] = !never_computed(&node.op)
            && (forced[value.index()]
                || always_stored(&node.op)
                || match &node.op {
                    Op::Reduce { .. } | Op::Normalise { .. } => !once,
                    _ => !once && costs[value.index()] >= RECOMPUTE_LIMIT,
                });
        let here = if stored[value.index()] { Site::One(value.0) } else { site };
        for (operand, edge) in edges(&node.op) {
            let site = match edge {
                Edge::Here => here,
                Edge::Inside => Site::One(value.0),
                Edge::Elsewhere => Site::Many,
            };
            sites[operand.index()] = sites[operand.index()].join(site);
        }
    }
    stored
}

/// Stores what would become too large or too deep an expression.
fn limit_sizes(graph: &Graph, live: &[bool], stored: &mut [bool]) {
    let mut sizes = vec![(1u64, 1u64); graph.nodes.len()];
    for value in graph.values().filter(|v| live[v.index()]) {
        let node = graph.node(value);
        let (mut size, mut depth) = (1u64, 0u64);
        for (operand, _) in edges(&node.op) {
            let (operand_size, operand_depth) =
                if stored[operand.index()] { (1, 1) } else { sizes[operand.index()] };
            size = size.saturating_add(operand_size);
            depth = depth.max(operand_depth);
        }
        let own = match &node.op {
            Op::Reduce { axes, .. } | Op::Normalise { axes, .. } => 2 * axes.len() as u64 + 2,
            _ => 1,
        };
        sizes[value.index()] = (size, depth.saturating_add(own));
        if (size > SIZE_LIMIT || depth + own > DEPTH_LIMIT) && !never_computed(&node.op) {
            stored[value.index()] = true;
        }
    }
}

/// The storage order of every stored value: outputs as declared, others as their first user runs
/// through them, so that neighbouring loops can be merged.
fn orders(graph: &Graph, live: &[bool], stored: &[bool], recurrences: &Recurrences) -> Vec<Rc<[Name]>> {
    let count = graph.nodes.len();
    let none: Rc<[Name]> = Rc::from([]);
    let mut around: Vec<Rc<[Name]>> = vec![none.clone(); count];
    let mut order: Vec<Rc<[Name]>> = vec![none; count];
    let mut declared: Vec<Option<&[Name]>> = vec![None; count];
    for output in graph.outputs.iter().rev() {
        declared[output.value.index()] = Some(&output.axes);
    }
    for value in (0..count as u32).rev().map(ValueId).filter(|v| live[v.index()]) {
        let node = graph.node(value);
        let names = || node.ty.axes.iter().map(|axis| axis.name.clone());
        if stored[value.index()] {
            let mut axes: Vec<Name> = match declared[value.index()] {
                Some(axes) => axes.to_vec(),
                None => names().collect(),
            };
            if declared[value.index()].is_none() {
                let outer = &around[value.index()];
                let place = |name: &Name| outer.iter().position(|other| other == name).unwrap_or(usize::MAX);
                let step = recurrences.step_axis(value);
                let inner = |name: &Name| match &node.op {
                    Op::Normalise { axes, .. } => axes.contains(name),
                    _ => false,
                };
                axes.sort_by_key(|name| (Some(name) != step, inner(name), place(name)));
            }
            order[value.index()] = axes.into();
        }
        let here =
            if stored[value.index()] { order[value.index()].clone() } else { around[value.index()].clone() };
        for (operand, edge) in edges(&node.op) {
            around[operand.index()] = match (edge, &node.op) {
                (Edge::Here, _) => here.clone(),
                (Edge::Inside, Op::Reduce { axes, .. } | Op::Normalise { axes, .. }) => {
                    let inner = axes.iter().filter(|axis| !here.contains(axis));
                    here.iter().chain(inner).cloned().collect()
                }
                (Edge::Inside | Edge::Elsewhere, _) => Rc::from([]),
            };
        }
    }
    order
}

/// Moves what only one recurrence needs, step by step, into its loop: it is stored for one step then.
/// Reductions stay outside, where all steps together make a better loop nest.
fn pull(graph: &Graph, decisions: &mut Decisions) {
    #[derive(Clone, PartialEq)]
    enum Users {
        None,
        One(usize, Name),
        Other,
    }
    let count = graph.nodes.len();
    let mut users = vec![Users::None; count];
    for root in graph.outputs.iter().map(|o| o.value).chain(graph.checks.iter().map(|c| c.value)) {
        users[root.index()] = Users::Other;
    }
    for group in &decisions.recurrences.groups {
        group.nexts.iter().for_each(|next| users[next.index()] = Users::Other);
    }
    for value in (0..count as u32).rev().map(ValueId).filter(|v| decisions.live[v.index()]) {
        let node = graph.node(value);
        if decisions.recurrences.place[value.index()].is_none()
            && let Users::One(group, axis) = &users[value.index()]
        {
            let fits = node
                .ty
                .axis(axis)
                .is_some_and(|axis| axis.extent == decisions.recurrences.groups[*group].extent);
            let cheap = matches!(node.op, Op::Map(..) | Op::Access { .. })
                || (!decisions.stored[value.index()] && !never_computed(&node.op));
            if fits && cheap {
                decisions.recurrences.place[value.index()] = Some((*group, Part::Step(axis.clone())));
            }
        }
        let place = decisions.recurrences.place[value.index()].clone();
        for (operand, edge) in edges(&node.op) {
            let reader = match (&place, edge) {
                (Some((group, Part::Step(axis))), Edge::Here | Edge::Inside) => {
                    let reduced = match &node.op {
                        Op::Reduce { axes, .. } | Op::Normalise { axes, .. } => axes.contains(axis),
                        _ => false,
                    };
                    if reduced { Users::Other } else { Users::One(*group, axis.clone()) }
                }
                _ => Users::Other,
            };
            let known = &mut users[operand.index()];
            *known = match std::mem::replace(known, Users::Other) {
                Users::None => reader,
                same if same == reader => same,
                _ => Users::Other,
            };
        }
    }
}
