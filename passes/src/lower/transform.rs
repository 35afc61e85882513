//! Fourier transforms, axis after axis, line after line.
//!
//! - Constant lengths: [`stages`] with one step per prime factor, `n * (sum of the factors of n)`
//!   operations per line. A real line of even length is transformed as a complex one of half the length
//!   ([`real`]). A large prime length is quadratic.
//! - Symbolic lengths: [`direct`], by the definition, quadratic.
//!
//! Roots of unity come from tables that every number domain fills itself, so the loops are exact where
//! the domain is. Inverse transforms divide once, by the product of the lengths, on the last axis.

mod direct;
mod real;
mod stages;

use super::LowerError;
use super::emit::{Emitter, Env, Home};
use stages::Roots;
use std::sync::Arc;
use tcc_ir::axis::{Axis, Name};
use tcc_ir::dtype::Dtype;
use tcc_ir::extent::Extent;
use tcc_ir::graph::{Op, Table, TransformOp, ValueId};
use tcc_ir::loops::{Buffer, BufferId, Expr, Role, Stmt};
use tcc_ir::scalar::{Literal, ScalarOp};

/// Longest table of roots of unity; longer ones are filled at run time.
const LARGEST_TABLE: i64 = 1 << 20;
/// Longest line that is split into factors.
const LONGEST_LINE: i64 = 1 << 40;

/// How the lines along one axis are transformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Forward,
    /// From real numbers; only the first `n div 2 + 1` frequencies are kept.
    RealForward,
    Inverse,
    /// To real numbers, from the first `n div 2 + 1` frequencies.
    RealInverse,
}

/// The transform of one axis.
struct Pass {
    /// Position among the transformed axes.
    axis: usize,
    kind: Kind,
    /// Length of the transform.
    length: Extent,
    /// Extent of the axis before; elements that are missing are 0, further ones are not read.
    given: Extent,
    /// Extent of the axis afterwards.
    wanted: Extent,
    /// The roots of unity, where they are not in a table.
    roots: Option<BufferId>,
    /// What the results are multiplied by.
    scale: Option<Expr>,
}

/// Where the elements of a line are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Operand,
    Target,
    /// A buffer indexed by the transformed axes.
    Block(BufferId),
}

/// A line: what is read from and written to, and the indices of the other transformed axes.
struct Line {
    axis: usize,
    source: Place,
    target: Place,
    /// The index of each transformed axis; that of `axis` is replaced.
    point: Vec<Expr>,
    scale: Option<Expr>,
}

/// Computes an element of a line.
type Read<'r> = &'r dyn Fn(&mut Nest<'_, '_>, Expr) -> Result<Expr, LowerError>;
/// Uses an element of a line.
type Write<'w> = &'w dyn Fn(&mut Nest<'_, '_>, Expr, Expr) -> Result<(), LowerError>;

/// The nest under construction, inside the loops over the axes that are not transformed.
struct Nest<'e, 'g> {
    emitter: &'e mut Emitter<'g>,
    operand: ValueId,
    home: Home,
    /// Indices of the axes that are not transformed.
    env: Env,
    /// The transformed axes before and afterwards.
    from: Vec<Name>,
    to: Vec<Name>,
    /// The complex dtype of the computation.
    dtype: Dtype,
    name: Name,
}

impl Emitter<'_> {
    /// The nest of a stored transform.
    pub fn transform(&mut self, value: ValueId, env: &Env) -> Result<(), LowerError> {
        let (Op::Transform { op, axes, value: operand }, Some(home)) =
            (&self.graph.node(value).op, self.homes[value.index()].clone())
        else {
            return Err(LowerError::Loops(format!("{value} is no transform")));
        };
        let (before, after) = (self.graph.ty(*operand), self.graph.ty(value));
        let (from, to): (Vec<Name>, Vec<Name>) = axes.iter().cloned().unzip();
        let extents = |names: &[Name], value| -> Vec<Extent> {
            self.axes(value, names).into_iter().map(|axis| axis.extent).collect()
        };
        let (given, wanted) = (extents(&from, *operand), extents(&to, value));
        if given.len() != axes.len() || wanted.len() != axes.len() {
            return Err(LowerError::Loops(format!("{value} transforms an axis that does not exist")));
        }
        let dtype = if after.dtype.is_complex() { after.dtype } else { before.dtype };
        let name = self.name(value);
        let mut passes = passes(*op, &given, &wanted);
        for pass in &mut passes {
            if pass.length.as_const().is_none_or(|length| length > LARGEST_TABLE) {
                pass.roots = Some(self.computed_roots(&name, dtype, &pass.length)?);
            }
        }
        if matches!(op, TransformOp::Ifft | TransformOp::Irfft) {
            let scale = self.inverse_scale(&name, dtype.part(), &passes);
            if let Some(last) = passes.last_mut() {
                last.scale = Some(scale);
            }
        }
        let mut env = env.clone();
        let order = self.decisions.order[value.index()].clone();
        let free: Vec<Axis> = self
            .axes(value, &order)
            .into_iter()
            .filter(|axis| !env.contains_key(&axis.name) && !to.contains(&axis.name))
            .collect();
        let opened = self.open_axes(&free, &mut env)?;
        let operand = *operand;
        Nest { emitter: self, operand, home, env, from, to, dtype, name }.passes(&passes, given)?;
        self.close(opened);
        Ok(())
    }

    /// One over the product of the lengths.
    fn inverse_scale(&mut self, name: &str, part: Dtype, passes: &[Pass]) -> Expr {
        let length = |pass: &Pass| match pass.length.as_const() {
            Some(length) => Expr::Const(Literal::Real(length as f64), part),
            None => Expr::from_extent(&pass.length).cast(part),
        };
        let product = passes
            .iter()
            .map(length)
            .reduce(|a, b| Expr::Op(ScalarOp::Mul, part, vec![a, b]))
            .unwrap_or_else(|| Expr::number(1, part));
        let scale = Expr::Op(ScalarOp::Div, part, vec![Expr::number(1, part), product]);
        self.bind(&format!("{name}.scale"), scale)
    }

    /// The table of the `length` roots of unity; one for all transforms of a function.
    fn roots(&mut self, dtype: Dtype, length: i64) -> BufferId {
        let extents = vec![Extent::from(length)];
        let is_same = |buffer: &Buffer| {
            matches!(&buffer.role, Role::Table(table) if **table == Table::Dft)
                && buffer.dtype == dtype
                && buffer.extents == extents
        };
        match self.func.buffers.iter().position(is_same) {
            Some(position) => BufferId(position as u32),
            None => {
                let role = Role::Table(Arc::new(Table::Dft));
                self.func.add_buffer(Buffer::new(format!("roots.{length}"), dtype, extents, role))
            }
        }
    }
}

/// The transforms of single axes, in the order in which they run. A real transform comes where fewest
/// frequencies are left: first forward, last backward.
fn passes(op: TransformOp, given: &[Extent], wanted: &[Extent]) -> Vec<Pass> {
    let last = given.len().saturating_sub(1);
    let pass = |axis: usize| {
        let kind = match op {
            TransformOp::Fft => Kind::Forward,
            TransformOp::Rfft if axis == last => Kind::RealForward,
            TransformOp::Rfft => Kind::Forward,
            TransformOp::Irfft if axis == last => Kind::RealInverse,
            TransformOp::Ifft | TransformOp::Irfft => Kind::Inverse,
        };
        let length = match kind {
            Kind::Forward | Kind::RealForward => given[axis].clone(),
            Kind::Inverse | Kind::RealInverse => wanted[axis].clone(),
        };
        let (given, wanted) = (given[axis].clone(), wanted[axis].clone());
        Pass { axis, kind, length, given, wanted, roots: None, scale: None }
    };
    let mut passes: Vec<Pass> = (0..given.len()).map(pass).collect();
    if op == TransformOp::Rfft {
        passes.reverse();
    }
    passes
}

impl Nest<'_, '_> {
    /// All passes. `extents` are those of the transformed axes of the operand.
    fn passes(mut self, passes: &[Pass], mut extents: Vec<Extent>) -> Result<(), LowerError> {
        if passes.is_empty() {
            return self.copy();
        }
        let mut source = self.operand_block(&extents)?;
        for (position, pass) in passes.iter().enumerate() {
            let before = extents.clone();
            extents[pass.axis] = pass.wanted.clone();
            let is_complex = |emitter: &Emitter<'_>, block| emitter.func.buffer(block).dtype == self.dtype;
            let target = match source {
                _ if position + 1 == passes.len() => Place::Target,
                // A line is read completely before it is written.
                Place::Block(block) if before == extents && is_complex(self.emitter, block) => source,
                _ => Place::Block(self.scratch("block", self.dtype, extents.clone())),
            };
            let mut line = Line {
                axis: pass.axis,
                source,
                target,
                point: vec![Expr::int(0); extents.len()],
                scale: pass.scale.clone(),
            };
            let mut opened = 0;
            for (axis, extent) in extents.iter().enumerate().filter(|(axis, _)| *axis != pass.axis) {
                let name = self.to[axis].clone();
                opened += self.open(&name, Expr::from_extent(extent), &mut line.point[axis])?;
            }
            self.line(pass, &line)?;
            self.emitter.close(opened);
            source = target;
        }
        Ok(())
    }

    /// A transform along no axis: at most a change of dtype.
    fn copy(&mut self) -> Result<(), LowerError> {
        let element = self.fetch(Place::Operand, &[])?;
        let wanted = self.emitter.func.buffer(self.home.buffer).dtype;
        let element = match (self.emitter.func.dtype(&element), wanted) {
            (dtype, wanted) if dtype == wanted => element,
            (_, wanted) if wanted.is_complex() => self.complex(element, Expr::number(0, wanted.part())),
            _ => self.parts(&element).0,
        };
        self.put(Place::Target, &[], element)
    }

    /// Where the operand is read: what has no buffer is computed into one first.
    fn operand_block(&mut self, extents: &[Extent]) -> Result<Place, LowerError> {
        let node = self.emitter.graph.node(self.operand);
        let natural = matches!(node.op, Op::Input(_) | Op::Table(_) | Op::Const(_));
        if natural || self.emitter.homes[self.operand.index()].is_some() {
            return Ok(Place::Operand);
        }
        let block = self.scratch("operand", node.ty.dtype, extents.to_vec());
        let mut point = vec![Expr::int(0); extents.len()];
        let mut opened = 0;
        for (axis, extent) in extents.iter().enumerate() {
            let name = self.from[axis].clone();
            opened += self.open(&name, Expr::from_extent(extent), &mut point[axis])?;
        }
        let element = self.fetch(Place::Operand, &point)?;
        self.put(Place::Block(block), &point, element)?;
        self.emitter.close(opened);
        Ok(Place::Block(block))
    }

    /// One line along the axis of a pass.
    fn line(&mut self, pass: &Pass, line: &Line) -> Result<(), LowerError> {
        let Some(length) = pass.length.as_const().filter(|&length| length <= LONGEST_LINE) else {
            return self.direct(pass, line);
        };
        if length < 1 {
            return self.zeros(pass, line);
        }
        let inverse = matches!(pass.kind, Kind::Inverse | Kind::RealInverse);
        let table = pass.roots.unwrap_or_else(|| self.emitter.roots(self.dtype, length));
        let roots = Roots { table, length, inverse };
        match pass.kind {
            Kind::Forward | Kind::Inverse => {
                let padded = self.padded(line, &pass.given, length)?;
                let read: Read<'_> = &|nest, x| nest.read(line, padded, x);
                self.stages(length, &roots, read, &|nest, x, element| nest.write(line, x, element))
            }
            Kind::RealForward => self.real_forward(line, &roots),
            Kind::RealInverse => self.real_inverse(line, &roots, &pass.given),
        }
    }

    /// The transform of nothing.
    fn zeros(&mut self, pass: &Pass, line: &Line) -> Result<(), LowerError> {
        let mut x = Expr::int(0);
        let opened = self.open(&self.to[line.axis].clone(), Expr::from_extent(&pass.wanted), &mut x)?;
        let mut point = line.point.clone();
        point[line.axis] = x;
        let real = pass.kind == Kind::RealInverse;
        let zero = Expr::number(0, if real { self.dtype.part() } else { self.dtype });
        self.put(line.target, &point, zero)?;
        self.emitter.close(opened);
        Ok(())
    }

    /// If fewer than `needed` elements may be given, a buffer with the line and zeros behind it.
    fn padded(&mut self, line: &Line, given: &Extent, needed: i64) -> Result<Option<BufferId>, LowerError> {
        let (given, needed) = (Expr::from_extent(given), Expr::int(needed));
        if self.emitter.ranges.proves_le(&needed, &given) {
            return Ok(None);
        }
        let extent = Extent::from(needed.as_int().unwrap_or(0));
        let buffer = self.scratch("padded", self.dtype, vec![extent]);
        let name = self.from[line.axis].clone();
        let x = self.emitter.open_loop(&name, &[Expr::int(0)], &[given.clone(), needed.clone()])?;
        let element = self.read(line, None, x.clone())?;
        self.emitter.push(Stmt::Store(buffer, vec![x], element));
        self.emitter.close(1);
        let x = self.emitter.open_loop(&name, &[given], &[needed])?;
        self.emitter.push(Stmt::Store(buffer, vec![x], Expr::number(0, self.dtype)));
        self.emitter.close(1);
        Ok(Some(buffer))
    }

    /// Element `x` of a line, or of the buffer that holds it.
    fn read(&mut self, line: &Line, padded: Option<BufferId>, x: Expr) -> Result<Expr, LowerError> {
        if let Some(buffer) = padded {
            return Ok(Expr::Load(buffer, vec![x]));
        }
        let mut point = line.point.clone();
        point[line.axis] = x;
        let element = self.fetch(line.source, &point)?;
        Ok(if self.emitter.func.dtype(&element).is_complex() {
            element
        } else {
            self.complex(element, Expr::number(0, self.dtype.part()))
        })
    }

    /// Writes element `x` of a result, scaled.
    fn write(&mut self, line: &Line, x: Expr, element: Expr) -> Result<(), LowerError> {
        let mut point = line.point.clone();
        point[line.axis] = x;
        let is_complex = self.emitter.func.dtype(&element).is_complex();
        let element = match &line.scale {
            Some(scale) if is_complex => {
                let element = self.emitter.bind(&self.name.clone(), element);
                let (re, im) = self.parts(&element);
                self.complex(self.mul(re, scale.clone()), self.mul(im, scale.clone()))
            }
            Some(scale) => self.mul(element, scale.clone()),
            None => element,
        };
        self.put(line.target, &point, element)
    }

    /// The element at the indices of the transformed axes.
    fn fetch(&mut self, place: Place, point: &[Expr]) -> Result<Expr, LowerError> {
        match place {
            Place::Block(block) => Ok(Expr::Load(block, point.to_vec())),
            Place::Operand | Place::Target => {
                let mut env = self.env.clone();
                env.extend(self.from.iter().cloned().zip(point.iter().cloned()));
                self.emitter.value(self.operand, &env)
            }
        }
    }

    fn put(&mut self, place: Place, point: &[Expr], element: Expr) -> Result<(), LowerError> {
        let (buffer, indices) = match place {
            Place::Block(block) => (block, point.to_vec()),
            Place::Operand | Place::Target => {
                let mut env = self.env.clone();
                env.extend(self.to.iter().cloned().zip(point.iter().cloned()));
                (self.home.buffer, self.emitter.place(&self.home, &env)?)
            }
        };
        self.emitter.push(Stmt::Store(buffer, indices, element));
        Ok(())
    }

    // Small things.

    fn scratch(&mut self, what: &str, dtype: Dtype, extents: Vec<Extent>) -> BufferId {
        let name = format!("{}.{what}", self.name);
        self.emitter.scratch(&name, dtype, extents)
    }

    /// Opens a loop over `0..count` and sets `counter`; none where it would run once.
    fn open(&mut self, name: &str, count: Expr, counter: &mut Expr) -> Result<usize, LowerError> {
        if count.as_int() == Some(1) {
            *counter = Expr::int(0);
            return Ok(0);
        }
        *counter = self.emitter.open_loop(name, &[Expr::int(0)], &[count])?;
        Ok(1)
    }

    /// Names a complex element.
    fn bind(&mut self, element: Expr) -> Expr {
        self.emitter.bind(&self.name.clone(), element)
    }

    fn parts(&self, element: &Expr) -> (Expr, Expr) {
        let part = |op| Expr::Op(op, self.dtype.part(), vec![element.clone()]);
        (part(ScalarOp::Re), part(ScalarOp::Im))
    }

    fn complex(&self, re: Expr, im: Expr) -> Expr {
        Expr::Op(ScalarOp::MakeComplex, self.dtype, vec![re, im])
    }

    fn conj(&self, a: Expr) -> Expr {
        Expr::Op(ScalarOp::Conj, self.dtype, vec![a])
    }

    fn binary(&self, op: ScalarOp, a: Expr, b: Expr) -> Expr {
        let dtype = self.emitter.func.dtype(&a);
        Expr::Op(op, dtype, vec![a, b])
    }

    fn add(&self, a: Expr, b: Expr) -> Expr {
        self.binary(ScalarOp::Add, a, b)
    }

    fn sub(&self, a: Expr, b: Expr) -> Expr {
        self.binary(ScalarOp::Sub, a, b)
    }

    fn mul(&self, a: Expr, b: Expr) -> Expr {
        self.binary(ScalarOp::Mul, a, b)
    }

    fn negative(&self, a: Expr) -> Expr {
        let dtype = self.emitter.func.dtype(&a);
        Expr::Op(ScalarOp::Neg, dtype, vec![a])
    }

    /// `i` times a named element.
    fn times_i(&self, element: &Expr) -> Expr {
        let (re, im) = self.parts(element);
        self.complex(self.negative(im), re)
    }
}
