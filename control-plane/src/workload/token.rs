//! The token that a workload shows: a JWT of another issuer (RFC 7519), read strictly before anything is believed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_core::time::Timestamp;
use openidconnect::core::CoreJwsSigningAlgorithm;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::session::LEEWAY;

/// The longest token that is looked at.
pub const MAX_LENGTH: usize = 16 * 1024;

/// The longest header segment that is looked at.
const MAX_HEADER: usize = 2048;

/// Claims that only tokens about people and their sign-ins have.
const OF_PEOPLE: [&str; 6] = ["nonce", "at_hash", "c_hash", "s_hash", "auth_time", "events"];

/// What is wrong with a token, whoever's it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// It is longer than any.
    #[error("it is longer than {MAX_LENGTH} characters")]
    TooLong,
    /// It is not a JWT.
    #[error("it is not a JWT")]
    Malformed,
    /// Its `typ` is that of another kind of token.
    #[error("its type is {0:?}, which is no token of a workload")]
    Type(String),
    /// It is signed with something else than an asymmetric algorithm, or not at all.
    #[error(
        "its algorithm {0:?} is none that is taken (RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA)"
    )]
    Algorithm(String),
    /// It does not name its key.
    #[error("its header names no key (kid)")]
    NoKey,
    /// Its header demands what is not understood here (RFC 7515 section 4.1.11).
    #[error("its header has crit")]
    Critical,
    /// A claim that has to be there is missing or of another type.
    #[error("its claim {0} is missing, or not what it should be")]
    Claim(&'static str),
    /// It is for several audiences, so each of them could show it here.
    #[error("it is for several audiences; one of Kubegate's alone has to be in aud")]
    Audiences,
    /// It is about a person's sign-in.
    #[error("it has the claim {0}, so it is about a person's sign-in; people sign in with kubegate login")]
    OfAPerson(&'static str),
    /// It has ended.
    #[error("it has ended (exp); ask its issuer for a new one")]
    Expired,
    /// It counts only later.
    #[error("it counts only later (nbf, iat); compare the clocks")]
    TooEarly,
    /// It lives too long.
    #[error("it lives longer than {} (exp), the most that is taken from this issuer", kubegate_core::time::show_duration(*.0))]
    LivesTooLong(Duration),
}

/// A token that has the form of one; nothing of it is believed yet.
#[derive(Debug)]
pub struct Shown<'a> {
    /// What is signed.
    pub(super) signed: &'a str,
    /// The signature.
    pub(super) signature: Vec<u8>,
    /// The algorithm, one of those that are taken.
    pub(super) algorithm: CoreJwsSigningAlgorithm,
    /// The key that it names.
    pub(super) kid: String,
    /// Its claims.
    pub(super) claims: Map<String, Value>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

impl<'a> Shown<'a> {
    /// Reads a token.
    ///
    /// # Errors
    /// Why it is none that a workload could show.
    pub fn parse(token: &'a str) -> Result<Self, InvalidToken> {
        if token.len() > MAX_LENGTH {
            return Err(InvalidToken::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(InvalidToken::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(InvalidToken::Malformed)?;
        if header.len() > MAX_HEADER || payload.contains('.') {
            return Err(InvalidToken::Malformed);
        }
        let decode = |segment: &str| URL_SAFE_NO_PAD.decode(segment).map_err(|_| InvalidToken::Malformed);
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| InvalidToken::Malformed)?;
        if header.crit.is_some() {
            return Err(InvalidToken::Critical);
        }
        if let Some(typ) = header.typ.filter(|typ| !["jwt", "jose"].contains(&typ.to_ascii_lowercase().as_str())) {
            return Err(InvalidToken::Type(typ.chars().take(60).collect()));
        }
        let algorithm =
            algorithm(&header.alg).ok_or_else(|| InvalidToken::Algorithm(header.alg.chars().take(60).collect()))?;
        let kid = header.kid.filter(|kid| !kid.is_empty()).ok_or(InvalidToken::NoKey)?;
        let claims: Map<String, Value> =
            serde_json::from_slice(&decode(payload)?).map_err(|_| InvalidToken::Malformed)?;
        if let Some(claim) = OF_PEOPLE.into_iter().find(|claim| claims.contains_key(*claim)) {
            return Err(InvalidToken::OfAPerson(claim));
        }
        Ok(Self { signed, signature: decode(signature)?, algorithm, kid, claims })
    }

    /// The one audience that it is for.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn audience(&self) -> Result<&str, InvalidToken> {
        match self.claims.get("aud") {
            Some(Value::String(audience)) => Ok(audience),
            Some(Value::Array(audiences)) => match audiences.as_slice() {
                [Value::String(audience)] => Ok(audience),
                [_, _, ..] => Err(InvalidToken::Audiences),
                _ => Err(InvalidToken::Claim("aud")),
            },
            _ => Err(InvalidToken::Claim("aud")),
        }
    }

    /// Who it is about.
    pub(super) fn subject(&self) -> Result<&str, InvalidToken> {
        let subject = self.claims.get("sub").and_then(Value::as_str).filter(|subject| !subject.is_empty());
        subject.ok_or(InvalidToken::Claim("sub"))
    }

    /// When it ends, if it counts at `now` and lives no longer than `most`.
    pub(super) fn until(&self, most: Duration, now: Timestamp) -> Result<Timestamp, InvalidToken> {
        let until = self.moment("exp")?.ok_or(InvalidToken::Claim("exp"))?;
        let (issued, not_before) = (self.moment("iat")?, self.moment("nbf")?);
        let soon = now.after(LEEWAY);
        if until <= now {
            return Err(InvalidToken::Expired);
        }
        if [issued, not_before].into_iter().flatten().any(|from| from > soon) {
            return Err(InvalidToken::TooEarly);
        }
        let from = issued.unwrap_or(now).min(now);
        if until > from.after(most).after(LEEWAY) { Err(InvalidToken::LivesTooLong(most)) } else { Ok(until) }
    }

    /// A NumericDate (RFC 7519 section 2); `None` when it is not there.
    fn moment(&self, claim: &'static str) -> Result<Option<Timestamp>, InvalidToken> {
        let Some(value) = self.claims.get(claim) else { return Ok(None) };
        let seconds = value.as_u64().or_else(|| whole(value.as_f64()?));
        seconds.map(|seconds| Some(Timestamp::from_seconds(seconds))).ok_or(InvalidToken::Claim(claim))
    }
}

/// The whole seconds of a date that is written with a fraction.
fn whole(date: f64) -> Option<u64> {
    const LATEST: f64 = 253_402_300_799.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked")]
    (0.0..=LATEST).contains(&date).then_some(date as u64)
}

fn algorithm(name: &str) -> Option<CoreJwsSigningAlgorithm> {
    use CoreJwsSigningAlgorithm as Known;
    Some(match name {
        "RS256" => Known::RsaSsaPkcs1V15Sha256,
        "RS384" => Known::RsaSsaPkcs1V15Sha384,
        "RS512" => Known::RsaSsaPkcs1V15Sha512,
        "PS256" => Known::RsaSsaPssSha256,
        "PS384" => Known::RsaSsaPssSha384,
        "PS512" => Known::RsaSsaPssSha512,
        "ES256" => Known::EcdsaP256Sha256,
        "ES384" => Known::EcdsaP384Sha384,
        "EdDSA" => Known::EdDsa,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn token(header: &Value, claims: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.c2ln", encode(header), encode(claims))
    }

    fn error(header: &Value, claims: &Value) -> InvalidToken {
        Shown::parse(&token(header, claims)).unwrap_err()
    }

    #[test]
    fn what_is_no_token_of_a_workload_is_refused_before_anything_is_believed() {
        let good = json!({"alg": "RS256", "kid": "k", "typ": "JWT"});
        assert!(Shown::parse(&token(&good, &json!({}))).is_ok());
        assert!(Shown::parse(&token(&json!({"alg": "ES256", "kid": "k", "x5t": "x"}), &json!({}))).is_ok());
        for typ in ["at+jwt", "logout+jwt", "application/at+jwt", "kubegate-session+jwt", "secevent+jwt", ""] {
            let header = json!({"alg": "RS256", "kid": "k", "typ": typ});
            assert_eq!(error(&header, &json!({})), InvalidToken::Type(typ.to_owned()));
        }
        for alg in ["none", "HS256", "HS512", "rs256", "ES256K", ""] {
            let header = json!({"alg": alg, "kid": "k"});
            assert_eq!(error(&header, &json!({})), InvalidToken::Algorithm(alg.to_owned()));
        }
        assert_eq!(error(&json!({"alg": "RS256"}), &json!({})), InvalidToken::NoKey);
        let critical = json!({"alg": "RS256", "kid": "k", "crit": ["b64"], "b64": false});
        assert_eq!(error(&critical, &json!({})), InvalidToken::Critical);
        for claim in OF_PEOPLE {
            assert_eq!(error(&good, &json!({claim: "x"})), InvalidToken::OfAPerson(claim));
        }
        for text in ["", "a", "a.b", "a.b.c", "e30.e30.e30", "e30.e30.e30.e30", "e30.W10.", ".."] {
            assert_eq!(Shown::parse(text).unwrap_err(), InvalidToken::Malformed, "{text}");
        }
        assert_eq!(Shown::parse(&"x".repeat(MAX_LENGTH + 1)).unwrap_err(), InvalidToken::TooLong);
    }

    #[test]
    fn one_audience_exactly() {
        let header = json!({"alg": "RS256", "kid": "k"});
        for (aud, expected) in [
            (json!("a"), Ok("a")),
            (json!(["a"]), Ok("a")),
            (json!(["a", "b"]), Err(InvalidToken::Audiences)),
            (json!(["a", "a"]), Err(InvalidToken::Audiences)),
            (json!([]), Err(InvalidToken::Claim("aud"))),
            (json!([7]), Err(InvalidToken::Claim("aud"))),
            (json!(null), Err(InvalidToken::Claim("aud"))),
        ] {
            let token = token(&header, &json!({"aud": aud}));
            assert_eq!(Shown::parse(&token).unwrap().audience(), expected, "{aud}");
        }
    }

    #[test]
    fn times() {
        let header = json!({"alg": "RS256", "kid": "k"});
        let now = NOW.seconds();
        for (claims, expected) in [
            (json!({"exp": now + 600, "iat": now, "nbf": now}), Ok(now + 600)),
            (json!({"exp": now + 600}), Ok(now + 600)),
            (json!({"exp": 1_800_000_600.5}), Ok(now + 600)),
            (json!({"exp": now}), Err(InvalidToken::Expired)),
            (json!({"exp": now + 600, "iat": now + 59}), Ok(now + 600)),
            (json!({"exp": now + 600, "iat": now + 61}), Err(InvalidToken::TooEarly)),
            (json!({"exp": now + 600, "nbf": now + 61}), Err(InvalidToken::TooEarly)),
            (json!({"exp": now + 3607, "iat": now}), Ok(now + 3607)),
            (json!({"exp": now + 7200, "iat": now}), Err(InvalidToken::LivesTooLong(HOUR))),
            (json!({"exp": now + 60, "iat": now - 86_400}), Err(InvalidToken::LivesTooLong(HOUR))),
            (json!({"exp": now + 7200, "iat": now + 50}), Err(InvalidToken::LivesTooLong(HOUR))),
            (json!({"exp": "soon"}), Err(InvalidToken::Claim("exp"))),
            (json!({"exp": -1}), Err(InvalidToken::Claim("exp"))),
            (json!({"exp": 1e300}), Err(InvalidToken::Claim("exp"))),
            (json!({"iat": now}), Err(InvalidToken::Claim("exp"))),
            (json!({"exp": now + 600, "iat": "x"}), Err(InvalidToken::Claim("iat"))),
        ] {
            let token = token(&header, &claims);
            let until = Shown::parse(&token).unwrap().until(HOUR, NOW);
            assert_eq!(until.map(Timestamp::seconds), expected, "{claims}");
        }
    }
}
