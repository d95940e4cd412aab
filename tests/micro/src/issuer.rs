//! Tokens and bundles that are the same in every run.

use std::time::Duration;

use anyhow::{Result, anyhow};
use kubegate_core::authoring;
use kubegate_core::bundle::{ChangesDocument, LiveEntries, PolicyDocument, Version, WholeBundle};
use kubegate_core::gateway::Gateway;
use kubegate_core::jws::{Keys, SigningKey};
use kubegate_core::time::Timestamp;
use kubegate_core::token::{SESSION_TYPE, SessionClaims};
use serde_json::json;

use crate::company::{CLUSTER, Company, Subject, policy_file};

/// The issuer.
pub(crate) const URL: &str = "https://kubegate.example.com";

/// The time.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

const LIFETIME: Duration = Duration::from_secs(600);

fn token_key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

fn bundle_key() -> SigningKey {
    SigningKey::from_seed([2; 32])
}

/// What verifies tokens.
pub(crate) fn token_keys() -> Result<Keys> {
    Ok(Keys::new([token_key().public()])?)
}

/// What stands in the subject's session token.
pub(crate) fn claims() -> Result<SessionClaims> {
    Ok(serde_json::from_value(json!({
        "iss": URL, "sub": "accounts:mila", "aud": CLUSTER,
        "exp": NOW.after(LIFETIME), "nbf": NOW.before(LIFETIME), "iat": NOW,
        "jti": "2f0c6a1b9d", "sid": "7e41b08c55", "session_exp": NOW.after(LIFETIME * 6), "auth_time": NOW,
        "provider": "accounts", "user": Subject::USER, "groups": Subject::GROUPS,
    }))?)
}

/// That session token.
pub(crate) fn token() -> Result<String> {
    Ok(token_key().sign(SESSION_TYPE, &claims()?)?)
}

/// A gateway that has no bundle yet.
pub(crate) fn gateway() -> Gateway {
    let keys = Keys::new([bundle_key().public()]).unwrap_or_default();
    Gateway::new(URL.to_owned(), keys, LIFETIME)
}

/// The bundle of a company with so many rules.
pub(crate) fn bundle(rules: usize) -> Result<WholeBundle> {
    let text = policy_file(&Company::new(rules).rules());
    let policy = authoring::parse("policy", &text, &|_| Ok(Vec::new())).map_err(|problems| anyhow!("{problems}"))?;
    let version = Version { epoch: 1, counter: 1 };
    let document = PolicyDocument {
        issuer: URL.to_owned(),
        version,
        keys: vec![token_key().public().clone()],
        clusters: policy.clusters,
        parts: Vec::new(),
        pomerium: None,
    };
    let expires_at = Some(NOW.after(LIFETIME));
    let changes = ChangesDocument { version, issued_at: NOW, expires_at, ..ChangesDocument::default() };
    Ok(WholeBundle::sign(&bundle_key(), document, &policy.rules, LiveEntries::default(), changes)?)
}
