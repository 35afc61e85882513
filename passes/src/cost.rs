//! The cost model: what work takes on the machine that tcc is tuned for, in cycles and bytes.
//!
//! There is one model. Graph passes, the choice of a contraction order and the candidates of a loop
//! nest are ranked by it, and `tcc explain` prints it. Its numbers are constants, not measurements
//! at run time: the same program is compiled to the same bytes on any machine.

use std::ops::Add;
use tcc_ir::scalar::ScalarOp;
use tcc_ir::{Dtype, Kind};

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
    /// Cycles of one vector of an elementary function, and of a division or root: of f32, and of f64.
    pub functions: &'static [(ScalarOp, f64, f64)],
    /// Capacity in bytes and bandwidth in bytes per cycle of each level of memory, nearest first. The
    /// last one has no end.
    pub memory: [(f64, f64); 4],
    /// Cycles to start a loop nest or a call of a kernel.
    pub start_cycles: f64,
    /// Cycles to go from one matrix of a batch to the next.
    pub batch_cycles: f64,
    /// The larger of m and n, the smaller one and k at which a contraction loses half of the peak.
    pub ramp: [f64; 3],
}

/// Cycles from an operation to the next one that needs its result.
const LATENCY: f64 = 4.0;

/// Cycles from a store to a load of the same place.
const FORWARDING: f64 = 5.0;

/// Cycles to fill the arrays of a scan and to start its loops.
const SCAN_START: f64 = 200.0;

const FUNCTIONS: &[(ScalarOp, f64, f64)] = &[(ScalarOp::Exp, 12.0, 12.0)];

/// The machine that costs are stated for: a server core with 512-bit vectors.
pub const MACHINE: Machine = Machine {
    name: "x86-64 server core with AVX-512",
    gigahertz: 3.0,
    vector_bytes: 64.0,
    fma_per_cycle: 2.0,
    functions: FUNCTIONS,
    memory: [(48e3, 100.0), (2e6, 40.0), (32e6, 16.0), (f64::INFINITY, 6.0)],
    start_cycles: 60.0,
    batch_cycles: 10.0,
    ramp: [4.0, 2.0, 2.0],
};

/// A product of two tensors summed over some axes, as volumes: how many values the axes take that both
/// operands and the result have (`batch`), only the left operand and the result (`m`), only the right
/// operand and the result (`n`), and both operands but not the result (`k`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contraction {
    /// Of axes of all three.
    pub batch: f64,
    /// Of axes of the left operand and the result.
    pub m: f64,
    /// Of axes of the right operand and the result.
    pub n: f64,
    /// Of the summed axes.
    pub k: f64,
}

impl Contraction {
    /// The shape by the volumes of all axes together, of each operand and of the result.
    pub fn from_volumes(all: f64, left: f64, right: f64, result: f64) -> Contraction {
        if all <= 0.0 {
            return Contraction { batch: 0.0, m: 0.0, n: 0.0, k: 0.0 };
        }
        let (m, n, k) = (all / right, all / left, all / result);
        Contraction { batch: all / (m * n * k), m, n, k }
    }

    /// Points of the iteration space: one multiplication and one addition each.
    pub fn points(&self) -> f64 {
        self.batch * self.m * self.n * self.k
    }
}

/// Scalar operations at every point of a volume, by what they take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Operations {
    /// Additions, multiplications, comparisons and the like.
    pub simple: f64,
    /// Exponentials and elementary functions that take as long.
    pub exponentials: f64,
}

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

    /// Cycles of one vector of a division, a root or an elementary function; those of the dearest one for
    /// operations that are none of these.
    pub fn function(&self, op: ScalarOp, dtype: Dtype) -> f64 {
        let op = if matches!(op, ScalarOp::Mod | ScalarOp::FloorDiv) { ScalarOp::Div } else { op };
        let row = self.functions.iter().find(|(known, ..)| *known == op);
        let dearest = || self.functions.iter().map(|row| row.2).fold(0.0, f64::max);
        let complex = if dtype.is_complex() { 2.0 } else { 1.0 };
        complex * row.map_or_else(dearest, |row| if dtype.size_bytes() < 8 { row.1 } else { row.2 })
    }

    /// Fused multiply-adds of `dtype` per cycle at best. A complex one is four of its parts; integers
    /// have no fused operation.
    pub fn peak(&self, dtype: Dtype) -> f64 {
        let slower = match dtype.kind() {
            Kind::Complex => 2.0,
            Kind::Int | Kind::Bool => 2.0,
            Kind::Float => 1.0,
        };
        self.lanes(dtype) * self.fma_per_cycle / slower
    }

    /// The part of the peak that a contraction kernel reaches, by its shape: register tiles are not
    /// full where m or n are small, and are loaded and stored too often where k is.
    pub fn efficiency(&self, shape: &Contraction) -> f64 {
        let [m, n, k] = self.ramp;
        let (long, short) = (shape.m.max(shape.n), shape.m.min(shape.n));
        (long / (long + m)) * (short / (short + n)) * (shape.k / (shape.k + k))
    }

    /// A contraction. `contiguous`: no operand needs to be packed because of its strides.
    pub fn contraction(&self, dtype: Dtype, shape: &Contraction, contiguous: bool) -> Cost {
        let points = shape.points();
        if points <= 0.0 {
            return Cost::default();
        }
        let width = dtype.size_bytes() as f64;
        let operands = shape.batch * shape.k * (shape.m + shape.n);
        let bytes = width * (operands + shape.batch * shape.m * shape.n);
        let packed = if contiguous { 0.0 } else { 2.0 * width * operands };
        let arithmetic = points / (self.peak(dtype) * self.efficiency(shape));
        let memory = self.memory_cycles(bytes, bytes) + self.memory_cycles(packed, bytes.min(1e6));
        let cycles = arithmetic.max(memory) + shape.batch * self.batch_cycles + self.start_cycles;
        Cost { flops: 2.0 * points, bytes, cycles }
    }

    /// Operations at `volume` points in one fused loop nest that streams `bytes` of operands and results.
    pub fn elementwise(&self, dtype: Dtype, volume: f64, operations: &Operations, bytes: f64) -> Cost {
        let Operations { simple, exponentials } = *operations;
        let exponential = self.function(ScalarOp::Exp, dtype);
        let vectors = volume / self.lanes(dtype);
        let arithmetic = vectors * (simple / self.fma_per_cycle + exponentials * exponential);
        let cycles = arithmetic.max(self.memory_cycles(bytes, bytes)) + self.start_cycles;
        Cost { flops: volume * (simple + exponentials), bytes, cycles }
    }

    /// A reduction of `volume` stored values to `kept` ones.
    pub fn reduction(&self, dtype: Dtype, volume: f64, kept: f64) -> Cost {
        let bytes = dtype.size_bytes() as f64 * (volume + kept);
        self.elementwise(dtype, volume, &Operations { simple: 1.0, ..Operations::default() }, bytes)
    }

    /// Streaming `bytes` once, nothing else.
    pub fn stream(&self, bytes: f64) -> Cost {
        Cost { flops: 0.0, bytes, cycles: self.memory_cycles(bytes, bytes) }
    }

    /// Cycles of a recurrence whose steps wait for each other: `operations` of one step follow each other, and
    /// the state goes through memory.
    pub fn chain(&self, steps: f64, operations: f64) -> f64 {
        steps * (operations * LATENCY + FORWARDING)
    }

    /// Cycles of the same steps as a scan, whose vectors wait for each other. `multiplies` and `adds`: whether a
    /// step has a factor and an addend of its own. Each doubling reads two vectors of either array that there is
    /// and writes one, half of the reads across cache lines.
    pub fn scan(&self, dtype: Dtype, steps: f64, multiplies: bool, adds: bool) -> f64 {
        let lanes = self.lanes(dtype);
        let arrays = f64::from(u8::from(multiplies) + u8::from(adds));
        let doublings = lanes.log2() * arrays * 2.0;
        let vector = doublings + 2.0 * arrays + 2.0 + LATENCY + FORWARDING;
        SCAN_START + steps / lanes * vector + lanes * self.chain(1.0, arrays)
    }

    /// Seconds that `cost` takes.
    pub fn seconds(&self, cost: &Cost) -> f64 {
        cost.cycles / (self.gigahertz * 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_follow_from_volumes() {
        // [b, m, k] * [b, k, n] -> [b, m, n] with b = 2, m = 3, n = 5, k = 7
        let shape = Contraction::from_volumes(210.0, 42.0, 70.0, 30.0);
        assert_eq!(shape, Contraction { batch: 2.0, m: 3.0, n: 5.0, k: 7.0 });
        assert_eq!(Contraction::from_volumes(0.0, 0.0, 1.0, 1.0).points(), 0.0);
    }

    #[test]
    fn large_products_run_near_the_peak_and_thin_ones_wait_for_memory() {
        let cube = |n: f64| Contraction { batch: 1.0, m: n, n, k: n };
        let rate = |dtype, shape: &Contraction| {
            let cost = MACHINE.contraction(dtype, shape, true);
            cost.flops / cost.cycles / (2.0 * MACHINE.peak(dtype))
        };
        assert!(rate(Dtype::F32, &cube(512.0)) > 0.9);
        assert!(rate(Dtype::F32, &cube(8.0)) < 0.5);
        let vector = Contraction { batch: 1.0, m: 4096.0, n: 1.0, k: 4096.0 };
        assert!(rate(Dtype::F64, &vector) < 0.2);
        assert!(rate(Dtype::F64, &cube(8.0)) < rate(Dtype::F64, &cube(64.0)));
    }

    #[test]
    fn nothing_costs_nothing_and_more_costs_more() {
        let empty = Contraction { batch: 1.0, m: 0.0, n: 4.0, k: 4.0 };
        assert_eq!(MACHINE.contraction(Dtype::F32, &empty, false), Cost::default());
        let packed = |contiguous| {
            let shape = Contraction { batch: 1.0, m: 4096.0, n: 2.0, k: 512.0 };
            MACHINE.contraction(Dtype::F32, &shape, contiguous).cycles
        };
        assert!(packed(false) > packed(true));
        let two = Operations { exponentials: 2.0, ..Operations::default() };
        let one = Operations { exponentials: 1.0, ..Operations::default() };
        let of = |operations| MACHINE.elementwise(Dtype::F32, 1e5, operations, 8e5).cycles;
        assert!(of(&two) > of(&one));
        assert!(MACHINE.reduction(Dtype::F64, 1e6, 1.0).cycles >= MACHINE.stream(8e6).cycles);
        assert_eq!(MACHINE.seconds(&Cost { cycles: MACHINE.gigahertz * 1e9, ..Cost::default() }), 1.0);
    }
}
