//! `keys`: the bundle key and the encryption key.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use kubegate_core::document::{Fields, Node};
use kubegate_core::jws::{PrivateJwk, SigningKey};
use zeroize::Zeroizing;

use super::Surroundings;

const VARIABLE: &str = "KUBEGATE_ENCRYPTION_KEY";

/// The key that encrypts what the store must give back: token keys and sign-ins under way.
pub struct EncryptionKey(Zeroizing<[u8; 32]>);

impl EncryptionKey {
    /// The 32 bytes. Each call is a place to look at in a review.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let decoders = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE_NO_PAD];
        let bytes = decoders.iter().find_map(|decoder| decoder.decode(text).ok()).map(Zeroizing::new)?;
        let bytes: [u8; 32] = bytes.as_slice().try_into().ok()?;
        Some(Self(Zeroizing::new(bytes)))
    }
}

impl std::fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EncryptionKey(…)")
    }
}

/// The keys that an operator makes.
pub(super) struct Keys {
    pub(super) bundle: SigningKey,
    pub(super) encryption: EncryptionKey,
}

/// The fields of this section.
const FIELDS: [&str; 2] = ["bundle", "encryptionKeyFile"];

/// Reads `keys`.
pub(super) fn read(node: &Node<'_>, surroundings: &Surroundings<'_>) -> Option<Keys> {
    let fields = node.fields(&FIELDS)?;
    let bundle = fields.require("bundle").and_then(|node| bundle_key(&node, surroundings));
    let encryption = encryption_key(&fields, surroundings);
    Some(Keys { bundle: bundle?, encryption: encryption? })
}

fn bundle_key(node: &Node<'_>, surroundings: &Surroundings<'_>) -> Option<SigningKey> {
    let text = Zeroizing::new(surroundings.content(node)?);
    // What serde says about a private key's file could hold a piece of it.
    let key = serde_json::from_str::<PrivateJwk>(&text).ok().and_then(|jwk| SigningKey::try_from(jwk).ok());
    if key.is_none() {
        node.report("the file holds no private Ed25519 key (a JWK)", "make one with `kubegate keys init`");
    }
    key
}

fn encryption_key(fields: &Fields<'_>, surroundings: &Surroundings<'_>) -> Option<EncryptionKey> {
    const REMEDY: &str = "make one with `head -c 32 /dev/urandom | base64`";
    if let Some(text) = surroundings.variable(VARIABLE).map(Zeroizing::new) {
        let key = EncryptionKey::parse(&text);
        if key.is_none() {
            fields.node().report(format!("{VARIABLE} in the environment is not 32 bytes in base64"), REMEDY);
        }
        return key;
    }
    let Some(node) = fields.get("encryptionKeyFile") else {
        let remedy = format!("name a file with 32 random bytes in base64, or set {VARIABLE}; {REMEDY}");
        fields.node().report("has no encryption key", remedy);
        return None;
    };
    let text = Zeroizing::new(surroundings.content(&node)?);
    let key = EncryptionKey::parse(&text);
    if key.is_none() {
        node.report("the file does not hold 32 bytes in base64", REMEDY);
    }
    key
}
