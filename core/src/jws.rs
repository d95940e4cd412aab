//! Signed documents: JWS compact serialization (RFC 7515) with EdDSA over Ed25519 (RFC 8037), and nothing else.
//!
//! `jsonwebtoken` does the work with a cryptography provider of our own that knows EdDSA alone, so that no other
//! algorithm exists to be confused with. The header is read strictly first: exactly `alg`, `typ` and `kid`, nothing
//! that could name another key (`jwk`, `jku`, `x5u`, `crit` …).

use std::sync::Once;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::id::KeyId;

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

    /// Whether no key is trusted at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
    install_provider();
    if document.len() > max_length {
        return Err(InvalidJws::TooLarge);
    }
    let (signed, signature) = document.rsplit_once('.').ok_or(InvalidJws::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(InvalidJws::Malformed)?;
    if header.len() > MAX_HEADER || payload.contains('.') {
        return Err(InvalidJws::Malformed);
    }
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| InvalidJws::Malformed)?;
    let header: StrictHeader = serde_json::from_slice(&header).map_err(|_| InvalidJws::Malformed)?;
    if header.alg != "EdDSA" {
        return Err(InvalidJws::Algorithm);
    }
    if header.typ != typ {
        return Err(InvalidJws::Type);
    }
    let (kid, key) = keys.find(&header.kid).ok_or(InvalidJws::UnknownKey)?;
    let genuine = jsonwebtoken::crypto::verify(signature, signed.as_bytes(), key, Algorithm::EdDSA);
    if !genuine.map_err(|_| InvalidJws::Malformed)? {
        return Err(InvalidJws::Signature);
    }
    let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| InvalidJws::Malformed)?;
    let content = serde_json::from_slice(&payload).map_err(|_| InvalidJws::Payload)?;
    Ok((content, kid.clone()))
}

/// A private Ed25519 key that signs documents.
#[cfg(feature = "signing")]
pub struct SigningKey {
    seed: zeroize::Zeroizing<[u8; 32]>,
    public: PublicKey,
}

#[cfg(feature = "signing")]
impl SigningKey {
    /// A key from its 32 secret bytes, which the caller drew from a good source of randomness.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let verifying = ed25519_dalek::SigningKey::from_bytes(&seed).verifying_key();
        Self { public: PublicKey::from_bytes(verifying.as_bytes()), seed: zeroize::Zeroizing::new(seed) }
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The 32 secret bytes, to be stored under protection.
    #[must_use]
    pub fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    /// Signs `content` as a document of the type `typ`.
    ///
    /// # Errors
    /// When `content` cannot be written as JSON.
    pub fn sign<T: Serialize>(&self, typ: &str, content: &T) -> Result<String, JwtError> {
        install_provider();
        let mut header = jsonwebtoken::Header::new(Algorithm::EdDSA);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.public.kid.to_string());
        jsonwebtoken::encode(&header, content, &EncodingKey::from_ed_der(self.seed.as_slice()))
    }
}

#[cfg(feature = "signing")]
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.public.kid).finish_non_exhaustive()
    }
}

/// The secret half of a key as a JWK (RFC 8037 section 2): how `kubegate keys init` writes it to a file.
#[cfg(feature = "signing")]
#[derive(Serialize, Deserialize)]
pub struct PrivateJwk {
    #[serde(flatten)]
    public: PublicKeyFields,
    /// The 32 secret bytes, base64url.
    d: zeroize::Zeroizing<String>,
}

#[cfg(feature = "signing")]
#[derive(Serialize, Deserialize)]
struct PublicKeyFields {
    kty: String,
    crv: String,
    x: String,
    kid: KeyId,
}

#[cfg(feature = "signing")]
impl From<&SigningKey> for PrivateJwk {
    fn from(key: &SigningKey) -> Self {
        let PublicKey { kty, crv, kid, x, .. } = key.public.clone();
        Self {
            public: PublicKeyFields { kty, crv, x, kid },
            d: zeroize::Zeroizing::new(URL_SAFE_NO_PAD.encode(key.seed.as_slice())),
        }
    }
}

#[cfg(feature = "signing")]
impl TryFrom<PrivateJwk> for SigningKey {
    type Error = InvalidKey;

    fn try_from(jwk: PrivateJwk) -> Result<Self, InvalidKey> {
        let invalid = || InvalidKey(jwk.public.kid.clone());
        let seed: [u8; 32] =
            URL_SAFE_NO_PAD.decode(jwk.d.as_str()).ok().and_then(|seed| seed.try_into().ok()).ok_or_else(invalid)?;
        let key = Self::from_seed(seed);
        if key.public.x != jwk.public.x {
            return Err(invalid());
        }
        Ok(key)
    }
}

/// Makes `jsonwebtoken` use [`PROVIDER`]; the first call counts.
fn install_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // An error means that somebody installed another provider first; theirs then serves.
        let _ = PROVIDER.install_default();
    });
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: signer,
    verifier_factory: |algorithm, key| match algorithm {
        Algorithm::EdDSA if key.family() == AlgorithmFamily::Ed => {
            let bytes: &[u8; 32] =
                key.try_get_as_bytes()?.try_into().map_err(|_| JwtError::from(ErrorKind::InvalidEddsaKey))?;
            let key = VerifyingKey::from_bytes(bytes).map_err(|_| JwtError::from(ErrorKind::InvalidEddsaKey))?;
            Ok(Box::new(Verifier(key)))
        }
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    },
    key_utils: KeyUtils::new_unimplemented(),
};

struct Verifier(VerifyingKey);

impl signature::Verifier<Vec<u8>> for Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let signature = Signature::from_slice(signature).map_err(|_| signature::Error::new())?;
        // The strict form refuses small-order points, and with it a signature that fits two messages.
        self.0.verify_strict(message, &signature).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

#[cfg(not(feature = "signing"))]
fn signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, JwtError> {
    Err(ErrorKind::InvalidAlgorithm.into())
}

#[cfg(feature = "signing")]
fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, JwtError> {
    struct Signer(ed25519_dalek::SigningKey);

    impl signature::Signer<Vec<u8>> for Signer {
        fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
            use ed25519_dalek::Signer as _;
            Ok(self.0.sign(message).to_vec())
        }
    }

    impl JwtSigner for Signer {
        fn algorithm(&self) -> Algorithm {
            Algorithm::EdDSA
        }
    }

    match algorithm {
        Algorithm::EdDSA if key.family() == AlgorithmFamily::Ed => {
            let seed: &[u8; 32] = key.as_bytes().try_into().map_err(|_| JwtError::from(ErrorKind::InvalidEddsaKey))?;
            Ok(Box::new(Signer(ed25519_dalek::SigningKey::from_bytes(seed))))
        }
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
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
