//! What is wrong with shapes, sizes and data, as diagnostics with places in the program.

use crate::error::Error;
use tcc_frontend::ast::Span;
use tcc_frontend::diagnostic::{Code, Diagnostic};
use tcc_ir::bind::{AxisPlace, BindError};
use tcc_ir::graph::Graph;

/// Splits `E0216: the group ..` into its code and the rest. Requirements and run-time checks carry their
/// code in front of their message.
pub(crate) fn split_code(message: &str) -> (Option<Code>, &str) {
    match message.split_once(": ") {
        Some((id, rest)) if Code::from_id(id).is_some() => (Code::from_id(id), rest),
        _ => (None, message),
    }
}

/// A message with its code in front (else `otherwise`), at a place of the source.
pub(crate) fn coded(message: &str, otherwise: Code, span: Option<(usize, usize)>) -> Error {
    let (code, message) = split_code(message);
    let mut diagnostic = Diagnostic::new(code.unwrap_or(otherwise), message);
    if let Some((start, end)) = span {
        diagnostic = diagnostic.label(Span::new(start, end), "");
    }
    Error::Rejected(vec![diagnostic])
}

/// Symbols that cannot be bound; `text` is the program.
pub(crate) fn explain(error: &BindError, graph: &Graph, text: &str) -> Error {
    let diagnostic = match error {
        BindError::Requirement { index, message } => {
            let span = graph.requirements.get(*index).and_then(|requirement| requirement.span);
            return coded(message, Code::OperandExtent, span);
        }
        BindError::Unknown(_) => Diagnostic::new(Code::UnknownOperand, error.to_string()),
        BindError::Rank { operand, .. } => at_declaration(
            Diagnostic::new(Code::OperandRank, error.to_string()),
            text,
            operand,
            "declared here",
        ),
        BindError::Mismatch { place, extent, expected, actual, because } => {
            let here = axis(place);
            let message = format!("{here} is {actual}, but `{extent}` is {expected}");
            let diagnostic = Diagnostic::new(Code::OperandExtent, message);
            let mut diagnostic = at_declaration(diagnostic, text, &place.operand, &format!("{actual} here"));
            let mut reasons = Vec::new();
            for (symbol, value, from) in because {
                match from {
                    Some(from) => {
                        let note = format!("{symbol} = {value}");
                        diagnostic = at_declaration(diagnostic, text, &from.operand, &note);
                        reasons.push(format!("{} makes `{symbol}` {value}", axis(from)));
                    }
                    None => reasons.push(format!("`{symbol}` is {value} as given")),
                }
            }
            if reasons.is_empty() { diagnostic } else { diagnostic.help(reasons.join("; ")) }
        }
        BindError::Indivisible { place, extent, symbol, actual } => {
            let here = axis(place);
            let message =
                format!("{here} is {actual}, but no whole number `{symbol}` makes `{extent}` equal to that");
            at_declaration(
                Diagnostic::new(Code::ShapeUnsolved, message),
                text,
                &place.operand,
                "declared here",
            )
        }
        BindError::Negative { symbol, value, place } => {
            let from = place.as_ref().map(|place| format!(", from {}", axis(place))).unwrap_or_default();
            let message = format!("size `{symbol}` would be {value}{from}");
            Diagnostic::new(Code::NegativeSize, message).help("sizes are 0 or more")
        }
        BindError::Extent(error) => Diagnostic::new(Code::NegativeSize, error.to_string())
            .help("choose smaller sizes: every extent must fit in 64 bits"),
        BindError::Unsolved(open) => {
            let one = |name: &tcc_ir::Name| {
                let param = graph.symbols.iter().any(|symbol| symbol.name == *name && symbol.param);
                let what = if param { "parameter" } else { "size" };
                let diagnostic = Diagnostic::new(Code::MissingValue, format!("{what} `{name}` has no value"))
                    .help(format!("give {name}=VALUE"));
                at_declaration(diagnostic, text, name, "declared here")
            };
            return Error::Rejected(open.iter().map(one).collect());
        }
    };
    Error::Rejected(vec![diagnostic])
}

/// Axes are counted from 1, as the frontend counts them.
fn axis(place: &AxisPlace) -> String {
    format!("axis {} of `{}`", place.axis + 1, place.operand)
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
