//! Sums, products and quotients of values.

use super::Law::{Exact, Finite, Reassociate};
use super::Phase::{Algebra, Cleanup};
use super::{Rule, When, rule};
use tcc_ir::Kind;

const FIELD: &str = "axioms of a ring or field";
const IEEE: &str = "IEEE 754: the sign is symmetric";

/// The rules.
pub static RULES: &[Rule] = &[
    rule("neg-neg", Exact, Cleanup, ("(neg (neg ?a))", "?a"), "two signs are none", IEEE),
    Rule {
        when: &[When::NotComplex("?a")],
        ..rule("mul-one", Exact, Cleanup, ("(mul ?a 1)", "?a"), "a factor that is 1 disappears", FIELD)
    },
    Rule {
        when: &[When::NotComplex("?a")],
        ..rule("div-one", Exact, Cleanup, ("(div ?a 1)", "?a"), "a divisor that is 1 disappears", FIELD)
    },
    Rule {
        when: &[When::NotComplex("?a")],
        ..rule(
            "mul-minus-one",
            Exact,
            Cleanup,
            ("(mul ?a -1)", "(neg ?a)"),
            "a factor that is -1 is a sign",
            IEEE,
        )
    },
    rule(
        "add-neg",
        Exact,
        Cleanup,
        ("(add ?a (neg ?b))", "(sub ?a ?b)"),
        "adding a negated value subtracts",
        IEEE,
    ),
    rule(
        "sub-neg",
        Exact,
        Cleanup,
        ("(sub ?a (neg ?b))", "(add ?a ?b)"),
        "subtracting a negated value adds",
        IEEE,
    ),
    rule(
        "neg-mul-neg",
        Exact,
        Cleanup,
        ("(mul (neg ?a) (neg ?b))", "(mul ?a ?b)"),
        "two signs of a product are none",
        IEEE,
    ),
    rule(
        "neg-div-neg",
        Exact,
        Cleanup,
        ("(div (neg ?a) (neg ?b))", "(div ?a ?b)"),
        "two signs of a quotient are none",
        IEEE,
    ),
    Rule {
        when: &[When::Smaller("?b", "?a")],
        ..rule(
            "neg-of-smaller",
            Exact,
            Cleanup,
            ("(mul (neg ?a) ?b)", "(mul ?a (neg ?b))"),
            "the sign of a product moves to the factor with fewer axes",
            IEEE,
        )
    },
    Rule {
        when: &[When::Is("?a", Kind::Float)],
        ..rule(
            "mul-self-abs",
            Exact,
            Cleanup,
            ("(mul (abs ?a) (abs ?a))", "(mul ?a ?a)"),
            "a square needs no absolute value",
            IEEE,
        )
    },
    Rule {
        when: &[When::NonNegative("?a")],
        ..rule(
            "abs-without-sign",
            Exact,
            Cleanup,
            ("(abs ?a)", "?a"),
            "what has no sign is its absolute value",
            IEEE,
        )
    },
    Rule {
        when: &[When::NonNegative("?a")],
        ..rule("max-zero", Exact, Cleanup, ("(max ?a 0)", "?a"), "what has no sign is not below 0", IEEE)
    },
    rule(
        "add-zero",
        Reassociate,
        Cleanup,
        ("(add ?a 0)", "?a"),
        "adding 0 changes at most the sign of a zero",
        FIELD,
    ),
    rule(
        "zero-sub",
        Reassociate,
        Cleanup,
        ("(sub 0 ?a)", "(neg ?a)"),
        "0 - a is -a but for the sign of a zero",
        FIELD,
    ),
    rule(
        "neg-sub",
        Reassociate,
        Cleanup,
        ("(neg (sub ?a ?b))", "(sub ?b ?a)"),
        "a negated difference is the other difference",
        FIELD,
    ),
    rule("add-zero-product", Finite, Cleanup, ("(add ?a (mul 0 ?b))", "?a"), "0 times a number is 0", FIELD),
    rule(
        "factor-sum",
        Reassociate,
        Algebra,
        ("(add (mul ?a ?b) (mul ?a ?c))", "(mul ?a (add ?b ?c))"),
        "a common factor of a sum is taken out",
        FIELD,
    ),
    rule(
        "factor-difference",
        Reassociate,
        Algebra,
        ("(sub (mul ?a ?b) (mul ?a ?c))", "(mul ?a (sub ?b ?c))"),
        "a common factor of a difference is taken out",
        FIELD,
    ),
    rule(
        "factor-quotients",
        Reassociate,
        Algebra,
        ("(add (div ?a ?c) (div ?b ?c))", "(div (add ?a ?b) ?c)"),
        "a common divisor of a sum is taken out",
        FIELD,
    ),
    rule(
        "factor-quotient-difference",
        Reassociate,
        Algebra,
        ("(sub (div ?a ?c) (div ?b ?c))", "(div (sub ?a ?b) ?c)"),
        "a common divisor of a difference is taken out",
        FIELD,
    ),
    Rule {
        when: &[When::Smaller("?c", "?a")],
        ..rule(
            "reciprocal-of-smaller",
            Finite, // the reciprocal of a subnormal number is infinite
            Algebra,
            ("(div ?a ?c)", "(mul ?a (div 1 ?c))"),
            "many divisions by few numbers become products with their reciprocals",
            FIELD,
        )
    },
    Rule {
        when: &[When::Smaller("?b", "?a"), When::Smaller("?c", "?a")],
        ..rule(
            "group-small-factors",
            Reassociate,
            Algebra,
            ("(mul (mul ?a ?b) ?c)", "(mul ?a (mul ?b ?c))"),
            "factors with fewer axes are multiplied first",
            FIELD,
        )
    },
    Rule {
        when: &[When::Smaller("?b", "?a"), When::Smaller("?c", "?a")],
        ..rule(
            "group-small-terms",
            Reassociate,
            Algebra,
            ("(add (add ?a ?b) ?c)", "(add ?a (add ?b ?c))"),
            "terms with fewer axes are added first",
            FIELD,
        )
    },
    Rule {
        when: &[When::Smaller("?c", "?a")],
        ..rule(
            "divide-smaller-factor",
            Finite, // the quotient may overflow where the product does not
            Algebra,
            ("(div (mul ?a ?b) ?c)", "(mul ?a (div ?b ?c))"),
            "of a product that is divided, the smaller factor is divided",
            FIELD,
        )
    },
    rule(
        "divide-twice",
        Reassociate,
        Algebra,
        ("(div (div 1 ?a) ?b)", "(div 1 (mul ?a ?b))"),
        "one reciprocal instead of two",
        FIELD,
    ),
];
