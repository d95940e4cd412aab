//! `GET /callback/{provider}`: where an identity provider sends the browser back to.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::super::error::PageError;
use super::super::extract::{ClientAddress, Parameters};
use super::provider::refused;
use super::{ReturnTo, sign_in};
use crate::app::App;
use crate::oidc::{Answer, OidcError};
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
    let finished = finished.map_err(|error| {
        app.metrics.sign_in(&id, error.code());
        refused(provider.name(), error)
    })?;
    app.metrics.sign_in(&id, "ok");
    if finished.groups_dropped > 0 {
        let labels = crate::telemetry::SignInLabels { provider: id, result: "dropped" };
        app.metrics.groups_dropped.get_or_create(&labels).inc_by(finished.groups_dropped);
    }
    let return_to = ReturnTo::parse(Some(&finished.return_to), &app.issuer);
    let authorization = return_to.authorization(&app.issuer).filter(|_| finished.chosen);
    let sign_in = SignIn {
        identity: finished.identity,
        auth_time: finished.auth_time,
        granted: authorization.map(|_| return_to.as_str().to_owned()),
    };
    sign_in::complete(&app, sign_in, &return_to, &headers, address).await
}
