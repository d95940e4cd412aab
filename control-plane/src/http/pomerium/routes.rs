//! `GET /.pomerium/api/v1/routes` on a cluster's host: what the owner of a token of pomerium-cli can reach.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use kubegate_core::token::POMERIUM_PREFIX;
use serde::Serialize;

use super::super::error::ApiError;
use super::super::extract::bearer;
use super::{asked_cluster, not_found};
use crate::app::App;
use crate::session::{Review, Session};

/// A route, as Pomerium lists it.
#[derive(Serialize)]
struct Route {
    id: String,
    name: String,
    r#type: &'static str,
    from: String,
    description: String,
    connect_command: String,
}

#[derive(Serialize)]
struct Routes {
    routes: Vec<Route>,
}

/// The routes.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let in_force = app.in_force();
    let Some(asked) = asked_cluster(&in_force, &headers, &uri) else {
        return Ok(not_found().await);
    };
    let now = app.clock.now();
    // The gateway has verified the token, but whoever reaches us otherwise is told no more.
    let token = bearer(&headers).and_then(|token| Some(token.expose().strip_prefix(POMERIUM_PREFIX)?.to_owned()));
    let claims = token.and_then(|token| app.minter.verify_pomerium(&token, &asked.name, now));
    let claims = claims.ok_or_else(unauthenticated)?;
    let session = app.sessions.live_pomerium(&claims.sid, now).await.map_err(ApiError::unavailable)?;
    let Session { mut identity, .. } = session.ok_or_else(unauthenticated)?;
    match app.review(&identity) {
        Review::Stands => {}
        Review::Changed(current) => identity = *current,
        Review::Withdrawn => return Err(unauthenticated()),
    }
    let elevations = app.elevations.of(&identity.person(), now).await.map_err(ApiError::unavailable)?;
    let pomerium = in_force.pomerium.as_ref();
    let is_on = |name| pomerium.is_some_and(|pomerium| pomerium.clusters.contains(name));
    let clusters = crate::app::clusters_of(&in_force.policy, &identity, &elevations, now);
    let routes = clusters.into_iter().filter(|cluster| is_on(&cluster.name)).map(|cluster| {
        let (name, from) = (cluster.name.to_string(), cluster.server.clone());
        Route {
            description: format!("Kubernetes cluster {name}"),
            connect_command: format!("pomerium-cli k8s exec-credential {from}"),
            id: name.clone(),
            name,
            r#type: "http",
            from,
        }
    });
    let body = Json(Routes { routes: routes.collect() });
    Ok((StatusCode::OK, [(header::CACHE_CONTROL, "no-store")], body).into_response())
}

fn unauthenticated() -> ApiError {
    let detail = "send a live token of pomerium-cli for this cluster as `Authorization: Bearer Pomerium-…`";
    ApiError::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
}
