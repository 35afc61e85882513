//! A campaign from the command line, for those who work on the fuzzer itself:
//! `cargo run --release -p tcc-fuzz --example campaign -- SECONDS [SEED] [MODE]`.

use std::time::{Duration, Instant};
use tcc_fuzz::generate::pipeline::names;
use tcc_fuzz::{Agreement, Campaign, Configuration, Mode, Schedule};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |at: usize, other: u64| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(other);
    let (seconds, seed) = (number(0, 10), number(1, 0));
    let words: Vec<&str> = arguments.iter().skip(2).map(String::as_str).collect();
    let mut configuration = Configuration { seed, ..Configuration::default() };
    for word in words {
        match word {
            "nofeedback" => configuration.feedback = false,
            "tzer" => configuration.schedule = Schedule::Tzer(4),
            "nobackends" => configuration.backends = false,
            word => configuration.mode = Mode::from_name(word).unwrap_or(Mode::Joint),
        }
    }
    let mut campaign = Campaign::new(configuration);
    let (start, limit) = (Instant::now(), Duration::from_secs(seconds));
    while start.elapsed() < limit {
        let step = campaign.step();
        if let Some(found) = step.found.and_then(|fingerprint| campaign.found.get(&fingerprint)) {
            println!(
                "==== {} after {}\n{}\n{}",
                found.finding.id(),
                found.execution,
                found.finding,
                found.case
            );
            let reduced = tcc_fuzz::reduce::reduce(&found.case, &found.finding.fingerprint, 2000);
            match reduced {
                Some(reduced) => {
                    println!("---- reduced, {} tried\n{}\n{}", reduced.tried, reduced.finding, reduced.case)
                }
                None => println!("---- not again"),
            }
        }
    }
    let statistics = &campaign.statistics;
    let elapsed = start.elapsed().as_secs_f64();
    println!(
        "{} executions, {:.0}/s, {:.1} % valid, {:.1} % undecided, {} features, corpus {}, {} findings, {} failures",
        statistics.executions,
        statistics.executions as f64 / elapsed,
        100.0 * statistics.valid(),
        100.0 * statistics.undecided(),
        campaign.coverage.len(),
        campaign.corpus().count(),
        campaign.found.len(),
        statistics.failures,
    );
    for (agreement, name) in Agreement::TABLE {
        println!("  {name}: {}", statistics.agreements.get(agreement).copied().unwrap_or(0));
    }
    for (name, (count, paid)) in &statistics.mutators {
        println!("  {name}: {count}, {paid} paid");
    }
    let all: Vec<&str> = names().collect();
    println!("bigrams: {} of {}", campaign.coverage.bigrams.len(), all.len() * all.len());
    let rules = tcc_passes::egraph::rules::rules().map(|rule| rule.name);
    let never: Vec<&str> = rules.filter(|name| !campaign.coverage.rules.contains_key(name)).collect();
    println!("rules that never fired: {}", never.join(", "));
    for found in campaign.found.values() {
        println!("{}: {} times, {}", found.finding.id(), found.count, found.finding.fingerprint);
    }
}
