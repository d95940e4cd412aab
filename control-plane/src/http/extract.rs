//! What handlers take from a request.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header;
use axum::http::request::Parts;
use kubegate_core::secret::Secret;
use kubegate_core::token::AccessClaims;

use super::error::{ApiError, PageError};
use crate::app::App;
use crate::session::{Holder, Session};

/// The address of the client, as the proxies in front of us saw it.
///
/// Each proxy appends the address that it was reached from to `X-Forwarded-For`. As many entries as
/// there are proxies of ours, counted from the end, can be believed; what stands before them is the
/// client's own word.
pub(super) struct ClientAddress(pub(super) IpAddr);

impl FromRequestParts<Arc<App>> for ClientAddress {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Ok(Self(forwarded(&parts.headers, app.trusted_proxy_hops).unwrap_or(peer)))
    }
}

fn forwarded(headers: &HeaderMap, hops: usize) -> Option<IpAddr> {
    // Every entry counts, also one that cannot be read: else one more of the client's own would be believed.
    let entries: Vec<&[u8]> = headers
        .get_all("x-forwarded-for")
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .collect();
    let position = entries.len().checked_sub(hops)?;
    std::str::from_utf8(entries.get(position)?).ok()?.trim().parse().ok()
}

/// A browser as the holder of a session: what it calls itself, and where it is.
pub(super) fn browser_holder(headers: &HeaderMap, address: IpAddr) -> Holder {
    Holder::new(headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()), address)
}

/// The browser's session, when there is a live one.
pub(super) struct BrowserSession(pub(super) Option<Session>);

impl FromRequestParts<Arc<App>> for BrowserSession {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, PageError> {
        let Some(cookie) = app.cookies.session(&parts.headers) else {
            return Ok(Self(None));
        };
        let Ok(ClientAddress(address)) = ClientAddress::from_request_parts(parts, app).await;
        let found = app.sessions.by_cookie(cookie.expose(), address, app.clock.now()).await;
        found.map(Self).map_err(PageError::internal)
    }
}

/// A request with a good access token for our API, and the session that it was made from.
pub(super) struct Caller {
    /// The session.
    pub(super) session: Session,
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let now = app.clock.now();
        let token = bearer(&parts.headers).ok_or_else(ApiError::unauthenticated)?;
        let claims: AccessClaims =
            app.minter.verify_access(token.expose(), now).ok_or_else(ApiError::unauthenticated)?;
        let session = app.sessions.live(&claims.sid, now).await.map_err(ApiError::unavailable)?;
        Ok(Self { session: session.ok_or_else(ApiError::unauthenticated)? })
    }
}

/// The credential of the one `Authorization: Bearer` header.
pub(super) fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, credential) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Secret::from(credential.trim()))
}

/// Form or query parameters, each at most once (RFC 6749 section 3.1).
pub(super) struct Parameters(BTreeMap<String, String>);

/// A parameter that was given twice.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repeated(pub(super) String);

impl Parameters {
    /// The parameters of a query or form.
    pub(super) fn parse(text: &str) -> Result<Self, Repeated> {
        let mut parameters = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            match parameters.entry(name.into_owned()) {
                Entry::Vacant(place) => place.insert(value.into_owned()),
                Entry::Occupied(known) => return Err(Repeated(known.key().clone())),
            };
        }
        Ok(Self(parameters))
    }

    /// The value of `name`, when it is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_our_own_proxies_are_believed() {
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "203.0.113.9, 198.51.100.7".parse().unwrap());
        headers.append("x-forwarded-for", "192.0.2.1".parse().unwrap());
        let address = |hops| forwarded(&headers, hops).map(|address| address.to_string());
        assert_eq!(address(1).as_deref(), Some("192.0.2.1"));
        assert_eq!(address(2).as_deref(), Some("198.51.100.7"));
        assert_eq!(address(0), None);
        assert_eq!(address(4), None);
        headers.append("x-forwarded-for", HeaderValue::from_bytes(b"\xff, 192.0.2.2").unwrap());
        let address = |hops| forwarded(&headers, hops).map(|address| address.to_string());
        assert_eq!(address(1).as_deref(), Some("192.0.2.2"), "an unreadable entry before it takes nothing away");
        assert_eq!(address(2), None, "and hands the word to nobody else");
    }

    #[test]
    fn one_bearer_only() {
        let mut headers = HeaderMap::new();
        headers.append("authorization", "bearer abc".parse().unwrap());
        assert_eq!(bearer(&headers).unwrap().expose(), "abc");
        headers.append("authorization", "Bearer def".parse().unwrap());
        assert!(bearer(&headers).is_none());
    }

    #[test]
    fn a_repeated_parameter_is_refused() {
        assert_eq!(Parameters::parse("a=1&b=&a=2").err(), Some(Repeated("a".into())));
        let parameters = Parameters::parse("a=1&b=").ok().unwrap();
        assert_eq!((parameters.get("a"), parameters.get("b"), parameters.get("c")), (Some("1"), None, None));
    }

    #[test]
    fn a_body_full_of_parameters_is_read_in_no_time() {
        use std::fmt::Write as _;
        let body = (0..12_000).fold(String::new(), |mut body, name| {
            let _ = write!(body, "{name:x}&");
            body
        });
        let began = std::time::Instant::now();
        assert!(Parameters::parse(&body).is_ok());
        assert!(began.elapsed() < std::time::Duration::from_millis(300), "it took {:?}", began.elapsed());
    }
}
