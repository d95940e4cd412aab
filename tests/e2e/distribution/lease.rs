//! Of all the filters in one Envoy, one asks the control plane; when it fails, another does.

use std::thread::sleep;
use std::time::{Duration, Instant};

use kubegate_tests::gate::{Differences, Gate};
use kubegate_tests::world::{CLUSTER_HOST, World};
use kubegate_tests::{http, paths, poll, raw};

use crate::sabotage::{self, Trap};
use crate::suite::{ADMIN_VERBS, PolicyFile, Suite, TEAM, Who};

/// The lease lasts four seconds.
const TAKE_OVER: Duration = Duration::from_secs(5);

pub(super) fn one_asks(suite: &Suite, world: &World) {
    let module = world.dir.join("trap-at-the-third-poll.wasm");
    // Once at the start, once to wait for news: who has got some traps when it asks again.
    assert!(sabotage::write(&paths::filter().unwrap(), Trap::AtPoll(3), &module));
    let gate = suite.gate(world, "gate-lease", &Differences { filter: Some(&module), ..Differences::default() });
    let token = gate.person(world, suite.login(Who::Admin)).unwrap().token().unwrap();
    let waiting = || metric(&gate, "kubegate_bundle_polls_waiting");
    let until_waiting = |wanted| {
        poll::until(&format!("{wanted} waiting polls"), TAKE_OVER, || match waiting() {
            now if now == wanted => Ok(()),
            now => Err(now.to_string()),
        })
        .unwrap();
    };
    until_waiting(1);
    for _ in 0..30 {
        assert_eq!(waiting(), 1, "one of the three filters asks");
        sleep(Duration::from_millis(50));
    }
    assert_eq!(metric(&gate, "kubegate_bundle_polls_total"), 1, "and asked once before");

    // Without a request from here on: a filter that has trapped is loaded anew for the next request only, so whoever asks
    // then has been there all the time.
    let policy = PolicyFile::at(&gate.control_plane);
    policy.replace(ADMIN_VERBS, "verbs: [create]");
    let trap = || gate.envoy.access_log().unwrap().contains("proxy_on_tick failed");
    poll::until("the trap", TAKE_OVER, || if trap() { Ok(()) } else { Err("none") }.map_err(str::to_owned)).unwrap();
    let began = Instant::now();
    until_waiting(1);
    let took = began.elapsed();
    eprintln!("another filter asks {took:?} after the trap");
    assert!(took < TAKE_OVER, "{took:?}");
    assert_eq!(reloads(&gate), 0, "nor was the one that trapped loaded anew");

    until_status(world, &gate, &token, 403);
    policy.restore();
    eprintln!("in force after {:?}", until_status(world, &gate, &token, 200));
}

/// How often a filter was loaded anew after a trap.
fn reloads(gate: &Gate) -> u64 {
    let text = gate.envoy.metrics("vm_reload_success").unwrap();
    let values = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit(' ').next());
    values.map(|value| value.parse::<u64>().unwrap()).sum()
}

fn until_status(world: &World, gate: &Gate, token: &str, wanted: u16) -> Duration {
    let began = Instant::now();
    let authorization = format!("Authorization: Bearer {token}").into_bytes();
    poll::until(&wanted.to_string(), TAKE_OVER, || {
        let path = format!("/api/v1/namespaces/{TEAM}/pods");
        match raw::get(&world.pki.ca, CLUSTER_HOST, gate.port, &path, &[&authorization]).unwrap().status {
            status if status == wanted => Ok(()),
            status => Err(format!("still {status}")),
        }
    })
    .unwrap();
    began.elapsed()
}

/// The sum of a metric of the control plane.
fn metric(gate: &Gate, name: &str) -> u64 {
    let url = format!("{}/metrics", gate.control_plane.internal);
    let text = http::plain_client().get(&url).call().unwrap().body_mut().read_to_string().unwrap();
    let values = text.lines().filter(|line| line.starts_with(name)).filter_map(|line| line.rsplit(' ').next());
    values.map(|value| value.parse::<u64>().unwrap()).sum()
}
