//! The report of a campaign, as Markdown and as one HTML page without anything from elsewhere.

use crate::campaign::Campaign;
use crate::compare::Agreement;
use crate::generate::pipeline::names;
use crate::mutate::{MUTATORS, Mutator};
use std::fmt::Write;

/// Where a campaign was at some time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Seconds since it began, by the clock of who drives it.
    pub seconds: f64,
    /// Executions so far.
    pub executions: u64,
    /// Different things seen so far.
    pub features: usize,
}

/// One finding as text.
#[derive(Clone, Debug, PartialEq)]
pub struct Reproducer {
    /// Fingerprint and message.
    pub finding: String,
    /// The case, reduced.
    pub case: String,
    /// How many cases showed it.
    pub count: u64,
}

/// What a campaign did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The command that repeats it.
    pub command: String,
    /// Its course.
    pub samples: Vec<Sample>,
    /// Facts about all executions: name and value.
    pub facts: Vec<(&'static str, String)>,
    /// The passes that changed something right after each other, with how often.
    pub bigrams: Vec<(&'static str, &'static str, u64)>,
    /// The mutators: how often each was applied, and how often that brought something new.
    pub mutators: Vec<(&'static str, u64, u64)>,
    /// Rules that never fired.
    pub rules_never_fired: Vec<&'static str>,
    /// What was found.
    pub findings: Vec<Reproducer>,
}

impl Report {
    /// The report of a campaign; findings and course are the driver's.
    pub fn new(
        command: String,
        campaign: &Campaign,
        samples: Vec<Sample>,
        findings: Vec<Reproducer>,
    ) -> Report {
        let statistics = &campaign.statistics;
        let rules = tcc_passes::egraph::rules::rules().map(|rule| rule.name);
        let never: Vec<&str> = rules.filter(|name| !campaign.coverage.rules.contains_key(name)).collect();
        let seconds = samples.last().map_or(0.0, |sample| sample.seconds);
        let rate = statistics.executions as f64 / seconds.max(1e-3);
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        let mut facts = vec![
            ("executions", statistics.executions.to_string()),
            ("executions a second", format!("{rate:.0}")),
            ("valid", percent(statistics.valid())),
            ("undecided comparisons", percent(statistics.undecided())),
            ("features", campaign.coverage.len().to_string()),
            ("corpus", campaign.corpus().count().to_string()),
            ("findings", findings.len().to_string()),
        ];
        // Without counters in the code none are known.
        if cfg!(feature = "edges") {
            facts.push(("edges", campaign.coverage.edges.to_string()));
        }
        for (agreement, name) in Agreement::TABLE {
            facts.push((name, statistics.agreements.get(agreement).copied().unwrap_or(0).to_string()));
        }
        let bigrams = campaign.coverage.bigrams.iter().map(|((a, b), count)| (*a, *b, *count)).collect();
        let counts = |name| statistics.mutators.get(name).copied().unwrap_or_default();
        let row = |mutator: &Mutator| {
            let (applied, paid) = counts(mutator.name);
            (mutator.name, applied, paid)
        };
        let mutators = MUTATORS.iter().map(row).collect();
        Report { command, samples, facts, bigrams, mutators, rules_never_fired: never, findings }
    }

    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let mut text =
            format!("# Fuzzing campaign\n\n`{}`\n\n| fact | value |\n| --- | ---: |\n", self.command);
        for (name, value) in &self.facts {
            let _ = writeln!(text, "| {name} | {value} |");
        }
        let _ = writeln!(text, "\n## Rules that never fired\n\n{}\n", list(&self.rules_never_fired));
        let pairs = names().count().pow(2);
        let _ = writeln!(
            text,
            "## Pairs of passes\n\n{} of {pairs} ordered pairs changed a program one right after the other.\n",
            self.bigrams.len()
        );
        text.push_str(
            "## Mutators\n\n| mutator | applied | something new | share |\n| --- | ---: | ---: | ---: |\n",
        );
        for (name, applied, paid) in &self.mutators {
            let _ = writeln!(text, "| {name} | {applied} | {paid} | {} |", share(*applied, *paid));
        }
        text.push_str("\n## Findings\n\n");
        if self.findings.is_empty() {
            text.push_str("None.\n");
        }
        for finding in &self.findings {
            let (name, rest) = finding.finding.split_once('\n').unwrap_or((&finding.finding, ""));
            let _ = writeln!(
                text,
                "### {name}\n\n{} times\n\n```text\n{rest}\n```\n\n```text\n{}\n```\n",
                finding.count,
                finding.case.trim_end()
            );
        }
        text
    }

    /// The report as a page.
    pub fn html(&self) -> String {
        let mut page = String::from(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Fuzzing campaign</title><style>\
             body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}\
             h1,h2{font-weight:600}table{border-collapse:collapse}td,th{padding:.15rem .6rem;border-bottom:1px solid #ddd;\
             text-align:left}td.n{text-align:right;font-variant-numeric:tabular-nums}pre{background:#f6f6f6;padding:.8rem;\
             overflow:auto}.m td,.m th{border:0;padding:0;font-size:10px}.m td{width:12px;height:12px}.m th.c{height:9rem;\
             vertical-align:bottom}.m th.c span{writing-mode:vertical-rl}.m th.r{padding-right:.4rem;text-align:right}\
             </style></head><body>\n<h1>Fuzzing campaign</h1>\n",
        );
        let _ = writeln!(page, "<p><code>{}</code></p>\n<table>", escaped(&self.command));
        for (name, value) in &self.facts {
            let _ = writeln!(page, "<tr><td>{name}</td><td class=\"n\">{value}</td></tr>");
        }
        let _ = writeln!(page, "</table>\n<h2>Course</h2>\n{}", self.course());
        let _ = writeln!(
            page,
            "<h2>Pairs of passes</h2>\n<p>How often the pass of the column changed a program right after that of the row \
             had: the darker, the more often.</p>\n{}",
            self.matrix()
        );
        let _ = writeln!(page, "<h2>Rules that never fired</h2>\n<p>{}</p>", list(&self.rules_never_fired));
        page.push_str(
            "<h2>Mutators</h2>\n<table>\n<tr><th>mutator</th><th>applied</th><th>something new</th><th>share</th></tr>\n",
        );
        for (name, applied, paid) in &self.mutators {
            let _ = writeln!(
                page,
                "<tr><td>{name}</td><td class=\"n\">{applied}</td><td class=\"n\">{paid}</td><td class=\"n\">{}</td></tr>",
                share(*applied, *paid)
            );
        }
        page.push_str("</table>\n<h2>Findings</h2>\n");
        if self.findings.is_empty() {
            page.push_str("<p>None.</p>\n");
        }
        for finding in &self.findings {
            let _ = writeln!(
                page,
                "<h3>{}</h3>\n<p>{} times</p>\n<pre>{}</pre>",
                escaped(finding.finding.lines().next().unwrap_or_default()),
                finding.count,
                escaped(finding.case.trim_end())
            );
        }
        page.push_str("</body></html>\n");
        page
    }

    /// Features over time.
    fn course(&self) -> String {
        const WIDTH: f64 = 640.0;
        const HEIGHT: f64 = 200.0;
        let (Some(last), true) = (self.samples.last(), self.samples.len() > 1) else {
            return "<p>Too short to draw.</p>".into();
        };
        let most = self.samples.iter().map(|sample| sample.features).max().unwrap_or(1).max(1) as f64;
        let x = |seconds: f64| 50.0 + WIDTH * seconds / last.seconds.max(1e-3);
        let y = |features: f64| 10.0 + HEIGHT * (1.0 - features / most);
        let points: Vec<String> = self
            .samples
            .iter()
            .map(|sample| format!("{:.1},{:.1}", x(sample.seconds), y(sample.features as f64)))
            .collect();
        format!(
            "<svg viewBox=\"0 0 720 250\" width=\"720\" role=\"img\" aria-label=\"features over time\">\
             <path d=\"M50 10V{bottom}H{right}\" fill=\"none\" stroke=\"#999\"/>\
             <polyline points=\"{}\" fill=\"none\" stroke=\"#1f6fb4\" stroke-width=\"2\"/>\
             <text x=\"45\" y=\"16\" text-anchor=\"end\" font-size=\"12\">{most:.0}</text>\
             <text x=\"45\" y=\"{bottom}\" text-anchor=\"end\" font-size=\"12\">0</text>\
             <text x=\"{right}\" y=\"{below}\" text-anchor=\"end\" font-size=\"12\">{:.0} s</text>\
             <text x=\"50\" y=\"{below}\" font-size=\"12\">features over time</text></svg>",
            points.join(" "),
            last.seconds,
            bottom = 10.0 + HEIGHT,
            below = 10.0 + HEIGHT + 20.0,
            right = 50.0 + WIDTH,
        )
    }

    fn matrix(&self) -> String {
        let all: Vec<&str> = names().collect();
        let most = self.bigrams.iter().map(|row| row.2).max().unwrap_or(1).max(1) as f64;
        let mut table = String::from("<table class=\"m\"><tr><th></th>");
        for name in &all {
            let _ = write!(table, "<th class=\"c\"><span>{name}</span></th>");
        }
        table.push_str("</tr>\n");
        for row in &all {
            let _ = write!(table, "<tr><th class=\"r\">{row}</th>");
            for column in &all {
                let found = self.bigrams.iter().find(|(a, b, _)| a == row && b == column);
                let count = found.map_or(0, |(_, _, count)| *count);
                // By the logarithm: some pairs are a thousand times as frequent as others.
                let share = (count as f64).ln_1p() / most.ln_1p();
                let _ = write!(
                    table,
                    "<td style=\"background:rgba(31,111,180,{share:.2})\" title=\"{row}, {column}: {count}\"></td>"
                );
            }
            table.push_str("</tr>\n");
        }
        table + "</table>"
    }
}

/// How often a mutator paid.
fn share(applied: u64, paid: u64) -> String {
    if applied == 0 { "-".into() } else { format!("{:.1} %", 100.0 * paid as f64 / applied as f64) }
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "None.".into() } else { names.join(", ") }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Configuration;

    #[test]
    fn a_report_says_what_happened() {
        let mut campaign = Campaign::new(Configuration { seed: 5, ..Configuration::default() });
        let mut samples = Vec::new();
        for step in 0..40u32 {
            campaign.step();
            let (executions, features) = (campaign.statistics.executions, campaign.coverage.len());
            samples.push(Sample { seconds: f64::from(step) / 40.0, executions, features });
        }
        let finding = Reproducer {
            finding: "meaning: fuse: a < b\nmore".into(),
            case: "test fuzz = \"\"".into(),
            count: 2,
        };
        let report = Report::new("tcc fuzz --seed 5".into(), &campaign, samples, vec![finding]);
        let (markdown, html) = (report.markdown(), report.html());
        assert!(markdown.contains("| executions | 40 |") && markdown.contains("### meaning: fuse: a < b\n"));
        let (mutator, (applied, paid)) =
            campaign.statistics.mutators.first_key_value().expect("a mutator was applied");
        assert!(markdown.contains(&format!("| {mutator} | {applied} | {paid} |")), "{markdown}");
        assert!(html.contains(&format!("<td>{mutator}</td><td class=\"n\">{applied}</td>")));
        assert!(html.contains("<polyline") && html.contains("a &lt; b") && html.ends_with("</html>\n"));
    }
}
