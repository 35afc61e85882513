//! Numbers that are known from the text alone: sizes, defaults, intervals.

use super::Diagnostics;
use super::Reported;
use super::names::{Entity, Names};
use super::ranges::{product_of, times};
use crate::ast::{BinaryOp, Expr, ExprKind, Number, Span};
use crate::diagnostic::{Code, Diagnostic, nearest};
use tcc_ir::Extent;

/// The largest constant exponent in a size.
const MAX_POWER: i64 = 16;

/// Reads a size: whole numbers, sizes, integer parameters, `+ - * div mod` and small powers.
pub fn extent(expr: &Expr, names: &Names, found: &mut Diagnostics) -> Result<Extent, Reported> {
    let result = extent_of(expr, names, found)?;
    if result.as_const().is_some_and(|value| value < 0) {
        return Err(found.push(
            Diagnostic::new(Code::NegativeSize, format!("the size of an axis is {result}"))
                .label(expr.span, "a size is at least 0")
                .help("give a size of 0 or more"),
        ));
    }
    Ok(result)
}

/// As [`extent`], for any integer.
pub fn integer(expr: &Expr, names: &Names, found: &mut Diagnostics) -> Result<Extent, Reported> {
    extent_of(expr, names, found)
}

fn extent_of(expr: &Expr, names: &Names, found: &mut Diagnostics) -> Result<Extent, Reported> {
    match &expr.kind {
        ExprKind::Number(Number::Int(value)) => Ok(Extent::from(*value)),
        ExprKind::Neg(a) => Ok(-extent_of(a, names, found)?),
        ExprKind::Name(name) => size_name(name, expr.span, names, found),
        ExprKind::Chain(chain) => {
            let mut value = extent_of(&chain.first, names, found);
            for (op, operand) in &chain.rest {
                value = match (value, extent_of(operand, names, found)) {
                    (Ok(left), Ok(right)) => combined(*op, left, right, expr.span, operand.span, found),
                    _ => Err(Reported),
                };
            }
            value
        }
        ExprKind::Power(a, b) => {
            let (base, exponent) = (extent_of(a, names, found), extent_of(b, names, found));
            let (base, exponent) = (base?, exponent?);
            match exponent.as_const() {
                Some(power) if (0..=MAX_POWER).contains(&power) => {
                    let factors = std::iter::repeat_n(&base, power as usize);
                    product_of(factors).ok_or_else(|| too_large(expr.span, found))
                }
                _ => Err(not_integer(expr.span, "a power in a size has a small constant exponent", found)),
            }
        }
        _ => Err(not_integer(expr.span, "not made of sizes, parameters and numbers", found)),
    }
}

fn combined(
    op: BinaryOp,
    left: Extent,
    right: Extent,
    span: Span,
    right_span: Span,
    found: &mut Diagnostics,
) -> Result<Extent, Reported> {
    match op {
        BinaryOp::Add => Ok(left + right),
        BinaryOp::Sub => Ok(left - right),
        BinaryOp::Mul => times(&left, &right).ok_or_else(|| too_large(span, found)),
        BinaryOp::FloorDiv | BinaryOp::Mod if right.as_const() == Some(0) => Err(found.push(
            Diagnostic::new(Code::DivisionByZero, "a size is divided by 0")
                .label(right_span, "this is 0")
                .help("divide by a number that is not 0"),
        )),
        BinaryOp::FloorDiv => Ok(left.div(right)),
        BinaryOp::Mod => Ok(left.modulo(right)),
        BinaryOp::Div => Err(found.push(
            Diagnostic::new(Code::SizeNotInteger, "`/` always gives a float, and a size is an integer")
                .label(span, "not an integer")
                .help("write `div` instead of `/`"),
        )),
        BinaryOp::And | BinaryOp::Or => Err(not_integer(span, "not an integer", found)),
    }
}

fn too_large(span: Span, found: &mut Diagnostics) -> Reported {
    found.push(
        Diagnostic::new(Code::TooLarge, "this size has too many terms")
            .label(span, "too large when multiplied out")
            .help("give a part of it a name of its own, as a size or a parameter"),
    )
}

fn not_integer(span: Span, label: &str, found: &mut Diagnostics) -> Reported {
    found.push(
        Diagnostic::new(Code::SizeNotInteger, "this is not a size")
            .label(span, label)
            .help("sizes are made of whole numbers, sizes, int parameters and + - * div mod"),
    )
}

fn size_name(name: &str, span: Span, names: &Names, found: &mut Diagnostics) -> Result<Extent, Reported> {
    match names.get(name) {
        Some((Entity::Size(symbol) | Entity::IntParam(symbol), _)) => Ok(Extent::symbol(symbol.clone())),
        Some((Entity::FloatParam(_), at)) => Err(found.push(
            Diagnostic::new(Code::SizeNotInteger, format!("`{name}` is a float parameter, not a size"))
                .label(span, "used as a size")
                .label(at, "declared here")
                .help(format!("declare it as an integer: param {name} : int")),
        )),
        Some((Entity::Tensor(id), at)) if names.tensor(*id).rank == 0 => Err(found.push(
            Diagnostic::new(
                Code::SizeNotInteger,
                format!("a size cannot come from data: `{name}` is a tensor"),
            )
            .label(span, "used as a size")
            .label(at, "a tensor")
            .help(format!("declare it as a parameter: param {name} : int")),
        )),
        Some((Entity::Tensor(_), at)) => Err(found.push(
            Diagnostic::new(
                Code::NameClash,
                format!("size `{name}` has the same name as the tensor `{name}`"),
            )
            .label(span, "used as a size")
            .label(at, "a tensor")
            .help("rename one of them"),
        )),
        Some((Entity::Function(_), at)) => Err(found.push(
            Diagnostic::new(
                Code::NameClash,
                format!("size `{name}` has the same name as the function `{name}`"),
            )
            .label(span, "used as a size")
            .label(at, "a function")
            .help("rename one of them"),
        )),
        None if names.indices.contains_key(name) => Err(found.push(
            Diagnostic::new(Code::SizeNotInteger, format!("a size cannot depend on the index `{name}`"))
                .label(span, "an index")
                .help(format!("give the largest size, and guard: where .. < {name}")),
        )),
        None => {
            let mut diagnostic = Diagnostic::new(Code::UnknownName, format!("unknown size `{name}`"))
                .label(span, "not a size, a parameter or a number");
            if let Some(near) = nearest(name, names.sizes()) {
                diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
            }
            Err(found.push(diagnostic))
        }
    }
}

/// Reads a real number made of literals, constants and arithmetic.
pub fn real(expr: &Expr) -> Option<f64> {
    Some(match &expr.kind {
        ExprKind::Number(Number::Int(value)) => *value as f64,
        ExprKind::Number(Number::Float(value)) => *value,
        ExprKind::Name(name) => match name.as_str() {
            "pi" => std::f64::consts::PI,
            "inf" => f64::INFINITY,
            "nan" => f64::NAN,
            _ => return None,
        },
        ExprKind::Neg(a) => -real(a)?,
        ExprKind::Power(a, b) => real(a)?.powf(real(b)?),
        ExprKind::Chain(chain) => chain.rest.iter().try_fold(real(&chain.first)?, |a, (op, operand)| {
            let b = real(operand)?;
            Some(match op {
                BinaryOp::Add => a + b,
                BinaryOp::Sub => a - b,
                BinaryOp::Mul => a * b,
                BinaryOp::Div => a / b,
                BinaryOp::FloorDiv => (a / b).floor(),
                BinaryOp::Mod => a - b * (a / b).floor(),
                BinaryOp::And | BinaryOp::Or => return None,
            })
        })?,
        _ => return None,
    })
}
