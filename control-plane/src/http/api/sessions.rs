//! `/api/v1/sessions`: which sessions there are, and their end: one's own, or for administrators everybody's.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use kubegate_core::id::SessionId;
use kubegate_core::time::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::super::error::ApiError;
use super::super::extract::{Caller, Parameters};
use super::administrator::{self, Administrator};
use crate::app::App;
use crate::clock::rfc3339;
use crate::session::{Cursor, EndReason, Session};

#[derive(Serialize)]
struct Sessions {
    sessions: Vec<SessionView>,
    /// Where to go on, when there are more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A session as people see it.
#[derive(Serialize)]
struct SessionView {
    id: String,
    /// What it is held by.
    kind: &'static str,
    person: String,
    user: String,
    provider: String,
    provider_name: String,
    /// What the client says that it is.
    client: Option<String>,
    /// Where it was begun, and where it was last used.
    address: Option<String>,
    last_address: Option<String>,
    created_at: String,
    last_used_at: String,
    expires_at: String,
    /// `live`, or `idle`: it gives no new tokens, but its streams may be open.
    state: &'static str,
    /// Whether it is the one that asks.
    current: bool,
}

impl SessionView {
    fn new(app: &App, session: Session, current: &SessionId, now: Timestamp) -> Self {
        Self {
            kind: session.kind.as_str(),
            person: session.identity.person().to_string(),
            provider_name: app.provider_name(&session.identity.provider).to_owned(),
            client: session.holder.client.clone(),
            address: session.holder.address.map(|address| address.to_string()),
            last_address: session.last_address.map(|address| address.to_string()),
            created_at: rfc3339(session.created_at),
            last_used_at: rfc3339(session.last_used_at),
            expires_at: rfc3339(session.expires_at),
            state: if session.is_live(now) { "live" } else { "idle" },
            current: session.id == *current,
            id: session.id.to_string(),
            user: session.identity.user,
            provider: session.identity.provider,
        }
    }
}

/// The caller's own sessions; an administrator's with `?person=NAME` are that person's, with `?all=true` everybody's.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let bad = |detail: &str| ApiError::new(StatusCode::BAD_REQUEST, "bad-request", detail);
    let parameters = Parameters::parse(query.as_deref().unwrap_or_default())
        .map_err(|repeated| bad(&format!("{} is given twice", repeated.0)))?;
    let now = app.clock.now();
    let (person, all) = (parameters.get("person"), parameters.get("all") == Some("true"));
    if person.is_some() || all {
        Administrator::check(&app, &caller.session.identity)?;
    }
    let (sessions, next) = if all {
        let cursor = parameters.get("after").map(|text| Cursor::parse(text).ok_or_else(|| bad("after: is no cursor")));
        let page = app.sessions.all(now, cursor.transpose()?.as_ref()).await.map_err(ApiError::unavailable)?;
        (page.sessions, page.next.map(|next| next.to_string()))
    } else {
        let person = match person {
            Some(name) => administrator::person(&app, name).await?.person,
            None => caller.session.identity.person(),
        };
        (app.sessions.list_of(&person, now).await.map_err(ApiError::unavailable)?, None)
    };
    let view = |session| SessionView::new(&app, session, &caller.session.id, now);
    Ok(super::json(Sessions { sessions: sessions.into_iter().map(view).collect(), next }))
}

/// Ends one session: one of the caller's own, or anybody's for an administrator. To others there is no such session.
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    administrator::to_its_end(end(app, caller, SessionId::from(id))).await
}

async fn end(app: Arc<App>, caller: Caller, id: SessionId) -> Result<Response, ApiError> {
    let by = caller.session.identity;
    let found = app.sessions.find(&id).await.map_err(ApiError::unavailable)?;
    let own = |session: &Session| session.identity.person() == by.person();
    let found = found.filter(|session| own(session) || app.is_administrator(&by)).ok_or_else(|| {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "unknown-session",
            "you have no session of this id; `kubegate sessions` lists yours",
        )
    })?;
    let reason = if own(&found) { EndReason::SignedOut } else { EndReason::Administrator };
    let now = app.clock.now();
    let ended = found.is_live(now) || found.is_idle(now);
    app.sessions.end(&id, reason, now).await.map_err(ApiError::unavailable)?;
    tracing::info!(by = by.user, session = %id, user = found.identity.user, ended, reason = reason.as_str(), "a session was ended");
    Ok(super::json(json!({ "id": id, "user": found.identity.user, "ended": ended })))
}

/// Ends all of the caller's sessions, this one too.
pub(in crate::http) async fn delete_all(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, ApiError> {
    administrator::to_its_end(end_all(app, caller)).await
}

async fn end_all(app: Arc<App>, caller: Caller) -> Result<Response, ApiError> {
    let identity = caller.session.identity;
    let person = identity.person();
    let ended = app.sessions.end_all(&person, EndReason::SignedOut, app.clock.now()).await;
    let sessions = ended.map_err(ApiError::unavailable)?;
    tracing::info!(%person, user = identity.user, sessions, "signed out everywhere");
    Ok(super::json(json!({ "sessions": sessions })))
}
