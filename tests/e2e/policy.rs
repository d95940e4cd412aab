//! The policy file is watched: a change is in force within a second, a broken one is refused.

use std::time::{Duration, Instant};

use kubegate_tests::world::{CLUSTER_HOST, World};
use kubegate_tests::{files, raw};
use libtest_mimic::Trial;

use crate::suite::{Suite, Who};

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test_alone("policy::change_in_force_within_a_second", change),
        suite.test_alone("policy::broken_one_refused_and_old_one_kept", broken),
    ]
}

const PATH: &str = "/api/v1/namespaces/kube-system/pods";

fn status(world: &World, token: &str) -> u16 {
    let authorization = format!("Authorization: Bearer {token}").into_bytes();
    raw::get(&world.pki.ca, CLUSTER_HOST, world.port, PATH, &[&authorization]).unwrap().status
}

/// Until the status of the request is `wanted`, at most `limit`.
fn until_status(world: &World, token: &str, wanted: u16, limit: Duration) -> Duration {
    let began = Instant::now();
    loop {
        let now = status(world, token);
        if now == wanted {
            return began.elapsed();
        }
        assert!(began.elapsed() < limit, "still {now} instead of {wanted} after {limit:?}");
    }
}

fn change(suite: &Suite, world: &mut World) {
    let file = world.control_plane.policy.clone();
    let old = std::fs::read_to_string(&file).unwrap();
    let token = suite.person(world, Who::Admin).token().unwrap();
    assert_eq!(status(world, &token), 200);
    let closed =
        old.replace("verbs: [get, list, watch, create, update, patch, delete, deletecollection]", "verbs: [create]");
    assert_ne!(old, closed);
    for _ in 0..5 {
        files::replace(&file, closed.as_bytes()).unwrap();
        let closing = until_status(world, &token, 403, Duration::from_secs(5));
        files::replace(&file, old.as_bytes()).unwrap();
        let opening = until_status(world, &token, 200, Duration::from_secs(5));
        eprintln!("policy change in force after {closing:?} and {opening:?}");
        assert!(closing < Duration::from_secs(1) && opening < Duration::from_secs(1), "{closing:?}, {opening:?}");
    }
    for _ in 0..20 {
        assert_eq!(status(world, &token), 200, "all workers have the policy");
    }
}

fn broken(suite: &Suite, world: &mut World) {
    let file = world.control_plane.policy.clone();
    let old = std::fs::read_to_string(&file).unwrap();
    let token = suite.person(world, Who::Admin).token().unwrap();
    files::replace(&file, old.replace("clusters:", "clutsers:").as_bytes()).unwrap();
    kubegate_tests::poll::until("word of the mistake", Duration::from_secs(5), || {
        let log = std::fs::read_to_string(world.control_plane.log()).unwrap();
        if log.contains("clutsers") { Ok(()) } else { Err("nothing in the log".to_owned()) }
    })
    .unwrap();
    assert_eq!(status(world, &token), 200, "the old policy is still in force");
    files::replace(&file, old.as_bytes()).unwrap();
}
