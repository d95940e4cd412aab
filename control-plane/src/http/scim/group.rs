//! `/scim/v2/{provider}/Groups/{id}`: one group.

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
use crate::scim::group::Group;
use crate::scim::{Directory, ScimError, patch};

/// The group.
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
    let with_members = selection.has("members");
    let record = app.scim.group(directory, id, with_members).await?;
    let shown = answer::group(&answer::base(app, directory), &record, with_members);
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
    let record = app.scim.replace_group(directory, id, Group::parse(&body)?, app.clock.now()).await?;
    Ok(answer::resource(StatusCode::OK, &Value::Object(answer::group(&answer::base(app, directory), &record, true))))
}

/// Changes it. The answer has no body: a group may be large, and providers expect none.
pub(in crate::http) async fn patch(
    State(app): State<Arc<App>>,
    pushes: Pushes,
    RawQuery(query): RawQuery,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<Response, StatusCode> {
    let directory = pushes.directory().ok_or(StatusCode::NOT_FOUND)?;
    let result = change(&app, directory, &pushes.id, query.as_deref(), body).await;
    Ok(answer::conclude(&app, directory, true, result).await)
}

async fn change(
    app: &App,
    directory: &Directory,
    id: &str,
    query: Option<&str>,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<Response, ScimError> {
    let query = Query::parse(query)?;
    let selection = query.selection()?;
    let Json(body) = body.map_err(|rejection| answer::rejected(&rejection))?;
    let record = app.scim.change_group(directory, id, &patch::changes(&body)?, app.clock.now()).await?;
    if !query.asks_for_attributes() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let shown = answer::group(&answer::base(app, directory), &record, selection.has("members"));
    Ok(answer::json_of(StatusCode::OK, &selection.of(shown)))
}

/// Deletes it.
pub(in crate::http) async fn delete(State(app): State<Arc<App>>, pushes: Pushes) -> Result<Response, StatusCode> {
    let directory = pushes.directory().ok_or(StatusCode::NOT_FOUND)?;
    let deleted = app.scim.delete_group(directory, &pushes.id, app.clock.now()).await;
    let result = deleted.map(|()| StatusCode::NO_CONTENT.into_response());
    Ok(answer::conclude(&app, directory, true, result).await)
}
