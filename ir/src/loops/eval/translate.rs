//! Translates a function, whose sizes are known, to a [`Program`].

use super::program::{Access, Application, Class, Index, IntOp, Layout, Nest, Place, Program, Step, Watch};
use crate::domain::{Domain, Value};
use crate::dtype::Dtype;
use crate::error::EvalError;
use crate::evaluate_scalar;
use crate::extent::ExtentError;
use crate::loops::{BufferId, Expr, For, Func, LoopKind, Stmt, Var};
use crate::scalar::{ScalarOp, Signature};
use crate::symbol::Bindings;
use std::collections::{BTreeSet, HashMap};

/// Slots for intermediate values: given out anew for every statement.
#[derive(Default)]
struct Temporaries {
    slots: Vec<u32>,
    used: usize,
}

pub(super) struct Translator<'a, D: Domain> {
    pub(super) func: &'a Func,
    bindings: &'a Bindings,
    layouts: &'a [Layout],
    pub(super) program: Program<D>,
    vars: Vec<u32>,
    constants: HashMap<Expr, Place>,
    temporaries: [Temporaries; 3],
    /// Parallel and vector loops around the current statement: what their iterations share and write.
    around: Vec<BTreeSet<BufferId>>,
    shadows: HashMap<(usize, BufferId), u32>,
}

pub(super) type Translated<T> = Result<T, EvalError>;

impl<'a, D: Domain> Translator<'a, D> {
    pub(super) fn translate(
        func: &'a Func,
        bindings: &'a Bindings,
        layouts: &'a [Layout],
    ) -> Translated<Program<D>> {
        let program = Program {
            steps: Vec::new(),
            accesses: Vec::new(),
            applications: Vec::new(),
            nests: Vec::new(),
            ints: Vec::new(),
            reals: Vec::new(),
            shadows: Vec::new(),
        };
        let mut translator = Translator {
            func,
            bindings,
            layouts,
            program,
            vars: Vec::new(),
            constants: HashMap::new(),
            temporaries: Default::default(),
            around: Vec::new(),
            shadows: HashMap::new(),
        };
        for var in &func.vars {
            let slot = translator.new_slot(var.dtype);
            translator.vars.push(slot);
        }
        translator.block(&func.body)?;
        Ok(translator.program)
    }

    /// The slot of a variable.
    pub(super) fn slot_of(&self, var: Var) -> u32 {
        self.vars[var.index()]
    }

    /// A slot (or two) that keeps its value.
    pub(super) fn new_slot(&mut self, dtype: Dtype) -> u32 {
        let zero = D::from_i64(0, Dtype::F64);
        match Class::of(dtype) {
            Class::Int => {
                self.program.ints.push(0);
                self.program.ints.len() as u32 - 1
            }
            Class::Real => {
                self.program.reals.push(zero);
                self.program.reals.len() as u32 - 1
            }
            Class::Complex => {
                self.program.reals.extend([zero, zero]);
                self.program.reals.len() as u32 - 2
            }
        }
    }

    /// A slot (or two) for the rest of the statement.
    pub(super) fn temporary(&mut self, dtype: Dtype) -> Place {
        let class = Class::of(dtype) as usize;
        let used = self.temporaries[class].used;
        if used == self.temporaries[class].slots.len() {
            let slot = self.new_slot(dtype);
            self.temporaries[class].slots.push(slot);
        }
        self.temporaries[class].used += 1;
        Place { dtype, slot: self.temporaries[class].slots[used] }
    }

    fn set(&mut self, place: Place, value: Value<D>) {
        let slot = place.slot as usize;
        match value {
            Value::Bool(b) => self.program.ints[slot] = i64::from(b),
            Value::Int(i) => self.program.ints[slot] = i,
            Value::Real(re) => self.program.reals[slot] = re,
            Value::Complex(re, im) => {
                self.program.reals[slot] = re;
                self.program.reals[slot + 1] = im;
            }
        }
    }

    pub(super) fn here(&self) -> u32 {
        self.program.steps.len() as u32
    }

    pub(super) fn push(&mut self, step: Step) -> usize {
        self.program.steps.push(step);
        self.program.steps.len() - 1
    }

    fn block(&mut self, block: &[Stmt]) -> Translated<()> {
        block.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn stmt(&mut self, stmt: &Stmt) -> Translated<()> {
        self.temporaries.iter_mut().for_each(|pool| pool.used = 0);
        match stmt {
            Stmt::For(inner) => self.for_loop(inner, stmt)?,
            Stmt::Let(var, value) => {
                let place = Place { dtype: self.func.var(*var).dtype, slot: self.vars[var.index()] };
                self.expr_to(value, place)?;
            }
            Stmt::Store(buffer, indices, value) => {
                let value = self.expr(value)?;
                let access = self.access(*buffer, indices)?;
                self.push(match Class::of(value.dtype) {
                    Class::Int => Step::StoreInt { access, value: value.slot },
                    Class::Real => Step::StoreReal { access, value: value.slot },
                    Class::Complex => Step::StoreComplex { access, value: value.slot },
                });
            }
            Stmt::Accumulate(op, buffer, indices, value) => {
                let value = self.expr(value)?;
                let access = self.access(*buffer, indices)?;
                let (dtype, slot) = (value.dtype, value.slot);
                self.push(match (Class::of(dtype), op.scalar_op()) {
                    (Class::Real, Some(op)) => Step::AccumulateReal { op, dtype, access, value: slot },
                    _ => Step::Accumulate { op: *op, dtype, access, value: slot },
                });
            }
            Stmt::If(condition, then, otherwise) => {
                let condition = self.expr(condition)?.slot;
                let branch = self.push(Step::JumpUnless { condition, target: 0 });
                self.block(then)?;
                let mut target = self.here();
                if !otherwise.is_empty() {
                    let skip = self.push(Step::Jump { target: 0 });
                    target = self.here();
                    self.block(otherwise)?;
                    self.program.steps[skip] = Step::Jump { target: self.here() };
                }
                self.program.steps[branch] = Step::JumpUnless { condition, target };
            }
            Stmt::Check(condition, site) => {
                let condition = self.expr(condition)?.slot;
                self.push(Step::Check { condition, site: *site as u32 });
            }
            Stmt::Contract(contract) => self.contract(contract)?,
        }
        Ok(())
    }

    fn for_loop(&mut self, inner: &For, stmt: &Stmt) -> Translated<()> {
        let (lo, hi) = (self.expr(&inner.lo)?.slot, self.expr(&inner.hi)?.slot);
        let var = self.vars[inner.var.index()];
        let end = self.new_slot(Dtype::I64);
        let enter = self.push(Step::Enter { var, lo, hi, end, exit: 0 });
        let meets = matches!(inner.kind, LoopKind::Parallel | LoopKind::Vector);
        let nest = self.program.nests.len() as u32;
        if meets {
            let parallel = inner.kind == LoopKind::Parallel;
            let own =
                |b: &BufferId| self.layouts[b.index()].register || parallel && self.func.buffer(*b).private;
            let (own, shared): (BTreeSet<BufferId>, BTreeSet<BufferId>) =
                stmt.writes().into_iter().partition(own);
            self.program.nests.push(Nest {
                name: self.func.var(inner.var).name.clone(),
                kind: inner.kind,
                depth: self.around.len(),
                var,
                own: own.iter().map(|b| b.0).collect(),
            });
            self.around.push(shared);
            self.push(Step::NestEnter { nest });
        }
        let body = self.here();
        if meets {
            self.push(Step::NestNext { nest });
        }
        self.block(&inner.body)?;
        let cost = self.here() - body + 1;
        self.push(Step::Next { var, end, body, cost });
        if meets {
            self.around.pop();
            self.push(Step::NestExit { nest });
        }
        let exit = self.here();
        self.program.steps[enter] = Step::Enter { var, lo, hi, end, exit };
        Ok(())
    }

    pub(super) fn access(&mut self, buffer: BufferId, indices: &[Expr]) -> Translated<u32> {
        let layout = &self.layouts[buffer.index()];
        let mut distance = 1usize;
        let mut places = Vec::with_capacity(indices.len());
        for (index, &extent) in indices.iter().zip(&layout.extents).rev() {
            places.push(Index { slot: self.expr(index)?.slot, extent, distance });
            distance = distance.saturating_mul(extent.max(0) as usize);
        }
        places.reverse();
        let mut watches = Vec::new();
        for depth in 0..self.around.len() {
            if self.around[depth].contains(&buffer) {
                let program = &mut self.program;
                let shadow = *self.shadows.entry((depth, buffer)).or_insert_with(|| {
                    program.shadows.push(buffer.0);
                    program.shadows.len() as u32 - 1
                });
                watches.push(Watch { depth: depth as u32, shadow });
            }
        }
        let slow = layout.shared || !watches.is_empty();
        self.program.accesses.push(Access {
            buffer: buffer.0,
            indices: places.into(),
            slow,
            watches: watches.into(),
        });
        Ok(self.program.accesses.len() as u32 - 1)
    }

    /// The place of a value that is there without a step.
    pub(super) fn leaf(&mut self, expr: &Expr) -> Translated<Option<Place>> {
        let value = match expr {
            Expr::Var(Var(index)) => {
                let slot = self.vars[*index as usize];
                return Ok(Some(Place { dtype: self.func.vars[*index as usize].dtype, slot }));
            }
            Expr::Load(..) | Expr::Op(..) => return Ok(None),
            Expr::Const(literal, dtype) => evaluate_scalar::literal::<D>(*literal, *dtype),
            Expr::Symbol(name) => {
                Value::Int(*self.bindings.get(name).ok_or_else(|| ExtentError::Unbound(name.clone()))?)
            }
        };
        if let Some(place) = self.constants.get(expr) {
            return Ok(Some(*place));
        }
        let dtype = self.func.dtype(expr);
        let place = Place { dtype, slot: self.new_slot(dtype) };
        self.set(place, value);
        self.constants.insert(expr.clone(), place);
        Ok(Some(place))
    }

    pub(super) fn expr(&mut self, expr: &Expr) -> Translated<Place> {
        if let Some(place) = self.leaf(expr)? {
            return Ok(place);
        }
        let operands = self.operands(expr)?;
        let to = self.temporary(self.func.dtype(expr));
        self.compute(expr, operands, to)?;
        Ok(to)
    }

    fn expr_to(&mut self, expr: &Expr, to: Place) -> Translated<()> {
        if let Some(Place { dtype, slot }) = self.leaf(expr)? {
            match Class::of(dtype) {
                Class::Int => self.push(Step::MoveInt { to: to.slot, a: slot }),
                Class::Real => self.push(Step::MoveReal { to: to.slot, a: slot }),
                Class::Complex => {
                    self.push(Step::MoveReal { to: to.slot, a: slot });
                    self.push(Step::MoveReal { to: to.slot + 1, a: slot + 1 })
                }
            };
            return Ok(());
        }
        let operands = self.operands(expr)?;
        self.compute(expr, operands, to)
    }

    fn operands(&mut self, expr: &Expr) -> Translated<Vec<Place>> {
        match expr {
            Expr::Op(_, _, operands) => operands.iter().map(|operand| self.expr(operand)).collect(),
            Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_) | Expr::Load(..) => Ok(Vec::new()),
        }
    }

    /// The step that computes an operation from its operands, or loads an element.
    fn compute(&mut self, expr: &Expr, operands: Vec<Place>, to: Place) -> Translated<()> {
        let step = match expr {
            Expr::Load(buffer, indices) => {
                let access = self.access(*buffer, indices)?;
                match Class::of(to.dtype) {
                    Class::Int => Step::LoadInt { to: to.slot, access },
                    Class::Real => Step::LoadReal { to: to.slot, access },
                    Class::Complex => Step::LoadComplex { to: to.slot, access },
                }
            }
            Expr::Op(op, dtype, _) => match fast_step(*op, *dtype, &operands, to.slot) {
                Some(step) => step,
                None => {
                    let dtypes = operands.iter().map(|operand| operand.dtype).collect();
                    self.program.applications.push(Application { op: *op, operands, dtypes, to });
                    Step::Apply { index: self.program.applications.len() as u32 - 1 }
                }
            },
            Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_) => return Ok(()),
        };
        self.push(step);
        Ok(())
    }
}

/// The step of an operation that has one of its own.
fn fast_step(op: ScalarOp, dtype: Dtype, operands: &[Place], to: u32) -> Option<Step> {
    let a = operands.first()?;
    let slot = |position: usize| operands.get(position).map_or(0, |operand| operand.slot);
    let arity = operands.len() as u8;
    match (op, Class::of(a.dtype), Class::of(dtype)) {
        (ScalarOp::Select, _, Class::Int) => {
            Some(Step::SelectInt { to, condition: slot(0), a: slot(1), b: slot(2) })
        }
        (ScalarOp::Select, _, Class::Real) => {
            Some(Step::SelectReal { to, condition: slot(0), a: slot(1), b: slot(2) })
        }
        (ScalarOp::Cast, Class::Int, Class::Int) if dtype != Dtype::Bool => {
            Some(Step::Wrap { dtype, to, a: slot(0) })
        }
        (ScalarOp::Cast, Class::Int, Class::Real) => Some(Step::FromInt { dtype, to, a: slot(0) }),
        (ScalarOp::Cast, Class::Real, Class::Real) => Some(Step::Convert { dtype, to, a: slot(0) }),
        (ScalarOp::Not, _, _) => Some(Step::Not { to, a: slot(0) }),
        (_, Class::Int, Class::Int) => {
            let op = int_op(op, a.dtype)?;
            Some(Step::Int { op, to, a: slot(0), b: slot(1) })
        }
        (_, Class::Real, Class::Real) => match op.row().signature {
            Signature::Numeric | Signature::Ordered | Signature::Float | Signature::Field => {
                Some(Step::Real { op, dtype, arity, to, operands: [slot(0), slot(1), slot(2)] })
            }
            _ => None,
        },
        (_, Class::Real, Class::Int) => match op.row().signature {
            Signature::Compare | Signature::Classify => {
                Some(Step::Test { op, arity, to, a: slot(0), b: slot(1) })
            }
            _ => None,
        },
        (_, _, _) => None,
    }
}

/// The fast form of an operation on integers or truth values. Narrow integers wrap, so arithmetic
/// on them is left to the general form; comparisons are the same for all.
fn int_op(op: ScalarOp, dtype: Dtype) -> Option<IntOp> {
    let wide = dtype == Dtype::I64;
    match op {
        ScalarOp::Add if wide => Some(IntOp::Add),
        ScalarOp::Sub if wide => Some(IntOp::Sub),
        ScalarOp::Mul if wide => Some(IntOp::Mul),
        ScalarOp::FloorDiv if wide => Some(IntOp::FloorDiv),
        ScalarOp::Mod if wide => Some(IntOp::Mod),
        ScalarOp::Min => Some(IntOp::Min),
        ScalarOp::Max => Some(IntOp::Max),
        ScalarOp::Eq => Some(IntOp::Eq),
        ScalarOp::Ne => Some(IntOp::Ne),
        ScalarOp::Lt => Some(IntOp::Lt),
        ScalarOp::Le => Some(IntOp::Le),
        ScalarOp::And => Some(IntOp::And),
        ScalarOp::Or => Some(IntOp::Or),
        _ => None,
    }
}
