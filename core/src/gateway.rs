//! The decision: from a request's headers to what the filter does with it.
//!
//! ```text
//!  headers ─▶ Inbound ─▶ cluster by host ─▶ token (cached) ─▶ Attributes ─▶ policy ─▶ Decision
//! ```
//!
//! Everything that is not an [`Decision::Allow`] is answered by the filter itself; nothing else is ever forwarded.

mod assume;
mod live;
mod message;
mod record;
mod session;
mod stream;

use std::rc::Rc;
use std::time::Duration;

use crate::bundle::{InvalidBundle, PolicyInForce, Version, open_live};
use crate::id::ClusterName;
use crate::impersonation::{self, Header};
use crate::inbound::{Inbound, InvalidInbound};
use crate::jws::Keys;
use crate::policy::Allowance;
use crate::request::{Attributes, InvalidRequest, InvalidTarget, Target};
use crate::status::{Body, Kind, Refusal};
use crate::time::Timestamp;

use live::Live;
use session::{Session, Sessions};

pub use record::Record;
pub use session::SESSION_PATH;
pub use stream::{Stream, StreamEnd};

/// Paths on a cluster's host that are Kubegate's own and never go to the API server.
const OWN_PATHS: &str = "/.kubegate/";

/// Decides requests by the bundle in force.
pub struct Gateway {
    issuer: String,
    bundle_keys: Keys,
    max_staleness: Duration,
    policy: Option<PolicyInForce>,
    live: Option<Live>,
    sessions: Sessions,
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
    /// Whether the API server passes it on to something else (`pods/proxy` and the like), so that the answer's status is
    /// not its own.
    pub is_proxied: bool,
    /// What is needed to tell, as long as it is open, whether it may go on.
    pub stream: Box<Stream>,
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

impl Gateway {
    /// A gateway without a bundle: it refuses everything until [`Gateway::accept`] has taken one.
    #[must_use]
    pub fn new(issuer: String, bundle_keys: Keys, max_staleness: Duration) -> Self {
        Self { issuer, bundle_keys, max_staleness, policy: None, live: None, sessions: Sessions::new() }
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
            return Err(InvalidBundle::NotNewer { offered: new.version, held: held.version });
        }
        let hash = opened.as_ref().or(self.policy.as_ref()).map(|policy| policy.hash.as_str());
        let live = open_live(live, &self.bundle_keys, hash.ok_or(InvalidBundle::NoPolicy)?)?;
        if let Some(held) = self.live.as_ref().filter(|held| live.version < held.version) {
            return Err(InvalidBundle::NotNewer { offered: live.version, held: held.version });
        }
        if let Some(policy) = opened {
            // With the rules and the keys, all that was made of them goes.
            self.policy = Some(policy);
            self.sessions = Sessions::new();
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
        let target = Target::parse(inbound.path);
        let asked = Asked::of(inbound.method, target.as_ref());
        asked.describe(&mut record);
        match self.judge(inbound, &asked, now, &mut record) {
            Ok(Outcome::Forward(allow)) => {
                record.decision = "allow";
                Decision::Allow(Allow { record, ..allow })
            }
            Ok(Outcome::Local(body)) => {
                record.decision = "local";
                record.reason = "own-path";
                Decision::Answer(Answer { status: 200, body, record })
            }
            Err(refusal) => Decision::Answer(refuse(&refusal, asked.wants_plain_text(), record)),
        }
    }

    fn judge<'a>(
        &mut self,
        inbound: Inbound<'a>,
        asked: &Asked<'_>,
        now: Timestamp,
        record: &mut Record,
    ) -> Result<Outcome<'a>, Refusal> {
        let (Some(policy), Some(live)) = (&self.policy, &self.live) else {
            return Err(message::no_policy());
        };
        let cluster = policy.policy.cluster_by_authority(inbound.authority);
        let cluster = &cluster.ok_or_else(|| message::unknown_host(inbound.authority))?.name;
        record.cluster = cluster.to_string();
        live.check_fresh(self.max_staleness, now)?;
        let target = asked.target()?;

        let token = inbound.token.as_deref().ok_or_else(|| message::no_token(cluster))?;
        let session = self.sessions.find(token, policy, &self.issuer)?;
        session.describe(record);
        session.token.check(cluster, &policy.token_keys, now).map_err(message::invalid_token)?;
        live.check(&session.token)?;
        session.check_complete(policy)?;

        if target.path().starts_with(OWN_PATHS) {
            return match (inbound.method, target.path()) {
                ("GET", SESSION_PATH) => Ok(Outcome::Local(session.answer())),
                (_, path) => Err(message::unknown_path(path)),
            };
        }
        allow(inbound, asked.attributes()?, session, policy, record).map(Outcome::Forward)
    }
}

/// Decides by the rules, once it is known who asks what of which cluster.
fn allow<'a>(
    mut inbound: Inbound<'a>,
    attributes: &Attributes<'_>,
    session: &Session,
    policy: &PolicyInForce,
    record: &mut Record,
) -> Result<Allow<'a>, Refusal> {
    let claims = &session.token.claims;
    if inbound.method == "CONNECT" {
        return Err(message::bad_request("bad-method", &"CONNECT is not a Kubernetes request"));
    }
    let verdict = policy.policy.decide(&session.access, attributes);
    record.would_deny = verdict.would_deny.map(ToString::to_string).unwrap_or_default();
    if let Some(rule) = verdict.denied_by {
        record.rule = rule.to_string();
        return Err(message::denied(claims, attributes, rule));
    }
    record.reason = match verdict.allowance {
        Some(Allowance::Rule(rule)) => {
            record.rule = rule.to_string();
            "rule"
        }
        Some(Allowance::Discovery) => "discovery",
        Some(Allowance::AboutOneself) => "about-oneself",
        None => return Err(message::not_allowed(claims, attributes, &session.access)),
    };
    let add = match &inbound.assumed {
        None => Rc::clone(&session.headers),
        Some(assumed) => {
            record.assumed_user.clone_from(&assumed.user);
            record.groups = assumed.groups.join(",");
            assume::may_assume(&policy.policy, &session.access, assumed).map_err(|what| {
                record.rule.clear();
                message::may_not_assume(claims, &what)
            })?;
            impersonation::assumed_headers(claims, assumed).into()
        }
    };
    if let Some(id) = inbound.request_id {
        inbound.replace.push(("audit-id", id.to_owned()));
    }
    Ok(Allow {
        cluster: claims.aud.clone(),
        remove: inbound.remove,
        replace: inbound.replace,
        add,
        is_proxied: attributes.subresource == "proxy" || attributes.verb == "proxy",
        stream: Box::new(Stream::new(&session.token, attributes, inbound.assumed, policy.version)),
        record: Record::default(),
    })
}

#[allow(clippy::large_enum_variant, reason = "it lives for one call, and forwarding is the common case")]
enum Outcome<'a> {
    Forward(Allow<'a>),
    Local(Body),
}

/// What a request asks for, as far as it can be read.
struct Asked<'t> {
    target: Result<&'t Target<'t>, InvalidTarget>,
    attributes: Result<Attributes<'t>, Unreadable>,
}

/// Why it cannot be read.
#[derive(Clone, Copy, Debug, thiserror::Error)]
enum Unreadable {
    #[error(transparent)]
    Target(#[from] InvalidTarget),
    #[error(transparent)]
    Request(#[from] InvalidRequest),
}

impl<'t> Asked<'t> {
    fn of(method: &'t str, target: Result<&'t Target<'t>, &InvalidTarget>) -> Self {
        let target = target.map_err(|error| *error);
        let attributes = target.map_err(Unreadable::from).and_then(|target| Ok(Attributes::of(method, target)?));
        Self { target, attributes }
    }

    fn target(&self) -> Result<&'t Target<'t>, Refusal> {
        self.target.map_err(|error| message::bad_request("bad-path", &error))
    }

    fn attributes(&self) -> Result<&Attributes<'t>, Refusal> {
        self.attributes.as_ref().map_err(|error| message::bad_request("bad-path", error))
    }

    fn describe(&self, record: &mut Record) {
        if let Ok(attributes) = &self.attributes {
            record.describe(attributes);
        }
    }

    /// On discovery paths client-go reads nothing else.
    fn wants_plain_text(&self) -> bool {
        self.attributes.as_ref().is_ok_and(Attributes::is_discovery_path)
    }
}

/// The answer to a request whose headers could not even be taken apart.
#[must_use]
pub fn refuse_inbound(error: &InvalidInbound) -> Answer {
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

#[cfg(test)]
#[cfg(feature = "signing")]
mod tests;
