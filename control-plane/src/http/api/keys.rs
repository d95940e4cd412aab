//! `/api/v1/keys`: the keys that sign tokens, and their replacement by command.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::super::error::ApiError;
use super::administrator::{self, Administrator};
use crate::app::App;
use crate::clock::rfc3339;
use crate::token::{KeyView, Rotation, RotationRefused, TokenKeys};

const EXAMPLE: &str = "{} or {\"publishFor\": SECONDS} or {\"now\": true}";

/// How long the next key is published before it signs, when nobody says; and the least and the most.
const PUBLISH_FOR: u64 = 600;
const SHORTEST: u64 = 1;
const LONGEST: u64 = 24 * 3600;

/// How to replace the key.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(in crate::http) struct Wanted {
    /// Seconds for which the next key is published before it signs.
    publish_for: Option<u64>,
    /// The key of which tokens: `session`, which is meant when nothing is said, or `pomerium`.
    purpose: Option<String>,
    /// At once, and no other is believed any more.
    #[serde(default)]
    now: bool,
}

#[derive(Serialize)]
struct View {
    kid: String,
    purpose: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signs_from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retires_at: Option<String>,
}

impl From<KeyView> for View {
    fn from(key: KeyView) -> Self {
        Self {
            kid: key.kid.to_string(),
            purpose: key.purpose.as_str(),
            state: key.state.as_str(),
            created_at: key.created_at.map(rfc3339),
            signs_from: key.signs_from.map(rfc3339),
            retires_at: key.retires_at.map(rfc3339),
        }
    }
}

#[derive(Serialize)]
struct Views {
    keys: Vec<View>,
}

/// The keys whose tokens are good.
pub(in crate::http) async fn get(State(app): State<Arc<App>>, _by: Administrator) -> Response {
    let now = app.clock.now();
    let all = std::iter::once(&app.token_keys).chain(&app.pomerium_keys);
    super::json(Views { keys: all.flat_map(|keys| keys.all(now)).map(View::from).collect() })
}

/// Makes the next key.
pub(in crate::http) async fn post(
    State(app): State<Arc<App>>,
    by: Administrator,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Response, ApiError> {
    let wanted = administrator::body(wanted, EXAMPLE)?;
    let keys = match wanted.purpose.as_deref() {
        None | Some("session") => Arc::clone(&app.token_keys),
        Some("pomerium") => app.pomerium_keys.clone().ok_or_else(|| bad("pomerium-cli is not turned on here"))?,
        Some(_) => return Err(bad("purpose must be session or pomerium")),
    };
    let rotation = match wanted {
        Wanted { now: true, publish_for: None, .. } => Rotation::Urgent,
        Wanted { now: true, publish_for: Some(_), .. } => return Err(bad("now and publishFor exclude each other")),
        Wanted { publish_for, .. } => {
            let seconds = publish_for.unwrap_or(PUBLISH_FOR);
            if !(SHORTEST..=LONGEST).contains(&seconds) {
                return Err(bad("publishFor must be from 1 to 86400 seconds"));
            }
            Rotation::Gentle(Duration::from_secs(seconds))
        }
    };
    administrator::to_its_end(rotate(app, keys, by, rotation)).await
}

async fn rotate(
    app: Arc<App>,
    keys: Arc<TokenKeys>,
    by: Administrator,
    rotation: Rotation,
) -> Result<Response, ApiError> {
    let made = keys.rotate_by_command(rotation, app.clock.now()).await.map_err(refused)?;
    let urgent = rotation == Rotation::Urgent;
    let purpose = made.purpose.as_str();
    tracing::warn!(administrator = by.user, purpose, kid = %made.kid, urgent, "the token key was replaced by an administrator");
    Ok((StatusCode::CREATED, super::json(View::from(made))).into_response())
}

fn bad(detail: &str) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "bad-request", format!("{detail}; send {EXAMPLE}"))
}

fn refused(refused: RotationRefused) -> ApiError {
    let title = match refused {
        RotationRefused::Given => "keys-given",
        RotationRefused::UnderWay { .. } => "rotation-under-way",
        RotationRefused::TooMany => "too-many-keys",
        RotationRefused::Failed(cause) => return ApiError::unavailable(cause),
    };
    ApiError::new(StatusCode::CONFLICT, title, refused.to_string())
}
