//! A real Kubernetes API server: the one of tests/cluster, or a person's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use serde_json::Value;

use crate::kubectl::Kubectl;
use crate::paths;
use crate::process::Running;

const START_LIMIT: Duration = Duration::from_secs(60);

/// `cluster.json`, which tests/cluster writes when it is ready.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClusterFile {
    url: String,
    ca: PathBuf,
    admin_kubeconfig: PathBuf,
    audit_log: PathBuf,
}

/// An API server that Kubegate can be put in front of.
#[derive(Debug)]
pub struct ApiServer {
    /// Its own address.
    pub url: String,
    /// Its certificate authority, PEM file.
    pub ca: PathBuf,
    /// `kubectl` with all rights, past Kubegate.
    pub admin: Kubectl,
    /// Its audit log, one JSON event a line; only of a server of ours.
    pub audit_log: Option<PathBuf>,
    process: Option<Running>,
}

impl ApiServer {
    /// Starts tests/cluster with its files in `dir`.
    pub fn start(dir: &Path, log_dir: &Path) -> Result<Self> {
        let binaries = paths::cluster_binaries()?;
        let mut command = Command::new(binaries.join("kubegate-test-cluster"));
        command.arg("serve").arg("--dir").arg(dir).arg("--exit-with-parent");
        let mut process = Running::start("kube-apiserver", log_dir, &command)?;
        let file = dir.join("cluster.json");
        let found: ClusterFile = process.wait_until("it is ready", START_LIMIT, || {
            let text = fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            serde_json::from_slice(&text).map_err(|error| error.to_string())
        })?;
        Ok(Self {
            url: found.url,
            ca: found.ca,
            admin: Kubectl::new(&binaries.join("kubectl"), &found.admin_kubeconfig),
            audit_log: Some(found.audit_log),
            process: Some(process),
        })
    }

    /// A person's own cluster; what Envoy needs of it is written to `dir`.
    pub fn of_kubeconfig(kubectl: &Path, kubeconfig: &Path, context: Option<&str>, dir: &Path) -> Result<Self> {
        let admin = Kubectl::new(kubectl, kubeconfig).with_context(context);
        let shown = admin.run(&["config", "view", "--raw", "--minify", "--flatten", "-o", "json"])?.ok()?;
        let config: Value = serde_json::from_str(&shown)?;
        let cluster = config.pointer("/clusters/0/cluster").context("the kubeconfig's context has no cluster")?;
        let url = cluster.get("server").and_then(Value::as_str).context("the cluster has no server")?;
        let authority = cluster
            .get("certificate-authority-data")
            .and_then(Value::as_str)
            .context("the cluster names no certificate-authority; the demo trusts no one else's")?;
        fs::create_dir_all(dir)?;
        let ca = dir.join("ca.crt");
        let pem = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, authority)
            .map_err(|error| anyhow!("certificate-authority-data: {error}"))?;
        fs::write(&ca, pem)?;
        Ok(Self { url: url.trim_end_matches('/').to_owned(), ca, admin, audit_log: None, process: None })
    }

    /// The audit events so far that `wanted` picks.
    pub fn audit_events(&self, wanted: impl Fn(&Value) -> bool) -> Result<Vec<Value>> {
        let path = self.audit_log.as_ref().context("only a server of ours shows its audit log")?;
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        // The last line may be half written.
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(wanted).collect())
    }

    /// Fails when it has ended by itself.
    pub fn check_alive(&mut self) -> Result<()> {
        self.process.as_mut().map_or(Ok(()), Running::check_alive)
    }

    /// Its log; only of a server of ours.
    #[must_use]
    pub fn log(&self) -> Option<&Path> {
        self.process.as_ref().map(Running::log)
    }
}
