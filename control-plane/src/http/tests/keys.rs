//! Keys that sign session tokens, replaced by command.

use std::time::Duration;

use axum::http::StatusCode;
use kubegate_core::bundle::Documents;
use serde_json::json;

use super::world::World;

async fn token(world: &World, user: &str, resource: Option<&str>) -> String {
    world.signed_in(user, resource).await["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn only_administrators_replace_them_and_nobody_notices() {
    let world = World::new().await;
    let bob = token(&world, "bob", None).await;
    for answer in
        [world.api("/api/v1/keys", &bob).await, world.api_post("/api/v1/keys/rotations", &bob, &json!({})).await]
    {
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
    }
    let alice = token(&world, "alice", None).await;
    let session = token(&world, "alice", Some("urn:kubegate:cluster:prod")).await;
    let held = world.poll(None, "wait=0").await;
    let mut gateway = world.gateway(&held);
    let made = world.api_post("/api/v1/keys/rotations", &alice, &json!({"publishFor": 60})).await;
    assert_eq!((made.status, &made.json()["state"]), (StatusCode::CREATED, &json!("next")));
    let again = world.api_post("/api/v1/keys/rotations", &alice, &json!({})).await;
    assert_eq!((again.status, &again.json()["title"]), (StatusCode::CONFLICT, &json!("rotation-under-way")));
    // A waiting gateway gets the next key at once, before it signs.
    let news = world.poll(Some(held.header("etag")), "wait=20").await;
    gateway.accept(&Documents::parse(&news.text).unwrap()).unwrap();
    assert_eq!(world.ask(&mut gateway, "prod.example.com", &session).0, 200);
    world.clock.advance(Duration::from_secs(60));
    let next = token(&world, "alice", Some("urn:kubegate:cluster:prod")).await;
    for token in [&session, &next] {
        assert_eq!(world.ask(&mut gateway, "prod.example.com", token).0, 200, "the old and the new one");
    }
    let states = world.api("/api/v1/keys", &alice).await.json();
    let states: Vec<_> = states["keys"].as_array().unwrap().iter().map(|key| key["state"].clone()).collect();
    assert_eq!(states, [json!("verifying"), json!("signing")]);
    for body in [json!({"publishFor": 0}), json!({"publishFor": 86_401}), json!({"now": true, "publishFor": 1})] {
        assert_eq!(
            world.api_post("/api/v1/keys/rotations", &alice, &body).await.status,
            StatusCode::BAD_REQUEST,
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_key_in_other_hands_opens_nothing_from_then_on() {
    let world = World::new().await;
    let alice = world.signed_in("alice", None).await;
    let refresh = alice["refresh_token"].as_str().unwrap();
    let session = token(&world, "alice", Some("urn:kubegate:cluster:prod")).await;
    let held = world.poll(None, "wait=0").await;
    let mut gateway = world.gateway(&held);
    let access = alice["access_token"].as_str().unwrap();
    let made = world.api_post("/api/v1/keys/rotations", access, &json!({"now": true})).await;
    assert_eq!((made.status, &made.json()["state"]), (StatusCode::CREATED, &json!("signing")));
    let news = world.poll(Some(held.header("etag")), "wait=20").await;
    gateway.accept(&Documents::parse(&news.text).unwrap()).unwrap();
    assert_eq!(world.ask(&mut gateway, "prod.example.com", &session).0, 401);
    assert_eq!(world.api("/api/v1/keys", access).await.status, StatusCode::UNAUTHORIZED, "our own API neither");
    let next = world.refresh(refresh, Some("urn:kubegate:cluster:prod")).await.json();
    let next = next["access_token"].as_str().unwrap();
    assert_eq!(world.ask(&mut gateway, "prod.example.com", next).0, 200, "without a sign-in");
}

#[tokio::test]
async fn given_keys_are_not_replaced() {
    let world = World::new()
        .await
        .restarted(|config| {
            config.replace("bundle: bundle-key.json", "bundle: bundle-key.json, token: [bundle-key.json]")
        })
        .await;
    let alice = token(&world, "alice", None).await;
    let answer = world.api_post("/api/v1/keys/rotations", &alice, &json!({"now": true})).await;
    assert_eq!((answer.status, &answer.json()["title"]), (StatusCode::CONFLICT, &json!("keys-given")));
}
