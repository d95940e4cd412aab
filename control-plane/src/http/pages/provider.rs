//! `GET /login/{provider}`: begins a sign-in at an identity provider.
//!
//! The link on our sign-in page carries a proof that the person was shown it. Any other way here
//! begins a sign-in too, but then the person is asked before a command line gets a code.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kubegate_core::secret::Secret;

use super::super::audit::Attempt;
use super::super::error::PageError;
use super::super::extract::{ClientAddress, Parameters};
use super::super::oauth::authorize::see_other;
use super::{ReturnTo, email};
use crate::app::App;
use crate::oidc::OidcError;

/// The link of our sign-in page to a provider, for somebody of this e-mail address.
pub(super) fn start_url(
    app: &App,
    browser: &Secret,
    provider: &str,
    return_to: &ReturnTo,
    address: Option<&str>,
) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("return_to", return_to.as_str());
    query.append_pair("go", &app.forms.proof(browser, &["start", provider, return_to.as_str()]));
    if let Some(address) = address {
        query.append_pair("login_hint", address);
    }
    format!("/login/{provider}?{}", query.finish())
}

/// The way to the provider.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    ClientAddress(from): ClientAddress,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let provider = app.providers.get(&id).ok_or_else(unknown)?;
    let parameters = Parameters::parse(query.as_deref().unwrap_or_default()).ok();
    let parameter = |name| parameters.as_ref().and_then(|parameters| parameters.get(name));
    let return_to = ReturnTo::parse(parameter("return_to"), &app.issuer);
    let (browser, jar) = app.cookies.browser_or_new(&headers).map_err(PageError::internal)?;
    let purpose = ["start", &id, return_to.as_str()];
    let chosen = app.forms.proves(parameter("go").unwrap_or_default(), Some(&browser), &purpose);
    let demand = return_to.demand(&app.issuer);
    let begun = provider.begin(&browser, return_to.as_str(), &demand, chosen, app.clock.now()).await;
    let mut url = begun.map_err(|error| {
        app.metrics.sign_in(&id, error.code());
        Attempt::new("provider", from).at(provider.id()).refused(error.code());
        refused(provider.name(), error)
    })?;
    // OpenID Connect Core 1.0, section 3.1.2.1: whom the provider may ask for a password at once.
    if let Some(hint) = parameter("login_hint").and_then(email::address).filter(|_| provider.takes_login_hint()) {
        url.query_pairs_mut().append_pair("login_hint", hint);
    }
    Ok((jar, see_other(url.as_str())).into_response())
}

pub(super) fn unknown() -> PageError {
    PageError::of(StatusCode::NOT_FOUND, "unknown-provider")
}

/// What a person reads when the provider, or its answer, is no good.
pub(super) fn refused(name: &str, error: OidcError) -> PageError {
    let status = match error {
        OidcError::Unavailable(_) | OidcError::UserInfo(_) | OidcError::UserInfoRefused(_) | OidcError::Groups(_) => {
            StatusCode::BAD_GATEWAY
        }
        OidcError::Store(_) | OidcError::Random(_) | OidcError::Seal(_) | OidcError::Sign(_) => {
            return PageError::internal(error);
        }
        _ => StatusCode::FORBIDDEN,
    };
    let (id, places) = error.for_the_person();
    let told = PageError::of(status, error.code()).told_as(id).with("provider", name);
    places.into_iter().fold(told, |told, (place, words)| told.with(place, words)).because(error)
}
