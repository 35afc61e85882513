//! Which names stand where only an index, or only a size, can stand.

use super::functions::CONSTANT_TENSORS;
use super::names::Names;
use crate::ast::{Equation, Expr, ExprKind, Index, LeftIndex, Span};

/// Notes every name that stands where only an index can stand.
pub fn collect_indices(equation: &Equation, names: &mut Names<'_>) {
    let mut note = |name: &str, span: Span| {
        names.indices.entry(name.to_owned()).or_insert(span);
    };
    for left in &equation.indices {
        match left {
            LeftIndex::Group(group) => group.members.iter().for_each(|m| note(&m.name.text, m.name.span)),
            LeftIndex::Sized(sized) => note(&sized.name.text, sized.name.span),
            LeftIndex::Expr(Expr { kind: ExprKind::Name(name), span }) => note(name, *span),
            LeftIndex::Expr(_) => {}
        }
    }
    walk(&equation.body, &mut |expr| match &expr.kind {
        ExprKind::Reduce(reduce) => reduce.binders.iter().for_each(|b| note(&b.name.text, b.name.span)),
        ExprKind::Transform(transform) => {
            transform.from.iter().chain(&transform.to).for_each(|b| note(&b.name.text, b.name.span));
        }
        ExprKind::Access(access) => {
            for index in &access.indices {
                if let Index::Group(group) = index {
                    group.members.iter().for_each(|m| note(&m.name.text, m.name.span));
                }
            }
        }
        _ => {}
    });
}

pub fn sizes_of_equation(equation: &Equation, names: &mut Names<'_>) {
    for left in &equation.indices {
        match left {
            LeftIndex::Sized(sized) => collect_sizes(&sized.size, &[], names),
            LeftIndex::Group(group) => {
                group
                    .members
                    .iter()
                    .filter_map(|m| m.size.as_ref())
                    .for_each(|s| collect_sizes(s, &[], names));
            }
            LeftIndex::Expr(_) => {}
        }
    }
    binder_sizes(&equation.body, &[], names);
}

pub fn binder_sizes(body: &Expr, formals: &[&str], names: &mut Names<'_>) {
    walk(body, &mut |expr| {
        let binders: Vec<&crate::ast::Binder> = match &expr.kind {
            ExprKind::Reduce(reduce) => reduce.binders.iter().collect(),
            ExprKind::Transform(transform) => transform.from.iter().chain(&transform.to).collect(),
            ExprKind::Access(access) => {
                let groups = access.indices.iter().filter_map(|index| match index {
                    Index::Group(group) => Some(&group.members),
                    Index::Expr(_) => None,
                });
                groups.flatten().collect()
            }
            ExprKind::Call(call) if CONSTANT_TENSORS.contains(&call.name.text.as_str()) => {
                call.arguments.iter().for_each(|argument| collect_sizes(argument, formals, names));
                return;
            }
            _ => return,
        };
        for binder in binders {
            if let Some(size) = &binder.size {
                collect_sizes(size, formals, names);
            }
        }
    });
}

/// Names in a size that are nothing else yet are sizes.
pub fn collect_sizes(size: &Expr, formals: &[&str], names: &mut Names<'_>) {
    walk(size, &mut |expr| {
        if let ExprKind::Name(name) = &expr.kind
            && names.get(name).is_none()
            && !names.indices.contains_key(name)
            && !formals.contains(&name.as_str())
        {
            names.add_symbol(name, expr.span, false);
        }
    });
}

/// Calls `visit` with every expression inside `expr`, itself first.
pub fn walk<'e>(expr: &'e Expr, visit: &mut dyn FnMut(&'e Expr)) {
    visit(expr);
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::Name(_) | ExprKind::Table(_) => {}
        ExprKind::Neg(a) | ExprKind::Not(a) | ExprKind::Iverson(a) => walk(a, visit),
        ExprKind::Power(a, b) => {
            walk(a, visit);
            walk(b, visit);
        }
        ExprKind::Chain(chain) => {
            walk(&chain.first, visit);
            chain.rest.iter().for_each(|(_, operand)| walk(operand, visit));
        }
        ExprKind::Compare(compare) => {
            walk(&compare.first, visit);
            compare.rest.iter().for_each(|(_, operand)| walk(operand, visit));
        }
        ExprKind::If(parts) => {
            walk(&parts.condition, visit);
            walk(&parts.then, visit);
            walk(&parts.otherwise, visit);
        }
        ExprKind::Call(call) => call.arguments.iter().for_each(|argument| walk(argument, visit)),
        ExprKind::Access(access) => {
            walk(&access.base, visit);
            for index in &access.indices {
                if let Index::Expr(expr) = index {
                    walk(expr, visit);
                }
            }
            if let Some(outside) = &access.outside {
                walk(outside, visit);
            }
        }
        ExprKind::Reduce(reduce) => {
            reduce.guards.iter().for_each(|guard| walk(guard, visit));
            walk(&reduce.body, visit);
        }
        ExprKind::Transform(transform) => walk(&transform.body, visit),
    }
}
