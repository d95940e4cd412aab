//! A person's kubeconfig, whose user is the credential helper.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::{files, paths};

/// What a kubeconfig leads to.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The cluster's name in the policy.
    pub cluster: &'a str,
    /// The cluster's URL, at Envoy.
    pub server: &'a str,
    /// The control plane's public URL.
    pub control_plane: &'a str,
    /// The authority of both certificates, PEM file.
    pub ca: &'a Path,
    /// The namespace to begin in.
    pub namespace: &'a str,
}

/// Writes a kubeconfig that asks `kubegate credential`, with a token cache of its own in `cache`.
pub fn write(path: &Path, target: Target<'_>, cache: &Path) -> Result<()> {
    let user = json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": paths::binary("kubegate")?,
        "args": [
            "credential", "--server", target.control_plane, "--cluster", target.cluster,
            "--certificate-authority", target.ca,
        ],
        "env": [{"name": "XDG_CACHE_HOME", "value": cache}],
        "interactiveMode": "IfAvailable",
        "provideClusterInfo": true,
        "installHint": "`./just build` makes the kubegate command",
    }});
    write_with_user(path, target, &user)
}

/// Writes a kubeconfig with a token in it.
pub fn write_with_token(path: &Path, target: Target<'_>, token: &str) -> Result<()> {
    write_with_user(path, target, &json!({"token": token}))
}

fn write_with_user(path: &Path, target: Target<'_>, user: &Value) -> Result<()> {
    let ca = fs::read(target.ca).with_context(|| target.ca.display().to_string())?;
    let name = target.cluster;
    // JSON is YAML, and this crate has a writer for it.
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {
            "server": target.server, "certificate-authority-data": STANDARD.encode(ca),
        }}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": target.namespace}}],
        "current-context": name,
    });
    files::write_private(path, serde_json::to_string_pretty(&config)?.as_bytes())
}
