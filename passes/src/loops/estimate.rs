//! Estimates how long loops take: instructions of the inner loops, and the bytes that move between the
//! levels of memory.
//!
//! Traffic follows from working sets. What one execution of a loop touches stays in a cache if it fits
//! there; so an element is brought into a cache once for each execution of the outermost such loop
//! around its access. Loops count as long as they are at the middle of the range of outer counters.

use super::count::{Class, Count, Known, class, flops};
use super::index::Linear;
use crate::cost::{Contraction, Cost, Machine};
use std::collections::BTreeMap;
use tcc_ir::loops::{BufferId, Expr, For, Func, LoopKind, Stmt, Var};
use tcc_ir::{Bindings, Kind};

/// Bytes that move together between levels of memory.
const LINE: f64 = 64.0;

/// Cycles from one accumulation into a place to the next.
const LATENCY: f64 = 4.0;

/// Cycles for counting an iteration and branching back.
const ITERATION: f64 = 1.0;

/// What each of the outermost statements costs on `machine`; `None` if `bindings` do not determine the
/// loops.
pub fn by_statement(func: &Func, bindings: &Bindings, machine: &Machine) -> Option<Vec<Cost>> {
    let counts = Count::by_statement(func, bindings)?;
    let one = |(statement, count): (&Stmt, &Count)| {
        let mut nest = Nest {
            func,
            bindings,
            machine,
            known: Known::new(func, bindings),
            loops: Vec::new(),
            stack: Vec::new(),
            accesses: Vec::new(),
            slots: Slots::default(),
        };
        nest.statement(statement, 1.0)?;
        let cycles = nest.slots.cycles().max(nest.memory_cycles()) + machine.start_cycles;
        Some(Cost { flops: count.flops, bytes: count.moved_bytes(func, bindings), cycles })
    };
    func.body.iter().zip(&counts).map(one).collect()
}

/// What running the whole function costs.
pub fn total(func: &Func, bindings: &Bindings, machine: &Machine) -> Option<Cost> {
    Some(by_statement(func, bindings, machine)?.into_iter().fold(Cost::default(), |sum, cost| sum + cost))
}

/// A loop of a nest.
struct Loop {
    var: Var,
    trips: f64,
    kind: LoopKind,
    /// Position of the loop around it.
    parent: Option<usize>,
}

/// An access, once for each place in the text.
struct Access {
    buffer: BufferId,
    /// Position of the innermost loop around it.
    inner: Option<usize>,
    /// Counters on which the place depends.
    vars: Vec<Var>,
    /// Elements from the place of one iteration to that of the next, by the counters of the last index.
    steps: Vec<(Var, i128)>,
}

/// Instructions, by what executes them.
#[derive(Default)]
struct Slots {
    arithmetic: f64,
    loads: f64,
    stores: f64,
    /// Cycles that accumulations wait for each other.
    chain: f64,
    iterations: f64,
    /// Cycles of divisions, roots and functions.
    slow: f64,
}

impl Slots {
    fn cycles(&self) -> f64 {
        let busy = (self.arithmetic / 2.0).max(self.loads / 2.0).max(self.stores).max(self.chain);
        busy + self.iterations * ITERATION + self.slow
    }
}

struct Nest<'a> {
    func: &'a Func,
    bindings: &'a Bindings,
    machine: &'a Machine,
    known: Known<'a>,
    loops: Vec<Loop>,
    /// Positions of the loops around the current statement.
    stack: Vec<usize>,
    accesses: Vec<Access>,
    slots: Slots,
}

impl Nest<'_> {
    fn block(&mut self, body: &[Stmt], times: f64) -> Option<()> {
        body.iter().try_for_each(|statement| self.statement(statement, times))
    }

    fn statement(&mut self, statement: &Stmt, times: f64) -> Option<()> {
        match statement {
            Stmt::For(each) => return self.each(each, times),
            Stmt::Let(var, value) => {
                self.expression(value, times);
                self.known.values[var.index()] = self.known.integer(value);
            }
            Stmt::Store(buffer, indices, value) => {
                self.expression(value, times);
                self.slots.stores += self.access(*buffer, indices, times);
            }
            Stmt::Accumulate(_, buffer, indices, value) => {
                self.expression(value, times);
                let dtype = self.func.buffer(*buffer).dtype;
                let width = self.width(dtype.size_bytes());
                self.slots.arithmetic += times * width;
                let moved = self.access(*buffer, indices, times);
                self.slots.loads += moved;
                self.slots.stores += moved;
                self.wait(indices, times, dtype.kind());
            }
            Stmt::If(condition, then, otherwise) => {
                self.expression(condition, times);
                let share = match self.known.truth(condition) {
                    Some(true) => (1.0, 0.0),
                    Some(false) => (0.0, 1.0),
                    None => (0.5, 0.5),
                };
                self.block(then, times * share.0)?;
                self.block(otherwise, times * share.1)?;
            }
            Stmt::Check(condition, _) => self.expression(condition, times),
            Stmt::Contract(contract) => {
                let volumes = self.known.volumes(contract)?;
                let shape =
                    Contraction::from_volumes(volumes.all, volumes.left, volumes.right, volumes.result);
                let dtype = self.func.dtype(&contract.left);
                self.slots.slow += times * self.machine.contraction(dtype, &shape, false).cycles;
            }
        }
        Some(())
    }

    fn each(&mut self, each: &For, times: f64) -> Option<()> {
        let (lo, hi) = (self.known.integer(&each.lo)?, self.known.integer(&each.hi)?);
        let trips = (hi as f64 - lo as f64).max(0.0);
        let middle = lo as f64 + (trips - 1.0).max(0.0) / 2.0;
        self.known.values[each.var.index()] = Some(middle as i64);
        if each.kind == LoopKind::Serial || each.kind == LoopKind::Parallel {
            self.slots.iterations += times * trips;
        }
        let parent = self.stack.last().copied();
        self.stack.push(self.loops.len());
        self.loops.push(Loop { var: each.var, trips, kind: each.kind, parent });
        self.block(&each.body, times * trips)?;
        self.stack.pop();
        self.known.values[each.var.index()] = None;
        Some(())
    }

    /// The loop whose iterations are the lanes of the current statement.
    fn vector(&self) -> Option<&Loop> {
        let inner = &self.loops[*self.stack.last()?];
        (inner.kind == LoopKind::Vector).then_some(inner)
    }

    /// Instructions for one element of so many bytes.
    fn width(&self, bytes: usize) -> f64 {
        if self.vector().is_some() { bytes as f64 / self.machine.vector_bytes } else { 1.0 }
    }

    /// Accumulations into one place, one after the other.
    fn wait(&mut self, indices: &[Expr], times: f64, kind: Kind) {
        if !matches!(kind, Kind::Float | Kind::Complex) {
            return;
        }
        let serial = self.stack.iter().rev().find(|&&at| self.loops[at].kind != LoopKind::Vector);
        let Some(counter) = serial.map(|&at| self.loops[at].var) else { return };
        if !indices.iter().any(|index| index.mentions(counter)) {
            let lanes = self.vector().map_or(1.0, |vector| vector.trips.max(1.0));
            self.slots.chain += LATENCY * times / lanes;
        }
    }

    /// Notes an access; gives the instructions that move it.
    fn access(&mut self, buffer: BufferId, indices: &[Expr], times: f64) -> f64 {
        indices.iter().for_each(|index| self.gathers(index, times));
        let declared = self.func.buffer(buffer);
        if declared.is_register() {
            return 0.0;
        }
        let mut access =
            Access { buffer, inner: self.stack.last().copied(), vars: Vec::new(), steps: Vec::new() };
        let last = indices.last().and_then(Linear::of);
        for &at in &self.stack {
            let var = self.loops[at].var;
            if indices.iter().any(|index| index.mentions(var)) {
                access.vars.push(var);
            }
            if let Some(step) =
                last.as_ref().map(|last| last.factor(&Expr::Var(var))).filter(|&step| step != 0)
            {
                access.steps.push((var, step));
            }
        }
        let instructions = match self.vector().map(|vector| vector.var) {
            Some(lane) if access.steps.contains(&(lane, 1)) => {
                declared.dtype.size_bytes() as f64 / self.machine.vector_bytes
            }
            Some(lane) if !access.vars.contains(&lane) => 0.0,
            // Each lane is loaded alone and put in its place.
            Some(_) => 2.0,
            None => 1.0,
        };
        self.accesses.push(access);
        times * instructions
    }

    /// Accesses inside of indices.
    fn gathers(&mut self, index: &Expr, times: f64) {
        match index {
            Expr::Load(..) => self.expression(index, times),
            _ => index.children().iter().for_each(|child| self.gathers(child, times)),
        }
    }

    fn expression(&mut self, expr: &Expr, times: f64) {
        match expr {
            Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_) => {}
            Expr::Load(buffer, indices) => self.slots.loads += self.access(*buffer, indices, times),
            Expr::Op(op, dtype, operands) => {
                operands.iter().for_each(|operand| self.expression(operand, times));
                let width = self.width(dtype.size_bytes());
                match class(*op) {
                    Class::Flop => self.slots.arithmetic += times * width * flops(*op, *dtype).min(6.0),
                    Class::Division | Class::Function => {
                        self.slots.slow += times * width * self.machine.function(*op, *dtype)
                    }
                    Class::Other => self.slots.arithmetic += times * width,
                }
            }
        }
    }

    /// Cycles to move what the nest touches between the levels of memory.
    fn memory_cycles(&self) -> f64 {
        let mut touched: BTreeMap<Option<usize>, f64> = BTreeMap::new();
        for at in (0..self.loops.len()).map(Some).chain([None]) {
            touched.insert(at, self.working_set(at));
        }
        let levels = self.machine.memory.windows(2);
        levels
            .map(|pair| {
                let (capacity, bandwidth) = (pair[0].0, pair[1].1);
                let traffic: f64 =
                    self.accesses.iter().map(|access| self.traffic(access, capacity, &touched)).sum();
                traffic / bandwidth
            })
            .fold(0.0, f64::max)
    }

    /// Whether a loop is another one or inside of it; `None` is the whole nest.
    fn is_inside(&self, mut inner: Option<usize>, outer: Option<usize>) -> bool {
        loop {
            match (inner, outer) {
                (_, None) => return true,
                (None, Some(_)) => return false,
                (Some(at), Some(wanted)) if at == wanted => return true,
                (Some(at), Some(_)) => inner = self.loops[at].parent,
            }
        }
    }

    /// Bytes that one execution of a loop touches.
    fn working_set(&self, outer: Option<usize>) -> f64 {
        let mut by_buffer: BTreeMap<BufferId, f64> = BTreeMap::new();
        for access in self.accesses.iter().filter(|access| self.is_inside(access.inner, outer)) {
            let bytes = self.footprint(access, outer);
            let known = by_buffer.entry(access.buffer).or_default();
            *known = known.max(bytes);
        }
        by_buffer.values().sum()
    }

    /// Bytes that an access touches in one execution of a loop.
    fn footprint(&self, access: &Access, outer: Option<usize>) -> f64 {
        let buffer = self.func.buffer(access.buffer);
        let element = buffer.dtype.size_bytes() as f64;
        let mut elements = 1.0;
        let mut inside: Vec<&Loop> = Vec::new();
        let mut at = access.inner;
        while let Some(position) = at {
            let each = &self.loops[position];
            if access.vars.contains(&each.var) {
                elements *= each.trips.max(1.0);
                inside.push(each);
            }
            if at == outer {
                break;
            }
            at = each.parent;
        }
        // Neighbours: the counter that steps by one, then the one that steps by as many as that has, ..
        let mut run = 1.0;
        while let Some(at) = inside.iter().position(|each| access.steps.contains(&(each.var, run as i128))) {
            run *= inside.swap_remove(at).trips.max(1.0);
        }
        let wasted = (LINE / (run * element)).max(1.0);
        let all = buffer.elements().eval(self.bindings).map_or(f64::INFINITY, |n| n as f64 * element);
        (elements * element * wasted).min(all.max(element))
    }

    /// Bytes that an access brings into a cache.
    fn traffic(&self, access: &Access, capacity: f64, touched: &BTreeMap<Option<usize>, f64>) -> f64 {
        let mut times = 1.0;
        // From the outermost loop inwards, until everything fits.
        let mut path: Vec<usize> = Vec::new();
        let mut at = access.inner;
        while let Some(position) = at {
            path.push(position);
            at = self.loops[position].parent;
        }
        let fits = touched.get(&None).is_some_and(|bytes| *bytes <= capacity);
        let mut level: Option<usize> = None;
        while touched.get(&level).is_some_and(|bytes| *bytes > capacity) {
            let Some(next) = path.pop() else { break };
            times *= level.map_or(1.0, |at| self.loops[at].trips);
            level = Some(next);
        }
        // What fits as a whole is there already: programs run more than once.
        if level.is_none() && fits { 0.0 } else { times * self.footprint(access, level) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::MACHINE;

    fn cycles(text: &str, n: i64) -> f64 {
        let func: Func = text.parse().expect("a function");
        let bindings: Bindings = [("n".into(), n)].into();
        total(&func, &bindings, &MACHINE).expect("an estimate").cycles
    }

    fn product(order: [&str; 3]) -> String {
        let [a, b, c] = order;
        format!(
            "func @f(n) {{ input A: f32[n, n] input B: f32[n, n] output C: f32[n, n]
             for {a} in 0..n {{ for {b} in 0..n {{ for {c} in 0..n {{ C[i, k] += A[i, j] * B[j, k] }} }} }} }}"
        )
    }

    #[test]
    fn unit_strides_inside_are_cheaper() {
        for n in [512, 2048] {
            let (good, bad) = (cycles(&product(["i", "j", "k"]), n), cycles(&product(["k", "j", "i"]), n));
            assert!(good * 1.2 < bad, "n = {n}: {good:.3e} against {bad:.3e}");
        }
    }

    #[test]
    fn lanes_are_cheaper_than_one_number() {
        let serial = "func @f(n) { input X: f32[n] output Y: f32[n] for i in 0..n { Y[i] = X[i] * 2.0f32 } }";
        let vector = "func @f(n) { input X: f32[n] output Y: f32[n]
            for i in 0..n div 8 { vector for v in 0..8 { Y[i * 8 + v] = X[i * 8 + v] * 2.0f32 } } }";
        assert!(cycles(vector, 1024) * 2.0 < cycles(serial, 1024));
    }

    #[test]
    fn what_does_not_fit_in_a_cache_costs_bandwidth() {
        let text = "func @f(n) { input X: f32[n] output Y: f32[n]
            for i in 0..n div 8 { vector for v in 0..8 { Y[i * 8 + v] = X[i * 8 + v] } } }";
        let per_element = |n: i64| (cycles(text, n) - MACHINE.start_cycles) / n as f64;
        assert!(per_element(1 << 26) > 2.0 * per_element(1 << 12));
    }
}
