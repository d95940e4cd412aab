//! The two listeners: one for people and command lines, one for gateways.

pub mod error;
mod api;
mod assets;
mod cookies;
mod extract;
mod forms;
mod health;
mod gateways;
mod oauth;
mod pages;
mod router;
mod templates;
#[cfg(test)]
mod tests;

pub(crate) use self::cookies::Cookies;
pub(crate) use self::forms::Forms;
pub use self::router::{internal, public};
