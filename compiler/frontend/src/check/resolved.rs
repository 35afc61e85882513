//! The program after names are resolved: what stands in an expression is what it means.
//!
//! Functions have been replaced by their bodies; every index is a variable of its equation with an
//! identity of its own, so that two indices of one name cannot be confused.

use super::functions::Builtin;
use crate::ast::{AssignOp, BinaryOp, CompareOp, ReduceOp, Span, TransformKind};
use std::rc::Rc;
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, Extent, axis::Name};

/// A tensor of the program: its position in the list of tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub u32);

impl TensorId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An index of an equation: its position in [`Equation::variables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VariableId(pub u32);

impl VariableId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where an index comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It stands on the left.
    Left,
    /// A reduction or a transform binds it.
    Bound,
    /// `+=` and the like reduce it.
    Implicit,
}

/// An index of an equation.
#[derive(Clone, Debug)]
pub struct Variable {
    /// As written.
    pub name: Name,
    /// The axis that stands for it in the graph; unlike all others of its equation.
    pub axis: Name,
    /// Where it is introduced.
    pub span: Span,
    pub origin: Origin,
    /// The size written at the index, and where.
    pub stated: Option<(Extent, Span)>,
    /// Whether it stands in a place of some tensor (and is not only used as a number).
    pub placed: bool,
}

/// One equation.
#[derive(Debug)]
pub struct Equation {
    pub tensor: TensorId,
    pub left: Vec<Left>,
    pub op: AssignOp,
    pub body: Expr,
    pub variables: Vec<Variable>,
    /// `@accum(..)`, and where.
    pub accumulator: Option<(Dtype, Span)>,
    pub left_span: Span,
    /// A part of it was wrong and has been reported.
    pub broken: bool,
}

impl Equation {
    /// Whether the left side writes to computed places (or to a diagonal).
    pub fn is_scatter(&self) -> bool {
        let mut seen = Vec::new();
        self.left.iter().any(|left| match left {
            Left::Computed(_) => true,
            Left::Bare(variable, _) => {
                let repeated = seen.contains(variable);
                seen.push(*variable);
                repeated
            }
            Left::Group(members, _) => {
                let repeated = members.iter().any(|member| seen.contains(member));
                seen.extend(members);
                repeated
            }
        })
    }
}

/// One axis on the left.
#[derive(Debug)]
pub enum Left {
    Bare(VariableId, Span),
    Group(Vec<VariableId>, Span),
    Computed(Expr),
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Int(i64),
    Float(f64),
    Bool(bool),
    /// A size or an integer parameter.
    Size(Extent),
    /// A float parameter: the position among the inputs.
    FloatParam(usize),
    Index(VariableId),
    Read(Box<Read>),
    Neg(Box<Expr>),
    Not(Box<Expr>),
    /// Operators of one level, applied from the left.
    Chain(Box<Expr>, Vec<(BinaryOp, Expr)>),
    Power(Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, Vec<(CompareOp, Expr)>),
    If(Box<[Expr; 3]>),
    Iverson(Box<Expr>),
    Call(Builtin, Vec<Expr>),
    Cast(Dtype, Box<Expr>),
    Reduce(Box<Reduce>),
    Transform(Box<Transform>),
    /// A formal of a function that is checked by itself, or something already reported.
    Opaque,
}

/// What is read.
#[derive(Clone, Debug)]
pub enum Source {
    Tensor(TensorId),
    Table(Rc<TableData>),
    /// `dft(n)`
    Dft(Extent),
}

/// A table of numbers.
#[derive(Debug)]
pub struct TableData {
    pub shape: Vec<usize>,
    pub elements: Vec<Literal>,
}

/// `source[places | outside]`
#[derive(Clone, Debug)]
pub struct Read {
    pub source: Source,
    /// As written: `A`, `a table`.
    pub name: String,
    pub places: Vec<Place>,
    pub outside: Option<Expr>,
}

/// One index of a read.
#[derive(Clone, Debug)]
pub struct Place {
    pub kind: PlaceKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum PlaceKind {
    Bare(VariableId),
    Group(Vec<VariableId>),
    Computed(Expr),
}

#[derive(Clone, Debug)]
pub struct Reduce {
    pub op: ReduceOp,
    pub op_span: Span,
    pub variables: Vec<VariableId>,
    pub guards: Vec<Expr>,
    pub body: Expr,
}

#[derive(Clone, Debug)]
pub struct Transform {
    pub kind: TransformKind,
    pub kind_span: Span,
    pub from: Vec<VariableId>,
    pub to: Vec<VariableId>,
    pub body: Expr,
}

impl Expr {
    /// The expressions directly inside, in the order of the text (the outside value of a read last).
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Int(_)
            | ExprKind::Float(_)
            | ExprKind::Bool(_)
            | ExprKind::Size(_)
            | ExprKind::FloatParam(_)
            | ExprKind::Index(_)
            | ExprKind::Opaque => Vec::new(),
            ExprKind::Read(read) => {
                let computed = read.places.iter().filter_map(|place| match &place.kind {
                    PlaceKind::Computed(expr) => Some(expr),
                    PlaceKind::Bare(_) | PlaceKind::Group(_) => None,
                });
                computed.chain(&read.outside).collect()
            }
            ExprKind::Neg(a) | ExprKind::Not(a) | ExprKind::Iverson(a) | ExprKind::Cast(_, a) => vec![a],
            ExprKind::Power(a, b) => vec![a, b],
            ExprKind::Chain(first, rest) => {
                std::iter::once(&**first).chain(rest.iter().map(|(_, expr)| expr)).collect()
            }
            ExprKind::Compare(first, rest) => {
                std::iter::once(&**first).chain(rest.iter().map(|(_, expr)| expr)).collect()
            }
            ExprKind::If(parts) => parts.iter().collect(),
            ExprKind::Call(_, arguments) => arguments.iter().collect(),
            ExprKind::Reduce(reduce) => reduce.guards.iter().chain([&reduce.body]).collect(),
            ExprKind::Transform(transform) => vec![&transform.body],
        }
    }

    /// Calls `visit` with this expression and everything inside.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Expr)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// The indices that occur free: not bound by a reduction inside.
    pub fn free_indices(&self, visit: &mut dyn FnMut(VariableId)) {
        match &self.kind {
            ExprKind::Index(variable) => visit(*variable),
            ExprKind::Read(read) => {
                for place in &read.places {
                    match &place.kind {
                        PlaceKind::Bare(variable) => visit(*variable),
                        PlaceKind::Group(members) => members.iter().for_each(|member| visit(*member)),
                        PlaceKind::Computed(_) => {}
                    }
                }
            }
            ExprKind::Transform(transform) => transform.to.iter().for_each(|to| visit(*to)),
            _ => {}
        }
        // Variables are unique, so those a reduction binds are told apart by their origin.
        for child in self.children() {
            child.free_indices(visit);
        }
    }
}
