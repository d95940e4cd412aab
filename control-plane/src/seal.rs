//! Encryption of what must be read again: XChaCha20-Poly1305 under the operator's key, bound to the
//! place where it is kept, so that a sealed value moved to another row does not open.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::random::{self, RandomError};

const NONCE: usize = 24;

/// Something could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// No randomness for the nonce.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The value is too long to seal.
    #[error("the value cannot be encrypted")]
    Seal,
    /// Another key, another place, or a changed value.
    #[error("the value does not decrypt: it was encrypted under another key, or the store was changed by hand")]
    Open,
}

/// Seals and opens values under one key.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    key: Zeroizing<[u8; 32]>,
    /// What was sealed with before, and still opens.
    old: Vec<XChaCha20Poly1305>,
}

impl Sealer {
    /// A sealer under `key`.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self { cipher: XChaCha20Poly1305::new(key.into()), key: Zeroizing::new(*key), old: Vec::new() }
    }

    /// The same, which also opens what was sealed with `old`.
    #[must_use]
    pub fn opening(mut self, old: &[u8; 32]) -> Self {
        self.old.push(XChaCha20Poly1305::new(old.into()));
        self
    }

    /// Whether this was sealed with an old key, so that it should be sealed anew.
    #[must_use]
    pub fn is_old(&self, place: &str, sealed: &[u8]) -> bool {
        !self.old.is_empty() && open_with(&self.cipher, place, sealed).is_err()
    }

    /// Encrypts `value` for `place`.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn seal(&self, place: &str, value: &[u8]) -> Result<Vec<u8>, SealError> {
        let nonce = random::bytes::<NONCE>()?;
        let payload = Payload { msg: value, aad: place.as_bytes() };
        let sealed = self.cipher.encrypt(XNonce::from_slice(&nonce), payload).map_err(|_| SealError::Seal)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts what [`Sealer::seal`] made for the same `place`.
    ///
    /// # Errors
    /// When it was made under another key or for another place, or was changed since.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let ciphers = std::iter::once(&self.cipher).chain(&self.old);
        ciphers.map(|cipher| open_with(cipher, place, sealed)).find(Result::is_ok).unwrap_or(Err(SealError::Open))
    }

    /// A key of its own for `purpose`, derived from this one.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        keyed_hash(&self.key, &[purpose.as_bytes()])
    }
}

fn open_with(cipher: &XChaCha20Poly1305, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE).ok_or(SealError::Open)?;
    let payload = Payload { msg: sealed, aad: place.as_bytes() };
    let value = cipher.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| SealError::Open)?;
    Ok(Zeroizing::new(value))
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(..)")
    }
}

/// HMAC-SHA256 of `parts`, each preceded by its length so that no two lists of parts are the same message.
#[must_use]
pub fn keyed_hash(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = [0; 64];
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new(&block.into());
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let sealer = Sealer::new(&[7; 32]);
        let sealed = sealer.seal("key/1", b"seed").unwrap();
        assert_eq!(sealer.open("key/1", &sealed).unwrap().as_slice(), b"seed");
        assert!(sealer.open("key/2", &sealed).is_err(), "another row");
        assert!(Sealer::new(&[8; 32]).open("key/1", &sealed).is_err(), "another key");
        assert!(sealer.open("key/1", &sealed[..10]).is_err(), "cut short");
        assert_ne!(sealed, sealer.seal("key/1", b"seed").unwrap(), "a nonce of its own each time");
    }

    #[test]
    fn what_an_old_key_has_sealed_opens_and_is_told_apart() {
        let before = Sealer::new(&[7; 32]).seal("key/1", b"seed").unwrap();
        let sealer = Sealer::new(&[8; 32]).opening(&[9; 32]).opening(&[7; 32]);
        assert_eq!(sealer.open("key/1", &before).unwrap().as_slice(), b"seed");
        assert!(sealer.is_old("key/1", &before));
        assert!(sealer.open("key/2", &before).is_err(), "another row");
        let now = sealer.seal("key/1", b"seed").unwrap();
        assert!(!sealer.is_old("key/1", &now));
        assert!(Sealer::new(&[8; 32]).open("key/1", &now).is_ok(), "by the new key alone");
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(keyed_hash(&[1; 32], &[b"ab", b"c"]), keyed_hash(&[1; 32], &[b"a", b"bc"]));
    }
}
