//! Calls: casts, built-in functions, and functions of the file, which are replaced by their bodies.

use super::{Binding, Resolver};
use crate::ast::{self, Span, TypeName};
use crate::check::functions::{BUILTINS, CONSTANT_TENSORS, ELSEWHERE, builtin};
use crate::check::names::{self, Entity};
use crate::check::resolved::{Expr, ExprKind};
use crate::check::scan;
use crate::diagnostic::{Code, Diagnostic, nearest};
use std::rc::Rc;

impl Resolver<'_, '_> {
    pub(super) fn call(&mut self, call: &ast::Call, span: Span) -> Expr {
        let name = call.name.text.as_str();
        if let Some((Entity::Function(position), _)) = self.names.get(name) {
            return self.inline(*position, call, span);
        }
        if matches!(name, "w3j" | "gaunt" | "grad") {
            self.not_yet(name, span);
            return self.opaque(span);
        }
        if CONSTANT_TENSORS.contains(&name) {
            self.found.push(
                Diagnostic::new(
                    Code::MissingIndices,
                    format!("{name}(..) is a tensor and stands without indices"),
                )
                .label(span, "which element?")
                .help("write dft(n)[k,x]"),
            );
            return self.opaque(span);
        }
        if matches!(name, "max" | "min") && call.arguments.len() == 1 {
            // A reduction is meant, which would bind the indices of the argument.
            return self.wrong_count(name, 2, call, span);
        }
        let saved = self.in_place;
        let arguments: Vec<Expr> = call.arguments.iter().map(|argument| self.expr(argument)).collect();
        self.in_place = saved;
        if let Some(type_name) = TypeName::from_text(name) {
            let Ok([argument]) = <[Expr; 1]>::try_from(arguments) else {
                return self.wrong_count(name, 1, call, span);
            };
            let dtype = names::dtype(type_name, self.options);
            return Expr { kind: ExprKind::Cast(dtype, Box::new(argument)), span };
        }
        match builtin(name) {
            Some((arity, _)) if arity != arguments.len() => self.wrong_count(name, arity, call, span),
            Some((_, function)) => Expr { kind: ExprKind::Call(function, arguments), span },
            None => self.unknown_function(call, span),
        }
    }

    fn wrong_count(&mut self, name: &str, arity: usize, call: &ast::Call, span: Span) -> Expr {
        let given = call.arguments.len();
        let noun = if arity == 1 { "argument" } else { "arguments" };
        let mut diagnostic =
            Diagnostic::new(Code::WrongArgumentCount, format!("{name} takes {arity} {noun}, not {given}"))
                .label(span, format!("{given} given"));
        if let Some((Entity::Function(_), at)) = self.names.get(name) {
            diagnostic = diagnostic.label(at, "defined here");
        }
        let help = match (name, given, call.arguments.as_slice()) {
            ("max" | "min", 1, [argument]) => {
                let index = first_index(argument).unwrap_or("j");
                let what = if name == "max" { "largest" } else { "smallest" };
                let argument = argument.span.text(self.source);
                let argument = if argument.is_empty() || argument.len() > 60 { ".." } else { argument };
                format!(
                    "for the {what} over {index} write {name}[{index}] {argument}; of two numbers {name}(a, b)"
                )
            }
            ("max" | "min", _, _) => format!("nest the calls: {name}(a, {name}(b, c))"),
            _ => format!("call it with {arity} {noun}"),
        };
        self.found.push(diagnostic.help(help));
        self.opaque(span)
    }

    fn unknown_function(&mut self, call: &ast::Call, span: Span) -> Expr {
        let name = call.name.text.as_str();
        if ast::ReduceOp::from_text(name).is_some() {
            let message = format!("`{name}` takes its indices in square brackets");
            let diagnostic = Diagnostic::new(Code::ReductionBrackets, message)
                .label(call.name.span, "a reduction, not a function")
                .help(format!("write {name}[j] A[j], with the indices that disappear in the brackets"));
            self.found.push(diagnostic);
            return self.opaque(span);
        }
        let diagnostic = Diagnostic::new(Code::UnknownFunction, format!("unknown function `{name}`"))
            .label(call.name.span, "neither built in nor defined with fn");
        let own = self.names.functions.iter().map(|function| function.name.text.as_str());
        let casts = TypeName::ALL.iter().map(|(_, spelling)| *spelling);
        let candidates = own.chain(BUILTINS.iter().map(|row| row.0)).chain(casts);
        let help = match self.names.get(name) {
            Some((Entity::Tensor(_), _)) => {
                format!("`{name}` is a tensor: index it with square brackets, {name}[..]")
            }
            Some((entity, _)) => format!("`{name}` is a {}: write * for a product", entity.noun()),
            None => match (ELSEWHERE.iter().find(|row| row.0 == name), nearest(name, candidates)) {
                (Some((_, instead)), _) => (*instead).to_owned(),
                (None, Some(near)) => format!("did you mean `{near}`?"),
                (None, None) => format!("define it: fn {name}(x) = .."),
            },
        };
        self.found.push(diagnostic.help(help));
        self.opaque(span)
    }

    fn inline(&mut self, position: usize, call: &ast::Call, span: Span) -> Expr {
        let function = self.names.functions[position];
        let arguments: Vec<Expr> = call.arguments.iter().map(|argument| self.expr(argument)).collect();
        if self.functions.contains(&position) {
            if self.reported.insert(format!("({}", function.name.text)) {
                self.found.push(
                    Diagnostic::new(
                        Code::RecursiveFunction,
                        format!("the function {} calls itself", function.name.text),
                    )
                    .label(span, "called again here")
                    .label(function.name.span, "defined here")
                    .help("a recurrence is an equation that mentions t-1: y[t:T] = .. y[t-1 | 0] .."),
                );
            }
            return self.opaque(span);
        }
        if arguments.len() != function.formals.len() {
            return self.wrong_count(&function.name.text, function.formals.len(), call, span);
        }
        let (saved_base, saved_length, saved_place) = (self.scope_base, self.scope.len(), self.in_place);
        let formals = function.formals.iter().zip(arguments).map(|(formal, argument)| {
            let (mut nodes, depth) = (0, depth(&argument));
            argument.walk(&mut |_| nodes += 1);
            (formal.text.clone(), Binding::Formal(Rc::new(argument), nodes, depth))
        });
        self.scope.extend(formals);
        self.scope_base = saved_length;
        self.functions.push(position);
        let body = self.expr(&function.body);
        self.functions.pop();
        self.scope.truncate(saved_length);
        (self.scope_base, self.in_place) = (saved_base, saved_place);
        body
    }
}

/// The first index that stands by itself in a read.
fn first_index(expr: &ast::Expr) -> Option<&str> {
    let mut first = None;
    scan::walk(expr, &mut |expr| {
        if let ast::ExprKind::Access(access) = &expr.kind {
            let bare = access.indices.iter().find_map(|index| match index {
                ast::Index::Expr(ast::Expr { kind: ast::ExprKind::Name(name), .. }) => Some(name.as_str()),
                _ => None,
            });
            first = first.or(bare);
        }
    });
    first
}

fn depth(expr: &Expr) -> usize {
    1 + expr.children().into_iter().map(depth).max().unwrap_or(0)
}
