//! Whether two programs mean the same: both are evaluated on the same random operands, in the
//! strictest number domain in which the programs have a meaning. Shared by several tests.

use tcc_ir::domain::{Domain, Exact, Native, Reference, Value};
use tcc_ir::graph::Graph;
use tcc_ir::loops::{Func, Role};
use tcc_ir::scalar::Literal;
use tcc_ir::{Bindings, Dtype, EvalError, Extent, Ir, Kind, Requirement, Tensor};

/// An operand: dtype, extents, and the interval of its elements if one is promised.
pub struct Operand {
    pub dtype: Dtype,
    pub extents: Vec<Extent>,
    pub range: Option<(f64, f64)>,
}

/// What can be asked at every level besides its evaluation.
pub trait Program: Ir {
    /// The operands, in order.
    fn operands(&self) -> Vec<Operand>;
    /// The names of the symbols that are open, in order.
    fn open_symbols(&self) -> Vec<String>;
    /// What must hold of them.
    fn requirements(&self) -> &[Requirement];
}

impl Program for Graph {
    fn operands(&self) -> Vec<Operand> {
        let bound = |literal: Literal| match literal {
            Literal::Int(value) => value as f64,
            Literal::Real(value) => value,
            Literal::Bool(_) | Literal::Complex(..) => 0.0,
        };
        let operand = |input: &tcc_ir::graph::Input| Operand {
            dtype: input.ty.dtype,
            extents: input.ty.axes.iter().map(|axis| axis.extent.clone()).collect(),
            range: input.range.map(|(lo, hi)| (bound(lo), bound(hi))),
        };
        self.inputs.iter().map(operand).collect()
    }

    fn open_symbols(&self) -> Vec<String> {
        self.symbols.iter().map(|symbol| symbol.name.to_string()).collect()
    }

    fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }
}

impl Program for Func {
    fn operands(&self) -> Vec<Operand> {
        let inputs = self.buffers.iter().filter(|buffer| matches!(buffer.role, Role::Input));
        let operand = |buffer: &tcc_ir::loops::Buffer| Operand {
            dtype: buffer.dtype,
            extents: buffer.extents.clone(),
            range: None,
        };
        inputs.map(operand).collect()
    }

    fn open_symbols(&self) -> Vec<String> {
        self.symbols.iter().map(|symbol| symbol.name.to_string()).collect()
    }

    fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }
}

/// Small distinct values of the open symbols that meet the requirements and give every operand a
/// shape; `None` if none of the attempts does.
pub fn small_bindings(program: &impl Program) -> Option<Bindings> {
    let symbols = program.open_symbols();
    let attempts: &[&[i64]] =
        &[&[5, 3, 4, 7, 6, 2], &[4], &[8, 4, 2], &[6, 3], &[2], &[12, 4, 3], &[16, 8], &[1]];
    attempts.iter().find_map(|values| {
        let bindings: Bindings = symbols
            .iter()
            .zip(values.iter().cycle())
            .map(|(name, &value)| (name.as_str().into(), value))
            .collect();
        let fits = |extent: &Extent| extent.eval(&bindings).is_ok_and(|extent| (0..=4096).contains(&extent));
        let holds = program.requirements().iter().all(|requirement| requirement.holds(&bindings) == Ok(true));
        (holds && program.operands().iter().all(|operand| operand.extents.iter().all(fits)))
            .then_some(bindings)
    })
}

/// A small generator; the same numbers on every machine.
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % bound.max(1)
    }
}

/// What reals are drawn from.
#[derive(Clone, Copy, PartialEq)]
pub enum Draw {
    /// Integers from -2 to 2 (within the promised interval).
    SmallIntegers,
    /// Eighths from -2 to 2 (within the promised interval).
    Eighths,
}

/// Random operands of a program.
pub fn operands<D: Domain>(
    program: &impl Program,
    bindings: &Bindings,
    draw: Draw,
    seed: u64,
) -> Vec<Tensor<D>> {
    let mut random = Random(seed);
    let step = if draw == Draw::SmallIntegers { 1.0 } else { 0.125 };
    program
        .operands()
        .iter()
        .map(|operand| {
            let extent = |extent: &Extent| extent.eval(bindings).unwrap_or(0).max(0) as usize;
            let shape: Vec<usize> = operand.extents.iter().map(extent).collect();
            let (lo, hi) = operand.range.unwrap_or((-2.0, 2.0));
            let (lo, hi) = (lo.max(-2.0), hi.min(2.0).max(lo));
            let steps = ((hi - lo) / step).floor() as u64 + 1;
            let part = operand.dtype.part();
            let data = (0..shape.iter().product())
                .map(|_| {
                    let number = lo + step * random.below(steps) as f64;
                    let other = step * random.below(5) as f64;
                    match operand.dtype.kind() {
                        Kind::Bool => Value::Bool(random.below(2) == 1),
                        Kind::Int => Value::Int(random.below(2) as i64),
                        Kind::Float => Value::Real(D::from_f64(number, part)),
                        Kind::Complex => Value::Complex(D::from_f64(number, part), D::from_f64(other, part)),
                    }
                })
                .collect();
            Tensor::from_values(operand.dtype, &shape, data).unwrap_or_else(|| panic!("{shape:?}"))
        })
        .collect()
}

/// What one comparison may ask.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    pub bindings: &'a Bindings,
    pub seed: u64,
    /// Whether the second program computes elementary functions by polynomials in the bits of floats,
    /// which mean something in native arithmetic only.
    pub expanded: bool,
}

/// `Ok` names the check that applied, `Err` says what differs.
pub fn same<A: Program, B: Program>(a: &A, b: &B, question: Question) -> Result<&'static str, String> {
    let exact = evaluate::<Exact, A, B>(a, b, Draw::Eighths, question);
    match exact {
        (Ok(x), Ok(y)) => return equal(&x, &y, 0.0).map(|()| "modulo a prime"),
        (Err(EvalError::Domain(_)), _) => {}
        (Ok(_), Err(EvalError::Domain(_))) if question.expanded => {}
        // A program that checks its operands may refuse them: then so must the other.
        (Err(x), Err(y)) if same_error(&x, &y) => return Ok("the same refusal"),
        (x, y) => return Err(format!("exact: {:?} but {:?}", x.err(), y.err())),
    }
    let (x, y) = evaluate::<Native, A, B>(a, b, Draw::SmallIntegers, question);
    let (x, y) = match (x, y) {
        (Ok(x), Ok(y)) => (x, y),
        (Err(x), Err(y)) if same_error(&x, &y) => return Ok("the same refusal"),
        (x, y) => return Err(format!("native: {:?} but {:?}", x.err(), y.err())),
    };
    let reference: Vec<Tensor<Reference>> = a
        .eval(&operands(a, question.bindings, Draw::SmallIntegers, question.seed), question.bindings)
        .map_err(|error| format!("reference: {error}"))?;
    let rounded =
        x.iter().zip(&reference).any(|(x, reference)| !identical(&x.to_f64s(), &reference.to_f64s()));
    if !rounded {
        return equal(&x, &y, 0.0).map(|()| "bit for bit on small integers");
    }
    equal(&x, &y, 1.0).map(|()| "within an error bound")
}

type Outcome<D> = Result<Vec<Tensor<D>>, EvalError>;

fn evaluate<D: Domain, A: Program, B: Program>(
    a: &A,
    b: &B,
    draw: Draw,
    question: Question,
) -> (Outcome<D>, Outcome<D>) {
    let inputs = operands::<D>(a, question.bindings, draw, question.seed);
    (
        a.eval(&inputs, &own_bindings(a, question.bindings)),
        b.eval(&inputs, &own_bindings(b, question.bindings)),
    )
}

/// The bindings of the symbols that a program has.
fn own_bindings(program: &impl Program, bindings: &Bindings) -> Bindings {
    let symbols = program.open_symbols();
    bindings
        .iter()
        .filter(|(name, _)| symbols.iter().any(|s| **s == ***name))
        .map(|(n, v)| (n.clone(), *v))
        .collect()
}

/// Whether both are refusals of the same kind that a program itself states.
fn same_error(a: &EvalError, b: &EvalError) -> bool {
    use EvalError::{Check, Domain, Extent, Requirement};
    let stated = matches!(a, Check { .. } | Requirement { .. } | Domain(_) | Extent(_));
    stated && std::mem::discriminant(a) == std::mem::discriminant(b)
}

fn identical(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
}

/// Compares results: equal values if `slack` is 0, else within `slack` times a bound that is loose
/// enough for a few thousand roundings of the dtype.
fn equal<D: Domain>(a: &[Tensor<D>], b: &[Tensor<D>], slack: f64) -> Result<(), String> {
    if a.len() != b.len() {
        return Err(format!("{} results but {}", a.len(), b.len()));
    }
    for (output, (a, b)) in a.iter().zip(b).enumerate() {
        if a.dtype != b.dtype || a.shape != b.shape {
            return Err(format!("result {output}: {} {:?} but {} {:?}", a.dtype, a.shape, b.dtype, b.shape));
        }
        let tolerance = slack
            * match a.dtype.part() {
                Dtype::F64 => 1e-9,
                Dtype::F32 => 1e-3,
                Dtype::F16 | Dtype::BF16 => 0.1,
                Dtype::Bool | Dtype::U8 | Dtype::U32 | Dtype::I32 | Dtype::I64 | Dtype::C64 | Dtype::C128 => {
                    0.0
                }
            };
        let scale = a.to_f64s().iter().filter(|x| x.is_finite()).fold(1.0f64, |scale, x| scale.max(x.abs()));
        for (place, (x, y)) in a.data.iter().zip(&b.data).enumerate() {
            if !close(x, y, tolerance * scale) {
                return Err(format!("result {output}, element {place}: {x:?} but {y:?} ({})", D::NAME));
            }
        }
    }
    Ok(())
}

fn close<D: Domain>(a: &Value<D>, b: &Value<D>, tolerance: f64) -> bool {
    let real = |a: D::Real, b: D::Real| {
        let (x, y) = (D::to_f64(a), D::to_f64(b));
        a == b || (x.is_nan() && y.is_nan()) || (tolerance > 0.0 && (x - y).abs() <= tolerance)
    };
    match (a, b) {
        (Value::Real(a), Value::Real(b)) => real(*a, *b),
        (Value::Complex(a, b), Value::Complex(c, d)) => real(*a, *c) && real(*b, *d),
        (a, b) => a == b,
    }
}
