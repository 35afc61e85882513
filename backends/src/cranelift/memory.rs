//! Loads and stores of single elements.

use super::emit::{Emitted, Emitter};
use super::half;
use super::types::{Scalar, memory_type};
use cranelift::codegen::ir::{InstBuilder, MemFlagsData};
use tcc_ir::Dtype;
use tcc_ir::loops::{BufferId, Expr, Role};

impl<'f> Emitter<'f, '_> {
    /// How memory of a buffer may be treated.
    pub fn flags(&self, buffer: BufferId) -> MemFlagsData {
        let flags = MemFlagsData::new().with_notrap();
        match self.func.buffer(buffer).role {
            Role::Input | Role::Table(_) => flags.with_readonly(),
            Role::Output | Role::Scratch { .. } => flags,
        }
    }

    /// Reads an element.
    pub fn load(&mut self, buffer: BufferId, indices: &'f [Expr]) -> Emitted<Scalar> {
        if let Some((re, im)) = self.registers[buffer.index()] {
            let re = self.b.use_var(re);
            return Ok(Scalar { re, im: im.map(|im| self.b.use_var(im)) });
        }
        if let Some(slot) = self.slot(buffer, indices)? {
            return Ok(Scalar::real(self.read_slot(slot)));
        }
        let dtype = self.func.buffer(buffer).dtype;
        let (pointer, offset) = self.address(buffer, indices)?;
        let (flags, ty) = (self.flags(buffer), memory_type(dtype));
        let re = self.b.ins().load(ty, flags, pointer, offset);
        Ok(match dtype {
            Dtype::F16 | Dtype::BF16 => Scalar::real(half::widen(&mut self.ops(), re, dtype)),
            Dtype::C64 | Dtype::C128 => {
                let im = self.b.ins().load(ty, flags, pointer, offset + ty.bytes() as i32);
                Scalar::complex(re, im)
            }
            _ => Scalar::real(re),
        })
    }

    /// Writes an element.
    pub(super) fn store(&mut self, buffer: BufferId, indices: &'f [Expr], value: Scalar) -> Emitted<()> {
        if let Some((re, im)) = self.registers[buffer.index()] {
            self.b.def_var(re, value.re);
            if let Some(im) = im {
                self.b.def_var(im, value.im());
            }
            return Ok(());
        }
        if let Some(slot) = self.slot(buffer, indices)? {
            self.write_slot(slot, value.re);
            return Ok(());
        }
        let dtype = self.func.buffer(buffer).dtype;
        let (pointer, offset) = self.address(buffer, indices)?;
        let flags = self.flags(buffer);
        let re = match dtype {
            Dtype::F16 | Dtype::BF16 => half::narrow(&mut self.ops(), value.re, dtype),
            _ => value.re,
        };
        self.b.ins().store(flags, re, pointer, offset);
        if let Some(im) = value.im {
            self.b.ins().store(flags, im, pointer, offset + memory_type(dtype).bytes() as i32);
        }
        Ok(())
    }
}
