//! Mutators of pipelines, schedules, operands, and of what is left to the compiler.

use crate::case::Case;
use crate::choices::Choices;
use crate::generate::pipeline::{scheduling_step, step};
use crate::generate::{CLASSES, CONTRACTS};
use tcc_backends::BACKENDS;
use tcc_passes::pipeline::Step;
use tcc_passes::{GRAPH_PASSES, LOOP_PASSES};

/// Most passes of one level.
const LENGTH_LIMIT: usize = 24;

/// Runs the same change on the graph passes or on the loop passes.
macro_rules! on_a_level {
    ($case:ident, $choices:ident, |$steps:ident, $passes:ident| $change:expr) => {
        if $choices.chance(50) && !matches!($case.program, crate::case::Program::Loops(_)) {
            let ($steps, $passes) = (&mut $case.pipeline.graph, GRAPH_PASSES);
            let _ = &$passes;
            $change
        } else {
            let ($steps, $passes) = (&mut $case.pipeline.loops, LOOP_PASSES);
            let _ = &$passes;
            $change
        }
    };
}

/// A place in a list.
fn place<I>(choices: &mut Choices, steps: &[Step<I>]) -> Option<usize> {
    (!steps.is_empty()).then(|| choices.below(steps.len()))
}

/// Adds a pass.
pub fn insert(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    on_a_level!(case, choices, |steps, passes| {
        let at = choices.below(steps.len() + 1);
        steps.insert(at, step(choices, passes));
        (steps.len() <= LENGTH_LIMIT).then_some(())
    })
}

/// Drops a pass.
pub fn remove(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    on_a_level!(case, choices, |steps, passes| {
        let at = place(choices, steps)?;
        steps.remove(at);
        Some(())
    })
}

/// Puts another pass.
pub fn replace(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    on_a_level!(case, choices, |steps, passes| {
        let at = place(choices, steps)?;
        steps[at] = step(choices, passes);
        Some(())
    })
}

/// Exchanges two passes.
pub fn swap(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    on_a_level!(case, choices, |steps, passes| {
        let (a, b) = (place(choices, steps)?, place(choices, steps)?);
        steps.swap(a, b);
        Some(())
    })
}

/// Runs a pass again.
pub fn repeat(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    on_a_level!(case, choices, |steps, passes| {
        let again = steps[place(choices, steps)?].clone();
        let at = choices.below(steps.len() + 1);
        steps.insert(at, again);
        (steps.len() <= LENGTH_LIMIT).then_some(())
    })
}

/// Runs `X; Y; X`.
pub fn sandwich(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    on_a_level!(case, choices, |steps, passes| {
        let at = choices.below(steps.len() + 1);
        let (outer, inner) = (step(choices, passes), step(choices, passes));
        steps.splice(at..at, [outer.clone(), inner, outer]);
        (steps.len() <= LENGTH_LIMIT).then_some(())
    })
}

/// Reverses a run of passes.
pub fn reverse(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    on_a_level!(case, choices, |steps, passes| {
        let (a, b) = (place(choices, steps)?, place(choices, steps)?);
        steps[a.min(b)..=a.max(b)].reverse();
        Some(())
    })
}

/// Takes over a run of passes of another case.
pub fn cross(case: &mut Case, choices: &mut Choices, other: &Case) -> Option<()> {
    fn run<I>(choices: &mut Choices, from: &[Step<I>], into: &mut Vec<Step<I>>) -> Option<()> {
        let (a, b) = (place(choices, from)?, place(choices, from)?);
        let at = choices.below(into.len() + 1);
        into.splice(at..at, from[a.min(b)..=a.max(b)].iter().cloned());
        (into.len() <= LENGTH_LIMIT).then_some(())
    }
    match choices.chance(50) {
        true => run(choices, &other.pipeline.graph, &mut case.pipeline.graph),
        false => run(choices, &other.pipeline.loops, &mut case.pipeline.loops),
    }
}

/// Changes an argument of a pass.
pub fn argument(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    let steps = case.schedule.iter_mut().chain(&mut case.pipeline.loops);
    let mut found: Vec<&mut Step<_>> = steps.filter(|step| !step.arguments.is_empty()).collect();
    let at = choices.below(found.len());
    let step = found.get_mut(at)?;
    let param = step.pass.params.first()?;
    step.arguments[0].1 = choices.pick(param.choices)?;
    Some(())
}

/// Changes the schedule.
pub fn schedule(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    if choices.chance(40)
        && let Some(at) = place(choices, &case.schedule)
    {
        case.schedule.remove(at);
        return Some(());
    }
    let at = choices.below(case.schedule.len() + 1);
    case.schedule.insert(at, scheduling_step(choices)?);
    (case.schedule.len() <= 6).then_some(())
}

/// Draws other operands.
pub fn seed(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    case.inputs.seed = choices.word() >> 32;
    Some(())
}

/// Draws operands of another kind.
pub fn class(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    case.inputs.class = choices.weighted(CLASSES)?;
    Some(())
}

/// Changes the floating-point contract.
pub fn contract(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    case.contract = choices.weighted(CONTRACTS)?;
    Some(())
}

/// Changes the memory that there is, or whether passes know the sizes.
pub fn memory(case: &mut Case, choices: &mut Choices, _: &Case) -> Option<()> {
    match choices.below(3) {
        0 => case.known = !case.known,
        1 => case.memory = None,
        _ => case.memory = Some(choices.below(600) as u64),
    }
    Some(())
}

/// Runs the result on all backends, or on none.
pub fn backends(case: &mut Case, _: &mut Choices, _: &Case) -> Option<()> {
    case.backends = match case.backends.is_empty() {
        true => BACKENDS.iter().map(|row| row.name).filter(|name| *name != "interp").collect(),
        false => Vec::new(),
    };
    Some(())
}
