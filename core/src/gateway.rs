//! The decision: from a request's headers to what the filter does with it.
//!
//! ```text
//!  headers ─▶ Inbound ─▶ cluster by host ─▶ token (cached) ─▶ Attributes ─▶ policy ─▶ Decision
//! ```
//!
//! Everything that is not an [`Decision::Allow`] is answered by the filter itself; nothing else is ever forwarded.

mod message;
mod session;

use std::rc::Rc;
use std::time::Duration;

use crate::bundle::{InvalidBundle, LiveDocument, PolicyInForce, Version, open_live};
use crate::cache::Cache;
use crate::id::{ClusterName, PersonId, SessionId};
use crate::impersonation::{self, ANONYMOUS, Assumed, EXTRA_PREFIX, Header, UNAUTHENTICATED};
use crate::inbound::Inbound;
use crate::jws::Keys;
use crate::policy::{Access, Allowance, Policy};
use crate::request::{Attributes, Target};
use crate::status::{Body, Kind, Refusal};
use crate::time::Timestamp;
use crate::token::{InvalidToken, MAX_TOKEN, VerifiedToken};

pub use session::SESSION_PATH;

/// How many session tokens are remembered.
pub const MAX_CACHED_TOKENS: usize = 4096;

/// Paths on a cluster's host that are Kubegate's own and never go to the API server.
const OWN_PATHS: &str = "/.kubegate/";

/// Decides requests by the bundle in force.
pub struct Gateway {
    issuer: String,
    bundle_keys: Keys,
    max_staleness: Duration,
    policy: Option<PolicyInForce>,
    live: Option<Live>,
    tokens: Cache<Box<str>, Session>,
    generation: u64,
}

/// What the filter does with a request.
#[derive(Debug)]
pub enum Decision<'a> {
    /// Forward it to the cluster under the given headers.
    Allow(Allow<'a>),
    /// Answer it here.
    Answer(Answer),
}

/// A request that goes to an API server.
#[derive(Debug)]
pub struct Allow<'a> {
    /// The cluster that it goes to.
    pub cluster: ClusterName,
    /// Headers to take away first.
    pub remove: Vec<&'a str>,
    /// Headers to set next.
    pub replace: Vec<(&'static str, String)>,
    /// Headers to add last: the impersonation.
    pub add: Rc<[Header]>,
    /// What the access log says.
    pub record: Record,
}

/// An answer of our own.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Body,
    /// What the access log says.
    pub record: Record,
}

/// What the access log says of a decision. Nothing in it is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// `allow`, `deny`, `unauthenticated`, `local` or `error`.
    pub decision: &'static str,
    /// A stable kebab-case word: why.
    pub reason: &'static str,
    /// The rule that allowed.
    pub rule: String,
    /// The cluster.
    pub cluster: String,
    /// The real person's user name.
    pub user: String,
    /// The groups that the API server sees.
    pub groups: String,
    /// The session.
    pub session: String,
    /// The user that `kubectl --as` assumes.
    pub assumed_user: String,
    /// The verb.
    pub verb: String,
    /// API group and resource with its subresource: `apps/deployments/scale`.
    pub resource: String,
    /// The namespace.
    pub namespace: String,
    /// The object's name.
    pub name: String,
}

/// The live set in force.
struct Live {
    version: Version,
    issued_at: Timestamp,
    expires_at: Option<Timestamp>,
    sessions: std::collections::HashSet<SessionId>,
    people: std::collections::HashMap<PersonId, Timestamp>,
}

/// A session token that was verified, with what the policy makes of it.
struct Session {
    token: VerifiedToken,
    generation: u64,
    access: Rc<Access>,
    headers: Rc<[Header]>,
    groups: Rc<str>,
}

impl Gateway {
    /// A gateway without a bundle: it refuses everything until [`Gateway::accept`] has taken one.
    #[must_use]
    pub fn new(issuer: String, bundle_keys: Keys, max_staleness: Duration) -> Self {
        Self {
            issuer,
            bundle_keys,
            max_staleness,
            policy: None,
            live: None,
            tokens: Cache::new(MAX_CACHED_TOKENS),
            generation: 0,
        }
    }

    /// Takes a newer bundle: the policy, when it changed, and the live set that goes with it. Both or nothing.
    ///
    /// # Errors
    /// Why it is not taken; what was in force stays so.
    pub fn accept(&mut self, policy: Option<&str>, live: &str) -> Result<(), InvalidBundle> {
        let opened =
            policy.map(|document| PolicyInForce::open(document, &self.bundle_keys, &self.issuer)).transpose()?;
        if let (Some(new), Some(held)) = (&opened, &self.policy)
            && (new.version < held.version || new.version == held.version && new.hash != held.hash)
        {
            return Err(InvalidBundle::Older { offered: new.version, held: held.version });
        }
        let hash = opened.as_ref().or(self.policy.as_ref()).map(|policy| policy.hash.as_str());
        let live = open_live(live, &self.bundle_keys, hash.ok_or(InvalidBundle::NoPolicy)?)?;
        if let Some(held) = self.live.as_ref().filter(|held| live.version < held.version) {
            return Err(InvalidBundle::Older { offered: live.version, held: held.version });
        }
        if let Some(policy) = opened {
            self.policy = Some(policy);
            self.generation = self.generation.wrapping_add(1);
        }
        self.live = Some(Live::from(live));
        Ok(())
    }

    /// Versions of the policy and the live set in force.
    #[must_use]
    pub fn versions(&self) -> Option<(Version, Version)> {
        Some((self.policy.as_ref()?.version, self.live.as_ref()?.version))
    }

    /// The hash of the policy in force, by which a live set names it.
    #[must_use]
    pub fn policy_hash(&self) -> Option<&str> {
        self.policy.as_ref().map(|policy| policy.hash.as_str())
    }

    /// Decides a request.
    pub fn decide<'a>(&mut self, inbound: Inbound<'a>, now: Timestamp) -> Decision<'a> {
        let mut record = Record::default();
        match self.judge(inbound, now, &mut record) {
            Ok(Outcome::Forward { allow, reason }) => {
                record.decision = "allow";
                record.reason = reason;
                Decision::Allow(Allow { record, ..allow })
            }
            Ok(Outcome::Local(body)) => {
                record.decision = "local";
                record.reason = "own-path";
                Decision::Answer(Answer { status: 200, body, record })
            }
            Err((refusal, plain)) => Decision::Answer(refuse(&refusal, plain, record)),
        }
    }

    fn judge<'a>(
        &mut self,
        inbound: Inbound<'a>,
        now: Timestamp,
        record: &mut Record,
    ) -> Result<Outcome<'a>, (Refusal, bool)> {
        let target = Target::parse(inbound.path);
        let attributes = target.as_ref().map(|target| Attributes::of(inbound.method, target));
        let plain = matches!(&attributes, Ok(Ok(attributes)) if attributes.is_discovery_path());
        if let Ok(Ok(attributes)) = &attributes {
            record.describe(attributes);
        }
        let answer = |refusal| (refusal, plain);

        let (policy, live) = in_force(self.policy.as_ref(), self.live.as_ref()).map_err(answer)?;
        let cluster = policy
            .policy
            .cluster_by_authority(inbound.authority)
            .map(|cluster| cluster.name.clone())
            .ok_or_else(|| answer(message::unknown_host(inbound.authority)))?;
        record.cluster = cluster.to_string();
        live.check_fresh(self.max_staleness, now).map_err(answer)?;
        let target = target.as_ref().map_err(|error| answer(message::bad_request("bad-path", error)))?;

        let token = inbound.token.as_deref().ok_or_else(|| answer(message::no_token(&cluster)))?;
        let session = session::find(&mut self.tokens, token, policy, &self.issuer, self.generation).map_err(answer)?;
        let claims = &session.token.claims;
        record.user.clone_from(&claims.user);
        record.session = claims.sid.to_string();
        record.groups = session.groups.to_string();
        let expired = session.token.check(&cluster, &policy.token_keys, now);
        expired.map_err(|error| answer(message::invalid_token(error)))?;
        live.check(&session.token).map_err(answer)?;
        session::check_complete(&session.token, policy).map_err(answer)?;

        if target.path().starts_with(OWN_PATHS) {
            return if target.path() == SESSION_PATH && inbound.method == "GET" {
                Ok(Outcome::Local(session::describe(session)))
            } else {
                Err((message::unknown_path(target.path()), plain))
            };
        }
        let attributes = attributes
            .map_err(|error| answer(message::bad_request("bad-path", &error)))?
            .map_err(|error| answer(message::bad_request("bad-path", &error)))?;
        if inbound.method == "CONNECT" {
            return Err(answer(message::bad_request("bad-method", &"CONNECT is not a Kubernetes request")));
        }

        let allowance = policy.policy.decide(&session.access, &attributes);
        let reason = match allowance {
            Some(Allowance::Rule(rule)) => {
                record.rule = rule.to_string();
                "rule"
            }
            Some(Allowance::Discovery) => "discovery",
            Some(Allowance::AboutOneself) => "about-oneself",
            None => return Err(answer(message::not_allowed(claims, &cluster, &attributes, &session.access))),
        };
        let add = match &inbound.assumed {
            None => Rc::clone(&session.headers),
            Some(assumed) => {
                record.assumed_user.clone_from(&assumed.user);
                may_assume(&policy.policy, &session.access, assumed)
                    .map_err(|what| answer(message::may_not_assume(&claims.user, &cluster, &what)))?;
                impersonation::assumed_headers(claims, assumed).into()
            }
        };
        let mut replace = inbound.replace;
        if let Some(id) = inbound.request_id {
            replace.push(("audit-id", id.to_owned()));
        }
        let allow = Allow { cluster, remove: inbound.remove, replace, add, record: Record::default() };
        Ok(Outcome::Forward { allow, reason })
    }
}

#[expect(clippy::large_enum_variant, reason = "it lives for one call, and forwarding is the common case")]
enum Outcome<'a> {
    Forward { allow: Allow<'a>, reason: &'static str },
    Local(Body),
}

/// The answer to a request whose headers could not even be taken apart.
#[must_use]
pub fn refuse_inbound(error: &crate::inbound::InvalidInbound) -> Answer {
    let refusal = if error.is_about_the_token() {
        message::unauthorized("not-bearer", &error.to_string())
    } else {
        message::bad_request("bad-headers", error)
    };
    refuse(&refusal, false, Record::default())
}

/// The answer when the API server does not take the gateway's own credential: nothing that the person can mend, so it
/// must not look like it.
#[must_use]
pub fn refuse_gateway_credential(cluster: &str) -> Body {
    message::gateway_credential(cluster).body(false)
}

fn refuse(refusal: &Refusal, plain: bool, mut record: Record) -> Answer {
    record.reason = refusal.reason;
    record.decision = match refusal.kind {
        Kind::Unauthorized => "unauthenticated",
        Kind::Forbidden | Kind::BadRequest | Kind::NotFound => "deny",
        Kind::BadGateway | Kind::Unavailable => "error",
    };
    Answer { status: refusal.kind.code(), body: refusal.body(plain), record }
}

fn in_force<'a>(
    policy: Option<&'a PolicyInForce>,
    live: Option<&'a Live>,
) -> Result<(&'a PolicyInForce, &'a Live), Refusal> {
    policy.zip(live).ok_or_else(message::no_policy)
}

/// Whether a person may be somebody else; matched as RBAC matches the verb `impersonate`.
fn may_assume(policy: &Policy, access: &Access, assumed: &Assumed) -> Result<(), String> {
    let granted = |group: &'static str, resource: &str, subresource: &str, namespace: &str, name: &str| {
        let attributes = Attributes {
            verb: "impersonate".into(),
            api_group: group,
            api_version: "v1",
            resource,
            subresource,
            namespace,
            name: name.into(),
            is_resource_request: true,
            path: "".into(),
        };
        policy.rule_that_allows(access, &attributes).is_some()
    };
    let user = &assumed.user;
    let allowed = match impersonation::service_account(user) {
        Some((namespace, name)) => granted("", "serviceaccounts", "", namespace, name),
        None => user != ANONYMOUS && granted("", "users", "", "", user),
    };
    if !allowed {
        return Err(format!("the user {user:?}"));
    }
    for group in &assumed.groups {
        if group == UNAUTHENTICATED || !granted("", "groups", "", "", group) {
            return Err(format!("the group {group:?}"));
        }
    }
    if let Some(uid) = assumed.uid.as_deref().filter(|uid| !granted("authentication.k8s.io", "uids", "", "", uid)) {
        return Err(format!("the uid {uid:?}"));
    }
    for (key, value) in &assumed.extras {
        if key.starts_with(EXTRA_PREFIX) || !granted("authentication.k8s.io", "userextras", key, "", value) {
            return Err(format!("the extra {key:?} with the value {value:?}"));
        }
    }
    Ok(())
}

impl Live {
    fn check_fresh(&self, max_staleness: Duration, now: Timestamp) -> Result<(), Refusal> {
        let end = self.expires_at.unwrap_or_else(|| self.issued_at.after(max_staleness));
        if now >= end { Err(message::stale(self.issued_at, now)) } else { Ok(()) }
    }

    fn check(&self, token: &VerifiedToken) -> Result<(), Refusal> {
        let claims = &token.claims;
        if self.sessions.contains(&claims.sid) {
            return Err(message::unauthorized("session-revoked", "your session has been ended"));
        }
        if self.people.get(&claims.sub).is_some_and(|not_before| claims.iat < *not_before) {
            return Err(message::unauthorized("user-revoked", "what you may do has changed since you signed in"));
        }
        Ok(())
    }
}

impl From<LiveDocument> for Live {
    fn from(document: LiveDocument) -> Self {
        Self {
            version: document.version,
            issued_at: document.issued_at,
            expires_at: document.expires_at,
            sessions: document.sessions.into_iter().map(|revoked| revoked.sid).collect(),
            people: document.people.into_iter().map(|entry| (entry.person, entry.not_before)).collect(),
        }
    }
}

impl Record {
    fn describe(&mut self, attributes: &Attributes<'_>) {
        self.verb = attributes.verb.to_string();
        self.resource = message::resource_of(attributes);
        attributes.namespace.clone_into(&mut self.namespace);
        self.name = attributes.name.to_string();
    }
}

/// The most characters of a token that are looked at.
fn is_too_long(token: &str) -> bool {
    token.len() > MAX_TOKEN
}

fn invalid(error: InvalidToken) -> Refusal {
    message::invalid_token(error)
}

#[cfg(test)]
#[cfg(feature = "signing")]
mod tests;
