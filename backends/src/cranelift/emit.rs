//! Statements and expressions of a `Func` as one Cranelift function.

use super::address::{Coefficient, Place, Places};
use super::contract::Kernels;
use super::entry::Parameters;
use super::outline::Outlined;
use super::parts::Part;
use super::promote::{Promoted, Slot};
use super::scalar::{NotExpanded, Ops};
use super::types::Scalar;
use super::wide::{self, Group, Vectors};
use super::{threads, unsupported};
use crate::BackendError;
use cranelift::codegen::ir::condcodes::IntCC;
use cranelift::codegen::ir::{AbiParam, Block, BlockArg, FuncRef, InstBuilder, Signature, Value, types};
use cranelift::codegen::isa::TargetFrontendConfig;
use cranelift::frontend::{FunctionBuilder, Variable};
use std::collections::{BTreeMap, HashMap};
use tcc_ir::loops::{BufferId, Contract, Expr, For, Func, LoopKind, Role, Stmt, Var};
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, Name, ReduceOp, ScalarOp};

/// Unrolled loops with more statements than this (copies included) are emitted as loops.
pub(super) const MAX_UNROLLED: usize = 4096;

/// Counters scaled by a coefficient that an innermost loop carries; more would only be spilled.
const MAX_INDUCTIONS: usize = 6;

/// Emits one function: a part of a [`Func`], mostly all of it.
pub(super) struct Emitter<'f, 'b> {
    pub func: &'f Func,
    /// What of it is emitted.
    pub part: Part<'f>,
    pub b: FunctionBuilder<'b>,
    pub places: Places<'f>,
    /// The parameters of the function, once it has begun.
    pub(super) parameters: Option<Parameters>,
    /// The position of each input and output in the list of the caller.
    pub(super) positions: Vec<i32>,
    /// Start of each buffer in memory that the statement at hand touches, and of each table.
    pub(super) bases: Vec<Option<Value>>,
    /// The parts of each register.
    pub(super) registers: Vec<Option<(Variable, Option<Variable>)>>,
    /// Small arrays in variables.
    pub promoted: Vec<Option<Promoted>>,
    /// Values of the variables in scope.
    vars: Vec<Option<Scalar>>,
    /// Counters of unrolled loops and lanes, which are numbers.
    pub fixed: Vec<Option<i64>>,
    /// Values of the symbols.
    pub(super) symbols: BTreeMap<Name, Value>,
    /// Values of the coefficients that are no numbers.
    pub(super) extents: HashMap<Coefficient, Value>,
    /// Sums of a base and leading terms of places, in scope.
    pointers: HashMap<(BufferId, Vec<(Var, Coefficient)>), Value>,
    /// Counters times coefficients, carried by the innermost loop.
    inductions: HashMap<(Var, Coefficient), Value>,
    /// What to forget at the end of a scope.
    scope: Vec<Forget>,
    /// The kernels of the runtime that it calls.
    pub(super) kernels: Kernels,
    /// Returns its parameter.
    fail: Option<Block>,
    /// What is compiled elsewhere, by the first statement.
    pub(super) outlined: HashMap<*const Stmt, Outlined<'f>>,
    /// The functions of the iterations of parallel loops.
    loops: HashMap<*const For, FuncRef>,
}

/// Something that is only known inside a scope.
enum Forget {
    Var(Var),
    Pointer((BufferId, Vec<(Var, Coefficient)>)),
}

/// Statements and expressions of all copies of a loop's body.
pub(super) fn trips(l: &For, lo: i64, hi: i64) -> usize {
    let size: usize = l.body.iter().map(Stmt::size).sum();
    (hi.saturating_sub(lo).max(0) as usize).saturating_mul(size)
}

/// The type of the function: `(buffers, sizes, arena) -> status`.
pub(super) fn signature(config: TargetFrontendConfig) -> Signature {
    let mut signature = Signature::new(config.default_call_conv);
    signature.params.extend([AbiParam::new(types::I64); 3]);
    signature.returns.push(AbiParam::new(types::I32));
    signature
}

/// Inputs and outputs are numbered in order of declaration.
fn positions(func: &Func) -> Vec<i32> {
    let mut next = 0;
    let position = |buffer: &tcc_ir::loops::Buffer| {
        let position = next;
        next += i32::from(matches!(buffer.role, Role::Input | Role::Output));
        position
    };
    func.buffers.iter().map(position).collect()
}

pub(super) type Emitted<T> = Result<T, BackendError>;

/// What an emitter needs of the module around it.
pub(super) trait Environment<'b> {
    /// The address of the elements of a table.
    fn table(&mut self, b: &mut FunctionBuilder<'b>, buffer: BufferId) -> Emitted<Value>;
    /// The vectors that loops are compiled for besides those of Cranelift.
    fn vectors(&self) -> Vectors;
    /// Makes a function of a group of statements.
    fn define(&mut self, b: &mut FunctionBuilder<'b>, group: &Group) -> Emitted<FuncRef>;
    /// Makes a function of the iterations of a parallel loop; `None`: loops run on one thread.
    fn iterations(&mut self, b: &mut FunctionBuilder<'b>, each: &For) -> Emitted<Option<FuncRef>>;
}

impl<'f, 'b> Emitter<'f, 'b> {
    /// Emits a part of a function.
    pub fn emit(
        func: &'f Func,
        part: Part<'f>,
        builder: FunctionBuilder<'b>,
        environment: &mut dyn Environment<'b>,
        kernels: Kernels,
        config: TargetFrontendConfig,
    ) -> Emitted<()> {
        let mut emitter = Emitter {
            func,
            part,
            b: builder,
            places: Places::new(func, part.body),
            parameters: None,
            positions: positions(func),
            bases: vec![None; func.buffers.len()],
            registers: vec![None; func.buffers.len()],
            promoted: vec![None; func.buffers.len()],
            vars: vec![None; func.vars.len()],
            fixed: vec![None; func.vars.len()],
            symbols: BTreeMap::new(),
            extents: HashMap::new(),
            pointers: HashMap::new(),
            inductions: HashMap::new(),
            scope: Vec::new(),
            kernels,
            fail: None,
            outlined: HashMap::new(),
            loops: HashMap::new(),
        };
        // Inside of a parallel loop all is done by one thread.
        let mut parallel = Vec::new();
        if part.iterations.is_none() {
            threads::outermost(part.body, &mut parallel);
        }
        for each in parallel {
            if let Some(function) = environment.iterations(&mut emitter.b, each)? {
                emitter.loops.insert(each, function);
            }
        }
        let elsewhere = |each: &For| emitter.loops.contains_key(&std::ptr::from_ref(each));
        let groups = wide::find(func, &emitter.places, part.body, environment.vectors(), &elsewhere);
        for (first, group) in groups {
            let function = environment.define(&mut emitter.b, &group)?;
            emitter.outlined.insert(first, Outlined { group, function });
        }
        emitter.prologue(environment)?;
        match part.iterations {
            Some(each) => emitter.iterations(each)?,
            None => emitter.outermost(part.body)?,
        }
        let zero = emitter.ops().int(types::I32, 0);
        emitter.b.ins().return_(&[zero]);
        if let Some(fail) = emitter.fail {
            emitter.b.switch_to_block(fail);
            let status = emitter.b.block_params(fail)[0];
            emitter.b.ins().return_(&[status]);
        }
        emitter.b.seal_all_blocks();
        emitter.b.finalize(config);
        Ok(())
    }

    /// The builder of scalar operations.
    pub fn ops(&mut self) -> Ops<'_, 'b> {
        Ops { b: &mut self.b }
    }

    fn block(&mut self, block: &'f [Stmt]) -> Emitted<()> {
        let mut at = 0;
        while let Some(stmt) = block.get(at) {
            at += match self.outlined(stmt)? {
                Some(length) => length,
                None => {
                    self.stmt(stmt)?;
                    1
                }
            };
        }
        Ok(())
    }

    /// Runs `emit` in a scope of its own: what it learns about variables and pointers is forgotten.
    fn scoped(&mut self, emit: impl FnOnce(&mut Self) -> Emitted<()>) -> Emitted<()> {
        let depth = self.scope.len();
        let result = emit(self);
        for entry in self.scope.drain(depth..) {
            match entry {
                Forget::Var(var) => self.vars[var.index()] = None,
                Forget::Pointer(key) => {
                    self.pointers.remove(&key);
                }
            }
        }
        result
    }

    /// Names a value until the end of the scope.
    pub fn define(&mut self, var: Var, value: Scalar) {
        self.vars[var.index()] = Some(value);
        self.scope.push(Forget::Var(var));
    }

    /// One statement.
    pub fn stmt(&mut self, stmt: &'f Stmt) -> Emitted<()> {
        match stmt {
            Stmt::For(l) => self.for_loop(l),
            Stmt::Let(var, value) => {
                let value = self.expr(value)?;
                self.define(*var, value);
                Ok(())
            }
            Stmt::Store(buffer, indices, value) => {
                let value = self.expr(value)?;
                self.store(*buffer, indices, value)
            }
            Stmt::Accumulate(op, buffer, indices, value) => {
                let value = self.expr(value)?;
                let old = self.load(*buffer, indices)?;
                let new = self.combine(*op, *buffer, old, value)?;
                self.store(*buffer, indices, new)
            }
            Stmt::If(condition, then, otherwise) => self.branch(condition, then, otherwise),
            Stmt::Check(condition, site) => self.check(condition, *site),
            Stmt::Contract(contract) => self.contract(contract),
        }
    }

    fn combine(&mut self, op: ReduceOp, buffer: BufferId, old: Scalar, value: Scalar) -> Emitted<Scalar> {
        let dtype = self.func.buffer(buffer).dtype;
        let op = op.scalar_op().ok_or_else(|| unsupported(format!("accumulating {op}")))?;
        self.scalar_op(op, dtype, dtype, &[old, value])
    }

    fn branch(&mut self, condition: &'f Expr, then: &'f [Stmt], otherwise: &'f [Stmt]) -> Emitted<()> {
        let condition = self.expr(condition)?.re;
        let (yes, no, after) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        self.b.ins().brif(condition, yes, &[], no, &[]);
        for (block, stmts) in [(yes, then), (no, otherwise)] {
            self.b.switch_to_block(block);
            self.b.seal_block(block);
            self.scoped(|e| e.block(stmts))?;
            self.b.ins().jump(after, &[]);
        }
        self.b.switch_to_block(after);
        self.b.seal_block(after);
        Ok(())
    }

    fn check(&mut self, condition: &'f Expr, site: usize) -> Emitted<()> {
        let condition = self.expr(condition)?.re;
        let fail = self.fail();
        let after = self.b.create_block();
        let status = self.ops().int(types::I32, site as i64 + 1);
        self.b.ins().brif(condition, after, &[], fail, &[status.into()]);
        self.b.switch_to_block(after);
        self.b.seal_block(after);
        Ok(())
    }

    /// The block that ends the function with its parameter as the status.
    fn fail(&mut self) -> Block {
        match self.fail {
            Some(fail) => fail,
            None => {
                let fail = self.b.create_block();
                self.b.append_block_param(fail, types::I32);
                self.b.set_cold_block(fail);
                *self.fail.insert(fail)
            }
        }
    }

    /// Ends the function with a status that is not 0.
    pub(super) fn go_on_unless(&mut self, status: Value) {
        let (fail, after) = (self.fail(), self.b.create_block());
        self.b.ins().brif(status, fail, &[status.into()], after, &[]);
        self.b.switch_to_block(after);
        self.b.seal_block(after);
    }

    fn for_loop(&mut self, l: &'f For) -> Emitted<()> {
        if let Some(&function) = self.loops.get(&std::ptr::from_ref(l)) {
            return self.on_threads(l, function);
        }
        if self.copy_nest(l)? {
            return Ok(());
        }
        let bounds = (self.number(&l.lo), self.number(&l.hi));
        if let (Some(lo), Some(hi)) = bounds {
            if hi <= lo {
                return Ok(());
            }
            if l.kind == LoopKind::Vector && self.vector_loop(l, lo, hi)? {
                return Ok(());
            }
            if matches!(l.kind, LoopKind::Unroll | LoopKind::Vector) && trips(l, lo, hi) <= MAX_UNROLLED {
                return self.unrolled(l, lo, hi);
            }
        }
        let certain = bounds.0.is_some() && bounds.1.is_some();
        let range = (self.expr(&l.lo)?.re, self.expr(&l.hi)?.re);
        self.counted(l, range, certain)
    }

    /// The value of an i64 expression if it is known now.
    fn number(&self, expr: &Expr) -> Option<i64> {
        match expr {
            Expr::Var(var) => self.fixed[var.index()],
            _ => expr.as_int(),
        }
    }

    pub(super) fn unrolled(&mut self, l: &'f For, lo: i64, hi: i64) -> Emitted<()> {
        for value in lo..hi {
            self.fixed[l.var.index()] = Some(value);
            self.scoped(|e| e.block(&l.body))?;
        }
        self.fixed[l.var.index()] = None;
        Ok(())
    }

    /// A loop from one value to before another; `certain`: it has an iteration.
    pub(super) fn counted(&mut self, l: &'f For, (lo, hi): (Value, Value), certain: bool) -> Emitted<()> {
        let mut accesses = Vec::new();
        self.accesses(&l.body, &mut accesses);
        self.hoist_pointers(&accesses);
        let scaled = self.scaled_counters(l, &accesses);

        let (body, exit) = (self.b.create_block(), self.b.create_block());
        let counter = self.b.append_block_param(body, types::I64);
        let mut first: Vec<BlockArg> = vec![lo.into()];
        let mut steps = Vec::new();
        for &coefficient in &scaled {
            let by = self.coefficient(coefficient);
            first.push(self.b.ins().imul(lo, by).into());
            let param = self.b.append_block_param(body, types::I64);
            steps.push((coefficient, param, by));
        }
        if certain {
            self.b.ins().jump(body, &first);
        } else {
            let any = self.b.ins().icmp(IntCC::SignedLessThan, lo, hi);
            self.b.ins().brif(any, body, &first, exit, &[]);
        }

        self.b.switch_to_block(body);
        for &(coefficient, param, _) in &steps {
            self.inductions.insert((l.var, coefficient), param);
        }
        self.scoped(|e| {
            e.define(l.var, Scalar::real(counter));
            e.block(&l.body)
        })?;
        let one = self.ops().int(types::I64, 1);
        let next = self.b.ins().iadd(counter, one);
        let mut again: Vec<BlockArg> = vec![next.into()];
        for (coefficient, param, by) in steps {
            self.inductions.remove(&(l.var, coefficient));
            again.push(self.b.ins().iadd(param, by).into());
        }
        let more = self.b.ins().icmp(IntCC::SignedLessThan, next, hi);
        self.b.ins().brif(more, body, &again, exit, &[]);
        self.b.seal_block(body);
        self.b.switch_to_block(exit);
        self.b.seal_block(exit);
        Ok(())
    }

    /// The accesses of a block and the blocks in it.
    pub(super) fn accesses(&self, block: &'f [Stmt], found: &mut Vec<std::rc::Rc<Place<'f>>>) {
        fn loads<'f>(places: &Places<'f>, expr: &'f Expr, found: &mut Vec<std::rc::Rc<Place<'f>>>) {
            if let Expr::Load(buffer, indices) = expr {
                found.extend(places.get(*buffer, indices));
            }
            for child in expr.children() {
                loads(places, child, found);
            }
        }
        for stmt in block {
            for expr in stmt.exprs() {
                loads(&self.places, expr, found);
            }
            if let Stmt::Store(buffer, indices, _)
            | Stmt::Accumulate(_, buffer, indices, _)
            | Stmt::Contract(Contract { target: buffer, place: indices, .. }) = stmt
            {
                found.extend(self.places.get(*buffer, indices));
            }
            for inner in stmt.blocks() {
                self.accesses(inner, found);
            }
        }
    }

    /// Computes, before a loop, the leading parts of its accesses' addresses that are known already.
    fn hoist_pointers(&mut self, accesses: &[std::rc::Rc<Place<'f>>]) {
        for place in
            accesses.iter().filter(|place| self.promoted[place.buffer.index()].is_none()).collect::<Vec<_>>()
        {
            let known: Vec<(Var, Coefficient)> =
                self.open_terms(place).take_while(|(var, _)| self.vars[var.index()].is_some()).collect();
            self.pointer(place.buffer, &known);
        }
    }

    /// The terms of a place whose variables are no numbers.
    fn open_terms(&self, place: &Place<'f>) -> impl Iterator<Item = (Var, Coefficient)> {
        place.terms.iter().copied().filter(|(var, _)| self.fixed[var.index()].is_none())
    }

    /// The coefficients of the counter that an innermost loop carries as counters of their own:
    /// those that no addressing mode can multiply by.
    fn scaled_counters(&self, l: &For, accesses: &[std::rc::Rc<Place<'f>>]) -> Vec<Coefficient> {
        fn innermost(block: &[Stmt]) -> bool {
            block.iter().all(|stmt| match stmt {
                Stmt::For(l) => matches!(l.kind, LoopKind::Vector | LoopKind::Unroll) && innermost(&l.body),
                _ => stmt.blocks().into_iter().all(|inner| innermost(inner)),
            })
        }
        let mut scaled = Vec::new();
        if !innermost(&l.body) {
            return scaled;
        }
        for place in accesses.iter().filter(|place| self.promoted[place.buffer.index()].is_none()) {
            for &(var, coefficient) in &place.terms {
                let addressable = matches!(self.places.number(coefficient), Some(1 | 2 | 4 | 8));
                if var == l.var && !addressable && !scaled.contains(&coefficient) {
                    scaled.push(coefficient);
                }
            }
        }
        scaled.truncate(MAX_INDUCTIONS);
        scaled
    }

    /// The value of a coefficient.
    pub(super) fn coefficient(&mut self, coefficient: Coefficient) -> Value {
        match (self.places.number(coefficient), self.extents.get(&coefficient)) {
            (None, Some(&value)) => value,
            (number, _) => self.ops().int(types::I64, number.unwrap_or_default()),
        }
    }

    /// A variable times a coefficient.
    fn term(&mut self, var: Var, coefficient: Coefficient) -> Value {
        if let Some(&value) = self.inductions.get(&(var, coefficient)) {
            return value;
        }
        let value = match self.vars[var.index()] {
            Some(value) => value.re,
            None => self.ops().int(types::I64, 0),
        };
        match self.places.number(coefficient) {
            Some(1) => value,
            Some(factor) if factor > 0 && factor & (factor - 1) == 0 => {
                let by = self.ops().int(types::I64, i64::from(factor.trailing_zeros()));
                self.b.ins().ishl(value, by)
            }
            _ => {
                let by = self.coefficient(coefficient);
                self.b.ins().imul(value, by)
            }
        }
    }

    /// The start of a buffer plus terms, from what is known in this scope.
    pub(super) fn pointer(&mut self, buffer: BufferId, terms: &[(Var, Coefficient)]) -> Value {
        let Some((&(var, coefficient), before)) = terms.split_last() else {
            return match self.bases[buffer.index()] {
                Some(base) => base,
                None => self.ops().int(types::I64, 0),
            };
        };
        let key = (buffer, terms.to_vec());
        if let Some(&known) = self.pointers.get(&key) {
            return known;
        }
        let start = self.pointer(buffer, before);
        let offset = self.term(var, coefficient);
        let value = self.b.ins().iadd(start, offset);
        self.pointers.insert(key.clone(), value);
        self.scope.push(Forget::Pointer(key));
        value
    }

    /// Where an access to a promoted array goes now; `None` if the buffer is in memory.
    pub fn slot(&self, buffer: BufferId, indices: &[Expr]) -> Emitted<Option<Slot>> {
        let Some(promoted) = &self.promoted[buffer.index()] else { return Ok(None) };
        let outside = || unsupported(format!("an access outside {buffer}"));
        let place = self.places.lookup(buffer, indices).ok_or_else(outside)?;
        let mut offset = self.places.number(place.constant).ok_or_else(outside)?;
        for &(var, coefficient) in &place.terms {
            let by = self.places.number(coefficient).ok_or_else(outside)?;
            offset += self.fixed[var.index()].ok_or_else(outside)? * by;
        }
        promoted.slot(offset).map(Some).ok_or_else(outside)
    }

    /// The address of an access: a pointer and a constant offset in bytes.
    pub fn address(&mut self, buffer: BufferId, indices: &'f [Expr]) -> Emitted<(Value, i32)> {
        let place = self
            .places
            .get(buffer, indices)
            .ok_or_else(|| unsupported(format!("an access to {buffer} that was not analysed")))?;
        let open: Vec<(Var, Coefficient)> = self.open_terms(&place).collect();
        if let Some((var, _)) = open.iter().find(|(var, _)| self.vars[var.index()].is_none()) {
            return Err(unsupported(format!("{var} outside its scope")));
        }
        let mut pointer = self.pointer(place.buffer, &open);
        for &(expr, coefficient) in &place.opaque {
            let value = self.expr(expr)?.re;
            let by = self.coefficient(coefficient);
            let offset = self.b.ins().imul(value, by);
            pointer = self.b.ins().iadd(pointer, offset);
        }
        let mut constant = 0i64;
        let numbers = place
            .terms
            .iter()
            .filter_map(|&(var, coefficient)| Some((self.fixed[var.index()]?, coefficient)))
            .chain(std::iter::once((1, place.constant)))
            .collect::<Vec<_>>();
        for (value, coefficient) in numbers {
            match self.places.number(coefficient) {
                Some(number) => constant = constant.wrapping_add(value.wrapping_mul(number)),
                None => {
                    let by = self.coefficient(coefficient);
                    let value = self.ops().int(types::I64, value);
                    let offset = self.b.ins().imul(by, value);
                    pointer = self.b.ins().iadd(pointer, offset);
                }
            }
        }
        match i32::try_from(constant) {
            // Room for the second part of a complex element and for the chunks of a vector.
            Ok(offset) if offset < i32::MAX - 64 => Ok((pointer, offset)),
            _ => {
                let constant = self.ops().int(types::I64, constant);
                Ok((self.b.ins().iadd(pointer, constant), 0))
            }
        }
    }

    /// The value of a variable.
    pub(super) fn variable(&mut self, var: Var) -> Emitted<Scalar> {
        match (self.fixed[var.index()], self.vars[var.index()]) {
            (Some(number), _) => Ok(Scalar::real(self.ops().int(types::I64, number))),
            (None, Some(value)) => Ok(value),
            (None, None) => Err(unsupported(format!("{var} outside its scope"))),
        }
    }

    /// The value of an expression.
    pub fn expr(&mut self, expr: &'f Expr) -> Emitted<Scalar> {
        match expr {
            Expr::Const(literal, dtype) => Ok(self.ops().literal(*literal, *dtype)),
            Expr::Var(var) => self.variable(*var),
            Expr::Symbol(name) => Ok(Scalar::real(self.symbol(name)?)),
            Expr::Load(buffer, indices) => self.load(*buffer, indices),
            Expr::Op(ScalarOp::PowInt, dtype, operands) if operands[1].as_int().is_some() => {
                let base = self.expr(&operands[0])?;
                let exponent = operands[1].as_int().unwrap_or_default();
                Ok(self.ops().powi_number(*dtype, base, exponent))
            }
            Expr::Op(ScalarOp::Div, dtype, operands) if exact_inverse(&operands[1], *dtype).is_some() => {
                let a = self.expr(&operands[0])?;
                let inverse = exact_inverse(&operands[1], *dtype).unwrap_or(1.0);
                let inverse = self.ops().literal(Literal::Real(inverse), *dtype);
                self.scalar_op(ScalarOp::Mul, *dtype, *dtype, &[a, inverse])
            }
            Expr::Op(op, dtype, operands) => {
                let mut values = [None; 3];
                for (slot, operand) in values.iter_mut().zip(operands) {
                    *slot = Some(self.expr(operand)?);
                }
                let from = operands.last().map_or(*dtype, |operand| self.func.dtype(operand));
                match values {
                    [Some(a), None, _] => self.scalar_op(*op, *dtype, from, &[a]),
                    [Some(a), Some(b), None] => self.scalar_op(*op, *dtype, from, &[a, b]),
                    [Some(a), Some(b), Some(c)] => self.scalar_op(*op, *dtype, from, &[a, b, c]),
                    [None, ..] => Err(unsupported(format!("`{op}` without operands"))),
                }
            }
        }
    }

    pub(super) fn scalar_op(
        &mut self,
        op: ScalarOp,
        dtype: Dtype,
        from: Dtype,
        x: &[Scalar],
    ) -> Emitted<Scalar> {
        let result = self.ops().apply(op, dtype, from, x);
        result.map_err(|NotExpanded(op)| unsupported(format!("`{op}` before the pass expand_math")))
    }
}

/// The inverse of a divisor that is a power of two: multiplying by it gives the same bits.
pub(super) fn exact_inverse(divisor: &Expr, dtype: Dtype) -> Option<f64> {
    let Expr::Const(Literal::Real(value), Dtype::F32 | Dtype::F64) = divisor else { return None };
    let limit = if dtype == Dtype::F32 { 100 } else { 1000 };
    let (bits, exponent) = (value.to_bits(), (value.to_bits() >> 52 & 0x7ff) as i64 - 1023);
    (bits & ((1 << 52) - 1) == 0 && exponent.abs() <= limit).then(|| 1.0 / value)
}
