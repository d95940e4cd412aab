//! What people are told: what was refused, why, and what they can do.

use std::fmt::Display;
use std::time::Duration;

use super::record::STEP_UP;
use crate::bundle::Elevation;
use crate::id::{ClusterName, RuleName};
use crate::policy::Access;
use crate::request::Attributes;
use crate::rule::Demand;
use crate::status::{Kind, Refusal};
use crate::time::{Timestamp, show_duration};
use crate::token::{InvalidToken, SessionClaims};

/// How much of a client's own text is repeated to it, in characters.
const MAX_ECHO: usize = 200;

pub(super) fn unknown_host(authority: &str) -> Refusal {
    let host = echo(authority);
    let message = format!(
        "kubegate: no cluster has the host {host:?}; compare the server in your kubeconfig with the policy's clusters"
    );
    Refusal::new(Kind::NotFound, "unknown-host", message)
}

pub(super) fn unknown_path(path: &str) -> Refusal {
    let path = echo(path);
    Refusal::new(Kind::NotFound, "unknown-path", format!("kubegate: there is nothing at {path:?}"))
}

pub(super) fn bad_request(reason: &'static str, why: &dyn Display) -> Refusal {
    Refusal::new(Kind::BadRequest, reason, format!("kubegate refuses the request: {why}"))
}

pub(super) fn no_policy() -> Refusal {
    let message = "kubegate: this gateway has no policy in force yet; it keeps asking its control plane and recovers by \
                   itself. If it lasts, look at the gateway's log for why the bundle cannot be fetched";
    Refusal::new(Kind::Unavailable, "no-policy", message)
}

pub(super) fn stale(issued_at: Timestamp, now: Timestamp) -> Refusal {
    let age = rough(now.since(issued_at));
    let message = format!(
        "kubegate: this gateway last heard from its control plane {age} ago, too long to know who still has access; it \
         recovers by itself as soon as it can fetch the bundle again"
    );
    Refusal::new(Kind::Unavailable, "stale-live-set", message)
}

pub(super) fn expired(expires_at: Timestamp, now: Timestamp) -> Refusal {
    let age = rough(now.since(expires_at));
    let message = format!(
        "kubegate: this gateway's policy, which stands in its configuration, has expired {age} ago; an administrator \
         renews it with \"kubegate bundle export\""
    );
    Refusal::new(Kind::Unavailable, "bundle-expired", message)
}

pub(super) fn no_token(cluster: &ClusterName) -> Refusal {
    unauthorized("no-token", &format!("the request to cluster {:?} carries no session token", cluster.as_str()))
}

pub(super) fn not_for_pomerium() -> Refusal {
    unauthorized("token-type", "this path takes tokens of pomerium-cli only")
}

pub(super) fn invalid_token(error: InvalidToken) -> Refusal {
    unauthorized(error.code(), &error.to_string())
}

pub(super) fn unauthorized(reason: &'static str, why: &str) -> Refusal {
    let message = format!("kubegate: {why}; sign in again (kubegate login)");
    Refusal::new(Kind::Unauthorized, reason, message)
}

pub(super) fn gateway_credential(cluster: &str) -> Refusal {
    let message = format!(
        "kubegate: the API server of cluster {cluster:?} does not accept the gateway's own credential (its service account \
         token is missing, wrong or expired). Signing in again does not help: tell those who run the gateway"
    );
    Refusal::new(Kind::BadGateway, "gateway-credential", message)
}

pub(super) fn may_not_assume(claims: &SessionClaims, what: &str) -> Refusal {
    let SessionClaims { user, aud: cluster, .. } = claims;
    let message = format!(
        "kubegate: {user:?} may not impersonate {what} on cluster {:?}: no rule grants the verb \"impersonate\" on it. \
         Run the command without --as, or ask those who keep the policy",
        cluster.as_str()
    );
    Refusal::new(Kind::Forbidden, "impersonation-not-granted", message)
}

/// A rule would allow it after another sign-in, which a new session token alone does not bring.
pub(super) fn step_up(
    claims: &SessionClaims,
    request: &Attributes<'_>,
    (rule, demand): (&RuleName, &Demand),
    now: Timestamp,
) -> Refusal {
    let asked = forbidden(&claims.user, request);
    let needed = sign_in_needed(claims, rule, demand, now);
    Refusal::new(Kind::Forbidden, STEP_UP, format!("{asked}: {needed}"))
}

/// The same of being somebody else.
pub(super) fn step_up_to_assume(
    claims: &SessionClaims,
    what: &str,
    (rule, demand): (&RuleName, &Demand),
    now: Timestamp,
) -> Refusal {
    let needed = sign_in_needed(claims, rule, demand, now);
    let message = format!("kubegate: {:?} may not impersonate {what}: {needed}", claims.user);
    Refusal::new(Kind::Forbidden, STEP_UP, message)
}

fn sign_in_needed(claims: &SessionClaims, rule: &RuleName, demand: &Demand, now: Timestamp) -> String {
    let age = now.since(claims.auth_time);
    let fresher = demand
        .auth_max_age
        .filter(|_| !demand.is_fresh(claims, now))
        .map(|most| format!("at most {} old (yours is {} old)", show_duration(Duration::from_secs(most)), rough(age)));
    let stronger = (!demand.is_strong(claims)).then(|| {
        let yours = claims.acr.as_deref().map_or("none".to_owned(), |acr| format!("{acr:?}"));
        format!("of the class {} (yours is {yours})", demand.acr.join(" or "))
    });
    let needed: Vec<String> = fresher.into_iter().chain(stronger).collect();
    format!(
        "the rule {:?} of Kubegate's policy allows it on cluster {:?} with a sign-in {}; run: {}",
        rule.as_str(),
        claims.aud.as_str(),
        needed.join(" and "),
        demand.command(),
    )
}

pub(super) fn not_allowed(
    claims: &SessionClaims,
    request: &Attributes<'_>,
    access: &Access,
    ended: Option<&Elevation>,
    now: Timestamp,
) -> Refusal {
    let asked = forbidden(&claims.user, request);
    let cluster = claims.aud.as_str();
    let (reason, why) = if access.is_concerned() {
        ("no-rule", format!("no rule of Kubegate's policy allows it on cluster {cluster:?}"))
    } else {
        ("no-access", format!("no rule of Kubegate's policy concerns you on cluster {cluster:?}"))
    };
    let ended = ended.map_or_else(String::new, |elevation| {
        format!("; your elevation to {} ended {} ago", elevation.groups.join(", "), rough(now.since(elevation.until)))
    });
    Refusal::new(Kind::Forbidden, reason, format!("{asked}: {why}{ended}; ask those who keep it for access"))
}

pub(super) fn denied(claims: &SessionClaims, request: &Attributes<'_>, rule: &RuleName) -> Refusal {
    let asked = forbidden(&claims.user, request);
    let (rule, cluster) = (rule.as_str(), claims.aud.as_str());
    let why = format!("the rule {rule:?} of Kubegate's policy denies it on cluster {cluster:?}");
    Refusal::new(Kind::Forbidden, "denied", format!("{asked}: {why}; ask those who keep it"))
}

/// What is refused, in the words of Kubernetes' own `Forbidden`, which people know.
fn forbidden(user: &str, request: &Attributes<'_>) -> String {
    if !request.is_resource_request {
        return format!("forbidden: user {user:?} cannot {} path {:?}", echo(&request.verb), echo(&request.path));
    }
    let Attributes { api_group, resource, subresource, namespace, name, .. } = request;
    let name = if name.is_empty() { String::new() } else { format!(" {:?}", echo(name)) };
    let place = if namespace.is_empty() {
        "at the cluster scope".to_owned()
    } else {
        format!("in the namespace {:?}", echo(namespace))
    };
    let resource = if subresource.is_empty() { echo(resource) } else { echo(&format!("{resource}/{subresource}")) };
    let (verb, group) = (echo(request.judged_verb()), echo(api_group));
    format!(
        "{resource}{name} is forbidden: user {user:?} cannot {verb} resource {resource:?} in API group {group:?} {place}"
    )
}

/// API group and resource with its subresource.
pub(super) fn resource_of(request: &Attributes<'_>) -> String {
    let parts = [request.api_group, request.resource, request.subresource];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

fn echo(text: &str) -> String {
    text.chars().take(MAX_ECHO).collect()
}

fn rough(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..120 => format!("{seconds} seconds"),
        seconds @ 120..7200 => format!("{} minutes", seconds / 60),
        seconds => format!("{} hours", seconds / 3600),
    }
}
