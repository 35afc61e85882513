//! Softmax and logsumexp along rows: the largest value first, so that no exponential overflows.
//!
//! A guard (a select to -inf) bounds the loops: nothing outside it is computed.

use super::LowerError;
use super::emit::{Emitter, Env, identity};
use super::guard::Guarded;
use tcc_ir::axis::{Axis, Name};
use tcc_ir::dtype::Dtype;
use tcc_ir::graph::{Op, ValueId};
use tcc_ir::loops::{BufferId, Expr, Stmt};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};

/// A row that is being normalised.
struct Row<'r> {
    axes: &'r [Axis],
    guarded: &'r Guarded,
    dtype: Dtype,
    name: &'r str,
}

impl Emitter<'_> {
    /// The nest of a stored softmax.
    pub fn softmax(&mut self, value: ValueId, env: &Env) -> Result<(), LowerError> {
        let (Op::Normalise { axes, value: operand, .. }, Some(home)) =
            (&self.graph.node(value).op, self.homes[value.index()].clone())
        else {
            return Err(LowerError::Loops(format!("{value} is no softmax")));
        };
        let dtype = self.graph.ty(value).dtype;
        let mut env = env.clone();
        let order = self.decisions.order[value.index()].clone();
        let (row, free): (Vec<Axis>, Vec<Axis>) = self
            .axes(value, &order)
            .into_iter()
            .filter(|axis| !env.contains_key(&axis.name))
            .partition(|axis| axes.contains(&axis.name));
        let guarded = self.guarded(*operand, ReduceOp::Max);
        let opened = self.open_axes(&free, &mut env)?;
        let name = self.name(value);
        let row = Row { axes: &row, guarded: &guarded, dtype, name: &name };
        if !guarded.conditions.is_empty() {
            let mut point = env.clone();
            let loops = self.open_axes(row.axes, &mut point)?;
            let place = self.place(&home, &point)?;
            self.push(Stmt::Store(home.buffer, place, Expr::number(0, dtype)));
            self.close(loops);
        }
        let place = |emitter: &Self, point: &Env| emitter.place(&home, point);
        let (shift, sum) = self.row_sums(&row, &env, Some((home.buffer, &place)))?;
        let _ = shift;
        // Where every value is -inf the sum is 0 and so is each term.
        let is_zero = Expr::Op(ScalarOp::Eq, Dtype::Bool, vec![sum.clone(), Expr::number(0, dtype)]);
        let divisor = Expr::select(is_zero, Expr::number(1, dtype), sum, dtype);
        // No sum is less than 1, as the largest value adds 1, so the inverse is no infinity.
        let (word, divisor) = if self.decisions.reassociates {
            ("inverse", Expr::Op(ScalarOp::Div, dtype, vec![Expr::number(1, dtype), divisor]))
        } else {
            ("divisor", divisor)
        };
        let factor = self.bind(&format!("{name}.{word}"), divisor);
        let op = if self.decisions.reassociates { ScalarOp::Mul } else { ScalarOp::Div };
        let mut point = env.clone();
        let loops = self.open_guarded(row.axes, &guarded, &mut point)?;
        let at = self.place(&home, &point)?;
        let term = Expr::Load(home.buffer, at.clone());
        self.push(Stmt::Store(home.buffer, at, Expr::Op(op, dtype, vec![term, factor])));
        self.close(loops + opened);
        Ok(())
    }

    /// The value of a logsumexp at a point.
    pub fn logsumexp(
        &mut self,
        value: ValueId,
        axes: &[Name],
        operand: ValueId,
        env: &Env,
    ) -> Result<Expr, LowerError> {
        let dtype = self.graph.ty(value).dtype;
        let guarded = self.guarded(operand, ReduceOp::Max);
        let axes = self.axes(operand, axes);
        let name = self.name(value);
        let row = Row { axes: &axes, guarded: &guarded, dtype, name: &name };
        let (shift, sum) = if self.is_costly(guarded.value) {
            let extents = axes.iter().map(|axis| axis.extent.clone()).collect();
            let buffer = self.scratch(&format!("{name}.row"), dtype, extents);
            let place = |_: &Self, point: &Env| {
                let indices = axes.iter().map(|axis| point.get(&axis.name).cloned());
                indices
                    .collect::<Option<Vec<_>>>()
                    .ok_or_else(|| LowerError::Loops("a row has no index".into()))
            };
            self.row_sums(&row, env, Some((buffer, &place)))?
        } else {
            self.row_sums(&row, env, None)?
        };
        let log = Expr::Op(ScalarOp::Log, dtype, vec![sum]);
        Ok(Expr::Op(ScalarOp::Add, dtype, vec![shift, log]))
    }

    /// The passes for the largest value and for the sum of exponentials. With a buffer, costly values are
    /// computed once: it holds them after the first pass, and the exponentials after the second.
    /// The results are the shift (the largest value; 0 if that is -inf) and the sum.
    #[allow(clippy::type_complexity)]
    fn row_sums(
        &mut self,
        row: &Row<'_>,
        env: &Env,
        buffer: Option<(BufferId, &dyn Fn(&Self, &Env) -> Result<Vec<Expr>, LowerError>)>,
    ) -> Result<(Expr, Expr), LowerError> {
        let dtype = row.dtype;
        let values = buffer.filter(|_| self.is_costly(row.guarded.value));
        let largest = self.register(&format!("{}.max", row.name), dtype, identity(ReduceOp::Max, dtype));
        let mut point = env.clone();
        let loops = self.open_guarded(row.axes, row.guarded, &mut point)?;
        let term = self.guarded_value(row.guarded, dtype, &point)?;
        let term = match &values {
            Some((buffer, place)) => {
                let term = self.bind(&format!("{}.x", row.name), term);
                let at = place(self, &point)?;
                self.push(Stmt::Store(*buffer, at, term.clone()));
                term
            }
            None => term,
        };
        self.push(Stmt::Accumulate(ReduceOp::Max, largest, Vec::new(), term));
        self.close(loops);

        let largest = Expr::Load(largest, Vec::new());
        let lowest = Expr::Const(Literal::Real(f64::NEG_INFINITY), dtype);
        let is_lowest = Expr::Op(ScalarOp::Eq, Dtype::Bool, vec![largest.clone(), lowest]);
        let shift = Expr::select(is_lowest, Expr::number(0, dtype), largest, dtype);
        let shift = self.bind(&format!("{}.shift", row.name), shift);

        let sum = self.register(&format!("{}.sum", row.name), dtype, Expr::number(0, dtype));
        let mut point = env.clone();
        let loops = self.open_guarded(row.axes, row.guarded, &mut point)?;
        let term = match &values {
            Some((buffer, place)) => Expr::Load(*buffer, place(self, &point)?),
            None => self.guarded_value(row.guarded, dtype, &point)?,
        };
        let difference = Expr::Op(ScalarOp::Sub, dtype, vec![term, shift.clone()]);
        // No difference is above 0. The bound says so to who expands the exponential.
        let difference = Expr::Op(ScalarOp::Min, dtype, vec![difference, Expr::number(0, dtype)]);
        let term = Expr::Op(ScalarOp::Exp, dtype, vec![difference]);
        let term = match &buffer {
            Some((buffer, place)) => {
                let term = self.bind(&format!("{}.e", row.name), term);
                let at = place(self, &point)?;
                self.push(Stmt::Store(*buffer, at, term.clone()));
                term
            }
            None => term,
        };
        self.push(Stmt::Accumulate(ReduceOp::Sum, sum, Vec::new(), term));
        self.close(loops);
        Ok((shift, Expr::Load(sum, Vec::new())))
    }
}
