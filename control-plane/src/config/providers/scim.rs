//! `providers[].scim`: people and groups that a provider pushes (SCIM 2.0, RFC 7644).

use kubegate_core::document::{Fields, Node};
use kubegate_core::secret::Secret;
use subtle::ConstantTimeEq;

use super::super::{Surroundings, digest_of};

/// What a provider pushes, and how it is linked to its sign-ins.
#[derive(Clone)]
pub struct Scim {
    tokens: Vec<[u8; 32]>,
    /// Which pushed user a sign-in means.
    pub link: Link,
    /// Whether only people may sign in whom the provider has pushed.
    pub required: bool,
}

/// The attribute of a pushed user that equals a claim of the same person's sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The attribute.
    pub attribute: LinkAttribute,
    /// The claim, or a path to it.
    pub claim: String,
}

/// An attribute that may link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkAttribute {
    /// The provider's own id of the user; upper and lower case differ.
    ExternalId,
    /// The user name; upper and lower case are the same.
    UserName,
    /// The primary e-mail address; upper and lower case are the same.
    Emails,
}

impl LinkAttribute {
    const ALL: [Self; 3] = [Self::ExternalId, Self::UserName, Self::Emails];

    /// The attribute's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExternalId => "externalId",
            Self::UserName => "userName",
            Self::Emails => "emails",
        }
    }
}

impl Scim {
    /// Whether `token` is one of those that the provider may show. All are compared, whichever it is.
    #[must_use]
    pub fn is_shown(&self, token: &Secret) -> bool {
        let digest = digest_of(token);
        self.tokens.iter().fold(false, |found, known| found | bool::from(digest.ct_eq(known)))
    }
}

impl std::fmt::Debug for Scim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scim").field("link", &self.link).field("required", &self.required).finish_non_exhaustive()
    }
}

/// The shortest token: anything shorter is not random enough for a plain hash.
const SHORTEST: usize = 32;

/// How many tokens count at a time: one, and more while they are changed.
const MOST: usize = 4;

/// The fields of this section.
const FIELDS: [&str; 3] = ["tokenFile", "link", "required"];

/// The fields of `link`.
const LINK: [&str; 2] = ["attribute", "claim"];

/// Reads `scim`.
///
/// `Some(None)` when there is none, `None` when something is wrong.
#[expect(clippy::option_option, reason = "absent and wrong are two things")]
pub(super) fn read(fields: &Fields<'_>, surroundings: &Surroundings<'_>) -> Option<Option<Scim>> {
    let Some(node) = fields.get("scim") else {
        return Some(None);
    };
    let fields = node.fields(&FIELDS)?;
    let tokens = fields.require("tokenFile").and_then(|node| tokens(&node, surroundings));
    let link = fields.require("link").and_then(|node| link(&node.fields(&LINK)?));
    let required = fields.get("required").map_or(Some(true), |node| node.boolean());
    Some(Some(Scim { tokens: tokens?, link: link?, required: required? }))
}

fn link(fields: &Fields<'_>) -> Option<Link> {
    let attribute = fields.require("attribute").and_then(|node| {
        let text = node.text()?;
        let known = LinkAttribute::ALL.into_iter().find(|known| known.as_str() == text);
        if known.is_none() {
            node.report(format!("{text:?} cannot link"), "write externalId, userName or emails");
        }
        known
    });
    let claim = fields.require("claim").and_then(|node| Some(node.non_empty_text()?.to_owned()));
    Some(Link { attribute: attribute?, claim: claim? })
}

fn tokens(node: &Node<'_>, surroundings: &Surroundings<'_>) -> Option<Vec<[u8; 32]>> {
    let content = Secret::from(surroundings.content(node)?);
    let lines: Vec<Secret> =
        content.expose().lines().map(str::trim).filter(|line| !line.is_empty()).map(Secret::from).collect();
    let wrong = match lines.len() {
        0 => Some("the file is empty".to_owned()),
        count if count > MOST => Some(format!("the file holds more than {MOST} tokens")),
        _ if lines.iter().any(|token| token.expose().len() < SHORTEST) => {
            Some(format!("the file holds a token of fewer than {SHORTEST} characters"))
        }
        _ => None,
    };
    if let Some(wrong) = wrong {
        node.report(wrong, "put a random token there, one a line; `openssl rand -hex 32` makes one");
        return None;
    }
    Some(lines.iter().map(digest_of).collect())
}
