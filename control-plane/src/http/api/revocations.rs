//! `POST /api/v1/revocations`: an administrator ends a session, or all sessions of a person.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::Response;
use kubegate_core::id::{PersonId, SessionId};
use serde::{Deserialize, Serialize};

use super::super::error::ApiError;
use super::super::extract::Caller;
use crate::app::App;
use crate::session::EndReason;

/// What to revoke.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub(in crate::http) enum Target {
    /// One session, by its id.
    Session(SessionId),
    /// Everything of one person, `<provider>:<subject>`.
    Person(PersonId),
}

#[derive(Serialize)]
struct Revoked {
    sessions: usize,
}

/// Ends what is named. Gateways refuse its tokens, and cut its streams, within seconds.
pub(in crate::http) async fn post(
    State(app): State<Arc<App>>,
    caller: Caller,
    target: Result<Json<Target>, JsonRejection>,
) -> Result<Response, ApiError> {
    let identity = &caller.session.identity;
    if !app.admins.matches(&identity.as_rules_see()) {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "not-an-administrator",
            "only administrators may do this; `admins` in the control plane's configuration names them",
        ));
    }
    let Json(target) = target.map_err(|_| {
        let detail = "send {\"session\": ID} or {\"person\": \"PROVIDER:SUBJECT\"} as application/json";
        ApiError::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    })?;
    let now = app.clock.now();
    let (what, sessions) = match target {
        Target::Session(id) => {
            let ended = app.sessions.end(&id, EndReason::Administrator, now).await.map_err(ApiError::unavailable)?;
            (id.to_string(), usize::from(ended))
        }
        Target::Person(person) => {
            let ended = app.sessions.end_all(&person, EndReason::Administrator, now).await;
            (person.to_string(), ended.map_err(ApiError::unavailable)?)
        }
    };
    tracing::info!(administrator = identity.user, what, sessions, "revoked by an administrator");
    Ok(super::json(Revoked { sessions }))
}
