//! The keys that sign session tokens: made by ourselves, kept encrypted, replaced on a schedule.
//!
//! ```text
//!  made ──(published, not yet signing)──▶ signs_from ──(signs)──▶ the next one signs ──(published)──▶ retires_at
//! ```

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use kubegate_core::jws::{Keys, PublicKey, SigningKey};
use kubegate_core::time::Timestamp;

use crate::random::{self, RandomError};
use crate::seal::{SealError, Sealer};
use crate::session::LEEWAY;
pub use crate::store::token_key::Purpose;
use crate::store::token_key::{self, StoredKey};
use crate::store::{Store, StoreError};

/// How old the newest key may be before the next is made.
const ROTATE_AFTER: Duration = Duration::from_secs(30 * 24 * 3600);

/// How long a new key is published before it signs, so that gateways that were cut off have it.
const PUBLISH_AHEAD: Duration = Duration::from_secs(24 * 3600);

/// The keys could not be read, made or written.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key in the store does not decrypt.
    #[error(
        "the token key {kid} in the store does not decrypt: the encryption key is not the one it was written with; \
         restore that key (KUBEGATE_ENCRYPTION_KEY or keys.encryptionKeyFile), or begin with a new store"
    )]
    Sealed {
        /// The key's id.
        kid: String,
        /// Why.
        #[source]
        source: SealError,
    },
    /// A new key could not be encrypted.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// A key in use.
#[derive(Debug)]
struct Key {
    signing: SigningKey,
    created_at: Timestamp,
    signs_from: Timestamp,
    retires_at: Option<Timestamp>,
}

/// The keys that sign tokens for one purpose.
#[derive(Debug)]
pub struct TokenKeys {
    purpose: Purpose,
    store: Store,
    sealer: Sealer,
    keep: Duration,
    keys: RwLock<Arc<Vec<Key>>>,
}

impl TokenKeys {
    /// Reads the keys that sign session tokens from the store, and makes the first. A key stays published for `keep` (a
    /// session's longest life) after its last signature.
    ///
    /// # Errors
    /// When the store fails, or was written under another encryption key.
    pub async fn open(store: Store, sealer: Sealer, keep: Duration, now: Timestamp) -> Result<Self, KeyError> {
        Self::open_for(Purpose::Session, store, sealer, keep, now).await
    }

    /// The same for any purpose.
    ///
    /// # Errors
    /// When the store fails, or was written under another encryption key.
    pub async fn open_for(
        purpose: Purpose,
        store: Store,
        sealer: Sealer,
        keep: Duration,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let keys = Self { purpose, store, sealer, keep, keys: RwLock::default() };
        keys.reload().await?;
        if keys.snapshot().is_empty() {
            keys.make(now, now).await?;
        }
        Ok(keys)
    }

    /// Signs `claims` as a token of the type `typ`, with the key whose turn it is.
    ///
    /// # Errors
    /// When there is no key, or the claims cannot be written.
    pub fn sign<T: serde::Serialize>(&self, typ: &str, claims: &T, now: Timestamp) -> Option<String> {
        let keys = self.snapshot();
        let key = keys.iter().rev().find(|key| key.signs_from <= now).or_else(|| keys.first())?;
        key.signing.sign(typ, claims).ok()
    }

    /// The public halves of all keys that may have signed a live token, or soon will.
    #[must_use]
    pub fn public(&self, now: Timestamp) -> Vec<PublicKey> {
        let keys = self.snapshot();
        keys.iter()
            .filter(|key| key.retires_at.is_none_or(|at| now < at))
            .map(|key| key.signing.public().clone())
            .collect()
    }

    /// The same, to verify with.
    #[must_use]
    pub fn verifying(&self, now: Timestamp) -> Keys {
        Keys::new(&self.public(now)).unwrap_or_default()
    }

    /// Until when no other keys sign than those that are published now.
    #[must_use]
    pub fn covered_until(&self, now: Timestamp) -> Timestamp {
        let newest = self.snapshot().last().map_or(now, |key| key.created_at);
        newest.after(ROTATE_AFTER).after(PUBLISH_AHEAD)
    }

    /// Makes the next key when it is time, and forgets those that have retired. Returns whether what
    /// is published has changed.
    ///
    /// # Errors
    /// When the store fails or there is no randomness.
    pub async fn rotate(&self, now: Timestamp) -> Result<bool, KeyError> {
        let newest = self.snapshot().last().map(|key| key.created_at);
        let due = newest.is_none_or(|made| now.since(made) >= ROTATE_AFTER);
        if due {
            self.make(now, now.after(PUBLISH_AHEAD)).await?;
        }
        let mut tx = self.store.write().await?;
        let retired = token_key::purge(&mut tx, self.purpose, now).await?;
        tx.commit().await.map_err(StoreError::from)?;
        if retired > 0 {
            self.reload().await?;
        }
        Ok(due || retired > 0)
    }

    async fn make(&self, now: Timestamp, signs_from: Timestamp) -> Result<(), KeyError> {
        let key = SigningKey::from_seed(random::bytes()?);
        let kid = key.public().kid().to_string();
        let stored = StoredKey {
            sealed_seed: self.sealer.seal(&place(self.purpose, &kid), key.seed())?,
            kid,
            created_at: now,
            signs_from,
            retires_at: None,
        };
        let mut tx = self.store.write().await?;
        token_key::insert(&mut tx, self.purpose, &stored).await?;
        let retires_at = signs_from.after(self.keep).after(LEEWAY);
        token_key::retire_before(&mut tx, self.purpose, signs_from, retires_at).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.reload().await
    }

    async fn reload(&self) -> Result<(), KeyError> {
        let stored = token_key::all(&mut *self.store.read().await?, self.purpose).await?;
        let keys = stored.iter().map(|key| self.unseal(key)).collect::<Result<Vec<_>, _>>()?;
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    fn unseal(&self, stored: &StoredKey) -> Result<Key, KeyError> {
        let sealed = |source| KeyError::Sealed { kid: stored.kid.clone(), source };
        let seed = self.sealer.open(&place(self.purpose, &stored.kid), &stored.sealed_seed).map_err(sealed)?;
        let seed: [u8; 32] = seed.as_slice().try_into().map_err(|_| sealed(SealError::Open))?;
        Ok(Key {
            signing: SigningKey::from_seed(seed),
            created_at: stored.created_at,
            signs_from: stored.signs_from,
            retires_at: stored.retires_at,
        })
    }

    fn snapshot(&self) -> Arc<Vec<Key>> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// No key becomes one for another purpose, not even by somebody who can write the store.
fn place(purpose: Purpose, kid: &str) -> String {
    match purpose {
        Purpose::Session => format!("token_key/{kid}"),
        Purpose::Pomerium => format!("token_key/pomerium/{kid}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    async fn open(dir: &tempfile::TempDir, key: u8, now: Timestamp) -> Result<TokenKeys, KeyError> {
        let store = Store::open(&dir.path().join("kubegate.db")).await.unwrap();
        TokenKeys::open(store, Sealer::new(&[key; 32]), 12 * HOUR, now).await
    }

    fn kid(token: &str) -> String {
        use base64::Engine as _;
        let header = token.split('.').next().unwrap();
        let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).unwrap();
        serde_json::from_slice::<serde_json::Value>(&header).unwrap()["kid"].as_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn the_key_is_the_same_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let first = open(&dir, 1, START).await.unwrap().public(START);
        assert_eq!(first.len(), 1);
        assert_eq!(open(&dir, 1, START).await.unwrap().public(START), first);
    }

    #[tokio::test]
    async fn a_key_is_for_one_purpose() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("kubegate.db")).await.unwrap();
        let open = |purpose| TokenKeys::open_for(purpose, store.clone(), Sealer::new(&[1; 32]), 12 * HOUR, START);
        let (session, pomerium) = (open(Purpose::Session).await.unwrap(), open(Purpose::Pomerium).await.unwrap());
        let due = START.after(ROTATE_AFTER);
        assert!(pomerium.rotate(due).await.unwrap());
        assert_eq!((session.public(due).len(), pomerium.public(due).len()), (1, 2));
        assert!(session.public(due).iter().all(|key| !pomerium.public(due).contains(key)));
        assert!(open(Purpose::Session).await.unwrap().public(due) == session.public(due));
        let mut tx = store.write().await.unwrap();
        sqlx::query("UPDATE token_key SET purpose = 'pomerium'").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        assert!(
            matches!(open(Purpose::Pomerium).await, Err(KeyError::Sealed { .. })),
            "nor by whoever writes the store"
        );
    }

    #[tokio::test]
    async fn another_encryption_key_is_told_apart_with_a_remedy() {
        let dir = tempfile::tempdir().unwrap();
        open(&dir, 1, START).await.unwrap();
        let error = open(&dir, 2, START).await.unwrap_err();
        assert!(error.to_string().contains("KUBEGATE_ENCRYPTION_KEY"), "{error}");
    }

    #[tokio::test]
    async fn a_new_key_is_published_before_it_signs_and_the_old_one_after() {
        let dir = tempfile::tempdir().unwrap();
        let keys = open(&dir, 1, START).await.unwrap();
        let old = kid(&keys.sign("t", &1, START).unwrap());
        assert!(!keys.rotate(START.after(HOUR)).await.unwrap());
        let due = START.after(ROTATE_AFTER);
        assert!(keys.rotate(due).await.unwrap());
        assert_eq!(keys.public(due).len(), 2);
        assert_eq!(kid(&keys.sign("t", &1, due.after(23 * HOUR)).unwrap()), old, "not before every gateway has it");
        let signs = due.after(24 * HOUR);
        assert_ne!(kid(&keys.sign("t", &1, signs).unwrap()), old);
        assert_eq!(keys.public(signs.after(12 * HOUR)).len(), 2, "while a session of the old key may live");
        assert_eq!(keys.public(signs.after(13 * HOUR)).len(), 1);
        assert!(keys.rotate(signs.after(13 * HOUR)).await.unwrap());
        assert_eq!(keys.snapshot().len(), 1);
    }
}
