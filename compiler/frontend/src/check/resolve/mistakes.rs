//! What can be wrong with names: unbound, unknown, taken.

use super::Resolver;
use crate::ast::{BinaryOp, Span};
use crate::check::functions::builtin;
use crate::check::names::Entity;
use crate::check::resolved::{Expr, ExprKind, VariableId};
use crate::diagnostic::{Code, Diagnostic, nearest};
use std::collections::BTreeSet;

/// The indices that an expression depends on.
fn free(expr: &Expr) -> BTreeSet<VariableId> {
    let mut present = BTreeSet::new();
    expr.free_indices(&mut |variable| {
        present.insert(variable);
    });
    present
}

/// The terms of a chain of `+` and `-`.
fn sum(expr: &Expr) -> Option<(&Expr, &[(BinaryOp, Expr)])> {
    match &expr.kind {
        ExprKind::Chain(first, rest) if matches!(rest.first(), Some((BinaryOp::Add | BinaryOp::Sub, _))) => {
            Some((first, rest))
        }
        _ => None,
    }
}

/// The text of a sum of terms with `sum[..]` before those terms that have all the reduced indices;
/// `None` if some have only a part of them, since there is more than one repair then.
fn repaired_sum(source: &str, body: &Expr, names: &str, reduced: &[VariableId]) -> Option<String> {
    let mut text = String::new();
    let mut pending = vec![("", body)];
    while let Some((sign, expr)) = pending.pop() {
        match sum(expr) {
            Some((first, rest)) if sign != "-" => {
                pending.extend(rest.iter().rev().map(|(op, term)| (op.text(), term)));
                pending.push((sign, first));
            }
            Some(_) => return None,
            _ => {
                let present = free(expr);
                let count = reduced.iter().filter(|id| present.contains(id)).count();
                let written = expr.span.text(source);
                if !(count == 0 || count == reduced.len()) || written.is_empty() || written.len() > 60 {
                    return None;
                }
                if !sign.is_empty() {
                    text.push_str(&format!(" {sign} "));
                }
                if count > 0 {
                    text.push_str(&format!("sum[{names}] "));
                }
                text.push_str(written);
            }
        }
    }
    Some(text)
}

impl Resolver<'_, '_> {
    /// An index must not have the name of something else.
    pub(super) fn refuse_taken_name(&mut self, name: &str, span: Span) {
        let Some((entity, at)) = self.names.get(name) else { return };
        self.broken = true;
        let noun = entity.noun();
        let diagnostic = match entity {
            Entity::Size(_) => Diagnostic::new(
                Code::SizeAsIndex,
                format!("`{name}` is a size (how long an axis is) and cannot be an index"),
            )
            .label(span, "used as an index")
            .label(at, "a size here")
            .help(format!(
                "choose an index with another name: its size {name} is found from where it stands"
            )),
            _ => Diagnostic::new(
                Code::NameClash,
                format!("index {name} has the same name as the {noun} {name}"),
            )
            .label(span, "used as an index")
            .label(at, format!("a {noun} here"))
            .help("rename one of them"),
        };
        self.found.push(diagnostic);
    }

    /// Under `+=` every term must have every reduced index.
    pub(super) fn require_index_in_terms(&mut self, body: &Expr, reduced: &[VariableId], left_span: Span) {
        if reduced.is_empty() {
            return;
        }
        let mut terms = Vec::new();
        let mut pending = vec![body];
        while let Some(expr) = pending.pop() {
            match &expr.kind {
                ExprKind::Neg(a) => pending.push(a),
                _ => match sum(expr) {
                    Some((first, rest)) => {
                        pending.extend(rest.iter().rev().map(|(_, term)| term));
                        pending.push(first);
                    }
                    None => terms.push(expr),
                },
            }
        }
        let names: Vec<&str> = reduced.iter().map(|id| &*self.variables[id.index()].name).collect();
        let repaired = repaired_sum(self.source, body, &names.join(","), reduced);
        for term in terms {
            let present = free(term);
            if let Some(missing) = reduced.iter().find(|variable| !present.contains(variable)) {
                let variable = &self.variables[missing.index()];
                self.found.push(
                    Diagnostic::new(
                        Code::TermWithoutIndex,
                        format!("a term under += lacks the reduced index {}", variable.name),
                    )
                    .label(term.span, format!("{} does not occur here", variable.name))
                    .label(variable.span, format!("{} is reduced", variable.name))
                    .help(match &repaired {
                        Some(text) => format!("write {} = {text}", left_span.text(self.source)),
                        None => format!(
                            "write {0}[..] = sum[{1}] .. + .. with this term outside the sum",
                            self.left_name, variable.name
                        ),
                    }),
                );
                self.broken = true;
            }
        }
    }

    pub(super) fn unbound_index(&mut self, name: &str, span: Span) {
        self.broken = true;
        let left = &self.left_name;
        let in_scope = self.scope[self.scope_base..].iter().map(|(known, _)| known.as_str());
        let near = if name.chars().count() > 2 { nearest(name, in_scope) } else { None };
        if let Some(construct) = self.keeps {
            self.found.push(
                Diagnostic::new(
                    Code::IndexUnbound,
                    format!("index {name} is neither on the left of {left} nor bound: {construct} keeps it"),
                )
                .label(span, format!("{name} is unbound here"))
                .help(match (near, construct) {
                    (Some(near), _) => format!("did you mean `{near}`?"),
                    (None, "softmax") => {
                        format!("put {name} on the left of {left}, or use logsumexp[{name}] or sum[{name}], which reduce")
                    }
                    (None, _) => format!("put {name} on the left of {left}, or reduce it: sum[{name}] .."),
                }),
            );
            return;
        }
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                format!("write sum[{name}] .., or {left}[..] += .. to sum over it, or put {name} on the left")
            }
        };
        self.found.push(
            Diagnostic::new(
                Code::IndexUnbound,
                format!(
                    "index {name} is neither on the left of {left} nor bound: write sum[{name}] ... or {left}[..] += ..."
                ),
            )
            .label(span, format!("{name} is unbound here"))
            .help(help),
        );
    }

    pub(super) fn unknown_name(&mut self, name: &str, span: Span) {
        self.broken = true;
        let visible: Vec<String> =
            self.scope[self.scope_base..].iter().map(|(known, _)| known.clone()).collect();
        let candidates = visible.iter().map(String::as_str).chain(self.names.all());
        let constants = ["pi", "inf", "nan", "true", "false"];
        if builtin(name).is_some() {
            self.found.push(
                Diagnostic::new(Code::UnknownName, format!("`{name}` is a function"))
                    .label(span, "used as a value")
                    .help(format!("call it: {name}(..)")),
            );
            return;
        }
        let diagnostic = Diagnostic::new(Code::UnknownName, format!("unknown name `{name}`"))
            .label(span, "not a tensor, size, parameter or index");
        let help = match nearest(name, candidates.chain(constants)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "declare it, for example `param {name} : f64`, or define it: {name} = ..; an index stands on the left, or a reduction binds it"
            ),
        };
        self.found.push(diagnostic.help(help));
    }
}
