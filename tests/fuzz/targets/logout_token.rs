//! What anybody may post as a provider's logout token: any text; and, as text that is a JSON object, claims in place of
//! good ones under a signature of the provider's. The file of the control plane is taken as it is.
#![no_main]

#[path = "../../../control-plane/src/oidc/logout_token/document.rs"]
mod document;

use std::sync::LazyLock;
use std::time::Duration;

use document::{Claims, Document, Expected};
use kubegate_core::jws::SigningKey;
use kubegate_fuzz::{NOW, patched};
use libfuzzer_sys::fuzz_target;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use serde_json::{Value, json};

const ISSUER: &str = "https://idp.example.com";
const CLIENT: &str = "kubegate";
const LEEWAY: u64 = 60;
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Those of all kinds that a provider may have; the first signs here.
static KEYS: LazyLock<Vec<CoreJsonWebKey>> = LazyLock::new(|| {
    let ours = json!(key().public());
    let curve = json!({"kty": "EC", "crv": "P-256", "kid": "ec", "use": "sig",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"});
    [ours, curve].map(|key| serde_json::from_value(key).unwrap()).into()
});

fn key() -> SigningKey {
    SigningKey::from_seed([5; 32])
}

fuzz_target!(|text: &str| {
    let Ok(patch @ Value::Object(_)) = serde_json::from_str(text) else {
        assert!(read(text).is_none(), "a token that nobody signed");
        return;
    };
    let claims = patched(good(), &patch);
    let found = read(&key().sign("logout+jwt", &claims).unwrap());
    assert_eq!(found.is_some(), is_good(&claims), "{claims}");
    if let Some(Claims { sid, subject, jti, made }) = found {
        assert_eq!((sid.as_deref(), subject.as_deref()), (claims["sid"].as_str(), claims["sub"].as_str()));
        assert!(jti == claims["jti"] && made <= NOW.after(Duration::from_secs(LEEWAY)));
    }
    let mistaken = key().sign("kubegate-session+jwt", &claims).unwrap();
    assert!(read(&mistaken).is_none(), "a token of another kind");
});

fn read(token: &str) -> Option<Claims> {
    let algorithms = [
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        CoreJwsSigningAlgorithm::EdDsa,
    ];
    let document = Document::parse(token, &algorithms).ok()?;
    let expected = Expected { issuer: ISSUER, client_id: CLIENT, leeway: Duration::from_secs(LEEWAY), now: NOW };
    let claims = document.claims(&KEYS, &expected).ok()?;
    assert!(document.is_signed_by(&KEYS) && document.has_key(&KEYS) && document.names_key());
    Some(claims)
}

fn good() -> Value {
    let now = NOW.seconds();
    json!({"iss": ISSUER, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": "j", "sub": "ann", "sid": "s",
        "events": {EVENT: {}}})
}

/// OpenID Connect Back-Channel Logout 1.0, section 2.6.
fn is_good(claims: &Value) -> bool {
    let now = NOW.seconds() as f64;
    let leeway = LEEWAY as f64;
    // Whole seconds, however many, or a number with a fraction that a date may be.
    let whole = |value: &Value| value.as_u64().map(|seconds| seconds as f64);
    let fraction = |value: &Value| value.as_f64().filter(|seconds| (0.0..1e12).contains(seconds)).map(f64::trunc);
    let time = |name: &str| whole(&claims[name]).or_else(|| fraction(&claims[name]));
    let name = |name: &str| claims[name].as_str().is_some_and(|text| !text.is_empty() && text.len() <= 512);
    let absent = |name: &str| claims.get(name).is_none();
    let audience = &claims["aud"];
    let is_recent = |made: f64| made <= now + leeway && made >= now - 600.0;
    claims["iss"] == ISSUER
        && (audience == CLIENT || audience.as_array().is_some_and(|list| list.contains(&CLIENT.into())))
        && time("iat").is_some_and(is_recent)
        && time("exp").is_some_and(|ends| ends + leeway > now)
        && time("nbf").is_none_or(|from| from <= now + leeway)
        && claims["events"][EVENT].is_object()
        && absent("nonce")
        && name("jti")
        && (name("sid") || absent("sid"))
        && (name("sub") || absent("sub"))
        && (name("sid") || name("sub"))
}
