use kubegate_core::bundle::{LIVE_TYPE, LiveDocument, POLICY_TYPE, Version, policy_hash};
use kubegate_core::jws::{Keys, SigningKey};
use kubegate_core::time::Timestamp;
use serde_json::json;

use super::*;
use crate::host::fake::Fake;

fn key() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

fn gateway() -> Gateway {
    let keys = Keys::new([key().public()]).unwrap();
    Gateway::new("https://k".to_owned(), keys, Duration::from_secs(1000))
}

fn vm(id: u64) -> BundleSync {
    BundleSync::new(Some(ControlPlane { cluster: "cp".to_owned(), authority: "cp".to_owned() }), id)
}

fn policy(counter: u64) -> String {
    let document = json!({"issuer": "https://k", "version": {"epoch": 0, "counter": counter}, "keys": [], "clusters": [], "rules": []});
    key().sign(POLICY_TYPE, &document).unwrap()
}

fn live(policy: &str, counter: u64) -> String {
    let document = LiveDocument {
        version: Version { epoch: 0, counter },
        policy: policy_hash(policy),
        issued_at: Timestamp::from_seconds(100),
        ..LiveDocument::default()
    };
    key().sign(LIVE_TYPE, &document).unwrap()
}

fn body(policy: Option<&str>, live: &str) -> Vec<u8> {
    let mut body = json!({"live": live});
    if let Some(policy) = policy {
        body["policy"] = policy.into();
    }
    body.to_string().into_bytes()
}

#[test]
fn one_vm_polls_and_the_others_read() {
    let host = Fake::default();
    host.seconds.set(100);
    let (mut first, mut second) = ((vm(1), gateway()), (vm(2), gateway()));
    for _ in 0..5 {
        first.0.on_tick(&host, &mut first.1);
        second.0.on_tick(&host, &mut second.1);
    }
    assert_eq!(host.sent.borrow().len(), 1, "one poll, by one VM");

    let document = policy(1);
    let answer = body(Some(&document), &live(&document, 1));
    first.0.on_answer(&host, &mut first.1, Some(200), Some(b"\"e1\"".to_vec()), &answer);
    second.0.on_tick(&host, &mut second.1);
    assert_eq!(second.1.versions().map(|(policy, live)| (policy.counter, live.counter)), Some((1, 1)));

    first.0.on_tick(&host, &mut first.1);
    assert_eq!(host.sent.borrow()[1].get("if-none-match").map(String::as_str), Some("\"e1\""));
    first.0.on_answer(&host, &mut first.1, Some(200), Some(b"\"e2\"".to_vec()), &body(None, &live(&document, 2)));
    second.0.on_tick(&host, &mut second.1);
    assert_eq!(second.1.versions().map(|(_, live)| live.counter), Some(2));

    let (mut reloaded, mut fresh) = (vm(3), gateway());
    reloaded.on_configure(&host, &mut fresh);
    assert_eq!(fresh.versions().map(|(_, live)| live.counter), Some(2), "a reloaded VM finds the bundle at once");
}

#[test]
fn another_vm_takes_over_when_the_poller_is_gone() {
    let host = Fake::default();
    host.seconds.set(100);
    let (mut first, mut second) = ((vm(1), gateway()), (vm(2), gateway()));
    first.0.on_tick(&host, &mut first.1);
    second.0.on_tick(&host, &mut second.1);
    assert_eq!(host.sent.borrow().len(), 1);
    host.seconds.set(105);
    second.0.on_tick(&host, &mut second.1);
    assert_eq!(host.sent.borrow().len(), 2);
}

#[test]
fn a_clock_that_was_set_back_does_not_lock_everybody_out() {
    let host = Fake::default();
    host.seconds.set(1_000_000);
    let (mut first, mut second) = ((vm(1), gateway()), (vm(2), gateway()));
    first.0.on_tick(&host, &mut first.1);
    host.seconds.set(100);
    second.0.on_tick(&host, &mut second.1);
    assert_eq!(host.sent.borrow().len(), 2);
}

#[test]
fn failures_are_counted_logged_once_and_retried_ever_slower() {
    let host = Fake::default();
    host.seconds.set(100);
    let (mut sync, mut gateway) = (vm(1), gateway());
    let document = policy(1);
    let forged = SigningKey::from_seed([9; 32]).sign(LIVE_TYPE, &1).unwrap();
    for (status, answer) in [
        (None, Vec::new()),
        (Some(503), Vec::new()),
        (Some(401), Vec::new()),
        (Some(200), b"{".to_vec()),
        (Some(200), body(Some(&document), &forged)),
        (Some(200), body(Some(&document), &forged)),
    ] {
        host.seconds.set(host.seconds.get() + 6);
        sync.on_tick(&host, &mut gateway);
        sync.on_tick(&host, &mut gateway);
        sync.on_answer(&host, &mut gateway, status, Some(b"\"x\"".to_vec()), &answer);
    }
    assert_eq!(host.sent.borrow().len(), 6);
    assert_eq!(host.counts.borrow()["kubegate_bundle_poll_failed"], 6);
    assert_eq!(host.counts.borrow()["kubegate_bundle_refused"], 2);
    assert_eq!(host.logs.borrow().len(), 2, "{:?}", host.logs.borrow());
    assert_eq!(gateway.versions(), None);
    sync.on_tick(&host, &mut gateway);
    assert_eq!(host.sent.borrow().len(), 6, "not before the delay has passed");
}
