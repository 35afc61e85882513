//! Machine code in memory that has an end: operands, results and working memory lie against pages that may not be
//! touched, first with their ends, then with their beginnings. Whatever a program does not write is poison.
//!
//! An access at such a page ends the process by a signal: a finding of the campaign, which runs in a process of its
//! own and says which parameter it was. Everything else is a finding of this oracle.

use super::Execution;
use super::backends::{Outcome, differs, finding, refusal, take_loaded};
use crate::finding::Finding;
use crate::guarded::{Guarded, Side, announce, withdraw};
use std::cell::Cell;
use tcc_backends::{CallError, Kernel};
use tcc_ir::Array;

/// The name in fingerprints.
pub const NAME: &str = "guards";

/// Alignment of working memory, in bytes.
const ARENA_ALIGNMENT: usize = 8;

thread_local! {
    /// Mappings of earlier calls: making one costs more than a call.
    static MAPPINGS: Cell<Vec<Guarded>> = const { Cell::new(Vec::new()) };
}

/// Runs the loops on the backends that the case names, in guarded memory.
pub fn ask(execution: &mut Execution) -> Result<(), Finding> {
    let Some(mut loaded) = take_loaded(execution) else { return Ok(()) };
    let position = execution.trace.ran.len();
    let Some(want) = loaded.want() else { return Ok(()) };
    for &name in execution.case.backends.iter().filter(|name| **name != "interp") {
        let Some(Ok(kernel)) = loaded.kernel(name) else { continue };
        for side in [Side::End, Side::Start] {
            let got = run(&kernel, &loaded.inputs, &loaded.sizes, side)
                .map_err(|message| Finding::new(NAME, name, position, message))?;
            if let Some(message) = got.and_then(|got| differs(&want, &got)) {
                return Err(finding(NAME, name, position, message));
            }
        }
    }
    execution.loaded = Some(loaded);
    Ok(())
}

/// Runs a kernel in guarded memory: what it computes, `None` if there is no such memory. `Err`: it wrote where it
/// must not.
pub fn run(kernel: &Kernel, inputs: &[Array], sizes: &[i64], side: Side) -> Result<Option<Outcome>, String> {
    let mut outputs = match kernel.allocate_outputs(sizes) {
        Ok(outputs) => outputs,
        Err(error) => return Ok(Some(Err(refusal(&error)))),
    };
    let Ok(arena) = kernel.arena_bytes(sizes) else { return Ok(None) };
    let place = |array: &Array| (array.bytes().len(), array.dtype().part().size_bytes());
    let places = inputs.iter().chain(&outputs).map(place).chain([(arena, ARENA_ALIGNMENT)]);
    let mut memory = MAPPINGS.take();
    for (number, (bytes, alignment)) in places.enumerate() {
        if memory.get(number).is_none_or(|guarded| guarded.capacity() < bytes) {
            let Some(guarded) = Guarded::new(bytes) else { return Ok(None) };
            match memory.get_mut(number) {
                Some(old) => *old = guarded,
                None => memory.push(guarded),
            }
        }
        if !memory[number].hold(bytes, alignment, side) {
            return Ok(None);
        }
    }
    let count = inputs.len() + outputs.len() + 1;
    for (guarded, input) in memory.iter_mut().zip(inputs) {
        guarded.bytes_mut().copy_from_slice(input.bytes());
    }
    announce(&memory[..count]);
    let result = call(kernel, &mut memory[..count], inputs.len(), sizes);
    withdraw();
    let told = look(kernel, inputs, &memory[..count]);
    for (output, guarded) in outputs.iter_mut().zip(&memory[inputs.len()..]) {
        output.bytes_mut().copy_from_slice(guarded.bytes());
    }
    MAPPINGS.set(memory);
    told.map(|()| Some(result.map(|()| outputs).map_err(|error| refusal(&error))))
}

/// Calls a kernel on memory: operands, then results, then working memory.
fn call(kernel: &Kernel, memory: &mut [Guarded], inputs: usize, sizes: &[i64]) -> Result<(), CallError> {
    let (operands, rest) = memory.split_at_mut(inputs);
    let operands: Vec<&[u8]> = operands.iter().map(|guarded| guarded.bytes()).collect();
    let mut rest: Vec<&mut [u8]> = rest.iter_mut().map(Guarded::bytes_mut).collect();
    match rest.pop() {
        Some(arena) => kernel.run(&operands, &mut rest, sizes, arena),
        None => Ok(()),
    }
}

/// Whether operands are as they were and nothing was written beside the arguments.
fn look(kernel: &Kernel, inputs: &[Array], memory: &[Guarded]) -> Result<(), String> {
    for (number, guarded) in memory.iter().enumerate() {
        if let Some(place) = guarded.written_outside() {
            let (name, bytes) = (parameter(kernel, number), guarded.bytes().len());
            return Err(format!("a write outside of `{name}`: byte {place} of {bytes}"));
        }
        if inputs.get(number).is_some_and(|input| input.bytes() != guarded.bytes()) {
            return Err(format!("the operand `{}` was written", parameter(kernel, number)));
        }
    }
    Ok(())
}

/// The name of what lies in a piece of memory.
fn parameter(kernel: &Kernel, number: usize) -> String {
    let parameter = kernel.signature().parameters().nth(number);
    parameter.map_or("working memory".into(), |parameter| parameter.name.to_string())
}
