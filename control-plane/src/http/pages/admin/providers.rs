//! `GET /admin/providers`: the identity providers, and how they have answered so far. None is asked for this.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::super::super::error::PageError;
use super::super::super::templates::{self, AdminProvidersPage, ProviderView};
use super::Administrator;
use crate::app::App;
use crate::clock::for_people;

/// The page.
pub(in crate::http) async fn get(State(app): State<Arc<App>>, by: Administrator) -> Result<Response, PageError> {
    let now = app.clock.now();
    let at = |ago: Duration| for_people(now.before(ago));
    let providers = app.providers.all().map(|provider| {
        let standing = provider.standing();
        ProviderView {
            id: provider.id(),
            name: provider.name(),
            issuer: provider.issuer(),
            asking: standing.asking,
            good: standing.is_good(),
            answered: standing.answered.map(|(ago, keys)| (at(ago), keys)),
            failed: standing.failed.map(|(ago, why)| (at(ago), why)),
        }
    });
    let page = AdminProvidersPage { providers: providers.collect(), accounts: app.accounts.len() };
    Ok((by.jar.clone(), templates::ok(&page)).into_response())
}
