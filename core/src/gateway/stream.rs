//! Streams that are open (watch, `logs -f`, exec, port-forward): whether each may go on.
//!
//! A session token's own end (`exp`) ends new requests, not a stream that its session opened: the session is what was
//! proved, and its end, its revocation and the policy are judged again here, without the token.

use std::cell::Cell;
use std::rc::Rc;

use super::{Gateway, assume};
use crate::bundle::Version;
use crate::impersonation::Assumed;
use crate::request::Attributes;
use crate::time::Timestamp;
use crate::token::VerifiedToken;

/// An open stream: who opened it, and with which request.
#[derive(Clone, Debug)]
pub struct Stream {
    token: Rc<VerifiedToken>,
    request: Request,
    assumed: Option<Assumed>,
    /// The policy that allowed it last: it is asked again only when another is in force.
    allowed_under: Cell<Version>,
}

/// Kubernetes request attributes that outlive their request.
#[derive(Clone, Debug)]
struct Request {
    verb: String,
    api_group: String,
    api_version: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
    is_resource_request: bool,
    path: String,
}

/// Why a stream must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// Its session has reached its end.
    SessionEnded,
    /// Its session was ended before its time.
    SessionRevoked,
    /// What its person may do has changed, or the person was turned off.
    UserRevoked,
    /// The policy in force would refuse the request that opened it.
    PolicyDenies,
}

impl StreamEnd {
    /// A stable word for the access log.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::SessionEnded => "session-ended",
            Self::SessionRevoked => "session-revoked",
            Self::UserRevoked => "user-revoked",
            Self::PolicyDenies => "policy-denies",
        }
    }
}

impl Stream {
    pub(super) fn new(
        token: &Rc<VerifiedToken>,
        attributes: &Attributes<'_>,
        assumed: Option<Assumed>,
        policy: Version,
    ) -> Self {
        let allowed_under = Cell::new(policy);
        Self { token: Rc::clone(token), request: Request::from(attributes), assumed, allowed_under }
    }
}

impl Gateway {
    /// Why an open stream must end now, if it must. Being kept from news ends no stream: its session's end does.
    #[must_use]
    pub fn stream_end(&self, stream: &Stream, now: Timestamp) -> Option<StreamEnd> {
        let claims = &stream.token.claims;
        if now >= claims.session_exp {
            return Some(StreamEnd::SessionEnded);
        }
        let (Some(policy), Some(live)) = (&self.policy, &self.live) else {
            return None;
        };
        if let Some(end) = live.end_of(&stream.token) {
            return Some(end);
        }
        if stream.allowed_under.get() == policy.version {
            return None;
        }
        let version = policy.version;
        let policy = &policy.policy;
        let access = policy.access(&claims.person(), &claims.aud);
        let allowed = policy.cluster(claims.aud.as_str()).is_some()
            && policy.decide(&access, &stream.request.attributes()).allowance.is_some()
            && stream.assumed.as_ref().is_none_or(|assumed| assume::may_assume(policy, &access, assumed).is_ok());
        if !allowed {
            return Some(StreamEnd::PolicyDenies);
        }
        stream.allowed_under.set(version);
        None
    }
}

impl From<&Attributes<'_>> for Request {
    fn from(attributes: &Attributes<'_>) -> Self {
        Self {
            verb: attributes.verb.to_string(),
            api_group: attributes.api_group.to_owned(),
            api_version: attributes.api_version.to_owned(),
            resource: attributes.resource.to_owned(),
            subresource: attributes.subresource.to_owned(),
            namespace: attributes.namespace.to_owned(),
            name: attributes.name.to_string(),
            is_resource_request: attributes.is_resource_request,
            path: attributes.path.to_string(),
        }
    }
}

impl Request {
    fn attributes(&self) -> Attributes<'_> {
        Attributes {
            verb: self.verb.as_str().into(),
            api_group: &self.api_group,
            api_version: &self.api_version,
            resource: &self.resource,
            subresource: &self.subresource,
            namespace: &self.namespace,
            name: self.name.as_str().into(),
            is_resource_request: self.is_resource_request,
            path: self.path.as_str().into(),
        }
    }
}
