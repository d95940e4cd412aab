//! `GET /login/{provider}`: begins a sign-in at an identity provider.
//!
//! The link on our sign-in page carries a proof that the person was shown it. Any other way here
//! begins a sign-in too, but then the person is asked before a command line gets a code.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kubegate_core::secret::Secret;

use super::super::error::PageError;
use super::super::extract::Parameters;
use super::super::oauth::authorize::see_other;
use super::ReturnTo;
use crate::app::App;
use crate::oidc::OidcError;

/// The link of our sign-in page to a provider.
pub(super) fn start_url(app: &App, browser: &Secret, provider: &str, return_to: &ReturnTo) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("return_to", return_to.as_str());
    query.append_pair("go", &app.forms.proof(browser, &["start", provider, return_to.as_str()]));
    format!("/login/{provider}?{}", query.finish())
}

/// The way to the provider.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
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
    let url = begun.map_err(|error| {
        app.metrics.sign_in(&id, error.code());
        refused(provider.name(), error)
    })?;
    Ok((jar, see_other(url.as_str())).into_response())
}

fn unknown() -> PageError {
    PageError::new(
        StatusCode::NOT_FOUND,
        "unknown-provider",
        "There is no such provider",
        "Kubegate knows no identity provider by this name.",
        "Open the sign-in page and choose one of those that it offers.",
    )
}

/// What a person reads when the provider, or its answer, is no good.
pub(super) fn refused(name: &str, error: OidcError) -> PageError {
    let status = match error {
        OidcError::Unavailable(_) => StatusCode::BAD_GATEWAY,
        OidcError::Store(_) | OidcError::Random(_) | OidcError::Seal(_) => return PageError::internal(error),
        _ => StatusCode::FORBIDDEN,
    };
    let (title, what, remedy) = error.for_the_person(name);
    PageError::new(status, error.code(), title, what, remedy).because(error)
}
