//! `/oauth/authorize`: grants a code to the command line.
//!
//! ```text
//!  not signed in, or not as demanded ────────▶ /login ──▶ back here
//!  just signed in for this very request ─────▶ code, or the error that the demand is not met
//!  signed in before ──▶ "continue as …?" ─POST▶ code
//! ```
//!
//! Any page and any program on the machine can send a browser here, so a session alone grants
//! nothing: the person has to choose, here or on the sign-in page.
//!
//! What the request demands of the sign-in ([`Demand`](crate::oidc::Demand)) is judged here, each time, whatever the way
//! here was; a sign-in for this very request that does not meet it is not asked for again.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::error::{PageError, ascii};
use super::super::extract::{BrowserSession, Parameters};
use super::super::pages::login_url;
use super::super::templates::{self, ConsentPage};
use super::CLIENT;
use super::request::{AuthorizationRequest, InvalidRequest};
use crate::accounts;
use crate::app::App;
use crate::oidc::{Shown, UNMET};
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
    if let Some(asked) = request.demand.in_words().filter(|_| nobody_has_acr(&app, &request)) {
        let what = format!("a sign-in {asked} was asked for, and accounts of this gateway have no acr");
        return unmet(&app, &request, &what);
    }
    let here = format!("{PATH}?{query}");
    let to_sign_in = || Ok(see_other(&login_url(&here, request.provider.as_deref())));
    let Some(session) = session.filter(|session| is_young(&app, session)) else {
        return to_sign_in();
    };
    let purpose = app.sessions.take_purpose(&session, &here).await.map_err(PageError::internal)?;
    match request.demand.judge(shown(&session, purpose.is_some()), app.clock.now()) {
        Err(lacking) if purpose.is_some() => {
            let what = lacking.told(app.provider_name(&session.identity.provider));
            return unmet(&app, &request, &what);
        }
        Err(_) => return to_sign_in(),
        Ok(()) if purpose.as_ref().is_some_and(|purpose| purpose.chosen) => {
            return grant(&app, &session, &request).await;
        }
        Ok(()) => {}
    }
    let (browser, jar) = app.cookies.browser_or_new(&headers).map_err(PageError::internal)?;
    let csrf = app.forms.proof(&browser, &form_purpose(&session, &query, purpose.is_some()));
    let page = ConsentPage {
        user: &session.identity.user,
        provider: app.provider_name(&session.identity.provider),
        on_this_computer: request.redirect.loopback,
        device: request.device.as_deref(),
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
    let proves = |for_this| app.forms.proves(proof, browser.as_ref(), &form_purpose(&session, query, for_this));
    let Some(for_this) = [true, false].into_iter().find(|for_this| proves(*for_this)) else {
        return Err(expired());
    };
    match form.get("decision") {
        Some("allow") if request.demand.judge(shown(&session, for_this), app.clock.now()).is_err() => {
            Ok(see_other(&login_url(&here, request.provider.as_deref())))
        }
        Some("allow") => grant(&app, &session, &request).await,
        Some("other") => {
            let ended = app.sessions.end(&session.id, EndReason::SignedOut, app.clock.now()).await;
            ended.map_err(PageError::internal)?;
            let there = see_other(&login_url(&here, request.provider.as_deref()));
            Ok((app.cookies.forget_session(), there).into_response())
        }
        _ => {
            let parameters = [("error", "access_denied"), ("error_description", "you chose Cancel")];
            Ok(see_other(&request.redirect.with(&parameters, request.state.as_deref(), &app.issuer)))
        }
    }
}

/// What the form of the consent page stands for.
fn form_purpose<'a>(session: &'a Session, query: &'a str, for_this: bool) -> [&'a str; 4] {
    let how = if for_this { "signed in for this" } else { "signed in before" };
    ["authorize", how, session.id.as_str(), query]
}

/// What the sign-in of `session` has shown; `for_this` when it was made for this very request.
pub(in crate::http) fn shown(session: &Session, for_this: bool) -> Shown<'_> {
    Shown { acr: session.identity.acr.as_deref(), auth_time: session.auth_time, for_this }
}

/// Whether an acr is demanded of those who have none: built-in accounts.
fn nobody_has_acr(app: &App, request: &AuthorizationRequest) -> bool {
    let accounts_only = app.providers.is_empty() || request.provider.as_deref() == Some(accounts::PROVIDER);
    request.demand.asks_for_acr() && accounts_only
}

/// The answer when no sign-in meets the demand. Where our own code page would be the one to get it, the page comes at
/// once: what is said in its address could be anybody's words.
pub(in crate::http) fn unmet(app: &App, request: &AuthorizationRequest, what: &str) -> Result<Response, PageError> {
    tracing::info!(what, "a sign-in did not meet the demand");
    if request.redirect.loopback {
        let what = ascii(what);
        let parameters = [("error", UNMET), ("error_description", what.as_str())];
        return Ok(see_other(&request.redirect.with(&parameters, request.state.as_deref(), &app.issuer)));
    }
    Err(PageError::new(
        StatusCode::FORBIDDEN,
        "unmet-authentication-requirements",
        "This sign-in is not enough",
        format!("Kubegate cannot go on: {what}."),
        "There is no code for the terminal: end the command that waits there. Run it again, and sign in another way that \
         your identity provider offers. If it has none, ask whoever runs Kubegate. Until then everything stays as it was.",
    ))
}

/// Whether enough is left of the sign-in to make a session of it; else the person signs in anew.
pub(in crate::http) fn is_young(app: &App, session: &Session) -> bool {
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
            let parameters = [("error", error), ("error_description", description.as_str())];
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

pub(in crate::http) fn expired() -> PageError {
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
