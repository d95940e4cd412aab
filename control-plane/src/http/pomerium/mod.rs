//! What pomerium-cli speaks, unchanged.
//!
//! ```text
//!  pomerium-cli ─GET /.pomerium/api/v1/login, on the cluster's host─▶ the URL to sign in at
//!  browser ─────GET /pomerium?…─▶ sign-in ─▶ "continue as …?" ─▶ the token, in a form that leads to
//!  pomerium-cli ◀─pomerium_jwt── http://127.0.0.1:PORT…
//!  pomerium-cli ─GET /.pomerium/api/v1/routes, with the token──▶ what it can reach
//! ```
//!
//! The cluster is the one on whose host it was asked. A client can claim no other: Envoy sends a request with a cluster's
//! host through the filter, and that here by its own decision.

pub(super) mod authorize;
pub(super) mod login;
mod pages;
mod redirect;
mod request;
pub(super) mod routes;

use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use kubegate_core::rule::Cluster;

use crate::app::App;
use crate::policy::InForce;

/// Any other of pomerium-cli's paths.
pub(super) async fn not_found() -> Response {
    let body = serde_json::json!({ "error": "there is nothing at this path" });
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
}

/// The cluster whose host was asked, when it takes tokens of pomerium-cli.
fn asked_cluster<'p>(in_force: &'p InForce, headers: &HeaderMap, uri: &Uri) -> Option<&'p Cluster> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| uri.authority().map(axum::http::uri::Authority::as_str))?;
    let cluster = in_force.policy.cluster_by_authority(host)?;
    let taken = in_force.pomerium.as_ref()?.clusters.contains(&cluster.name);
    taken.then_some(cluster)
}

/// A cluster by its name, when it takes tokens of pomerium-cli.
fn cluster_named<'p>(in_force: &'p InForce, name: &str) -> Option<&'p Cluster> {
    let cluster = in_force.policy.cluster(name)?;
    let taken = in_force.pomerium.as_ref()?.clusters.contains(&cluster.name);
    taken.then_some(cluster)
}

/// Whether a cluster is there and takes tokens of pomerium-cli.
pub(super) fn takes_tokens(in_force: &InForce, name: &str) -> bool {
    cluster_named(in_force, name).is_some()
}

/// Plain text, exactly.
fn text(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")], body)
        .into_response()
}

/// Whether enough of the sign-in is left to make a token of it that lives as long; else the person signs in anew.
fn is_young(app: &App, signed_in_at: kubegate_core::time::Timestamp) -> bool {
    let lifetime = app.pomerium.as_ref().map(|settings| settings.max_lifetime).unwrap_or_default();
    app.clock.now().since(signed_in_at) < lifetime / 2
}
