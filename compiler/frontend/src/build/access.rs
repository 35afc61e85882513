//! Reads: which value stands at a place, and what must hold for the place to exist.

use super::body::Body;
use super::implied;
use super::recur::Member;
use super::value::{Stored, Value};
use crate::ast::Span;
use crate::check::Reported;
use crate::check::dtypes::{self, Numeric};
use crate::check::ranges::{Bounds, Verdict, index_symbol};
use crate::check::recurrence;
use crate::check::resolved::{Expr, ExprKind, Place, PlaceKind, Read, Source, TableData, VariableId};
use crate::diagnostic::{Code, Diagnostic, FIX};
use std::sync::Arc;
use tcc_ir::axis::{Axis, Type};
use tcc_ir::graph::{Direction, Op, Table, ValueId};
use tcc_ir::scalar::ScalarOp;
use tcc_ir::{Dtype, Extent, Kind, Relation, planted};

/// A place that has been built.
struct Index {
    value: Value,
    /// The index that stands there by itself.
    bare: Option<VariableId>,
    span: Span,
}

impl Body<'_, '_> {
    pub fn read(&mut self, read: &Read, span: Span) -> Result<Value, Reported> {
        let indices: Vec<_> = read.places.iter().map(|place| self.place(place)).collect();
        let indices = indices.into_iter().collect::<Result<Vec<_>, _>>();
        if let Source::Tensor(id) = read.source
            && let Some(members) = self.members
            && let Some(member) = members.get(id)
        {
            return self.read_member(read, member, indices?, span);
        }
        let source = self.source(&read.source, &read.places)?;
        self.read_stored(read, &source, indices?, span)
    }

    fn source(&mut self, source: &Source, places: &[Place]) -> Result<Stored, Reported> {
        match source {
            Source::Tensor(id) => self.all.stored[id.index()].clone().ok_or(Reported),
            Source::Table(data) => Ok(self.table(data, places)),
            Source::Dft(extent) => {
                let axes = self.axes_for(places, &[extent.clone(), extent.clone()], "dft");
                let written = Type::new(Dtype::C128, axes.clone());
                let id = self.all.builder.add(Op::Table(Arc::new(Table::Dft)), &written);
                let mut stored = Stored::of_type(id, Dtype::C128, axes);
                stored.numeric.weak = true;
                stored.data = false;
                Ok(stored)
            }
        }
    }

    fn table(&mut self, data: &TableData, places: &[Place]) -> Stored {
        let extents: Vec<Extent> =
            data.shape.iter().map(|&n| Extent::from(i64::try_from(n).unwrap_or(i64::MAX))).collect();
        let axes = self.axes_for(places, &extents, "table");
        let numeric = dtypes::table(&data.elements);
        let table = Table::Literals(data.elements.clone());
        let written = Type::new(numeric.dtype, axes.clone());
        let id = self.all.builder.add(Op::Table(Arc::new(table)), &written);
        let mut stored = Stored::of_type(id, numeric.dtype, axes);
        (stored.numeric, stored.data) = (numeric, false);
        let integers = data.elements.iter().map(|element| match element {
            tcc_ir::scalar::Literal::Int(value) => Some(*value),
            _ => None,
        });
        if let Some(integers) = integers.collect::<Option<Vec<i64>>>()
            && let (Some(low), Some(high)) = (integers.iter().min(), integers.iter().max())
        {
            stored.bounds = Some(Bounds { low: (*low).into(), high: (*high).into(), tight: false });
        }
        stored
    }

    /// Axes of a constant tensor: named after the indices that stand there, so that no renaming is
    /// needed.
    fn axes_for(&self, places: &[Place], extents: &[Extent], name: &str) -> Vec<Axis> {
        let mut axes: Vec<Axis> = Vec::new();
        for (position, (place, extent)) in places.iter().zip(extents).enumerate() {
            let wanted = match &place.kind {
                PlaceKind::Bare(variable) => self.equation.variables[variable.index()].axis.clone(),
                PlaceKind::Group(_) | PlaceKind::Computed(_) => format!("{name}.{position}").into(),
            };
            let taken = axes.iter().any(|axis| axis.name == wanted);
            let axis_name = if taken { format!("{name}.{position}").into() } else { wanted };
            axes.push(Axis::new(axis_name, extent.clone()));
        }
        axes
    }

    fn place(&mut self, place: &Place) -> Result<Index, Reported> {
        let span = place.span;
        match &place.kind {
            PlaceKind::Bare(variable) => {
                let value = self.expr(&Expr { kind: ExprKind::Index(*variable), span })?;
                Ok(Index { value, bare: Some(*variable), span })
            }
            PlaceKind::Group(members) => Ok(Index { value: self.group(members), bare: None, span }),
            PlaceKind::Computed(expr) => Ok(Index { value: self.integer(expr)?, bare: None, span }),
        }
    }

    /// `(h k)` as a number: `h*K + k`.
    pub fn group(&mut self, members: &[VariableId]) -> Value {
        let mut total: Option<Value> = None;
        for member in members {
            let axis = self.axis(*member);
            let id = self.all.builder.index(&axis);
            let mut index = Value::plain(id, Numeric::weak(Kind::Int), false);
            index.place = Some(index_symbol(&axis.name));
            total = Some(match total {
                None => index,
                Some(total) => {
                    let id = self.all.builder.size(&axis.extent);
                    let mut size = Value::plain(id, Numeric::weak(Kind::Int), false);
                    size.place = Some(axis.extent.clone());
                    let scaled = self.linear(ScalarOp::Mul, &total, &size);
                    self.linear(ScalarOp::Add, &scaled, &index)
                }
            });
        }
        total.unwrap_or_else(|| self.int(0))
    }

    /// An expression that selects a place: an integer, as i64.
    pub fn integer(&mut self, expr: &Expr) -> Result<Value, Reported> {
        let value = self.expr(expr)?;
        let dtype = self.all.builder.dtype(value.id);
        if !dtype.is_int() {
            let help = match (&expr.kind, dtype.kind()) {
                (ExprKind::Chain(_, rest), _)
                    if rest.iter().any(|(op, _)| *op == crate::ast::BinaryOp::Div) =>
                {
                    "write `div` instead of `/`"
                }
                (_, Kind::Bool) => "write [..] to make 0 or 1 of a truth value",
                _ => "say how to round: i64(floor(..))",
            };
            return Err(self.error(
                Diagnostic::new(Code::IndexNotInteger, format!("a place must be an integer, not {dtype}"))
                    .label(expr.span, format!("{dtype} here"))
                    .help(help),
            ));
        }
        let id = self.cast(&value, Dtype::I64);
        Ok(Value { id, ..value })
    }

    /// The verdict about each place of a read.
    fn verdicts(&self, read: &Read, indices: &[Index], axes: &[Axis]) -> Vec<Verdict> {
        let padded = read.outside.is_some();
        indices.iter().zip(axes).map(|(index, axis)| self.verdict(index, axis, padded)).collect()
    }

    fn verdict(&self, index: &Index, axis: &Axis, padded: bool) -> Verdict {
        if let Some(variable) = index.bare {
            let size = &self.sizes[variable.index()];
            // Bare positions agree, or a requirement says so; padded ones need not.
            if size.extent == axis.extent || !(size.explicit || padded) {
                return Verdict::Inside;
            }
        }
        match self.bounds(&index.value) {
            Some(bounds) => self.facts().decide(&bounds, &axis.extent),
            None => Verdict::Unknown,
        }
    }

    fn read_stored(
        &mut self,
        read: &Read,
        source: &Stored,
        indices: Vec<Index>,
        span: Span,
    ) -> Result<Value, Reported> {
        let verdicts = self.verdicts(read, &indices, &source.axes);
        let padded = read.outside.is_some() && verdicts.iter().any(|verdict| *verdict != Verdict::Inside);
        let data = source.data || indices.iter().any(|index| index.value.data);
        let Some(outside) = &read.outside else {
            self.must_be_inside(read, &source.axes, &indices, &verdicts, span)?;
            let id = self.gather(source.id, &source.axes, &indices, None);
            let mut value = Value::plain(id, source.numeric, data);
            (value.place, value.bounds) = (source.place.clone(), source.bounds.clone());
            return Ok(value);
        };
        let outside = self.outside(outside, &source.axes, &indices, &verdicts)?;
        let joined = dtypes::join(source.numeric, self.numeric(&outside));
        if !padded {
            let id = self.gather(source.id, &source.axes, &indices, None);
            let id = self.all.builder.cast(id, joined.dtype);
            return Ok(Value::plain(id, joined, data || outside.data));
        }
        let full = self.all.builder.broadcast(source.id, &source.axes);
        let full = self.all.builder.cast(full, joined.dtype);
        let other = self.cast(&outside, joined.dtype);
        let id = self.gather(full, &source.axes, &indices, Some(other));
        let mut value = Value::plain(id, joined, data || outside.data);
        if let (Some(a), Some(b)) = (&source.bounds, self.bounds(&outside))
            && *a == b
        {
            value.bounds = Some(b);
        }
        Ok(value)
    }

    /// Builds the outside value of a read; it is looked at only where the place does not exist.
    fn outside(
        &mut self,
        outside: &Expr,
        axes: &[Axis],
        indices: &[Index],
        verdicts: &[Verdict],
    ) -> Result<Value, Reported> {
        if matches!(outside.kind, ExprKind::Int(_) | ExprKind::Float(_) | ExprKind::Bool(_)) {
            return self.expr(outside);
        }
        let inside = self.all_inside(axes, indices, verdicts);
        let missing = match inside {
            Some(inside) => self.all.builder.not(inside),
            None => self.all.builder.constant(tcc_ir::scalar::Literal::Bool(false), Dtype::Bool),
        };
        self.under(Some(missing), |body| body.expr(outside))
    }

    fn all_inside(&mut self, axes: &[Axis], indices: &[Index], verdicts: &[Verdict]) -> Option<ValueId> {
        let mut all = None;
        for ((axis, index), verdict) in axes.iter().zip(indices).zip(verdicts) {
            if *verdict != Verdict::Inside {
                let inside = self.inside(index.value.id, &axis.extent);
                all = Some(all.map_or(inside, |known| self.all.builder.and(known, inside)));
            }
        }
        all
    }

    /// Reads `source` (whose type has some of `axes`) at the indices.
    fn gather(
        &mut self,
        source: ValueId,
        axes: &[Axis],
        indices: &[Index],
        outside: Option<ValueId>,
    ) -> ValueId {
        let own = self.all.builder.ty(source).axes.clone();
        let mut places = Vec::new();
        let mut identity = outside.is_none();
        for axis in &own {
            let Some(position) = axes.iter().position(|known| known.name == axis.name) else { continue };
            let Some(index) = indices.get(position) else { continue };
            identity &= index.bare.is_some_and(|variable| self.axis(variable) == *axis);
            places.push(index.value.id);
        }
        // Planted bug 1.
        if let Some(last) = (1..places.len()).rfind(|&last| places[..last].contains(&places[last]))
            && planted(1)
        {
            places[last..].rotate_left(1);
        }
        if identity { source } else { self.all.builder.access(source, places, outside) }
    }

    /// Reports, requires or checks that an unpadded read stays inside. Under a condition, what neither
    /// the condition nor the ranges of the indices tell is checked while running.
    fn must_be_inside(
        &mut self,
        read: &Read,
        axes: &[Axis],
        indices: &[Index],
        verdicts: &[Verdict],
        span: Span,
    ) -> Result<(), Reported> {
        let mut failed = Ok(());
        for (position, (verdict, index)) in verdicts.iter().zip(indices).enumerate() {
            let extent = &axes[position].extent;
            if *verdict == Verdict::Inside || self.guards_keep_inside(&index.value, extent) {
                continue;
            }
            match verdict {
                Verdict::Outside(reached) if !self.guarded() => {
                    failed = Err(self.out_of_range(read, position, index, reached, extent, span));
                }
                Verdict::If(conditions) if !self.guarded() => {
                    let what = self.text_of(index.span).to_owned();
                    let name = &read.name;
                    let fix = padding_help(span.text(self.all.source));
                    for (low, high) in conditions {
                        let first = low.as_const() == Some(0);
                        let (reach, end) = if first {
                            ("{right}", "the first place is 0")
                        } else {
                            ("{left}", "the last place is {right}")
                        };
                        let message = format!(
                            "{name} read out of range ({what} reaches {reach}, {end}); guard it with where/if or give a value outside: {name}[.. | 0]{FIX}{fix}"
                        );
                        // Both sides less 1: the message then names the place that is read.
                        let one = || if first { Extent::from(0) } else { Extent::from(1) };
                        let (low, high) = (low.clone() - one(), high.clone() - one());
                        self.require(low, Relation::Le, high, Code::ReadOutOfRange, &message, index.span);
                    }
                }
                Verdict::Inside | Verdict::Outside(_) | Verdict::If(_) | Verdict::Unknown => {
                    let inside = self.inside(index.value.id, extent);
                    let message = format!(
                        "`{}` is outside axis {} of {} (size {extent})",
                        self.text_of(index.span),
                        position + 1,
                        read.name
                    );
                    let fix = padding_help(span.text(self.all.source));
                    self.check(inside, Code::IndexOutside, &message, &fix, index.span);
                }
            }
        }
        failed
    }

    /// Whether the conditions under which a place is looked at keep it inside.
    fn guards_keep_inside(&self, index: &Value, extent: &Extent) -> bool {
        self.guarded()
            && index.place.as_ref().is_some_and(|place| {
                implied::keeps_inside(&self.all.builder.graph, &self.path, &self.facts(), place, extent)
            })
    }

    pub fn text_of(&self, span: Span) -> &str {
        let text = span.text(self.all.source);
        if text.is_empty() { "the index" } else { text }
    }

    fn out_of_range(
        &mut self,
        read: &Read,
        position: usize,
        index: &Index,
        reached: &Extent,
        extent: &Extent,
        span: Span,
    ) -> Reported {
        let name = &read.name;
        let text = self.text_of(index.span).to_owned();
        let reaches = if text == reached.to_string() { text } else { format!("{text} reaches {reached}") };
        self.error(
            Diagnostic::new(
                Code::ReadOutOfRange,
                format!(
                    "{name} read out of range ({reaches}, size {extent}); guard it with where/if or give a value outside: {name}[.. | 0]"
                ),
            )
            .label(index.span, format!("reaches {reached}"))
            .label(span, format!("axis {} of {name} has places 0 to {}", position + 1, extent.clone() - 1.into()))
            .help(self.range_help(&read.places[position], reached, extent, span)),
        )
    }

    /// How to repair a read that leaves its tensor, and how far each index of the place runs.
    fn range_help(&self, place: &Place, reached: &Extent, extent: &Extent, span: Span) -> String {
        let text = span.text(self.all.source);
        let fix = padding_help(text);
        let mut ranges: Vec<String> = Vec::new();
        let mut note = |id: VariableId| {
            let size = &self.sizes[id.index()];
            let name = &self.equation.variables[id.index()].name;
            let range = format!("{name} runs from 0 to {} ({})", size.extent.clone() - 1.into(), size.origin);
            if !ranges.contains(&range) && ranges.len() < 4 {
                ranges.push(range);
            }
        };
        match &place.kind {
            PlaceKind::Bare(id) => note(*id),
            PlaceKind::Group(members) => members.iter().for_each(|id| note(*id)),
            PlaceKind::Computed(expr) => expr.free_indices(&mut note),
        }
        if ranges.is_empty() {
            let (before, after) =
                (place.span.start.checked_sub(span.start), place.span.end.checked_sub(span.start));
            let around = before.and_then(|at| text.get(..at)).zip(after.and_then(|at| text.get(at..)));
            return match around {
                Some((before, after))
                    if reached.as_const().is_some_and(|place| place < 0) && text.len() <= 60 =>
                {
                    let end = extent.clone() + reached.clone();
                    format!("places count from 0; from the end it is {before}{end}{after}; or {fix}")
                }
                _ => format!("places count from 0; {fix}"),
            };
        }
        format!("{}; {fix}", ranges.join(", "))
    }

    /// A read of a member of the recurrence that the equation belongs to.
    fn read_member(
        &mut self,
        read: &Read,
        member: &Member,
        mut indices: Vec<Index>,
        span: Span,
    ) -> Result<Value, Reported> {
        let place = &read.places[member.position];
        let offset = match &place.kind {
            PlaceKind::Bare(_) => Some(0),
            PlaceKind::Group(_) => None,
            PlaceKind::Computed(expr) => recurrence::offset(expr, self.equation).map(|(_, offset)| offset),
        };
        let stepped = &member.axes[member.position];
        match offset {
            None => Err(Reported),
            Some(0) => {
                let next = member.next.get().ok_or(Reported)?;
                let mut stored = Stored::of_type(next, member.numeric.dtype, member.axes.clone());
                stored.numeric = member.numeric;
                indices[member.position].value.id = self.all.builder.index(stepped);
                self.read_stored(read, &stored, indices, span)
            }
            Some(offset) => {
                let index = self.all.builder.index(stepped);
                let distance = self.all.builder.number(offset.unsigned_abs() as i64, Dtype::I64);
                let op = if member.direction == Direction::Forward { ScalarOp::Sub } else { ScalarOp::Add };
                indices[member.position].value.id = self.all.builder.map(op, &[index, distance]);
                self.read_state(read, member, &indices, span)
            }
        }
    }

    fn read_state(
        &mut self,
        read: &Read,
        member: &Member,
        indices: &[Index],
        span: Span,
    ) -> Result<Value, Reported> {
        let verdicts = self.verdicts(read, indices, &member.axes);
        let dtype = member.numeric.dtype;
        let Some(outside) = &read.outside else {
            self.must_be_inside(read, &member.axes, indices, &verdicts, span)?;
            let zero = self.all.builder.number(0, dtype);
            let id = self.gather(member.state, &member.axes, indices, Some(zero));
            return Ok(Value::plain(id, member.numeric, true));
        };
        let outside = self.outside(outside, &member.axes, indices, &verdicts)?;
        let joined = dtypes::join(member.numeric, self.numeric(&outside));
        if joined.dtype == dtype {
            let other = self.cast(&outside, dtype);
            let id = self.gather(member.state, &member.axes, indices, Some(other));
            return Ok(Value::plain(id, joined, true));
        }
        // The outside value is wider than the state, and a state can only be read as it is.
        let zero = self.all.builder.number(0, dtype);
        let state = self.gather(member.state, &member.axes, indices, Some(zero));
        let state = self.all.builder.cast(state, joined.dtype);
        let other = self.cast(&outside, joined.dtype);
        let id = match self.all_inside(&member.axes, indices, &verdicts) {
            Some(inside) => self.all.builder.select(inside, state, other),
            None => state,
        };
        Ok(Value::plain(id, joined, true))
    }
}

/// How to repair a read that leaves its tensor; `text` is the read.
fn padding_help(text: &str) -> String {
    let padded = match text.strip_suffix(']') {
        Some(open) if text.len() <= 60 => format!("{open} | 0]"),
        _ => "A[.. | 0]".to_owned(),
    };
    format!("write {padded} to read 0 outside, or guard it with where or if")
}
