//! Where a case goes wrong: the stage, the pass, and the rewrite of the pass.

use crate::case::Case;
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

/// Most rewrites of one pass that are looked through.
const REWRITES: u64 = 1 << 20;

/// Finds the place of a failure with a fingerprint; `None` if the case does not fail so.
pub fn localise(case: &Case, fingerprint: &Fingerprint) -> Option<Place> {
    let fails = |case: &Case| -> Option<Finding> {
        check(case, Effort::All).1.finding.filter(|finding| finding.fingerprint == *fingerprint)
    };
    let finding = fails(case)?;
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
    let Some(most) = smallest_failing(&|fuel| fails(&with(fuel)).is_some()) else { return Some(place) };
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

/// The least number that fails, if one does: numbers are doubled until one fails, then halved.
fn smallest_failing(fails: &dyn Fn(u64) -> bool) -> Option<u64> {
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
        assert_eq!(smallest_failing(&|fuel| fuel >= 37), Some(37));
        assert_eq!(smallest_failing(&|_| true), Some(0));
        assert_eq!(smallest_failing(&|_| false), None);
    }
}
