//! The meaning of the loop level, and the judge of every access.
//!
//! Loops run one iteration after the other, lanes of a vector too. On the way the evaluator reports
//! as [`EvalError::Fault`] what is a bug of the compiler: an index outside its extent, a read of a
//! place that holds no value (never written, overwritten through another buffer of the arena, a
//! register of another iteration), an output that is not written everywhere, and two iterations of
//! a parallel or vector loop that meet at a place which one of them writes.

mod contract;
mod machine;
mod program;
mod translate;

use super::{Buffer, Func, Role, verify};

use crate::bind::{BindError, OperandShape, bind_symbols};
use crate::domain::{Domain, Value};
use crate::dtype::{Dtype, Kind};
use crate::error::{EvalError, VerifyErrors};
use crate::evaluate_scalar;
use crate::extent::Extent;
use crate::graph::Table;
use crate::symbol::Bindings;
use crate::tensor::Tensor;
use machine::{Arena, Machine, Memory};
use program::Layout;
use translate::Translator;

/// What an evaluation may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all elements together, as the evaluator stores them.
    pub bytes: u128,
    /// Steps: scalar operations, accesses and jumps.
    pub steps: u64,
}

/// Enough for an hour or two.
impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: 1 << 33, steps: 1 << 38 }
    }
}

impl crate::Ir for Func {
    const LEVEL: &'static str = "loops";

    fn verify(&self) -> Result<(), VerifyErrors> {
        verify::verify(self)
    }

    fn eval<D: Domain>(
        &self,
        inputs: &[Tensor<D>],
        bindings: &Bindings,
    ) -> Result<Vec<Tensor<D>>, EvalError> {
        self.eval_within(inputs, bindings, Limits::default())
    }
}

impl Func {
    /// The values of all symbols for inputs of these shapes, with `given` for what shapes do not
    /// determine.
    pub fn bind(&self, shapes: &[&[usize]], given: &Bindings) -> Result<Bindings, BindError> {
        let operands: Vec<OperandShape<'_>> = self
            .inputs()
            .zip(shapes)
            .map(|(id, actual)| {
                let buffer = self.buffer(id);
                OperandShape { name: &buffer.name, declared: &buffer.extents, actual }
            })
            .collect();
        bind_symbols(&self.symbols, &self.requirements, &operands, given)
    }

    /// As [`Ir::eval`](crate::Ir::eval) with limits of one's own.
    pub fn eval_within<D: Domain>(
        &self,
        inputs: &[Tensor<D>],
        bindings: &Bindings,
        limits: Limits,
    ) -> Result<Vec<Tensor<D>>, EvalError> {
        // Everything below relies on the contract; a broken function is a fault, not a panic.
        verify::verify(self).map_err(|errors| EvalError::Fault(errors.to_string()))?;
        check_inputs(self, inputs)?;
        let shapes: Vec<&[usize]> = inputs.iter().map(|tensor| tensor.shape.as_slice()).collect();
        let bindings = self.bind(&shapes, bindings)?;
        let mut layouts = layouts(self, &bindings)?;
        check_size(self, &layouts, limits)?;
        let arena = arena(self, &bindings, &mut layouts, limits)?;
        let program = Translator::<D>::translate(self, &bindings, &layouts)?;
        let marks = program.shadows.iter().map(|&buffer| elements(&layouts[buffer as usize]));
        within(limits, marks.sum::<u128>().saturating_mul(Machine::<D>::MARK_BYTES))?;
        let memory = memory(self, inputs, &layouts)?;
        let memory = Machine::new(self, &program, memory, arena, limits.steps).run()?;
        self.outputs().map(|id| output(self.buffer(id), &layouts[id.index()], &memory[id.index()])).collect()
    }
}

fn check_inputs<D: Domain>(func: &Func, inputs: &[Tensor<D>]) -> Result<(), EvalError> {
    let declared = func.inputs().count();
    if declared != inputs.len() {
        let given = inputs.len();
        return Err(EvalError::Operand(format!("`{}` takes {declared} operands, not {given}", func.name)));
    }
    for (id, tensor) in func.inputs().zip(inputs) {
        let buffer = func.buffer(id);
        let name = &buffer.name;
        if buffer.dtype != tensor.dtype {
            let (given, wanted) = (tensor.dtype, buffer.dtype);
            return Err(EvalError::Operand(format!("`{name}` is {given}, not {wanted}")));
        }
        let elements = tensor.shape.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent));
        let fits = tensor.data.iter().all(|value| kind(value) == buffer.dtype.kind());
        if elements != Some(tensor.data.len()) || !fits {
            return Err(EvalError::Operand(format!("the elements of `{name}` do not match its type")));
        }
    }
    Ok(())
}

fn kind<D: Domain>(value: &Value<D>) -> Kind {
    match value {
        Value::Bool(_) => Kind::Bool,
        Value::Int(_) => Kind::Int,
        Value::Real(_) => Kind::Float,
        Value::Complex(..) => Kind::Complex,
    }
}

fn layouts(func: &Func, bindings: &Bindings) -> Result<Vec<Layout>, EvalError> {
    let layout = |buffer: &Buffer| {
        let extents = values(&buffer.extents, bindings)?;
        if let Some(extent) = extents.iter().find(|&&extent| extent < 0) {
            return Err(EvalError::Operand(format!("`{}` has the negative extent {extent}", buffer.name)));
        }
        let strides = values(&buffer.strides, bindings)?;
        let written = matches!(buffer.role, Role::Output | Role::Scratch { .. });
        if written && !strides_separate(&extents, &strides) {
            let name = &buffer.name;
            return Err(EvalError::Fault(format!("the strides of `{name}` let elements share a place")));
        }
        Ok(Layout { extents, strides, shared: false, register: buffer.is_register() })
    };
    func.buffers.iter().map(layout).collect()
}

fn values(extents: &[Extent], bindings: &Bindings) -> Result<Vec<i64>, EvalError> {
    extents.iter().map(|extent| Ok(extent.eval(bindings)?)).collect()
}

/// Whether different elements certainly have different places: every stride steps over all that the
/// smaller strides reach.
pub(super) fn strides_separate(extents: &[i64], strides: &[i64]) -> bool {
    if extents.contains(&0) {
        return true;
    }
    let mut axes: Vec<(i64, i64)> =
        strides.iter().copied().zip(extents.iter().copied()).filter(|&(_, extent)| extent > 1).collect();
    axes.sort_unstable();
    let mut reach = 0i128;
    axes.into_iter().all(|(stride, extent)| {
        let separate = i128::from(stride) > reach;
        reach += i128::from(stride) * i128::from(extent - 1);
        separate
    })
}

fn check_size(func: &Func, layouts: &[Layout], limits: Limits) -> Result<(), EvalError> {
    let mut needed = 0u128;
    for (buffer, layout) in func.buffers.iter().zip(layouts) {
        let bytes = if buffer.dtype.is_complex() { 17 } else { 9 };
        needed = needed.saturating_add(elements(layout).saturating_mul(bytes));
    }
    within(limits, needed)
}

fn elements(layout: &Layout) -> u128 {
    layout.extents.iter().fold(1, |n, &extent| n.saturating_mul(extent.unsigned_abs().into()))
}

fn within(limits: Limits, needed: u128) -> Result<(), EvalError> {
    if needed > limits.bytes {
        return Err(EvalError::Limit { needed, limit: limits.bytes, unit: "bytes" });
    }
    Ok(())
}

/// Finds the planned buffers that share memory and marks them in `layouts`.
fn arena(
    func: &Func,
    bindings: &Bindings,
    layouts: &mut [Layout],
    limits: Limits,
) -> Result<Arena, EvalError> {
    let mut arena = Arena { granule: 1, owners: Vec::new(), places: vec![None; layouts.len()] };
    let Some(size) = &func.arena else { return Ok(arena) };
    let size = size.eval(bindings)?;
    let mut ranges: Vec<(i64, i64, usize)> = Vec::new();
    for (index, buffer) in func.buffers.iter().enumerate() {
        let Role::Scratch { offset: Some(offset) } = &buffer.role else { continue };
        let start = offset.eval(bindings)?;
        let layout = &layouts[index];
        if layout.extents.contains(&0) {
            continue;
        }
        let reach =
            layout.extents.iter().zip(&layout.strides).map(|(e, s)| i128::from(e - 1) * i128::from(*s));
        let end = i128::from(start) + (reach.sum::<i128>() + 1) * buffer.dtype.size_bytes() as i128;
        if start < 0 || end > i128::from(size) {
            return Err(EvalError::Fault(format!("buffer `{}` lies outside the arena", buffer.name)));
        }
        ranges.push((start, end as i64, index));
    }
    ranges.sort_unstable();
    let mut widest: Option<(i64, usize)> = None;
    for &(start, end, index) in &ranges {
        if let Some((_, other)) = widest.filter(|&(widest_end, _)| widest_end > start) {
            // Whatever else reaches here also meets the widest, and is marked already.
            layouts[index].shared = true;
            layouts[other].shared = true;
        }
        if widest.is_none_or(|(widest_end, _)| end > widest_end) {
            widest = Some((end, index));
        }
    }
    ranges.retain(|&(_, _, index)| layouts[index].shared);
    let Some(top) = ranges.iter().map(|&(_, end, _)| end as usize).max() else { return Ok(arena) };
    let size_of = |index: usize| func.buffers[index].dtype.size_bytes();
    arena.granule =
        ranges.iter().fold(0, |g, &(start, _, index)| gcd(gcd(g, start as usize), size_of(index)));
    within(limits, (top / arena.granule) as u128 * 4)?;
    arena.owners = vec![0; top / arena.granule];
    for &(start, _, index) in &ranges {
        let element = size_of(index) / arena.granule;
        let distances = layouts[index].strides.iter().map(|&stride| stride as usize * element).collect();
        arena.places[index] = Some((start as usize / arena.granule, element, distances));
    }
    Ok(arena)
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn memory<D: Domain>(
    func: &Func,
    inputs: &[Tensor<D>],
    layouts: &[Layout],
) -> Result<Vec<Memory<D>>, EvalError> {
    let mut inputs = inputs.iter();
    let mut all = Vec::with_capacity(layouts.len());
    for (buffer, layout) in func.buffers.iter().zip(layouts) {
        let elements = layout.extents.iter().map(|&extent| extent as usize).product();
        let mut memory = Memory::unwritten(buffer.dtype, elements);
        match &buffer.role {
            Role::Input => {
                let data = inputs.next().map_or(&[][..], |tensor| &tensor.data);
                data.iter().enumerate().for_each(|(place, &value)| memory.set(place, value));
            }
            Role::Table(table) => fill_table(&mut memory, table, buffer.dtype, &layout.extents)?,
            Role::Output | Role::Scratch { .. } => {}
        }
        all.push(memory);
    }
    Ok(all)
}

fn fill_table<D: Domain>(
    memory: &mut Memory<D>,
    table: &Table,
    dtype: Dtype,
    extents: &[i64],
) -> Result<(), EvalError> {
    match table {
        Table::Literals(literals) => {
            for (place, literal) in literals.iter().enumerate() {
                memory.set(place, evaluate_scalar::literal(*literal, dtype));
            }
        }
        Table::Dft => {
            let n = extents.last().copied().unwrap_or(0);
            let frequencies = if extents.len() == 1 { 1..n.min(1) + 1 } else { 0..n };
            for (row, k) in frequencies.enumerate() {
                for x in 0..n {
                    // The exponent is only needed modulo n, which keeps the product exact.
                    let exponent = (i128::from(k) * i128::from(x) % i128::from(n)) as i64;
                    let (re, im) = D::root_of_unity(exponent, n, dtype.part())?;
                    memory.set(row * n as usize + x as usize, Value::Complex(re, im));
                }
            }
        }
    }
    Ok(())
}

fn output<D: Domain>(buffer: &Buffer, layout: &Layout, memory: &Memory<D>) -> Result<Tensor<D>, EvalError> {
    if let Some(place) = memory.written.iter().position(|written| !written) {
        let name = &buffer.name;
        return Err(EvalError::Fault(format!("element {place} of the output `{name}` is never written")));
    }
    let shape = layout.extents.iter().map(|&extent| extent as usize).collect();
    let data = (0..memory.written.len()).map(|place| memory.element(buffer.dtype, place)).collect();
    Ok(Tensor { dtype: buffer.dtype, shape, data })
}

#[cfg(test)]
mod tests;
