//! Registers for virtual registers: linear scan over intervals, without splitting.
//!
//! An interval reaches from the first to the last touch of a virtual register, and to the end of every
//! loop that begins inside it. Where registers do not suffice, what is touched least (counting loops)
//! lives in memory; constants and arguments do so at no cost but that of a memory operand.

use super::code::{Code, Home, Program, Reg, Touch};
use super::encode::RDI;
use super::nest::ARGUMENTS;

/// Loops multiply the weight of what they touch by this.
const LOOP_WEIGHT: u64 = 8;
/// Loops deeper than this count no more.
const MAX_DEPTH: u32 = 6;

/// How many registers of each class there are to give, by their order of preference.
pub(super) struct Machine {
    pub vectors: u8,
    pub masks: &'static [u8],
    pub generals: &'static [u8],
    /// Whether the last two of each class are kept for what lives in memory.
    pub reserve: bool,
}

/// Where a virtual register lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Location {
    /// Never touched.
    Nowhere,
    Register(u8),
    /// At its home.
    Home,
}

/// The outcome of allocation.
pub(super) struct Allocation {
    pub locations: Vec<Location>,
    /// What has to be loaded from its home before each instruction.
    pub loads: Vec<(usize, Reg)>,
    /// Whether something lives in memory.
    pub spills: bool,
}

#[derive(Clone, Copy)]
struct Interval {
    reg: Reg,
    start: usize,
    end: usize,
    weight: u64,
}

/// Gives every virtual register its place.
pub(super) fn allocate(program: &Program, machine: &Machine) -> Allocation {
    let mut intervals = intervals(program);
    intervals.sort_by_key(|interval| (interval.start, interval.reg));
    let mut allocation = Allocation {
        locations: vec![Location::Nowhere; program.registers.len()],
        loads: Vec::new(),
        spills: false,
    };
    allocation.locations[ARGUMENTS.index()] = Location::Register(RDI);
    let vectors: Vec<u8> = (0..machine.vectors).collect();
    let mut free: [Vec<u8>; 3] = [vectors, machine.masks.to_vec(), machine.generals.to_vec()];
    for free in &mut free {
        if machine.reserve {
            free.truncate(free.len() - 2);
        }
        free.reverse();
    }
    let mut active: [Vec<(Interval, u8)>; 3] = Default::default();
    for interval in intervals {
        let class = program.registers[interval.reg.index()].class as usize;
        let (active, free) = (&mut active[class], &mut free[class]);
        active.retain(|(other, register)| {
            let stays = other.end >= interval.start;
            if !stays {
                free.push(*register);
            }
            stays
        });
        let register = match hint(program, &allocation, &interval, free) {
            Some(position) => Some(free.remove(position)),
            None => free.pop(),
        };
        let register = register.or_else(|| {
            allocation.spills = true;
            let least = (0..active.len()).min_by_key(|&at| (active[at].0.weight, active[at].0.reg))?;
            if active[least].0.weight >= interval.weight {
                return None;
            }
            let (victim, register) = active.remove(least);
            allocation.locations[victim.reg.index()] = Location::Home;
            Some(register)
        });
        allocation.locations[interval.reg.index()] = match register {
            Some(register) => {
                active.push((interval, register));
                Location::Register(register)
            }
            None => Location::Home,
        };
        if program.registers[interval.reg.index()].home != Home::Frame {
            allocation.loads.push((interval.start / 2, interval.reg));
        }
    }
    let locations = &allocation.locations;
    allocation.loads.retain(|(_, reg)| matches!(locations[reg.index()], Location::Register(_)));
    allocation
}

/// A register that makes an instruction need no copy, if it is free.
fn hint(program: &Program, allocation: &Allocation, interval: &Interval, free: &[u8]) -> Option<usize> {
    let operands = match program.code.get(interval.start / 2)? {
        Code::Fma { a, b, c, .. } => [Some(*c), Some(*a), Some(*b)],
        Code::Copy { source, .. } => [Some(*source), None, None],
        _ => return None,
    };
    operands.into_iter().flatten().find_map(|reg| match allocation.locations[reg.index()] {
        Location::Register(register) => free.iter().position(|other| *other == register),
        _ => None,
    })
}

/// The intervals: a read of instruction `i` lies at `2 i`, a write at `2 i + 1`.
fn intervals(program: &Program) -> Vec<Interval> {
    let ends = loop_ends(&program.code);
    let mut found: Vec<Option<Interval>> = vec![None; program.registers.len()];
    // Loops around the instruction at hand, as their first and last instruction.
    let mut loops: Vec<(usize, usize)> = Vec::new();
    for (at, code) in program.code.iter().enumerate() {
        if let Code::Loop { .. } = code {
            loops.push((at, ends[at]));
        }
        let weight = LOOP_WEIGHT.pow((loops.len() as u32).min(MAX_DEPTH)) * 4;
        code.visit(&mut |reg, touch| {
            if reg == ARGUMENTS {
                return;
            }
            let constant = program.registers[reg.index()].home != Home::Frame;
            let (start, end, weight) = match touch {
                Touch::Use => (2 * at, 2 * at, weight),
                Touch::Fold if constant => (2 * at, 2 * at, weight / 4),
                Touch::Fold => (2 * at, 2 * at, weight),
                Touch::Late => (2 * at, 2 * at + 2, weight),
                Touch::Def => (2 * at + 1, 2 * at + 1, weight),
                Touch::Change => (2 * at, 2 * at + 1, 2 * weight),
            };
            let interval = found[reg.index()].get_or_insert_with(|| {
                // A constant is loaded before the outermost loop.
                let start = if constant { loops.first().map_or(start, |l| 2 * l.0) } else { start };
                Interval { reg, start, end, weight: 0 }
            });
            interval.end = interval.end.max(end);
            interval.weight += weight;
            if let Some(outermost) = loops.iter().find(|l| 2 * l.0 + 1 > interval.start) {
                interval.end = interval.end.max(2 * outermost.1 + 1);
            }
        });
        if let Code::End { .. } = code {
            loops.pop();
        }
    }
    found.into_iter().flatten().collect()
}

/// The end of the loop that begins at each instruction.
pub(super) fn loop_ends(code: &[Code]) -> Vec<usize> {
    let mut ends = vec![0; code.len()];
    let mut open = Vec::new();
    for (at, code) in code.iter().enumerate() {
        match code {
            Code::Loop { .. } => open.push(at),
            Code::End { .. } => {
                if let Some(start) = open.pop() {
                    ends[start] = at;
                }
            }
            _ => {}
        }
    }
    ends
}
