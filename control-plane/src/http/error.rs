//! Errors as each surface tells them: a page, an OAuth error, problem details. Each is logged once, here.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kubegate_core::time::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::templates::{self, ErrorPage};
use crate::clock::rfc3339;
use crate::random;
use crate::telemetry::chain;

/// The cause of an error, for the log; never shown.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A page that says what went wrong and what to do.
#[derive(Debug)]
pub struct PageError {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    what: String,
    remedy: String,
    cause: Option<Cause>,
}

impl PageError {
    /// An error with a stable word for it, a title, what went wrong, and what the person can do.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { status, code, title, what: what.into(), remedy: remedy.into(), cause: None }
    }

    /// Something of ours failed.
    pub fn internal(cause: impl Into<Cause>) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something failed on our side",
            "Kubegate could not do what you asked for. This is not your mistake.",
            "Try again in a minute. If it stays like this, give the reference below to whoever runs Kubegate.",
        )
        .because(cause)
    }

    /// Notes the cause, for the log.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// The stable word for this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let reference = random::id("").unwrap_or_default();
        let reference = reference.get(..8).unwrap_or_default().to_owned();
        log(self.status, self.code, &self.what, &reference, self.cause.as_ref());
        let page = ErrorPage { title: self.title, what: &self.what, remedy: &self.remedy, reference: &reference };
        templates::error_page(&page, self.status)
    }
}

/// An error of the token and revocation endpoints (RFC 6749 section 5.2).
#[derive(Debug)]
pub struct OAuthError {
    status: StatusCode,
    error: &'static str,
    description: String,
    ended: Option<Ended>,
    cause: Option<Cause>,
}

#[derive(Serialize)]
struct OAuthErrorBody {
    error: &'static str,
    error_description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_ended: Option<Ended>,
}

/// How the session of a refresh secret came to its end, for programs.
#[derive(Debug, Serialize)]
pub struct Ended {
    reason: String,
    at: Option<String>,
}

impl OAuthError {
    /// An error with its registered code and what a person can do about it.
    pub fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.into(), ended: None, cause: None }
    }

    /// Too many ask for the same at this moment; the client may try again.
    pub fn too_many(description: impl Into<String>) -> Self {
        Self { status: StatusCode::TOO_MANY_REQUESTS, ..Self::new("temporarily_unavailable", description) }
    }

    /// Tells programs too that the session is over: why, in one stable word, and since when if that is known.
    #[must_use]
    pub fn of_ended_session(mut self, reason: impl Into<String>, at: Option<Timestamp>) -> Self {
        self.ended = Some(Ended { reason: reason.into(), at: at.map(rfc3339) });
        self
    }

    /// Something of ours failed; the client may try again.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            cause: Some(cause.into()),
            ..Self::new(
                "temporarily_unavailable",
                "the control plane could not do this just now; try again in a moment",
            )
        }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        // These come every few seconds while a machine waits for its person.
        if !matches!(self.error, "authorization_pending" | "slow_down") {
            log(self.status, self.error, &self.description, "", self.cause.as_ref());
        }
        let body = OAuthErrorBody {
            error: self.error,
            error_description: ascii(&self.description),
            session_ended: self.ended,
        };
        (self.status, [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(body)).into_response()
    }
}

/// RFC 6749 allows ASCII without `"` and `\` in a description.
pub(super) fn ascii(text: &str) -> String {
    text.chars().map(|c| if (' '..='~').contains(&c) && c != '"' && c != '\\' { c } else { '\'' }).collect()
}

/// An error of the API (RFC 9457).
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    title: &'static str,
    detail: String,
    cause: Option<Cause>,
}

impl ApiError {
    /// An error with its status and what a person can do about it.
    pub fn new(status: StatusCode, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, title, detail: detail.into(), cause: None }
    }

    /// The token is missing or no good.
    pub fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "send a live access token of this control plane as `Authorization: Bearer`; `kubegate login` gets one",
        )
    }

    /// Something of ours failed.
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "try again in a moment")
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        log(self.status, self.title, &self.detail, "", self.cause.as_ref());
        let body = json!({ "status": self.status.as_u16(), "title": self.title, "detail": self.detail });
        let mut response = (self.status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"kubegate\""));
        }
        response
    }
}

fn log(status: StatusCode, code: &str, what: &str, reference: &str, cause: Option<&Cause>) {
    let cause = cause.map(|cause| chain(cause.as_ref())).unwrap_or_default();
    if status.is_server_error() {
        tracing::error!(status = status.as_u16(), code, what, reference, cause, "a request failed");
    } else {
        tracing::info!(status = status.as_u16(), code, what, reference, cause, "a request was refused");
    }
}
