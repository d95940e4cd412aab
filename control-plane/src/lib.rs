//! Kubegate's control plane: sign-in, sessions, session tokens, and the policy that gateways enforce.
//!
//! ```text
//!  http ──▶ oidc · accounts · session · token · policy ──▶ store
//!    │                                                       │
//!    └── public listener (people, command lines)             └── one SQLite file
//!    └── internal listener (gateways, metrics)
//! ```

pub mod accounts;
pub mod app;
pub mod clock;
pub mod command;
pub mod config;
pub mod elevation;
pub mod http;
pub mod oidc;
pub mod person;
pub mod policy;
pub mod polls;
pub mod random;
mod recheck;
pub mod seal;
pub mod serve;
pub mod session;
pub mod store;
pub mod telemetry;
pub mod token;
