//! Tokens for pomerium-cli, and what it asks for.

#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::token::{POMERIUM_TYPE, SERVICE_ACCOUNTS};

/// To the control plane.
const FORWARDED: (u16, &str) = (0, "control-plane");

/// The header that shows a token, and its value.
type Way = fn(&str) -> (&'static str, String);

fn pomerium_token(claims: &SessionClaims) -> String {
    pomerium_key().sign(POMERIUM_TYPE, claims).unwrap()
}

fn shown(claims: &SessionClaims) -> String {
    format!("Pomerium-{}", pomerium_token(claims))
}

#[test]
fn each_token_counts_in_its_own_way_only() {
    let claims = claims("bob", &["readers"]);
    let sign = |key: SigningKey, typ| key.sign(typ, &claims).unwrap();
    let (session, pomerium) = (token(&claims), pomerium_token(&claims));
    let crossed = [
        ("a session token of the other key", sign(pomerium_key(), SESSION_TYPE)),
        ("a pomerium token of the other key", sign(token_key(), POMERIUM_TYPE)),
        ("an access token", sign(token_key(), ACCESS_TYPE)),
        ("an access token of the other key", sign(pomerium_key(), ACCESS_TYPE)),
        ("a token of the bundle key", sign(bundle_key(), POMERIUM_TYPE)),
    ];
    // Twice, in both orders: what is remembered must not count as something else.
    let ways: [Way; 4] = [
        |token| ("authorization", format!("Bearer {token}")),
        |token| ("authorization", format!("Bearer Pomerium-{token}")),
        |token| {
            let encoded = URL_SAFE_NO_PAD.encode(token);
            ("sec-websocket-protocol", format!("base64url.bearer.authorization.k8s.io.{encoded}"))
        },
        |token| {
            let encoded = URL_SAFE_NO_PAD.encode(format!("Pomerium-{token}"));
            ("sec-websocket-protocol", format!("base64url.bearer.authorization.k8s.io.{encoded}"))
        },
    ];
    let mut fixture = fixture();
    for turn in 0..2 {
        let mut tokens = vec![("session", &session, [true, false, true, false])];
        tokens.push(("pomerium", &pomerium, [false, true, false, false]));
        tokens.extend(crossed.iter().map(|(name, token)| (*name, token, [false; 4])));
        if turn == 1 {
            tokens.reverse();
        }
        for (name, token, counts) in tokens {
            for (number, (way, counts)) in ways.iter().zip(counts).enumerate() {
                let (header, value) = way(token);
                let answer = fixture.ask("", "GET", PODS, &[(header, &value)]);
                match (counts, answer) {
                    (true, Ok(_)) | (false, Err((401, _))) => {}
                    (_, answer) => panic!("{name} shown in way {number}, turn {turn}: {answer:?}"),
                }
            }
        }
    }
}

#[test]
fn it_acts_as_its_person_and_is_cut_like_any_session() {
    let mut fixture = fixture();
    let token = shown(&claims("bob", &["readers", "b"]));
    let headers = fixture.ask(&token, "GET", PODS, &[]).unwrap();
    assert!(headers.contains(&("impersonate-user".to_owned(), "bob".to_owned())), "{headers:?}");
    assert_eq!(fixture.ask(&token, "DELETE", PODS, &[]).unwrap_err(), (403, "no-rule"));
    let stream = fixture.stream(&token, PODS, &[]);
    let until = NOW.after(Duration::from_secs(100));
    fixture.renew_live(8, |live| live.sessions.push(RevokedSession { sid: "s-1".into(), until })).unwrap();
    assert_eq!(fixture.gateway.stream_end(&stream, NOW), Some(StreamEnd::SessionRevoked));
    for path in [PODS, "/healthz", "/livez", ROUTES_PATH] {
        assert_eq!(fixture.ask(&token, "GET", path, &[]).unwrap_err(), (401, "session-revoked"), "{path}");
    }
}

#[test]
fn its_health_check_asks_about_the_token_alone() {
    let mut fixture = fixture();
    // A person whom no rule concerns.
    let stranger = claims("mallory", &[]);
    for path in ["/healthz", "/livez"] {
        let accept = [("accept", "application/json")];
        assert_eq!(fixture.ask(&shown(&stranger), "GET", path, &accept).unwrap_err(), (200, "own-path"), "{path}");
        assert_eq!(fixture.ask("", "GET", path, &accept).unwrap_err(), (401, "no-token"), "{path}");
        assert_eq!(fixture.ask("Pomerium-x", "GET", path, &accept).unwrap_err(), (401, "token-malformed"), "{path}");
        let old = SessionClaims { exp: NOW, ..stranger.clone() };
        assert_eq!(fixture.ask(&shown(&old), "GET", path, &accept).unwrap_err(), (401, "token-expired"), "{path}");
        let other = SessionClaims { aud: "dev".into(), ..stranger.clone() };
        assert_eq!(fixture.ask(&shown(&other), "GET", path, &accept).unwrap_err(), (401, "token-audience"), "{path}");
    }
    // With a session token it stays what it is: a request to the API server, for the policy to decide on.
    assert_eq!(fixture.ask(&token(&claims("mallory", &[])), "GET", "/healthz", &[]).map(drop), Ok(()), "discovery");
    assert_eq!(fixture.ask(&token(&claims("mallory", &[])), "GET", "/livez/ping", &[]).unwrap_err().0, 403);
    assert_eq!(fixture.ask(&shown(&stranger), "GET", "/livez/ping", &[]).unwrap_err().0, 403, "only these two paths");
}

#[test]
fn its_paths_are_a_closed_list_that_never_leads_upstream() {
    let mut fixture = fixture();
    let admin = shown(&claims("root", &["admins"]));
    let session = token(&claims("root", &["admins"]));
    let login = "/.pomerium/api/v1/login?pomerium_redirect_uri=http%3A%2F%2F127.0.0.1%3A7";
    assert_eq!(fixture.ask("", "GET", login, &[]).unwrap_err(), FORWARDED, "nobody has a token before");
    assert_eq!(fixture.ask("x", "GET", login, &[]).unwrap_err(), FORWARDED);
    assert_eq!(
        fixture.ask("", "GET", LOGIN_PATH, &[]).unwrap_err(),
        FORWARDED,
        "the control plane says what is missing"
    );
    assert_eq!(fixture.ask(&admin, "GET", ROUTES_PATH, &[]).unwrap_err(), FORWARDED);
    assert_eq!(fixture.ask("", "GET", ROUTES_PATH, &[]).unwrap_err(), (401, "no-token"));
    assert_eq!(fixture.ask(&session, "GET", ROUTES_PATH, &[]).unwrap_err(), (401, "token-type"));
    for token in ["", &admin, &session] {
        for (method, path) in [
            ("POST", LOGIN_PATH),
            ("HEAD", LOGIN_PATH),
            ("DELETE", ROUTES_PATH),
            ("GET", "/.pomerium"),
            ("GET", "/.pomerium/"),
            ("GET", "/.pomerium/sign_out"),
            ("GET", "/.pomerium/api/v1/login/"),
            ("GET", "/.pomerium/api/v1/login/x"),
            ("GET", "/.pomerium/api/v1/device_auth"),
        ] {
            assert_eq!(fixture.ask(token, method, path, &[]).unwrap_err(), (404, "unknown-path"), "{method} {path}");
        }
        for path in ["/.pomerium/../api/v1/pods", "/.pomerium%2Fapi/v1/login", "//.pomerium/api/v1/login"] {
            assert_eq!(fixture.ask(token, "GET", path, &[]).unwrap_err(), (400, "bad-path"), "{path}");
        }
    }
    let upgrade = [("upgrade", "websocket"), ("connection", "upgrade")];
    assert_eq!(fixture.ask(&admin, "GET", LOGIN_PATH, &upgrade).unwrap_err(), (400, "bad-headers"));
}

#[test]
fn the_control_plane_gets_the_token_and_nothing_else_that_says_who_asks() {
    let mut fixture = fixture();
    let more =
        [("cookie", "a=b"), ("x-kubegate-cluster", "other"), ("impersonate-user", "root"), ("x-remote-user", "r")];
    let removed = |fixture: &mut Fixture, path| {
        fixture.decide(NOW, "prod.example.com", &shown(&claims("bob", &[])), "GET", path, &more, |decision| {
            match decision {
                Decision::ControlPlane(asked) => {
                    assert_eq!(asked.cluster.as_str(), "prod");
                    asked.remove.into_iter().map(str::to_owned).collect::<Vec<_>>()
                }
                other => panic!("{other:?}"),
            }
        })
    };
    let others = ["cookie", "x-kubegate-cluster", "impersonate-user", "x-remote-user"];
    assert_eq!(removed(&mut fixture, LOGIN_PATH), [&["authorization"], others.as_slice()].concat());
    assert_eq!(removed(&mut fixture, ROUTES_PATH), others);
}

#[test]
fn where_it_is_off_none_counts_and_nothing_is_there() {
    let mut fixture = fixture();
    let dev = SessionClaims { aud: "dev".into(), ..claims("bob", &["readers"]) };
    let ask = |fixture: &mut Fixture, token: &str, path| {
        fixture.ask_at(NOW, "dev.example.com", token, "GET", path, &[]).unwrap_err()
    };
    assert_eq!(ask(&mut fixture, &shown(&dev), PODS), (401, "token-kind-off"));
    assert_eq!(ask(&mut fixture, &shown(&dev), "/healthz"), (401, "token-kind-off"));
    for path in [LOGIN_PATH, ROUTES_PATH] {
        assert_eq!(ask(&mut fixture, &shown(&dev), path), (404, "unknown-path"));
    }
    // It is turned off for all.
    let bob = claims("bob", &["readers"]);
    let stream = fixture.stream(&shown(&bob), PODS, &[]);
    let parts = split(&rules()).unwrap();
    put(&mut fixture, &PolicyDocument { pomerium: None, ..policy_document(6, &parts) }, &parts).unwrap();
    assert_eq!(fixture.ask(&shown(&bob), "GET", PODS, &[]).unwrap_err(), (401, "token-key"));
    assert_eq!(fixture.gateway.stream_end(&stream, NOW), Some(StreamEnd::PolicyDenies), "and open streams end");
    assert!(fixture.ask(&token(&bob), "GET", PODS, &[]).is_ok(), "session tokens go on");
}

#[test]
fn no_key_is_for_two_types() {
    let mut fixture = fixture();
    let parts = split(&rules()).unwrap();
    let pomerium = PomeriumTokens { keys: vec![token_key().public().clone()], clusters: vec!["prod".into()] };
    let shared = PolicyDocument { pomerium: Some(pomerium), ..policy_document(6, &parts) };
    assert!(matches!(put(&mut fixture, &shared, &parts), Err(InvalidBundle::SharedKey(_))));
}

#[test]
fn a_service_account_has_no_claims_whatever_rules_ask_for() {
    let mut fixture = fixture();
    let rules: Vec<Rule> = serde_json::from_value(json!([
        {"name": "bots", "who": {"groups": ["bots"]}, "clusters": ["*"], "may": [
            {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}]},
        {"name": "sre", "who": {"groups": ["bots"], "claims": {"department": ["sre"]}}, "clusters": ["*"], "may": [
            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]},
    ]))
    .unwrap();
    fixture.put_in_force(6, &rules, 8).unwrap();
    let bot = SessionClaims { provider: SERVICE_ACCOUNTS.to_owned(), ..claims("sa:bot", &["bots"]) };
    fixture.ask(&shown(&bot), "GET", PODS, &[]).unwrap();
    assert_eq!(fixture.ask(&shown(&bot), "DELETE", PODS, &[]).unwrap_err(), (403, "no-rule"), "it has not the claim");
    assert_eq!(fixture.ask(&shown(&claims("bob", &["bots"])), "GET", PODS, &[]).unwrap_err().0, 401);
}

/// Offers a policy with a live set without entries.
fn put(fixture: &mut Fixture, policy: &PolicyDocument, parts: &[String]) -> Result<(), InvalidBundle> {
    let policy = bundle_key().sign(POLICY_TYPE, policy).unwrap();
    let changes = sign_changes(&changes_document(&policy, &fixture.live, 9));
    let parts = parts.iter().map(String::as_str).collect();
    fixture.gateway.accept(&Documents { policy: Some(&policy), parts, live: None, changes: Some(&changes) })
}
