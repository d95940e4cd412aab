//! Envoy's own credential at the cluster: rotated under load, spoilt on purpose.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use kubegate_tests::raw;
use kubegate_tests::world::{CLUSTER_HOST, World};
use libtest_mimic::Trial;

use crate::suite::{Suite, TEAM, Who};

const SETTLE: Duration = Duration::from_secs(2);

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test_alone("upstream::spoilt_token_is_a_502_of_the_gateway", spoilt),
        suite.test("upstream::rotation_loses_no_request", rotation),
    ]
}

fn spoilt(suite: &Suite, world: &mut World) {
    let alice = suite.person(world, Who::Admin).kubectl;
    alice.run(&["get", "pods", "-n", TEAM]).unwrap().ok().unwrap();
    world.service_account.replace("spoilt").unwrap();
    thread::sleep(SETTLE);
    let answer = alice.run(&["get", "pods", "-n", TEAM]).unwrap();
    world.service_account.rotate().unwrap();
    assert!(!answer.succeeded(), "{answer}");
    assert!(answer.stderr.contains("gateway"), "it names whose credential is bad: {answer}");
    assert!(!answer.stderr.contains("must be logged in"), "never mistaken for the person's own sign-in: {answer}");
    thread::sleep(SETTLE);
    alice.run(&["get", "pods", "-n", TEAM]).unwrap().ok().unwrap();
}

fn rotation(suite: &Suite, world: &World) {
    let token = suite.person(world, Who::Admin).token().unwrap();
    let authorization = format!("Authorization: Bearer {token}").into_bytes();
    let (done, count) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let path = "/api/v1/namespaces/team-a/pods/hello";
                    let answer = raw::get(&world.pki.ca, CLUSTER_HOST, world.port, path, &[&authorization]).unwrap();
                    assert_eq!(answer.status, 200, "{answer:?}");
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..5 {
            world.service_account.rotate().unwrap();
            thread::sleep(Duration::from_millis(500));
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(count.into_inner() > 50, "there was load");
}
