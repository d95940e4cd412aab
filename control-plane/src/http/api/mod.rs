//! The API for command lines that hold an access token of ours.

mod administrator;
pub(super) mod bundle;
pub(super) mod clusters;
pub(super) mod elevations;
pub(super) mod people;
pub(super) mod revocations;
pub(super) mod sessions;
pub(super) mod status;
pub(super) mod whoami;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// JSON that no cache keeps.
fn json<T: Serialize>(body: T) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
}
