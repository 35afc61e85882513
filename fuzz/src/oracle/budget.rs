//! No pass makes a small program large, and no loops take far more steps than the program.

use super::Execution;
use crate::finding::Finding;

/// The name in fingerprints.
pub const NAME: &str = "budget";

/// How often its size a pass may make a program, beside what is always allowed. Unrolling by 16 of
/// nested loops is the most that a pass is asked for.
const GROWTH: usize = 64;
const ALWAYS: usize = 20_000;

/// Looks at the growth at every stage.
pub fn ask(execution: &mut Execution) -> Result<(), Finding> {
    let mut before = usize::MAX / GROWTH / 2;
    for stage in &execution.trace.stages {
        let size = stage.level.size();
        // The lowering begins another way to count.
        if stage.pass != "lower" && size > before.saturating_mul(GROWTH) + ALWAYS {
            let message = format!("the program grew from {before} to {size}");
            return Err(Finding::new(NAME, stage.pass, stage.position, message));
        }
        before = size;
    }
    Ok(())
}
