//! The OAuth of the control plane: metadata (RFC 8414), PKCE (RFC 7636), tokens for one cluster
//! (resource indicators, RFC 8707), revocation (RFC 7009).

mod wire;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;

use crate::client::{Client, ClientError};
use crate::host;
use crate::output::printable;
use crate::secret::Secret;
use crate::server::{ServerUrl, is_private};

pub(crate) use wire::{ClusterInfo, Endpoints};

/// How this program is called at the control plane; a public client without a secret.
pub(crate) const CLIENT_ID: &str = "kubegate-cli";

/// What the token endpoint answers.
#[derive(Debug, Deserialize)]
pub(crate) struct TokenAnswer {
    /// A session token for the cluster asked for, else an access token for the control plane.
    pub(crate) access_token: Secret,
    /// Seconds until it ends.
    pub(crate) expires_in: u64,
    /// What the next token is asked for with.
    pub(crate) refresh_token: Option<Secret>,
    /// The cluster that the token is for.
    pub(crate) cluster: Option<ClusterInfo>,
}

/// How a session came to its end, as the control plane tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Its words; empty without any.
    pub(crate) words: String,
    /// Why, in one stable word.
    pub(crate) reason: Option<String>,
    /// Since when, as RFC 3339 has it.
    pub(crate) at: Option<String>,
}

impl Ended {
    /// The words with a leading separator; empty without any.
    pub(crate) fn detail(&self) -> String {
        if self.words.is_empty() { String::new() } else { format!(": {}", self.words) }
    }

    /// Whether the person is shut out, so that a sign-in leads nowhere before somebody lets them in again.
    pub(crate) fn shuts_out(&self) -> bool {
        matches!(self.reason.as_deref(), Some("disabled" | "deprovisioned"))
    }

    fn next_step(&self) -> &'static str {
        if self.shuts_out() { "When it is enabled, sign in again" } else { "Sign in again" }
    }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// The session has ended or was revoked: only a new sign-in helps.
    #[error("signed out of {server}{}. {}: kubegate login --server {server}", ended.detail(), ended.next_step())]
    SessionEnded {
        /// The control plane.
        server: ServerUrl,
        /// What it says about that.
        ended: Ended,
    },
    /// No such cluster, or none for this person.
    #[error(
        "the control plane {server} has no cluster {cluster:?} for you{detail}. \
         See which there are: kubegate clusters --server {server}"
    )]
    UnknownCluster {
        /// The control plane.
        server: ServerUrl,
        /// The name asked for.
        cluster: String,
        /// Its own words, with a leading separator; empty without any.
        detail: String,
    },
    /// Another refusal.
    #[error("the control plane {server} refused to give a token ({code}{detail})")]
    Refused {
        /// The control plane.
        server: ServerUrl,
        /// The error code of RFC 6749.
        code: String,
        /// Its own words, with a leading separator; empty without any.
        detail: String,
    },
    /// The metadata is of another control plane.
    #[error(
        "{server} says that its name is {issuer:?}. Give --server exactly as the control plane's \
         configuration has its public URL"
    )]
    WrongIssuer {
        /// What was asked.
        server: ServerUrl,
        /// What it calls itself.
        issuer: String,
    },
    /// An endpoint to which no secret may be sent.
    #[error("{server} names {endpoint:?} as an endpoint, which is not https. Tell its operator")]
    InsecureEndpoint {
        /// The control plane.
        server: ServerUrl,
        /// The endpoint.
        endpoint: String,
    },
    /// No usable answer.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl TokenError {
    /// Whether the same may go well a moment later: the session is not to blame.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Client(_) => true,
            Self::Refused { code, .. } => matches!(code.as_str(), "temporarily_unavailable" | "server_error"),
            _ => false,
        }
    }
}

/// Asks the control plane for its endpoints.
pub(crate) fn discover(client: &Client) -> Result<Endpoints, TokenError> {
    #[derive(Deserialize)]
    struct Metadata {
        issuer: String,
        authorization_endpoint: String,
        token_endpoint: String,
        revocation_endpoint: Option<String>,
        device_authorization_endpoint: Option<String>,
    }
    let server = client.server();
    let metadata: Metadata = client.get_json(&server.metadata_url(), None, "for its metadata")?;
    if !same_issuer(server, &metadata.issuer) {
        return Err(TokenError::WrongIssuer { server: server.clone(), issuer: printable(&metadata.issuer) });
    }
    let endpoints = Endpoints {
        authorization: metadata.authorization_endpoint,
        token: metadata.token_endpoint,
        revocation: metadata.revocation_endpoint,
        device_authorization: metadata.device_authorization_endpoint,
    };
    let optional = [&endpoints.revocation, &endpoints.device_authorization];
    let named = [&endpoints.authorization, &endpoints.token].into_iter().chain(optional.into_iter().flatten());
    for endpoint in named {
        if !Url::parse(endpoint).is_ok_and(|url| is_private(&url)) {
            return Err(TokenError::InsecureEndpoint { server: server.clone(), endpoint: printable(endpoint) });
        }
    }
    Ok(endpoints)
}

/// Whether `issuer` is the name of `server`.
pub(crate) fn same_issuer(server: &ServerUrl, issuer: &str) -> bool {
    issuer.parse::<ServerUrl>().is_ok_and(|issuer| issuer == *server)
}

/// Trades the code of a sign-in for the first token.
pub(crate) fn exchange_code(
    client: &Client,
    endpoints: &Endpoints,
    code: &Secret,
    redirect_uri: &str,
    pkce: &Pkce,
    cluster: Option<&str>,
) -> Result<TokenAnswer, TokenError> {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", redirect_uri),
        ("code_verifier", pkce.verifier.expose()),
    ];
    ask_for_token(client, endpoints, &form, cluster)
}

/// Trades a refresh secret for the next token.
pub(crate) fn refresh(
    client: &Client,
    endpoints: &Endpoints,
    secret: &Secret,
    cluster: Option<&str>,
) -> Result<TokenAnswer, TokenError> {
    let form = [("grant_type", "refresh_token"), ("refresh_token", secret.expose())];
    ask_for_token(client, endpoints, &form, cluster)
}

/// Trades a workload's own token for a session token (RFC 8693).
pub(crate) fn exchange_workload(
    client: &Client,
    endpoints: &Endpoints,
    shown: &Secret,
    cluster: Option<&str>,
) -> Result<TokenAnswer, TokenError> {
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
        ("subject_token", shown.expose()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
    ];
    ask_for_token(client, endpoints, &form, cluster)
}

/// Ends the session that a refresh secret belongs to.
pub(crate) fn revoke(client: &Client, endpoint: &str, secret: &Secret) -> Result<(), ClientError> {
    let form = [("token", secret.expose()), ("token_type_hint", "refresh_token"), ("client_id", CLIENT_ID)];
    let answer = client.post_form(endpoint, &form)?;
    if answer.status == 200 { Ok(()) } else { Err(client.refusal(&answer, "the revocation")) }
}

fn ask_for_token(
    client: &Client,
    endpoints: &Endpoints,
    grant: &[(&str, &str)],
    cluster: Option<&str>,
) -> Result<TokenAnswer, TokenError> {
    let resource = cluster.map(|name| format!("urn:kubegate:cluster:{name}"));
    let host = host::name();
    let mut form = grant.to_vec();
    form.push(("client_id", CLIENT_ID));
    form.extend(host.as_deref().map(|name| ("device_name", name)));
    if let Some(resource) = &resource {
        form.push(("resource", resource));
    }
    let answer = client.post_form(&endpoints.token, &form)?;
    match answer.status {
        200 => Ok(client.parse(&answer, "a request for a token")?),
        400 | 401 => Err(token_refusal(client, &answer, cluster)),
        _ => Err(client.refusal(&answer, "a request for a token").into()),
    }
}

/// What a sign-in without a browser begins with (RFC 8628 section 3.2).
#[derive(Debug, Deserialize)]
pub(crate) struct DeviceAuthorization {
    /// What is traded for the token.
    pub(crate) device_code: Secret,
    /// What the person types.
    pub(crate) user_code: String,
    /// Where.
    pub(crate) verification_uri: String,
    /// The same with the code in it.
    pub(crate) verification_uri_complete: Option<String>,
    /// How many seconds the person has.
    pub(crate) expires_in: u64,
    /// How many seconds lie between two questions.
    #[serde(default = "usual_interval")]
    pub(crate) interval: u64,
}

fn usual_interval() -> u64 {
    5
}

/// Begins a sign-in without a browser; `wishes` are further parameters.
pub(crate) fn begin_device(
    client: &Client,
    endpoint: &str,
    wishes: &[(&str, &str)],
    cluster: Option<&str>,
) -> Result<DeviceAuthorization, TokenError> {
    let (host, resource) = (host::name(), cluster.map(|name| format!("urn:kubegate:cluster:{name}")));
    let mut form = wishes.to_vec();
    form.push(("client_id", CLIENT_ID));
    form.extend(host.as_deref().map(|name| ("device_name", name)));
    form.extend(resource.as_deref().map(|resource| ("resource", resource)));
    let answer = client.post_form(endpoint, &form)?;
    match answer.status {
        200 => Ok(client.parse(&answer, "a request to sign in without a browser")?),
        400 | 401 => Err(token_refusal(client, &answer, cluster)),
        _ => Err(client.refusal(&answer, "a request to sign in without a browser").into()),
    }
}

/// Asks whether the person has allowed a sign-in without a browser.
pub(crate) fn poll_device(
    client: &Client,
    endpoints: &Endpoints,
    device_code: &Secret,
    cluster: Option<&str>,
) -> Result<TokenAnswer, TokenError> {
    let form = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", device_code.expose())];
    ask_for_token(client, endpoints, &form, cluster)
}

fn token_refusal(client: &Client, answer: &crate::client::Answer, cluster: Option<&str>) -> TokenError {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
        error_description: Option<String>,
        #[serde(default)]
        session_ended: SessionEnded,
    }
    #[derive(Default, Deserialize)]
    struct SessionEnded {
        reason: Option<String>,
        at: Option<String>,
    }
    let Ok(refusal) = serde_json::from_slice::<Refusal>(&answer.body) else {
        return client.refusal(answer, "a request for a token").into();
    };
    let server = client.server().clone();
    let words = refusal.error_description.map(|words| printable(words.trim_end_matches('.'))).unwrap_or_default();
    let SessionEnded { reason, at } = refusal.session_ended;
    let printed = |text: Option<String>| text.as_deref().map(printable);
    let ended = Ended { words, reason: printed(reason), at: printed(at) };
    let detail = ended.detail();
    match (refusal.error.as_str(), cluster) {
        ("invalid_grant", _) => TokenError::SessionEnded { server, ended },
        ("invalid_target", Some(cluster)) => TokenError::UnknownCluster { server, cluster: cluster.to_owned(), detail },
        _ => TokenError::Refused { server, code: printable(&refusal.error), detail },
    }
}

/// The proof that who trades the code is who asked for it.
#[derive(Debug)]
pub(crate) struct Pkce {
    verifier: Secret,
    /// What the authorization request shows of it.
    pub(crate) challenge: String,
}

impl Pkce {
    /// A new proof.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let verifier = random_text()?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        Ok(Self { verifier: Secret::new(verifier), challenge })
    }
}

/// 32 random bytes as base64url: a `state`, a verifier.
pub(crate) fn random_text() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The `user` that a token of the control plane names, unverified: good for showing, no more.
pub(crate) fn user_named_in(token: &Secret) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        user: String,
    }
    let payload = token.expose().split('.').nth(1)?;
    let json = URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice::<Claims>(&json).ok().map(|claims| printable(&claims.user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_the_hash_of_the_verifier() {
        let pkce = Pkce::new().unwrap();
        assert_eq!(pkce.verifier.expose().len(), 43);
        assert_eq!(pkce.challenge, URL_SAFE_NO_PAD.encode(Sha256::digest(pkce.verifier.expose().as_bytes())));
    }

    #[test]
    fn reads_the_user_for_showing() {
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"user":"alice"}"#));
        assert_eq!(user_named_in(&Secret::new(token)).as_deref(), Some("alice"));
        assert_eq!(user_named_in(&Secret::new("opaque".into())), None);
    }

    #[test]
    fn an_issuer_may_differ_in_a_trailing_slash_only() {
        let server: ServerUrl = "https://kubegate.example.com".parse().unwrap();
        assert!(same_issuer(&server, "https://kubegate.example.com/"));
        assert!(!same_issuer(&server, "https://kubegate.example.com.evil.example"));
        assert!(!same_issuer(&server, "kubegate.example.com"));
    }
}
