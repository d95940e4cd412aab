//! How the documents travel together.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

#[cfg(feature = "signing")]
use super::{
    CHANGES_TYPE, ChangesDocument, LIVE_TYPE, LiveDocument, LiveEntries, POLICY_TYPE, PolicyDocument, hash, split,
};
use super::{InvalidBundle, Version};
#[cfg(feature = "signing")]
use crate::jws::SigningKey;
#[cfg(feature = "signing")]
use crate::rule::Rule;

/// The documents that somebody lacks of a bundle.
///
/// As text, each stands on a line of its own behind the word for its kind:
///
/// ```text
/// policy <JWS>
/// part <JSON>
/// live <JWS>
/// changes <JWS>
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Documents<'a> {
    /// The signed policy.
    pub policy: Option<&'a str>,
    /// Parts that it names.
    pub parts: Vec<&'a str>,
    /// The signed live set.
    pub live: Option<&'a str>,
    /// The signed changes since then.
    pub changes: Option<&'a str>,
}

impl<'a> Documents<'a> {
    /// Reads them.
    ///
    /// # Errors
    /// When a line is of no known kind, or a document stands twice that there is one of.
    pub fn parse(text: &'a str) -> Result<Self, InvalidBundle> {
        let mut documents = Self::default();
        for line in text.lines() {
            let (kind, document) = line.split_once(' ').ok_or(InvalidBundle::Malformed)?;
            let slot = match kind {
                "policy" => &mut documents.policy,
                "live" => &mut documents.live,
                "changes" => &mut documents.changes,
                "part" => {
                    documents.parts.push(document);
                    continue;
                }
                _ => return Err(InvalidBundle::Malformed),
            };
            if slot.replace(document).is_some() {
                return Err(InvalidBundle::Malformed);
            }
        }
        Ok(documents)
    }
}

impl Display for Documents<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.policy.iter().try_for_each(|document| writeln!(f, "policy {document}"))?;
        self.parts.iter().try_for_each(|document| writeln!(f, "part {document}"))?;
        self.live.iter().try_for_each(|document| writeln!(f, "live {document}"))?;
        self.changes.iter().try_for_each(|document| writeln!(f, "changes {document}"))
    }
}

/// A whole bundle, for a plugin configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WholeBundle {
    /// The signed policy.
    pub policy: String,
    /// Its parts.
    pub parts: Vec<String>,
    /// The signed live set.
    pub live: String,
    /// The signed changes since then.
    pub changes: String,
}

impl WholeBundle {
    /// Signs a policy with these rules, a live set with these entries, and changes: what they say of each other is
    /// filled in.
    ///
    /// # Errors
    /// When a document cannot be written or signed.
    #[cfg(feature = "signing")]
    pub fn sign(
        key: &SigningKey,
        policy: PolicyDocument,
        rules: &[Rule],
        entries: LiveEntries,
        changes: ChangesDocument,
    ) -> Result<Self, jsonwebtoken::errors::Error> {
        let parts = split(rules)?;
        let policy = PolicyDocument { parts: parts.iter().map(|part| hash(part)).collect(), ..policy };
        let policy = key.sign(POLICY_TYPE, &policy)?;
        let live = key.sign(LIVE_TYPE, &LiveDocument { version: changes.version, entries })?;
        let changes = ChangesDocument { policy: hash(&policy), live: hash(&live), ..changes };
        let changes = key.sign(CHANGES_TYPE, &changes)?;
        Ok(Self { policy, parts, live, changes })
    }

    /// Its documents.
    #[must_use]
    pub fn documents(&self) -> Documents<'_> {
        let parts = self.parts.iter().map(String::as_str).collect();
        Documents { policy: Some(&self.policy), parts, live: Some(&self.live), changes: Some(&self.changes) }
    }
}

/// Which documents somebody has: the bundle's entity tag (RFC 9110 section 8.8.3), without the quotes.
///
/// As text: `<hash of the policy>/<version of the live set>/<version of the changes>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// The policy's hash.
    pub policy: String,
    /// The live set's version.
    pub live: Version,
    /// The version of the changes.
    pub changes: Version,
}

impl Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.policy, self.live, self.changes)
    }
}

impl FromStr for Tag {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '/');
        let mut next = || parts.next().ok_or(());
        Ok(Self { policy: next()?.to_owned(), live: next()?.parse()?, changes: next()?.parse()? })
    }
}
