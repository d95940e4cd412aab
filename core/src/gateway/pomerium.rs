//! What pomerium-cli asks of a cluster's host: a closed list of paths.
//!
//! Two of them lead to the control plane, and none to the API server. Whether a token is still good it asks at the API
//! server's own `/healthz` (older releases `/livez`): its tokens, and no others, are answered here.

use super::message;
use crate::inbound::Inbound;
use crate::request::Target;
use crate::status::Refusal;

/// Where pomerium-cli asks for the URL to sign in at.
pub const LOGIN_PATH: &str = "/.pomerium/api/v1/login";

/// Where it asks what can be reached.
pub const ROUTES_PATH: &str = "/.pomerium/api/v1/routes";

/// Paths that are none of the API server's, whoever asks.
const PATHS: &str = "/.pomerium";

/// The paths at which pomerium-cli asks whether its token is good.
const HEALTH: [&str; 2] = ["/healthz", "/livez"];

/// What the control plane is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// Where to sign in; whoever asks.
    Login,
    /// What can be reached with the token.
    Routes,
}

impl Asked {
    /// What a request to one of these paths asks; `None` when it is to another path.
    pub(super) fn of(inbound: &Inbound<'_>, target: &Target<'_>, is_on: bool) -> Result<Option<Self>, Refusal> {
        let path = target.path();
        if !(path == PATHS || path.strip_prefix(PATHS).is_some_and(|rest| rest.starts_with('/'))) {
            return Ok(None);
        }
        if inbound.replace.iter().any(|(name, _)| *name == "connection") {
            return Err(message::bad_request("bad-headers", &"there is nothing to upgrade to on this path"));
        }
        match (inbound.method, path) {
            ("GET", LOGIN_PATH) if is_on => Ok(Some(Self::Login)),
            ("GET", ROUTES_PATH) if is_on => Ok(Some(Self::Routes)),
            _ => Err(message::unknown_path(path)),
        }
    }
}

/// Whether a request asks if the token is good.
pub(super) fn is_health_check(method: &str, target: &Target<'_>) -> bool {
    method == "GET" && HEALTH.contains(&target.path())
}

/// The headers that the control plane must not get: all that could carry identity, but for the token where it is to
/// judge that.
pub(super) fn headers_to_remove<'a>(inbound: &Inbound<'a>, with_token: bool) -> Vec<&'a str> {
    let headers = inbound.remove.iter().copied();
    headers.filter(|name| !(with_token && *name == "authorization")).collect()
}
