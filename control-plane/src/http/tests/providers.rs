//! Providers that are down, or have new keys.

use std::time::Duration;

use axum::http::StatusCode;

use super::idp::Idp;
use super::oidc::{link, sign_in};
use super::world::World;

/// Lets the time of providers go on, which no clock of ours is.
async fn later(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn nothing_is_asked_of_a_provider_before_somebody_signs_in_and_then_once() {
    let idp = Idp::start().await;
    let world = World::with(&idp.section()).await;
    world.browser().get("/login").await;
    assert_eq!(idp.discoveries(), 0, "neither the start nor the sign-in page waits for it");
    for _ in 0..3 {
        assert_eq!(sign_in(&mut world.browser(), &idp, "/login").await.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(idp.discoveries(), 1);
    later(3601).await;
    assert_eq!(sign_in(&mut world.browser(), &idp, "/login").await.status, StatusCode::SEE_OTHER);
    assert_eq!(idp.discoveries(), 2, "an hour later it may say something else");
}

#[tokio::test]
async fn a_provider_with_new_keys_is_believed_and_one_with_unknown_keys_is_not() {
    let idp = Idp::start().await;
    let world = World::with(&idp.section()).await;
    assert_eq!(sign_in(&mut world.browser(), &idp, "/login").await.status, StatusCode::SEE_OTHER);
    idp.behaviour.lock().unwrap().seed = [2; 32];
    later(31).await;
    assert_eq!(sign_in(&mut world.browser(), &idp, "/login").await.status, StatusCode::SEE_OTHER, "rotated");
    assert_eq!(idp.discoveries(), 2);
    // Tokens with ever other keys do not make us ask each time.
    for seed in 3..6 {
        idp.behaviour.lock().unwrap().seed = [seed; 32];
        let answer = sign_in(&mut world.browser(), &idp, "/login").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.text);
    }
    assert_eq!(idp.discoveries(), 2);
}

#[tokio::test]
async fn a_provider_that_is_down_is_not_asked_at_every_click_and_comes_back() {
    let idp = Idp::start().await;
    let world = World::with(&idp.section()).await;
    idp.behaviour.lock().unwrap().down = true;
    for _ in 0..4 {
        let mut browser = world.browser();
        let link = link(&mut browser, "/login").await;
        assert_eq!(browser.get(&link).await.status, StatusCode::BAD_GATEWAY);
    }
    assert_eq!(idp.discoveries(), 1, "it is left alone for a while");
    idp.behaviour.lock().unwrap().down = false;
    later(2).await;
    assert_eq!(sign_in(&mut world.browser(), &idp, "/login").await.status, StatusCode::SEE_OTHER, "it is back");
    // What is known of it outlives a failure.
    idp.behaviour.lock().unwrap().down = true;
    later(3601).await;
    assert_eq!(sign_in(&mut world.browser(), &idp, "/login").await.status, StatusCode::SEE_OTHER);
    assert_eq!(idp.discoveries(), 3);
}
