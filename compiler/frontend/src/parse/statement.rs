//! Parsed pairs of the grammar to statements and attributes of the syntax tree.

use pest::iterators::Pair;

use super::expression::{expr, group, name, next, number, text, unexpected};
use crate::ast::*;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::parse::{Built, Place, Rule};

/// A declaration, a function or an equation; its attributes are added by the caller.
pub(crate) fn statement(place: Place, pair: Pair<Rule>) -> Built<Item> {
    let span = place.span(&pair);
    let kind = match pair.as_rule() {
        Rule::declaration => ItemKind::Declaration(declaration(place, pair)?),
        Rule::function => ItemKind::Function(function(place, pair)?),
        Rule::equation => ItemKind::Equation(equation(place, pair)?),
        _ => return Err(unexpected(span)),
    };
    Ok(Item { attributes: Vec::new(), kind, span })
}

fn declaration(place: Place, pair: Pair<Rule>) -> Built<Declaration> {
    let span = place.span(&pair);
    let (mut kind, mut dtype) = (DeclarationKind::In, None);
    let (mut names, mut dims) = (Vec::new(), Vec::new());
    let (mut format, mut range, mut default) = (None, None, None);
    for pair in pair.into_inner() {
        let place_of_pair = place.span(&pair);
        match pair.as_rule() {
            Rule::declaration_kind => {
                kind = match pair.as_str() {
                    "in" => DeclarationKind::In,
                    "out" => DeclarationKind::Out,
                    "var" => DeclarationKind::Var,
                    _ => DeclarationKind::Param,
                }
            }
            Rule::name => names.push(name(place, &pair)),
            Rule::type_name => dtype = Some((type_name(place, &pair)?, place_of_pair)),
            Rule::shape => dims = shape(place, pair)?,
            Rule::storage => {
                let kind = match pair.as_str() {
                    "csr" => StorageKind::Csr,
                    "coo" => StorageKind::Coo,
                    _ => StorageKind::Enc,
                };
                format = Some(Storage { kind, span: place_of_pair });
            }
            Rule::range => {
                let inner = pair.into_inner().find(|pair| pair.as_rule() == Rule::interval);
                range = Some(interval(place, inner.ok_or_else(|| unexpected(place_of_pair))?)?);
            }
            Rule::default => default = Some(last_expr(place, pair)?),
            _ => {}
        }
    }
    let (dtype, dtype_span) = dtype.ok_or_else(|| unexpected(span))?;
    Ok(Declaration { kind, names, dtype, dtype_span, dims, format, range, default, span })
}

/// The element type, or what the author probably meant.
fn type_name(place: Place, pair: &Pair<Rule>) -> Built<TypeName> {
    /// Spellings of other languages.
    const ELSEWHERE: &[(&str, &str)] = &[
        ("float", "f32"),
        ("float16", "f16"),
        ("float32", "f32"),
        ("float64", "f64"),
        ("double", "f64"),
        ("half", "f16"),
        ("bfloat16", "bf16"),
        ("real", "f64"),
        ("complex", "c128"),
        ("complex64", "c64"),
        ("complex128", "c128"),
        ("int32", "i32"),
        ("int64", "i64"),
        ("long", "i64"),
        ("uint8", "u8"),
        ("uint32", "u32"),
        ("boolean", "bool"),
    ];
    let written = pair.as_str();
    if let Some(name) = TypeName::from_text(written) {
        return Ok(name);
    }
    let known = TypeName::ALL.iter().map(|(_, text)| *text);
    let lower = written.to_lowercase();
    let meant = ELSEWHERE
        .iter()
        .find(|(other, _)| *other == lower)
        .map(|(_, ours)| *ours)
        .or_else(|| known.clone().find(|text| *text == lower))
        .or_else(|| nearest(&lower, known.clone()));
    let all: Vec<&str> = known.collect();
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the types are {}", all.join(" ")),
    };
    Err(Box::new(
        Diagnostic::new(Code::UnknownType, format!("`{written}` is no element type"))
            .label(place.span(pair), "")
            .help(help),
    ))
}

fn shape(place: Place, pair: Pair<Rule>) -> Built<Vec<Dim>> {
    pair.into_inner()
        .filter(|pair| matches!(pair.as_rule(), Rule::text | Rule::expr))
        .map(|pair| match pair.as_rule() {
            Rule::text => Ok(Dim::Text(text(place, &pair))),
            _ => expr(place, pair).map(Dim::Expr),
        })
        .collect()
}

fn interval(place: Place, pair: Pair<Rule>) -> Built<Interval> {
    let span = place.span(&pair);
    let mut pairs = pair.into_inner();
    let low = expr(place, next(&mut pairs, span)?)?;
    let high = expr(place, next(&mut pairs, span)?)?;
    Ok(Interval { low, high, span })
}

/// The one expression among the parts of `pair`.
fn last_expr(place: Place, pair: Pair<Rule>) -> Built<Expr> {
    let span = place.span(&pair);
    let inner = pair.into_inner().filter(|pair| pair.as_rule() == Rule::expr).last();
    expr(place, inner.ok_or_else(|| unexpected(span))?)
}

fn function(place: Place, pair: Pair<Rule>) -> Built<Function> {
    let span = place.span(&pair);
    let mut names: Vec<Name> = pair
        .clone()
        .into_inner()
        .filter(|pair| pair.as_rule() == Rule::name)
        .map(|pair| name(place, &pair))
        .collect();
    let body = last_expr(place, pair)?;
    if names.is_empty() {
        return Err(unexpected(span));
    }
    let name = names.remove(0);
    Ok(Function { name, formals: names, body, span })
}

fn equation(place: Place, pair: Pair<Rule>) -> Built<Equation> {
    let span = place.span(&pair);
    let mut pairs = pair.into_inner();
    let name = name(place, &next(&mut pairs, span)?);
    let mut left_span = name.span;
    let mut indices = Vec::new();
    let mut sign = next(&mut pairs, span)?;
    if sign.as_rule() == Rule::left {
        left_span = left_span.join(place.span(&sign));
        indices = left(place, sign)?;
        sign = next(&mut pairs, span)?;
    }
    let op = match sign.as_str() {
        "=" => AssignOp::Set,
        "+=" => AssignOp::Add,
        "*=" => AssignOp::Mul,
        "max=" => AssignOp::Max,
        "min=" => AssignOp::Min,
        _ => return Err(unexpected(place.span(&sign))),
    };
    let op_span = place.span(&sign);
    let body = expr(place, next(&mut pairs, span)?)?;
    Ok(Equation { name, indices, left_span, op, op_span, body, span })
}

fn left(place: Place, pair: Pair<Rule>) -> Built<Vec<LeftIndex>> {
    let mut indices = Vec::new();
    for pair in pair.into_inner() {
        match pair.as_rule() {
            Rule::group => indices.push(LeftIndex::Group(group(place, pair)?.0)),
            Rule::sized => {
                let span = place.span(&pair);
                let mut pairs = pair.into_inner();
                let name = name(place, &next(&mut pairs, span)?);
                let size = pairs.find(|pair| pair.as_rule() == Rule::expr);
                let size = expr(place, size.ok_or_else(|| unexpected(span))?)?;
                indices.push(LeftIndex::Sized(SizedIndex { name, size, span }));
            }
            Rule::expr => indices.push(LeftIndex::Expr(expr(place, pair)?)),
            _ => {}
        }
    }
    Ok(indices)
}

/// `@name(arguments)`
pub(crate) fn attribute(place: Place, pair: Pair<Rule>) -> Built<Attribute> {
    let span = place.span(&pair);
    let mut pairs = pair.into_inner();
    let name = name(place, &next(&mut pairs, span)?);
    let arguments = pairs
        .filter(|pair| pair.as_rule() == Rule::argument)
        .map(|pair| argument(place, pair))
        .collect::<Built<_>>()?;
    Ok(Attribute { name, arguments, span })
}

fn argument(place: Place, pair: Pair<Rule>) -> Built<Argument> {
    let span = place.span(&pair);
    let mut argument_name = None;
    for pair in pair.into_inner() {
        let value = match pair.as_rule() {
            Rule::argument_name => {
                argument_name = pair.into_inner().next().map(|pair| name(place, &pair));
                continue;
            }
            Rule::bytes => ArgumentValue::Bytes(bytes(place, pair)?),
            Rule::text => ArgumentValue::Text(text(place, &pair)),
            Rule::interval => ArgumentValue::Interval(interval(place, pair)?),
            _ => ArgumentValue::Expr(expr(place, pair)?),
        };
        return Ok(Argument { name: argument_name, value, span });
    }
    Err(unexpected(span))
}

/// `64MiB` as a number of bytes.
fn bytes(place: Place, pair: Pair<Rule>) -> Built<u64> {
    let span = place.span(&pair);
    let mut pairs = pair.into_inner();
    let count = match number(place, &next(&mut pairs, span)?, false)? {
        Number::Int(count) => count as f64,
        Number::Float(count) => count,
    };
    let unit = match next(&mut pairs, span)?.as_str() {
        "KiB" => 1u64 << 10,
        "MiB" => 1 << 20,
        _ => 1 << 30,
    };
    let total = (count * unit as f64).floor();
    if total > u64::MAX as f64 / 2.0 {
        return Err(Box::new(
            Diagnostic::new(Code::BadNumber, "this many bytes do not exist").label(span, ""),
        ));
    }
    Ok(total as u64)
}
