//! Writes a chain as a scan: blocks of vectors in which steps are combined in lanes.

use super::recognise::Chain;
use super::semiring::Factor;
use tcc_ir::loops::{Buffer, BufferId, Expr, For, Func, LoopKind, Role, Stmt, Var};
use tcc_ir::{Dtype, Extent};

/// Vectors of a block: short enough that all of its arrays stay in the first-level cache, long enough that
/// one loop has left the store buffer before the next one reads what it wrote.
const BLOCK: i64 = 16;

/// How many steps are combined: the elements of a vector of 64 bytes on every machine, so that the bytes of
/// the result are the same everywhere.
pub fn distance(dtype: Dtype) -> i64 {
    64 / i64::try_from(dtype.size_bytes()).unwrap_or(64).clamp(1, 64)
}

/// Factors and addends of `2^level` combined steps; the first `distance` elements are those before the block.
struct Level {
    /// None if all steps have the same factor.
    factors: Option<BufferId>,
    addends: Option<BufferId>,
}

struct Scan<'a> {
    func: &'a mut Func,
    chain: &'a Chain,
    dtype: Dtype,
    name: String,
    distance: i64,
    levels: Vec<Level>,
    /// Where all steps have the same factor: that of 1, 2, 4, .. combined steps, up to `distance`.
    powers: Vec<Var>,
    /// The states of a block, after those before it.
    states: BufferId,
}

/// How many vectors the blocks of `vectors` have: all of them if they are few, else a number that leaves none
/// over, if there is one that is large enough.
fn vectors_of_block(vectors: Option<i64>) -> i64 {
    match vectors {
        Some(vectors) if vectors <= BLOCK => vectors.max(1),
        Some(vectors) => (BLOCK / 2..=BLOCK).rev().find(|size| vectors % size == 0).unwrap_or(BLOCK),
        None => BLOCK,
    }
}

/// The statements that take the place of the loop of a chain.
pub fn scan(func: &mut Func, chain: &Chain) -> Vec<Stmt> {
    let dtype = func.buffer(chain.state).dtype;
    let distance = distance(dtype);
    let name = func.var(chain.counter).name.to_string();
    let count = chain.count.as_int();
    let vectors = Expr::floordiv(chain.count.clone(), Expr::int(distance));
    let block = vectors_of_block(vectors.as_int());
    let length = (block + 1) * distance;
    let mut array = |kind: &str| {
        let name = format!("{name}.{kind}");
        let role = Role::Scratch { offset: None };
        func.add_buffer(Buffer::new(name, dtype, vec![Extent::from(length)], role))
    };
    let mut levels = Vec::new();
    let mut combined = 1;
    let same = chain.has_one_factor();
    while combined < distance {
        let factors = (matches!(chain.step.factor, Factor::Value(_)) && !same).then(|| array("factor"));
        let addends = chain.step.addend.is_some().then(|| array("addend"));
        levels.push(Level { factors, addends });
        combined *= 2;
    }
    let states = array("state");
    let powers = match same {
        true => (0..=levels.len()).map(|_| func.add_var(&format!("{name}.power"), dtype)).collect(),
        false => Vec::new(),
    };
    let mut scan = Scan { func, chain, dtype, name, distance, levels, powers, states };

    let mut body = scan.start();
    let blocks = Expr::floordiv(vectors.clone(), Expr::int(block));
    if blocks != Expr::int(0) {
        let counter = scan.func.add_var(&format!("{}.o", scan.name), Dtype::I64);
        let first = Expr::mul(counter.into(), Expr::int(block * distance));
        let one = scan.block(&first, &Expr::int(block));
        body.push(Stmt::serial(counter, Expr::int(0), blocks.clone(), one));
    }
    let left = Expr::modulo(vectors.clone(), Expr::int(block));
    if left != Expr::int(0) {
        let first = Expr::mul(blocks, Expr::int(block * distance));
        body.extend(scan.block(&first, &left));
    }
    let done = Expr::mul(vectors.clone(), Expr::int(distance));
    body.extend(scan.window(&done));
    body.extend(scan.last(&done));
    let mut result = match count {
        Some(_) => body,
        None => vec![Stmt::If(Expr::lt(Expr::int(0), vectors), body, Vec::new())],
    };
    if done != chain.count {
        let name = scan.name.clone();
        let counter = scan.func.add_var(&name, Dtype::I64);
        let body = scan.at(&chain.body, &counter.into());
        result.push(Stmt::serial(counter, done, chain.count.clone(), body));
    }
    chain.rows.iter().rev().fold(result, |body, row| vec![Stmt::For(For { body, ..row.clone() })])
}

impl Scan<'_> {
    /// A loop whose iterations are the lanes of one vector.
    fn lanes(&mut self, body: impl FnOnce(Expr) -> Vec<Stmt>) -> Stmt {
        let lane = self.func.add_var(&format!("{}.v", self.name), Dtype::I64);
        Stmt::for_loop(lane, Expr::int(0), Expr::int(self.distance), LoopKind::Vector, body(lane.into()))
    }

    /// Before the first step stand steps that keep the state, and the initial state. Steps that all have one
    /// factor do not keep it: there the initial state is what the step before the first one added to 0.
    fn start(&mut self) -> Vec<Stmt> {
        let initial = self.func.add_var(&format!("{}.initial", self.name), self.dtype);
        let (zero, one) = (self.chain.semiring.zero(self.dtype), self.chain.semiring.one(self.dtype));
        let mut result = vec![Stmt::Let(initial, self.chain.initial.clone())];
        let (before, states) = match self.powers.is_empty() {
            true => (zero.clone(), Expr::from(initial)),
            false => (Expr::from(initial), zero.clone()),
        };
        let mut filled: Vec<(BufferId, Expr)> = Vec::new();
        for level in &self.levels {
            filled.extend(level.factors.map(|buffer| (buffer, one.clone())));
            filled.extend(level.addends.map(|buffer| (buffer, zero.clone())));
        }
        filled.push((self.states, states));
        result.push(self.lanes(|lane| {
            filled.into_iter().map(|(buffer, value)| Stmt::Store(buffer, vec![lane.clone()], value)).collect()
        }));
        if let (Factor::Value(factor), false) = (&self.chain.step.factor, self.powers.is_empty()) {
            let last = vec![Expr::int(self.distance - 1)];
            let addends = self.levels.iter().filter_map(|level| level.addends);
            result.extend(addends.map(|buffer| Stmt::Store(buffer, last.clone(), before.clone())));
            result.push(Stmt::Store(self.states, last, before));
            let mut power = factor.clone();
            for &var in &self.powers {
                result.push(Stmt::Let(var, power));
                power = self.chain.semiring.times(var.into(), var.into(), self.dtype);
            }
        }
        result
    }

    /// The iterations of `vectors` vectors from `first` on.
    fn block(&mut self, first: &Expr, vectors: &Expr) -> Vec<Stmt> {
        let length = Expr::mul(vectors.clone(), Expr::int(self.distance));
        let mut result = vec![self.steps(first, &length)];
        for level in 1..self.levels.len() {
            result.extend(self.level(level, &length));
        }
        result.push(self.advance(vectors));
        result.extend(self.keep(first, &length));
        result.extend(self.rest(first, &length));
        result.push(self.shift(&length));
        result
    }

    /// Statements of an iteration, for the iteration `place`.
    fn at(&mut self, statements: &[Stmt], place: &Expr) -> Vec<Stmt> {
        let mut statements = self.func.copy_fresh(statements);
        statements.iter_mut().for_each(|stmt| stmt.substitute(self.chain.counter, place));
        statements
    }

    fn counter(&mut self) -> Var {
        self.func.add_var(&format!("{}.i", self.name), Dtype::I64)
    }

    /// The place of an iteration of the block in its arrays, so many steps back.
    fn slot(&self, iteration: Expr, back: i64) -> Vec<Expr> {
        vec![Expr::add(iteration, Expr::int(self.distance - back))]
    }

    /// Factors and addends of single steps.
    fn steps(&mut self, first: &Expr, length: &Expr) -> Stmt {
        let counter = self.counter();
        let mut body = self.chain.lets.clone();
        let slot = self.slot(counter.into(), 0);
        if let (Some(factors), Factor::Value(factor)) = (self.levels[0].factors, &self.chain.step.factor) {
            body.push(Stmt::Store(factors, slot.clone(), factor.clone()));
        }
        if let (Some(addends), Some(addend)) = (self.levels[0].addends, &self.chain.step.addend) {
            body.push(Stmt::Store(addends, slot, addend.clone()));
        }
        let body = self.at(&body, &Expr::add(first.clone(), counter.into()));
        Stmt::serial(counter, Expr::int(0), length.clone(), body)
    }

    /// The factor of `2^level` steps up to an iteration of the block, if they have one.
    fn factor(&self, level: usize, iteration: &Expr, back: i64) -> Option<Expr> {
        let each = self.levels.get(level).and_then(|level| level.factors);
        let load = |buffer| Expr::load(buffer, self.slot(iteration.clone(), back));
        each.map(load).or_else(|| self.powers.get(level).map(|&power| power.into()))
    }

    /// The factor of the steps up to an iteration, of twice as many steps as in `level`.
    fn combined_factor(&self, level: usize, iteration: &Expr) -> Option<Expr> {
        if let Some(&power) = self.powers.get(level + 1) {
            return Some(power.into());
        }
        let (here, before) = (self.factor(level, iteration, 0)?, self.factor(level, iteration, 1 << level)?);
        Some(self.chain.semiring.times(here, before, self.dtype))
    }

    /// The addend of the steps up to an iteration, of twice as many steps as in `level`.
    fn combined_addend(&self, level: usize, iteration: &Expr) -> Option<Expr> {
        let addends = self.levels[level].addends?;
        let load = |back: i64| Expr::load(addends, self.slot(iteration.clone(), back));
        let (before, here) = (load(1 << level), load(0));
        Some(match self.factor(level, iteration, 0) {
            None => self.chain.semiring.plus(before, here, self.dtype),
            Some(factor) => self.chain.semiring.plus_times(factor, before, here, self.dtype),
        })
    }

    /// Factors and addends of twice as many steps as in the level before.
    fn level(&mut self, level: usize, length: &Expr) -> Vec<Stmt> {
        let counter = self.counter();
        let mut body = Vec::new();
        let slot = self.slot(counter.into(), 0);
        let Level { factors, addends } = self.levels[level];
        if let (Some(buffer), Some(value)) = (factors, self.combined_factor(level - 1, &counter.into())) {
            body.push(Stmt::Store(buffer, slot.clone(), value));
        }
        if let (Some(buffer), Some(value)) = (addends, self.combined_addend(level - 1, &counter.into())) {
            body.push(Stmt::Store(buffer, slot, value));
        }
        vec![Stmt::serial(counter, Expr::int(0), length.clone(), body)]
    }

    /// The states, a vector at a time: each from the state `distance` steps before.
    fn advance(&mut self, vectors: &Expr) -> Stmt {
        let vector = self.func.add_var(&format!("{}.w", self.name), Dtype::I64);
        let last = self.levels.len() - 1;
        let distance = self.distance;
        let first = Expr::mul(vector.into(), Expr::int(distance));
        let lane = self.func.add_var(&format!("{}.v", self.name), Dtype::I64);
        let iteration = Expr::add(first, lane.into());
        let before = Expr::load(self.states, self.slot(iteration.clone(), distance));
        let (semiring, dtype) = (self.chain.semiring, self.dtype);
        let factor = self.combined_factor(last, &iteration);
        let addend = self.combined_addend(last, &iteration);
        let state = match (factor, addend) {
            (Some(factor), Some(addend)) => semiring.plus_times(factor, before, addend, dtype),
            (Some(factor), None) => semiring.times(factor, before, dtype),
            (None, Some(addend)) => semiring.plus(before, addend, dtype),
            (None, None) => before,
        };
        let body = vec![Stmt::Store(self.states, self.slot(iteration, 0), state)];
        let lanes = Stmt::for_loop(lane, Expr::int(0), Expr::int(distance), LoopKind::Vector, body);
        Stmt::serial(vector, Expr::int(0), vectors.clone(), vec![lanes])
    }

    /// Writes the states where all of them are kept.
    fn keep(&mut self, first: &Expr, length: &Expr) -> Option<Stmt> {
        if self.chain.window.is_some() {
            return None;
        }
        let counter = self.counter();
        // Upwards in memory, so that lanes are neighbours.
        let iteration = match self.chain.backward {
            true => Expr::sub(Expr::sub(length.clone(), Expr::int(1)), counter.into()),
            false => counter.into(),
        };
        let value = Expr::load(self.states, self.slot(iteration.clone(), 0));
        let store = Stmt::Store(self.chain.state, self.chain.place.clone(), value);
        let body = self.at(&[store], &Expr::add(first.clone(), iteration));
        Some(Stmt::serial(counter, Expr::int(0), length.clone(), body))
    }

    /// What else the iterations do.
    fn rest(&mut self, first: &Expr, length: &Expr) -> Option<Stmt> {
        if self.chain.rest.iter().all(|stmt| matches!(stmt, Stmt::Let(..))) {
            return None;
        }
        let counter = self.counter();
        let slots = [self.slot(counter.into(), 0), self.slot(counter.into(), 1)];
        let body = self.at(&self.chain.rest, &Expr::add(first.clone(), counter.into()));
        Some(Stmt::serial(counter, Expr::int(0), length.clone(), self.with_states(body, slots)))
    }

    /// Statements of an iteration with its state and the one before read from these places.
    fn with_states(&self, mut statements: Vec<Stmt>, [current, previous]: [Vec<Expr>; 2]) -> Vec<Stmt> {
        let [current, previous] = [current, previous].map(|slot| Expr::load(self.states, slot));
        let mut replace = |expr: Expr| match &expr {
            expr if *expr == self.chain.current => current.clone(),
            expr if *expr == self.chain.previous => previous.clone(),
            _ => expr,
        };
        statements.iter_mut().for_each(|stmt| stmt.map_exprs(&mut replace));
        statements
    }

    /// What only the last iteration does, if it is one of those that are `done`.
    fn last(&mut self, done: &Expr) -> Vec<Stmt> {
        if self.chain.last.is_empty() {
            return Vec::new();
        }
        let body = self.at(&self.chain.last, &Expr::sub(self.chain.count.clone(), Expr::int(1)));
        let slots = [1, 2].map(|back| vec![Expr::int(self.distance - back)]);
        let body = self.with_states(body, slots);
        match (done.as_int(), self.chain.count.as_int()) {
            (Some(done), Some(count)) if done == count => body,
            (Some(_), Some(_)) => Vec::new(),
            _ => vec![Stmt::If(Expr::eq(done.clone(), self.chain.count.clone()), body, Vec::new())],
        }
    }

    /// The last steps of a block are those before the next one.
    fn shift(&mut self, length: &Expr) -> Stmt {
        let mut buffers: Vec<BufferId> = Vec::new();
        for level in &self.levels {
            buffers.extend(level.factors.into_iter().chain(level.addends));
        }
        buffers.push(self.states);
        let length = length.clone();
        self.lanes(|lane| {
            let copy = |buffer: BufferId| {
                let last = Expr::load(buffer, vec![Expr::add(lane.clone(), length.clone())]);
                Stmt::Store(buffer, vec![lane.clone()], last)
            };
            buffers.into_iter().map(copy).collect()
        })
    }

    /// The last states, where a window is kept, as `done` iterations leave them.
    fn window(&mut self, done: &Expr) -> Vec<Stmt> {
        let Some(length) = self.chain.window else { return Vec::new() };
        let step = |back: i64| {
            let mut place = self.chain.place.clone();
            let iteration = Expr::sub(done.clone(), Expr::int(back));
            place.iter_mut().for_each(|index| index.substitute(self.chain.counter, &iteration));
            let state = Expr::load(self.states, vec![Expr::int(self.distance - back)]);
            Stmt::Store(self.chain.state, place, state)
        };
        (1..=length).rev().map(step).collect()
    }
}
