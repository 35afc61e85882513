//! Parallel loops: a function of their iterations, and a call of the runtime, which spreads these over
//! threads.
//!
//! What the iterations need stands in a list on the caller's stack: the parameters of the function around, the
//! place of the private scratch in the arena, the first value of the counter, and the values of the variables
//! and registers around that they read. Every thread has private scratch of its own: the caller that in the
//! arena, the others what the runtime gives them.

use super::emit::{Emitted, Emitter};
use super::entry::Parameters;
use super::types::{Scalar, value_type};
use super::unsupported;
use cranelift::codegen::ir::{
    AbiParam, FuncRef, InstBuilder, MemFlagsData, Signature, StackSlotData, StackSlotKind, Value, types,
};
use cranelift::codegen::isa::TargetFrontendConfig;
use std::collections::BTreeSet;
use tcc_ir::Extent;
use tcc_ir::loops::{BufferId, For, Func, LoopKind, Role, Stmt, Var, walk_block};

/// The function of the runtime. Emitted objects do not call it: they are for one thread.
pub(super) const SYMBOL: &str = "tcc_parallel_loop";

/// Bytes before the values in the list.
const VALUES: i32 = 40;
/// Bytes of a value: a complex number is the longest.
const VALUE: i32 = 16;
/// The private scratch of every thread begins at a cache line.
const LINE: i64 = 64;

/// The type of a function of iterations: `(list, first, end, private) -> status`.
pub(super) fn signature(config: TargetFrontendConfig) -> Signature {
    let mut signature = Signature::new(config.default_call_conv);
    signature.params.extend([AbiParam::new(types::I64); 4]);
    signature.returns.push(AbiParam::new(types::I32));
    signature
}

/// The outermost parallel loops of a block.
pub(super) fn outermost<'f>(block: &'f [Stmt], found: &mut Vec<&'f For>) {
    for stmt in block {
        match stmt {
            Stmt::For(each) if each.kind == LoopKind::Parallel => found.push(each),
            _ => stmt.blocks().into_iter().for_each(|inner| outermost(inner, found)),
        }
    }
}

/// The variables and registers around a loop whose values its iterations read.
fn captured(func: &Func, each: &For) -> (BTreeSet<Var>, BTreeSet<BufferId>) {
    let (mut vars, mut registers, mut own) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::from([each.var]));
    walk_block(&each.body, &mut |stmt| {
        own.extend(stmt.defines());
        stmt.exprs().into_iter().for_each(|expr| {
            vars.extend(expr.free_vars());
            registers.extend(expr.reads());
        });
    });
    let mut written = BTreeSet::new();
    walk_block(&each.body, &mut |stmt| written.extend(stmt.write().map(|write| write.buffer)));
    registers.retain(|buffer| func.buffer(*buffer).is_register() && !written.contains(buffer));
    (&vars - &own, registers)
}

/// The private scratch with a place that iterations write: where it begins and ends.
fn private(func: &Func, each: &For) -> Vec<(Extent, Extent)> {
    let mut written = BTreeSet::new();
    walk_block(&each.body, &mut |stmt| written.extend(stmt.write().map(|write| write.buffer)));
    let range = |buffer: BufferId| {
        let buffer = func.buffer(buffer);
        let Role::Scratch { offset: Some(offset) } = &buffer.role else { return None };
        let last =
            buffer.extents.iter().zip(&buffer.strides).fold(Extent::from(0), |last, (extent, stride)| {
                last + (extent.clone() + Extent::from(-1)) * stride.clone()
            });
        let bytes = (last + Extent::from(1)) * Extent::from(buffer.dtype.size_bytes() as i64);
        buffer.private.then(|| (offset.clone(), offset.clone() + bytes))
    };
    written.into_iter().filter_map(range).collect()
}

impl<'f> Emitter<'f, '_> {
    /// Calls the runtime with the function of a loop's iterations.
    pub(super) fn on_threads(&mut self, each: &'f For, function: FuncRef) -> Emitted<()> {
        let kernel =
            self.kernels.parallel.ok_or_else(|| unsupported("a parallel loop without the runtime"))?;
        let missing = || unsupported("a function without the parameters of the ABI");
        let Parameters { buffers, sizes, arena, .. } = self.parameters.ok_or_else(missing)?;
        let (vars, registers) = captured(self.func, each);
        let lo = self.expr(&each.lo)?.re;
        let hi = self.expr(&each.hi)?.re;
        let mut bounds: Option<(Value, Value)> = None;
        for (start, end) in private(self.func, each) {
            let (start, end) = (self.extent(&start)?, self.extent(&end)?);
            bounds = Some(match bounds {
                None => (start, end),
                Some((least, most)) => (self.b.ins().smin(least, start), self.b.ins().smax(most, end)),
            });
        }
        let (start, bytes) = match bounds {
            Some((start, end)) => {
                let lines = self.ops().int(types::I64, -LINE);
                let start = self.b.ins().band(start, lines);
                (start, self.b.ins().isub(end, start))
            }
            None => (self.ops().int(types::I64, 0), self.ops().int(types::I64, 0)),
        };
        let size = VALUES + VALUE * (vars.len() + registers.len()) as i32;
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, size as u32, 4);
        let slot = self.b.create_sized_stack_slot(slot);
        let list = self.b.ins().stack_addr(types::I64, slot, 0);
        let flags = MemFlagsData::trusted();
        for (position, value) in [buffers, sizes, arena, start, lo].into_iter().enumerate() {
            self.b.ins().store(flags, value, list, 8 * position as i32);
        }
        let mut values = Vec::new();
        for var in &vars {
            values.push(self.variable(*var)?);
        }
        for register in &registers {
            let (re, im) = self.registers[register.index()].ok_or_else(missing)?;
            let im = im.map(|im| self.b.use_var(im));
            values.push(Scalar { re: self.b.use_var(re), im });
        }
        for (position, Scalar { re, im }) in values.into_iter().enumerate() {
            let at = VALUES + VALUE * position as i32;
            self.b.ins().store(flags, re, list, at);
            if let Some(im) = im {
                self.b.ins().store(flags, im, list, at + VALUE / 2);
            }
        }
        let count = self.b.ins().isub(hi, lo);
        let function = self.b.ins().func_addr(types::I64, function);
        let place = self.b.ins().iadd(arena, start);
        let call = self.b.ins().call(kernel, &[function, list, count, place, bytes]);
        let mut checks = false;
        walk_block(&each.body, &mut |stmt| checks |= matches!(stmt, Stmt::Check(..)));
        if checks {
            let status = self.b.inst_results(call)[0];
            self.go_on_unless(status);
        }
        Ok(())
    }

    /// Reads the list that a function of iterations is called with.
    pub(super) fn begin_iterations(&mut self, each: &For) -> Emitted<()> {
        let missing = || unsupported("a function of iterations without its list");
        let Parameters { list, .. } = self.parameters.ok_or_else(missing)?;
        let list = list.ok_or_else(missing)?;
        let (vars, registers) = captured(self.func, each);
        let flags = MemFlagsData::trusted().with_readonly();
        let mut at = VALUES;
        let mut next = |emitter: &mut Self, dtype: tcc_ir::Dtype| {
            let ty = value_type(dtype);
            let re = emitter.b.ins().load(ty, flags, list, at);
            let im = dtype.is_complex().then(|| emitter.b.ins().load(ty, flags, list, at + VALUE / 2));
            at += VALUE;
            Scalar { re, im }
        };
        for var in vars {
            let value = next(self, self.func.var(var).dtype);
            self.define(var, value);
        }
        for register in registers {
            let value = next(self, self.func.buffer(register).dtype);
            let (re, im) = self.registers[register.index()].ok_or_else(missing)?;
            self.b.def_var(re, value.re);
            if let (Some(variable), Some(im)) = (im, value.im) {
                self.b.def_var(variable, im);
            }
        }
        Ok(())
    }

    /// The iterations that a function of iterations is called for.
    pub(super) fn iterations(&mut self, each: &'f For) -> Emitted<()> {
        let missing = || unsupported("a function of iterations without its list");
        let Parameters { list, range, .. } = self.parameters.ok_or_else(missing)?;
        let (list, (first, end)) = list.zip(range).ok_or_else(missing)?;
        self.open(&each.body)?;
        let lo = self.b.ins().load(types::I64, MemFlagsData::trusted().with_readonly(), list, 32);
        let (lo, hi) = (self.b.ins().iadd(lo, first), self.b.ins().iadd(lo, end));
        self.counted(each, (lo, hi), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iterations_read_what_stands_around_them() {
        let text = "func @f(n) {
            output Y: f32[n] scratch r: f32 scratch s: f32
            r = 1.0f32 let x: f32 = 2.0f32
            parallel for i in 0..n { let y: f32 = x + 1.0f32 s = y Y[i] = s + r }
        }";
        let func: Func = text.parse().expect("a function");
        let mut found = Vec::new();
        outermost(&func.body, &mut found);
        let (vars, registers) = captured(&func, found[0]);
        let names: Vec<&str> = vars.iter().map(|var| &*func.var(*var).name).collect();
        assert_eq!(names, ["x"]);
        assert_eq!(registers, BTreeSet::from([BufferId(1)]));
    }
}
