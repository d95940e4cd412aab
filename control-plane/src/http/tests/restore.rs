//! After the store was restored from a backup.

use kubegate_core::bundle::InvalidBundle;

use super::gateway::TestGateway;
use super::world::{START, World};
use crate::policy::begin_epoch;

const PROD: Option<&str> = Some("urn:kubegate:cluster:prod");

#[tokio::test]
async fn gateways_take_a_restored_store_once_it_begins_a_new_epoch() {
    let world = World::new().await;
    let mut gateway = TestGateway::new(&world);
    gateway.poll(&world, "").await;
    let backup = world.backup().await;
    for verbs in ["[get, list]", "[get, list, watch]"] {
        world.change_policy(&World::policy().replace("verbs: [get]", &format!("verbs: {verbs}"))).await;
        gateway.poll(&world, "wait=20").await;
    }
    let held = gateway.tag().unwrap();

    let world = world.restored(Some(&backup)).await;
    let refused = gateway.try_poll(&world, "").await;
    assert!(matches!(refused, Err(InvalidBundle::NotNewer { .. })), "{refused:?}");
    assert_eq!(gateway.tag().unwrap(), held, "what is in force stays");
    let alice = world.signed_in("alice", None).await["access_token"].as_str().unwrap().to_owned();
    let status = world.api("/api/v1/status", &alice).await.json();
    assert_eq!(status["gateways"][0]["holds"], "newer", "the operator is told");

    begin_epoch(&world.app.store, START).await.unwrap();
    let world = world.restarted(str::to_owned).await;
    gateway.poll(&world, "").await;
    assert!(gateway.tag().unwrap().changes > held.changes);
    let token = world.signed_in("alice", PROD).await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(gateway.get(&token, START), Ok(()), "and people go on");
}

#[tokio::test]
async fn an_empty_store_comes_after_one_that_is_lost() {
    let world = World::new().await;
    let mut gateway = TestGateway::new(&world);
    gateway.poll(&world, "").await;
    world.clock.advance(std::time::Duration::from_secs(1));
    let world = world.restored(None).await;
    gateway.poll(&world, "").await;
    assert_eq!(world.app.in_force().version.epoch, START.seconds() + 1);
}
