//! `POST /sessions/end` and `POST /sessions/end-all`: a person ends sessions of theirs.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kubegate_core::id::SessionId;

use super::super::audit::Attempt;
use super::super::error::PageError;
use super::super::extract::{BrowserSession, ClientAddress, Parameters};
use super::super::oauth::authorize::see_other;
use super::login_url;
use crate::app::App;
use crate::session::{EndReason, Session};

/// Where the form goes that ends one session.
pub(super) const END: &str = "/sessions/end";

/// What a form that ends the session `id` stands for.
pub(super) fn end_purpose<'a>(own: &'a Session, id: &'a str) -> [&'a str; 3] {
    ["end-session", own.id.as_str(), id]
}

/// What the form that ends all sessions stands for.
pub(super) fn end_all_purpose(own: &Session) -> [&str; 2] {
    ["end-all-sessions", own.id.as_str()]
}

/// Ends one.
pub(in crate::http) async fn end(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    BrowserSession(session): BrowserSession,
    headers: HeaderMap,
    body: String,
) -> Result<Response, PageError> {
    let Some(own) = session else {
        return Ok(see_other(&login_url("/", None)));
    };
    let form = Parameters::parse(&body).map_err(|_| expired())?;
    let id = form.get("session").unwrap_or_default();
    check(&app, &form, &headers, address, &own, &end_purpose(&own, id))?;
    let (id, now) = (SessionId::from(id.to_owned()), app.clock.now());
    let theirs = app.sessions.list_of(&own.identity.person(), now).await.map_err(PageError::internal)?;
    if theirs.iter().any(|session| session.id == id) {
        app.sessions.end(&id, EndReason::SignedOut, now).await.map_err(PageError::internal)?;
        let attempt = Attempt::new("sign-out", address).of(&own).detail(&id);
        attempt.ended(1).succeeded("a person ended a session of theirs");
    } else {
        Attempt::new("sign-out", address).of(&own).refused("unknown");
    }
    if id == own.id {
        return Ok((app.cookies.forget_session(), see_other("/")).into_response());
    }
    Ok(see_other("/?done=session"))
}

/// Ends all of them, this one too.
pub(in crate::http) async fn end_all(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    BrowserSession(session): BrowserSession,
    headers: HeaderMap,
    body: String,
) -> Result<Response, PageError> {
    let Some(own) = session else {
        return Ok(see_other(&login_url("/", None)));
    };
    let form = Parameters::parse(&body).map_err(|_| expired())?;
    check(&app, &form, &headers, address, &own, &end_all_purpose(&own))?;
    let (person, now) = (own.identity.person(), app.clock.now());
    let ended = app.sessions.end_all(&person, EndReason::SignedOut, now).await.map_err(PageError::internal)?;
    Attempt::new("sign-out", address).of(&own).ended(ended).succeeded("a person signed out everywhere");
    Ok((app.cookies.forget_session(), see_other("/")).into_response())
}

/// Refuses a form that this browser was not shown for this.
fn check(
    app: &App,
    form: &Parameters,
    headers: &HeaderMap,
    address: IpAddr,
    own: &Session,
    purpose: &[&str],
) -> Result<(), PageError> {
    let proof = form.get("csrf").unwrap_or_default();
    if app.forms.proves(proof, app.cookies.browser(headers).as_ref(), purpose) {
        return Ok(());
    }
    Attempt::new("sign-out", address).of(own).refused("form-expired");
    Err(expired())
}

fn expired() -> PageError {
    PageError::of(StatusCode::FORBIDDEN, "form-expired")
}
