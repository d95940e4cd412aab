//! `POST /oauth/revoke` (RFC 7009): ends the session of a refresh secret, or of a workload's own token.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::audit::Attempt;
use super::super::error::OAuthError;
use super::super::extract::{ClientAddress, Parameters};
use crate::app::App;

/// Ends the session at once. An unknown token is no error: it is as revoked as can be.
pub(in crate::http) async fn post(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    body: String,
) -> Result<Response, OAuthError> {
    let parameters = Parameters::parse(&body)
        .map_err(|repeated| OAuthError::new("invalid_request", format!("{} is given twice", repeated.0)))?;
    let token = parameters.get("token").ok_or_else(|| OAuthError::new("invalid_request", "token is missing"))?;
    let now = app.clock.now();
    let mut ended = app.sessions.revoke(token, now).await.map_err(OAuthError::unavailable)?;
    if ended.is_none() {
        ended = app.sessions.revoke_workload(token, now).await.map_err(OAuthError::unavailable)?;
    }
    match &ended {
        Some(session) => Attempt::new("sign-out", address).of(session).ended(1).succeeded("signed out"),
        None => Attempt::new("sign-out", address).refused("unknown"),
    }
    Ok((StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response())
}
