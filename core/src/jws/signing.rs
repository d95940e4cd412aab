//! Private keys: making signed documents, and keeping the key in a file.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::Error as JwtError;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde::{Deserialize, Serialize};

use super::provider::install_provider;
use super::{InvalidKey, PublicKey};
use crate::id::KeyId;

/// A private Ed25519 key that signs documents.
pub struct SigningKey {
    seed: zeroize::Zeroizing<[u8; 32]>,
    public: PublicKey,
}

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

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.public.kid).finish_non_exhaustive()
    }
}

/// The secret half of a key as a JWK (RFC 8037 section 2): how `kubegate keys init` writes it to a file.
#[derive(Serialize, Deserialize)]
pub struct PrivateJwk {
    #[serde(flatten)]
    public: PublicKeyFields,
    /// The 32 secret bytes, base64url.
    d: zeroize::Zeroizing<String>,
}

#[derive(Serialize, Deserialize)]
struct PublicKeyFields {
    kty: String,
    crv: String,
    x: String,
    kid: KeyId,
}

impl From<&SigningKey> for PrivateJwk {
    fn from(key: &SigningKey) -> Self {
        let PublicKey { kty, crv, kid, x, .. } = key.public.clone();
        Self {
            public: PublicKeyFields { kty, crv, x, kid },
            d: zeroize::Zeroizing::new(URL_SAFE_NO_PAD.encode(key.seed.as_slice())),
        }
    }
}

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
