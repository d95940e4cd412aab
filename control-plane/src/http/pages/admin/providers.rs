//! `GET /admin/providers`: the identity providers, and how they have answered so far; what they push; and the issuers of
//! workloads' tokens. None is asked for this.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::super::super::error::PageError;
use super::super::super::messages::{Text, text};
use super::super::super::templates::{self, AdminProvidersPage, ProviderView, PushView, WorkloadView};
use super::Administrator;
use crate::app::App;
use crate::clock::for_people;
use crate::config::{GroupSource, Kind, Provider as Settings};
use crate::oidc::Provider;
use crate::scim::PushStanding;
use crate::workload::{self, IssuedBy};

/// The page.
pub(in crate::http) async fn get(State(app): State<Arc<App>>, by: Administrator) -> Result<Response, PageError> {
    let mut providers = Vec::new();
    for provider in app.providers.all() {
        let push = app.scim.standing(provider.id()).await.map_err(PageError::internal)?;
        providers.push(view(&app, provider, push));
    }
    let workloads = app.workloads.settings().map(workload_view).collect();
    let page = AdminProvidersPage { providers, accounts: app.accounts.len(), workloads };
    Ok((by.jar.clone(), templates::ok(&page)).into_response())
}

fn view<'a>(app: &App, provider: &'a Provider, push: Option<PushStanding>) -> ProviderView<'a> {
    let now = app.clock.now();
    let at = |ago: Duration| for_people(now.before(ago));
    let standing = provider.standing();
    let settings = provider.settings();
    let (kind, discovers) = match settings.kind {
        Kind::Oidc(_) => ("OpenID Connect", true),
        Kind::Github(_) => ("GitHub", false),
    };
    ProviderView {
        id: provider.id(),
        name: provider.name(),
        kind,
        issuer: provider.issuer(),
        discovers,
        groups: groups(settings),
        group_problem: provider.group_file_problem(),
        push: push.map(push_view),
        asking: standing.asking,
        good: standing.is_good(),
        answered: standing.answered.map(|(ago, keys)| (at(ago), keys)),
        failed: standing.failed.map(|(ago, why)| (at(ago), why)),
    }
}

/// Where the groups of a provider's people come from.
fn groups(settings: &Settings) -> Text {
    let of_claim = |id: &'static str| text(id).with("claim", &settings.claims.groups);
    match &settings.groups {
        GroupSource::Claims => of_claim("groups-claims"),
        GroupSource::IdToken => of_claim("groups-id-token"),
        GroupSource::UserInfo => of_claim("groups-userinfo"),
        GroupSource::Entra { .. } => of_claim("groups-entra"),
        GroupSource::Github => text("groups-github"),
        GroupSource::File(path) => text("groups-file").with("file", path.display()),
        GroupSource::Scim => text("groups-scim"),
        GroupSource::None => text("groups-none"),
    }
}

fn push_view(standing: PushStanding) -> PushView {
    PushView {
        users: standing.users,
        groups: standing.groups,
        pushed: standing.push.pushed_at.map(for_people),
        failed: standing.push.failed.map(|(at, why)| (for_people(at), why)),
    }
}

fn workload_view(settings: &workload::Settings) -> WorkloadView<'_> {
    let (IssuedBy::Issuer(issuer) | IssuedBy::TrustDomain(issuer)) = &settings.issued_by;
    WorkloadView { id: &settings.id, issuer, audience: &settings.audience, prefix: &settings.user_prefix }
}
