//! The policy file is watched: a change is in force within a second, a broken one is refused.

use std::time::{Duration, Instant};

use kubegate_tests::world::{CLUSTER_HOST, World};
use kubegate_tests::{poll, raw};
use libtest_mimic::Trial;

use crate::suite::{ADMIN_VERBS, PolicyFile, Suite, Who};

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

/// Until the status of the request is `wanted`, at most `limit`: so often in a row that every worker of Envoy is asked,
/// each of which has a VM of its own.
fn until_status(world: &World, token: &str, wanted: u16, limit: Duration) -> Duration {
    let began = Instant::now();
    loop {
        let took = began.elapsed();
        let other = (0..8).map(|_| status(world, token)).find(|now| *now != wanted);
        let Some(now) = other else { return took };
        assert!(began.elapsed() < limit, "still {now} instead of {wanted} after {limit:?}");
    }
}

fn change(suite: &Suite, world: &mut World) {
    let policy = PolicyFile::of(world);
    let token = suite.person(world, Who::Admin).token().unwrap();
    assert_eq!(status(world, &token), 200);
    for _ in 0..5 {
        policy.replace(ADMIN_VERBS, "verbs: [create]");
        let closing = until_status(world, &token, 403, Duration::from_secs(5));
        policy.restore();
        let opening = until_status(world, &token, 200, Duration::from_secs(5));
        eprintln!("policy change in force after {closing:?} and {opening:?}");
        assert!(closing < Duration::from_secs(1) && opening < Duration::from_secs(1), "{closing:?}, {opening:?}");
    }
    for _ in 0..20 {
        assert_eq!(status(world, &token), 200, "all workers have the policy");
    }
}

fn broken(suite: &Suite, world: &mut World) {
    let policy = PolicyFile::of(world);
    let token = suite.person(world, Who::Admin).token().unwrap();
    policy.replace("clusters:", "clutsers:");
    poll::until("word of the mistake", Duration::from_secs(5), || {
        let log = std::fs::read_to_string(world.control_plane.log()).unwrap();
        if log.contains("clutsers") { Ok(()) } else { Err("nothing in the log".to_owned()) }
    })
    .unwrap();
    assert_eq!(status(world, &token), 200, "the old policy is still in force");
}
