//! `tcc passes`: the tables of passes, levels and backends.

use super::session::{Exit, Failure, Session};
use serde_json::{Value, json};
use tcc_backends::BACKENDS;
use tcc_passes::egraph::rules::{Right, Rule, SUBJECTS};
use tcc_passes::loops::scan::{IDENTITIES, Identity};
use tcc_passes::{GRAPH_PASSES, LEVELS, LOOP_PASSES, Pass};

/// The subject of the identities of `scan`.
const RECURRENCES: &str = "recurrences";

/// List the passes, the optimisation levels and the backends
#[derive(clap::Args)]
pub struct Arguments {
    /// List the rewrite rules of `saturate` and `scan` instead, with what each keeps and where it is from
    #[arg(long)]
    rules: bool,
}

/// Runs the command.
pub fn run(session: &Session, arguments: Arguments) -> Result<Exit, Failure> {
    if arguments.rules {
        return rules(session);
    }
    if session.json() {
        let levels: Vec<Value> = LEVELS
            .iter()
            .map(|level| json!({ "name": level.name, "about": level.about, "pipeline": level.text }))
            .collect();
        let backends: Vec<Value> =
            BACKENDS.iter().map(|row| json!({ "name": row.name, "about": row.about })).collect();
        session.out_json(&json!({
            "schema": "tcc.passes/1",
            "graph": rows_json(GRAPH_PASSES), "loops": rows_json(LOOP_PASSES),
            "levels": levels, "backends": backends,
        }));
        return Ok(Exit::Fine);
    }
    let mut text = String::from("graph passes (before the bar of a pipeline)\n");
    rows(GRAPH_PASSES, &mut text);
    text.push_str("\nloop passes (after the bar)\n");
    rows(LOOP_PASSES, &mut text);
    text.push_str("\nlevels\n");
    for level in LEVELS {
        text.push_str(&format!("  -{:<13} {}\n{:17}{}\n", level.name, level.about, "", level.text));
    }
    text.push_str("\nbackends\n");
    for row in BACKENDS {
        text.push_str(&format!("  {:<14} {}\n", row.name, row.about));
    }
    session.out(&text);
    Ok(Exit::Fine)
}

/// Lists the rules by subject.
fn rules(session: &Session) -> Result<Exit, Failure> {
    if session.json() {
        let rows: Vec<Value> = SUBJECTS
            .iter()
            .flat_map(|(subject, rules)| rules.iter().map(|rule| rule_json(subject, rule)))
            .chain(IDENTITIES.iter().map(identity_json))
            .collect();
        session.out_json(&json!({ "schema": "tcc.rules/1", "rules": rows }));
        return Ok(Exit::Fine);
    }
    let mut text = String::from(
        "laws: exact keeps every bit; reassociate the value over the reals (from the contract reassoc on);\n\
         finite the value if nothing is NaN or infinite (fast only)\n",
    );
    for (subject, rules) in SUBJECTS {
        text.push_str(&format!("\n{subject}\n"));
        for rule in *rules {
            text.push_str(&format!("  {:<28} {:<12} {}\n", rule.name, rule.law.name(), rule.about));
            text.push_str(&format!("  {:<28} {} => {}\n", "", rule.left, right(rule)));
            let mut notes = conditions(rule);
            notes.extend(rule.only.map(|contract| format!("only under {}", contract.name())));
            if !notes.is_empty() {
                text.push_str(&format!("  {:<28} if {}\n", "", notes.join(", ")));
            }
            text.push_str(&format!("  {:<28} from: {}\n", "", rule.source));
        }
    }
    text.push_str(&format!("\n{RECURRENCES} (the pass `scan` over loops)\n"));
    for row in IDENTITIES {
        text.push_str(&format!("  {:<28} {:<12} {}\n", row.name, row.law.name(), row.about));
        text.push_str(&format!("  {:<28} {} => {}\n", "", row.left, row.right));
        text.push_str(&format!("  {:<28} from: {}\n", "", row.source));
    }
    session.out(&text);
    Ok(Exit::Fine)
}

fn right(rule: &Rule) -> &'static str {
    match rule.right {
        Right::Text(text) | Right::Build(text, _) => text,
    }
}

fn conditions(rule: &Rule) -> Vec<String> {
    rule.when.iter().map(|when| when.text()).collect()
}

fn rule_json(subject: &str, rule: &Rule) -> Value {
    json!({
        "name": rule.name, "subject": subject, "law": rule.law.name(), "about": rule.about,
        "left": rule.left, "right": right(rule), "when": conditions(rule),
        "only": rule.only.map(|contract| contract.name()), "source": rule.source,
    })
}

fn identity_json(row: &Identity) -> Value {
    json!({
        "name": row.name, "subject": RECURRENCES, "law": row.law.name(), "about": row.about,
        "left": row.left, "right": row.right, "when": [], "only": null, "source": row.source,
    })
}

fn rows<I>(passes: &[Pass<I>], text: &mut String) {
    for pass in passes {
        let params: Vec<String> =
            pass.params.iter().map(|p| format!("{}={} of {:?}", p.name, p.default, p.choices)).collect();
        let params = if params.is_empty() { String::new() } else { format!(" ({})", params.join(", ")) };
        let required = if pass.required { " [required]" } else { "" };
        text.push_str(&format!("  {:<14} {}{params}{required}\n", pass.name, pass.about));
    }
}

fn rows_json<I>(passes: &[Pass<I>]) -> Vec<Value> {
    let params = |pass: &Pass<I>| -> Vec<Value> {
        pass.params
            .iter()
            .map(|p| json!({ "name": p.name, "default": p.default, "choices": p.choices }))
            .collect()
    };
    passes
        .iter()
        .map(|pass| {
            json!({ "name": pass.name, "about": pass.about, "required": pass.required, "params": params(pass) })
        })
        .collect()
}
