//! The pages: a type and a function per template. Every page has a Content-Security-Policy that
//! allows our style sheet and our forms, and nothing else.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};

use super::api::status::StatusView;
use crate::policy::File;

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
    /// Whether there are built-in accounts.
    pub(super) accounts: bool,
    /// The proof that the form is ours.
    pub(super) csrf: &'a str,
    /// Where to go afterwards.
    pub(super) return_to: &'a str,
    /// What was wrong with the last attempt.
    pub(super) problem: Option<String>,
    /// The user name of the last attempt.
    pub(super) username: &'a str,
    /// Whether a command line waits for this sign-in.
    pub(super) for_command_line: bool,
    /// What the sign-in must show, after the words "a sign-in".
    pub(super) demand: Option<String>,
}

#[derive(Template)]
#[template(path = "consent.html")]
pub(super) struct ConsentPage<'a> {
    /// Who would go on.
    pub(super) user: &'a str,
    /// How that person signed in.
    pub(super) provider: &'a str,
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
    pub(super) problem: Option<String>,
}

#[derive(Template)]
#[template(path = "device_confirm.html")]
pub(super) struct DeviceConfirmPage<'a> {
    /// Who would be signed in there.
    pub(super) user: &'a str,
    /// How that person signed in.
    pub(super) provider: &'a str,
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
    /// The proof that the form is ours.
    pub(super) csrf: &'a str,
    /// Whether the status page is for this person.
    pub(super) administrator: bool,
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
#[template(path = "status.html")]
pub(super) struct StatusPage<'a> {
    /// How all stands.
    pub(super) status: &'a StatusView,
}

#[derive(Template)]
#[template(path = "error.html")]
pub(super) struct ErrorPage<'a> {
    /// In a few words.
    pub(super) title: &'a str,
    /// What went wrong.
    pub(super) what: &'a str,
    /// What the person can do.
    pub(super) remedy: &'a str,
    /// What finds the log line.
    pub(super) reference: &'a str,
}

/// The pieces of a text, and which of them stand between backticks: commands to type.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = (bool, &str)> {
    text.split('`').enumerate().map(|(position, piece)| (position % 2 == 1, piece))
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
    page(error, status, None)
}

#[cfg(test)]
mod tests {
    use kubegate_core::document::{Problem, Severity};

    use super::super::api::status::{FailingView, GatewayView, LiveSetView, PolicyView, RefusedView};
    use super::*;

    const HOSTILE: &str = "<script>alert(1)</script>\"'&";

    fn status(refused: bool) -> StatusView {
        let problem = Problem {
            severity: Severity::Error,
            file: HOSTILE.into(),
            line: 1,
            column: 2,
            path: HOSTILE.into(),
            message: HOSTILE.into(),
            remedy: HOSTILE.into(),
        };
        let refused = RefusedView {
            at: String::new(),
            message: HOSTILE.into(),
            problems: if refused { vec![problem] } else { vec![] },
        };
        StatusView {
            version: "0",
            started: String::new(),
            policy: PolicyView { version: "1.1".into(), since: String::new(), clusters: 1, rules: 1 },
            file: File::Refused,
            refused: Some(refused),
            failing: Some(FailingView { since: String::new(), message: HOSTILE.into() }),
            live_set: LiveSetView { version: "1.1".into(), signed_at: String::new(), revocations: 0, elevations: 0 },
            gateways: vec![GatewayView {
                name: HOSTILE.into(),
                waiting: 1,
                last_poll: Some(String::new()),
                holds: crate::polls::Holds::Newer,
                others: vec![crate::polls::Holds::Newest],
            }],
        }
    }

    /// Every page, with hostile text in every field that a person or provider can fill.
    fn pages() -> Vec<(&'static str, String)> {
        let groups = [HOSTILE.to_owned()];
        let login = LoginPage {
            providers: vec![ProviderChoice { name: HOSTILE, href: "/login/corp?return_to=%2F".into() }],
            accounts: true,
            csrf: "proof",
            return_to: HOSTILE,
            problem: Some(HOSTILE.into()),
            username: HOSTILE,
            for_command_line: true,
            demand: Some(HOSTILE.into()),
        };
        let consent = |on_this_computer| ConsentPage {
            user: HOSTILE,
            provider: HOSTILE,
            on_this_computer,
            device: Some(HOSTILE),
            csrf: "proof",
            request: HOSTILE,
        };
        let device = |problem| DevicePage { csrf: "proof", code: HOSTILE, problem };
        let confirm = |elsewhere: bool| DeviceConfirmPage {
            user: HOSTILE,
            provider: HOSTILE,
            code: "BCDF-GHJK",
            device: elsewhere.then_some(HOSTILE),
            client: elsewhere.then_some(HOSTILE),
            cluster: elsewhere.then_some(HOSTILE),
            address: "192.0.2.1".into(),
            here: "192.0.2.2".into(),
            elsewhere,
            at: "2023-11-14 22:13 UTC".into(),
            csrf: "proof",
        };
        let person = HomePerson {
            user: HOSTILE,
            groups: &groups,
            until: "2030-01-01T00:00:00Z".into(),
            clusters: vec!["prod"],
            csrf: "proof",
            administrator: true,
        };
        let error = ErrorPage { title: "Title", what: HOSTILE, remedy: HOSTILE, reference: "abc" };
        let server = "https://kubegate.example.com";
        vec![
            ("login", login.render().unwrap()),
            ("consent", consent(true).render().unwrap()),
            ("consent for a code", consent(false).render().unwrap()),
            ("code", CodePage { code: HOSTILE }.render().unwrap()),
            ("device", device(Some(HOSTILE.into())).render().unwrap()),
            ("device at first", device(None).render().unwrap()),
            ("device to confirm", confirm(true).render().unwrap()),
            ("device at the same place", confirm(false).render().unwrap()),
            ("device allowed", DeviceDonePage { user: Some(HOSTILE) }.render().unwrap()),
            ("device denied", DeviceDonePage { user: None }.render().unwrap()),
            ("signed in", SignedInPage { user: Some(HOSTILE) }.render().unwrap()),
            (
                "signed out",
                SignedOutPage { everywhere: None, sessions: 2, there: Some(There { name: HOSTILE, url: "/x" }) }
                    .render()
                    .unwrap(),
            ),
            (
                "signed out everywhere",
                SignedOutPage { everywhere: Some(HOSTILE), sessions: 1, there: None }.render().unwrap(),
            ),
            ("home", HomePage { person: Some(person), server }.render().unwrap()),
            ("home of nobody", HomePage { person: None, server }.render().unwrap()),
            ("error", error.render().unwrap()),
            ("status", StatusPage { status: &status(true) }.render().unwrap()),
            ("status of a good policy", StatusPage { status: &status(false) }.render().unwrap()),
        ]
    }

    #[test]
    fn every_page_renders_escaped_and_with_what_assistive_technology_needs() {
        for (name, html) in pages() {
            assert!(!html.contains("<script"), "{name}: not escaped");
            assert!(!html.contains("style=") && !html.contains("onclick"), "{name}: nothing inline");
            assert!(!html.contains("http://") && !html.contains("src="), "{name}: nothing from elsewhere");
            assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"), "{name}: language");
            assert_eq!(html.matches("<h1>").count(), 1, "{name}: one heading");
            assert!(html.contains("<title>") && html.contains("<main id=\"main\">"), "{name}: title and landmark");
            for input in html.split("<input").skip(1).filter(|input| !input.contains("type=\"hidden\"")) {
                let id = input.split("id=\"").nth(1).unwrap().split('"').next().unwrap();
                assert!(html.contains(&format!("<label for=\"{id}\">")), "{name}: {id} has a label");
            }
        }
    }

    #[test]
    fn pages_allow_nothing_but_their_own_style_and_forms() {
        let response = page(&CodePage { code: "x" }, StatusCode::OK, Some("http://127.0.0.1:8000"));
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert_eq!(
            policy,
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' http://127.0.0.1:8000; \
             frame-ancestors 'none'; base-uri 'none'"
        );
    }
}
