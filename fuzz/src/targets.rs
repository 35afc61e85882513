//! What the targets of `cargo fuzz` do: a function of bytes each, which panics on a finding.

use crate::case::Case;
use crate::choices::{Choices, Random};
use crate::generate::{Swarm, case};
use crate::mutate::{MUTATORS, apply};
use crate::oracle::{Effort, check};
use crate::text::SEPARATOR;
use tcc_backends::BACKENDS;
use tcc_ir::graph::Graph;
use tcc_ir::loops::Func;
use tcc_passes::{GRAPH_PASSES, find};

/// Judges a case; panics on a finding. `false` if the case was refused.
fn judged(case: &Case) -> bool {
    let (_, verdict) = check(case, Effort::All);
    if let Some(finding) = verdict.finding {
        panic!("{finding}\n{case}");
    }
    verdict.refused.is_none()
}

/// A case as text; `false` if it is none.
pub fn joint(data: &[u8]) -> bool {
    let text = std::str::from_utf8(data).ok();
    text.and_then(|text| text.parse::<Case>().ok()).is_some_and(|case| judged(&case))
}

/// Mutates the text of a case in a buffer of `limit` bytes, of which `size` are used; the new size. What is no
/// case becomes one.
pub fn mutate(data: &mut [u8], size: usize, limit: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed));
    let mut bytes = vec![0; 400];
    let mut draw = || {
        random.fill(&mut bytes);
        bytes.clone()
    };
    let generated = |bytes: &[u8]| case(&mut Choices::new(bytes), Swarm::default());
    let (first, second, third) = (draw(), draw(), draw());
    let old = data.get(..size).and_then(|text| std::str::from_utf8(text).ok());
    let mut mutated = match old.and_then(|text| text.parse::<Case>().ok()) {
        None => generated(&first),
        Some(case) => {
            let (other, mut choices) = (generated(&second), Choices::new(&third));
            let mutator = &MUTATORS[choices.below(MUTATORS.len())];
            apply(&case, mutator, &mut choices, &other).unwrap_or(case)
        }
    };
    mutated.inputs.seed &= 0xffff_ffff;
    let text = mutated.to_string();
    let end = text.len().min(limit).min(data.len());
    // A text that was cut is no case: it is left as it was.
    if end < text.len() {
        return size;
    }
    data[..end].copy_from_slice(text.as_bytes());
    end
}

/// A case from bytes.
pub fn bytes(data: &[u8]) {
    judged(&case(&mut Choices::new(data), Swarm::default()));
}

/// Any text is a program or is refused.
pub fn frontend(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(graph) = crate::trace::compile(text)
        && let Err(errors) = tcc_ir::Ir::verify(&graph)
    {
        panic!("the frontend made a broken graph: {errors}");
    }
}

/// What parses prints as a text that reads back as it was.
pub fn roundtrip(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    fn again<T: std::fmt::Display + std::str::FromStr>(text: &str)
    where
        T::Err: std::fmt::Display,
    {
        let Ok(read) = text.parse::<T>() else { return };
        let printed = read.to_string();
        match printed.parse::<T>() {
            Ok(again) => assert_eq!(printed, again.to_string()),
            Err(error) => panic!("{error}\n{printed}"),
        }
    }
    again::<Graph>(text);
    again::<Func>(text);
    if !text.contains(SEPARATOR) {
        again::<Case>(text);
    }
}

/// A generated program whose forms are compared.
pub fn rules(data: &[u8]) {
    let mut case = case(&mut Choices::new(data), Swarm::default());
    if let Some(pass) = find(GRAPH_PASSES, "saturate") {
        case.pipeline = tcc_passes::Pipeline::default();
        case.schedule.clear();
        case.pipeline.graph.push(tcc_passes::pipeline::Step { pass, arguments: Vec::new() });
    }
    judged(&case);
}

/// A generated program that every backend runs.
pub fn backends(data: &[u8]) {
    let mut case = case(&mut Choices::new(data), Swarm::default());
    case.backends = BACKENDS.iter().map(|row| row.name).filter(|name| *name != "interp").collect();
    judged(&case);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutated_texts_are_cases() {
        let mut data = vec![0; 1 << 16];
        let (mut size, limit) = (0, data.len());
        for seed in 0..200 {
            size = mutate(&mut data, size, limit, seed);
            let text = std::str::from_utf8(&data[..size]).expect("a text");
            let case: Case = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(case.to_string(), text);
        }
    }
}
