//! Which path leads where. The only lists of our paths.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};

use super::error::PageError;
use super::{api, assets, backchannel, gateways, health, oauth, pages};
use crate::app::App;
use crate::telemetry::RequestLabels;

/// The largest body that anybody has to send.
const MAX_BODY: usize = 64 * 1024;

/// How long any answer but a long poll's may take.
const MOST: Duration = Duration::from_secs(45);

/// The listener for people and command lines.
pub fn public(app: Arc<App>) -> Router {
    let router = Router::new()
        .route("/", get(pages::home::get))
        .route("/login", get(pages::login::get))
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
        .route("/status", get(pages::status::get))
        .route("/assets/{name}", get(assets::get))
        .route("/.well-known/oauth-authorization-server", get(oauth::metadata::get))
        .route("/oauth/jwks.json", get(oauth::jwks::get))
        .route("/oauth/authorize", get(oauth::authorize::get).post(oauth::authorize::post))
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
        .route("/api/v1/elevations", get(api::elevations::get).post(api::elevations::post))
        .route("/api/v1/elevations/{id}", delete(api::elevations::delete))
        .route("/api/v1/people/disabled", get(api::people::disabled))
        .route("/api/v1/people/disable", post(api::people::disable))
        .route("/api/v1/people/enable", post(api::people::enable))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .fallback(not_found)
        .layer(middleware::from_fn(time_out));
    dress(router, app, "public")
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
    PageError::new(
        StatusCode::NOT_FOUND,
        "not-found",
        "There is nothing here",
        "Kubegate has no page at this address.",
        "Go to the start page, or run the command again that brought you here.",
    )
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
