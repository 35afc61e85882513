//! What an oracle reports: where the compiler went wrong, and by which name the failure goes.

use std::fmt;

/// The name of a failure: two failures with one fingerprint are taken to be one bug, and reducing keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint {
    /// The oracle that said no.
    pub oracle: &'static str,
    /// The pass, rule or backend at which it did; `frontend`, `lower`.
    pub stage: String,
    /// What went wrong, without numbers and names of the case: a place in the sources for a panic.
    pub kind: String,
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.oracle, self.stage, self.kind)
    }
}

/// One failure.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Its name.
    pub fingerprint: Fingerprint,
    /// Which stage: 0 is the program itself, then one for each pass; the lowering counts.
    pub position: usize,
    /// What is wrong, for people.
    pub message: String,
}

impl Finding {
    /// A finding at a stage. Its kind is the message up to the first colon, without numbers and names.
    pub fn new(oracle: &'static str, stage: &str, position: usize, message: impl Into<String>) -> Finding {
        let message = message.into();
        let kind = kind(&message);
        Finding { fingerprint: Fingerprint { oracle, stage: stage.to_owned(), kind }, position, message }
    }

    /// A short name for files: a hash of the fingerprint.
    pub fn id(&self) -> String {
        format!("{:08x}", crate::choices::hash(&self.fingerprint.to_string()) as u32)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (stage {})\n{}", self.fingerprint, self.position, self.message)
    }
}

/// A message without what differs between two cases of one bug: the first line, each quoted name, each
/// bracket and each number by one sign, dtypes by their kind.
fn kind(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let mut kind = String::new();
    let (mut quoted, mut depth) = (false, 0usize);
    for c in line.chars().take(400) {
        match c {
            '`' => {
                quoted = !quoted;
                kind.push('`');
            }
            _ if quoted => {}
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            '0'..='9' => {
                if !kind.ends_with('0') {
                    kind.push('0');
                }
            }
            c => kind.push(c),
        }
    }
    let plain = |word: &str| match word.trim_matches([',', ':']) {
        "i0" | "u0" | "f0" | "bf0" | "c0" | "bool" => "a dtype".to_owned(),
        _ if word.starts_with('%') => "a value".to_owned(),
        // Names that passes made: `y.acc`.
        trimmed if trimmed.trim_end_matches('.').contains('.') && !trimmed.contains('/') => {
            "a name".to_owned()
        }
        _ => word.to_owned(),
    };
    kind.split(' ').map(plain).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_do_not_make_another_bug() {
        let one = Finding::new("checked", "tile", 3, "index 17 is outside of `A.1`, which has 5");
        let two = Finding::new("checked", "tile", 9, "index 4 is outside of `out`, which has 3");
        assert_eq!(one.fingerprint, two.fingerprint);
        let other = Finding::new("checked", "unroll", 3, "index 17 is outside of `A.1`, which has 5");
        assert_ne!(one.fingerprint, other.fingerprint);
    }
}
