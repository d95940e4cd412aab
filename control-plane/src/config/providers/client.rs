//! How we prove to a provider that we are its client.

use kubegate_core::document::{Fields, Node};
use kubegate_core::secret::Secret;

use super::super::Surroundings;
use crate::oidc::ClientKey;

/// How we prove to a provider that we are its client.
#[derive(Clone, Debug)]
pub enum ClientAuthentication {
    /// Not at all: a public client, which PKCE protects.
    None,
    /// By a secret.
    Secret {
        /// The secret.
        secret: Secret,
        /// How it is sent; `None`: as the provider's discovery document says.
        method: Option<SecretMethod>,
    },
    /// By a signature (`private_key_jwt`, OpenID Connect Core 1.0, section 9).
    Key(ClientKey),
}

/// How a client secret is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretMethod {
    /// As HTTP Basic authentication.
    Basic,
    /// In the form.
    Post,
}

/// The methods by the names of `OpenID` Connect's registry.
const METHODS: &str = "write client_secret_basic, client_secret_post, private_key_jwt or none";

/// What `clientAuthentication` says.
#[derive(Clone, Copy)]
enum Method {
    Secret(SecretMethod),
    Key,
    None,
}

pub(super) fn read(
    fields: &Fields<'_>,
    id: Option<&str>,
    github: bool,
    surroundings: &Surroundings<'_>,
) -> Option<ClientAuthentication> {
    let method = match fields.get("clientAuthentication") {
        Some(node) => Some(method(&node)?),
        None => None,
    };
    let secret = client_secret(fields, id, surroundings)?;
    let key = match fields.get("clientKeyFile") {
        Some(node) => Some(key(&node, fields, surroundings)?),
        None => None,
    };
    let wrong = |what: &str, remedy: &str| {
        let node = fields.get("clientAuthentication");
        node.as_ref().unwrap_or(fields.node()).report(what, remedy);
        None
    };
    let variable = id.map(variable).unwrap_or_default();
    let no_secret = format!("put it into a file and name that in `clientSecretFile`, or into {variable}");
    if github && (key.is_some() || !matches!(method, None | Some(Method::Secret(SecretMethod::Post)))) {
        return wrong("is nothing that GitHub takes", "GitHub takes a client secret in the form; leave it out");
    }
    match (method, secret, key) {
        (_, Some(_), Some(_)) => wrong("there are both a client secret and a key", "keep one of the two"),
        (None | Some(Method::Key), None, Some(key)) => Some(ClientAuthentication::Key(key)),
        (Some(Method::Key), _, None) => {
            wrong("there is no key", "name the file with the private key in `clientKeyFile`")
        }
        (None, Some(secret), None) => Some(ClientAuthentication::Secret { secret, method: None }),
        (Some(Method::Secret(method)), Some(secret), None) => {
            Some(ClientAuthentication::Secret { secret, method: Some(method) })
        }
        (Some(Method::Secret(_)), None, _) => wrong("there is no client secret", &no_secret),
        (None, None, None) if github => wrong("there is no client secret, and GitHub insists on one", &no_secret),
        (None | Some(Method::None), None, None) => Some(ClientAuthentication::None),
        (Some(Method::None), _, _) => wrong(
            "there are a secret or a key beside `clientAuthentication: none`",
            "take them out, or leave clientAuthentication out",
        ),
    }
}

fn method(node: &Node<'_>) -> Option<Method> {
    match node.text()? {
        "client_secret_basic" => Some(Method::Secret(SecretMethod::Basic)),
        "client_secret_post" => Some(Method::Secret(SecretMethod::Post)),
        "private_key_jwt" => Some(Method::Key),
        "none" => Some(Method::None),
        _ => {
            node.report("is not a way to authenticate a client", METHODS);
            None
        }
    }
}

/// The variable of the environment that may hold the secret.
fn variable(id: &str) -> String {
    format!("KUBEGATE_PROVIDER_{}_CLIENT_SECRET", id.to_ascii_uppercase().replace('-', "_"))
}

/// `Some(None)` when there is none, `None` when something is wrong.
#[expect(clippy::option_option, reason = "absent and wrong are two things")]
fn client_secret(fields: &Fields<'_>, id: Option<&str>, surroundings: &Surroundings<'_>) -> Option<Option<Secret>> {
    if let Some(secret) = id.and_then(|id| surroundings.variable(&variable(id))) {
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

fn key(node: &Node<'_>, fields: &Fields<'_>, surroundings: &Surroundings<'_>) -> Option<ClientKey> {
    let key_id = match fields.get("clientKeyId") {
        Some(node) => Some(node.non_empty_text()?.to_owned()),
        None => None,
    };
    let content = Secret::from(surroundings.content(node)?);
    match ClientKey::parse(&content, key_id) {
        Ok(key) => Some(key),
        Err(error) => {
            node.report(format!("the file holds no key that can be used: {error}"), error.remedy());
            None
        }
    }
}
