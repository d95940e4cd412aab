//! What an operator writes, and how the built `kubegate-control-plane` takes it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails; clippy knows tests by their attribute and not the helpers beside them"
)]

mod agreement;
mod check;
mod format;
mod new_epoch;
mod schemas;
