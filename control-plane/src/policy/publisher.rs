//! Signs the policy and the live set, and hands them to whoever waits.

use std::sync::Arc;
use std::time::Duration;

use kubegate_core::bundle::{
    self, LIVE_TYPE, LiveDocument, MAX_ENTRIES, NotBefore, POLICY_TYPE, PolicyDocument, RevokedSession, Tag, Version,
};
use kubegate_core::jws::{PublicKey, SigningKey};
use kubegate_core::policy::{InvalidPolicy, Policy};
use kubegate_core::time::Timestamp;
use sha2::{Digest, Sha256};
use tokio::sync::{Notify, mpsc, watch};

use super::source::Authored;
use crate::clock::Clock;
use crate::store::bundle_version::{self, Document, StoredVersion};
use crate::store::revocation::{self, Subject};
use crate::store::{Store, StoreError};
use crate::telemetry::Metrics;
use crate::token::{KeyError, TokenKeys};

/// How often the live set is signed anew even when nothing has changed.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// When to try again after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// The policy in force.
pub struct InForce {
    /// The compiled policy.
    pub policy: Policy,
    /// Its version.
    pub version: Version,
    /// The SHA-256 of the signed document.
    pub hash: String,
    /// The keys that tokens are verified with.
    pub token_keys: Vec<PublicKey>,
    /// The signed document.
    pub document: String,
    /// Its parts.
    pub parts: Vec<String>,
}

/// What gateways get.
pub struct Bundle {
    /// The policy.
    pub in_force: Arc<InForce>,
    /// The signed live set that belongs to it.
    pub live: String,
    /// The live set's version.
    pub live_version: Version,
    /// When the live set was signed; every half minute anew.
    pub signed_at: Timestamp,
}

impl Bundle {
    /// What identifies these documents.
    #[must_use]
    pub fn tag(&self) -> Tag {
        Tag { policy: self.in_force.hash.clone(), live: self.live_version, changes: self.live_version }
    }
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundle").field("tag", &self.tag().to_string()).finish_non_exhaustive()
    }
}

/// How the policy file stands to the policy in force.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// What is wrong with the file, when it is not the policy in force.
    pub problem: Option<String>,
}

/// A version of the bundle could not be published.
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
    /// The configuration names an epoch that is over.
    #[error(
        "the bundle's epoch {configured} is over: the store has given out epoch {stored}; set `epoch: {stored}` (after \
         restoring a backup: the next number after the last one used)"
    )]
    Epoch {
        /// The configured epoch.
        configured: u64,
        /// The last epoch given out.
        stored: u64,
    },
    /// More sessions were revoked than gateways can hold.
    #[error("the live set has {0} entries, and gateways take no more than {MAX_ENTRIES}")]
    TooMany(usize),
}

impl From<sqlx::Error> for PublishError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Signs and publishes.
pub struct Publisher {
    issuer: String,
    epoch: u64,
    key: SigningKey,
    store: Store,
    token_keys: Arc<TokenKeys>,
    clock: Clock,
    metrics: Arc<Metrics>,
    authored: Authored,
    /// Whether `authored`, with the token keys of now, is not yet in force.
    behind: bool,
    bundle: watch::Sender<Arc<Bundle>>,
}

/// What a publisher needs.
pub struct Parts {
    /// The control plane's public URL.
    pub issuer: String,
    /// The configured epoch.
    pub epoch: u64,
    /// The bundle key.
    pub key: SigningKey,
    /// The store.
    pub store: Store,
    /// The keys that session tokens are signed with.
    pub token_keys: Arc<TokenKeys>,
    /// The clock.
    pub clock: Clock,
    /// Where to count.
    pub metrics: Arc<Metrics>,
}

impl Publisher {
    /// Publishes the first bundle.
    ///
    /// # Errors
    /// When the store fails, or the policy or the epoch is no good.
    pub async fn start(parts: Parts, authored: Authored) -> Result<(Self, watch::Receiver<Arc<Bundle>>), PublishError> {
        let Parts { issuer, epoch, key, store, token_keys, clock, metrics } = parts;
        let signer = Signer { issuer: &issuer, epoch, key: &key, store: &store, token_keys: &token_keys };
        let in_force = Arc::new(signer.policy(&authored, clock.now()).await?);
        let signed_at = clock.now();
        let (live, live_version, entries) = signer.live(&in_force.hash, signed_at).await?;
        metrics.policy_loads.inc();
        metrics.policy_valid.set(1);
        metrics.revocations.set(i64::try_from(entries).unwrap_or(i64::MAX));
        let (bundle, receiver) = watch::channel(Arc::new(Bundle { in_force, live, live_version, signed_at }));
        Ok((Self { issuer, epoch, key, store, token_keys, clock, metrics, authored, behind: false, bundle }, receiver))
    }

    /// Publishes whatever comes, until `policies` is closed.
    pub async fn run(mut self, mut policies: mpsc::Receiver<Authored>, ended: Arc<Notify>) {
        let mut heartbeat = tokio::time::interval(HEARTBEAT);
        heartbeat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        heartbeat.reset();
        loop {
            let done = tokio::select! {
                policy = policies.recv() => match policy {
                    Some(policy) => self.take(policy).await,
                    None => return,
                },
                () = ended.notified() => self.publish_live().await,
                _ = heartbeat.tick() => self.beat().await,
            };
            if let Err(error) = done {
                self.metrics.publish_failures.inc();
                tracing::error!(%error, "the bundle could not be published; gateways keep what they have");
                heartbeat.reset_after(RETRY);
            }
        }
    }

    /// Takes a policy into force.
    ///
    /// # Errors
    /// When the store fails or the policy is no good; the one before stays in force until the next try.
    pub async fn take(&mut self, authored: Authored) -> Result<(), PublishError> {
        self.authored = authored;
        self.behind = true;
        self.catch_up().await
    }

    /// Signs the live set anew.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn publish_live(&mut self) -> Result<(), PublishError> {
        let in_force = Arc::clone(&self.bundle.borrow().in_force);
        self.publish(in_force).await
    }

    /// Publishes the policy that is wanted, when it is not what is in force.
    async fn catch_up(&mut self) -> Result<(), PublishError> {
        let before = Arc::clone(&self.bundle.borrow().in_force);
        let in_force = Arc::new(self.signer().policy(&self.authored, self.clock.now()).await?);
        if in_force.hash != before.hash {
            let version = in_force.version;
            self.publish(in_force).await?;
            self.metrics.policy_loads.inc();
            tracing::info!(%version, "a new policy is in force");
        }
        self.behind = false;
        Ok(())
    }

    /// Keeps the live set fresh and the token keys young.
    async fn beat(&mut self) -> Result<(), PublishError> {
        let now = self.clock.now();
        if let Err(error) = self.token_keys.rotate(now).await {
            tracing::error!(%error, "the token keys could not be replaced; those there stay in use");
        }
        self.behind |= self.token_keys.public(now) != self.bundle.borrow().in_force.token_keys;
        if self.behind {
            self.catch_up().await?;
        }
        self.publish_live().await
    }

    async fn publish(&mut self, in_force: Arc<InForce>) -> Result<(), PublishError> {
        let signed_at = self.clock.now();
        let (live, live_version, entries) = self.signer().live(&in_force.hash, signed_at).await?;
        self.metrics.revocations.set(i64::try_from(entries).unwrap_or(i64::MAX));
        self.bundle.send_replace(Arc::new(Bundle { in_force, live, live_version, signed_at }));
        Ok(())
    }

    fn signer(&self) -> Signer<'_> {
        Signer {
            issuer: &self.issuer,
            epoch: self.epoch,
            key: &self.key,
            store: &self.store,
            token_keys: &self.token_keys,
        }
    }
}

/// Makes signed documents of what is in the store. A version is written down before it is given out.
struct Signer<'a> {
    issuer: &'a str,
    epoch: u64,
    key: &'a SigningKey,
    store: &'a Store,
    token_keys: &'a TokenKeys,
}

impl Signer<'_> {
    /// Signs the policy; one that says the same as the last keeps its version.
    async fn policy(&self, authored: &Authored, now: Timestamp) -> Result<InForce, PublishError> {
        let policy = authored.compile()?;
        let parts = bundle::split(&authored.rules)?;
        let mut content = PolicyDocument {
            issuer: self.issuer.to_owned(),
            version: Version::default(),
            keys: self.token_keys.public(now),
            clusters: authored.clusters.clone(),
            parts: parts.iter().map(|part| bundle::hash(part)).collect(),
        };
        // The same words under another key are another document, and gateways take no two of one version.
        let content_hash = Sha256::new()
            .chain_update(self.key.public().kid().to_string())
            .chain_update(serde_json::to_vec(&content)?)
            .finalize()
            .to_vec();
        content.version = self.next_version(Document::Policy, Some(content_hash)).await?;
        let document = self.key.sign(POLICY_TYPE, &content).map_err(|_| PublishError::Sign)?;
        Ok(InForce {
            policy,
            version: content.version,
            hash: bundle::hash(&document),
            token_keys: content.keys,
            document,
            parts,
        })
    }

    /// Signs the live set that goes with the policy `policy`. Also says how many entries it has.
    async fn live(&self, policy: &str, now: Timestamp) -> Result<(String, Version, usize), PublishError> {
        let revocations = revocation::live(&mut *self.store.read().await?, now).await?;
        let entries = revocations.len();
        if entries > MAX_ENTRIES {
            return Err(PublishError::TooMany(entries));
        }
        let version = self.next_version(Document::Live, None).await?;
        let mut content =
            LiveDocument { version, policy: policy.to_owned(), issued_at: now, ..LiveDocument::default() };
        for entry in revocations {
            let until = entry.until;
            match entry.subject {
                Subject::Session { session: sid, .. } => content.entries.sessions.push(RevokedSession { sid, until }),
                Subject::Person { person, not_before } => {
                    content.entries.people.push(NotBefore { person, not_before, until });
                }
            }
        }
        let document = self.key.sign(LIVE_TYPE, &content).map_err(|_| PublishError::Sign)?;
        Ok((document, version, entries))
    }

    async fn next_version(&self, document: Document, content_hash: Option<Vec<u8>>) -> Result<Version, PublishError> {
        let mut tx = self.store.write().await?;
        let last = bundle_version::last(&mut tx, document).await?;
        let counter = match &last {
            Some(last) if last.epoch > self.epoch => {
                return Err(PublishError::Epoch { configured: self.epoch, stored: last.epoch });
            }
            Some(last) if last.epoch == self.epoch => {
                let same = content_hash.is_some() && last.content_hash == content_hash;
                if same {
                    return Ok(Version { epoch: last.epoch, counter: last.counter });
                }
                last.counter.saturating_add(1)
            }
            _ => 1,
        };
        let next = StoredVersion { epoch: self.epoch, counter, content_hash };
        bundle_version::put(&mut tx, document, &next).await?;
        tx.commit().await?;
        Ok(Version { epoch: self.epoch, counter })
    }
}
