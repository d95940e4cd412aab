//! `gateways`: who may ask for the bundle.

use kubegate_core::document::Node;
use kubegate_core::secret::Secret;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Surroundings, each};

/// A gateway that may ask for the bundle.
#[derive(Clone, PartialEq, Eq)]
pub struct Gateway {
    /// What metrics call it.
    pub name: String,
    digest: [u8; 32],
}

impl Gateway {
    /// Whether `credential` is this gateway's.
    #[must_use]
    pub fn is_shown_by(&self, credential: &Secret) -> bool {
        digest_of(credential).ct_eq(&self.digest).into()
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The SHA-256 of a credential. Credentials are random, so a plain hash is enough.
#[must_use]
pub fn digest_of(credential: &Secret) -> [u8; 32] {
    Sha256::digest(credential.expose().as_bytes()).into()
}

/// The shortest credential: anything shorter is not random enough for a plain hash.
const SHORTEST: usize = 32;

/// Where a credential comes from.
const REMEDY: &str = "use what `kubegate-control-plane gateway-credential NAME` prints";

/// The fields of this section.
const FIELDS: [&str; 3] = ["name", "credentialSha256", "credentialFile"];

/// Reads `gateways`.
pub(super) fn read(node: &Node<'_>, surroundings: &Surroundings<'_>) -> Option<Vec<Gateway>> {
    let mut names = Vec::new();
    let gateways = each(node, |node| {
        let gateway = one(node, surroundings)?;
        if names.contains(&gateway.name) {
            node.report(format!("there are two gateways named {:?}", gateway.name), "give each its own name");
            return None;
        }
        names.push(gateway.name.clone());
        Some(gateway)
    })?;
    if gateways.is_empty() {
        node.report(
            "is empty, so no gateway can get the policy",
            "add one; `kubegate-control-plane gateway-credential NAME` makes its credential",
        );
        return None;
    }
    Some(gateways)
}

fn one(node: &Node<'_>, surroundings: &Surroundings<'_>) -> Option<Gateway> {
    let fields = node.fields(&FIELDS)?;
    let name = fields.require("name").and_then(|node| Some(node.non_empty_text()?.to_owned()));
    let digest = match (fields.get("credentialSha256"), fields.get("credentialFile")) {
        (Some(node), None) => from_hex(&node, REMEDY),
        (None, Some(node)) => from_file(&node, REMEDY, surroundings),
        (None, None) => {
            node.report(
                "has no credential",
                "add credentialSha256 or credentialFile; `kubegate-control-plane gateway-credential NAME` makes one",
            );
            None
        }
        (Some(_), Some(node)) => {
            node.report("stands beside credentialSha256", "keep one of the two");
            None
        }
    };
    Some(Gateway { name: name?, digest: digest? })
}

/// The SHA-256 of a credential, as it stands in the configuration; `remedy` says how one is made.
pub(super) fn from_hex(node: &Node<'_>, remedy: &str) -> Option<[u8; 32]> {
    let text = node.text()?;
    let digit = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    let plain = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let bytes: Option<Vec<u8>> = plain.then(|| (0..64).step_by(2).map(digit).collect()).flatten();
    let digest = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    if digest.is_none() {
        node.report("is not a SHA-256 in hexadecimal (64 digits)", remedy);
    }
    digest
}

/// The SHA-256 of the credential in a file.
pub(super) fn from_file(node: &Node<'_>, remedy: &str, surroundings: &Surroundings<'_>) -> Option<[u8; 32]> {
    let credential = Secret::from(surroundings.content(node)?);
    let trimmed = Secret::from(credential.expose().trim());
    if trimmed.expose().len() < SHORTEST {
        node.report(format!("the file holds fewer than {SHORTEST} characters"), remedy);
        return None;
    }
    Some(digest_of(&trimmed))
}
