//! Reads and writes at computed places.
//!
//! Loads happen whether or not their value is selected, so the place of a load always exists: an
//! index that is not certainly in range is moved into the range, or the load stands under an `if`.

use super::LowerError;
use super::emit::{Emitter, Env, identity};
use super::recurrence::Part;
use tcc_ir::axis::{Axis, Name, union_axes};
use tcc_ir::dtype::Dtype;
use tcc_ir::graph::{Op, ValueId};
use tcc_ir::loops::{Expr, Stmt};
use tcc_ir::scalar::ReduceOp;

impl Emitter<'_> {
    /// The value of an access at a point.
    pub fn access(
        &mut self,
        value: ValueId,
        source: ValueId,
        indices: &[ValueId],
        outside: Option<ValueId>,
        env: &Env,
    ) -> Result<Expr, LowerError> {
        let dtype = self.graph.ty(value).dtype;
        let axes = self.graph.ty(source).axes.clone();
        let mut places = Vec::with_capacity(axes.len());
        for (axis, &index) in axes.iter().zip(indices) {
            let place = match &self.fixed_step {
                Some((fixed, step)) if *fixed == index => step.clone(),
                _ => {
                    let place = self.place_index(index, env)?;
                    self.small(&axis.name, place)
                }
            };
            places.push(place);
        }
        // A window that is filled with the outside value can be read before the first step.
        let stepped = self.prefilled[source.index()]
            .then(|| self.homes[source.index()].as_ref()?.window.as_ref().map(|(axis, _)| axis.clone()))
            .flatten();
        let (condition, emptiable) = self.in_range(&axes, &places, stepped.as_ref());
        if condition.as_bool() == Some(true) {
            return self.value_at(source, &axes, places);
        }
        let outside = match outside {
            Some(outside) => self.value(outside, env)?,
            None => Expr::number(0, dtype),
        };
        if condition.as_bool() == Some(false) || axes.iter().any(|axis| axis.extent.as_const() == Some(0)) {
            return Ok(outside);
        }
        if !emptiable && !self.is_costly(source) {
            let places = self.clamped(&axes, places, stepped.as_ref());
            let inside = self.value_at(source, &axes, places)?;
            return Ok(Expr::select(condition, inside, outside, dtype));
        }
        let name = self.name(value);
        let register = self.register(&name, dtype, outside);
        let opened = self.open_if(condition)?;
        let inside = self.value_at(source, &axes, places)?;
        self.push(Stmt::Store(register, Vec::new(), inside));
        self.close(opened);
        Ok(Expr::Load(register, Vec::new()))
    }

    /// An index at a point: any integer in the graph, an i64 in loops.
    fn place_index(&mut self, index: ValueId, env: &Env) -> Result<Expr, LowerError> {
        let place = self.value(index, env)?;
        Ok(if self.graph.ty(index).dtype == Dtype::I64 { place } else { place.cast(Dtype::I64) })
    }

    fn value_at(&mut self, source: ValueId, axes: &[Axis], places: Vec<Expr>) -> Result<Expr, LowerError> {
        let env: Env = axes.iter().map(|axis| axis.name.clone()).zip(places).collect();
        self.value(source, &env)
    }

    /// Names an index expression that is more than a counter and a constant, since it is used several times.
    fn small(&mut self, name: &str, index: Expr) -> Expr {
        if index.size() <= 3 && index.reads().is_empty() { index } else { self.bind(name, index) }
    }

    /// The condition that all places exist, and whether an axis that needs a test may have no place at all.
    /// The axis `exempt` is not tested.
    fn in_range(&self, axes: &[Axis], places: &[Expr], exempt: Option<&Name>) -> (Expr, bool) {
        let mut condition = Expr::bool(true);
        let mut emptiable = false;
        for (axis, place) in axes.iter().zip(places).filter(|(axis, _)| Some(&axis.name) != exempt) {
            let extent = Expr::from_extent(&axis.extent);
            let (low, high) =
                (self.ranges.proves_le(&Expr::int(0), place), self.ranges.proves_lt(place, &extent));
            if !low {
                condition = Expr::and(condition, Expr::le(Expr::int(0), place.clone()));
            }
            if !high {
                condition = Expr::and(condition, Expr::lt(place.clone(), extent));
            }
            emptiable |= !(low && high) && axis.extent.as_const().is_none_or(|extent| extent < 1);
        }
        (condition, emptiable)
    }

    /// Indices moved to the nearest place that exists.
    fn clamped(&self, axes: &[Axis], places: Vec<Expr>, exempt: Option<&Name>) -> Vec<Expr> {
        let mut clamped = Vec::with_capacity(places.len());
        for (axis, place) in axes.iter().zip(places) {
            if Some(&axis.name) == exempt {
                clamped.push(place);
                continue;
            }
            let last = Expr::sub(Expr::from_extent(&axis.extent), Expr::int(1));
            let place = if self.ranges.proves_le(&Expr::int(0), &place) {
                place
            } else {
                Expr::max(place, Expr::int(0))
            };
            clamped.push(if self.ranges.proves_le(&place, &last) { place } else { Expr::min(place, last) });
        }
        clamped
    }

    /// A stored access that is read at one step of a recurrence, inside its loop: written when the
    /// loop is at that step.
    pub fn access_at_step(&mut self, value: ValueId, step: &Expr) -> Result<(), LowerError> {
        let (Some((_, Part::At(index))), Some(home)) =
            (self.decisions.recurrences.place[value.index()].clone(), self.homes[value.index()].clone())
        else {
            return Err(LowerError::Loops(format!("{value} is not read at one step")));
        };
        let at = self.place_index(index, &Env::new())?;
        let opened = self.open_if(Expr::eq(step.clone(), at))?;
        let mut env = Env::new();
        let loops = self.open_nest(value, &mut env)?;
        self.fixed_step = Some((index, step.clone()));
        let computed = self.compute(value, &env);
        self.fixed_step = None;
        let place = self.place(&home, &env)?;
        self.push(Stmt::Store(home.buffer, place, computed?));
        self.close(opened + loops);
        Ok(())
    }

    /// Fills the buffer of such an access with its outside value, unless the step certainly comes.
    pub fn access_at_no_step(&mut self, value: ValueId) -> Result<(), LowerError> {
        let (Op::Access { source, indices, outside }, Some((_, Part::At(index))), Some(home)) = (
            &self.graph.node(value).op,
            self.decisions.recurrences.place[value.index()].clone(),
            self.homes[value.index()].clone(),
        ) else {
            return Err(LowerError::Loops(format!("{value} is not read at one step")));
        };
        let at = self.place_index(index, &Env::new())?;
        let axes = &self.graph.ty(*source).axes;
        let stepped =
            indices.iter().position(|&other| other == index).and_then(|position| axes.get(position));
        let comes = stepped.is_some_and(|axis| {
            self.ranges.proves_le(&Expr::int(0), &at)
                && self.ranges.proves_lt(&at, &Expr::from_extent(&axis.extent))
        });
        if comes {
            return Ok(());
        }
        let mut env = Env::new();
        let loops = self.open_nest(value, &mut env)?;
        let filler = match outside {
            Some(outside) => self.value(*outside, &env)?,
            None => Expr::number(0, self.graph.ty(value).dtype),
        };
        let place = self.place(&home, &env)?;
        self.push(Stmt::Store(home.buffer, place, filler));
        self.close(loops);
        Ok(())
    }

    /// The nest of a scatter: identities first, then every point of the union of the axes in order.
    pub fn scatter(
        &mut self,
        value: ValueId,
        op: ReduceOp,
        indices: &[ValueId],
        operand: ValueId,
        env: &Env,
    ) -> Result<(), LowerError> {
        let Some(home) = self.homes[value.index()].clone() else {
            return Err(LowerError::Loops(format!("{value} has no buffer")));
        };
        let dtype = self.graph.ty(value).dtype;
        let mut filled = env.clone();
        let loops = self.open_nest(value, &mut filled)?;
        let place = self.place(&home, &filled)?;
        self.push(Stmt::Store(home.buffer, place, identity(op, dtype)));
        self.close(loops);

        let lists = indices.iter().chain([&operand]).map(|&v| self.graph.ty(v).axes.as_slice());
        let union =
            union_axes(lists).map_err(|axis| LowerError::Loops(format!("axis `{axis}` has two extents")))?;
        let union: Vec<Axis> = union.into_iter().filter(|axis| !env.contains_key(&axis.name)).collect();
        let guarded = self.guarded(operand, op);
        let mut point = env.clone();
        let mut opened = self.open_guarded(&union, &guarded, &mut point)?;
        let axes = self.graph.ty(value).axes.clone();
        let mut places = Vec::with_capacity(axes.len());
        for (axis, &index) in axes.iter().zip(indices) {
            let place = self.place_index(index, &point)?;
            places.push(self.small(&axis.name, place));
        }
        let (condition, _) = self.in_range(&axes, &places, None);
        opened += self.open_if(condition)?;
        let term = self.guarded_value(&guarded, dtype, &point)?;
        let target: Env = axes.iter().map(|axis| axis.name.clone()).zip(places).collect();
        let place = self.place(&home, &target)?;
        self.push(Stmt::Accumulate(op, home.buffer, place, term));
        self.close(opened);
        Ok(())
    }

    /// The loops of a check: one test per point.
    pub fn check(&mut self, value: ValueId, site: usize) -> Result<(), LowerError> {
        let mut env = Env::new();
        let axes = self.graph.ty(value).axes.clone();
        let opened = self.open_axes(&axes, &mut env)?;
        let condition = self.value(value, &env)?;
        debug_assert_eq!(self.func.dtype(&condition), Dtype::Bool);
        self.push(Stmt::Check(condition, site));
        self.close(opened);
        Ok(())
    }
}
