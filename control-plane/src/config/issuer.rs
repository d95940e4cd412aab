//! `issuer`: the control plane's public URL.

use kubegate_core::document::Node;
use url::{Host, Url};

/// The control plane's public URL, an origin without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    origin: String,
    secure: bool,
}

impl Issuer {
    /// The URL, such as `https://kubegate.example.com`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.origin
    }

    /// Whether it is on https.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Parses an issuer, or says what is wrong and what to do.
    ///
    /// # Errors
    /// What is wrong with it, and the remedy.
    pub fn parse(text: &str) -> Result<Self, (String, &'static str)> {
        const REMEDY: &str = "write it like https://kubegate.example.com";
        let url = Url::parse(text).map_err(|error| (format!("{text:?} is not a URL: {error}"), REMEDY))?;
        let secure = url.scheme() == "https";
        let allowed = secure || url.scheme() == "http" && is_loopback(&url);
        if !allowed {
            return Err((format!("{text:?} is not on https"), "use https; http is for loopback addresses only"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err((format!("{text:?} has a path"), "give Kubegate a host of its own, without a path"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err((format!("{text:?} has a user name"), REMEDY));
        }
        Ok(Self { origin: url.origin().ascii_serialization(), secure })
    }
}

/// Whether a URL's host is this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// Reads `issuer`.
pub(super) fn read(node: &Node<'_>) -> Option<Issuer> {
    Issuer::parse(node.non_empty_text()?).map_err(|(message, remedy)| node.report(message, remedy)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers() {
        for (text, expected) in [
            ("https://kubegate.example.com", Some("https://kubegate.example.com")),
            ("https://Kubegate.example.com:443/", Some("https://kubegate.example.com")),
            ("https://kubegate.example.com:8443", Some("https://kubegate.example.com:8443")),
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("http://localhost:8080", Some("http://localhost:8080")),
            ("http://kubegate.example.com", None),
            ("https://example.com/kubegate", None),
            ("https://a:b@example.com", None),
            ("kubegate.example.com", None),
        ] {
            assert_eq!(Issuer::parse(text).ok().as_ref().map(Issuer::as_str), expected, "{text}");
        }
    }
}
