use kubegate_core::bundle::{
    CHANGES_TYPE, ChangesDocument, LIVE_TYPE, LiveDocument, LiveEntries, POLICY_TYPE, Version, hash,
};
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

fn policy_of(counter: u64, parts: &[&str]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| hash(part)).collect();
    let version = json!({"epoch": 0, "counter": counter});
    let document = json!({"issuer": "https://k", "version": version, "keys": [], "clusters": [], "parts": parts});
    key().sign(POLICY_TYPE, &document).unwrap()
}

fn policy(counter: u64) -> String {
    policy_of(counter, &[])
}

fn part(rule: &str) -> String {
    json!([{"name": rule, "who": {"users": ["u"]}, "clusters": ["*"], "groups": {"extra": ["x"]}}]).to_string()
}

fn live(counter: u64) -> String {
    let version = Version { epoch: 0, counter };
    key().sign(LIVE_TYPE, &LiveDocument { version, entries: LiveEntries::default() }).unwrap()
}

fn changes(policy: &str, live: &str, counter: u64) -> String {
    let document = ChangesDocument {
        version: Version { epoch: 0, counter },
        policy: hash(policy),
        live: hash(live),
        issued_at: Timestamp::from_seconds(100),
        ..ChangesDocument::default()
    };
    key().sign(CHANGES_TYPE, &document).unwrap()
}

fn etag(policy: &str, live: u64, changes: u64) -> Vec<u8> {
    format!("\"{}/0.{live}/0.{changes}\"", hash(policy)).into_bytes()
}

/// An answer with a live set, and changes of the same version.
fn body(policy: Option<&str>, parts: &[&str], of: &str, counter: u64) -> Vec<u8> {
    let live = live(counter);
    let changes = changes(of, &live, counter);
    let documents = Documents { policy, parts: parts.to_vec(), live: Some(&live), changes: Some(&changes) };
    documents.to_string().into_bytes()
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
    let answer = body(Some(&document), &[], &document, 1);
    first.0.on_answer(&host, &mut first.1, Some(200), Some(b"\"e1\"".to_vec()), &answer);
    second.0.on_tick(&host, &mut second.1);
    assert_eq!(second.1.versions().map(|(policy, live)| (policy.counter, live.counter)), Some((1, 1)));

    first.0.on_tick(&host, &mut first.1);
    assert_eq!(host.sent.borrow()[1].get("if-none-match").map(String::as_str), Some("\"e1\""));
    first.0.on_answer(&host, &mut first.1, Some(200), Some(b"\"e2\"".to_vec()), &body(None, &[], &document, 2));
    second.0.on_tick(&host, &mut second.1);
    assert_eq!(second.1.versions().map(|(_, live)| live.counter), Some(2));

    let only_changes = changes(&document, &live(2), 4);
    let answer = Documents { changes: Some(&only_changes), ..Documents::default() }.to_string();
    first.0.on_answer(&host, &mut first.1, Some(200), Some(etag(&document, 2, 4)), answer.as_bytes());
    second.0.on_tick(&host, &mut second.1);
    assert_eq!(second.1.tag().map(|tag| (tag.live.counter, tag.changes.counter)), Some((2, 4)));

    let (mut reloaded, mut fresh) = (vm(3), gateway());
    reloaded.on_configure(&host, &mut fresh);
    assert_eq!(fresh.versions().map(|(_, live)| live.counter), Some(4), "a reloaded VM finds the bundle at once");
}

#[test]
fn an_edit_takes_the_parts_that_changed_to_every_vm() {
    let host = Fake::default();
    host.seconds.set(100);
    let (mut first, mut second) = ((vm(1), gateway()), (vm(2), gateway()));
    let (a, b, c) = (part("a"), part("b"), part("c"));
    let before = policy_of(1, &[&a, &b]);
    let whole = body(Some(&before), &[&a, &b], &before, 1);
    first.0.on_answer(&host, &mut first.1, Some(200), Some(etag(&before, 1, 1)), &whole);
    second.0.on_tick(&host, &mut second.1);
    assert_eq!(second.1.versions().map(|(policy, _)| policy.counter), Some(1));

    let after = policy_of(2, &[&a, &c]);
    let still = changes(&after, &live(1), 2);
    let edit = Documents { policy: Some(&after), parts: vec![&c], live: None, changes: Some(&still) };
    first.0.on_answer(&host, &mut first.1, Some(200), Some(etag(&after, 1, 2)), edit.to_string().as_bytes());
    let (mut reloaded, mut fresh) = (vm(3), gateway());
    reloaded.on_configure(&host, &mut fresh);
    second.0.on_tick(&host, &mut second.1);
    for gateway in [&first.1, &second.1, &fresh] {
        let mut parts: Vec<&str> = gateway.parts().collect();
        parts.sort_unstable();
        let mut expected = [hash(&a), hash(&c)];
        expected.sort_unstable();
        assert_eq!(parts, expected);
    }
    let dropped = host.shared(&format!("{PART_KEY}{}", hash(&b))).unwrap().0;
    assert!(dropped.is_empty(), "what no policy names any more takes no memory");
}

#[test]
fn a_vm_that_lacks_a_part_asks_for_all_of_it() {
    let host = Fake::default();
    host.seconds.set(100);
    let (mut sync, mut gateway) = (vm(1), gateway());
    let (a, b) = (part("a"), part("b"));
    let before = policy_of(1, &[&a]);
    sync.on_tick(&host, &mut gateway);
    let whole = body(Some(&before), &[&a], &before, 1);
    sync.on_answer(&host, &mut gateway, Some(200), Some(etag(&before, 1, 1)), &whole);
    sync.on_tick(&host, &mut gateway);
    let after = policy_of(2, &[&a, &b]);
    sync.on_answer(&host, &mut gateway, Some(200), Some(etag(&after, 2, 2)), &body(Some(&after), &[], &after, 2));
    assert_eq!(gateway.versions().map(|(policy, _)| policy.counter), Some(1), "the old one stays in force");
    host.seconds.set(101);
    sync.on_tick(&host, &mut gateway);
    let conditional: Vec<bool> = host.sent.borrow().iter().map(|sent| sent.contains_key("if-none-match")).collect();
    assert_eq!(conditional, [false, true, false]);
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
    let forged = SigningKey::from_seed([9; 32]).sign(CHANGES_TYPE, &1).unwrap();
    let forged =
        Documents { policy: Some(&document), live: Some(&live(1)), changes: Some(&forged), ..Documents::default() }
            .to_string();
    for (status, answer) in [
        (None, Vec::new()),
        (Some(503), Vec::new()),
        (Some(401), Vec::new()),
        (Some(200), b"{".to_vec()),
        (Some(200), forged.clone().into_bytes()),
        (Some(200), forged.clone().into_bytes()),
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
