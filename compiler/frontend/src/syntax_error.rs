//! Words for what the grammar refuses: looks at the tokens around the place where the parse stopped
//! and says what the author probably meant.

mod habits;

use pest::error::{ErrorVariant, InputLocation};

use crate::ast::{ReduceOp, Span, TransformKind};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::limits::ends_operand;
use crate::lines::{Line, assignment, begins_statement};
use crate::parse::Rule;
use crate::tokens::{Token, TokenKind};

/// The place where a parse stopped.
struct Stop<'a> {
    source: &'a str,
    tokens: &'a [Token],
    /// The position of the first token that did not fit; the number of tokens at the end.
    at: usize,
    /// The rules that could have gone on there.
    expected: &'a [Rule],
    /// The position of the `=` of the statement.
    assignment: Option<usize>,
}

/// Says why `line` does not parse.
pub(crate) fn explain(source: &str, line: &Line, error: &pest::error::Error<Rule>) -> Diagnostic {
    let offset = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => line.span().start + at,
    };
    let expected: &[Rule] = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => positives,
        ErrorVariant::CustomError { .. } => {
            return Diagnostic::new(Code::TooLarge, "this statement takes too many steps to read")
                .label(line.span(), "")
                .help("split it: an equation for every part, and one that combines them");
        }
    };
    let tokens = line.tokens.as_slice();
    let at = tokens.partition_point(|token| token.span.end <= offset);
    let stop = Stop { source, tokens, at, expected, assignment: assignment(source, tokens) };
    stop.bad_assignment()
        .or_else(|| stop.unknown_keyword())
        .or_else(|| stop.second_statement())
        .or_else(|| stop.habit())
        .or_else(|| stop.incomplete_if())
        .or_else(|| stop.bad_reduction())
        .or_else(|| stop.adjacent_operands())
        .or_else(|| stop.bad_brackets())
        .or_else(|| stop.foreign_operator())
        .unwrap_or_else(|| stop.generic())
}

impl Stop<'_> {
    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text(self.source))
    }

    fn previous(&self) -> Option<&Token> {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at))
    }

    /// The token that did not fit, or the empty place after the last one.
    fn span(&self) -> Span {
        let end = self.tokens.last().map_or(0, |token| token.span.end);
        self.tokens.get(self.at).map_or(Span::new(end, end), |token| token.span)
    }

    fn is_kind(&self, at: usize, kind: TokenKind) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == kind)
    }

    /// Whether an operand can begin with the token that did not fit.
    fn begins_operand(&self) -> bool {
        let Some(token) = self.tokens.get(self.at) else { return false };
        match token.kind {
            TokenKind::Number => true,
            TokenKind::Name => ends_operand(self.source, token),
            _ => token.bracket(self.source).is_some_and(|bracket| "([{".contains(bracket)),
        }
    }

    /// A missing, doubled or misspelled `=`.
    fn bad_assignment(&self) -> Option<Diagnostic> {
        let keyword = ["in", "out", "var", "param", "fn"].contains(&self.text(0));
        if keyword && self.is_kind(1, TokenKind::Name) || !self.is_kind(0, TokenKind::Name) {
            return None;
        }
        let Some(sign) = self.assignment else {
            return self.unknown_keyword().or_else(|| Some(self.missing_assignment()));
        };
        if self.text(self.at) == "=" && (self.at > sign || self.innermost_bracket().is_some()) {
            return Some(
                Diagnostic::new(Code::BadAssignment, "`=` defines and cannot stand inside an expression")
                    .label(self.span(), "")
                    .help("to compare, write `==`"),
            );
        }
        if sign < 2 || self.at > sign {
            return None;
        }
        let wrong = self.tokens[sign - 1];
        let written = wrong.text(self.source);
        let span = wrong.span.join(self.tokens[sign].span);
        let help = match written {
            "+" | "*" | "max" | "min" => format!("write `{written}=` without a blank"),
            "-" => "there is no `-=`: write `+=` and a minus before the right side".to_string(),
            ":" => "write `=`".to_string(),
            "/" | "^" | "<" | ">" => "an equation has one of = += *= max= min=".to_string(),
            _ => return None,
        };
        Some(
            Diagnostic::new(Code::BadAssignment, format!("`{}` is no assignment", span.text(self.source)))
                .label(span, "")
                .help(help),
        )
    }

    /// The bracket around the token that did not fit.
    fn innermost_bracket(&self) -> Option<char> {
        let mut open = Vec::new();
        for bracket in self.tokens[..self.at].iter().filter_map(|token| token.bracket(self.source)) {
            if "([{".contains(bracket) {
                open.push(bracket);
            } else {
                open.pop();
            }
        }
        open.last().copied()
    }

    fn missing_assignment(&self) -> Diagnostic {
        if let Some(token) = self.tokens.iter().find(|token| token.is(self.source, "==")) {
            return Diagnostic::new(Code::BadAssignment, "`==` compares; an equation is written with `=`")
                .label(token.span, "")
                .help("write `=`");
        }
        Diagnostic::new(Code::BadAssignment, "`=` is missing: this is neither a declaration nor an equation")
            .label(self.span(), format!("expected `=`, found {}", self.found()))
            .help("an equation looks like C[i,k] = sum[j] A[i,j]*B[j,k]")
    }

    /// `input x : f32`, `let x = 3`
    fn unknown_keyword(&self) -> Option<Diagnostic> {
        let declares = [",", ":", "=", "[", "("].contains(&self.text(2));
        if self.at != 1 || !self.is_kind(0, TokenKind::Name) || !self.is_kind(1, TokenKind::Name) || !declares
        {
            return None;
        }
        let word = self.text(0);
        let meant = match word {
            "input" => Some("in"),
            "output" => Some("out"),
            "def" | "function" => Some("fn"),
            _ => nearest(word, ["in", "out", "var", "param", "fn"]),
        };
        let help = match (meant, self.text(2)) {
            (_, "=" | "[") => format!("an equation needs no word before it: {} = ..", self.text(1)),
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, _) => "a declaration begins with in, out, var or param; an equation has a `=`".to_string(),
        };
        Some(
            Diagnostic::new(Code::UnexpectedText, format!("`{word}` begins no statement"))
                .label(self.tokens[0].span, "")
                .help(help),
        )
    }

    fn second_statement(&self) -> Option<Diagnostic> {
        if self.at == 0 || !begins_statement(self.source, self.tokens.get(self.at..)?, false) {
            return None;
        }
        Some(
            Diagnostic::new(Code::UnexpectedStatement, "a second statement begins here")
                .label(self.span(), "")
                .help("put it on a line of its own"),
        )
    }

    fn incomplete_if(&self) -> Option<Diagnostic> {
        let missing = if self.expected.contains(&Rule::kw_then) {
            "then"
        } else if self.expected.contains(&Rule::kw_else) {
            "else"
        } else {
            return None;
        };
        // With the word further on, the mistake is between the two.
        let later = self.tokens[self.at..].iter().any(|token| token.is(self.source, missing));
        if self.begins_operand() && later {
            return None;
        }
        let condition = self.tokens[..self.at].iter().rev().find(|token| token.is(self.source, "if"))?;
        Some(
            Diagnostic::new(Code::IncompleteIf, format!("this `if` has no `{missing}`"))
                .label(condition.span, "the condition begins here")
                .label(self.span(), format!("expected `{missing}`"))
                .help("a conditional is a value: if .. then .. else .."),
        )
    }

    /// `sum(j) x[j]`, `sum[j+1] x[j]`, `rfft[x] u[x]`
    fn bad_reduction(&self) -> Option<Diagnostic> {
        let close = self.previous()?;
        if !self.begins_operand() || !(close.is(self.source, ")") || close.is(self.source, "]")) {
            return None;
        }
        let open = self.opening(self.at)?;
        let word = self.tokens.get(open.checked_sub(1)?)?;
        let text = word.text(self.source);
        let transforms = TransformKind::from_text(text).is_some();
        if ReduceOp::from_text(text).is_none() && !transforms {
            return None;
        }
        let inside = self.inside(open, self.at - 1);
        let (message, help) = match (close.is(self.source, ")"), transforms) {
            (true, _) => ("takes its indices in square brackets", format!("write {text}[{inside}]")),
            (false, true) => {
                ("names indices before and after an arrow", format!("write {text}[x -> k] u[x]"))
            }
            (false, false) => (
                "binds names of indices, and nothing else",
                format!("write {text}[j], {text}[j:n] or {text}[j where j < i]"),
            ),
        };
        Some(
            Diagnostic::new(Code::ReductionBrackets, format!("`{text}` {message}"))
                .label(word.span.join(close.span), "")
                .help(help),
        )
    }

    /// Two operands side by side, or a number that is none.
    fn adjacent_operands(&self) -> Option<Diagnostic> {
        let previous = self.previous()?;
        if !self.begins_operand() || !ends_operand(self.source, previous) {
            return None;
        }
        let (first, second) = (previous.text(self.source), self.text(self.at));
        let span = previous.span.join(self.span());
        let glued = previous.span.end == self.span().start;
        if previous.kind == TokenKind::Number {
            let hexadecimal = glued && first == "0" && second.starts_with(['x', 'X', 'b', 'o']);
            if self.is_kind(self.at, TokenKind::Number) || hexadecimal {
                return Some(
                    Diagnostic::new(Code::BadNumber, format!("`{}` is no number", span.text(self.source)))
                        .label(span, "")
                        .help(
                            "numbers are written 12, 0.5 or 1e-3; between two numbers an operator is missing",
                        ),
                );
            }
        }
        let indices = self.innermost_bracket() == Some('[');
        if self.assignment.is_none_or(|sign| sign >= self.at) && !indices {
            return None;
        }
        if indices && previous.kind == TokenKind::Name && self.is_kind(self.at, TokenKind::Name) {
            let message = format!("a comma is missing between `{first}` and `{second}`");
            let help =
                format!("write {first},{second}; a group of indices has parentheses: ({first} {second})");
            return Some(Diagnostic::new(Code::MissingOperator, message).label(span, "").help(help));
        }
        Some(
            Diagnostic::new(
                Code::MissingOperator,
                format!("an operator is missing between `{first}` and `{second}`"),
            )
            .label(span, "")
            .help(
                match previous.kind == TokenKind::Sign || self.is_kind(self.at, TokenKind::Sign) {
                    true => "for a product write `*` between them".to_string(),
                    false => format!("for a product write `{first}*{second}`"),
                },
            ),
        )
    }

    /// Empty brackets, trailing commas, slices.
    fn bad_brackets(&self) -> Option<Diagnostic> {
        let token = self.tokens.get(self.at)?;
        let previous = self.previous()?;
        if token.is(self.source, ":") && self.innermost_bracket() == Some('[') {
            return Some(
                Diagnostic::new(Code::UnexpectedText, "`:` cannot stand here")
                    .label(token.span, "")
                    .help("a size is stated where an index is introduced: y[i:n] = .. or sum[i:n] ..; to read a part, say y[i:3] = x[i+1]"),
            );
        }
        let bracket = token.bracket(self.source).filter(|bracket| ")]}".contains(*bracket))?;
        if previous.is(self.source, ",") {
            return Some(
                Diagnostic::new(
                    Code::UnexpectedText,
                    format!("nothing follows the comma before `{bracket}`"),
                )
                .label(previous.span, "")
                .help("remove the comma"),
            );
        }
        previous.bracket(self.source).filter(|open| "([{".contains(*open))?;
        let help = match bracket {
            ']' => "a tensor without axes is written without brackets; a reduction names its indices",
            ')' => "a function has at least one argument",
            _ => "a table has at least one number",
        };
        Some(
            Diagnostic::new(Code::EmptyBrackets, "there is nothing between these brackets")
                .label(previous.span.join(token.span), "")
                .help(help),
        )
    }

    /// Operators and words of other languages, or in the wrong place.
    fn foreign_operator(&self) -> Option<Diagnostic> {
        let previous = self.previous().map_or("", |token| token.text(self.source));
        if let Some(diagnostic) = self.stray_word(previous) {
            return Some(diagnostic);
        }
        let help = match (previous, self.text(self.at)) {
            (_, "|") if self.text(self.at + 1) == "|" => "write `or`",
            ("*", "*") => "a power is written a^b",
            ("/", "/") => "division that rounds down is written a div b",
            ("=", ">") => "write `>=`",
            ("=", "<") => "write `<=`",
            ("<", ">") => "write `!=`",
            (_, "where") => "`where` stands inside the brackets of a reduction: sum[j where j < i] ..",
            (_, "->") => "`->` stands inside the brackets of a transform: rfft[x -> k] ..",
            (_, "|") => "`|` stands once, before the value outside: A[i-1 | 0]",
            (_, ";") => "statements are separated by line ends",
            (_, "...") => "`...` is part of einsum strings only: name the indices",
            (_, text) if text.starts_with('"') => "texts stand in types and in attributes only",
            _ => return None,
        };
        Some(
            Diagnostic::new(Code::UnexpectedText, format!("{} cannot stand here", self.found()))
                .label(self.span(), "")
                .help(help),
        )
    }

    /// A keyword in the place of an operand, which the grammar took for a name.
    fn stray_word(&self, previous: &str) -> Option<Diagnostic> {
        let help = match previous {
            "if" => "put a conditional inside an expression in parentheses: (if .. then .. else ..)",
            "not" => "put it in parentheses: (not ..)",
            "and" | "or" | "div" | "mod" => "an operand is missing before it",
            "then" | "else" => "a conditional is written if .. then .. else ..",
            "where" => "`where` stands inside the brackets of a reduction: sum[j where j < i] ..",
            _ => return None,
        };
        if !self.begins_operand() {
            return None;
        }
        Some(
            Diagnostic::new(Code::UnexpectedText, format!("`{previous}` cannot stand here"))
                .label(self.previous()?.span, "")
                .help(help),
        )
    }

    fn found(&self) -> String {
        match self.tokens.get(self.at) {
            Some(token) => format!("`{}`", shortened(token.text(self.source))),
            None => "the end of the statement".to_string(),
        }
    }

    fn generic(&self) -> Diagnostic {
        let words = expected_words(self.expected);
        let expected =
            if words.is_empty() { String::new() } else { format!("expected {}", words.join(" or ")) };
        let Some(previous) = self.previous().filter(|_| self.at == self.tokens.len()) else {
            return Diagnostic::new(Code::UnexpectedText, format!("{} does not fit here", self.found()))
                .label(self.span(), expected)
                .help(format!("remove {}, or write before it what is missing", self.found()));
        };
        Diagnostic::new(
            Code::IncompleteStatement,
            format!("the statement ends after `{}`", shortened(previous.text(self.source))),
        )
        .label(self.span(), expected)
        .help("a statement goes on in the next line when that is indented or a bracket is open")
    }
}

/// A text short enough for a message.
fn shortened(text: &str) -> String {
    if text.chars().count() <= 40 {
        text.to_string()
    } else {
        format!("{}..", text.chars().take(40).collect::<String>())
    }
}

/// What could stand at a place, in the words of the language.
fn expected_words(rules: &[Rule]) -> Vec<&'static str> {
    const WORDS: &[(&[Rule], &str)] = &[
        (&[Rule::paren, Rule::expr, Rule::unary, Rule::mul], "an expression"),
        (&[Rule::declaration, Rule::statement, Rule::line], "a statement"),
        (&[Rule::type_name], "an element type such as f32"),
        (&[Rule::name, Rule::binder, Rule::group_member], "a name"),
        (&[Rule::assign, Rule::equals], "`=`"),
        (&[Rule::colon], "`:`"),
        (&[Rule::kw_then], "`then`"),
        (&[Rule::kw_else], "`else`"),
        (&[Rule::arrow], "`->`"),
        (&[Rule::interval], "`[`"),
        (&[Rule::storage], "one of csr coo enc"),
        (&[Rule::table_number, Rule::number], "a number"),
        (&[Rule::add_op, Rule::mul_op, Rule::compare_op, Rule::pow_op], "an operator"),
        (&[Rule::close_round], "`)`"),
        (&[Rule::close_square], "`]`"),
        (&[Rule::close_curly], "`}`"),
        (&[Rule::EOI], "the end of the statement"),
    ];
    let mut words: Vec<&str> = WORDS
        .iter()
        .filter(|(members, _)| members.iter().any(|member| rules.contains(member)))
        .map(|(_, word)| *word)
        .collect();
    if words.first() == Some(&"an expression") {
        words.retain(|word| !["a name", "a number"].contains(word));
    }
    words
}
