//! Parsed pairs of the grammar to expressions of the syntax tree.
//!
//! Every function takes the pair of the rule it is named after. What the grammar guarantees is not
//! trusted with a panic: a missing part becomes an [`unexpected`] diagnostic.

use pest::iterators::{Pair, Pairs};

use crate::ast::*;
use crate::diagnostic::{Code, Diagnostic};
use crate::limits::MAX_DEPTH;
use crate::parse::{Built, Place, Rule};
use tcc_ir::planted;

/// An expression and how deep its tree is.
struct Tree {
    expr: Expr,
    depth: usize,
}

/// A piece of a list and how deep the trees in it are.
type Deep<T> = Built<(T, usize)>;

/// An expression from one of the rules between `expr` and `atom`.
pub(crate) fn expr(place: Place, pair: Pair<Rule>) -> Built<Expr> {
    tree(place, pair).map(|tree| tree.expr)
}

/// The diagnostic for a pair that the grammar should not have produced.
pub(crate) fn unexpected(span: Span) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(Code::UnexpectedText, "this cannot be understood").label(span, ""))
}

/// The next pair of `pairs`, which belongs to the construct at `span`.
pub(crate) fn next<'a>(pairs: &mut Pairs<'a, Rule>, span: Span) -> Built<Pair<'a, Rule>> {
    pairs.next().ok_or_else(|| unexpected(span))
}

/// The name in a pair of the rule `name`.
pub(crate) fn name(place: Place, pair: &Pair<Rule>) -> Name {
    Name { text: pair.as_str().to_string(), span: place.span(pair) }
}

/// The quoted text in a pair of the rule `text`.
pub(crate) fn text(place: Place, pair: &Pair<Rule>) -> Text {
    Text { value: pair.as_str().trim_matches('"').to_string(), span: place.span(pair) }
}

/// The number in a pair of the rule `number`; `negative` when a minus stands directly before it,
/// since the smallest i64 has no positive counterpart.
pub(crate) fn number(place: Place, pair: &Pair<Rule>, negative: bool) -> Built<Number> {
    let written = pair.as_str();
    let sign = if negative { "-" } else { "" };
    let value = if written.contains(['.', 'e', 'E']) {
        format!("{sign}{written}").parse().ok().filter(|value: &f64| value.is_finite()).map(Number::Float)
    } else {
        let narrowed = |value: i64| if planted(5) { value as f32 as i64 } else { value }; // Planted bug 5.
        format!("{sign}{written}").parse().ok().map(narrowed).map(Number::Int)
    };
    value.ok_or_else(|| {
        let (message, help) = if written.contains(['.', 'e', 'E']) {
            ("this number is too large for f64", "the largest is about 1.8e308; infinity is written inf")
        } else {
            (
                "this whole number does not fit in 64 bits",
                "the largest is 9223372036854775807; a float has a point",
            )
        };
        Box::new(Diagnostic::new(Code::BadNumber, message).label(place.span(pair), "").help(help))
    })
}

fn tree(place: Place, pair: Pair<Rule>) -> Built<Tree> {
    let span = place.span(&pair);
    let rule = pair.as_rule();
    let built = match rule {
        Rule::number => leaf(ExprKind::Number(number(place, &pair, false)?), span),
        Rule::or | Rule::and | Rule::add | Rule::mul => chain(place, pair)?,
        Rule::not => not(place, pair)?,
        Rule::compare => compare(place, pair)?,
        Rule::unary => unary(place, pair)?,
        Rule::power => power(place, pair)?,
        Rule::conditional => conditional(place, pair)?,
        Rule::reduce => reduce(place, pair)?,
        Rule::transform => transform(place, pair)?,
        Rule::reference => reference(place, pair)?,
        Rule::expr => return tree(place, next(&mut pair.into_inner(), span)?),
        Rule::paren => {
            let mut inner = tree(place, next(&mut pair.into_inner(), span)?)?;
            inner.expr.span = span;
            inner
        }
        Rule::iverson => {
            let inner = tree(place, next(&mut pair.into_inner(), span)?)?;
            node(ExprKind::Iverson(Box::new(inner.expr)), span, inner.depth)
        }
        _ => return Err(unexpected(span)),
    };
    within_depth(built)
}

/// Refuses a tree that is too deep to recurse over, before a deeper one is made of it.
fn within_depth(tree: Tree) -> Built<Tree> {
    if tree.depth <= MAX_DEPTH {
        return Ok(tree);
    }
    Err(Box::new(
        Diagnostic::new(
            Code::NestedTooDeep,
            format!("this expression is nested more than {MAX_DEPTH} operators deep"),
        )
        .label(tree.expr.span, "")
        .help("give parts of the expression names of their own"),
    ))
}

fn leaf(kind: ExprKind, span: Span) -> Tree {
    Tree { expr: Expr { kind, span }, depth: 1 }
}

fn node(kind: ExprKind, span: Span, depth: usize) -> Tree {
    Tree { expr: Expr { kind, span }, depth: depth + 1 }
}

/// `a op b op c`, from the left.
fn chain(place: Place, pair: Pair<Rule>) -> Built<Tree> {
    operators(place, pair, binary_op, |first, rest| ExprKind::Chain(Chain { first, rest }))
}

fn binary_op(text: &str) -> Option<BinaryOp> {
    Some(match text {
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Sub,
        "*" => BinaryOp::Mul,
        "/" => BinaryOp::Div,
        "div" => BinaryOp::FloorDiv,
        "mod" => BinaryOp::Mod,
        "and" => BinaryOp::And,
        "or" => BinaryOp::Or,
        _ => return None,
    })
}

/// Operands with operators between them; one operand alone is that operand.
fn operators<Op>(
    place: Place,
    pair: Pair<Rule>,
    operator: fn(&str) -> Option<Op>,
    kind: fn(Box<Expr>, Vec<(Op, Expr)>) -> ExprKind,
) -> Built<Tree> {
    let span = place.span(&pair);
    let mut pairs = pair.into_inner();
    let first = tree(place, next(&mut pairs, span)?)?;
    let mut depth = first.depth;
    let mut rest = Vec::new();
    while let Some(pair) = pairs.next() {
        let op = operator(pair.as_str()).ok_or_else(|| unexpected(place.span(&pair)))?;
        let right = tree(place, next(&mut pairs, span)?)?;
        depth = depth.max(right.depth);
        rest.push((op, right.expr));
    }
    if rest.is_empty() {
        return Ok(first);
    }
    Ok(node(kind(Box::new(first.expr), rest), span, depth))
}

fn not(place: Place, pair: Pair<Rule>) -> Built<Tree> {
    let span = place.span(&pair);
    let mut pairs = pair.into_inner();
    let first = next(&mut pairs, span)?;
    if first.as_rule() != Rule::kw_not {
        return tree(place, first);
    }
    let operand = tree(place, next(&mut pairs, span)?)?;
    Ok(node(ExprKind::Not(Box::new(operand.expr)), span, operand.depth))
}

fn compare(place: Place, pair: Pair<Rule>) -> Built<Tree> {
    operators(place, pair, compare_op, |first, rest| ExprKind::Compare(Compare { first, rest }))
}

fn compare_op(text: &str) -> Option<CompareOp> {
    Some(match text {
        "<" => CompareOp::Less,
        "<=" => CompareOp::LessEqual,
        ">" => CompareOp::Greater,
        ">=" => CompareOp::GreaterEqual,
        "==" => CompareOp::Equal,
        "!=" => CompareOp::NotEqual,
        _ => return None,
    })
}

fn unary(place: Place, pair: Pair<Rule>) -> Built<Tree> {
    let span = place.span(&pair);
    let mut pairs = pair.into_inner();
    let first = next(&mut pairs, span)?;
    if first.as_rule() != Rule::negate {
        return tree(place, first);
    }
    let operand = next(&mut pairs, span)?;
    if let Some(digits) = smallest_integer(&operand) {
        return Ok(leaf(ExprKind::Number(number(place, &digits, true)?), span));
    }
    let operand = tree(place, operand)?;
    Ok(node(ExprKind::Neg(Box::new(operand.expr)), span, operand.depth))
}

/// The number in `unary(power(number))` when its digits are those of the smallest i64, which is
/// a number only together with the minus before it.
fn smallest_integer<'a>(unary: &Pair<'a, Rule>) -> Option<Pair<'a, Rule>> {
    if unary.as_str().trim() != "9223372036854775808" {
        return None;
    }
    unary.clone().into_inner().flatten().find(|pair| pair.as_rule() == Rule::number)
}

fn power(place: Place, pair: Pair<Rule>) -> Built<Tree> {
    let span = place.span(&pair);
    let mut pairs = pair.into_inner();
    let base = tree(place, next(&mut pairs, span)?)?;
    if pairs.next().is_none() {
        return Ok(base);
    }
    let exponent = tree(place, next(&mut pairs, span)?)?;
    let depth = base.depth.max(exponent.depth);
    Ok(node(ExprKind::Power(Box::new(base.expr), Box::new(exponent.expr)), span, depth))
}

fn conditional(place: Place, pair: Pair<Rule>) -> Built<Tree> {
    let span = place.span(&pair);
    let mut branches = pair.into_inner().filter(|pair| pair.as_rule() == Rule::expr);
    let mut branch = || branches.next().ok_or_else(|| unexpected(span)).and_then(|pair| tree(place, pair));
    let (condition, then, otherwise) = (branch()?, branch()?, branch()?);
    let depth = condition.depth.max(then.depth).max(otherwise.depth);
    let value = If { condition: condition.expr, then: then.expr, otherwise: otherwise.expr };
    Ok(node(ExprKind::If(Box::new(value)), span, depth))
}

fn reduce(place: Place, pair: Pair<Rule>) -> Built<Tree> {
    let span = place.span(&pair);
    let mut pairs = pair.into_inner();
    let word = next(&mut pairs, span)?;
    let op_span = place.span(&word);
    let op = ReduceOp::from_text(word.as_str()).ok_or_else(|| unexpected(op_span))?;
    let (mut binders, mut guards) = (Vec::new(), Vec::new());
    let mut depth = 0;
    for pair in pairs {
        match pair.as_rule() {
            Rule::binder => binders.push(binder(place, pair, &mut depth)?),
            Rule::where_clause => {
                for guard in pair.into_inner().filter(|pair| pair.as_rule() == Rule::expr) {
                    let guard = tree(place, guard)?;
                    depth = depth.max(guard.depth);
                    guards.push(guard.expr);
                }
            }
            Rule::mul => {
                let body = tree(place, pair)?;
                let span = span.join(body.expr.span);
                let reduce = Reduce { op, op_span, binders, guards, body: body.expr };
                return Ok(node(ExprKind::Reduce(Box::new(reduce)), span, depth.max(body.depth)));
            }
            _ => {}
        }
    }
    Err(unexpected(span))
}

fn transform(place: Place, pair: Pair<Rule>) -> Built<Tree> {
    let span = place.span(&pair);
    let mut pairs = pair.into_inner();
    let word = next(&mut pairs, span)?;
    let kind_span = place.span(&word);
    let kind = TransformKind::from_text(word.as_str()).ok_or_else(|| unexpected(kind_span))?;
    let mut depth = 0;
    let from = binders(place, next(&mut pairs, span)?, &mut depth)?;
    let mut pairs = pairs.filter(|pair| matches!(pair.as_rule(), Rule::binders | Rule::mul));
    let to = binders(place, pairs.next().ok_or_else(|| unexpected(span))?, &mut depth)?;
    let body = tree(place, pairs.next().ok_or_else(|| unexpected(span))?)?;
    let depth = depth.max(body.depth);
    let transform = Transform { kind, kind_span, from, to, body: body.expr };
    Ok(node(ExprKind::Transform(Box::new(transform)), span, depth))
}

fn binders(place: Place, pair: Pair<Rule>, depth: &mut usize) -> Built<Vec<Binder>> {
    pair.into_inner().map(|pair| binder(place, pair, depth)).collect()
}

/// `name` or `name:size`, from the rules `binder` and `group_member`.
fn binder(place: Place, pair: Pair<Rule>, depth: &mut usize) -> Built<Binder> {
    let span = place.span(&pair);
    let mut pairs = pair.into_inner();
    let name = name(place, &next(&mut pairs, span)?);
    let size = match pairs.next() {
        Some(pair) => {
            let size = tree(place, pair)?;
            *depth = size.depth.max(*depth);
            Some(size.expr)
        }
        None => None,
    };
    let span = size.as_ref().map_or(name.span, |size| name.span.join(size.span));
    Ok(Binder { name, size, span })
}

/// `(h k)`
pub(crate) fn group(place: Place, pair: Pair<Rule>) -> Deep<Group> {
    let span = place.span(&pair);
    let mut depth = 0;
    let members = binders(place, pair, &mut depth)?;
    Ok((Group { members, span }, depth))
}

fn reference(place: Place, pair: Pair<Rule>) -> Built<Tree> {
    let span = place.span(&pair);
    let mut pairs = pair.into_inner();
    let base = next(&mut pairs, span)?;
    let base_span = place.span(&base);
    let base = match base.as_rule() {
        Rule::name => leaf(ExprKind::Name(base.as_str().to_string()), base_span),
        Rule::call => call(place, base)?,
        Rule::table => {
            let (table, depth) = table(place, base)?;
            node(ExprKind::Table(table), base_span, depth)
        }
        _ => return Err(unexpected(base_span)),
    };
    let Some(access) = pairs.next() else { return Ok(base) };
    let mut depth = base.depth;
    let mut indices = Vec::new();
    let mut outside = None;
    for pair in access.into_inner() {
        match pair.as_rule() {
            Rule::group => {
                let (group, group_depth) = group(place, pair)?;
                depth = depth.max(group_depth);
                indices.push(Index::Group(group));
            }
            Rule::expr => {
                let index = tree(place, pair)?;
                depth = depth.max(index.depth);
                indices.push(Index::Expr(index.expr));
            }
            Rule::outside => {
                let value = tree(place, next(&mut pair.into_inner(), span)?)?;
                depth = depth.max(value.depth);
                outside = Some(Box::new(value.expr));
            }
            _ => {}
        }
    }
    Ok(node(ExprKind::Access(Access { base: Box::new(base.expr), indices, outside }), span, depth))
}

fn call(place: Place, pair: Pair<Rule>) -> Built<Tree> {
    let span = place.span(&pair);
    let mut pairs = pair.into_inner();
    let name = name(place, &next(&mut pairs, span)?);
    let mut depth = 0;
    let mut arguments = Vec::new();
    for pair in pairs.filter(|pair| pair.as_rule() == Rule::expr) {
        let argument = tree(place, pair)?;
        depth = depth.max(argument.depth);
        arguments.push(argument.expr);
    }
    Ok(node(ExprKind::Call(Call { name, arguments }), span, depth))
}

fn table(place: Place, pair: Pair<Rule>) -> Deep<Table> {
    let mut depth = 1;
    let mut entries = Vec::new();
    for pair in pair.into_inner() {
        let span = place.span(&pair);
        match pair.as_rule() {
            Rule::table => {
                let (inner, inner_depth) = table(place, pair)?;
                depth = depth.max(inner_depth + 1);
                entries.push(TableEntry::Table(inner, span));
            }
            Rule::table_number => {
                let negative = pair.as_str().starts_with('-');
                let digits = next(&mut pair.into_inner(), span)?;
                entries.push(TableEntry::Number(number(place, &digits, negative)?, span));
            }
            _ => {}
        }
    }
    Ok((Table { entries }, depth))
}
