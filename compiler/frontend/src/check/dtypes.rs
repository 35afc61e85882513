//! Weak and strong numbers: which dtype an operation computes in.

use super::Reported;
use super::functions::{Builtin, Composite, Field};
use super::resolved::{Expr, ExprKind, Read, Source, TensorId};
use crate::ast::{BinaryOp, ReduceOp, TransformKind};
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, Kind};

/// The dtype of a value, and whether it yields to that of the other operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numeric {
    pub dtype: Dtype,
    /// Literals, parameters, sizes, indices and brackets are weak, and what is made of them alone.
    pub weak: bool,
}

impl Numeric {
    pub fn strong(dtype: Dtype) -> Numeric {
        Numeric { dtype, weak: false }
    }

    pub fn weak(kind: Kind) -> Numeric {
        Numeric { dtype: natural(kind), weak: true }
    }

    /// bool used as a number is i64.
    pub fn as_number(self) -> Numeric {
        if self.dtype == Dtype::Bool { Numeric { dtype: Dtype::I64, ..self } } else { self }
    }

    /// Integers become f64.
    pub fn as_float(self) -> Numeric {
        let number = self.as_number();
        if number.dtype.is_int() { Numeric { dtype: Dtype::F64, ..number } } else { number }
    }

    /// The complex dtype with parts of this precision.
    pub fn as_complex(self) -> Numeric {
        Numeric { dtype: complex(self.as_float().dtype), ..self }
    }
}

/// The dtype of a kind where nothing else decides.
pub fn natural(kind: Kind) -> Dtype {
    match kind {
        Kind::Bool => Dtype::Bool,
        Kind::Int => Dtype::I64,
        Kind::Float => Dtype::F64,
        Kind::Complex => Dtype::C128,
    }
}

fn complex(float: Dtype) -> Dtype {
    match float {
        Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::C64 => Dtype::C64,
        _ => Dtype::C128,
    }
}

/// What arithmetic on two numbers computes in (both bool: bool).
pub fn join(a: Numeric, b: Numeric) -> Numeric {
    if a.dtype == Dtype::Bool && b.dtype == Dtype::Bool {
        return Numeric { dtype: Dtype::Bool, weak: a.weak && b.weak };
    }
    let (a, b) = (a.as_number(), b.as_number());
    match (a.weak, b.weak) {
        (true, true) => Numeric::weak(a.dtype.kind().max(b.dtype.kind())),
        (false, false) => Numeric::strong(join_strong(a.dtype, b.dtype)),
        (true, false) => Numeric::strong(yield_to(a.dtype.kind(), b.dtype)),
        (false, true) => Numeric::strong(yield_to(b.dtype.kind(), a.dtype)),
    }
}

/// A weak number of this kind beside a strong dtype.
fn yield_to(kind: Kind, strong: Dtype) -> Dtype {
    if kind <= strong.kind() {
        return strong;
    }
    match kind {
        Kind::Bool | Kind::Int => Dtype::I64,
        Kind::Float => Dtype::F64,
        Kind::Complex if strong.is_float() => complex(strong),
        Kind::Complex => Dtype::C128,
    }
}

fn join_strong(a: Dtype, b: Dtype) -> Dtype {
    if a == b {
        return a;
    }
    match (a.kind(), b.kind()) {
        (Kind::Int, Kind::Int) => match (a, b) {
            (Dtype::U8, Dtype::U32) | (Dtype::U32, Dtype::U8) => Dtype::U32,
            _ => Dtype::I64,
        },
        (Kind::Float, Kind::Float) => wider(a, b),
        (Kind::Complex, _) | (_, Kind::Complex) => {
            let part = |dtype: Dtype| if dtype.is_int() { Dtype::F32 } else { dtype.part() };
            complex(wider(part(a), part(b)))
        }
        (Kind::Float, _) => a,
        (_, Kind::Float) => b,
        (Kind::Bool, _) => b,
        (_, Kind::Bool) => a,
    }
}

fn wider(a: Dtype, b: Dtype) -> Dtype {
    match (a, b) {
        _ if a == b => a,
        (Dtype::F16, Dtype::BF16) | (Dtype::BF16, Dtype::F16) => Dtype::F32,
        _ if a.size_bytes() >= b.size_bytes() => a,
        _ => b,
    }
}

/// The dtype of `/`.
pub fn quotient(a: Numeric, b: Numeric) -> Numeric {
    join(a, b).as_float()
}

/// The dtype in which a reduction returns.
pub fn reduction(op: ReduceOp, value: Numeric) -> Numeric {
    let counted = |value: Numeric| {
        if matches!(value.dtype, Dtype::U8) {
            Numeric { dtype: Dtype::I64, ..value }
        } else {
            value.as_number()
        }
    };
    match op {
        ReduceOp::Sum | ReduceOp::Prod => counted(value),
        ReduceOp::Max | ReduceOp::Min => value.as_number(),
        ReduceOp::Mean | ReduceOp::Logsumexp | ReduceOp::Softmax => value.as_float(),
        ReduceOp::Any | ReduceOp::All => Numeric::strong(Dtype::Bool),
        ReduceOp::Argmax | ReduceOp::Argmin => Numeric::strong(Dtype::I64),
    }
}

/// The dtype of a built-in function.
pub fn function(builtin: Builtin, arguments: &[Numeric]) -> Numeric {
    let joined = arguments.iter().copied().reduce(join).unwrap_or(Numeric::weak(Kind::Int));
    match builtin {
        Builtin::Float(_) => joined.as_float(),
        Builtin::Field(Field::Abs) => {
            let number = joined.as_number();
            Numeric { dtype: number.dtype.part(), ..number }
        }
        Builtin::Field(Field::Re | Field::Im) => {
            let number = joined.as_number();
            Numeric { dtype: number.dtype.part(), ..number }
        }
        Builtin::Field(Field::Conj) => joined.as_number(),
        Builtin::Field(_) => joined.as_float(),
        Builtin::Ordered(_) | Builtin::Round(_) => joined.as_number(),
        Builtin::Classify(_) => Numeric::strong(Dtype::Bool),
        Builtin::Bits(_) => joined,
        Builtin::Logic(_) => Numeric::strong(Dtype::Bool),
        Builtin::Composite(Composite::Cis) => joined.as_complex(),
        Builtin::Composite(Composite::Sigmoid | Composite::Softplus | Composite::Silu) => joined.as_float(),
        Builtin::Composite(Composite::Relu | Composite::Sqr) => joined.as_number(),
    }
}

/// The dtype of a transform of a value.
pub fn transform(kind: TransformKind, value: Numeric) -> Numeric {
    match kind {
        TransformKind::Fft | TransformKind::Ifft | TransformKind::Rfft => value.as_complex(),
        TransformKind::Irfft => {
            let complex = value.as_complex();
            Numeric { dtype: complex.dtype.part(), ..complex }
        }
    }
}

/// The dtype of the elements of a table.
pub fn table(elements: &[Literal]) -> Numeric {
    let float = elements.iter().any(|element| matches!(element, Literal::Real(_)));
    Numeric::weak(if float { Kind::Float } else { Kind::Int })
}

/// The dtype of an expression before it is built, for recurrences. `tensor` answers `Ok(None)` for
/// tensors whose dtype does not count yet; then so does this.
pub fn infer(
    expr: &Expr,
    tensor: &dyn Fn(TensorId) -> Result<Option<Numeric>, Reported>,
) -> Result<Option<Numeric>, Reported> {
    let go = |e: &Expr| infer(e, tensor);
    let both = |a: Option<Numeric>, b: Option<Numeric>| match (a, b) {
        (Some(a), Some(b)) => Some(join(a, b)),
        (known, None) | (None, known) => known,
    };
    Ok(match &expr.kind {
        ExprKind::Int(_) | ExprKind::Size(_) | ExprKind::Index(_) => Some(Numeric::weak(Kind::Int)),
        ExprKind::Float(_) | ExprKind::FloatParam(_) => Some(Numeric::weak(Kind::Float)),
        ExprKind::Bool(_) => Some(Numeric::weak(Kind::Bool)),
        ExprKind::Opaque => None,
        ExprKind::Read(read) => both(source(read, tensor)?, read.outside.as_ref().map_or(Ok(None), go)?),
        ExprKind::Neg(a) => go(a)?.map(Numeric::as_number),
        ExprKind::Not(_) | ExprKind::Compare(..) => Some(Numeric::strong(Dtype::Bool)),
        ExprKind::Chain(first, rest) => {
            let mut value = go(first)?;
            for (op, operand) in rest {
                value = match op {
                    BinaryOp::And | BinaryOp::Or => Some(Numeric::strong(Dtype::Bool)),
                    BinaryOp::Div => both(value, go(operand)?).map(Numeric::as_float),
                    _ => both(value, go(operand)?).map(Numeric::as_number),
                };
            }
            value
        }
        ExprKind::Power(a, b) => match (go(a)?, go(b)?) {
            (Some(base), Some(exponent)) => Some(power(base, exponent)),
            (known, _) => known,
        },
        ExprKind::If(parts) => both(go(&parts[1])?, go(&parts[2])?),
        ExprKind::Iverson(_) => Some(Numeric::weak(Kind::Int)),
        ExprKind::Cast(dtype, _) => Some(Numeric::strong(*dtype)),
        ExprKind::Call(builtin, arguments) => {
            let known = arguments.iter().map(go).collect::<Result<Vec<_>, _>>()?;
            let known: Vec<Numeric> = known.into_iter().flatten().collect();
            match builtin {
                Builtin::Classify(_) | Builtin::Logic(_) => Some(Numeric::strong(Dtype::Bool)),
                _ if known.is_empty() => None,
                _ => Some(function(*builtin, &known)),
            }
        }
        ExprKind::Reduce(reduce) => match reduce.op {
            ReduceOp::Any | ReduceOp::All | ReduceOp::Argmax | ReduceOp::Argmin => {
                Some(reduction(reduce.op, Numeric::weak(Kind::Int)))
            }
            op => go(&reduce.body)?.map(|value| reduction(op, value)),
        },
        ExprKind::Transform(inner) => go(&inner.body)?.map(|value| transform(inner.kind, value)),
    })
}

fn source(
    read: &Read,
    tensor: &dyn Fn(TensorId) -> Result<Option<Numeric>, Reported>,
) -> Result<Option<Numeric>, Reported> {
    match &read.source {
        Source::Tensor(id) => tensor(*id),
        Source::Table(data) => Ok(Some(table(&data.elements))),
        Source::Dft(_) => Ok(Some(Numeric::weak(Kind::Complex))),
    }
}

/// The dtype of `base ^ exponent`.
pub fn power(base: Numeric, exponent: Numeric) -> Numeric {
    if exponent.dtype.kind() <= Kind::Int { base.as_number() } else { join(base, exponent).as_float() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_numbers_yield_and_strong_ones_meet() {
        let (f32, i64) = (Numeric::strong(Dtype::F32), Numeric::strong(Dtype::I64));
        let (u8, u32) = (Numeric::strong(Dtype::U8), Numeric::strong(Dtype::U32));
        let f16 = Numeric::strong(Dtype::F16);
        assert_eq!(join(f32, Numeric::weak(Kind::Float)), f32);
        assert_eq!(join(f32, i64), f32);
        assert_eq!(join(u8, Numeric::weak(Kind::Int)), u8);
        assert_eq!(join(i64, Numeric::weak(Kind::Float)).dtype, Dtype::F64);
        assert_eq!(join(f16, Numeric::strong(Dtype::BF16)).dtype, Dtype::F32);
        assert_eq!(join(u32, i64).dtype, Dtype::I64);
        assert_eq!(join(u8, u32).dtype, Dtype::U32);
        assert_eq!(join(f32, Numeric::weak(Kind::Complex)).dtype, Dtype::C64);
        assert_eq!(join(Numeric::strong(Dtype::C64), Numeric::strong(Dtype::F64)).dtype, Dtype::C128);
        assert!(join(Numeric::weak(Kind::Int), Numeric::weak(Kind::Float)).weak);
        assert_eq!(quotient(i64, i64).dtype, Dtype::F64);
    }
}
