//! Elementary functions.

use super::Law::{Finite, Reassociate};
use super::Phase::{Cleanup, Recognise};
use super::{Rule, When, rule};
use tcc_ir::Kind;

const IDENTITY: &str = "DLMF chapter 4, elementary functions";

/// The rules.
pub static RULES: &[Rule] = &[
    Rule {
        when: &[When::NonNegative("?a")],
        ..rule(
            "sqrt-squared",
            Reassociate,
            Cleanup,
            ("(mul (sqrt ?a) (sqrt ?a))", "?a"),
            "the square of a square root",
            IDENTITY,
        )
    },
    Rule {
        when: &[When::Positive("?a")],
        ..rule(
            "div-by-sqrt",
            Reassociate,
            Cleanup,
            ("(div ?a (sqrt ?a))", "(sqrt ?a)"),
            "a positive number over its square root",
            IDENTITY,
        )
    },
    rule("pow-one", Reassociate, Cleanup, ("(pow ?a 1)", "?a"), "the first power", IDENTITY),
    rule("pow-two", Reassociate, Cleanup, ("(pow ?a 2)", "(mul ?a ?a)"), "a square is one product", IDENTITY),
    rule(
        "pow-half",
        Reassociate,
        Cleanup,
        ("(pow ?a 0.5)", "(sqrt ?a)"),
        "the power 1/2 is a root",
        IDENTITY,
    ),
    rule(
        "pow-minus-one",
        Reassociate,
        Cleanup,
        ("(pow ?a -1)", "(div 1 ?a)"),
        "the power -1 is a reciprocal",
        IDENTITY,
    ),
    rule(
        "reciprocal-of-exp",
        Reassociate,
        Cleanup,
        ("(div 1 (exp ?a))", "(exp (neg ?a))"),
        "a reciprocal of an exponential is one of the negated number",
        IDENTITY,
    ),
    rule(
        "exp-of-neg-product",
        Reassociate,
        Cleanup,
        ("(div ?b (exp (neg ?a)))", "(mul ?b (exp ?a))"),
        "dividing by an exponential multiplies with one",
        IDENTITY,
    ),
    rule(
        "log-of-reciprocal",
        Reassociate,
        Cleanup,
        ("(log (div 1 ?a))", "(neg (log ?a))"),
        "the logarithm of a reciprocal needs no division",
        IDENTITY,
    ),
    rule(
        "sin-of-neg",
        Reassociate,
        Cleanup,
        ("(sin (neg ?a))", "(neg (sin ?a))"),
        "the sine is odd",
        IDENTITY,
    ),
    rule("cos-of-neg", Reassociate, Cleanup, ("(cos (neg ?a))", "(cos ?a)"), "the cosine is even", IDENTITY),
    rule(
        "tanh-of-neg",
        Reassociate,
        Cleanup,
        ("(tanh (neg ?a))", "(neg (tanh ?a))"),
        "tanh is odd",
        IDENTITY,
    ),
    rule("erf-of-neg", Reassociate, Cleanup, ("(erf (neg ?a))", "(neg (erf ?a))"), "erf is odd", IDENTITY),
    rule(
        "tan-from-sin-cos",
        Reassociate,
        Recognise,
        ("(div (sin ?a) (cos ?a))", "(tan ?a)"),
        "one tangent instead of a sine over a cosine",
        IDENTITY,
    ),
    rule(
        "tanh-from-exp",
        Reassociate,
        Recognise,
        ("(div (sub (exp ?a) (exp (neg ?a))) (add (exp ?a) (exp (neg ?a))))", "(tanh ?a)"),
        "tanh written with exponentials, which overflow",
        IDENTITY,
    ),
    rule(
        "tanh-from-sinh-cosh",
        Reassociate,
        Recognise,
        ("(div (sinh ?a) (cosh ?a))", "(tanh ?a)"),
        "tanh written as a quotient, which overflows",
        IDENTITY,
    ),
    rule(
        "sigmoid-from-exp",
        Reassociate,
        Recognise,
        ("(div (exp ?a) (add 1 (exp ?a)))", "(div 1 (add 1 (exp (neg ?a))))"),
        "the form of the logistic function that does not overflow",
        "Higham, Accuracy and Stability of Numerical Algorithms",
    ),
    rule(
        "silu",
        Reassociate,
        Recognise,
        ("(mul ?b (div 1 (add 1 (exp ?a))))", "(div ?b (add 1 (exp ?a)))"),
        "a product with a logistic function is one quotient",
        "Elfwing, Uchibe and Doya 2018",
    ),
    Rule {
        when: &[When::Is("?a", Kind::Float)],
        ..rule(
            "relu",
            Finite,
            Recognise,
            ("(select (lt 0 ?a) ?a 0)", "(max ?a 0)"),
            "the positive part is a maximum",
            "IEEE 754: maximum",
        )
    },
];
