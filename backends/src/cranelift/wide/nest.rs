//! Statements and loops as virtual code.

use super::super::address::{Coefficient, Places};
use super::super::emit::{MAX_UNROLLED, trips};
use super::Vectors;
use super::assemble::assemble;
use super::code::{Address, Calculation, Class, Code, Home, Integer, Operand, Program, Reg, Vector, Virtual};
use super::encode::Bytes;
use super::group::{Argument, Group, Mentions, mentions};
use super::slots::Slots;
use super::value::{Piece, Value};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeSet;
use tcc_ir::Dtype;
use tcc_ir::loops::{BufferId, Expr, For, Func, LoopKind, Stmt, Var};

/// Steps of virtual code of a function; more are left to Cranelift.
const MAX_CODE: usize = 1 << 15;
/// Expressions that are nested deeper are left to Cranelift.
const MAX_DEPTH: usize = 128;
/// The virtual register that holds the arguments.
pub(super) const ARGUMENTS: Reg = Reg(0);

/// Why something is not compiled here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It has no form here.
    Unsupported,
    /// This buffer cannot live in registers.
    Memory(BufferId),
}

pub(super) type Wide<T> = Result<T, Refusal>;

/// Turns statements into code.
pub(super) struct Generator<'a, 'f> {
    pub func: &'f Func,
    pub places: &'a Places<'f>,
    pub vectors: Vectors,
    pub program: Program,
    pub(super) arguments: Vec<Argument<'f>>,
    /// The registers of each argument: as an integer, and in all lanes.
    argument_registers: Vec<[Option<Reg>; 2]>,
    /// What runs before all else.
    prologue: Vec<Code>,
    hoisted: Vec<&'f Stmt>,
    /// Variables that the group defines and that are no parts of its arguments.
    pub(super) inside: FxHashSet<Var>,
    /// Variables whose values are needed as data.
    pub data: FxHashSet<Var>,
    /// Counters of unrolled loops and lanes.
    pub fixed: FxHashMap<Var, i64>,
    /// Counters times coefficients, of the loops around.
    pub(super) scaled: FxHashMap<(Var, Coefficient), Reg>,
    /// Counters of the loops around that are needed as such.
    pub counters: FxHashMap<Var, Reg>,
    /// Loops around, outermost first.
    around: Vec<Var>,
    /// An argument plus terms, in scope.
    pub(super) pointers: FxHashMap<(usize, Vec<(Var, Coefficient)>), Reg>,
    /// Values of `let`s: one for each piece of a vector loop.
    pub lets: FxHashMap<Var, Vec<Value>>,
    pub slots: FxHashMap<BufferId, Slots>,
    registers: FxHashMap<BufferId, Reg>,
    written: BTreeSet<BufferId>,
    /// Results of instructions that need not be computed again.
    known: FxHashMap<Vector, Reg>,
    loaded: FxHashMap<(BufferId, Vector), Reg>,
    /// What was added to the four maps above, to be forgotten at the end of a scope.
    pub(super) scope: Vec<Forget>,
    pub constants: FxHashMap<(u64, Bytes), Reg>,
    buffers: BTreeSet<BufferId>,
    /// Buffers that only this group touches.
    owned: FxHashSet<BufferId>,
    denied: &'a BTreeSet<BufferId>,
    /// Buffers that cannot be kept in registers after all. With one of them what is generated is of no use;
    /// the rest is looked at to find all of them at once.
    pub refused: BTreeSet<BufferId>,
}

/// What is forgotten at the end of a scope.
pub(super) enum Forget {
    Known(Vector),
    Loaded((BufferId, Vector)),
    Pointer((usize, Vec<(Var, Coefficient)>)),
    Let(Var),
}

impl<'a, 'f> Generator<'a, 'f> {
    pub(super) fn new(
        func: &'f Func,
        places: &'a Places<'f>,
        vectors: Vectors,
        block: &'f [Stmt],
        total: &Mentions,
        denied: &'a BTreeSet<BufferId>,
    ) -> Self {
        let mut inside = FxHashSet::default();
        for stmt in block {
            inside.extend(stmt.defines());
        }
        let counts = mentions(block);
        let owned = counts.iter().filter(|(buffer, count)| total.get(buffer) == Some(count));
        let mut generator = Generator {
            func,
            places,
            vectors,
            program: Program::default(),
            arguments: Vec::new(),
            argument_registers: Vec::new(),
            prologue: Vec::new(),
            hoisted: Vec::new(),
            inside,
            data: data_vars(block),
            fixed: FxHashMap::default(),
            scaled: FxHashMap::default(),
            counters: FxHashMap::default(),
            around: Vec::new(),
            pointers: FxHashMap::default(),
            lets: FxHashMap::default(),
            slots: FxHashMap::default(),
            registers: FxHashMap::default(),
            written: BTreeSet::new(),
            known: FxHashMap::default(),
            loaded: FxHashMap::default(),
            scope: Vec::new(),
            constants: FxHashMap::default(),
            buffers: counts.keys().copied().collect(),
            owned: owned.map(|(buffer, _)| *buffer).collect(),
            denied,
            refused: BTreeSet::new(),
        };
        generator.register(Class::General, Home::Frame);
        generator.hoist(block);
        generator
    }

    pub(super) fn finish(mut self, block: &'f [Stmt]) -> Option<Group<'f>> {
        let mut results = Vec::new();
        for buffer in std::mem::take(&mut self.written) {
            if self.owned.contains(&buffer) {
                continue;
            }
            let dtype = self.func.buffer(buffer).dtype;
            let index = self.argument(Argument::Register(buffer));
            let address = Address { base: ARGUMENTS, index: None, displacement: 8 * index as i32 };
            let value = self.registers[&buffer];
            self.store_exact(dtype.size_bytes() as u32, address, value);
            results.push((index, buffer));
        }
        self.program.code.splice(0..0, self.prologue);
        let (bytes, _) = assemble(&self.program, self.vectors, false)?;
        Some(Group {
            length: block.len(),
            bytes,
            program: self.program,
            vectors: self.vectors,
            arguments: self.arguments,
            hoisted: self.hoisted,
            results,
            buffers: self.buffers,
        })
    }

    /// Finds `let`s whose values are known before the call.
    fn hoist(&mut self, block: &'f [Stmt]) {
        for stmt in block {
            if let Stmt::Let(var, value) = stmt
                && self.is_outside(value)
            {
                self.inside.remove(var);
                self.hoisted.push(stmt);
            }
            if let Stmt::For(l) = stmt {
                self.hoist(&l.body);
            }
        }
    }

    /// Whether the value of an expression is known before the call.
    pub fn is_outside(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Var(var) => !self.inside.contains(var),
            Expr::Load(..) => false,
            Expr::Const(..) | Expr::Symbol(_) | Expr::Op(..) => {
                expr.children().iter().all(|child| self.is_outside(child))
            }
        }
    }

    /// A new virtual register.
    pub fn register(&mut self, class: Class, home: Home) -> Reg {
        self.program.registers.push(Virtual { class, home });
        Reg(self.program.registers.len() as u32 - 1)
    }

    /// A new vector.
    pub fn vector(&mut self) -> Reg {
        self.register(Class::Vector, Home::Frame)
    }

    pub(super) fn general(&mut self) -> Reg {
        self.register(Class::General, Home::Frame)
    }

    pub fn push(&mut self, code: Code) {
        self.program.code.push(code);
    }

    /// The position of an argument.
    pub(super) fn argument(&mut self, argument: Argument<'f>) -> usize {
        self.arguments.iter().position(|known| *known == argument).unwrap_or_else(|| {
            self.arguments.push(argument);
            self.argument_registers.push([None; 2]);
            self.arguments.len() - 1
        })
    }

    /// An argument as an integer.
    pub(super) fn integer_argument(&mut self, argument: Argument<'f>) -> Reg {
        let index = self.argument(argument);
        if let Some(known) = self.argument_registers[index][0] {
            return known;
        }
        let reg = self.register(Class::General, Home::Argument(8 * index as u32, 8));
        self.argument_registers[index][0] = Some(reg);
        reg
    }

    /// An argument in all lanes.
    pub fn vector_argument(&mut self, argument: Argument<'f>, dtype: Dtype) -> Reg {
        let size = dtype.size_bytes() as u32;
        let index = self.argument(argument);
        if let Some(known) = self.argument_registers[index][1] {
            return known;
        }
        let offset = 8 * index as u32;
        let reg = if self.vectors == Vectors::Avx512 {
            self.register(Class::Vector, Home::Argument(offset, size))
        } else {
            let reg = self.vector();
            let address = Address { base: ARGUMENTS, index: None, displacement: offset as i32 };
            let load = Vector::one(
                super::value::broadcast(size),
                self.vectors.bytes(),
                reg,
                Operand::Memory(address),
            );
            self.prologue.push(Code::Vector(load));
            reg
        };
        self.argument_registers[index][1] = Some(reg);
        reg
    }

    /// The vector that is a register of the function.
    pub fn function_register(&mut self, buffer: BufferId) -> Wide<Reg> {
        if let Some(&known) = self.registers.get(&buffer) {
            return Ok(known);
        }
        let dtype = self.func.buffer(buffer).dtype;
        if !matches!(dtype, Dtype::F32 | Dtype::F64 | Dtype::I32 | Dtype::I64) {
            return Err(Refusal::Unsupported);
        }
        let reg = self.vector();
        self.registers.insert(buffer, reg);
        if !self.owned.contains(&buffer) {
            let source = self.vector_argument(Argument::Register(buffer), dtype);
            self.prologue.push(Code::Copy { dest: reg, source });
        }
        Ok(reg)
    }

    /// Whether a buffer may live in registers.
    pub fn may_promote(&self, buffer: BufferId) -> bool {
        self.owned.contains(&buffer) && !self.denied.contains(&buffer)
    }

    /// An instruction whose result depends on registers alone; one that is known is not repeated.
    pub fn pure(&mut self, vector: Vector) -> Reg {
        let key = Vector { dest: None, ..vector };
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let dest = match vector.dest {
            Some(dest) => dest,
            None => self.vector(),
        };
        self.push(Code::Vector(Vector { dest: Some(dest), ..vector }));
        self.known.insert(key, dest);
        self.scope.push(Forget::Known(key));
        dest
    }

    /// A load; one that is known is not repeated.
    pub fn load(&mut self, buffer: BufferId, vector: Vector) -> Reg {
        let key = (buffer, Vector { dest: None, ..vector });
        if let Some(&known) = self.loaded.get(&key) {
            return known;
        }
        let dest = self.vector();
        self.push(Code::Vector(Vector { dest: Some(dest), ..vector }));
        self.loaded.insert(key, dest);
        self.scope.push(Forget::Loaded(key));
        dest
    }

    /// Forgets what depends on a register that is about to change.
    pub fn changes(&mut self, reg: Reg) {
        let touches = |v: &Vector| {
            v.a == Some(reg) || v.c == Some(reg) || v.mask == Some(reg) || v.b == Operand::Reg(reg)
        };
        self.known.retain(|key, result| !touches(key) && *result != reg);
    }

    /// Forgets what was loaded from a buffer that is about to change.
    fn overwritten(&mut self, buffer: BufferId) {
        self.loaded.retain(|(other, _), _| *other != buffer);
    }

    fn scoped(&mut self, run: impl FnOnce(&mut Self) -> Wide<()>) -> Wide<()> {
        let depth = self.scope.len();
        let result = run(self);
        for entry in self.scope.drain(depth..) {
            match entry {
                Forget::Known(key) => drop(self.known.remove(&key)),
                Forget::Loaded(key) => drop(self.loaded.remove(&key)),
                Forget::Pointer(key) => drop(self.pointers.remove(&key)),
                Forget::Let(var) => drop(self.lets.remove(&var)),
            }
        }
        result
    }

    fn block(&mut self, block: &'f [Stmt]) -> Wide<()> {
        block.iter().try_for_each(|stmt| self.tried(stmt))
    }

    /// A statement; refusals that concern a buffer are collected.
    pub(super) fn tried(&mut self, stmt: &'f Stmt) -> Wide<()> {
        match self.stmt(stmt) {
            Err(Refusal::Memory(buffer)) => {
                self.refused.insert(buffer);
                Ok(())
            }
            // What follows a refusal may miss what it would have left.
            Err(Refusal::Unsupported) if !self.refused.is_empty() => Ok(()),
            result => result,
        }
    }

    pub(super) fn stmt(&mut self, stmt: &'f Stmt) -> Wide<()> {
        let piece = Piece::uniform(self.vectors);
        match stmt {
            Stmt::For(l) => self.for_loop(l),
            Stmt::If(..) | Stmt::Check(..) | Stmt::Contract(_) => Err(Refusal::Unsupported),
            Stmt::Let(..) | Stmt::Store(..) | Stmt::Accumulate(..) => self.simple(stmt, &piece),
        }
    }

    /// A statement without blocks, in the lanes of a piece.
    fn simple(&mut self, stmt: &'f Stmt, piece: &Piece) -> Wide<()> {
        let deep = stmt.exprs().iter().any(|expr| expr.depth() > MAX_DEPTH);
        if deep || self.program.code.len() > MAX_CODE {
            return Err(Refusal::Unsupported);
        }
        match stmt {
            Stmt::Let(var, value) => {
                if !self.inside.contains(var) || !self.data.contains(var) {
                    return Ok(());
                }
                let mark = self.program.code.len();
                let mut value = self.value(value, piece)?;
                if mark == self.program.code.len() || self.is_mutable(value.reg) {
                    value.reg = self.copied(value.reg);
                }
                self.lets.entry(*var).or_default().push(value);
                self.scope.push(Forget::Let(*var));
                Ok(())
            }
            Stmt::Store(buffer, indices, value) => {
                let mark = self.program.registers.len();
                let value = self.value(value, piece)?;
                self.store(*buffer, indices, value, piece, mark)
            }
            Stmt::Accumulate(op, buffer, indices, value) => {
                let op = op.scalar_op().ok_or(Refusal::Unsupported)?;
                let mark = self.program.registers.len();
                let value = self.value(value, piece)?;
                let old = self.read(*buffer, indices, piece)?;
                let dtype = self.func.buffer(*buffer).dtype;
                let new = self.operation(op, dtype, dtype, &[old, value], piece)?;
                self.store(*buffer, indices, new, piece, mark)
            }
            Stmt::For(_) | Stmt::If(..) | Stmt::Check(..) | Stmt::Contract(_) => Err(Refusal::Unsupported),
        }
    }

    fn is_mutable(&self, reg: Reg) -> bool {
        self.registers.values().any(|known| *known == reg)
            || self.slots.values().any(|slots| slots.registers.contains(&reg))
    }

    fn copied(&mut self, source: Reg) -> Reg {
        if !self.is_mutable(source) {
            return source;
        }
        let dest = self.vector();
        self.push(Code::Copy { dest, source });
        dest
    }

    fn store(
        &mut self,
        buffer: BufferId,
        indices: &'f [Expr],
        value: Value,
        piece: &Piece,
        mark: usize,
    ) -> Wide<()> {
        let declaration = self.func.buffer(buffer);
        if declaration.is_register() {
            if value.varying {
                return Err(Refusal::Unsupported);
            }
            let register = self.function_register(buffer)?;
            self.written.insert(buffer);
            self.assign(register, value.reg, mark);
            return Ok(());
        }
        if self.slot(buffer)? {
            return self.write_slot(buffer, indices, value, piece, mark);
        }
        let address = self.address(buffer, indices)?;
        self.write(buffer, indices, address, value, piece)?;
        self.overwritten(buffer);
        Ok(())
    }

    /// Gives a register that changes the value of another one that was computed after `mark`.
    pub fn assign(&mut self, register: Reg, value: Reg, mark: usize) {
        self.changes(register);
        let fresh = value.index() >= mark && self.program.registers[value.index()].home == Home::Frame;
        match self.program.code.last_mut() {
            Some(Code::Vector(Vector { dest: Some(dest), mask: None, .. }) | Code::Fma { dest, .. })
                if fresh && *dest == value =>
            {
                *dest = register;
                self.changes(value);
                self.loaded.retain(|_, result| *result != value);
            }
            _ => {
                if register != value {
                    self.push(Code::Copy { dest: register, source: value });
                }
            }
        }
    }

    fn for_loop(&mut self, l: &'f For) -> Wide<()> {
        let bounds = self.number(&l.lo).zip(self.number(&l.hi));
        if let Some((lo, hi)) = bounds {
            if hi <= lo {
                return Ok(());
            }
            if l.kind == LoopKind::Vector {
                return self.vector_loop(l, lo, hi);
            }
            if hi - lo == 1 || l.kind == LoopKind::Unroll && trips(l, lo, hi) <= MAX_UNROLLED {
                for value in lo..hi {
                    self.fixed.insert(l.var, value);
                    self.scoped(|g| g.block(&l.body))?;
                }
                self.fixed.remove(&l.var);
                return Ok(());
            }
        }
        self.counted(l, bounds)
    }

    fn number(&self, expr: &Expr) -> Option<i64> {
        match expr {
            Expr::Var(var) => self.fixed.get(var).copied(),
            _ => expr.as_int(),
        }
    }

    fn vector_loop(&mut self, l: &'f For, lo: i64, hi: i64) -> Wide<()> {
        let pieces = Piece::of_loop(self, l, lo, hi)?;
        self.scoped(|g| {
            for stmt in &l.body {
                for piece in &pieces {
                    g.fixed.insert(l.var, piece.first);
                    g.simple(stmt, piece)?;
                }
            }
            Ok(())
        })?;
        self.fixed.remove(&l.var);
        Ok(())
    }

    fn counted(&mut self, l: &'f For, bounds: Option<(i64, i64)>) -> Wide<()> {
        let mut accesses = Vec::new();
        self.accesses(&l.body, &mut accesses);
        let mut coefficients: Vec<Coefficient> = Vec::new();
        for place in &accesses {
            self.hoist_pointer(place)?;
            for &(var, coefficient) in &place.terms {
                if var == l.var && !coefficients.contains(&coefficient) {
                    coefficients.push(coefficient);
                }
            }
        }
        // What the loop writes is another value in its second iteration.
        for stmt in &l.body {
            for buffer in stmt.writes() {
                self.forget(buffer);
            }
        }
        let (lo, hi) = (self.bound(&l.lo)?, self.bound(&l.hi)?);
        let mut steps: Vec<(Reg, Integer)> = Vec::new();
        let mut control: Option<(Reg, Integer)> = None;
        for coefficient in coefficients {
            let step = match self.places.number(coefficient) {
                Some(number) if i32::try_from(number).is_ok() => Integer::Number(number),
                Some(_) => return Err(Refusal::Unsupported),
                None => Integer::Reg(self.integer_argument(Argument::Extent(coefficient))),
            };
            let counter = self.product(lo, step);
            self.scaled.insert((l.var, coefficient), counter);
            if let (None, Integer::Number(1..)) = (control, step) {
                let limit = match (hi, step) {
                    (Integer::Number(hi), Integer::Number(by)) => hi.checked_mul(by),
                    _ => None,
                };
                let limit = match limit {
                    Some(limit) if i32::try_from(limit).is_ok() => Integer::Number(limit),
                    _ => Integer::Reg(self.product(hi, step)),
                };
                control = Some((counter, limit));
            }
            steps.push((counter, step));
        }
        if control.is_none() || self.data.contains(&l.var) {
            let counter = self.product(lo, Integer::Number(1));
            self.counters.insert(l.var, counter);
            steps.push((counter, Integer::Number(1)));
            let limit = match hi {
                Integer::Number(hi) if i32::try_from(hi).is_err() => {
                    Integer::Reg(self.product(Integer::Number(hi), Integer::Number(1)))
                }
                hi => hi,
            };
            control = control.or(Some((counter, limit)));
        }
        let (counter, limit) = control.ok_or(Refusal::Unsupported)?;
        self.push(Code::Loop { counter, limit, guarded: bounds.is_none() });
        self.around.push(l.var);
        self.scoped(|g| g.block(&l.body))?;
        self.around.pop();
        for (counter, step) in steps {
            self.push(Code::Integer { calculation: Calculation::Add, dest: counter, source: step });
        }
        self.push(Code::End { counter, limit });
        self.scaled.retain(|(var, _), _| *var != l.var);
        self.counters.remove(&l.var);
        Ok(())
    }

    /// Forgets what depends on a buffer.
    fn forget(&mut self, buffer: BufferId) {
        self.overwritten(buffer);
        let mut changed: Vec<Reg> = self.registers.get(&buffer).into_iter().copied().collect();
        if let Some(slots) = self.slots.get(&buffer) {
            changed.extend(&slots.registers);
        }
        for reg in changed {
            self.changes(reg);
        }
    }

    /// A new integer that is a product.
    fn product(&mut self, a: Integer, b: Integer) -> Reg {
        let dest = self.general();
        match (a, b) {
            (Integer::Number(a), Integer::Number(b)) => {
                let source = Integer::Number(a.wrapping_mul(b));
                self.push(Code::Integer { calculation: Calculation::Move, dest, source });
            }
            (number @ Integer::Number(_), other) | (other, number) => {
                self.push(Code::Integer { calculation: Calculation::Move, dest, source: number });
                self.push(Code::Integer { calculation: Calculation::Multiply, dest, source: other });
            }
        }
        dest
    }

    /// The bound of a loop.
    fn bound(&mut self, expr: &'f Expr) -> Wide<Integer> {
        if let Some(number) = self.number(expr) {
            return Ok(Integer::Number(number));
        }
        if self.is_outside(expr) {
            return Ok(Integer::Reg(self.integer_argument(Argument::Value(expr))));
        }
        Err(Refusal::Unsupported)
    }
}

/// The variables whose values are data: not only parts of places and bounds.
fn data_vars(block: &[Stmt]) -> FxHashSet<Var> {
    fn mentioned(expr: &Expr, found: &mut FxHashSet<Var>) {
        match expr {
            Expr::Var(var) => drop(found.insert(*var)),
            Expr::Load(..) => {}
            _ => expr.children().iter().for_each(|child| mentioned(child, found)),
        }
    }
    fn statements<'f>(block: &'f [Stmt], see: &mut impl FnMut(&'f Stmt)) {
        for stmt in block {
            see(stmt);
            stmt.blocks().into_iter().for_each(|inner| statements(inner, see));
        }
    }
    let (mut found, mut lets) = (FxHashSet::default(), Vec::new());
    statements(block, &mut |stmt| match stmt {
        Stmt::Store(_, _, value) | Stmt::Accumulate(_, _, _, value) => mentioned(value, &mut found),
        Stmt::Let(var, value) => lets.push((*var, value)),
        Stmt::For(_) | Stmt::If(..) | Stmt::Check(..) | Stmt::Contract(_) => {}
    });
    for (var, value) in lets.into_iter().rev() {
        if found.contains(&var) {
            mentioned(value, &mut found);
        }
    }
    found
}
