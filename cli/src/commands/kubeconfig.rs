//! `kubegate kubeconfig`

use std::path::{self, PathBuf};

use clap::Args;

use super::clusters;
use crate::args::{ServerArgs, SignInArgs};
use crate::failure::Failure;
use crate::kubeconfig::{Change, Entry, Helper, KubeconfigFile, apply, has_current_context, helper_command};
use crate::oauth::ClusterInfo;
use crate::output::{self, say};
use crate::server::ServerUrl;

/// Add clusters to your kubeconfig, keeping everything else in it
///
/// Writes a cluster, a user and a context for each cluster. The context is named like the cluster;
/// the cluster and user entries begin with "kubegate-". Entries of that name that belong to something
/// else are never overwritten, and a second run changes nothing. The file is $KUBECONFIG (the first
/// one in it), else ~/.kube/config; it is made when missing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubegate kubeconfig --server https://kubegate.example.com --all
  kubegate kubeconfig --cluster prod --context work --set-current
  kubegate kubeconfig --cluster prod --stdout > prod.kubeconfig")]
pub(crate) struct Kubeconfig {
    #[command(flatten)]
    server: ServerArgs,

    #[command(flatten)]
    sign_in: SignInArgs,

    /// The cluster to add [default: the only one]
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    cluster: Option<String>,

    /// Add every cluster that you may use
    #[arg(long)]
    all: bool,

    /// The kubeconfig to change
    #[arg(long, value_name = "FILE", conflicts_with = "stdout")]
    kubeconfig: Option<PathBuf>,

    /// Name of the context [default: the cluster's]
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    context: Option<String>,

    /// Make it the current context (where there is none, a single cluster becomes it anyway)
    #[arg(long, conflicts_with = "all")]
    set_current: bool,

    /// Print a kubeconfig of its own instead of changing a file
    #[arg(long)]
    stdout: bool,
}

impl Kubeconfig {
    /// Asks which clusters there are and writes them down.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        let client = self.server.client()?;
        let clusters = self.choose(clusters::fetch(&client, &self.sign_in)?.clusters, client.server())?;
        let helper = self.helper(client.server());
        let entries: Vec<Entry> = clusters
            .into_iter()
            .map(|cluster| {
                let context = self.context.clone().unwrap_or_else(|| cluster.name.clone());
                Entry::new(&context, cluster, helper.clone())
            })
            .collect();
        if self.stdout { self.print(&entries) } else { self.write(&entries) }
    }

    fn choose(&self, clusters: Vec<ClusterInfo>, server: &ServerUrl) -> Result<Vec<ClusterInfo>, Failure> {
        let available = || clusters.iter().map(|cluster| cluster.name.clone()).collect::<Vec<_>>();
        if clusters.is_empty() {
            return Err(Failure::NoClusters { server: server.clone() });
        }
        match &self.cluster {
            None if self.all || clusters.len() == 1 => Ok(clusters),
            None => Err(Failure::WhichCluster { available: available() }),
            Some(name) => match clusters.iter().find(|cluster| cluster.name == *name) {
                Some(cluster) => Ok(vec![cluster.clone()]),
                None => Err(Failure::NoSuchCluster { name: name.clone(), available: available() }),
            },
        }
    }

    /// The helper trusts and signs in as this command was told to.
    fn helper(&self, server: &ServerUrl) -> Helper {
        let mut options = Vec::new();
        if let Some(file) = &self.server.certificate_authority {
            let file = path::absolute(file).unwrap_or_else(|_| file.clone());
            options.push(format!("--certificate-authority={}", file.display()));
        }
        if self.server.insecure_skip_tls_verify {
            options.push("--insecure-skip-tls-verify".to_owned());
        }
        options.extend(self.sign_in.way_option().map(str::to_owned));
        if let Some(provider) = &self.sign_in.provider {
            options.push(format!("--provider={provider}"));
        }
        Helper { command: helper_command(), server: server.clone(), options }
    }

    fn print(&self, entries: &[Entry]) -> Result<(), Failure> {
        match apply("", "stdout", entries, entries.len() == 1 || self.set_current)? {
            Change::Edited(text) | Change::Rewritten(text) => output::result(&text).map_err(Failure::Output),
            Change::Nothing => Ok(()),
        }
    }

    fn write(&self, entries: &[Entry]) -> Result<(), Failure> {
        let file = KubeconfigFile::open(self.kubeconfig.as_deref())?;
        let text = file.read()?;
        let set_current = self.set_current || (entries.len() == 1 && !has_current_context(&text));
        let change = apply(&text, &file.name(), entries, set_current)?;
        let contexts: Vec<&str> = entries.iter().map(|entry| entry.context.as_str()).collect();
        let contexts = contexts.join(", ");
        match change {
            Change::Nothing => say(&format!("kubegate: {} has all of it already: {contexts}", file.name())),
            Change::Edited(text) => {
                file.write(&text)?;
                say(&format!("kubegate: {} now has: {contexts}", file.name()));
            }
            Change::Rewritten(text) => {
                file.write(&text)?;
                say(&format!("kubegate: {} now has: {contexts} (written anew; comments are lost)", file.name()));
            }
        }
        if let Some(entry) = entries.first() {
            say(&format!("Try: kubectl --context {} get namespaces", entry.context));
        }
        Ok(())
    }
}
