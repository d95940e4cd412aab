//! Tokens: the keys that sign them, and how they are made.

mod keys;
mod mint;

pub use self::keys::{KeyError, Purpose, TokenKeys};
pub use self::mint::{MintError, Minter};
