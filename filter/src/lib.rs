//! The Kubegate filter: verifies session tokens, decides by policy and rewrites requests to Kubernetes impersonation,
//! inside Envoy.
//!
//! ```text
//!  Envoy ──▶ root     configuration, timer, bundle answers ──▶ bundle_sync ─┐
//!        └─▶ request  one per HTTP stream ──────────────────▶ Gateway (core) ◀┘
//!                └──▶ streams  those that are open, judged again when the bundle changes
//! ```
//!
//! [`host`] is the only user of host calls; everything is decided by `kubegate_core`. Whatever goes wrong, nothing is
//! forwarded: the only way out of [`request::Request`] that continues a request is an [`Allow`](kubegate_core::gateway::Allow)
//! that was applied in full.

pub mod bundle_sync;
pub mod config;
pub mod host;
pub mod metrics;
pub mod request;
pub mod root;
pub mod streams;

#[cfg(target_arch = "wasm32")]
mod entry {
    proxy_wasm::main! {{
        proxy_wasm::set_log_level(proxy_wasm::types::LogLevel::Info);
        proxy_wasm::set_root_context(|_| Box::new(crate::root::Root::default()));
    }}
}
