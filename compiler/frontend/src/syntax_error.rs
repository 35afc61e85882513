//! Words for what the grammar refuses: looks at the tokens around the place where the parse stopped
//! and says what the author probably meant.

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
        .or_else(|| stop.second_statement())
        .or_else(|| stop.incomplete_if())
        .or_else(|| stop.reduction_in_round_brackets())
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
        let Some(sign) = self.assignment else { return Some(self.missing_assignment()) };
        if self.text(self.at) == "=" && self.at > sign
            || self.text(self.at) == "=" && self.previous_is_inside()
        {
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

    /// Whether the token that did not fit stands inside a bracket.
    fn previous_is_inside(&self) -> bool {
        let brackets = self.tokens[..self.at].iter().filter_map(|token| token.bracket(self.source));
        let depth: i64 = brackets.map(|bracket| if "([{".contains(bracket) { 1 } else { -1 }).sum();
        depth > 0
    }

    fn missing_assignment(&self) -> Diagnostic {
        if let Some(token) = self.tokens.iter().find(|token| token.is(self.source, "==")) {
            return Diagnostic::new(Code::BadAssignment, "`==` compares; an equation is written with `=`")
                .label(token.span, "")
                .help("write `=`");
        }
        let word = self.text(0);
        if self.is_kind(1, TokenKind::Name) {
            let meant = match word {
                "input" => Some("in"),
                "output" => Some("out"),
                "def" | "function" => Some("fn"),
                _ => nearest(word, ["in", "out", "var", "param", "fn"]),
            };
            let help = match meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "a declaration begins with in, out, var or param; an equation has a `=`".to_string(),
            };
            return Diagnostic::new(Code::UnexpectedText, format!("`{word}` begins no statement"))
                .label(self.tokens[0].span, "")
                .help(help);
        }
        Diagnostic::new(Code::BadAssignment, "`=` is missing: this is neither a declaration nor an equation")
            .label(self.span(), format!("expected `=`, found {}", self.found()))
            .help("an equation looks like C[i,k] = sum[j] A[i,j]*B[j,k]")
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
        if self.begins_operand() {
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

    /// `sum(j) x[j]`
    fn reduction_in_round_brackets(&self) -> Option<Diagnostic> {
        if !self.begins_operand() || !self.previous()?.is(self.source, ")") {
            return None;
        }
        let mut depth = 0usize;
        let open = self.tokens[..self.at].iter().rposition(|token| {
            match token.bracket(self.source) {
                Some(')' | ']' | '}') => depth += 1,
                Some(_) => depth = depth.saturating_sub(1),
                None => {}
            }
            depth == 0
        })?;
        let word = self.tokens.get(open.checked_sub(1)?)?;
        let text = word.text(self.source);
        if ReduceOp::from_text(text).is_none() && TransformKind::from_text(text).is_none() {
            return None;
        }
        let inside = Span::new(self.tokens[open].span.end, self.previous()?.span.start).text(self.source);
        let span = word.span.join(self.previous()?.span);
        Some(
            Diagnostic::new(
                Code::ReductionBrackets,
                format!("`{text}` takes its indices in square brackets"),
            )
            .label(span, "")
            .help(format!("write {text}[{}]", inside.trim())),
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
        if self.assignment.is_none_or(|sign| sign >= self.at) {
            return None;
        }
        Some(
            Diagnostic::new(
                Code::MissingOperator,
                format!("an operator is missing between `{first}` and `{second}`"),
            )
            .label(span, "")
            .help(format!("for a product write `{first}*{second}`")),
        )
    }

    /// Empty brackets, trailing commas, slices.
    fn bad_brackets(&self) -> Option<Diagnostic> {
        let token = self.tokens.get(self.at)?;
        let previous = self.previous()?;
        if token.is(self.source, ":") {
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
        let help = match (self.previous().map_or("", |token| token.text(self.source)), self.text(self.at)) {
            ("*", "*") => "a power is written a^b",
            ("/", "/") => "division that rounds down is written a div b",
            ("|", "|") => "write `or`",
            ("=", ">") => "write `>=`",
            ("=", "<") => "write `<=`",
            ("<", ">") => "write `!=`",
            (_, "where") => "`where` stands inside the brackets of a reduction: sum[j where j < i] ..",
            (_, "->") => "`->` stands inside the brackets of a transform: rfft[x -> k] ..",
            (_, "|") => "`|` stands once, before the value outside: A[i-1 | 0]",
            (_, ";") => "statements are separated by line ends",
            (_, "...") => "`...` is part of einsum strings only: name the indices",
            (_, "if") => "put a conditional inside an expression in parentheses: (if .. then .. else ..)",
            (_, "not") => "put it in parentheses: (not ..)",
            _ => return None,
        };
        Some(
            Diagnostic::new(Code::UnexpectedText, format!("{} cannot stand here", self.found()))
                .label(self.span(), "")
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
                .label(self.span(), expected);
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
        (&[Rule::number, Rule::paren, Rule::expr, Rule::unary, Rule::mul], "an expression"),
        (&[Rule::declaration, Rule::statement, Rule::line], "a statement"),
        (&[Rule::type_name], "an element type such as f32"),
        (&[Rule::name, Rule::binder, Rule::group_member], "a name"),
        (&[Rule::assign, Rule::equals], "`=`"),
        (&[Rule::colon], "`:`"),
        (&[Rule::kw_then], "`then`"),
        (&[Rule::kw_else], "`else`"),
        (&[Rule::arrow], "`->`"),
        (&[Rule::interval], "`[`"),
        (&[Rule::table_number], "a number"),
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

/// Reports the characters of a line that have no meaning, and quotes without a partner.
pub(crate) fn check_characters(source: &str, line: &Line, diagnostics: &mut Vec<Diagnostic>) {
    let mut before: Option<&Token> = None;
    for token in &line.tokens {
        match token.kind {
            TokenKind::Unknown => diagnostics.push(unknown_character(source, before, token)),
            TokenKind::UnclosedText => diagnostics.push(
                Diagnostic::new(Code::UnclosedText, "this text has no closing quote")
                    .label(token.span, "")
                    .help("add `\"` on the same line"),
            ),
            _ => {}
        }
        before = Some(token);
    }
}

fn unknown_character(source: &str, before: Option<&Token>, token: &Token) -> Diagnostic {
    /// What people type, and what .ein wants.
    const REPLACEMENTS: &[(&str, &str)] = &[
        ("×·∗⋅⨯", "write `*`"),
        ("÷∕⁄", "write `/`"),
        ("−–—‐", "write the minus of the keyboard, `-`"),
        ("≤⩽", "write `<=`"),
        ("≥⩾", "write `>=`"),
        ("≠!", "write `!=` for unequal, `not` for negation"),
        ("→⟶⇒", "write `->`"),
        ("∑", "write `sum[j] ..`"),
        ("∏", "write `prod[j] ..`"),
        ("√", "write `sqrt(x)`"),
        ("∞", "write `inf`"),
        ("²³¹⁰⁴⁵⁶⁷⁸⁹", "write `^2`"),
        ("%", "write `a mod b`"),
        ("&∧", "write `and`"),
        ("∨", "write `or`"),
        ("¬~", "write `not`"),
        ("“”‘’'`„", "texts stand between \" and \""),
        ("\u{a0}\u{2007}\u{202f}\u{3000}\u{2003}\u{2009}\u{200b}\u{feff}", "replace it by an ordinary blank"),
        (".", "there are no members; numbers are written 0.5"),
        ("\\", "a line goes on while a bracket is open or the next line is indented"),
        ("?", "a conditional is written if .. then .. else .."),
    ];
    let text = token.text(source);
    let first = text.chars().next().unwrap_or(' ');
    if first == '_' {
        let after_number =
            before.is_some_and(|b| b.kind == TokenKind::Number && b.span.end == token.span.start);
        return if after_number {
            Diagnostic::new(Code::BadNumber, "there are no separators between digits")
                .label(token.span, "")
                .help("remove the `_`")
        } else {
            Diagnostic::new(Code::UnknownCharacter, "a name begins with a letter, not with `_`")
                .label(token.span, "")
                .help("put the `_` at the end of the name, or choose a letter")
        };
    }
    let number = first as u32;
    let message =
        if first.is_control() || first.is_whitespace() || !first.is_ascii() && first.is_alphanumeric() {
            format!("the character U+{number:04X} has no meaning here")
        } else if first.is_ascii() {
            format!("`{first}` has no meaning here")
        } else {
            format!("`{first}` (U+{number:04X}) has no meaning here")
        };
    let diagnostic = Diagnostic::new(Code::UnknownCharacter, message).label(token.span, "");
    match REPLACEMENTS.iter().find(|(characters, _)| characters.contains(first)) {
        Some((_, help)) => diagnostic.help(*help),
        None => diagnostic,
    }
}
