//! Names that are unique within a function, found in constant time.

use crate::axis::Name;
use std::collections::HashMap;

/// The names a function has given out. A cache: it is filled from the declarations when it lags
/// behind them, carries no meaning of its own, and so never takes part in comparisons.
#[derive(Clone, Debug, Default)]
pub struct NameTable {
    /// For every taken name the next number to try after it. Looked up, never iterated.
    next: HashMap<Name, u32>,
    /// How many declarations of each kind (symbols, buffers, variables) have been entered.
    entered: [usize; 3],
}

impl NameTable {
    /// `name`, or `name.1`, `name.2`, .. : the first that no declaration has. `declared` lists the
    /// names of symbols, buffers and variables.
    pub(super) fn unique<'a>(
        &mut self,
        name: &str,
        lengths: [usize; 3],
        declared: impl Fn(usize, usize) -> &'a Name,
    ) -> Name {
        if (0..3).any(|kind| lengths[kind] < self.entered[kind]) {
            *self = NameTable::default(); // declarations were removed: start over
        }
        for (kind, &length) in lengths.iter().enumerate() {
            for index in self.entered[kind]..length {
                self.next.entry(declared(kind, index).clone()).or_insert(1);
            }
            self.entered[kind] = length;
        }
        let Some(&first) = self.next.get(name) else {
            return name.into();
        };
        let (mut number, mut candidate) = (first, format!("{name}.{first}"));
        while self.next.contains_key(candidate.as_str()) {
            number += 1;
            candidate = format!("{name}.{number}");
        }
        self.next.insert(name.into(), number + 1);
        candidate.into()
    }
}

/// All tables are equal: functions are compared by their declarations.
impl PartialEq for NameTable {
    fn eq(&self, _: &NameTable) -> bool {
        true
    }
}

impl Eq for NameTable {}

impl std::hash::Hash for NameTable {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}
