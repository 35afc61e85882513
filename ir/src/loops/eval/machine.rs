//! Runs a translated function and watches every access.

use super::program::{Access, Application, Class, IntOp, Nest, Place, Program, Step, Watch};
use crate::domain::{Domain, Value};
use crate::dtype::{Dtype, Kind};
use crate::error::EvalError;
use crate::evaluate_scalar;
use crate::loops::build::{floor_div, floor_mod};
use crate::loops::{Func, LoopKind};

/// The elements of a buffer in row-major order, and which of them hold a value.
pub(super) struct Memory<D: Domain> {
    pub ints: Vec<i64>,
    pub reals: Vec<D::Real>,
    pub written: Vec<bool>,
}

/// Arena places of buffers that share memory, counted in granules (the greatest common divisor of
/// all sizes and offsets), and the buffer that wrote each last.
pub(super) struct Arena {
    pub granule: usize,
    /// 0 for none, else buffer + 1.
    pub owners: Vec<u32>,
    /// For every buffer: its first granule, granules of an element, granules between neighbours
    /// along each index.
    pub places: Vec<Option<(usize, usize, Vec<usize>)>>,
}

/// Marks of the iterations that touched an element in the current run of a parallel loop:
/// iterations are numbered on and on, so marks of earlier runs are told by their numbers.
#[derive(Clone, Copy, Default)]
struct Mark {
    writer: u64,
    reader: u64,
    /// A reader other than `reader`.
    other: u64,
}

/// A parallel loop that is running.
#[derive(Clone, Copy, Default)]
struct Running {
    /// Number of the first iteration, and of the current one.
    first: u64,
    current: u64,
    nest: u32,
    /// Value of the counter in the first iteration.
    lo: i64,
}

pub(super) struct Machine<'a, D: Domain> {
    func: &'a Func,
    program: &'a Program<D>,
    ints: Vec<i64>,
    reals: Vec<D::Real>,
    memory: Vec<Memory<D>>,
    arena: Arena,
    shadows: Vec<Vec<Mark>>,
    running: Vec<Running>,
    steps: u64,
    limit: u64,
}

/// Boxed so that the results of hot functions stay small.
type Run<T> = Result<T, Box<EvalError>>;

impl<'a, D: Domain> Machine<'a, D> {
    /// Bytes that watching one element for races takes.
    pub(super) const MARK_BYTES: u128 = size_of::<Mark>() as u128;

    pub(super) fn new(
        func: &'a Func,
        program: &'a Program<D>,
        memory: Vec<Memory<D>>,
        arena: Arena,
        limit: u64,
    ) -> Machine<'a, D> {
        let marks = |&buffer: &u32| vec![Mark::default(); memory[buffer as usize].written.len()];
        let depth = program.nests.iter().map(|nest| nest.depth + 1).max().unwrap_or(0);
        Machine {
            func,
            program,
            ints: program.ints.clone(),
            reals: program.reals.clone(),
            shadows: program.shadows.iter().map(marks).collect(),
            memory,
            arena,
            running: vec![Running::default(); depth],
            steps: 0,
            limit,
        }
    }

    /// Runs to the end and hands the memory back.
    pub(super) fn run(mut self) -> Result<Vec<Memory<D>>, EvalError> {
        match self.steps() {
            Ok(()) => Ok(self.memory),
            Err(error) => Err(*error),
        }
    }

    fn steps(&mut self) -> Run<()> {
        let program = self.program;
        let mut at = 0;
        while let Some(step) = program.steps.get(at) {
            at += 1;
            match *step {
                Step::Int { op, to, a, b } => {
                    self.ints[to as usize] = int(op, self.ints[a as usize], self.ints[b as usize]);
                }
                Step::Not { to, a } => self.ints[to as usize] = i64::from(self.ints[a as usize] == 0),
                Step::Wrap { dtype, to, a } => self.ints[to as usize] = dtype.wrap(self.ints[a as usize]),
                Step::Real { op, dtype, arity, to, operands: [a, b, c] } => {
                    let operands = [self.real(a), self.real(b), self.real(c)];
                    self.reals[to as usize] = D::apply(op, dtype, &operands[..usize::from(arity)])?;
                }
                Step::Test { op, arity, to, a, b } => {
                    let operands = [self.real(a), self.real(b)];
                    self.ints[to as usize] = i64::from(D::test(op, &operands[..usize::from(arity)])?);
                }
                Step::FromInt { dtype, to, a } => {
                    self.reals[to as usize] = D::from_i64(self.ints[a as usize], dtype);
                }
                Step::Convert { dtype, to, a } => self.reals[to as usize] = D::convert(self.real(a), dtype),
                Step::SelectInt { to, condition, a, b } => {
                    let chosen = if self.ints[condition as usize] != 0 { a } else { b };
                    self.ints[to as usize] = self.ints[chosen as usize];
                }
                Step::SelectReal { to, condition, a, b } => {
                    let chosen = if self.ints[condition as usize] != 0 { a } else { b };
                    self.reals[to as usize] = self.real(chosen);
                }
                Step::MoveInt { to, a } => self.ints[to as usize] = self.ints[a as usize],
                Step::MoveReal { to, a } => self.reals[to as usize] = self.real(a),
                Step::Apply { index } => self.apply(&program.applications[index as usize])?,
                Step::LoadInt { to, access } => {
                    let access = &program.accesses[access as usize];
                    let place = self.read(access)?;
                    self.ints[to as usize] = self.memory[access.buffer as usize].ints[place];
                }
                Step::LoadReal { to, access } => {
                    let access = &program.accesses[access as usize];
                    let place = self.read(access)?;
                    self.reals[to as usize] = self.memory[access.buffer as usize].reals[place];
                }
                Step::LoadComplex { to, access } => {
                    let access = &program.accesses[access as usize];
                    let place = 2 * self.read(access)?;
                    let memory = &self.memory[access.buffer as usize];
                    self.reals[to as usize] = memory.reals[place];
                    self.reals[to as usize + 1] = memory.reals[place + 1];
                }
                Step::StoreInt { access, value } => {
                    let access = &program.accesses[access as usize];
                    let place = self.write(access)?;
                    self.memory[access.buffer as usize].ints[place] = self.ints[value as usize];
                }
                Step::StoreReal { access, value } => {
                    let access = &program.accesses[access as usize];
                    let place = self.write(access)?;
                    self.memory[access.buffer as usize].reals[place] = self.reals[value as usize];
                }
                Step::StoreComplex { access, value } => {
                    let access = &program.accesses[access as usize];
                    let place = 2 * self.write(access)?;
                    let memory = &mut self.memory[access.buffer as usize];
                    memory.reals[place] = self.reals[value as usize];
                    memory.reals[place + 1] = self.reals[value as usize + 1];
                }
                Step::AccumulateReal { op, dtype, access, value } => {
                    let access = &program.accesses[access as usize];
                    let place = self.update(access)?;
                    let value = self.real(value);
                    let element = &mut self.memory[access.buffer as usize].reals[place];
                    *element = D::apply(op, dtype, &[*element, value])?;
                }
                Step::Accumulate { op, dtype, access, value } => {
                    let access = &program.accesses[access as usize];
                    let place = self.update(access)?;
                    let value = self.value(Place { dtype, slot: value });
                    let element = self.element(access, dtype, place);
                    let combined = evaluate_scalar::reduce_step(op, dtype, element, value)?;
                    self.set_element(access, place, combined);
                }
                Step::Jump { target } => at = target as usize,
                Step::JumpUnless { condition, target } => {
                    if self.ints[condition as usize] == 0 {
                        at = target as usize;
                    }
                }
                Step::Check { condition, site } => {
                    if self.ints[condition as usize] == 0 {
                        return Err(self.failed_check(site as usize));
                    }
                }
                Step::Enter { var, lo, hi, end, exit } => {
                    let (first, last) = (self.ints[lo as usize], self.ints[hi as usize]);
                    self.ints[var as usize] = first;
                    self.ints[end as usize] = last;
                    if last <= first {
                        at = exit as usize;
                    }
                }
                Step::Next { var, end, body, cost } => {
                    self.steps += u64::from(cost);
                    if self.steps > self.limit {
                        return Err(self.too_long());
                    }
                    let counter = &mut self.ints[var as usize];
                    *counter += 1;
                    if *counter < self.ints[end as usize] {
                        at = body as usize;
                    }
                }
                Step::NestEnter { nest } => self.enter(nest),
                Step::NestNext { nest } => self.next(&program.nests[nest as usize]),
                Step::NestExit { nest } => self.forget(&program.nests[nest as usize]),
            }
        }
        Ok(())
    }

    #[inline]
    fn real(&self, slot: u32) -> D::Real {
        self.reals[slot as usize]
    }

    fn value(&self, place: Place) -> Value<D> {
        let slot = place.slot as usize;
        match place.dtype.kind() {
            Kind::Bool => Value::Bool(self.ints[slot] != 0),
            Kind::Int => Value::Int(self.ints[slot]),
            Kind::Float => Value::Real(self.reals[slot]),
            Kind::Complex => Value::Complex(self.reals[slot], self.reals[slot + 1]),
        }
    }

    fn apply(&mut self, application: &Application) -> Run<()> {
        let Application { op, operands, dtypes, to } = application;
        let mut values = [Value::Bool(false); 3];
        for (value, operand) in values.iter_mut().zip(operands) {
            *value = self.value(*operand);
        }
        let arity = operands.len().min(values.len());
        let slot = to.slot as usize;
        match evaluate_scalar::apply(*op, to.dtype, dtypes, &values[..arity])? {
            Value::Bool(b) => self.ints[slot] = i64::from(b),
            Value::Int(i) => self.ints[slot] = i,
            Value::Real(re) => self.reals[slot] = re,
            Value::Complex(re, im) => {
                self.reals[slot] = re;
                self.reals[slot + 1] = im;
            }
        }
        Ok(())
    }

    fn element(&self, access: &Access, dtype: Dtype, place: usize) -> Value<D> {
        self.memory[access.buffer as usize].element(dtype, place)
    }

    fn set_element(&mut self, access: &Access, place: usize, value: Value<D>) {
        self.memory[access.buffer as usize].set(place, value);
    }
}

/// Accesses.
impl<D: Domain> Machine<'_, D> {
    /// The place of an access in the storage of its buffer.
    #[inline]
    fn locate(&self, access: &Access) -> Run<usize> {
        let mut place = 0;
        for index in &access.indices {
            let value = self.ints[index.slot as usize];
            if value < 0 || value >= index.extent {
                return Err(self.outside(access));
            }
            place += value as usize * index.distance;
        }
        Ok(place)
    }

    #[inline]
    fn read(&mut self, access: &Access) -> Run<usize> {
        let place = self.locate(access)?;
        if !self.memory[access.buffer as usize].written[place] {
            return Err(self.unwritten(access));
        }
        if access.slow {
            self.watch_read(access, place)?;
        }
        Ok(place)
    }

    #[inline]
    fn write(&mut self, access: &Access) -> Run<usize> {
        let place = self.locate(access)?;
        if access.slow {
            self.watch_write(access, place)?;
        }
        self.memory[access.buffer as usize].written[place] = true;
        Ok(place)
    }

    #[inline]
    fn update(&mut self, access: &Access) -> Run<usize> {
        let place = self.read(access)?;
        if access.slow {
            self.watch_write(access, place)?;
        }
        Ok(place)
    }

    /// The granules of an element in the arena.
    fn granules(&self, access: &Access) -> Option<std::ops::Range<usize>> {
        let (first, size, distances) = self.arena.places[access.buffer as usize].as_ref()?;
        let indices = access.indices.iter().zip(distances);
        let start = first + indices.map(|(i, d)| self.ints[i.slot as usize] as usize * d).sum::<usize>();
        Some(start..start + size)
    }

    #[inline(never)]
    fn watch_read(&mut self, access: &Access, place: usize) -> Run<()> {
        let owner = access.buffer + 1;
        if self.granules(access).is_some_and(|all| self.arena.owners[all].iter().any(|&o| o != owner)) {
            return Err(self.unwritten(access));
        }
        for watch in &access.watches {
            let Running { first, current, .. } = self.running[watch.depth as usize];
            let mark = &mut self.shadows[watch.shadow as usize][place];
            if mark.reader < first {
                mark.reader = current;
            } else if mark.reader != current {
                mark.other = current;
            }
            let writer = mark.writer;
            if writer >= first && writer != current {
                return Err(self.race(access, watch, writer));
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn watch_write(&mut self, access: &Access, place: usize) -> Run<()> {
        if let Some(granules) = self.granules(access) {
            self.arena.owners[granules].fill(access.buffer + 1);
        }
        for watch in &access.watches {
            let Running { first, current, .. } = self.running[watch.depth as usize];
            let mark = &mut self.shadows[watch.shadow as usize][place];
            let met = [mark.writer, mark.reader, mark.other];
            mark.writer = current;
            if let Some(&other) = met.iter().find(|&&number| number >= first && number != current) {
                return Err(self.race(access, watch, other));
            }
        }
        Ok(())
    }
}

/// Parallel loops.
impl<D: Domain> Machine<'_, D> {
    fn enter(&mut self, nest: u32) {
        let Nest { depth, var, .. } = self.program.nests[nest as usize];
        let running = &mut self.running[depth];
        // Number 0 is the mark of nothing.
        running.first = running.current + 1;
        running.nest = nest;
        running.lo = self.ints[var as usize];
    }

    fn next(&mut self, nest: &Nest) {
        self.running[nest.depth].current += 1;
        self.forget(nest);
    }

    /// What belongs to an iteration holds no value before it and after it.
    fn forget(&mut self, nest: &Nest) {
        for &buffer in &nest.own {
            self.memory[buffer as usize].written.fill(false);
        }
    }
}

/// Errors.
impl<D: Domain> Machine<'_, D> {
    #[cold]
    fn show(&self, access: &Access) -> String {
        let name = &self.func.buffers[access.buffer as usize].name;
        let indices: Vec<String> =
            access.indices.iter().map(|index| self.ints[index.slot as usize].to_string()).collect();
        if indices.is_empty() { name.to_string() } else { format!("{name}[{}]", indices.join(", ")) }
    }

    #[cold]
    fn outside(&self, access: &Access) -> Box<EvalError> {
        let extents: Vec<String> = access.indices.iter().map(|index| index.extent.to_string()).collect();
        let place = self.show(access);
        Box::new(EvalError::Fault(format!("{place} lies outside the extents [{}]", extents.join(", "))))
    }

    #[cold]
    fn unwritten(&self, access: &Access) -> Box<EvalError> {
        Box::new(EvalError::Fault(format!("{} is read before it is written", self.show(access))))
    }

    #[cold]
    fn race(&self, access: &Access, watch: &Watch, other: u64) -> Box<EvalError> {
        let running = self.running[watch.depth as usize];
        let nest = &self.program.nests[running.nest as usize];
        let counter = |number: u64| running.lo.wrapping_add((number - running.first) as i64);
        let runs = if nest.kind == LoopKind::Vector { "lanes" } else { "iterations" };
        Box::new(EvalError::Fault(format!(
            "{runs} {} and {} of the {} loop `{}` meet at {}",
            counter(other),
            counter(running.current),
            nest.kind.name(),
            nest.name,
            self.show(access)
        )))
    }

    #[cold]
    fn failed_check(&self, site: usize) -> Box<EvalError> {
        let message = self.func.checks.get(site).map(|check| check.message.clone()).unwrap_or_default();
        Box::new(EvalError::Check { site, message })
    }

    #[cold]
    fn too_long(&self) -> Box<EvalError> {
        let (needed, limit) = (u128::from(self.steps), u128::from(self.limit));
        Box::new(EvalError::Limit { needed, limit, unit: "steps" })
    }
}

impl<D: Domain> Memory<D> {
    /// Storage for `elements` elements of a dtype that hold no value yet.
    pub(super) fn unwritten(dtype: Dtype, elements: usize) -> Memory<D> {
        let zero = D::from_i64(0, Dtype::F64);
        let (ints, reals) = match Class::of(dtype) {
            Class::Int => (elements, 0),
            Class::Real => (0, elements),
            Class::Complex => (0, 2 * elements),
        };
        Memory { ints: vec![0; ints], reals: vec![zero; reals], written: vec![false; elements] }
    }

    pub(super) fn element(&self, dtype: Dtype, place: usize) -> Value<D> {
        match dtype.kind() {
            Kind::Bool => Value::Bool(self.ints[place] != 0),
            Kind::Int => Value::Int(self.ints[place]),
            Kind::Float => Value::Real(self.reals[place]),
            Kind::Complex => Value::Complex(self.reals[2 * place], self.reals[2 * place + 1]),
        }
    }

    pub(super) fn set(&mut self, place: usize, value: Value<D>) {
        match value {
            Value::Bool(b) => self.ints[place] = i64::from(b),
            Value::Int(i) => self.ints[place] = i,
            Value::Real(re) => self.reals[place] = re,
            Value::Complex(re, im) => {
                self.reals[2 * place] = re;
                self.reals[2 * place + 1] = im;
            }
        }
        self.written[place] = true;
    }
}

#[inline]
fn int(op: IntOp, a: i64, b: i64) -> i64 {
    match op {
        IntOp::Add => a.wrapping_add(b),
        IntOp::Sub => a.wrapping_sub(b),
        IntOp::Mul => a.wrapping_mul(b),
        IntOp::FloorDiv => floor_div(a, b),
        IntOp::Mod => floor_mod(a, b),
        IntOp::Min => a.min(b),
        IntOp::Max => a.max(b),
        IntOp::Eq => i64::from(a == b),
        IntOp::Ne => i64::from(a != b),
        IntOp::Lt => i64::from(a < b),
        IntOp::Le => i64::from(a <= b),
        IntOp::And => a & b,
        IntOp::Or => a | b,
    }
}
