//! What SCIM has and we do not: `/Bulk`, `/Me`, `/.search`, other kinds of resources.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::answer;
use super::extract::Pushes;
use crate::app::App;

/// Nothing is there.
pub(in crate::http) async fn any(State(_): State<Arc<App>>, _pushes: Pushes) -> Response {
    let detail = "there are ServiceProviderConfig, ResourceTypes, Schemas, Users and Groups";
    answer::error(StatusCode::NOT_FOUND, None, detail)
}
