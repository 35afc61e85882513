//! Making up what is not given: sizes that satisfy the requirements, and elements that pass the run-time
//! checks.

use super::generate::{Random, fill};
use crate::binding_error::{coded, explain};
use crate::compiler::Number;
use crate::error::Result;
use crate::failed_check;
use crate::specialised::{as_f64, parameter};
use tcc_frontend::diagnostic::{Code, Diagnostic};
use tcc_ir::bind::{BindError, bind_symbols};
use tcc_ir::dtype::Kind;
use tcc_ir::graph::{Graph, Input};
use tcc_ir::{Array, Bindings, Name, Native, Tensor};

/// Which elements are made up where no interval is promised.
pub struct Style {
    /// Floats are normal numbers; else they are from 0 to 1.
    normal: bool,
    /// The least and the largest integer.
    integers: (i64, i64),
}

/// The styles, the best first: wherever it works, floats of both signs and integers that differ.
pub const STYLES: [Style; 5] = [
    Style { normal: true, integers: (0, 1) },
    Style { normal: false, integers: (0, 1) },
    Style { normal: false, integers: (0, 0) },
    Style { normal: false, integers: (1, 1) },
    Style { normal: false, integers: (1, 2) },
];

/// How many choices of sizes are tried until the requirements hold.
const ATTEMPTS: u64 = 2_000;

/// How many choices of sizes are tried until the run-time checks hold too.
const CHECKED_ATTEMPTS: usize = 24;

/// Binds symbols: those given and those chosen.
type TryWith<'a> = dyn Fn(&Bindings) -> Result<Bindings, BindError> + 'a;

/// The smallest and the largest size that is chosen where `count` are open. A program may run over all of
/// them at once, so their product has to stay small.
fn range(count: usize) -> (i64, i64) {
    match count {
        0..=5 => (8, 16),
        6..=8 => (3, 10),
        _ => (2, 5),
    }
}

/// Choices of sizes that satisfy the requirements: small sizes (8, 9, .., distinct unless there are many) and
/// parameters (2, 3, ..) first, random small ones after that.
fn sizes<'a>(
    graph: &'a Graph,
    open: &'a [Name],
    given: &'a Bindings,
    try_with: &'a TryWith<'a>,
) -> impl Iterator<Item = Result<Bindings, BindError>> + 'a {
    let is_param = |name: &Name| graph.symbols.iter().any(|symbol| symbol.name == *name && symbol.param);
    let (smallest, largest) = range(open.iter().filter(|name| !is_param(name)).count());
    let attempts = if open.is_empty() { 1 } else { ATTEMPTS };
    (0..attempts).map(move |attempt| {
        let mut random = Random::new(attempt, "sizes");
        let mut chosen = given.clone();
        for (at, name) in open.iter().enumerate() {
            let value = match (attempt, is_param(name)) {
                (0, false) => smallest + at as i64 % (largest - smallest + 1),
                (0, true) => 2 + at as i64,
                (_, false) => random.integer(2, largest),
                (_, true) => random.integer(1, 6),
            };
            chosen.insert(name.clone(), value);
        }
        try_with(&chosen)
    })
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
    let mut last = BindError::Unsolved(open.clone());
    for tried in sizes(graph, &open, &Bindings::new(), &try_with) {
        match tried {
            Ok(bindings) => return Ok(bindings),
            Err(error) => last = error,
        }
    }
    Err(explain(&last, graph, "", &[]))
}

/// Sizes for the symbols that are `open`, and the arrays that `make` makes with them, such that the run-time
/// checks hold; `made_up` are the operands that a style matters to.
///
/// # Errors
/// No sizes that were tried satisfy the requirements, or no elements the checks.
pub fn choose(
    graph: &Graph,
    (open, given): (&[Name], &Bindings),
    (numbers, made_up): (&[(String, Number)], &[&Name]),
    try_with: &TryWith<'_>,
    make: &dyn Fn(&Bindings, &Style) -> Result<Vec<Array>>,
    text: &str,
) -> Result<(Bindings, Vec<Array>)> {
    let styles = if made_up.is_empty() { &STYLES[..1] } else { &STYLES[..] };
    let mut unfit = BindError::Unsolved(open.to_vec());
    let mut refused: Option<(usize, Bindings)> = None;
    let mut checked = 0;
    for tried in sizes(graph, open, given, try_with) {
        let bindings = match tried {
            Ok(bindings) => bindings,
            Err(error) => {
                unfit = error;
                continue;
            }
        };
        for style in styles {
            let arrays = make(&bindings, style)?;
            let input = |position: usize| tensor(graph, position, &arrays, numbers);
            match failed_check::first_false(graph, &input, &bindings) {
                None => return Ok((bindings, arrays)),
                Some(site) => refused = refused.or_else(|| Some((site, bindings.clone()))),
            }
        }
        checked += 1;
        if checked == CHECKED_ATTEMPTS {
            break;
        }
    }
    match refused {
        None => Err(explain(&unfit, graph, text, &[])),
        Some((site, bindings)) => Err(no_data(graph, site, &bindings, (open, made_up)).into()),
    }
}

/// The input of the graph with this position.
fn tensor(
    graph: &Graph,
    position: usize,
    arrays: &[Array],
    numbers: &[(String, Number)],
) -> Option<Tensor<Native>> {
    let input = graph.inputs.get(position)?;
    if input.param.is_some() {
        return Tensor::from_f64s(input.ty.dtype, &[], &[parameter(input, numbers).ok()?]);
    }
    let operand = graph.inputs[..position].iter().filter(|input| input.param.is_none()).count();
    arrays.get(operand).map(Tensor::from_array)
}

/// No data that were made up pass a check.
fn no_data(
    graph: &Graph,
    site: usize,
    bindings: &Bindings,
    (open, made_up): (&[Name], &[&Name]),
) -> Diagnostic {
    let Some(check) = graph.checks.get(site) else {
        return Diagnostic::new(Code::MissingOperand, "no made-up data fit the program")
            .help("give operands");
    };
    let diagnostic = coded(&check.message, Code::IndexOutside, check.span);
    let mut wanted = failed_check::operands(graph, check);
    wanted.retain(|name| made_up.contains(&name));
    let mut give: Vec<String> =
        wanted.iter().map(|name| format!("{name}={}.npy", name.to_lowercase())).collect();
    give.extend(open.iter().map(|name| format!("{name}={}", bindings[name])));
    let help = format!(
        "the data and sizes that were made up do not fit the program: give those that do, {}",
        give.join(" ")
    );
    diagnostic.help(help)
}

/// Random elements: inside the promised interval, else as `style` says. Small integers are places of every
/// axis that is long enough.
pub fn elements(input: &Input, shape: &[usize], style: &Style) -> Option<Array> {
    let dtype = input.ty.dtype;
    let mut random = Random::new(0, &input.name);
    let interval = input.range.map(|(low, high)| (as_f64(low), as_f64(high)));
    let (low, high) = interval.map_or(style.integers, |(low, high)| {
        (low.ceil() as i64, (high.floor() as i64).max(low.ceil() as i64))
    });
    fill(dtype, shape, &mut || match (dtype.kind(), interval) {
        (Kind::Bool, _) => (random.integer(0, 1) as f64, 0.0),
        (Kind::Int, _) => (random.integer(low, high) as f64, 0.0),
        (_, Some((low, high))) => (low + (high - low) * random.uniform(), 0.0),
        (_, None) if style.normal => {
            (random.normal(), if dtype.is_complex() { random.normal() } else { 0.0 })
        }
        (_, None) => (random.uniform(), if dtype.is_complex() { random.uniform() } else { 0.0 }),
    })
}
