//! `/api/v1/elevations`: an administrator gives a person more groups on one cluster for a while.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kubegate_core::id::{ClusterName, ElevationId};
use kubegate_core::time::{Timestamp, parse_duration};
use serde::{Deserialize, Deserializer, Serialize};

use super::super::error::ApiError;
use super::administrator::{self, Administrator};
use crate::app::App;
use crate::clock::rfc3339;
use crate::elevation::{Elevation, Ended, Grant, GrantRefused};

const EXAMPLE: &str = "{\"person\": \"PROVIDER:SUBJECT\", \"cluster\": NAME, \"groups\": [NAME], \"duration\": \"1h\", \
                       \"reason\": TEXT}";

/// What to grant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Wanted {
    person: String,
    cluster: ClusterName,
    groups: Vec<String>,
    #[serde(deserialize_with = "duration")]
    duration: Duration,
    reason: String,
}

/// An elevation as its person and administrators see it.
#[derive(Serialize)]
pub(super) struct ElevationView {
    id: String,
    person: String,
    user: Option<String>,
    cluster: String,
    groups: Vec<String>,
    reason: String,
    granted_by: String,
    granted_at: String,
    until: String,
    live: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<String>,
}

impl ElevationView {
    /// The view of it at `now`.
    pub(super) fn new(elevation: Elevation, now: Timestamp) -> Self {
        Self {
            id: elevation.id.to_string(),
            person: elevation.person.to_string(),
            user: elevation.user,
            cluster: elevation.cluster.to_string(),
            groups: elevation.groups,
            reason: elevation.reason,
            granted_by: elevation.granted_by,
            granted_at: rfc3339(elevation.granted_at),
            until: rfc3339(elevation.until),
            live: now < elevation.until,
            ended_by: elevation.ended_by,
        }
    }
}

#[derive(Serialize)]
struct EndedView {
    #[serde(flatten)]
    elevation: ElevationView,
    /// Whether it had ended before.
    was_ended: bool,
}

#[derive(Serialize)]
struct Elevations {
    elevations: Vec<ElevationView>,
}

/// Those that last, and those that ended within the last hour.
pub(in crate::http) async fn get(State(app): State<Arc<App>>, _by: Administrator) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let all = app.elevations.all(now).await.map_err(ApiError::unavailable)?;
    let elevations = all.into_iter().map(|elevation| ElevationView::new(elevation, now)).collect();
    Ok(super::json(Elevations { elevations }))
}

/// Elevates. Gateways know within a second.
pub(in crate::http) async fn post(
    State(app): State<Arc<App>>,
    by: Administrator,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Response, ApiError> {
    administrator::to_its_end(grant(app, by, administrator::body(wanted, EXAMPLE)?)).await
}

async fn grant(app: Arc<App>, by: Administrator, wanted: Wanted) -> Result<Response, ApiError> {
    let named = administrator::person(&app, &wanted.person).await?;
    let grant = Grant {
        person: named.person,
        user: named.user,
        cluster: wanted.cluster,
        groups: wanted.groups,
        duration: wanted.duration,
        reason: wanted.reason,
    };
    let now = app.clock.now();
    let granted = app.elevations.grant(grant, &by.user, &app.in_force().policy, now).await.map_err(refused)?;
    tracing::info!(
        administrator = by.user,
        id = %granted.id,
        person = %granted.person,
        user = granted.user,
        cluster = %granted.cluster,
        groups = granted.groups.join(","),
        until = rfc3339(granted.until),
        reason = granted.reason,
        "elevated by an administrator"
    );
    Ok((StatusCode::CREATED, super::json(ElevationView::new(granted, now))).into_response())
}

/// Ends one at once; one that had ended before stays as it was.
pub(in crate::http) async fn delete(
    State(app): State<Arc<App>>,
    by: Administrator,
    Path(id): Path<ElevationId>,
) -> Result<Response, ApiError> {
    administrator::to_its_end(end(app, by, id)).await
}

async fn end(app: Arc<App>, by: Administrator, id: ElevationId) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let ended = app.elevations.end(&id, &by.user, now).await.map_err(ApiError::unavailable)?;
    let ended = ended.ok_or_else(|| {
        let detail = "there is no elevation of this id, or it ended long ago; GET /api/v1/elevations lists them";
        ApiError::new(StatusCode::NOT_FOUND, "unknown-elevation", detail)
    })?;
    let Ended { elevation, before: was_ended } = ended;
    let (administrator, id, person) = (by.user, &elevation.id, &elevation.person);
    if was_ended {
        tracing::info!(administrator, %id, %person, "an administrator was to end an elevation that had ended before");
    } else {
        tracing::info!(administrator, %id, %person, "elevation ended by an administrator");
    }
    Ok(super::json(EndedView { elevation: ElevationView::new(elevation, now), was_ended }))
}

fn refused(error: GrantRefused) -> ApiError {
    let (status, title) = match &error {
        GrantRefused::Store(_) | GrantRefused::Random(_) => return ApiError::unavailable(error),
        GrantRefused::Disabled(_) => (StatusCode::CONFLICT, "person-disabled"),
        GrantRefused::TooManyOfPerson | GrantRefused::TooMany => (StatusCode::CONFLICT, "too-many-elevations"),
        _ => (StatusCode::BAD_REQUEST, "bad-elevation"),
    };
    ApiError::new(status, title, error.to_string())
}

/// Seconds, or text such as `1h30m`.
fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "duration: write seconds, or text like \"1h30m\"")]
    enum Written {
        Seconds(u64),
        Text(String),
    }
    match Written::deserialize(from)? {
        Written::Seconds(seconds) => Ok(Duration::from_secs(seconds)),
        Written::Text(text) => parse_duration(&text).ok_or_else(|| {
            serde::de::Error::custom(format_args!("duration: {text:?} is no duration, write it like 90s, 45m or 1h30m"))
        }),
    }
}
