//! Small arrays that live in vector registers, and loads and stores of memory.

use super::Vectors;
use super::code::{Address, Class, Code, Home, Operand, Reg, Vector};
use super::encode::Bytes;
use super::instructions::Op;
use super::nest::{Generator, Refusal, Wide};
use super::value::{Piece, Value, broadcast};
use tcc_ir::loops::{BufferId, Expr, Role};
use tcc_ir::{Dtype, planted};

/// Vector registers that an array may take.
const MAX_REGISTERS: u32 = 16;

/// An array in registers.
pub(super) struct Slots {
    /// The registers, in the order of the elements.
    pub registers: Vec<Reg>,
}

/// Where in an array in registers an access lies.
struct Position {
    register: Reg,
    /// Bytes from the start of the register.
    within: u32,
}

impl<'f> Generator<'_, 'f> {
    /// Whether a buffer lives in registers; it does from the first time on that this is asked.
    pub fn slot(&mut self, buffer: BufferId) -> Wide<bool> {
        if self.slots.contains_key(&buffer) {
            return Ok(true);
        }
        let declaration = self.func.buffer(buffer);
        let dtype = matches!(declaration.dtype, Dtype::F32 | Dtype::F64 | Dtype::I32 | Dtype::I64);
        if !matches!(declaration.role, Role::Scratch { .. }) || !dtype || !self.may_promote(buffer) {
            return Ok(false);
        }
        let Some(elements) = declaration.elements().as_const() else { return Ok(false) };
        let bytes = elements.saturating_mul(declaration.dtype.size_bytes() as i64);
        let count = (bytes as u64).div_ceil(self.vectors.bytes().into());
        if bytes <= 0 || count > MAX_REGISTERS.into() {
            return Ok(false);
        }
        let registers = (0..count).map(|_| self.vector()).collect();
        self.slots.insert(buffer, Slots { registers });
        Ok(true)
    }

    fn position(&self, buffer: BufferId, indices: &[Expr], bytes: u32) -> Wide<Position> {
        let refused = Refusal::Memory(buffer);
        let place = self.places.lookup(buffer, indices).ok_or(refused)?;
        if !place.opaque.is_empty() {
            return Err(refused);
        }
        let mut offset = self.places.number(place.constant).ok_or(refused)?;
        for (var, coefficient) in &place.terms {
            let by = self.places.number(*coefficient).ok_or(refused)?;
            offset += self.fixed.get(var).ok_or(refused)? * by;
        }
        let offset = u32::try_from(offset).map_err(|_| refused)?;
        let size = self.vectors.bytes();
        let registers = &self.slots.get(&buffer).ok_or(refused)?.registers;
        let register = *registers.get((offset / size) as usize).ok_or(refused)?;
        let within = offset % size;
        if within + bytes > size {
            return Err(refused);
        }
        Ok(Position { register, within })
    }

    /// The value of an access to an array in registers.
    fn read_slot(&mut self, buffer: BufferId, indices: &[Expr], piece: &Piece) -> Wide<Value> {
        let dtype = self.func.buffer(buffer).dtype;
        let size = dtype.size_bytes() as u32;
        let stride = self.lane_stride(buffer, indices, piece.var)?;
        let varying = stride != 0;
        if varying && stride != i64::from(size) {
            return Err(Refusal::Memory(buffer));
        }
        let bytes = if varying { piece.lanes * size } else { size };
        let Position { register, within } = self.position(buffer, indices, bytes)?;
        let aligned = bytes.is_power_of_two() && within % bytes == 0;
        if within != 0 && !aligned {
            return Err(Refusal::Memory(buffer));
        }
        let part = self.part(register, within, bytes);
        let reg = if varying {
            part
        } else {
            self.pure(Vector {
                dest: None,
                ..Vector::one(broadcast(size), self.vectors.bytes(), part, Operand::Reg(part))
            })
        };
        Ok(Value { reg, varying, literal: None, width: size })
    }

    /// A part of a register, moved to its start.
    fn part(&mut self, register: Reg, within: u32, bytes: u32) -> Reg {
        let full = self.vectors.bytes();
        let out = |op, part: u32| Vector {
            a: Some(register),
            immediate: Some(part as u8),
            dest: None,
            ..Vector::one(op, full, register, Operand::Reg(register))
        };
        match (within, bytes) {
            (0, _) => register,
            (_, 32) => self.out(out(Op::Extract32, within / 32)),
            (_, 16) => self.out(out(Op::Extract16, within / 16)),
            _ => {
                let quarter = if within >= 16 { self.out(out(Op::Extract16, within / 16)) } else { register };
                let choice = match (within % 16, bytes) {
                    (0, _) => return quarter,
                    (_, 8) => 0xEE,
                    (at, _) => (at / 4) as u8,
                };
                self.pure(Vector {
                    dest: None,
                    immediate: Some(choice),
                    ..Vector::one(Op::Shuffle4, 16, quarter, Operand::Reg(quarter))
                })
            }
        }
    }

    /// An instruction whose result stands where others have their last operand.
    pub fn out(&mut self, vector: Vector) -> Reg {
        self.pure(vector)
    }

    /// Writes to an array in registers.
    pub fn write_slot(
        &mut self,
        buffer: BufferId,
        indices: &[Expr],
        value: Value,
        piece: &Piece,
        mark: usize,
    ) -> Wide<()> {
        let refused = Refusal::Memory(buffer);
        let size = self.func.buffer(buffer).dtype.size_bytes() as u32;
        let stride = self.lane_stride(buffer, indices, piece.var)?;
        if stride != 0 && stride != i64::from(size) {
            return Err(refused);
        }
        let bytes = if stride == 0 { size } else { piece.lanes * size };
        let Position { register, within } = self.position(buffer, indices, bytes)?;
        if within != 0 && value.varying {
            return Err(refused);
        }
        if bytes == self.vectors.bytes() {
            self.assign(register, value.reg, mark);
            return Ok(());
        }
        let lanes = ((1u64 << (bytes / size)) - 1) << (within / size);
        self.changes(register);
        let full = self.vectors.bytes();
        if self.vectors == Vectors::Avx512 {
            let mask = self.mask(lanes as u16);
            let op = if size == 4 { Op::LoadF32 } else { Op::LoadF64 };
            self.push(Code::Vector(Vector {
                mask: Some(mask),
                ..Vector::one(op, full, register, Operand::Reg(value.reg))
            }));
        } else {
            let op = if size == 4 { Op::BlendF32 } else { Op::BlendF64 };
            self.push(Code::Vector(Vector {
                a: Some(register),
                immediate: Some(lanes as u8),
                ..Vector::one(op, full, register, Operand::Reg(value.reg))
            }));
        }
        Ok(())
    }

    /// A mask register with these lanes.
    pub fn mask(&mut self, lanes: u16) -> Reg {
        if let Some(&known) = self.constants.get(&(lanes.into(), 2)) {
            return known;
        }
        let offset = self.pool(&lanes.to_le_bytes(), 4);
        let reg = self.register(Class::Mask, Home::Element(offset, 2));
        self.constants.insert((lanes.into(), 2), reg);
        reg
    }

    /// Puts bytes into the pool.
    pub fn pool(&mut self, bytes: &[u8], align: usize) -> u32 {
        let pool = &mut self.program.pool;
        pool.resize(pool.len().next_multiple_of(align), 0);
        let offset = pool.len() as u32;
        pool.extend_from_slice(bytes);
        offset
    }

    /// The value of an element, or of one for each lane.
    pub fn read(&mut self, buffer: BufferId, indices: &'f [Expr], piece: &Piece) -> Wide<Value> {
        let declaration = self.func.buffer(buffer);
        let dtype = declaration.dtype;
        let size = dtype.size_bytes() as u32;
        if declaration.is_register() {
            let reg = self.function_register(buffer)?;
            return Ok(Value { reg, varying: false, literal: None, width: size });
        }
        if self.slot(buffer)? {
            return self.read_slot(buffer, indices, piece);
        }
        let stride = self.lane_stride(buffer, indices, piece.var)?;
        if dtype == Dtype::Bool {
            let address = self.address(buffer, indices)?;
            return self.read_bools(buffer, address, stride, piece);
        }
        if !is_laned(dtype) {
            return Err(Refusal::Unsupported);
        }
        let mut address = self.address(buffer, indices)?;
        if let (Role::Scratch { offset: Some(offset) }, true) =
            (&declaration.role, planted(32) && stride != 0)
        {
            let offset = offset.as_const().unwrap_or(0) as i32;
            address.displacement -= offset - offset / piece.lanes as i32; // Planted bug 32.
        }
        let place = Operand::Memory(address);
        let load = |op, length| Vector { dest: None, ..Vector::one(op, length, Reg(0), place) };
        let varying = stride != 0;
        let neighbours = stride == i64::from(size) || stride > 0 && planted(31); // Planted bug 31.
        let reg = if !varying {
            self.load(buffer, load(broadcast(size), self.vectors.bytes()))
        } else if neighbours {
            let bytes = piece.lanes * size;
            match exact(bytes, false) {
                Some(op) => self.load(buffer, load(op, bytes.max(16))),
                None => {
                    let mask = self.mask(((1u32 << piece.lanes) - 1) as u16);
                    let op = if size == 4 { Op::LoadF32 } else { Op::LoadF64 };
                    let load = load(op, length(bytes));
                    self.load(buffer, Vector { mask: Some(mask), zeroing: true, ..load })
                }
            }
        } else {
            self.gather(buffer, address, stride, size, piece)?
        };
        Ok(Value { reg, varying, literal: None, width: size })
    }

    /// Bytes as a mask.
    fn read_bools(&mut self, buffer: BufferId, address: Address, stride: i64, piece: &Piece) -> Wide<Value> {
        let place = Operand::Memory(address);
        let full = self.vectors.bytes();
        let load = |op, length| Vector { dest: None, ..Vector::one(op, length, Reg(0), place) };
        let (bytes, length) = match stride {
            0 => (self.load(buffer, load(Op::Broadcast1, full)), full),
            1 => {
                let length = length(4 * piece.lanes);
                let load = load(Op::U8ToI32, length);
                if 4 * piece.lanes == length {
                    (self.load(buffer, load), length)
                } else if self.vectors == Vectors::Avx512 {
                    let mask = self.mask(((1u32 << piece.lanes) - 1) as u16);
                    let load = Vector { mask: Some(mask), zeroing: true, ..load };
                    (self.load(buffer, load), length)
                } else {
                    return Err(Refusal::Unsupported);
                }
            }
            _ => return Err(Refusal::Unsupported),
        };
        let reg = self.not_zero(bytes, length)?;
        let varying = stride != 0;
        Ok(Value { reg, varying, literal: None, width: if varying { 4 } else { 0 } })
    }

    /// Elements at a distance from each other.
    fn gather(
        &mut self,
        buffer: BufferId,
        address: Address,
        stride: i64,
        size: u32,
        piece: &Piece,
    ) -> Wide<Reg> {
        let farthest = stride.unsigned_abs().saturating_mul(piece.lanes.into());
        if self.vectors != Vectors::Avx512 || farthest >= 1 << 31 {
            return Err(Refusal::Unsupported);
        }
        let offsets: Vec<u8> = (0..16).flat_map(|lane| ((lane * stride) as i32).to_le_bytes()).collect();
        let offsets = self.lanes(&offsets);
        let base = match address.index {
            None => address.base,
            Some(_) => {
                let dest = self.register(Class::General, Home::Frame);
                self.push(Code::Lea { dest, address: Address { displacement: 0, ..address } });
                dest
            }
        };
        // Gathering clears its mask.
        let all = self.mask(((1u32 << piece.lanes) - 1) as u16);
        let mask = self.register(Class::Mask, Home::Frame);
        self.push(Code::Copy { dest: mask, source: all });
        let dest = self.vector();
        let op = if size == 4 { Op::Gather4 } else { Op::Gather8 };
        let place = Address { base, index: Some(offsets), displacement: address.displacement };
        let _ = buffer;
        self.push(Code::Vector(Vector {
            mask: Some(mask),
            ..Vector::one(op, length(piece.lanes * size), dest, Operand::Memory(place))
        }));
        Ok(dest)
    }

    /// A constant that differs between lanes, from its bytes.
    pub fn lanes(&mut self, bytes: &[u8]) -> Reg {
        let offset = self.pool(bytes, 64);
        self.register(Class::Vector, Home::Lanes(offset))
    }

    /// Writes to memory.
    pub fn write(
        &mut self,
        buffer: BufferId,
        indices: &[Expr],
        address: Address,
        value: Value,
        piece: &Piece,
    ) -> Wide<()> {
        let dtype = self.func.buffer(buffer).dtype;
        if !is_laned(dtype) {
            return Err(Refusal::Unsupported);
        }
        let size = dtype.size_bytes() as u32;
        let stride = self.lane_stride(buffer, indices, piece.var)?;
        if stride == 0 && value.varying || stride != 0 && stride != i64::from(size) {
            return Err(Refusal::Unsupported);
        }
        let bytes = if stride == 0 { size } else { piece.lanes * size };
        if exact(bytes, true).is_some() {
            self.store_exact(bytes, address, value.reg);
            return Ok(());
        }
        let mask = self.mask(((1u32 << piece.lanes) - 1) as u16);
        let op = if size == 4 { Op::StoreF32 } else { Op::StoreF64 };
        self.push(Code::Vector(Vector {
            dest: None,
            a: Some(value.reg),
            mask: Some(mask),
            ..Vector::one(op, length(bytes), value.reg, Operand::Memory(address))
        }));
        Ok(())
    }

    /// Writes the first bytes of a register, as many as one instruction does.
    pub fn store_exact(&mut self, bytes: Bytes, address: Address, value: Reg) {
        let Some(op) = exact(bytes, true) else { return };
        self.push(Code::Vector(Vector {
            dest: None,
            a: Some(value),
            ..Vector::one(op, bytes.max(16), value, Operand::Memory(address))
        }));
    }
}

/// Whether lanes hold values of a dtype as they are in memory.
fn is_laned(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F32 | Dtype::F64 | Dtype::I32 | Dtype::I64 | Dtype::U32)
}

/// The length of the registers that hold so many bytes.
pub(super) fn length(bytes: u32) -> Bytes {
    bytes.next_power_of_two().max(16)
}

/// The instruction that loads or stores exactly so many bytes.
fn exact(bytes: u32, store: bool) -> Option<Op> {
    match (bytes, store) {
        (4, false) => Some(Op::LoadLowF32),
        (8, false) => Some(Op::LoadLowF64),
        (16 | 32 | 64, false) => Some(Op::LoadF32),
        (4, true) => Some(Op::StoreLowF32),
        (8, true) => Some(Op::StoreLowF64),
        (16 | 32 | 64, true) => Some(Op::StoreF32),
        _ => None,
    }
}
