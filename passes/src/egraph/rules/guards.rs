//! Guards: selections, brackets that are 0 or 1, and truth values.

use super::Law::{Exact, Reassociate};
use super::Phase::{Algebra, Cleanup};
use super::{Rule, When, rule};
use tcc_ir::Kind;

const CHOICE: &str = "case distinction";
const BOOLE: &str = "axioms of a Boolean algebra";
const IVERSON: &str = "Iverson brackets (Knuth, Two Notes on Notation, 1992)";

/// The rules.
pub static RULES: &[Rule] = &[
    rule(
        "select-same-guard",
        Exact,
        Cleanup,
        ("(select ?p (select ?p ?a ?b) ?c)", "(select ?p ?a ?c)"),
        "where a guard holds it holds",
        CHOICE,
    ),
    rule(
        "select-other-guard",
        Exact,
        Cleanup,
        ("(select ?p ?a (select ?p ?b ?c))", "(select ?p ?a ?c)"),
        "where a guard does not hold it does not hold",
        CHOICE,
    ),
    rule(
        "select-both",
        Exact,
        Cleanup,
        ("(select ?p (select ?q ?a ?b) ?b)", "(select (and ?p ?q) ?a ?b)"),
        "two guards around one value are one guard",
        CHOICE,
    ),
    rule(
        "select-either",
        Exact,
        Cleanup,
        ("(select ?p ?a (select ?q ?a ?b))", "(select (or ?p ?q) ?a ?b)"),
        "one value under two guards stands under either",
        CHOICE,
    ),
    rule("select-same", Exact, Cleanup, ("(select ?p ?a ?a)", "?a"), "a choice between one value", CHOICE),
    Rule {
        when: &[When::Is("?p", Kind::Bool)],
        ..rule(
            "bracket-product",
            Reassociate,
            Cleanup,
            ("(mul (cast ?p) ?a)", "(select ?p ?a 0)"),
            "a value times a bracket is a guarded value",
            IVERSON,
        )
    },
    rule(
        "guarded-factor",
        Reassociate,
        Algebra,
        ("(mul (select ?p ?a 0) ?b)", "(select ?p (mul ?a ?b) 0)"),
        "a product with a guarded value is guarded",
        IVERSON,
    ),
    rule(
        "guarded-product",
        Exact,
        Cleanup,
        ("(mul (select ?p 1 0) (select ?q 1 0))", "(select (and ?p ?q) 1 0)"),
        "a product of brackets is one bracket",
        IVERSON,
    ),
    rule(
        "guarded-sum",
        Exact,
        Algebra,
        ("(add (select ?p ?a 0) (select ?p ?b 0))", "(select ?p (add ?a ?b) 0)"),
        "terms under one guard are added under it",
        IVERSON,
    ),
    rule(
        "split-guard",
        Exact,
        Algebra,
        ("(select (and ?p ?q) ?a ?b)", "(select ?p (select ?q ?a ?b) ?b)"),
        "a guard of two conditions is two guards, of which one may be a place",
        CHOICE,
    ),
    rule("and-absorbs", Exact, Cleanup, ("(and ?p (or ?p ?q))", "?p"), "absorption", BOOLE),
    rule("or-absorbs", Exact, Cleanup, ("(or ?p (and ?p ?q))", "?p"), "absorption", BOOLE),
    rule(
        "and-once",
        Exact,
        Cleanup,
        ("(and ?p (and ?p ?q))", "(and ?p ?q)"),
        "a condition counts once",
        BOOLE,
    ),
    rule("or-once", Exact, Cleanup, ("(or ?p (or ?p ?q))", "(or ?p ?q)"), "a condition counts once", BOOLE),
    rule(
        "or-of-ands",
        Exact,
        Cleanup,
        ("(or (and ?p ?q) (and ?p ?r))", "(and ?p (or ?q ?r))"),
        "a common condition is taken out",
        BOOLE,
    ),
    rule("not-and-not", Exact, Cleanup, ("(not (and (not ?p) (not ?q)))", "(or ?p ?q)"), "De Morgan", BOOLE),
    rule("not-or-not", Exact, Cleanup, ("(not (or (not ?p) (not ?q)))", "(and ?p ?q)"), "De Morgan", BOOLE),
    rule("not-eq", Exact, Cleanup, ("(not (eq ?a ?b))", "(ne ?a ?b)"), "not equal, also for NaN", BOOLE),
    rule("not-ne", Exact, Cleanup, ("(not (ne ?a ?b))", "(eq ?a ?b)"), "equal, also for NaN", BOOLE),
    Rule {
        when: &[When::Is("?a", Kind::Int)],
        ..rule(
            "not-lt",
            Exact,
            Cleanup,
            ("(not (lt ?a ?b))", "(le ?b ?a)"),
            "integers are totally ordered",
            BOOLE,
        )
    },
    Rule {
        when: &[When::Is("?a", Kind::Int)],
        ..rule(
            "not-le",
            Exact,
            Cleanup,
            ("(not (le ?a ?b))", "(lt ?b ?a)"),
            "integers are totally ordered",
            BOOLE,
        )
    },
];
