//! Whether results may differ as they do. No tolerance is a guess.
//!
//! Programs that mean the same are compared in three ways, and the strictest that applies decides:
//!
//! 1. modulo a prime, where field identities hold on every input: equal, or a bug;
//! 2. in floats, bit for bit. Where the bits differ, both programs are evaluated once more with a running
//!    bound of their rounding errors: if neither was rounded anywhere, they had to be equal;
//! 3. otherwise the two may be as far apart as their bounds together.
//!
//! Where rounding decides which way a program goes (a comparison of nearly equal numbers, an infinity that
//! another order of a sum avoids), nothing can be said, and the comparison is *undecided*.

use crate::case::{Class, Level};
use crate::inputs::{Numbers, spread, tensors};
use std::cell::OnceCell;
use tcc_ir::domain::{Bounded, Estimate, Exact, roundoff};
use tcc_ir::{Bindings, Domain, Dtype, EvalError, Native, Tensor, Value};
use tcc_passes::Contract;

/// Results of an evaluation.
pub type Outcome<D> = Result<Vec<Tensor<D>>, EvalError>;

/// How it was decided that two programs agree on some operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Agreement {
    /// Equal modulo a prime, and in floats.
    Exact,
    /// Equal bit for bit.
    Bits,
    /// Within the bounds of rounding errors.
    Bound,
    /// Both refuse the operands.
    Refused,
    /// Nothing can be said.
    Undecided,
}

impl Agreement {
    /// All with their names in reports.
    pub const TABLE: &'static [(Agreement, &'static str)] = &[
        (Agreement::Exact, "exact"),
        (Agreement::Bits, "bits"),
        (Agreement::Bound, "bound"),
        (Agreement::Refused, "refused"),
        (Agreement::Undecided, "undecided"),
    ];
}

/// Where a program has a meaning beside the floats of its dtypes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    /// In every number domain.
    Everywhere,
    /// In floats only: elementary functions are polynomials in the bits of floats. The bounds of the program
    /// that it is compared with say how far it may be off.
    Floats,
    /// In floats only, and rounded where the program that it is compared with is not: roots of unity of a
    /// length that is open are cosines. Where bits differ, nothing can be said.
    Rough,
}

/// How often the bounds of two results together they may be apart. The bounds hold to first order and
/// for one order of operations; another order of a sum has the same terms, each rounded as often.
pub const SLACK: f64 = 4.0;

/// What a program must give on some operands, in every domain in which it has a meaning.
pub struct Reference<'a> {
    program: &'a Level,
    sizes: &'a Bindings,
    numbers: &'a [Numbers],
    class: Class,
    contract: Contract,
    exact_inputs: Vec<Tensor<Exact>>,
    native_inputs: Vec<Tensor<Native>>,
    exact: OnceCell<Outcome<Exact>>,
    native: OnceCell<Outcome<Native>>,
    bounded: OnceCell<Outcome<Bounded>>,
}

impl<'a> Reference<'a> {
    /// The meaning of `program` on `numbers`; evaluated when it is asked for.
    pub fn new(
        program: &'a Level,
        sizes: &'a Bindings,
        numbers: &'a [Numbers],
        class: Class,
        contract: Contract,
    ) -> Reference<'a> {
        Reference {
            program,
            sizes,
            numbers,
            class,
            contract,
            exact_inputs: tensors(&spread(numbers)),
            native_inputs: tensors(numbers),
            exact: OnceCell::new(),
            native: OnceCell::new(),
            bounded: OnceCell::new(),
        }
    }

    /// The results, every operation rounded to its dtype.
    pub fn native(&self) -> &Outcome<Native> {
        self.native.get_or_init(|| self.program.eval(&self.native_inputs, self.sizes))
    }

    fn exact(&self) -> &Outcome<Exact> {
        self.exact.get_or_init(|| self.program.eval(&self.exact_inputs, self.sizes))
    }

    fn bounded(&self) -> &Outcome<Bounded> {
        self.bounded.get_or_init(|| self.program.eval(&tensors(self.numbers), self.sizes))
    }

    /// The operands as native tensors.
    pub fn native_inputs(&self) -> &[Tensor<Native>] {
        &self.native_inputs
    }

    /// Compares another program, which means something where `meaning` says, with this one. `Err` says what
    /// differs.
    pub fn compare(&self, other: &Level, meaning: Meaning) -> Result<Agreement, String> {
        let mut exact = false;
        if meaning == Meaning::Everywhere {
            // The strict contract keeps results bit for bit, not only values over the reals.
            match self.exact() {
                Ok(want) => match other.eval::<Exact>(&self.exact_inputs, self.sizes) {
                    Ok(got) => {
                        equal(want, &got)?;
                        exact = true;
                    }
                    Err(EvalError::Domain(_) | EvalError::Limit { .. }) => {}
                    Err(error) => return Err(described(&error)),
                },
                Err(EvalError::Fault(fault)) => return Err(format!("the reference is a fault: {fault}")),
                Err(_) => {}
            }
        }
        let got = other.eval::<Native>(&self.native_inputs, self.sizes);
        let agreement = self
            .compare_results(&got, meaning, &|| other.eval::<Bounded>(&tensors(self.numbers), self.sizes))?;
        Ok(if exact && agreement != Agreement::Refused { Agreement::Exact } else { agreement })
    }

    /// Compares results in floats. `bounded` gives the other program's results with bounds of their errors;
    /// it is asked if the other program has such.
    pub fn compare_results(
        &self,
        got: &Outcome<Native>,
        meaning: Meaning,
        bounded: &dyn Fn() -> Outcome<Bounded>,
    ) -> Result<Agreement, String> {
        let want = match (self.native(), got) {
            (Ok(want), Ok(got)) => {
                shapes(want, got)?;
                if equal(want, got).is_ok() {
                    return Ok(Agreement::Bits);
                }
                got
            }
            (_, Err(EvalError::Fault(fault))) => return Err(format!("fault: {fault}")),
            (_, Err(EvalError::Limit { .. })) | (Err(EvalError::Limit { .. }), _) => {
                return Ok(Agreement::Undecided);
            }
            (Err(want), Err(got)) if same_refusal(want, got) => return Ok(Agreement::Refused),
            (Err(want), Err(got)) => return Err(format!("{} but {}", described(want), described(got))),
            (Ok(_), Err(got)) => return Err(described(got)),
            (Err(want), Ok(_)) => return Err(format!("no {}", described(want))),
        };
        let reference = match self.bounded() {
            Ok(reference) => reference,
            Err(_) => return Ok(Agreement::Undecided),
        };
        match meaning {
            Meaning::Rough => Ok(Agreement::Undecided),
            Meaning::Floats => one_bounded(reference, want, self.class),
            Meaning::Everywhere => match bounded() {
                Ok(other) => both_bounded(reference, &other),
                Err(_) => Ok(Agreement::Undecided),
            },
        }
    }

    /// Which kind of operands these are, and what passes may do.
    pub fn freedom(&self) -> (Class, Contract) {
        (self.class, self.contract)
    }
}

fn described(error: &EvalError) -> String {
    match error {
        EvalError::Fault(fault) => format!("fault: {fault}"),
        other => format!("error: {other}"),
    }
}

/// Whether both are refusals of the same kind that a program itself states.
fn same_refusal(a: &EvalError, b: &EvalError) -> bool {
    let stated = matches!(
        a,
        EvalError::Check { .. } | EvalError::Requirement { .. } | EvalError::Domain(_) | EvalError::Extent(_)
    );
    stated && std::mem::discriminant(a) == std::mem::discriminant(b)
}

fn shapes<A: Domain, B: Domain>(want: &[Tensor<A>], got: &[Tensor<B>]) -> Result<(), String> {
    if want.len() != got.len() {
        return Err(format!("{} results but {}", want.len(), got.len()));
    }
    for (want, got) in want.iter().zip(got) {
        if want.dtype != got.dtype || want.shape != got.shape {
            return Err(format!(
                "another type: {} {:?} but {} {:?}",
                want.dtype, want.shape, got.dtype, got.shape
            ));
        }
    }
    Ok(())
}

/// Whether all elements are the same; zeros of both signs are, and so are all NaN.
pub fn equal<D: Domain>(want: &[Tensor<D>], got: &[Tensor<D>]) -> Result<(), String> {
    shapes(want, got)?;
    let real = |a: D::Real, b: D::Real| a == b || (D::to_f64(a).is_nan() && D::to_f64(b).is_nan());
    each(want, got, |_, a, b| match (a, b) {
        (Value::Real(a), Value::Real(b)) => real(*a, *b),
        (Value::Complex(a, b), Value::Complex(c, d)) => real(*a, *c) && real(*b, *d),
        (a, b) => a == b,
    })
}

fn each<A: Domain, B: Domain>(
    want: &[Tensor<A>],
    got: &[Tensor<B>],
    mut one: impl FnMut(Dtype, &Value<A>, &Value<B>) -> bool,
) -> Result<(), String> {
    for (output, (want, got)) in want.iter().zip(got).enumerate() {
        for (place, (a, b)) in want.data.iter().zip(&got.data).enumerate() {
            if !one(want.dtype, a, b) {
                let (domain, other) = (A::NAME, B::NAME);
                return Err(format!(
                    "another value ({domain}, {other}): result {output}, element {place}: {a:?} but {b:?}"
                ));
            }
        }
    }
    Ok(())
}

/// Compares results that both have bounds.
fn both_bounded(want: &[Tensor<Bounded>], got: &[Tensor<Bounded>]) -> Result<Agreement, String> {
    shapes(want, got)?;
    let mut agreement = Agreement::Bound;
    let mut real = |a: &Estimate, b: &Estimate| near(a, b.value, b.error, &mut agreement);
    each(want, got, |_, a, b| match (a, b) {
        (Value::Real(a), Value::Real(b)) => real(a, b),
        (Value::Complex(a, b), Value::Complex(c, d)) => real(a, c) && real(b, d),
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        _ => false,
    })?;
    Ok(agreement)
}

/// Compares results of which only the first have bounds. Where these were not rounded, the others may still be,
/// in another order: they are allowed one rounding of what was added, unless the
/// operands are numbers that no order rounds.
fn one_bounded(want: &[Tensor<Bounded>], got: &[Tensor<Native>], class: Class) -> Result<Agreement, String> {
    let exact = matches!(class, Class::Exact | Class::Wrap);
    let mut agreement = Agreement::Bound;
    let mut real = |dtype: Dtype, a: &Estimate, b: f64| {
        let rounded = if exact { 0.0 } else { a.size * roundoff(dtype) };
        near(a, b, a.error.max(rounded), &mut agreement)
    };
    each(want, got, |dtype, a, b| match (a, b) {
        (Value::Real(a), Value::Real(b)) => real(dtype, a, *b),
        (Value::Complex(a, b), Value::Complex(c, d)) => real(dtype, a, *c) && real(dtype, b, *d),
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        _ => false,
    })?;
    Ok(agreement)
}

/// Whether `b`, whose own error is at most `error`, may be the value that `a` estimates.
fn near(a: &Estimate, b: f64, error: f64, agreement: &mut Agreement) -> bool {
    if a.value == b || (a.value.is_nan() && b.is_nan()) {
        return true;
    }
    let bound = SLACK * (a.error + error);
    // Infinities come from overflow, which another order of operations may avoid, or from operands, for
    // which the identities of the reals do not hold.
    if !bound.is_finite() || !a.value.is_finite() || !b.is_finite() {
        *agreement = Agreement::Undecided;
        return true;
    }
    (a.value - b).abs() <= bound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(text: &str) -> Level {
        Level::Graph(text.parse().expect("a graph"))
    }

    const SUM: &str = "graph @s(%x: f32[i:4]) {\n %0 = sum[i] %x : f32\n return y = %0[]\n}";

    fn compare(class: Class, move_by: impl Fn(&Estimate) -> f64) -> Result<Agreement, String> {
        let (program, sizes) = (graph(SUM), Bindings::new());
        let spec = crate::case::InputSpec { class, seed: 3 };
        let numbers = crate::inputs::numbers(&program, &sizes, spec).expect("operands");
        let reference = Reference::new(&program, &sizes, &numbers, class, Contract::Reassoc);
        let estimate = match reference.bounded().as_ref().expect("a result")[0].data[0] {
            Value::Real(estimate) => estimate,
            _ => panic!("a sum of reals is real"),
        };
        let moved = estimate.value + move_by(&estimate);
        let got = Tensor::<Native>::scalar(Dtype::F32, Value::Real(moved));
        let no_bounds = || Err(EvalError::Domain("none".into()));
        reference.compare_results(&Ok(vec![got]), Meaning::Floats, &no_bounds)
    }

    #[test]
    fn one_unit_in_the_last_place_is_a_bug_on_exact_numbers() {
        assert_eq!(compare(Class::Exact, |_| 0.0), Ok(Agreement::Bits));
        let ulp = |estimate: &Estimate| f64::from((estimate.value as f32).next_up()) - estimate.value;
        assert!(compare(Class::Exact, ulp).is_err());
    }

    #[test]
    fn half_a_bound_is_none_on_rounded_numbers_and_ten_bounds_are() {
        assert_eq!(compare(Class::Bounded, |estimate| 0.5 * estimate.error), Ok(Agreement::Bound));
        assert!(compare(Class::Bounded, |estimate| 10.0 * estimate.error).is_err());
    }

    #[test]
    fn factored_sums_agree_modulo_a_prime_and_other_sums_do_not() {
        let apart = graph(
            "graph @a(%x: f64[i:3], %c: f64) {\n %0 = mul %x, %c : f64[i:3]\n %1 = sum[i] %0 : f64\n return y = %1[]\n}",
        );
        let factored = graph(
            "graph @a(%x: f64[i:3], %c: f64) {\n %0 = sum[i] %x : f64\n %1 = mul %0, %c : f64\n return y = %1[]\n}",
        );
        let wrong = graph(
            "graph @a(%x: f64[i:3], %c: f64) {\n %0 = max[i] %x : f64\n %1 = mul %0, %c : f64\n return y = %1[]\n}",
        );
        let sizes = Bindings::new();
        let spec = crate::case::InputSpec { class: Class::Bounded, seed: 1 };
        let numbers = crate::inputs::numbers(&apart, &sizes, spec).expect("operands");
        let reference = Reference::new(&apart, &sizes, &numbers, Class::Bounded, Contract::Reassoc);
        assert_eq!(reference.compare(&factored, Meaning::Everywhere), Ok(Agreement::Exact));
        assert!(reference.compare(&wrong, Meaning::Everywhere).is_err());
    }
}
