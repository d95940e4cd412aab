//! A logout token as text: read, its signature and its claims verified. Nothing is asked and nothing is fetched.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_core::time::Timestamp;
use openidconnect::JsonWebKey as _;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeyUse, CoreJwsSigningAlgorithm};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The longest token that is looked at.
const LONGEST: usize = 8192;

/// The longest id or name in one.
const LONGEST_NAME: usize = 512;

/// How long ago one may have been made, and how long it may be good.
pub(super) const FRESH: Duration = Duration::from_secs(600);

/// What `events` must have.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A token whose header was read. It is not verified yet.
pub(super) struct Document<'a> {
    header: Header,
    signed: &'a str,
    signature: Vec<u8>,
}

/// Why a logout token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDocument {
    /// It is no signed JWT of the right type.
    #[error("it is not a signed logout token: {0}")]
    Malformed(&'static str),
    /// Its signature is not the provider's.
    #[error("its signature is not by a key of the provider")]
    Signature,
    /// A claim is missing or wrong.
    #[error("{0} is missing or wrong")]
    Claim(&'static str),
}

/// Who may have made it and for whom, and how the time is judged.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    /// How far clocks may be apart.
    pub(super) leeway: Duration,
    pub(super) now: Timestamp,
}

/// What a token that is right in everything says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Claims {
    /// The provider's own session.
    pub(super) sid: Option<String>,
    /// Whom it is about; one of both is there.
    pub(super) subject: Option<String>,
    /// Its id, which counts once.
    pub(super) jti: String,
    /// When it was made.
    pub(super) made: Timestamp,
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

impl<'a> Document<'a> {
    /// Reads a token that is signed by one of `algorithms`.
    pub(super) fn parse(token: &'a str, algorithms: &[CoreJwsSigningAlgorithm]) -> Result<Self, InvalidDocument> {
        use InvalidDocument::Malformed;
        if token.len() > LONGEST {
            return Err(Malformed("it is too long"));
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Malformed("it has no signature"))?;
        let (header, _) = signed.split_once('.').ok_or(Malformed("it is no JWT"))?;
        let header: Header = decoded(header).ok_or(Malformed("its header cannot be read"))?;
        if header.crit.is_some() || header.b64.is_some() {
            return Err(Malformed("its header asks for what is not known here"));
        }
        if !algorithms.contains(&header.alg) {
            return Err(Malformed("its algorithm is not taken"));
        }
        if !header.typ.as_deref().is_none_or(is_type) {
            return Err(Malformed("it is of another type"));
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| InvalidDocument::Signature)?;
        Ok(Self { header, signed, signature })
    }

    /// Whether it says by which key it is signed.
    pub(super) fn names_key(&self) -> bool {
        self.header.kid.is_some()
    }

    /// Whether any of `keys` may have signed it.
    pub(super) fn has_key(&self, keys: &[CoreJsonWebKey]) -> bool {
        !self.candidates(keys).is_empty()
    }

    /// Whether one of `keys` has signed it.
    pub(super) fn is_signed_by(&self, keys: &[CoreJsonWebKey]) -> bool {
        let (alg, signed) = (&self.header.alg, self.signed.as_bytes());
        self.candidates(keys).iter().any(|key| key.verify_signature(alg, signed, &self.signature).is_ok())
    }

    /// What it says, when one of `keys` has signed it and each claim is as section 2.6 says.
    pub(super) fn claims(&self, keys: &[CoreJsonWebKey], expected: &Expected<'_>) -> Result<Claims, InvalidDocument> {
        if !self.is_signed_by(keys) {
            return Err(InvalidDocument::Signature);
        }
        let claims = self.signed.split_once('.').and_then(|(_, payload)| decoded(payload));
        let claims = claims.ok_or(InvalidDocument::Malformed("its claims cannot be read"))?;
        read(&claims, expected).map_err(InvalidDocument::Claim)
    }

    fn candidates<'k>(&self, keys: &'k [CoreJsonWebKey]) -> Vec<&'k CoreJsonWebKey> {
        let kid = self.header.kid.as_deref();
        let signs = |key: &&CoreJsonWebKey| key.key_use().is_none_or(|used| *used == CoreJsonWebKeyUse::Signature);
        let named = |key: &&CoreJsonWebKey| kid.is_none_or(|kid| key.key_id().is_some_and(|id| id.as_str() == kid));
        keys.iter().filter(signs).filter(named).take(16).collect()
    }
}

fn read(claims: &Map<String, Value>, expected: &Expected<'_>) -> Result<Claims, &'static str> {
    let Expected { issuer, client_id, leeway, now } = *expected;
    let member = |name| claims.get(name).and_then(Value::as_str).filter(|text| is_name(text));
    let time = |name| claims.get(name).and_then(seconds);
    if claims.get("iss").and_then(Value::as_str) != Some(issuer) {
        return Err("iss");
    }
    let for_us = match claims.get("aud") {
        Some(Value::String(audience)) => audience == client_id,
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience.as_str() == Some(client_id)),
        _ => false,
    };
    if !for_us {
        return Err("aud");
    }
    let made = time("iat").ok_or("iat")?;
    if made > now.after(leeway) || now.since(made) > FRESH {
        return Err("iat");
    }
    let ends = time("exp").ok_or("exp")?;
    if now >= ends.after(leeway) {
        return Err("exp");
    }
    if time("nbf").is_some_and(|from| from > now.after(leeway)) {
        return Err("nbf");
    }
    let event = claims.get("events").and_then(Value::as_object).and_then(|events| events.get(EVENT));
    if !event.is_some_and(Value::is_object) {
        return Err("events");
    }
    if claims.contains_key("nonce") {
        return Err("nonce (which no logout token has)");
    }
    let jti = member("jti").ok_or("jti")?;
    for name in ["sid", "sub"] {
        if claims.contains_key(name) && member(name).is_none() {
            return Err(name);
        }
    }
    let [sid, subject] = ["sid", "sub"].map(|name| member(name).map(str::to_owned));
    if sid.is_none() && subject.is_none() {
        return Err("sid or sub");
    }
    Ok(Claims { sid, subject, jti: jti.to_owned(), made })
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
