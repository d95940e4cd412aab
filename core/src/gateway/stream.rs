//! Streams that are open (watch, `logs -f`, exec, port-forward): whether each may go on.
//!
//! A session token's own end (`exp`) ends new requests, not a stream that its session opened: the session is what was
//! proved, and its end, its revocation, the elevations and the policy are judged again here, without the token. The
//! request is judged as it was made: at the time when it was, and from there.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::session::is_complete;
use super::{Gateway, assume};
use crate::bundle::{Elevation, PolicyInForce, Version};
use crate::condition::Circumstances;
use crate::impersonation::Assumed;
use crate::request::Attributes;
use crate::rule::Rule;
use crate::time::Timestamp;
use crate::token::VerifiedToken;

/// An open stream: who opened it, and with which request.
#[derive(Clone, Debug)]
pub struct Stream {
    pub(super) opened: Rc<Opened>,
    /// Empty when the policy of then did not ask for it.
    source: String,
    at: Timestamp,
    /// What allowed it last: it is judged again only when that has changed.
    pub(super) basis: RefCell<Basis>,
}

/// Who opened a stream, and with which request: the same for each like it.
#[derive(Debug)]
pub(super) struct Opened {
    token: Rc<VerifiedToken>,
    request: Request,
    assumed: Option<Assumed>,
    /// The groups that the API server saw, by which it judged the request itself.
    groups: Vec<String>,
}

/// What a decision rests on that may change while a stream is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Basis {
    /// The policy.
    pub(super) policy: Version,
    /// The groups that elevations add.
    pub(super) elevated: Vec<String>,
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
    /// The policy in force no longer passes on a group that the API server saw.
    GroupsWithdrawn,
    /// The policy in force asks for what its token does not carry.
    PolicyNewer,
    /// An elevation has ended that it was opened with.
    ElevationEnded,
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
            Self::GroupsWithdrawn => "groups-withdrawn",
            Self::PolicyNewer => "policy-newer-than-token",
            Self::ElevationEnded => "elevation-ended",
        }
    }
}

impl Stream {
    /// A stream that is opened at a time and from an address.
    pub(super) fn new(opened: Rc<Opened>, source: String, at: Timestamp, basis: Basis) -> Self {
        Self { opened, source, at, basis: RefCell::new(basis) }
    }

    /// Whether the policy would allow the request with the groups that elevations add now.
    fn judge(&self, policy: &PolicyInForce, elevated: &[String]) -> Result<(), StreamEnd> {
        let Opened { token, request, assumed, groups: seen } = &*self.opened;
        let claims = &token.claims;
        let groups: Vec<String> = claims.groups.iter().chain(elevated).cloned().collect();
        if !is_complete(claims, &groups, policy) {
            return Err(StreamEnd::PolicyNewer);
        }
        if !policy.takes(token.kind, &claims.aud) {
            return Err(StreamEnd::PolicyDenies);
        }
        let policy = &policy.policy;
        let access = policy.access(&claims.person_with(&groups), &claims.aud);
        let circumstances = Circumstances { claims, groups: &groups, source: &self.source, now: self.at };
        // Where it came from was not asked for when it was opened, and what a rule would make of that cannot be told.
        if self.source.is_empty() && policy.rules_of(&access).any(Rule::asks_for_source) {
            return Err(StreamEnd::PolicyDenies);
        }
        let allowed = policy.cluster(claims.aud.as_str()).is_some()
            && policy.decide(&access, &request.attributes(), &circumstances).allowance.is_some();
        let may_assume = |assumed| assume::may_assume(policy, &access, &circumstances, assumed).is_ok();
        match assumed {
            _ if !allowed => Err(StreamEnd::PolicyDenies),
            Some(assumed) if !may_assume(assumed) => Err(StreamEnd::PolicyDenies),
            None if seen.iter().any(|group| !access.groups.contains(group)) => Err(StreamEnd::GroupsWithdrawn),
            _ => Ok(()),
        }
    }
}

impl Opened {
    pub(super) fn new(
        token: &Rc<VerifiedToken>,
        attributes: &Attributes<'_>,
        assumed: Option<Assumed>,
        groups: &[String],
    ) -> Self {
        let request = Request::from(attributes);
        Self { token: Rc::clone(token), request, assumed, groups: groups.to_vec() }
    }
}

impl Gateway {
    /// Why an open stream must end now, if it must. Being kept from news ends no stream: its session's end does.
    #[must_use]
    pub fn stream_end(&self, stream: &Stream, now: Timestamp) -> Option<StreamEnd> {
        let token = &stream.opened.token;
        let claims = &token.claims;
        if now >= claims.session_exp {
            return Some(StreamEnd::SessionEnded);
        }
        let (Some(policy), Some(live)) = (&self.policy, &self.live) else {
            return None;
        };
        if let Some(end) = live.end_of(token) {
            return Some(end);
        }
        let elevations = live.elevations(&claims.sub, &claims.aud, now);
        let elevated: Vec<&str> = added_groups(elevations);
        let Ok(mut basis) = stream.basis.try_borrow_mut() else {
            return None;
        };
        if basis.policy == policy.version && basis.elevated == elevated {
            return None;
        }
        let ended = basis.elevated.iter().any(|group| !elevated.contains(&group.as_str()));
        let elevated: Vec<String> = elevated.into_iter().map(str::to_owned).collect();
        if let Err(end) = stream.judge(policy, &elevated) {
            return Some(if ended && end != StreamEnd::PolicyNewer { StreamEnd::ElevationEnded } else { end });
        }
        *basis = Basis { policy: policy.version, elevated };
        None
    }
}

/// The groups that elevations add, each once, in order.
pub(super) fn added_groups<'l>(elevations: impl Iterator<Item = &'l Elevation>) -> Vec<&'l str> {
    let groups: BTreeSet<&str> = elevations.flat_map(|elevation| &elevation.groups).map(String::as_str).collect();
    groups.into_iter().collect()
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
