//! `providers`: the identity providers that people sign in with.

mod claims;
mod client;
mod github;
mod groups;
mod oidc;
mod recheck;
mod scim;

use kubegate_core::document::{Fields, Node};

pub use self::claims::ClaimNames;
pub use self::client::{ClientAuthentication, SecretMethod};
pub use self::github::Github;
pub use self::groups::GroupSource;
pub use self::oidc::Oidc;
pub use self::recheck::{Recheck, WithoutRefreshToken};
pub use self::scim::{Link, LinkAttribute, Scim};
use super::{Surroundings, each, source};

/// An identity provider.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Its id: part of every person's id, so it never changes.
    pub id: String,
    /// What people know it as.
    pub name: String,
    /// What it speaks.
    pub kind: Kind,
    /// Our client id there.
    pub client_id: String,
    /// How we prove there that we are that client.
    pub client_authentication: ClientAuthentication,
    /// The scopes to ask for.
    pub scopes: Vec<String>,
    /// Which claims say what.
    pub claims: ClaimNames,
    /// What is put before every user name.
    pub user_prefix: String,
    /// What is put before every group.
    pub group_prefix: String,
    /// The one source of its people's groups.
    pub groups: GroupSource,
    /// How a directory tells of its people, when it does.
    pub scim: Option<Scim>,
    /// The e-mail domains whose people are sent here by the sign-in page.
    pub domains: Vec<String>,
    /// The domains of e-mail addresses that count without being verified.
    pub trust_email: Vec<String>,
    /// The certificate authorities (PEM) to check it with, besides the system's.
    pub certificate_authority: Option<String>,
    /// Further parameters of the authorization request.
    pub extra_parameters: Vec<(String, String)>,
    /// Whether people who signed in here may allow a machine without a browser to act for them (the device flow).
    pub device_flow: bool,
    /// How it is asked again about the people who signed in there.
    pub recheck: Recheck,
}

/// What a provider speaks.
#[derive(Clone, Debug)]
pub enum Kind {
    /// `OpenID` Connect.
    Oidc(Oidc),
    /// GitHub's OAuth, which knows no ID tokens.
    Github(Github),
}

/// The fields of a provider.
const FIELDS: [&str; 25] = [
    "id",
    "type",
    "name",
    "issuer",
    "url",
    "apiUrl",
    "organizations",
    "clientId",
    "clientAuthentication",
    "clientSecretFile",
    "clientKeyFile",
    "clientKeyId",
    "scopes",
    "claims",
    "userPrefix",
    "groupPrefix",
    "groups",
    "scim",
    "domains",
    "trustEmail",
    "certificateAuthority",
    "extraParameters",
    "deviceFlow",
    "recheck",
    "logoutAtProvider",
];

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
    let mut domains: Vec<(String, String)> = Vec::new();
    each(node, |node| {
        let provider = one(node, surroundings)?;
        if ids.contains(&provider.id) {
            node.report(format!("there are two providers with the id {:?}", provider.id), "give each its own id");
            return None;
        }
        ids.push(provider.id.clone());
        for domain in &provider.domains {
            if let Some((_, other)) = domains.iter().find(|(known, _)| known == domain) {
                node.report(
                    format!("the domain {domain:?} chooses the provider {other:?} already"),
                    "list each domain at one provider",
                );
                return None;
            }
            domains.push((domain.clone(), provider.id.clone()));
        }
        Some(provider)
    })
}

fn one(node: &Node<'_>, surroundings: &Surroundings<'_>) -> Option<Provider> {
    let fields = node.fields(&FIELDS)?;
    let id = fields.require("id").and_then(|node| source::id(&node));
    let kind = kind(&fields);
    let github = fields.get("type").and_then(|node| node.as_text()) == Some("github");
    let client_id = fields.require("clientId").and_then(|node| Some(node.non_empty_text()?.to_owned()));
    let client_authentication = client::read(&fields, id.as_deref(), github, surroundings);
    let scopes = match fields.get("scopes") {
        Some(node) => node.texts().map(|texts| texts.into_iter().map(str::to_owned).collect()),
        None => Some(if github { github::scopes() } else { oidc::scopes() }),
    };
    let claims = if github { github::claims(&fields) } else { claims::read(&fields) };
    let user_prefix = prefix(&fields, "userPrefix");
    let group_prefix = prefix(&fields, "groupPrefix");
    let scim = scim::read(&fields, surroundings);
    let groups = groups::read(&fields, github, surroundings);
    let domains = fields.get("domains").map_or(Some(Vec::new()), |node| each(&node, domain));
    let trust_email = fields.get("trustEmail").map_or(Some(Vec::new()), |node| each(&node, domain));
    let certificate_authority = match fields.get("certificateAuthority") {
        Some(node) => source::certificates(&node, surroundings, "provider").map(Some),
        None => Some(None),
    };
    let extra_parameters = fields.get("extraParameters").map_or(Some(Vec::new()), |node| extra_parameters(&node));
    let device_flow = fields.get("deviceFlow").map_or(Some(true), |node| node.boolean());
    let recheck = recheck::read(&fields, github);
    let id = id?;
    Some(Provider {
        name: fields.get("name").and_then(|node| Some(node.non_empty_text()?.to_owned())).unwrap_or_else(|| id.clone()),
        id,
        kind: kind?,
        client_id: client_id?,
        client_authentication: client_authentication?,
        scopes: scopes?,
        claims: claims?,
        user_prefix: user_prefix?,
        group_prefix: group_prefix?,
        groups: groups?,
        scim: scim?,
        domains: domains?,
        trust_email: trust_email?,
        certificate_authority: certificate_authority?,
        extra_parameters: extra_parameters?,
        device_flow: device_flow?,
        recheck: recheck?,
    })
}

fn kind(fields: &Fields<'_>) -> Option<Kind> {
    match fields.get("type") {
        None => oidc::read(fields).map(Kind::Oidc),
        Some(node) => match node.text()? {
            "oidc" => oidc::read(fields).map(Kind::Oidc),
            "github" => github::read(fields).map(Kind::Github),
            _ => {
                node.report("is not a type of provider", "write oidc or github");
                oidc::read(fields).and(None)
            }
        },
    }
}

/// Reports those of `names` that stand there although they say nothing for a provider of this type.
fn refuse(fields: &Fields<'_>, names: &[&str], remedy: &str) {
    for node in names.iter().filter_map(|name| fields.get(name)) {
        node.report("means nothing for a provider of this type", remedy);
    }
}

fn prefix(fields: &Fields<'_>, name: &str) -> Option<String> {
    fields.get(name).map_or(Some(String::new()), |node| source::prefix(&node))
}

fn domain(node: &Node<'_>) -> Option<String> {
    let domain = node.non_empty_text()?;
    if domain.contains(['@', '*', ' ']) {
        node.report(format!("{domain:?} is not a domain"), "write it like example.com");
        return None;
    }
    Some(domain.to_ascii_lowercase())
}

/// A base URL without the slash at its end: on https, or on http at a loopback address.
fn base_url(node: &Node<'_>) -> Option<String> {
    let text = node.non_empty_text()?;
    let url = oidc::url(node, "write it like https://github.example.com")?;
    if !url.username().is_empty() || url.password().is_some() {
        node.report("has a user name or a password in it", "leave them out");
        return None;
    }
    Some(text.trim_end_matches('/').to_owned())
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
