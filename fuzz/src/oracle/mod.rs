//! The oracles: who says that the compiler went wrong. One row each, the cheapest first.

pub mod backends;
pub mod budget;
pub mod forms;
pub mod guards;
pub mod meaning;
pub mod metamorphic;
pub mod naive;
pub mod tzer;
pub mod verifier;

use crate::case::{Case, Class, Level, Program};
use crate::compare::{Agreement, Meaning, Reference};
use crate::finding::Finding;
use crate::inputs::{Numbers, numbers};
use crate::panics::catch;
use crate::trace::{self, Trace};
use tcc_ir::EvalError;
use tcc_ir::graph::Op;

/// One oracle, described as data.
pub struct Oracle {
    /// The name in fingerprints and reports.
    pub name: &'static str,
    /// What it compares with what.
    pub about: &'static str,
    /// When it is asked.
    pub when: When,
    /// Whether it runs the program: it is not asked of programs that are too large for that.
    pub runs: bool,
    /// Asks it.
    pub ask: fn(&mut Execution) -> Result<(), Finding>,
}

/// When an oracle is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// Of every case.
    Always,
    /// Of some cases, as their seeds say: one in this many.
    OneIn(u64),
}

/// All oracles, in the order in which they are asked.
pub static ORACLES: &[Oracle] = &[
    Oracle {
        name: verifier::NAME,
        about: "the contract of the level holds after every pass",
        when: When::Always,
        runs: false,
        ask: verifier::ask,
    },
    Oracle {
        name: meaning::NAME,
        about: "results stay the same after every pass; loops are run with every access checked",
        when: When::Always,
        runs: true,
        ask: meaning::ask,
    },
    Oracle {
        name: naive::NAME,
        about: "equations give what a direct sum gives that shares no code with the compiler",
        when: When::Always,
        runs: true,
        ask: naive::ask,
    },
    Oracle {
        name: budget::NAME,
        about: "no pass makes a small program large",
        when: When::Always,
        runs: false,
        ask: budget::ask,
    },
    Oracle {
        name: backends::NAME,
        about: "all backends compute the same bytes from the loops at the end",
        when: When::Always,
        runs: true,
        ask: backends::ask,
    },
    Oracle {
        name: guards::NAME,
        about: "machine code touches nothing but its arguments, leaves its operands and relies on no old contents",
        when: When::OneIn(4),
        runs: true,
        ask: guards::ask,
    },
    Oracle {
        name: forms::NAME,
        about: "all terms of a class of the e-graph are the same value",
        when: When::Always,
        runs: true,
        ask: forms::ask,
    },
    Oracle {
        name: metamorphic::NAME,
        about: "compiling twice gives one program, and related programs give related results",
        when: When::OneIn(32),
        runs: true,
        ask: metamorphic::ask,
    },
];

/// A case while the oracles are asked.
pub struct Execution<'a> {
    /// The case.
    pub case: &'a Case,
    /// What its passes did.
    pub trace: &'a Trace,
    /// What its program means on its operands.
    pub reference: &'a Reference<'a>,
    /// The operands.
    pub numbers: &'a [Numbers],
    /// Which oracles are asked.
    pub effort: Effort,
    /// How comparisons were decided.
    pub agreements: Vec<Agreement>,
    /// The loops as they were loaded, once an oracle did.
    pub loaded: Option<backends::Loaded>,
}

/// Which oracles are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// As their rows say.
    Usual,
    /// All of them.
    All,
}

/// What the oracles say of a case.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// The first failure.
    pub finding: Option<Finding>,
    /// How comparisons were decided.
    pub agreements: Vec<Agreement>,
    /// Why the case says nothing, if the program or its operands were refused.
    pub refused: Option<String>,
}

/// Who judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judge {
    /// All oracles of the table.
    Ours,
    /// What Tzer looks at: crashes, and final results by a fixed tolerance.
    Tzer,
}

/// The oracles of [`Judge::Tzer`].
static TZER: &[Oracle] = &[Oracle {
    name: tzer::NAME,
    about: "the final results are near those of the program, by a fixed tolerance",
    when: When::Always,
    runs: true,
    ask: tzer::ask,
}];

/// Runs a case and asks the oracles.
pub fn check(case: &Case, effort: Effort) -> (Trace, Verdict) {
    let trace = trace::run(case);
    let verdict = judge(case, &trace, effort);
    (trace, verdict)
}

/// Asks the oracles of the table about an execution.
pub fn judge(case: &Case, trace: &Trace, effort: Effort) -> Verdict {
    judge_as(Judge::Ours, case, trace, effort)
}

/// Asks the oracles of a judge about an execution.
pub fn judge_as(judge: Judge, case: &Case, trace: &Trace, effort: Effort) -> Verdict {
    let oracles = match judge {
        Judge::Ours => ORACLES,
        Judge::Tzer => TZER,
    };
    let mut verdict = Verdict { refused: trace.refused.clone(), ..Verdict::default() };
    let Some(first) = trace.stages.first() else {
        verdict.finding = trace.finding.clone();
        if let (Judge::Ours, Program::Source(text), Some(refusal), None) =
            (judge, &case.program, &trace.refused, &verdict.finding)
        {
            verdict.finding = naive::refused(text, refusal);
        }
        return verdict;
    };
    if let Err(errors) = first.level.verify() {
        // What is no program is nobody's bug, unless the frontend made it.
        match trace.ran.first().filter(|ran| ran.pass == "frontend") {
            Some(_) => {
                let message = errors.to_string();
                verdict.finding = Some(Finding::new(verifier::NAME, "frontend", 0, message));
            }
            None => verdict.refused = Some(errors.to_string()),
        }
        return verdict;
    }
    let (numbers, fits) = match numbers(&first.level, &case.sizes, case.inputs) {
        Ok(numbers) => (numbers, true),
        Err(EvalError::Limit { .. }) => (Vec::new(), false),
        Err(error) => {
            verdict.refused = Some(error.to_string());
            return verdict;
        }
    };
    let reference = Reference::new(&first.level, &case.sizes, &numbers, case.inputs.class, case.contract);
    // What is too large to evaluate is not run otherwise, either: nobody has seen where it reads and writes.
    let fits = fits && !matches!(reference.native(), Err(EvalError::Limit { .. }));
    // Loops that were changed by force may be no program.
    if fits && let (Level::Loops(_), Err(error @ EvalError::Fault(_))) = (&first.level, reference.native()) {
        verdict.refused = Some(error.to_string());
        return verdict;
    }
    let mut execution = Execution {
        effort,
        case,
        trace,
        reference: &reference,
        numbers: &numbers,
        agreements: Vec::new(),
        loaded: None,
    };
    for oracle in oracles {
        let asked = match oracle.when {
            When::Always => true,
            When::OneIn(count) => {
                effort == Effort::All
                    || (case.inputs.seed ^ crate::choices::hash(oracle.name)).is_multiple_of(count)
            }
        };
        if !asked || oracle.runs && !fits {
            continue;
        }
        let answer = catch(|| (oracle.ask)(&mut execution)).unwrap_or_else(|panic| {
            let mut finding = Finding::new(
                oracle.name,
                "evaluation",
                0,
                format!("panic at {}: {}", panic.place, panic.message),
            );
            finding.fingerprint.kind = format!("panic at {}", panic.place);
            Err(finding)
        });
        if let Err(finding) = answer {
            verdict.finding = Some(finding);
            break;
        }
    }
    // A stage that went wrong before a pass panicked is the cause.
    if verdict.finding.is_none() {
        verdict.finding = trace.finding.clone();
    }
    verdict.agreements = execution.agreements;
    verdict
}

/// Where the program at a stage has a meaning on operands of a class.
pub fn meaning(trace: &Trace, position: usize, class: Class) -> Meaning {
    let ran = &trace.ran[..position.min(trace.ran.len())];
    // Lengths that are open at the lowering make roots of unity cosines, and which sums of infinities a
    // transform makes is left to it.
    let open_transforms = trace.stages.iter().filter(|stage| stage.position < position).any(|stage| {
        matches!(&stage.level, Level::Graph(graph) if (class == Class::Specials || !graph.symbols.is_empty())
            && graph.nodes.iter().any(|node| matches!(node.op, Op::Transform { .. })))
    });
    if open_transforms && ran.iter().any(|ran| ran.pass == "lower") {
        return Meaning::Rough;
    }
    let expanded = ran.iter().any(|ran| ran.pass == "expand_math" && ran.changed);
    if expanded { Meaning::Floats } else { Meaning::Everywhere }
}
