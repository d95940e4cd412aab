//! Why a grant is refused, for the person: what happened, and when.

use kubegate_core::time::{Timestamp, show_duration};

use super::super::error::OAuthError;
use crate::app::App;
use crate::clock::rfc3339;
use crate::session::{Disabled, EXPIRED, EndReason, GrantError, Limits, SessionError};

/// The answer to a code.
pub(super) fn of_code(app: &App, error: GrantError) -> OAuthError {
    let description = match error {
        GrantError::Failed(SessionError::Disabled(disabled)) => shut_out(&disabled),
        GrantError::Failed(cause) => return OAuthError::unavailable(cause),
        GrantError::Unknown => "the code is not known".to_owned(),
        GrantError::Mismatch => "the code was made for another request".to_owned(),
        GrantError::Expired => "the code came too late".to_owned(),
        GrantError::Reused => {
            warn_of_reuse("code");
            "the code was used before, so somebody else may hold a copy, and what came of it was ended".to_owned()
        }
        GrantError::Pending => return OAuthError::new("authorization_pending", "nobody has allowed or denied it yet"),
        GrantError::SlowDown(interval) => {
            let wait = format!("wait {} seconds between two questions", interval.as_secs());
            return OAuthError::new("slow_down", wait);
        }
        GrantError::Denied => return OAuthError::new("access_denied", "the sign-in was denied in the browser"),
        GrantError::SessionOver { reason, at } => {
            format!("the sign-in that the code came from is over: {}", in_words(&reason, at, app.sessions.limits()))
        }
    };
    OAuthError::new("invalid_grant", description)
}

/// The answer to a device code.
pub(super) fn of_device(app: &App, error: GrantError) -> OAuthError {
    match error {
        GrantError::Expired => OAuthError::new("expired_token", "nobody allowed it in time; begin again"),
        error => of_code(app, error),
    }
}

/// The answer to a refresh secret.
pub(super) fn of_refresh(app: &App, error: GrantError) -> OAuthError {
    let (reason, at) = match error {
        GrantError::Failed(SessionError::Disabled(disabled)) => {
            let refusal = OAuthError::new("invalid_grant", shut_out(&disabled));
            return refusal.of_ended_session(EndReason::Disabled.as_str(), Some(disabled.at));
        }
        GrantError::Failed(cause) => return OAuthError::unavailable(cause),
        // Who was enabled again may sign in as after any other end.
        GrantError::SessionOver { reason, at } if reason == EndReason::Disabled.as_str() => {
            (EndReason::Administrator.as_str().to_owned(), at)
        }
        GrantError::SessionOver { reason, at } => (reason, at),
        GrantError::Reused => {
            warn_of_reuse("refresh_token");
            (EndReason::Reuse.as_str().to_owned(), app.clock.now())
        }
        GrantError::Unknown
        | GrantError::Mismatch
        | GrantError::Expired
        | GrantError::Pending
        | GrantError::SlowDown(_)
        | GrantError::Denied => {
            let description = "your session is not known here; it may have ended more than a day ago";
            return OAuthError::new("invalid_grant", description).of_ended_session("unknown", None);
        }
    };
    let description = in_words(&reason, at, app.sessions.limits());
    OAuthError::new("invalid_grant", description).of_ended_session(reason, Some(at))
}

fn warn_of_reuse(what: &str) {
    tracing::warn!(what, "a spent secret was used again; its session was ended");
}

/// Why and when a session ended, for the person whose it was.
fn in_words(reason: &str, at: Timestamp, limits: &Limits) -> String {
    let at = rfc3339(at);
    let why = match reason {
        EXPIRED => {
            return format!("your session ended at {at}: {} is its longest life", show_duration(limits.max_lifetime));
        }
        "signed-out" => return format!("you signed out at {at}"),
        "administrator" | "disabled" => return format!("your session was ended by an administrator at {at}"),
        "reuse" => "one of its secrets was used twice, so somebody else may hold a copy".to_owned(),
        "too-many" => format!("you have {} newer ones, as many as there may be", limits.max_per_person),
        "idle" => format!("it had not been used for {}", show_duration(limits.idle_timeout)),
        "provider-refused" => {
            "your identity provider no longer vouches for you; sign in again, and if that fails ask whoever runs it"
                .to_owned()
        }
        "provider-unreachable" => {
            "your identity provider could not be asked about you for too long; sign in again once it is back".to_owned()
        }
        "not-rechecked" => {
            "your identity provider gives nothing to ask it about you again with, so you have to sign in more often"
                .to_owned()
        }
        "provider-logout" => "you signed out at your identity provider, or were signed out there".to_owned(),
        "withdrawn" => "its account or provider is no longer there, or the password was changed".to_owned(),
        other => other.to_owned(),
    };
    format!("your session was ended at {at}: {why}")
}

fn shut_out(disabled: &Disabled) -> String {
    let Disabled { by, reason, at, .. } = disabled;
    format!(
        "your account was disabled by {by} at {}: {reason}; until an administrator enables it, no sign-in helps",
        rfc3339(*at)
    )
}
