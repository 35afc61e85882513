//! The table of scalar operations: one row each, the same order everywhere.
//!
//! Every operation is *total*: it has a value for every operand, also where mathematics has none
//! (integer division by zero gives 0). What must not happen at run time is stated by a check
//! beside the computation, never by an operation that fails; so passes may move operations freely.

use crate::dtype::{Dtype, Kind};
use std::fmt;

/// What operands an operation takes and what it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Signature {
    /// Operands of one numeric dtype (int, float or complex); the same dtype.
    Numeric,
    /// Operands of one int or float dtype; the same dtype.
    Ordered,
    /// Operands of one float dtype; the same dtype.
    Float,
    /// Operands of one float or complex dtype; the same dtype.
    Field,
    /// Operands of one integer dtype; the same dtype.
    Integer,
    /// Operands of one dtype (any for `==`, ordered for `<`); bool.
    Compare,
    /// Bool operands; bool.
    Logic,
    /// Bool or integer operands of one dtype; the same dtype.
    Bitwise,
    /// bool, T, T; T.
    Select,
    /// Any dtype; the dtype written in the type of the result.
    Cast,
    /// Numeric base, i64 exponent; the dtype of the base.
    PowInt,
    /// One float operand; bool.
    Classify,
    /// One complex operand; the float dtype of its parts.
    ComplexPart,
    /// Two operands of a float dtype; the complex dtype with these parts.
    ComplexMake,
    /// One complex operand; the same dtype.
    Complex,
    /// One f32 or f64 operand; the signed integer dtype of the same width (u32 is not used).
    ToBits,
    /// One i32 or i64 operand; the float dtype of the same width.
    FromBits,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct ScalarRow {
    /// The operation.
    pub op: ScalarOp,
    /// Its name in every text form.
    pub name: &'static str,
    /// Number of operands.
    pub arity: usize,
    /// Operand and result dtypes.
    pub signature: Signature,
    /// Whether it is built from field operations alone, so that it has a meaning modulo a prime.
    pub algebraic: bool,
    /// What it computes.
    pub about: &'static str,
}

macro_rules! scalar_ops {
    ($($variant:ident $name:literal $arity:literal $signature:ident $algebraic:literal $about:literal;)*) => {
        /// A scalar operation. The rows of [`SCALAR_OPS`] say what each takes and computes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ScalarOp { $(#[doc = $about] $variant,)* }

        /// All scalar operations, indexed by the enum.
        pub const SCALAR_OPS: &[ScalarRow] = &[$(ScalarRow {
            op: ScalarOp::$variant, name: $name, arity: $arity, signature: Signature::$signature,
            algebraic: $algebraic, about: $about,
        },)*];
    };
}

scalar_ops! {
    Add      "add"      2 Numeric  true  "a + b; integers wrap";
    Sub      "sub"      2 Numeric  true  "a - b; integers wrap";
    Mul      "mul"      2 Numeric  true  "a * b; integers wrap; complex: (ac - bd, ad + bc)";
    Div      "div"      2 Field    true  "a / b";
    Neg      "neg"      1 Numeric  true  "-a; integers wrap";
    Fma      "fma"      3 Float    true  "a*b + c, rounded once";
    FloorDiv "floordiv" 2 Ordered  false "floor(a / b); integers: 0 if b = 0, wraps";
    Mod      "mod"      2 Ordered  false "a - b*floor(a / b): sign of b; integers: 0 if b = 0";
    Pow      "pow"      2 Float    false "a to the power b, as IEEE pow";
    PowInt   "powi"     2 PowInt   true  "a to the integer power b, by repeated squaring; integers: b < 0 gives 0";
    Min      "min"      2 Ordered  false "the smaller; NaN if either is NaN; -0 < +0";
    Max      "max"      2 Ordered  false "the larger; NaN if either is NaN; -0 < +0";
    Abs      "abs"      1 Ordered  false "absolute value; integers wrap";
    Sign     "sign"     1 Ordered  false "-1, 0 or 1; NaN and zeros are returned as they are";
    Floor    "floor"    1 Float    false "largest integer not above a";
    Ceil     "ceil"     1 Float    false "smallest integer not below a";
    Round    "round"    1 Float    false "nearest integer, ties to even";
    Trunc    "trunc"    1 Float    false "integer part, towards zero";
    Sqrt     "sqrt"     1 Float    false "square root, correctly rounded";
    Cbrt     "cbrt"     1 Float    false "cube root";
    Exp      "exp"      1 Float    false "e to the power a";
    Expm1    "expm1"    1 Float    false "exp(a) - 1 without cancellation";
    Log      "log"      1 Float    false "natural logarithm";
    Log1p    "log1p"    1 Float    false "log(1 + a) without cancellation";
    Sin      "sin"      1 Float    false "sine";
    Cos      "cos"      1 Float    false "cosine";
    Tan      "tan"      1 Float    false "tangent";
    Asin     "asin"     1 Float    false "inverse sine";
    Acos     "acos"     1 Float    false "inverse cosine";
    Atan     "atan"     1 Float    false "inverse tangent";
    Atan2    "atan2"    2 Float    false "angle of the point (x = b, y = a)";
    Sinh     "sinh"     1 Float    false "hyperbolic sine";
    Cosh     "cosh"     1 Float    false "hyperbolic cosine";
    Tanh     "tanh"     1 Float    false "hyperbolic tangent";
    Asinh    "asinh"    1 Float    false "inverse hyperbolic sine";
    Acosh    "acosh"    1 Float    false "inverse hyperbolic cosine";
    Atanh    "atanh"    1 Float    false "inverse hyperbolic tangent";
    Erf      "erf"      1 Float    false "error function";
    Erfc     "erfc"     1 Float    false "1 - erf(a) without cancellation";
    Hypot    "hypot"    2 Float    false "sqrt(a*a + b*b) without overflow";
    IsNan    "isnan"    1 Classify false "whether a is NaN";
    IsFinite "isfinite" 1 Classify false "whether a is neither infinite nor NaN";
    Eq       "eq"       2 Compare  true  "a == b; false if either is NaN";
    Ne       "ne"       2 Compare  true  "a != b; true if either is NaN";
    Lt       "lt"       2 Compare  false "a < b; false if either is NaN";
    Le       "le"       2 Compare  false "a <= b; false if either is NaN";
    And      "and"      2 Logic    true  "both";
    Or       "or"       2 Logic    true  "either";
    Not      "not"      1 Logic    true  "negation";
    Xor      "xor"      2 Bitwise  true  "bitwise exclusive or";
    Shl      "shl"      2 Integer  true  "a shifted left by b; 0 if b is outside 0..width";
    Shr      "shr"      2 Integer  true  "a shifted right by b, arithmetic if signed; the sign fill if b is outside 0..width";
    Popcount "popcount" 1 Integer  true  "number of one bits in the dtype's width";
    Select   "select"   3 Select   true  "b if a, else c";
    Cast     "cast"     1 Cast     true  "conversion to the dtype of the result; see docs/semantics.md";
    Re       "re"       1 ComplexPart true "real part";
    Im       "im"       1 ComplexPart true "imaginary part";
    Conj     "conj"     1 Complex  true  "complex conjugate";
    MakeComplex "complex" 2 ComplexMake true "a + i b";
    ToBits   "tobits"   1 ToBits   false "the bits of a float as an integer";
    FromBits "frombits" 1 FromBits false "the float with these bits";
}

impl ScalarOp {
    /// The row of the operation.
    pub fn row(self) -> &'static ScalarRow {
        &SCALAR_OPS[self as usize]
    }

    /// The operation called `name` in text forms.
    pub fn from_name(name: &str) -> Option<ScalarOp> {
        SCALAR_OPS.iter().find(|row| row.name == name).map(|row| row.op)
    }

    /// Whether operands may be swapped (bit for bit, NaN payloads aside).
    pub fn is_commutative(self) -> bool {
        use ScalarOp::*;
        matches!(self, Add | Mul | Min | Max | Eq | Ne | And | Or | Xor | Hypot)
    }

    /// The dtype of the result for operands of these dtypes; `None` if the operation does not take
    /// them. [`ScalarOp::Cast`] takes anything and needs the dtype from the type of its result, so
    /// it has no answer here.
    pub fn result_dtype(self, operands: &[Dtype]) -> Option<Dtype> {
        let row = self.row();
        if operands.len() != row.arity {
            return None;
        }
        let first = operands[0];
        let uniform = operands.iter().all(|&d| d == first);
        let kind = first.kind();
        let result = |accepted: bool, dtype: Dtype| (accepted && uniform).then_some(dtype);
        match row.signature {
            Signature::Numeric => result(kind != Kind::Bool, first),
            Signature::Ordered => result(matches!(kind, Kind::Int | Kind::Float), first),
            Signature::Float => result(kind == Kind::Float, first),
            Signature::Field => result(matches!(kind, Kind::Float | Kind::Complex), first),
            Signature::Integer => result(kind == Kind::Int, first),
            Signature::Compare => {
                let ordered = matches!(self, ScalarOp::Lt | ScalarOp::Le);
                result(!(ordered && kind == Kind::Complex), Dtype::Bool)
            }
            Signature::Logic => result(kind == Kind::Bool, first),
            Signature::Bitwise => result(matches!(kind, Kind::Bool | Kind::Int), first),
            Signature::Select => (first == Dtype::Bool && operands[1] == operands[2]).then_some(operands[1]),
            Signature::Cast => None,
            Signature::PowInt => (kind != Kind::Bool && operands[1] == Dtype::I64).then_some(first),
            Signature::Classify => result(kind == Kind::Float, Dtype::Bool),
            Signature::ComplexPart => result(kind == Kind::Complex, first.part()),
            Signature::ComplexMake => match first {
                Dtype::F32 => result(true, Dtype::C64),
                Dtype::F64 => result(true, Dtype::C128),
                _ => None,
            },
            Signature::Complex => result(kind == Kind::Complex, first),
            Signature::ToBits => match first {
                Dtype::F32 => Some(Dtype::I32),
                Dtype::F64 => Some(Dtype::I64),
                _ => None,
            },
            Signature::FromBits => match first {
                Dtype::I32 => Some(Dtype::F32),
                Dtype::I64 => Some(Dtype::F64),
                _ => None,
            },
        }
    }
}

impl fmt::Display for ScalarOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().name)
    }
}

/// How values are combined along reduced axes, in scatters and in accumulating stores.
///
/// An empty reduction gives the identity: sum 0, prod 1, any false, all true, max -inf, min +inf
/// (integers: the least and greatest value of the dtype).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReduceOp {
    /// Sum; numeric, keeps the dtype.
    Sum,
    /// Product; numeric, keeps the dtype.
    Prod,
    /// Largest; ordered, NaN propagates.
    Max,
    /// Smallest; ordered, NaN propagates.
    Min,
    /// Whether any is true; bool.
    Any,
    /// Whether all are true; bool.
    All,
    /// Position (i64) of the first largest along one axis; the first NaN wins. Graph level only.
    ArgMax,
    /// Position (i64) of the first smallest along one axis; the first NaN wins. Graph level only.
    ArgMin,
}

impl ReduceOp {
    /// All reductions with their names in text forms.
    pub const TABLE: &'static [(ReduceOp, &'static str)] = &[
        (ReduceOp::Sum, "sum"),
        (ReduceOp::Prod, "prod"),
        (ReduceOp::Max, "max"),
        (ReduceOp::Min, "min"),
        (ReduceOp::Any, "any"),
        (ReduceOp::All, "all"),
        (ReduceOp::ArgMax, "argmax"),
        (ReduceOp::ArgMin, "argmin"),
    ];

    /// The name in every text form.
    pub fn name(self) -> &'static str {
        Self::TABLE[self as usize].1
    }

    /// The reduction called `name`.
    pub fn from_name(name: &str) -> Option<ReduceOp> {
        Self::TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// The operation that combines two partial results; `None` for argmax and argmin.
    pub fn scalar_op(self) -> Option<ScalarOp> {
        match self {
            ReduceOp::Sum => Some(ScalarOp::Add),
            ReduceOp::Prod => Some(ScalarOp::Mul),
            ReduceOp::Max => Some(ScalarOp::Max),
            ReduceOp::Min => Some(ScalarOp::Min),
            ReduceOp::Any => Some(ScalarOp::Or),
            ReduceOp::All => Some(ScalarOp::And),
            ReduceOp::ArgMax | ReduceOp::ArgMin => None,
        }
    }

    /// The dtype of the result for values of `dtype`; `None` if they cannot be reduced this way.
    pub fn result_dtype(self, dtype: Dtype) -> Option<Dtype> {
        let kind = dtype.kind();
        match self {
            ReduceOp::Sum | ReduceOp::Prod => (kind != Kind::Bool).then_some(dtype),
            ReduceOp::Max | ReduceOp::Min => matches!(kind, Kind::Int | Kind::Float).then_some(dtype),
            ReduceOp::Any | ReduceOp::All => (kind == Kind::Bool).then_some(dtype),
            ReduceOp::ArgMax | ReduceOp::ArgMin => {
                matches!(kind, Kind::Int | Kind::Float).then_some(Dtype::I64)
            }
        }
    }
}

impl fmt::Display for ReduceOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A number written in a program or an IR; its dtype stands beside it.
#[derive(Clone, Copy, Debug)]
pub enum Literal {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A real number.
    Real(f64),
    /// Real and imaginary part.
    Complex(f64, f64),
}

impl Literal {
    /// The literal that is the identity of `op` for `dtype` (see [`ReduceOp`]); 0 for argmax and argmin.
    pub fn identity(op: ReduceOp, dtype: Dtype) -> Literal {
        let (least, greatest) = match dtype {
            Dtype::U8 => (0, i64::from(u8::MAX)),
            Dtype::U32 => (0, i64::from(u32::MAX)),
            Dtype::I32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
            _ => (i64::MIN, i64::MAX),
        };
        match (op, dtype.kind()) {
            (ReduceOp::Any, _) => Literal::Bool(false),
            (ReduceOp::All, _) => Literal::Bool(true),
            (ReduceOp::Sum, _) => Literal::of(0, dtype),
            (ReduceOp::Prod, _) => Literal::of(1, dtype),
            (ReduceOp::Max, Kind::Int) => Literal::Int(least),
            (ReduceOp::Min, Kind::Int) => Literal::Int(greatest),
            (ReduceOp::Max, _) => Literal::Real(f64::NEG_INFINITY),
            (ReduceOp::Min, _) => Literal::Real(f64::INFINITY),
            (ReduceOp::ArgMax | ReduceOp::ArgMin, _) => Literal::Int(0),
        }
    }

    /// The small integer `value` as a literal of `dtype`.
    pub fn of(value: i64, dtype: Dtype) -> Literal {
        match dtype.kind() {
            Kind::Bool => Literal::Bool(value != 0),
            Kind::Int => Literal::Int(value),
            Kind::Float => Literal::Real(value as f64),
            Kind::Complex => Literal::Complex(value as f64, 0.0),
        }
    }

    /// Whether the literal can stand for a number of `dtype`.
    pub fn fits(self, dtype: Dtype) -> bool {
        match self {
            Literal::Bool(_) => dtype == Dtype::Bool,
            Literal::Int(value) => dtype.is_int() && dtype.wrap(value) == value,
            Literal::Real(_) => dtype.is_float(),
            Literal::Complex(..) => dtype.is_complex(),
        }
    }

    fn bits(self) -> (u8, u64, u64) {
        match self {
            Literal::Bool(b) => (0, u64::from(b), 0),
            Literal::Int(i) => (1, i as u64, 0),
            Literal::Real(r) => (2, r.to_bits(), 0),
            Literal::Complex(re, im) => (3, re.to_bits(), im.to_bits()),
        }
    }
}

/// Literals are equal when their bits are: NaN equals itself, -0 differs from +0.
impl PartialEq for Literal {
    fn eq(&self, other: &Literal) -> bool {
        self.bits() == other.bits()
    }
}

impl Eq for Literal {}

impl std::hash::Hash for Literal {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.bits().hash(state);
    }
}

/// Integers without a point, reals always with one (`1.0`, `1e-5`), `inf`, `-inf`, `nan`,
/// complex as `(re, im)`: the form that the text parsers read back exactly.
impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Literal::Bool(b) => write!(f, "{b}"),
            Literal::Int(i) => write!(f, "{i}"),
            Literal::Real(r) => write_real(f, r),
            Literal::Complex(re, im) => {
                f.write_str("(")?;
                write_real(f, re)?;
                f.write_str(", ")?;
                write_real(f, im)?;
                f.write_str(")")
            }
        }
    }
}

fn write_real(f: &mut fmt::Formatter<'_>, value: f64) -> fmt::Result {
    if value.is_nan() { f.write_str("nan") } else { write!(f, "{value:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_indexed_by_their_enums() {
        for (index, row) in SCALAR_OPS.iter().enumerate() {
            assert_eq!(row.op as usize, index);
            assert_eq!(ScalarOp::from_name(row.name), Some(row.op));
        }
        for (index, row) in ReduceOp::TABLE.iter().enumerate() {
            assert_eq!(row.0 as usize, index);
        }
    }

    #[test]
    fn integer_minimum_survives_negation_in_literals() {
        assert!(Literal::identity(ReduceOp::Max, Dtype::I64).fits(Dtype::I64));
        assert!(!Literal::Int(256).fits(Dtype::U8));
    }
}
