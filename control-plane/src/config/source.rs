//! What identity providers and issuers of workloads' tokens have in common: an id, prefixes, and certificate authorities.

use kubegate_core::document::Node;
use kubegate_core::token::SERVICE_ACCOUNTS;

use super::Surroundings;
use crate::accounts;

/// An id, which is part of every person's.
pub(super) fn id(node: &Node<'_>) -> Option<String> {
    let id = node.non_empty_text()?;
    let plain = id.len() <= 32
        && id.starts_with(|c: char| c.is_ascii_lowercase())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !plain {
        node.report(format!("{id:?} is not an id"), "use a-z, 0-9 and -, beginning with a letter, at most 32 of them");
        return None;
    }
    if id == accounts::PROVIDER {
        node.report(format!("{id:?} is the id of the built-in accounts"), "choose another");
        return None;
    }
    if id == SERVICE_ACCOUNTS {
        node.report(format!("{id:?} is the id of service accounts"), "choose another");
        return None;
    }
    Some(id.to_owned())
}

/// What is put before names; it may be empty.
pub(super) fn prefix(node: &Node<'_>) -> Option<String> {
    let prefix = node.text()?;
    if prefix.to_ascii_lowercase().starts_with("system:")
        || !prefix.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b',')
    {
        node.report(format!("{prefix:?} cannot begin a name"), "use ASCII without blanks and commas, not system:");
        return None;
    }
    Some(prefix.to_owned())
}

/// Certificate authorities (PEM) to check `whose` with, besides the system's.
pub(super) fn certificates(node: &Node<'_>, surroundings: &Surroundings<'_>, whose: &str) -> Option<String> {
    let pem = surroundings.content(node)?;
    let found =
        reqwest::Certificate::from_pem_bundle(pem.as_bytes()).is_ok_and(|certificates| !certificates.is_empty());
    if !found {
        let remedy = format!("put the {whose}'s certificate authority there");
        node.report("the file holds no certificate in PEM form", remedy);
        return None;
    }
    Some(pem)
}
