//! `GET /healthz` and `GET /readyz`.

use std::sync::Arc;
use std::time::Duration;

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

/// How old the live set may be before something keeps us from signing it: it is signed every half
/// minute.
const STALE: Duration = Duration::from_secs(120);

/// The store answers, and what gateways obey is fresh. A policy file that was refused does not make
/// us unready, since the one before stays in force; the body says so, and whether what is newer can be published.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> Response {
    let store = app.store.read().await.is_ok();
    let (file, failing) = {
        let status = app.policy_status.borrow();
        (status.file(), status.failing().is_some())
    };
    let (version, signed_at) = {
        let bundle = app.bundle.borrow();
        (bundle.in_force.version.to_string(), bundle.signed_at)
    };
    let fresh = app.clock.now().since(signed_at) < STALE;
    let stopping = *app.stopping.borrow();
    let ready = store && fresh && !stopping;
    let body = json!({
        "ready": ready,
        "store": if store { "ok" } else { "failing" },
        "live_set": if fresh { "fresh" } else { "stale" },
        "stopping": stopping,
        "publishing": if failing { "failing" } else { "ok" },
        "policy": { "version": version, "file": file },
    });
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
