//! `GET /language/{tag}`: the reader's choice of a language, kept in a cookie. It changes nothing but words.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::super::error::PageError;
use super::super::extract::Parameters;
use super::super::messages::Language;
use super::super::oauth::authorize::see_other;
use super::ReturnTo;
use crate::app::App;

/// Back to where the choice was made.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    Path(tag): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let language = Language::by_tag(&tag).ok_or_else(|| PageError::of(StatusCode::NOT_FOUND, "not-found"))?;
    let parameters = Parameters::parse(query.as_deref().unwrap_or_default()).ok();
    let return_to = parameters.as_ref().and_then(|parameters| parameters.get("return_to"));
    let return_to = ReturnTo::parse(return_to, &app.issuer);
    Ok((app.cookies.set_language(language.tag()), see_other(return_to.as_str())).into_response())
}
