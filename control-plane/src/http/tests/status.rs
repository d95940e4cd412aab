//! What administrators see of the policy, the live set and the gateways.

use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::gateway::TestGateway;
use super::world::{PASSWORD, World, soon};

const PROD: Option<&str> = Some("urn:kubegate:cluster:prod");

async fn status(world: &World) -> Value {
    let token = world.signed_in("alice", None).await["access_token"].as_str().unwrap().to_owned();
    let answer = world.api("/api/v1/status", &token).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn a_refused_policy_is_named_with_every_mistake() {
    let world = World::new().await;
    let good = status(&world).await;
    assert_eq!((&good["refused"], &good["policy"]["version"]), (&Value::Null, &json!("1800000000.1")));
    assert_eq!((&good["policy"]["clusters"], &good["policy"]["rules"]), (&json!(2), &json!(2)));
    assert_eq!(good["policy"]["since"], "2027-01-15T08:00:00Z");

    world.clock.advance(Duration::from_secs(60));
    world.refuse_policy(
        &World::policy().replace("who: {groups", "whom: {groups").replace("clusters: [prod]", "clusters: [pord]"),
    );
    let refused = status(&world).await["refused"].clone();
    assert_eq!(refused["at"], "2027-01-15T08:01:00Z");
    let problems = refused["problems"].as_array().unwrap();
    assert!(problems.len() >= 3, "all of them: {refused}");
    let whom = problems.iter().find(|problem| problem["path"] == "rules[0].whom").unwrap();
    assert_eq!((&whom["line"], &whom["column"]), (&json!(7), &json!(5)));
    assert!(whom["file"].as_str().unwrap().ends_with("policy.yaml") && whom["message"].is_string(), "{whom}");
    assert_eq!(whom["remedy"], "did you mean who?");
}

#[tokio::test]
async fn a_policy_that_cannot_be_put_into_force_is_not_called_in_force() {
    let world = World::new().await;
    let mut alice = world.browser();
    alice.sign_in("/login", "alice", PASSWORD).await;
    assert_eq!(status(&world).await["file"], "in-force");
    let full = "CREATE TRIGGER full BEFORE UPDATE ON bundle_version BEGIN SELECT RAISE(ABORT, 'the disk is full'); END";
    world.sql(full).await;
    world.clock.advance(Duration::from_secs(60));
    world.change_policy(&World::policy().replace("verbs: [get]", "verbs: [get, list]")).await;
    soon("the failure", async {
        while status(&world).await["failing"].is_null() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let shown = status(&world).await;
    assert_eq!((&shown["file"], &shown["refused"]), (&json!("waiting"), &Value::Null), "{shown}");
    assert_eq!(shown["policy"]["version"], "1800000000.1", "the one before stays");
    assert_eq!(shown["failing"]["since"], "2027-01-15T08:01:00Z");
    assert!(shown["failing"]["message"].as_str().unwrap().contains("the disk is full"), "{shown}");
    let ready = world.internal("/readyz", &[]).await.json();
    assert_eq!((&ready["policy"]["file"], &ready["publishing"]), (&json!("waiting"), &json!("failing")), "{ready}");
    let page = alice.get("/admin").await.text;
    assert!(page.contains("not in force yet") && page.contains("the disk is full"), "{page}");
    assert!(!page.contains("is the policy in force"), "{page}");
    let metrics = async || world.internal("/metrics", &[]).await.text;
    assert!(metrics().await.contains("kubegate_policy_valid 0"));

    world.sql("DROP TRIGGER full").await;
    soon("the next try", async {
        while status(&world).await["file"] != "in-force" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    let shown = status(&world).await;
    assert_eq!((&shown["policy"]["version"], &shown["failing"]), (&json!("1800000000.2"), &Value::Null));
    assert!(metrics().await.contains("kubegate_policy_valid 1"));
}

#[tokio::test]
async fn a_restart_does_not_change_since_when_a_policy_is_in_force() {
    let world = World::new().await;
    let before = status(&world).await["policy"].clone();
    world.clock.advance(Duration::from_secs(3600));
    let world = world.restarted(str::to_owned).await;
    let after = status(&world).await;
    assert_eq!(after["policy"], before);
    assert_eq!(after["started"], "2027-01-15T09:00:00Z", "the restart shows elsewhere");
}

#[tokio::test]
async fn every_gateway_is_shown_with_what_it_has() {
    let world = World::new().await;
    let edge = async |world: &World| status(world).await["gateways"][0].clone();
    let silent = json!({"name": "edge", "waiting": 0, "last_poll": null, "holds": "silent", "others": []});
    assert_eq!(edge(&world).await, silent);
    let mut gateway = TestGateway::new(&world);
    gateway.poll(&world, "").await;
    assert_eq!(edge(&world).await["holds"], "nothing", "it had nothing when it asked");
    gateway.poll(&world, "").await;
    let at = "2027-01-15T08:00:00Z";
    let version = gateway.tag().unwrap().changes.to_string();
    let newest = json!({
        "name": "edge", "waiting": 0, "last_poll": at, "version": version, "behind": 0, "holds": "newest", "others": []
    });
    assert_eq!(edge(&world).await, newest);
    let ahead = gateway.tag().unwrap();
    let newer = format!("\"{}/{}/{}.99\"", ahead.policy, ahead.live, ahead.changes.epoch);
    world.poll(Some(&newer), "").await;
    assert_eq!(edge(&world).await["holds"], "newer");
}

#[tokio::test]
async fn an_envoy_that_takes_nothing_is_seen_behind_one_that_takes_all() {
    let world = World::new().await;
    let mut alice = world.browser();
    alice.sign_in("/login", "alice", PASSWORD).await;
    let mut good = TestGateway::new(&world);
    good.poll(&world, "").await;
    let stuck = format!("\"{}\"", good.tag().unwrap());
    world
        .form("/oauth/revoke", &[("token", world.signed_in("bob", PROD).await["refresh_token"].as_str().unwrap())])
        .await;
    assert!(!good.poll(&world, "wait=20").await.is_empty(), "the news");
    good.poll(&world, "").await;
    for _ in 0..5 {
        world.poll(Some(&stuck), "").await;
        world.clock.advance(Duration::from_secs(1));
        good.poll(&world, "").await;
    }
    let edge = async || status(&world).await["gateways"][0].clone();
    let shown = edge().await;
    assert_eq!((&shown["holds"], &shown["others"]), (&json!("older"), &json!(["newest"])), "{shown}");
    assert!(shown["behind"].as_u64().unwrap() >= 1, "{shown}");
    let page = alice.get("/admin").await.text;
    assert!(page.contains("behind"), "{page}");
    assert!(
        page.contains("has something older") && page.contains("another with its credential has the newest"),
        "{page}"
    );

    world.clock.advance(Duration::from_secs(20));
    good.poll(&world, "").await;
    assert_eq!(edge().await["holds"], "newest", "the other is gone");
    world.clock.advance(Duration::from_secs(61));
    let shown = edge().await;
    assert_eq!((&shown["holds"], &shown["last_poll"]), (&json!("silent"), &json!("2027-01-15T08:00:25Z")), "{shown}");
    let page = alice.get("/admin").await.text;
    assert!(page.contains("has not asked since 2027-01-15T08:00:25Z"), "{page}");
}

#[tokio::test]
async fn the_page_is_for_administrators() {
    let world = World::new().await;
    let mut alice = world.browser();
    let login = alice.get("/admin").await.location().to_owned();
    assert_eq!(alice.sign_in(&login, "alice", PASSWORD).await.location(), "/admin");
    assert!(alice.get("/").await.text.contains("href=\"/admin\""));
    let page = alice.get("/admin").await.text;
    assert!(page.contains("is the policy in force"), "{page}");
    assert!(page.contains("has not asked since the control plane was started at 2027-01-15T08:00:00Z"), "{page}");
    world.refuse_policy(&World::policy().replace("who: {groups", "whom: {groups"));
    let page = alice.get("/admin").await.text;
    assert!(page.contains("was refused at 2027-01-15T08:00:00Z") && page.contains("did you mean who?"), "{page}");

    let mut bob = world.browser();
    bob.sign_in("/login", "bob", PASSWORD).await;
    assert!(!bob.get("/").await.text.contains("/admin"));
    let page = bob.get("/admin").await;
    assert!(page.status == StatusCode::FORBIDDEN && !page.text.contains("policy.yaml"), "{}", page.text);
}
