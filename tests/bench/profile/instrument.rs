//! Our own filter with counters in it: what Envoy and the filter ask of each other for a stream, and of the allocator.
//!
//! The counters are globals of the module. With each tick of its root context [`publish`] adds them to Envoy's own. What a
//! tick does by itself, and what is done when the filter starts, is not counted.

use std::path::Path;

use anyhow::{Context, Result};
use walrus::ir::{BinaryOp, Call, LoadKind, MemArg, UnaryOp, Value, VisitorMut, dfs_pre_order_mut};
use walrus::{
    ConstExpr, Export, FunctionBuilder, FunctionId, FunctionKind, GlobalId, ImportKind, InstrSeqBuilder, LocalId,
    MemoryId, Module, ValType,
};

use super::amounts::{ALLOCATOR, Amount, copied};
use super::publish;

/// Behind this come the names of host calls.
pub(super) const CALL: &str = "call_";

/// Behind this come the names of the callbacks by which Envoy enters the filter.
pub(super) const ENTRY: &str = "entry_";

/// How many bytes Envoy copies from the filter.
pub(super) const OUT: &str = "bytes_out";

/// How many bytes Envoy copies to the filter.
pub(super) const INTO: &str = "bytes_into";

/// What Envoy calls for a stream.
const ENTRIES: [&str; 4] =
    ["proxy_on_context_create", "proxy_on_request_headers", "proxy_on_response_headers", LAST_ENTRY];

/// What Envoy calls at a stream's end: once it has been counted, everything of that stream has.
pub(super) const LAST_ENTRY: &str = "proxy_on_delete";

/// What Envoy calls to have a place for what it copies to the filter.
const PLACE: &str = "proxy_on_memory_allocate";

/// Writes the module in `named`, which has the names of its functions, to `target` with counters in it; of the callbacks
/// that it exports it keeps those that `shipped` has.
pub(super) fn write(named: &Path, shipped: &Path, target: &Path) -> Result<()> {
    let mut counting = Counting::new(Module::from_file(named)?)?;
    counting.keep_exports(&Module::from_file(shipped)?);
    counting.count_calls()?;
    counting.count_entries()?;
    counting.publish_at_ticks()?;
    counting.module.emit_wasm_file(target)
}

/// A module that is being given counters.
struct Counting {
    module: Module,
    memory: MemoryId,
    /// How many callbacks for streams are under way; more than one, when a host call makes Envoy call back.
    depth: GlobalId,
    /// The counters by name.
    counters: Vec<(String, GlobalId)>,
}

/// What to add to a counter.
type Tally = (GlobalId, Amount);

impl Counting {
    fn new(mut module: Module) -> Result<Self> {
        let memory = module.get_memory_id()?;
        let depth = module.globals.add_local(ValType::I32, true, false, ConstExpr::Value(Value::I32(0)));
        Ok(Self { module, memory, depth, counters: Vec::new() })
    }

    /// Envoy enters for each callback that is exported, whether it does anything or not.
    fn keep_exports(&mut self, shipped: &Module) {
        let is_unused =
            |export: &&Export| export.name.starts_with("proxy_on_") && shipped.exports.get_func(&export.name).is_err();
        let unused: Vec<_> = self.module.exports.iter().filter(is_unused).map(Export::id).collect();
        unused.into_iter().for_each(|export| self.module.exports.delete(export));
    }

    /// Has every host call and every call of the allocator counted.
    fn count_calls(&mut self) -> Result<()> {
        let callers: Vec<FunctionId> = self.module.funcs.iter_local().map(|(id, _)| id).collect();
        let mut counted = Counted(self.host_calls());
        counted.0.extend(self.allocator_calls()?);
        for caller in callers {
            if let FunctionKind::Local(function) = &mut self.module.funcs.get_mut(caller).kind {
                let entry = function.entry_block();
                dfs_pre_order_mut(&mut counted, function, entry);
            }
        }
        Ok(())
    }

    /// The host calls, with what is to be called in their stead.
    fn host_calls(&mut self) -> Vec<(FunctionId, FunctionId)> {
        let imports = self.module.imports.iter().filter_map(|import| match import.kind {
            ImportKind::Function(function) => Some((import.name.clone(), function)),
            _ => None,
        });
        let imports: Vec<_> = imports.collect();
        let [out, into] = [OUT, INTO].map(|name| self.counter(name));
        let count = |(name, function): (String, FunctionId)| {
            let sizes = copied(&name).unwrap_or_default();
            let mut tallies = vec![(self.counter(&format!("{CALL}{name}")), Amount::Fixed(1))];
            tallies.extend(sizes.out.iter().map(|size| (out, *size)));
            tallies.extend(sizes.into.iter().map(|size| (into, *size)));
            (function, self.counted(function, &tallies))
        };
        imports.into_iter().map(count).collect()
    }

    /// The allocator's functions, with what is to be called in their stead.
    fn allocator_calls(&mut self) -> Result<Vec<(FunctionId, FunctionId)>> {
        let bytes = self.counter("bytes_asked_for");
        let mut calls = Vec::new();
        for (ending, counter, sizes) in ALLOCATOR {
            let is_meant = |name: &str| name.ends_with(ending);
            let function = self.module.funcs.iter().find(|function| function.name.as_deref().is_some_and(is_meant));
            let function = function.with_context(|| format!("the filter has no function {ending}"))?.id();
            let mut tallies = vec![(self.counter(counter), Amount::Fixed(1))];
            tallies.extend(sizes.iter().map(|size| (bytes, *size)));
            calls.push((function, self.counted(function, &tallies)));
        }
        Ok(calls)
    }

    /// Has the callbacks for streams counted, and what happens during each of them.
    fn count_entries(&mut self) -> Result<()> {
        for name in [PLACE].into_iter().chain(ENTRIES) {
            let counter = self.counter(&format!("{ENTRY}{name}"));
            self.replace_export(name, |this, function| this.entered(function, name, counter))?;
        }
        Ok(())
    }

    fn replace_export(&mut self, name: &str, with: impl FnOnce(&mut Self, FunctionId) -> FunctionId) -> Result<()> {
        let function = self.module.exports.get_func(name).with_context(|| format!("the filter exports no {name}"))?;
        self.module.exports.remove(name)?;
        let replaced = with(self, function);
        self.module.exports.add(name, replaced);
        Ok(())
    }

    /// The counter of that name.
    fn counter(&mut self, name: &str) -> GlobalId {
        if let Some((_, global)) = self.counters.iter().find(|(known, _)| known == name) {
            return *global;
        }
        let global = self.module.globals.add_local(ValType::I64, true, false, ConstExpr::Value(Value::I64(0)));
        self.counters.push((name.to_owned(), global));
        global
    }

    /// A function that calls `function` and counts.
    fn counted(&mut self, function: FunctionId, tallies: &[Tally]) -> FunctionId {
        let (memory, depth) = (self.memory, self.depth);
        self.instead_of(function, |body, arguments| {
            call(body, function, arguments);
            tally(body, memory, depth, arguments, tallies);
        })
    }

    /// A function that calls the callback `function` and says that it is under way.
    fn entered(&mut self, function: FunctionId, name: &str, counter: GlobalId) -> FunctionId {
        let (memory, depth) = (self.memory, self.depth);
        self.instead_of(function, |body, arguments| {
            let change = |body: &mut InstrSeqBuilder<'_>, by: BinaryOp| {
                body.global_get(depth);
                match (name, arguments.get(1)) {
                    (PLACE, _) => body.i32_const(0),
                    // Only streams have a parent.
                    ("proxy_on_context_create", Some(parent)) => {
                        body.local_get(*parent).i32_const(0).binop(BinaryOp::I32Ne)
                    }
                    _ => body.i32_const(1),
                };
                body.binop(by).global_set(depth);
            };
            change(body, BinaryOp::I32Add);
            tally(body, memory, depth, arguments, &[(counter, Amount::Fixed(1))]);
            call(body, function, arguments);
            change(body, BinaryOp::I32Sub);
        })
    }

    /// Has the counters added to Envoy's own with each tick.
    fn publish_at_ticks(&mut self) -> Result<()> {
        let place = self.module.exports.get_func(PLACE)?;
        let publish = publish::function(&mut self.module, self.memory, place, &self.counters)?;
        self.replace_export("proxy_on_tick", |this, tick| {
            this.instead_of(tick, |body, arguments| {
                body.call(publish);
                call(body, tick, arguments);
            })
        })
    }

    /// A new function with the arguments and results of `function`.
    fn instead_of(
        &mut self,
        function: FunctionId,
        build: impl FnOnce(&mut InstrSeqBuilder<'_>, &[LocalId]),
    ) -> FunctionId {
        let kind = self.module.types.get(self.module.funcs.get(function).ty());
        let (parameters, results) = (kind.params().to_vec(), kind.results().to_vec());
        let arguments: Vec<LocalId> = parameters.iter().map(|kind| self.module.locals.add(*kind)).collect();
        let mut builder = FunctionBuilder::new(&mut self.module.types, &parameters, &results);
        build(&mut builder.func_body(), &arguments);
        builder.finish(arguments, &mut self.module.funcs)
    }
}

/// Function calls that are directed elsewhere: from, to.
struct Counted(Vec<(FunctionId, FunctionId)>);

impl VisitorMut for Counted {
    fn visit_call_mut(&mut self, call: &mut Call) {
        if let Some((_, counted)) = self.0.iter().find(|(function, _)| *function == call.func) {
            call.func = *counted;
        }
    }
}

/// Adds to counters while a callback for a stream is under way.
fn tally(body: &mut InstrSeqBuilder<'_>, memory: MemoryId, depth: GlobalId, arguments: &[LocalId], tallies: &[Tally]) {
    body.global_get(depth).if_else(
        None::<ValType>,
        |then| {
            for (counter, amount) in tallies {
                then.global_get(*counter);
                push(then, memory, arguments, *amount);
                then.binop(BinaryOp::I64Add).global_set(*counter);
            }
        },
        |_| {},
    );
}

#[expect(clippy::indexing_slicing, reason = "amounts.rs names the positions of the ABI's own arguments")]
fn push(body: &mut InstrSeqBuilder<'_>, memory: MemoryId, arguments: &[LocalId], amount: Amount) {
    match amount {
        Amount::Fixed(number) => body.i64_const(number),
        Amount::Argument(position) => body.local_get(arguments[position]).unop(UnaryOp::I64ExtendUI32),
        Amount::Pointed(position) => load(body.local_get(arguments[position]), memory).unop(UnaryOp::I64ExtendUI32),
    };
}

/// Replaces an address by the 32 bits that are there.
pub(super) fn load<'a, 'b>(body: &'a mut InstrSeqBuilder<'b>, memory: MemoryId) -> &'a mut InstrSeqBuilder<'b> {
    body.load(memory, LoadKind::I32 { atomic: false }, MemArg { align: 1, offset: 0 })
}

fn call(body: &mut InstrSeqBuilder<'_>, function: FunctionId, arguments: &[LocalId]) {
    for argument in arguments {
        body.local_get(*argument);
    }
    body.call(function);
}
