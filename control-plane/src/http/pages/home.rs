//! `GET /`: what this is, or what the person can reach.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};

use super::super::error::PageError;
use super::super::extract::BrowserSession;
use super::super::templates::{self, HomePage, HomePerson};
use crate::app::{App, clusters_of};
use crate::clock::for_people;

/// The page.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    BrowserSession(session): BrowserSession,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let server = app.issuer.as_str();
    let Some(session) = session else {
        return Ok(templates::ok(&HomePage { person: None, server }));
    };
    let (browser, jar) = app.cookies.browser_or_new(&headers).map_err(PageError::internal)?;
    let csrf = app.forms.proof(&browser, &["logout", session.id.as_str()]);
    let in_force = app.in_force();
    let now = app.clock.now();
    let elevations = app.elevations.of(&session.identity.person(), now).await.map_err(PageError::internal)?;
    let clusters = clusters_of(&in_force.policy, &session.identity, &elevations, now);
    let person = HomePerson {
        user: &session.identity.user,
        groups: &session.identity.groups,
        until: for_people(session.expires_at),
        clusters: clusters.iter().map(|cluster| cluster.name.as_str()).collect(),
        csrf: &csrf,
        administrator: app.is_administrator(&session.identity),
    };
    Ok((jar, templates::ok(&HomePage { person: Some(person), server })).into_response())
}
