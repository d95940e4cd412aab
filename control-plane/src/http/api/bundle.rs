//! `GET /api/v1/bundle?valid_for=30d`: for administrators, a whole bundle for the plugin configuration of gateways that
//! reach no control plane.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kubegate_core::time::{Timestamp, parse_duration, show_duration};

use super::super::error::ApiError;
use super::super::extract::Parameters;
use super::administrator::Administrator;
use crate::app::App;
use crate::clock::rfc3339;

/// How short a bundle may count.
const SHORTEST: Duration = Duration::from_secs(3600);

/// How long a bundle may count.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// The bundle, as `inline_bundle` has it.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    by: Administrator,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let valid_for = valid_for(query.as_deref().unwrap_or_default())?;
    let now = app.clock.now();
    let bundle = app.exporter.export(valid_for, now).await.map_err(ApiError::unavailable)?;
    let covered = app.minter.pomerium_covered_until(now).into_iter();
    let keys_until = rfc3339(covered.fold(app.token_keys.covered_until(now), Timestamp::min));
    tracing::info!(administrator = by.user, valid_for = show_duration(valid_for), keys_until, "a bundle was exported");
    Ok(([("kubegate-token-keys-until", keys_until)], super::json(bundle)).into_response())
}

fn valid_for(query: &str) -> Result<Duration, ApiError> {
    let parameters = Parameters::parse(query).ok();
    let text = parameters.as_ref().and_then(|parameters| parameters.get("valid_for"));
    let parsed = text.and_then(parse_duration).filter(|duration| (SHORTEST..=LONGEST).contains(duration));
    parsed.ok_or_else(|| {
        let (shortest, longest) = (show_duration(SHORTEST), show_duration(LONGEST));
        let detail = format!("valid_for: must be a duration between {shortest} and {longest}, such as 30d");
        ApiError::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    })
}
