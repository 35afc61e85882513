//! The whole program: groups of equations in order, then the outputs.

use super::body::Body;
use super::builder::Builder;
use super::recur::{self, Members};
use super::scatter;
use super::value::{Stored, Value};
use crate::ast::{AssignOp, File, Span};
use crate::check::names::{self, Names, Role};
use crate::check::order::{self, Group};
use crate::check::recurrence::{self, Recurrence};
use crate::check::resolve::Resolver;
use crate::check::resolved::{Equation, Left, PlaceKind, Source, TensorId};
use crate::check::sizes::{self, Surroundings, VariableSize};
use crate::check::{Diagnostics, Options, Program, Reported, SizeRow, annotations, extents, unused};
use crate::diagnostic::{Code, Diagnostic};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::rc::Rc;
use tcc_ir::axis::{Axis, Name, Type};
use tcc_ir::graph::{Check, Input, Op, Output, ValueId};
use tcc_ir::{Dtype, Extent, Relation, Requirement};

/// Everything that is built so far.
pub struct Building<'p> {
    pub source: &'p str,
    pub names: &'p Names<'p>,
    pub found: &'p mut Diagnostics,
    pub builder: Builder,
    pub stored: Vec<Option<Stored>>,
    pub nonnegative: Rc<BTreeSet<Name>>,
    sizes: Vec<SizeRow>,
    requirements: HashSet<(Extent, Relation, Extent)>,
    checks: HashSet<ValueId>,
}

impl Building<'_> {
    pub fn add_check(&mut self, check: Check) {
        if self.checks.insert(check.value) {
            self.builder.graph.checks.push(check);
        }
    }

    pub fn add_requirement(&mut self, requirement: Requirement) {
        let key = (requirement.left.clone(), requirement.relation, requirement.right.clone());
        if self.requirements.insert(key) {
            self.builder.graph.requirements.push(requirement);
        }
    }

    pub fn declared_dtype(&self, tensor: TensorId) -> Option<Dtype> {
        self.names.tensor(tensor).declared.as_ref().map(|declared| declared.dtype)
    }

    /// Whether the tensor is declared with a shape that is wrong.
    fn shape_broken(&self, tensor: TensorId) -> bool {
        self.names.tensor(tensor).declared.as_ref().is_some_and(|declared| declared.dims.is_none())
    }

    fn declared_dims(&self, tensor: TensorId) -> Option<&[Extent]> {
        self.names.tensor(tensor).declared.as_ref().and_then(|declared| declared.dims.as_deref())
    }

    /// The extents of what is read, as far as they are known.
    fn shape(&self, source: &Source) -> Option<Vec<Extent>> {
        match source {
            Source::Tensor(id) => match &self.stored[id.index()] {
                Some(stored) => Some(extents(&stored.axes)),
                None => self.declared_dims(*id).map(<[Extent]>::to_vec),
            },
            Source::Table(data) => {
                Some(data.shape.iter().map(|&n| Extent::from(i64::try_from(n).unwrap_or(i64::MAX))).collect())
            }
            Source::Dft(extent) => Some(vec![extent.clone(), extent.clone()]),
        }
    }
}

impl<'b, 'p> Body<'b, 'p> {
    pub fn new(
        all: &'b mut Building<'p>,
        equation: &'b Equation,
        sizes: &'b [VariableSize],
        members: Option<&'b Members>,
    ) -> Self {
        Body { all, equation, sizes, members, active: Vec::new(), path: Vec::new() }
    }

    /// The axes of the tensor that the equation defines.
    pub fn tensor_axes(&mut self) -> Result<Vec<Axis>, Reported> {
        if !self.equation.is_scatter() {
            return Ok(self.left_axes());
        }
        let name = self.all.names.tensor(self.equation.tensor).name.clone();
        let declared = self.all.declared_dims(self.equation.tensor).map(<[Extent]>::to_vec);
        self.scatter_axes(&name, declared.as_deref())
    }
}

/// Checks and builds a program; `None` if that is not possible (reported).
pub fn program(source: &str, file: &File, options: &Options, found: &mut Diagnostics) -> Option<Program> {
    let names = names::collect(file, options, found);
    let peak_limit = annotations::check(file, found);
    let mut equations = resolve(source, file, &names, options, found);
    let groups = order::groups(&names, &equations);
    let nonnegative = nonnegative_symbols(&names, &equations);
    let mut all = Building {
        source,
        names: &names,
        found,
        builder: Builder::default(),
        stored: vec![None; names.tensors.len()],
        nonnegative: Rc::new(nonnegative),
        sizes: Vec::new(),
        requirements: HashSet::new(),
        checks: HashSet::new(),
    };
    all.builder.graph.name = if options.name.is_empty() { "main".into() } else { options.name.clone() };
    all.builder.graph.symbols = names.symbols.clone();
    inputs(&mut all, &equations);
    require_sizes(&mut all);
    for group in &groups {
        build_group(&mut all, group, &mut equations);
    }
    let chosen = outputs(&mut all, &equations, options);
    if let Some(mistake) = all.builder.mistake.take()
        && !all.found.list.iter().any(Diagnostic::is_error)
    {
        all.found.push(
            Diagnostic::new(Code::Internal, format!("the compiler made a mistake: {mistake}"))
                .help("please report the program"),
        );
    }
    let failed = all.found.list.iter().any(Diagnostic::is_error);
    if !failed {
        unused::warn(&names, &equations, &chosen, all.found);
    }
    let mut sizes = std::mem::take(&mut all.sizes);
    sizes.sort_by_key(|row| row.span.start);
    let mut graph = std::mem::take(&mut all.builder.graph);
    if failed {
        return None;
    }
    prune(&mut graph);
    Some(Program { graph, warnings: Vec::new(), peak_limit, sizes })
}

fn resolve(
    source: &str,
    file: &File,
    names: &Names<'_>,
    options: &Options,
    found: &mut Diagnostics,
) -> Vec<Vec<Equation>> {
    let accumulators: Vec<Option<Dtype>> = file
        .items
        .iter()
        .filter_map(|item| {
            let accumulator = annotations::accumulator(item, options, found);
            matches!(item.kind, crate::ast::ItemKind::Equation(_)).then_some(accumulator)
        })
        .collect();
    let mut owner: Vec<Option<TensorId>> = vec![None; accumulators.len()];
    for (tensor, row) in names.tensors.iter().enumerate() {
        for &equation in &row.equations {
            owner[equation] = Some(TensorId(tensor as u32));
        }
    }
    let mut resolver = Resolver::new(source, names, options, found);
    for function in 0..names.functions.len() {
        resolver.function(function);
    }
    let mut equations: Vec<Vec<Equation>> = names.tensors.iter().map(|_| Vec::new()).collect();
    for (position, equation) in file.equations().enumerate() {
        if let Some(tensor) = owner[position] {
            let resolved = resolver.equation(equation, tensor, accumulators[position]);
            equations[tensor.index()].push(resolved);
        }
    }
    for (tensor, list) in names.tensors.iter().zip(&mut equations) {
        one_definition(tensor, list, found);
    }
    equations
}

/// There is one equation for a tensor, or scatter forms of one operator.
fn one_definition(tensor: &names::Tensor, list: &mut Vec<Equation>, found: &mut Diagnostics) {
    let name = &tensor.name;
    match list.as_slice() {
        [] => {
            if !matches!(tensor.role, Role::Input(_)) && !tensor.misdefined {
                found.push(
                    Diagnostic::new(Code::OutputUndefined, format!("{name} is declared but has no equation"))
                        .label(tensor.span, "declared here")
                        .help(format!("define it: {name}{} = ..", if tensor.rank > 0 { "[..]" } else { "" })),
                );
            }
        }
        [_] => {}
        [first, rest @ ..] => {
            let scatters = list.iter().any(Equation::is_scatter);
            if let Some(second) = rest.iter().find(|e| e.op != first.op)
                && scatters
                && first.op != AssignOp::Set
                && second.op != AssignOp::Set
            {
                found.push(
                    Diagnostic::new(
                        Code::ScatterOperatorsDiffer,
                        format!("the equations of {name} combine with different operators"),
                    )
                    .label(second.left_span, "another operator here")
                    .label(first.left_span, "one operator here")
                    .help("use one operator, or two tensors"),
                );
            } else if !scatters || list.iter().any(|e| e.op == AssignOp::Set) {
                found.push(
                    Diagnostic::new(Code::DuplicateEquation, format!("{name} has {} equations", list.len()))
                        .label(rest[0].left_span, "defined again here")
                        .label(first.left_span, "defined here")
                        .help("combine them into one equation, or rename one of them"),
                );
            } else {
                return;
            }
            list.truncate(1);
            list[0].broken = true;
        }
    }
}

/// Sizes that operands determine are at least 0; parameters and other sizes that stand alone as an
/// extent are required to be.
fn nonnegative_symbols(names: &Names<'_>, equations: &[Vec<Equation>]) -> BTreeSet<Name> {
    let mut set: BTreeSet<Name> =
        names.symbols.iter().filter(|symbol| !symbol.param).map(|symbol| symbol.name.clone()).collect();
    let dims = names.tensors.iter().filter_map(|tensor| tensor.declared.as_ref()?.dims.as_ref()).flatten();
    set.extend(dims.filter_map(|dim| dim.as_symbol().cloned()));
    let variables = equations.iter().flatten().flat_map(|equation| &equation.variables);
    set.extend(variables.filter_map(|variable| variable.stated.as_ref()?.0.as_symbol().cloned()));
    set
}

/// Adds the requirement that sizes are at least 0 where nothing else says so.
fn require_sizes(all: &mut Building<'_>) {
    let mut solved: BTreeSet<Name> = BTreeSet::new();
    for input in &all.builder.graph.inputs {
        solved.extend(input.ty.axes.iter().filter_map(|axis| axis.extent.as_symbol().cloned()));
    }
    let symbols: Vec<(Name, Span)> = all
        .names
        .symbols
        .iter()
        .zip(&all.names.symbol_spans)
        .map(|(symbol, span)| (symbol.name.clone(), *span))
        .collect();
    for (name, span) in symbols {
        if all.nonnegative.contains(&name) && !solved.contains(&name) {
            all.add_requirement(Requirement {
                left: Extent::from(0),
                relation: Relation::Le,
                right: Extent::symbol(name.clone()),
                message: format!("{}: the size {name} is {{right}}", Code::NegativeSize),
                span: Some((span.start, span.end)),
            });
        }
    }
    let facts = crate::check::ranges::Facts {
        nonnegative: all.nonnegative.clone(),
        ..crate::check::ranges::Facts::default()
    };
    let rows: Vec<(Extent, Name, Span)> = all
        .names
        .tensors
        .iter()
        .filter_map(|tensor| Some((tensor, tensor.declared.as_ref()?.dims.as_ref()?)))
        .flat_map(|(tensor, dims)| dims.iter().map(|dim| (dim.clone(), tensor.name.clone(), tensor.span)))
        .collect();
    for (dim, name, span) in rows {
        if dim.as_symbol().is_none() && !facts.nonnegative(&dim) {
            all.add_requirement(Requirement {
                left: Extent::from(0),
                relation: Relation::Le,
                right: dim.clone(),
                message: format!("{}: the size {dim} of an axis of {name} is {{right}}", Code::NegativeSize),
                span: Some((span.start, span.end)),
            });
        }
    }
}

/// Declares the operands. An axis is named after the index that first stands there by itself.
fn inputs(all: &mut Building<'_>, equations: &[Vec<Equation>]) {
    let mut wanted: Vec<Vec<Option<Name>>> =
        all.names.tensors.iter().map(|tensor| vec![None; tensor.rank]).collect();
    for equation in equations.iter().flatten() {
        equation.body.walk(&mut |expr| {
            let crate::check::resolved::ExprKind::Read(read) = &expr.kind else { return };
            let Source::Tensor(id) = read.source else { return };
            let axes = &mut wanted[id.index()];
            for (axis, place) in read.places.iter().enumerate() {
                if let PlaceKind::Bare(variable) = place.kind
                    && axis < axes.len()
                    && axes[axis].is_none()
                {
                    let name = &equation.variables[variable.index()].axis;
                    if !axes.iter().flatten().any(|known| known == name) {
                        axes[axis] = Some(name.clone());
                    }
                }
            }
        });
    }
    for (position, row) in all.names.inputs.iter().enumerate() {
        let ty = match row.tensor {
            None => Type::scalar(Dtype::F64),
            Some(tensor) => {
                let dims = all.declared_dims(tensor).map(<[Extent]>::to_vec).unwrap_or_default();
                Type::new(
                    all.declared_dtype(tensor).unwrap_or(Dtype::F64),
                    name_axes(&row.name, &dims, &wanted[tensor.index()]),
                )
            }
        };
        let param = row.tensor.is_none().then_some(row.default);
        all.builder.graph.inputs.push(Input {
            name: row.name.clone(),
            ty: ty.clone(),
            range: row.range,
            param,
        });
        let Some(tensor) = row.tensor else { continue };
        if all.names.tensor(tensor).declared.as_ref().is_none_or(|declared| declared.dims.is_none()) {
            continue;
        }
        let id = all.builder.add(Op::Input(position), &ty);
        all.builder.name(id, &row.name);
        all.stored[tensor.index()] = Some(Stored::of_type(id, ty.dtype, ty.axes));
    }
}

fn name_axes(tensor: &str, dims: &[Extent], wanted: &[Option<Name>]) -> Vec<Axis> {
    let mut axes: Vec<Axis> = Vec::new();
    for (position, dim) in dims.iter().enumerate() {
        let taken = |name: &Name| {
            axes.iter().any(|axis| axis.name == *name)
                || wanted.iter().enumerate().any(|(other, w)| other != position && w.as_ref() == Some(name))
        };
        let name = match wanted.get(position).cloned().flatten() {
            Some(name) => name,
            None => match dim.as_symbol() {
                Some(symbol) if !taken(symbol) => symbol.clone(),
                _ => Name::from(format!("{tensor}.{position}")),
            },
        };
        axes.push(Axis::new(name, dim.clone()));
    }
    axes
}

fn build_group(all: &mut Building<'_>, group: &Group, equations: &mut [Vec<Equation>]) {
    let broken = group.tensors.iter().any(|tensor| {
        let list = &equations[tensor.index()];
        list.iter().any(|equation| equation.broken)
    });
    let waits = group.tensors.iter().any(|tensor| {
        equations[tensor.index()].iter().any(|equation| {
            let missing =
                |id: &TensorId| all.stored[id.index()].is_none() && group.tensors.binary_search(id).is_err();
            order::reads(equation).iter().any(missing)
        })
    });
    let undefined = |tensor: &TensorId| equations[tensor.index()].is_empty();
    let result = if group.tensors.iter().all(undefined) {
        if all.stored[group.tensors[0].index()].is_some() { Ok(()) } else { Err(Reported) }
    } else if broken || waits {
        Err(Reported)
    } else if group.recursive {
        build_recurrence(all, group, equations)
    } else {
        build_tensor(all, group.tensors[0], &equations[group.tensors[0].index()])
    };
    if result.is_err() {
        for &tensor in &group.tensors {
            all.stored[tensor.index()] = placeholder(all, tensor);
        }
    }
}

/// A stand-in for a declared tensor whose equation is wrong, so that equations that read it are still
/// checked; the graph is thrown away in the end.
fn placeholder(all: &mut Building<'_>, tensor: TensorId) -> Option<Stored> {
    let dtype = all.declared_dtype(tensor)?;
    let dims = all.declared_dims(tensor)?.to_vec();
    let axes = name_axes(&all.names.tensor(tensor).name, &dims, &vec![None; dims.len()]);
    let id = all.builder.graph.push(Op::Input(usize::MAX), Type::new(dtype, axes.clone()));
    Some(Stored::of_type(id, dtype, axes))
}

fn settle(
    all: &mut Building<'_>,
    equation: &Equation,
    solved: Vec<Option<VariableSize>>,
) -> Result<Vec<VariableSize>, Reported> {
    let mut requirements = Vec::new();
    let mut found = Diagnostics::default();
    let left_name = all.names.tensor(equation.tensor).name.clone();
    let around = Surroundings {
        shape: &|source| all.shape(source),
        declared: all.declared_dims(equation.tensor),
        shape_broken: all.shape_broken(equation.tensor),
        left_name: &left_name,
    };
    let result = sizes::settle(equation, &around, solved, &mut requirements, &mut found);
    all.found.list.append(&mut found.list);
    requirements.into_iter().for_each(|requirement| all.add_requirement(requirement));
    if let Ok(known) = &result {
        for (variable, size) in equation.variables.iter().zip(known) {
            all.sizes.push(SizeRow {
                equation: left_name.to_string(),
                index: variable.name.to_string(),
                extent: size.extent.clone(),
                origin: size.origin.clone(),
                span: variable.span,
            });
        }
        negative_sizes(all, equation, known);
    }
    result
}

/// Stated sizes that may be negative are required not to be.
fn negative_sizes(all: &mut Building<'_>, equation: &Equation, known: &[VariableSize]) {
    let facts = crate::check::ranges::Facts {
        nonnegative: all.nonnegative.clone(),
        ..crate::check::ranges::Facts::default()
    };
    for (variable, size) in equation.variables.iter().zip(known) {
        if variable.stated.is_some() && !facts.nonnegative(&size.extent) {
            all.add_requirement(Requirement {
                left: Extent::from(0),
                relation: Relation::Le,
                right: size.extent.clone(),
                message: format!("{}: the size of index {} is {{right}}", Code::NegativeSize, variable.name),
                span: Some((size.span.start, size.span.end)),
            });
        }
    }
}

fn solve(all: &Building<'_>, equation: &Equation) -> Vec<Option<VariableSize>> {
    let around = Surroundings {
        shape: &|source| all.shape(source),
        declared: all.declared_dims(equation.tensor),
        shape_broken: all.shape_broken(equation.tensor),
        left_name: &all.names.tensor(equation.tensor).name,
    };
    sizes::solve(equation, &around)
}

fn build_tensor(all: &mut Building<'_>, tensor: TensorId, list: &[Equation]) -> Result<(), Reported> {
    let name = all.names.tensor(tensor).name.clone();
    let dtype = all.declared_dtype(tensor);
    let sizes: Vec<Result<Vec<VariableSize>, Reported>> = list
        .iter()
        .map(|equation| {
            let solved = solve(all, equation);
            settle(all, equation, solved)
        })
        .collect();
    let sizes = sizes.into_iter().collect::<Result<Vec<_>, _>>()?;
    let stored = if let ([equation], false) = (list, list.iter().any(Equation::is_scatter)) {
        let mut body = Body::new(all, equation, &sizes[0], None);
        body.open_equation();
        body.plain(&name, dtype)?
    } else {
        scatter_all(all, list, &sizes, dtype, &name)?
    };
    all.builder.name(stored.id, &name);
    all.stored[tensor.index()] = Some(stored);
    Ok(())
}

fn scatter_all(
    all: &mut Building<'_>,
    list: &[Equation],
    sizes: &[Vec<VariableSize>],
    dtype: Option<Dtype>,
    name: &Name,
) -> Result<Stored, Reported> {
    let mut axes: Option<Vec<Axis>> = None;
    let mut total: Option<Value> = None;
    let mut failed = false;
    // The axes come from a scatter form; a plain form beside it is renamed.
    let first = list.iter().position(Equation::is_scatter).unwrap_or(0);
    let order = std::iter::once(first).chain((0..list.len()).filter(|position| *position != first));
    for position in order {
        let equation = &list[position];
        let mut body = Body::new(all, equation, &sizes[position], None);
        body.open_equation();
        let own = match &axes {
            Some(axes) => axes.clone(),
            None => axes.insert(body.tensor_axes()?).clone(),
        };
        let value = if equation.is_scatter() { body.scatter(&own) } else { body.plain_beside_scatter(&own) };
        let op = super::equation::reduction(equation.op).and_then(|(op, _)| op.scalar_op());
        match (value, total.take(), op) {
            (Ok(value), None, _) => total = Some(value),
            (Ok(value), Some(known), Some(op)) => total = Some(scatter::merge(&mut body, op, known, &value)),
            _ => failed = true,
        }
    }
    match (total, axes, failed) {
        (Some(value), Some(axes), false) => {
            let mut body = Body::new(all, &list[first], &sizes[first], None);
            scatter::finish(&mut body, &value, dtype, name, axes)
        }
        _ => Err(Reported),
    }
}

fn build_recurrence(
    all: &mut Building<'_>,
    group: &Group,
    equations: &mut [Vec<Equation>],
) -> Result<(), Reported> {
    let recurrence = recurrence::analyse(group, equations, all.names, all.found)?;
    recur::unify_axes(group, &recurrence, equations);
    let solved = solve_group(all, group, &recurrence, equations);
    let mut sizes = BTreeMap::new();
    let mut failed = false;
    for (tensor, solved) in solved {
        match settle(all, &equations[tensor.index()][0], solved) {
            Ok(known) => {
                sizes.insert(tensor, known);
            }
            Err(Reported) => failed = true,
        }
    }
    // Shapes that were assumed while solving are no longer needed.
    for &tensor in &group.tensors {
        all.stored[tensor.index()] = None;
    }
    if failed {
        return Err(Reported);
    }
    same_length(all, group, &recurrence, equations, &mut sizes);
    recur::build(all, group, &recurrence, equations, &sizes)
}

/// Solves the sizes of a group together: what one equation finds, the others may use.
fn solve_group(
    all: &mut Building<'_>,
    group: &Group,
    recurrence: &Recurrence,
    equations: &[Vec<Equation>],
) -> BTreeMap<TensorId, Vec<Option<VariableSize>>> {
    let mut solved: BTreeMap<TensorId, Vec<Option<VariableSize>>> = BTreeMap::new();
    let mut length: Option<VariableSize> = None;
    loop {
        let mut progress = false;
        for &tensor in &group.tensors {
            let equation = &equations[tensor.index()][0];
            let mut sizes = solve(all, equation);
            if let Some((_, index)) = recurrence.steps.get(&tensor) {
                match (&sizes[index.index()], &length) {
                    (Some(known), None) => {
                        length = Some(VariableSize { explicit: false, ..known.clone() });
                        progress = true;
                    }
                    (None, Some(known)) => {
                        let origin = "the other equations of the recurrence".to_owned();
                        sizes[index.index()] = Some(VariableSize { origin, explicit: true, ..known.clone() });
                    }
                    _ => {}
                }
            }
            if all.stored[tensor.index()].is_none()
                && let Some(axes) = assumed_axes(equation, &sizes)
            {
                all.stored[tensor.index()] = Some(Stored::of_type(ValueId(0), Dtype::F64, axes));
                progress = true;
            }
            solved.insert(tensor, sizes);
        }
        if !progress {
            return solved;
        }
    }
}

/// The shape of a member, if all sizes on its left are known.
fn assumed_axes(equation: &Equation, sizes: &[Option<VariableSize>]) -> Option<Vec<Axis>> {
    let extent = |variable: &crate::check::resolved::VariableId| {
        sizes[variable.index()].as_ref().map(|size| size.extent.clone())
    };
    let axis = |(position, left): (usize, &Left)| {
        let extent = match left {
            Left::Bare(variable, _) => extent(variable)?,
            Left::Group(members, _) => {
                members.iter().try_fold(Extent::from(1), |product, member| Some(product * extent(member)?))?
            }
            Left::Computed(_) => return None,
        };
        Some(Axis::new(position.to_string(), extent))
    };
    equation.left.iter().enumerate().map(axis).collect()
}

/// All members take the same number of steps.
fn same_length(
    all: &mut Building<'_>,
    group: &Group,
    recurrence: &Recurrence,
    equations: &[Vec<Equation>],
    sizes: &mut BTreeMap<TensorId, Vec<VariableSize>>,
) {
    let mut first: Option<(TensorId, VariableSize)> = None;
    for tensor in &group.tensors {
        let (Some((_, index)), Some(list)) = (recurrence.steps.get(tensor), sizes.get_mut(tensor)) else {
            continue;
        };
        let size = &mut list[index.index()];
        let Some((of, length)) = &first else {
            first = Some((*tensor, size.clone()));
            continue;
        };
        if size.extent == length.extent {
            continue;
        }
        let (name, other) = (&all.names.tensor(*tensor).name, &all.names.tensor(*of).name);
        let span = equations[tensor.index()][0].variables[index.index()].span;
        let message =
            |a: &str, b: &str| format!("{name} takes {a} steps, but {other} of the same recurrence {b}");
        let difference = (size.extent.clone() - length.extent.clone()).as_const();
        if difference.is_some_and(|difference| difference != 0) {
            let text = message(&size.extent.to_string(), &length.extent.to_string());
            all.found.push(
                Diagnostic::new(Code::IndexSizesDisagree, text)
                    .label(span, format!("{} here", size.extent))
                    .label(length.span, format!("{} here", length.extent))
                    .help("equations that step together take the same number of steps"),
            );
        } else {
            let text = format!("{}: {}", Code::IndexSizesDisagree, message("{left}", "{right}"));
            let (left, right) = (size.extent.clone(), length.extent.clone());
            let span = Some((span.start, span.end));
            all.add_requirement(Requirement { left, relation: Relation::Eq, right, message: text, span });
        }
        size.extent = length.extent.clone();
    }
}

/// Lists the results; the answer are the positions of their tensors.
fn outputs(all: &mut Building<'_>, equations: &[Vec<Equation>], options: &Options) -> Vec<usize> {
    let declared: Vec<usize> =
        (0..all.names.tensors.len()).filter(|&t| all.names.tensors[t].role == Role::Out).collect();
    let chosen = if declared.is_empty() && options.expression {
        let mut read = vec![false; all.names.tensors.len()];
        for (tensor, list) in equations.iter().enumerate() {
            for id in list.iter().flat_map(order::reads) {
                read[id.index()] |= id.index() != tensor;
            }
        }
        (0..read.len()).filter(|&t| !read[t] && !equations[t].is_empty()).collect()
    } else {
        declared
    };
    if chosen.is_empty() && !all.found.list.iter().any(Diagnostic::is_error) {
        let mut diagnostic = Diagnostic::new(Code::NoOutput, "the program has no output");
        if let Some(list) = equations.iter().find_map(|list| list.first()) {
            diagnostic = diagnostic.label(list.left_span, "perhaps this one?");
        }
        all.found.push(diagnostic.help("declare what to compute: out y : f32[n]"));
    }
    for &tensor in &chosen {
        let Some(stored) = all.stored[tensor].clone() else { continue };
        let name = all.names.tensors[tensor].name.clone();
        let id = all.builder.broadcast(stored.id, &stored.axes);
        let axes = stored.axes.iter().map(|axis| axis.name.clone()).collect();
        all.builder.graph.outputs.push(Output { name, value: id, axes });
    }
    chosen
}

/// Removes nodes that no output and no check depends on.
fn prune(graph: &mut tcc_ir::graph::Graph) {
    let mut live = vec![false; graph.nodes.len()];
    for root in graph.outputs.iter().map(|output| output.value).chain(graph.checks.iter().map(|c| c.value)) {
        live[root.index()] = true;
    }
    for position in (0..graph.nodes.len()).rev() {
        if live[position] {
            for operand in graph.nodes[position].op.operands() {
                live[operand.index()] = true;
            }
        }
    }
    let mut renumbered: Vec<ValueId> = Vec::with_capacity(live.len());
    let mut nodes = Vec::new();
    for (position, mut node) in std::mem::take(&mut graph.nodes).into_iter().enumerate() {
        renumbered.push(ValueId(nodes.len() as u32));
        if live[position] {
            node.op = node.op.map_operands(&mut |value| renumbered[value.index()]);
            nodes.push(node);
        }
    }
    graph.nodes = nodes;
    graph.outputs.iter_mut().for_each(|output| output.value = renumbered[output.value.index()]);
    graph.checks.iter_mut().for_each(|check| check.value = renumbered[check.value.index()]);
}
