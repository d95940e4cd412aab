//! `GET /healthz` and `GET /readyz`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::App;

/// The process runs.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The store answers and a policy is in force. A policy file that was refused does not make us
/// unready, since the one before stays in force; the body says so.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let store = app.store.read().await.is_ok();
    let refused = app.policy_status.borrow().problem.is_some();
    let version = app.bundle.borrow().in_force.version.to_string();
    let stopping = *app.stopping.borrow();
    let ready = store && !stopping;
    let body = json!({
        "ready": ready,
        "store": if store { "ok" } else { "failing" },
        "stopping": stopping,
        "policy": { "version": version, "file": if refused { "refused" } else { "in force" } },
    });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
