//! `POST /login`: the provider that an e-mail address belongs to. Only the domain counts, so the answer says nothing of
//! anybody's account.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::audit;
use super::super::error::PageError;
use super::super::extract::ClientAddress;
use super::super::messages::{Text, text};
use super::login::{self, Attempt};
use super::{ReturnTo, accounts, provider};
use crate::app::App;

/// The longest address (RFC 5321 section 4.5.3.1).
const LONGEST: usize = 254;

/// An address as people type it, when it can be one.
pub(super) fn address(text: &str) -> Option<&str> {
    let address = text.trim();
    let (local, domain) = address.rsplit_once('@')?;
    let plain = address.len() <= LONGEST && !address.chars().any(|c| c.is_control() || c.is_whitespace());
    (plain && !local.is_empty() && !domain.is_empty()).then_some(address)
}

/// What is wrong with an address that leads nowhere. It is the same for everybody of a domain.
pub(super) fn unknown(typed: &str) -> Text {
    let Some((_, domain)) = address(typed).and_then(|address| address.rsplit_once('@')) else {
        return text("login-no-address");
    };
    text("login-unknown-domain").with("domain", domain)
}

/// The form.
pub(in crate::http) async fn post(
    State(app): State<Arc<App>>,
    ClientAddress(from): ClientAddress,
    headers: HeaderMap,
    body: String,
) -> Result<Response, PageError> {
    let audited = audit::Attempt::new("email", from);
    let Some((form, browser)) = accounts::of_ours(&app, &headers, &body) else {
        audited.refused("form-expired");
        return Err(accounts::stale_form());
    };
    let return_to = ReturnTo::parse(form.get("return_to"), &app.issuer);
    let email = form.get("email").unwrap_or_default();
    let found = address(email).and_then(|address| Some((address, app.providers.of_address(address)?)));
    let Some((address, there)) = found else {
        audited.refused("unknown-domain");
        let problem = Some((unknown(email), StatusCode::UNPROCESSABLE_ENTITY));
        return Ok(login::page(&app, &browser, &return_to, Attempt { email, problem, ..Attempt::default() }));
    };
    audited.at(there.id()).succeeded("an e-mail address chose a provider");
    let attempt = Attempt { provider: Some(there.id()), email: address, ..Attempt::default() };
    let mut page = login::page(&app, &browser, &return_to, attempt).into_response();
    // The answer to a form may lead nowhere else (form-action); a page that goes on by itself may.
    let url = provider::start_url(&app, &browser, there.id(), &return_to, Some(address));
    if let Ok(refresh) = HeaderValue::from_str(&format!("0; url={url}")) {
        page.headers_mut().insert(header::REFRESH, refresh);
    }
    Ok(page)
}
