//! Nests that only move elements into another order: a description of the axes on the stack, and a call of
//! the runtime's kernel, which transposes blocks in registers.

use super::address::Place;
use super::emit::{Emitted, Emitter};
use cranelift::codegen::ir::{InstBuilder, MemFlagsData, StackSlotData, StackSlotKind, types};
use std::collections::BTreeMap;
use std::mem::offset_of;
use tcc_ir::loops::{BufferId, Expr, For, LoopKind, Stmt, Var};
use tcc_runtime::{MAX_AXES, MoveAxis};

/// The kernel's name in object files.
pub(super) const SYMBOL: &str = "tcc_permute";

/// Copies of fewer elements are as fast in loops.
const SMALLEST: i64 = 1024;

/// A nest of loops from 0 to constants around one store of one load.
pub(super) struct Copy<'f> {
    axes: Vec<(Var, i64)>,
    source: (BufferId, &'f [Expr]),
    target: (BufferId, &'f [Expr]),
}

/// The copy that a loop is, if it is one.
pub(super) fn copy(each: &For) -> Option<Copy<'_>> {
    let mut axes = Vec::new();
    let mut inner = each;
    let (target, place, value) = loop {
        let whole = inner.kind == LoopKind::Serial && inner.lo.as_int() == Some(0);
        axes.push((inner.var, inner.hi.as_int().filter(|_| whole)?));
        match inner.body.as_slice() {
            [Stmt::For(next)] => inner = next,
            [Stmt::Store(target, place, value)] => break (*target, place.as_slice(), value),
            _ => return None,
        }
    };
    let Expr::Load(source, indices) = value else { return None };
    let elements = axes.iter().fold(1i64, |product, (_, extent)| product.saturating_mul((*extent).max(0)));
    let fits = (2..=MAX_AXES).contains(&axes.len()) && elements >= SMALLEST && *source != target;
    fits.then_some(Copy { axes, source: (*source, indices), target: (target, place) })
}

impl<'f> Emitter<'f, '_> {
    /// Calls the kernel for a copy whose fastest axes differ; `false` if the loops must do it.
    pub(super) fn copy_nest(&mut self, each: &'f For) -> Emitted<bool> {
        let Some(kernel) = self.kernels.permute else { return Ok(false) };
        let Some(copy) = copy(each) else { return Ok(false) };
        let size = self.func.buffer(copy.target.0).dtype.size_bytes() as i64;
        let strides = [copy.source, copy.target].map(|(buffer, indices)| {
            if self.registers[buffer.index()].is_some() || self.promoted[buffer.index()].is_some() {
                return None;
            }
            self.steps(self.places.lookup(buffer, indices)?, &copy.axes)
        });
        let [Some(from), Some(to)] = strides else { return Ok(false) };
        let fastest = |steps: &BTreeMap<Var, i64>| {
            copy.axes.iter().map(|(var, _)| *var).find(|var| steps.get(var) == Some(&size))
        };
        match (fastest(&from), fastest(&to)) {
            (Some(read), Some(written)) if read != written => {}
            _ => return Ok(false),
        }
        let bytes = (copy.axes.len() * size_of::<MoveAxis>()) as u32;
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 3);
        let slot = self.b.create_sized_stack_slot(slot);
        let axes = self.b.ins().stack_addr(types::I64, slot, 0);
        for (position, (var, extent)) in copy.axes.iter().enumerate() {
            let row = position * size_of::<MoveAxis>();
            let step = |steps: &BTreeMap<Var, i64>| steps.get(var).copied().unwrap_or(0) / size;
            for (offset, value) in [
                (offset_of!(MoveAxis, extent), *extent),
                (offset_of!(MoveAxis, from), step(&from)),
                (offset_of!(MoveAxis, to), step(&to)),
            ] {
                let value = self.ops().int(types::I64, value);
                self.b.ins().store(MemFlagsData::trusted(), value, axes, (row + offset) as i32);
            }
        }
        let count = self.ops().int(types::I32, copy.axes.len() as i64);
        let width = self.ops().int(types::I32, size);
        let mut arguments = vec![axes, count, width];
        for (var, _) in &copy.axes {
            self.fixed[var.index()] = Some(0);
        }
        for (buffer, indices) in [copy.source, copy.target] {
            let (pointer, offset) = self.address(buffer, indices)?;
            let offset = self.ops().int(types::I64, i64::from(offset));
            arguments.push(self.b.ins().iadd(pointer, offset));
        }
        for (var, _) in &copy.axes {
            self.fixed[var.index()] = None;
        }
        self.b.ins().call(kernel, &arguments);
        Ok(true)
    }

    /// Bytes that a place moves along each axis; `None` if it moves otherwise too.
    fn steps(&self, place: &Place<'f>, axes: &[(Var, i64)]) -> Option<BTreeMap<Var, i64>> {
        let is_axis = |var: &Var| axes.iter().any(|(axis, _)| axis == var);
        let computed = |expr: &Expr| expr.free_vars().iter().any(is_axis);
        if place.opaque.iter().any(|(expr, _)| computed(expr)) {
            return None;
        }
        let mut steps = BTreeMap::new();
        for (var, coefficient) in place.terms.iter().filter(|(var, _)| is_axis(var)) {
            *steps.entry(*var).or_insert(0) += self.places.number(*coefficient)?;
        }
        Some(steps)
    }
}
