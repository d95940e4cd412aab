//! `POST /device/decision`: what the person said about a machine without a browser.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use super::super::error::PageError;
use super::super::extract::{BrowserSession, ClientAddress, Parameters};
use super::super::oauth::authorize::{expired, see_other, shown};
use super::super::templates::{self, DeviceDonePage};
use super::device::{self, asked, check_offered, check_provider, decision_purpose, demand_of};
use super::login_url;
use crate::app::App;
use crate::session::{EndReason, UserCode};

/// Whoever comes here without a form is shown it.
pub(in crate::http) async fn get() -> Response {
    see_other(device::PATH)
}

/// The person's answer.
pub(in crate::http) async fn post(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    BrowserSession(session): BrowserSession,
    headers: HeaderMap,
    body: String,
) -> Result<Response, PageError> {
    check_offered(&app)?;
    let form = Parameters::parse(&body).map_err(|_| expired())?;
    let (Some(session), Some(code)) = (session, form.get("user_code").and_then(UserCode::parse)) else {
        return Err(expired());
    };
    let shown_code = code.to_string();
    let proof = form.get("csrf").unwrap_or_default();
    let browser = app.cookies.browser(&headers);
    let proves =
        |for_this| app.forms.proves(proof, browser.as_ref(), &decision_purpose(&session, &shown_code, for_this));
    let Some(for_this) = [true, false].into_iter().find(|for_this| proves(*for_this)) else {
        return Err(expired());
    };
    check_provider(&app, &session)?;
    let (hash, now) = (app.user_codes.hash(&code), app.clock.now());
    let grant = app.sessions.waiting_device(hash, now).await.map_err(PageError::internal)?.ok_or_else(over)?;
    let again = || see_other(&login_url(&asked(&grant).path(&shown_code), grant.request.provider.as_deref()));
    let allow = match form.get("decision") {
        Some("other") => {
            let ended = app.sessions.end(&session.id, EndReason::SignedOut, now).await;
            ended.map_err(PageError::internal)?;
            return Ok((app.cookies.forget_session(), again()).into_response());
        }
        Some("allow") if demand_of(&grant).judge(shown(&session, for_this), now).is_err() => return Ok(again()),
        decision => decision == Some("allow"),
    };
    if !app.sessions.decide_device(hash, &session, allow, now).await.map_err(PageError::internal)? {
        return Err(over());
    }
    let request = &grant.request;
    tracing::info!(
        session = %session.id, user = session.identity.user, allow, %address, device = request.device,
        asked_from = %request.address, "a person decided about a machine without a browser"
    );
    Ok(templates::ok(&DeviceDonePage { user: allow.then_some(session.identity.user.as_str()) }))
}

fn over() -> PageError {
    PageError::new(
        axum::http::StatusCode::NOT_FOUND,
        "device-code-over",
        "This request is over",
        "Somebody has decided about it already, or it is older than ten minutes.",
        "If the terminal still waits, run the command there again and type its new code.",
    )
}
