//! Transforms whose length is a symbol (or beyond all memory): by the definition, with a quadratic number of operations.

use super::{Kind, Line, Nest, Pass};
use crate::lower::LowerError;
use crate::lower::emit::Emitter;
use tcc_ir::dtype::Dtype;
use tcc_ir::extent::Extent;
use tcc_ir::loops::{BufferId, Expr, Stmt};
use tcc_ir::scalar::{Literal, ScalarOp};

impl Emitter<'_> {
    /// A buffer filled with the roots of unity of a length, `cis(-2 pi x / length)`. What is filled
    /// outside all loops serves all transforms.
    pub(super) fn computed_roots(
        &mut self,
        name: &str,
        dtype: Dtype,
        length: &Extent,
    ) -> Result<BufferId, LowerError> {
        let key = (length.clone(), false, dtype);
        if let Some((_, known)) = self.roots_of_unity.iter().find(|(other, _)| *other == key) {
            return Ok(*known);
        }
        let roots = self.scratch(&format!("{name}.roots"), dtype, vec![length.clone()]);
        let count = Expr::from_extent(length);
        let x = self.open_loop(&format!("{name}.x"), &[Expr::int(0)], std::slice::from_ref(&count))?;
        let real = |op, operands| Expr::Op(op, Dtype::F64, operands);
        let turn = Expr::Const(Literal::Real(-2.0 * std::f64::consts::PI), Dtype::F64);
        let angle = real(ScalarOp::Mul, vec![turn, x.clone().cast(Dtype::F64)]);
        let angle = real(ScalarOp::Div, vec![angle, count.cast(Dtype::F64)]);
        let angle = self.bind(&format!("{name}.angle"), angle);
        let part = |op| match real(op, vec![angle.clone()]) {
            number if dtype.part() == Dtype::F64 => number,
            number => number.cast(dtype.part()),
        };
        let root = Expr::Op(ScalarOp::MakeComplex, dtype, vec![part(ScalarOp::Cos), part(ScalarOp::Sin)]);
        self.push(Stmt::Store(roots, vec![x], root));
        self.close(1);
        if self.at_top() {
            self.roots_of_unity.push((key, roots));
        }
        Ok(roots)
    }
}

impl Nest<'_, '_> {
    /// One line: `sum[x] u[x] cis(-+ 2 pi x y / n)` for every y.
    pub(super) fn direct(&mut self, pass: &Pass, line: &Line) -> Result<(), LowerError> {
        let Some(roots) = pass.roots else {
            return Err(LowerError::Loops("a transform has no roots".into()));
        };
        let (from, to) = (self.from[line.axis].clone(), self.to[line.axis].clone());
        let length = Expr::from_extent(&pass.length);
        let given = Expr::from_extent(&pass.given);
        // The result may overwrite the source, which every element of the result depends on.
        let copy = self.scratch("line", self.dtype, vec![pass.given.clone()]);
        let mut x = Expr::int(0);
        let opened = self.open(&from, given.clone(), &mut x)?;
        let element = self.read(line, None, x.clone())?;
        self.emitter.push(Stmt::Store(copy, vec![x], element));
        self.emitter.close(opened);

        let mut y = Expr::int(0);
        let opened = self.open(&to, Expr::from_extent(&pass.wanted), &mut y)?;
        let real = pass.kind == Kind::RealInverse;
        let dtype = if real { self.dtype.part() } else { self.dtype };
        let sum = self.register("sum", dtype, Expr::number(0, dtype));
        let turn = self.register("turn", Dtype::I64, Expr::int(0));
        let needed = match pass.kind {
            Kind::RealInverse => Expr::add(Expr::floordiv(length.clone(), Expr::int(2)), Expr::int(1)),
            Kind::Forward | Kind::RealForward | Kind::Inverse => length.clone(),
        };
        let x = self.emitter.open_loop(&from, &[Expr::int(0)], &[given, needed])?;
        let element = self.bind(Expr::Load(copy, vec![x.clone()]));
        let root = Expr::Load(roots, vec![Expr::Load(turn, Vec::new())]);
        let term = match pass.kind {
            Kind::Forward | Kind::RealForward => self.mul(element, root),
            Kind::Inverse => self.mul(element, self.conj(root)),
            Kind::RealInverse => self.real_term(&element, root, (x, &length)),
        };
        self.accumulate(sum, term);
        self.advance(turn, y.clone(), &length);
        self.emitter.close(1);
        self.write(line, y, Expr::Load(sum, Vec::new()))?;
        self.emitter.close(opened);
        Ok(())
    }

    /// What frequency `x` and its conjugate add to a real sum. Frequency 0 and, for an even length, the
    /// middle one have no conjugate, and their imaginary parts have no meaning.
    fn real_term(&mut self, element: &Expr, root: Expr, (x, length): (Expr, &Expr)) -> Expr {
        let part = self.dtype.part();
        let root = self.bind(root);
        let ((re, im), (cos, sin)) = (self.parts(element), self.parts(&root));
        let name = self.named("real");
        let alone = self.emitter.bind(&name, self.mul(re, cos));
        let both = self.add(alone.clone(), self.mul(im, sin));
        let both = self.emitter.bind(&name, both);
        let twice = self.add(both.clone(), both);
        let is_end =
            Expr::or(Expr::eq(x.clone(), Expr::int(0)), Expr::eq(Expr::mul(x, Expr::int(2)), length.clone()));
        Expr::select(is_end, alone, twice, part)
    }
}
