//! What a kubeconfig needs for one cluster behind Kubegate.

use std::env;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::exec_credential::ApiVersion;
use crate::oauth::ClusterInfo;
use crate::server::ServerUrl;

/// A cluster, a user and a context that belong together.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The context's name.
    pub(crate) context: String,
    /// The name of the cluster and of the user.
    pub(crate) name: String,
    /// The cluster as the control plane knows it.
    pub(crate) cluster: ClusterInfo,
    /// How kubectl gets a credential.
    pub(crate) helper: Helper,
}

/// The command line of the credential helper.
#[derive(Clone, Debug)]
pub(crate) struct Helper {
    /// The program.
    pub(crate) command: String,
    /// The control plane.
    pub(crate) server: ServerUrl,
    /// Options after `--server` and `--cluster`.
    pub(crate) options: Vec<String>,
}

/// One item of one of the kubeconfig's lists.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The list: `clusters`, `users`, `contexts`.
    pub(super) list: &'static str,
    /// What holds the fields: `cluster`, `user`, `context`.
    pub(super) field: &'static str,
    /// The item's name.
    pub(super) name: String,
    /// The fields that must be so.
    pub(super) fields: Value,
    /// Fields that are ours to remove when they are not among those.
    pub(super) ours: &'static [&'static str],
}

const INSTALL_HINT: &str = "kubegate, which signs you in to this cluster, is not installed or not on your PATH.\n\
    Install it and run this command again; your operator knows from where.\n";

impl Entry {
    /// The entries for `cluster`, under the name `context`.
    pub(crate) fn new(context: &str, cluster: ClusterInfo, helper: Helper) -> Self {
        Self { context: context.to_owned(), name: format!("kubegate-{context}"), cluster, helper }
    }

    pub(super) fn parts(&self) -> [Part; 3] {
        let mut cluster = json!({ "server": self.cluster.server });
        if let (Some(data), Some(fields)) = (&self.cluster.certificate_authority_data, cluster.as_object_mut()) {
            fields.insert("certificate-authority-data".to_owned(), json!(data));
        }
        let part = |list, field, name: &str, fields, ours| Part { list, field, name: name.to_owned(), fields, ours };
        [
            part("clusters", "cluster", &self.name, cluster, &["server", "certificate-authority-data"]),
            part("users", "user", &self.name, json!({ "exec": self.exec() }), &[]),
            part("contexts", "context", &self.context, json!({ "cluster": self.name, "user": self.name }), &[]),
        ]
    }

    /// The arguments that say for which cluster a user entry is.
    pub(super) fn identity_args(&self) -> [String; 2] {
        [format!("--server={}", self.helper.server), format!("--cluster={}", self.cluster.name)]
    }

    fn exec(&self) -> Value {
        let mut args = vec!["credential".to_owned()];
        args.extend(self.identity_args());
        args.extend(self.helper.options.iter().cloned());
        json!({
            "apiVersion": ApiVersion::V1.as_str(),
            "command": self.helper.command,
            "args": args,
            "interactiveMode": "IfAvailable",
            "provideClusterInfo": true,
            "installHint": INSTALL_HINT,
        })
    }
}

/// How kubectl is to call this program: by its name when that finds it, else by its path.
pub(crate) fn helper_command() -> String {
    const NAME: &str = if cfg!(windows) { "kubegate.exe" } else { "kubegate" };
    let Ok(running) = env::current_exe() else { return "kubegate".to_owned() };
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|directory| directory.join(NAME)).find(|candidate| candidate.is_file());
    match found {
        Some(found) if same_file(&found, &running) => "kubegate".to_owned(),
        _ => running.display().to_string(),
    }
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (fs::canonicalize(a), fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
