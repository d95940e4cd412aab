//! What an `OpenID` Connect provider has of its own.

use kubegate_core::document::{Fields, Node};
use url::Url;

use super::super::issuer::is_loopback;
use super::refuse;

/// An `OpenID` Connect provider.
#[derive(Clone, Debug)]
pub struct Oidc {
    /// Its issuer, exactly as its discovery document says it.
    pub issuer: String,
}

const REMEDY: &str = "copy `issuer` from the provider's /.well-known/openid-configuration";

pub(super) fn read(fields: &Fields<'_>) -> Option<Oidc> {
    refuse(fields, &["url", "apiUrl", "organizations"], "leave it out, or write `type: github`");
    let node = fields.require("issuer")?;
    url(&node, REMEDY)?;
    Some(Oidc { issuer: node.text()?.to_owned() })
}

/// The scopes that are asked for when none are named.
pub(super) fn scopes() -> Vec<String> {
    ["email", "profile"].map(str::to_owned).to_vec()
}

/// A URL that secrets may be sent to.
pub(super) fn url(node: &Node<'_>, remedy: &str) -> Option<Url> {
    let text = node.non_empty_text()?;
    let Ok(url) = Url::parse(text) else {
        node.report(format!("{text:?} is not a URL"), remedy);
        return None;
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
        node.report(format!("{text:?} is not on https"), "use https; http is for loopback addresses only");
        return None;
    }
    if url.query().is_some() || url.fragment().is_some() {
        node.report(format!("{text:?} has a query or fragment"), remedy);
        return None;
    }
    Some(url)
}
