//! `GET /v1/bundle`: the signed documents of the bundle that a gateway lacks, by its `If-None-Match`, for gateways that
//! show their credential.
//!
//! A gateway that has the newest waits (`Prefer: wait=…`, RFC 7240) until there is something newer.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kubegate_core::bundle::Tag;

use super::super::error::ApiError;
use super::super::extract::bearer;
use crate::app::App;
use crate::policy::Bundle;
use crate::polls::Holds;
use crate::telemetry::PollLabels;

/// The longest wait, in seconds.
const MOST: u64 = 60;

/// The newest bundle, now or when there is one.
pub(in crate::http) async fn get(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let gateway = bearer(&headers).and_then(|credential| app.gateway(&credential));
    let Some(gateway) = gateway else {
        count(&app, "", StatusCode::UNAUTHORIZED);
        return ApiError::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "send the gateway's credential as `Authorization: Bearer`; `gateways` in the configuration lists those known",
        )
        .into_response();
    };
    let held = held(&headers);
    let waits = wait(&headers);
    note(&app, gateway, held.as_ref());
    let bundle = newest(&app, gateway, held.as_ref(), waits).await;
    let response = answer(&bundle, held.as_ref(), waits.is_some());
    count(&app, gateway, response.status());
    response
}

/// Remembers what the gateway has, and says once when that cannot be.
fn note(app: &App, gateway: &str, held: Option<&Tag>) {
    let newest = app.bundle.borrow().tag();
    if app.polls.note(gateway, held.cloned(), &newest, app.clock.now()) {
        tracing::error!(gateway, newest = %newest.changes, "the gateway {}", Holds::Newer.in_words());
    }
}

/// The newest bundle; when the gateway has it, waits for a newer one.
async fn newest(app: &App, gateway: &str, held: Option<&Tag>, waits: Option<Duration>) -> Arc<Bundle> {
    let mut bundle = app.bundle.clone();
    let mut stopping = app.stopping.clone();
    let current = Arc::clone(&bundle.borrow_and_update());
    let Some(waits) = waits.filter(|_| held == Some(&current.tag())) else {
        return current;
    };
    app.metrics.polls_waiting.inc();
    let _leaves = Leaves(app);
    let _waiting = app.polls.wait(gateway);
    tokio::select! {
        _ = bundle.changed() => {}
        _ = stopping.wait_for(|stopping| *stopping) => {}
        () = tokio::time::sleep(waits) => {}
    }
    Arc::clone(&*bundle.borrow())
}

/// Counts a poll out, even when its gateway has hung up.
struct Leaves<'a>(&'a App);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.metrics.polls_waiting.dec();
    }
}

fn answer(bundle: &Bundle, held: Option<&Tag>, waited: bool) -> Response {
    let tag = bundle.tag();
    let mut response = if held == Some(&tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], bundle.answer(held)).into_response()
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if waited {
        headers.insert("preference-applied", HeaderValue::from_static("wait"));
    }
    response
}

/// What the gateway has, from `If-None-Match`.
fn held(headers: &HeaderMap) -> Option<Tag> {
    let value = headers.get(header::IF_NONE_MATCH)?.to_str().ok()?;
    value.trim().trim_start_matches("W/").trim_matches('"').parse().ok()
}

/// How long the gateway would wait, from `Prefer`.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let seconds = preferences.flat_map(|value| value.split([',', ';'])).find_map(|preference| {
        let (name, value) = preference.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| value.trim().trim_matches('"').parse::<u64>().ok())?
    })?;
    Some(Duration::from_secs(seconds.min(MOST)))
}

fn count(app: &App, gateway: &str, status: StatusCode) {
    app.metrics.polls.get_or_create(&PollLabels { gateway: gateway.to_owned(), status: status.as_u16() }).inc();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences() {
        for (value, seconds) in [
            ("wait=25", Some(25)),
            ("respond-async, wait=10", Some(10)),
            ("wait=\"7\"", Some(7)),
            ("wait=9999", Some(MOST)),
            ("wait=x", None),
            ("respond-async", None),
        ] {
            let headers = HeaderMap::from_iter([(header::HeaderName::from_static("prefer"), value.parse().unwrap())]);
            assert_eq!(wait(&headers), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
