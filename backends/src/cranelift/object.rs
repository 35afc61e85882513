//! Object files, and text of what goes into them.

use super::parts::{Built, Machine};
use super::wide::Vectors;
use super::{codegen, compile, isa, parts};
use crate::signature::with_places;
use crate::tables;
use crate::{Artifact, BackendError, EmitKind, RECIPE_SECTION, Target};
use cranelift::codegen::ir::{InstBuilder, types};
use cranelift::frontend::FunctionBuilder;
use cranelift::module::{DataDescription, DataId, FuncId, Module, ModuleError, default_libcall_names};
use cranelift_object::{ObjectBuilder, ObjectModule};
use std::collections::BTreeMap;
use tcc_ir::loops::{BufferId, Func, Role};

/// Text or object code of `func`.
pub fn emit(func: &Func, kind: EmitKind, target: &Target) -> Result<Artifact, BackendError> {
    let func = &*with_places(func);
    let isa = isa(target.native, true)?;
    let builder = ObjectBuilder::new(isa, target.symbol(func), default_libcall_names());
    let mut module = ObjectModule::new(builder.map_err(|error| codegen(error.to_string()))?);
    let symbol = target.symbol(func);
    let tables = define_tables(func, &mut module)?;
    let mut address = |module: &mut ObjectModule, b: &mut FunctionBuilder, buffer: BufferId| {
        let data = tables.get(&buffer).ok_or_else(|| codegen(format!("{buffer} is no table")))?;
        let global = module.declare_data_in_func(*data, b.func);
        Ok(b.ins().symbol_value(types::I64, global))
    };
    let mut text = String::new();
    let mut built = |module: &mut ObjectModule, id: FuncId, built: Built<'_>| {
        match (kind, built) {
            (EmitKind::Object, built) => parts::compiled(module, id, built)?,
            (EmitKind::Clif, Built::Context(context)) => text.push_str(&context.func.display().to_string()),
            (EmitKind::Clif, Built::Group(_)) => {}
            (EmitKind::Asm, Built::Group(group)) => {
                let name = module.declarations().get_function_decl(id).linkage_name(id);
                text.push_str(&format!("{name}:\n{}\n", group.listing()));
            }
            (EmitKind::Asm, Built::Context(context)) => {
                context.set_disasm(true);
                compile(module, id, context)?;
                let code = context.compiled_code().and_then(|code| code.vcode.clone());
                text.push_str(&code.ok_or_else(|| codegen("no assembly was made".into()))?);
            }
        }
        Ok(())
    };
    let vectors = if target.native { Vectors::detect() } else { Vectors::Narrow };
    // The archive that objects are linked with has no threads.
    let machine = Machine { vectors, threads: false };
    parts::define(func, &mut module, &symbol, machine, &mut address, &mut built)?;
    if kind != EmitKind::Object {
        return Ok(Artifact::Text(text));
    }
    if let Some(recipe) = &target.recipe {
        embed(recipe, &mut module)?;
    }
    let bytes = module.finish().emit().map_err(|error| codegen(error.to_string()))?;
    Ok(Artifact::Bytes(bytes))
}

/// Puts the recipe in a section of its own.
fn embed(recipe: &str, module: &mut ObjectModule) -> Result<(), BackendError> {
    let failed = |error: ModuleError| codegen(error.to_string());
    let data = module.declare_anonymous_data(false, false).map_err(failed)?;
    let mut description = DataDescription::new();
    description.define(recipe.as_bytes().into());
    description.set_custom_section(RECIPE_SECTION);
    module.define_data(data, &description).map_err(failed)
}

/// The data of all tables.
pub(super) fn define_tables(
    func: &Func,
    module: &mut impl Module,
) -> Result<BTreeMap<BufferId, DataId>, BackendError> {
    let failed = |error: ModuleError| codegen(error.to_string());
    let mut tables = BTreeMap::new();
    for (index, buffer) in func.buffers.iter().enumerate() {
        if matches!(buffer.role, Role::Table(_)) {
            let data = module.declare_anonymous_data(false, false).map_err(failed)?;
            let mut description = DataDescription::new();
            description.define(tables::bytes(buffer)?.into_boxed_slice());
            description.set_align(16);
            module.define_data(data, &description).map_err(failed)?;
            tables.insert(BufferId(index as u32), data);
        }
    }
    Ok(tables)
}
