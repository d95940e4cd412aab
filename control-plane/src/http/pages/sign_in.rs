//! What every successful sign-in ends with.

use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kubegate_core::secret::Secret;

use super::super::audit::Attempt;
use super::super::error::PageError;
use super::super::oauth::authorize::see_other;
use super::ReturnTo;
use crate::accounts;
use crate::app::App;
use crate::clock::for_people;
use crate::scim::NotProvisioned;
use crate::session::{Disabled, EndReason, Session, SessionError, SignIn};

/// Begins the browser's session in place of the one before, and leads on.
pub(super) async fn complete(
    app: &App,
    sign_in: SignIn,
    return_to: &ReturnTo,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<Response, PageError> {
    let (provider, person) = (sign_in.identity.provider.clone(), sign_in.identity.person());
    let user = sign_in.identity.user.clone();
    let event = if provider == accounts::PROVIDER { "password" } else { "provider" };
    match begin(app, sign_in, headers, address).await {
        Ok((session, cookie)) => {
            Attempt::new(event, address).of(&session).succeeded("signed in");
            Ok((app.cookies.set_session(&cookie), see_other(return_to.as_str())).into_response())
        }
        Err(error) => {
            let attempt = Attempt::new(event, address).at(&provider).by(Some(&user));
            attempt.about(Some(person)).refused(error.code());
            Err(error)
        }
    }
}

async fn begin(
    app: &App,
    sign_in: SignIn,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<(Session, Secret), PageError> {
    let now = app.clock.now();
    if let Some(before) = app.cookies.session(headers) {
        let before = app.sessions.by_cookie(before.expose(), address, now).await.map_err(PageError::internal)?;
        if let Some(before) = before {
            app.sessions.end(&before.id, EndReason::SignedOut, now).await.map_err(PageError::internal)?;
        }
    }
    let provider = sign_in.identity.provider.clone();
    let begun = app.sessions.begin(sign_in, now).await.map_err(|error| match error {
        SessionError::Disabled(disabled) => {
            app.metrics.sign_in(&provider, EndReason::Disabled.as_str());
            refuse(&disabled)
        }
        SessionError::NotProvisioned(why) => {
            app.metrics.sign_in(&provider, "not-provisioned");
            not_provisioned(why, app.provider_name(&provider)).because(why)
        }
        error => PageError::internal(error),
    })?;
    app.metrics.sign_in(&provider, "ok");
    Ok(begun)
}

/// What a person reads whom the provider has signed in, but has not pushed.
fn not_provisioned(why: NotProvisioned, provider: &str) -> PageError {
    let message = match why {
        NotProvisioned::Unknown => "error-not-provisioned-unknown",
        NotProvisioned::Inactive => "error-not-provisioned-inactive",
        NotProvisioned::Ambiguous | NotProvisioned::Taken => "error-not-provisioned-ambiguous",
        NotProvisioned::Unlinked => "error-not-provisioned-unlinked",
    };
    PageError::of(StatusCode::FORBIDDEN, "not-provisioned").told_as(message).with("provider", provider)
}

fn refuse(disabled: &Disabled) -> PageError {
    let Disabled { person, by, reason, at, .. } = disabled;
    PageError::of(StatusCode::FORBIDDEN, "account-disabled")
        .with("by", by)
        .with("at", for_people(*at))
        .with("reason", reason)
        .with("person", person)
}
