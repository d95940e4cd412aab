//! Session tokens that were seen before, and what the policy makes of each.

use std::rc::Rc;

use serde_json::json;

use super::{Record, message};
use crate::bundle::PolicyInForce;
use crate::cache::Cache;
use crate::impersonation::{self, Header};
use crate::policy::Access;
use crate::status::{Body, Refusal};
use crate::token::VerifiedToken;

/// The path on a cluster's host that tells the owner of a session token about it.
pub const SESSION_PATH: &str = "/.kubegate/session";

/// How much memory the remembered sessions may take, in bytes, by estimate.
const MAX_MEMORY: usize = 32 << 20;

/// What a session takes besides its token and what is made of it, in bytes, by estimate.
const OVERHEAD: usize = 1024;

/// A session takes about this many times its token: the token, its claims, the groups, the headers.
const PER_TOKEN_BYTE: usize = 5;

/// The sessions whose tokens were verified under the policy in force.
pub(super) struct Sessions(Cache<Box<str>, Session>);

/// A session token that was verified, with what the policy makes of it.
pub(super) struct Session {
    pub(super) token: Rc<VerifiedToken>,
    pub(super) access: Access,
    pub(super) headers: Rc<[Header]>,
    groups: Box<str>,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self(Cache::new(MAX_MEMORY))
    }

    /// The verified session of a token: remembered, or verified now.
    pub(super) fn find(&mut self, token: &str, policy: &PolicyInForce, issuer: &str) -> Result<&Session, Refusal> {
        let weight = token.len().saturating_mul(PER_TOKEN_BYTE).saturating_add(OVERHEAD);
        let verify =
            || VerifiedToken::verify(token, &policy.token_keys, issuer).map(|token| Session::of(token, policy));
        match self.0.get_or_insert(token, weight, verify) {
            Ok(Some(session)) => Ok(session),
            Ok(None) => Err(message::no_policy()),
            Err(error) => Err(message::invalid_token(error)),
        }
    }
}

impl Session {
    fn of(token: VerifiedToken, policy: &PolicyInForce) -> Self {
        let access = policy.policy.access(&token.claims.person(), &token.claims.aud);
        let headers = impersonation::own_headers(&token.claims, &access.groups).into();
        let groups = access.groups.join(",").into();
        Self { token: Rc::new(token), access, headers, groups }
    }

    /// A token that could not carry all groups, or not the claims that today's rules ask for, was minted for an older
    /// policy: a new one is needed.
    pub(super) fn check_complete(&self, policy: &PolicyInForce) -> Result<(), Refusal> {
        let claims = &self.token.claims;
        let outdated_groups = claims.groups_policy.is_some_and(|version| version < policy.version);
        let lacks_claims = policy.policy.claim_keys().iter().any(|key| !claims.claims.contains_key(key));
        if outdated_groups || lacks_claims {
            let why = "the policy has changed since your token was issued";
            return Err(message::unauthorized("policy-newer-than-token", why));
        }
        Ok(())
    }

    /// Says in the access log whose session it is.
    pub(super) fn describe(&self, record: &mut Record) {
        record.user.clone_from(&self.token.claims.user);
        record.session = self.token.claims.sid.to_string();
        record.groups = self.groups.to_string();
    }

    /// What the owner of a token is told about it.
    pub(super) fn answer(&self) -> Body {
        let claims = &self.token.claims;
        let text = json!({
            "user": claims.user,
            "groups": self.access.groups,
            "cluster": claims.aud,
            "sid": claims.sid,
            "expires_at": claims.exp,
            "session_expires_at": claims.session_exp,
        });
        Body { content_type: "application/json", text: format!("{text}\n") }
    }
}
