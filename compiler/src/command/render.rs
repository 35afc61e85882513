//! Diagnostics for people (through miette) and for programs (JSON).

use crate::{Error, Source};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde_json::{Value, json};
use std::fmt;
use tcc_frontend::diagnostic::{Diagnostic, Severity};

/// A diagnostic together with the text it is about, as miette wants it.
#[derive(Debug)]
struct Report<'a> {
    diagnostic: &'a Diagnostic,
    source: Option<NamedSource<String>>,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Report<'_> {}

impl miette::Diagnostic for Report<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("tcc::{}", self.diagnostic.code.id())))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let length = self.source.as_ref()?.inner().len();
        let labels = self.diagnostic.labels.iter().map(move |label| {
            let (start, end) = (label.span.start.min(length), label.span.end.min(length));
            let text = Some(label.text.clone()).filter(|text| !text.is_empty());
            LabeledSpan::new(text, start, end.saturating_sub(start))
        });
        Some(Box::new(labels))
    }
}

/// Longest line that is shown: a longer one would fill the screen.
const LONG_LINE: usize = 4_000;

/// Most diagnostics that are shown in full.
const SHOWN: usize = 50;

/// Diagnostics as text, one after the other.
pub fn diagnostics(list: &[Diagnostic], source: Option<&Source>, color: bool) -> String {
    let mut text = String::new();
    for diagnostic in list.iter().take(SHOWN) {
        render(diagnostic, source, color, &mut text);
    }
    if list.len() > SHOWN {
        text.push_str(&format!("showing {SHOWN} of {} messages\n", list.len()));
    }
    text
}

fn render(diagnostic: &Diagnostic, source: Option<&Source>, color: bool, text: &mut String) {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(110).with_links(false);
    let long = |source: &Source| {
        diagnostic.labels.iter().any(|label| {
            let start = label.span.start.min(source.text.len());
            let inside = |byte: &&u8| !matches!(byte, b'\n' | b'\r');
            let before = source.text.as_bytes()[..start].iter().rev().take_while(inside).count();
            let after = source.text.as_bytes()[start..].iter().take_while(inside).count();
            before + after > LONG_LINE
        })
    };
    let shown = source.filter(|source| !diagnostic.labels.is_empty() && !long(source));
    let report =
        Report { diagnostic, source: shown.map(|s| NamedSource::new(&s.name, with_newlines(&s.text))) };
    // Writing to a string cannot fail; a place that miette cannot show leaves the message itself.
    let before = text.len();
    if handler.render_report(text, &report).is_err() {
        text.truncate(before);
        text.push_str(&format!("{}: {}\n", diagnostic.code.id(), diagnostic.message));
    }
    if shown.is_none()
        && let (Some(source), Some(label)) = (source, diagnostic.labels.first())
    {
        let (line, column) = line_and_column(&with_newlines(&source.text), label.span.start);
        text.push_str(&format!("  at {}:{line}:{column}\n", source.name));
    }
}

/// The text with line feeds where lines end with a carriage return alone: only these are ends of lines
/// for who shows it.
fn with_newlines(text: &str) -> String {
    let next = text.chars().skip(1).chain([' ']);
    text.chars().zip(next).map(|(c, next)| if c == '\r' && next != '\n' { '\n' } else { c }).collect()
}

/// Line and column (in characters) of a byte offset, from 1.
pub fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line = before.matches('\n').count() + 1;
    (line, before.chars().rev().take_while(|&c| c != '\n').count() + 1)
}

/// An error as text; `hints` says whether it ends with the command that explains more.
pub fn error(error: &Error, source: Option<&Source>, color: bool, hints: bool) -> String {
    match error {
        Error::Rejected(list) => {
            let mut text = diagnostics(list, source, color);
            if let Some(first) = list.iter().find(|d| d.is_error()) {
                let errors = list.iter().filter(|d| d.is_error()).count();
                let plural = if errors == 1 { "" } else { "s" };
                let more =
                    if hints { format!("; more: tcc explain {}", first.code.id()) } else { String::new() };
                text.push_str(&format!("{errors} error{plural}{more}\n"));
            }
            text
        }
        Error::Bug(message) => {
            format!("bug: {message}\nThis is our fault. Please report it with the command and the program.\n")
        }
        Error::Limit { what, needed, limit } => {
            let (needed, limit) = (crate::operand::size(*needed), crate::operand::size(*limit));
            format!("error: {what} needs {needed}, more than the {limit} that this machine can address\n")
        }
        Error::Argument(_) | Error::Unsupported(_) => format!("error: {error}\n"),
    }
}

/// An error as JSON, in the form of miette's own JSON reports.
pub fn json(error: &Error, source: Option<&Source>) -> Value {
    match error {
        Error::Rejected(list) => {
            let all: Vec<Value> = list.iter().map(|diagnostic| diagnostic_json(diagnostic, source)).collect();
            json!({ "schema": "tcc.diagnostics/1", "diagnostics": all })
        }
        other => message_json(other.code(), &other.to_string()),
    }
}

/// A message without a place, in the form of [`json`].
pub fn message_json(code: &str, message: &str) -> Value {
    let diagnostic = json!({
        "message": message, "code": code, "severity": "error",
        "help": null, "filename": null, "labels": [], "related": [],
    });
    json!({ "schema": "tcc.diagnostics/1", "diagnostics": [diagnostic] })
}

/// One diagnostic as JSON.
pub fn diagnostic_json(diagnostic: &Diagnostic, source: Option<&Source>) -> Value {
    let labels: Vec<Value> = diagnostic
        .labels
        .iter()
        .map(|label| {
            let length = label.span.end.saturating_sub(label.span.start);
            json!({ "label": label.text, "span": { "offset": label.span.start, "length": length } })
        })
        .collect();
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    json!({
        "message": diagnostic.message, "code": diagnostic.code.id(), "severity": severity,
        "help": diagnostic.help, "filename": source.map(|s| &s.name), "labels": labels, "related": [],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters() {
        assert_eq!(line_and_column("αβ\nγδ", "αβ\nγ".len()), (2, 2));
        assert_eq!(line_and_column("ab", 99), (1, 3));
        assert_eq!(with_newlines("a\rb\r\nc\n"), "a\nb\r\nc\n");
    }
}
