//! Counts what loops do: operations, accesses and the bytes behind them, with sizes bound.
//!
//! Counting runs the loops without their data: a loop whose counter decides nothing inside it counts
//! its body once, times the number of iterations; a counter on which bounds or conditions inside
//! depend takes each of its values. Such enumeration has a limit, beyond which a few evenly spaced
//! values stand for all ([`Count::exact`] is then false). Conditions on data count half of the time.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use tcc_ir::loops::{BufferId, Contract, Expr, For, Func, LoopKind, Role, Stmt, Var};
use tcc_ir::scalar::Literal;
use tcc_ir::{Bindings, Dtype, Kind, ScalarOp};

/// Values of counters that are tried one by one.
const ENUMERATED: u32 = 1 << 20;

/// Values tried after that, a few of each counter.
const SAMPLED: u32 = 1 << 18;

/// How many of each counter.
const SAMPLES: i64 = 5;

/// What running statements once takes. Numbers of operations are exact up to 2^53.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Count {
    /// Additions, multiplications, divisions, roots, minima, .. of real numbers; a fused multiply-add
    /// counts 2, a complex product 6.
    pub flops: f64,
    /// Those of them that are divisions and roots.
    pub divisions: f64,
    /// Calls of exp, log, sin, .. ; none after `expand_math`.
    pub functions: f64,
    /// Operations on integers and truth values, selects and conversions; places of accesses are not
    /// counted.
    pub other: f64,
    /// Iterations of loops that are not lanes of vectors.
    pub iterations: f64,
    /// Elements loaded and stored, by buffer; registers are left out.
    pub accesses: BTreeMap<BufferId, Accesses>,
    /// Whether nothing was estimated.
    pub exact: bool,
}

/// Accesses of one buffer, in elements.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Accesses {
    /// Elements loaded.
    pub loads: f64,
    /// Elements stored.
    pub stores: f64,
}

impl AddAssign<&Count> for Count {
    fn add_assign(&mut self, other: &Count) {
        self.flops += other.flops;
        self.divisions += other.divisions;
        self.functions += other.functions;
        self.other += other.other;
        self.iterations += other.iterations;
        for (buffer, accesses) in &other.accesses {
            let own = self.accesses.entry(*buffer).or_default();
            own.loads += accesses.loads;
            own.stores += accesses.stores;
        }
        self.exact &= other.exact;
    }
}

impl Count {
    /// The count of a whole function; `None` if `bindings` do not determine its loops.
    pub fn of(func: &Func, bindings: &Bindings) -> Option<Count> {
        let mut sum = Count { exact: true, ..Count::default() };
        Count::by_statement(func, bindings)?.iter().for_each(|count| sum += count);
        Some(sum)
    }

    /// The count of each of the outermost statements.
    pub fn by_statement(func: &Func, bindings: &Bindings) -> Option<Vec<Count>> {
        let mut counter = Counter {
            func,
            known: Known::new(func, bindings),
            steers: steering(func),
            enumerated: ENUMERATED,
            sampled: SAMPLED,
            count: Count::default(),
        };
        let one = |statement: &Stmt| {
            counter.count = Count { exact: true, ..Count::default() };
            counter.statement(statement, 1.0)?;
            Some(std::mem::take(&mut counter.count))
        };
        func.body.iter().map(one).collect()
    }

    /// Bytes loaded and stored, wherever they are.
    pub fn accessed_bytes(&self, func: &Func) -> f64 {
        let width = |buffer: &BufferId| func.buffer(*buffer).dtype.size_bytes() as f64;
        self.accesses.iter().map(|(buffer, a)| (a.loads + a.stores) * width(buffer)).sum()
    }

    /// Bytes that have to be moved if every element is loaded and stored at most once: each tensor that
    /// is read, and each that is written.
    pub fn moved_bytes(&self, func: &Func, bindings: &Bindings) -> f64 {
        let bytes = |(id, accesses): (&BufferId, &Accesses)| {
            let buffer = func.buffer(*id);
            let elements = buffer.elements().eval(bindings).map_or(f64::INFINITY, |n| n as f64);
            let elements = accesses.loads.min(elements) + accesses.stores.min(elements);
            elements * buffer.dtype.size_bytes() as f64
        };
        self.accesses.iter().map(bytes).sum()
    }
}

/// Points of a contraction: of all axes, and of those of each factor and of the result.
pub(super) struct Volumes {
    pub all: f64,
    pub left: f64,
    pub right: f64,
    pub result: f64,
}

/// Sizes and the variables whose values are known at a place of a function.
pub(super) struct Known<'a> {
    bindings: &'a Bindings,
    /// By variable: its value, while it is known.
    pub(super) values: Vec<Option<i64>>,
}

impl<'a> Known<'a> {
    /// Nothing but the sizes.
    pub(super) fn new(func: &Func, bindings: &'a Bindings) -> Known<'a> {
        Known { bindings, values: vec![None; func.vars.len()] }
    }

    /// The value of an integer expression, if it depends on no data.
    pub(super) fn integer(&self, expr: &Expr) -> Option<i64> {
        match expr {
            Expr::Const(Literal::Int(value), _) => Some(*value),
            Expr::Const(Literal::Bool(value), _) => Some(i64::from(*value)),
            Expr::Const(..) | Expr::Load(..) => None,
            Expr::Symbol(name) => self.bindings.get(name).copied(),
            Expr::Var(var) => self.values[var.index()],
            Expr::Op(op, _, operands) => {
                let value = |at: usize| self.integer(operands.get(at)?);
                let truth = |value: bool| Some(i64::from(value));
                match op {
                    ScalarOp::Add => value(0)?.checked_add(value(1)?),
                    ScalarOp::Sub => value(0)?.checked_sub(value(1)?),
                    ScalarOp::Mul => value(0)?.checked_mul(value(1)?),
                    ScalarOp::Neg => value(0)?.checked_neg(),
                    ScalarOp::Min => Some(value(0)?.min(value(1)?)),
                    ScalarOp::Max => Some(value(0)?.max(value(1)?)),
                    ScalarOp::FloorDiv => {
                        let quotient = value(0)?.checked_div_euclid(value(1)?)?;
                        // Euclid rounds the other way where the divisor is negative.
                        (value(1)? > 0).then_some(quotient)
                    }
                    ScalarOp::Mod => {
                        let divisor = value(1).filter(|&divisor| divisor > 0)?;
                        value(0)?.checked_rem_euclid(divisor)
                    }
                    ScalarOp::Eq => truth(value(0)? == value(1)?),
                    ScalarOp::Ne => truth(value(0)? != value(1)?),
                    ScalarOp::Lt => truth(value(0)? < value(1)?),
                    ScalarOp::Le => truth(value(0)? <= value(1)?),
                    // One operand may decide alone.
                    ScalarOp::And => match (value(0), value(1)) {
                        (Some(0), _) | (_, Some(0)) => Some(0),
                        (a, b) => a.zip(b).map(|_| 1),
                    },
                    ScalarOp::Or => match (value(0), value(1)) {
                        (Some(1), _) | (_, Some(1)) => Some(1),
                        (a, b) => a.zip(b).map(|_| 0),
                    },
                    ScalarOp::Not => truth(value(0)? == 0),
                    ScalarOp::Select => value(if value(0)? != 0 { 1 } else { 2 }),
                    _ => None,
                }
            }
        }
    }

    /// How many points a contraction has.
    pub(super) fn volumes(&self, contract: &Contract) -> Option<Volumes> {
        let mut volumes = Volumes { all: 1.0, left: 1.0, right: 1.0, result: 1.0 };
        for (var, extent) in &contract.axes {
            let extent = self.integer(extent)?.max(0) as f64;
            volumes.all *= extent;
            for (volume, has) in [
                (&mut volumes.left, contract.left.mentions(*var)),
                (&mut volumes.right, contract.right.mentions(*var)),
                (&mut volumes.result, !contract.is_summed(*var)),
            ] {
                if has {
                    *volume *= extent;
                }
            }
        }
        Some(volumes)
    }

    pub(super) fn truth(&self, condition: &Expr) -> Option<bool> {
        self.integer(condition).map(|value| value != 0)
    }
}

struct Counter<'a> {
    func: &'a Func,
    known: Known<'a>,
    /// By variable: whether bounds or conditions depend on it.
    steers: Vec<bool>,
    enumerated: u32,
    sampled: u32,
    count: Count,
}

impl Counter<'_> {
    fn block(&mut self, body: &[Stmt], times: f64) -> Option<()> {
        body.iter().try_for_each(|statement| self.statement(statement, times))
    }

    /// Counts a statement that runs `times` times.
    fn statement(&mut self, statement: &Stmt, times: f64) -> Option<()> {
        match statement {
            Stmt::For(each) => return self.each(each, times),
            Stmt::Let(var, value) => {
                self.expression(value, times);
                self.known.values[var.index()] = self.known.integer(value);
            }
            Stmt::Store(buffer, indices, value) => {
                self.place(indices, times);
                self.expression(value, times);
                self.access(*buffer, 0.0, times);
            }
            Stmt::Accumulate(op, buffer, indices, value) => {
                self.place(indices, times);
                self.expression(value, times);
                self.access(*buffer, times, times);
                if let Some(op) = op.scalar_op() {
                    self.operation(op, self.func.buffer(*buffer).dtype, times);
                }
            }
            Stmt::If(condition, then, otherwise) => {
                self.expression(condition, times);
                match self.known.truth(condition) {
                    Some(true) => self.block(then, times)?,
                    Some(false) => self.block(otherwise, times)?,
                    None => {
                        self.count.exact = false;
                        self.block(then, times / 2.0)?;
                        self.block(otherwise, times / 2.0)?;
                    }
                }
            }
            Stmt::Check(condition, _) => self.expression(condition, times),
            Stmt::Contract(contract) => return self.contract(contract, times),
        }
        Some(())
    }

    /// A contraction, whose kernel brings each element of the factors and of the result once.
    fn contract(&mut self, contract: &Contract, times: f64) -> Option<()> {
        let volumes = self.known.volumes(contract)?;
        let dtype = self.func.dtype(&contract.left);
        self.operation(ScalarOp::Mul, dtype, times * volumes.all);
        self.operation(ScalarOp::Add, dtype, times * volumes.all);
        for (factor, volume) in [(&contract.left, volumes.left), (&contract.right, volumes.right)] {
            if let Expr::Load(buffer, _) = factor {
                self.access(*buffer, times * volume, 0.0);
            }
        }
        let loads = if contract.accumulate { volumes.result } else { 0.0 };
        self.access(contract.target, times * loads, times * volumes.result);
        Some(())
    }

    fn each(&mut self, each: &For, times: f64) -> Option<()> {
        self.expression(&each.lo, times);
        self.expression(&each.hi, times);
        let (lo, hi) = (self.known.integer(&each.lo)?, self.known.integer(&each.hi)?);
        if hi <= lo {
            return Some(());
        }
        let trips = hi as f64 - lo as f64;
        if each.kind != LoopKind::Vector {
            self.count.iterations += times * trips;
        }
        if !self.steers[each.var.index()] {
            return self.block(&each.body, times * trips);
        }
        let mut value = lo;
        while value < hi && self.enumerated > 0 {
            self.enumerated -= 1;
            self.known.values[each.var.index()] = Some(value);
            self.block(&each.body, times)?;
            value += 1;
        }
        if value < hi {
            self.count.exact = false;
            let samples = if self.sampled > 0 { SAMPLES.min(hi.saturating_sub(value)) } else { 1 };
            self.sampled = self.sampled.saturating_sub(1);
            let part = (hi as f64 - value as f64) / samples as f64;
            for sample in 0..samples {
                let middle = value as f64 + (sample as f64 + 0.5) * part;
                self.known.values[each.var.index()] = Some(middle as i64);
                self.block(&each.body, times * part)?;
            }
        }
        self.known.values[each.var.index()] = None;
        Some(())
    }

    fn access(&mut self, buffer: BufferId, loads: f64, stores: f64) {
        if !self.func.buffer(buffer).is_register() {
            let accesses = self.count.accesses.entry(buffer).or_default();
            accesses.loads += loads;
            accesses.stores += stores;
        }
    }

    /// Indices: what they load counts, where they point to does not.
    fn place(&mut self, indices: &[Expr], times: f64) {
        for index in indices {
            match index {
                Expr::Load(..) => self.expression(index, times),
                _ => self.place(index.children(), times),
            }
        }
    }

    fn expression(&mut self, expr: &Expr, times: f64) {
        match expr {
            Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_) => {}
            Expr::Load(buffer, indices) => {
                self.place(indices, times);
                self.access(*buffer, times, 0.0);
            }
            Expr::Op(op, dtype, operands) => {
                operands.iter().for_each(|operand| self.expression(operand, times));
                let of = operands.first().map_or(*dtype, |operand| self.func.dtype(operand));
                self.operation(*op, if of.is_complex() { of } else { *dtype }, times);
            }
        }
    }

    fn operation(&mut self, op: ScalarOp, dtype: Dtype, times: f64) {
        let real = matches!(dtype.kind(), Kind::Float | Kind::Complex);
        match class(op) {
            Class::Flop if real => self.count.flops += times * flops(op, dtype),
            Class::Division if real => {
                self.count.flops += times * flops(op, dtype);
                self.count.divisions += times;
            }
            Class::Function => self.count.functions += times,
            Class::Flop | Class::Division | Class::Other => self.count.other += times,
        }
    }
}

/// What kind of work an operation is.
pub(super) enum Class {
    Flop,
    Division,
    Function,
    Other,
}

pub(super) fn class(op: ScalarOp) -> Class {
    use ScalarOp::*;
    match op {
        Add | Sub | Mul | Neg | Fma | Min | Max | Abs | Floor | Ceil | Round | Trunc => Class::Flop,
        Div | FloorDiv | Mod | Sqrt => Class::Division,
        Pow | PowInt | Cbrt | Exp | Expm1 | Log | Log1p | Sin | Cos | Tan | Asin | Acos | Atan | Atan2
        | Sinh | Cosh | Tanh | Asinh | Acosh | Atanh | Erf | Erfc | Hypot => Class::Function,
        Sign | IsNan | IsFinite | Eq | Ne | Lt | Le | And | Or | Not | Xor | Shl | Shr | Popcount
        | Select | Cast | Re | Im | Conj | MakeComplex | ToBits | FromBits => Class::Other,
    }
}

/// Real operations of one operation.
pub(super) fn flops(op: ScalarOp, dtype: Dtype) -> f64 {
    match (op, dtype.is_complex()) {
        (ScalarOp::Fma, _) => 2.0,
        (ScalarOp::Mul, true) => 6.0,
        (ScalarOp::Div, true) => 11.0,
        (_, true) => 2.0,
        (_, false) => 1.0,
    }
}

/// By variable: whether bounds or conditions depend on it.
fn steering(func: &Func) -> Vec<bool> {
    let mut steers = vec![false; func.vars.len()];
    let mut lets: Vec<(Var, &Expr)> = Vec::new();
    collect(&func.body, &mut steers, &mut lets);
    // A variable is used after its definition only, so that one walk backwards is enough.
    for (var, value) in lets.iter().rev() {
        if steers[var.index()] {
            mark(value, &mut steers);
        }
    }
    steers
}

fn collect<'f>(block: &'f [Stmt], steers: &mut [bool], lets: &mut Vec<(Var, &'f Expr)>) {
    for stmt in block {
        match stmt {
            Stmt::For(For { lo, hi, .. }) => {
                mark(lo, steers);
                mark(hi, steers);
            }
            Stmt::If(condition, ..) => mark(condition, steers),
            Stmt::Let(var, value) => lets.push((*var, value)),
            Stmt::Contract(contract) => contract.axes.iter().for_each(|(_, extent)| mark(extent, steers)),
            Stmt::Store(..) | Stmt::Accumulate(..) | Stmt::Check(..) => {}
        }
        stmt.blocks().into_iter().for_each(|block| collect(block, steers, lets));
    }
}

fn mark(expr: &Expr, steers: &mut [bool]) {
    expr.walk(&mut |part| {
        if let Expr::Var(var) = part {
            steers[var.index()] = true;
        }
    });
}

/// What a buffer is for, in a word.
pub fn role(role: &Role) -> &'static str {
    match role {
        Role::Input => "input",
        Role::Output => "output",
        Role::Scratch { .. } => "scratch",
        Role::Table(_) => "table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str, sizes: &[(&str, i64)]) -> Count {
        let func: Func = text.parse().expect("a function");
        let bindings: Bindings = sizes.iter().map(|&(name, size)| (name.into(), size)).collect();
        Count::of(&func, &bindings).expect("a count")
    }

    const PRODUCT: &str = "func @f(n, m) { input A: f32[n, m] input x: f32[m] output y: f32[n] scratch r: f32
        for i in 0..n { r = 0.0f32  for j in 0..m { r += A[i, j] * x[j] }  y[i] = r } }";

    #[test]
    fn rectangular_loops_are_products_of_sizes() {
        let got = count(PRODUCT, &[("n", 1000), ("m", 3_000_000)]);
        assert_eq!((got.flops, got.exact), (2.0 * 3e9, true));
        assert_eq!(got.iterations, 1000.0 + 3e9);
        let func: Func = PRODUCT.parse().unwrap();
        let bindings: Bindings = [("n".into(), 1000), ("m".into(), 3_000_000)].into();
        assert_eq!(got.accessed_bytes(&func), 4.0 * (2.0 * 3e9 + 1000.0));
        assert_eq!(got.moved_bytes(&func, &bindings), 4.0 * (3e9 + 3e6 + 1000.0));
    }

    #[test]
    fn triangles_are_counted_to_the_last_point() {
        let text = "func @f(n) { input x: f64[n] output y: f64[n] scratch r: f64
            for i in 0..n { r = 0.0f64  for j in max(0, i - 3)..i + 1 { r += x[j] }  y[i] = r } }";
        for n in [0i64, 1, 2, 5, 1000] {
            let want: i64 = (0..n).map(|i| i + 1 - (i - 3).max(0)).sum();
            let got = count(text, &[("n", n)]);
            assert_eq!((got.flops, got.exact), (want as f64, true), "n = {n}");
        }
    }

    #[test]
    fn conditions_on_counters_are_decided() {
        let text = "func @f(n) { input x: f64[n] output y: f64[n]
            for i in 0..n { let k: i64 = i mod 4  if k < 1 { y[i] = x[i] * 2.0 } else { y[i] = x[i] } } }";
        assert_eq!(count(text, &[("n", 100)]).flops, 25.0);
    }

    #[test]
    fn conditions_on_data_count_half() {
        let text = "func @f(n) { input x: f64[n] output y: f64[n]
            for i in 0..n { if x[i] < 0.0 { y[i] = x[i] * 2.0 } else { y[i] = x[i] } } }";
        let got = count(text, &[("n", 100)]);
        assert_eq!((got.flops, got.exact), (50.0, false));
    }

    #[test]
    fn beyond_the_limit_a_few_values_stand_for_all() {
        let text = "func @f(n) { input x: f64[n] output y: f64[n] scratch r: f64
            for i in 0..n { r = 0.0f64  for j in 0..i { r += x[j] }  y[i] = r } }";
        let n = 1i64 << 40;
        let got = count(text, &[("n", n)]);
        let want = (n as f64) * (n as f64 - 1.0) / 2.0;
        assert!(!got.exact && (got.flops / want - 1.0).abs() < 0.02, "{}", got.flops / want);
    }

    #[test]
    fn deep_nests_end() {
        let mut text = String::from("func @f(n) { output y: f64[n]\n");
        let depth = 60;
        for level in 0..depth {
            let hi = if level == 0 { "n".to_owned() } else { format!("n - i{}", level - 1) };
            text.push_str(&format!("for i{level} in 0..{hi} {{\n"));
        }
        text.push_str("y[0] = 1.0f64\n");
        text.push_str(&"}".repeat(depth + 1));
        assert!(!count(&text, &[("n", 1000)]).exact);
    }

    #[test]
    fn complex_products_are_six_operations() {
        let text = "func @f(n) { input x: c64[n] output y: c64[n] output z: f32[n]
            for i in 0..n { y[i] = x[i] * x[i]  z[i] = exp(re(x[i])) } }";
        let got = count(text, &[("n", 10)]);
        assert_eq!((got.flops, got.functions), (60.0, 10.0));
    }

    #[test]
    fn loops_that_depend_on_unknown_sizes_have_no_count() {
        let func: Func = PRODUCT.parse().unwrap();
        assert_eq!(Count::of(&func, &Bindings::new()), None);
    }
}
