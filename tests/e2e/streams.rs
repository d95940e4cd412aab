//! Streams: watch, logs, exec, attach, port-forward, cp, over WebSocket and SPDY.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use kubegate_tests::kubectl::Kubectl;
use kubegate_tests::world::World;
use kubegate_tests::{poll, port};
use libtest_mimic::Trial;

use crate::suite::{Suite, TEAM, Who};

const LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn trials(suite: &Suite) -> Vec<Trial> {
    vec![
        suite.test("streams::watch_delivers_a_later_event", watch),
        suite.test("streams::logs_follow", logs_follow),
        suite.test("streams::exec_over_websocket", |suite, world| exec(&websocket(suite, world))),
        suite.test("streams::exec_over_spdy", |suite, world| exec(&spdy(suite, world))),
        suite.test("streams::attach_over_websocket", |suite, world| attach(&websocket(suite, world))),
        suite.test("streams::attach_over_spdy", |suite, world| attach(&spdy(suite, world))),
        suite.test("streams::cp_over_websocket", |suite, world| copy(&websocket(suite, world), world, "ws")),
        suite.test("streams::cp_over_spdy", |suite, world| copy(&spdy(suite, world), world, "spdy")),
        suite.test("streams::port_forward_over_websocket", |suite, world| port_forward(&websocket(suite, world))),
        suite.test("streams::port_forward_over_spdy", |suite, world| port_forward(&spdy(suite, world))),
    ]
}

/// kubectl's default since 1.31.
fn websocket(suite: &Suite, world: &World) -> Kubectl {
    suite.person(world, Who::Admin).kubectl
}

/// What every older kubectl speaks.
fn spdy(suite: &Suite, world: &World) -> Kubectl {
    suite
        .person(world, Who::Admin)
        .kubectl
        .with_env("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "false")
        .with_env("KUBECTL_PORT_FORWARD_WEBSOCKETS", "false")
}

fn watch(suite: &Suite, world: &World) {
    let alice = suite.person(world, Who::Admin).kubectl;
    alice.run(&["create", "configmap", "made-before", "-n", "workshop"]).unwrap().ok().unwrap();
    let mut watch = alice.start(&["get", "configmaps", "-n", "workshop", "--watch", "--output-watch-events"]).unwrap();
    watch.wait_for("made-before", LIMIT).unwrap();
    world.api.admin.run(&["create", "configmap", "made-later", "-n", "workshop"]).unwrap().ok().unwrap();
    watch.wait_for("made-later", LIMIT).unwrap();
}

fn logs_follow(suite: &Suite, world: &World) {
    let alice = suite.person(world, Who::Admin).kubectl;
    let mut logs = alice.start(&["logs", "-f", "hello", "-n", TEAM, "--tail=1"]).unwrap();
    logs.wait_for("hello ", LIMIT).unwrap();
    let lines = logs.stdout().lines().count();
    poll::until("more lines of the log", LIMIT, || {
        let now = logs.stdout().lines().count();
        if now > lines + 1 { Ok(()) } else { Err(format!("{now} lines")) }
    })
    .unwrap();
}

fn exec(kubectl: &Kubectl) {
    let said = kubectl.run(&["exec", "hello", "-n", TEAM, "--", "echo", "one two"]).unwrap().ok().unwrap();
    assert_eq!(said, "one two\n");
    let typed =
        kubectl.run_with_input(&["exec", "-i", "hello", "-n", TEAM, "--", "cat"], "typed\n").unwrap().ok().unwrap();
    assert_eq!(typed, "typed\n", "standard input arrives");
    let failed = kubectl.run(&["exec", "hello", "-n", TEAM, "--", "sh", "-c", "exit 7"]).unwrap();
    assert_eq!(failed.code, Some(7), "the exit code comes back: {failed}");
}

fn attach(kubectl: &Kubectl) {
    let mut attached = kubectl.start(&["attach", "hello", "-n", TEAM]).unwrap();
    attached.wait_for("hello ", LIMIT).unwrap();
}

fn copy(kubectl: &Kubectl, world: &World, name: &str) {
    let (here, back) = (world.dir.join(format!("{name}.txt")), world.dir.join(format!("{name}-back.txt")));
    let there = world.dir.join(format!("{name}-in-the-pod.txt")).display().to_string();
    let content = "all of it\n".repeat(50_000);
    std::fs::write(&here, &content).unwrap();
    let inside = format!("{TEAM}/hello:{there}");
    kubectl.run(&["cp", here.to_str().unwrap(), &inside]).unwrap().ok().unwrap();
    kubectl.run(&["cp", &inside, back.to_str().unwrap()]).unwrap().ok().unwrap();
    assert_eq!(std::fs::read_to_string(&back).unwrap(), content, "the file came back as it went");
}

fn port_forward(kubectl: &Kubectl) {
    // A pod's ports are this machine's (tests/cluster): an echo server stands for the container's.
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let served = server.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in server.incoming().flatten() {
            let mut out = stream.try_clone().unwrap();
            let _ = std::io::copy(&mut &stream, &mut out);
        }
    });
    let local = port::free().unwrap();
    let mut forward = kubectl.start(&["port-forward", "hello", "-n", TEAM, &format!("{local}:{served}")]).unwrap();
    forward.wait_for("Forwarding from", LIMIT).unwrap();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(("127.0.0.1", local)).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(b"ping").unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"ping", "what went in came back");
    }
}
