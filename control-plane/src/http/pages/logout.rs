//! `POST /logout`: ends the browser's session.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::super::error::PageError;
use super::super::extract::{BrowserSession, Parameters};
use super::super::oauth::authorize::see_other;
use crate::app::App;
use crate::session::EndReason;

/// The form of the start page.
pub(in crate::http) async fn post(
    State(app): State<Arc<App>>,
    BrowserSession(session): BrowserSession,
    headers: HeaderMap,
    body: String,
) -> Result<Response, PageError> {
    let Some(session) = session else {
        return Ok((app.cookies.forget_session(), see_other("/")).into_response());
    };
    let form = Parameters::parse(&body).ok();
    let proof = form.as_ref().and_then(|form| form.get("csrf")).unwrap_or_default();
    let browser = app.cookies.browser(&headers);
    if !app.forms.proves(proof, browser.as_ref(), &["logout", session.id.as_str()]) {
        return Err(PageError::of(StatusCode::FORBIDDEN, "form-expired").told_as("error-logout-form-expired"));
    }
    app.sessions.end(&session.id, EndReason::SignedOut, app.clock.now()).await.map_err(PageError::internal)?;
    tracing::info!(session = %session.id, user = session.identity.user, "a browser signed out");
    Ok((app.cookies.forget_session(), see_other("/")).into_response())
}
