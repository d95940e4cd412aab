//! `/admin/sessions`: the sessions of everybody, each with a button that ends it.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use kubegate_core::id::{PersonId, SessionId};

use super::super::super::error::PageError;
use super::super::super::extract::Parameters;
use super::super::super::oauth::authorize::see_other;
use super::super::super::people;
use super::super::super::templates::{self, AdminSessionsPage, AllOf};
use super::super::session_view::SessionView;
use super::{Administrator, read, to_its_end, with_parameter};
use crate::app::App;
use crate::session::{Cursor, Named, Session};

const END: &str = "/admin/sessions/end";

/// The sessions: a page of all, or those of the people whom `user` means.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    by: Administrator,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let parameters = Parameters::parse(query.as_deref().unwrap_or_default()).ok();
    let parameter = |name| parameters.as_ref().and_then(|parameters| parameters.get(name));
    let user = parameter("user").map(str::trim).filter(|user| !user.is_empty());
    let now = app.clock.now();
    let (mut sessions, mut all_of, mut next) = (Vec::new(), Vec::new(), None);
    match user {
        None => {
            let cursor = parameter("after").and_then(Cursor::parse);
            let page = app.sessions.all(now, cursor.as_ref()).await.map_err(PageError::internal)?;
            sessions = page.sessions;
            next = page.next.map(|next| with_parameter("/admin/sessions", "after", &next.to_string()));
        }
        Some(user) => {
            for Named { person, user } in super::users::named(&app, user).await? {
                let csrf = by.proof(&app, "end-all", person.as_str());
                let theirs = app.sessions.list_of(&person, now).await.map_err(PageError::internal)?;
                sessions.extend(theirs);
                all_of.push(AllOf { user, person: person.to_string(), csrf });
            }
        }
    }
    let view = |session: Session| {
        let csrf = by.proof(&app, "end", session.id.as_str());
        SessionView::new(&app, session, &by.session, now, END, csrf)
    };
    let sessions = sessions.into_iter().map(view).collect();
    let done = parameter("done") == Some("session");
    let page = AdminSessionsPage { user: user.unwrap_or_default(), sessions, all_of, next, done };
    Ok((by.jar.clone(), templates::ok(&page)).into_response())
}

/// Ends one.
pub(in crate::http) async fn end(
    State(app): State<Arc<App>>,
    by: Administrator,
    body: String,
) -> Result<Response, PageError> {
    let form = read(&body)?;
    let id = SessionId::from(by.proven(&app, &form, "end", "session")?.to_owned());
    to_its_end(async move {
        people::end_session(&app, &by.by(), &id).await.map_err(PageError::internal)?;
        Ok(see_other("/admin/sessions?done=session"))
    })
    .await
}

/// Ends all of one person.
pub(in crate::http) async fn end_all(
    State(app): State<Arc<App>>,
    by: Administrator,
    body: String,
) -> Result<Response, PageError> {
    let form = read(&body)?;
    let person = PersonId::from(by.proven(&app, &form, "end-all", "person")?);
    to_its_end(async move {
        people::end_all(&app, &by.by(), &person).await.map_err(PageError::internal)?;
        Ok(see_other("/admin/sessions?done=session"))
    })
    .await
}
