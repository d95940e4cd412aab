//! `kubegate sessions`

use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use ureq::http::Method;
use url::form_urlencoded::byte_serialize;

use crate::args::{ServerArgs, SignInArgs};
use crate::client::Client;
use crate::commands::access_token;
use crate::failure::Failure;
use crate::output::{self, printable, say, table};
use crate::secret::Secret;

/// List your sessions: browsers, command lines and other clients that are signed in as you
///
/// Each has its own end. A session that was idle for too long gives no new tokens, but streams that it
/// opened may go on; it is listed as idle until those must have ended. Administrators may see those of
/// others with --person and --all.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  kubegate sessions
  kubegate sessions end s_1u8cXyYb8pBFZ0Ff6mvJ1Q
  kubegate sessions --json | jq -r '.sessions[] | select(.current | not) | .id'
  kubegate sessions --person bob@example.com
  kubegate logout --everywhere")]
pub(crate) struct Sessions {
    #[command(subcommand)]
    command: Option<SessionsCommand>,

    /// Those of this person: user name, or PROVIDER:SUBJECT (administrators)
    #[arg(long, value_name = "PERSON", conflicts_with = "all")]
    person: Option<String>,

    /// Those of everybody (administrators)
    #[arg(long)]
    all: bool,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Subcommand)]
enum SessionsCommand {
    End(End),
}

/// End one session at once, with its open streams
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate sessions end s_1u8cXyYb8pBFZ0Ff6mvJ1Q")]
struct End {
    /// Its id, as sessions and whoami print it
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
struct Common {
    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    sign_in: SignInArgs,

    /// Print the control plane's answer as JSON
    #[arg(long)]
    json: bool,
}

/// A session as the control plane shows it.
#[derive(Debug, Serialize, Deserialize)]
struct SessionView {
    id: String,
    kind: String,
    person: String,
    user: String,
    provider: String,
    #[serde(default)]
    provider_name: Option<String>,
    #[serde(default)]
    client: Option<String>,
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    last_address: Option<String>,
    created_at: String,
    last_used_at: String,
    expires_at: String,
    state: String,
    current: bool,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct List {
    sessions: Vec<SessionView>,
    #[serde(default, skip_serializing)]
    next: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Ended {
    id: String,
    user: String,
    ended: bool,
}

impl Sessions {
    /// Asks and shows, or ends one.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        if let Some(SessionsCommand::End(end)) = &self.command {
            return end.run();
        }
        let (client, token) = self.common.api()?;
        let list = self.list(&client, &token)?;
        if self.common.json {
            return output::json(&list).map_err(Failure::Output);
        }
        output::result(&self.shown(&list)).map_err(Failure::Output)
    }

    /// All of them, page by page.
    fn list(&self, client: &Client, token: &Secret) -> Result<List, Failure> {
        let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let query = match (&self.person, self.all) {
            (Some(person), _) => format!("?person={}", encoded(person)),
            (None, true) => "?all=true".to_owned(),
            (None, false) => String::new(),
        };
        let mut list = List::default();
        let mut after = String::new();
        loop {
            let path = format!("/api/v1/sessions{query}{after}");
            let page: List = client.call((Method::GET, &path), token, None, "for the sessions")?;
            let empty = page.sessions.is_empty();
            list.sessions.extend(page.sessions);
            match page.next.filter(|_| self.all && !empty) {
                Some(next) => after = format!("&after={}", encoded(&next)),
                None => return Ok(list),
            }
        }
    }

    fn shown(&self, list: &List) -> String {
        let others = self.all || self.person.is_some();
        let mut heading = vec!["ID", "KIND", "CLIENT", "FROM", "LAST USED", "ENDS", "PROVIDER"];
        if others {
            heading.insert(1, "USER");
        }
        let heading = heading.into_iter().map(str::to_owned).collect();
        let rows = list.sessions.iter().map(|session| {
            let mut row = session.row();
            if others {
                row.insert(1, printable(&session.user));
            }
            row
        });
        table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
    }
}

impl End {
    fn run(&self) -> Result<(), Failure> {
        let (client, token) = self.common.api()?;
        let id: String = byte_serialize(self.id.as_bytes()).collect();
        let path = format!("/api/v1/sessions/{id}");
        let ended: Ended = client.call((Method::DELETE, &path), &token, None, "for the end of the session")?;
        if !ended.ended {
            say("kubegate: it had ended before");
        }
        if self.common.json {
            return output::json(&ended).map_err(Failure::Output);
        }
        let line = format!("ended session {} of {}", ended.id, ended.user);
        output::result(&(printable(&line) + "\n")).map_err(Failure::Output)
    }
}

impl Common {
    fn api(&self) -> Result<(Client, Secret), Failure> {
        let client = self.server.client()?;
        let token = access_token(&client, &self.sign_in)?;
        Ok((client, token))
    }
}

impl SessionView {
    fn row(&self) -> Vec<String> {
        let kind = if self.current { format!("{} (this one)", self.kind) } else { self.kind.clone() };
        let ends = if self.state == "idle" { format!("{} (idle)", self.expires_at) } else { self.expires_at.clone() };
        [
            self.id.as_str(),
            &kind,
            self.client.as_deref().unwrap_or("-"),
            self.last_address.as_deref().or(self.address.as_deref()).unwrap_or("-"),
            &self.last_used_at,
            &ends,
            self.provider_name.as_deref().unwrap_or(&self.provider),
        ]
        .map(printable)
        .to_vec()
    }
}
