//! The code that a person carries from a machine without a browser to a browser (RFC 8628 section 6.1).
//!
//! Eight letters of an alphabet of 20 are 20^8 = 2.6 * 10^10 codes, 34.6 bits. At most [`MOST_WAITING`] of them are good at
//! one time, for [`DEVICE_LIFETIME`]. Only who has signed in may try one, and each person's tries get slower: about 19 in
//! the first ten minutes by either way, typed or by link, and one a minute later. So in a full table a person finds a
//! code of somebody else's with probability 2 * 19 * 2000 / 20^8 = 3 * 10^-6 in ten minutes, and in one that holds ten,
//! 10^-8. What is found is a terminal that somebody could sign in as themselves, which its own person would notice, not
//! a person's access. Nobody can be slowed down by the tries of another.
//!
//! A plain hash of so few codes could be turned back by trying them all, so they are kept under a keyed one.
//!
//! [`MOST_WAITING`]: super::device::MOST_WAITING
//! [`DEVICE_LIFETIME`]: super::device::DEVICE_LIFETIME

use std::fmt;

use crate::random::{self, RandomError};
use crate::seal::{Sealer, keyed_hash};
use crate::store::SecretHash;

/// The letters of codes: no vowels, so that they spell nothing, and none that is mistaken for another.
const LETTERS: [u8; 20] = *b"BCDFGHJKLMNPQRSTVWXZ";

/// How many letters a code has.
const LENGTH: usize = 8;

/// A code, shown as `XXXX-XXXX`.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode([u8; LENGTH]);

impl UserCode {
    /// A new code.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn new() -> Result<Self, RandomError> {
        // 240 is the last multiple of 20 in a byte: what is beyond would favour some letters.
        const FAIR: u8 = 240;
        let mut code = [0; LENGTH];
        let mut filled = 0;
        while filled < LENGTH {
            for byte in random::bytes::<32>()?.into_iter().filter(|byte| *byte < FAIR) {
                let Some(place) = code.get_mut(filled) else { break };
                *place = LETTERS.get(usize::from(byte) % LETTERS.len()).copied().unwrap_or_default();
                filled += 1;
            }
        }
        Ok(Self(code))
    }

    /// The code that somebody typed: in any case, with dashes and blanks anywhere.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut code = [0; LENGTH];
        let mut letters = text
            .bytes()
            .take(64)
            .filter(|byte| !matches!(byte, b'-' | b' ' | b'\t' | b'\r' | b'\n'))
            .map(|byte| byte.to_ascii_uppercase());
        for place in &mut code {
            *place = letters.next().filter(|letter| LETTERS.contains(letter))?;
        }
        letters.next().is_none().then_some(Self(code))
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, letter) in self.0.iter().enumerate() {
            let dash = if position == LENGTH / 2 { "-" } else { "" };
            write!(f, "{dash}{}", char::from(*letter))?;
        }
        Ok(())
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(…)")
    }
}

/// Makes the hashes that codes are found by.
#[derive(Clone)]
pub struct UserCodes([u8; 32]);

impl UserCodes {
    /// With a key of its own, derived from the operator's.
    #[must_use]
    pub fn new(sealer: &Sealer) -> Self {
        Self(sealer.derive("kubegate user codes v1"))
    }

    /// What the store knows `code` by.
    #[must_use]
    pub fn hash(&self, code: &UserCode) -> SecretHash {
        SecretHash::keyed(keyed_hash(&self.0, &[&code.0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = UserCode::parse("BCDF-GHJK").unwrap();
        assert_eq!(code.to_string(), "BCDF-GHJK");
        for same in ["bcdfghjk", " Bcdf ghjk\r\n", "B-C-D-F-G-H-J-K", "BCDF GHJK"] {
            assert_eq!(UserCode::parse(same), Some(code.clone()), "{same:?}");
        }
        for none in
            ["", "BCDF-GHJ", "BCDF-GHJKL", "ACDF-GHJK", "BCDF-GHJ0", "BCDF_GHJK", &"-".repeat(70), "BCDFGHJ\u{212a}"]
        {
            assert_eq!(UserCode::parse(none), None, "{none:?}");
        }
    }

    #[test]
    fn codes_are_of_all_letters_alike() {
        let mut counts = [0_u32; 256];
        for _ in 0..2000 {
            let code = UserCode::new().unwrap();
            assert_eq!(UserCode::parse(&code.to_string()), Some(code.clone()));
            for letter in code.0 {
                counts[usize::from(letter)] += 1;
            }
        }
        // 16,000 letters, 800 of each, give or take six times the standard deviation of 28.
        for letter in LETTERS {
            let count = counts[usize::from(letter)];
            assert!((630..970).contains(&count), "{}: {count}", char::from(letter));
        }
    }

    #[test]
    fn hashes_need_the_key() {
        let code = UserCode::new().unwrap();
        let hash = |key| UserCodes::new(&Sealer::new(&[key; 32])).hash(&code);
        assert_eq!(hash(1), hash(1));
        assert_ne!(hash(1), hash(2));
        assert_eq!(format!("{code:?}"), "UserCode(…)");
    }
}
