//! Compiles a function to an [`Image`].
//!
//! Everything that an image refers to lies in it, at a fixed distance, but for functions of the
//! runtime: so references are resolved here, once, and loading has nothing left to do but to fill in
//! the addresses of those functions.

use super::object::define_tables;
use super::parts::Machine;
use super::wide::Vectors;
use super::{codegen, isa, parts, unsupported};
use crate::image::{Image, Import};
use crate::signature::{Signature, with_places};
use crate::{BackendError, Target};
use cranelift::codegen::binemit::Reloc;
use cranelift::codegen::control::ControlPlane;
use cranelift::codegen::ir::{self, InstBuilder, types};
use cranelift::codegen::isa::{OwnedTargetIsa, TargetIsa};
use cranelift::codegen::{Context, VERSION};
use cranelift::frontend::FunctionBuilder;
use cranelift::module::{
    DataDescription, DataId, FuncId, Init, Linkage, Module, ModuleDeclarations, ModuleError, ModuleReloc,
    ModuleRelocTarget, ModuleResult,
};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use tcc_ir::loops::{BufferId, Func};

/// How many images were compiled by this process.
static COMPILED: AtomicU64 = AtomicU64::new(0);

/// How many times machine code was generated for this process to run.
pub fn generations() -> u64 {
    COMPILED.load(Ordering::Relaxed)
}

/// What images depend on beside the program: the code generator and the instructions of this machine.
pub fn target() -> Result<String, BackendError> {
    static TARGET: OnceLock<String> = OnceLock::new();
    if let Some(text) = TARGET.get() {
        return Ok(text.clone());
    }
    let isa = isa(true, false)?;
    let features: Vec<String> = isa.isa_flags().iter().map(ToString::to_string).collect();
    let vectors = Vectors::detect();
    let text = format!("{} {vectors:?} cranelift {VERSION} {}", isa.triple(), features.join(" "));
    Ok(TARGET.get_or_init(|| text).clone())
}

/// Compiles `func` for this machine.
pub fn make_image(func: &Func) -> Result<Image, BackendError> {
    make_image_with(func, Vectors::detect())
}

/// The same with vectors that the machine must have.
pub(super) fn make_image_with(func: &Func, vectors: Vectors) -> Result<Image, BackendError> {
    COMPILED.fetch_add(1, Ordering::Relaxed);
    let func = &*with_places(func);
    let mut module = ImageModule::new(isa(true, false)?);
    let tables = define_tables(func, &mut module)?;
    let mut address = |module: &mut ImageModule, b: &mut FunctionBuilder, id: BufferId| {
        let data = tables.get(&id).ok_or_else(|| codegen(format!("{id} is no table")))?;
        let global = module.declare_data_in_func(*data, b.func);
        Ok(b.ins().symbol_value(types::I64, global))
    };
    let symbol = Target::default().symbol(func);
    let machine = Machine { vectors, threads: true };
    let entry = parts::define(func, &mut module, &symbol, machine, &mut address, &mut parts::compiled)?;
    module.finish(entry, Signature::of(func))
}

/// Functions and tables one behind the other.
struct ImageModule {
    isa: OwnedTargetIsa,
    declarations: ModuleDeclarations,
    functions: BTreeMap<FuncId, u32>,
    data: BTreeMap<DataId, u32>,
    code: Vec<u8>,
    /// References with their places in the image.
    references: Vec<ModuleReloc>,
}

impl ImageModule {
    fn new(isa: OwnedTargetIsa) -> ImageModule {
        ImageModule {
            isa,
            declarations: ModuleDeclarations::default(),
            functions: BTreeMap::new(),
            data: BTreeMap::new(),
            code: Vec::new(),
            references: Vec::new(),
        }
    }

    /// Appends bytes at a multiple of `alignment`; gives their place.
    #[expect(clippy::result_large_err, reason = "the trait that uses it has this error")]
    fn append(&mut self, bytes: &[u8], alignment: u64) -> ModuleResult<u32> {
        let start = (self.code.len() as u64).next_multiple_of(alignment.max(1));
        let end = start + bytes.len() as u64;
        // Places in an image have 32 bits, and distances a sign.
        if i32::try_from(end).is_err() {
            return Err(ModuleError::Allocation { err: std::io::Error::other("the code is too large") });
        }
        self.code.resize(start as usize, 0);
        self.code.extend_from_slice(bytes);
        Ok(start as u32)
    }

    /// The image, once everything is defined.
    fn finish(mut self, entry: FuncId, signature: Signature) -> Result<Image, BackendError> {
        let mut imports = Vec::new();
        for reference in std::mem::take(&mut self.references) {
            match self.place(&reference.name)? {
                Some(target) => resolve(
                    &mut self.code,
                    reference.kind,
                    reference.offset as usize,
                    i64::from(target) + reference.addend,
                )?,
                None if reference.kind == Reloc::Abs8 => imports.push(Import {
                    at: reference.offset,
                    name: self.import(&reference.name)?,
                    addend: reference.addend,
                }),
                None => return Err(unsupported(format!("a reference {:?}", reference.kind))),
            }
        }
        let entry = self.functions.get(&entry).copied().ok_or_else(|| codegen("no entry".into()))?;
        Ok(Image { signature, entry, imports, code: self.code })
    }

    /// The place of what is referred to; `None` if it is imported.
    fn place(&self, target: &ModuleRelocTarget) -> Result<Option<u32>, BackendError> {
        match target {
            ModuleRelocTarget::User { namespace: 0, index } => {
                Ok(self.functions.get(&FuncId::from_u32(*index)).copied())
            }
            ModuleRelocTarget::User { index, .. } => {
                let place = self.data.get(&DataId::from_u32(*index));
                place.copied().map(Some).ok_or_else(|| codegen("a table has no place".into()))
            }
            ModuleRelocTarget::FunctionOffset(id, offset) => {
                Ok(self.functions.get(id).map(|start| start + offset))
            }
            ModuleRelocTarget::LibCall(_) | ModuleRelocTarget::KnownSymbol(_) => {
                Err(unsupported(format!("a call of {target:?}")))
            }
        }
    }

    /// The name of an imported function.
    fn import(&self, target: &ModuleRelocTarget) -> Result<String, BackendError> {
        let ModuleRelocTarget::User { namespace: 0, index } = target else {
            return Err(unsupported(format!("a reference to {target:?}")));
        };
        let id = FuncId::from_u32(*index);
        Ok(self.declarations.get_function_decl(id).linkage_name(id).into_owned())
    }
}

/// Writes the reference at `at` to what lies `target` bytes behind the start, which is the start of a
/// page wherever the image is loaded.
fn resolve(code: &mut [u8], kind: Reloc, at: usize, target: i64) -> Result<(), BackendError> {
    const PAGE: i64 = 4096;
    let far = || codegen(format!("a reference at {at} does not reach {target}"));
    let field = code.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<4>()).ok_or_else(far)?;
    let place = at as i64;
    let instruction = u32::from_le_bytes(*field);
    let value = match kind {
        Reloc::X86PCRel4 | Reloc::X86CallPCRel4 => {
            i32::try_from(target - place).map_err(|_| far())?.cast_unsigned()
        }
        Reloc::Arm64Call => {
            let words = (target - place) / 4;
            if !(-(1 << 25)..1 << 25).contains(&words) {
                return Err(far());
            }
            instruction | (words as u32 & 0x03ff_ffff)
        }
        Reloc::Aarch64AdrPrelPgHi21 => {
            let pages = target.div_euclid(PAGE) - place.div_euclid(PAGE);
            if !(-(1 << 20)..1 << 20).contains(&pages) {
                return Err(far());
            }
            let pages = pages as u32;
            instruction | (pages & 3) << 29 | (pages >> 2 & 0x7_ffff) << 5
        }
        Reloc::Aarch64AddAbsLo12Nc => instruction | (target.rem_euclid(PAGE) as u32) << 10,
        other => return Err(unsupported(format!("a reference {other:?}"))),
    };
    *field = value.to_le_bytes();
    Ok(())
}

impl Module for ImageModule {
    fn isa(&self) -> &dyn TargetIsa {
        &*self.isa
    }

    fn declarations(&self) -> &ModuleDeclarations {
        &self.declarations
    }

    fn declare_function(&mut self, name: &str, linkage: Linkage, s: &ir::Signature) -> ModuleResult<FuncId> {
        Ok(self.declarations.declare_function(name, linkage, s)?.0)
    }

    fn declare_anonymous_function(&mut self, signature: &ir::Signature) -> ModuleResult<FuncId> {
        self.declarations.declare_anonymous_function(signature)
    }

    fn declare_data(&mut self, name: &str, l: Linkage, writable: bool, tls: bool) -> ModuleResult<DataId> {
        Ok(self.declarations.declare_data(name, l, writable, tls)?.0)
    }

    fn declare_anonymous_data(&mut self, writable: bool, tls: bool) -> ModuleResult<DataId> {
        self.declarations.declare_anonymous_data(writable, tls)
    }

    fn define_function_with_control_plane(
        &mut self,
        id: FuncId,
        context: &mut Context,
        plane: &mut ControlPlane,
    ) -> ModuleResult<()> {
        let compiled = context.compile(&*self.isa, plane)?;
        let alignment = u64::from(compiled.buffer.alignment);
        let code = compiled.code_buffer().to_vec();
        let buffer = &context.compiled_code().ok_or_else(undefined)?.buffer;
        let references: Vec<ModuleReloc> = buffer
            .relocs()
            .iter()
            .map(|reference| ModuleReloc::from_mach_reloc(reference, &context.func, id))
            .collect();
        self.define_function_bytes(id, alignment, &code, &references)
    }

    fn define_function_bytes(
        &mut self,
        id: FuncId,
        alignment: u64,
        bytes: &[u8],
        references: &[ModuleReloc],
    ) -> ModuleResult<()> {
        let minimum = u64::from(self.isa.function_alignment().minimum);
        let start = self.append(bytes, alignment.max(minimum).max(self.isa.symbol_alignment()))?;
        let moved = |r: &ModuleReloc| ModuleReloc { offset: r.offset + start, ..r.clone() };
        self.references.extend(references.iter().map(moved));
        self.functions.insert(id, start);
        Ok(())
    }

    fn define_data(&mut self, id: DataId, data: &DataDescription) -> ModuleResult<()> {
        // Tables hold no addresses.
        let contents = match &data.init {
            Init::Bytes { contents } => contents,
            Init::Zeros { .. } | Init::Uninitialized => return Err(undefined()),
        };
        let start = self.append(contents, data.align.unwrap_or(16))?;
        self.data.insert(id, start);
        Ok(())
    }
}

fn undefined() -> ModuleError {
    ModuleError::Undeclared("something that has no bytes".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cranelift::jit::load_calling;
    use cranelift::codegen::ir::{AbiParam, UserFuncName};
    use cranelift::frontend::FunctionBuilderContext;

    /// What the code of the test calls: doubles a number.
    extern "C" fn double(value: i64) -> i64 {
        2 * value
    }

    #[test]
    fn functions_of_the_runtime_are_called_by_name() {
        let mut module = ImageModule::new(isa(true, false).unwrap());
        let mut callee = module.make_signature();
        callee.params.push(AbiParam::new(types::I64));
        callee.returns.push(AbiParam::new(types::I64));
        let callee = module.declare_function("double", Linkage::Import, &callee).unwrap();
        let mut context = module.make_context();
        context.func.signature = super::super::emit::signature(module.target_config());
        let entry = module.declare_function("f", Linkage::Export, &context.func.signature).unwrap();
        context.func.name = UserFuncName::user(0, entry.as_u32());
        let mut scratch = FunctionBuilderContext::new();
        let mut b = FunctionBuilder::new(&mut context.func, &mut scratch);
        let block = b.create_block();
        b.append_block_params_for_function_params(block);
        b.switch_to_block(block);
        b.seal_block(block);
        let callee = module.declare_func_in_func(callee, b.func);
        let value = b.ins().iconst(types::I64, 21);
        let call = b.ins().call(callee, &[value]);
        let result = b.inst_results(call)[0];
        let status = b.ins().ireduce(types::I32, result);
        b.ins().return_(&[status]);
        b.finalize(module.target_config());
        module.define_function(entry, &mut context).unwrap();
        let image = module.finish(entry, Signature::of(&Func::default())).unwrap();
        assert_eq!(image.imports[0].name, "double");
        let image = Image::from_bytes(&image.to_bytes()).unwrap();
        let functions: &[(&str, usize)] = &[("double", double as *const () as usize)];
        let kernel = load_calling(&image, functions).unwrap();
        // The status is what the callee returned.
        assert_eq!(
            kernel.run(&[], &mut [], &[], &mut []).unwrap_err().to_string(),
            "the kernel returned status 42"
        );
        assert!(load_calling(&image, &[]).unwrap_err().to_string().contains("double"));
    }

    #[test]
    fn references_of_both_architectures_are_resolved() {
        let resolved = |kind, at: usize, target| {
            let mut code = vec![0; 0x3000];
            resolve(&mut code, kind, at, target)?;
            Ok::<u32, BackendError>(u32::from_le_bytes(code[at..at + 4].try_into().unwrap()))
        };
        assert_eq!(resolved(Reloc::X86PCRel4, 0x100, 0x80), Ok(-0x80i32 as u32));
        assert_eq!(resolved(Reloc::Arm64Call, 0x100, 0x80), Ok(0x03ff_ffe0));
        // adrp: two pages on, with the low two bits in front.
        assert_eq!(resolved(Reloc::Aarch64AdrPrelPgHi21, 0xffc, 0x2010), Ok(2 << 29));
        assert_eq!(resolved(Reloc::Aarch64AdrPrelPgHi21, 0x2ffc, 0x10), Ok(2 << 29 | 0x7_ffff << 5));
        assert_eq!(resolved(Reloc::Aarch64AddAbsLo12Nc, 0, 0x2010), Ok(0x10 << 10));
        assert!(resolved(Reloc::X86PCRel4, 0, 1 << 40).is_err());
        assert!(resolved(Reloc::Arm64Call, 0, 1 << 30).is_err());
        assert!(resolve(&mut [0; 3], Reloc::X86PCRel4, 0, 0).is_err());
    }
}
