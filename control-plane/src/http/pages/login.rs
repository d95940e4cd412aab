//! `GET /login`: choose how to sign in.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use kubegate_core::secret::Secret;

use super::super::error::PageError;
use super::super::extract::Parameters;
use super::super::templates::{self, LoginPage, ProviderChoice};
use super::ReturnTo;
use crate::accounts::PROVIDER;
use crate::app::App;

/// The page.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let parameters = Parameters::parse(query.as_deref().unwrap_or_default()).ok();
    let parameter = |name| parameters.as_ref().and_then(|parameters| parameters.get(name));
    let return_to = ReturnTo::parse(parameter("return_to"), &app.issuer);
    let (browser, jar) = app.cookies.browser_or_new(&headers).map_err(PageError::internal)?;
    let attempt = Attempt { provider: parameter("provider"), ..Attempt::default() };
    Ok((jar, page(&app, &browser, &return_to, attempt)).into_response())
}

/// What the page shows of the attempt before.
#[derive(Default)]
pub(super) struct Attempt<'a> {
    /// The provider that was asked for: when there is one of that id, only that is offered.
    pub(super) provider: Option<&'a str>,
    /// The user name.
    pub(super) username: &'a str,
    /// What was wrong, and the status that goes with it.
    pub(super) problem: Option<(String, StatusCode)>,
}

/// The sign-in page.
pub(super) fn page(app: &App, browser: &Secret, return_to: &ReturnTo, attempt: Attempt<'_>) -> Response {
    let authorization = return_to.authorization(&app.issuer);
    let demand = return_to.demand(&app.issuer);
    // An account has no acr: where one is demanded, only a provider helps.
    let accounts = !app.accounts.is_empty() && (app.providers.is_empty() || !demand.asks_for_acr());
    let for_device = return_to.is_device() && app.offers_device_flow();
    let there = |id: &str| app.providers.get(id).is_some() || (accounts && id == PROVIDER);
    let asked = attempt.provider.filter(|id| there(id));
    let offered = |id: &str| asked.is_none_or(|asked| asked == id) && (!for_device || app.has_device_flow(id));
    let choices = app.providers.all().filter(|provider| offered(provider.id())).map(|provider| ProviderChoice {
        name: provider.name(),
        href: super::provider::start_url(app, browser, provider.id(), return_to),
    });
    let csrf = app.forms.proof(browser, &["login"]);
    let (problem, status) = attempt.problem.unzip();
    let page = LoginPage {
        providers: choices.collect(),
        accounts: accounts && offered(PROVIDER),
        csrf: &csrf,
        return_to: return_to.as_str(),
        problem,
        username: attempt.username,
        for_command_line: authorization.is_some() || for_device,
        demand: demand.in_words(),
    };
    let form_target = authorization.as_ref().and_then(|authorization| authorization.redirect.form_target());
    templates::page(&page, status.unwrap_or(StatusCode::OK), form_target)
}
