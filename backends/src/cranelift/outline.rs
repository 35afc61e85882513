//! Calls of what is compiled at the full width of the machine ([`wide`]).

use super::address::Coefficient;
use super::emit::{Emitted, Emitter};
use super::types::{Scalar, value_type};
use super::unsupported;
use super::wide::{Argument, Group, Start};
use cranelift::codegen::ir::{
    AbiParam, FuncRef, InstBuilder, Signature, StackSlotData, StackSlotKind, Value, types,
};
use cranelift::codegen::isa::TargetFrontendConfig;
use tcc_ir::loops::{BufferId, Stmt, Var};

/// A group and the function that it became.
pub(super) struct Outlined<'f> {
    pub group: Group<'f>,
    pub function: FuncRef,
}

/// The type of such a function: `(arguments)`.
pub(super) fn signature(config: TargetFrontendConfig) -> Signature {
    let mut signature = Signature::new(config.default_call_conv);
    signature.params.push(AbiParam::new(types::I64));
    signature
}

impl<'f> Emitter<'f, '_> {
    /// Whether a group touches a buffer.
    pub fn is_outlined(&self, buffer: usize) -> bool {
        self.outlined.values().any(|outlined| outlined.group.buffers.contains(&BufferId(buffer as u32)))
    }

    /// Calls the group that begins with a statement, if there is one: how many statements it holds.
    pub fn outlined(&mut self, first: &'f Stmt) -> Emitted<Option<usize>> {
        let Some(Outlined { group, function }) = self.outlined.remove(&std::ptr::from_ref(first)) else {
            return Ok(None);
        };
        for stmt in &group.hoisted {
            self.stmt(stmt)?;
        }
        let bytes = 8 * group.arguments.len().max(1) as u32;
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 3);
        let slot = self.b.create_sized_stack_slot(slot);
        for (index, argument) in group.arguments.iter().enumerate() {
            let value = self.argument(argument)?;
            self.b.ins().stack_store(types::I64, value, slot, 8 * index as i32);
        }
        let arguments = self.b.ins().stack_addr(types::I64, slot, 0);
        self.b.ins().call(function, &[arguments]);
        for &(index, buffer) in &group.results {
            let ty = value_type(self.func.buffer(buffer).dtype);
            let value = self.b.ins().stack_load(types::I64, ty, slot, 8 * index as i32);
            if let Some((variable, _)) = self.registers[buffer.index()] {
                self.b.def_var(variable, value);
            }
        }
        Ok(Some(group.length))
    }

    fn argument(&mut self, argument: &Argument<'f>) -> Emitted<Value> {
        match argument {
            Argument::Pointer(start) => self.start(start),
            Argument::Extent(coefficient) => Ok(self.coefficient(*coefficient)),
            Argument::Value(expr) => Ok(self.expr(expr)?.re),
            Argument::Var(var) => Ok(self.variable(*var)?.re),
            Argument::Register(buffer) => match self.registers[buffer.index()] {
                Some((variable, _)) => Ok(self.b.use_var(variable)),
                None => Err(unsupported(format!("{buffer} as a register"))),
            },
        }
    }

    fn start(&mut self, start: &Start<'f>) -> Emitted<Value> {
        let open: Vec<(Var, Coefficient)> =
            start.terms.iter().copied().filter(|(var, _)| self.fixed[var.index()].is_none()).collect();
        let mut pointer = self.pointer(start.buffer, &open);
        for &(expr, coefficient) in &start.opaque {
            let Scalar { re: value, .. } = self.expr(expr)?;
            pointer = self.plus_product(pointer, value, coefficient);
        }
        for &(var, coefficient) in &start.terms {
            if let Some(number) = self.fixed[var.index()] {
                let number = self.ops().int(types::I64, number);
                pointer = self.plus_product(pointer, number, coefficient);
            }
        }
        if let Some(constant) = start.constant {
            let one = self.ops().int(types::I64, 1);
            pointer = self.plus_product(pointer, one, constant);
        }
        Ok(pointer)
    }

    fn plus_product(&mut self, pointer: Value, value: Value, coefficient: Coefficient) -> Value {
        let by = self.coefficient(coefficient);
        let offset = self.b.ins().imul(value, by);
        self.b.ins().iadd(pointer, offset)
    }
}
