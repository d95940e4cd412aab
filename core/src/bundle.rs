//! What the filter needs, as two signed documents.
//!
//! ```text
//!  policy    clusters, rules, token keys                 large, changes rarely
//!     ▲
//!     │ bound by the SHA-256 of the signed policy
//!  live set  revocations                                 small, changes often, signed anew every half minute
//! ```
//!
//! Both carry a version (epoch, counter). The age of the live set is the proof that the filter is not being kept from
//! the truth. Neither may hold what a filter does not know: a restriction that it would overlook must not widen access,
//! so an older filter keeps the last bundle that it understands.

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::id::{PersonId, SessionId};
use crate::jws::{self, InvalidJws, InvalidKey, Keys, PublicKey};
use crate::policy::{InvalidPolicy, Policy};
use crate::rule::{Cluster, Rule};
use crate::time::Timestamp;

/// The `typ` of the policy document.
pub const POLICY_TYPE: &str = "kubegate-policy+jws";

/// The `typ` of the live set.
pub const LIVE_TYPE: &str = "kubegate-live+jws";

/// The longest policy document, in characters.
pub const MAX_POLICY: usize = 64 << 20;

/// The longest live set, in characters.
pub const MAX_LIVE: usize = 16 << 20;

/// The most sessions and people that a live set can revoke.
pub const MAX_REVOCATIONS: usize = 100_000;

/// A document's version. An operator starts a new epoch after restoring the store from a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// Counts restored backups.
    pub epoch: u64,
    /// Counts changes within the epoch.
    pub counter: u64,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.epoch, self.counter)
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
    /// The rules.
    pub rules: Vec<Rule>,
}

/// The live set's content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveDocument {
    /// The document's version.
    pub version: Version,
    /// The SHA-256 of the signed policy that it belongs to, in lower-case hexadecimal.
    pub policy: String,
    /// When it was signed.
    pub issued_at: Timestamp,
    /// When it stops counting, for a bundle that nobody renews; otherwise the filter's own limit of staleness holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Sessions that have ended before their time.
    #[serde(default)]
    pub sessions: Vec<RevokedSession>,
    /// People whose older tokens do not count any more.
    #[serde(default)]
    pub people: Vec<NotBefore>,
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

/// Why a document is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBundle {
    /// The policy is no genuine document.
    #[error("the policy document is refused: {0}")]
    Policy(#[source] InvalidJws),
    /// The live set is no genuine document.
    #[error("the live set is refused: {0}")]
    Live(#[source] InvalidJws),
    /// The policy is another control plane's.
    #[error("the policy document is for the issuer {0:?}, not ours")]
    Issuer(String),
    /// The policy contradicts itself.
    #[error("the policy document is refused: {0}")]
    Content(#[from] InvalidPolicy),
    /// A token key in it is not one.
    #[error("the policy document is refused: {0}")]
    Key(#[from] InvalidKey),
    /// It is older than what is in force, or another document of the same version.
    #[error("version {offered} does not come after {held}, which is in force")]
    NotNewer {
        /// What was offered.
        offered: Version,
        /// What is in force.
        held: Version,
    },
    /// The live set belongs to another policy.
    #[error("the live set belongs to another policy than the one in force")]
    OtherPolicy,
    /// The live set holds more than may be.
    #[error("the live set has more than {MAX_REVOCATIONS} entries")]
    TooManyRevocations,
    /// There is a live set and no policy to go with it.
    #[error("there is no policy in force for the live set")]
    NoPolicy,
}

/// The name by which a live set refers to a policy: SHA-256 of the signed document, lower-case hexadecimal.
#[must_use]
pub fn policy_hash(document: &str) -> String {
    use std::fmt::Write as _;
    sha2::Sha256::digest(document.as_bytes()).iter().fold(String::with_capacity(64), |mut hash, byte| {
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}

/// A verified policy document, ready to decide.
pub struct PolicyInForce {
    /// The compiled policy.
    pub policy: Policy,
    /// The keys that session tokens are verified with.
    pub token_keys: Keys,
    /// The document's version.
    pub version: Version,
    /// The document's hash.
    pub hash: String,
}

impl PolicyInForce {
    /// Verifies and compiles a policy document.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn open(document: &str, bundle_keys: &Keys, issuer: &str) -> Result<Self, InvalidBundle> {
        let (content, _): (PolicyDocument, _) =
            jws::verify(document, POLICY_TYPE, bundle_keys, MAX_POLICY).map_err(InvalidBundle::Policy)?;
        if content.issuer != issuer {
            return Err(InvalidBundle::Issuer(content.issuer));
        }
        let token_keys = Keys::new(&content.keys)?;
        let policy = Policy::compile(content.clusters, content.rules)?;
        Ok(Self { policy, token_keys, version: content.version, hash: policy_hash(document) })
    }
}

/// Verifies a live set and that it belongs to the policy with the hash `policy`.
///
/// # Errors
/// Why it is refused.
pub fn open_live(document: &str, bundle_keys: &Keys, policy: &str) -> Result<LiveDocument, InvalidBundle> {
    let (content, _): (LiveDocument, _) =
        jws::verify(document, LIVE_TYPE, bundle_keys, MAX_LIVE).map_err(InvalidBundle::Live)?;
    if content.policy != policy {
        return Err(InvalidBundle::OtherPolicy);
    }
    if content.sessions.len() > MAX_REVOCATIONS || content.people.len() > MAX_REVOCATIONS {
        return Err(InvalidBundle::TooManyRevocations);
    }
    Ok(content)
}
