//! A function for the filter that adds its counters to Envoy's, where the admin listener shows them.

use anyhow::Result;
use walrus::ir::{BinaryOp, UnaryOp, Value};
use walrus::{ConstExpr, DataKind, FunctionBuilder, FunctionId, GlobalId, MemoryId, Module, ValType};

use super::instrument::load;

/// How the names of the counters begin at Envoy.
pub(super) const PREFIX: &str = "kubegate_profile_";

/// The metric type `Counter` of the ABI.
const COUNTER: i32 = 0;

/// The bytes of what Envoy calls a metric.
const ID: i32 = 4;

/// A function that adds `counters` to Envoy's counters of those names, and begins them anew. When it is called first, it
/// has Envoy define them; `allocate` gives it a place for their names.
pub(super) fn function(
    module: &mut Module,
    memory: MemoryId,
    allocate: FunctionId,
    counters: &[(String, GlobalId)],
) -> Result<FunctionId> {
    let add = module.imports.get_func("env", "proxy_increment_metric")?;
    let ids: Vec<GlobalId> = counters.iter().map(|_| zero(module)).collect();
    let names: Vec<String> = counters.iter().map(|(name, _)| format!("{PREFIX}{name}")).collect();
    let is_defined = zero(module);
    let define = define(module, memory, allocate, &names, &ids)?;
    let mut builder = FunctionBuilder::new(&mut module.types, &[], &[]);
    let mut body = builder.func_body();
    body.global_get(is_defined).unop(UnaryOp::I32Eqz).if_else(
        None::<ValType>,
        |then| {
            then.call(define).i32_const(1).global_set(is_defined);
        },
        |_| {},
    );
    for ((_, counter), id) in counters.iter().zip(ids) {
        body.global_get(id).global_get(*counter).call(add).drop();
        body.i64_const(0).global_set(*counter);
    }
    Ok(builder.finish(Vec::new(), &mut module.funcs))
}

/// A function that has Envoy define counters, and keeps what it calls them in `ids`.
fn define(
    module: &mut Module,
    memory: MemoryId,
    allocate: FunctionId,
    names: &[String],
    ids: &[GlobalId],
) -> Result<FunctionId> {
    let define = module.imports.get_func("env", "proxy_define_metric")?;
    let text = names.concat().into_bytes();
    let length = i32::try_from(text.len())?;
    let data = module.data.add(DataKind::Passive, text);
    let place = module.locals.add(ValType::I32);
    let mut builder = FunctionBuilder::new(&mut module.types, &[], &[]);
    let mut body = builder.func_body();
    // Four bytes for an id, and the names.
    body.i32_const(ID + length).call(allocate).local_set(place);
    body.local_get(place).i32_const(ID).binop(BinaryOp::I32Add);
    body.i32_const(0).i32_const(length).memory_init(memory, data);
    let mut offset = ID;
    for (name, id) in names.iter().zip(ids) {
        let length = i32::try_from(name.len())?;
        body.i32_const(COUNTER).local_get(place).i32_const(offset).binop(BinaryOp::I32Add);
        body.i32_const(length).local_get(place).call(define).drop();
        load(body.local_get(place), memory).global_set(*id);
        offset += length;
    }
    Ok(builder.finish(Vec::new(), &mut module.funcs))
}

fn zero(module: &mut Module) -> GlobalId {
    module.globals.add_local(ValType::I32, true, false, ConstExpr::Value(Value::I32(0)))
}
