//! The policy: read from its file, watched, signed, and given to every gateway together with the live set.
//!
//! ```text
//!  file ─▶ watch ─▶ publisher ─▶ (policy, live set) ─▶ long polls
//!                     ▲   ▲
//!      sessions ended ┘   └ every half minute, and when token keys change
//! ```

mod publisher;
mod source;
mod watch;

pub use self::publisher::{Bundle, InForce, Parts, PublishError, Publisher, Status};
pub use self::source::{Authored, LoadError, load, load_now};
pub use self::watch::watch;

#[cfg(test)]
mod tests;
