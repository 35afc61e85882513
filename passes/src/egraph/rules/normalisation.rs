//! Softmax and logsumexp, recognised from their written-out forms. There is no rule the other way: a form
//! without the maximum overflows, and no rule may take the maximum away.

use super::Law::Reassociate;
use super::Phase::Recognise;
use super::{Rule, rule};

const STABLE: &str = "Blanchard, D. J. Higham and N. J. Higham, Accurately computing the log-sum-exp and softmax functions, 2021";

/// The rules.
pub static RULES: &[Rule] = &[
    rule(
        "softmax",
        Reassociate,
        Recognise,
        ("(div (exp (sub ?x (max[?s] ?x))) (sum[?s] (exp (sub ?x (max[?s] ?x)))))", "(softmax[?s] ?x)"),
        "softmax written out",
        STABLE,
    ),
    rule(
        "softmax-by-reciprocal",
        Reassociate,
        Recognise,
        (
            "(mul (exp (sub ?x (max[?s] ?x))) (div 1 (sum[?s] (exp (sub ?x (max[?s] ?x))))))",
            "(softmax[?s] ?x)",
        ),
        "softmax written out with one reciprocal for each row",
        STABLE,
    ),
    rule(
        "softmax-without-max",
        Reassociate,
        Recognise,
        ("(div (exp ?x) (sum[?s] (exp ?x)))", "(softmax[?s] ?x)"),
        "softmax written without the maximum, which overflows",
        STABLE,
    ),
    rule(
        "softmax-of-shifted",
        Reassociate,
        Recognise,
        ("(softmax[?s] (sub ?x (max[?s] ?x)))", "(softmax[?s] ?x)"),
        "softmax takes the maximum away itself",
        STABLE,
    ),
    rule(
        "logsumexp",
        Reassociate,
        Recognise,
        ("(add (max[?s] ?x) (log (sum[?s] (exp (sub ?x (max[?s] ?x))))))", "(logsumexp[?s] ?x)"),
        "logsumexp written out",
        STABLE,
    ),
    rule(
        "logsumexp-without-max",
        Reassociate,
        Recognise,
        ("(log (sum[?s] (exp ?x)))", "(logsumexp[?s] ?x)"),
        "logsumexp written without the maximum, which overflows",
        STABLE,
    ),
];
