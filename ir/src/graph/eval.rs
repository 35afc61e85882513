//! The meaning of a graph: evaluation in any number domain.
//!
//! Plain and slow, but never wasteful in kind: elementwise work that only one reduction needs is computed
//! point by point inside it ([`tape`]), so a product over three axes is never stored; what several values
//! need, and what is much smaller than the space it is needed in, is computed once and stored ([`placement`]).
//! Recurrences are stepped, body by body. Storage and steps are bounded.

mod normalise;
mod placement;
mod tape;
mod transform;

use super::{Direction, Graph, Op, Output, Table, ValueId};
use crate::axis::{Axis, Name};
use crate::bind::{OperandShape, bind_symbols};
use crate::domain::{Domain, Value};
use crate::error::{EvalError, VerifyErrors};
use crate::evaluate_scalar;
use crate::extent::Extent;
use crate::symbol::Bindings;
use crate::tensor::Tensor;
use crate::{Ir, bind};
use placement::Placement;
use std::rc::Rc;
use tape::Program;

/// Most bytes that one value may occupy, counted as stored by the evaluator.
const VALUE_LIMIT: u128 = 1 << 28;
/// Most bytes that all values that are stored at the same time may occupy.
const TOTAL_LIMIT: u128 = 1 << 31;
/// Most scalar operations of one evaluation.
const STEP_LIMIT: u128 = 1 << 33;

impl Ir for Graph {
    const LEVEL: &'static str = "graph";

    fn verify(&self) -> Result<(), VerifyErrors> {
        Graph::verify(self)
    }

    fn eval<D: Domain>(
        &self,
        inputs: &[Tensor<D>],
        bindings: &Bindings,
    ) -> Result<Vec<Tensor<D>>, EvalError> {
        self.eval_within(inputs, bindings, STEP_LIMIT)
    }
}

impl Graph {
    /// As [`Ir::eval`], with another bound on the number of scalar operations.
    pub fn eval_within<D: Domain>(
        &self,
        inputs: &[Tensor<D>],
        bindings: &Bindings,
        steps: u128,
    ) -> Result<Vec<Tensor<D>>, EvalError> {
        self.verify().map_err(|errors| EvalError::Fault(errors.to_string()))?;
        self.check_operands(inputs)?;
        let shapes: Vec<&[usize]> = inputs.iter().map(|input| input.shape.as_slice()).collect();
        let bindings = self.bind(&shapes, bindings)?;
        let mut evaluator = Evaluator::new(self, inputs, &bindings)?;
        evaluator.step_limit = steps;
        evaluator.run()
    }

    /// Values for all symbols from the shapes of the inputs, in order of declaration, and those `given`.
    pub fn bind(&self, shapes: &[&[usize]], given: &Bindings) -> Result<Bindings, bind::BindError> {
        let declared: Vec<Vec<Extent>> = self
            .inputs
            .iter()
            .map(|input| input.ty.axes.iter().map(|axis| axis.extent.clone()).collect())
            .collect();
        let operands: Vec<OperandShape<'_>> = self
            .inputs
            .iter()
            .zip(&declared)
            .zip(shapes)
            .map(|((input, declared), actual)| OperandShape { name: &input.name, declared, actual })
            .collect();
        bind_symbols(&self.symbols, &self.requirements, &operands, given)
    }

    fn check_operands<D: Domain>(&self, inputs: &[Tensor<D>]) -> Result<(), EvalError> {
        if inputs.len() != self.inputs.len() {
            let (given, declared) = (inputs.len(), self.inputs.len());
            return Err(EvalError::Operand(format!("{given} operands are given, {declared} are declared")));
        }
        for (given, declared) in inputs.iter().zip(&self.inputs) {
            let name = &declared.name;
            if given.dtype != declared.ty.dtype {
                let (actual, declared) = (given.dtype, declared.ty.dtype);
                return Err(EvalError::Operand(format!(
                    "`{name}` is {actual} but is declared as {declared}"
                )));
            }
            if given.shape.iter().product::<usize>() != given.data.len() {
                return Err(EvalError::Operand(format!(
                    "`{name}` has another number of elements than its shape"
                )));
            }
        }
        Ok(())
    }
}

/// A dense value: its axes in storage order, outermost first.
#[derive(Clone, Debug, PartialEq)]
struct Layout(Vec<(Name, usize)>);

impl Layout {
    fn elements(&self) -> Option<usize> {
        self.0.iter().try_fold(1usize, |n, (_, extent)| n.checked_mul(*extent))
    }

    /// Distance between neighbours along axis `name` in elements; 0 if the value does not depend on it.
    fn stride(&self, name: &str) -> usize {
        match self.0.iter().position(|(axis, _)| **axis == *name) {
            Some(position) => self.0[position + 1..].iter().map(|(_, extent)| extent).product(),
            None => 0,
        }
    }

    fn extent(&self, name: &str) -> Option<usize> {
        self.0.iter().find(|(axis, _)| **axis == *name).map(|(_, extent)| *extent)
    }

    /// Offsets of all points of `axes`, the last varying fastest, in a value with this layout.
    fn offsets(&self, axes: &[(Name, usize)]) -> Vec<usize> {
        // Where there is no point, the other axes may be as long as they like.
        if axes.iter().any(|(_, extent)| *extent == 0) {
            return Vec::new();
        }
        let mut offsets = vec![0];
        for (name, extent) in axes {
            let stride = self.stride(name);
            offsets = offsets.iter().flat_map(|o| (0..*extent).map(move |i| o + i * stride)).collect();
        }
        offsets
    }
}

/// A stored value. Operands of the caller are not copied.
#[derive(Clone, Debug)]
enum Storage<'a, D: Domain> {
    Operand(&'a [Value<D>]),
    Computed(Rc<Vec<Value<D>>>),
}

impl<D: Domain> Storage<'_, D> {
    fn values(&self) -> &[Value<D>] {
        match self {
            Storage::Operand(values) => values,
            Storage::Computed(values) => values,
        }
    }

    /// Bytes that are freed when this handle is dropped.
    fn owned_bytes(&self) -> u128 {
        match self {
            Storage::Computed(values) if Rc::strong_count(values) == 1 => bytes::<D>(values.len()),
            Storage::Computed(_) | Storage::Operand(_) => 0,
        }
    }
}

fn bytes<D: Domain>(elements: usize) -> u128 {
    elements as u128 * size_of::<Value<D>>() as u128
}

struct Evaluator<'a, D: Domain> {
    graph: &'a Graph,
    inputs: &'a [Tensor<D>],
    bindings: &'a Bindings,
    /// Extents of the axes of every live value, in the order of its type.
    shapes: Vec<Vec<usize>>,
    placement: Placement,
    stored: Vec<Option<Storage<'a, D>>>,
    /// Bytes of all stored values.
    occupied: u128,
    steps: u128,
    step_limit: u128,
}

impl<'a, D: Domain> Evaluator<'a, D> {
    fn new(graph: &'a Graph, inputs: &'a [Tensor<D>], bindings: &'a Bindings) -> Result<Self, EvalError> {
        let live = graph.live();
        let mut shapes = vec![Vec::new(); graph.nodes.len()];
        for value in graph.values().filter(|value| live[value.index()]) {
            let axes = &graph.ty(value).axes;
            shapes[value.index()] =
                axes.iter().map(|axis| extent(axis, bindings)).collect::<Result<_, _>>()?;
        }
        let placement = Placement::new(graph, live, &shapes);
        let stored = graph.nodes.iter().map(|_| None).collect();
        Ok(Evaluator {
            graph,
            inputs,
            bindings,
            shapes,
            placement,
            stored,
            occupied: 0,
            steps: 0,
            step_limit: STEP_LIMIT,
        })
    }

    fn run(mut self) -> Result<Vec<Tensor<D>>, EvalError> {
        let graph = self.graph;
        let mut finished = vec![false; graph.nodes.len()];
        for value in graph.values() {
            if !self.placement.stored(value) {
                continue;
            }
            if let Op::Recur { result, states, nexts } = &graph.node(value).op {
                if !std::mem::replace(&mut finished[states[0].index()], true) {
                    self.step_group(value, states, nexts)?;
                }
                self.stored[value.index()] = self.stored[states[*result].index()].clone();
            } else if self.placement.stepping(value).is_none() {
                self.compute(value)?;
            }
            for unused in self.placement.ends(value).to_vec() {
                self.release(unused);
            }
        }
        let outputs = graph.outputs.iter().map(|output| self.output(output)).collect::<Result<_, _>>()?;
        self.checks()?;
        Ok(outputs)
    }

    /// The storage order of a value. Inside a recurrence one step is stored at a time.
    fn layout(&self, value: ValueId) -> Layout {
        let owner = match &self.graph.node(value).op {
            Op::Recur { result, states, .. } => states[*result],
            _ => value,
        };
        let axes = self.graph.ty(owner).axes.iter().zip(&self.shapes[owner.index()]);
        let stepped = self.placement.stepped_axis(self.graph, owner);
        Layout(
            axes.filter(|(axis, _)| Some(&axis.name) != stepped)
                .map(|(axis, &extent)| (axis.name.clone(), extent))
                .collect(),
        )
    }

    /// The elements of a stored value.
    fn values(&self, value: ValueId) -> Result<&[Value<D>], EvalError> {
        match &self.stored[value.index()] {
            Some(storage) => Ok(storage.values()),
            None => Err(EvalError::Fault(format!("{value} is read before it is computed"))),
        }
    }

    fn compute(&mut self, value: ValueId) -> Result<(), EvalError> {
        let node = self.graph.node(value);
        let to = self.layout(value);
        match &node.op {
            Op::Input(position) => {
                self.stored[value.index()] = Some(Storage::Operand(&self.inputs[*position].data));
                return Ok(());
            }
            Op::Table(table) => {
                self.reserve(&to)?;
                let data = match &**table {
                    Table::Literals(literals) => {
                        literals.iter().map(|&l| evaluate_scalar::literal(l, node.ty.dtype)).collect()
                    }
                    Table::Dft => transform::matrix(node.ty.dtype, &to)?,
                };
                self.store(value, data);
            }
            Op::Normalise { op, axes, value: operand } => {
                let from = self.layout(*operand);
                self.reserve(&to)?;
                self.charge(4, &from.0)?;
                let operand = self.values(*operand)?;
                let data = normalise::evaluate(*op, axes, node.ty.dtype, (&from, operand), &to)?;
                self.store(value, data);
            }
            Op::Transform { op, axes, value: operand } => {
                let from = self.layout(*operand);
                self.reserve(&to)?;
                let passes = transform::plan(*op, axes, &from, &to)?;
                for pass in &passes {
                    self.charge(4 * pass.length as u128, &from.0)?;
                    self.charge(4 * pass.length as u128, &to.0)?;
                }
                let operand = self.values(*operand)?;
                let data = transform::evaluate(&passes, node.ty.dtype, (from, operand), &to)?;
                self.store(value, data);
            }
            _ => {
                let mut program = Program::compile(self, value)?;
                self.execute(&mut program, 0)?;
            }
        }
        Ok(())
    }

    /// Runs the program of a value at `step` of its recurrence and stores the result.
    fn execute(&mut self, program: &mut Program<D>, step: usize) -> Result<(), EvalError> {
        self.reserve(&self.layout(program.value))?;
        for (steps, axes) in program.cost() {
            self.charge(steps, &axes)?;
        }
        let data = program.run(self, step)?;
        self.store(program.value, data);
        Ok(())
    }

    /// Evaluates the bodies of a group of states step by step; `recur` is the first of its results.
    fn step_group(&mut self, recur: ValueId, states: &[ValueId], nexts: &[ValueId]) -> Result<(), EvalError> {
        let graph = self.graph;
        let Op::State { axis, direction } = &graph.node(states[0]).op else {
            return Err(EvalError::Fault(format!("{recur} steps no state")));
        };
        let mut copies = Vec::new();
        for (&state, &next) in states.iter().zip(nexts) {
            let layout = self.layout(state);
            let elements = self.reserve(&layout)?;
            self.store(state, vec![evaluate_scalar::zero(graph.ty(state).dtype); elements]);
            copies.push(StepCopy::new(&layout, &self.layout(next), axis, (state, next)));
        }
        let mut body = Vec::new();
        for value in self.placement.body(graph, states[0]) {
            body.push(match &graph.node(value).op {
                Op::Normalise { .. } | Op::Transform { .. } => Body::Whole(value),
                _ => Body::Program(Program::compile(self, value)?),
            });
        }
        let length = self.layout(states[0]).extent(axis).unwrap_or(0);
        for count in 0..length {
            let step = match direction {
                Direction::Forward => count,
                Direction::Backward => length - 1 - count,
            };
            for part in &mut body {
                match part {
                    Body::Whole(value) => self.compute(*value)?,
                    Body::Program(program) => self.execute(program, step)?,
                }
            }
            for copy in &copies {
                self.copy_step(copy, step)?;
            }
        }
        Ok(())
    }

    /// Writes the value of one step into the trajectory.
    fn copy_step(&mut self, copy: &StepCopy, step: usize) -> Result<(), EvalError> {
        let mut trajectory = self.stored[copy.state.index()].take();
        let next = self.values(copy.next)?;
        if let Some(Storage::Computed(data)) = &mut trajectory {
            let data = Rc::make_mut(data);
            for (&to, &from) in copy.to.iter().zip(&copy.from) {
                data[to + step * copy.to_stride] = next[from + step * copy.from_stride];
            }
        }
        self.stored[copy.state.index()] = trajectory;
        Ok(())
    }

    fn output(&self, output: &Output) -> Result<Tensor<D>, EvalError> {
        let layout = self.layout(output.value);
        let axes: Vec<(Name, usize)> =
            output.axes.iter().map(|name| (name.clone(), layout.extent(name).unwrap_or(0))).collect();
        let values = self.values(output.value)?;
        Ok(Tensor {
            dtype: self.graph.ty(output.value).dtype,
            shape: axes.iter().map(|(_, extent)| *extent).collect(),
            data: layout.offsets(&axes).into_iter().map(|offset| values[offset]).collect(),
        })
    }

    fn checks(&mut self) -> Result<(), EvalError> {
        let graph = self.graph;
        for (site, check) in graph.checks.iter().enumerate() {
            let holds = if self.placement.stored(check.value) {
                self.values(check.value)?.iter().all(|&value| value == Value::Bool(true))
            } else {
                let mut program = Program::compile_check(self, check.value)?;
                for (steps, axes) in program.cost() {
                    self.charge(steps, &axes)?;
                }
                program.run(self, 0)?.iter().all(|&value| value == Value::Bool(true))
            };
            if !holds {
                return Err(EvalError::Check { site, message: check.message.clone() });
            }
        }
        Ok(())
    }

    /// Number of elements of a value that is about to be stored; an error if there is no room for it.
    fn reserve(&self, layout: &Layout) -> Result<usize, EvalError> {
        let elements = layout.elements().unwrap_or(usize::MAX);
        let needed = bytes::<D>(elements);
        if needed > VALUE_LIMIT {
            return Err(EvalError::Limit { needed, limit: VALUE_LIMIT, unit: "bytes" });
        }
        if self.occupied + needed > TOTAL_LIMIT {
            return Err(EvalError::Limit {
                needed: self.occupied + needed,
                limit: TOTAL_LIMIT,
                unit: "bytes",
            });
        }
        Ok(elements)
    }

    fn store(&mut self, value: ValueId, data: Vec<Value<D>>) {
        self.release(value);
        self.occupied += bytes::<D>(data.len());
        self.stored[value.index()] = Some(Storage::Computed(Rc::new(data)));
    }

    fn release(&mut self, value: ValueId) {
        if let Some(storage) = self.stored[value.index()].take() {
            self.occupied -= storage.owned_bytes();
        }
    }

    /// Counts `steps` operations at every point of `axes`.
    fn charge(&mut self, steps: u128, axes: &[(Name, usize)]) -> Result<(), EvalError> {
        let points = axes.iter().fold(1u128, |n, (_, extent)| n.saturating_mul(*extent as u128));
        self.steps = self.steps.saturating_add(points.saturating_mul(steps));
        if self.steps > self.step_limit {
            return Err(EvalError::Limit { needed: self.steps, limit: self.step_limit, unit: "steps" });
        }
        Ok(())
    }
}

/// One value of the body of a recurrence.
enum Body<D: Domain> {
    Program(Program<D>),
    Whole(ValueId),
}

/// Where the elements of one step come from and go to.
struct StepCopy {
    state: ValueId,
    next: ValueId,
    to: Vec<usize>,
    to_stride: usize,
    from: Vec<usize>,
    /// 0 if only one step of the value is stored.
    from_stride: usize,
}

impl StepCopy {
    fn new(to: &Layout, from: &Layout, axis: &Name, (state, next): (ValueId, ValueId)) -> StepCopy {
        let others: Vec<(Name, usize)> = to.0.iter().filter(|(name, _)| name != axis).cloned().collect();
        StepCopy {
            state,
            next,
            to: to.offsets(&others),
            to_stride: to.stride(axis),
            from: from.offsets(&others),
            from_stride: from.stride(axis),
        }
    }
}

/// The extent of an axis as a size of memory.
fn extent(axis: &Axis, bindings: &Bindings) -> Result<usize, EvalError> {
    let value = axis.extent.eval(bindings)?;
    usize::try_from(value)
        .map_err(|_| EvalError::Operand(format!("axis `{axis}` would have {value} elements")))
}
