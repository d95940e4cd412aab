//! The pages: a type and a function per template. Every page has a Content-Security-Policy that
//! allows our style sheet and our forms, and nothing else.

mod admin;

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::messages::{self as m, Text};
use super::pages::SessionView;

pub(super) use self::admin::{
    AdminProvidersPage, AdminSessionsPage, AdminUsersPage, AllOf, DisabledView, ProviderView, PushView, StatusPage,
    UserView, WorkloadView, sections,
};

/// A provider to choose.
pub(super) struct ProviderChoice<'a> {
    /// What people know it as.
    pub(super) name: &'a str,
    /// Where the choice leads.
    pub(super) href: String,
}

#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage<'a> {
    /// The providers to choose from.
    pub(super) providers: Vec<ProviderChoice<'a>>,
    /// Whether the e-mail address may choose the provider.
    pub(super) by_email: bool,
    /// The address of the last attempt.
    pub(super) email: &'a str,
    /// Whether there are built-in accounts.
    pub(super) accounts: bool,
    /// The proof that the form is ours.
    pub(super) csrf: &'a str,
    /// Where to go afterwards.
    pub(super) return_to: &'a str,
    /// What was wrong with the last attempt.
    pub(super) problem: Option<Text>,
    /// The user name of the last attempt.
    pub(super) username: &'a str,
    /// Whether a command line waits for this sign-in.
    pub(super) for_command_line: bool,
    /// What the sign-in must show, after the words "a sign-in".
    pub(super) demand: Option<Text>,
}

#[derive(Template)]
#[template(path = "consent.html")]
pub(super) struct ConsentPage<'a> {
    /// Who would go on.
    pub(super) user: &'a str,
    /// How that person signed in.
    pub(super) provider: Text,
    /// Whether the answer goes to a loopback address rather than to a code to copy.
    pub(super) on_this_computer: bool,
    /// What the client says it runs on.
    pub(super) device: Option<&'a str>,
    /// The proof that the form is ours.
    pub(super) csrf: &'a str,
    /// The authorization request.
    pub(super) request: &'a str,
}

#[derive(Template)]
#[template(path = "code.html")]
pub(super) struct CodePage<'a> {
    /// The code to copy.
    pub(super) code: &'a str,
}

#[derive(Template)]
#[template(path = "device.html")]
pub(super) struct DevicePage<'a> {
    /// The proof that the form is ours.
    pub(super) csrf: &'a str,
    /// What was typed before, or came with the address.
    pub(super) code: &'a str,
    /// What was wrong with it.
    pub(super) problem: Option<Text>,
}

#[derive(Template)]
#[template(path = "device_confirm.html")]
pub(super) struct DeviceConfirmPage<'a> {
    /// Who would be signed in there.
    pub(super) user: &'a str,
    /// How that person signed in.
    pub(super) provider: Text,
    /// The code, to compare.
    pub(super) code: &'a str,
    /// What the client says it runs on.
    pub(super) device: Option<&'a str>,
    /// What the client says it is.
    pub(super) client: Option<&'a str>,
    /// The cluster that a token is wanted for first.
    pub(super) cluster: Option<&'a str>,
    /// Where it asked from.
    pub(super) address: String,
    /// Where this browser is.
    pub(super) here: String,
    /// Whether those are two networks.
    pub(super) elsewhere: bool,
    /// When it asked.
    pub(super) at: String,
    /// The proof that the form is ours.
    pub(super) csrf: &'a str,
}

#[derive(Template)]
#[template(path = "device_done.html")]
pub(super) struct DeviceDonePage<'a> {
    /// Who is signed in there; `None` when it was denied.
    pub(super) user: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "signed_in.html")]
pub(super) struct SignedInPage<'a> {
    /// Who it is.
    pub(super) user: Option<&'a str>,
}

/// A provider's own page to sign out.
pub(super) struct There<'a> {
    /// What people know the provider as.
    pub(super) name: &'a str,
    /// The page.
    pub(super) url: &'a str,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
pub(super) struct SignedOutPage<'a> {
    /// The provider that the person is signed out of too.
    pub(super) everywhere: Option<&'a str>,
    /// How many sessions have ended.
    pub(super) sessions: usize,
    /// Where the person is led on to.
    pub(super) there: Option<There<'a>>,
}

/// Somebody signed in, on the start page.
pub(super) struct HomePerson<'a> {
    /// The user name that API servers see.
    pub(super) user: &'a str,
    /// All groups.
    pub(super) groups: &'a [String],
    /// When the session ends.
    pub(super) until: String,
    /// The clusters that a rule gives access to.
    pub(super) clusters: Vec<&'a str>,
    /// The kubeconfig of all of them.
    pub(super) kubeconfig: String,
    /// The elevations that last.
    pub(super) elevations: Vec<ElevationView<'a>>,
    /// The person's sessions.
    pub(super) sessions: Vec<SessionView>,
    /// The proof that the form that signs out is ours.
    pub(super) sign_out: String,
    /// The proof that the form that signs out everywhere is ours.
    pub(super) end_all: String,
    /// Whether this person may sign in another machine by a code.
    pub(super) device_flow: bool,
    /// Whether the pages of administrators are for this person.
    pub(super) administrator: bool,
    /// Whether a session has just been ended.
    pub(super) ended: bool,
}

/// More groups on one cluster for a while.
pub(super) struct ElevationView<'a> {
    /// Where.
    pub(super) cluster: &'a str,
    /// The extra groups.
    pub(super) groups: &'a [String],
    /// What for.
    pub(super) reason: &'a str,
    /// The administrator who gave them.
    pub(super) by: &'a str,
    /// Until when.
    pub(super) until: String,
}

#[derive(Template)]
#[template(path = "home.html")]
pub(super) struct HomePage<'a> {
    /// Who is signed in.
    pub(super) person: Option<HomePerson<'a>>,
    /// Our own public URL.
    pub(super) server: &'a str,
}

#[derive(Template)]
#[template(path = "error.html")]
pub(super) struct ErrorPage<'a> {
    /// The message: a title, what went wrong, and what the person can do.
    pub(super) text: &'a Text,
    /// What finds the log line.
    pub(super) reference: &'a str,
}

/// A page. `form_target` is an origin that a form's answer may send the browser to, besides our own.
pub(super) fn page<T: Template>(template: &T, status: StatusCode, form_target: Option<&str>) -> Response {
    let html = match template.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    let form_target = form_target.map(|origin| format!(" {origin}")).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'{form_target}; frame-ancestors 'none'; \
         base-uri 'none'"
    );
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A page without forms that lead elsewhere.
pub(super) fn ok<T: Template>(template: &T) -> Response {
    page(template, StatusCode::OK, None)
}

/// The page of an error.
pub(super) fn error_page(error: &ErrorPage<'_>, status: StatusCode) -> Response {
    m::from_the_start(|| page(error, status, None))
}

#[cfg(test)]
mod tests;
