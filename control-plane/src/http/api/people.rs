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
    if named.person == by.person {
        let detail = "you would shut yourself out, perhaps as the last administrator; ask another one";
        return Err(ApiError::new(StatusCode::CONFLICT, "yourself", detail));
    }
    let at = app.clock.now();
    let disabled = Disabled { person: named.person, user: named.user, reason: order.reason, by: by.user, at };
    let done = app.sessions.disable(&disabled).await.map_err(ApiError::unavailable)?;
    let ShutOut { sessions, was_disabled } = done;
    let Disabled { person, user, reason, by: administrator, .. } = disabled;
    if was_disabled {
        tracing::info!(
            administrator,
            %person,
            user,
            sessions,
            "an administrator was to disable somebody who is disabled already; the reason given first stays"
        );
    } else {
        tracing::info!(administrator, %person, user, sessions, reason, "disabled by an administrator");
    }
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
    let was_disabled = app.sessions.enable(&named.person, app.clock.now()).await.map_err(ApiError::unavailable)?;
    let Named { person, user } = named;
    let (administrator, reason) = (by.user, order.reason);
    if was_disabled {
        tracing::info!(administrator, %person, user, reason, "enabled by an administrator");
    } else {
        tracing::info!(administrator, %person, user, reason, "an administrator was to enable somebody who is not disabled");
    }
    Ok(super::json(json!({ "person": person, "user": user, "was_disabled": was_disabled })))
}

/// The order, with a good reason.
fn read(sent: Result<Json<Order>, JsonRejection>) -> Result<Order, ApiError> {
    let Order { person, reason } = administrator::body(sent, "{\"person\": \"PROVIDER:SUBJECT\", \"reason\": TEXT}")?;
    let reason = check_reason(&reason)
        .map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "bad-request", error.to_string()))?;
    Ok(Order { person, reason })
}
