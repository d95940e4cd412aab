//! Session tokens that were seen before, and what the policy makes of each.

use std::rc::Rc;

use serde_json::json;

use super::{Session, invalid, is_too_long, message};
use crate::bundle::PolicyInForce;
use crate::cache::Cache;
use crate::impersonation;
use crate::jws::InvalidJws;
use crate::policy::Access;
use crate::status::{Body, Refusal};
use crate::token::{InvalidToken, VerifiedToken};

/// The path on a cluster's host that tells the owner of a session token about it.
pub const SESSION_PATH: &str = "/.kubegate/session";

/// The verified session of a token: remembered, or verified now.
pub(super) fn find<'c>(
    tokens: &'c mut Cache<Box<str>, Session>,
    token: &str,
    policy: &PolicyInForce,
    issuer: &str,
    generation: u64,
) -> Result<&'c mut Session, Refusal> {
    if is_too_long(token) {
        return Err(invalid(InvalidToken::Document(InvalidJws::TooLarge)));
    }
    if tokens.get(token).is_none() {
        let verified = VerifiedToken::verify(token, &policy.token_keys, issuer).map_err(invalid)?;
        tokens.insert(token.into(), Session::of(verified, policy, generation));
    }
    let session = tokens.get(token).ok_or_else(message::no_policy)?;
    if session.generation != generation {
        session.renew(policy, generation);
    }
    Ok(session)
}

/// A token that could not carry all groups, or not the claims that today's rules ask for, was minted for an older
/// policy: a new one is needed.
pub(super) fn check_complete(token: &VerifiedToken, policy: &PolicyInForce) -> Result<(), Refusal> {
    let outdated_groups = token.claims.groups_policy.is_some_and(|version| version < policy.version);
    let lacks_claims = policy.policy.claim_keys().iter().any(|key| !token.claims.claims.contains_key(key));
    if outdated_groups || lacks_claims {
        return Err(message::unauthorized(
            "policy-newer-than-token",
            "the policy has changed since your token was issued",
        ));
    }
    Ok(())
}

/// What the owner of a token is told about it.
pub(super) fn describe(session: &Session) -> Body {
    let claims = &session.token.claims;
    let text = json!({
        "user": claims.user,
        "groups": session.access.groups,
        "cluster": claims.aud,
        "sid": claims.sid,
        "expires_at": claims.exp,
        "session_expires_at": claims.session_exp,
    });
    Body { content_type: "application/json", text: format!("{text}\n") }
}

impl Session {
    fn of(token: VerifiedToken, policy: &PolicyInForce, generation: u64) -> Self {
        let mut session =
            Self { token, generation, access: Rc::new(Access::default()), headers: Rc::from([]), groups: Rc::from("") };
        session.renew(policy, generation);
        session
    }

    /// Finds anew what the policy makes of the person.
    fn renew(&mut self, policy: &PolicyInForce, generation: u64) {
        let claims = &self.token.claims;
        let access = policy.policy.access(&claims.person(), &claims.aud);
        self.headers = impersonation::own_headers(claims, &access.groups).into();
        self.groups = access.groups.join(",").into();
        self.access = Rc::new(access);
        self.generation = generation;
    }
}
