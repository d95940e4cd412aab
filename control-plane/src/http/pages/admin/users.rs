//! `/admin/users`: the people who are known, and who of them may not sign in.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kubegate_core::id::PersonId;

use super::super::super::error::PageError;
use super::super::super::extract::Parameters;
use super::super::super::oauth::authorize::see_other;
use super::super::super::people::{self, NotDisabled};
use super::super::super::templates::{self, AdminUsersPage, DisabledView, UserView};
use super::{Administrator, read, to_its_end, with_parameter};
use crate::app::App;
use crate::clock::for_people;
use crate::elevation::check_reason;
use crate::session::{Disabled, Known, Named};

/// The longest name that is looked for.
const MAX_NAME: usize = 1024;

/// The people: a page of all, or those whom `user` means.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    by: Administrator,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let parameters = Parameters::parse(query.as_deref().unwrap_or_default()).ok();
    let parameter = |name| parameters.as_ref().and_then(|parameters| parameters.get(name));
    let user = parameter("user").map(str::trim).filter(|user| !user.is_empty());
    let all_disabled = app.sessions.disabled().await.map_err(PageError::internal)?;
    let (known, next) = match user {
        Some(user) => (known_by_name(&app, user).await?, None),
        None => {
            let after = parameter("after").map(PersonId::from);
            let page = app.sessions.people(app.clock.now(), after.as_ref()).await.map_err(PageError::internal)?;
            (page.people, page.next.map(|next| with_parameter("/admin/users", "after", next.as_str())))
        }
    };
    let is_disabled = |person: &PersonId| all_disabled.iter().any(|disabled| disabled.person == *person);
    let users = known.into_iter().map(|known| UserView {
        sessions: with_parameter("/admin/sessions", "user", known.person.as_str()),
        csrf: by.proof(&app, "disable", known.person.as_str()),
        is_you: known.person == by.person,
        is_disabled: is_disabled(&known.person),
        person: known.person.to_string(),
        user: known.user,
        seen: for_people(known.seen_at),
        live: known.live,
    });
    let users: Vec<UserView> = users.collect();
    let disabled = all_disabled.iter().map(|disabled| disabled_view(&app, &by, disabled)).collect();
    let page = AdminUsersPage { user: user.unwrap_or_default(), users, disabled, next, done: parameter("done") };
    Ok((by.jar.clone(), templates::ok(&page)).into_response())
}

fn disabled_view(app: &App, by: &Administrator, disabled: &Disabled) -> DisabledView {
    DisabledView {
        csrf: by.proof(app, "enable", disabled.person.as_str()),
        person: disabled.person.to_string(),
        user: disabled.user.clone(),
        reason: disabled.reason.clone(),
        by: disabled.by.clone(),
        at: for_people(disabled.at),
    }
}

/// Those who are known by this id or user name.
pub(super) async fn named(app: &App, name: &str) -> Result<Vec<Named>, PageError> {
    if name.len() > MAX_NAME {
        return Ok(Vec::new());
    }
    if let Some(known) = app.sessions.known(&PersonId::from(name)).await.map_err(PageError::internal)? {
        return Ok(vec![known]);
    }
    app.sessions.named(name).await.map_err(PageError::internal)
}

async fn known_by_name(app: &App, name: &str) -> Result<Vec<Known>, PageError> {
    let mut known = Vec::new();
    for Named { person, user } in named(app, name).await? {
        let sessions = app.sessions.list_of(&person, app.clock.now()).await.map_err(PageError::internal)?;
        let seen_at = sessions.iter().map(|session| session.last_used_at).max().unwrap_or_default();
        let live = sessions.iter().filter(|session| session.ended.is_none()).count();
        known.push(Known { person, user, seen_at, live: u32::try_from(live).unwrap_or(u32::MAX) });
    }
    Ok(known)
}

/// Shuts a person out.
pub(in crate::http) async fn disable(
    State(app): State<Arc<App>>,
    by: Administrator,
    body: String,
) -> Result<Response, PageError> {
    let form = read(&body)?;
    let named = the_one(&app, by.proven(&app, &form, "disable", "person")?).await?;
    let reason = reason(&form)?;
    to_its_end(async move {
        people::disable(&app, &by.by(), named, reason).await.map_err(|error| match error {
            NotDisabled::Yourself => PageError::of(StatusCode::CONFLICT, "yourself"),
            NotDisabled::Failed(error) => PageError::internal(error),
        })?;
        Ok(see_other("/admin/users?done=disabled"))
    })
    .await
}

/// Lets a person sign in again.
pub(in crate::http) async fn enable(
    State(app): State<Arc<App>>,
    by: Administrator,
    body: String,
) -> Result<Response, PageError> {
    let form = read(&body)?;
    let named = the_one(&app, by.proven(&app, &form, "enable", "person")?).await?;
    let reason = reason(&form)?;
    to_its_end(async move {
        people::enable(&app, &by.by(), &named, &reason).await.map_err(PageError::internal)?;
        Ok(see_other("/admin/users?done=enabled"))
    })
    .await
}

/// The person of this id. It comes from a page of ours, so it is known or was a moment ago.
async fn the_one(app: &App, id: &str) -> Result<Named, PageError> {
    let person = PersonId::from(id);
    let known = app.sessions.known(&person).await.map_err(PageError::internal)?;
    Ok(known.unwrap_or(Named { person, user: None }))
}

fn reason(form: &Parameters) -> Result<String, PageError> {
    check_reason(form.get("reason").unwrap_or_default())
        .map_err(|_| PageError::of(StatusCode::BAD_REQUEST, "no-reason"))
}
