//! `kubegate admin service-accounts`: `issue`, `list`, `revoke`

use std::time::Duration;

use clap::{Args, Subcommand};
use kubegate_core::time::parse_duration;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::form_urlencoded::byte_serialize;

use super::Common;
use crate::failure::Failure;
use crate::output::{printable, say, table};

/// Issue tokens for programs that use pomerium-cli, list and revoke them
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate admin service-accounts issue ci --cluster prod --groups deployers --for 90d > token
  kubegate admin service-accounts list
  kubegate admin service-accounts revoke s_1u8cXyYb8pBFZ0Ff6mvJ1Q")]
pub(super) struct ServiceAccounts {
    #[command(subcommand)]
    command: ServiceAccountsCommand,
}

#[derive(Debug, Subcommand)]
enum ServiceAccountsCommand {
    Issue(Issue),
    List(List),
    Revoke(Revoke),
}

/// Issue a token for a program
///
/// The token is for `pomerium-cli --service-account` and is shown this once. The program's user name is the prefix that
/// the control plane's configuration sets, and NAME. With several clusters there is a token for each, on
/// a line of its own after the cluster's name.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate admin service-accounts issue ci --cluster prod --groups deployers --for 90d > token")]
struct Issue {
    /// What the program is called
    #[arg(value_name = "NAME")]
    name: String,

    /// On which clusters
    #[arg(long = "cluster", value_name = "NAME,…", value_delimiter = ',', required = true)]
    clusters: Vec<String>,

    /// In which groups
    #[arg(long, value_name = "GROUP,…", value_delimiter = ',')]
    groups: Vec<String>,

    /// For how long, at most what the control plane's configuration allows
    #[arg(long = "for", value_name = "DURATION", value_parser = lifetime)]
    duration: Duration,

    #[command(flatten)]
    common: Common,
}

/// List the tokens that have not ended
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate admin service-accounts list
  kubegate admin service-accounts list --json | jq -r '.service_accounts[].user'")]
struct List {
    #[command(flatten)]
    common: Common,
}

/// Revoke a token at once
///
/// Gateways refuse it within a second, and cut its open streams.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate admin service-accounts revoke s_1u8cXyYb8pBFZ0Ff6mvJ1Q")]
struct Revoke {
    /// Its id, as issue and list print it
    #[arg(value_name = "ID")]
    id: String,

    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Serialize, Deserialize)]
struct Account {
    id: String,
    user: String,
    groups: Vec<String>,
    clusters: Vec<String>,
    issued_by: String,
    issued_at: String,
    expires_at: String,
}

#[derive(Serialize, Deserialize)]
struct Issued {
    #[serde(flatten)]
    account: Account,
    tokens: Vec<Token>,
}

#[derive(Serialize, Deserialize)]
struct Token {
    cluster: String,
    token: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Accounts {
    service_accounts: Vec<Account>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Revoked {
    id: String,
    user: String,
}

impl ServiceAccounts {
    /// Runs the command below.
    pub(super) fn run(&self) -> Result<(), Failure> {
        match &self.command {
            ServiceAccountsCommand::Issue(command) => command.run(),
            ServiceAccountsCommand::List(command) => command.run(),
            ServiceAccountsCommand::Revoke(command) => command.run(),
        }
    }
}

/// The control plane knows how long is too long.
fn lifetime(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "write it like 12h or 90d".to_owned())
}

/// A token as it is, however long, but for what no token has and a terminal might obey.
fn whole(token: &str) -> String {
    token.chars().filter(char::is_ascii_graphic).collect()
}

impl Issue {
    fn run(&self) -> Result<(), Failure> {
        let body = json!({
            "name": self.name,
            "clusters": self.clusters,
            "groups": self.groups,
            "expires_in": self.duration.as_secs(),
        });
        let issued: Issued = self.common.api()?.post("/api/v1/service-accounts", &body, "for the service account")?;
        let Account { id, user, expires_at, .. } = &issued.account;
        say(&printable(&format!("kubegate: {user} until {expires_at}, id {id}; the token is shown this once")));
        self.common.print(&issued, |issued| match issued.tokens.as_slice() {
            [only] => format!("{}\n", whole(&only.token)),
            tokens => tokens.iter().map(|it| format!("{} {}\n", printable(&it.cluster), whole(&it.token))).collect(),
        })
    }
}

impl List {
    fn run(&self) -> Result<(), Failure> {
        let list: Accounts = self.common.api()?.get("/api/v1/service-accounts", "for the service accounts")?;
        if list.service_accounts.is_empty() && !self.common.json {
            say("kubegate: no service account has a token");
            return Ok(());
        }
        self.common.print(&list, |list| {
            let heading = ["ID", "USER", "CLUSTERS", "GROUPS", "UNTIL", "BY"].map(str::to_owned).to_vec();
            let rows = list.service_accounts.iter().map(|account| {
                let Account { id, user, groups, clusters, issued_by, expires_at, .. } = account;
                let (clusters, groups) = (clusters.join(","), groups.join(","));
                [id, user, &clusters, &groups, expires_at, issued_by].map(|text| printable(text)).to_vec()
            });
            table(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
        })
    }
}

impl Revoke {
    fn run(&self) -> Result<(), Failure> {
        let id: String = byte_serialize(self.id.as_bytes()).collect();
        let path = format!("/api/v1/service-accounts/{id}");
        let revoked: Revoked = self.common.api()?.delete(&path, "to revoke a service account's token")?;
        self.common.print(&revoked, |revoked| format!("revoked the token of {}\n", printable(&revoked.user)))
    }
}
