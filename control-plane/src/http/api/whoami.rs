//! `GET /api/v1/whoami`: who the caller is to us, and which clusters a rule gives access to.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use kubegate_core::time::Timestamp;
use serde::Serialize;

use super::super::error::ApiError;
use super::super::extract::Caller;
use super::elevations::ElevationView;
use crate::app::App;
use crate::clock::rfc3339;

#[derive(Serialize)]
struct WhoAmI<'a> {
    user: &'a str,
    uid: Option<&'a str>,
    email: Option<&'a str>,
    groups: &'a [String],
    provider: &'a str,
    session: SessionView<'a>,
    clusters: Vec<&'a str>,
    /// Those that last, and those that ended within the last hour.
    elevations: Vec<ElevationView>,
}

#[derive(Serialize)]
struct SessionView<'a> {
    id: &'a str,
    created_at: String,
    expires_at: String,
    auth_time: Option<String>,
    acr: Option<&'a str>,
    amr: &'a [String],
}

/// Who the caller is.
pub(in crate::http) async fn get(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, ApiError> {
    let session = &caller.session;
    let identity = &session.identity;
    let now = app.clock.now();
    let elevations = app.elevations.of(&identity.person(), now).await.map_err(ApiError::unavailable)?;
    let in_force = app.in_force();
    let clusters = crate::app::clusters_of(&in_force.policy, identity, &elevations, now);
    Ok(super::json(WhoAmI {
        user: &identity.user,
        uid: identity.uid.as_deref(),
        email: identity.email.as_deref(),
        groups: &identity.groups,
        provider: &identity.provider,
        session: SessionView {
            id: session.id.as_str(),
            created_at: rfc3339(session.created_at),
            expires_at: rfc3339(session.expires_at),
            auth_time: (session.auth_time > Timestamp::default()).then(|| rfc3339(session.auth_time)),
            acr: identity.acr.as_deref(),
            amr: &identity.amr,
        },
        clusters: clusters.iter().map(|cluster| cluster.name.as_str()).collect(),
        elevations: elevations.into_iter().map(|elevation| ElevationView::new(elevation, now)).collect(),
    }))
}
