//! How long a policy may be, so that gateways can take it.
//!
//! Envoy takes an answer of 32 MiB (`http.async_response_buffer_limit` in its runtime). A gateway that starts gets the
//! policy, the live set and the changes in one, so the policy leaves room for the others.

use kubegate_core::bundle::{self, PolicyDocument, PomeriumTokens, Version};

use super::bundle::Part;
use super::signer::PublishError;
use super::source::Authored;

/// The longest policy, in bytes on its way to a gateway: what is left of 32 MiB when 100,000 sessions are revoked.
pub(super) const MAX: usize = 24 << 20;

/// What it takes besides rules and clusters, in bytes: token keys, signature, and the words between.
const BESIDES: usize = 16 << 10;

/// What a policy says to gateways, but for its version, the token keys, and where tokens of pomerium-cli are taken, which
/// is reckoned as everywhere; and the parts that it names.
///
/// # Errors
/// When it is longer than gateways take.
pub(super) fn measured(issuer: &str, authored: &Authored) -> Result<(PolicyDocument, Vec<Part>), PublishError> {
    let parts: Vec<Part> = bundle::split(&authored.rules)?.into_iter().map(Part::from).collect();
    let content = PolicyDocument {
        issuer: issuer.to_owned(),
        version: Version::default(),
        keys: Vec::new(),
        clusters: authored.clusters.clone(),
        parts: parts.iter().map(|part| part.hash.clone()).collect(),
        pomerium: Some(PomeriumTokens {
            keys: Vec::new(),
            clusters: authored.clusters.iter().map(|cluster| cluster.name.clone()).collect(),
        }),
    };
    let document = serde_json::to_vec(&content)?.len();
    // In a signed document, three bytes are four characters.
    let document = document.saturating_mul(4).div_ceil(3).saturating_add(BESIDES);
    let lines = parts.iter().map(|part| part.text.len().saturating_add("part \n".len()));
    let length = lines.fold(document, usize::saturating_add);
    if length > MAX { Err(PublishError::TooLong { length }) } else { Ok((content, parts)) }
}

/// Whether gateways can take a policy.
///
/// # Errors
/// When it is longer than they take.
pub fn check_size(issuer: &str, authored: &Authored) -> Result<(), PublishError> {
    measured(issuer, authored).map(drop)
}
