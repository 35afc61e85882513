//! Recurrences as associative scans: a chain of steps, each of which waits for the one before, becomes
//! vectors of steps that are combined before the state is known.
//!
//! ```text
//! for t in 0..n { h[t] = a[t] * h[t - 1] + b[t] }
//!   -->
//! for each block of t:
//!   A[t] = a[t]                     B[t] = b[t]                        one step
//!   A'[t] = A[t] * A[t - 1]         B'[t] = A[t] * B[t - 1] + B[t]     two steps: h[t] = A' h[t - 2] + B'
//!   ..                              ..                                 4, 8: as many as lanes
//!   vector: h[t] = A[t] * h[t - 16] + B[t]
//! ```
//!
//! Steps combine as `(a2, b2) (a1, b1) = (a2 * a1, a2 * b1 + b2)`, which is associative (Blelloch, Prefix sums
//! and their applications, 1990; Martin and Cundy, Parallelizing linear recurrent neural nets over sequence
//! length, 2018). Doubling is that of Kogge and Stone (1973). The same holds with `max` or `min` for `+` and `+`
//! for `*`. The state may be kept as a whole or as a window of the last steps; the arrays of a block take a few
//! KiB, whatever the number of steps. What else an iteration does is done for a block at a time.
//!
//! **Law**: over the reals the value is the same (`reassociate`, from the contract `reassoc` on); of integers,
//! which wrap, and of plain maxima and minima every bit. Vectors have 64 bytes for this purpose on every machine,
//! so the bytes of the result depend on sizes alone. *Hazard*: a product of 16 (f32) or 8 (f64) factors in a row
//! is formed. If it overflows, where the state that it multiplies is 0 the result is NaN instead of what is
//! added: that needs factors beyond 256 (f32) or 1e38 (f64) on average, with which a state other than 0
//! overflows too. If it underflows, a large state that it should carry over is lost.
//!
//! Loops stay whose states have other axes that fill vectors, and those that are too short by the cost model
//! ([`Machine::chain`](crate::cost::Machine::chain)). A step with a division of the state, with several
//! states that need each other, or of a state two steps before, is not looked for.

mod emit;
mod recognise;
mod semiring;

use super::growth::is_within_limits;
use crate::cost::MACHINE;
use crate::egraph::rules::Law;
use crate::{Changed, PassContext};
use recognise::{Chain, Loads, chain, loads};
use semiring::Factor;
use tcc_ir::loops::{For, Func, LoopKind, Stmt};

/// A form of step, and how two steps are one: what `tcc passes --rules` lists.
pub struct Identity {
    /// The name in lists.
    pub name: &'static str,
    /// What it keeps of floats; of integers every bit.
    pub law: Law,
    /// What it says.
    pub about: &'static str,
    /// The recurrence.
    pub left: &'static str,
    /// The steps, of which the second is combined with the first.
    pub right: &'static str,
    /// Where it is from.
    pub source: &'static str,
}

const SOURCE: &str =
    "Blelloch 1990, Prefix sums and their applications; Martin and Cundy 2018; Kogge and Stone 1973";

/// The forms that are combined.
pub static IDENTITIES: &[Identity] = &[
    Identity {
        name: "scan-affine",
        law: Law::Reassociate,
        about: "affine steps are combined before the state is known",
        left: "h[t] = a[t]*h[t-1] + b[t]",
        right: "(a2, b2) (a1, b1) = (a2*a1, a2*b1 + b2)",
        source: SOURCE,
    },
    Identity {
        name: "scan-path",
        law: Law::Reassociate,
        about: "so are steps along a longest or shortest path; of floats only",
        left: "h[t] = max(a[t] + h[t-1], b[t])",
        right: "(a2, b2) (a1, b1) = (a2 + a1, max(a2 + b1, b2))",
        source: SOURCE,
    },
    Identity {
        name: "scan-maximum",
        law: Law::Exact,
        about: "so are running maxima and minima",
        left: "h[t] = max(h[t-1], b[t])",
        right: "b2 b1 = max(b1, b2)",
        source: SOURCE,
    },
];

/// Rewrites every loop that is a chain, where it pays.
pub fn run(func: &mut Func, context: &PassContext) -> Changed {
    if func.arena.is_some() {
        return Changed::No; // Once buffers have their places, a new one has none.
    }
    let before = func.clone();
    let loads = loads(&func.body);
    let body = std::mem::take(&mut func.body);
    let mut changed = false;
    let body = block(func, body, &loads, context, &mut changed);
    func.body = body;
    if changed && !is_within_limits(func, context) {
        *func = before;
        return Changed::No;
    }
    Changed::from(changed)
}

fn block(
    func: &mut Func,
    statements: Vec<Stmt>,
    loads: &Loads,
    context: &PassContext,
    changed: &mut bool,
) -> Vec<Stmt> {
    let mut result = Vec::with_capacity(statements.len());
    for stmt in statements {
        match stmt {
            Stmt::For(each) => {
                let found = chain(func, loads, context.contract, &each).filter(|chain| pays(func, chain));
                match found {
                    Some(chain) if context.spend() => {
                        *changed = true;
                        result.extend(emit::scan(func, &chain));
                    }
                    _ if each.kind == LoopKind::Vector => result.push(Stmt::For(each)),
                    _ => {
                        let body = block(func, each.body, loads, context, changed);
                        result.push(Stmt::For(For { body, ..each }));
                    }
                }
            }
            Stmt::If(condition, then, otherwise) => {
                let then = block(func, then, loads, context, changed);
                let otherwise = block(func, otherwise, loads, context, changed);
                result.push(Stmt::If(condition, then, otherwise));
            }
            Stmt::Let(..) | Stmt::Store(..) | Stmt::Accumulate(..) | Stmt::Check(..) | Stmt::Contract(_) => {
                result.push(stmt)
            }
        }
    }
    result
}

/// Whether the scan takes less time than the chain, by the cost model.
fn pays(func: &Func, chain: &Chain) -> bool {
    let state = func.buffer(chain.state);
    // Rows of a state are the lanes of a vector, unless the steps are the neighbours in memory.
    let neighbours = state.strides.get(chain.axis).and_then(|stride| stride.as_const()) == Some(1);
    if !chain.rows.is_empty() && !neighbours {
        return false;
    }
    let steps = chain.count.as_int().map_or(f64::INFINITY, |steps| steps as f64);
    let multiplies = matches!(chain.step.factor, Factor::Value(_));
    let adds = chain.step.addend.is_some();
    let operations = f64::from(u8::from(multiplies) + u8::from(adds));
    let [waiting, combining] =
        [MACHINE.chain(steps, operations), MACHINE.scan(state.dtype, steps, multiplies, adds)];
    combining < waiting || steps.is_infinite()
}
