//! Declarations without effect.

use super::Diagnostics;
use super::names::{Names, Role};
use super::order::reads;
use super::resolved::{Equation, Expr, ExprKind};
use crate::diagnostic::{Code, Diagnostic};
use std::collections::BTreeSet;
use tcc_ir::axis::Name;

/// Warns about operands, parameters and intermediates that no output depends on.
pub fn warn(names: &Names<'_>, equations: &[Vec<Equation>], outputs: &[usize], found: &mut Diagnostics) {
    let mut needed = vec![false; names.tensors.len()];
    let mut pending: Vec<usize> = outputs.to_vec();
    let mut params: BTreeSet<usize> = BTreeSet::new();
    let mut symbols: BTreeSet<Name> = BTreeSet::new();
    while let Some(tensor) = pending.pop() {
        if std::mem::replace(&mut needed[tensor], true) {
            continue;
        }
        for equation in &equations[tensor] {
            pending.extend(reads(equation).into_iter().map(super::resolved::TensorId::index));
            equation.body.walk(&mut |expr| numbers(expr, &mut params, &mut symbols));
            for left in &equation.left {
                if let super::resolved::Left::Computed(place) = left {
                    place.walk(&mut |expr| numbers(expr, &mut params, &mut symbols));
                }
            }
            for (extent, _) in equation.variables.iter().filter_map(|variable| variable.stated.as_ref()) {
                extent.symbols(&mut |name| {
                    symbols.insert(name.clone());
                });
            }
        }
    }
    for tensor in &names.tensors {
        let dims = tensor.declared.iter().filter_map(|declared| declared.dims.as_ref()).flatten();
        dims.for_each(|dim| {
            dim.symbols(&mut |name| {
                symbols.insert(name.clone());
            });
        });
    }
    let mut unused = |name: &str, noun: &str, span| {
        found.push(
            Diagnostic::new(Code::UnusedName, format!("the {noun} {name} is never used"))
                .label(span, "no output depends on it")
                .help("remove it"),
        );
    };
    for (position, tensor) in names.tensors.iter().enumerate() {
        if !needed[position] && !outputs.contains(&position) && !tensor.equations.is_empty() {
            unused(&tensor.name, "tensor", tensor.span);
        } else if !needed[position] && matches!(tensor.role, Role::Input(_)) {
            unused(&tensor.name, "operand", tensor.span);
        }
    }
    for (position, input) in names.inputs.iter().enumerate() {
        if input.tensor.is_none() && !params.contains(&position) {
            unused(&input.name, "parameter", input.span);
        }
    }
    for (symbol, span) in names.symbols.iter().zip(&names.symbol_spans) {
        if symbol.param && !symbols.contains(&symbol.name) {
            unused(&symbol.name, "parameter", *span);
        }
    }
}

fn numbers(expr: &Expr, params: &mut BTreeSet<usize>, symbols: &mut BTreeSet<Name>) {
    match &expr.kind {
        ExprKind::FloatParam(input) => {
            params.insert(*input);
        }
        ExprKind::Size(extent) => extent.symbols(&mut |name| {
            symbols.insert(name.clone());
        }),
        _ => {}
    }
}
