//! Session tokens: what kubectl sends and the filter verifies without asking anybody.
//!
//! A session token is a signed document ([`crate::jws`]) of the type [`SESSION_TYPE`], minted for one cluster. The
//! claims follow RFC 7519 (`iss`, `sub`, `aud`, `exp`, `nbf`, `iat`, `jti`), OpenID Connect (`auth_time`, `acr`, `amr`,
//! `sid`) and our own.

mod claim_map;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::bundle::Version;
use crate::id::{ClusterName, KeyId, PersonId, SessionId};
use crate::identity_name::{self, InvalidName};
use crate::jws::{InvalidJws, Keys, Sealed};
use crate::rule::Person;
use crate::time::Timestamp;

/// The `typ` of a session token, accepted on a cluster's host and nowhere else.
pub const SESSION_TYPE: &str = "kubegate-session+jwt";

/// The `typ` of an access token for the control plane itself (RFC 9068).
pub const ACCESS_TYPE: &str = "at+jwt";

/// The `typ` of a token for pomerium-cli, which cannot refresh: it lives as long as its session. Its keys are its own.
pub const POMERIUM_TYPE: &str = "kubegate-pomerium+jwt";

/// What stands before a token of that type in `Authorization: Bearer`, and before no other.
pub const POMERIUM_PREFIX: &str = "Pomerium-";

/// The provider id of service accounts, which no identity provider may have.
pub const SERVICE_ACCOUNTS: &str = "service-accounts";

/// The longest token, in characters. Envoy takes at most 60 KiB of headers by default.
pub const MAX_TOKEN: usize = 16 * 1024;

/// How much of the groups' text a token carries before only the relevant ones are, in bytes.
pub const MAX_GROUPS: usize = 4096;

/// How far the issuer's clock may be ahead of the filter's.
pub const LEEWAY: Duration = Duration::from_secs(30);

/// Which of the tokens for a cluster it is. Each has a `typ`, keys and a way to be shown of its own, and counts in no
/// other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A session token ([`SESSION_TYPE`]).
    #[default]
    Session,
    /// A token for pomerium-cli ([`POMERIUM_TYPE`]).
    Pomerium,
}

impl TokenKind {
    /// The `typ` in its header.
    #[must_use]
    pub fn typ(self) -> &'static str {
        match self {
            Self::Session => SESSION_TYPE,
            Self::Pomerium => POMERIUM_TYPE,
        }
    }
}

/// The claims of a session token, as they stand in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SessionClaims {
    /// The control plane's public URL.
    pub iss: String,
    /// The person.
    pub sub: PersonId,
    /// The cluster that the token is for.
    pub aud: ClusterName,
    /// When the token ends for new requests.
    pub exp: Timestamp,
    /// When the token begins; back-dated by the issuer.
    pub nbf: Timestamp,
    /// When it was minted.
    pub iat: Timestamp,
    /// The token's own id.
    pub jti: String,
    /// The session that it was minted from.
    pub sid: SessionId,
    /// When the session ends, for streams that are already open.
    pub session_exp: Timestamp,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// The identity provider's id in the configuration.
    pub provider: String,
    /// The user name that the API server sees.
    pub user: String,
    /// The user's uid, when the provider gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The e-mail address, only when it is verified or the provider is trusted for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Absent when `groups` are all that the person has; else the policy that chose among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups_policy: Option<Version>,
    /// The claims that the policy's rules name; `null` where the person has none.
    #[serde(default, deserialize_with = "claim_map::deserialize")]
    pub claims: BTreeMap<String, serde_json::Value>,
    /// The authentication context class (OpenID Connect).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// The authentication methods (RFC 8176).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
}

impl SessionClaims {
    /// The person as rules see them.
    #[must_use]
    pub fn person(&self) -> Person<'_> {
        self.person_with(&self.groups)
    }

    /// The same with other groups, such as those that an elevation adds.
    #[must_use]
    pub fn person_with<'a>(&'a self, groups: &'a [String]) -> Person<'a> {
        Person { user: &self.user, email: self.email.as_deref(), groups, claims: &self.claims }
    }

    /// Whether every name in it may be handed to an API server.
    fn check(&self) -> Result<(), InvalidToken> {
        identity_name::check(&self.user).map_err(InvalidToken::User)?;
        if identity_name::is_reserved(&self.user) {
            return Err(InvalidToken::ReservedUser);
        }
        let groups = self.groups.iter().map(String::as_str);
        let others = [self.sid.as_str(), &self.provider].into_iter().chain(self.uid.as_deref());
        groups.chain(others).try_for_each(identity_name::check).map_err(InvalidToken::Name)
    }
}

/// The claims of an access token for the control plane's own API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The control plane's public URL.
    pub iss: String,
    /// The person.
    pub sub: PersonId,
    /// The control plane's public URL.
    pub aud: String,
    /// When the token ends.
    pub exp: Timestamp,
    /// When the token begins; back-dated by the issuer.
    pub nbf: Timestamp,
    /// When it was minted.
    pub iat: Timestamp,
    /// The token's own id.
    pub jti: String,
    /// The session that it was minted from.
    pub sid: SessionId,
    /// The mapped user name.
    pub user: String,
}

/// Why a session token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// It is no signed document of the right kind.
    #[error("the session token is not valid: {0}")]
    Document(#[from] InvalidJws),
    /// It was issued by somebody else.
    #[error("the session token was issued by somebody else")]
    Issuer,
    /// It was minted for another cluster.
    #[error("the session token is for another cluster")]
    Audience,
    /// The cluster takes no tokens for pomerium-cli.
    #[error("tokens for pomerium-cli are not taken on this cluster")]
    KindTurnedOff,
    /// It has ended.
    #[error("the session token has expired")]
    Expired,
    /// It has not begun.
    #[error("the session token is not valid yet; compare the clocks of the control plane and the gateway")]
    NotYetValid,
    /// Its user name cannot be used.
    #[error("the session token's user name {0}")]
    User(InvalidName),
    /// Its user name is one of Kubernetes' own.
    #[error("the session token's user name is reserved for Kubernetes")]
    ReservedUser,
    /// A group or another name in it cannot be used.
    #[error("a name in the session token {0}")]
    Name(InvalidName),
}

impl InvalidToken {
    /// A stable word for logs and metrics.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Document(InvalidJws::Algorithm) => "token-algorithm",
            Self::Document(InvalidJws::Type) => "token-type",
            Self::Document(InvalidJws::UnknownKey) => "token-key",
            Self::Document(InvalidJws::Signature) => "token-signature",
            Self::Document(_) => "token-malformed",
            Self::Issuer => "token-issuer",
            Self::Audience => "token-audience",
            Self::KindTurnedOff => "token-kind-off",
            Self::Expired => "token-expired",
            Self::NotYetValid => "token-not-yet-valid",
            Self::User(_) | Self::ReservedUser | Self::Name(_) => "token-name",
        }
    }
}

/// A session token whose signature, type, issuer and names were found good. Its times, its key and its session are
/// judged again at every request ([`VerifiedToken::check`]).
#[derive(Clone, Debug)]
pub struct VerifiedToken {
    /// The claims.
    pub claims: SessionClaims,
    /// The key that signed it.
    pub kid: KeyId,
    /// Which token it is.
    pub kind: TokenKind,
}

impl VerifiedToken {
    /// Verifies everything about a session token that does not change with time.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn verify(token: &str, keys: &Keys, issuer: &str) -> Result<Self, InvalidToken> {
        Self::verify_kind(token, TokenKind::Session, keys, issuer)
    }

    /// The same of a token of one kind, with the keys of that kind.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn verify_kind(token: &str, kind: TokenKind, keys: &Keys, issuer: &str) -> Result<Self, InvalidToken> {
        Self::open(Sealed::read(token, kind.typ(), keys, MAX_TOKEN)?, kind, issuer)
    }

    /// The same of a token that was read already.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn open(token: Sealed<'_>, kind: TokenKind, issuer: &str) -> Result<Self, InvalidToken> {
        let (claims, kid): (SessionClaims, _) = token.open()?;
        if claims.iss != issuer {
            return Err(InvalidToken::Issuer);
        }
        claims.check()?;
        Ok(Self { claims, kid, kind })
    }

    /// Judges what changes: time, the cluster asked for, and whether the key is still trusted.
    ///
    /// # Errors
    /// Why it is refused now.
    pub fn check(&self, cluster: &ClusterName, keys: &Keys, now: Timestamp) -> Result<(), InvalidToken> {
        if self.claims.aud != *cluster {
            return Err(InvalidToken::Audience);
        }
        if now >= self.claims.exp || now >= self.claims.session_exp {
            return Err(InvalidToken::Expired);
        }
        if now.after(LEEWAY) < self.claims.nbf {
            return Err(InvalidToken::NotYetValid);
        }
        if !keys.contains(&self.kid) {
            return Err(InvalidToken::Document(InvalidJws::UnknownKey));
        }
        Ok(())
    }
}
