//! Orders networks that it reads from a file and prints the orders, for `contraction_order.py`, which
//! compares them with those of other tools: `cargo bench --bench contraction_order -- networks.json`.
//!
//! The file is a list of `{"name": "..", "factors": [[0, 1], ..], "output": [..], "extents": [..]}` with
//! axes as numbers. For each a line `{"name": "..", "steps": [[left, right], ..], "milliseconds": ..}` (processor time)
//! comes out; operands beyond the factors are results of steps. Without a file it orders one network.

mod support;

use std::error::Error;
use support::cpu_seconds;
use tcc_ir::Dtype;
use tcc_passes::graph::contraction_order::network::Network;
use tcc_passes::graph::contraction_order::search::search;

/// A matrix chain, so that the benchmark does something by itself.
const EXAMPLE: &str = r#"[{"name": "chain", "factors": [[0, 1], [1, 2], [2, 3], [3, 4]], "output": [0, 4],
    "extents": [400, 600, 20, 600, 400]}]"#;

fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let text = file.map_or(Ok(EXAMPLE.to_owned()), std::fs::read_to_string)?;
    let cases: serde_json::Value = serde_json::from_str(&text)?;
    for case in cases.as_array().into_iter().flatten() {
        let axes = |value: &serde_json::Value| -> Vec<usize> {
            let numbers = value.as_array().into_iter().flatten();
            numbers.filter_map(|axis| axis.as_u64()).map(|axis| axis as usize).collect()
        };
        let factors = case["factors"].as_array().into_iter().flatten().map(axes).collect();
        let extents: Vec<f64> =
            case["extents"].as_array().into_iter().flatten().filter_map(serde_json::Value::as_f64).collect();
        let network = Network::new(factors, axes(&case["output"]), extents, Dtype::F64);
        let mut best = f64::INFINITY;
        let mut found = None;
        for _ in 0..3 {
            let start = cpu_seconds();
            found = Some(search(&network));
            best = best.min((cpu_seconds() - start) * 1e3);
        }
        let Some(found) = found else { continue };
        let steps: Vec<[usize; 2]> = found.order.steps.iter().map(|&(left, right)| [left, right]).collect();
        let line = serde_json::json!({
            "name": case["name"], "steps": steps, "milliseconds": best, "method": found.method.name(),
            "searched": found.steps,
        });
        println!("{line}");
    }
    Ok(())
}
