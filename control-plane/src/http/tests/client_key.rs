//! How we prove to a provider that we are its client.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use kubegate_core::jws::{PrivateJwk, SigningKey};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::Value;

use super::idp::Idp;
use super::oidc::sign_in;
use super::world::World;

const RSA: &str = include_str!("keys/rsa.pem");
const RSA_PUBLIC: &[u8] = include_bytes!("keys/rsa.pub.der");
const EC: &str = include_str!("keys/ec.pem");
const EC_PUBLIC: &[u8] = include_bytes!("keys/ec.pub.point");

/// What the token endpoint is sent by a provider of these fields, whose key file holds `key`.
async fn shown(fields: &str, key: &str) -> (Idp, std::collections::HashMap<String, String>, Option<String>) {
    let idp = Idp::start().await;
    let world = World::with_file("client-key", key, &idp.section_with(fields)).await;
    let answer = sign_in(&mut world.browser(), &idp, "/login").await;
    assert_eq!(answer.status, axum::http::StatusCode::SEE_OTHER, "{}", answer.text);
    let (form, authorization) = idp.shown();
    (idp, form, authorization)
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[tokio::test]
async fn a_key_signs_a_short_lived_assertion_for_the_token_endpoint() {
    let jwk = PrivateJwk::from(&SigningKey::from_seed([3; 32]));
    let jwk = serde_json::to_value(jwk).unwrap();
    let ed_public = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
    let jwk = jwk.to_string();
    type Case<'a> = (&'a str, &'a str, &'a str, &'static dyn VerificationAlgorithm, &'a [u8]);
    let cases: [Case<'_>; 3] = [
        (RSA, ", clientKeyId: one", "RS256", &RSA_PKCS1_2048_8192_SHA256, RSA_PUBLIC),
        (EC, ", clientKeyId: one", "ES256", &ECDSA_P256_SHA256_FIXED, EC_PUBLIC),
        (&jwk, "", "EdDSA", &ED25519, &ed_public),
    ];
    for (key, fields, algorithm, verification, public) in cases {
        let fields = format!(", clientAuthentication: private_key_jwt, clientKeyFile: client-key{fields}");
        let (idp, form, authorization) = shown(&fields, key).await;
        assert_eq!(authorization, None, "{algorithm}");
        assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        assert!(!form.contains_key("client_secret"));
        let [header, payload, signature]: [&str; 3] =
            form["client_assertion"].split('.').collect::<Vec<_>>().try_into().unwrap();
        let message = format!("{header}.{payload}");
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        UnparsedPublicKey::new(verification, public).verify(message.as_bytes(), &signature).unwrap();
        let (header, claims) = (decoded(header), decoded(payload));
        assert_eq!(header["alg"], algorithm);
        if !fields.contains("one") {
            assert!(header["kid"].is_string() || header.get("kid").is_none());
        } else {
            assert_eq!(header["kid"], "one");
        }
        assert_eq!((&claims["iss"], &claims["sub"]), (&"kubegate".into(), &"kubegate".into()));
        assert_eq!(claims["aud"], format!("{}/token", idp.issuer));
        let life = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
        assert!(life <= 70, "{claims}");
        assert!(claims["jti"].as_str().unwrap().len() >= 32, "{claims}");
    }
}

#[tokio::test]
async fn no_assertion_is_used_twice() {
    let idp = Idp::start().await;
    let world = World::with_file("client-key", EC, &idp.section_with(", clientKeyFile: client-key")).await;
    let mut ids = std::collections::HashSet::new();
    for _ in 0..3 {
        sign_in(&mut world.browser(), &idp, "/login").await;
        let assertion = idp.shown().0["client_assertion"].clone();
        ids.insert(decoded(assertion.split('.').nth(1).unwrap())["jti"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn a_secret_goes_where_it_is_told_to() {
    let basic = format!("Basic {}", STANDARD.encode("kubegate:s3cret"));
    for (method, in_form, header) in [
        (", clientAuthentication: client_secret_basic", false, Some(basic.as_str())),
        (", clientAuthentication: client_secret_post", true, None),
        ("", false, Some(basic.as_str())),
    ] {
        let (_, form, authorization) = shown(&format!("{method}, clientSecretFile: client-key"), "s3cret\n").await;
        assert_eq!(form.get("client_secret").map(String::as_str), in_form.then_some("s3cret"), "{method}");
        assert_eq!(authorization.as_deref(), header, "{method}");
    }
    let (_, form, authorization) = shown(", clientAuthentication: none", "").await;
    assert_eq!(authorization, None);
    assert_eq!(form["client_id"], "kubegate");
    assert!(!form.contains_key("client_secret") && !form.contains_key("client_assertion"));
}
