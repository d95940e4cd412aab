//! What attackers try.

use std::time::Duration;

use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::world::{CALLBACK, PASSWORD, VERIFIER, World, authorize_url, encode, parameter};

#[tokio::test]
async fn codes_fit_one_request_once() {
    let world = World::new().await;
    let good = |code: &str| {
        vec![
            ("grant_type", "authorization_code".to_owned()),
            ("client_id", "kubegate-cli".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", CALLBACK.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ]
    };
    let send = async |form: Vec<(&str, String)>| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.form("/oauth/token", &form).await
    };
    for (field, wrong, error) in [
        ("code_verifier", "another-verifier-that-is-long-enough-for-pkce", "invalid_grant"),
        ("redirect_uri", "http://127.0.0.1:7778/callback", "invalid_grant"),
        ("client_id", "another", "invalid_client"),
        ("code", "kgc_unknown", "invalid_grant"),
        ("grant_type", "password", "unsupported_grant_type"),
        ("code_verifier", "", "invalid_request"),
    ] {
        let code = world.browser().code("alice").await;
        let form =
            good(&code).into_iter().map(|(name, value)| (name, if name == field { wrong.to_owned() } else { value }));
        let answer = send(form.collect()).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (StatusCode::BAD_REQUEST, Some(error)), "{field}");
        assert_eq!(answer.header("cache-control"), "no-store", "{field}");
    }
    let code = world.browser().code("alice").await;
    let first = send(good(&code)).await.json();
    let again = send(good(&code)).await;
    assert_eq!(again.json()["error"].as_str(), Some("invalid_grant"));
    let ended = world.refresh(first["refresh_token"].as_str().unwrap(), None).await;
    assert_eq!(ended.json()["error"].as_str(), Some("invalid_grant"), "what came of the code is ended");

    let code = world.browser().code("alice").await;
    world.clock.advance(Duration::from_secs(61));
    assert_eq!(send(good(&code)).await.json()["error"].as_str(), Some("invalid_grant"), "too late");
}

#[tokio::test]
async fn a_spent_refresh_secret_ends_the_session() {
    let world = World::new().await;
    let first = world.signed_in("alice", None).await["refresh_token"].as_str().unwrap().to_owned();
    let second = world.refresh(&first, None).await.json()["refresh_token"].as_str().unwrap().to_owned();
    let third = world.refresh(&second, None).await.json()["refresh_token"].as_str().unwrap().to_owned();
    let reused = world.refresh(&first, None).await;
    assert!(reused.text.contains("somebody else"), "{}", reused.text);
    assert_eq!(world.refresh(&third, None).await.json()["error"].as_str(), Some("invalid_grant"));
}

#[tokio::test]
async fn a_wrong_target_spends_nothing() {
    let world = World::new().await;
    let secret = world.signed_in("alice", None).await["refresh_token"].as_str().unwrap().to_owned();
    for resource in ["urn:kubegate:cluster:nowhere", "https://prod.example.com", "urn:kubegate:cluster:"] {
        let refused = world.refresh(&secret, Some(resource)).await;
        assert_eq!(refused.json()["error"].as_str(), Some("invalid_target"), "{resource}");
    }
    assert_eq!(world.refresh(&secret, None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn authorization_requests_lead_nowhere_else() {
    let world = World::new().await;
    let mut browser = world.browser();
    for redirect in
        ["https://evil.example/callback", "http://127.0.0.1:7777/other", "http://evil.example:7777/callback"]
    {
        let answer = browser.get(&super::world::authorize_url_for(redirect)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{redirect}");
        assert!(answer.headers.get("location").is_none() && !answer.text.contains("evil"), "{redirect}");
    }
    let other_client = authorize_url().replace("kubegate-cli", "evil");
    assert_eq!(browser.get(&other_client).await.status, StatusCode::BAD_REQUEST);
    let twice = format!("{}&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback", authorize_url());
    assert_eq!(browser.get(&twice).await.status, StatusCode::BAD_REQUEST);
    let plain = authorize_url().replace("S256", "plain");
    assert_eq!(parameter(browser.get(&plain).await.location(), "error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn sign_ins_lead_to_no_other_site() {
    let world = World::new().await;
    for target in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
        let mut browser = world.browser();
        let path = format!("/login?{}", encode(&[("return_to", target)]));
        assert_eq!(browser.sign_in(&path, "alice", PASSWORD).await.location(), "/", "{target}");
        let mut browser = world.browser();
        let csrf = browser.get("/login").await.hidden("csrf");
        let form = [("csrf", &*csrf), ("return_to", target), ("username", "alice"), ("password", PASSWORD)];
        assert_eq!(browser.post("/login/accounts", &form).await.location(), "/", "{target} in the form");
    }
}

#[tokio::test]
async fn forms_need_their_proof_and_their_browser() {
    let world = World::new().await;
    let mut mallory = world.browser();
    let csrf = mallory.get("/login").await.hidden("csrf");
    let form = [("csrf", &*csrf), ("username", "alice"), ("password", PASSWORD)];
    let mut alice = world.browser();
    alice.get("/login").await;
    assert_eq!(alice.post("/login/accounts", &form).await.status, StatusCode::FORBIDDEN, "another browser's proof");
    assert_eq!(world.form("/login/accounts", &form).await.status, StatusCode::FORBIDDEN, "no cookie at all");
    let form = [("username", "alice"), ("password", PASSWORD)];
    assert_eq!(mallory.post("/login/accounts", &form).await.status, StatusCode::FORBIDDEN, "no proof");
}

#[tokio::test]
async fn guessing_is_slowed_down_and_tells_nothing() {
    let world = World::new().await;
    let mut browser = world.browser();
    let known = browser.sign_in("/login", "alice", "wrong").await;
    let unknown = browser.sign_in("/login", "nobody", "wrong").await;
    assert_eq!((known.status, unknown.status), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
    assert_eq!(known.text.replace("alice", "X"), unknown.text.replace("nobody", "X"), "no difference to be seen");
    for _ in 0..4 {
        browser.sign_in("/login", "alice", "wrong").await;
    }
    let slowed = browser.sign_in("/login", "alice", PASSWORD).await;
    assert_eq!(slowed.status, StatusCode::TOO_MANY_REQUESTS, "even the right one");
    assert!(!slowed.header("retry-after").is_empty());
    assert_eq!(browser.sign_in("/login", "bob", PASSWORD).await.status, StatusCode::SEE_OTHER, "nobody else waits");
}

#[tokio::test]
async fn a_sign_in_makes_a_session_of_its_own() {
    let world = World::new().await;
    let mut browser = world.browser();
    browser.cookies.push(("__Host-kubegate-session".into(), "kgb_planted".into()));
    browser.sign_in("/login", "alice", PASSWORD).await;
    let (_, first) = browser.cookies.iter().find(|(name, _)| name.ends_with("session")).cloned().unwrap();
    assert_ne!(first, "kgb_planted");
    browser.sign_in("/login", "bob", PASSWORD).await;
    let mut old = world.browser();
    old.cookies.push(("__Host-kubegate-session".into(), first));
    assert!(old.get("/").await.text.contains("href=\"/login\""), "the session before is over");
}

#[tokio::test]
async fn the_api_takes_its_own_tokens_only() {
    let world = World::new().await;
    let session_token = world.signed_in("alice", Some("urn:kubegate:cluster:prod")).await;
    let answer = world.signed_in("alice", None).await;
    let good = answer["access_token"].as_str().unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    let encode = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let none = encode(&json!({"alg": "none", "typ": "at+jwt", "kid": "x"}));
    let mut claims: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    claims["user"] = json!("root");
    let cases = [
        ("a session token", session_token["access_token"].as_str().unwrap().to_owned()),
        ("a refresh secret", answer["refresh_token"].as_str().unwrap().to_owned()),
        ("alg none", format!("{none}.{}.", parts[1])),
        ("other claims", format!("{}.{}.{}", parts[0], encode(&claims), parts[2])),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("nothing", String::new()),
        ("noise", "a.b.c".to_owned()),
    ];
    for (what, token) in cases {
        let answer = world.api("/api/v1/whoami", &token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{what}");
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{what}");
    }
    assert_eq!(world.api("/api/v1/whoami", good).await.status, StatusCode::OK);
    world.form("/oauth/revoke", &[("token", answer["refresh_token"].as_str().unwrap())]).await;
    assert_eq!(world.api("/api/v1/whoami", good).await.status, StatusCode::UNAUTHORIZED, "the session has ended");
    let answer = world.signed_in("alice", None).await;
    world.clock.advance(Duration::from_secs(601));
    let late = world.api("/api/v1/whoami", answer["access_token"].as_str().unwrap()).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED, "the token has ended");
}

#[tokio::test]
async fn parameters_given_twice_and_long_bodies_are_refused() {
    let world = World::new().await;
    let twice = [("grant_type", "refresh_token"), ("grant_type", "refresh_token"), ("client_id", "kubegate-cli")];
    assert_eq!(world.form("/oauth/token", &twice).await.json()["error"].as_str(), Some("invalid_request"));
    let long = "x".repeat(100_000);
    let answer = world.form("/oauth/token", &[("grant_type", &long)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}
