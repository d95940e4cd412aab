//! The credential helper under a real kubectl: one sign-in for many, a new one after a revocation.

use std::time::Duration;

use kubegate_tests::world::{CLUSTER_HOST, World};
use kubegate_tests::{poll, raw};
use libtest_mimic::Trial;

use crate::suite::{Suite, TEAM, Who};

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("credential::many_at_once_sign_in_once", many_at_once),
        suite.test("credential::revoked_session_signs_in_again", revoked),
    ]
}

fn many_at_once(suite: &Suite, world: &World) {
    let person = suite.person(world, Who::Reader);
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let run = || person.kubectl.run(&["get", "pods", "-n", TEAM]).unwrap();
        let started: Vec<_> = (0..8).map(|_| scope.spawn(run)).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for outcome in outcomes {
        outcome.ok().unwrap();
    }
    let sign_ins = person.sign_ins().unwrap();
    assert_eq!(sign_ins.len(), 1, "eight kubectl, one sign-in: {sign_ins:?}");
}

fn revoked(suite: &Suite, world: &World) {
    let person = suite.person(world, Who::Reader);
    person.kubectl.run(&["get", "pods", "-n", TEAM]).unwrap().ok().unwrap();
    // Somebody else ends the session: what the person's cache holds is not touched.
    let kept = person.cache.with_file_name("kept");
    std::process::Command::new("cp").arg("-a").arg(&person.cache).arg(&kept).status().unwrap();
    let authorization = format!("Authorization: Bearer {}", person.token().unwrap());
    let logout = person.kubegate(&["logout"]).unwrap();
    assert!(logout.status.success(), "{logout:?}");
    poll::until("the gateway to know of it", Duration::from_secs(1), || {
        let path = "/.kubegate/session";
        let answer = raw::get(&world.pki.ca, CLUSTER_HOST, world.port, path, &[authorization.as_bytes()]);
        match answer.map_err(|error| error.to_string())?.status {
            401 => Ok(()),
            status => Err(format!("still {status}")),
        }
    })
    .unwrap();
    std::fs::remove_dir_all(&person.cache).unwrap();
    std::fs::rename(&kept, &person.cache).unwrap();
    person.kubectl.run(&["get", "pods", "-n", TEAM]).unwrap().ok().unwrap();
    assert_eq!(person.sign_ins().unwrap().len(), 2, "the revoked token was not served again");
}
