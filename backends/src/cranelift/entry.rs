//! What a function begins with, and the starts of the buffers that its statements touch.

use super::address::Coefficient;
use super::emit::{Emitted, Emitter, Environment};
use super::types::{Scalar, value_type};
use super::unsupported;
use cranelift::codegen::ir::{InstBuilder, MemFlagsData, Type, Value, types};
use tcc_ir::extent::Atom;
use tcc_ir::loops::{BufferId, Role, Stmt};
use tcc_ir::{Dtype, Extent, Name, ScalarOp};

/// The parameters of the function that code goes on to need.
#[derive(Clone, Copy)]
pub(super) struct Parameters {
    /// The list of inputs and outputs.
    pub buffers: Value,
    /// The values of the symbols.
    pub sizes: Value,
    /// The start of the working memory.
    pub arena: Value,
    /// Where the working memory would start if all of it were as private scratch is.
    pub private: Value,
    /// What the iterations of a parallel loop are called with.
    pub list: Option<Value>,
    /// The first of the iterations, and what comes after the last.
    pub range: Option<(Value, Value)>,
}

impl<'f, 'b> Emitter<'f, 'b> {
    /// Loads symbols, clears registers, and computes the extents that addresses need.
    pub(super) fn prologue(&mut self, environment: &mut dyn Environment<'b>) -> Emitted<()> {
        let entry = self.b.create_block();
        self.b.append_block_params_for_function_params(entry);
        self.b.switch_to_block(entry);
        self.b.seal_block(entry);
        let flags = MemFlagsData::trusted().with_readonly();
        let parameters = match *self.b.block_params(entry) {
            [buffers, sizes, arena] => {
                Parameters { buffers, sizes, arena, private: arena, list: None, range: None }
            }
            [list, first, end, private] => {
                let [buffers, sizes, arena, start] =
                    [0, 8, 16, 24].map(|at| self.b.ins().load(types::I64, flags, list, at));
                let private = self.b.ins().isub(private, start);
                let range = Some((first, end));
                Parameters { buffers, sizes, arena, private, list: Some(list), range }
            }
            _ => return Err(unsupported("a function without the parameters of the ABI")),
        };
        let sizes = parameters.sizes;
        self.parameters = Some(parameters);
        let func = self.func;
        for (index, symbol) in func.symbols.iter().enumerate() {
            let value = self.b.ins().load(types::I64, flags, sizes, 8 * index as i32);
            self.symbols.insert(symbol.name.clone(), value);
        }
        self.promote();
        let part = self.part;
        for (index, buffer) in func.buffers.iter().enumerate().filter(|(index, _)| part.touches(*index)) {
            if buffer.is_register() {
                let ty = value_type(buffer.dtype);
                let variables =
                    (self.b.declare_var(ty), buffer.dtype.is_complex().then(|| self.b.declare_var(ty)));
                let zero = self.zero(ty);
                self.b.def_var(variables.0, zero);
                if let Some(im) = variables.1 {
                    self.b.def_var(im, zero);
                }
                self.registers[index] = Some(variables);
            } else if matches!(buffer.role, Role::Table(_)) {
                self.bases[index] = Some(environment.table(&mut self.b, BufferId(index as u32))?);
            }
        }
        if let Some(each) = part.iterations {
            self.begin_iterations(each)?;
        }
        let needed: Vec<(Coefficient, Extent)> = self
            .places
            .coefficients()
            .filter(|(_, extent)| extent.as_const().is_none())
            .map(|(coefficient, extent)| (coefficient, extent.clone()))
            .collect();
        for (coefficient, extent) in needed {
            let value = self.extent(&extent)?;
            self.extents.insert(coefficient, value);
        }
        Ok(())
    }

    /// Zero of any type of value.
    pub fn zero(&mut self, ty: Type) -> Value {
        let lane = ty.lane_type();
        let zero = if lane.is_float() { self.ops().float(lane, 0.0) } else { self.ops().int(lane, 0) };
        if ty.is_vector() { self.b.ins().splat(ty, zero) } else { zero }
    }

    /// The value of an extent.
    pub(super) fn extent(&mut self, extent: &Extent) -> Emitted<Value> {
        if let Some(value) = extent.as_const() {
            return Ok(self.ops().int(types::I64, value));
        }
        let mut sum: Option<Value> = None;
        for (coefficient, atoms) in extent.terms() {
            let mut product = self.ops().int(types::I64, coefficient as i64);
            for atom in atoms {
                let value = match atom {
                    Atom::Symbol(name) => self.symbol(name)?,
                    Atom::Div(a, b) | Atom::Mod(a, b) => {
                        let op =
                            if matches!(atom, Atom::Div(..)) { ScalarOp::FloorDiv } else { ScalarOp::Mod };
                        let operands = [Scalar::real(self.extent(a)?), Scalar::real(self.extent(b)?)];
                        self.scalar_op(op, Dtype::I64, Dtype::I64, &operands)?.re
                    }
                };
                product = self.b.ins().imul(product, value);
            }
            sum = Some(match sum {
                Some(sum) => self.b.ins().iadd(sum, product),
                None => product,
            });
        }
        match sum {
            Some(sum) => Ok(sum),
            None => Ok(self.ops().int(types::I64, 0)),
        }
    }

    pub(super) fn symbol(&self, name: &Name) -> Emitted<Value> {
        let value = self.symbols.get(name).copied();
        value.ok_or_else(|| unsupported(format!("`{name}`, which is not declared")))
    }

    /// The outermost statements. The starts of the buffers that one touches are loaded before it and
    /// forgotten after it: kept for the whole function they would take the longer to allocate the more
    /// statements and buffers there are.
    pub(super) fn outermost(&mut self, block: &'f [Stmt]) -> Emitted<()> {
        let mut at = 0;
        while let Some(stmt) = block.get(at) {
            let first = std::ptr::from_ref(stmt);
            let length = self.outlined.get(&first).map_or(1, |outlined| outlined.group.length);
            let opened = self.open(&block[at..at + length])?;
            if self.outlined(stmt)?.is_none() {
                self.stmt(stmt)?;
            }
            for index in opened {
                self.bases[index] = None;
            }
            at += length;
        }
        Ok(())
    }

    /// Loads the starts of the buffers that statements touch.
    pub(super) fn open(&mut self, block: &'f [Stmt]) -> Emitted<Vec<usize>> {
        let mut touched = Vec::new();
        self.accesses(block, &mut touched);
        let mut opened = Vec::new();
        for place in touched {
            let index = place.buffer.index();
            let in_memory = self.registers[index].is_none() && self.promoted[index].is_none();
            if in_memory && self.bases[index].is_none() {
                self.bases[index] = Some(self.base(place.buffer)?);
                opened.push(index);
            }
        }
        Ok(opened)
    }

    /// The address of a place in the working memory.
    pub(super) fn in_arena(&mut self, offset: &Extent) -> Emitted<Value> {
        let Some(Parameters { arena, .. }) = self.parameters else {
            return Err(unsupported("a function without the parameters of the ABI"));
        };
        let offset = self.extent(offset)?;
        Ok(self.b.ins().iadd(arena, offset))
    }

    /// The start of a buffer in memory.
    fn base(&mut self, id: BufferId) -> Emitted<Value> {
        let missing = || unsupported("a function without the parameters of the ABI");
        let Parameters { buffers, .. } = self.parameters.ok_or_else(missing)?;
        let buffer = self.func.buffer(id);
        match &buffer.role {
            Role::Input | Role::Output => {
                let position = self.positions[id.index()];
                let flags = MemFlagsData::trusted().with_readonly();
                Ok(self.b.ins().load(types::I64, flags, buffers, 8 * position))
            }
            Role::Scratch { offset: Some(offset) }
                if buffer.private && self.part.writes_in_iterations(id) =>
            {
                let private = self.parameters.ok_or_else(missing)?.private;
                let offset = self.extent(offset)?;
                Ok(self.b.ins().iadd(private, offset))
            }
            Role::Scratch { offset: Some(offset) } => self.in_arena(offset),
            Role::Scratch { offset: None } | Role::Table(_) => {
                Err(unsupported(format!("`{}` without a place", buffer.name)))
            }
        }
    }
}
