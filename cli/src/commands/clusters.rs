//! `kubegate clusters`

use clap::Args;
use serde::{Deserialize, Serialize};

use super::person_may;
use crate::args::{ServerArgs, SignInArgs};
use crate::cache::Store;
use crate::client::Client;
use crate::failure::Failure;
use crate::oauth::ClusterInfo;
use crate::output::{self, printable, say};
use crate::secret::Secret;
use crate::session::Session;

/// List the clusters that you may use
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate clusters
  kubegate clusters --json | jq -r '.clusters[].name'")]
pub(crate) struct Clusters {
    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    sign_in: SignInArgs,

    /// Print the control plane's answer as JSON
    #[arg(long)]
    json: bool,
}

/// The control plane's list.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ClusterList {
    /// The clusters in which some rule concerns the person.
    pub(crate) clusters: Vec<ClusterInfo>,
}

impl Clusters {
    /// Asks and shows.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let client = self.server.client()?;
        let list = fetch(&client, &self.sign_in)?;
        if self.json {
            return output::json(&list).map_err(Failure::Output);
        }
        if list.clusters.is_empty() {
            say("kubegate: no rule gives you any cluster. Ask your operator for access");
            return Ok(());
        }
        let mut rows = vec![vec!["NAME".to_owned(), "SERVER".to_owned()]];
        rows.extend(list.clusters.iter().map(|cluster| vec![printable(&cluster.name), printable(&cluster.server)]));
        output::result(&output::table(&rows)).map_err(Failure::Output)
    }
}

/// The clusters of the signed-in person.
pub(crate) fn fetch(client: &Client, sign_in: &SignInArgs) -> Result<ClusterList, Failure> {
    let store = Store::open(client.server())?;
    let token = Session::take(&store, client, sign_in.timeout)?.access_token(&sign_in.options(), person_may())?;
    fetch_with(client, &token)
}

/// The clusters of whom `token` is for.
pub(crate) fn fetch_with(client: &Client, token: &Secret) -> Result<ClusterList, Failure> {
    let url = client.server().join("/api/v1/clusters");
    Ok(client.get_json(&url, Some(token), "for your clusters")?)
}
