//! Before a cached token is served again, the cluster's host is asked whether it still takes it: so
//! a revoked or outdated token does not come back until it expires, and no control plane is needed.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Proxy};
use url::Url;

use crate::client::user_agent;
use crate::exec_credential::ExecCluster;
use crate::oauth::ClusterInfo;
use crate::output::printable;
use crate::secret::Secret;
use crate::server::{is_loopback, is_private};
use crate::tls::Trust;

/// Longer than this the check may not hold up kubectl.
const TIMEOUT: Duration = Duration::from_millis(1500);
const MAX_BODY: u64 = 64 * 1024;

/// What the cluster's host says about a token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is good, or nobody could say otherwise.
    Usable,
    /// It is good no longer, with the host's own words if it gave some.
    Rejected(Option<String>),
}

/// The host to ask.
#[derive(Debug)]
pub(crate) struct Target {
    server: String,
    trust: Trust,
    tls_server_name: Option<String>,
    proxy: Option<String>,
}

impl From<&ExecCluster> for Target {
    fn from(cluster: &ExecCluster) -> Self {
        let trust = if cluster.insecure_skip_tls_verify {
            Trust::Insecure
        } else {
            trust_in(cluster.certificate_authority_data.as_deref())
        };
        Self {
            server: cluster.server.clone(),
            trust,
            tls_server_name: cluster.tls_server_name.clone().filter(|name| !name.is_empty()),
            proxy: cluster.proxy_url.clone().filter(|url| !url.is_empty()),
        }
    }
}

impl From<&ClusterInfo> for Target {
    fn from(cluster: &ClusterInfo) -> Self {
        Self {
            server: cluster.server.clone(),
            trust: trust_in(cluster.certificate_authority_data.as_deref()),
            tls_server_name: None,
            proxy: None,
        }
    }
}

impl Target {
    /// Asks whether `token` is still good. Whatever keeps the host from saying no means yes.
    pub(crate) fn check(&self, token: &Secret) -> Verdict {
        self.ask(token).unwrap_or(Verdict::Usable)
    }

    fn ask(&self, token: &Secret) -> Option<Verdict> {
        let url = Url::parse(&format!("{}/.kubegate/session", self.server.trim_end_matches('/'))).ok()?;
        if !is_private(&url) {
            return None;
        }
        let mut request = self
            .agent(&url)?
            .get(self.named(&url)?.as_str())
            .header("authorization", format!("Bearer {}", token.expose()));
        if self.tls_server_name.is_some() {
            request = request.header("host", &url[url::Position::BeforeHost..url::Position::AfterPort]);
        }
        let mut response = request.call().ok()?;
        if response.status() != 401 {
            return Some(Verdict::Usable);
        }
        let body = response.body_mut().with_config().limit(MAX_BODY).read_to_vec().unwrap_or_default();
        Some(Verdict::Rejected(status_message(&body)))
    }

    /// The URL with the name that the certificate must have; the connection still goes to the real host.
    fn named(&self, url: &Url) -> Option<Url> {
        let mut named = url.clone();
        if let Some(name) = &self.tls_server_name {
            named.set_host(Some(name)).ok()?;
        }
        Some(named)
    }

    fn agent(&self, url: &Url) -> Option<Agent> {
        let mut config = Agent::config_builder()
            .user_agent(user_agent())
            .accept("application/json")
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT));
        if url.scheme() == "https" {
            config = config.tls_config(self.trust.config().ok()?);
        }
        if let Some(proxy) = &self.proxy {
            config = config.proxy(Some(Proxy::new(proxy).ok()?));
        }
        if is_loopback(url) {
            config = config.proxy(None);
        }
        let real: Uri = url.as_str().parse().ok()?;
        Some(Agent::with_parts(config.build(), DefaultConnector::default(), Redirected { real }))
    }
}

fn trust_in(authority: Option<&str>) -> Trust {
    authority
        .filter(|data| !data.is_empty())
        .and_then(|data| STANDARD.decode(data).ok())
        .map_or(Trust::System { extra: None }, Trust::Only)
}

fn status_message(body: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Status {
        kind: String,
        message: String,
    }
    let status: Status = serde_json::from_slice(body).ok()?;
    (status.kind == "Status" && !status.message.is_empty()).then(|| printable(&status.message))
}

/// Looks up the real host whatever name the URL has (`tls-server-name`). A proxy's own name is looked up as it is.
#[derive(Debug)]
struct Redirected {
    real: Uri,
}

impl Resolver for Redirected {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let target = if config.proxy().is_some() { uri } else { &self.real };
        DefaultResolver::default().resolve(target, config, timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_only_the_message_of_a_status() {
        assert_eq!(
            status_message(br#"{"kind":"Status","message":"session revoked"}"#).as_deref(),
            Some("session revoked")
        );
        assert_eq!(status_message(b"<html>"), None);
        assert_eq!(status_message(br#"{"message":"x"}"#), None);
    }

    #[test]
    fn nobody_there_means_usable() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let target = Target::from(&ClusterInfo { name: "c".into(), server, certificate_authority_data: None });
        assert_eq!(target.check(&Secret::new("t".into())), Verdict::Usable);
    }

    #[test]
    fn a_token_is_never_sent_in_the_clear() {
        let cluster =
            ClusterInfo { name: "c".into(), server: "http://k.example.com".into(), certificate_authority_data: None };
        assert_eq!(Target::from(&cluster).ask(&Secret::new("t".into())), None);
    }
}
