//! `kubegate admin disable`, `enable`, `disabled`

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Common, named};
use crate::failure::Failure;
use crate::output::{printable, say, table};

/// Shut a person out until enabled again
///
/// Ends all sessions and elevations of the person; gateways refuse the tokens that are there and cut open
/// streams. Signing in is refused, with your name and the reason.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate admin disable bob@example.com --reason 'laptop stolen'
  kubegate admin disable corp:1234 --reason 'left the company'")]
pub(super) struct Disable {
    /// User name, or PROVIDER:SUBJECT
    #[arg(value_name = "PERSON")]
    person: String,

    /// Why; it is logged, and shown to the person
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    common: Common,
}

/// Let a person sign in again
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate admin enable bob@example.com --reason 'laptop found'")]
pub(super) struct Enable {
    /// User name, or PROVIDER:SUBJECT
    #[arg(value_name = "PERSON")]
    person: String,

    /// Why; it is logged
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    common: Common,
}

/// List the people who are disabled
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate admin disabled
  kubegate admin disabled --json | jq -r '.people[].person'")]
pub(super) struct DisabledPeople {
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Serialize, Deserialize)]
struct Changed {
    person: String,
    user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sessions: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    was_disabled: Option<bool>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Disabled {
    person: String,
    user: Option<String>,
    reason: String,
    disabled_by: String,
    disabled_at: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct List {
    people: Vec<Disabled>,
}

impl Disable {
    /// Disables, and says whom.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let body = json!({ "person": self.person, "reason": self.reason });
        let changed: Changed = self.common.api()?.post("/api/v1/people/disable", &body, "to disable a person")?;
        if changed.user.is_none() {
            say("kubegate: nobody of this id has signed in lately; compare it with the identity provider");
        }
        if changed.was_disabled == Some(true) {
            say(
                "kubegate: the person was disabled already; the reason given first stays ('kubegate admin disabled' shows it)",
            );
        }
        self.common.print(&changed, |changed| {
            let sessions = changed.sessions.unwrap_or_default();
            format!("disabled {}; ended sessions: {sessions}\n", named(&changed.person, changed.user.as_deref()))
        })
    }
}

impl Enable {
    /// Enables, and says whom.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let body = json!({ "person": self.person, "reason": self.reason });
        let changed: Changed = self.common.api()?.post("/api/v1/people/enable", &body, "to enable a person")?;
        if changed.was_disabled == Some(false) {
            say("kubegate: the person was not disabled");
        }
        self.common.print(&changed, |changed| format!("enabled {}\n", named(&changed.person, changed.user.as_deref())))
    }
}

impl DisabledPeople {
    /// Asks and shows.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let list: List = self.common.api()?.get("/api/v1/people/disabled", "for the people who are disabled")?;
        if list.people.is_empty() && !self.common.json {
            say("kubegate: nobody is disabled");
            return Ok(());
        }
        self.common.print(&list, |list| {
            let heading = ["PERSON", "SINCE", "BY", "REASON"].map(str::to_owned).to_vec();
            let rows = list.people.iter().map(|disabled| {
                let Disabled { person, user, reason, disabled_by, disabled_at } = disabled;
                vec![named(person, user.as_deref()), printable(disabled_at), printable(disabled_by), printable(reason)]
            });
            table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
        })
    }
}
