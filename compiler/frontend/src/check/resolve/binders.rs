//! Reductions and transforms: the constructs that bind indices.

use super::{Binding, Resolver};
use crate::ast::{self, Binder, ReduceOp, Span, TransformKind};
use crate::check::resolved::{Expr, ExprKind, Origin, Reduce, Transform, VariableId};
use crate::diagnostic::{Code, Diagnostic};

impl Resolver<'_, '_> {
    pub(super) fn reduce(&mut self, reduce: &ast::Reduce, span: Span) -> Expr {
        if matches!(reduce.op, ReduceOp::Argmax | ReduceOp::Argmin) && reduce.binders.len() != 1 {
            let last = reduce.binders.last().map_or(reduce.op_span, |binder| binder.span);
            self.found.push(
                Diagnostic::new(Code::ArgumentOfOneIndex, "argmax and argmin take one index")
                    .label(reduce.op_span.join(last), format!("{} indices", reduce.binders.len()))
                    .help("bind one index and put the others on the left"),
            );
            self.broken = true;
        }
        let saved = std::mem::take(&mut self.in_place);
        let keeps = reduce.op == ReduceOp::Softmax;
        let (scope, open) = (self.scope.len(), self.open.len());
        let variables: Vec<VariableId> =
            if keeps { self.kept(&reduce.binders, "softmax") } else { self.bind(&reduce.binders) };
        let guards = reduce.guards.iter().map(|guard| self.expr(guard)).collect();
        let body = self.expr(&reduce.body);
        self.scope.truncate(scope);
        self.open.truncate(open);
        self.in_place = saved;
        let resolved = Reduce { op: reduce.op, op_span: reduce.op_span, variables, guards, body };
        Expr { kind: ExprKind::Reduce(Box::new(resolved)), span }
    }

    pub(super) fn transform(&mut self, transform: &ast::Transform, span: Span) -> Expr {
        if transform.from.len() != transform.to.len() {
            self.found.push(
                Diagnostic::new(
                    Code::TransformSizes,
                    format!(
                        "{} indices before the arrow, {} after it",
                        transform.from.len(),
                        transform.to.len()
                    ),
                )
                .label(span, "each index before the arrow has one after it")
                .help("write for example rfft[x,y -> kx,ky]"),
            );
            return self.opaque(span);
        }
        let saved = std::mem::take(&mut self.in_place);
        let to = self.kept(&transform.to, "a transform");
        let (scope, open) = (self.scope.len(), self.open.len());
        let from = self.bind(&transform.from);
        let body = self.expr(&transform.body);
        self.scope.truncate(scope);
        self.open.truncate(open);
        self.in_place = saved;
        if to.len() != from.len() {
            return self.opaque(span);
        }
        if transform.kind == TransformKind::Irfft
            && let Some(binder) = transform.to.iter().find(|binder| binder.size.is_none())
            && let Some(id) = to.get(transform.to.iter().position(|b| b == binder).unwrap_or(0))
        {
            // The declared shape of the left side may still give the size; `sizes` decides.
            self.variables[id.index()].placed = true;
        }
        let resolved = Transform { kind: transform.kind, kind_span: transform.kind_span, from, to, body };
        Expr { kind: ExprKind::Transform(Box::new(resolved)), span }
    }

    /// Indices that the construct introduces.
    fn bind(&mut self, binders: &[Binder]) -> Vec<VariableId> {
        let start = self.scope.len();
        let mut variables = Vec::new();
        for binder in binders {
            let (name, span) = (&binder.name.text, binder.name.span);
            if let Some((_, Binding::Variable(first))) =
                self.scope[start..].iter().find(|(known, _)| known == name)
            {
                let at = self.variables[first.index()].span;
                self.found.push(
                    Diagnostic::new(Code::IndexBoundTwice, format!("index {name} is bound twice"))
                        .label(span, "again here")
                        .label(at, "bound here")
                        .help("rename one of them"),
                );
                self.broken = true;
                continue;
            }
            if self.functions.is_empty() {
                self.refuse_taken_name(name, span);
            }
            let id = self.variable(name, span, Origin::Bound);
            self.state_size(id, binder.size.as_ref());
            self.open.push(id);
            self.scope.push((name.clone(), Binding::Variable(id)));
            variables.push(id);
        }
        variables
    }

    /// Indices that the construct keeps: they are on the left or bound further out.
    fn kept(&mut self, binders: &[Binder], construct: &'static str) -> Vec<VariableId> {
        let mut variables = Vec::new();
        for binder in binders {
            self.keeps = Some(construct);
            let existing = self.existing_index(&binder.name.text, binder.name.span);
            self.keeps = None;
            if let Some(id) = existing {
                self.state_size(id, binder.size.as_ref());
                variables.push(id);
            }
        }
        variables
    }
}
