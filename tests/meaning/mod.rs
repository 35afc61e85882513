//! Whether two programs mean the same: both are evaluated on the same random operands, in the
//! strictest number domain in which the programs have a meaning. Shared by several tests.

use tcc_ir::domain::{Bounded, Domain, Estimate, Exact, Native, Value};
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

/// Small values of the open symbols that meet the requirements and give every operand a shape: the
/// attempts that do, the one with the most distinct values first and nothing at all last.
pub fn small_bindings(program: &impl Program) -> Vec<Bindings> {
    let symbols = program.open_symbols();
    let attempts: &[&[i64]] = &[
        &[5, 3, 4, 7, 6, 2],
        &[4],
        &[8, 4, 2],
        &[6, 3],
        &[2],
        &[12, 4, 3],
        &[16, 8],
        &[1],
        &[0, 3],
        &[3, 0],
        &[0],
    ];
    let bindings = |values: &&[i64]| -> Bindings {
        symbols
            .iter()
            .zip(values.iter().cycle())
            .map(|(name, &value)| (name.as_str().into(), value))
            .collect()
    };
    let all = attempts.iter().map(bindings);
    all.filter(|bindings| {
        let fits = |extent: &Extent| extent.eval(bindings).is_ok_and(|extent| (0..=4096).contains(&extent));
        let holds = program.requirements().iter().all(|requirement| requirement.holds(bindings) == Ok(true));
        holds && program.operands().iter().all(|operand| operand.extents.iter().all(fits))
    })
    .collect()
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

/// How far apart the numbers are from which reals are drawn.
#[derive(Clone, Copy, PartialEq)]
pub enum Draw {
    /// Integers, on which float operations are exact for long.
    Integers,
    /// Eighths.
    Eighths,
    /// Millionths or so: hardly ever are two numbers equal.
    Fine,
}

impl Draw {
    fn step(self) -> f64 {
        match self {
            Draw::Integers => 1.0,
            Draw::Eighths => 0.125,
            Draw::Fine => 2f64.powi(-20),
        }
    }
}

/// Random operands of a program, with reals as `question` asks.
pub fn operands<D: Domain>(program: &impl Program, draw: Draw, question: Question) -> Vec<Tensor<D>> {
    let mut random = Random(question.seed);
    let (step, (least, most)) = (draw.step(), question.reals);
    program
        .operands()
        .iter()
        .map(|operand| {
            let extent = |extent: &Extent| extent.eval(question.bindings).unwrap_or(0).max(0) as usize;
            let shape: Vec<usize> = operand.extents.iter().map(extent).collect();
            let (lo, hi) = operand.range.unwrap_or((least, most));
            let lo = lo.max(least);
            let steps = ((hi.min(most).max(lo) - lo) / step).floor() as u64 + 1;
            let part = operand.dtype.part();
            let data = (0..shape.iter().product())
                .map(|_| {
                    let mut number = || lo + step * random.below(steps) as f64;
                    match operand.dtype.kind() {
                        Kind::Float => Value::Real(D::from_f64(number(), part)),
                        Kind::Complex => {
                            Value::Complex(D::from_f64(number(), part), D::from_f64(number(), part))
                        }
                        Kind::Bool => Value::Bool(random.below(2) == 1),
                        Kind::Int => Value::Int(random.below(2) as i64),
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
    /// Values of the symbols.
    pub bindings: &'a Bindings,
    /// Where the random numbers begin.
    pub seed: u64,
    /// The interval from which reals are drawn (and within an interval that the program promises).
    pub reals: (f64, f64),
    /// Whether the second program means something in floats only: elementary functions as polynomials in
    /// the bits of floats, roots of unity as cosines.
    pub floats_only: bool,
}

/// The check that decided that two programs mean the same, from the strictest to the one that says
/// nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Check {
    /// Equal modulo a prime.
    Exact,
    /// Equal bit for bit, on small integers that no float operation rounds.
    Integers,
    /// Within the bound that running error analysis gives for every element.
    ErrorBound,
    /// Both refuse the operands.
    Refused,
    /// Rounding decides which way the program goes, or the bound is infinite.
    Undecided,
}

/// `Ok` says which check applied, `Err` what differs.
pub fn same<A: Program, B: Program>(a: &A, b: &B, question: Question) -> Result<Check, String> {
    if !question.floats_only {
        match evaluate::<Exact, A, B>(a, b, Draw::Eighths, question) {
            (Ok(x), Ok(y)) => return equal(&x, &y).map(|()| Check::Exact),
            // A maximum, for example, has no meaning modulo a prime.
            (Err(EvalError::Domain(_)), _) | (_, Err(EvalError::Domain(_))) => {}
            // A program that checks its operands may refuse them: then so must the other.
            (Err(x), Err(y)) if same_error(&x, &y) => return Ok(Check::Refused),
            (x, y) => return Err(format!("exact: {:?} but {:?}", x.err(), y.err())),
        }
    }
    let (x, y) = match evaluate::<Native, A, B>(a, b, Draw::Integers, question) {
        (Ok(x), Ok(y)) => (x, y),
        (Err(x), Err(y)) if same_error(&x, &y) => return Ok(Check::Refused),
        (x, y) => return Err(format!("native: {:?} but {:?}", x.err(), y.err())),
    };
    let bindings = own_bindings(a, question.bindings);
    let bounded = |draw| a.eval(&operands::<Bounded>(a, draw, question), &bindings);
    // In an interval shorter than 1 all integers are one and the same, and say little.
    let telling = question.reals.1 - question.reals.0 >= 2.0;
    if telling && bounded(Draw::Integers).is_ok_and(|results| results.iter().all(is_exact)) {
        return equal(&x, &y).map(|()| Check::Integers);
    }
    match (bounded(Draw::Fine), evaluate::<Native, A, B>(a, b, Draw::Fine, question).1) {
        (Ok(x), Ok(y)) => within_bound(&x, &y),
        (Err(EvalError::Domain(_)), Ok(_)) => Ok(Check::Undecided),
        (Err(x), Err(y)) if same_error(&x, &y) => Ok(Check::Refused),
        (x, y) => Err(format!("bounded: {:?} but {:?}", x.err(), y.err())),
    }
}

type Outcome<D> = Result<Vec<Tensor<D>>, EvalError>;

fn evaluate<D: Domain, A: Program, B: Program>(
    a: &A,
    b: &B,
    draw: Draw,
    question: Question,
) -> (Outcome<D>, Outcome<D>) {
    let inputs = operands::<D>(a, draw, question);
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
    let stated = matches!(
        a,
        EvalError::Check { .. } | EvalError::Requirement { .. } | EvalError::Domain(_) | EvalError::Extent(_)
    );
    stated && std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// Whether no operation on the way to these numbers was rounded.
fn is_exact(tensor: &Tensor<Bounded>) -> bool {
    tensor.data.iter().all(|value| match value {
        Value::Real(number) => number.error == 0.0,
        Value::Complex(re, im) => re.error == 0.0 && im.error == 0.0,
        Value::Int(_) | Value::Bool(_) => true,
    })
}

/// Compares types and, by `one`, every element.
fn compare<A: Domain, B: Domain>(
    a: &[Tensor<A>],
    b: &[Tensor<B>],
    mut one: impl FnMut(&Value<A>, &Value<B>) -> bool,
) -> Result<(), String> {
    if a.len() != b.len() {
        return Err(format!("{} results but {}", a.len(), b.len()));
    }
    for (output, (a, b)) in a.iter().zip(b).enumerate() {
        if a.dtype != b.dtype || a.shape != b.shape {
            return Err(format!("result {output}: {} {:?} but {} {:?}", a.dtype, a.shape, b.dtype, b.shape));
        }
        for (place, (x, y)) in a.data.iter().zip(&b.data).enumerate() {
            if !one(x, y) {
                let domain = A::NAME;
                return Err(format!("result {output}, element {place}: {x:?} but {y:?} ({domain})"));
            }
        }
    }
    Ok(())
}

fn equal<D: Domain>(a: &[Tensor<D>], b: &[Tensor<D>]) -> Result<(), String> {
    let real = |a: D::Real, b: D::Real| a == b || (D::to_f64(a).is_nan() && D::to_f64(b).is_nan());
    compare(a, b, |a, b| match (a, b) {
        (Value::Real(a), Value::Real(b)) => real(*a, *b),
        (Value::Complex(a, b), Value::Complex(c, d)) => real(*a, *c) && real(*b, *d),
        (a, b) => a == b,
    })
}

fn within_bound(a: &[Tensor<Bounded>], b: &[Tensor<Native>]) -> Result<Check, String> {
    let mut check = Check::ErrorBound;
    let mut real = |a: &Estimate, b: f64| match a.admits(b) {
        Some(near) => near,
        None => {
            check = Check::Undecided;
            true
        }
    };
    compare(a, b, |a, b| match (a, b) {
        (Value::Real(a), Value::Real(b)) => real(a, *b),
        (Value::Complex(a, b), Value::Complex(c, d)) => real(a, *c) && real(b, *d),
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        _ => false,
    })?;
    Ok(check)
}
