//! `GET /.pomerium/api/v1/login` on a cluster's host: the URL to sign in at, and nothing else.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::super::error::PageError;
use super::super::extract::Parameters;
use super::redirect::Redirect;
use super::request::PomeriumRequest;
use super::{asked_cluster, authorize, not_found, text};
use crate::app::App;

/// The parameter that says where pomerium-cli waits.
const PARAMETER: &str = "pomerium_redirect_uri";

/// The URL.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let in_force = app.in_force();
    let Some(cluster) = asked_cluster(&in_force, &headers, &uri) else {
        return Ok(not_found().await);
    };
    let parameters = match Parameters::parse(query.as_deref().unwrap_or_default()) {
        Ok(parameters) => parameters,
        Err(repeated) => return Ok(text(StatusCode::BAD_REQUEST, format!("{} is given twice", repeated.0))),
    };
    let Some(redirect) = parameters.get(PARAMETER) else {
        return Ok(text(StatusCode::NOT_FOUND, format!("{PARAMETER} is missing")));
    };
    let Some(redirect) = Redirect::parse(redirect) else {
        let body =
            format!("{PARAMETER} must be http:// or https:// at localhost or a loopback address, without a query");
        return Ok(text(StatusCode::BAD_REQUEST, body));
    };
    let request =
        PomeriumRequest::new(cluster.name.as_str(), redirect, app.clock.now()).map_err(PageError::internal)?;
    let url = format!("{}{}?{}", app.issuer.as_str(), authorize::PATH, request.query(&app.forms));
    Ok(text(StatusCode::OK, url).into_response())
}
