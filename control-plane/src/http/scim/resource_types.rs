//! `/scim/v2/{provider}/ResourceTypes`: users and groups (RFC 7643 section 6).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::answer;
use super::extract::Pushes;
use crate::app::App;
use crate::scim::{Directory, ScimError, group, user};

/// The types, or the one that the path names.
pub(in crate::http) async fn get(State(app): State<Arc<App>>, pushes: Pushes) -> Result<Response, StatusCode> {
    let directory = pushes.directory().ok_or(StatusCode::NOT_FOUND)?;
    let result = show(&app, directory, &pushes.id);
    Ok(answer::conclude(&app, directory, false, result).await)
}

fn show(app: &App, directory: &Directory, id: &str) -> Result<Response, ScimError> {
    let base = answer::base(app, directory);
    let types = [("User", "/Users", user::SCHEMA), ("Group", "/Groups", group::SCHEMA)];
    let types = types.map(|(name, endpoint, schema)| one(&base, name, endpoint, schema));
    answer::discovered(&types, id, "resource type")
}

fn one(base: &str, name: &str, endpoint: &str, schema: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": name, "name": name, "endpoint": endpoint, "schema": schema, "schemaExtensions": [],
        "meta": { "resourceType": "ResourceType", "location": format!("{base}/ResourceTypes/{name}") },
    })
}
