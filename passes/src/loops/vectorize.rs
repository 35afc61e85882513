//! Vectorisation: runs blocks of an innermost loop as the lanes of a vector.
//!
//! ```text
//! for i in 0..n { Y[i] = X[i] * 2 }                     vectorize(8)
//!   -->
//! for i.o in 0..n div 8 { vector for i.v in 0..8 { Y[i.o*8 + i.v] = X[i.o*8 + i.v] * 2 } }
//! for i in n div 8 * 8..n div 8 * 8 + n mod 8 { Y[i] = X[i] * 2 }
//!
//! for i in 0..37 { acc += X[i] }
//!   -->
//! vector for l in 0..8 { acc.v[l] = 0 }
//! for i.o in 0..4 { vector for i.v in 0..8 { acc.v[i.v] += X[i.o*8 + i.v] } }
//! vector for i.v in 0..5 { acc.v[i.v] += X[32 + i.v] }
//! vector for l in 0..4 { acc.v[l] += acc.v[l + 4] } ..
//! acc += acc.v[0]
//! ```
//!
//! A loop qualifies if it holds only lets, stores and accumulations; writes neighbouring places in
//! neighbouring iterations; reads no place that another iteration writes. Accumulations into one
//! place become one accumulator per lane, combined by a fixed tree: of float sums and products only
//! where the contract lets them be reassociated. Which lanes and which tree is said in the loops, so
//! every backend gives the same bytes.

mod legal;
mod outer;
mod strips;

use super::copy::is_permuting_copy;
use super::growth::is_within_limits;
use super::index::Facts;
use crate::{Changed, PassContext};
pub use legal::Refusal;
pub(super) use legal::may_reassociate;
use legal::{Reduction, reductions};
use std::collections::{BTreeMap, BTreeSet};
use tcc_ir::loops::{Buffer, BufferId, Expr, For, Func, LoopKind, Role, Stmt, Var};
use tcc_ir::scalar::Literal;
use tcc_ir::{Dtype, ReduceOp, planted};

/// Of light reductions so many times as many lanes are combined: additions wait for each other, and
/// those of several vectors do not.
const LIGHT_FACTOR: i64 = 4;

/// The lanes of a loop around loops need at most so many bytes for themselves: half of the registers of
/// AVX-512.
const OUTER_BYTES: i64 = 1024;

/// A body with at most so many operations is light: the additions would be most of what is waited for.
const LIGHT_BODY: usize = 6;

/// Loops with fewer iterations stay as they are.
const LEAST_TRIPS: i64 = 8;

/// Vectorises every innermost loop that qualifies.
pub fn run(func: &mut Func, context: &PassContext) -> Changed {
    let before = func.clone();
    let lanes = context.argument("lanes").max(2);
    let body = std::mem::take(&mut func.body);
    let total = outer::mentions(&body);
    let mut vectorizer = Vectorizer { func, context, lanes, total, parallel: false, changed: false };
    let body = vectorizer.block(body);
    let changed = vectorizer.changed;
    func.body = body;
    if changed && !is_within_limits(func, context) {
        *func = before;
        return Changed::No;
    }
    Changed::from(changed)
}

/// Why the innermost loops of a statement stay as they are: counter and reason.
pub fn refusals<'f>(
    func: &'f Func,
    context: &PassContext,
    lanes: i64,
    statement: &'f Stmt,
) -> Vec<(&'f str, Refusal)> {
    let mut found: Vec<(&str, Refusal)> = Vec::new();
    if matches!(statement, Stmt::For(each) if is_permuting_copy(func, each)) {
        return found;
    }
    statement.walk(&mut |stmt| {
        let Stmt::For(each) = stmt else { return };
        if each.body.iter().any(|stmt| matches!(stmt, Stmt::For(_))) {
            return;
        }
        let reason = match reductions(func, context.contract, each) {
            Err(reason) => Some(reason),
            Ok(accumulators) if self::lanes(lanes, each, &accumulators).is_some() => None,
            Ok(_) => Some("it is too short"),
        };
        let row = (&*func.var(each.var).name, reason.unwrap_or_default());
        if reason.is_some() && !found.contains(&row) {
            found.push(row);
        }
    });
    found
}

struct Vectorizer<'a> {
    func: &'a mut Func,
    context: &'a PassContext,
    lanes: i64,
    /// How often the function mentions each buffer.
    total: outer::Mentions,
    /// Whether the loop at hand is parallel or in one that is.
    parallel: bool,
    changed: bool,
}

/// Where the blocks of a loop are.
struct Blocks {
    /// First value of the counter.
    lo: Expr,
    /// Number of whole blocks.
    count: Expr,
    /// What is left after the blocks.
    rest: Option<Rest>,
}

/// Iterations that fill no block.
enum Rest {
    /// From this one on, a known number of two and more.
    Lanes(Expr, i64),
    /// From one to before another.
    Loop(Expr, Expr),
}

/// Scalar operations of an expression, indices aside.
fn operations(expr: &Expr) -> usize {
    match expr {
        Expr::Op(_, _, operands) => 1 + operands.iter().map(operations).sum::<usize>(),
        Expr::Const(..) | Expr::Var(_) | Expr::Symbol(_) | Expr::Load(..) => 0,
    }
}

/// How many lanes a loop is given where `lanes` are wanted, if vectors pay.
fn lanes(lanes: i64, each: &For, accumulators: &[Reduction]) -> Option<i64> {
    if Facts::default().at_most(&each.hi, &each.lo, i128::from(LEAST_TRIPS.min(lanes)) - 1) {
        return None;
    }
    let Some(count) = each.trip_count() else { return Some(lanes) };
    if accumulators.is_empty() {
        return (count >= LEAST_TRIPS.min(lanes)).then_some(lanes.min(count));
    }
    reduction_lanes(lanes, count, each)
}

/// How many lanes reductions in a loop of so many iterations are dealt to: few iterations are one block.
fn reduction_lanes(lanes: i64, count: i64, each: &For) -> Option<i64> {
    let operations: usize = each.body.iter().flat_map(Stmt::exprs).map(operations).sum();
    let most = if operations <= LIGHT_BODY { LIGHT_FACTOR * lanes } else { lanes };
    let lanes_of = if count <= most { count } else { balanced(count, most, lanes) };
    (count >= LEAST_TRIPS.min(lanes)).then_some(lanes_of)
}

/// The innermost loop of a perfect nest of serial loops whose bounds no loop of the nest chooses.
fn innermost(each: &For) -> Option<&For> {
    let counters = counters(each);
    let mut inner = each;
    loop {
        let fixed = |bound: &Expr| {
            bound.reads().is_empty() && bound.free_vars().iter().all(|var| !counters.contains(var))
        };
        if inner.kind != LoopKind::Serial || !fixed(&inner.lo) || !fixed(&inner.hi) {
            return None;
        }
        match inner.body.as_slice() {
            [Stmt::For(next)] => inner = next,
            body => return body.iter().all(|stmt| stmt.blocks().is_empty()).then_some(inner),
        }
    }
}

/// What the loops of a nest define.
fn counters(each: &For) -> BTreeSet<Var> {
    let mut found: BTreeSet<Var> = each.body.iter().flat_map(Stmt::defines).collect();
    found.insert(each.var);
    found
}

/// Lanes of blocks of about the same size, a multiple of `lanes`: a rest of few costs as much as one of many.
fn balanced(count: i64, most: i64, lanes: i64) -> i64 {
    let blocks = (count - 1) / most + 1;
    ((count - 1) / blocks / lanes + 1) * lanes
}

/// An accumulation to one of the buffers becomes its first value.
fn start(stmt: &mut Stmt, buffers: &[BufferId]) {
    if let Stmt::Accumulate(_, buffer, indices, value) = stmt
        && buffers.contains(buffer)
    {
        let value = std::mem::replace(value, Expr::int(0));
        *stmt = Stmt::Store(*buffer, std::mem::take(indices), value);
    }
}

impl Vectorizer<'_> {
    fn block(&mut self, block: Vec<Stmt>) -> Vec<Stmt> {
        let mut result = Vec::with_capacity(block.len());
        for stmt in block {
            match stmt {
                Stmt::For(each) => self.each(each, &mut result),
                Stmt::If(condition, then, otherwise) => {
                    let (then, otherwise) = (self.block(then), self.block(otherwise));
                    result.push(Stmt::If(condition, then, otherwise));
                }
                Stmt::Let(..)
                | Stmt::Store(..)
                | Stmt::Accumulate(..)
                | Stmt::Check(..)
                | Stmt::Contract(_) => result.push(stmt),
            }
        }
        result
    }

    fn each(&mut self, each: For, result: &mut Vec<Stmt>) {
        if is_permuting_copy(self.func, &each) {
            return result.push(Stmt::For(each));
        }
        // An accumulator for each lane is an array, which the iterations of a parallel loop would share; a
        // register is each iteration's own.
        let parallel = self.parallel;
        self.parallel |= each.kind == LoopKind::Parallel;
        self.within(each, result);
        self.parallel = parallel;
    }

    /// One loop, with what it is in known.
    fn within(&mut self, each: For, result: &mut Vec<Stmt>) {
        if !self.parallel
            && let Some(private) = outer::private(self.func, &each, &self.total)
            && let Some(lanes) = self.outer_lanes(&each, private.bytes(self.func))
            && self.context.spend()
        {
            self.changed = true;
            let For { var, lo, hi, kind, mut body } = each;
            let registers = private.into_registers(self.func, &mut body);
            return self.vectorize_outer(For { var, lo, hi, kind, body }, &registers, lanes, result);
        }
        let each = match self.parallel {
            true => each,
            false => match self.nest(each, result) {
                Some(each) => each,
                None => return,
            },
        };
        let innermost = each.body.iter().all(|stmt| stmt.blocks().is_empty());
        let accumulators =
            if innermost { reductions(self.func, self.context.contract, &each).ok() } else { None };
        let accumulators = accumulators.filter(|found| found.is_empty() || !self.parallel);
        let lanes = accumulators.as_ref().and_then(|accumulators| lanes(self.lanes, &each, accumulators));
        match (accumulators, lanes) {
            (Some(accumulators), Some(lanes)) if self.context.spend() => {
                self.changed = true;
                self.vectorize(each, &accumulators, lanes, result);
            }
            _ => {
                let body = self.block(each.body);
                result.push(Stmt::For(For { body, ..each }));
            }
        }
    }

    /// How many iterations of a loop around loops become lanes, if each needs so many bytes for itself.
    /// Several vectors pay: additions to one wait for each other.
    fn outer_lanes(&self, each: &For, bytes: i64) -> Option<i64> {
        let Some(count) = each.trip_count() else { return Some(self.lanes) };
        let vectors = (OUTER_BYTES / (self.lanes * bytes.max(1))).clamp(1, LIGHT_FACTOR);
        let most = vectors * self.lanes;
        if count <= most {
            return (count >= LEAST_TRIPS.min(self.lanes)).then_some(count);
        }
        Some(balanced(count, most, self.lanes))
    }

    fn vectorize_outer(&mut self, each: For, registers: &[BufferId], lanes: i64, result: &mut Vec<Stmt>) {
        let name = self.func.var(each.var).name.clone();
        let blocks = self.blocks(&each, &name, lanes, result);
        let arrays: BTreeMap<BufferId, BufferId> =
            registers.iter().map(|&register| (register, outer::array(self.func, register, lanes))).collect();
        let written: BTreeSet<BufferId> = each.body.iter().flat_map(Stmt::writes).collect();
        let block = self.func.add_var(&format!("{name}.o"), Dtype::I64);
        let first = Expr::add(blocks.lo.clone(), Expr::mul(block.into(), Expr::int(lanes)));
        let of =
            |first, lanes| outer::Lanes { each: &each, written: &written, arrays: &arrays, first, lanes };
        let body = of(first, lanes).statements(self.func);
        result.push(Stmt::for_loop(block, Expr::int(0), blocks.count, each.kind, body));
        match blocks.rest {
            Some(Rest::Lanes(first, count)) => result.extend(of(first, count).statements(self.func)),
            Some(Rest::Loop(lo, hi)) => {
                let body = self.func.copy_fresh(&each.body);
                result.push(Stmt::for_loop(each.var, lo, hi, each.kind, body));
            }
            None => {}
        }
    }

    /// Vectorises a perfect nest that only reduces into places which are the same in all its iterations:
    /// the accumulators live as long as the nest. Gives the loop back if it is none.
    fn nest(&mut self, each: For, result: &mut Vec<Stmt>) -> Option<For> {
        let inner = innermost(&each).filter(|inner| inner.var != each.var);
        let found = inner.and_then(|inner| {
            let reductions = reductions(self.func, self.context.contract, inner).ok()?;
            let counters = counters(&each);
            let fixed = |expr: &Expr| expr.free_vars().iter().all(|var| !counters.contains(var));
            let only_reduces = !reductions.is_empty()
                && inner.body.iter().all(|stmt| !matches!(stmt, Stmt::Store(..)))
                && inner.body.iter().filter(|s| matches!(s, Stmt::Accumulate(..))).count()
                    == reductions.len()
                && reductions.iter().flat_map(|r| &r.indices).all(fixed);
            let count = inner.trip_count().filter(|_| only_reduces)?;
            let lanes = reduction_lanes(self.lanes, count, inner)?;
            // One iteration that is left would be a loop of its own.
            (count % lanes != 1).then_some(())?;
            Some((reductions, lanes))
        });
        let Some((reductions, lanes)) = found else { return Some(each) };
        if !self.context.spend() {
            return Some(each);
        }
        self.changed = true;
        let each = strips::in_strips(self.func, each, self.lanes);
        let lanes = innermost(&each).and_then(For::trip_count).map_or(lanes, |count| lanes.min(count));
        let name = self.func.var(each.var).name.clone();
        let buffers = self.start_all(&reductions, lanes, &name, result);
        let body = self.in_nest(each, &reductions, &buffers, lanes);
        result.push(body);
        self.combine_all(&reductions, &buffers, lanes, &name, result);
        None
    }

    /// The nest with its innermost loop in lanes.
    fn in_nest(&mut self, each: For, reductions: &[Reduction], buffers: &[BufferId], lanes: i64) -> Stmt {
        let For { var, lo, hi, kind, mut body } = each;
        if let [Stmt::For(_)] = body.as_slice()
            && let Some(Stmt::For(inner)) = body.pop()
        {
            if innermost(&inner).is_some_and(|innermost| innermost.var != inner.var) {
                return Stmt::for_loop(
                    var,
                    lo,
                    hi,
                    kind,
                    vec![self.in_nest(inner, reductions, buffers, lanes)],
                );
            }
            self.blocks_in_lanes(inner, reductions, buffers, lanes, &mut body);
        }
        Stmt::for_loop(var, lo, hi, kind, body)
    }

    /// An accumulator for each lane of each reduction, with the value that changes nothing.
    fn start_all(
        &mut self,
        reductions: &[Reduction],
        lanes: i64,
        name: &str,
        result: &mut Vec<Stmt>,
    ) -> Vec<BufferId> {
        let buffers = self.all_accumulators(reductions, lanes);
        for (reduction, &buffer) in reductions.iter().zip(&buffers) {
            let zero = planted(33) && reduction.op == ReduceOp::Max && reduction.dtype.is_int(); // Planted bug 33.
            let op = if zero { ReduceOp::Sum } else { reduction.op };
            let start = Expr::Const(Literal::identity(op, reduction.dtype), reduction.dtype);
            result.push(self.lane_loop(name, lanes, |lane| Stmt::Store(buffer, vec![lane], start)));
        }
        buffers
    }

    /// A loop in blocks of lanes, and the iterations that fill no block if they are a loop of their own.
    fn blocks_in_lanes(
        &mut self,
        each: For,
        reductions: &[Reduction],
        buffers: &[BufferId],
        lanes: i64,
        result: &mut Vec<Stmt>,
    ) -> Option<For> {
        let name = self.func.var(each.var).name.clone();
        let blocks = self.blocks(&each, &name, lanes, result);
        let outer = self.func.add_var(&format!("{name}.o"), Dtype::I64);
        let first = Expr::add(blocks.lo.clone(), Expr::mul(outer.into(), Expr::int(lanes)));
        let body = if blocks.rest.is_some() { self.func.copy_fresh(&each.body) } else { each.body.clone() };
        let vector = self.in_lanes(&each, body, first, lanes, (reductions, buffers));
        result.push(Stmt::for_loop(outer, Expr::int(0), blocks.count, each.kind, vec![vector]));
        match blocks.rest {
            // Fewer lanes are still one vector.
            Some(Rest::Lanes(first, count)) => {
                let body = each.body.clone();
                let vector = self.in_lanes(&each, body, first, count, (reductions, buffers));
                result.push(vector);
                // Planted bug 34.
                let not_zero = |op| planted(34) && matches!(op, ReduceOp::Min | ReduceOp::Prod);
                for (reduction, &buffer) in reductions.iter().zip(buffers).filter(|row| not_zero(row.0.op)) {
                    let zero = Expr::Const(Literal::of(0, reduction.dtype), reduction.dtype);
                    result.push(Stmt::Accumulate(reduction.op, buffer, vec![Expr::int(count)], zero));
                }
                None
            }
            Some(Rest::Loop(lo, hi)) => Some(For { lo, hi, ..each }),
            None => None,
        }
    }

    fn vectorize(&mut self, each: For, reductions: &[Reduction], lanes: i64, result: &mut Vec<Stmt>) {
        let name = self.func.var(each.var).name.clone();
        let distinct: BTreeSet<BufferId> = reductions.iter().map(|reduction| reduction.buffer).collect();
        if each.trip_count() == Some(lanes) && distinct.len() == reductions.len() {
            // A single block starts its accumulators itself.
            let buffers = self.all_accumulators(reductions, lanes);
            let body = each.body.clone();
            let mut vector = self.in_lanes(&each, body, each.lo.clone(), lanes, (reductions, &buffers));
            if let Stmt::For(For { body, .. }) = &mut vector {
                body.iter_mut().for_each(|stmt| start(stmt, &buffers));
            }
            result.push(vector);
            return self.combine_all(reductions, &buffers, lanes, &name, result);
        }
        let buffers = self.start_all(reductions, lanes, &name, result);
        let rest = self.blocks_in_lanes(each, reductions, &buffers, lanes, result);
        self.combine_all(reductions, &buffers, lanes, &name, result);
        result.extend(rest.map(Stmt::For));
    }

    /// The iterations from `first` on as the lanes of one vector; reductions go to their accumulators.
    fn in_lanes(
        &mut self,
        each: &For,
        mut body: Vec<Stmt>,
        first: Expr,
        lanes: i64,
        (reductions, buffers): (&[Reduction], &[BufferId]),
    ) -> Stmt {
        let name = format!("{}.v", self.func.var(each.var).name);
        let lane = self.func.add_var(&name, Dtype::I64);
        let place = Expr::add(first, lane.into());
        for stmt in &mut body {
            if let Stmt::Accumulate(_, buffer, indices, _) = stmt
                && let Some(position) = reductions.iter().position(|r| r.buffer == *buffer)
            {
                *buffer = buffers[position];
                *indices = vec![lane.into()];
            }
            stmt.substitute(each.var, &place);
        }
        Stmt::for_loop(lane, Expr::int(0), Expr::int(lanes), LoopKind::Vector, body)
    }

    fn blocks(&mut self, each: &For, name: &str, count: i64, result: &mut Vec<Stmt>) -> Blocks {
        let lanes = Expr::int(count);
        let (lo, hi) = (each.lo.clone(), each.hi.clone());
        if let Some(trips) = each.trip_count() {
            let (whole, left) = (trips / count, trips % count);
            let first = Expr::add(lo.clone(), Expr::int(whole * count));
            let rest = match left {
                0 => None,
                1 => Some(Rest::Loop(first, hi)),
                _ => Some(Rest::Lanes(first, left)),
            };
            return Blocks { lo, count: Expr::int(whole), rest };
        }
        // Bounds are computed once, also where the body writes what they read.
        let lo = self.named(&format!("{name}.lo"), lo, result);
        let length = Expr::max(Expr::sub(hi, lo.clone()), Expr::int(0));
        let length = self.named(&format!("{name}.length"), length, result);
        let count =
            self.named(&format!("{name}.blocks"), Expr::floordiv(length.clone(), lanes.clone()), result);
        let first = Expr::add(lo.clone(), Expr::mul(count.clone(), lanes.clone()));
        // Written so that it is plain how few are left: nobody vectorises them again.
        let end = Expr::add(first.clone(), Expr::modulo(length, lanes));
        Blocks { lo, count, rest: Some(Rest::Loop(first, end)) }
    }

    /// A small expression for the value: itself, or a variable.
    fn named(&mut self, name: &str, value: Expr, result: &mut Vec<Stmt>) -> Expr {
        if value.children().is_empty() && value.reads().is_empty() {
            return value;
        }
        let var = self.func.add_var(name, Dtype::I64);
        result.push(Stmt::Let(var, value));
        var.into()
    }

    fn all_accumulators(&mut self, reductions: &[Reduction], lanes: i64) -> Vec<BufferId> {
        reductions.iter().map(|reduction| self.accumulators(reduction, lanes)).collect()
    }

    /// A buffer with an accumulator per lane.
    fn accumulators(&mut self, reduction: &Reduction, lanes: i64) -> BufferId {
        let name = format!("{}.v", self.func.buffer(reduction.buffer).name);
        let extents = vec![lanes.into()];
        self.func.add_buffer(Buffer::new(name, reduction.dtype, extents, Role::Scratch { offset: None }))
    }

    fn lane_loop(&mut self, name: &str, lanes: i64, body: impl FnOnce(Expr) -> Stmt) -> Stmt {
        let lane: Var = self.func.add_var(&format!("{name}.v"), Dtype::I64);
        let body = vec![body(lane.into())];
        Stmt::for_loop(lane, Expr::int(0), Expr::int(lanes), LoopKind::Vector, body)
    }

    fn combine_all(
        &mut self,
        reductions: &[Reduction],
        buffers: &[BufferId],
        lanes: i64,
        name: &str,
        result: &mut Vec<Stmt>,
    ) {
        for (reduction, &buffer) in reductions.iter().zip(buffers) {
            self.combine(reduction, buffer, lanes, name, result);
        }
    }

    /// Adds the upper half of the accumulators to the lower half until one is left.
    fn combine(
        &mut self,
        reduction: &Reduction,
        buffer: BufferId,
        lanes: i64,
        name: &str,
        result: &mut Vec<Stmt>,
    ) {
        let op = reduction.op;
        let mut left = lanes;
        while left > 1 {
            let half = left / 2;
            let step = |lane: Expr| {
                let other = Expr::load(buffer, vec![Expr::add(lane.clone(), Expr::int(left - half))]);
                Stmt::Accumulate(op, buffer, vec![lane], other)
            };
            result.push(if half == 1 { step(Expr::int(0)) } else { self.lane_loop(name, half, step) });
            left -= half;
        }
        let sum = Expr::load(buffer, vec![Expr::int(0)]);
        result.push(Stmt::Accumulate(op, reduction.buffer, reduction.indices.clone(), sum));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{check_fixed as check, with};
    use super::*;
    use crate::Contract;

    fn lanes(contract: Contract) -> PassContext {
        let mut context = PassContext::default().with_arguments(&vec![("lanes", 4)]);
        context.contract = contract;
        context
    }

    fn stays(statements: &str) {
        check(run, &lanes(Contract::Fast), statements, statements);
    }

    #[test]
    fn neighbouring_stores_become_lanes() {
        check(
            run,
            &lanes(Contract::Strict),
            "for i in 0..11 { let x: f32 = X[i] Y[i] = x * Z[3, i] }",
            "for i.o in 0..2 { vector for i.v in 0..4 {
               let x.1: f32 = X[i.o * 4 + i.v] Y[i.o * 4 + i.v] = x.1 * Z[3, i.o * 4 + i.v] } }
             vector for i.v.1 in 0..3 { let x: f32 = X[i.v.1 + 8] Y[i.v.1 + 8] = x * Z[3, i.v.1 + 8] }",
        );
    }

    #[test]
    fn open_lengths_are_divided_at_run_time() {
        check(
            run,
            &lanes(Contract::Strict),
            "for i in 1..n { W[2, i] += X[i - 1] }",
            "let i.length: i64 = max(n - 1, 0)
             let i.blocks: i64 = i.length div 4
             for i.o in 0..i.blocks { vector for i.v in 0..4 {
               W[2, i.o * 4 + 1 + i.v] += X[i.o * 4 + 1 + i.v - 1] } }
             for i in i.blocks * 4 + 1..i.blocks * 4 + 1 + i.length mod 4 { W[2, i] += X[i - 1] }",
        );
    }

    #[test]
    fn sums_get_an_accumulator_per_lane_if_the_contract_allows() {
        let mut func = with("r = 0.0f32 for i in 0..n { r += X[i] } Y[0] = r");
        run(&mut func, &lanes(Contract::Strict));
        assert_eq!(run(&mut func, &lanes(Contract::Strict)), Changed::No);
        assert_eq!(run(&mut func, &lanes(Contract::Reassoc)), Changed::Yes);
        let text = func.to_string();
        assert!(text.contains("r.v[i.v.1] += X["), "{text}");
    }

    #[test]
    fn loops_that_meet_themselves_stay() {
        stays("for i in 1..n { Y[i] = Y[i - 1] + X[i] }");
        stays("for i in 0..11 { Y[i] = X[i] Y[i + 1] = X[i] }");
        stays("for i in 0..n { Y[0] = X[i] }");
        stays("for i in 0..n { W[i, 0] = X[i] }");
        stays("for i in 0..n { W[i, i] = X[i] }");
        stays("for i in 0..n { Y[0] += X[i] W[0, i] = Y[0] }");
        stays("for i in 0..3 { Y[i] = X[i] }");
        stays("for i in 0..n { Y[i] = X[i64(X[i]) mod 12] }");
    }
}
