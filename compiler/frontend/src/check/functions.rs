//! The table of built-in functions: a row for each name.

use tcc_ir::scalar::ScalarOp;

/// What a built-in function does with its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// A scalar operation on floats; integers become f64.
    Float(ScalarOp),
    /// A function of one float or complex number.
    Field(Field),
    /// A scalar operation that keeps integers.
    Ordered(ScalarOp),
    /// Rounding: integers are returned as they are.
    Round(ScalarOp),
    /// A question about a float.
    Classify(ScalarOp),
    /// An operation on bits.
    Bits(ScalarOp),
    /// `and`, `or` as functions of two truth values.
    Logic(ScalarOp),
    /// Made of other operations.
    Composite(Composite),
}

/// Functions that are defined for complex numbers too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Exp,
    Log,
    Sqrt,
    Abs,
    Sin,
    Cos,
    Tanh,
    Re,
    Im,
    Conj,
}

/// Functions that are spelled with scalar operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Composite {
    /// `cos(x) + i sin(x)`
    Cis,
    /// `1 / (1 + exp(-x))`
    Sigmoid,
    /// `max(x, 0) + log1p(exp(-abs(x)))`
    Softplus,
    /// `max(x, 0)`
    Relu,
    /// `x / (1 + exp(-x))`
    Silu,
    /// `x*x`
    Sqr,
}

/// Name, number of arguments, meaning.
pub const BUILTINS: &[(&str, usize, Builtin)] = &[
    ("exp", 1, Builtin::Field(Field::Exp)),
    ("log", 1, Builtin::Field(Field::Log)),
    ("log1p", 1, Builtin::Float(ScalarOp::Log1p)),
    ("expm1", 1, Builtin::Float(ScalarOp::Expm1)),
    ("sqrt", 1, Builtin::Field(Field::Sqrt)),
    ("cbrt", 1, Builtin::Float(ScalarOp::Cbrt)),
    ("abs", 1, Builtin::Field(Field::Abs)),
    ("sign", 1, Builtin::Ordered(ScalarOp::Sign)),
    ("floor", 1, Builtin::Round(ScalarOp::Floor)),
    ("ceil", 1, Builtin::Round(ScalarOp::Ceil)),
    ("round", 1, Builtin::Round(ScalarOp::Round)),
    ("trunc", 1, Builtin::Round(ScalarOp::Trunc)),
    ("sin", 1, Builtin::Field(Field::Sin)),
    ("cos", 1, Builtin::Field(Field::Cos)),
    ("tan", 1, Builtin::Float(ScalarOp::Tan)),
    ("asin", 1, Builtin::Float(ScalarOp::Asin)),
    ("acos", 1, Builtin::Float(ScalarOp::Acos)),
    ("atan", 1, Builtin::Float(ScalarOp::Atan)),
    ("atan2", 2, Builtin::Float(ScalarOp::Atan2)),
    ("sinh", 1, Builtin::Float(ScalarOp::Sinh)),
    ("cosh", 1, Builtin::Float(ScalarOp::Cosh)),
    ("tanh", 1, Builtin::Field(Field::Tanh)),
    ("asinh", 1, Builtin::Float(ScalarOp::Asinh)),
    ("acosh", 1, Builtin::Float(ScalarOp::Acosh)),
    ("atanh", 1, Builtin::Float(ScalarOp::Atanh)),
    ("erf", 1, Builtin::Float(ScalarOp::Erf)),
    ("erfc", 1, Builtin::Float(ScalarOp::Erfc)),
    ("sigmoid", 1, Builtin::Composite(Composite::Sigmoid)),
    ("softplus", 1, Builtin::Composite(Composite::Softplus)),
    ("relu", 1, Builtin::Composite(Composite::Relu)),
    ("silu", 1, Builtin::Composite(Composite::Silu)),
    ("sqr", 1, Builtin::Composite(Composite::Sqr)),
    ("min", 2, Builtin::Ordered(ScalarOp::Min)),
    ("max", 2, Builtin::Ordered(ScalarOp::Max)),
    ("hypot", 2, Builtin::Float(ScalarOp::Hypot)),
    ("isnan", 1, Builtin::Classify(ScalarOp::IsNan)),
    ("isfinite", 1, Builtin::Classify(ScalarOp::IsFinite)),
    ("re", 1, Builtin::Field(Field::Re)),
    ("im", 1, Builtin::Field(Field::Im)),
    ("conj", 1, Builtin::Field(Field::Conj)),
    ("cis", 1, Builtin::Composite(Composite::Cis)),
    ("xor", 2, Builtin::Bits(ScalarOp::Xor)),
    ("shl", 2, Builtin::Bits(ScalarOp::Shl)),
    ("shr", 2, Builtin::Bits(ScalarOp::Shr)),
    ("popcount", 1, Builtin::Bits(ScalarOp::Popcount)),
    ("any", 2, Builtin::Logic(ScalarOp::Or)),
    ("all", 2, Builtin::Logic(ScalarOp::And)),
];

/// What to write for functions that other languages have.
pub const ELSEWHERE: &[(&str, &str)] = &[
    ("gelu", "define it: fn gelu(x) = 0.5*x*(1 + erf(x/sqrt(2)))"),
    ("ln", "the natural logarithm is log(..)"),
    ("log2", "write log(..)/log(2)"),
    ("log10", "write log(..)/log(10)"),
    ("pow", "a power is written a^b"),
    ("square", "write sqr(..)"),
    ("rsqrt", "write 1/sqrt(..)"),
    ("fabs", "write abs(..)"),
    ("clip", "write max(low, min(high, ..))"),
    ("clamp", "write max(low, min(high, ..))"),
    ("maximum", "write max(a, b)"),
    ("minimum", "write min(a, b)"),
    ("select", "write if .. then .. else .."),
    ("float", "write f32(..) or f64(..)"),
    ("int", "write i64(..)"),
    ("logit", "write log(p/(1 - p))"),
    ("swish", "write silu(..)"),
    ("where", "write if .. then .. else .."),
    ("len", "a size is known by the name in the declared shape"),
    ("transpose", "swap the indices: A[j,i]"),
];

/// Constant tensors that are functions of their arguments.
pub const CONSTANT_TENSORS: &[&str] = &["dft", "w3j", "gaunt"];

/// The row of the function called `name`.
pub fn builtin(name: &str) -> Option<(usize, Builtin)> {
    BUILTINS.iter().find(|row| row.0 == name).map(|row| (row.1, row.2))
}

/// The name of a function.
pub fn name_of(builtin: Builtin) -> &'static str {
    BUILTINS.iter().find(|row| row.2 == builtin).map_or("?", |row| row.0)
}
