//! `kubegate whoami`

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::person_may;
use crate::args::{ServerArgs, SignInArgs};
use crate::cache::Store;
use crate::failure::Failure;
use crate::output::{self, printable};
use crate::session::Session;

/// Show who you are to the clusters, and until when
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate whoami
  kubegate whoami --json | jq -r '.groups[]'")]
pub(crate) struct Whoami {
    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    sign_in: SignInArgs,

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
}

#[derive(Debug, Serialize, Deserialize)]
struct SessionInfo {
    id: String,
    created_at: Value,
    expires_at: Value,
    auth_time: Value,
}

impl Whoami {
    /// Asks and shows.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let client = self.server.client()?;
        let store = Store::open(client.server())?;
        let token = Session::take(&store, &client, self.sign_in.timeout)?
            .access_token(&self.sign_in.options(), person_may())?;
        let url = client.server().join("/api/v1/whoami");
        let person: Person = client.get_json(&url, Some(&token), "who you are")?;
        if self.json { output::json(&person) } else { output::result(&person.shown()) }.map_err(Failure::Output)
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
            row("Signed in", Some(moment(&session.auth_time)));
            row("Session ends", Some(moment(&session.expires_at)));
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
