//! Decides between which tokens of a statement a blank stands.
//!
//! Sums are spread out and products are tight beside them (`a*b + c`); inside the brackets of a
//! tensor everything is tight except words and comparisons (`x[i-1 | 0]`, `y[n div 2 + 1]`).

use std::collections::BTreeSet;

use crate::ast::{ReduceOp, TransformKind};
use crate::lines::{Line, begins_declaration};
use crate::tokens::{Token, TokenKind};

/// What a token is to its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// A name, a number, a text.
    Operand,
    /// A minus before its operand.
    Prefix,
    /// `and`, `div`, `then`, ..
    Word,
    Sum,
    Product,
    Power,
    Compare,
    Comma,
    Colon,
    Bar,
    Arrow,
    Assign,
    Open,
    Close,
    At,
}

/// What the brackets around a token are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Around {
    Statement,
    Attribute,
    Dims,
    /// `( )` of a call, a group or a plain parenthesis, and the bracket of Iverson.
    Inner,
    /// `A[ ]`, `{ }`, an interval.
    Index,
    /// `sum[ ]`, `rfft[ ]`
    Reduction,
}

/// What stands between two commas.
#[derive(Clone, Copy, Default)]
struct Element {
    /// Has words or doubled signs, so that a tight `+` would mislead.
    words: bool,
    /// Has a sum.
    sums: bool,
}

/// One open bracket, or the statement.
#[derive(Clone, Copy)]
struct Frame {
    around: Around,
    /// Whether arithmetic is tight.
    tight: bool,
    /// Whether commas separate guards.
    guards: bool,
    /// The current element.
    element: usize,
}

/// A token in its surroundings. A bracket belongs to what is around it.
#[derive(Clone, Copy)]
struct Piece {
    role: Role,
    frame: Frame,
    /// For closing brackets: of a reduction, so that the operand follows.
    of_reduction: bool,
}

/// For every token whether a blank belongs before it. `glued` holds the places of `max=` and `min=`.
pub(super) fn gaps(source: &str, line: &Line, glued: &BTreeSet<usize>) -> Vec<bool> {
    let (pieces, elements) = classify(source, &line.tokens);
    let mut gaps = vec![false];
    for (at, pair) in pieces.windows(2).enumerate() {
        let (before, token) = (&line.tokens[at], &line.tokens[at + 1]);
        let unit = before.kind == TokenKind::Number
            && token.kind == TokenKind::Name
            && before.span.end == token.span.start;
        gaps.push(!unit && !glued.contains(&before.span.start) && gap(pair[0], pair[1], &elements));
    }
    gaps
}

/// Whether a blank stands between two neighbours.
fn gap(before: Piece, after: Piece, elements: &[Element]) -> bool {
    use Role::*;
    match (before.role, after.role) {
        (Open | At | Power | Prefix, _) | (_, Close | Comma | Power) => false,
        (Comma, _) => spread_comma(before.frame),
        (Assign, _) => before.frame.around != Around::Attribute,
        (_, Assign) => after.frame.around != Around::Attribute,
        (Colon, _) => before.frame.around == Around::Statement,
        (_, Colon) => after.frame.around == Around::Statement,
        (Word | Compare | Bar | Arrow, _) | (_, Word | Compare | Bar | Arrow) => true,
        (Sum, _) => spread_sum(before.frame, elements),
        (_, Sum) => spread_sum(after.frame, elements),
        (Product, _) => spread_product(before.frame, elements),
        (_, Product) => spread_product(after.frame, elements),
        (Close, Open) => before.of_reduction,
        (Operand, Open) => false,
        (Operand | Close, Operand | Prefix | At) => true,
    }
}

fn spread_comma(frame: Frame) -> bool {
    match frame.around {
        Around::Statement | Around::Attribute | Around::Dims => true,
        Around::Inner => !frame.tight,
        Around::Index => false,
        Around::Reduction => frame.guards,
    }
}

fn spread_sum(frame: Frame, elements: &[Element]) -> bool {
    !frame.tight || elements.get(frame.element).is_some_and(|element| element.words)
}

fn spread_product(frame: Frame, elements: &[Element]) -> bool {
    !frame.tight && elements.get(frame.element).is_some_and(|element| !element.sums)
}

/// The role of every token and the elements that their frames name.
fn classify(source: &str, tokens: &[Token]) -> (Vec<Piece>, Vec<Element>) {
    let declaration = (0..tokens.len()).find(|at| begins_declaration(source, &tokens[*at..]));
    let mut elements = vec![Element::default()];
    let mut pieces: Vec<Piece> = Vec::with_capacity(tokens.len());
    let bottom = Frame { around: Around::Statement, tight: false, guards: false, element: 0 };
    let mut frames = vec![bottom];
    let mut operand_before = false;
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).map_or("", |at| tokens[at].text(source));
        let next = tokens.get(at + 1).map_or("", |token| token.text(source));
        let mut frame = frames.last().copied().unwrap_or(bottom);
        let mut of_reduction = false;
        let role = match token.bracket(source) {
            Some('(' | '[' | '{') => {
                let attribute = at >= 2 && tokens[at - 2].is(source, "@");
                let around = match attribute {
                    true => Around::Attribute,
                    false => around(before, token.text(source), operand_before, declaration.is_some(), frame),
                };
                let tight = frame.tight || matches!(around, Around::Index | Around::Reduction | Around::Dims);
                frames.push(Frame { around, tight, guards: false, element: elements.len() });
                elements.push(Element::default());
                Role::Open
            }
            Some(_) => {
                of_reduction = frame.around == Around::Reduction;
                if frames.len() > 1 {
                    frames.pop();
                }
                frame = frames.last().copied().unwrap_or(bottom);
                Role::Close
            }
            None => role(source, token, next, operand_before, declaration.is_some_and(|start| at > start)),
        };
        let doubled = role == Role::Prefix && pieces.last().is_some_and(|piece| piece.role == Role::Sum);
        if let Some(element) = elements.get_mut(frame.element) {
            element.words |= doubled || (role == Role::Word && token.text(source) != "where");
            element.sums |= role == Role::Sum;
        }
        if let Some(top) = frames.last_mut() {
            top.guards |= role == Role::Word && token.text(source) == "where";
            if matches!(role, Role::Comma | Role::Bar | Role::Assign) {
                top.element = elements.len();
                elements.push(Element::default());
            }
        }
        operand_before = match role {
            Role::Close => !of_reduction,
            Role::Operand => true,
            _ => false,
        };
        pieces.push(Piece { role, frame, of_reduction });
    }
    (pieces, elements)
}

/// What a bracket opens.
fn around(before: &str, bracket: &str, operand_before: bool, declaration: bool, outer: Frame) -> Around {
    let reduces = ReduceOp::from_text(before).is_some() || TransformKind::from_text(before).is_some();
    match bracket {
        "{" => Around::Index,
        "[" if reduces => Around::Reduction,
        "[" if declaration && outer.around == Around::Statement && before != "in" => Around::Dims,
        "[" if operand_before || declaration || outer.around == Around::Attribute => Around::Index,
        _ => Around::Inner,
    }
}

/// The role of a token that is no bracket.
fn role(source: &str, token: &Token, next: &str, operand_before: bool, declaration: bool) -> Role {
    let text = token.text(source);
    match token.kind {
        TokenKind::Name => match text {
            "and" | "or" | "div" | "mod" | "then" | "else" | "where" if operand_before => Role::Word,
            "if" | "not" if !operand_before => Role::Word,
            "in" if declaration && next == "[" => Role::Word,
            _ => Role::Operand,
        },
        TokenKind::Sign => match text {
            "-" if !operand_before => Role::Prefix,
            "+" | "-" => Role::Sum,
            "*" | "/" => Role::Product,
            "^" => Role::Power,
            "<" | "<=" | ">" | ">=" | "==" | "!=" => Role::Compare,
            "," => Role::Comma,
            ":" => Role::Colon,
            "|" => Role::Bar,
            "->" => Role::Arrow,
            "@" => Role::At,
            _ => Role::Assign,
        },
        _ => Role::Operand,
    }
}
