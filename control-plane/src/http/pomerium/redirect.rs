//! Where pomerium-cli waits for its token: on the machine of the browser and nowhere else.

use url::{Host, Url};

/// The longest address that is believed.
const LONGEST: usize = 512;

/// The address where pomerium-cli waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redirect {
    uri: String,
    origin: String,
    path: String,
}

impl Redirect {
    /// An address on this machine, as written: what a URL parser would mend is not believed. Older releases name no path,
    /// newer ones a secret one; none a query.
    pub(super) fn parse(uri: &str) -> Option<Self> {
        let url = Url::parse(uri).ok().filter(|_| uri.len() <= LONGEST)?;
        let is_here = match url.host()? {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address == std::net::Ipv6Addr::LOCALHOST,
        };
        let origin = url.origin().ascii_serialization();
        let path = uri.strip_prefix(&origin)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
        let has_dots = path.split('/').any(|segment| segment == "." || segment == "..");
        let good = matches!(url.scheme(), "http" | "https")
            && is_here
            && (path.is_empty() || path.starts_with('/'))
            && path.bytes().all(plain)
            && !has_dots;
        good.then(|| Self { uri: uri.to_owned(), path: path.to_owned(), origin })
    }

    /// The address, as pomerium-cli gave it.
    pub(super) fn as_str(&self) -> &str {
        &self.uri
    }

    /// Scheme, host and port.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// How the token is handed over. Newer releases, which name a path, take it in the query of a GET and in no other way;
    /// older ones also in a form, which keeps it out of the browser's history.
    pub(super) fn method(&self) -> &'static str {
        if self.path.is_empty() || self.path == "/" { "post" } else { "get" }
    }

    /// The source that a Content-Security-Policy must name for a form to lead there. There is no way to name an IPv6
    /// address in one, so that stands for all of its scheme.
    pub(super) fn form_target(&self) -> &str {
        match self.origin.split_once("://[") {
            Some(("https", _)) => "https:",
            Some(_) => "http:",
            None => &self.origin,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_as_written() {
        for (uri, method) in [
            ("http://127.0.0.1:7777", Some("post")),
            ("http://127.0.0.1:7777/", Some("post")),
            ("http://127.0.0.1:7777/callback/dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", Some("get")),
            ("http://127.8.9.1:7777", Some("post")),
            ("http://localhost:7777", Some("post")),
            ("https://localhost:7777", Some("post")),
            ("http://[::1]:7777/x", Some("get")),
            ("http://localhost", Some("post")),
            ("", None),
            ("127.0.0.1:7777", None),
            ("/x", None),
            ("javascript:alert(1)", None),
            ("ftp://127.0.0.1:7777", None),
            ("data://localhost/x", None),
            ("http://evil.example", None),
            ("http://10.0.0.1:7777", None),
            ("http://localhost.evil.example:7777", None),
            ("http://127.0.0.1.evil.example:7777", None),
            ("http://localhost@evil.example:7777", None),
            ("http://127.0.0.1:7777@evil.example", None),
            ("http://evil@127.0.0.1:7777", None),
            ("http://127.0.0.1:7777#x", None),
            ("http://127.0.0.1:7777/?x", None),
            ("http://127.0.0.1:7777?pomerium_jwt=x", None),
            ("http://127.0.0.1:7777/../x", None),
            ("http://127.0.0.1:7777/a/./x", None),
            ("http://127.0.0.1:7777/%2e%2e/x", None),
            ("http://127.0.0.1:7777/a\\b", None),
            ("http:\\\\127.0.0.1:7777", None),
            ("http://0x7f000001:7777", None),
            ("http://127.1:7777", None),
            ("HTTP://127.0.0.1:7777", None),
            ("http://LOCALHOST:7777", None),
            ("http://127.0.0.1:07777", None),
            ("http://127.0.0.1:7777 ", None),
            ("http://127.0.0.1:7777;evil", None),
            ("http://[::2]:7777", None),
            ("http://[::ffff:127.0.0.1]:7777", None),
        ] {
            assert_eq!(Redirect::parse(uri).map(|redirect| redirect.method()), method, "{uri}");
        }
        let long = format!("http://127.0.0.1:7777/{}", "a".repeat(LONGEST));
        assert_eq!(Redirect::parse(&long), None);
    }

    #[test]
    fn forms_lead_to_the_one_origin() {
        let target = |uri| Redirect::parse(uri).unwrap().form_target().to_owned();
        assert_eq!(target("http://127.0.0.1:7777/callback/x"), "http://127.0.0.1:7777");
        assert_eq!(target("https://localhost:7777"), "https://localhost:7777");
        assert_eq!(target("http://[::1]:7777"), "http:");
    }
}
