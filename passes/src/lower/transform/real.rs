//! Transforms between real lines and the lower half of their frequencies.
//!
//! An even length n needs only a complex transform of n/2: with `z[j] = x[2j] + i x[2j+1]` and
//! `w = cis(-2 pi / n)`,
//!
//! ```text
//! X[k] = (Z[k] + conj Z[n/2 - k]) / 2 - i w^k (Z[k] - conj Z[n/2 - k]) / 2
//! Z[k] = (X[k] + conj X[n/2 - k]) + i conj(w^k) (X[k] - conj X[n/2 - k])      (twice as large)
//! ```
//!
//! At n/2 - k both sums are the conjugates of the differences at k, so the two are computed together.

use super::stages::Roots;
use super::{Line, Nest, Read, Write};
use crate::lower::LowerError;
use tcc_ir::dtype::Dtype;
use tcc_ir::extent::Extent;
use tcc_ir::loops::{BufferId, Expr, Stmt};
use tcc_ir::scalar::Literal;

impl Nest<'_, '_> {
    /// A real line to its frequencies `0..n div 2 + 1`.
    pub(super) fn real_forward(&mut self, line: &Line, roots: &Roots) -> Result<(), LowerError> {
        let length = roots.length;
        let packed = length % 2 == 0;
        let short = if packed { length / 2 } else { length };
        let read_pair: Read<'_> = &|nest, j| {
            let x = Expr::mul(j, Expr::int(2));
            let even = nest.read_real(line, x.clone())?;
            let odd = nest.read_real(line, Expr::add(x, Expr::int(1)))?;
            Ok(nest.complex(even, odd))
        };
        let read_one: Read<'_> = &|nest, x| nest.read(line, None, x);
        let spectrum = self.scratch("spectrum", self.dtype, vec![Extent::from(short)]);
        let keep = store(spectrum);
        self.stages(short, roots, if packed { read_pair } else { read_one }, &keep)?;
        if packed {
            self.unpack(line, roots, spectrum, short)
        } else {
            self.lower_half(line, spectrum, length)
        }
    }

    /// Writes the first half of an odd number of frequencies.
    fn lower_half(&mut self, line: &Line, spectrum: BufferId, length: i64) -> Result<(), LowerError> {
        let mut k = Expr::int(0);
        let opened = self.open(&self.to[line.axis].clone(), Expr::int(length / 2 + 1), &mut k)?;
        self.write(line, k.clone(), Expr::Load(spectrum, vec![k]))?;
        self.emitter.close(opened);
        Ok(())
    }

    /// Writes the frequencies of a real line from those of its pairs.
    fn unpack(&mut self, line: &Line, roots: &Roots, pairs: BufferId, half: i64) -> Result<(), LowerError> {
        let zero = Expr::number(0, self.dtype.part());
        let first = self.bind(Expr::Load(pairs, vec![Expr::int(0)]));
        let (re, im) = self.parts(&first);
        let ends = [(0, self.add(re.clone(), im.clone())), (half, self.sub(re, im))];
        for (k, end) in ends {
            self.write(line, Expr::int(k), self.complex(end, zero.clone()))?;
        }
        if half < 2 {
            return Ok(());
        }
        // Frequencies k and n/2 - k come from the same pairs; the middle one is written twice.
        let bounds = ([Expr::int(1)], [Expr::int(half / 2 + 1)]);
        let k = self.emitter.open_loop(&self.to[line.axis].clone(), &bounds.0, &bounds.1)?;
        let mirrored = Expr::sub(Expr::int(half), k.clone());
        let low = self.bind(Expr::Load(pairs, vec![k.clone()]));
        let high = self.bind(self.conj(Expr::Load(pairs, vec![mirrored.clone()])));
        let even = self.bind(self.add(low.clone(), high.clone()));
        let root = Expr::Load(roots.table, vec![k.clone()]);
        let odd = self.bind(self.mul(self.sub(high, low), root));
        let odd = self.bind(self.times_i(&odd));
        let low = self.halved(self.add(even.clone(), odd.clone()));
        self.write(line, k, low)?;
        let high = self.halved(self.sub(even, odd));
        let high = self.conj(high);
        self.write(line, mirrored, high)?;
        self.emitter.close(1);
        Ok(())
    }

    fn halved(&mut self, element: Expr) -> Expr {
        let element = self.bind(element);
        let (re, im) = self.parts(&element);
        let half = Expr::Const(Literal::Real(0.5), self.dtype.part());
        self.complex(self.mul(re, half.clone()), self.mul(im, half))
    }

    /// Frequencies `0..n div 2 + 1` to a real line.
    pub(super) fn real_inverse(
        &mut self,
        line: &Line,
        roots: &Roots,
        given: &Extent,
    ) -> Result<(), LowerError> {
        let length = roots.length;
        let packed = length % 2 == 0;
        let short = if packed { length / 2 } else { length };
        let padded = self.padded(line, given, length / 2 + 1)?;
        let spectrum = self.scratch("spectrum", self.dtype, vec![Extent::from(short)]);
        if packed {
            self.pack(line, roots, padded, (spectrum, short))?;
        } else {
            self.extend(line, padded, (spectrum, length))?;
        }
        let read: Read<'_> = &|_, k| Ok(Expr::Load(spectrum, vec![k]));
        let write_pair: Write<'_> = &|nest, j, element| {
            let element = nest.bind(element);
            let (even, odd) = nest.parts(&element);
            let x = Expr::mul(j, Expr::int(2));
            nest.write(line, x.clone(), even)?;
            nest.write(line, Expr::add(x, Expr::int(1)), odd)
        };
        let write_one: Write<'_> = &|nest, x, element| {
            let (re, _) = nest.parts(&element);
            nest.write(line, x, re)
        };
        self.stages(short, roots, read, if packed { write_pair } else { write_one })
    }

    /// All frequencies of a real line of odd length from the lower half.
    fn extend(
        &mut self,
        line: &Line,
        padded: Option<BufferId>,
        (spectrum, length): (BufferId, i64),
    ) -> Result<(), LowerError> {
        let first = self.real_end(line, padded, 0)?;
        let first = self.complex(first, Expr::number(0, self.dtype.part()));
        self.emitter.push(Stmt::Store(spectrum, vec![Expr::int(0)], first));
        if length < 2 {
            return Ok(());
        }
        let name = self.from[line.axis].clone();
        let k = self.emitter.open_loop(&name, &[Expr::int(1)], &[Expr::int(length / 2 + 1)])?;
        let element = self.read(line, padded, k.clone())?;
        let element = self.bind(element);
        let mirrored = Expr::sub(Expr::int(length), k.clone());
        self.emitter.push(Stmt::Store(spectrum, vec![k], element.clone()));
        self.emitter.push(Stmt::Store(spectrum, vec![mirrored], self.conj(element)));
        self.emitter.close(1);
        Ok(())
    }

    /// The frequencies of the pairs of a real line of length `2 * half`.
    fn pack(
        &mut self,
        line: &Line,
        roots: &Roots,
        padded: Option<BufferId>,
        (pairs, half): (BufferId, i64),
    ) -> Result<(), LowerError> {
        let lowest = self.real_end(line, padded, 0)?;
        let lowest = self.emitter.bind(&self.named("lowest"), lowest);
        let highest = self.real_end(line, padded, half)?;
        let highest = self.emitter.bind(&self.named("highest"), highest);
        let first = self.complex(self.add(lowest.clone(), highest.clone()), self.sub(lowest, highest));
        self.emitter.push(Stmt::Store(pairs, vec![Expr::int(0)], first));
        if half < 2 {
            return Ok(());
        }
        let bounds = ([Expr::int(1)], [Expr::int(half / 2 + 1)]);
        let k = self.emitter.open_loop(&self.from[line.axis].clone(), &bounds.0, &bounds.1)?;
        let mirrored = Expr::sub(Expr::int(half), k.clone());
        let low = self.read(line, padded, k.clone())?;
        let low = self.bind(low);
        let high = self.read(line, padded, mirrored.clone())?;
        let high = self.bind(self.conj(high));
        let even = self.bind(self.add(low.clone(), high.clone()));
        let root = self.conj(Expr::Load(roots.table, vec![k.clone()]));
        let odd = self.bind(self.mul(self.sub(low, high), root));
        let odd = self.bind(self.times_i(&odd));
        let low = self.add(even.clone(), odd.clone());
        self.emitter.push(Stmt::Store(pairs, vec![k], low));
        let high = self.conj(self.sub(even, odd));
        self.emitter.push(Stmt::Store(pairs, vec![mirrored], high));
        self.emitter.close(1);
        Ok(())
    }

    /// The real part of a frequency whose imaginary part has no meaning.
    fn real_end(&mut self, line: &Line, padded: Option<BufferId>, k: i64) -> Result<Expr, LowerError> {
        let element = self.read(line, padded, Expr::int(k))?;
        Ok(self.parts(&element).0)
    }

    /// Element `x` of a real line.
    fn read_real(&mut self, line: &Line, x: Expr) -> Result<Expr, LowerError> {
        let mut point = line.point.clone();
        point[line.axis] = x;
        let element = self.fetch(line.source, &point)?;
        debug_assert!(matches!(self.emitter.func.dtype(&element), Dtype::F32 | Dtype::F64));
        Ok(element)
    }
}

/// Stores elements in a buffer.
fn store(buffer: BufferId) -> impl Fn(&mut Nest<'_, '_>, Expr, Expr) -> Result<(), LowerError> {
    move |nest, x, element| {
        nest.emitter.push(Stmt::Store(buffer, vec![x], element));
        Ok(())
    }
}
