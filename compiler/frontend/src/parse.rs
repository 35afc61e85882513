//! Text to syntax tree: one parse for every logical line, so that one run reports every bad line.

mod expression;
mod statement;

use pest::Parser;
use pest::iterators::Pair;

use crate::ast::{Attribute, Edition, ExpressionProgram, File, Item, Number, Span};
use crate::diagnostic::{Code, Diagnostic};
use crate::lines::{Line, Separator, split};
use crate::tokens::{Token, TokenKind};
use crate::{characters, einsum, limits, syntax_error};
use expression::number;
use statement::{attribute, statement};

/// The grammar in `ein.pest`.
#[derive(pest_derive::Parser)]
#[grammar = "ein.pest"]
pub(crate) struct Grammar;

/// The editions this compiler knows.
pub const EDITIONS: &[i64] = &[2026];

/// The steps one parse may take, a second wall behind [`limits`]; pest keeps one number per process.
const CALL_LIMIT: usize = 200_000_000;

/// The nesting that is parsed on the caller's stack; the grammar takes up to 20 KiB for every level.
const SHALLOW: usize = 20;

/// The stack for statements that are nested deeper, enough for [`limits::MAX_NESTING`].
const DEEP_STACK: usize = 32 << 20;

/// What building a node of the tree gives. Diagnostics are boxed to keep the common case small.
pub(crate) type Built<T> = Result<T, Box<Diagnostic>>;

/// Where one parse takes place: what pest sees is the slice of the source that these tokens cover.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    tokens: &'a [Token],
}

impl Place<'_> {
    /// Where `pair` stands in the source. Pest counts blanks and comments after an optional part
    /// that is absent; the span ends with the last token instead.
    pub fn span(self, pair: &Pair<Rule>) -> Span {
        let offset = self.tokens.first().map_or(0, |token| token.span.start);
        let span = pair.as_span();
        let (start, end) = (offset + span.start(), offset + span.end());
        let inside = self.tokens.partition_point(|token| token.span.end <= end);
        let last = self.tokens[..inside].last().map_or(end, |token| token.span.end);
        Span::new(start, if last > start { last } else { end })
    }
}

/// Parses a file. Statements that are wrong are left out of the tree and reported, all of them.
pub fn parse(source: &str) -> (File, Vec<Diagnostic>) {
    parse_with(source, Separator::LineEnd)
}

/// Parses what `-e` gives: a classic einsum string when there is no `=` outside brackets and no `[`,
/// else equations separated by `;` or line ends.
pub fn parse_expression_program(text: &str) -> (ExpressionProgram, Vec<Diagnostic>) {
    if einsum::looks_like_einsum(text) {
        let (einsum, diagnostics) = einsum::parse(text);
        return (ExpressionProgram::Einsum(einsum), diagnostics);
    }
    let (file, diagnostics) = parse_with(text, Separator::Semicolon);
    (ExpressionProgram::Program(file), diagnostics)
}

fn parse_with(source: &str, separator: Separator) -> (File, Vec<Diagnostic>) {
    pest::set_call_limit(std::num::NonZeroUsize::new(CALL_LIMIT));
    let (lines, mut diagnostics) = split(source, separator);
    let mut file = File::default();
    let mut pending = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let before = diagnostics.len();
        if line.broken {
            pending.clear();
            continue;
        }
        if at == 0 && is_edition(source, line) {
            match edition(source, line) {
                Ok(edition) => file.edition = Some(edition),
                Err(diagnostic) => diagnostics.push(*diagnostic),
            }
            continue;
        }
        match parse_line(source, line, &mut diagnostics) {
            Ok((attributes, Some(mut item))) => {
                pending.extend(attributes);
                item.attributes = std::mem::take(&mut pending);
                file.items.push(item);
            }
            Ok((attributes, None)) => pending.extend(attributes),
            Err(diagnostic) => {
                // A line with unknown characters has been reported for them already.
                if diagnostics.len() == before {
                    diagnostics.push(*diagnostic);
                }
                pending.clear();
            }
        }
    }
    if let Some(attribute) = pending.last() {
        diagnostics.push(
            Diagnostic::new(Code::AttributeWithoutStatement, "this attribute belongs to no statement")
                .label(attribute.span, "nothing follows")
                .help("attributes stand before the statement they are about"),
        );
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.labels.first().map_or(0, |label| label.span.start));
    (file, diagnostics)
}

/// The attributes of a line, and its statement if it has one.
type Parsed = (Vec<Attribute>, Option<Item>);

/// Parses one line, on a stack that is deep enough for it.
fn parse_line(source: &str, line: &Line, diagnostics: &mut Vec<Diagnostic>) -> Built<Parsed> {
    characters::check(source, line, diagnostics);
    if limits::nesting(source, &line.tokens)? <= SHALLOW {
        return parse_statement(source, line);
    }
    let parsed = std::thread::scope(|scope| {
        let builder = std::thread::Builder::new().stack_size(DEEP_STACK);
        let thread = builder.spawn_scoped(scope, || parse_statement(source, line)).ok()?;
        thread.join().ok()
    });
    parsed.unwrap_or_else(|| {
        let message = "there is no memory to read a statement nested this deep";
        Err(Box::new(Diagnostic::new(Code::NestedTooDeep, message).label(line.span(), "")))
    })
}

fn parse_statement(source: &str, line: &Line) -> Built<Parsed> {
    let place = Place { tokens: &line.tokens };
    let mut pairs = Grammar::parse(Rule::line, line.span().text(source))
        .map_err(|error| Box::new(syntax_error::explain(source, line, &error)))?;
    let mut attributes = Vec::new();
    let mut item = None;
    for pair in pairs.next().into_iter().flat_map(Pair::into_inner) {
        match pair.as_rule() {
            Rule::attribute => attributes.push(attribute(place, pair)?),
            Rule::EOI => {}
            _ => item = Some(statement(place, pair)?),
        }
    }
    Ok((attributes, item))
}

/// `edition` followed by a number, at the beginning of the file.
fn is_edition(source: &str, line: &Line) -> bool {
    matches!(line.tokens.as_slice(), [word, number, ..]
        if word.is(source, "edition") && number.kind == TokenKind::Number)
}

fn edition(source: &str, line: &Line) -> Built<Edition> {
    let span = line.span();
    let mut pairs = Grammar::parse(Rule::edition_line, span.text(source))
        .map_err(|error| Box::new(syntax_error::explain(source, line, &error)))?;
    let pair = pairs.next().and_then(|pair| pair.into_inner().find(|pair| pair.as_rule() == Rule::number));
    let year = match pair {
        Some(pair) => number(Place { tokens: &line.tokens }, &pair, false)?,
        None => Number::Int(0),
    };
    match year {
        Number::Int(year) if EDITIONS.contains(&year) => Ok(Edition { year, span }),
        _ => {
            let known: Vec<String> = EDITIONS.iter().map(i64::to_string).collect();
            Err(Box::new(
                Diagnostic::new(
                    Code::UnknownEdition,
                    "this compiler does not know that edition of the language",
                )
                .label(span, "")
                .help(format!("known: edition {}", known.join(", "))),
            ))
        }
    }
}
