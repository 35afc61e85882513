//! What a user can do wrong, as plain data: no colours, no rendering, no printing.
//!
//! Every diagnostic has a [`Code`] from the one table in [`crate::codes`].

use crate::ast::Span;
pub use crate::codes::{CODES, Code, CodeInfo};

/// What stands between the message of a run-time check or of a requirement and the fix.
pub const FIX: &str = "; help: ";

/// One message to the author of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Which kind of mistake.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, in one line, with the user's own names and numbers.
    pub message: String,
    /// The places concerned, the most important one first.
    pub labels: Vec<Label>,
    /// How to repair it.
    pub help: Option<String>,
}

/// Whether a program with this diagnostic can go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The program is refused.
    Error,
    /// The program is accepted.
    Warning,
}

/// A place in the source and what to say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Byte offsets into the source.
    pub span: Span,
    /// A few words; may be empty.
    pub text: String,
}

impl Diagnostic {
    /// A diagnostic without labels; the severity follows from the code.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        let severity = code.info().severity();
        Diagnostic { code, severity, message: lines(&message.into()), labels: Vec::new(), help: None }
    }

    /// Adds a place.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: lines(&text.into()) });
        self
    }

    /// Sets the fix.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(lines(&help.into()));
        self
    }

    /// Whether the program is refused.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The text without signs that a terminal obeys instead of showing them: these are escaped. Names of files
/// and of what is in them may hold anything.
pub fn printable(text: &str) -> String {
    let obeyed = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if obeyed(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// As [`printable`], but lines stay lines.
fn lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(printable).collect();
    lines.join("\n")
}

/// The candidate nearest to `word`, when it is near enough to be a slip of the keys. Of several equally
/// near ones the one made of the same letters is preferred (`tahn` is `tanh` rather than `tan`); a
/// single letter is only taken for the same letter in the other case.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let allowed = if length <= 2 { 1 } else { (length / 3).clamp(1, 3) };
    let letters = |word: &str| {
        let mut letters: Vec<char> = word.chars().take(65).collect();
        letters.sort_unstable();
        letters
    };
    let own = letters(word);
    candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| {
            let same = candidate.to_lowercase() == word.to_lowercase();
            (if same { 0 } else { distance(word, candidate, allowed) }, candidate)
        })
        .filter(|(distance, candidate)| {
            *distance <= allowed && *distance < length.min(candidate.chars().count())
        })
        .min_by_key(|(distance, candidate)| (*distance, letters(candidate) != own))
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours between two words; anything above
/// `limit` is reported as `limit + 1`, and very long words are not compared at all.
fn distance(a: &str, b: &str, limit: usize) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(65).collect(), b.chars().take(65).collect());
    if a.len().abs_diff(b.len()) > limit || a.len() > 64 || b.len() > 64 {
        return limit + 1;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replace.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()].min(limit + 1)
}
