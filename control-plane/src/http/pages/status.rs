//! `GET /admin`: for administrators, how the policy, the live set and the gateways stand.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::super::api::status::StatusView;
use super::super::oauth::authorize::see_other;
use super::super::templates::{self, StatusPage};
use super::admin::Administrator;
use crate::app::App;

/// The page.
pub(in crate::http) async fn get(State(app): State<Arc<App>>, by: Administrator) -> Response {
    (by.jar, templates::ok(&StatusPage { status: &StatusView::of(&app) })).into_response()
}

/// Where it was before.
pub(in crate::http) async fn moved() -> Response {
    see_other("/admin")
}
