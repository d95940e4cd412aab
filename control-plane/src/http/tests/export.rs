//! Bundles for gateways that reach no control plane.

use std::time::Duration;

use axum::http::StatusCode;
use kubegate_core::bundle::WholeBundle;

use super::gateway::TestGateway;
use super::world::{START, World, soon};

const PROD: Option<&str> = Some("urn:kubegate:cluster:prod");

#[tokio::test]
async fn an_exported_bundle_counts_until_it_expires() {
    let world = World::new().await;
    let answer = world.signed_in("alice", PROD).await;
    let admin = world.refresh(answer["refresh_token"].as_str().unwrap(), None).await.json();
    let admin = admin["access_token"].as_str().unwrap();
    let token = answer["access_token"].as_str().unwrap();
    let exported = world.api("/api/v1/bundle?valid_for=1h", admin).await;
    assert_eq!(exported.status, StatusCode::OK, "{}", exported.text);
    assert_eq!(exported.header("kubegate-token-keys-until"), "2027-02-15T08:00:00Z", "31 days after the first key");
    let bundle: WholeBundle = serde_json::from_str(&exported.text).unwrap();

    let mut gateway = TestGateway::new(&world);
    gateway.take_inline(&bundle.documents()).unwrap();
    assert_eq!(gateway.get(token, START), Ok(()));
    let end = START.after(Duration::from_secs(3600));
    assert_eq!(gateway.get(token, end), Err((503, "bundle-expired")));

    // It goes on from there when a control plane can be reached after all.
    let ours = gateway.tag().unwrap();
    soon("something newer", async {
        while world.app.bundle.borrow().tag().changes < ours.changes {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    gateway.poll(&world, "wait=20").await;
    assert!(gateway.tag().unwrap().changes > ours.changes);
    world.form("/oauth/revoke", &[("token", answer["refresh_token"].as_str().unwrap())]).await;
    gateway.poll(&world, "wait=20").await;
    assert_eq!(gateway.get(token, START), Err((401, "session-revoked")));
}

#[tokio::test]
async fn what_an_export_carries_and_who_may_have_it() {
    let world = World::new().await;
    let token = async |user: &str| world.signed_in(user, None).await["access_token"].as_str().unwrap().to_owned();
    let (alice, bob) = (token("alice").await, token("bob").await);
    for query in ["", "?valid_for=", "?valid_for=59m", "?valid_for=366d", "?valid_for=x", "?valid_for=2h&valid_for=2h"]
    {
        let refused = world.api(&format!("/api/v1/bundle{query}"), &alice).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(refused.text.contains("between 1h and 365d"), "{}", refused.text);
    }
    assert_eq!(world.api("/api/v1/bundle?valid_for=30d", &bob).await.status, StatusCode::FORBIDDEN);

    let revoked = world.signed_in("bob", PROD).await;
    world.form("/oauth/revoke", &[("token", revoked["refresh_token"].as_str().unwrap())]).await;
    let exported = world.api("/api/v1/bundle?valid_for=30d", &alice).await;
    let bundle: WholeBundle = serde_json::from_str(&exported.text).unwrap();
    let mut gateway = TestGateway::new(&world);
    gateway.take_inline(&bundle.documents()).unwrap();
    let refused = gateway.get(revoked["access_token"].as_str().unwrap(), START);
    assert_eq!(refused, Err((401, "session-revoked")), "what is revoked by then");
}
