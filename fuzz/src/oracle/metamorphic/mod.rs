//! Relations that hold between a program and others: what all stages and backends have in common cannot be
//! seen by comparing them.

mod linear;
mod parts;
mod same;

use super::{Execution, backends, meaning};
use crate::case::{Case, Class, Level, Program};
use crate::choices::{Random, hash};
use crate::compare::{Meaning, Outcome, Reference};
use crate::finding::Finding;
use crate::inputs::{Numbers, tensors};
use crate::trace;
use tcc_ir::graph::{Graph, Op};
use tcc_ir::scalar::ScalarOp;
use tcc_ir::{Domain, EvalError, Tensor, Value, evaluate_scalar};

/// The name in fingerprints.
pub const NAME: &str = "metamorphic";

/// A relation between a program and others, described as data.
pub struct Relation {
    /// The name in fingerprints.
    pub name: &'static str,
    /// What holds.
    pub about: &'static str,
    /// The operands on which it holds but for rounding that the bounds of errors know.
    pub classes: &'static [Class],
    /// The other programs, and how their results make those of the program. `None`: it does not apply.
    pub relate: fn(&Graph, &[Numbers], &mut Random) -> Option<Related>,
}

const ALL: &[Class] = &[Class::Exact, Class::Wrap, Class::Bounded, Class::Specials];
const WHOLE: &[Class] = &[Class::Exact, Class::Wrap];

/// All relations.
pub static RELATIONS: &[Relation] = &[
    Relation {
        name: "renamed axes",
        about: "the names of axes mean nothing",
        classes: ALL,
        relate: same::renamed,
    },
    Relation {
        name: "transposed operands",
        about: "operands may be stored with their axes in any order",
        classes: ALL,
        relate: same::transposed,
    },
    Relation {
        name: "exchanged operands",
        about: "the order of the operands of a commutative operation means nothing",
        classes: ALL,
        relate: same::commuted,
    },
    Relation {
        name: "operands in another order",
        about: "the order in which operands are declared means nothing",
        classes: ALL,
        relate: same::reversed,
    },
    Relation {
        name: "split operand",
        about: "what is linear in an operand A = B + C is the sum of what it is for B and for C",
        classes: WHOLE,
        relate: linear::split,
    },
    Relation {
        name: "scaled operand",
        about: "what is linear in an operand is scaled as the operand is",
        classes: &[Class::Exact],
        relate: linear::scaled,
    },
    Relation {
        name: "halves of a batch",
        about: "along an axis that nothing mixes the halves of the results are the results of the halves",
        classes: WHOLE,
        relate: parts::halves,
    },
    Relation {
        name: "padded sum",
        about: "zeros behind the operands change no sum of products",
        classes: WHOLE,
        relate: parts::padded,
    },
];

/// How the result of a program is made of the results of the related programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// All of them are the same as it.
    Same,
    /// It is their sum.
    Sum,
    /// It is that of the only program times a power of two.
    Scale(i32),
    /// They lie one behind the other along this axis of the result.
    Concatenate(usize),
}

/// Programs that are related to another.
pub struct Related {
    /// Each with its operands. They have the results of the program.
    pub parts: Vec<(Graph, Vec<Numbers>)>,
    /// How each result is made of theirs; `None`: of this result nothing is said.
    pub joins: Vec<Option<Join>>,
}

impl Related {
    /// A program that has the same results.
    fn same(graph: Graph, numbers: Vec<Numbers>) -> Option<Related> {
        let joins = vec![Some(Join::Same); graph.outputs.len()];
        Some(Related { parts: vec![(graph, numbers)], joins })
    }
}

/// Compiles twice, and compiles the related programs.
pub fn ask(execution: &mut Execution) -> Result<(), Finding> {
    let position = execution.trace.ran.len();
    let again = trace::run(execution.case);
    let texts = |trace: &trace::Trace| trace.stages.last().map(|stage| stage.level.to_string());
    if execution.trace.finding.is_none() && texts(&again) != texts(execution.trace) {
        return Err(Finding::new(NAME, "determinism", position, "compiling again gives another program"));
    }
    kept(execution)?;
    let Some(Level::Graph(graph)) = execution.trace.stages.first().map(|stage| &stage.level) else {
        return Ok(());
    };
    let inputs = execution.case.inputs;
    for relation in RELATIONS.iter().filter(|relation| relation.classes.contains(&inputs.class)) {
        let mut random = Random(inputs.seed ^ hash(relation.name));
        let Some(related) = (relation.relate)(graph, execution.numbers, &mut random) else { continue };
        match compare(execution, graph, related) {
            Ok(None) => {}
            Ok(Some(agreement)) => execution.agreements.push(agreement),
            Err(message) => return Err(backends::finding(NAME, relation.name, position, message)),
        }
    }
    Ok(())
}

/// Code that was written and read back, as a cache does, is that of another compilation and computes the same.
fn kept(execution: &mut Execution) -> Result<(), Finding> {
    let position = execution.trace.ran.len();
    let Some(mut loaded) = backends::take_loaded(execution) else { return Ok(()) };
    let Some(want) = loaded.want() else { return Ok(()) };
    for &name in &execution.case.backends {
        let got = loaded.run_kept(name).map_err(|message| Finding::new(NAME, name, position, message))?;
        if let Some(message) = got.and_then(|got| backends::differs(&want, &got)) {
            return Err(backends::finding(NAME, name, position, message));
        }
    }
    execution.loaded = Some(loaded);
    Ok(())
}

/// Runs the related programs and compares what their results make; `None` if nothing can be said.
fn compare(
    execution: &Execution,
    graph: &Graph,
    mut related: Related,
) -> Result<Option<crate::compare::Agreement>, String> {
    let case = execution.case;
    let said: Vec<bool> = related.joins.iter().map(Option::is_some).collect();
    let keep = |graph: &mut Graph| {
        let mut said = said.iter();
        graph.outputs.retain(|_| said.next().copied().unwrap_or(false));
    };
    let joins: Vec<Join> = related.joins.drain(..).flatten().collect();
    let mut meaning_of_all = Meaning::Everywhere;
    let mut parts = Vec::new();
    for (mut part, numbers) in related.parts {
        keep(&mut part);
        if part.verify().is_err() {
            return Ok(None);
        }
        let case = Case { program: Program::Graph(part), ..case.clone() };
        let mut trace = trace::run(&case);
        meaning_of_all = meaning_of_all.max(meaning(&trace, trace.ran.len(), case.inputs.class));
        let Some(last) = trace.stages.pop().filter(|_| trace.finding.is_none()) else { return Ok(None) };
        parts.push((last.level, numbers));
    }
    let mut whole = graph.clone();
    keep(&mut whole);
    let whole = Level::Graph(whole);
    let other;
    let reference = match said.iter().all(|said| *said) {
        true => execution.reference,
        false => {
            let class = case.inputs.class;
            other = Reference::new(&whole, &case.sizes, execution.numbers, class, case.contract);
            &other
        }
    };
    let got = joined(&parts, &joins, case);
    reference.compare_results(&got, meaning_of_all, &|| joined(&parts, &joins, case)).map(Some)
}

/// The results that the results of the parts make, in one domain.
fn joined<D: Domain>(parts: &[(Level, Vec<Numbers>)], joins: &[Join], case: &Case) -> Outcome<D> {
    let results: Vec<Vec<Tensor<D>>> = parts
        .iter()
        .map(|(level, numbers)| level.eval(&tensors(numbers), &case.sizes))
        .collect::<Result<_, EvalError>>()?;
    let join = |(number, join): (usize, &Join)| {
        let parts: Vec<&Tensor<D>> = results.iter().filter_map(|results| results.get(number)).collect();
        join_one(&parts, *join)
    };
    joins.iter().enumerate().map(join).collect()
}

fn join_one<D: Domain>(parts: &[&Tensor<D>], join: Join) -> Result<Tensor<D>, EvalError> {
    let [first, rest @ ..] = parts else { return Err(EvalError::Operand("no result".into())) };
    let mut whole = (*first).clone();
    let dtype = whole.dtype;
    match join {
        Join::Same => {}
        Join::Sum => {
            for part in rest {
                for (sum, term) in whole.data.iter_mut().zip(&part.data) {
                    *sum = evaluate_scalar::apply(ScalarOp::Add, dtype, &[dtype, dtype], &[*sum, *term])?;
                }
            }
        }
        Join::Scale(exponent) => {
            let part = dtype.part();
            let scale = D::from_f64(f64::from(exponent).exp2(), part);
            let times = |value: D::Real| D::apply(ScalarOp::Mul, part, &[value, scale]);
            for value in &mut whole.data {
                *value = match *value {
                    Value::Real(value) => Value::Real(times(value)?),
                    Value::Complex(re, im) => Value::Complex(times(re)?, times(im)?),
                    other => other,
                };
            }
        }
        Join::Concatenate(axis) => whole = parts::concatenate(parts, axis),
    }
    Ok(whole)
}

/// Whether a graph is one that relations between results hold for: no recurrences, and no checks, which
/// operands that were changed might not pass.
fn plain(graph: &Graph) -> bool {
    let stepping = |op: &Op| matches!(op, Op::State { .. } | Op::Recur { .. });
    graph.checks.is_empty() && !graph.nodes.iter().any(|node| stepping(&node.op))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::InputSpec;
    use tcc_ir::{Bindings, Native};
    use tcc_passes::Contract;

    /// How often a relation holds of a program that is one, and whether it holds of another program's results.
    fn applied(text: &str, name: &str, other: Option<&str>) -> Result<Option<crate::Agreement>, String> {
        let graph: Graph = text.parse().expect("a graph");
        let first = Level::Graph(graph.clone());
        let inputs = InputSpec { class: Class::Exact, seed: 7 };
        let case = Case { inputs, ..Case::new(Program::Graph(graph.clone())) };
        let sizes = Bindings::new();
        let numbers = crate::inputs::numbers(&first, &sizes, inputs).expect("operands");
        let judged = other.map_or(first, |text| Level::Graph(text.parse().expect("a graph")));
        let reference = Reference::new(&judged, &sizes, &numbers, inputs.class, Contract::Reassoc);
        assert!(reference.native().is_ok());
        let trace = trace::run(&case);
        let execution = Execution {
            effort: crate::oracle::Effort::All,
            case: &case,
            trace: &trace,
            reference: &reference,
            numbers: &numbers,
            agreements: Vec::new(),
            loaded: None,
        };
        let relation = RELATIONS.iter().find(|relation| relation.name == name).expect("a relation");
        let Some(related) = (relation.relate)(&graph, &numbers, &mut Random(5)) else { return Ok(None) };
        compare(&execution, &graph, related)
    }

    const PRODUCT: &str = "graph @p(%A: f32[i:4, j:3], %B: f32[j:3, k:2]) {\n  \
        %0 = mul %A, %B : f32[i:4, j:3, k:2]\n  %1 = sum[j] %0 : f32[i:4, k:2]\n  return y = %1[i, k]\n}\n";

    /// Larger by one than the product where it is, which is not linear.
    const OTHER: &str = "graph @p(%A: f32[i:4, j:3], %B: f32[j:3, k:2]) {\n  \
        %0 = mul %A, %B : f32[i:4, j:3, k:2]\n  %1 = sum[j] %0 : f32[i:4, k:2]\n  \
        %2 = const 1.0 : f32\n  %3 = add %1, %2 : f32[i:4, k:2]\n  return y = %3[i, k]\n}\n";

    #[test]
    fn every_relation_holds_of_a_product_and_of_nothing_else() {
        for relation in RELATIONS {
            let agreement = applied(PRODUCT, relation.name, None);
            assert_eq!(agreement, Ok(Some(crate::Agreement::Bits)), "{}", relation.name);
            assert!(applied(PRODUCT, relation.name, Some(OTHER)).is_err(), "{}", relation.name);
        }
    }

    #[test]
    fn what_is_not_linear_is_not_split() {
        for name in ["split operand", "scaled operand"] {
            let square = "graph @s(%A: f32[i:4]) {\n  %0 = mul %A, %A : f32[i:4]\n  return y = %0[i]\n}\n";
            assert_eq!(applied(square, name, None), Ok(None));
            let affine = "graph @s(%A: f32[i:4]) {\n  %0 = const 1.0 : f32\n  %1 = add %A, %0 : f32[i:4]\n  return y = %1[i]\n}\n";
            assert_eq!(applied(affine, name, None), Ok(None));
        }
        let mixed = "graph @s(%A: f32[i:4]) {\n  %0 = max[i] %A : f32\n  %1 = sub %A, %0 : f32[i:4]\n  return y = %1[i]\n}\n";
        assert_eq!(applied(mixed, "halves of a batch", None), Ok(None));
        let exponents = "graph @s(%A: f32[i:4]) {\n  %0 = exp %A : f32[i:4]\n  %1 = sum[i] %0 : f32\n  return y = %1[]\n}\n";
        assert_eq!(applied(exponents, "padded sum", None), Ok(None));
    }

    #[test]
    fn tensors_are_concatenated_along_any_axis() {
        let tensor = |shape: &[usize], data: &[i64]| Tensor::<Native> {
            dtype: tcc_ir::Dtype::I64,
            shape: shape.to_vec(),
            data: data.iter().copied().map(Value::Int).collect(),
        };
        let (a, b) = (tensor(&[2, 1], &[1, 2]), tensor(&[2, 2], &[3, 4, 5, 6]));
        assert_eq!(parts::concatenate(&[&a, &b], 1), tensor(&[2, 3], &[1, 3, 4, 2, 5, 6]));
        let (a, b) = (tensor(&[1, 2], &[1, 2]), tensor(&[2, 2], &[3, 4, 5, 6]));
        assert_eq!(parts::concatenate(&[&a, &b], 0), tensor(&[3, 2], &[1, 2, 3, 4, 5, 6]));
    }
}
