//! Making up what is not given: sizes that satisfy the requirements, and elements.

use super::generate::{Random, fill};
use crate::binding_error::explain;
use crate::error::Result;
use crate::specialised::as_f64;
use tcc_ir::bind::{BindError, bind_symbols};
use tcc_ir::dtype::Kind;
use tcc_ir::graph::{Graph, Input};
use tcc_ir::{Array, Bindings, Name};

/// Small distinct sizes (8, 9, ..) and parameters (2, 3, ..); where these break a requirement, others.
pub fn choose_sizes(
    graph: &Graph,
    open: &[Name],
    given: &Bindings,
    try_with: &dyn Fn(&Bindings) -> Result<Bindings, BindError>,
) -> Result<(Bindings, Vec<String>)> {
    const ATTEMPTS: u64 = 2_000;
    let is_param = |name: &Name| graph.symbols.iter().any(|symbol| symbol.name == *name && symbol.param);
    let mut last = BindError::Unsolved(open.to_vec());
    for attempt in 0..ATTEMPTS {
        let mut random = Random::new(attempt, "sizes");
        let mut chosen = given.clone();
        for (at, name) in open.iter().enumerate() {
            let value = match (attempt, is_param(name)) {
                (0, false) => 8 + at as i64,
                (0, true) => 2 + at as i64,
                (_, false) => random.integer(2, 16),
                (_, true) => random.integer(1, 6),
            };
            chosen.insert(name.clone(), value);
        }
        match try_with(&chosen) {
            Ok(bindings) => {
                let list = open.iter().map(|name| format!("{name}={}", bindings[name])).collect();
                return Ok((bindings, list));
            }
            Err(error) => last = error,
        }
    }
    Err(explain(&last, graph, ""))
}

/// Small sizes for every symbol that no default determines.
///
/// # Errors
/// None of those tried satisfies the requirements.
pub fn small_sizes(graph: &Graph) -> Result<Bindings> {
    let open: Vec<Name> = graph
        .symbols
        .iter()
        .filter(|symbol| symbol.default.is_none())
        .map(|symbol| symbol.name.clone())
        .collect();
    let try_with = |given: &Bindings| bind_symbols(&graph.symbols, &graph.requirements, &[], given);
    choose_sizes(graph, &open, &Bindings::new(), &try_with).map(|(bindings, _)| bindings)
}

/// Random elements: normal, inside the promised interval, or 0 and 1 for integers, which are places of
/// every axis that is long enough.
pub fn elements(input: &Input, shape: &[usize]) -> Option<Array> {
    let dtype = input.ty.dtype;
    let mut random = Random::new(0, &input.name);
    let interval = input.range.map(|(low, high)| (as_f64(low), as_f64(high)));
    let (low, high) = interval.unwrap_or((0.0, 1.0));
    fill(dtype, shape, &mut || match (dtype.kind(), interval) {
        (Kind::Bool, _) => (random.integer(0, 1) as f64, 0.0),
        (Kind::Int, _) => {
            (random.integer(low.ceil() as i64, (high.floor() as i64).max(low.ceil() as i64)) as f64, 0.0)
        }
        (_, Some(_)) => (low + (high - low) * random.uniform(), 0.0),
        (_, None) => (random.normal(), if dtype.is_complex() { random.normal() } else { 0.0 }),
    })
}
