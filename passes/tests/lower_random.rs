//! Random graphs mean the same before and after lowering, and after the passes that merge loops.

mod common;

use common::{agree, bound, lowered};
use tcc_ir::domain::Reference;
use tcc_ir::graph::{Direction, Graph, Input, NormaliseOp, Op, ValueId};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};
use tcc_ir::{Axis, Bindings, Dtype, Extent, Ir, Kind, Name, SymbolDecl, Type};
use tcc_passes::PassContext;

/// Axes by name: a size symbol or a constant.
const AXES: &[(&str, &str)] = &[("i", "n"), ("j", "m"), ("k", "3"), ("t", "T"), ("s", "T")];

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % bound.max(1)
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> Option<T> {
        if list.is_empty() { None } else { Some(list[self.below(list.len())]) }
    }
}

fn axis(name: &str) -> Axis {
    let extent = AXES.iter().find(|row| row.0 == name).map_or("1", |row| row.1);
    Axis::new(name, extent.parse::<i64>().map_or_else(|_| Extent::symbol(extent), Extent::from))
}

struct Generator {
    graph: Graph,
    random: Random,
    /// Values to choose operands from.
    pool: Vec<ValueId>,
}

impl Generator {
    fn new(seed: u64) -> Generator {
        let mut graph = Graph { name: "random".into(), ..Graph::default() };
        for symbol in ["n", "m", "T"] {
            graph.symbols.push(SymbolDecl { name: symbol.into(), param: false, default: None });
        }
        let inputs: &[(&str, Dtype, &[&str])] = &[
            ("A", Dtype::F64, &["i", "j"]),
            ("B", Dtype::F64, &["t", "i"]),
            ("C", Dtype::F64, &["j", "k", "t"]),
            ("D", Dtype::F64, &["k"]),
            ("P", Dtype::I64, &["i"]),
            ("R", Dtype::I64, &["j", "t"]),
        ];
        for (name, dtype, axes) in inputs {
            let ty = Type::new(*dtype, axes.iter().map(|name| axis(name)).collect());
            graph.inputs.push(Input { name: (*name).into(), ty, range: None, param: None });
        }
        let pool = (0..inputs.len()).map(|position| graph.input(position).unwrap()).collect();
        Generator { graph, random: Random(seed * 7919 + 17), pool }
    }

    fn of(&self, kind: Kind, from: &[ValueId]) -> Vec<ValueId> {
        from.iter().copied().filter(|v| self.graph.ty(*v).dtype.kind() == kind).collect()
    }

    fn has(&self, value: ValueId, name: &str) -> bool {
        self.graph.ty(value).axis(name).is_some()
    }

    /// An integer that may serve as an index along an axis: mostly in range.
    fn index(&mut self, target: &Axis, pool: &[ValueId], avoid: Option<&str>) -> ValueId {
        let allowed = |name: &str| avoid != Some(name);
        let names: Vec<&str> = AXES.iter().map(|row| row.0).filter(|name| allowed(name)).collect();
        match self.random.below(8) {
            0..=3 => {
                let same: Vec<&str> =
                    names.iter().copied().filter(|n| axis(n).extent == target.extent).collect();
                match self.random.pick(&same) {
                    Some(name) => self.graph.index(&axis(name)),
                    None => self.graph.integer(0),
                }
            }
            4 => {
                let name = self.random.pick(&names).unwrap_or("i");
                let index = self.graph.index(&axis(name));
                let shift = self.random.below(5) as i64 - 2;
                let shift = self.graph.integer(shift);
                self.graph.map(ScalarOp::Add, &[index, shift]).unwrap()
            }
            5 => {
                let size = self.graph.size(target.extent.clone());
                let one = self.graph.integer(1);
                self.graph.map(ScalarOp::Sub, &[size, one]).unwrap()
            }
            6 => {
                let name = self.random.pick(&names).unwrap_or("i");
                let index = self.graph.index(&axis(name));
                let size = self.graph.size(target.extent.clone());
                let three = self.graph.integer(3);
                let scaled = self.graph.map(ScalarOp::Mul, &[index, three]).unwrap();
                self.graph.map(ScalarOp::Mod, &[scaled, size]).unwrap()
            }
            _ => {
                let ints = self.of(Kind::Int, pool);
                let ints: Vec<ValueId> =
                    ints.into_iter().filter(|v| avoid.is_none_or(|name| !self.has(*v, name))).collect();
                self.random.pick(&ints).unwrap_or(ValueId(4))
            }
        }
    }

    /// A condition on indices and data.
    fn condition(&mut self, pool: &[ValueId]) -> ValueId {
        let side = |this: &mut Self| match this.random.below(4) {
            0 => {
                let ints = this.of(Kind::Int, pool);
                this.random.pick(&ints).unwrap_or(ValueId(4))
            }
            _ => {
                let name = AXES[this.random.below(3)].0;
                let index = this.graph.index(&axis(name));
                let constant = this.random.below(4) as i64 - 1;
                let constant = this.graph.integer(constant);
                let op = [ScalarOp::Add, ScalarOp::Sub, ScalarOp::Mul][this.random.below(3)];
                this.graph.map(op, &[index, constant]).unwrap()
            }
        };
        let (a, b) = (side(self), side(self));
        let op = [ScalarOp::Lt, ScalarOp::Le, ScalarOp::Le, ScalarOp::Eq, ScalarOp::Ne][self.random.below(5)];
        let condition = self.graph.map(op, &[a, b]).unwrap();
        match self.random.below(4) {
            0 => self.graph.map(ScalarOp::Not, &[condition]).unwrap(),
            1 if self.random.chance(60) => {
                let other = self.condition(pool);
                self.graph.map(ScalarOp::And, &[condition, other]).unwrap()
            }
            _ => condition,
        }
    }

    /// One more value over those of `pool`; inside a recurrence all reductions keep axis `step`.
    fn grow(&mut self, pool: &[ValueId], step: Option<&str>) -> Option<ValueId> {
        let floats = self.of(Kind::Float, pool);
        let a = self.random.pick(&floats)?;
        let b = self.random.pick(&floats)?;
        let names: Vec<Name> = self.graph.ty(a).axes.iter().map(|axis| axis.name.clone()).collect();
        let free: Vec<Name> = names.iter().filter(|name| Some(&***name) != step).cloned().collect();
        let some: Vec<Name> = free.iter().filter(|_| self.random.chance(60)).cloned().collect();
        let value = match self.random.below(12) {
            0 | 1 => {
                let op = [ScalarOp::Add, ScalarOp::Sub, ScalarOp::Mul][self.random.below(3)];
                self.graph.map(op, &[a, b]).ok()?
            }
            2 => {
                let op = [ScalarOp::Tanh, ScalarOp::Sin, ScalarOp::Neg][self.random.below(3)];
                self.graph.map(op, &[a]).ok()?
            }
            3 | 4 => {
                let op = [ReduceOp::Sum, ReduceOp::Sum, ReduceOp::Max][self.random.below(3)];
                self.graph.reduce(op, &some, a).ok()?
            }
            5 | 6 => {
                let op = [ReduceOp::Sum, ReduceOp::Min, ReduceOp::Prod][self.random.below(3)];
                let condition = self.condition(pool);
                let identity = self.graph.constant(Literal::identity(op, Dtype::F64), Dtype::F64).ok()?;
                let guarded = self.graph.map(ScalarOp::Select, &[condition, a, identity]).ok()?;
                let names: Vec<Name> = self.graph.ty(guarded).axes.iter().map(|a| a.name.clone()).collect();
                let mut some = Vec::new();
                for name in names {
                    if Some(&*name) != step && self.random.chance(70) {
                        some.push(name);
                    }
                }
                self.graph.reduce(op, &some, guarded).ok()?
            }
            7 => {
                let op = [NormaliseOp::Softmax, NormaliseOp::LogSumExp][self.random.below(2)];
                let condition = self.condition(pool);
                let lowest = self.graph.constant(Literal::Real(f64::NEG_INFINITY), Dtype::F64).ok()?;
                let guarded = self.graph.map(ScalarOp::Select, &[condition, a, lowest]).ok()?;
                let operand = if self.random.chance(50) { guarded } else { a };
                if some.is_empty() {
                    return None;
                }
                let row = self.graph.normalise(op, &some, operand).ok()?;
                let finite = self.graph.map(ScalarOp::IsFinite, &[row]).ok()?;
                let zero = self.graph.constant(Literal::Real(0.0), Dtype::F64).ok()?;
                self.graph.map(ScalarOp::Select, &[finite, row, zero]).ok()?
            }
            8 | 9 => {
                let axes = self.graph.ty(a).axes.clone();
                let mut indices = Vec::new();
                for target in &axes {
                    let index = if Some(&*target.name) == step {
                        self.graph.index(target)
                    } else {
                        self.index(target, pool, None)
                    };
                    indices.push(index);
                }
                let outside = if self.random.chance(50) { Some(b) } else { None };
                self.graph.access(a, &indices, outside).ok()?
            }
            10 => {
                let target = axis(["i", "j", "k"][self.random.below(3)]);
                let index = self.index(&target, pool, None);
                let (mut indices, mut axes) = (vec![index], vec![target]);
                if let Some(step) = step {
                    indices.push(self.graph.index(&axis(step)));
                    axes.push(axis(step));
                }
                self.graph.scatter(ReduceOp::Sum, &indices, a, axes).ok()?
            }
            _ => {
                let op = [ReduceOp::ArgMax, ReduceOp::ArgMin][self.random.below(2)];
                let name = self.random.below(free.len().max(1));
                self.graph.reduce(op, &[free.get(name)?.clone()], a).ok()?
            }
        };
        // Keep values small and types few.
        if self.graph.ty(value).axes.len() > 4 {
            let names: Vec<Name> = self.graph.ty(value).axes.iter().map(|a| a.name.clone()).collect();
            let drop: Vec<Name> = names.into_iter().filter(|n| Some(&**n) != step).take(2).collect();
            if self.graph.ty(value).dtype.is_float() {
                return self.graph.reduce(ReduceOp::Sum, &drop, value).ok();
            }
        }
        Some(value)
    }

    /// A group of one or two states along t.
    fn recurrence(&mut self) -> Option<()> {
        let direction = [Direction::Forward, Direction::Backward][self.random.below(2)];
        let count = 1 + self.random.below(2);
        let mut states = Vec::new();
        let mut body: Vec<ValueId> = Vec::new();
        let sign = if direction == Direction::Forward { -1 } else { 1 };
        for _ in 0..count {
            let mut axes = vec![axis("t")];
            for name in ["i", "j", "k"] {
                if self.random.chance(35) {
                    axes.push(axis(name));
                }
            }
            let ty = Type::new(Dtype::F64, axes);
            states.push(self.graph.state("t", direction, &ty).ok()?);
        }
        let outer = self.pool.clone();
        for &state in &states {
            for _ in 0..1 + self.random.below(2) {
                let mut indices = Vec::new();
                for target in self.graph.ty(state).axes.clone() {
                    let index = if &*target.name == "t" {
                        let t = self.graph.index(&target);
                        let back = sign * (1 + self.random.below(3) as i64 / 2);
                        let back = self.graph.integer(back);
                        self.graph.map(ScalarOp::Add, &[t, back]).ok()?
                    } else {
                        self.index(&target, &outer, Some("t"))
                    };
                    indices.push(index);
                }
                let floats = self.of(Kind::Float, &outer);
                let outside = if self.random.chance(50) {
                    self.graph.constant(Literal::Real(0.5), Dtype::F64).ok()?
                } else {
                    self.random.pick(&floats)?
                };
                body.push(self.graph.access(state, &indices, Some(outside)).ok()?);
            }
        }
        for _ in 0..self.random.below(5) {
            let mut from = body.clone();
            for _ in 0..2 {
                from.extend(self.random.pick(&outer));
            }
            let grown = self.grow(&from, Some("t"));
            body.extend(grown.filter(|v| self.has(*v, "t") && self.graph.ty(*v).dtype.is_float()));
        }
        let mut nexts = Vec::new();
        for &state in &states {
            let from = self.random.pick(&body)?;
            let half = self.graph.constant(Literal::Real(0.25), Dtype::F64).ok()?;
            let mut value = self.graph.map(ScalarOp::Mul, &[from, half]).ok()?;
            let wanted = self.graph.ty(state).axes.clone();
            let extra: Vec<Name> = self.graph.ty(value).axes.iter().map(|a| a.name.clone()).collect();
            let extra: Vec<Name> =
                extra.into_iter().filter(|n| wanted.iter().all(|a| a.name != *n)).collect();
            value = self.graph.reduce(ReduceOp::Max, &extra, value).ok()?;
            for target in wanted {
                if !self.has(value, &target.name) {
                    let index = self.graph.index(&target);
                    let index = self.graph.cast(index, Dtype::F64).ok()?;
                    value = self.graph.map(ScalarOp::Add, &[value, index]).ok()?;
                }
            }
            nexts.push(value);
        }
        let results = self.graph.recur(&states, &nexts).ok()?;
        self.pool.extend(results);
        Some(())
    }

    fn finish(mut self) -> Graph {
        let candidates: Vec<ValueId> = self.pool.iter().copied().skip(6).collect();
        for position in 0..3 {
            let value =
                if position == 0 { candidates.last().copied() } else { self.random.pick(&candidates) };
            let Some(value) = value else { continue };
            let mut axes: Vec<Name> = self.graph.ty(value).axes.iter().map(|a| a.name.clone()).collect();
            if self.random.chance(50) {
                axes.reverse();
            }
            let name = format!("out{position}").as_str().into();
            self.graph.outputs.push(tcc_ir::graph::Output { name, value, axes });
        }
        self.graph
    }
}

fn random_graph(seed: u64) -> Graph {
    let mut generator = Generator::new(seed);
    for _ in 0..4 + generator.random.below(16) {
        if generator.random.chance(15) {
            let (nodes, pool) = (generator.graph.nodes.len(), generator.pool.len());
            if generator.recurrence().is_none() {
                generator.graph.nodes.truncate(nodes);
                generator.pool.truncate(pool);
            }
            continue;
        }
        let pool = generator.pool.clone();
        let recent = pool.len().saturating_sub(8);
        let pool = if generator.random.chance(70) { &pool[recent.min(pool.len() - 1)..] } else { &pool[..] };
        let grown = generator.grow(pool, None);
        generator.pool.extend(grown);
    }
    generator.finish()
}

#[test]
fn random_graphs_mean_what_their_loops_do() {
    let count = 300;
    let mut recurrences = 0;
    for seed in 0..count {
        let graph = random_graph(seed);
        if graph.verify().is_err() {
            // Bodies that break a rule of recurrences are not worth avoiding.
            continue;
        }
        recurrences += usize::from(graph.nodes.iter().any(|node| matches!(node.op, Op::Recur { .. })));
        let sizes = [[3, 4, 5], [1, 2, 1], [2, 1, 4], [0, 3, 2], [2, 3, 0]][(seed % 5) as usize];
        let names = ["n", "m", "T"];
        let bindings: Bindings = names.iter().zip(sizes).map(|(&name, size)| (name.into(), size)).collect();
        let constant = bound(&graph, &bindings);
        for (graph, bindings) in [(&graph, &bindings), (&constant, &Bindings::new())] {
            let mut func = lowered(graph);
            agree::<Reference>(graph, &func, bindings, 1e-6);
            tcc_passes::loops::fuse::run(&mut func, &PassContext::default());
            tcc_passes::loops::reuse_buffers::run(&mut func, &PassContext::default());
            func.verify().unwrap_or_else(|errors| panic!("{errors}\n{graph}\n{func}"));
            agree::<Reference>(graph, &func, bindings, 1e-6);
        }
    }
    assert!(recurrences > 20, "only {recurrences} recurrences");
}
