//! `POST /logout/backchannel/{provider}`: a provider says that somebody signed out there (OpenID Connect Back-Channel
//! Logout 1.0, section 2.5).

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::StringRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::audit::Attempt;
use super::error::ascii;
use super::extract::{ClientAddress, Parameters};
use crate::app::App;
use crate::oidc::InvalidLogoutToken;
use crate::session::{LoggedOut, LogoutToken};
use crate::telemetry::{SignInLabels, chain};

/// The largest body.
pub(super) const MAX_BODY: usize = 16 * 1024;

/// Why a request is refused.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("there is no such provider")]
    Provider,
    #[error("send one logout_token as a form")]
    Form,
    #[error("too many logout tokens from this address were no good; wait a minute")]
    TooMany,
    #[error("the logout token is refused: {0}")]
    Token(#[from] InvalidLogoutToken),
    #[error("the logout token is refused: it was taken before")]
    Replayed,
    #[error("the sessions could not be ended just now; send the logout token again")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Ends what the logout token says, and answers once no gateway that has the news takes it any more.
pub(super) async fn post(
    State(app): State<Arc<App>>,
    Path(provider): Path<String>,
    ClientAddress(address): ClientAddress,
    body: Result<String, StringRejection>,
) -> Response {
    let now = app.clock.now();
    let known = app.providers.get(&provider).is_some();
    let done = match body {
        _ if !known => Err(Refused::Provider),
        Ok(body) => {
            // Who sends many bad ones has no more keys fetched; but nobody keeps a good one from being obeyed.
            let allowed = app.logout_failures.allows(address, now);
            let done = obey(&app, &provider, &body, allowed).await;
            done.map_err(|refused| if allowed { refused } else { Refused::TooMany })
        }
        Err(_) => Err(Refused::Form),
    };
    let labels = |result| SignInLabels { provider: if known { provider.clone() } else { String::new() }, result };
    match done {
        Ok((token, sessions)) => {
            app.metrics.provider_logouts.get_or_create(&labels("ok")).inc();
            let LogoutToken { sid, person, .. } = token;
            let attempt = Attempt::new("provider-logout", address).at(&provider).about(person).ended(sessions);
            let which = if sid.is_some() { "one session there" } else { "all sessions there" };
            attempt.detail(which).succeeded("signed out by the provider");
            (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")]).into_response()
        }
        Err(refused) => {
            app.metrics.provider_logouts.get_or_create(&labels(refused.code())).inc();
            if refused.is_the_senders_doing() {
                app.logout_failures.note(address, now);
            }
            let attempt = Attempt::new("provider-logout", address).detail(chain(&refused));
            let attempt = if known { attempt.at(&provider) } else { attempt };
            attempt.refused(refused.code());
            refused.into_response()
        }
    }
}

/// Verifies the token, and does what it says to its end: also when the provider hangs up meanwhile.
async fn obey(app: &Arc<App>, provider: &str, body: &str, may_fetch: bool) -> Result<(LogoutToken, usize), Refused> {
    let form = Parameters::parse(body).map_err(|_| Refused::Form)?;
    let token = form.get("logout_token").ok_or(Refused::Form)?;
    let provider = app.providers.get(provider).ok_or(Refused::Provider)?;
    let token = provider.logout_token(token, may_fetch, app.clock.now()).await?;
    let ending = Arc::clone(app);
    let ended = tokio::spawn(async move {
        let done = ending.sessions.logged_out(&token, ending.clock.now()).await;
        done.map(|done| (token, done))
    });
    let ended = ended.await.map_err(|error| Refused::Failed(error.into()))?;
    match ended.map_err(|error| Refused::Failed(error.into()))? {
        (token, LoggedOut::Sessions(sessions)) => Ok((token, sessions)),
        (_, LoggedOut::Replayed) => Err(Refused::Replayed),
    }
}

impl Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Provider => "unknown-provider",
            Self::Form => "bad-request",
            Self::TooMany => "too-many",
            Self::Token(InvalidLogoutToken::Provider(_)) => "provider-unavailable",
            Self::Token(_) => "bad-token",
            Self::Replayed => "replayed",
            Self::Failed(_) => "internal",
        }
    }

    fn is_the_senders_doing(&self) -> bool {
        match self {
            Self::Provider | Self::Form | Self::Replayed => true,
            Self::Token(error) => !matches!(error, InvalidLogoutToken::Provider(_)),
            Self::TooMany | Self::Failed(_) => false,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        // Section 2.8 knows 400 alone, also where the logout failed; but who is to wait has to be told.
        let status =
            if matches!(self, Self::TooMany) { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::BAD_REQUEST };
        let body = json!({ "error": "invalid_request", "error_description": ascii(&self.to_string()) });
        (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
    }
}
