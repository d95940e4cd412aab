//! `POST /oauth/token` (RFC 6749 section 3.2): trades a code, a refresh secret or a device code for a token.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use kubegate_core::rule::Cluster;
use kubegate_core::time::Timestamp;
use serde::Serialize;

use super::super::api::clusters::ClusterView;
use super::super::error::OAuthError;
use super::super::extract::{ClientAddress, Parameters};
use super::{CLIENT, DEVICE_GRANT, RESOURCE, refusal};
use crate::app::App;
use crate::person::Identity;
use crate::policy::InForce;
use crate::recheck;
use crate::session::{CodeExchange, Holder, Issued};
use crate::telemetry::{ResultLabels, TokenLabels};
use crate::token::MintError;

#[derive(Serialize)]
struct Answer<'a> {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    refresh_token: &'a str,
    scope: &'static str,
    session_expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<ClusterView<'a>>,
}

/// A token.
pub(in crate::http) async fn post(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    body: String,
) -> Result<Response, OAuthError> {
    let parameters = Parameters::parse(&body)
        .map_err(|repeated| OAuthError::new("invalid_request", format!("{} is given twice", repeated.0)))?;
    let in_force = app.in_force();
    if parameters.get("client_id") != Some(CLIENT) {
        return Err(OAuthError::new("invalid_client", format!("client_id must be {CLIENT}")));
    }
    let cluster = parameters.get("resource").map(|resource| target(&in_force, resource)).transpose()?;
    let mut cluster = cluster;
    let issued = match parameters.get("grant_type") {
        Some(DEVICE_GRANT) => {
            let granted = super::device::redeem(&app, &parameters, &headers, address).await?;
            if let (None, Some(resource)) = (&cluster, granted.resource) {
                cluster = Some(target(&in_force, &resource)?);
            }
            granted.issued
        }
        Some("authorization_code") => redeem(&app, &parameters, holder(&parameters, &headers, address)).await?,
        Some("refresh_token") => refresh(&app, &parameters, address).await?,
        Some(other) => {
            let description =
                format!("the grant type {other} is not offered; authorization_code, refresh_token and device_code are");
            return Err(OAuthError::new("unsupported_grant_type", description));
        }
        None => return Err(missing("grant_type")),
    };
    let person = issued.session.identity.person();
    let made_at = app.sessions.made_at(&person, app.clock.now()).await.map_err(OAuthError::unavailable)?;
    answer(&app, &in_force, &issued, cluster, made_at)
}

/// The cluster that a resource indicator (RFC 8707) names.
pub(super) fn target<'a>(in_force: &'a InForce, resource: &str) -> Result<&'a Cluster, OAuthError> {
    let name = resource.strip_prefix(RESOURCE).ok_or_else(|| {
        OAuthError::new("invalid_target", format!("resource must be {RESOURCE}NAME, with the name of a cluster"))
    })?;
    in_force.policy.cluster(name).ok_or_else(|| {
        let description = format!(
            "there is no cluster named {name}; 'kubegate whoami' lists yours, 'kubegate kubeconfig' writes them down anew"
        );
        OAuthError::new("invalid_target", description)
    })
}

/// Who will hold the session: the command line says which host it runs on.
pub(super) fn holder(parameters: &Parameters, headers: &HeaderMap, address: IpAddr) -> Holder {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Holder::new(parameters.get("device_name").or(agent), address)
}

async fn redeem(app: &App, parameters: &Parameters, holder: Holder) -> Result<Issued, OAuthError> {
    let required = |name| parameters.get(name).ok_or_else(|| missing(name));
    let exchange = CodeExchange {
        code: required("code")?,
        client_id: CLIENT,
        redirect_uri: required("redirect_uri")?,
        verifier: required("code_verifier")?,
    };
    let review = |identity: &Identity| app.review(identity);
    let issued = app.sessions.redeem(&exchange, holder, review, app.clock.now()).await;
    let issued = issued.map_err(|error| refusal::of_code(app, error))?;
    tracing::info!(session = %issued.session.id, user = issued.session.identity.user, "a command line signed in");
    Ok(issued)
}

async fn refresh(app: &Arc<App>, parameters: &Parameters, from: IpAddr) -> Result<Issued, OAuthError> {
    let secret = parameters.get("refresh_token").ok_or_else(|| missing("refresh_token"))?;
    recheck::before_refresh(app, secret).await;
    let review = |identity: &Identity| app.review(identity);
    let issued = app.sessions.refresh(secret, from, review, app.clock.now()).await;
    let result = if issued.is_ok() { "ok" } else { "refused" };
    app.metrics.refreshes.get_or_create(&ResultLabels { result }).inc();
    issued.map_err(|error| refusal::of_refresh(app, error))
}

fn answer(
    app: &App,
    in_force: &InForce,
    issued: &Issued,
    cluster: Option<&Cluster>,
    made_at: Timestamp,
) -> Result<Response, OAuthError> {
    let now = app.clock.now();
    let token = match cluster {
        Some(cluster) => {
            let policy = (&in_force.policy, in_force.version);
            app.minter.session_token(&issued.session, &cluster.name, policy, issued.token_until, made_at)
        }
        None => app.minter.access_token(&issued.session, issued.token_until, made_at),
    };
    let token = token.map_err(not_minted)?;
    let name = cluster.map(|cluster| cluster.name.to_string()).unwrap_or_default();
    app.metrics.tokens.get_or_create(&TokenLabels { cluster: name }).inc();
    let answer = Answer {
        access_token: token,
        token_type: "Bearer",
        expires_in: issued.token_until.since(now).as_secs(),
        refresh_token: issued.refresh.expose(),
        scope: "",
        session_expires_in: issued.session.expires_at.since(now).as_secs(),
        cluster: cluster.map(ClusterView::from),
    };
    Ok(([(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(answer)).into_response())
}

pub(super) fn missing(name: &str) -> OAuthError {
    OAuthError::new("invalid_request", format!("{name} is missing"))
}

fn not_minted(error: MintError) -> OAuthError {
    match error {
        MintError::TooLarge { length } => OAuthError::new(
            "invalid_scope",
            format!(
                "your groups make the token {length} characters long, which is more than can be sent; ask whoever runs \
                 Kubegate to pass on fewer groups (groups.pass in the policy)"
            ),
        ),
        other => OAuthError::unavailable(other),
    }
}
