//! `providers`: the identity providers that people sign in with.

use kubegate_core::document::{Fields, Node};
use kubegate_core::secret::Secret;
use url::Url;

use super::issuer::is_loopback;
use super::{Surroundings, each};
use crate::accounts;

/// An `OpenID` Connect provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its id: part of every person's id, so it never changes.
    pub id: String,
    /// What people know it as.
    pub name: String,
    /// Its issuer, exactly as its discovery document says it.
    pub issuer: String,
    /// Our client id there.
    pub client_id: String,
    /// Our client secret there; `None` of a public client.
    pub client_secret: Option<Secret>,
    /// The scopes to ask for.
    pub scopes: Vec<String>,
    /// Which claims say what.
    pub claims: ClaimNames,
    /// What is put before every user name.
    pub user_prefix: String,
    /// What is put before every group.
    pub group_prefix: String,
    /// The domains of e-mail addresses that count without being verified.
    pub trust_email: Vec<String>,
    /// The certificate authorities (PEM) to check it with, besides the system's.
    pub certificate_authority: Option<String>,
    /// Further parameters of the authorization request.
    pub extra_parameters: Vec<(String, String)>,
    /// Whether people who signed in here may allow a machine without a browser to act for them (the device flow).
    pub device_flow: bool,
}

/// Which claims say what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimNames {
    /// The user name.
    pub user: String,
    /// The groups.
    pub groups: String,
    /// The uid; `None` for none.
    pub uid: Option<String>,
}

/// The fields of a provider.
const FIELDS: [&str; 14] = [
    "id",
    "type",
    "name",
    "issuer",
    "clientId",
    "clientSecretFile",
    "scopes",
    "claims",
    "userPrefix",
    "groupPrefix",
    "trustEmail",
    "certificateAuthority",
    "extraParameters",
    "deviceFlow",
];

/// The fields of `claims`.
const CLAIMS: [&str; 3] = ["user", "groups", "uid"];

/// Parameters that are ours to set.
const RESERVED_PARAMETERS: [&str; 9] = [
    "response_type",
    "response_mode",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
];

/// Reads `providers`.
pub(super) fn read(node: &Node<'_>, surroundings: &Surroundings<'_>) -> Option<Vec<Provider>> {
    let mut ids = Vec::new();
    each(node, |node| {
        let provider = one(node, surroundings)?;
        if ids.contains(&provider.id) {
            node.report(format!("there are two providers with the id {:?}", provider.id), "give each its own id");
            return None;
        }
        ids.push(provider.id.clone());
        Some(provider)
    })
}

fn one(node: &Node<'_>, surroundings: &Surroundings<'_>) -> Option<Provider> {
    let fields = node.fields(&FIELDS)?;
    let id = fields.require("id").and_then(|node| id(&node));
    let kind = fields.get("type").map_or(Some(()), |node| {
        (node.text()? == "oidc").then_some(()).or_else(|| {
            node.report("is not a type of provider", "write oidc");
            None
        })
    });
    let issuer = fields.require("issuer").and_then(|node| issuer(&node));
    let client_id = fields.require("clientId").and_then(|node| Some(node.non_empty_text()?.to_owned()));
    let client_secret = client_secret(&fields, id.as_deref(), surroundings);
    let scopes = match fields.get("scopes") {
        Some(node) => node.texts().map(|texts| texts.into_iter().map(str::to_owned).collect()),
        None => Some(["email", "profile"].map(str::to_owned).to_vec()),
    };
    let claims = claim_names(&fields);
    let user_prefix = prefix(&fields, "userPrefix");
    let group_prefix = prefix(&fields, "groupPrefix");
    let trust_email = fields.get("trustEmail").map_or(Some(Vec::new()), |node| each(&node, domain));
    let certificate_authority = match fields.get("certificateAuthority") {
        Some(node) => certificates(&node, surroundings).map(Some),
        None => Some(None),
    };
    let extra_parameters = fields.get("extraParameters").map_or(Some(Vec::new()), |node| extra_parameters(&node));
    let device_flow = fields.get("deviceFlow").map_or(Some(true), |node| node.boolean());
    kind?;
    let id = id?;
    Some(Provider {
        name: fields.get("name").and_then(|node| Some(node.non_empty_text()?.to_owned())).unwrap_or_else(|| id.clone()),
        id,
        issuer: issuer?,
        client_id: client_id?,
        client_secret: client_secret?,
        scopes: scopes?,
        claims: claims?,
        user_prefix: user_prefix?,
        group_prefix: group_prefix?,
        trust_email: trust_email?,
        certificate_authority: certificate_authority?,
        extra_parameters: extra_parameters?,
        device_flow: device_flow?,
    })
}

fn id(node: &Node<'_>) -> Option<String> {
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
    Some(id.to_owned())
}

fn issuer(node: &Node<'_>) -> Option<String> {
    const REMEDY: &str = "copy `issuer` from the provider's /.well-known/openid-configuration";
    let text = node.non_empty_text()?;
    let Ok(url) = Url::parse(text) else {
        node.report(format!("{text:?} is not a URL"), REMEDY);
        return None;
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
        node.report(format!("{text:?} is not on https"), "use https; http is for loopback addresses only");
        return None;
    }
    if url.query().is_some() || url.fragment().is_some() {
        node.report(format!("{text:?} has a query or fragment"), REMEDY);
        return None;
    }
    Some(text.to_owned())
}

/// `Some(None)` of a public client, `None` when something is wrong.
#[expect(clippy::option_option, reason = "absent and wrong are two things")]
fn client_secret(fields: &Fields<'_>, id: Option<&str>, surroundings: &Surroundings<'_>) -> Option<Option<Secret>> {
    let variable =
        id.map(|id| format!("KUBEGATE_PROVIDER_{}_CLIENT_SECRET", id.to_ascii_uppercase().replace('-', "_")));
    if let Some(secret) = variable.and_then(|variable| surroundings.variable(&variable)) {
        return Some(Some(Secret::from(secret)));
    }
    let Some(node) = fields.get("clientSecretFile") else {
        return Some(None);
    };
    let content = Secret::from(surroundings.content(&node)?);
    let secret = content.expose().trim();
    if secret.is_empty() {
        node.report("the file is empty", "put the client secret there, or leave the field out for a public client");
        return None;
    }
    Some(Some(Secret::from(secret)))
}

fn claim_names(fields: &Fields<'_>) -> Option<ClaimNames> {
    let defaults = ClaimNames { user: "email".to_owned(), groups: "groups".to_owned(), uid: Some("sub".to_owned()) };
    let Some(node) = fields.get("claims") else {
        return Some(defaults);
    };
    let claims = node.fields(&CLAIMS)?;
    let name = |field, default: String| match claims.get(field) {
        Some(node) => Some(node.non_empty_text()?.to_owned()),
        None => Some(default),
    };
    let user = name("user", defaults.user);
    let groups = name("groups", defaults.groups);
    // An empty text means: none.
    let uid = match claims.get("uid") {
        Some(node) => node.text().map(|text| (!text.is_empty()).then(|| text.to_owned())),
        None => Some(defaults.uid),
    };
    Some(ClaimNames { user: user?, groups: groups?, uid: uid? })
}

fn prefix(fields: &Fields<'_>, name: &str) -> Option<String> {
    let Some(node) = fields.get(name) else {
        return Some(String::new());
    };
    let prefix = node.text()?;
    if prefix.to_ascii_lowercase().starts_with("system:")
        || !prefix.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b',')
    {
        node.report(format!("{prefix:?} cannot begin a name"), "use ASCII without blanks and commas, not system:");
        return None;
    }
    Some(prefix.to_owned())
}

fn domain(node: &Node<'_>) -> Option<String> {
    let domain = node.non_empty_text()?;
    if domain.contains(['@', '*', ' ']) {
        node.report(format!("{domain:?} is not a domain"), "write it like example.com");
        return None;
    }
    Some(domain.to_ascii_lowercase())
}

fn certificates(node: &Node<'_>, surroundings: &Surroundings<'_>) -> Option<String> {
    let pem = surroundings.content(node)?;
    let found =
        reqwest::Certificate::from_pem_bundle(pem.as_bytes()).is_ok_and(|certificates| !certificates.is_empty());
    if !found {
        node.report("the file holds no certificate in PEM form", "put the provider's certificate authority there");
        return None;
    }
    Some(pem)
}

fn extra_parameters(node: &Node<'_>) -> Option<Vec<(String, String)>> {
    let fields = node.mapping()?;
    let mut parameters = Vec::new();
    for (name, node) in fields.all() {
        if RESERVED_PARAMETERS.contains(&name) {
            node.report("is Kubegate's own to set", "leave it out");
            continue;
        }
        if let Some(value) = node.text() {
            parameters.push((name.to_owned(), value.to_owned()));
        }
    }
    Some(parameters)
}
