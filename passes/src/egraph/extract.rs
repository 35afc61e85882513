//! Choosing one term for each class so that the whole graph is cheap: greedy, counting shared values once.
//!
//! For each class the set of classes that its best term needs is kept, and the cost of that set is the
//! cost of the term. Sets only become cheaper, so this comes to an end; what is left to chance is
//! decided by a total order: a term of the given program before a new one, then the order of terms.

use super::analysis::Graphs;
use super::cost::{Sizes, term_cycles};
use super::language::Term;
use egg::Id;
use indexmap::{IndexMap, IndexSet};

/// Most sweeps over all classes.
const SWEEPS: usize = 12;

/// Most single changes that are tried after the greedy choice.
const TRIALS: usize = 64;

/// A difference that counts.
const RELATIVE: f64 = 1e-9;

/// The classes that can be reached from the roots, and their terms with their costs.
pub struct Candidates {
    numbers: IndexMap<Id, usize>,
    terms: Vec<Vec<Candidate>>,
    roots: Vec<usize>,
}

struct Candidate {
    term: Term,
    operands: Vec<usize>,
    cycles: f64,
    original: bool,
}

/// A chosen term for each class.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice(Vec<Option<usize>>);

/// A set of classes.
#[derive(Clone, PartialEq)]
struct Set(Vec<u64>);

impl Set {
    fn insert(&mut self, number: usize) {
        self.0[number / 64] |= 1 << (number % 64);
    }

    fn contains(&self, number: usize) -> bool {
        self.0[number / 64] >> (number % 64) & 1 == 1
    }

    fn unite(&mut self, other: &Set) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    /// The members of `other` that this set lacks.
    fn lacks(&self, other: &Set) -> impl Iterator<Item = usize> + use<> {
        let words: Vec<u64> = self.0.iter().zip(&other.0).map(|(own, other)| other & !own).collect();
        words.into_iter().enumerate().flat_map(|(position, word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    position * 64 + bit
                })
            })
        })
    }
}

impl Candidates {
    /// All terms that can be chosen; `original` tells those of the given program.
    pub fn new(graphs: &Graphs, sizes: &Sizes, roots: &[Id], original: &dyn Fn(&Term) -> bool) -> Candidates {
        let mut numbers: IndexMap<Id, usize> = IndexMap::new();
        let mut stack: Vec<Id> = roots.iter().rev().map(|&root| graphs.find(root)).collect();
        while let Some(class) = stack.pop() {
            if numbers.contains_key(&class) {
                continue;
            }
            numbers.insert(class, numbers.len());
            for term in graphs[class].iter() {
                stack.extend(term.operands.iter().map(|&operand| graphs.find(operand)));
            }
        }
        let number = |id: Id| numbers.get(&graphs.find(id)).copied();
        let candidate = |class: Id, term: &Term| -> Option<Candidate> {
            Some(Candidate {
                term: term.clone(),
                operands: term.operands.iter().map(|&operand| number(operand)).collect::<Option<_>>()?,
                cycles: term_cycles(graphs, sizes, term, &graphs[class].data.ty),
                original: original(term),
            })
        };
        let terms = numbers
            .keys()
            .map(|&class| graphs[class].iter().filter_map(|term| candidate(class, term)).collect())
            .collect();
        let roots = roots.iter().filter_map(|&root| number(root)).collect();
        Candidates { numbers, terms, roots }
    }

    /// The term that a choice gives a class.
    pub fn chosen(&self, choice: &Choice, class: Id) -> Option<Term> {
        let &number = self.numbers.get(&class)?;
        Some(self.terms[number][choice.0[number]?].term.clone())
    }

    /// The classes that the roots need under a choice, operands first; `None` if it has a cycle.
    pub fn needed(&self, choice: &Choice) -> Option<Vec<Id>> {
        let order = self.order(choice)?;
        Some(order.iter().filter_map(|&number| Some(*self.numbers.get_index(number)?.0)).collect())
    }

    /// Whether a class is computed by a term that the given program does not have.
    pub fn is_new(&self, choice: &Choice, class: Id) -> bool {
        let candidate = self.numbers.get(&class).and_then(|&n| Some(&self.terms[n][choice.0[n]?]));
        candidate.is_some_and(|candidate| !candidate.original)
    }

    fn order(&self, choice: &Choice) -> Option<Vec<usize>> {
        let (mut order, mut state) = (Vec::new(), vec![0u8; self.terms.len()]);
        let mut stack: Vec<(usize, bool)> = self.roots.iter().rev().map(|&root| (root, false)).collect();
        while let Some((number, ready)) = stack.pop() {
            if ready {
                state[number] = 2;
                order.push(number);
                continue;
            }
            if state[number] != 0 {
                continue;
            }
            state[number] = 1;
            stack.push((number, true));
            for &operand in &self.terms[number][choice.0[number]?].operands {
                match state[operand] {
                    0 => stack.push((operand, false)),
                    1 => return None,
                    _ => {}
                }
            }
        }
        Some(order)
    }

    /// The cycles of everything that the roots need; `None` if the choice has a cycle.
    pub fn cycles(&self, choice: &Choice) -> Option<f64> {
        let order = self.order(choice)?;
        Some(order.iter().filter_map(|&n| Some(self.terms[n][choice.0[n]?].cycles)).sum())
    }

    /// The choice that the given program makes. Where two of its values have become one, the cheaper.
    pub fn given(&self) -> Choice {
        self.greedy(|candidate| candidate.original)
    }

    /// The cheapest choice that is found.
    pub fn best(&self) -> Option<(Choice, f64)> {
        let choice = self.greedy(|_| true);
        let cycles = self.cycles(&choice)?;
        Some(self.improve(choice, cycles))
    }

    fn greedy(&self, allowed: impl Fn(&Candidate) -> bool) -> Choice {
        let words = self.terms.len().div_ceil(64);
        let mut choice = vec![None; self.terms.len()];
        let mut own = vec![0.0; self.terms.len()];
        let mut best: Vec<Option<(Set, f64)>> = vec![None; self.terms.len()];
        for _ in 0..SWEEPS {
            let mut changed = false;
            // Roots have the lowest numbers.
            for number in (0..self.terms.len()).rev() {
                for (position, candidate) in self.terms[number].iter().enumerate() {
                    if !allowed(candidate) {
                        continue;
                    }
                    let needs: Option<Vec<&(Set, f64)>> =
                        candidate.operands.iter().map(|&operand| best[operand].as_ref()).collect();
                    let Some(needs) = needs else { continue };
                    // The operand that costs most is taken as it is; of the others, what it lacks.
                    let largest = needs.iter().max_by(|a, b| a.1.total_cmp(&b.1));
                    let (mut set, mut total) = match largest {
                        Some((set, total)) => (set.clone(), *total),
                        None => (Set(vec![0; words]), 0.0),
                    };
                    for (other, _) in needs {
                        total += set.lacks(other).map(|n| own[n]).sum::<f64>();
                        set.unite(other);
                    }
                    total += candidate.cycles;
                    if set.contains(number) {
                        continue;
                    }
                    let better = match (&best[number], choice[number]) {
                        (Some((_, known)), Some(chosen)) => {
                            let chosen: &Candidate = &self.terms[number][chosen];
                            total < known * (1.0 - RELATIVE)
                                || total <= known * (1.0 + RELATIVE) && candidate.original && !chosen.original
                        }
                        _ => true,
                    };
                    if better {
                        set.insert(number);
                        best[number] = Some((set, total));
                        own[number] = candidate.cycles;
                        changed |= choice[number] != Some(position);
                        choice[number] = Some(position);
                    }
                }
            }
            if !changed {
                break;
            }
        }
        Choice(choice)
    }

    /// Tries every other term of every class that is needed, one at a time, and keeps what is cheaper: so
    /// values that two roots could share are found, which the greedy choice does not see.
    fn improve(&self, mut choice: Choice, mut cycles: f64) -> (Choice, f64) {
        let mut trials = 0;
        let Some(order) = self.order(&choice) else { return (choice, cycles) };
        for number in order.into_iter().rev().filter(|&number| self.terms[number].len() > 1) {
            for position in 0..self.terms[number].len() {
                if trials == TRIALS || choice.0[number] == Some(position) {
                    continue;
                }
                trials += 1;
                let before = choice.0[number].replace(position);
                match self.cycles(&choice) {
                    Some(other) if other < cycles * (1.0 - RELATIVE) => cycles = other,
                    _ => choice.0[number] = before,
                }
            }
        }
        (choice, cycles)
    }
}

/// The classes of a list, each once.
pub fn distinct(ids: impl IntoIterator<Item = Id>) -> Vec<Id> {
    ids.into_iter().collect::<IndexSet<Id>>().into_iter().collect()
}
