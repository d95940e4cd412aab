//! What every successful sign-in ends with.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use super::super::error::PageError;
use super::super::oauth::authorize::see_other;
use super::ReturnTo;
use crate::app::App;
use crate::session::{EndReason, SignIn};

/// Begins the browser's session in place of the one before, and leads on.
pub(super) async fn complete(
    app: &App,
    sign_in: SignIn,
    return_to: &ReturnTo,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<Response, PageError> {
    let now = app.clock.now();
    if let Some(before) = app.cookies.session(headers) {
        let before = app.sessions.by_cookie(before.expose(), now).await.map_err(PageError::internal)?;
        if let Some(before) = before {
            app.sessions.end(&before.id, EndReason::SignedOut, now).await.map_err(PageError::internal)?;
        }
    }
    let (session, cookie) = app.sessions.begin(sign_in, now).await.map_err(PageError::internal)?;
    let identity = &session.identity;
    tracing::info!(provider = identity.provider, user = identity.user, session = %session.id, %address, "signed in");
    Ok((app.cookies.set_session(&cookie), see_other(return_to.as_str())).into_response())
}
