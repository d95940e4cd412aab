//! What gateways get, and when.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use kubegate_core::bundle::Documents;

use super::world::{World, soon};

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
    let stale = world.poll(Some("\"0000.1.1\""), "wait=20").await;
    assert!(Documents::parse(&stale.text).unwrap().policy.is_some(), "another policy: all documents, at once");
}

#[tokio::test]
async fn a_new_policy_reaches_a_waiting_gateway_at_once() {
    let world = World::new().await;
    let tag = world.poll(None, "").await.header("etag").to_owned();
    let changing = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.change_policy(&World::policy().replace("verbs: [get]", "verbs: [get, list]")).await;
    };
    let (woken, ()) = soon("the policy", async { tokio::join!(world.poll(Some(&tag), "wait=20"), changing) }).await;
    let gateway = world.gateway(&woken);
    assert_eq!(gateway.versions().unwrap().0.counter, 2);
    assert_eq!(format!("\"{}\"", gateway.tag().unwrap()), woken.header("etag"));
}

#[tokio::test]
async fn versions_never_go_back() {
    let world = World::new().await;
    let before = world.poll(None, "").await;
    let world = world.restarted(str::to_owned).await;
    let after = world.poll(None, "").await;
    let policy = |text: &str| Documents::parse(text).unwrap().policy.unwrap().to_owned();
    assert_eq!(policy(&before.text), policy(&after.text), "the same policy is the same document");
    let counter = |tag: &str| tag.trim_matches('"').rsplit('.').next().unwrap().parse::<u64>().unwrap();
    assert!(counter(after.header("etag")) > counter(before.header("etag")), "the live set is newer");
    let world = world.restarted(|config| format!("{config}epoch: 3\n")).await;
    assert_eq!(world.app.in_force().version.to_string(), "3.1", "a new epoch begins anew");
}
