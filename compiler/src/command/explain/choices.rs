//! What the optimiser chose between: the rules that gave statements their form, and orders of contractions.

use super::history::History;
use super::report::{amount, bytes};
use crate::command::table::table;
use serde_json::{Value, json};
use tcc_passes::egraph::{self, RuleUse};
use tcc_passes::graph::contraction_order::{self, Contraction, Operand, Statement};
use tcc_passes::{Contract, PassContext};

/// Statements and rules that are listed; more are counted.
const LISTED: usize = 20;

/// The reports of the passes that choose.
pub struct Choices {
    /// One for each run of `saturate`.
    saturations: Vec<egraph::Report>,
    /// The products of each run of `contraction_order`.
    products: Vec<Statement>,
}

impl Choices {
    /// What the passes chose in a compilation.
    pub fn new(history: &History, context: &PassContext) -> Choices {
        let saturations = history.saturated.iter().map(|graph| egraph::explain(graph, context));
        let orders = history.ordered.iter().map(|graph| contraction_order::explain(graph, context));
        Choices {
            saturations: saturations.collect(),
            products: orders.flat_map(|report| report.statements).collect(),
        }
    }

    /// For people.
    pub fn write(&self, text: &mut String) {
        for report in &self.saturations {
            saturation(report, text);
        }
        for product in self.products.iter().take(LISTED) {
            order(product, text);
        }
        if let Some(more) = self.products.len().checked_sub(LISTED + 1) {
            text.push_str(&format!("           {} more products\n", more + 1));
        }
    }

    /// What `saturate` did, for programs.
    pub fn rules_json(&self) -> Vec<Value> {
        let uses = |rules: &[RuleUse]| -> Vec<Value> {
            let one = |r: &RuleUse| json!({ "rule": r.rule, "law": r.law.name(), "count": r.count });
            rules.iter().map(one).collect()
        };
        let report = |report: &egraph::Report| {
            let phases = report.phases.iter().map(|phase| {
                json!({
                    "phase": phase.phase.name(), "iterations": phase.iterations, "nodes": phase.nodes,
                    "stop": phase.stop.name(),
                })
            });
            let statements = report.statements.iter().map(|statement| {
                json!({
                    "name": statement.name, "is_output": statement.is_output, "rules": uses(&statement.rules),
                })
            });
            json!({
                "changed": report.changed, "cycles_before": report.cycles_before,
                "cycles_after": report.cycles_after, "phases": phases.collect::<Vec<_>>(),
                "statements": statements.collect::<Vec<_>>(), "not_cheaper": uses(&report.unused),
                "not_allowed": uses(&report.refused),
            })
        };
        self.saturations.iter().map(report).collect()
    }

    /// The orders of contractions, for programs.
    pub fn orders_json(&self) -> Vec<Value> {
        self.products.iter().map(order_json).collect()
    }
}

/// Rules with how often they were used.
fn used(rules: &[RuleUse]) -> String {
    let one = |r: &RuleUse| if r.count > 1 { format!("{} x{}", r.rule, r.count) } else { r.rule.to_string() };
    let mut texts: Vec<String> = rules.iter().take(LISTED).map(one).collect();
    if let Some(more) = rules.len().checked_sub(LISTED + 1) {
        texts.push(format!("{} more", more + 1));
    }
    texts.join(", ")
}

fn saturation(report: &egraph::Report, text: &mut String) {
    let phases: Vec<String> = report
        .phases
        .iter()
        .map(|phase| {
            let (name, stop) = (phase.phase.name(), phase.stop.name());
            format!("{name} {} e-nodes ({stop}, {} rounds)", phase.nodes, phase.iterations)
        })
        .collect();
    let gain = match report.changed {
        true => format!("{} -> {} cycles", amount(report.cycles_before), amount(report.cycles_after)),
        false => "nothing cheaper was found".into(),
    };
    text.push_str(&format!("rules      {gain}; {}\n", phases.join(", ")));
    for statement in report.statements.iter().take(LISTED) {
        text.push_str(&format!("           {}: {}\n", statement.name, used(&statement.rules)));
    }
    if !report.unused.is_empty() {
        text.push_str(&format!("not used   no cheaper: {}\n", used(&report.unused)));
    }
    for least in [Contract::Reassoc, Contract::Fast] {
        let needs = |rule: &&RuleUse| rule.law.least() == Some(least);
        let refused: Vec<RuleUse> = report.refused.iter().filter(needs).cloned().collect();
        if !refused.is_empty() {
            text.push_str(&format!(
                "refused    contract `{}` is needed for: {}\n",
                least.name(),
                used(&refused)
            ));
        }
    }
}

fn name(product: &Statement) -> String {
    product.name.as_ref().map_or_else(|| product.value.to_string(), ToString::to_string)
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

fn order(product: &Statement, text: &mut String) {
    let (naive, chosen) = (product.naive.flops, product.chosen.flops);
    let fewer = format!("{} flops in one loop nest, {} in this order", amount(naive), amount(chosen));
    let searched = format!("{}, {} pairs looked at", product.method.name(), product.searched);
    if !product.rewritten {
        let name = name(product);
        text.push_str(&format!(
            "order      {name} stays one loop nest: the best order ({searched}) gains too little\n"
        ));
        return;
    }
    text.push_str(&format!(
        "order      {}: {fewer} ({:.3}x fewer; {searched})\n",
        name(product),
        naive / chosen
    ));
    let tensor = |operand: &Operand| format!("{}[{}]", operand.name, list(&operand.axes));
    let row = |(position, step): (usize, &Contraction)| {
        let [left, right] = &step.operands;
        [
            (position + 1).to_string(),
            format!("{} {} -> {}", tensor(left), tensor(right), tensor(&step.result)),
            amount(step.cost.flops),
            bytes(step.cost.bytes),
            if step.cost.bytes > 0.0 {
                format!("{:.2}", step.cost.flops / step.cost.bytes)
            } else {
                "-".into()
            },
            if step.stored > 0.0 { bytes(step.stored) } else { "-".into() },
        ]
    };
    let rows: Vec<[String; 6]> = product.steps.iter().enumerate().map(row).collect();
    text.push_str(&table(["step", "contraction", "flops", "bytes", "flop/byte", "stored"], &rows));
    let slices: Vec<String> =
        product.slices.iter().map(|(axis, count)| format!("{axis} in {count} slices")).collect();
    let sliced = if slices.is_empty() { String::new() } else { format!(", {}", slices.join(", ")) };
    text.push_str(&format!("           intermediates take {} at most{sliced}\n", bytes(product.peak)));
}

fn order_json(product: &Statement) -> Value {
    let operand = |operand: &Operand| {
        let axes: Vec<String> = operand.axes.iter().map(ToString::to_string).collect();
        json!({ "name": operand.name, "axes": axes })
    };
    let steps = product.steps.iter().map(|step| {
        let summed: Vec<String> = step.summed.iter().map(ToString::to_string).collect();
        json!({
            "left": operand(&step.operands[0]), "right": operand(&step.operands[1]),
            "result": operand(&step.result), "summed": summed, "flops": step.cost.flops,
            "bytes": step.cost.bytes, "cycles": step.cost.cycles, "stored_bytes": step.stored,
        })
    });
    let slices =
        product.slices.iter().map(|(axis, count)| json!({ "axis": axis.to_string(), "count": count }));
    json!({
        "name": name(product), "rewritten": product.rewritten, "method": product.method.name(),
        "searched": product.searched, "flops_in_one_loop": product.naive.flops,
        "flops": product.chosen.flops, "cycles_in_one_loop": product.naive.cycles,
        "cycles": product.chosen.cycles, "peak_bytes": product.peak,
        "slices": slices.collect::<Vec<_>>(), "steps": steps.collect::<Vec<_>>(),
    })
}
