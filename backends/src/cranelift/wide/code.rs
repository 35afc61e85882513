//! Straight-line code and counted loops over virtual registers.

use super::encode::Bytes;
use super::instructions::Op;

/// A virtual register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Reg(pub u32);

impl Reg {
    /// Position in [`Program::registers`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The kinds of registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A vector.
    Vector,
    /// A bool for each lane.
    Mask,
    /// An integer of 64 bits.
    General,
}

/// Where the value of a virtual register is while no register holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// In a place of its own in the stack frame.
    Frame,
    /// At an offset into the pool of constants: one element of so many bytes for all lanes.
    Element(u32, Bytes),
    /// At an offset into the pool: all lanes.
    Lanes(u32),
    /// At an offset into the arguments: an integer, or one element of so many bytes for all lanes.
    Argument(u32, Bytes),
}

/// What is known about a virtual register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Virtual {
    pub class: Class,
    pub home: Home,
}

/// A place in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    /// A general register.
    pub base: Reg,
    /// A general register, or the offsets of the lanes in bytes.
    pub index: Option<Reg>,
    pub displacement: i32,
}

/// The last operand of a vector instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operand {
    Reg(Reg),
    Memory(Address),
}

/// A vector or mask instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Vector {
    pub op: Op,
    pub length: Bytes,
    /// What is written, if it is a register.
    pub dest: Option<Reg>,
    /// The first operand of two; of a store what is stored.
    pub a: Option<Reg>,
    /// The last operand; of a store the place.
    pub b: Operand,
    /// The choice of an AVX2 blend.
    pub c: Option<Reg>,
    pub mask: Option<Reg>,
    /// Lanes outside the mask become zero; otherwise they keep what `dest` holds.
    pub zeroing: bool,
    pub immediate: Option<u8>,
}

impl Vector {
    /// An instruction with one operand.
    pub fn one(op: Op, length: Bytes, dest: Reg, b: Operand) -> Vector {
        Vector {
            op,
            length,
            dest: Some(dest),
            a: None,
            b,
            c: None,
            mask: None,
            zeroing: false,
            immediate: None,
        }
    }

    /// Whether `dest` is also an operand.
    pub fn keeps(&self) -> bool {
        self.mask.is_some() && !self.zeroing && self.dest.is_some() && !self.reads_mask()
    }

    /// Whether the mask is an operand like the others: of blends, and of comparisons.
    fn reads_mask(&self) -> bool {
        matches!(self.op, Op::Select4 | Op::Select8)
    }

    /// Whether it reads memory lane by lane.
    pub fn gathers(&self) -> bool {
        matches!(self.op, Op::Gather4 | Op::Gather8)
    }
}

/// The second operand of an integer instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Integer {
    Reg(Reg),
    Number(i64),
}

/// What is done to integers; `Add` and `Multiply` also read what they write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Calculation {
    Move,
    Add,
    Multiply,
}

/// One step.
#[derive(Clone, Debug)]
pub(super) enum Code {
    Vector(Vector),
    /// `dest = a * b + c`, elements of 8 bytes or of 4.
    Fma {
        double: bool,
        length: Bytes,
        dest: Reg,
        a: Reg,
        b: Reg,
        c: Reg,
    },
    /// A copy between registers of one class.
    Copy {
        dest: Reg,
        source: Reg,
    },
    Integer {
        calculation: Calculation,
        dest: Reg,
        source: Integer,
    },
    Lea {
        dest: Reg,
        address: Address,
    },
    /// Begins a loop; if `guarded`, it may run no times at all.
    Loop {
        counter: Reg,
        limit: Integer,
        guarded: bool,
    },
    /// Runs the loop again if the counter is below the limit.
    End {
        counter: Reg,
        limit: Integer,
    },
}

/// How an instruction touches a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    /// Reads it.
    Use,
    /// Reads it, and could as well read memory.
    Fold,
    /// Reads it, and it may not share a register with the result.
    Late,
    /// Writes it.
    Def,
    /// Reads and writes it.
    Change,
}

impl Code {
    /// Shows every register that the instruction touches.
    pub fn visit(&self, see: &mut dyn FnMut(Reg, Touch)) {
        let address = |address: &Address, touch: Touch, see: &mut dyn FnMut(Reg, Touch)| {
            see(address.base, touch);
            if let Some(index) = address.index {
                see(index, touch);
            }
        };
        let integer = |integer: &Integer, see: &mut dyn FnMut(Reg, Touch)| {
            if let Integer::Reg(reg) = integer {
                see(*reg, Touch::Fold);
            }
        };
        match self {
            Code::Vector(v) => {
                let late = if v.gathers() { Touch::Late } else { Touch::Use };
                if let Some(a) = v.a {
                    see(a, Touch::Use);
                }
                match &v.b {
                    Operand::Reg(b) if v.op.element().is_some() => see(*b, Touch::Fold),
                    Operand::Reg(b) => see(*b, Touch::Use),
                    Operand::Memory(place) => address(place, late, see),
                }
                if let Some(c) = v.c {
                    see(c, Touch::Use);
                }
                if let Some(mask) = v.mask {
                    see(mask, if v.gathers() { Touch::Change } else { Touch::Use });
                }
                if let Some(dest) = v.dest {
                    see(dest, if v.keeps() { Touch::Change } else { Touch::Def });
                }
            }
            Code::Fma { dest, a, b, c, .. } => {
                see(*a, Touch::Use);
                see(*b, Touch::Fold);
                see(*c, Touch::Fold);
                see(*dest, Touch::Def);
            }
            Code::Copy { dest, source } => {
                see(*source, Touch::Fold);
                see(*dest, Touch::Def);
            }
            Code::Integer { calculation, dest, source } => {
                integer(source, see);
                let changes = *calculation != Calculation::Move;
                see(*dest, if changes { Touch::Change } else { Touch::Def });
            }
            Code::Lea { dest, address: place } => {
                address(place, Touch::Use, see);
                see(*dest, Touch::Def);
            }
            Code::Loop { counter, limit, .. } | Code::End { counter, limit } => {
                see(*counter, Touch::Use);
                integer(limit, see);
            }
        }
    }
}

/// A function in the making.
#[derive(Default)]
pub(super) struct Program {
    pub code: Vec<Code>,
    pub registers: Vec<Virtual>,
    /// The constants.
    pub pool: Vec<u8>,
}
