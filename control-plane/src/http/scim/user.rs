//! `/scim/v2/{provider}/Users/{id}`: one user.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::answer;
use super::extract::Pushes;
use super::query::Query;
use crate::app::App;
use crate::scim::user::User;
use crate::scim::{Directory, ScimError, patch};

/// The user.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    pushes: Pushes,
    RawQuery(query): RawQuery,
) -> Result<Response, StatusCode> {
    let directory = pushes.directory().ok_or(StatusCode::NOT_FOUND)?;
    let result = show(&app, directory, &pushes.id, query.as_deref()).await;
    Ok(answer::conclude(&app, directory, false, result).await)
}

async fn show(app: &App, directory: &Directory, id: &str, query: Option<&str>) -> Result<Response, ScimError> {
    let selection = Query::parse(query)?.selection()?;
    let record = app.scim.user(directory, id).await?;
    let shown = answer::user(&answer::base(app, directory), &record);
    Ok(answer::json_of(StatusCode::OK, &selection.of(shown)))
}

/// Puts another in its place.
pub(in crate::http) async fn put(
    State(app): State<Arc<App>>,
    pushes: Pushes,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<Response, StatusCode> {
    let directory = pushes.directory().ok_or(StatusCode::NOT_FOUND)?;
    let result = replace(&app, directory, &pushes.id, body).await;
    Ok(answer::conclude(&app, directory, true, result).await)
}

async fn replace(
    app: &App,
    directory: &Directory,
    id: &str,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<Response, ScimError> {
    let Json(body) = body.map_err(|rejection| answer::rejected(&rejection))?;
    // Whoever was deactivated is not let in again by leaving that out.
    let read = |active| Ok(User::parse(&body, active)?);
    let record = app.scim.replace_user(directory, id, read, app.clock.now()).await?;
    Ok(answer::resource(StatusCode::OK, &Value::Object(answer::user(&answer::base(app, directory), &record))))
}

/// Changes it.
pub(in crate::http) async fn patch(
    State(app): State<Arc<App>>,
    pushes: Pushes,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<Response, StatusCode> {
    let directory = pushes.directory().ok_or(StatusCode::NOT_FOUND)?;
    let result = change(&app, directory, &pushes.id, body).await;
    Ok(answer::conclude(&app, directory, true, result).await)
}

async fn change(
    app: &App,
    directory: &Directory,
    id: &str,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<Response, ScimError> {
    let Json(body) = body.map_err(|rejection| answer::rejected(&rejection))?;
    let record = app.scim.change_user(directory, id, &patch::changes(&body)?, app.clock.now()).await?;
    Ok(answer::resource(StatusCode::OK, &Value::Object(answer::user(&answer::base(app, directory), &record))))
}

/// Deletes it.
pub(in crate::http) async fn delete(State(app): State<Arc<App>>, pushes: Pushes) -> Result<Response, StatusCode> {
    let directory = pushes.directory().ok_or(StatusCode::NOT_FOUND)?;
    let deleted = app.scim.delete_user(directory, &pushes.id, app.clock.now()).await;
    let result = deleted.map(|()| StatusCode::NO_CONTENT.into_response());
    Ok(answer::conclude(&app, directory, true, result).await)
}
