//! Bounds what one statement may contain, before the recursive parser sees it.
//!
//! Parsing and everything after it recurse on the native stack, so depth must be limited by counting.
//! The count is taken on tokens: brackets, plus the prefixes that nest without brackets (`-`,
//! `not`, `if`, `^`, reductions).

use crate::ast::{ReduceOp, TransformKind};
use crate::diagnostic::{Code, Diagnostic};
use crate::parse::Built;
use crate::tokens::{Token, TokenKind};

/// How deep brackets, signs, conditions, powers and reductions may be nested in each other.
pub const MAX_NESTING: usize = 200;

/// How deep the tree of one expression may be. Chains `a + b + c + ..` are flat, however long.
pub const MAX_DEPTH: usize = 500;

/// How many words and signs one statement may have.
pub const MAX_TOKENS: usize = 200_000;

/// What has been opened inside one bracket, or outside all of them.
#[derive(Clone, Copy, Default)]
struct Frame {
    conditions: usize,
    negations: usize,
    reductions: usize,
    signs: usize,
    /// Whether the bracket belongs to a reduction, whose operand follows it: `sum[j] -x`.
    of_reduction: bool,
}

impl Frame {
    fn depth(&self) -> usize {
        self.conditions + self.negations + self.reductions + self.signs
    }
}

/// How deep the statement is nested, or a complaint that it is too deep or too long.
pub(crate) fn nesting(source: &str, tokens: &[Token]) -> Built<usize> {
    if let Some(token) = tokens.get(MAX_TOKENS) {
        return Err(Box::new(
            Diagnostic::new(
                Code::TooLarge,
                format!("this statement has more than {MAX_TOKENS} words and signs"),
            )
            .label(token.span, "from here it is too much")
            .help("split it: an equation for every part, and one that combines them"),
        ));
    }
    let (mut closed, mut deepest) = (0, 0);
    let mut operand_before = false;
    let mut frames = vec![Frame::default()];
    for (at, token) in tokens.iter().enumerate() {
        let Some(frame) = frames.last_mut() else { break };
        let before = frame.depth();
        match token.bracket(source) {
            Some('(' | '[' | '{') => {
                closed += before + 1;
                let of_reduction = at > 0 && reduces(source, &tokens[at - 1], Some(token));
                frames.push(Frame { of_reduction, ..Frame::default() });
                operand_before = false;
            }
            Some(_) => {
                operand_before = !frame.of_reduction;
                if frames.len() > 1 {
                    frames.pop();
                    closed -= frames.last().map_or(0, Frame::depth) + 1;
                }
            }
            None => {
                count(frame, source, operand_before, token, tokens.get(at + 1));
                operand_before = ends_operand(source, token);
            }
        }
        deepest = deepest.max(closed + frames.last().map_or(0, Frame::depth));
        if deepest > MAX_NESTING {
            return Err(Box::new(
                Diagnostic::new(
                    Code::NestedTooDeep,
                    format!("this is nested more than {MAX_NESTING} levels deep"),
                )
                .label(token.span, "from here it is too deep")
                .help("give parts of the expression names of their own"),
            ));
        }
    }
    Ok(deepest)
}

/// Whether `token` begins a reduction or a transform.
fn reduces(source: &str, token: &Token, next: Option<&Token>) -> bool {
    let text = token.text(source);
    next.is_some_and(|next| next.is(source, "["))
        && (ReduceOp::from_text(text).is_some() || TransformKind::from_text(text).is_some())
}

/// Counts what `token` opens without a bracket, and forgets what it ends.
fn count(frame: &mut Frame, source: &str, operand_before: bool, token: &Token, next: Option<&Token>) {
    match token.text(source) {
        "if" => frame.conditions += 1,
        "not" => frame.negations += 1,
        "and" | "or" | "then" | "else" => (frame.negations, frame.reductions, frame.signs) = (0, 0, 0),
        "^" => frame.signs += 1,
        "-" if !operand_before => frame.signs += 1,
        "+" | "-" | "<" | "<=" | ">" | ">=" | "==" | "!=" => (frame.signs, frame.reductions) = (0, 0),
        "*" | "/" | "div" | "mod" => frame.signs = 0,
        "," | "|" => *frame = Frame { of_reduction: frame.of_reduction, ..Frame::default() },
        _ if reduces(source, token, next) => frame.reductions += 1,
        _ => {}
    }
}

/// Whether an operand can end with this token, so that an operator must follow.
pub(crate) fn ends_operand(source: &str, token: &Token) -> bool {
    match token.kind {
        TokenKind::Name => {
            !["if", "then", "else", "and", "or", "not", "div", "mod", "where"].contains(&token.text(source))
        }
        TokenKind::Number | TokenKind::Text => true,
        _ => token.bracket(source).is_some_and(|bracket| ")]}".contains(bracket)),
    }
}
