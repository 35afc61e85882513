//! Campaigns: generate or mutate, run, judge, keep what did something new.
//!
//! [`Campaign::step`] is one execution. Who drives it reads the clock, stops it, and shows [`Statistics`];
//! nothing here does, so that a seed says everything.

use crate::case::Case;
use crate::choices::{Choices, Random};
use crate::compare::Agreement;
use crate::feedback::Coverage;
use crate::finding::{Finding, Fingerprint};
use crate::generate::{Swarm, case, pipeline};
use crate::mutate::bandit::Bandit;
use crate::mutate::{MUTATORS, Part, apply};
use crate::oracle::{Effort, Judge, judge_as};
use crate::trace;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use tcc_passes::Pipeline;

/// What is mutated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Programs and pipelines together.
    Joint,
    /// Programs only; the pipeline is that of `O2`.
    Program,
    /// Pipelines only; the programs are the first ones.
    Passes,
    /// The bytes that the generator reads.
    Bytes,
}

impl Mode {
    /// All modes with the names users type.
    pub const TABLE: &'static [(Mode, &'static str)] =
        &[(Mode::Joint, "joint"), (Mode::Program, "ir"), (Mode::Passes, "pass"), (Mode::Bytes, "bytes")];

    /// The name users type.
    pub fn name(self) -> &'static str {
        Self::TABLE[self as usize].1
    }

    /// The mode called `name`.
    pub fn from_name(name: &str) -> Option<Mode> {
        Self::TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }
}

/// How mutators and cases are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// By what paid before.
    Bandit,
    /// As Tzer does: cases uniformly; programs until so many mutations in a row brought nothing new, then a
    /// fresh list of passes without repetitions, once.
    Tzer(u32),
}

/// What a campaign does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// What is mutated.
    pub mode: Mode,
    /// How mutators and cases are chosen.
    pub schedule: Schedule,
    /// Whether cases that did something new are kept.
    pub feedback: bool,
    /// Whether workers draw from a part of the tables, another one from time to time.
    pub swarm: bool,
    /// Who says what is wrong.
    pub judge: Judge,
    /// Whether backends run results.
    pub backends: bool,
    /// Where the random numbers begin.
    pub seed: u64,
}

impl Default for Configuration {
    fn default() -> Configuration {
        Configuration {
            mode: Mode::Joint,
            schedule: Schedule::Bandit,
            feedback: true,
            swarm: true,
            judge: Judge::Ours,
            backends: true,
            seed: 0,
        }
    }
}

/// A case that did something new.
struct Entry {
    case: Case,
    /// The bytes it was generated from, in mode [`Mode::Bytes`].
    bytes: Vec<u8>,
    /// Operations, statements and passes.
    size: usize,
    /// How often it was mutated.
    tried: u32,
    /// How often that led to something new.
    paid: u32,
    /// Mutations of the program in a row that brought nothing new.
    failures: u32,
}

impl Entry {
    fn new(case: Case, bytes: Vec<u8>) -> Entry {
        let passes = case.pipeline.graph.len() + case.pipeline.loops.len() + case.schedule.len();
        let size = case.program.size() + passes;
        Entry { case, bytes, size, tried: 0, paid: 0, failures: 0 }
    }
}

/// What a campaign counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Cases that ran.
    pub executions: u64,
    /// Those whose program or operands were refused.
    pub refused: u64,
    /// How comparisons were decided.
    pub agreements: BTreeMap<Agreement, u64>,
    /// Executions that failed.
    pub failures: u64,
    /// How often each mutator was applied, and how often that brought something new.
    pub mutators: BTreeMap<&'static str, (u64, u64)>,
}

impl Statistics {
    /// The share of cases that said something.
    pub fn valid(&self) -> f64 {
        1.0 - self.refused as f64 / self.executions.max(1) as f64
    }

    /// The share of comparisons that decided nothing.
    pub fn undecided(&self) -> f64 {
        let all: u64 = self.agreements.values().sum();
        let undecided = self.agreements.get(&Agreement::Undecided).copied().unwrap_or(0);
        undecided as f64 / all.max(1) as f64
    }
}

/// A failure that was found, with the first case that showed it.
#[derive(Clone, Debug)]
pub struct Found {
    /// The failure.
    pub finding: Finding,
    /// The case.
    pub case: Case,
    /// After how many executions.
    pub execution: u64,
    /// How many cases showed it.
    pub count: u64,
}

/// A campaign.
pub struct Campaign {
    /// What it does.
    pub configuration: Configuration,
    /// What it counted.
    pub statistics: Statistics,
    /// What all executions together did.
    pub coverage: Coverage,
    /// The failures, in the order in which they were found.
    pub found: IndexMap<Fingerprint, Found>,
    random: Random,
    swarm: Swarm,
    corpus: Vec<Entry>,
    bandit: Bandit,
    current: usize,
}

/// Bytes from which a case is generated.
const GENERATOR_BYTES: usize = 400;
/// Most cases that are kept.
const CORPUS_LIMIT: usize = 4096;
/// Most cases that are kept where nothing says which ones are worth it.
const WITHOUT_FEEDBACK: usize = 32;
/// Cases from which the mode [`Mode::Passes`] takes its programs.
const FIRST_PROGRAMS: usize = 12;
/// A case of this size costs about twice what the execution of any case costs.
const USUAL_SIZE: f64 = 8.0;
/// One in this many cases that did something new is asked about by all oracles.
const ALL_OF: u64 = 8;
/// How many of 100 executions begin with a new case.
const FRESH: u64 = 20;
/// After how many executions another part of the tables is drawn from.
const SWARM_LENGTH: u64 = 5000;

/// What one step did.
pub struct Step {
    /// How many things no execution before did.
    pub new: usize,
    /// The fingerprint, if the case failed in a way that no case before did.
    pub found: Option<Fingerprint>,
}

impl Campaign {
    /// A campaign that has done nothing.
    pub fn new(configuration: Configuration) -> Campaign {
        Campaign {
            configuration,
            statistics: Statistics::default(),
            coverage: Coverage::default(),
            found: IndexMap::new(),
            random: Random(configuration.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x7cc),
            swarm: Swarm::default(),
            corpus: Vec::new(),
            bandit: Bandit::new(MUTATORS.len()),
            current: 0,
        }
    }

    /// Adds a case to start from.
    pub fn add(&mut self, case: Case) {
        self.corpus.push(Entry::new(case, Vec::new()));
    }

    /// The cases that did something new.
    pub fn corpus(&self) -> impl Iterator<Item = &Case> {
        self.corpus.iter().map(|entry| &entry.case)
    }

    /// Generates or mutates one case, runs it and judges it.
    pub fn step(&mut self) -> Step {
        self.step_watched(&mut |_| ())
    }

    /// As [`Campaign::step`]; `watch` sees the case before it runs, so that it is known if nothing comes after.
    pub fn step_watched(&mut self, watch: &mut dyn FnMut(&Case)) -> Step {
        if self.configuration.swarm && self.statistics.executions.is_multiple_of(SWARM_LENGTH) {
            self.swarm = Swarm::random(self.random.word(), self.random.word());
        }
        let (mut case, bytes, parent, arms) = self.next();
        if !self.configuration.backends {
            case.backends.clear();
        }
        watch(&case);
        let trace = trace::run(&case);
        let new = self.coverage.add(&trace) + self.edges();
        // At first nearly everything is new: some of it is looked at with all means.
        let all = new > 0 && self.statistics.executions.is_multiple_of(ALL_OF);
        let effort = if all { Effort::All } else { Effort::Usual };
        let verdict = judge_as(self.configuration.judge, &case, &trace, effort);
        self.statistics.executions += 1;
        self.statistics.refused += u64::from(verdict.refused.is_some());
        for agreement in &verdict.agreements {
            *self.statistics.agreements.entry(*agreement).or_default() += 1;
        }
        self.learn(new > 0, parent, &arms);
        // What failed is found again and again by its children, if it has any.
        let holds = verdict.finding.is_none() && verdict.refused.is_none();
        let found = verdict.finding.and_then(|finding| self.note(finding, &case));
        let keep = match self.configuration.feedback {
            true => new > 0,
            // Without feedback the last generated cases are mutated, whatever they did.
            false => parent.is_none(),
        };
        if holds && keep {
            self.keep(case, bytes);
        }
        Step { new, found }
    }

    #[cfg(not(feature = "edges"))]
    fn edges(&mut self) -> usize {
        0
    }

    #[cfg(feature = "edges")]
    fn edges(&mut self) -> usize {
        self.coverage.add_edges(crate::edges::take().into_iter())
    }

    /// The next case, the bytes it was made from, the entry it comes from, and the mutators that made it.
    fn next(&mut self) -> (Case, Vec<u8>, Option<usize>, Vec<usize>) {
        let few = match self.configuration.mode {
            Mode::Passes => FIRST_PROGRAMS,
            _ => 1,
        };
        let fixed = self.configuration.mode == Mode::Passes && self.corpus.len() >= few;
        let fresh = self.corpus.len() < few || !fixed && self.random.below(100) < FRESH;
        if fresh {
            let mut bytes = vec![0; GENERATOR_BYTES];
            self.random.fill(&mut bytes);
            let case = self.generated(&bytes);
            // The first programs of the mode that mutates passes are kept whatever they do.
            if self.configuration.mode == Mode::Passes {
                self.keep(case.clone(), Vec::new());
            }
            return (case, bytes, None, Vec::new());
        }
        let parent = self.parent();
        if self.configuration.mode == Mode::Bytes {
            let mut bytes = self.corpus[parent].bytes.clone();
            self.mutate_bytes(&mut bytes);
            return (self.generated(&bytes), bytes, Some(parent), Vec::new());
        }
        let (case, arms) = match self.configuration.schedule {
            Schedule::Bandit => self.mutate(parent),
            Schedule::Tzer(limit) => self.mutate_as_tzer(parent, limit),
        };
        (case, Vec::new(), Some(parent), arms)
    }

    fn generated(&self, bytes: &[u8]) -> Case {
        let mut case = case(&mut Choices::new(bytes), self.swarm);
        if self.configuration.mode == Mode::Program {
            case.pipeline = Pipeline::level("O2").unwrap_or_default();
            case.schedule.clear();
        }
        case
    }

    /// The entry to be mutated: one that paid more often than others, was tried less, or costs less to run.
    fn parent(&mut self) -> usize {
        let draw = |random: &mut Random, count: usize| random.below(count as u64) as usize;
        let count = self.corpus.len();
        if let Schedule::Tzer(_) = self.configuration.schedule {
            // A case is mutated until its program brought nothing new too often.
            let entry = self.corpus.get(self.current);
            if entry.is_none_or(|entry| entry.failures == 0) {
                self.current = draw(&mut self.random, count);
            }
            return self.current;
        }
        let energy = |entry: &Entry| {
            let cost = 1.0 + entry.size as f64 / USUAL_SIZE;
            (f64::from(entry.paid) + 1.0) / (f64::from(entry.tried) + 4.0) / cost
        };
        let (a, b) = (draw(&mut self.random, count), draw(&mut self.random, count));
        if energy(&self.corpus[a]) >= energy(&self.corpus[b]) { a } else { b }
    }

    fn mutate(&mut self, parent: usize) -> (Case, Vec<usize>) {
        let mode = self.configuration.mode;
        let allowed = |at: usize| match mode {
            Mode::Joint | Mode::Bytes => true,
            Mode::Program => MUTATORS[at].part != Part::Passes,
            Mode::Passes => MUTATORS[at].part != Part::Program,
        };
        let mut case = self.corpus[parent].case.clone();
        let other = self.corpus[self.random.below(self.corpus.len() as u64) as usize].case.clone();
        let mut arms = Vec::new();
        let mut bytes = [0; 64];
        // Mostly one or two changes at a time; those that do not fit are replaced.
        let wanted = 1 + self.random.below(8).saturating_sub(4).min(3) as usize;
        for _ in 0..12 {
            if arms.len() >= wanted {
                break;
            }
            let arm = match self.configuration.feedback {
                true => self.bandit.choose(&mut self.random, allowed),
                false => Some(self.random.below(MUTATORS.len() as u64) as usize).filter(|at| allowed(*at)),
            };
            let Some(arm) = arm else { continue };
            self.random.fill(&mut bytes);
            let mutated =
                crate::panics::catch(|| apply(&case, &MUTATORS[arm], &mut Choices::new(&bytes), &other));
            if let Ok(Some(mutated)) = mutated {
                case = mutated;
                arms.push(arm);
            }
        }
        (case, arms)
    }

    /// One step of Tzer's schedule.
    fn mutate_as_tzer(&mut self, parent: usize, limit: u32) -> (Case, Vec<usize>) {
        if self.corpus[parent].failures < limit {
            let (case, arms) = self.mutate_parts(parent, Part::Program);
            return (case, arms);
        }
        self.corpus[parent].failures = 0;
        let mut case = self.corpus[parent].case.clone();
        let mut bytes = [0; 128];
        self.random.fill(&mut bytes);
        let mut choices = Choices::new(&bytes);
        case.pipeline = pipeline::fresh(&mut choices);
        case.schedule.clear();
        (case, Vec::new())
    }

    fn mutate_parts(&mut self, parent: usize, part: Part) -> (Case, Vec<usize>) {
        let case = self.corpus[parent].case.clone();
        let other = self.corpus[self.random.below(self.corpus.len() as u64) as usize].case.clone();
        let arms: Vec<usize> = (0..MUTATORS.len()).filter(|at| MUTATORS[*at].part == part).collect();
        let mut bytes = [0; 64];
        for _ in 0..12 {
            let arm = arms[self.random.below(arms.len() as u64) as usize];
            self.random.fill(&mut bytes);
            if let Ok(Some(mutated)) =
                crate::panics::catch(|| apply(&case, &MUTATORS[arm], &mut Choices::new(&bytes), &other))
            {
                return (mutated, vec![arm]);
            }
        }
        (case, Vec::new())
    }

    fn mutate_bytes(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            bytes.resize(GENERATOR_BYTES, 0);
        }
        for _ in 0..1 + self.random.below(4) {
            let at = self.random.below(bytes.len() as u64) as usize;
            match self.random.below(4) {
                0 => bytes[at] ^= 1 << self.random.below(8),
                1 => bytes[at] = self.random.word() as u8,
                2 if bytes.len() < 2 * GENERATOR_BYTES => bytes.insert(at, self.random.word() as u8),
                _ if bytes.len() > 8 => {
                    bytes.remove(at);
                }
                _ => bytes[at] = bytes[at].wrapping_add(1),
            }
        }
    }

    /// Tells arms and entries how a step went.
    fn learn(&mut self, paid: bool, parent: Option<usize>, arms: &[usize]) {
        for &arm in arms {
            self.bandit.reward(arm, paid);
            let counts = self.statistics.mutators.entry(MUTATORS[arm].name).or_default();
            *counts = (counts.0 + 1, counts.1 + u64::from(paid));
        }
        if let Some(entry) = parent.and_then(|parent| self.corpus.get_mut(parent)) {
            entry.tried += 1;
            entry.paid += u32::from(paid);
            entry.failures = if paid { 0 } else { entry.failures + 1 };
        }
    }

    fn keep(&mut self, case: Case, bytes: Vec<u8>) {
        if !self.configuration.feedback && self.corpus.len() >= WITHOUT_FEEDBACK {
            let oldest = self.statistics.executions as usize % self.corpus.len();
            self.corpus.swap_remove(oldest);
        }
        if self.corpus.len() >= CORPUS_LIMIT {
            // The one of a few that paid least gives way.
            let rate = |entry: &Entry| (entry.paid + 1) as f64 / (entry.tried + 1) as f64;
            let drawn: Vec<usize> = (0..4).map(|_| self.random.below(CORPUS_LIMIT as u64) as usize).collect();
            let worst =
                drawn.into_iter().min_by(|a, b| rate(&self.corpus[*a]).total_cmp(&rate(&self.corpus[*b])));
            self.corpus.swap_remove(worst.unwrap_or(0));
        }
        self.corpus.push(Entry::new(case, bytes));
    }

    /// Notes a failure; its fingerprint if it is a new one.
    fn note(&mut self, finding: Finding, case: &Case) -> Option<Fingerprint> {
        self.statistics.failures += 1;
        let fingerprint = finding.fingerprint.clone();
        if let Some(known) = self.found.get_mut(&fingerprint) {
            known.count += 1;
            return None;
        }
        let execution = self.statistics.executions;
        self.found.insert(fingerprint.clone(), Found { finding, case: case.clone(), execution, count: 1 });
        Some(fingerprint)
    }
}
