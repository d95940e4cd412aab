//! `/scim/v2/{provider}/Schemas`: the attributes that are kept, and no more (RFC 7643 section 7).

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::answer;
use super::extract::Pushes;
use crate::app::App;
use crate::scim::{Directory, ScimError, group, user};

/// The schemas, or the one that the path names.
pub(in crate::http) async fn get(State(app): State<Arc<App>>, pushes: Pushes) -> Result<Response, StatusCode> {
    let directory = pushes.directory().ok_or(StatusCode::NOT_FOUND)?;
    let result = show(&app, directory, &pushes.id);
    Ok(answer::conclude(&app, directory, false, result).await)
}

fn show(app: &App, directory: &Directory, id: &str) -> Result<Response, ScimError> {
    let base = answer::base(app, directory);
    let users = [
        with(text("userName"), &[("required", json!(true)), ("uniqueness", json!("server"))]),
        text("displayName"),
        of_parts("name", false, vec![text("formatted"), text("familyName"), text("givenName")]),
        of_parts(
            "emails",
            true,
            vec![text("value"), text("type"), with(text("primary"), &[("type", json!("boolean"))])],
        ),
        with(text("active"), &[("type", json!("boolean"))]),
    ];
    let members = vec![with(text("value"), &[("caseExact", json!(true)), ("mutability", json!("immutable"))])];
    let groups = [
        with(text("displayName"), &[("required", json!(true)), ("uniqueness", json!("server"))]),
        of_parts("members", true, members),
    ];
    let schemas = [one(&base, user::SCHEMA, "User", &users), one(&base, group::SCHEMA, "Group", &groups)];
    answer::discovered(&schemas, id, "schema")
}

fn one(base: &str, id: &str, name: &str, attributes: &[Value]) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": id, "name": name, "description": format!("A {} that the provider pushes", name.to_lowercase()),
        "attributes": attributes,
        "meta": { "resourceType": "Schema", "location": format!("{base}/Schemas/{id}") },
    })
}

fn text(name: &str) -> Value {
    json!({
        "name": name, "type": "string", "multiValued": false, "required": false, "caseExact": false,
        "mutability": "readWrite", "returned": "default", "uniqueness": "none",
    })
}

fn of_parts(name: &str, many: bool, parts: Vec<Value>) -> Value {
    let fields = [("type", json!("complex")), ("multiValued", json!(many)), ("subAttributes", Value::Array(parts))];
    with(text(name), &fields)
}

fn with(mut attribute: Value, fields: &[(&str, Value)]) -> Value {
    if let Some(object) = attribute.as_object_mut() {
        object.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    attribute
}
