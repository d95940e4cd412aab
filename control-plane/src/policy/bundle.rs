//! What gateways get, and what each of them lacks of it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use kubegate_core::bundle::{self, Documents, LiveEntries, PomeriumTokens, Tag, Version};
use kubegate_core::jws::PublicKey;
use kubegate_core::policy::Policy;
use kubegate_core::time::Timestamp;

/// The policy in force.
pub struct InForce {
    /// The compiled policy.
    pub policy: Policy,
    /// Its version.
    pub version: Version,
    /// The hash of the signed document.
    pub hash: String,
    /// Since when this version is given out; restarts do not count, new token keys make a new version.
    pub since: Timestamp,
    /// How many rules it has.
    pub rules: usize,
    /// The keys that session tokens are verified with.
    pub token_keys: Vec<PublicKey>,
    /// Where tokens of pomerium-cli are taken, and the keys of those.
    pub pomerium: Option<PomeriumTokens>,
    /// The signed document.
    pub document: String,
    /// The parts that it names.
    pub parts: Vec<Part>,
}

/// Some of a policy's rules.
pub struct Part {
    /// Its hash.
    pub hash: String,
    /// The rules, as JSON.
    pub text: String,
}

impl From<String> for Part {
    fn from(text: String) -> Self {
        Self { hash: bundle::hash(&text), text }
    }
}

/// A signed live set.
pub struct Snapshot {
    /// Its version.
    pub version: Version,
    /// The hash of the signed document.
    pub hash: String,
    /// What it says.
    pub entries: LiveEntries,
    /// The signed document.
    pub document: String,
}

/// What has changed since a live set was signed.
pub struct Changes {
    /// Its version.
    pub version: Version,
    /// How many entries it has.
    pub count: usize,
    /// The signed document.
    pub document: String,
}

/// Which parts a policy has that was in force.
pub(super) struct Known {
    hash: String,
    parts: HashSet<String>,
}

impl From<&InForce> for Known {
    fn from(policy: &InForce) -> Self {
        Self { hash: policy.hash.clone(), parts: policy.parts.iter().map(|part| part.hash.clone()).collect() }
    }
}

/// What gateways get.
pub struct Bundle {
    /// The policy.
    pub in_force: Arc<InForce>,
    /// The live set.
    pub snapshot: Arc<Snapshot>,
    /// What has changed since then; it binds the three together.
    pub changes: Changes,
    /// When the changes were signed; every half minute anew.
    pub signed_at: Timestamp,
    /// The last policies that were in force.
    known: Vec<Arc<Known>>,
    /// The answers that were made so far.
    made: Mutex<HashMap<Gap, Bytes>>,
}

/// What somebody lacks, besides the newest changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Gap {
    policy: PolicyGap,
    live: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum PolicyGap {
    /// Nothing.
    None,
    /// All of it but the parts of an earlier policy, by its hash, that is known here.
    Since(String),
    /// All of it.
    All,
}

impl Bundle {
    pub(super) fn new(
        in_force: Arc<InForce>,
        snapshot: Arc<Snapshot>,
        changes: Changes,
        signed_at: Timestamp,
        known: Vec<Arc<Known>>,
    ) -> Self {
        Self { in_force, snapshot, changes, signed_at, known, made: Mutex::default() }
    }

    /// What identifies it.
    #[must_use]
    pub fn tag(&self) -> Tag {
        Tag { policy: self.in_force.hash.clone(), live: self.snapshot.version, changes: self.changes.version }
    }

    /// What somebody who has `held` lacks, as the text that the documents travel in. It is made once for all who lack the
    /// same.
    #[must_use]
    pub fn answer(&self, held: Option<&Tag>) -> Bytes {
        let gap = self.gap(held);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(gap.clone()).or_insert_with(|| self.documents(&gap).to_string().into()).clone()
    }

    fn gap(&self, held: Option<&Tag>) -> Gap {
        let policy = match held {
            Some(held) if held.policy == self.in_force.hash => PolicyGap::None,
            Some(held) if self.known(&held.policy).is_some() => PolicyGap::Since(held.policy.clone()),
            _ => PolicyGap::All,
        };
        Gap { policy, live: held.is_none_or(|held| held.live != self.snapshot.version) }
    }

    fn documents(&self, gap: &Gap) -> Documents<'_> {
        let mut documents = Documents { changes: Some(&self.changes.document), ..Documents::default() };
        if gap.live {
            documents.live = Some(&self.snapshot.document);
        }
        let before = match &gap.policy {
            PolicyGap::None => return documents,
            PolicyGap::Since(before) => self.known(before),
            PolicyGap::All => None,
        };
        let has = |part: &Part| before.is_some_and(|before| before.parts.contains(&part.hash));
        documents.policy = Some(&self.in_force.document);
        documents.parts = self.in_force.parts.iter().filter(|part| !has(part)).map(|part| part.text.as_str()).collect();
        documents
    }

    fn known(&self, hash: &str) -> Option<&Known> {
        self.known.iter().map(Arc::as_ref).find(|known| known.hash == hash)
    }
}

impl std::fmt::Debug for Bundle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bundle").field("tag", &self.tag().to_string()).finish_non_exhaustive()
    }
}
