//! Object files, and text of what goes into them.

use super::emit::{Emitter, signature};
use super::{codegen, compile, isa};
use crate::signature::with_places;
use crate::tables;
use crate::{Artifact, BackendError, EmitKind, RECIPE_SECTION, Target};
use cranelift::codegen::Context;
use cranelift::codegen::ir::{InstBuilder, UserFuncName, types};
use cranelift::frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift::module::{
    DataDescription, DataId, FuncId, Linkage, Module, ModuleError, default_libcall_names,
};
use cranelift_object::{ObjectBuilder, ObjectModule};
use std::collections::BTreeMap;
use tcc_ir::loops::{BufferId, Func, Role};

/// Text or object code of `func`.
pub fn emit(func: &Func, kind: EmitKind, target: &Target) -> Result<Artifact, BackendError> {
    let func = &*with_places(func);
    let isa = isa(target.native, true)?;
    let builder = ObjectBuilder::new(isa, target.symbol(func), default_libcall_names());
    let mut module = ObjectModule::new(builder.map_err(|error| codegen(error.to_string()))?);
    let (id, mut context) = build(func, &mut module, &target.symbol(func))?;
    match kind {
        EmitKind::Clif => Ok(Artifact::Text(context.func.display().to_string())),
        EmitKind::Asm => {
            context.set_disasm(true);
            compile(&mut module, id, &mut context)?;
            let text = context.compiled_code().and_then(|code| code.vcode.clone());
            text.map(Artifact::Text).ok_or_else(|| codegen("no assembly was made".into()))
        }
        EmitKind::Object => {
            compile(&mut module, id, &mut context)?;
            if let Some(recipe) = &target.recipe {
                embed(recipe, &mut module)?;
            }
            let bytes = module.finish().emit().map_err(|error| codegen(error.to_string()))?;
            Ok(Artifact::Bytes(bytes))
        }
    }
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

/// Declares the function and its tables, and builds its body.
fn build(func: &Func, module: &mut ObjectModule, symbol: &str) -> Result<(FuncId, Context), BackendError> {
    let config = module.target_config();
    let mut context = module.make_context();
    context.func.signature = signature(config);
    let id = module
        .declare_function(symbol, Linkage::Export, &context.func.signature)
        .map_err(|error| codegen(error.to_string()))?;
    context.func.name = UserFuncName::user(0, id.as_u32());
    let mut tables: BTreeMap<BufferId, DataId> = BTreeMap::new();
    for (index, buffer) in func.buffers.iter().enumerate() {
        if matches!(buffer.role, Role::Table(_)) {
            let data =
                module.declare_anonymous_data(false, false).map_err(|error| codegen(error.to_string()))?;
            let mut description = DataDescription::new();
            description.define(tables::bytes(buffer)?.into_boxed_slice());
            description.set_align(16);
            module.define_data(data, &description).map_err(|error| codegen(error.to_string()))?;
            tables.insert(BufferId(index as u32), data);
        }
    }
    let mut address = |b: &mut FunctionBuilder, buffer: BufferId| {
        let data = tables.get(&buffer).ok_or_else(|| codegen(format!("{buffer} is no table")))?;
        let global = module.declare_data_in_func(*data, b.func);
        Ok(b.ins().symbol_value(types::I64, global))
    };
    let mut builder_context = FunctionBuilderContext::new();
    let builder = FunctionBuilder::new(&mut context.func, &mut builder_context);
    Emitter::emit(func, builder, &mut address, config)?;
    Ok((id, context))
}
