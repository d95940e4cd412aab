//! The built `kubegate` against a control plane made of a socket, and a person made of a thread.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails; clippy knows tests by their attribute and not the helpers beside them"
)]

mod fake;
mod http;
mod world;

mod admin;
mod bundle;
mod credential;
mod device;
mod kubeconfig;
mod login;
mod operators;
mod people;
mod policies;
mod tls;
