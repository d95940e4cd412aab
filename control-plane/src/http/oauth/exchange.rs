//! Token exchange (RFC 8693): a workload trades a token of its own platform for a session token.
//!
//! Nothing is kept by the workload: no refresh secret, and the session ends with the token that was shown.

use std::net::IpAddr;

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use kubegate_core::rule::Cluster;
use kubegate_core::time::Timestamp;
use serde::Serialize;

use super::super::api::clusters::ClusterView;
use super::super::error::OAuthError;
use super::super::extract::Parameters;
use super::token::{missing, not_minted, target};
use super::{CLIENT, refusal};
use crate::app::App;
use crate::policy::InForce;
use crate::session::{Exchanged, Holder};
use crate::telemetry::{SignInLabels, TokenLabels};
use crate::workload::{Unverified, Workload, WorkloadError};

/// The grant type.
pub(super) const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// What is shown, and what is given: types of RFC 8693 section 3.
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

#[derive(Serialize)]
struct Answer<'a> {
    access_token: String,
    issued_token_type: &'static str,
    token_type: &'static str,
    expires_in: u64,
    session_expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<ClusterView<'a>>,
}

/// A session token for a workload's own token.
pub(super) async fn answer(
    app: &App,
    in_force: &InForce,
    parameters: &Parameters,
    holder: Holder,
    address: IpAddr,
) -> Result<Response, OAuthError> {
    let issued_token_type = check(parameters)?;
    let token = parameters.get("subject_token").ok_or_else(|| missing("subject_token"))?;
    let cluster = parameters.get("resource").map(|resource| target(in_force, resource)).transpose()?;
    let now = app.clock.now();
    let workload = match app.workloads.identify(token, now).await {
        Ok(workload) => workload,
        Err(error) => return Err(refused(app, &error, address, now)),
    };
    check_target(&workload, cluster)?;
    let exchanged = app.sessions.exchange(token, &workload, holder, now).await;
    let exchanged = exchanged.map_err(|error| {
        count(app, &workload.identity.provider, "refused");
        refusal::of_workload(app, error)
    })?;
    let Exchanged { session, token_until, again } = &exchanged;
    let made_at = app.sessions.made_at(&session.identity.person(), now).await.map_err(OAuthError::unavailable)?;
    let token = match cluster {
        Some(cluster) => {
            let policy = (&in_force.policy, in_force.version);
            app.minter.session_token(session, &cluster.name, policy, *token_until, made_at)
        }
        None => app.minter.access_token(session, *token_until, made_at),
    };
    let access_token = token.map_err(not_minted)?;
    let name = cluster.map(|cluster| cluster.name.to_string()).unwrap_or_default();
    count(app, &session.identity.provider, "ok");
    tracing::info!(
        session = %session.id,
        person = %session.identity.person(),
        user = session.identity.user,
        cluster = name,
        %address,
        again,
        "a workload's token was exchanged"
    );
    app.metrics.tokens.get_or_create(&TokenLabels { cluster: name }).inc();
    let answer = Answer {
        access_token,
        issued_token_type,
        token_type: "Bearer",
        expires_in: token_until.since(now).as_secs(),
        session_expires_in: session.expires_at.since(now).as_secs(),
        cluster: cluster.map(ClusterView::from),
    };
    Ok(([(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(answer)).into_response())
}

/// Checks what is not about the token itself; returns the type of what is given.
fn check(parameters: &Parameters) -> Result<&'static str, OAuthError> {
    let invalid = |description: String| Err(OAuthError::new("invalid_request", description));
    if parameters.get("client_id").is_some_and(|client| client != CLIENT) {
        return Err(OAuthError::new("invalid_client", format!("client_id must be {CLIENT}, or left out")));
    }
    match parameters.get("subject_token_type") {
        Some(JWT) => {}
        Some(other) => {
            return invalid(format!(
                "subject_token_type must be {JWT}, not {other}; people sign in with kubegate login"
            ));
        }
        None => return Err(missing("subject_token_type")),
    }
    if ["actor_token", "actor_token_type"].iter().any(|name| parameters.get(name).is_some()) {
        return invalid("actor_token is not offered: workloads act for themselves".to_owned());
    }
    if parameters.get("audience").is_some() {
        let description = "audience is not offered; name the cluster with resource";
        return Err(OAuthError::new("invalid_target", description));
    }
    match parameters.get("requested_token_type") {
        None | Some(ACCESS_TOKEN) => Ok(ACCESS_TOKEN),
        Some(JWT) => Ok(JWT),
        Some(other) => invalid(format!("requested_token_type must be {ACCESS_TOKEN} or {JWT}, not {other}")),
    }
}

/// A rule may leave a workload to some clusters; then it gets no token for the control plane either.
fn check_target(workload: &Workload, cluster: Option<&Cluster>) -> Result<(), OAuthError> {
    match cluster {
        Some(cluster) if workload.may_use(cluster.name.as_str()) => Ok(()),
        None if workload.may_use_all() => Ok(()),
        Some(cluster) => {
            let description = format!("the rule of this workload leaves out the cluster {}", cluster.name);
            Err(OAuthError::new("invalid_target", description))
        }
        None => Err(missing("resource")),
    }
}

/// Who shows what is no good is told why; who does so again and again from one address is told to slow down. A good
/// token is taken all the same: nobody is locked out by a neighbour.
fn refused(app: &App, error: &WorkloadError, address: IpAddr, now: Timestamp) -> OAuthError {
    count(app, "", error.code());
    if let WorkloadError::Signature(Unverified::Unavailable(problem)) = error {
        return OAuthError::unavailable(problem.clone());
    }
    if let Err(wait) = app.workload_failures.check("", address, now) {
        let description = format!("too many tokens from your address were refused; wait {} s", wait.as_secs().max(1));
        return OAuthError::new("slow_down", description).with_status(StatusCode::TOO_MANY_REQUESTS);
    }
    app.workload_failures.failed("", address, now);
    tracing::warn!(%address, reason = error.code(), %error, "a workload's token was refused");
    OAuthError::new("invalid_request", format!("the subject token is not taken: {error}"))
}

fn count(app: &App, issuer: &str, result: &'static str) {
    app.metrics.exchanges.get_or_create(&SignInLabels { provider: issuer.to_owned(), result }).inc();
}
