//! Replaces every name by what it stands for, and every call of a function of the file by its body.

mod access;
mod binders;
mod calls;
mod mistakes;

use super::names::{Entity, Names};
use super::resolved::{
    Equation, Expr, ExprKind, Left, Origin, PlaceKind, Read, Source, TensorId, Variable, VariableId,
};
use super::{Diagnostics, Options, Reported, constants};
use crate::ast::{self, AssignOp, LeftIndex, Number, Span};
use crate::diagnostic::{Code, Diagnostic, nearest};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use tcc_ir::{Dtype, Extent};

/// How deep an expression may be after functions are replaced.
const MAX_DEPTH: usize = 2000;

/// How many nodes replacing functions may add to one program.
const MAX_INLINED: usize = 2_000_000;

/// What a name means inside a scope.
#[derive(Clone)]
enum Binding {
    Variable(VariableId),
    /// A formal of a function: its argument, how many nodes it has and how deep it is.
    Formal(Rc<Expr>, usize, usize),
}

/// Resolves equations, one at a time.
pub struct Resolver<'a, 'n> {
    pub names: &'n Names<'a>,
    pub options: &'n Options,
    pub found: &'n mut Diagnostics,
    /// The text of the program.
    pub source: &'n str,
    /// Nodes added by replacing functions, over the whole program.
    inlined: usize,
    /// Whether [`MAX_INLINED`] has been reported.
    too_large: bool,
    // Of the equation at hand:
    variables: Vec<Variable>,
    scope: Vec<(String, Binding)>,
    /// Names below this position of `scope` are not visible (those around a call of a function).
    scope_base: usize,
    /// Bound variables that are open, for telling axes apart.
    open: Vec<VariableId>,
    implicit: Vec<(String, VariableId)>,
    op: AssignOp,
    left_name: String,
    functions: Vec<usize>,
    in_place: usize,
    depth: usize,
    /// The construct whose kept indices are being read: they must be in scope.
    keeps: Option<&'static str>,
    broken: bool,
    reported: BTreeSet<String>,
}

impl<'a, 'n> Resolver<'a, 'n> {
    pub fn new(
        source: &'n str,
        names: &'n Names<'a>,
        options: &'n Options,
        found: &'n mut Diagnostics,
    ) -> Self {
        Resolver {
            names,
            options,
            found,
            source,
            inlined: 0,
            too_large: false,
            variables: Vec::new(),
            scope: Vec::new(),
            scope_base: 0,
            open: Vec::new(),
            implicit: Vec::new(),
            op: AssignOp::Set,
            left_name: String::new(),
            functions: Vec::new(),
            in_place: 0,
            depth: 0,
            keeps: None,
            broken: false,
            reported: BTreeSet::new(),
        }
    }

    fn reset(&mut self, op: AssignOp, left_name: &str) {
        self.variables.clear();
        self.scope.clear();
        self.scope_base = 0;
        self.open.clear();
        self.implicit.clear();
        self.op = op;
        self.left_name = left_name.to_owned();
        self.functions.clear();
        self.in_place = 0;
        self.depth = 0;
        self.broken = false;
        self.reported.clear();
    }

    /// Resolves an equation that defines `tensor`.
    pub fn equation(
        &mut self,
        source: &ast::Equation,
        tensor: TensorId,
        accumulator: Option<(Dtype, Span)>,
    ) -> Equation {
        self.reset(source.op, &source.name.text);
        // A computed place may mention an index that stands by itself further right.
        source.indices.iter().for_each(|index| self.introduce(index));
        let left: Vec<Left> = source.indices.iter().map(|index| self.left(index)).collect();
        let before_body = self.implicit.len();
        let body = self.expr(&source.body);
        let reduced: Vec<VariableId> = self.implicit[before_body..].iter().map(|(_, id)| *id).collect();
        if source.op == AssignOp::Add && !self.broken {
            self.require_index_in_terms(&body, &reduced, source.left_span);
        }
        for (name, id) in self.implicit.clone() {
            if !self.variables[id.index()].placed {
                self.unknown_name(&name, self.variables[id.index()].span);
            }
        }
        let equation = Equation {
            tensor,
            left,
            op: source.op,
            body,
            variables: std::mem::take(&mut self.variables),
            accumulator,
            left_span: source.left_span,
            broken: self.broken,
        };
        if equation.op == AssignOp::Set {
            return self.refuse_computed_left(equation);
        }
        equation
    }

    /// Reports what is wrong with a function whether it is called or not.
    pub fn function(&mut self, position: usize) {
        let function = self.names.functions[position];
        self.reset(AssignOp::Set, &function.name.text);
        self.functions.push(position);
        let mut seen: Vec<&str> = Vec::new();
        for formal in &function.formals {
            if seen.contains(&formal.text.as_str()) {
                self.found.push(
                    Diagnostic::new(
                        Code::DuplicateDeclaration,
                        format!("`{}` has two formals `{}`", function.name.text, formal.text),
                    )
                    .label(formal.span, "again here")
                    .help("rename one of them"),
                );
            }
            seen.push(&formal.text);
            let opaque = Expr { kind: ExprKind::Opaque, span: formal.span };
            self.scope.push((formal.text.clone(), Binding::Formal(Rc::new(opaque), 1, 1)));
        }
        self.expr(&function.body);
    }

    fn refuse_computed_left(&mut self, mut equation: Equation) -> Equation {
        for left in &equation.left {
            let Left::Computed(place) = left else { continue };
            if let ExprKind::Size(_) | ExprKind::FloatParam(_) = place.kind {
                let name = place.span.text(self.source);
                let mut diagnostic = Diagnostic::new(
                    Code::NameClash,
                    format!("index {name} has the same name as the parameter {name}"),
                )
                .label(place.span, "used as an index");
                if let Some(at) = self.names.declared_at(&place.kind) {
                    diagnostic = diagnostic.label(at, "a parameter here");
                }
                self.found.push(diagnostic.help("rename one of them"));
                equation.broken = true;
            } else if !matches!(place.kind, ExprKind::Opaque) {
                self.found.push(
                    Diagnostic::new(
                        Code::ComputedPlace,
                        "the left side writes to a computed place: use += or max=",
                    )
                    .label(place.span, "not an index")
                    .label(equation.left_span, "several values may meet at one place")
                    .help(format!(
                        "write {}[..] += .. to add what meets; places never written are 0",
                        self.left_name
                    )),
                );
                equation.broken = true;
            }
        }
        equation
    }

    /// Makes the indices known that stand on the left by themselves or in a group.
    fn introduce(&mut self, index: &LeftIndex) {
        match index {
            LeftIndex::Sized(sized) => drop(self.left_variable(&sized.name.text, sized.name.span)),
            LeftIndex::Group(group) => {
                for member in &group.members {
                    self.left_variable(&member.name.text, member.name.span);
                }
            }
            LeftIndex::Expr(expr) => {
                if let Some(name) = self.bare_index(expr) {
                    self.left_variable(name, expr.span);
                }
            }
        }
    }

    /// The name of an index that stands by itself; parameters are numbers, and so are tensors without axes
    /// where places may be computed.
    fn bare_index<'e>(&self, expr: &'e ast::Expr) -> Option<&'e str> {
        let ast::ExprKind::Name(name) = &expr.kind else { return None };
        let number = match self.names.get(name) {
            Some((Entity::IntParam(_) | Entity::FloatParam(_), _)) => true,
            Some((Entity::Tensor(id), _)) => self.op != AssignOp::Set && self.names.tensor(*id).rank == 0,
            _ => false,
        };
        (!number).then_some(name)
    }

    fn left(&mut self, index: &LeftIndex) -> Left {
        match index {
            LeftIndex::Sized(sized) => {
                let variable = self.left_variable(&sized.name.text, sized.name.span);
                self.state_size(variable, Some(&sized.size));
                Left::Bare(variable, sized.name.span)
            }
            LeftIndex::Group(group) => {
                let members = group.members.iter().map(|member| {
                    let variable = self.left_variable(&member.name.text, member.name.span);
                    self.state_size(variable, member.size.as_ref());
                    variable
                });
                Left::Group(members.collect(), group.span)
            }
            LeftIndex::Expr(expr) => {
                if let Some(name) = self.bare_index(expr) {
                    return Left::Bare(self.left_variable(name, expr.span), expr.span);
                }
                // Under `=` this is refused later; its indices are known all the same.
                let op = std::mem::replace(&mut self.op, AssignOp::Add);
                self.in_place += 1;
                let place = self.expr(expr);
                self.in_place -= 1;
                self.op = op;
                Left::Computed(place)
            }
        }
    }

    fn left_variable(&mut self, name: &str, span: Span) -> VariableId {
        if let Some(Binding::Variable(known)) = self.lookup(name) {
            return known;
        }
        self.refuse_taken_name(name, span);
        let id = self.variable(name, span, Origin::Left);
        self.variables[id.index()].placed = true;
        self.scope.push((name.to_owned(), Binding::Variable(id)));
        id
    }

    /// A new index; its axis is unlike those of all indices that can meet it in a value.
    fn variable(&mut self, name: &str, span: Span, origin: Origin) -> VariableId {
        let id = VariableId(self.variables.len() as u32);
        let taken = |axis: &str| {
            let meets = |v: &Variable| v.origin != Origin::Bound && &*v.axis == axis;
            self.variables.iter().any(meets)
                || self.open.iter().any(|o| &*self.variables[o.index()].axis == axis)
        };
        let mut axis = name.to_owned();
        let mut count = 0;
        while taken(&axis) {
            count += 1;
            axis = format!("{name}.{count}");
        }
        self.variables.push(Variable {
            name: Arc::from(name),
            axis: Arc::from(axis),
            span,
            origin,
            stated: None,
            placed: false,
        });
        id
    }

    fn state_size(&mut self, variable: VariableId, size: Option<&ast::Expr>) {
        let Some(size) = size else { return };
        match constants::extent(size, self.names, self.found) {
            Ok(extent) => self.state_extent(variable, extent, size.span),
            Err(Reported) => self.broken = true,
        }
    }

    fn state_extent(&mut self, id: VariableId, extent: Extent, span: Span) {
        let variable = &mut self.variables[id.index()];
        match &variable.stated {
            Some((known, at)) if *known != extent => {
                self.found.push(
                    Diagnostic::new(
                        Code::IndexSizesDisagree,
                        format!("index {} is given the sizes {known} and {extent}", variable.name),
                    )
                    .label(*at, format!("{known} here"))
                    .label(span, format!("{extent} here"))
                    .help("state the size once"),
                );
                self.broken = true;
            }
            Some(_) => {}
            None => variable.stated = Some((extent, span)),
        }
    }

    fn lookup(&self, name: &str) -> Option<Binding> {
        self.scope[self.scope_base..].iter().rev().find(|(known, _)| known == name).map(|(_, b)| b.clone())
    }

    fn opaque(&mut self, span: Span) -> Expr {
        self.broken = true;
        Expr { kind: ExprKind::Opaque, span }
    }

    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Expr {
        self.depth += 1;
        let resolved = if self.depth > MAX_DEPTH {
            if self.reported.insert(String::new()) {
                self.found.push(
                    Diagnostic::new(
                        Code::NestedTooDeep,
                        "this is nested too deep after functions are replaced",
                    )
                    .label(expr.span, "from here it is too deep")
                    .help("give parts of the expression names of their own"),
                );
            }
            self.opaque(expr.span)
        } else {
            self.expr_inside(expr)
        };
        self.depth -= 1;
        resolved
    }

    fn count_inlined(&mut self, nodes: usize, span: Span) -> bool {
        if self.functions.is_empty() {
            return true;
        }
        self.inlined = self.inlined.saturating_add(nodes);
        if self.inlined <= MAX_INLINED {
            return true;
        }
        if !self.too_large {
            self.too_large = true;
            self.found.push(
                Diagnostic::new(Code::TooLarge, "the program is too large after functions are replaced")
                    .label(span, "here it is too much")
                    .help("make an equation of what a function computes many times"),
            );
        }
        false
    }

    fn expr_inside(&mut self, expr: &ast::Expr) -> Expr {
        let span = expr.span;
        if !self.count_inlined(1, span) {
            return self.opaque(span);
        }
        let boxed = |this: &mut Self, e: &ast::Expr| Box::new(this.expr(e));
        let kind = match &expr.kind {
            ast::ExprKind::Number(Number::Int(value)) => ExprKind::Int(*value),
            ast::ExprKind::Number(Number::Float(value)) => ExprKind::Float(*value),
            ast::ExprKind::Name(name) => return self.name(name, span),
            ast::ExprKind::Neg(a) => match (&a.kind, boxed(self, a)) {
                (ast::ExprKind::Number(Number::Int(value)), _) => ExprKind::Int(value.wrapping_neg()),
                (ast::ExprKind::Number(Number::Float(value)), _) => ExprKind::Float(-value),
                (_, operand) => ExprKind::Neg(operand),
            },
            ast::ExprKind::Not(a) => ExprKind::Not(boxed(self, a)),
            ast::ExprKind::Power(a, b) => {
                let base = boxed(self, a);
                ExprKind::Power(base, boxed(self, b))
            }
            ast::ExprKind::Chain(chain) => {
                let first = boxed(self, &chain.first);
                let rest = chain.rest.iter().map(|(op, operand)| (*op, self.expr(operand)));
                ExprKind::Chain(first, rest.collect())
            }
            ast::ExprKind::Compare(compare) => {
                let first = boxed(self, &compare.first);
                let rest = compare.rest.iter().map(|(op, operand)| (*op, self.expr(operand)));
                ExprKind::Compare(first, rest.collect())
            }
            ast::ExprKind::If(parts) => {
                let condition = self.expr(&parts.condition);
                let then = self.expr(&parts.then);
                let otherwise = self.expr(&parts.otherwise);
                ExprKind::If(Box::new([condition, then, otherwise]))
            }
            ast::ExprKind::Iverson(a) => ExprKind::Iverson(boxed(self, a)),
            ast::ExprKind::Call(call) => return self.call(call, span),
            ast::ExprKind::Access(access) => return self.access(access, span),
            ast::ExprKind::Table(_) => {
                self.found.push(
                    Diagnostic::new(Code::MissingIndices, "a table without its indices")
                        .label(span, "a tensor")
                        .help("give an index for each axis: {1, 2, 3}[i]"),
                );
                return self.opaque(span);
            }
            ast::ExprKind::Reduce(reduce) => return self.reduce(reduce, span),
            ast::ExprKind::Transform(transform) => return self.transform(transform, span),
        };
        Expr { kind, span }
    }

    fn name(&mut self, name: &str, span: Span) -> Expr {
        match self.lookup(name) {
            Some(Binding::Variable(id)) => return self.index(id, span),
            Some(Binding::Formal(argument, nodes, depth)) => {
                if self.depth + depth > MAX_DEPTH || !self.count_inlined(nodes, span) {
                    self.depth += depth;
                    let opaque = if self.depth > MAX_DEPTH && self.reported.insert(String::new()) {
                        self.found.push(
                            Diagnostic::new(
                                Code::NestedTooDeep,
                                "this is nested too deep after functions are replaced",
                            )
                            .label(span, "from here it is too deep")
                            .help("give parts of the expression names of their own"),
                        );
                        self.opaque(span)
                    } else {
                        self.opaque(span)
                    };
                    self.depth -= depth;
                    return opaque;
                }
                if let ExprKind::Index(id) = argument.kind {
                    return self.index(id, argument.span);
                }
                return (*argument).clone();
            }
            None => {}
        }
        let kind = match self.names.get(name) {
            Some((Entity::Tensor(id), at)) => return self.bare_tensor(*id, name, span, at),
            Some((Entity::Size(symbol) | Entity::IntParam(symbol), _)) => {
                ExprKind::Size(Extent::symbol(symbol.clone()))
            }
            Some((Entity::FloatParam(input), _)) => ExprKind::FloatParam(*input),
            Some((Entity::Function(_), at)) => {
                self.found.push(
                    Diagnostic::new(Code::UnknownName, format!("`{name}` is a function"))
                        .label(span, "used as a value")
                        .label(at, "a function here")
                        .help(format!("call it: {name}(..)")),
                );
                return self.opaque(span);
            }
            None => return self.undeclared(name, span),
        };
        Expr { kind, span }
    }

    fn index(&mut self, id: VariableId, span: Span) -> Expr {
        if self.in_place > 0 {
            self.variables[id.index()].placed = true;
        }
        Expr { kind: ExprKind::Index(id), span }
    }

    fn bare_tensor(&mut self, id: TensorId, name: &str, span: Span, at: Span) -> Expr {
        let rank = self.names.tensor(id).rank;
        if rank > 0 {
            let indices = vec![".."; rank].join(", ");
            self.found.push(
                Diagnostic::new(
                    Code::MissingIndices,
                    format!("the tensor {name} has {} and stands without indices", super::axes(rank)),
                )
                .label(span, "which element?")
                .label(at, format!("{} here", super::axes(rank)))
                .help(format!("write {name}[{indices}] with an index for each axis")),
            );
            return self.opaque(span);
        }
        let read =
            Read { source: Source::Tensor(id), name: name.to_owned(), places: Vec::new(), outside: None };
        Expr { kind: ExprKind::Read(Box::new(read)), span }
    }

    /// A name that nothing declares: an index that `+=` reduces, a constant, or a mistake.
    fn undeclared(&mut self, name: &str, span: Span) -> Expr {
        if self.functions.is_empty()
            && let Some((_, id)) = self.implicit.iter().find(|(known, _)| known == name)
        {
            return self.index(*id, span);
        }
        let is_index = self.in_place > 0 || self.names.indices.contains_key(name);
        let constant = match name {
            "pi" => Some(ExprKind::Float(std::f64::consts::PI)),
            "inf" => Some(ExprKind::Float(f64::INFINITY)),
            "nan" => Some(ExprKind::Float(f64::NAN)),
            "true" => Some(ExprKind::Bool(true)),
            "false" => Some(ExprKind::Bool(false)),
            _ => None,
        };
        if let Some(kind) = constant {
            return Expr { kind, span };
        }
        if self.op != AssignOp::Set && self.functions.is_empty() {
            let id = self.variable(name, span, Origin::Implicit);
            self.implicit.push((name.to_owned(), id));
            return self.index(id, span);
        }
        if !self.reported.insert(name.to_owned()) {
            return self.opaque(span);
        }
        if let Some(function) = self.functions.last().map(|f| self.names.functions[*f]) {
            let diagnostic = Diagnostic::new(
                Code::UnknownName,
                format!("`{name}` is not known inside the function `{}`", function.name.text),
            )
            .label(span, "unknown name");
            let formals = function.formals.iter().map(|formal| formal.text.as_str());
            let help = match nearest(name, formals.chain(self.names.all())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("make it a formal: fn {}(.., {name}) = ..", function.name.text),
            };
            self.found.push(diagnostic.help(help));
        } else if is_index {
            self.unbound_index(name, span);
        } else {
            self.unknown_name(name, span);
        }
        self.opaque(span)
    }

    /// Marks everything a place mentions.
    fn placed(&mut self, place: &PlaceKind) {
        match place {
            PlaceKind::Bare(id) => self.variables[id.index()].placed = true,
            PlaceKind::Group(members) => {
                members.iter().for_each(|id| self.variables[id.index()].placed = true);
            }
            PlaceKind::Computed(_) => {}
        }
    }
}
