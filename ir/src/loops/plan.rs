//! Checks the memory plan: scratch buffers lie inside the arena, and two that are live at the same
//! time do not overlap. Decided where offsets and sizes are constants; the evaluator sees the rest.
//!
//! A buffer is live from its first touch to its last in program order. A loop that is entered while
//! a buffer is in use elsewhere counts as one touch, since its iterations come back to its
//! beginning; and so does a parallel loop, whose iterations are all under way at the same time.

use super::{Contract, Expr, For, Func, LoopKind, Role, Stmt};
use crate::extent::Extent;
use std::collections::BTreeMap;

/// A loop of the function, or the function itself (index 0).
struct Region {
    parent: usize,
    depth: usize,
    /// Touches inside are as good as touches of the whole: the loop or one around it is parallel.
    parallel: bool,
    start: usize,
    end: usize,
}

/// The touches of a buffer so far: the innermost region that holds them all, and the interval.
#[derive(Clone, Copy)]
struct Life {
    region: usize,
    start: usize,
    end: usize,
}

/// A walk through the function that gives every statement a time.
struct Lives {
    regions: Vec<Region>,
    lives: Vec<Option<Life>>,
    touches: Vec<(usize, usize, usize)>,
    time: usize,
}

/// Bytes of a buffer from its first element to its last, if constant.
pub(super) fn span_bytes(extents: &[Extent], strides: &[Extent], size: usize) -> Option<i64> {
    let mut last = 0i64;
    for (extent, stride) in extents.iter().zip(strides) {
        match extent.as_const()? {
            ..=0 => return Some(0),
            extent => last = last.checked_add((extent - 1).checked_mul(stride.as_const()?)?)?,
        }
    }
    last.checked_add(1)?.checked_mul(size as i64)
}

pub(super) fn verify(func: &Func, errors: &mut Vec<String>) {
    let mut planned: Vec<(usize, i64, i64)> = Vec::new();
    for (index, buffer) in func.buffers.iter().enumerate() {
        let Role::Scratch { offset } = &buffer.role else { continue };
        let name = &buffer.name;
        let Some(offset) = offset else {
            if func.arena.is_some() && !buffer.is_register() {
                errors.push(format!("buffer `{name}` has no place in the arena"));
            }
            continue;
        };
        let Some(arena) = &func.arena else {
            errors.push(format!("buffer `{name}` has a place, but there is no arena"));
            continue;
        };
        let size = buffer.dtype.size_bytes();
        let span = span_bytes(&buffer.extents, &buffer.strides, size);
        let (Some(offset), Some(span)) = (offset.as_const(), span) else { continue };
        let Some(end) = offset.checked_add(span).filter(|_| offset >= 0 && span >= 0) else {
            errors.push(format!("buffer `{name}` lies outside the arena"));
            continue;
        };
        if arena.as_const().is_some_and(|arena| end > arena) {
            errors.push(format!("buffer `{name}` ends at byte {end} of an arena of {arena}"));
        }
        if offset % size as i64 != 0 {
            errors.push(format!("buffer `{name}` is not aligned to its elements"));
        }
        planned.push((index, offset, end));
    }
    if planned.len() > 1 {
        check_overlaps(func, &planned, errors);
    }
}

/// Sweeps over time with the memory in use; a new buffer must not meet its neighbours.
fn check_overlaps(func: &Func, planned: &[(usize, i64, i64)], errors: &mut Vec<String>) {
    let lives = lives(func);
    // At equal times ends come last: both ends of an interval belong to it.
    let mut events: Vec<(usize, bool, usize)> = Vec::new();
    for (position, &(buffer, start, end)) in planned.iter().enumerate() {
        if let Some(life) = lives[buffer].filter(|_| start < end) {
            events.push((life.start, false, position));
            events.push((life.end, true, position));
        }
    }
    events.sort_unstable();
    let mut in_use: BTreeMap<i64, usize> = BTreeMap::new();
    for (_, leaves, position) in events {
        let (buffer, start, end) = planned[position];
        if leaves {
            if in_use.get(&start) == Some(&position) {
                in_use.remove(&start);
            }
            continue;
        }
        let before = in_use.range(..end).next_back().map(|(_, &other)| other);
        match before.filter(|&other| planned[other].2 > start) {
            Some(other) => errors.push(format!(
                "buffers `{}` and `{}` are live at the same time and overlap",
                func.buffers[planned[other].0].name, func.buffers[buffer].name
            )),
            None => {
                in_use.insert(start, position);
            }
        }
    }
}

/// From when to when every buffer is in use; `None` if it is never touched.
fn lives(func: &Func) -> Vec<Option<Life>> {
    let root = Region { parent: 0, depth: 0, parallel: false, start: 0, end: usize::MAX };
    let mut walk =
        Lives { regions: vec![root], lives: vec![None; func.buffers.len()], touches: Vec::new(), time: 0 };
    walk.block(&func.body, 0);
    let touches = std::mem::take(&mut walk.touches);
    for (buffer, region, time) in touches {
        let life = walk.join(walk.lives[buffer], region, time);
        walk.lives[buffer] = Some(life);
    }
    walk.lives
}

impl Lives {
    fn block(&mut self, block: &[Stmt], region: usize) {
        for stmt in block {
            self.time += 1;
            for expr in stmt.exprs() {
                expr.walk(&mut |part| {
                    if let Expr::Load(buffer, _) = part {
                        self.touches.push((buffer.index(), region, self.time));
                    }
                });
            }
            match stmt {
                Stmt::Store(buffer, ..)
                | Stmt::Accumulate(_, buffer, ..)
                | Stmt::Contract(Contract { target: buffer, .. }) => {
                    self.touches.push((buffer.index(), region, self.time));
                }
                Stmt::For(For { kind, body, .. }) => {
                    let inner = self.regions.len();
                    let parallel = match kind {
                        LoopKind::Parallel | LoopKind::Vector => true,
                        LoopKind::Serial | LoopKind::Unroll => self.regions[region].parallel,
                    };
                    let depth = self.regions[region].depth + 1;
                    self.regions.push(Region { parent: region, depth, parallel, start: self.time, end: 0 });
                    self.block(body, inner);
                    self.time += 1;
                    self.regions[inner].end = self.time;
                }
                Stmt::If(_, then, otherwise) => {
                    self.block(then, region);
                    self.block(otherwise, region);
                }
                Stmt::Let(..) | Stmt::Check(..) => {}
            }
        }
    }

    /// The life of a buffer with one more touch.
    fn join(&self, life: Option<Life>, region: usize, time: usize) -> Life {
        let mut touch = Life { region, start: time, end: time };
        while self.regions[touch.region].parallel {
            touch = self.widen(touch);
        }
        let Some(mut life) = life else { return touch };
        while life.region != touch.region {
            if self.regions[life.region].depth >= self.regions[touch.region].depth {
                life = self.widen(life);
            } else {
                touch = self.widen(touch);
            }
        }
        Life { start: life.start.min(touch.start), end: life.end.max(touch.end), ..life }
    }

    /// The same life seen from the region around: the whole loop.
    fn widen(&self, life: Life) -> Life {
        let region = &self.regions[life.region];
        Life { region: region.parent, start: region.start, end: region.end }
    }
}

#[cfg(test)]
mod tests {
    use crate::loops::Func;

    fn errors(statements: &str) -> String {
        let text = format!(
            "func @f(n) {{
               output Y: f32[4]
               scratch A: f32[4] at 0
               scratch B: f32[4] at 8
               scratch r: f32
               arena 24
               {statements}
             }}"
        );
        let func: Func = text.parse().unwrap_or_else(|error| panic!("{error}"));
        super::super::verify::verify(&func).map_or_else(|errors| errors.to_string(), |()| String::new())
    }

    #[test]
    fn disjoint_lives_may_share() {
        let copy = "A[0] = 1.0f32 Y[0] = A[0] B[0] = 1.0f32 Y[0] = B[0]";
        assert_eq!(errors(copy), "");
        assert_eq!(errors(&format!("for i in 0..n {{ {copy} }}")), "");
        assert_eq!(errors("for i in 0..n { A[i] = 1.0f32 } for j in 0..n { B[j] = 1.0f32 }"), "");
    }

    #[test]
    fn overlapping_lives_may_not() {
        let overlap = "`A` and `B` are live at the same time";
        assert!(errors("A[0] = 1.0f32 B[0] = A[0]").contains(overlap));
        assert!(errors("A[0] = 1.0f32 B[0] = 1.0f32 Y[0] = A[0]").contains(overlap));
        // The next iteration comes back to A while B was written in this one.
        assert!(errors("A[0] = 1.0f32 for i in 0..n { Y[0] = A[0] B[0] = 1.0f32 }").contains(overlap));
        // Iterations of a parallel loop are under way at the same time.
        let body = "A[i] = 1.0f32 Y[i] = A[i] B[i] = 1.0f32";
        assert_eq!(errors(&format!("for i in 0..n {{ {body} }}")), "");
        assert!(errors(&format!("parallel for i in 0..n {{ {body} }}")).contains(overlap));
    }

    #[test]
    fn buffers_lie_inside_the_arena() {
        let declare = |line: &str| {
            let func: Func = format!("func @f(n) {{ {line} }}").parse().expect("text");
            super::super::verify::verify(&func).map_or_else(|errors| errors.to_string(), |()| String::new())
        };
        assert!(declare("scratch A: f32[4] at 8 arena 20").contains("ends at byte 24"));
        assert!(declare("scratch A: f32[4] at -4 arena 20").contains("outside"));
        assert!(declare("scratch A: f32[4] at 2 arena 20").contains("aligned"));
        assert!(declare("scratch A: f32[4] arena 20").contains("no place"));
        assert!(declare("scratch A: f32[4] at 0").contains("no arena"));
        assert!(declare("scratch A: f32[2, 2] strides [4, 1] at 0 arena 20").contains("ends at byte 24"));
        assert_eq!(declare("scratch A: f32[n] at 4*n arena 8*n"), "");
    }
}
