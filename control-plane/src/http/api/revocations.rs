//! `POST /api/v1/revocations`: an administrator ends a session, or all sessions of a person.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::response::Response;
use kubegate_core::id::{PersonId, SessionId};
use serde::{Deserialize, Serialize};

use super::super::error::ApiError;
use super::super::people;
use super::administrator::{self, Administrator};
use crate::app::App;

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
    let revoked = match target {
        Target::Session(id) => {
            let ended = people::end_session(&app, &by.as_by(), &id).await.map_err(ApiError::unavailable)?;
            Revoked { sessions: usize::from(ended), person: None, user: None }
        }
        Target::Person(name) => {
            let named = administrator::person(&app, &name).await?;
            let ended = people::end_all(&app, &by.as_by(), &named.person).await;
            Revoked { sessions: ended.map_err(ApiError::unavailable)?, person: Some(named.person), user: named.user }
        }
    };
    Ok(super::json(revoked))
}
