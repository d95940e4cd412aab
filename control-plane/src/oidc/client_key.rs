//! The private key by which we prove to a provider that we are its client (`private_key_jwt`).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kubegate_core::secret::Secret;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// A private key that signs client assertions.
#[derive(Clone)]
pub struct ClientKey {
    key: Arc<Key>,
    id: Option<String>,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A file holds no key that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientKeyError {
    /// Neither PEM nor a JWK.
    #[error("it is neither a private key in PEM form nor a JWK")]
    Format,
    /// A form of key that cannot be read.
    #[error("an EC key has to be in PKCS#8 form")]
    Sec1,
    /// A kind of key that nobody signs with here.
    #[error("it is no RSA key of 2048 to 4096 bits, no P-256 key and no Ed25519 key")]
    Kind,
    /// The key is broken.
    #[error("the key is damaged: {0}")]
    Rejected(String),
}

/// The key could not sign.
#[derive(Debug, thiserror::Error)]
#[error("the client's key could not sign")]
pub struct SignError;

impl ClientKeyError {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Sec1 => "convert it with `openssl pkcs8 -topk8 -nocrypt`",
            _ => "make one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`, or use a JWK",
        }
    }
}

impl From<ring::error::KeyRejected> for ClientKeyError {
    fn from(why: ring::error::KeyRejected) -> Self {
        Self::Rejected(why.to_string())
    }
}

/// The members of a private JWK (RFC 7517, RFC 7518 section 6, RFC 8037).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    crv: Option<String>,
    kid: Option<String>,
    n: Option<String>,
    e: Option<String>,
    d: Option<Secret>,
    p: Option<Secret>,
    q: Option<Secret>,
    dp: Option<Secret>,
    dq: Option<Secret>,
    qi: Option<Secret>,
    x: Option<String>,
    y: Option<String>,
}

impl ClientKey {
    /// Reads a key in PEM form (PKCS#8, or PKCS#1 of RSA) or as a JWK. `id` goes before the JWK's own.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn parse(content: &Secret, id: Option<String>) -> Result<Self, ClientKeyError> {
        let (key, own_id) = if content.expose().trim_start().starts_with('{') {
            let jwk: Jwk = serde_json::from_str(content.expose()).map_err(|_| ClientKeyError::Format)?;
            (from_jwk(&jwk)?, jwk.kid)
        } else {
            (from_pem(content.expose())?, None)
        };
        Ok(Self { key: Arc::new(key), id: id.or(own_id) })
    }

    /// The algorithm, by its JOSE name.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match *self.key {
            Key::Rsa(_) => "RS256",
            Key::P256(_) => "ES256",
            Key::Ed25519(_) => "EdDSA",
        }
    }

    /// A JWT of `claims`.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn sign(&self, claims: &Value) -> Result<Secret, SignError> {
        let mut header = json!({"alg": self.algorithm(), "typ": "JWT"});
        if let (Some(id), Some(header)) = (&self.id, header.as_object_mut()) {
            header.insert("kid".to_owned(), json!(id));
        }
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(&header), encode(claims));
        let signature = self.signature(message.as_bytes())?;
        Ok(Secret::from(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }

    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let random = SystemRandom::new();
        match &*self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(|_| SignError)?;
                Ok(signature)
            }
            Key::P256(key) => Ok(key.sign(&random, message).map_err(|_| SignError)?.as_ref().to_vec()),
            Key::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
        }
    }
}

impl std::fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientKey").field("algorithm", &self.algorithm()).field("id", &self.id).finish_non_exhaustive()
    }
}

fn from_pem(text: &str) -> Result<Key, ClientKeyError> {
    match PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| ClientKeyError::Format)? {
        PrivateKeyDer::Pkcs1(der) => Ok(Key::Rsa(Box::new(RsaKeyPair::from_der(der.secret_pkcs1_der())?))),
        PrivateKeyDer::Pkcs8(der) => from_pkcs8(der.secret_pkcs8_der()),
        PrivateKeyDer::Sec1(_) => Err(ClientKeyError::Sec1),
        _ => Err(ClientKeyError::Kind),
    }
}

fn from_pkcs8(der: &[u8]) -> Result<Key, ClientKeyError> {
    if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
        return Ok(Key::Ed25519(key));
    }
    if let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new()) {
        return Ok(Key::P256(key));
    }
    RsaKeyPair::from_pkcs8(der).map(|key| Key::Rsa(Box::new(key))).map_err(|_| ClientKeyError::Kind)
}

fn from_jwk(jwk: &Jwk) -> Result<Key, ClientKeyError> {
    match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => {
            let components = ring::rsa::KeyPairComponents {
                public_key: ring::rsa::PublicKeyComponents { n: open(&jwk.n)?, e: open(&jwk.e)? },
                d: secret(&jwk.d)?,
                p: secret(&jwk.p)?,
                q: secret(&jwk.q)?,
                dP: secret(&jwk.dp)?,
                dQ: secret(&jwk.dq)?,
                qInv: secret(&jwk.qi)?,
            };
            Ok(Key::Rsa(Box::new(RsaKeyPair::from_components(&components)?)))
        }
        ("EC", Some("P-256")) => {
            let point = [vec![4], open(&jwk.x)?, open(&jwk.y)?].concat();
            let key = EcdsaKeyPair::from_private_key_and_public_key(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                &secret(&jwk.d)?,
                &point,
                &SystemRandom::new(),
            )?;
            Ok(Key::P256(key))
        }
        ("OKP", Some("Ed25519")) => {
            let key = Ed25519KeyPair::from_seed_unchecked(&secret(&jwk.d)?)?;
            match &jwk.x {
                Some(_) if open(&jwk.x)? != key.public_key().as_ref() => {
                    Err(ClientKeyError::Rejected("`x` does not belong to `d`".to_owned()))
                }
                _ => Ok(Key::Ed25519(key)),
            }
        }
        _ => Err(ClientKeyError::Kind),
    }
}

fn open(member: &Option<String>) -> Result<Vec<u8>, ClientKeyError> {
    member.as_ref().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()).ok_or(ClientKeyError::Format)
}

fn secret(member: &Option<Secret>) -> Result<Zeroizing<Vec<u8>>, ClientKeyError> {
    let decoded = member.as_ref().and_then(|text| URL_SAFE_NO_PAD.decode(text.expose()).ok());
    decoded.map(Zeroizing::new).ok_or(ClientKeyError::Format)
}
