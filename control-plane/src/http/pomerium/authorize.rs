//! `/pomerium`: a person lets pomerium-cli have a token.
//!
//! ```text
//!  not signed in, or too long ago ───────────▶ /login ──▶ back here
//!  just signed in for this very request ─────▶ the token
//!  signed in before ──▶ "continue as …?" ─POST▶ the token
//! ```
//!
//! Either way the token stands in a form that the person sends to the machine's own pomerium-cli, so nobody gets one
//! without a choice that names the cluster.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kubegate_core::token::{MAX_GROUPS, MAX_TOKEN};

use super::super::audit::Attempt;
use super::super::error::PageError;
use super::super::extract::{BrowserSession, ClientAddress, Parameters};
use super::super::oauth::authorize::{provider_name, see_other};
use super::super::pages::login_url;
use super::super::templates;
use super::pages::{self, ConsentPage, HandOverPage};
use super::request::PomeriumRequest;
use super::{cluster_named, is_young};
use crate::app::App;
use crate::clock::for_people;
use crate::person::Identity;
use crate::session::{Disabled, EndReason, GrantError, Holder, PomeriumGrant, PomeriumRefused, Session, SessionError};
use crate::token::MintError;

/// The path of this endpoint.
pub(in crate::http) const PATH: &str = "/pomerium";

/// Whether a path of ours is a request here.
pub(in crate::http) fn is_request(path: &str) -> bool {
    path.strip_prefix(PATH).is_some_and(|rest| rest.starts_with('?'))
}

/// A request to go on.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    ClientAddress(address): ClientAddress,
    BrowserSession(session): BrowserSession,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let query = query.unwrap_or_default();
    audited(address, session.as_ref(), asked(&app, &query, address, session.clone(), &headers).await)
}

/// Leaves a line about what is refused.
fn audited(
    address: IpAddr,
    session: Option<&Session>,
    done: Result<Response, PageError>,
) -> Result<Response, PageError> {
    if let Err(error) = &done {
        Attempt::new("pomerium", address).of_any(session).refused(error.code());
    }
    done
}

async fn asked(
    app: &App,
    query: &str,
    address: IpAddr,
    session: Option<Session>,
    headers: &HeaderMap,
) -> Result<Response, PageError> {
    let request = PomeriumRequest::parse(query, &app.forms, app.clock.now()).ok_or_else(over)?;
    let here = format!("{PATH}?{query}");
    let Some(session) = session.filter(|session| is_young(app, session.signed_in_at)) else {
        return Ok(see_other(&login_url(&here, None)));
    };
    let purpose = app.sessions.take_purpose(&session, &here).await.map_err(PageError::internal)?;
    if purpose.is_some_and(|purpose| purpose.chosen) {
        return hand_over(app, &session, &request, address).await;
    }
    let in_force = app.in_force();
    let cluster = cluster_named(&in_force, &request.cluster).ok_or_else(not_here)?;
    let (browser, jar) = app.cookies.browser_or_new(headers).map_err(PageError::internal)?;
    let csrf = app.forms.proof(&browser, &form_purpose(&session, query));
    let page = ConsentPage {
        user: &session.identity.user,
        provider: provider_name(app, &session.identity.provider),
        cluster: cluster.name.as_str(),
        server: &cluster.server,
        waits_at: request.redirect.origin(),
        csrf: &csrf,
        request: query,
    };
    Ok((jar, templates::ok(&page)).into_response())
}

/// The person's answer.
pub(in crate::http) async fn post(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    BrowserSession(session): BrowserSession,
    headers: HeaderMap,
    body: String,
) -> Result<Response, PageError> {
    audited(address, session.as_ref(), answered(&app, &body, address, session.clone(), &headers).await)
}

async fn answered(
    app: &App,
    body: &str,
    address: IpAddr,
    session: Option<Session>,
    headers: &HeaderMap,
) -> Result<Response, PageError> {
    let form = Parameters::parse(body).map_err(|_| expired())?;
    let query = form.get("request").unwrap_or_default();
    let request = PomeriumRequest::parse(query, &app.forms, app.clock.now()).ok_or_else(over)?;
    let here = format!("{PATH}?{query}");
    let Some(session) = session.filter(|session| is_young(app, session.signed_in_at)) else {
        return Ok(see_other(&login_url(&here, None)));
    };
    let browser = app.cookies.browser(headers);
    let proof = form.get("csrf").unwrap_or_default();
    if !app.forms.proves(proof, browser.as_ref(), &form_purpose(&session, query)) {
        return Err(expired());
    }
    match form.get("decision") {
        Some("allow") => hand_over(app, &session, &request, address).await,
        Some("other") => {
            let ended = app.sessions.end(&session.id, EndReason::SignedOut, app.clock.now()).await;
            ended.map_err(PageError::internal)?;
            Ok((app.cookies.forget_session(), see_other(&login_url(&here, None))).into_response())
        }
        _ => Err(PageError::of(StatusCode::FORBIDDEN, "pomerium-denied")),
    }
}

/// What the session of pomerium-cli is said to be held by.
const CLIENT: &str = "pomerium-cli";

/// What the form of the consent page stands for.
fn form_purpose<'a>(session: &'a Session, query: &'a str) -> [&'a str; 3] {
    ["pomerium", session.id.as_str(), query]
}

/// Makes the token, and the page that hands it over.
async fn hand_over(
    app: &App,
    browser: &Session,
    request: &PomeriumRequest,
    address: IpAddr,
) -> Result<Response, PageError> {
    let (now, in_force) = (app.clock.now(), app.in_force());
    let settings = app.pomerium.as_ref().ok_or_else(not_here)?;
    let cluster = cluster_named(&in_force, &request.cluster).ok_or_else(not_here)?;
    let holder = Holder::new(Some(CLIENT), address);
    let grant =
        PomeriumGrant { request: &request.id, expires_at: request.expires_at, lifetime: settings.max_lifetime, holder };
    let review = |identity: &Identity| app.review(identity);
    let made_at = app.sessions.made_at(&browser.identity.person(), now).await.map_err(PageError::internal)?;
    let mint = |session: &Session| app.minter.pomerium_token(session, &cluster.name, &in_force.policy, made_at);
    let granted = app.sessions.grant_pomerium(&browser.id, grant, review, mint, now).await;
    let (session, token) = granted.map_err(refused)?;
    let user = &session.identity.user;
    let cluster = cluster.name.as_str();
    Attempt::new("pomerium", address).of(&session).on(cluster).succeeded("pomerium-cli signed in");
    let page = HandOverPage {
        user,
        cluster,
        until: for_people(session.expires_at),
        method: request.redirect.method(),
        action: request.redirect.as_str(),
        token: &token,
    };
    Ok(pages::hand_over(&page, request.redirect.form_target()))
}

fn refused(error: PomeriumRefused) -> PageError {
    let forbidden = |code| PageError::of(StatusCode::FORBIDDEN, code);
    match error {
        PomeriumRefused::Spent => over(),
        PomeriumRefused::Mint(MintError::TooManyGroups { length }) => {
            forbidden("pomerium-groups").with("length", length).with("most", MAX_GROUPS)
        }
        PomeriumRefused::Mint(MintError::TooLarge { length }) => {
            forbidden("pomerium-token").with("length", length).with("most", MAX_TOKEN)
        }
        PomeriumRefused::Mint(MintError::ReservedUser { user }) => forbidden("reserved-user").with("user", user),
        PomeriumRefused::Session(GrantError::Failed(SessionError::Disabled(disabled))) => {
            let Disabled { person, by, reason, at, .. } = *disabled;
            let refused = forbidden("account-disabled").with("by", by).with("reason", reason);
            refused.with("at", for_people(at)).with("person", person)
        }
        PomeriumRefused::Session(GrantError::Failed(SessionError::NotProvisioned(why))) => {
            forbidden("not-provisioned").told_as("error-pomerium-session-over").because(why)
        }
        PomeriumRefused::Session(GrantError::Failed(error)) => PageError::internal(error),
        PomeriumRefused::Mint(error) => PageError::internal(error),
        PomeriumRefused::Session(error) => forbidden("pomerium-session-over").because(error),
    }
}

fn over() -> PageError {
    PageError::of(StatusCode::BAD_REQUEST, "bad-pomerium-request")
}

fn not_here() -> PageError {
    PageError::of(StatusCode::NOT_FOUND, "no-pomerium")
}

fn expired() -> PageError {
    PageError::of(StatusCode::FORBIDDEN, "form-expired")
}
