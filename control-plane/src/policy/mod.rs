//! The policy: read from its file, watched, signed, and given to every gateway together with the live set.
//!
//! ```text
//!  file ─▶ watch ─▶ publisher ─▶ bundle (policy and parts, live set, changes) ─▶ long polls
//!                     ▲   ▲
//!      revoked, elevated ┘   └ every half minute, and when token keys change
//! ```

mod bundle;
mod epoch;
mod export;
mod publisher;
mod room;
mod signer;
mod size;
mod source;
mod standing;
mod watch;

pub use self::bundle::{Bundle, Changes, InForce, Part, Snapshot};
pub use self::epoch::begin_epoch;
pub use self::export::Exporter;
pub use self::publisher::Publisher;
pub use self::signer::{PomeriumSigner, PublishError, Signer};
pub use self::size::check_size;
pub use self::source::{Authored, LoadError, load_now, log_warnings};
pub use self::standing::{Failing, File, Refused, Standing, Status};
pub use self::watch::watch;

#[cfg(test)]
mod tests;
