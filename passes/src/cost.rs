//! The cost model: what work takes on the machine that tcc is tuned for, in cycles and bytes.
//!
//! There is one model. Graph passes, the choice of a contraction order and the candidates of a loop
//! nest are ranked by it, and `tcc explain` prints it. Its numbers are constants, not measurements
//! at run time: the same program is compiled to the same bytes on any machine.

use std::ops::Add;
use tcc_ir::Dtype;

/// What a piece of work costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Arithmetic operations; a fused multiply-add counts 2.
    pub flops: f64,
    /// Bytes read from and written to operands, each tensor once per pass over it.
    pub bytes: f64,
    /// Estimated time on one core.
    pub cycles: f64,
}

impl Add for Cost {
    type Output = Cost;

    fn add(self, other: Cost) -> Cost {
        Cost {
            flops: self.flops + other.flops,
            bytes: self.bytes + other.bytes,
            cycles: self.cycles + other.cycles,
        }
    }
}

/// One core, as the model sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Machine {
    /// What it is called in reports.
    pub name: &'static str,
    /// Cycles per nanosecond.
    pub gigahertz: f64,
    /// Bytes of a vector register.
    pub vector_bytes: f64,
    /// Fused multiply-adds of whole vectors per cycle.
    pub fma_per_cycle: f64,
    /// Cycles of one vector of exp, log, tanh, erf, sin or cos.
    pub transcendental_cycles: f64,
    /// Cycles of one vector division or square root.
    pub division_cycles: f64,
    /// Capacity in bytes and bandwidth in bytes per cycle of each level of memory, nearest first. The
    /// last one has no end.
    pub memory: [(f64, f64); 4],
    /// Cycles to start a loop nest or a call of a kernel.
    pub start_cycles: f64,
}

/// The machine that costs are stated for: a server core with 512-bit vectors.
pub const MACHINE: Machine = Machine {
    name: "x86-64 server core with AVX-512",
    gigahertz: 3.0,
    vector_bytes: 64.0,
    fma_per_cycle: 2.0,
    transcendental_cycles: 12.0,
    division_cycles: 10.0,
    memory: [(48e3, 100.0), (2e6, 40.0), (32e6, 16.0), (f64::INFINITY, 6.0)],
    start_cycles: 60.0,
};

impl Machine {
    /// Cycles to stream `bytes` when the data in use at that time takes `footprint` bytes.
    pub fn memory_cycles(&self, bytes: f64, footprint: f64) -> f64 {
        let level = self.memory.iter().find(|(capacity, _)| footprint <= *capacity);
        bytes / level.map_or(1.0, |(_, bandwidth)| *bandwidth)
    }

    /// Lanes of a vector of `dtype`.
    pub fn lanes(&self, dtype: Dtype) -> f64 {
        self.vector_bytes / dtype.size_bytes() as f64
    }
}
