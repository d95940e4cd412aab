//! Logout tokens (OpenID Connect Back-Channel Logout 1.0, section 2.4): read, and verified in full.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_core::id::PersonId;
use kubegate_core::time::Timestamp;
use openidconnect::JsonWebKey as _;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeyUse, CoreJwsSigningAlgorithm};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::discovery::Metadata;
use super::error::OidcError;
use super::flow::ALGORITHMS;
use super::{Protocol, Provider};
use crate::config::Kind;
use crate::session::{LEEWAY, LogoutToken};
use crate::store::SecretHash;

/// The longest token that is looked at.
const LONGEST: usize = 8192;

/// The longest id or name in one.
const LONGEST_NAME: usize = 512;

/// How long ago one may have been made, and how long it may be good.
const FRESH: Duration = Duration::from_secs(600);

/// What `events` must have.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Why a logout token is refused.
#[derive(Debug, thiserror::Error)]
pub enum InvalidLogoutToken {
    /// It is no signed JWT of the right type.
    #[error("it is not a signed logout token: {0}")]
    Malformed(&'static str),
    /// Its signature is not the provider's.
    #[error("its signature is not by a key of the provider")]
    Signature,
    /// A claim is missing or wrong.
    #[error("{0} is missing or wrong")]
    Claim(&'static str),
    /// The provider's keys cannot be had.
    #[error(transparent)]
    Provider(#[from] OidcError),
}

#[derive(Deserialize)]
struct Header {
    alg: CoreJwsSigningAlgorithm,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
    #[serde(default)]
    b64: Option<Value>,
}

impl Provider {
    /// Reads a logout token, and verifies everything about it but whether it was taken before. Keys that are not known are
    /// fetched only when `may_fetch`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn logout_token(
        &self,
        token: &str,
        may_fetch: bool,
        now: Timestamp,
    ) -> Result<LogoutToken, InvalidLogoutToken> {
        use InvalidLogoutToken::Malformed;
        if token.len() > LONGEST {
            return Err(Malformed("it is too long"));
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Malformed("it has no signature"))?;
        let (header, payload) = signed.split_once('.').ok_or(Malformed("it is no JWT"))?;
        let header: Header = decoded(header).ok_or(Malformed("its header cannot be read"))?;
        if header.crit.is_some() || header.b64.is_some() {
            return Err(Malformed("its header asks for what is not known here"));
        }
        if !ALGORITHMS.contains(&header.alg) {
            return Err(Malformed("its algorithm is not taken"));
        }
        if !header.typ.as_deref().is_none_or(is_type) {
            return Err(Malformed("it is of another type"));
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| InvalidLogoutToken::Signature)?;
        let genuine = |document: &Metadata| {
            candidates(document, header.kid.as_deref())
                .iter()
                .any(|key| key.verify_signature(&header.alg, signed.as_bytes(), &signature).is_ok())
        };
        let (Protocol::Oidc(discovery), Kind::Oidc(oidc)) = (&self.protocol, &self.settings.kind) else {
            return Err(Malformed("this provider has none"));
        };
        let known = discovery.document().await?;
        let has_key = !candidates(&known, header.kid.as_deref()).is_empty();
        // The provider may have new keys; one that does not say which it uses may, too.
        let renew = may_fetch && (!has_key || (header.kid.is_none() && !genuine(&known)));
        let document = if renew { discovery.renewed().await? } else { known };
        if !genuine(&document) {
            return Err(InvalidLogoutToken::Signature);
        }
        let claims: Map<String, Value> = decoded(payload).ok_or(Malformed("its claims cannot be read"))?;
        self.read(&oidc.issuer, &claims, now).map_err(InvalidLogoutToken::Claim)
    }

    /// The claims, when each is as section 2.6 says.
    fn read(&self, issuer: &str, claims: &Map<String, Value>, now: Timestamp) -> Result<LogoutToken, &'static str> {
        let text = |name| claims.get(name).and_then(Value::as_str).filter(|text| is_name(text));
        let time = |name| claims.get(name).and_then(seconds);
        if claims.get("iss").and_then(Value::as_str) != Some(issuer) {
            return Err("iss");
        }
        let ours = self.settings.client_id.as_str();
        let for_us = match claims.get("aud") {
            Some(Value::String(audience)) => audience == ours,
            Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience.as_str() == Some(ours)),
            _ => false,
        };
        if !for_us {
            return Err("aud");
        }
        let made = time("iat").ok_or("iat")?;
        if made > now.after(LEEWAY) || now.since(made) > FRESH {
            return Err("iat");
        }
        let ends = time("exp").ok_or("exp")?;
        if now >= ends.after(LEEWAY) {
            return Err("exp");
        }
        if time("nbf").is_some_and(|from| from > now.after(LEEWAY)) {
            return Err("nbf");
        }
        let event = claims.get("events").and_then(Value::as_object).and_then(|events| events.get(EVENT));
        if !event.is_some_and(Value::is_object) {
            return Err("events");
        }
        if claims.contains_key("nonce") {
            return Err("nonce (which no logout token has)");
        }
        let jti = text("jti").ok_or("jti")?;
        for name in ["sid", "sub"] {
            if claims.contains_key(name) && text(name).is_none() {
                return Err(name);
            }
        }
        let (sid, subject) = (text("sid"), text("sub"));
        if sid.is_none() && subject.is_none() {
            return Err("sid or sub");
        }
        Ok(LogoutToken {
            provider: self.id().to_owned(),
            sid: sid.map(str::to_owned),
            person: subject.map(|subject| PersonId::from(format!("{}:{subject}", self.id()))),
            jti: SecretHash::of(jti),
            until: made.after(FRESH).after(LEEWAY),
        })
    }
}

/// The keys that may have signed a token whose header names `kid`.
fn candidates<'a>(document: &'a Metadata, kid: Option<&str>) -> Vec<&'a CoreJsonWebKey> {
    let signs = |key: &&CoreJsonWebKey| key.key_use().is_none_or(|used| *used == CoreJsonWebKeyUse::Signature);
    let named = |key: &&CoreJsonWebKey| kid.is_none_or(|kid| key.key_id().is_some_and(|id| id.as_str() == kid));
    document.jwks().keys().iter().filter(signs).filter(named).take(16).collect()
}

/// Whether a `typ` may be a logout token's. It need not say so: section 2.4 recommends `logout+jwt`, and what was written
/// before that says `JWT`.
fn is_type(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    matches!(typ.strip_prefix("application/").unwrap_or(&typ), "logout+jwt" | "jwt")
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_NAME
}

fn decoded<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// A `NumericDate`, which may have a fraction.
fn seconds(value: &Value) -> Option<Timestamp> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within range, and only whole seconds count"
    )]
    let whole = |seconds: f64| (0.0..1e12).contains(&seconds).then_some(seconds as u64);
    value.as_u64().or_else(|| value.as_f64().and_then(whole)).map(Timestamp::from_seconds)
}
