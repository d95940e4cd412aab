//! Tokens whose signature was looked at and that were refused, so that none of them costs that twice.
//!
//! They are kept apart from the sessions: no number of bad tokens makes a good one be forgotten. Only what can never
//! become good under the keys in force is remembered; a token's times and its cluster are not judged here.

use sha2::{Digest as _, Sha256};

use crate::cache::Cache;
use crate::jws::{Keys, Sealed};
use crate::token::{InvalidToken, MAX_TOKEN, TokenKind, VerifiedToken};

/// How many are remembered at least; at most twice as many are.
const GENERATION: usize = 4096;

/// A token's SHA-256.
type Hash = [u8; 32];

/// The memory. What is shown again stays.
pub(super) struct Refused {
    known: Cache<Hash, InvalidToken>,
    verified: u64,
}

impl Default for Refused {
    fn default() -> Self {
        Self { known: known(), verified: 0 }
    }
}

/// Each weighs the same, in two generations.
fn known() -> Cache<Hash, InvalidToken> {
    Cache::new(GENERATION.saturating_mul(2))
}

impl Refused {
    /// Verifies a token, unless it is known to be bad. What shows without the signature comes first, and is cheap.
    pub(super) fn verify(
        &mut self,
        (kind, token): (TokenKind, &str),
        keys: &Keys,
        issuer: &str,
    ) -> Result<VerifiedToken, InvalidToken> {
        let sealed = Sealed::read(token, kind.typ(), keys, MAX_TOKEN)?;
        let hash = Sha256::digest(token.as_bytes()).into();
        if let Some(error) = self.known.get(&hash) {
            return Err(*error);
        }
        self.verified = self.verified.saturating_add(1);
        VerifiedToken::open(sealed, kind, issuer).inspect_err(|error| self.known.insert(hash, 1, *error))
    }

    /// How many signatures were verified since this was asked last.
    pub(super) fn take_verified(&mut self) -> u64 {
        std::mem::take(&mut self.verified)
    }

    /// Other keys may make another of any token.
    pub(super) fn forget(&mut self) {
        self.known = known();
    }
}

#[cfg(test)]
#[cfg(feature = "signing")]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use crate::jws::{InvalidJws, SigningKey};
    use crate::token::SESSION_TYPE;

    /// A bad token of its own for each number: signed, but with no claims in it.
    fn token(number: usize) -> String {
        SigningKey::from_seed([1; 32]).sign(SESSION_TYPE, &number).unwrap()
    }

    fn verify(refused: &mut Refused, token: &str) -> InvalidToken {
        let keys = Keys::new([SigningKey::from_seed([1; 32]).public()]).unwrap();
        refused.verify((TokenKind::Session, token), &keys, "https://k").unwrap_err()
    }

    #[test]
    fn a_known_bad_token_is_not_verified_again_until_the_keys_change() {
        let mut refused = Refused::default();
        for _ in 0..3 {
            assert_eq!(verify(&mut refused, &token(0)), InvalidJws::Payload.into());
        }
        assert_eq!((refused.take_verified(), refused.take_verified()), (1, 0));
        refused.forget();
        verify(&mut refused, &token(0));
        assert_eq!(refused.take_verified(), 1);
    }

    #[test]
    fn what_shows_without_the_signature_is_neither_verified_nor_remembered() {
        let mut refused = Refused::default();
        let foreign = SigningKey::from_seed([2; 32]).sign(SESSION_TYPE, &0).unwrap();
        for bad in [foreign.as_str(), "a.b.c", ""] {
            verify(&mut refused, bad);
        }
        assert_eq!((refused.verified, refused.known.len()), (0, 0));
    }

    #[test]
    fn it_stays_bounded_and_keeps_what_is_shown_again() {
        let mut refused = Refused::default();
        let hash = |number: usize| Hash::from(Sha256::digest(number.to_string()));
        for number in 0..20_000 {
            refused.known.insert(hash(number), 1, InvalidToken::Issuer);
            assert!(refused.known.get(&hash(0)).is_some(), "{number}");
            assert!(refused.known.len() <= 2 * GENERATION);
        }
        assert!((20_000 - GENERATION + 1..20_000).all(|number| refused.known.get(&hash(number)).is_some()));
        assert_eq!(refused.known.get(&hash(1)), None, "the oldest are forgotten");
    }
}
