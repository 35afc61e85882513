//! Expressions.

use super::{Binder, Index, Name, Span};

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands, with its parentheses if it has any.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `2`, `1e-5`
    Number(Number),
    /// A name without brackets: an index, a size, a param, a constant, or a scalar tensor.
    Name(String),
    /// `-a`
    Neg(Box<Expr>),
    /// `not a`
    Not(Box<Expr>),
    /// `a + b - c`, `a * b div c`, `a and b`: operators of one level, applied from the left.
    Chain(Chain),
    /// `a ^ b`
    Power(Box<Expr>, Box<Expr>),
    /// `a < b <= c`: holds when every neighbouring pair holds.
    Compare(Compare),
    /// `if a then b else c`
    If(Box<If>),
    /// `[a == b]`: 1 where it holds, else 0.
    Iverson(Box<Expr>),
    /// `exp(x)`, `w3j(1,1,2)`
    Call(Call),
    /// `A[i,j | 0]`, `w3j(1,1,2)[i,j,k]`, `{1,2,3}[i]`
    Access(Access),
    /// `{1,2,3}`, `{{0,1},{1,0}}`
    Table(Table),
    /// `sum[j where j < i] ..`
    Reduce(Box<Reduce>),
    /// `rfft[x -> k] ..`
    Transform(Box<Transform>),
}

/// A number as written: whole numbers are integers, a point or an exponent makes a float.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// `3`
    Int(i64),
    /// `3.0`, `3e0`
    Float(f64),
}

/// `first op operand op operand ..`, applied from the left; all operators bind equally tightly. Kept
/// flat, so that a tree is only as deep as its brackets, however long a sum is.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// The leftmost operand.
    pub first: Box<Expr>,
    /// The others, each with the operator before it; at least one.
    pub rest: Vec<(BinaryOp, Expr)>,
}

/// The operators that make chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`, a float always
    Div,
    /// `div`, rounding down
    FloorDiv,
    /// `mod`, with the sign of the divisor
    Mod,
    /// `and`
    And,
    /// `or`
    Or,
}

impl BinaryOp {
    /// The operator as written.
    pub fn text(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::FloorDiv => "div",
            BinaryOp::Mod => "mod",
            BinaryOp::And => "and",
            BinaryOp::Or => "or",
        }
    }
}

/// `first op operand op operand ..`
#[derive(Clone, Debug, PartialEq)]
pub struct Compare {
    /// The leftmost operand.
    pub first: Box<Expr>,
    /// The others, each with the operator before it; at least one.
    pub rest: Vec<(CompareOp, Expr)>,
}

/// The comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompareOp {
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

impl CompareOp {
    /// The operator as written.
    pub fn text(self) -> &'static str {
        match self {
            CompareOp::Less => "<",
            CompareOp::LessEqual => "<=",
            CompareOp::Greater => ">",
            CompareOp::GreaterEqual => ">=",
            CompareOp::Equal => "==",
            CompareOp::NotEqual => "!=",
        }
    }
}

/// `if condition then then else otherwise`
#[derive(Clone, Debug, PartialEq)]
pub struct If {
    /// Decides.
    pub condition: Expr,
    /// The value where it holds.
    pub then: Expr,
    /// The value elsewhere.
    pub otherwise: Expr,
}

/// `name(arguments)`
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The function.
    pub name: Name,
    /// At least one argument.
    pub arguments: Vec<Expr>,
}

/// `base[indices | outside]`
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// A [`ExprKind::Name`], [`ExprKind::Call`] or [`ExprKind::Table`].
    pub base: Box<Expr>,
    /// At least one index.
    pub indices: Vec<Index>,
    /// The value where the place does not exist.
    pub outside: Option<Box<Expr>>,
}

/// `{a, b, ..}`: a constant tensor. Whether the rows have one length is for the checker.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// At least one entry.
    pub entries: Vec<TableEntry>,
}

/// One entry of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum TableEntry {
    /// `-2`
    Number(Number, Span),
    /// `{1, 2}`
    Table(Table, Span),
}

/// `op[binders where guards] body`
#[derive(Clone, Debug, PartialEq)]
pub struct Reduce {
    /// Which reduction.
    pub op: ReduceOp,
    /// The word itself.
    pub op_span: Span,
    /// The indices it runs over, at least one.
    pub binders: Vec<Binder>,
    /// The conditions after `where`; all must hold.
    pub guards: Vec<Expr>,
    /// What is reduced.
    pub body: Expr,
}

/// The reductions, and `softmax`, which keeps its indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ReduceOp {
    Sum,
    Prod,
    Max,
    Min,
    Mean,
    Any,
    All,
    Argmax,
    Argmin,
    Logsumexp,
    Softmax,
}

impl ReduceOp {
    /// Every reduction with its spelling.
    pub const ALL: &[(ReduceOp, &str)] = &[
        (ReduceOp::Sum, "sum"),
        (ReduceOp::Prod, "prod"),
        (ReduceOp::Max, "max"),
        (ReduceOp::Min, "min"),
        (ReduceOp::Mean, "mean"),
        (ReduceOp::Any, "any"),
        (ReduceOp::All, "all"),
        (ReduceOp::Argmax, "argmax"),
        (ReduceOp::Argmin, "argmin"),
        (ReduceOp::Logsumexp, "logsumexp"),
        (ReduceOp::Softmax, "softmax"),
    ];

    /// The reduction spelled `text`.
    pub fn from_text(text: &str) -> Option<ReduceOp> {
        ReduceOp::ALL.iter().find(|(_, spelling)| *spelling == text).map(|(op, _)| *op)
    }
}

/// `rfft[from -> to] body`
#[derive(Clone, Debug, PartialEq)]
pub struct Transform {
    /// Which transform.
    pub kind: TransformKind,
    /// The word itself.
    pub kind_span: Span,
    /// The indices of the body it runs over.
    pub from: Vec<Binder>,
    /// The indices of the result.
    pub to: Vec<Binder>,
    /// What is transformed.
    pub body: Expr,
}

/// The transforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum TransformKind {
    Fft,
    Ifft,
    Rfft,
    Irfft,
}

impl TransformKind {
    /// Every transform with its spelling.
    pub const ALL: &[(TransformKind, &str)] = &[
        (TransformKind::Fft, "fft"),
        (TransformKind::Ifft, "ifft"),
        (TransformKind::Rfft, "rfft"),
        (TransformKind::Irfft, "irfft"),
    ];

    /// The transform spelled `text`.
    pub fn from_text(text: &str) -> Option<TransformKind> {
        TransformKind::ALL.iter().find(|(_, spelling)| *spelling == text).map(|(kind, _)| *kind)
    }
}
