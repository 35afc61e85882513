//! The words of a command line that give operands, parameters and sizes.

use super::{STDIN_ONCE, Source, Word};
use crate::compiler::Number;
use crate::error::{Error, Result};
use std::path::PathBuf;
use tcc_frontend::diagnostic::{Code, Diagnostic};
use tcc_ir::Bindings;

/// What the words of a command line say.
pub struct Words {
    pub(super) named: Vec<(String, Source)>,
    pub(super) packs: Vec<PathBuf>,
}

impl Words {
    /// Reads the words.
    pub fn parse(words: &[String]) -> Result<Words> {
        let mut parsed = Words { named: Vec::new(), packs: Vec::new() };
        let mut wrong = Vec::new();
        for word in words {
            match Word::parse(word) {
                Ok(Word::Named(name, _)) if parsed.named.iter().any(|(known, _)| *known == name) => {
                    let message = format!("`{name}` is given twice");
                    wrong.push(Diagnostic::new(Code::OperandWord, message).help("give it once"));
                }
                Ok(Word::Named(name, Source::Stdin)) if parsed.reads_stdin() => {
                    let message = format!("`{name}` is the second operand from standard input");
                    wrong.push(Diagnostic::new(Code::OperandWord, message).help(STDIN_ONCE));
                }
                Ok(Word::Named(name, source)) => parsed.named.push((name, source)),
                Ok(Word::Pack(path)) => parsed.packs.push(path),
                Err(diagnostic) => wrong.push(*diagnostic),
            }
        }
        if wrong.is_empty() { Ok(parsed) } else { Err(Error::Rejected(wrong)) }
    }

    fn reads_stdin(&self) -> bool {
        self.named.iter().any(|(_, source)| *source == Source::Stdin)
    }

    /// Adds sizes that are not given yet.
    pub fn sizes(&mut self, sizes: &Bindings) {
        for (name, value) in sizes {
            if !self.named.iter().any(|(known, _)| **known == **name) {
                self.named.push((name.to_string(), Source::Integer(*value)));
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.named.len() + self.packs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers among the words.
    pub fn numbers(&self) -> Vec<(String, Number)> {
        let number = |source: &Source| match source {
            Source::Integer(value) => Some(Number::Integer(*value)),
            Source::Number(value, _) => Some(Number::Real(*value)),
            _ => None,
        };
        self.named.iter().filter_map(|(name, source)| Some((name.clone(), number(source)?))).collect()
    }
}
