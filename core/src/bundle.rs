//! What the filter needs, as signed documents.
//!
//! ```text
//!  changes        what is new since the live set was signed     small, signed anew every half minute
//!    ├─ policy    clusters, token keys                        signed anew when the policy file or a key changes
//!    │    └─ part some of the rules                           an edit makes one part or two anew
//!    └─ live set  revocations and elevations                  signed anew when there are many changes
//! ```
//!
//! Each names those below it by their SHA-256, so no two can be put together that do not belong together, and of each
//! only what is new has to be sent.
//!
//! The signed ones carry a version (epoch, counter). The age of the changes is the proof that the filter is not being kept
//! from the truth. None may hold what a filter does not know: a restriction that it would overlook must not widen access,
//! so an older filter keeps the last bundle that it understands.

mod documents;
mod parts;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::id::{ClusterName, ElevationId, KeyId, PersonId, SessionId};
use crate::identity_name::{self, InvalidName};
use crate::jws::{self, InvalidJws, InvalidKey, Keys, PublicKey};
use crate::policy::{InvalidPolicy, Policy};
use crate::rule::{Cluster, Rule};
use crate::time::Timestamp;
use crate::token::TokenKind;

pub use documents::{Documents, Tag, WholeBundle};
pub use parts::split;

/// The `typ` of the policy document.
pub const POLICY_TYPE: &str = "kubegate-policy+jws";

/// The `typ` of the live set.
pub const LIVE_TYPE: &str = "kubegate-live+jws";

/// The `typ` of the changes since the live set.
pub const CHANGES_TYPE: &str = "kubegate-changes+jws";

/// The longest policy with all its parts, in bytes.
pub const MAX_POLICY: usize = 64 << 20;

/// The longest live set, and the longest list of changes to it, in characters.
pub const MAX_LIVE: usize = 32 << 20;

/// The most entries that a live set, or a list of changes to it, can hold of one kind.
pub const MAX_ENTRIES: usize = 100_000;

/// The most groups of one elevation.
pub const MAX_ELEVATED_GROUPS: usize = 32;

/// A document's version. An operator starts a new epoch after restoring the store from a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// Grows with every restored backup.
    pub epoch: u64,
    /// Counts changes within the epoch.
    pub counter: u64,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.epoch, self.counter)
    }
}

impl std::str::FromStr for Version {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (epoch, counter) = text.split_once('.').ok_or(())?;
        Ok(Self { epoch: epoch.parse().map_err(|_| ())?, counter: counter.parse().map_err(|_| ())? })
    }
}

/// The policy document's content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDocument {
    /// The control plane's public URL: the issuer of the session tokens.
    pub issuer: String,
    /// The document's version.
    pub version: Version,
    /// The keys that session tokens are verified with.
    pub keys: Vec<PublicKey>,
    /// The clusters.
    pub clusters: Vec<Cluster>,
    /// The hashes of the parts, in the order of their rules ([`hash`], [`split`]).
    pub parts: Vec<String>,
    /// Where tokens for pomerium-cli are taken; nowhere when it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pomerium: Option<PomeriumTokens>,
}

/// Where tokens for pomerium-cli are taken, and what they are verified with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PomeriumTokens {
    /// The keys; session tokens have others.
    pub keys: Vec<PublicKey>,
    /// The clusters.
    pub clusters: Vec<ClusterName>,
}

/// The live set's content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveDocument {
    /// The document's version, in one count with the changes'.
    pub version: Version,
    /// Its entries.
    #[serde(default)]
    pub entries: LiveEntries,
}

/// The content of the changes since a live set was signed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangesDocument {
    /// The document's version.
    pub version: Version,
    /// The [`hash`] of the signed policy in force.
    pub policy: String,
    /// The [`hash`] of the signed live set that it belongs to.
    pub live: String,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// When it stops counting, for a bundle inside the plugin configuration, which nobody renews.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Entries that come to those of the live set, or take the place of one of the same session, person or elevation.
    #[serde(default)]
    pub entries: LiveEntries,
}

/// Who has lost access before the time, and who has gained it for a while.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LiveEntries {
    /// Sessions that have ended before their time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sessions: Vec<RevokedSession>,
    /// People whose older tokens do not count any more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<NotBefore>,
    /// Elevations; those that have ended stay for a while, so that people can be told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elevations: Vec<Elevation>,
}

/// A session that has ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedSession {
    /// The session.
    pub sid: SessionId,
    /// When the last token or stream that it can concern has ended, so that the entry may go.
    pub until: Timestamp,
}

/// A person whose tokens minted before an instant do not count any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotBefore {
    /// The person.
    pub person: PersonId,
    /// Tokens minted before this are refused.
    pub not_before: Timestamp,
    /// When the last token or stream that it can concern has ended, so that the entry may go.
    pub until: Timestamp,
}

/// A grant of extra groups for a while: to one person, on one cluster, as if the identity provider had given them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elevation {
    /// Its id.
    pub id: ElevationId,
    /// Whose groups grow.
    pub person: PersonId,
    /// Where.
    pub cluster: ClusterName,
    /// The extra groups.
    pub groups: Vec<String>,
    /// When it ends, or has ended.
    pub until: Timestamp,
    /// Whether somebody has ended it. It is over then by every gateway's clock, also one that is behind.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
}

impl Elevation {
    /// Whether it has not ended.
    #[must_use]
    pub fn lasts(&self, now: Timestamp) -> bool {
        !self.ended && now < self.until
    }
}

/// Why a document is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBundle {
    /// It is not made of the documents that it should be made of.
    #[error("it is not a bundle")]
    Malformed,
    /// The policy is no genuine document.
    #[error("the policy document is refused: {0}")]
    Policy(#[source] InvalidJws),
    /// The live set is no genuine document.
    #[error("the live set is refused: {0}")]
    Live(#[source] InvalidJws),
    /// The changes are no genuine document.
    #[error("the changes to the live set are refused: {0}")]
    Changes(#[source] InvalidJws),
    /// The policy is another control plane's.
    #[error("the policy document is for the issuer {0:?}, not ours")]
    Issuer(String),
    /// The policy contradicts itself.
    #[error("the policy document is refused: {0}")]
    Content(#[from] InvalidPolicy),
    /// A token key in it is not one.
    #[error("the policy document is refused: {0}")]
    Key(#[from] InvalidKey),
    /// A key is to verify two types of token.
    #[error("the policy document is refused: the key {0:?} is for two types of token")]
    SharedKey(KeyId),
    /// A part that the policy names is neither here nor in force.
    #[error("the policy's part {0} is missing")]
    MissingPart(String),
    /// A part does not hold rules that this filter understands.
    #[error("the policy's part {0} does not hold rules that are understood here")]
    Part(String),
    /// The policy's parts are more than may be.
    #[error("the policy is longer than {MAX_POLICY} bytes")]
    TooLarge,
    /// It is older than what is in force, or another document of the same version.
    #[error("version {offered} does not come after {held}, which is in force")]
    NotNewer {
        /// What was offered.
        offered: Version,
        /// What is in force.
        held: Version,
    },
    /// The changes belong to another policy.
    #[error("the changes belong to another policy than the one in force")]
    OtherPolicy,
    /// The changes belong to another live set.
    #[error("the changes belong to another live set than the one in force")]
    OtherLive,
    /// The live set holds more than may be.
    #[error("the live set has more than {MAX_ENTRIES} entries of a kind")]
    TooManyEntries,
    /// An elevation's groups cannot be handed to an API server.
    #[error("the elevation {id:?} is refused: a group {problem}")]
    Elevation {
        /// Which.
        id: String,
        /// What is wrong with the group.
        problem: InvalidName,
    },
    /// A document is missing, here and there.
    #[error("it has no changes, or there is no policy or no live set in force that they go with")]
    Incomplete,
}

/// The name by which one document refers to another: the SHA-256 of the text, in lower-case hexadecimal.
#[must_use]
pub fn hash(document: &str) -> String {
    use std::fmt::Write as _;
    sha2::Sha256::digest(document.as_bytes()).iter().fold(String::with_capacity(64), |mut hash, byte| {
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}

/// A verified policy, ready to decide.
pub struct PolicyInForce {
    /// The compiled policy.
    pub policy: Policy,
    /// The keys that session tokens are verified with.
    token_keys: Keys,
    /// The keys that tokens for pomerium-cli are verified with.
    pomerium_keys: Keys,
    /// The clusters that take those.
    pomerium_clusters: HashSet<ClusterName>,
    /// The document's version.
    pub version: Version,
    /// The document's hash.
    pub hash: String,
    /// The parts, by their hashes.
    parts: HashMap<String, Part>,
}

#[derive(Clone)]
struct Part {
    length: usize,
    rules: Vec<Arc<Rule>>,
}

impl PolicyInForce {
    /// Verifies and compiles a policy. Its parts come from `offered`, or from what is in force before it, which saves
    /// reading them again.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn open(
        document: &str,
        offered: &[&str],
        before: Option<&Self>,
        bundle_keys: &Keys,
        issuer: &str,
    ) -> Result<Self, InvalidBundle> {
        let content = read_policy(document, bundle_keys)?;
        if content.issuer != issuer {
            return Err(InvalidBundle::Issuer(content.issuer));
        }
        let offered: HashMap<String, &str> = offered.iter().map(|part| (hash(part), *part)).collect();
        let mut parts = HashMap::with_capacity(content.parts.len());
        let (mut rules, mut length) = (Vec::new(), document.len());
        for name in content.parts {
            let part = match (before.and_then(|before| before.parts.get(&name)), offered.get(&name)) {
                (Some(held), _) => held.clone(),
                (None, Some(text)) => {
                    let rules = parts::read(text).ok_or_else(|| InvalidBundle::Part(name.clone()))?;
                    Part { length: text.len(), rules }
                }
                (None, None) => return Err(InvalidBundle::MissingPart(name)),
            };
            length = length.saturating_add(part.length);
            if length > MAX_POLICY {
                return Err(InvalidBundle::TooLarge);
            }
            rules.extend_from_slice(&part.rules);
            parts.insert(name, part);
        }
        let token_keys = Keys::new(&content.keys)?;
        let (pomerium_keys, pomerium_clusters) = match content.pomerium {
            Some(PomeriumTokens { keys, clusters }) => {
                if let Some(shared) = keys.iter().find(|key| token_keys.contains(key.kid())) {
                    return Err(InvalidBundle::SharedKey(shared.kid().clone()));
                }
                (Keys::new(&keys)?, clusters.into_iter().collect())
            }
            None => (Keys::default(), HashSet::new()),
        };
        let policy = Policy::compile(content.clusters, rules)?;
        let (version, hash) = (content.version, hash(document));
        Ok(Self { policy, token_keys, pomerium_keys, pomerium_clusters, version, hash, parts })
    }

    /// The keys that tokens of this kind are verified with.
    #[must_use]
    pub fn token_keys(&self, kind: TokenKind) -> &Keys {
        match kind {
            TokenKind::Session => &self.token_keys,
            TokenKind::Pomerium => &self.pomerium_keys,
        }
    }

    /// Whether a cluster takes tokens of this kind.
    #[must_use]
    pub fn takes(&self, kind: TokenKind, cluster: &ClusterName) -> bool {
        kind == TokenKind::Session || self.pomerium_clusters.contains(cluster)
    }

    /// The hashes of its parts.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.parts.keys().map(String::as_str)
    }

    /// The parts that a newer policy names and this one does not have.
    ///
    /// # Errors
    /// When `document` is no genuine policy.
    pub fn missing_parts(
        before: Option<&Self>,
        document: &str,
        bundle_keys: &Keys,
    ) -> Result<Vec<String>, InvalidBundle> {
        let has = |name: &String| before.is_some_and(|before| before.parts.contains_key(name));
        let content = read_policy(document, bundle_keys)?;
        Ok(content.parts.into_iter().filter(|name| !has(name)).collect())
    }
}

fn read_policy(document: &str, bundle_keys: &Keys) -> Result<PolicyDocument, InvalidBundle> {
    let (content, _) = jws::verify(document, POLICY_TYPE, bundle_keys, MAX_POLICY).map_err(InvalidBundle::Policy)?;
    Ok(content)
}

/// Verifies a live set.
///
/// # Errors
/// Why it is refused.
pub fn open_live(document: &str, bundle_keys: &Keys) -> Result<LiveDocument, InvalidBundle> {
    let (content, _): (LiveDocument, _) =
        jws::verify(document, LIVE_TYPE, bundle_keys, MAX_LIVE).map_err(InvalidBundle::Live)?;
    content.entries.check()?;
    Ok(content)
}

/// Verifies changes, and that they belong to the policy and to the live set with these hashes.
///
/// # Errors
/// Why they are refused.
pub fn open_changes(
    document: &str,
    bundle_keys: &Keys,
    policy: &str,
    live: &str,
) -> Result<ChangesDocument, InvalidBundle> {
    let (content, _): (ChangesDocument, _) =
        jws::verify(document, CHANGES_TYPE, bundle_keys, MAX_LIVE).map_err(InvalidBundle::Changes)?;
    if content.policy != policy {
        return Err(InvalidBundle::OtherPolicy);
    }
    if content.live != live {
        return Err(InvalidBundle::OtherLive);
    }
    content.entries.check()?;
    Ok(content)
}

impl LiveEntries {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sessions.len().saturating_add(self.people.len()).saturating_add(self.elevations.len())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn check(&self) -> Result<(), InvalidBundle> {
        if [self.sessions.len(), self.people.len(), self.elevations.len()].iter().any(|count| *count > MAX_ENTRIES) {
            return Err(InvalidBundle::TooManyEntries);
        }
        for elevation in &self.elevations {
            let refuse = |problem| InvalidBundle::Elevation { id: elevation.id.to_string(), problem };
            if elevation.groups.len() > MAX_ELEVATED_GROUPS {
                return Err(InvalidBundle::TooManyEntries);
            }
            elevation.groups.iter().try_for_each(|group| identity_name::check(group)).map_err(refuse)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
