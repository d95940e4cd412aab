//! Signed documents: JWS compact serialization (RFC 7515) with EdDSA over Ed25519 (RFC 8037), and nothing else.
//!
//! `jsonwebtoken` does the work with a cryptography provider of our own that knows EdDSA alone, so that no other
//! algorithm exists to be confused with. The header is read strictly first: exactly `alg`, `typ` and `kid`, nothing
//! that could name another key (`jwk`, `jku`, `x5u`, `crit` …).

mod provider;
#[cfg(feature = "signing")]
mod signing;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::id::KeyId;
use provider::install_provider;

#[cfg(feature = "signing")]
pub use signing::{PrivateJwk, SigningKey};

/// The longest header segment that is looked at, in characters.
const MAX_HEADER: usize = 1024;

/// Why a signed document is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJws {
    /// It is longer than its kind may be.
    #[error("it is too large")]
    TooLarge,
    /// It is not three base64url segments, or its header is not `{alg, typ, kid}`.
    #[error("it is malformed")]
    Malformed,
    /// It is signed with something else than EdDSA.
    #[error("its algorithm is not EdDSA")]
    Algorithm,
    /// It is a document of another kind.
    #[error("it is of another type")]
    Type,
    /// The key that it names is not trusted.
    #[error("its signing key is not known")]
    UnknownKey,
    /// The signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// The payload is not what this kind carries.
    #[error("its content is not what such a document holds")]
    Payload,
}

/// The public half of a signing key, as a JWK (RFC 7517, RFC 8037 section 2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicKey {
    /// Key type: always `OKP`.
    #[serde(default = "PublicKey::key_type")]
    kty: String,
    /// Curve: always `Ed25519`.
    #[serde(default = "PublicKey::curve")]
    crv: String,
    /// The key's id.
    kid: KeyId,
    /// The public key, base64url.
    x: String,
    /// Algorithm: `EdDSA` when given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    /// Use: `sig` when given.
    #[serde(default, rename = "use", skip_serializing_if = "Option::is_none")]
    usage: Option<String>,
}

impl PublicKey {
    /// A public key from its 32 bytes; its id is the RFC 7638 thumbprint.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let x = URL_SAFE_NO_PAD.encode(bytes);
        Self {
            kid: thumbprint(&x),
            kty: Self::key_type(),
            crv: Self::curve(),
            x,
            alg: Some("EdDSA".to_owned()),
            usage: Some("sig".to_owned()),
        }
    }

    /// The key's id.
    #[must_use]
    pub fn kid(&self) -> &KeyId {
        &self.kid
    }

    fn key_type() -> String {
        "OKP".to_owned()
    }

    fn curve() -> String {
        "Ed25519".to_owned()
    }

    /// The key's bytes, when it is an Ed25519 key on the curve.
    fn bytes(&self) -> Option<[u8; 32]> {
        if self.kty != "OKP" || self.crv != "Ed25519" {
            return None;
        }
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(&self.x).ok()?.try_into().ok()?;
        VerifyingKey::from_bytes(&bytes).is_ok_and(|key| !key.is_weak()).then_some(bytes)
    }
}

/// RFC 7638 over the required members of an OKP key (RFC 8037 section 2).
fn thumbprint(x: &str) -> KeyId {
    use sha2::Digest as _;
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    KeyId::from(URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(members.as_bytes())))
}

/// The keys that are trusted for one kind of document.
#[derive(Clone, Default)]
pub struct Keys(Vec<(KeyId, DecodingKey)>);

/// A key that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key {0:?} is not an Ed25519 public key (kty OKP, crv Ed25519, x base64url of 32 bytes)")]
pub struct InvalidKey(pub KeyId);

impl Keys {
    /// Trusts the given keys.
    ///
    /// # Errors
    /// The first that is no Ed25519 key, or is a weak one.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a PublicKey>) -> Result<Self, InvalidKey> {
        keys.into_iter()
            .map(|key| {
                let bytes = key.bytes().ok_or_else(|| InvalidKey(key.kid.clone()))?;
                Ok((key.kid.clone(), DecodingKey::from_ed_der(&bytes)))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a key of that id is trusted.
    #[must_use]
    pub fn contains(&self, kid: &KeyId) -> bool {
        self.0.iter().any(|(known, _)| known == kid)
    }

    fn find(&self, kid: &str) -> Option<&(KeyId, DecodingKey)> {
        self.0.iter().find(|(known, _)| known.as_str() == kid)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader {
    alg: String,
    typ: String,
    kid: String,
}

/// Verifies a compact JWS of the type `typ`, at most `max_length` characters long, and reads its payload.
///
/// # Errors
/// Why the document is refused.
pub fn verify<T: DeserializeOwned>(
    document: &str,
    typ: &str,
    keys: &Keys,
    max_length: usize,
) -> Result<(T, KeyId), InvalidJws> {
    Sealed::read(document, typ, keys, max_length)?.open()
}

/// A compact JWS of which everything but the signature and the payload was found good. That is cheap; opening it is not.
pub struct Sealed<'a> {
    signed: &'a str,
    payload: &'a str,
    signature: &'a str,
    key: &'a (KeyId, DecodingKey),
}

impl<'a> Sealed<'a> {
    /// Reads a document of the type `typ`, at most `max_length` characters long.
    ///
    /// # Errors
    /// Why the document is refused.
    pub fn read(document: &'a str, typ: &str, keys: &'a Keys, max_length: usize) -> Result<Self, InvalidJws> {
        if document.len() > max_length {
            return Err(InvalidJws::TooLarge);
        }
        let (signed, signature) = document.rsplit_once('.').ok_or(InvalidJws::Malformed)?;
        let (header, payload) = signed.split_once('.').ok_or(InvalidJws::Malformed)?;
        if header.len() > MAX_HEADER || payload.contains('.') {
            return Err(InvalidJws::Malformed);
        }
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| InvalidJws::Malformed)?;
        let header: StrictHeader = object(&header).ok_or(InvalidJws::Malformed)?;
        if header.alg != "EdDSA" {
            return Err(InvalidJws::Algorithm);
        }
        if header.typ != typ {
            return Err(InvalidJws::Type);
        }
        let key = keys.find(&header.kid).ok_or(InvalidJws::UnknownKey)?;
        Ok(Self { signed, payload, signature, key })
    }

    /// Verifies the signature, and reads the payload.
    ///
    /// # Errors
    /// Why the document is refused.
    pub fn open<T: DeserializeOwned>(self) -> Result<(T, KeyId), InvalidJws> {
        install_provider();
        let (kid, key) = self.key;
        let genuine = jsonwebtoken::crypto::verify(self.signature, self.signed.as_bytes(), key, Algorithm::EdDSA);
        if !genuine.map_err(|_| InvalidJws::Malformed)? {
            return Err(InvalidJws::Signature);
        }
        let payload = URL_SAFE_NO_PAD.decode(self.payload).map_err(|_| InvalidJws::Malformed)?;
        let content = object(&payload).ok_or(InvalidJws::Payload)?;
        Ok((content, kid.clone()))
    }
}

/// A JSON object; serde alone would take a list of the members' values for one, too.
fn object<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    json.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(json).ok()).flatten()
}

#[cfg(test)]
#[cfg(feature = "signing")]
mod tests {
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed([7; 32])
    }

    fn read(document: &str) -> Result<(serde_json::Value, KeyId), InvalidJws> {
        verify(document, "t+jws", &Keys::new([key().public()]).unwrap(), 10_000)
    }

    fn with_header(header: &str) -> String {
        let document = key().sign("t+jws", &serde_json::json!({"a": 1})).unwrap();
        let (_, rest) = document.split_once('.').unwrap();
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header))
    }

    #[test]
    fn what_is_signed_is_read() {
        let document = key().sign("t+jws", &serde_json::json!({"a": 1})).unwrap();
        assert_eq!(read(&document).unwrap(), (serde_json::json!({"a": 1}), key().public().kid().clone()));
    }

    #[test]
    fn hostile_documents_are_refused() {
        let good = key().sign("t+jws", &serde_json::json!({"a": 1})).unwrap();
        let kid = key().public().kid().to_string();
        let foreign = SigningKey::from_seed([8; 32]);
        for (document, expected) in [
            (with_header(&format!(r#"{{"alg":"none","typ":"t+jws","kid":"{kid}"}}"#)), InvalidJws::Algorithm),
            (with_header(&format!(r#"{{"alg":"HS256","typ":"t+jws","kid":"{kid}"}}"#)), InvalidJws::Algorithm),
            (with_header(&format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{kid}"}}"#)), InvalidJws::Type),
            (with_header(r#"{"alg":"EdDSA","typ":"t+jws","kid":"../../x"}"#), InvalidJws::UnknownKey),
            (with_header(r#"{"alg":"EdDSA","typ":"t+jws"}"#), InvalidJws::Malformed),
            (
                with_header(&format!(r#"{{"alg":"EdDSA","typ":"t+jws","kid":"{kid}","crit":["b64"]}}"#)),
                InvalidJws::Malformed,
            ),
            (
                with_header(&format!(r#"{{"alg":"EdDSA","alg":"none","typ":"t+jws","kid":"{kid}"}}"#)),
                InvalidJws::Malformed,
            ),
            (with_header(&format!(r#"{{"typ":"t+jws","alg":"EdDSA","kid":"{kid}"}} "#)), InvalidJws::Signature),
            (with_header(&format!(r#"["EdDSA","t+jws","{kid}"]"#)), InvalidJws::Malformed),
            (key().sign("t+jws", &[1]).unwrap(), InvalidJws::Payload),
            (foreign.sign("t+jws", &1).unwrap(), InvalidJws::UnknownKey),
            (format!("{good}A"), InvalidJws::Signature),
            (format!("{good}="), InvalidJws::Malformed),
            (good.replace('.', ""), InvalidJws::Malformed),
            (format!("{good}.x"), InvalidJws::Malformed),
            (String::new(), InvalidJws::Malformed),
            ("x".repeat(10_001), InvalidJws::TooLarge),
        ] {
            let error = read(&document).expect_err(&document);
            if expected == InvalidJws::Signature {
                assert!(matches!(error, InvalidJws::Signature | InvalidJws::Malformed), "{document}: {error}");
            } else {
                assert_eq!(error, expected, "{document}");
            }
        }
    }

    #[test]
    fn a_private_key_survives_its_file() {
        let text = serde_json::to_string(&PrivateJwk::from(&key())).unwrap();
        let read: PrivateJwk = serde_json::from_str(&text).unwrap();
        assert_eq!(SigningKey::try_from(read).unwrap().seed(), key().seed());
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_8037() {
        // RFC 8037 appendix A.3.
        assert_eq!(
            thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").as_str(),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }
}
