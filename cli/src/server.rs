//! The control plane's public URL, which is also its issuer name.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use url::{Host, Url};

/// A control plane, named by its public URL without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerUrl(String);

/// Why a text is no control plane URL.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidServerUrl {
    /// Not a URL at all.
    #[error("{text:?} is not a URL. Write it like https://kubegate.example.com")]
    NotAUrl {
        /// What was given.
        text: String,
    },
    /// Plain HTTP to another machine would show the secrets to everyone in between.
    #[error("{text:?} must begin with https:// (http:// is for this computer's loopback only)")]
    Insecure {
        /// What was given.
        text: String,
    },
    /// A part that a public URL has not.
    #[error("{text:?} may have no user name, query or fragment. Give only scheme, host, port and path")]
    ExtraParts {
        /// What was given.
        text: String,
    },
}

impl ServerUrl {
    /// The URL as text, without a trailing slash.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the authorization server's metadata is (RFC 8414, section 3.1: the well-known part
    /// goes between host and path).
    pub(crate) fn metadata_url(&self) -> String {
        const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";
        let host_end = self
            .0
            .find("://")
            .and_then(|scheme| self.0.get(scheme + 3..)?.find('/').map(|at| scheme + 3 + at))
            .unwrap_or(self.0.len());
        let (origin, path) = self.0.split_at(host_end);
        format!("{origin}{WELL_KNOWN}{path}")
    }

    /// Whether it runs on this computer.
    pub(crate) fn is_loopback(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| is_loopback(&url))
    }

    /// The URL of `path` (which begins with a slash) below this one.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The name of this server's files in the cache: the first 16 hexadecimal digits of its hash.
    pub(crate) fn file_stem(&self) -> String {
        let digest = Sha256::digest(self.0.as_bytes());
        digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl FromStr for ServerUrl {
    type Err = InvalidServerUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let owned = || text.to_owned();
        let url = Url::parse(text).map_err(|_| InvalidServerUrl::NotAUrl { text: owned() })?;
        if !is_private(&url) {
            return Err(InvalidServerUrl::Insecure { text: owned() });
        }
        let extra =
            !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some();
        if extra {
            return Err(InvalidServerUrl::ExtraParts { text: owned() });
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether secrets may be sent to `url`: TLS, or this computer itself.
pub(crate) fn is_private(url: &Url) -> bool {
    match url.scheme() {
        "https" => url.host().is_some(),
        "http" => is_loopback(url),
        _ => false,
    }
}

/// Whether `url` leads to this computer itself. As in kubectl, no proxy is asked then.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ServerUrl, InvalidServerUrl> {
        text.parse()
    }

    #[test]
    fn accepts_tls_and_loopback() {
        for (text, expected) in [
            ("https://kubegate.example.com", "https://kubegate.example.com"),
            ("https://kubegate.example.com/", "https://kubegate.example.com"),
            ("HTTPS://Kubegate.example.com:443/", "https://kubegate.example.com"),
            ("https://example.com/kubegate/", "https://example.com/kubegate"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(parse(text).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "kubegate.example.com",
            "http://kubegate.example.com",
            "http://127.0.0.1.example.com",
            "ftp://example.com",
            "https://user@example.com",
            "https://example.com/?a=b",
            "https://example.com/#x",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn metadata_goes_between_host_and_path() {
        assert_eq!(
            parse("https://example.com/kg").unwrap().metadata_url(),
            "https://example.com/.well-known/oauth-authorization-server/kg"
        );
        assert_eq!(
            parse("https://example.com").unwrap().metadata_url(),
            "https://example.com/.well-known/oauth-authorization-server"
        );
    }
}
