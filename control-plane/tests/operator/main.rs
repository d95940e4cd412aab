//! What an operator writes, and how the built `kubegate-control-plane` takes it.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on fails; clippy knows tests by their attribute and not the helpers beside them"
)]

mod check;
mod new_epoch;
