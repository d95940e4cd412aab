//! `/api/v1/people/…`: an administrator shuts a person out, and lets that person in again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::Response;
use kubegate_core::id::PersonId;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::error::ApiError;
use super::super::people::{self, NotDisabled};
use super::administrator::{self, Administrator};
use crate::app::App;
use crate::clock::rfc3339;
use crate::elevation::check_reason;
use crate::session::{Disabled, Named, ShutOut};

/// Whom, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Order {
    person: String,
    reason: String,
}

#[derive(Serialize)]
struct People {
    people: Vec<DisabledView>,
}

#[derive(Serialize)]
struct DisabledView {
    person: PersonId,
    user: Option<String>,
    reason: String,
    disabled_by: String,
    disabled_at: String,
}

/// Everybody who is disabled.
pub(in crate::http) async fn disabled(State(app): State<Arc<App>>, _by: Administrator) -> Result<Response, ApiError> {
    let all = app.sessions.disabled().await.map_err(ApiError::unavailable)?;
    let view = |disabled: Disabled| DisabledView {
        person: disabled.person,
        user: disabled.user,
        reason: disabled.reason,
        disabled_by: disabled.by,
        disabled_at: rfc3339(disabled.at),
    };
    Ok(super::json(People { people: all.into_iter().map(view).collect() }))
}

/// Disables a person. Gateways refuse every token of theirs, and cut every stream, within a second.
pub(in crate::http) async fn disable(
    State(app): State<Arc<App>>,
    by: Administrator,
    sent: Result<Json<Order>, JsonRejection>,
) -> Result<Response, ApiError> {
    administrator::to_its_end(shut_out(app, by, read(sent)?)).await
}

async fn shut_out(app: Arc<App>, by: Administrator, order: Order) -> Result<Response, ApiError> {
    let named = administrator::person(&app, &order.person).await?;
    let (disabled, done) =
        people::disable(&app, &by.as_by(), named, order.reason).await.map_err(|error| match error {
            NotDisabled::Yourself => {
                let detail = "you would shut yourself out, perhaps as the last administrator; ask another one";
                ApiError::new(StatusCode::CONFLICT, "yourself", detail)
            }
            NotDisabled::Failed(error) => ApiError::unavailable(error),
        })?;
    let (ShutOut { sessions, was_disabled }, Disabled { person, user, .. }) = (done, disabled);
    Ok(super::json(json!({ "person": person, "user": user, "sessions": sessions, "was_disabled": was_disabled })))
}

/// Lets a person sign in again.
pub(in crate::http) async fn enable(
    State(app): State<Arc<App>>,
    by: Administrator,
    sent: Result<Json<Order>, JsonRejection>,
) -> Result<Response, ApiError> {
    administrator::to_its_end(let_in(app, by, read(sent)?)).await
}

async fn let_in(app: Arc<App>, by: Administrator, order: Order) -> Result<Response, ApiError> {
    let named = administrator::person(&app, &order.person).await?;
    let was_disabled = people::enable(&app, &by.as_by(), &named, &order.reason).await.map_err(ApiError::unavailable)?;
    let Named { person, user } = named;
    Ok(super::json(json!({ "person": person, "user": user, "was_disabled": was_disabled })))
}

/// The order, with a good reason.
fn read(sent: Result<Json<Order>, JsonRejection>) -> Result<Order, ApiError> {
    let Order { person, reason } = administrator::body(sent, "{\"person\": \"PROVIDER:SUBJECT\", \"reason\": TEXT}")?;
    let reason = check_reason(&reason)
        .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "bad-request", error.to_string()))?;
    Ok(Order { person, reason })
}
