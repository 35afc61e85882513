//! Programs that a rule applies to, made up: the left side over random tensors.

use super::pattern::{Pattern, PatternOperator};
use super::rules::{When, compiled};
use tcc_ir::graph::{Graph, Input, Op, Output, ValueId};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp, Signature};
use tcc_ir::{Axis, Dtype, Kind, Name, Type};

/// Names of axes.
const AXES: [&str; 4] = ["i", "j", "k", "l"];

/// A program whose output is the left side of the rule called `name`, with operands of random shapes and
/// one random dtype, so that the conditions of the rule hold where that can be told from axes, signs and
/// dtypes. `below` draws a number below its argument. `None` if this draw does not fit the pattern; draw
/// again. Rules whose left side is only a name, or that look for certain operations below it, need
/// programs of their own.
pub fn example(name: &str, below: &mut dyn FnMut(u64) -> u64) -> Option<Graph> {
    let compiled = compiled().iter().find(|compiled| compiled.rule.name == name)?;
    let kinds: Vec<Kind> = compiled
        .rule
        .when
        .iter()
        .filter_map(|when| match when {
            When::Is(_, kind) if *kind != Kind::Bool => Some(*kind),
            _ => None,
        })
        .collect();
    let dtypes = [Dtype::F64, Dtype::F32, Dtype::I64, Dtype::I32, Dtype::U8, Dtype::C128];
    let dtype = dtypes[below(dtypes.len() as u64) as usize];
    let complex = compiled.rule.when.iter().any(|when| matches!(when, When::NotComplex(_)));
    if complex && dtype.is_complex() || kinds.iter().any(|&kind| kind != dtype.kind()) {
        return None;
    }
    // Mostly small extents, sometimes none at all.
    let extents: Vec<i64> = AXES.iter().map(|_| [2, 3, 1, 2, 3, 0][below(6) as usize]).collect();
    let mut maker = Maker {
        graph: Graph { name: "example".into(), ..Graph::default() },
        when: compiled.rule.when,
        dtype,
        axes: AXES.iter().zip(&extents).map(|(&name, &extent)| Axis::new(name, extent)).collect(),
        reduced: Vec::new(),
        values: Vec::new(),
        below,
    };
    let wanted = if is_condition(&compiled.left) { Dtype::Bool } else { dtype };
    let root = maker.build(&compiled.left, wanted)?;
    let graph = &mut maker.graph;
    let axes = graph.ty(root).axes.iter().map(|axis| axis.name.clone()).collect();
    graph.outputs.push(Output { name: "out".into(), value: root, axes });
    graph.verify().ok()?;
    Some(maker.graph)
}

/// Whether the pattern is a truth value.
fn is_condition(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Operation(PatternOperator::Map(op), ..) => {
            matches!(op.row().signature, Signature::Logic | Signature::Compare)
        }
        Pattern::Operation(PatternOperator::Reduce(op), ..) => matches!(op, ReduceOp::Any | ReduceOp::All),
        Pattern::Operation(PatternOperator::Normalise(_), ..) | Pattern::Value(_) | Pattern::Number(_) => {
            false
        }
    }
}

struct Maker<'a> {
    graph: Graph,
    when: &'static [When],
    dtype: Dtype,
    axes: Vec<Axis>,
    /// What the names of axes stand for.
    reduced: Vec<(&'static str, Vec<Name>)>,
    /// What the names of values stand for.
    values: Vec<(&'static str, ValueId)>,
    below: &'a mut dyn FnMut(u64) -> u64,
}

impl Maker<'_> {
    /// A value of `wanted` that the pattern matches.
    fn build(&mut self, pattern: &Pattern, wanted: Dtype) -> Option<ValueId> {
        match pattern {
            Pattern::Value(name) => self.value(name, wanted),
            Pattern::Number(number) => {
                let literal = match wanted.kind() {
                    Kind::Bool => Literal::Bool(*number == 1.0),
                    Kind::Int => Literal::Int(*number as i64),
                    Kind::Float => Literal::Real(*number),
                    Kind::Complex => Literal::Complex(*number, 0.0),
                };
                self.graph.constant(literal, wanted).ok()
            }
            Pattern::Operation(op, axes, patterns) => {
                let below = self.operand_dtypes(*op, patterns.len(), wanted);
                // Axes are chosen before the operands, which then have them.
                if !axes.is_empty() && !self.reduced.iter().any(|(known, _)| known == axes) {
                    let first = (self.below)(4) as usize;
                    let count = 1 + (self.below)(2) as usize;
                    let names = (0..count).map(|n| self.axes[(first + n) % 4].name.clone()).collect();
                    self.reduced.push((axes, names));
                }
                let operands: Vec<ValueId> = patterns
                    .iter()
                    .zip(below)
                    .map(|(pattern, dtype)| self.build(pattern, dtype))
                    .collect::<Option<_>>()?;
                let along = || self.reduced.iter().find(|(known, _)| known == axes).map(|r| r.1.clone());
                match op {
                    PatternOperator::Map(ScalarOp::Cast) => self.graph.cast(*operands.first()?, wanted).ok(),
                    PatternOperator::Map(op) => self.graph.map(*op, &operands).ok(),
                    PatternOperator::Reduce(op) => self.graph.reduce(*op, &along()?, *operands.first()?).ok(),
                    PatternOperator::Normalise(op) => {
                        self.graph.normalise(*op, &along()?, *operands.first()?).ok()
                    }
                }
            }
        }
    }

    fn operand_dtypes(&self, op: PatternOperator, count: usize, wanted: Dtype) -> Vec<Dtype> {
        match op {
            PatternOperator::Map(op) => match op.row().signature {
                Signature::Compare => vec![self.dtype; count],
                Signature::Select => vec![Dtype::Bool, wanted, wanted],
                Signature::Cast => vec![Dtype::Bool],
                _ => vec![wanted; count],
            },
            PatternOperator::Reduce(_) | PatternOperator::Normalise(_) => vec![wanted; count],
        }
    }

    /// The value that a name stands for: a new operand at its first occurrence.
    fn value(&mut self, name: &'static str, wanted: Dtype) -> Option<ValueId> {
        if let Some((_, known)) = self.values.iter().find(|(known, _)| *known == name) {
            return Some(*known);
        }
        let independent: Vec<Name> = self
            .when
            .iter()
            .filter_map(|when| match when {
                When::Independent(value, axes) if *value == name => {
                    self.reduced.iter().find(|(known, _)| known == axes).map(|(_, names)| names.clone())
                }
                _ => None,
            })
            .flatten()
            .collect();
        let smaller = self.when.iter().any(|when| matches!(when, When::Smaller(a, _) if *a == name));
        let larger = self.when.iter().any(|when| matches!(when, When::Smaller(_, b) if *b == name));
        let reduced: Vec<Name> = self.reduced.iter().flat_map(|(_, names)| names.iter().cloned()).collect();
        let mut axes = Vec::new();
        for axis in &self.axes {
            let likely = match reduced.contains(&axis.name) {
                true => 3,
                false => 1 + u64::from(larger) * 2,
            };
            let has = (self.below)(4) < if smaller { 1 } else { likely };
            if has && !independent.contains(&axis.name) {
                axes.push(axis.clone());
            }
        }
        let positive = self
            .when
            .iter()
            .any(|when| matches!(when, When::Positive(value) | When::NonZero(value) if *value == name));
        let unsigned =
            self.when.iter().any(|when| matches!(when, When::NonNegative(value) if *value == name));
        let range = positive.then_some((Literal::Real(0.5), Literal::Real(2.0)));
        let position = self.graph.inputs.len();
        let ty = Type::new(wanted, axes);
        self.graph.inputs.push(Input { name: name.trim_start_matches('?').into(), ty, range, param: None });
        let mut value = self.graph.add(Op::Input(position), &Type::scalar(wanted)).ok()?;
        if unsigned {
            value = self.graph.map(ScalarOp::Abs, &[value]).ok()?;
        }
        self.values.push((name, value));
        Some(value)
    }
}
