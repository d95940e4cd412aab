//! Answers and errors as SCIM has them (RFC 7644 sections 3.1 and 3.12).

use axum::extract::rejection::JsonRejection;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::clock::rfc3339;
use crate::scim::{Directory, Invalid, InvalidKind, ScimError};
use crate::store::scim::{group, user};
use crate::telemetry::{PushLabels, chain};
use kubegate_core::time::Timestamp;

/// The media type of every answer.
const MEDIA_TYPE: &str = "application/scim+json";

/// The longest reason that is kept.
const LONGEST_REASON: usize = 300;

/// JSON as SCIM has it.
pub(super) fn json_of(status: StatusCode, body: &Value) -> Response {
    let headers = [(header::CONTENT_TYPE, MEDIA_TYPE), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body.to_string()).into_response()
}

/// The same, with where the resource is.
pub(super) fn resource(status: StatusCode, body: &Value) -> Response {
    let location = body.pointer("/meta/location").and_then(Value::as_str).unwrap_or_default().to_owned();
    let name: HeaderName = if status == StatusCode::CREATED { header::LOCATION } else { header::CONTENT_LOCATION };
    ([(name, location)], json_of(status, body)).into_response()
}

/// An error.
pub(super) fn error(status: StatusCode, kind: Option<&str>, detail: &str) -> Response {
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.as_u16().to_string(), "detail": detail,
    });
    if let (Some(kind), Some(object)) = (kind, body.as_object_mut()) {
        object.insert("scimType".to_owned(), json!(kind));
    }
    json_of(status, &body)
}

/// Why a request cannot be read.
pub(super) fn rejected(rejection: &JsonRejection) -> ScimError {
    match rejection {
        JsonRejection::BytesRejection(_) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            ScimError::Full("the request is too large; push a group's members in smaller pieces".to_owned())
        }
        JsonRejection::MissingJsonContentType(_) => {
            Invalid::new(InvalidKind::Syntax, "send application/scim+json").into()
        }
        _ => Invalid::new(InvalidKind::Syntax, "the request is no JSON").into(),
    }
}

/// Counts a request of a provider, and tells it, the log and the pages of administrators what went wrong.
pub(super) async fn conclude(
    app: &App,
    directory: &Directory,
    pushes: bool,
    result: Result<Response, ScimError>,
) -> Response {
    let provider = directory.provider();
    let (response, why) = match result {
        Ok(response) => (response, None),
        Err(error) => {
            let (status, kind) = status_of(&error);
            let why = chain(&error);
            let shown = if status.is_server_error() { "try again in a moment".to_owned() } else { error.to_string() };
            (self::error(status, kind, &shown), Some(why))
        }
    };
    let status = response.status();
    app.metrics
        .scim_requests
        .get_or_create(&PushLabels { provider: provider.to_owned(), status: status.as_u16() })
        .inc();
    if let Some(why) = why {
        let why: String = why.chars().take(LONGEST_REASON).collect();
        if status.is_server_error() {
            tracing::error!(provider, status = status.as_u16(), why, "a SCIM request failed");
        } else {
            tracing::info!(provider, status = status.as_u16(), why, "a SCIM request was refused");
        }
        if pushes && let Err(error) = app.scim.note_failure(provider, &why, app.clock.now()).await {
            tracing::error!(provider, error = chain(&error), "that could not be written down");
        }
    }
    response
}

/// All of a kind of description, or the one with this id.
pub(super) fn discovered(all: &[Value], id: &str, what: &'static str) -> Result<Response, ScimError> {
    if id.is_empty() {
        return Ok(json_of(StatusCode::OK, &list(all.len(), 1, all)));
    }
    let found = all.iter().find(|one| one.get("id").and_then(Value::as_str) == Some(id));
    let found = found.ok_or_else(|| ScimError::NotFound { what, id: id.chars().take(100).collect() })?;
    Ok(json_of(StatusCode::OK, found))
}

fn status_of(error: &ScimError) -> (StatusCode, Option<&'static str>) {
    match error {
        ScimError::Invalid(invalid) => (StatusCode::BAD_REQUEST, Some(invalid.kind.as_str())),
        ScimError::NotFound { .. } => (StatusCode::NOT_FOUND, None),
        ScimError::Uniqueness(_) => (StatusCode::CONFLICT, Some("uniqueness")),
        ScimError::Full(_) => (StatusCode::PAYLOAD_TOO_LARGE, Some("tooMany")),
        ScimError::Store(_) | ScimError::Random(_) => (StatusCode::SERVICE_UNAVAILABLE, None),
    }
}

/// Where a provider's endpoints are.
pub(super) fn base(app: &App, directory: &Directory) -> String {
    format!("{}/scim/v2/{}", app.issuer.as_str(), directory.provider())
}

/// A user as its provider sees it.
pub(super) fn user(base: &str, record: &user::Record) -> Map<String, Value> {
    let mut object = record.user.shown(&record.id);
    let meta = meta("User", &format!("{base}/Users/{}", record.id), record.created_at, record.modified_at);
    object.insert("meta".to_owned(), meta);
    object
}

/// A group as its provider sees it, with the members that were looked up.
pub(super) fn group(base: &str, record: &group::Record, with_members: bool) -> Map<String, Value> {
    let mut object = record.group.shown(&record.id);
    if with_members && !record.group.members.is_empty() {
        let members = record.group.members.iter().map(|id| json!({ "value": id }));
        object.insert("members".to_owned(), members.collect());
    }
    let meta = meta("Group", &format!("{base}/Groups/{}", record.id), record.created_at, record.modified_at);
    object.insert("meta".to_owned(), meta);
    object
}

fn meta(kind: &str, location: &str, created: Timestamp, modified: Timestamp) -> Value {
    json!({ "resourceType": kind, "location": location, "created": rfc3339(created), "lastModified": rfc3339(modified) })
}

/// A page of a list.
pub(super) fn list(total: usize, start: usize, resources: &[Value]) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}
