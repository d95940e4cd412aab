//! The harness of the end-to-end suite and of the demo: real peers, started and stopped from Rust.
//!
//! ```text
//! World ── ApiServer (tests/cluster) ─┐
//!       ├─ Idp (tests/idp, optional)  ├─ started side by side, each polled until it answers
//!       ├─ ControlPlane ──────────────┘
//!       └─ Envoy (envoy-config/ with the filter), started last: it needs the others' keys and tokens
//! Kubectl, Browser: what a person holds in the hand
//! ```
//!
//! Every process logs to a file of its own, is killed on drop and does not outlive this process; every wait
//! has a limit, and says on its end what it saw last.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a broken harness should stop at the place where it breaks"
)]

pub mod account;
pub mod apiserver;
pub mod browser;
pub mod control_plane;
pub mod demo;
pub mod envoy;
pub mod fake_control_plane;
pub mod files;
pub mod gate;
mod gateway;
pub mod html;
pub mod http;
pub mod idp;
pub mod issuer;
pub mod keycloak;
pub mod kubeconfig;
pub mod kubectl;
pub mod objects;
pub mod paths;
pub mod person;
pub mod pki;
pub mod poll;
pub mod pomerium_cli;
pub mod port;
pub mod process;
pub mod raw;
pub mod service_account;
pub mod template;
pub mod variant;
pub mod world;
pub mod yaml;
