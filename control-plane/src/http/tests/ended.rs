//! A session that is over: the command line is told why, and since when.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::world::{PASSWORD, World, authorize_url, parameter};

const HOUR: Duration = Duration::from_secs(3600);

fn secret(answer: &Value) -> &str {
    answer["refresh_token"].as_str().unwrap()
}

/// What a refresh is told: the words, then the reason and the moment for programs.
async fn told(world: &World, secret: &str) -> (String, Value) {
    let answer = world.refresh(secret, None).await;
    assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
    let answer = answer.json();
    (answer["error_description"].as_str().unwrap().to_owned(), answer["session_ended"].clone())
}

#[tokio::test]
async fn by_an_administrator() {
    let world = World::new().await;
    let admin = world.signed_in("alice", None).await["access_token"].as_str().unwrap().to_owned();
    let bob = world.signed_in("bob", None).await;
    world.clock.advance(Duration::from_secs(90));
    world.api_post("/api/v1/revocations", &admin, &json!({"person": "accounts:bob"})).await;
    world.clock.advance(HOUR);
    for _ in 0..2 {
        let (words, ended) = told(&world, secret(&bob)).await;
        assert_eq!(words, "your session was ended by an administrator at 2027-01-15T08:01:30Z");
        assert_eq!(ended, json!({"reason": "administrator", "at": "2027-01-15T08:01:30Z"}));
    }
}

#[tokio::test]
async fn by_the_person_by_idle_time_and_by_age() {
    let world = World::new().await;
    let alice = world.signed_in("alice", None).await;
    world.form("/oauth/revoke", &[("token", secret(&alice))]).await;
    assert_eq!(told(&world, secret(&alice)).await.0, "you signed out at 2027-01-15T08:00:00Z");

    let idle = world.app.sessions.limits().idle_timeout;
    let mut bob = world.signed_in("bob", None).await;
    let alice = world.signed_in("alice", None).await;
    let mut passed = Duration::ZERO;
    while passed <= idle {
        bob = world.refresh(secret(&bob), None).await.json();
        world.clock.advance(HOUR);
        passed += HOUR;
    }
    let (words, ended) = told(&world, secret(&alice)).await;
    assert!(words.starts_with("your session was ended at 2027-01-") && words.contains("not been used for"), "{words}");
    assert_eq!(ended["reason"], "idle");
    assert_eq!(told(&world, secret(&alice)).await, (words, ended), "once and for all");

    while passed < world.app.sessions.limits().max_lifetime {
        bob = world.refresh(secret(&bob), None).await.json();
        world.clock.advance(HOUR);
        passed += HOUR;
    }
    let (words, ended) = told(&world, secret(&bob)).await;
    assert_eq!(words, "your session ended at 2027-01-15T20:00:00Z: 12h is its longest life");
    assert_eq!(ended, json!({"reason": "expired", "at": "2027-01-15T20:00:00Z"}));
}

#[tokio::test]
async fn by_a_second_use_of_a_secret() {
    let world = World::new().await;
    let first = world.signed_in("alice", None).await;
    let second = world.refresh(secret(&first), None).await.json();
    let third = world.refresh(secret(&second), None).await.json();
    for secret in [secret(&first), secret(&third)] {
        let (words, ended) = told(&world, secret).await;
        assert!(words.contains("used twice, so somebody else may hold a copy"), "{words}");
        assert_eq!(ended, json!({"reason": "reuse", "at": "2027-01-15T08:00:00Z"}));
    }
}

#[tokio::test]
async fn by_newer_ones() {
    let world = World::new().await.restarted(|config| format!("{config}sessions: {{maxPerPerson: 2}}\n")).await;
    let alice = world.signed_in("alice", None).await;
    world.clock.advance(Duration::from_secs(1));
    world.signed_in("alice", None).await;
    let (words, ended) = told(&world, secret(&alice)).await;
    assert_eq!(words, "your session was ended at 2027-01-15T08:00:01Z: you have 2 newer ones, as many as there may be");
    assert_eq!(ended["reason"], "too-many");
}

#[tokio::test]
async fn by_the_end_of_its_account() {
    let world = World::new().await;
    let alice = world.signed_in("alice", None).await;
    let world = world.restarted(|config| config.replace("user: alice", "user: alicia")).await;
    let (words, ended) = told(&world, secret(&alice)).await;
    assert!(words.contains("account or provider is no longer there"), "{words}");
    assert_eq!(ended["reason"], "withdrawn");
}

#[tokio::test]
async fn so_long_ago_that_nobody_knows() {
    let world = World::new().await;
    let (words, ended) = told(&world, "kgr_0123456789012345678901234567890123456789012").await;
    assert_eq!(words, "your session is not known here; it may have ended more than a day ago");
    assert_eq!(ended, json!({"reason": "unknown", "at": null}));
}

#[tokio::test]
async fn before_its_code_was_traded() {
    let world = World::new().await;
    let mut browser = world.browser();
    let login = browser.get(&authorize_url()).await.location().to_owned();
    let back = browser.sign_in(&login, "alice", PASSWORD).await.location().to_owned();
    let code = parameter(browser.get(&back).await.location(), "code").unwrap();
    let csrf = browser.get("/").await.hidden("csrf");
    browser.post("/logout", &[("csrf", &csrf)]).await;
    let answer = world.redeem(&code, None).await.json();
    let expected = "the sign-in that the code came from is over: you signed out at 2027-01-15T08:00:00Z";
    assert_eq!(answer["error_description"], expected);
    assert!(answer.get("session_ended").is_none(), "no session of the command line was there to end");
}
