//! How tokens are made of sessions.

use std::sync::Arc;
use std::time::Duration;

use kubegate_core::bundle::Version;
use kubegate_core::id::ClusterName;
use kubegate_core::policy::Policy;
use kubegate_core::time::Timestamp;
use kubegate_core::token::{
    ACCESS_TYPE, AccessClaims, MAX_GROUPS, MAX_TOKEN, POMERIUM_TYPE, SERVICE_ACCOUNTS, SESSION_TYPE, SessionClaims,
    TokenKind, VerifiedToken,
};

use super::TokenKeys;
use crate::person::Identity;
use crate::random::{self, RandomError};
use crate::store::session::Session;

/// How far tokens are back-dated, for gateways whose clocks are behind.
const BACKDATE: Duration = Duration::from_secs(30);

/// A token could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// The person has more groups that the policy needs than a token can carry.
    #[error("the token would be {length} characters long, and no more than {MAX_TOKEN} can be sent")]
    TooLarge {
        /// How long it would be.
        length: usize,
    },
    /// The person has more groups than a token carries that cannot be refreshed.
    #[error("the groups are {length} characters long together, and such a token carries no more than {MAX_GROUPS}")]
    TooManyGroups {
        /// How long the groups are together.
        length: usize,
    },
    /// The user name is one of those that are for service accounts.
    #[error("the user name {user:?} is one of those that are for service accounts")]
    ReservedUser {
        /// The user name.
        user: String,
    },
    /// There is no key to sign with.
    #[error("there is no key to sign the token with")]
    NoKey,
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Makes tokens.
#[derive(Clone, Debug)]
pub struct Minter {
    issuer: String,
    keys: Arc<TokenKeys>,
    pomerium_keys: Option<Arc<TokenKeys>>,
    service_account_prefix: Option<String>,
}

impl Minter {
    /// Makes tokens of `issuer`, signed with `keys`.
    #[must_use]
    pub fn new(issuer: String, keys: Arc<TokenKeys>) -> Self {
        Self { issuer, keys, pomerium_keys: None, service_account_prefix: None }
    }

    /// The same that also makes tokens for pomerium-cli with `keys`, and gives user names with `service_account_prefix`
    /// to service accounts alone.
    #[must_use]
    pub fn with_pomerium(self, keys: Arc<TokenKeys>, service_account_prefix: Option<String>) -> Self {
        Self { pomerium_keys: Some(keys), service_account_prefix, ..self }
    }

    /// A session token for one cluster, good until `until`.
    ///
    /// # Errors
    /// When it would be too long, or cannot be signed.
    pub fn session_token(
        &self,
        session: &Session,
        cluster: &ClusterName,
        policy: (&Policy, Version),
        until: Timestamp,
        now: Timestamp,
    ) -> Result<String, MintError> {
        let groups = carried_groups(&session.identity, cluster, policy);
        let claims = self.claims(session, cluster, policy.0, groups, until, now)?;
        sign(&self.keys, SESSION_TYPE, &claims, now)
    }

    /// A token for pomerium-cli, for one cluster and as long as its session: it cannot be refreshed, so it carries all
    /// groups or is not made.
    ///
    /// # Errors
    /// When it would be too long, or cannot be signed.
    pub fn pomerium_token(
        &self,
        session: &Session,
        cluster: &ClusterName,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<String, MintError> {
        let keys = self.pomerium_keys.as_ref().ok_or(MintError::NoKey)?;
        let groups = &session.identity.groups;
        let length = groups.iter().map(String::len).sum();
        if length > MAX_GROUPS {
            return Err(MintError::TooManyGroups { length });
        }
        let claims = self.claims(session, cluster, policy, (groups.clone(), None), session.expires_at, now)?;
        sign(keys, POMERIUM_TYPE, &claims, now)
    }

    /// Reads a token for pomerium-cli on `cluster`; `None` when it is no good now.
    #[must_use]
    pub fn verify_pomerium(&self, token: &str, cluster: &ClusterName, now: Timestamp) -> Option<SessionClaims> {
        let keys = self.pomerium_keys.as_ref()?.verifying(now);
        let token = VerifiedToken::verify_kind(token, TokenKind::Pomerium, &keys, &self.issuer).ok()?;
        token.check(cluster, &keys, now).ok()?;
        Some(token.claims)
    }

    /// Until when no other keys sign tokens for pomerium-cli than those that are published now; `None` when none do.
    #[must_use]
    pub fn pomerium_covered_until(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.pomerium_keys.as_ref()?.covered_until(now))
    }

    fn claims(
        &self,
        session: &Session,
        cluster: &ClusterName,
        policy: &Policy,
        (groups, groups_policy): (Vec<String>, Option<Version>),
        until: Timestamp,
        now: Timestamp,
    ) -> Result<SessionClaims, MintError> {
        let identity = &session.identity;
        let reserved = self.service_account_prefix.as_ref().is_some_and(|prefix| identity.user.starts_with(prefix));
        if reserved && identity.provider != SERVICE_ACCOUNTS {
            return Err(MintError::ReservedUser { user: identity.user.clone() });
        }
        let claims = policy.claim_keys().iter().map(|key| {
            let value = identity.claims.get(key).cloned().unwrap_or_default();
            (key.clone(), value)
        });
        Ok(SessionClaims {
            iss: self.issuer.clone(),
            sub: identity.person(),
            aud: cluster.clone(),
            exp: until,
            nbf: now.before(BACKDATE),
            iat: now,
            jti: random::id("t_")?,
            sid: session.id.clone(),
            session_exp: session.expires_at,
            auth_time: session.auth_time,
            provider: identity.provider.clone(),
            user: identity.user.clone(),
            uid: identity.uid.clone(),
            email: identity.email.clone(),
            groups,
            groups_policy,
            claims: claims.collect(),
            acr: identity.acr.clone(),
            amr: identity.amr.clone(),
        })
    }

    /// An access token for the control plane's own API (RFC 9068), good until `until`.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn access_token(&self, session: &Session, until: Timestamp, now: Timestamp) -> Result<String, MintError> {
        let claims = AccessClaims {
            iss: self.issuer.clone(),
            sub: session.identity.person(),
            aud: self.issuer.clone(),
            exp: until,
            nbf: now.before(BACKDATE),
            iat: now,
            jti: random::id("t_")?,
            sid: session.id.clone(),
            user: session.identity.user.clone(),
        };
        self.keys.sign(ACCESS_TYPE, &claims, now).ok_or(MintError::NoKey)
    }

    /// Reads an access token for our own API; `None` when it is no good now.
    #[must_use]
    pub fn verify_access(&self, token: &str, now: Timestamp) -> Option<AccessClaims> {
        let keys = self.keys.verifying(now);
        let (claims, _): (AccessClaims, _) = kubegate_core::jws::verify(token, ACCESS_TYPE, &keys, MAX_TOKEN).ok()?;
        let ours = claims.iss == self.issuer && claims.aud == self.issuer;
        (ours && claims.nbf <= now && now < claims.exp).then_some(claims)
    }
}

fn sign(keys: &TokenKeys, typ: &str, claims: &SessionClaims, now: Timestamp) -> Result<String, MintError> {
    let token = keys.sign(typ, claims, now).ok_or(MintError::NoKey)?;
    if token.len() > MAX_TOKEN {
        return Err(MintError::TooLarge { length: token.len() });
    }
    Ok(token)
}

/// All groups while they fit; beyond that those that the policy names or passes on, with its version.
fn carried_groups(
    identity: &Identity,
    cluster: &ClusterName,
    (policy, version): (&Policy, Version),
) -> (Vec<String>, Option<Version>) {
    let length: usize = identity.groups.iter().map(String::len).sum();
    if length <= MAX_GROUPS {
        return (identity.groups.clone(), None);
    }
    (policy.relevant_groups(&identity.as_rules_see(), cluster), Some(version))
}
