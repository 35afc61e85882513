//! What is wrong with shapes, sizes and data, as diagnostics with places in the program.

use crate::error::Error;
use crate::failed_check::Found;
use tcc_frontend::ast::Span;
use tcc_frontend::diagnostic::{Code, Diagnostic, FIX};
use tcc_ir::bind::{AxisPlace, BindError};
use tcc_ir::graph::{Check, Graph, Input};
use tcc_ir::{Bindings, Name};

/// How to repair what a requirement on sizes says without a fix of its own.
const FIXES: &[(Code, &str)] = &[
    (
        Code::IndexSizesDisagree,
        "make the shapes agree, use two indices, or state the size and pad: A[.. | 0]",
    ),
    (Code::GroupNotDivisible, "the sizes of the members must multiply to the length of the axis"),
    (Code::ShapeUnsolved, "choose sizes for which the transform has this length"),
    (Code::NegativeSize, "sizes are 0 or more: choose other sizes"),
    (Code::OperandExtent, "give operands whose sizes agree"),
];

/// A message with its code in front (else `otherwise`) and its fix behind, at a place of the source.
/// Requirements and run-time checks carry both in their message: `E0216: the group .. ; help: ..`.
pub(crate) fn coded(message: &str, otherwise: Code, span: Option<(usize, usize)>) -> Diagnostic {
    let (code, rest) = match message.split_once(": ") {
        Some((id, rest)) if Code::from_id(id).is_some() => (Code::from_id(id), rest),
        _ => (None, message),
    };
    let code = code.unwrap_or(otherwise);
    let (message, fix) = match rest.split_once(FIX) {
        Some((message, fix)) => (message, Some(fix)),
        None => (rest, FIXES.iter().find(|row| row.0 == code).map(|row| row.1)),
    };
    let mut diagnostic = Diagnostic::new(code, message);
    diagnostic.help = fix.map(str::to_owned);
    match span {
        Some((start, end)) => diagnostic.label(Span::new(start, end), ""),
        None => diagnostic,
    }
}

/// A run-time check that was false; `found` is where, as far as that is known, and `text` the program.
pub(crate) fn failed_check(
    check: &Check,
    found: Option<&Found>,
    graph: &Graph,
    bindings: &Bindings,
    text: &str,
) -> Diagnostic {
    let mut diagnostic = coded(&check.message, Code::IndexOutside, check.span);
    let Some(found) = found else { return diagnostic };
    let place = found.place();
    let at = if place.is_empty() { String::new() } else { format!(" at {place}") };
    let here = match found.value {
        Some(value) => format!("{value}{at}"),
        None if place.is_empty() => return diagnostic,
        None => at.trim_start().to_owned(),
    };
    diagnostic.message = match found.value {
        // What was compared with 0 was 0, as the message says.
        Some(value) if diagnostic.code != Code::RuntimeDivisionByZero => {
            format!("{}: it is {value}{at}", diagnostic.message)
        }
        _ => format!("{}{at}", diagnostic.message),
    };
    if let Some(label) = diagnostic.labels.first_mut() {
        label.text = here;
    }
    let Some(size) = &found.size else { return diagnostic };
    if let Ok(value) = size.eval(bindings) {
        diagnostic.message.push_str(&format!(", and {size} is {value}"));
    }
    let declares = |symbol: &Name| {
        graph.inputs.iter().find_map(|input| {
            let axis = input.ty.axes.iter().position(|axis| axis.extent.as_symbol() == Some(symbol))?;
            Some((AxisPlace { operand: input.name.clone(), axis }, *bindings.get(symbol)?))
        })
    };
    let mut symbols = Vec::new();
    size.symbols(&mut |symbol| symbols.push(symbol.clone()));
    for symbol in symbols {
        if let Some((place, value)) = declares(&symbol) {
            let note = format!("axis {} makes `{symbol}` {value}", place.axis + 1);
            diagnostic = at_declaration(diagnostic, text, &place.operand, &note);
        }
    }
    diagnostic
}

/// Symbols that cannot be bound; `text` is the program, and `sources` says how operands were given.
pub(crate) fn explain(error: &BindError, graph: &Graph, text: &str, sources: &[(Name, String)]) -> Error {
    let axis = |place: &AxisPlace| axis(place, sources);
    let diagnostic = match error {
        BindError::Requirement { index, message, because } => {
            let span = graph.requirements.get(*index).and_then(|requirement| requirement.span);
            let mut diagnostic = coded(message, Code::OperandExtent, span);
            for (symbol, value, from) in because {
                let (name, note) = match from {
                    Some(from) => (&from.operand, format!("axis {} makes `{symbol}` {value}", from.axis + 1)),
                    None => (symbol, format!("`{symbol}` is {value}")),
                };
                diagnostic = at_declaration(diagnostic, text, name, &note);
            }
            diagnostic
        }
        BindError::Unknown(_) => Diagnostic::new(Code::UnknownOperand, error.to_string())
            .help("give values for sizes and parameters of the program only"),
        BindError::Rank { operand, declared, actual } => {
            let message =
                format!("`{operand}` has {}, but is declared with {}", axes(*actual), axes(*declared));
            let diagnostic = Diagnostic::new(Code::OperandRank, message)
                .help(format!("give data with {}, or declare another shape", axes(*declared)));
            at_declaration(diagnostic, text, operand, "declared here")
        }
        BindError::Mismatch { place, extent, expected, actual, because } => {
            let message = format!("{} is {actual}, but `{extent}` is {expected}", axis(place));
            let diagnostic = Diagnostic::new(Code::OperandExtent, message);
            let mut diagnostic = at_declaration(diagnostic, text, &place.operand, &format!("{actual} here"));
            let mut help = Vec::new();
            for (symbol, value, from) in because {
                match from {
                    Some(from) => {
                        let note = format!("{symbol} = {value}");
                        diagnostic = at_declaration(diagnostic, text, &from.operand, &note);
                        help.push(format!("{} makes `{symbol}` {value}", axis(from)));
                    }
                    None => help.push(format!("`{symbol}` is {value} as given")),
                }
            }
            help.push(format!("give `{}` the size {expected} there, or declare another size", place.operand));
            diagnostic.help(help.join("; "))
        }
        BindError::Indivisible { place, extent, symbol, actual } => {
            let here = axis(place);
            let message =
                format!("{here} is {actual}, but no whole number `{symbol}` makes `{extent}` equal to that");
            let diagnostic = Diagnostic::new(Code::ShapeUnsolved, message)
                .help(format!("give `{}` a length that `{extent}` can have", place.operand));
            at_declaration(diagnostic, text, &place.operand, "declared here")
        }
        BindError::Negative { symbol, value, place } => {
            let from = place.as_ref().map(|place| format!(", from {}", axis(place))).unwrap_or_default();
            let message = format!("size `{symbol}` would be {value}{from}");
            let diagnostic = Diagnostic::new(Code::NegativeSize, message).help("sizes are 0 or more");
            let name = place.as_ref().map_or(symbol, |place| &place.operand);
            at_declaration(diagnostic, text, name, "declared here")
        }
        BindError::Extent(error) => Diagnostic::new(Code::NegativeSize, error.to_string())
            .help("choose smaller sizes: every extent must fit in 64 bits"),
        BindError::Unsolved(open) => {
            let one = |name: &Name| {
                let param = graph.symbols.iter().any(|symbol| symbol.name == *name && symbol.param);
                let what = if param { "parameter" } else { "size" };
                let diagnostic = Diagnostic::new(Code::MissingValue, format!("{what} `{name}` has no value"))
                    .help(format!("give {name}=VALUE"));
                // A size is declared where it first stands in a shape.
                let mentions = |input: &&Input| {
                    let mut found = false;
                    input.ty.axes.iter().for_each(|axis| axis.extent.symbols(&mut |s| found |= s == name));
                    found
                };
                match graph.inputs.iter().find(mentions).filter(|_| !param) {
                    Some(input) => at_declaration(
                        diagnostic,
                        text,
                        &input.name,
                        &format!("`{name}` stands in its shape"),
                    ),
                    None => at_declaration(diagnostic, text, name, "declared here"),
                }
            };
            return Error::Rejected(open.iter().map(one).collect());
        }
    };
    Error::Rejected(vec![diagnostic])
}

/// Axes are counted from 1, as the frontend counts them.
fn axis(place: &AxisPlace, sources: &[(Name, String)]) -> String {
    let source = sources.iter().find(|(name, _)| *name == place.operand);
    let source = source.map(|(_, source)| format!(" ({source})")).unwrap_or_default();
    format!("axis {} of `{}`{source}", place.axis + 1, place.operand)
}

/// `1 axis`, `2 axes`.
pub(crate) fn axes(count: usize) -> String {
    if count == 1 { "1 axis".into() } else { format!("{count} axes") }
}

/// The diagnostic with a label where `name` is declared.
pub(crate) fn at_declaration(diagnostic: Diagnostic, text: &str, name: &str, note: &str) -> Diagnostic {
    match declaration(text, name) {
        Some(span) if !diagnostic.labels.iter().any(|label| label.span == span) => {
            diagnostic.label(span, note)
        }
        _ => diagnostic,
    }
}

/// Where `name` is declared.
fn declaration(text: &str, name: &str) -> Option<Span> {
    let (file, _) = tcc_frontend::parse(text);
    file.declarations().flat_map(|d| &d.names).find(|known| *known.text == *name).map(|known| known.span)
}

/// Where the budget `@max(..)` of the program stands that allows least.
pub(crate) fn budget(text: &str) -> Option<Span> {
    let (file, _) = tcc_frontend::parse(text);
    let mut attributes = file.items.iter().flat_map(|item| &item.attributes);
    attributes.find(|attribute| attribute.name.text == "max").map(|attribute| attribute.span)
}
