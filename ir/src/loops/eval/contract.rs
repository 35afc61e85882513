//! Contractions, step by step: the order of summation that [`Contract`] states.

use super::program::{Application, Class, IntOp, Place, Step};
use super::translate::{Translated, Translator};
use crate::domain::Domain;
use crate::dtype::Dtype;
use crate::loops::{CONTRACT_CHUNK, Contract, Expr, Var};
use crate::scalar::{ReduceOp, ScalarOp};

/// A loop that was entered: its counter, its end and its first step.
struct Entered {
    enter: usize,
    var: u32,
    end: u32,
    body: u32,
}

/// The slots that hold the state of one sum.
struct Sum {
    /// The chain of the chunk at hand.
    chunk: Place,
    /// Terms in it.
    count: u32,
    /// Whether nothing was written yet, so that the first chunk replaces what stands there.
    fresh: u32,
    zero: Place,
    no: u32,
}

impl<D: Domain> Translator<'_, D> {
    pub(super) fn contract(&mut self, contract: &Contract) -> Translated<()> {
        let dtype = self.func.dtype(&contract.left);
        let (summed, free): (Vec<_>, Vec<_>) =
            contract.axes.iter().partition(|(var, _)| contract.is_summed(*var));
        let int = |translator: &mut Self, value: i64| {
            translator.leaf(&Expr::int(value)).map(|place| place.map_or(0, |place| place.slot))
        };
        let (no, one) = (int(self, 0)?, int(self, 1)?);
        let chunk_length = int(self, CONTRACT_CHUNK as i64)?;
        let zero = Place { dtype, slot: self.new_slot(dtype) };
        let chunk = Place { dtype, slot: self.new_slot(dtype) };
        let (count, fresh) = (self.new_slot(Dtype::I64), self.new_slot(Dtype::I64));
        let full = self.new_slot(Dtype::I64);
        let sum = Sum { chunk, count, fresh, zero, no };
        let mut loops = Vec::new();
        for (var, extent) in free {
            loops.push(self.enter(*var, extent, no)?);
        }
        self.push(Step::MoveInt { to: fresh, a: if contract.accumulate { no } else { one } });
        self.restart(&sum);
        let outer = loops.len();
        for (var, extent) in summed {
            loops.push(self.enter(*var, extent, no)?);
        }
        self.push(Step::Int { op: IntOp::Eq, to: full, a: count, b: chunk_length });
        let branch = self.push(Step::JumpUnless { condition: full, target: 0 });
        self.flush(contract, &sum)?;
        self.restart(&sum);
        self.program.steps[branch] = Step::JumpUnless { condition: full, target: self.here() };
        let (left, right) = (self.expr(&contract.left)?, self.expr(&contract.right)?);
        self.multiply_add(left, right, chunk);
        self.push(Step::Int { op: IntOp::Add, to: count, a: count, b: one });
        loops.drain(outer..).rev().for_each(|entered| self.leave(&entered));
        // Over nothing the sum is 0; nothing is added to what stands there.
        let last = self.new_slot(Dtype::I64);
        self.push(Step::Int { op: IntOp::Add, to: last, a: count, b: fresh });
        let branch = self.push(Step::JumpUnless { condition: last, target: 0 });
        self.flush(contract, &sum)?;
        self.program.steps[branch] = Step::JumpUnless { condition: last, target: self.here() };
        loops.into_iter().rev().for_each(|entered| self.leave(&entered));
        Ok(())
    }

    fn enter(&mut self, var: Var, extent: &Expr, zero: u32) -> Translated<Entered> {
        let hi = self.expr(extent)?.slot;
        let (var, end) = (self.slot_of(var), self.new_slot(Dtype::I64));
        let enter = self.push(Step::Enter { var, lo: zero, hi, end, exit: 0 });
        Ok(Entered { enter, var, end, body: self.here() })
    }

    fn leave(&mut self, entered: &Entered) {
        let Entered { enter, var, end, body } = *entered;
        let cost = self.here() - body + 1;
        self.push(Step::Next { var, end, body, cost });
        let exit = self.here();
        if let Step::Enter { exit: target, .. } = &mut self.program.steps[enter] {
            *target = exit;
        }
    }

    /// A new chunk.
    fn restart(&mut self, sum: &Sum) {
        self.push(Step::MoveInt { to: sum.count, a: sum.no });
        let (to, a) = (sum.chunk.slot, sum.zero.slot);
        match Class::of(sum.chunk.dtype) {
            Class::Int => self.push(Step::MoveInt { to, a }),
            Class::Real => self.push(Step::MoveReal { to, a }),
            Class::Complex => {
                self.push(Step::MoveReal { to, a });
                self.push(Step::MoveReal { to: to + 1, a })
            }
        };
    }

    /// Writes a finished chunk: the first one replaces, the others are added.
    fn flush(&mut self, contract: &Contract, sum: &Sum) -> Translated<()> {
        let (dtype, value) = (sum.chunk.dtype, sum.chunk.slot);
        let access = self.access(contract.target, &contract.place)?;
        let branch = self.push(Step::JumpUnless { condition: sum.fresh, target: 0 });
        self.push(match Class::of(dtype) {
            Class::Int => Step::StoreInt { access, value },
            Class::Real => Step::StoreReal { access, value },
            Class::Complex => Step::StoreComplex { access, value },
        });
        self.push(Step::MoveInt { to: sum.fresh, a: sum.no });
        let skip = self.push(Step::Jump { target: 0 });
        self.program.steps[branch] = Step::JumpUnless { condition: sum.fresh, target: self.here() };
        self.push(match Class::of(dtype) {
            Class::Real => Step::AccumulateReal { op: ScalarOp::Add, dtype, access, value },
            _ => Step::Accumulate { op: ReduceOp::Sum, dtype, access, value },
        });
        self.program.steps[skip] = Step::Jump { target: self.here() };
        Ok(())
    }

    fn multiply_add(&mut self, a: Place, b: Place, chunk: Place) {
        let part = chunk.dtype.part();
        let fma = |a: u32, b: u32, to: u32| Step::Real {
            op: ScalarOp::Fma,
            dtype: part,
            arity: 3,
            to,
            operands: [a, b, to],
        };
        match Class::of(chunk.dtype) {
            Class::Real => {
                self.push(fma(a.slot, b.slot, chunk.slot));
            }
            Class::Complex => {
                let minus = self.temporary(part).slot;
                self.push(fma(a.slot, b.slot, chunk.slot));
                let operands = [a.slot + 1, 0, 0];
                self.push(Step::Real { op: ScalarOp::Neg, dtype: part, arity: 1, to: minus, operands });
                self.push(fma(minus, b.slot + 1, chunk.slot));
                self.push(fma(a.slot, b.slot + 1, chunk.slot + 1));
                self.push(fma(a.slot + 1, b.slot, chunk.slot + 1));
            }
            Class::Int => {
                let product = self.temporary(chunk.dtype);
                self.apply(ScalarOp::Mul, vec![a, b], product);
                self.apply(ScalarOp::Add, vec![chunk, product], chunk);
            }
        }
    }

    fn apply(&mut self, op: ScalarOp, operands: Vec<Place>, to: Place) {
        let dtypes = operands.iter().map(|operand| operand.dtype).collect();
        self.program.applications.push(Application { op, operands, dtypes, to });
        let index = self.program.applications.len() as u32 - 1;
        self.push(Step::Apply { index });
    }
}
