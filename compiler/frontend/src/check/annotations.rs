//! Attributes: what they ask for, and which are not there yet.

use super::{Diagnostics, Options, names};
use crate::ast::{Argument, ArgumentValue, Attribute, Expr, ExprKind, File, Item, ItemKind, Span, TypeName};
use crate::diagnostic::{Code, Diagnostic, nearest};
use tcc_ir::Dtype;

/// What an attribute does in this version.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// `@accum(f64)`
    Accumulator,
    /// `@max(peak=64MiB)`
    Budget,
    /// Accepted and without effect.
    Hint,
    /// A promise about the result that cannot be kept yet.
    Promise,
}

const ATTRIBUTES: &[(&str, Effect)] = &[
    ("accum", Effect::Accumulator),
    ("max", Effect::Budget),
    ("shard", Effect::Hint),
    ("pack", Effect::Hint),
    ("tile", Effect::Hint),
    ("recompute", Effect::Hint),
    ("approx", Effect::Promise),
    ("lowrank", Effect::Promise),
    ("equivariant", Effect::Promise),
    ("symmetric", Effect::Promise),
];

/// Checks all attributes of a file; the answer is the limit of `@max(peak=..)`, the least if there are
/// several.
pub fn check(file: &File, found: &mut Diagnostics) -> Option<u64> {
    let mut peak: Option<u64> = None;
    for item in &file.items {
        for attribute in &item.attributes {
            let name = attribute.name.text.as_str();
            match ATTRIBUTES.iter().find(|row| row.0 == name).map(|row| row.1) {
                Some(Effect::Accumulator) => {}
                Some(Effect::Budget) => {
                    if let Some(bytes) = budget(attribute, found) {
                        peak = Some(peak.map_or(bytes, |known| known.min(bytes)));
                    }
                }
                Some(Effect::Hint) => {
                    found.push(
                        Diagnostic::new(Code::HintIgnored, format!("@{name} has no effect in this version"))
                            .label(attribute.span, "accepted and not used")
                            .help("results are the same without it"),
                    );
                }
                Some(Effect::Promise) => {
                    found.push(
                        Diagnostic::new(Code::NotYet, format!("@{name} is not yet implemented"))
                            .label(attribute.span, "this promise cannot be kept yet")
                            .help("remove it to compile the program without the promise"),
                    );
                }
                None => unknown(attribute, found),
            }
        }
    }
    peak
}

fn unknown(attribute: &Attribute, found: &mut Diagnostics) {
    let name = attribute.name.text.as_str();
    let diagnostic = Diagnostic::new(Code::UnknownAttribute, format!("unknown attribute @{name}"))
        .label(attribute.name.span, "not an attribute");
    let help = match nearest(name, ATTRIBUTES.iter().map(|row| row.0)) {
        Some(near) => format!("did you mean @{near}?"),
        None => {
            let all: Vec<String> = ATTRIBUTES.iter().map(|row| format!("@{}", row.0)).collect();
            format!("the attributes are {}", all.join(" "))
        }
    };
    found.push(diagnostic.help(help));
}

fn budget(attribute: &Attribute, found: &mut Diagnostics) -> Option<u64> {
    let mut peak = None;
    for argument in &attribute.arguments {
        match argument.name.as_ref().map(|name| name.text.as_str()) {
            Some("peak") => match &argument.value {
                ArgumentValue::Bytes(bytes) => peak = Some(*bytes),
                ArgumentValue::Expr(Expr {
                    kind: ExprKind::Number(crate::ast::Number::Int(bytes)), ..
                }) if *bytes >= 0 => {
                    peak = u64::try_from(*bytes).ok();
                }
                _ => wrong_argument(argument, "peak is a number of bytes: peak=64MiB", found),
            },
            Some(budget @ ("flops" | "rotations" | "depth")) => {
                found.push(
                    Diagnostic::new(Code::NotYet, format!("@max({budget}=..) is not yet implemented"))
                        .label(argument.span, "this budget cannot be checked yet")
                        .help("only peak=.. is checked in this version"),
                );
            }
            _ => wrong_argument(argument, "the budgets are peak, flops, rotations and depth", found),
        }
    }
    if attribute.arguments.is_empty() {
        found.push(
            Diagnostic::new(Code::AttributeArguments, "@max needs a budget")
                .label(attribute.span, "nothing is limited")
                .help("write for example @max(peak=64MiB)"),
        );
    }
    peak
}

fn wrong_argument(argument: &Argument, help: &str, found: &mut Diagnostics) {
    found.push(
        Diagnostic::new(Code::AttributeArguments, "this argument does not fit the attribute")
            .label(argument.span, "not understood")
            .help(help),
    );
}

/// The dtype that `@accum(..)` before an equation asks for, and where.
pub fn accumulator(item: &Item, options: &Options, found: &mut Diagnostics) -> Option<(Dtype, Span)> {
    let attribute = item.attributes.iter().find(|attribute| attribute.name.text == "accum")?;
    let dtype = match attribute.arguments.as_slice() {
        [
            Argument {
                name: None, value: ArgumentValue::Expr(Expr { kind: ExprKind::Name(name), .. }), ..
            },
        ] => TypeName::from_text(name).map(|name| names::dtype(name, options)),
        _ => None,
    };
    if dtype.is_none() || dtype == Some(Dtype::Bool) {
        found.push(
            Diagnostic::new(Code::AttributeArguments, "@accum takes one element type")
                .label(attribute.span, "which type?")
                .help("write for example @accum(f64)"),
        );
        return None;
    }
    if !matches!(item.kind, ItemKind::Equation(_)) {
        found.push(
            Diagnostic::new(Code::AttributeArguments, "@accum belongs to an equation")
                .label(attribute.span, "not before an equation")
                .help("move it to the line before the equation with the sum"),
        );
        return None;
    }
    dtype.map(|dtype| (dtype, attribute.span))
}
