//! What the demo tells: to people on the terminal, to scripts in `demo.json`.

use std::path::Path;

use serde_json::{Value, json};

use super::Demo;
use crate::account::Account;
use crate::world::{CLUSTER, CLUSTER_HOST, CONTROL_PLANE_HOST};

/// `demo.json`: every address, port, account, file and kubeconfig of the running demo.
#[must_use]
pub fn machine_readable(demo: &Demo) -> String {
    let world = &demo.world;
    let account = |account: &Account| {
        json!({
            "user": account.user, "password": account.password, "groups": account.groups, "about": account.about,
            "kubeconfig": demo.kubeconfig(account), "cache": demo.home(account).join("cache"),
        })
    };
    let description: Value = json!({
        "pid": std::process::id(),
        "controlPlane": {
            "url": world.control_plane_url(), "host": CONTROL_PLANE_HOST,
            "publicPort": world.control_plane.public_port, "internalUrl": world.control_plane.internal,
            "config": world.control_plane.config, "policy": world.control_plane.policy,
            "gatewayCredential": world.control_plane.gateway_credential, "log": world.control_plane.log(),
        },
        "cluster": {
            "name": CLUSTER, "url": world.cluster_url(), "host": CLUSTER_HOST, "namespace": world.names.team,
            "pod": "hello",
        },
        "envoy": {
            "port": world.port, "adminUrl": world.envoy.admin, "config": world.envoy.config,
            "log": world.envoy.log(), "serviceAccountToken": world.service_account.token_file(),
        },
        "apiServer": {
            "url": world.api.url, "ca": world.api.ca, "adminKubeconfig": world.api.admin.kubeconfig(),
            "auditLog": world.api.audit_log, "log": world.api.log(),
        },
        "ca": world.pki.ca,
        "accounts": {"admin": account(&demo.admin), "reader": account(&demo.reader)},
        "kubectl": world.api.admin.binary(),
        "dir": world.dir,
    });
    format!("{description:#}\n")
}

/// What a person may type now.
#[must_use]
pub fn instructions(demo: &Demo) -> String {
    let world = &demo.world;
    let kubectl = shown(world.api.admin.binary());
    let team = world.names.team;
    let admin = shown(&demo.kubeconfig(&demo.admin));
    let reader = shown(&demo.kubeconfig(&demo.reader));
    format!(
        "
The demo runs. Two people, each with a kubeconfig whose credential helper opens the browser to sign in:

  {admin_user:<20} password {admin_password}   {admin_about}
  {reader_user:<20} password {reader_password}   {reader_about} ({team})

Type in another terminal:

  alias k='{kubectl} --kubeconfig {admin}'
  k get ns
  k exec -n {team} hello -it -- sh
  k logs -f -n {team} hello

and as the other one:

  alias b='{kubectl} --kubeconfig {reader}'
  b get pods -n {team}
  b get pods -A                       # refused by Kubegate's policy
  b auth whoami

The browser will warn of the certificate, whose authority exists on this machine only; trust it for
curl and others with {ca}.
Sign-in page   {url}
Policy         {policy}   (edit it: a saved change is in force within a second)
Everything     {description}

Ctrl-C stops all of it.",
        admin_user = demo.admin.user,
        admin_password = demo.admin.password,
        admin_about = demo.admin.about,
        reader_user = demo.reader.user,
        reader_password = demo.reader.password,
        reader_about = demo.reader.about,
        ca = shown(&world.pki.ca),
        url = world.control_plane_url(),
        policy = shown(&world.control_plane.policy),
        description = shown(&demo.description),
    )
}

/// A path as one would type it from where the demo was started.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}
