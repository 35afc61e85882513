//! The operands of a program and what must hold of their sizes.

use super::program::Building;
use super::value::Stored;
use crate::ast::Span;
use crate::check::names::Names;
use crate::check::ranges::Facts;
use crate::check::resolved::{Equation, Expr, ExprKind, Left, PlaceKind, Source};
use crate::diagnostic::Code;
use std::collections::BTreeSet;
use tcc_ir::axis::{Axis, Name, Type};
use tcc_ir::graph::{Input, Op};
use tcc_ir::{Dtype, Extent, Relation, Requirement};

/// Sizes that operands determine are at least 0; parameters and other sizes that stand alone as an
/// extent are required to be.
pub fn nonnegative_symbols(names: &Names<'_>, equations: &[Vec<Equation>]) -> BTreeSet<Name> {
    let mut set: BTreeSet<Name> =
        names.symbols.iter().filter(|symbol| !symbol.param).map(|symbol| symbol.name.clone()).collect();
    let dims = names.tensors.iter().filter_map(|tensor| tensor.declared.as_ref()?.dims.as_ref()).flatten();
    set.extend(dims.filter_map(|dim| dim.as_symbol().cloned()));
    let variables = equations.iter().flatten().flat_map(|equation| &equation.variables);
    set.extend(variables.filter_map(|variable| variable.stated.as_ref()?.0.as_symbol().cloned()));
    set
}

/// Adds the requirement that sizes are at least 0 where nothing else says so.
pub fn require_sizes(all: &mut Building<'_>) {
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
    let facts = Facts { nonnegative: all.nonnegative.clone(), ..Facts::default() };
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
pub fn inputs(all: &mut Building<'_>, equations: &[Vec<Equation>]) {
    let mut wanted: Vec<Vec<Option<Name>>> =
        all.names.tensors.iter().map(|tensor| vec![None; tensor.rank]).collect();
    for equation in equations.iter().flatten() {
        let mut visit = |expr: &Expr| {
            let ExprKind::Read(read) = &expr.kind else { return };
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
        };
        equation.body.walk(&mut |expr| visit(expr));
        for left in &equation.left {
            if let Left::Computed(place) = left {
                place.walk(&mut |expr| visit(expr));
            }
        }
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

/// Axes named after the indices that stand there, else after their sizes, else after the tensor.
pub fn name_axes(tensor: &str, dims: &[Extent], wanted: &[Option<Name>]) -> Vec<Axis> {
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
