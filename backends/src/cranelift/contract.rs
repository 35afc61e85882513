//! Contractions: a description of the axes on the stack, and a call of the runtime's kernel.

use super::address::Coefficient;
use super::copy::{self, copy};
use super::emit::{Emitted, Emitter};
use super::{threads, unsupported};
use crate::signature::workspace;
use cranelift::codegen::ir::{
    AbiParam, FuncRef, InstBuilder, MemFlagsData, Signature, StackSlotData, StackSlotKind, Type, Value, types,
};
use cranelift::frontend::FunctionBuilder;
use cranelift::module::{Linkage, Module};
use std::mem::offset_of;
use tcc_ir::Dtype;
use tcc_ir::loops::{BufferId, Contract, Expr, Role, Stmt, Var, walk_block};
use tcc_runtime::{Axis, Contraction, ElementType, MAX_AXES};

/// The kernel's name in object files.
pub(super) const SYMBOL: &str = "tcc_contract";

/// The kernels of the runtime, as the code of one function calls them: those that it needs.
#[derive(Clone, Copy, Default)]
pub(super) struct Kernels {
    pub contract: Option<FuncRef>,
    pub permute: Option<FuncRef>,
    pub parallel: Option<FuncRef>,
}

/// Declares the kernels that statements need; `loops`: also what spreads parallel loops over threads.
pub(super) fn kernels(
    body: &[Stmt],
    loops: bool,
    module: &mut impl Module,
    b: &mut FunctionBuilder,
) -> Kernels {
    let (mut contracts, mut copies) = (false, false);
    walk_block(body, &mut |stmt| {
        contracts |= matches!(stmt, Stmt::Contract(_));
        copies |= matches!(stmt, Stmt::For(each) if copy(each).is_some());
    });
    let convention = module.target_config().default_call_conv;
    let mut declare = |needed: bool, name: &str, parameters: [Type; 5], result: Option<Type>| {
        let mut signature = Signature::new(convention);
        signature.params.extend(parameters.map(AbiParam::new));
        signature.returns.extend(result.map(AbiParam::new));
        let id = needed.then(|| module.declare_function(name, Linkage::Import, &signature).ok())??;
        Some(module.declare_func_in_func(id, b.func))
    };
    let (pointer, number) = (types::I64, types::I32);
    Kernels {
        contract: declare(contracts, SYMBOL, [pointer; 5], None),
        permute: declare(copies, copy::SYMBOL, [pointer, number, number, pointer, pointer], None),
        parallel: declare(loops, threads::SYMBOL, [pointer; 5], Some(number)),
    }
}

/// The runtime's name of an element type.
fn element_type(dtype: Dtype) -> Option<ElementType> {
    Some(match dtype {
        Dtype::F32 => ElementType::F32,
        Dtype::F64 => ElementType::F64,
        Dtype::C64 => ElementType::C64,
        Dtype::C128 => ElementType::C128,
        Dtype::I32 => ElementType::I32,
        Dtype::I64 => ElementType::I64,
        Dtype::U32 => ElementType::U32,
        Dtype::U8 => ElementType::U8,
        Dtype::Bool | Dtype::F16 | Dtype::BF16 => return None,
    })
}

impl<'f> Emitter<'f, '_> {
    /// Describes the contraction and calls the kernel.
    pub(super) fn contract(&mut self, contract: &'f Contract) -> Emitted<()> {
        let dtype = self.func.dtype(&contract.left);
        let (Expr::Load(left, left_place), Expr::Load(right, right_place)) =
            (&contract.left, &contract.right)
        else {
            return Err(unsupported("a contraction whose factors are no loads"));
        };
        let element = element_type(dtype).ok_or_else(|| unsupported(format!("a contraction of {dtype}")))?;
        let kernel = self.kernels.contract.ok_or_else(|| unsupported("a contraction without its kernel"))?;
        if contract.axes.len() > MAX_AXES {
            return Err(unsupported(format!("a contraction over more than {MAX_AXES} axes")));
        }
        let operands = [
            (*left, left_place.as_slice(), offset_of!(Axis, a)),
            (*right, right_place.as_slice(), offset_of!(Axis, b)),
            (contract.target, contract.place.as_slice(), offset_of!(Axis, c)),
        ];
        let bytes = (offset_of!(Contraction, axes) + contract.axes.len() * size_of::<Axis>()) as u32;
        let slot = StackSlotData::new(StackSlotKind::ExplicitSlot, bytes, 3);
        let slot = self.b.create_sized_stack_slot(slot);
        let description = self.b.ins().stack_addr(types::I64, slot, 0);
        for (offset, value) in [
            (offset_of!(Contraction, dtype), element.0),
            (offset_of!(Contraction, accumulate), u32::from(contract.accumulate)),
            (offset_of!(Contraction, lanes), 1),
            (offset_of!(Contraction, axis_count), contract.axes.len() as u32),
        ] {
            let value = self.ops().int(types::I32, i64::from(value));
            self.describe(description, offset, value);
        }
        for (position, (var, extent)) in contract.axes.iter().enumerate() {
            let row = offset_of!(Contraction, axes) + position * size_of::<Axis>();
            let extent = self.expr(extent)?.re;
            self.describe(description, row + offset_of!(Axis, extent), extent);
            for (buffer, place, field) in operands {
                let stride = self.stride(*var, buffer, place, dtype)?;
                self.describe(description, row + field, stride);
            }
        }
        for (var, _) in &contract.axes {
            self.fixed[var.index()] = Some(0);
        }
        let mut arguments = vec![description];
        for (buffer, place, _) in operands {
            let (pointer, offset) = self.address(buffer, place)?;
            let offset = self.ops().int(types::I64, i64::from(offset));
            arguments.push(self.b.ins().iadd(pointer, offset));
        }
        for (var, _) in &contract.axes {
            self.fixed[var.index()] = None;
        }
        arguments.push(self.workspace()?);
        self.b.ins().call(kernel, &arguments);
        Ok(())
    }

    /// Writes a field of the description.
    fn describe(&mut self, description: Value, offset: usize, value: Value) {
        self.b.ins().store(MemFlagsData::trusted(), value, description, offset as i32);
    }

    /// How many elements a place moves along an axis.
    fn stride(&mut self, var: Var, buffer: BufferId, place: &[Expr], dtype: Dtype) -> Emitted<Value> {
        let size = dtype.size_bytes() as i64;
        let steps: Vec<Coefficient> = match self.places.lookup(buffer, place) {
            Some(place) => place.terms.iter().filter(|(v, _)| *v == var).map(|(_, c)| *c).collect(),
            None => return Err(unsupported(format!("a contraction of {buffer} that was not analysed"))),
        };
        let mut known = 0;
        let mut sum: Option<Value> = None;
        for step in steps {
            if let Some(number) = self.places.number(step) {
                known += number / size;
                continue;
            }
            let bytes = self.coefficient(step);
            let elements = self.b.ins().sshr_imm_u(bytes, i64::from(size.trailing_zeros()));
            sum = Some(match sum {
                Some(sum) => self.b.ins().iadd(sum, elements),
                None => elements,
            });
        }
        let known = self.ops().int(types::I64, known);
        Ok(match sum {
            Some(sum) => self.b.ins().iadd(sum, known),
            None => known,
        })
    }

    /// The working memory of kernels.
    fn workspace(&mut self) -> Emitted<Value> {
        let buffer = workspace(self.func).map(|id| self.func.buffer(id));
        match buffer.map(|buffer| &buffer.role) {
            Some(Role::Scratch { offset: Some(offset) }) => self.in_arena(offset),
            _ => Err(unsupported("a contraction without working memory")),
        }
    }
}
