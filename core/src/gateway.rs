//! The decision: from a request's headers to what the filter does with it.
//!
//! ```text
//!  headers ─▶ Inbound ─▶ cluster by host ─▶ token (cached) ─▶ Attributes ─▶ policy ─▶ Decision
//! ```
//!
//! Everything that is not an [`Decision::Allow`] is answered by the filter itself; nothing else is ever forwarded.

mod assume;
mod live;
mod memo;
mod message;
mod pomerium;
mod record;
mod refused;
mod session;
mod stream;

use std::rc::Rc;
use std::time::Duration;

use crate::bundle::{self, Documents, Elevation, InvalidBundle, PolicyInForce, Tag, Version, open_changes, open_live};
use crate::condition::Circumstances;
use crate::id::ClusterName;
use crate::impersonation::{self, Header};
use crate::inbound::{Inbound, InvalidInbound};
use crate::jws::Keys;
use crate::policy::Allowance;
use crate::request::{Attributes, InvalidRequest, InvalidTarget, Target};
use crate::status::{Body, Kind, Refusal};
use crate::time::Timestamp;
use crate::token::{InvalidToken, TokenKind, VerifiedToken};

use assume::Lacking;
use live::{Live, Snapshot};
use memo::{Memo, Remembered, Shown, Validity};
use session::{Sessions, Standing};
use stream::{Basis, Opened, added_groups};

pub use assume::Assumption;
pub use pomerium::{LOGIN_PATH, ROUTES_PATH};
pub use record::{ALLOWED, DENIED, Record, RecordedPerson, STEP_UP};
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
    memo: Memo,
    /// How many live sets have been in force.
    live_sets: u64,
}

/// What the filter does with a request.
#[derive(Debug)]
pub enum Decision<'a> {
    /// Forward it to the cluster under the given headers.
    Allow(Allow<'a>),
    /// Forward it to the control plane's public side, which answers one of our own paths.
    ControlPlane(ToControlPlane<'a>),
    /// Answer it here.
    Answer(Answer),
}

/// A request that the control plane answers. The API server's credential is nowhere on that way.
#[derive(Debug)]
pub struct ToControlPlane<'a> {
    /// The cluster on whose host it came.
    pub cluster: ClusterName,
    /// Headers to take away.
    pub remove: Vec<&'a str>,
    /// What the access log says.
    pub record: Record,
}

/// A request that goes to an API server.
#[derive(Debug)]
pub struct Allow<'a> {
    /// What is the same for each request like it.
    pub grant: Rc<Grant>,
    /// Headers to take away first.
    pub remove: Vec<&'a str>,
    /// Headers to set next.
    pub replace: Vec<(&'static str, String)>,
    /// The id of the API server's audit event, to be added as `Audit-ID`: Envoy's own request id.
    pub audit_id: Option<&'a str>,
    /// What is needed to tell, as long as it is open, whether it may go on.
    pub stream: Box<Stream>,
}

/// What a request that goes to an API server is granted.
#[derive(Debug)]
pub struct Grant {
    /// The cluster that it goes to.
    pub cluster: ClusterName,
    /// Headers to add last: the impersonation.
    pub add: Rc<[Header]>,
    /// Whether the API server passes it on to something else (`pods/proxy` and the like), so that the answer's status is
    /// not its own.
    pub is_proxied: bool,
    /// What the access log says.
    pub record: Record,
    /// The same as it writes it ([`Record::line`]).
    pub line: String,
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
        Self {
            issuer,
            bundle_keys,
            max_staleness,
            policy: None,
            live: None,
            sessions: Sessions::new(),
            memo: Memo::new(),
            live_sets: 0,
        }
    }

    /// Takes a newer bundle, of which `documents` has what is not in force yet. All of it or nothing.
    ///
    /// # Errors
    /// Why it is not taken; what was in force stays so.
    pub fn accept(&mut self, documents: &Documents<'_>) -> Result<(), InvalidBundle> {
        self.take(documents, false)
    }

    /// Takes a bundle from the plugin configuration, whose expiry is its own.
    ///
    /// # Errors
    /// Why it is not taken; what was in force stays so.
    pub fn accept_inline(&mut self, documents: &Documents<'_>) -> Result<(), InvalidBundle> {
        self.take(documents, true)
    }

    fn take(&mut self, documents: &Documents<'_>, inline: bool) -> Result<(), InvalidBundle> {
        let (keys, issuer) = (&self.bundle_keys, &self.issuer);
        let open = |document| PolicyInForce::open(document, &documents.parts, self.policy.as_ref(), keys, issuer);
        let policy = documents.policy.map(open).transpose()?;
        if let (Some(new), Some(held)) = (&policy, &self.policy)
            && (new.version < held.version || new.version == held.version && new.hash != held.hash)
        {
            return Err(InvalidBundle::NotNewer { offered: new.version, held: held.version });
        }
        let policy_hash = policy.as_ref().or(self.policy.as_ref()).map(|policy| policy.hash.as_str());
        let snapshot = match (documents.live, &self.live) {
            (Some(document), _) => Rc::new(Snapshot::new(open_live(document, keys)?, bundle::hash(document))),
            (None, Some(held)) => Rc::clone(&held.snapshot),
            (None, None) => return Err(InvalidBundle::Incomplete),
        };
        let (Some(changes), Some(policy_hash)) = (documents.changes, policy_hash) else {
            return Err(InvalidBundle::Incomplete);
        };
        let changes_hash = bundle::hash(changes);
        let changes = open_changes(changes, keys, policy_hash, &snapshot.hash)?;
        let live = Live::new(snapshot, changes, changes_hash, inline);
        if let Some(held) = &self.live
            && (live.version < held.version || live.version == held.version && live.hash != held.hash)
        {
            return Err(InvalidBundle::NotNewer { offered: live.version, held: held.version });
        }
        if let Some(policy) = policy {
            // With the rules and the keys, all that was made of them goes.
            self.policy = Some(policy);
            self.sessions.forget();
            self.memo = Memo::new();
        }
        self.live = Some(live);
        self.live_sets = self.live_sets.saturating_add(1);
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

    /// Which documents are in force.
    #[must_use]
    pub fn tag(&self) -> Option<Tag> {
        let (policy, live) = (self.policy.as_ref()?, self.live.as_ref()?);
        Some(Tag { policy: policy.hash.clone(), live: live.snapshot.version, changes: live.version })
    }

    /// The hashes of the parts of the policy in force.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.policy.iter().flat_map(PolicyInForce::parts)
    }

    /// The hashes of the parts of a newer policy that are not in force.
    ///
    /// # Errors
    /// When `policy` is no genuine document.
    pub fn missing_parts(&self, policy: &str) -> Result<Vec<String>, InvalidBundle> {
        PolicyInForce::missing_parts(self.policy.as_ref(), policy, &self.bundle_keys)
    }

    /// Whether the policy in force asks where requests come from ([`Inbound::source`]).
    #[must_use]
    pub fn asks_for_source(&self) -> bool {
        self.policy.as_ref().is_some_and(|policy| policy.policy.asks_for_source())
    }

    /// How many tokens' signatures were verified since this was asked last.
    pub fn take_verified(&mut self) -> u64 {
        self.sessions.take_verified()
    }

    /// Decides a request.
    pub fn decide<'a>(&mut self, inbound: Inbound<'a>, now: Timestamp) -> Decision<'a> {
        if let Some(remembered) = self.remembered(&inbound, now) {
            return Decision::Allow(remembered.allow(inbound, now));
        }
        let mut record = Record::default();
        let target = Target::parse(inbound.path);
        let asked = Asked::of(inbound.method, target.as_ref());
        asked.describe(&mut record);
        match self.judge(&inbound, &asked, now, &mut record) {
            Ok(Outcome::Forward(found)) => Decision::Allow(self.forward(inbound, found, record, now)),
            Ok(Outcome::ControlPlane(remove)) => {
                let cluster = ClusterName::from(record.cluster.clone());
                record.decision = "local";
                record.reason = "control-plane";
                Decision::ControlPlane(ToControlPlane { cluster, remove, record })
            }
            Ok(Outcome::Local(body)) => {
                record.decision = "local";
                record.reason = "own-path";
                Decision::Answer(Answer { status: 200, body, record })
            }
            Err(refusal) => Decision::Answer(refuse(&refusal, asked.wants_plain_text(), record)),
        }
    }

    /// What was decided of a request like this under the policy and the live set in force.
    fn remembered(&mut self, inbound: &Inbound<'_>, now: Timestamp) -> Option<&Remembered> {
        self.live.as_ref()?.check_fresh(self.max_staleness, now).ok()?;
        self.memo.find(inbound, self.live_sets, now)
    }

    fn forward<'a>(&mut self, inbound: Inbound<'a>, found: Found, mut record: Record, now: Timestamp) -> Allow<'a> {
        let Found { cluster, add, is_proxied, opened, basis, stands } = found;
        record.decision = "allow";
        let line = record.line();
        let grant = Rc::new(Grant { cluster, add, is_proxied, record, line });
        let stream = Stream::new(opened, inbound.source.clone(), now, basis);
        if let Some((shown, until)) = stands {
            let validity = Validity { live: self.live_sets, since: now, until };
            self.memo.keep(&inbound, &shown, validity, (&grant, &stream));
        }
        Allow::new(inbound, grant, stream)
    }

    fn judge<'a>(
        &mut self,
        inbound: &Inbound<'a>,
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

        let to_pomerium = pomerium::Asked::of(inbound, target, policy.takes(TokenKind::Pomerium, cluster))?;
        if to_pomerium == Some(pomerium::Asked::Login) {
            return Ok(Outcome::ControlPlane(pomerium::headers_to_remove(inbound, false)));
        }
        let token = inbound.token.as_deref().ok_or_else(|| message::no_token(cluster))?;
        let session = self.sessions.find((inbound.token_kind, token), policy, &self.issuer)?;
        let (token, shown) = (Rc::clone(&session.token), Rc::clone(&session.shown));
        let elevations: Vec<&Elevation> = live.elevations(&token.claims.sub, cluster, now).collect();
        let elevated = added_groups(elevations.iter().copied());
        let standing = session.standing(&elevated, policy);
        standing.describe(&token, record);
        token.check(cluster, policy.token_keys(token.kind), now).map_err(message::invalid_token)?;
        if !policy.takes(token.kind, cluster) {
            return Err(message::invalid_token(InvalidToken::KindTurnedOff));
        }
        live.check(&token)?;
        if !standing.is_complete {
            let why = "the policy has changed since your token was issued";
            return Err(message::unauthorized(StreamEnd::PolicyNewer.code(), why));
        }
        record.elevation = elevations.iter().map(|elevation| elevation.id.as_str()).collect::<Vec<_>>().join(",");

        match to_pomerium {
            Some(_) if token.kind == TokenKind::Session => return Err(message::not_for_pomerium()),
            Some(_) => return Ok(Outcome::ControlPlane(pomerium::headers_to_remove(inbound, true))),
            None if token.kind == TokenKind::Pomerium && pomerium::is_health_check(inbound.method, target) => {
                return Ok(Outcome::Local(standing.answer(&token, &elevations)));
            }
            None => {}
        }
        if target.path().starts_with(OWN_PATHS) {
            return match (inbound.method, target.path()) {
                ("GET", SESSION_PATH) => Ok(Outcome::Local(standing.answer(&token, &elevations))),
                (_, path) => Err(message::unknown_path(path)),
            };
        }
        let ends =
            elevations.iter().map(|elevation| elevation.until).chain([token.claims.exp, token.claims.session_exp]);
        let until = ends.min().unwrap_or_default();
        let basis = Basis { policy: policy.version, elevated: elevated.into_iter().map(str::to_owned).collect() };
        let stands = (standing.is_constant && inbound.assumed.is_none()).then_some((shown, until));
        let asker = Asker { token: &token, standing, policy, live, now };
        let attributes = asked.attributes()?;
        let (add, opened) = asker.ask(inbound, attributes, record)?;
        let is_proxied = attributes.subresource == "proxy" || attributes.verb == "proxy";
        Ok(Outcome::Forward(Found { cluster: token.claims.aud.clone(), add, is_proxied, opened, basis, stands }))
    }
}

impl Remembered {
    fn allow<'a>(&self, inbound: Inbound<'a>, now: Timestamp) -> Allow<'a> {
        let stream = Stream::new(Rc::clone(&self.opened), inbound.source.clone(), now, self.basis.clone());
        Allow::new(inbound, Rc::clone(&self.grant), stream)
    }
}

impl<'a> Allow<'a> {
    fn new(inbound: Inbound<'a>, grant: Rc<Grant>, stream: Stream) -> Self {
        let Inbound { remove, replace, request_id: audit_id, .. } = inbound;
        Self { grant, remove, replace, audit_id, stream: Box::new(stream) }
    }
}

/// Somebody whose session token was found good.
struct Asker<'g> {
    token: &'g Rc<VerifiedToken>,
    standing: &'g Standing,
    policy: &'g PolicyInForce,
    live: &'g Live,
    now: Timestamp,
}

impl Asker<'_> {
    /// Decides by the rules: the headers of the impersonation, and what to remember while the request is open.
    fn ask(
        self,
        inbound: &Inbound<'_>,
        attributes: &Attributes<'_>,
        record: &mut Record,
    ) -> Result<(Rc<[Header]>, Rc<Opened>), Refusal> {
        let Self { token, standing, policy, live, now } = self;
        let claims = &token.claims;
        if let Some(assumed) = &inbound.assumed {
            standing.describe_assumed(claims, assumed, record);
        }
        if inbound.method == "CONNECT" {
            return Err(message::bad_request("bad-method", &"CONNECT is not a Kubernetes request"));
        }
        let circumstances = Circumstances { claims, groups: &standing.groups, source: &inbound.source, now };
        let verdict = policy.policy.decide(&standing.access, attributes, &circumstances);
        record.would_deny = verdict.would_deny.map(ToString::to_string).unwrap_or_default();
        if let Some(rule) = verdict.denied_by {
            record.rule = rule.to_string();
            return Err(message::denied(claims, attributes, rule));
        }
        if let Some(demands) = verdict.demands {
            record.rule = demands.0.to_string();
            return Err(message::step_up(claims, attributes, demands, now));
        }
        record.reason = match verdict.allowance {
            Some(Allowance::Rule(rule)) => {
                record.rule = rule.to_string();
                "rule"
            }
            Some(Allowance::Discovery) => "discovery",
            Some(Allowance::AboutOneself) => "about-oneself",
            None => {
                let ended = live.last_ended(&claims.sub, &claims.aud, now);
                return Err(message::not_allowed(claims, attributes, &standing.access, ended, now));
            }
        };
        let add = match &inbound.assumed {
            None => Rc::clone(&standing.headers),
            Some(assumed) => {
                match assume::may_assume(&policy.policy, &standing.access, &circumstances, assumed) {
                    Ok(Some(rule)) if record.would_deny.is_empty() => record.would_deny = rule.to_string(),
                    Ok(_) => {}
                    Err(Lacking { what, demands: None }) => {
                        record.rule.clear();
                        return Err(message::may_not_assume(claims, &what));
                    }
                    Err(Lacking { what, demands: Some(demands) }) => {
                        record.rule = demands.0.to_string();
                        return Err(message::step_up_to_assume(claims, &what, demands, now));
                    }
                }
                impersonation::assumed_headers(claims, assumed).into()
            }
        };
        let opened = Opened::new(token, attributes, inbound.assumed.clone(), &standing.access.groups);
        Ok((add, Rc::new(opened)))
    }
}

/// A request that the rules allow.
struct Found {
    cluster: ClusterName,
    add: Rc<[Header]>,
    is_proxied: bool,
    opened: Rc<Opened>,
    basis: Basis,
    /// Whose token it came with, and until when the same is found of each request like it; nothing, when each must be
    /// judged.
    stands: Option<(Rc<Shown>, Timestamp)>,
}

#[allow(clippy::large_enum_variant, reason = "it lives for one call, and forwarding is the common case")]
enum Outcome<'a> {
    Forward(Found),
    /// With the headers to take away.
    ControlPlane(Vec<&'a str>),
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
