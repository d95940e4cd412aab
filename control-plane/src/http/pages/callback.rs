//! `GET /callback/{provider}`: where an identity provider sends the browser back to.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::super::error::PageError;
use super::super::extract::{ClientAddress, Parameters, browser_holder};
use super::super::oauth::authorize;
use super::provider::refused;
use super::{ReturnTo, sign_in};
use crate::app::App;
use crate::oidc::{Answer, OidcError, UNMET};
use crate::session::SignIn;

/// The end of a sign-in.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    ClientAddress(address): ClientAddress,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let provider = app.providers.get(&id).ok_or_else(|| {
        PageError::new(
            StatusCode::NOT_FOUND,
            "unknown-provider",
            "There is no such provider",
            "Kubegate knows no identity provider by this name.",
            "Open the sign-in page and begin again.",
        )
    })?;
    let parameters = Parameters::parse(query.as_deref().unwrap_or_default()).ok();
    let parameter = |name| parameters.as_ref().and_then(|parameters| parameters.get(name));
    let answer = Answer {
        state: parameter("state"),
        code: parameter("code"),
        issuer: parameter("iss"),
        error: parameter("error"),
        error_description: parameter("error_description"),
    };
    let browser = app.cookies.browser(&headers);
    let finished = match browser {
        Some(browser) => provider.finish(&browser, answer, app.clock.now()).await,
        None => Err(OidcError::State),
    };
    let finished = match finished {
        Ok(finished) => finished,
        Err(error) => {
            app.metrics.sign_in(&id, error.code());
            return unmet(&app, provider.name(), &error).unwrap_or_else(|| Err(refused(provider.name(), error)));
        }
    };
    if finished.groups_dropped > 0 {
        let labels = crate::telemetry::SignInLabels { provider: id, result: "dropped" };
        app.metrics.groups_dropped.get_or_create(&labels).inc_by(finished.groups_dropped);
    }
    let return_to = ReturnTo::parse(Some(&finished.return_to), &app.issuer);
    let sign_in = SignIn {
        identity: finished.identity,
        auth_time: finished.auth_time,
        purpose: return_to.purpose(&app.issuer, finished.chosen),
        holder: browser_holder(&headers, address),
        at_provider: Some(finished.sign_in),
    };
    sign_in::complete(&app, sign_in, &return_to, &headers, address).await
}

/// The answer to the command line, when the provider itself says that it cannot meet the demand.
fn unmet(app: &App, provider: &str, error: &OidcError) -> Option<Result<Response, PageError>> {
    let OidcError::Denied { error, description, return_to } = error else { return None };
    let request = ReturnTo::parse(Some(return_to), &app.issuer).authorization(&app.issuer)?;
    let asked = request.demand.in_words().filter(|_| error == UNMET)?;
    let said = if description.is_empty() { "it has no such" } else { description };
    let what = format!("a sign-in {asked} was asked for, and {provider} answered: {said}");
    Some(authorize::unmet(app, &request, &what))
}
