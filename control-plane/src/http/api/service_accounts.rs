//! `/api/v1/service-accounts`: an administrator issues tokens for programs, lists and revokes them.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kubegate_core::id::{ClusterName, SessionId};
use kubegate_core::identity_name;
use kubegate_core::time::show_duration;
use kubegate_core::token::SERVICE_ACCOUNTS;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::error::ApiError;
use super::administrator::{self, Administrator};
use crate::app::App;
use crate::clock::rfc3339;
use crate::config::{Pomerium, ServiceAccounts, is_account_name};
use crate::person::{Identity, check_user};
use crate::session::{Issue, IssueRefused, ServiceAccount, Session, SessionError};

const EXAMPLE: &str = "{\"name\": NAME, \"clusters\": [NAME], \"groups\": [NAME], \"expires_in\": SECONDS}";

/// The most clusters or groups at once.
const MOST: usize = 64;

/// The shortest life of a token.
const SHORTEST: Duration = Duration::from_secs(60);

/// What to issue.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Wanted {
    name: String,
    clusters: Vec<ClusterName>,
    #[serde(default)]
    groups: Vec<String>,
    expires_in: u64,
}

#[derive(Serialize)]
struct AccountView {
    id: String,
    user: String,
    groups: Vec<String>,
    clusters: Vec<ClusterName>,
    issued_by: String,
    issued_at: String,
    expires_at: String,
}

impl AccountView {
    fn new(session: &Session, clusters: Vec<ClusterName>, issued_by: String) -> Self {
        Self {
            id: session.id.to_string(),
            user: session.identity.user.clone(),
            groups: session.identity.groups.clone(),
            clusters,
            issued_by,
            issued_at: rfc3339(session.created_at),
            expires_at: rfc3339(session.expires_at),
        }
    }
}

#[derive(Serialize)]
struct IssuedView {
    #[serde(flatten)]
    account: AccountView,
    /// Told once.
    tokens: Vec<TokenView>,
}

#[derive(Serialize)]
struct TokenView {
    cluster: ClusterName,
    token: String,
}

/// Those that have not ended.
pub(in crate::http) async fn get(State(app): State<Arc<App>>, _by: Administrator) -> Result<Response, ApiError> {
    let all = app.sessions.issued(app.clock.now()).await.map_err(ApiError::unavailable)?;
    let view = |ServiceAccount { session, clusters, issued_by }| AccountView::new(&session, clusters, issued_by);
    Ok(super::json(json!({ "service_accounts": all.into_iter().map(view).collect::<Vec<_>>() })))
}

/// Issues a token for each cluster that is named. They are told once and never again.
pub(in crate::http) async fn post(
    State(app): State<Arc<App>>,
    by: Administrator,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Response, ApiError> {
    administrator::to_its_end(issue(app, by, administrator::body(wanted, EXAMPLE)?)).await
}

async fn issue(app: Arc<App>, by: Administrator, wanted: Wanted) -> Result<Response, ApiError> {
    let pomerium = app.pomerium.as_ref();
    let settings = pomerium.and_then(|pomerium| Some((pomerium, pomerium.service_accounts.as_ref()?)));
    let settings = settings.ok_or_else(|| {
        let detail = "there are no service accounts: the control plane's configuration has no pomerium.serviceAccounts";
        ApiError::new(StatusCode::CONFLICT, "no-service-accounts", detail)
    })?;
    let in_force = app.in_force();
    let identity = check(&wanted, settings, |name| super::super::pomerium::takes_tokens(&in_force, name))
        .map_err(|detail| ApiError::new(StatusCode::BAD_REQUEST, "bad-service-account", detail))?;
    let now = app.clock.now();
    let issue = Issue {
        identity,
        clusters: wanted.clusters,
        expires_at: now.after(Duration::from_secs(wanted.expires_in)),
        by: by.user,
    };
    let made_at = app.sessions.made_at(&issue.identity.person(), now).await.map_err(ApiError::unavailable)?;
    let (clusters, by) = (issue.clusters.clone(), issue.by.clone());
    let mint = |session: &Session, cluster: &ClusterName| {
        app.minter.pomerium_token(session, cluster, &in_force.policy, made_at)
    };
    let (session, tokens) = app.sessions.issue(issue, mint, now).await.map_err(refused)?;
    let account = AccountView::new(&session, clusters, by);
    let AccountView { id, user, issued_by: administrator, expires_at, .. } = &account;
    let (groups, clusters) = (account.groups.join(","), names(&account.clusters));
    tracing::info!(administrator, id, user, groups, clusters, expires_at, "a token of a service account was issued");
    let tokens = tokens.into_iter().map(|(cluster, token)| TokenView { cluster, token }).collect();
    Ok((StatusCode::CREATED, super::json(IssuedView { account, tokens })).into_response())
}

/// Who it would be, or what is wrong.
fn check(
    wanted: &Wanted,
    (pomerium, settings): (&Pomerium, &ServiceAccounts),
    takes_tokens: impl Fn(&str) -> bool,
) -> Result<Identity, String> {
    let Wanted { name, clusters, groups, expires_in } = wanted;
    let user = format!("{}{name}", settings.user_prefix);
    if !is_account_name(name) || check_user(&user).is_err() {
        return Err(format!("name: {name:?} cannot be used (visible ASCII without commas and colons, at most 128)"));
    }
    if clusters.is_empty() || clusters.len() > MOST || groups.len() > MOST {
        return Err(format!("clusters: name between 1 and {MOST}, and no more groups than that"));
    }
    for (position, cluster) in clusters.iter().enumerate() {
        if clusters.iter().take(position).any(|other| other == cluster) {
            return Err(format!("clusters: {:?} is named twice", cluster.as_str()));
        }
        if !pomerium.is_on(cluster.as_str()) || !takes_tokens(cluster.as_str()) {
            return Err(format!("clusters: {:?} is no cluster that takes tokens of pomerium-cli", cluster.as_str()));
        }
    }
    for group in groups {
        identity_name::check(group).map_err(|error| format!("groups: {group:?} {error}"))?;
        if identity_name::is_reserved(&group.to_ascii_lowercase()) {
            return Err(format!("groups: {group:?} is one of Kubernetes' own and cannot be given"));
        }
    }
    let lifetime = Duration::from_secs(*expires_in);
    if !(SHORTEST..=settings.max_lifetime).contains(&lifetime) {
        let (shortest, longest) = (show_duration(SHORTEST), show_duration(settings.max_lifetime));
        return Err(format!("expires_in: must be between {shortest} and {longest}"));
    }
    Ok(Identity {
        provider: SERVICE_ACCOUNTS.to_owned(),
        subject: name.clone(),
        user,
        uid: None,
        email: None,
        groups: groups.clone(),
        claims: std::collections::BTreeMap::new(),
        acr: None,
        amr: Vec::new(),
        credential: None,
    })
}

/// Ends one. Gateways refuse its tokens, and cut its streams, within a second.
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    by: Administrator,
    Path(id): Path<SessionId>,
) -> Result<Response, ApiError> {
    administrator::to_its_end(revoke(app, by, id)).await
}

async fn revoke(app: Arc<App>, by: Administrator, id: SessionId) -> Result<Response, ApiError> {
    let ended = app.sessions.revoke_issued(&id, app.clock.now()).await.map_err(ApiError::unavailable)?;
    let session = ended.ok_or_else(|| {
        let detail =
            "no token of a service account has this id, or it has ended; GET /api/v1/service-accounts lists them";
        ApiError::new(StatusCode::NOT_FOUND, "unknown-service-account", detail)
    })?;
    let user = session.identity.user;
    tracing::info!(administrator = by.user, %id, user, "a token of a service account was revoked");
    Ok(super::json(json!({ "id": id, "user": user })))
}

fn names(clusters: &[ClusterName]) -> String {
    clusters.iter().map(ClusterName::as_str).collect::<Vec<_>>().join(",")
}

fn refused(error: IssueRefused) -> ApiError {
    match error {
        IssueRefused::TooMany(_) => {
            ApiError::new(StatusCode::CONFLICT, "too-many-tokens", format!("the service account: {error}"))
        }
        IssueRefused::Mint(error) => ApiError::new(StatusCode::BAD_REQUEST, "bad-service-account", error.to_string()),
        IssueRefused::Failed(SessionError::Disabled(disabled)) => {
            let detail = format!("{} is disabled, by {}: {}", disabled.person, disabled.by, disabled.reason);
            ApiError::new(StatusCode::CONFLICT, "person-disabled", detail)
        }
        IssueRefused::Failed(error) => ApiError::unavailable(error),
    }
}
