//! Options as text: words as on the command line.

use compiler::operand::{Source as Operand, Word, parse_size};
use compiler::{Compiler, Contract, Error, Kernel, Number, Source};

/// What a program is compiled with.
#[derive(Default)]
pub struct Options {
    compiler: Compiler,
    /// Whether the text is an expression or an einsum string.
    pub expression: bool,
    numbers: Vec<(String, Number)>,
}

/// One option: its name, and what its value does.
type Row = (&'static str, fn(Compiler, &str) -> Result<Compiler, Error>);

/// The options that take a value: `--name VALUE` or `--name=VALUE`.
const OPTIONS: &[Row] = &[
    ("level", |compiler, level| compiler.level(level)),
    ("backend", |compiler, name| compiler.backend(name)),
    ("fp", |compiler, name| match Contract::from_name(name) {
        Some(contract) => Ok(compiler.contract(contract)),
        None => wrong(format!("no contract `{name}`; there are strict, reassoc and fast")),
    }),
    ("memory", |compiler, bytes| match parse_size(bytes) {
        Ok(bytes) => Ok(compiler.memory_limit(bytes)),
        Err(why) => wrong(format!("`--memory {bytes}`: {why}")),
    }),
    ("type", |compiler, name| match name {
        "f32" | "f64" => Ok(compiler.double_precision(name == "f64")),
        _ => wrong(format!("`--type {name}`: the types are f32 and f64")),
    }),
];

/// Reads options: `-O3 --fp strict n=64`.
pub fn parse(text: &str) -> Result<Options, Error> {
    let mut options = Options::default();
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        if let Some(level) = word.strip_prefix("-O") {
            options.compiler = options.compiler.level(level)?;
        } else if word == "--expression" {
            options.expression = true;
        } else if let Some(option) = word.strip_prefix("--") {
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (option, words.next()),
            };
            let Some((_, apply)) = OPTIONS.iter().find(|(known, _)| *known == name) else {
                let known: Vec<&str> = OPTIONS.iter().map(|(name, _)| *name).collect();
                return wrong(format!(
                    "no option `--{name}`; there are --{}, --expression",
                    known.join(", --")
                ));
            };
            let Some(value) = value else { return wrong(format!("`--{name}` needs a value")) };
            options.compiler = apply(options.compiler, value)?;
        } else {
            options.numbers.push(number(word)?);
        }
    }
    Ok(options)
}

fn number(word: &str) -> Result<(String, Number), Error> {
    match Word::parse(word) {
        Ok(Word::Named(name, Operand::Integer(value))) => Ok((name, Number::Integer(value))),
        Ok(Word::Named(name, Operand::Number(value, _))) => Ok((name, Number::Real(value))),
        Ok(_) => wrong(format!("`{word}`: a size or parameter is written NAME=NUMBER")),
        Err(diagnostic) => wrong(diagnostic.message),
    }
}

fn wrong<T>(message: String) -> Result<T, Error> {
    Err(Error::Argument(message))
}

impl Options {
    /// Compiles a text.
    pub fn compile(&self, text: &str) -> Result<Kernel, Error> {
        let name = if self.expression { "expression" } else { "program" };
        let source = Source { name: name.into(), text: text.into(), expression: self.expression };
        self.compiler.compile_with(source, &self.numbers)
    }
}
