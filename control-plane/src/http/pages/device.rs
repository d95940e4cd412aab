//! `/device`: where a person types the code of a machine without a browser, and sees who asks.
//!
//! ```text
//!  form ─POST─▶ /device?user_code=…&typed=proof ─┐
//!  link ──────▶ /device?user_code=…             ─┴─▶ signed in? ─▶ looked up ─▶ who asks? ─POST─▶ /device/decision
//! ```
//!
//! Nothing is looked up before somebody has signed in, so that each try is some person's. Tries that were typed into our
//! form and those that came by a link are counted apart: another site can send a browser to any link, and must not use
//! up the tries of its person. When those by link are used up, the form has the code in it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kubegate_core::secret::Secret;

use super::super::error::PageError;
use super::super::extract::{BrowserSession, ClientAddress, Parameters};
use super::super::oauth::RESOURCE;
use super::super::oauth::authorize::{expired, is_young, see_other, shown};
use super::super::templates::{self, DeviceConfirmPage, DevicePage};
use super::login_url;
use crate::accounts::limiter::network;
use crate::app::App;
use crate::clock::for_people;
use crate::oidc::Demand;
use crate::session::{DeviceGrant, Session, UserCode};

/// The path of this page.
pub(in crate::http) const PATH: &str = "/device";

/// The longest text that is shown again as it was typed.
const LONGEST_TYPED: usize = 32;

/// What the sign-in should be, beside the code in the address of this page.
#[derive(Default)]
pub(in crate::http) struct Asked {
    /// The provider.
    pub(in crate::http) provider: Option<String>,
    /// The classes.
    pub(in crate::http) acr_values: Option<String>,
    /// The age.
    pub(in crate::http) max_age: Option<String>,
}

impl Asked {
    /// This page with `user_code` and what is asked.
    pub(in crate::http) fn path(&self, user_code: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("user_code", user_code);
        let Self { provider, acr_values, max_age } = self;
        for (name, value) in [("provider", provider), ("acr_values", acr_values), ("max_age", max_age)] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        format!("{PATH}?{}", query.finish())
    }
}

/// What the query of this page says that a sign-in must show, for asking a provider. The request itself is what counts.
pub(super) fn demand(query: &str) -> Option<Demand> {
    let parameters = Parameters::parse(query).ok()?;
    Demand::parse(parameters.get("acr_values"), parameters.get("max_age")).ok()
}

/// The form; or, with a code, who asks.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    RawQuery(query): RawQuery,
    BrowserSession(session): BrowserSession,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    check_offered(&app)?;
    let query = query.unwrap_or_default();
    let parameters = Parameters::parse(&query).map_err(|_| expired())?;
    let (browser, jar) = app.cookies.browser_or_new(&headers).map_err(PageError::internal)?;
    let Some(typed) = parameters.get("user_code") else {
        return Ok((jar, form(&app, &browser, "", None)).into_response());
    };
    let Some(code) = UserCode::parse(typed) else {
        return Ok((jar, form(&app, &browser, typed, Some(Problem::NoCode))).into_response());
    };
    let here = format!("{PATH}?{query}");
    let Some(session) = session.filter(|session| is_young(&app, session)) else {
        return Ok(see_other(&login_url(&here, parameters.get("provider"))));
    };
    check_provider(&app, &session)?;
    let by_form = app.forms.proves(
        parameters.get("typed").unwrap_or_default(),
        Some(&browser),
        &["device typed", &code.to_string()],
    );
    let visit = Visit { app: &app, browser: &browser, session: &session, address, here: &here };
    Ok((jar, visit.look_up(&code, by_form).await?).into_response())
}

/// The typed code. It goes on by an address of ours, so that a sign-in can lead back to it.
pub(in crate::http) async fn post(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: String,
) -> Result<Response, PageError> {
    check_offered(&app)?;
    let parameters = Parameters::parse(&body).map_err(|_| expired())?;
    let Some(browser) = app.cookies.browser(&headers) else { return Err(expired()) };
    if !app.forms.proves(parameters.get("csrf").unwrap_or_default(), Some(&browser), &["device"]) {
        return Err(expired());
    }
    let typed = parameters.get("user_code").unwrap_or_default();
    let Some(code) = UserCode::parse(typed) else {
        return Ok(form(&app, &browser, typed, Some(Problem::NoCode)));
    };
    let code = code.to_string();
    let proof = app.forms.proof(&browser, &["device typed", &code]);
    Ok(see_other(&format!("{}&typed={proof}", Asked::default().path(&code))))
}

/// What is wrong with a code.
enum Problem {
    /// It is none.
    NoCode,
    /// Nobody waits with it.
    Unknown,
    /// Too many were tried.
    Wait(u64),
}

/// The form, with what was wrong.
fn form(app: &App, browser: &Secret, typed: &str, problem: Option<Problem>) -> Response {
    let (words, status) = match &problem {
        None => (None, StatusCode::OK),
        Some(Problem::NoCode) => {
            let words = "This is no code. It has eight letters, like BCDF-GHJK: no digits and no vowels.";
            (Some(words.to_owned()), StatusCode::BAD_REQUEST)
        }
        Some(Problem::Unknown) => {
            let words = "No machine waits with this code. It may have been used before, or be older than ten minutes: run \
                         the command in the terminal again.";
            (Some(words.to_owned()), StatusCode::NOT_FOUND)
        }
        Some(Problem::Wait(seconds)) => {
            let words = format!("You tried too many codes. Wait {seconds} seconds, then try again.");
            (Some(words), StatusCode::TOO_MANY_REQUESTS)
        }
    };
    let csrf = app.forms.proof(browser, &["device"]);
    let typed: String = typed.chars().take(LONGEST_TYPED).collect();
    let mut response = templates::page(&DevicePage { csrf: &csrf, code: &typed, problem: words }, status, None);
    if let Some(Problem::Wait(seconds)) = problem {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A person at this page.
struct Visit<'a> {
    app: &'a App,
    browser: &'a Secret,
    session: &'a Session,
    address: IpAddr,
    here: &'a str,
}

impl Visit<'_> {
    /// Who asks with `code`, when somebody does.
    async fn look_up(&self, code: &UserCode, by_form: bool) -> Result<Response, PageError> {
        let Self { app, browser, session, address, .. } = *self;
        let now = app.clock.now();
        let person = format!("{} {}", if by_form { "form" } else { "link" }, session.identity.person());
        // A person is one wherever they are.
        let anywhere = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
        if let Err(wait) = app.user_code_tries.attempt(&person, anywhere, now) {
            let problem = by_form.then(|| Problem::Wait(wait.as_secs().max(1)));
            return Ok(form(app, browser, &code.to_string(), problem));
        }
        let found = app.sessions.waiting_device(app.user_codes.hash(code), now).await.map_err(PageError::internal)?;
        let Some(grant) = found else {
            tracing::info!(user = session.identity.user, %address, by_form, "a code was tried that no machine waits with");
            return Ok(form(app, browser, &code.to_string(), Some(Problem::Unknown)));
        };
        app.user_code_tries.forgive(&person, anywhere);
        self.confirm(code, &grant).await
    }

    /// The question, once the sign-in is as it was demanded.
    async fn confirm(&self, code: &UserCode, grant: &DeviceGrant) -> Result<Response, PageError> {
        let Self { app, browser, session, address, here } = *self;
        let now = app.clock.now();
        let purpose = app.sessions.take_purpose(session, here).await.map_err(PageError::internal)?;
        let for_this = purpose.is_some();
        let demand = demand_of(grant);
        if let Err(lacking) = demand.judge(shown(session, for_this), now) {
            let asked = asked(grant);
            // The page that the sign-in leads back to has to ask the provider for it.
            if for_this && demand_in(here) == demand {
                return Err(unmet(&lacking.told(app.provider_name(&session.identity.provider))));
            }
            return Ok(see_other(&login_url(&asked.path(&code.to_string()), grant.request.provider.as_deref())));
        }
        let shown_code = code.to_string();
        let csrf = app.forms.proof(browser, &decision_purpose(session, &shown_code, for_this));
        let request = &grant.request;
        let page = DeviceConfirmPage {
            user: &session.identity.user,
            provider: app.provider_name(&session.identity.provider),
            code: &shown_code,
            device: request.device.as_deref(),
            client: request.client.as_deref(),
            cluster: request.resource.as_deref().map(|resource| resource.strip_prefix(RESOURCE).unwrap_or(resource)),
            address: request.address.to_string(),
            here: address.to_string(),
            elsewhere: network(request.address) != network(address),
            at: for_people(grant.created_at),
            csrf: &csrf,
        };
        Ok(templates::ok(&page))
    }
}

/// What the form of the question stands for.
pub(super) fn decision_purpose<'a>(session: &'a Session, code: &'a str, for_this: bool) -> [&'a str; 4] {
    let how = if for_this { "signed in for this" } else { "signed in before" };
    ["device decision", how, session.id.as_str(), code]
}

/// What the request demands. What was written down was read before.
pub(super) fn demand_of(grant: &DeviceGrant) -> Demand {
    let DeviceGrant { request, .. } = grant;
    Demand::parse(request.acr_values.as_deref(), request.max_age.as_deref()).unwrap_or_default()
}

/// What a sign-in for this request is asked for.
pub(super) fn asked(grant: &DeviceGrant) -> Asked {
    let request = &grant.request;
    Asked {
        provider: request.provider.clone(),
        acr_values: request.acr_values.clone(),
        max_age: request.max_age.clone(),
    }
}

fn demand_in(here: &str) -> Demand {
    here.split_once('?').and_then(|(_, query)| demand(query)).unwrap_or_default()
}

/// Refuses when there is no device flow.
pub(super) fn check_offered(app: &App) -> Result<(), PageError> {
    if app.offers_device_flow() {
        return Ok(());
    }
    Err(turned_off("Here nobody may sign in another machine by a code."))
}

/// Refuses somebody whose provider is not to be used for this.
pub(super) fn check_provider(app: &App, session: &Session) -> Result<(), PageError> {
    let provider = &session.identity.provider;
    if app.has_device_flow(provider) {
        return Ok(());
    }
    tracing::info!(provider, user = session.identity.user, "a provider's people may not sign in machines by a code");
    let name = app.provider_name(provider);
    Err(turned_off(&format!("Who signed in with {name} may not sign in another machine by a code.")))
}

fn turned_off(what: &str) -> PageError {
    PageError::new(
        StatusCode::FORBIDDEN,
        "device-flow-off",
        "This way to sign in is turned off",
        what,
        "End the command that waits in the terminal, and run `kubegate login --no-browser` there instead.",
    )
}

/// The answer when the sign-in for this request does not meet its demand.
pub(super) fn unmet(what: &str) -> PageError {
    tracing::info!(what, "a sign-in did not meet the demand");
    PageError::new(
        StatusCode::FORBIDDEN,
        "unmet-authentication-requirements",
        "This sign-in is not enough",
        format!("Kubegate cannot go on: {what}."),
        "Sign in another way that your identity provider offers, or end the command that waits in the terminal. If there \
         is no other way, ask whoever runs Kubegate.",
    )
}
