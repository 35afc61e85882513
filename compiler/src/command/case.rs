//! Arguments that name what fails: a case of the fuzzer, or a program with the passes that make it wrong.

use super::bench::parse_seconds;
use super::child::Judge;
use super::program::{ProgramArguments, read_source};
use super::session::{Exit, Failure, Session};
use crate::Source;
use crate::operand::bind::Missing;
use clap::Args;
use std::path::Path;
use std::time::Duration;
use tcc_frontend::diagnostic::{Code, Diagnostic};
use tcc_fuzz::case::{Case, Class, InputSpec, Program};
use tcc_fuzz::{Finding, Verdict, trace};

/// What a case begins with.
const CASE: &str = "test fuzz =";

/// Seeds of operands that are tried for a program, with each class of numbers.
const SEEDS: u64 = 4;

/// A case, or a program.
#[derive(Args)]
pub struct CaseArguments {
    #[command(flatten)]
    program: ProgramArguments,
    /// What running it may take.
    #[command(flatten)]
    pub limits: CaseLimits,
}

/// What running a case may take.
#[derive(Args)]
pub struct CaseLimits {
    /// After how many seconds without an answer of the process that runs a case that is a hang
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = parse_seconds, help_heading = "Limits")]
    timeout: f64,
}

impl CaseLimits {
    /// Who runs cases, in a process of its own.
    pub fn judge(&self) -> Judge {
        Judge::new(Duration::from_secs_f64(self.timeout))
    }
}

/// Why there is no failure to look into, as a line for people, and how the command ends.
pub struct Nothing(pub String, pub Exit);

/// A case and what it is called.
pub struct Named {
    /// The case.
    pub case: Case,
    /// Its file.
    pub name: String,
    /// Whether it was made of a program: its operands are made up.
    pub from_program: bool,
}

/// Reads a file that has to be a case.
pub fn read_case(file: &str) -> Result<Case, Failure> {
    parsed(&read_source(file)?)
}

fn parsed(source: &Source) -> Result<Case, Failure> {
    source.text.parse().map_err(|error| {
        let message = format!("`{}` is no case: {error}", source.name);
        let help = "a case is what `tcc fuzz` and `tcc reduce` write";
        Box::new(Diagnostic::new(Code::FileMalformed, message).help(help)).into()
    })
}

impl CaseArguments {
    /// Reads the case, or makes one of the program and its options.
    pub fn named(&self, session: &Session) -> Result<Named, Failure> {
        let file = self.program.only_word().filter(|word| Path::new(word).is_file());
        if let Some(file) = file {
            let source = read_source(file)?;
            if source.text.starts_with(CASE) {
                return Ok(Named { case: parsed(&source)?, name: file.into(), from_program: false });
            }
        }
        let (loaded, bound) = self.program.bind(session, Missing::MakeUp)?;
        let context = loaded.compiler.context(&bound.bindings);
        let graph = &loaded.program.graph;
        // A text stays one if nothing on the command line is needed to understand it.
        let text = &loaded.source.text;
        let alone = trace::compile(text).is_ok_and(|compiled| compiled == *graph);
        let program = if alone { Program::Source(text.clone()) } else { Program::Graph(graph.clone()) };
        let backend = loaded.compiler.target()?.name;
        let symbols = |name: &str| graph.symbols.iter().any(|symbol| &*symbol.name == name);
        let case = Case {
            pipeline: loaded.compiler.passes().clone(),
            sizes: bound
                .bindings
                .iter()
                .filter(|(name, _)| symbols(name))
                .map(|(n, s)| (n.clone(), *s))
                .collect(),
            known: true,
            contract: context.contract,
            memory: context.memory,
            backends: if backend == "interp" { Vec::new() } else { vec![backend] },
            fuel: context.fuel_left(),
            ..Case::new(program)
        };
        Ok(Named { case, name: loaded.source.name, from_program: true })
    }
}

impl Named {
    /// What the oracles say. The operands of a program are made up in several ways until one fails.
    pub fn judge(&mut self, judge: &mut Judge) -> Result<Verdict, Failure> {
        let specs: Vec<InputSpec> = match self.from_program {
            false => vec![self.case.inputs],
            true => (0..SEEDS)
                .flat_map(|seed| Class::TABLE.iter().map(move |(class, _)| InputSpec { class: *class, seed }))
                .collect(),
        };
        let mut last = Verdict::default();
        for inputs in specs {
            let case = Case { inputs, ..self.case.clone() };
            let verdict = judge.check(&case)?;
            if verdict.finding.is_some() {
                self.case = case;
                return Ok(verdict);
            }
            last = verdict;
        }
        Ok(last)
    }

    /// The failure, or that there is none.
    pub fn failure(
        &mut self,
        session: &Session,
        judge: &mut Judge,
    ) -> Result<Result<Finding, Nothing>, Failure> {
        let verdict = self.judge(judge)?;
        Ok(match (verdict.finding, verdict.refused) {
            (Some(finding), _) => Ok(finding),
            (None, Some(refused)) => {
                session.hint("smaller sizes are evaluated: `n=4` after the program");
                Err(Nothing(format!("{}: not judged: {refused}", self.name), Exit::Rejected))
            }
            (None, None) => Err(Nothing(format!("{}: every oracle holds", self.name), Exit::Fine)),
        })
    }

    /// That a case which failed does so no more.
    pub fn fails_no_more(&self) -> Nothing {
        Nothing(format!("{}: it fails no more", self.name), Exit::Rejected)
    }
}
