//! `POST /api/v1/revocations`: an administrator ends a session, or all sessions of a person.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::Response;
use kubegate_core::id::{PersonId, SessionId};
use serde::{Deserialize, Serialize};

use super::super::error::ApiError;
use super::administrator::{self, Administrator};
use crate::app::App;
use crate::session::EndReason;

/// What to revoke.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub(in crate::http) enum Target {
    /// One session, by its id.
    Session(SessionId),
    /// Everything of one person: `<provider>:<subject>`, or a user name.
    Person(String),
}

#[derive(Serialize)]
struct Revoked {
    sessions: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    person: Option<PersonId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
}

/// Ends what is named. Gateways refuse its tokens, and cut its streams, within seconds.
pub(in crate::http) async fn post(
    State(app): State<Arc<App>>,
    by: Administrator,
    target: Result<Json<Target>, JsonRejection>,
) -> Result<Response, ApiError> {
    let target = administrator::body(target, "{\"session\": ID} or {\"person\": \"PROVIDER:SUBJECT\"}")?;
    administrator::to_its_end(revoke(app, by, target)).await
}

async fn revoke(app: Arc<App>, by: Administrator, target: Target) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let (what, revoked) = match target {
        Target::Session(id) => {
            let ended = app.sessions.end(&id, EndReason::Administrator, now).await.map_err(ApiError::unavailable)?;
            (id.to_string(), Revoked { sessions: usize::from(ended), person: None, user: None })
        }
        Target::Person(name) => {
            let named = administrator::person(&app, &name).await?;
            let ended = app.sessions.end_all(&named.person, EndReason::Administrator, now).await;
            let sessions = ended.map_err(ApiError::unavailable)?;
            (named.person.to_string(), Revoked { sessions, person: Some(named.person), user: named.user })
        }
    };
    tracing::info!(administrator = by.user, what, sessions = revoked.sessions, "revoked by an administrator");
    Ok(super::json(revoked))
}
