//! An Envoy that starts while the control plane is away: it knows no policy, says so, and recovers by itself.

use std::time::{Duration, Instant};

use kubegate_tests::gate::Differences;
use kubegate_tests::poll;
use kubegate_tests::raw;
use kubegate_tests::world::{CLUSTER_HOST, World};
use serde_json::Value;

use crate::suite::{Suite, TEAM, Who};

/// The filter asks again after five seconds at the latest; the rest is for the answer, and for reading it.
const RETRY: Duration = Duration::from_secs(5 + 2);

pub(super) fn restarted(suite: &Suite, world: &World) {
    let mut gate = suite.gate(world, "gate-away", &Differences::default());
    let bob = gate.person(world, suite.login(Who::Reader)).unwrap();
    let pods = || bob.kubectl.run(&["get", "pods", "-n", TEAM]).unwrap();
    pods().ok().unwrap();
    let token = bob.token().unwrap();

    gate.control_plane.kill();
    gate.envoy.restart().unwrap();
    let refused = pods();
    assert!(!refused.succeeded(), "without a policy nothing is allowed: {refused}");
    assert!(refused.stderr.contains("no policy in force yet"), "kubectl says why: {refused}");
    assert!(refused.stderr.contains("recovers by itself"), "and what to do, which is nothing: {refused}");
    let authorization = format!("Authorization: Bearer {token}").into_bytes();
    let path = format!("/api/v1/namespaces/{TEAM}/pods");
    let port = gate.port;
    let get = || raw::get(&world.pki.ca, CLUSTER_HOST, port, &path, &[&authorization]).unwrap();
    let answer = get();
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
    let status: Value = serde_json::from_str(answer.body.trim()).unwrap();
    assert_eq!((&status["kind"], &status["code"]), (&"Status".into(), &503.into()), "{status}");
    assert_eq!(status["details"]["causes"][0]["reason"], "no-policy", "{status}");

    gate.control_plane.restart().unwrap();
    let began = Instant::now();
    // Not by kubectl, whose own time does not count.
    poll::until("the recovery", RETRY, || match get() {
        answer if answer.status == 200 => Ok(()),
        answer => Err(format!("{answer:?}")),
    })
    .unwrap();
    eprintln!("recovered after {:?}", began.elapsed());
    pods().ok().unwrap();
    assert_eq!(bob.sign_ins().unwrap().len(), 1, "nobody had to sign in for it");
}
