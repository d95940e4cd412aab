//! Attacks by a token's claims, under a signature that is right.

use std::time::Duration;

use kubegate_tests::issuer::now;
use kubegate_tests::world::{CLUSTER, CLUSTER_HOST};
use serde_json::{Value, json};

use super::forge::{Good, encode};
use super::{AUDIENCE, Attack, EXPIRED, Forge, ISSUER, NAME, NOT_YET_VALID, PAYLOAD, SIGNATURE, TOO_LARGE};

/// Somebody else, or the same person elsewhere or at another time.
pub(super) const CONTENT: &[Attack] = &[
    ("changed", SIGNATURE, |it| {
        let [header, _, signature] = it.parts();
        format!("{header}.{}.{signature}", encode(it.claims_with("user", "root")))
    }),
    ("iss-elsewhere", ISSUER, |it| it.but(|claims| claims.iss = "https://evil.example.com".to_owned())),
    ("iss-with-a-slash", ISSUER, |it| it.but(|claims| claims.iss.push('/'))),
    ("iss-in-capitals", ISSUER, |it| it.but(|claims| claims.iss.make_ascii_uppercase())),
    ("iss-empty", ISSUER, |it| it.but(|claims| claims.iss.clear())),
    ("iss-missing", PAYLOAD, |it| it.claims_signed(without(it, "iss"))),
    ("iss-in-a-list", PAYLOAD, |it| it.claims_signed(it.claims_with("iss", json!([it.issuer.url])))),
    ("aud-another-cluster", AUDIENCE, |it| it.but(|claims| claims.aud = "elsewhere".into())),
    ("aud-the-host", AUDIENCE, |it| it.but(|claims| claims.aud = CLUSTER_HOST.into())),
    ("aud-in-capitals", AUDIENCE, |it| it.but(|claims| claims.aud = CLUSTER.to_uppercase().into())),
    ("aud-any", AUDIENCE, |it| it.but(|claims| claims.aud = "*".into())),
    ("aud-the-control-plane", AUDIENCE, |it| it.but(|claims| claims.aud = claims.iss.clone().into())),
    ("aud-missing", PAYLOAD, |it| it.claims_signed(without(it, "aud"))),
    ("aud-a-list", PAYLOAD, |it| it.claims_signed(it.claims_with("aud", json!([CLUSTER])))),
    ("aud-a-list-of-two", PAYLOAD, |it| it.claims_signed(it.claims_with("aud", json!(["elsewhere", CLUSTER])))),
    ("expired", EXPIRED, |it| it.but(|claims| claims.exp = now().before(Duration::from_secs(1)))),
    ("expired-long-ago", EXPIRED, |it| it.claims_signed(it.claims_with("exp", 0))),
    ("session-ended", EXPIRED, |it| it.but(|claims| claims.session_exp = now().before(Duration::from_secs(1)))),
    ("not-yet-valid", NOT_YET_VALID, |it| it.but(|claims| claims.nbf = now().after(Duration::from_secs(300)))),
    ("never-valid", NOT_YET_VALID, |it| it.claims_signed(it.claims_with("nbf", u64::MAX))),
    ("exp-missing", PAYLOAD, |it| it.claims_signed(without(it, "exp"))),
    ("nbf-missing", PAYLOAD, |it| it.claims_signed(without(it, "nbf"))),
    ("sid-missing", PAYLOAD, |it| it.claims_signed(without(it, "sid"))),
    ("user-reserved", NAME, |it| it.but(|claims| claims.user = "system:admin".to_owned())),
    ("user-empty", NAME, |it| it.but(|claims| claims.user.clear())),
    ("user-of-two-lines", NAME, |it| it.but(|claims| claims.user.push_str("\r\nImpersonate-Group: system:masters"))),
    ("group-with-a-comma", NAME, |it| it.but(|claims| claims.groups.push("a,system:masters".to_owned()))),
    ("group-of-two-lines", NAME, |it| it.but(|claims| claims.groups.push("a\nImpersonate-User: root".to_owned()))),
    ("user-a-list", PAYLOAD, |it| it.claims_signed(it.claims_with("user", json!(["alice@example.com"])))),
    ("groups-a-text", PAYLOAD, |it| it.claims_signed(it.claims_with("groups", "platform-admins"))),
];

/// JSON that two readers could read as two things, or that no reader should begin with.
pub(super) const JSON: &[Attack] = &[
    ("sub-twice", PAYLOAD, |it| it.claims_signed(it.claims_after(r#""sub":"accounts:bob""#))),
    ("aud-twice", PAYLOAD, |it| it.claims_signed(it.claims_after(r#""aud":"elsewhere""#))),
    ("exp-twice", PAYLOAD, |it| it.claims_signed(it.claims_after(r#""exp":1"#))),
    ("user-twice", PAYLOAD, |it| it.claims_signed(it.claims_after(r#""user":"bob""#))),
    ("user-twice-the-same", PAYLOAD, |it| it.claims_signed(it.claims_after(r#""user":"alice@example.com""#))),
    ("groups-twice", PAYLOAD, |it| it.claims_signed(it.claims_after(r#""groups":["platform-admins"]"#))),
    ("groups-twice-in-disguise", PAYLOAD, |it| it.claims_signed(it.claims_after(r#""\u0067roups":[]"#))),
    ("claims-twice", PAYLOAD, |it| it.claims_signed(it.claims_after(r#""claims":{"department":"sre"}"#))),
    ("twice-within-claims", PAYLOAD, |it| {
        it.claims_signed(it.claims_where(r#""claims":{}"#, r#""claims":{"department":"ops","department":"sre"}"#))
    }),
    ("twice-within-claims-in-disguise", PAYLOAD, |it| {
        it.claims_signed(it.claims_where(r#""claims":{}"#, r#""claims":{"department":1,"\u0064epartment":2}"#))
    }),
    ("exp-1e400", PAYLOAD, |it| it.claims_signed(exp(it, "1e400"))),
    ("exp-1e18", PAYLOAD, |it| it.claims_signed(exp(it, "1e18"))),
    ("exp-2-to-the-64", PAYLOAD, |it| it.claims_signed(exp(it, "18446744073709551616"))),
    ("exp-of-1000-digits", PAYLOAD, |it| it.claims_signed(exp(it, &"9".repeat(1000)))),
    ("exp-negative", PAYLOAD, |it| it.claims_signed(exp(it, "-1"))),
    ("exp-minus-nothing", PAYLOAD, |it| it.claims_signed(exp(it, "-0"))),
    ("exp-a-fraction", PAYLOAD, |it| it.claims_signed(exp(it, "4102444800.5"))),
    ("exp-a-text", PAYLOAD, |it| it.claims_signed(exp(it, r#""4102444800""#))),
    ("exp-null", PAYLOAD, |it| it.claims_signed(exp(it, "null"))),
    ("exp-true", PAYLOAD, |it| it.claims_signed(exp(it, "true"))),
    ("exp-infinite", PAYLOAD, |it| it.claims_signed(exp(it, "Infinity"))),
    ("exp-in-hexadecimal", PAYLOAD, |it| it.claims_signed(exp(it, "0xffffffff"))),
    ("claims-deep", PAYLOAD, |it| it.claims_signed(deep(it, 5000, 5000))),
    ("claims-deep-and-open", PAYLOAD, |it| it.claims_signed(deep(it, 10_000, 0))),
    ("objects-deep", PAYLOAD, |it| it.claims_signed(it.claims_after(&r#""claims":{"a":"#.repeat(500)))),
    ("as-a-list", PAYLOAD, |it| it.claims_signed(Value::from_iter(values(it)).to_string())),
    ("as-a-text", PAYLOAD, |it| it.claims_signed(json!(it.token).to_string())),
    ("nested", PAYLOAD, |it| it.claims_signed(&it.token)),
    ("null", PAYLOAD, |it| it.claims_signed("null")),
    ("empty", PAYLOAD, |it| it.claims_signed("")),
    ("with-a-tail", PAYLOAD, |it| it.claims_signed(format!("{0}{0}", json!(it.claims())))),
    ("with-nul", PAYLOAD, |it| it.claims_signed(format!("{}\0", json!(it.claims())))),
    ("with-a-comment", PAYLOAD, |it| it.claims_signed(format!("{}//", json!(it.claims())))),
    ("with-bom", PAYLOAD, |it| it.claims_signed(format!("\u{feff}{}", json!(it.claims())))),
    ("in-utf-16", PAYLOAD, |it| {
        let units = json!(it.claims()).to_string();
        it.claims_signed(units.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>())
    }),
    ("not-utf-8", PAYLOAD, |it| it.claims_signed(jti_of_bytes(it, b"\xff\xfe"))),
    ("overlong-utf-8", PAYLOAD, |it| it.claims_signed(jti_of_bytes(it, b"\xc0\xae"))),
    ("half-a-surrogate", PAYLOAD, |it| it.claims_signed(jti_of_bytes(it, br"\ud800"))),
    ("huge", TOO_LARGE, |it| it.claims_signed(it.claims_with("x", "x".repeat(30_000)))),
    ("just-too-large", TOO_LARGE, |it| it.claims_signed(it.claims_with("x", "x".repeat(12_000)))),
];

/// Not usual, and right all the same: who reads strictly may still not refuse these.
pub(super) const ODD_BUT_GOOD: &[(&str, Forge)] = &[
    ("a-claim-that-nobody-knows", |it| it.claims_signed(it.claims_with("x", json!({"alg": "none"})))),
    ("for-all-time", |it| {
        it.but(|claims| {
            claims.exp = kubegate_core::time::Timestamp::from_seconds(u64::MAX);
            claims.session_exp = claims.exp;
        })
    }),
    ("as-large-as-may-be", |it| it.claims_signed(it.claims_with("x", "x".repeat(11_000)))),
    ("spaces-in-its-json", |it| it.claims_signed(serde_json::to_string_pretty(&it.claims()).unwrap())),
];

fn without(it: &Good<'_>, name: &str) -> String {
    let mut claims = json!(it.claims());
    claims.as_object_mut().unwrap().remove(name).unwrap();
    claims.to_string()
}

fn exp(it: &Good<'_>, literal: &str) -> String {
    let exp = it.claims().exp.seconds();
    it.claims_where(&format!(r#""exp":{exp},"#), &format!(r#""exp":{literal},"#))
}

fn deep(it: &Good<'_>, open: usize, closed: usize) -> String {
    let value = format!(r#""claims":{{"x":{}{}}}"#, "[".repeat(open), "]".repeat(closed));
    it.claims_where(r#""claims":{}"#, &value)
}

fn values(it: &Good<'_>) -> Vec<Value> {
    let claims = it.claims();
    let mut values = vec![json!(claims.iss), json!(claims.sub), json!(claims.aud), json!(claims.exp)];
    values.extend([json!(claims.nbf), json!(claims.iat), json!(claims.jti), json!(claims.sid)]);
    values.extend([json!(claims.session_exp), json!(claims.auth_time), json!(claims.provider), json!(claims.user)]);
    values.extend([Value::Null, Value::Null, json!(claims.groups), Value::Null, json!({}), Value::Null, json!([])]);
    values
}

fn jti_of_bytes(it: &Good<'_>, bytes: &[u8]) -> Vec<u8> {
    let text = json!(it.claims()).to_string();
    let (before, behind) = text.split_once(r#""jti":""#).unwrap();
    [before.as_bytes(), br#""jti":""#, bytes, behind.as_bytes()].concat()
}
