//! Small scratch arrays that live in machine registers.
//!
//! A vectorised or tiled reduction keeps its partial results in a scratch array that is only indexed by
//! constants, unrolled counters and lanes. Such an array needs no memory: its elements become
//! variables, whole vectors of them where vector loops touch it.

use super::address::Place;
use super::emit::{Emitter, MAX_UNROLLED, trips};
use super::types::{value_type, vector_type};
use cranelift::codegen::ir::{InstBuilder, Value};
use cranelift::frontend::Variable;
use std::collections::HashSet;
use tcc_ir::loops::{BufferId, Contract, Expr, For, LoopKind, Role, Stmt, Var};

/// More elements than this stay in memory: there are no registers for them.
const MAX_ELEMENTS: i64 = 128;

/// An array in variables.
#[derive(Clone, Debug)]
pub(super) struct Promoted {
    variables: Vec<Variable>,
    /// Elements per variable: 1, or those of a 128-bit vector.
    lanes: usize,
    /// Bytes of an element.
    size: usize,
}

/// A variable and the lane in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub variable: Variable,
    /// The lane, if the variable is a vector.
    pub lane: Option<u8>,
}

impl Promoted {
    /// Where the element at a byte offset lives.
    pub fn slot(&self, offset: i64) -> Option<Slot> {
        let element = usize::try_from(offset).ok()? / self.size;
        let variable = *self.variables.get(element / self.lanes)?;
        Some(Slot { variable, lane: (self.lanes > 1).then_some((element % self.lanes) as u8) })
    }
}

/// What is known about the candidates while their accesses are looked at.
struct Survey {
    /// Candidates, and whether vector loops touch them.
    candidates: Vec<Option<bool>>,
    /// Counters that are numbers when code is emitted.
    fixed: HashSet<Var>,
    /// The counter of the enclosing vector loop and its first value.
    lanes: Option<(Var, i64)>,
}

impl<'f> Emitter<'f, '_> {
    /// Finds the arrays that need no memory and declares their variables, set to zero.
    pub fn promote(&mut self) {
        let small = |(index, buffer): (usize, &tcc_ir::loops::Buffer)| {
            let elements = buffer.elements().as_const();
            let scratch = matches!(buffer.role, Role::Scratch { .. }) && !buffer.is_register();
            let fits = elements.is_some_and(|n| (1..=MAX_ELEMENTS).contains(&n));
            let elsewhere = self.is_outlined(index);
            scratch && self.part.owns(index) && !buffer.dtype.is_complex() && fits && !elsewhere
        };
        let mut survey = Survey {
            candidates: self.func.buffers.iter().enumerate().map(|row| small(row).then_some(false)).collect(),
            fixed: HashSet::new(),
            lanes: None,
        };
        if survey.candidates.iter().all(Option::is_none) {
            return;
        }
        let (func, part) = (self.func, self.part);
        self.survey(&mut survey, part.body);
        for (index, vector) in survey.candidates.into_iter().enumerate() {
            let Some(vector) = vector else { continue };
            let buffer = &func.buffers[index];
            let (ty, lanes) = match vector_type(buffer.dtype) {
                Some(ty) if vector => (ty, ty.lane_count() as usize),
                _ => (value_type(buffer.dtype), 1),
            };
            let elements = buffer.elements().as_const().unwrap_or(0) as usize;
            let mut variables = Vec::new();
            for _ in 0..elements.div_ceil(lanes) {
                let variable = self.b.declare_var(ty);
                let zero = self.zero(ty);
                self.b.def_var(variable, zero);
                variables.push(variable);
            }
            let size = buffer.dtype.size_bytes();
            self.promoted[index] = Some(Promoted { variables, lanes, size });
        }
    }

    fn survey(&self, survey: &mut Survey, block: &'f [Stmt]) {
        for stmt in block {
            for expr in stmt.exprs() {
                self.survey_expr(survey, expr);
            }
            match stmt {
                Stmt::Store(buffer, indices, _)
                | Stmt::Accumulate(_, buffer, indices, _)
                | Stmt::Contract(Contract { target: buffer, place: indices, .. }) => {
                    self.survey_access(survey, *buffer, indices);
                }
                Stmt::For(l) => {
                    self.survey_loop(survey, l);
                    continue;
                }
                Stmt::Let(..) | Stmt::If(..) | Stmt::Check(..) => {}
            }
            for inner in stmt.blocks() {
                self.survey(survey, inner);
            }
        }
    }

    fn survey_loop(&self, survey: &mut Survey, l: &'f For) {
        let range = l.lo.as_int().zip(l.hi.as_int());
        let vector = match (l.kind, range) {
            (LoopKind::Vector, Some((lo, hi))) => self.is_vector_loop(l, lo, hi),
            _ => false,
        };
        let unrolled = matches!(l.kind, LoopKind::Unroll | LoopKind::Vector)
            && range.is_some_and(|(lo, hi)| trips(l, lo, hi) <= MAX_UNROLLED);
        let outer = survey.lanes;
        if vector {
            survey.lanes = range.map(|(lo, _)| (l.var, lo));
        }
        if vector || unrolled {
            survey.fixed.insert(l.var);
        }
        self.survey(survey, &l.body);
        survey.fixed.remove(&l.var);
        survey.lanes = outer;
    }

    fn survey_expr(&self, survey: &mut Survey, expr: &'f Expr) {
        if let Expr::Load(buffer, indices) = expr {
            self.survey_access(survey, *buffer, indices);
        }
        for child in expr.children() {
            self.survey_expr(survey, child);
        }
    }

    fn survey_access(&self, survey: &mut Survey, buffer: BufferId, indices: &'f [Expr]) {
        let Some(touched) = survey.candidates[buffer.index()] else { return };
        let place = self.places.lookup(buffer, indices);
        let verdict = place.and_then(|place| self.judge(survey, place));
        survey.candidates[buffer.index()] = verdict.map(|vector| touched || vector);
    }

    /// Whether an access allows promotion, and whether it is one of whole vectors.
    fn judge(&self, survey: &Survey, place: &Place<'f>) -> Option<bool> {
        let size = self.func.buffer(place.buffer).dtype.size_bytes() as i64;
        let mut start = self.places.number(place.constant)?;
        let mut aligned = true;
        let mut vector = false;
        if !place.opaque.is_empty() {
            return None;
        }
        for &(var, coefficient) in &place.terms {
            let by = self.places.number(coefficient)?;
            match survey.lanes {
                Some((lane, lo)) if lane == var => {
                    vector = true;
                    aligned &= by == size;
                    start += lo * by;
                }
                _ if survey.fixed.contains(&var) => aligned &= by % 16 == 0,
                _ => return None,
            }
        }
        match vector {
            true => (aligned && start % 16 == 0).then_some(true),
            false => Some(false),
        }
    }

    /// Reads one element of a promoted array.
    pub fn read_slot(&mut self, slot: Slot) -> Value {
        let value = self.b.use_var(slot.variable);
        match slot.lane {
            Some(lane) => self.b.ins().extractlane(value, lane),
            None => value,
        }
    }

    /// Writes one element of a promoted array.
    pub fn write_slot(&mut self, slot: Slot, value: Value) {
        let value = match slot.lane {
            Some(lane) => {
                let vector = self.b.use_var(slot.variable);
                self.b.ins().insertlane(vector, value, lane)
            }
            None => value,
        };
        self.b.def_var(slot.variable, value);
    }
}
