//! A good token, and tokens made from it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_core::jws::SigningKey;
use kubegate_core::token::{SESSION_TYPE, SessionClaims};
use kubegate_tests::issuer::{Issuer, fresh_key};
use kubegate_tests::world::CLUSTER;
use ring::signature::Ed25519KeyPair;
use serde_json::{Value, json};

/// A token of somebody who may see the pod, and what it is made of.
pub(super) struct Good<'i> {
    pub(super) issuer: &'i Issuer,
    pub(super) token: String,
    claims: SessionClaims,
}

impl<'i> Good<'i> {
    /// Another one for each `id`.
    pub(super) fn new(issuer: &'i Issuer, id: &str) -> Self {
        let claims = SessionClaims { jti: id.to_owned(), ..issuer.claims(CLUSTER, "alice@example.com", &ADMINS) };
        Self { issuer, token: issuer.token_key.sign(SESSION_TYPE, &claims).unwrap(), claims }
    }

    /// Its claims.
    pub(super) fn claims(&self) -> SessionClaims {
        self.claims.clone()
    }

    /// Its header, claims and signature as they stand in it.
    pub(super) fn parts(&self) -> [&str; 3] {
        self.token.split('.').collect::<Vec<_>>().try_into().unwrap()
    }

    /// The id of the key that signed it.
    pub(super) fn kid(&self) -> &str {
        self.issuer.token_key.public().kid().as_str()
    }

    /// Its public key, as a JWK.
    pub(super) fn jwk(&self) -> Value {
        json!(self.issuer.token_key.public())
    }

    /// Its header with one member changed or added.
    pub(super) fn header_with(&self, name: &str, value: impl Into<Value>) -> String {
        let mut header = json!({"alg": "EdDSA", "typ": SESSION_TYPE, "kid": self.kid()});
        header[name] = value.into();
        header.to_string()
    }

    /// Its header without one member.
    pub(super) fn header_without(&self, name: &str) -> String {
        let mut header = json!({"alg": "EdDSA", "typ": SESSION_TYPE, "kid": self.kid()});
        header.as_object_mut().unwrap().remove(name).unwrap();
        header.to_string()
    }

    /// Its claims as text, with one changed or added.
    pub(super) fn claims_with(&self, name: &str, value: impl Into<Value>) -> String {
        let mut claims = json!(self.claims);
        claims[name] = value.into();
        claims.to_string()
    }

    /// Its claims as text, beginning with these members: JSON that no library would write.
    pub(super) fn claims_after(&self, members: &str) -> String {
        let claims = json!(self.claims).to_string();
        format!("{{{members},{}", &claims[1..])
    }

    /// The same with `from` once replaced by `to`.
    pub(super) fn claims_where(&self, from: &str, to: &str) -> String {
        let claims = json!(self.claims).to_string();
        assert_eq!(claims.matches(from).count(), 1, "{from} in {claims}");
        claims.replace(from, to)
    }

    /// Signed with its key: a header and claims of any bytes.
    pub(super) fn signed(&self, header: &str, claims: impl AsRef<[u8]>) -> String {
        signed_by(&self.issuer.token_key, &encode(header), &encode(claims))
    }

    /// Signed with its key: another header, however it is encoded.
    pub(super) fn header_signed(&self, header: &str) -> String {
        signed_by(&self.issuer.token_key, &encode(header), self.parts()[1])
    }

    /// Signed with its key: other claims.
    pub(super) fn claims_signed(&self, claims: impl AsRef<[u8]>) -> String {
        signed_by(&self.issuer.token_key, self.parts()[0], &encode(claims))
    }

    /// The same claims, with one of them otherwise.
    pub(super) fn but(&self, change: impl FnOnce(&mut SessionClaims)) -> String {
        let mut claims = self.claims();
        change(&mut claims);
        self.issuer.token_key.sign(SESSION_TYPE, &claims).unwrap()
    }

    /// Its signature's bytes, changed.
    pub(super) fn signature(&self, change: impl FnOnce(&mut Vec<u8>)) -> String {
        let [header, claims, signature] = self.parts();
        let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
        change(&mut bytes);
        format!("{header}.{claims}.{}", encode(bytes))
    }

    /// Another header, and a key of the attacker's that signs.
    pub(super) fn attackers(&self, header: impl FnOnce(&SigningKey) -> String) -> String {
        let key = fresh_key().unwrap();
        signed_by(&key, &encode(header(&key)), self.parts()[1])
    }
}

const ADMINS: [&str; 1] = ["platform-admins"];

/// A part of a token.
pub(super) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Two parts, whatever they are, and the right signature of a key.
pub(super) fn signed_by(key: &SigningKey, header: &str, claims: &str) -> String {
    let pair = Ed25519KeyPair::from_seed_unchecked(key.seed()).unwrap();
    let signature = pair.sign(format!("{header}.{claims}").as_bytes());
    format!("{header}.{claims}.{}", encode(signature))
}

/// The same with a shared secret.
pub(super) fn hs256(good: &Good<'_>, secret: &[u8]) -> String {
    let [_, claims, _] = good.parts();
    let signed = format!("{}.{claims}", encode(good.header_with("alg", "HS256")));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
    format!("{signed}.{}", encode(ring::hmac::sign(&key, signed.as_bytes())))
}

/// The same with a key of the attacker's on P-256.
pub(super) fn es256(header: &str, claims: &str) -> String {
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING as ES256, EcdsaKeyPair};
    let random = ring::rand::SystemRandom::new();
    let file = EcdsaKeyPair::generate_pkcs8(&ES256, &random).unwrap();
    let key = EcdsaKeyPair::from_pkcs8(&ES256, file.as_ref(), &random).unwrap();
    let signed = format!("{}.{}", encode(header), encode(claims));
    format!("{signed}.{}", encode(key.sign(&random, signed.as_bytes()).unwrap()))
}
