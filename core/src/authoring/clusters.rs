//! The `clusters` of a policy file.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Load, Once, each};
use crate::document::{Fields, Node};
use crate::id::ClusterName;
use crate::rule::Cluster;

pub(super) fn read(node: &Node<'_>, load: Load<'_>) -> Option<Vec<Cluster>> {
    let items = node.items()?;
    if items.is_empty() {
        node.report("is empty", "describe at least one cluster");
    }
    let (names, hosts) = (Once::new("the cluster name"), Once::new("the host"));
    each(node, |item| read_cluster(item, load, &names, &hosts))
}

fn read_cluster(node: &Node<'_>, load: Load<'_>, names: &Once, all_hosts: &Once) -> Option<Cluster> {
    let known = ["name", "hosts", "server", "certificateAuthority", "certificateAuthorityData"];
    let fields = node.fields(&known)?;
    let name = fields.require("name").and_then(|field| {
        let name = cluster_name(&field)?;
        names.check(name.as_str(), node);
        Some(name)
    });
    let hosts = fields.require("hosts").and_then(|node| {
        let hosts = each(&node, |node| {
            let host = host(node)?;
            all_hosts.check(&host, node);
            Some(host)
        })?;
        if hosts.is_empty() {
            node.report("is empty", "name the host that clients connect to");
        }
        Some(hosts)
    });
    let server = fields.require("server").and_then(|node| server(&node));
    let authority = certificate_authority(&fields, load);
    Some(Cluster { name: name?, hosts: hosts?, server: server?, certificate_authority_data: authority? })
}

fn cluster_name(node: &Node<'_>) -> Option<ClusterName> {
    let name = node.non_empty_text()?;
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    if name.len() > 63 || !name.bytes().all(good) || !edge(name.bytes().next()) || !edge(name.bytes().last()) {
        node.report(
            format!("{name:?} is not a cluster name"),
            "use at most 63 lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit",
        );
        return None;
    }
    Some(ClusterName::from(name))
}

fn host(node: &Node<'_>) -> Option<String> {
    let host = node.non_empty_text()?.to_ascii_lowercase();
    let address = host.starts_with('[') && host.ends_with(']');
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') || address;
    if !host.bytes().all(good) {
        node.report(format!("{host:?} is not a host"), "write the name alone, without scheme, port, path or '*'");
        return None;
    }
    Some(host)
}

fn server(node: &Node<'_>) -> Option<String> {
    let server = node.non_empty_text()?;
    let rest = server.strip_prefix("https://").unwrap_or_default();
    if rest.is_empty() || rest.starts_with('/') || !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        node.report(
            format!("{server:?} is not an https URL"),
            "write the URL that kubeconfigs name, like https://prod.k8s.example.com",
        );
        return None;
    }
    Some(server.trim_end_matches('/').to_owned())
}

/// The certificate authority as kubeconfigs carry it: base64 of PEM. The outer `None` means a mistake.
#[expect(clippy::option_option, reason = "absent and wrong are different")]
fn certificate_authority(fields: &Fields<'_>, load: Load<'_>) -> Option<Option<String>> {
    let (node, pem) = match (fields.get("certificateAuthority"), fields.get("certificateAuthorityData")) {
        (None, None) => return Some(None),
        (Some(node), Some(_)) => {
            node.report("stands beside certificateAuthorityData", "keep one of the two");
            return None;
        }
        (Some(node), None) => {
            let path = node.non_empty_text()?;
            match load(Path::new(path)) {
                Ok(pem) => (node, pem),
                Err(error) => {
                    node.report(format!("cannot read {path:?}: {error}"), "name a PEM file beside the policy");
                    return None;
                }
            }
        }
        (None, Some(node)) => match STANDARD.decode(node.non_empty_text()?) {
            Ok(pem) => (node, pem),
            Err(error) => {
                node.report(format!("is not base64: {error}"), "write base64 of the PEM file, as in a kubeconfig");
                return None;
            }
        },
    };
    if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
        node.report("holds no PEM certificate", "give the certificate authority in PEM form");
        return None;
    }
    Some(Some(STANDARD.encode(pem)))
}
