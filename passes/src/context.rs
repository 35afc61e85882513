//! What a pass is told: arguments, the floating-point contract, sizes, limits and fuel.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tcc_ir::Bindings;

/// Whether a pass changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    /// The IR is another one.
    Yes,
    /// The IR is exactly as before.
    No,
}

impl Changed {
    /// [`Changed::Yes`] if `changed`.
    pub fn from(changed: bool) -> Changed {
        if changed { Changed::Yes } else { Changed::No }
    }

    /// Whether it is [`Changed::Yes`].
    pub fn is_yes(self) -> bool {
        self == Changed::Yes
    }
}

/// What a rewrite may do to floating-point results. Each contract allows what the ones before it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Contract {
    /// Bit for bit what the program says.
    Strict,
    /// Equal over the reals: sums and products may be reassociated.
    #[default]
    Reassoc,
    /// As `Reassoc`, and no operand or result is NaN or infinite.
    Fast,
}

impl Contract {
    /// All contracts with their names in text form.
    pub const TABLE: &'static [(Contract, &'static str)] =
        &[(Contract::Strict, "strict"), (Contract::Reassoc, "reassoc"), (Contract::Fast, "fast")];

    /// The name in text form.
    pub fn name(self) -> &'static str {
        Self::TABLE[self as usize].1
    }

    /// The contract called `name`.
    pub fn from_name(name: &str) -> Option<Contract> {
        Self::TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }
}

/// Bounds on what passes may build, in counts and never in seconds, so that results do not depend
/// on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most nodes of a graph, and most statements and expressions of a function, that a pass may
    /// grow its input to.
    pub nodes: usize,
    /// Most rewrites of one pass.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { nodes: 4_000_000, steps: 100_000_000 }
    }
}

/// The arguments of one step of a pipeline: a value for each [`crate::Param`] of the pass.
pub type Arguments = Vec<(&'static str, i64)>;

/// What a pass is told.
#[derive(Clone, Debug)]
pub struct PassContext {
    /// Arguments of the pass by name; set by the pipeline for each step.
    pub arguments: Arguments,
    /// What may happen to floating-point results.
    pub contract: Contract,
    /// Values of symbols, for `specialise`.
    pub bindings: Bindings,
    /// Bounds on growth.
    pub limits: Limits,
    /// Bytes that intermediate values may take at the same time; `None`: any number. What needs more is
    /// computed slice by slice where it can be.
    pub memory: Option<u64>,
    /// Whether the pipeline verifies the IR after every pass.
    pub verify: bool,
    /// Rewrites that may still happen ([`u64::MAX`]: any number); shared by all clones.
    pub fuel: Arc<AtomicU64>,
    /// Where `saturate` notes which rules it applied, if somebody wants to know.
    pub fired: Option<Fired>,
}

/// The names of rules, in the order in which they were applied; shared by all clones.
#[derive(Clone, Debug, Default)]
pub struct Fired(Arc<Mutex<Vec<&'static str>>>);

impl Fired {
    /// Adds rules.
    pub fn note(&self, rules: impl Iterator<Item = &'static str>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(rules);
    }

    /// What was added so far, and forgets it.
    pub fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for PassContext {
    fn default() -> PassContext {
        PassContext {
            arguments: Vec::new(),
            contract: Contract::default(),
            bindings: Bindings::new(),
            limits: Limits::default(),
            memory: None,
            verify: cfg!(debug_assertions),
            fuel: Arc::new(AtomicU64::new(u64::MAX)),
            fired: None,
        }
    }
}

impl PassContext {
    /// The default context with a contract and values of symbols.
    pub fn new(contract: Contract, bindings: Bindings) -> PassContext {
        PassContext { contract, bindings, ..PassContext::default() }
    }

    /// The context in which only the first `fuel` rewrites happen: bisecting this number finds the
    /// rewrite that breaks a program.
    pub fn with_fuel(self, fuel: u64) -> PassContext {
        PassContext { fuel: Arc::new(AtomicU64::new(fuel)), ..self }
    }

    /// The context of one step: the same but for its arguments. Fuel is shared.
    pub fn with_arguments(&self, arguments: &Arguments) -> PassContext {
        PassContext { arguments: arguments.clone(), ..self.clone() }
    }

    /// The argument called `name`; 0 if the pass has no such parameter.
    pub fn argument(&self, name: &str) -> i64 {
        self.arguments.iter().find(|(known, _)| *known == name).map_or(0, |(_, value)| *value)
    }

    /// Takes the fuel of one rewrite. `false`: there is none left, and the rewrite must not happen.
    /// Passes that establish what backends rely on (`required` in the tables) do not ask.
    pub fn spend(&self) -> bool {
        let take = |fuel: u64| if fuel == u64::MAX { Some(fuel) } else { fuel.checked_sub(1) };
        self.fuel.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// The fuel that is left; `None` if it is unlimited.
    pub fn fuel_left(&self) -> Option<u64> {
        Some(self.fuel.load(Ordering::Relaxed)).filter(|&fuel| fuel != u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuel_is_shared_and_runs_out() {
        let context = PassContext::default().with_fuel(2);
        let step = context.with_arguments(&vec![("size", 8)]);
        assert_eq!(step.argument("size"), 8);
        assert!(context.spend() && step.spend());
        assert!(!context.spend() && !step.spend());
        assert!(PassContext::default().spend());
        assert_eq!(PassContext::default().fuel_left(), None);
    }

    #[test]
    fn contract_table_is_indexed_by_the_enum() {
        for (index, row) in Contract::TABLE.iter().enumerate() {
            assert_eq!(row.0 as usize, index);
            assert_eq!(Contract::from_name(row.1), Some(row.0));
        }
    }
}
