//! Every stage gives the results of the program: translation validation, pass by pass. Loops are run by the
//! evaluator that checks every access: bounds, places never written, races, buffers that share memory.

use super::{Execution, meaning};
use crate::case::Level;
use crate::finding::Finding;

/// The name in fingerprints.
pub const NAME: &str = "meaning";

/// Compares every stage with the program.
pub fn ask(execution: &mut Execution) -> Result<(), Finding> {
    for stage in execution.trace.stages.iter().skip(1) {
        let meaning = meaning(execution.trace, stage.position, execution.case.inputs.class);
        match execution.reference.compare(&stage.level, meaning) {
            Ok(agreement) => execution.agreements.push(agreement),
            Err(message) => {
                let level = if matches!(stage.level, Level::Graph(_)) { "graph" } else { "loops" };
                let mut finding = Finding::new(NAME, stage.pass, stage.position, message);
                // What differs depends on the numbers; that something does is the bug.
                if finding.fingerprint.kind.starts_with("another value") {
                    finding.fingerprint.kind = format!("another value ({level})");
                }
                return Err(finding);
            }
        }
    }
    Ok(())
}
