//! HTTP clients that trust what they are told to, follow nothing and take every status for an answer.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use ureq::Agent;
use ureq::tls::{PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

const TIMEOUT: Duration = Duration::from_secs(20);

/// A client that trusts the authority in the PEM file `ca` alone; it keeps cookies.
pub fn client(ca: &Path) -> Result<Agent> {
    let pem = fs::read(ca).with_context(|| ca.display().to_string())?;
    let roots: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    Ok(agent(RootCerts::from(roots)))
}

/// A client for plain HTTP.
#[must_use]
pub fn plain_client() -> Agent {
    agent(RootCerts::from(Vec::new()))
}

fn agent(roots: RootCerts) -> Agent {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(roots)
        .build();
    Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .build()
        .into()
}
