//! What calls of administrators have in common.

use std::sync::Arc;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::http::request::Parts;
use kubegate_core::id::PersonId;

use super::super::error::ApiError;
use super::super::extract::Caller;
use crate::accounts;
use crate::app::App;
use crate::session::Named;

/// The longest name or id that is looked for.
const MAX_NAME: usize = 1024;

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
        if !app.is_administrator(&identity) {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "not-an-administrator",
                "only administrators may do this; `admins` in the control plane's configuration names them",
            ));
        }
        Ok(Self { person: identity.person(), user: identity.user })
    }
}

/// What was sent, or what should have been.
pub(super) fn body<T>(sent: Result<Json<T>, JsonRejection>, example: &str) -> Result<T, ApiError> {
    sent.map(|Json(body)| body).map_err(|rejection| {
        let detail = format!("{}; send {example} as application/json", rejection.body_text());
        ApiError::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    })
}

/// The one person whom `name` means: `<provider>:<subject>`, or a user name that exactly one person is known by.
pub(super) async fn person(app: &App, name: &str) -> Result<Named, ApiError> {
    let unknown = |detail| ApiError::new(StatusCode::NOT_FOUND, "unknown-person", detail);
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(unknown("person: is empty or too long (give PROVIDER:SUBJECT or a user name)".to_owned()));
    }
    let mut found = app.sessions.named(name).await.map_err(ApiError::unavailable)?;
    if found.len() > 1 {
        let candidates: Vec<&str> = found.iter().map(|named| named.person.as_str()).collect();
        let detail = format!("person: {name:?} may mean {} (give one of these)", candidates.join(", "));
        return Err(ApiError::new(StatusCode::CONFLICT, "ambiguous-person", detail));
    }
    if let Some(named) = found.pop() {
        return Ok(named);
    }
    let providers: Vec<&str> =
        app.providers.all().map(crate::oidc::OidcProvider::id).chain([accounts::PROVIDER]).collect();
    match name.split_once(':') {
        Some((provider, subject)) if !subject.is_empty() && providers.contains(&provider) => {
            Ok(Named { person: PersonId::from(name), user: None })
        }
        _ => Err(unknown(format!(
            "person: nobody who has signed in lately has the user name {name:?} (check it, or give PROVIDER:SUBJECT, where \
             PROVIDER is one of {})",
            providers.join(", ")
        ))),
    }
}
