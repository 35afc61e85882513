//! Free names of an expression program: tensors and numbers that the caller's operands define.

use super::names::{Declared, Entity, InputDecl, Names, Role};
use super::scan::walk;
use super::{Operand, Options};
use crate::ast::{Expr, ExprKind, File, Index, LeftIndex, Span};
use std::sync::Arc;
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, Extent};

/// Makes an input of every name that is used like a tensor (or that the caller gives) and is nothing
/// else in the file. Without an operand the type is f32, and each axis has a size named after the
/// index that first stands there.
pub fn collect(file: &File, options: &Options, names: &mut Names<'_>) {
    for equation in file.equations() {
        let mut visit = |expr: &Expr| visit(expr, options, names);
        for left in &equation.indices {
            if let LeftIndex::Expr(expr) = left
                && !matches!(expr.kind, ExprKind::Name(_))
            {
                walk(expr, &mut visit);
            }
        }
        walk(&equation.body, &mut visit);
    }
    for function in &names.functions.clone() {
        walk(&function.body, &mut |expr| visit(expr, options, names));
    }
}

fn visit(expr: &Expr, options: &Options, names: &mut Names<'_>) {
    match &expr.kind {
        ExprKind::Access(access) => {
            if let ExprKind::Name(name) = &access.base.kind
                && names.get(name).is_none()
                && !names.indices.contains_key(name)
            {
                let hints: Vec<Option<&str>> = access.indices.iter().map(bare).collect();
                add(name, access.base.span, &hints, options, names);
            }
        }
        ExprKind::Name(name) if names.get(name).is_none() && !names.indices.contains_key(name) => {
            let is_number = |operand: &Operand| operand.shape.as_ref().is_none_or(Vec::is_empty);
            if options.operands.iter().any(|operand| operand.name == *name && is_number(operand)) {
                add(name, expr.span, &[], options, names);
            } else if let Some((_, value)) = options.numbers.iter().find(|(given, _)| given == name) {
                match value {
                    Literal::Int(_) | Literal::Bool(_) => names.add_symbol(name, expr.span, true),
                    Literal::Real(_) | Literal::Complex(..) => names.add_float_param(name, expr.span, None),
                }
            }
        }
        _ => {}
    }
}

fn bare(index: &Index) -> Option<&str> {
    match index {
        Index::Expr(Expr { kind: ExprKind::Name(name), .. }) => Some(name),
        Index::Expr(_) | Index::Group(_) => None,
    }
}

fn add(name: &str, span: Span, hints: &[Option<&str>], options: &Options, names: &mut Names<'_>) {
    let given = options.operands.iter().find(|operand| operand.name == name);
    let dtype = given.map_or(Dtype::F32, |operand| operand.dtype);
    let dims: Vec<Extent> = match given.and_then(|operand| operand.shape.as_ref()) {
        Some(shape) => shape.iter().map(|&n| Extent::from(i64::try_from(n).unwrap_or(i64::MAX))).collect(),
        None => {
            let dims = hints.iter().enumerate().map(|(axis, hint)| {
                let symbol = match hint {
                    Some(index) => format!("n_{index}"),
                    None => format!("{name}_{axis}"),
                };
                if names.get(&symbol).is_none() {
                    names.add_symbol(&symbol, span, false);
                }
                Extent::symbol(symbol.as_str())
            });
            dims.collect()
        }
    };
    let dtype = match dtype {
        Dtype::F16 | Dtype::BF16 | Dtype::F32 if options.type_f64 => Dtype::F64,
        Dtype::C64 if options.type_f64 => Dtype::C128,
        other => other,
    };
    let id = names.add_tensor(name, span, dims.len(), Role::Input(names.inputs.len()));
    names.tensors[id.index()].declared = Some(Declared { dtype, dims: Some(dims) });
    let input = InputDecl { name: Arc::from(name), span, tensor: Some(id), range: None, default: None };
    names.inputs.push(input);
    debug_assert!(matches!(names.get(name), Some((Entity::Tensor(_), _))));
}
