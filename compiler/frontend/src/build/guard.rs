//! Guards and run-time checks.

use super::body::Body;
use super::value::Value;
use crate::ast::Span;
use crate::check::Reported;
use crate::check::resolved::Expr;
use crate::diagnostic::{Code, FIX};
use tcc_ir::Dtype;
use tcc_ir::graph::{Check, ValueId};
use tcc_ir::scalar::Literal;
use tcc_ir::{Extent, Relation, Requirement};

impl Body<'_, '_> {
    /// Builds something that is only looked at where `condition` holds.
    pub fn under<T>(&mut self, condition: Option<ValueId>, build: impl FnOnce(&mut Self) -> T) -> T {
        self.path.extend(condition);
        let result = build(self);
        if condition.is_some() {
            self.path.pop();
        }
        result
    }

    /// Whether the expression at hand is looked at only under a condition.
    pub fn guarded(&self) -> bool {
        !self.path.is_empty()
    }

    /// All conditions together, each protected by those before it.
    pub fn guards(&mut self, guards: &[Expr]) -> Result<Option<Value>, Reported> {
        let depth = self.path.len();
        let mut all: Option<Value> = None;
        let mut failed = false;
        for guard in guards {
            match self.condition(guard) {
                Ok(value) => {
                    self.path.push(value.id);
                    all = Some(match all {
                        None => value,
                        Some(known) => {
                            let id = self.all.builder.and(known.id, value.id);
                            Value { id, data: known.data || value.data, ..value }
                        }
                    });
                }
                Err(Reported) => failed = true,
            }
        }
        self.path.truncate(depth);
        if failed { Err(Reported) } else { Ok(all) }
    }

    /// States that `condition` must hold wherever the expression at hand is looked at; `fix` is how to
    /// repair the program where it does not.
    pub fn check(&mut self, condition: ValueId, code: Code, message: &str, fix: &str, span: Span) {
        let builder = &mut self.all.builder;
        let mut value = condition;
        if let Some(path) = self.path.iter().copied().reduce(|a, b| builder.and(a, b)) {
            let spared = builder.not(path);
            value = builder.or(spared, value);
        }
        if matches!(builder.literal(value), Some(Literal::Bool(true))) {
            return;
        }
        let message = format!("{code}: {message}{FIX}{fix}");
        let check = Check { value, message, span: Some((span.start, span.end)) };
        self.all.add_check(check);
    }

    /// States a condition on sizes.
    pub fn require(
        &mut self,
        left: Extent,
        relation: Relation,
        right: Extent,
        code: Code,
        message: &str,
        span: Span,
    ) {
        let message = format!("{code}: {message}");
        let span = Some((span.start, span.end));
        self.all.add_requirement(Requirement { left, relation, right, message, span });
    }

    /// Whether `0 <= index < extent`, as a truth value.
    pub fn inside(&mut self, index: ValueId, extent: &Extent) -> ValueId {
        let builder = &mut self.all.builder;
        let (zero, size) = (builder.number(0, Dtype::I64), builder.size(extent));
        let low = builder.map(tcc_ir::ScalarOp::Le, &[zero, index]);
        let high = builder.map(tcc_ir::ScalarOp::Lt, &[index, size]);
        builder.and(low, high)
    }
}
