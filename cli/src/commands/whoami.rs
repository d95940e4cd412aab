//! `kubegate whoami`

use std::time::Duration;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::args::ServerArgs;
use crate::cache::Store;
use crate::commands::admin::Elevation;
use crate::failure::Failure;
use crate::oauth::Ended;
use crate::output::{self, printable};
use crate::session::Session;

/// Show who you are to the clusters, and until when
///
/// When your session is over, it says why and since when, and exits with 3. It never signs in by
/// itself.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate whoami
  kubegate whoami --json | jq -r '.groups[]'
  kubegate whoami --json | jq -r '.session | select(.ended) | .reason'")]
pub(crate) struct Whoami {
    #[command(flatten)]
    server: ServerArgs,

    /// Print the control plane's answer as JSON
    #[arg(long)]
    json: bool,
}

/// What the control plane knows of the person.
#[derive(Debug, Serialize, Deserialize)]
struct Person {
    user: String,
    #[serde(default)]
    uid: Option<String>,
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    provider: Option<String>,
    #[serde(default)]
    session: Option<SessionInfo>,
    #[serde(default)]
    clusters: Vec<String>,
    /// Those that last, and those that ended within the last hour.
    #[serde(default)]
    elevations: Vec<Elevation>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SessionInfo {
    id: String,
    created_at: Value,
    expires_at: Value,
    auth_time: Value,
    #[serde(default)]
    acr: Option<String>,
    #[serde(default)]
    amr: Vec<String>,
}

/// What is told of a session that is over.
#[derive(Debug, Serialize)]
struct Over<'a> {
    ended: bool,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<&'a str>,
    message: &'a str,
}

impl Whoami {
    /// Asks and shows.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let client = self.server.client()?;
        let store = Store::open(client.server())?;
        let mut session = Session::take(&store, &client, Duration::from_secs(10))?;
        let Some(token) = session.refresh(None)? else {
            if let Some(ended) = session.ended().filter(|_| self.json) {
                output::json(&json!({ "session": Over::from(ended) })).map_err(Failure::Output)?;
            }
            return Err(session.over().into());
        };
        let url = client.server().join("/api/v1/whoami");
        let person: Person = client.get_json(&url, Some(&token.token), "who you are")?;
        if self.json { output::json(&person) } else { output::result(&person.shown()) }.map_err(Failure::Output)
    }
}

impl<'a> From<&'a Ended> for Over<'a> {
    fn from(ended: &'a Ended) -> Self {
        Self {
            ended: true,
            reason: ended.reason.as_deref().unwrap_or("unknown"),
            at: ended.at.as_deref(),
            message: &ended.words,
        }
    }
}

impl Person {
    fn shown(&self) -> String {
        let mut rows = vec![vec!["User".to_owned(), printable(&self.user)]];
        let mut row = |name: &str, value: Option<String>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                rows.push(vec![name.to_owned(), printable(&value)]);
            }
        };
        row("E-mail", self.email.clone());
        row("UID", self.uid.clone());
        row("Provider", self.provider.clone());
        row("Groups", Some(self.groups.join(", ")));
        row("Clusters", Some(self.clusters.join(", ")));
        if let Some(session) = &self.session {
            row("Session", Some(session.id.clone()));
            let when = Some(moment(&session.auth_time)).filter(|when| !when.is_empty());
            row("Signed in", when.or_else(|| Some(moment(&session.created_at))));
            row("Sign-in class", session.acr.clone());
            row("Signed in by", Some(session.amr.join(", ")));
            row("Session ends", Some(moment(&session.expires_at)));
        }
        for elevation in &self.elevations {
            row("Elevation", Some(elevation.in_words()));
        }
        output::table(&rows)
    }
}

/// A moment as the control plane gives it: seconds since 1970, or text already.
fn moment(value: &Value) -> String {
    match value {
        Value::Number(seconds) => {
            seconds.as_u64().map_or_else(String::new, |seconds| crate::clock::UnixTime(seconds).rfc3339())
        }
        Value::String(text) => text.clone(),
        _ => String::new(),
    }
}
