//! Machine code: bytes of instructions, jumps, and the pool of constants behind them.

use super::instructions::{Form, Op};
use std::fmt::Write;

/// What an instruction works on: the bytes of its vectors (16, 32 or 64).
pub(super) type Bytes = u32;

/// A place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    /// `base + index + displacement`; registers by their numbers. The index may be a vector (gathers).
    At { base: u8, index: Option<u8>, scale: u8, displacement: i32 },
    /// Bytes from the start of the pool.
    Pool(u32),
}

/// The last operand of an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// A register.
    Register(u8),
    /// Memory.
    Memory(Memory),
    /// One element of memory in all lanes.
    Element(Memory),
}

/// The operands of a vector instruction, by register numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operands {
    pub length: Bytes,
    /// The register that stands in `reg` (of [`Form::Digit`]: none).
    pub reg: u8,
    /// The register that stands in `vvvv`.
    pub vvvv: u8,
    pub last: Last,
    /// The mask register; 0 none.
    pub mask: u8,
    /// Whether lanes that the mask leaves out become zero.
    pub zeroing: bool,
    pub immediate: Option<u8>,
}

/// Operations on general registers with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Move,
    Add,
    Compare,
    Multiply,
}

/// The second operand of an operation on general registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum General {
    Register(u8),
    Memory(Memory),
    Number(i64),
}

/// A place in the code that jumps lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(usize);

/// Conditions of jumps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Less = 0xC,
    GreaterOrEqual = 0xD,
}

/// Numbers of general registers.
pub(super) const RSP: u8 = 4;
pub(super) const RBP: u8 = 5;
pub(super) const RDI: u8 = 7;

/// Collects the bytes of a function.
pub(super) struct Encoder {
    evex: bool,
    bytes: Vec<u8>,
    labels: Vec<Option<usize>>,
    /// Four bytes each, to be filled with the distance from their end to the label.
    jumps: Vec<(usize, Label)>,
    /// Four bytes each, with the end of the instruction and an offset into the pool.
    pooled: Vec<(usize, usize, u32)>,
    listing: Option<String>,
}

impl Encoder {
    /// An encoder of EVEX or VEX instructions, which also writes assembly if asked to.
    pub fn new(evex: bool, listing: bool) -> Encoder {
        Encoder {
            evex,
            bytes: Vec::new(),
            labels: Vec::new(),
            jumps: Vec::new(),
            pooled: Vec::new(),
            listing: listing.then(String::new),
        }
    }

    /// The code with the pool behind it, and the assembly.
    pub fn finish(mut self, pool: &[u8]) -> (Vec<u8>, Option<String>) {
        while !self.bytes.len().is_multiple_of(64) {
            self.bytes.push(0xCC);
        }
        let start = self.bytes.len();
        for &(at, end, offset) in &self.pooled {
            let distance = (start + offset as usize) as i64 - end as i64;
            self.bytes[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes());
        }
        for &(at, Label(label)) in &self.jumps {
            let distance = self.labels[label].unwrap_or(at + 4) as i64 - (at + 4) as i64;
            self.bytes[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes());
        }
        self.bytes.extend_from_slice(pool);
        (self.bytes, self.listing)
    }

    fn list(&mut self, line: impl FnOnce() -> String) {
        if let Some(listing) = &mut self.listing {
            let _ = writeln!(listing, "  {}", line());
        }
    }

    /// A label that is not placed yet.
    pub fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    /// Places a label here; that of a loop begins a line of the cache of instructions.
    pub fn place(&mut self, label: Label, aligned: bool) {
        const NOPS: [&[u8]; 4] = [&[0x90], &[0x66, 0x90], &[0x0F, 0x1F, 0x00], &[0x0F, 0x1F, 0x40, 0x00]];
        while aligned && !self.bytes.len().is_multiple_of(32) {
            let gap = 32 - self.bytes.len() % 32;
            self.bytes.extend_from_slice(NOPS[gap.min(NOPS.len()) - 1]);
        }
        self.labels[label.0] = Some(self.bytes.len());
        if let Some(listing) = &mut self.listing {
            let _ = writeln!(listing, ".{}:", label.0);
        }
    }

    /// A jump, if a condition holds.
    pub fn jump(&mut self, condition: Condition, label: Label) {
        self.bytes.extend([0x0F, 0x80 | condition as u8, 0, 0, 0, 0]);
        self.jumps.push((self.bytes.len() - 4, label));
        let name = match condition {
            Condition::Less => "jl",
            Condition::GreaterOrEqual => "jge",
        };
        self.list(|| format!("{name} .{}", label.0));
    }

    /// Instructions without operands.
    pub fn plain(&mut self, name: &str, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.list(|| name.to_owned());
    }

    /// The bytes of `r/m`: ModRM, SIB, displacement. `after` bytes of the instruction follow.
    fn operand(&mut self, reg: u8, last: Last, after: usize, short: bool) {
        let reg = (reg & 7) << 3;
        let memory = match last {
            Last::Register(register) => return self.bytes.push(0xC0 | reg | register & 7),
            Last::Memory(memory) | Last::Element(memory) => memory,
        };
        let Memory::At { base, index, scale, displacement } = memory else {
            let Memory::Pool(offset) = memory else { return };
            self.bytes.push(reg | 5);
            let at = self.bytes.len();
            self.bytes.extend([0; 4]);
            self.pooled.push((at, at + 4 + after, offset));
            return;
        };
        let size = match displacement {
            0 if base & 7 != 5 => 0,
            -128..=127 if short => 1,
            _ => 2,
        };
        let mode = size << 6;
        match index {
            None if base & 7 != 4 => self.bytes.push(mode | reg | base & 7),
            _ => {
                self.bytes.push(mode | reg | 4);
                self.bytes
                    .push((scale.trailing_zeros() as u8 * 64) | ((index.unwrap_or(4) & 7) << 3) | (base & 7));
            }
        }
        match size {
            0 => {}
            1 => self.bytes.push(displacement as u8),
            _ => self.bytes.extend(displacement.to_le_bytes()),
        }
    }

    /// A vector or mask instruction.
    pub fn vector(&mut self, op: Op, x: &Operands) {
        let row = op.row();
        let (mut reg, mut vvvv) = (x.reg, x.vvvv);
        if let Form::Digit(digit) = row.form {
            (reg, vvvv) = (digit, x.reg);
        }
        if self.evex && !op.is_mask() {
            self.evex(op, reg, vvvv, x);
        } else {
            self.vex(op, reg, vvvv, x);
        }
        self.bytes.push(row.opcode);
        self.operand(reg, x.last, x.immediate.is_some().into(), !self.evex || op.is_mask());
        self.bytes.extend(x.immediate);
        if self.listing.is_some() {
            let line = self.line(op, x);
            self.list(|| line);
        }
    }

    fn evex(&mut self, op: Op, reg: u8, vvvv: u8, x: &Operands) {
        let row = op.row();
        let (mut b, mut xx, mut high) = (0, 0, vvvv >> 4 & 1);
        match x.last {
            Last::Register(r) => (b, xx) = (r >> 3 & 1, r >> 4 & 1),
            Last::Memory(Memory::At { base, index, .. }) | Last::Element(Memory::At { base, index, .. }) => {
                let index = index.unwrap_or(0);
                (b, xx) = (base >> 3 & 1, index >> 3 & 1);
                if matches!(op, Op::Gather4 | Op::Gather8) {
                    high = index >> 4 & 1;
                }
            }
            Last::Memory(Memory::Pool(_)) | Last::Element(Memory::Pool(_)) => {}
        }
        let element = u8::from(matches!(x.last, Last::Element(_)));
        let length = (x.length / 32) as u8;
        self.bytes.extend([
            0x62,
            (!(reg >> 3) & 1) << 7 | (1 - xx) << 6 | (1 - b) << 5 | (!(reg >> 4) & 1) << 4 | row.map,
            u8::from(row.w) << 7 | (!vvvv & 15) << 3 | 4 | row.prefix,
            u8::from(x.zeroing) << 7 | length << 5 | element << 4 | (1 - high) << 3 | x.mask,
        ]);
    }

    fn vex(&mut self, op: Op, reg: u8, vvvv: u8, x: &Operands) {
        let row = op.row();
        let (b, xx) = match x.last {
            Last::Register(r) => (r >> 3 & 1, 0),
            Last::Memory(Memory::At { base, index, .. }) | Last::Element(Memory::At { base, index, .. }) => {
                (base >> 3 & 1, index.unwrap_or(0) >> 3 & 1)
            }
            Last::Memory(Memory::Pool(_)) | Last::Element(Memory::Pool(_)) => (0, 0),
        };
        use Op::*;
        let w =
            row.w && (row.form == Form::Accumulate || matches!(op, ShlI64 | ShrI64 | Gather8 | MoveGeneral));
        // Two operands of 16 bits that are masks: the bit of the length says so.
        let long = match op {
            MaskAnd | MaskOr | MaskXor | MaskUnpack => 1,
            _ => u8::from(x.length >= 32 && !op.is_mask()),
        };
        self.bytes.extend([
            0xC4,
            (!(reg >> 3) & 1) << 7 | (1 - xx) << 6 | (1 - b) << 5 | row.map,
            u8::from(w) << 7 | (!vvvv & 15) << 3 | long << 2 | row.prefix,
        ]);
    }

    /// A vector instruction as assembly.
    fn line(&self, op: Op, x: &Operands) -> String {
        let row = op.row();
        let name = |register: u8| match x.length {
            64 => format!("zmm{register}"),
            32 => format!("ymm{register}"),
            _ => format!("xmm{register}"),
        };
        let last = match x.last {
            Last::Register(r) if op.is_mask() && op != Op::MaskGeneral => format!("k{r}"),
            Last::Register(r) if row.form == Form::General => general(r).to_owned(),
            Last::Register(r) => name(r),
            Last::Memory(memory) => place(memory),
            Last::Element(memory) => {
                let lanes = x.length / op.element().unwrap_or(4);
                format!("{}{{1to{lanes}}}", place(memory))
            }
        };
        let compares =
            matches!(op, Op::CompareF32 | Op::CompareF64 | Op::CompareI32 | Op::CompareI64 | Op::CompareU32)
                || self.evex && matches!(op, Op::EqualI32 | Op::EqualI64);
        let mut reg = if op.is_mask() || compares && self.evex { format!("k{}", x.reg) } else { name(x.reg) };
        if x.mask != 0 {
            let _ = write!(reg, "{{k{}}}{}", x.mask, if x.zeroing { "{z}" } else { "" });
        }
        let second = if op.is_mask() { format!("k{}", x.vvvv) } else { name(x.vvvv) };
        let mut text = match row.form {
            Form::Two | Form::Blend | Form::Accumulate => format!("{reg}, {second}, {last}"),
            Form::One | Form::General | Form::Digit(_) => format!("{reg}, {last}"),
            Form::Out => format!("{last}, {reg}"),
        };
        if let Some(immediate) = x.immediate {
            let _ = write!(text, ", {immediate}");
        }
        format!("{} {text}", row.name)
    }

    /// An operation on general registers.
    pub fn general(&mut self, operation: Arithmetic, dest: u8, source: General) {
        let rex = |reg: u8, last: Last| {
            let (index, base) = match last {
                Last::Register(r) => (0, r),
                Last::Memory(Memory::At { base, index, .. }) => (index.unwrap_or(0), base),
                _ => (0, 0),
            };
            0x48 | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3
        };
        let last = match source {
            General::Register(r) => Some(Last::Register(r)),
            General::Memory(memory) => Some(Last::Memory(memory)),
            General::Number(_) => None,
        };
        if let Some(last) = last {
            self.bytes.push(rex(dest, last));
            match operation {
                Arithmetic::Move => self.bytes.push(0x8B),
                Arithmetic::Add => self.bytes.push(0x03),
                Arithmetic::Compare => self.bytes.push(0x3B),
                Arithmetic::Multiply => self.bytes.extend([0x0F, 0xAF]),
            }
            self.operand(dest, last, 0, true);
        } else if let General::Number(number) = source {
            let register = Last::Register(dest);
            match (operation, i32::try_from(number)) {
                (Arithmetic::Move, Ok(number)) => {
                    self.bytes.extend([rex(0, register), 0xC7]);
                    self.operand(0, register, 0, true);
                    self.bytes.extend(number.to_le_bytes());
                }
                (Arithmetic::Move, Err(_)) => {
                    self.bytes.extend([rex(0, register), 0xB8 | dest & 7]);
                    self.bytes.extend(number.to_le_bytes());
                }
                (Arithmetic::Multiply, number) => {
                    self.bytes.extend([rex(dest, register), 0x69]);
                    self.operand(dest, register, 0, true);
                    self.bytes.extend(number.unwrap_or_default().to_le_bytes());
                }
                (_, number) => {
                    let digit = if operation == Arithmetic::Add { 0 } else { 7 };
                    self.bytes.extend([rex(0, register), 0x81]);
                    self.operand(digit, register, 0, true);
                    self.bytes.extend(number.unwrap_or_default().to_le_bytes());
                }
            }
        }
        self.list(|| {
            let name = match operation {
                Arithmetic::Move => "mov",
                Arithmetic::Add => "add",
                Arithmetic::Compare => "cmp",
                Arithmetic::Multiply => "imul",
            };
            let source = match source {
                General::Register(r) => general(r).to_owned(),
                General::Memory(memory) => place(memory),
                General::Number(number) => number.to_string(),
            };
            format!("{name} {}, {source}", general(dest))
        });
    }

    /// Writes a general register to memory.
    pub fn keep(&mut self, memory: Memory, source: u8) {
        if let Memory::At { base, index, .. } = memory {
            self.bytes.extend([0x48 | (source >> 3) << 2 | (index.unwrap_or(0) >> 3) << 1 | base >> 3, 0x89]);
            self.operand(source, Last::Memory(memory), 0, true);
            self.list(|| format!("mov {}, {}", place(memory), general(source)));
        }
    }

    /// Computes an address.
    pub fn address(&mut self, dest: u8, memory: Memory) {
        if let Memory::At { base, index, .. } = memory {
            self.bytes.extend([0x48 | (dest >> 3) << 2 | (index.unwrap_or(0) >> 3) << 1 | base >> 3, 0x8D]);
            self.operand(dest, Last::Memory(memory), 0, true);
            self.list(|| format!("lea {}, {}", general(dest), place(memory)));
        }
    }
}

fn general(register: u8) -> &'static str {
    const NAMES: [&str; 16] = [
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13",
        "r14", "r15",
    ];
    NAMES[usize::from(register & 15)]
}

fn place(memory: Memory) -> String {
    match memory {
        Memory::Pool(offset) => format!("[pool+{offset}]"),
        Memory::At { base, index, scale, displacement } => {
            let index = index.map_or(String::new(), |index| format!("+{}*{scale}", general(index)));
            let displacement = if displacement == 0 { String::new() } else { format!("{displacement:+}") };
            format!("[{}{index}{displacement}]", general(base))
        }
    }
}
