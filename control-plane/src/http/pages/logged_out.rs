//! `GET /logged-out`: where a provider sends the browser back to after its own logout.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::super::extract::Parameters;
use super::super::templates::{self, SignedOutPage};
use crate::app::App;

/// What `state` is a proof of, besides the provider.
pub(super) const PURPOSE: &str = "logged-out";

/// The page. It believes that the provider sent the browser only with the state that went there.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let parameters = Parameters::parse(query.as_deref().unwrap_or_default()).ok();
    let state = parameters.as_ref().and_then(|parameters| parameters.get("state")).unwrap_or_default();
    let browser = app.cookies.browser(&headers);
    let came_from = |id: &str| app.forms.proves(state, browser.as_ref(), &[PURPOSE, id]);
    let provider = app.providers.all().find(|provider| came_from(provider.id()));
    let everywhere = provider.map(crate::oidc::Provider::name);
    templates::ok(&SignedOutPage { everywhere, sessions: 1, there: None })
}
