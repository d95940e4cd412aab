//! `/oauth/authorize`: grants a code to the command line.
//!
//! ```text
//!  not signed in ────────────────────────────▶ /login ──▶ back here
//!  just signed in for this very request ─────▶ code
//!  signed in before ──▶ "continue as …?" ─POST▶ code
//! ```
//!
//! Any page and any program on the machine can send a browser here, so a session alone grants
//! nothing: the person has to choose, here or on the sign-in page.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::error::PageError;
use super::super::extract::{BrowserSession, Parameters};
use super::super::pages::login_url;
use super::super::templates::{self, ConsentPage};
use super::CLIENT;
use super::request::{AuthorizationRequest, InvalidRequest};
use crate::app::App;
use crate::session::{CODE_LIFETIME, COPIED_CODE_LIFETIME, CodeRequest, EndReason, Session};

/// The path of this endpoint.
pub(in crate::http) const PATH: &str = "/oauth/authorize";

/// A request to go on.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    BrowserSession(session): BrowserSession,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let query = query.unwrap_or_default();
    let request = match AuthorizationRequest::parse(&query, &app.issuer) {
        Ok(request) => request,
        Err(invalid) => return refuse(&app, invalid),
    };
    let here = format!("{PATH}?{query}");
    let Some(session) = session.filter(|session| is_young(&app, session)) else {
        return Ok(see_other(&login_url(&here, request.provider.as_deref())));
    };
    if app.sessions.take_grant(&session, &here).await.map_err(PageError::internal)? {
        return grant(&app, &session, &request).await;
    }
    let (browser, jar) = app.cookies.browser_or_new(&headers).map_err(PageError::internal)?;
    let csrf = app.forms.proof(&browser, &["authorize", session.id.as_str(), &query]);
    let page = ConsentPage {
        user: &session.identity.user,
        provider: app.provider_name(&session.identity.provider),
        on_this_computer: request.redirect.loopback,
        csrf: &csrf,
        request: &query,
    };
    Ok((jar, templates::page(&page, StatusCode::OK, request.redirect.form_target())).into_response())
}

/// The person's answer.
pub(in crate::http) async fn post(
    State(app): State<Arc<App>>,
    BrowserSession(session): BrowserSession,
    headers: HeaderMap,
    body: String,
) -> Result<Response, PageError> {
    let form = Parameters::parse(&body).map_err(|_| expired())?;
    let query = form.get("request").unwrap_or_default();
    let request = match AuthorizationRequest::parse(query, &app.issuer) {
        Ok(request) => request,
        Err(invalid) => return refuse(&app, invalid),
    };
    let here = format!("{PATH}?{query}");
    let Some(session) = session else {
        return Ok(see_other(&login_url(&here, request.provider.as_deref())));
    };
    let proof = form.get("csrf").unwrap_or_default();
    let browser = app.cookies.browser(&headers);
    if !app.forms.proves(proof, browser.as_ref(), &["authorize", session.id.as_str(), query]) {
        return Err(expired());
    }
    match form.get("decision") {
        Some("allow") => grant(&app, &session, &request).await,
        Some("other") => {
            let ended = app.sessions.end(&session.id, EndReason::SignedOut, app.clock.now()).await;
            ended.map_err(PageError::internal)?;
            let there = see_other(&login_url(&here, request.provider.as_deref()));
            Ok((app.cookies.forget_session(), there).into_response())
        }
        _ => {
            let parameters = [("error", "access_denied"), ("error_description", "the person did not go on")];
            Ok(see_other(&request.redirect.with(&parameters, request.state.as_deref(), &app.issuer)))
        }
    }
}

/// Whether enough is left of the sign-in to make a session of it; else the person signs in anew.
fn is_young(app: &App, session: &Session) -> bool {
    let now = app.clock.now();
    now.since(session.signed_in_at) < app.sessions.limits().max_lifetime / 2
}

async fn grant(app: &App, session: &Session, request: &AuthorizationRequest) -> Result<Response, PageError> {
    let asked = CodeRequest {
        client_id: CLIENT.to_owned(),
        redirect_uri: request.redirect.uri.clone(),
        code_challenge: request.code_challenge.clone(),
        lifetime: if request.redirect.loopback { CODE_LIFETIME } else { COPIED_CODE_LIFETIME },
    };
    let code = app.sessions.grant_code(session, asked, app.clock.now()).await.map_err(PageError::internal)?;
    let parameters = [("code", code.expose())];
    Ok(see_other(&request.redirect.with(&parameters, request.state.as_deref(), &app.issuer)))
}

fn refuse(app: &App, invalid: InvalidRequest) -> Result<Response, PageError> {
    match invalid {
        InvalidRequest::Answerable { redirect, state, error, description } => {
            let parameters = [("error", error), ("error_description", description)];
            Ok(see_other(&redirect.with(&parameters, state.as_deref(), &app.issuer)))
        }
        InvalidRequest::Unanswerable(what) => Err(PageError::new(
            StatusCode::BAD_REQUEST,
            "bad-authorization-request",
            "This sign-in request is not valid",
            format!("It does not come from the kubegate command line as we know it: {what}."),
            "Run `kubegate login` again. If you followed a link from somewhere else, do not use it.",
        )),
    }
}

fn expired() -> PageError {
    PageError::new(
        StatusCode::FORBIDDEN,
        "form-expired",
        "This form is no longer valid",
        "It was opened in another browser, or the sign-in that it belongs to has ended.",
        "Go back, load the page again, and send it once more.",
    )
}

/// A redirect that makes a GET of whatever it answers.
pub(in crate::http) fn see_other(location: &str) -> Response {
    (StatusCode::SEE_OTHER, [(header::LOCATION, location), (header::CACHE_CONTROL, "no-store")]).into_response()
}
