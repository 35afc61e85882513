//! Static buffer plan: gives every scratch buffer a place in one arena.
//!
//! ```text
//! scratch a: f32[64]            scratch a: f32[64] at 0
//! scratch b: f32[64]     -->    scratch b: f32[64] at 256
//! scratch c: f32[64]            scratch c: f32[64] at 0      (a is dead when c is first written)
//!                               arena 512
//! ```
//!
//! A buffer is live from the first to the last statement of the function's outermost block that
//! touches it. That is coarser than need be (two buffers of one loop nest never share), so that a
//! buffer carried around a loop needs no thought. Buffers of constant size are placed by a linear
//! scan over time, best fit first; buffers whose size depends on symbols are placed behind them, one
//! after the other. Registers need no place. What is private to the iterations of one loop lies together, as
//! every thread has a copy of it.

use crate::{Changed, PassContext};
use std::collections::BTreeMap;
use tcc_ir::loops::{BufferId, Expr, Func, Role, Stmt};
use tcc_ir::{Extent, planted};

/// Places begin at multiples of this many bytes: a cache line.
const ALIGNMENT: i64 = 64;

/// Plans the arena anew, whatever plan there was.
pub fn run(func: &mut Func, _context: &PassContext) -> Changed {
    let mut plan = Plan::default();
    let mut symbolic = Vec::new();
    let mut offsets = BTreeMap::new();
    let lifetimes = lifetimes(func);
    let is_neighbour = |a: &Lifetime, b: &Lifetime| {
        let private = |life: &Lifetime| func.buffer(life.0).private.then_some((life.1, life.2));
        private(a).is_some() && private(a) == private(b)
    };
    for group in lifetimes.chunk_by(is_neighbour) {
        let mut known = Vec::new();
        let mut length = 0i64;
        for &(buffer, ..) in group {
            let bytes = bytes(func, buffer);
            match bytes.as_const() {
                Some(bytes) => {
                    known.push((buffer, length));
                    length = length.saturating_add(bytes);
                }
                None => symbolic.push((buffer, bytes)),
            }
        }
        if let Some(&(_, first, last)) = group.first().filter(|_| !known.is_empty()) {
            let start = plan.place(length, first, last);
            let place = |(buffer, at)| (buffer, Extent::from(start.saturating_add(at)));
            offsets.extend(known.into_iter().map(place));
        }
    }
    let mut end = Extent::from(plan.end);
    for (buffer, bytes) in symbolic {
        offsets.insert(buffer, end.clone());
        end = end + bytes;
    }
    let mut changed = func.arena.replace(end.clone()) != Some(end);
    for (index, buffer) in func.buffers.iter_mut().enumerate() {
        if let Role::Scratch { offset } = &mut buffer.role {
            let planned = offsets.remove(&BufferId(index as u32));
            changed |= *offset != planned;
            *offset = planned;
        }
    }
    Changed::from(changed)
}

/// Size of a buffer, rounded up to whole cache lines.
fn bytes(func: &Func, buffer: BufferId) -> Extent {
    let declaration = func.buffer(buffer);
    let bytes = declaration.elements() * Extent::from(declaration.dtype.size_bytes() as i64);
    let narrowed = |bytes: i64| if planted(9) { i64::from(bytes as u32) } else { bytes }; // Planted bug 9.
    match bytes.as_const().map(narrowed) {
        Some(bytes) => Extent::from(bytes.saturating_add(ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT),
        None => (bytes + Extent::from(ALIGNMENT - 1)).div(ALIGNMENT) * Extent::from(ALIGNMENT),
    }
}

/// A buffer with the first and the last outermost statement that touches it.
type Lifetime = (BufferId, usize, usize);

/// The scratch buffers that need a place, with the first and last outermost statement that touches
/// them, ordered by the first; those that nothing touches come last, with an empty lifetime.
fn lifetimes(func: &Func) -> Vec<Lifetime> {
    let needs_place: Vec<bool> = func
        .buffers
        .iter()
        .map(|buffer| matches!(buffer.role, Role::Scratch { .. }) && !buffer.extents.is_empty())
        .collect();
    let mut spans: Vec<Option<(usize, usize)>> = vec![None; func.buffers.len()];
    let mut clock = 0;
    for (time, stmt) in func.body.iter().enumerate() {
        stmt.walk(&mut |stmt| {
            clock += 1;
            let time = if planted(36) { clock } else { time }; // Planted bug 36.
            let mut touch = |buffer: BufferId| {
                let span = spans[buffer.index()].get_or_insert((time, time));
                span.1 = time;
            };
            if let Some(write) = stmt.write() {
                touch(write.buffer);
            }
            let views = planted(37) && matches!(stmt, Stmt::Contract(_)); // Planted bug 37.
            for expr in stmt.exprs().into_iter().filter(|_| !views) {
                expr.walk(&mut |expr| {
                    if let Expr::Load(buffer, _) = expr {
                        touch(*buffer);
                    }
                });
            }
        });
    }
    let unused = func.body.len();
    let mut lifetimes: Vec<_> = (0..func.buffers.len())
        .filter(|&index| needs_place[index])
        .map(|index| {
            let (first, last) = spans[index].unwrap_or((unused, unused));
            (BufferId(index as u32), first, last)
        })
        .collect();
    let key = |&(buffer, first, last): &Lifetime| match func.buffer(buffer).private {
        false => (first, false, 0, buffer),
        true => (first, true, last, buffer),
    };
    lifetimes.sort_by_key(key);
    lifetimes
}

/// A linear scan over time. Requests come in order of their first use.
#[derive(Default)]
struct Plan {
    /// Bytes used so far.
    end: i64,
    /// Free blocks below `end`: start -> length; no two touch.
    free: BTreeMap<i64, i64>,
    /// Blocks in use: (last use, start) -> length.
    live: BTreeMap<(usize, i64), i64>,
}

impl Plan {
    /// A place for `bytes` bytes that are in use from `first` to `last`.
    fn place(&mut self, bytes: i64, first: usize, last: usize) -> i64 {
        while let Some((&(expires, start), &length)) = self.live.first_key_value() {
            if expires >= first {
                break;
            }
            self.live.remove(&(expires, start));
            self.release(start, length);
        }
        // Planted bug 38.
        let fits = |length: i64| length >= bytes || planted(38) && length * 2 == bytes;
        let fitting = self.free.iter().filter(|&(_, &length)| fits(length));
        let start = match fitting.min_by_key(|&(&start, &length)| (length, start)) {
            Some((&start, &length)) => {
                self.free.remove(&start);
                if length > bytes {
                    self.free.insert(start + bytes, length - bytes);
                }
                start
            }
            None => self.extend(bytes),
        };
        if bytes > 0 {
            self.live.insert((last, start), bytes);
        }
        start
    }

    /// Makes the arena longer, using the free block at its end if there is one.
    fn extend(&mut self, bytes: i64) -> i64 {
        let start = match self.free.last_key_value() {
            Some((&start, &length)) if start + length == self.end => {
                self.free.remove(&start);
                start
            }
            _ => self.end,
        };
        self.end = start.saturating_add(bytes);
        start
    }

    /// Gives a block back and merges it with its free neighbours.
    fn release(&mut self, mut start: i64, mut length: i64) {
        if let Some((&before, &size)) = self.free.range(..start).next_back()
            && before + size == start
        {
            self.free.remove(&before);
            (start, length) = (before, length + size);
        }
        if let Some(size) = self.free.remove(&(start + length)) {
            length += size;
        }
        self.free.insert(start, length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(text: &str) -> Func {
        let mut func: Func = text.parse().unwrap();
        run(&mut func, &PassContext::default());
        func
    }

    fn offset(func: &Func, name: &str) -> Option<Extent> {
        let buffer = func.buffers.iter().find(|buffer| &*buffer.name == name).unwrap();
        match &buffer.role {
            Role::Scratch { offset } => offset.clone(),
            Role::Input | Role::Output | Role::Table(_) => None,
        }
    }

    const CHAIN: &str = "func @chain() {
        input x: f32[20]
        output y: f32[20]
        scratch a: f32[20]
        scratch b: f32[20]
        scratch c: f32[20]
        scratch r: f32
        for i in 0..20 { a[i] = x[i] }
        for i.1 in 0..20 { b[i.1] = a[i.1] }
        for i.2 in 0..20 { c[i.2] = b[i.2] }
        r = c[0]
        for i.3 in 0..20 { y[i.3] = c[i.3] + r }
    }";

    #[test]
    fn buffers_that_are_not_live_together_share_a_place() {
        let func = planned(CHAIN);
        assert_eq!(func.arena, Some(Extent::from(256)));
        assert_eq!(offset(&func, "a"), offset(&func, "c"));
        assert_ne!(offset(&func, "a"), offset(&func, "b"));
        assert_eq!(offset(&func, "r"), None);
        assert_eq!(tcc_ir::Ir::verify(&func), Ok(()));
    }

    #[test]
    fn planning_twice_changes_nothing() {
        let mut func = planned(CHAIN);
        assert_eq!(run(&mut func, &PassContext::default()), Changed::No);
    }

    #[test]
    fn symbolic_sizes_follow_each_other() {
        let func = planned(&CHAIN.replace("@chain()", "@chain(n)").replace("f32[20]", "f32[n]"));
        let line = (Extent::symbol("n") * Extent::from(4) + Extent::from(63)).div(64) * Extent::from(64);
        assert_eq!(func.arena, Some(line.clone() + line.clone() + line));
    }

    #[test]
    fn freed_neighbours_become_one_block() {
        let mut plan = Plan::default();
        assert_eq!([plan.place(64, 0, 1), plan.place(64, 0, 1), plan.place(64, 0, 9)], [0, 64, 128]);
        assert_eq!(plan.place(128, 2, 3), 0);
        assert_eq!(plan.place(64, 2, 3), 192);
    }
}
