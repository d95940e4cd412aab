//! A trapped filter is loaded anew. The streams that it had let through get nothing any more, in either direction, and
//! those that the new one lets through end with their access like any other.

use std::thread;
use std::time::{Duration, Instant};

use kubegate_tests::gate::Differences;
use kubegate_tests::world::{CLUSTER_HOST, World};
use kubegate_tests::{paths, poll, raw};

use super::{PATIENCE, go_on, quiet_and_busy, reasons, stream, until_ended};
use crate::sabotage::{self, Trap};
use crate::suite::{Suite, TEAM, Who, claims, done};

/// Longer headers make the filter trap.
const LONG: usize = 30_000;

/// How long it may take until requests are decided again.
const RELOAD: Duration = Duration::from_secs(5);

/// How long it may take until another filter asks for news.
const TAKE_OVER: Duration = Duration::from_secs(5);

pub(super) fn trapped(suite: &Suite, world: &World) {
    let module = world.dir.join("trap-on-demand.wasm");
    assert!(sabotage::write(&paths::filter().unwrap(), Trap::AfterHeaders(LONG), &module));
    // One worker: the filter that traps is the one of all streams.
    let differences = Differences { filter: Some(&module), workers: Some(1), ..Differences::default() };
    let gate = suite.gate(world, "gate-trapped", &differences);
    let [alice, bob, carol] =
        [Who::Admin, Who::Reader, Who::Support].map(|who| gate.person(world, suite.login(who)).unwrap());
    let token = bob.token().unwrap();
    let get = |more: &str| {
        let headers = [format!("Authorization: Bearer {token}"), more.to_owned()];
        let headers = headers.each_ref().map(String::as_bytes);
        let path = format!("/api/v1/namespaces/{TEAM}/pods");
        raw::get(&world.pki.ca, CLUSTER_HOST, gate.port, &path, &headers).unwrap().status
    };
    let mut before = quiet_and_busy(&alice.kubectl);
    let mut shell = alice.kubectl.start(&["exec", "-i", "hello", "-n", TEAM, "--", "sh"]).unwrap();
    shell.write("echo begun\n").unwrap();
    shell.wait_for("begun", PATIENCE).unwrap();
    assert_eq!(get("X-Short: x"), 200);

    assert_eq!(get(&format!("X-Long: {}", "x".repeat(LONG))), 503, "the filter traps");
    let began = Instant::now();
    done(alice.kubegate(&["logout"]));
    let seen: Vec<String> = before.iter().map(|(_, stream)| stream.stdout()).collect();
    let label = ["label", "pod", "hello", "-n", TEAM, "after-the-trap=yes", "--overwrite"];
    world.api.admin.run(&label).unwrap().ok().unwrap();
    let typed = world.dir.join("typed-after-the-trap");
    shell.write(&format!("echo yes > {}\n", typed.display())).unwrap();
    before.push(("exec", shell));
    let touched = Instant::now();
    for (kind, stream) in &mut before {
        until_ended(kind, stream, touched);
    }
    for (before, (kind, stream)) in seen.iter().zip(&before) {
        let after = stream.stdout();
        let more = after.strip_prefix(before.as_str()).unwrap();
        assert!(!more.contains("MODIFIED") && !more.contains("hello"), "{kind} got {more:?} after its end");
    }
    assert!(!typed.exists(), "what was typed after the end was not run");

    poll::until("the reload", RELOAD, || match get("X-Short: x") {
        200 => Ok(()),
        status => Err(format!("still {status}")),
    })
    .unwrap();
    eprintln!("decides again after {:?}", began.elapsed());
    let mut ending = quiet_and_busy(&bob.kubectl);
    let mut going_on = vec![stream(&carol.kubectl, "logs -f", &["logs", "-f", "hello"], "hello ")];
    let session = claims(&token).sid;
    // The filter before held the lease to ask for news; until that has run out, the new one hears nothing.
    thread::sleep(TAKE_OVER.saturating_sub(began.elapsed()));
    done(bob.kubegate(&["logout"]));
    let began = Instant::now();
    for (kind, stream) in &mut ending {
        until_ended(kind, stream, began);
    }
    go_on(&mut going_on);
    assert_eq!(reasons(&gate.envoy, session.as_str(), 2), ["session-revoked"; 2]);
}
