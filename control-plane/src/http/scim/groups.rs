//! `/scim/v2/{provider}/Groups`: finds groups, and makes them.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::answer;
use super::extract::Pushes;
use super::query::Query;
use crate::app::App;
use crate::scim::group::Group;
use crate::scim::{Directory, ScimError, filter};

/// Groups.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    pushes: Pushes,
    RawQuery(query): RawQuery,
) -> Result<Response, StatusCode> {
    let directory = pushes.directory().ok_or(StatusCode::NOT_FOUND)?;
    let result = list(&app, directory, query.as_deref()).await;
    Ok(answer::conclude(&app, directory, false, result).await)
}

async fn list(app: &App, directory: &Directory, query: Option<&str>) -> Result<Response, ScimError> {
    let query = Query::parse(query)?;
    let selection = query.selection()?;
    let question = query.question(filter::GROUP, selection.has("members"))?;
    let listed = app.scim.groups(directory, &question).await?;
    let base = answer::base(app, directory);
    let shown = |record| selection.of(answer::group(&base, record, question.members));
    let page: Vec<Value> = listed.page.iter().map(shown).collect();
    Ok(answer::json_of(StatusCode::OK, &answer::list(listed.total, question.skip.saturating_add(1), &page)))
}

/// Makes one.
pub(in crate::http) async fn post(
    State(app): State<Arc<App>>,
    pushes: Pushes,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<Response, StatusCode> {
    let directory = pushes.directory().ok_or(StatusCode::NOT_FOUND)?;
    let result = create(&app, directory, body).await;
    Ok(answer::conclude(&app, directory, true, result).await)
}

async fn create(
    app: &App,
    directory: &Directory,
    body: Result<Json<Value>, JsonRejection>,
) -> Result<Response, ScimError> {
    let Json(body) = body.map_err(|rejection| answer::rejected(&rejection))?;
    let record = app.scim.create_group(directory, Group::parse(&body)?, app.clock.now()).await?;
    let shown = answer::group(&answer::base(app, directory), &record, true);
    Ok(answer::resource(StatusCode::CREATED, &Value::Object(shown)))
}
