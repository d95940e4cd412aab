//! The keys that sign session tokens: made by ourselves, kept encrypted, replaced on a schedule.
//!
//! ```text
//!  made ──(published, not yet signing)──▶ signs_from ──(signs)──▶ the next one signs ──(published)──▶ retires_at
//! ```

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use kubegate_core::id::KeyId;
use kubegate_core::jws::{Keys, PublicKey, SigningKey};
use kubegate_core::time::Timestamp;
use tokio::sync::Notify;

use crate::random::{self, RandomError};
use crate::seal::{SealError, Sealer};
use crate::session::LEEWAY;
pub use crate::store::token_key::Purpose;
use crate::store::token_key::{self, StoredKey};
use crate::store::{Store, StoreError};

/// How long a new key is published before it signs, so that gateways that were cut off have it.
const PUBLISH_AHEAD: Duration = Duration::from_secs(24 * 3600);

/// How many keys there may be: each is in every gateway's policy.
pub const MOST_KEYS: usize = 16;

/// How far a bundle of a plugin configuration may reach when nobody here makes other keys.
const FAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// When keys are replaced, and how long they stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// How old the newest key may be before the next is made.
    pub rotate_every: Duration,
    /// How long a key stays published after its last signature: a session's longest life.
    pub keep: Duration,
}

impl Schedule {
    /// How long a scheduled key is published before it signs.
    fn publish_ahead(&self) -> Duration {
        PUBLISH_AHEAD.min(self.rotate_every / 4)
    }
}

/// Keys that an operator made: nothing here replaces them.
#[derive(Debug)]
pub struct Given {
    /// The one that signs.
    pub signs: SigningKey,
    /// Others whose tokens are good too.
    pub verify: Vec<PublicKey>,
}

/// A key as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyView {
    /// Its id.
    pub kid: KeyId,
    /// What its tokens are for.
    pub purpose: Purpose,
    /// What it does now.
    pub state: KeyState,
    /// When it was made; `None` of a given one.
    pub created_at: Option<Timestamp>,
    /// When it begins to sign, or began.
    pub signs_from: Option<Timestamp>,
    /// When its tokens are no longer good; `None` while nothing has taken its place.
    pub retires_at: Option<Timestamp>,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It is published, and signs later.
    Next,
    /// It signs.
    Signing,
    /// Its tokens are good, and it signs none.
    Verifying,
}

impl KeyState {
    /// A stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Signing => "signing",
            Self::Verifying => "verifying",
        }
    }
}

/// How a rotation by command goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The next key is published for so long before it signs, and the others stay until their last token has ended.
    Gentle(Duration),
    /// The next key signs at once and no other is believed any more: for a key that somebody else may hold.
    Urgent,
}

/// A rotation by command is refused.
#[derive(Debug, thiserror::Error)]
pub enum RotationRefused {
    /// The keys are given.
    #[error("the keys are given by keys.token in the configuration; change them there and restart")]
    Given,
    /// One is under way.
    #[error("the key {kid} is published already and signs from {}", crate::clock::rfc3339(*.signs_from))]
    UnderWay {
        /// The next key.
        kid: KeyId,
        /// When it signs.
        signs_from: Timestamp,
    },
    /// There are too many.
    #[error("there are {MOST_KEYS} keys; wait until the tokens of one have ended")]
    TooMany,
    /// It failed.
    #[error(transparent)]
    Failed(#[from] KeyError),
}

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
    half: Half,
    created_at: Option<Timestamp>,
    /// `None` of one that only verifies.
    signs_from: Option<Timestamp>,
    retires_at: Option<Timestamp>,
}

#[derive(Debug)]
enum Half {
    Private(Box<SigningKey>),
    Public(PublicKey),
}

impl Key {
    fn public(&self) -> &PublicKey {
        match &self.half {
            Half::Private(key) => key.public(),
            Half::Public(key) => key,
        }
    }

    fn is_published(&self, now: Timestamp) -> bool {
        self.retires_at.is_none_or(|at| now < at)
    }

    fn signs(&self, now: Timestamp) -> Option<&SigningKey> {
        match &self.half {
            Half::Private(key) if self.is_published(now) && self.signs_from.is_some_and(|from| from <= now) => {
                Some(key)
            }
            _ => None,
        }
    }
}

/// The keys that sign tokens for one purpose.
#[derive(Debug)]
pub struct TokenKeys {
    purpose: Purpose,
    store: Store,
    sealer: Sealer,
    schedule: Schedule,
    given: Option<Given>,
    /// The oldest first.
    keys: RwLock<Arc<Vec<Key>>>,
    changed: Arc<Notify>,
}

impl TokenKeys {
    /// Reads the keys that sign session tokens from the store, and makes the first.
    ///
    /// # Errors
    /// When the store fails, or was written under another encryption key.
    pub async fn open(store: Store, sealer: Sealer, schedule: Schedule, now: Timestamp) -> Result<Self, KeyError> {
        Self::open_for(Purpose::Session, store, sealer, schedule, now).await
    }

    /// The same for any purpose.
    ///
    /// # Errors
    /// When the store fails, or was written under another encryption key.
    pub async fn open_for(
        purpose: Purpose,
        store: Store,
        sealer: Sealer,
        schedule: Schedule,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let keys = Self::new(purpose, store, sealer, schedule, None);
        keys.reload().await?;
        if keys.snapshot().iter().all(|key| key.retires_at.is_some()) {
            keys.make(now, now).await?;
        }
        Ok(keys)
    }

    /// Uses the given keys. Those that the store has sign nothing more, and stay until their last token has ended.
    ///
    /// # Errors
    /// As for [`TokenKeys::open`].
    pub async fn given(
        store: Store,
        sealer: Sealer,
        schedule: Schedule,
        given: Given,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let mut tx = store.write().await?;
        token_key::retire_all(&mut tx, Purpose::Session, now.after(schedule.keep).after(LEEWAY)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        let keys = Self::new(Purpose::Session, store, sealer, schedule, Some(given));
        keys.reload().await?;
        Ok(keys)
    }

    fn new(purpose: Purpose, store: Store, sealer: Sealer, schedule: Schedule, given: Option<Given>) -> Self {
        Self { purpose, store, sealer, schedule, given, keys: RwLock::default(), changed: Arc::new(Notify::new()) }
    }

    /// The same, telling whoever waits for `changed` when keys were replaced by command.
    #[must_use]
    pub fn telling(self, changed: Arc<Notify>) -> Self {
        Self { changed, ..self }
    }

    /// Wakes when keys were replaced by command, so that gateways must hear of it.
    #[must_use]
    pub fn changed(&self) -> Arc<Notify> {
        Arc::clone(&self.changed)
    }

    /// Signs `claims` as a token of the type `typ`, with the key whose turn it is.
    ///
    /// # Errors
    /// When there is no key, or the claims cannot be written.
    pub fn sign<T: serde::Serialize>(&self, typ: &str, claims: &T, now: Timestamp) -> Option<String> {
        let keys = self.snapshot();
        let key = self.given.as_ref().map(|given| &given.signs).or_else(|| signing(&keys, now))?;
        key.sign(typ, claims).ok()
    }

    /// The public halves of all keys that may have signed a live token, or soon will.
    #[must_use]
    pub fn public(&self, now: Timestamp) -> Vec<PublicKey> {
        let keys = self.snapshot();
        keys.iter().filter(|key| key.is_published(now)).map(|key| key.public().clone()).collect()
    }

    /// The same, to verify with.
    #[must_use]
    pub fn verifying(&self, now: Timestamp) -> Keys {
        Keys::new(&self.public(now)).unwrap_or_default()
    }

    /// All keys whose tokens are good, the oldest first.
    #[must_use]
    pub fn all(&self, now: Timestamp) -> Vec<KeyView> {
        let keys = self.snapshot();
        let signs = self.given.as_ref().map(|given| &given.signs).or_else(|| signing(&keys, now));
        let signs = signs.map(|key| key.public().kid());
        let published = keys.iter().filter(|key| key.is_published(now));
        let view = |key: &Key| {
            let kid = key.public().kid();
            let state = match key.signs_from {
                _ if signs == Some(kid) => KeyState::Signing,
                Some(from) if from > now => KeyState::Next,
                _ => KeyState::Verifying,
            };
            let Key { created_at, signs_from, retires_at, .. } = key;
            KeyView {
                kid: kid.clone(),
                purpose: self.purpose,
                state,
                created_at: *created_at,
                signs_from: *signs_from,
                retires_at: *retires_at,
            }
        };
        published.map(view).collect()
    }

    /// Until when no other keys sign than those that are published now, unless somebody replaces them by command.
    #[must_use]
    pub fn covered_until(&self, now: Timestamp) -> Timestamp {
        if self.given.is_some() {
            return now.after(FAR);
        }
        let newest = self.newest().unwrap_or(now);
        newest.after(self.schedule.rotate_every).after(self.schedule.publish_ahead())
    }

    /// Makes the next key when it is time, and forgets those that have retired. Returns whether what
    /// is published has changed.
    ///
    /// # Errors
    /// When the store fails or there is no randomness.
    pub async fn rotate(&self, now: Timestamp) -> Result<bool, KeyError> {
        let old = self.newest().is_none_or(|made| now.since(made) >= self.schedule.rotate_every);
        let due = self.given.is_none() && old;
        if due {
            self.make(now, now.after(self.schedule.publish_ahead())).await?;
        }
        let mut tx = self.store.write().await?;
        let retired = token_key::purge(&mut tx, self.purpose, now).await?;
        tx.commit().await.map_err(StoreError::from)?;
        if retired > 0 {
            self.reload().await?;
        }
        Ok(due || retired > 0)
    }

    /// Makes the next key now, because somebody asked for it. Returns it.
    ///
    /// # Errors
    /// When the keys are given, when one is on its way already, or there are too many.
    pub async fn rotate_by_command(&self, rotation: Rotation, now: Timestamp) -> Result<KeyView, RotationRefused> {
        if self.given.is_some() {
            return Err(RotationRefused::Given);
        }
        let before = self.all(now);
        let next = before.iter().find(|key| key.state == KeyState::Next);
        let kid = match (rotation, next) {
            (Rotation::Gentle(_), Some(KeyView { kid, signs_from: Some(signs_from), .. })) => {
                return Err(RotationRefused::UnderWay { kid: kid.clone(), signs_from: *signs_from });
            }
            (Rotation::Gentle(_), _) if before.len() >= MOST_KEYS => return Err(RotationRefused::TooMany),
            (Rotation::Gentle(publish_for), _) => self.make(now, now.after(publish_for)).await?,
            (Rotation::Urgent, _) => self.replace(now).await?,
        };
        self.changed.notify_one();
        let made = self.all(now).into_iter().find(|key| key.kid == kid);
        made.ok_or(RotationRefused::Failed(KeyError::Seal(SealError::Open)))
    }

    fn newest(&self) -> Option<Timestamp> {
        self.snapshot().iter().filter_map(|key| key.created_at).max()
    }

    async fn make(&self, now: Timestamp, signs_from: Timestamp) -> Result<KeyId, KeyError> {
        let stored = self.new_key(now, signs_from)?;
        let mut tx = self.store.write().await?;
        token_key::insert(&mut tx, self.purpose, &stored).await?;
        let retires_at = signs_from.after(self.schedule.keep).after(LEEWAY);
        token_key::retire_before(&mut tx, self.purpose, signs_from, retires_at).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.reload().await?;
        Ok(KeyId::from(stored.kid))
    }

    /// Makes a key that signs at once, and takes all others out of publication.
    async fn replace(&self, now: Timestamp) -> Result<KeyId, KeyError> {
        let stored = self.new_key(now, now)?;
        let mut tx = self.store.write().await?;
        token_key::insert(&mut tx, self.purpose, &stored).await?;
        token_key::retire_others(&mut tx, self.purpose, &stored.kid, now).await?;
        tx.commit().await.map_err(StoreError::from)?;
        self.reload().await?;
        Ok(KeyId::from(stored.kid))
    }

    fn new_key(&self, now: Timestamp, signs_from: Timestamp) -> Result<StoredKey, KeyError> {
        let key = SigningKey::from_seed(random::bytes()?);
        let kid = key.public().kid().to_string();
        let sealed_seed = self.sealer.seal(&place(self.purpose, &kid), key.seed())?;
        Ok(StoredKey { sealed_seed, kid, created_at: now, signs_from, retires_at: None })
    }

    async fn reload(&self) -> Result<(), KeyError> {
        let stored = token_key::all(&mut *self.store.read().await?, self.purpose).await?;
        let mut keys = stored.iter().map(|key| self.unseal(key)).collect::<Result<Vec<_>, _>>()?;
        self.reseal(&stored, &keys).await?;
        if let Some(given) = &self.given {
            keys.iter_mut().for_each(|key| key.signs_from = None);
            let halves = given.verify.iter().chain([given.signs.public()]);
            keys.extend(halves.map(|key| Key {
                half: Half::Public(key.clone()),
                created_at: None,
                signs_from: None,
                retires_at: None,
            }));
        }
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    /// Seals anew what an old encryption key has sealed, so that it is needed no more.
    async fn reseal(&self, stored: &[StoredKey], keys: &[Key]) -> Result<(), KeyError> {
        let place = |stored: &StoredKey| place(self.purpose, &stored.kid);
        let is_old = |stored: &StoredKey| self.sealer.is_old(&place(stored), &stored.sealed_seed);
        let old: Vec<_> = stored.iter().zip(keys).filter(|(stored, _)| is_old(stored)).collect();
        if old.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.write().await?;
        for (stored, key) in old {
            if let Half::Private(key) = &key.half {
                token_key::reseal(&mut tx, &stored.kid, &self.sealer.seal(&place(stored), key.seed())?).await?;
            }
        }
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }

    fn unseal(&self, stored: &StoredKey) -> Result<Key, KeyError> {
        let sealed = |source| KeyError::Sealed { kid: stored.kid.clone(), source };
        let seed = self.sealer.open(&place(self.purpose, &stored.kid), &stored.sealed_seed).map_err(sealed)?;
        let seed: [u8; 32] = seed.as_slice().try_into().map_err(|_| sealed(SealError::Open))?;
        Ok(Key {
            half: Half::Private(Box::new(SigningKey::from_seed(seed))),
            created_at: Some(stored.created_at),
            signs_from: Some(stored.signs_from),
            retires_at: stored.retires_at,
        })
    }

    fn snapshot(&self) -> Arc<Vec<Key>> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The newest key whose turn it is; with a clock that was set back, the oldest.
fn signing(keys: &[Key], now: Timestamp) -> Option<&SigningKey> {
    let oldest = || keys.iter().filter(|key| key.is_published(now)).find_map(|key| key.signs(key.signs_from?));
    keys.iter().rev().find_map(|key| key.signs(now)).or_else(oldest)
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
    const SCHEDULE: Schedule =
        Schedule { rotate_every: Duration::from_secs(30 * 24 * 3600), keep: Duration::from_secs(12 * 3600) };

    async fn open(dir: &tempfile::TempDir, key: u8, now: Timestamp) -> Result<TokenKeys, KeyError> {
        let store = Store::open(&dir.path().join("kubegate.db")).await.unwrap();
        TokenKeys::open(store, Sealer::new(&[key; 32]), SCHEDULE, now).await
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
        let open = |purpose| TokenKeys::open_for(purpose, store.clone(), Sealer::new(&[1; 32]), SCHEDULE, START);
        let (session, pomerium) = (open(Purpose::Session).await.unwrap(), open(Purpose::Pomerium).await.unwrap());
        let due = START.after(SCHEDULE.rotate_every);
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
        let due = START.after(SCHEDULE.rotate_every);
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

    #[tokio::test]
    async fn by_command_the_next_key_overlaps_and_one_is_on_its_way_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let keys = open(&dir, 1, START).await.unwrap();
        let old = kid(&keys.sign("t", &1, START).unwrap());
        let next = keys.rotate_by_command(Rotation::Gentle(HOUR), START).await.unwrap();
        assert_eq!((next.state, next.signs_from), (KeyState::Next, Some(START.after(HOUR))));
        let refused = keys.rotate_by_command(Rotation::Gentle(HOUR), START).await.unwrap_err();
        assert!(matches!(refused, RotationRefused::UnderWay { .. }), "{refused}");
        assert_eq!(kid(&keys.sign("t", &1, START).unwrap()), old);
        let then = START.after(HOUR);
        assert_eq!(kid(&keys.sign("t", &1, then).unwrap()), next.kid.as_str());
        let states: Vec<_> = keys.all(then).into_iter().map(|key| (key.state, key.retires_at)).collect();
        let retires = Some(then.after(12 * HOUR).after(LEEWAY));
        assert_eq!(states, [(KeyState::Verifying, retires), (KeyState::Signing, None)]);
        for turn in 2..MOST_KEYS as u32 {
            keys.rotate_by_command(Rotation::Gentle(Duration::from_secs(1)), then.after(turn * Duration::from_secs(1)))
                .await
                .unwrap();
        }
        let soon = then.after(60 * Duration::from_secs(1));
        let refused = keys.rotate_by_command(Rotation::Gentle(HOUR), soon).await.unwrap_err();
        assert!(matches!(refused, RotationRefused::TooMany), "{refused}");
    }

    #[tokio::test]
    async fn a_key_that_somebody_else_may_hold_is_believed_no_more_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let keys = open(&dir, 1, START).await.unwrap();
        keys.rotate_by_command(Rotation::Gentle(HOUR), START).await.unwrap();
        let made = keys.rotate_by_command(Rotation::Urgent, START).await.unwrap();
        assert_eq!(made.state, KeyState::Signing);
        let published: Vec<_> = keys.public(START).iter().map(|key| key.kid().clone()).collect();
        assert_eq!(published, std::slice::from_ref(&made.kid), "neither the old one nor the one that was to come");
        assert_eq!(kid(&keys.sign("t", &1, START).unwrap()), made.kid.as_str());
        assert_eq!(kid(&keys.sign("t", &1, START.after(2 * HOUR)).unwrap()), made.kid.as_str());
        let again = open(&dir, 1, START.after(HOUR)).await.unwrap();
        assert_eq!(again.public(START.after(HOUR)).len(), 1, "also after a restart");
    }

    #[tokio::test]
    async fn given_keys_sign_and_those_of_the_store_stay_until_their_tokens_end() {
        let dir = tempfile::tempdir().unwrap();
        let own = open(&dir, 1, START).await.unwrap();
        let old = own.public(START).remove(0);
        drop(own);
        let (signs, other) = (SigningKey::from_seed([5; 32]), SigningKey::from_seed([6; 32]));
        let (first, second) = (signs.public().kid().clone(), other.public().clone());
        let given = Given { signs, verify: vec![second.clone()] };
        let store = Store::open(&dir.path().join("kubegate.db")).await.unwrap();
        let keys = TokenKeys::given(store, Sealer::new(&[1; 32]), SCHEDULE, given, START).await.unwrap();
        assert_eq!(kid(&keys.sign("t", &1, START).unwrap()), first.as_str());
        let published: Vec<_> = keys.public(START).iter().map(|key| key.kid().clone()).collect();
        assert_eq!(published, [old.kid().clone(), second.kid().clone(), first.clone()]);
        assert!(matches!(keys.rotate_by_command(Rotation::Urgent, START).await, Err(RotationRefused::Given)));
        let years = START.after(1000 * 24 * HOUR);
        assert!(keys.rotate(years).await.unwrap(), "the store's are forgotten");
        assert_eq!(keys.public(years).len(), 2, "and none is made");
        let states: Vec<_> = keys.all(years).into_iter().map(|key| key.state).collect();
        assert_eq!(states, [KeyState::Verifying, KeyState::Signing]);
    }

    #[tokio::test]
    async fn another_encryption_key_takes_over_while_the_old_one_still_opens() {
        let dir = tempfile::tempdir().unwrap();
        let first = open(&dir, 1, START).await.unwrap().public(START);
        let store = Store::open(&dir.path().join("kubegate.db")).await.unwrap();
        let sealer = Sealer::new(&[2; 32]).opening(&[1; 32]);
        assert_eq!(TokenKeys::open(store, sealer, SCHEDULE, START).await.unwrap().public(START), first);
        assert_eq!(open(&dir, 2, START).await.unwrap().public(START), first, "then the new one alone opens it");
        assert!(open(&dir, 1, START).await.is_err());
    }
}
