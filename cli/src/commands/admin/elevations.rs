//! `kubegate admin elevate`, `elevations`, `end-elevation`

use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use super::{Common, named};
use crate::args::parse_duration;
use crate::failure::Failure;
use crate::output::{printable, say, table};

/// Give a person more groups on one cluster for a while
///
/// The groups come to those that the identity provider gives, in the rules of the policy as well as for
/// the API server's RBAC, until the time is over or you end it; then streams that were opened with them
/// are cut. Kubernetes' own groups (system:…) cannot be given.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate admin elevate bob@example.com --cluster prod --groups breakglass --for 1h --reason INC-1234
  kubegate admin elevate corp:1234 --cluster prod --groups ops,dba --for 30m --reason 'restore of the orders'")]
pub(super) struct Elevate {
    /// User name, or PROVIDER:SUBJECT
    #[arg(value_name = "PERSON")]
    person: String,

    /// On which cluster
    #[arg(long, value_name = "NAME")]
    cluster: String,

    /// Which groups
    #[arg(long, value_name = "GROUP,…", value_delimiter = ',', required = true)]
    groups: Vec<String>,

    /// For how long, 1m to 24h
    #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
    duration: Duration,

    /// What for; it is logged, and shown to the person
    #[arg(long, value_name = "TEXT")]
    reason: String,

    #[command(flatten)]
    common: Common,
}

/// List the elevations that last, and those that ended within the last hour
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate admin elevations
  kubegate admin elevations --json | jq -r '.elevations[] | select(.live) | .id'")]
pub(super) struct Elevations {
    #[command(flatten)]
    common: Common,
}

/// End an elevation at once
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate admin end-elevation e_Vt7c0hOqTpiB1yQvQeXKzw")]
pub(super) struct EndElevation {
    /// Its id, as elevate and elevations print it
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    common: Common,
}

/// An elevation as the control plane shows it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Elevation {
    id: String,
    person: String,
    user: Option<String>,
    cluster: String,
    groups: Vec<String>,
    reason: String,
    granted_by: String,
    granted_at: String,
    until: String,
    live: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_by: Option<String>,
    /// Whether it had ended before it was to be ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    was_ended: Option<bool>,
}

#[derive(Debug, Serialize, Deserialize)]
struct List {
    elevations: Vec<Elevation>,
}

impl Elevate {
    /// Elevates, and shows what came of it.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let body = json!({
            "person": self.person,
            "cluster": self.cluster,
            "groups": self.groups,
            "duration": self.duration.as_secs(),
            "reason": self.reason,
        });
        let made: Elevation = self.common.api()?.post("/api/v1/elevations", &body, "for the elevation")?;
        if made.user.is_none() {
            say("kubegate: nobody of this id has signed in lately; compare it with the identity provider");
        }
        self.common.print(&made, Elevation::shown)
    }
}

impl Elevations {
    /// Asks and shows.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let list: List = self.common.api()?.get("/api/v1/elevations", "for the elevations")?;
        if list.elevations.is_empty() && !self.common.json {
            say("kubegate: there are no elevations, and none ended within the last hour");
            return Ok(());
        }
        self.common.print(&list, |list| {
            let heading = ["ID", "PERSON", "CLUSTER", "GROUPS", "UNTIL", "BY", "REASON"].map(str::to_owned);
            let rows = list.elevations.iter().map(Elevation::row);
            table(&std::iter::once(heading.to_vec()).chain(rows).collect::<Vec<_>>())
        })
    }
}

impl EndElevation {
    /// Ends it, and shows what it was.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let id: String = byte_serialize(self.id.as_bytes()).collect();
        let ended: Elevation =
            self.common.api()?.delete(&format!("/api/v1/elevations/{id}"), "for the end of the elevation")?;
        if ended.was_ended == Some(true) {
            say("kubegate: it had ended before");
        }
        self.common.print(&ended, Elevation::shown)
    }
}

impl Elevation {
    /// What it gives, or gave, to the person who asks.
    pub(crate) fn in_words(&self) -> String {
        let Self { id, cluster, groups, until, reason, .. } = self;
        let groups = groups.join(", ");
        match &self.ended_by {
            None if self.live => format!("{groups} on {cluster} until {until} ({reason}; {id})"),
            None => format!("{groups} on {cluster} ended at {until} ({reason}; {id})"),
            Some(by) => format!("{groups} on {cluster} was ended by {by} at {until} ({reason}; {id})"),
        }
    }

    fn shown(&self) -> String {
        let rows = [
            ("Elevation", printable(&self.id)),
            ("Person", named(&self.person, self.user.as_deref())),
            ("Cluster", printable(&self.cluster)),
            ("Groups", printable(&self.groups.join(", "))),
            (if self.live { "Until" } else { "Ended" }, self.end()),
            ("By", printable(&self.granted_by)),
            ("Reason", printable(&self.reason)),
        ];
        table(&rows.map(|(name, value)| vec![name.to_owned(), value]))
    }

    fn row(&self) -> Vec<String> {
        vec![
            printable(&self.id),
            named(&self.person, self.user.as_deref()),
            printable(&self.cluster),
            printable(&self.groups.join(",")),
            if self.live { self.end() } else { format!("ended {}", self.end()) },
            printable(&self.granted_by),
            printable(&self.reason),
        ]
    }

    /// When it ends or ended, and who ended it.
    fn end(&self) -> String {
        match &self.ended_by {
            Some(by) => printable(&format!("{} by {by}", self.until)),
            None => printable(&self.until),
        }
    }
}
