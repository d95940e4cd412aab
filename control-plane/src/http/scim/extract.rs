//! Who asks: a provider, by its token.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::audit::Attempt;
use super::super::extract::{ClientAddress, bearer};
use super::answer;
use crate::app::App;
use crate::scim::Directory;
use crate::telemetry::PushLabels;

/// A request of a provider that shows its token.
pub(in crate::http) struct Pushes {
    app: Arc<App>,
    provider: String,
    /// The id of the resource that the path names.
    pub(super) id: String,
}

impl Pushes {
    /// What the provider pushes.
    pub(super) fn directory(&self) -> Option<&Directory> {
        self.app.scim.directory(&self.provider)
    }
}

impl FromRequestParts<Arc<App>> for Pushes {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, app).await;
        let mut path = path.map(|Path(path)| path).unwrap_or_default();
        let provider = path.remove("provider").unwrap_or_default();
        let Ok(ClientAddress(address)) = ClientAddress::from_request_parts(parts, app).await;
        let shown = bearer(&parts.headers);
        let directory = app.scim.directory(&provider);
        if let (Some(directory), Some(token)) = (directory, &shown)
            && directory.is_shown(token)
        {
            let id = path.remove("id").unwrap_or_default();
            return Ok(Self { app: Arc::clone(app), provider, id });
        }
        // Who shows a good token never waits for those who do not.
        let now = app.clock.now();
        let waits = app.scim_failures.check("scim", address, now);
        app.scim_failures.failed("scim", address, now);
        let status = if waits.is_ok() { StatusCode::UNAUTHORIZED } else { StatusCode::TOO_MANY_REQUESTS };
        let reason = match (&waits, &shown) {
            (Err(_), _) => "slowed-down",
            (Ok(()), None) => "no-token",
            (Ok(()), Some(_)) => "bad-token",
        };
        let attempt = Attempt::new("scim", address);
        let attempt = if directory.is_some() { attempt.at(&provider) } else { attempt };
        attempt.refused(reason);
        app.metrics.scim_requests.get_or_create(&PushLabels { provider: String::new(), status: status.as_u16() }).inc();
        Err(match waits {
            Ok(()) => {
                let detail = "send the token of this provider as `Authorization: Bearer`; `scim.tokenFile` of the provider in \
                              the control plane's configuration names the file with it";
                let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"kubegate-scim\"")];
                (challenge, answer::error(status, None, detail)).into_response()
            }
            Err(wait) => {
                let wait = [(header::RETRY_AFTER, wait.as_secs().max(1).to_string())];
                (wait, answer::error(status, None, "too many requests without a good token came from here"))
                    .into_response()
            }
        })
    }
}
