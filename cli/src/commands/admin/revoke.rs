//! `kubegate admin revoke`

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Common, named};
use crate::failure::Failure;
use crate::output::{printable, say};

/// End a session, or all sessions of a person
///
/// Gateways refuse its tokens and cut its open streams. The person may sign in again; to prevent that,
/// use disable.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate admin revoke --session s_1u8cXyYb8pBFZ0Ff6mvJ1Q
  kubegate admin revoke --person bob@example.com")]
pub(super) struct Revoke {
    #[command(flatten)]
    target: Target,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// The session's id, as access logs, audit logs and whoami have it
    #[arg(long, value_name = "ID")]
    session: Option<String>,

    /// User name, or PROVIDER:SUBJECT
    #[arg(long, value_name = "PERSON")]
    person: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Revoked {
    sessions: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    person: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
}

impl Revoke {
    /// Revokes, and says how much.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let body = match (&self.target.session, &self.target.person) {
            (Some(session), _) => json!({ "session": session }),
            (None, person) => json!({ "person": person }),
        };
        let revoked: Revoked = self.common.api()?.post("/api/v1/revocations", &body, "for the revocation")?;
        if revoked.sessions == 0 && self.target.session.is_some() {
            say("kubegate: there is no such session, or it had ended before");
        }
        self.common.print(&revoked, |revoked| {
            let whose =
                revoked.person.as_deref().map(|person| format!(" of {}", named(person, revoked.user.as_deref())));
            printable(&format!("ended sessions{}: {}", whose.unwrap_or_default(), revoked.sessions)) + "\n"
        })
    }
}
