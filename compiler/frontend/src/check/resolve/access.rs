//! Reads: `A[i, j+1, (g k) | 0]`, tables and constant tensors.

use super::{Binding, Resolver};
use crate::ast::{self, Index, Number, Span, Table, TableEntry};
use crate::check::names::Entity;
use crate::check::resolved::{
    Expr, ExprKind, Place, PlaceKind, Read, Source, TableData, TensorId, VariableId,
};
use crate::check::{Diagnostics, axes, constants};
use crate::diagnostic::{Code, Diagnostic, nearest};
use std::rc::Rc;
use tcc_ir::Extent;
use tcc_ir::scalar::Literal;

impl Resolver<'_, '_> {
    pub(super) fn access(&mut self, access: &ast::Access, span: Span) -> Expr {
        let source = match &access.base.kind {
            ast::ExprKind::Name(name) => self.tensor_name(name, access.base.span).map(|id| {
                let rank = self.names.tensor(id).rank;
                (Source::Tensor(id), name.clone(), rank, Some(self.names.tensor(id).span))
            }),
            ast::ExprKind::Call(call) => self.constant_tensor(call, access.base.span),
            ast::ExprKind::Table(table) => self.table(table, access.base.span),
            _ => None,
        };
        let declared = match &source {
            Some((Source::Tensor(id), ..)) => self.declared_symbols(*id),
            _ => Vec::new(),
        };
        let mut places = Vec::new();
        for (axis, index) in access.indices.iter().enumerate() {
            let symbol = declared.get(axis).and_then(|symbol| symbol.as_deref());
            places.push(self.place(index, symbol));
        }
        let outside = access.outside.as_ref().map(|outside| {
            let saved = std::mem::take(&mut self.in_place);
            let value = self.expr(outside);
            self.in_place = saved;
            value
        });
        let Some((source, name, rank, at)) = source else { return self.opaque(span) };
        if rank != places.len() {
            let mut diagnostic = Diagnostic::new(
                Code::RankMismatch,
                format!("{name} has {}, indexed with {}", axes(rank), places.len()),
            )
            .label(span, format!("indexed with {}", places.len()));
            diagnostic = match at {
                // A free tensor of an expression is not declared: this read is all that there is.
                Some(at) if at.start == span.start => {
                    diagnostic.label(at, format!("the operand has {}", axes(rank)))
                }
                Some(at) => diagnostic.label(at, format!("{} here", axes(rank))),
                None => diagnostic,
            };
            let help = if rank == 0 {
                format!("{name} is a single number: write it without brackets")
            } else {
                "give one index for each axis".to_owned()
            };
            self.found.push(diagnostic.help(help));
            return self.opaque(span);
        }
        let read = Read { source, name, places, outside };
        Expr { kind: ExprKind::Read(Box::new(read)), span }
    }

    /// The names of the sizes in the declared shape of a tensor, where an axis is just a size.
    fn declared_symbols(&self, id: TensorId) -> Vec<Option<String>> {
        let declared = self.names.tensor(id).declared.as_ref();
        let dims = declared.and_then(|declared| declared.dims.as_ref());
        let symbol = |dim: &Extent| dim.as_symbol().map(|name| name.to_string());
        dims.map(|dims| dims.iter().map(symbol).collect()).unwrap_or_default()
    }

    fn place(&mut self, index: &Index, declared: Option<&str>) -> Place {
        let span = index.span();
        let kind = match index {
            Index::Group(group) => {
                let members: Vec<Option<VariableId>> = group
                    .members
                    .iter()
                    .map(|member| {
                        let id = self.existing_index(&member.name.text, member.name.span);
                        if let Some(id) = id {
                            self.state_size(id, member.size.as_ref());
                        }
                        id
                    })
                    .collect();
                match members.into_iter().collect::<Option<Vec<_>>>() {
                    Some(members) => PlaceKind::Group(members),
                    None => PlaceKind::Computed(self.opaque(span)),
                }
            }
            Index::Expr(expr) => {
                if let ast::ExprKind::Name(name) = &expr.kind
                    && Some(name.as_str()) == declared
                    && self.lookup(name).is_none()
                    && let Some((Entity::Size(_), _)) = self.names.get(name)
                {
                    self.refuse_taken_name(name, span);
                    return Place { kind: PlaceKind::Computed(self.opaque(span)), span };
                }
                self.in_place += 1;
                let resolved = self.expr(expr);
                self.in_place -= 1;
                match resolved.kind {
                    ExprKind::Index(id) => PlaceKind::Bare(id),
                    _ => PlaceKind::Computed(resolved),
                }
            }
        };
        self.placed(&kind);
        Place { kind, span }
    }

    /// An index that must already be in scope (or that `+=` reduces).
    pub(super) fn existing_index(&mut self, name: &str, span: Span) -> Option<VariableId> {
        self.in_place += 1;
        let resolved = match self.lookup(name) {
            None if self.names.get(name).is_some() => {
                self.refuse_taken_name(name, span);
                self.opaque(span)
            }
            _ => self.name(name, span),
        };
        self.in_place -= 1;
        match resolved.kind {
            ExprKind::Index(id) => Some(id),
            ExprKind::Opaque => None,
            _ => {
                self.found.push(
                    Diagnostic::new(Code::UnknownName, format!("`{name}` is not an index here"))
                        .label(span, "an index is needed")
                        .help("put an index here"),
                );
                self.broken = true;
                None
            }
        }
    }

    fn tensor_name(&mut self, name: &str, span: Span) -> Option<TensorId> {
        if let Some(binding) = self.lookup(name) {
            let noun = match binding {
                Binding::Variable(_) => "an index",
                Binding::Formal(..) => "a formal of a function, which is a single number",
            };
            self.found.push(
                Diagnostic::new(Code::RankMismatch, format!("`{name}` is {noun}, not a tensor"))
                    .label(span, "indexed like a tensor")
                    .help("only tensors have elements"),
            );
            return None;
        }
        match self.names.get(name) {
            Some((Entity::Tensor(id), _)) => Some(*id),
            Some((entity, at)) => {
                let noun = entity.noun();
                let help = match entity {
                    Entity::Function(_) => format!("call it with round brackets: {name}(..)"),
                    _ => format!("a {noun} is a single number: write it without brackets"),
                };
                self.found.push(
                    Diagnostic::new(Code::RankMismatch, format!("`{name}` is a {noun}, not a tensor"))
                        .label(span, "indexed like a tensor")
                        .label(at, format!("a {noun} here"))
                        .help(help),
                );
                None
            }
            None => {
                if self.reported.insert(format!("[{name}")) {
                    let tensors = self.names.tensors.iter().map(|tensor| &*tensor.name);
                    let diagnostic = Diagnostic::new(Code::UnknownName, format!("unknown tensor `{name}`"))
                        .label(span, "no in, out, var or equation has this name");
                    let help = match nearest(name, tensors) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None if super::super::functions::builtin(name).is_some() => {
                            format!("call the function with round brackets: {name}(..)")
                        }
                        None => format!("declare it, for example `in {name} : f32[n]`"),
                    };
                    self.found.push(diagnostic.help(help));
                }
                None
            }
        }
    }

    fn constant_tensor(
        &mut self,
        call: &ast::Call,
        span: Span,
    ) -> Option<(Source, String, usize, Option<Span>)> {
        match call.name.text.as_str() {
            "dft" if call.arguments.len() == 1 => {
                let mut aside = Diagnostics::default();
                match constants::extent(&call.arguments[0], self.names, &mut aside) {
                    Ok(extent) => Some((Source::Dft(extent), "dft".into(), 2, None)),
                    Err(_) => {
                        for mut diagnostic in aside.list {
                            if diagnostic.code == Code::SizeNotInteger {
                                diagnostic.code = Code::ConstantArguments;
                                diagnostic.message =
                                    "the length of a dft must be known when the program is compiled or called".into();
                            }
                            self.found.push(diagnostic);
                        }
                        None
                    }
                }
            }
            "dft" => {
                self.found.push(
                    Diagnostic::new(
                        Code::WrongArgumentCount,
                        format!("dft takes 1 argument, not {}", call.arguments.len()),
                    )
                    .label(span, "one length")
                    .help("write dft(n)[k,x]"),
                );
                None
            }
            name @ ("w3j" | "gaunt" | "grad") => {
                self.not_yet(name, span);
                None
            }
            name => {
                self.found.push(
                    Diagnostic::new(
                        Code::RankMismatch,
                        format!("{name}(..) is a single number, not a tensor"),
                    )
                    .label(span, "indexed like a tensor")
                    .help("index the arguments instead: f(x[i])"),
                );
                None
            }
        }
    }

    pub(super) fn not_yet(&mut self, name: &str, span: Span) {
        self.found.push(
            Diagnostic::new(Code::NotYet, format!("{name} is not yet implemented"))
                .label(span, "not yet implemented")
                .help(match name {
                    "grad" => "write the gradient out as equations",
                    _ => "give the constants as an operand or as a table {..}",
                }),
        );
        self.broken = true;
    }

    fn table(&mut self, table: &Table, span: Span) -> Option<(Source, String, usize, Option<Span>)> {
        let mut shape = Vec::new();
        let mut level = table;
        loop {
            shape.push(level.entries.len());
            match level.entries.first() {
                Some(TableEntry::Table(inner, _)) => level = inner,
                _ => break,
            }
        }
        let mut elements = Vec::new();
        if let Err(at) = flatten(table, &shape, &mut elements) {
            self.found.push(
                Diagnostic::new(Code::RaggedTable, "the rows of this table differ in length")
                    .label(at, format!("not like the first row, which makes the shape {shape:?}"))
                    .label(span, "a table is a tensor")
                    .help("give every row the same number of entries"),
            );
            return None;
        }
        let float = elements.iter().any(|element| matches!(element, Number::Float(_)));
        let elements = elements.into_iter().map(|number| match number {
            Number::Int(value) if float => Literal::Real(value as f64),
            Number::Int(value) => Literal::Int(value),
            Number::Float(value) => Literal::Real(value),
        });
        let rank = shape.len();
        let data = TableData { shape, elements: elements.collect() };
        Some((Source::Table(Rc::new(data)), "the table".into(), rank, Some(span)))
    }
}

fn flatten(table: &Table, shape: &[usize], elements: &mut Vec<Number>) -> Result<(), Span> {
    for entry in &table.entries {
        match entry {
            TableEntry::Number(number, span) => {
                if shape.len() != 1 {
                    return Err(*span);
                }
                elements.push(*number);
            }
            TableEntry::Table(inner, span) => {
                if shape.len() < 2 || inner.entries.len() != shape[1] {
                    return Err(*span);
                }
                flatten(inner, &shape[1..], elements)?;
            }
        }
    }
    Ok(())
}
