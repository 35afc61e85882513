//! Cases as text, both ways: a file of `tests/filetests/fuzz`.
//!
//! ```text
//! test fuzz = "canonicalize, cse | fuse, tile(4)"   the pipeline
//! schedule = "unroll(2)"                            loop passes before those of the pipeline
//! bind n = 4                                        a size that passes are told
//! size m = 3                                        a size that they are not told
//! contract = strict
//! memory = 4096
//! fuel = 7                                          rewrites after which passes stop
//! inputs = exact 17                                 class and seed of the operands
//! backends = cranelift
//! chaos = 0510
//!
//! graph @g(..) { .. }                               or loops, or equations
//! ----
//! holds
//! ```
//!
//! Only the first line and the program have to be there. What stands after `----` is not part of the
//! case: it says what every oracle must say of it.

use crate::case::{Case, Class, Program};
use std::fmt;
use std::str::FromStr;
use tcc_backends::BACKENDS;
use tcc_passes::{Contract, Pipeline};
use thiserror::Error;

/// A text that is no case; what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct CaseError(pub String);

/// The line between a case and what must come out.
pub const SEPARATOR: &str = "\n----\n";

/// What stands after the separator of a case of which every oracle holds.
pub const HOLDS: &str = "holds";

/// The test that a case is: every oracle holds, which is true once its bug is fixed.
pub fn regression(case: &Case) -> String {
    format!("{}{SEPARATOR}{HOLDS}\n", case.to_string().trim_end())
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "test fuzz = \"{}\"", self.pipeline)?;
        if !self.schedule.is_empty() {
            let steps: Vec<String> = self.schedule.iter().map(ToString::to_string).collect();
            writeln!(f, "schedule = \"{}\"", steps.join(", "))?;
        }
        let word = if self.known { "bind" } else { "size" };
        for (name, size) in &self.sizes {
            writeln!(f, "{word} {name} = {size}")?;
        }
        writeln!(f, "contract = {}", self.contract.name())?;
        if let Some(memory) = self.memory {
            writeln!(f, "memory = {memory}")?;
        }
        if let Some(fuel) = self.fuel {
            writeln!(f, "fuel = {fuel}")?;
        }
        writeln!(f, "inputs = {} {}", self.inputs.class.name(), self.inputs.seed)?;
        if !self.backends.is_empty() {
            writeln!(f, "backends = {}", self.backends.join(", "))?;
        }
        if !self.chaos.is_empty() {
            let bytes: String = self.chaos.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(f, "chaos = {bytes}")?;
        }
        f.write_str("\n")?;
        match &self.program {
            Program::Source(text) => f.write_str(text),
            Program::Graph(graph) => write!(f, "{graph}"),
            Program::Loops(func) => write!(f, "{func}"),
        }
    }
}

impl FromStr for Case {
    type Err = CaseError;

    fn from_str(text: &str) -> Result<Case, CaseError> {
        let before = text.split_once(SEPARATOR).map_or(text, |(before, _)| before);
        let (header, program) =
            before.split_once("\n\n").ok_or_else(|| CaseError("no empty line after the header".into()))?;
        let mut lines = header.lines();
        let first = lines.next().and_then(|line| line.strip_prefix("test fuzz ="));
        let first = first.ok_or_else(|| CaseError("the first line is not `test fuzz = ..`".into()))?;
        let mut case = Case::new(read_program(program.trim_start())?);
        case.pipeline = pipeline(first)?;
        for line in lines {
            setting(&mut case, line).map_err(|message| CaseError(format!("{message}: {line}")))?;
        }
        Ok(case)
    }
}

fn pipeline(text: &str) -> Result<Pipeline, CaseError> {
    Pipeline::parse(text.trim().trim_matches('"')).map_err(|error| CaseError(error.to_string()))
}

fn read_program(text: &str) -> Result<Program, CaseError> {
    let broken = |error: tcc_ir::ParseError| CaseError(format!("the program: {error}"));
    if text.starts_with("graph ") {
        return text.parse().map(Program::Graph).map_err(broken);
    }
    if text.starts_with("func ") {
        return text.parse().map(Program::Loops).map_err(broken);
    }
    Ok(Program::Source(text.to_owned()))
}

/// Reads one line of the header after the first.
fn setting(case: &mut Case, line: &str) -> Result<(), String> {
    let (name, value) = line.split_once('=').ok_or("expected `name = value`")?;
    let (name, value) = (name.trim(), value.trim());
    if let Some((word, symbol)) = name.split_once(' ') {
        case.known = match word {
            "bind" => true,
            "size" => false,
            _ => return Err("no such setting".into()),
        };
        let size = value.parse().map_err(|_| "not an integer")?;
        case.sizes.insert(symbol.trim().into(), size);
        return Ok(());
    }
    match name {
        "schedule" => {
            let text = format!("| {}", value.trim_matches('"'));
            case.schedule = pipeline(&text).map_err(|error| error.0)?.loops;
        }
        "contract" => case.contract = Contract::from_name(value).ok_or("no such contract")?,
        "memory" => case.memory = Some(value.parse().map_err(|_| "not a number of bytes")?),
        "fuel" => case.fuel = Some(value.parse().map_err(|_| "not a number of rewrites")?),
        "inputs" => {
            let (class, seed) = value.split_once(' ').unwrap_or((value, "0"));
            case.inputs.class = Class::from_name(class).ok_or("no such class")?;
            case.inputs.seed = seed.trim().parse().map_err(|_| "not a seed")?;
        }
        "backends" => {
            let known = |name: &str| BACKENDS.iter().find(|row| row.name == name.trim()).map(|row| row.name);
            case.backends = value.split(',').map(known).collect::<Option<_>>().ok_or("no such backend")?;
        }
        "chaos" => case.chaos = bytes(value).ok_or("not pairs of hexadecimal digits")?,
        _ => return Err("no such setting".into()),
    }
    Ok(())
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
test fuzz = \"canonicalize, cse | tile(4)\"
schedule = \"unroll(2)\"
bind n = 4
contract = strict
memory = 4096
fuel = 7
inputs = wrap 17
backends = cranelift
chaos = 0510

graph @g(n; %x: f32[i:n]) {
  %0 = neg %x : f32[i:n]
  return y = %0[i]
}
";

    #[test]
    fn text_reads_back_as_it_was() {
        let case: Case = TEXT.parse().expect("a case");
        assert_eq!(case.to_string(), TEXT);
        let test = regression(&case);
        assert!(test.ends_with("}\n----\nholds\n"), "{test}");
        assert_eq!(test.parse(), Ok(case));
    }

    #[test]
    fn wrong_lines_are_named() {
        let wrong = |from: &str, to: &str| TEXT.replacen(from, to, 1).parse::<Case>().expect_err(to).0;
        assert!(wrong("memory", "money").contains("no such setting: money = 4096"));
        assert!(wrong("tile(4)", "tail(4)").contains("did you mean `tile`"));
        assert!(wrong("0510", "051").contains("hexadecimal"));
        assert!(wrong("neg", "nag").contains("the program"));
        assert!("test fuzz = \"|\"".parse::<Case>().is_err());
    }
}
