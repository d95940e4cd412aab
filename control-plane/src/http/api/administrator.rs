//! What calls of administrators have in common.

use std::sync::Arc;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use kubegate_core::id::PersonId;

use super::super::error::ApiError;
use super::super::extract::Caller;
use crate::accounts;
use crate::app::App;
use crate::person::Identity;
use crate::session::Named;

/// The longest name or id that is looked for.
const MAX_NAME: usize = 1024;

/// What is before an id that is to be taken for nothing else.
const ID: &str = "id=";

/// A caller whom `admins` in the configuration names.
pub(in crate::http) struct Administrator {
    /// The user name.
    pub(super) user: String,
    /// Who it is.
    pub(super) person: PersonId,
}

impl FromRequestParts<Arc<App>> for Administrator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let identity = Caller::from_request_parts(parts, app).await?.session.identity;
        Self::check(app, &identity)?;
        Ok(Self { person: identity.person(), user: identity.user })
    }
}

impl Administrator {
    /// Refuses whom `admins` does not name.
    pub(super) fn check(app: &App, identity: &Identity) -> Result<(), ApiError> {
        if app.is_administrator(identity) {
            return Ok(());
        }
        Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "not-an-administrator",
            "only administrators may do this; `admins` in the control plane's configuration names them",
        ))
    }
}

/// Does what an administrator asked for to its end, with the line in the log that says who it was: also when the caller
/// hangs up meanwhile.
pub(super) async fn to_its_end(
    task: impl Future<Output = Result<Response, ApiError>> + Send + 'static,
) -> Result<Response, ApiError> {
    tokio::spawn(task).await.map_err(ApiError::unavailable)?
}

/// What was sent, or what should have been.
pub(super) fn body<T>(sent: Result<Json<T>, JsonRejection>, example: &str) -> Result<T, ApiError> {
    sent.map(|Json(body)| body).map_err(|rejection| {
        let detail = format!("{}; send {example} as application/json", rejection.body_text());
        ApiError::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    })
}

/// The one person whom `name` means: `<provider>:<subject>`, or a user name that exactly one person is known by.
///
/// Some providers let people choose their user names, but none their ids. So what is or may be an id never means somebody
/// who has it for a user name; with [`ID`] before it, it is nothing but an id.
pub(super) async fn person(app: &App, name: &str) -> Result<Named, ApiError> {
    let unknown = |detail| ApiError::new(StatusCode::NOT_FOUND, "unknown-person", detail);
    let ambiguous = |detail| ApiError::new(StatusCode::CONFLICT, "ambiguous-person", detail);
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(unknown("person: is empty or too long (give PROVIDER:SUBJECT or a user name)".to_owned()));
    }
    let nothing_but_id = name.strip_prefix(ID);
    let id = nothing_but_id.unwrap_or(name);
    let person = PersonId::from(id);
    if let Some(known) = app.sessions.known(&person).await.map_err(ApiError::unavailable)? {
        return Ok(known);
    }
    let mut found = match nothing_but_id {
        Some(_) => Vec::new(),
        None => app.sessions.named(name).await.map_err(ApiError::unavailable)?,
    };
    let candidates = found.iter().map(|named| named.person.as_str()).collect::<Vec<_>>().join(", ");
    let providers: Vec<&str> = app.providers.all().map(crate::oidc::Provider::id).chain([accounts::PROVIDER]).collect();
    if has_form_of_id(id, &providers) {
        return match found.as_slice() {
            [] => Ok(Named { person, user: None }),
            _ => Err(ambiguous(format!(
                "person: nobody who has signed in lately has the id {id:?}, but it is the user name of {candidates} (give \
                 that id; if you mean a person of the id {id:?}, give {ID}{id})"
            ))),
        };
    }
    match found.len() {
        0 => Err(unknown(format!(
            "person: nobody who has signed in lately has the user name {name:?} (check it, or give PROVIDER:SUBJECT, where \
             PROVIDER is one of {})",
            providers.join(", ")
        ))),
        1 => Ok(found.remove(0)),
        _ => Err(ambiguous(format!("person: {name:?} may mean {candidates} (give one of these)"))),
    }
}

fn has_form_of_id(text: &str, providers: &[&str]) -> bool {
    text.split_once(':').is_some_and(|(provider, subject)| !subject.is_empty() && providers.contains(&provider))
}
