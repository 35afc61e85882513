//! Patterns over terms: the left and right sides of rules as text, matching and instantiation.
//!
//! ```text
//! (sum[?s] (mul ?a ?b))      operations by their names in the text form of graphs
//! ?a ?b                      any value
//! [?s]                       the axes of a reduction or normalisation; equal as sets
//! 1 0 -inf true              a number of whatever dtype stands there; 0 is +0
//! ```
//!
//! Operands of commutative operations match in both orders, so no rule about commutativity is needed,
//! and none makes the e-graph grow.

use super::analysis::{ClassType, Graphs, infer};
use super::language::{AxisId, Operator, OperatorKind, Term};
use egg::Id;
use tcc_ir::graph::NormaliseOp;
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};
use tcc_ir::{Dtype, Kind};

/// Most matches of one pattern in one class.
const MATCH_LIMIT: usize = 64;

/// One side of a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// Any value.
    Value(&'static str),
    /// A number.
    Number(f64),
    /// An operation; the name stands for its axes.
    Operation(PatternOperator, &'static str, Vec<Pattern>),
}

/// The operation of a pattern.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PatternOperator {
    /// A scalar operation.
    Map(ScalarOp),
    /// A reduction.
    Reduce(ReduceOp),
    /// A normalisation.
    Normalise(NormaliseOp),
}

impl PatternOperator {
    fn kind(self) -> OperatorKind {
        match self {
            PatternOperator::Map(op) => OperatorKind::map(op),
            PatternOperator::Reduce(op) => OperatorKind::reduce(op),
            PatternOperator::Normalise(op) => OperatorKind::normalise(op),
        }
    }
}

/// What the names of a pattern stand for.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Match {
    /// Classes by name.
    pub values: Vec<(&'static str, Id)>,
    /// Axes by name, in the order of the operation that was matched.
    pub axes: Vec<(&'static str, Vec<AxisId>)>,
}

impl Match {
    /// The class that `name` stands for.
    pub fn value(&self, name: &str) -> Option<Id> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, id)| *id)
    }

    /// The axes that `name` stands for.
    pub fn axes(&self, name: &str) -> Option<&[AxisId]> {
        self.axes.iter().find(|(known, _)| *known == name).map(|(_, axes)| axes.as_slice())
    }
}

impl Pattern {
    /// Reads a pattern; `Err` says what is wrong. The texts are those of rules, which a test reads all.
    pub fn parse(text: &'static str) -> Result<Pattern, String> {
        let mut rest = text;
        let pattern = parse(&mut rest, 0)?;
        if rest.trim().is_empty() { Ok(pattern) } else { Err(format!("`{rest}` after the end")) }
    }

    /// The kind of operation at the root; `None` if the pattern matches everything.
    pub fn root(&self) -> Option<OperatorKind> {
        match self {
            Pattern::Operation(op, ..) => Some(op.kind()),
            Pattern::Value(_) | Pattern::Number(_) => None,
        }
    }

    /// Whether it matches every value.
    pub fn is_any(&self) -> bool {
        matches!(self, Pattern::Value(_))
    }

    /// The ways in which a class matches, in the order of its terms.
    pub fn matches(&self, graphs: &Graphs, class: Id) -> Vec<Match> {
        let mut matches = Vec::new();
        let mut emit = |found: &Match| {
            matches.push(found.clone());
            matches.len() < MATCH_LIMIT
        };
        solve(graphs, &mut vec![(self, class)], &mut Match::default(), &mut emit);
        matches
    }

    /// Adds the term that the pattern stands for; numbers take `dtype`. `None` if it has no type.
    pub fn instantiate(&self, graphs: &mut Graphs, found: &Match, dtype: Dtype) -> Option<Id> {
        match self {
            Pattern::Value(name) => found.value(name),
            Pattern::Number(number) => {
                let literal = number_literal(*number, dtype)?;
                add(graphs, Operator::Const(literal, dtype), Vec::new())
            }
            Pattern::Operation(op, axes, patterns) => {
                let operator = match op {
                    PatternOperator::Map(op) => Operator::Map(*op, None),
                    PatternOperator::Reduce(op) => Operator::Reduce(*op, found.axes(axes)?.to_vec()),
                    PatternOperator::Normalise(op) => {
                        let mut axes = found.axes(axes)?.to_vec();
                        axes.sort_unstable();
                        Operator::Normalise(*op, axes)
                    }
                };
                let operands: Option<Vec<Id>> =
                    patterns.iter().map(|pattern| pattern.instantiate(graphs, found, dtype)).collect();
                add(graphs, operator, operands?)
            }
        }
    }
}

/// Finds the ways in which all `goals`, the last one first, match together with what is `found` already, and
/// gives each to `emit` until that says `false`. Leaves both lists as they were: most classes match nothing,
/// and trying them allocates nothing.
fn solve<'a>(
    graphs: &Graphs,
    goals: &mut Vec<(&'a Pattern, Id)>,
    found: &mut Match,
    emit: &mut dyn FnMut(&Match) -> bool,
) -> bool {
    let Some((pattern, class)) = goals.pop() else { return emit(found) };
    let more = match pattern {
        Pattern::Value(name) => match found.value(name) {
            Some(known) => graphs.find(known) != graphs.find(class) || solve(graphs, goals, found, emit),
            None => {
                found.values.push((name, graphs.find(class)));
                let more = solve(graphs, goals, found, emit);
                found.values.pop();
                more
            }
        },
        Pattern::Number(number) => !is_number(graphs, class, *number) || solve(graphs, goals, found, emit),
        Pattern::Operation(op, axes, patterns) => {
            let kind = op.kind();
            let fits = |term: &&Term| term.kind == kind && term.operands.len() == patterns.len();
            graphs[class].iter().filter(fits).all(|term| {
                let bound = found.axes.len();
                let more = !bind_axes(graphs, axes, term, found) || {
                    let straight = patterns.iter().zip(term.operands.iter().copied());
                    let swapped = patterns.iter().zip(term.operands.iter().rev().copied());
                    let both = kind.commutes() && term.operands.first() != term.operands.get(1);
                    solve_each(graphs, straight, goals, found, emit)
                        && (!both || solve_each(graphs, swapped, goals, found, emit))
                };
                found.axes.truncate(bound);
                more
            })
        }
    };
    goals.push((pattern, class));
    more
}

/// As [`solve`], with a goal for each operand of a term besides.
fn solve_each<'a>(
    graphs: &Graphs,
    operands: impl DoubleEndedIterator<Item = (&'a Pattern, Id)>,
    goals: &mut Vec<(&'a Pattern, Id)>,
    found: &mut Match,
    emit: &mut dyn FnMut(&Match) -> bool,
) -> bool {
    let before = goals.len();
    goals.extend(operands.rev());
    let more = solve(graphs, goals, found, emit);
    goals.truncate(before);
    more
}

/// Lets the name stand for the axes of the term, if it has some; whether it can.
fn bind_axes(graphs: &Graphs, name: &'static str, term: &Term, found: &mut Match) -> bool {
    let axes = match graphs.analysis.operators.of(term) {
        Operator::Reduce(_, axes) | Operator::Normalise(_, axes) => axes,
        _ => return true,
    };
    match found.axes(name) {
        Some(known) => same_set(known, axes),
        None => {
            found.axes.push((name, axes.clone()));
            true
        }
    }
}

/// Whether both lists, of different axes each, have the same axes.
pub fn same_set(a: &[AxisId], b: &[AxisId]) -> bool {
    a.len() == b.len() && a.iter().all(|axis| b.contains(axis))
}

/// Whether a class is the number, with this very sign if it is 0.
pub fn is_number(graphs: &Graphs, class: Id, number: f64) -> bool {
    let facts = &graphs[class].data;
    facts.constant.is_some_and(|constant| number_literal(number, facts.ty.dtype) == Some(constant))
}

fn number_literal(number: f64, dtype: Dtype) -> Option<Literal> {
    let whole = number.fract() == 0.0 && number.abs() < 1e9;
    match dtype.kind() {
        Kind::Bool => (number == 0.0 || number == 1.0).then_some(Literal::Bool(number == 1.0)),
        Kind::Int => {
            (whole && Literal::Int(number as i64).fits(dtype)).then_some(Literal::Int(number as i64))
        }
        Kind::Float => Some(Literal::Real(number)),
        Kind::Complex => Some(Literal::Complex(number, 0.0)),
    }
}

/// Adds a term if it has a type.
pub fn add(graphs: &mut Graphs, operator: Operator, operands: Vec<Id>) -> Option<Id> {
    let types: Vec<&ClassType> = operands.iter().map(|&operand| &graphs[operand].data.ty).collect();
    infer(&graphs.analysis, &operator, &types)?;
    let kind = operator.kind();
    let operator = graphs.analysis.operators.number(operator);
    Some(graphs.add(Term { kind, operator, operands }))
}

fn parse(rest: &mut &'static str, depth: usize) -> Result<Pattern, String> {
    *rest = rest.trim_start();
    if depth > 32 {
        return Err("nested too deeply".to_string());
    }
    let Some(inner) = rest.strip_prefix('(') else {
        let word = word(rest);
        if word.starts_with('?') {
            return Ok(Pattern::Value(word));
        }
        let number = match word {
            "true" => Ok(1.0),
            "false" => Ok(0.0),
            _ => word.parse::<f64>(),
        };
        return number.map(Pattern::Number).map_err(|_| format!("`{word}` is no number"));
    };
    *rest = inner;
    let name = word(rest);
    let (op, axes) = match name.split_once('[') {
        None => (ScalarOp::from_name(name).map(PatternOperator::Map), ""),
        Some((name, axes)) => {
            let reduce = ReduceOp::from_name(name).map(PatternOperator::Reduce);
            let normalise = NormaliseOp::TABLE.iter().find(|row| row.1 == name);
            (
                reduce.or(normalise.map(|row| PatternOperator::Normalise(row.0))),
                axes.strip_suffix(']').ok_or_else(|| format!("`{name}[` lacks `]`"))?,
            )
        }
    };
    let op = op.ok_or_else(|| format!("no operation `{name}`"))?;
    let mut operands = Vec::new();
    loop {
        *rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(')') {
            *rest = after;
            return Ok(Pattern::Operation(op, axes, operands));
        }
        if rest.is_empty() {
            return Err(format!("`({name}` lacks `)`"));
        }
        operands.push(parse(rest, depth + 1)?);
    }
}

fn word(rest: &mut &'static str) -> &'static str {
    let end = rest.find(|c: char| c.is_whitespace() || c == '(' || c == ')').unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after;
    word
}
