//! What gateways get, and when.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use kubegate_core::bundle::Documents;
use serde_json::json;

use super::gateway::TestGateway;
use super::world::{START, World, soon};

const PROD: Option<&str> = Some("urn:kubegate:cluster:prod");

#[tokio::test]
async fn a_gateway_shows_its_credential() {
    let world = World::new().await;
    for authorization in ["", "Bearer ", "Bearer kgg_wrong", "Basic a2dn"] {
        let answer = world.internal("/v1/bundle", &[("authorization", authorization)]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization:?}");
        assert!(!answer.text.contains("live"), "{}", answer.text);
    }
    assert_eq!(world.internal("/v1/bundle", &[]).await.status, StatusCode::UNAUTHORIZED);
    let metrics = world.internal("/metrics", &[]).await.text;
    assert!(metrics.contains("kubegate_bundle_polls_total{gateway=\"\",status=\"401\"} 5"), "{metrics}");
}

#[tokio::test]
async fn a_gateway_that_has_the_newest_waits() {
    let world = World::new().await;
    let first = world.poll(None, "").await;
    assert_eq!(first.status, StatusCode::OK);
    let tag = first.header("etag").to_owned();
    let began = Instant::now();
    let same = world.poll(Some(&tag), "wait=1").await;
    assert_eq!((same.status, same.header("etag")), (StatusCode::NOT_MODIFIED, &*tag));
    assert!(began.elapsed() >= Duration::from_secs(1) && same.text.is_empty());
    assert_eq!(world.poll(Some(&tag), "").await.status, StatusCode::NOT_MODIFIED, "at once, when it does not wait");
    for other in ["\"0000/1.1/1.1\"", "\"nonsense\"", "*"] {
        let all = world.poll(Some(other), "wait=20").await;
        assert_eq!(all.text, first.text, "{other}: another policy, so everything, at once");
    }
}

#[tokio::test]
async fn a_new_policy_reaches_a_waiting_gateway_at_once() {
    let world = World::new().await;
    let mut gateway = TestGateway::new(&world);
    gateway.poll(&world, "").await;
    let before = gateway.tag().unwrap();
    let changing = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.change_policy(&World::policy().replace("verbs: [get]", "verbs: [get, list]")).await;
    };
    soon("the policy", async { tokio::join!(gateway.poll(&world, "wait=20"), changing) }).await;
    let after = gateway.tag().unwrap();
    assert!(after.policy != before.policy && after.live == before.live && after.changes > before.changes, "{after}");
}

#[tokio::test]
async fn an_edit_of_a_long_policy_sends_what_is_new_of_it() {
    let world = World::new().await;
    let policy = |edited: usize| {
        let mut text = World::policy().to_owned();
        for number in 0..2000 {
            let namespace = if number == edited { "edited".to_owned() } else { format!("team-{number}") };
            let _ = writeln!(
                text,
                "  - {{name: team {number}, who: {{groups: [team-{number}]}}, clusters: [prod], may: [{{verbs: [get], \
                 apiGroups: [\"\"], resources: [pods], namespaces: [{namespace}]}}]}}"
            );
        }
        text
    };
    let mut gateway = TestGateway::new(&world);
    let mut change = async |edited| {
        world.change_policy(&policy(edited)).await;
        let version = world.app.in_force().version;
        soon("the policy", async {
            while world.app.in_force().version == version {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        gateway.poll(&world, "").await
    };
    let all = change(0).await;
    let first = change(1000).await;
    let (parts, edited) = (Documents::parse(&all).unwrap().parts.len(), Documents::parse(&first).unwrap().parts.len());
    assert!(parts > 20 && (1..=4).contains(&edited), "{edited} of {parts}");
    assert!(first.len() * 5 < all.len(), "{} of {} bytes", first.len(), all.len());
    let late = TestGateway::new(&world).poll(&world, "").await;
    assert_eq!(Documents::parse(&late).unwrap().parts.len(), parts, "who comes anew gets all");
}

#[tokio::test]
async fn versions_never_go_back() {
    let world = World::new().await;
    let mut gateway = TestGateway::new(&world);
    gateway.poll(&world, "").await;
    let before = gateway.tag().unwrap();
    let world = world.restarted(str::to_owned).await;
    let text = gateway.poll(&world, "").await;
    let after = gateway.tag().unwrap();
    assert_eq!(before.policy, after.policy, "the same policy is the same document");
    assert!(text.starts_with("live ") && after.live > before.live, "the live set is newer");
}

#[tokio::test]
async fn one_change_reaches_many_gateways_within_a_second() {
    let world = Arc::new(World::new().await);
    let tag = world.poll(None, "").await.header("etag").to_owned();
    let bob = world.signed_in("bob", PROD).await;
    let mut polls = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let (world, tag) = (Arc::clone(&world), tag.clone());
        polls.spawn(async move { world.poll(Some(&tag), "wait=30").await });
    }
    soon("500 waiting gateways", async {
        while !world.internal("/metrics", &[]).await.text.contains("kubegate_bundle_polls_waiting 500") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let began = Instant::now();
    world.form("/oauth/revoke", &[("token", bob["refresh_token"].as_str().unwrap())]).await;
    let answers = polls.join_all().await;
    assert!(began.elapsed() < Duration::from_secs(1), "it took {:?}", began.elapsed());
    assert!(answers.iter().all(|answer| answer.text.starts_with("changes ") && answer.text.len() < 1000));
}

#[tokio::test]
async fn an_elevation_counts_at_gateways_until_it_ends() {
    let world = World::new().await;
    let admin = world.signed_in("alice", None).await["access_token"].as_str().unwrap().to_owned();
    let bob = world.signed_in("bob", PROD).await["access_token"].as_str().unwrap().to_owned();
    let mut gateway = TestGateway::new(&world);
    gateway.poll(&world, "").await;
    assert_eq!(gateway.get(&bob, START), Err((403, "no-access")));

    let elevation = json!({
        "person": "bob", "cluster": "prod", "groups": ["platform-admins"], "duration": 300, "reason": "INC-7",
    });
    let id = world.api_post("/api/v1/elevations", &admin, &elevation).await.json()["id"].as_str().unwrap().to_owned();
    let text = gateway.poll(&world, "wait=20").await;
    assert!(text.starts_with("changes "), "{text}");
    assert_eq!(gateway.get(&bob, START), Ok(()));
    assert_eq!(gateway.get(&bob, START.after(Duration::from_secs(300))), Err((403, "no-access")), "by itself");

    // A live set that grants it, and an end that comes before.
    let world = world.restarted(str::to_owned).await;
    assert!(gateway.poll(&world, "wait=20").await.contains("live "));
    assert_eq!(gateway.get(&bob, START), Ok(()));
    world.api_delete(&format!("/api/v1/elevations/{id}"), &admin).await;
    assert!(gateway.poll(&world, "wait=20").await.starts_with("changes "));
    assert_eq!(gateway.get(&bob, START), Err((403, "no-access")), "the change takes the place of the live set's entry");
}

#[tokio::test]
async fn a_disabled_person_is_out_within_a_second() {
    let world = World::new().await;
    let admin = world.signed_in("alice", None).await["access_token"].as_str().unwrap().to_owned();
    let bob = world.signed_in("bob", PROD).await["access_token"].as_str().unwrap().to_owned();
    let mut gateway = TestGateway::new(&world);
    gateway.poll(&world, "").await;
    let began = Instant::now();
    let order = json!({"person": "bob", "reason": "r"});
    let disabling = world.api_post("/api/v1/people/disable", &admin, &order);
    soon("the end", async { tokio::join!(gateway.poll(&world, "wait=20"), disabling) }).await;
    assert!(began.elapsed() < Duration::from_secs(1), "it took {:?}", began.elapsed());
    assert_eq!(gateway.get(&bob, START), Err((401, "user-revoked")));

    // Let in again a moment later, by a token made from then on.
    world.clock.advance(Duration::from_secs(2));
    world.api_post("/api/v1/people/enable", &admin, &order).await;
    gateway.poll(&world, "wait=20").await;
    let again = world.signed_in("bob", PROD).await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(gateway.get(&again, world.clock.now()), Err((403, "no-access")), "known, and without a rule");
    assert_eq!(gateway.get(&bob, world.clock.now()), Err((401, "user-revoked")));
}
