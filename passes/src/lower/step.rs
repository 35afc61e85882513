//! Writing the steps of a schedule: nests of stored values, loops of recurrences, checks and copies.

use super::LowerError;
use super::emit::{Emitter, Env, Home, identity};
use super::recurrence::{Group, Part};
use super::schedule::{Step, output_homes};
use super::slice::Slice;
use tcc_ir::ReduceOp;
use tcc_ir::axis::{Axis, Name};
use tcc_ir::extent::Extent;
use tcc_ir::graph::{Direction, NormaliseOp, Op, ValueId};
use tcc_ir::loops::{Expr, Stmt};

impl Emitter<'_> {
    /// The loops of one step.
    pub fn step(&mut self, step: Step) -> Result<(), LowerError> {
        match step {
            Step::Value(value) => match self.decisions.slice_of[value.index()] {
                None => {
                    self.allocate(value, &[]);
                    self.nest(value, &Env::new())
                }
                Some(position) => {
                    let slice = &self.decisions.slices[position];
                    // The members are computed with the root, which comes last.
                    if slice.root == value { self.slice(slice) } else { Ok(()) }
                }
            },
            Step::Group(group) => self.group(group),
            Step::Check(position) => self.check(self.graph.checks[position].value, position),
            Step::Copy(position) => self.copy_output(position),
        }
    }

    /// Gives a value its buffer: that of an output, or scratch memory. The axes `dropped` have no index
    /// there, since one step of them is kept at a time.
    fn allocate(&mut self, value: ValueId, dropped: &[Name]) {
        let order = self.decisions.order[value.index()].clone();
        let names: Vec<Name> = order.iter().filter(|name| !dropped.contains(name)).cloned().collect();
        let home = match self.output_of(value) {
            Some(home) => home,
            None => {
                let axes = self.axes(value, &names);
                let extents = axes.into_iter().map(|axis| axis.extent).collect();
                let buffer = self.scratch(&self.name(value), self.graph.ty(value).dtype, extents);
                Home { buffer, axes: names, window: None }
            }
        };
        self.homes[value.index()] = Some(home);
    }

    /// The buffer of the output that keeps this value.
    fn output_of(&self, value: ValueId) -> Option<Home> {
        let position = self.output_of_value[value.index()]?;
        let axes = self.graph.outputs[position].axes.clone();
        Some(Home { buffer: self.output_buffer(position), axes, window: None })
    }

    /// Enters which values the outputs keep.
    pub fn assign_outputs(&mut self) {
        for (position, home) in output_homes(self.graph).into_iter().enumerate() {
            if home {
                self.output_of_value[self.graph.outputs[position].value.index()] = Some(position);
            }
        }
    }

    /// The nest of a stored value. Axes in `env` have an index already.
    fn nest(&mut self, value: ValueId, env: &Env) -> Result<(), LowerError> {
        match &self.graph.node(value).op {
            Op::Normalise { op: NormaliseOp::Softmax, .. } => self.softmax(value, env),
            Op::Scatter { op, indices, value: operand } => self.scatter(value, *op, indices, *operand, env),
            Op::Transform { .. } => self.transform(value, env),
            _ => {
                let mut env = env.clone();
                let opened = self.open_nest(value, &mut env)?;
                let computed = self.compute(value, &env)?;
                self.store(value, &env, computed)?;
                self.close(opened);
                Ok(())
            }
        }
    }

    fn store(&mut self, value: ValueId, env: &Env, computed: Expr) -> Result<(), LowerError> {
        let Some(home) = self.homes[value.index()].clone() else {
            return Err(LowerError::Loops(format!("{value} has no buffer")));
        };
        let place = self.place(&home, env)?;
        self.push(Stmt::Store(home.buffer, place, computed));
        Ok(())
    }

    fn copy_output(&mut self, position: usize) -> Result<(), LowerError> {
        let output = &self.graph.outputs[position];
        let mut env = Env::new();
        let opened = self.open_axes(&self.graph.output_axes(output), &mut env)?;
        let value = self.value(output.value, &env)?;
        let home = Home { buffer: self.output_buffer(position), axes: output.axes.clone(), window: None };
        let place = self.place(&home, &env)?;
        self.push(Stmt::Store(home.buffer, place, value));
        self.close(opened);
        Ok(())
    }

    /// The loops of a slice: around each member the axes that it is inside of. If the last value sums
    /// over the slices, it starts from 0.
    fn slice(&mut self, slice: &Slice) -> Result<(), LowerError> {
        let root = slice.root;
        self.allocate(root, &[]);
        for (member, depth) in &slice.members {
            self.allocate(*member, &slice.axes[..*depth]);
        }
        let dtype = self.graph.ty(root).dtype;
        let summed: Vec<Name> =
            slice.axes.iter().filter(|name| self.graph.ty(root).axis(name).is_none()).cloned().collect();
        let operand = match &self.graph.node(root).op {
            Op::Reduce { op: ReduceOp::Sum, axes, value } if !summed.is_empty() => Some((axes, *value)),
            _ => None,
        };
        if operand.is_some() {
            let mut env = Env::new();
            let opened = self.open_nest(root, &mut env)?;
            self.store(root, &env, identity(ReduceOp::Sum, dtype))?;
            self.close(opened);
        }
        let mut env = Env::new();
        for (level, name) in slice.axes.iter().enumerate() {
            let source = operand.map_or(root, |(_, value)| value);
            let opened = self.open_axes(&self.axes(source, std::slice::from_ref(name)), &mut env)?;
            debug_assert_eq!(opened, 1, "axis `{name}` of a slice is one of its root");
            for (member, _) in slice.members.iter().filter(|(_, depth)| *depth == level + 1) {
                self.nest(*member, &env)?;
            }
        }
        match operand {
            None => self.nest(root, &env)?,
            Some((axes, value)) => {
                let mut env = env.clone();
                let opened = self.open_nest(root, &mut env)?;
                let rest: Vec<Name> = axes.iter().filter(|name| !summed.contains(name)).cloned().collect();
                let part = match rest.is_empty() {
                    true => self.value(value, &env)?,
                    false => self.reduce(root, ReduceOp::Sum, &rest, value, &env)?,
                };
                if let Some(home) = self.homes[root.index()].clone() {
                    let place = self.place(&home, &env)?;
                    self.push(Stmt::Accumulate(ReduceOp::Sum, home.buffer, place, part));
                }
                self.close(opened);
            }
        }
        self.close(slice.axes.len());
        Ok(())
    }

    // Recurrences.

    /// The loop of a group of states: in every step the bodies, then what reads the trajectories.
    fn group(&mut self, position: usize) -> Result<(), LowerError> {
        let decisions = self.decisions;
        let group = &decisions.recurrences.groups[position];
        let members = &decisions.members[position];
        for state in 0..group.states.len() {
            self.allocate_state(group, state);
        }
        for &value in members {
            let dropped = decisions.recurrences.step_axis(value).cloned();
            if self.homes[value.index()].is_none() {
                let dropped = dropped.filter(|_| !self.escapes[value.index()]);
                self.allocate(value, dropped.as_slice());
            }
            if let Some((_, Part::At(_))) = &decisions.recurrences.place[value.index()] {
                self.access_at_no_step(value)?;
            }
        }
        for state in 0..group.states.len() {
            self.fill_first(group, state)?;
        }
        let axis = Axis::new(group.axis.clone(), group.extent.clone());
        let counter = self.open_axis(&axis)?;
        let step = match group.direction {
            Direction::Forward => counter,
            Direction::Backward => {
                let last = Expr::sub(Expr::from_extent(&group.extent), Expr::int(1));
                self.bind(&group.axis, Expr::sub(last, counter))
            }
        };
        for state in 0..group.states.len() {
            if !decisions.recurrences.in_body[group.nexts[state].index()] {
                self.copy_state(group, state, &step)?;
            }
        }
        for &value in members {
            match &decisions.recurrences.place[value.index()] {
                Some((_, Part::At(_))) => self.access_at_step(value, &step)?,
                Some((_, Part::Step(axis))) => {
                    self.nest(value, &Env::from([(axis.clone(), step.clone())]))?
                }
                None => {}
            }
            let first = group.nexts.iter().position(|next| *next == value);
            for state in (0..group.states.len()).filter(|&s| group.nexts[s] == value && Some(s) != first) {
                self.copy_state(group, state, &step)?;
            }
        }
        self.close(1);
        Ok(())
    }

    /// The buffer of a state: its whole trajectory, or the last steps.
    fn allocate_state(&mut self, group: &Group, position: usize) {
        let state = group.states[position];
        let next = group.nexts[position];
        let named =
            group.results[position].iter().chain([&next]).find(|v| self.graph.node(**v).name.is_some());
        let name = self.name(*named.unwrap_or(&state));
        let output = group.results[position].iter().find_map(|&result| self.output_of(result));
        let in_body = self.decisions.recurrences.in_body[next.index()];
        let home = output.unwrap_or_else(|| {
            let order = &self.decisions.order[next.index()];
            let mut names: Vec<Name> = if in_body && order.len() == self.graph.ty(state).axes.len() {
                order.to_vec()
            } else {
                self.graph.ty(state).axes.iter().map(|axis| axis.name.clone()).collect()
            };
            names.sort_by_key(|name| *name != group.axis);
            let axes = self.axes(state, &names);
            let length = group.reach[position].saturating_add(1);
            let window = (!group.stored[position]).then(|| (group.axis.clone(), length));
            let extents = axes
                .into_iter()
                .map(|axis| match &window {
                    Some((stepped, length)) if *stepped == axis.name => Extent::from(*length),
                    _ => axis.extent,
                })
                .collect();
            let buffer = self.scratch(&name, self.graph.ty(state).dtype, extents);
            Home { buffer, axes: names, window }
        });
        for value in group.results[position].iter().chain([&state]) {
            self.homes[value.index()] = Some(home.clone());
        }
        if in_body && self.homes[next.index()].is_none() {
            self.homes[next.index()] = Some(home);
        }
    }

    /// Fills the places that are read before they are written. If every read from before the first
    /// step gives one number, that number: the reads need no test then. Otherwise what such a read
    /// loads is thrown away.
    fn fill_first(&mut self, group: &Group, position: usize) -> Result<(), LowerError> {
        let constant = group.extent.as_const();
        if group.reach[position] == 0 || constant.is_some_and(|extent| extent < 1) {
            return Ok(());
        }
        let extent = Expr::from_extent(&group.extent);
        let before = |distance: i64| match group.direction {
            Direction::Forward => Expr::int(-distance),
            Direction::Backward => Expr::add(extent.clone(), Expr::int(distance - 1)),
        };
        if let Some(outside) = self.common_outside(group, position) {
            let filler = self.value(outside, &Env::new())?;
            for distance in 1..=group.reach[position] {
                self.fill_step(group, position, before(distance), filler.clone())?;
            }
            for value in group.results[position].iter().chain([&group.states[position]]) {
                self.prefilled[value.index()] = true;
            }
            return Ok(());
        }
        let opened = self.open_if(Expr::lt(Expr::int(0), extent.clone()))?;
        let first = match group.direction {
            Direction::Forward => Expr::int(0),
            Direction::Backward => before(0),
        };
        let zero = Expr::number(0, self.graph.ty(group.states[position]).dtype);
        self.fill_step(group, position, first, zero)?;
        self.close(opened);
        Ok(())
    }

    /// The one value without axes that all readers of a windowed state take outside.
    fn common_outside(&self, group: &Group, position: usize) -> Option<ValueId> {
        if group.stored[position] {
            return None;
        }
        let mut common: Option<ValueId> = None;
        for reader in &group.readers[position] {
            let Op::Access { outside: Some(outside), .. } = &self.graph.node(*reader).op else { return None };
            let node = self.graph.node(*outside);
            let same = common.is_none_or(|known| {
                known == *outside || (matches!(node.op, Op::Const(_)) && self.graph.node(known).op == node.op)
            });
            if !same || !node.ty.axes.is_empty() {
                return None;
            }
            common = Some(*outside);
        }
        common
    }

    fn fill_step(
        &mut self,
        group: &Group,
        position: usize,
        step: Expr,
        filler: Expr,
    ) -> Result<(), LowerError> {
        let state = group.states[position];
        let mut env = Env::from([(group.axis.clone(), step)]);
        let axes: Vec<Axis> =
            self.graph.ty(state).axes.iter().filter(|axis| axis.name != group.axis).cloned().collect();
        let loops = self.open_axes(&axes, &mut env)?;
        self.store(state, &env, filler)?;
        self.close(loops);
        Ok(())
    }

    /// Copies the definition of a state that has a place of its own into the buffer of the state.
    fn copy_state(&mut self, group: &Group, position: usize, step: &Expr) -> Result<(), LowerError> {
        let state = group.states[position];
        let mut env = Env::from([(group.axis.clone(), step.clone())]);
        let axes: Vec<Axis> =
            self.graph.ty(state).axes.iter().filter(|axis| axis.name != group.axis).cloned().collect();
        let opened = self.open_axes(&axes, &mut env)?;
        let value = self.value(group.nexts[position], &env)?;
        self.store(state, &env, value)?;
        self.close(opened);
        Ok(())
    }
}
