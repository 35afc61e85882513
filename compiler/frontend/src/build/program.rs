//! The whole program: groups of equations in order, then the outputs.

use super::body::Body;
use super::builder::Builder;
use super::group::build_group;
use super::operands::{inputs, nonnegative_symbols, require_sizes};
use super::recur::Members;
use super::value::Stored;
use crate::ast::{AssignOp, File, Span};
use crate::check::names::{self, Names, Role};
use crate::check::order;
use crate::check::resolve::Resolver;
use crate::check::resolved::{Equation, Source, TensorId};
use crate::check::sizes::VariableSize;
use crate::check::{Diagnostics, Options, Program, Reported, SizeRow, annotations, extents, unused};
use crate::diagnostic::{Code, Diagnostic};
use std::collections::{BTreeSet, HashSet};
use std::rc::Rc;
use tcc_ir::axis::{Axis, Name};
use tcc_ir::graph::{Check, Output, ValueId};
use tcc_ir::{Dtype, Extent, Relation, Requirement};

/// Everything that is built so far.
pub struct Building<'p> {
    pub source: &'p str,
    pub names: &'p Names<'p>,
    pub found: &'p mut Diagnostics,
    pub builder: Builder,
    pub stored: Vec<Option<Stored>>,
    pub nonnegative: Rc<BTreeSet<Name>>,
    pub sizes: Vec<SizeRow>,
    requirements: HashSet<(Extent, Relation, Extent)>,
    checks: HashSet<ValueId>,
}

impl Building<'_> {
    pub fn add_check(&mut self, check: Check) {
        if self.checks.insert(check.value) {
            self.builder.graph.checks.push(check);
        }
    }

    /// Whether this is required already.
    pub fn requires(&self, left: &Extent, relation: Relation, right: &Extent) -> bool {
        self.requirements.contains(&(left.clone(), relation, right.clone()))
    }

    pub fn add_requirement(&mut self, requirement: Requirement) {
        let key = (requirement.left.clone(), requirement.relation, requirement.right.clone());
        if self.requirements.insert(key) {
            self.builder.graph.requirements.push(requirement);
        }
    }

    /// Whether an operand has an axis with this extent.
    pub fn is_operand_axis(&self, extent: &Extent) -> bool {
        self.builder.graph.inputs.iter().flat_map(|input| &input.ty.axes).any(|axis| axis.extent == *extent)
    }

    pub fn declared_dtype(&self, tensor: TensorId) -> Option<Dtype> {
        self.names.tensor(tensor).declared.as_ref().map(|declared| declared.dtype)
    }

    /// Whether the tensor is declared with a shape that is wrong.
    pub fn shape_broken(&self, tensor: TensorId) -> bool {
        self.names.tensor(tensor).declared.as_ref().is_some_and(|declared| declared.dims.is_none())
    }

    pub fn declared_dims(&self, tensor: TensorId) -> Option<&[Extent]> {
        self.names.tensor(tensor).declared.as_ref().and_then(|declared| declared.dims.as_deref())
    }

    /// The extents of what is read, as far as they are known.
    pub fn shape(&self, source: &Source) -> Option<Vec<Extent>> {
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
    Some(Program { graph, warnings: Vec::new(), peak_limit, sizes, text: source.into() })
}

fn resolve(
    source: &str,
    file: &File,
    names: &Names<'_>,
    options: &Options,
    found: &mut Diagnostics,
) -> Vec<Vec<Equation>> {
    let accumulators: Vec<Option<(Dtype, Span)>> = file
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
    let results = undeclared_results(names, &equations);
    for (tensor, list) in names.tensors.iter().zip(&mut equations) {
        one_definition(tensor, list, &results, found);
    }
    equations
}

/// Tensors that are computed, but neither declared nor read: perhaps outputs under another name.
fn undeclared_results<'n>(names: &'n Names<'_>, equations: &[Vec<Equation>]) -> Vec<&'n str> {
    let read: BTreeSet<TensorId> = equations.iter().flatten().flat_map(order::reads).collect();
    let tensors = names.tensors.iter().enumerate();
    let open = tensors.filter(|(position, tensor)| {
        let undeclared = tensor.declared.is_none() && tensor.role == Role::Inner;
        undeclared && !tensor.equations.is_empty() && !read.contains(&TensorId(*position as u32))
    });
    open.map(|(_, tensor)| &*tensor.name).collect()
}

/// How to give an output its equation.
fn undefined_help(tensor: &names::Tensor, results: &[&str]) -> String {
    let define = format!("define it: {}{} = ..", tensor.name, if tensor.rank > 0 { "[..]" } else { "" });
    match results {
        [] => define,
        [only] => format!("{define}, or declare `{only}`, which has an equation and no declaration"),
        several => {
            let list: Vec<String> = several.iter().take(5).map(|name| format!("`{name}`")).collect();
            format!("{define}; {} have equations and no declaration", list.join(", "))
        }
    }
}

/// There is one equation for a tensor, or several with one operator other than `=`.
fn one_definition(
    tensor: &names::Tensor,
    list: &mut Vec<Equation>,
    results: &[&str],
    found: &mut Diagnostics,
) {
    let name = &tensor.name;
    match list.as_slice() {
        [] => {
            if !matches!(tensor.role, Role::Input(_)) && !tensor.misdefined {
                found.push(
                    Diagnostic::new(Code::OutputUndefined, format!("{name} is declared but has no equation"))
                        .label(tensor.span, "declared here")
                        .help(undefined_help(tensor, results)),
                );
            }
        }
        [_] => {}
        [first, rest @ ..] => {
            if let Some(second) = rest.iter().find(|e| e.op != first.op)
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
            } else if list.iter().any(|e| e.op == AssignOp::Set) {
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
