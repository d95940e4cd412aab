//! The two listeners: one for people and command lines, one for gateways.

mod api;
mod assets;
mod backchannel;
mod cookies;
pub mod error;
mod extract;
mod failures;
mod forms;
mod gateways;
mod health;
mod oauth;
mod pages;
mod router;
mod templates;
#[cfg(test)]
mod tests;

pub(crate) use self::cookies::Cookies;
pub(crate) use self::failures::Failures;
pub(crate) use self::forms::Forms;
pub use self::router::{internal, public};
