//! `/admin`: what administrators see and do in a browser.
//!
//! Every page is for those whom `admins` in the configuration names, judged at each request. Whatever changes something
//! is a form with a proof of its own, and leaves a line in the log that says who it was.

pub(in crate::http) mod providers;
pub(in crate::http) mod sessions;
pub(in crate::http) mod users;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum_extra::extract::CookieJar;
use kubegate_core::id::PersonId;
use kubegate_core::secret::Secret;

use super::super::error::PageError;
use super::super::extract::{BrowserSession, Parameters};
use super::super::oauth::authorize::see_other;
use super::super::people::By;
use super::login_url;
use crate::app::App;
use crate::session::Session;

/// An administrator who is signed in in a browser. Nobody else gets further.
pub(in crate::http) struct Administrator {
    /// Their own session.
    pub(super) session: Session,
    /// Who they are.
    pub(super) person: PersonId,
    browser: Secret,
    /// The browser's cookie, if it has none yet.
    pub(super) jar: CookieJar,
}

impl FromRequestParts<Arc<App>> for Administrator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let BrowserSession(session) =
            BrowserSession::from_request_parts(parts, app).await.map_err(IntoResponse::into_response)?;
        let Some(session) = session else {
            let here = parts.uri.path_and_query().filter(|_| parts.method == Method::GET);
            return Err(see_other(&login_url(here.map_or("/admin", |here| here.as_str()), None)));
        };
        if !app.is_administrator(&session.identity) {
            let refused = PageError::of(StatusCode::FORBIDDEN, "not-an-administrator");
            return Err(refused.with("user", &session.identity.user).into_response());
        }
        let made = app.cookies.browser_or_new(&parts.headers);
        let (browser, jar) = made.map_err(|error| PageError::internal(error).into_response())?;
        Ok(Self { person: session.identity.person(), session, browser, jar })
    }
}

impl Administrator {
    /// The proof of a form of ours for `what` is to be done to `whom`.
    fn proof(&self, app: &App, what: &str, whom: &str) -> String {
        app.forms.proof(&self.browser, &["admin", self.session.id.as_str(), what, whom])
    }

    /// The field `name` of a form that proves to be ours for `what` is to be done to whom that field names.
    fn proven<'f>(&self, app: &App, form: &'f Parameters, what: &str, name: &str) -> Result<&'f str, PageError> {
        let whom = form.get(name).unwrap_or_default();
        let purpose = ["admin", self.session.id.as_str(), what, whom];
        let proves = app.forms.proves(form.get("csrf").unwrap_or_default(), Some(&self.browser), &purpose);
        if proves { Ok(whom) } else { Err(expired()) }
    }

    /// The same for what the log says.
    fn by(&self) -> By<'_> {
        By { user: &self.session.identity.user, person: &self.person }
    }
}

/// Does what an administrator asked for to its end, also when the browser hangs up meanwhile.
async fn to_its_end(
    task: impl Future<Output = Result<Response, PageError>> + Send + 'static,
) -> Result<Response, PageError> {
    let language = super::super::messages::current();
    let task = super::super::messages::in_language(language, task);
    tokio::spawn(task).await.map_err(PageError::internal)?
}

fn read(body: &str) -> Result<Parameters, PageError> {
    Parameters::parse(body).map_err(|_| expired())
}

fn expired() -> PageError {
    PageError::of(StatusCode::FORBIDDEN, "form-expired")
}

/// `path` with the parameter `name`.
fn with_parameter(path: &str, name: &str, value: &str) -> String {
    format!("{path}?{}", url::form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish())
}
