//! `GET /kubeconfig`: a kubeconfig of the person's clusters, to download. There is no secret in it: kubectl gets its
//! credential from `kubegate credential`.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use kubegate_core::rule::Cluster;

use super::super::error::PageError;
use super::super::extract::{BrowserSession, Parameters};
use super::super::oauth::authorize::see_other;
use super::login_url;
use crate::app::{App, clusters_of};

/// The file: of all clusters, or of the one that `cluster` names.
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    BrowserSession(session): BrowserSession,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let Some(session) = session else {
        return Ok(see_other(&login_url("/", None)));
    };
    let parameters = Parameters::parse(query.as_deref().unwrap_or_default()).ok();
    let wanted = parameters.as_ref().and_then(|parameters| parameters.get("cluster"));
    let now = app.clock.now();
    let elevations = app.elevations.of(&session.identity.person(), now).await.map_err(PageError::internal)?;
    let in_force = app.in_force();
    let mut clusters = clusters_of(&in_force.policy, &session.identity, &elevations, now);
    clusters.retain(|cluster| wanted.is_none_or(|wanted| cluster.name.as_str() == wanted));
    if clusters.is_empty() {
        return Err(PageError::of(StatusCode::NOT_FOUND, "no-cluster"));
    }
    let headers = [
        (header::CONTENT_TYPE, "application/yaml"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"kubegate.kubeconfig.yaml\""),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, kubeconfig(app.issuer.as_str(), &clusters)).into_response())
}

/// The kubeconfig of `clusters`, with the entries that `kubegate kubeconfig` makes, too.
pub(super) fn kubeconfig(issuer: &str, clusters: &[&Cluster]) -> String {
    let mut text = String::from("apiVersion: v1\nkind: Config\n");
    // JSON's strings are YAML's, too.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let name = |cluster: &Cluster| quoted(&format!("kubegate-{}", cluster.name));
    let mut line = |line: String| text.extend([line.as_str(), "\n"]);
    line("clusters:".to_owned());
    for cluster in clusters {
        line(format!("- name: {}\n  cluster:\n    server: {}", name(cluster), quoted(&cluster.server)));
        if let Some(data) = &cluster.certificate_authority_data {
            line(format!("    certificate-authority-data: {}", quoted(data)));
        }
    }
    line("users:".to_owned());
    for cluster in clusters {
        line(format!("- name: {}\n  user:\n    exec:", name(cluster)));
        line("      apiVersion: client.authentication.k8s.io/v1\n      command: kubegate\n      args:".to_owned());
        line(format!("      - credential\n      - {}", quoted(&format!("--server={issuer}"))));
        line(format!("      - {}", quoted(&format!("--cluster={}", cluster.name))));
        line("      interactiveMode: IfAvailable\n      provideClusterInfo: true".to_owned());
        line(format!("      installHint: {}", quoted(INSTALL_HINT)));
    }
    line("contexts:".to_owned());
    for cluster in clusters {
        let context = quoted(cluster.name.as_str());
        line(format!("- name: {context}\n  context:\n    cluster: {name}\n    user: {name}", name = name(cluster)));
    }
    if let [only] = clusters {
        line(format!("current-context: {}", quoted(only.name.as_str())));
    }
    text
}

/// What kubectl says when the helper is not there; the same as in the command line.
const INSTALL_HINT: &str = "kubegate, which signs you in to this cluster, is not installed or not on your PATH.\n\
    Install it and run this command again; your operator knows from where.\n";
