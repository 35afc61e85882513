//! The report as text and as JSON.

use super::extent_json;
use super::gather::{Explained, Place, Step};
use crate::command::table::table;
use crate::operand::size;
use serde_json::{Value, json};
use tcc_ir::Extent;
use tcc_passes::cost::MACHINE;

/// Passes that are named for a step; more are counted.
const NAMED: usize = 6;

/// A number of operations.
pub fn amount(value: f64) -> String {
    if value < 1e6 { format!("{value:.0}") } else { format!("{value:.3e}") }
}

/// A number of bytes.
pub(super) fn bytes(value: f64) -> String {
    if value < 9e18 { size(value as u64) } else { format!("{value:.1e} B") }
}

/// A time.
pub fn time(seconds: f64) -> String {
    for (unit, scale) in [("s", 1.0), ("ms", 1e3), ("us", 1e6)] {
        if seconds * scale >= 1.0 {
            return format!("{:.3} {unit}", seconds * scale);
        }
    }
    format!("{:.0} ns", seconds * 1e9)
}

fn seconds(cycles: f64) -> f64 {
    cycles / (MACHINE.gigahertz * 1e9)
}

/// The whole report; `top` steps (0: all) and every buffer or only what is in the summary.
pub fn text(explained: &Explained, top: usize, all_buffers: bool) -> String {
    let mut text = format!("program    {}\n", explained.name);
    if !explained.bindings.is_empty() {
        let sizes: Vec<String> =
            explained.bindings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        text.push_str(&format!("sizes      {}\n", sizes.join(" ")));
    }
    operations(explained, &mut text);
    explained.choices.write(&mut text);
    steps(explained, top, &mut text);
    if all_buffers || explained.steps.is_empty() {
        buffers(explained, &mut text);
    }
    memory(explained, &mut text);
    passes(explained, &mut text);
    text
}

/// Operations as written and as chosen.
fn operations(explained: &Explained, text: &mut String) {
    let Some(total) = &explained.total else { return };
    let about = if total.exact { "" } else { "about " };
    let mut line = format!("flops      {about}{}", amount(total.flops));
    if let Some(written) = explained.as_written.filter(|written| total.flops > 0.0 && *written > 0.0) {
        let ratio = written / total.flops;
        line.push_str(&match ratio {
            _ if ratio >= 1.01 => format!(", {ratio:.1}x fewer than as written ({})", amount(written)),
            _ if ratio <= 0.99 => format!(", {:.2}x those as written ({})", 1.0 / ratio, amount(written)),
            _ => ", as many as written".into(),
        });
    }
    text.push_str(&line);
    if total.functions > 0.0 {
        text.push_str(&format!(", and {} calls of functions", amount(total.functions)));
    }
    text.push('\n');
    let accessed: f64 = explained.steps.iter().map(|step| step.accessed).sum();
    text.push_str(&format!("accesses   {about}{} loaded and stored\n", bytes(accessed)));
}

fn steps(explained: &Explained, top: usize, text: &mut String) {
    let total: f64 = explained.steps.iter().map(|step| step.cost.cycles).sum();
    let mut order: Vec<usize> = (0..explained.steps.len()).collect();
    let shown = if top == 0 { order.len() } else { top.min(order.len()) };
    if shown < order.len() {
        order.sort_by(|&a, &b| explained.steps[b].cost.cycles.total_cmp(&explained.steps[a].cost.cycles));
        order.truncate(shown);
        order.sort_unstable();
    }
    let row = |&at: &usize| {
        let step = &explained.steps[at];
        let more = step.by.len().saturating_sub(NAMED);
        let mut by = step.by.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
        if more > 0 {
            by.push_str(&format!(" +{more}"));
        }
        [
            (at + 1).to_string(),
            if step.tensors.is_empty() { "-".into() } else { step.tensors.join(", ") },
            amount(step.count.flops),
            bytes(step.cost.bytes),
            intensity(step).map_or("-".into(), |intensity| format!("{intensity:.2}")),
            time(seconds(step.cost.cycles)),
            format!("{:.0}%", 100.0 * step.cost.cycles / total.max(1.0)),
            by,
        ]
    };
    let rows: Vec<[String; 8]> = order.iter().map(row).collect();
    if !rows.is_empty() {
        text.push_str(&table(
            ["step", "computes", "flops", "bytes", "flop/byte", "model", "share", "changed by"],
            &rows,
        ));
    }
    let hidden = explained.steps.len() - rows.len();
    if hidden > 0 {
        text.push_str(&format!("           {hidden} shorter steps are not shown; --top 0 shows all\n"));
    }
    if let Some(cost) = explained.cost {
        text.push_str(&format!(
            "model      {} ({} cycles at {} GHz, one core: {})\n",
            time(seconds(cost.cycles)),
            amount(cost.cycles),
            MACHINE.gigahertz,
            MACHINE.name
        ));
        text.push_str(&machine());
    }
    if !explained.not_stored.is_empty() {
        let names = explained.not_stored.join(", ");
        text.push_str(&format!("not stored {names}: computed where they are used\n"));
    }
}

/// The constants of the model.
fn machine() -> String {
    let peak = 2.0 * MACHINE.peak(tcc_ir::Dtype::F32);
    let level = |&(capacity, bandwidth): &(f64, f64)| match capacity.is_finite() {
        true => format!("{bandwidth} to {}", bytes(capacity)),
        false => format!("{bandwidth} beyond"),
    };
    let levels: Vec<String> = MACHINE.memory.iter().map(level).collect();
    let exponential = MACHINE.function(tcc_ir::ScalarOp::Exp, tcc_ir::Dtype::F32);
    format!(
        "machine    a cycle: {peak} flops of f32, bytes: {}; a vector of exp {exponential} cycles, a kernel {}\n",
        levels.join(", "),
        MACHINE.start_cycles,
    )
}

fn intensity(step: &Step) -> Option<f64> {
    (step.cost.bytes > 0.0).then(|| step.count.flops / step.cost.bytes)
}

fn place_size(place: &Place) -> String {
    match place.bytes {
        Some(bytes) => size(bytes),
        None => {
            let elements = place.extents.iter().cloned().fold(Extent::from(1), |all, one| all * one);
            format!("{} B", elements * Extent::from(place.dtype.size_bytes() as i64))
        }
    }
}

fn buffers(explained: &Explained, text: &mut String) {
    let row = |place: &Place| {
        let extents: Vec<String> = place.extents.iter().map(Extent::to_string).collect();
        [
            place.name.clone(),
            place.role.to_owned(),
            format!("{}[{}]", place.dtype, extents.join(", ")),
            place_size(place),
            place.offset.as_ref().map_or_else(String::new, |offset| format!("arena {offset}")),
        ]
    };
    let rows: Vec<[String; 5]> = explained.places.iter().map(row).collect();
    text.push_str(&table(["buffer", "role", "type", "size", "place"], &rows));
}

fn memory(explained: &Explained, text: &mut String) {
    let registers = explained.func.buffers.iter().filter(|buffer| buffer.is_register()).count();
    text.push_str(&format!("registers  {registers} scratch numbers live in registers\n"));
    if let Some(arena) = &explained.func.arena {
        let arena = match explained.arena() {
            Some(arena) => size(arena),
            None => format!("{arena} B"),
        };
        text.push_str(&format!("arena      {arena}\n"));
    }
    let (Some(arena), Some(operands)) = (explained.arena(), explained.operands()) else { return };
    let mut largest: Vec<&Place> = explained.places.iter().collect();
    largest.sort_by_key(|place| std::cmp::Reverse(place.bytes));
    let largest: Vec<String> =
        largest.iter().take(3).map(|place| format!("{} {}", place.name, place_size(place))).collect();
    text.push_str(&format!(
        "peak       {} of {} allowed; the largest: {}\n",
        size(arena.saturating_add(operands)),
        size(explained.limit),
        largest.join(", ")
    ));
}

fn passes(explained: &Explained, text: &mut String) {
    let names = |changed: bool| -> String {
        let mut names: Vec<&str> = Vec::new();
        for applied in explained.history.passes.iter().filter(|applied| applied.pass != "lower") {
            let ever = explained.history.passes.iter().any(|a| a.pass == applied.pass && a.changed);
            if ever == changed && !names.contains(&applied.pass.as_str()) {
                names.push(&applied.pass);
            }
        }
        names.join(", ")
    };
    text.push_str(&format!("contract   {}\n", explained.contract().name()));
    for (label, changed) in [("applied", true), ("no change", false)] {
        let names = names(changed);
        if !names.is_empty() {
            text.push_str(&format!("{label:<10} {names}\n"));
        }
    }
}

/// The report for programs, without `why`.
pub fn json(explained: &Explained, file: &str) -> Value {
    let sizes: serde_json::Map<String, Value> =
        explained.bindings.iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
    let total = explained.total.as_ref();
    let cycles = explained.cost.map(|cost| cost.cycles);
    let accessed: f64 = explained.steps.iter().map(|step| step.accessed).sum();
    let steps: Vec<Value> = explained.steps.iter().map(step_json).collect();
    let passes: Vec<Value> = explained
        .history
        .passes
        .iter()
        .map(|a| json!({ "pass": a.pass, "changed": a.changed, "size": a.size, "on_graph": a.on_graph }))
        .collect();
    json!({
        "schema": "tcc.explain/1", "file": file, "sizes": sizes,
        "buffers": explained.places.iter().map(place_json).collect::<Vec<_>>(),
        "arena_bytes": explained.arena(), "operand_bytes": explained.operands(),
        "flops": total.map(|total| total.flops), "flops_as_written": explained.as_written,
        "functions": total.map(|total| total.functions), "exact": total.map(|total| total.exact),
        "bytes": total.map(|_| accessed), "cycles": cycles, "seconds": cycles.map(seconds),
        "machine": MACHINE.name, "model": model_json(),
        "rules": explained.choices.rules_json(), "orders": explained.choices.orders_json(), "contract": explained.contract().name(),
        "steps": steps, "not_stored": explained.not_stored, "passes": passes,
    })
}

fn model_json() -> Value {
    let levels = MACHINE.memory.iter().map(|&(capacity, bandwidth)| {
        json!({ "bytes": capacity.is_finite().then_some(capacity), "bytes_per_cycle": bandwidth })
    });
    let functions = MACHINE.functions.iter().map(
        |(op, narrow, wide)| json!({ "function": op.to_string(), "f32_cycles": narrow, "f64_cycles": wide }),
    );
    json!({
        "gigahertz": MACHINE.gigahertz, "vector_bytes": MACHINE.vector_bytes,
        "fma_per_cycle": MACHINE.fma_per_cycle, "start_cycles": MACHINE.start_cycles,
        "batch_cycles": MACHINE.batch_cycles, "ramp": MACHINE.ramp,
        "memory": levels.collect::<Vec<_>>(), "functions": functions.collect::<Vec<_>>(),
    })
}

fn step_json(step: &Step) -> Value {
    json!({
        "tensors": step.tensors, "flops": step.count.flops, "divisions": step.count.divisions,
        "functions": step.count.functions, "accessed_bytes": step.accessed,
        "moved_bytes": step.cost.bytes, "intensity": intensity(step), "cycles": step.cost.cycles,
        "exact": step.count.exact, "changed_by": step.by,
    })
}

fn place_json(place: &Place) -> Value {
    json!({
        "name": place.name, "role": place.role, "dtype": place.dtype.name(), "bytes": place.bytes,
        "extents": place.extents.iter().map(extent_json).collect::<Vec<_>>(),
    })
}
