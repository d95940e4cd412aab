//! Our own filter, made to trap at a chosen host call.

use std::path::Path;

use walrus::ir::{BinaryOp, LoadKind, MemArg, Value};
use walrus::{ConstExpr, FunctionId, InstrSeqBuilder, LocalId, MemoryId, Module, ValType};

/// Where the filter traps.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trap {
    /// Instead of a host call.
    Before(&'static str),
    /// Right behind the host call that sets the property whose path has so many bytes.
    AfterProperty(usize),
    /// Right behind the host call that brings the headers of a request, when they have more than so many bytes.
    AfterHeaders(usize),
    /// When it asks the control plane for the bundle for so manieth time since it was loaded.
    AtPoll(usize),
}

/// Writes the module in `filter` to `target`, with the trap in it; false when it never makes that call.
pub(crate) fn write(filter: &Path, trap: Trap, target: &Path) -> bool {
    let mut module = Module::from_file(filter).expect("the filter is a wasm module");
    let name = match trap {
        Trap::Before(name) => name,
        Trap::AfterProperty(_) => "proxy_set_property",
        Trap::AfterHeaders(_) => "proxy_get_header_map_pairs",
        Trap::AtPoll(_) => "proxy_http_call",
    };
    let Ok(import) = module.imports.get_func("env", name) else { return false };
    let replaced = match trap {
        Trap::Before(_) => module.replace_imported_func(import, |(body, _)| {
            body.unreachable();
        }),
        Trap::AfterProperty(length) => {
            let original = import_again(&mut module, import, name);
            module.replace_imported_func(import, |(body, arguments)| {
                call(body, original, arguments);
                body.local_get(arguments[1]).i32_const(number(length)).binop(BinaryOp::I32Eq);
                trap_if(body);
            })
        }
        Trap::AfterHeaders(most) => {
            let original = import_again(&mut module, import, name);
            let memory = memory(&module);
            module.replace_imported_func(import, |(body, arguments)| {
                call(body, original, arguments);
                let (kind, place) = (LoadKind::I32 { atomic: false }, MemArg { align: 4, offset: 0 });
                body.local_get(arguments[2]).load(memory, kind, place).i32_const(number(most)).binop(BinaryOp::I32GtU);
                trap_if(body);
            })
        }
        Trap::AtPoll(times) => {
            let original = import_again(&mut module, import, name);
            let polls = module.globals.add_local(ValType::I32, true, false, ConstExpr::Value(Value::I32(0)));
            module.replace_imported_func(import, |(body, arguments)| {
                body.global_get(polls).i32_const(1).binop(BinaryOp::I32Add).global_set(polls);
                body.global_get(polls).i32_const(number(times)).binop(BinaryOp::I32GeU);
                trap_if(body);
                call(body, original, arguments);
            })
        }
    };
    replaced.expect("an import");
    // The host knows the call by its own name only.
    for import in module.imports.iter_mut() {
        if import.name.ends_with(ITSELF) {
            import.name.truncate(import.name.len() - ITSELF.len());
        }
    }
    module.emit_wasm_file(target).expect("the module can be written");
    true
}

const ITSELF: &str = " itself";

/// The host call, to be called from what takes its place.
fn import_again(module: &mut Module, import: FunctionId, name: &str) -> FunctionId {
    let kind = module.funcs.get(import).ty();
    module.add_import_func("env", &format!("{name}{ITSELF}"), kind).0
}

fn number(size: usize) -> i32 {
    i32::try_from(size).expect("a size in wasm")
}

fn memory(module: &Module) -> MemoryId {
    module.memories.iter().next().expect("a module has a memory").id()
}

fn call(body: &mut InstrSeqBuilder<'_>, function: FunctionId, arguments: &[LocalId]) {
    for argument in arguments {
        body.local_get(*argument);
    }
    body.call(function);
}

/// Traps when what was computed last is true.
fn trap_if(body: &mut InstrSeqBuilder<'_>) {
    body.if_else(
        None::<ValType>,
        |then| {
            then.unreachable();
        },
        |_| {},
    );
}
