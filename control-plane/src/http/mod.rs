//! The two listeners: one for people and command lines, one for gateways.

mod api;
mod assets;
mod cookies;
mod demands;
pub mod error;
mod extract;
mod forms;
mod gateways;
mod health;
mod messages;
mod oauth;
mod pages;
mod pomerium;
mod router;
mod templates;
#[cfg(test)]
mod tests;

pub(crate) use self::cookies::Cookies;
pub(crate) use self::forms::Forms;
pub use self::router::{internal, public};
