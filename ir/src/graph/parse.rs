//! Reading the text form of the graph level, which [`super::text`] describes.

use super::{Check, Direction, Graph, Input, NormaliseOp, Op, Output, Table, TransformOp, ValueId};
use crate::axis::{Axis, Name, Type};
use crate::dtype::Dtype;
use crate::error::ParseError;
use crate::extent::Extent;
use crate::scalar::{Literal, ReduceOp, ScalarOp};
use crate::symbol::{Relation, Requirement, SymbolDecl};
use pest::Parser;
use pest::iterators::{Pair, Pairs};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use std::sync::Arc;

#[derive(pest_derive::Parser)]
#[grammar = "graph/grammar.pest"]
struct GraphParser;

/// How deep parentheses may nest: the parser recurs into them.
const DEPTH_LIMIT: usize = 64;

type Node<'t> = Pair<'t, Rule>;
type Result<T> = std::result::Result<T, ParseError>;

impl FromStr for Graph {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Graph> {
        check_depth(text)?;
        let mut pairs = GraphParser::parse(Rule::graph, text).map_err(|error| {
            let (line, column) = match error.line_col {
                pest::error::LineColLocation::Pos(place) => place,
                pest::error::LineColLocation::Span(place, _) => place,
            };
            ParseError { message: error.variant.message().into_owned(), line, column }
        })?;
        let mut reader = Reader { graph: Graph::default(), labels: BTreeMap::new() };
        if let Some(graph) = pairs.next() {
            reader.graph(graph)?;
        }
        Ok(reader.graph)
    }
}

/// Refuses text whose parentheses nest deeper than the parser may recur.
fn check_depth(text: &str) -> Result<()> {
    let mut depth = 0usize;
    let (mut in_string, mut in_comment, mut escaped) = (false, false, false);
    for (position, c) in text.char_indices() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '\n' => in_comment = false,
            _ if in_comment => {}
            '#' => in_comment = true,
            '"' => in_string = true,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_LIMIT {
            let before = &text[..position];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            return Err(ParseError { message: "parentheses nest too deeply".to_string(), line, column });
        }
    }
    Ok(())
}

fn error(pair: &Node<'_>, message: impl Into<String>) -> ParseError {
    let (line, column) = pair.line_col();
    ParseError { message: message.into(), line, column }
}

/// The parts of a rule in order, without its keyword.
struct Parts<'t> {
    rule: Node<'t>,
    pairs: Pairs<'t, Rule>,
}

impl<'t> Parts<'t> {
    fn new(rule: Node<'t>) -> Parts<'t> {
        let mut pairs = rule.clone().into_inner();
        if pairs.peek().is_some_and(|first| is_keyword(first.as_rule())) {
            pairs.next();
        }
        Parts { rule, pairs }
    }

    fn next(&mut self) -> Result<Node<'t>> {
        self.pairs.next().ok_or_else(|| error(&self.rule, "something is missing here"))
    }

    /// The next part if it is a `rule`.
    fn optional(&mut self, rule: Rule) -> Option<Node<'t>> {
        if self.pairs.peek()?.as_rule() == rule { self.pairs.next() } else { None }
    }
}

fn is_keyword(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::const_word
            | Rule::table_word
            | Rule::dft_word
            | Rule::index_word
            | Rule::size_word
            | Rule::access_word
            | Rule::state_word
            | Rule::require_word
            | Rule::check_word
            | Rule::return_word
    )
}

struct Reader<'t> {
    graph: Graph,
    /// Values by their text, with the percent sign.
    labels: BTreeMap<&'t str, ValueId>,
}

impl<'t> Reader<'t> {
    fn graph(&mut self, graph: Node<'t>) -> Result<()> {
        let used: BTreeSet<&str> = used_values(graph.clone());
        for part in graph.into_inner() {
            match part.as_rule() {
                Rule::name => self.graph.name = part.as_str().to_string(),
                Rule::string => self.graph.name = string(&part)?,
                Rule::symbols => {
                    for symbol in part.into_inner() {
                        let symbol = read_symbol(symbol)?;
                        self.graph.symbols.push(symbol);
                    }
                }
                Rule::inputs => {
                    for input in part.into_inner() {
                        self.input(input, &used)?;
                    }
                }
                Rule::node => self.node(part)?,
                Rule::requirement => {
                    let requirement = read_requirement(part)?;
                    self.graph.requirements.push(requirement);
                }
                Rule::check => {
                    let mut parts = Parts::new(part);
                    let value = self.value(&parts.next()?)?;
                    let message = string(&parts.next()?)?;
                    let span = parts.optional(Rule::span).map(read_span).transpose()?;
                    self.graph.checks.push(Check { value, message, span });
                }
                Rule::outputs => {
                    for output in Parts::new(part).pairs {
                        let mut parts = Parts::new(output);
                        let name = parts.next()?.as_str().into();
                        let value = self.value(&parts.next()?)?;
                        let axes = parts.pairs.map(|axis| axis.as_str().into()).collect();
                        self.graph.outputs.push(Output { name, value, axes });
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn input(&mut self, input: Node<'t>, used: &BTreeSet<&str>) -> Result<()> {
        let mut parts = Parts::new(input);
        let is_param = parts.optional(Rule::parameter).is_some();
        let label = parts.next()?;
        let name: Name = match label.as_str().strip_prefix('%') {
            Some(name) if !name.starts_with(|c: char| c.is_ascii_digit()) => name.into(),
            _ => return Err(error(&label, "an input has a name, not a number")),
        };
        let ty = read_type(parts.next()?)?;
        let range = match parts.optional(Rule::range) {
            Some(range) => {
                let mut bounds = Parts::new(range);
                Some((literal(bounds.next()?)?, literal(bounds.next()?)?))
            }
            None => None,
        };
        let default = match parts.optional(Rule::default) {
            Some(default) if is_param => Some(literal(Parts::new(default).next()?)?),
            Some(default) => return Err(error(&default, "only a parameter has a default")),
            None => None,
        };
        let position = self.graph.inputs.len();
        self.graph.inputs.push(Input {
            name: name.clone(),
            ty: ty.clone(),
            range,
            param: is_param.then_some(default),
        });
        if used.contains(label.as_str()) {
            let value = self.graph.push(Op::Input(position), ty);
            self.graph.set_name(value, name);
            self.define(&label, value)?;
        }
        Ok(())
    }

    fn define(&mut self, label: &Node<'t>, value: ValueId) -> Result<()> {
        match self.labels.insert(label.as_str(), value) {
            None => Ok(()),
            Some(_) => Err(error(label, format!("`{}` is defined twice", label.as_str()))),
        }
    }

    fn value(&self, label: &Node<'t>) -> Result<ValueId> {
        let value = self.labels.get(label.as_str()).copied();
        value.ok_or_else(|| error(label, format!("`{}` is not defined before this", label.as_str())))
    }

    fn values(&self, values: Node<'t>) -> Result<Vec<ValueId>> {
        values.into_inner().map(|value| self.value(&value)).collect()
    }

    fn node(&mut self, node: Node<'t>) -> Result<()> {
        let mut parts = Parts::new(node);
        let label = parts.next()?;
        if !label.as_str()[1..].starts_with(|c: char| c.is_ascii_digit()) {
            return Err(error(&label, "a value has a number, not a name"));
        }
        let name = parts.optional(Rule::name).map(|name| name.as_str().into());
        let operation = parts.next()?;
        let op = self.operation(operation)?;
        let ty = read_type(parts.next()?)?;
        let value = self.graph.push(op, ty);
        self.graph.nodes[value.index()].name = name;
        self.define(&label, value)
    }

    fn operation(&self, operation: Node<'t>) -> Result<Op> {
        let rule = operation.as_rule();
        let mut parts = Parts::new(operation);
        Ok(match rule {
            Rule::constant => Op::Const(literal(parts.next()?)?),
            Rule::table => {
                let literals = parts.pairs.map(literal).collect::<Result<_>>()?;
                Op::Table(Arc::new(Table::Literals(literals)))
            }
            Rule::dft => Op::Table(Arc::new(Table::Dft)),
            Rule::index => Op::Index(parts.next()?.as_str().into()),
            Rule::size => Op::Size(extent(&parts.next()?)?),
            Rule::access => {
                let source = self.value(&parts.next()?)?;
                let indices = self.values(parts.next()?)?;
                let outside = match parts.optional(Rule::outside) {
                    Some(outside) => Some(self.value(&Parts::new(outside).next()?)?),
                    None => None,
                };
                Op::Access { source, indices, outside }
            }
            Rule::scatter => {
                let op = reduce_op(&parts.next()?)?;
                let indices = self.values(parts.next()?)?;
                Op::Scatter { op, indices, value: self.value(&parts.next()?)? }
            }
            Rule::state => {
                let axis = parts.next()?.as_str().into();
                let direction = match parts.next()?.as_str() {
                    "forward" => Direction::Forward,
                    _ => Direction::Backward,
                };
                Op::State { axis, direction }
            }
            Rule::recur => {
                let result = integer(&parts.next()?)?;
                let (mut states, mut nexts) = (Vec::new(), Vec::new());
                for pair in parts.pairs {
                    let mut pair = Parts::new(pair);
                    states.push(self.value(&pair.next()?)?);
                    nexts.push(self.value(&pair.next()?)?);
                }
                Op::Recur { result, states, nexts }
            }
            Rule::transform => {
                let name = parts.next()?;
                let row = TransformOp::TABLE.iter().find(|row| row.1 == name.as_str());
                let op =
                    row.ok_or_else(|| error(&name, format!("`{}` is not a transform", name.as_str())))?.0;
                let mut axes = Vec::new();
                while let Some(renamed) = parts.optional(Rule::renamed) {
                    let mut pair = Parts::new(renamed);
                    axes.push((pair.next()?.as_str().into(), pair.next()?.as_str().into()));
                }
                Op::Transform { op, axes, value: self.value(&parts.next()?)? }
            }
            Rule::along => self.along(parts)?,
            _ => {
                let name = parts.next()?;
                let op = ScalarOp::from_name(name.as_str())
                    .ok_or_else(|| error(&name, format!("there is no operation `{}`", name.as_str())))?;
                Op::Map(op, self.values(parts.next()?)?)
            }
        })
    }

    fn along(&self, mut parts: Parts<'t>) -> Result<Op> {
        let name = parts.next()?;
        let mut axes = Vec::new();
        while let Some(axis) = parts.optional(Rule::name) {
            axes.push(axis.as_str().into());
        }
        let value = self.value(&parts.next()?)?;
        match NormaliseOp::TABLE.iter().find(|row| row.1 == name.as_str()) {
            Some(&(op, _)) => Ok(Op::Normalise { op, axes, value }),
            None => Ok(Op::Reduce { op: reduce_op(&name)?, axes, value }),
        }
    }
}

/// The text of every value that occurs in the nodes, checks and outputs.
fn used_values(graph: Node<'_>) -> BTreeSet<&str> {
    graph
        .into_inner()
        .filter(|part| part.as_rule() != Rule::inputs)
        .flat_map(|part| part.into_inner().flatten())
        .filter(|part| part.as_rule() == Rule::value)
        .map(|part| part.as_str())
        .collect()
}

fn read_symbol(symbol: Node<'_>) -> Result<SymbolDecl> {
    let mut parts = Parts::new(symbol);
    let param = parts.optional(Rule::parameter).is_some();
    let name = parts.next()?.as_str().into();
    let default = parts.optional(Rule::extent).map(|default| extent(&default)).transpose()?;
    Ok(SymbolDecl { name, param, default })
}

fn read_requirement(requirement: Node<'_>) -> Result<Requirement> {
    let mut parts = Parts::new(requirement);
    let left = extent(&parts.next()?)?;
    let relation = match parts.next()?.as_str() {
        "==" => Relation::Eq,
        "<=" => Relation::Le,
        _ => Relation::Divides,
    };
    let right = extent(&parts.next()?)?;
    let message = string(&parts.next()?)?;
    let span = parts.optional(Rule::span).map(read_span).transpose()?;
    Ok(Requirement { left, relation, right, message, span })
}

fn read_span(span: Node<'_>) -> Result<(usize, usize)> {
    let mut parts = Parts::new(span);
    Ok((integer(&parts.next()?)?, integer(&parts.next()?)?))
}

fn read_type(ty: Node<'_>) -> Result<Type> {
    let mut parts = Parts::new(ty);
    let name = parts.next()?;
    let dtype = Dtype::from_str(name.as_str())
        .map_err(|()| error(&name, format!("there is no dtype `{}`", name.as_str())))?;
    let mut axes = Vec::new();
    for axis in parts.pairs {
        let mut axis = Parts::new(axis);
        let name = axis.next()?.as_str();
        axes.push(Axis::new(name, extent(&axis.next()?)?));
    }
    Ok(Type::new(dtype, axes))
}

fn extent(pair: &Node<'_>) -> Result<Extent> {
    // The shared parser knows no comments.
    let text: Vec<&str> =
        pair.as_str().lines().map(|line| line.split('#').next().unwrap_or_default()).collect();
    text.join(" ").parse().map_err(|inner: ParseError| error(pair, inner.message))
}

fn integer(pair: &Node<'_>) -> Result<usize> {
    pair.as_str().parse().map_err(|_| error(pair, "this number is too large"))
}

fn reduce_op(name: &Node<'_>) -> Result<ReduceOp> {
    ReduceOp::from_name(name.as_str())
        .ok_or_else(|| error(name, format!("there is no reduction `{}`", name.as_str())))
}

fn literal(literal: Node<'_>) -> Result<Literal> {
    let part = Parts::new(literal).next()?;
    let text = part.as_str();
    match part.as_rule() {
        Rule::truth => Ok(Literal::Bool(text == "true")),
        Rule::complex => {
            let mut parts = Parts::new(part);
            Ok(Literal::Complex(real(&parts.next()?)?, real(&parts.next()?)?))
        }
        _ if text.trim_start_matches('-').chars().all(|c| c.is_ascii_digit()) => {
            text.parse().map(Literal::Int).map_err(|_| error(&part, "this number does not fit in 64 bits"))
        }
        _ => real(&part).map(Literal::Real),
    }
}

fn real(number: &Node<'_>) -> Result<f64> {
    number.as_str().parse().map_err(|_| error(number, "this is not a number"))
}

/// The text between quotes.
fn string(pair: &Node<'_>) -> Result<String> {
    let quoted = pair.as_str();
    let mut text = String::with_capacity(quoted.len());
    let mut rest = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            text.push(c);
            continue;
        }
        let Some(escape) = rest.chars().next() else { break };
        rest = &rest[escape.len_utf8()..];
        match escape {
            'n' => text.push('\n'),
            'u' => {
                let code = rest.strip_prefix('{').and_then(|r| r.split_once('}'));
                let decoded = code
                    .and_then(|(hex, after)| u32::from_str_radix(hex, 16).ok().map(|code| (code, after)))
                    .and_then(|(code, after)| char::from_u32(code).map(|c| (c, after)));
                let Some((c, after)) = decoded else { return Err(error(pair, "`\\u` needs `{code}`")) };
                text.push(c);
                rest = after;
            }
            other => text.push(other),
        }
    }
    Ok(text)
}
