//! What administrators do to people and sessions, with the line in the log that says who it was: the same for the API and
//! for the pages.

use kubegate_core::id::{PersonId, SessionId};

use crate::app::App;
use crate::session::{Disabled, EndReason, Named, SessionError, ShutOut};

/// Who does it.
pub(super) struct By<'a> {
    /// The user name.
    pub(super) user: &'a str,
    /// Who it is.
    pub(super) person: &'a PersonId,
}

/// Why a person is not disabled.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotDisabled {
    /// It is the administrator's own person.
    #[error("nobody disables themself")]
    Yourself,
    /// The sessions could not be ended.
    #[error(transparent)]
    Failed(#[from] SessionError),
}

/// Disables a person. Gateways refuse every token of theirs, and cut every stream, within a second.
pub(super) async fn disable(
    app: &App,
    by: &By<'_>,
    named: Named,
    reason: String,
) -> Result<(Disabled, ShutOut), NotDisabled> {
    if named.person == *by.person {
        return Err(NotDisabled::Yourself);
    }
    let at = app.clock.now();
    let disabled = Disabled { person: named.person, user: named.user, reason, by: by.user.to_owned(), at };
    let done = app.sessions.disable(&disabled).await?;
    let ShutOut { sessions, was_disabled } = done;
    let Disabled { person, user, reason, by: administrator, .. } = &disabled;
    if was_disabled {
        tracing::info!(
            administrator,
            %person,
            user,
            sessions,
            "an administrator was to disable somebody who is disabled already; the reason given first stays"
        );
    } else {
        tracing::info!(administrator, %person, user, sessions, reason, "disabled by an administrator");
    }
    Ok((disabled, done))
}

/// Lets a person sign in again; `false` when that was so before.
pub(super) async fn enable(app: &App, by: &By<'_>, named: &Named, reason: &str) -> Result<bool, SessionError> {
    let was_disabled = app.sessions.enable(&named.person, app.clock.now()).await?;
    let Named { person, user } = named;
    let administrator = by.user;
    if was_disabled {
        tracing::info!(administrator, %person, user, reason, "enabled by an administrator");
    } else {
        tracing::info!(administrator, %person, user, reason, "an administrator was to enable somebody who is not disabled");
    }
    Ok(was_disabled)
}

/// Ends a session; `false` when it had ended before.
pub(super) async fn end_session(app: &App, by: &By<'_>, id: &SessionId) -> Result<bool, SessionError> {
    let ended = app.sessions.end(id, EndReason::Administrator, app.clock.now()).await?;
    tracing::info!(administrator = by.user, what = %id, sessions = usize::from(ended), "revoked by an administrator");
    Ok(ended)
}

/// Ends all sessions of a person, and refuses every token that was made for them until now.
pub(super) async fn end_all(app: &App, by: &By<'_>, person: &PersonId) -> Result<usize, SessionError> {
    let sessions = app.sessions.end_all(person, EndReason::Administrator, app.clock.now()).await?;
    tracing::info!(administrator = by.user, what = %person, sessions, "revoked by an administrator");
    Ok(sessions)
}
