//! Attacks by how a token is written: its parts, their base64, and the bytes of its signature.

use kubegate_core::bundle::{CHANGES_TYPE, LIVE_TYPE, POLICY_TYPE};
use kubegate_core::jws::SigningKey;
use kubegate_core::token::{ACCESS_TYPE, POMERIUM_PREFIX, POMERIUM_TYPE, SESSION_TYPE};
use serde_json::json;

use super::forge::{Good, encode, es256, signed_by};
use super::{ALGORITHM, Attack, KEY, MALFORMED, SIGNATURE, TYPE};

pub(super) const PARTS: &[Attack] = &[
    ("nothing-but-dots", MALFORMED, |_| "..".to_owned()),
    ("three-dots", MALFORMED, |_| "...".to_owned()),
    ("one-dot", MALFORMED, |_| ".".to_owned()),
    ("no-dots", MALFORMED, |it| it.token.replace('.', "")),
    ("no-token", MALFORMED, |_| "token".to_owned()),
    ("two-parts", MALFORMED, |it| it.parts()[..2].join(".")),
    ("no-signature", SIGNATURE, |it| format!("{}.", it.parts()[..2].join("."))),
    ("no-header", MALFORMED, |it| format!(".{}", it.parts()[1..].join("."))),
    ("no-claims", SIGNATURE, |it| format!("{}..{}", it.parts()[0], it.parts()[2])),
    ("dot-in-front", MALFORMED, |it| format!(".{}", it.token)),
    ("dot-behind", MALFORMED, |it| format!("{}.", it.token)),
    ("four-parts", MALFORMED, |it| format!("{}.{}", it.token, it.parts()[2])),
    ("five-parts", MALFORMED, |it| format!("{}.AAAA.AAAA", it.token)),
    ("encrypted", MALFORMED, |it| {
        let header = encode(json!({"alg": "dir", "enc": "A256GCM", "typ": SESSION_TYPE, "kid": it.kid()}).to_string());
        format!("{header}..AAAAAAAAAAAAAAAA.{}.AAAAAAAAAAAAAAAAAAAAAA", it.parts()[1])
    }),
    ("swapped", MALFORMED, |it| format!("{}.{}.{}", it.parts()[1], it.parts()[0], it.parts()[2])),
    ("backwards", MALFORMED, |it| format!("{}.{}.{}", it.parts()[2], it.parts()[1], it.parts()[0])),
    ("the-header-twice", SIGNATURE, |it| format!("{0}.{0}.{1}", it.parts()[0], it.parts()[2])),
    ("twice", MALFORMED, |it| format!("{0}.{0}", it.token)),
    ("twice-with-a-comma", MALFORMED, |it| format!("{0},{0}", it.token)),
    ("quoted", MALFORMED, |it| format!("\"{}\"", it.token)),
    ("as-json", MALFORMED, |it| {
        let [protected, payload, signature] = it.parts();
        json!({"protected": protected, "payload": payload, "signature": signature}).to_string()
    }),
    ("as-general-json", MALFORMED, |it| {
        let [protected, payload, signature] = it.parts();
        json!({"payload": payload, "signatures": [{"protected": protected, "signature": signature}]}).to_string()
    }),
];

pub(super) const BASE64: &[Attack] = &[
    ("header-padded", MALFORMED, |it| resigned(it, &padded(&unpadded(it)), it.parts()[1])),
    ("claims-padded", MALFORMED, |it| resigned(it, it.parts()[0], &padded(&spaced_claims(it)))),
    ("signature-padded", MALFORMED, |it| format!("{}==", it.token)),
    ("header-with-loose-bits", MALFORMED, |it| resigned(it, &with_loose_bit(&unpadded(it)), it.parts()[1])),
    ("claims-with-loose-bits", MALFORMED, |it| resigned(it, it.parts()[0], &with_loose_bit(&spaced_claims(it)))),
    ("signature-with-loose-bits", MALFORMED, |it| with_loose_bit(&it.token)),
    ("header-in-the-standard-alphabet", MALFORMED, |it| {
        let header = it.header_with("kid", "????????");
        resigned(it, &standard(&encode(header)), it.parts()[1])
    }),
    ("claims-in-the-standard-alphabet", MALFORMED, |it| {
        resigned(it, it.parts()[0], &standard(&encode(it.claims_with("jti", "????????"))))
    }),
    ("signature-in-the-standard-alphabet", MALFORMED, |it| it.signature(|bytes| bytes.fill(0xff)).replace('_', "/")),
    ("line-end-behind", MALFORMED, |it| format!("{}\n", it.token)),
    ("line-end-in-front", MALFORMED, |it| format!("\n{}", it.token)),
    ("space-behind", MALFORMED, |it| format!("{} ", it.token)),
    ("space-in-the-claims", MALFORMED, |it| resigned(it, it.parts()[0], &format!("{} ", it.parts()[1]))),
    ("line-end-in-the-claims", MALFORMED, |it| resigned(it, it.parts()[0], &folded(it.parts()[1]))),
    ("line-end-in-the-header", MALFORMED, |it| resigned(it, &folded(it.parts()[0]), it.parts()[1])),
    ("line-end-in-the-signature", MALFORMED, |it| {
        let [header, claims, signature] = it.parts();
        format!("{header}.{claims}.{}", folded(signature))
    }),
    ("tab", SIGNATURE, |it| it.token.replacen('.', ".\t", 1)),
    ("nul-behind", MALFORMED, |it| format!("{}\0", it.token)),
    ("percent-encoded", MALFORMED, |it| it.token.replace('.', "%2e")),
    ("bom-in-front", MALFORMED, |it| format!("\u{feff}{}", it.token)),
    ("full-stops-of-another-script", MALFORMED, |it| it.token.replace('.', "\u{3002}")),
    ("one-letter-too-many", MALFORMED, |it| format!("{}A", it.parts().map(|part| format!("{part}A")).join("."))),
    ("not-encoded-at-all", MALFORMED, |it| it.header_with("alg", "EdDSA") + &it.token[it.parts()[0].len()..]),
];

pub(super) const SIGNATURES: &[Attack] = &[
    ("s-plus-l", SIGNATURE, |it| it.signature(|bytes| add_order(bytes, 1))),
    ("s-plus-2-l", SIGNATURE, |it| it.signature(|bytes| add_order(bytes, 2))),
    ("s-plus-14-l", SIGNATURE, |it| it.signature(|bytes| add_order(bytes, 14))),
    ("s-with-its-top-bit", SIGNATURE, |it| it.signature(|bytes| bytes[63] |= 0x80)),
    ("s-of-zero", SIGNATURE, |it| it.signature(|bytes| bytes[32..].fill(0))),
    ("r-negated", SIGNATURE, |it| it.signature(|bytes| bytes[31] ^= 0x80)),
    ("r-of-zero", SIGNATURE, |it| it.signature(|bytes| bytes[..32].fill(0))),
    ("r-the-neutral-point", SIGNATURE, |it| it.signature(|bytes| small_order(bytes, 1, 0))),
    ("r-the-neutral-point-otherwise", SIGNATURE, |it| it.signature(|bytes| small_order(bytes, 1, 0x80))),
    ("r-of-order-2", SIGNATURE, |it| {
        it.signature(|bytes| {
            bytes.fill(0);
            bytes[..32].fill(0xff);
            (bytes[0], bytes[31]) = (0xec, 0x7f);
        })
    }),
    ("r-of-order-4", SIGNATURE, |it| it.signature(|bytes| small_order(bytes, 0, 0))),
    ("r-of-order-4-negated", SIGNATURE, |it| it.signature(|bytes| small_order(bytes, 0, 0x80))),
    ("all-zero", SIGNATURE, |it| it.signature(|bytes| bytes.fill(0))),
    ("all-ones", SIGNATURE, |it| it.signature(|bytes| bytes.fill(0xff))),
    ("one-bit", SIGNATURE, |it| it.signature(|bytes| bytes[0] ^= 1)),
    ("halves-swapped", SIGNATURE, |it| it.signature(|bytes| bytes.rotate_left(32))),
    ("a-byte-short", SIGNATURE, |it| it.signature(|bytes| bytes.truncate(63))),
    ("half", SIGNATURE, |it| it.signature(|bytes| bytes.truncate(32))),
    ("a-byte-long", SIGNATURE, |it| it.signature(|bytes| bytes.push(0))),
    ("signed-twice", SIGNATURE, |it| it.signature(|bytes| bytes.extend_from_within(..))),
    ("of-another-token", SIGNATURE, |it| {
        let other = Good::new(it.issuer, "another");
        format!("{}.{}", it.parts()[..2].join("."), other.parts()[2])
    }),
    ("of-the-claims-alone", SIGNATURE, |it| {
        let alone = signed_by(&it.issuer.token_key, "", it.parts()[1]);
        format!("{}.{}", it.parts()[..2].join("."), alone.rsplit_once('.').unwrap().1)
    }),
];

/// What else is signed by whom the filter trusts for something, or by whom the control plane trusts.
pub(super) const OTHER_KINDS: &[Attack] = &[
    ("access-token", TYPE, |it| it.issuer.token_key.sign(ACCESS_TYPE, &it.claims()).unwrap()),
    ("pomerium-token", TYPE, pomerium_token),
    ("pomerium-type-by-the-key-of-sessions-as-a-session", TYPE, |it| {
        it.issuer.token_key.sign(POMERIUM_TYPE, &it.claims()).unwrap()
    }),
    ("pomerium-type-by-the-key-of-sessions", KEY, |it| {
        format!("{POMERIUM_PREFIX}{}", it.issuer.token_key.sign(POMERIUM_TYPE, &it.claims()).unwrap())
    }),
    ("session-token-as-of-pomerium", TYPE, |it| format!("{POMERIUM_PREFIX}{}", it.token)),
    ("session-type-by-the-key-of-pomerium-as-its", TYPE, |it| {
        format!("{POMERIUM_PREFIX}{}", it.issuer.pomerium_key.sign(SESSION_TYPE, &it.claims()).unwrap())
    }),
    ("pomerium-token-prefixed-twice", MALFORMED, |it| {
        format!("{POMERIUM_PREFIX}{POMERIUM_PREFIX}{}", pomerium_token(it))
    }),
    ("pomerium-prefix-in-capitals", MALFORMED, |it| format!("POMERIUM-{}", pomerium_token(it))),
    ("bundle-policy", TYPE, |it| it.issuer.bundle_key.sign(POLICY_TYPE, &it.claims()).unwrap()),
    ("bundle-live-set", TYPE, |it| it.issuer.bundle_key.sign(LIVE_TYPE, &it.claims()).unwrap()),
    ("bundle-changes", TYPE, |it| it.issuer.bundle_key.sign(CHANGES_TYPE, &it.claims()).unwrap()),
    ("id-token", ALGORITHM, |it| {
        let now = it.claims().iat.seconds();
        let claims = json!({
            "iss": "https://idp.example.com", "sub": "alice", "aud": "kubegate", "iat": now, "exp": now + 300,
            "email": "alice@example.com", "email_verified": true, "groups": ["platform-admins"],
        });
        es256(r#"{"alg":"ES256","typ":"JWT","kid":"idp"}"#, &claims.to_string())
    }),
    ("logout-token", ALGORITHM, |it| {
        let claims = json!({
            "iss": "https://idp.example.com", "sub": "alice", "aud": "kubegate", "iat": it.claims().iat, "jti": "1",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        });
        es256(r#"{"alg":"ES256","typ":"logout+jwt","kid":"idp"}"#, &claims.to_string())
    }),
    ("id-token-by-eddsa", TYPE, |it| it.attackers(|key| plain_header(key, "JWT"))),
    ("logout-token-by-eddsa", TYPE, |it| it.attackers(|key| plain_header(key, "logout+jwt"))),
    ("refresh-secret", MALFORMED, |_| format!("kgr_{}", "A".repeat(43))),
];

fn plain_header(key: &SigningKey, typ: &str) -> String {
    json!({"alg": "EdDSA", "typ": typ, "kid": key.public().kid()}).to_string()
}

fn pomerium_token(it: &Good<'_>) -> String {
    it.issuer.pomerium_key.sign(POMERIUM_TYPE, &it.claims()).unwrap()
}

fn resigned(it: &Good<'_>, header: &str, claims: &str) -> String {
    signed_by(&it.issuer.token_key, header, claims)
}

/// The header's base64, of a length that leaves room for padding and loose bits.
fn unpadded(it: &Good<'_>) -> String {
    with_room(it.header_with("alg", "EdDSA"))
}

/// That of the claims.
fn spaced_claims(it: &Good<'_>) -> String {
    with_room(json!(it.claims()).to_string())
}

fn with_room(mut json: String) -> String {
    while json.len() % 3 != 1 {
        json.push(' ');
    }
    encode(json)
}

fn padded(text: &str) -> String {
    format!("{text}==")
}

/// Another spelling of the same bytes: the last letter has bits that stand for nothing.
fn with_loose_bit(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = text.split_at(text.len() - 1);
    let value = ALPHABET.iter().position(|letter| *letter == last.as_bytes()[0]).unwrap();
    assert_eq!(value % 16, 0, "{text} has loose bits");
    format!("{rest}{}", char::from(ALPHABET[value + 1]))
}

fn standard(text: &str) -> String {
    let other = text.replace('-', "+").replace('_', "/");
    assert_ne!(other, text);
    other
}

fn folded(text: &str) -> String {
    let (start, end) = text.split_at(text.len() / 2);
    format!("{start}\n{end}")
}

/// Adds the group's order to S so many times: the same signature to who does not look (RFC 8032 section 5.1.7).
fn add_order(signature: &mut [u8], times: u16) {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) * times + carry;
        (*byte, carry) = ((sum & 0xff) as u8, sum >> 8);
    }
    assert_eq!(carry, 0);
}

/// R is a point of small order, and S nothing.
fn small_order(signature: &mut [u8], first: u8, last: u8) {
    signature.fill(0);
    (signature[0], signature[31]) = (first, last);
}
