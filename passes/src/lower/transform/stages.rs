//! The fast transform of one line of constant length: a self-sorting transform of mixed radix.
//!
//! With `n` factored into radices, a stage takes the elements as `stride` interleaved lines of length
//! `rest`, splits each into `radix` parts, and transforms across the parts (a butterfly):
//!
//! ```text
//! target[q + stride*(radix*p + k)] = root(rest)^(p*k) * sum[j] source[q + stride*(p + j*rest/radix)] * root(radix)^(j*k)
//! ```
//!
//! Then `stride` grows by the radix and `rest` shrinks by it. The order comes out right without a
//! permutation, at the price of two buffers in turn. The first stage reads the operand, the last one
//! writes the result.

use super::{Nest, Read, Write};
use crate::lower::LowerError;
use tcc_ir::dtype::Dtype;
use tcc_ir::extent::Extent;
use tcc_ir::loops::{BufferId, Expr, Stmt};
use tcc_ir::scalar::{ReduceOp, ScalarOp};

/// Largest radix whose butterfly is written out.
const UNROLLED: i64 = 13;

/// The table of the roots of unity of a length, and which way they turn.
pub(super) struct Roots {
    pub table: BufferId,
    pub length: i64,
    pub inverse: bool,
}

/// One stage. `stride * rest` is the length of the line.
struct Stage {
    radix: i64,
    stride: i64,
    rest: i64,
}

/// The radices of a length: fours first, then its primes in order.
fn radices(mut length: i64) -> Vec<i64> {
    let mut radices = Vec::new();
    let mut candidates = [4, 2].into_iter().chain((3..).step_by(2));
    while let Some(radix) = candidates.next().filter(|_| length > 1) {
        while length % radix == 0 {
            radices.push(radix);
            length /= radix;
        }
        if radix > 4 && radix.saturating_mul(radix) > length && length > 1 {
            radices.push(length);
            length = 1;
        }
    }
    radices
}

impl Nest<'_, '_> {
    /// Transforms a line of `length` elements, which divides the length of the roots. All elements are
    /// read before any is written, if there is one stage, or before the last stage writes.
    pub(super) fn stages(
        &mut self,
        length: i64,
        roots: &Roots,
        read: Read<'_>,
        write: Write<'_>,
    ) -> Result<(), LowerError> {
        let radices = radices(length);
        if radices.is_empty() {
            let element = read(self, Expr::int(0))?;
            return write(self, Expr::int(0), element);
        }
        let mut buffers: Vec<BufferId> = Vec::new();
        for _ in 0..(radices.len() - 1).min(2) {
            buffers.push(self.scratch("line", self.dtype, vec![Extent::from(length)]));
        }
        let (mut stride, mut rest) = (1, length);
        for (position, &radix) in radices.iter().enumerate() {
            let stage = Stage { radix, stride, rest };
            let buffer = |stage: usize| buffers.get(stage % 2).copied();
            let source = position.checked_sub(1).and_then(buffer);
            let target = if position + 1 == radices.len() { None } else { buffer(position) };
            let load: Read<'_> = &|_, x| match source {
                Some(buffer) => Ok(Expr::Load(buffer, vec![x])),
                None => Err(LowerError::Loops("a stage has no source".into())),
            };
            let store: Write<'_> = &|nest, x, element| {
                let Some(buffer) = target else {
                    return Err(LowerError::Loops("a stage has no target".into()));
                };
                nest.emitter.push(Stmt::Store(buffer, vec![x], element));
                Ok(())
            };
            let read = if source.is_some() { load } else { read };
            let write = if target.is_some() { store } else { write };
            self.stage(&stage, roots, read, write)?;
            stride *= radix;
            rest /= radix;
        }
        Ok(())
    }

    fn stage(
        &mut self,
        stage: &Stage,
        roots: &Roots,
        read: Read<'_>,
        write: Write<'_>,
    ) -> Result<(), LowerError> {
        if stage.radix > UNROLLED {
            return self.long_stage(stage, roots, read, write);
        }
        // The roots of the butterfly itself; 2 and 4 need none.
        let mut inner = Vec::new();
        if stage.radix > 4 || stage.radix == 3 {
            for j in 1..=stage.radix / 2 {
                let root = self.root(roots, Expr::int(roots.length / stage.radix * j));
                let (re, im) = self.parts(&root);
                inner.push((self.bind_part("cos", re), self.bind_part("sin", im)));
            }
        }
        let (mut p, mut q) = (Expr::int(0), Expr::int(0));
        let opened = self.open(&self.named("part"), Expr::int(stage.rest / stage.radix), &mut p)?;
        let mut outer = Vec::new();
        for k in 1..stage.radix {
            outer.push(self.twiddle(stage, roots, &p, &Expr::int(k)));
        }
        let lanes = self.open(&self.named("lane"), Expr::int(stage.stride), &mut q)?;
        let mut elements = Vec::new();
        for j in 0..stage.radix {
            let element = read(self, stage.source(&p, &q, Expr::int(j)))?;
            elements.push(self.bind(element));
        }
        let results = match stage.radix {
            2 => vec![
                self.add(elements[0].clone(), elements[1].clone()),
                self.sub(elements[0].clone(), elements[1].clone()),
            ],
            4 => self.butterfly_of_four(&elements, roots.inverse),
            _ => self.odd_butterfly(&elements, &inner, roots.inverse),
        };
        for (k, result) in results.into_iter().enumerate() {
            let result = match k.checked_sub(1).and_then(|k| outer[k].clone()) {
                Some(twiddle) => self.mul(result, twiddle),
                None => result,
            };
            write(self, stage.target(&p, &q, Expr::int(k as i64)), result)?;
        }
        self.emitter.close(opened + lanes);
        Ok(())
    }

    fn butterfly_of_four(&mut self, a: &[Expr], inverse: bool) -> Vec<Expr> {
        let even = self.bind(self.add(a[0].clone(), a[2].clone()));
        let even_difference = self.bind(self.sub(a[0].clone(), a[2].clone()));
        let odd = self.bind(self.add(a[1].clone(), a[3].clone()));
        let difference =
            if inverse { self.sub(a[1].clone(), a[3].clone()) } else { self.sub(a[3].clone(), a[1].clone()) };
        let difference = self.bind(difference);
        let turned = self.bind(self.times_i(&difference));
        vec![
            self.add(even.clone(), odd.clone()),
            self.add(even_difference.clone(), turned.clone()),
            self.sub(even, odd),
            self.sub(even_difference, turned),
        ]
    }

    /// An odd radix: opposite elements share a cosine and, up to the sign, a sine. `roots` holds both for
    /// the first half of the turns.
    fn odd_butterfly(&mut self, a: &[Expr], roots: &[(Expr, Expr)], inverse: bool) -> Vec<Expr> {
        let (radix, half) = (a.len(), roots.len());
        let (first_re, first_im) = self.parts(&a[0]);
        let mut total = a[0].clone();
        let mut pairs = Vec::new();
        for j in 1..=half {
            let sum = self.bind(self.add(a[j].clone(), a[radix - j].clone()));
            let difference = self.bind(self.sub(a[j].clone(), a[radix - j].clone()));
            total = self.add(total, sum.clone());
            pairs.push((self.parts(&sum), self.parts(&difference)));
        }
        let mut results = vec![total; radix];
        for k in 1..=half {
            let (mut even_re, mut even_im) = (first_re.clone(), first_im.clone());
            let mut odd: Option<(Expr, Expr)> = None;
            for (j, ((sum_re, sum_im), (difference_re, difference_im))) in pairs.iter().enumerate() {
                let turn = (j + 1) * k % radix;
                let mirrored = turn > half;
                let (cos, sin) = &roots[turn.min(radix - turn) - 1];
                even_re = self.add(even_re, self.mul(cos.clone(), sum_re.clone()));
                even_im = self.add(even_im, self.mul(cos.clone(), sum_im.clone()));
                let (re, im) = (
                    self.mul(sin.clone(), difference_re.clone()),
                    self.mul(sin.clone(), difference_im.clone()),
                );
                odd = Some(match odd {
                    None => (re, im),
                    Some((odd_re, odd_im)) if mirrored => (self.sub(odd_re, re), self.sub(odd_im, im)),
                    Some((odd_re, odd_im)) => (self.add(odd_re, re), self.add(odd_im, im)),
                });
            }
            let even = self.bind(self.complex(even_re, even_im));
            let Some((odd_re, odd_im)) = odd else { continue };
            let odd = self.bind(self.complex(odd_re, odd_im));
            let turned = self.bind(self.times_i(&odd));
            let (low, high) = if inverse { (radix - k, k) } else { (k, radix - k) };
            results[low] = self.add(even.clone(), turned.clone());
            results[high] = self.sub(even, turned);
        }
        results
    }

    /// A stage of large radix: the same sums as in [`Nest::odd_butterfly`], in loops.
    fn long_stage(
        &mut self,
        stage: &Stage,
        roots: &Roots,
        read: Read<'_>,
        write: Write<'_>,
    ) -> Result<(), LowerError> {
        let half = stage.radix / 2;
        let part = self.dtype.part();
        let extents = vec![Extent::from(half + 1)];
        let sums = self.scratch("sums", self.dtype, extents.clone());
        let differences = self.scratch("differences", self.dtype, extents);
        let (mut p, mut q) = (Expr::int(0), Expr::int(0));
        let mut opened = self.open(&self.named("part"), Expr::int(stage.rest / stage.radix), &mut p)?;
        opened += self.open(&self.named("lane"), Expr::int(stage.stride), &mut q)?;
        let first = read(self, stage.source(&p, &q, Expr::int(0)))?;
        let first = self.bind(first);
        let total = self.register("total", self.dtype, first.clone());

        let bounds = ([Expr::int(1)], [Expr::int(half + 1)]);
        let j = self.emitter.open_loop(&self.named("j"), &bounds.0, &bounds.1)?;
        let low = read(self, stage.source(&p, &q, j.clone()))?;
        let low = self.bind(low);
        let high = read(self, stage.source(&p, &q, Expr::sub(Expr::int(stage.radix), j.clone())))?;
        let high = self.bind(high);
        let sum = self.bind(self.add(low.clone(), high.clone()));
        self.accumulate(total, sum.clone());
        self.emitter.push(Stmt::Store(sums, vec![j.clone()], sum));
        self.emitter.push(Stmt::Store(differences, vec![j], self.sub(low, high)));
        self.emitter.close(1);

        let (first_re, first_im) = self.parts(&first);
        let k = self.emitter.open_loop(&self.named("k"), &bounds.0, &bounds.1)?;
        let even_re = self.register("even.re", part, first_re);
        let even_im = self.register("even.im", part, first_im);
        let odd_re = self.register("odd.re", part, Expr::number(0, part));
        let odd_im = self.register("odd.im", part, Expr::number(0, part));
        let turn = self.register("turn", Dtype::I64, Expr::int(0));
        let j = self.emitter.open_loop(&self.named("j"), &bounds.0, &bounds.1)?;
        let turned = self.advance(turn, k.clone(), &Expr::int(stage.radix));
        let root = Expr::Load(roots.table, vec![Expr::mul(turned, Expr::int(roots.length / stage.radix))]);
        let root = self.bind(root);
        let (cos, sin) = self.parts(&root);
        let sum = self.bind(Expr::Load(sums, vec![j.clone()]));
        let difference = self.bind(Expr::Load(differences, vec![j]));
        let ((sum_re, sum_im), (difference_re, difference_im)) = (self.parts(&sum), self.parts(&difference));
        self.accumulate(even_re, self.mul(cos.clone(), sum_re));
        self.accumulate(even_im, self.mul(cos, sum_im));
        self.accumulate(odd_re, self.mul(sin.clone(), difference_re));
        self.accumulate(odd_im, self.mul(sin, difference_im));
        self.emitter.close(1);

        let load = |register| Expr::Load(register, Vec::new());
        let even = self.bind(self.complex(load(even_re), load(even_im)));
        // The table turns forward; backward the two results change places.
        let turned = self.bind(self.complex(self.negative(load(odd_im)), load(odd_re)));
        let mirrored = Expr::sub(Expr::int(stage.radix), k.clone());
        let (low, high) = if roots.inverse { (mirrored, k) } else { (k, mirrored) };
        let results = [(low, self.add(even.clone(), turned.clone())), (high, self.sub(even, turned))];
        for (k, result) in results {
            let result = match self.twiddle(stage, roots, &p, &k) {
                Some(twiddle) => self.mul(result, twiddle),
                None => result,
            };
            write(self, stage.target(&p, &q, k), result)?;
        }
        self.emitter.close(1);
        write(self, stage.target(&p, &q, Expr::int(0)), load(total))?;
        self.emitter.close(opened);
        Ok(())
    }

    /// The factor of result `k`; none where it is always 1.
    fn twiddle(&mut self, stage: &Stage, roots: &Roots, p: &Expr, k: &Expr) -> Option<Expr> {
        if stage.rest == stage.radix {
            return None;
        }
        // The product stays below the length, so it needs no remainder.
        let step = Expr::int(roots.length / stage.rest);
        let index = Expr::mul(p.clone(), Expr::mul(k.clone(), step));
        let root = self.root(roots, index);
        let root = if roots.inverse { self.conj(root) } else { root };
        Some(self.emitter.bind(&self.named("twiddle"), root))
    }

    /// A root of the table, turning forward.
    fn root(&self, roots: &Roots, index: Expr) -> Expr {
        Expr::Load(roots.table, vec![index])
    }

    /// Adds `step` to a register that counts modulo `modulus`; the new count. `step` is below it.
    pub(super) fn advance(&mut self, turn: BufferId, step: Expr, modulus: &Expr) -> Expr {
        let next = Expr::add(Expr::Load(turn, Vec::new()), step);
        let next = self.emitter.bind(&self.named("next"), next);
        let wrapped = Expr::sub(next.clone(), modulus.clone());
        let next = Expr::select(Expr::lt(next.clone(), modulus.clone()), next, wrapped, Dtype::I64);
        let next = self.emitter.bind(&self.named("next"), next);
        self.emitter.push(Stmt::Store(turn, Vec::new(), next.clone()));
        next
    }

    pub(super) fn register(&mut self, what: &str, dtype: Dtype, value: Expr) -> BufferId {
        let name = self.named(what);
        self.emitter.register(&name, dtype, value)
    }

    pub(super) fn accumulate(&mut self, register: BufferId, term: Expr) {
        self.emitter.push(Stmt::Accumulate(ReduceOp::Sum, register, Vec::new(), term));
    }

    pub(super) fn named(&self, what: &str) -> String {
        format!("{}.{what}", self.name)
    }

    fn bind_part(&mut self, what: &str, value: Expr) -> Expr {
        debug_assert!(matches!(value, Expr::Op(ScalarOp::Re | ScalarOp::Im, ..)));
        let name = self.named(what);
        self.emitter.bind(&name, value)
    }
}

impl Stage {
    /// Where input `j` of the butterfly `p`, `q` is.
    fn source(&self, p: &Expr, q: &Expr, j: Expr) -> Expr {
        let part = Expr::add(p.clone(), Expr::mul(j, Expr::int(self.rest / self.radix)));
        Expr::add(q.clone(), Expr::mul(part, Expr::int(self.stride)))
    }

    /// Where output `k` of the butterfly `p`, `q` goes.
    fn target(&self, p: &Expr, q: &Expr, k: Expr) -> Expr {
        let part = Expr::add(Expr::mul(p.clone(), Expr::int(self.radix)), k);
        Expr::add(q.clone(), Expr::mul(part, Expr::int(self.stride)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn radices_multiply_to_the_length() {
        for length in 1..=3000 {
            let radices = radices(length);
            assert_eq!(radices.iter().product::<i64>(), length);
            let is_prime = |n: i64| n > 1 && (2..n).take_while(|d| d * d <= n).all(|d| n % d != 0);
            assert!(radices.iter().all(|&radix| radix == 4 || is_prime(radix)), "{length}: {radices:?}");
        }
        assert_eq!(radices(1 << 11), [4, 4, 4, 4, 4, 2]);
        assert_eq!(radices(2 * 3 * 17), [2, 3, 17]);
    }
}
