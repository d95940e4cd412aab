//! Workloads: who shows a token of an issuer that the configuration trusts is somebody without a sign-in.
//!
//! ```text
//!  shown token ─▶ form (token) ─▶ whose audience? ─▶ issuer or trust domain ─▶ signature (keys)
//!                                                          ─▶ times ─▶ required claims ─▶ first rule that fits (rules)
//! ```
//!
//! The audience alone says by which entry of the configuration a token is judged: no two have the same.

mod keys;
mod rules;
mod token;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use kubegate_core::identity_name;
use kubegate_core::pattern::{Pattern, any_matches};
use kubegate_core::time::Timestamp;
use serde_json::{Map, Value};

pub use self::keys::{KeySource, Unverified};
pub use self::rules::{ClaimMatch, InvalidTemplate, Template, Unnamable};
pub use self::token::{InvalidToken, MAX_LENGTH, Shown};
use crate::oidc::HttpError;
use crate::person::Identity;

/// An issuer of workloads' tokens, as the configuration has it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its id: part of every workload's id, so it never changes.
    pub id: String,
    /// Who issues the tokens.
    pub issued_by: IssuedBy,
    /// Where the keys are.
    pub keys: KeySource,
    /// The certificate authorities (PEM) to check it with, besides the system's.
    pub certificate_authority: Option<String>,
    /// What has to stand in `aud`, alone.
    pub audience: String,
    /// What is put before every user name; never empty.
    pub user_prefix: String,
    /// What is put before every group; never empty.
    pub group_prefix: String,
    /// How long a token may live.
    pub max_token_lifetime: Duration,
    /// What every token must say; at least one claim.
    pub required: Vec<ClaimMatch>,
    /// What comes of a token: the first that fits counts.
    pub rules: Vec<Rule>,
}

/// Who issues tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssuedBy {
    /// Who stands in `iss`.
    Issuer(String),
    /// A SPIFFE trust domain, whose tokens need no `iss`: it stands in `sub`.
    TrustDomain(String),
}

impl fmt::Display for IssuedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issuer(issuer) => f.write_str(issuer),
            Self::TrustDomain(domain) => write!(f, "spiffe://{domain}"),
        }
    }
}

/// What comes of a token that says something.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it must say.
    pub matches: Vec<ClaimMatch>,
    /// The user name, after the prefix.
    pub user: Template,
    /// The groups, with the prefix.
    pub groups: Vec<String>,
    /// The clusters that a token may be had for; all of them when empty.
    pub clusters: Vec<Pattern>,
}

/// A workload whose token is good.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Who it is.
    pub identity: Identity,
    /// When the token that was shown ends.
    pub until: Timestamp,
    clusters: Vec<Pattern>,
}

/// Why a token is not taken.
#[derive(Debug, thiserror::Error)]
pub enum WorkloadError {
    /// Whoever's it is, it is no good.
    #[error(transparent)]
    Token(#[from] InvalidToken),
    /// Nobody is trusted with this audience.
    #[error("its audience (aud) {0:?} is none of those under workloads in the configuration")]
    Audience(String),
    /// The audience is that of another issuer.
    #[error("it is of another issuer than the one that its audience belongs to")]
    Issuer,
    /// The signature is wrong, or could not be checked.
    #[error(transparent)]
    Signature(#[from] Unverified),
    /// A required claim has another value, or is not there.
    #[error("its claim {0:?} is missing or has a value that requiredClaims does not allow")]
    Required(String),
    /// No rule fits.
    #[error("it fits no rule of its issuer")]
    NoRule,
    /// The rule makes no name of it.
    #[error(transparent)]
    Name(#[from] Unnamable),
    /// The subject cannot be carried.
    #[error("its subject (sub) holds a control character or a character outside ASCII, or is too long")]
    Subject,
}

impl WorkloadError {
    /// A stable word for logs and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Token(InvalidToken::Expired) => "expired",
            Self::Token(InvalidToken::OfAPerson(_)) => "of-a-person",
            Self::Token(_) => "bad-token",
            Self::Audience(_) => "wrong-audience",
            Self::Issuer => "wrong-issuer",
            Self::Signature(Unverified::Unavailable(_)) => "issuer-unavailable",
            Self::Signature(_) => "bad-signature",
            Self::Required(_) => "claim-refused",
            Self::NoRule => "no-rule",
            Self::Name(_) | Self::Subject => "bad-user-name",
        }
    }
}

impl Workload {
    /// Whether it may have a token for this cluster.
    #[must_use]
    pub fn may_use(&self, cluster: &str) -> bool {
        self.clusters.is_empty() || any_matches(&self.clusters, cluster)
    }

    /// Whether it may have a token for the control plane's own API.
    #[must_use]
    pub fn may_use_all(&self) -> bool {
        self.clusters.is_empty()
    }
}

/// All issuers of workloads' tokens that are trusted.
#[derive(Default)]
pub struct Workloads(Vec<Issuer>);

struct Issuer {
    settings: Settings,
    keys: keys::Keys,
}

impl Workloads {
    /// The given issuers. Nothing is asked of them before somebody shows a token.
    ///
    /// # Errors
    /// The id of the one whose certificate authorities cannot be used.
    pub(crate) fn new(issuers: Vec<Settings>) -> Result<Self, (String, HttpError)> {
        let issuers = issuers.into_iter().map(|settings| {
            let keys = keys::Keys::new(settings.keys.clone(), settings.certificate_authority.as_deref());
            let keys = keys.map_err(|error| (settings.id.clone(), error))?;
            Ok(Issuer { settings, keys })
        });
        Ok(Self(issuers.collect::<Result<_, _>>()?))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether there is one of this id.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        self.0.iter().any(|issuer| issuer.settings.id == id)
    }

    /// What the configuration says of each.
    pub fn settings(&self) -> impl Iterator<Item = &Settings> {
        self.0.iter().map(|issuer| &issuer.settings)
    }

    /// Their ids.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|issuer| issuer.settings.id.as_str())
    }

    /// Whose token this is.
    ///
    /// # Errors
    /// Why it is not taken.
    pub async fn identify(&self, token: &str, now: Timestamp) -> Result<Workload, WorkloadError> {
        let shown = Shown::parse(token)?;
        let audience = shown.audience()?;
        let issuer = self.0.iter().find(|issuer| issuer.settings.audience == audience);
        let issuer = issuer.ok_or_else(|| WorkloadError::Audience(audience.chars().take(200).collect()))?;
        issuer.settings.check_issuer(&shown)?;
        issuer.keys.verify(&shown).await?;
        issuer.settings.judge(&shown, now)
    }
}

impl Settings {
    fn check_issuer(&self, shown: &Shown<'_>) -> Result<(), WorkloadError> {
        let subject = shown.subject()?;
        let is_theirs = match &self.issued_by {
            IssuedBy::Issuer(issuer) => shown.claims.get("iss").and_then(Value::as_str) == Some(issuer),
            IssuedBy::TrustDomain(domain) => is_of(subject, domain),
        };
        is_theirs.then_some(()).ok_or(WorkloadError::Issuer)
    }

    /// What comes of claims whose signature is good.
    fn judge(&self, shown: &Shown<'_>, now: Timestamp) -> Result<Workload, WorkloadError> {
        let until = shown.until(self.max_token_lifetime, now)?;
        let claims = &shown.claims;
        if let Some(required) = self.required.iter().find(|required| !required.matches(claims)) {
            return Err(WorkloadError::Required(required.claim.clone()));
        }
        let fits = |rule: &&Rule| rule.matches.iter().all(|wanted| wanted.matches(claims));
        let rule = self.rules.iter().find(fits).ok_or(WorkloadError::NoRule)?;
        let subject = shown.subject()?;
        identity_name::check(&subject.replace(',', "")).map_err(|_| WorkloadError::Subject)?;
        let identity = Identity {
            provider: self.id.clone(),
            subject: subject.to_owned(),
            user: rule.user.fill(&self.user_prefix, claims)?,
            uid: identity_name::check(subject).is_ok().then(|| subject.to_owned()),
            email: None,
            groups: rule.groups.clone(),
            claims: kept(claims),
            acr: None,
            amr: Vec::new(),
            credential: None,
        };
        Ok(Workload { identity, until, clusters: rule.clusters.clone() })
    }
}

/// Whether this is a SPIFFE id of a workload in the trust domain (SPIFFE-ID section 2).
fn is_of(subject: &str, domain: &str) -> bool {
    let path = subject.strip_prefix("spiffe://").and_then(|rest| rest.strip_prefix(domain));
    path.is_some_and(|path| path.len() > 1 && path.starts_with('/'))
}

/// Claims about the token rather than the workload; `jti` and times are another in every one.
const PROTOCOL: [&str; 6] = ["iss", "aud", "exp", "iat", "nbf", "jti"];

/// The longest claims that are kept for the policy's rules, as JSON: each of them, and all together.
const LONGEST_CLAIM: usize = 4096;
const LONGEST: usize = 16 * 1024;

/// The claims about the workload, for rules that ask for them.
fn kept(claims: &Map<String, Value>) -> BTreeMap<String, Value> {
    let mut room = LONGEST;
    let about = claims.iter().filter(|(name, value)| {
        let length = name.len() + value.to_string().len();
        let fits = !PROTOCOL.contains(&name.as_str()) && length <= LONGEST_CLAIM.min(room);
        if fits {
            room -= length;
        }
        fits
    });
    about.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trust_domain_is_matched_whole() {
        for (subject, expected) in [
            ("spiffe://prod.example/ns/ci", true),
            ("spiffe://prod.example/", false),
            ("spiffe://prod.example", false),
            ("spiffe://prod.example.evil/ns/ci", false),
            ("spiffe://evil/prod.example/x", false),
            ("https://prod.example/ns", false),
        ] {
            assert_eq!(is_of(subject, "prod.example"), expected, "{subject}");
        }
    }
}
