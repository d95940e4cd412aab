//! Where a sign-in leads back to: a path of ours, never another site.

use url::Url;

use super::super::oauth::authorize;
use super::super::oauth::request::AuthorizationRequest;
use super::device;
use crate::config::Issuer;
use crate::oidc::Demand;
use crate::session::Purpose;

/// The longest path that a sign-in leads back to.
const LONGEST: usize = 4096;

/// A path of ours, with its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct ReturnTo(String);

impl ReturnTo {
    /// The path of ours that `text` is; anything else leads to the start page.
    pub(in crate::http) fn parse(text: Option<&str>, issuer: &Issuer) -> Self {
        let own = text.filter(|text| text.len() <= LONGEST && is_own(text, issuer));
        Self(own.unwrap_or("/").to_owned())
    }

    /// The path and query.
    pub(in crate::http) fn as_str(&self) -> &str {
        &self.0
    }

    /// The command line's request that the sign-in is for.
    pub(in crate::http) fn authorization(&self, issuer: &Issuer) -> Option<AuthorizationRequest> {
        let query = self.0.strip_prefix(authorize::PATH)?.strip_prefix('?')?;
        AuthorizationRequest::parse(query, issuer).ok()
    }

    /// Whether the sign-in is for the page where a machine without a browser is allowed to act for the person.
    pub(in crate::http) fn is_device(&self) -> bool {
        self.device_query().is_some()
    }

    /// What the sign-in must show, in the words of the request that it is for. Whoever it leads to judges that again.
    pub(in crate::http) fn demand(&self, issuer: &Issuer) -> Demand {
        let of_device = || device::demand(self.device_query()?);
        self.authorization(issuer).map(|request| request.demand).or_else(of_device).unwrap_or_default()
    }

    /// The same as the purpose of a sign-in, which the person chose or not.
    pub(in crate::http) fn purpose(&self, issuer: &Issuer, chosen: bool) -> Option<Purpose> {
        let has_one = self.is_device() || self.authorization(issuer).is_some();
        has_one.then(|| Purpose { request: self.0.clone(), chosen })
    }

    fn device_query(&self) -> Option<&str> {
        let rest = self.0.strip_prefix(device::PATH)?;
        if rest.is_empty() { Some("") } else { rest.strip_prefix('?') }
    }
}

fn is_own(text: &str, issuer: &Issuer) -> bool {
    let plain = text.starts_with('/')
        && !text.starts_with("//")
        && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    let joined = Url::parse(issuer.as_str()).and_then(|base| base.join(text));
    plain && joined.is_ok_and(|url| url.origin().ascii_serialization() == issuer.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sign_in_leads_to_another_site() {
        let issuer = Issuer::parse("https://kubegate.example.com").unwrap();
        let parse = |text: &str| ReturnTo::parse(Some(text), &issuer).0;
        for own in ["/", "/oauth/authorize?client_id=kubegate-cli&state=a%20b"] {
            assert_eq!(parse(own), own);
        }
        for other in [
            "",
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/a\nb",
            "/\t/evil.example",
            "javascript:alert(1)",
            "evil",
            "/a b",
            "/\u{e9}",
        ] {
            assert_eq!(parse(other), "/", "{other:?}");
        }
        assert_eq!(parse(&format!("/{}", "a".repeat(LONGEST))), "/");
    }
}
