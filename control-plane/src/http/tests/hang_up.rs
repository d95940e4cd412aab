//! Callers who hang up in the moment in which what they asked for is done.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};

use super::gateway::TestGateway;
use super::log::Log;
use super::world::{World, soon};
use crate::store::revocation;

impl World {
    /// All that gateways hear of, and who is disabled.
    async fn done(&self) -> String {
        let now = self.clock.now();
        let revoked = revocation::live(&mut self.app.store.read().await.unwrap(), now).await.unwrap();
        let elevations = self.app.elevations.all(now).await.unwrap();
        format!("{:?}", (revoked, elevations, self.app.sessions.disabled().await.unwrap()))
    }

    /// Waits for `request` no longer than until it has changed something in the store.
    async fn hang_up(&self, request: impl Future) {
        let before = self.done().await;
        let mut request = pin!(request);
        soon("a change", async {
            while self.done().await == before {
                if poll_fn(|context| Poll::Ready(request.as_mut().poll(context).is_ready())).await {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn what_an_administrator_did_is_told_to_gateways_and_logged_all_the_same() {
    let world = World::new().await;
    let alice = world.signed_in("alice", None).await["access_token"].as_str().unwrap().to_owned();
    let bob = json!({"person": "accounts:bob", "reason": "INC-7"});
    let elevation =
        json!({"person": "accounts:bob", "cluster": "prod", "groups": ["g"], "duration": "1h", "reason": "INC-7"});
    let mut gateway = TestGateway::new(&world);
    gateway.poll(&world, "").await;
    let log = Log::begin();
    let done = async |gateway: &mut TestGateway, method: Method, path: &str, body: &Value, words: &str| {
        world.clock.advance(Duration::from_secs(1));
        world.hang_up(world.api_send(method, path, &alice, body)).await;
        let news = soon(words, gateway.poll(&world, "wait=30")).await;
        assert!(!news.is_empty(), "{path}: the gateway hears of it");
        let lines = log.take();
        let line = lines.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words} in {lines:?}"));
        assert!(line.contains("administrator=\"alice\"") && line.contains("accounts:bob"), "{line}");
    };
    let (post, delete) = (Method::POST, Method::DELETE);
    done(&mut gateway, post.clone(), "/api/v1/elevations", &elevation, "elevated by an administrator").await;
    let id = world.app.elevations.all(world.clock.now()).await.unwrap().remove(0).id;
    let path = format!("/api/v1/elevations/{id}");
    done(&mut gateway, delete, &path, &Value::Null, "elevation ended by an administrator").await;
    let revocation = json!({"person": "accounts:bob"});
    done(&mut gateway, post.clone(), "/api/v1/revocations", &revocation, "revoked by an administrator").await;
    done(&mut gateway, post.clone(), "/api/v1/people/disable", &bob, "disabled by an administrator").await;
    done(&mut gateway, post, "/api/v1/people/enable", &bob, "enabled by an administrator").await;
}

#[tokio::test]
async fn gateways_hear_of_a_sign_out_whose_answer_nobody_waits_for() {
    let world = World::new().await;
    let bob = world.signed_in("bob", Some("urn:kubegate:cluster:prod")).await;
    let mut gateway = TestGateway::new(&world);
    gateway.poll(&world, "").await;
    let form = [("token", bob["refresh_token"].as_str().unwrap())];
    world.hang_up(world.form("/oauth/revoke", &form)).await;
    assert!(!soon("the end of the session", gateway.poll(&world, "wait=30")).await.is_empty());
}
