//! A request's headers, taken apart: what the decision needs, what must be taken away, what must be rewritten.
//!
//! Every header that could carry identity is removed, in any spelling that a later hop could read as the same name
//! (case, underscores), before anything of ours is set.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::impersonation::{Assumed, AssumedBuilder, InvalidAssumption};
use crate::token::{POMERIUM_PREFIX, TokenKind};

/// The WebSocket subprotocol in which browsers send a bearer token
/// (`k8s.io/apiserver/pkg/authentication/request/websocket`).
const WEBSOCKET_BEARER: &str = "base64url.bearer.authorization.k8s.io.";

/// The most headers that are looked at.
pub const MAX_HEADERS: usize = 256;

/// A request as it came in.
#[derive(Debug, Default)]
pub struct Inbound<'a> {
    /// `:method`.
    pub method: &'a str,
    /// `:authority`.
    pub authority: &'a str,
    /// `:path`, with the query.
    pub path: &'a str,
    /// The bearer token, without what says its kind.
    pub token: Option<Cow<'a, str>>,
    /// Which kind of token it is shown as.
    pub token_kind: TokenKind,
    /// Envoy's own request id.
    pub request_id: Option<&'a str>,
    /// The client's IP address, as Envoy sees it; needed when [`crate::gateway::Gateway::asks_for_source`]. No header
    /// says it.
    pub source: String,
    /// Whom the client asks to be.
    pub assumed: Option<Assumed>,
    /// The headers that must not reach the API server, as they are named.
    pub remove: Vec<&'a str>,
    /// The headers that are replaced.
    pub replace: Vec<(&'static str, String)>,
}

/// Why a request's headers are refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInbound {
    /// There are more than [`MAX_HEADERS`].
    #[error("the request has more than {MAX_HEADERS} headers")]
    TooMany,
    /// A header's name, or a value that matters, is no text.
    #[error("the request has a header that is not text")]
    NotText,
    /// There is more than one token.
    #[error("the request carries more than one credential")]
    TwoTokens,
    /// The authorization is not `Bearer`.
    #[error("the Authorization header is not of the form \"Bearer <token>\"")]
    NotBearer,
    /// The token in the WebSocket subprotocol is not base64url.
    #[error("the bearer token in Sec-WebSocket-Protocol is not base64url without padding")]
    WebSocketToken,
    /// The request to be somebody else cannot be understood.
    #[error("the impersonation request is refused: {0}")]
    Assumption(#[from] InvalidAssumption),
}

impl InvalidInbound {
    /// Whether a new token helps: it is the credential that is wrong.
    #[must_use]
    pub fn is_about_the_token(&self) -> bool {
        matches!(self, Self::NotBearer)
    }
}

impl<'a> Inbound<'a> {
    /// Takes a request's headers apart.
    ///
    /// # Errors
    /// When they are ambiguous or carry what no client may send.
    pub fn parse(headers: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Result<Self, InvalidInbound> {
        let mut inbound = Self::default();
        let mut parts = Parts::default();
        for (position, (name, value)) in headers.enumerate() {
            if position >= MAX_HEADERS {
                return Err(InvalidInbound::TooMany);
            }
            inbound.take(name, value, &mut parts)?;
        }
        inbound.finish(parts)
    }

    fn take(&mut self, name: &'a [u8], value: &'a [u8], parts: &mut Parts<'a>) -> Result<(), InvalidInbound> {
        let text = || str::from_utf8(value).map_err(|_| InvalidInbound::NotText);
        match name {
            b":method" => self.method = text()?,
            b":authority" => self.authority = text()?,
            b":path" => self.path = text()?,
            b"authorization" => {
                self.remove.push("authorization");
                parts.show(bearer(text()?).map(of_kind)?)?;
            }
            b"x-request-id" => self.request_id = str::from_utf8(value).ok(),
            b"sec-websocket-protocol" => parts.protocols.push(text()?),
            b"upgrade" => parts.upgrade.push(text()?),
            // Envoy's own word, put in the place of what a client says; to take it away would be a call more for each request.
            b"x-envoy-external-address" => {}
            _ if !name.is_ascii() => return Err(InvalidInbound::NotText),
            _ if must_not_pass(name) => self.take_away(name, value, parts)?,
            _ => {}
        }
        Ok(())
    }

    fn take_away(&mut self, name: &'a [u8], value: &[u8], parts: &mut Parts<'_>) -> Result<(), InvalidInbound> {
        let name = str::from_utf8(name).map_err(|_| InvalidInbound::NotText)?;
        self.remove.push(name);
        if starts_with_folded(name.as_bytes(), b"impersonate-") {
            if !name.starts_with("impersonate-") {
                return Err(InvalidAssumption::UnknownHeader(name.to_owned()).into());
            }
            parts.assumed.add(name, value)?;
        }
        Ok(())
    }

    fn finish(mut self, mut parts: Parts<'a>) -> Result<Self, InvalidInbound> {
        self.assumed = std::mem::take(&mut parts.assumed).build()?;
        let protocols = parts.protocols.iter().flat_map(|value| value.split(',')).map(str::trim);
        let (mut kept, mut from_protocols) = (Vec::new(), Vec::new());
        for protocol in protocols.filter(|protocol| !protocol.is_empty()) {
            match protocol.get(..WEBSOCKET_BEARER.len()).filter(|start| start.eq_ignore_ascii_case(WEBSOCKET_BEARER)) {
                // No browser has a token for pomerium-cli, so nothing here is one.
                Some(_) => from_protocols.push((TokenKind::Session, websocket_token(protocol)?.into())),
                None => kept.push(protocol),
            }
        }
        if !parts.protocols.is_empty() {
            self.remove.push("sec-websocket-protocol");
            if !kept.is_empty() {
                self.replace.push(("sec-websocket-protocol", kept.join(", ")));
            }
        }
        from_protocols.into_iter().try_for_each(|token| parts.show(token))?;
        if let Some((kind, token)) = parts.token.take() {
            (self.token_kind, self.token) = (kind, Some(token));
        }
        self.rewrite_upgrade(&parts.upgrade);
        Ok(self)
    }

    /// `Connection` lists headers that the next hop drops (CVE-2021-31999): it becomes `Upgrade` alone, and only for
    /// the two protocols that Kubernetes streams over.
    fn rewrite_upgrade(&mut self, upgrade: &[&str]) {
        match upgrade {
            [protocol] if protocol.eq_ignore_ascii_case("websocket") || protocol.eq_ignore_ascii_case("spdy/3.1") => {
                self.replace.push(("connection", "Upgrade".to_owned()));
            }
            [] => {}
            _ => self.remove.push("upgrade"),
        }
    }
}

#[derive(Default)]
struct Parts<'a> {
    token: Option<(TokenKind, Cow<'a, str>)>,
    protocols: Vec<&'a str>,
    upgrade: Vec<&'a str>,
    assumed: AssumedBuilder,
}

impl<'a> Parts<'a> {
    fn show(&mut self, token: (TokenKind, Cow<'a, str>)) -> Result<(), InvalidInbound> {
        match self.token.replace(token) {
            None => Ok(()),
            Some(_) => Err(InvalidInbound::TwoTokens),
        }
    }
}

fn bearer(value: &str) -> Result<&str, InvalidInbound> {
    let (scheme, token) = value.split_once(' ').ok_or(InvalidInbound::NotBearer)?;
    let token = token.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.contains(' ') {
        return Err(InvalidInbound::NotBearer);
    }
    Ok(token)
}

/// The token, and which kind it is shown as.
fn of_kind(token: &str) -> (TokenKind, Cow<'_, str>) {
    match token.strip_prefix(POMERIUM_PREFIX) {
        Some(token) => (TokenKind::Pomerium, token.into()),
        None => (TokenKind::Session, token.into()),
    }
}

fn websocket_token(protocol: &str) -> Result<String, InvalidInbound> {
    let encoded = protocol.get(WEBSOCKET_BEARER.len()..).unwrap_or_default();
    let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| InvalidInbound::WebSocketToken)?;
    String::from_utf8(bytes).ok().filter(|token| !token.is_empty()).ok_or(InvalidInbound::WebSocketToken)
}

/// Headers that carry identity or routing between proxies, and nothing that a client of Kubernetes needs. Their names
/// are compared without regard to case and underscores; by the first letter first, since this is asked of every header.
fn must_not_pass(name: &[u8]) -> bool {
    let begins = |prefixes: &[&[u8]]| prefixes.iter().any(|prefix| starts_with_folded(name, prefix));
    let is = |names: &[&[u8]]| names.iter().any(|exact| exact.len() == name.len() && starts_with_folded(name, exact));
    match name.first().map(u8::to_ascii_lowercase) {
        Some(b'a') => is(&[b"authorization", b"audit-id"]),
        Some(b'c') => is(&[b"connection", b"cookie"]),
        Some(b'f') => is(&[b"forwarded"]),
        Some(b'i') => begins(&[b"impersonate-"]),
        Some(b'k') => is(&[b"keep-alive"]),
        Some(b'p') => is(&[b"proxy-authorization", b"proxy-connection"]),
        Some(b't') => is(&[b"te"]),
        Some(b'x') => {
            begins(&[b"x-remote-", b"x-envoy-", b"x-kubegate-"])
                || is(&[
                    b"x-forwarded-client-cert",
                    b"x-forwarded-for",
                    b"x-forwarded-user",
                    b"x-real-ip",
                    b"x-original-url",
                    b"x-rewrite-url",
                ])
        }
        _ => false,
    }
}

/// Whether `name` begins with `prefix` when case does not count and an underscore is a dash.
fn starts_with_folded(name: &[u8], prefix: &[u8]) -> bool {
    let fold = |byte: &u8| if *byte == b'_' { b'-' } else { byte.to_ascii_lowercase() };
    name.len() >= prefix.len() && name.iter().zip(prefix).all(|(a, b)| fold(a) == *b)
}

#[cfg(test)]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn parse<'a>(headers: &'a [(&'a str, &'a str)]) -> Result<Inbound<'a>, InvalidInbound> {
        Inbound::parse(headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
    }

    #[test]
    fn tokens_are_found_and_taken_away() {
        let inbound = parse(&[(":path", "/"), ("authorization", "bearer abc"), ("cookie", "a=b")]);
        let inbound = inbound.unwrap();
        assert_eq!(inbound.token.as_deref(), Some("abc"));
        assert_eq!(inbound.remove, ["authorization", "cookie"]);

        let header = format!("v4.channel.k8s.io, {WEBSOCKET_BEARER}{}", URL_SAFE_NO_PAD.encode("abc"));
        let headers = [
            ("sec-websocket-protocol", header.as_str()),
            ("upgrade", "websocket"),
            ("connection", "Upgrade, Impersonate-User"),
        ];
        let inbound = parse(&headers).unwrap();
        assert_eq!(inbound.token.as_deref(), Some("abc"));
        assert_eq!(inbound.remove, ["connection", "sec-websocket-protocol"]);
        assert_eq!(
            inbound.replace,
            [("sec-websocket-protocol", "v4.channel.k8s.io".to_owned()), ("connection", "Upgrade".to_owned())]
        );
    }

    #[test]
    fn only_the_authorization_header_shows_a_token_of_pomerium_cli() {
        let kind = |headers: &[(&str, &str)]| {
            let inbound = parse(headers).unwrap();
            (inbound.token_kind, inbound.token.unwrap().into_owned())
        };
        let websocket = format!("{WEBSOCKET_BEARER}{}", URL_SAFE_NO_PAD.encode("Pomerium-abc"));
        for (header, value, expected, token) in [
            ("authorization", "Bearer Pomerium-abc", TokenKind::Pomerium, "abc"),
            ("authorization", "Bearer Pomerium-Pomerium-abc", TokenKind::Pomerium, "Pomerium-abc"),
            ("authorization", "Bearer pomerium-abc", TokenKind::Session, "pomerium-abc"),
            ("authorization", "Bearer abc", TokenKind::Session, "abc"),
            ("sec-websocket-protocol", websocket.as_str(), TokenKind::Session, "Pomerium-abc"),
        ] {
            assert_eq!(kind(&[(header, value)]), (expected, token.to_owned()), "{header}: {value}");
        }
        assert_eq!(parse(&[]).unwrap().token_kind, TokenKind::Session);
        assert_eq!(parse(&[("authorization", "Pomerium abc")]).unwrap_err(), InvalidInbound::NotBearer);
    }

    #[test]
    fn ambiguous_credentials_are_refused() {
        let websocket = format!("{WEBSOCKET_BEARER}{}", URL_SAFE_NO_PAD.encode("abc"));
        for (headers, expected) in [
            (vec![("authorization", "Bearer a"), ("authorization", "Bearer a")], InvalidInbound::TwoTokens),
            (vec![("authorization", "Bearer a"), ("sec-websocket-protocol", &websocket)], InvalidInbound::TwoTokens),
            (vec![("authorization", "Basic YQ==")], InvalidInbound::NotBearer),
            (vec![("authorization", "Bearer")], InvalidInbound::NotBearer),
            (vec![("authorization", "Bearer ")], InvalidInbound::NotBearer),
            (vec![("authorization", "Bearer a b")], InvalidInbound::NotBearer),
            (
                vec![("sec-websocket-protocol", "base64url.bearer.authorization.k8s.io.!")],
                InvalidInbound::WebSocketToken,
            ),
        ] {
            assert_eq!(parse(&headers).unwrap_err(), expected, "{headers:?}");
        }
    }

    #[test]
    fn identity_headers_are_removed_in_every_spelling() {
        let names = [
            "x-remote-user",
            "X_Remote_Group",
            "x-remote-extra-foo",
            "proxy_authorization",
            "audit-id",
            "AUDIT_ID",
            "te",
            "forwarded",
            "x-forwarded-for",
            "x-real-ip",
            "x-envoy-original-path",
            "x-envoy-retry-on",
        ];
        let headers: Vec<_> = names.iter().map(|name| (*name, "x")).collect();
        assert_eq!(parse(&headers).unwrap().remove, names);
        for name in ["impersonate_user", "Impersonate-User", "impersonate-_user", "impersonate-users"] {
            assert!(matches!(parse(&[(name, "x")]), Err(InvalidInbound::Assumption(_))), "{name}");
        }
        assert_eq!(parse(&[("accept", "x"), ("x-forwarded-proto", "https")]).unwrap().remove, [] as [&str; 0]);
    }

    #[test]
    fn hostile_bytes_are_refused_or_ignored() {
        let refused = Inbound::parse([(b"\xff".as_slice(), b"x".as_slice())].into_iter());
        assert_eq!(refused.unwrap_err(), InvalidInbound::NotText);
        assert!(Inbound::parse([(b"x-y".as_slice(), b"\xff\0".as_slice())].into_iter()).is_ok());
        let many = vec![("a", "b"); MAX_HEADERS + 1];
        assert_eq!(parse(&many).unwrap_err(), InvalidInbound::TooMany);
    }

    #[test]
    fn only_the_two_protocols_of_kubernetes_are_upgraded_to() {
        let inbound = parse(&[("upgrade", "h2c"), ("connection", "Upgrade, HTTP2-Settings")]).unwrap();
        assert_eq!((inbound.remove, inbound.replace), (vec!["connection", "upgrade"], vec![]));
        let inbound = parse(&[("upgrade", "SPDY/3.1"), ("connection", "upgrade")]).unwrap();
        assert_eq!(inbound.replace, [("connection", "Upgrade".to_owned())]);
        let inbound = parse(&[("upgrade", "websocket"), ("upgrade", "h2c")]).unwrap();
        assert_eq!(inbound.remove, ["upgrade"]);
    }
}
