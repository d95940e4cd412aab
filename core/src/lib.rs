//! The domain of Kubegate, shared by the Envoy filter, the control plane and the CLI.
//!
//! ```text
//!  session token ─▶ token ──▶ Claims ─┐
//!  method, URL  ──▶ request ─▶ Attributes ─┬─▶ policy ─▶ gateway::Decision ─▶ headers, Status
//!  policy file ───▶ authoring ─▶ rule ─▶ bundle (signed) ─▶ policy ─┘
//! ```
//!
//! Nothing here does I/O, reads a clock or draws random numbers: what is needed comes as an argument. The crate
//! compiles for native targets and for wasm32.

#[cfg(feature = "authoring")]
pub mod authoring;
pub mod bundle;
pub mod cache;
pub mod condition;
#[cfg(feature = "authoring")]
pub mod document;
pub mod gateway;
pub mod id;
pub mod identity_name;
pub mod impersonation;
pub mod inbound;
pub mod jws;
pub mod pattern;
pub mod policy;
pub mod request;
pub mod rule;
pub mod secret;
pub mod status;
pub mod time;
pub mod token;
