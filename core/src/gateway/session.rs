//! Session tokens that were seen before, and what the policy makes of each.

use std::hash::{BuildHasher as _, RandomState};
use std::rc::Rc;

use serde_json::json;

use super::memo::{Shown, tail};
use super::message;
use super::record::{Record, RecordedPerson};
use super::refused::Refused;
use crate::bundle::{Elevation, PolicyInForce};
use crate::cache::Cache;
use crate::impersonation::{self, Assumed, Header};
use crate::policy::Access;
use crate::rule::Rule;
use crate::status::{Body, Refusal};
use crate::token::{SERVICE_ACCOUNTS, SessionClaims, TokenKind, VerifiedToken};

/// The path on a cluster's host that tells the owner of a session token about it.
pub const SESSION_PATH: &str = "/.kubegate/session";

/// How much memory the remembered sessions may take, in bytes, by estimate.
const MAX_MEMORY: usize = 32 << 20;

/// What a session takes besides its token and what is made of it, in bytes, by estimate.
const OVERHEAD: usize = 1024;

/// A session takes about this many times its token: the token, its claims, the groups, the headers.
const PER_TOKEN_BYTE: usize = 5;

/// The sessions whose tokens were verified under the policy in force.
pub(super) struct Sessions {
    found: Cache<u64, Session>,
    refused: Refused,
    hasher: RandomState,
}

/// A session token that was verified, with what the policy makes of it.
pub(super) struct Session {
    pub(super) token: Rc<VerifiedToken>,
    pub(super) shown: Rc<Shown>,
    own: Standing,
    /// What the elevations of now make of it, and which groups they add.
    elevated: Option<(Vec<String>, Standing)>,
}

/// What a person has on a cluster, and how the API server sees them.
pub(super) struct Standing {
    /// The groups that rules see.
    pub(super) groups: Rc<[String]>,
    pub(super) access: Access,
    pub(super) headers: Rc<[Header]>,
    /// Whether the token carries all that the policy asks for.
    pub(super) is_complete: bool,
    /// The groups that the API server sees, joined by commas.
    seen_groups: Box<str>,
    /// The person, for the access log.
    person: Rc<RecordedPerson>,
    /// Whether the rules say the same of a request at any time and from anywhere.
    pub(super) is_constant: bool,
}

impl Sessions {
    pub(super) fn new() -> Self {
        Self { found: Cache::new(MAX_MEMORY), refused: Refused::default(), hasher: RandomState::new() }
    }

    /// Forgets all tokens, good and bad: there is another policy.
    pub(super) fn forget(&mut self) {
        self.found = Cache::new(MAX_MEMORY);
        self.refused.forget();
    }

    /// How many signatures were verified since this was asked last.
    pub(super) fn take_verified(&mut self) -> u64 {
        self.refused.take_verified()
    }

    /// The verified session of a token that is shown as one of `kind`: remembered, or verified now.
    pub(super) fn find(
        &mut self,
        (kind, token): (TokenKind, &str),
        policy: &PolicyInForce,
        issuer: &str,
    ) -> Result<&mut Session, Refusal> {
        let key = self.hasher.hash_one((kind, tail(token)));
        if !self.found.get(&key).is_some_and(|session| session.shown.is(kind, token)) {
            let verified = self.refused.verify((kind, token), policy.token_keys(kind), issuer);
            let session = Session::of(verified.map_err(message::invalid_token)?, token, policy);
            let weight = token.len().saturating_mul(PER_TOKEN_BYTE).saturating_add(OVERHEAD);
            // An elevation makes a second standing.
            let weight = weight.saturating_add(session.own.weight().saturating_mul(2));
            self.found.insert(key, weight, session);
        }
        self.found.get(&key).ok_or_else(message::no_policy)
    }
}

impl Session {
    fn of(token: VerifiedToken, shown: &str, policy: &PolicyInForce) -> Self {
        let own = Standing::of(&token, token.claims.groups.clone().into(), policy);
        let shown = Rc::new(Shown { kind: token.kind, token: shown.into() });
        Self { token: Rc::new(token), shown, own, elevated: None }
    }

    /// What the person has now, with the groups that elevations add.
    pub(super) fn standing(&mut self, added: &[&str], policy: &PolicyInForce) -> &Standing {
        if added.is_empty() {
            self.elevated = None;
            return &self.own;
        }
        let Self { token, elevated, .. } = self;
        let is_current = elevated.as_ref().is_some_and(|(held, _)| held == added);
        if !is_current {
            *elevated = None;
        }
        let make = || {
            let added: Vec<String> = added.iter().map(|group| (*group).to_owned()).collect();
            let groups = token.claims.groups.iter().chain(&added).cloned().collect();
            let standing = Standing::of(token, groups, policy);
            (added, standing)
        };
        &elevated.get_or_insert_with(make).1
    }
}

impl Standing {
    fn of(token: &VerifiedToken, groups: Rc<[String]>, policy: &PolicyInForce) -> Self {
        let person = token.claims.person_with(&groups);
        let access = policy.policy.access(&person, &token.claims.aud);
        let headers = impersonation::own_headers(&token.claims, &access.groups).into();
        let seen_groups = access.groups.join(",").into();
        let is_complete = is_complete(&token.claims, &groups, policy);
        let person = RecordedPerson::of(&token.claims, &groups).into();
        let is_constant = policy.policy.rules_of(&access).all(Rule::is_constant);
        Self { groups, access, headers, is_complete, seen_groups, person, is_constant }
    }

    /// What the rules add to what stands in the token, in bytes, by estimate.
    fn weight(&self) -> usize {
        let headers =
            self.headers.iter().map(|(name, value)| name.len().saturating_add(value.len()).saturating_add(64));
        headers.fold(self.access.weight(), usize::saturating_add).saturating_add(self.seen_groups.len())
    }

    /// Says in the access log whose session it is.
    pub(super) fn describe(&self, token: &VerifiedToken, record: &mut Record) {
        record.user.clone_from(&token.claims.user);
        record.session = token.claims.sid.to_string();
        record.groups = self.seen_groups.to_string();
        record.person = Some(Rc::clone(&self.person));
    }

    /// Says whom its owner asks to be.
    pub(super) fn describe_assumed(&self, claims: &SessionClaims, assumed: &Assumed, record: &mut Record) {
        record.assumed_user.clone_from(&assumed.user);
        record.groups = assumed.groups.join(",");
        if assumed.uid.is_some() || !assumed.extras.is_empty() {
            let person = RecordedPerson::of(claims, &self.groups);
            record.person = Some(RecordedPerson { assumes_more: true, ..person }.into());
        }
    }

    /// What the owner of a token is told about it.
    pub(super) fn answer(&self, token: &VerifiedToken, elevations: &[&Elevation]) -> Body {
        let claims = &token.claims;
        let elevations: Vec<_> = elevations
            .iter()
            .map(|elevation| json!({"id": elevation.id, "groups": elevation.groups, "until": elevation.until}))
            .collect();
        let text = json!({
            "user": claims.user,
            "groups": self.access.groups,
            "elevations": elevations,
            "cluster": claims.aud,
            "sid": claims.sid,
            "expires_at": claims.exp,
            "session_expires_at": claims.session_exp,
        });
        Body { content_type: "application/json", text: format!("{text}\n") }
    }
}

/// Whether a token carries all that the policy asks for: one that could not carry all groups, or not the claims that
/// today's rules ask of its person, was minted for an older policy, and a new one is needed. A service account has no
/// claims, whatever rules ask for.
pub(super) fn is_complete(claims: &SessionClaims, groups: &[String], policy: &PolicyInForce) -> bool {
    if claims.provider == SERVICE_ACCOUNTS && claims.groups_policy.is_none() {
        return true;
    }
    let asked = policy.policy.claims_asked_of(&claims.person_with(groups), &claims.aud);
    claims.groups_policy.is_none_or(|version| version >= policy.version)
        && asked.iter().all(|claim| claims.claims.contains_key(*claim))
}
