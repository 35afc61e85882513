//! How long each index runs.
//!
//! A size written at the index wins, then the declared shape of the left side, then the bare
//! positions `A[.., i, ..]` where the index stands, then groups and transforms, and last padded reads.

use super::ranges::product_of;
use super::resolved::{
    Equation, Expr, ExprKind, Left, Origin, PlaceKind, Read, Source, Transform, Variable, VariableId,
};
use super::{Diagnostics, Reported};
use crate::ast::{Span, TransformKind};
use crate::diagnostic::{Code, Diagnostic};
use tcc_ir::{Extent, Relation, Requirement, planted};

/// The size of an index.
#[derive(Clone, Debug)]
pub struct VariableSize {
    pub extent: Extent,
    /// Not from a bare position: then every bare position must be checked.
    pub explicit: bool,
    /// `axis 2 of A`
    pub origin: String,
    pub span: Span,
}

/// What is known about the equation's surroundings.
pub struct Surroundings<'a> {
    /// The extents of what is read; `None` while unknown.
    pub shape: &'a dyn Fn(&Source) -> Option<Vec<Extent>>,
    /// The declared shape of the left side.
    pub declared: Option<&'a [Extent]>,
    pub left_name: &'a str,
    /// The declared shape is wrong, which has been reported: it might have given the sizes.
    pub shape_broken: bool,
}

/// A place where an index stands by itself.
struct Use {
    variable: VariableId,
    extent: Extent,
    origin: String,
    span: Span,
    padded: bool,
}

/// Several indices that form one axis.
struct GroupUse {
    members: Vec<VariableId>,
    extent: Extent,
    origin: String,
    span: Span,
    left: bool,
    padded: bool,
}

struct Uses<'e> {
    bare: Vec<Use>,
    groups: Vec<GroupUse>,
    transforms: Vec<&'e Transform>,
}

fn collect<'e>(equation: &'e Equation, around: &Surroundings<'_>) -> Uses<'e> {
    let mut uses = Uses { bare: Vec::new(), groups: Vec::new(), transforms: Vec::new() };
    let mut visit = |expr: &'e Expr| match &expr.kind {
        ExprKind::Read(read) => read_uses(read, around, &mut uses),
        ExprKind::Transform(transform) => uses.transforms.push(transform),
        _ => {}
    };
    for left in &equation.left {
        if let Left::Computed(place) = left {
            place.walk(&mut visit);
        }
    }
    equation.body.walk(&mut visit);
    for (axis, left) in equation.left.iter().enumerate() {
        let Some(extent) = around.declared.and_then(|declared| declared.get(axis)) else { continue };
        if let Left::Group(members, span) = left {
            uses.groups.push(GroupUse {
                members: members.clone(),
                extent: extent.clone(),
                origin: format!("axis {} of {}", axis + 1, around.left_name),
                span: *span,
                left: true,
                padded: false,
            });
        }
    }
    uses
}

fn read_uses(read: &Read, around: &Surroundings<'_>, uses: &mut Uses<'_>) {
    let Some(shape) = (around.shape)(&read.source) else { return };
    for (axis, (place, extent)) in read.places.iter().zip(shape).enumerate() {
        let origin = format!("axis {} of {}", axis + 1, read.name);
        match &place.kind {
            PlaceKind::Bare(variable) => uses.bare.push(Use {
                variable: *variable,
                extent,
                origin,
                span: place.span,
                padded: read.outside.is_some(),
            }),
            PlaceKind::Group(members) => uses.groups.push(GroupUse {
                members: members.clone(),
                extent,
                origin,
                span: place.span,
                left: false,
                padded: read.outside.is_some(),
            }),
            PlaceKind::Computed(_) => {}
        }
    }
}

/// The sizes that can be found; unknown ones stay `None`.
pub fn solve(equation: &Equation, around: &Surroundings<'_>) -> Vec<Option<VariableSize>> {
    let uses = collect(equation, around);
    let stated = equation.variables.iter().map(|variable| {
        variable.stated.as_ref().map(|(extent, span)| VariableSize {
            extent: extent.clone(),
            explicit: true,
            origin: "written at the index".into(),
            span: *span,
        })
    });
    let mut sizes: Vec<Option<VariableSize>> = stated.collect();
    for (axis, left) in equation.left.iter().enumerate() {
        if let (Left::Bare(variable, span), Some(declared)) = (left, around.declared)
            && let Some(extent) = declared.get(axis)
        {
            sizes[variable.index()].get_or_insert_with(|| VariableSize {
                extent: extent.clone(),
                explicit: true,
                origin: format!("the declared axis {} of {}", axis + 1, around.left_name),
                span: *span,
            });
        }
    }
    for padded in [false, true] {
        for used in uses.bare.iter().filter(|used| used.padded == padded || planted(4)) {
            sizes[used.variable.index()].get_or_insert_with(|| VariableSize {
                extent: used.extent.clone(),
                explicit: used.padded, // Planted bug 4 (and above).
                origin: used.origin.clone(),
                span: used.span,
            });
        }
        solve_groups_and_transforms(&uses, &mut sizes);
    }
    sizes
}

fn solve_groups_and_transforms(uses: &Uses<'_>, sizes: &mut [Option<VariableSize>]) {
    loop {
        let mut progress = false;
        for group in &uses.groups {
            let unknown: Vec<_> = group.members.iter().filter(|m| sizes[m.index()].is_none()).collect();
            let [unknown] = unknown.as_slice() else { continue };
            let mut others = group.members.iter().filter(|m| m != unknown).collect::<Vec<_>>();
            if planted(8) {
                // Planted bug 8.
                others.retain(|m| {
                    sizes[m.index()].as_ref().is_some_and(|size| size.extent.as_const().is_some())
                });
            }
            let Some(others) = product(others.into_iter(), sizes) else { continue };
            sizes[unknown.index()] = Some(VariableSize {
                extent: group.extent.clone().div(others),
                explicit: false,
                origin: format!("a part of {}", group.origin),
                span: group.span,
            });
            progress = true;
        }
        for transform in &uses.transforms {
            for position in 0..transform.from.len() {
                progress |= solve_transform(transform, position, sizes);
            }
        }
        if !progress {
            return;
        }
    }
}

/// The extent that a transform's result has along an axis, from that of its operand.
fn transformed(transform: &Transform, position: usize, from: &Extent) -> Option<Extent> {
    let last = position + 1 == transform.from.len();
    match transform.kind {
        TransformKind::Fft | TransformKind::Ifft => Some(from.clone()),
        TransformKind::Rfft if last => Some(from.clone().div(2) + Extent::from(1)),
        TransformKind::Rfft => Some(from.clone()),
        TransformKind::Irfft => None,
    }
}

/// The extent that a transform's operand must have along an axis, from that of its result.
fn operand_of(transform: &Transform, position: usize, to: &Extent) -> Option<Extent> {
    let last = position + 1 == transform.from.len();
    match transform.kind {
        TransformKind::Fft | TransformKind::Ifft => Some(to.clone()),
        TransformKind::Rfft if last => None,
        TransformKind::Rfft => Some(to.clone()),
        TransformKind::Irfft if last => Some(to.clone().div(2) + Extent::from(1)),
        TransformKind::Irfft => Some(to.clone()),
    }
}

fn solve_transform(transform: &Transform, position: usize, sizes: &mut [Option<VariableSize>]) -> bool {
    let (from, to) = (transform.from[position].index(), transform.to[position].index());
    let derived = |extent: Option<Extent>| {
        extent.map(|extent| VariableSize {
            extent,
            explicit: false,
            origin: "the other side of the transform".into(),
            span: transform.kind_span,
        })
    };
    match (&sizes[from], &sizes[to]) {
        (Some(known), None) => {
            sizes[to] = derived(transformed(transform, position, &known.extent));
            sizes[to].is_some()
        }
        (None, Some(known)) => {
            sizes[from] = derived(operand_of(transform, position, &known.extent));
            sizes[from].is_some()
        }
        _ => false,
    }
}

/// The product of the known sizes; `None` if it is unreasonably large.
fn product<'v>(
    members: impl Iterator<Item = &'v VariableId>,
    sizes: &[Option<VariableSize>],
) -> Option<Extent> {
    product_of(members.filter_map(|member| sizes[member.index()].as_ref()).map(|size| &size.extent))
}

/// Checks that all sizes are known and agree; what depends on values becomes a requirement.
pub fn settle(
    equation: &Equation,
    around: &Surroundings<'_>,
    sizes: Vec<Option<VariableSize>>,
    requirements: &mut Vec<Requirement>,
    found: &mut Diagnostics,
) -> Result<Vec<VariableSize>, Reported> {
    let known = all_known(equation, around, &sizes, found)?;
    left_is_used(equation, around, found)?;
    let uses = collect(equation, around);
    let mut checker = Checker { requirements, found, wrong: false };
    for used in &uses.bare {
        let (size, name) = (&known[used.variable.index()], &equation.variables[used.variable.index()].name);
        // Reads inside a stated size are checked place by place, and padded reads need not fit. But where
        // only padded reads say how long an index runs, they must say the same.
        let from_padded = uses.bare.iter().any(|other| other.padded && other.span == size.span);
        if (if used.padded { from_padded } else { !size.explicit }) && size.extent != used.extent {
            checker.index_agrees(name, size, used);
        }
    }
    for (axis, left) in equation.left.iter().enumerate() {
        if let (Left::Bare(variable, span), Some(declared)) = (left, around.declared)
            && let Some(extent) = declared.get(axis)
        {
            let used = Use {
                variable: *variable,
                extent: extent.clone(),
                origin: format!("the declared axis {} of {}", axis + 1, around.left_name),
                span: *span,
                padded: false,
            };
            let size = &known[variable.index()];
            if size.extent != used.extent {
                checker.index_agrees(&equation.variables[variable.index()].name, size, &used);
            }
        }
    }
    for group in &uses.groups {
        match product(group.members.iter(), &sizes) {
            Some(product) => checker.group_fits(group, product),
            None => checker.group_too_large(group.span),
        }
    }
    for left in &equation.left {
        if let Left::Group(members, span) = left
            && product(members.iter(), &sizes).is_none()
        {
            checker.group_too_large(*span);
        }
    }
    for transform in &uses.transforms {
        for position in 0..transform.from.len() {
            checker.transform_fits(transform, position, &known, equation);
        }
    }
    if checker.wrong { Err(Reported) } else { Ok(known) }
}

fn all_known(
    equation: &Equation,
    around: &Surroundings<'_>,
    sizes: &[Option<VariableSize>],
    found: &mut Diagnostics,
) -> Result<Vec<VariableSize>, Reported> {
    let known: Vec<VariableSize> = sizes.iter().flatten().cloned().collect();
    if known.len() == sizes.len() {
        return Ok(known);
    }
    let used = used_on_the_right(equation);
    let uses = collect(equation, around);
    for (position, variable) in equation.variables.iter().enumerate() {
        if sizes[position].is_some() || (around.shape_broken && variable.origin == Origin::Left) {
            continue;
        }
        let name = &variable.name;
        let rebound = rebound(equation, name);
        let irfft = uses
            .transforms
            .iter()
            .find(|t| t.kind == TransformKind::Irfft && t.to.iter().any(|to| to.index() == position));
        if let Some(transform) = irfft {
            found.push(
                Diagnostic::new(Code::TransformSizes, format!("irfft needs the size of {name}"))
                    .label(variable.span, "which length?")
                    .label(transform.kind_span, "an even and an odd length have the same spectrum size")
                    .help(format!(
                        "write irfft[.. -> {name}:n], or declare the shape of {}",
                        around.left_name
                    )),
            );
        } else if variable.origin == Origin::Left
            && !used[position]
            && let Some(inner) = rebound
        {
            found.push(bound_again(variable, inner));
        } else if variable.origin == Origin::Left && !used[position] {
            found.push(unused_on_the_right(equation, variable, around.left_name));
        } else {
            found.push(
                Diagnostic::new(
                    Code::SizeUnknown,
                    format!("size of {name} unknown; write {name}:{}", upper(name)),
                )
                .label(variable.span, "no bare position of a tensor with a known shape")
                .help(format!("state the size of the index: {name}:{}", upper(name))),
            );
        }
    }
    Err(Reported)
}

/// Which indices the right side depends on.
fn used_on_the_right(equation: &Equation) -> Vec<bool> {
    let mut used = vec![false; equation.variables.len()];
    equation.body.free_indices(&mut |variable| used[variable.index()] = true);
    used
}

/// The index of this name that a reduction binds, if one does.
fn rebound<'e>(equation: &'e Equation, name: &str) -> Option<&'e Variable> {
    equation.variables.iter().find(|v| v.origin == Origin::Bound && &*v.name == name)
}

/// Refuses an index on the left that has a size and is probably a slip all the same: a reduction binds
/// another one of its name, or `+=` reduces an index in its place.
fn left_is_used(
    equation: &Equation,
    around: &Surroundings<'_>,
    found: &mut Diagnostics,
) -> Result<(), Reported> {
    let used = used_on_the_right(equation);
    let computed = equation.left.iter().any(|left| matches!(left, Left::Computed(_)));
    let reduces = !computed && equation.variables.iter().any(|v| v.origin == Origin::Implicit);
    let mut result = Ok(());
    for (position, variable) in equation.variables.iter().enumerate() {
        if variable.origin != Origin::Left || used[position] || variable.stated.is_some() {
            continue;
        }
        if let Some(inner) = rebound(equation, &variable.name) {
            result = Err(found.push(bound_again(variable, inner)));
        } else if reduces {
            result = Err(found.push(unused_on_the_right(equation, variable, around.left_name)));
        }
    }
    result
}

fn bound_again(variable: &Variable, inner: &Variable) -> Diagnostic {
    let name = &variable.name;
    Diagnostic::new(
        Code::IndexBoundTwice,
        format!("index {name} stands on the left and is bound again inside"),
    )
    .label(inner.span, "bound again here")
    .label(variable.span, "on the left here")
    .help("rename one of them")
}

fn unused_on_the_right(equation: &Equation, variable: &Variable, left_name: &str) -> Diagnostic {
    let name = &variable.name;
    // An index that += reduces and that stands in one place only may be what was meant.
    let mut counts = vec![0; equation.variables.len()];
    let mut count = |expr: &Expr| {
        if let ExprKind::Read(read) = &expr.kind {
            for place in &read.places {
                if let PlaceKind::Bare(id) = &place.kind {
                    counts[id.index()] += 1;
                }
            }
        }
    };
    equation.body.walk(&mut |expr| count(expr));
    let reduced = equation.variables.iter().zip(&counts);
    let mut meant = reduced.filter(|(v, count)| v.origin == Origin::Implicit && **count == 1).map(|(v, _)| v);
    let mut diagnostic = Diagnostic::new(
        Code::OutputIndexUnused,
        format!("index {name} is on the left of {left_name} but never on the right"),
    )
    .label(variable.span, "nothing depends on it");
    let repeat =
        format!("to repeat {left_name} along a new axis, write = with sum[..] and state the size: {name}:n");
    let help = match meant.next_back() {
        Some(meant) => {
            diagnostic = diagnostic.label(meant.span, format!("{} is summed over", meant.name));
            format!("did you mean `{}`? {}", meant.name, capital(&repeat))
        }
        None => format!("use it on the right, or state its size: {name}:n"),
    };
    diagnostic.help(help)
}

/// With a capital letter at the beginning.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A plausible name for the size of an index.
fn upper(name: &str) -> String {
    let upper = name.to_uppercase();
    if upper == name { format!("n_{name}") } else { upper }
}

struct Checker<'r> {
    requirements: &'r mut Vec<Requirement>,
    found: &'r mut Diagnostics,
    wrong: bool,
}

impl Checker<'_> {
    fn require(&mut self, left: &Extent, relation: Relation, right: &Extent, message: String, span: Span) {
        self.requirements.push(Requirement {
            left: left.clone(),
            relation,
            right: right.clone(),
            message,
            span: Some((span.start, span.end)),
        });
    }

    fn index_agrees(&mut self, name: &str, size: &VariableSize, used: &Use) {
        let message = |left: &str, right: &str| {
            format!("index {name} is {left} here ({}) but {right} as {}", size.origin, used.origin)
        };
        if decided_unequal(&size.extent, &used.extent) {
            let (left, right) = (size.extent.to_string(), used.extent.to_string());
            self.found.push(
                Diagnostic::new(Code::IndexSizesDisagree, message(&left, &right))
                    .label(used.span, format!("{name} = {right}: {}", used.origin))
                    .label(size.span, format!("{name} = {left}: {}", size.origin))
                    .help("make the shapes agree, use two indices, or state the size and pad: A[.. | 0]"),
            );
            self.wrong = true;
            return;
        }
        let text = format!("{}: {}", Code::IndexSizesDisagree, message("{left}", "{right}"));
        self.require(&size.extent, Relation::Eq, &used.extent, text, used.span);
    }

    fn group_too_large(&mut self, span: Span) {
        self.found.push(
            Diagnostic::new(Code::TooLarge, "the size of this group has too many terms")
                .label(span, "too large when multiplied out")
                .help("give a part of it a name of its own, as a size or a parameter"),
        );
        self.wrong = true;
    }

    fn group_fits(&mut self, group: &GroupUse, product: Extent) {
        if product == group.extent {
            return;
        }
        let side = if group.left { "is declared" } else { "has" };
        if decided_unequal(&product, &group.extent) {
            self.found.push(
                Diagnostic::new(
                    Code::GroupNotDivisible,
                    format!("the group makes {product} places, but {} {side} {}", group.origin, group.extent),
                )
                .label(group.span, format!("{product} places"))
                .help(match group.padded {
                    true => "the sizes of the members must multiply to the length of the axis; `|` does not help: a group is the whole axis. Write the place as a sum to pad it: x[m*a+b | 0]",
                    false => "the sizes of the members must multiply to the length of the axis",
                }),
            );
            self.wrong = true;
            return;
        }
        let text = format!(
            "{}: the group makes {{left}} places, but {} {side} {{right}}",
            Code::GroupNotDivisible,
            group.origin
        );
        self.require(&product, Relation::Eq, &group.extent, text, group.span);
    }

    fn transform_fits(
        &mut self,
        transform: &Transform,
        position: usize,
        sizes: &[VariableSize],
        equation: &Equation,
    ) {
        let (from, to) = (transform.from[position].index(), transform.to[position].index());
        let (name, of) = (&equation.variables[to].name, &equation.variables[from].name);
        let (needed, has, what) = match transformed(transform, position, &sizes[from].extent) {
            Some(needed) => (needed, &sizes[to].extent, name),
            None => match operand_of(transform, position, &sizes[to].extent) {
                Some(needed) => (needed, &sizes[from].extent, of),
                None => return,
            },
        };
        if needed == *has {
            return;
        }
        if decided_unequal(&needed, has) {
            self.found.push(
                Diagnostic::new(
                    Code::TransformSizes,
                    format!("the transform needs size {needed} for {what}, which has {has}"),
                )
                .label(transform.kind_span, "this transform")
                .label(equation.variables[if what == name { to } else { from }].span, format!("{has} here"))
                .help("rfft keeps n div 2 + 1 frequencies of its last index"),
            );
            self.wrong = true;
            return;
        }
        let text = format!(
            "{}: the transform needs size {{left}} for {what}, which has {{right}}",
            Code::TransformSizes
        );
        self.require(&needed, Relation::Eq, has, text, transform.kind_span);
    }
}

/// Whether two extents differ whatever the sizes are.
fn decided_unequal(a: &Extent, b: &Extent) -> bool {
    (a.clone() - b.clone()).as_const().is_some_and(|difference| difference != 0)
}
