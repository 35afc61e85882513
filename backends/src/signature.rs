//! What a kernel takes: the parameters of a `Func` with their extents, and how much memory it needs.

use crate::kernel::CallError;
use std::borrow::Cow;
use tcc_ir::loops::{Buffer, BufferId, CheckSite, Func, Role, Stmt};
use tcc_ir::{Bindings, Dtype, Extent, Name, Requirement, SymbolDecl};

/// An input or an output: a dense row-major array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The name in the source.
    pub name: Name,
    /// Element type.
    pub dtype: Dtype,
    /// Extents, outermost first; they may mention the symbols of the signature.
    pub extents: Vec<Extent>,
}

/// What a kernel takes and returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The name of the program.
    pub name: String,
    /// What `sizes` holds, one `i64` each.
    pub symbols: Vec<SymbolDecl>,
    /// Conditions on the symbols.
    pub requirements: Vec<Requirement>,
    /// Operands.
    pub inputs: Vec<Parameter>,
    /// Results.
    pub outputs: Vec<Parameter>,
    /// Working memory in bytes.
    pub arena: Extent,
    /// The sites of run-time checks.
    pub checks: Vec<CheckSite>,
}

/// The byte counts of one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lengths {
    /// Of each input, then of each output.
    pub buffers: Vec<usize>,
    /// Of the arena.
    pub arena: usize,
}

impl Signature {
    /// The signature of a function whose scratch buffers have places (see [`with_places`]).
    pub fn of(func: &Func) -> Signature {
        let parameters = |wanted: fn(&Role) -> bool| {
            func.buffers
                .iter()
                .filter(|buffer| wanted(&buffer.role))
                .map(|b| Parameter { name: b.name.clone(), dtype: b.dtype, extents: b.extents.clone() })
                .collect()
        };
        Signature {
            name: func.name.clone(),
            symbols: func.symbols.clone(),
            requirements: func.requirements.clone(),
            inputs: parameters(|role| matches!(role, Role::Input)),
            outputs: parameters(|role| matches!(role, Role::Output)),
            arena: func.arena.clone().unwrap_or_default(),
            checks: func.checks.clone(),
        }
    }

    /// Inputs, then outputs.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.inputs.iter().chain(&self.outputs)
    }

    /// Binds the symbols to `sizes` in `bindings`. The map is reused, so that a second call with the
    /// same map allocates nothing.
    pub(crate) fn bind(&self, sizes: &[i64], bindings: &mut Bindings) -> Result<(), CallError> {
        if sizes.len() != self.symbols.len() {
            return Err(CallError::Count { what: "sizes", given: sizes.len(), expected: self.symbols.len() });
        }
        for (symbol, &size) in self.symbols.iter().zip(sizes) {
            match bindings.get_mut(&symbol.name) {
                Some(slot) => *slot = size,
                None => {
                    bindings.insert(symbol.name.clone(), size);
                }
            }
        }
        Ok(())
    }

    /// Checks the requirements and computes the byte counts into `lengths`.
    pub(crate) fn measure(&self, bindings: &Bindings, lengths: &mut Lengths) -> Result<(), CallError> {
        for requirement in &self.requirements {
            if !requirement.holds(bindings)? {
                return Err(CallError::Requirement(requirement.explain(bindings)));
            }
        }
        lengths.buffers.clear();
        for parameter in self.parameters() {
            let mut bytes = parameter.dtype.size_bytes();
            for extent in &parameter.extents {
                bytes = size(extent, bindings)?
                    .checked_mul(bytes)
                    .filter(|&b| isize::try_from(b).is_ok())
                    .ok_or_else(|| CallError::TooLarge(parameter.name.to_string()))?;
            }
            lengths.buffers.push(bytes);
        }
        lengths.arena = size(&self.arena, bindings)?;
        Ok(())
    }

    /// The extents of a parameter as numbers.
    pub(crate) fn shape(&self, parameter: &Parameter, bindings: &Bindings) -> Result<Vec<usize>, CallError> {
        parameter.extents.iter().map(|extent| size(extent, bindings)).collect()
    }
}

/// The value of an extent that must not be negative.
fn size(extent: &Extent, bindings: &Bindings) -> Result<usize, CallError> {
    let value = match extent.as_const() {
        Some(value) => value,
        None => extent.eval(bindings)?,
    };
    usize::try_from(value).map_err(|_| CallError::Negative { extent: extent.to_string(), value })
}

/// Bytes to which the places of scratch buffers are rounded: one cache line.
const PLACE: i64 = 64;

/// The name of the working memory of contraction kernels.
const WORKSPACE: &str = "contract.workspace";

/// The working memory of contraction kernels, which [`with_places`] adds where there are contractions.
pub(crate) fn workspace(func: &Func) -> Option<BufferId> {
    let last = func.buffers.last().filter(|buffer| &*buffer.name == WORKSPACE);
    last.map(|_| BufferId(func.buffers.len() as u32 - 1))
}

/// The function with a place in the arena for every scratch buffer that is not a register. Those
/// that were planned stay where they are; the others follow, one after the other, and the working memory
/// of contraction kernels comes last.
pub fn with_places(func: &Func) -> Cow<'_, Func> {
    let mut contracts = false;
    func.walk(&mut |stmt| contracts |= matches!(stmt, Stmt::Contract(_)));
    if contracts && workspace(func).is_none() {
        let mut func = func.clone();
        let extents = vec![Extent::from(tcc_runtime::WORKSPACE_BYTES as i64)];
        func.add_buffer(Buffer::new(WORKSPACE, Dtype::U8, extents, Role::Scratch { offset: None }));
        return Cow::Owned(with_places(&func).into_owned());
    }
    let unplaced = |b: &Buffer| matches!(b.role, Role::Scratch { offset: None }) && !b.is_register();
    if !func.buffers.iter().any(unplaced) {
        return Cow::Borrowed(func);
    }
    let mut func = func.clone();
    let mut end = round_up(func.arena.clone().unwrap_or_default());
    for buffer in func.buffers.iter_mut().filter(|b| unplaced(b)) {
        let bytes = buffer.elements() * Extent::from(buffer.dtype.size_bytes() as i64);
        buffer.role = Role::Scratch { offset: Some(end.clone()) };
        end = round_up(end + bytes);
    }
    func.arena = Some(end);
    Cow::Owned(func)
}

fn round_up(bytes: Extent) -> Extent {
    (bytes + Extent::from(PLACE - 1)).div(PLACE) * Extent::from(PLACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unplanned_scratch_gets_places_that_do_not_overlap() {
        let mut func = Func::default();
        let scratch = |name: &str, n: i64| {
            Buffer::new(name, Dtype::F32, vec![Extent::from(n)], Role::Scratch { offset: None })
        };
        func.add_buffer(scratch("a", 3));
        func.add_buffer(scratch("b", 17));
        func.add_buffer(Buffer::new("r", Dtype::F32, vec![], Role::Scratch { offset: None }));
        let placed = with_places(&func);
        let offset = |at: usize| match &placed.buffers[at].role {
            Role::Scratch { offset } => offset.as_ref().and_then(Extent::as_const),
            _ => None,
        };
        assert_eq!((offset(0), offset(1), offset(2)), (Some(0), Some(64), None));
        assert_eq!(placed.arena.as_ref().and_then(Extent::as_const), Some(192));
    }
}
