//! Where an access lies: its byte offset as a sum of variables times coefficients.
//!
//! Cranelift neither hoists nor strength-reduces addresses, so the emitter takes them apart: the part
//! of an address that is known before a loop is computed before it.

use std::collections::HashMap;
use std::rc::Rc;
use tcc_ir::loops::{BufferId, Expr, Func, Stmt, Var};
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, Extent, ScalarOp};

/// An interned coefficient: a number, or an extent whose value is computed once at the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Coefficient(u32);

/// The place of an access, in bytes from the start of its buffer.
#[derive(Clone, Debug)]
pub(super) struct Place<'f> {
    /// The buffer.
    pub buffer: BufferId,
    /// The part that depends on no variable.
    pub constant: Coefficient,
    /// Variables times coefficients, in the order in which the variables are defined.
    pub terms: Vec<(Var, Coefficient)>,
    /// Other i64 expressions times coefficients.
    pub opaque: Vec<(&'f Expr, Coefficient)>,
}

/// A sum of variables and other expressions times extents.
#[derive(Clone, Debug, Default)]
struct Linear<'f> {
    constant: Extent,
    terms: Vec<(Var, Extent)>,
    opaque: Vec<(&'f Expr, Extent)>,
}

/// The places of all accesses of a function.
pub(super) struct Places<'f> {
    func: &'f Func,
    /// Position of each variable's definition; smaller is earlier.
    order: Vec<u32>,
    /// The linear form of i64 `let`s that have one.
    lets: Vec<Option<Linear<'f>>>,
    places: HashMap<(BufferId, *const Expr), Rc<Place<'f>>>,
    coefficients: Vec<Extent>,
    interned: HashMap<Extent, Coefficient>,
}

impl<'f> Places<'f> {
    /// Finds the places of all accesses in a part of the outermost statements.
    pub fn new(func: &'f Func, body: &'f [Stmt]) -> Places<'f> {
        let mut places = Places {
            func,
            order: vec![0; func.vars.len()],
            lets: vec![None; func.vars.len()],
            places: HashMap::new(),
            coefficients: Vec::new(),
            interned: HashMap::new(),
        };
        let mut next = 0;
        places.block(body, &mut next);
        places
    }

    /// The place of an access whose indices are these very expressions of the function.
    pub fn get(&self, buffer: BufferId, indices: &'f [Expr]) -> Option<Rc<Place<'f>>> {
        self.lookup(buffer, indices).cloned()
    }

    /// The same, to look at.
    pub fn lookup(&self, buffer: BufferId, indices: &[Expr]) -> Option<&Rc<Place<'f>>> {
        self.places.get(&(buffer, indices.as_ptr()))
    }

    /// The value of a coefficient, if it is a number.
    pub fn number(&self, coefficient: Coefficient) -> Option<i64> {
        self.coefficients[coefficient.0 as usize].as_const()
    }

    /// All coefficients.
    pub fn coefficients(&self) -> impl Iterator<Item = (Coefficient, &Extent)> {
        self.coefficients.iter().enumerate().map(|(index, extent)| (Coefficient(index as u32), extent))
    }

    fn block(&mut self, block: &'f [Stmt], next: &mut u32) {
        for stmt in block {
            for expr in stmt.exprs() {
                self.expr(expr);
            }
            match stmt {
                Stmt::Store(buffer, indices, _) | Stmt::Accumulate(_, buffer, indices, _) => {
                    self.access(*buffer, indices);
                }
                Stmt::For(l) => {
                    self.order[l.var.index()] = *next;
                    *next += 1;
                }
                Stmt::Let(var, value) => {
                    self.order[var.index()] = *next;
                    *next += 1;
                    if self.func.var(*var).dtype == Dtype::I64 {
                        let linear = self.linear(value);
                        if linear.opaque.is_empty() {
                            self.lets[var.index()] = Some(linear);
                        }
                    }
                }
                Stmt::Contract(contract) => {
                    for var in contract.vars() {
                        self.order[var.index()] = *next;
                        *next += 1;
                    }
                    self.access(contract.target, &contract.place);
                }
                Stmt::If(..) | Stmt::Check(..) => {}
            }
            for inner in stmt.blocks() {
                self.block(inner, next);
            }
        }
    }

    fn expr(&mut self, expr: &'f Expr) {
        if let Expr::Load(buffer, indices) = expr {
            self.access(*buffer, indices);
        }
        for child in expr.children() {
            self.expr(child);
        }
    }

    fn access(&mut self, buffer: BufferId, indices: &'f [Expr]) {
        let declaration = self.func.buffer(buffer);
        let key = (buffer, indices.as_ptr());
        if declaration.is_register() || self.places.contains_key(&key) {
            return;
        }
        let mut sum = Linear::default();
        let size = Extent::from(declaration.dtype.size_bytes() as i64);
        for (index, stride) in indices.iter().zip(&declaration.strides) {
            let part = self.linear(index);
            sum.add(part, &(stride.clone() * size.clone()));
        }
        let mut terms: Vec<(Var, Coefficient)> =
            sum.terms.into_iter().map(|(var, by)| (var, self.intern(by))).collect();
        terms.sort_by_key(|(var, _)| self.order[var.index()]);
        let constant = self.intern(sum.constant);
        let opaque = sum.opaque.into_iter().map(|(expr, by)| (expr, self.intern(by))).collect();
        self.places.insert(key, Rc::new(Place { buffer, constant, terms, opaque }));
    }

    fn intern(&mut self, extent: Extent) -> Coefficient {
        if let Some(&known) = self.interned.get(&extent) {
            return known;
        }
        let coefficient = Coefficient(self.coefficients.len() as u32);
        self.coefficients.push(extent.clone());
        self.interned.insert(extent, coefficient);
        coefficient
    }

    /// The linear form of an i64 expression; what has none becomes an opaque term.
    fn linear(&self, expr: &'f Expr) -> Linear<'f> {
        let opaque = || Linear { opaque: vec![(expr, Extent::from(1))], ..Linear::default() };
        match expr {
            Expr::Const(Literal::Int(value), _) => Linear::constant(Extent::from(*value)),
            Expr::Symbol(name) => Linear::constant(Extent::symbol(name.clone())),
            Expr::Var(var) => match &self.lets[var.index()] {
                Some(linear) => linear.clone(),
                None => Linear { terms: vec![(*var, Extent::from(1))], ..Linear::default() },
            },
            Expr::Op(op @ (ScalarOp::Add | ScalarOp::Sub | ScalarOp::Mul), Dtype::I64, operands) => {
                let [a, b] = operands.as_slice() else { return opaque() };
                let (mut a, b) = (self.linear(a), self.linear(b));
                match op {
                    ScalarOp::Add => a.add(b, &Extent::from(1)),
                    ScalarOp::Sub => a.add(b, &Extent::from(-1)),
                    _ => {
                        let (factor, sum) = match (a.is_constant(), b.is_constant()) {
                            (true, _) => (a.constant, b),
                            (_, true) => (b.constant, a),
                            _ => return opaque(),
                        };
                        a = Linear::default();
                        a.add(sum, &factor);
                    }
                }
                a
            }
            Expr::Op(ScalarOp::Neg, Dtype::I64, operands) => {
                let mut negated = Linear::default();
                negated.add(self.linear(&operands[0]), &Extent::from(-1));
                negated
            }
            Expr::Const(..) | Expr::Load(..) | Expr::Op(..) => opaque(),
        }
    }
}

impl<'f> Linear<'f> {
    fn constant(constant: Extent) -> Linear<'f> {
        Linear { constant, ..Linear::default() }
    }

    fn is_constant(&self) -> bool {
        self.terms.is_empty() && self.opaque.is_empty()
    }

    /// Adds `factor * other`.
    fn add(&mut self, other: Linear<'f>, factor: &Extent) {
        let zero = Extent::default();
        self.constant = std::mem::take(&mut self.constant) + other.constant * factor.clone();
        for (var, by) in other.terms {
            let by = by * factor.clone();
            match self.terms.iter_mut().find(|(known, _)| *known == var) {
                Some((_, sum)) => *sum = std::mem::take(sum) + by,
                None => self.terms.push((var, by)),
            }
        }
        self.terms.retain(|(_, by)| *by != zero);
        self.opaque.extend(
            other
                .opaque
                .into_iter()
                .map(|(expr, by)| (expr, by * factor.clone()))
                .filter(|(_, by)| *by != zero),
        );
    }
}
