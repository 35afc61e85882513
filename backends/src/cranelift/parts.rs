//! Long functions in parts.
//!
//! Allocating registers takes more than linear time and memory in the length of a function. So a function
//! of very many outermost statements is compiled as several, each with the same parameters, which the
//! entry calls one after another. Registers and `let`s stay within a part; small arrays that several parts
//! touch lie in memory.

use super::emit::{Emitted, Emitter, Environment, signature};
use super::wide::{Group, Vectors};
use super::{codegen, compile, contract, outline, threads};
use cranelift::codegen::Context;
use cranelift::codegen::ir::{FuncRef, InstBuilder, Signature, UserFuncName, Value, types};
use cranelift::frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift::module::{FuncId, Linkage, Module};
use std::collections::HashMap;
use std::ops::Range;
use tcc_ir::loops::{BufferId, Expr, For, Func, LoopKind, Stmt, Var, walk_block};

/// Outermost statements of a part, unless what lives in registers keeps more of them together.
const LENGTH: usize = 256;

/// Who touches a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Nobody,
    Part(usize),
    Several,
}

/// Some of the outermost statements of a function, or the iterations of a parallel loop.
#[derive(Clone, Copy)]
pub(super) struct Part<'f> {
    pub body: &'f [Stmt],
    /// The loop of which it is the body.
    pub iterations: Option<&'f For>,
    number: usize,
    owners: &'f [Owner],
}

impl Part<'_> {
    /// Whether the part may touch a buffer.
    pub fn touches(&self, buffer: usize) -> bool {
        matches!(self.owners[buffer], Owner::Several) || self.owns(buffer)
    }

    /// Whether the part is the body of a parallel loop that writes a buffer: then private scratch is one that each
    /// thread has of its own. What the loop only reads was written outside of it, to the place of all.
    pub fn writes_in_iterations(&self, buffer: BufferId) -> bool {
        let mut writes = false;
        if self.iterations.is_some() {
            walk_block(self.body, &mut |stmt| {
                writes |= stmt.write().is_some_and(|write| write.buffer == buffer);
            });
        }
        writes
    }

    /// Whether no other part touches a buffer.
    pub fn owns(&self, buffer: usize) -> bool {
        self.owners[buffer] == Owner::Part(self.number)
    }
}

/// Gives the address of the elements of a table.
pub(super) type TableAddress<'t, M> =
    &'t mut dyn FnMut(&mut M, &mut FunctionBuilder, BufferId) -> Emitted<Value>;

/// Something that becomes a function of a module.
pub(super) enum Built<'c> {
    /// A function of Cranelift that is not compiled yet.
    Context(&'c mut Context),
    /// The machine code of a group of statements.
    Group(&'c Group<'c>),
}

/// What happens to every function of a module, the entry last.
pub(super) type Use<'t, M> = &'t mut dyn FnMut(&mut M, FuncId, Built<'_>) -> Emitted<()>;

/// Who touches each buffer, and the numbers of the parallel loops that are functions.
struct Owners {
    buffers: Vec<Owner>,
    loops: HashMap<*const For, usize>,
}

/// The module around a part.
struct Around<'a, M> {
    func: &'a Func,
    owners: &'a Owners,
    module: &'a mut M,
    symbol: &'a str,
    vectors: Vectors,
    table: TableAddress<'a, M>,
    built: Use<'a, M>,
    /// Groups that have become functions.
    groups: &'a mut usize,
}

impl<'b, M: Module> Environment<'b> for Around<'_, M> {
    fn table(&mut self, b: &mut FunctionBuilder<'b>, buffer: BufferId) -> Emitted<Value> {
        (self.table)(self.module, b, buffer)
    }

    fn vectors(&self) -> Vectors {
        self.vectors
    }

    fn define(&mut self, b: &mut FunctionBuilder<'b>, group: &Group) -> Emitted<FuncRef> {
        let name = format!("{}.wide.{}", self.symbol, self.groups);
        *self.groups += 1;
        let signature = outline::signature(self.module.target_config());
        let id = self.module.declare_function(&name, Linkage::Local, &signature);
        let id = id.map_err(|error| codegen(error.to_string()))?;
        (self.built)(self.module, id, Built::Group(group))?;
        Ok(self.module.declare_func_in_func(id, b.func))
    }

    fn iterations(&mut self, b: &mut FunctionBuilder<'b>, each: &For) -> Emitted<Option<FuncRef>> {
        let Some(&number) = self.owners.loops.get(&std::ptr::from_ref(each)) else { return Ok(None) };
        let part = Part { body: &each.body, iterations: Some(each), number, owners: &self.owners.buffers };
        let name = format!("{}.loop.{number}", self.symbol);
        let config = self.module.target_config();
        let (id, mut context) = declare(self.module, &name, Linkage::Local, threads::signature(config))?;
        let mut builder_context = FunctionBuilderContext::new();
        let mut builder = FunctionBuilder::new(&mut context.func, &mut builder_context);
        let kernels = contract::kernels(part.body, false, &mut *self.module, &mut builder);
        let mut around = Around {
            func: self.func,
            owners: self.owners,
            module: &mut *self.module,
            symbol: self.symbol,
            vectors: self.vectors,
            table: &mut *self.table,
            built: &mut *self.built,
            groups: &mut *self.groups,
        };
        Emitter::emit(self.func, part, builder, &mut around, kernels, config)?;
        (self.built)(self.module, id, Built::Context(&mut context))?;
        Ok(Some(self.module.declare_func_in_func(id, b.func)))
    }
}

/// What code is for.
#[derive(Clone, Copy)]
pub(super) struct Machine {
    pub vectors: Vectors,
    /// Whether parallel loops run on the threads of the runtime.
    pub threads: bool,
}

/// Defines `func` in a module. `built` is given every function, the entry last, and compiles it or not.
pub(super) fn define<M: Module>(
    func: &Func,
    module: &mut M,
    symbol: &str,
    Machine { vectors, threads }: Machine,
    table: TableAddress<'_, M>,
    built: Use<'_, M>,
) -> Emitted<FuncId> {
    let ranges = split(&func.body, |buffer| func.buffer(buffer).is_register());
    let owners = owners(func, &ranges, threads);
    let mut builder_context = FunctionBuilderContext::new();
    let (mut ids, mut groups) = (Vec::new(), 0);
    for (number, range) in ranges.iter().enumerate() {
        let body = &func.body[range.clone()];
        let part = Part { body, iterations: None, number, owners: &owners.buffers };
        let (name, linkage) = match ranges.len() {
            1 => (symbol.to_owned(), Linkage::Export),
            _ => (format!("{symbol}.part.{number}"), Linkage::Local),
        };
        let config = module.target_config();
        let (id, mut context) = declare(module, &name, linkage, signature(config))?;
        let mut builder = FunctionBuilder::new(&mut context.func, &mut builder_context);
        let mut loops = Vec::new();
        threads::outermost(part.body, &mut loops);
        let loops = threads && !loops.is_empty();
        let kernels = contract::kernels(part.body, loops, &mut *module, &mut builder);
        let mut around = Around {
            func,
            owners: &owners,
            module: &mut *module,
            symbol,
            vectors,
            table: &mut *table,
            built: &mut *built,
            groups: &mut groups,
        };
        Emitter::emit(func, part, builder, &mut around, kernels, config)?;
        built(module, id, Built::Context(&mut context))?;
        ids.push(id);
    }
    if let [whole] = ids[..] {
        return Ok(whole);
    }
    let config = module.target_config();
    let (entry, mut context) = declare(module, symbol, Linkage::Export, signature(config))?;
    call_all(&ids, module, FunctionBuilder::new(&mut context.func, &mut builder_context));
    built(module, entry, Built::Context(&mut context))?;
    Ok(entry)
}

/// A function without a body.
fn declare(
    module: &mut impl Module,
    name: &str,
    linkage: Linkage,
    signature: Signature,
) -> Emitted<(FuncId, Context)> {
    let mut context = module.make_context();
    context.func.signature = signature;
    let id = module
        .declare_function(name, linkage, &context.func.signature)
        .map_err(|error| codegen(error.to_string()))?;
    context.func.name = UserFuncName::user(0, id.as_u32());
    Ok((id, context))
}

/// The body of the entry: calls the parts until one fails.
fn call_all(parts: &[FuncId], module: &mut impl Module, mut b: FunctionBuilder) {
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    let fail = b.create_block();
    b.append_block_param(fail, types::I32);
    b.set_cold_block(fail);
    b.switch_to_block(entry);
    let parameters = b.block_params(entry).to_vec();
    for part in parts {
        let callee = module.declare_func_in_func(*part, b.func);
        let call = b.ins().call(callee, &parameters);
        let status = b.inst_results(call)[0];
        let next = b.create_block();
        b.ins().brif(status, fail, &[status.into()], next, &[]);
        b.switch_to_block(next);
    }
    let fine = b.ins().iconst(types::I32, 0);
    b.ins().return_(&[fine]);
    b.switch_to_block(fail);
    let status = b.block_params(fail)[0];
    b.ins().return_(&[status]);
    b.seal_all_blocks();
    b.finalize(module.target_config());
}

/// Compiles a function that was built, as [`define`] asks.
pub(super) fn compiled<M: Module>(module: &mut M, id: FuncId, built: Built<'_>) -> Emitted<()> {
    match built {
        Built::Context(context) => {
            compile(module, id, context)?;
            module.clear_context(context);
            Ok(())
        }
        Built::Group(group) => module
            .define_function_bytes(id, 64, &group.bytes, &[])
            .map_err(|error| codegen(error.to_string())),
    }
}

/// Where to cut: between statements that share neither a `let` nor a register.
fn split(body: &[Stmt], is_register: impl Fn(BufferId) -> bool) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut start = 0;
    if body.len() > LENGTH {
        let crossing = crossing(body, is_register);
        for (position, crossing) in crossing.iter().enumerate() {
            if position - start >= LENGTH && *crossing == 0 {
                ranges.push(start..position);
                start = position;
            }
        }
    }
    ranges.push(start..body.len());
    ranges
}

/// How many `let`s and registers live across the cut before each statement.
fn crossing(body: &[Stmt], is_register: impl Fn(BufferId) -> bool) -> Vec<i64> {
    let mut lets: HashMap<Var, (usize, usize)> = HashMap::new();
    let mut registers: HashMap<BufferId, (usize, usize)> = HashMap::new();
    for (position, stmt) in body.iter().enumerate() {
        if let Stmt::Let(var, _) = stmt {
            lets.insert(*var, (position, position));
        }
        stmt.walk_exprs(&mut |expr| {
            if let Expr::Var(var) = expr
                && let Some((_, last)) = lets.get_mut(var)
            {
                *last = position;
            }
        });
        touched(stmt, &mut |buffer| {
            if is_register(buffer) {
                registers.entry(buffer).or_insert((position, position)).1 = position;
            }
        });
    }
    let mut changes = vec![0; body.len() + 1];
    for (first, last) in lets.into_values().chain(registers.into_values()) {
        changes[first + 1] += 1;
        changes[last + 1] -= 1;
    }
    let mut alive = 0;
    changes[..body.len()]
        .iter()
        .map(|change| {
            alive += change;
            alive
        })
        .collect()
}

fn owners(func: &Func, ranges: &[Range<usize>], threads: bool) -> Owners {
    let mut owners = Owners { buffers: vec![Owner::Nobody; func.buffers.len()], loops: HashMap::new() };
    let mut next = ranges.len();
    for (number, range) in ranges.iter().enumerate() {
        owners.block(&func.body[range.clone()], number, threads.then_some(&mut next));
    }
    owners
}

impl Owners {
    /// A block of a part. `next` is the number of the next parallel loop, where these are functions.
    fn block(&mut self, block: &[Stmt], number: usize, mut next: Option<&mut usize>) {
        for stmt in block {
            let mut touch = |buffer: BufferId| {
                let owner = &mut self.buffers[buffer.index()];
                *owner = match *owner {
                    Owner::Nobody => Owner::Part(number),
                    Owner::Part(other) if other == number => Owner::Part(number),
                    Owner::Part(_) | Owner::Several => Owner::Several,
                };
            };
            stmt.write().into_iter().for_each(|write| touch(write.buffer));
            stmt.exprs().into_iter().for_each(|expr| {
                expr.walk(&mut |part| {
                    if let Expr::Load(buffer, _) = part {
                        touch(*buffer);
                    }
                });
            });
            match (stmt, next.as_deref_mut()) {
                (Stmt::For(each), Some(next)) if each.kind == LoopKind::Parallel => {
                    let own = *next;
                    *next += 1;
                    self.loops.insert(each, own);
                    self.block(&each.body, own, None);
                }
                (_, mut next) => {
                    stmt.blocks().into_iter().for_each(|inner| self.block(inner, number, next.as_deref_mut()))
                }
            }
        }
    }
}

/// Calls `visit` with the buffer of every access in a statement.
fn touched(stmt: &Stmt, visit: &mut dyn FnMut(BufferId)) {
    stmt.walk_exprs(&mut |expr| {
        if let Expr::Load(buffer, _) = expr {
            visit(*buffer);
        }
    });
    stmt.walk(&mut |stmt| {
        if let Some(write) = stmt.write() {
            visit(write.buffer);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_keep_registers_and_lets_together() {
        const BEFORE: usize = LENGTH - 10;
        const AFTER: usize = LENGTH + 10;
        let mut text = String::from("func @f() { input X: f64[4] output Y: f64[4] scratch r: f64\n");
        for n in 0..2 * LENGTH {
            text.push_str(&match n {
                // A register lives across the place of the first cut.
                BEFORE => "r = X[0]\n".to_owned(),
                AFTER => "Y[1] = r\n".to_owned(),
                _ => format!("Y[{}] = X[{}]\n", n % 4, n % 3),
            });
        }
        let func: Func = (text + "}").parse().expect("a function");
        let ranges = split(&func.body, |buffer| func.buffer(buffer).is_register());
        assert_eq!(ranges, [0..AFTER + 1, AFTER + 1..2 * LENGTH]);
        let owners = owners(&func, &ranges, true).buffers;
        assert_eq!(owners, [Owner::Several, Owner::Several, Owner::Part(0)]);
    }
}
