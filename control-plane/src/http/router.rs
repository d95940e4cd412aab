//! Which path leads where. The only lists of our paths.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post};

use super::error::PageError;
use super::{api, assets, backchannel, gateways, health, messages, oauth, pages, pomerium, scim};
use crate::app::App;
use crate::telemetry::RequestLabels;

/// The largest body that anybody has to send.
const MAX_BODY: usize = 64 * 1024;

/// The largest body that an identity provider has to send: a group with all its members.
const MAX_PUSH: usize = 4 * 1024 * 1024;

/// How long any answer but a long poll's may take.
const MOST: Duration = Duration::from_secs(45);

/// The listener for people and command lines.
pub fn public(app: Arc<App>) -> Router {
    let router = Router::new()
        .route("/", get(pages::home::get))
        .route("/login", get(pages::login::get).post(pages::email::post))
        .route("/login/accounts", post(pages::accounts::post).get(pages::accounts::get))
        .route("/login/{provider}", get(pages::provider::get))
        .route("/callback/{provider}", get(pages::callback::get))
        .route("/logout", post(pages::logout::post))
        .route("/device", get(pages::device::get).post(pages::device::post))
        .route("/device/decision", get(pages::device_decision::get).post(pages::device_decision::post))
        .route(
            "/logout/backchannel/{provider}",
            post(backchannel::post).layer(DefaultBodyLimit::max(backchannel::MAX_BODY)),
        )
        .route("/logged-out", get(pages::logged_out::get))
        .route("/signed-in", get(pages::signed_in::get))
        .route("/status", get(pages::status::moved))
        .route("/kubeconfig", get(pages::kubeconfig::get))
        .route("/sessions/end", post(pages::sessions::end))
        .route("/sessions/end-all", post(pages::sessions::end_all))
        .route("/admin", get(pages::status::get))
        .route("/admin/sessions", get(pages::admin::sessions::get))
        .route("/admin/sessions/end", post(pages::admin::sessions::end))
        .route("/admin/sessions/end-all", post(pages::admin::sessions::end_all))
        .route("/admin/users", get(pages::admin::users::get))
        .route("/admin/users/disable", post(pages::admin::users::disable))
        .route("/admin/users/enable", post(pages::admin::users::enable))
        .route("/admin/providers", get(pages::admin::providers::get))
        .route("/language/{tag}", get(pages::language::get))
        .route("/assets/{name}", get(assets::get))
        .route("/.well-known/oauth-authorization-server", get(oauth::metadata::get))
        .route("/oauth/jwks.json", get(oauth::jwks::get))
        .route("/oauth/authorize", get(oauth::authorize::get).post(oauth::authorize::post))
        .route("/pomerium", get(pomerium::authorize::get).post(pomerium::authorize::post))
        .route("/.pomerium/api/v1/login", get(pomerium::login::get))
        .route("/.pomerium/api/v1/routes", get(pomerium::routes::get))
        .route("/.pomerium/", any(pomerium::not_found))
        .route("/.pomerium/{*path}", any(pomerium::not_found))
        .route("/oauth/code", get(oauth::code_page::get))
        .route("/oauth/device_authorization", post(oauth::device::post))
        .route("/oauth/token", post(oauth::token::post))
        .route("/oauth/revoke", post(oauth::revoke::post))
        .route("/api/v1/whoami", get(api::whoami::get))
        .route("/api/v1/clusters", get(api::clusters::get))
        .route("/api/v1/sessions", get(api::sessions::get).delete(api::sessions::delete_all))
        .route("/api/v1/sessions/{id}", delete(api::sessions::delete))
        .route("/api/v1/revocations", post(api::revocations::post))
        .route("/api/v1/bundle", get(api::bundle::get))
        .route("/api/v1/status", get(api::status::get))
        .route("/api/v1/keys", get(api::keys::get))
        .route("/api/v1/keys/rotations", post(api::keys::post))
        .route("/api/v1/elevations", get(api::elevations::get).post(api::elevations::post))
        .route("/api/v1/elevations/{id}", delete(api::elevations::delete))
        .route("/api/v1/service-accounts", get(api::service_accounts::get).post(api::service_accounts::post))
        .route("/api/v1/service-accounts/{id}", delete(api::service_accounts::delete))
        .route("/api/v1/people/disabled", get(api::people::disabled))
        .route("/api/v1/people/disable", post(api::people::disable))
        .route("/api/v1/people/enable", post(api::people::enable))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .merge(pushes())
        .fallback(not_found)
        .layer(middleware::from_fn(time_out))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), messages::layer));
    dress(router, app, "public")
}

/// What identity providers push.
fn pushes() -> Router<Arc<App>> {
    Router::new()
        .route("/scim/v2/{provider}/ServiceProviderConfig", get(scim::service_provider_config::get))
        .route("/scim/v2/{provider}/ResourceTypes", get(scim::resource_types::get))
        .route("/scim/v2/{provider}/ResourceTypes/{id}", get(scim::resource_types::get))
        .route("/scim/v2/{provider}/Schemas", get(scim::schemas::get))
        .route("/scim/v2/{provider}/Schemas/{id}", get(scim::schemas::get))
        .route("/scim/v2/{provider}/Users", get(scim::users::get).post(scim::users::post))
        .route(
            "/scim/v2/{provider}/Users/{id}",
            get(scim::user::get).put(scim::user::put).patch(scim::user::patch).delete(scim::user::delete),
        )
        .route("/scim/v2/{provider}/Groups", get(scim::groups::get).post(scim::groups::post))
        .route(
            "/scim/v2/{provider}/Groups/{id}",
            get(scim::group::get).put(scim::group::put).patch(scim::group::patch).delete(scim::group::delete),
        )
        .route("/scim/v2/{provider}/{*rest}", any(scim::unknown::any))
        .layer(DefaultBodyLimit::max(MAX_PUSH))
}

/// The listener for gateways and for those who watch over us; never routed from outside.
pub fn internal(app: Arc<App>) -> Router {
    let router = Router::new()
        .route("/v1/bundle", get(gateways::bundle::get))
        .route("/metrics", get(gateways::metrics::get))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz));
    dress(router, app, "internal")
}

fn dress(router: Router<Arc<App>>, app: Arc<App>, listener: &'static str) -> Router {
    router
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), headers))
        .layer(middleware::from_fn_with_state((Arc::clone(&app), listener), observe))
        .with_state(app)
}

async fn not_found() -> PageError {
    PageError::of(StatusCode::NOT_FOUND, "not-found")
}

async fn time_out(request: Request, next: Next) -> Response {
    match tokio::time::timeout(MOST, next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// What every answer says to browsers.
async fn headers(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if app.issuer.is_secure() {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(axum::http::header::STRICT_TRANSPORT_SECURITY, value);
    }
    headers
        .entry(axum::http::header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    response
}

/// Counts and logs every request, by its route: paths and queries may hold codes.
async fn observe(State((app, listener)): State<(Arc<App>, &'static str)>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let began = Instant::now();
    let response = next.run(request).await;
    let took = began.elapsed();
    let status = response.status().as_u16();
    if route != "/v1/bundle" {
        app.metrics.duration.observe(took.as_secs_f64());
    }
    tracing::debug!(listener, %method, route, status, milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX), "request");
    app.metrics.requests.get_or_create(&RequestLabels { listener, route, status }).inc();
    response
}
