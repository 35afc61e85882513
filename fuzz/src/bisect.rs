//! Bisecting: which pass, which of its rules and which firing of it makes a case fail.
//!
//! Which pass it is, the trace says: every stage is compared. Which firing it is, fuel says: with fuel for `n`
//! rewrites the compiler is right, with fuel for one more it is wrong.

use crate::case::Case;
use crate::finding::{Finding, Fingerprint};
use crate::oracle::{self, Effort, check, judge};
use crate::trace;
use tcc_passes::{GRAPH_PASSES, LOOP_PASSES};

/// What makes a case fail.
#[derive(Clone, Debug)]
pub struct Culprit {
    /// The pass, or `frontend`, `lower`, or a backend.
    pub stage: String,
    /// Which of the passes of this name, from 1.
    pub occurrence: usize,
    /// Whether it can be left out: a pass that is not required.
    pub optional: bool,
    /// Whether the programs of loops were right, and only a backend ran them wrongly.
    pub in_backend: bool,
    /// The rewrite, if the pass consists of several.
    pub firing: Option<Firing>,
    /// How the case fails.
    pub finding: Finding,
    /// How often the passes were run.
    pub tried: usize,
}

/// One rewrite of a pass.
#[derive(Clone, Debug)]
pub struct Firing {
    /// Which, from 1, among the rewrites of this run of the pass.
    pub number: u64,
    /// How many there are without a limit.
    pub of: u64,
    /// The rule, if the pass has rules.
    pub rule: Option<&'static str>,
    /// The last case that is right.
    pub good: Case,
    /// The first case that is wrong.
    pub bad: Case,
}

/// Fuel that does not run out.
const PLENTY: u64 = 1 << 40;

/// Finds the culprit of a case that fails; `None` if it does not.
pub fn bisect(case: &Case) -> Option<Culprit> {
    let (trace, verdict) = check(case, Effort::All);
    let finding = verdict.finding?;
    let position = finding.position;
    let pass = position.checked_sub(1).and_then(|at| trace.ran.get(at)).map(|ran| ran.pass);
    let in_backend = finding.fingerprint.oracle == oracle::backends::NAME;
    let pass = pass.filter(|_| !in_backend);
    let stage = pass.map_or_else(|| finding.fingerprint.stage.clone(), str::to_owned);
    let occurrence =
        trace.ran[..position.min(trace.ran.len())].iter().filter(|ran| ran.pass == stage).count();
    let row = (GRAPH_PASSES.iter().map(|row| (row.name, row.required)))
        .chain(LOOP_PASSES.iter().map(|row| (row.name, row.required)))
        .find(|(name, _)| *name == stage);
    let mut culprit = Culprit {
        stage,
        occurrence: occurrence.max(1),
        optional: row.is_some_and(|(_, required)| !required),
        in_backend,
        firing: None,
        finding,
        tried: 1,
    };
    if row.is_some() && !in_backend {
        culprit.firing = firing(case, position, &culprit.finding.fingerprint.clone(), &mut culprit.tried);
    }
    Some(culprit)
}

/// Runs the passes up to `position`, with fuel for so many rewrites; how many of them happened.
fn used(case: &Case, position: usize) -> u64 {
    let context = case.context().with_fuel(PLENTY);
    let fuel = context.fuel.clone();
    trace::run_in(&up_to(case, position), context);
    PLENTY - fuel.load(std::sync::atomic::Ordering::Relaxed).min(PLENTY)
}

/// The case without the passes after `position`.
fn up_to(case: &Case, position: usize) -> Case {
    let mut case = case.clone();
    let before_passes = trace::run_in(&bare(&case), case.context()).ran.len();
    let graph = case.pipeline.graph.len();
    let left = position.saturating_sub(before_passes);
    if left < graph {
        case.pipeline.graph.truncate(left);
        case.pipeline.loops.clear();
        case.schedule.clear();
        case.backends.clear();
        return case;
    }
    // The lowering counts as one.
    let lowered = usize::from(!matches!(case.program, crate::case::Program::Loops(_)));
    let mut steps: Vec<_> = case.loop_steps().cloned().collect();
    steps.truncate(left.saturating_sub(graph + lowered));
    case.schedule = steps;
    case.pipeline.loops.clear();
    case
}

/// The case without any pass.
fn bare(case: &Case) -> Case {
    let mut case = case.clone();
    case.pipeline.graph.clear();
    case.pipeline.loops.clear();
    case.schedule.clear();
    case.backends.clear();
    case
}

/// The first rewrite of the pass at `position` with which the case fails.
fn firing(case: &Case, position: usize, fingerprint: &Fingerprint, tried: &mut usize) -> Option<Firing> {
    let (before, after) = (used(case, position - 1), used(case, position));
    *tried += 2;
    let of = after.checked_sub(before).filter(|count| *count > 0)?;
    let with = |rewrites: u64| Case { fuel: Some(before + rewrites), ..up_to(case, position) };
    let fails = |rewrites: u64| {
        let case = with(rewrites);
        let trace = trace::run(&case);
        let verdict = judge(&case, &trace, Effort::All);
        verdict.finding.is_some_and(|finding| finding.fingerprint == *fingerprint)
    };
    *tried += 2;
    if fails(0) || !fails(of) {
        return None;
    }
    let (mut good, mut bad) = (0, of);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        *tried += 1;
        if fails(middle) { bad = middle } else { good = middle }
    }
    let rules = |rewrites: u64| trace::run(&with(rewrites)).rules;
    let (fewer, more) = (rules(good), rules(bad));
    let rule = more.last().copied().filter(|_| more.len() > fewer.len());
    Some(Firing { number: bad, of, rule, good: with(good), bad: with(bad) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_holds_has_no_culprit() {
        let text = "test fuzz = \"canonicalize | fuse\"\nbind n = 4\ncontract = strict\ninputs = exact 1\n\n\
                    graph @g(n; %x: f32[i:n]) {\n  %0 = neg %x : f32[i:n]\n  return y = %0[i]\n}\n";
        assert!(bisect(&text.parse().expect("a case")).is_none());
    }

    #[test]
    fn passes_are_cut_where_they_are_counted() {
        let text = "test fuzz = \"fold, cse | simplify, fuse\"\nschedule = \"hoist\"\nbind n = 4\n\
                    contract = strict\ninputs = exact 1\n\n\
                    graph @g(n; %x: f32[i:n]) {\n  %0 = neg %x : f32[i:n]\n  return y = %0[i]\n}\n";
        let case: Case = text.parse().expect("a case");
        let all = trace::run(&case).ran;
        for position in 0..=all.len() {
            let some = trace::run(&up_to(&case, position)).ran;
            assert!(some.len() >= position && all.starts_with(&some[..position]), "{position}");
            assert!(some.len() <= position.max(1) + 1, "{position}: {some:?}");
        }
    }
}
