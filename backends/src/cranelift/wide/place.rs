//! Addresses: what is known before the call, what a loop around carries, and what is a number.

use super::super::address::{Coefficient, Place};
use super::code::{Address, Code, Reg};
use super::group::{Argument, Start};
use super::nest::{Forget, Generator, Refusal, Wide};
use std::rc::Rc;
use tcc_ir::loops::{BufferId, Expr, Stmt, Var};

/// Larger constant offsets are left to Cranelift.
const MAX_DISPLACEMENT: i64 = 1 << 28;

impl<'f> Generator<'_, 'f> {
    /// The accesses to memory of a block and the blocks in it.
    pub(super) fn accesses(&self, block: &'f [Stmt], found: &mut Vec<Rc<Place<'f>>>) {
        let mut add = |buffer: BufferId, indices: &'f [Expr]| {
            if !self.slots.contains_key(&buffer) {
                found.extend(self.places.get(buffer, indices));
            }
        };
        fn loads<'f>(expr: &'f Expr, add: &mut impl FnMut(BufferId, &'f [Expr])) {
            if let Expr::Load(buffer, indices) = expr {
                add(*buffer, indices);
            }
            expr.children().iter().for_each(|child| loads(child, add));
        }
        for stmt in block {
            stmt.exprs().into_iter().for_each(|expr| loads(expr, &mut add));
            if let Stmt::Store(buffer, indices, _) | Stmt::Accumulate(_, buffer, indices, _) = stmt {
                add(*buffer, indices);
            }
        }
        for stmt in block {
            for inner in stmt.blocks() {
                self.accesses(inner, found);
            }
        }
    }

    /// The parts of a place: what is known before the call, and the counters of loops in the group.
    fn parts(&self, place: &Place<'f>) -> Wide<(Start<'f>, Vec<(Var, Coefficient)>)> {
        let (mut terms, mut open) = (Vec::new(), Vec::new());
        for &(var, coefficient) in &place.terms {
            if !self.inside.contains(&var) {
                terms.push((var, coefficient));
            } else if !self.fixed.contains_key(&var) {
                open.push((var, coefficient));
            }
        }
        if place.opaque.iter().any(|(expr, _)| !self.is_outside(expr)) {
            return Err(Refusal::Unsupported);
        }
        let constant = match self.places.number(place.constant) {
            Some(_) => None,
            None => Some(place.constant),
        };
        Ok((Start { buffer: place.buffer, terms, opaque: place.opaque.clone(), constant }, open))
    }

    /// Computes, before a loop, what of an address is known already.
    pub(super) fn hoist_pointer(&mut self, place: &Place<'f>) -> Wide<()> {
        let (start, open) = self.parts(place)?;
        let argument = self.argument(Argument::Pointer(start));
        let known: Vec<_> = open.iter().copied().take_while(|term| self.scaled.contains_key(term)).collect();
        self.pointer(argument, &known)?;
        Ok(())
    }

    fn pointer(&mut self, argument: usize, terms: &[(Var, Coefficient)]) -> Wide<Reg> {
        let Some((last, before)) = terms.split_last() else {
            let start = self.arguments[argument].clone();
            return Ok(self.integer_argument(start));
        };
        let key = (argument, terms.to_vec());
        if let Some(&known) = self.pointers.get(&key) {
            return Ok(known);
        }
        let base = self.pointer(argument, before)?;
        let index = Some(*self.scaled.get(last).ok_or(Refusal::Unsupported)?);
        let dest = self.general();
        self.push(Code::Lea { dest, address: Address { base, index, displacement: 0 } });
        self.pointers.insert(key.clone(), dest);
        self.scope.push(Forget::Pointer(key));
        Ok(dest)
    }

    /// The address of an access.
    pub fn address(&mut self, buffer: BufferId, indices: &'f [Expr]) -> Wide<Address> {
        let place = self.places.get(buffer, indices).ok_or(Refusal::Unsupported)?;
        let (start, open) = self.parts(&place)?;
        let mut displacement = self.places.number(place.constant).unwrap_or(0);
        for (var, coefficient) in &place.terms {
            if let (true, Some(value)) = (self.inside.contains(var), self.fixed.get(var)) {
                let by = self.places.number(*coefficient).ok_or(Refusal::Unsupported)?;
                displacement = displacement.saturating_add(value.saturating_mul(by));
            }
        }
        if displacement.abs() > MAX_DISPLACEMENT {
            return Err(Refusal::Unsupported);
        }
        let displacement = displacement as i32;
        let argument = self.argument(Argument::Pointer(start));
        if let (false, Some((last, before))) =
            (self.pointers.contains_key(&(argument, open.clone())), open.split_last())
        {
            let base = self.pointer(argument, before)?;
            let index = Some(*self.scaled.get(last).ok_or(Refusal::Unsupported)?);
            return Ok(Address { base, index, displacement });
        }
        Ok(Address { base: self.pointer(argument, &open)?, index: None, displacement })
    }

    /// The bytes between the places of neighbouring lanes.
    pub fn lane_stride(&self, buffer: BufferId, indices: &[Expr], lane: Option<Var>) -> Wide<i64> {
        let Some(lane) = lane else { return Ok(0) };
        let place = self.places.lookup(buffer, indices).ok_or(Refusal::Unsupported)?;
        let mut stride = 0;
        for &(var, coefficient) in &place.terms {
            if var == lane {
                stride += self.places.number(coefficient).ok_or(Refusal::Unsupported)?;
            }
        }
        Ok(stride)
    }
}
