//! Envoy as the gateway: envoy-config/'s files, filled in as a person would.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use url::{Host, Url};

use crate::apiserver::ApiServer;
use crate::control_plane::ControlPlane;
use crate::envoy::Envoy;
use crate::pki::Pki;
use crate::service_account::ServiceAccount;
use crate::world::{CLUSTER, CONTROL_PLANE_HOST, control_plane_url};
use crate::{files, paths, template};

/// An Envoy to start, and what it stands between.
pub(crate) struct Gateway<'a> {
    /// Where its configuration goes.
    pub(crate) dir: &'a Path,
    /// Where its log goes.
    pub(crate) logs: &'a Path,
    /// Where people come in.
    pub(crate) port: u16,
    /// The wasm module.
    pub(crate) filter: &'a Path,
    /// How many worker threads it has.
    pub(crate) workers: usize,
    pub(crate) pki: &'a Pki,
    pub(crate) api: &'a ApiServer,
    pub(crate) service_account: &'a ServiceAccount,
    pub(crate) control_plane: &'a ControlPlane,
}

/// Runs Envoy.
pub(crate) fn start(gateway: &Gateway<'_>) -> Result<Envoy> {
    let Gateway { dir, logs, port, filter, workers, pki, api, service_account, control_plane } = *gateway;
    let admin_port = crate::port::free()?;
    let token = sds_file(&format!("kubernetes_{CLUSTER}"), service_account.token_file())?;
    let credential = sds_file("gateway", &control_plane.gateway_credential)?;
    let server = Url::parse(&api.url)?;
    let server_host = server.host_str().context("the API server's URL has no host")?;
    let san_type = if matches!(server.host(), Some(Host::Domain(_))) { "DNS" } else { "IP_ADDRESS" };
    let shown = |path: &Path| path.display().to_string();
    let values: [(&str, String); 20] = [
        ("ADMIN_PORT", admin_port.to_string()),
        ("LISTEN_ADDRESS", "127.0.0.1".to_owned()),
        ("LISTEN_PORT", port.to_string()),
        ("TLS_CERTIFICATE", shown(&pki.cert)),
        ("TLS_PRIVATE_KEY", shown(&pki.key)),
        ("FILTER_WASM", shown(filter)),
        ("ISSUER", control_plane_url(port)),
        ("BUNDLE_PUBLIC_KEY", serde_json::to_string(control_plane.bundle_key.public())?),
        ("CONTROL_PLANE_HOST", CONTROL_PLANE_HOST.to_owned()),
        ("CLUSTER_NAME", CLUSTER.to_owned()),
        ("KUBERNETES_HOST", server_host.trim_matches(['[', ']']).to_owned()),
        ("KUBERNETES_PORT", server.port_or_known_default().context("the API server's URL has no port")?.to_string()),
        ("KUBERNETES_SERVER_NAME", server_host.trim_matches(['[', ']']).to_owned()),
        ("KUBERNETES_CA", shown(&api.ca)),
        ("KUBERNETES_SAN_TYPE", san_type.to_owned()),
        ("SERVICE_ACCOUNT_SDS", shown(&token)),
        ("SERVICE_ACCOUNT_DIRECTORY", token.parent().map(shown).unwrap_or_default()),
        ("CONTROL_PLANE_ADDRESS", "127.0.0.1".to_owned()),
        ("CONTROL_PLANE_PUBLIC_PORT", control_plane.public_port.to_string()),
        ("CONTROL_PLANE_INTERNAL_PORT", control_plane.internal_port.to_string()),
    ];
    let mut values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (gateway_sds, gateway_dir) = (shown(&credential), credential.parent().map(shown).unwrap_or_default());
    values.extend([("GATEWAY_SDS", gateway_sds.as_str()), ("GATEWAY_DIRECTORY", gateway_dir.as_str())]);
    let bootstrap = Envoy::bootstrap(&values)?;
    Envoy::start_with_workers(workers, "envoy", dir, logs, &bootstrap, admin_port)
}

/// envoy-config/sds.yaml for a credential's file, in that file's own folder.
pub(crate) fn sds_file(name: &str, credential: &Path) -> Result<PathBuf> {
    let template = fs::read_to_string(paths::root().join("envoy-config/sds.yaml"))?;
    let content = template::render(&template, &[("NAME", name), ("FILE", &credential.display().to_string())])?;
    let path = credential.with_file_name("sds.yaml");
    // Another Envoy may be watching it.
    files::replace(&path, content.as_bytes())?;
    Ok(path)
}
