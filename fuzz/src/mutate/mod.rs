//! Mutators: small changes of a case. All keep programs well typed; one that does not fit changes nothing.

pub mod bandit;
pub mod chaos;
pub mod equal;
pub mod loops;
pub mod passes;
pub mod program;
pub mod tensor;

use crate::case::{Case, Program};
use crate::choices::Choices;
use crate::generate::coherent;
use tcc_ir::Ir;

/// What a mutator changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The program.
    Program,
    /// The pipeline or the schedule.
    Passes,
    /// The operands.
    Inputs,
    /// What is left to the compiler: memory, names, order, fuel.
    Chaos,
}

/// One mutator, described as data.
pub struct Mutator {
    /// The name in reports.
    pub name: &'static str,
    /// What it changes.
    pub part: Part,
    /// What it does.
    pub about: &'static str,
    /// Does it; `other` is another case of the corpus. `None`: it does not fit.
    pub apply: fn(&mut Case, &mut Choices, other: &Case) -> Option<()>,
}

const fn row(
    part: Part,
    name: &'static str,
    about: &'static str,
    apply: fn(&mut Case, &mut Choices, &Case) -> Option<()>,
) -> Mutator {
    Mutator { name, part, about, apply }
}

/// All mutators.
pub static MUTATORS: &[Mutator] = &[
    row(Part::Program, "grow", "add operations, and make the last a result", program::grow),
    row(Part::Program, "delete", "replace a value by an operand of it or a constant", program::delete),
    row(Part::Program, "operator", "put another operation of the same signature", program::operator),
    row(Part::Program, "rewire", "read another value of the same type", program::rewire),
    row(Part::Program, "duplicate", "compute a shared value once more", program::duplicate),
    row(Part::Program, "constant", "change a constant", program::constant),
    row(Part::Program, "output", "add, drop or transpose a result", program::output),
    row(Part::Program, "splice", "take over the program of another case", program::splice),
    row(Part::Program, "extent", "change an extent everywhere", tensor::extent),
    row(Part::Program, "huge", "make an extent too large to run", tensor::huge),
    row(Part::Program, "equalise", "make two axes of one extent", tensor::equalise),
    row(Part::Program, "symbol", "replace a constant extent by a symbol", tensor::symbol),
    row(Part::Program, "dtype", "change the dtype of an operand and cast it back", tensor::dtype),
    row(Part::Program, "transpose", "rename the axes of a value there and back", tensor::transpose),
    row(Part::Program, "guard", "select a value where a condition holds", tensor::guard),
    row(Part::Program, "dead", "add terms under a guard that never holds", tensor::dead),
    row(Part::Program, "broadcast", "add an axis and reduce it away", tensor::broadcast),
    row(Part::Program, "equal", "put a random equal form of the program", equal::random),
    row(Part::Program, "largest", "put the largest equal form of the program", equal::largest),
    row(Part::Program, "lower", "go on with the loops of the program", loops::lower_program),
    row(Part::Program, "bound", "change the bound of a loop", loops::bound),
    row(Part::Program, "always", "put statements under a guard that always holds", loops::always),
    row(Part::Program, "kind", "change the kind of a loop", loops::kind),
    row(Part::Program, "peel", "run the first or last iteration of a loop apart", loops::peel),
    row(Part::Program, "stage", "copy an operand into a buffer that is read instead", loops::stage),
    row(Part::Program, "layout", "change the strides or places of buffers", loops::layout),
    row(Part::Passes, "insert", "add a pass", passes::insert),
    row(Part::Passes, "remove", "drop a pass", passes::remove),
    row(Part::Passes, "replace", "put another pass", passes::replace),
    row(Part::Passes, "swap", "exchange two passes", passes::swap),
    row(Part::Passes, "repeat", "run a pass again later", passes::repeat),
    row(Part::Passes, "sandwich", "run two passes, then the first again", passes::sandwich),
    row(Part::Passes, "reverse", "reverse a run of passes", passes::reverse),
    row(Part::Passes, "cross", "take over passes of another case", passes::cross),
    row(Part::Passes, "argument", "change an argument of a pass", passes::argument),
    row(Part::Passes, "schedule", "change the schedule", passes::schedule),
    row(Part::Inputs, "seed", "draw other operands", passes::seed),
    row(Part::Inputs, "class", "draw operands of another kind", passes::class),
    row(Part::Chaos, "contract", "change the floating-point contract", passes::contract),
    row(Part::Chaos, "memory", "change the memory and whether sizes are known", passes::memory),
    row(Part::Chaos, "backends", "run the result on other backends", passes::backends),
    row(Part::Chaos, "chaos", "flip a bit of the chaos bytes", chaos::flip),
];

/// Applies a mutator. `None`, and the case is as before, if it does not fit or what it made is no program.
pub fn apply(case: &Case, mutator: &Mutator, choices: &mut Choices, other: &Case) -> Option<Case> {
    let mut mutated = case.clone();
    (mutator.apply)(&mut mutated, choices, other)?;
    coherent(&mut mutated);
    let holds = match (&mutated.program, mutator.part) {
        (Program::Graph(graph), Part::Program) => graph.verify().is_ok(),
        (Program::Loops(func), Part::Program) => func.verify().is_ok(),
        _ => true,
    };
    (holds && mutated != *case).then_some(mutated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choices::Random;
    use crate::generate::{Swarm, case};

    #[test]
    fn every_mutator_changes_some_case() {
        let mut random = Random(5);
        let mut counts = vec![0u32; MUTATORS.len()];
        let mut bytes = vec![0u8; 512];
        let mut draw = |random: &mut Random| {
            random.fill(&mut bytes);
            bytes.clone()
        };
        for _ in 0..300 {
            let (first, second) = (draw(&mut random), draw(&mut random));
            let mut a = case(&mut Choices::new(&first), Swarm::default());
            let b = case(&mut Choices::new(&second), Swarm::default());
            if a.program.size().is_multiple_of(2) {
                loops::lower_program(&mut a, &mut Choices::new(&[]), &b);
            }
            for (count, mutator) in counts.iter_mut().zip(MUTATORS) {
                let bytes = draw(&mut random);
                *count += u32::from(apply(&a, mutator, &mut Choices::new(&bytes), &b).is_some());
            }
        }
        for (count, mutator) in counts.iter().zip(MUTATORS) {
            assert!(*count > 0, "{} never changes a case", mutator.name);
        }
    }
}
