//! Elementwise work as a straight line of instructions that runs at every point of a space.
//!
//! Instructions are sorted by the innermost axis that they depend on; when the walk through the space moves
//! along an axis, only what depends on that axis or on inner ones runs again.

use super::{Evaluator, Layout};
use crate::axis::{Name, union_axes};
use crate::domain::{Domain, Value};
use crate::dtype::Dtype;
use crate::error::EvalError;
use crate::evaluate_scalar;
use crate::graph::{Op, ValueId};
use crate::scalar::{Literal, ReduceOp, ScalarOp, Signature};
use std::collections::BTreeMap;

/// An axis of the space: `first..first + count`.
#[derive(Clone, Debug)]
struct Range {
    name: Name,
    first: usize,
    count: usize,
}

/// Writes the register with its own position.
#[derive(Clone, Debug)]
enum Instruction<D: Domain> {
    Constant(Value<D>),
    /// The index along the axis of the space with this position.
    Index(usize),
    /// The element of a stored value at this point: pairs of axis of the space and stride.
    Load {
        value: ValueId,
        strides: Vec<(usize, usize)>,
    },
    Map {
        op: ScalarOp,
        dtype: Dtype,
        dtypes: [Dtype; 3],
        operands: [usize; 3],
        arity: usize,
    },
    /// An operation of reals with a real result. Absent operands repeat the first.
    Arithmetic {
        op: ScalarOp,
        dtype: Dtype,
        operands: [usize; 3],
        arity: usize,
    },
    /// The element of a stored value at computed indices, each a register, an extent and a stride.
    Access {
        value: ValueId,
        places: Vec<Place>,
        outside: Result<usize, Value<D>>,
    },
}

#[derive(Clone, Debug)]
struct Place {
    register: usize,
    extent: usize,
    stride: usize,
}

/// What happens to the value at every point.
#[derive(Clone, Debug)]
enum Finish {
    Store { register: usize },
    Reduce { op: ReduceOp, dtype: Dtype, register: usize, inner: usize },
    Scatter { op: ReduceOp, dtype: Dtype, register: usize, places: Vec<Place> },
}

/// The computation of one stored value.
#[derive(Clone, Debug)]
pub(super) struct Program<D: Domain> {
    /// What is computed.
    pub(super) value: ValueId,
    /// The space; the stepped axis of a recurrence comes first.
    space: Vec<Range>,
    stepped: bool,
    instructions: Vec<Instruction<D>>,
    /// `starts[p]`: the first instruction that depends on axis p or an inner one.
    starts: Vec<usize>,
    finish: Finish,
    /// Number of elements of the result.
    elements: usize,
}

impl<D: Domain> Program<D> {
    /// The computation of a value that the evaluator stores.
    pub(super) fn compile(evaluator: &Evaluator<'_, D>, value: ValueId) -> Result<Program<D>, EvalError> {
        let graph = evaluator.graph;
        let layout = evaluator.layout(value);
        let (operands, mut axes) = match &graph.node(value).op {
            Op::Reduce { axes, value: operand, .. } => {
                let extents = evaluator.space(&[*operand])?;
                let mut space = layout.0.clone();
                space.extend(extents.into_iter().filter(|(name, _)| axes.contains(name)));
                // Reduced axes in the order in which the operation lists them.
                let kept = layout.0.len();
                space[kept..].sort_by_key(|(name, _)| axes.iter().position(|axis| axis == name));
                (vec![*operand], space)
            }
            Op::Scatter { indices, value: operand, .. } => {
                let operands: Vec<ValueId> = indices.iter().copied().chain([*operand]).collect();
                let space = evaluator.space(&operands)?;
                (operands, space)
            }
            _ => (vec![value], layout.0.clone()),
        };
        let stepped = evaluator.placement.stepped_axis(graph, value);
        if let Some(name) = stepped {
            axes.retain(|(axis, _)| axis != name);
            axes.insert(0, (name.clone(), 1));
        }
        let elements = layout.elements().unwrap_or(usize::MAX);
        let mut compiler = Compiler::new(evaluator, axes);
        let registers = compiler.compile(&operands, value)?;
        let register = registers.last().copied().unwrap_or(0);
        let finish = match &graph.node(value).op {
            Op::Reduce { op, axes, value: operand } => Finish::Reduce {
                op: *op,
                dtype: graph.ty(*operand).dtype,
                register,
                inner: compiler.space.iter().filter(|r| axes.contains(&r.name)).map(|r| r.count).product(),
            },
            Op::Scatter { op, .. } => {
                let axes = graph.ty(value).axes.iter().zip(&evaluator.shapes[value.index()]);
                let place = |((axis, &extent), &register): ((&crate::Axis, &usize), &usize)| Place {
                    register,
                    extent,
                    stride: layout.stride(&axis.name),
                };
                let places = axes.zip(&registers).map(place).collect();
                Finish::Scatter { op: *op, dtype: graph.ty(value).dtype, register, places }
            }
            _ => Finish::Store { register },
        };
        let Compiler { space, instructions, starts, .. } = compiler;
        Ok(Program { value, space, stepped: stepped.is_some(), instructions, starts, finish, elements })
    }

    /// Whether the value of a check is true, as a single element.
    pub(super) fn compile_check(
        evaluator: &Evaluator<'_, D>,
        value: ValueId,
    ) -> Result<Program<D>, EvalError> {
        let mut program = Program::compile(evaluator, value)?;
        if let Finish::Store { register } = program.finish {
            let inner = program.space.iter().map(|range| range.count).product();
            program.finish = Finish::Reduce { op: ReduceOp::All, dtype: Dtype::Bool, register, inner };
            program.elements = 1;
        }
        Ok(program)
    }

    /// Number of instructions that run at every point of the given axes.
    pub(super) fn cost(&self) -> Vec<(u128, Vec<(Name, usize)>)> {
        let axes: Vec<(Name, usize)> = self.space.iter().map(|r| (r.name.clone(), r.count)).collect();
        (0..=axes.len())
            .map(|depth| {
                let end = self.starts.get(depth).copied().unwrap_or(self.instructions.len());
                let start = if depth == 0 { 0 } else { self.starts[depth - 1] };
                // The step of the walk itself counts at the innermost depth.
                let walk = usize::from(depth == axes.len());
                ((end - start + walk) as u128, axes[..depth].to_vec())
            })
            .collect()
    }

    /// Evaluates at every point, in row-major order; `step` is the index along the stepped axis.
    pub(super) fn run(
        &mut self,
        evaluator: &Evaluator<'_, D>,
        step: usize,
    ) -> Result<Vec<Value<D>>, EvalError> {
        if self.stepped {
            self.space[0].first = step;
        }
        match &self.finish {
            Finish::Store { register } => {
                let mut data = Vec::with_capacity(self.elements);
                self.walk(evaluator, |registers| {
                    data.push(registers[*register]);
                    Ok(())
                })?;
                Ok(data)
            }
            Finish::Reduce { op, dtype, register, inner } => match op.scalar_op() {
                Some(_) => self.reduce(evaluator, *op, *dtype, (*register, *inner)),
                None => self.extreme_position(evaluator, *op, *dtype, (*register, *inner)),
            },
            Finish::Scatter { op, dtype, register, places } => {
                let identity = evaluate_scalar::literal(Literal::identity(*op, *dtype), *dtype);
                let mut data = vec![identity; self.elements];
                self.walk(evaluator, |registers| {
                    if let Some(offset) = offset(places, registers) {
                        data[offset] =
                            evaluate_scalar::reduce_step(*op, *dtype, data[offset], registers[*register])?;
                    }
                    Ok(())
                })?;
                Ok(data)
            }
        }
    }

    fn reduce(
        &self,
        evaluator: &Evaluator<'_, D>,
        op: ReduceOp,
        dtype: Dtype,
        (register, inner): (usize, usize),
    ) -> Result<Vec<Value<D>>, EvalError> {
        let identity = evaluate_scalar::literal(Literal::identity(op, dtype), dtype);
        let mut data = Vec::with_capacity(self.elements);
        if let (Value::Real(zero), Some(op)) = (identity, op.scalar_op()) {
            let (mut accumulator, mut count) = (zero, 0);
            self.walk(evaluator, |registers| {
                if let Value::Real(value) = &registers[register] {
                    accumulator = D::apply(op, dtype, &[accumulator, *value])?;
                }
                count += 1;
                if count == inner {
                    data.push(Value::Real(accumulator));
                    (accumulator, count) = (zero, 0);
                }
                Ok(())
            })?;
            data.resize(self.elements, identity);
            return Ok(data);
        }
        let (mut accumulator, mut count) = (identity, 0);
        self.walk(evaluator, |registers| {
            accumulator = evaluate_scalar::reduce_step(op, dtype, accumulator, registers[register])?;
            count += 1;
            if count == inner {
                data.push(accumulator);
                (accumulator, count) = (identity, 0);
            }
            Ok(())
        })?;
        data.resize(self.elements, identity);
        Ok(data)
    }

    /// argmax and argmin: the first of equals, the first NaN; 0 over nothing.
    fn extreme_position(
        &self,
        evaluator: &Evaluator<'_, D>,
        op: ReduceOp,
        dtype: Dtype,
        (register, inner): (usize, usize),
    ) -> Result<Vec<Value<D>>, EvalError> {
        let test = |op, a, b| -> Result<bool, EvalError> {
            let result = evaluate_scalar::apply::<D>(op, Dtype::Bool, &[dtype, dtype], &[a, b])?;
            Ok(result == Value::Bool(true))
        };
        let is_nan = |a: Value<D>| test(ScalarOp::Ne, a, a);
        let mut data = Vec::with_capacity(self.elements);
        let mut best: Option<(i64, Value<D>)> = None;
        let mut count = 0;
        self.walk(evaluator, |registers| {
            let value = registers[register];
            let better = match best {
                None => true,
                Some((_, best)) if op == ReduceOp::ArgMax => {
                    !is_nan(best)? && (is_nan(value)? || test(ScalarOp::Lt, best, value)?)
                }
                Some((_, best)) => !is_nan(best)? && (is_nan(value)? || test(ScalarOp::Lt, value, best)?),
            };
            if better {
                best = Some((count as i64, value));
            }
            count += 1;
            if count == inner {
                data.push(Value::Int(best.take().map_or(0, |(position, _)| position)));
                count = 0;
            }
            Ok(())
        })?;
        data.resize(self.elements, Value::Int(0));
        Ok(data)
    }

    fn walk(
        &self,
        evaluator: &Evaluator<'_, D>,
        mut visit: impl FnMut(&[Value<D>]) -> Result<(), EvalError>,
    ) -> Result<(), EvalError> {
        if self.space.iter().any(|range| range.count == 0) {
            return Ok(());
        }
        let mut steps: Vec<(&Instruction<D>, &[Value<D>])> = Vec::with_capacity(self.instructions.len());
        for instruction in &self.instructions {
            let table = match instruction {
                Instruction::Load { value, .. } | Instruction::Access { value, .. } => {
                    evaluator.values(*value)?
                }
                Instruction::Constant(_)
                | Instruction::Index(_)
                | Instruction::Map { .. }
                | Instruction::Arithmetic { .. } => &[],
            };
            steps.push((instruction, table));
        }
        let mut registers = vec![Value::Bool(false); self.instructions.len()];
        let mut point: Vec<usize> = self.space.iter().map(|range| range.first).collect();
        let mut start = 0;
        loop {
            for (position, (instruction, table)) in steps.iter().enumerate().skip(start) {
                instruction.evaluate(table, &mut registers, position, &point)?;
            }
            visit(&registers)?;
            let moved = (0..point.len()).rev().find(|&axis| {
                point[axis] += 1;
                let inside = point[axis] < self.space[axis].first + self.space[axis].count;
                if !inside {
                    point[axis] = self.space[axis].first;
                }
                inside
            });
            match moved {
                Some(axis) => start = self.starts[axis],
                None => return Ok(()),
            }
        }
    }
}

/// Offset of the place given by registers; `None` if it is outside.
#[inline]
fn offset<D: Domain>(places: &[Place], registers: &[Value<D>]) -> Option<usize> {
    let mut offset = 0;
    for place in places {
        let index = usize::try_from(registers[place.register].as_int()?).ok()?;
        if index >= place.extent {
            return None;
        }
        offset += index * place.stride;
    }
    Some(offset)
}

impl<D: Domain> Instruction<D> {
    /// Writes the register `position`. Values are copied as few times as possible: this is where the
    /// time of an evaluation goes.
    #[inline]
    fn evaluate(
        &self,
        table: &[Value<D>],
        registers: &mut [Value<D>],
        position: usize,
        point: &[usize],
    ) -> Result<(), EvalError> {
        match self {
            Instruction::Constant(value) => registers[position] = *value,
            Instruction::Index(axis) => registers[position] = Value::Int(point[*axis] as i64),
            Instruction::Load { strides, .. } => {
                let offset = strides.iter().map(|&(axis, stride)| point[axis] * stride).sum::<usize>();
                registers[position] = table[offset];
            }
            Instruction::Arithmetic { op, dtype, operands, arity } => {
                let mut reals = [D::from_i64(0, Dtype::F64); 3];
                for (real, &operand) in reals.iter_mut().zip(operands) {
                    if let Value::Real(value) = &registers[operand] {
                        *real = *value;
                    }
                }
                registers[position] = Value::Real(D::apply(*op, *dtype, &reals[..*arity])?);
            }
            Instruction::Map { op, dtype, dtypes, operands, arity } => {
                let values = operands.map(|register| registers[register]);
                registers[position] =
                    evaluate_scalar::apply(*op, *dtype, &dtypes[..*arity], &values[..*arity])?;
            }
            Instruction::Access { places, outside, .. } => {
                registers[position] = match (offset(places, registers), outside) {
                    (Some(offset), _) => table[offset],
                    (None, Ok(register)) => registers[*register],
                    (None, Err(value)) => *value,
                }
            }
        }
        Ok(())
    }
}

struct Compiler<'e, 'a, D: Domain> {
    evaluator: &'e Evaluator<'a, D>,
    space: Vec<Range>,
    instructions: Vec<Instruction<D>>,
    starts: Vec<usize>,
}

impl<'e, 'a, D: Domain> Compiler<'e, 'a, D> {
    fn new(evaluator: &'e Evaluator<'a, D>, axes: Vec<(Name, usize)>) -> Self {
        let space = axes.into_iter().map(|(name, count)| Range { name, first: 0, count }).collect();
        Compiler { evaluator, space, instructions: Vec::new(), starts: Vec::new() }
    }

    /// Fills the instructions; the registers of `operands`. The value `root` itself is computed, all
    /// other stored values are loaded.
    fn compile(&mut self, operands: &[ValueId], root: ValueId) -> Result<Vec<usize>, EvalError> {
        let loaded = |value| value != root && self.evaluator.placement.stored(value);
        let inline = self.collect(operands, &loaded);
        // Depth of a value: one more than the innermost axis it depends on, 0 if on none.
        let mut depths: BTreeMap<ValueId, usize> = BTreeMap::new();
        for &value in &inline {
            let depth = if loaded(value) {
                self.strides(value).iter().map(|(axis, _)| axis + 1).max().unwrap_or(0)
            } else {
                match &self.evaluator.graph.node(value).op {
                    Op::Index(name) => self.axis(name)? + 1,
                    op => {
                        read(op).iter().filter_map(|operand| depths.get(operand).copied()).max().unwrap_or(0)
                    }
                }
            };
            depths.insert(value, depth);
        }
        let mut order = inline;
        order.sort_by_key(|value| (depths.get(value).copied(), *value));
        let registers: BTreeMap<ValueId, usize> = order.iter().enumerate().map(|(r, &v)| (v, r)).collect();
        let depth = |value: &ValueId| depths.get(value).copied().unwrap_or(0);
        self.starts = (0..self.space.len()).map(|axis| order.partition_point(|v| depth(v) <= axis)).collect();
        for &value in &order {
            let instruction = if loaded(value) {
                Instruction::Load { value, strides: self.strides(value) }
            } else {
                self.instruction(value, &registers)?
            };
            self.instructions.push(instruction);
        }
        operands.iter().map(|&operand| register(&registers, operand)).collect()
    }

    /// The values that the space needs, operands before users.
    fn collect(&self, operands: &[ValueId], loaded: &dyn Fn(ValueId) -> bool) -> Vec<ValueId> {
        let mut found = BTreeMap::new();
        let mut open = operands.to_vec();
        while let Some(value) = open.pop() {
            if found.insert(value, ()).is_none() && !loaded(value) {
                open.extend(read(&self.evaluator.graph.node(value).op));
            }
        }
        found.into_keys().collect()
    }

    fn axis(&self, name: &Name) -> Result<usize, EvalError> {
        let position = self.space.iter().position(|range| range.name == *name);
        position.ok_or_else(|| EvalError::Fault(format!("axis `{name}` is not in the space of its user")))
    }

    /// Pairs of axis of the space and stride of a stored value.
    fn strides(&self, value: ValueId) -> Vec<(usize, usize)> {
        let layout = self.evaluator.layout(value);
        let axes = self.space.iter().enumerate();
        axes.filter(|(_, range)| layout.extent(&range.name).is_some())
            .map(|(axis, range)| (axis, layout.stride(&range.name)))
            .collect()
    }

    fn instruction(
        &self,
        value: ValueId,
        registers: &BTreeMap<ValueId, usize>,
    ) -> Result<Instruction<D>, EvalError> {
        let graph = self.evaluator.graph;
        let node = graph.node(value);
        Ok(match &node.op {
            Op::Const(literal) => Instruction::Constant(evaluate_scalar::literal(*literal, node.ty.dtype)),
            Op::Size(extent) => Instruction::Constant(Value::Int(extent.eval(self.evaluator.bindings)?)),
            Op::Index(name) => Instruction::Index(self.axis(name)?),
            Op::Map(op, values) => {
                let (mut dtypes, mut operands) = ([Dtype::Bool; 3], [0; 3]);
                for ((value, dtype), operand) in values.iter().zip(&mut dtypes).zip(&mut operands) {
                    *dtype = graph.ty(*value).dtype;
                    *operand = register(registers, *value)?;
                }
                let (op, dtype, arity) = (*op, node.ty.dtype, values.len().min(3));
                let arithmetic = matches!(
                    op.row().signature,
                    Signature::Numeric | Signature::Ordered | Signature::Float | Signature::Field
                );
                if arithmetic && dtype.is_float() {
                    let first = operands[0];
                    operands[arity..].fill(first);
                    Instruction::Arithmetic { op, dtype, operands, arity }
                } else {
                    Instruction::Map { op, dtype, dtypes, operands, arity }
                }
            }
            Op::Access { source, indices, outside } => {
                let layout: Layout = self.evaluator.layout(*source);
                let extents = graph.ty(*source).axes.iter().zip(&self.evaluator.shapes[source.index()]);
                let places = extents
                    .zip(indices)
                    .map(|((axis, &extent), &index)| {
                        // One step of a value of a body is stored: the stepped axis has no stride.
                        let stride = layout.stride(&axis.name);
                        Ok(Place { register: register(registers, index)?, extent, stride })
                    })
                    .collect::<Result<_, EvalError>>()?;
                let outside = match outside {
                    Some(value) => Ok(register(registers, *value)?),
                    None => Err(evaluate_scalar::zero(node.ty.dtype)),
                };
                Instruction::Access { value: *source, places, outside }
            }
            Op::Input(_)
            | Op::Table(_)
            | Op::Reduce { .. }
            | Op::Scatter { .. }
            | Op::Normalise { .. }
            | Op::State { .. }
            | Op::Recur { .. }
            | Op::Transform { .. } => {
                return Err(EvalError::Fault(format!("{value} is not evaluated point by point")));
            }
        })
    }
}

/// The operands that are read at the point itself: all but the source of an access.
fn read(op: &Op) -> Vec<ValueId> {
    match op {
        Op::Access { indices, outside, .. } => indices.iter().chain(outside).copied().collect(),
        op => op.operands(),
    }
}

fn register(registers: &BTreeMap<ValueId, usize>, value: ValueId) -> Result<usize, EvalError> {
    registers.get(&value).copied().ok_or_else(|| EvalError::Fault(format!("{value} has no register")))
}

impl<D: Domain> Evaluator<'_, D> {
    /// The union of the axes of some values with their extents.
    fn space(&self, values: &[ValueId]) -> Result<Vec<(Name, usize)>, EvalError> {
        let axes = union_axes(values.iter().map(|&value| self.graph.ty(value).axes.as_slice()))
            .map_err(|name| EvalError::Fault(format!("axis `{name}` has two extents")))?;
        axes.into_iter().map(|axis| Ok((axis.name.clone(), super::extent(&axis, self.bindings)?))).collect()
    }
}
