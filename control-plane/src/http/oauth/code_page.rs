//! `GET /oauth/code`: shows a code to copy to another machine.

use axum::extract::RawQuery;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::super::error::PageError;
use super::super::extract::Parameters;
use super::super::templates::{self, CodePage};

/// The page with the code, or with what went wrong.
pub(in crate::http) async fn get(RawQuery(query): RawQuery) -> Response {
    let parameters = Parameters::parse(query.as_deref().unwrap_or_default()).ok();
    let parameter = |name| parameters.as_ref().and_then(|parameters| parameters.get(name));
    match parameter("code").filter(|code| is_code(code)) {
        Some(code) => templates::ok(&CodePage { code }),
        None => refused(parameter("error")).into_response(),
    }
}

/// Shows nothing but codes that we could have made.
fn is_code(text: &str) -> bool {
    text.strip_prefix("kgc_").is_some_and(|rest| {
        rest.len() == 43 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    })
}

fn refused(error: Option<&str>) -> PageError {
    let none = PageError::of(StatusCode::BAD_REQUEST, "no-code");
    if error == Some("access_denied") { none.told_as("error-no-code-denied") } else { none }
}
