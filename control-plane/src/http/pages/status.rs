//! `GET /status`: for administrators, how the policy, the live set and the gateways stand.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::api::status::StatusView;
use super::super::error::PageError;
use super::super::extract::BrowserSession;
use super::super::oauth::authorize::see_other;
use super::super::templates::{self, StatusPage};
use super::login_url;
use crate::app::App;

/// The page.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    BrowserSession(session): BrowserSession,
) -> Result<Response, PageError> {
    let Some(session) = session else {
        return Ok(see_other(&login_url("/status", None)));
    };
    if !app.is_administrator(&session.identity) {
        return Err(PageError::of(StatusCode::FORBIDDEN, "not-an-administrator").with("user", &session.identity.user));
    }
    Ok(templates::ok(&StatusPage { status: &StatusView::of(&app) }))
}
