//! An authorization request (RFC 6749 section 4.1.1 with PKCE, RFC 7636).

use url::{Host, Url};

use super::super::extract::Parameters;
use super::CLIENT;
use crate::config::Issuer;
use crate::oidc::Demand;
use crate::session::Holder;

/// A valid authorization request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct AuthorizationRequest {
    /// Where the answer goes.
    pub(in crate::http) redirect: Redirect,
    /// What the client wants back with it.
    pub(in crate::http) state: Option<String>,
    /// The S256 challenge.
    pub(in crate::http) code_challenge: String,
    /// The provider that the client would have the person sign in with.
    pub(in crate::http) provider: Option<String>,
    /// What the sign-in must show.
    pub(in crate::http) demand: Demand,
    /// What the client says it runs on.
    pub(in crate::http) device: Option<String>,
}

/// Where the answer to an authorization request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::http) struct Redirect {
    /// The URI, exactly as the client gave it.
    pub(in crate::http) uri: String,
    /// Whether it is a loopback address rather than our page with a code to copy.
    pub(in crate::http) loopback: bool,
}

/// Why an authorization request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::http) enum InvalidRequest {
    /// The client or its redirect URI is not known: the browser must not be sent anywhere.
    Unanswerable(&'static str),
    /// The client can be told.
    Answerable {
        /// Where.
        redirect: Redirect,
        /// What it wants back.
        state: Option<String>,
        /// The registered error code.
        error: &'static str,
        /// What is wrong.
        description: String,
    },
}

impl AuthorizationRequest {
    /// Reads the query of an authorization request.
    pub(in crate::http) fn parse(query: &str, issuer: &Issuer) -> Result<Self, InvalidRequest> {
        let parameters =
            Parameters::parse(query).map_err(|_| InvalidRequest::Unanswerable("a parameter is given twice"))?;
        if parameters.get("client_id") != Some(CLIENT) {
            return Err(InvalidRequest::Unanswerable("client_id is not that of the kubegate command line"));
        }
        let redirect = parameters.get("redirect_uri").and_then(|uri| Redirect::parse(uri, issuer)).ok_or(
            InvalidRequest::Unanswerable(
                "redirect_uri is neither http://127.0.0.1:PORT/callback nor our own code page",
            ),
        )?;
        let state = parameters.get("state").map(str::to_owned);
        let refuse = |error, description: &str| {
            let (redirect, state) = (redirect.clone(), state.clone());
            Err(InvalidRequest::Answerable { redirect, state, error, description: description.to_owned() })
        };
        if parameters.get("response_type") != Some("code") {
            return refuse("unsupported_response_type", "response_type must be code");
        }
        if parameters.get("code_challenge_method") != Some("S256") {
            return refuse("invalid_request", "code_challenge_method must be S256");
        }
        let Some(code_challenge) = parameters.get("code_challenge").filter(|challenge| is_challenge(challenge)) else {
            return refuse("invalid_request", "code_challenge must be 43 characters of base64url");
        };
        if state.as_ref().is_some_and(|state| state.len() > 512) {
            return refuse("invalid_request", "state is longer than 512 characters");
        }
        let demand = match Demand::parse(parameters.get("acr_values"), parameters.get("max_age")) {
            Ok(demand) => demand,
            Err(invalid) => return refuse("invalid_request", &invalid.to_string()),
        };
        Ok(Self {
            redirect,
            state,
            code_challenge: code_challenge.to_owned(),
            provider: parameters.get("provider").map(str::to_owned),
            demand,
            device: parameters.get("device_name").and_then(Holder::word),
        })
    }
}

impl Redirect {
    /// Our own code page, or `/callback` at any port of a loopback address (RFC 8252 section 7.3).
    fn parse(uri: &str, issuer: &Issuer) -> Option<Self> {
        if uri == format!("{}/oauth/code", issuer.as_str()) {
            return Some(Self { uri: uri.to_owned(), loopback: false });
        }
        let url = Url::parse(uri).ok()?;
        let host = match url.host()? {
            Host::Ipv4(address) if address == std::net::Ipv4Addr::LOCALHOST => "127.0.0.1",
            Host::Ipv6(address) if address == std::net::Ipv6Addr::LOCALHOST => "[::1]",
            _ => return None,
        };
        let port = url.port()?;
        // Compared as written: what a URL parser would mend is not believed.
        (uri == format!("http://{host}:{port}/callback")).then(|| Self { uri: uri.to_owned(), loopback: true })
    }

    /// The URI with `parameters`, the client's state, and who we are (RFC 9207).
    pub(in crate::http) fn with(&self, parameters: &[(&str, &str)], state: Option<&str>, issuer: &Issuer) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        if let Some(state) = state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", issuer.as_str());
        format!("{}?{}", self.uri, query.finish())
    }

    /// The source that a Content-Security-Policy must name for a form's answer to lead there. There is
    /// no way to name an IPv6 address in one, so that stands for all of http.
    pub(in crate::http) fn form_target(&self) -> Option<&str> {
        if !self.loopback {
            return None;
        }
        if self.uri.starts_with("http://[") { Some("http:") } else { self.uri.strip_suffix("/callback") }
    }
}

fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer() -> Issuer {
        Issuer::parse("https://kubegate.example.com").unwrap()
    }

    #[test]
    fn redirects_are_matched_as_written() {
        for (uri, loopback) in [
            ("http://127.0.0.1:7777/callback", Some(true)),
            ("http://[::1]:7777/callback", Some(true)),
            ("https://kubegate.example.com/oauth/code", Some(false)),
            ("http://127.0.0.1/callback", None),
            ("http://127.0.0.1:7777/callback?x", None),
            ("http://127.0.0.1:7777/callback#x", None),
            ("http://127.0.0.1:7777/", None),
            ("http://127.0.0.1:7777/callback/../x", None),
            ("https://127.0.0.1:7777/callback", None),
            ("http://127.0.0.2:7777/callback", None),
            ("http://0x7f000001:7777/callback", None),
            ("http://127.1:7777/callback", None),
            ("http://localhost:7777/callback", None),
            ("http://127.0.0.1:7777@evil.example/callback", None),
            ("http://evil@127.0.0.1:7777/callback", None),
            ("http://127.0.0.1.evil.example:7777/callback", None),
            ("HTTP://127.0.0.1:7777/callback", None),
            ("http://127.0.0.1:07777/callback", None),
            ("http:\\\\127.0.0.1:7777/callback", None),
            ("https://kubegate.example.com/oauth/code?x", None),
            ("https://evil.example/oauth/code", None),
            ("javascript:alert(1)", None),
        ] {
            assert_eq!(Redirect::parse(uri, &issuer()).map(|redirect| redirect.loopback), loopback, "{uri}");
        }
    }

    #[test]
    fn what_cannot_be_answered_safely_is_not_answered() {
        let parse = |query: &str| AuthorizationRequest::parse(query, &issuer());
        for query in [
            "",
            "client_id=other&redirect_uri=http://127.0.0.1:1/callback",
            "client_id=kubegate-cli&redirect_uri=http://evil.example:1/callback",
            "client_id=kubegate-cli&redirect_uri=http://127.0.0.1:1/callback&redirect_uri=http://127.0.0.1:2/callback",
        ] {
            assert!(matches!(parse(query), Err(InvalidRequest::Unanswerable(_))), "{query}");
        }
        let base = "client_id=kubegate-cli&redirect_uri=http://127.0.0.1:1/callback&state=s";
        for rest in [
            "",
            "&response_type=token",
            "&response_type=code",
            "&response_type=code&code_challenge=x&code_challenge_method=plain",
            "&response_type=code&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&max_age=x",
        ] {
            let query = format!("{base}{rest}");
            assert!(matches!(parse(&query), Err(InvalidRequest::Answerable { .. })), "{query}");
        }
    }
}
