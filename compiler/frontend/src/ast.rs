//! The syntax tree of an `.ein` file, as the author wrote it.
//!
//! Knows no sizes, no types of expressions and no machine: names are unresolved, reductions over
//! `+=` are not yet spelled out. Every node carries the [`Span`] it came from. Parentheses leave no
//! node behind; a parenthesised expression has the span of its parentheses. The depth of a tree is
//! limited by the parser, so plain recursion over it is safe.

mod expr;

pub use expr::*;

/// A range of byte offsets into the source file, `start..end`.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset just after the last byte.
    pub end: usize,
}

impl Span {
    /// The span `start..end`.
    pub fn new(start: usize, end: usize) -> Self {
        Span { start, end }
    }

    /// The smallest span that holds both.
    pub fn join(self, other: Span) -> Span {
        Span { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The text this span covers; empty when `source` is not the text it was made for.
    pub fn text(self, source: &str) -> &str {
        source.get(self.start..self.end).unwrap_or("")
    }
}

impl std::fmt::Debug for Span {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "@{}..{}", self.start, self.end)
    }
}

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    /// The name as written.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// A whole `.ein` file. The order of items has no meaning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// `edition 2026`, when the file begins with such a line.
    pub edition: Option<Edition>,
    /// The statements, in the order of the text.
    pub items: Vec<Item>,
}

impl File {
    /// The declarations, in the order of the text.
    pub fn declarations(&self) -> impl Iterator<Item = &Declaration> {
        self.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Declaration(declaration) => Some(declaration),
            _ => None,
        })
    }

    /// The functions, in the order of the text.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Function(function) => Some(function),
            _ => None,
        })
    }

    /// The equations, in the order of the text.
    pub fn equations(&self) -> impl Iterator<Item = &Equation> {
        self.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Equation(equation) => Some(equation),
            _ => None,
        })
    }
}

/// The line `edition 2026`.
#[derive(Clone, Debug, PartialEq)]
pub struct Edition {
    /// The year.
    pub year: i64,
    /// The whole line.
    pub span: Span,
}

/// One statement together with the attributes before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// `@shard(r)` and the like, in order.
    pub attributes: Vec<Attribute>,
    /// The statement.
    pub kind: ItemKind,
    /// The statement without its attributes.
    pub span: Span,
}

/// The three kinds of statement.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// `in Q, K : f32[n, d]`
    Declaration(Declaration),
    /// `fn gelu(x) = ..`
    Function(Function),
    /// `C[i,k] += A[i,j] * B[j,k]`
    Equation(Equation),
}

/// What a declaration declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeclarationKind {
    /// An operand.
    In,
    /// A result.
    Out,
    /// A tensor of the program whose type is stated.
    Var,
    /// A number given at call time.
    Param,
}

/// `in Q, K : f32[n, d] csr in [-1, 1] = 0`
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// `in`, `out`, `var` or `param`.
    pub kind: DeclarationKind,
    /// The declared names, at least one.
    pub names: Vec<Name>,
    /// The element type.
    pub dtype: TypeName,
    /// Where the element type stands.
    pub dtype_span: Span,
    /// The axes; empty for a scalar.
    pub dims: Vec<Dim>,
    /// `csr`, `coo` or `enc`.
    pub format: Option<Storage>,
    /// `in [low, high]`
    pub range: Option<Interval>,
    /// `= value`
    pub default: Option<Expr>,
    /// The whole statement.
    pub span: Span,
}

/// Element types by the names the surface language gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum TypeName {
    F64,
    F32,
    Bf16,
    F16,
    C128,
    C64,
    I64,
    I32,
    U32,
    U8,
    Bool,
    /// Another spelling of `i64`.
    Int,
}

impl TypeName {
    /// Every type with its spelling.
    pub const ALL: &[(TypeName, &str)] = &[
        (TypeName::F64, "f64"),
        (TypeName::F32, "f32"),
        (TypeName::Bf16, "bf16"),
        (TypeName::F16, "f16"),
        (TypeName::C128, "c128"),
        (TypeName::C64, "c64"),
        (TypeName::I64, "i64"),
        (TypeName::I32, "i32"),
        (TypeName::U32, "u32"),
        (TypeName::U8, "u8"),
        (TypeName::Bool, "bool"),
        (TypeName::Int, "int"),
    ];

    /// The type spelled `text`.
    pub fn from_text(text: &str) -> Option<TypeName> {
        TypeName::ALL.iter().find(|(_, spelling)| *spelling == text).map(|(name, _)| *name)
    }
}

/// One axis of a declared shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Dim {
    /// `n`, `2*m1`, `n div 2 + 1`
    Expr(Expr),
    /// `"2x0e + 1x1o"`: an axis described by a text.
    Text(Text),
}

/// A string literal (in types and attributes only).
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// What stands between the quotes, as written.
    pub value: String,
    /// The literal with its quotes.
    pub span: Span,
}

/// A storage word after a type.
#[derive(Clone, Debug, PartialEq)]
pub struct Storage {
    /// Which.
    pub kind: StorageKind,
    /// The word.
    pub span: Span,
}

/// How an operand is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StorageKind {
    /// Compressed sparse rows.
    Csr,
    /// A list of coordinates.
    Coo,
    /// Encrypted.
    Enc,
}

/// `[low, high]`
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: Expr,
    /// The upper end.
    pub high: Expr,
    /// The brackets and what is between them.
    pub span: Span,
}

/// `@approx(exp, eps=1e-3, on=[-1,1])`
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// The word after `@`.
    pub name: Name,
    /// What stands in the parentheses; empty without them.
    pub arguments: Vec<Argument>,
    /// From `@` to the closing parenthesis.
    pub span: Span,
}

/// One argument of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    /// `eps` in `eps=1e-3`.
    pub name: Option<Name>,
    /// The value.
    pub value: ArgumentValue,
    /// The argument with its name.
    pub span: Span,
}

/// What an attribute argument can be.
#[derive(Clone, Debug, PartialEq)]
pub enum ArgumentValue {
    /// `64MiB`, in bytes.
    Bytes(u64),
    /// `"text"`
    Text(Text),
    /// `[-1, 1]`
    Interval(Interval),
    /// Anything else, a name or a number in most cases.
    Expr(Expr),
}

/// `fn gelu(x) = 0.5*x*(1 + erf(x/sqrt(2)))`
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// The name of the function.
    pub name: Name,
    /// The formal parameters, at least one.
    pub formals: Vec<Name>,
    /// The value.
    pub body: Expr,
    /// The whole statement.
    pub span: Span,
}

/// `C[i,(h k)] += ..`
#[derive(Clone, Debug, PartialEq)]
pub struct Equation {
    /// The tensor on the left.
    pub name: Name,
    /// The indices on the left; empty for a scalar.
    pub indices: Vec<LeftIndex>,
    /// The left side as a whole: the name and its brackets.
    pub left_span: Span,
    /// `=`, `+=`, ..
    pub op: AssignOp,
    /// Where the operator stands.
    pub op_span: Span,
    /// The right side.
    pub body: Expr,
    /// The whole statement.
    pub span: Span,
}

/// How an equation defines its left side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AssignOp {
    /// `=`
    Set,
    /// `+=`: sum over the indices that are not on the left.
    Add,
    /// `*=`
    Mul,
    /// `max=`
    Max,
    /// `min=`
    Min,
}

/// One index on the left of an equation.
#[derive(Clone, Debug, PartialEq)]
pub enum LeftIndex {
    /// `(h k)`
    Group(Group),
    /// `p:c+f`
    Sized(SizedIndex),
    /// `i`, `dst[e]`, `0`
    Expr(Expr),
}

impl LeftIndex {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            LeftIndex::Group(group) => group.span,
            LeftIndex::Sized(sized) => sized.span,
            LeftIndex::Expr(expr) => expr.span,
        }
    }
}

/// `name : size`
#[derive(Clone, Debug, PartialEq)]
pub struct SizedIndex {
    /// The index.
    pub name: Name,
    /// Its size.
    pub size: Expr,
    /// Both.
    pub span: Span,
}

/// `(h k:e)`: several indices that form one axis, the last one running fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The members, at least two.
    pub members: Vec<Binder>,
    /// With the parentheses.
    pub span: Span,
}

/// `j` or `j:n` where an index is introduced.
#[derive(Clone, Debug, PartialEq)]
pub struct Binder {
    /// The index.
    pub name: Name,
    /// Its size, where stated.
    pub size: Option<Expr>,
    /// Both.
    pub span: Span,
}

/// One index of an access.
#[derive(Clone, Debug, PartialEq)]
pub enum Index {
    /// `(g k)`
    Group(Group),
    /// Any integer expression.
    Expr(Expr),
}

impl Index {
    /// Where it stands.
    pub fn span(&self) -> Span {
        match self {
            Index::Group(group) => group.span,
            Index::Expr(expr) => expr.span,
        }
    }
}

/// What `-e` accepts: a classic einsum string or a small program.
#[derive(Clone, Debug, PartialEq)]
pub enum ExpressionProgram {
    /// `ij,jk->ik`
    Einsum(Einsum),
    /// Equations, separated by `;` or by line ends.
    Program(File),
}

/// A classic einsum string. Operands bind in the order given; the result is called `out`.
#[derive(Clone, Debug, PartialEq)]
pub struct Einsum {
    /// One set of subscripts for each operand, at least one.
    pub operands: Vec<Subscripts>,
    /// What follows `->`; without it the output is numpy's: the letters met once, in alphabetical order.
    pub output: Option<Subscripts>,
    /// The whole text.
    pub span: Span,
}

/// `ij`, `...ij`, or nothing for a scalar.
#[derive(Clone, Debug, PartialEq)]
pub struct Subscripts {
    /// The letters in order, without the ellipsis.
    pub letters: Vec<(char, Span)>,
    /// Where there is a `...`: how many letters stand before it, and its place.
    pub ellipsis: Option<(usize, Span)>,
    /// The whole term.
    pub span: Span,
}
