//! Findings as files of `tests/filetests`.

use crate::case::{Case, Program};
use crate::finding::Finding;
use crate::text::{HOLDS, SEPARATOR};

/// A file for a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regression {
    /// The path below `tests/filetests`: by the stage, and the fingerprint.
    pub path: String,
    /// The contents: the case, and that every oracle holds, which is true once the bug is fixed.
    pub text: String,
}

/// The regression test for a finding; the case is best reduced before.
pub fn regression(case: &Case, finding: &Finding) -> Regression {
    let word = |text: &str| -> String {
        text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect()
    };
    let path = format!("fuzz/{}/{}.tcc", word(&finding.fingerprint.stage), finding.id());
    let program = case.to_string();
    Regression { path, text: format!("{}{SEPARATOR}{HOLDS}\n", program.trim_end()) }
}

/// The same as a file that shows what one pass makes of one program, to be blessed: for a case whose pipeline
/// is passes of one level. `None` for others.
pub fn pass_test(case: &Case) -> Option<String> {
    let steps: Vec<String> = match &case.program {
        Program::Graph(_) if case.loop_steps().next().is_none() => {
            case.pipeline.graph.iter().map(ToString::to_string).collect()
        }
        Program::Loops(_) => case.loop_steps().map(ToString::to_string).collect(),
        Program::Source(_) | Program::Graph(_) => return None,
    };
    let mut header = format!("test passes = \"{}\"\n", steps.join(", "));
    if case.known {
        for (name, size) in &case.sizes {
            header.push_str(&format!("bind {name} = {size}\n"));
        }
    }
    if case.contract != tcc_passes::Contract::default() {
        header.push_str(&format!("contract = {}\n", case.contract.name()));
    }
    if let Some(memory) = case.memory {
        header.push_str(&format!("memory = {memory}\n"));
    }
    let program = match &case.program {
        Program::Graph(graph) => graph.to_string(),
        Program::Loops(func) => func.to_string(),
        Program::Source(_) => return None,
    };
    Some(format!("{header}\n{}{SEPARATOR}", program.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regression_reads_back_as_the_case() {
        let text = "test fuzz = \"cse |\"\ncontract = strict\ninputs = exact 3\n\n\
            graph @g(%x: f64[i:2]) {\n  %0 = neg %x : f64[i:2]\n  return y = %0[i]\n}\n";
        let case: Case = text.parse().expect("a case");
        let finding = Finding::new("meaning", "cse", 1, "another value");
        let file = regression(&case, &finding);
        assert!(file.path.starts_with("fuzz/cse/"), "{}", file.path);
        assert_eq!(file.text.parse(), Ok(case.clone()));
        let test = pass_test(&case).expect("a test of one pass");
        assert!(test.starts_with("test passes = \"cse\"\ncontract = strict\n\ngraph"), "{test}");
    }
}
