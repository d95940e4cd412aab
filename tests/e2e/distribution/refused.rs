//! A control plane gone bad, or somebody in its place: what it serves does no harm, and the next good bundle is taken.

use std::time::Duration;

use kubegate_core::bundle::{LiveEntries, RevokedSession, hash};
use kubegate_core::jws::SigningKey;
use kubegate_tests::fake_control_plane::Reply;
use kubegate_tests::issuer::{Issuer, now};
use kubegate_tests::world::World;

use crate::stage::Stage;
use crate::suite::Suite;

const LIMIT: Duration = Duration::from_secs(20);

/// More than Envoy hands to a filter.
const TOO_LONG: usize = (32 << 20) + 1;

/// The version of what is refused: it would count, if it were good.
const NEWER: u64 = 1000;

const REFUSED: &str = "kubegate_bundle_refused";
const FAILED: &str = "kubegate_bundle_poll_failed";

pub(super) fn bad_bundles(_: &Suite, world: &World) {
    let stage = Stage::start(world, "envoy-bad-bundles", |_| {});
    serve_good(&stage, 2);
    let refused = bad_documents(&stage).into_iter().map(|(logged, reply)| (REFUSED, logged, reply));
    let failed = bad_answers(&stage).into_iter().map(|(logged, reply)| (FAILED, logged, reply));
    for (number, (metric, text, reply)) in (3..).zip(refused.chain(failed)) {
        let (log, counted) = (logged(&stage, text), count(&stage, metric));
        let times = if matches!(reply, Reply::Drip(_)) { 1 } else { 2 };
        stage.control_plane.reply(reply);
        stage.control_plane.until_given(times, LIMIT).unwrap();
        let token = stage.token("whoever");
        for _ in 0..4 {
            assert_eq!(stage.get(&token).status, 200, "{text}: the good bundle stays");
        }
        serve_good(&stage, number);
        assert!(count(&stage, metric) > counted, "{text}: counted as {metric}");
        assert_eq!(logged(&stage, text) - log, 1, "{text}: logged once");
    }
}

/// Serves a bundle that revokes a session, and waits until it is in force.
fn serve_good(stage: &Stage<'_>, number: u64) {
    let sid = format!("session-{number}");
    let token = stage.token(&sid);
    assert_eq!(stage.get(&token).status, 200);
    let good = stage.issuer.changed(&stage.first, number, revoking(&sid)).unwrap();
    stage.control_plane.reply(good.reply());
    stage.until_status(&token, 401);
}

fn revoking(sid: &str) -> LiveEntries {
    let revoked = RevokedSession { sid: sid.into(), until: now().after(LIMIT * 60) };
    LiveEntries { sessions: vec![revoked], ..LiveEntries::default() }
}

fn count(stage: &Stage<'_>, metric: &str) -> u64 {
    stage.envoy.metric(metric).unwrap()
}

fn logged(stage: &Stage<'_>, text: &str) -> usize {
    stage.envoy.access_log().unwrap().matches(text).count()
}

/// Bundles that are not good, and what is logged of each.
fn bad_documents(stage: &Stage<'_>) -> Vec<(&'static str, Reply)> {
    let serve = |issuer: &Issuer, counter, entries| issuer.served(stage.policy(), counter, entries).unwrap();
    let nobody = LiveEntries::default;
    let newer = serve(&stage.issuer, NEWER, nobody());
    let text = newer.whole.documents().to_string();
    let Issuer { url, token_key, bundle_key, pomerium_key } = &stage.issuer;
    let copy = |key: &SigningKey| SigningKey::from_seed(*key.seed());
    let elsewhere = "https://elsewhere.example.com".to_owned();
    let (token_key, bundle_key, pomerium_key) = (copy(token_key), copy(bundle_key), copy(pomerium_key));
    let elsewhere = Issuer { url: elsewhere, token_key, bundle_key, pomerium_key };
    // The same policy with another live set.
    let other = serve(&stage.issuer, stage.first.version.counter, revoking("somebody-else"));
    let other = stage.issuer.changed(&other, NEWER, nobody()).unwrap();
    vec![
        ("version 1.1 does not come after 1.2", stage.first.reply()),
        ("the changes belong to another policy", bundle(format!("changes {}\n", newer.whole.changes))),
        ("the changes belong to another live set", bundle(format!("changes {}\n", other.whole.changes))),
        ("the policy document is refused", serve(&Issuer::new(url).unwrap(), NEWER, nobody()).reply()),
        ("the policy document is for the issuer", serve(&elsewhere, NEWER, nobody()).reply()),
        ("the changes to the live set are refused", bundle(text[..text.len() - 40].to_owned())),
        (
            "there is no policy or no live set in force that they go with",
            bundle(format!("live {}\n", newer.whole.live)),
        ),
    ]
}

/// Answers that are no bundle at all, and what is logged of each.
fn bad_answers(stage: &Stage<'_>) -> Vec<(&'static str, Reply)> {
    let text = stage.first.whole.documents().to_string();
    let half = "200 OK\r\netag: \"half\"\r\ncontent-length: 1000";
    let drip = format!("HTTP/1.1 {half}\r\n\r\npolicy ");
    vec![
        ("the control plane's answer is not a bundle", bundle("garbage".to_owned())),
        ("the control plane's answer broke off, or is longer than Envoy takes", bundle("x".repeat(TOO_LONG))),
        ("the control plane's answer has no ETag", http(&format!("200 OK\r\ncontent-length: {}", text.len()), &text)),
        ("the control plane answered 500", http("500 Oops\r\ncontent-length: 0", "")),
        ("the control plane refuses this gateway's credential", http("401 Who\r\ncontent-length: 0", "")),
        ("the control plane answered 502", Reply::Bytes(b"this is no HTTP\r\n".to_vec())),
        ("the control plane's answer broke off", http(half, "policy ")),
        ("the control plane's answer broke off", Reply::Drip(drip.into_bytes())),
    ]
}

/// An answer like a bundle's, with another text.
fn bundle(text: String) -> Reply {
    Reply::Bundle { etag: format!("\"{}\"", hash(&text)), text }
}

fn http(head: &str, body: &str) -> Reply {
    Reply::Bytes(format!("HTTP/1.1 {head}\r\n\r\n{body}").into_bytes())
}
