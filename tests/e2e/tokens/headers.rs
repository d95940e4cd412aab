//! Attacks by a token's header: its algorithm, its key, its type.

use kubegate_core::token::{ACCESS_TYPE, SESSION_TYPE};
use serde_json::{Value, json};

use super::forge::{Good, encode, es256, hs256};
use super::{ALGORITHM, Attack, KEY, MALFORMED, SIGNATURE, TYPE};

pub(super) const ALGORITHMS: &[Attack] = &[
    ("alg-none", ALGORITHM, |it| unsigned(it, "none")),
    ("alg-None", ALGORITHM, |it| unsigned(it, "None")),
    ("alg-NONE", ALGORITHM, |it| unsigned(it, "NONE")),
    ("alg-nOnE", ALGORITHM, |it| unsigned(it, "nOnE")),
    ("alg-none-with-a-signature", ALGORITHM, |it| it.header_signed(&it.header_with("alg", "none"))),
    ("alg-empty", ALGORITHM, |it| unsigned(it, "")),
    ("alg-EdDSA-unsigned", SIGNATURE, |it| unsigned(it, "EdDSA")),
    ("hs256-with-x", ALGORITHM, |it| hs256(it, it.jwk()["x"].as_str().unwrap().as_bytes())),
    ("hs256-with-the-key's-bytes", ALGORITHM, |it| hs256(it, &public_bytes(it))),
    ("hs256-with-the-jwk", ALGORITHM, |it| hs256(it, it.jwk().to_string().as_bytes())),
    ("hs256-with-the-pem", ALGORITHM, |it| hs256(it, pem(it).as_bytes())),
    ("hs256-with-nothing", ALGORITHM, |it| hs256(it, b"")),
    ("alg-HS256-with-the-signature", ALGORITHM, |it| it.header_signed(&it.header_with("alg", "HS256"))),
    ("alg-RS256", ALGORITHM, |it| it.header_signed(&it.header_with("alg", "RS256"))),
    ("alg-ES256", ALGORITHM, |it| it.header_signed(&it.header_with("alg", "ES256"))),
    ("es256-by-the-attacker", ALGORITHM, |it| es256(&it.header_with("alg", "ES256"), &claims(it))),
    ("alg-Ed448", ALGORITHM, |it| it.header_signed(&it.header_with("alg", "Ed448"))),
    ("alg-eddsa", ALGORITHM, |it| it.header_signed(&it.header_with("alg", "eddsa"))),
    ("alg-EDDSA", ALGORITHM, |it| it.header_signed(&it.header_with("alg", "EDDSA"))),
    ("alg-with-a-space", ALGORITHM, |it| it.header_signed(&it.header_with("alg", "EdDSA "))),
    ("alg-missing", MALFORMED, |it| it.header_signed(&it.header_without("alg"))),
    ("alg-null", MALFORMED, |it| it.header_signed(&it.header_with("alg", Value::Null))),
    ("alg-in-a-list", MALFORMED, |it| it.header_signed(&it.header_with("alg", json!(["EdDSA"])))),
];

pub(super) const KEYS: &[Attack] = &[
    ("kid-missing", MALFORMED, |it| it.header_signed(&it.header_without("kid"))),
    ("kid-null", MALFORMED, |it| it.header_signed(&it.header_with("kid", Value::Null))),
    ("kid-in-a-list", MALFORMED, |it| it.header_signed(&it.header_with("kid", json!([it.kid()])))),
    ("kid-empty", KEY, |it| it.header_signed(&it.header_with("kid", ""))),
    ("kid-any", KEY, |it| it.header_signed(&it.header_with("kid", "*"))),
    ("kid-unknown", KEY, |it| it.attackers(|key| it.header_with("kid", key.public().kid().as_str()))),
    ("kid-up-and-away", KEY, |it| it.header_signed(&it.header_with("kid", "../../../../../../dev/null"))),
    ("kid-a-file", KEY, |it| it.header_signed(&it.header_with("kid", "file:///proc/self/environ"))),
    ("kid-sql", KEY, |it| it.header_signed(&it.header_with("kid", "x' UNION SELECT 'key' -- "))),
    ("kid-a-command", KEY, |it| it.header_signed(&it.header_with("kid", "$(id)|id;`id`"))),
    ("kid-and-nul", KEY, |it| it.header_signed(&it.header_with("kid", format!("{}\0", it.kid())))),
    ("kid-cut-short", KEY, |it| it.header_signed(&it.header_with("kid", &it.kid()[1..]))),
    ("kid-in-capitals", KEY, |it| it.header_signed(&it.header_with("kid", it.kid().to_uppercase()))),
    ("kid-of-bundles", KEY, |it| with_key_of_bundles(it, true)),
    ("kid-of-bundles-not-signed-so", KEY, |it| with_key_of_bundles(it, false)),
    ("kid-of-pomerium", KEY, |it| it.issuer.pomerium_key.sign(SESSION_TYPE, &it.claims()).unwrap()),
    ("kid-right-key-wrong", SIGNATURE, |it| it.attackers(|_| it.header_with("kid", it.kid()))),
    ("kid-long", KEY, |it| it.header_signed(&it.header_with("kid", "k".repeat(500)))),
    ("kid-very-long", MALFORMED, |it| it.header_signed(&it.header_with("kid", "k".repeat(9000)))),
    ("jwk", MALFORMED, |it| it.attackers(|key| it.header_with("jwk", json!(key.public())))),
    ("jwk-and-its-kid", MALFORMED, |it| {
        it.attackers(|key| {
            let (kid, jwk) = (key.public().kid(), key.public());
            json!({"alg": "EdDSA", "typ": SESSION_TYPE, "kid": kid, "jwk": jwk}).to_string()
        })
    }),
    ("jwk-of-our-own", MALFORMED, |it| it.header_signed(&it.header_with("jwk", it.jwk()))),
    ("jku", MALFORMED, |it| it.attackers(|_| it.header_with("jku", "https://evil.example.com/jwks.json"))),
    ("jku-of-our-own", MALFORMED, |it| {
        it.attackers(|_| it.header_with("jku", format!("{}/oauth/jwks.json", it.issuer.url)))
    }),
    ("x5u", MALFORMED, |it| it.attackers(|_| it.header_with("x5u", "https://evil.example.com/chain.pem"))),
    ("x5c", MALFORMED, |it| it.attackers(|_| it.header_with("x5c", json!(["MIIB"])))),
    ("x5t", MALFORMED, |it| it.header_signed(&it.header_with("x5t#S256", "AAAA"))),
];

pub(super) const TYPES: &[Attack] = &[
    ("crit-unknown", MALFORMED, |it| it.header_signed(&it.header_with("crit", json!(["urn:x"])))),
    ("crit-known", MALFORMED, |it| it.header_signed(&it.header_with("crit", json!(["alg"])))),
    ("crit-empty", MALFORMED, |it| it.header_signed(&it.header_with("crit", json!([])))),
    ("b64-false", MALFORMED, |it| it.header_signed(&it.header_with("b64", false))),
    ("b64-false-critical", MALFORMED, |it| {
        let header = json!({"alg": "EdDSA", "typ": SESSION_TYPE, "kid": it.kid(), "b64": false, "crit": ["b64"]});
        it.header_signed(&header.to_string())
    }),
    ("zip", MALFORMED, |it| it.header_signed(&it.header_with("zip", "DEF"))),
    ("enc", MALFORMED, |it| it.header_signed(&it.header_with("enc", "A256GCM"))),
    ("cty-nested", MALFORMED, |it| it.signed(&it.header_with("cty", "JWT"), &it.token)),
    ("typ-missing", MALFORMED, |it| it.header_signed(&it.header_without("typ"))),
    ("typ-plain", TYPE, |it| it.header_signed(&it.header_with("typ", "JWT"))),
    ("typ-empty", TYPE, |it| it.header_signed(&it.header_with("typ", ""))),
    ("typ-access", TYPE, |it| it.header_signed(&it.header_with("typ", ACCESS_TYPE))),
    ("typ-in-capitals", TYPE, |it| it.header_signed(&it.header_with("typ", SESSION_TYPE.to_uppercase()))),
    ("typ-in-full", TYPE, |it| it.header_signed(&it.header_with("typ", format!("application/{SESSION_TYPE}")))),
    ("typ-in-a-list", MALFORMED, |it| it.header_signed(&it.header_with("typ", json!([SESSION_TYPE])))),
    ("alg-twice", MALFORMED, |it| it.header_signed(&header_after(it, r#""alg":"none""#))),
    ("alg-twice-in-disguise", MALFORMED, |it| it.header_signed(&header_after(it, r#""\u0061lg":"none""#))),
    ("typ-twice", MALFORMED, |it| it.header_signed(&header_after(it, r#""typ":"JWT""#))),
    ("kid-twice", MALFORMED, |it| it.header_signed(&header_after(it, r#""kid":"x""#))),
    ("header-deep", MALFORMED, |it| it.header_signed(&"[".repeat(10_000))),
    ("header-deep-and-short", MALFORMED, |it| it.header_signed(&"[".repeat(700))),
    ("alg-deep", MALFORMED, |it| it.header_signed(&format!(r#"{{"alg":{}"#, r#"{"a":"#.repeat(130)))),
    ("header-a-list", MALFORMED, |it| it.header_signed(&json!(["EdDSA", SESSION_TYPE, it.kid()]).to_string())),
    ("header-a-text", MALFORMED, |it| it.header_signed(r#""EdDSA""#)),
    ("header-null", MALFORMED, |it| it.header_signed("null")),
    ("header-with-a-tail", MALFORMED, |it| it.header_signed(&format!("{}{{}}", it.header_with("alg", "EdDSA")))),
    ("header-with-bom", MALFORMED, |it| it.header_signed(&format!("\u{feff}{}", it.header_with("alg", "EdDSA")))),
];

fn unsigned(it: &Good<'_>, alg: &str) -> String {
    format!("{}.{}.", encode(it.header_with("alg", alg)), it.parts()[1])
}

fn claims(it: &Good<'_>) -> String {
    json!(it.claims()).to_string()
}

fn header_after(it: &Good<'_>, member: &str) -> String {
    format!("{{{member},{}", &it.header_with("alg", "EdDSA")[1..])
}

/// The bundle's key, which the filter trusts for bundles; also named only.
fn with_key_of_bundles(it: &Good<'_>, signs: bool) -> String {
    let key = &it.issuer.bundle_key;
    if signs {
        return key.sign(SESSION_TYPE, &it.claims()).unwrap();
    }
    it.header_signed(&it.header_with("kid", key.public().kid().as_str()))
}

fn public_bytes(it: &Good<'_>) -> Vec<u8> {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(it.jwk()["x"].as_str().unwrap()).unwrap()
}

/// RFC 8410.
fn pem(it: &Good<'_>) -> String {
    use base64::Engine as _;
    let mut der = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".to_vec();
    der.extend(public_bytes(it));
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
}
