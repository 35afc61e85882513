//! Fourier transforms, one axis after the other, line by line.
//!
//! A line is copied into working memory, transformed there and copied out. A constant length is split
//! into its prime factors (Stockham's self-sorting scheme, O(n times the sum of the factors)); a
//! symbolic length is transformed by the definition, with roots of unity from a table that is filled
//! first. A real line is transformed as a complex one.

use super::LowerError;
use super::emit::{Emitter, Env, Home};
use std::f64::consts::PI;
use std::sync::Arc;
use tcc_ir::axis::{Axis, Name};
use tcc_ir::dtype::Dtype;
use tcc_ir::extent::Extent;
use tcc_ir::graph::{Op, Table, TransformOp, ValueId};
use tcc_ir::loops::{Buffer, BufferId, Expr, Role, Stmt};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};

/// Factors up to this one are written out term by term.
const LARGEST_BUTTERFLY: i64 = 5;
/// Longest table of roots of unity; longer ones are filled at run time.
const LARGEST_TABLE: i64 = 1 << 20;
/// Longest length that is split into factors.
const LONGEST_LINE: i64 = 1 << 40;

/// How one axis is transformed.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Forward,
    Inverse,
    /// Inverse with a real result, from the lower half of the frequencies.
    RealInverse,
}

/// Where a line comes from or goes to.
#[derive(Clone, Copy)]
enum Place {
    /// The value that is transformed, computed where it is read.
    Operand(ValueId),
    /// The buffer of the result.
    Home,
    /// Working memory; one index for every axis that is looped over.
    Scratch(BufferId),
}

/// A transform under way: its axes by their position in the operand.
struct Lines<'t> {
    /// Names in the operand, and in the result.
    from: Vec<Name>,
    to: Vec<Name>,
    /// Extents so far.
    extents: Vec<Extent>,
    /// The index of an axis that an enclosing loop runs through.
    fixed: Vec<Option<Expr>>,
    home: &'t Home,
    /// The complex dtype of the lines.
    dtype: Dtype,
}

impl Emitter<'_> {
    /// The nest of a stored transform.
    pub fn transform(&mut self, value: ValueId, env: &Env) -> Result<(), LowerError> {
        let (Op::Transform { op, axes: pairs, value: operand }, Some(home)) =
            (&self.graph.node(value).op, self.homes[value.index()].clone())
        else {
            return Err(LowerError(format!("{value} is no transform")));
        };
        let result = self.graph.ty(value).clone();
        let axes = self.graph.ty(*operand).axes.clone();
        let to_name = |axis: &Axis| {
            pairs.iter().find(|(from, _)| *from == axis.name).map_or(axis.name.clone(), |(_, to)| to.clone())
        };
        let to: Vec<Name> = axes.iter().map(to_name).collect();
        let target = |position: usize| result.axis(&to[position]).map(|axis| axis.extent.clone());
        let mut lines = Lines {
            from: axes.iter().map(|axis| axis.name.clone()).collect(),
            extents: axes.iter().map(|axis| axis.extent.clone()).collect(),
            fixed: to.iter().map(|name| env.get(name).cloned()).collect(),
            home: &home,
            dtype: if result.dtype.is_complex() { result.dtype } else { self.graph.ty(*operand).dtype },
            to: to.clone(),
        };
        let mut order: Vec<usize> =
            pairs.iter().filter_map(|(from, _)| axes.iter().position(|axis| axis.name == *from)).collect();
        if *op == TransformOp::Rfft {
            order.rotate_right(1); // the halved axis first: less work for the others
        }
        let mut source = Place::Operand(*operand);
        if order.is_empty() {
            return self.copy_point(&lines, source, op, result.dtype);
        }
        for (turn, &position) in order.iter().enumerate() {
            let wanted = target(position).unwrap_or_else(|| lines.extents[position].clone());
            let last = turn + 1 == order.len();
            let (kind, length) = match op {
                TransformOp::Fft | TransformOp::Rfft => (Kind::Forward, lines.extents[position].clone()),
                TransformOp::Ifft => (Kind::Inverse, wanted.clone()),
                TransformOp::Irfft if last => (Kind::RealInverse, wanted.clone()),
                TransformOp::Irfft => (Kind::Inverse, wanted.clone()),
            };
            let given = std::mem::replace(&mut lines.extents[position], wanted);
            let final_extents = (0..axes.len()).all(|p| target(p).as_ref() == Some(&lines.extents[p]));
            let into = if last || (result.dtype.is_complex() && final_extents) {
                Place::Home
            } else {
                match source {
                    Place::Scratch(_) if given == lines.extents[position] => source,
                    _ => {
                        let free = (0..axes.len()).filter(|&p| lines.fixed[p].is_none());
                        let extents = free.map(|p| lines.extents[p].clone()).collect();
                        let name = format!("{}.lines", self.name(value));
                        Place::Scratch(self.scratch(&name, lines.dtype, extents))
                    }
                }
            };
            self.transform_lines(&lines, position, (source, into), kind, (given, length))?;
            source = into;
        }
        Ok(())
    }

    /// A transform along no axis.
    fn copy_point(
        &mut self,
        lines: &Lines<'_>,
        source: Place,
        op: &TransformOp,
        dtype: Dtype,
    ) -> Result<(), LowerError> {
        let mut point = vec![Expr::int(0); lines.from.len()];
        let opened = self.open_lines(lines, None, &mut point)?;
        let value = self.read_line(lines, source, &point)?;
        let value = if *op == TransformOp::Irfft { part(ScalarOp::Re, value, dtype) } else { value };
        self.write_line(lines, Place::Home, &point, value)?;
        self.close(opened);
        Ok(())
    }

    /// Opens loops over all axes but `except` and those with a fixed index.
    fn open_lines(
        &mut self,
        lines: &Lines<'_>,
        except: Option<usize>,
        point: &mut [Expr],
    ) -> Result<usize, LowerError> {
        let mut opened = 0;
        for position in (0..lines.from.len()).filter(|&position| Some(position) != except) {
            point[position] = match &lines.fixed[position] {
                Some(index) => index.clone(),
                None => {
                    opened += 1;
                    let axis = Axis::new(lines.to[position].clone(), lines.extents[position].clone());
                    self.open_axis(&axis)?
                }
            };
        }
        Ok(opened)
    }

    fn read_line(&mut self, lines: &Lines<'_>, place: Place, point: &[Expr]) -> Result<Expr, LowerError> {
        match place {
            Place::Operand(value) => {
                let env: Env = lines.from.iter().cloned().zip(point.iter().cloned()).collect();
                let value = self.value(value, &env)?;
                Ok(if self.func.dtype(&value).is_complex() {
                    value
                } else {
                    complex(value, Expr::number(0, lines.dtype.part()), lines.dtype)
                })
            }
            Place::Home => {
                let env: Env = lines.to.iter().cloned().zip(point.iter().cloned()).collect();
                Ok(Expr::Load(lines.home.buffer, self.place(lines.home, &env)?))
            }
            Place::Scratch(buffer) => Ok(Expr::Load(buffer, lines.free(point))),
        }
    }

    fn write_line(
        &mut self,
        lines: &Lines<'_>,
        place: Place,
        point: &[Expr],
        value: Expr,
    ) -> Result<(), LowerError> {
        let (buffer, indices) = match place {
            Place::Scratch(buffer) => (buffer, lines.free(point)),
            Place::Home | Place::Operand(_) => {
                let env: Env = lines.to.iter().cloned().zip(point.iter().cloned()).collect();
                (lines.home.buffer, self.place(lines.home, &env)?)
            }
        };
        self.push(Stmt::Store(buffer, indices, value));
        Ok(())
    }

    /// Transforms all lines along one axis, whose extent was `given` and is `lines.extents` now.
    fn transform_lines(
        &mut self,
        lines: &Lines<'_>,
        position: usize,
        (source, into): (Place, Place),
        kind: Kind,
        (given, length): (Extent, Extent),
    ) -> Result<(), LowerError> {
        let name = lines.to[position].clone();
        let mut point = vec![Expr::int(0); lines.from.len()];
        if length.as_const().is_some_and(|length| length < 1) {
            let opened = self.open_lines(lines, None, &mut point)?;
            let dtype = if kind == Kind::RealInverse { lines.dtype.part() } else { lines.dtype };
            self.write_line(lines, into, &point, Expr::number(0, dtype))?;
            self.close(opened);
            return Ok(());
        }
        let inverse = kind != Kind::Forward;
        let roots = self.roots(&length, inverse, lines.dtype)?;
        let line = self.scratch(&format!("{name}.line"), lines.dtype, vec![length.clone()]);
        let opened = self.open_lines(lines, Some(position), &mut point)?;
        self.load_line(lines, position, source, line, kind, (&given, &length), &mut point)?;
        let line = match length.as_const() {
            Some(length) if length <= LONGEST_LINE => {
                self.stages(line, roots, length, inverse, lines.dtype, &name)?
            }
            _ => self.definition(line, roots, (&length, &lines.extents[position]), lines.dtype, &name)?,
        };
        let wanted = Axis::new(name, lines.extents[position].clone());
        let counter = self.open_axis(&wanted)?;
        point[position] = counter.clone();
        let part_dtype = lines.dtype.part();
        let divisor = scalar_cast(Expr::from_extent(&length), part_dtype);
        let scaled = |op: ScalarOp, value: &Expr| {
            Expr::Op(ScalarOp::Div, part_dtype, vec![part(op, value.clone(), part_dtype), divisor.clone()])
        };
        let value = Expr::Load(line, vec![counter]);
        let value = match kind {
            Kind::Forward => value,
            Kind::Inverse => complex(scaled(ScalarOp::Re, &value), scaled(ScalarOp::Im, &value), lines.dtype),
            Kind::RealInverse => scaled(ScalarOp::Re, &value),
        };
        self.write_line(lines, into, &point, value)?;
        self.close(opened + 1);
        Ok(())
    }

    /// Copies a line into working memory: padded with zeros, and for a real result completed by the
    /// conjugates of the frequencies that are given.
    #[allow(clippy::too_many_arguments)]
    fn load_line(
        &mut self,
        lines: &Lines<'_>,
        position: usize,
        source: Place,
        line: BufferId,
        kind: Kind,
        (given, length): (&Extent, &Extent),
        point: &mut [Expr],
    ) -> Result<(), LowerError> {
        let name = &lines.from[position];
        let read = match kind {
            Kind::Forward | Kind::Inverse => length.clone(),
            Kind::RealInverse => length.clone().div(2) + Extent::from(1),
        };
        let bounds = [Expr::from_extent(&read), Expr::from_extent(given)];
        if !self.ranges.proves_le(&bounds[0], &bounds[1]) {
            let counter = self.open_axis(&Axis::new(name.clone(), length.clone()))?;
            self.push(Stmt::Store(line, vec![counter], Expr::number(0, lines.dtype)));
            self.close(1);
        }
        let [read, given] = bounds;
        let counter = self.open_loop(name, &[Expr::int(0)], &[read, given, Expr::from_extent(length)])?;
        point[position] = counter.clone();
        let value = self.read_line(lines, source, point)?;
        if kind != Kind::RealInverse {
            self.push(Stmt::Store(line, vec![counter], value));
            self.close(1);
            return Ok(());
        }
        let value = self.bind(&format!("{name}.x"), value);
        let last = Expr::from_extent(length);
        let twice = Expr::mul(counter.clone(), Expr::int(2));
        let paired = Expr::and(Expr::lt(Expr::int(0), counter.clone()), Expr::lt(twice, last.clone()));
        let part_dtype = lines.dtype.part();
        let real = part(ScalarOp::Re, value.clone(), part_dtype);
        let real = complex(real, Expr::number(0, part_dtype), lines.dtype);
        let stored = Expr::select(paired.clone(), value.clone(), real, lines.dtype);
        self.push(Stmt::Store(line, vec![counter.clone()], stored));
        let opened = self.open_if(paired)?;
        let conjugate = Expr::Op(ScalarOp::Conj, lines.dtype, vec![value]);
        self.push(Stmt::Store(line, vec![Expr::sub(last, counter)], conjugate));
        self.close(opened + 1);
        Ok(())
    }

    /// A buffer with the powers of the root of unity of order `length`: a table, or memory that is
    /// filled here.
    fn roots(&mut self, length: &Extent, inverse: bool, dtype: Dtype) -> Result<BufferId, LowerError> {
        let key = (length.clone(), inverse, dtype);
        if let Some((_, known)) = self.roots_of_unity.iter().find(|(other, _)| *other == key) {
            return Ok(*known);
        }
        if let Some(constant) = length.as_const().filter(|&length| length <= LARGEST_TABLE) {
            let root = |k: i64| {
                let (re, im) = root_of_unity(k, constant, inverse);
                Literal::Complex(re, im)
            };
            let table = Table::Literals((0..constant).map(root).collect());
            let role = Role::Table(Arc::new(table));
            let buffer = self.func.add_buffer(Buffer::new("roots", dtype, vec![length.clone()], role));
            self.roots_of_unity.push((key, buffer));
            return Ok(buffer);
        }
        let buffer = self.scratch("roots", dtype, vec![length.clone()]);
        let counter = self.open_axis(&Axis::new("k", length.clone()))?;
        let full = Expr::Const(Literal::Real(if inverse { 2.0 * PI } else { -2.0 * PI }), Dtype::F64);
        let number = |expr: Expr| expr.cast(Dtype::F64);
        let turn = Expr::Op(
            ScalarOp::Div,
            Dtype::F64,
            vec![number(counter.clone()), number(Expr::from_extent(length))],
        );
        let angle = Expr::Op(ScalarOp::Mul, Dtype::F64, vec![turn, full]);
        let angle = self.bind("angle", angle);
        let of = |op: ScalarOp| {
            let value = Expr::Op(op, Dtype::F64, vec![angle.clone()]);
            if dtype.part() == Dtype::F64 { value } else { value.cast(dtype.part()) }
        };
        let root = complex(of(ScalarOp::Cos), of(ScalarOp::Sin), dtype);
        self.push(Stmt::Store(buffer, vec![counter], root));
        self.close(1);
        if self.at_top() {
            self.roots_of_unity.push((key, buffer));
        }
        Ok(buffer)
    }

    /// The first `wanted` frequencies of a line by their definition.
    fn definition(
        &mut self,
        line: BufferId,
        roots: BufferId,
        (length, wanted): (&Extent, &Extent),
        dtype: Dtype,
        name: &Name,
    ) -> Result<BufferId, LowerError> {
        let result = self.scratch(&format!("{name}.line"), dtype, vec![wanted.clone()]);
        let extent = Expr::from_extent(length);
        let to = self.open_axis(&Axis::new(name.clone(), wanted.clone()))?;
        let sum = self.register(&format!("{name}.acc"), dtype, Expr::number(0, dtype));
        let from = self.open_loop("x", &[Expr::int(0)], std::slice::from_ref(&extent))?;
        let turn = Expr::modulo(Expr::mul(from.clone(), to.clone()), extent);
        let term = multiply(Expr::Load(line, vec![from]), Expr::Load(roots, vec![turn]), dtype);
        self.push(Stmt::Accumulate(ReduceOp::Sum, sum, Vec::new(), term));
        self.close(1);
        self.push(Stmt::Store(result, vec![to], Expr::Load(sum, Vec::new())));
        self.close(1);
        Ok(result)
    }

    /// The stages of a fast transform, one per factor of the length, between two buffers:
    /// `y[q + s*(p*j + u)] = w(n)^(j*u) * sum[r] x[q + s*(j + m*r)] * w(p)^(r*u)`
    /// for `n = p*m` points left, `s` transforms so far, `j < m`, `q < s`, `u < p`.
    fn stages(
        &mut self,
        line: BufferId,
        roots: BufferId,
        length: i64,
        inverse: bool,
        dtype: Dtype,
        name: &Name,
    ) -> Result<BufferId, LowerError> {
        let factors = factors(length);
        if factors.is_empty() {
            return Ok(line);
        }
        let other = self.scratch(&format!("{name}.line"), dtype, vec![Extent::from(length)]);
        let (mut from, mut to) = (line, other);
        let (mut left, mut done) = (length, 1);
        for factor in factors {
            let rest = left / factor;
            let j = self.open_loop("j", &[Expr::int(0)], &[Expr::int(rest)])?;
            let q = self.open_loop("q", &[Expr::int(0)], &[Expr::int(done)])?;
            let stage = Stage { from, to, roots, factor, rest, done, dtype, j, q };
            if factor <= LARGEST_BUTTERFLY {
                self.butterfly(&stage, inverse)?;
            } else {
                self.long_butterfly(&stage, length)?;
            }
            self.close(2);
            (from, to) = (to, from);
            (left, done) = (rest, done * factor);
        }
        Ok(from)
    }

    /// One point of a stage with a small factor, written out.
    fn butterfly(&mut self, stage: &Stage, inverse: bool) -> Result<(), LowerError> {
        let terms: Vec<Expr> = (0..stage.factor)
            .map(|r| {
                let load = Expr::Load(stage.from, vec![stage.source(Expr::int(r))]);
                self.bind("a", load)
            })
            .collect();
        for u in 0..stage.factor {
            let mut sum: Option<Expr> = None;
            for (r, term) in terms.iter().enumerate() {
                let turn = (r as i64 * u) % stage.factor;
                let term = turned(term.clone(), turn, stage.factor, inverse, stage.dtype);
                sum = Some(match sum {
                    None => term,
                    Some(sum) => Expr::Op(ScalarOp::Add, stage.dtype, vec![sum, term]),
                });
            }
            let sum = sum.unwrap_or_else(|| Expr::number(0, stage.dtype));
            let sum = if u == 0 || stage.rest == 1 {
                sum
            } else {
                let turn = Expr::mul(stage.j.clone(), Expr::int(u * stage.done));
                multiply(sum, Expr::Load(stage.roots, vec![turn]), stage.dtype)
            };
            self.push(Stmt::Store(stage.to, vec![stage.target(Expr::int(u))], sum));
        }
        Ok(())
    }

    /// One point of a stage with a large prime factor: loops over the terms.
    fn long_butterfly(&mut self, stage: &Stage, length: i64) -> Result<(), LowerError> {
        let factor = Expr::int(stage.factor);
        let u = self.open_loop("u", &[Expr::int(0)], std::slice::from_ref(&factor))?;
        let sum = self.register("acc", stage.dtype, Expr::number(0, stage.dtype));
        let r = self.open_loop("r", &[Expr::int(0)], std::slice::from_ref(&factor))?;
        let turn = Expr::mul(
            Expr::modulo(Expr::mul(r.clone(), u.clone()), factor),
            Expr::int(length / stage.factor),
        );
        let term = Expr::Load(stage.from, vec![stage.source(r)]);
        let term = multiply(term, Expr::Load(stage.roots, vec![turn]), stage.dtype);
        self.push(Stmt::Accumulate(ReduceOp::Sum, sum, Vec::new(), term));
        self.close(1);
        let turn = Expr::mul(Expr::mul(stage.j.clone(), u.clone()), Expr::int(stage.done));
        let value = multiply(Expr::Load(sum, Vec::new()), Expr::Load(stage.roots, vec![turn]), stage.dtype);
        self.push(Stmt::Store(stage.to, vec![stage.target(u)], value));
        self.close(1);
        Ok(())
    }
}

impl Lines<'_> {
    /// The indices of the axes that are looped over.
    fn free(&self, point: &[Expr]) -> Vec<Expr> {
        let free = point.iter().zip(&self.fixed).filter(|(_, fixed)| fixed.is_none());
        free.map(|(index, _)| index.clone()).collect()
    }
}

/// One stage of a fast transform, at a point.
struct Stage {
    from: BufferId,
    to: BufferId,
    roots: BufferId,
    factor: i64,
    rest: i64,
    done: i64,
    dtype: Dtype,
    j: Expr,
    q: Expr,
}

impl Stage {
    /// `q + s*(j + m*r)`
    fn source(&self, r: Expr) -> Expr {
        let block = Expr::add(self.j.clone(), Expr::mul(r, Expr::int(self.rest)));
        Expr::add(self.q.clone(), Expr::mul(block, Expr::int(self.done)))
    }

    /// `q + s*(p*j + u)`
    fn target(&self, u: Expr) -> Expr {
        let block = Expr::add(Expr::mul(self.j.clone(), Expr::int(self.factor)), u);
        Expr::add(self.q.clone(), Expr::mul(block, Expr::int(self.done)))
    }
}

fn complex(re: Expr, im: Expr, dtype: Dtype) -> Expr {
    Expr::Op(ScalarOp::MakeComplex, dtype, vec![re, im])
}

fn part(op: ScalarOp, value: Expr, dtype: Dtype) -> Expr {
    Expr::Op(op, dtype, vec![value])
}

fn multiply(a: Expr, b: Expr, dtype: Dtype) -> Expr {
    Expr::Op(ScalarOp::Mul, dtype, vec![a, b])
}

/// An i64 expression as a number of `dtype`.
fn scalar_cast(value: Expr, dtype: Dtype) -> Expr {
    match value.as_int() {
        Some(constant) => Expr::number(constant, dtype),
        None => value.cast(dtype),
    }
}

/// `value` times the root of unity `turn` of order `order`; quarter turns without products.
fn turned(value: Expr, turn: i64, order: i64, inverse: bool, dtype: Dtype) -> Expr {
    let real = dtype.part();
    let negated = |value: Expr| Expr::Op(ScalarOp::Neg, real, vec![value]);
    let (re, im) = (part(ScalarOp::Re, value.clone(), real), part(ScalarOp::Im, value.clone(), real));
    // A quarter turn is a factor of -i, or i for the inverse.
    match (turn * 4 % order == 0).then_some(turn * 4 / order) {
        Some(0) => value,
        Some(2) => Expr::Op(ScalarOp::Neg, dtype, vec![value]),
        Some(quarter) if (quarter == 1) != inverse => complex(im, negated(re), dtype),
        Some(_) => complex(negated(im), re, dtype),
        None => {
            let (re, im) = root_of_unity(turn, order, inverse);
            multiply(value, Expr::Const(Literal::Complex(re, im), dtype), dtype)
        }
    }
}

/// `cis(-2 pi k / n)`, or its conjugate for the inverse; the angle is reduced to an eighth of a turn.
fn root_of_unity(k: i64, n: i64, inverse: bool) -> (f64, f64) {
    let k = i128::from(k).rem_euclid(i128::from(n));
    let n = i128::from(n);
    let quarter = (4 * k + n / 2) / n;
    let angle = 2.0 * PI * ((4 * k - quarter * n) as f64 / (4 * n) as f64);
    let (sine, cosine) = angle.sin_cos();
    let (re, im) = match quarter % 4 {
        0 => (cosine, -sine),
        1 => (-sine, -cosine),
        2 => (-cosine, sine),
        _ => (sine, cosine),
    };
    (re, if inverse { -im } else { im })
}

/// The factors of a length: fours, then primes.
fn factors(mut length: i64) -> Vec<i64> {
    let mut factors = Vec::new();
    while length % 4 == 0 && length > 0 {
        factors.push(4);
        length /= 4;
    }
    let mut prime = 2;
    while length > 1 {
        if length % prime == 0 {
            factors.push(prime);
            length /= prime;
        } else if prime * prime > length {
            prime = length;
        } else {
            prime += 1;
        }
    }
    factors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_products_of_their_factors() {
        assert_eq!(factors(48), [4, 4, 3]);
        assert_eq!(factors(2 * 5 * 7 * 7 * 101), [2, 5, 7, 7, 101]);
        assert!(factors(1).is_empty() && factors(0).is_empty());
    }

    #[test]
    fn roots_are_exact_at_quarter_turns() {
        assert_eq!(root_of_unity(0, 12, false), (1.0, 0.0));
        assert_eq!(root_of_unity(3, 12, false).1, -1.0);
        assert_eq!(root_of_unity(3, 12, true).1, 1.0);
        let (re, im) = root_of_unity(1, 8, false);
        assert!((re - 0.5f64.sqrt()).abs() < 2e-16 && (im + 0.5f64.sqrt()).abs() < 2e-16);
    }
}
