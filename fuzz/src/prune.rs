//! Corpora without what adds nothing.

use crate::case::Case;
use crate::feedback::Coverage;
use crate::trace;

/// The cases that do something that none before them does, the small ones first; the others do nothing that these do
/// not. Also how many different things they do together.
pub fn prune(cases: Vec<Case>) -> (Vec<Case>, usize) {
    let mut all: Vec<(String, Case)> = cases.into_iter().map(|case| (case.to_string(), case)).collect();
    all.sort_by(|a, b| (a.0.len(), &a.0).cmp(&(b.0.len(), &b.0)));
    let mut coverage = Coverage::default();
    let mut kept = Vec::new();
    for (_, case) in all {
        let trace = trace::run(&case);
        #[cfg(feature = "edges")]
        let edges = coverage.add_edges(crate::edges::take().into_iter());
        #[cfg(not(feature = "edges"))]
        let edges = 0;
        if coverage.add(&trace) + edges > 0 {
            kept.push(case);
        }
    }
    (kept, coverage.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Campaign, Configuration};

    #[test]
    fn what_is_kept_does_what_all_did_and_is_kept_again() {
        let mut campaign = Campaign::new(Configuration { seed: 11, ..Configuration::default() });
        (0..400).for_each(|_| {
            campaign.step();
        });
        let cases: Vec<Case> = campaign.corpus().cloned().collect();
        let doubled: Vec<Case> = cases.iter().chain(&cases).cloned().collect();
        let (kept, features) = prune(doubled);
        assert!(kept.len() < cases.len(), "{} of {}", kept.len(), cases.len());
        assert_eq!(prune(cases).1, features);
        assert_eq!(prune(kept.clone()), (kept, features));
    }
}
