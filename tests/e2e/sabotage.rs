//! Our own filter, made to trap at a chosen host call.

use std::path::Path;

use walrus::ir::BinaryOp;
use walrus::{FunctionId, Module, ValType};

/// Where the filter traps.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trap {
    /// Instead of a host call.
    Before(&'static str),
    /// Right behind the host call that sets the property whose path has so many bytes.
    AfterProperty(usize),
}

/// Writes the module in `filter` to `target`, with the trap in it; false when it never makes that call.
pub(crate) fn write(filter: &Path, trap: Trap, target: &Path) -> bool {
    let mut module = Module::from_file(filter).expect("the filter is a wasm module");
    let name = match trap {
        Trap::Before(name) => name,
        Trap::AfterProperty(_) => "proxy_set_property",
    };
    let Ok(import) = module.imports.get_func("env", name) else { return false };
    match trap {
        Trap::Before(_) => {
            module
                .replace_imported_func(import, |(body, _)| {
                    body.unreachable();
                })
                .expect("an import");
        }
        Trap::AfterProperty(length) => trap_behind(&mut module, import, length),
    }
    module.emit_wasm_file(target).expect("the module can be written");
    true
}

/// `set_property(path, path_len, value, value_len)`, and a trap behind it when `path_len` is `length`.
fn trap_behind(module: &mut Module, import: FunctionId, length: usize) {
    let kind = module.types.add(&[ValType::I32; 4], &[ValType::I32]);
    let (original, _) = module.add_import_func("env", "proxy_set_property_itself", kind);
    let length = i32::try_from(length).expect("a property's path is short");
    module
        .replace_imported_func(import, |(body, arguments)| {
            let path_length = arguments[1];
            for argument in arguments {
                body.local_get(*argument);
            }
            body.call(original);
            body.local_get(path_length).i32_const(length).binop(BinaryOp::I32Eq);
            body.if_else(
                None::<ValType>,
                |then| {
                    then.unreachable();
                },
                |_| {},
            );
        })
        .expect("an import");
    // The host knows the call by its own name only.
    for import in module.imports.iter_mut() {
        if import.name == "proxy_set_property_itself" {
            import.name = "proxy_set_property".to_owned();
        }
    }
}
