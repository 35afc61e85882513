//! Where a case goes wrong: the stage, the pass, and the rewrite of the pass.

use crate::case::{Case, Program};
use crate::finding::{Finding, Fingerprint};
use crate::oracle::{Effort, check};
use crate::reduce::from_stage;
use crate::trace;
use tcc_passes::egraph;

/// Where a failure comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The pass, or `lower`, `frontend`, a backend.
    pub stage: String,
    /// Its position among the stages, from 1.
    pub position: usize,
    /// The rewrite of the pass without which the case does not fail, from 1; `None` if the pass has no rewrites
    /// that can be counted, or fails without them.
    pub rewrite: Option<u64>,
    /// The rule that this rewrite applied, if the pass is `saturate`.
    pub rule: Option<&'static str>,
    /// The case that begins at the failing stage, with all rewrites up to the wrong one: it fails.
    pub bad: Case,
    /// The same case without the wrong rewrite: it does not fail.
    pub good: Option<Case>,
}

/// The backend that runs any loops.
const INTERPRETER: &str = "interp";

/// Most rewrites of one pass that are looked through.
const REWRITES: u64 = 1 << 20;

/// Finds the place of a failure with a fingerprint; `None` if the case does not fail so.
pub fn localise(case: &Case, fingerprint: &Fingerprint) -> Option<Place> {
    localise_by(case, &mut |case| {
        check(case, Effort::All).1.finding.filter(|finding| finding.fingerprint == *fingerprint)
    })
}

/// As [`localise`], with another question than the oracles': `fails` says how a case fails, if it does in the way
/// that is looked for.
pub fn localise_by(case: &Case, fails: &mut dyn FnMut(&Case) -> Option<Finding>) -> Option<Place> {
    let finding = fails(case)?;
    if finding.fingerprint.stage == trace::PROCESS {
        return Some(first_deadly(case, fails));
    }
    let mut bad = case.clone();
    if let Some(later) = from_stage(case, finding.position)
        && fails(&later).is_some()
    {
        bad = later;
    }
    let with = |fuel: u64| Case { fuel: Some(fuel), ..bad.clone() };
    let mut place = Place {
        stage: finding.fingerprint.stage.clone(),
        position: finding.position,
        rewrite: None,
        rule: None,
        good: None,
        bad: bad.clone(),
    };
    // An oracle of its own has named the rule already.
    if egraph::rules::rules().any(|rule| rule.name == place.stage) {
        place.rule = egraph::rules::rules().map(|rule| rule.name).find(|name| *name == place.stage);
    }
    let Some(most) = smallest_failing(&mut |fuel| fails(&with(fuel)).is_some()) else { return Some(place) };
    place.bad = with(most);
    place.rewrite = (most > 0).then_some(most);
    if most > 0 {
        place.good = Some(with(most - 1));
        let trace = trace::run(&place.bad);
        place.rule = place.rule.or_else(|| trace.rules.get(most as usize - 1).copied());
    }
    Some(place)
}

/// Whether a case fails without the pass that a failure names, or without `saturate` where it names a rule, as a
/// sentence: two failures that one pass explains may be one bug. `None` if it names no pass of the case.
pub fn without(case: &Case, fingerprint: &Fingerprint) -> Option<String> {
    let is_rule = egraph::rules::rules().any(|rule| rule.name == fingerprint.stage);
    let pass = if is_rule { "saturate" } else { fingerprint.stage.as_str() };
    let mut rest = case.clone();
    rest.pipeline.graph.retain(|step| step.pass.name != pass);
    rest.pipeline.loops.retain(|step| step.pass.name != pass);
    rest.schedule.retain(|step| step.pass.name != pass);
    if rest == *case {
        return None;
    }
    Some(match check(&rest, Effort::All).1.finding {
        None => format!("without `{pass}` every oracle holds"),
        Some(other) if other.fingerprint == *fingerprint => format!("without `{pass}` it fails as well"),
        Some(other) => format!("without `{pass}` something else fails: {}", other.fingerprint),
    })
}

/// The place of a failure that ended the process, so that nobody says at which stage: the first pass of the pipeline
/// with which it is there, or the backend. Nothing of a failing case is run here.
fn first_deadly(case: &Case, fails: &mut dyn FnMut(&Case) -> Option<Finding>) -> Place {
    let place = |stage: &str, position: usize, bad: Case, good: Option<Case>| Place {
        stage: stage.to_owned(),
        position,
        rewrite: None,
        rule: None,
        bad,
        good,
    };
    // Programs that are text pass the frontend first; a graph is lowered before the loop passes.
    let source = usize::from(matches!(case.program, Program::Source(_)));
    let graph = match case.program {
        Program::Loops(_) => 0,
        _ => case.pipeline.graph.len(),
    };
    let mut prefixes: Vec<(&str, Case)> = Vec::new();
    let prefix = |graph: usize, loops: usize, backends: Vec<&'static str>| {
        let mut prefix = Case { backends, schedule: Vec::new(), ..case.clone() };
        prefix.pipeline.graph.truncate(graph);
        prefix.pipeline.loops = case.loop_steps().take(loops).cloned().collect();
        prefix
    };
    prefixes.push((if source > 0 { "frontend" } else { "input" }, prefix(0, 0, Vec::new())));
    for (at, step) in case.pipeline.graph.iter().enumerate().take(graph) {
        prefixes.push((step.pass.name, prefix(at + 1, 0, Vec::new())));
    }
    if !matches!(case.program, Program::Loops(_)) {
        // What runs loops makes them first.
        prefixes.push(("lower", prefix(graph, 0, vec![INTERPRETER])));
    }
    for (at, step) in case.loop_steps().enumerate() {
        prefixes.push((step.pass.name, prefix(graph, at + 1, Vec::new())));
    }
    let loops = case.loop_steps().count();
    for backend in &case.backends {
        prefixes.push((backend, prefix(graph, loops, vec![backend])));
    }
    let mut good = None;
    for (at, (stage, bad)) in prefixes.into_iter().enumerate() {
        if fails(&bad).is_some() {
            let mut place = place(stage, at + source, bad, good);
            let with = |fuel: u64| Case { fuel: Some(fuel), ..place.bad.clone() };
            if let Some(most) = smallest_failing(&mut |fuel| fails(&with(fuel)).is_some())
                && most > 0
            {
                place.rewrite = Some(most);
                (place.good, place.bad) = (Some(with(most - 1)), with(most));
            }
            return place;
        }
        good = Some(bad);
    }
    place(trace::PROCESS, 0, case.clone(), good)
}

/// The least number that fails, if one does: numbers are doubled until one fails, then halved.
fn smallest_failing(fails: &mut dyn FnMut(u64) -> bool) -> Option<u64> {
    if fails(0) {
        return Some(0);
    }
    let (mut good, mut bad) = (0, 1);
    while !fails(bad) {
        good = bad;
        bad *= 2;
        if bad > REWRITES {
            return None;
        }
    }
    while good + 1 < bad {
        let middle = good + (bad - good) / 2;
        match fails(middle) {
            true => bad = middle,
            false => good = middle,
        }
    }
    Some(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_are_left_out_where_a_failure_names_them() {
        let text = "test fuzz = \"cse, saturate | tile(4)\"\n\n\
            graph @g(%x: f32[i:4]) {\n  %0 = neg %x : f32[i:4]\n  return y = %0[i]\n}\n";
        let case: Case = text.parse().expect("a case");
        let rule = egraph::rules::rules().next().expect("a rule").name;
        for (stage, pass) in
            [("tile", Some("tile")), (rule, Some("saturate")), ("unroll", None), ("lower", None)]
        {
            let fingerprint =
                Fingerprint { oracle: "meaning", stage: stage.into(), kind: "another value".into() };
            let want = pass.map(|pass| format!("without `{pass}` every oracle holds"));
            assert_eq!(without(&case, &fingerprint), want);
        }
    }

    #[test]
    fn the_least_failing_number_is_found() {
        assert_eq!(smallest_failing(&mut |fuel| fuel >= 37), Some(37));
        assert_eq!(smallest_failing(&mut |_| true), Some(0));
        assert_eq!(smallest_failing(&mut |_| false), None);
    }

    #[test]
    fn what_ends_the_process_is_found_by_leaving_passes_out() {
        let text = "test fuzz = \"canonicalize, cse | fuse, simplify\"\nschedule = \"unroll(2)\"\nbackends = cranelift\n\n\
            graph @g(; %x: f32[i:3]) {\n  %0 = neg %x : f32[i:3]\n  return y = %0[i]\n}\n";
        let case: Case = text.parse().expect("a case");
        let blame = |deadly: &dyn Fn(&Case) -> bool| {
            let finding = Finding::new(trace::EXECUTION, trace::PROCESS, 0, "ended by SIGSEGV");
            localise_by(&case, &mut |case| deadly(case).then(|| finding.clone())).expect("it fails")
        };
        let named = |case: &Case, name: &str| {
            let graph = case.pipeline.graph.iter().any(|step| step.pass.name == name);
            graph || case.loop_steps().any(|step| step.pass.name == name)
        };
        // The second of five passes, the fourth as the lowering counts, and with three rewrites.
        let place = blame(&|case| named(case, "cse") && case.fuel.is_none_or(|fuel| fuel >= 3));
        assert_eq!((place.stage.as_str(), place.position, place.rewrite), ("cse", 2, Some(3)));
        assert_eq!(place.bad.pipeline.to_string(), "canonicalize, cse |");
        assert_eq!(place.good.and_then(|case| case.fuel), Some(2));
        let place = blame(&|case| named(case, "fuse"));
        assert_eq!((place.stage.as_str(), place.position, place.rewrite), ("fuse", 5, None));
        assert_eq!(place.good.map(|case| case.loop_steps().count()), Some(1));
        let place = blame(&|case| case.backends.contains(&"cranelift"));
        assert_eq!((place.stage.as_str(), place.position), ("cranelift", 7));
        assert_eq!((blame(&|_| true).stage.as_str(), blame(&|_| true).good), ("input", None));
    }
}
