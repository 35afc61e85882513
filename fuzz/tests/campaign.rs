//! A short campaign on the compiler as it is: most cases say something, and none fails.

use tcc_fuzz::reduce::{reduce, reduce_by};
use tcc_fuzz::{Campaign, Case, Configuration, Finding, Mode, Program, Schedule};
use tcc_ir::graph::Op;
use tcc_ir::scalar::ScalarOp;

/// Executions of each campaign; few, for every run of the tests has them.
const EXECUTIONS: u64 = 1500;

fn holds(configuration: Configuration) -> Campaign {
    let mut campaign = Campaign::new(configuration);
    for _ in 0..EXECUTIONS {
        let step = campaign.step();
        if let Some(found) = step.found.and_then(|fingerprint| campaign.found.get(&fingerprint)) {
            let reduced = reduce(&found.case, &found.finding.fingerprint, 1000);
            let case = reduced.map_or_else(|| found.case.clone(), |reduced| reduced.case);
            panic!("{}\n{case}", found.finding);
        }
    }
    campaign
}

#[test]
fn nothing_fails_and_most_cases_say_something() {
    let campaign = holds(Configuration { seed: 1, ..Configuration::default() });
    assert!(campaign.statistics.valid() >= 0.97, "{:?}", campaign.statistics);
    assert!(campaign.statistics.undecided() <= 0.05, "{:?}", campaign.statistics);
    assert!(campaign.coverage.bigrams.len() > 50, "{}", campaign.coverage.bigrams.len());
    assert!(campaign.coverage.rules.len() > 30, "{}", campaign.coverage.rules.len());
}

#[test]
fn every_mode_and_schedule_runs() {
    for mode in [Mode::Program, Mode::Passes, Mode::Bytes] {
        let campaign = holds(Configuration { mode, seed: 2, ..Configuration::default() });
        assert!(campaign.corpus().count() > 5, "{}", mode.name());
    }
    holds(Configuration { schedule: Schedule::Tzer(4), seed: 3, ..Configuration::default() });
    holds(Configuration { feedback: false, seed: 4, ..Configuration::default() });
}

#[test]
fn the_same_seed_is_the_same_campaign() {
    let run = || {
        let mut campaign = Campaign::new(Configuration { seed: 9, ..Configuration::default() });
        (0..300).for_each(|_| {
            campaign.step();
        });
        let corpus: Vec<String> = campaign.corpus().map(Case::to_string).collect();
        (campaign.statistics, campaign.coverage.len(), corpus)
    };
    assert_eq!(run(), run());
}

#[test]
fn cases_read_back_as_they_were() {
    let mut campaign = Campaign::new(Configuration { seed: 5, ..Configuration::default() });
    (0..300).for_each(|_| {
        campaign.step();
    });
    for case in campaign.corpus() {
        let text = case.to_string();
        let again: Case = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(again.to_string(), text);
    }
}

/// The compiler has no mistake to find, so the question stands for one: a product is summed, and `cse` runs.
#[test]
fn reducing_keeps_the_failure_and_little_else() {
    let text = "test fuzz = \"canonicalize, cse, saturate, dce | tile(8), simplify\"\nbind n = 9\ninputs = bounded 77\n\
        chaos = 000011\n\n\
        graph @big(n; %x: f32[i:n, j:7], %w: f32[j:7], %b: f32[i:n]) {\n  %0 = mul %x, %w : f32[i:n, j:7]\n  \
        %1 = sum[j] %0 : f32[i:n]\n  %2 = add %1, %b : f32[i:n]\n  %3 = tanh %2 : f32[i:n]\n  \
        %4 = max[i] %3 : f32\n  return y = %3[i], z = %4[]\n}\n";
    let case: Case = text.parse().expect("a case");
    let mut fails = |case: &Case| {
        let Program::Graph(graph) = &case.program else { return None };
        let sums = graph.nodes.iter().any(|node| match &node.op {
            Op::Reduce { value, .. } => matches!(graph.node(*value).op, Op::Map(ScalarOp::Mul, _)),
            _ => false,
        });
        let runs = case.pipeline.graph.iter().any(|step| step.pass.name == "cse");
        (sums && runs).then(|| Finding::new("test", "cse", 0, "a product is summed"))
    };
    let reduced = reduce_by(&case, &mut fails, &mut |tried| tried < 2000).expect("it fails");
    let Program::Graph(graph) = &reduced.case.program else { panic!("{}", reduced.case) };
    assert!(graph.nodes.len() <= 4, "{}", reduced.case);
    assert_eq!(reduced.case.pipeline.to_string(), "cse |");
    assert!(reduced.case.chaos.is_empty() && reduced.case.sizes.len() <= 1, "{}", reduced.case);
}
