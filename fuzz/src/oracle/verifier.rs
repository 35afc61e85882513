//! The contract of its level holds for every stage, and texts read back as they were.

use super::Execution;
use crate::case::Level;
use crate::finding::Finding;
use tcc_ir::graph::Graph;
use tcc_ir::loops::Func;

/// The name in fingerprints.
pub const NAME: &str = "verifier";

/// One in this many cases is also printed and read at every stage.
const ROUND_TRIPS: u64 = 16;

/// Verifies every stage.
pub fn ask(execution: &mut Execution) -> Result<(), Finding> {
    let round_trips = execution.case.inputs.seed.is_multiple_of(ROUND_TRIPS);
    for stage in &execution.trace.stages {
        let finding = |message: String| Finding::new(NAME, stage.pass, stage.position, message);
        stage.level.verify().map_err(|errors| finding(errors.to_string()))?;
        if round_trips {
            round_trip(&stage.level).map_err(finding)?;
        }
    }
    Ok(())
}

fn round_trip(level: &Level) -> Result<(), String> {
    let text = level.to_string();
    let again = match level {
        Level::Graph(_) => text.parse::<Graph>().map(|graph| graph.to_string()),
        Level::Loops(_) => text.parse::<Func>().map(|func| func.to_string()),
    };
    match again {
        Err(error) => Err(format!("the printed text does not parse: {error}")),
        Ok(again) if again != text => Err("the printed text reads back as another".into()),
        Ok(_) => Ok(()),
    }
}
