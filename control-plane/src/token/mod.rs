//! Tokens: the keys that sign them, and how they are made.

mod keys;
mod mint;

pub use self::keys::{
    Given, KeyError, KeyState, KeyView, MOST_KEYS, Purpose, Rotation, RotationRefused, Schedule, TokenKeys,
};
pub use self::mint::{MintError, Minter};
