//! `GET /oauth/jwks.json`: the keys that verify our tokens.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::app::App;

/// The public keys.
pub(in crate::http) async fn get(State(app): State<Arc<App>>) -> Response {
    let keys = app.token_keys.public(app.clock.now());
    ([(header::CACHE_CONTROL, "public, max-age=300")], axum::Json(json!({ "keys": keys }))).into_response()
}
