//! `keys`: the bundle key, the encryption key, and how the token keys come and go.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use kubegate_core::document::{Fields, Node};
use kubegate_core::jws::{PrivateJwk, PublicKey, SigningKey};
use zeroize::Zeroizing;

use super::{Surroundings, each};
use crate::token::Given;

const VARIABLE: &str = "KUBEGATE_ENCRYPTION_KEY";

/// What [`VARIABLE`] was before, separated by commas.
const OLD_VARIABLE: &str = "KUBEGATE_OLD_ENCRYPTION_KEYS";

const HOUR: Duration = Duration::from_secs(3600);

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
    pub(super) old_encryption: Vec<EncryptionKey>,
    pub(super) rotate_every: Duration,
    pub(super) token: Option<Given>,
}

/// The fields of this section.
const FIELDS: [&str; 5] = ["bundle", "encryptionKeyFile", "oldEncryptionKeyFiles", "rotateEvery", "token"];

/// Reads `keys`.
pub(super) fn read(node: &Node<'_>, surroundings: &Surroundings<'_>) -> Option<Keys> {
    let fields = node.fields(&FIELDS)?;
    let bundle = fields.require("bundle").and_then(|node| bundle_key(&node, surroundings));
    let encryption = encryption_key(&fields, surroundings);
    let old_encryption = old_encryption_keys(&fields, surroundings);
    let rotate_every = match fields.get("rotateEvery") {
        Some(node) => node.duration(HOUR..=365 * 24 * HOUR),
        None => Some(30 * 24 * HOUR),
    };
    let token = match fields.get("token") {
        Some(node) => token_keys(&node, surroundings).map(Some),
        None => Some(None),
    };
    Some(Keys {
        bundle: bundle?,
        encryption: encryption?,
        old_encryption: old_encryption?,
        rotate_every: rotate_every?,
        token: token?,
    })
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

/// The keys that the store may still be encrypted with: from files, or the environment.
fn old_encryption_keys(fields: &Fields<'_>, surroundings: &Surroundings<'_>) -> Option<Vec<EncryptionKey>> {
    const REMEDY: &str = "put what keys.encryptionKeyFile held before there, or leave it out";
    if let Some(text) = surroundings.variable(OLD_VARIABLE).map(Zeroizing::new) {
        let keys: Option<Vec<_>> = text.split(',').map(EncryptionKey::parse).collect();
        if keys.is_none() {
            fields.node().report(format!("{OLD_VARIABLE} in the environment is not 32 bytes in base64 each"), REMEDY);
        }
        return keys;
    }
    let Some(node) = fields.get("oldEncryptionKeyFiles") else { return Some(Vec::new()) };
    each(&node, |node| {
        let text = Zeroizing::new(surroundings.content(node)?);
        let key = EncryptionKey::parse(&text);
        if key.is_none() {
            node.report("the file does not hold 32 bytes in base64", REMEDY);
        }
        key
    })
}

/// The token keys that an operator makes: the first signs, the others verify.
fn token_keys(node: &Node<'_>, surroundings: &Surroundings<'_>) -> Option<Given> {
    let items = node.items()?;
    let Some((first, others)) = items.split_first() else {
        node.report("names no file", "name at least the key that signs, or leave the field out");
        return None;
    };
    let signs = bundle_key(first, surroundings);
    let verify: Vec<Option<PublicKey>> = others.iter().map(|node| public_half(node, surroundings)).collect();
    let (signs, verify) = (signs?, verify.into_iter().collect::<Option<Vec<_>>>()?);
    let twice = verify.iter().enumerate().any(|(position, key)| {
        key.kid() == signs.public().kid() || verify.iter().skip(position + 1).any(|other| other.kid() == key.kid())
    });
    if twice {
        node.report("names the same key twice", "keep one of the two");
        return None;
    }
    Some(Given { signs, verify })
}

/// The public half of the key in a file, which may hold both.
fn public_half(node: &Node<'_>, surroundings: &Surroundings<'_>) -> Option<PublicKey> {
    let text = Zeroizing::new(surroundings.content(node)?);
    let private = serde_json::from_str::<PrivateJwk>(&text).ok().and_then(|jwk| SigningKey::try_from(jwk).ok());
    let public = private.map(|key| key.public().clone()).or_else(|| serde_json::from_str::<PublicKey>(&text).ok());
    let public = public.filter(|key| kubegate_core::jws::Keys::new([key]).is_ok());
    if public.is_none() {
        node.report(
            "the file holds no Ed25519 key (a JWK)",
            "make one with `kubegate keys init`; its public half will do",
        );
    }
    public
}
