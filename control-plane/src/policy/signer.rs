//! Makes signed documents of what is in the store. A version is written down before it is given out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kubegate_core::bundle::{
    self, CHANGES_TYPE, ChangesDocument, Elevation, LIVE_TYPE, LiveDocument, LiveEntries, MAX_ENTRIES, NotBefore,
    POLICY_TYPE, PomeriumTokens, RevokedSession, Version,
};
use kubegate_core::jws::SigningKey;
use kubegate_core::policy::InvalidPolicy;
use kubegate_core::rule::Cluster;
use kubegate_core::time::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use super::bundle::{Changes, InForce, Snapshot};
use super::source::Authored;
use super::{room, size};
use crate::config::Pomerium;
use crate::elevation::KEEP_ENDED;
use crate::store::bundle_version::{self, Document, StoredVersion};
use crate::store::revocation::{self, Subject};
use crate::store::{Store, StoreError, elevation};
use crate::telemetry::Metrics;
use crate::token::{KeyError, TokenKeys};

/// A document of the bundle could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The policy contradicts itself.
    #[error(transparent)]
    Policy(#[from] InvalidPolicy),
    /// The token keys failed.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// A document could not be written as JSON.
    #[error("a document of the bundle cannot be written")]
    Encode(#[from] serde_json::Error),
    /// A document could not be signed.
    #[error("a document of the bundle cannot be signed")]
    Sign,
    /// The policy is longer than gateways take.
    #[error(
        "the policy is {} MiB long on its way to gateways ({length} bytes), and they take no more than {} MiB: an answer of \
         32 MiB, with the live set (name groups instead of people, use patterns instead of long lists, or give some of the \
         clusters a control plane of their own)",
        length.div_ceil(1 << 20), size::MAX >> 20
    )]
    TooLong {
        /// How long it is, in bytes.
        length: usize,
    },
    /// More was revoked than gateways can hold.
    #[error("the live set has {0} entries of one kind, and gateways take no more than {MAX_ENTRIES}")]
    TooMany(usize),
}

impl PublishError {
    /// Whether the policy is to blame, so that it is refused rather than tried again.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Policy(_) | Self::TooLong { .. })
    }
}

impl From<sqlx::Error> for PublishError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// What goes into the policy so that gateways take tokens of pomerium-cli.
pub struct PomeriumSigner {
    /// The keys of those tokens.
    pub keys: Arc<TokenKeys>,
    /// Where they are taken.
    pub settings: Pomerium,
}

impl PomeriumSigner {
    fn tokens(&self, clusters: &[Cluster], now: Timestamp) -> PomeriumTokens {
        let names = clusters.iter().map(|cluster| &cluster.name);
        let clusters = names.filter(|name| self.settings.is_on(name.as_str())).cloned().collect();
        PomeriumTokens { keys: self.keys.public(now), clusters }
    }
}

/// Signs the documents of the bundle.
pub struct Signer {
    issuer: String,
    key: SigningKey,
    store: Store,
    token_keys: Arc<TokenKeys>,
    pomerium: Option<PomeriumSigner>,
    metrics: Arc<Metrics>,
    /// Whether the log knows that too many sessions were revoked.
    warned: AtomicBool,
}

impl Signer {
    /// Signs in the name of `issuer`, the control plane's public URL, with the bundle key.
    #[must_use]
    pub fn new(
        issuer: String,
        key: SigningKey,
        store: Store,
        token_keys: Arc<TokenKeys>,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self { issuer, key, store, token_keys, pomerium: None, metrics, warned: AtomicBool::new(false) }
    }

    /// The same with what gateways need for tokens of pomerium-cli.
    #[must_use]
    pub fn with_pomerium(self, pomerium: Option<PomeriumSigner>) -> Self {
        Self { pomerium, ..self }
    }

    /// Wakes when keys were replaced by command.
    pub(super) fn keys_changed(&self) -> Arc<Notify> {
        self.token_keys.changed()
    }

    /// All keys that tokens are signed with, whatever the tokens are for.
    pub(super) fn all_keys(&self) -> impl Iterator<Item = &TokenKeys> {
        std::iter::once(&*self.token_keys).chain(self.pomerium.iter().map(|pomerium| &*pomerium.keys))
    }

    /// Whether the keys in a policy are those of now.
    pub(super) fn has_keys_of(&self, policy: &InForce, now: Timestamp) -> bool {
        let pomerium = self.pomerium.as_ref().map(|pomerium| pomerium.keys.public(now));
        self.token_keys.public(now) == policy.token_keys
            && pomerium.as_deref() == policy.pomerium.as_ref().map(|tokens| tokens.keys.as_slice())
    }

    /// Signs the policy; one that says the same as the last keeps its version.
    pub(super) async fn policy(&self, authored: &Authored, now: Timestamp) -> Result<InForce, PublishError> {
        let policy = authored.compile()?;
        let (mut content, parts) = size::measured(&self.issuer, authored)?;
        content.keys = self.token_keys.public(now);
        content.pomerium = self.pomerium.as_ref().map(|pomerium| pomerium.tokens(&authored.clusters, now));
        // The same words under another key are another document, and gateways take no two of one version.
        let content_hash = Sha256::new()
            .chain_update(self.key.public().kid().to_string())
            .chain_update(serde_json::to_vec(&content)?)
            .finalize()
            .to_vec();
        let (version, since) = self.next_version(Document::Policy, Some(content_hash), now).await?;
        content.version = version;
        let document = self.sign(POLICY_TYPE, &content)?;
        Ok(InForce {
            policy,
            version: content.version,
            hash: bundle::hash(&document),
            since,
            rules: authored.rules.len(),
            token_keys: content.keys,
            pomerium: content.pomerium,
            document,
            parts,
        })
    }

    /// Signs a live set.
    pub(super) async fn snapshot(&self, entries: LiveEntries, now: Timestamp) -> Result<Snapshot, PublishError> {
        let (version, _) = self.next_version(Document::Live, None, now).await?;
        let content = LiveDocument { version, entries };
        let document = self.sign(LIVE_TYPE, &content)?;
        Ok(Snapshot { version, hash: bundle::hash(&document), entries: content.entries, document })
    }

    /// Signs what has changed since a live set, and that it goes with a policy. Only in a plugin configuration it counts
    /// until `expires_at`.
    pub(super) async fn changes(
        &self,
        policy: &InForce,
        live: &Snapshot,
        entries: LiveEntries,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Changes, PublishError> {
        let (version, _) = self.next_version(Document::Live, None, now).await?;
        let (policy, live) = (policy.hash.clone(), live.hash.clone());
        let content = ChangesDocument { version, policy, live, issued_at: now, expires_at, entries };
        let document = self.sign(CHANGES_TYPE, &content)?;
        Ok(Changes { version, count: content.entries.len(), document })
    }

    /// Who has lost access before the time, and who has gained it for a while: no more than gateways take. Where more
    /// sessions were revoked, some become one entry for each of their people.
    pub(super) async fn entries(&self, now: Timestamp) -> Result<LiveEntries, PublishError> {
        let mut entries = self.all_entries(now).await?;
        if entries.sessions.len() > MAX_ENTRIES {
            self.make_room(entries.sessions.len(), now).await?;
            entries = self.all_entries(now).await?;
        }
        let most = entries.sessions.len().max(entries.people.len()).max(entries.elevations.len());
        if most > MAX_ENTRIES { Err(PublishError::TooMany(most)) } else { Ok(entries) }
    }

    async fn make_room(&self, sessions: usize, now: Timestamp) -> Result<(), PublishError> {
        let people = room::make(&self.store, now).await?;
        self.metrics.people_collapsed.inc_by(u64::try_from(people).unwrap_or(u64::MAX));
        if people > 0 && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                sessions,
                people,
                "more sessions were revoked than the {MAX_ENTRIES} that gateways take: all older tokens of the people with \
                 the most of them are refused, and these people ask for new ones. From now on only \
                 kubegate_people_collapsed_total counts this"
            );
        }
        Ok(())
    }

    async fn all_entries(&self, now: Timestamp) -> Result<LiveEntries, PublishError> {
        let mut conn = self.store.read().await?;
        let mut entries = LiveEntries::default();
        for entry in revocation::live(&mut conn, now).await? {
            let until = entry.until;
            match entry.subject {
                Subject::Session { session: sid, .. } => entries.sessions.push(RevokedSession { sid, until }),
                Subject::Person { person, not_before } => entries.people.push(NotBefore { person, not_before, until }),
            }
        }
        for entry in elevation::ending_after(&mut conn, now.before(KEEP_ENDED)).await? {
            let elevation::Elevation { id, person, cluster, groups, until, ended_by, .. } = entry;
            entries.elevations.push(Elevation { id, person, cluster, groups, until, ended: ended_by.is_some() });
        }
        Ok(entries)
    }

    /// The epoch that the store is in.
    pub(super) async fn epoch(&self) -> Result<u64, PublishError> {
        Ok(bundle_version::epoch(&mut *self.store.read().await?).await?.unwrap_or_default())
    }

    fn sign<T: serde::Serialize>(&self, typ: &str, content: &T) -> Result<String, PublishError> {
        self.key.sign(typ, content).map_err(|_| PublishError::Sign)
    }

    /// The version to give out next, and since when it is given out: the last one when it says the same.
    async fn next_version(
        &self,
        document: Document,
        content_hash: Option<Vec<u8>>,
        now: Timestamp,
    ) -> Result<(Version, Timestamp), PublishError> {
        let mut tx = self.store.write().await?;
        // A store that has given nothing out may stand in the place of one that is lost.
        let epoch = bundle_version::epoch(&mut tx).await?.unwrap_or(now.seconds());
        let last = bundle_version::last(&mut tx, document).await?.filter(|last| last.epoch == epoch);
        let counter = match &last {
            Some(last) if content_hash.is_some() && last.content_hash == content_hash => {
                return Ok((Version { epoch, counter: last.counter }, last.since));
            }
            Some(last) => last.counter.saturating_add(1),
            None => 1,
        };
        bundle_version::put(&mut tx, document, &StoredVersion { epoch, counter, content_hash, since: now }).await?;
        tx.commit().await?;
        Ok((Version { epoch, counter }, now))
    }
}
