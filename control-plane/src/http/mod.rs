//! The two listeners: one for people and command lines, one for gateways.

mod api;
mod assets;
mod audit;
mod backchannel;
mod cookies;
mod demands;
pub mod error;
mod extract;
mod failures;
mod forms;
mod gateways;
mod health;
mod messages;
mod oauth;
mod pages;
mod people;
mod pomerium;
mod router;
mod scim;
mod templates;
#[cfg(test)]
mod tests;

pub(crate) use self::cookies::Cookies;
pub(crate) use self::failures::Failures;
pub(crate) use self::forms::Forms;
pub(crate) use self::oauth::CLIENT;
pub use self::router::{internal, public};
