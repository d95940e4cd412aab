//! `POST /logout`: ends the browser's session, and all others of its sign-in at a provider; then leads on to that
//! provider's own logout (OpenID Connect RP-Initiated Logout 1.0).

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kubegate_core::secret::Secret;
use url::Url;

use super::super::error::PageError;
use super::super::extract::{BrowserSession, Parameters};
use super::super::oauth::authorize::see_other;
use super::super::templates::{self, SignedOutPage, There};
use super::logged_out::PURPOSE;
use crate::app::App;
use crate::session::EndReason;
use crate::store::sign_in::SignIn;
use crate::telemetry::chain;

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
        return Err(PageError::new(
            StatusCode::FORBIDDEN,
            "form-expired",
            "You are still signed in",
            "The form was not opened in this browser.",
            "Open the start page and sign out there.",
        ));
    }
    let now = app.clock.now();
    let sign_in = match &session.sign_in {
        Some(id) => app.sessions.sign_in(id).await.map_err(PageError::internal)?,
        None => None,
    };
    let ended = match &sign_in {
        Some(sign_in) => app.sessions.end_sign_in(&sign_in.id, EndReason::SignedOut, now).await,
        None => app.sessions.end(&session.id, EndReason::SignedOut, now).await.map(usize::from),
    };
    let sessions = ended.map_err(PageError::internal)?;
    tracing::info!(session = %session.id, user = session.identity.user, sessions, "a browser signed out");
    let there = match (&sign_in, &browser) {
        (Some(sign_in), Some(browser)) => there(&app, sign_in, browser).await,
        _ => None,
    };
    let Some((name, url)) = there else {
        return Ok((app.cookies.forget_session(), see_other("/")).into_response());
    };
    let page = SignedOutPage { everywhere: None, sessions, there: Some(There { name, url: url.as_str() }) };
    let mut page = (app.cookies.forget_session(), templates::ok(&page)).into_response();
    // A form may lead to our own pages alone; what a page leads on to is another matter.
    if let Ok(refresh) = HeaderValue::from_str(&format!("0; url={url}")) {
        page.headers_mut().insert(header::REFRESH, refresh);
    }
    Ok(page)
}

/// The provider's own logout. That it does not answer keeps nobody from signing out here.
async fn there<'a>(app: &'a App, sign_in: &SignIn, browser: &Secret) -> Option<(&'a str, Url)> {
    let provider = app.providers.get(&sign_in.provider)?;
    let back = format!("{}/logged-out", app.issuer.as_str());
    let state = app.forms.proof(browser, &[PURPOSE, provider.id()]);
    match provider.logout_url(sign_in, &back, &state).await {
        Ok(url) => Some((provider.name(), url?)),
        Err(error) => {
            let error = chain(&error);
            tracing::warn!(provider = provider.id(), error, "a person could not be led on to the provider's logout");
            None
        }
    }
}
