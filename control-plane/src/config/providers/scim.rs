//! `scim`: how a directory tells of a provider's people and groups (RFC 7643, RFC 7644).

use kubegate_core::document::{Fields, Node};
use kubegate_core::secret::Secret;
use subtle::ConstantTimeEq;

use super::super::{Surroundings, gateways};

/// How a directory tells of a provider's people.
#[derive(Clone, PartialEq, Eq)]
pub struct Scim {
    /// The attribute of a SCIM user that says which sign-ins are this user's.
    pub attribute: ScimAttribute,
    /// The claim of a sign-in that holds the same.
    pub claim: String,
    digest: [u8; 32],
}

/// An attribute that links a SCIM user to sign-ins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimAttribute {
    /// `userName`.
    UserName,
    /// `externalId`.
    ExternalId,
    /// The primary address of `emails`.
    Email,
}

impl Scim {
    /// Whether `token` is the one that the directory shows.
    #[must_use]
    pub fn is_shown_by(&self, token: &Secret) -> bool {
        gateways::digest_of(token).ct_eq(&self.digest).into()
    }
}

impl std::fmt::Debug for Scim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scim").field("attribute", &self.attribute).field("claim", &self.claim).finish_non_exhaustive()
    }
}

/// The fields of this section.
const FIELDS: [&str; 4] = ["tokenSha256", "tokenFile", "attribute", "claim"];

const REMEDY: &str = "make a token with `kubegate-control-plane gateway-credential scim`, which prints its SHA-256 too";

/// `Some(None)` when there is none, `None` when something is wrong.
#[expect(clippy::option_option, reason = "absent and wrong are two things")]
pub(super) fn read(fields: &Fields<'_>, surroundings: &Surroundings<'_>) -> Option<Option<Scim>> {
    let Some(node) = fields.get("scim") else {
        return Some(None);
    };
    let fields = node.fields(&FIELDS)?;
    let digest = match (fields.get("tokenSha256"), fields.get("tokenFile")) {
        (Some(node), None) => gateways::from_hex(&node, REMEDY),
        (None, Some(node)) => gateways::from_file(&node, REMEDY, surroundings),
        (None, None) => {
            node.report("has no token", format!("add tokenSha256 or tokenFile; {REMEDY}"));
            None
        }
        (Some(_), Some(node)) => {
            node.report("stands beside tokenSha256", "keep one of the two");
            None
        }
    };
    let attribute = fields.get("attribute").map_or(Some(ScimAttribute::UserName), |node| attribute(&node));
    let claim = match fields.get("claim") {
        Some(node) => node.non_empty_text().map(str::to_owned),
        None => attribute.map(default_claim),
    };
    Some(Some(Scim { attribute: attribute?, claim: claim?, digest: digest? }))
}

fn attribute(node: &Node<'_>) -> Option<ScimAttribute> {
    match node.text()? {
        "userName" => Some(ScimAttribute::UserName),
        "externalId" => Some(ScimAttribute::ExternalId),
        "email" => Some(ScimAttribute::Email),
        _ => {
            node.report("is not an attribute that links", "write userName, externalId or email");
            None
        }
    }
}

fn default_claim(attribute: ScimAttribute) -> String {
    match attribute {
        ScimAttribute::UserName => "preferred_username",
        ScimAttribute::ExternalId => "sub",
        ScimAttribute::Email => "email",
    }
    .to_owned()
}
