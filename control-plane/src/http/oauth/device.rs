//! `POST /oauth/device_authorization` (RFC 8628 section 3.1): a machine without a browser asks to be signed in; and what
//! the token endpoint does with its device code.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::super::error::OAuthError;
use super::super::extract::{ClientAddress, Parameters};
use super::super::pages;
use super::token::{holder, missing, target};
use super::{CLIENT, refusal};
use crate::accounts;
use crate::app::App;
use crate::oidc::Demand;
use crate::person::Identity;
use crate::session::{DEVICE_LIFETIME, DeviceRefused, DeviceRequest, Holder, Issued, POLL_INTERVAL};

/// The path of this endpoint.
pub(in crate::http) const PATH: &str = "/oauth/device_authorization";

/// The longest id of a provider.
const LONGEST_PROVIDER: usize = 32;

/// RFC 8628 section 3.2.
#[derive(Serialize)]
struct Answer<'a> {
    device_code: &'a str,
    user_code: &'a str,
    verification_uri: String,
    verification_uri_complete: String,
    expires_in: u64,
    interval: u64,
}

/// A device code and a user code.
pub(in crate::http) async fn post(
    State(app): State<Arc<App>>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    body: String,
) -> Result<Response, OAuthError> {
    let parameters = Parameters::parse(&body)
        .map_err(|repeated| OAuthError::new("invalid_request", format!("{} is given twice", repeated.0)))?;
    if parameters.get("client_id") != Some(CLIENT) {
        return Err(OAuthError::new("invalid_client", format!("client_id must be {CLIENT}")));
    }
    let request = request(&app, &parameters, &headers, address)?;
    let to_complete = pages::device::Asked {
        provider: request.provider.clone(),
        acr_values: request.acr_values.clone(),
        max_age: request.max_age.clone(),
    };
    let device = request.device.clone();
    let begun = app.sessions.begin_device(request, &app.user_codes, app.clock.now()).await;
    let begun = begun.map_err(|refused| match refused {
        DeviceRefused::TooMany => {
            tracing::warn!(%address, "too many machines of one network wait to be signed in");
            OAuthError::too_many(format!("{refused}; wait a few minutes, or sign in with a browser"))
        }
        DeviceRefused::Failed(cause) => OAuthError::unavailable(cause),
    })?;
    tracing::info!(%address, device, "a machine without a browser asks to be signed in");
    let user_code = begun.user_code.to_string();
    let issuer = app.issuer.as_str();
    let answer = Answer {
        device_code: begun.device_code.expose(),
        verification_uri: format!("{issuer}{}", pages::device::PATH),
        verification_uri_complete: format!("{issuer}{}", to_complete.path(&user_code)),
        user_code: &user_code,
        expires_in: DEVICE_LIFETIME.as_secs(),
        interval: POLL_INTERVAL.as_secs(),
    };
    Ok(([(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(answer)).into_response())
}

/// What is asked for, when it may be.
fn request(
    app: &App,
    parameters: &Parameters,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<DeviceRequest, OAuthError> {
    if !app.offers_device_flow() {
        return Err(turned_off("nobody may sign in a machine without a browser here"));
    }
    let provider = parameters.get("provider").map(str::to_owned);
    if let Some(provider) = &provider {
        check_provider(app, provider)?;
    }
    let resource = parameters.get("resource").map(str::to_owned);
    if let Some(resource) = &resource {
        target(&app.in_force(), resource)?;
    }
    let (acr_values, max_age) = (parameters.get("acr_values"), parameters.get("max_age"));
    let demand = Demand::parse(acr_values, max_age)
        .map_err(|invalid| OAuthError::new("invalid_request", invalid.to_string()))?;
    if demand.asks_for_acr() && (app.providers.is_empty() || provider.as_deref() == Some(accounts::PROVIDER)) {
        let description = "a class (acr) was asked for, and accounts of this gateway have none";
        return Err(OAuthError::new("invalid_request", description));
    }
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Ok(DeviceRequest {
        resource,
        device: parameters.get("device_name").and_then(Holder::word),
        client: agent.and_then(Holder::word),
        address,
        provider,
        acr_values: acr_values.map(str::to_owned),
        max_age: max_age.map(str::to_owned),
    })
}

fn check_provider(app: &App, provider: &str) -> Result<(), OAuthError> {
    let known = match provider {
        accounts::PROVIDER => !app.accounts.is_empty(),
        _ => provider.len() <= LONGEST_PROVIDER && app.providers.get(provider).is_some(),
    };
    if !known {
        return Err(OAuthError::new("invalid_request", "there is no such provider here"));
    }
    if !app.has_device_flow(provider) {
        let name = app.provider_name(provider);
        return Err(turned_off(&format!("people of {name} may not sign in a machine without a browser")));
    }
    Ok(())
}

fn turned_off(what: &str) -> OAuthError {
    OAuthError::new("unauthorized_client", format!("{what}; sign in with kubegate login --no-browser"))
}

/// What a device code gave.
pub(super) struct Granted {
    /// The session.
    pub(super) issued: Issued,
    /// The resource that was asked for at the beginning.
    pub(super) resource: Option<String>,
}

/// Trades a device code (RFC 8628 section 3.4). The session is held by the machine that the person was shown.
pub(super) async fn redeem(
    app: &App,
    parameters: &Parameters,
    headers: &HeaderMap,
    address: IpAddr,
) -> Result<Granted, OAuthError> {
    let device_code = parameters.get("device_code").ok_or_else(|| missing("device_code"))?;
    let known = app.sessions.device(device_code).await.map_err(OAuthError::unavailable)?;
    let request = known.map(|grant| grant.request);
    let (resource, device) = request.map(|request| (request.resource, request.device)).unwrap_or_default();
    if parameters.get("resource").is_some_and(|wanted| resource.as_deref().is_some_and(|asked| asked != wanted)) {
        return Err(OAuthError::new("invalid_target", "another cluster was asked for when this sign-in began"));
    }
    let holder = match device {
        Some(device) => Holder::new(Some(&device), address),
        None => holder(parameters, headers, address),
    };
    let review = |identity: &Identity| app.review(identity);
    let issued = app.sessions.redeem_device(device_code, holder, review, app.clock.now()).await;
    let issued = issued.map_err(|error| refusal::of_device(app, error))?;
    let (session, user) = (&issued.session.id, &issued.session.identity.user);
    tracing::info!(%session, user, %address, device = issued.session.holder.client, "a machine without a browser signed in");
    Ok(Granted { issued, resource })
}
