//! `GET /`: what this is, or what the person can reach, and from where they are signed in.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use kubegate_core::secret::Secret;

use super::super::error::PageError;
use super::super::extract::{BrowserSession, Parameters};
use super::super::templates::{self, ElevationView, HomePage, HomePerson};
use super::kubeconfig::kubeconfig;
use super::session_view::SessionView;
use super::sessions;
use crate::app::{App, clusters_of};
use crate::clock::for_people;
use crate::elevation::Elevation;
use crate::session::Session;

/// The page.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    BrowserSession(session): BrowserSession,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let server = app.issuer.as_str();
    let Some(session) = session else {
        return Ok(templates::ok(&HomePage { person: None, server }));
    };
    let (browser, jar) = app.cookies.browser_or_new(&headers).map_err(PageError::internal)?;
    let in_force = app.in_force();
    let now = app.clock.now();
    let elevations = app.elevations.of(&session.identity.person(), now).await.map_err(PageError::internal)?;
    let clusters = clusters_of(&in_force.policy, &session.identity, &elevations, now);
    let lasting = elevations.iter().filter(|elevation| now < elevation.until);
    let done = Parameters::parse(query.as_deref().unwrap_or_default()).ok();
    let person = HomePerson {
        user: &session.identity.user,
        groups: &session.identity.groups,
        until: for_people(session.expires_at),
        clusters: clusters.iter().map(|cluster| cluster.name.as_str()).collect(),
        kubeconfig: kubeconfig(server, &clusters),
        elevations: lasting.map(elevation_view).collect(),
        sessions: session_views(&app, &session, &browser).await?,
        sign_out: app.forms.proof(&browser, &["logout", session.id.as_str()]),
        end_all: app.forms.proof(&browser, &sessions::end_all_purpose(&session)),
        device_flow: app.has_device_flow(&session.identity.provider),
        administrator: app.is_administrator(&session.identity),
        ended: done.is_some_and(|parameters| parameters.get("done") == Some("session")),
    };
    Ok((jar, templates::ok(&HomePage { person: Some(person), server })).into_response())
}

async fn session_views(app: &App, own: &Session, browser: &Secret) -> Result<Vec<SessionView>, PageError> {
    let now = app.clock.now();
    let mut theirs = app.sessions.list_of(&own.identity.person(), now).await.map_err(PageError::internal)?;
    theirs.sort_by_key(|session| session.id != own.id);
    let view = |session: Session| {
        let csrf = app.forms.proof(browser, &sessions::end_purpose(own, session.id.as_str()));
        SessionView::new(app, session, own, now, sessions::END, csrf)
    };
    Ok(theirs.into_iter().map(view).collect())
}

fn elevation_view(elevation: &Elevation) -> ElevationView<'_> {
    ElevationView {
        cluster: elevation.cluster.as_str(),
        groups: &elevation.groups,
        reason: &elevation.reason,
        by: &elevation.granted_by,
        until: for_people(elevation.until),
    }
}
