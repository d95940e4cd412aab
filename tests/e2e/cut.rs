//! Open streams end with the access that opened them, and nobody else's do.

mod administrator;
mod disabled;
mod elevation;
mod http2;
mod session;
mod trapped;

use std::time::{Duration, Instant};

use kubegate_core::time::Timestamp;
use kubegate_tests::envoy::Envoy;
use kubegate_tests::issuer::now;
use kubegate_tests::kubectl::{Kubectl, Session};
use kubegate_tests::person::Person;
use kubegate_tests::world::{CLUSTER_HOST, World};
use kubegate_tests::{poll, port, raw};
use libtest_mimic::Trial;

use crate::suite::{ADMIN_VERBS, PolicyFile, Suite, TEAM, Who, claims};

/// How long a stream may outlive the access to it.
const LIMIT: Duration = Duration::from_secs(2);

/// How long gateways may take to hear of what gives access.
pub(crate) const AT_ONCE: Duration = Duration::from_secs(1);

/// How long a stream may take to begin.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite
            .test("cut::revoked_session_ends_its_streams_over_websocket", |suite, world| revoked(suite, world, "true")),
        suite.test("cut::revoked_session_ends_its_streams_over_spdy", |suite, world| revoked(suite, world, "false")),
        suite.test("cut::only_the_revoked_sessions_streams_end_on_a_shared_connection", http2::one_connection),
        suite.test("cut::ended_elevation_ends_its_streams", elevation::ended),
        suite.test("cut::elevation_that_runs_out_ends_its_streams", elevation::run_out),
        suite.test("cut::administrator_ends_one_session_or_all_of_a_person", administrator::revoked),
        suite.test("cut::a_stream_outlives_its_token_and_ends_with_its_session", session::ended),
        suite.test("cut::disabled_person_is_out", disabled::disabled),
        suite.test("cut::trapped_filter_loses_no_stream", trapped::trapped),
        suite.test_alone("cut::policy_that_would_refuse_ends_the_stream", refused_by_policy),
    ]
}

/// One of each kind of stream, all begun.
fn streams(kubectl: &Kubectl) -> Vec<(&'static str, Session)> {
    let forward = format!("{}:1", port::free().unwrap());
    let mut streams = quiet_and_busy(kubectl);
    streams.push(stream(kubectl, "exec", &["exec", "hello", "--", "sh", "-c", "echo begun; sleep 600"], "begun"));
    streams.push(stream(kubectl, "port-forward", &["port-forward", "hello", &forward], "Forwarding from"));
    streams
}

/// A stream on which nothing happens, and one that never rests, both begun.
pub(crate) fn quiet_and_busy(kubectl: &Kubectl) -> Vec<(&'static str, Session)> {
    let watch = ["get", "pods", "--watch", "--output-watch-events"];
    vec![
        stream(kubectl, "watch", &watch, "hello"),
        stream(kubectl, "logs -f", &["logs", "-f", "hello", "--tail=1"], "hello "),
    ]
}

fn stream(kubectl: &Kubectl, kind: &'static str, args: &[&str], begun: &str) -> (&'static str, Session) {
    let mut stream = kubectl.start(&[args, &["-n", TEAM]].concat()).unwrap();
    stream.wait_for(begun, PATIENCE).unwrap();
    (kind, stream)
}

fn with_websockets(mut person: Person, websockets: &str) -> Person {
    person.kubectl = person
        .kubectl
        .clone()
        .with_env("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", websockets)
        .with_env("KUBECTL_PORT_FORWARD_WEBSOCKETS", websockets);
    person
}

/// Until the token reaches the pods, which takes no longer than it may.
fn until_allowed(world: &World, token: &str) {
    let began = Instant::now();
    let authorization = format!("Authorization: Bearer {token}").into_bytes();
    let path = format!("/api/v1/namespaces/{TEAM}/pods");
    poll::until("access", AT_ONCE, || {
        let answer = raw::get(&world.pki.ca, CLUSTER_HOST, world.port, &path, &[&authorization]);
        match answer.map_err(|error| error.to_string())?.status {
            200 => Ok(()),
            status => Err(format!("still {status}")),
        }
    })
    .unwrap();
    eprintln!("allowed after {:?}", began.elapsed());
}

pub(crate) fn until_ended(kind: &str, stream: &mut Session, began: Instant) {
    poll::until(&format!("the end of {kind}"), PATIENCE, || match stream.ended() {
        Some(_) => Ok(()),
        None => Err(stream.stdout()),
    })
    .unwrap();
    let took = began.elapsed();
    eprintln!("{kind} ended after {took:?}");
    assert!(took < LIMIT, "{kind} ended only after {took:?}");
}

fn revoked(suite: &Suite, world: &World, websockets: &str) {
    let alice = with_websockets(suite.person(world, Who::Admin), websockets);
    let other = with_websockets(suite.person(world, Who::Admin), websockets);
    let mut ending = streams(&alice.kubectl);
    let mut going_on = streams(&other.kubectl);
    let session = claims(&alice.token().unwrap()).sid;
    let logout = alice.kubegate(&["logout"]).unwrap();
    let began = Instant::now();
    assert!(logout.status.success(), "{logout:?}");
    for (kind, stream) in &mut ending {
        until_ended(kind, stream, began);
    }
    go_on(&mut going_on);
    assert_eq!(reasons(&world.envoy, session.as_str(), 4), ["session-revoked"; 4], "the access log says why");
}

/// They are still open.
fn go_on(streams: &mut [(&str, Session)]) {
    for (kind, stream) in streams {
        assert_eq!(stream.ended(), None, "{kind} goes on: {}", stream.stderr());
    }
}

/// Until the time has come; until then they are open.
fn go_on_until(end: Timestamp, streams: &mut [(&str, Session)]) {
    poll::until(&format!("{end:?}"), PATIENCE, || {
        if now() >= end {
            return Ok(());
        }
        go_on(streams);
        Err(format!("{:?}", now()))
    })
    .unwrap();
}

/// Why the filter has ended the streams of a session, as the access log says it, once it says so of `count`.
fn reasons(envoy: &Envoy, session: &str, count: usize) -> Vec<String> {
    poll::until(&format!("{count} streams of {session} in the access log"), PATIENCE, || {
        let records = envoy.access_records().map_err(|error| error.to_string())?;
        let of_session = records.iter().filter(|record| record["session"] == session);
        let ended: Vec<String> = of_session.filter_map(|record| record["ended"].as_str().map(str::to_owned)).collect();
        if ended.len() >= count { Ok(ended) } else { Err(format!("{ended:?}")) }
    })
    .unwrap()
}

fn refused_by_policy(suite: &Suite, world: &mut World) {
    let policy = PolicyFile::of(world);
    let alice = suite.person(world, Who::Admin);
    let bob = suite.person(world, Who::Reader).kubectl;
    let watch = ["get", "pods", "-n", TEAM, "--watch", "--output-watch-events"];
    let mut ending = alice.kubectl.start(&watch).unwrap();
    let mut going_on = bob.start(&watch).unwrap();
    ending.wait_for("hello", PATIENCE).unwrap();
    going_on.wait_for("hello", PATIENCE).unwrap();
    policy.replace(ADMIN_VERBS, "verbs: [create]");
    until_ended("watch", &mut ending, Instant::now());
    assert_eq!(going_on.ended(), None, "whom the policy still allows goes on");
    let session = claims(&alice.token().unwrap()).sid;
    assert_eq!(reasons(&world.envoy, session.as_str(), 1), ["policy-denies"], "the access log says why");
    let refused = alice.kubectl.run(&["get", "pods", "-n", TEAM]).unwrap();
    let why = "no rule of Kubegate's policy allows it on cluster \"demo\"";
    assert!(!refused.succeeded() && refused.stderr.contains(why), "and kubectl, at what she does next: {refused}");
    assert_eq!(alice.sign_ins().unwrap().len(), 1, "without asking for another sign-in");
}
