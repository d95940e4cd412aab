//! What every successful sign-in ends with.

use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::super::error::PageError;
use super::super::oauth::authorize::see_other;
use super::ReturnTo;
use crate::app::App;
use crate::clock::for_people;
use crate::session::{Disabled, EndReason, SessionError, SignIn};

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
        let before = app.sessions.by_cookie(before.expose(), address, now).await.map_err(PageError::internal)?;
        if let Some(before) = before {
            app.sessions.end(&before.id, EndReason::SignedOut, now).await.map_err(PageError::internal)?;
        }
    }
    let provider = sign_in.identity.provider.clone();
    let (session, cookie) = app.sessions.begin(sign_in, now).await.map_err(|error| match error {
        SessionError::Disabled(disabled) => {
            app.metrics.sign_in(&provider, EndReason::Disabled.as_str());
            refuse(&disabled)
        }
        error => PageError::internal(error),
    })?;
    app.metrics.sign_in(&provider, "ok");
    let identity = &session.identity;
    tracing::info!(provider = identity.provider, user = identity.user, session = %session.id, %address, "signed in");
    Ok((app.cookies.set_session(&cookie), see_other(return_to.as_str())).into_response())
}

fn refuse(disabled: &Disabled) -> PageError {
    let Disabled { person, by, reason, at, .. } = disabled;
    PageError::of(StatusCode::FORBIDDEN, "account-disabled")
        .with("by", by)
        .with("at", for_people(*at))
        .with("reason", reason)
        .with("person", person)
}
