//! Virtual code to machine code: allocation, operands in memory, the frame.

use super::Vectors;
use super::allocate::{Allocation, Location, Machine, allocate};
use super::code::{Address, Calculation, Class, Code, Home, Integer, Operand, Program, Reg, Vector};
use super::encode::{Arithmetic, Condition, Encoder, General, Label, Last, Memory, Operands, RBP, RDI, RSP};
use super::instructions::{Form, Op};

/// Mask registers; the first means "no mask".
const MASKS: &[u8] = &[1, 2, 3, 4, 5, 6, 7];
/// General registers, those first that the caller does not expect back. `rdi` holds the arguments,
/// `rbp` and `rsp` the frame.
const GENERALS: &[u8] = &[0, 1, 2, 6, 8, 9, 10, 11, 3, 12, 13, 14, 15];
/// Those among them that the caller expects back.
const SAVED: &[u8] = &[3, 12, 13, 14, 15];
/// Larger frames are refused.
const MAX_FRAME: u32 = 1 << 15;
/// Memory of the stack is touched page by page.
const PAGE: u32 = 4096;

struct Assembler<'p> {
    program: &'p Program,
    evex: bool,
    allocation: Allocation,
    encoder: Encoder,
    /// Where in the frame a virtual register lives.
    frame: Vec<Option<u32>>,
    scratch: [[u8; 2]; 3],
    loops: Vec<(Label, Label)>,
}

/// The bytes of a function `fn(arguments)` and its assembly; `None` if its frame would be too large.
pub(super) fn assemble(
    program: &Program,
    vectors: Vectors,
    listing: bool,
) -> Option<(Vec<u8>, Option<String>)> {
    let evex = vectors == Vectors::Avx512;
    let mut machine =
        Machine { vectors: if evex { 32 } else { 16 }, masks: MASKS, generals: GENERALS, reserve: false };
    let mut allocation = allocate(program, &machine);
    if allocation.spills {
        machine.reserve = true;
        allocation = allocate(program, &machine);
    }
    let last = |all: &[u8]| [all[all.len() - 2], all[all.len() - 1]];
    let scratch = [[machine.vectors - 2, machine.vectors - 1], last(MASKS), last(GENERALS)];
    let encoder = Encoder::new(evex, listing);
    let (frame, size) = frame(program, &allocation, evex);
    if size > MAX_FRAME {
        return None;
    }
    let saved: Vec<u8> = match machine.reserve {
        true => SAVED.to_vec(),
        false => SAVED.iter().copied().filter(|r| is_used(program, &allocation, *r)).collect(),
    };
    let mut assembler = Assembler { program, evex, allocation, encoder, frame, scratch, loops: Vec::new() };
    assembler.begin(&saved, size);
    let loads = std::mem::take(&mut assembler.allocation.loads);
    let mut loads = loads.into_iter().peekable();
    for (at, code) in program.code.iter().enumerate() {
        while let Some((_, reg)) = loads.next_if(|(before, _)| *before <= at) {
            let register = assembler.register(reg)?;
            assembler.load(reg, register);
        }
        assembler.code(code)?;
    }
    assembler.end(&saved, size);
    Some(assembler.encoder.finish(&program.pool))
}

/// Offsets of what lives in the frame, and the size of the frame.
fn frame(program: &Program, allocation: &Allocation, evex: bool) -> (Vec<Option<u32>>, u32) {
    let mut size = 0u32;
    let mut offset = |bytes: u32| {
        let at = size.next_multiple_of(bytes);
        size = at.saturating_add(bytes);
        Some(at)
    };
    let offsets = program
        .registers
        .iter()
        .zip(&allocation.locations)
        .map(|(register, location)| match (location, register.home, register.class) {
            (Location::Home, Home::Frame, Class::Vector) => offset(if evex { 64 } else { 32 }),
            (Location::Home, Home::Frame, _) => offset(8),
            _ => None,
        })
        .collect();
    (offsets, size.next_multiple_of(64))
}

fn is_used(program: &Program, allocation: &Allocation, general: u8) -> bool {
    program.registers.iter().zip(&allocation.locations).any(|(register, location)| {
        register.class == Class::General && *location == Location::Register(general)
    })
}

impl Assembler<'_> {
    fn begin(&mut self, saved: &[u8], size: u32) {
        for &register in saved {
            self.push(register);
        }
        if size > 0 {
            self.push(RBP);
            self.encoder.plain("mov rbp, rsp", &[0x48, 0x89, 0xE5]);
            for page in (PAGE..size).step_by(PAGE as usize) {
                let [a, b, c, d] = (-(page as i32)).to_le_bytes();
                self.encoder.plain("or [rsp-page], 0", &[0x48, 0x83, 0x8C, 0x24, a, b, c, d, 0]);
            }
            let [a, b, c, d] = size.to_le_bytes();
            self.encoder.plain(&format!("sub rsp, {size}"), &[0x48, 0x81, 0xEC, a, b, c, d]);
            self.encoder.plain("and rsp, -64", &[0x48, 0x83, 0xE4, 0xC0]);
        }
    }

    fn end(&mut self, saved: &[u8], size: u32) {
        if size > 0 {
            self.encoder.plain("mov rsp, rbp", &[0x48, 0x89, 0xEC]);
            self.pop(RBP);
        }
        for &register in saved.iter().rev() {
            self.pop(register);
        }
        self.encoder.plain("vzeroupper", &[0xC5, 0xF8, 0x77]);
        self.encoder.plain("ret", &[0xC3]);
    }

    fn push(&mut self, register: u8) {
        let bytes = [0x41, 0x50 | register & 7];
        self.encoder.plain(&format!("push r{register}"), &bytes[usize::from(register < 8)..]);
    }

    fn pop(&mut self, register: u8) {
        let bytes = [0x41, 0x58 | register & 7];
        self.encoder.plain(&format!("pop r{register}"), &bytes[usize::from(register < 8)..]);
    }

    fn class(&self, reg: Reg) -> Class {
        self.program.registers[reg.index()].class
    }

    /// The register in which a virtual register lives.
    fn register(&self, reg: Reg) -> Option<u8> {
        match self.allocation.locations[reg.index()] {
            Location::Register(register) => Some(register),
            Location::Home | Location::Nowhere => None,
        }
    }

    fn home(&self, reg: Reg) -> Memory {
        match self.program.registers[reg.index()].home {
            Home::Frame => {
                let offset = self.frame[reg.index()].unwrap_or(0) as i32;
                Memory::At { base: RSP, index: None, scale: 1, displacement: offset }
            }
            Home::Element(offset, _) | Home::Lanes(offset) => Memory::Pool(offset),
            Home::Argument(offset, _) => {
                Memory::At { base: RDI, index: None, scale: 1, displacement: offset as i32 }
            }
        }
    }

    fn full(&self) -> u32 {
        if self.evex { 64 } else { 32 }
    }

    /// A vector instruction with one operand.
    fn one(&mut self, op: Op, length: u32, reg: u8, last: Last) {
        let operands = Operands { length, reg, vvvv: 0, last, mask: 0, zeroing: false, immediate: None };
        self.encoder.vector(op, &operands);
    }

    /// Loads a register from its home.
    fn load(&mut self, reg: Reg, register: u8) {
        let memory = self.home(reg);
        match (self.class(reg), self.program.registers[reg.index()].home) {
            (Class::General, _) => {
                self.encoder.general(Arithmetic::Move, register, General::Memory(memory));
            }
            (Class::Mask, _) => self.one(Op::MaskMove, 16, register, Last::Memory(memory)),
            (Class::Vector, Home::Element(_, size) | Home::Argument(_, size)) => {
                let op = if size == 4 { Op::Broadcast4 } else { Op::Broadcast8 };
                self.one(op, self.full(), register, Last::Memory(memory));
            }
            (Class::Vector, _) => self.one(Op::LoadF32, self.full(), register, Last::Memory(memory)),
        }
    }

    /// Writes a register to its home.
    fn store(&mut self, reg: Reg, register: u8) {
        let memory = self.home(reg);
        match self.class(reg) {
            Class::General => self.encoder.keep(memory, register),
            Class::Mask => self.one(Op::MaskStore, 16, register, Last::Memory(memory)),
            Class::Vector => self.one(Op::StoreF32, self.full(), register, Last::Memory(memory)),
        }
    }

    /// A register with the value of a virtual register; the given one of the scratch registers if it
    /// lives in memory.
    fn read(&mut self, reg: Reg, scratch: usize) -> u8 {
        if let Some(register) = self.register(reg) {
            return register;
        }
        let register = self.scratch[self.class(reg) as usize][scratch];
        self.load(reg, register);
        register
    }

    /// The register to write a virtual register to.
    fn target(&self, reg: Reg) -> u8 {
        self.register(reg).unwrap_or(self.scratch[self.class(reg) as usize][0])
    }

    /// What follows a write to [`Assembler::target`].
    fn written(&mut self, reg: Reg) {
        if self.allocation.locations[reg.index()] == Location::Home {
            self.store(reg, self.target(reg));
        }
    }

    fn memory(&mut self, address: &Address) -> Memory {
        let base = self.read(address.base, 0);
        let index = address.index.map(|index| self.read(index, 1));
        Memory::At { base, index, scale: 1, displacement: address.displacement }
    }

    /// The last operand of an instruction: a register, or memory where the instruction can read it.
    fn last(&mut self, op: Op, reg: Reg) -> Last {
        if let Some(register) = self.register(reg) {
            return Last::Register(register);
        }
        let memory = self.home(reg);
        match (op.element(), self.program.registers[reg.index()].home) {
            (Some(_), Home::Frame | Home::Lanes(_)) => Last::Memory(memory),
            (Some(element), Home::Element(_, size) | Home::Argument(_, size))
                if self.evex && element == size =>
            {
                Last::Element(memory)
            }
            _ => Last::Register(self.read(reg, 1)),
        }
    }

    fn code(&mut self, code: &Code) -> Option<()> {
        match code {
            Code::Vector(vector) => self.vector(vector)?,
            Code::Fma { double, length, dest, a, b, c } => {
                self.fma(*double, *length, *dest, [*a, *b, *c]);
            }
            Code::Copy { dest, source } => self.copy(*dest, *source),
            Code::Integer { calculation, dest, source } => self.integer(*calculation, *dest, source),
            Code::Lea { dest, address } => {
                let memory = self.memory(address);
                self.encoder.address(self.target(*dest), memory);
                self.written(*dest);
            }
            Code::Loop { counter, limit, guarded } => {
                let (start, exit) = (self.encoder.label(), self.encoder.label());
                if *guarded {
                    self.compare(*counter, limit);
                    self.encoder.jump(Condition::GreaterOrEqual, exit);
                }
                self.encoder.place(start, true);
                self.loops.push((start, exit));
            }
            Code::End { counter, limit } => {
                let (start, exit) = self.loops.pop()?;
                self.compare(*counter, limit);
                self.encoder.jump(Condition::Less, start);
                self.encoder.place(exit, false);
            }
        }
        Some(())
    }

    fn vector(&mut self, v: &Vector) -> Option<()> {
        let row = v.op.row();
        // The scratch registers of what is read: 0 for the destination if it is read, and `a` or the
        // choice; 1 for the others.
        let mut target = v.dest.map(|dest| self.target(dest));
        if v.keeps()
            && let Some(dest) = v.dest
        {
            target = Some(self.read(dest, 0));
        }
        let first = usize::from(v.keeps());
        let a = v.a.map(|a| self.read(a, first));
        let (last, c) = match v.b {
            Operand::Memory(address) => {
                let memory = self.memory(&address);
                (Last::Memory(memory), None)
            }
            Operand::Reg(b) if v.c.is_some() => {
                let last = self.last(v.op, b);
                (last, v.c.map(|c| self.read(c, 1)))
            }
            Operand::Reg(b) => (self.last(v.op, b), None),
        };
        let mask = v.mask.map(|mask| self.read(mask, 0));
        let (reg, mut vvvv) = match row.form {
            Form::Out => (a?, 0),
            _ => (target?, a.unwrap_or(0)),
        };
        let mut mask_field = mask.unwrap_or(0);
        if v.gathers() && !self.evex {
            (vvvv, mask_field) = (mask_field, 0);
        }
        let immediate = c.map(|c| c << 4).or(v.immediate);
        let operands =
            Operands { length: v.length, reg, vvvv, last, mask: mask_field, zeroing: v.zeroing, immediate };
        // Where `r/m` is a register that is written, it stands in `dest`.
        let operands = match (row.form, v.b, v.dest) {
            (Form::Out, _, Some(dest)) => Operands { last: Last::Register(self.target(dest)), ..operands },
            _ => operands,
        };
        self.encoder.vector(v.op, &operands);
        if let Some(dest) = v.dest {
            self.written(dest);
        }
        Some(())
    }

    fn move_vector(&mut self, dest: u8, source: u8) {
        if dest != source {
            self.one(Op::LoadF32, self.full(), dest, Last::Register(source));
        }
    }

    /// `dest = a * b + c`. Of the operands in memory one is read by the instruction itself: what lives in
    /// memory here is one element or all lanes of the very width of the instruction.
    fn fma(&mut self, double: bool, length: u32, dest: Reg, [a, b, c]: [Reg; 3]) {
        use Op::*;
        let [by_a, by_b, by_c] = match double {
            true => [Fma132F64, Fma213F64, Fma231F64],
            false => [Fma132F32, Fma213F32, Fma231F32],
        };
        let d = self.target(dest);
        let (rb, rc) = (self.register(b), self.register(c));
        let (op, x, last) = match (rb, rc) {
            (Some(rb), None) => {
                let ra = self.read(a, 0);
                let last = self.last(by_b, c);
                if d == rb {
                    (by_b, ra, last)
                } else {
                    self.move_vector(d, ra);
                    (by_b, rb, last)
                }
            }
            (None, rc) => {
                let ra = self.read(a, 1);
                if d == ra && rc != Some(d) {
                    let rc = self.read(c, 0);
                    (by_a, rc, self.last(by_a, b))
                } else {
                    match rc {
                        Some(rc) => self.move_vector(d, rc),
                        None => self.load(c, d),
                    }
                    (by_c, ra, self.last(by_c, b))
                }
            }
            (Some(rb), Some(rc)) => {
                let ra = self.read(a, 1);
                if d == rc {
                    (by_c, ra, Last::Register(rb))
                } else if d == ra {
                    (by_b, rb, Last::Register(rc))
                } else if d == rb {
                    (by_b, ra, Last::Register(rc))
                } else {
                    self.move_vector(d, rc);
                    (by_c, ra, Last::Register(rb))
                }
            }
        };
        let operands = Operands { length, reg: d, vvvv: x, last, mask: 0, zeroing: false, immediate: None };
        self.encoder.vector(op, &operands);
        self.written(dest);
    }

    fn copy(&mut self, dest: Reg, source: Reg) {
        let target = self.target(dest);
        match self.register(source) {
            None => self.load(source, target),
            Some(source) => match self.class(dest) {
                Class::Vector => self.move_vector(target, source),
                Class::Mask if target != source => {
                    self.one(Op::MaskMove, 16, target, Last::Register(source));
                }
                Class::General if target != source => {
                    self.encoder.general(Arithmetic::Move, target, General::Register(source));
                }
                Class::Mask | Class::General => {}
            },
        }
        self.written(dest);
    }

    fn source(&mut self, source: &Integer) -> General {
        match *source {
            Integer::Number(number) => General::Number(number),
            Integer::Reg(reg) => match self.register(reg) {
                Some(register) => General::Register(register),
                None => General::Memory(self.home(reg)),
            },
        }
    }

    fn integer(&mut self, calculation: Calculation, dest: Reg, source: &Integer) {
        let operation = match calculation {
            Calculation::Move => Arithmetic::Move,
            Calculation::Add => Arithmetic::Add,
            Calculation::Multiply => Arithmetic::Multiply,
        };
        let target = match calculation {
            Calculation::Move => self.target(dest),
            _ => self.read(dest, 0),
        };
        let source = self.source(source);
        self.encoder.general(operation, target, source);
        self.written(dest);
    }

    fn compare(&mut self, counter: Reg, limit: &Integer) {
        let counter = self.read(counter, 0);
        let limit = self.source(limit);
        self.encoder.general(Arithmetic::Compare, counter, limit);
    }
}
